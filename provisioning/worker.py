"""Executes what was asked for and what is due, several domains side by side: claims a job, does it by the same use case as the
command line, records what came of it. A worker that dies leaves a job that the next one repeats; every job may be repeated."""

import os
import signal
import sys
import threading
import time
import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import date
from queue import SimpleQueue

import msgspec

from provisioning.cluster import hands_of
from provisioning.engine.turns import ALLOWED, AT_MOST, Turn, most_of_one, must_rest, next_turn
from provisioning.errors import RollcallError, SettingsError
from provisioning.hands import Here
from provisioning.model import Actor
from provisioning.store import customers, jobs
from provisioning.store.jobs import Job, JobKind
from provisioning.store.leases import Holder, is_held
from provisioning.workflow import (
    asking,
    deciding,
    farewell,
    planning,
    processing,
    reading,
    retention,
    sampling,
    telling,
    turns,
    undoing,
    workbooks,
)
from provisioning.workflow.due import run_due_domain
from provisioning.workflow.house import CARETAKERS, PutDown, Workspace, acting_as, require

LOOK_EVERY = 1.0
PATIENCE = 15.0
"""Seconds that messages on their way may take when the worker ends."""

WORKERS_VARIABLE, WORKERS, MOST_WORKERS = "ROLLCALL_WORKERS", 16, 64
"""How many domains are seen to side by side. Most of the time they wait for HiBob or a portal."""

RESTS = f"Waiting, for HiBob allows {ALLOWED} reads a minute"

Report = Callable[[str], None]

Made = Callable[[Workspace, str], None]
"""What becomes of the plan of this id, that was just made."""


class Stopping:
    """Asked for by SIGTERM and SIGINT, and with the parent process's end if so wished. A plain flag: a handler that set a `threading.Event` could meet the main thread inside
    that event's own lock, and wait for ever."""

    def __init__(self, *, with_parent: bool = False) -> None:
        self._signalled = False
        self._parent = os.getppid() if with_parent else None
        for kind in (signal.SIGTERM, signal.SIGINT):
            signal.signal(kind, self._ask)

    def _ask(self, *_: object) -> None:
        self._signalled = True

    @property
    def asked(self) -> bool:
        """An orphan is given to another parent: then nobody is left to work for."""
        return self._signalled or (self._parent is not None and os.getppid() != self._parent)

    def wait(self, seconds: float) -> None:
        """Sleep, but not much longer than until the signal."""
        end = time.monotonic() + seconds
        while not self.asked and time.monotonic() < end:
            time.sleep(0.1)


def work(house: Workspace, stopping: Stopping, say: Report) -> None:
    """Execute jobs and the schedules that are due until told to stop. A run at hand then pauses after its chunk, to be gone on
    with by the next worker; everything else at hand is finished first. Raises `SettingsError`, and `RoleMissing` before
    anything is looked at when the actor may not work for every customer."""
    require(house, None, CARETAKERS, "work for every customer")
    workers = how_many(house.environment)
    local = Here(ThreadPoolExecutor(workers, "reading"))
    hands = hands_of(house.environment, local)
    waiting_again = jobs.give_back(house.db, lambda domain_id: is_held(house.db, domain_id))
    say(f"Worker ready.{f' {waiting_again} interrupted jobs wait again.' if waiting_again else ''}")
    messenger = threading.Thread(target=_deliver, args=(replace(house), stopping), daemon=True)
    messenger.start()
    crew = _Crew(replace(house, hands=hands, ending=lambda: stopping.asked), workers, say)
    tidied: date | None = None
    try:
        while not stopping.asked:
            if tidied != (today := house.clock().date()):
                _survive(lambda: retention.remove_old(house), stopping)
                tidied = today
            _survive(lambda: crew.look(stopping), stopping)
    finally:
        crew.end()
        hands.close()
        local.close()
    messenger.join(PATIENCE)


def how_many(environment: Mapping[str, str]) -> int:
    """How many domains are seen to side by side. Raises `SettingsError`."""
    written = environment.get(WORKERS_VARIABLE, "").strip() or str(WORKERS)
    if not written.isascii() or not written.isdecimal() or not 1 <= int(written[:9]) <= MOST_WORKERS:
        raise SettingsError(f"{WORKERS_VARIABLE} must be a number from 1 to {MOST_WORKERS}, not “{written}”.")
    return int(written)


@dataclass
class _Crew:
    """The threads of this worker, and who is seen to by them. Used by the main thread alone; each turn has a thread and a
    connection to the database of its own, so that one that breaks takes nobody with it."""

    house: Workspace
    workers: int
    say: Report
    running: dict["Future[None]", Turn] = field(default_factory=dict)
    waiting: list[Turn] = field(default_factory=list)
    begun: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=AT_MOST)))
    broken: list[Turn] = field(default_factory=list)
    looked: float = float("-inf")
    asked: "SimpleQueue[str]" = field(default_factory=SimpleQueue)
    due: "SimpleQueue[str]" = field(default_factory=SimpleQueue)
    building: "Future[None] | None" = None

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(self.workers, "domain")
        self.binder = ThreadPoolExecutor(1, "workbook")

    def look(self, stopping: Stopping) -> None:
        """Begin what can begin, then wait until something ends, or for the next look."""
        if time.monotonic() - self.looked >= LOOK_EVERY:
            self._give_back()
            self.waiting, self.looked = turns.turns_waiting(self.house), time.monotonic()
            self._say_who_rests()
        while len(self.running) < self.workers and (turn := self._next(self.waiting)):
            self._begin(turn)
        self._build()
        at_work = [*self.running, *([self.building] if self.building else [])]
        if at_work:
            wait(at_work, LOOK_EVERY / 5, FIRST_COMPLETED)
            self._settle()
        else:
            stopping.wait(LOOK_EVERY)

    def _next(self, waiting: Iterable[Turn]) -> Turn | None:
        return next_turn(waiting, self.running.values(), self.begun, time.monotonic(), most_of_one(self.workers))

    def _say_who_rests(self) -> None:
        for customer_id in {turn.customer_id for turn in self.waiting if turn.job_id is not None}:
            if must_rest(self.begun[customer_id], self.looked):
                jobs.note_waiting(self.house.db, customer_id, RESTS)

    def _begin(self, turn: Turn) -> None:
        self.waiting.remove(turn)
        job, made = None, self.due
        if turn.job_id is not None:
            job, made = jobs.claim(self.house.db, self.house.clock(), turn.job_id), self.asked
            if job is None:
                return  # Another worker was faster.
        self.begun[turn.customer_id].append(time.monotonic())

        def note(_: Workspace, plan_id: str) -> None:
            made.put(plan_id)

        self.running[self.threads.submit(take, replace(self.house), turn, job, self.say, note)] = turn

    def _build(self) -> None:
        """The workbooks of new plans, one by one. Those of previews that people asked for come after such previews, and
        before schedules; those of schedules are built while a thread has nothing to do. Whoever asks sooner has it built then."""
        if self.building:
            return
        idle = len(self.running) < self.workers  # Nobody else can begin, or they would have.
        if not self.asked.empty() and (
            idle or not self._next(each for each in self.waiting if each.job_id is not None)
        ):
            plan_id = self.asked.get()
        elif idle and not self.due.empty():
            plan_id = self.due.get()
        else:
            return
        self.building = self.binder.submit(_build_apart, replace(self.house), plan_id)

    def _settle(self) -> None:
        if self.building and self.building.done():
            self.building = None
        for ended in [each for each in self.running if each.done()]:
            turn = self.running.pop(ended)
            problem = ended.exception()
            if problem is not None:
                print(f"A turn of domain {turn.domain_id} broke off: {problem!r}", file=sys.stderr, flush=True)
                self.broken.append(turn)

    def _give_back(self) -> None:
        """Jobs whose end could not be recorded wait again, as they would after a crash."""
        for turn in self.broken:
            if turn.job_id is not None:
                jobs.wait_again(self.house.db, turn.job_id)
        self.broken = []

    def end(self) -> None:
        """Wait for the turns at hand."""
        self.threads.shutdown()
        self.binder.shutdown()
        self._settle()
        self._give_back()


def take(house: Workspace, turn: Turn, job: Job | None, say: Report, made: Made) -> None:
    """One turn, in a thread: `house` is its own, with a connection that nobody else uses."""
    heard = ""

    def hear(text: str) -> None:
        """What the turn has to wait for. A worker that ends does not wait for it."""
        nonlocal heard
        if house.ending():
            raise PutDown
        if text != heard:
            heard = text
            if job:
                jobs.note(house.db, job.id, text)
            else:
                say(f"Domain {turn.domain_id}: {text}")

    house.hands = house.hands.telling(hear)
    try:
        if job is None:
            done = run_due_domain(house, turn.domain_id)
            if done:
                say(f"Schedule of {done.label}: {done.text}")
            if done and done.plan_id:
                made(house, done.plan_id)
            return
        execute(house, job, made)
        say(f"Job {job.id} ({job.kind.value}) ended.")
    except PutDown:
        if job is not None:
            jobs.wait_again(house.db, job.id)
    finally:
        house.db.close()


def _survive(do: Callable[[], object], stopping: Stopping) -> None:
    """Nobody waits for the answer, and everybody for the worker: what goes wrong here is written to the log."""
    try:
        do()
    except RollcallError as problem:
        print(f"The worker goes on after this: {problem}", file=sys.stderr, flush=True)
        stopping.wait(LOOK_EVERY)
    except Exception:
        traceback.print_exc()
        stopping.wait(LOOK_EVERY)


def _deliver(house: Workspace, stopping: Stopping) -> None:
    """Send messages in a thread of its own, with its own connection: a target that does not answer holds up no run."""
    while not stopping.asked:
        _survive(lambda: telling.deliver(house), stopping)
        stopping.wait(LOOK_EVERY)
    house.db.close()


def build_workbook(house: Workspace, plan_id: str) -> None:
    """While people look at the new preview. Without it the workbook is built when somebody asks for it."""
    try:
        workbooks.build_workbook(house, plan_id)
    except Exception as problem:
        if not isinstance(problem, RollcallError | OSError):
            traceback.print_exc()
        print(f"The workbook of {plan_id} could not be built: {problem}", file=sys.stderr, flush=True)


def _build_apart(house: Workspace, plan_id: str) -> None:
    """In a thread of its own."""
    try:
        build_workbook(house, plan_id)
    finally:
        house.db.close()


def execute(house: Workspace, job: Job, made: Made = build_workbook) -> None:
    """Do one job as the person who asked for it, and record its result or the sentence why it failed."""
    try:
        label = customers.domain_by_id(house.db, job.domain_id).label
        result = _do(acting_as(house, Actor(job.by, job.by) if "@" in job.by else Actor(job.by)), job, label)
    except RollcallError as problem:
        jobs.finish(house.db, job.id, house.clock(), {}, str(problem))
    except Exception as problem:
        traceback.print_exc()
        error = f"This failed in a way nobody foresaw ({type(problem).__name__}). The worker’s log says more."
        jobs.finish(house.db, job.id, house.clock(), {}, error)
    else:
        jobs.finish(house.db, job.id, house.clock(), result)
        if "plan" in result:
            made(house, result["plan"])


def _do(house: Workspace, job: Job, label: str) -> dict[str, str]:
    def say(step: str) -> None:
        jobs.note(house.db, job.id, step)

    def waiting(holder: Holder) -> None:
        say(f"Waiting for other work on this domain ({holder.doing.partition(' ')[0]})")

    def moving(done: int, total: int) -> None:
        """Whatever it waited for, it goes on."""
        say("")

    if job.kind is JobKind.PREVIEW:
        return {"plan": planning.preview(house, label, waiting, say).id}
    if job.kind in (JobKind.PROCESS, JobKind.RETRY) and job.plan_id:
        retry = job.kind is JobKind.RETRY
        ended = processing.process(house, job.plan_id, retry_failed=retry, waiting=waiting, progress=moving, say=say)
        return {"run": ended.id}
    if job.kind is JobKind.SAMPLE:
        return {"people": str(sampling.read_sample(house, label))}
    if job.kind is JobKind.DECIDE and job.plan_id:
        wishes = msgspec.json.decode(job.details, type=asking.Wishes)
        return {"plan": deciding.decide(house, job.plan_id, wishes, waiting).id}
    if job.kind is JobKind.FAREWELL:
        return {"plan": farewell.farewell(house, label, waiting).id}
    if job.kind is JobKind.UNDO:
        return {"plan": undoing.undo(house, job.details, waiting).id}
    return {"check": msgspec.json.encode(reading.check(house, label)).decode()}
