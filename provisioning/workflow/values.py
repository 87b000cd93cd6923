"""The values that HiBob really has for an attribute, and which of them turned up since and nobody has looked at."""

from dataclasses import dataclass

import pyarrow.compute as pc

from provisioning.engine.advice import tried_columns
from provisioning.engine.columns import Catalogue
from provisioning.engine.mapping import raw_values
from provisioning.engine.occurring import MOST_VALUES, Occurring, occurring
from provisioning.engine.watching import columns_of, worth_watching
from provisioning.model import Attribute, Domain, Field, Snapshot
from provisioning.store import snapshots, values_seen
from provisioning.workflow.house import Workspace, seen_domain


@dataclass(frozen=True, slots=True)
class ValueSeen:
    """A value that occurs in the newest read. `new`: it turned up later than the first, and nobody has looked at it."""

    about: Occurring
    new: bool


def note_values(house: Workspace, domain: Domain, employees: Snapshot, fields: tuple[Field, ...]) -> None:
    """Remember the values of every mapped column that is a list of some kind. Columns with very many are none."""
    catalogue, types = Catalogue(fields), {each.id: each.type for each in fields}
    with house.db.transaction():
        for each in domain.attributes:
            watched = worth_watching(each, types, catalogue)
            if watched is None or not _was_read(each, catalogue, employees):
                continue
            distinct = pc.unique(raw_values(each, columns_of(each, catalogue), employees.table)[0]).to_pylist()
            if len(distinct) <= MOST_VALUES:
                found = [text for text in distinct if text]
                values_seen.note(house.db, domain.id, watched, found, employees.evidence.read_at)


def _was_read(each: Attribute, catalogue: Catalogue, employees: Snapshot) -> bool:
    return all(column.field in employees.table.column_names for column in columns_of(each, catalogue).values())


def values_of(
    house: Workspace, label: str, attribute: Attribute, fields: tuple[Field, ...]
) -> tuple[ValueSeen, ...] | None:
    """The values that occur for an attribute of a mapping, be it saved or not, the commonest first; None where there is
    no list to show: nothing was read, the column is not fed or refers to people, or too many values differ."""
    domain = seen_domain(house, label, "see the values")
    read = snapshots.newest_read(house.snapshots, domain.id)
    catalogue = Catalogue(fields)
    found = occurring(attribute, catalogue, read.people(tried_columns([attribute], fields))) if read else None
    if found is None:
        return None
    watched = worth_watching(attribute, {each.id: each.type for each in fields}, catalogue)
    new = values_seen.new(house.db, domain.id, watched) if watched else frozenset()
    return tuple(ValueSeen(each, each.value in new) for each in found)
