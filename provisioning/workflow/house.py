"""Who works in which installation, and who may: every use case starts here."""

import getpass
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from provisioning import setup_file
from provisioning.database import Database
from provisioning.errors import NeighbourError, NotFound, Refused, RoleMissing, UsageError
from provisioning.hands import Hands, Here
from provisioning.model import (
    Actor,
    Customer,
    Domain,
    Role,
)
from provisioning.report.called import role_called
from provisioning.store import customers, history
from provisioning.store.leases import Holder
from provisioning.store.migrations import migrate
from provisioning.store.seal import SEAL, Sealer
from provisioning.store.secrets import (
    MODE_VARIABLE,
    Vault,
    open_vault,
)

DATABASE = "rollcall.db"

Waiting = Callable[[Holder], None]

Progress = Callable[[int, int], None]

Say = Callable[[str], None]


def quiet(*_: object) -> None:
    """For callers who do not show waiting or progress."""


@dataclass
class Workspace:
    """One installation as one actor sees it: its database, vault, data folder, environment and clock."""

    data: Path
    environment: Mapping[str, str]
    actor: Actor
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    where: str = ""
    """From where the actor acts, for the history: the command line of a host, or a browser's address."""
    session: str = ""
    """The sign-in by which the actor is here; empty where nobody signs in."""
    hands: Hands = field(default_factory=Here)
    """Who reads and plans for us."""
    ending: Callable[[], bool] = lambda: False
    """Whether this process was told to end: a run pauses before its next chunk, for somebody else to go on with."""

    @cached_property
    def db(self) -> Database:
        db = Database(self.data / DATABASE)
        migrate(db)
        return db

    @cached_property
    def vault(self) -> Vault:
        sealed = self.db.one("SELECT count(*) AS sealed FROM secrets")
        return open_vault(self.data, self.environment, sealed["sealed"] if sealed else 0)

    def sealer(self, *, first: bool = False) -> Sealer:
        return Sealer(self.db, lambda: self.vault, self.data / SEAL, first)

    @property
    def snapshots(self) -> Path:
        return self.data / "snapshots"


class PutDown(BaseException):
    """This process ends; what it was doing is repeated or resumed by the next. No failure, so nobody may take it for one."""


def acting_as(house: Workspace, actor: Actor) -> Workspace:
    """The same installation, as somebody else sees it."""
    other = replace(house, actor=actor)
    other.__dict__["db"] = house.db
    return other


def operator() -> Actor:
    """Whoever runs the program on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return Actor(f"operator:{name}")


def member(email: str) -> Actor:
    address = setup_file.check_email(email)
    return Actor(address, address)


NOBODYS = 0

"""The id of no customer: what is asked of one that is not there takes a role for all of them."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

READERS = frozenset(Role)

PREPARERS = frozenset({Role.ADMIN, Role.CSM})

CARETAKERS = frozenset({Role.CSM})

"""What concerns every customer: the operator, or a CSM of all of them."""


def require(house: Workspace, customer_id: int | None, roles: frozenset[Role], doing: str) -> None:
    """The operator may read and prepare; everybody else needs one of these roles for the customer."""
    email = house.actor.email
    if email is None:
        return
    # Roles by group last as long as a sign-in; at night, under a standing approval, those of the last one count.
    at = LONG_AGO if house.actor.scheduled else house.clock()
    if not customers.roles(house.db, email, customer_id, at) & roles:
        needed = " or ".join(role_called(role) for role in sorted(roles))
        whose = "this customer" if customer_id is not None else "every customer"
        raise RoleMissing(f"{email} may not {doing}: that takes the role {needed} for {whose}.")


def record_event(house: Workspace, what: str, domain: Domain | None = None, **details: object) -> None:
    """Append to the history: who, when, from where. Part of the caller's transaction; sealed once that is stored."""
    with house.db.transaction():
        seal_at_commit(house)
        record_unsealed(house, what, domain, **details)


@contextmanager
def failure_recorded(house: Workspace, domain: Domain, what: str, **details: object) -> Iterator[None]:
    """Where a neighbour or the settings keep us from what was asked for, the history says so, and why. What is refused to
    somebody did not fail."""
    try:
        yield
    except (NeighbourError, UsageError) as problem:
        record_event(house, what, domain, why=str(problem), **details)
        raise


def seal_at_commit(house: Workspace) -> None:
    """Have the history sealed once this transaction is stored. What stands above the seal already is named first, so that
    it never passes for something that was written here."""
    house.vault  # noqa: B018 - without a key nothing can be sealed: say so before anything is stored
    sealer = house.sealer(first=history.is_new(house.db))
    if house.db.at_commit(sealer) and (left := sealer.left_unsealed()):
        record_unsealed(house, history.UNSEALED, rows=[list(left)])


def record_unsealed(house: Workspace, what: str, domain: Domain | None = None, **details: object) -> None:
    """For what happens where the key may not be there yet."""
    customer_id = details.pop("customer_id", domain.customer_id if domain else None)
    plan, run = details.pop("plan", None), details.pop("run", None)
    details |= {"scheduled": True} if house.actor.scheduled else {}
    history.record(
        house.db,
        house.clock(),
        house.actor.name,
        what,
        customer_id=customer_id if isinstance(customer_id, int) else None,
        domain_id=domain.id if domain else None,
        plan=str(plan) if plan else None,
        run=str(run) if run else None,
        **details,
        **({"from": house.where} if house.where else {}),
    )


def customers_seen(house: Workspace) -> list[Customer]:
    """The customers for which the actor has a role; the operator sees all."""
    email = house.actor.email
    return [
        each
        for each in customers.customers(house.db)
        if email is None or customers.roles(house.db, email, each.id, house.clock())
    ]


LOCAL_USER = "ROLLCALL_LOCAL_USER"

"""Names who sits at this machine, where nobody signs in."""

MODE = MODE_VARIABLE

"""`server`: people sign in, and the encryption key is never made here. `local`: one person, on this machine."""


def seen_customer(house: Workspace, name: str, doing: str, roles: frozenset[Role] = READERS) -> Customer:
    """The customer of this name. One that the actor may not see is refused in the same words as one that is not there;
    `NotFound`, which names all there are, is for those who may see all."""
    found = customers.find_customer(house.db, name)
    require(house, found.id if found else NOBODYS, roles, doing)
    if found is None:
        there = ", ".join(each.name for each in customers.customers(house.db)[:10])
        have = f"Known: {there}." if there else "There is none yet: create one with `setup FILE.toml`."
        raise NotFound(f"There is no customer “{name}”. {have}")
    return found


def with_us(domain: Domain) -> Domain:
    """The same domain. Raises `Refused` for one that left: it is there to be read only."""
    if domain.left_at:
        raise Refused(
            f"{domain.label} was offboarded on {domain.left_at:%d %b %Y}: what happened can be read, and nothing is done "
            "any more. A set-up file that names it takes it up again."
        )
    return domain


def domains_seen(house: Workspace, customer: str) -> list[Domain]:
    found = seen_customer(house, customer, "see this customer")
    return customers.domains(house.db, found.id)


def may(house: Workspace, customer: str) -> frozenset[str]:
    """What the actor may do for a customer: "prepare", "approve"; for what to offer, checked again when done."""
    found = customers.find_customer(house.db, customer)
    if house.actor.email is None:
        return frozenset({"prepare"})
    able = found and customers.roles(house.db, house.actor.email, found.id, house.clock()) & PREPARERS
    return frozenset({"prepare", "approve"}) if able else frozenset()


def seen_domain(house: Workspace, label: str, doing: str, roles: frozenset[Role] = READERS) -> Domain:
    """The domain of this label. Of customers that the actor may not see, nothing is told: neither names nor whether
    they are there."""
    domain = customers.find_domain(house.db, label)
    if domain:
        require(house, domain.customer_id, roles, doing)
        return domain if Role.AUDITOR in roles else with_us(domain)
    mine = customers_seen(house)
    if not any(label.startswith(f"{each.name}/") for each in mine):
        require(house, NOBODYS, roles, doing)
    return customers.get_domain(house.db, label, {each.id for each in mine})


def is_local_user(house: Workspace) -> bool:
    named = house.environment.get(LOCAL_USER)
    return bool(named) and member(named or "").email == house.actor.email


def is_customer(house: Workspace, name: str) -> bool:
    """Whether this names a customer that the actor may see, and not a domain."""
    return any(each.name == name for each in customers_seen(house))


def any_customer(house: Workspace) -> bool:
    """Whether there is a customer at all, be it one that the actor may not see."""
    return bool(customers.customers(house.db))
