"""Signing in and out: what the identity provider says of somebody becomes an actor, for eight hours and no longer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from provisioning.errors import RoleMissing, SettingsError, SignedOut
from provisioning.model import Role
from provisioning.store import customers, sessions
from provisioning.store.codec import to_json
from provisioning.workflow.house import Workspace, customers_seen, member, record_event

Grants = Mapping[str, Sequence[tuple[Role, str | None]]]
"""What each group of the identity provider gives: roles, each for a customer by name, or for all of them (None)."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the identity provider said when somebody signed in. `mark`: what makes this sign-in another than the next."""

    email: str
    issuer: str
    subject: str
    issued_at: datetime
    mark: str = ""
    groups: tuple[str, ...] = ()

    @property
    def session(self) -> str:
        told = to_json([self.issuer, self.subject, self.issued_at.isoformat(), self.mark])
        return sha256(told.encode()).hexdigest()


def sign_in(house: Workspace, ticket: Ticket, grants: Grants) -> None:
    """Let the actor in by this ticket, or still in. Raises `SignedOut` when the session is over.

    The first time a ticket is seen, the sign-in is recorded and the groups' roles are taken over.
    """
    now = house.clock()
    began = min(ticket.issued_at, now)
    if house.actor != member(ticket.email):
        raise SignedOut("Nobody is signed in.")
    over = sessions.why_over(house.db, ticket.session, ticket.email, began, now)
    if over:
        raise SignedOut(over)
    house.session = ticket.session
    if sessions.known(house.db, ticket.session):
        return
    with house.db.transaction():
        sessions.forget_old(house.db, now)
        if sessions.begin(house.db, ticket.session, ticket.email, began, house.where):
            _take_over_groups(house, ticket, grants, began + sessions.LASTS)
            _record(house, "signed in")


def _take_over_groups(house: Workspace, ticket: Ticket, grants: Grants, until: datetime) -> None:
    known = {each.name: each.id for each in customers.customers(house.db)}
    wanted = {
        (role, known[name] if name is not None else None)
        for group in ticket.groups
        for role, name in grants.get(group, ())
        if name is None or name in known
    }
    before = sessions.put_group_roles(house.db, ticket.email, sorted(wanted, key=str), until)
    for what, changed in (("role given by group", wanted - before), ("role by group ended", before - wanted)):
        for role, customer_id in sorted(changed, key=str):
            record_event(house, what, customer_id=customer_id, name=ticket.email, role=role.value)


def sign_out(house: Workspace) -> None:
    """End every session of the actor: in all tabs, and wherever else they are signed in."""
    if house.actor.email is None:
        return
    with house.db.transaction():
        _record(house, "signed out")
        sessions.end_all(house.db, house.actor.email, house.clock())


def _record(house: Workspace, what: str) -> None:
    """In the history of each customer that the person has a role for; of nobody's, or a CSM of all: once."""
    email = house.actor.email or ""
    everybody = customers.roles(house.db, email, None, house.clock())
    seen: list[int | None] = [] if everybody else [each.id for each in customers_seen(house)]
    for customer_id in seen or [None]:
        record_event(house, what, customer_id=customer_id)


def need_membership(house: Workspace) -> None:
    """Raises `RoleMissing` for somebody without a role for any customer, `SignedOut` when their session ended."""
    email = house.actor.email
    if house.session and not sessions.is_open(house.db, house.session, house.clock()):
        raise SignedOut("Your session is over.")
    if email is not None and not customers.is_anybody(house.db, email, house.clock()):
        raise RoleMissing(f"{email} has no role for any customer.")


def read_grants(written: Mapping[str, object]) -> Grants:
    """The groups of a configuration: each gives `ROLE:CUSTOMER` (several in a list), or `csm` for every customer.
    Raises `SettingsError` for anything else."""
    return {group: [_grant(group, each) for each in _listed(given)] for group, given in written.items()}


def _listed(given: object) -> Sequence[object]:
    return given if isinstance(given, list) else [given]


def _grant(group: str, written: object) -> tuple[Role, str | None]:
    role, colon, customer = written.partition(":") if isinstance(written, str) else ("", "", "")
    try:
        found = Role(role.strip())
    except ValueError:
        found = None
    if found is None or (colon and not customer.strip()) or (not colon and found is not Role.CSM):
        raise SettingsError(
            f'The group “{group}” must give ROLE:CUSTOMER, such as "admin:Acme", or "csm" for every customer.'
        )
    return found, customer.strip() or None
