"""A plan as an Excel file for people to decide in, and their decisions back out of it.

What stands in a row is computed in one place (`_Rows`), for the writer and for the reader: they agree by
construction. Nothing but decisions is ever taken from a file; its values are compared and thrown away.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain, count, islice, repeat, takewhile
from math import ceil
from textwrap import wrap
from typing import BinaryIO

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from provisioning.errors import UsageError, WorkbookRefused
from provisioning.model import (
    Action,
    Approval,
    Change,
    Finding,
    Legend,
    Plan,
    PlanStatus,
    Result,
    Run,
    RunStatus,
    Severity,
)
from provisioning.naming import sharing, some_of
from provisioning.report.called import ACTIONS_DONE, RESULTS, held_called
from provisioning.report.dates import dated, day
from provisioning.report.differences import with_name
from provisioning.report.evidence import evidence_rows
from provisioning.report.text import managers, newly_live, who
from provisioning.report.workbook_reader import SheetRow, Spreadsheet

APPROVE, LEAVE_OUT, KEEP_ACTIVE = DECISIONS = ("Approve", "Leave out", "Keep active")
ONE_OF = f"{APPROVE}, {LEAVE_OUT} or {KEEP_ACTIVE}"
DECISION, KEY, WHY = "Decision", "Key", "Why"
PLAN, DIGEST, DECIDED_BY = "Plan", "Digest", "Decided by"
BLANK_RULE = "A blank decision counts as Approve."

MAX_NAME = 200  # characters of whoever decided
MAX_PEOPLE = 1_048_000  # on one sheet: Excel's 1,048,576 rows, less room for what stands above
MAX_TEXT = 32_767  # in one cell, in UTF-16 units, as Excel counts
HEADER_WITHIN = 50  # rows: it is written within the first 14, but people insert some
PAGE_WIDTH = 260  # characters that are still legible across an A4 page on its side
TITLE_HEIGHT = 26
SAMPLE = 200  # rows that decide how wide columns are
LINE = 110  # characters of the headline


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


@dataclass(frozen=True, slots=True)
class _Row:
    """One row as it is shown, which of its cells are marked as changed, and which are dates: by place, the number that a
    spreadsheet has for the day."""

    cells: tuple[str, ...]
    changed: tuple[int, ...] = ()
    days: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet of people to decide on."""

    title: str
    action: Action
    heading: str
    meaning: str


SHEETS = (
    _Sheet(
        "Added",
        Action.ADD,
        "To be added",
        "In HiBob, and no user of this domain yet. Each becomes a live user with the values below.",
    ),
    _Sheet(
        "Reactivated",
        Action.REACTIVATE,
        "To be reactivated",
        "Archived here, and active in HiBob again. Each becomes a live user with the values below; "
        "a value that changes is bold on a shaded cell.",
    ),
    _Sheet(
        "Updated",
        Action.UPDATE,
        "To be updated",
        "Live users whose values differ in HiBob. A changed cell reads “old → new”, bold on a shaded cell.",
    ),
    _Sheet(
        "Archived",
        Action.ARCHIVE,
        "To be archived",
        "Live users who have left HiBob or this domain, with the values they have now. Nobody is deleted.",
    ),
)
HOW_TO_DECIDE = (
    "Decide each row in the column Decision: Approve (it happens), Leave out (not this time), "
    "or Keep active (not this time, and never archived from the next plan on)."
)
HOW_TO_DECIDE_NEW = (
    "Decide each row in the column Decision: Approve (it happens), Leave out (not this time), "
    "or Keep active (not added this time, and never archived once they are a user)."
)
WHAT_MAY_CHANGE = (
    "You may sort, filter, hide and move columns, and comment. A file with changed values, "
    "or with rows taken out or added, is refused."
)
STATUS_WORDS = {
    PlanStatus.READY: "Waiting for approval",
    PlanStatus.BLOCKED: "Blocked: the findings below say by what, and what can be done",
    PlanStatus.EMPTY: "Nothing to do: Skillcast agrees with HiBob",
}
RUN_WORDS = {
    RunStatus.RUNNING: "Being processed",
    RunStatus.DONE: "Processed",
    RunStatus.PARTIAL: "Processed, with exceptions",
    RunStatus.STOPPED: "Begun to be processed, and stopped",
}
APPROVED = "Approved, and not processed yet: it may be decided again until then"
APPROVED_OTHERWISE = "Approved, but this file leaves out others than the approval does: to be approved again"
DECIDED = "Decided, and processed as the Summary says: there is nothing left to decide in this file."
LAPSED = "Lapsed, so it can no longer be approved."
CLOSED = "This preview has lapsed: there is nothing left to decide in this file. Make a new preview."
SEVERITY_WORDS = {Severity.BLOCK: "Block", Severity.WARN: "Warning", Severity.INFO: "For information"}


# --- what the cells say -----------------------------------------------------------------------------------

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_PICTURES = (
    {code: chr(0x2400 + code) for code in range(0x20)}
    | {0x7F: "\u2421"}
    | dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")
)
_LIKE_AN_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_ISO = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_NONE = date(1899, 12, 30).toordinal()
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
    return len(text) * 2 <= most or len(_escaped(text).encode("utf-16-le")) // 2 <= most


def _escaped(text: str) -> str:
    """Excel reads `_x0041_` as A; with its first underscore escaped it shows what was meant."""
    return _LIKE_AN_ESCAPE.sub("_x005F_", text) if "_x" in text else text


def _header(plan: Plan) -> tuple[str, ...]:
    return (DECISION, KEY, *map(shown, plan.attributes), WHY)


class _Rows:
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

    def of(self, change: Change) -> _Row:
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
        return _Row(tuple(map(shown, cells)), tuple(marked), days)

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
    return (day(at), at.toordinal() - _DAY_NONE) if at >= _FIRST_DAY else None


def _old_to_new(old: str, new: str) -> str:
    """Each side may fill half a cell: a long old value must not push the new one out."""
    half = MAX_TEXT // 2 - 2
    return f"{shown(old or '(blank)', half)} → {shown(new or '(blank)', half)}"


def _moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def _people(number: int) -> str:
    return {0: "nobody", 1: "1 person"}.get(number, f"{number:,} people")


# --- writing ----------------------------------------------------------------------------------------------

_INK = "FF1F3A4D"
_TEXT, _BOLD = Font("Calibri", 11), Font("Calibri", 11, bold=True)
_LABEL = Font("Calibri", 11, bold=True, color=_INK)
_SECTION, _TITLE = Font("Calibri", 13, bold=True, color=_INK), Font("Calibri", 17, bold=True, color=_INK)
_SENTENCE = Font("Calibri", 13)
_BAND, _MARK = PatternFill("solid", fgColor="FFDCE6EC"), PatternFill("solid", fgColor="FFFFDD80")
_RULE = Border(bottom=Side("thin", color="FFD0D8DD"))


def write_workbook(
    plan: Plan,
    file: BinaryIO,
    left_out: Collection[str] = (),
    head: str = "",
    approval: Approval | None = None,
    run: Run | None = None,
    lapsed: str = "",
    kept: Collection[str] = (),
    headline: str = "",
) -> None:
    """Write the workbook of a plan, row by row; whoever is in `left_out` (keys) is decided so already, and counted as left
    out everywhere. `head`: the newest hash of the history, for whoever keeps the file to have checked later. `approval`
    and `run`: those there are, the run with all that was done; `lapsed`: why the plan can no longer be approved. Once
    there is one of these two the file no longer says how to decide. `kept`: which of those left out are kept active from now on.
    `headline`: the plan in a sentence, for the first sheet.

    Raises `UsageError` when a sheet would need more rows than Excel has.
    """
    numbers = Counter(change.action for change in plan.changes)
    most = max((*numbers.values(), len(plan.held)), default=0)
    if most > MAX_PEOPLE:
        raise UsageError(
            f"Preview {plan.id} has {most:,} people for one sheet, and Excel has room for {MAX_PEOPLE:,}. "
            "Decide on the page, or by `approve` with --only or --leave-out."
        )
    workbook = Workbook(write_only=True)
    workbook.properties.creator = "Rollcall"
    closed = DECIDED if run else CLOSED if lapsed else ""
    without = frozenset(left_out)
    status = _status(plan, without, approval, run, lapsed)
    sections = _summary(plan, head, status, without, approval, run, bool(closed))
    _write_summary(workbook, sections, plan.domain, headline)
    for sheet in SHEETS:
        _write_people(workbook, plan, sheet, numbers[sheet.action], without, frozenset(kept), closed)
    _write_held(workbook, plan)
    workbook.save(file)


def _status(plan: Plan, left_out: frozenset[str], approval: Approval | None, run: Run | None, lapsed: str) -> str:
    """How far the plan is, in words."""
    if run:
        return RUN_WORDS[run.status]
    if lapsed:
        return f"{LAPSED} {dated(lapsed)}"
    if approval:
        return APPROVED if left_out == {*approval.left_out} else APPROVED_OTHERWISE
    return STATUS_WORDS[plan.status]


_Section = tuple[str, Iterable[tuple[str, str]]]
"""A heading, and rows of label and value."""


def _write_summary(workbook: Workbook, sections: Iterable[_Section], domain: str, headline: str) -> None:
    sheet = _new_sheet(workbook, "Summary")
    sheet.sheet_view.showGridLines = False
    _set_widths(sheet, (24, 110))
    sheet.row_dimensions[1].height = TITLE_HEIGHT
    _append(sheet, [_look(sheet, _TITLE)], [shown(f"Preview of {domain}")])
    section, label, value = _look(sheet, _SECTION), _look(sheet, _LABEL), _look(sheet, wrap=True)
    signature = _look(sheet, border=_RULE, fill=_MARK)
    number = 1
    if headline:
        # One line that flows over both columns: a cell as narrow as the labels would wrap it into many.
        for line in wrap(shown(headline), LINE):
            number += 1
            _append(sheet, [_look(sheet, _SENTENCE)], [line])
    for heading, rows in sections:
        sheet.append([])
        _append(sheet, [section], [heading])
        number += 2
        for row in rows:
            number += 1
            _make_room(sheet, number, [(row[1], 110)])
            _append(sheet, [label, signature if row[0] == DECIDED_BY else value], map(shown, row))


def _summary(
    plan: Plan,
    head: str,
    status: str,
    left_out: frozenset[str],
    approval: Approval | None,
    run: Run | None,
    closed: bool,
) -> Iterator[_Section]:
    """The sections of the first sheet: first what concerns whoever decides, last what only a check needs."""
    yield (
        "What this is",
        (
            ("Customer/domain", plan.domain),
            ("Status", status),
            ("Made", f"{_moment(plan.made_at)}, by {plan.by}"),
            *_so_far(left_out, approval, run),
        ),
    )
    if run:
        ended = run.status in (RunStatus.DONE, RunStatus.PARTIAL)
        yield "What was done" if ended else "What was done so far", _done(run)
    yield "What was planned" if run else "What would happen", _counts(plan, left_out)
    if not closed:
        yield "How to decide", _how_to_decide(plan)
    yield "Findings", chain.from_iterable(map(_finding, plan.findings)) if plan.findings else [("None", "")]
    read = ("HiBob was read", _moment(plan.read_at))
    yield "What was read from HiBob", (read, *(evidence_rows(plan.evidence) if plan.evidence else ()))
    yield (
        "For the record",
        (
            (PLAN, plan.id),
            (DIGEST, plan.digest),
            *([("Run", run.id)] if run else []),
            *(
                [("Approved by file", f"{approval.file}, SHA-256 {approval.sha256}")]
                if approval and approval.sha256
                else []
            ),
            ("Mapping version", str(plan.mapping_version)),
            ("Settings version", str(plan.settings_version)),
            *([("Head of the history", head)] if head else []),
        ),
    )


def _so_far(left_out: frozenset[str], approval: Approval | None, run: Run | None) -> Iterator[tuple[str, str]]:
    """Who approved and processed it, when, and how many are left out: as the column Decision says, and by the approval
    where that is another number of people or are others."""
    if approval:
        yield "Approved", f"{_moment(approval.at)}, by {approval.by}"
        if approval.signed_by:
            yield "Decided, as a file said", approval.signed_by
        if left_out != {*approval.left_out}:
            yield "Left out by the approval", _people(len(approval.left_out)).capitalize()
    if approval or left_out:
        yield "Left out", _people(len(left_out)).capitalize()
    if run:
        ended = f"{_moment(run.ended_at)}, " if run.ended_at else f"begun {_moment(run.started_at)}, "
        yield "Processed", f"{ended}by {run.by}"


def _how_to_decide(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "1. Decide", HOW_TO_DECIDE
    yield "2. Leave the rest", WHAT_MAY_CHANGE
    yield "3. Sign", "Write into the shaded cell who decided, as a name or an e-mail; it may stay blank."
    yield DECIDED_BY, ""
    yield "4. Hand it back", "To whoever sent it to you; or upload it yourself, on the page Preview"
    yield "    or by command", f"approve {plan.id} --by EMAIL --workbook FILE"


def _done(run: Run) -> Iterator[tuple[str, str]]:
    done = Counter(each.action for each in run.outcomes if each.result is Result.DONE)
    results = Counter(each.result for each in run.outcomes)
    for action, called in ACTIONS_DONE.items():
        yield called, _people(done[Action(action)]).capitalize()
    for result in (Result.FAILED, Result.DRIFTED):
        more = "; the page Process says why" if results[result] else ""
        yield RESULTS[result], _people(results[result]).capitalize() + more


def _without(plan: Plan, left_out: frozenset[str]) -> Counter[str]:
    """Action → how many of its changes are left out."""
    return Counter(change.action.value for change in plan.changes if change.key in left_out)


def _counts(plan: Plan, left_out: frozenset[str]) -> Iterator[tuple[str, str]]:
    """As the page counts: whoever is left out apart from the rest."""
    out = _without(plan, left_out)
    counts = {name: number - out[name] for name, number in plan.counts.items()}
    rows = [(sheet.heading, sheet.action.value, "") for sheet in SHEETS] + [
        ("To be moved", Action.MOVE.value, " to another domain; decided on the page, not in this file"),
        ("To be linked", Action.LINK.value, " to their HiBob record; no value changes, not in this file"),
        ("Held back", "held", ": something would happen to them and does not, for the reason given"),
        ("Unchanged", "unchanged", ""),
    ]
    for heading, name, note in rows:
        number = counts.get(name, 0)
        yield heading, _people(number).capitalize() + (note if number else "") + _and_left_out(out[name])
    yield from (("What people notice", line) for line in newly_live(counts))


def _and_left_out(number: int) -> str:
    return f"; {number:,} left out" if number else ""


def _finding(finding: Finding) -> Iterator[tuple[str, str]]:
    yield SEVERITY_WORDS[finding.severity], dated(finding.message)
    yield "    What to do", dated(finding.remedy)
    if finding.keys:
        yield "    Who", who(finding)
    if finding.managers:
        yield "    Their managers", managers(finding)
    numbers = [f"{name} {number:,}" for name, number in finding.numbers.items()]
    people = [_people(len(finding.keys))] if finding.keys else []
    yield "    Code", " · ".join((finding.code, *numbers, *people))


def _write_people(
    workbook: Workbook,
    plan: Plan,
    kind: _Sheet,
    number: int,
    left_out: frozenset[str],
    kept: frozenset[str],
    closed: str,
) -> None:
    """`closed`: why nothing is left to decide, "" while it is."""
    out = _without(plan, left_out)[kind.action]
    how = HOW_TO_DECIDE_NEW if kind.action is Action.ADD else HOW_TO_DECIDE
    notes = (
        f"{kind.heading}: {_people(number - out)}{_and_left_out(out)}",
        kind.meaning if number else "Nobody.",
        *((how, BLANK_RULE, WHAT_MAY_CHANGE) if not closed else (closed,)),
        f"Customer/domain {plan.domain}, preview {plan.id}",
    )
    sheet = _new_sheet(workbook, kind.title)
    shown_of = _Rows(plan, plan.legend).of
    rows = (
        _decided(shown_of(change), KEEP_ACTIVE if change.key in kept else LEAVE_OUT)
        if change.key in left_out
        else shown_of(change)
        for change in plan.changes
        if change.action is kind.action
    )
    first = _write_table(sheet, notes, _header(plan), rows, frozen=2)
    if number:
        decisions = f"A{first}:A{first + number - 1}"
        _shade_decisions(sheet, decisions)
        if not closed:
            _offer_decisions(sheet, decisions)


def _decided(row: _Row, decision: str) -> _Row:
    return replace(row, cells=(decision, *row.cells[1:]))


def _write_held(workbook: Workbook, plan: Plan) -> None:
    meaning = "Something would happen to these people and does not, for the reason given: nothing to decide."
    notes = (
        f"Held back: {_people(len(plan.held))}",
        meaning if plan.held else "Nobody.",
        f"Customer/domain {plan.domain}, preview {plan.id}",
    )
    others = sharing(plan.held)
    rows = (
        _Row(
            tuple(map(shown, (each.key, each.name, held_called(each.code), others.get(each.key, "") + dated(each.why))))
        )
        for each in plan.held
    )
    _write_table(_new_sheet(workbook, "Held"), notes, (KEY, "Name", "Reason", WHY), rows, frozen=1)


def _write_table(
    sheet: Worksheet, notes: Sequence[str], header: Sequence[str], rows: Iterator[_Row], frozen: int
) -> int:
    """Notes, header and rows, with `frozen` columns always in sight. Returns the number of the first row."""
    sample = list(islice(rows, SAMPLE))
    top = len(notes) + 2
    widths = _widths(header, sample)
    _set_widths(sheet, widths)
    sheet.freeze_panes = f"{get_column_letter(frozen + 1)}{top + 1}"
    sheet.print_title_rows, sheet.print_title_cols = f"{top}:{top}", f"A:{get_column_letter(frozen)}"
    sheet.row_dimensions[1].height = TITLE_HEIGHT
    for note, font in zip(notes, chain([_TITLE], repeat(_TEXT)), strict=False):
        _append(sheet, [_look(sheet, font)], [shown(note)])
    sheet.append([])
    _make_room(sheet, top, zip(header, widths, strict=True))
    _append(sheet, repeat(_look(sheet, _LABEL, _RULE, _BAND, wrap=True)), header)
    plain, why = _look(sheet, border=_RULE), _look(sheet, border=_RULE, wrap=True)
    marked = _look(sheet, _BOLD, _RULE, _MARK, wrap=True)
    a_day, marked_day = _look_of_day(sheet, _TEXT), _look_of_day(sheet, _BOLD, _MARK)
    last = top
    for row in chain(sample, rows):
        last += 1
        looks = [*repeat(plain, len(header) - 1), why]
        for place in row.changed:
            looks[place] = marked
        cells: Iterable[str | int] = row.cells
        if row.days:
            cells = [*row.cells]
            for place, number in row.days.items():
                cells[place], looks[place] = number, marked_day if place in row.changed else a_day
        _make_room(sheet, last, ((row.cells[place], widths[place]) for place in (*row.changed, -1)))
        _append(sheet, looks, cells)
    sheet.auto_filter.ref = f"A{top}:{get_column_letter(len(header))}{last}"
    # The notes are for the screen: on paper the columns that each page repeats would cut them. What it is stands on each.
    sheet.print_area = sheet.auto_filter.ref
    if sheet.oddHeader is not None:
        sheet.oddHeader.left.text, sheet.oddHeader.right.text = (_on_paper(notes[place]) for place in (0, -1))
    if last == top:
        sheet.page_setup.fitToWidth = 1
    return top + 1


def _on_paper(note: str) -> str:
    """A line above a page, where & begins a command; Excel has room for 255 characters on it."""
    return " ".join(shown(note).split())[:100].replace("&", "&&")


def _new_sheet(workbook: Workbook, title: str) -> Worksheet:
    sheet: Worksheet = workbook.create_sheet(title)
    # openpyxl tries every value as number, text and date before it finds that it is a Cell: a third of all
    # time. Should the name ever change, this costs that time again and nothing else.
    vars(sheet)["_values_to_row"] = _place
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.7, bottom=0.6, header=0.3, footer=0.3)
    if sheet.oddFooter is not None:
        sheet.oddFooter.right.text = "&A, page &P of &N"
    return sheet


def _place(cells: Iterable[Cell], row: int) -> Iterator[Cell]:
    for column, cell in enumerate(cells, 1):
        cell.row, cell.column = row, column
        yield cell


def _append(sheet: Worksheet, looks: Iterable[Cell], cells: Iterable[str | int]) -> None:
    sheet.append(_fill(looks, cells))  # type: ignore[arg-type]  # its stubs forget cells in a generator


def _fill(looks: Iterable[Cell], cells: Iterable[str | int]) -> Iterator[Cell]:
    """A cell is written as soon as it is yielded, so that one cell of each look serves for all. Text is text
    whatever it looks like: openpyxl would make a formula of `=1+1`, and an error of `#N/A`. A number is a day."""
    for content, cell in zip(cells, looks, strict=False):
        if isinstance(content, str):
            cell.value = _escaped(content) or None
            if content:
                cell.data_type = "s"
        else:
            cell.value = content
        yield cell


def _look(
    sheet: Worksheet,
    font: Font = _TEXT,
    border: Border | None = None,
    fill: PatternFill | None = None,
    wrap: bool = False,
) -> Cell:
    """An empty cell. Format “@” and the quote prefix keep a text a text also when somebody types it again."""
    cell = WriteOnlyCell(sheet)
    cell.number_format = "@"
    cell.quotePrefix = True
    cell.alignment = Alignment(vertical="top", wrap_text=wrap)
    cell.font, cell.border, cell.fill = font, border or Border(), fill or PatternFill()
    return cell


def _look_of_day(sheet: Worksheet, font: Font, fill: PatternFill | None = None) -> Cell:
    """A date that sorts as one. It stands as the texts beside it do."""
    cell = _look(sheet, font, _RULE, fill)
    cell.number_format, cell.quotePrefix = "d mmm yyyy", False
    cell.alignment = Alignment(horizontal="left", vertical="top")
    return cell


def _widths(header: Sequence[str], sample: Sequence[_Row]) -> list[float]:
    """As wide as the header and the first rows ask for, within reason; the last column, Why, is prose."""
    widths: list[float] = []
    for place, name in enumerate(header[:-1]):
        longest = max((len(line) for row in sample for line in row.cells[place].split("\n")), default=0)
        widths.append(min(max(longest, min(len(name) + 3, 20), 8), 42) + 2)
    return [*widths, 60]


def _set_widths(sheet: Worksheet, widths: Iterable[float]) -> None:
    """Sets also over how many pages a wide sheet is spread, so that print stays legible."""
    total = 0.0
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
        total += width
    sheet.page_setup.fitToWidth = ceil(total / PAGE_WIDTH)


def _make_room(sheet: Worksheet, number: int, wrapped: Iterable[tuple[str, float]]) -> None:
    """The height of a row for its wrapped texts: Excel fits it by itself, LibreOffice does not."""
    lines = max(sum(_lines(line, width) for line in text.split("\n")) for text, width in wrapped)
    if lines > 1:
        sheet.row_dimensions[number].height = min(15.0 * lines, 405)


def _lines(text: str, width: float) -> int:
    """A column is as wide as so many digits, of 7 pixels each; small letters are narrower, so more of them have room. At the
    end of each line but the last a part of a word is lost."""
    if len(text) <= width:
        return 1
    pixels = 6.1 * len(text) + 1.4 * sum(not each.islower() and each != " " for each in text)
    return 1 if pixels <= 7 * width else ceil(pixels / (7 * width - 20))


def _offer_decisions(sheet: Worksheet, cells: str) -> None:
    """A drop-down that takes nothing else."""
    offer = DataValidation("list", formula1=f'"{",".join(DECISIONS)}"', allow_blank=True)
    offer.showErrorMessage, offer.errorTitle = True, DECISION
    offer.error = f"Please choose {ONE_OF}."
    offer.add(cells)
    sheet.data_validations.append(offer)


def _shade_decisions(sheet: Worksheet, cells: str) -> None:
    """A shade for whatever is decided against."""
    for decision, color in ((LEAVE_OUT, "FFD9D9D9"), (KEEP_ACTIVE, "FFBFD9F2")):
        look = DifferentialStyle(font=Font(bold=True), fill=PatternFill(bgColor=color))
        rule = Rule("cellIs", operator="equal", formula=[f'"{decision}"'], dxf=look)
        sheet.conditional_formatting.add(cells, rule)


# --- reading ----------------------------------------------------------------------------------------------

_LAST_ROW = re.compile("[0-9]{1,7}$")
_REMEDY = "Only decisions may change: put the rest back, or download the Excel file again and decide in that."


def read_workbook(plan: Plan, file: BinaryIO) -> WorkbookDecisions:
    """The decisions in a workbook of this plan.

    Rows may be sorted, filtered and hidden, columns moved, sheets moved and added. Raises `WorkbookRefused`,
    naming sheet, row and reason, when the file is another plan's, or says anything but what the plan says.
    """
    book = Spreadsheet(file)
    missing = [title for title in ("Summary", *(sheet.title for sheet in SHEETS)) if title not in book.sheets]
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
                f"This is the Excel file of another preview. {place}: {label} should be {_quoted(expected)} "
                f"and is {_quoted(text)}.\nDownload the Excel file of preview {plan.id} and decide in that."
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

    def __init__(self, plan: Plan, sheet: _Sheet, problems: _Problems) -> None:
        self._plan, self._title, self._problems = plan, sheet.title, problems
        self._header = _header(plan)
        self._rows, self._plain = _Rows(plan, plan.legend), _Rows(plan, None)
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
        missing = Counter(self._header) - Counter(texts.values())
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
    return day(date.fromordinal(_DAY_NONE + number)) if number else text


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
