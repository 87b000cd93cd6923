"""A module run as a child that ends with its parent, however that came to its end: python -m provisioning.beside PID MODULE …
A parent that was killed, or whose terminal was closed, ends nobody."""

import os
import runpy
import signal
import sys
import threading
import time

EVERY, PATIENCE = 0.5, 10.0
"""Seconds between two looks at the parent, and from the request to end until the end."""


def _end_with(parent: int) -> None:
    """An orphan is given to another parent. `parent` is told by the parent itself: it may be gone before we look."""
    while os.getppid() == parent:
        time.sleep(EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


def main() -> None:
    _, parent, module, *rest = sys.argv
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
