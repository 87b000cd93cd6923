"""The values of a column that really occur in a read: how often each, and what a mapping makes of it."""

from dataclasses import dataclass

import pyarrow as pa

from provisioning.engine.columns import Catalogue
from provisioning.engine.mapping import raw_values
from provisioning.engine.transforms import Unreadable, clean, reader, tidy
from provisioning.engine.watching import columns_of
from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType

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
