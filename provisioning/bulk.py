"""For loops over everybody."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """Without Python's garbage collector, which would look through millions of young objects again and again and find
    nothing. Several may overlap, in threads too: the collector is on again after the first that found it on."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
