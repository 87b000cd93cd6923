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
    """Stop a child of ours until it is sent SIGCONT, where it does not hold the lock of the database in `data`: it is stopped
    while that lock is ours. A run leaves it for moments alone, so it is asked for without a pause."""
    with closing(sqlite3.connect(data / "rollcall.db", timeout=0, isolation_level=None)) as db:
        deadline = time.monotonic() + PATIENCE
        while not _locked(db):
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGSTOP)
        # The signal takes its time.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        db.execute("ROLLBACK")


def _locked(db: sqlite3.Connection) -> bool:
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True
