"""Archiving everybody whom Rollcall manages in a domain, before it lets go of it: planned, approved and processed like
any other change."""

from provisioning.engine.farewell import make_farewell
from provisioning.errors import Lapsed, Refused
from provisioning.model import Domain, Plan, PlanStatus, RunStatus
from provisioning.store import customers, plans, runs
from provisioning.store.leases import lease
from provisioning.workflow.approving import check_current
from provisioning.workflow.house import PREPARERS, Waiting, Workspace, quiet, record_event, seen_domain, with_us
from provisioning.workflow.planning import kept_read, situation_of, store_plan, users_of
from provisioning.workflow.undoing import kept_or_none


def farewell(house: Workspace, label: str, waiting: Waiting = quiet) -> Plan:
    """Plan to archive everybody whom Rollcall manages in a domain, and let its schedule rest. HiBob is not read."""
    domain = seen_domain(house, label, "plan to archive everybody", PREPARERS)
    with lease(house.db, domain.id, "farewell", waiting):
        domain = with_us(customers.domain_by_id(house.db, domain.id))
        with house.db.transaction():
            if customers.pause(house.db, domain.id, "Everybody is to be archived, before the domain is offboarded."):
                record_event(house, "schedule paused", domain, reason="farewell")
        return plan_farewell(house, domain)


def plan_farewell(house: Workspace, domain: Domain) -> Plan:
    """As things are now, stored as a plan. Whoever calls holds the domain."""
    situation = situation_of(
        house, domain, kept_read(house, domain, kept_or_none(house, domain)), users_of(house, domain)
    )
    return store_plan(house, situation, make_farewell(situation), farewell=True)


def farewell_seen(house: Workspace, label: str) -> tuple[Plan | None, bool]:
    """(the plan that archives everybody, if there is one that still holds, whether that is done)"""
    return farewell_of(house, seen_domain(house, label, "see the previews"))


def farewell_of(house: Workspace, domain: Domain) -> tuple[Plan | None, bool]:
    found = plans.last_farewell(house.db, domain.id)
    plan = plans.plan_head(house.db, found) if found else None
    try:
        if plan:
            check_current(house, plan, domain)
    except Lapsed:
        plan = None
    run = runs.latest_run(house.db, plan.id) if plan else None
    done = run is not None and run.status is RunStatus.DONE
    return plan, done or (plan is not None and plan.status is PlanStatus.EMPTY)


def need_farewell(house: Workspace, domain: Domain) -> None:
    """Raises `Refused` unless everybody was archived, but those who were left out or are protected."""
    plan, done = farewell_of(house, domain)
    if done:
        return
    if plan is None:
        raise Refused(f"{domain.label}: nobody has planned yet to archive its users.")
    run = runs.latest_run(house.db, plan.id)
    if run:
        again = f"process {plan.id}" + (" --retry-failed" if run.status is RunStatus.PARTIAL else "")
        raise Refused(f"{domain.label}: run {run.id} has not archived everybody: it is {run.status.value}. `{again}`.")
    next_step = "is approved and not processed" if plans.get_approval(house.db, plan.id) else "is not approved yet"
    raise Refused(f"{domain.label}: preview {plan.id}, which archives its users, {next_step}.")
