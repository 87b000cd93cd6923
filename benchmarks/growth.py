"""What a first preview takes at each size, alone: divided by the number of people it should stay the same, within a quarter
of what it is at the smallest size of the run."""

from collections.abc import Iterator

from benchmarks.measure import Step, measure
from benchmarks.people import Nights
from benchmarks.preview import first_read
from benchmarks.table import Row, seconds_of, yes

WITHIN = 0.25
STEP = Step("growth: preview, first read", first_read)

_measured: list[tuple[int, float]] = []
"""(people, seconds a person) of each size so far: the smallest first."""


def rows(nights: Nights, rounds: int) -> Iterator[Row]:
    """A row for each size. The first has nothing to be compared with."""
    found = measure(STEP, nights, rounds)["Rollcall"]
    seconds = found.seconds(STEP.clock)
    each = seconds / nights.people
    _measured.append((nights.people, each))
    smallest, theirs = _measured[0]
    own = STEP.name, f"{nights.people:,}", f"{seconds_of(seconds)}, {each * 1e6:.1f} µs a person"
    ratio = each / theirs
    compared = (
        (f"a person of {smallest:,}", f"{theirs * 1e6:.1f} µs", f"{ratio:.2f} ×", f"{1 - WITHIN:g} to {1 + WITHIN:g} ×", yes(abs(ratio - 1) <= WITHIN))
        if nights.people != smallest else ("", "", "", "", "")
    )  # fmt: skip
    yield (*own, *compared, f"{found.peak:,.0f} MB", "", str(len(found.wall)))
