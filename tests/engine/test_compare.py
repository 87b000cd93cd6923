"""Two mappings on the same people: who would end differently, and in what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from build import ATTRIBUTES, CATALOGUE, Row, User, archived, company, employee, mapped, situation, user

from provisioning.engine.compare import HAPPENS, LINK, Comparison, Side, compare
from provisioning.engine.plan import make_plan
from provisioning.engine.situation import Situation
from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy

UPPER = mapped(Attribute("Department", "work.department", clean_up=("upper",)))
SITE = mapped(Attribute("Site", "work.site"))


def compared(
    employees: Sequence[Row],
    users: Sequence[User],
    new: Sequence[Attribute],
    *,
    old: Sequence[Attribute] = ATTRIBUTES,
    identifiers: tuple[str, str] = ("Employee ID", "Employee ID"),
    **rest: Any,
) -> Comparison:
    sides = [Side(tuple(each), identifier) for each, identifier in zip((old, new), identifiers, strict=True)]
    return compare(situation(employees, users, **rest), sides[0], sides[1], CATALOGUE)


def rows(found: Comparison) -> list[tuple[str, str, str, str]]:
    return [(each["key"], each["attribute"], each["old"], each["new"]) for each in found.rows.to_pylist()]


def test_the_same_mapping_changes_nobody() -> None:
    found = compared(*company(5), ATTRIBUTES)
    assert (found.users, rows(found), found.attributes, found.happens) == (0, [], (), ())


def test_another_value_is_counted_per_attribute_and_named_per_person() -> None:
    found = compared(*company(3), UPPER)
    assert found.users == 3
    assert rows(found) == [(key, "Department", "Sales", "SALES") for key in "123"]
    (department,) = found.attributes
    assert (department.attribute, department.users) == ("Department", 3)
    assert [(each.key, each.old, each.new, each.users) for each in department.examples] == [("1", "Sales", "SALES", 3)]
    assert found.rows["name"].to_pylist() == ["Ada Person 1", "Ada Person 2", "Ada Person 3"]


def test_the_commonest_pairs_of_values_are_the_examples() -> None:
    departments = ["Legal", "Sales", "Sales", "IT", "Ops", "Ops", "Ops"]
    staff = [employee(str(n), department=name) for n, name in enumerate(departments)]
    users = [user(str(n), department=name) for n, name in enumerate(departments)]
    (department,) = compared(
        staff, users, mapped(Attribute("Department", "work.department", clean_up=("lower",)))
    ).attributes
    assert [(each.old, each.users) for each in department.examples] == [("Ops", 3), ("Sales", 2), ("IT", 1)]
    assert department.users == 7


def test_two_plans_that_both_change_a_value_differ_only_where_they_end_differently() -> None:
    staff = [employee("1", department="Legal"), employee("2", department="SALES")]
    users = [user("1", department="Old"), user("2", department="Old")]
    assert rows(compared(staff, users, UPPER)) == [("1", "Department", "Legal", "LEGAL")]


def test_a_blank_that_is_cleared_differs_from_one_that_keeps() -> None:
    cleared = mapped(Attribute("Department", "work.department", blank=BlankPolicy.CLEAR))
    found = compared([employee("1", department=None)], [user("1")], cleared)
    assert rows(found) == [("1", "Department", "Sales", "")]


def test_somebody_held_under_one_mapping_alone_is_told_as_what_happens() -> None:
    needs = mapped(Attribute("Department", "work.department", blank=BlankPolicy.HOLD))
    found = compared([employee("1", department=None), employee("2")], [], needs)
    assert rows(found) == [("1", HAPPENS, "add", "held (required-blank)")]
    assert found.happens == (("add", "held (required-blank)", 1),)


def test_somebody_to_be_reactivated_has_their_values_compared() -> None:
    found = compared([employee("1")], [archived("1")], UPPER)
    assert rows(found) == [("1", "Department", "Sales", "SALES")]


def test_another_unique_identifier_may_add_and_archive_where_one_updated() -> None:
    """Without a stored link, and with another e-mail, only the identifier tells who is who."""
    staff, users = (
        [employee("1", email="new@acme.example")],
        [user("1", link="", email="old@acme.example", last="Before")],
    )
    found = compared(staff, users, ATTRIBUTES, identifiers=("Employee ID", "Email"))
    assert rows(found) == [("1", HAPPENS, "stays", "add"), ("user:u1", HAPPENS, "stays", "archive")]


def test_a_person_linked_to_another_user_is_told_as_the_link() -> None:
    staff = [employee("1", email="b@acme.example", identifier="E1")]
    users = [
        user("1", link="", id="a", email="a@acme.example", identifier="E1"),
        user("2", link="", id="b", email="b@acme.example", identifier="E2"),
    ]
    # The e-mail is written on adding alone: it would be taken from its live user otherwise, and the person held.
    rows_of = mapped(replace(ATTRIBUTES[1], apply=Apply.ON_ADD))
    found = compared(staff, users, rows_of, old=rows_of, identifiers=("Employee ID", "Email"))
    assert ("1", LINK, "a", "b") in rows(found)


def test_an_attribute_whose_column_was_not_read_is_named_and_left_out() -> None:
    new = mapped(Attribute("Department", "work.department", clean_up=("upper",)), Attribute("Cost", "work.custom.cost"))
    found = compared(*company(2), new)
    (missing,) = found.not_compared
    assert (missing.attribute, missing.column) == ("Cost", "work.custom.cost")
    assert "was not read" in missing.why
    assert {attribute for _, attribute, _, _ in rows(found)} == {"Department"}


def test_a_fallback_that_was_not_read_leaves_its_attribute_out_on_both_sides() -> None:
    new = mapped(Attribute("Department", "work.department", fallback="work.custom.cost", clean_up=("upper",)))
    found = compared(*company(2), new)
    assert [(each.attribute, each.column) for each in found.not_compared] == [("Department", "work.custom.cost")]
    assert rows(found) == []


def test_a_column_that_hibob_does_not_have_is_named_with_the_reason() -> None:
    found = compared(*company(1), mapped(Attribute("Cost", "No such column")))
    assert [each.attribute for each in found.not_compared] == ["Cost"]
    assert "HiBob has no column" in found.not_compared[0].why


def test_a_fallback_of_an_attribute_that_nothing_feeds_does_not_matter() -> None:
    found = compared(*company(1), mapped(Attribute("Cost", None, fallback="No such column")))
    assert (found.users, found.not_compared) == (0, ())


@pytest.mark.parametrize("identifier", ["", "Nobody's", "Cost"])
def test_without_a_unique_identifier_that_was_read_nothing_is_compared(identifier: str) -> None:
    new = mapped(Attribute("Cost", "work.custom.cost"))
    with pytest.raises(SettingsError, match="unique identifier"):
        compared(*company(1), new, identifiers=("Employee ID", identifier))


def test_what_skillcast_has_of_an_attribute_that_was_not_fed_is_said_to_be_unknown() -> None:
    staff, users = [employee("1", site="Oslo")], [user("1")]
    found = compared(staff, users, SITE)
    assert found.unknown == ("Site",)
    assert rows(found) == [("1", "Site", "", "Oslo")]
    assert compared(staff, [user("1", site="Bergen")], SITE).unknown == ()


def test_a_reference_to_a_manager_follows_the_unique_identifier() -> None:
    manager = mapped(Attribute("Manager", "work.reportsTo", AttributeType.USER))
    staff = [employee("1", manager="2"), employee("2")]
    users = [user("1", manager="E2"), user("2")]
    found = compared(staff, users, manager, old=manager, identifiers=("Employee ID", "Email"))
    assert rows(found) == [("1", "Manager", "E2", "person2@acme.example")]


def test_the_mapping_in_force_is_not_looked_at() -> None:
    whole = situation(*company(2))
    other = replace(whole, domain=replace(whole.domain, attributes=()))
    sides = Side(ATTRIBUTES, "Employee ID"), Side(UPPER, "Employee ID")
    assert rows(compare(other, *sides, CATALOGUE)) == rows(compare(whole, *sides, CATALOGUE))


def _end(whole: Situation, new: Sequence[Attribute]) -> Mapping[str, Mapping[str, str]]:
    """The attributes of everybody after a plan is processed, the naive way."""
    under = replace(whole, domain=replace(whole.domain, attributes=tuple(new)))
    users = whole.users
    have = {
        link: {n: c[row].as_py() for n, c in users.attributes.items()}
        for row, link in enumerate(users.external_ids.to_pylist())
    }
    for change in make_plan(under).changes:
        values = {name: value or "" for name, value in change.after.items() if name not in ("status", "external_id")}
        have[change.key] = {**have.get(change.key, {}), **values}
    return have


def test_the_rows_are_the_difference_of_what_two_runs_would_leave_behind() -> None:
    staff = [employee(str(n), department=d) for n, d in enumerate(["Sales", "sales", None, "LEGAL", "Ops"])]
    users = [user(str(n), department=d) for n, d in enumerate(["Sales", "SALES", "Ops", "Legal"])]
    whole = situation(staff, users)
    before, after = _end(whole, ATTRIBUTES), _end(whole, UPPER)
    expected = [
        (key, name, before[key].get(name, ""), after[key].get(name, ""))
        for key in sorted(before)
        for name in ("Employee ID", "Email", "First name", "Last name", "Department")
        if before[key].get(name, "") != after[key].get(name, "")
    ]
    assert len(expected) == 3
    assert rows(compared(staff, users, UPPER)) == expected
