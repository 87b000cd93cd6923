"""Schedules as people meet them: switching one on, which is a standing approval, switching off, pausing all of a
customer, and seeing where one stands."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import msgspec

from provisioning.engine import schedule as engine
from provisioning.engine.schedule import Time
from provisioning.errors import Refused, RoleMissing, SettingsError
from provisioning.model import Domain
from provisioning.naming import NAMED, some_of
from provisioning.setup_file import ScheduleTable, check_schedule
from provisioning.store import customers, plans, schedules
from provisioning.store.schedules import StandingApproval, State, Trouble
from provisioning.workflow.decided import decisions_of
from provisioning.workflow.house import PREPARERS, READERS, Workspace, record_event, seen_customer, seen_domain
from provisioning.workflow.resting import (
    Facts,
    approval_by,
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

OPERATOR_MAY_NOT = (
    "Switching a schedule on approves its runs, which the operator may not. Say who approves: --by EMAIL."
)


def switch_on(house: Workspace, label: str) -> "ScheduleSeen":
    """Approve beforehand what the schedule will run with the mapping, settings and times of now, and let it begin.
    Raises `Refused` when that may not be, `SettingsError` when there is no schedule."""
    domain = seen_domain(house, label, "switch a schedule on", PREPARERS)
    if house.actor.email is None:
        raise RoleMissing(OPERATOR_MAY_NOT)
    with house.db.transaction():
        table = _need_table(house, domain)
        refusal = _refusal(house, domain)
        if refusal:
            raise Refused(refusal)
        approval = approval_by(house, domain, table, house.actor.email)
        schedules.unpause_domain(house.db, domain.id)
        change(house, domain, lambda old: State(approval, house.clock(), old.plan_id))
        record_event(house, "schedule on", domain, **details_of(approval))
    return schedule_seen(house, label)


def switch_off(house: Workspace, label: str) -> "ScheduleSeen":
    """Take the standing approval back. What runs at this moment comes to its end."""
    domain = seen_domain(house, label, "switch a schedule off", PREPARERS)
    with house.db.transaction():
        was = schedules.get_state(house.db, domain.id)
        if was.approval:
            change(house, domain, lambda old: State(plan_id=old.plan_id))
            record_event(house, "schedule off", domain)
    return schedule_seen(house, label)


def save_schedule(house: Workspace, label: str, table: ScheduleTable | None) -> "ScheduleSeen":
    """Keep other times, or none, as the set-up file would. What was switched on for the old times rests until somebody
    switches it on for the new ones; without any it is off. Raises `SettingsError` for what is no schedule."""
    domain = seen_domain(house, label, "change the schedule", PREPARERS)
    check_schedule(f"Domain “{domain.name}”", table)
    with house.db.transaction():
        _, notify = customers.standing(house.db, domain.id)
        wanted = msgspec.to_builtins(table) if table else None
        if customers.save_standing(house.db, domain.id, wanted, notify):
            record_event(house, "schedule saved", domain, schedule=wanted or "none")
            # Without times nothing stays approved: the same ones entered again are to be switched on again.
            change(house, domain, lambda old: old if table else State(plan_id=old.plan_id))
    return schedule_seen(house, label)


def pause_all(house: Workspace, customer: str) -> bool:
    """Let all schedules of a customer rest; returns whether they did not yet."""
    found = seen_customer(house, customer, "pause the schedules", PREPARERS)
    with house.db.transaction():
        reason = f"{house.actor.name} paused all schedules of {found.name}."
        changed = schedules.pause_customer(house.db, found.id, reason)
        if changed:
            record_event(house, "all schedules paused", customer_id=found.id)
    return changed


def resume_all(house: Workspace, customer: str) -> bool:
    """Let a customer's schedules go on as each was, from its next time on; returns whether they rested."""
    found = seen_customer(house, customer, "resume the schedules", PREPARERS)
    if house.actor.email is None:
        raise RoleMissing(OPERATOR_MAY_NOT)
    with house.db.transaction():
        changed = schedules.pause_customer(house.db, found.id, None)
        for domain in customers.domains(house.db, found.id) if changed else ():
            if schedules.get_state(house.db, domain.id).approval:
                change(house, domain, lambda old: replace(old, served=house.clock()))
        if changed:
            record_event(house, "all schedules resumed", customer_id=found.id)
    return changed


def all_paused(house: Workspace, customer: str) -> str | None:
    """Why all schedules of a customer rest, or None."""
    found = seen_customer(house, customer, "see the schedules", READERS)
    return schedules.paused(house.db)[0].get(found.id)


def _refusal(house: Workspace, domain: Domain) -> str | None:
    """Why nobody, or not this person, may switch the schedule on."""
    if not schedules.approved_runs(house.db, [domain.id]):
        return (
            f"{domain.label} has no approved and processed run of its mapping and settings as they are now. Approve "
            "and process a preview first."
        )
    if domain.settings.two_people and house.actor.name == domain.mapping_by:
        return "This domain needs two people: whoever made the mapping cannot be the one to switch its schedule on."
    return None


def _need_table(house: Workspace, domain: Domain) -> ScheduleTable:
    table = table_of(house, domain)
    if table is None:
        raise SettingsError(
            f"{domain.label} has no schedule. Set one on the page Schedule, or in the set-up file (`schedule = …`)."
        )
    return table


# --- seeing where it stands -------------------------------------------------------------------------------


class Standing(StrEnum):
    """Where a schedule stands."""

    NONE = "none"
    OFF = "off"
    ON = "on"
    PAUSED = "paused"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class ScheduleSeen:
    """A domain's schedule as people see it. `reason`: why it rests; `next`: its coming times, `next_at` when it really
    runs next; `refusal`: why whoever looks may not switch it on; `plan_id`, `waiting_since`: a preview that waits."""

    label: str
    standing: Standing
    cron: str = ""
    timezone: str = ""
    does: str = ""
    by: str = ""
    on_at: datetime | None = None
    reason: str = ""
    next: tuple[Time, ...] = ()
    next_at: datetime | None = None
    refusal: str = ""
    plan_id: str | None = None
    waiting_since: datetime | None = None
    trouble: Trouble | None = None


def no_longer_left_out(house: Workspace, label: str) -> str:
    """Whom the last run left out, or took back, in words: switching on a schedule that processes approves what happens to them
    too. "" where there is nobody."""
    domain = seen_domain(house, label, "see the schedule")
    said = [
        _named(
            "was",
            "were",
            "left out of the run of {}",
            _but_kept(house, domain, plans.left_out_last(house.db, domain.id)),
        ),
        _named("was", "were", "taken back by the run of {}", plans.taken_back_last(house.db, domain.id)),
    ]
    told = " ".join(filter(None, said))
    return f"{told} Switched on, the schedule does for them too what HiBob says by then." if told else ""


def still_left_out(house: Workspace, label: str, since: datetime) -> str:
    """Whom somebody left out since the schedule was switched on, in words: it leaves them out as well. "" where there is nobody."""
    domain = seen_domain(house, label, "see the schedule")
    found = _but_kept(house, domain, plans.left_out_last(house.db, domain.id, since=since))
    told = _named("is", "are", "left out by the schedule too, as by the last approval", found)
    return f"{told[:-1]}: until somebody approves it for them, or switches the schedule on again." if told else ""


def _but_kept(house: Workspace, domain: Domain, lately: plans.Lately) -> plans.Lately:
    """But for those who were to be archived and are kept active: a schedule archives them no more than anybody."""
    kept = decisions_of(house, domain).protected
    return replace(
        lately, people=tuple(each for each in lately.people if (each[1], each[0] in kept) != ("archive", True))
    )


def _named(one: str, many: str, what: str, lately: plans.Lately) -> str:
    """`what`: with a place for when that run was."""
    names = list(dict.fromkeys(name for _, _, name in lately.people))
    if not names:
        return ""
    told = what.format(f"{lately.began:%Y-%m-%d %H:%M} UTC")
    return f"{some_of(names, NAMED)} {one if len(names) == 1 else many} {told}."


def times_preview(house: Workspace, table: ScheduleTable) -> tuple[Time, ...]:
    """The next times that a schedule not saved yet would have. Raises `SettingsError` for what is none."""
    check_schedule("This schedule", table)
    return engine.next_times(table.cron, table.timezone, house.clock())


def schedule_seen(house: Workspace, label: str) -> ScheduleSeen:
    """Where the domain's schedule stands now. Changes nothing."""
    domain = seen_domain(house, label, "see the schedule")
    table, state = table_of(house, domain), schedules.get_state(house.db, domain.id)
    if table is None:
        return ScheduleSeen(label, Standing.NONE)
    seen = ScheduleSeen(
        label, Standing.OFF, table.cron, table.timezone, table.does,
        next=engine.next_times(table.cron, table.timezone, house.clock()),
        refusal=_refusal_to(house, domain), plan_id=state.plan_id, waiting_since=_waiting(house, domain, state),
    )  # fmt: skip
    facts = facts_of(house, domain)
    return stands(house, facts, domain, table, state.approval, state, seen) if state.approval else seen


def _refusal_to(house: Workspace, domain: Domain) -> str:
    if house.actor.email is None:
        return OPERATOR_MAY_NOT
    if not customers.roles(house.db, house.actor.email, domain.customer_id, house.clock()) & PREPARERS:
        return "That takes the role admin or CSM."
    return _refusal(house, domain) or ""


def _waiting(house: Workspace, domain: Domain, state: State) -> datetime | None:
    plan = last_plan(house, state) if state.waiting_since else None
    return state.waiting_since if plan and still_waits(house, domain, plan) else None


def stands(
    house: Workspace,
    facts: Facts,
    domain: Domain,
    table: ScheduleTable,
    given: StandingApproval,
    state: State,
    seen: ScheduleSeen,
) -> ScheduleSeen:
    """`seen`, with where a schedule stands that somebody switched on."""
    approval = renewed(house, facts, domain, table, given)
    seen = replace(seen, by=approval.by, on_at=approval.at)
    pause = pause_of(facts, domain, table, approval)
    if pause:
        return replace(seen, standing=Standing.PAUSED, reason=pause.reason)
    trouble = state.trouble
    if trouble and not lifted(facts, trouble):
        return replace(
            seen, standing=Standing.QUARANTINE, reason=trouble.reason, trouble=trouble, next_at=trouble.retry_at
        )
    coming = engine.next_time(table.cron, table.timezone, house.clock())
    soonest = min((each for each in (coming, state.soon_at) if each), default=None)
    return replace(seen, standing=Standing.ON, next_at=soonest)
