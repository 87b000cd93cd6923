"""Which HiBob field a data feed name means. Must not ask HiBob: the catalogue of fields is an argument."""

from collections.abc import Iterable, Mapping, Sequence

from provisioning.engine.transforms import fold, tidy
from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType, Column, Evidence, Field, ScopeRule

HUMAN = "humanReadable."

ID = "root.id"
EMAIL = "root.email"
FIRST_NAME = "root.firstName"
SURNAME = "root.surname"
STATUS = "internal.status"
LIFECYCLE = "internal.lifecycleStatus"
START_DATE = "work.startDate"
LAST_DAY = "employee.lastDayOfWork"

ENGINE_FIELDS = (ID, STATUS, LIFECYCLE, START_DATE, LAST_DAY, EMAIL, SURNAME, FIRST_NAME)
"""Asked for without being mapped: the engine itself decides by them. The first matter most."""

USUAL: tuple[tuple[str, str, AttributeType], ...] = (
    ("Email", "root.email", AttributeType.TEXT),
    ("First name", "root.firstName", AttributeType.TEXT),
    ("Last name", "root.surname", AttributeType.TEXT),
    ("Employee ID", "work.employeeIdInCompany", AttributeType.TEXT),
    ("Job title", "humanReadable.work.title", AttributeType.TEXT),
    ("Department", "humanReadable.work.department", AttributeType.TEXT),
    ("Site", "work.site", AttributeType.TEXT),
    ("Manager", "work.reportsTo", AttributeType.USER),
    ("Start date", "work.startDate", AttributeType.DATE),
    ("Employment type", "humanReadable.payroll.employment.type", AttributeType.TEXT),
)
"""What portals usually capture, in Skillcast's order."""

_MACHINE_TYPES = (AttributeType.DATE, AttributeType.USER)
"""Types that are always read from the machine value: human-readable dates follow the calling user's format,
and a display name identifies nobody (HiBob's documentation of `humanReadable`)."""


class Catalogue:
    """HiBob's metadata, looked up by every spelling of a column that PRODUCT.md allows."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = {each.id: each for each in fields}
        self._paths: dict[str, list[str]] = {}
        self._names: dict[str, list[str]] = {}
        for each in fields:
            self._paths.setdefault(each.json_path, []).append(each.id)
            self._names.setdefault(fold(each.name), []).append(each.id)

    def field(self, field_id: str) -> Field:
        """The field, or one of unknown category for an id that the metadata does not list."""
        return self.fields.get(field_id) or Field(field_id, field_id)

    def is_alone(self, field: Field) -> bool:
        """Whether no other field has its name."""
        return len(self._names.get(fold(field.name), ())) == 1

    def resolve(self, name: str) -> Column:
        """The column meant by a field id, slash id, `humanReadable.` id, JSON path or unique display name.

        A dotted id that the metadata does not list is passed on: the read shows whether it is there.
        Raises `SettingsError` for an ambiguous or unknown name.
        """
        written = tidy(name)
        human = written.startswith(HUMAN)
        plain = written.removeprefix(HUMAN)
        if plain.startswith("/"):
            plain = plain[1:].replace("/", ".")
        found = self._find(plain)
        if len(found) > 1:
            raise SettingsError(
                f"The column name “{written}” is ambiguous: HiBob has {len(found)} fields of that name "
                f"({', '.join(sorted(found))}). Use one of these ids instead."
            )
        if found:
            return Column(found[0], human)
        if "." in plain and " " not in plain.split(".", 1)[0]:
            return Column(plain, human)
        raise SettingsError(
            f"HiBob has no column “{written}”. Use a field id such as work.department, or a field's name "
            "(of a report: a column's title) exactly as HiBob shows it."
        )

    def _find(self, plain: str) -> list[str]:
        for known in (plain, f"root.{plain}"):
            if known in self.fields:
                return [known]
        return self._paths.get(plain) or self._names.get(fold(plain)) or []


def resolve_all(catalogue: Catalogue, names: Iterable[str]) -> dict[str, Column]:
    return {name: catalogue.resolve(name) for name in sorted(set(names))}


def column_names(attributes: Sequence[Attribute], scope: Sequence[ScopeRule]) -> list[str]:
    """Every column that a mapping and a scope name, as written."""
    fed = [name for each in attributes for name in (each.data_feed_name, each.fallback) if name]
    return fed + [rule.column for rule in scope]


def read_as(attribute: Attribute, column: Column) -> Column:
    """The form in which this attribute reads the column."""
    return Column(column.field) if attribute.type in _MACHINE_TYPES else column


def fed_by(attributes: Sequence[Attribute], columns: Mapping[str, Column], field_id: str) -> str | None:
    """The name of the first attribute that a field feeds: how the engine knows e-mail and name."""
    for each in attributes:
        if each.data_feed_name and columns[each.data_feed_name].field == field_id:
            return each.name
    return None


def absent_remedy(evidence: Evidence, field_id: str, *, scope_only: bool = False) -> str:
    """What opens a column that is missing for everybody: its permission category, by name and id, or the report.
    `scope_only`: the scope names it, and the mapping does not."""
    if evidence.from_report:
        return "Add this column to the report in HiBob, or correct the data feed name."
    found = evidence.column(field_id)
    if found is None or not found.category:
        where = "column of the scope rule in the settings" if scope_only else "data feed name in the mapping"
        return f"HiBob lists no such field: correct the {where}."
    named = f"“{found.category_name or found.category}”"
    named += f" ({found.category})" if found.category_name not in ("", found.category) else ""
    return f"In HiBob, grant the service user's permission group “View” on the field category {named}."
