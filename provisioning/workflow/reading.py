"""Reading HiBob for a domain, and the test of a connection."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from provisioning.engine import columns as known
from provisioning.engine.columns import USUAL, Catalogue, absent_remedy, column_names, resolve_all
from provisioning.engine.proof import engine_columns_absent
from provisioning.engine.situation import OtherDomain
from provisioning.errors import Refused, RollcallError, SettingsError, SourceError
from provisioning.hands import Closed, Here
from provisioning.hosts import HIBOB_HOSTS, allowed_hosts, check_base_url
from provisioning.model import (
    Attribute,
    Column,
    Connection,
    Domain,
    Field,
    Finding,
    Severity,
    Snapshot,
)
from provisioning.source.metadata import read_metadata
from provisioning.source.people import MOST_FIELDS
from provisioning.source.reports import list_reports
from provisioning.store import customers, history, jobs, snapshots
from provisioning.store.secrets import (
    connection_owner,
    get_secret,
)
from provisioning.workflow.checked import Check, CheckedColumn
from provisioning.workflow.connections import connection_of
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seen_domain
from provisioning.workflow.portals import ask_portal
from provisioning.workflow.reaching import HiBobAsked, Reach, hibob_at, people_of, report_of

if TYPE_CHECKING:
    from provisioning.source.client import HiBobClient

TESTED, MOST_TESTS, TEST_WINDOW = "connection tested", 20, timedelta(minutes=5)
METADATA_AGE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Read:
    """One read of HiBob for a domain: what was asked, how its names resolve, what came back."""

    columns: dict[str, Column]
    others: tuple[OtherDomain, ...]
    employees: Snapshot
    catalogue: Catalogue
    metadata_at: datetime


def _reach(house: Workspace, connection: Connection) -> tuple[Reach, str]:
    """Where HiBob is, with the connection's credentials: token and service user id. The host rules hold at every use, not
    only when it was saved."""
    url = check_base_url(connection.base_url, HIBOB_HOSTS, allowed_hosts(house.environment))
    token = get_secret(house.db, house.vault, connection_owner(connection.id))
    if not connection.service_user_id or not token:
        raise SettingsError(
            f"Connection “{connection.name}” has no service user id or token yet. Enter both on the page Connect, or in the "
            "set-up file (`id`, `token`), and try again."
        )
    return Reach(url, Closed(token), allowed_hosts(house.environment)), connection.service_user_id


IN_SCOPE = "(scope)"
"""Stands for an attribute where the scope names the column."""


@contextmanager
def _client(house: Workspace, connection: Connection) -> "Iterator[HiBobClient]":
    with hibob_at(*_reach(house, connection)) as client:
        yield client


def read_hibob(house: Workspace, domain: Domain, *, fresh_metadata: bool = False, also: Sequence[str] = ()) -> Read:
    """One complete read of HiBob with the columns that mapping, scope and engine need. `also`: fields that are read
    besides, where HiBob has them."""
    connection, started = connection_of(house, domain), house.clock()
    names = column_names(domain.attributes, domain.settings.scope)
    with _client(house, connection) as client:
        report = None
        if connection.report is not None:
            fields, at = _metadata(house, connection, client, fresh_metadata)
            asked_for = HiBobAsked(*_reach(house, connection), tuple(fields), house.clock(), connection.report)
            report = house.hands.do(f"read-report-{domain.id}", report_of, asked_for)
            titles = {each.id for each in report.fields}
            catalogue = Catalogue([*report.fields, *(each for each in fields if each.id not in titles)])
        else:
            catalogue, at = _catalogue(house, connection, client, names, fresh_metadata)
        columns = resolve_all(catalogue, names)
        others = other_domains(house, domain, connection, catalogue)
        for other in others:
            columns |= resolve_all(catalogue, [rule.column for rule in other.scope])
        named = sorted({column.field for column in columns.values()} - {known.ID})
        wished = (*known.ENGINE_FIELDS, *(field_id for field_id in also if field_id in catalogue.fields))
        ours = [field_id for field_id in dict.fromkeys(wished) if field_id not in named]
        # What the engine would like to have must not be what HiBob refuses the whole call for.
        asked = [catalogue.field(field_id) for field_id in (*named, *ours[: max(MOST_FIELDS - len(named), 1)])]
        now = house.clock()
        if report:
            employees = report.snapshot(asked, now)
        else:
            # To a cluster the last read is not sent: it is about as long as what it would save.
            kept = snapshots.load_known(house.snapshots, domain.id) if isinstance(house.hands, Here) else None
            wanted = HiBobAsked(*_reach(house, connection), tuple(asked), now, kept=Closed(kept) if kept else None)
            employees = house.hands.do(f"read-people-{domain.id}", people_of, wanted)
    mapped = {columns[name].field for name in names}
    if at < started and any(employees.evidence.absent(each) for each in mapped):
        # Before saying that a column is missing: the field's id may be newer than our list of fields.
        return read_hibob(house, domain, fresh_metadata=True, also=also)
    return Read(columns, others, employees, catalogue, at)


def suggested_fields(attributes: Sequence[Attribute]) -> tuple[str, ...]:
    """What is read for the suggestions of a mapping to have values beside them. Once something is mapped, only that is
    read: people's data that nobody asked for stays in HiBob."""
    return () if attributes else tuple(column.removeprefix(known.HUMAN) for _, column, _ in USUAL)


def _metadata(
    house: Workspace, connection: Connection, client: "HiBobClient", fresh: bool
) -> tuple[tuple[Field, ...], datetime]:
    """HiBob's fields, from the cache while it is younger than a day."""
    cached = customers.metadata(house.db, connection.id)
    if cached and not fresh and abs(house.clock() - cached[1]) < METADATA_AGE:
        return cached
    fields, now = read_metadata(client), house.clock()
    customers.save_metadata(house.db, connection.id, fields, now)
    return fields, now


def _catalogue(
    house: Workspace, connection: Connection, client: "HiBobClient", names: Sequence[str], fresh: bool
) -> tuple[Catalogue, datetime]:
    """HiBob's fields; read anew when the cache does not know a name, which may be newer."""
    fields, at = _metadata(house, connection, client, fresh)
    catalogue = Catalogue(fields)
    try:
        if fresh or all(catalogue.resolve(name).field in catalogue.fields for name in names):
            return catalogue, at
    except SettingsError:
        pass  # Ask HiBob before refusing a name.
    fields, at = _metadata(house, connection, client, True)
    return Catalogue(fields), at


def other_domains(
    house: Workspace, domain: Domain, connection: Connection, catalogue: Catalogue
) -> tuple[OtherDomain, ...]:
    """The customer's other domains on the same connection. One whose scope cannot be resolved says so in its own
    preview."""
    found = []
    for other in customers.domains(house.db, domain.customer_id):
        if other.id == domain.id or not other.attributes:
            continue
        try:
            same = connection_of(house, other).id == connection.id
            resolve_all(catalogue, [rule.column for rule in other.settings.scope])
        except SettingsError:
            continue
        if same:
            found.append(OtherDomain(other.name, other.settings.scope))
    return tuple(found)


def _note_reports(house: Workspace, connection: Connection) -> None:
    """Which custom reports there are to choose from. A service user need not be allowed to list them."""
    with _client(house, connection) as client:
        try:
            found = list_reports(client)
        except SourceError:
            found = ()
    customers.save_reports(house.db, connection.id, found)


def check(house: Workspace, label: str) -> Check:
    """Test a domain's connection: credentials, people, and every mapped field; before anything is mapped the usual ones are
    read too; and its portal, if it has one. Stores HiBob's metadata, and what was read for the mapping page to show."""
    domain = seen_domain(house, label, "test the connection", PREPARERS)
    _note_test(house, domain)
    read = read_hibob(house, domain, fresh_metadata=True, also=suggested_fields(domain.attributes))
    _keep_as_sample(house, domain, read.employees)
    _note_reports(house, connection_of(house, domain))
    portal = ask_portal(house, domain)
    evidence = read.employees.evidence
    checked = tuple(
        _checked_column(read, name, each.name)
        for each in domain.attributes
        for name in (each.data_feed_name, each.fallback)
        if name
    )
    checked += tuple(_checked_column(read, rule.column, IN_SCOPE) for rule in domain.settings.scope)
    return Check(
        connection=connection_of(house, domain).name,
        live=evidence.active,
        inactive=evidence.employees - evidence.active,
        columns=checked,
        findings=(
            *_check_findings(read, checked),
            *engine_columns_absent(domain, read.columns, evidence),
            *(portal.findings if portal else ()),
        ),
        metadata_at=read.metadata_at,
        fields=len(read.catalogue.fields),
        portal=portal,
    )


def check_at_once(house: Workspace, label: str) -> Check:
    """The same without the worker. What came of it is kept as the worker keeps it, for the pages to show."""
    domain = seen_domain(house, label, "test the connection", PREPARERS)
    try:
        found = check(house, label)
    except RollcallError as problem:
        _keep_test(house, domain, {}, str(problem))
        raise
    _keep_test(house, domain, {"check": msgspec.json.encode(found).decode()})
    return found


def _keep_test(house: Workspace, domain: Domain, result: dict[str, str], error: str | None = None) -> None:
    """In one transaction, so that no worker finds it waiting."""
    with house.db.transaction():
        job = jobs.ask(house.db, domain.id, jobs.JobKind.CHECK, house.actor.name, house.clock())
        jobs.finish(house.db, job, house.clock(), result, error)


def _keep_as_sample(house: Workspace, domain: Domain, employees: Snapshot) -> None:
    """So that nobody need read HiBob again to see values, unless a kept read has more columns, as those of a draft."""
    kept = snapshots.newest_read(house.snapshots, domain.id)
    more = kept and {each.field for each in kept.evidence.columns} - {each.field for each in employees.evidence.columns}
    if employees.evidence.employees and not more:
        snapshots.save_sample(house.snapshots, domain.id, employees)


def _note_test(house: Workspace, domain: Domain) -> None:
    """HiBob shuts everybody out for five minutes after fifty refused calls: nobody tries tokens here that fast. Counted
    per customer."""
    with house.db.transaction():
        since = house.clock() - TEST_WINDOW
        if history.count_since(house.db, domain.customer_id, TESTED, since) >= MOST_TESTS:
            raise Refused(
                f"The connections of this customer were tested {MOST_TESTS} times within {TEST_WINDOW.seconds // 60} minutes. "
                "Wait as long, then test again."
            )
        record_event(house, TESTED, domain)


def _checked_column(read: Read, name: str, attribute: str) -> CheckedColumn:
    evidence = read.employees.evidence
    found = evidence.column(read.columns[name].field)
    filled = found.filled if found else 0
    state = "absent" if evidence.absent(read.columns[name].field) else "ok" if filled else "empty"
    share = round(filled / evidence.employees, 4) if evidence.employees else 0.0
    category = (found.category if found else "") or None
    unlisted = state == "absent" and category is None and not evidence.from_report
    return CheckedColumn(name, attribute, share, state, category, unlisted)


def _check_findings(read: Read, checked: Sequence[CheckedColumn]) -> Iterable[Finding]:
    evidence = read.employees.evidence
    if not evidence.employees:
        yield Finding(
            "no-employees",
            Severity.WARN,
            "The credentials are right, but HiBob shows this service user nobody.",
            "In HiBob, put the service user into a permission group with people in “Access data for”.",
        )
        return
    # Backwards and back: of several that name one column the first counts, and the mapping stands before the scope.
    absent = {column.column: column for column in reversed(checked) if column.state == "absent"}
    for each in reversed(absent.values()):
        yield Finding(
            "column-absent",
            Severity.WARN,
            f"HiBob leaves out {each.column} ({each.attribute.strip('()')}) for everybody.",
            absent_remedy(evidence, read.columns[each.column].field, scope_only=each.attribute == IN_SCOPE),
        )
