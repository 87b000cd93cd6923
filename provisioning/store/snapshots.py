"""The last complete snapshot of each side, one compressed Arrow file per domain and side, replaced by the next.
A decision or a comparison of mappings needs no new read."""

import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow import ipc

from provisioning.errors import NotFound, SettingsError
from provisioning.model import Column, Evidence, Snapshot, Users
from provisioning.store.records import marks_of, marks_table, records_of, records_table
from provisioning.store.workbooks import drop_workbooks

_ABOUT = b"rollcall"
_ATTRIBUTE = "attribute:"
_EVERY_USER = ("id", "external_id", "status")
_HUMAN = Column("", human=True).slot
_STATUS_ALONE = ipc.IpcReadOptions(included_fields=[2])
"""Of a users file, which begins with id, external id and status."""


class _About(msgspec.Struct):
    """`stored`: by column, the one that holds its values in the file; without it each holds its own."""

    read_at: datetime
    evidence: Evidence | None = None
    stored: dict[str, str] = {}


def save_snapshots(folder: Path, domain_id: int, employees: Snapshot, users: Users) -> None:
    read_at = employees.evidence.read_at
    content = _write(folder, f"{domain_id}.employees.arrow", employees.table, _About(read_at, employees.evidence))
    if employees.records is None:
        (folder / f"{domain_id}.records.arrow").unlink(missing_ok=True)
    else:
        table = records_table(employees.records, content)
        _write(folder, f"{domain_id}.records.arrow", table, _About(read_at))
    save_users(folder, domain_id, users, read_at)


def load_known(folder: Path, domain_id: int) -> Snapshot | None:
    """The last read for a plan with what the next one knows people by; None where it has nothing of the kind."""
    try:
        content = (folder / f"{domain_id}.employees.arrow").read_bytes()
    except OSError:
        return None
    records = records_of(folder / f"{domain_id}.records.arrow", content)
    if records is None:
        return None
    employees, about = _table_in(content)
    return Snapshot(employees, about.evidence, records) if about.evidence else None


def load_snapshots(folder: Path, domain_id: int) -> tuple[Snapshot, Users]:
    """Both sides as they were last read. Raises `NotFound` before the first read."""
    employees, about = _read(folder, f"{domain_id}.employees.arrow")
    users, _ = _read(folder, f"{domain_id}.users.arrow")
    if about.evidence is None:
        raise NotFound("The kept snapshot is not complete. Make a new preview.")
    return Snapshot(employees, about.evidence), _users(users)


def load_users(folder: Path, domain_id: int, attributes: Collection[str] | None = None) -> Users:
    """The directory as it was last read, with none but these attributes. Raises `NotFound` before the first read."""
    columns = None if attributes is None else {*_EVERY_USER, *(_ATTRIBUTE + name for name in attributes)}
    return _users(_read(folder, f"{domain_id}.users.arrow", columns)[0])


def count_users(folder: Path, domain_id: int, status: str) -> int:
    """How many users with a status the last read found; 0 before the first. Reads that one column."""
    try:
        with ipc.open_file(folder / f"{domain_id}.users.arrow", options=_STATUS_ALONE) as reader:
            return sum(column.to_pylist().count(status) for column in reader.read_all()["status"].chunks)
    except (FileNotFoundError, pa.ArrowInvalid, KeyError):
        return 0


def save_users(folder: Path, domain_id: int, users: Users, read_at: datetime) -> None:
    """A read of the directory alone, as after a run."""
    content = _write(folder, f"{domain_id}.users.arrow", _users_table(users), _About(read_at))
    if users.marks is None:
        (folder / f"{domain_id}.marks.arrow").unlink(missing_ok=True)
    else:
        table = marks_table(users.marks, content)
        _write(folder, f"{domain_id}.marks.arrow", table, _About(read_at))


def load_known_users(folder: Path, domain_id: int) -> Users | None:
    """The directory as it was last read, with what the next read knows its users by; None where there is nothing of the
    kind."""
    with contextlib.suppress(OSError, NotFound):
        content = (folder / f"{domain_id}.users.arrow").read_bytes()
        marks = marks_of(folder / f"{domain_id}.marks.arrow", content)
        return replace(_users(_table_in(content)[0]), marks=marks) if marks else None
    return None


def save_sample(folder: Path, domain_id: int, employees: Snapshot) -> None:
    """A read for the mapping page only: it feeds no plan."""
    _write(folder, f"{domain_id}.sample.arrow", employees.table, _About(employees.evidence.read_at, employees.evidence))


@dataclass(frozen=True, slots=True)
class KeptRead:
    """A read of HiBob that is kept, with its people still in the file. `state` is another one for another file there."""

    file: Path
    state: tuple[int, int]
    evidence: Evidence = field(compare=False)

    def people(self, columns: Collection[str] | None = None) -> pa.Table:
        """`columns`: none but these, as far as they were read."""
        table, _ = _table_in(self.file, columns)
        return table


def newest_read(folder: Path, domain_id: int) -> KeptRead | None:
    """The last read of HiBob, be it for a plan or a sample; None before the first. Loads nobody."""
    return next(iter(_kept_reads(folder, domain_id)), None)


def kept_employees(folder: Path, domain_id: int, columns: Collection[str] | None = None) -> list[Snapshot]:
    """The reads of HiBob that are kept, for a plan and for a sample, newest first; with these columns alone."""
    found = (_table_in(each.file, columns) for each in _kept_reads(folder, domain_id))
    return [Snapshot(table, about.evidence) for table, about in found if about.evidence]


def _kept_reads(folder: Path, domain_id: int) -> list[KeptRead]:
    found = []
    for file in (folder / f"{domain_id}.{side}.arrow" for side in ("employees", "sample")):
        with contextlib.suppress(OSError, pa.ArrowInvalid):
            kept = file.stat()
            with ipc.open_file(file) as reader:
                about = _about_of(reader.schema)
            found += [KeptRead(file, (kept.st_ino, kept.st_mtime_ns), about.evidence)] if about.evidence else []
    return sorted(found, key=lambda each: each.evidence.read_at, reverse=True)


def drop_snapshots(folder: Path, domain_id: int) -> None:
    for side in ("employees", "users", "sample", "records", "marks"):
        (folder / f"{domain_id}.{side}.arrow").unlink(missing_ok=True)
    drop_workbooks(folder, domain_id)


def drop_all(folder: Path) -> None:
    for file in folder.glob("*.arrow"):
        file.unlink(missing_ok=True)
    drop_workbooks(folder)


def _users_table(users: Users) -> pa.Table:
    columns = {"id": users.ids, "external_id": users.external_ids, "status": users.statuses}
    return pa.table(columns | {_ATTRIBUTE + name: values for name, values in users.attributes.items()})


def _users(table: pa.Table) -> Users:
    whole = table.combine_chunks()

    def column(name: str) -> pa.Array:
        found = whole[name].combine_chunks()
        return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)

    names = [name for name in whole.column_names if name.startswith(_ATTRIBUTE)]
    attributes = {name.removeprefix(_ATTRIBUTE): column(name) for name in names}
    return Users(column("id"), column("external_id"), column("status"), attributes)


def _write(folder: Path, name: str, table: pa.Table, about: _About) -> bytes:
    """Returns what was written: a seal is of that, not of what somebody else may have put there since."""
    try:
        return _write_file(folder, name, table, about)
    except OSError as problem:
        raise SettingsError(f"The snapshots in {folder} cannot be written: {problem.strerror}.") from None


def _write_file(folder: Path, name: str, table: pa.Table, about: _About) -> bytes:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = folder / f"{name}.new"
    about = msgspec.structs.replace(about, stored=_stored(table))
    table = table.select(sorted({*about.stored.values()}, key=table.column_names.index))
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _ABOUT: msgspec.json.encode(about)})
    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, table.schema, options=ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(folder / name)
    return content


def _stored(table: pa.Table) -> dict[str, str]:
    """Most fields say the same for people as for machines, and are written once."""
    twins = {slot: slot.removeprefix(_HUMAN) for slot in table.column_names}
    names = set(table.column_names)
    return {slot: twin if twin in names and table[twin].equals(table[slot]) else slot for slot, twin in twins.items()}


def _read(folder: Path, name: str, columns: Collection[str] | None = None) -> tuple[pa.Table, _About]:
    """`columns`: none but these are read."""
    return _table_in(folder / name, columns)


def _table_in(file: Path | bytes, columns: Collection[str] | None = None) -> tuple[pa.Table, _About]:
    """Opened once: the next read may replace the file meanwhile, and its columns mean what its own head says."""
    try:
        with pa.BufferReader(file) if isinstance(file, bytes) else pa.OSFile(str(file)) as source:
            with ipc.open_file(source) as reader:
                schema = reader.schema
            about = _about_of(schema)
            stored = about.stored or {name: name for name in schema.names}
            wanted = {slot: name for slot, name in stored.items() if columns is None or slot in columns}
            # One column at least, for without any nobody is counted.
            names = {*wanted.values()} or {*schema.names[:1]}
            places = [place for place, name in enumerate(schema.names) if name in names]
            with ipc.open_file(source, options=ipc.IpcReadOptions(included_fields=places)) as reader:
                table = reader.read_all()
    except (FileNotFoundError, pa.ArrowInvalid):
        raise NotFound("HiBob has not been read for this domain yet. Make a preview first.") from None
    return table.select([*wanted.values()]).rename_columns([*wanted]), about


def _about_of(schema: pa.Schema) -> _About:
    return msgspec.json.decode(schema.metadata[_ABOUT], type=_About)
