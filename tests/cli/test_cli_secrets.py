"""Secrets: whatever leaves the process holds none of them, and a key is never made where one is missing."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from driver import ADMIN, STAFF, Rollcall, customer
from tiny_hibob import TOKEN, TinyHiBob


def key_file(house: Rollcall) -> Path:
    return house.data / "rollcall.key"


def encodings(token: str) -> list[bytes]:
    """The token as it could stand in a file: plain, in basic authentication, in UTF-16."""
    import base64

    plain = token.encode()
    basic = base64.b64encode(b"SERVICE-77:" + plain)
    return [plain, basic, base64.b64encode(plain), token.encode("utf-16-le"), plain.hex().encode()]


def test_nothing_that_leaves_the_process_holds_the_token(acme: Rollcall) -> None:
    said = [acme.call("check", STAFF, "--json"), acme.call("check", STAFF)]
    plan = acme.preview()
    acme.approve_and_process(plan)
    book = acme.folder / "plan.xlsx"
    for words in (
        ("workbook", plan["plan"], book),
        ("users", STAFF, "--json"),
        ("users", STAFF, "--csv", acme.folder / "users.csv"),
        ("history", "Acme", "--json"),
        ("export", "Acme"),
        ("plan", plan["plan"], "--json"),
        ("doctor",),
        ("verify",),
        ("backup", acme.folder / "copy.db"),
    ):
        said.append(acme.call(*words).fine())
    said.append(acme.call("preview", STAFF))
    acme.environment["ROLLCALL_KEY"] = Fernet.generate_key().decode()
    said.append(acme.call("preview", STAFF))
    del acme.environment["ROLLCALL_KEY"]
    with acme.database():  # an open reader keeps the write-ahead log there
        acme.call("grant", "new@acme.example", "auditor", "Acme").fine()
        files = acme.written()
    written = (
        files + book.read_bytes() + (acme.folder / "users.csv").read_bytes() + (acme.folder / "copy.db").read_bytes()
    )
    written += b"".join((each.out + each.err).encode() for each in said)
    key = key_file(acme).read_bytes().strip()
    assert [each for each in encodings(TOKEN) if each in written] == []
    assert written.count(key) == 1  # in the key file itself


def test_a_missing_key_is_not_made_anew_while_secrets_need_it(acme: Rollcall) -> None:
    key_file(acme).unlink()
    complaint = acme.call("preview", STAFF).complaint(2)
    assert "rotate-key --lost" in complaint
    assert not key_file(acme).exists()


def test_a_key_that_is_put_back_opens_everything(acme: Rollcall) -> None:
    kept = key_file(acme).read_bytes()
    key_file(acme).unlink()
    acme.call("preview", STAFF).complaint(2)
    key_file(acme).write_bytes(kept)
    acme.preview()


def test_a_lost_key_is_begun_anew_and_the_tokens_are_set_again(acme: Rollcall, hibob: TinyHiBob) -> None:
    key_file(acme).unlink()
    assert "1 secrets forgotten" in acme.call("rotate-key", "--lost").fine().out
    assert stat.S_IMODE(key_file(acme).stat().st_mode) == 0o600
    assert acme.call("preview", STAFF).code == 2
    acme.set_up(customer(hibob.base_url)).fine()
    acme.preview()
    acme.call("verify").fine()


def test_on_a_server_no_key_is_made_and_none_beside_the_database_is_used(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.environment["ROLLCALL_MODE"] = "server"
    complaint = empty.set_up(customer(hibob.base_url)).complaint(2)
    assert "ROLLCALL_KEY_FILE" in complaint
    assert not key_file(empty).exists()
    empty.environment["ROLLCALL_KEY"] = Fernet.generate_key().decode()
    empty.set_up(customer(hibob.base_url)).fine()
    del empty.environment["ROLLCALL_KEY"]
    key_file(empty).write_text(Fernet.generate_key().decode())
    assert "beside the database" in empty.call("preview", STAFF).complaint(2)


def test_what_others_could_read_is_closed_when_it_is_next_used(acme: Rollcall) -> None:
    acme.data.chmod(0o755)
    database = acme.data / "rollcall.db"
    database.chmod(0o644)
    acme.preview()
    assert stat.S_IMODE(acme.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert [path for path in acme.data.rglob("*") if path.is_file() and path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("key", ["", "not a key", "\x00"])
def test_a_key_file_that_is_none_is_told_without_showing_it(acme: Rollcall, key: str) -> None:
    key_file(acme).write_text(key)
    complaint = acme.call("preview", STAFF, by=ADMIN).complaint(2)
    assert "encryption key" in complaint
    assert not key or key not in complaint
