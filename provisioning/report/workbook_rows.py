"""What the rows of a workbook say, computed in one place for its writer and its reader: they agree by construction."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from provisioning.model import Action, Change, Legend, Outcome, Plan, Run
from provisioning.report.dates import dated, day
from provisioning.report.differences import with_name

APPROVE, LEAVE_OUT, KEEP_ACTIVE = DECISIONS = ("Approve", "Leave out", "Keep active")
ONE_OF = f"{APPROVE}, {LEAVE_OUT} or {KEEP_ACTIVE}"
DECISION, KEY, WHY = "Decision", "Key", "Why"
RESULT, MESSAGE = "Result", "Message"
"""Once a plan is begun: Result stands where Decision did, and Message, where there is any, behind everything else."""
NOT_REACHED = "Not reached yet"
PLAN, DIGEST, DECIDED_BY = "Plan", "Digest", "Decided by"
BLANK_RULE = "A blank decision counts as Approve."
MAX_TEXT = 32_767  # in one cell, in UTF-16 units, as Excel counts


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row as it is shown, which of its cells are marked as changed, and which are dates: by place, the number that a
    spreadsheet has for the day."""

    cells: tuple[str, ...]
    changed: tuple[int, ...] = ()
    days: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PeopleSheet:
    """A sheet of people to decide on."""

    title: str
    action: Action
    heading: str
    meaning: str


SHEETS = (
    PeopleSheet(
        "Added",
        Action.ADD,
        "To be added",
        "In HiBob, and no user of this domain yet. Each becomes a live user with the values below.",
    ),
    PeopleSheet(
        "Reactivated",
        Action.REACTIVATE,
        "To be reactivated",
        "Archived here, and active in HiBob again. Each becomes a live user with the values below; "
        "a value that changes is bold on a shaded cell.",
    ),
    PeopleSheet(
        "Updated",
        Action.UPDATE,
        "To be updated",
        "Live users whose values differ in HiBob. A changed cell reads “old → new”, bold on a shaded cell.",
    ),
    PeopleSheet(
        "Archived",
        Action.ARCHIVE,
        "To be archived",
        "Live users who have left HiBob or this domain, with the values they have now. Nobody is deleted.",
    ),
)
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_PICTURES = (
    {code: chr(0x2400 + code) for code in range(0x20)}
    | {0x7F: "\u2421"}
    | dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")
)
_LIKE_AN_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_ISO = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
DAY_NONE = date(1899, 12, 30).toordinal()
_FIRST_DAY = date(1900, 3, 1)
"""Before it spreadsheets disagree: Excel has a 29 February 1900."""


def shown(text: str, most: int = MAX_TEXT) -> str:
    """The text as a cell can hold it: control characters visible, and cut visibly where it is too long.

    `shown(shown(text)) == shown(text)`, so that a text from a file compares with a text from a plan.
    """
    if not text.isprintable():
        text = _UNFIT.sub(lambda found: _PICTURES[ord(found[0])], text)
    return text if _fits(text, most) else _cut(text, most)


def _cut(text: str, most: int) -> str:
    note = f"… (cut here; {len(text):,} characters in all)"
    kept = text[: most - len(note)]
    while not _fits(kept + note, most):
        kept = kept[:-100]
    return kept + note


def _fits(text: str, most: int) -> bool:
    """Excel counts UTF-16 units; they, or the escapes, can no more than double a length."""
    return len(text) * 2 <= most or len(escaped(text).encode("utf-16-le")) // 2 <= most


def escaped(text: str) -> str:
    """Excel reads `_x0041_` as A; with its first underscore escaped it shows what was meant."""
    return _LIKE_AN_ESCAPE.sub("_x005F_", text) if "_x" in text else text


def header_of(plan: Plan) -> tuple[str, ...]:
    return (DECISION, KEY, *map(shown, plan.attributes), WHY)


def header_told(plan: Plan, messages: bool) -> tuple[str, ...]:
    """Of a plan that was begun: what became of everybody, in the place of what is decided."""
    return (RESULT, *header_of(plan)[1:], *([MESSAGE] if messages else []))


class Rows:
    """What is shown of a plan's changes: written into the file, and expected when the file comes back. Without a legend:
    everything as it is stored, as files of earlier versions have it."""

    def __init__(self, plan: Plan, legend: Legend | None) -> None:
        self._attributes = plan.attributes
        self._why = dated if legend else str
        legend = legend or Legend()
        self._named = {value: with_name(value, name) for value, name in legend.names.items()}
        self._dates, self._references = (
            [place for place, name in enumerate(plan.attributes) if name in some]
            for some in (legend.dates, legend.references)
        )

    @property
    def has_dates(self) -> bool:
        return bool(self._dates)

    def of(self, change: Change) -> ShownRow:
        seen = change.seen.attributes if change.seen else {}
        values = [seen.get(name, "") for name in self._attributes]
        changed = [place for place, name in enumerate(self._attributes) if name in change.after]
        for place in changed:
            values[place] = change.after[self._attributes[place]] or ""
        days: dict[int, int] = {}
        updated = changed if change.action is Action.UPDATE else []
        for place in updated:
            old = change.before.get(self._attributes[place]) or ""
            values[place] = _old_to_new(self._read(place, old), self._read(place, values[place]))
        for place in self._dates:
            if known := _day_known(values[place]):
                values[place], days[place + 2] = known
        for place in self._references:
            values[place] = self._named.get(values[place], values[place])
        marked = [place + 2 for place in changed] if change.action is not Action.ADD else []
        cells = (APPROVE, change.key, *values, self._why(change.why))
        return ShownRow(tuple(map(shown, cells)), tuple(marked), days)

    def _read(self, place: int, value: str) -> str:
        known = _day_known(value) if place in self._dates else None
        return known[0] if known else self._named.get(value, value) if place in self._references else value


@lru_cache(maxsize=2**16)
def _day_known(text: str) -> tuple[str, int] | None:
    """The date as people write it, and as a spreadsheet counts it; None for what is no date, or of before March 1900, which
    spreadsheets count differently."""
    if not _ISO.fullmatch(text):
        return None
    try:
        at = date.fromisoformat(text)
    except ValueError:
        return None
    return (day(at), at.toordinal() - DAY_NONE) if at >= _FIRST_DAY else None


def _old_to_new(old: str, new: str) -> str:
    """Each side may fill half a cell: a long old value must not push the new one out."""
    half = MAX_TEXT // 2 - 2
    return f"{shown(old or '(blank)', half)} → {shown(new or '(blank)', half)}"


Became = Mapping[tuple[str, Action], Outcome]
"""What became of each change, by key and action."""


def became_of(begun: Sequence[Run]) -> Became:
    """By a plan's runs, oldest first: of those that were tried again the last time counts."""
    return {(each.key, each.action): each for run in begun for each in run.outcomes}


def left_out_of(plan: Plan, left_out: frozenset[str]) -> Counter[str]:
    """Action → how many of its changes are left out."""
    return Counter(change.action.value for change in plan.changes if change.key in left_out)
