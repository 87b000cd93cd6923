"""History → Evidence: what an auditor asks for, in one place, and handed out as files."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from io import BytesIO, StringIO

import pytest
from installation import ADMIN, DOMAIN, App, button
from streamlit.testing.v1 import AppTest

from provisioning.errors import Refused, RoleMissing
from provisioning.model import Outcome, Result, Role, Run, RunStatus
from provisioning.store import approvals, customers, history, runs
from provisioning.web.words import moment
from provisioning.workflow import (
    approving,
    handing_out,
    keeping,
    looking,
    looking_back,
    planning,
    processing,
    setting_up,
    stored_plans,
    workbooks,
)
from provisioning.workflow.handing_out import FileKind
from provisioning.workflow.house import Workspace, record_event

Said = Callable[[AppTest], str]
CUSTOMER = "Northwind Trading"
AUDITOR = "auditor@northwind.example"
CHECK = "Check the history"


def plain(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")


@pytest.fixture
def audited(full: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """After the first run, looked at by an auditor."""
    setting_up.grant(full.house(), AUDITOR, Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", AUDITOR)
    return full


def checked(app: App, head: str = "") -> AppTest:
    """The page after the press."""
    at = app.open("history", show="evidence")
    assert not at.exception
    at.text_input(key="kept_head").set_value(head)
    button(at, CHECK)
    assert not at.exception
    return at


def test_an_auditor_checks_the_history_by_one_press(audited: App, said: Said) -> None:
    house = audited.house(None)
    rows, head = history.extent(house.db)
    at = checked(audited)
    assert f"The history is as it was written: all {rows} rows, from " in plain(at.success[0].value)
    assert "The seal fits" in plain(said(at))
    assert at.code[0].value == head
    newest = looking.see_history(house, CUSTOMER)[0]
    assert (newest.who, newest.what, newest.details["rows"]) == (AUDITOR, "history checked", rows)
    assert looking.verify(house).broken is None
    assert f"by {AUDITOR}: as written" in plain(said(audited.open("history", show="evidence")))


def test_a_changed_row_is_named_with_what_to_do(audited: App, said: Said) -> None:
    house = audited.house(None)
    house.db.execute("UPDATE history SET who = 'somebody@else.example' WHERE seq = 3")
    at = checked(audited)
    assert not at.success
    assert "The history is not as it was written. Row 3 (" in plain(at.error[0].value)
    assert "tell whoever runs Rollcall" in plain(said(at))
    assert "it was not as written" in plain(said(audited.open("history", show="evidence")))
    told = looking_back.timeline(house, CUSTOMER)
    assert told.told(told.events[0]).text == "checked the history: it is not as it was written"


def test_a_missing_seal_is_told_without_where_it_lay(audited: App) -> None:
    (audited.data / "rollcall.seal").unlink()
    problem = plain(checked(audited).warning[0].value)
    assert "Its seal rollcall.seal is missing." in problem
    assert str(audited.data) not in problem


def test_a_seal_of_another_key_is_told_with_both_causes_and_the_way_on(audited: App, said: Said) -> None:
    seal = audited.data / "rollcall.seal"
    seal.write_bytes(seal.read_bytes().replace(b'"rows":', b'"rows":1'))
    at = checked(audited)
    assert not at.error
    problem = plain(at.warning[0].value)
    assert "Nothing proves that the history is as it was written" in problem
    assert "a restore or a move" in problem
    assert "somebody without the key" in problem
    assert "verify --seal REASON" in problem
    assert "its seal did not prove it" in plain(said(audited.open("history", show="evidence")))


def test_a_kept_head_is_looked_for(audited: App, said: Said) -> None:
    kept = history.head(audited.house(None).db)
    assert "The head that you kept stands in it" in plain(said(checked(audited, kept)))
    assert "The kept head stands nowhere" in plain(checked(audited, "f" * 64).error[0].value)


def test_rows_that_lost_their_content_are_counted(audited: App, said: Said) -> None:
    house = audited.house(None)
    history.remove_content(house.db, house.clock(), "worker", [2, 3], 1, "retention")
    house.sealer().anew()
    assert "2 of them lost their content since" in plain(said(checked(audited)))


def test_nobody_checks_by_a_customer_whom_they_may_not_see(full: App) -> None:
    house = full.house("stranger@nowhere.example")
    for call in (looking_back.check_history, looking_back.last_history_check):
        with pytest.raises(RoleMissing):
            call(house, CUSTOMER)
    assert "history checked" not in {each.what for each in looking.see_history(full.house(), CUSTOMER)}


def test_who_approved_what_when_and_on_which_basis(audited: App, said: Said) -> None:
    (only,) = looking_back.approvals_seen(audited.house(AUDITOR), DOMAIN)
    run = looking.runs_seen(audited.house(), DOMAIN)[0][0]
    assert (only.approval.by, only.made_by, only.run) == (ADMIN, ADMIN, run.id)
    at = audited.open("history", show="evidence")
    row = next(each.value for each in at.dataframe if "Approved" in each.value).to_dict("records")[0]
    assert (row["By"], row["How"]) == (ADMIN, "In Rollcall")
    assert "to be added" in row["Preview"]
    assert only.approval.digest in plain(said(at))


def test_the_file_by_which_somebody_approved_is_named_with_its_fingerprint(app: App, said: Said) -> None:
    house, file = app.house(), BytesIO()
    plan = planning.preview(house, DOMAIN)
    workbooks.export_workbook(house, plan.id, file)
    approving.approve(house, plan.id, workbook=BytesIO(file.getvalue()), file="décidé.xlsx")
    told = plain(said(app.open("history", show="evidence")))
    assert (
        f"in the Excel file décidé.xlsx, whose fingerprint (SHA-256) is {sha256(file.getvalue()).hexdigest()}." in told
    )
    (row,) = json.loads(handing_out.export_approvals(house, DOMAIN, FileKind.JSON))
    assert (row["file"], row["file SHA-256"]) == ("décidé.xlsx", sha256(file.getvalue()).hexdigest())


def test_an_approval_that_somebody_changed_in_the_database_is_told_and_not_processed(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id, leave_out=[plan.changes[0].key])
    assert not looking_back.approvals_seen(house, DOMAIN)[0].changed
    house.db.execute("UPDATE approvals SET left_out = '[]', by = 'somebody@else.example'")
    assert "not what the history recorded" in plain(said(app.open("history", show="evidence")))
    with pytest.raises(Refused, match="somebody changed it in the database"):
        processing.process(house, plan.id)
    assert (
        json.loads(handing_out.export_approvals(house, DOMAIN, FileKind.JSON))[0]["as the history recorded it"] == "no"
    )


def test_an_approval_of_which_the_history_knows_nothing_is_not_processed(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    given = approving.approve(house, plan.id)
    other = planning.preview(house, DOMAIN)
    approvals.save_approval(house.db, replace(given, plan_id=other.id))
    with pytest.raises(Refused, match="not what the history recorded"):
        processing.process(house, other.id)


def change_an_outcome(house: Workspace, run: str, result: Result) -> None:
    """As somebody would who may write to the database."""
    house.db.execute("UPDATE outcomes SET result = ? WHERE run_id = ? AND seq = 0", result.value, run)


def not_as_recorded(house: Workspace) -> list[str]:
    return [each.run.id for each in looking_back.runs_recorded(house, DOMAIN, -1) if each.changed]


def test_outcomes_that_somebody_changed_in_the_database_are_told_with_the_run_and_what_to_do(
    audited: App, said: Said
) -> None:
    house = audited.house()
    ((run, results, _),) = looking.runs_seen(house, DOMAIN)
    told = plain(said(checked(audited)))
    assert "The outcomes of the one run that ended are as recorded." in told
    change_an_outcome(house, run.id, Result.FAILED)
    at = checked(audited)
    told = plain(said(at))
    assert "The history is as it was written" in told
    assert "But outcomes are not what it recorded" in told
    assert "The outcomes of 1 run are not what the history recorded: somebody changed them in the database." in told
    done = results["done"]
    assert (
        f"The run of {plain(moment(run.started_at))}: the history recorded “Done”, {done:,} done; "
        f"the database says “Done”, {done - 1:,} done, 1 failed." in told
    )
    assert "a backup from before shows whose outcomes were changed" in told
    row = next(each.value for each in audited.open("history", show="runs").dataframe if "Ended as" in each.value)
    assert list(row["Ended as"]) == ["Done · not as recorded"]
    assert "the history recorded “Done”" in plain(said(audited.open("history", show="runs")))
    (exported,) = json.loads(handing_out.export_runs(house, DOMAIN, (), "", FileKind.JSON))
    assert exported["as the history recorded it"] == "no"
    found = looking_back.timeline(house, DOMAIN)
    (ended,) = [found.told(each).text for each in found.events if each.what == "run ended"]
    assert ended.startswith(f"processed {done:,} changes"), "the timeline tells what was recorded"


def test_how_a_run_ended_cannot_be_changed_either(audited: App) -> None:
    house = audited.house()
    ((run, *_),) = looking.runs_seen(house, DOMAIN)
    for status in (RunStatus.PARTIAL, RunStatus.RUNNING):
        house.db.execute("UPDATE runs SET status = ?", status.value)
        assert not_as_recorded(house) == [run.id]


def test_a_run_that_stopped_was_resumed_or_tried_again_is_not_accused(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    domain = customers.get_domain(house.db, DOMAIN)
    first = plan.changes[0]

    def ends(run: Run, status: RunStatus, what: str) -> None:
        runs.end_run(house.db, run.id, status, house.clock())
        counts = runs.count_results(house.db, run.id)
        record_event(house, what, domain, plan=plan.id, run=run.id, status=status.value, counts=counts)

    record_event(house, "run started", domain, plan=plan.id, run=run.id)
    runs.journal(house.db, run.id, [Outcome(first.key, first.action, Result.FAILED)], house.clock())
    assert not looking_back.runs_recorded(house, DOMAIN), "it goes on"
    ends(run, RunStatus.STOPPED, "run stopped")
    assert [each.changed for each in looking_back.runs_recorded(house, DOMAIN)] == [False]
    resumed = processing.process(house, plan.id)
    assert (resumed.id, resumed.status) == (run.id, RunStatus.PARTIAL)
    assert [each.changed for each in looking_back.runs_recorded(house, DOMAIN)] == [False]
    again = processing.process(house, plan.id, retry_failed=True)
    assert again.retry_of == run.id
    assert [each.changed for each in looking_back.runs_recorded(house, DOMAIN)] == [False, False]
    change_an_outcome(house, run.id, Result.DONE)
    assert not_as_recorded(house) == [run.id]


def test_a_run_without_the_outcomes_of_whoever_was_removed_is_not_accused(audited: App) -> None:
    house = audited.house()
    ((run, *_),) = looking.runs_seen(house, DOMAIN)
    key = stored_plans.run_seen(house, run.id).outcomes[-1].key
    keeping.forget_person(house, CUSTOMER, key)
    assert len(stored_plans.run_seen(house, run.id).outcomes) < sum(
        looking_back.runs_recorded(house, DOMAIN)[0].recorded.values()
    )
    assert not_as_recorded(house) == []
    change_an_outcome(house, run.id, Result.FAILED)
    assert not_as_recorded(house) == [run.id], "nobody failed"


def test_what_retention_took_away_is_not_accused(audited: App) -> None:
    house = audited.house()
    customer = customers.get_customer(house.db, CUSTOMER)
    ((run, *_),) = looking.runs_seen(house, DOMAIN)
    rows = [number for number, each in history.numbered(house.db, customer.id) if each.run == run.id]
    history.remove_content(house.db, house.clock(), "worker", rows, customer.id, "retention")
    change_an_outcome(house, run.id, Result.FAILED)
    assert looking_back.runs_recorded(house, DOMAIN) == [], "the history says nothing of it any more"


def test_a_run_whose_resuming_is_not_told_any_more_is_not_accused(audited: App) -> None:
    """Somebody who left had resumed it, and was removed with the rows that named them."""
    house = audited.house()
    customer, domain = customers.get_customer(house.db, CUSTOMER), customers.get_domain(house.db, DOMAIN)
    ((run, results, _),) = looking.runs_seen(house, DOMAIN)
    stopped = dict.fromkeys(results, 0)
    record_event(house, "run stopped", domain, plan=run.plan_id, run=run.id, status="stopped", counts=stopped)
    assert not_as_recorded(house) == [run.id]
    record_event(house, "run resumed", domain, plan=run.plan_id, run=run.id)
    assert looking_back.runs_recorded(house, DOMAIN) == [], "it goes on"
    rows = [history.extent(house.db)[0]]
    history.remove_content(house.db, house.clock(), "worker", rows, customer.id, "removal of a person")
    assert looking_back.runs_recorded(house, DOMAIN) == []


@pytest.mark.parametrize("column", ["at", "details"])
def test_a_row_that_cannot_be_read_is_told_by_its_number(audited: App, said: Said, column: str) -> None:
    house = audited.house()
    house.db.execute(f"UPDATE history SET {column} = '{{broken' WHERE seq = 9")
    at = audited.open("history")
    assert not at.exception
    assert "Row 9 of the history cannot be read: somebody changed it." in plain(said(at))


@pytest.mark.parametrize("typed", ["abc", "0" * 64, "g" * 64])
def test_what_is_no_head_is_not_taken_for_one(audited: App, said: Said, typed: str) -> None:
    at = audited.open("history", show="evidence")
    at.text_input(key="kept_head").set_value(typed).run()
    assert "That is no head" in said(at)
    assert next(each for each in at.button if each.label == CHECK).disabled


def test_before_anything_is_approved_that_is_said(app: App, said: Said) -> None:
    planning.preview(app.house(), DOMAIN)
    assert "Nothing was approved yet." in said(app.open("history", show="evidence"))


def test_roles_stand_there_with_since_when(audited: App) -> None:
    at = audited.open("history", show="evidence")
    held = next(each.value for each in at.dataframe if "Role" in each.value)
    assert (AUDITOR, "auditor") in set(zip(held["Who"], held["Role"], strict=True))
    assert all("UTC" in since for since in held["Since"])


@pytest.mark.parametrize("kind", FileKind)
def test_all_of_it_is_handed_out_and_that_is_recorded(audited: App, kind: FileKind) -> None:
    house = audited.house(AUDITOR)

    def rows(file: bytes) -> list[dict[str, str]]:
        text = file.decode("utf-8-sig")
        found: list[dict[str, str]] = list(csv.DictReader(StringIO(text))) if kind is FileKind.CSV else json.loads(text)
        return found

    (approval,) = rows(handing_out.export_approvals(house, DOMAIN, kind))
    assert (approval["by"], approval["how"]) == (ADMIN, "In Rollcall")
    assert len(approval["digest"]) == 64
    roles = rows(handing_out.export_roles(house, CUSTOMER, kind))
    assert (AUDITOR, "auditor", CUSTOMER) in [(each["who"], each["role"], each["for"]) for each in roles]
    recorded = [each.details["of"] for each in looking.see_history(house, CUSTOMER) if each.what == "history exported"]
    assert recorded == ["roles", "approvals"]


def test_a_customer_without_a_domain_has_its_evidence_and_its_roles(app: App, said: Said) -> None:
    setting_up.set_up(app.house(None), f'[customer]\nname = "Empty"\n[[members]]\nemail = "{ADMIN}"\nrole = "admin"\n')
    for page, query in (("history", {"show": "evidence"}), ("settings", {})):
        at = app.open(page, customer="Empty", **query)
        assert not at.exception
        held = next(each.value for each in at.dataframe if "Role" in each.value)
        assert list(held["Who"]) == [ADMIN]
    assert "Who approved what" not in said(app.open("history", customer="Empty", show="evidence"))
