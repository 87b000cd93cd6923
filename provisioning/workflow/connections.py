"""A customer’s connections to HiBob, which of them a domain reads through, and what HiBob said there last. Calls nobody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provisioning.errors import SettingsError
from provisioning.model import Connection, Domain, Evidence, Field, ReportName
from provisioning.store import customers, snapshots
from provisioning.store.secrets import about_secret, connection_owner
from provisioning.store.snapshots import KeptRead
from provisioning.workflow.house import Workspace, seen_customer, seen_domain


@dataclass(frozen=True, slots=True)
class ConnectionSeen:
    """A connection as pages show it; of the token only when it was set and how it ends."""

    connection: Connection
    token_set: bool
    token_set_at: str
    token_ends_in: str
    domains: tuple[str, ...]
    reports: tuple[ReportName, ...] = ()


def connections_seen(house: Workspace, customer: str) -> list[ConnectionSeen]:
    found = seen_customer(house, customer, "see the connections")
    have = customers.domains(house.db, found.id)
    return [_connection_seen(house, each, have) for each in customers.connections(house.db, found.id)]


def _connection_seen(house: Workspace, each: Connection, have: Sequence[Domain]) -> ConnectionSeen:
    at, ends_in = about_secret(house.db, connection_owner(each.id)) or ("", "")
    alone = len(customers.connections(house.db, each.customer_id)) == 1
    used = tuple(
        domain.name
        for domain in have
        if domain.settings.connection == each.name or (alone and domain.settings.connection is None)
    )
    return ConnectionSeen(each, bool(at), at, ends_in, used, customers.reports(house.db, each.id))


def connection_of(house: Workspace, domain: Domain) -> Connection:
    have = customers.connections(house.db, domain.customer_id)
    name = domain.settings.connection
    found = [each for each in have if each.name == name] if name else have
    if len(found) != 1:
        raise SettingsError(f"Domain {domain.label} has no connection. Name one in its settings (`connection = …`).")
    return found[0]


def fields_known(house: Workspace, label: str) -> tuple[Field, ...]:
    """HiBob's fields as last read; none before the first contact."""
    domain = seen_domain(house, label, "see the mapping")
    try:
        connection = connection_of(house, domain)
    except SettingsError:
        return ()
    cached = customers.metadata(house.db, connection.id)
    fields = cached[0] if cached else ()
    if connection.report is None or not fields:
        return fields
    return (*fields, *_titles(last_read(house, label), {each.id for each in fields}))


def _titles(read: Evidence | None, known_ids: set[str]) -> Iterable[Field]:
    """The columns of a report that are no field of HiBob's: their titles are their names."""
    for each in read.columns if read else ():
        if each.field not in known_ids:
            yield Field(each.field, each.field, json_path=each.field)


def last_read(house: Workspace, label: str) -> Evidence | None:
    """What the newest read of HiBob that is kept proved, be it for a plan or a sample; None before the first."""
    read = newest_read(house, label)
    return read.evidence if read else None


def newest_read(house: Workspace, label: str) -> KeptRead | None:
    return snapshots.newest_read(house.snapshots, seen_domain(house, label, "see the last read").id)
