"""The night after: whoever was not written since is taken from the last read of the directory, and the read is what it
would be without."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import NOW, database, make_domain

from provisioning.database import Database
from provisioning.model import Action, Change, Marks, Users
from provisioning.store.migrations import migrate, migrations
from provisioning.store.snapshots import drop_snapshots, load_known_users, save_users
from provisioning.target.local import LocalDirectory

ATTRIBUTES = ("Employee ID", "Department")
STAFF, ALUMNI = 1, 2
TAKEN = "taken from here"

MANY = 12


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "rollcall.db") as opened:
        for name in ("staff", "alumni"):
            make_domain(opened, name, *ATTRIBUTES)
        yield opened


def add(number: int, **more: str) -> Change:
    after = {"status": "Live", "external_id": f"k{number}", "Employee ID": f"{number:05d}", **more}
    return Change(f"k{number}", Action.ADD, "Employed in HiBob.", {}, after)


def directory(db: Database) -> LocalDirectory:
    return LocalDirectory(db, STAFF, "Employee ID")


def fill(db: Database) -> None:
    directory(db).ensure([add(number, Department="Sales") for number in range(1, MANY + 1)], lambda outcomes: None)


def said(users: Users) -> object:
    columns = {name: column.to_pylist() for name, column in users.attributes.items()}
    marks = users.marks.of_each.to_pylist() if users.marks else None
    return users.ids.to_pylist(), users.external_ids.to_pylist(), users.statuses.to_pylist(), columns, marks


def with_a_sign(read: Users) -> Users:
    """A read in which everybody's department says that it was taken from here."""
    return replace(read, attributes={**read.attributes, "Department": pa.array([TAKEN] * len(read), pa.string())})


def taken(read: Users) -> int:
    departments: list[str] = read.attributes["Department"].to_pylist()
    return departments.count(TAKEN)


NAMES = ("Employee ID", "Department", 'Bad"name')
VALUES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "1", "Zoë", '\x00"\\', "Sales"]), max_size=3)
IDS = st.integers(1, 9)
WRITES = st.one_of(
    st.tuples(st.just("add"), IDS, VALUES),
    st.tuples(st.just("change"), IDS, VALUES),
    st.tuples(st.just("archive"), IDS, st.just({})),
    st.tuples(st.just("link"), IDS, st.just({})),
    st.tuples(st.just("move away"), IDS, st.just({})),
    st.tuples(st.just("move here"), IDS, st.just({})),
    st.tuples(st.just("delete"), IDS, st.just({})),
)


def write(db: Database, what: str, number: int, values: dict[str, str]) -> None:
    """Somebody writes by hand, and thinks of no mark."""
    text = msgspec.json.encode(values).decode()
    match what:
        case "add":
            db.insert("users", domain_id=STAFF, status="Live", attributes=text)
        case "change":
            db.execute("UPDATE users SET attributes = ? WHERE id = ?", text, number)
        case "archive":
            db.execute("UPDATE users SET status = 'Archived' WHERE id = ?", number)
        case "link":
            db.execute("UPDATE users SET external_id = ? WHERE id = ?", f"l{number}", number)
        case "delete":
            db.execute("DELETE FROM users WHERE id = ?", number)
        case _:
            db.execute("UPDATE users SET domain_id = ? WHERE id = ?", STAFF if what == "move here" else ALUMNI, number)


@settings(max_examples=200)
@given(st.lists(WRITES, max_size=12), st.lists(WRITES, max_size=5), st.permutations(NAMES), st.integers(0, 3))
def test_the_second_read_is_what_it_would_be_without_the_first(
    before: list[Any], since: list[Any], asked: list[str], leave: int
) -> None:
    with TemporaryDirectory() as folder, database(Path(folder) / "rollcall.db") as db:
        for name in ("staff", "alumni"):
            make_domain(db, name, *ATTRIBUTES)
        for each in before:
            write(db, *each)
        kept = directory(db).users(NAMES)
        for each in since:
            write(db, *each)
        again = directory(db).users(asked[leave:], kept)
        assert said(again) == said(directory(db).users(asked[leave:]))


def test_only_who_was_written_or_added_is_decoded(db: Database) -> None:
    fill(db)
    kept = with_a_sign(directory(db).users(ATTRIBUTES))
    directory(db).ensure([add(99, Department="Legal")], lambda outcomes: None)
    write(db, "archive", 3, {})
    read = directory(db).users(ATTRIBUTES, kept)
    assert (len(read), taken(read)) == (MANY + 1, MANY - 1)


def test_when_most_were_written_everybody_is_decoded(db: Database) -> None:
    fill(db)
    kept = with_a_sign(directory(db).users(ATTRIBUTES))
    db.execute("UPDATE users SET status = 'Archived' WHERE id > 4")
    assert taken(directory(db).users(ATTRIBUTES, kept)) == 0


def test_an_attribute_that_was_not_read_before_has_everybody_decoded(db: Database) -> None:
    fill(db)
    kept = with_a_sign(directory(db).users(["Department"]))
    assert taken(directory(db).users(["Department"], kept)) == MANY
    assert taken(directory(db).users(ATTRIBUTES, kept)) == 0


@pytest.mark.parametrize("marks", [None, "rules", "fewer"])
def test_a_read_without_fitting_marks_serves_nobody(db: Database, marks: str | None) -> None:
    fill(db)
    kept = with_a_sign(directory(db).users(ATTRIBUTES))
    assert kept.marks
    other = {
        None: None,
        "rules": Marks("of another version", kept.marks.of_each),
        "fewer": Marks(kept.marks.rules, kept.marks.of_each.slice(1)),
    }
    assert taken(directory(db).users(ATTRIBUTES, replace(kept, marks=other[marks]))) == 0


def test_a_restored_backup_with_other_writes_since_takes_none_of_them_from_the_kept_read(tmp_path: Path) -> None:
    with database(tmp_path / "rollcall.db") as db:
        make_domain(db, "staff", *ATTRIBUTES)
        fill(db)
        with closing(Database(tmp_path / "backup.db")) as backup:
            db.connection.backup(backup.connection)
            write(db, "change", 3, {"Department": "Legal"})
            kept = with_a_sign(directory(db).users(ATTRIBUTES))
            write(backup, "change", 4, {"Department": "People"})
            read = directory(backup).users(ATTRIBUTES, kept)
            assert taken(read) == MANY - 2
            assert read.attributes["Department"].to_pylist()[2:4] == ["Sales", "People"]


def test_users_of_a_database_from_before_marks_get_one_each(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "rollcall.db")) as db:
        migrations.apply(db.utils, stop_before="user_marks")
        make_domain(db, "staff", *ATTRIBUTES)
        for _ in range(3):
            db.insert("users", domain_id=STAFF, status="Live", attributes='{"Department":"Sales"}')
        migrate(db)
        read = directory(db).users(ATTRIBUTES)
        assert read.marks
        assert len({*read.marks.of_each.to_pylist()} - {None}) == 3


# --- kept in files ------------------------------------------------------------------------------------------


@pytest.fixture
def kept(db: Database, tmp_path: Path) -> Path:
    """A folder with the read of the domain, in which everybody has a sign."""
    fill(db)
    folder = tmp_path / "snapshots"
    save_users(folder, STAFF, with_a_sign(directory(db).users(ATTRIBUTES)), NOW)
    return folder


def test_what_was_kept_serves_the_next_night(db: Database, kept: Path) -> None:
    assert taken(directory(db).users(ATTRIBUTES, load_known_users(kept, STAFF))) == MANY
    drop_snapshots(kept, STAFF)
    assert list(kept.iterdir()) == []


def test_nobody_at_all_is_kept_and_read_again(db: Database, tmp_path: Path) -> None:
    save_users(tmp_path, STAFF, directory(db).users(ATTRIBUTES), NOW)
    found = load_known_users(tmp_path, STAFF)
    assert len(directory(db).users(ATTRIBUTES, found)) == 0
    fill(db)
    assert said(directory(db).users(ATTRIBUTES, found)) == said(directory(db).users(ATTRIBUTES))


@pytest.mark.parametrize("file", ["1.marks.arrow", "1.users.arrow"])
@pytest.mark.parametrize("at", [0, 40, 500, 700, -500, -40])
def test_a_damaged_file_serves_nobody(db: Database, kept: Path, file: str, at: int) -> None:
    content = bytearray((kept / file).read_bytes())
    content[at] ^= 0xFF
    (kept / file).write_bytes(content)
    found = load_known_users(kept, STAFF)
    # Not every byte of Arrow's file means something.
    assert found is None or (file == "1.marks.arrow" and taken(directory(db).users(ATTRIBUTES, found)) == MANY)


@pytest.mark.parametrize("file", ["1.marks.arrow", "1.users.arrow"])
@pytest.mark.parametrize("length", [0, 10, -9, None])
def test_a_file_that_is_cut_off_or_missing_serves_nobody(kept: Path, file: str, length: int | None) -> None:
    whole = (kept / file).read_bytes()
    (kept / file).unlink() if length is None else (kept / file).write_bytes(whole[:length])
    assert load_known_users(kept, STAFF) is None


def test_a_read_of_a_portal_takes_the_marks_of_the_local_directory_away(db: Database, kept: Path) -> None:
    save_users(kept, STAFF, replace(directory(db).users(ATTRIBUTES), marks=None), NOW)
    assert sorted(each.name for each in kept.iterdir()) == ["1.users.arrow"]
