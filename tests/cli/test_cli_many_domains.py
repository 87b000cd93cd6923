"""One worker and many domains: side by side, fair between customers, and nobody falls with somebody else."""

import gc
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from driver import ADMIN, CSM, PATIENCE, STAFF, Rollcall, attribute, customer, domain, until
from scheduling import overdue
from scim_servers import EMAIL, Answer, Next, Request, ScimServer
from scim_servers import TOKEN as SCIM_TOKEN
from tiny_hibob import TinyHiBob, company

from provisioning.database import Database
from provisioning.engine.turns import AT_MOST
from provisioning.hands import Here
from provisioning.setup_file import ScheduleTable
from provisioning.store import customers, jobs
from provisioning.store.jobs import JobKind, JobState
from provisioning.workflow import approving, asking, planning, processing, scheduling
from provisioning.workflow.house import Workspace, member

SEARCH = "/people/search"


class Office:
    """An installation with several customers, and a page's way of asking its worker."""

    def __init__(self, house: Rollcall, hibobs: dict[str, TinyHiBob], domains: int) -> None:
        self.house = house
        for name, hibob in hibobs.items():
            each = [domain(name=f"d{place}") for place in range(domains)]
            house.set_up(customer(hibob.base_url, *each, customer={"name": name})).fine()
        self.space = Workspace(house.data, house.environment, member(CSM))

    def ask(self, label: str, kind: JobKind = JobKind.PREVIEW, plan: str | None = None) -> int:
        return asking.ask(self.space, label, kind, plan)

    def state(self, job: int) -> JobState:
        return jobs.get_job(self.space.db, job).state

    def states(self, *numbers: int) -> Counter[JobState]:
        return Counter(self.state(each) for each in numbers)

    def until_done(self, *numbers: int) -> None:
        until(lambda: self.states(*numbers) == {JobState.DONE: len(numbers)})


@contextmanager
def worker(house: Rollcall, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker that must end well."""
    process = house.start("worker", env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert b"Traceback" not in err


@pytest.fixture
def two(empty: Rollcall) -> Iterator[tuple[Office, TinyHiBob, TinyHiBob]]:
    """Acme and Beta, three domains each, every customer with a HiBob of its own."""
    with TinyHiBob(company(5)) as acme, TinyHiBob(company(5)) as beta:
        yield Office(empty, {"Acme": acme, "Beta": beta}, 3), acme, beta


def hold(hibob: TinyHiBob) -> threading.Event:
    """Nobody's people are told until the event is set."""
    go_on = threading.Event()

    def meanwhile(path: str) -> None:
        if SEARCH in path:
            go_on.wait(PATIENCE)

    hibob.meanwhile = meanwhile
    return go_on


def test_workbooks_are_built_when_no_domain_waits_any_more(two: tuple[Office, TinyHiBob, TinyHiBob]) -> None:
    """One domain at a time: nobody's preview waits for somebody else's Excel file, and all of them are there in the end."""
    office, *_ = two
    labels = [f"{name}/d{place}" for name in ("Acme", "Beta") for place in range(3)]
    numbers = [office.ask(label) for label in labels]
    with worker(office.house, ROLLCALL_WORKERS="1"):
        office.until_done(*numbers)
        until(lambda: len(list(office.space.snapshots.glob("*.xlsx"))) == len(labels))
    last = office.space.db.one("SELECT max(started_at) AS at FROM jobs")
    assert last
    first = min(file.stat().st_mtime for file in office.space.snapshots.glob("*.xlsx"))
    assert datetime.fromisoformat(last["at"]).timestamp() <= first


def test_a_workbook_is_built_while_a_domain_waits_that_cannot_begin(
    two: tuple[Office, TinyHiBob, TinyHiBob],
) -> None:
    """Acme has its share of the threads, and its next domain waits; one thread is free."""
    office, acme, _ = two
    go_on = hold(acme)
    slow = [office.ask(f"Acme/d{place}") for place in range(2)]
    with worker(office.house, ROLLCALL_WORKERS="2"):
        office.until_done(office.ask("Beta/d0"))
        until(lambda: bool(list(office.space.snapshots.glob("*.xlsx"))))
        assert office.states(*slow) == {JobState.RUNNING: 1, JobState.WAITING: 1}
        go_on.set()


def test_the_workbook_of_a_preview_that_somebody_asked_for_does_not_wait_for_schedules(empty: Rollcall) -> None:
    """The only thread is at work for one schedule, and another one waits for it."""
    with TinyHiBob(company(5)) as slow, TinyHiBob(company(5)) as quick:
        office = Office(empty, {"Acme": slow, "Beta": slow, "Crux": quick}, 1)
        for label in ("Acme/d0", "Beta/d0"):
            plan = planning.preview(office.space, label)
            approving.approve(office.space, plan.id)
            processing.process(office.space, plan.id)
            scheduling.save_schedule(office.space, label, ScheduleTable("0 5 * * *"))
            scheduling.switch_on(office.space, label)
        overdue(empty)
        go_on = hold(slow)
        job = office.ask("Crux/d0")
        with worker(empty, ROLLCALL_WORKERS="1"):
            office.until_done(job)
            until(lambda: bool(list(office.space.snapshots.glob("*.xlsx"))))
            assert not go_on.is_set()
            go_on.set()
            until(lambda: len(list(office.space.snapshots.glob("*.xlsx"))) == 3)


def test_a_customer_with_many_domains_keeps_below_hibobs_rate_and_says_so(empty: Rollcall) -> None:
    """Turns that are over at once, so that many begin within a minute on any machine: there is no such run to undo."""
    with TinyHiBob(company(5)) as hibob:
        office = Office(empty, {"Acme": hibob}, AT_MOST + 3)
        office.house.set_up(customer(hibob.base_url, domain(name="d0"), customer={"name": "Beta"})).fine()
        ids = [customers.get_domain(office.space.db, f"Acme/d{place}").id for place in range(AT_MOST + 3)]
        now = office.space.clock()
        many = [jobs.ask(office.space.db, each, JobKind.UNDO, CSM, now, details="none") for each in ids]
        with worker(office.house):
            until(lambda: "50 reads a minute" in jobs.get_job(office.space.db, many[-1]).step)
            assert office.states(*many) == {JobState.FAILED: AT_MOST, JobState.WAITING: 3}
            office.until_done(office.ask("Beta/d0"))
        claimed = jobs.claim(office.space.db, now, many[-1])
        assert claimed is None or claimed.step == ""


def test_domains_are_read_side_by_side(two: tuple[Office, TinyHiBob, TinyHiBob]) -> None:
    """HiBob answers nobody before four ask at once, two of each customer."""
    office, acme, beta = two
    together = threading.Barrier(4)
    asked: list[str] = []

    def meanwhile(path: str) -> None:
        if SEARCH in path and len(asked) < 4:
            asked.append(path)
            together.wait(PATIENCE)

    acme.meanwhile = beta.meanwhile = meanwhile
    previews = [office.ask(f"{name}/d{place}") for name in ("Acme", "Beta") for place in range(2)]
    with worker(office.house, ROLLCALL_WORKERS="4"):
        office.until_done(*previews)
    assert not together.broken


def test_a_customer_whose_hibob_hangs_holds_up_nobody_else(two: tuple[Office, TinyHiBob, TinyHiBob]) -> None:
    office, acme, _ = two
    go_on = hold(acme)
    slow = [office.ask(f"Acme/d{place}") for place in range(3)]
    with worker(office.house, ROLLCALL_WORKERS="2"):
        until(lambda: office.states(*slow)[JobState.RUNNING] == 1)
        office.until_done(*(office.ask(f"Beta/d{place}") for place in range(3)))
        assert office.states(*slow) == {JobState.RUNNING: 1, JobState.WAITING: 2}
        go_on.set()
        office.until_done(*slow)


def test_a_domain_has_one_job_at_a_time(two: tuple[Office, TinyHiBob, TinyHiBob]) -> None:
    office, acme, _ = two
    go_on = hold(acme)
    first, second = office.ask("Acme/d0"), office.ask("Acme/d0", JobKind.CHECK)
    with worker(office.house, ROLLCALL_WORKERS="8"):
        until(lambda: office.state(first) is JobState.RUNNING)
        office.until_done(office.ask("Beta/d0"))
        assert office.state(second) is JobState.WAITING
        go_on.set()
        office.until_done(first, second)


def test_a_turn_that_breaks_off_takes_nobody_with_it_and_is_repeated(
    two: tuple[Office, TinyHiBob, TinyHiBob],
) -> None:
    """Here: that the job is done cannot be recorded."""
    office, _, _ = two
    office.house.sql(
        "CREATE TRIGGER broken BEFORE UPDATE ON jobs WHEN NEW.state = 'done' AND NEW.id = 1 "
        "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    broken, *others = (office.ask(f"{name}/d{place}") for name in ("Acme", "Beta") for place in range(3))
    assert broken == 1
    with worker(office.house):
        office.until_done(*others)
        assert office.state(broken) in (JobState.WAITING, JobState.RUNNING)
        office.house.sql("DROP TRIGGER broken")
        office.until_done(broken)


@pytest.mark.parametrize(
    "make",
    [lambda: ThreadPoolExecutor(2), lambda: ProcessPoolExecutor(1, get_context("spawn"))],
    ids=["threads", "processes"],
)
def test_any_executor_reads_and_plans_the_same(
    staffed: Rollcall, hibob: TinyHiBob, make: Callable[[], Executor]
) -> None:
    """A process has nothing but what the task brings with it."""
    hibob.join(41)
    hibob.forget(3)
    space = Workspace(staffed.data, staffed.environment, member(ADMIN))
    here = planning.preview(space, STAFF)
    with make() as executor:
        there = planning.preview(replace(space, hands=Here(executor)), STAFF)
    assert (there.digest, there.status, there.counts) == (here.digest, here.status, here.counts)
    assert here.counts["add"] == 1


def test_while_others_plan_this_process_collects_its_garbage(staffed: Rollcall) -> None:
    """With a cluster that can be minutes."""
    collecting: list[bool] = []

    class Elsewhere(ThreadPoolExecutor):
        def submit(self, task: Any, /, *given: Any, **named: Any) -> Any:
            collecting.append(gc.isenabled())
            return super().submit(task, *given, **named)

    space = Workspace(staffed.data, staffed.environment, member(ADMIN))
    with Elsewhere(1) as executor:
        planning.preview(replace(space, hands=Here(executor)), STAFF)
    assert collecting == [True] * len(collecting)
    assert len(collecting) > 1


class Ending:
    """A portal that has the worker told to end while it writes somebody."""

    def __init__(self, after: int) -> None:
        self.after, self.writes = after, 0
        self.worker: subprocess.Popen[bytes] | None = None

    def __call__(self, request: Request, following: Next) -> Answer:
        self.writes += request.writes
        if self.worker and self.writes == self.after:
            self.worker.send_signal(signal.SIGTERM)
        return following(request)


def test_a_worker_that_is_told_to_end_pauses_its_run_after_the_chunk(empty: Rollcall, tmp_path: Path) -> None:
    people, ending = 500, Ending(after=110)
    with TinyHiBob(company(people)) as hibob, ScimServer(ending, bulk=False) as portal:
        empty.environment["SCIM_TOKEN"] = SCIM_TOKEN
        mapping = [
            attribute("userName", "root.email", required=True),
            attribute(EMAIL, "root.email"),
            attribute("name.familyName", "root.surname"),
        ]
        target = {"scim": portal.base_url, "token": {"env": "SCIM_TOKEN"}}
        empty.set_up(customer(hibob.base_url, domain(*mapping, unique_identifier="userName", target=target))).fine()
        plan = empty.preview()["plan"]
        empty.call("approve", plan, by=ADMIN).fine()
        space = Workspace(empty.data, empty.environment, member(ADMIN))
        job = asking.ask(space, STAFF, JobKind.PROCESS, plan)
        ending.worker = empty.start("worker")
        _, err = ending.worker.communicate(timeout=PATIENCE)
        assert (ending.worker.returncode, err) == (0, b"")
        ((settled,),) = empty.sql("SELECT count(*) FROM outcomes")
        assert settled % processing.CHUNK == 0
        assert 0 < settled < people
        assert settled == len(portal.everybody)
        assert empty.sql("SELECT status, note FROM runs") == [("running", "")]
        assert jobs.get_job(space.db, job).state is JobState.WAITING
        ending.worker = None
        with worker(empty):
            until(lambda: jobs.get_job(space.db, job).state is JobState.DONE)
        assert empty.sql("SELECT status FROM runs") == [("done",)]
        assert len({each["externalId"] for each in portal.everybody}) == len(portal.everybody) == people


@pytest.mark.parametrize("written", ["0", "65", "many", "-1", "٣"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(empty: Rollcall, written: str) -> None:
    empty.environment["ROLLCALL_WORKERS"] = written
    assert "ROLLCALL_WORKERS must be a number from 1 to 64" in empty.call("worker").complaint(2)


def test_a_job_is_claimed_by_one_of_two_workers(two: tuple[Office, TinyHiBob, TinyHiBob]) -> None:
    office, _, _ = two
    job = office.ask("Acme/d0")
    other = Database(office.house.data / "rollcall.db")
    now = office.space.clock()
    assert (jobs.claim(other, now, job) is None, jobs.claim(office.space.db, now, job)) == (False, None)
    jobs.wait_again(other, job)
    assert [each.job_id for each in jobs.waiting(other)] == [job]
    other.close()
