"""By what the next read knows people again, kept beside the snapshot that it is of and sealed with the bytes of that file.
One without the other, or a damaged one, is as good as none."""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc

from provisioning.model import Records

_SEAL, _RULES = b"seal", b"rules"
_DAMAGED = (OSError, pa.ArrowException, AttributeError, KeyError, TypeError, UnicodeDecodeError)


def records_table(records: Records, snapshot: bytes) -> pa.Table:
    """What is stored. `snapshot`: the bytes of the file whose rows these are."""
    about = {_SEAL: _seal(records, snapshot), _RULES: records.rules.encode()}
    columns = {"hash": records.hashes, "present": records.present}
    return pa.table(columns).replace_schema_metadata(about)


def records_of(file: Path, snapshot: bytes) -> Records | None:
    """What is known of the people in a kept snapshot, given as the bytes of its file; None where nothing fits them."""
    with suppress(*_DAMAGED), ipc.open_file(file) as reader:
        table = reader.read_all()
        hashes, present = (pa.concat_arrays(table[name].chunks) for name in ("hash", "present"))
        records = Records(table.schema.metadata[_RULES].decode(), hashes, present)
        return records if table.schema.metadata[_SEAL] == _seal(records, snapshot) else None
    return None


def _seal(records: Records, snapshot: bytes) -> bytes:
    """SHA-256 over both: a damaged bit would go on from night to night."""
    whole = sha256(sha256(snapshot).digest() + records.rules.encode())
    for column in (records.hashes, records.present):
        width, start = column.type.byte_width, column.offset
        whole.update(f" {width} {len(column)} ".encode())
        whole.update(memoryview(column.buffers()[1])[start * width : (start + len(column)) * width])
    return whole.digest()
