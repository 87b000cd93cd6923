"""The use cases: gather → decide → record. The only module that joins source, engine, target, store and report;
pages, command line and worker call nothing else. Roles are checked here, whoever calls."""

import getpass
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import UNSET

from provisioning import setup_file
from provisioning.database import Database
from provisioning.engine import advice
from provisioning.engine import columns as known
from provisioning.engine.columns import Catalogue, absent_remedy, column_names, resolve_all
from provisioning.engine.explain import Answer, explain_person
from provisioning.engine.limits import concerns
from provisioning.engine.mapping import text_column
from provisioning.engine.plan import digest, make_plan
from provisioning.engine.proof import READ_PROOF, engine_columns_absent
from provisioning.engine.scope import in_scope
from provisioning.engine.situation import OtherDomain, Situation
from provisioning.engine.transforms import fold
from provisioning.errors import Lapsed, NotFound, Refused, RoleMissing, SettingsError, SourceError, UsageError
from provisioning.hosts import HIBOB_HOSTS, allowed_hosts, check_base_url
from provisioning.model import (
    PLAN_LIFETIME,
    Action,
    Actor,
    Approval,
    Attribute,
    Change,
    Column,
    Connection,
    Customer,
    Decision,
    Domain,
    Field,
    Finding,
    Held,
    Limits,
    Outcome,
    Plan,
    PlanStatus,
    ReportName,
    Result,
    Role,
    Run,
    RunStatus,
    ScopeRule,
    Settings,
    Severity,
    Snapshot,
    Users,
)
from provisioning.report.workbook import read_workbook, write_workbook
from provisioning.source.client import HiBobClient
from provisioning.source.metadata import read_metadata
from provisioning.source.people import MOST_FIELDS, read_people
from provisioning.source.reports import list_reports, read_report
from provisioning.store import customers, drafts, history, jobs, plans, runs, snapshots
from provisioning.store.jobs import Job, JobKind
from provisioning.store.leases import Holder, is_held, lease
from provisioning.store.migrations import migrate
from provisioning.store.secrets import (
    Vault,
    about_secret,
    connection_owner,
    drop_notify_secrets,
    drop_secret,
    get_secret,
    notify_owner,
    open_vault,
    put_secret,
    rotate_key,
)
from provisioning.target.local import LocalDirectory

CHUNK = 100
METADATA_AGE = timedelta(hours=24)
SEVEN_DAYS = timedelta(days=7)
REREAD_VARIABLE, REREAD_MINUTES = "ROLLCALL_REREAD_MINUTES", 15
DATABASE = "rollcall.db"

Waiting = Callable[[Holder], None]
Progress = Callable[[int, int], None]
Say = Callable[[str], None]


def _quiet(*_: object) -> None:
    """For callers who do not show waiting or progress."""


@dataclass
class Workspace:
    """One installation as one actor sees it: its database, vault, data folder, environment and clock."""

    data: Path
    environment: Mapping[str, str]
    actor: Actor
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @cached_property
    def db(self) -> Database:
        db = Database(self.data / DATABASE)
        migrate(db)
        return db

    @cached_property
    def vault(self) -> Vault:
        return open_vault(self.data, self.environment)

    @property
    def snapshots(self) -> Path:
        return self.data / "snapshots"


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


# --- who may ----------------------------------------------------------------------------------------------

_READ = frozenset(Role)
_PREPARE = frozenset({Role.ADMIN, Role.CSM})
_EVERYTHING = frozenset({Role.CSM})
"""What concerns every customer: the operator, or a CSM of all of them."""


def _require(house: Workspace, customer_id: int | None, roles: frozenset[Role], doing: str) -> None:
    """The operator may read and prepare; everybody else needs one of these roles for the customer."""
    email = house.actor.email
    if email is None:
        return
    if not customers.roles(house.db, email, customer_id) & roles:
        needed = " or ".join(sorted(role.value for role in roles))
        whose = "this customer" if customer_id is not None else "every customer"
        raise RoleMissing(f"{email} may not {doing}: that takes the role {needed} for {whose}.")


def _record(house: Workspace, what: str, domain: Domain | None = None, **details: object) -> None:
    customer_id = details.pop("customer_id", domain.customer_id if domain else None)
    plan, run = details.pop("plan", None), details.pop("run", None)
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
    )


# --- set-up -----------------------------------------------------------------------------------------------


def set_up(house: Workspace, text: str, *, prune: bool = False) -> list[str]:
    """Create or change one customer from a set-up file, all or nothing; contacts nobody. Returns what changed."""
    found = setup_file.parse(text)
    existing = customers.find_customer(house.db, found.customer.name)
    _require(house, existing.id if existing else None, _PREPARE, "change the set-up")
    with house.db.transaction():
        return _SetUp(house, found, prune).apply()


class _SetUp:
    """One application of a set-up file, inside a transaction."""

    def __init__(self, house: Workspace, found: setup_file.SetupFile, prune: bool) -> None:
        self.house, self.db, self.file, self.prune = house, house.db, found, prune
        self.changed: list[str] = []
        self.customer_id = 0

    def apply(self) -> list[str]:
        self._customer()
        if self.file.connections is not UNSET:
            self._connections(self.file.connections)
        if self.file.domains is not UNSET:
            self._domains(self.file.domains)
        if self.file.members is not UNSET:
            self._members(self.file.members)
        self._check_connections()
        return self.changed

    def _note(self, what: str, domain: Domain | None = None, **details: object) -> None:
        self.changed.append(f"{what}: {details.get('name', '')}".rstrip(": "))
        _record(self.house, what, domain, customer_id=self.customer_id, **details)

    def _customer(self) -> None:
        table = self.file.customer
        before = customers.find_customer(self.db, table.name)
        price = None if table.price_per_user is None else format(Decimal(str(table.price_per_user)), "f")
        self.customer_id = customers.save_customer(self.db, table.name, table.seats, price, table.retention_days)
        after = customers.get_customer(self.db, table.name)
        if before != after:
            self._note("customer changed" if before else "customer created", name=table.name, seats=table.seats)

    def _members(self, tables: list[setup_file.MemberTable]) -> None:
        now = self.house.clock()
        named = {setup_file.check_email(each.email): each.role for each in tables}
        for email, role in named.items():
            if customers.grant(self.db, email, role, self.customer_id, now):
                self._note("role granted", name=email, role=role.value)
        if self.prune:
            for each in customers.members(self.db, self.customer_id):
                if each.customer_id is not None and each.email not in named:
                    customers.revoke(self.db, each.email, self.customer_id)
                    self._note("role removed", name=each.email)

    def _connections(self, tables: list[setup_file.ConnectionTable]) -> None:
        before = {each.name: each for each in customers.connections(self.db, self.customer_id)}
        for table in tables:
            self._connection(table, before.get(table.name))
        for name in sorted(set(before) - {each.name for each in tables}) if self.prune else ():
            drop_secret(self.db, connection_owner(before[name].id))
            customers.delete_connection(self.db, before[name].id)
            self._note("connection removed", name=name)

    def _connection(self, table: setup_file.ConnectionTable, before: Connection | None) -> None:
        url = check_base_url(table.base_url, HIBOB_HOSTS, allowed_hosts(self.house.environment))
        wanted = Connection(0, self.customer_id, table.name, url, table.id, table.report, table.type)
        old_env = customers.token_variable(self.db, before.id) if before else None
        env = table.token.env if table.token else old_env
        connection_id = customers.save_connection(self.db, wanted, env)
        token_changed = table.token is not None and put_secret(
            self.db,
            self.house.vault,
            connection_owner(connection_id),
            self._secret(table.token, f"the token of connection “{table.name}”"),
            self.house.clock(),
        )
        if before is None or replace(before, id=0) != wanted or env != old_env or token_changed:
            what = "connection changed" if before else "connection created"
            self._note(what, name=table.name, base_url=url, token_set=token_changed)

    def _secret(self, secret: setup_file.Secret, what: str) -> str:
        value = self.house.environment.get(secret.env, "").strip()
        if not value:
            raise SettingsError(f"The environment variable {secret.env} is not set; {what} is read from it.")
        return value

    def _domains(self, tables: list[setup_file.DomainTable]) -> None:
        before = {each.name: each for each in customers.domains(self.db, self.customer_id)}
        for table in tables:
            self._domain(table, before.get(table.name))
        for name in sorted(set(before) - {each.name for each in tables}) if self.prune else ():
            drop_notify_secrets(self.db, before[name].id, 0)
            customers.delete_domain(self.db, before[name].id)
            snapshots.drop_snapshots(self.house.snapshots, before[name].id)
            self._note("domain removed", name=name)

    def _domain(self, table: setup_file.DomainTable, before: Domain | None) -> None:
        domain_id = before.id if before else customers.create_domain(self.db, self.customer_id, table.name)
        by, now = self.house.actor.name, self.house.clock()
        attributes = before.attributes if before else ()
        if table.attributes is not UNSET:
            attributes = setup_file.to_attributes(table.attributes)
        settings = setup_file.to_settings(table, before.settings if before else Settings())
        self._check_names(table, settings, {each.name for each in attributes})
        mapping_version = customers.save_mapping(self.db, domain_id, attributes, by, now)
        settings_version = customers.save_settings(self.db, domain_id, settings, by, now)
        schedule = msgspec.to_builtins(table.schedule) if table.schedule else None
        standing = customers.save_standing(self.db, domain_id, schedule, [each.env for each in table.notify])
        for place, each in enumerate(table.notify):
            secret = self._secret(each, f"a notification target of domain “{table.name}”")
            standing |= put_secret(self.db, self.house.vault, notify_owner(domain_id, place), secret, now)
        drop_notify_secrets(self.db, domain_id, len(table.notify))
        if before is None or mapping_version or settings_version or standing:
            domain = customers.domain_by_id(self.db, domain_id)
            self._note(
                "domain changed" if before else "domain created",
                domain,
                name=table.name,
                mapping_version=domain.mapping_version,
                settings_version=domain.settings_version,
            )

    def _check_connections(self) -> None:
        have = {each.name for each in customers.connections(self.db, self.customer_id)}
        for domain in customers.domains(self.db, self.customer_id):
            if domain.settings.connection and domain.settings.connection not in have:
                raise SettingsError(
                    f"The connection “{domain.settings.connection}” cannot be removed: domain “{domain.name}” uses it."
                )

    def _check_names(self, table: setup_file.DomainTable, settings: Settings, names: set[str]) -> None:
        """What the domain refers to must be there: its connection, its identifier, protected attributes."""
        have = {each.name for each in customers.connections(self.db, self.customer_id)}
        where = f"Domain “{table.name}”"
        if settings.connection and settings.connection not in have:
            raise SettingsError(f"{where}: there is no connection “{settings.connection}” for this customer.")
        if settings.unique_identifier and settings.unique_identifier not in names:
            raise SettingsError(
                f"{where}: its unique identifier “{settings.unique_identifier}” is none of its attributes."
            )
        for each in settings.protected:
            if each.attribute and each.attribute not in names:
                raise SettingsError(
                    f"{where}: protected people are named by “{each.attribute}”, which is none of its attributes."
                )


def export(house: Workspace, name: str) -> str:
    """A customer as a set-up file, without secrets: only the variables they were read from."""
    customer = customers.get_customer(house.db, name)
    _require(house, customer.id, _READ, "export the set-up")
    file = setup_file.SetupFile(
        customer=setup_file.CustomerTable(
            name=customer.name,
            seats=customer.seats,
            price_per_user=float(customer.price_per_user) if customer.price_per_user else None,
            retention_days=customer.retention_days,
        ),
        members=[
            setup_file.MemberTable(each.email, each.role)
            for each in customers.members(house.db, customer.id)
            if each.customer_id is not None
        ],
        connections=[_connection_table(house, each) for each in customers.connections(house.db, customer.id)],
        domains=[_domain_table(house, each) for each in customers.domains(house.db, customer.id)],
    )
    return setup_file.write(file)


def _connection_table(house: Workspace, each: Connection) -> setup_file.ConnectionTable:
    variable = customers.token_variable(house.db, each.id)
    return setup_file.ConnectionTable(
        name=each.name,
        base_url=each.base_url,
        id=each.service_user_id,
        token=setup_file.Secret(variable) if variable else None,
        report=each.report,
    )


def _domain_table(house: Workspace, domain: Domain) -> setup_file.DomainTable:
    table = setup_file.from_settings(domain.name, domain.settings, domain.attributes)
    schedule, notify = customers.standing(house.db, domain.id)
    table.schedule = msgspec.convert(schedule, setup_file.ScheduleTable) if schedule else None
    table.notify = [setup_file.Secret(variable) for variable in notify]
    return table


def grant(house: Workspace, email: str, role: Role, customer: str | None) -> bool:
    """Give somebody a role for a customer; only a CSM may have every customer. Returns whether it is new."""
    address = setup_file.check_email(email)
    if customer is None and role is not Role.CSM:
        raise UsageError(
            f"Name the customer: only a CSM may have all of them, not a member with the role {role.value}."
        )
    customer_id = customers.get_customer(house.db, customer).id if customer else None
    _require(house, customer_id, _PREPARE, "grant roles")
    with house.db.transaction():
        new = customers.grant(house.db, address, role, customer_id, house.clock())
        if new:
            _record(house, "role granted", customer_id=customer_id, name=address, role=role.value)
    return new


# --- reading HiBob ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """One read of HiBob for a domain: what was asked, how its names resolve, what came back."""

    columns: dict[str, Column]
    others: tuple[OtherDomain, ...]
    employees: Snapshot
    catalogue: Catalogue
    metadata_at: datetime


def _connection_of(house: Workspace, domain: Domain) -> Connection:
    have = customers.connections(house.db, domain.customer_id)
    name = domain.settings.connection
    found = [each for each in have if each.name == name] if name else have
    if len(found) != 1:
        raise SettingsError(f"Domain {domain.label} has no connection. Name one in its settings (`connection = …`).")
    return found[0]


@contextmanager
def _client(house: Workspace, connection: Connection) -> Iterator[HiBobClient]:
    """HiBob with the connection's credentials. The host rules hold at every use, not only when it was saved."""
    url = check_base_url(connection.base_url, HIBOB_HOSTS, allowed_hosts(house.environment))
    token = get_secret(house.db, house.vault, connection_owner(connection.id))
    if not connection.service_user_id or not token:
        raise SettingsError(
            f"Connection “{connection.name}” has no service user id or token yet. Set both (`id`, `token`) and try again."
        )
    with HiBobClient(url, connection.service_user_id, token) as client:
        yield client


def _read(house: Workspace, domain: Domain, *, fresh_metadata: bool = False) -> _Read:
    """One complete read of HiBob with the columns that mapping, scope and engine need."""
    connection, started = _connection_of(house, domain), house.clock()
    names = column_names(domain.attributes, domain.settings.scope)
    with _client(house, connection) as client:
        report = None
        if connection.report is not None:
            fields, at = _metadata(house, connection, client, fresh_metadata)
            report = read_report(client, connection.report, fields)
            titles = {each.id for each in report.fields}
            catalogue = Catalogue([*report.fields, *(each for each in fields if each.id not in titles)])
        else:
            catalogue, at = _catalogue(house, connection, client, names, fresh_metadata)
        columns = resolve_all(catalogue, names)
        others = _others(house, domain, connection, catalogue)
        for other in others:
            columns |= resolve_all(catalogue, [rule.column for rule in other.scope])
        named = sorted({column.field for column in columns.values()} - {known.ID})
        ours = [field_id for field_id in known.ENGINE_FIELDS if field_id not in named]
        # What the engine would like to have must not be what HiBob refuses the whole call for.
        asked = [catalogue.field(field_id) for field_id in (*named, *ours[: max(MOST_FIELDS - len(named), 1)])]
        now = house.clock()
        employees = report.snapshot(asked, now) if report else read_people(client, asked, now)
    mapped = {columns[name].field for name in names}
    if at < started and any(employees.evidence.absent(each) for each in mapped):
        # Before saying that a column is missing: the field's id may be newer than our list of fields.
        return _read(house, domain, fresh_metadata=True)
    return _Read(columns, others, employees, catalogue, at)


def _metadata(
    house: Workspace, connection: Connection, client: HiBobClient, fresh: bool
) -> tuple[tuple[Field, ...], datetime]:
    """HiBob's fields, from the cache while it is younger than a day."""
    cached = customers.metadata(house.db, connection.id)
    if cached and not fresh and house.clock() - cached[1] < METADATA_AGE:
        return cached
    fields, now = read_metadata(client), house.clock()
    customers.save_metadata(house.db, connection.id, fields, now)
    return fields, now


def _catalogue(
    house: Workspace, connection: Connection, client: HiBobClient, names: Sequence[str], fresh: bool
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


def _others(house: Workspace, domain: Domain, connection: Connection, catalogue: Catalogue) -> tuple[OtherDomain, ...]:
    """The customer's other domains on the same connection. One whose scope cannot be resolved says so in its own
    preview."""
    found = []
    for other in customers.domains(house.db, domain.customer_id):
        if other.id == domain.id or not other.attributes:
            continue
        try:
            same = _connection_of(house, other).id == connection.id
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


# --- check ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckedColumn:
    """One mapped column: the share of visible people with a value, and whether it is there at all."""

    column: str
    attribute: str
    filled: float
    state: str
    category: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """What a test of the connection proved."""

    connection: str
    live: int
    inactive: int
    columns: tuple[CheckedColumn, ...]
    findings: tuple[Finding, ...]
    metadata_at: datetime
    fields: int

    @property
    def ok(self) -> bool:
        """A preview would not be blocked by what was read."""
        return self.live + self.inactive > 0 and all(each.state != "absent" for each in self.columns)


def check(house: Workspace, label: str) -> Check:
    """Test a domain's connection: credentials, people, and every mapped field. Stores only HiBob's metadata."""
    domain = customers.get_domain(house.db, label)
    _require(house, domain.customer_id, _PREPARE, "test the connection")
    read = _read(house, domain, fresh_metadata=True)
    _note_reports(house, _connection_of(house, domain))
    evidence = read.employees.evidence
    checked = tuple(
        _checked_column(read, name, each.name)
        for each in domain.attributes
        for name in (each.data_feed_name, each.fallback)
        if name
    )
    checked += tuple(_checked_column(read, rule.column, "(scope)") for rule in domain.settings.scope)
    return Check(
        connection=_connection_of(house, domain).name,
        live=evidence.active,
        inactive=evidence.employees - evidence.active,
        columns=checked,
        findings=(
            *_check_findings(read, checked),
            *engine_columns_absent(domain, read.columns, evidence),
        ),
        metadata_at=read.metadata_at,
        fields=len(read.catalogue.fields),
    )


def _checked_column(read: _Read, name: str, attribute: str) -> CheckedColumn:
    evidence = read.employees.evidence
    found = evidence.column(read.columns[name].field)
    filled = found.filled if found else 0
    state = "absent" if evidence.absent(read.columns[name].field) else "ok" if filled else "empty"
    share = round(filled / evidence.employees, 4) if evidence.employees else 0.0
    return CheckedColumn(name, attribute, share, state, (found.category if found else "") or None)


def _check_findings(read: _Read, checked: Sequence[CheckedColumn]) -> Iterable[Finding]:
    evidence = read.employees.evidence
    if not evidence.employees:
        yield Finding(
            "no-employees",
            Severity.WARN,
            "The credentials are right, but HiBob shows this service user nobody.",
            "In HiBob, put the service user into a permission group with people in “Access data for”.",
        )
        return
    for each in {column.column: column for column in checked if column.state == "absent"}.values():
        yield Finding(
            "column-absent",
            Severity.WARN,
            f"HiBob leaves out {each.column} ({each.attribute}) for everybody.",
            absent_remedy(evidence, read.columns[each.column].field),
        )


# --- preview ----------------------------------------------------------------------------------------------


def preview(house: Workspace, label: str, waiting: Waiting = _quiet, say: Say = _quiet) -> Plan:
    """Read both sides, make a plan and store it. Waits while somebody else works on the domain; `say` hears each
    step."""
    domain = customers.get_domain(house.db, label)
    _require(house, domain.customer_id, _PREPARE, "make a preview")
    with lease(house.db, domain.id, "preview", waiting):
        domain = customers.domain_by_id(house.db, domain.id)
        say("Reading HiBob and the directory")
        situation = _situation(house, domain, *_both_sides(house, domain))
        say(f"Comparing {situation.employees.table.num_rows:,} employees with {len(situation.users):,} users")
        decision = make_plan(situation)
        say("Storing the preview")
        return _store_plan(house, situation, decision)


def _both_sides(house: Workspace, domain: Domain) -> tuple[_Read, Users]:
    identifier = domain.settings.unique_identifier
    fed = {each.name for each in domain.attributes if each.data_feed_name}
    if not fed or identifier not in fed:
        raise SettingsError(
            f"Domain {domain.label} has no unique identifier that a HiBob column feeds. Set `unique_identifier` to an "
            "attribute with a `data_feed_name`."
        )
    read = _read(house, domain)
    ruled = {each.attribute for each in domain.settings.protected if each.attribute}
    return read, _directory(house, domain).users(sorted(fed | ruled))


def _directory(house: Workspace, domain: Domain) -> LocalDirectory:
    return LocalDirectory(house.db, domain.id, domain.settings.unique_identifier or "")


def _situation(house: Workspace, domain: Domain, read: _Read, users: Users) -> Situation:
    """Both sides with everything else that a plan depends on."""
    customer = customers.get_customer(house.db, domain.customer)
    elsewhere = [each for each in customers.domains(house.db, domain.customer_id) if each.id != domain.id]
    emails = [each.email for each in customers.members(house.db, domain.customer_id)]
    now = house.clock()
    return Situation(
        domain=domain,
        columns=read.columns,
        employees=read.employees,
        users=users,
        now=now,
        baseline=plans.get_baseline(house.db, domain.id),
        absences=plans.get_absences(house.db, domain.id),
        archived_7_days=runs.archived_since(house.db, domain.id, now - SEVEN_DAYS),
        live_elsewhere=sum(_directory(house, each).live() for each in elsewhere),
        seats=customer.seats,
        price_per_user=customer.price_per_user,
        members=tuple(sorted({*emails, house.actor.email or ""} - {""})),
        decisions=plans.get_decisions(house.db, domain.id),
        others=read.others,
    )


def _store_plan(house: Workspace, situation: Situation, decision: Decision) -> Plan:
    domain, read_at = situation.domain, situation.employees.evidence.read_at
    snapshots.save_snapshots(house.snapshots, domain.id, situation.employees, situation.users)
    with house.db.transaction():
        plan_id = plans.save_plan(house.db, domain, decision, house.actor.name, situation.now, read_at)
        if decision.status is PlanStatus.EMPTY:
            plans.take_baseline(house.db, plan_id)
        plans.drop_old_baselines(house.db, domain.id, situation.now - PLAN_LIFETIME)
        blocks = [each.code for each in decision.blocks]
        _record(
            house, "plan made", domain, plan=plan_id, digest=decision.digest, status=decision.status.value,
            counts=dict(decision.counts), blocks=blocks,
        )  # fmt: skip
    return plans.get_plan(house.db, plan_id)


def show_plan(house: Workspace, plan_id: str) -> Plan:
    plan = plans.get_plan(house.db, plan_id)
    _require(house, _domain_of(house, plan).customer_id, _READ, "see this plan")
    return plan


def _domain_of(house: Workspace, plan: Plan) -> Domain:
    return customers.domain_by_id(house.db, plan.domain_id)


def export_workbook(house: Workspace, plan_id: str, file: BinaryIO) -> None:
    """The plan's Excel file."""
    plan = show_plan(house, plan_id)
    write_workbook(plan, file)


# --- approve ----------------------------------------------------------------------------------------------


def approve(
    house: Workspace,
    plan_id: str,
    *,
    leave_out: Sequence[str] = (),
    only: Sequence[str] = (),
    overrides: Mapping[str, str] | None = None,
    workbook: BinaryIO | None = None,
) -> Approval:
    """Approve a plan as it stands, but for the people left out. Nothing is recorded when it is refused."""
    plan = plans.get_plan(house.db, plan_id)
    domain = _domain_of(house, plan)
    if house.actor.email is None:
        raise RoleMissing("The operator may prepare, but not approve. Say who approves: --by EMAIL.")
    _require(house, domain.customer_id, _PREPARE, "approve")
    decided = read_workbook(plan, workbook) if workbook else None
    left_out = _left_out(plan, leave_out, only) | set(decided.left_out if decided else ())
    overrides = dict(overrides or {})
    approval = Approval(
        plan.id, plan.digest, house.actor.name, house.clock(), tuple(sorted(left_out)), overrides, decided is not None
    )
    with house.db.transaction():
        _check_current(house, plan, domain)
        if runs.latest_run(house.db, plan.id):
            raise Refused(f"Plan {plan.id} was approved and processed already. Make a new preview.")
        _check_two_people(house, plan, domain)
        _check_overrides(house, plan, overrides)
        _check_members(house, plan, domain, left_out)
        plans.save_approval(house.db, approval)
        if decided and decided.protected:
            plans.protect(house.db, plan, decided.protected, house.actor.name, approval.at)
        _record(
            house, "plan approved", domain, plan=plan.id, digest=plan.digest, left_out=list(approval.left_out),
            overrides=_override_details(plan, overrides), workbook=approval.workbook,
            protected=list(decided.protected) if decided else [],
        )  # fmt: skip
    return approval


def _left_out(plan: Plan, leave_out: Sequence[str], only: Sequence[str]) -> set[str]:
    keys = {change.key for change in plan.changes}
    for named in (*leave_out, *only):
        if named not in keys:
            raise NotFound(f"Plan {plan.id} changes nobody with the key “{named}”.")
    return set(leave_out) | (keys - set(only) if only else set())


def _check_current(house: Workspace, plan: Plan, domain: Domain) -> None:
    """Raises `Lapsed` when the plan was overtaken."""
    again = "Make a new preview."
    if house.clock() - plan.made_at > PLAN_LIFETIME:
        raise Lapsed(f"Plan {plan.id} is older than {PLAN_LIFETIME.days} days. {again}")
    if plan.mapping_version != domain.mapping_version:
        raise Lapsed(
            f"The mapping changed since plan {plan.id} (version {plan.mapping_version}, now {domain.mapping_version}). {again}"
        )
    if plan.settings_version != domain.settings_version:
        raise Lapsed(
            f"The settings changed since plan {plan.id} (version {plan.settings_version}, now {domain.settings_version}). {again}"
        )
    other = runs.another_run_since(house.db, domain.id, plan.id, plan.made_at)
    if other:
        raise Lapsed(f"Another run of {domain.label} was processed since plan {plan.id} ({other}). {again}")


def _check_two_people(house: Workspace, plan: Plan, domain: Domain) -> None:
    if domain.settings.two_people and house.actor.name in (plan.by, domain.mapping_by):
        raise Refused(
            "This domain needs two people: whoever made the mapping or asked for the plan cannot be the one to "
            "approve it. Ask another admin or CSM."
        )


def _check_overrides(house: Workspace, plan: Plan, overrides: Mapping[str, str]) -> None:
    blocks = {each.code: each for each in plan.blocks}
    for code, reason in overrides.items():
        if code not in blocks:
            raise UsageError(f"Plan {plan.id} is not blocked by “{code}”; there is nothing to override.")
        if not reason.strip():
            raise UsageError(f"Overriding {code} takes a reason: --override {code}=REASON.")
    open_blocks = [each for each in plan.blocks if each.code not in overrides]
    if open_blocks:
        first = open_blocks[0]
        more = f" ({len(open_blocks)} blocks in all: {', '.join(each.code for each in open_blocks)})"
        raise Refused(
            f"Plan {plan.id} is blocked by {first.code}: {first.message} {first.remedy}{more if len(open_blocks) > 1 else ''} "
            f"On the command line: --override {first.code}=REASON."
        )
    if "self-archive" in overrides and _archives(plan, blocks["self-archive"].keys, [house.actor.email or ""]):
        raise Refused("This plan archives you. Somebody else must override that, or protect you.")


def _archives(plan: Plan, keys: Sequence[str], emails: Sequence[str]) -> list[Change]:
    """The archives among these people that concern one of these e-mails."""
    return [
        each for each in plan.changes if each.action is Action.ARCHIVE and each.key in keys and concerns(each, emails)
    ]


def _check_members(house: Workspace, plan: Plan, domain: Domain, left_out: set[str]) -> None:
    """Somebody may have become a member, or be looking, only since the plan was made: it says nothing of them."""
    told = {key for each in plan.findings if each.code == "self-archive" for key in each.keys}
    emails = [each.email for each in customers.members(house.db, domain.customer_id)]
    keys = {change.key for change in plan.changes} - left_out - told
    found = _archives(plan, sorted(keys), [*emails, house.actor.email or ""])
    if found:
        raise Refused(
            f"This plan archives {len(found)} people who manage Rollcall for this customer since it was made. Leave them "
            "out, or make a new preview."
        )


def _override_details(plan: Plan, overrides: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        {"code": each.code, "reason": overrides[each.code], "numbers": dict(each.numbers)}
        for each in plan.blocks
        if each.code in overrides
    ]


# --- process ----------------------------------------------------------------------------------------------


def process(
    house: Workspace,
    plan_id: str,
    *,
    retry_failed: bool = False,
    waiting: Waiting = _quiet,
    progress: Progress = _quiet,
) -> Run:
    """Process an approved plan, or resume it; a finished one is given back as it is. Raises `Refused` when it is not
    approved or was overtaken, `SourceError` when the source must be read again and cannot be."""
    plan = plans.get_plan(house.db, plan_id)
    domain = _domain_of(house, plan)
    _require(house, domain.customer_id, _PREPARE, "process")
    with lease(house.db, domain.id, f"process {plan.id}", waiting) as still_ours:
        domain = _domain_of(house, plan)
        run = runs.latest_run(house.db, plan.id)
        ended = run is not None and run.status in (RunStatus.DONE, RunStatus.PARTIAL)
        if run and ended and not retry_failed:
            return run
        if run and retry_failed and not ended:
            raise Refused(f"Run {run.id} has not come to its end. Resume it first: `process {plan.id}`.")
        approval = _approval_in_force(house, plan, domain)
        changes = _to_process(plan, run, retry_failed)
        drifted = _changed_at_source(house, plan, domain, approval, changes)
        run = _open_run(house, plan, domain, run, retry_failed)
        processing = _Processing(house, plan, domain, run, still_ours, progress)
        processing.settle(changes, approval.left_out, drifted)
        return processing.finish(processing.write(changes))


def _approval_in_force(house: Workspace, plan: Plan, domain: Domain) -> Approval:
    approval = plans.get_approval(house.db, plan.id)
    if approval is None:
        raise Refused(f"Plan {plan.id} is not approved. Approve it first: `approve {plan.id} --by EMAIL`.")
    _check_current(house, plan, domain)
    if approval.digest != plan.digest or digest(domain, plan.changes) != plan.digest:
        raise Refused(f"Plan {plan.id} is not what was approved: its digest differs. Make a new preview.")
    return approval


def _to_process(plan: Plan, run: Run | None, retry_failed: bool) -> list[Change]:
    if not retry_failed or run is None:
        done = {(each.key, each.action) for each in run.outcomes} if run else set()
        return [change for change in plan.changes if (change.key, change.action) not in done]
    failed = {(each.key, each.action) for each in run.outcomes if each.result is Result.FAILED}
    if not failed:
        raise Refused(f"Run {run.id} has nobody who failed; there is nothing to try again.")
    return [change for change in plan.changes if (change.key, change.action) in failed]


def _changed_at_source(
    house: Workspace, plan: Plan, domain: Domain, approval: Approval, changes: Sequence[Change]
) -> frozenset[tuple[str, Action]]:
    """For a plan that is no longer fresh: the changes that HiBob would not make today. Planned anew from a new read
    and the kept users, so that what this run already wrote does not count."""
    minutes = _reread_minutes(house)
    if not changes or house.clock() - plan.read_at <= timedelta(minutes=minutes):
        return frozenset()
    read = _read(house, domain)
    try:
        _, users = snapshots.load_snapshots(house.snapshots, domain.id)
    except NotFound:
        raise Refused(f"What plan {plan.id} was compared with is no longer kept. Make a new preview.") from None
    decision = make_plan(_situation(house, domain, read, users))
    unproved = [e for e in decision.blocks if e.code in READ_PROOF and e.code not in approval.overrides]
    if unproved:
        raise Refused(
            f"Plan {plan.id} is more than {minutes} minutes old, and HiBob’s answer now is not proved complete "
            f"({unproved[0].code}): {unproved[0].message} Nothing was written."
        )
    now = {(each.key, each.action): (each.before, each.after) for each in decision.changes}
    return frozenset(
        (each.key, each.action) for each in changes if now.get((each.key, each.action)) != (each.before, each.after)
    )


def _reread_minutes(house: Workspace) -> int:
    written = house.environment.get(REREAD_VARIABLE, "").strip() or str(REREAD_MINUTES)
    if not written.isascii() or not written.isdecimal():
        raise SettingsError(f"{REREAD_VARIABLE} must be a whole number of minutes, not “{written}”.")
    return int(written)


def _open_run(house: Workspace, plan: Plan, domain: Domain, run: Run | None, retry_failed: bool) -> Run:
    with house.db.transaction():
        if run and not retry_failed:
            runs.reopen_run(house.db, run.id)
            _record(house, "run resumed", domain, plan=plan.id, run=run.id)
            return run
        retry_of = run.id if run else None
        new = runs.start_run(house.db, plan.id, domain.id, house.actor.name, house.clock(), retry_of)
        _record(house, "run started", domain, plan=plan.id, run=new.id, digest=plan.digest)
        return new


@dataclass
class _Processing:
    """The loop over chunks of one run: the outcomes of a chunk are journalled before the next starts."""

    house: Workspace
    plan: Plan
    domain: Domain
    run: Run
    still_ours: Callable[[], None]
    progress: Progress
    settled: set[tuple[str, Action]] = field(default_factory=set)

    def settle(
        self, changes: Sequence[Change], left_out: Sequence[str], drifted: frozenset[tuple[str, Action]]
    ) -> None:
        """Journal those who are left out or changed in HiBob meanwhile: nothing is written for them."""
        skipped = set(left_out)
        outcomes = []
        for each in changes:
            if each.key in skipped:
                outcomes.append(Outcome(each.key, each.action, Result.SKIPPED, "Left out of the approval."))
            elif (each.key, each.action) in drifted:
                outcomes.append(Outcome(each.key, each.action, Result.DRIFTED, "Changed in HiBob since the preview."))
        if outcomes:
            runs.journal(self.house.db, self.run.id, outcomes, self.house.clock())
        self.settled = {(each.key, each.action) for each in outcomes}

    def write(self, changes: Sequence[Change]) -> bool:
        """Bring the rest about, chunk by chunk; returns whether it came to the end."""
        directory = _directory(self.house, self.domain)
        todo = [each for each in changes if (each.key, each.action) not in self.settled]
        for start in range(0, len(todo), CHUNK):
            if runs.stop_asked(self.house.db, self.run.id):
                return False
            self.still_ours()
            directory.ensure(todo[start : start + CHUNK], self._journal)
            self.progress(min(start + CHUNK, len(todo)), len(todo))
        return True

    def _journal(self, outcomes: Sequence[Outcome]) -> None:
        runs.journal(self.house.db, self.run.id, outcomes, self.house.clock())

    def finish(self, complete: bool) -> Run:
        counts = runs.get_run(self.house.db, self.run.id).counts
        bad = counts["failed"] + counts["drifted"]
        status = RunStatus.STOPPED if not complete else RunStatus.PARTIAL if bad else RunStatus.DONE
        with self.house.db.transaction():
            runs.end_run(self.house.db, self.run.id, status, self.house.clock())
            if complete:
                plans.take_baseline(self.house.db, self.plan.id)
            what = "run ended" if complete else "run stopped"
            _record(
                self.house, what, self.domain, plan=self.plan.id, run=self.run.id, status=status.value, counts=counts
            )
        return runs.get_run(self.house.db, self.run.id)


def stop(house: Workspace, run_id: str) -> None:
    """Ask a run to stop before its next chunk. `process` resumes it."""
    run = runs.get_run(house.db, run_id)
    domain = customers.domain_by_id(house.db, run.domain_id)
    _require(house, domain.customer_id, _PREPARE, "stop a run")
    if run.status is not RunStatus.RUNNING:
        raise Refused(f"Run {run.id} is not running: it is {run.status.value}.")
    with house.db.transaction():
        runs.ask_to_stop(house.db, run.id)
        _record(house, "stop asked", domain, plan=run.plan_id, run=run.id)


# --- looking ----------------------------------------------------------------------------------------------


def users(house: Workspace, label: str) -> list[tuple[str, str, str, dict[str, str]]]:
    """The directory as it is: (id, external id, status, attributes), ordered by id."""
    domain = customers.get_domain(house.db, label)
    _require(house, domain.customer_id, _READ, "see the users")
    return _directory(house, domain).everybody()


def see_history(house: Workspace, label: str) -> list[history.Event]:
    """A customer's events, or those of `CUSTOMER/DOMAIN`, newest first."""
    customer = customers.find_customer(house.db, label)
    domain = None if customer else customers.get_domain(house.db, label) if "/" in label else None
    found: Customer = customer or customers.get_customer(house.db, domain.customer if domain else label)
    _require(house, found.id, _READ, "see the history")
    return history.events(house.db, found.id, domain.id if domain else None)


def explain(house: Workspace, label: str, person: str) -> Answer:
    """Why somebody is, or is not, in the domain: from HiBob as it was read last, and the directory as it is now."""
    domain = customers.get_domain(house.db, label)
    _require(house, domain.customer_id, _READ, "see why somebody is there")
    connection = _connection_of(house, domain)
    cached = customers.metadata(house.db, connection.id)
    employees, _ = snapshots.load_snapshots(house.snapshots, domain.id)
    # The kept users are from before the last run: whoever it added would seem to wait for being added.
    users_now = _directory(house, domain).users(sorted(each.name for each in domain.attributes if each.data_feed_name))
    catalogue = Catalogue(cached[0] if cached else ())
    columns = resolve_all(catalogue, column_names(domain.attributes, domain.settings.scope))
    read = _Read(columns, (), employees, catalogue, employees.evidence.read_at)
    answer = explain_person(_situation(house, domain, read, users_now), person)
    past = runs.outcomes_of_person(house.db, domain.id, answer.key)
    return answer.with_past([(at, each.action.value, each.result.value, each.message) for at, each in past])


def verify(house: Workspace, head: str | None = None) -> history.Verdict:
    """Check the history chain."""
    return history.verify(house.db, head)


# --- the installation -------------------------------------------------------------------------------------


def rotate(house: Workspace) -> int:
    """Encrypt all secrets with a new key; returns how many."""
    _require(house, None, _EVERYTHING, "change the encryption key")
    count = rotate_key(house.db, house.vault)
    _record(house, "encryption key rotated", secrets=count)
    return count


def backup(house: Workspace, file: Path) -> None:
    """A consistent copy of the database, without the encryption key, readable by its owner alone."""
    _require(house, None, _EVERYTHING, "copy the database")
    if file.is_dir() or not file.name:
        raise UsageError(f"{file} is a folder; name a file for the backup.")
    new = file.with_name(file.name + ".new")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        with sqlite3.connect(new) as copy:
            house.db.connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # One file, with nothing beside it.
        copy.close()
        new.replace(file)
    except (OSError, sqlite3.Error) as problem:
        raise UsageError(f"The backup {file} cannot be written: {problem}.") from None


def restore(house: Workspace, file: Path) -> None:
    """Replace the database by a backup, after checking that it is one. Refused while a worker is busy."""
    _require(house, None, _EVERYTHING, "replace the database")
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    if any(is_held(house.db, row["domain_id"]) for row in house.db.all("SELECT domain_id FROM leases")):
        raise Refused("A worker is busy with a domain. Stop it, then restore.")
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as copy:
            tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master")}
            sound = copy.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            if not sound or not {"customers", "plans", "history"} <= tables:
                raise UsageError(f"{file} is not a sound backup of Rollcall’s database. Nothing was changed.")
            copy.backup(house.db.connection)
        copy.close()
    except sqlite3.Error:
        raise UsageError(f"{file} is not a sound backup of Rollcall’s database. Nothing was changed.") from None
    migrate(house.db)
    # They belong to the database that was replaced, where the same domain may be another customer's.
    snapshots.drop_all(house.snapshots)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that `doctor` looked at."""

    what: str
    fine: bool
    detail: str


def doctor(house: Workspace) -> list[Diagnosis]:
    """Is this installation sound: database, key, clock, hosts?"""
    _require(house, None, _EVERYTHING, "look at the whole installation")
    integrity = str(house.db.connection.execute("PRAGMA quick_check").fetchone()[0])
    owners = [row["owner"] for row in house.db.all("SELECT owner FROM secrets ORDER BY owner")]
    last = house.db.one("SELECT at FROM history ORDER BY seq DESC LIMIT 1")
    ahead = bool(last) and datetime.fromisoformat(last["at"]) > house.clock() + timedelta(minutes=1) if last else False
    return [
        Diagnosis("database", integrity == "ok", f"{house.db.path}: {integrity}"),
        _diagnose_key(house, owners),
        Diagnosis(
            "clock", not ahead, "set back since the last event" if ahead else f"{house.clock():%Y-%m-%d %H:%M} UTC"
        ),
        Diagnosis("history", verify(house).broken is None, verify(house).broken or "chain unbroken"),
        *_diagnose_metadata(house),
        Diagnosis("hosts", True, ", ".join(sorted(HIBOB_HOSTS | allowed_hosts(house.environment)))),
    ]


def _diagnose_metadata(house: Workspace) -> Iterable[Diagnosis]:
    """How old each connection's cached list of HiBob's fields is; a day at most before it is read again."""
    for customer in customers.customers(house.db):
        for each in customers.connections(house.db, customer.id):
            cached = customers.metadata(house.db, each.id)
            hours = (house.clock() - cached[1]).total_seconds() / 3600 if cached else 0
            age = f"{len(cached[0]):,} fields, read {hours:.1f} hours ago" if cached else "not read yet"
            yield Diagnosis("fields", True, f"{customer.name}, {each.name}: {age}")


def _diagnose_key(house: Workspace, owners: Sequence[str]) -> Diagnosis:
    try:
        for owner in owners:
            get_secret(house.db, house.vault, owner)
    except SettingsError as problem:
        return Diagnosis("key", False, str(problem))
    place = house.vault.file or "the environment"
    return Diagnosis("key", True, f"{place}: opens {len(owners)} stored secret{'' if len(owners) == 1 else 's'}")


# --- for the pages: what one may look at ------------------------------------------------------------------


def customers_seen(house: Workspace) -> list[Customer]:
    """The customers for which the actor has a role; the operator sees all."""
    email = house.actor.email
    return [
        each for each in customers.customers(house.db) if email is None or customers.roles(house.db, email, each.id)
    ]


LOCAL_USER = "ROLLCALL_LOCAL_USER"
"""Names who sits at this machine, where nobody signs in."""


def domains_seen(house: Workspace, customer: str) -> list[Domain]:
    found = customers.get_customer(house.db, customer)
    _require(house, found.id, _READ, "see this customer")
    return customers.domains(house.db, found.id)


def may(house: Workspace, customer: str) -> frozenset[str]:
    """What the actor may do for a customer: "prepare", "approve"; for what to offer, checked again when done."""
    found = customers.find_customer(house.db, customer)
    if house.actor.email is None:
        return frozenset({"prepare"})
    able = found and customers.roles(house.db, house.actor.email, found.id) & _PREPARE
    return frozenset({"prepare", "approve"}) if able else frozenset()


def _seen_domain(house: Workspace, label: str, doing: str, roles: frozenset[Role] = _READ) -> Domain:
    domain = customers.get_domain(house.db, label)
    _require(house, domain.customer_id, roles, doing)
    return domain


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a domain stands. Plans and runs are without their people."""

    domain: Domain
    users: Mapping[str, int]
    seats: int | None
    plan: Plan | None
    approval: Approval | None
    lapsed: str | None
    last_run: tuple[Run, dict[str, int], dict[str, int]] | None
    token_set: bool
    read_at: datetime | None


def standing(house: Workspace, label: str) -> Standing:
    domain = _seen_domain(house, label, "see this domain")
    newest = plans.recent_plans(house.db, domain.id, 1)
    done = runs.recent_runs(house.db, domain.id, 1)
    plan = newest[0] if newest else None
    directory, employees = _directory(house, domain), snapshots.newest_employees(house.snapshots, domain.id)
    return Standing(
        domain=domain,
        users={status: directory.find(status, 0, 0)[1] for status in ("Live", "Archived")},
        seats=customers.get_customer(house.db, domain.customer).seats,
        plan=plan,
        approval=plans.get_approval(house.db, plan.id) if plan else None,
        lapsed=lapsed(house, plan.id) if plan else None,
        last_run=done[0] if done else None,
        token_set=any(each.token_set for each in connections_seen(house, domain.customer)),
        read_at=employees.evidence.read_at if employees else None,
    )


# --- for the pages: jobs ----------------------------------------------------------------------------------


def ask(house: Workspace, label: str, kind: JobKind, plan_id: str | None = None) -> int:
    """Have the worker do something; asking twice for what still waits or runs is asking once. Returns the job."""
    domain = _seen_domain(house, label, f"ask for this ({kind.value})", _PREPARE)
    with house.db.transaction():
        last = jobs.latest(house.db, domain.id, [kind], plan_id)
        if last and last.open:
            return last.id
        return jobs.ask(house.db, domain.id, kind, house.actor.name, house.clock(), plan_id)


def latest_job(house: Workspace, label: str, kinds: Sequence[JobKind], plan_id: str | None = None) -> Job | None:
    domain = _seen_domain(house, label, "see this domain")
    return jobs.latest(house.db, domain.id, kinds, plan_id)


def somebody_works(house: Workspace, label: str) -> bool:
    """Whether some process, the command line's or a worker's, is at work on the domain now."""
    return is_held(house.db, _seen_domain(house, label, "see this domain").id)


def job_seen(house: Workspace, label: str, job_id: int) -> Job:
    domain = _seen_domain(house, label, "see this domain")
    job = jobs.get_job(house.db, job_id)
    if job.domain_id != domain.id:
        raise NotFound(f"{label} has no job {job_id}.")
    return job


def last_check(house: Workspace, label: str) -> Check | None:
    """What the last test of the connection proved, if it came to an end."""
    job = latest_job(house, label, [JobKind.CHECK])
    return msgspec.json.decode(job.result["check"], type=Check) if job and "check" in job.result else None


def read_sample(house: Workspace, label: str) -> int:
    """Read HiBob with the columns of the asker's mapping draft, for the mapping page only; returns how many people."""
    domain = _seen_domain(house, label, "read a sample", _PREPARE)
    draft = mapping_draft(house, label)
    attributes = tuple({*(draft[0] if draft else ()), *domain.attributes})
    wanted = tuple(each for each in attributes if not _unknown(house, domain, each))
    employees = _read(house, replace(domain, attributes=wanted), fresh_metadata=True).employees
    snapshots.save_sample(house.snapshots, domain.id, employees)
    return employees.evidence.employees


def _unknown(house: Workspace, domain: Domain, each: Attribute) -> bool:
    """A draft may name columns that cannot be resolved; the page says so, and the others are read. Which titles a
    report has is only known when it is read."""
    if _connection_of(house, domain).report is not None:
        return False
    catalogue = Catalogue(fields_known(house, domain.label))
    try:
        resolve_all(catalogue, [name for name in (each.data_feed_name, each.fallback) if name])
    except SettingsError:
        return True
    return False


# --- for the pages: connections and domains ---------------------------------------------------------------


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
    found = customers.get_customer(house.db, customer)
    _require(house, found.id, _READ, "see the connections")
    have = customers.domains(house.db, found.id)
    return [_connection_seen(house, each, have) for each in customers.connections(house.db, found.id)]


def _connection_seen(house: Workspace, each: Connection, have: Sequence[Domain]) -> ConnectionSeen:
    at, ends_in = about_secret(house.db, connection_owner(each.id)) or ("", "")
    used = tuple(domain.name for domain in have if domain.settings.connection == each.name)
    return ConnectionSeen(each, bool(at), at, ends_in, used, customers.reports(house.db, each.id))


MOST_NAME = 200


def save_connection(
    house: Workspace,
    customer: str,
    name: str,
    base_url: str,
    service_user_id: str,
    token: str | None,
    report: int | None = None,
) -> None:
    """Create or change a connection; a token that is None or blank stays as it is. `report`: the custom report to read
    instead of people search. Contacts nobody."""
    found = customers.get_customer(house.db, customer)
    _require(house, found.id, _PREPARE, "change a connection")
    if not name.strip():
        raise SettingsError("The connection needs a name.")
    if len(name.strip()) > MOST_NAME or not name.strip().isprintable():
        raise SettingsError(f"The connection’s name must be at most {MOST_NAME} printable characters, on one line.")
    url = check_base_url(base_url, HIBOB_HOSTS, allowed_hosts(house.environment))
    before = {each.name: each for each in customers.connections(house.db, found.id)}.get(name.strip())
    wanted = Connection(0, found.id, name.strip(), url, service_user_id.strip() or None, report)
    with house.db.transaction():
        variable = customers.token_variable(house.db, before.id) if before else None
        connection_id = customers.save_connection(house.db, wanted, variable)
        owner, secret = connection_owner(connection_id), (token or "").strip()
        new = bool(secret) and put_secret(house.db, house.vault, owner, secret, house.clock())
        what = "connection changed" if before else "connection created"
        _record(house, what, customer_id=found.id, name=wanted.name, base_url=url, report=report, token_set=new)


def add_customer(house: Workspace, name: str) -> None:
    """The local user who makes an installation's very first customer becomes its admin."""
    file = setup_file.SetupFile(customer=setup_file.CustomerTable(name=name.strip()))
    with house.db.transaction():
        if _is_local_user(house) and house.actor.email and not any_customer(house):
            file.members = [setup_file.MemberTable(house.actor.email, Role.ADMIN)]
            _SetUp(house, setup_file.parse(setup_file.write(file)), prune=False).apply()
        else:
            _through_set_up(house, file)


def _is_local_user(house: Workspace) -> bool:
    named = house.environment.get(LOCAL_USER)
    return bool(named) and member(named or "").email == house.actor.email


def any_customer(house: Workspace) -> bool:
    """Whether there is a customer at all, be it one that the actor may not see."""
    return bool(customers.customers(house.db))


def add_domain(house: Workspace, customer: str, name: str, connection: str) -> None:
    """A new domain without a mapping, on this connection."""
    if any(each.name == name.strip() for each in domains_seen(house, customer)):
        raise SettingsError(f"There is a domain “{name.strip()}” already.")
    table = setup_file.DomainTable(name=name.strip(), connection=connection)
    _through_set_up(house, _file_of(customers.get_customer(house.db, customer), table))


def _file_of(customer: Customer, table: setup_file.DomainTable) -> setup_file.SetupFile:
    price = float(customer.price_per_user) if customer.price_per_user else None
    about = setup_file.CustomerTable(customer.name, customer.seats, price, customer.retention_days)
    return setup_file.SetupFile(customer=about, domains=[table])


def _through_set_up(house: Workspace, file: setup_file.SetupFile) -> None:
    set_up(house, setup_file.write(file))


# --- for the pages: mapping -------------------------------------------------------------------------------

MAPPING = "mapping"


def fields_known(house: Workspace, label: str) -> tuple[Field, ...]:
    """HiBob's fields as last read; none before the first contact."""
    domain = _seen_domain(house, label, "see the mapping")
    try:
        connection = _connection_of(house, domain)
    except SettingsError:
        return ()
    cached = customers.metadata(house.db, connection.id)
    fields = cached[0] if cached else ()
    if connection.report is None or not fields:
        return fields
    return (*fields, *_titles(snapshots.newest_employees(house.snapshots, domain.id), {each.id for each in fields}))


def _titles(read: Snapshot | None, known_ids: set[str]) -> Iterable[Field]:
    """The columns of a report that are no field of HiBob's: their titles are their names."""
    for each in read.evidence.columns if read else ():
        if each.field not in known_ids:
            yield Field(each.field, each.field, json_path=each.field)


def last_read(house: Workspace, label: str) -> Snapshot | None:
    """The newest read of HiBob that is kept, be it for a plan or a sample."""
    domain = _seen_domain(house, label, "see the last read")
    return snapshots.newest_employees(house.snapshots, domain.id)


def people_read(house: Workspace, label: str, text: str = "", most: int = 300) -> list[tuple[str, str]]:
    """(key, name and e-mail) of people in the newest read whose line holds this text."""
    employees = last_read(house, label)
    if employees is None:
        return []
    return list(islice(((key, line) for key, line in _lines(employees) if fold(text) in fold(line)), most))


def person_read(house: Workspace, label: str, key: str) -> str | None:
    """Name and e-mail of one person (by key) of the newest read; None when they are not in it."""
    employees = last_read(house, label)
    return next((line for each, line in _lines(employees) if each == key), None) if employees else None


def _lines(employees: Snapshot) -> Iterator[tuple[str, str]]:
    wanted = (known.ID, known.FIRST_NAME, known.SURNAME, known.EMAIL)
    parts = [text_column(employees.table, each).to_pylist() for each in wanted]
    for key, first, last, email in zip(*parts, strict=True):
        yield key, f"{first} {last} · {email}".strip(" ·")


def try_mapping(
    house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str, person: str | None
) -> tuple[advice.Trial, ...]:
    """What the mapping makes of one person (by key) of the newest read, else of the first; empty before that read."""
    employees = last_read(house, label)
    if employees is None or not employees.table.num_rows:
        return ()
    keys = text_column(employees.table, known.ID).to_pylist()
    row = keys.index(person) if person in keys else 0
    return advice.try_out(attributes, fields_known(house, label), employees, identifier, row)


def advise(
    house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str
) -> tuple[tuple[advice.Advice, ...], tuple[Attribute, ...]]:
    """(the problems of a mapping as it is being edited, rows that are usual and missing)."""
    fields = fields_known(house, label)
    return advice.advise(attributes, fields, identifier), advice.suggestions(fields, attributes)


def newer_mapping(house: Workspace, label: str, based_on: int) -> tuple[str, ...]:
    """What a newer version says differently from the one a draft was begun from, a line per attribute."""
    domain = _seen_domain(house, label, "see the mapping")
    old, _ = customers.mapping_at(house.db, domain.id, based_on)
    return advice.difference(old, domain.attributes)


def mapping_draft(house: Workspace, label: str) -> tuple[tuple[Attribute, ...], str, int] | None:
    """The actor's unsaved mapping: (attributes, unique identifier, version it was begun from)."""
    domain = _seen_domain(house, label, "see the mapping")
    draft = drafts.find(house.db, domain.id, MAPPING, house.actor.name)
    if draft is None:
        return None
    attributes, identifier = msgspec.json.decode(draft.content, type=tuple[tuple[Attribute, ...], str])
    return attributes, identifier, draft.based_on


def keep_mapping_draft(
    house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str, based_on: int
) -> None:
    domain = _seen_domain(house, label, "change the mapping", _PREPARE)
    content = msgspec.json.encode((tuple(attributes), identifier)).decode()
    drafts.keep(house.db, domain.id, MAPPING, house.actor.name, drafts.Draft(based_on, content), house.clock())


def drop_mapping_draft(house: Workspace, label: str) -> None:
    drafts.drop(house.db, _seen_domain(house, label, "change the mapping").id, MAPPING, house.actor.name)


def save_mapping(
    house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str, based_on: int
) -> Domain:
    """Save a mapping as a new version, and drop the draft. Raises `Refused` with the difference when somebody saved a
    newer version meanwhile, `SettingsError` when it cannot be used."""
    with house.db.transaction():
        domain = _seen_domain(house, label, "change the mapping", _PREPARE)
        _check_version(house, domain, based_on)
        settings = replace(domain.settings, unique_identifier=identifier or None)
        _check_usable(house, domain, attributes, settings)
        now, by = house.clock(), house.actor.name
        version = customers.save_mapping(house.db, domain.id, tuple(attributes), by, now)
        also = customers.save_settings(house.db, domain.id, settings, by, now)
        drafts.drop(house.db, domain.id, MAPPING, by)
        if version or also:
            changed = list(advice.difference(domain.attributes, attributes))
            _record(
                house, "mapping saved", domain, mapping_version=version or domain.mapping_version, changed=changed,
                unique_identifier=identifier,
            )  # fmt: skip
    return customers.domain_by_id(house.db, domain.id)


def _check_version(house: Workspace, domain: Domain, based_on: int) -> None:
    if domain.mapping_version == based_on:
        return
    old, _ = customers.mapping_at(house.db, domain.id, based_on)
    lines = "; ".join(advice.difference(old, domain.attributes)) or "nothing that differs"
    raise Refused(
        f"{domain.mapping_by} saved version {domain.mapping_version} since you began from version {based_on}. It "
        f"changes: {lines}. Nothing of yours was saved: look at the difference, then rebase your draft or discard it."
    )


def _check_usable(house: Workspace, domain: Domain, attributes: Sequence[Attribute], settings: Settings) -> None:
    """By the rules of the set-up file, so that whatever a page saves can be exported and set up again."""
    _check_protected(domain, attributes, settings)
    table = setup_file.from_settings(domain.name, settings, tuple(attributes))
    setup_file.parse(setup_file.write(_file_of(customers.get_customer(house.db, domain.customer), table)))


def _check_protected(domain: Domain, attributes: Sequence[Attribute], settings: Settings) -> None:
    names = {each.name for each in attributes}
    for each in settings.protected:
        if each.attribute and each.attribute not in names:
            raise SettingsError(
                f"Protected people of {domain.label} are named by “{each.attribute}”, which is none of its attributes."
            )


# --- for the pages: settings ------------------------------------------------------------------------------

LIMIT_LENGTH = 20
"""No limit is longer in writing."""


def save_settings(house: Workspace, label: str, settings: Settings, based_on: int) -> Domain:
    """Save settings as a new version; runs nothing. Raises `Refused` when somebody saved a newer one meanwhile."""
    with house.db.transaction():
        domain = _seen_domain(house, label, "change the settings", _PREPARE)
        if domain.settings_version != based_on:
            raise Refused(
                f"Somebody saved version {domain.settings_version} of these settings since you began from version "
                f"{based_on}. Nothing was saved: reload the page, look at the new values and make your change again."
            )
        _check_usable(house, domain, domain.attributes, settings)
        version = customers.save_settings(house.db, domain.id, settings, house.actor.name, house.clock())
        if version:
            before, after = msgspec.to_builtins(domain.settings), msgspec.to_builtins(settings)
            changed = {name: {"from": before[name], "to": after[name]} for name in after if before[name] != after[name]}
            _record(house, "settings saved", domain, settings_version=version, changed=changed)
    return customers.domain_by_id(house.db, domain.id)


def limits_in_words(settings: Settings) -> dict[str, str]:
    """Every limit as the set-up file writes it: a number, a percentage, or off."""
    names = setup_file.LimitsTable.__struct_fields__
    written = {name: getattr(settings.limits, name) for name in names}
    return {name: str(each if isinstance(each, int) else setup_file.from_limit(each)) for name, each in written.items()}


def limits_from_words(words: Mapping[str, str], called: Mapping[str, str] | None = None) -> Limits:
    """Raises `SettingsError` for what is no limit, by the words that a person knows it by where these are given."""
    written = {name: _limit_from_words(name, text, (called or {}).get(name, name)) for name, text in words.items()}
    return setup_file.to_limits(msgspec.convert(written, setup_file.LimitsTable))


def _limit_from_words(name: str, text: str, called: str) -> int | str:
    text, people_only = text.strip(), name == "small_domain"
    number = int(text) if text.isdecimal() and len(text) <= len(str(setup_file.MOST)) else None
    if number is not None and int(people_only) <= number <= setup_file.MOST:
        return number
    if not people_only and not text.isdecimal() and len(text) <= LIMIT_LENGTH:
        with suppress(SettingsError, ValueError):
            setup_file.to_limits(msgspec.convert({name: text}, setup_file.LimitsTable))
            return text
    shown = text if len(text) <= LIMIT_LENGTH else f"{text[:LIMIT_LENGTH]}…"
    right = "people from 1" if people_only else "people from 0, a percentage such as 10%, or off"
    raise SettingsError(f"“{called}” is “{shown}”. It must be a number of {right}, and at most {setup_file.MOST:,}.")


@dataclass(frozen=True, slots=True)
class ScopeSeen:
    """Whom a scope takes of the newest read: names, the first of them; `unread` are columns that were not read."""

    inside: int
    people: int
    names: tuple[str, ...]
    unread: tuple[str, ...]


def try_scope(house: Workspace, label: str, rules: Sequence[ScopeRule], most: int = 500) -> ScopeSeen | None:
    """Live count and names for rules that need not be saved; None before the first read. Raises `SettingsError`."""
    employees = last_read(house, label)
    if employees is None:
        return None
    table = employees.table
    columns = resolve_all(Catalogue(fields_known(house, label)), [each.column for each in rules])
    unread = tuple(name for name, column in columns.items() if column.field not in table.column_names)
    mask = in_scope([each for each in rules if each.column not in unread], columns, table)
    rows = mask.nonzero()[0].tolist()
    first, last = (text_column(table, each) for each in (known.FIRST_NAME, known.SURNAME))
    names = tuple(f"{first[row].as_py()} {last[row].as_py()}".strip() for row in rows[:most])
    return ScopeSeen(len(rows), table.num_rows, names, unread)


# --- for the pages: plans ---------------------------------------------------------------------------------


def plan_seen(house: Workspace, plan_id: str) -> Plan:
    """A plan without its people: they are asked for page by page."""
    plan = plans.plan_head(house.db, plan_id)
    _require(house, _domain_of(house, plan).customer_id, _READ, "see this plan")
    return plan


def plans_seen(house: Workspace, label: str, most: int = 50) -> list[Plan]:
    return plans.recent_plans(house.db, _seen_domain(house, label, "see the plans").id, most)


def changes_seen(
    house: Workspace, plan_id: str, action: str, attribute: str, text: str, most: int, skip: int
) -> tuple[list[Change], int]:
    return plans.find_changes(house.db, plan_seen(house, plan_id).id, action, attribute, text, most, skip)


def held_seen(house: Workspace, plan_id: str, text: str = "", most: int = 500) -> list[Held]:
    return plans.find_held(house.db, plan_seen(house, plan_id).id, text, most)


def attributes_changed(house: Workspace, plan_id: str) -> dict[str, int]:
    return plans.changed_attributes(house.db, plan_seen(house, plan_id).id)


def names_in_plan(house: Workspace, plan_id: str, keys: Sequence[str]) -> dict[str, str]:
    return plans.names_of(house.db, plan_seen(house, plan_id).id, keys)


def approval_of(house: Workspace, plan_id: str) -> Approval | None:
    return plans.get_approval(house.db, plan_seen(house, plan_id).id)


def run_of(house: Workspace, plan_id: str) -> Run | None:
    """The plan's latest run."""
    return runs.latest_run(house.db, plan_seen(house, plan_id).id)


def lapsed(house: Workspace, plan_id: str) -> str | None:
    """Why a plan can no longer be approved or processed, in one sentence."""
    plan = plan_seen(house, plan_id)
    try:
        _check_current(house, plan, _domain_of(house, plan))
    except Lapsed as problem:
        return str(problem)
    return None


class PlanState(StrEnum):
    """How far a plan is on its way, for people."""

    EMPTY = "empty"
    BLOCKED = "blocked"
    WAITING = "waiting"
    APPROVED = "approved"
    BEGUN = "begun"
    PROCESSED = "processed"
    LAPSED = "lapsed"


def plan_states(house: Workspace, label: str, found: Sequence[Plan]) -> dict[str, PlanState]:
    """The states of plans of this domain, by their ids."""
    domain = _seen_domain(house, label, "see the plans")
    begun = plans.run_statuses(house.db, domain.id)
    return {plan.id: _state(house, domain, plan, begun.get(plan.id)) for plan in found if plan.domain_id == domain.id}


def _state(house: Workspace, domain: Domain, plan: Plan, run: RunStatus | None) -> PlanState:
    if run is not None:
        return PlanState.PROCESSED if run in (RunStatus.DONE, RunStatus.PARTIAL) else PlanState.BEGUN
    if plan.status is PlanStatus.EMPTY:
        return PlanState.EMPTY
    try:
        _check_current(house, plan, domain)
    except Lapsed:
        return PlanState.LAPSED
    if plans.get_approval(house.db, plan.id):
        return PlanState.APPROVED
    return PlanState.BLOCKED if plan.status is PlanStatus.BLOCKED else PlanState.WAITING


@dataclass(frozen=True, slots=True)
class Effect:
    """What a plan would mean in numbers if all of it were approved. `newly_live` people may be written to by the
    portal; `live` counts the customer's users in all domains after the run; `cost` is that of the users `over`."""

    newly_live: int
    live: int
    seats: int | None
    over: int
    cost: Decimal | None


def effect_of(house: Workspace, plan_id: str) -> Effect:
    plan = plan_seen(house, plan_id)
    customer = customers.get_customer(house.db, _domain_of(house, plan).customer)
    now = sum(_directory(house, each).live() for each in customers.domains(house.db, customer.id))
    newly = plan.counts.get("add", 0) + plan.counts.get("reactivate", 0)
    live = now + newly - plan.counts.get("archive", 0)
    over = max(live - customer.seats, 0) if customer.seats is not None else 0
    cost = Decimal(customer.price_per_user) * over if customer.price_per_user and over else None
    return Effect(newly, live, customer.seats, over, cost)


def left_out_draft(house: Workspace, plan_id: str) -> tuple[str, ...]:
    """The people whom the actor means to leave out of the approval."""
    plan = plan_seen(house, plan_id)
    draft = drafts.find(house.db, plan.domain_id, f"approval {plan.id}", house.actor.name)
    return msgspec.json.decode(draft.content, type=tuple[str, ...]) if draft else ()


def keep_left_out(house: Workspace, plan_id: str, keys: Iterable[str]) -> None:
    plan = plan_seen(house, plan_id)
    draft = drafts.Draft(plan.mapping_version, msgspec.json.encode(sorted(set(keys))).decode())
    drafts.keep(house.db, plan.domain_id, f"approval {plan.id}", house.actor.name, draft, house.clock())


def export_decided_workbook(house: Workspace, plan_id: str, file: BinaryIO) -> None:
    """The plan's Excel file with the decisions that there are: once processed those approved, before it the draft's."""
    plan, approval = show_plan(house, plan_id), approval_of(house, plan_id)
    decided = approval.left_out if approval and run_of(house, plan_id) else left_out_draft(house, plan_id)
    write_workbook(plan, file, decided)


def approve_by_workbook(
    house: Workspace, plan_id: str, workbook: BinaryIO, overrides: Mapping[str, str] | None = None
) -> Approval:
    """Approve as a file decides, and make that the draft. Whoever is in no sheet of it (to be moved or linked) is
    decided by the draft."""
    draft = set(left_out_draft(house, plan_id))
    in_file = {each.key for each in show_plan(house, plan_id).changes if each.action not in (Action.MOVE, Action.LINK)}
    approval = approve(house, plan_id, leave_out=sorted(draft - in_file), overrides=overrides, workbook=workbook)
    keep_left_out(house, plan_id, approval.left_out)
    return approval


def keep_only(house: Workspace, plan_id: str, keys: Sequence[str]) -> None:
    """Leave out everybody but these."""
    keep_left_out(house, plan_id, _left_out(show_plan(house, plan_id), (), keys))


# --- for the pages: runs and people -----------------------------------------------------------------------


def run_seen(house: Workspace, run_id: str) -> Run:
    run = runs.get_run(house.db, run_id)
    _require(house, customers.domain_by_id(house.db, run.domain_id).customer_id, _READ, "see this run")
    return run


def runs_seen(house: Workspace, label: str, most: int = 60) -> list[tuple[Run, dict[str, int], dict[str, int]]]:
    """The last runs, newest first: (run, people per result, people done per action)."""
    return runs.recent_runs(house.db, _seen_domain(house, label, "see the runs").id, most)


def outcomes_seen(
    house: Workspace, run_id: str, results: Sequence[str], text: str, most: int, skip: int
) -> tuple[list[tuple[str, Outcome]], int]:
    """One page of (name, outcome) of a run."""
    return runs.find_outcomes(house.db, run_seen(house, run_id).id, results, text, most, skip)


def users_seen(
    house: Workspace, label: str, text: str, most: int, skip: int
) -> tuple[list[tuple[str, str, str, dict[str, str]]], int]:
    """One page of the directory: (id, external id, status, attributes)."""
    return _directory(house, _seen_domain(house, label, "see the users")).find(text, most, skip)


@dataclass(frozen=True, slots=True)
class Station:
    """One line of the checklist before the first run; `page` is where it is done."""

    title: str
    done: bool
    detail: str
    page: str


def checklist(house: Workspace, customer: str, label: str | None) -> list[Station]:
    """The real set-up, in its order, with what is known to be done."""
    about = customers.get_customer(house.db, customer)
    have = connections_seen(house, customer)
    domain = _seen_domain(house, label, "see the checklist") if label else None
    ready = any(each.token_set and each.connection.service_user_id for each in have)
    tested = last_check(house, label) if label else None
    fed = [each for each in domain.attributes if each.data_feed_name] if domain else []
    seats = f"{about.seats:,} licensed users" if about.seats else "Ask your Skillcast contact; the preview then warns."
    priced = f", {about.price_per_user} per user" if about.price_per_user else ""
    return [
        Station("Licensed seats and price per user", bool(about.seats), seats + priced, "start"),
        Station("A service user in HiBob: its id and token", ready, "HiBob shows the token once.", "connect"),
        Station("A domain on the connection", domain is not None, domain.name if domain else "", "connect"),
        Station("The permission group opens what is mapped", bool(tested and tested.ok), "Test shows it.", "connect"),
        Station("Attributes and dates to capture", bool(fed), f"{len(fed)} attributes are fed by HiBob.", "mapping"),
        Station(
            "The unique identifier",
            bool(domain and domain.settings.unique_identifier),
            (domain.settings.unique_identifier or "" if domain else "") or "Choose one that never changes.",
            "mapping",
        ),
        Station(
            "Who is never archived",
            bool(domain and domain.settings.protected),
            "Test accounts, and whoever administers the portal.",
            "settings",
        ),
    ]


def categories_needed(house: Workspace, label: str) -> dict[str, tuple[str, ...]]:
    """The permission categories to tick in HiBob, with the columns that need each, from mapping and scope."""
    domain = _seen_domain(house, label, "see the checklist")
    catalogue = Catalogue(fields_known(house, label))
    found: dict[str, list[str]] = {}
    wanted = [*known.ENGINE_FIELDS]
    for name in column_names(domain.attributes, domain.settings.scope):
        with suppress(SettingsError):
            wanted.append(catalogue.resolve(name).field)
    for field_id in dict.fromkeys(wanted):
        known_field = catalogue.fields.get(field_id)
        if known_field:
            found.setdefault(known_field.category_name or known_field.category, []).append(known_field.name)
    return {name: tuple(columns) for name, columns in sorted(found.items())}
