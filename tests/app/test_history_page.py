"""The history, filtered, compared and handed out."""

import ast
import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from installation import ADMIN, DOMAIN, App
from openpyxl import load_workbook
from streamlit.testing.v1 import AppTest

import provisioning
from provisioning.errors import NotFound
from provisioning.model import Action, Role, Run, RunStatus
from provisioning.report.called import who
from provisioning.report.tables import as_csv
from provisioning.report.workbook import write_workbook
from provisioning.sandbox import Sandbox
from provisioning.web.words import escape, moment, run_names
from provisioning.workflow import (
    approving,
    asking,
    deciding,
    editing,
    explaining,
    handing_out,
    looking,
    looking_back,
    planning,
    processing,
    setting_up,
    stored_plans,
    undoing,
    workbooks,
)
from provisioning.workflow.handing_out import FileKind
from provisioning.workflow.house import domains_seen

Said = Callable[[AppTest], str]


@pytest.fixture
def two(full: App, sandbox: Sandbox) -> tuple[str, str]:
    """The ids of two runs: everybody added; then what a day brought."""
    sandbox.pass_day()
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id, overrides={each.code: "In a test." for each in plan.blocks})
    processing.process(house, plan.id)
    second, first = [run.id for run, *_ in looking.runs_seen(house, DOMAIN)]
    return first, second


def test_two_runs_are_compared_in_counts_attributes_and_people(full: App, two: tuple[str, str]) -> None:
    house, (first, second) = full.house(), two
    found = looking_back.compare_runs(house, DOMAIN, second, first)
    _, results, actions = looking_back.runs_found(house, DOMAIN)[0]
    assert ("done", results["done"], looking_back.runs_found(house, DOMAIN)[1][1]["done"]) in found.counts
    assert ("update", actions["update"]) in [(name, here) for name, here, _ in found.counts]
    plan = stored_plans.run_seen(house, second).plan_id
    assert {name: here for name, here, _ in found.attributes} == looking.attributes_changed(house, plan)
    assert found.people == (results["done"], looking_back.runs_found(house, DOMAIN)[1][1]["done"])
    assert found.both.count + found.only[0].count == found.people[0]
    assert found.both.count + found.only[1].count == found.people[1]
    assert looking_back.compare_runs(house, DOMAIN, second, second).both.count == found.people[0]


def test_whoever_one_run_left_out_and_another_did_is_named_in_the_comparison(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    out = plan.changes[0]
    approving.approve(house, plan.id, leave_out=[out.key])
    first = processing.process(house, plan.id)
    again = planning.preview(house, DOMAIN)
    approving.approve(house, again.id)
    second = processing.process(house, again.id)
    found = looking_back.compare_runs(house, DOMAIN, first.id, second.id)
    assert (found.missed[0].names, found.missed[0].count, found.missed[1].count) == ((out.name,), 1, 0)
    (line,) = [
        each
        for each in said(app.open("history", show="runs", run=first.id, **{"with": second.id})).splitlines()
        if "Left out, failed" in each
    ]
    assert line.endswith(f": {out.name}.")


def test_a_run_of_nowhere_is_compared_with_nothing(full: App) -> None:
    with pytest.raises(NotFound):
        looking_back.compare_runs(full.house(), DOMAIN, "run-none", "run-none")


def test_the_page_shows_two_runs_side_by_side(full: App, two: tuple[str, str]) -> None:
    at = full.open("history", show="runs", run=two[1], **{"with": two[0]})
    assert not at.exception
    table = next(each.value for each in at.dataframe if "First less second" in each.value.columns)
    assert "Done" in list(table["What"])


def test_runs_are_filtered_by_how_they_ended_and_by_a_word(full: App, two: tuple[str, str], said: Said) -> None:
    house = full.house()
    assert [run.id for run, *_ in looking_back.runs_found(house, DOMAIN, (), two[0].upper())] == [two[0]]
    assert len(looking_back.runs_found(house, DOMAIN, ("done", "partial"), ADMIN)) == 2
    assert looking_back.runs_found(house, DOMAIN, ("stopped",)) == []
    assert "No run fits" in said(full.open("history", show="runs", ended="stopped"))


def test_previews_are_filtered_by_how_far_they_are_and_by_a_word_and_handed_out(
    full: App, two: tuple[str, str], said: Said
) -> None:
    house = full.house()
    waiting = planning.preview(house, DOMAIN)
    done = [stored_plans.run_seen(house, each).plan_id for each in two]
    found = looking_back.previews_found(house, DOMAIN, ("processed",), ADMIN)
    assert [each.plan.id for each in found] == done[::-1]
    assert [each.plan.id for each in looking_back.previews_found(house, DOMAIN, (), waiting.id)] == [waiting.id]
    rows = json.loads(handing_out.export_previews(house, DOMAIN, ("processed",), "", FileKind.JSON))
    assert [(row["plan"], row["add"]) for row in rows] == [(each.plan.id, each.plan.counts["add"]) for each in found]
    at = full.open("history", show="previews", states="processed")
    table = at.dataframe[0].value
    assert list(table["Status"]) == ["Processed", "Processed"]
    assert "No preview fits" in said(full.open("history", show="previews", states="blocked"))


def test_events_are_searched_by_any_word_of_them(full: App, two: tuple[str, str], said: Said) -> None:
    house = full.house()
    found = looking_back.timeline(house, DOMAIN, ["plan approved"], "TO BE added").events
    assert [each.what for each in found] == ["plan approved", "plan approved"]
    assert looking_back.timeline(house, DOMAIN, ["run"], "to be added").events == []
    at = full.open("history", kinds="Runs", search="no such word")
    assert not at.exception
    assert "Nothing fits" in said(at)


@pytest.mark.parametrize("kind", FileKind)
def test_what_is_handed_out_is_what_is_filtered_and_is_recorded(
    full: App, two: tuple[str, str], kind: FileKind
) -> None:
    house = full.house()
    file = handing_out.export_runs(house, DOMAIN, (), two[1], kind).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(file))) if kind is FileKind.CSV else json.loads(file)
    assert [row["run"] for row in rows] == [two[1]]
    events = handing_out.export_events(house, DOMAIN, ["plan approved"], "", kind).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(events))) if kind is FileKind.CSV else json.loads(events)
    assert [row["what"] for row in rows] == ["plan approved", "plan approved"]
    recorded = [each.details for each in looking.see_history(house, DOMAIN) if each.what == "history exported"]
    assert recorded == [
        {"of": "events", "rows": 2, "file": kind.value},
        {"of": "runs", "rows": 1, "file": kind.value},
    ]


@pytest.mark.parametrize("kind", FileKind)
@pytest.mark.parametrize(("starts", "text"), [((), ""), (("run", "stop"), ""), ((), "to be added")])
def test_the_file_has_the_events_that_the_timeline_shows(
    full: App, two: tuple[str, str], kind: FileKind, starts: tuple[str, ...], text: str
) -> None:
    house = full.house()
    shown = looking_back.timeline(house, DOMAIN, starts, text).events
    file = handing_out.export_events(house, DOMAIN, starts, text, kind).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(file))) if kind is FileKind.CSV else json.loads(file)
    assert [(row["at"], row["who"], row["what"]) for row in rows] == [(each.at, each.who, each.what) for each in shown]
    assert rows
    assert "run started" not in {row["what"] for row in rows}


def test_a_line_of_the_timeline_is_found_by_itself_as_it_was_copied(full: App, two: tuple[str, str]) -> None:
    house = full.house()
    whole = looking_back.timeline(house, DOMAIN)
    for each in whole.events:
        said = whole.told(each)
        line = f"{datetime.fromisoformat(each.at):%H:%M} {who(each.who)} {said.text}. {said.more}"
        assert each in looking_back.timeline(house, DOMAIN, (), line).events, line
    approved = [whole.told(each).text for each in whole.events if each.what == "plan approved"]
    assert all(" to be added" in text for text in approved)


def test_days_are_searched_as_the_clock_of_the_page_shows_them(full: App, two: tuple[str, str]) -> None:
    house, far = full.house(), ZoneInfo("Pacific/Kiritimati")
    newest = looking_back.timeline(house, DOMAIN).events[0]
    there = datetime.fromisoformat(newest.at).astimezone(far)
    for day in (
        f"{there:%A} {there.day} {there:%B %Y}, UTC+14",
        f"{there.day} {there:%b %Y, %H:%M}",
        f"{there:%Y-%m-%d %H:%M}",
    ):
        assert newest in looking_back.timeline(house, DOMAIN, (), day, far).events
    run, *_ = looking_back.runs_found(house, DOMAIN)[0]
    begun = run.started_at.astimezone(far)
    asked = f"{begun.day} {begun:%b %Y, %H:%M} UTC+14"
    assert run.id in [each.id for each, *_ in looking_back.runs_found(house, DOMAIN, (), asked, far)]
    assert looking_back.runs_found(house, DOMAIN, (), asked) == []
    assert looking_back.timeline(house, DOMAIN, (), f"{there.day} {there:%b %Y, %H:%M} UTC+14").events == []


def test_whoever_was_left_out_or_decided_about_is_found_by_name_and_named_in_the_file(
    full: App, sandbox: Sandbox
) -> None:
    sandbox.pass_day()
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    archived = next(each for each in plan.changes if each.action is Action.ARCHIVE)
    plan = deciding.decide(house, plan.id, asking.Wishes(protect=(archived.key,)))
    left = plan.changes[0]
    approving.approve(
        house, plan.id, leave_out=(left.key,), overrides={each.code: "In a test." for each in plan.blocks}
    )
    for name, what in ((left.name, "plan approved"), (archived.name, "decided")):
        assert what in [each.what for each in looking_back.timeline(house, DOMAIN, (), name).events]
        rows = json.loads(handing_out.export_events(house, DOMAIN, (what,), name, FileKind.JSON))
        assert [name in row["details"] for row in rows] == [True]


def test_whoever_was_kept_active_is_told_so_by_name_and_apart_from_who_was_left_out(
    full: App, sandbox: Sandbox, said: Said
) -> None:
    sandbox.pass_day()
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    kept = next(each for each in plan.changes if each.action is Action.ARCHIVE)
    left = next(each for each in plan.changes if each.action is not Action.ARCHIVE)
    built = BytesIO()
    write_workbook(plan, built)
    file = load_workbook(built)
    for change, decision in ((kept, "Keep active"), (left, "Leave out")):
        for sheet in file.worksheets[1:5]:
            for row in sheet.iter_rows():
                if row[1].value == change.key:
                    row[0].value = decision
    changed = BytesIO()
    file.save(changed)
    changed.seek(0)
    approving.approve(house, plan.id, overrides={each.code: "In a test." for each in plan.blocks}, workbook=changed)
    run = processing.process(house, plan.id)
    whole = looking_back.timeline(house, DOMAIN, ("plan approved",))
    assert whole.told(whole.events[0]).more.endswith(f"kept active: {kept.name}, left out: {left.name}")
    assert "signed by" not in whole.told(whole.events[0]).more
    page = said(full.open("history", show="runs", run=run.id))
    assert escape(f"{ADMIN} kept active 1 person: {kept.name}.") in page
    assert escape(f"{ADMIN} left out 1 person: {left.name}.") in page
    then = explaining.explain_then(house, DOMAIN, kept.key, run.id)
    assert any("Kept active, as was decided" in step.detail for step in then.answer.steps)
    assert then.answer.answer == "Not archived by that run. Kept active, as was decided on this preview."


def test_a_role_for_every_customer_is_told_searched_and_handed_out_in_each(full: App, said: Said) -> None:
    setting_up.grant(full.house(None), "all@skillcast.example", Role.CSM, None)
    setting_up.revoke(full.house(None), "all@skillcast.example", None)
    text = "took the role CSM from all@skillcast.example for every customer"
    assert escape(text) in said(full.open("history", kinds="Access and exports", search=text))
    rows = json.loads(handing_out.export_events(full.house(), DOMAIN, ("role",), "all@skillcast", FileKind.JSON))
    assert [row["what"] for row in rows] == ["role removed", "role granted"]


def names_recorded() -> set[str]:
    """Every name of an event that the code records."""
    names: set[str] = set()
    trees = {path: ast.parse(path.read_text()) for path in Path(provisioning.__file__).parent.rglob("*.py")}
    constants = [each for path, tree in trees.items() if path.name == "history.py" for each in ast.walk(tree)]
    for tree in trees.values():
        nodes = list(ast.walk(tree))
        for call in (each for each in nodes if isinstance(each, ast.Call)):
            called = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if called not in ("record_event", "record_unsealed", "record", "_record", "_note"):
                continue
            for given in call.args:
                names |= texts(given)
                name = getattr(given, "id", getattr(given, "attr", ""))
                for each in [*nodes, *constants] if name else []:
                    names |= texts_of_name(each, name)
    return names


def texts(node: ast.AST) -> set[str]:
    if isinstance(node, ast.IfExp):
        return texts(node.body) | texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def texts_of_name(node: ast.AST, name: str) -> set[str]:
    """What this name is made to be by an assignment or a loop."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if getattr(target, "id", "") == name:
                return texts(node.value)
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=True)
                return {text for one, value in pairs if getattr(one, "id", "") == name for text in texts(value)}
    if isinstance(node, ast.For) and name in {getattr(each, "id", "") for each in ast.walk(node.target)}:
        return {text for each in ast.walk(node.iter) for text in texts(each)}
    return set()


def test_every_event_is_of_one_kind() -> None:
    recorded = names_recorded()
    assert recorded >= {
        "target saved", "encryption key rotated", "history sealed anew", "old plans removed", "connection created",
        "run stopped", "role by group ended", "rows found unsealed", "database restored", "customer taken up again",
        "connection tested", "content of the history removed", "signed out", "domain changed",
    }  # fmt: skip
    kinds = {
        name: [kind for kind, starts in looking_back.EVENT_KINDS.items() if name.startswith(starts)]
        for name in recorded
    }
    assert {name: found for name, found in kinds.items() if len(found) != 1} == {}


def test_a_downloaded_excel_file_is_found_among_access_and_exports(full: App, said: Said) -> None:
    house = full.house()
    workbooks.export_workbook(house, looking.plans_seen(house, DOMAIN)[0].id, BytesIO())
    assert "downloaded the Excel file" in said(full.open("history", kinds="Access and exports"))
    assert "downloaded the Excel file" not in said(full.open("history", kinds="Previews and approvals"))


def test_a_formula_in_the_history_stays_text() -> None:
    rows = [{"who": "=1+1", "what": "@x"}, {"who": "a", "rows": 3}]
    assert as_csv(rows).decode("utf-8-sig").splitlines() == ["who,what,rows", "'=1+1,'@x,", "a,,3"]


def test_a_preview_of_the_past_hands_out_its_workbook_again(full: App, two: tuple[str, str]) -> None:
    plan = stored_plans.run_seen(full.house(), two[0]).plan_id
    at = full.open("history", show="previews", plan=plan)
    assert not at.exception
    assert any(each.proto.label == "Download the Excel file" for each in at.get("download_button"))


def plain(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")


def test_the_timeline_says_day_by_day_who_did_what(full: App, two: tuple[str, str], said: Said) -> None:
    at = full.open("history")
    assert not at.exception
    told = plain(said(at))
    today = datetime.now(UTC)
    assert f"{today:%A} {today.day} {today:%B %Y}, UTC" in told
    counts = looking.plans_seen(full.house(), DOMAIN, 1)[0].counts
    changes = sum(counts.get(each.value, 0) for each in Action)
    assert f"**{ADMIN}** approved {changes:,} changes: {counts['add']} to be added" in told
    assert f"**{ADMIN}** processed {changes:,} changes: {counts['add']} added" in told
    assert (
        "overrode “Too many" in told
        or not stored_plans.approval_of(full.house(), stored_plans.run_seen(full.house(), two[1]).plan_id).overrides
    )  # type: ignore[union-attr]
    assert "began to process" not in told


def test_the_timeline_leads_to_the_run(full: App, two: tuple[str, str], said: Said) -> None:
    at = full.open("history", kinds="Runs")
    next(each for each in at.button if each.label == "Run").click().run()
    assert at.query_params["run"] == two[1]
    assert "The run of" in said(at)


def test_an_export_stands_in_the_timeline(full: App, two: tuple[str, str], said: Said) -> None:
    handing_out.export_runs(full.house(), DOMAIN, (), "", FileKind.CSV)
    assert "took 2 runs of the history out as a CSV file" in plain(
        said(full.open("history", kinds="Access and exports"))
    )
    assert "of the history out" not in plain(said(full.open("history", kinds="Runs")))


def test_a_link_to_a_run_of_old_still_leads_there(full: App, two: tuple[str, str], said: Said) -> None:
    assert "The run of" in said(full.open("history", run=two[0]))


def test_a_run_is_told_by_who_made_approved_and_processed_it(full: App, two: tuple[str, str], said: Said) -> None:
    at = full.open("history", show="runs", run=two[0])
    told = plain(said(at))
    for each in ("made the preview", "approved it", "processed it"):
        assert f"{ADMIN} {each}" in told
    assert stored_plans.run_seen(full.house(), two[0]).plan_id in at.code[0].value


def test_two_runs_of_one_minute_have_two_names() -> None:
    at = datetime(2026, 11, 22, 23, 44, 7, tzinfo=UTC)
    found = [Run(name, "plan", 1, RunStatus.DONE, at + timedelta(seconds=after), ADMIN)
             for name, after in (("one", 0), ("two", 9), ("three", 90), ("four", 200), ("five", 200))]  # fmt: skip
    assert run_names(found) == {
        "one": "22 Nov 2026, 23:44:07 UTC",
        "two": "22 Nov 2026, 23:44:16 UTC",
        "three": "22 Nov 2026, 23:45 UTC",
        "four": "22 Nov 2026, 23:47:27 UTC (four)",
        "five": "22 Nov 2026, 23:47:27 UTC (five)",
    }


def test_a_run_that_took_another_back_says_so(full: App, said: Said) -> None:
    house = full.house()
    first = looking.runs_seen(house, DOMAIN)[0][0]
    back = undoing.undo(house, first.id)
    approving.approve(house, back.id, overrides={each.code: "In a test." for each in back.blocks})
    run = processing.process(house, back.id)
    text = escape(f"It took back the run of {moment(first.started_at)}.")
    assert text in said(full.open("history", show="runs", run=run.id))
    assert text in said(full.open("process", plan=back.id))
    assert "It took back" not in said(full.open("history", show="runs", run=first.id))


def test_a_customer_without_a_domain_has_a_history_too(full: App, said: Said) -> None:
    setting_up.add_customer(full.house(None), "Fabrikam")
    setting_up.grant(full.house(None), ADMIN, Role.ADMIN, "Fabrikam")
    text = escape(f"gave {ADMIN} the role admin")
    assert text in said(full.open("history", customer="Fabrikam"))
    events = json.loads(handing_out.export_events(full.house(), "Fabrikam", (), "", FileKind.JSON))
    assert [each["what"] for each in events] == ["role granted", "customer created"]
    newest = looking.see_history(full.house(), "Fabrikam")[0]
    assert (newest.what, newest.customer, newest.domain) == ("history exported", "Fabrikam", None)


def test_previews_are_told_with_who_was_left_out_and_what_lapsed_means(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    left, _ = looking.changes_seen(house, plan.id, "add", "", "", 1, 0)
    approving.approve(house, plan.id, leave_out=[left[0].key])
    at = app.open("history", show="previews")
    (table,) = [each.value for each in at.dataframe]
    counted = {"Planned": f"{plan.counts['add']} to add", "Left out": 1, "Held back": plan.counts["held"]}
    assert counted.items() <= dict(table.iloc[0]).items()
    assert "Lapsed" not in said(at)
    settings = domains_seen(house, "Northwind Trading")[0].settings
    editing.save_settings(house, DOMAIN, replace(settings, absent_reads=2), 1)
    assert "Lapsed: it can be read, but not approved any more." in said(app.open("history", show="previews"))
