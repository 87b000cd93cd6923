"""What HiBob's lifecycle status means for a user on a given day (PRODUCT.md, "Lifecycle")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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
    # There are few pairs of forms, and many people: each pair is looked up once.
    distinct = list(dict.fromkeys(pairs))
    place = dict(zip(distinct, range(len(distinct)), strict=True))
    codes = np.fromiter(map(place.__getitem__, pairs), dtype=np.int64, count=len(pairs))
    found = [_key(table_of, pair) for pair in distinct]
    wished = [_WISHES[table_of.get(key, Meaning.LEAVE_AS_IS)] for key in found]
    wish = np.array(wished, dtype=np.int8)[codes]
    words = [spoken or raw for raw, spoken in distinct]
    status = list(map(words.__getitem__, codes.tolist()))
    unknown: dict[str, list[int]] = {}
    for code, key in enumerate(found):
        if not key:
            unknown.setdefault(words[code] or "no status", []).extend(np.flatnonzero(codes == code).tolist())
    rows_of = {
        key: np.flatnonzero(np.isin(codes, [c for c, k in enumerate(found) if k == key])).tolist() for key in _DATED
    }
    day = _dated(lifecycle, table, rows_of, wish, today)
    named = {name: tuple(sorted(rows)) for name, rows in sorted(unknown.items())}
    return Wishes(wish, status, machine, day, named, _leaving(table, wish, today))


_DATED = ("hired", "gardenleave")
"""Statuses that mean something else from a day on."""


def _statuses(table: pa.Table) -> tuple[list[str], list[str]]:
    """Machine and human-readable lifecycle, or `internal.status` for rows that have no lifecycle."""
    forms = []
    for human in (False, True):
        lifecycle = text_column(table, Column(known.LIFECYCLE, human).slot)
        forms.append((lifecycle, text_column(table, Column(known.STATUS, human).slot)))
    neither = pc.and_(*(pc.equal(lifecycle, "") for lifecycle, _ in forms))
    machine, human_text = (pc.if_else(neither, status, lifecycle).to_pylist() for lifecycle, status in forms)
    return machine, human_text


def _key(table_of: Mapping[str, Meaning], pair: tuple[str, str]) -> str:
    """The status by which the table knows the pair of forms; "" when it knows neither."""
    return next((key for form in pair if (key := status_key(form)) in table_of), "")


def _dated(
    lifecycle: Lifecycle, table: pa.Table, rows_of: Mapping[str, list[int]], wish: npt.NDArray[np.int8], today: date
) -> dict[int, str]:
    """Adjusts the wishes of the hired and of those on garden leave to the calendar, in place, unless the table says
    what their status means."""
    said = {status_key(status) for status, _ in lifecycle.meanings}
    hired, garden = (rows_of[key] if key not in said else [] for key in _DATED)
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
    lasts = text_column(table, known.LAST_DAY)
    rows = np.flatnonzero(np.asarray(pc.not_equal(lasts, "")) & (wish == Wish.LIVE))
    days = zip(rows.tolist(), map(_date, lasts.take(pa.array(rows)).to_pylist()), strict=True)
    return {row: day for row, day in days if day and date.fromisoformat(day) >= today}


def _date(text: str) -> str:
    """An ISO date, or blank where there is none to read."""
    try:
        return read_date(text) if text else ""
    except Unreadable:
        return ""
