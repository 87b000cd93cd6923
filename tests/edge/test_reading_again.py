"""The night after: whoever's record is the same is taken from the last read, and the read is what it would be without."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from servers import NOW

from provisioning.errors import SourceError
from provisioning.model import Field, Records, Snapshot, Users
from provisioning.source.people import decode_people
from provisioning.source.shape import CHUNK
from provisioning.store.snapshots import drop_snapshots, load_known, save_snapshots

FIELDS = (
    Field("root.id", "Employee ID", "root", json_path="id"),
    Field("root.firstName", "First name", "root", type="text", json_path="firstName"),
    Field("work.department", "Department", "work", type="list", json_path="work.department"),
    Field("work.isManager", "Manager", "work", type="boolean"),
    Field("payroll.fte", "FTE", "payroll", type="number"),
    Field("internal.status", "Status", type="list"),
    Field("internal.lifecycleStatus", "Lifecycle", type="list"),
    Field("home.nobody", "Nobody has it"),
    Field("home.either", "Ninth"),
)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([0.5, 1e300, 10**25]),
    st.sampled_from(["", " ", "true", "Zoë", "\\ud800", "Active", "[]"]), st.just([]), st.just({"id": "7"}), st.just(["a", 2]),
)  # fmt: skip
PLACES: tuple[Callable[[str, Any], dict[str, Any]], ...] = (
    lambda name, leaf: {f"/work/{name}": {"value": leaf}},
    lambda name, leaf: {f"/work/{name}": leaf},
    lambda name, leaf: {"work": {name: leaf}},
    lambda name, leaf: {"work": {name: leaf}, "humanReadable": {"work": {name: leaf}}},
    lambda name, leaf: {"humanReadable": {"work": {name: leaf}}},
    lambda name, leaf: {"work": leaf, "firstName": leaf},
    lambda name, leaf: {"/payroll/fte": {"value": leaf}, "humanReadable": leaf},
    lambda name, leaf: {"internal": {"status": leaf}, "/internal/lifecycleStatus": {"value": leaf}},
)
SAID = st.builds(
    lambda place, name, leaf: place(name, leaf),
    st.sampled_from(PLACES), st.sampled_from(["department", "isManager"]), LEAVES,
)  # fmt: skip
IDS = st.one_of(st.integers(1, 12).map(str), st.sampled_from([None, "", 7]))
PEOPLE = st.lists(st.tuples(st.integers(1, 12).map(str), SAID), max_size=8, unique_by=lambda each: each[0])
ANYBODY = st.lists(st.tuples(IDS, SAID), max_size=3)


def body(people: list[tuple[Any, dict[str, Any]]]) -> bytes:
    text = json.dumps({"employees": [{"id": number, **said} for number, said in people]})
    return text.replace("\\\\ud800", "\\ud800").encode()  # A lone surrogate, as HiBob would send it.


def outcome(people: bytes, fields: tuple[Field, ...], kept: Snapshot | None) -> object:
    """All that a read gives: columns, evidence and what the next one knows people by, or the refusal."""
    try:
        found = decode_people(people, fields, NOW, kept)
    except SourceError as problem:
        return str(problem)
    records = found.records
    known = (records.rules, records.hashes.to_pylist(), records.present.to_pylist()) if records else None
    return found.table.column_names, found.table.to_pydict(), found.evidence, known


@settings(max_examples=300)
@given(PEOPLE, ANYBODY, st.randoms(use_true_random=False), st.integers(0, 8))
@example([("1", {"work": {"isManager": ""}, "/work/isManager": {"value": ""}})], [], None, 0)
@example([("1", {}), ("2", {"work": {"department": "Legal"}})], [("2", {"work": {"department": "Legal"}})], None, 0)
def test_the_second_read_is_what_it_would_be_without_the_first(
    before: list[Any], others: list[Any], chance: Any, leave: int
) -> None:
    tonight = [*before[leave:], *others]
    if chance is not None:
        chance.shuffle(tonight)
    kept = decode_people(body(before), FIELDS, NOW)
    assert outcome(body(tonight), FIELDS, kept) == outcome(body(tonight), FIELDS, None)


OTHER_FIELDS = {
    "another order": FIELDS[::-1],
    "one more": (*FIELDS, Field("root.email", "Email")),
    "one fewer": FIELDS[:-1],
    "another kind": (*FIELDS[:-1], replace(FIELDS[-1], type="boolean")),
    "another place": (*FIELDS[:-1], replace(FIELDS[-1], json_path="home.other")),
}


@pytest.mark.parametrize("fields", OTHER_FIELDS.values(), ids=OTHER_FIELDS)
def test_for_other_fields_everybody_is_decoded_anew(fields: tuple[Field, ...]) -> None:
    people = body([("1", {"home": {"either": "true", "other": "x"}, "root": {"email": "a@b.example"}})])
    kept = with_a_mark(decode_people(people, FIELDS, NOW))
    assert outcome(people, fields, kept) == outcome(people, fields, None)


MANY = [(str(number), {"work": {"department": f"Nº {number}"}}) for number in range(CHUNK + 2)]


def with_a_mark(read: Snapshot) -> Snapshot:
    """A read in which everybody's first name says that it was taken from here."""
    place = read.table.column_names.index("root.firstName")
    marked = pa.array(["taken from here"] * read.table.num_rows, pa.string())
    return replace(read, table=read.table.set_column(place, "root.firstName", marked))


def taken(read: Snapshot) -> int:
    names: list[str | None] = read.table["root.firstName"].to_pylist()
    return names.count("taken from here")


def test_only_who_changed_or_joined_is_decoded() -> None:
    kept = with_a_mark(decode_people(body(MANY), FIELDS, NOW))
    tonight = [("0", {"work": {"department": "other"}}), *MANY[:0:-1], ("new", {})]
    read = decode_people(body(tonight), FIELDS, NOW, kept)
    assert (read.table.num_rows, taken(read)) == (len(MANY) + 1, len(MANY) - 1)


# --- kept in files ------------------------------------------------------------------------------------------

NOBODY = Users(*(pa.array([], pa.string()) for _ in range(3)), {})


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with the read of domain 7, in which everybody is marked."""
    save_snapshots(tmp_path, 7, with_a_mark(decode_people(body(MANY), FIELDS, NOW)), NOBODY)
    return tmp_path


def read_with(found: Snapshot | None) -> Snapshot:
    return decode_people(body(MANY), FIELDS, NOW, found)


def test_what_was_kept_serves_the_next_night(kept: Path) -> None:
    assert taken(read_with(load_known(kept, 7))) == len(MANY)
    drop_snapshots(kept, 7)
    assert list(kept.iterdir()) == []


def test_nobody_at_all_is_kept_and_read_again(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, decode_people(body([]), FIELDS, NOW), NOBODY)
    assert outcome(body([]), FIELDS, load_known(tmp_path, 7)) == outcome(body([]), FIELDS, None)


@pytest.mark.parametrize("file", ["7.records.arrow", "7.employees.arrow"])
@pytest.mark.parametrize("at", [0, 40, 700, 4000, 9000, -700, -40])
def test_a_damaged_file_serves_nobody(kept: Path, file: str, at: int) -> None:
    content = bytearray((kept / file).read_bytes())
    content[at] ^= 0xFF
    (kept / file).write_bytes(content)
    found = load_known(kept, 7)
    # Not every byte of Arrow's file means something.
    assert found is None or (file == "7.records.arrow" and taken(read_with(found)) == len(MANY))


@pytest.mark.parametrize("file", ["7.records.arrow", "7.employees.arrow"])
@pytest.mark.parametrize("length", [0, 10, -9, None])
def test_a_file_that_is_cut_off_or_missing_serves_nobody(kept: Path, file: str, length: int | None) -> None:
    whole = (kept / file).read_bytes()
    (kept / file).unlink() if length is None else (kept / file).write_bytes(whole[:length])
    assert load_known(kept, 7) is None


def test_a_snapshot_that_was_replaced_alone_is_not_taken_for_the_one_before(kept: Path) -> None:
    records = (kept / "7.records.arrow").read_bytes()
    save_snapshots(kept, 7, decode_people(body(MANY[::-1]), FIELDS, NOW), NOBODY)
    (kept / "7.records.arrow").write_bytes(records)
    assert load_known(kept, 7) is None


def test_a_read_without_records_takes_those_of_the_last_away(kept: Path) -> None:
    save_snapshots(kept, 7, replace(decode_people(body(MANY), FIELDS, NOW), records=None), NOBODY)
    assert sorted(each.name for each in kept.iterdir()) == ["7.employees.arrow", "7.users.arrow"]


def test_records_of_fewer_people_than_the_snapshot_has_serve_nobody() -> None:
    read = with_a_mark(decode_people(body(MANY), FIELDS, NOW))
    assert read.records
    short = Records(read.records.rules, read.records.hashes.slice(1), read.records.present.slice(1))
    assert taken(decode_people(body(MANY), FIELDS, NOW, replace(read, records=short))) == 0
