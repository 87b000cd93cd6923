"""people/search: the answer's bytes to one text column per field and form, with the evidence of the read.

One value stands up to three times in an employee: under its slash key, nested by its path, and nested again under
`humanReadable`. Leaves are decoded as anything, so that a strange value concerns one person; only a wrong envelope
is an error. No dict per person lives on.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, UnsetType

from provisioning.bulk import collector_off
from provisioning.errors import SettingsError, SourceError
from provisioning.model import Column, ColumnEvidence, Evidence, Field, Records, Snapshot
from provisioning.source.again import as_bits, count_bits, hashes, in_order, joined, places, rules
from provisioning.source.shape import (
    ABSENT,
    HUMAN,
    Add,
    Node,
    Shape,
    Wrapped,
    decode_records,
    decode_whole,
    slash_key,
    split,
)
from provisioning.source.text import text_of

if TYPE_CHECKING:
    # httpx takes a twentieth of a page's start, and no page calls HiBob.
    from provisioning.source.client import HiBobClient

MOST_FIELDS = 400
ID, STATUS, LIFECYCLE = "root.id", "internal.status", "internal.lifecycleStatus"

_PLAIN_TYPES = frozenset({"", "text", "text-area", "number", "date", "short-date", "time"})
"""Types whose human-readable text is the machine value itself, should HiBob not repeat it."""


def read_people(
    client: "HiBobClient", fields: Sequence[Field], now: datetime, kept: Snapshot | None = None
) -> Snapshot:
    """One complete read of everybody the service user may see, inactive people included.

    `fields` must contain root.id. `kept`: an earlier read, of which people whose record is the same are taken. Where neither status nor lifecycle is permitted, a second read of active people
    alone says who is active. Raises `SourceError` for every answer that is no complete list of people.
    """
    if len(fields) > MOST_FIELDS:
        raise SettingsError(
            f"The mapping and the scopes name {len(fields)} HiBob columns, root.id included; HiBob answers {MOST_FIELDS} "
            "at most."
        )
    asked = [each.id for each in fields]
    snapshot = decode_people(client.search(asked), fields, now, kept)
    if STATUS in asked and all(snapshot.evidence.absent(each) for each in (STATUS, LIFECYCLE) if each in asked):
        only_id = [each for each in fields if each.id == ID]
        active = decode_people(client.search([ID], inactive=False), only_id, now)
        return _with_status(snapshot, set(active.table[ID].to_pylist()))
    return snapshot


@collector_off()
def decode_people(body: bytes, fields: Sequence[Field], now: datetime, kept: Snapshot | None = None) -> Snapshot:
    """The snapshot in the bytes of one answer. `now`: the moment of the read. `kept`: an earlier one, which saves time and
    changes nothing."""
    split_up = split(body)
    if split_up is None:
        table, bits, records = *_columns(partial(decode_whole, body), fields), None
    else:
        marks = hashes(split_up)
        table, bits = _decoded_again(split_up, places(marks, kept, fields), kept, fields)
        records = Records(rules(fields), marks, bits)
    check_ids(table[ID].to_pylist())
    present = dict(zip(dict.fromkeys(each.id for each in fields), count_bits(bits), strict=False))
    evidence = tuple(
        ColumnEvidence(each.id, present[each.id], _count_filled(table, each), each.category, each.category_name)
        for each in fields
    )
    return Snapshot(table, Evidence(now, table.num_rows, count_active(table), evidence), records)


def _columns(decode: Callable[[Sequence[Field], Add], None], fields: Sequence[Field]) -> tuple[pa.Table, pa.Array]:
    """The columns of these people, and which fields they had (`Records.present`)."""
    columns = _Columns(tuple(dict.fromkeys(fields)))
    decode(fields, columns.add)
    return columns.table(), as_bits(np.concatenate(columns.present, axis=1))


def _decoded_again(
    records: Sequence[msgspec.Raw], where: pa.Array | None, kept: Snapshot | None, fields: Sequence[Field]
) -> tuple[pa.Table, pa.Array]:
    """As `_columns`, of the records that are new since `kept`; `where` says which those are, and where the others stand."""
    if where is None or kept is None or kept.records is None:
        return _columns(partial(decode_records, records), fields)
    new = [records[row] for row in pc.indices_nonzero(where.is_null()).to_pylist()]
    table, bits = _columns(partial(decode_records, new), fields)
    rows = in_order(where, kept.table.num_rows)
    return joined(kept.table, table, rows), pa.concat_arrays([kept.records.present, bits]).take(rows)


def _count_filled(table: pa.Table, each: Field) -> int:
    machine, human = (_filled(table[slot]) for slot in (each.id, Column(each.id, human=True).slot))
    return int(pc.sum(pc.or_(machine, human)).as_py() or 0)


# --- from objects to columns -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Columns:
    """The columns of every requested field, chunk by chunk, and which employees had it at all: a row
    per field, a column per employee."""

    fields: Sequence[Field]
    machine: dict[str, list[pa.Array]] = field(default_factory=dict)
    human: dict[str, list[pa.Array]] = field(default_factory=dict)
    present: list[npt.NDArray[np.bool_]] = field(default_factory=list)

    def add(self, shape: Shape, employees: Sequence[Any]) -> Set[str]:
        """Returns the fields that must be sought beside their slash keys as well, and has added nobody then."""
        under, missing = shape.nested.steps(employees), (UNSET,) * len(employees)
        slash = {each.id: under.get(slash_key(each.id)) or (ABSENT,) * len(employees) for each in self.fields}
        bare = {name: _bare(values) for name, values in slash.items()}
        whole = {name: _whole(values) for name, values in bare.items()}
        wanted = {name for name, texts in whole.items() if texts is None} - shape.sought
        if wanted:
            return wanted
        nested, human = _collected(under, shape.nested), _collected(shape.human.steps(under[HUMAN]), shape.human)
        present = np.ones((len(self.fields), len(employees)), dtype=bool)
        self.present.append(present)
        for place, each in enumerate(self.fields):
            texts, spoken = whole[each.id], human.get(each.id, missing)
            same = texts is not None and each.type != "boolean" and spoken == bare[each.id]
            if texts is None:
                other = nested.get(each.id, missing)
                texts = _machine(bare[each.id], other)
                present[place] = _present(slash[each.id], other, spoken) if _gaps(other) else True
            said = texts if same else _spoken(each, texts, spoken)
            self.machine.setdefault(each.id, []).append(texts)
            # Most say the same twice: then it is one column.
            self.human.setdefault(each.id, []).append(texts if said.equals(texts) else said)
        return frozenset()

    def table(self) -> pa.Table:
        columns: dict[str, pa.Array] = {}
        for each in self.fields:
            machine, human = self.machine.pop(each.id), self.human.pop(each.id)
            columns[each.id] = pa.concat_arrays(machine)
            same = all(one is other for one, other in zip(machine, human, strict=True))
            columns[Column(each.id, human=True).slot] = columns[each.id] if same else pa.concat_arrays(human)
        return pa.table(columns)


def _collected(under: Mapping[str, Sequence[Any]], node: Node) -> dict[str, Sequence[Any]]:
    """The values of every field that ends below a node."""
    found: dict[str, Sequence[Any]] = {}
    for step, child in node.children.items():
        if step in under:
            found |= dict.fromkeys(child.ends, under[step])
            found |= _collected(child.steps(under[step]), child) if child.children else {}
    return found


def _bare(slash: Sequence[Any]) -> Sequence[Any]:
    """What stands under the slash keys, without its wrapping."""
    try:
        return tuple(map(_VALUE, slash))
    except AttributeError:
        return tuple([each.value if type(each) is Wrapped else _unwrapped(each) for each in slash])


_VALUE = attrgetter("value")


def _unwrapped(value: object) -> object:
    return value.get("value", UNSET) if isinstance(value, dict) else value


def _whole(values: Sequence[Any]) -> pa.Array | None:
    """A column of texts, if everybody has one."""
    texts = _plain(values)
    return None if texts is None or texts.null_count else texts


def _machine(bare: Sequence[Any], nested: Sequence[Any]) -> pa.Array:
    """What stands under the slash key, or nested where that is blank."""
    texts, second = _plain(bare), _plain(nested)
    if texts is not None and second is not None:
        return pc.coalesce(texts, second)
    both = zip(bare, nested, strict=True)
    return pa.array([text_of(b if a is UNSET or a is None else a) for a, b in both], pa.string())


def _plain(values: Sequence[Any]) -> pa.Array | None:
    """A column of texts and blanks, at once; None where something else is among them."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowException, TypeError, UnicodeError):
        if _gaps(values):
            return _plain([None if each is UNSET else each for each in values])
    return None


def _gaps(values: Sequence[Any]) -> bool:
    """Whether the field is missing for anybody."""
    return UnsetType in set(map(type, values))


def _spoken(each: Field, machine: pa.Array, human: Sequence[Any]) -> pa.Array:
    texts = _plain(human)
    if texts is None:
        texts = pa.array([text_of(value) for value in human], pa.string())
    if each.type in _PLAIN_TYPES:
        return pc.if_else(_filled(texts), texts, machine)
    if each.type == "boolean":
        words = pc.if_else(pc.equal(machine, "true"), "Yes", pc.if_else(pc.equal(machine, "false"), "No", None))
        return pc.if_else(_filled(texts), texts, words)
    return texts


def _filled(texts: pa.Array) -> pa.Array:
    return pc.fill_null(pc.not_equal(texts, ""), False)


def _present(slash: Sequence[Any], nested: Sequence[Any], spoken: Sequence[Any]) -> list[bool]:
    """Which employees have the field in any of its places, null included."""
    places = zip(slash, nested, spoken, strict=True)
    return [one is not ABSENT or two is not UNSET or three is not UNSET for one, two, three in places]


# --- what a read proves ------------------------------------------------------------------------------------


def check_ids(ids: Sequence[str | None]) -> None:
    """Raises `SourceError` unless everybody has an id of their own."""
    plain = [(each or "").strip() for each in ids]
    missing = sum(1 for each in plain if not each or "\ufffd" in each)
    if missing:
        raise SourceError(
            f"HiBob’s answer has an unexpected shape: {missing} of {len(ids)} people have no id that can be read. Nothing "
            "was concluded from it. Try again; if it stays, report it to HiBob."
        )
    if len(set(plain)) < len(plain):
        raise SourceError(
            f"HiBob’s answer has an unexpected shape: {len(plain) - len(set(plain))} people stand in it twice. Nothing "
            "was concluded from it. Try again; if it stays, report it to HiBob."
        )


def count_active(table: pa.Table) -> int:
    """Active people by status, or where that is blank by lifecycle."""
    blank: list[str | None] = [None] * table.num_rows
    forms = [
        table[slot].to_pylist() if slot in table.column_names else blank
        for each in (STATUS, LIFECYCLE)
        for slot in (Column(each, human=True).slot, each)
    ]
    alike = Counter(zip(*forms, strict=True))
    return sum(people for (a, b, c, d), people in alike.items() if _is_active(a or b, c or d))


def _is_active(status: str | None, lifecycle: str | None) -> bool:
    if status:
        return status.strip().casefold() == "active"
    return (lifecycle or "terminated").strip().casefold() not in ("terminated", "hired")


def _with_status(snapshot: Snapshot, active: set[str]) -> Snapshot:
    status = pa.array(["Active" if key in active else "Inactive" for key in snapshot.table[ID].to_pylist()])
    place = snapshot.table.column_names.index(STATUS)
    table = snapshot.table.set_column(place, STATUS, status)
    old = snapshot.evidence
    return Snapshot(table, Evidence(old.read_at, old.employees, len(active), old.columns, status_from_active_read=True))
