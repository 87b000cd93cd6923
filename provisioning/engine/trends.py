"""Runs over time: which of them stand out from those before. Takes values and gives values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

BEFORE, FEWEST = 20, 5
"""A run is compared with the 20 before it; with fewer than 5 there is nothing to compare it with."""
SPREADS = 3
PEOPLE, SECONDS, SHARE = 3, 30.0, 0.02
"""What is never worth a mark: fewer than 3 people more or less, half a minute, or 2 % of the live users."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run that ended. `live`: the domain's live users then, None where that was not kept; `seconds`: from its
    beginning to its end, pauses included."""

    run: str
    domain_id: int
    at: datetime
    live: int | None
    added: int
    archived: int
    seconds: float
    reactivated: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands out in a run: of which number, how much it was, and what was usual before (the median)."""

    what: str
    value: float
    usual: float


def stands_out(value: float, before: Sequence[float], least: float) -> float | None:
    """What was usual, when this is further from it than three times the median distance of those before, and by more
    than `least`; None when it is not, or when there is too little to compare it with."""
    past = before[-BEFORE:]
    if len(past) < FEWEST:
        return None
    usual = median(past)
    if abs(value - usual) <= least:
        return None
    spread = median(abs(each - usual) for each in past)
    return usual if abs(value - usual) > SPREADS * spread else None


def marks(points: Sequence[Point], since: datetime | None = None) -> list[tuple[Mark, ...]]:
    """What stands out in each run of one domain, oldest first; nothing in those before `since`. Only what came before counts:
    a mark stays as it is."""
    steps = _steps(points)
    found: list[tuple[Mark, ...]] = []
    for place, each in enumerate(points):
        if since and each.at < since:
            found.append(())
            continue
        past = points[max(place - BEFORE, 0) : place]
        known = [step for step in steps[max(place - BEFORE, 0) : place] if step is not None]
        step = steps[place]
        seen = [
            _mark("added", each.added, [one.added for one in past], PEOPLE - 1),
            _mark("reactivated", each.reactivated, [one.reactivated for one in past], PEOPLE - 1),
            _mark("archived", each.archived, [one.archived for one in past], PEOPLE - 1),
            _mark("live", step, known, max(PEOPLE - 1, SHARE * (each.live or 0))) if step is not None else None,
            _mark("seconds", each.seconds, [one.seconds for one in past], SECONDS),
        ]
        found.append(tuple(mark for mark in seen if mark))
    return found


def _mark(what: str, value: float, before: Sequence[float], least: float) -> Mark | None:
    usual = stands_out(value, before, least)
    return None if usual is None else Mark(what, value, usual)


def _steps(points: Sequence[Point]) -> list[int | None]:
    """By how much the live users changed since the run before: a company that grows is nothing unusual."""
    before: int | None = None
    found: list[int | None] = []
    for each in points:
        found.append(each.live - before if each.live is not None and before is not None else None)
        before = each.live if each.live is not None else before
    return found


@dataclass(frozen=True, slots=True)
class Day:
    """All runs of a day (UTC). `live`: the live users of all domains as last known, None where none is."""

    day: str
    live: int | None
    added: int
    archived: int
    runs: int
    reactivated: int = 0


def by_day(points: Sequence[Point], live_before: Mapping[int, int]) -> list[Day]:
    """Runs of any domains, oldest first, day by day. `live_before`: the live users of domains before the first."""
    live = dict(live_before)
    days: dict[str, list[int]] = {}
    known: dict[str, int | None] = {}
    for each in points:
        day = f"{each.at:%Y-%m-%d}"
        if each.live is not None:
            live[each.domain_id] = each.live
        sums = days.setdefault(day, [0, 0, 0, 0])
        for place, more in enumerate((each.added, each.archived, 1, each.reactivated)):
            sums[place] += more
        known[day] = sum(live.values()) if live else None
    return [Day(day, known[day], *numbers) for day, numbers in days.items()]
