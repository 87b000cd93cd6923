"""Secrets at rest: nothing in clear on disk, bound to their owner, and readable after every change of key."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from servers import NOW, at_once, database, everybody_may_read, mode

from provisioning.database import Database
from provisioning.errors import SettingsError
from provisioning.store.secrets import (
    Vault,
    connection_owner,
    drop_secret,
    get_secret,
    notify_owner,
    open_vault,
    put_secret,
    rotate_key,
)

TOKEN = "hunter2-tökén-0123456789-abcdefghij"
OWNER = connection_owner(7)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "rollcall.db") as opened:
        yield opened


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return open_vault(tmp_path, {})


def new_key() -> str:
    return Fernet.generate_key().decode()


def by_variable(tmp_path: Path, *keys: str) -> Vault:
    return open_vault(tmp_path, {"ROLLCALL_KEY": ",".join(keys)})


# --- keeping and giving back ------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [TOKEN, "x", "", "a\nb\0c", "🔑" * 50, '["connection:7", "other"]'])
def test_a_secret_comes_back_as_it_was(db: Database, vault: Vault, secret: str) -> None:
    put_secret(db, vault, OWNER, secret, NOW)
    assert get_secret(db, vault, OWNER) == secret


def test_what_was_never_stored_is_none(db: Database, vault: Vault) -> None:
    assert get_secret(db, vault, OWNER) is None


def test_storing_says_whether_the_secret_is_another_than_before(db: Database, vault: Vault) -> None:
    told = [put_secret(db, vault, OWNER, secret, NOW) for secret in (TOKEN, TOKEN, "another", TOKEN)]
    assert told == [True, False, True, True]


def test_a_dropped_secret_is_gone(db: Database, vault: Vault) -> None:
    put_secret(db, vault, OWNER, TOKEN, NOW)
    drop_secret(db, OWNER)
    assert get_secret(db, vault, OWNER) is None


def test_owners_have_secrets_of_their_own(db: Database, vault: Vault) -> None:
    owners = [connection_owner(1), connection_owner(11), notify_owner(1, 1), notify_owner(1, 11), notify_owner(11, 1)]
    for number, owner in enumerate(owners):
        put_secret(db, vault, owner, f"secret {number}", NOW)
    assert [get_secret(db, vault, owner) for owner in owners] == [f"secret {number}" for number in range(len(owners))]


# --- what does not open -----------------------------------------------------------------------------------


def test_a_cipher_copied_to_another_owner_does_not_open(db: Database, vault: Vault) -> None:
    put_secret(db, vault, OWNER, TOKEN, NOW)
    put_secret(db, vault, connection_owner(8), "mine", NOW)
    db.execute(
        "UPDATE secrets SET cipher = (SELECT cipher FROM secrets WHERE owner = ?) WHERE owner = ?",
        OWNER,
        "connection:8",
    )
    with pytest.raises(SettingsError, match="belongs to something else") as problem:
        get_secret(db, vault, connection_owner(8))
    assert TOKEN not in str(problem.value)
    assert get_secret(db, vault, OWNER) == TOKEN


def test_with_another_key_it_does_not_open_and_says_what_to_do(db: Database, vault: Vault, tmp_path: Path) -> None:
    put_secret(db, vault, OWNER, TOKEN, NOW)
    with pytest.raises(SettingsError, match="Restore that key, or set the token again"):
        get_secret(db, by_variable(tmp_path, new_key()), OWNER)


def test_a_damaged_cipher_does_not_open(db: Database, vault: Vault) -> None:
    put_secret(db, vault, OWNER, TOKEN, NOW)
    for damaged in (b"", b"gAAAA", vault.seal(OWNER, TOKEN)[:-10]):
        db.execute("UPDATE secrets SET cipher = ?", damaged)
        with pytest.raises(SettingsError):
            get_secret(db, vault, OWNER)


def test_a_secret_that_no_key_opens_can_be_set_again(db: Database, vault: Vault, tmp_path: Path) -> None:
    put_secret(db, vault, OWNER, TOKEN, NOW)
    other = by_variable(tmp_path, new_key())
    assert put_secret(db, other, OWNER, TOKEN, NOW)
    assert get_secret(db, other, OWNER) == TOKEN


# --- on disk ----------------------------------------------------------------------------------------------


def on_disk(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_no_file_holds_a_secret_in_clear(db: Database, vault: Vault, tmp_path: Path) -> None:
    put_secret(db, vault, OWNER, "the first " + TOKEN, NOW)
    put_secret(db, vault, OWNER, TOKEN, NOW)
    rotate_key(db, vault)
    files = on_disk(tmp_path)
    assert {"rollcall.db", "rollcall.db-wal", "rollcall.key"} <= set(files)
    assert OWNER.encode() in files["rollcall.db-wal"]
    for spelling in (TOKEN.encode(), TOKEN.encode("utf-16-le"), b64encode(TOKEN.encode()), b"hunter2", b"0123456789"):
        assert not [name for name, content in files.items() if spelling in content]


@pytest.mark.parametrize(("secret", "shown"), [(TOKEN, "ghij"), ("s" * 19, ""), ("short", ""), ("", "")])
def test_the_end_of_a_long_secret_alone_is_kept_to_recognise_it_by(
    db: Database, vault: Vault, secret: str, shown: str
) -> None:
    put_secret(db, vault, OWNER, secret, NOW)
    row = db.one("SELECT ends_in FROM secrets")
    assert row is not None
    assert row["ends_in"] == shown


def test_a_vault_does_not_show_its_keys(tmp_path: Path) -> None:
    key = new_key()
    assert key not in repr(by_variable(tmp_path, key))
    assert key not in str(by_variable(tmp_path, key))


# --- where the key comes from -----------------------------------------------------------------------------


def test_a_key_file_is_made_on_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    with everybody_may_read():
        open_vault(tmp_path / "data", {})
    assert mode(tmp_path / "data" / "rollcall.key") == 0o600
    assert mode(tmp_path / "data") == 0o700
    assert [each.name for each in (tmp_path / "data").iterdir()] == ["rollcall.key"]


def test_the_key_file_is_made_once(tmp_path: Path) -> None:
    cipher = open_vault(tmp_path, {}).seal(OWNER, TOKEN)
    assert open_vault(tmp_path, {}).open(OWNER, cipher) == TOKEN


def test_a_key_of_the_environment_leaves_no_file(tmp_path: Path) -> None:
    assert by_variable(tmp_path, new_key()).file is None
    assert not list(tmp_path.iterdir())


def test_a_named_key_file_is_used_and_never_made(tmp_path: Path) -> None:
    named = tmp_path / "secret" / "key"
    environment = {"ROLLCALL_KEY_FILE": str(named)}
    with pytest.raises(SettingsError, match="cannot be read"):
        open_vault(tmp_path, environment)
    assert not named.exists()
    named.parent.mkdir()
    key = new_key()
    named.write_text(key + "\n")
    assert open_vault(tmp_path, environment).open(OWNER, by_variable(tmp_path, key).seal(OWNER, TOKEN)) == TOKEN


@pytest.mark.parametrize("content", [b"", b"\n", b"not a key", b"a" * 44, b"\xff\xfe", "kéy".encode()], ids=repr)
def test_a_key_file_without_a_key_is_told_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rollcall.key").write_bytes(content)
    with pytest.raises(SettingsError, match="key"):
        open_vault(tmp_path, {})
    assert (tmp_path / "rollcall.key").read_bytes() == content


@pytest.mark.parametrize(
    "written", [",", "not-a-key", f"{new_key()},x", "kéy"], ids=["comma", "word", "second", "accent"]
)
def test_a_variable_without_a_key_is_told_and_not_repeated(tmp_path: Path, written: str) -> None:
    with pytest.raises(SettingsError, match="key") as problem:
        by_variable(tmp_path, written)
    assert written not in str(problem.value).split()


def test_blanks_between_the_keys_of_the_variable_do_not_count(tmp_path: Path) -> None:
    first, second = new_key(), new_key()
    cipher = by_variable(tmp_path, second).seal(OWNER, TOKEN)
    assert by_variable(tmp_path, f" {first} ", f" {second}\n", "").open(OWNER, cipher) == TOKEN


def open_and_seal(start: Callable[[], None], number: int, folder: Path) -> list[bytes]:
    ciphers = []
    for each in range(8):
        start()
        ciphers.append(open_vault(folder / str(each), {}).seal(OWNER, f"{number}"))
    return ciphers


def test_processes_that_start_together_end_up_with_one_key(tmp_path: Path) -> None:
    found = at_once(open_and_seal, tmp_path, count=3)
    assert all(isinstance(each, list) for each in found), found
    for number, ciphers in enumerate(found):
        for each, cipher in enumerate(ciphers):
            assert open_vault(tmp_path / str(each), {}).open(OWNER, cipher) == str(number)


# --- another key ------------------------------------------------------------------------------------------


def test_rotating_a_key_file_makes_a_new_key_and_every_secret_stays_readable(db: Database, tmp_path: Path) -> None:
    vault = open_vault(tmp_path, {})
    before = (tmp_path / "rollcall.key").read_text()
    for number in range(5):
        put_secret(db, vault, connection_owner(number), f"secret {number}", NOW)
    with everybody_may_read():
        assert rotate_key(db, vault) == 5
    after = (tmp_path / "rollcall.key").read_text()
    assert len(after.split()) == 1
    assert after != before
    assert mode(tmp_path / "rollcall.key") == 0o600
    assert sorted(each.name for each in tmp_path.glob("rollcall.key*")) == ["rollcall.key"]
    fresh = open_vault(tmp_path, {})
    assert [get_secret(db, fresh, connection_owner(n)) for n in range(5)] == [f"secret {n}" for n in range(5)]


def test_after_a_rotation_the_old_key_opens_nothing(db: Database, tmp_path: Path) -> None:
    vault = open_vault(tmp_path, {})
    before = (tmp_path / "rollcall.key").read_text().strip()
    put_secret(db, vault, OWNER, TOKEN, NOW)
    rotate_key(db, vault)
    with pytest.raises(SettingsError):
        get_secret(db, by_variable(tmp_path, before), OWNER)


def test_a_key_can_be_rotated_again_and_again(db: Database, tmp_path: Path) -> None:
    put_secret(db, open_vault(tmp_path, {}), OWNER, TOKEN, NOW)
    for _ in range(3):
        rotate_key(db, open_vault(tmp_path, {}))
    assert get_secret(db, open_vault(tmp_path, {}), OWNER) == TOKEN


def test_a_rotation_that_was_broken_off_with_both_keys_in_the_file_is_finished_by_the_next(
    db: Database, tmp_path: Path
) -> None:
    put_secret(db, open_vault(tmp_path, {}), OWNER, TOKEN, NOW)
    file = tmp_path / "rollcall.key"
    file.write_text(f"{new_key()}\n{file.read_text()}")
    assert get_secret(db, open_vault(tmp_path, {}), OWNER) == TOKEN
    rotate_key(db, open_vault(tmp_path, {}))
    assert len(file.read_text().split()) == 1
    assert get_secret(db, open_vault(tmp_path, {}), OWNER) == TOKEN


def test_with_keys_in_the_environment_the_first_becomes_the_only_one_needed(db: Database, tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    put_secret(db, by_variable(tmp_path, old), OWNER, TOKEN, NOW)
    both = by_variable(tmp_path, new, old)
    assert get_secret(db, both, OWNER) == TOKEN
    assert rotate_key(db, both) == 1
    assert get_secret(db, by_variable(tmp_path, new), OWNER) == TOKEN
    with pytest.raises(SettingsError):
        get_secret(db, by_variable(tmp_path, old), OWNER)
    assert not (tmp_path / "rollcall.key").exists()


def test_new_secrets_need_only_the_first_key(db: Database, tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    put_secret(db, by_variable(tmp_path, new, old), OWNER, TOKEN, NOW)
    assert get_secret(db, by_variable(tmp_path, new), OWNER) == TOKEN


def test_a_rotation_with_the_wrong_key_is_told_and_changes_nothing(db: Database, tmp_path: Path) -> None:
    right = new_key()
    put_secret(db, by_variable(tmp_path, right), OWNER, TOKEN, NOW)
    put_secret(db, by_variable(tmp_path, right), connection_owner(8), TOKEN, NOW)
    with pytest.raises(SettingsError):
        rotate_key(db, by_variable(tmp_path, new_key()))
    assert get_secret(db, by_variable(tmp_path, right), OWNER) == TOKEN


def test_a_rotation_that_fails_keeps_the_keys_that_are_needed(db: Database, tmp_path: Path) -> None:
    vault = open_vault(tmp_path, {})
    put_secret(db, vault, OWNER, TOKEN, NOW)
    put_secret(db, by_variable(tmp_path, new_key()), connection_owner(8), TOKEN, NOW)
    with pytest.raises(SettingsError):
        rotate_key(db, vault)
    assert get_secret(db, open_vault(tmp_path, {}), OWNER) == TOKEN


def rotate_often(start: Callable[[], None], number: int, folder: Path) -> None:
    for each in range(5):
        start()
        with database(folder / str(each) / "rollcall.db") as db:
            rotate_key(db, open_vault(folder / str(each), {}))


def test_rotations_at_the_same_time_lose_no_secret(tmp_path: Path) -> None:
    for each in range(5):
        with database(tmp_path / str(each) / "rollcall.db") as db:
            put_secret(db, open_vault(tmp_path / str(each), {}), OWNER, TOKEN, NOW)
    assert at_once(rotate_often, tmp_path, count=3) == [None] * 3
    for each in range(5):
        with database(tmp_path / str(each) / "rollcall.db") as db:
            assert get_secret(db, open_vault(tmp_path / str(each), {}), OWNER) == TOKEN
