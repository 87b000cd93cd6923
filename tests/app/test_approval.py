"""A preview from its making to its approval, on the page or by the Excel file; and what it tells."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from io import BytesIO

import pytest
from installation import ADMIN, DOMAIN, App, Said, button
from openpyxl import Workbook, load_workbook
from streamlit.testing.v1 import AppTest

from provisioning.engine.money import money
from provisioning.errors import Refused
from provisioning.model import (
    Action,
    Finding,
    Severity,
)
from provisioning.report.text import live_in_words
from provisioning.report.workbook_decisions import read_workbook
from provisioning.sandbox import Sandbox
from provisioning.store.codec import to_text
from provisioning.store.jobs import JobKind
from provisioning.web.approval import EXCEL
from provisioning.workflow import (
    approving,
    asking,
    editing,
    looking,
    looking_back,
    planning,
    processing,
    reviewing,
    setting_up,
    stored_plans,
    workbooks,
)
from provisioning.workflow.house import domains_seen


def test_from_a_preview_to_a_finished_run_by_clicking(app: App, said: Said) -> None:
    at = app.open("preview")
    button(at, "Make a preview")
    app.work()
    at = app.open("preview")
    button(at, "Approve")
    assert "Approved by" in said(at)
    button(app.open("process"), "Process now")
    app.work()
    assert "Everything approved was done" in said(app.open("process"))


def test_what_waits_to_be_processed_is_not_asked_for_twice(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    approving.approve(app.house(), plan.id)
    asking.ask(app.house(), DOMAIN, JobKind.PROCESS, plan.id)
    at = app.open("preview", plan=plan.id)
    assert f"{ADMIN} asked to process it: it waits for its turn." in said(at).replace("\\", "").replace("\u2060", "")
    assert not {"Process now", "Approve"} & {each.label for each in at.button}


def test_a_preview_that_failed_says_why(app: App, sandbox: Sandbox) -> None:
    sandbox.switches.in_no_group = True
    button(app.open("preview"), "Make a preview")
    app.work()
    assert "did not come to an end" in app.open("preview").error[0].value


def test_people_left_out_are_kept_with_the_approval(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.keep_only(house, plan.id, [plan.changes[0].key])
    button(app.open("preview"), "Approve")
    approval = stored_plans.approval_of(house, plan.id)
    assert approval is not None
    assert len(approval.left_out) == len(plan.changes) - 1


def test_what_was_changed_in_another_tab_is_not_approved_by_a_page_that_shows_it_as_it_was(
    app: App, said: Said
) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.keep_only(house, plan.id, [plan.changes[0].key])
    at = app.open("preview")
    approving.keep_left_out(house, plan.id, ())
    button(at, "Approve")
    assert "Nothing was done" in said(at)
    assert stored_plans.approval_of(house, plan.id) is None
    button(at, "Approve")
    approval = stored_plans.approval_of(house, plan.id)
    assert approval
    assert approval.left_out == ()


def test_a_file_beside_an_approval_is_offered_as_another_approval(app: App) -> None:
    def offered() -> list[str]:
        return [each.proto.popover.label for each in app.open("preview").get("popover")]

    plan = planning.preview(app.house(), DOMAIN)
    assert offered() == ["Approve by Excel file"]
    approving.approve(app.house(), plan.id)
    assert offered() == ["Approve again by Excel file"]


@pytest.mark.parametrize("page", ["preview", "process"])
def test_what_was_approved_anew_is_not_processed_by_a_page_that_shows_another_approval(
    app: App, said: Said, page: str
) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.keep_only(house, plan.id, [plan.changes[0].key])
    approving.approve(house, plan.id, leave_out=stored_plans.left_out_draft(house, plan.id))
    at = app.open(page, plan=plan.id)
    approving.keep_left_out(house, plan.id, ())
    button(at, "Process now")
    assert "Nothing was done" in said(at)
    approving.keep_left_out(house, plan.id, [each.key for each in plan.changes[1:]])
    at = app.open(page, plan=plan.id)
    approving.keep_left_out(house, plan.id, ())
    approving.approve(house, plan.id)
    button(at, "Process now")
    assert "Nothing was done" in said(at)
    assert asking.latest_job(house, DOMAIN, [JobKind.PROCESS]) is None
    button(at, "Process now")
    assert asking.latest_job(house, DOMAIN, [JobKind.PROCESS]) is not None


def test_a_decided_preview_says_of_each_person_what_was_decided_and_the_next_who_was_left_out(
    app: App, said: Said
) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.keep_left_out(house, plan.id, [each.key for each in plan.changes[:2]])
    approving.approve(house, plan.id, leave_out=[each.key for each in plan.changes[:2]])
    processing.process(house, plan.id)
    at = app.open("preview", plan=plan.id)
    table = next(each.value for each in at.dataframe if "Decision" in each.value.columns)
    assert (table["Decision"] == "Leave out").sum() == 2
    again = planning.preview(house, DOMAIN)
    (run, _, _), *_ = looking.runs_seen(house, DOMAIN, 1)
    names = ", ".join(each.name for each in again.changes)
    told = f"Left out of the run of {run.started_at:%Y-%m-%d %H:%M} UTC, and proposed again: {names}."
    assert reviewing.proposed_again(house, again.id) == told
    assert "proposed again" in said(app.open("preview", plan=again.id))
    assert reviewing.proposed_again(house, again.id, [each.key for each in again.changes]) == "", "left out again"


def test_whoever_was_left_out_of_something_else_is_not_proposed_again(full: App, sandbox: Sandbox) -> None:
    """Left out of leaving, and back with another value: nobody is to read that they would leave again."""
    house = full.house()
    person, other = [
        each for each in sandbox.company.people.values() if each["internal.lifecycleStatus"] == "Employed"
    ][:2]
    person["internal.lifecycleStatus"], other["work.title"] = "Terminated", "Astronaut"
    plan = planning.preview(house, DOMAIN)
    (leaver,) = [each for each in plan.changes if each.action is Action.ARCHIVE]
    approving.approve(house, plan.id, leave_out=[leaver.key])
    processing.process(house, plan.id)
    again = planning.preview(house, DOMAIN)
    assert leaver.name in reviewing.proposed_again(house, again.id)
    person["internal.lifecycleStatus"], person["work.title"] = "Employed", "Astronaut"
    back = planning.preview(house, DOMAIN)
    assert leaver.key in {each.key for each in back.changes}
    assert reviewing.proposed_again(house, back.id) == ""


def test_a_block_is_overridden_only_with_a_reason(full: App, sandbox: Sandbox) -> None:
    sandbox.switches.half_missing = True
    plan = planning.preview(full.house(), DOMAIN)
    at = full.open("preview")
    button(at, "Approve")
    assert "blocked" in at.error[0].value
    for each in at.text_input:
        if each.label.startswith("Reason for overriding"):
            each.set_value("Agreed with the customer by phone.")
    button(at, "Approve")
    assert stored_plans.approval_of(full.house(), plan.id) is not None


def test_a_blocked_preview_in_which_nobody_changes_asks_for_no_reason_and_nobody_put_back(
    full: App, sandbox: Sandbox, said: Said
) -> None:
    sandbox.switches.no_employees = True
    assert planning.preview(full.house(), DOMAIN).changes == ()
    at = full.open("preview")
    assert "Nobody changes in this preview, so there is nothing to approve" in said(at)
    assert "left out" not in said(at)
    assert [each.label for each in at.text_input if "Reason" in each.label] == []
    assert "Approve" not in [each.label for each in at.button]


def test_an_older_preview_leads_to_the_newer_one_before_it_is_approved(app: App, said: Said) -> None:
    house = app.house()
    older = planning.preview(house, DOMAIN)
    planning.preview(house, DOMAIN)
    assert "Look at it before you approve this one" in said(app.open("preview", plan=older.id))
    assert "before you approve this one" not in said(app.open("preview"))


def test_the_workbook_of_a_page_is_the_one_of_the_command_line(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    file = BytesIO()
    workbooks.export_workbook(house, plan.id, file)
    assert file.getvalue()[:2] == b"PK"


def edit(at: AppTest, row: int, **cells: object) -> None:
    key = f"map_1_{at.session_state['mapping_turn']}"
    edits = {"edited_rows": {row: cells}, "added_rows": [], "deleted_rows": []}
    at.session_state[key] = edits
    at.run()


def test_numbers_whose_name_does_not_say_it_are_explained(full: App) -> None:
    plan = looking.plans_seen(full.house(), DOMAIN)[0].id
    waits = planning.preview(full.house(), DOMAIN).id
    pages = [("preview", waits), ("preview", plan), ("process", plan)]
    shown = [metric for page, each in pages for metric in full.open(page, plan=each).metric]
    explained = {each.label for each in shown if each.proto.help}
    assert explained == {"Held back", "Unchanged", "Failed", "Changed since", "Left out"}


def test_a_preview_of_another_domain_is_not_shown_under_this_one(full: App, said: Said) -> None:
    plan = looking.plans_seen(full.house(), DOMAIN)[0]
    setting_up.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    at = full.open("preview", customer="Northwind Trading", domain="contractors", plan=plan.id)
    assert "belongs to" in said(at)


def test_whoever_is_left_out_on_the_page_is_left_out_by_the_file_downloaded_there(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    key = plan.changes[0].key
    approving.keep_only(house, plan.id, [key])
    assert "the file decides" in said(app.open("preview"))
    file = BytesIO()
    workbooks.export_decided_workbook(house, plan.id, file)
    assert set(read_workbook(plan, file).left_out) == {each.key for each in plan.changes} - {key}
    file.seek(0)
    approval = approving.approve_by_workbook(house, plan.id, file)
    assert len(approval.left_out) == len(plan.changes) - 1


def test_approval_by_file_makes_its_decisions_those_of_the_page(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    file = BytesIO()
    workbooks.export_decided_workbook(house, plan.id, file)
    approving.keep_only(house, plan.id, [plan.changes[0].key])
    file.seek(0)
    assert approving.approve_by_workbook(house, plan.id, file).left_out == ()
    assert stored_plans.left_out_draft(house, plan.id) == ()


def test_a_spoilt_file_is_refused_on_the_page_with_sheet_and_row_and_nothing_is_recorded(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    before = looking.see_history(house, DOMAIN)
    at = upload(app, plan.id, lambda book: setattr(book["Added"]["A9"], "value", "Perhaps"))
    assert "Added, row 9: Decision should be Approve, Leave out or Keep active and is “Perhaps”" in bare(said(at))
    assert "Approve with this file" not in [each.label for each in at.button]
    assert stored_plans.approval_of(house, plan.id) is None
    assert [each.what for each in looking.see_history(house, DOMAIN)[: -len(before)]] == ["workbook exported"]


def test_the_page_tells_apart_who_decided_in_the_file_and_who_uploaded_it(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = upload(app, plan.id, sign)
    assert r"This file approves everything\. Decided, as it says, by Grace \*Okoye\*" in said(at)
    assert stored_plans.approval_of(app.house(), plan.id) is None
    button(at, "Approve with this file")
    assert f"Approved by {ADMIN}" in bare(said(at))
    assert r"Decided, as the Excel file says, by Grace \*Okoye\*" in said(at)
    approval = stored_plans.approval_of(app.house(), plan.id)
    assert approval is not None
    assert (approval.by, approval.signed_by) == (ADMIN, "Grace *Okoye*")


def test_the_file_stands_in_the_place_of_the_buttons_of_the_page_and_is_named_once_it_approved(
    app: App, said: Said
) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = app.open("preview")
    assert [each.proto.popover.label for each in at.get("popover")] == ["Approve by Excel file"]
    at = upload(app, plan.id, sign)
    assert at.get("popover") == []
    button(at, "Approve with this file")
    assert f"Approved by {ADMIN} with the Excel file decided.xlsx" in bare(said(at))
    approval = stored_plans.approval_of(app.house(), plan.id)
    assert approval
    assert approval.file == "decided.xlsx"
    offered = [each.proto.label for each in app.open("preview").get("download_button")]
    assert offered == ["Download the Excel file", "Download the uploaded file"]
    file = BytesIO()
    workbooks.export_upload(app.house(), plan.id, file)
    assert sha256(file.getvalue()).hexdigest() == approval.sha256


def test_a_file_is_called_as_whoever_uploaded_it_sees_it(app: App) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    button(upload(app, plan.id, sign, "the %22final%22 one.xlsx"), "Approve with this file")
    assert [each.name for each in workbooks.uploads_of(app.house(), plan.id)] == ['the "final" one.xlsx']


def test_files_that_were_uploaded_in_one_minute_are_told_apart_by_their_seconds(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    for number, at in enumerate(
        (datetime(2026, 11, 30, 9, 5, 7, tzinfo=UTC), datetime(2026, 11, 30, 9, 5, 41, tzinfo=UTC))
    ):
        file = BytesIO()
        approving.keep_left_out(house, plan.id, [each.key for each in plan.changes[:number]])
        workbooks.export_decided_workbook(house, plan.id, file)
        approving.approve_by_workbook(house, plan.id, file, file="decided.xlsx")
        house.db.execute("UPDATE approvals SET at = ? WHERE id = (SELECT max(id) FROM approvals)", to_text(at))
    offered = [each.proto.label for each in app.open("preview").get("download_button")]
    assert [each.partition(" on ")[2] for each in offered[1:]] == [
        "30 Nov 2026, 09:05:41 UTC",
        "30 Nov 2026, 09:05:07 UTC",
    ]


@pytest.mark.parametrize("processed", [False, True], ids=["approved", "processed"])
def test_a_file_that_comes_after_somebody_else_approved_is_told_to_have_done_nothing(
    app: App, said: Said, processed: bool
) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    at = upload(app, plan.id, sign)
    approving.approve(house, plan.id)
    if processed:
        processing.process(house, plan.id)
    button(at, "Approve with this file")
    assert "Nothing was done" in said(at)
    assert "upload your file again" in said(at)
    approval = stored_plans.approval_of(house, plan.id)
    assert approval
    assert not approval.workbook


def test_a_run_says_by_which_file_it_was_approved_and_the_timeline_too(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    button(upload(app, plan.id, sign), "Approve with this file")
    processing.process(house, plan.id)
    approval = stored_plans.approval_of(house, plan.id)
    assert approval
    shown = bare(said(app.open("history", show="runs")))
    assert f"{ADMIN} approved it with the Excel file decided.xlsx" in shown
    at = app.open("history", show="runs")
    assert any(approval.sha256 in each.value for each in at.code)
    assert "Download the uploaded file" in [each.proto.label for each in at.get("download_button")]
    assert f"file decided.xlsx (SHA-256 {approval.sha256[:12]}…)" in bare(said(app.open("history")))
    file = BytesIO()
    workbooks.export_workbook(house, plan.id, file)
    summary = {row[0]: row[1] for row in load_workbook(file)["Summary"].iter_rows(values_only=True)}
    assert summary["Approved by file"] == f"decided.xlsx, SHA-256 {approval.sha256}"
    found = looking_back.timeline(house, DOMAIN, ("plan approved",), approval.sha256).events
    assert [each.what for each in found] == ["plan approved"]


def test_what_a_file_leaves_out_is_said_before_it_is_approved_by_it(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = upload(app, plan.id, lambda book: setattr(book["Added"]["A9"], "value", "Leave out"))
    count, left = len(plan.changes), plan.changes[0]
    assert f"This file approves {count - 1} of {count} changes, left out: {left.name}." in bare(said(at))
    assert stored_plans.approval_of(app.house(), plan.id) is None
    assert stored_plans.left_out_draft(app.house(), plan.id) == ()
    assert [each.label for each in at.button if "Approve" in each.label] == ["Approve with this file"]
    assert "To decide on the page instead, remove it." in bare(said(at))
    button(at, "Approve with this file")
    approval = stored_plans.approval_of(app.house(), plan.id)
    assert approval
    assert approval.left_out == (left.key,)


def test_while_a_file_lies_there_the_page_tells_what_the_file_decides_and_nobody_is_left_out_beside_it(
    full: App, sandbox: Sandbox, said: Said
) -> None:
    sandbox.pass_day()
    plan = planning.preview(full.house(), DOMAIN)
    gone = next(each for each in plan.changes if each.action is Action.ARCHIVE)
    at = upload(full, plan.id, lambda book: keep_active(book, gone.key))
    shown = bare(said(at))
    assert f"1 person to be kept active from now on: {gone.name}." in shown
    assert "1 is left out." in shown
    assert "every number on this page is what it decides" in shown
    assert "The uploaded Excel file decides who is left out" in shown
    archived = next(each for each in at.metric if each.label == "To archive")
    assert archived.value == str(plan.counts["archive"] - 1)
    at.query_params["selected"] = gone.key
    assert "Leave out" not in [each.label for each in at.run().button]


def test_whom_a_file_keeps_active_is_not_put_back_and_a_refusal_names_them(
    full: App, sandbox: Sandbox, said: Said
) -> None:
    sandbox.pass_day()
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    gone = next(each for each in plan.changes if each.action is Action.ARCHIVE)
    other = next(each for each in plan.changes if each.action is not Action.ARCHIVE)
    at = upload(full, plan.id, lambda book: keep_active(book, gone.key))
    button(at, "Approve with this file")
    approving.keep_left_out(house, plan.id, [gone.key, other.key])
    at = full.open("preview")
    button(at, "Put everybody back")
    assert stored_plans.left_out_draft(house, plan.id) == (gone.key,)
    assert f"{gone.name} stays left out, as was decided since this preview." in bare(at.toast[0].value)
    assert "Process now" in [each.label for each in at.button]
    with pytest.raises(Refused) as refused:
        approving.approve(house, plan.id)
    assert f"first of all {gone.name} ({gone.key}): Protected since, so never archived." in str(refused.value)
    assert "make a new preview, which agrees with what was decided" in str(refused.value)


def test_keeping_somebody_active_who_is_no_user_yet_is_told_for_what_it_does(app: App) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    new = next(each for each in plan.changes if each.action is Action.ADD)
    at = upload(app, plan.id, lambda book: keep_active(book, new.key, "Added"))
    told = f"1 person to be kept active from now on: {new.name}. 1 of them is no user yet: not added this time, and never archived"
    assert told in bare(" ".join(each.value for each in at.info))


def test_the_file_of_an_approved_preview_says_who_is_kept_active(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    file, decided, after = BytesIO(), BytesIO(), BytesIO()
    workbooks.export_decided_workbook(house, plan.id, file)
    book = load_workbook(file)
    keep_active(book, plan.changes[0].key, "Added")
    book.save(decided)
    approving.approve_by_workbook(house, plan.id, decided)
    workbooks.export_decided_workbook(house, plan.id, after)
    rows = {row[1]: row[0] for row in load_workbook(after)["Added"].iter_rows(values_only=True)}
    assert rows[plan.changes[0].key] == "Keep active"


def keep_active(book: Workbook, key: str, sheet: str = "Archived") -> None:
    (row,) = [cell.row for cell in book[sheet]["B"] if cell.value == key]
    book[sheet][f"A{row}"] = "Keep active"


def bare(text: str) -> str:
    """The text as it is seen, without what keeps its characters from being markup."""
    return text.replace("\u2060", "").replace("\\", "")


def sign(book: Workbook) -> None:
    next(cell for cell in book["Summary"]["A"] if cell.value == "Decided by").offset(column=1).value = "Grace *Okoye*"


def upload(app: App, plan_id: str, edit: Callable[[Workbook], None], name: str = "decided.xlsx") -> AppTest:
    file, edited = BytesIO(), BytesIO()
    workbooks.export_decided_workbook(app.house(), plan_id, file)
    book = load_workbook(file)
    edit(book)
    book.save(edited)
    at = app.open("preview")
    return at.file_uploader(f"decided_{plan_id}").set_value((name, edited.getvalue(), EXCEL)).run()


def test_a_bar_of_attributes_filters_to_the_people_it_counts(full: App, sandbox: Sandbox) -> None:
    house = full.house()
    first = looking.plans_seen(house, DOMAIN)[0]
    name = first.attributes[0]
    assert looking.changes_seen(house, first.id, "", name, "", 50, 0)[1] == 0  # all of them are added
    sandbox.pass_day()
    plan = planning.preview(house, DOMAIN)
    for attribute, count in looking.attributes_changed(house, plan.id).items():
        found, total = looking.changes_seen(house, plan.id, "", attribute, "", 50, 0)
        assert total == count
        assert {each.action for each in found} <= {Action.UPDATE, Action.REACTIVATE}


def test_a_preview_says_how_far_it_is(app: App) -> None:
    house = app.house()

    def shown() -> str:
        chosen = next(each for each in app.open("preview").selectbox if each.label == "Preview")
        return str(chosen.options[0])

    plan = planning.preview(house, DOMAIN)
    assert "Waiting for approval" in shown()
    approving.approve(house, plan.id)
    assert "Approved" in shown()
    processing.process(house, plan.id)
    assert "Processed" in shown()
    planning.preview(house, DOMAIN)
    domain = domains_seen(house, "Northwind Trading")[0]
    states = looking.plan_states(house, DOMAIN, looking.plans_seen(house, DOMAIN))
    assert [str(each) for each in states.values()] == ["empty", "processed"]
    assert domain.settings_version == 1


def test_a_preview_of_older_settings_is_lapsed(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    domain = domains_seen(house, "Northwind Trading")[0]
    editing.save_settings(house, DOMAIN, replace(domain.settings, two_people=not domain.settings.two_people), 1)
    assert looking.plan_states(house, DOMAIN, [plan])[plan.id] is looking.PlanState.LAPSED


def test_a_preview_says_who_may_get_mail_and_what_the_seats_come_to(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    house.db.execute("UPDATE customers SET seats = 10, price_per_user = '2.50', currency = 'GBP'")
    effect = looking.effect_of(house, plan.id)
    assert effect.newly_live == effect.live == plan.counts["add"]
    assert effect.over == effect.live - 10
    assert effect.cost == f"{money(Decimal('2.50') * effect.over, 'GBP')} more"
    shown = said(app.open("preview")).replace("\\", "")
    assert f"{effect.newly_live} people would become live in the local directory, which sends no welcome mail" in shown
    assert f"{effect.live} live users after the run, of 10 licensed seats" in shown
    assert f"which cost {effect.cost}." in shown
    assert "To add" in shown


def test_the_portal_s_welcome_mail_is_announced_where_a_portal_keeps_the_users() -> None:
    assert live_in_words(4, portal=True).startswith(
        "4 people would become live: the portal may send them its welcome mail"
    )
    assert "no welcome mail" in live_in_words(1, portal=False)
    assert "a portal that keeps them may" in live_in_words(4)


def test_a_lapsed_preview_is_called_one(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    domain = domains_seen(house, "Northwind Trading")[0]
    editing.save_settings(house, DOMAIN, replace(domain.settings, absent_reads=2), 1)
    shown = said(app.open("preview", plan=plan.id)).replace("\\", "")
    assert "since this preview was made" in shown
    assert f"since plan {plan.id}" not in shown


def test_a_list_that_is_cut_says_so(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    keys = tuple(str(number) for number in range(1_234))
    finding = Finding(
        "unknown-lifecycle", Severity.WARN, "They have a status of their own.", "Say what it means.", keys=keys
    )
    monkeypatch.setattr(stored_plans, "plan_seen", lambda *_: replace(plan, findings=(finding,)))
    shown = said(full.open("preview"))
    assert "These are the first 200 of 1,234." in shown
    assert "And 195 more" in shown


def test_a_finding_about_managers_counts_those_who_report_to_them(
    full: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    plan = looking.plans_seen(full.house(), DOMAIN)[0]
    found = Finding("manager-shared", Severity.WARN, "It is shared.", "Give each their own.", keys=("1", "2", "3"))
    found = replace(found, managers=("8", "9"), names={"8": "Ben Ito", "9": "Cy Ray"})
    monkeypatch.setattr(stored_plans, "plan_seen", lambda *_: replace(plan, findings=(found,)))
    at = full.open("preview")
    assert "**Their manager shares a unique identifier**, 3 people" in "".join(each.label for each in at.expander)
    assert "Their managers: Ben Ito, Cy Ray." in bare(said(at))


def test_a_name_in_a_link_is_no_markdown(full: App, sandbox: Sandbox) -> None:
    house = full.house()
    key = looking.held_seen(house, looking.plans_seen(house, DOMAIN)[0].id, "", 1, 0)[0][0].key
    sandbox.company.people[key]["root.firstName"] = "[x](https://evil.example)"
    plan = planning.preview(house, DOMAIN)
    at = full.open("preview", plan=plan.id, show="held", selected=key)
    (label,) = (each.proto.label for each in at.get("page_link") if "Everything" in each.proto.label)
    assert "](" not in label
    assert "://" not in label


def test_a_chart_that_is_cut_says_so(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    many = {f"Attribute {number}": 1 for number in range(30)}
    monkeypatch.setattr(looking, "attributes_changed", lambda *_: many)
    assert "These are the first 12 of 30." in said(full.open("preview"))


def test_the_previews_offered_say_when_they_are_not_all(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    assert "Older ones" not in said(full.open("preview"))
    plan, seen = looking.plans_seen(full.house(), DOMAIN)[0], looking.plans_seen
    monkeypatch.setattr(looking, "plans_seen", lambda *_: [*seen(*_), *[replace(plan, id=f"p{n}") for n in range(19)]])
    assert "These are the newest 20. Older ones stand in the history." in said(full.open("preview"))
