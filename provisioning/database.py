"""The one SQLite file: opening it safely, and transactions. Holds no SQL of its own beyond pragmas.

sqlite-utils' `atomic()` begins a deferred transaction, which fails under concurrent writers whatever the
time-out; every write here goes through `transaction()`, which takes the write lock at once.
"""

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlite_utils

from provisioning.errors import SettingsError
from provisioning.model import APOSTROPHES

BUSY_SECONDS = 60
PART = 400

SqlValue = str | int | float | bytes | None
Row = sqlite3.Row


def _keep_to_owner(path: Path) -> None:
    """Folder and file are their owner's alone, also when somebody made them otherwise. Folders that belong to
    everybody (such as /tmp) and what is not ours stay as they are."""
    for each, mode in ((path.parent, 0o700), (path, 0o600)):
        with suppress(OSError):
            now = each.stat().st_mode
            if now & 0o077 and not now & stat.S_ISVTX:
                each.chmod(mode)


def sought(text: str) -> str:
    """The form in which searches compare text: case does not count, nor which apostrophe it is."""
    return text.translate(APOSTROPHES).casefold()


def _lower(value: SqlValue) -> SqlValue:
    """SQLite's own knows the letters A to Z alone: nobody would find Åsa by åsa. Only searches use it."""
    return sought(value) if isinstance(value, str) else value


class Database:
    """One connection, for one thread. `utils` is sqlite-utils on the same connection."""

    def __init__(self, path: Path) -> None:
        """Open or create the file, readable by its owner alone.

        Raises `SettingsError` when the file cannot be opened or is not a database.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _keep_to_owner(path)
            # SQLite gives its WAL and shared-memory files the mode of the database file. Only a new one is opened here:
            # closing a file takes away all locks that this process has on it, those of its other connections too, and
            # then another process may remove the WAL that they are using.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            self.connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        except (OSError, sqlite3.Error) as problem:
            raise SettingsError(f"The database {path} cannot be opened: {problem}.") from None
        try:
            self._use_wal()
        except sqlite3.Error as problem:
            self.connection.close()
            raise SettingsError(f"The database {path} cannot be opened: {problem}.") from None
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.connection.create_function("lower", 1, _lower, deterministic=True)
        self.utils = sqlite_utils.Database(self.connection)
        self._before: list[Callable[[], Callable[[], None]]] = []

    def _use_wal(self) -> None:
        """Write-ahead log. SQLite does not wait by itself when somebody else is just making the file."""
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as problem:
                if "locked" not in str(problem) or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Inside another transaction this is part of that one."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            waiting = [look() for look in self._before]
            self.connection.execute("COMMIT")
        except BaseException:
            self._before.clear()
            self.connection.rollback()
            raise
        self._before.clear()
        for call in waiting:
            call()

    @contextmanager
    def as_it_is(self) -> Iterator[None]:
        """All that is read herein is as it was at one moment. Inside a transaction it is that one's."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.rollback()

    def at_commit(self, look: Callable[[], Callable[[], None]]) -> bool:
        """Call just before this transaction is stored, while nobody else can write, and what that gives once it safely is;
        never if it is rolled back. The same only once: returns whether it is new."""
        if look in self._before:
            return False
        self._before.append(look)
        return True

    def all(self, sql: str, *values: SqlValue) -> list[Row]:
        return self.connection.execute(sql, values).fetchall()

    def parts(self, sql: str, *values: SqlValue) -> Iterator[list[tuple[Any, ...]]]:
        """All rows as plain tuples, some at a time: never everybody as Python objects at once."""
        cursor = self.connection.cursor()
        cursor.row_factory = None
        cursor.execute(sql, values)
        while rows := cursor.fetchmany(PART):
            yield rows

    def one(self, sql: str, *values: SqlValue) -> Row | None:
        found: Row | None = self.connection.execute(sql, values).fetchone()
        return found

    def execute(self, sql: str, *values: SqlValue) -> int:
        """Run one statement; returns how many rows it changed."""
        return self.connection.execute(sql, values).rowcount

    def many(self, sql: str, rows: Iterable[Sequence[SqlValue]]) -> None:
        """Bulk rows: about seven times faster than sqlite-utils' `insert_all`."""
        self.connection.executemany(sql, rows)

    def insert(self, table: str, **values: SqlValue) -> int:
        """Insert one row; returns its row id."""
        names = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        cursor = self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
        return cursor.lastrowid or 0
