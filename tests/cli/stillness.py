"""A worker, or a command, that stands still between two writes: it lives, and nobody waits for its lock."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

PATIENCE = 60


def stand_still(process: "subprocess.Popen[bytes]", data: Path) -> None:
    """Stop a child of ours until it is sent SIGCONT, where it does not hold the lock of the database in `data`. It is
    stopped again and again until that is so; between two tries it gets no further than a moment."""
    with closing(sqlite3.connect(data / "rollcall.db", timeout=0, isolation_level=None)) as db:
        deadline = time.monotonic() + PATIENCE
        while not _stopped_without_lock(db, process):
            process.send_signal(signal.SIGCONT)
            assert time.monotonic() < deadline


def _stopped_without_lock(db: sqlite3.Connection, process: "subprocess.Popen[bytes]") -> bool:
    process.send_signal(signal.SIGSTOP)
    # The signal takes its time, in which a write may begin.
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    db.execute("ROLLBACK")
    return True
