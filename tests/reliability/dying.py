"""A process of its own that gets SIGKILL at its n-th statement that writes to the database."""

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

from provisioning.database import Database

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")


def dies_at(nth: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed just before the n-th write. False: there were fewer, and it came to its
    end."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Forking beside servers' threads: the child only calls them.
        child = os.fork()
    if child == 0:
        code = 1
        try:
            _count_statements(nth)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _count_statements(nth: int) -> None:
    """In the child only, which ends with it."""
    opened, left = Database.__init__, nth

    def count(sql: str) -> None:
        nonlocal left
        left -= sql.startswith(WRITES)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def opening(db: Database, path: Path) -> None:
        opened(db, path)
        db.connection.set_trace_callback(count)

    Database.__init__ = opening  # type: ignore[method-assign]
