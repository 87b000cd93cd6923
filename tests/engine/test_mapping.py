"""From HiBob's columns to attribute values: which text is taken, and whose value cannot be read."""

import pytest
from build import CATALOGUE, Row, actions, employee, held, mapped, plan, snapshot, user

from provisioning.engine.columns import column_names, resolve_all
from provisioning.engine.mapping import Mapped, map_all, map_plain
from provisioning.engine.texts import text_column
from provisioning.model import Attribute, AttributeType

DEPARTMENT = Attribute("Department", "humanReadable.work.department")
MANAGER = Attribute("Manager", "work.reportsTo", type=AttributeType.USER)
MANAGER_BY_EMAIL = Attribute("Manager", "Manager's email", type=AttributeType.USER)


def map_one(attribute: Attribute, *employees: Row) -> Mapped:
    columns = resolve_all(CATALOGUE, column_names([attribute], ()))
    return map_plain(attribute, columns, snapshot(employees).table)


def managers(attribute: Attribute, *employees: Row) -> Mapped:
    attributes = mapped(attribute)
    columns = resolve_all(CATALOGUE, column_names(attributes, ()))
    return map_all(attributes, columns, snapshot(employees).table, "Employee ID")["Manager"]


def values(found: Mapped) -> list[str]:
    texts: list[str] = found.values.to_pylist()
    return texts


def test_every_attribute_that_is_fed_is_mapped_and_no_other() -> None:
    attributes = mapped(Attribute("By hand"), MANAGER)
    columns = resolve_all(CATALOGUE, column_names(attributes, ()))
    found = map_all(attributes, columns, snapshot([employee("1")]).table, "Employee ID")
    assert sorted(found) == ["Department", "Email", "Employee ID", "First name", "Last name", "Manager"]


def test_null_blank_and_spaces_are_one_blank() -> None:
    found = map_one(Attribute("Site", "work.site"), *(employee("1", site=text) for text in (None, "", "  \n")))
    assert values(found) == ["", "", ""]
    assert not found.problems


def test_a_column_that_the_read_does_not_have_is_blank_for_everybody() -> None:
    found = map_one(Attribute("Type", "payroll.employment.type"), employee("1"), employee("2"))
    assert values(found) == ["", ""]


def test_nobody_in_hibob_maps_to_nothing() -> None:
    assert values(map_one(DEPARTMENT)) == []
    assert values(managers(MANAGER)) == []


def test_a_column_has_a_machine_form_and_a_form_for_people() -> None:
    someone = employee("1", department="209192163", human={"department": "Legal & Compliance"})
    assert values(map_one(Attribute("Department", "work.department"), someone)) == ["209192163"]
    assert values(map_one(DEPARTMENT, someone)) == ["Legal & Compliance"]


def test_a_value_without_text_for_people_is_a_problem_and_never_the_item_id() -> None:
    found = map_one(DEPARTMENT, employee("1"), employee("2", department="209192163", human={"department": None}))
    assert values(found) == ["Sales", ""]
    assert list(found.problems) == [1]
    assert "work.department" in found.problems[1]


def test_a_blank_in_both_forms_is_no_problem() -> None:
    found = map_one(DEPARTMENT, employee("1", department=None))
    assert values(found) == [""]
    assert not found.problems


def test_a_date_is_taken_from_the_machine_value_even_where_the_mapping_names_the_other() -> None:
    attribute = Attribute("Start date", "humanReadable.work.startDate", type=AttributeType.DATE)
    found = map_one(attribute, employee("1", start="2026-09-06", human={"start": "06/09/2026"}))
    assert values(found) == ["2026-09-06"]


@pytest.mark.parametrize(
    ("site", "department", "taken"),
    [("London", "Sales", "London"), (None, "Sales", "Sales"), ("  ", "Sales", "Sales"), (None, None, "")],
)
def test_a_fallback_column_speaks_where_the_first_is_blank(
    site: str | None, department: str | None, taken: str
) -> None:
    attribute = Attribute("Team", "work.site", fallback="work.department")
    assert values(map_one(attribute, employee("1", site=site, department=department))) == [taken]


def test_a_fallback_is_cleaned_up_and_translated_like_the_column_itself() -> None:
    attribute = Attribute(
        "Team", "work.site", fallback="work.department", clean_up=("upper",), values=(("Sales", "Revenue"),)
    )
    assert values(map_one(attribute, employee("1", site=None), employee("2", site="Cork"))) == ["Revenue", "CORK"]


def test_a_fallback_without_text_for_people_is_a_problem_only_where_it_is_needed() -> None:
    attribute = Attribute("Team", "work.site", fallback="humanReadable.work.department")
    speechless = {"department": "209192163", "human": {"department": None}}
    found = map_one(attribute, employee("1", site="Cork", **speechless), employee("2", site=None, **speechless))
    assert values(found) == ["Cork", ""]
    assert list(found.problems) == [1]


def test_one_value_that_cannot_be_read_is_named_and_leaves_the_others_alone() -> None:
    attribute = Attribute("Start date", "work.startDate", type=AttributeType.DATE)
    starts = ("2026-02-31", "2026-02-28", None, "2026-02-31")
    found = map_one(attribute, *(employee(str(row), start=start) for row, start in enumerate(starts)))
    assert values(found) == ["", "2026-02-28", "", ""]
    assert sorted(found.problems) == [0, 3]
    assert "2026-02-31" in found.problems[0]


def test_somebody_whose_value_cannot_be_read_is_held_by_name_of_the_value() -> None:
    attributes = mapped(Attribute("Start date", "work.startDate", type=AttributeType.DATE))
    decision = plan([employee("1", start="31/02/2026"), employee("2")], attributes=attributes)
    assert held(decision) == {"1": "unreadable"}
    assert "31/02/2026" in decision.held[0].why
    assert actions(decision) == [("2", "add")]


def test_a_live_user_whose_value_cannot_be_read_is_held_and_keeps_everything() -> None:
    attributes = mapped(Attribute("Grade", "Payroll number", type=AttributeType.NUMBER))
    decision = plan([employee("1", payroll="seven", department="HR")], [user("1", Grade="7")], attributes=attributes)
    assert held(decision) == {"1": "unreadable"}
    assert decision.changes == ()


def test_a_list_value_outside_its_options_holds_the_person() -> None:
    attributes = mapped(Attribute("Department", "work.department", type=AttributeType.LIST, options=("Sales", "HR")))
    decision = plan([employee("1", department="Legal"), employee("2", department="HR")], attributes=attributes)
    assert held(decision) == {"1": "unreadable"}
    assert "Legal" in decision.held[0].why


# --- references to managers -------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["9", "E9", "person9@acme.example", "Person9@ACME.example", " 9 "])
def test_a_manager_is_found_by_id_identifier_or_email(named: str) -> None:
    found = managers(MANAGER, employee("9"), employee("1", manager=named))
    assert values(found) == ["", "E9"]
    assert not found.problems


def test_a_manager_is_stored_as_the_unique_identifier_whatever_form_the_mapping_names() -> None:
    attribute = Attribute("Manager", "humanReadable.work.reportsTo", type=AttributeType.USER)
    found = managers(attribute, employee("9"), employee("1", manager="9", human={"manager": "Ada Person 9"}))
    assert values(found) == ["", "E9"]


@pytest.mark.parametrize("named", ["404", "nobody@acme.example"])
def test_an_unknown_manager_holds_the_person(named: str) -> None:
    decision = plan([employee("9"), employee("1", manager=named)], attributes=mapped(MANAGER))
    assert held(decision) == {"1": "unreadable"}
    assert named in decision.held[0].why


def test_a_manager_without_a_unique_identifier_holds_the_person() -> None:
    found = managers(MANAGER, employee("9", identifier=None), employee("1", manager="9"))
    assert values(found) == ["", ""]
    assert list(found.problems) == [1]


def test_no_manager_is_a_blank() -> None:
    found = managers(MANAGER, employee("1", manager=None))
    assert values(found) == [""]
    assert not found.problems


def test_a_manager_is_found_by_the_email_of_a_column_of_its_own() -> None:
    found = managers(MANAGER_BY_EMAIL, employee("9"), employee("1", manager_email="PERSON9@acme.example"))
    assert values(found) == ["", "E9"]


def test_an_email_of_two_people_names_no_manager() -> None:
    people = [employee("8", email="desk@acme.example"), employee("9", email="desk@acme.example")]
    found = managers(MANAGER_BY_EMAIL, *people, employee("1", manager_email="desk@acme.example"))
    assert values(found)[2] == ""
    assert list(found.problems) == [2]


def test_the_order_of_people_does_not_decide_who_is_whose_manager() -> None:
    people = [employee("8", email="desk@acme.example"), employee("9", email="desk@acme.example")]
    report = employee("1", manager_email="desk@acme.example")
    one, other = (plan([*each, report], attributes=mapped(MANAGER_BY_EMAIL)) for each in (people, people[::-1]))
    assert one.digest == other.digest


def test_the_text_of_a_column_is_tidied() -> None:
    table = snapshot([employee("1", first=" Zoe\u0308 "), employee("2", first=None)]).table
    assert text_column(table, "root.firstName").to_pylist() == ["Zo\u00eb", ""]
