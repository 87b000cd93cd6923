"""Where a schedule stands: what was approved beforehand, when to look at it again, and why it rests.

It follows from the stored state and from what people did since, asked anew each time: so a pause ends with its cause.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from provisioning.engine import schedule as engine
from provisioning.errors import Lapsed
from provisioning.model import Domain, Plan, PlanStatus
from provisioning.setup_file import ScheduleTable
from provisioning.store import customers, plans, runs, schedules
from provisioning.store.codec import to_json
from provisioning.store.schedules import StandingApproval, State, Trouble
from provisioning.workflow.approving import check_current
from provisioning.workflow.house import LONG_AGO, PREPARERS, Workspace


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


def pause_of(house: Workspace, domain: Domain, table: ScheduleTable, approval: StandingApproval) -> Pause | None:
    """Asked anew each time, so that a pause ends with its cause."""
    whole = schedules.paused_customer(house.db, domain.customer_id)
    if whole:
        return Pause("customer", whole)
    paused = schedules.paused_domain(house.db, domain.id)
    if paused:
        return Pause("undo", f"{paused} The schedule rests until somebody switches it on again.")
    if approval.schedule != to_json(table):
        return Pause(
            "times", "The schedule was changed since it was switched on. Somebody must switch it on again.", True
        )
    if (approval.mapping_version, approval.settings_version) != (domain.mapping_version, domain.settings_version):
        what = "mapping" if approval.mapping_version != domain.mapping_version else "settings"
        return Pause(
            "changed",
            f"The {what} changed since the schedule was switched on. Somebody must approve and process a preview of it.",
            True,
        )
    # Roles by group last as long as a sign-in: at night those of the last one count.
    if not customers.roles(house.db, approval.by, domain.customer_id, LONG_AGO) & PREPARERS:
        return Pause(
            "role",
            f"{approval.by}, who switched the schedule on, may no longer process. An admin or CSM must switch it on.",
            True,
        )
    return None


def renewed(house: Workspace, domain: Domain, table: ScheduleTable, approval: StandingApproval) -> StandingApproval:
    """After a change of mapping or settings: the standing approval of whoever approved a preview of it that was
    processed; else the old one."""
    now = (domain.mapping_version, domain.settings_version)
    if (approval.mapping_version, approval.settings_version) == now:
        return approval
    found = schedules.approved_run(house.db, domain.id, *now)
    return replace(approval_by(house, domain, table, found[1]), schedule=approval.schedule) if found else approval


def lifted(house: Workspace, domain: Domain, trouble: Trouble) -> bool:
    """By a person's run since the last try, or by a newer plan that nothing blocks."""
    if schedules.approved_run(house.db, domain.id, domain.mapping_version, domain.settings_version, trouble.tried_at):
        return True
    newest = next((each for each in plans.recent_plans(house.db, domain.id, 1)), None)
    return (
        newest is not None
        and newest.made_at > trouble.tried_at
        and not newest.blocks
        and not (newest.undo_of or newest.farewell)
    )


def still_waits(house: Workspace, domain: Domain, plan: Plan) -> bool:
    if (
        plan.status is not PlanStatus.READY
        or runs.latest_run(house.db, plan.id)
        or plans.get_approval(house.db, plan.id)
    ):
        return False
    with suppress(Lapsed):
        check_current(house, plan, domain)
        return True
    return False
