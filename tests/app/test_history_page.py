"""The history, filtered, compared and handed out."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning import workflow
from provisioning.errors import NotFound
from provisioning.model import Action, Run, RunStatus
from provisioning.report.tables import as_csv
from provisioning.sandbox import Sandbox
from provisioning.web.words import run_names
from provisioning.workflow import FileKind

Said = Callable[[AppTest], str]


@pytest.fixture
def two(full: App, sandbox: Sandbox) -> tuple[str, str]:
    """The ids of two runs: everybody added; then what a day brought."""
    sandbox.pass_day()
    house = full.house()
    plan = workflow.preview(house, DOMAIN)
    workflow.approve(house, plan.id, overrides={each.code: "In a test." for each in plan.blocks})
    workflow.process(house, plan.id)
    second, first = [run.id for run, *_ in workflow.runs_seen(house, DOMAIN)]
    return first, second


def test_two_runs_are_compared_in_counts_attributes_and_people(full: App, two: tuple[str, str]) -> None:
    house, (first, second) = full.house(), two
    found = workflow.compare_runs(house, DOMAIN, second, first)
    _, results, actions = workflow.runs_found(house, DOMAIN)[0]
    assert ("done", results["done"], workflow.runs_found(house, DOMAIN)[1][1]["done"]) in found.counts
    assert ("update", actions["update"]) in [(name, here) for name, here, _ in found.counts]
    plan = workflow.run_seen(house, second).plan_id
    assert {name: here for name, here, _ in found.attributes} == workflow.attributes_changed(house, plan)
    assert found.people == (results["done"], workflow.runs_found(house, DOMAIN)[1][1]["done"])
    assert found.both_count == len(found.both)
    assert workflow.compare_runs(house, DOMAIN, second, second).both_count == found.people[0]


def test_a_run_of_nowhere_is_compared_with_nothing(full: App) -> None:
    with pytest.raises(NotFound):
        workflow.compare_runs(full.house(), DOMAIN, "run-none", "run-none")


def test_the_page_shows_two_runs_side_by_side(full: App, two: tuple[str, str]) -> None:
    at = full.open("history", show="runs", run=two[1], **{"with": two[0]})
    assert not at.exception
    table = next(each.value for each in at.dataframe if "Difference" in each.value.columns)
    assert "People" in list(table["What"])


def test_runs_are_filtered_by_how_they_ended_and_by_a_word(full: App, two: tuple[str, str], said: Said) -> None:
    house = full.house()
    assert [run.id for run, *_ in workflow.runs_found(house, DOMAIN, (), two[0].upper())] == [two[0]]
    assert len(workflow.runs_found(house, DOMAIN, ("done", "partial"), ADMIN)) == 2
    assert workflow.runs_found(house, DOMAIN, ("stopped",)) == []
    assert "No run fits" in said(full.open("history", show="runs", ended="stopped"))


def test_events_are_searched_by_any_word_of_them(full: App, two: tuple[str, str], said: Said) -> None:
    house = full.house()
    found = workflow.events_found(house, DOMAIN, ["plan approved"], "in a TEST")
    assert len(workflow.events_found(house, DOMAIN, ["plan approved"])) == 2
    assert all("In a test" in str(each.details) for each in found)
    at = full.open("history", kinds="Runs", search="no such word")
    assert not at.exception
    assert "Nothing fits" in said(at)


@pytest.mark.parametrize("kind", FileKind)
def test_what_is_handed_out_is_what_is_filtered_and_is_recorded(
    full: App, two: tuple[str, str], kind: FileKind
) -> None:
    house = full.house()
    file = workflow.export_runs(house, DOMAIN, (), two[1], kind).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(file))) if kind is FileKind.CSV else json.loads(file)
    assert [row["run"] for row in rows] == [two[1]]
    events = workflow.export_events(house, DOMAIN, ["plan approved"], "", kind).decode("utf-8-sig")
    rows = list(csv.DictReader(StringIO(events))) if kind is FileKind.CSV else json.loads(events)
    assert [row["what"] for row in rows] == ["plan approved", "plan approved"]
    recorded = [each.details for each in workflow.see_history(house, DOMAIN) if each.what == "history exported"]
    assert recorded == [
        {"of": "events", "rows": 2, "file": kind.value},
        {"of": "runs", "rows": 1, "file": kind.value},
    ]


def test_a_formula_in_the_history_stays_text() -> None:
    rows = [{"who": "=1+1", "what": "@x"}, {"who": "a", "rows": 3}]
    assert as_csv(rows).decode("utf-8-sig").splitlines() == ["who,what,rows", "'=1+1,'@x,", "a,,3"]


def test_a_preview_of_the_past_hands_out_its_workbook_again(full: App, two: tuple[str, str]) -> None:
    plan = workflow.run_seen(full.house(), two[0]).plan_id
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
    counts = workflow.plans_seen(full.house(), DOMAIN, 1)[0].counts
    changes = sum(counts.get(each.value, 0) for each in Action)
    assert f"**{ADMIN}** approved {changes:,} changes: {counts['add']} to be added" in told
    assert f"**{ADMIN}** processed {changes:,} changes: {counts['add']} added" in told
    assert (
        "overrode “Too many" in told
        or not workflow.approval_of(full.house(), workflow.run_seen(full.house(), two[1]).plan_id).overrides
    )  # type: ignore[union-attr]
    assert "began to process" not in told


def test_the_timeline_leads_to_the_run(full: App, two: tuple[str, str], said: Said) -> None:
    at = full.open("history", kinds="Runs")
    next(each for each in at.button if each.label == "Run").click().run()
    assert at.query_params["run"] == two[1]
    assert "The run of" in said(at)


def test_an_export_stands_in_the_timeline(full: App, two: tuple[str, str], said: Said) -> None:
    workflow.export_runs(full.house(), DOMAIN, (), "", FileKind.CSV)
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
    assert workflow.run_seen(full.house(), two[0]).plan_id in at.code[0].value


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
