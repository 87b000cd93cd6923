"""Executes what was asked for and what is due: claims a job, does it by the same use case as the command line, records what came
of it. A worker that dies leaves a job that the next one repeats; every job may be repeated."""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import msgspec

from provisioning import workflow
from provisioning.errors import RollcallError
from provisioning.model import Actor
from provisioning.store import customers, jobs
from provisioning.store.jobs import Job, JobKind
from provisioning.store.leases import Holder, is_held
from provisioning.workflow import Workspace

LOOK_EVERY = 1.0
PATIENCE = 15.0
"""Seconds that messages on their way may take when the worker ends."""


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


def work(house: Workspace, stopping: Stopping, say: Callable[[str], None]) -> None:
    """Execute jobs, and between them the schedules that are due, until told to stop; the work at hand is finished first."""
    waiting_again = jobs.give_back(house.db, lambda domain_id: is_held(house.db, domain_id))
    say(f"Worker ready.{f' {waiting_again} interrupted jobs wait again.' if waiting_again else ''}")
    messenger = threading.Thread(target=_deliver, args=(replace(house), stopping), daemon=True)
    messenger.start()
    tidied: date | None = None
    while not stopping.asked:
        if tidied != (today := house.clock().date()):
            _survive(lambda: workflow.remove_old(house))
            tidied = today
        _survive(lambda: _run_due(house, say))
        job = jobs.claim(house.db, house.clock())
        if job is None:
            stopping.wait(LOOK_EVERY)
            continue
        execute(house, job)
        say(f"Job {job.id} ({job.kind.value}) ended.")
    messenger.join(PATIENCE)


def _run_due(house: Workspace, say: Callable[[str], None]) -> None:
    for done in workflow.run_due(house, patient=False):
        say(f"Schedule of {done.label}: {done.text}")


def _survive(do: Callable[[], object]) -> None:
    """Nobody waits for the answer, and everybody for the worker: what goes wrong here is written to the log."""
    try:
        do()
    except RollcallError as problem:
        print(f"The worker goes on after this: {problem}", file=sys.stderr, flush=True)
    except Exception:
        traceback.print_exc()


def _deliver(house: Workspace, stopping: Stopping) -> None:
    """Send messages in a thread of its own, with its own connection: a target that does not answer holds up no run."""
    while not stopping.asked:
        _survive(lambda: workflow.deliver(house))
        stopping.wait(LOOK_EVERY)
    house.db.close()


def execute(house: Workspace, job: Job) -> None:
    """Do one job as the person who asked for it, and record its result or the sentence why it failed."""
    try:
        label = customers.domain_by_id(house.db, job.domain_id).label
        result = _do(workflow.acting_as(house, Actor(job.by, job.by) if "@" in job.by else Actor(job.by)), job, label)
    except RollcallError as problem:
        jobs.finish(house.db, job.id, house.clock(), {}, str(problem))
    except Exception as problem:
        traceback.print_exc()
        error = f"This failed in a way nobody foresaw ({type(problem).__name__}). The worker’s log says more."
        jobs.finish(house.db, job.id, house.clock(), {}, error)
    else:
        jobs.finish(house.db, job.id, house.clock(), result)


def _do(house: Workspace, job: Job, label: str) -> dict[str, str]:
    def say(step: str) -> None:
        jobs.note(house.db, job.id, step)

    def waiting(holder: Holder) -> None:
        say(f"Waiting for {holder}")

    if job.kind is JobKind.PREVIEW:
        return {"plan": workflow.preview(house, label, waiting, say).id}
    if job.kind in (JobKind.PROCESS, JobKind.RETRY) and job.plan_id:
        retry = job.kind is JobKind.RETRY
        return {"run": workflow.process(house, job.plan_id, retry_failed=retry, waiting=waiting, say=say).id}
    if job.kind is JobKind.SAMPLE:
        return {"people": str(workflow.read_sample(house, label))}
    if job.kind is JobKind.DECIDE and job.plan_id:
        wishes = msgspec.json.decode(job.details, type=workflow.Wishes)
        return {"plan": workflow.decide(house, job.plan_id, wishes, waiting).id}
    if job.kind is JobKind.UNDO:
        return {"plan": workflow.undo(house, job.details, waiting).id}
    return {"check": msgspec.json.encode(workflow.check(house, label)).decode()}
