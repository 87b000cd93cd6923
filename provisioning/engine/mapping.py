"""From HiBob's columns to attribute values, column by column. Never raises on data: what cannot be read is
returned as a problem of that person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.columns import read_as
from provisioning.engine.texts import Index, TextTable, blank, folded, is_filled, text_column
from provisioning.engine.transforms import Unreadable, reader
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
    people = _Named(
        plain[identifier].values if identifier in plain else blank(len(table)),
        folded(text_column(table, known.EMAIL)),
        text_column(table, known.ID),
    )
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


Readings = tuple[pa.Array, Mapping[int, str]]
"""Values, and by place why one could not be read."""


def _safely(read: Callable[[str], str]) -> Callable[[pa.Array], Readings]:
    """Each text read for itself."""

    def reading(texts: pa.Array) -> Readings:
        values, problems = [], {}
        for place, text in enumerate(texts.to_pylist()):
            try:
                values.append(read(text) if text else "")
            except Unreadable as problem:
                values.append("")
                problems[place] = _said(text, problem)
        return pa.array(values, pa.string()), problems

    return reading


def _said(text: str, problem: Unreadable | str) -> str:
    return f"“{text[:80]}” {problem}"


def _by_distinct(texts: pa.Array, read: Callable[[pa.Array], Readings]) -> tuple[pa.Array, dict[int, str]]:
    """Read each distinct text once: most columns have few. Null is blank."""
    encoded = pc.fill_null(texts, "").dictionary_encode()
    readings, bad = read(encoded.dictionary)
    values = readings.take(encoded.indices)
    if not bad:
        return values, {}
    rows = pc.indices_nonzero(pc.is_in(encoded.indices, pa.array(list(bad), pa.int32()))).to_pylist()
    return values, {row: bad[encoded.indices[row].as_py()] for row in rows}


@dataclass(frozen=True, slots=True)
class _Named:
    """By what an employee may be referred to, a row each: the id before the e-mail (folded) before the unique identifier."""

    identifiers: pa.Array
    emails: pa.Array
    ids: pa.Array

    def identifiers_of(self, names: pa.Array) -> pa.Array:
        """The unique identifier of whom each name stands for, "" where that is nobody. An e-mail of two people names nobody.
        Whether a reference can be written is decided later (`references.py`), when it is known who will have a user."""
        distinct = names.dictionary_encode()
        rows, _ = _last_rows(self.identifiers, distinct.dictionary)
        by_email, count = _last_rows(self.emails, distinct.dictionary)
        by_id, _ = _last_rows(self.ids, distinct.dictionary)
        rows = np.where(count == 1, by_email, rows)
        rows = np.where(by_id >= 0, by_id, rows)
        rows[~is_filled(distinct.dictionary)] = -1
        found = self.identifiers.take(pa.array(rows, mask=rows < 0))
        return pc.fill_null(found, "").take(distinct.indices)


def _last_rows(column: pa.Array, texts: pa.Array) -> tuple[Index, Index]:
    """For each of these distinct texts the last row that has it, or -1, and how many have it."""
    places = pc.index_in(column, texts)
    rows = np.asarray(pc.indices_nonzero(places.is_valid())).astype(np.int64)
    having = places.drop_null().to_numpy()
    last = np.full(len(texts), -1, dtype=np.int64)
    last[having] = rows
    return last, np.bincount(having, minlength=len(texts))


NOBODY = (
    "names nobody with a unique identifier among the people that HiBob shows us. A report gives names of managers: map a "
    "column that holds their id or e-mail"
)


def _map_references(
    attribute: Attribute, columns: Mapping[str, Column], table: pa.Table | TextTable, people: _Named
) -> Mapped:
    raw, _ = raw_values(attribute, columns, table)
    read = _safely(reader(attribute))

    def find(texts: pa.Array) -> Readings:
        plain = not attribute.clean_up and not attribute.values
        names = texts if plain else read(texts)[0]
        found = people.identifiers_of(names)
        found = pc.if_else(pc.equal(found, ""), people.identifiers_of(folded(names)), found)
        lost = np.flatnonzero(is_filled(names) & ~is_filled(found)).tolist()
        return found, {place: _said(texts[place].as_py(), NOBODY) for place in lost}

    return Mapped(*_by_distinct(raw, find))
