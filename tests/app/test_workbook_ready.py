"""The workbook is there as soon as the preview is: the worker builds it, and whoever downloads it does not wait."""

from datetime import timedelta
from io import BytesIO

import pytest
from installation import ADMIN, DOMAIN, App
from openpyxl import load_workbook

from provisioning.errors import Refused, WorkbookRefused
from provisioning.model import Action, Outcome, Plan, Result, Run, RunStatus
from provisioning.report.workbook_decisions import read_workbook
from provisioning.store import customers, plans, runs, snapshots
from provisioning.store.jobs import JobKind
from provisioning.store.workbooks import kept_workbook
from provisioning.workflow import approving, asking, processing, reviewing, stored_plans, undoing, workbooks
from provisioning.workflow.house import Workspace


def previewed(app: App, house: Workspace) -> Plan:
    """A preview that the worker made."""
    asking.ask(house, DOMAIN, JobKind.PREVIEW)
    app.work()
    (newest,) = plans.recent_plans(house.db, customers.get_domain(house.db, DOMAIN).id, 1)
    return stored_plans.show_plan(house, newest.id)


def exported(house: Workspace, plan: Plan) -> bytes:
    file = BytesIO()
    workbooks.export_decided_workbook(house, plan.id, file)
    return file.getvalue()


def test_the_workbook_is_built_with_the_preview_and_handed_out_as_it_is(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    built = kept_workbook(house.snapshots, plan.domain_id, plan.id)
    assert built is not None
    assert exported(house, plan) == built
    assert read_workbook(plan, BytesIO(built)).left_out == ()


def test_managers_have_the_names_of_the_page_and_keep_them_when_the_directory_has_others_by_then(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    values = {each.after["Manager"] for each in plan.changes if each.after.get("Manager")}
    names = reviewing.reference_names(house, plan.id, [("Manager", value) for value in values])
    assert names
    assert {("Manager", value): name for value, name in plan.legend.names.items()} == names
    file = exported(house, plan)
    sheet = load_workbook(BytesIO(file))["Added"]
    header = [cell.value for cell in sheet[8]]
    shown = {row[1].value: row[header.index("Manager")].value for row in sheet.iter_rows(min_row=9)}
    for each in plan.changes:
        value = each.after.get("Manager")
        name = names.get(("Manager", value or ""))
        assert shown[each.key] == (f"{value} ({name})" if name else value)
    users = snapshots.load_users(house.snapshots, plan.domain_id)
    snapshots.save_users(house.snapshots, plan.domain_id, users, house.clock())
    house.db.execute("UPDATE changes SET name = 'Somebody Else' WHERE plan_id = ?", plan.id)
    assert read_workbook(stored_plans.show_plan(house, plan.id), BytesIO(file)).left_out == ()


def test_the_first_sheet_says_the_sentence_of_the_page(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    lines = summary_headings(exported(house, plan))
    assert " ".join(map(str, lines[1 : lines.index(None)])) == reviewing.headline_of(house, plan.id)


def test_a_workbook_that_fails_in_an_unforeseen_way_is_said_and_the_preview_stands(
    app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(house: Workspace, plan_id: str) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr(workbooks, "build_workbook", fail)
    house = app.house()
    plan = previewed(app, house)
    assert f"The workbook of {plan.id} could not be built: nobody foresaw this" in capsys.readouterr().err
    assert read_workbook(plan, BytesIO(exported(house, plan))).left_out == ()


def test_decisions_on_the_page_make_a_workbook_of_their_own(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    approving.keep_left_out(house, plan.id, [plan.changes[0].key])
    assert read_workbook(plan, BytesIO(exported(house, plan))).left_out == (plan.changes[0].key,)


def summary(file: bytes) -> dict[str, str]:
    return {row[0]: row[1] for row in load_workbook(BytesIO(file))["Summary"].iter_rows(values_only=True) if row[0]}


def test_the_workbook_says_how_far_the_preview_is_and_asks_for_no_decision_once_it_is_processed(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    assert summary(exported(house, plan))["Status"] == "Waiting for approval"
    left = plan.changes[0].key
    approval = approving.approve(house, plan.id, leave_out=[left])
    said = summary(exported(house, plan))
    assert said["Status"].startswith("Approved, and not processed yet")
    assert said["Approved"].endswith(f"by {approval.by}")
    assert (said["Left out"], "1. Decide" in said) == ("1 person", True)
    run = processing.process(house, plan.id)
    after = exported(house, plan)
    said = summary(after)
    assert said["Status"] == "Processed"
    assert said["Approved"].endswith(f"by {approval.by}")
    assert said["Processed"].endswith(f"by {run.by}")
    assert (said["Run"], said["Left out"], "1. Decide" in said) == (run.id, "1 person", False)
    added = load_workbook(BytesIO(after))["Added"]
    assert not added.data_validations.dataValidation
    assert not [cell for cell in added["A"] if str(cell.value).startswith("Decide each row")]
    by_command = BytesIO()
    workbooks.export_workbook(house, plan.id, by_command)
    for file in (after, by_command.getvalue()):
        with pytest.raises(WorkbookRefused, match="downloaded after processing had begun"):
            approving.approve_by_workbook(house, plan.id, BytesIO(file))


def test_a_file_that_was_downloaded_before_is_still_read_and_refused_for_the_run(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    before = exported(house, plan)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    assert read_workbook(plan, BytesIO(before)).left_out == ()
    with pytest.raises(Refused, match="approved and processed already"):
        approving.approve_by_workbook(house, plan.id, BytesIO(before))


def title(file: bytes, sheet: str) -> str:
    return str(load_workbook(BytesIO(file))[sheet]["A1"].value)


def first_column(file: bytes, sheet: str) -> list[object]:
    return [cell.value for cell in load_workbook(BytesIO(file))[sheet]["A"]]


def test_summary_titles_and_decisions_count_alike_in_every_state(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    every, (first, second) = len(plan.changes), (each.key for each in plan.changes[:2])
    assert {each.action for each in plan.changes} == {Action.ADD}

    def agrees(file: bytes, out: int) -> dict[str, str]:
        said, but = summary(file), f"; {out} left out" if out else ""
        assert said["To be added"] == f"{every - out} people{but}"
        heading = "Added" if "What was done" in summary_headings(file) else "To be added"
        assert title(file, "Added") == f"{heading}: {every - out} people{but}"
        column = first_column(file, "Added")
        words = ("Result", "Done", "Left out") if "Result" in column else ("Decision", "Approve", "Leave out")
        assert tuple(map(column.count, words)) == (1, every - out, out)
        return said

    assert "Left out" not in agrees(exported(house, plan), 0)
    approving.keep_left_out(house, plan.id, [first])
    said = agrees(exported(house, plan), 1)
    assert (said["Status"], said["Left out"]) == ("Waiting for approval", "1 person")
    approving.approve(house, plan.id)
    said = agrees(exported(house, plan), 1)
    assert said["Status"].startswith("Approved, but this file leaves out others than the approval")
    assert (said["Left out"], said["Left out by the approval"]) == ("1 person", "Nobody")
    approving.keep_left_out(house, plan.id, [])
    said = agrees(exported(house, plan), 0)
    assert said["Status"].startswith("Approved, and not processed yet")
    assert "Left out by the approval" not in said
    approving.approve(house, plan.id, leave_out=[first])
    approving.keep_left_out(house, plan.id, [second])
    said = agrees(exported(house, plan), 1)
    assert said["Left out by the approval"] == "1 person"
    processing.process(house, plan.id)
    file = exported(house, plan)
    said = agrees(file, 1)
    assert (said["Left out"], said["Added"], said["Failed"]) == ("1 person", f"{every - 1} people", "Nobody")
    assert table(file, "Added")[first]["Message"] == f"Left out by {ADMIN}, who approved it."


def table(file: bytes, sheet: str) -> dict[str, dict[str, str]]:
    """Key → heading → what stands there."""
    rows = [
        [str(each or "") for each in row] for row in load_workbook(BytesIO(file))[sheet].iter_rows(values_only=True)
    ]
    top = next(place for place, row in enumerate(rows) if "Key" in row)
    return {row[1]: dict(zip(rows[top], row, strict=True)) for row in rows[top + 1 :]}


def test_once_begun_each_row_says_what_became_of_it_and_why(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    first, second, third, fourth, *_ = plan.changes
    approving.approve(house, plan.id, leave_out=[fourth.key])
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    rows = table(exported(house, plan), "Added")
    assert {each["Result"] for each in rows.values()} == {"Not reached yet", "Left out"}
    assert "Message" not in rows[first.key], "nobody has one"
    told = [
        Outcome(first.key, first.action, Result.DONE),
        Outcome(second.key, second.action, Result.FAILED, "=1+1 is no user name."),
        Outcome(third.key, third.action, Result.DRIFTED, "Changed in HiBob since the preview."),
    ]
    runs.journal(house.db, run.id, told, house.clock())
    runs.end_run(house.db, run.id, RunStatus.STOPPED, house.clock())
    file = exported(house, plan)
    rows = table(file, "Added")
    assert [(rows[each.key]["Result"], rows[each.key]["Message"]) for each in plan.changes] == [
        ("Done", ""),
        ("Failed", "=1+1 is no user name."),
        ("Changed since", "Changed in HiBob since the preview."),
        ("Left out", ""),
        *[("Not reached yet", "")] * (len(plan.changes) - 4),
    ]
    title = load_workbook(BytesIO(file))["Added"]["A1"].value
    waits = len(plan.changes) - 4
    assert title == f"Added: 1 person; 1 failed, 1 changed since, 1 left out; {waits} not reached yet"
    assert "Decision" not in rows[first.key]
    assert rows[first.key]["Why"] == first.why, "the message stands behind everything else"
    sheet = load_workbook(BytesIO(file))["Added"]
    (cell,) = [cell for row in sheet.iter_rows() for cell in row if cell.value == "=1+1 is no user name."]
    assert (cell.data_type, cell.quotePrefix) == ("s", True)
    assert "Message" not in [cell.value for row in load_workbook(BytesIO(file))["Updated"].iter_rows() for cell in row]


def test_after_a_retry_a_row_says_how_it_ended_the_last_time(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    approving.approve(house, plan.id)
    *others, last = plan.changes
    told = [Outcome(each.key, each.action, Result.DONE) for each in others]
    run = ended(house, plan, ADMIN, [*told, Outcome(last.key, last.action, Result.FAILED, "It did not answer.")])
    assert table(exported(house, plan), "Added")[last.key]["Result"] == "Failed"
    ended(house, plan, ADMIN, [Outcome(last.key, last.action, Result.DONE)], run.id)
    rows = table(exported(house, plan), "Added")
    assert {each["Result"] for each in rows.values()} == {"Done"}
    assert "Message" not in rows[last.key]


def test_a_file_after_a_retry_says_what_both_runs_did(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    approving.approve(house, plan.id)
    *done, last = plan.changes
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    told = [Outcome(each.key, each.action, Result.DONE) for each in done]
    runs.journal(house.db, run.id, [*told, Outcome(last.key, last.action, Result.FAILED)], house.clock())
    file = exported(house, plan)
    assert "What was done so far" in summary_headings(file)
    assert summary(file)["Failed"] == "1 person; the page Process says why"
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    processing.process(house, plan.id, retry_failed=True)
    file = exported(house, plan)
    assert "What was done" in summary_headings(file)
    assert (summary(file)["Added"], summary(file)["Failed"]) == (f"{len(plan.changes)} people", "Nobody")


def ended(house: Workspace, plan: Plan, by: str, outcomes: list[Outcome], retry_of: str | None = None) -> Run:
    """A run of somebody's that came to its end so, a day after it began."""
    run = runs.start_run(house.db, plan.id, plan.domain_id, by, house.clock(), retry_of)
    runs.journal(house.db, run.id, outcomes, house.clock())
    status = RunStatus.PARTIAL if any(each.result is not Result.DONE for each in outcomes) else RunStatus.DONE
    runs.end_run(house.db, run.id, status, house.clock() + timedelta(days=1))
    return runs.get_run(house.db, run.id)


def test_the_summary_names_every_run_with_who_did_what(app: App) -> None:
    """Whoever tried again without success did not do what was done before."""
    house, csm = app.house(), "csm@skillcast.example"
    plan = previewed(app, house)
    approving.approve(house, plan.id)
    first, second, *others = plan.changes
    told = [Outcome(each.key, each.action, Result.DONE) for each in others]
    told += [Outcome(first.key, first.action, Result.FAILED), Outcome(second.key, second.action, Result.DRIFTED)]
    run = ended(house, plan, ADMIN, told)
    assert summary(exported(house, plan))["Processed"].endswith(f" by {ADMIN}"), "what it did stands below"
    again = ended(house, plan, csm, [Outcome(first.key, first.action, Result.FAILED)], run.id)
    last = ended(house, plan, csm, [Outcome(first.key, first.action, Result.DONE)], again.id)
    rows = [row[:2] for row in load_workbook(BytesIO(exported(house, plan)))["Summary"].iter_rows(values_only=True)]

    def at(one: Run) -> str:
        assert one.ended_at is not None
        return f"{one.ended_at.day} {one.ended_at:%B %Y, %H:%M} UTC"

    assert [(label, told) for label, told in rows if label in ("Processed", "Tried again")] == [
        ("Processed", f"{at(run)}, by {ADMIN} ({len(others):,} done, 1 failed, 1 changed since)"),
        ("Tried again", f"{at(again)}, by {csm} (0 done, 1 failed)"),
        ("Tried again", f"{at(last)}, by {csm} (1 done)"),
    ]
    assert [(label, told) for label, told in rows if str(label).startswith("Run")] == [
        ("Run", run.id),
        ("Run that tried again", again.id),
        ("Run that tried again", last.id),
    ]
    said = {str(label): told for label, told in rows}
    assert (said["Status"], said["Changed since"][:8]) == ("Processed, with exceptions", "1 person")


def test_the_file_of_a_preview_that_was_taken_back_says_so_and_no_longer_what_people_would_notice(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    noticed = str(summary(exported(house, plan))["What people notice"])
    assert noticed.endswith("in the local directory, which sends no welcome mail and no training")
    approving.approve(house, plan.id)
    run = processing.process(house, plan.id)
    assert "Taken back" not in summary(exported(house, plan))
    back = undoing.undo(house, run.id)
    approving.approve(house, back.id, overrides={each.code: "Agreed by phone." for each in back.blocks})
    processing.process(house, back.id)
    told = summary(exported(house, plan))
    assert str(told["Taken back"]).startswith("What was done was taken back since: ")
    assert "What people notice" not in told


def summary_headings(file: bytes) -> list[object]:
    return [cell.value for cell in load_workbook(BytesIO(file))["Summary"]["A"]]


def test_only_the_newest_previews_workbook_is_kept_and_nobody_else_can_read_it(app: App) -> None:
    house = app.house()
    first, second = previewed(app, house), previewed(app, house)
    assert kept_workbook(house.snapshots, first.domain_id, first.id) is None
    (file,) = house.snapshots.glob("*.xlsx*")
    assert second.id in file.name
    assert file.stat().st_mode & 0o077 == 0


def test_the_workbook_goes_with_the_snapshots_of_its_domain_and_is_built_again_on_demand(app: App) -> None:
    house = app.house()
    plan = previewed(app, house)
    snapshots.drop_snapshots(house.snapshots, plan.domain_id)
    assert not list(house.snapshots.glob("*.xlsx*"))
    assert read_workbook(plan, BytesIO(exported(house, plan))).left_out == ()
