"""What a preview says at a glance, its groups, and to whom an override is offered."""

from collections.abc import Callable

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning import workflow
from provisioning.model import Action, Plan
from provisioning.report.groups import chosen
from provisioning.sandbox import Sandbox

Said = Callable[[AppTest], str]
COLUMNS = ["What", "Before", "After", "People"]


@pytest.fixture
def renamed(full: App, sandbox: Sandbox) -> Plan:
    """The preview after a site was given another name in HiBob."""
    for each in sandbox.company.people.values():
        if each.get("work.site") == "London":
            each["work.site"] = "Greater London"
    return workflow.preview(full.house(), DOMAIN)


def test_the_headline_stands_on_the_page_and_names_the_attribute(full: App, renamed: Plan, said: Said) -> None:
    told = said(full.open("preview", plan=renamed.id)).replace("\\", "")
    assert workflow.headline_of(full.house(), renamed.id) in told
    assert f"{renamed.counts['update']} people change site" in told
    assert "Against the preview that was processed last" in told


def test_a_renamed_site_is_one_group_that_leads_to_its_people(full: App, renamed: Plan) -> None:
    house = full.house()
    (group,) = [each for each in workflow.groups_of(house, renamed.id) if each.title == "Site"]
    assert (group.before, group.after, group.people) == ("London", "Greater London", renamed.counts["update"])
    found = chosen(group.name)
    people, count = workflow.changes_seen(house, renamed.id, "", found.attribute, "", 50, 0, found.values)
    assert count == group.people
    assert {each.after["Site"] for each in people} == {"Greater London"}
    other = workflow.changes_seen(house, renamed.id, "", "Site", "", 50, 0, ("Leeds", "Greater London"))
    assert other == ([], 0)


def test_a_group_in_the_address_filters_the_people(full: App, renamed: Plan) -> None:
    group = next(each for each in workflow.groups_of(full.house(), renamed.id) if each.title == "Site")
    at = full.open("preview", plan=renamed.id, group=group.name)
    assert not at.exception
    table = next(each.value for each in at.dataframe if "Person" in each.value.columns)
    assert set(zip(table["Attribute"], table["Before"], table["After"], strict=True)) == {
        ("Site", "London", "Greater London")
    }


def test_a_group_of_nowhere_filters_nobody_out(full: App, renamed: Plan) -> None:
    at = full.open("preview", plan=renamed.id, group="values:[broken")
    assert not at.exception
    table = next(each.value for each in at.dataframe if "Person" in each.value.columns)
    assert len(table) == len(renamed.changes)


def test_a_preview_that_finds_nothing_has_no_groups(full: App, said: Said) -> None:
    workflow.preview(full.house(), DOMAIN)
    at = full.open("preview")
    assert "Nobody changes: Skillcast agrees with HiBob." in said(at).replace("\\", "")
    assert all(list(each.value.columns) != COLUMNS for each in at.dataframe)


def test_a_second_preview_names_who_is_new_in_it(full: App, renamed: Plan, sandbox: Sandbox, said: Said) -> None:
    for each in sandbox.company.people.values():
        if each.get("work.site") == "Leeds":
            each["work.site"] = "Greater Leeds"
    again = workflow.preview(full.house(), DOMAIN)
    come = again.counts["update"] - renamed.counts["update"]
    told = said(full.open("preview", plan=again.id)).replace("\\", "")
    assert f"{come} more to be updated" in told
    assert f"{come} new in it" in told


def test_people_held_back_are_searched_by_the_words_they_are_shown_with(full: App, renamed: Plan) -> None:
    at = full.open("preview", plan=renamed.id, show="held", search="starts later")
    (table,) = [each.value for each in at.dataframe if "Reason" in each.value.columns]
    assert set(table["Reason"]) == {"Starts later"}


def self_archive(app: App, sandbox: Sandbox) -> Plan:
    """A preview that archives the admin, whom the settings protect no longer."""
    house = app.house()
    text = workflow.export(house, "Northwind Trading").replace(f'protected = [\n    "{ADMIN}",\n]\n', "")
    assert "protected" not in text
    workflow.set_up(app.house(None), text)
    del sandbox.company.people[sandbox.company.admin_id]
    plan = workflow.preview(house, DOMAIN)
    assert "self-archive" in {each.code for each in plan.blocks}
    return plan


def test_nobody_is_offered_to_override_their_own_archive(full: App, sandbox: Sandbox, said: Said) -> None:
    plan = self_archive(full, sandbox)
    assert "self-archive" not in workflow.overridable(full.house(), plan.id)
    at = full.open("preview", plan=plan.id)
    assert not any("manages Rollcall" in each.label for each in at.text_input)
    assert "only somebody else may override that" in said(at)
    assert any(each.action is Action.ARCHIVE for each in plan.changes)


def test_processing_leads_to_the_preview_that_waits(app: App, said: Said) -> None:
    assert "Make a preview and approve it first" in said(app.open("process"))
    workflow.preview(app.house(), DOMAIN)
    assert "waits for its approval" in said(app.open("process"))


def test_evidence_names_the_attributes_that_a_column_feeds(full: App, sandbox: Sandbox) -> None:
    for each in list(sandbox.company.people.values())[:6]:
        each.pop("work.site", None)
    plan = workflow.preview(full.house(), DOMAIN)
    told = [text for label, text in workflow.evidence_of(full.house(), plan.id) if label == "Filled"]
    assert any(text.startswith("Site (") for text in told)
