"""What makes a read quicker when most people are as they were: whose bytes are the same since the last one has the same
columns, and is not decoded again. Must decide nothing else: in any doubt everybody is decoded."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.model import Column, Field, Records, Snapshot

HASH_BYTES = 16


def rules(fields: Sequence[Field]) -> str:
    """What else than a record's bytes decides on its columns: the fields asked for, and how they are decoded. The mapping
    comes after that, and counts by the fields that it names."""
    return sha256(_decoding() + msgspec.json.encode(fields)).hexdigest()


@cache
def _decoding() -> bytes:
    """This folder's code itself: nobody has to remember to raise a number."""
    code = [file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))]
    return sha256(b"".join(code)).digest() + f"{msgspec.__version__} {pa.__version__} ".encode()


def hashes(records: Sequence[msgspec.Raw]) -> pa.Array:
    """One per record. The id stands in the record, so people have different ones."""
    found = b"".join([sha256(each).digest()[:HASH_BYTES] for each in records])
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(HASH_BYTES), len(records), [None, pa.py_buffer(found)])


def places(marks: pa.Array, kept: Snapshot | None, fields: Sequence[Field]) -> pa.Array | None:
    """Per record its row in the earlier read, or null where it is new; None where that read does not serve."""
    if kept is None or kept.records is None or not _fits(kept.table, kept.records, fields):
        return None
    return pc.index_in(marks, kept.records.hashes)


def _fits(table: pa.Table, records: Records, fields: Sequence[Field]) -> bool:
    slots = [slot for each in dict.fromkeys(fields) for slot in (each.id, Column(each.id, human=True).slot)]
    known = (table.column_names, set(table.schema.types), records.hashes.type, records.present.type)
    right = (slots, {pa.string()}, pa.binary(HASH_BYTES), pa.binary(_width(len(slots) // 2)))
    rows = {table.num_rows, len(records.hashes), len(records.present)}
    return records.rules == rules(fields) and known == right and len(rows) == 1


def in_order(where: pa.Array, kept: int) -> pa.Array:
    """Rows of the earlier read, followed by those of the records that are decoded now, in the order of the answer.
    `where`: `places`; `kept`: how many rows that read has."""
    new = np.asarray(where.is_null())
    rows = np.asarray(where.fill_null(0)).astype(np.int64)
    rows[new] = kept + np.arange(int(new.sum()))
    return pa.array(rows)


def joined(kept: pa.Table, fresh: pa.Table, rows: pa.Array) -> pa.Table:
    """The columns of both; `rows`: `in_order`."""
    columns: dict[str, pa.Array] = {}
    for slot in kept.column_names:
        machine = slot.removeprefix(_HUMAN)
        # Most fields say the same twice: then they share one column, as when everybody is decoded.
        same = machine in columns and all(each[machine].equals(each[slot]) for each in (kept, fresh))
        both = pa.concat_arrays([*kept[slot].chunks, *fresh[slot].chunks]) if not same else None
        columns[slot] = columns[machine] if both is None else both.take(rows)
    return pa.table(columns)


_HUMAN = Column("", human=True).slot


# --- which fields a record has: one bit each -----------------------------------------------------------------


def as_bits(present: npt.NDArray[np.bool_]) -> pa.Array:
    """From a row per field and a column per person."""
    width, people = _width(len(present)), present.shape[1]
    packed = np.packbits(present, axis=0).T.tobytes()
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), people, [None, pa.py_buffer(packed)])


def count_bits(present: pa.Array) -> list[int]:
    """How many people have each field; zeros for what fills the last byte."""
    width = present.type.byte_width
    buffer = present.buffers()[1]
    octets = np.frombuffer(buffer, dtype=np.uint8)[present.offset * width : (present.offset + len(present)) * width]
    counts: list[int] = []
    for octet in octets.reshape(-1, width).T:
        counts += np.unpackbits(octet).reshape(-1, 8).sum(axis=0).tolist()
    return counts


def _width(fields: int) -> int:
    return (fields + 7) // 8
