"""From HiBob's columns to attribute values, column by column. Never raises on data: what cannot be read is
returned as a problem of that person."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.columns import read_as
from provisioning.engine.texts import TextTable, folded
from provisioning.engine.transforms import Unreadable, fold, reader
from provisioning.model import Attribute, AttributeType, Column


@dataclass(frozen=True, slots=True)
class Mapped:
    """One attribute of every employee: text (blank is ""), and per row that cannot be read, the reason."""

    values: pa.Array
    problems: Mapping[int, str]


def map_all(
    attributes: Sequence[Attribute], columns: Mapping[str, Column], table: pa.Table | TextTable, identifier: str
) -> dict[str, Mapped]:
    """Every attribute that is fed, by name. `identifier` names the unique identifier, which references to
    managers resolve to."""
    fed = [each for each in attributes if each.data_feed_name]
    plain = {each.name: map_plain(each, columns, table) for each in fed if each.type is not AttributeType.USER}
    if all(each.name in plain for each in fed):
        return plain
    people = _references(table, plain[identifier].values if identifier in plain else None)
    resolved = {
        each.name: _map_references(each, columns, table, people) for each in fed if each.type is AttributeType.USER
    }
    return plain | resolved


def map_plain(attribute: Attribute, columns: Mapping[str, Column], table: pa.Table | TextTable) -> Mapped:
    raw, unspoken = raw_values(attribute, columns, table)
    if attribute.type is AttributeType.TEXT and not attribute.clean_up and not attribute.values:
        return Mapped(raw, unspoken)  # Tidied text is what it says.
    values, problems = _by_distinct(raw, _safely(reader(attribute)))
    return Mapped(values, problems | unspoken)


def text_column(table: pa.Table | TextTable, slot: str) -> pa.Array:
    """A column of a snapshot, tidied, blank as ""; all blank where the snapshot has no such column."""
    return (table if isinstance(table, TextTable) else TextTable(table))[slot]


def raw_values(
    attribute: Attribute, columns: Mapping[str, Column], table: pa.Table | TextTable
) -> tuple[pa.Array, dict[int, str]]:
    """The column's tidied text, with the fallback's where it is blank, and the rows where HiBob has a value
    but no text for people to read: taking the machine value there would write an item id as a department."""
    raw, unspoken = _one(attribute, columns[attribute.data_feed_name or ""], table)
    if attribute.fallback:
        second, also = _one(attribute, columns[attribute.fallback], table)
        missing = pc.equal(raw, "")
        raw = pc.if_else(missing, second, raw)
        unspoken |= {row: why for row, why in also.items() if missing[row].as_py() and row not in unspoken}
    return raw, unspoken


def _one(attribute: Attribute, written: Column, table: pa.Table | TextTable) -> tuple[pa.Array, dict[int, str]]:
    column = read_as(attribute, written)
    text = text_column(table, column.slot)
    if not column.human:
        return text, {}
    machine = text_column(table, column.field)
    missing = pc.and_(pc.equal(text, ""), pc.not_equal(machine, ""))
    why = f"HiBob gave no text to read for {column.field}, only its internal value"
    return text, dict.fromkeys(pc.indices_nonzero(missing).to_pylist(), why)


Reading = tuple[str, str | None]
"""A value, and why it could not be read."""


def _safely(read: Callable[[str], str]) -> Callable[[str], Reading]:
    def reading(text: str) -> Reading:
        try:
            return (read(text) if text else ""), None
        except Unreadable as problem:
            return "", f"“{text[:80]}” {problem}"

    return reading


def _by_distinct(texts: pa.Array, read: Callable[[str], Reading]) -> tuple[pa.Array, dict[int, str]]:
    """Apply a function once per distinct text: most columns have few. Null is blank."""
    encoded = pc.fill_null(texts, "").dictionary_encode()
    readings = [read(text) for text in encoded.dictionary.to_pylist()]
    values = pa.array([value for value, _ in readings], pa.string()).take(encoded.indices)
    bad = {code: why for code, (_, why) in enumerate(readings) if why}
    if not bad:
        return values, {}
    rows = pc.indices_nonzero(pc.is_in(encoded.indices, pa.array(list(bad), pa.int32()))).to_pylist()
    return values, {row: bad[encoded.indices[row].as_py()] for row in rows}


def _references(table: pa.Table | TextTable, identifiers: pa.Array | None) -> dict[str, str]:
    """Everything that names one employee → that employee's unique identifier. An e-mail of two people names nobody.
    Whether a reference can be written is decided later (`references.py`), when it is known who will have a user."""
    if identifiers is None:
        return {}
    named: list[str] = identifiers.to_pylist()
    emails: list[str] = folded(text_column(table, known.EMAIL)).to_pylist()
    shared = {email for email, count in Counter(emails).items() if count > 1}
    ids = text_column(table, known.ID).to_pylist()
    by_identifier = {value: value for value in named}
    by_email = {email: value for email, value in zip(emails, named, strict=True) if email not in shared}
    found = {**by_identifier, **by_email, **dict(zip(ids, named, strict=True))}
    return {name: value for name, value in found.items() if name and value}


def _map_references(
    attribute: Attribute, columns: Mapping[str, Column], table: pa.Table | TextTable, people: Mapping[str, str]
) -> Mapped:
    raw, _ = raw_values(attribute, columns, table)
    read = reader(attribute)

    def find(text: str) -> str:
        text = read(text)
        if not text:
            return ""
        found = people.get(text, people.get(fold(text)))
        if found is None:
            raise Unreadable(
                "names nobody with a unique identifier among the people that HiBob shows us. A report gives names of managers: map a column that holds "
                "their id or e-mail"
            )
        return found

    return Mapped(*_by_distinct(raw, _safely(find)))
