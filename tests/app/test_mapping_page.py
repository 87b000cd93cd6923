"""The mapping page: the sample beside the table, one unique identifier, and versions compared before saving."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from installation import DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.errors import NotFound, Refused, RoleMissing, SettingsError
from provisioning.model import Attribute, AttributeType, Domain, Field, Role, ScopeRule
from provisioning.sandbox import Sandbox
from provisioning.sandbox.fields import CONTRACT_END, COST_CENTRE
from provisioning.store import jobs
from provisioning.web.mapping_table import SPARE, VIEWS, called, edited, from_rows, rows_of
from provisioning.workflow import asking, comparing, connections, editing, looking, planning, setting_up
from provisioning.workflow.house import domains_seen

Said = Callable[[AppTest], str]
UNIQUE = "Unique identifier"
SITE = 6


def button(at: AppTest, label: str) -> AppTest:
    next(each for each in at.button if each.label == label).click().run()
    return at


def edit(at: AppTest, edits: dict[int, dict[str, object]]) -> AppTest:
    key = f"map_1_{at.session_state['mapping_turn']}"
    at.session_state[key] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    at.run()
    assert not at.exception
    return at


def editor(at: AppTest) -> str:
    return f"map_1_{at.session_state['mapping_turn']}"


def kept(full: App) -> tuple[Attribute, ...]:
    draft = editing.mapping_draft(full.house(), DOMAIN)
    assert draft is not None
    return draft.attributes


def picker(at: AppTest, label: str) -> object:
    return next(each for each in at.selectbox if each.label == label)


def there(full: App) -> Domain:
    return domains_seen(full.house(), "Northwind Trading")[0]


def shouting(domain: Domain) -> tuple[Attribute, ...]:
    """The mapping with the site in capitals."""
    return tuple(replace(each, clean_up=("upper",)) if each.name == "Site" else each for each in domain.attributes)


@pytest.fixture
def twice(full: App) -> App:
    """A domain whose mapping has two versions."""
    domain = there(full)
    editing.save_mapping(full.house(), DOMAIN, shouting(domain), "Employee ID", editing.begun_from(domain))
    return full


def query(at: AppTest, name: str) -> str:
    found = at.query_params.get(name, "")
    return found[0] if isinstance(found, list) else found


def sample(at: AppTest) -> pd.DataFrame:
    return next(each.value for each in at.dataframe if "Filled" in each.value)


# --- before saving ----------------------------------------------------------------------------------------


def test_a_draft_says_how_many_users_it_changes_before_it_is_saved(full: App, said: Said) -> None:
    at = edit(full.open("mapping"), {SITE: {"Clean-up": ["upper"]}})
    live = len([each for each in looking.users(full.house(), DOMAIN) if each[3].get("Site")])
    assert f"Version 1 → your draft changes {live} users" in said(at)
    attributes, people = at.dataframe[-2].value, at.dataframe[-1].value
    assert list(attributes["What"]) == ["Site"]
    assert list(attributes["Users"]) == [live]
    assert all(new == old.upper() != old for old, new in zip(people["Old"], people["New"], strict=True))


def test_a_draft_that_names_a_column_which_was_not_read_says_so(full: App, said: Said) -> None:
    at = edit(full.open("mapping"), {SITE: {"Data feed name": "work.custom.elsewhere"}})
    assert "**Site** is not compared" in said(at)
    assert "work.custom.elsewhere was not read" in said(at).replace("\\", "")


def test_reading_a_sample_makes_a_new_column_comparable(full: App, said: Said) -> None:
    unread = next(
        each.id for each in connections.fields_known(full.house(), DOMAIN)
        if each.type == "text" and each.id not in {column.field for column in connections.last_read(full.house(), DOMAIN).columns}  # type: ignore[union-attr]
    )  # fmt: skip
    at = edit(full.open("mapping"), {SITE: {"Data feed name": unread}})
    assert "is not compared" in said(at)
    button(at, "Read HiBob for this mapping")
    full.work()
    assert "is not compared" not in said(full.open("mapping"))


def test_before_the_first_preview_a_draft_says_what_comparing_needs(app: App, said: Said) -> None:
    at = edit(app.open("mapping"), {SITE: {"Attribute": "Office"}})
    assert "Comparing needs a preview" in said(at)
    assert not at.error


def test_a_mapping_with_one_version_and_no_draft_has_nothing_to_compare(full: App, said: Said) -> None:
    assert "Versions compared" not in said(full.open("mapping"))


# --- saved versions ---------------------------------------------------------------------------------------


def test_two_saved_versions_are_compared_by_the_address(twice: App, said: Said) -> None:
    at = twice.open("mapping", compare="1-2")
    assert "Version 1 → version 2 changes" in said(at)
    assert query(at, "compare") == "1-2"
    assert "Site: clean-up (none) → upper" in said(at)


def test_saved_versions_are_compared_when_asked(twice: App, said: Said) -> None:
    at = twice.open("mapping")
    assert "→ version 2 changes" not in said(at)
    button(at, "Compare")
    assert "Version 1 → version 2 changes" in said(at)
    assert query(at, "compare") == "1-2"


def test_the_people_of_one_attribute_stand_in_the_address(twice: App) -> None:
    at = twice.open("mapping", compare="1-2", attribute="=Site")
    assert set(at.dataframe[-1].value["What"]) == {"Site"}
    assert picker(at, "People by what differs").value == "=Site"  # type: ignore[attr-defined]


@pytest.mark.parametrize("named", ["9-2", "1-99", "x", "1-draft"])
def test_versions_in_the_address_that_are_not_there_are_said(twice: App, said: Said, named: str) -> None:
    at = twice.open("mapping", compare=named)
    assert not at.exception
    assert "The address compares" in said(at)


def test_an_old_version_comes_back_as_a_new_one(twice: App, said: Said) -> None:
    first = comparing.versions_of(twice.house(), DOMAIN)[-1]
    at = button(twice.open("mapping", compare="1-2"), "Go back to version 1")
    assert "Version 3 is in force" in said(at)
    assert there(twice).attributes == first.attributes
    event = next(each for each in looking.see_history(twice.house(), DOMAIN) if each.what == "mapping saved")
    assert (event.details["gone_back_to"], event.details["mapping_version"]) == (1, 3)


def test_going_back_waits_until_the_draft_is_saved_or_discarded(twice: App, said: Said) -> None:
    at = twice.open("mapping", compare="1-2")
    edit(at, {SITE: {"Attribute": "Office"}})
    assert "To go back to version 1, save or discard your draft first." in said(at)
    assert "Go back to version 1" not in [each.label for each in at.button]


def test_an_auditor_compares_and_cannot_go_back(twice: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    setting_up.grant(twice.house(None), "auditor@northwind.example", Role.AUDITOR, "Northwind Trading")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@northwind.example")
    at = twice.open("mapping", compare="1-2")
    assert "Version 1 → version 2 changes" in said(at)
    assert "Go back to version 1" not in [each.label for each in at.button]
    with pytest.raises(RoleMissing):
        comparing.go_back(twice.house("auditor@northwind.example"), DOMAIN, 1, editing.begun_from(there(twice)))


# --- the use cases ----------------------------------------------------------------------------------------


def test_versions_say_who_saved_them_and_what_each_changed(twice: App) -> None:
    second, first = comparing.versions_of(twice.house(), DOMAIN)
    assert (second.version, first.version) == (2, 1)
    assert second.changed == ("Site: clean-up (none) → upper",)
    assert all("added" in line for line in first.changed)


def test_going_back_over_a_newer_version_is_refused(twice: App) -> None:
    with pytest.raises(Refused, match="saved version 2"):
        comparing.go_back(twice.house(), DOMAIN, 1, editing.Begun(1, "Employee ID"))
    assert there(twice).mapping_version == 2


def test_going_back_to_what_is_in_force_is_said(twice: App) -> None:
    with pytest.raises(SettingsError, match="in force already"):
        comparing.go_back(twice.house(), DOMAIN, 2, editing.begun_from(there(twice)))
    with pytest.raises(NotFound, match="no version 9"):
        comparing.go_back(twice.house(), DOMAIN, 9, editing.begun_from(there(twice)))


def test_going_back_takes_the_identifier_of_then_where_the_one_of_now_is_not_fed(full: App) -> None:
    domain = there(full)
    renamed = tuple(replace(e, name="Staff ID") if e.name == "Employee ID" else e for e in domain.attributes)
    editing.save_mapping(full.house(), DOMAIN, renamed, "Staff ID", editing.begun_from(domain))
    comparing.go_back(full.house(), DOMAIN, 1, editing.begun_from(there(full)))
    assert there(full).settings.unique_identifier == "Employee ID"


def test_going_back_keeps_the_identifier_of_now_where_it_is_fed(twice: App) -> None:
    settings = replace(there(twice).settings, unique_identifier="Email")
    editing.save_settings(twice.house(), DOMAIN, settings, there(twice).settings_version)
    comparing.go_back(twice.house(), DOMAIN, 1, editing.begun_from(there(twice)))
    assert there(twice).settings.unique_identifier == "Email"


def test_comparing_with_a_scope_that_was_not_read_is_refused(twice: App) -> None:
    domain = there(twice)
    settings = replace(domain.settings, scope=(ScopeRule(True, "work.custom.elsewhere", ("x",)),))
    editing.save_settings(twice.house(), DOMAIN, settings, domain.settings_version)
    with pytest.raises(SettingsError, match=r"The scope names work\.custom\.elsewhere"):
        comparing.compare_mappings(twice.house(), DOMAIN, 1, 2)


# --- one unique identifier --------------------------------------------------------------------------------


def test_ticking_another_unique_identifier_moves_the_tick(full: App) -> None:
    at = edit(full.open("mapping"), {1: {UNIQUE: True}})
    draft = editing.mapping_draft(full.house(), DOMAIN)
    assert draft is not None
    assert draft.identifier == "Email"
    assert list(sample(at)[UNIQUE]).count(True) == 1


def test_two_new_ticks_at_once_are_a_problem_and_not_saved(full: App) -> None:
    at = edit(full.open("mapping"), {1: {UNIQUE: True}, 2: {UNIQUE: True}})
    assert "Rows 1, 2, 3" in at.error[0].value
    assert next(each for each in at.button if each.label == "Save").disabled
    assert editing.mapping_draft(full.house(), DOMAIN) is None


@pytest.mark.parametrize(
    ("ticks", "before", "identifier"),
    [
        ((), "A", ""),
        (("A",), "A", "A"),
        (("B",), "A", "B"),
        (("A", "B"), "A", "B"),
        (("A", "A"), "A", "A"),
    ],
)
def test_the_newest_tick_is_the_unique_identifier(ticks: tuple[str, ...], before: str, identifier: str) -> None:
    names = ("A", *ticks[1:], "C") if ticks[:1] == ("A",) else ("A", "B", "C")
    rows = rows_of([Attribute(name, f"work.{name}") for name in names], "")
    typed = {"edited_rows": {number: {UNIQUE: name in ticks} for number, name in enumerate(names)}}
    assert from_rows(edited(rows, typed, ()), before)[1] == identifier


def _changed_on_settings(full: App) -> None:
    settings = replace(there(full).settings, unique_identifier="Email")
    editing.save_settings(full.house(), DOMAIN, settings, there(full).settings_version)


def test_a_unique_identifier_changed_on_settings_conflicts_with_a_draft(full: App, said: Said) -> None:
    at = edit(full.open("mapping"), {SITE: {"Attribute": "Office"}})
    _changed_on_settings(full)
    button(at, "Save")
    assert "Nothing of yours was saved" in at.error[0].value
    later = full.open("mapping")
    assert "The unique identifier was changed in the settings" in said(later)
    assert "unique identifier: Employee ID → Email" in said(later)
    assert there(full).settings.unique_identifier == "Email"
    button(later, next(each.label for each in later.button if "I have seen it" in each.label))
    button(full.open("mapping"), "Save")
    assert (there(full).mapping_version, there(full).settings.unique_identifier) == (2, "Employee ID")


def test_a_mapping_without_an_edit_follows_the_identifier_of_the_settings(full: App, said: Said) -> None:
    at = full.open("mapping")
    _changed_on_settings(full)
    at.run()
    assert editing.mapping_draft(full.house(), DOMAIN) is None
    assert "Unsaved changes" not in said(at)


def test_another_setting_does_not_conflict_with_a_draft(full: App, said: Said) -> None:
    at = edit(full.open("mapping"), {SITE: {"Attribute": "Office"}})
    editing.save_settings(
        full.house(), DOMAIN, replace(there(full).settings, absent_reads=2), there(full).settings_version
    )
    button(at, "Save")
    assert "Version 2 is in force" in said(at)


# --- columns and the person beside them -------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
def test_the_columns_shown_stand_in_the_address_and_keep_the_edit(full: App, view: str) -> None:
    edit(full.open("mapping"), {SITE: {"Attribute": "Office"}})
    at = full.open("mapping", columns=view)
    assert not at.exception
    draft = editing.mapping_draft(full.house(), DOMAIN)
    assert draft is not None
    assert draft.attributes[SITE].name == "Office"


def test_an_edit_survives_that_hibob_has_new_fields(full: App) -> None:
    """What the editor offers is part of the editor: another list would make it forget what was edited."""
    at = edit(full.open("mapping"), {SITE: {"Attribute": "Office"}})
    asking.ask(full.house(), DOMAIN, jobs.JobKind.SAMPLE)
    full.work()
    at.run()
    draft = editing.mapping_draft(full.house(), DOMAIN)
    assert draft is not None
    assert draft.attributes[SITE].name == "Office"


def test_an_unknown_person_in_the_address_is_said_and_stays_there(full: App, said: Said) -> None:
    at = full.open("mapping", person="nobody-of-this-name")
    assert "that the address names" in said(at)
    assert query(at, "person") == "nobody-of-this-name"
    assert set(sample(at)["HiBob says"]) == {None}
    assert sample(at)["Filled"].max() == 1.0


def test_searching_changes_the_person_only_when_somebody_is_chosen(full: App) -> None:
    everybody = editing.people_read(full.house(), DOMAIN)
    first, other = everybody[0][0], everybody[20]
    at = full.open("mapping", person=first)
    at.text_input[0].set_value(other[1].split(" · ")[1]).run()
    assert query(at, "person") == first
    picker(at, "Person").set_value(other[0]).run()  # type: ignore[attr-defined]
    assert query(at, "person") == other[0]


def test_the_values_stand_in_the_row_of_their_attribute_and_follow_what_is_edited(full: App) -> None:
    at = full.open("mapping")
    key, before = editor(at), sample(at).iloc[SITE]
    assert before["The user gets"] == before["HiBob says"] is not None
    edit(at, {SITE: {"Clean-up": ["upper"]}})
    after = sample(at).iloc[SITE]
    assert (after["HiBob says"], after["The user gets"]) == (before["HiBob says"], before["HiBob says"].upper())
    assert editor(at) == key, "another editor would forget where one is"


def test_a_column_that_is_chosen_is_read_as_it_usually_is(full: App) -> None:
    at = edit(full.open("mapping"), {SITE: {"Data feed name": "work.department"}})
    assert sample(at).iloc[SITE]["Value"] == "As shown"
    assert kept(full)[SITE].data_feed_name == "humanReadable.work.department"
    edit(at, {SITE: {"Data feed name": "work.department", "Value": "As stored"}})
    assert kept(full)[SITE].data_feed_name == "work.department"
    edit(at, {SITE: {"Data feed name": "work.startDate"}})
    assert kept(full)[SITE].type is AttributeType.DATE


def test_an_attribute_is_added_in_a_spare_row_and_there_are_always_more(full: App) -> None:
    rows = len(there(full).attributes)
    at = full.open("mapping")
    key = editor(at)
    edit(at, {rows: {"Attribute": "Cost centre", "Data feed name": COST_CENTRE}})
    assert kept(full)[-1] == Attribute("Cost centre", f"humanReadable.{COST_CENTRE}")
    assert editor(at) == key
    edit(at, {rows + number: {"Attribute": f"Attribute {number}"} for number in range(SPARE)})
    assert len(kept(full)) == rows + SPARE
    assert len(sample(at)) == rows + 2 * SPARE


def test_a_row_leaves_by_its_bin_or_without_its_name_and_comes_back(full: App) -> None:
    at = full.open("mapping")
    at.session_state["mapping_gone"] = SITE
    at.run()
    assert "Site" not in [each.name for each in kept(full)]
    button(at, "Undo")
    assert editing.mapping_draft(full.house(), DOMAIN) is None
    edit(at, {SITE: {"Attribute": ""}})
    assert "Site" not in [each.name for each in kept(full)]


def test_a_value_that_has_no_room_in_its_cell_stands_below_the_table_in_full(
    full: App, sandbox: Sandbox, said: Said
) -> None:
    key, person = next(iter(sandbox.company.people.items()))
    long = "Head of Everything that Nobody Else Looks After"
    assert "In full:" not in said(full.open("mapping", person=key, columns="blanks"))
    person["work.title"] = long
    planning.preview(full.house(), DOMAIN)
    at = full.open("mapping", person=key)
    shown = sample(at).set_index("Attribute").loc["Job title"]
    assert shown["HiBob says"] == shown["The user gets"]
    assert long.startswith(shown["HiBob says"].removesuffix("…"))
    assert f"Job title: {long}" in said(at).replace("\\", "")


def test_a_value_that_cannot_be_read_is_told_with_the_people_who_have_it(
    full: App, sandbox: Sandbox, said: Said
) -> None:
    key, person = next(iter(sandbox.company.people.items()))
    person[CONTRACT_END] = "soon"
    planning.preview(full.house(), DOMAIN)
    at = full.open("mapping")
    assert "“soon” is not a date" in said(at)
    links = [each.proto for each in at.get("page_link") if f"person={key}" in each.proto.query_string]
    assert [each.label for each in links] == [f"{person['root.firstName']} {person['root.surname']}"]
    assert "(“soon” is not a date" in str(list(sample(full.open("mapping", person=key))["The user gets"]))


def test_another_attribute_begins_on_the_first_page_of_its_people(twice: App) -> None:
    at = twice.open("mapping", compare="1-2", page="2")
    picker(at, "People by what differs").set_value("=Site").run()  # type: ignore[attr-defined]
    assert query(at, "attribute") == "=Site"
    assert "page" not in at.query_params


# --- several people, several tabs, several rows -----------------------------------------------------------


def test_undo_of_edits_from_an_older_version_is_not_saved_over_the_newer_one(full: App, said: Said) -> None:
    at = edit(full.open("mapping"), {0: {"Attribute": "Staff number"}})
    button(at, "Discard")
    setting_up.grant(full.house(None), "other@northwind.example", Role.ADMIN, "Northwind Trading")
    domain = there(full)
    editing.save_mapping(
        full.house("other@northwind.example"), DOMAIN, shouting(domain), "Employee ID", editing.begun_from(domain)
    )
    at = full.open("mapping")
    button(at, "Undo")
    assert "saved version 2; your draft began from version 1" in said(at)
    assert "Site: clean-up (none) → upper" in said(at)
    button(at, "Save")
    assert "Nothing of yours was saved" in at.error[0].value
    assert there(full).attributes == shouting(domain)


def test_an_edit_in_a_tab_that_is_behind_shows_what_the_other_tab_says_and_loses_neither(full: App, said: Said) -> None:
    one, two = full.open("mapping"), full.open("mapping")
    edit(one, {5: {"Attribute": "Fifth"}})
    assert "in another tab" not in said(one)
    edit(two, {SITE: {"Attribute": "Office"}})
    assert "changed in another tab" in said(two)
    assert sample(two).iloc[5]["Attribute"] == kept(full)[5].name == "Fifth"
    button(two, "Undo")
    assert "in another tab" not in said(two)
    assert kept(full)[SITE].name == "Office"
    button(two, "Undo")
    assert kept(full)[5].name == "Fifth"


def test_a_bin_in_a_tab_that_is_behind_removes_nothing(full: App) -> None:
    one, two = full.open("mapping"), full.open("mapping")
    edit(one, {5: {"Attribute": ""}})
    before = kept(full)
    two.session_state["mapping_gone"] = SITE
    two.run()
    assert kept(full) == before
    assert "mapping_gone" not in two.session_state


def test_more_pasted_rows_than_stand_empty_are_told(full: App, said: Said) -> None:
    rows = len(there(full).attributes)
    at = full.open("mapping")
    assert f"{SPARE} empty rows" in said(at)
    assert "was not taken" not in said(at)
    edit(at, {rows + number: {"Attribute": f"P{number}", "Data feed name": "work.site"} for number in range(SPARE)})
    assert "the rest was not taken" in said(at)
    edit(at, {rows + SPARE: {"Attribute": "One more"}})
    edit(at, {rows + SPARE: {"Attribute": "One more"}, rows + SPARE + 1: {"Attribute": "Another"}})
    assert len(kept(full)) == rows + SPARE + 2


# --- how things are called --------------------------------------------------------------------------------


def test_hibobs_fields_are_called_by_their_names_and_by_ids_where_names_are_shared() -> None:
    fields = [Field("root.email", "Email"), Field("work.title", "Title"), Field("a.b", "title"), Field("c.d", "")]
    assert called(fields) == {
        "c.d": "c.d", "root.email": "Email", "work.title": "Title · work.title", "a.b": "title · a.b"
    }  # fmt: skip


def test_a_manager_is_shown_with_their_name(full: App) -> None:
    attributes = there(full).attributes
    people = dict(editing.people_read(full.house(), DOMAIN, "", most=50))
    managers = {
        key: each.before
        for key in people
        for each in editing.try_mapping(full.house(), DOMAIN, attributes, "Employee ID", key)
        if each.attribute == "Manager" and each.before
    }
    key, manager = next(iter(managers.items()))
    shown = sample(full.open("mapping", person=key))
    says = shown[shown["Attribute"] == "Manager"]["HiBob says"].iloc[0]
    assert len(manager) > 8
    assert says == f"{people[manager].split(' · ')[0]} · …{manager[-6:]}"
