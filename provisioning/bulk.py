"""For loops over everybody."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE = threading.RLock()


@contextmanager
def collector_off() -> Iterator[None]:
    """Without Python's garbage collector, which would look through millions of young objects again and again and find
    nothing. One thread at a time, whoever waits for HiBob or a portal apart: side by side threads only take Python's lock
    from each other, and all of them together take half as long again."""
    with _ONE:
        was_on = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_on:
                gc.enable()
