"""Settings that are edited: drafts, versions, limits, scope and lifecycle, who is protected."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import streamlit as st
from installation import ADMIN, DOMAIN, App, Said, button
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from provisioning.errors import RoleMissing
from provisioning.model import (
    Finding,
    Meaning,
    Protection,
    Role,
    ScopeRule,
    Severity,
)
from provisioning.sandbox import Sandbox
from provisioning.workflow import editing, looking, planning, setting_up, settings_drafts, stored_plans
from provisioning.workflow.house import domains_seen


def test_a_changed_limit_is_a_new_version_of_the_settings(full: App, said: Said) -> None:
    at = full.open("settings")
    next(each for each in at.text_input if each.label == "Archives in one run").set_value("25")
    at.run()
    button(at, "Save")
    assert domains_seen(full.house(), "Northwind Trading")[0].settings.limits.archive.number == 25
    assert "Version 2 is in force" in said(full.open("settings"))


def test_what_an_unusual_limit_comes_to_stands_below_it(full: App, said: Said) -> None:
    at = full.open("settings", part="limits")
    assert "nothing blocks here" not in said(at)
    archive_limit(at).set_value("off").run()
    assert "Off: nothing blocks here, however many people it is." in said(at)
    archive_limit(at).set_value("0 %").run()
    assert "a percentage counts from three up" in said(at)
    archive_limit(at).set_value("0").run()
    assert "Blocks as soon as it is one person." in said(at)


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
    assert "Complete reads before somebody absent is archived: 1 → 3" in at.error[0].value.replace("\\", "")
    later = full.open("settings")
    assert "Complete reads before somebody absent is archived: 1 → 3" in [each.value for each in later.text]
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


def test_a_status_that_the_lifecycle_table_does_not_name_stands_in_it_to_be_given_a_meaning(
    full: App, sandbox: Sandbox
) -> None:
    for person in list(sandbox.company.people.values())[:2]:
        person["internal.lifecycleStatus"] = "sabbatical"
    planning.preview(full.house(), DOMAIN)
    at = full.open("settings", part="lifecycle")
    shown = next(each.value for each in at.dataframe if "In HiBob now" in each.value)
    assert shown["People"].sum() == 40
    assert list(shown.iloc[0]) == ["sabbatical", 2, "No meaning yet"]
    key = f"lifecycle_1_{at.session_state['settings_turn']}"
    # It stands in the table, without a meaning, and so long the settings are as they were saved.
    assert "“sabbatical”, of which the table says nothing yet" in at.warning[0].value
    assert next(each for each in at.button if each.label == "Save").disabled
    at.session_state[key] = {"edited_rows": {0: {"Means": "Live"}}, "added_rows": [], "deleted_rows": []}
    at.run()
    draft = settings_drafts.settings_draft(full.house(), DOMAIN)
    assert draft
    (meaning,) = draft[0].lifecycle.meanings
    assert meaning == ("sabbatical", Meaning.LIVE)
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


def test_an_unknown_lifecycle_leads_to_that_part_of_the_settings(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    links: dict[str, Mapping[str, str]] = {}
    monkeypatch.setattr(st, "page_link", lambda _, label, query_params, **__: links.update({label: query_params}))
    house = full.house()
    finding = Finding("unknown-lifecycle", Severity.BLOCK, "Somebody has a status of their own.", "Say what it means.")
    plan = looking.plans_seen(house, DOMAIN)[0]
    monkeypatch.setattr(stored_plans, "plan_seen", lambda *_: replace(plan, findings=(finding,)))
    full.open("preview")
    assert links["Choose what it means"]["part"] == "lifecycle"


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


@pytest.mark.parametrize(
    ("table", "row", "problem"),
    [
        (
            "scope",
            {"Rule": "Include", "HiBob column": "work.site", "Is one of": " ; "},
            "Row 1, Is one of: write at least",
        ),
        ("protected", {"Attribute": "Site"}, "Is one of: write at least one value"),
        ("protected", {"Is one of": "London"}, "has values and no attribute"),
        ("protected", {"Person": "test@acme.example", "Attribute": "Site", "Is one of": "London"}, "a row of its own"),
        ("lifecycle", {"Lifecycle status": "employed", "Means": "Archived"}, "“employed” stands there twice"),
    ],
)
def test_a_row_that_says_too_little_or_too_much_is_told_and_nothing_is_kept(
    full: App, table: str, row: dict[str, str], problem: str
) -> None:
    at = full.open("settings")
    key = f"{table}_1_{at.session_state['settings_turn']}"
    at.session_state[key] = {"edited_rows": {}, "added_rows": [row], "deleted_rows": []}
    at.run()
    assert problem in at.error[0].value.replace("\\", "")
    assert next(each for each in at.button if each.label == "Save").disabled
    assert settings_drafts.settings_draft(full.house(), DOMAIN) is None
    button(at, "Discard")
    assert not at.error
