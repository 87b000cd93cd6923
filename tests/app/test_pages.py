"""Every page empty, full and failing; and what its buttons do."""

from collections.abc import Callable
from io import BytesIO

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning import workflow
from provisioning.model import Outcome, Result, RunStatus
from provisioning.sandbox import Sandbox
from provisioning.store import jobs, runs

Said = Callable[[AppTest], str]
PAGES = ["", "start", "connect", "mapping", "settings", "preview", "process", "history", "people"]


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


def test_the_operator_may_look_but_not_approve(app: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    workflow.preview(app.house(), DOMAIN)
    monkeypatch.delenv("ROLLCALL_LOCAL_USER")
    at = app.open("preview")
    assert next(each for each in at.button if each.label == "Approve").disabled
    assert "ROLLCALL_LOCAL_USER" in said(at).replace("\\", "")


def test_somebody_without_a_role_sees_no_customer(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "stranger@elsewhere.example")
    assert "No customer yet" in said(full.open("preview"))


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
    assert [each.name for each in workflow.domains_seen(app.house(), "Northwind Trading")] == ["contractors", "staff"]


def test_a_custom_report_is_chosen_by_name_once_the_test_has_listed_them(app: App, said: Said) -> None:
    assert what_is_read(app) == ["People search"]
    button(app.open("connect"), "Test the connection")
    app.work()
    assert "Custom report: Learning platform feed (31048356)" in what_is_read(app)
    at = app.open("connect")
    next(each for each in at.selectbox if each.label == "What is read").set_value(31048356)
    button(at, "Save")
    assert workflow.connections_seen(app.house(), "Northwind Trading")[0].connection.report == 31048356
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
    plan = workflow.preview(house, DOMAIN)
    workflow.keep_only(house, plan.id, [plan.changes[0].key])
    button(app.open("preview"), "Approve")
    approval = workflow.approval_of(house, plan.id)
    assert approval is not None
    assert len(approval.left_out) == len(plan.changes) - 1


def test_a_block_is_overridden_only_with_a_reason(full: App, sandbox: Sandbox) -> None:
    sandbox.switches.half_missing = True
    plan = workflow.preview(full.house(), DOMAIN)
    at = full.open("preview")
    button(at, "Approve")
    assert "blocked" in at.error[0].value
    for each in at.text_input:
        if each.label.startswith("Reason for overriding"):
            each.set_value("Agreed with the customer by phone.")
    button(at, "Approve")
    assert workflow.approval_of(full.house(), plan.id) is not None


def test_an_interrupted_run_can_be_resumed(app: App, said: Said) -> None:
    house = app.house()
    plan = workflow.preview(house, DOMAIN)
    workflow.approve(house, plan.id)
    runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    at = app.open("process")
    assert "did not come to its end" in said(at)
    button(at, "Resume")
    app.work()
    run = workflow.run_of(house, plan.id)
    assert run is not None
    assert run.status is RunStatus.DONE


def test_a_run_can_be_stopped_while_the_worker_is_at_it(app: App) -> None:
    house = app.house()
    plan = workflow.preview(house, DOMAIN)
    workflow.approve(house, plan.id)
    workflow.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    assert jobs.claim(house.db, house.clock()) is not None
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    runs.journal(house.db, run.id, [Outcome(plan.changes[0].key, plan.changes[0].action, Result.DONE)], house.clock())
    at = app.open("process")
    assert f"1 of {len(plan.changes)} changes" in at.get("progress")[0].proto.text
    button(at, "Stop")
    assert runs.stop_asked(house.db, run.id)


def test_whoever_failed_can_be_tried_again(app: App, said: Said) -> None:
    house = app.house()
    plan = workflow.preview(house, DOMAIN)
    workflow.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    failed = [Outcome(each.key, each.action, Result.FAILED, "The directory did not answer.") for each in plan.changes]
    runs.journal(house.db, run.id, failed, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    button(app.open("process"), "Retry failed")
    app.work()
    assert "Everything approved was done" in said(app.open("process"))


def test_the_workbook_of_a_page_is_the_one_of_the_command_line(full: App) -> None:
    house = full.house()
    plan = workflow.plans_seen(house, DOMAIN)[0]
    file = BytesIO()
    workflow.export_workbook(house, plan.id, file)
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
    attributes = workflow.domains_seen(full.house(), "Northwind Trading")[0].attributes
    assert attributes[6].name == "Office"
    assert "Version 2 is in force" in said(full.open("mapping"))


def test_looking_at_a_mapping_makes_no_draft(full: App) -> None:
    full.open("mapping")
    assert workflow.mapping_draft(full.house(), DOMAIN) is None


def test_a_discarded_draft_is_gone(full: App, said: Said) -> None:
    at = full.open("mapping")
    edit(at, 6, Attribute="Office")
    button(at, "Discard")
    assert workflow.mapping_draft(full.house(), DOMAIN) is None
    assert "Version 1 is in force" in said(at)


def test_a_save_over_a_newer_version_is_refused_with_the_difference(full: App, said: Said) -> None:
    at = full.open("mapping")
    edit(at, 6, Attribute="Office")
    other = full.house("csm@skillcast.example")
    workflow.grant(full.house(None), "csm@skillcast.example", workflow.Role.CSM, "Northwind Trading")
    domain = workflow.domains_seen(other, "Northwind Trading")[0]
    workflow.save_mapping(other, DOMAIN, domain.attributes[:-1], "Employee ID", domain.mapping_version)
    button(at, "Save")
    assert "Certified person: removed" in at.error[0].value.replace("\\", "")
    later = full.open("mapping")
    button(later, "I have seen it: put my draft on top of it")
    button(full.open("mapping"), "Save")
    assert "Version 3 is in force" in said(full.open("mapping"))


def test_problems_show_while_editing(full: App, said: Said) -> None:
    at = full.open("mapping")
    edit(at, 5, Value="Machine")
    assert "people would see an id" in said(at)


def test_a_sample_shows_the_values_before_and_after(full: App) -> None:
    sample = full.open("mapping").dataframe[-1].value
    assert list(sample["Skillcast stores"])[:1] == list(sample["HiBob says"])[:1] != [""]
    assert sample["Filled"].max() == 1.0


# --- settings ---------------------------------------------------------------------------------------------


def test_a_changed_limit_is_a_new_version_of_the_settings(full: App, said: Said) -> None:
    at = full.open("settings")
    next(each for each in at.text_input if each.label == "Archives in one run").set_value("25")
    at.run()
    button(at, "Save")
    assert workflow.domains_seen(full.house(), "Northwind Trading")[0].settings.limits.archive.number == 25
    assert "Version 2 is in force" in said(full.open("settings"))


def test_a_limit_that_is_none_is_refused(full: App) -> None:
    at = full.open("settings")
    next(each for each in at.text_input if each.label == "Archives in one run").set_value("many").run()
    assert "many" in at.error[0].value


def test_looking_at_settings_changes_nothing(full: App, said: Said) -> None:
    assert "Version 1 is in force" in said(full.open("settings"))


def test_a_scope_counts_live(full: App) -> None:
    at = full.open("settings")
    assert next(each for each in at.metric if each.label == "Employees in this scope").value == "40 of 40"
    key = f"scope_1_{at.session_state['settings_turn']}"
    rule = {"Rule": "Include", "HiBob column": "work.site", "Is one of": "London"}
    at.session_state[key] = {"edited_rows": {}, "added_rows": [rule], "deleted_rows": []}
    at.run()
    inside = next(each for each in at.metric if each.label == "Employees in this scope").value
    assert 0 < int(inside.split()[0]) < 40


# --- history and people -----------------------------------------------------------------------------------


def test_a_day_shows_in_the_next_preview_and_in_the_history(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    house = full.house()
    plan = workflow.preview(house, DOMAIN)
    workflow.approve(house, plan.id)
    workflow.process(house, plan.id)
    runs_shown = full.open("history").dataframe[0].value
    assert len(runs_shown) == 2
    assert runs_shown["Done"][0] == len(plan.changes)


def test_the_history_names_changes_of_the_mapping(full: App) -> None:
    house = full.house()
    domain = workflow.domains_seen(house, "Northwind Trading")[0]
    workflow.save_mapping(house, DOMAIN, domain.attributes[:-1], "Employee ID", domain.mapping_version)
    events = full.open("history").dataframe[-1].value
    assert "mapping saved" in list(events["What"])


def test_a_person_in_the_address_is_explained(full: App, said: Said) -> None:
    at = full.open("people", person=ADMIN)
    assert "Unchanged" in said(at)
    assert "add done" in said(at)


def test_data_never_becomes_markdown(full: App) -> None:
    at = full.open("people", person="[x](https://evil.example) ![p](https://evil.example/p.png)")
    shown = at.error[0].value
    assert "](" not in shown
    assert "://" not in shown


# --- a domain from nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_new_domain_without_a_mapping_has_no_error(full: App, page: str) -> None:
    workflow.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    at = full.open(page, customer="Northwind Trading", domain="contractors")
    assert not at.exception
    assert not [each.value for each in at.error if "not been read" not in each.value]


def test_a_new_domain_is_mapped_by_the_suggestions_and_previewed(full: App, said: Said) -> None:
    workflow.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    place = {"customer": "Northwind Trading", "domain": "contractors"}
    at = full.open("mapping", **place)
    button(at, next(each.label for each in at.button if "suggested rows" in each.label))
    button(full.open("mapping", **place), "Save")
    assert "Version 2 is in force" in said(full.open("mapping", **place))
    button(full.open("preview", **place), "Make a preview")
    full.work()
    assert not full.open("preview", **place).error


def test_a_preview_of_another_domain_is_not_shown_under_this_one(full: App, said: Said) -> None:
    plan = workflow.plans_seen(full.house(), DOMAIN)[0]
    workflow.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    at = full.open("preview", customer="Northwind Trading", domain="contractors", plan=plan.id)
    assert "belongs to" in said(at)
