"""A reference to somebody who has no user is left as it is and said; it never makes a change that fails each night."""

import pyarrow as pa
from build import archived, codes, employee, finding, held, mapped, plan, settings, user

from provisioning.model import Attribute, AttributeType, BlankPolicy, ScopeRule, Severity
from provisioning.report.text import finding_lines

MANAGER = Attribute("Manager", "work.reportsTo", type=AttributeType.USER)
REQUIRED = Attribute("Manager", "work.reportsTo", type=AttributeType.USER, required=True)
CLEAR = Attribute("Manager", "work.reportsTo", type=AttributeType.USER, blank=BlankPolicy.CLEAR)
LONDON = settings(scope=(ScopeRule(True, "work.site", ("London",)),))


def after(decision):  # type: ignore[no-untyped-def]
    return {each.key: each.after.get("Manager") for each in decision.changes}


def test_a_manager_who_is_added_in_the_same_run_is_referred_to() -> None:
    people = [employee("1", manager="2"), employee("2", manager="1")]
    decision = plan(people, attributes=mapped(MANAGER))
    assert after(decision) == {"1": "E2", "2": "E1"}
    assert decision.findings == ()


def test_an_archived_manager_is_referred_to() -> None:
    people = [employee("1", manager="2"), employee("2", lifecycle="Terminated")]
    assert after(plan(people, [user("1"), archived("2")], attributes=mapped(MANAGER))) == {"1": "E2"}


def test_a_manager_who_gets_another_identifier_in_the_same_run_is_referred_to_by_the_new_one() -> None:
    people = [employee("1", manager="2"), employee("2", identifier="N2")]
    decision = plan(people, [user("1", manager="E2"), user("2")], attributes=mapped(MANAGER))
    assert after(decision) == {"1": "N2", "2": None}


def test_a_manager_out_of_scope_who_has_no_user_is_left_out_of_an_add() -> None:
    people = [employee("9", site="Cork"), employee("1", site="London", manager="9")]
    decision = plan(people, attributes=mapped(MANAGER), settings=LONDON)
    assert after(decision) == {"1": None}
    said = finding(decision, "manager-without-user")
    assert (said.severity, said.keys, said.numbers) == (Severity.INFO, ("1",), {"counted": 1})
    assert "(E9)" in said.message


def test_a_manager_in_another_domain_is_referred_to() -> None:
    people = [employee("9", site="Cork"), employee("1", site="London", manager="9")]
    decision = plan(people, attributes=mapped(MANAGER), settings=LONDON, elsewhere=pa.array(["E9"]))
    assert after(decision) == {"1": "E9"}


def test_a_change_of_nothing_but_a_manager_without_a_user_is_no_change() -> None:
    people = [employee("1", manager="9"), employee("2"), employee("9", lifecycle="Hired", start="2030-01-01")]
    users = [user("1", manager="E2"), user("2")]
    decision = plan(people, users, attributes=mapped(MANAGER))
    assert decision.changes == ()
    assert finding(decision, "manager-without-user").keys == ("1",)


def test_the_rest_of_a_change_goes_ahead_and_says_only_what_changes() -> None:
    people = [employee("1", manager="9", department="Legal"), employee("9", lifecycle="Hired", start="2030-01-01")]
    (change,) = plan(people, [user("1", manager="E2")], attributes=mapped(MANAGER)).changes
    assert (change.before, change.after) == ({"Department": "Sales"}, {"Department": "Legal"})
    assert change.why == "Department differs from HiBob."


def test_whoever_comes_back_comes_back_without_the_reference() -> None:
    people = [employee("1", manager="9"), employee("9", lifecycle="Hired", start="2030-01-01")]
    (change,) = plan(people, [archived("1")], attributes=mapped(MANAGER)).changes
    assert change.after == {"status": "Live"}
    assert change.why == "Employed in HiBob, archived here."


def test_a_manager_who_is_held_for_another_reason_has_no_user_either() -> None:
    people = [employee("1", manager="9"), employee("9", email=None)]
    decision = plan(people, attributes=mapped(MANAGER, Attribute("Email", "root.email", required=True)))
    assert held(decision) == {"9": "required-blank"}
    assert after(decision) == {"1": None}


def test_a_required_manager_without_a_user_holds_whoever_would_have_none_and_all_who_follow() -> None:
    people = [
        employee("1", manager="2"),
        employee("2", manager="9"),
        employee("3", manager="9"),
        employee("4", manager="4"),
        employee("9", lifecycle="Hired", start="2030-01-01", manager="4"),
    ]
    decision = plan(people, [user("3", manager="E4")], attributes=mapped(REQUIRED))
    assert held(decision) == {"1": "required-blank", "2": "required-blank", "9": "future-starter"}
    assert after(decision) == {"4": "E4"}
    assert all("E" in each.why for each in decision.held if each.code == "required-blank")


def test_a_manager_who_shares_an_identifier_leaves_the_reference_as_it_is_and_is_said() -> None:
    people = [employee("8", identifier="E8"), employee("9", identifier="E8"), employee("1", manager="8")]
    users = [user("1", manager="E2"), user("2"), user("8")]
    decision = plan([*people, employee("2")], users, attributes=mapped(CLEAR))
    assert after(decision) == {}
    assert codes(decision, Severity.WARN) == ["manager-shared"]
    said = finding(decision, "manager-shared")
    assert said.keys == ("1",)
    assert "(E8)" in said.message
    assert [said.names[key] for key in said.managers] == ["Ada Person 8", "Ada Person 9"]
    assert "          their managers: Ada Person 8 (8), Ada Person 9 (9)" in finding_lines([said])


def test_many_managers_are_named_in_part() -> None:
    bosses = [employee(str(number), lifecycle="Hired", start="2030-01-01") for number in range(10, 17)]
    people = [employee(str(number), manager=str(number + 9)) for number in range(1, 8)]
    message = finding(plan([*bosses, *people], attributes=mapped(MANAGER)), "manager-without-user").message
    assert "Manager of 7 people" in message
    assert "(E10, E11, E12, E13, E14 and 2 more)" in message
