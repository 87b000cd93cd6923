"""One worker per domain at a time, over all processes: a lease that names host, process and its start.

A lease whose process is dead on this host lapses at once; one of another host when it is not renewed.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from weakref import WeakKeyDictionary

from provisioning.database import Database, Row
from provisioning.errors import Refused
from provisioning.store.codec import to_moment, to_text

RENEW_EVERY = 20.0
LAPSES_AFTER = timedelta(minutes=2)
LOOK_EVERY = 0.2

_held: WeakKeyDictionary[Database, dict[int, str]] = WeakKeyDictionary()
"""The leases that each connection of this process holds: domain → token."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works on a domain now."""

    host: str
    pid: int
    doing: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.doing})"


@contextmanager
def lease(
    db: Database, domain_id: int, doing: str, waiting: Callable[[Holder], None] = lambda holder: None
) -> Iterator[Callable[[], None]]:
    """Hold the domain. Waits while somebody else does, and calls `waiting` with each of them once.

    Yields a check to call before each chunk: it raises `Refused` when the lease was lost meanwhile, as on a
    machine that slept. Within another lease of this connection on the domain it is part of that one.
    """
    ours = _held.setdefault(db, {})
    if domain_id in ours:
        yield lambda: _check(db, domain_id, ours[domain_id])
        return
    token = secrets.token_hex(8)
    told: Holder | None = None
    while (holder := _claim(db, domain_id, doing, token)) is not None:
        if holder != told:
            waiting(holder)
            told = holder
        time.sleep(LOOK_EVERY)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(db.path, domain_id, token, ended), daemon=True)
    renewing.start()
    ours[domain_id] = token
    try:
        yield lambda: _check(db, domain_id, token)
    finally:
        del ours[domain_id]
        ended.set()
        renewing.join()
        db.execute("DELETE FROM leases WHERE domain_id = ? AND token = ?", domain_id, token)


def _claim(db: Database, domain_id: int, doing: str, token: str) -> Holder | None:
    """Take the lease, or say who has it."""
    host, pid = socket.gethostname(), os.getpid()
    with db.transaction():
        row = db.one("SELECT * FROM leases WHERE domain_id = ?", domain_id)
        if row is not None and not _lapsed(row):
            return Holder(row["host"], row["pid"], row["doing"])
        db.execute(
            "INSERT OR REPLACE INTO leases (domain_id, host, pid, process_start, token, doing, renewed_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            domain_id, host, pid, _process_start(pid), token, doing, to_text(datetime.now(UTC)),
        )  # fmt: skip
    return None


def is_held(db: Database, domain_id: int) -> bool:
    """Whether somebody alive works on the domain now."""
    row = db.one("SELECT * FROM leases WHERE domain_id = ?", domain_id)
    return row is not None and not _lapsed(row)


def held(db: Database) -> frozenset[int]:
    """The domains that somebody alive works on now."""
    return frozenset(row["domain_id"] for row in db.all("SELECT * FROM leases") if not _lapsed(row))


def _lapsed(row: Row) -> bool:
    if row["host"] == socket.gethostname():
        return bool(_process_start(row["pid"]) != row["process_start"])
    return datetime.now(UTC) - to_moment(row["renewed_at"]) > LAPSES_AFTER


def _process_start(pid: int) -> str:
    """When a process started, in the kernel's ticks; "" when there is none. A process id alone may be reused."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() else _alive(pid)
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    # A zombie holds nothing any more.
    return "" if after_name[0] == "Z" else after_name[19]


def _alive(pid: int) -> str:
    """Where there is no /proc (macOS): whether the process lives at all."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"


def _renew(path: Path, domain_id: int, token: str, ended: threading.Event) -> None:
    while not ended.wait(RENEW_EVERY):
        db = Database(path)
        db.execute(
            "UPDATE leases SET renewed_at = ? WHERE domain_id = ? AND token = ?",
            to_text(datetime.now(UTC)), domain_id, token,
        )  # fmt: skip
        db.close()


def _check(db: Database, domain_id: int, token: str) -> None:
    row = db.one("SELECT token FROM leases WHERE domain_id = ?", domain_id)
    if row is None or row["token"] != token:
        raise Refused("Another process took over this domain meanwhile; nothing more is written here.")
