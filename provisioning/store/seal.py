"""The seal of the history: how many rows there are and the newest hash, signed with the encryption key, in a file beside
the database. Whoever can write only the database cannot cut rows off its end unnoticed.

A seal that does not fit is never replaced by itself, so that what happened stays to be seen. Nor is one drawn over rows
that somebody else wrote without a word: each transaction seals what it saw when it ended, and the next one names in a row of
its own what it finds above the seal.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from provisioning.database import Database
from provisioning.store import history
from provisioning.store.secrets import Vault

SEAL = "rollcall.seal"

PATIENCE, PAUSE = 2.0, 0.01
"""Seconds: how long another process may take between storing its rows and sealing them."""


class Seal(msgspec.Struct, frozen=True):
    """`rows` and `head` of the history when it was sealed; `signature` over both."""

    rows: int
    head: str
    signature: str

    @property
    def text(self) -> str:
        return f"{self.rows} {self.head}"


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a seal says against the history, in words. `proves`: that rows are not as they were sealed; otherwise the seal
    says nothing of them, for it is not this installation's."""

    words: str
    proves: bool = False


@dataclass
class Sealer:
    """Seals one database's history after each change. Equal to another of the same file, so that one transaction
    seals once. `first`: this transaction is the first of an installation."""

    db: Database = field(compare=False)
    vault: Callable[[], Vault] = field(compare=False)
    file: Path
    first: bool = field(default=False, compare=False)

    def __call__(self) -> Callable[[], None]:
        """What seals the history as it is now, at the end of a transaction; nothing when the seal there does not fit."""
        return partial(self._seal, *history.extent(self.db))

    def _seal(self, rows: int, head: str) -> None:
        with _locked(self.file):
            if not self.file.exists():
                # A first seal is made after a first transaction alone: later, a missing one is a sign. Others may have
                # written since, and found no seal to draw further.
                if self.first:
                    self._write(*history.extent(self.db))
            elif self._problem() is None and (self._sealed() or 0) <= rows:
                self._write(rows, head)

    def anew(self) -> None:
        """Seal whatever is there now, because somebody who may says that it is right."""
        with _locked(self.file):
            self._write(*history.extent(self.db))

    def unsealed(self) -> int:
        """How many rows came after the seal. There are some for a moment, or after a process was killed between writing
        and sealing; or somebody put an older seal back, and what stands in these rows is nobody's word."""
        with _locked(self.file):
            rows = history.extent(self.db)[0]
            sealed = self._sealed()
            return 0 if sealed is None else max(rows - sealed, 0)

    def left_unsealed(self) -> tuple[int, int] | None:
        """The first and last row that stand above a seal that fits, and stay there: whoever wrote them was killed, or had no
        key. Asked inside a transaction, where nobody adds to them."""
        end = time.monotonic() + PATIENCE
        while rows := self.unsealed():
            if self.problem():
                return None
            if time.monotonic() > end:
                last = history.extent(self.db)[0]
                return last - rows + 1, last
            time.sleep(PAUSE)
        return None

    def _sealed(self) -> int | None:
        """How many rows the seal counts; None without one that can be read."""
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Seal).rows
        except (OSError, msgspec.MsgspecError):
            return None

    def problem(self) -> Misfit | None:
        """What the seal says against the history; None when it fits."""
        with _locked(self.file):
            return self._problem()

    def _problem(self) -> Misfit | None:
        rows, _ = history.extent(self.db)
        try:
            seal = msgspec.json.decode(self.file.read_bytes(), type=Seal)
        except FileNotFoundError:
            if rows == 0 and not self.db.one("SELECT 1 FROM customers"):
                return None
            return Misfit(
                f"Its seal {self.file.name} is missing. Where a database was moved, or restored without its key, "
                "`verify --seal REASON` makes one."
            )
        except (OSError, msgspec.MsgspecError):
            return Misfit(f"Its seal {self.file.name} cannot be read.")
        if not self.vault().signed(seal.text, seal.signature):
            return Misfit(
                f"Its seal {self.file.name} was made with another key than this installation has now. Either the key is another "
                "one, as after a restore or a move: put the key back that belongs to the database, or seal the history with "
                "the key there is (`verify --seal REASON`). Or somebody without the key changed the history or its seal: "
                "compare it with a head kept elsewhere, or with a backup."
            )
        if seal.rows > rows:
            gone = f"Row {seal.rows} is" if seal.rows == rows + 1 else f"Rows {rows + 1} to {seal.rows} are"
            return Misfit(f"{gone} missing at the end: the seal counts {seal.rows} rows, and {rows} are there.", True)
        if history.hash_at(self.db, seal.rows) != seal.head:
            return Misfit(f"Row {seal.rows} is not the one that was sealed.", True)
        return None

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
