"""The demo's processes: however it comes to its end, none of them stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioning import demo
from provisioning.errors import UsageError

SOON = 30.0
DEMO = """
import sys, time
from pathlib import Path
from provisioning import demo
with demo.together(Path(sys.argv[1]), 0, 0, 10) as (_, address, children):
    print(*(each.pid for each in children), flush=True)
    time.sleep(600)
"""


def is_running(pid: int) -> bool:
    """One that has ended and that nobody has asked for is a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_demo_that_is_killed_leaves_neither_worker_nor_web_app(tmp_path: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", DEMO, str(tmp_path / "data")], cwd=demo.ROOT, stdout=subprocess.PIPE, text=True
    )
    with killed:
        assert killed.stdout
        children = [int(each) for each in killed.stdout.readline().split()]
        assert [is_running(each) for each in children] == [True, True]
        killed.kill()
    deadline = time.monotonic() + SOON
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [is_running(each) for each in children] == [False, False]


def test_the_demo_keeps_to_the_data_folder_that_is_named(tmp_path: Path) -> None:
    data = tmp_path / "my demo"
    started = subprocess.Popen(
        [sys.executable, "-m", "provisioning", "demo", "--data", str(data)], cwd=demo.ROOT, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "CI": "1"},
    )  # fmt: skip
    with started:
        assert started.stdout
        told = ""
        while "Ctrl-C" not in told and (line := started.stdout.readline()):
            told += line
        assert f"--data '{data}' day" in told
        assert (data / demo.ADDRESS_FILE).exists()
        assert demo.pass_day(data)[0].startswith("A day passed")
        started.send_signal(signal.SIGINT)
        assert started.wait(SOON) == 0


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "rollcall.db"
    kept.write_text("somebody's")
    with pytest.raises(UsageError, match="no demo made it"):
        demo.serve(tmp_path)
    assert kept.read_text() == "somebody's"


def test_what_an_earlier_demo_left_is_taken_away(tmp_path: Path) -> None:
    with demo._emptied(tmp_path / "demo"):
        (tmp_path / "demo" / "rollcall.db").write_text("old")
    with demo._emptied(tmp_path / "demo"):
        assert [each.name for each in (tmp_path / "demo").iterdir()] == [demo.DEMO_MARK]


def test_a_folder_on_which_a_demo_runs_is_left_to_it(tmp_path: Path) -> None:
    with demo._emptied(tmp_path / "demo"):
        (tmp_path / "demo" / "rollcall.db").write_text("at work")
        with pytest.raises(UsageError, match="A demo is running on"):
            demo.serve(tmp_path / "demo")
        assert (tmp_path / "demo" / "rollcall.db").read_text() == "at work"
