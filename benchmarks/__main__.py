"""Runs every step and prints one table.  ./scripts/bench [STEP …] [--people N …]

BENCH_BIG=1 adds 1,000,000 people. Steps are the names of this folder's modules: `decode plan`.
"""

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from benchmarks.measure import ROUNDS, measure
from benchmarks.people import Nights
from benchmarks.table import Row, rows, show

MODULES = (
    "decode",
    "difference",
    "plan",
    "preview",
    "local_directory",
    "workbook",
    "scim",
    "growth",
    "pages",
)
"""Each has a `STEP` or `STEPS`, to be measured beside their peers, or `rows`: its own way to measure."""
ALONE = ("start", "many_domains")
"""These are measured once, whatever the number of people: `alone`."""
SIZES, BIG = (10_000, 100_000), 1_000_000


def main() -> None:
    asked = _arguments()
    table: list[Row] = []
    with _folder(asked.data) as folder:
        for people in sorted(asked.people) if set(asked.steps) - set(ALONE) else ():
            nights = Nights(folder / str(people))
            if not (nights.folder / "now.json").exists():
                print(f"Inventing {people:,} people …", file=sys.stderr)
                nights = Nights.make(folder / str(people), people)
            for name in [each for each in asked.steps if each not in ALONE]:
                table += _said(_rows(name, nights, asked.rounds))
    for name in [each for each in asked.steps if each in ALONE]:
        table += _said(_module(name).alone(asked.rounds))
    print(show(table))


def _said(found: Iterator[Row]) -> Iterator[Row]:
    """Each row as it comes: a whole run takes long."""
    for row in found:
        print(show([row]).splitlines()[-1], file=sys.stderr)
        yield row


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


def _rows(name: str, nights: Nights, rounds: int) -> Iterator[Row]:
    module = _module(name)
    if hasattr(module, "rows"):
        yield from module.rows(nights, rounds)
        return
    for step in getattr(module, "STEPS", None) or (module.STEP,):
        if nights.people <= step.most_people:
            print(f"{step.name}, {nights.people:,} people …", file=sys.stderr)
            yield from rows(step, nights, measure(step, nights, rounds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/bench", description=__doc__)
    parser.add_argument("steps", nargs="*", default=[*MODULES, *ALONE], metavar="STEP")
    big = [BIG] if os.environ.get("BENCH_BIG") == "1" else []
    parser.add_argument("--people", type=int, nargs="+", default=[*SIZES, *big])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--data", type=Path, help="keep the invented companies here, for the next run")
    return parser.parse_args()


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()
