"""When a schedule is due, and how long a troubled one rests. Knows no clock: `now` is given.

A schedule means times of the day as a clock on the wall shows them. When the clocks go forward, a time that does not
exist becomes the first moment after the gap; when they go back, a time that comes twice is its first one. So each
time of a schedule is one moment, and two that fall on the same moment are one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

RESTS = (timedelta(hours=6), timedelta(hours=12), timedelta(hours=24))
REMIND_AFTER = timedelta(hours=24)
REMIND_AGAIN = timedelta(days=13, hours=1)
"""With the first reminder: just after a plan that nobody approved has lapsed."""

QUIET_TIMES = 5
"""After so many quiet times in a row that were not quiet, one does not wait any longer."""


@dataclass(frozen=True, slots=True)
class Time:
    """One time of a schedule, in its own time zone. `note` says what daylight saving does to it, or is empty."""

    at: datetime
    note: str = ""


def times(cron: str, timezone: str, after: datetime) -> Iterator[Time]:
    """The moments of a schedule after another, without end unless the expression has one. `cron` and `timezone` are
    checked where they are saved."""
    zone, last = ZoneInfo(timezone), after.astimezone(UTC)
    for wall in CronSim(cron, after.astimezone(zone).replace(tzinfo=None, fold=0)):
        found = _on_the_wall(wall, zone)
        if found.at.astimezone(UTC) > last:
            last = found.at.astimezone(UTC)
            yield found


def _on_the_wall(wall: datetime, zone: ZoneInfo) -> Time:
    first = wall.replace(tzinfo=zone)
    if first.utcoffset() != first.replace(fold=1).utcoffset() and _exists(first):
        return Time(first, f"The clocks go back: {wall:%H:%M} comes twice, and the first one counts.")
    if _exists(first):
        return Time(first)
    moment = first
    while not _exists(moment):
        wall += timedelta(minutes=1)
        moment = wall.replace(second=0, tzinfo=zone)
    return Time(moment, f"The clocks go forward: {first:%H:%M} does not exist.")


def _exists(moment: datetime) -> bool:
    back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return back.replace(tzinfo=None) == moment.replace(tzinfo=None)


def next_times(cron: str, timezone: str, after: datetime, count: int = 5) -> tuple[Time, ...]:
    """The next moments; fewer when the schedule ends."""
    coming = times(cron, timezone, after)
    return tuple(each for each, _ in zip(coming, range(count), strict=False))


def next_time(cron: str, timezone: str, after: datetime) -> datetime | None:
    """The next moment, in UTC."""
    found = next_times(cron, timezone, after, 1)
    return found[0].at.astimezone(UTC) if found else None


def is_due(cron: str, timezone: str, served: datetime, now: datetime) -> bool:
    """Whether a time has come since `served`, the moment up to which all were seen to. However many were missed: once."""
    coming = next_time(cron, timezone, served)
    return coming is not None and coming <= now


def rest(tries: int) -> timedelta:
    """How long a schedule rests that failed so many times in a row."""
    return RESTS[min(max(tries, 1), len(RESTS)) - 1]


def quiet_until(first: datetime, now: datetime, quiet: timedelta) -> datetime:
    """When to act on events that began with `first` and of which one came now: after a quiet time, but not put off
    for ever."""
    return min(now + quiet, first + quiet * QUIET_TIMES)


def reminder(waiting_since: datetime, reminded_at: datetime | None) -> datetime:
    """When to remind people of what waits for them."""
    return waiting_since + REMIND_AFTER if reminded_at is None else reminded_at + REMIND_AGAIN
