"""What an auditor sees of the pages that set up: the same facts, and nothing that would change them."""

from dataclasses import replace

import pandas as pd
import pytest
from installation import ADMIN, DOMAIN, App, Said
from streamlit.testing.v1 import AppTest

from provisioning.model import Protection, Role, ScopeRule
from provisioning.sandbox import Sandbox
from provisioning.setup_file import ScheduleTable
from provisioning.web.frame import READS_ONLY
from provisioning.web.mapping_table import VIEWS
from provisioning.workflow import approving, editing, planning, processing, scheduling, setting_up, undoing
from provisioning.workflow.house import domains_seen

CUSTOMER = "Northwind Trading"
AUDITOR = "auditor@northwind.example"
PAGES = ["start", "connect", "mapping", "settings", "schedule"]
READING = {"Find a person by name or e-mail", "Search"}
"""Fields that look for something."""


@pytest.fixture
def audited(full: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """After the first run, looked at by an auditor."""
    setting_up.grant(full.house(None), AUDITOR, Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", AUDITOR)
    return full


def controls(at: AppTest) -> list[str]:
    """What could be pressed, typed into, ticked or edited, apart from looking for something."""
    shown = [*at.button, *at.text_input, *at.text_area, *at.number_input, *at.radio, *at.checkbox, *at.toggle]
    editors = [each for each in at.dataframe if each.proto.editing_mode]
    return [str(each.label) for each in shown if each.label not in READING] + ["editor" for _ in editors]


def table(at: AppTest, column: str) -> pd.DataFrame:
    found: pd.DataFrame = next(each.value for each in at.dataframe if column in each.value)
    return found


def facts(at: AppTest) -> dict[str, str]:
    rows = [row for each in at.table for row in each.value.itertuples(index=False)]
    return {str(what): str(value).replace("\\", "").replace("\u2060", "") for what, value in rows}


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_there_that_would_change_something(audited: App, page: str) -> None:
    at = audited.open(page)
    assert not at.exception
    assert not at.error
    assert controls(at) == []
    assert [each.value for each in at.caption].count(READS_ONLY) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_domain_that_nobody_set_up_is_read_too(audited: App, page: str) -> None:
    setting_up.add_domain(audited.house(ADMIN), CUSTOMER, "new", "Northwind HiBob")
    at = audited.open(page, customer=CUSTOMER, domain="new")
    assert not at.exception
    assert controls(at) == []


WAYS = ["none", "waiting", "approved", "processed", "undo"]
"""How far the newest preview is."""


def made(app: App, how: str) -> dict[str, str]:
    """A preview of these people that is so far; returns where it is seen."""
    house = app.house(ADMIN)
    if how == "none":
        return {}
    plan = planning.preview(house, DOMAIN)
    if how == "waiting":
        return {"plan": plan.id, "selected": plan.changes[0].key}
    approving.approve(house, plan.id, leave_out=[plan.changes[0].key])
    if how == "approved":
        return {"plan": plan.id, "selected": plan.changes[0].key}
    run = processing.process(house, plan.id)
    return {"plan": undoing.undo(house, run.id).id if how == "undo" else plan.id}


@pytest.mark.parametrize("page", ["preview", "process"])
@pytest.mark.parametrize("how", WAYS)
def test_a_preview_and_its_run_are_read_in_words_without_anything_to_press(
    app: App, monkeypatch: pytest.MonkeyPatch, page: str, how: str
) -> None:
    query = made(app, how)
    setting_up.grant(app.house(None), AUDITOR, Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", AUDITOR)
    at = app.open(page, **query)
    assert not at.exception
    assert not at.error
    assert controls(at) == []


def test_what_waits_for_somebody_else_is_said_to_whoever_only_reads(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    query = made(app, "approved")
    setting_up.grant(app.house(None), AUDITOR, Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", AUDITOR)
    for page in ("preview", "process"):
        assert "It waits to be processed: that takes the role admin or CSM" in said(app.open(page, **query))


def test_a_test_is_not_told_from_a_form_that_is_not_there(audited: App, said: Said) -> None:
    assert "form above" not in said(audited.open("connect"))


def test_whoever_may_change_something_is_not_told_that_they_read(full: App) -> None:
    assert READS_ONLY not in [each.value for each in full.open("connect").caption]


def test_the_connection_stands_there_without_its_token(audited: App, sandbox: Sandbox) -> None:
    told = facts(audited.open("connect"))
    assert told["Base URL"] == sandbox.base_url
    assert told["What is read"] == "People search"
    assert told["Used by"] == "staff"
    assert told["Token"].endswith(f"ends in {sandbox.token[-4:]}")
    assert sandbox.token not in str(told)
    assert told["Target"] == "Local directory"


def test_the_mapping_has_a_row_per_attribute_and_no_spare_one(audited: App) -> None:
    attributes = domains_seen(audited.house(), CUSTOMER)[0].attributes
    shown = table(audited.open("mapping"), "Data feed name")
    assert list(shown["Attribute"]) == [each.name for each in attributes]
    assert list(shown["Attribute"][shown["Unique identifier"] == "Yes"]) == ["Employee ID"]
    assert shown["HiBob says"].notna().sum() > len(attributes) / 2


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_the_mapping_is_read(audited: App, view: str) -> None:
    at = audited.open("mapping", columns=view)
    assert not at.exception
    assert controls(at) == []


def test_the_mapping_is_read_as_it_is_in_force_whatever_was_drafted_before(audited: App) -> None:
    house = audited.house()
    domain = domains_seen(house, CUSTOMER)[0]
    setting_up.grant(audited.house(None), AUDITOR, Role.ADMIN, CUSTOMER)
    theirs = audited.house(AUDITOR)
    editing.keep_mapping_draft(theirs, DOMAIN, domain.attributes[:3], "Employee ID", editing.begun_from(domain))
    setting_up.grant(audited.house(None), AUDITOR, Role.AUDITOR, CUSTOMER)
    shown = table(audited.open("mapping"), "Data feed name")
    assert len(shown) == len(domain.attributes)


def test_the_settings_say_what_the_forms_would(audited: App) -> None:
    house = audited.house()
    domain = domains_seen(house, CUSTOMER)[0]
    rule, person = ScopeRule(True, "work.site", ("London", "Leeds")), Protection(person="test@northwind.example")
    changed = replace(domain.settings, scope=(rule,), protected=(person,), absent_reads=3, two_people=50)
    editing.save_settings(house, DOMAIN, changed, domain.settings_version)
    at = audited.open("settings", part="protected")
    assert list(table(at, "Rule").iloc[0])[::2] == ["Include", "London; Leeds"]
    assert list(table(at, "Person")["Person"]) == ["test@northwind.example"]
    assert "protects nobody now" in at.warning[0].value
    limits = table(at, "Limit").set_index("Limit")["Set to"]
    assert (limits["Archives in one run"], limits["Updates in one run"]) == ("10%", "off")
    told = facts(at)
    assert told["After being absent in so many complete reads"] == "3"
    assert told["Two people approve"] == "from 50 changes on"
    assert told["Unique identifier"] == "Employee ID"


def test_a_schedule_is_read_with_its_times(audited: App, said: Said) -> None:
    scheduling.save_schedule(audited.house(), DOMAIN, ScheduleTable("0 5 * * 1-5", "Europe/London", "preview"))
    at = audited.open("schedule")
    assert "Monday to Friday at 05:00" in said(at).replace("\\", "")
    assert len(at.dataframe[0].value) == 5
    assert controls(at) == []


def test_the_checklist_says_how_it_stands_and_not_what_to_do(audited: App, said: Said) -> None:
    setting_up.add_domain(audited.house(ADMIN), CUSTOMER, "new", "Northwind HiBob")
    told = said(audited.open("start", customer=CUSTOMER, domain="new"))
    assert "Not tested yet" in told
    assert "Take the suggested rows" not in told


def test_who_has_which_role_now_stands_on_the_settings(audited: App) -> None:
    setting_up.grant(audited.house(None), "all@skillcast.example", Role.CSM, None)
    held = table(audited.open("settings"), "Role")
    assert list(held.drop(columns="Since").itertuples(index=False, name=None)) == [
        (ADMIN, "admin", CUSTOMER, "In Rollcall"),
        ("all@skillcast.example", "CSM", "Every customer", "In Rollcall"),
        (AUDITOR, "auditor", CUSTOMER, "In Rollcall"),
        ("csm@skillcast.example", "CSM", CUSTOMER, "In Rollcall"),
    ]
