"""Processing an approved plan, chunk by chunk; stopping and resuming."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from provisioning.engine.plan import digest, make_plan
from provisioning.engine.proof import READ_PROOF
from provisioning.errors import NotFound, Refused, SettingsError
from provisioning.model import (
    Action,
    Approval,
    Change,
    Domain,
    Outcome,
    Plan,
    Result,
    Run,
    RunStatus,
)
from provisioning.store import customers, plans, runs, snapshots
from provisioning.store.leases import lease
from provisioning.workflow.approving import check_current
from provisioning.workflow.house import PREPARERS, Progress, Waiting, Workspace, quiet, record_event, require
from provisioning.workflow.planning import directory_of, domain_of, plan_seen, situation_of
from provisioning.workflow.reading import read_hibob

CHUNK = 100

REREAD_VARIABLE, REREAD_MINUTES = "ROLLCALL_REREAD_MINUTES", 15


def process(
    house: Workspace,
    plan_id: str,
    *,
    retry_failed: bool = False,
    waiting: Waiting = quiet,
    progress: Progress = quiet,
) -> Run:
    """Process an approved plan, or resume it; a finished one is given back as it is. Raises `Refused` when it is not
    approved or was overtaken, `SourceError` when the source must be read again and cannot be."""
    plan = plans.get_plan(house.db, plan_id)
    domain = domain_of(house, plan)
    require(house, domain.customer_id, PREPARERS, "process")
    with lease(house.db, domain.id, f"process {plan.id}", waiting) as still_ours:
        domain = domain_of(house, plan)
        run = runs.latest_run(house.db, plan.id)
        ended = run is not None and run.status in (RunStatus.DONE, RunStatus.PARTIAL)
        if run and ended and not retry_failed:
            return run
        if run and run.retry_of and run.status is RunStatus.RUNNING:
            retry_failed = False  # That retry was interrupted; it goes on.
        if run and retry_failed and not ended:
            raise Refused(f"Run {run.id} has not come to its end. Resume it first: `process {plan.id}`.")
        approval = _approval_in_force(house, plan, domain)
        changes = _to_process(house, plan, run, retry_failed)
        drifted = _changed_at_source(house, plan, domain, approval, changes)
        run = _open_run(house, plan, domain, run, retry_failed)
        processing = _Processing(house, plan, domain, run, still_ours, progress)
        processing.settle(changes, approval.left_out, drifted)
        return processing.finish(processing.write(changes))


def _approval_in_force(house: Workspace, plan: Plan, domain: Domain) -> Approval:
    approval = plans.get_approval(house.db, plan.id)
    if approval is None:
        raise Refused(f"Preview {plan.id} is not approved. Approve it first: `approve {plan.id} --by EMAIL`.")
    check_current(house, plan, domain)
    if approval.digest != plan.digest or digest(domain, plan.changes) != plan.digest:
        raise Refused(f"Preview {plan.id} is not what was approved: its digest differs. Make a new preview.")
    return approval


def _to_process(house: Workspace, plan: Plan, run: Run | None, retry_failed: bool) -> list[Change]:
    """What is still to do. A retry is about those who failed, also when it is resumed."""
    if run is None:
        return list(plan.changes)
    if retry_failed:
        failed = _failed(run)
        if not failed:
            raise Refused(f"Run {run.id} has nobody who failed; there is nothing to try again.")
        return [change for change in plan.changes if (change.key, change.action) in failed]
    wanted = _failed(runs.get_run(house.db, run.retry_of)) if run.retry_of else None
    done = {(each.key, each.action) for each in run.outcomes}
    todo = [change for change in plan.changes if (change.key, change.action) not in done]
    return [each for each in todo if wanted is None or (each.key, each.action) in wanted]


def _failed(run: Run) -> set[tuple[str, Action]]:
    return {(each.key, each.action) for each in run.outcomes if each.result is Result.FAILED}


def _changed_at_source(
    house: Workspace, plan: Plan, domain: Domain, approval: Approval, changes: Sequence[Change]
) -> frozenset[tuple[str, Action]]:
    """For a plan that is no longer fresh: the changes that HiBob would not make today. Planned anew from a new read
    and the kept users, so that what this run already wrote does not count."""
    minutes = _reread_minutes(house)
    if plan.undo_of:
        return frozenset()  # It follows from what a run did, not from what HiBob says.
    # A read of the future was made by a clock that was wrong: its age is not known, so it is no fresh one.
    if not changes or timedelta(0) <= house.clock() - plan.read_at <= timedelta(minutes=minutes):
        return frozenset()
    read = read_hibob(house, domain)
    try:
        _, users = snapshots.load_snapshots(house.snapshots, domain.id)
    except NotFound:
        raise Refused(f"What preview {plan.id} was compared with is no longer kept. Make a new preview.") from None
    decision = make_plan(situation_of(house, domain, read, users))
    unproved = [e for e in decision.blocks if e.code in READ_PROOF and e.code not in approval.overrides]
    if unproved:
        raise Refused(
            f"Preview {plan.id} is more than {minutes} minutes old, and HiBob’s answer now is not proved complete "
            f"({unproved[0].code}): {unproved[0].message} Nothing was written. {unproved[0].remedy}"
        )
    now = {(each.key, each.action): (each.before, each.after) for each in decision.changes}
    return frozenset(
        (each.key, each.action) for each in changes if now.get((each.key, each.action)) != (each.before, each.after)
    )


def _reread_minutes(house: Workspace) -> int:
    written = house.environment.get(REREAD_VARIABLE, "").strip() or str(REREAD_MINUTES)
    if not written.isascii() or not written.isdecimal():
        raise SettingsError(f"{REREAD_VARIABLE} must be a whole number of minutes, not “{written}”.")
    return int(written)


def _open_run(house: Workspace, plan: Plan, domain: Domain, run: Run | None, retry_failed: bool) -> Run:
    with house.db.transaction():
        if run and not retry_failed:
            runs.reopen_run(house.db, run.id)
            record_event(house, "run resumed", domain, plan=plan.id, run=run.id)
            return run
        retry_of = run.id if run else None
        new = runs.start_run(house.db, plan.id, domain.id, house.actor.name, house.clock(), retry_of)
        record_event(house, "run started", domain, plan=plan.id, run=new.id, digest=plan.digest)
        return new


@dataclass
class _Processing:
    """The loop over chunks of one run: the outcomes of a chunk are journalled before the next starts."""

    house: Workspace
    plan: Plan
    domain: Domain
    run: Run
    still_ours: Callable[[], None]
    progress: Progress
    settled: set[tuple[str, Action]] = field(default_factory=set)

    def settle(
        self, changes: Sequence[Change], left_out: Sequence[str], drifted: frozenset[tuple[str, Action]]
    ) -> None:
        """Journal those who are left out or changed in HiBob meanwhile: nothing is written for them."""
        skipped = set(left_out)
        outcomes = []
        for each in changes:
            if each.key in skipped:
                outcomes.append(Outcome(each.key, each.action, Result.SKIPPED, "Left out of the approval."))
            elif (each.key, each.action) in drifted:
                outcomes.append(Outcome(each.key, each.action, Result.DRIFTED, "Changed in HiBob since the preview."))
        if outcomes:
            runs.journal(self.house.db, self.run.id, outcomes, self.house.clock())
        self.settled = {(each.key, each.action) for each in outcomes}

    def write(self, changes: Sequence[Change]) -> bool:
        """Bring the rest about, chunk by chunk; returns whether it came to the end."""
        directory = directory_of(self.house, self.domain)
        todo = [each for each in changes if (each.key, each.action) not in self.settled]
        for start in range(0, len(todo), CHUNK):
            if runs.stop_asked(self.house.db, self.run.id):
                return False
            self.still_ours()
            directory.ensure(todo[start : start + CHUNK], self._journal)
            self.progress(min(start + CHUNK, len(todo)), len(todo))
        return True

    def _journal(self, outcomes: Sequence[Outcome]) -> None:
        runs.journal(self.house.db, self.run.id, outcomes, self.house.clock())

    def finish(self, complete: bool) -> Run:
        counts = runs.get_run(self.house.db, self.run.id).counts
        bad = counts["failed"] + counts["drifted"]
        status = RunStatus.STOPPED if not complete else RunStatus.PARTIAL if bad else RunStatus.DONE
        with self.house.db.transaction():
            runs.end_run(self.house.db, self.run.id, status, self.house.clock())
            if complete:
                plans.take_baseline(self.house.db, self.plan.id)
            what = "run ended" if complete else "run stopped"
            record_event(
                self.house, what, self.domain, plan=self.plan.id, run=self.run.id, status=status.value, counts=counts
            )
        return runs.get_run(self.house.db, self.run.id)


def progress_of(house: Workspace, plan_id: str, *, retrying: bool = False) -> tuple[int, int]:
    """(how many changes of a plan are settled, of how many) in its run, or in its retry, which may not have begun."""
    plan, run = plan_seen(house, plan_id), runs.latest_run(house.db, plan_id)
    before = run if run and retrying and run.status is not RunStatus.RUNNING else None
    if run and run.retry_of and before is None:
        return len(run.outcomes), len(_failed(runs.get_run(house.db, run.retry_of)))
    if before:
        return 0, len(_failed(before))
    return len(run.outcomes) if run else 0, sum(plan.counts.get(each.value, 0) for each in Action)


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
