"""`workbook` and `approve`: who may, what lifts a block, what makes a plan lapse, and the Excel file there and back."""

import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from driver import ADMIN, AUDITOR, CSM, STAFF, Rollcall, customer, domain, keys
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from tiny_hibob import TinyHiBob, key_of

SHEETS = ["Summary", "Added", "Reactivated", "Updated", "Archived", "Held"]
REASON = "They really left, says the CFO."


def approvals(house: Rollcall) -> int:
    return int(house.sql("SELECT count(*) FROM approvals")[0][0])


def refused(house: Rollcall, code: int, *words: str | Path, by: str | None = ADMIN) -> str:
    """An approval that is refused: nothing is recorded, and there is nothing to process."""
    before = approvals(house), house.sql("SELECT count(*) FROM history"), house.sql("SELECT count(*) FROM decisions")
    message = house.call("approve", *words, by=by).complaint(code)
    after = approvals(house), house.sql("SELECT count(*) FROM history"), house.sql("SELECT count(*) FROM decisions")
    assert before == after
    if before[0] == 0:
        house.call("process", words[0]).complaint(3 if code == 3 or str(words[0]).startswith("plan-") else 2)
    return message


@pytest.fixture
def busy(staffed: Rollcall, hibob: TinyHiBob) -> Rollcall:
    """Somebody to be added, updated, reactivated and archived, and somebody held."""
    hibob.change(9, status="Terminated")
    staffed.sync()
    hibob.change(9, status="employed")
    hibob.join(41)
    hibob.join(42, payroll=None)
    hibob.change(3, surname="=1+1", department="209192161")
    hibob.change(4, status="Terminated")
    hibob.forget(5)
    return staffed


# --- who may ----------------------------------------------------------------------------------------------


def test_the_operator_may_prepare_and_not_approve(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    assert "--by" in refused(acme, 3, plan, by=None)


@pytest.mark.parametrize("who", [AUDITOR, "stranger@acme.example"])
def test_approving_takes_the_role_admin_or_csm_of_that_customer(acme: Rollcall, who: str) -> None:
    assert who in refused(acme, 3, acme.preview()["plan"], by=who)


@pytest.mark.parametrize("who", [ADMIN, CSM])
def test_admin_and_csm_may_approve(acme: Rollcall, who: str) -> None:
    plan = acme.preview()
    said = acme.call("approve", plan["plan"], by=who).fine()
    assert who in said.out
    assert plan["digest"] in said.out
    assert acme.call("process", plan["plan"], "--json").fine().json["status"] == "done"


def test_a_plan_may_be_approved_anew_until_it_is_processed(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    acme.call("approve", plan, "--only", key_of(1), by=ADMIN).fine()
    acme.call("approve", plan, "--only", key_of(2), by=CSM).fine()
    run = acme.call("process", plan, "--json").fine().json
    assert [each["key"] for each in run["outcomes"] if each["result"] == "done"] == [key_of(2)]
    refused(acme, 3, plan)


def test_two_people_are_needed_where_the_domain_says_so(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(two_people=True))).fine()
    refused(acme, 3, acme.preview(by=ADMIN)["plan"], by=ADMIN)
    acme.call("approve", acme.preview(by=ADMIN)["plan"], by=CSM).fine()


@pytest.mark.parametrize(("needed", "code"), [(30, 3), (31, 0)])
def test_two_people_are_needed_from_a_number_of_changes_on(
    acme: Rollcall, hibob: TinyHiBob, needed: int, code: int
) -> None:
    acme.set_up(customer(hibob.base_url, domain(two_people=needed))).fine()
    assert acme.call("approve", acme.preview(by=ADMIN)["plan"], by=ADMIN).code == code


def test_leaving_people_out_does_not_get_below_the_number(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(two_people=30))).fine()
    plan = acme.preview(by=ADMIN)
    refused(acme, 3, plan["plan"], "--only", plan["changes"][0]["key"], by=ADMIN)


def test_whoever_made_the_mapping_is_one_of_the_two_people(acme: Rollcall, hibob: TinyHiBob) -> None:
    mapping = domain()["attributes"][:4]
    acme.set_up(customer(hibob.base_url, domain(*mapping, two_people=True)), by=CSM).fine()
    refused(acme, 3, acme.preview()["plan"], by=CSM)
    acme.call("approve", acme.preview()["plan"], by=ADMIN).fine()


# --- blocks and overrides ---------------------------------------------------------------------------------


@pytest.fixture
def too_many(staffed: Rollcall, hibob: TinyHiBob) -> Rollcall:
    for number in range(1, 6):
        hibob.change(number, status="Terminated")
    return staffed


def test_a_block_stands_until_it_is_overridden_with_a_reason(too_many: Rollcall) -> None:
    plan = too_many.preview()
    message = refused(too_many, 3, plan["plan"])
    assert "limit-archive" in message
    for number in ("5", "30", "3"):  # what it counted, of how many, the limit
        assert number in message
    too_many.call("approve", plan["plan"], "--override", f"limit-archive={REASON}", by=ADMIN).fine()
    run = too_many.call("process", plan["plan"], "--json").fine().json
    assert run["counts"]["done"] == 5
    assert sum(each["status"] == "Archived" for each in too_many.users()) == 5


def test_an_override_and_its_reason_stand_in_the_history(too_many: Rollcall) -> None:
    plan = too_many.preview()["plan"]
    too_many.call("approve", plan, "--override", f"limit-archive={REASON}", by=ADMIN).fine()
    newest = too_many.history()[0]
    assert (newest["who"], newest["plan"]) == (ADMIN, plan)
    assert REASON in str(newest)
    assert "limit-archive" in str(newest)
    assert REASON in too_many.call("history", "Acme").fine().out


@pytest.mark.parametrize(
    "override",
    [
        "limit-archive",
        "limit-archive=",
        "limit-archive= ",
        "limit-archive=\t",
        "=because",
        "limit-add=x",
        "nonsense=x",
        "Limit-Archive=x",
    ],
)
def test_an_override_needs_a_code_that_blocks_and_a_reason(too_many: Rollcall, override: str) -> None:
    plan = too_many.preview()["plan"]
    said = too_many.call("approve", plan, "--override", override, by=ADMIN)
    assert said.code in (2, 3)
    said.complaint(said.code)
    assert approvals(too_many) == 1
    too_many.call("process", plan).complaint(3)


def test_a_reason_that_nobody_would_read_is_refused(too_many: Rollcall) -> None:
    plan = too_many.preview()["plan"]
    said = too_many.call("approve", plan, "--override", f"limit-archive={'x' * 501}", by=ADMIN)
    assert "501 characters: 500 are the most" in said.complaint(2)
    too_many.call("approve", plan, "--override", f"limit-archive={'x' * 500}", by=ADMIN).fine()


def test_every_block_needs_its_own_override(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.forget(*range(1, 16))
    plan = staffed.preview()["plan"]
    said = staffed.call("approve", plan, "--override", "head-count=yes", "--override", "limit-archive=yes", by=ADMIN)
    assert "limit-archive-7-days" in said.complaint(3)
    three = [f"--override={code}={REASON}" for code in ("head-count", "limit-archive", "limit-archive-7-days")]
    staffed.call("approve", plan, *three, by=ADMIN).fine()


def test_the_operator_cannot_override(too_many: Rollcall) -> None:
    refused(too_many, 3, too_many.preview()["plan"], "--override", "limit-archive=x", by=None)


def test_a_plan_that_nothing_blocks_has_nothing_to_override(acme: Rollcall) -> None:
    refused(acme, 2, acme.preview()["plan"], "--override", "limit-archive=x")


def test_nobody_overrides_their_own_archive(staffed: Rollcall, hibob: TinyHiBob) -> None:
    for who in ("person5@acme.example", "person6@acme.example"):
        staffed.call("grant", who, "admin", "Acme").fine()
    hibob.change(5, status="Terminated")
    plan = staffed.preview()["plan"]
    override = ("--override", f"self-archive={REASON}")
    staffed.call("approve", plan, *override, by="person5@acme.example").complaint(3)
    staffed.call("approve", plan, *override, by="person6@acme.example").fine()


def test_nobody_overrides_their_own_archive_though_only_hibob_knows_their_address(
    staffed: Rollcall, hibob: TinyHiBob
) -> None:
    hibob.change(5, email=ADMIN.upper(), status="Terminated")
    staffed.sql("UPDATE users SET attributes = json_remove(attributes, '$.Email') WHERE external_id = ?", key_of(5))
    plan = staffed.preview()["plan"]
    override = ("--override", f"self-archive={REASON}")
    staffed.call("approve", plan, *override, by=ADMIN).complaint(3)
    staffed.call("approve", plan, *override, by=CSM).fine()


def test_somebody_who_became_a_member_since_the_plan_cannot_be_archived_by_it(
    staffed: Rollcall, hibob: TinyHiBob
) -> None:
    hibob.change(5, status="Terminated")
    plan = staffed.preview()["plan"]
    staffed.call("grant", "person5@acme.example", "auditor", "Acme").fine()
    staffed.call("approve", plan, by=ADMIN).complaint(3)
    staffed.call("approve", plan, "--leave-out", key_of(5), by=ADMIN)


def test_nor_by_overriding_that_it_archives_somebody_else(staffed: Rollcall, hibob: TinyHiBob) -> None:
    """The plan knew of one member; the person who approves became one since, and would archive themselves."""
    staffed.call("grant", "person5@acme.example", "admin", "Acme").fine()
    hibob.change(5, status="Terminated")
    hibob.change(6, status="Terminated")
    plan = staffed.preview()["plan"]
    staffed.call("grant", "person6@acme.example", "admin", "Acme").fine()
    override = ("--override", f"self-archive={REASON}")
    staffed.call("approve", plan, *override, by="person6@acme.example").complaint(3)


# --- who is left out --------------------------------------------------------------------------------------


def test_people_left_out_are_skipped_and_planned_again(acme: Rollcall) -> None:
    plan = acme.preview()
    run = acme.approve_and_process(plan, "--leave-out", key_of(1), "--leave-out", key_of(2))
    assert run["status"] == "done"
    assert run["counts"] == {"done": 28, "failed": 0, "drifted": 0, "skipped": 2}
    skipped = [each for each in run["outcomes"] if each["result"] == "skipped"]
    assert [(each["key"], each["action"]) for each in skipped] == [(key_of(1), "add"), (key_of(2), "add")]
    assert keys(acme.preview()["changes"]) == [key_of(1), key_of(2)]


def test_a_pilot_is_only_these_people(acme: Rollcall) -> None:
    plan = acme.preview()
    run = acme.approve_and_process(plan, "--only", key_of(7), "--only", key_of(8))
    assert run["counts"] == {"done": 2, "failed": 0, "drifted": 0, "skipped": 28}
    assert [each["external_id"] for each in acme.users()] == [key_of(7), key_of(8)]
    assert acme.preview()["counts"]["add"] == 28


def test_only_and_leave_out_go_together(acme: Rollcall) -> None:
    options = ("--only", key_of(7), "--only", key_of(8), "--leave-out", key_of(8))
    run = acme.approve_and_process(acme.preview(), *options)
    assert run["counts"]["done"] == 1


def test_leaving_out_changes_neither_plan_nor_digest(acme: Rollcall) -> None:
    plan = acme.preview()
    acme.call("approve", plan["plan"], "--leave-out", key_of(1), by=ADMIN).fine()
    assert acme.call("plan", plan["plan"], "--json").fine().json == plan


@pytest.mark.parametrize("option", ["--only", "--leave-out"])
@pytest.mark.parametrize("key", ["nobody", "", key_of(77), "user:U00000001", "person1@acme.example"])
def test_a_key_that_the_plan_does_not_change_is_refused(acme: Rollcall, option: str, key: str) -> None:
    refused(acme, 2, acme.preview()["plan"], option, key)


def test_somebody_held_is_no_key_to_approve(busy: Rollcall) -> None:
    plan = busy.preview()["plan"]
    busy.call("approve", plan, "--only", key_of(42), by=ADMIN).complaint(2)


# --- when a plan lapses -----------------------------------------------------------------------------------


def lapse_by_mapping(house: Rollcall, hibob: TinyHiBob, plan: str) -> None:
    house.set_up(customer(hibob.base_url, domain(*domain()["attributes"][:4]))).fine()


def lapse_by_settings(house: Rollcall, hibob: TinyHiBob, plan: str) -> None:
    house.set_up(customer(hibob.base_url, domain(absent_reads=2))).fine()


def lapse_by_age(house: Rollcall, hibob: TinyHiBob, plan: str) -> None:
    house.sql("UPDATE plans SET made_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-14 days', '-1 minute')")


def lapse_by_another_run(house: Rollcall, hibob: TinyHiBob, plan: str) -> None:
    house.sync()


LAPSES = [lapse_by_mapping, lapse_by_settings, lapse_by_age, lapse_by_another_run]


@pytest.mark.parametrize("lapse", LAPSES)
def test_a_plan_that_was_overtaken_cannot_be_approved(
    staffed: Rollcall, hibob: TinyHiBob, lapse: Callable[[Rollcall, TinyHiBob, str], None]
) -> None:
    hibob.join(41)
    plan = staffed.preview()["plan"]
    lapse(staffed, hibob, plan)
    before = approvals(staffed)
    assert "new preview" in staffed.call("approve", plan, by=ADMIN).complaint(3)
    assert approvals(staffed) == before


@pytest.mark.parametrize("lapse", LAPSES)
def test_nor_processed_when_it_was_approved_before(
    staffed: Rollcall, hibob: TinyHiBob, lapse: Callable[[Rollcall, TinyHiBob, str], None]
) -> None:
    hibob.join(41)
    plan = staffed.preview()["plan"]
    staffed.call("approve", plan, by=ADMIN).fine()
    lapse(staffed, hibob, plan)
    before = staffed.users()
    assert "new preview" in staffed.call("process", plan).complaint(3)
    assert staffed.users() == before


def test_a_plan_stays_approvable_for_14_days_beside_newer_ones(acme: Rollcall) -> None:
    plan = acme.preview()
    acme.sql("UPDATE plans SET made_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-14 days', '+1 minute')")
    acme.preview()
    assert acme.approve_and_process(plan)["status"] == "done"


def holding_ids(house: Rollcall) -> set[str]:
    """Plans that hold the ids of everybody live."""
    return {plan for (plan,) in house.sql("SELECT id FROM plans WHERE baseline IS NOT NULL")}


def test_who_was_live_is_kept_once_and_by_plans_that_wait(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.preview()  # Nobody changes: its read is the one to compare with.
    assert holding_ids(staffed) == set()
    hibob.join(41)
    first, second = staffed.preview()["plan"], staffed.preview()["plan"]
    assert holding_ids(staffed) == {first, second}
    staffed.call("approve", second, by=ADMIN).fine()
    staffed.call("process", second).fine()
    assert holding_ids(staffed) == set()
    assert staffed.sql("SELECT plan_id FROM baselines") == [(second,)]


def test_nobody_can_approve_that_nothing_is_done(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    plan = staffed.preview()["plan"]
    file = workbook_of(staffed, plan)
    assert "nothing would be done" in refused(staffed, 3, plan, "--leave-out", key_of(41))
    decide(file, Added={key_of(41): "Leave out"})
    assert "nothing would be done" in refused(staffed, 3, plan, "--workbook", file)
    assert "is not approved" in staffed.call("process", plan).complaint(3)
    # To keep somebody active is a decision of its own; there is nothing to process all the same.
    decide(file, Added={key_of(41): "Keep active"})
    staffed.call("approve", plan, "--workbook", file, by=ADMIN).fine()
    assert "there is nothing to process" in staffed.call("process", plan).complaint(3)


def test_setting_up_the_same_again_makes_no_plan_lapse(acme: Rollcall, hibob: TinyHiBob) -> None:
    plan = acme.preview()
    acme.set_up(customer(hibob.base_url)).fine()
    assert acme.approve_and_process(plan)["status"] == "done"


def test_a_plan_that_was_processed_cannot_be_approved_again(staffed: Rollcall) -> None:
    plan = staffed.sql("SELECT id FROM plans")[0][0]
    assert "processed" in staffed.call("approve", plan, by=ADMIN).complaint(3)


def test_a_plan_that_was_tampered_with_is_not_what_was_approved(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    acme.call("approve", plan, by=ADMIN).fine()
    acme.sql("""UPDATE changes SET after = json_set(after, '$.Email', 'evil@acme.example') WHERE seq = 7""")
    acme.call("process", plan).complaint(3)
    assert acme.users() == []


# --- the workbook -----------------------------------------------------------------------------------------


def workbook_of(house: Rollcall, plan: str, name: str = "plan.xlsx") -> Path:
    house.call("workbook", plan, name).fine()
    return house.folder / name


def header_row(sheet: Worksheet) -> int:
    return next(row for row in range(1, 15) if sheet.cell(row, 1).value in ("Decision", "Key"))


def rows_of(sheet: Worksheet) -> dict[str, int]:
    """Key → number of the row."""
    first = header_row(sheet) + 1
    return {str(sheet.cell(row, 2).value): row for row in range(first, sheet.max_row + 1) if sheet.cell(row, 2).value}


def decide(file: Path, **decisions: dict[str, str]) -> Path:
    """Write decisions, by sheet and key, as somebody does in a spreadsheet program."""
    book = load_workbook(file)
    for title, of_people in decisions.items():
        rows = rows_of(book[title])
        for key, decision in of_people.items():
            book[title].cell(rows[key], 1).value = decision
    book.save(file)
    return file


def test_the_workbook_has_all_sheets_and_says_what_would_happen(busy: Rollcall) -> None:
    plan = busy.preview()
    book = load_workbook(workbook_of(busy, plan["plan"]))
    assert book.sheetnames == SHEETS
    attributes = ["Employee ID", "Email", "First name", "Last name", "Department"]
    for title in SHEETS[1:5]:
        sheet = book[title]
        head = header_row(sheet)
        assert [cell.value for cell in sheet[head]] == ["Decision", "Key", *attributes, "Why"]
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref
    found = {title: list(rows_of(book[title])) for title in SHEETS[1:5]}
    actions = {"Added": "add", "Reactivated": "reactivate", "Updated": "update", "Archived": "archive"}
    for title, action in actions.items():
        assert sorted(found[title]) == sorted(keys(plan["changes"], action))
    assert len(found["Archived"]) == 2
    updated = book["Updated"]
    values = [cell.value for cell in updated[rows_of(updated)[key_of(3)]]]
    assert values[0] == "Approve"
    assert values[5] == "Last3 → =1+1"
    assert values[6] == "Sales → Legal & Compliance"
    text = " ".join(str(cell.value) for row in book["Summary"].iter_rows() for cell in row if cell.value)
    for part in (plan["plan"], plan["digest"], STAFF):
        assert part in text
    held = " ".join(str(cell.value) for row in book["Held"].iter_rows() for cell in row if cell.value)
    assert key_of(42) in held
    assert "Required value blank" in held


def test_text_stays_text(busy: Rollcall) -> None:
    book = load_workbook(workbook_of(busy, busy.preview()["plan"]))
    added = book["Added"]
    row = added[rows_of(added)[key_of(41)]]
    assert (row[1].value, row[2].value) == (key_of(41), "000041")
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}


def test_the_workbook_comes_back_with_decisions_edited_in_a_spreadsheet(busy: Rollcall) -> None:
    plan = busy.preview()
    absent = next(key for key in keys(plan["changes"], "archive") if key.startswith("user:"))
    file = decide(
        workbook_of(busy, plan["plan"]),
        Added={key_of(41): "Leave out"},
        Updated={key_of(3): " leave OUT "},
        Archived={absent: "Keep active"},
    )
    busy.call("approve", plan["plan"], "--workbook", file, by=ADMIN).fine()
    run = busy.call("process", plan["plan"], "--json").fine().json
    results = {each["key"]: each["result"] for each in run["outcomes"]}
    assert results == {
        key_of(41): "skipped",
        key_of(3): "skipped",
        absent: "skipped",
        key_of(4): "done",
        key_of(9): "done",
    }
    messages = {each["key"]: each["message"] for each in run["outcomes"] if each["result"] == "skipped"}
    assert messages == {
        key_of(41): f"Left out by {ADMIN}, who approved it.",
        key_of(3): f"Left out by {ADMIN}, who approved it.",
        absent: "Kept active, as was decided on this preview.",
    }
    again = busy.preview()
    assert sorted(keys(again["changes"])) == [key_of(3), key_of(41)]
    assert {"key": absent, "code": "protected"} in [{"key": h["key"], "code": h["code"]} for h in again["held"]]


def test_an_untouched_workbook_approves_everything(busy: Rollcall) -> None:
    plan = busy.preview()
    file = workbook_of(busy, plan["plan"])
    busy.call("approve", plan["plan"], "--workbook", file, by=ADMIN).fine()
    assert busy.call("process", plan["plan"], "--json").fine().json["counts"]["done"] == len(plan["changes"])


def test_a_workbook_and_options_add_up(acme: Rollcall) -> None:
    plan = acme.preview()
    file = decide(workbook_of(acme, plan["plan"]), Added={key_of(1): "Leave out"})
    acme.call("approve", plan["plan"], "--workbook", file, "--leave-out", key_of(2), by=ADMIN).fine()
    assert acme.call("process", plan["plan"], "--json").fine().json["counts"]["skipped"] == 2


def test_a_blocked_plan_is_not_approved_by_its_workbook_alone(staffed: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(1, 6):
        hibob.change(number, status="Terminated")
    plan = staffed.call("preview", STAFF, "--json").json
    file = decide(workbook_of(staffed, plan["plan"]), Archived={key_of(1): "Keep active"})
    staffed.call("approve", plan["plan"], "--workbook", file, by=ADMIN).complaint(3)
    assert staffed.sql("SELECT count(*) FROM decisions") == [(0,)]
    override = ("--override", f"limit-archive={REASON}")
    staffed.call("approve", plan["plan"], "--workbook", file, *override, by=ADMIN).fine()


def test_rows_may_be_sorted_and_columns_hidden(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    file = workbook_of(acme, plan)
    book = load_workbook(file)
    sheet = book["Added"]
    first, last = header_row(sheet) + 1, sheet.max_row
    values = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=first, max_row=last)]
    for offset, row in enumerate(reversed(values)):
        for column, value in enumerate(row, 1):
            sheet.cell(first + offset, column).value = value
    sheet.column_dimensions["D"].hidden = True
    book.save(file)
    acme.call("approve", plan, "--workbook", decide(file, Added={key_of(1): "Leave out"}), by=ADMIN).fine()
    run = acme.call("process", plan, "--json").fine().json
    assert [each["key"] for each in run["outcomes"] if each["result"] == "skipped"] == [key_of(1)]


def unknown_decision(sheet: Worksheet, row: int) -> None:
    sheet.cell(row, 1).value = "Perhaps"


def changed_value(sheet: Worksheet, row: int) -> None:
    sheet.cell(row, 4).value = "somebody.else@acme.example"


def changed_key(sheet: Worksheet, row: int) -> None:
    sheet.cell(row, 2).value = key_of(999)


def number_for_text(sheet: Worksheet, row: int) -> None:
    sheet.cell(row, 3).value = 9


def missing_row(sheet: Worksheet, row: int) -> None:
    sheet.delete_rows(row)


def added_row(sheet: Worksheet, row: int) -> None:
    for column, value in enumerate(("Approve", "42", "000099"), 1):
        sheet.cell(sheet.max_row + (column == 1), column).value = value


def row_twice(sheet: Worksheet, row: int) -> None:
    values = [cell.value for cell in sheet[row]]
    last = sheet.max_row + 1
    for column, value in enumerate(values, 1):
        sheet.cell(last, column).value = value


def formula(sheet: Worksheet, row: int) -> None:
    sheet.cell(row, 1).value = '=IF(TRUE,"Leave out","")'


def renamed_heading(sheet: Worksheet, row: int) -> None:
    sheet.cell(header_row(sheet), 4).value = "E-mail"


@pytest.mark.parametrize(
    "spoil",
    [
        unknown_decision,
        changed_value,
        changed_key,
        number_for_text,
        missing_row,
        added_row,
        row_twice,
        formula,
        renamed_heading,
    ],
)
def test_a_spoilt_workbook_is_refused_with_sheet_and_row(
    acme: Rollcall, spoil: Callable[[Worksheet, int], None]
) -> None:
    plan = acme.preview()["plan"]
    file = workbook_of(acme, plan)
    book = load_workbook(file)
    spoil(book["Added"], rows_of(book["Added"])[key_of(9)])
    book.save(file)
    message = refused(acme, 3, plan, "--workbook", file)
    assert "Added" in message


def test_a_missing_sheet_is_refused(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    file = workbook_of(acme, plan)
    book = load_workbook(file)
    del book["Archived"]
    book.save(file)
    assert "Archived" in refused(acme, 3, plan, "--workbook", file)


def test_the_workbook_of_another_plan_is_refused(acme: Rollcall) -> None:
    first, second = acme.preview(), acme.preview()
    assert first["digest"] == second["digest"]
    assert "another preview" in refused(acme, 3, second["plan"], "--workbook", workbook_of(acme, first["plan"]))


def test_what_is_no_workbook_is_refused(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    Workbook().save(acme.folder / "foreign.xlsx")
    whole = workbook_of(acme, plan).read_bytes()
    for name, content in (
        ("empty", b""),
        ("text", b"Decision,Key\nApprove,1\n"),
        ("cut", whole[: len(whole) // 2]),
        ("zip", b"PK\x03\x04" + b"\0" * 100),
        ("foreign", (acme.folder / "foreign.xlsx").read_bytes()),
    ):
        file = acme.folder / f"{name}.xlsx"
        file.write_bytes(content)
        refused(acme, 3, plan, "--workbook", file)
    refused(acme, 2, plan, "--workbook", acme.folder / "no such file.xlsx")


def test_who_decided_and_who_uploaded_are_told_apart(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    file = sign(workbook_of(acme, plan), "Grace\u202e Okoye")
    said = acme.call("approve", plan, "--workbook", file, by=ADMIN).fine().out
    assert f"approved by {ADMIN}" in said
    assert "decided by, as the workbook says: Grace� Okoye" in said
    newest = acme.history()[0]
    assert (newest["who"], newest["details"]["signed_by"]) == (ADMIN, "Grace\u202e Okoye")
    assert "signed by: Grace� Okoye" in acme.call("history", "Acme").fine().out
    document = acme.call("approve", plan, "--workbook", file, "--json", by=CSM).fine().json
    assert (document["by"], document["workbook"], document["signed_by"]) == (CSM, True, "Grace\u202e Okoye")


def test_who_decided_may_be_left_blank_and_is_then_not_told(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    said = acme.call("approve", plan, "--workbook", workbook_of(acme, plan), by=ADMIN).fine().out
    assert "decided by" not in said
    assert acme.history()[0]["details"]["workbook"]
    assert "signed_by" not in acme.history()[0]["details"]
    acme.call("approve", plan, by=ADMIN).fine()
    assert "signed_by" not in acme.history()[0]["details"]


def test_which_file_decided_is_recorded_by_name_and_fingerprint_and_handed_out_again_as_it_came(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    file = sign(workbook_of(acme, plan), "Grace Okoye").rename(acme.folder / "Decided \u202eby HR.xlsx")
    fingerprint = sha256(file.read_bytes()).hexdigest()
    document = acme.call("approve", plan, "--workbook", file, "--json", by=ADMIN).fine().json
    assert (document["file"], document["sha256"]) == ("Decided �by HR.xlsx", fingerprint)
    newest = acme.history()[0]
    assert (newest["who"], newest["plan"]) == (ADMIN, plan)
    assert (newest["details"]["file"], newest["details"]["sha256"]) == ("Decided �by HR.xlsx", fingerprint)
    assert f"file Decided �by HR.xlsx (SHA-256 {fingerprint[:12]}…)" in acme.call("history", "Acme").fine().out
    acme.call("process", plan).fine()
    again = acme.folder / "again.xlsx"
    said = acme.call("workbook", plan, again, "--uploaded").fine().out
    assert again.read_bytes() == file.read_bytes()
    assert fingerprint in said
    assert f"by which {ADMIN} approved" in said
    assert "downloaded the Excel file by which it was approved" in acme.call("history", "Acme").fine().out
    acme.call("verify").fine()


def test_every_file_by_which_a_preview_was_approved_is_kept_and_told_apart_by_its_fingerprint(acme: Rollcall) -> None:
    plan, again = acme.preview()["plan"], acme.folder / "again.xlsx"
    assert "was approved by no Excel file" in acme.call("workbook", plan, again, "--uploaded").complaint(2)
    first = sign(workbook_of(acme, plan), "Grace Okoye")
    contents = [first.read_bytes()]
    acme.call("approve", plan, "--workbook", first, by=ADMIN).fine()
    contents += [sign(first, "Tom Baker").read_bytes()]
    acme.call("approve", plan, "--workbook", first, by=CSM).fine()
    acme.call("approve", plan, by=CSM).fine()
    assert acme.call("approve", plan, "--json", by=CSM).fine().json["sha256"] == ""
    for content in contents:
        acme.call("workbook", plan, again, "--uploaded", sha256(content).hexdigest()).fine()
        assert again.read_bytes() == content
    acme.call("workbook", plan, again, "--uploaded").fine()
    assert again.read_bytes() == contents[-1]
    assert "fingerprint “0000”" in acme.call("workbook", plan, again, "--uploaded", "0000").complaint(2)
    assert again.read_bytes() == contents[-1]


def sign(file: Path, who: str) -> Path:
    book = load_workbook(file)
    next(cell for cell in book["Summary"]["A"] if cell.value == "Decided by").offset(column=1).value = who
    book.save(file)
    return file


@pytest.mark.parametrize("spoil", ["macros", "packing", "size", "password", "merged"])
def test_a_hostile_workbook_is_refused_and_nothing_is_recorded(acme: Rollcall, spoil: str) -> None:
    plan = acme.preview()["plan"]
    file = workbook_of(acme, plan)
    match spoil:
        case "macros":
            with zipfile.ZipFile(file, "a") as package:
                package.writestr("xl/vbaProject.bin", b"\0")
        case "packing":
            with zipfile.ZipFile(file, "a") as package:
                package.writestr("xl/worksheets/sheet9.xml", b" " * 2**24, zipfile.ZIP_BZIP2)
        case "size":
            with file.open("r+b") as opened:
                opened.truncate(100 * 1000 * 1000)
        case "password":
            file.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096))
        case "merged":
            book = load_workbook(file)
            row = rows_of(book["Added"])[key_of(9)]
            book["Added"].merge_cells(f"A{row}:A{row + 1}")
            book.save(file)
    refused(acme, 3, plan, "--workbook", sign(file, "Grace") if spoil == "merged" else file)


def test_a_workbook_that_is_written_over_stays_whole(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    file = workbook_of(acme, plan)
    file.write_bytes(b"something older")
    workbook_of(acme, plan)
    assert load_workbook(file).sheetnames == SHEETS
    assert [path.name for path in acme.folder.iterdir() if path.suffix == ".new"] == []


def test_an_empty_plan_has_its_workbook_too(staffed: Rollcall) -> None:
    plan = staffed.preview()
    book = load_workbook(workbook_of(staffed, plan["plan"]))
    assert book.sheetnames == SHEETS
    assert rows_of(book["Added"]) == {}
