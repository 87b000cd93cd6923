"""Running what is due. Everything of one domain happens under its lease, as the person who gave the standing approval;
what people are to be told is only recorded here, so that no target holds up a run."""

import sqlite3
import traceback
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from provisioning.engine import schedule as engine
from provisioning.errors import Lapsed, NeighbourError, Refused, RollcallError
from provisioning.model import PLAN_LIFETIME, Actor, Domain, Plan, PlanStatus, Run, RunStatus
from provisioning.setup_file import ScheduleTable
from provisioning.store import customers, plans, runs, schedules
from provisioning.store.leases import is_held, lease
from provisioning.store.schedules import StandingApproval, State, Trouble
from provisioning.workflow import telling
from provisioning.workflow.approving import approve
from provisioning.workflow.house import CARETAKERS, Waiting, Workspace, acting_as, quiet, record_event, require
from provisioning.workflow.planning import preview
from provisioning.workflow.processing import process
from provisioning.workflow.resting import (
    Pause,
    change,
    details_of,
    facts_of,
    last_plan,
    lifted,
    pause_of,
    renewed,
    still_waits,
    table_of,
)

CLOCK = Actor("schedule")
"""Who pauses and lifts: no person did."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one domain's turn. `code`: the exit code that a person's own command would have had."""

    label: str
    code: int
    text: str
    plan_id: str | None = None
    run_id: str | None = None


def run_due(house: Workspace, waiting: Waiting = quiet, *, patient: bool = True) -> list[Done]:
    """Run every domain that is due now, one after the other. Domains that somebody else works on are waited for, or, if
    not `patient`, left for the next time. What people are to be told is sent by `deliver`."""
    require(house, None, CARETAKERS, "run what is due for everybody")
    found = []
    for domain_id in schedules.awake(house.db, house.clock()):
        if patient or not is_held(house.db, domain_id):
            done = run_due_domain(house, domain_id, waiting)
            found += [done] if done else []
    return found


def run_due_domain(house: Workspace, domain_id: int, waiting: Waiting = quiet) -> Done | None:
    """See to one domain's schedule; None when there was nothing to do."""
    require(house, None, CARETAKERS, "run what is due for everybody")
    with lease(house.db, domain_id, "schedule", waiting):
        return _see_to(house, domain_id)


PUT_OFF = timedelta(minutes=10)
"""For how long a domain is left alone that cannot even be looked at."""


def _see_to(house: Workspace, domain_id: int) -> Done | None:
    """One domain's turn. Whatever is wrong with it is its own trouble: the others go on. Raises only `sqlite3.Error`."""
    try:
        return _look_at(house, domain_id)
    except sqlite3.Error:
        raise
    except Exception as problem:
        label = customers.label_of(house.db, domain_id)
        if not label:
            return None  # The domain was removed meanwhile.
        foreseen = isinstance(problem, RollcallError)
        if not foreseen:
            traceback.print_exc()
        schedules.put_off(house.db, domain_id, house.clock() + PUT_OFF)
        reason = str(problem) if foreseen else f"Nobody foresaw this ({type(problem).__name__}); the log says more."
        code = problem.exit_code if isinstance(problem, RollcallError) else NeighbourError.exit_code
        return Done(label, code, f"could not be looked at, left alone for ten minutes. {reason}")


def _look_at(house: Workspace, domain_id: int) -> Done | None:
    """Under its lease: looked at anew, for somebody else may have just seen to it."""
    domain = customers.domain_by_id(house.db, domain_id)
    clock = acting_as(house, CLOCK)
    state, table, now = schedules.get_state(house.db, domain_id), table_of(house, domain), house.clock()
    if table is None or state.approval is None or state.served is None:
        change(clock, domain, lambda old: State(plan_id=old.plan_id))
        return None
    facts = facts_of(clock, domain)
    approval = renewed(clock, facts, domain, table, state.approval)
    pause = pause_of(facts, domain, table, approval)
    if pause:
        return _rest(clock, domain, state, pause)
    is_lifted = state.trouble is not None and lifted(facts, state.trouble)
    state = _awake_again(clock, domain, state, approval, is_lifted=is_lifted)
    if state.trouble and now < state.trouble.retry_at:
        change(clock, domain, lambda old: replace(old, served=now))
        return None
    done = None
    if state.trouble or _is_due(table, state, now):
        scheduled = acting_as(house, Actor(approval.by, approval.by, scheduled=True))
        done = _Turn(scheduled, clock, domain, table, state, approval, now).take()
    _remind(clock, domain, schedules.get_state(house.db, domain_id))
    return done


def _is_due(table: ScheduleTable, state: State, now: datetime) -> bool:
    soon = state.soon_at is not None and state.soon_at <= now
    return soon or engine.is_due(table.cron, table.timezone, state.served or now, now)


def _rest(house: Workspace, domain: Domain, state: State, pause: Pause) -> Done | None:
    """A time that falls into a pause is not made up for. Told once per cause."""
    key = f"paused-{pause.code}"
    with house.db.transaction():
        if key not in state.told:
            record_event(house, "schedule paused", domain, reason=pause.reason)
            if pause.tell:
                telling.tell(house, domain, telling.is_paused(pause.code, pause.reason))
        change(
            house, domain,
            lambda old: replace(
                old, served=house.clock(), soon_at=None, soon_since=None, waiting_since=None, trouble=None,
                told=_told(replace(old, told=_told(old, drop="trouble-")), add=key, drop="paused-"),
            ),
        )  # fmt: skip
    if key in state.told:
        return None
    return Done(domain.label, Refused.exit_code if pause.tell else 0, f"paused. {pause.reason}")


def _told(state: State, add: str | None = None, drop: str = "") -> tuple[str, ...]:
    kept = {each for each in state.told if not (drop and each.startswith(drop))}
    return tuple(sorted(kept | ({add} if add else set())))


def _awake_again(
    house: Workspace, domain: Domain, state: State, approval: StandingApproval, *, is_lifted: bool
) -> State:
    """Record what ended since the last look: a pause, a quarantine that a person lifted, an approval that was renewed."""
    was_paused = any(each.startswith("paused-") for each in state.told)
    if not is_lifted and not was_paused and approval == state.approval:
        return state
    with house.db.transaction():
        if approval != state.approval:
            by = acting_as(house, Actor(approval.by, approval.by, scheduled=True))
            record_event(by, "schedule on", domain, **details_of(approval), by_approved_run=True)
        if is_lifted or was_paused:
            record_event(house, "schedule goes on", domain)

        def awake(old: State) -> State:
            new = replace(old, approval=approval, told=_told(old, drop="paused-"))
            return replace(new, trouble=None, told=_told(new, drop="trouble-")) if is_lifted else new

        return change(house, domain, awake)


def _remind(house: Workspace, domain: Domain, state: State) -> None:
    """Of a preview that waits for approval. Whatever somebody did about it ends the waiting."""
    if state.waiting_since is None or state.plan_id is None:
        return
    now, word = house.clock(), None
    if engine.reminder(state.waiting_since, state.reminded_at) > now:
        return
    plan = last_plan(house, state)
    waiting = plan is not None and still_waits(house, domain, plan)
    if plan and waiting:
        word = telling.still_waits(plan)
    elif plan is None:
        word = telling.has_lapsed(None)
    elif now - plan.made_at > PLAN_LIFETIME and not runs.latest_run(house.db, plan.id):
        word = telling.has_lapsed(plan)
    with house.db.transaction():
        if word:
            telling.tell(house, domain, word)
        change(
            house, domain,
            lambda old: replace(old, reminded_at=now) if waiting else replace(old, waiting_since=None, reminded_at=None),
        )  # fmt: skip


@dataclass
class _Turn:
    """One domain's run, from the read to what people are told. `house` acts as whoever gave the standing approval."""

    house: Workspace
    clock: Workspace
    domain: Domain
    table: ScheduleTable
    state: State
    approval: StandingApproval
    now: datetime
    plan: Plan | None = None

    def take(self) -> Done:
        try:
            return self._run()
        except sqlite3.Error:
            raise  # Nothing could be recorded: whoever called says so, and this is due again.
        except RollcallError as problem:
            kind = "connection" if isinstance(problem, NeighbourError) else "refused"
            return self._fail(kind, str(problem), problem.exit_code, type(problem).__name__)
        except Exception as problem:
            traceback.print_exc()
            reason = f"This failed in a way nobody foresaw ({type(problem).__name__}). The log says more."
            return self._fail("unforeseen", reason, NeighbourError.exit_code, type(problem).__name__)

    def _run(self) -> Done:
        run = self._resume()
        if run:
            return self._ran(run)
        plan = self.plan = preview(self.house, self.domain.label)
        if plan.blocks:
            return self._blocked(plan)
        if plan.status is PlanStatus.EMPTY or self.table.does == "preview":
            return self._planned(plan)
        left_out = self._left_out(plan)
        if left_out >= {each.key for each in plan.changes}:
            self._succeed(plan.id)
            text = f"plan {plan.id}: nothing to change, {len(left_out):,} left out as by the last approval."
            return Done(self.domain.label, 0, text, plan.id)
        return self._ran(self._process(plan, left_out))

    def _left_out(self, plan: Plan) -> set[str]:
        """Whom a person left out of the same since the schedule was switched on: they said no to what the standing approval says
        yes to, and it goes on until somebody approves it, or switches on again."""
        last = plans.left_out_last(self.house.db, self.domain.id, since=self.approval.at)
        return {key for key, _, _ in plans.among(self.house.db, plan.id, last.people)}

    def _resume(self) -> Run | None:
        """The run that was interrupted, brought to its end; None when there is none, or it was overtaken."""
        run = runs.latest_run(self.house.db, self.state.plan_id) if self.state.plan_id else None
        if run is None or run.status is not RunStatus.RUNNING:
            return None
        try:
            return process(self.house, run.plan_id)
        except Lapsed:
            return None

    def _process(self, plan: Plan, left_out: Collection[str]) -> Run:
        with self.house.db.transaction():
            approve(self.house, plan.id, leave_out=sorted(left_out))
            record_event(
                self.house, "standing approval used", self.domain, plan=plan.id, given_at=self.approval.at.isoformat(),
                **details_of(self.approval),
            )  # fmt: skip
            change(self.clock, self.domain, lambda old: replace(old, plan_id=plan.id))
        return process(self.house, plan.id)

    def _planned(self, plan: Plan) -> Done:
        waits = plan.status is PlanStatus.READY
        before = self._waiting_before() if waits else None
        with self.house.db.transaction():
            if waits and before is None:
                telling.tell(self.clock, self.domain, telling.waits(plan))
            self._succeed(plan.id, (before or self.now) if waits else None, self.state.reminded_at if before else None)
        text = f"plan {plan.id} waits for approval" if waits else f"plan {plan.id}: nothing to change"
        return Done(self.domain.label, 0, f"{text}.", plan.id)

    def _waiting_before(self) -> datetime | None:
        """Since when people know of a preview that still waits: a newer one is no news."""
        plan = last_plan(self.house, self.state) if self.state.waiting_since else None
        return self.state.waiting_since if plan and still_waits(self.house, self.domain, plan) else None

    def _ran(self, run: Run) -> Done:
        counts, failed = run.counts, run.counts["failed"] > 0
        with self.house.db.transaction():
            if failed and "failed" not in self.state.told:
                telling.tell(self.clock, self.domain, telling.has_failed(run))
            self._succeed(run.plan_id, failed=failed)
        told = ", ".join(f"{count:,} {result}" for result, count in counts.items() if count) or "nobody changed"
        code = 0 if run.status is RunStatus.DONE else 4
        return Done(self.domain.label, code, f"run {run.id} {run.status.value}: {told}.", run.plan_id, run.id)

    def _succeed(
        self, plan_id: str, waiting_since: datetime | None = None, reminded_at: datetime | None = None,
        *, failed: bool = False,
    ) -> None:  # fmt: skip
        if self.state.trouble:
            record_event(self.clock, "schedule goes on", self.domain)
        told = _told(
            replace(self.state, told=_told(self.state, drop="trouble-")), "failed" if failed else None, "failed"
        )
        self._end(
            plan_id=plan_id, waiting_since=waiting_since, reminded_at=reminded_at, trouble=None, told=told
        )  # fmt: skip

    def _end(
        self,
        *,
        trouble: Trouble | None,
        told: tuple[str, ...],
        plan_id: str | None = None,
        waiting_since: datetime | None = None,
        reminded_at: datetime | None = None,
    ) -> None:
        """The turn is over: its time is served. What came by webhook since it began stays for the next."""

        def served(old: State) -> State:
            new = replace(
                old, served=self.now, trouble=trouble, told=told, plan_id=plan_id or old.plan_id,
                waiting_since=waiting_since, reminded_at=reminded_at,
            )  # fmt: skip
            return replace(new, soon_at=None, soon_since=None) if old.soon_at == self.state.soon_at else new

        change(self.clock, self.domain, served)

    def _blocked(self, plan: Plan) -> Done:
        first = plan.blocks[0]
        codes = list(dict.fromkeys(each.code for each in plan.blocks))
        reason = f"The preview is blocked by {', '.join(codes)}. {first.message} {first.remedy}"
        return self._fail("block", reason, 3, ",".join(sorted(codes)))

    def _fail(self, kind: str, reason: str, code: int, cause: str) -> Done:
        """Into quarantine, or further into it. Told once per `cause`: the sentence may be another each time."""
        tries = self.state.trouble.tries + 1 if self.state.trouble else 1
        since = self.state.trouble.since if self.state.trouble else self.now
        # What a neighbour failed at is mended on Connect, whatever preview there is.
        plan = None if kind == "connection" else self.plan
        trouble = Trouble(
            kind, reason, since, tries, self.house.clock(), self.now + engine.rest(tries), plan.id if plan else None
        )
        key = f"trouble-{kind}:{cause}"
        if kind == "block" and plan:
            word = telling.is_blocked(plan, trouble.retry_at)
        else:
            word = telling.is_troubled(kind, reason, trouble.retry_at, trouble.plan_id)
        with self.house.db.transaction():
            if key not in self.state.told:
                telling.tell(self.clock, self.domain, word)
            record_event(
                self.clock, "schedule in quarantine", self.domain, plan=trouble.plan_id, reason=reason, tries=tries,
                retry_at=trouble.retry_at.isoformat(),
            )  # fmt: skip
            told = _told(self.state, add=key)
            self._end(trouble=trouble, told=told)
        text = f"in quarantine, tried again {trouble.retry_at:%Y-%m-%d %H:%M} UTC. {reason}"
        return Done(self.domain.label, code, text, trouble.plan_id)
