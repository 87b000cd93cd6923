"""`backup` and `restore` when something is in the way: a worker, a damaged file, a key that is kept apart."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from driver import ADMIN, STAFF, Rollcall, customer, until
from tiny_hibob import TOKEN, TinyHiBob

BUSY = "INSERT INTO leases VALUES (1, 'elsewhere', 1, '', 't', 'process', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))"


def test_nothing_is_restored_under_a_worker_that_is_busy(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.call("backup", "copy.db").fine()
    hibob.join(41)
    staffed.sync()
    staffed.sql(BUSY)
    assert "busy" in staffed.call("restore", "copy.db").complaint(3)
    assert len(staffed.users()) == 31


def test_a_backup_is_taken_whole_while_a_worker_is_busy(staffed: Rollcall, tmp_path: Path) -> None:
    staffed.sql(BUSY)
    staffed.call("backup", "copy.db").fine()
    other = Rollcall(tmp_path / "other" / "data")
    other.folder.mkdir()
    other.call("restore", staffed.folder / "copy.db").fine()
    assert len(other.users()) == 30


def test_a_worker_that_idles_goes_on_with_what_was_restored(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.call("backup", "copy.db").fine()
    hibob.join(41)
    staffed.sync()
    process = staffed.start("worker")
    assert process.stdout is not None
    assert b"ready" in process.stdout.readline()
    staffed.call("restore", "copy.db").fine()
    staffed.sql("INSERT INTO jobs (domain_id, kind, by, asked_at) VALUES (1, 'preview', ?, '2026-01-01')", ADMIN)
    until(lambda: staffed.sql("SELECT state FROM jobs") == [("done",)])
    process.terminate()
    process.communicate()
    assert len(staffed.users()) == 30
    assert staffed.sql("SELECT json_extract(counts, '$.add') FROM plans ORDER BY made_at DESC LIMIT 1") == [(1,)]
    staffed.call("verify").fine()


LATER = (
    "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('rollcall', 'of_a_later_version', '2031')"
)


def test_the_way_back_from_an_upgrade_is_the_backup_from_before_it(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.call("backup", "copy.db").fine()
    hibob.join(41)
    staffed.sync()
    staffed.sql(LATER)
    assert "later version" in staffed.call("users", STAFF).complaint(2)
    staffed.call("restore", "copy.db").fine()
    assert len(staffed.users()) == 30
    staffed.call("verify").fine()


def test_nor_is_the_way_back_taken_under_a_worker_of_the_later_version(staffed: Rollcall) -> None:
    staffed.call("backup", "copy.db").fine()
    staffed.sql(BUSY)
    staffed.sql(LATER)
    assert "busy" in staffed.call("restore", "copy.db").complaint(3)


def test_a_backup_of_a_later_version_is_refused_before_anything_is_replaced(staffed: Rollcall, tmp_path: Path) -> None:
    staffed.call("backup", "copy.db").fine()
    later = Rollcall(tmp_path / "later" / "data")
    later.folder.mkdir()
    later.call("restore", staffed.folder / "copy.db").fine()
    later.sql(LATER)
    users = staffed.users()
    assert "later version" in staffed.call("restore", later.data / "rollcall.db").complaint(2)
    assert staffed.users() == users
    staffed.call("verify").fine()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_backup_that_is_damaged_in_the_middle_is_refused(staffed: Rollcall, share: float) -> None:
    users, events = staffed.users(), staffed.history()
    staffed.call("backup", "copy.db").fine()
    content = bytearray((staffed.folder / "copy.db").read_bytes())
    page = 4096
    begin = int(len(content) * share) // page * page
    content[begin : begin + 2 * page] = b"\xff" * 2 * page
    (staffed.folder / "damaged.db").write_bytes(bytes(content))
    assert "not a sound backup" in staffed.call("restore", "damaged.db").complaint(2)
    assert staffed.users() == users
    assert staffed.history() == events


def test_with_the_key_apart_a_backup_holds_neither_key_nor_token_and_works_again_with_the_key(
    empty: Rollcall, hibob: TinyHiBob, tmp_path: Path
) -> None:
    key = Fernet.generate_key().decode()
    empty.environment["ROLLCALL_KEY"] = key
    empty.set_up(customer(hibob.base_url)).fine()
    empty.sync()
    empty.call("backup", "copy.db").fine()
    copy = (empty.folder / "copy.db").read_bytes()
    assert key.encode() not in copy
    assert TOKEN.encode() not in copy

    other = Rollcall(tmp_path / "other" / "data", ROLLCALL_KEY=Fernet.generate_key().decode())
    other.folder.mkdir()
    assert "Put its key back" in other.call("restore", empty.folder / "copy.db").fine().out
    assert "cannot be decrypted" in other.call("preview", STAFF).complaint(2)
    other.environment["ROLLCALL_KEY"] = key
    assert other.preview()["status"] == "empty"
    assert "is missing" in other.call("verify").complaint(3)
    other.call("verify", "--seal", "restored without its key").fine()
    other.call("verify").fine()
    other.call("doctor").fine()
