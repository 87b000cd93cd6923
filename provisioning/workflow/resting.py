"""Where a schedule stands: what was approved beforehand, when to look at it again, and why it rests.

It follows from the stored state and from what people did since, asked anew each time: so a pause ends with its cause.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from provisioning.engine import schedule as engine
from provisioning.errors import Lapsed, NotFound
from provisioning.model import Domain, Plan, PlanStatus
from provisioning.setup_file import ScheduleTable
from provisioning.store import approvals, customers, plans, runs, schedules
from provisioning.store.codec import to_json
from provisioning.store.schedules import ApprovedRun, NewestPlan, StandingApproval, State, Trouble
from provisioning.workflow.house import LONG_AGO, PREPARERS, Workspace
from provisioning.workflow.stored_plans import check_current


def table_of(house: Workspace, domain: Domain) -> ScheduleTable | None:
    found, _ = customers.standing(house.db, domain.id)
    return msgspec.convert(found, ScheduleTable) if found else None


def approval_by(house: Workspace, domain: Domain, table: ScheduleTable, by: str) -> StandingApproval:
    return StandingApproval(by, house.clock(), domain.mapping_version, domain.settings_version, to_json(table))


def details_of(approval: StandingApproval) -> dict[str, object]:
    return {
        "mapping_version": approval.mapping_version,
        "settings_version": approval.settings_version,
        "schedule": approval.schedule,
    }


def change(house: Workspace, domain: Domain, change: Callable[[State], State]) -> State:
    table = table_of(house, domain)
    return schedules.change_state(house.db, domain.id, change, lambda state: _wake_at(table, state))


def _wake_at(table: ScheduleTable | None, state: State) -> datetime | None:
    if table is None or state.approval is None or state.served is None:
        return None
    moments = [
        engine.next_time(table.cron, table.timezone, state.served),
        state.trouble.retry_at if state.trouble else state.soon_at,
        engine.reminder(state.waiting_since, state.reminded_at) if state.waiting_since else None,
    ]
    return min((each for each in moments if each), default=None)


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a schedule rests until a person acts. `tell`: not the doing of somebody who knows."""

    code: str
    reason: str
    tell: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What people did that bears on a schedule, and is not in its state. `preparers`: who may process for the customer, by
    grant or by group, over or not; `approved`: the last run of the versions of now that somebody approved by hand; `newest`:
    the newest plan."""

    customer_paused: str | None
    domain_paused: str | None
    preparers: frozenset[str]
    approved: ApprovedRun | None
    newest: NewestPlan | None


def facts_of(house: Workspace, domain: Domain) -> Facts:
    """Those of one domain."""
    return facts_of_all(house, [domain])[domain.id]


def facts_of_all(house: Workspace, domains: Sequence[Domain]) -> dict[int, Facts]:
    """Those of many at once, by as few questions as those of one."""
    only = [each.id for each in domains] if len(domains) == 1 else None
    # Roles by group last as long as a sign-in: at night those of the last one count.
    preparers = schedules.preparers(house.db, [role.value for role in PREPARERS], LONG_AGO)
    whole, single = schedules.paused(house.db)
    approved, newest = schedules.approved_runs(house.db, only), schedules.newest_plans(house.db, only)
    return {
        each.id: Facts(
            whole.get(each.customer_id), single.get(each.id),
            preparers.get(each.customer_id, frozenset()) | preparers.get(None, frozenset()), approved.get(each.id),
            newest.get(each.id),
        )
        for each in domains
    }  # fmt: skip


def pause_of(facts: Facts, domain: Domain, table: ScheduleTable, approval: StandingApproval) -> Pause | None:
    """Asked anew each time, so that a pause ends with its cause."""
    if facts.customer_paused:
        return Pause("customer", facts.customer_paused)
    if facts.domain_paused:
        return Pause("undo", f"{facts.domain_paused} Somebody must switch the schedule on again.")
    if not same_schedule(approval.schedule, table):
        return Pause(
            "times", "The schedule was changed since it was switched on. Somebody must switch it on again.", True
        )
    if (approval.mapping_version, approval.settings_version) != (domain.mapping_version, domain.settings_version):
        what = "mapping" if approval.mapping_version != domain.mapping_version else "settings"
        return Pause("changed", f"The {what} changed since the schedule was switched on. {_way_on(facts)}", True)
    if approval.by not in facts.preparers:
        return Pause(
            "role",
            "Whoever switched the schedule on may no longer process. An admin or CSM must switch it on.",
            True,
        )
    return None


def _way_on(facts: Facts) -> str:
    if facts.approved is None:
        return "Somebody must approve and process a preview of it."
    return (
        "A preview of it was processed, but people were left out, and nobody has approved what happens to those. Somebody "
        "must switch the schedule on again, or approve and process a preview that leaves nobody out."
    )


def same_schedule(approved: str, table: ScheduleTable) -> bool:
    """Whether what was approved means this: what is left out and what is written as it would be anyway are one."""
    try:
        return msgspec.json.decode(approved, type=ScheduleTable) == table
    except msgspec.MsgspecError:
        return False


def renewed(
    house: Workspace, facts: Facts, domain: Domain, table: ScheduleTable, approval: StandingApproval
) -> StandingApproval:
    """After a change of mapping or settings: the standing approval of whoever approved a preview of it that was
    processed; else the old one. Whoever left people out (a pilot, say) did not approve of what would happen to those."""
    now = (domain.mapping_version, domain.settings_version)
    if (approval.mapping_version, approval.settings_version) == now:
        return approval
    if facts.approved is None or not facts.approved.whole:
        return approval
    return replace(approval_by(house, domain, table, facts.approved.by), schedule=approval.schedule)


def lifted(facts: Facts, trouble: Trouble) -> bool:
    """By a person's run since the last try, or by a newer plan that nothing blocks."""
    if facts.approved and facts.approved.ended_at > trouble.tried_at:
        return True
    newest = facts.newest
    return newest is not None and newest.made_at > trouble.tried_at and not newest.blocked and not newest.way_back


def last_plan(house: Workspace, state: State) -> Plan | None:
    """The last plan that a schedule made, without its people; None when there is none, or it was removed as old."""
    with suppress(NotFound):
        return plans.plan_head(house.db, state.plan_id) if state.plan_id else None
    return None


def still_waits(house: Workspace, domain: Domain, plan: Plan) -> bool:
    if (
        plan.status is not PlanStatus.READY
        or runs.latest_run(house.db, plan.id)
        or approvals.get_approval(house.db, plan.id)
    ):
        return False
    with suppress(Lapsed):
        check_current(house, plan, domain)
        return True
    return False
