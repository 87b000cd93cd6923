"""Offboarding: Rollcall lets go of a domain, of a connection with the domains on it, or of a whole customer. Its users stay as
they are, or are archived before (`farewell`). What happened stays in the history, and can be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provisioning.errors import Lapsed, NotFound, Refused, RoleMissing
from provisioning.model import Connection, Customer, Domain, Plan, PlanStatus, RunStatus
from provisioning.store import approvals, customers, leaving, plans, runs, snapshots
from provisioning.store.leases import is_held
from provisioning.workflow.house import (
    PREPARERS,
    READERS,
    Workspace,
    record_event,
    require,
    seen_customer,
    seen_domain,
)
from provisioning.workflow.stored_plans import can_go_on, check_current


class Fate(StrEnum):
    """What happens to the users of what leaves."""

    STAY = "stay"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What goes when something is offboarded. `name`: what is typed to confirm it."""

    name: str
    customer: Customer
    domains: tuple[Domain, ...]
    connections: tuple[Connection, ...]
    whole: bool = False


def leaving_domain(house: Workspace, label: str) -> Leaving:
    domain = seen_domain(house, label, "offboard a domain", PREPARERS)
    return Leaving(domain.name, customers.get_customer(house.db, domain.customer), (domain,), ())


def leaving_connection(house: Workspace, customer: str, name: str) -> Leaving:
    """A connection with every domain that reads through it. Raises `NotFound`."""
    found = seen_customer(house, customer, "offboard a connection", PREPARERS)
    have = customers.connections(house.db, found.id)
    gone = next((each for each in have if each.name == name), None)
    if gone is None:
        raise NotFound(f"{customer} has no connection “{name}” ({', '.join(each.name for each in have) or 'none'}).")
    unsaid = name if len(have) == 1 else None
    on_it = [each for each in customers.domains(house.db, found.id) if (each.settings.connection or unsaid) == name]
    return Leaving(name, found, tuple(on_it), (gone,))


def leaving_customer(house: Workspace, customer: str) -> Leaving:
    found = seen_customer(house, customer, "offboard a customer", PREPARERS)
    domains, connections = customers.domains(house.db, found.id), customers.connections(house.db, found.id)
    return Leaving(found.name, found, tuple(domains), tuple(connections), whole=True)


def needs_farewell(house: Workspace, found: Leaving) -> list[Domain]:
    """The domains for which nobody has planned yet to archive their users."""
    require(house, found.customer.id, PREPARERS, "offboard")
    return [each for each in found.domains if farewell_of(house, each)[0] is None]


def offboard(house: Workspace, found: Leaving, users: Fate) -> None:
    """Let go, all or nothing: schedules, webhooks and notifications cease, and tokens are destroyed. Raises `Refused`
    while a run goes on, and, where users are to be archived first, until they are."""
    require(house, found.customer.id, PREPARERS, "offboard")
    if house.actor.email is None:
        raise RoleMissing("The operator may prepare, but not offboard. Say who does: --by EMAIL.")
    with house.db.transaction():
        for domain in found.domains:
            _check_idle(house, domain)
            if users is Fate.ARCHIVE:
                need_farewell(house, domain)
        _let_go(house, found, users)
    for domain in found.domains:
        snapshots.drop_snapshots(house.snapshots, domain.id)


def _check_idle(house: Workspace, domain: Domain) -> None:
    if is_held(house.db, domain.id):
        raise Refused(f"{domain.label} is being worked on. Wait until that is done, or stop the run.")
    for plan_id, status in plans.run_statuses(house.db, domain.id).items():
        run = runs.latest_run(house.db, plan_id)
        if run and status is RunStatus.RUNNING and can_go_on(house, run, domain):
            raise Refused(f"Run {run.id} of {domain.label} was interrupted. Resume it first: `process {plan_id}`.")


def _let_go(house: Workspace, found: Leaving, users: Fate) -> None:
    now, customer_id = house.clock(), found.customer.id
    for domain in found.domains:
        leaving.leave_domain(house.db, domain.id, now)
        record_event(house, "domain offboarded", domain, name=domain.name, users=users.value)
    for connection in found.connections:
        leaving.leave_connection(house.db, connection.id)
        record_event(
            house, "connection offboarded", customer_id=customer_id, name=connection.name, tokens="destroyed",
            users=users.value,
        )  # fmt: skip
    if found.whole:
        leaving.leave_customer(house.db, customer_id, now)
        record_event(house, "customer offboarded", customer_id=customer_id, name=found.customer.name, users=users.value)


def domains_left(house: Workspace, customer: str) -> Sequence[tuple[str, datetime]]:
    """(`CUSTOMER/DOMAIN`, since when) of the domains that were offboarded, to read what happened in them."""
    found = seen_customer(house, customer, "see this customer", READERS)
    return [(each.label, each.left_at) for each in customers.domains_ever(house.db, found.id) if each.left_at]


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
    next_step = "is approved and not processed" if approvals.get_approval(house.db, plan.id) else "is not approved yet"
    raise Refused(f"{domain.label}: preview {plan.id}, which archives its users, {next_step}.")
