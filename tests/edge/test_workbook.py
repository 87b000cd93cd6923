"""The workbook: what people are shown, which edits they may make, and which files are refused."""

import contextlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet
from plans import ATTRIBUTES, add, plan_of, sample_plan, seen, update

from provisioning.errors import UsageError, WorkbookRefused
from provisioning.model import Action, Change, Finding, Held, Legend, Plan, Seen, Severity, Status
from provisioning.report import workbook_reader
from provisioning.report.workbook import write_workbook
from provisioning.report.workbook_decisions import WorkbookDecisions, read_workbook
from provisioning.report.workbook_rows import shown

SHEETS = ["Summary", "Added", "Reactivated", "Updated", "Archived", "Held"]
HEADER = ["Decision", "Key", *ATTRIBUTES, "Why"]
TOP = 8  # the header row; the first person stands below it
BLANK_RULE = "A blank decision counts as Approve."
ANY_TEXT = st.text(st.characters() | st.sampled_from("_x005F"))  # lone surrogates too
NOTHING = WorkbookDecisions((), ())


def written(plan: Plan) -> BytesIO:
    file = BytesIO()
    write_workbook(plan, file)
    return file


def opened(plan: Plan) -> Workbook:
    return load_workbook(written(plan))


def saved(book: Workbook) -> BytesIO:
    file = BytesIO()
    book.save(file)
    return file


def row(sheet: Worksheet, number: int) -> list[str]:
    return [cell.value or "" for cell in sheet[number]]


def column(sheet: Worksheet, name: str) -> int:
    return row(sheet, TOP).index(name) + 1


def decide(sheet: Worksheet, key: str, decision: str | None) -> None:
    number = next(number for number in range(TOP, sheet.max_row + 1) if sheet.cell(number, 2).value == key)
    sheet.cell(number, 1).value = decision


def refusal(plan: Plan, file: BytesIO) -> str:
    with pytest.raises(WorkbookRefused) as refused:
        read_workbook(plan, file)
    message = str(refused.value)
    assert message.count("\n") <= 1
    return message


# --- what is written --------------------------------------------------------------------------------------


def test_every_sheet_is_there_in_order_even_when_nobody_changes() -> None:
    assert opened(sample_plan()).sheetnames == SHEETS
    book = opened(plan_of())
    assert book.sheetnames == SHEETS
    for title in SHEETS[1:]:
        assert "Nobody." in [cell.value for cell in book[title]["A"]]
        assert row(book[title], book[title].max_row)[-1] == "Why", "nothing stands below the header"


@pytest.mark.parametrize("title", SHEETS[1:5])
def test_an_action_sheet_has_its_header_below_the_notes_and_nothing_below_the_people(title: str) -> None:
    sheet = opened(sample_plan())[title]
    assert row(sheet, TOP) == HEADER
    assert BLANK_RULE in [sheet.cell(number, 1).value for number in range(1, TOP)]
    assert all(row(sheet, number)[0] == "Approve" for number in range(TOP + 1, sheet.max_row + 1))


def test_people_stand_in_the_order_of_the_plan() -> None:
    sheet = opened(sample_plan())["Added"]
    assert [row(sheet, number)[1] for number in (TOP + 1, TOP + 2)] == ["3344556677889900112", "1002"]


def test_an_updated_cell_reads_old_arrow_new_and_is_marked() -> None:
    sheet = opened(sample_plan())["Updated"]
    assert row(sheet, TOP + 1)[4:8] == [
        "Nora",
        "O'Connor → O'Connor-Byrne",
        "Sales → Key Accounts",
        "2019-04-01",
    ]
    assert row(sheet, TOP + 2)[7] == "(blank) → 2020-02-29"
    changed, same = sheet.cell(TOP + 1, 6), sheet.cell(TOP + 1, 5)
    assert changed.font.bold
    assert changed.fill.fill_type == "solid"
    assert not same.font.bold
    assert same.fill.fill_type is None


def test_a_cleared_value_reads_blank() -> None:
    plan = plan_of(update("1", seen(Status.LIVE, "1", "a@b", "A", "B", "Sales", ""), {"Department": None}))
    assert row(opened(plan)["Updated"], TOP + 1)[6] == "Sales → (blank)"


def test_a_reactivated_user_is_shown_with_the_resulting_values_and_the_changed_ones_marked() -> None:
    sheet = opened(sample_plan())["Reactivated"]
    assert row(sheet, TOP + 1)[2:7] == ["00101", "ravi@acme.example", "Ravi", "Iyer", "Risk"]
    assert [bool(cell.font.bold) for cell in sheet[TOP + 1]].index(True) == 6


def test_an_archived_user_is_shown_with_the_values_of_now() -> None:
    assert row(opened(sample_plan())["Archived"], TOP + 1)[1:4] == ["user:u7", "00007", "tom@acme.example"]


def test_held_people_are_listed_with_the_reason() -> None:
    sheet = opened(sample_plan())["Held"]
    assert row(sheet, 5) == ["Key", "Name", "Reason", "Why"]
    assert row(sheet, 7) == ["5002", "Ana Silva", "Starts later", "Starts on 1 Dec 2026. Becomes live then."]


def test_held_people_who_share_something_are_told_with_whom() -> None:
    why = "2 people in HiBob and 1 user: each has the e-mail “a@acme.example”. Make the identifiers unique."
    other = "2 people in HiBob and 1 user: each has the e-mail “b@acme.example”. Make the identifiers unique."
    names = {"1": "Ana Silva", "2": "Ben Ito", "user:u3": "Cy Ray", "4": "Dee Poe"}
    held = tuple(Held(key, "disputed", other if key == "4" else why, name) for key, name in names.items())
    rows = {key: text for key, _, _, text in list(opened(replace(sample_plan(), held=held))["Held"].values)[5:]}
    assert rows == {
        "1": f"Shared with Ben Ito, Cy Ray. {why}",
        "2": f"Shared with Ana Silva, Cy Ray. {why}",
        "user:u3": f"Shared with Ana Silva, Ben Ito. {why}",
        "4": other,
    }


def test_the_summary_says_which_plan_how_many_and_what_is_wrong() -> None:
    sheet = opened(sample_plan())["Summary"]
    rows = [(cell.value, sheet.cell(cell.row, 2).value) for cell in sheet["A"]]
    said = {str(label).strip(): value for label, value in rows}
    assert said["Plan"] == "P-20261122-7Q4M"
    assert said["Digest"] == sample_plan().digest
    assert said["Made"] == "22 November 2026, 14:05 UTC, by admin@acme.example"
    assert said["To be added"] == "2 people"
    assert said["To be moved"].startswith("1 person to another domain; decided on the page")
    assert said["Unchanged"] == "1,160 people"
    assert said["or by command"] == "approve P-20261122-7Q4M --by EMAIL --workbook FILE"
    assert ("Block", sample_plan().findings[0].message) in rows
    assert ("    Code", "limit-archive · counted 2 · limit 3 · of 19 · 2 people") in rows
    assert any(label == "    Who" for label, *_ in rows)


def test_whoever_is_left_out_is_counted_apart_also_who_is_only_linked_or_moved() -> None:
    file = BytesIO()
    write_workbook(sample_plan(), file, ["user:u7", "2001", "2003"])
    book = load_workbook(file)
    said = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert said["Left out"] == "3 people"
    assert (said["To be added"], said["To be archived"]) == ("2 people", "1 person; 1 left out")
    assert (said["To be moved"], said["To be linked"]) == ("Nobody; 1 left out", "Nobody; 1 left out")
    assert [book[title]["A1"].value for title in SHEETS[3:5]] == [
        "To be updated: 1 person; 1 left out",
        "To be archived: 1 person; 1 left out",
    ]


def test_the_sheet_added_says_what_keep_active_means_for_who_is_no_user_yet() -> None:
    book = opened(sample_plan())
    assert "never archived once they are a user" in str(book["Added"]["A3"].value)
    assert "never archived from the next plan on" in str(book["Archived"]["A3"].value)


def test_times_are_written_in_utc_whatever_zone_they_were_taken_in() -> None:
    plan = replace(plan_of(), read_at=datetime.fromisoformat("2026-03-01T00:30:00+01:00"))
    assert "28 February 2026, 23:30 UTC" in [cell.value for cell in opened(plan)["Summary"]["B"]]


def test_decisions_come_from_a_list_and_header_and_key_stay_in_sight_and_in_print() -> None:
    sheet = opened(sample_plan())["Added"]
    offered = sheet.data_validations.dataValidation[0]
    assert offered.formula1 == '"Approve,Leave out,Keep active"'
    assert str(offered.sqref) == "A9:A10"
    assert offered.showErrorMessage
    assert sheet.freeze_panes == "C9"
    assert sheet.auto_filter.ref == "A8:I10"
    assert sheet.print_title_rows == "$8:$8"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_text_stays_text_however_it_looks() -> None:
    looks = ["=1+1", "#N/A", "007", "3344556677889900112", "+49 30", "2026-01-02"]
    plan = plan_of(add("=2+2", *looks), attributes=("=A1", *ATTRIBUTES))
    sheet = opened(plan)["Added"]
    assert row(sheet, TOP)[2] == "=A1"
    assert row(sheet, TOP + 1)[3:9] == looks
    for cell in (*sheet[TOP], *sheet[TOP + 1]):
        assert cell.value is None or cell.data_type == "s"
        assert cell.number_format == "@"
        assert cell.quotePrefix


def test_what_a_cell_cannot_hold_is_replaced_where_one_can_see_it() -> None:
    assert shown("a\x00b\x1f\r\x7f") == "a␀b␟␍␡"
    assert shown("tab\tand\nline stay ") == "tab\tand\nline stay "
    assert shown("\ud800 \uffff") == "\ufffd \ufffd"


@pytest.mark.parametrize("text", ["x" * 40_000, "_x0041_" * 6_000, "😀" * 20_000])
def test_a_text_that_is_too_long_is_cut_and_says_so(text: str) -> None:
    assert shown(text).endswith(f"… (cut here; {len(text):,} characters in all)")
    plan = plan_of(add("1", text))
    assert len(row(opened(plan)["Added"], TOP + 1)[2].encode("utf-16-le")) <= 2 * 32_767
    assert read_workbook(plan, written(plan)) == NOTHING


def test_a_long_old_value_does_not_push_out_the_new_one() -> None:
    plan = plan_of(update("1", seen(Status.LIVE, "x" * 40_000, "", "", "", "", ""), {"Employee ID": "new"}))
    assert row(opened(plan)["Updated"], TOP + 1)[2].endswith("40,000 characters in all) → new")


def test_more_people_than_excel_has_rows_is_said_before_anything_is_written() -> None:
    file = BytesIO()
    with pytest.raises(UsageError, match="1,048,001 people"):
        write_workbook(plan_of(*[add("1")] * 1_048_001), file)
    assert not file.getvalue()


# --- dates and people, as people read them ----------------------------------------------------------------

MANAGED = ("Start date", "Manager")
LEGEND = Legend(("Start date",), ("Manager",), {"00001": "Ada Lovelace", "00002": "Ben Itō"})


def managed_plan(legend: Legend = LEGEND) -> Plan:
    """Dates and managers on every sheet, changed ones and others."""
    before = Seen(Status.LIVE, "", {"Start date": "2019-04-01", "Manager": "00001"})
    changed = {"Start date": "2020-02-29", "Manager": "00002"}
    plan = plan_of(
        Change("1", Action.ADD, "Starts on 2026-12-01.", {}, {"Start date": "2026-12-01", "Manager": "00009"}),
        Change("2", Action.REACTIVATE, "Back.", {"Manager": "00001"}, {"Manager": "00002"}, "u2", before),
        Change("3", Action.UPDATE, "Both differ.", dict(before.attributes), changed, "u3", before),
        Change("4", Action.UPDATE, "Differs.", {"Start date": "2019-04-01"}, {"Start date": None}, "u4", before),
        Change("5", Action.ARCHIVE, "Left.", {"status": "Live"}, {"status": "Archived"}, "u5", before),
        attributes=MANAGED,
    )
    return replace(plan, legend=legend)


def test_a_manager_stands_with_their_name_as_on_the_page_and_one_whose_name_is_not_known_without() -> None:
    book = opened(managed_plan())
    said = {title: book[title].cell(TOP + 1, 4).value for title in SHEETS[1:5]}
    assert said == {
        "Added": "00009",
        "Reactivated": "00002 (Ben Itō)",
        "Updated": "00001 (Ada Lovelace) → 00002 (Ben Itō)",
        "Archived": "00001 (Ada Lovelace)",
    }


def test_a_date_is_one_for_a_spreadsheet_too_and_a_changed_one_reads_as_people_write_it() -> None:
    book = opened(managed_plan())
    cell = book["Archived"].cell(TOP + 1, 3)
    assert (cell.value, cell.number_format, cell.quotePrefix) == (
        datetime.fromisoformat("2019-04-01"),
        "d mmm yyyy",
        False,
    )
    assert book["Updated"].cell(TOP + 1, 3).value == "1 Apr 2019 → 29 Feb 2020"
    assert book["Updated"].cell(TOP + 2, 3).value == "1 Apr 2019 → (blank)"
    assert book["Added"].cell(TOP + 1, 5).value == "Starts on 1 Dec 2026."


def test_a_row_is_as_high_as_its_text_needs_and_no_higher() -> None:
    def high(message: str) -> float | None:
        plan = replace(plan_of(), findings=(Finding("seats", Severity.WARN, message, "Nothing."),))
        sheet = opened(plan)["Summary"]
        (row,) = [each.row for each in sheet["B"] if each.value == message]
        return sheet.row_dimensions[row].height

    assert high("so many words " * 8 + "end") is None
    assert high("so many words " * 11 + "end") == 30
    assert high("3980342332733116021 " * 6 + "end") == 30


@pytest.mark.parametrize("text", ["1899-12-31", "1900-02-28", "2019-02-29", "2019-4-1", "soon", "٢٠١٩-٠٤-٠١"])
def test_what_no_spreadsheet_knows_as_a_date_stays_the_text_it_is(text: str) -> None:
    plan = plan_of(Change("1", Action.ADD, "Hired.", {}, {"Start date": text}), attributes=MANAGED)
    plan = replace(plan, legend=LEGEND)
    assert opened(plan)["Added"].cell(TOP + 1, 3).value == text
    assert read_workbook(plan, written(plan)) == NOTHING


def test_a_file_with_dates_and_names_comes_back_as_it_went_also_saved_by_another_program() -> None:
    assert read_workbook(managed_plan(), written(managed_plan())) == NOTHING
    assert read_workbook(managed_plan(), saved(opened(managed_plan()))) == NOTHING
    strict = opened(managed_plan())
    strict.iso_dates = True
    assert read_workbook(managed_plan(), saved(strict)) == NOTHING


def test_a_file_of_before_there_were_names_and_dates_in_it_is_taken() -> None:
    """That has the values as they are stored, and dates in sentences too."""
    book = opened(managed_plan(Legend()))
    assert book["Archived"].cell(TOP + 1, 3).value == "2019-04-01"
    assert book["Updated"].cell(TOP + 1, 4).value == "00001 → 00002"
    book["Added"].cell(TOP + 1, 5).value = "Starts on 2026-12-01."
    decide(book["Archived"], "5", "Leave out")
    assert read_workbook(managed_plan(), saved(book)) == WorkbookDecisions(("5",), ())


@pytest.mark.parametrize(
    ("title", "column", "value", "said"),
    [
        ("Archived", 3, date(2019, 4, 2), "“Start date” should be “1 Apr 2019” and is “2 Apr 2019”"),
        (
            "Archived",
            4,
            date(2019, 4, 2),
            "“Manager” should be “00001 (Ada Lovelace)” and is “43557” (2 Apr 2019, if it is a date)",
        ),
        ("Archived", 1, date(2019, 4, 2), "and is “43557” (2 Apr 2019, if it is a date)"),
        ("Archived", 9, date(2019, 4, 2), "“43557” (2 Apr 2019, if it is a date) stands outside the table"),
        ("Archived", 4, "00002 (Ada Lovelace)", "is “00002 (Ada Lovelace)”"),
        ("Archived", 4, "00001 (Eve)", "“Manager” should be “00001 (Ada Lovelace)” and is “00001 (Eve)”"),
        ("Updated", 4, "00001 (Ada Lovelace) → 00001 (Ada Lovelace)", "Updated, row 9: “Manager” should be"),
    ],
)
def test_another_date_or_another_manager_is_refused_in_the_words_of_the_file(
    title: str, column: int, value: object, said: str
) -> None:
    book = opened(managed_plan())
    book[title].cell(TOP + 1, column).value = value
    assert said in refusal(managed_plan(), saved(book))


def test_the_first_sheet_begins_with_the_plan_in_a_sentence_and_ends_with_what_only_a_check_needs() -> None:
    file = BytesIO()
    write_workbook(sample_plan(), file, headline="2 people join, 2 change, 2 leave. Blocked: too many archives.")
    labels = [cell.value for cell in load_workbook(file)["Summary"]["A"] if cell.value]
    assert labels[:2] == ["Preview of Acme/staff", "2 people join, 2 change, 2 leave. Blocked: too many archives."]
    headings = ["What this is", "What would happen", "How to decide", "Findings", "For the record"]
    assert [label for label in labels if label in headings] == headings


def test_it_prints_on_a4_on_its_side_with_header_and_key_on_every_page_and_without_the_notes() -> None:
    plan = replace(sample_plan(), domain="R&D/staff")
    sheet = opened(plan)["Updated"]
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert (sheet.print_title_rows, sheet.print_title_cols) == ("$8:$8", "$A:$B")
    assert sheet.print_area == "'Updated'!$A$8:$I$10"
    assert sheet.oddHeader.left.text == "To be updated: 2 people"
    assert sheet.oddHeader.right.text == "Customer/domain R&&D/staff, preview P-20261122-7Q4M"


# --- what may be done with it -----------------------------------------------------------------------------


def test_an_untouched_workbook_approves_everybody() -> None:
    assert read_workbook(sample_plan(), written(sample_plan())) == NOTHING
    assert read_workbook(plan_of(), written(plan_of())) == NOTHING


def test_decisions_come_back_by_key_in_any_case_and_with_blanks_around() -> None:
    book = opened(sample_plan())
    decide(book["Added"], "3344556677889900112", " LEAVE OUT ")
    decide(book["Archived"], "user:u7", "keep active\u00a0")
    decide(book["Updated"], "2002", None)
    decide(book["Archived"], "4002", "Leave\u00a0 out")
    decided = read_workbook(sample_plan(), saved(book))
    assert decided == WorkbookDecisions(("3344556677889900112", "4002", "user:u7"), ("user:u7",))


def sort_rows(book: Workbook) -> None:
    sheet = book["Updated"]
    sheet.move_range(f"A{TOP + 1}:I{TOP + 1}", rows=2)
    sheet.move_range(f"A{TOP + 2}:I{TOP + 3}", rows=-1)


def hide_rows_and_columns(book: Workbook) -> None:
    book["Updated"].row_dimensions[TOP + 1].hidden = True
    book["Added"].column_dimensions["D"].hidden = True
    book["Held"].sheet_state = "hidden"


def move_columns(book: Workbook) -> None:
    sheet = book["Updated"]
    for number in range(TOP, sheet.max_row + 1):
        for place, value in enumerate(reversed(row(sheet, number)[: len(HEADER)]), 3):
            sheet.cell(number, place).value = value
        sheet.cell(number, 1).value = sheet.cell(number, 2).value = None


def add_empty_rows_and_columns(book: Workbook) -> None:
    book["Added"].insert_rows(TOP + 2)
    book["Updated"].insert_rows(2, 3)
    book["Archived"].insert_cols(4)


def note_above(book: Workbook) -> None:
    book["Updated"]["H2"] = "Seen by Grace"
    book["Archived"].sheet_state = "hidden"


def move_and_add_sheets(book: Workbook) -> None:
    book.move_sheet("Archived", -3)
    book.create_sheet("My notes", 0)["A1"] = "=SUM(1,2)"


def comment_and_colour(book: Workbook) -> None:
    cell = book["Added"].cell(TOP + 1, 3)
    cell.comment = Comment("Really?", "Reviewer")
    cell.font = Font(color="FFFF0000")


def convert_to_numbers(book: Workbook) -> None:
    sheet = book["Updated"]
    sheet.cell(TOP + 1, 2).value, sheet.cell(TOP + 2, 2).value = 2001, 2002.0


@pytest.mark.parametrize(
    "edit",
    [
        sort_rows,
        hide_rows_and_columns,
        move_columns,
        add_empty_rows_and_columns,
        note_above,
        move_and_add_sheets,
        comment_and_colour,
        convert_to_numbers,
    ],
)
def test_these_edits_change_no_decision(edit: Callable[[Workbook], None]) -> None:
    book = opened(sample_plan())
    decide(book["Updated"], "2002", "Leave out")
    edit(book)
    assert read_workbook(sample_plan(), saved(book)) == WorkbookDecisions(("2002",), ())


def sign(book: Workbook, who: object) -> None:
    next(cell for cell in book["Summary"]["A"] if cell.value == "Decided by").offset(column=1).value = who


@pytest.mark.parametrize(
    ("written_there", "signed_by"),
    [
        ("Grace Okoye", "Grace Okoye"),
        ("  grace@acme.example\n(for Tom) ", "grace@acme.example (for Tom)"),
        ("<b>[x](http://evil)</b>\u202e", "<b>[x](http://evil)</b>\u202e"),
        (None, ""),
        (42, "42"),
        (" ", ""),
    ],
)
def test_who_decided_is_told_as_it_stands_in_the_summary(written_there: object, signed_by: str) -> None:
    book = opened(sample_plan())
    sign(book, written_there)
    assert read_workbook(sample_plan(), saved(book)).signed_by == signed_by


def test_a_very_long_signature_is_cut_and_says_so() -> None:
    book = opened(sample_plan())
    sign(book, "x" * 5000)
    signed_by = read_workbook(sample_plan(), saved(book)).signed_by
    assert len(signed_by) <= 200
    assert signed_by.endswith("(cut here; 5,000 characters in all)")


def test_attributes_may_be_called_like_the_columns_of_the_workbook_itself() -> None:
    names = ("Key", "Why", "Decision", "Key")
    plan = plan_of(Change("1", Action.ADD, "Hired.", {}, {"Key": "k", "Why": "w"}), attributes=names)
    assert read_workbook(plan, written(plan)) == NOTHING


@given(attribute=ANY_TEXT.filter(len), old=ANY_TEXT, new=ANY_TEXT, why=ANY_TEXT)
@settings(max_examples=80)
def test_any_text_survives_and_counts_as_unchanged(attribute: str, old: str, new: str, why: str) -> None:
    user = seen(Status.LIVE, *[old] * 6)
    names = (*ATTRIBUTES, attribute)
    before, after = {"Email": old or None}, {"Email": new or None}
    change = Change(f"key {old}", Action.UPDATE, why, before, after, "u", user)
    plan = plan_of(change, Change(f"key {new}", Action.ADD, why, {}, {attribute: new}), attributes=names)
    assert read_workbook(plan, written(plan)) == NOTHING


@pytest.mark.parametrize("text", ["_x0041_", "_x005F_", "_x0041_x0041_", "max005F_y", " ends ", "\n", "\t"])
def test_what_excel_would_read_as_something_else_survives_it(text: str) -> None:
    plan = plan_of(add("1", text))
    assert read_workbook(plan, written(plan)) == NOTHING
    file = replaced(written(plan), "xl/worksheets/sheet2.xml", "<t>Approve</t>", "<t>Le_x0061_ve out</t>")
    assert read_workbook(plan, file).left_out == ("1",)


# --- what is refused --------------------------------------------------------------------------------------


def put(title: str, name: str, value: object, number: int = TOP + 1) -> Callable[[Workbook], None]:
    def edit(book: Workbook) -> None:
        book[title].cell(number, column(book[title], name)).value = value

    return edit


def heading(old: str, new: str | None) -> Callable[[Workbook], None]:
    return put("Added", old, new, TOP)


def rename_plan(book: Workbook) -> None:
    next(cell for cell in book["Summary"]["A"] if cell.value == "Plan").value = "The plan"


def forget_the_rule(book: Workbook) -> None:
    next(cell for cell in book["Added"]["A"] if cell.value == BLANK_RULE).value = "Take your time."
    book["Added"].cell(TOP + 2, 1).value = None


def remove_header(book: Workbook) -> None:
    book["Added"].delete_rows(TOP)


def copy_row(book: Workbook) -> None:
    book["Archived"].append([cell.value for cell in book["Archived"][TOP + 1]])


def add_row(book: Workbook) -> None:
    book["Archived"].append(["Approve", "9999"])


def remark(book: Workbook) -> None:
    book["Archived"].cell(TOP + 2, 11).value = "Please do not!"


def test_an_excel_file_of_something_else_is_told_as_one() -> None:
    assert "none that was downloaded from a preview" in refusal(sample_plan(), saved(Workbook()))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            put("Updated", "Department", "Legal"),
            ["Updated, row 9: “Department”", "“Sales → Key Accounts” and is “Legal”"],
        ),
        (put("Archived", "Employee ID", 7), ["Archived, row 9", "“Employee ID”", "“00007” and is “7”"]),
        (
            put("Added", "Key", 3344556677889900112.0),
            ["Added, row 9", "added", "1 missing, with key “33445566"],
        ),
        (put("Added", "Email", None), ["Added, row 9", "“ida@acme.example” and is blank"]),
        (put("Added", "Why", "Because."), ["Added, row 9", "“Why”"]),
        (put("Added", "Email", "=1+1"), ["Added, row 9", "formula in column D"]),
        (put("Added", "Decision", '="Approve"'), ["Added, row 9", "formula in column A"]),
        (lambda book: book["Summary"].__setitem__("D1", "=1+1"), ["Summary, row 1", "formula"]),
        (put("Updated", "Decision", "Yes"), ["Updated, row 9", "Approve, Leave out or Keep active", "“Yes”"]),
        (forget_the_rule, ["Added, row 10", "Decision should be Approve", "is blank"]),
        (lambda book: book["Added"].delete_rows(TOP + 2), ["Added: 1 missing", "“1002”"]),
        (add_row, ["Archived, row 11", "added", "“9999”"]),
        (copy_row, ["Archived, row 11", "twice", "“user:u7”"]),
        (
            lambda book: book["Added"].append([cell.value for cell in book["Archived"][TOP + 1]]),
            ["Added, row 11", "added", "“user:u7”"],
        ),
        (
            lambda book: book["Added"].merge_cells(f"A{TOP + 1}:A{TOP + 2}"),
            ["Added, row 10: the cells “A9:A10” are merged"],
        ),
        (remark, ["as a comment", "Archived, row 10", "“Please do not!”", "outside the table", "column K"]),
        (heading("Email", "E-mail"), ["Added, row 8", "“Email” is missing"]),
        (heading("Key", None), ["Added, row 8", "“Key” is missing"]),
        (heading("Start date", "Email"), ["Added, row 8", "“Start date” is missing", "“Email” stands"]),
        (remove_header, ["Added: no row with the headings Decision, Key"]),
        (lambda book: book.remove(book["Reactivated"]), ["lacks the sheet “Reactivated”"]),
        (rename_plan, ["another preview", "Plan should be “P-20261122-7Q4M”"]),
    ],
)
def test_a_workbook_that_says_something_else_is_refused(edit: Callable[[Workbook], object], said: list[str]) -> None:
    book = opened(sample_plan())
    edit(book)
    message = refusal(sample_plan(), saved(book))
    assert [words for words in said if words not in message] == [], message


def test_the_workbook_of_another_plan_or_digest_is_refused() -> None:
    message = refusal(replace(sample_plan(), id="P-other"), written(sample_plan()))
    assert "Summary, row 40: Plan should be “P-other” and is “P-20261122-7Q4M”" in message
    message = refusal(replace(sample_plan(), digest="0000"), written(sample_plan()))
    assert "Summary, row 41: Digest should be “0000”" in message


def test_many_problems_are_counted_and_three_of_them_named() -> None:
    people = [add(str(number), *["v"] * 6) for number in range(20)]
    book = load_workbook(written(plan_of(*people)))
    for number in range(5):
        put("Added", "Email", "w", TOP + 1 + number)(book)
    book["Added"].delete_rows(TOP + 10, 8)
    message = refusal(plan_of(*people), saved(book))
    assert [f"row {number}:" in message for number in (9, 10, 11, 12)] == [True, True, True, False]
    assert "; and 3 more." in message
    book = load_workbook(written(plan_of(*people)))
    book["Added"].delete_rows(TOP + 10, 8)
    message = refusal(plan_of(*people), saved(book))
    assert "8 missing, with key “9”, “10”, “11”, “12”, “13” and 3 more" in message


def test_long_values_are_shortened_to_where_they_differ() -> None:
    text = "same " * 30 + "old" + " same" * 30
    book = opened(plan_of(add("1", text)))
    put("Added", "Employee ID", text.replace("old", "new\nline"))(book)
    message = refusal(plan_of(add("1", text)), saved(book))
    assert "same old same" in message
    assert "same new␊line same" in message
    assert len(message) < 400


# --- what is no workbook ----------------------------------------------------------------------------------


def replaced(file: BytesIO, part: str, old: str, new: str) -> BytesIO:
    """The package with one text of one part replaced, once."""
    result = BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part:
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode(), 1)
            target.writestr(name, content)
    return result


def with_member(file: BytesIO, name: str, content: bytes) -> BytesIO:
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, content)
    return file


def a_zip() -> bytes:
    return with_member(BytesIO(), "letter.txt", b"Dear Sir").getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x9f\xff" * 1000,
        b"Decision,Key\nApprove,1\n",
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000),
        a_zip(),
        written(sample_plan()).getvalue()[:-100],
        written(sample_plan()).getvalue()[:5000],
    ],
    ids=["nothing", "noise", "csv", "xls or encrypted", "another zip", "cut at the end", "cut early"],
)
def test_what_is_no_workbook_is_refused_as_such(content: bytes) -> None:
    assert "This is no Excel file" in refusal(sample_plan(), BytesIO(content))


def test_damage_anywhere_is_refused_and_never_escapes() -> None:
    content = written(sample_plan()).getvalue()
    for place in range(0, len(content), 97):
        broken = bytearray(content)
        broken[place] ^= 0x55
        with contextlib.suppress(WorkbookRefused):  # any other exception fails the test
            read_workbook(sample_plan(), BytesIO(bytes(broken)))


def test_macros_are_refused() -> None:
    file = with_member(written(sample_plan()), "xl/vbaProject.bin", b"\x00")
    assert "contains macros" in refusal(sample_plan(), file)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<worksheet", LAUGHS),
        ("<worksheet", '<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet'),
        ("<sheetData>", "<sheetData>" + "<row>" * 5000),
        ("<sheetData>", "<sheetData><!--" + "x" * 2**21 + "-->"),
        ("<sheetData>", '<sheetData><row r="99999999999"/>'),
        ("<sheetData>", '<sheetData><row><c r="ZZZZ1"/></row>'),
        ("<sheetData>", '<sheetData><row><c t="s"><v>7</v></c></row>'),
        ("<sheetData>", "<sheetData><row><c><v>ten</v></c></row>"),
        ("<sheetData>", "<sheetData>&undeclared;"),
    ],
    ids=["entities", "outside file", "depth", "endless tag", "row", "column", "text", "number", "entity"],
)
def test_xml_that_no_spreadsheet_program_writes_is_refused(old: str, new: str) -> None:
    file = replaced(written(sample_plan()), "xl/worksheets/sheet2.xml", old, new)
    assert "This is no Excel file" in refusal(sample_plan(), file)


def test_a_file_of_more_than_20_mib_is_refused_unread() -> None:
    assert "bigger than 20 MiB" in refusal(sample_plan(), BytesIO(bytes(20 * 2**20 + 1)))


def test_a_file_that_says_it_unpacks_to_more_than_300_mib_is_refused_unpacked() -> None:
    file = with_member(written(sample_plan()), "xl/media/huge", b"")
    content = bytearray(file.getvalue())
    entry = content.rindex(b"PK\x01\x02")  # its size, in the central directory
    content[entry + 24 : entry + 28] = (301 * 2**20).to_bytes(4, "little")
    assert "more than 300 MiB" in refusal(sample_plan(), BytesIO(bytes(content)))


def test_bytes_are_counted_as_they_unpack(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(*[add(str(number), "x" * 200) for number in range(500)])
    file = written(plan)
    for sheet in (3, 4, 5):  # all four sheets are the same big part, which the package holds once
        file = replaced(file, "xl/_rels/workbook.xml.rels", f"sheet{sheet}.xml", "sheet2.xml")
    with zipfile.ZipFile(file) as package:
        declared = sum(member.file_size for member in package.infolist())
    monkeypatch.setattr(workbook_reader, "MAX_UNPACKED", declared)
    assert "unpacks to more than" in refusal(plan, file)


# --- other programs ---------------------------------------------------------------------------------------

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def saved_by_libreoffice(file: BytesIO, folder: Path) -> BytesIO:
    (folder / "sent.xlsx").write_bytes(file.getvalue())
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [str(OFFICE), profile, "--headless", "--convert-to", "xlsx", "--outdir", "back", "sent.xlsx"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return BytesIO((folder / "back" / "sent.xlsx").read_bytes())


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_keeps_dates_and_names(tmp_path: Path) -> None:
    back = saved_by_libreoffice(written(managed_plan()), tmp_path)
    assert back.getvalue() != written(managed_plan()).getvalue()
    assert read_workbook(managed_plan(), back) == NOTHING


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_and_saves_it_without_changing_what_it_says(tmp_path: Path) -> None:
    odd = ["=1+1", "007", " both ends ", "a\nb\tc", "_x0041_", "3344556677889900112", "TRUE", "x" * 40_000]
    plan = plan_of(*sample_plan().changes, *[add(f"{place:04}", text) for place, text in enumerate(odd)])
    book = opened(plan)
    decide(book["Archived"], "user:u7", "Keep active")
    back = saved_by_libreoffice(saved(book), tmp_path)
    assert read_workbook(plan, back) == WorkbookDecisions(("user:u7",), ("user:u7",))
