"""Words, numbers and moments as people read them, and data made harmless where Markdown is read."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from provisioning.model import Action, Run, RunStatus, Severity
from provisioning.report import dates
from provisioning.workflow.looking import PlanState
from provisioning.workflow.stages import Station, needed

ACTIONS: Mapping[str, str] = {
    Action.ADD.value: "To be added",
    Action.UPDATE.value: "To be updated",
    Action.REACTIVATE.value: "To be reactivated",
    Action.ARCHIVE.value: "To be archived",
    Action.MOVE.value: "To be moved",
    Action.LINK.value: "To be linked",
}
TO_DO: Mapping[str, str] = {
    Action.ADD.value: "To add",
    Action.UPDATE.value: "To update",
    Action.REACTIVATE.value: "To reactivate",
    Action.ARCHIVE.value: "To archive",
    Action.MOVE.value: "To move",
    Action.LINK.value: "To link",
}
"""The same where there is little room: six of them stand side by side."""
HELP: Mapping[str, str] = {
    "Seats left": "Licensed seats that no live user of the customer has, in any of its domains.",
    "Held back": "What HiBob says would change them, and something keeps that from happening: the tab Held back says what.",
    "Unchanged": "Users who stay as they are. People without a user who need none are no part of it: how many stands above.",
    "Failed": "Skillcast refused the change. Retry failed tries these again.",
    "Changed since": "Changed in HiBob or Skillcast since the preview, so left as they are. A new preview shows them.",
    "Left out": "Left out by whoever approved.",
}
"""What a number means whose name alone does not say it."""
PLAN_WORDS: Mapping[PlanState, str] = {
    PlanState.EMPTY: "Nothing to do",
    PlanState.BLOCKED: "Blocked",
    PlanState.WAITING: "Waiting for approval",
    PlanState.APPROVED: "Approved",
    PlanState.CHANGED: "To be approved again",
    PlanState.BEGUN: "Begun, not finished",
    PlanState.PROCESSED: "Processed",
    PlanState.LAPSED: "Lapsed",
}
PLAN_COLOURS: Mapping[PlanState, str] = {
    PlanState.EMPTY: "green",
    PlanState.BLOCKED: "red",
    PlanState.WAITING: "blue",
    PlanState.APPROVED: "green",
    PlanState.CHANGED: "blue",
    PlanState.BEGUN: "orange",
    PlanState.PROCESSED: "green",
    PlanState.LAPSED: "gray",
}
RUN_WORDS: Mapping[RunStatus, str] = {
    RunStatus.RUNNING: "Running",
    RunStatus.DONE: "Done",
    RunStatus.PARTIAL: "Done, with exceptions",
    RunStatus.STOPPED: "Stopped",
}
RUN_COLOURS: Mapping[RunStatus, str] = {
    RunStatus.RUNNING: "blue",
    RunStatus.DONE: "green",
    RunStatus.PARTIAL: "orange",
    RunStatus.STOPPED: "orange",
}
SEVERITY_WORDS: Mapping[Severity, str] = {
    Severity.BLOCK: "Blocks",
    Severity.WARN: "Warning",
    Severity.INFO: "For information",
}
SEVERITY_COLOURS: Mapping[Severity, str] = {Severity.BLOCK: "red", Severity.WARN: "orange", Severity.INFO: "blue"}

_ADDRESS = re.compile(r"@|:(?=//)|www(?=\.)", re.IGNORECASE)
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/^=])")


_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of all that follows: our own words and numbers beside a name would be turned with it."""


def in_a_line(text: str) -> str:
    """Data where no Markdown is read, such as the name of a window."""
    return _TURNS.sub("", " ".join(text.split()))


def escape(text: str) -> str:
    """Data inside a Markdown text, as itself: no link, picture, colour, formula or icon comes of it. An invisible
    word joiner keeps addresses from becoming links, which no backslash does."""
    return _MARKUP.sub(r"\\\1", _ADDRESS.sub("\\g<0>\u2060", in_a_line(text)))


_ASKED = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) [^\s()]*[^\s().,:;]")
_ANSWERED = re.compile(rf"\s*\((?:\d{{3}}(?: on [^()]*)?|{_ASKED.pattern})\)")
_ENDS = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")


def in_short(why: str) -> str:
    """The first sentence of a reason, without what its reader cannot use: which address was asked, and the number of the
    answer. Where it is told in full, it says what to do too."""
    return _ASKED.sub("a request", _ANSWERED.sub("", _ENDS.split(why, maxsplit=1)[0]))


_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""What nobody sees and nobody types: it comes along when text is copied, from our own pages too (`escape`). The joiners
that some languages write with stay."""


def searchable(text: str | None) -> str:
    """What somebody typed or pasted, as what they see."""
    return _UNSEEN.sub("", text or "").strip()


def moment(at: datetime | str | None, *, seconds: bool = False) -> str:
    """As the clock of whoever looks shows it, which is named: “28 Nov 2026, 06:00 GMT”."""
    there = on_the_clock(at)
    if there is None:
        return "—"
    return f"{there:%d %b %Y, %H:%M}{f':{there:%S}' if seconds else ''} {zone_of(there)}".lstrip("0")


NARROW = "rollcall_narrow"
"""The cookie in which the browser says whether its window was narrow when the page was loaded: 1 or 0."""


def on_a_telephone() -> bool:
    """Whether the browser says that it runs on one, or in a window as narrow: what is wide has no room there."""
    headers = st.context.headers
    return bool(headers) and ("Mobi" in (headers.get("User-Agent") or "") or st.context.cookies.get(NARROW) == "1")


def zone_here() -> tzinfo:
    """The time zone of the browser; UTC where that is not known, as in a test."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def on_the_clock(at: datetime | str | None) -> datetime | None:
    """The same moment in the time zone of the browser."""
    if not at:
        return None
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(zone_here())


def zone_of(at: datetime) -> str:
    """Its zone's short name; one that has none is named by its distance, `UTC+04`."""
    name = at.tzname() or "UTC"
    return name if name[:1].isalpha() else f"UTC{name}"


def run_names(found: Sequence[Run]) -> dict[str, str]:
    """What to call runs, by their ids, so that no two are called the same: by minute, by second where that is not enough,
    and by their ids where nothing else is."""
    names = {run.id: moment(run.started_at) for run in found}
    for finer in (_to_the_second, lambda run: f"{_to_the_second(run)} ({run.id})"):
        often = Counter(names.values())
        names |= {run.id: finer(run) for run in found if often[names[run.id]] > 1}
    return names


def _to_the_second(run: Run) -> str:
    return moment(run.started_at, seconds=True)


def dated(text: str) -> str:
    """A sentence with its dates as people write them, and its moments as the clock of whoever looks shows them."""
    return dates.dated(text, lambda at, seconds: moment(at, seconds=seconds))


def ago(at: datetime, now: datetime) -> str:
    return f"{_how_long(now - at)} ago" if now - at >= _A_MINUTE else "just now"


def until(at: datetime, now: datetime) -> str:
    return f"in {_how_long(at - now)}" if at - now >= _A_MINUTE else "now"


_A_MINUTE = timedelta(minutes=1)


def _how_long(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 60 * 24:
        return f"{minutes // 60} h"
    days = minutes // (60 * 24)
    return f"{days} day{'' if days == 1 else 's'}"


def people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def fitting(count: int, where: str = "") -> str:
    """How many fit what is searched for."""
    return f"{people(count)}{where} {'fits' if count == 1 else 'fit'}."


def share_done(steps: Sequence[Station]) -> float:
    """How much of what the set-up needs is done."""
    return sum(each.done for each in needed(steps)) / len(needed(steps))


def progress(steps: Sequence[Station]) -> str:
    return f"Set-up: {_of(needed(steps))} needed steps done"


def progress_in_full(steps: Sequence[Station]) -> str:
    """With what is worth having and holds nothing up, so that every tick is counted."""
    return f"{progress(steps)}, and {_of([each for each in steps if each.optional])} optional ones"


def _of(steps: Sequence[Station]) -> str:
    return f"{sum(each.done for each in steps)} of {len(steps)}"
