"""Processing an approved plan, chunk by chunk; stopping and resuming."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from provisioning.engine.plan import digest
from provisioning.errors import NotFound, Refused, SettingsError, TargetError
from provisioning.model import (
    READ_PROOF,
    Action,
    Approval,
    Change,
    Domain,
    Outcome,
    Plan,
    Result,
    Run,
    RunStatus,
    Speed,
)
from provisioning.store import approvals, decisions, history, plans, runs, snapshots, speeds
from provisioning.store.leases import lease
from provisioning.target import Stopped
from provisioning.workflow.approving import kept_since
from provisioning.workflow.directories import Directory, live_users, open_directory
from provisioning.workflow.house import (
    PREPARERS,
    Progress,
    PutDown,
    Say,
    Waiting,
    Workspace,
    failure_recorded,
    quiet,
    record_event,
    require,
)
from provisioning.workflow.looking import failed_people
from provisioning.workflow.planning import planned, situation_of
from provisioning.workflow.reading import read_hibob
from provisioning.workflow.retention import remove_old
from provisioning.workflow.stored_plans import as_recorded, check_current, domain_of

CHUNK = 100
STOPPED = "stopped"
IN_A_ROW, SHARE, FEWEST = 50, 0.1, 3
"""So many failures with the same cause stop a run early; a share of the changes only from three people up."""
AFTER_STOP = "Mend it and resume; then retry those who failed."

CHANGED_IN_HIBOB = "Changed in HiBob since the preview."

REREAD_VARIABLE, REREAD_MINUTES = "ROLLCALL_REREAD_MINUTES", 15


def process(
    house: Workspace,
    plan_id: str,
    *,
    retry_failed: bool = False,
    waiting: Waiting = quiet,
    progress: Progress = quiet,
    say: Say = quiet,
) -> Run:
    """Process an approved plan, or resume it; a finished one is given back as it is. Raises `Refused` when it is not
    approved or was overtaken, `SourceError` when the source must be read again and cannot be, `TargetError` when the
    directory as a whole fails: then the run is stopped, and can be resumed. `say` hears until when it makes us wait."""
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
        if run is None and changes and approval.left_out and {each.key for each in changes} <= {*approval.left_out}:
            raise Refused(f"The approval of preview {plan.id} leaves out everybody: there is nothing to process.")
        with failure_recorded(house, domain, "run not begun", plan=plan.id):
            drifted = dict.fromkeys(_changed_at_source(house, plan, domain, approval, changes), CHANGED_IN_HIBOB)
        drifted |= kept_since(house, plan, domain)
        run = _open_run(house, plan, domain, run, retry_failed, approval)
        not_before = runs.last_moment(house.db, domain.id) or plan.made_at
        processing = _Processing(house, plan, domain, run, still_ours, progress, not_before, say)
        processing.settle(changes, approval, drifted)
        try:
            why_stopped = processing.write(changes)
        except TargetError as problem:
            processing.finish(str(problem))
            raise
        ended_run = processing.finish(why_stopped)
        remove_old(house, domain.customer_id)
        return ended_run


def _approval_in_force(house: Workspace, plan: Plan, domain: Domain) -> Approval:
    approval = approvals.get_approval(house.db, plan.id)
    if approval is None:
        raise Refused(f"Preview {plan.id} is not approved. Approve it first: `approve {plan.id} --by EMAIL`.")
    check_current(house, plan, domain)
    if approval.digest != plan.digest or digest(domain, plan.changes) != plan.digest:
        raise Refused(f"Preview {plan.id} is not what was approved: its digest differs. Make a new preview.")
    said = next(iter(history.approvals_recorded(house.db, domain.customer_id, plan.id)), None)
    # Where content of the history was removed, as the law asks, the row may be gone by right.
    by_right = said is None and history.newest_of(house.db, domain.customer_id, history.REMOVED)
    if not by_right and not (said and as_recorded(approval, said)):
        raise Refused(
            f"The approval of preview {plan.id} is not what the history recorded: somebody changed it in the database. Check the "
            "history (`verify`), and make a new preview."
        )
    return approval


def _to_process(house: Workspace, plan: Plan, run: Run | None, retry_failed: bool) -> list[Change]:
    """What is still to do. A retry is about those who failed, also when it is resumed."""
    if run is None:
        return list(plan.changes)
    if retry_failed:
        failed = failed_people(run)
        if not failed:
            raise Refused(f"Run {run.id} has nobody who failed; there is nothing to try again.")
        return [change for change in plan.changes if (change.key, change.action) in failed]
    wanted = failed_people(runs.get_run(house.db, run.retry_of)) if run.retry_of else None
    done = {(each.key, each.action) for each in run.outcomes}
    todo = [change for change in plan.changes if (change.key, change.action) not in done]
    return [each for each in todo if wanted is None or (each.key, each.action) in wanted]


def _changed_at_source(
    house: Workspace, plan: Plan, domain: Domain, approval: Approval, changes: Sequence[Change]
) -> frozenset[tuple[str, Action]]:
    """For a plan that is no longer fresh: the changes that HiBob would not make today. Planned anew from a new read
    and the kept users, so that what this run already wrote does not count."""
    minutes = _reread_minutes(house)
    if plan.undo_of or plan.farewell:
        return frozenset()  # It follows from what a run did, or a customer wished, not from what HiBob says.
    # A read of the future was made by a clock that was wrong: its age is not known, so it is no fresh one.
    if not changes or timedelta(0) <= house.clock() - plan.read_at <= timedelta(minutes=minutes):
        return frozenset()
    read = read_hibob(house, domain)
    try:
        _, users = snapshots.load_snapshots(house.snapshots, domain.id)
    except NotFound:
        raise Refused(f"What preview {plan.id} was compared with is no longer kept. Make a new preview.") from None
    decision = house.hands.do(f"plan-{domain.id}", planned, situation_of(house, domain, read, users))
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


def _open_run(
    house: Workspace, plan: Plan, domain: Domain, run: Run | None, retry_failed: bool, approval: Approval
) -> Run:
    with house.db.transaction():
        # Reading HiBob anew takes time: somebody may have approved otherwise, or changed the settings, meanwhile.
        if _approval_in_force(house, plan, domain_of(house, plan)) != approval:
            raise Refused(f"Preview {plan.id} was approved anew meanwhile. Nothing was written: process it once more.")
        if run and not retry_failed:
            runs.reopen_run(house.db, run.id)
            record_event(house, "run resumed", domain, plan=plan.id, run=run.id)
            return run
        retry_of = run.id if run else None
        new = runs.start_run(house.db, plan.id, domain.id, house.actor.noted, house.clock(), retry_of)
        record_event(house, "run started", domain, plan=plan.id, run=new.id, digest=plan.digest)
        return new


@dataclass
class _Failures:
    """Failures of this attempt that one and the same thing would mend: going on would only make more of them."""

    of_a_cause: Counter[str] = field(default_factory=Counter)
    in_a_row: tuple[str, int] = ("", 0)

    def count(self, outcomes: Sequence[Outcome]) -> None:
        for each in outcomes:
            cause = each.cause if each.result is Result.FAILED else ""
            self.of_a_cause[cause] += 1
            self.in_a_row = (cause, self.in_a_row[1] + 1 if cause == self.in_a_row[0] else 1)

    def too_many(self, todo: int) -> str | None:
        """Why the run should stop early: 50 in a row, or a tenth of all (three at the least), with the same cause."""
        cause, row = self.in_a_row
        if cause and row >= IN_A_ROW:
            return f"Stopped early: {row:,} in a row failed for the same cause ({cause}). {AFTER_STOP}"
        for cause, count in self.of_a_cause.most_common():
            if cause and count >= max(todo * SHARE, FEWEST):
                return f"Stopped early: {count:,} of {todo:,} failed for the same cause ({cause}). {AFTER_STOP}"
        return None


@dataclass
class _Processing:
    """The loop over chunks of one run: the outcomes of a chunk are journalled before the next starts."""

    house: Workspace
    plan: Plan
    domain: Domain
    run: Run
    still_ours: Callable[[], None]
    progress: Progress
    not_before: datetime
    say: Say = quiet
    failures: _Failures = field(default_factory=_Failures)
    settled: set[tuple[str, Action]] = field(default_factory=set)
    people: int = 0
    began: float = 0.0
    seconds: float = 0.0
    requests: tuple[int, float | None] = (0, None)

    def settle(self, changes: Sequence[Change], approval: Approval, drifted: Mapping[tuple[str, Action], str]) -> None:
        """Journal those who are left out, or of whom something else is true by now: nothing is written for them."""
        skipped, kept = set(approval.left_out), decisions.kept_active(self.house.db, self.plan.id)
        outcomes = []
        for each in changes:
            if each.key in skipped:
                why = runs.KEPT_ACTIVE if each.key in kept else f"Left out by {approval.by}, who approved it."
                outcomes.append(Outcome(each.key, each.action, Result.SKIPPED, why))
            elif (each.key, each.action) in drifted:
                outcomes.append(Outcome(each.key, each.action, Result.DRIFTED, drifted[each.key, each.action]))
        if outcomes:
            runs.journal(self.house.db, self.run.id, outcomes, self._now())
        self.settled = {(each.key, each.action) for each in outcomes}

    def write(self, changes: Sequence[Change]) -> str | None:
        """Bring the rest about, chunk by chunk. Returns None when it came to the end, else why it did not."""
        self.began = time.monotonic()
        todo = [each for each in changes if (each.key, each.action) not in self.settled]
        with open_directory(
            self.house, self.domain, expected=len(todo), stop=self._stop_asked, waiting=self._wait
        ) as directory:
            try:
                self.progress(0, len(todo))
                for start in range(0, len(todo), CHUNK):
                    if self._stop_asked():
                        return self._stopped()
                    self.still_ours()
                    directory.ensure(todo[start : start + CHUNK], self._journal)
                    self.progress(min(start + CHUNK, len(todo)), len(todo))
                    # After the last chunk nobody is left to be spared, and who failed can be retried at once.
                    if start + CHUNK < len(todo) and (early := self.failures.too_many(len(todo))):
                        return early
                directory.finish(self._journal)
            except Stopped:
                return self._stopped()
            finally:
                self.seconds, self.requests = time.monotonic() - self.began, directory.rate
            self._look_again(directory)
        return None

    def _stop_asked(self) -> bool:
        return self.house.ending() or runs.stop_asked(self.house.db, self.run.id)

    def _stopped(self) -> str:
        """By somebody's wish. A process that ends leaves the run open instead, to be resumed like one that was killed."""
        if not runs.stop_asked(self.house.db, self.run.id):
            raise PutDown
        return STOPPED

    def _wait(self, until: datetime) -> None:
        self.say(f"Skillcast asks us to wait until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")

    def _look_again(self, directory: Directory) -> None:
        """Another system's users as the run left them, for the pages, which never call it."""
        if self.domain.settings.scim is None:
            return
        with suppress(TargetError, Stopped):  # The run is done; an old picture of the directory is no reason to fail.
            users = directory.users([each.name for each in self.domain.attributes if each.data_feed_name])
            snapshots.save_users(self.house.snapshots, self.domain.id, users, self.house.clock())

    def _journal(self, outcomes: Sequence[Outcome]) -> None:
        runs.journal(self.house.db, self.run.id, outcomes, self._now())
        self.people += len(outcomes)
        self.failures.count(outcomes)

    def _now(self) -> datetime:
        """After every plan of the domain that was made before, though the clock was set back: they are overtaken."""
        return max(self.house.clock(), self.not_before + timedelta(microseconds=1))

    def finish(self, why_stopped: str | None) -> Run:
        """End the run; a person's wish to stop needs no note."""
        complete = why_stopped is None
        note = why_stopped if why_stopped != STOPPED else None
        counts = runs.count_results(self.house.db, self.run.id)
        bad = counts["failed"] + counts["drifted"]
        status = RunStatus.STOPPED if not complete else RunStatus.PARTIAL if bad else RunStatus.DONE
        live = live_users(self.house, self.domain)
        with self.house.db.transaction():
            runs.end_run(self.house.db, self.run.id, status, self._now(), note or "", live)
            if self.people:
                speeds.add_speed(self.house.db, self.run.id, Speed(self.people, self.seconds, *self.requests))
            if complete:
                plans.take_baseline(self.house.db, self.plan.id)
                if counts["done"] + bad:
                    # A run that wrote or tried something overtakes every plan that was there before it.
                    plans.drop_old_baselines(self.house.db, self.domain.id, self.run.started_at)
            what = "run ended" if complete else "run stopped"
            record_event(
                self.house,
                what,
                self.domain,
                plan=self.plan.id,
                run=self.run.id,
                status=status.value,
                counts=counts,
                why=note,
                **({"retry_of": self.run.retry_of} if self.run.retry_of else {}),
            )
        return runs.get_run(self.house.db, self.run.id)
