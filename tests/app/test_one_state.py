"""One state, one sentence, one next step: a preview that was approved is told in the same words on every page, whatever was
decided or made since. And an approval of nothing is none."""

from io import BytesIO

import pytest
from installation import ADMIN, DOMAIN, App, Said, button
from openpyxl import load_workbook
from streamlit.testing.v1 import AppTest

from provisioning.errors import Refused
from provisioning.model import Action, Plan, Role
from provisioning.sandbox import Sandbox
from provisioning.web.approval import EXCEL
from provisioning.workflow import approving, looking, planning, processing, setting_up, stored_plans, workbooks

AGAIN, APPROVED, WAITS = "To be approved again", "Approved", "Waiting for approval"
PAGES = ("preview", "process", "")


@pytest.fixture
def csm(app: App) -> App:
    """Whoever looks sees the page Customers too."""
    setting_up.grant(app.house(None), ADMIN, Role.CSM, None)
    return app


@pytest.fixture
def plan(csm: App) -> Plan:
    """Approved, everybody of it."""
    plan = planning.preview(csm.house(), DOMAIN)
    approving.approve(csm.house(), plan.id)
    return plan


def bare(at: AppTest, said: Said) -> str:
    """As it is seen, without what keeps characters from being markup."""
    return said(at).replace("\u2060", "").replace("\\", "")


def labels(at: AppTest) -> list[str]:
    return [each.label for each in at.button] + [each.proto.label for each in at.main.get("page_link")]


def dropdown(at: AppTest) -> list[str]:
    chosen = next(each for each in at.selectbox if each.label == "Preview")
    return [each.rpartition(" · ")[2] for each in chosen.options]


def urgent(app: App, said: Said) -> str:
    return bare(app.open("customers"), said)


def test_whoever_is_left_out_after_the_approval_makes_one_state_of_it_everywhere(
    csm: App, plan: Plan, said: Said
) -> None:
    left, every = plan.changes[0], len(plan.changes)
    approving.keep_left_out(csm.house(), plan.id, [left.key])
    otherwise = (
        f"You decide otherwise: {every - 1} of {every} changes, left out: {left.name}. Approve it again, or go back to"
    )
    for page in PAGES:
        shown = bare(csm.open(page), said)
        assert f"-badge[{AGAIN}]" in shown
        assert f"{every - 1} people join. 1 is left out." in shown
        assert otherwise in shown
        assert f"Approved by {ADMIN}, " in shown
    assert dropdown(csm.open("preview")) == [AGAIN]
    for page in ("preview", "process"):
        assert next(each.value for each in csm.open(page).metric if each.label == "To add") == str(every - 1)
        assert "Process now" not in labels(csm.open(page))
    assert "Approve again" in labels(csm.open("preview"))
    assert "Approve it again" in labels(csm.open("process"))
    assert "a preview is to be approved again" in urgent(csm, said)


def test_what_was_approved_is_gone_back_to_by_one_click(csm: App, plan: Plan, said: Said) -> None:
    approving.keep_left_out(csm.house(), plan.id, [plan.changes[0].key])
    at = csm.open("preview")
    # Nobody was left out by the approval: to put everybody back would be the same click.
    assert "Put everybody back" not in labels(at)
    button(at, "Back to what was approved")
    assert "Process now" in labels(at)
    for page in PAGES:
        shown = bare(csm.open(page), said)
        assert f"-badge[{APPROVED}]" in shown
        assert "otherwise" not in shown
    assert "An approved preview waits to be processed" in urgent(csm, said)


def test_where_the_approval_left_somebody_out_nobody_left_out_is_said_and_both_ways_are_there(
    csm: App, plan: Plan, said: Said
) -> None:
    house, (one, other, *_) = csm.house(), [each.key for each in plan.changes]
    approving.approve(house, plan.id, leave_out=[one])
    approving.keep_left_out(house, plan.id, [other])
    at = csm.open("preview")
    assert {"Back to what was approved", "Put everybody back"} <= {*labels(at)}
    button(at, "Put everybody back")
    assert "You decide otherwise: nobody is left out. Approve it again" in bare(at, said)


def test_what_somebody_decides_by_now_is_theirs_alone(csm: App, plan: Plan) -> None:
    approving.keep_left_out(csm.house(), plan.id, [plan.changes[0].key])
    seen = [looking.plan_states(csm.house(who), DOMAIN, [plan])[plan.id] for who in (ADMIN, "csm@skillcast.example")]
    assert seen == [looking.PlanState.CHANGED, looking.PlanState.APPROVED]


def test_an_approved_preview_and_a_newer_one_name_each_other_and_every_page_leads_to_the_approved(
    csm: App, plan: Plan, sandbox: Sandbox, said: Said
) -> None:
    sandbox.pass_day()
    newer = planning.preview(csm.house(), DOMAIN)
    at = csm.open("preview")
    assert dropdown(at) == [WAITS, APPROVED]
    assert "is approved and waits to be processed. Once one of the two is processed, the other lapses." in bare(
        at, said
    )
    for page, query in (("preview", {"plan": plan.id}), ("process", {}), ("", {})):
        shown = bare(csm.open(page, **query), said)
        assert f"Approved by {ADMIN}, " in shown
        assert "waits for approval. Once one of the two is processed, the other lapses." in shown
    assert "Process now" in labels(csm.open("process"))
    at = csm.open()
    assert at.header[0].value == "Process"
    button(at, "Open processing")
    assert at.query_params["plan"] in (plan.id, [plan.id])
    assert "An approved preview waits to be processed" in urgent(csm, said)
    processing.process(csm.house(), plan.id)
    assert stored_plans.lapsed(csm.house(), newer.id)
    assert "the other lapses" not in bare(csm.open("preview", plan=newer.id), said)


def test_a_newer_preview_that_is_blocked_comes_first_everywhere(full: App, sandbox: Sandbox, said: Said) -> None:
    house = full.house()
    setting_up.grant(full.house(None), ADMIN, Role.CSM, None)
    sandbox.pass_day()
    approved = planning.preview(house, DOMAIN)
    approving.approve(house, approved.id)
    sandbox.switches.half_missing = True
    planning.preview(house, DOMAIN)
    at = full.open()
    assert at.header[0].value == "Look at what blocks"
    assert "is approved and waits to be processed" in bare(at, said)
    assert "The newest preview is blocked" in urgent(full, said)
    assert "A newer preview, of " in bare(full.open("preview", plan=approved.id), said)


def test_after_a_run_the_newer_preview_is_the_next_step_on_every_page(
    csm: App, plan: Plan, sandbox: Sandbox, said: Said
) -> None:
    processing.process(csm.house(), plan.id)
    sandbox.pass_day()
    planning.preview(csm.house(), DOMAIN)
    assert dropdown(csm.open("preview")) == [WAITS, "Processed"]
    shown = bare(csm.open("process"), said)
    assert "Everything approved was done" in shown
    assert "waits for its approval" in shown
    assert csm.open().header[0].value == "Review and approve"
    assert "A preview waits for approval" in urgent(csm, said)


def decided(app: App, plan: Plan, *keys: str, decision: str = "Leave out") -> AppTest:
    """The page with a file on it that decides so about these people."""
    file, edited = BytesIO(), BytesIO()
    workbooks.export_workbook(app.house(), plan.id, file)
    book = load_workbook(file)
    for row in book["Added"].iter_rows():
        if row[1].value in keys:
            row[0].value = decision
    book.save(edited)
    at = app.open("preview")
    return at.get("file_uploader")[0].set_value(("decided.xlsx", edited.getvalue(), EXCEL)).run()


def test_a_file_on_an_approved_preview_that_decides_otherwise_is_told_as_the_draft_is(
    csm: App, plan: Plan, said: Said
) -> None:
    left, every = plan.changes[0], len(plan.changes)
    at = decided(csm, plan, left.key)
    shown = bare(at, said)
    assert f"-badge[{AGAIN}]" in shown
    assert dropdown(at) == [AGAIN]
    told = f"The uploaded Excel file decides otherwise: {every - 1} of {every} changes, left out: {left.name}. Approve with it,"
    assert told in shown
    assert "Process now" not in labels(at)
    button(at, "Approve with this file")
    assert f"-badge[{APPROVED}]" in bare(at, said)


def test_a_file_that_decides_what_was_approved_changes_nothing(csm: App, plan: Plan, said: Said) -> None:
    at = decided(csm, plan)
    shown = bare(at, said)
    assert f"-badge[{APPROVED}]" in shown
    assert "That is what was approved already." in shown
    assert "Process now" in labels(at)
    assert "Approve with this file" not in labels(at)


# --- nobody is left in ------------------------------------------------------------------------------------


def test_where_everybody_is_left_out_the_page_says_so_and_approves_nothing(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.keep_left_out(house, plan.id, [each.key for each in plan.changes])
    at = app.open("preview")
    assert "Everybody is left out, so nothing would be done. Put somebody back to approve the rest." in bare(at, said)
    assert next(each for each in at.button if each.label == "Approve").disabled
    assert "Approve it at the top" not in bare(at, said)
    with pytest.raises(Refused, match="is left out: nothing would be done"):
        approving.approve(house, plan.id, leave_out=[each.key for each in plan.changes])
    assert stored_plans.approval_of(house, plan.id) is None


def test_where_everybody_is_left_out_of_what_was_approved_the_page_says_so_too(
    csm: App, plan: Plan, said: Said
) -> None:
    approving.keep_left_out(csm.house(), plan.id, [each.key for each in plan.changes])
    at = csm.open("preview")
    assert "nothing would be done. Put somebody back, or go back to what was approved." in bare(at, said)
    assert next(each for each in at.button if each.label == "Approve again").disabled


def test_a_file_that_leaves_out_everybody_cannot_be_approved_by(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = decided(app, plan, *(each.key for each in plan.changes))
    assert "Everybody is left out, so nothing would be done." in bare(at, said)
    assert "Approve with this file" not in labels(at)


def test_a_file_that_keeps_everybody_active_is_a_decision_and_leaves_nothing_to_process(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    at = decided(app, plan, *(each.key for each in plan.changes), decision="Keep active")
    button(at, "Approve with this file")
    shown = bare(app.open("preview"), said)
    assert "-badge[Nothing to do]" in shown
    assert f"Approved by {ADMIN}" in shown
    assert "Everybody is left out, so nothing would be done." in shown
    assert "Process now" not in labels(app.open("preview"))
    assert "Process now" not in labels(app.open("process"))
    assert app.open().header[0].value == "Nothing to do"
    with pytest.raises(Refused, match="leaves out everybody: there is nothing to process"):
        processing.process(house, plan.id)


def test_nobody_is_offered_to_be_put_back_who_cannot_be(full: App, sandbox: Sandbox) -> None:
    house = full.house()
    sandbox.pass_day()
    plan = planning.preview(house, DOMAIN)
    gone = next(each for each in plan.changes if each.action is Action.ARCHIVE)
    other = next(each for each in plan.changes if each.action is not Action.ARCHIVE)
    file, edited = BytesIO(), BytesIO()
    workbooks.export_workbook(house, plan.id, file)
    book = load_workbook(file)
    next(row for row in book["Archived"].iter_rows() if row[1].value == gone.key)[0].value = "Keep active"
    book.save(edited)
    approving.approve_by_workbook(house, plan.id, edited)
    assert "Put everybody back" not in labels(full.open("preview"))
    approving.keep_left_out(house, plan.id, [gone.key, other.key])
    assert "Put everybody back" in labels(full.open("preview"))
