"""The one SQLite file: safe to open, safe to share between processes and threads, all or nothing."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest
from servers import at_once, database, everybody_may_read, make_domain, mode

from provisioning.database import Database
from provisioning.errors import SettingsError
from provisioning.model import Action, Change, Outcome, Result
from provisioning.store import values_seen
from provisioning.store.migrations import migrate, migrations
from provisioning.target.local import LocalDirectory


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "rollcall.db") as opened:
        opened.execute("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        opened.execute("INSERT INTO counters VALUES ('one', 0)")
        yield opened


def value(db: Database, name: str = "one") -> int | None:
    row = db.one("SELECT value FROM counters WHERE name = ?", name)
    return row["value"] if row else None


class Broken(Exception):
    pass


# --- opening ----------------------------------------------------------------------------------------------


def test_every_write_reaches_the_disk_before_it_counts(db: Database) -> None:
    pragmas = {name: db.one(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert {name: row[0] for name, row in pragmas.items() if row} == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
    }


def test_the_file_its_log_and_its_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    with everybody_may_read(), database(tmp_path / "data" / "rollcall.db"):
        names = ["rollcall.db", "rollcall.db-shm", "rollcall.db-wal"]
        assert sorted(each.name for each in (tmp_path / "data").iterdir()) == names
        assert {mode(tmp_path / "data" / name) for name in names} == {0o600}
        assert mode(tmp_path / "data") == 0o700


def test_an_existing_database_is_opened_with_what_it_holds(db: Database) -> None:
    db.execute("UPDATE counters SET value = 7")
    with database(db.path) as again:
        assert value(again) == 7


@pytest.mark.parametrize(
    "content", [b"hello", b"x" * 8192, b"SQLite format 3\0" + b"\xff" * 8192, b"PK\x03\x04" * 2048],
    ids=["short", "long", "broken", "zip"],
)  # fmt: skip
def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rollcall.db"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"rollcall\.db cannot be opened") as problem:
        Database(path)
    assert "\n" not in str(problem.value)
    assert path.read_bytes() == content


def test_a_folder_or_a_missing_place_is_told_as_a_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "rollcall.db"):
        with pytest.raises(SettingsError, match="cannot be opened"):
            Database(path)


# --- transactions -----------------------------------------------------------------------------------------


def test_a_transaction_is_kept_as_a_whole(db: Database) -> None:
    with db.transaction():
        db.execute("UPDATE counters SET value = 1")
        db.insert("counters", name="two", value=2)
    with database(db.path) as other:
        assert (value(other), value(other, "two")) == (1, 2)


@pytest.mark.parametrize("problem", [Broken, KeyboardInterrupt, GeneratorExit, sqlite3.IntegrityError])
def test_a_transaction_that_fails_leaves_nothing(db: Database, problem: type[BaseException]) -> None:
    def fail() -> None:
        with db.transaction():
            db.execute("UPDATE counters SET value = 1")
            raise problem

    with pytest.raises(problem):
        fail()
    assert value(db) == 0
    assert not db.connection.in_transaction


def test_a_transaction_within_another_is_part_of_that_one(db: Database) -> None:
    with db.transaction():
        with db.transaction():
            db.execute("UPDATE counters SET value = 1")
        with closing(sqlite3.connect(db.path)) as other:
            assert other.execute("SELECT value FROM counters").fetchone() == (0,)
        assert db.connection.in_transaction
    assert value(db) == 1


def test_when_the_outer_transaction_fails_the_inner_one_is_undone_as_well(db: Database) -> None:
    def fail() -> None:
        with db.transaction():
            with db.transaction():
                db.execute("UPDATE counters SET value = 1")
            raise Broken

    with pytest.raises(Broken):
        fail()
    assert value(db) == 0


def test_when_an_inner_transaction_fails_everything_is_undone(db: Database) -> None:
    def fail() -> None:
        with db.transaction():
            db.execute("UPDATE counters SET value = 1")
            with db.transaction():
                db.insert("counters", name="two", value=2)
                raise Broken

    with pytest.raises(Broken):
        fail()
    assert (value(db), value(db, "two")) == (0, None)


def test_after_a_failure_the_next_transaction_is_a_fresh_one(db: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), db.transaction():
        db.insert("counters", name="one", value=1)
    with db.transaction():
        db.execute("UPDATE counters SET value = 5")
    with database(db.path) as other:
        assert value(other) == 5


def test_a_commit_that_fails_leaves_nothing_and_no_open_transaction(db: Database) -> None:
    def fail() -> None:
        with db.transaction():
            db.execute("PRAGMA defer_foreign_keys = ON")  # the check, and the failure, come with COMMIT
            db.insert("domains", customer_id=99, name="staff")

    with pytest.raises(sqlite3.IntegrityError):
        fail()
    assert not db.connection.in_transaction
    assert db.all("SELECT * FROM domains") == []


def test_a_transaction_takes_the_write_lock_at_once(db: Database) -> None:
    with closing(sqlite3.connect(db.path, timeout=0, isolation_level=None)) as other:
        with db.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


def test_readers_are_not_kept_waiting_by_a_writer(db: Database) -> None:
    with db.transaction():
        db.execute("UPDATE counters SET value = 1")
        with closing(sqlite3.connect(db.path, timeout=0)) as other:
            assert other.execute("SELECT value FROM counters").fetchone() == (0,)


def test_text_stays_text_whatever_it_looks_like(db: Database) -> None:
    db.execute("CREATE TABLE texts (value TEXT)")
    for text in ("00017", "3980342332732998349", "1e5", "NULL", "'; DROP TABLE texts; --", "Zoë\0😀"):
        db.execute("DELETE FROM texts")
        db.insert("texts", value=text)
        row = db.one("SELECT value FROM texts")
        assert row is not None
        assert row["value"] == text


# --- several writers --------------------------------------------------------------------------------------

ROUNDS = 40


def count_up(path: Path) -> int:
    """Read, then write what was read plus one: loses counts unless nobody else writes in between."""
    with database(path) as db:
        for _ in range(ROUNDS):
            with db.transaction():
                db.execute("UPDATE counters SET value = ?", (value(db) or 0) + 1)
        return ROUNDS


def count_up_in_a_process(start: Callable[[], None], number: int, path: Path) -> int:
    start()
    return count_up(path)


def test_several_processes_write_without_losing_or_locking_each_other_out(db: Database) -> None:
    assert at_once(count_up_in_a_process, db.path, count=3) == [ROUNDS] * 3
    assert value(db) == 3 * ROUNDS


def test_several_threads_write_without_losing_or_locking_each_other_out(db: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(count_up, [db.path] * 4)) == [ROUNDS] * 4
    assert value(db) == 4 * ROUNDS


FRESH = 20


def open_fresh_files(start: Callable[[], None], number: int, folder: Path) -> list[str]:
    """Open and migrate files that do not exist yet, each at the same moment as the other processes."""
    problems = []
    for each in range(FRESH):
        start()
        try:
            with database(folder / f"{each}.db") as db:
                db.execute("INSERT INTO customers (name) VALUES (?)", f"customer {number}")
        except Exception as problem:
            problems.append(f"{type(problem).__name__}: {problem}")
    return problems


def test_several_processes_may_be_the_first_to_open_the_database(tmp_path: Path) -> None:
    assert at_once(open_fresh_files, tmp_path) == [[], [], [], []]
    for each in range(FRESH):
        with database(tmp_path / f"{each}.db") as db:
            names = [row["name"] for row in db.all("SELECT name FROM customers ORDER BY name")]
            assert names == ["customer 0", "customer 1", "customer 2", "customer 3"]


def test_a_file_that_somebody_else_is_just_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "rollcall.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as maker, ThreadPoolExecutor(1) as pool:
        maker.execute("BEGIN IMMEDIATE")
        opening = pool.submit(lambda: Database(path).close())
        wait([opening], timeout=0.2)
        maker.execute("ROLLBACK")
        assert opening.result() is None


# --- migrations -------------------------------------------------------------------------------------------


def test_migrating_twice_changes_nothing(db: Database) -> None:
    def schema() -> list[tuple[object, ...]]:
        return [tuple(row) for row in db.all("SELECT type, name, sql FROM sqlite_master ORDER BY name")]

    before = schema()
    migrate(db)
    assert schema() == before


def test_a_file_that_a_later_version_has_written_is_refused(db: Database) -> None:
    db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('rollcall', 'twins', '2031')")
    with pytest.raises(SettingsError, match="a later version of Rollcall"):
        migrate(db)


def test_a_migration_that_fails_leaves_no_half_of_itself(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "rollcall.db")) as db:
        db.execute("CREATE TABLE secrets (another TEXT)")
        with pytest.raises(sqlite3.OperationalError):
            migrate(db)
        assert [row["name"] for row in db.all("SELECT name FROM sqlite_master WHERE type = 'table'")] == ["secrets"]


def test_runs_of_earlier_versions_know_whom_they_reactivated(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "rollcall.db")) as db:
        migrations.apply(db.utils, stop_before="reactivated")
        domain = make_domain(db, "staff", "Employee ID")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(
            "INSERT INTO runs (id, plan_id, domain_id, by, status, started_at) VALUES ('run-1', 'plan-1', ?, 'x', 'done', '2026')",
            domain.id,
        )
        for key, action in (("1", "reactivate"), ("2", "reactivate"), ("3", "add")):
            db.execute(
                "INSERT INTO outcomes (run_id, seq, key, action, result, message, at) VALUES ('run-1', ?, ?, ?, 'done', '', '2026')",
                int(key), key, action,
            )  # fmt: skip
        migrate(db)
        assert [row["reactivated"] for row in db.all("SELECT reactivated FROM runs")] == [2]


def test_what_an_earlier_version_would_not_have_flagged_as_new_is_not_flagged_after_the_upgrade(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "rollcall.db")) as db:
        migrations.apply(db.utils, stop_before="values_looked_at")
        domain = make_domain(db, "staff", "Employee ID")
        db.execute("UPDATE mappings SET saved_at = '2026-03-01T00:00:00+00:00' WHERE domain_id = ?", domain.id)
        for watched, value, at in (
            ("work.site", "Dublin", "2026-02-01"), ("work.site", "Cork", "2026-02-09"), ("work.site", "Oslo", "2026-03-02"),
            ("work.office", "Lund", "2026-03-03"), ("work.office", "Bergen", "2026-03-04"),
        ):  # fmt: skip
            db.insert("values_seen", domain_id=domain.id, watched=watched, value=value, first_at=f"{at}T00:00:00+00:00")
        migrate(db)
        assert values_seen.new(db, domain.id, "work.site") == {"Oslo"}
        assert values_seen.new(db, domain.id, "work.office") == {"Bergen"}


def test_a_file_from_before_identifiers_had_a_column_is_upgraded_and_finds_people(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "rollcall.db")) as db:
        migrations.apply(db.utils, stop_before="identifiers")
        domain = make_domain(db, "staff", "Employee ID")
        for name, value in (("Employee ID", "00017"), ("Badge", "7")):
            path = f"json_extract(attributes, '$.\"{name}\"')"
            index = f"users_by_{name.encode().hex()}"
            db.execute(f"CREATE INDEX {index} ON users (domain_id, {path}) WHERE {path} IS NOT NULL")
            db.execute(
                "INSERT INTO users (domain_id, status, attributes) VALUES (?, 'Live', json_object(?, ?))",
                domain.id, name, value,
            )  # fmt: skip
        migrate(db)
        query = "SELECT name FROM sqlite_master WHERE tbl_name = 'users' AND type != 'trigger' AND sql IS NOT NULL"
        names = {row["name"] for row in db.all(query)}
        assert names == {"users", "one_user_per_external_id", "users_of_domain", "users_by_identifier"}
        journal: list[Outcome] = []
        LocalDirectory(db, domain.id, "Employee ID").ensure(
            [added("1001", "00017"), added("1002", "7")], journal.extend
        )
        assert [(each.key, each.result) for each in journal] == [("1001", Result.FAILED), ("1002", Result.DONE)]


def added(key: str, identifier: str) -> Change:
    return Change(key, Action.ADD, "Employed.", {}, {"status": "Live", "external_id": key, "Employee ID": identifier})


def test_what_belongs_to_a_customer_goes_with_the_customer(db: Database) -> None:
    db.execute("INSERT INTO customers (id, name) VALUES (1, 'Acme')")
    db.execute("INSERT INTO domains (id, customer_id, name) VALUES (1, 1, 'staff')")
    db.execute("INSERT INTO users (domain_id, status, attributes) VALUES (1, 'Live', '{}')")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO domains (customer_id, name) VALUES (2, 'staff')")
    db.execute("DELETE FROM customers")
    assert db.all("SELECT * FROM domains") == db.all("SELECT * FROM users") == []


def test_opening_it_again_takes_no_lock_away_from_the_connections_there_are(tmp_path: Path) -> None:
    path = tmp_path / "rollcall.db"
    with closing(Database(path)) as first:
        first.execute("CREATE TABLE numbers (n)")
        Database(path).close()
        write = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('INSERT INTO numbers VALUES (1)')"
        subprocess.run([sys.executable, "-c", f"{write}; db.commit(); db.close()", str(path)], check=True)
        # Whoever closes last removes the log; the other process must have known that it was not the last.
        assert path.with_name("rollcall.db-wal").exists()
        assert [row["n"] for row in first.all("SELECT n FROM numbers")] == [1]
