"""Reading and planning on a Dask cluster of real processes on loopback: the same plans, nothing lost, no secret shown."""

import base64
import gc
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from driver import CSM, PATIENCE, ROOT, STAFF, Rollcall, until
from tiny_hibob import SERVICE_USER, TOKEN, TinyHiBob

from provisioning.cluster import hands_of
from provisioning.errors import ClusterError, SettingsError, SourceError
from provisioning.hands import Closed, Here, Tell
from provisioning.model import Plan
from provisioning.store import jobs
from provisioning.store.jobs import JobKind, JobState
from provisioning.workflow import asking, planning
from provisioning.workflow.house import Workspace, member

SEARCH = "/people/search"

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""Where a scheduler goes away in the middle of a greeting, distributed leaves the connection to the garbage collector."""


@pytest.fixture(autouse=True)
def swept() -> Iterator[None]:
    """It is collected here, and not in the middle of somebody else's test."""
    yield
    gc.collect()


class Dask:
    """A scheduler and workers, each a process with a log of its own, which says as much as it can."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = str(found.getsockname()[1])
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def scheduler(self) -> None:
        self._start("scheduler", "--port", self.port)
        until(lambda: "Scheduler at" in self.log("scheduler"))

    def worker(self, name: str, house: Path = ROOT) -> None:
        own = ("--name", name, "--nthreads", "2", "--no-nanny", "--local-directory", str(self.folder / f"{name}-files"))
        self._start("worker", self.address, *own, name=name, house=house)
        until(lambda: "Registered to" in self.log(name))

    def _start(self, kind: str, *words: str, name: str = "", house: Path = ROOT) -> None:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(house), "DASK_LOGGING__DISTRIBUTED": "debug",
            "HOME": str(self.folder),
        }  # fmt: skip
        command = [sys.executable, "-m", "dask", kind, *words, "--host", "127.0.0.1", "--no-dashboard"]
        with (self.folder / f"{name or kind}.log").open("ab") as log:
            self.processes[name or kind] = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdout=log, stderr=log
            )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def logs(self) -> str:
        return "".join(self.log(name) for name in self.processes)

    def kill(self, name: str) -> None:
        process = self.processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait()

    def busy(self) -> list[str]:
        """The workers that have a task in hand, by their own logs."""
        names = [name for name in self.processes if name != "scheduler"]
        return [name for name in names if re.search(r"read-people", self.log(name))]

    def close(self) -> None:
        for name in self.processes:
            self.kill(name)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    """Nothing runs yet."""
    (tmp_path / "dask").mkdir()
    made = Dask(tmp_path / "dask")
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    made = Dask(tmp_path_factory.mktemp("dask"))
    try:
        made.scheduler()
        made.worker("one")
        made.worker("two")
        yield made
    finally:
        made.close()


def on_cluster(house: Rollcall, address: str, tell: Tell = lambda text: None, **more: str) -> Callable[[], Plan]:
    """A preview whose reading and planning is done there."""
    environment = house.environment | {"ROLLCALL_CLUSTER": address} | more
    hands = hands_of(environment, Here())
    space = Workspace(house.data, environment, member(CSM))

    def preview() -> Plan:
        try:
            return planning.preview(replace(space, hands=hands.telling(tell)), STAFF)
        finally:
            hands.close()

    return preview


def aside(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """The call in a thread, and what came of it."""
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(call())
        except Exception as problem:
            came.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


# --- as it should be --------------------------------------------------------------------------------------


def test_the_cluster_makes_the_same_plan_as_this_machine(running: Dask, staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    hibob.forget(3)
    here = staffed.preview()
    calls = len(hibob.calls)
    there = on_cluster(staffed, running.address)()
    assert (there.digest, dict(there.counts)) == (here["digest"], here["counts"])
    assert len(hibob.calls) > calls
    assert "read-people-1" in running.logs()
    assert "plan-1" in running.logs()


def test_a_real_worker_hands_its_jobs_to_the_cluster(running: Dask, staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    staffed.environment["ROLLCALL_CLUSTER"] = running.address
    space = Workspace(staffed.data, staffed.environment, member(CSM))
    job = asking.ask(space, STAFF, JobKind.PREVIEW)
    worker = staffed.start("worker")
    until(lambda: not jobs.get_job(space.db, job).open)
    worker.terminate()
    worker.communicate(timeout=PATIENCE)
    assert worker.returncode == 0
    assert jobs.get_job(space.db, job).state is JobState.DONE
    said = staffed.call("doctor").fine().out
    assert re.search(rf"fine +cluster: {running.address}: 2 workers, Rollcall .*not encrypted", said)


def test_no_secret_and_no_person_is_in_a_key_or_a_log(running: Dask, acme: Rollcall, hibob: TinyHiBob) -> None:
    """Also when a read fails and when planning breaks: then Dask logs the task with its arguments."""
    from distributed import Client

    preview = on_cluster(acme, running.address)
    preview()
    hibob.fault = 401
    with pytest.raises(SourceError, match="credentials"):
        preview()
    hibob.fault = None
    hands = hands_of({"ROLLCALL_CLUSTER": running.address}, Here())
    with pytest.raises(ZeroDivisionError):
        hands.do("breaks-1", _break, {"token": TOKEN, "person": "First7 Last7"})
    hands.close()
    with Client(running.address, set_as_default=False) as client:
        remembered = client.run_on_scheduler(_remembered)
    shown = running.logs() + remembered
    assert f"{Closed(TOKEN)} {[Closed(TOKEN)]}" == "Closed(…) [Closed(…)]"
    assert re.search("Compute Failed\nKey: +breaks-1", shown)
    assert re.search("Compute Failed\nKey: +read-people-1", shown)
    assert "breaks-1" in remembered
    basic = base64.b64encode(f"{SERVICE_USER}:{TOKEN}".encode()).decode()
    for secret in (
        TOKEN,
        TOKEN[-12:],
        basic,
        "First7",
        "person7@acme.example",
        (acme.data / "rollcall.key").read_text(),
    ):
        assert secret.strip() not in shown


def _break(given: object) -> int:
    return 1 // 0


_break.__module__ = "__main__"
"""So that it travels as code: the cluster does not know the tests."""


def _remembered(dask_scheduler: Any) -> str:
    """All that the scheduler can tell of the tasks there were."""
    return repr(list(dask_scheduler.transition_log)) + repr(dask_scheduler.get_events())


_remembered.__module__ = "__main__"


# --- what can go wrong ------------------------------------------------------------------------------------


def test_a_killed_worker_costs_a_repeated_read_and_nothing_else(
    dask: Dask, staffed: Rollcall, hibob: TinyHiBob
) -> None:
    hibob.join(41)
    here, killed = staffed.preview(), threading.Event()

    def kill_the_reader(path: str) -> None:
        if SEARCH in path and not killed.is_set():
            killed.set()
            (reader,) = dask.busy()
            dask.kill(reader)

    dask.scheduler()
    dask.worker("one")
    dask.worker("two")
    hibob.meanwhile = kill_the_reader
    there = on_cluster(staffed, dask.address)()
    assert killed.is_set()
    assert there.digest == here["digest"]
    assert len(staffed.sql("SELECT * FROM plans WHERE digest = ?", there.digest)) == 2


def test_a_scheduler_that_dies_and_comes_back_loses_nothing(dask: Dask, staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    here, told, asked, go_on = staffed.preview(), list[str](), threading.Event(), threading.Event()

    def hold(path: str) -> None:
        if SEARCH in path and not go_on.is_set():
            asked.set()
            go_on.wait(PATIENCE)

    dask.scheduler()
    dask.worker("one")
    hibob.meanwhile = hold
    thread, came = aside(on_cluster(staffed, dask.address, told.append))
    assert asked.wait(PATIENCE)
    dask.kill("scheduler")
    dask.kill("one")
    until(lambda: bool(told))
    assert all(each.startswith("Waiting for the cluster: ") for each in told)
    go_on.set()
    dask.scheduler()
    dask.worker("one")
    thread.join(PATIENCE)
    assert [each.digest for each in came] == [here["digest"]]


def test_a_scheduler_without_workers_is_waited_for_in_so_many_words(dask: Dask, acme: Rollcall) -> None:
    dask.scheduler()
    with pytest.raises(ClusterError, match=r"it has no workers, for 1 seconds. Nothing was lost"):
        on_cluster(acme, dask.address, ROLLCALL_CLUSTER_PATIENCE="1")()
    acme.environment["ROLLCALL_CLUSTER"] = dask.address
    assert re.search(r"WRONG +cluster: .* 0 workers.* Start at least one worker", acme.call("doctor").out)


def test_a_cluster_that_never_comes_up_is_told_with_what_to_do(dask: Dask, acme: Rollcall) -> None:
    told: list[str] = []
    with pytest.raises(ClusterError, match=r"nobody answers at tcp://127.0.0.1.*ROLLCALL_CLUSTER_FALLBACK=local"):
        on_cluster(acme, dask.address, told.append, ROLLCALL_CLUSTER_PATIENCE="1")()
    assert set(told) == {f"Waiting for the cluster: nobody answers at {dask.address}"}
    assert acme.sql("SELECT * FROM plans") == []


def test_a_scheduler_that_takes_the_connection_and_says_nothing_is_nobody(acme: Rollcall) -> None:
    told: list[str] = []
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ClusterError, match=r"nobody answers at tcp://127\.0\.0\.1"):
            on_cluster(acme, address, told.append, ROLLCALL_CLUSTER_PATIENCE="1")()
    assert set(told) == {f"Waiting for the cluster: nobody answers at {address}"}


def test_a_scheduler_that_freezes_is_waited_for_in_so_many_words(
    dask: Dask, staffed: Rollcall, hibob: TinyHiBob
) -> None:
    hibob.join(41)
    here, told, go_on = staffed.preview(), list[str](), threading.Event()

    def freeze(path: str) -> None:
        if SEARCH in path and not go_on.is_set():
            dask.processes["scheduler"].send_signal(signal.SIGSTOP)
            go_on.wait(PATIENCE)

    dask.scheduler()
    dask.worker("one")
    hibob.meanwhile = freeze
    thread, came = aside(on_cluster(staffed, dask.address, told.append))
    until(lambda: bool(told))
    assert "Waiting for the cluster: " in told[0]
    dask.processes["scheduler"].send_signal(signal.SIGCONT)
    go_on.set()
    thread.join(PATIENCE)
    assert [each.digest for each in came] == [here["digest"]]


def test_a_job_says_that_it_waits_for_the_cluster_and_outlives_its_worker(dask: Dask, acme: Rollcall) -> None:
    acme.environment["ROLLCALL_CLUSTER"] = dask.address
    space = Workspace(acme.data, acme.environment, member(CSM))
    number = asking.ask(space, STAFF, JobKind.PREVIEW)
    worker = acme.start("worker")
    until(lambda: jobs.get_job(space.db, number).step.startswith("Waiting for the cluster: nobody answers"))
    worker.terminate()
    _, err = worker.communicate(timeout=PATIENCE)
    job = jobs.get_job(space.db, number)
    assert (worker.returncode, job.state, job.step, err) == (0, JobState.WAITING, "", b"")


def test_this_machine_steps_in_only_if_told_so(dask: Dask, acme: Rollcall) -> None:
    told: list[str] = []
    fallback = {"ROLLCALL_CLUSTER_PATIENCE": "0", "ROLLCALL_CLUSTER_FALLBACK": "local"}
    plan = on_cluster(acme, dask.address, told.append, **fallback)()
    assert plan.digest == acme.preview()["digest"]
    assert "done on this machine" in told[0]


def test_a_worker_of_another_version_is_named_and_gets_nothing(
    dask: Dask, acme: Rollcall, hibob: TinyHiBob, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "provisioning", tmp_path / "other" / "provisioning")
    with (tmp_path / "other" / "provisioning" / "errors.py").open("a") as file:
        file.write("# another version\n")
    dask.scheduler()
    dask.worker("one", tmp_path / "other")
    with pytest.raises(ClusterError, match=r"not of our version: worker tcp://.* has Rollcall .* from the same image"):
        on_cluster(acme, dask.address)()
    assert not [call for call in hibob.calls if SEARCH in call]
    acme.environment["ROLLCALL_CLUSTER"] = dask.address
    assert re.search(r"WRONG +cluster: .*not of our version", acme.call("doctor").out)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROLLCALL_CLUSTER", "scheduler:8786"),
        ("ROLLCALL_CLUSTER_FALLBACK", "yes"),
        ("ROLLCALL_CLUSTER_PATIENCE", "soon"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        hands_of({"ROLLCALL_CLUSTER": "tcp://127.0.0.1:1", name: value}, Here())
