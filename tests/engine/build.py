"""Small companies to plan with: employees as HiBob has them, users as Skillcast has them.

Employee "7" and user "7" belong together and agree in everything, unless a test says otherwise. Fields and attributes
go by short names here (`department`), so that a test shows only what it is about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from provisioning.engine.columns import Catalogue, column_names, resolve_all
from provisioning.engine.plan import make_plan
from provisioning.engine.situation import OtherDomain, Situation
from provisioning.model import (
    Action,
    Attribute,
    Baseline,
    Change,
    Column,
    ColumnEvidence,
    Decision,
    Domain,
    Evidence,
    Field,
    Finding,
    Settings,
    Severity,
    Snapshot,
    Users,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TODAY, YESTERDAY, TOMORROW = "2026-03-02", "2026-03-01", "2026-03-03"

FIELDS = {
    "key": Field("root.id", "ID", "root", "Basic info"),
    "email": Field("root.email", "Email", "root", "Basic info"),
    "first": Field("root.firstName", "First name", "root", "Basic info"),
    "last": Field("root.surname", "Last name", "root", "Basic info"),
    "status": Field("internal.status", "Status", "lifecycle", "Lifecycle", "list"),
    "lifecycle": Field("internal.lifecycleStatus", "Lifecycle status", "lifecycle", "Lifecycle", "list"),
    "start": Field("work.startDate", "Start date", "work", "Work", "date"),
    "last_day": Field("employee.lastDayOfWork", "Last day of work", "lifecycle", "Lifecycle", "date"),
    "identifier": Field("work.employeeIdInCompany", "Employee ID", "work", "Work"),
    "department": Field("work.department", "Department", "work", "Work", "list"),
    "site": Field("work.site", "Site", "work", "Work"),
    "site_id": Field("work.siteId", "Site", "work", "Work", "list_id"),
    "manager": Field("work.reportsTo", "Reports to", "work", "Work", "employee"),
    "manager_email": Field("work.reportsTo.email", "Manager's email", "work", "Work"),
    "payroll": Field("work.custom.field_1651169416679", "Payroll number", "payroll", "Payroll"),
    "contractor": Field("work.custom.contractor", "Contractor", "work", "Work", "boolean"),
}
CATALOGUE = Catalogue(tuple(FIELDS.values()))

ATTRIBUTES = (
    Attribute("Employee ID", "work.employeeIdInCompany"),
    Attribute("Email", "root.email"),
    Attribute("First name", "root.firstName"),
    Attribute("Last name", "root.surname"),
    Attribute("Department", "work.department"),
)
NAMES = {
    "identifier": "Employee ID",
    "email": "Email",
    "first": "First name",
    "last": "Last name",
    "department": "Department",
    "site": "Site",
    "start": "Start date",
    "manager": "Manager",
}

Row = dict[str, str | None]


@dataclass(frozen=True)
class User:
    id: str
    link: str = ""
    status: str = "Live"
    attributes: Mapping[str, str] = field(default_factory=dict)


def _person(key: str) -> dict[str, str]:
    return {
        "identifier": f"E{key}",
        "email": f"person{key}@acme.example",
        "first": "Ada",
        "last": f"Person {key}",
        "department": "Sales",
    }


def employee(key: str, *, human: Mapping[str, str | None] | None = None, **values: str | None) -> Row:
    """A row of a snapshot, employed unless said otherwise. Both forms say the same where `human` names no other."""
    known = {"key": key, "lifecycle": "Employed", "status": "Active"} | _person(key) | values
    row: Row = {FIELDS[name].id: value for name, value in known.items()}
    spoken = known | dict(human or {})
    return row | {Column(FIELDS[name].id, human=True).slot: value for name, value in spoken.items()}


def user(key: str, *, id: str = "", link: str | None = None, status: str = "Live", **values: str) -> User:
    """The user of employee `key`: live and linked unless said otherwise."""
    attributes = {NAMES.get(name, name): value for name, value in (_person(key) | values).items()}
    return User(id or f"u{key}", key if link is None else link, status, attributes)


def archived(key: str, **values: str) -> User:
    return user(key, status="Archived", **values)


def unlinked(key: str, **values: str) -> User:
    return user(key, link="", **values)


def company(size: int) -> tuple[list[Row], list[User]]:
    """People 1 to `size` on both sides, in agreement."""
    keys = [str(number) for number in range(1, size + 1)]
    return [employee(key) for key in keys], [user(key) for key in keys]


def snapshot(employees: Sequence[Row], absent: Iterable[str] = (), read_at: datetime = NOW) -> Snapshot:
    """What a read of these rows gives. `absent`: fields that HiBob left out for everybody."""
    gone, columns, evidence = set(absent), {}, []
    for name, each in FIELDS.items():
        forms = [Column(each.id).slot, Column(each.id, human=True).slot]
        texts = [[None if name in gone else row.get(slot) for row in employees] for slot in forms]
        columns |= {slot: pa.array(column, pa.string()) for slot, column in zip(forms, texts, strict=True)}
        filled = sum(1 for one, other in zip(*texts, strict=True) if one or other)
        present = 0 if name in gone else len(employees)
        evidence.append(ColumnEvidence(each.id, present, filled, each.category, each.category_name))
    return Snapshot(pa.table(columns), Evidence(read_at, len(employees), len(employees), tuple(evidence)))


def directory(users: Sequence[User]) -> Users:
    names = sorted({name for each in users for name in each.attributes})
    return Users(
        ids=pa.array([each.id for each in users], pa.string()),
        external_ids=pa.array([each.link for each in users], pa.string()),
        statuses=pa.array([each.status for each in users], pa.string()),
        attributes={name: pa.array([each.attributes.get(name, "") for each in users], pa.string()) for name in names},
    )


def settings(**changes: Any) -> Settings:
    return replace(Settings(unique_identifier="Employee ID"), **changes)


def mapped(*more: Attribute) -> tuple[Attribute, ...]:
    """The usual mapping, with these attributes instead of their namesakes or beside them."""
    instead = {each.name: each for each in more}
    return tuple(instead.pop(each.name, each) for each in ATTRIBUTES) + tuple(instead.values())


def situation(
    employees: Sequence[Row] = (),
    users: Sequence[User] = (),
    *,
    attributes: Sequence[Attribute] = ATTRIBUTES,
    settings: Settings = Settings(unique_identifier="Employee ID"),  # noqa: B008 - frozen
    absent: Iterable[str] = (),
    now: datetime = NOW,
    read_at: datetime | None = None,
    others: Sequence[OtherDomain] = (),
    **rest: Any,
) -> Situation:
    names = column_names(attributes, settings.scope) + [rule.column for other in others for rule in other.scope]
    return Situation(
        domain=Domain(1, 1, "Acme", "staff", tuple(attributes), 3, "admin@acme.example", settings, 5),
        columns=resolve_all(CATALOGUE, names),
        employees=snapshot(employees, absent, read_at or now),
        users=directory(users),
        now=now,
        others=tuple(others),
        **rest,
    )


def plan(employees: Sequence[Row] = (), users: Sequence[User] = (), **rest: Any) -> Decision:
    return make_plan(situation(employees, users, **rest))


def baseline(live: int, **fill: int) -> Baseline:
    """People 1 to `live` at the last processed read, with so many values per column."""
    keys = tuple(sorted(str(number) for number in range(1, live + 1)))
    return Baseline(keys, {FIELDS[name].id: count for name, count in fill.items()})


# --- what a test looks at ---------------------------------------------------------------------------------


def actions(decision: Decision) -> list[tuple[str, str]]:
    return [(each.key, each.action.value) for each in decision.changes]


def held(decision: Decision) -> dict[str, str]:
    return {each.key: each.code for each in decision.held}


def only(decision: Decision, action: Action) -> Change:
    """The one change of this kind."""
    (found,) = [each for each in decision.changes if each.action is action]
    return found


def codes(decision: Decision, severity: Severity = Severity.BLOCK) -> list[str]:
    return [each.code for each in decision.findings if each.severity is severity]


def finding(decision: Decision, code: str) -> Finding:
    (found,) = [each for each in decision.findings if each.code == code]
    return found
