"""Secrets at rest: encrypted, and bound to what they belong to, so that a cipher copied to another row does not open.

The key comes from `ROLLCALL_KEY` (keys separated by commas, the first encrypts), or the file that `ROLLCALL_KEY_FILE`
names, or `rollcall.key` in the data folder. That one is made on first use, but never where secrets are stored that a
new key could not open, and never on a server: there the key and the database must not lie side by side.
"""

import contextlib
import hmac
import os
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from provisioning.database import Database
from provisioning.errors import SettingsError
from provisioning.store.codec import to_text

KEY_VARIABLE, KEY_FILE_VARIABLE, KEY_FILE = "ROLLCALL_KEY", "ROLLCALL_KEY_FILE", "rollcall.key"
MODE_VARIABLE, SERVER = "ROLLCALL_MODE", "server"


class Vault:
    """Encrypts and decrypts with the installation's keys. Never prints what it holds."""

    def __init__(self, keys: list[str], file: Path | None) -> None:
        """`file`: where the keys stand, when they are Rollcall's own to change; None: the environment."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise SettingsError(
                "The encryption key is not a Fernet key (32 bytes, URL-safe base64). Restore the right one."
            ) from None
        self.file = file
        self._seals = [hmac_key(key) for key in keys]

    def __repr__(self) -> str:
        return "Vault(…)"

    def seal(self, owner: str, secret: str) -> bytes:
        return self._fernet.encrypt(msgspec.json.encode([owner, secret]))

    def open(self, owner: str, cipher: bytes) -> str:
        """The secret. Raises `SettingsError` when the key does not fit, or the cipher is another owner's."""
        try:
            sealed_for, secret = msgspec.json.decode(self._fernet.decrypt(cipher), type=tuple[str, str])
        except (InvalidToken, msgspec.MsgspecError):
            raise SettingsError(
                "A stored secret cannot be decrypted: the encryption key is not the one it was stored with. Restore "
                "that key, or set the token again."
            ) from None
        if sealed_for != owner:
            raise SettingsError("A stored secret belongs to something else. Set the token again.")
        return secret

    def sign(self, text: str) -> str:
        """A keyed digest of a text, by the first key."""
        return hmac.new(self._seals[0], text.encode(), sha256).hexdigest()

    def signed(self, text: str, signature: str) -> bool:
        """Whether one of the keys made this signature."""
        made = [hmac.new(key, text.encode(), sha256).hexdigest() for key in self._seals]
        return any(hmac.compare_digest(each, signature) for each in made)

    def rotate(self, cipher: bytes) -> bytes:
        return self._fernet.rotate(cipher)


def hmac_key(key: str) -> bytes:
    """A key for signing that says nothing about the one for encrypting."""
    return hmac.new(key.encode(), b"rollcall history seal", sha256).digest()


def open_vault(data: Path, environment: Mapping[str, str], sealed: int = 0) -> Vault:
    """The vault with the keys of the environment, or of the key file. `sealed`: how many secrets are stored. Raises
    `SettingsError` where there is no key and none may be made."""
    if environment.get(KEY_VARIABLE):
        return Vault([key.strip() for key in environment[KEY_VARIABLE].split(",") if key.strip()], None)
    named = environment.get(KEY_FILE_VARIABLE)
    file = Path(named) if named else data / KEY_FILE
    if not named and environment.get(MODE_VARIABLE) == SERVER:
        raise SettingsError(
            f"On a server the encryption key must not lie beside the database, nor be made by itself. Set {KEY_VARIABLE}, or "
            f"keep the key in a file elsewhere and name it in {KEY_FILE_VARIABLE}."
        )
    if not named and not file.exists():
        if sealed:
            raise SettingsError(
                f"The encryption key {file} is missing, and {sealed} stored secrets need it. Put it back from where you "
                "keep it. If it is lost for good, `rotate-key --lost` makes a new one; then set every token again."
            )
        _make_key(file)
    return Vault(_read_keys(file), file)


def begin_anew(db: Database, data: Path, environment: Mapping[str, str]) -> tuple[Vault, int]:
    """For a key that is lost: forget every stored secret, and make a new key where it is Rollcall's own to make.
    Returns the vault and how many secrets were forgotten."""
    with db.transaction():
        count = db.execute("DELETE FROM secrets")
        return open_vault(data, environment), count


def _read_keys(file: Path) -> list[str]:
    try:
        keys = file.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"The encryption key file {file} cannot be read: {problem}.") from None
    if not keys:
        raise SettingsError(f"The encryption key file {file} is empty.")
    return keys


def _make_key(file: Path) -> None:
    """A first key. When two processes start together, both use the one that came first."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    _write(new, [Fernet.generate_key().decode()])
    with contextlib.suppress(FileExistsError):
        os.link(new, file)
    new.unlink()


def _write_keys(file: Path, keys: list[str]) -> None:
    """Replaced as a whole, so that a crash leaves either the old keys or the new."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    _write(new, keys)
    new.replace(file)


def _write(file: Path, keys: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write("\n".join(keys) + "\n")
        out.flush()
        os.fsync(out.fileno())


def rotate_key(db: Database, vault: Vault) -> int:
    """Encrypt every secret anew; returns how many. With a key file, a fresh key is put first and the old ones are
    dropped at the end; with `ROLLCALL_KEY`, the first key of the list becomes the only one needed.

    The file is changed only inside the database's write lock, so that two rotations at once lose no key.
    """
    old: list[str] = []
    with db.transaction():
        if vault.file is not None:
            old = _read_keys(vault.file)
            keys = [Fernet.generate_key().decode(), *old]
            _write_keys(vault.file, keys)
            vault = Vault(keys, vault.file)
        try:
            sealed = [
                (vault.rotate(row["cipher"]), row["owner"]) for row in db.all("SELECT owner, cipher FROM secrets")
            ]
        except InvalidToken:
            if vault.file is not None:
                _write_keys(vault.file, old)
            raise SettingsError(
                "A stored secret cannot be decrypted with the keys there are, so none was encrypted anew. Restore the key "
                "it was stored with, or set that token again."
            ) from None
        db.many("UPDATE secrets SET cipher = ? WHERE owner = ?", sealed)
    if vault.file is not None:
        with db.transaction():
            _write_keys(vault.file, [key for key in _read_keys(vault.file) if key not in old])
    return len(sealed)


def put_secret(db: Database, vault: Vault, owner: str, secret: str, at: datetime) -> bool:
    """Store a secret; returns whether it is another than before."""
    if get_secret(db, vault, owner, unreadable_is_none=True) == secret:
        return False
    # What a page shows of a secret ("ends in a1b2") would give away a short one.
    ends_in = secret[-4:] if len(secret) >= 20 else ""
    db.execute(
        "INSERT OR REPLACE INTO secrets (owner, cipher, set_at, ends_in) VALUES (?, ?, ?, ?)",
        owner, vault.seal(owner, secret), to_text(at), ends_in,
    )  # fmt: skip
    return True


def get_secret(db: Database, vault: Vault, owner: str, *, unreadable_is_none: bool = False) -> str | None:
    row = db.one("SELECT cipher FROM secrets WHERE owner = ?", owner)
    try:
        return vault.open(owner, row["cipher"]) if row else None
    except SettingsError:
        if unreadable_is_none:
            return None
        raise


def about_secret(db: Database, owner: str) -> tuple[str, str] | None:
    """(when it was set, its last characters) of a secret, or None; never the secret itself."""
    row = db.one("SELECT set_at, ends_in FROM secrets WHERE owner = ?", owner)
    return (row["set_at"], row["ends_in"]) if row else None


def drop_secret(db: Database, owner: str) -> None:
    db.execute("DELETE FROM secrets WHERE owner = ?", owner)


FIRST_OF_PAGE = 1000
"""Notification targets have places: those of the set-up file from 0, those added on the page from here."""


def notify_places(db: Database, domain_id: int) -> list[int]:
    """The places of a domain's targets that were added on the page, in their order."""
    owners = [
        row["owner"] for row in db.all("SELECT owner FROM secrets WHERE owner LIKE ?", notify_owner(domain_id, "%"))
    ]
    return sorted(place for owner in owners if (place := int(owner.rpartition(":")[2])) >= FIRST_OF_PAGE)


def drop_notify_secrets(db: Database, domain_id: int, kept: int, *, all_of_them: bool = False) -> None:
    """Forget the targets of the set-up file beyond the first `kept` ones; those of the page only with that word."""
    for row in db.all("SELECT owner FROM secrets WHERE owner LIKE ?", notify_owner(domain_id, "%")):
        place = int(row["owner"].rpartition(":")[2])
        if place >= kept and (all_of_them or place < FIRST_OF_PAGE):
            drop_secret(db, row["owner"])


def connection_owner(connection_id: int) -> str:
    return f"connection:{connection_id}"


def webhook_owner(connection_id: int) -> str:
    return f"connection:{connection_id}:webhook"


def scim_owner(domain_id: int) -> str:
    return f"domain:{domain_id}:scim"


def notify_owner(domain_id: int, place: int | str) -> str:
    return f"domain:{domain_id}:notify:{place}"
