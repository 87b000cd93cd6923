"""By what the next read knows people again, kept beside the snapshot that it is of and sealed with the bytes of that file.
One without the other, or a damaged one, is as good as none."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc

from provisioning.model import Marks, Records

_SEAL, _RULES = b"seal", b"rules"
_DAMAGED = (OSError, pa.ArrowException, AttributeError, KeyError, TypeError, UnicodeDecodeError)


def records_table(records: Records, snapshot: bytes) -> pa.Table:
    """What is stored. `snapshot`: the bytes of the file whose rows these are."""
    return _sealed(records.rules, {"hash": records.hashes, "present": records.present}, snapshot)


def records_of(file: Path, snapshot: bytes) -> Records | None:
    """What is known of the people in a kept snapshot, given as the bytes of its file; None where nothing fits them."""
    found = _unsealed(file, ("hash", "present"), snapshot)
    return Records(found[0], *found[1]) if found else None


def marks_table(marks: Marks, snapshot: bytes) -> pa.Table:
    """As `records_table`, of users."""
    return _sealed(marks.rules, {"mark": marks.of_each}, snapshot)


def marks_of(file: Path, snapshot: bytes) -> Marks | None:
    """As `records_of`, of users."""
    found = _unsealed(file, ("mark",), snapshot)
    return Marks(found[0], *found[1]) if found else None


def _sealed(rules: str, columns: Mapping[str, pa.Array], snapshot: bytes) -> pa.Table:
    about = {_SEAL: _seal(rules, [*columns.values()], snapshot), _RULES: rules.encode()}
    return pa.table(columns).replace_schema_metadata(about)


def _unsealed(file: Path, names: Sequence[str], snapshot: bytes) -> tuple[str, list[pa.Array]] | None:
    """The rules and these columns."""
    with suppress(*_DAMAGED), ipc.open_file(file) as reader:
        table = reader.read_all()
        columns = [pa.concat_arrays(table[name].chunks) for name in names]
        rules = table.schema.metadata[_RULES].decode()
        return (rules, columns) if table.schema.metadata[_SEAL] == _seal(rules, columns, snapshot) else None
    return None


def _seal(rules: str, columns: Sequence[pa.Array], snapshot: bytes) -> bytes:
    """SHA-256 over both: a damaged bit would go on from night to night."""
    whole = sha256(sha256(snapshot).digest() + rules.encode())
    for column in columns:
        width, start = column.type.byte_width, column.offset
        whole.update(f" {width} {len(column)} ".encode())
        whole.update(memoryview(column.buffers()[1])[start * width : (start + len(column)) * width])
    return whole.digest()
