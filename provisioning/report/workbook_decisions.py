"""The decisions in a workbook that came back. Nothing else is ever taken from the file: its values are compared and thrown away."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from itertools import count, islice, takewhile
from typing import BinaryIO

from openpyxl.utils import get_column_letter

from provisioning.errors import WorkbookRefused
from provisioning.model import Change, Plan
from provisioning.naming import some_of
from provisioning.report.dates import day
from provisioning.report.workbook_reader import SheetRow, Spreadsheet
from provisioning.report.workbook_rows import (
    APPROVE,
    BLANK_RULE,
    DAY_NONE,
    DECIDED_BY,
    DECISION,
    DECISIONS,
    DIGEST,
    KEEP_ACTIVE,
    KEY,
    ONE_OF,
    PLAN,
    RESULT,
    SHEETS,
    WHY,
    PeopleSheet,
    Rows,
    header_of,
    shown,
)

MAX_NAME = 200  # characters of whoever decided
HEADER_WITHIN = 50  # rows: it is written within the first 14, but people insert some


@dataclass(frozen=True, slots=True)
class WorkbookDecisions:
    """What a workbook decided, as keys, sorted and unique. Whoever is protected is also left out.

    `signed_by` is who decided, as somebody wrote into the file, and `saved_by` who saved it last, as their program
    wrote: claims both, "" when the file does not say.
    """

    left_out: tuple[str, ...]
    protected: tuple[str, ...]
    signed_by: str = ""
    saved_by: str = ""


_LAST_ROW = re.compile("[0-9]{1,7}$")
TOLD = (
    "This Excel file was downloaded after processing had begun: it says what became of each row, and there is nothing left to "
    "decide in it. Make a new preview, and decide in its Excel file."
)
FOREIGN = (
    "This is an Excel file, but none that was downloaded from a preview: it has none of its sheets. Download the Excel file of "
    "this preview and decide in that."
)
_REMEDY = "Only decisions may change: put the rest back, or download the Excel file again and decide in that."


def read_workbook(plan: Plan, file: BinaryIO) -> WorkbookDecisions:
    """The decisions in a workbook of this plan.

    Rows may be sorted, filtered and hidden, columns moved, sheets moved and added. Raises `WorkbookRefused`,
    naming sheet, row and reason, when the file is another plan's, or says anything but what the plan says.
    """
    book = Spreadsheet(file)
    ours = ("Summary", *(sheet.title for sheet in SHEETS))
    missing = [title for title in ours if title not in book.sheets]
    if len(missing) == len(ours):
        raise WorkbookRefused(FOREIGN)
    if missing:
        raise WorkbookRefused(f"The Excel file lacks the sheet {_named(missing)}. {_REMEDY}")
    signed_by = _check_identity(plan, book)
    problems = _Problems()
    decisions: dict[str, str] = {}
    for sheet in SHEETS:
        decisions |= _Reading(plan, sheet, problems).decisions(book)
    problems.settle()
    left_out = sorted(key for key, decision in decisions.items() if decision != APPROVE)
    protected = [key for key in left_out if decisions[key] == KEEP_ACTIVE]
    return WorkbookDecisions(tuple(left_out), tuple(protected), signed_by, _name(book.saved_by))


def _check_identity(plan: Plan, book: Spreadsheet) -> str:
    """Plan and digest stand beside their labels in columns A and B of the Summary; so does who decided, which is
    returned."""
    found: dict[str, tuple[int, str]] = {}
    for row in book.rows("Summary"):
        if row.formulas:
            raise WorkbookRefused(f"Summary, row {row.number}: there is a formula. {_REMEDY}")
        if (label := row.texts.get(1, "").strip()) in (PLAN, DIGEST, DECIDED_BY):
            found.setdefault(label, (row.number, row.texts.get(2, "")))
    for label, expected in ((PLAN, plan.id), (DIGEST, plan.digest)):
        number, text = found.get(label, (0, ""))
        if shown(text).strip() != shown(expected).strip():
            place = f"Summary, row {number}" if number else "Summary"
            raise WorkbookRefused(
                f"This is the Excel file of another preview. {place}: {label} should be {_quoted(expected)} and is "
                f"{_quoted(text)}.\nThis preview was made {plan.made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC. Download the Excel file of this preview and decide in that."
            )
    return _name(found.get(DECIDED_BY, (0, ""))[1])


def _name(text: str) -> str:
    return shown(" ".join(text.split()), MAX_NAME)


class _Problems:
    """What is wrong with the rows: the first three in words, and how many more."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._number = 0

    def add(self, place: str, problem: str) -> None:
        self._number += 1
        if self._number <= 3:
            self._first.append(f"{place}: {problem}")

    def settle(self) -> None:
        """Raises `WorkbookRefused` if there was any."""
        if self._number:
            more = f"; and {self._number - 3:,} more" if self._number > 3 else ""
            raise WorkbookRefused(f"{'; '.join(self._first)}{more}.\n{_REMEDY}")


class _Reading:
    """One sheet, being compared with its plan."""

    def __init__(self, plan: Plan, sheet: PeopleSheet, problems: _Problems) -> None:
        self._plan, self._title, self._problems = plan, sheet.title, problems
        self._header = header_of(plan)
        self._rows, self._plain = Rows(plan, plan.legend), Rows(plan, None)
        self._changes = {shown(each.key): each for each in plan.changes if each.action is sheet.action}
        self._columns: list[int] = []
        self._top = 0  # the header row
        self._blank_approves = False
        self._found: dict[str, str] = {}

    def decisions(self, book: Spreadsheet) -> dict[str, str]:
        """The decision for each key. What is wrong goes to the problems."""
        merged: list[str] = []
        rows = book.rows(self._title, merged)
        if self._find_header(rows):
            for row in rows:
                self._read(row)
            self._check_merged(merged)
            missing = [key for key in self._changes if key not in self._found]
            if missing:
                self._problems.add(self._title, f"{len(missing):,} missing, with key {_named(missing)}")
        return {self._changes[key].key: decision for key, decision in self._found.items()}

    def _find_header(self, rows: Iterator[SheetRow]) -> bool:
        for row in rows:
            texts = {column: shown(text) for column, text in row.texts.items()}
            self._check_formulas(row)
            if not {DECISION, KEY, WHY}.isdisjoint(texts.values()):
                return self._take_header(row.number, texts)
            if row.number >= HEADER_WITHIN:
                break
            self._blank_approves |= any(_same(text, BLANK_RULE) for text in texts.values())
        what = f"no row with the headings {DECISION}, {KEY} and {WHY} among the first {HEADER_WITHIN}"
        self._problems.add(self._title, what)
        return False

    def _take_header(self, number: int, texts: Mapping[int, str]) -> bool:
        """Where each column stands now. An attribute may be called Key or Why, too: then the first of them is
        taken for the first of ours, and the comparison of values tells if they changed places."""
        self._top = number
        places: dict[str, list[int]] = {}
        for column in sorted(texts):
            places.setdefault(texts[column], []).append(column)
        self._columns = [places[name].pop(0) for name in self._header if places.get(name)]
        wanted, there = Counter(self._header), Counter(texts.values())
        missing = wanted - there
        if DECISION in missing and there[RESULT] > wanted[RESULT]:
            raise WorkbookRefused(TOLD)
        twice = [name for name in dict.fromkeys(self._header) if places.get(name)]
        for name in missing:
            self._add(number, f"the heading {_quoted(name)} is missing")
        for name in twice:
            self._add(number, f"the heading {_quoted(name)} stands there more than once")
        return not missing and not twice

    def _read(self, row: SheetRow) -> None:
        texts = {column: shown(text) for column, text in row.texts.items() if text.strip()}
        self._check_formulas(row)
        if not texts:
            return
        for column in sorted(texts.keys() - set(self._columns)):
            place = get_column_letter(column)
            problem = f"{self._told(texts[column])} stands outside the table, in column {place}; write it as a comment"
            self._add(row.number, problem)
        cells = [shown(row.texts.get(column, "")) for column in self._columns]
        change = self._changes.get(cells[1])
        if change is None:
            self._add(row.number, f"the row was added; the preview has nobody here with key {self._told(cells[1])}")
        elif cells[1] in self._found:
            self._add(row.number, f"the row stands there twice; key {_quoted(cells[1])} came before")
        else:
            self._compare(row.number, change, cells)
            self._found[cells[1]] = self._decision(row.number, cells[0])

    def _compare(self, number: int, change: Change, cells: Sequence[str]) -> None:
        """A value may also stand as it is, without a name and as no date: so files of earlier versions have it."""
        expected = self._rows.of(change)
        if cells[1:] == [*expected.cells[1:]]:
            return
        plain = self._plain.of(change).cells
        rows = zip(count(), self._header, expected.cells, plain, cells, strict=False)
        for place, name, wanted, as_it_is, text in islice(rows, 1, None):
            if text in (wanted, as_it_is) or (
                place in expected.days and _same_day(text, expected.days[place], as_it_is)
            ):
                continue
            alike = takewhile(lambda pair: pair[0] == pair[1], zip(wanted, text, strict=False))
            at = len(list(alike))
            self._add(
                number,
                f"{_quoted(name)} should be {_quoted(wanted, at)} and is {self._told(text, at, a_day=place in expected.days)}",
            )

    def _decision(self, number: int, text: str) -> str:
        if self._blank_approves and not text.strip():
            return APPROVE
        for decision in DECISIONS:
            if _same(text, decision):
                return decision
        self._add(number, f"{DECISION} should be {ONE_OF} and is {self._told(text.strip())}")
        return APPROVE

    def _told(self, text: str, at: int = 0, *, a_day: bool = False) -> str:
        """What stands in a cell. Where dates are in the file a number may be one that strayed: a spreadsheet has dates as numbers."""
        if a_day:
            return _quoted(_as_day(text), at)
        perhaps = f" ({_as_day(text)}, if it is a date)" if self._rows.has_dates and _LIKELY_DAY.fullmatch(text) else ""
        return _quoted(text, at) + perhaps

    def _check_merged(self, merged: Sequence[str]) -> None:
        """Of merged cells only the first keeps its text: a decision for three would count for one."""
        for cells in merged:
            last = _LAST_ROW.search(cells)
            number = int(last[0]) if last else self._top
            if number >= self._top:
                self._add(number, f"the cells {_quoted(cells)} are merged")

    def _check_formulas(self, row: SheetRow) -> None:
        for column in row.formulas:
            self._add(row.number, f"there is a formula in column {get_column_letter(column)}")

    def _add(self, number: int, problem: str) -> None:
        self._problems.add(f"{self._title}, row {number:,}", problem)


_LIKELY_DAY = re.compile("[2-6][0-9]{4}")
"""From 1954 to 2091, as a spreadsheet counts days."""


def _as_day(text: str) -> str:
    """A day that a spreadsheet has as a number, as people write it."""
    number = int(text) if text.isdecimal() and len(text) < 7 else 0
    return day(date.fromordinal(DAY_NONE + number)) if number else text


def _same_day(text: str, number: int, iso: str) -> bool:
    """Whether a cell still has the day: as a number, or as Strict Open XML may write it (“2019-04-01T00:00:00”)."""
    return text == str(number) or (text[:10] == iso and text[10:].rstrip("0:.Z") == "T")


def _same(text: str, words: str) -> bool:
    return " ".join(text.split()).casefold() == words.casefold()


def _quoted(text: str, at: int = 0) -> str:
    """The text on one line and in at most 60 characters, of a long one those around `at`."""
    line = text.replace("\n", "␊").replace("\t", "␉")
    if len(line) > 60:
        start = max(0, min(at - 20, len(line) - 58))
        line = f"{'…' * (start > 0)}{line[start : start + 58]}{'…' * (start + 58 < len(line))}"
    return f"“{line}”" if line else "blank"


def _named(names: Sequence[str]) -> str:
    return some_of([*map(_quoted, names)], 5)
