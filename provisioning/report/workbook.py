"""A plan as an Excel file for people to decide in."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import BinaryIO

from openpyxl import Workbook
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from provisioning.errors import UsageError
from provisioning.model import Action, Approval, Change, Plan, Result, Run
from provisioning.naming import sharing
from provisioning.report.called import RESULTS, held_called
from provisioning.report.dates import dated
from provisioning.report.told import not_done
from provisioning.report.workbook_rows import (
    BLANK_RULE,
    DECIDED_BY,
    DECISION,
    DECISIONS,
    KEEP_ACTIVE,
    KEY,
    LEAVE_OUT,
    NOT_REACHED,
    ONE_OF,
    SHEETS,
    WHY,
    Became,
    PeopleSheet,
    Rows,
    ShownRow,
    became_of,
    header_of,
    header_told,
    left_out_of,
    shown,
)
from provisioning.report.workbook_sheets import (
    LABEL,
    MARK,
    RULE,
    SECTION,
    SENTENCE,
    TITLE,
    TITLE_HEIGHT,
    append,
    look,
    make_room,
    new_sheet,
    set_widths,
    write_table,
)
from provisioning.report.workbook_summary import (
    CLOSED,
    DECIDED,
    HOW_TO_DECIDE,
    HOW_TO_DECIDE_NEW,
    WHAT_MAY_CHANGE,
    Section,
    and_left_out,
    people_text,
    sections_of,
    status_of,
)

MAX_PEOPLE = 1_048_000  # on one sheet: Excel's 1,048,576 rows, less room for what stands above
LINE = 110  # characters of the headline
AGAINST = {LEAVE_OUT: "FFD9D9D9", KEEP_ACTIVE: "FFBFD9F2"}
NOT_DONE = {
    RESULTS[Result.FAILED]: "FFF8CBAD",
    RESULTS[Result.DRIFTED]: "FFFFE699",
    RESULTS[Result.SKIPPED]: "FFD9D9D9",
    NOT_REACHED: "FFBFD9F2",
}
"""The shade of whatever is decided against, and of whatever was not done."""


def write_workbook(
    plan: Plan,
    file: BinaryIO,
    left_out: Collection[str] = (),
    head: str = "",
    approval: Approval | None = None,
    begun: Sequence[Run] = (),
    lapsed: str = "",
    kept: Collection[str] = (),
    headline: str = "",
    *,
    portal: bool | None = None,
    taken_back: str = "",
) -> None:
    """Write the workbook of a plan, row by row; whoever is in `left_out` (keys) is decided so already, and counted as left
    out everywhere. `head`: the newest hash of the history, for whoever keeps the file to have checked later. `approval`
    and `begun`: the one there is, and all runs, oldest first; `lapsed`: why the plan can no longer be approved. Once
    there is one of these two the file no longer says how to decide; once begun its rows say what became of them instead. `kept`: which of those left out are kept active from now on.
    `headline`: the plan in a sentence, for the first sheet; `portal`: whether one keeps the users, or the local directory; `taken_back`: that
    what was done was taken back, in words.

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
    closed = DECIDED if begun else CLOSED if lapsed else ""
    without = frozenset(left_out)
    status = status_of(plan, without, approval, begun, lapsed)
    sections = sections_of(
        plan, head, status, without, approval, begun, bool(closed), portal=portal, taken_back=taken_back
    )
    _write_summary(workbook, sections, plan.domain, headline)
    became = became_of(begun) if begun else None
    for sheet in SHEETS:
        _write_people(workbook, plan, sheet, numbers[sheet.action], without, frozenset(kept), closed, became)
    _write_held(workbook, plan)
    workbook.save(file)


def _write_summary(workbook: Workbook, sections: Iterable[Section], domain: str, headline: str) -> None:
    sheet = new_sheet(workbook, "Summary")
    sheet.sheet_view.showGridLines = False
    set_widths(sheet, (24, 110))
    sheet.row_dimensions[1].height = TITLE_HEIGHT
    append(sheet, [look(sheet, TITLE)], [shown(f"Preview of {domain}")])
    section, label, value = look(sheet, SECTION), look(sheet, LABEL), look(sheet, wrap=True)
    signature = look(sheet, border=RULE, fill=MARK)
    number = 1
    if headline:
        # One line that flows over both columns: a cell as narrow as the labels would wrap it into many.
        for line in wrap(shown(headline), LINE):
            number += 1
            append(sheet, [look(sheet, SENTENCE)], [line])
    for heading, rows in sections:
        sheet.append([])
        append(sheet, [section], [heading])
        number += 2
        for row in rows:
            number += 1
            make_room(sheet, number, [(row[1], 110)])
            append(sheet, [label, signature if row[0] == DECIDED_BY else value], map(shown, row))


def _write_people(
    workbook: Workbook,
    plan: Plan,
    kind: PeopleSheet,
    number: int,
    left_out: frozenset[str],
    kept: frozenset[str],
    closed: str,
    became: Became | None,
) -> None:
    """`closed`: why nothing is left to decide, "" while it is. `became`: None until the plan was begun."""
    out = left_out_of(plan, left_out)[kind.action]
    how = HOW_TO_DECIDE_NEW if kind.action is Action.ADD else HOW_TO_DECIDE
    planned = (f"{kind.heading}: {people_text(number - out)}{and_left_out(out)}", kind.meaning if number else "Nobody.")
    heads = planned if became is None else (_became_in_words(kind, became, number, out),)
    notes = (
        *heads,
        *((how, BLANK_RULE, WHAT_MAY_CHANGE) if not closed else (closed,)),
        f"Customer/domain {plan.domain}, preview {plan.id}",
    )
    sheet = new_sheet(workbook, kind.title)
    shown_of = Rows(plan, plan.legend).of
    changes = (change for change in plan.changes if change.action is kind.action)
    if became is None:
        rows = (
            _decided(shown_of(change), KEEP_ACTIVE if change.key in kept else LEAVE_OUT)
            if change.key in left_out
            else shown_of(change)
            for change in changes
        )
        first = write_table(sheet, notes, header_of(plan), rows, frozen=2)
    else:
        said = any(each.message for each in became.values() if each.action is kind.action)
        rows = (_told(shown_of(change), change, became, left_out, said) for change in changes)
        first = write_table(sheet, notes, header_told(plan, said), rows, frozen=2, prose=1 + said)
    if number:
        column = f"A{first}:A{first + number - 1}"
        _shade(sheet, column, AGAINST if became is None else NOT_DONE)
        if not closed:
            _offer_decisions(sheet, column)


def _became_in_words(kind: PeopleSheet, became: Became, number: int, out: int) -> str:
    """“Added: 205 people; 2 failed, 3 left out”: of `number` people on the sheet, `out` of whom were left out."""
    results = Counter(each.result.value for (_, action), each in became.items() if action is kind.action)
    # Whoever was left out may have no outcome, of a run that was stopped before it came to them.
    reached = results.total() - results[Result.SKIPPED.value]
    waits = number - out - reached
    said = [not_done({**results, Result.SKIPPED.value: out}), f"{waits:,} not reached yet" if waits > 0 else ""]
    return "; ".join(filter(None, [f"{kind.title}: {people_text(results[Result.DONE.value])}", *said]))


def _decided(row: ShownRow, decision: str) -> ShownRow:
    return replace(row, cells=(decision, *row.cells[1:]))


def _told(row: ShownRow, change: Change, became: Became, left_out: frozenset[str], said: bool) -> ShownRow:
    """What became of a row, and with `said` its message. Whoever is left out needs no run to reach them."""
    found = became.get((change.key, change.action))
    spared = RESULTS[Result.SKIPPED] if change.key in left_out else NOT_REACHED
    result, message = (RESULTS[found.result], shown(found.message)) if found else (spared, "")
    return replace(row, cells=(result, *row.cells[1:], *([message] if said else [])))


def _write_held(workbook: Workbook, plan: Plan) -> None:
    meaning = "Something would happen to these people and does not, for the reason given: nothing to decide."
    notes = (
        f"Held back: {people_text(len(plan.held))}",
        meaning if plan.held else "Nobody.",
        f"Customer/domain {plan.domain}, preview {plan.id}",
    )
    others = sharing(plan.held)
    rows = (
        ShownRow(
            tuple(map(shown, (each.key, each.name, held_called(each.code), others.get(each.key, "") + dated(each.why))))
        )
        for each in plan.held
    )
    write_table(new_sheet(workbook, "Held"), notes, (KEY, "Name", "Reason", WHY), rows, frozen=1)


def _offer_decisions(sheet: Worksheet, cells: str) -> None:
    """A drop-down that takes nothing else."""
    offer = DataValidation("list", formula1=f'"{",".join(DECISIONS)}"', allow_blank=True)
    offer.showErrorMessage, offer.errorTitle = True, DECISION
    offer.error = f"Please choose {ONE_OF}."
    offer.add(cells)
    sheet.data_validations.append(offer)


def _shade(sheet: Worksheet, cells: str, shades: Mapping[str, str]) -> None:
    for word, color in shades.items():
        look = DifferentialStyle(font=Font(bold=True), fill=PatternFill(bgColor=color))
        rule = Rule("cellIs", operator="equal", formula=[f'"{word}"'], dxf=look)
        sheet.conditional_formatting.add(cells, rule)
