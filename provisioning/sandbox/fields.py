"""The field catalogue of the invented tenant: HiBob's standard fields and Northwind's own."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Employee: TypeAlias = dict[str, Json]
"""Field id → machine value. A field that is empty is left out."""

CATALOGUE = Path(__file__).parents[1] / "source" / "hibob_fields.psv"

PAYROLL_NUMBER = "work.custom.field_1651169416679"
CONTRACT_END = "work.custom.field_1651169416680"
NEXT_APPRAISAL = "work.custom.field_1651169416681"
COST_CENTRE = "work.custom.field_1651169416682"
CERTIFIED = "category_1650895542101.field_1651169416685"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the metadata. Permissions follow `category`, not the prefix of the id."""

    id: str
    name: str
    category: str
    type: str
    list_id: str = ""
    historical: bool = False
    category_name: str = ""

    @property
    def slash_id(self) -> str:
        """`/work/department`; keeps the `root` prefix."""
        return "/" + self.id.replace(".", "/")

    @property
    def json_path(self) -> str:
        """Where the value stands in the nested spelling; without the `root.` prefix."""
        return self.id.removeprefix("root.")

    @property
    def empty(self) -> Json:
        """What stands for a value that is permitted and not there."""
        return [] if self.type == "multi-list" else None

    def metadata(self) -> dict[str, Json]:
        """This field as `GET /company/people/fields` shows it."""
        return {
            "id": self.id,
            "category": self.id.partition(".")[0],
            "categoryId": self.category,
            "categoryDisplayName": self.category_name,
            "name": self.name,
            "description": "",
            "type": self.type,
            "typeData": {"listId": self.list_id} if self.list_id else {},
            "jsonPath": self.json_path,
            "historical": self.historical,
        }


OWN_FIELDS = (
    Field(PAYROLL_NUMBER, "Payroll number", "work", "text", category_name="Work"),
    Field(CONTRACT_END, "Contract end", "work", "text", category_name="Work"),
    Field(NEXT_APPRAISAL, "Next appraisal", "work", "date", category_name="Work"),
    Field(COST_CENTRE, "Cost centre", "employment", "list", "custom_list_1651169416682", category_name="Employment"),
    Field(CERTIFIED, "Certified person", "1650895542101", "boolean", category_name="Regulated roles"),
)


@cache
def catalogue() -> dict[str, Field]:
    """All fields of the tenant by id, in the order of the metadata."""
    lines = CATALOGUE.read_text(encoding="utf-8").splitlines()
    fields: list[Field] = []
    for line in filter(None, lines):
        key, name, category, kind, list_id, historical, called = line.split("|")
        fields.append(Field(key, name, category, kind, list_id, historical == "H", called))
    return {field.id: field for field in (*fields, *OWN_FIELDS)}


def default_fields() -> tuple[str, ...]:
    """What people search answers without `fields`: never custom, `internal.*` or `personal.*` fields."""
    kept = {"root", "about", "employment", "work"}
    own = {field.id for field in OWN_FIELDS}
    return tuple(field.id for field in catalogue().values() if field.category in kept and field.id not in own)


def text(person: Employee, field_id: str) -> str:
    """A text field of a person, "" when empty."""
    return str(person.get(field_id) or "")


def full_name(person: Employee) -> str:
    """First name and surname as stored."""
    return f"{text(person, 'root.firstName')} {text(person, 'root.surname')}"
