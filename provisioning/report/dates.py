"""Dates and moments inside sentences, and alone, as people write them: “28 Nov 2026”. Pure: which clock counts is the
caller's affair."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

_DATE = re.compile(r"(?<![\w“‘-])(\d{4}-\d{2}-\d{2})(?![\w”’-])( (?=\d{2}:\d{2}))?")
_MOMENT = re.compile(r"(?<![\w“‘-])(\d{4}-\d{2}-\d{2}) (?:at )?(\d{2}:\d{2})(:\d{2})? UTC\b")


def day(at: date) -> str:
    return f"{at.day} {at:%b %Y}"


def _in_utc(at: datetime, seconds: bool) -> str:
    there = at.astimezone(UTC)
    return f"{day(there)}, {there:%H:%M:%S} UTC" if seconds else f"{day(there)}, {there:%H:%M} UTC"


def dated(text: str, moment: Callable[[datetime, bool], str] = _in_utc) -> str:
    """A sentence with its dates as people write them, and its moments as `moment` gives them (with seconds, or without);
    what it quotes stays as it is."""
    if "-" not in text:
        return text
    text = _MOMENT.sub(lambda found: _told(found, moment), text)
    return _DATE.sub(lambda found: _day(found[1]) + (", " if found[2] else ""), text)


def _told(found: re.Match[str], moment: Callable[[datetime, bool], str]) -> str:
    on, clock, seconds = found.groups()
    try:
        at = datetime.fromisoformat(f"{on}T{clock}{seconds or ''}+00:00")
    except ValueError:
        return found[0]
    return moment(at, bool(seconds))


def _day(text: str) -> str:
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return text
