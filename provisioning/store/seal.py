"""The seal of the history: how many rows there are and the newest hash, signed with the encryption key, in a file beside
the database. Whoever can write only the database cannot cut rows off its end unnoticed.

A seal that does not fit is never replaced by itself, so that what happened stays to be seen.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from provisioning.database import Database
from provisioning.store import history
from provisioning.store.secrets import Vault

SEAL = "rollcall.seal"


class Seal(msgspec.Struct, frozen=True):
    """`rows` and `head` of the history when it was sealed; `signature` over both."""

    rows: int
    head: str
    signature: str

    @property
    def text(self) -> str:
        return f"{self.rows} {self.head}"


@dataclass
class Sealer:
    """Seals one database's history after each change. Equal to another of the same file, so that one transaction
    seals once. `first`: before this transaction nothing stood in the history, or a backup was just restored."""

    db: Database = field(compare=False)
    vault: Callable[[], Vault] = field(compare=False)
    file: Path
    first: bool = field(default=False, compare=False)

    def __call__(self) -> None:
        """Seal what is stored now; nothing when the seal there does not fit."""
        with _locked(self.file):
            rows, head = history.extent(self.db)
            if self._fits(rows, head):
                self._write(rows, head)

    def anew(self) -> None:
        """Seal whatever is there now, because somebody who may says that it is right."""
        with _locked(self.file):
            self._write(*history.extent(self.db))

    def unsealed(self) -> int:
        """How many rows came after the seal. There are some for a moment, or after a process was killed between writing
        and sealing; or somebody put an older seal back, and what stands in these rows is nobody's word."""
        with _locked(self.file):
            try:
                sealed = msgspec.json.decode(self.file.read_bytes(), type=Seal).rows
            except (OSError, msgspec.MsgspecError):
                return 0
            return max(history.extent(self.db)[0] - sealed, 0)

    def problem(self) -> str | None:
        """What the seal says against the history, in words; None when it fits."""
        with _locked(self.file):
            return self._problem(*history.extent(self.db))

    def _problem(self, rows: int, head: str) -> str | None:
        try:
            seal = msgspec.json.decode(self.file.read_bytes(), type=Seal)
        except FileNotFoundError:
            return (
                None
                if rows == 0 or history.last_event(self.db) == history.RESTORED
                else f"Its seal {self.file} is missing."
            )
        except (OSError, msgspec.MsgspecError):
            return f"Its seal {self.file} cannot be read."
        if not self.vault().signed(seal.text, seal.signature):
            return f"Its seal {self.file} was not made with this installation’s key."
        if seal.rows > rows:
            gone = f"Row {seal.rows} is" if seal.rows == rows + 1 else f"Rows {rows + 1} to {seal.rows} are"
            return f"{gone} missing at the end: the seal counts {seal.rows} rows, and {rows} are there."
        if history.hash_at(self.db, seal.rows) != seal.head:
            return f"Row {seal.rows} is not the one that was sealed."
        return None

    def _fits(self, rows: int, head: str) -> bool:
        """A first seal is made after a first transaction alone: later, a missing one is a sign."""
        return self._problem(rows, head) is None if self.file.exists() else self.first

    def _write(self, rows: int, head: str) -> None:
        seal = Seal(rows, head, self.vault().sign(f"{rows} {head}"))
        new = self.file.with_name(f"{self.file.name}.new")
        with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
            out.write(msgspec.json.encode(seal))
            out.flush()
            os.fsync(out.fileno())
        new.replace(self.file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One process at a time, so that a later state of the history is never sealed over by an earlier one."""
    handle = os.open(file.with_name(f"{file.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
