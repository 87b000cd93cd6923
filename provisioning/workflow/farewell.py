"""Archiving everybody whom Rollcall manages in a domain, before it lets go of it: planned, approved and processed like
any other change."""

from provisioning.engine.farewell import make_farewell
from provisioning.model import Domain, Plan
from provisioning.store import customers
from provisioning.store.leases import lease
from provisioning.workflow.house import (
    PREPARERS,
    Waiting,
    Workspace,
    failure_recorded,
    quiet,
    record_event,
    seen_domain,
    with_us,
)
from provisioning.workflow.planning import kept_read, situation_of, store_plan, users_of
from provisioning.workflow.undoing import kept_or_none


def farewell(house: Workspace, label: str, waiting: Waiting = quiet) -> Plan:
    """Plan to archive everybody whom Rollcall manages in a domain, and let its schedule rest. HiBob is not read."""
    domain = seen_domain(house, label, "plan to archive everybody", PREPARERS)
    with (
        lease(house.db, domain.id, "farewell", waiting),
        failure_recorded(house, domain, "plan failed", farewell=True),
    ):
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
