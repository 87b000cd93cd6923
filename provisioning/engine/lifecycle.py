"""What HiBob's lifecycle status means for a user on a given day (PRODUCT.md, "Lifecycle")."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.texts import Index, TextTable, text_column
from provisioning.engine.transforms import Unreadable, read_date, status_key
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


Form = tuple[str, str]
"""A status as HiBob's machine value and in words."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Per employee: the wish, which of the `forms` their status has, and for those who wait or leave, the day that decides.
    `leaves`: the last day of work of those who are to stay live until it is over."""

    wish: npt.NDArray[np.int8]
    form: Index
    forms: tuple[Form, ...]
    day: Mapping[int, str]
    unknown: Mapping[str, tuple[int, ...]]
    leaves: Mapping[int, str]

    def status(self, row: int) -> str:
        """In words, where HiBob has any."""
        return _in_words(self.forms[self.form[row]])


def _in_words(form: Form) -> str:
    raw, spoken = form
    return spoken or raw


def wishes(lifecycle: Lifecycle, table: pa.Table | TextTable, today: date) -> Wishes:
    """The wish of every row of a snapshot's table.

    A status is looked up in its machine form first, then in its human-readable one: a customer's own statuses
    are numbers in the former. Where neither can be read, whoever HiBob returns as active is live.
    """
    table_of = {**DEFAULTS, **{status_key(status): meaning for status, meaning in lifecycle.meanings}}
    forms, form = _statuses(table)
    found = [_key(table_of, each) for each in forms]
    wished = [_WISHES[table_of.get(key, Meaning.LEAVE_AS_IS)] for key in found]
    wish = np.array(wished, dtype=np.int8)[form]
    unknown: dict[str, list[int]] = {}
    for place, key in enumerate(found):
        if not key:
            rows = np.flatnonzero(form == place).tolist()
            unknown.setdefault(_in_words(forms[place]) or "no status", []).extend(rows)
    rows_of = {
        key: np.flatnonzero(np.isin(form, [place for place, each in enumerate(found) if each == key])).tolist()
        for key in _DATED
    }
    day = _dated(lifecycle, table, rows_of, wish, today)
    named = {name: tuple(sorted(rows)) for name, rows in sorted(unknown.items())}
    return Wishes(wish, form, forms, day, named, _leaving(table, wish, today))


_DATED = ("hired", "gardenleave")
"""Statuses that mean something else from a day on."""


def _statuses(table: pa.Table | TextTable) -> tuple[tuple[Form, ...], Index]:
    """(every form of lifecycle that occurs, which of them each row has), or `internal.status` for rows that have no
    lifecycle. There are few forms, and many people."""
    both = []
    for human in (False, True):
        lifecycle = text_column(table, Column(known.LIFECYCLE, human).slot)
        both.append((lifecycle, text_column(table, Column(known.STATUS, human).slot)))
    neither = pc.and_(*(pc.equal(lifecycle, "") for lifecycle, _ in both))
    raw, spoken = (pc.if_else(neither, status, lifecycle).dictionary_encode() for lifecycle, status in both)
    width = max(len(spoken.dictionary), 1)
    pairs = raw.indices.cast(pa.int64()).to_numpy() * width + spoken.indices.to_numpy()
    form = pa.array(pairs).dictionary_encode()
    codes = (divmod(pair, width) for pair in form.dictionary.to_pylist())
    forms = tuple((raw.dictionary[one].as_py(), spoken.dictionary[other].as_py()) for one, other in codes)
    return forms, form.indices.to_numpy()


def _key(table_of: Mapping[str, Meaning], form: Form) -> str:
    """The status by which the table knows a form; "" when it knows neither."""
    return next((key for each in form if (key := status_key(each)) in table_of), "")


def _dated(
    lifecycle: Lifecycle,
    table: pa.Table | TextTable,
    rows_of: Mapping[str, list[int]],
    wish: npt.NDArray[np.int8],
    today: date,
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


def _leaving(table: pa.Table | TextTable, wish: npt.NDArray[np.int8], today: date) -> dict[int, str]:
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
