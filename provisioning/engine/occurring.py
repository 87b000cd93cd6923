"""The values of a column that really occur in a read: how often each, and what a mapping makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from provisioning.engine import columns as known
from provisioning.engine.columns import Catalogue, read_as
from provisioning.engine.mapping import raw_values
from provisioning.engine.transforms import Unreadable, clean, reader, tidy
from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType, Column

MOST_VALUES = 200
"""A column with more different values than this is no list: names, numbers, dates."""


@dataclass(frozen=True, slots=True)
class Occurring:
    """One value of HiBob. `people`: how many have it; `becomes`: what the user gets, "" where `problem` says why not;
    `listed`: the value table names it."""

    value: str
    people: int
    becomes: str
    listed: bool
    problem: str = ""


def columns_of(each: Attribute, catalogue: Catalogue) -> dict[str, Column]:
    """Data feed name and fallback, resolved. Raises `SettingsError` for a name that HiBob does not have."""
    return {name: catalogue.resolve(name) for name in (each.data_feed_name, each.fallback) if name}


def occurring(each: Attribute, catalogue: Catalogue, table: pa.Table) -> tuple[Occurring, ...] | None:
    """The distinct values, the commonest first, blank left out; None where the column is not fed, was not read, refers
    to users, or has more than `MOST_VALUES`."""
    if not each.data_feed_name or each.type is AttributeType.USER:
        return None
    try:
        columns = columns_of(each, catalogue)
    except SettingsError:
        return None
    if any(column.field not in table.column_names for column in columns.values()):
        return None
    occur = raw_values(each, columns, table)[0].value_counts()
    if len(occur) > MOST_VALUES + 1:  # One of them may be blank.
        return None
    counts = {
        text: number for text, number in zip(*(part.to_pylist() for part in occur.flatten()), strict=True) if text
    }
    if len(counts) > MOST_VALUES:
        return None
    named = {clean(tidy(key), each.clean_up) for key, _ in each.values}
    order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(_one(each, value, people, named) for value, people in order)


def _one(each: Attribute, value: str, people: int, named: set[str]) -> Occurring:
    listed = clean(value, each.clean_up) in named
    try:
        return Occurring(value, people, reader(each)(value), listed)
    except Unreadable as problem:
        return Occurring(value, people, "", listed, str(problem))


def worth_watching(each: Attribute, types: Mapping[str, str], catalogue: Catalogue) -> str | None:
    """What names the columns of an attribute whose values are a list of some kind, so that a new one matters; None for
    all others: names and numbers of people are not to be remembered."""
    if not each.data_feed_name or each.type is AttributeType.USER:
        return None
    try:
        columns = columns_of(each, catalogue)
    except SettingsError:
        return None
    field = columns[each.data_feed_name].field
    if field in PERSONAL:
        return None
    listed = bool(each.values or each.options) or types.get(field) in LISTS or field in TEXT_LISTS
    return " | ".join(read_as(each, column).slot for column in columns.values()) if listed else None


LISTS = frozenset({"list", "list_id", "multi-list", "hierarchy-list"})
PERSONAL = frozenset({known.ID, known.EMAIL, known.FIRST_NAME, known.SURNAME})
"""Names one person, whatever its value table says."""

TEXT_LISTS = frozenset({"work.site"})
"""HiBob calls it text, and lets people choose it from a list."""
