"""A mapping that is edited: drafts, other tabs, cells that cannot be read, the sample beside it."""

import pytest
from installation import DOMAIN, App, Said, button
from streamlit.testing.v1 import AppTest

from provisioning.model import (
    Role,
)
from provisioning.store import jobs, plans
from provisioning.web import mapping_sample
from provisioning.workflow import asking, connections, deciding, editing, explaining, planning, setting_up
from provisioning.workflow.house import domains_seen


def edit(at: AppTest, row: int, **cells: object) -> None:
    key = f"map_1_{at.session_state['mapping_turn']}"
    edits = {"edited_rows": {row: cells}, "added_rows": [], "deleted_rows": []}
    at.session_state[key] = edits
    at.run()


def test_a_mapping_with_which_no_preview_can_be_made_is_saved_only_when_asked_again(full: App, said: Said) -> None:
    house = full.house()
    domain = domains_seen(house, "Northwind Trading")[0]
    begun = editing.begun_from(domain)
    email = tuple(each for each in domain.attributes if each.name == "Email")
    editing.keep_mapping_draft(house, domain.label, email, "", begun)
    at = full.open("mapping")
    assert "With this mapping **no preview can be made**" in said(at)
    assert "Save" not in [each.label for each in at.button]
    button(at, "Save all the same")
    assert [each.name for each in domains_seen(full.house(), "Northwind Trading")[0].attributes] == ["Email"]


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
    edit(at, 5, Value="As stored")
    assert "people would see an id" in said(at)


def test_a_sample_shows_the_values_before_and_after(full: App) -> None:
    sample = next(each.value for each in full.open("mapping").dataframe if "Filled" in each.value)
    assert list(sample["The user gets"])[:1] == list(sample["HiBob says"])[:1] != [""]
    assert sample["Filled"].max() == 1.0


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


def test_the_people_offered_for_the_sample_say_when_they_are_not_all(
    full: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    assert "are offered here" not in said(full.open("mapping"))
    monkeypatch.setattr(mapping_sample, "MOST_FOUND", 5)
    assert "The first 5 are offered here" in said(full.open("mapping"))


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
