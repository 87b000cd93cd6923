"""A schedule's times in words. Pure."""

import re
from collections.abc import Mapping
from datetime import time

DAILY, WEEKDAYS, HOURLY, OWN = "daily", "weekdays", "hourly", "own"
KINDS: Mapping[str, str] = {
    DAILY: "Every day",
    WEEKDAYS: "Monday to Friday",
    HOURLY: "Every hour",
    OWN: "Own cron expression",
}
_AT = re.compile(r"(\d{1,2}) (\d{1,2}|\*) \* \* (\*|1-5)")


def kind_of(cron: str) -> tuple[str, time]:
    """(which of the common times a cron expression is, at what time), or `OWN`."""
    found = _AT.fullmatch(cron)
    if not found or int(found[1]) > 59 or (found[2] != "*" and int(found[2]) > 23):
        return OWN, time(5)
    if found[2] == "*":
        return (HOURLY, time(0, int(found[1]))) if found[3] == "*" else (OWN, time(5))
    return (DAILY if found[3] == "*" else WEEKDAYS), time(int(found[2]), int(found[1]))


def in_words(cron: str, timezone: str) -> str:
    kind, at = kind_of(cron)
    if kind == OWN:
        return f"At the times of the cron expression “{cron}”, {timezone} time"
    if kind == HOURLY:
        return f"Every hour, {at.minute} minutes past, {timezone} time"
    return f"{KINDS[kind]} at {at:%H:%M}, {timezone} time"
