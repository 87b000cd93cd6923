"""What HiBob's lifecycle status means for a user on a given day (PRODUCT.md, "Lifecycle")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from provisioning.engine import columns as known
from provisioning.engine.mapping import text_column
from provisioning.engine.transforms import Unreadable, fold, read_date
from provisioning.model import Column, Lifecycle, Meaning


class Wish(IntEnum):
    """What HiBob wishes for a person's user."""

    LEAVE_AS_IS = 0
    LIVE = 1
    ARCHIVED = 2
    WAIT = 3


DEFAULTS: Mapping[str, Meaning] = {
    "employed": Meaning.LIVE,
    "hired": Meaning.LIVE,
    "leave": Meaning.LEAVE_AS_IS,
    "parentalleave": Meaning.LEAVE_AS_IS,
    "gardenleave": Meaning.LIVE,
    "terminated": Meaning.ARCHIVED,
    "active": Meaning.LIVE,
    "inactive": Meaning.ARCHIVED,
}
"""By normalised status. Active and Inactive stand in where only `internal.status` can be read."""

_WISHES = {Meaning.LIVE: Wish.LIVE, Meaning.ARCHIVED: Wish.ARCHIVED, Meaning.LEAVE_AS_IS: Wish.LEAVE_AS_IS}


@dataclass(frozen=True, slots=True)
class Wishes:
    """Per employee: the wish, the status in words and as HiBob's machine value, and for those who wait or leave, the day
    that decides. `leaves`: the last day of work of those who are to stay live until it is over."""

    wish: npt.NDArray[np.int8]
    status: list[str]
    raw: list[str]
    day: Mapping[int, str]
    unknown: Mapping[str, tuple[int, ...]]
    leaves: Mapping[int, str]


def status_key(status: str) -> str:
    """`Parental leave`, `parentalLeave` and `PARENTAL_LEAVE` are one status."""
    return re.sub(r"[\W_]+", "", fold(status))


def wishes(lifecycle: Lifecycle, table: pa.Table, today: date) -> Wishes:
    """The wish of every row of a snapshot's table.

    A status is looked up in its machine form first, then in its human-readable one: a customer's own statuses
    are numbers in the former. Where neither can be read, whoever HiBob returns as active is live.
    """
    table_of = {**DEFAULTS, **{status_key(status): meaning for status, meaning in lifecycle.meanings}}
    machine, human = _statuses(table)
    pairs = list(zip(machine, human, strict=True))
    found = {pair: _key(table_of, pair) for pair in set(pairs)}
    meaning = {pair: table_of.get(key, Meaning.LEAVE_AS_IS) for pair, key in found.items()}
    wish = np.array([_WISHES[meaning[pair]] for pair in pairs], dtype=np.int8)
    status = [spoken or raw for raw, spoken in pairs]
    unknown: dict[str, list[int]] = {}
    for row, pair in enumerate(pairs):
        if not found[pair]:
            unknown.setdefault(status[row] or "no status", []).append(row)
    day = _dated(lifecycle, table, [found[pair] for pair in pairs], wish, today)
    named = {name: tuple(rows) for name, rows in sorted(unknown.items())}
    return Wishes(wish, status, machine, day, named, _leaving(table, wish, today))


def _statuses(table: pa.Table) -> tuple[list[str], list[str]]:
    """Machine and human-readable lifecycle, or `internal.status` for rows that have no lifecycle."""
    forms = []
    for human in (False, True):
        lifecycle = text_column(table, Column(known.LIFECYCLE, human).slot).to_pylist()
        forms.append((lifecycle, text_column(table, Column(known.STATUS, human).slot).to_pylist()))
    (machine, machine_status), (human_text, human_status) = forms
    neither = [not (a or b) for a, b in zip(machine, human_text, strict=True)]
    return (
        [other if missing else own for own, other, missing in zip(machine, machine_status, neither, strict=True)],
        [other if missing else own for own, other, missing in zip(human_text, human_status, neither, strict=True)],
    )


def _key(table_of: Mapping[str, Meaning], pair: tuple[str, str]) -> str:
    """The status by which the table knows the pair of forms; "" when it knows neither."""
    return next((key for form in pair if (key := status_key(form)) in table_of), "")


def _dated(
    lifecycle: Lifecycle, table: pa.Table, keys: list[str], wish: npt.NDArray[np.int8], today: date
) -> dict[int, str]:
    """Adjusts the wishes of the hired and of those on garden leave to the calendar, in place, unless the table says
    what their status means."""
    said = {status_key(status) for status, _ in lifecycle.meanings}
    hired = [row for row, key in enumerate(keys) if key == "hired" and "hired" not in said]
    garden = [row for row, key in enumerate(keys) if key == "gardenleave" and "gardenleave" not in said]
    days: dict[int, str] = {}
    if hired:
        starts = text_column(table, known.START_DATE)
        for row in hired:
            days[row] = _date(starts[row].as_py())
            ahead = (date.fromisoformat(days[row]) - today).days if days[row] else None
            if ahead is None or ahead > lifecycle.wait_until_days_before_start:
                wish[row] = Wish.WAIT
    if garden:
        lasts = text_column(table, known.LAST_DAY)
        for row in garden:
            days[row] = _date(lasts[row].as_py())
            if days[row] and date.fromisoformat(days[row]) < today:
                wish[row] = Wish.ARCHIVED
    return days


def _leaving(table: pa.Table, wish: npt.NDArray[np.int8], today: date) -> dict[int, str]:
    """The last day of work, where it is known and not over, of those who are live."""
    lasts = text_column(table, known.LAST_DAY).to_pylist()
    days = ((row, _date(text)) for row, text in enumerate(lasts) if text and wish[row] == Wish.LIVE)
    return {row: day for row, day in days if day and date.fromisoformat(day) >= today}


def _date(text: str) -> str:
    """An ISO date, or blank where there is none to read."""
    try:
        return read_date(text) if text else ""
    except Unreadable:
        return ""
