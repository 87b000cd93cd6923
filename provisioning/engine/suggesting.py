"""Rows that a mapping could have, each with the reason. Looks only: what is taken is the reader's choice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from provisioning.engine.advice import SPOKEN_TYPES, suggestions
from provisioning.engine.columns import HUMAN, USUAL, Catalogue
from provisioning.engine.transforms import fold
from provisioning.model import Attribute, AttributeType, Field

REASONS: Mapping[str, str] = {
    "Email": "Needed: people sign in by it.",
    "First name": "Names people in previews and the portal.",
    "Last name": "Names people in previews and the portal.",
    "Employee ID": "Never changes: the best unique identifier.",
    "Job title": "Often decides who gets which training.",
    "Department": "Often decides who gets which training.",
    "Site": "Often decides who gets which training.",
    "Manager": "For reports to managers.",
    "Start date": "For the training of new starters.",
    "Employment type": "Tells contractors from employees.",
}
"""Why each of the usual attributes is worth capturing."""

TYPES: Mapping[str, AttributeType] = {
    "date": AttributeType.DATE,
    "number": AttributeType.NUMBER,
    "boolean": AttributeType.YES_NO,
    "bool": AttributeType.YES_NO,
    "employee-reference": AttributeType.USER,
    "employee": AttributeType.USER,
}
"""HiBob's field types that are more than text."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A row to add, or one that is there and gets its column."""

    attribute: Attribute
    reason: str


def suggest(fields: Sequence[Field], attributes: Sequence[Attribute]) -> tuple[Suggestion, ...]:
    """First columns for attributes that have none, then usual rows that are missing."""
    unfed = tuple(_columns(fields, [each for each in attributes if not each.data_feed_name]))
    named = {each.attribute.name: each.attribute for each in unfed}
    then = [named.get(each.name, each) for each in attributes]
    missing = (Suggestion(each, REASONS.get(each.name, "Usual.")) for each in suggestions(fields, then))
    return (*unfed, *missing)


def _columns(fields: Sequence[Field], unfed: Sequence[Attribute]) -> Iterable[Suggestion]:
    usual = {fold(name): column.removeprefix(HUMAN) for name, column, _ in USUAL}
    catalogue = Catalogue(fields)
    by_name: dict[str, list[Field]] = {}
    for each in fields:
        by_name.setdefault(fold(each.name), []).append(each)
    for attribute in unfed:
        field = catalogue.fields.get(usual.get(fold(attribute.name), ""))
        same = by_name.get(fold(attribute.name), [])
        if field or len(same) == 1:
            yield _fed(attribute, field or same[0])


def _fed(attribute: Attribute, field: Field) -> Suggestion:
    kind, spoken = reading(field, attribute.type)
    row = replace(attribute, data_feed_name=(HUMAN if spoken else "") + field.id, type=kind)
    return Suggestion(row, f"Your attribute has no column yet; HiBob’s “{field.name}” has its name.")


def reading(field: Field, kind: AttributeType) -> tuple[AttributeType, bool]:
    """How a column is usually read by an attribute of this type: (the type; the column's own where it was just text, whether
    as people read it)."""
    found = TYPES.get(field.type, kind) if kind is AttributeType.TEXT else kind
    return found, field.type in SPOKEN_TYPES and found is not AttributeType.USER


def taken(attributes: Sequence[Attribute], chosen: Sequence[Suggestion]) -> tuple[Attribute, ...]:
    """The rows with what was suggested: in its place where the attribute is there, else at the end."""
    rows = {each.name: each for each in attributes} | {each.attribute.name: each.attribute for each in chosen}
    return tuple(rows.values())
