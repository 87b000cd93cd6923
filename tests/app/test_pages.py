"""Every page empty, full and failing; and what its buttons do."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO

import pytest
import streamlit as st
from installation import ADMIN, DOMAIN, App
from openpyxl import Workbook, load_workbook
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from provisioning import worker
from provisioning.errors import NotFound, RoleMissing, SettingsError
from provisioning.model import (
    Action,
    Finding,
    Outcome,
    Plan,
    Protection,
    Result,
    Role,
    Run,
    RunStatus,
    ScopeRule,
    Severity,
)
from provisioning.report.workbook import read_workbook
from provisioning.sandbox import Sandbox
from provisioning.store import jobs, plans, runs
from provisioning.store.leases import lease
from provisioning.web import frame, mapping_sample, worker_child
from provisioning.web.approval import EXCEL
from provisioning.workflow import (
    approving,
    asking,
    connections,
    deciding,
    editing,
    explaining,
    looking,
    planning,
    processing,
    setting_up,
    settings_drafts,
    stored_plans,
    workbooks,
)
from provisioning.workflow.house import domains_seen, may

Said = Callable[[AppTest], str]
PAGES = [
    "",
    "customers",
    "start",
    "connect",
    "mapping",
    "settings",
    "preview",
    "process",
    "schedule",
    "history",
    "people",
]


def button(at: AppTest, label: str) -> None:
    next(each for each in at.button if each.label == label).click().run()


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_installation_says_how_to_begin(empty: App, said: Said, page: str) -> None:
    at = empty.open(page)
    assert not at.exception
    assert "No customer yet" in said(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_before_the_first_preview_has_no_error(app: App, said: Said, page: str) -> None:
    at = app.open(page)
    assert not at.exception
    assert not at.error
    assert ADMIN in said(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_after_a_run_has_no_error(full: App, page: str) -> None:
    at = full.open(page)
    assert not at.exception
    assert not at.error


@pytest.mark.parametrize("page", PAGES)
def test_a_page_whose_database_is_broken_says_so(empty: App, said: Said, page: str) -> None:
    (empty.data / "rollcall.db").write_bytes(b"this is no database at all" * 100)
    at = empty.open(page)
    assert not at.exception
    assert "cannot be opened" in said(at)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("preview", {"plan": "plan-none"}),
        ("process", {"plan": "plan-none"}),
        ("history", {"run": "run-none"}),
        ("people", {"person": "nobody@nowhere.example"}),
    ],
)
def test_an_address_that_names_what_is_not_there_says_so(full: App, page: str, query: dict[str, str]) -> None:
    at = full.open(page, **query)
    assert not at.exception
    assert at.error


def test_an_unknown_customer_in_the_address_is_said_and_another_shown(full: App, said: Said) -> None:
    at = full.open("", customer="Nobody & Sons")
    assert "There is no customer" in said(at)
    assert not at.exception


@pytest.mark.parametrize("page", PAGES)
def test_without_a_name_every_page_says_what_to_set_and_nothing_else(
    full: App, monkeypatch: pytest.MonkeyPatch, said: Said, page: str
) -> None:
    monkeypatch.delenv("ROLLCALL_LOCAL_USER")
    at = full.open(page)
    assert not at.exception
    assert [each.value.replace("\\", "").partition(".")[0] for each in at.error] == [
        "Nobody is named who uses Rollcall here"
    ]
    assert said(at) == at.error[0].value
    assert not at.sidebar.children


def test_somebody_without_a_role_sees_no_customer(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "stranger@elsewhere.example")
    shown = full.open("preview")
    assert "No customer that you may see" in said(shown)
    assert "rollcall grant" in shown.code[0].value


# --- connect ----------------------------------------------------------------------------------------------


def test_the_test_shows_absent_fields_with_the_category_that_opens_them(app: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.switches.granted = frozenset({"root", "about", "employment", "employee"})
    at = app.open("connect")
    button(at, "Test the connection")
    assert "waiting for the worker" in " ".join(str(each.label) for each in at.status)
    app.work()
    at = app.open("connect")
    assert "leaves out" in said(at)
    assert "absent" in " ".join(at.dataframe[0].value["State"]).lower()


def test_a_refused_token_says_cause_and_remedy(app: App) -> None:
    at = app.open("connect")
    at.text_input[3].set_value("wrong-token-0000000000000")
    button(at, "Save")
    button(app.open("connect"), "Test the connection")
    app.work()
    assert "token" in app.open("connect").error[0].value


def test_a_token_is_never_shown(app: App, sandbox: Sandbox) -> None:
    at = app.open("connect")
    assert all(sandbox.token not in str(each.value) for each in at.text_input)
    assert at.text_input[3].value == ""


def test_a_domain_can_be_added_to_a_connection(app: App) -> None:
    at = app.open("connect")
    name = next(each for each in at.text_input if each.label == "Name of the domain")
    name.set_value("contractors")
    button(at, "Add")
    assert [each.name for each in domains_seen(app.house(), "Northwind Trading")] == ["contractors", "staff"]


def test_a_custom_report_is_chosen_by_name_once_the_test_has_listed_them(app: App, said: Said) -> None:
    assert what_is_read(app) == ["People search"]
    button(app.open("connect"), "Test the connection")
    app.work()
    assert "Custom report: Learning platform feed (31048356)" in what_is_read(app)
    at = app.open("connect")
    next(each for each in at.selectbox if each.label == "What is read").set_value(31048356)
    button(at, "Save")
    assert connections.connections_seen(app.house(), "Northwind Trading")[0].connection.report == 31048356
    assert "Custom report: Learning platform feed (31048356)" in what_is_read(app)


def what_is_read(app: App) -> list[str]:
    return next(each for each in app.open("connect").selectbox if each.label == "What is read").options


# --- preview, approve, process ----------------------------------------------------------------------------


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


def test_an_interrupted_run_can_be_resumed(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    at = app.open("process")
    assert "did not come to its end" in said(at)
    button(at, "Resume")
    app.work()
    run = stored_plans.run_of(house, plan.id)
    assert run is not None
    assert run.status is RunStatus.DONE


def test_a_run_can_be_stopped_while_the_worker_is_at_it(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    assert jobs.claim(house.db, house.clock()) is not None
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    runs.journal(house.db, run.id, [Outcome(plan.changes[0].key, plan.changes[0].action, Result.DONE)], house.clock())
    at = app.open("process")
    assert f"1 of {len(plan.changes)} changes" in at.get("progress")[0].proto.text
    button(at, "Stop")
    assert runs.stop_asked(house.db, run.id)


def test_a_run_that_waits_for_skillcast_says_until_when(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    job = jobs.claim(house.db, house.clock())
    assert job is not None
    runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    jobs.note(house.db, job.id, "Skillcast asks us to wait until 10:15:00 UTC")
    at = app.open("process")
    assert "wait until 10:15:00 UTC" in said(at).replace("\\", "")
    assert "Stop" in [each.label for each in at.button]


def test_what_a_run_waited_for_is_not_said_any_more_when_it_goes_on(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    job = jobs.claim(house.db, house.clock())
    assert job is not None
    jobs.note(house.db, job.id, "Waiting for somebody else")
    worker.execute(house, job)
    assert asking.job_seen(house, DOMAIN, job.id).step == ""


def test_a_run_that_stopped_early_says_why(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    why = "Stopped early: 50 in a row failed for the same cause (403)."
    runs.end_run(house.db, run.id, RunStatus.STOPPED, house.clock(), why)
    at = app.open("process")
    assert [each.value.replace("\\", "") for each in at.error] == [why]
    assert "Resume" in [each.label for each in at.button]


def test_whoever_failed_can_be_tried_again(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    failed = [Outcome(each.key, each.action, Result.FAILED, "The directory did not answer.") for each in plan.changes]
    runs.journal(house.db, run.id, failed, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    button(app.open("process"), "Retry failed")
    app.work()
    assert "Everything approved was done" in said(app.open("process"))


def test_when_hibob_is_gone_before_the_first_write_the_page_says_that_nothing_was_written(
    app: App, sandbox: Sandbox, said: Said
) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    app.environment["ROLLCALL_REREAD_MINUTES"] = "0"
    sandbox.switches.in_no_group = True
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    app.work()
    at = app.open("process")
    assert "Processing did not come to an end. HiBob" in bare(at.error[0].value)
    assert "Nothing was written. Once the cause is gone, process it again." in said(at)
    assert "Process now" in [each.label for each in at.button]


def test_an_outcome_says_what_changed_from_what_to_what(full: App, sandbox: Sandbox) -> None:
    for each in sandbox.company.people.values():
        if each.get("work.site") == "London":
            each["work.site"] = "Greater London"
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id, leave_out=[plan.changes[0].key])
    processing.process(house, plan.id)
    table = full.open("process", plan=plan.id).dataframe[0].value
    assert len(table) == len(plan.changes)
    assert set(table["Result"]) == {"Done", "Left out"}
    assert set(table["Before → after"]) == {"Site: London → Greater London"}


def test_the_workbook_of_a_page_is_the_one_of_the_command_line(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    file = BytesIO()
    workbooks.export_workbook(house, plan.id, file)
    assert file.getvalue()[:2] == b"PK"


# --- mapping ----------------------------------------------------------------------------------------------


def edit(at: AppTest, row: int, **cells: object) -> None:
    key = f"map_1_{at.session_state['mapping_turn']}"
    edits = {"edited_rows": {row: cells}, "added_rows": [], "deleted_rows": []}
    at.session_state[key] = edits
    at.run()


def test_an_edited_mapping_survives_another_session_and_is_saved_as_a_new_version(full: App, said: Said) -> None:
    edit(full.open("mapping"), 6, Attribute="Office")
    later = full.open("mapping")
    assert "Unsaved changes" in said(later)
    button(later, "Save")
    attributes = domains_seen(full.house(), "Northwind Trading")[0].attributes
    assert attributes[6].name == "Office"
    assert "Version 2 is in force" in said(full.open("mapping"))


def test_looking_at_a_mapping_makes_no_draft(full: App) -> None:
    full.open("mapping")
    assert editing.mapping_draft(full.house(), DOMAIN) is None


def test_a_discarded_draft_is_gone(full: App, said: Said) -> None:
    at = full.open("mapping")
    edit(at, 6, Attribute="Office")
    button(at, "Discard")
    assert editing.mapping_draft(full.house(), DOMAIN) is None
    assert "Version 1 is in force" in said(at)


def test_a_save_over_a_newer_version_is_refused_with_the_difference(full: App, said: Said) -> None:
    at = full.open("mapping")
    edit(at, 6, Attribute="Office")
    other = full.house("csm@skillcast.example")
    setting_up.grant(full.house(None), "csm@skillcast.example", Role.CSM, "Northwind Trading")
    domain = domains_seen(other, "Northwind Trading")[0]
    editing.save_mapping(other, DOMAIN, domain.attributes[:-1], "Employee ID", domain.mapping_version)
    button(at, "Save")
    assert "Certified person: removed" in at.error[0].value.replace("\\", "")
    later = full.open("mapping")
    button(later, next(each.label for each in later.button if "brings back what was removed" in each.label))
    button(full.open("mapping"), "Save")
    assert "Version 3 is in force" in said(full.open("mapping"))


def test_problems_show_while_editing(full: App, said: Said) -> None:
    at = full.open("mapping")
    edit(at, 5, Value="Machine")
    assert "people would see an id" in said(at)


def test_a_sample_shows_the_values_before_and_after(full: App) -> None:
    sample = next(each.value for each in full.open("mapping").dataframe if "Filled" in each.value)
    assert list(sample["Skillcast stores"])[:1] == list(sample["HiBob says"])[:1] != [""]
    assert sample["Filled"].max() == 1.0


# --- settings ---------------------------------------------------------------------------------------------


def test_a_changed_limit_is_a_new_version_of_the_settings(full: App, said: Said) -> None:
    at = full.open("settings")
    next(each for each in at.text_input if each.label == "Archives in one run").set_value("25")
    at.run()
    button(at, "Save")
    assert domains_seen(full.house(), "Northwind Trading")[0].settings.limits.archive.number == 25
    assert "Version 2 is in force" in said(full.open("settings"))


def test_a_limit_that_is_none_is_refused(full: App) -> None:
    at = full.open("settings")
    next(each for each in at.text_input if each.label == "Archives in one run").set_value("many").run()
    assert "many" in at.error[0].value


def test_looking_at_settings_changes_nothing(full: App, said: Said) -> None:
    assert "Version 1 is in force" in said(full.open("settings"))


def archive_limit(at: AppTest) -> TextInput:
    return next(each for each in at.text_input if each.label == "Archives in one run")


def test_edited_settings_survive_another_session_until_they_are_saved(full: App, said: Said) -> None:
    at = full.open("settings")
    archive_limit(at).set_value("25").run()
    later = full.open("settings")
    assert archive_limit(later).value == "25"
    assert "Unsaved changes, kept as your draft" in said(later)
    button(later, "Save")
    assert settings_drafts.settings_draft(full.house(), DOMAIN) is None
    assert domains_seen(full.house(), "Northwind Trading")[0].settings.limits.archive.number == 25


def test_edited_settings_survive_a_page_change_and_can_be_discarded(full: App, said: Said) -> None:
    at = full.open("settings")
    archive_limit(at).set_value("25").run()
    at.switch_page("pages/people.py").run()
    at.switch_page("pages/settings.py").run()
    assert archive_limit(at).value == "25"
    button(at, "Discard")
    assert archive_limit(at).value == "10%"
    assert settings_drafts.settings_draft(full.house(), DOMAIN) is None
    assert "Version 1 is in force" in said(at)


def test_edited_rules_survive_another_session(full: App) -> None:
    at = full.open("settings")
    key = f"scope_1_{at.session_state['settings_turn']}"
    rule = {"Rule": "Include", "HiBob column": "work.site", "Is one of": "London"}
    at.session_state[key] = {"edited_rows": {}, "added_rows": [rule], "deleted_rows": []}
    at.run()
    later = full.open("settings")
    assert not later.exception
    draft = settings_drafts.settings_draft(full.house(), DOMAIN)
    assert draft is not None
    assert draft[0].scope == (ScopeRule(True, "work.site", ("London",)),)
    assert next(e for e in later.metric if e.label == "Employees in this scope").value != "40 of 40"


def test_looking_at_settings_makes_no_draft(full: App) -> None:
    full.open("settings")
    assert settings_drafts.settings_draft(full.house(), DOMAIN) is None


def test_settings_saved_over_a_newer_version_are_refused_with_the_difference(full: App, said: Said) -> None:
    at = full.open("settings")
    archive_limit(at).set_value("25").run()
    other = full.house("csm@skillcast.example")
    setting_up.grant(full.house(None), "csm@skillcast.example", Role.CSM, "Northwind Trading")
    settings = domains_seen(other, "Northwind Trading")[0].settings
    editing.save_settings(other, DOMAIN, replace(settings, absent_reads=3), 1)
    button(at, "Save")
    assert "Absent reads: 1 → 3" in at.error[0].value.replace("\\", "")
    later = full.open("settings")
    assert "Absent reads: 1 → 3" in [each.value for each in later.text]
    button(later, next(each.label for each in later.button if "put my draft on top" in each.label))
    button(full.open("settings"), "Save")
    saved = domains_seen(full.house(), "Northwind Trading")[0]
    assert (saved.settings_version, saved.settings.absent_reads) == (3, 1)
    assert saved.settings.limits.archive.number == 25


def test_a_session_holds_no_settings_but_as_text(full: App) -> None:
    at = full.open("settings")
    archive_limit(at).set_value("25").run()
    held = [at.session_state[name] for name in ("settings_base", "settings_seen")]
    assert {type(each) for group in held for each in group} == {int, str}


def test_an_auditor_keeps_no_draft_of_settings(full: App) -> None:
    setting_up.grant(full.house(None), "auditor@acme.example", Role.AUDITOR, "Northwind Trading")
    auditor = full.house("auditor@acme.example")
    settings = domains_seen(auditor, "Northwind Trading")[0].settings
    with pytest.raises(RoleMissing):
        settings_drafts.keep_settings_draft(auditor, DOMAIN, settings, 1)
    with pytest.raises(RoleMissing):
        settings_drafts.drop_settings_draft(auditor, DOMAIN)


def test_a_scope_counts_live(full: App) -> None:
    at = full.open("settings")
    assert next(each for each in at.metric if each.label == "Employees in this scope").value == "40 of 40"
    key = f"scope_1_{at.session_state['settings_turn']}"
    rule = {"Rule": "Include", "HiBob column": "work.site", "Is one of": "London"}
    at.session_state[key] = {"edited_rows": {}, "added_rows": [rule], "deleted_rows": []}
    at.run()
    inside = next(each for each in at.metric if each.label == "Employees in this scope").value
    assert 0 < int(inside.split()[0]) < 40


def test_the_statuses_that_people_have_stand_beside_the_lifecycle_table(full: App, sandbox: Sandbox) -> None:
    for person in list(sandbox.company.people.values())[:2]:
        person["internal.lifecycleStatus"] = "sabbatical"
    planning.preview(full.house(), DOMAIN)
    at = full.open("settings", part="lifecycle")
    shown = next(each.value for each in at.dataframe if "In HiBob now" in each.value)
    assert shown["People"].sum() == 40
    assert list(shown.iloc[0]) == ["sabbatical", 2, "Not in the table"]
    key = f"lifecycle_1_{at.session_state['settings_turn']}"
    rule = {"Lifecycle status": "Sabbatical", "Means": "Live"}
    at.session_state[key] = {"edited_rows": {}, "added_rows": [rule], "deleted_rows": []}
    at.run()
    shown = next(each.value for each in at.dataframe if "In HiBob now" in each.value)
    assert set(shown["State"]) == {""}


def test_a_protected_person_who_is_nobody_is_said(full: App) -> None:
    user, link, _, values = looking.users(full.house(), DOMAIN)[0]
    settings = domains_seen(full.house(), "Northwind Trading")[0].settings
    named = (ADMIN, user, f"user:{user}", link, values["Email"].upper(), "adimn@northwind.example")
    protected = tuple(Protection(person=each) for each in named)
    editing.save_settings(full.house(), DOMAIN, replace(settings, protected=protected), 1)
    (told,) = full.open("settings", part="protected").warning
    assert (
        told.value.replace("\\", "")
        .replace("\u2060", "")
        .endswith("nobody now: adimn@northwind.example. Check the spelling.")
    )


def test_numbers_whose_name_does_not_say_it_are_explained(full: App) -> None:
    plan = looking.plans_seen(full.house(), DOMAIN)[0].id
    shown = [*full.open("preview", plan=plan).metric, *full.open("process", plan=plan).metric]
    explained = {each.label for each in shown if each.proto.help}
    assert explained == {"Held back", "Unchanged", "Failed", "Changed since", "Left out"}


# --- history and people -----------------------------------------------------------------------------------


def test_a_day_shows_in_the_next_preview_and_in_the_history(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    runs_shown = full.open("history", show="runs").dataframe[0].value
    assert len(runs_shown) == 2
    assert sum(int(each) for each in re.findall(r"\d+", runs_shown["Done"][0])) == len(plan.changes)


def test_the_history_names_changes_of_the_mapping(full: App, said: Said) -> None:
    house = full.house()
    domain = domains_seen(house, "Northwind Trading")[0]
    editing.save_mapping(house, DOMAIN, domain.attributes[:-1], "Employee ID", domain.mapping_version)
    assert "saved the mapping, now version 2" in said(full.open("history", kinds="Settings and mapping"))


def test_a_person_in_the_address_is_explained(full: App, said: Said) -> None:
    at = full.open("people", person=ADMIN)
    assert "Unchanged" in said(at)
    assert "UTC: added" in said(at).replace("\\", "")


def test_a_person_without_a_user_is_explained_by_name(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    held = planning.preview(full.house(), DOMAIN).held[0]
    at = full.open("people", person=held.name)
    assert not at.error
    assert "Held back" in said(at)


def test_data_never_becomes_markdown(full: App) -> None:
    at = full.open("people", person="[x](https://evil.example) ![p](https://evil.example/p.png)")
    shown = at.error[0].value
    assert "](" not in shown
    assert "://" not in shown


# --- a domain from nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_new_domain_without_a_mapping_has_no_error(full: App, page: str) -> None:
    setting_up.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    at = full.open(page, customer="Northwind Trading", domain="contractors")
    assert not at.exception
    assert not [each.value for each in at.error if "not been read" not in each.value]


def test_a_new_domain_is_mapped_by_the_suggestions_and_previewed(full: App, said: Said) -> None:
    setting_up.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    place = {"customer": "Northwind Trading", "domain": "contractors"}
    at = full.open("mapping", **place)
    button(at, next(each.label for each in at.button if each.label.startswith("Take all")))
    button(full.open("mapping", **place), "Save")
    assert "Version 2 is in force" in said(full.open("mapping", **place))
    button(full.open("preview", **place), "Make a preview")
    full.work()
    assert not full.open("preview", **place).error


def test_a_preview_of_another_domain_is_not_shown_under_this_one(full: App, said: Said) -> None:
    plan = looking.plans_seen(full.house(), DOMAIN)[0]
    setting_up.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    at = full.open("preview", customer="Northwind Trading", domain="contractors", plan=plan.id)
    assert "belongs to" in said(at)


# --- mended: connect, preview, process, history, overview, start -------------------------------------------


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
    assert approving.left_out_draft(house, plan.id) == ()


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


def test_what_a_file_leaves_out_is_said_before_it_is_approved_by_it(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = upload(app, plan.id, lambda book: setattr(book["Added"]["A9"], "value", "Leave out"))
    count, left = len(plan.changes), plan.changes[0]
    assert f"This file approves {count - 1} of {count} changes, left out: {left.name}." in bare(said(at))
    assert stored_plans.approval_of(app.house(), plan.id) is None
    assert approving.left_out_draft(app.house(), plan.id) == ()
    button(at, "Approve with this file")
    approval = stored_plans.approval_of(app.house(), plan.id)
    assert approval
    assert approval.left_out == (left.key,)


def bare(text: str) -> str:
    """The text as it is seen, without what keeps its characters from being markup."""
    return text.replace("\u2060", "").replace("\\", "")


def sign(book: Workbook) -> None:
    next(cell for cell in book["Summary"]["A"] if cell.value == "Decided by").offset(column=1).value = "Grace *Okoye*"


def upload(app: App, plan_id: str, edit: Callable[[Workbook], None]) -> AppTest:
    file, edited = BytesIO(), BytesIO()
    workbooks.export_decided_workbook(app.house(), plan_id, file)
    book = load_workbook(file)
    edit(book)
    book.save(edited)
    at = app.open("preview")
    return at.file_uploader(f"decided_{plan_id}").set_value(("decided.xlsx", edited.getvalue(), EXCEL)).run()


def test_a_token_leaves_the_form_when_it_is_saved(app: App) -> None:
    at = app.open("connect")
    at.text_input[3].set_value("another-token-000000000000")
    button(at, "Save")
    assert at.text_input[3].value == ""


def test_the_name_of_a_connection_is_no_markdown(app: App) -> None:
    house = app.house()
    url = connections.connections_seen(house, "Northwind Trading")[0].connection.base_url
    setting_up.save_connection(house, "Northwind Trading", "[x](https://evil.example)", url, "id", None)
    at = app.open("connect")
    assert not any("](" in each.value for each in at.header)
    for name in ("x" * 201, "two\nlines"):
        with pytest.raises(SettingsError, match="200 printable"):
            setting_up.save_connection(house, "Northwind Trading", name, url, "id", None)


def test_a_killed_worker_is_started_again_while_a_tab_waits(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    monkeypatch.setattr(worker_child, "keep", lambda data, environment: kept.append(data))
    asking.ask(app.house(), DOMAIN, jobs.JobKind.PREVIEW)
    app.open("preview")
    assert not kept
    monkeypatch.delenv("ROLLCALL_WORKER")
    at = app.open()
    before = len(kept)
    at.run()
    assert len(kept) == before + 2  # by the page, and by what polls


def test_the_local_user_who_makes_the_first_customer_is_its_admin(
    empty: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", ADMIN)
    at = empty.open("start")
    next(each for each in at.text_input if each.label == "Name of the customer").set_value("Acme")
    button(at, "Create")
    assert not at.error
    assert "approve" in may(empty.house(), "Acme")
    assert [each.what for each in looking.see_history(empty.house(), "Acme")] == ["role granted", "customer created"]
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "stranger@elsewhere.example")
    assert "Create" not in [each.label for each in empty.open("start").button]
    empty.environment["ROLLCALL_LOCAL_USER"] = "stranger@elsewhere.example"
    with pytest.raises(RoleMissing):
        setting_up.add_customer(empty.house("stranger@elsewhere.example"), "Mine")


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


def test_a_run_of_another_domain_is_not_shown_in_this_history(full: App, said: Said) -> None:
    run = looking.runs_seen(full.house(), DOMAIN)[0][0]
    house = full.house()
    setting_up.add_domain(house, "Northwind Trading", "contractors", "Northwind HiBob")
    other = next(each for each in domains_seen(house, "Northwind Trading") if each.name == "contractors")
    with house.db.transaction():
        house.db.execute("UPDATE runs SET domain_id = ? WHERE id = ?", other.id, run.id)
        house.db.execute("UPDATE plans SET domain_id = ? WHERE id = ?", other.id, run.plan_id)
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id, overrides={each.code: "In a test." for each in plan.blocks})
    processing.process(house, plan.id)
    shown = said(full.open("history", customer="Northwind Trading", domain="staff", run=run.id))
    assert "belongs to" in shown
    assert f"Run {run.id}" not in shown.replace("\\", "")


def test_a_locked_database_is_one_clear_sentence(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(frame, "customers_seen", locked)
    at = full.open("preview")
    assert not at.exception
    assert "database is locked" in at.error[0].value
    assert "load this page again" in at.error[0].value


def test_a_wrong_local_user_is_one_clear_sentence(empty: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "nobody")
    at = empty.open("preview")
    assert not at.exception
    assert "nobody" in at.error[0].value


def test_a_run_of_the_command_line_can_be_watched_and_stopped(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    with lease(house.db, plan.domain_id, f"process {plan.id}"):
        at = app.open("process")
        assert "by another process" in at.get("progress")[0].proto.text
        assert "Resume" not in [each.label for each in at.button]
        button(at, "Stop")
        assert runs.stop_asked(house.db, run.id)
    assert "Resume" in [each.label for each in app.open("process").button]


def test_a_preview_that_is_asked_for_while_a_run_goes_says_that_it_waits_for_it(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    with lease(house.db, plan.domain_id, f"process {plan.id}"):
        asking.ask(house, DOMAIN, jobs.JobKind.PREVIEW)
        assert "waiting until other work on this domain is done" in app.open("preview").status[0].label
    assert "waiting for the worker" in app.open("preview").status[0].label


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


def test_the_overview_looks_at_a_failed_job_first(app: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.switches.in_no_group = True
    button(app.open("preview"), "Make a preview")
    app.work()
    assert "Preview failed" in said(app.open())


def test_a_preview_says_who_may_get_mail_and_what_the_seats_come_to(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    house.db.execute("UPDATE customers SET seats = 10, price_per_user = '2.50'")
    effect = looking.effect_of(house, plan.id)
    assert effect.newly_live == effect.live == plan.counts["add"]
    assert effect.over == effect.live - 10
    assert effect.cost is not None
    shown = said(app.open("preview")).replace("\\", "")
    assert "welcome mail" in shown
    assert f"{effect.live} live users after the run, of 10 licensed seats" in shown
    assert f"cost {effect.cost:,.2f}".removesuffix(".00") + " more" in shown
    assert "To add" in shown


def test_a_refused_token_on_the_preview_leads_to_the_connection(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[str] = []
    monkeypatch.setattr(st, "page_link", lambda _, label, **__: links.append(label))
    at = app.open("connect")
    at.text_input[3].set_value("wrong-token-0000000000000")
    button(at, "Save")
    button(app.open("preview"), "Make a preview")
    app.work()
    links.clear()
    app.open("preview")
    assert "Look at the connection" in links


def test_a_good_test_leads_on_to_what_comes_next(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[str] = []
    monkeypatch.setattr(st, "page_link", lambda _, label, **__: links.append(label))
    full.open("connect")
    assert "Go on to the preview" in links


def test_the_history_of_settings_says_only_what_differs(full: App, said: Said) -> None:
    house = full.house()
    settings = domains_seen(house, "Northwind Trading")[0].settings
    limits = replace(settings.limits, archive=replace(settings.limits.archive, percent="15", number=None))
    editing.save_settings(house, DOMAIN, replace(settings, limits=limits), 1)
    told = said(full.open("history", kinds="Settings and mapping")).splitlines()
    (line,) = [each for each in told if "archive\\: 10 % → 15 %" in each]
    assert "blank" not in line


def test_an_unknown_lifecycle_leads_to_that_part_of_the_settings(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    links: dict[str, Mapping[str, str]] = {}
    monkeypatch.setattr(st, "page_link", lambda _, label, query_params, **__: links.update({label: query_params}))
    house = full.house()
    finding = Finding("unknown-lifecycle", Severity.BLOCK, "Somebody has a status of their own.", "Say what it means.")
    plan = looking.plans_seen(house, DOMAIN)[0]
    monkeypatch.setattr(stored_plans, "plan_seen", lambda *_: replace(plan, findings=(finding,)))
    full.open("preview")
    assert links["Open the settings"]["part"] == "lifecycle"


# --- mapping and settings: two tabs, cells that cannot be read, the sample picker ---------------------------


def saved_elsewhere(full: App) -> None:
    """Another tab of the same person saves version 2, without the last attribute."""
    house = full.house()
    domain = domains_seen(house, "Northwind Trading")[0]
    editing.save_mapping(house, DOMAIN, domain.attributes[:-1], "Employee ID", domain.mapping_version)


def test_an_edit_in_a_tab_opened_before_another_saved_is_refused(full: App, said: Said) -> None:
    first, second = full.open("mapping"), full.open("mapping")
    edit(first, 6, Attribute="Office")
    button(first, "Save")
    edit(second, 5, Attribute="Division")
    assert "your draft began from version 1" in said(second)
    button(second, "Save")
    assert "Nothing of yours was saved" in second.error[0].value
    domain = domains_seen(full.house(), "Northwind Trading")[0]
    assert (domain.mapping_version, domain.attributes[6].name) == (2, "Office")


def test_a_tab_without_an_edit_follows_a_newer_version(full: App, said: Said) -> None:
    at = full.open("mapping")
    saved_elsewhere(full)
    at.run()
    assert editing.mapping_draft(full.house(), DOMAIN) is None
    assert "Version 2 is in force" in said(at)


def test_a_draft_edited_back_is_no_draft(full: App, said: Said) -> None:
    at = full.open("mapping")
    before = domains_seen(full.house(), "Northwind Trading")[0].attributes[6].name
    edit(at, 6, Attribute="Office")
    assert editing.mapping_draft(full.house(), DOMAIN) is not None
    edit(at, 6, Attribute=before)
    assert editing.mapping_draft(full.house(), DOMAIN) is None
    assert "Version 1 is in force" in said(at)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("Value table", "Legal & Compliance: Legal"),
        ("Value table", '{"a": }'),
        ("Value table", '{"a": ' + "[" * 20_000 + "}"),
        ("Value table", "a = b; a = c"),
        ("List options", "[London"),
        ("Type", "colour"),
        ("When blank", "Whatever"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_and_not_saved(full: App, column: str, text: str) -> None:
    at = full.open("mapping")
    edit(at, 6, **{column: text})
    assert not at.exception
    assert f"Row 7, “Site”, {column}" in at.error[0].value
    assert next(each for each in at.button if each.label == "Save").disabled
    assert editing.mapping_draft(full.house(), DOMAIN) is None
    button(at, "Discard")
    assert not at.error


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Archives in one run", "banana"),
        ("Updates in one run", "9" * 5_000),
        ("Adds in one run", "9" * 5_000 + "%"),
        ("Small domain, people", "0"),
    ],
)
def test_a_mistyped_limit_is_named_as_on_the_page_and_can_be_discarded(full: App, label: str, text: str) -> None:
    at = full.open("settings")
    next(each for each in at.text_input if each.label == label).set_value(text).run()
    assert not at.exception
    assert label in at.error[0].value
    assert next(each for each in at.button if each.label == "Save").disabled
    button(at, "Discard")
    assert not at.error


def test_the_sample_picker_keeps_the_person_in_the_address_and_searches(
    full: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = editing.people_read(full.house(), DOMAIN)
    monkeypatch.setattr(editing, "people_read", lambda *args, **more: people_read(*args, most=5))
    key = everybody[-1][0]
    at = full.open("mapping", person=key)
    picker = next(each for each in at.selectbox if each.label == "Person")
    assert picker.value == key
    assert at.query_params["person"] in (key, [key])
    find = next(each for each in at.text_input if each.label == "Find a person by name or e-mail")
    find.set_value(everybody[20][1].split(" · ")[1]).run()
    assert next(each for each in at.selectbox if each.label == "Person").options == [everybody[20][1]]
    find = next(each for each in at.text_input if each.label == "Find a person by name or e-mail")
    find.set_value("nobody at all").run()
    assert not at.exception


people_read = editing.people_read


def test_a_connection_test_is_the_first_read_for_the_mapping(app: App, said: Said) -> None:
    assert "read HiBob once" in said(app.open("mapping"))
    asking.ask(app.house(), DOMAIN, jobs.JobKind.CHECK)
    app.work()
    told = said(app.open("mapping"))
    assert "read HiBob once" not in told
    assert "HiBob was read" in told


def test_after_a_save_the_way_leads_to_the_preview(full: App) -> None:
    at = full.open("mapping")
    edit(at, 6, Attribute="Office")
    button(at, "Save")
    assert "Make a preview with this mapping" in [each.proto.label for each in at.get("page_link")]
    at = full.open("settings")
    next(each for each in at.text_input if each.label == "Archives in one run").set_value("25").run()
    button(at, "Save")
    assert "Make a preview with these settings" in [each.proto.label for each in at.get("page_link")]


# --- what one looks at stands in the address ---------------------------------------------------------------


def test_a_search_stands_in_the_address_and_comes_back_with_it(full: App) -> None:
    at = full.open("preview")
    next(each for each in at.text_input if each.label == "Search").set_value("lef").run()
    assert at.query_params["search"] in ("lef", ["lef"])
    again = full.open("preview", search="lef")
    assert next(each for each in again.text_input if each.label == "Search").value == "lef"


def test_a_tab_stands_in_the_address_and_comes_back_with_it(full: App, sandbox: Sandbox, said: Said) -> None:
    held = planning.preview(full.house(), DOMAIN).counts["held"]
    assert "Something would otherwise happen" not in said(full.open("preview"))
    assert f"Something would otherwise happen to {held} people" in said(full.open("preview", show="held"))
    assert "Whatever" not in said(full.open("preview", show="nothing that there is"))


def test_the_person_selected_stands_in_the_address(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    chosen = plan.changes[3]
    at = app.open("preview", plan=plan.id, selected=chosen.key)
    assert "1 person selected" in said(at)
    assert f"HiBob id: {chosen.key}" in [each.value for each in at.text]
    button(at, "Leave out")
    assert approving.left_out_draft(app.house(), plan.id) == (chosen.key,)


def test_the_run_shown_stands_in_the_address(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    house = full.house()
    first = looking.runs_seen(house, DOMAIN)[0][0].id
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    second = processing.process(house, plan.id).id
    assert second in full.open("history", show="runs").code[0].value
    assert first in full.open("history", show="runs", run=first).code[0].value


def test_another_search_begins_on_its_first_page_with_nobody_selected(app: App) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = app.open("preview", plan=plan.id, page="2", selected=plan.changes[0].key)
    next(each for each in at.text_input if each.label == "Search").set_value("zzz").run()
    assert sorted(at.query_params) == ["customer", "domain", "plan", "search"]


def test_the_sidebar_leads_to_what_a_page_would_show(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0].id
    links = {each.proto.label: each.proto.query_string for each in full.open().sidebar.get("page_link")}
    place = "customer=Northwind+Trading&domain=staff"
    assert links["Preview"] == links["Process"] == f"{place}&plan={plan}"
    assert links["History"] == links["People"] == place


def test_an_address_copied_from_a_page_is_found(full: App, said: Said) -> None:
    copied = ADMIN.replace("@", "@\u2060")
    assert "Unchanged" in said(full.open("people", person=copied))
    at = full.open("history", search=copied)
    assert "processed" in said(at)


# --- who may, and what is searched for ----------------------------------------------------------------------


def test_an_auditor_decides_nothing(full: App, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sandbox.pass_day()
    plan = planning.preview(full.house(), DOMAIN)
    setting_up.grant(full.house(None), "auditor@acme.example", Role.AUDITOR, "Northwind Trading")
    auditor = full.house("auditor@acme.example")
    for decide in (
        lambda: approving.keep_left_out(auditor, plan.id, [plan.changes[0].key]),
        lambda: approving.keep_only(auditor, plan.id, [plan.changes[0].key]),
        lambda: editing.drop_mapping_draft(auditor, DOMAIN),
    ):
        with pytest.raises(RoleMissing):
            decide()
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@acme.example")
    at = full.open("preview", plan=plan.id, selected=plan.changes[0].key)
    assert all(each.disabled for each in at.button if each.label in ("Leave out", "Put back", "Only these", "Approve"))


def test_a_preview_of_another_domain_cannot_be_asked_to_be_processed(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    setting_up.add_domain(house, "Northwind Trading", "contractors", "Northwind HiBob")
    with pytest.raises(NotFound, match="another domain"):
        asking.ask(house, "Northwind Trading/contractors", jobs.JobKind.PROCESS, plan.id)


@pytest.mark.parametrize("text", ["%", "_", "zz_"])
def test_a_sign_that_stands_for_anything_elsewhere_finds_itself_alone(full: App, text: str) -> None:
    house = full.house()
    plan, run = looking.plans_seen(house, DOMAIN)[0], looking.runs_seen(house, DOMAIN)[0][0]
    assert looking.users_seen(house, DOMAIN, text, 50, 0)[1] == 0
    assert looking.changes_seen(house, plan.id, "", "", text, 50, 0)[1] == 0
    assert looking.held_seen(house, plan.id, text, 50, 0)[1] == 0
    assert looking.outcomes_seen(house, run.id, ["done"], text, 50, 0)[1] == 0


def test_a_search_does_not_mind_capitals(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    assert looking.users_seen(house, DOMAIN, ADMIN.upper(), 50, 0)[1] == 1
    assert looking.changes_seen(house, plan.id, "", "", ADMIN.upper(), 50, 0)[1] == 1


def test_a_connection_that_is_the_only_one_is_used_by_domains_that_name_none(full: App, said: Said) -> None:
    house = full.house()
    settings = domains_seen(house, "Northwind Trading")[0].settings
    editing.save_settings(house, DOMAIN, replace(settings, connection=None), 1)
    assert connections.connections_seen(house, "Northwind Trading")[0].domains == ("staff",)
    assert "Used by: staff" in said(full.open("connect")).replace("\\", "")


def test_the_history_names_whoever_was_left_out(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    left = plan.changes[0]
    approving.approve(house, plan.id, leave_out=[left.key])
    told = said(app.open("history", kinds="Previews and approvals")).replace("\\", "")
    assert f"approved {len(plan.changes) - 1} of {len(plan.changes)} changes" in told
    assert f"left out: {left.name}" in told
    assert left.key not in told


def test_a_person_is_told_dates_as_people_write_them(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    starter = next(each for each in plan.held if each.code == "future-starter")
    shown = said(app.open("people", person=starter.key)).replace("\\", "")
    assert "Starts on" in shown
    assert not re.search(r"\d{4}-\d{2}-\d{2}", shown)


def test_a_lapsed_preview_is_called_one(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    domain = domains_seen(house, "Northwind Trading")[0]
    editing.save_settings(house, DOMAIN, replace(domain.settings, absent_reads=2), 1)
    shown = said(app.open("preview", plan=plan.id)).replace("\\", "")
    assert f"since preview {plan.id}" in shown
    assert f"since plan {plan.id}" not in shown


def test_a_list_that_is_cut_says_so(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    keys = tuple(str(number) for number in range(1_234))
    finding = Finding(
        "unknown-lifecycle", Severity.WARN, "They have a status of their own.", "Say what it means.", keys=keys
    )
    monkeypatch.setattr(stored_plans, "plan_seen", lambda *_: replace(plan, findings=(finding,)))
    assert "These are the first 200 of 1,234." in said(full.open("preview"))


def test_the_user_shown_for_a_person_is_theirs_and_no_other(full: App) -> None:
    """Somebody's HiBob id may stand in another user's attributes, as a manager's id does."""
    house = full.house()
    held = looking.held_seen(house, looking.plans_seen(house, DOMAIN)[0].id, "", 1, 0)[0][0].key
    first, second = (user for user, *_ in looking.users(house, DOMAIN)[:2])
    for text in (held, second):
        with house.db.transaction():
            house.db.execute("UPDATE users SET attributes = json_set(attributes, '$.Nickname', ?) WHERE id = 1", text)
        assert looking.users_seen(house, DOMAIN, text, 50, 0)[0][0][0] == first
        at = full.open("people", person=text)
        assert first not in [
            value for table in at.dataframe if "Value" in table.value for value in table.value["Value"]
        ]
    found = looking.user_of(house, DOMAIN, f"user:{second}")
    assert found is not None
    assert found[0] == second
    assert looking.user_of(house, DOMAIN, held) is None


def test_a_name_in_a_link_is_no_markdown(full: App, sandbox: Sandbox) -> None:
    house = full.house()
    key = looking.held_seen(house, looking.plans_seen(house, DOMAIN)[0].id, "", 1, 0)[0][0].key
    sandbox.company.people[key]["root.firstName"] = "[x](https://evil.example)"
    plan = planning.preview(house, DOMAIN)
    at = full.open("preview", plan=plan.id, show="held", selected=key)
    (label,) = (each.proto.label for each in at.get("page_link") if "Everything" in each.proto.label)
    assert "](" not in label
    assert "://" not in label


def test_the_overview_calls_a_failed_decision_one_and_leads_to_where_it_is_told(full: App, said: Said) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    asking.ask_to_decide(house, DOMAIN, plan.id, asking.Wishes(protect=["nobody"]))
    full.work()
    at = full.open()
    assert "Your decision failed" in said(at)
    button(at, "Look at it")
    assert [each.value for each in at.title] == ["Preview"]


def test_a_chart_that_is_cut_says_so(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    many = {f"Attribute {number}": 1 for number in range(30)}
    monkeypatch.setattr(looking, "attributes_changed", lambda *_: many)
    assert "These are the first 12 of 30." in said(full.open("preview"))


def test_the_people_offered_for_the_sample_say_when_they_are_not_all(
    full: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    assert "are offered here" not in said(full.open("mapping"))
    monkeypatch.setattr(mapping_sample, "MOST_FOUND", 5)
    assert "The first 5 are offered here" in said(full.open("mapping"))


def test_the_previews_offered_say_when_they_are_not_all(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    assert "Older ones" not in said(full.open("preview"))
    plan, seen = looking.plans_seen(full.house(), DOMAIN)[0], looking.plans_seen
    monkeypatch.setattr(looking, "plans_seen", lambda *_: [*seen(*_), *[replace(plan, id=f"p{n}") for n in range(19)]])
    assert "These are the newest 20. Older ones stand in the history." in said(full.open("preview"))


@pytest.fixture
def partly(app: App) -> tuple[App, Plan, Run]:
    """A run in which the last two people failed and the others were done."""
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    changes = plans.get_plan(house.db, plan.id).changes
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    bad = {each.key for each in changes[-2:]}
    told = [
        Outcome(each.key, each.action, Result.FAILED if each.key in bad else Result.DONE, "Said so.")
        for each in changes
    ]
    runs.journal(house.db, run.id, told, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    return app, plan, run


@pytest.mark.parametrize("kind", [jobs.JobKind.PROCESS, jobs.JobKind.RETRY])
def test_a_retry_whose_worker_was_killed_goes_on_with_those_who_failed(
    partly: tuple[App, Plan, Run], kind: jobs.JobKind
) -> None:
    """Resumed by somebody, or repeated by the next worker."""
    app, plan, failed = partly
    house = app.house()
    retry = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock(), failed.id)
    asking.ask(house, DOMAIN, kind, plan.id)
    app.work()
    run = stored_plans.run_of(house, plan.id)
    assert run is not None
    assert run.id == retry.id
    assert run.status is RunStatus.DONE
    assert run.counts["done"] == 2


def test_a_retry_counts_only_those_who_failed(partly: tuple[App, Plan, Run]) -> None:
    app, plan, failed = partly
    house = app.house()
    asking.ask(house, DOMAIN, jobs.JobKind.RETRY, plan.id)
    assert jobs.claim(house.db, house.clock()) is not None
    assert "0 of 2 changes" in app.open("process").get("progress")[0].proto.text
    retry = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock(), failed.id)
    one = plans.get_plan(house.db, plan.id).changes[-1]
    runs.journal(house.db, retry.id, [Outcome(one.key, one.action, Result.DONE)], house.clock())
    assert "1 of 2 changes" in app.open("process").get("progress")[0].proto.text


def test_a_search_does_not_mind_capitals_beyond_a_to_z(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    assert looking.changes_seen(house, plan.id, "", "", "ÅKERSTRÖM", 50, 0)[1] == 1
    assert looking.users_seen(house, DOMAIN, "åkerström", 50, 0)[1] == 1


def test_people_of_a_report_are_explained_and_decided_where_the_mapping_names_titles(app: App) -> None:
    """A title that is one of HiBob's own fields is read under that field's id, and still meant by its name."""
    house = app.house()
    each = connections.connections_seen(house, "Northwind Trading")[0].connection
    setting_up.save_connection(
        house, "Northwind Trading", each.name, each.base_url, each.service_user_id or "", None, 31048356
    )
    domain = next(each for each in domains_seen(house, "Northwind Trading") if each.label == DOMAIN)
    titles = ("Payroll number", "Contract end", "root.email")
    mapped = tuple(each for each in domain.attributes if each.data_feed_name in titles)
    editing.save_mapping(house, DOMAIN, mapped, "Employee ID", editing.begun_from(domain))
    plan = plans.get_plan(house.db, planning.preview(house, DOMAIN).id)
    key = plan.changes[0].key
    at = app.open("people", person=key)
    assert not at.error
    assert explaining.explain(house, DOMAIN, key).answer.startswith("To be added")
    decided = deciding.decide(house, plan.id, asking.Wishes(protect=[key]))
    assert {each.key for each in decided.changes} == {each.key for each in plan.changes}
