"""Machine values and human-readable texts of a person, by field type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from provisioning.sandbox.fields import Employee, Field, Json, full_name, text
from provisioning.sandbox.lists import LISTS, SITE_BY_NAME

if TYPE_CHECKING:
    from provisioning.sandbox.company import Company

Reader: TypeAlias = Callable[[Employee], Json]
Writer: TypeAlias = Callable[[Json], str | None]

ISO = "%Y-%m-%d"
BRITISH = "%d/%m/%Y"


def reader(company: Company, field: Field) -> Reader:
    """What takes a field's machine value from a person; made once per column, as answers are long."""
    if derived := DERIVED.get(field.id):
        return lambda person: derived(company, person)
    key, empty = field.id, field.empty
    if empty is None:
        return lambda person: person.get(key)
    return lambda person: person.get(key, empty)


def writer(company: Company, field: Field, dates: str = ISO, separator: str = ", ") -> Writer:
    """What makes a field's human-readable text of its machine value; None for what is empty."""
    labels = LISTS[field.list_id].items if field.list_id in LISTS else {}

    def label(value: Json) -> str:
        return labels.get(str(value), str(value))

    def labels_of(value: Json) -> str:
        return separator.join(label(each) for each in value) if isinstance(value, list) else label(value)

    def reference(value: Json) -> str:
        return full_name(company.people[str(value)])

    by_type: dict[str, Callable[[Json], str]] = {
        "list": label,
        "list_id": label,
        "multi-list": labels_of,
        "date": lambda value: date.fromisoformat(str(value)).strftime(dates) if dates != ISO else str(value),
        "boolean": lambda value: "Yes" if value else "No",
        "currency": lambda value: _member(value, "currency") + f"{float(_member(value, 'value')):.2f}",
        "employee": lambda value: _member(value, "displayName"),
        "period": lambda value: _member(value, "humanize"),
        "employee-reference": str if field.id == "root.id" else reference,
    }
    say = by_type.get(field.type, str)
    return lambda value: None if value is None or value == [] else say(value)


def is_active(person: Employee) -> bool:
    """HiBob counts leavers and future joiners as inactive."""
    return person["internal.lifecycleStatus"] not in ("Hired", "Terminated")


def _member(value: Json, key: str) -> str:
    return str(value[key]) if isinstance(value, dict) else str(value)


def _manager(company: Company, person: Employee) -> Employee | None:
    return company.people.get(text(person, "work.manager"))


def _reports_to(company: Company, person: Employee) -> Json:
    if (manager := _manager(company, person)) is None:
        return None
    return {
        "id": manager["root.id"],
        "firstName": manager["root.firstName"],
        "surname": manager["root.surname"],
        "email": manager.get("root.email"),
        "displayName": full_name(manager),
    }


def _of_manager(field_id: str) -> Callable[[Company, Employee], Json]:
    return lambda company, person: (_manager(company, person) or {}).get(field_id)


def _days(company: Company, person: Employee) -> int:
    return max(0, (company.today - date.fromisoformat(text(person, "work.startDate"))).days)


def _tenure(company: Company, person: Employee) -> Json:
    years, rest = divmod(_days(company, person), 365)
    months, days = divmod(rest, 31)
    spoken = f"{years} years, {months} months and {days} days"
    return {
        "periodISO": f"P{years}Y{months}M{days}D",
        "sortFactor": _days(company, person),
        "humanize": spoken,
    }


def _age(company: Company, person: Employee) -> Json:
    born = date.fromisoformat(text(person, "personal.birthDate"))
    birthday_to_come = (company.today.month, company.today.day) < (born.month, born.day)
    return company.today.year - born.year - birthday_to_come


def _currency(company: Company, person: Employee) -> Json:
    payment = person.get("payroll.salary.payment")
    return payment.get("currency") if isinstance(payment, dict) else None


def _full_name(company: Company, person: Employee) -> Json:
    middle = text(person, "root.secondName")
    names = (text(person, "root.firstName"), middle, text(person, "root.surname"))
    return " ".join(names) if middle else full_name(person)


# What HiBob works out from other fields; some of it changes by itself every day.
DERIVED: dict[str, Callable[[Company, Employee], Json]] = {
    "root.companyId": lambda company, person: company.id,
    "root.fullName": _full_name,
    "root.displayName": lambda company, person: full_name(person),
    "root.avatarUrl": lambda company, person: (
        f"https://images.northwind.example/{person['root.id']}?day={company.today}"
    ),
    "personal.age": _age,
    "personal.shortBirthDate": lambda company, person: text(person, "personal.birthDate")[5:] or None,
    "work.siteId": lambda company, person: SITE_BY_NAME[text(person, "work.site")].id,
    "work.shortStartDate": lambda company, person: text(person, "work.startDate")[5:],
    "work.reportsTo": _reports_to,
    "work.reportsTo.email": _of_manager("root.email"),
    "work.reportsToIdInCompany": _of_manager("work.employeeIdInCompany"),
    "work.secondLevelManager": _of_manager("work.manager"),
    "work.isManager": lambda company, person: company.direct_reports[text(person, "root.id")] > 0,
    "work.directReports": lambda company, person: company.direct_reports[text(person, "root.id")] or None,
    "work.tenureDuration": _tenure,
    "work.tenureDurationYears": lambda company, person: round(_days(company, person) / 365, 3),
    "address.siteCity": lambda company, person: person.get("work.site"),
    "address.siteCountry": lambda company, person: SITE_BY_NAME[text(person, "work.site")].country,
    "payroll.employment.calendarId": lambda company, person: SITE_BY_NAME[text(person, "work.site")].calendar,
    "payroll.salary.payment.currency": _currency,
    "internal.status": lambda company, person: "Active" if is_active(person) else "Inactive",
}
