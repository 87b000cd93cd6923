"""The mapping page: take suggestions, paste, read a file, undo, a value table over what occurs, words to sign off."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
import streamlit as st
from installation import DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.model import Attribute, AttributeType, Domain, Role
from provisioning.report.told import Told, told
from provisioning.sandbox import Sandbox
from provisioning.store import jobs
from provisioning.web.mapping_exchange import CSV
from provisioning.web.mapping_sample import unreadable_in_words
from provisioning.web.mapping_values import INTO, NEW, SAYS, STATE, STORED
from provisioning.workflow import asking, connections, editing, exchanging, looking, planning, reading, setting_up
from provisioning.workflow.house import domains_seen
from provisioning.workflow.watched import new_values

Said = Callable[[AppTest], str]


def button(at: AppTest, label: str) -> AppTest:
    next(each for each in at.button if each.label == label).click().run()
    assert not at.exception
    return at


def there(app: App) -> Domain:
    return domains_seen(app.house(), "Northwind Trading")[0]


def draft(app: App) -> editing.MappingDraft | None:
    return editing.mapping_draft(app.house(), DOMAIN)


def named(app: App, name: str) -> Attribute:
    found = draft(app)
    assert found is not None
    return next(each for each in found.attributes if each.name == name)


@pytest.fixture
def bare(app: App) -> App:
    """A domain without a mapping whose connection was tested."""
    setting_up.add_domain(app.house(), "Northwind Trading", "new", "Northwind HiBob")
    asking.ask(app.house(), "Northwind Trading/new", jobs.JobKind.CHECK)
    app.work()
    return app


def test_before_anything_is_mapped_nothing_is_saved_and_nothing_is_wrong(bare: App, said: Said) -> None:
    text = said(bare.open("mapping", customer="Northwind Trading", domain="new"))
    assert "Nothing is saved yet" in text
    assert "is in force" not in text
    assert "Blocks" not in text
    assert "Problems" not in text


def test_a_test_of_the_connection_is_the_first_read_for_the_mapping(app: App, said: Said) -> None:
    asking.ask(app.house(), DOMAIN, jobs.JobKind.CHECK)
    app.work()
    text = said(app.open("mapping"))
    assert "HiBob was read" in text
    assert "Not read yet" not in text


# --- suggestions ------------------------------------------------------------------------------------------


def test_all_suggestions_are_taken_by_one_click(bare: App, said: Said) -> None:
    place = {"customer": "Northwind Trading", "domain": "new"}
    at = bare.open("mapping", **place)
    shown = next(each.value for each in at.dataframe if "Why" in each.value)
    assert list(shown["Attribute"])[:3] == ["Email", "First name", "Last name"]
    assert all(shown["Why"])
    button(at, f"Take all {len(shown)}")
    found = editing.mapping_draft(bare.house(), "Northwind Trading/new")
    assert found is not None
    assert [each.name for each in found.attributes] == list(shown["Attribute"])
    assert "Take all" not in said(at)


def test_the_test_of_an_empty_mapping_brings_the_values_of_what_is_suggested(bare: App) -> None:
    at = bare.open("mapping", customer="Northwind Trading", domain="new")
    shown = next(each.value for each in at.dataframe if "Why" in each.value).set_index("Attribute")
    assert shown["Filled"].min() > 0.8
    assert "@" in shown.loc["Email", "HiBob says"]
    button(at, next(each.label for each in at.button if each.label.startswith("Take all")))
    rows = next(each.value for each in at.dataframe if "Unique identifier" in each.value).head(len(shown))
    assert "(not read yet)" not in list(rows["HiBob says"])
    assert rows["The user gets"].notna().sum() > len(shown) / 2


def test_a_test_reads_people_once_and_of_a_mapping_no_more_than_it_names(app: App, sandbox: Sandbox) -> None:
    def read(label: str) -> list[str]:
        sandbox.requests.clear()
        reading.check(app.house(), label)
        return [each.body for each in sandbox.requests if each.path.endswith("/people/search")]

    setting_up.add_domain(app.house(), "Northwind Trading", "new", "Northwind HiBob")
    (asked,) = read("Northwind Trading/new")
    assert "work.title" in asked
    few = (Attribute("Email", "root.email"), Attribute("Employee ID", "work.employeeIdInCompany"))
    editing.save_mapping(app.house(), "Northwind Trading/new", few, "Employee ID", 1)
    (asked,) = read("Northwind Trading/new")
    assert "work.employeeIdInCompany" in asked
    assert "work.title" not in asked


def test_taking_suggestions_is_undone(bare: App) -> None:
    at = bare.open("mapping", customer="Northwind Trading", domain="new")
    button(at, next(each.label for each in at.button if each.label.startswith("Take all")))
    button(at, "Undo")
    assert editing.mapping_draft(bare.house(), "Northwind Trading/new") is None
    assert any(each.label.startswith("Take all") for each in at.button)


def test_a_mapping_without_anything_to_suggest_says_nothing(full: App, said: Said) -> None:
    assert "Take all" not in said(full.open("mapping"))


# --- paste ------------------------------------------------------------------------------------------------


def paste(at: AppTest, text: str) -> AppTest:
    next(each for each in at.text_area if each.label == "Rows from Excel").set_value(text).run()
    assert not at.exception
    return at


def test_pasted_rows_are_shown_before_they_are_taken(full: App, said: Said) -> None:
    at = paste(full.open("mapping", more="paste"), "Site\thumanReadable.work.site\nTeam\twork.department")
    assert "Site: data feed name work.site → humanReadable.work.site" in said(at)
    assert "Team: added, fed by work.department" in said(at)
    assert draft(full) is None
    button(at, "Take these rows into the draft")
    assert named(full, "Team").data_feed_name == "work.department"
    assert next(each for each in at.text_area if each.label == "Rows from Excel").value == ""


def test_a_name_that_is_nearly_one_that_is_there_means_that_one_unless_told_otherwise(full: App, said: Said) -> None:
    at = paste(full.open("mapping", more="paste"), "employee id\twork.employeeIdInCompany")
    assert "“employee id” is nearly the name of “Employee ID”, which is there already" in at.warning[0].value
    assert "Employee ID: data feed name Payroll number → work.employeeIdInCompany" in said(at)
    same = next(each for each in at.checkbox if each.label == "It is the same attribute: keep its name")
    same.uncheck().run()
    assert "employee id: added, fed by work.employeeIdInCompany" in said(at)
    button(at, "Take these rows into the draft")
    assert named(full, "Employee ID").data_feed_name == "Payroll number"
    assert "**employee id**: Its name is nearly that of “Employee ID”" in said(at)


def test_names_of_one_paste_that_are_nearly_the_same_are_told_and_taken_once_they_are_said_to_be_two(
    full: App, said: Said
) -> None:
    at = paste(full.open("mapping", more="paste"), "Cost centre\twork.site\nCost-Centre\twork.department")
    assert "nearly the name of “Cost centre”, in line 1" in at.warning[0].value
    assert "stands in line 1 already" in at.error[0].value
    next(each for each in at.checkbox if each.label == "It is the same attribute: keep its name").uncheck().run()
    assert not at.error
    button(at, "Take these rows into the draft")
    assert named(full, "Cost-Centre").data_feed_name == "work.department"


def test_a_bad_line_is_named_and_nothing_is_taken(full: App, said: Said) -> None:
    at = paste(full.open("mapping", more="paste"), "Site\twork.site\nTeam\tNo such column")
    assert "Line 2, “Team”" in said(at)
    assert "Take these rows" not in said(at)


def test_rows_that_could_not_be_saved_are_refused(full: App, said: Said) -> None:
    at = paste(full.open("mapping", more="paste"), "Decision\twork.site")
    assert "one of Rollcall’s own" in said(at)
    assert "Take these rows" not in said(at)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a\u202eb", "Line 2, attribute “a�b”: the name holds a line break, a control or a direction character."),
        ('"a\nb"', "Line 2, Attribute: “a b” holds a line break. Take it out of the cell in Excel, then copy the rows"),
        ("n" * 201, "Line 2: in name: it is longer than 200 characters."),
        ("Decision", "Line 2, attribute “Decision”: the name is one of Rollcall’s own"),
    ],
)
def test_a_name_that_cannot_be_saved_is_told_with_its_line(full: App, name: str, problem: str) -> None:
    said = f"Site\twork.site\n{name}\twork.department"
    found = exchanging.take_rows(full.house(), DOMAIN, said, there(full).attributes, "Employee ID", whole=False)
    assert [each.startswith(problem) for each in found.problems] == [True]


def test_a_file_without_attributes_is_refused(full: App, said: Said) -> None:
    text = said(upload(full, b"Attribute\r\n"))
    assert "no attribute stands below the header" in text
    assert "Take this mapping" not in text


def test_rows_that_change_nothing_say_so(full: App, said: Said) -> None:
    at = paste(full.open("mapping", more="paste"), "Site\twork.site")
    assert "These rows change nothing" in said(at)


def test_an_auditor_sees_the_mapping_and_takes_nothing(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    setting_up.grant(full.house(None), "auditor@northwind.example", Role.AUDITOR, "Northwind Trading")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@northwind.example")
    at = full.open("mapping", more="paste")
    assert not at.exception
    assert [each.label for each in at.text_area] == []


# --- file -------------------------------------------------------------------------------------------------


def upload(full: App, content: bytes) -> AppTest:
    at = full.open("mapping", more="file")
    at.file_uploader(f"mapping_file_{there(full).id}_0").set_value(("mapping.csv", content, CSV)).run()
    assert not at.exception
    return at


def test_a_file_that_was_handed_out_comes_back_as_the_same_mapping(full: App, said: Said) -> None:
    domain = there(full)
    text = exchanging.mapping_as_csv(full.house(), DOMAIN, domain.attributes, "Employee ID")
    assert "These rows change nothing" in said(upload(full, text.encode("utf-8-sig")))
    taken = exchanging.take_rows(full.house(), DOMAIN, text, (), "", whole=True)
    assert (taken.attributes, taken.identifier, taken.problems) == (domain.attributes, "Employee ID", ())


def test_a_file_stands_in_place_of_all_rows(full: App, said: Said) -> None:
    rows = [each for each in there(full).attributes if each.name != "FTE"]
    text = exchanging.mapping_as_csv(full.house(), DOMAIN, rows, "Employee ID").replace("\r\n", "\n").replace(",", ";")
    at = upload(full, text.encode())
    assert "FTE: removed" in said(at)
    button(at, "Take this mapping into the draft")
    found = draft(full)
    assert found is not None
    assert found.attributes == tuple(rows)


@pytest.mark.parametrize("content", [b'{"customer": "Acme"}', b"\x00\x01\x02", b"=1+1\n", b"Site,work.site\n"])
def test_a_file_that_does_not_name_its_columns_is_refused(full: App, said: Said, content: bytes) -> None:
    told = said(upload(full, content)).replace("\\", "")
    assert "Line 1: it does not name the columns" in told
    assert "Take this mapping" not in told


def test_a_read_that_failed_leads_to_the_connection(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    links: list[str] = []
    monkeypatch.setattr(st, "page_link", lambda _, label, **__: links.append(label))
    sandbox.switches.in_no_group = True
    button(app.open("mapping"), "Read HiBob for this mapping")
    app.work()
    at = app.open("mapping")
    assert "did not come to an end" in at.error[0].value
    assert "Look at the connection" in links


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf\r\n", b",,\r\n"])
def test_an_empty_file_is_told_as_one(full: App, said: Said, content: bytes) -> None:
    told = said(upload(full, content)).replace("\\", "")
    assert "The file is empty. A mapping file begins with a line of column names" in told
    assert "nothing to read" not in told


def test_a_file_that_is_no_text_says_what_to_do(full: App, said: Said) -> None:
    assert "CSV UTF-8" in said(upload(full, b"\xff\xfe\x00binary"))


# --- undo -------------------------------------------------------------------------------------------------


def test_edits_are_taken_back_one_at_a_time(full: App) -> None:
    at = full.open("mapping")
    assert next(each for each in at.button if each.label == "Undo").disabled
    for edit in ({6: {"Attribute": "Office"}}, {6: {"Attribute": "Building"}}):
        key = f"map_1_{at.session_state['mapping_turn']}"
        at.session_state[key] = {"edited_rows": edit, "added_rows": [], "deleted_rows": []}
        at.run()
    assert named(full, "Building")
    button(at, "Undo")
    assert named(full, "Office")
    button(at, "Undo")
    assert draft(full) is None


def test_an_undo_in_a_tab_that_is_behind_says_why_it_did_nothing_and_does_it_when_pressed_again(
    full: App, said: Said
) -> None:
    other = full.open("mapping")
    for name in ("Office", "Building"):
        older = full.open("mapping")
        key = f"map_1_{other.session_state['mapping_turn']}"
        other.session_state[key] = {"edited_rows": {6: {"Attribute": name}}, "added_rows": [], "deleted_rows": []}
        other.run()
    button(older, "Undo")
    assert "it did nothing: press it again" in said(older)
    assert named(full, "Building")
    button(older, "Undo")
    assert named(full, "Office")
    assert "press it again" not in said(older)


def test_a_discarded_draft_is_brought_back(full: App) -> None:
    at = full.open("mapping")
    key = f"map_1_{at.session_state['mapping_turn']}"
    at.session_state[key] = {"edited_rows": {6: {"Attribute": "Office"}}, "added_rows": [], "deleted_rows": []}
    at.run()
    button(at, "Discard")
    assert draft(full) is None
    button(at, "Undo")
    assert named(full, "Office")


def test_what_can_be_taken_back_survives_a_reload_and_ends_with_the_save(full: App) -> None:
    at = full.open("mapping")
    at.session_state[f"map_1_{at.session_state['mapping_turn']}"] = {"edited_rows": {6: {"Attribute": "Office"}}}
    at.run()
    button(full.open("mapping"), "Undo")
    assert draft(full) is None
    at = paste(full.open("mapping", more="paste"), "Team\twork.department")
    button(at, "Take these rows into the draft")
    button(full.open("mapping"), "Save")
    assert editing.mapping_past(full.house(), DOMAIN) == ()
    assert next(each for each in full.open("mapping").button if each.label == "Undo").disabled


def test_the_first_read_of_all_brings_every_column_however_it_is_named(app: App, said: Said) -> None:
    asking.ask(app.house(), DOMAIN, jobs.JobKind.SAMPLE)
    app.work()
    text = said(app.open("mapping"))
    assert "HiBob was read" in text
    assert "Not read yet" not in text


# --- values -----------------------------------------------------------------------------------------------


def values(at: AppTest) -> pd.DataFrame:
    return next(each.value for each in at.dataframe if STATE in each.value)


def replace_by(at: AppTest, *edits: tuple[str, str | None]) -> AppTest:
    """Type into the editor of values, which sends all that was typed since it was begun."""
    key = f"values_1_{at.session_state['values_turn']}_Department"
    rows = {list(values(at)[SAYS]).index(value): {INTO: into} for value, into in edits}
    at.session_state[key] = {"edited_rows": rows, "added_rows": [], "deleted_rows": []}
    at.run()
    assert not at.exception
    return at


def stored(at: AppTest, value: str) -> str:
    shown = values(at)
    return str(shown[shown[SAYS] == value][STORED].iloc[0])


def test_the_value_table_stands_over_the_values_that_occur(full: App, said: Said) -> None:
    at = full.open("mapping")
    assert values(at)["People"].sum() == 40
    assert f"**{len(values(at))} different values**, of 40 people" in said(at)


def test_what_is_typed_into_the_value_table_is_in_the_draft_at_once(full: App) -> None:
    at = replace_by(full.open("mapping"), ("Sales", "Revenue"))
    assert dict(named(full, "Department").values) == {"Legal & Compliance": "Legal", "Sales": "Revenue"}
    assert stored(at, "Sales") == "Revenue"
    assert not next(each for each in at.button if each.label == "Save").disabled
    button(at, "Save")
    found = next(each for each in there(full).attributes if each.name == "Department")
    assert dict(found.values) == {"Legal & Compliance": "Legal", "Sales": "Revenue"}
    assert stored(at, "Sales") == "Revenue"


def test_one_value_after_the_other_is_typed_and_none_is_lost(full: App) -> None:
    at = replace_by(full.open("mapping"), ("Sales", "Revenue"))
    turn = at.session_state["values_turn"]
    replace_by(at, ("Sales", "Revenue"), ("Finance", "Money"))
    replace_by(at, ("Sales", None), ("Finance", "Money"))
    assert at.session_state["values_turn"] == turn
    assert dict(named(full, "Department").values) == {"Legal & Compliance": "Legal", "Finance": "Money"}
    assert (stored(at, "Sales"), stored(at, "Finance")) == ("Sales", "Money")


def test_the_value_table_is_undone_and_typed_into_again(full: App) -> None:
    at = replace_by(full.open("mapping"), ("Sales", "Revenue"))
    replace_by(at, ("Sales", "Income"))
    button(at, "Undo")
    assert stored(at, "Sales") == "Revenue"
    button(at, "Undo")
    assert draft(full) is None
    assert stored(at, "Sales") == "Sales"
    replace_by(at, ("Finance", "Money"))
    assert dict(named(full, "Department").values) == {"Legal & Compliance": "Legal", "Finance": "Money"}


def test_before_the_first_read_there_is_no_list_of_values(app: App, said: Said) -> None:
    assert "Read HiBob for this mapping first" in said(app.open("mapping"))


def turn_up(full: App, sandbox: Sandbox, number: int, **values: str) -> None:
    """One of the people has these in HiBob, from the next read on."""
    somebody = [p for p in sandbox.company.people.values() if "work.department" in p][number]
    somebody.update({f"work.{name}": value for name, value in values.items()})
    planning.preview(full.house(), DOMAIN)


def test_a_value_that_turns_up_later_is_flagged_until_somebody_says_that_it_is_right(
    full: App, sandbox: Sandbox, said: Said
) -> None:
    house, domain = full.house(), there(full)
    fields = connections.fields_known(house, DOMAIN)
    assert new_values(house, DOMAIN, fields) == {}
    turn_up(full, sandbox, 0, site="Reykjavík")
    turn_up(full, sandbox, 1, site="Akureyri", department="Fishing")
    assert new_values(house, DOMAIN, fields) == {"Site": ("Akureyri", "Reykjavík"), "Department": ("Fishing",)}
    saved = tuple(replace(each, clean_up=("upper",)) if each.name == "Surname" else each for each in domain.attributes)
    editing.save_mapping(house, DOMAIN, saved, "Employee ID", editing.begun_from(domain))
    at = full.open("mapping", values="Site")
    assert "**Site** has 2 new values in HiBob: “Akureyri”, “Reykjavík”" in said(at)
    shown = next(each.value for each in at.dataframe if STATE in each.value)
    assert set(shown[shown[STATE] == NEW][SAYS]) == {"Akureyri", "Reykjavík"}
    turn_up(full, sandbox, 2, site="Selfoss")
    button(at, "Leave them as they are")
    assert new_values(house, DOMAIN, fields) == {"Site": ("Selfoss",), "Department": ("Fishing",)}
    (event,) = [each for each in looking.see_history(house, DOMAIN) if each.what == "mapping looked at"]
    assert told(event.what, event.details) == Told(
        "left Site as it is after looking at new values", "“Akureyri”, “Reykjavík”"
    )


def test_who_saves_another_row_for_an_attribute_has_looked_at_its_new_values(full: App, sandbox: Sandbox) -> None:
    house, domain = full.house(), there(full)
    fields = connections.fields_known(house, DOMAIN)
    turn_up(full, sandbox, 0, site="Reykjavík", department="Fishing")
    saved = tuple(replace(each, clean_up=("upper",)) if each.name == "Site" else each for each in domain.attributes)
    editing.save_mapping(house, DOMAIN, saved, "Employee ID", editing.begun_from(domain))
    assert new_values(house, DOMAIN, fields) == {"Department": ("Fishing",)}


def test_who_only_reads_is_told_of_a_new_value_without_a_button(
    full: App, sandbox: Sandbox, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_up(full, sandbox, 0, site="Reykjavík")
    setting_up.grant(full.house(None), "auditor@example.com", Role.AUDITOR, "Northwind Trading")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@example.com")
    at = full.open("mapping")
    assert "**Site** has 1 new value in HiBob" in said(at)
    assert not [each for each in at.button if each.label == "Leave it as it is"]


# --- words ------------------------------------------------------------------------------------------------


def test_the_mapping_is_told_in_plain_english(full: App, said: Said) -> None:
    text = said(full.open("mapping", more="words"))
    assert "People are recognised by Employee ID." in text
    assert "“Legal & Compliance” becomes “Legal”." in text
    assert "version 1, saved" in text


def test_every_value_that_cannot_be_read_is_told_with_how_many_have_it(full: App) -> None:
    house = full.house()
    rows = tuple(
        replace(each, type=AttributeType.NUMBER) if each.name == "Site" else each for each in there(full).attributes
    )
    (tried,) = (
        each for each in editing.try_mapping(house, DOMAIN, rows, "Employee ID", None) if each.attribute == "Site"
    )
    assert sum(count for _, count in tried.reasons) == tried.unreadable
    assert [count for _, count in tried.reasons] == sorted((count for _, count in tried.reasons), reverse=True)
    assert len(tried.reasons) > 1


def test_of_many_reasons_the_first_three_are_told() -> None:
    told = unreadable_in_words([("“tbc” is no date", 2), ("“31/02/2026” is no date", 1)])
    assert told == "“tbc” is no date: 2 people; “31/02/2026” is no date: 1 person."
    assert unreadable_in_words([(str(number), 1) for number in range(5)]).endswith("2: 1 person; and 2 other values.")
