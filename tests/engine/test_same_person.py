"""One archive and one add that look like one person: held until somebody accepts or refuses."""

from collections.abc import Sequence

import pytest
from build import Row, User, actions, codes, employee, finding, held, mapped, only, plan, user

from provisioning.model import (
    Action,
    Apply,
    Attribute,
    AttributeType,
    Decision,
    Decisions,
    PlanStatus,
    Severity,
)

START = Attribute("Start date", "work.startDate", type=AttributeType.DATE)
MANAGER = Attribute("Manager", "work.reportsTo", type=AttributeType.USER)
GRACE = {"first": "Grace", "last": "Hopper"}
OTHERS: tuple[list[Row], list[User]] = ([employee("1")], [user("1")])


def meet(
    old: User, new: Row, *more: Attribute, also: Sequence[Row] = (), decisions: Decisions | None = None
) -> Decision:
    """Somebody who is absent from HiBob, and somebody who is new there."""
    people, users = OTHERS
    chosen = decisions or Decisions()
    return plan([*people, *also, new], [*users, old], attributes=mapped(*more), decisions=chosen)


def old(**values: str) -> User:
    return user("9", **(GRACE | {"department": ""} | values))


def new(**values: str | None) -> Row:
    return employee("10", **(GRACE | {"department": None} | values))


def test_the_same_name_and_department_hold_both_halves() -> None:
    decision = meet(old(department="Sales"), new(department="Sales"))
    assert held(decision) == {"10": "same-person", "user:u9": "same-person"}
    assert decision.changes == ()
    assert decision.counts["held"] == 2
    assert decision.status is PlanStatus.EMPTY


def test_a_proposal_warns_names_both_halves_and_says_what_agrees() -> None:
    decision = meet(old(department="Sales"), new(department="Sales"))
    found = finding(decision, "same-person")
    assert found.severity is Severity.WARN
    assert found.keys == ("10", "user:u9")
    assert found.remedy
    assert all("department" in each.why for each in decision.held)
    assert "user:u9" in next(each.why for each in decision.held if each.key == "10")


def test_the_same_name_and_start_date_hold_both_halves() -> None:
    decision = meet(old(start="2020-01-07"), new(start="2020-01-07"), START)
    assert held(decision) == {"10": "same-person", "user:u9": "same-person"}


def test_the_same_name_and_manager_hold_both_halves() -> None:
    decision = meet(old(manager="E1"), new(manager="1"), MANAGER)
    assert held(decision) == {"10": "same-person", "user:u9": "same-person"}


@pytest.mark.parametrize(("first", "last"), [("GRACE", "hopper"), (" Grace ", "Hopper"), ("Grace", "HOPPER")])
def test_names_compare_without_regard_to_case_and_outer_blanks(first: str, last: str) -> None:
    decision = meet(old(department="Sales"), new(department="Sales", first=first, last=last))
    assert held(decision) == {"10": "same-person", "user:u9": "same-person"}


def test_names_compare_without_regard_to_composition() -> None:
    decision = meet(old(first="Zoe\u0308", department="Sales"), new(first="Zo\u00eb", department="Sales"))
    assert held(decision) == {"10": "same-person", "user:u9": "same-person"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (old(department="Sales"), new(department="HR")),
        (old(department=""), new(department=None)),
        (old(department="Sales"), new(department=None)),
        (old(department="Sales"), new(department="Sales", first="Grazia")),
        (old(department="Sales"), new(department="Sales", last="Murray")),
    ],
)
def test_without_the_same_name_and_something_that_agrees_both_go_ahead(one: User, other: Row) -> None:
    decision = meet(one, other)
    assert actions(decision) == [("10", "add"), ("user:u9", "archive")]
    assert codes(decision, Severity.WARN) == []


def test_nameless_people_are_not_the_same() -> None:
    nobody = {"first": "", "last": "", "department": "Sales"}
    assert actions(meet(user("9", **nobody), employee("10", **nobody))) == [("10", "add"), ("user:u9", "archive")]


def test_without_attributes_for_the_name_nobody_looks_the_same() -> None:
    attributes = [Attribute("Employee ID", "work.employeeIdInCompany"), Attribute("Department", "work.department")]
    decision = plan(
        [employee("1"), new(department="Sales")], [user("1"), old(department="Sales")], attributes=attributes
    )
    assert actions(decision) == [("10", "add"), ("user:u9", "archive")]


def test_a_terminated_record_and_a_new_one_look_the_same() -> None:
    gone = employee("9", lifecycle="Terminated", **GRACE)
    decision = meet(old(department="Sales"), new(department="Sales"), also=[gone])
    assert held(decision) == {"10": "same-person", "9": "same-person"}


def test_two_newcomers_of_one_name_are_both_held() -> None:
    twin = employee("11", **GRACE)
    decision = meet(old(department="Sales"), new(department="Sales"), also=[twin])
    assert held(decision) == {"10": "same-person", "11": "same-person", "user:u9": "same-person"}
    assert decision.counts["held"] == 3


def test_halves_that_are_held_count_towards_no_limit() -> None:
    people = [employee("0")] + [employee(str(key), last=f"Same {key}") for key in range(20, 24)]
    users = [user("0")] + [user(str(key + 20), last=f"Same {key}") for key in range(20, 24)]
    decision = plan(people, users)
    assert len(decision.held) == 8
    assert codes(decision) == []


# --- decided ----------------------------------------------------------------------------------------------------------


def test_a_refused_pair_goes_ahead_as_two_people() -> None:
    refused = Decisions(not_same=frozenset({("10", "u9")}))
    decision = meet(old(department="Sales"), new(department="Sales"), decisions=refused)
    assert actions(decision) == [("10", "add"), ("user:u9", "archive")]
    assert codes(decision, Severity.WARN) == []


def test_refusing_one_pair_leaves_another_proposed() -> None:
    refused = Decisions(not_same=frozenset({("10", "u9")}))
    twin = employee("11", **GRACE)
    decision = meet(old(department="Sales"), new(department="Sales"), also=[twin], decisions=refused)
    assert actions(decision) == [("10", "add")]
    assert held(decision) == {"11": "same-person", "user:u9": "same-person"}


def test_an_accepted_pair_keeps_the_user_links_it_and_updates_it() -> None:
    accepted = Decisions(same={"10": "u9"})
    decision = meet(old(department="Sales"), new(department="Sales"), decisions=accepted)
    assert actions(decision) == [("10", "link"), ("10", "update")]
    assert only(decision, Action.LINK).why.startswith("Accepted as the same person:")
    assert only(decision, Action.LINK).before == {"external_id": "9"}
    assert only(decision, Action.LINK).after == {"external_id": "10"}
    assert only(decision, Action.UPDATE).after == {"Employee ID": "E10", "Email": "person10@acme.example"}
    assert {each.user_id for each in decision.changes} == {"u9"}
    assert decision.held == ()


def test_an_accepted_pair_is_linked_even_where_nothing_else_differs() -> None:
    kept = [Attribute("Employee ID", "work.employeeIdInCompany", apply=Apply.ON_ADD), Attribute("Email")]
    accepted = Decisions(same={"10": "u9"})
    decision = meet(old(department="Sales"), new(department="Sales"), *kept, decisions=accepted)
    assert actions(decision) == [("10", "link")]


def test_what_is_written_after_an_accepted_pair_expects_the_link_that_is_there_then() -> None:
    accepted = Decisions(same={"10": "u9"})
    decision = meet(old(department="Sales"), new(department="Sales", lifecycle="Terminated"), decisions=accepted)
    links = [change.after["external_id"] for change in decision.changes if change.action is Action.LINK]
    gone = only(decision, Action.ARCHIVE)
    assert gone.seen is not None
    assert gone.seen.external_id == (links or ["9"])[-1]


def test_an_accepted_pair_of_two_records_leaves_the_old_record_alone() -> None:
    gone = employee("9", lifecycle="Terminated", **GRACE)
    accepted = Decisions(same={"10": "u9"})
    decision = meet(old(department="Sales"), new(department="Sales"), also=[gone], decisions=accepted)
    assert [key for key, _ in actions(decision)] == ["10", "10"]
    assert decision.held == ()


def test_an_accepted_pair_that_has_been_processed_stays_quiet() -> None:
    accepted = Decisions(same={"10": "u9"})
    after = user("10", id="u9", **GRACE)
    assert meet(after, new(department="Sales"), decisions=accepted).changes == ()


def test_a_run_that_accepts_and_one_that_refuses_are_different_plans() -> None:
    digests = {
        meet(old(department="Sales"), new(department="Sales"), decisions=each).digest
        for each in (Decisions(), Decisions(same={"10": "u9"}), Decisions(not_same=frozenset({("10", "u9")})))
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("missing", "code"),
    [({"identifier": None}, "required-blank"), ({"lifecycle": "Hired", "start": "2030-01-01"}, "future-starter")],
    ids=["held for a blank", "held for their start"],
)
def test_the_old_half_is_held_as_well_when_the_new_one_is_held_for_another_reason(
    missing: dict[str, str | None], code: str
) -> None:
    decision = meet(old(department="Sales"), new(department="Sales", **missing))
    assert decision.changes == ()
    assert held(decision) == {"10": code, "user:u9": "same-person"}
    assert set(finding(decision, "same-person").keys) == {"10", "user:u9"}
