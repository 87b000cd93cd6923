"""What is asked of the worker. A page records a job and polls; a worker claims and executes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provisioning.database import Database, Row
from provisioning.errors import NotFound
from provisioning.store.codec import from_json, to_json, to_text


class JobKind(StrEnum):
    CHECK = "check"
    PREVIEW = "preview"
    PROCESS = "process"
    RETRY = "retry"
    SAMPLE = "sample"
    DECIDE = "decide"
    UNDO = "undo"
    FAREWELL = "farewell"


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """`details`: what is wished, where the kind and the plan do not say it all. `result` names what came of it (plan,
    run); `error` is the sentence for people when it failed; `step` what is being done now."""

    id: int
    domain_id: int
    kind: JobKind
    plan_id: str | None
    by: str
    state: JobState
    result: dict[str, str]
    error: str | None
    step: str = ""
    ended_at: str | None = None
    details: str = ""

    @property
    def open(self) -> bool:
        return self.state in (JobState.WAITING, JobState.RUNNING)


def ask(
    db: Database, domain_id: int, kind: JobKind, by: str, at: datetime, plan_id: str | None = None, details: str = ""
) -> int:
    return db.insert(
        "jobs", domain_id=domain_id, kind=kind.value, plan_id=plan_id, by=by, asked_at=to_text(at), details=details
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that nobody has claimed, in as few words as it takes to choose one."""

    job_id: int
    domain_id: int


def waiting(db: Database) -> list[Waiting]:
    """The jobs whose domain no other job is working on, oldest first."""
    rows = db.all(f"SELECT id, domain_id FROM jobs WHERE {_CLAIMABLE} ORDER BY id")
    return [Waiting(row["id"], row["domain_id"]) for row in rows]


_CLAIMABLE = "state = 'waiting' AND domain_id NOT IN (SELECT domain_id FROM jobs WHERE state = 'running')"


def claim(db: Database, at: datetime, job_id: int | None = None) -> Job | None:
    """This job, or the oldest that waits; None where it does not wait any more, or its domain is being worked on."""
    with db.transaction():
        row = db.one(
            f"SELECT id FROM jobs WHERE {_CLAIMABLE} AND (? IS NULL OR id = ?) ORDER BY id LIMIT 1", job_id, job_id
        )
        if row is None:
            return None
        db.execute("UPDATE jobs SET state = 'running', step = '', started_at = ? WHERE id = ?", to_text(at), row["id"])
    return get_job(db, row["id"])


def get_job(db: Database, job_id: int) -> Job:
    row = db.one("SELECT * FROM jobs WHERE id = ?", job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return _job(row)


def _job(row: Row) -> Job:
    return Job(
        id=row["id"],
        domain_id=row["domain_id"],
        kind=JobKind(row["kind"]),
        plan_id=row["plan_id"],
        by=row["by"],
        state=JobState(row["state"]),
        result=from_json(row["result"], dict[str, str]) if row["result"] else {},
        error=row["error"],
        step=row["step"],
        ended_at=row["ended_at"],
        details=row["details"],
    )


def latest(
    db: Database, domain_id: int, kinds: Sequence[JobKind], plan_id: str | None = None, *, ended: bool = False
) -> Job | None:
    """The last job of these kinds; with a plan, the last for it. `ended`: the last that came to an end."""
    marks = ", ".join("?" for _ in kinds)
    row = db.one(
        f"SELECT * FROM jobs WHERE domain_id = ? AND kind IN ({marks}) AND (? IS NULL OR plan_id = ?) "
        "AND (NOT ? OR state IN ('done', 'failed')) ORDER BY id DESC LIMIT 1",
        domain_id, *(each.value for each in kinds), plan_id, plan_id, ended,
    )  # fmt: skip
    return _job(row) if row else None


def note(db: Database, job_id: int, step: str) -> None:
    """What the worker is doing for this job now."""
    db.execute("UPDATE jobs SET step = ? WHERE id = ?", step, job_id)


def note_waiting(db: Database, customer_id: int, step: str) -> None:
    """Why a customer's jobs wait."""
    db.execute(
        "UPDATE jobs SET step = ? WHERE state = 'waiting' AND step <> ? "
        "AND domain_id IN (SELECT id FROM domains WHERE customer_id = ?)",
        step, step, customer_id,
    )  # fmt: skip


def finish(db: Database, job_id: int, at: datetime, result: dict[str, str], error: str | None = None) -> None:
    state = JobState.FAILED if error else JobState.DONE
    db.execute(
        "UPDATE jobs SET state = ?, ended_at = ?, result = ?, error = ? WHERE id = ?",
        state.value, to_text(at), to_json(result), error, job_id,
    )  # fmt: skip


def wait_again(db: Database, job_id: int) -> None:
    """Whoever worked on it went away before it was done; it may be repeated."""
    db.execute("UPDATE jobs SET state = 'waiting', step = '' WHERE id = ? AND state = 'running'", job_id)


def remove_old(db: Database, domain_id: int, before: datetime) -> int:
    """Remove jobs that ended before a moment, and say how many."""
    return db.execute(
        "DELETE FROM jobs WHERE domain_id = ? AND state IN ('done', 'failed') AND ended_at < ?",
        domain_id,
        to_text(before),
    )


def give_back(db: Database, busy: Callable[[int], bool]) -> int:
    """Jobs that were running when their worker died wait again; every job may be repeated. `busy` says of a domain
    whether somebody still works on it. Returns how many."""
    with db.transaction():
        left = [
            row["id"]
            for row in db.all("SELECT id, domain_id FROM jobs WHERE state = 'running'")
            if not busy(row["domain_id"])
        ]
        db.many("UPDATE jobs SET state = 'waiting' WHERE id = ?", [(job_id,) for job_id in left])
    return len(left)
