"""Having the worker do something, and seeing how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from provisioning.errors import NotFound, Refused
from provisioning.model import RunStatus
from provisioning.store import customers, jobs, plans, runs
from provisioning.store.jobs import Job, JobKind, JobState
from provisioning.store.leases import is_held
from provisioning.workflow.checked import Check
from provisioning.workflow.house import PREPARERS, Workspace, record_event, require, seen_domain
from provisioning.workflow.stored_plans import plan_seen, run_seen


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to decide, by the keys of a plan. `move`: key → another domain of the customer. `same`, `not_same`: pairs of
    an employee's key and a user's id. `test_accounts`: pairs of the account's e-mail and the domain where it is live.
    `forget`: keys about whom nothing is to be decided any more."""

    protect: Sequence[str] = ()
    move: Mapping[str, str] = field(default_factory=dict)
    same: Sequence[tuple[str, str]] = ()
    not_same: Sequence[tuple[str, str]] = ()
    test_accounts: Sequence[tuple[str, str]] = ()
    forget: Sequence[str] = ()


def ask(house: Workspace, label: str, kind: JobKind, plan_id: str | None = None, details: str = "") -> int:
    """Have the worker do something; asking twice for what still waits or runs is asking once. Returns the job.
    Raises `NotFound` for a plan of another domain."""
    domain = seen_domain(house, label, f"ask for this ({kind.value})", PREPARERS)
    if plan_id is not None and plan_seen(house, plan_id).domain_id != domain.id:
        raise NotFound(f"{label} has no preview “{plan_id}”: it belongs to another domain.")
    with house.db.transaction():
        last = jobs.latest(house.db, domain.id, [kind], plan_id)
        if last and last.open and last.details == details:
            return last.id
        return jobs.ask(house.db, domain.id, kind, house.actor.name, house.clock(), plan_id, details)


def ask_to_decide(house: Workspace, label: str, plan_id: str, wishes: Wishes) -> int:
    """Have decisions about people made, and the plan that follows from them. Returns the job."""
    return ask(house, label, JobKind.DECIDE, plan_id, msgspec.json.encode(wishes).decode())


def ask_to_undo(house: Workspace, label: str, run_id: str) -> int:
    """Have the way back from a run planned. Returns the job. Raises `NotFound` for a run of another domain."""
    domain = seen_domain(house, label, "undo a run", PREPARERS)
    if run_seen(house, run_id).domain_id != domain.id:
        raise NotFound(f"{label} has no run “{run_id}”: it belongs to another domain.")
    return ask(house, label, JobKind.UNDO, None, run_id)


def latest_job(house: Workspace, label: str, kinds: Sequence[JobKind], plan_id: str | None = None) -> Job | None:
    domain = seen_domain(house, label, "see this domain")
    return jobs.latest(house.db, domain.id, kinds, plan_id)


ABOUT_CREDENTIALS = ("(401", "no service user id or token")
"""What says that HiBob let nobody in."""


def about_credentials(error: str | None) -> bool:
    return any(words in (error or "") for words in ABOUT_CREDENTIALS)


def refused_since(house: Workspace, label: str) -> str:
    """Why the last that was asked for found no way in, where that was since the newest preview; "" otherwise. A test from before
    says nothing any more."""
    domain = seen_domain(house, label, "see this domain")
    job = jobs.latest(house.db, domain.id, list(JobKind))
    if job is None or job.state is not JobState.FAILED or not about_credentials(job.error):
        return ""
    newest = next(iter(plans.recent_plans(house.db, domain.id, 1)), None)
    overtaken = newest is not None and newest.evidence is not None and newest.read_at.isoformat() > str(job.ended_at)
    return "" if overtaken else job.error or ""


def somebody_works(house: Workspace, label: str) -> bool:
    """Whether some process, the command line's or a worker's, is at work on the domain now."""
    return is_held(house.db, seen_domain(house, label, "see this domain").id)


def job_seen(house: Workspace, label: str, job_id: int) -> Job:
    domain = seen_domain(house, label, "see this domain")
    job = jobs.get_job(house.db, job_id)
    if job.domain_id != domain.id:
        raise NotFound(f"{label} has no job {job_id}.")
    return job


def last_check(house: Workspace, label: str) -> Check | None:
    """What the last test of the connection proved, if it came to an end. One that goes on takes nothing away."""
    domain = seen_domain(house, label, "see this domain")
    job = jobs.latest(house.db, domain.id, [JobKind.CHECK], ended=True)
    return msgspec.json.decode(job.result["check"], type=Check) if job and "check" in job.result else None


def stop_asked(house: Workspace, run_id: str) -> bool:
    """Whether somebody asked a run to stop, and it has not yet."""
    run = run_seen(house, run_id)
    return run.status is RunStatus.RUNNING and runs.stop_asked(house.db, run.id)


def stop(house: Workspace, run_id: str) -> None:
    """Ask a run to stop before its next chunk. `process` resumes it."""
    run = runs.get_run(house.db, run_id)
    domain = customers.domain_by_id(house.db, run.domain_id)
    require(house, domain.customer_id, PREPARERS, "stop a run")
    if run.status is not RunStatus.RUNNING:
        raise Refused(f"Run {run.id} is not running: it is {run.status.value}.")
    with house.db.transaction():
        runs.ask_to_stop(house.db, run.id)
        record_event(house, "stop asked", domain, plan=run.plan_id, run=run.id)
