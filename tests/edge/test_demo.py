"""The demo's processes: however it comes to its end, none of them stays."""

import subprocess
import sys
import time
from pathlib import Path

from provisioning import demo

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
