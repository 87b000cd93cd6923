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
MANY_DOMAINS = "many_domains"
"""Prints a table of its own: what is compared is not peers, but how many domains are seen to at once."""
SIZES, BIG = (10_000, 100_000), 1_000_000


def main() -> None:
    asked = _arguments()
    table: list[Row] = []
    with _folder(asked.data) as folder:
        for people in asked.people:
            nights = Nights(folder / str(people))
            if not (nights.folder / "now.json").exists():
                print(f"Inventing {people:,} people …", file=sys.stderr)
                nights = Nights.make(folder / str(people), people)
            for found in _rows(asked.steps, nights, asked.rounds):
                table.append(found)
                print(show([found]).splitlines()[-1], file=sys.stderr)
    print(show(table))
    if MANY_DOMAINS in asked.steps:
        importlib.import_module(f"benchmarks.{MANY_DOMAINS}").main()


def _rows(names: list[str], nights: Nights, rounds: int) -> Iterator[Row]:
    for name in [each for each in names if each != MANY_DOMAINS]:
        module = importlib.import_module(f"benchmarks.{name}")
        for step in getattr(module, "STEPS", [module.STEP] if hasattr(module, "STEP") else []):
            if nights.people <= step.most_people:
                print(f"{step.name}, {nights.people:,} people …", file=sys.stderr)
                yield from rows(step, nights, measure(step, nights, rounds))
        if hasattr(module, "rows"):
            yield from module.rows(nights, rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./scripts/bench", description=__doc__)
    parser.add_argument("steps", nargs="*", default=[*MODULES, MANY_DOMAINS], metavar="STEP")
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
