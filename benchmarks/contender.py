"""One contender in a process of its own: gets ready, then runs once for every line that it reads.

The most memory is the highest mark of the process (VmHWM, put back before a run) above what it held before the run;
where Linux's /proc is missing, the growth of ru_maxrss.
"""

import ctypes
import gc
import importlib
import json
import re
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.measure import Timed
from benchmarks.people import Nights

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main(module: str, name: str, folder: str) -> None:
    timed: Timed = getattr(importlib.import_module(module), name)(Nights(Path(folder)))
    for _ in sys.stdin:
        print(json.dumps(_run(timed)), flush=True)


def _run(timed: Timed) -> dict[str, object]:
    timed.before()
    _give_back()
    with suppress(OSError):
        RESET.write_text("5")
    held, wall, processor = _most_memory(), time.perf_counter(), _processor()
    result = timed.run()
    said = {"wall": time.perf_counter() - wall, "processor": _processor() - processor, "peak": _most_memory() - held}
    return said | {"proof": timed.prove(result)}


def _give_back() -> None:
    """What getting ready has freed goes back to the system, or the run would be given it unseen."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _processor() -> float:
    return time.process_time()


def _most_memory() -> float:
    """Megabytes."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    except OSError:
        found = None
    return (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
