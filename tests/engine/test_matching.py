"""Who is who: the stored link, then the unique identifier, then the e-mail, each only where it is unique."""

from dataclasses import replace

import pytest
from build import (
    ATTRIBUTES,
    User,
    actions,
    archived,
    employee,
    held,
    mapped,
    only,
    plan,
    settings,
    unlinked,
    user,
)

from provisioning.model import AbsenceArchives, Action, Apply, Attribute, Decisions, ScopeRule

# --- the order ----------------------------------------------------------------------------------------------


def test_the_stored_link_comes_before_the_unique_identifier() -> None:
    decision = plan([employee("1")], [user("1", id="u1", identifier="E7"), unlinked("1", id="u2")])
    assert held(decision) == {"1": "identifier-taken"}
    assert actions(decision) == [("user:u2", "archive")]


def test_the_stored_link_comes_before_the_email() -> None:
    linked = user("1", id="u1", email="old@acme.example")
    decision = plan([employee("1")], [linked, unlinked("1", id="u2", identifier="E7", status="Archived")])
    assert only(decision, Action.UPDATE).user_id == "u1"


def test_the_unique_identifier_comes_before_the_email() -> None:
    same_identifier = unlinked("1", id="u1", email="old@acme.example")
    same_email = unlinked("1", id="u2", identifier="E7", status="Archived")
    decision = plan([employee("1")], [same_identifier, same_email])
    assert only(decision, Action.LINK).user_id == "u1"
    assert only(decision, Action.UPDATE).after == {"Email": "person1@acme.example"}


@pytest.mark.parametrize("email", ["person1@acme.example", "PERSON1@Acme.Example", " person1@acme.example "])
def test_the_email_matches_last_and_in_any_spelling(email: str) -> None:
    decision = plan([employee("1")], [unlinked("1", identifier="", email=email)])
    assert only(decision, Action.LINK).user_id == "u1"
    assert decision.counts["add"] == 0


def test_a_unique_identifier_matches_exactly() -> None:
    decision = plan([employee("1")], [unlinked("2", identifier="e1")])
    assert actions(decision) == [("1", "add"), ("user:u2", "archive")]


def test_a_unique_identifier_that_is_the_email_matches_in_any_spelling() -> None:
    rules = settings(unique_identifier="Email")
    decision = plan([employee("1")], [unlinked("1", email="PERSON1@acme.example", identifier="")], settings=rules)
    assert only(decision, Action.LINK).user_id == "u1"


def test_blank_identifiers_and_emails_match_nobody() -> None:
    people = [employee("1", identifier=None, email=None)]
    decision = plan(people, [unlinked("2", identifier="", email="")])
    assert ("1", "link") not in actions(decision)
    assert only(decision, Action.ARCHIVE).user_id == "u2"


def test_without_an_attribute_for_the_email_people_match_by_identifier_only() -> None:
    attributes = (Attribute("Employee ID", "work.employeeIdInCompany"), Attribute("Last name", "root.surname"))
    decision = plan(
        [employee("1"), employee("2")], [unlinked("1"), unlinked("2", identifier="E7")], attributes=attributes
    )
    assert only(decision, Action.LINK).key == "1"
    assert only(decision, Action.ADD).key == "2"


def test_a_link_to_somebody_whom_hibob_no_longer_returns_gives_way_to_the_identifier() -> None:
    decision = plan([employee("1")], [user("1", link="999")])
    assert actions(decision) == [("1", "link")]
    assert decision.changes[0].before == {"external_id": "999"}
    assert decision.changes[0].after == {"external_id": "1"}


def test_somebody_outside_the_scope_takes_no_user_from_the_domains_own_people() -> None:
    rules = settings(scope=(ScopeRule(True, "work.site", ("London",)),))
    people = [employee("1", site="Cork", identifier="E5"), employee("2", site="London", identifier="E5")]
    decision = plan(people, [unlinked("3", identifier="E5")], settings=rules)
    assert only(decision, Action.LINK).key == "2"
    assert held(decision) == {}


# --- first contact ------------------------------------------------------------------------------------------


def test_on_first_contact_users_in_agreement_are_linked_and_nothing_else() -> None:
    decision = plan([employee("1"), employee("2")], [unlinked("1"), unlinked("2")])
    assert actions(decision) == [("1", "link"), ("2", "link")]
    assert decision.counts["link"] == 2
    assert decision.changes[0].before == {"external_id": None}
    assert decision.changes[0].after == {"external_id": "1"}


def test_a_link_is_a_write_of_its_own_beside_the_update() -> None:
    decision = plan([employee("1", department="HR")], [unlinked("1")])
    assert actions(decision) == [("1", "link"), ("1", "update")]
    link, update = decision.changes
    assert link.seen is not None
    assert update.seen is not None
    assert (link.seen.external_id, update.seen.external_id) == ("", "1")
    assert update.after == {"Department": "HR"}


@pytest.mark.parametrize(
    ("lifecycle", "someone", "expected"),
    [
        ("Employed", unlinked("1", status="Archived"), ["link", "reactivate"]),
        ("Leave", unlinked("1"), ["link"]),
        ("Leave", unlinked("1", status="Archived"), ["link"]),
        ("Terminated", unlinked("1"), ["link", "archive"]),
        ("Terminated", unlinked("1", status="Archived"), ["link"]),
    ],
)
def test_matched_users_are_linked_whatever_else_happens(lifecycle: str, someone: User, expected: list[str]) -> None:
    decision = plan([employee("1", lifecycle=lifecycle)], [someone])
    assert [action for _, action in actions(decision)] == expected
    assert {each.seen.external_id for each in decision.changes[1:] if each.seen} <= {"1"}


def test_a_user_who_is_linked_is_not_linked_again() -> None:
    assert plan([employee("1")], [user("1")]).changes == ()


# --- employees who share a unique identifier ----------------------------------------------------------------


def test_employees_who_share_a_unique_identifier_are_held_and_each_counted() -> None:
    people = [employee("1", identifier="E5"), employee("2", identifier="E5"), employee("3")]
    decision = plan(people)
    assert held(decision) == {"1": "duplicate-id", "2": "duplicate-id"}
    assert decision.counts["held"] == 2
    assert "E5" in decision.held[0].why
    assert actions(decision) == [("3", "add")]


def test_the_user_of_a_shared_identifier_is_left_alone() -> None:
    people = [employee("1", identifier="E5"), employee("2", identifier="E5")]
    decision = plan(people, [unlinked("5", email="person1@acme.example")])
    assert decision.changes == ()
    assert held(decision)["1"] == "duplicate-id"
    assert held(decision)["2"] == "duplicate-id"


def test_linked_people_who_come_to_share_an_identifier_are_held_only_where_something_would_happen() -> None:
    people = [employee("1", identifier="E1"), employee("2", identifier="E1")]
    decision = plan(people, [user("1"), user("2")])
    assert held(decision) == {"2": "duplicate-id"}
    assert decision.changes == ()


def test_a_linked_leaver_who_shares_an_identifier_is_held() -> None:
    people = [employee("1", identifier="E1", lifecycle="Terminated"), employee("2", identifier="E1")]
    decision = plan(people, [user("1")])
    assert held(decision) == {"1": "duplicate-id", "2": "duplicate-id"}


def test_identifiers_that_differ_in_case_are_not_shared() -> None:
    assert plan([employee("1", identifier="e5"), employee("2", identifier="E5")]).held == ()


def test_identifiers_that_the_mapping_makes_equal_are_shared() -> None:
    attributes = mapped(Attribute("Employee ID", "work.employeeIdInCompany", clean_up=("upper",)))
    decision = plan([employee("1", identifier="e5"), employee("2", identifier="E5 ")], attributes=attributes)
    assert held(decision) == {"1": "duplicate-id", "2": "duplicate-id"}


def test_blank_identifiers_are_not_shared_but_missing() -> None:
    decision = plan([employee("1", identifier=None), employee("2", identifier=" ")])
    assert held(decision) == {"1": "required-blank", "2": "required-blank"}


def test_a_shared_identifier_of_somebody_outside_the_scope_holds_nobody() -> None:
    rules = settings(scope=(ScopeRule(True, "work.site", ("London",)),))
    people = [employee("1", identifier="E5", site="Cork"), employee("2", identifier="E5", site="London")]
    decision = plan(people, settings=rules)
    assert actions(decision) == [("2", "add")]


def test_a_placeholder_for_no_email_disputes_nobody_elses_user() -> None:
    people = [employee("1", identifier="E5", email="-"), employee("2", identifier="E5", email="-"), employee("3")]
    decision = plan(people, [unlinked("3", email="")])
    assert ("3", "link") in actions(decision)


# --- two candidates -----------------------------------------------------------------------------------------


def test_two_users_with_one_link_are_disputed_and_so_is_the_person() -> None:
    decision = plan([employee("1")], [user("1", id="u1"), user("1", id="u2", identifier="E7", email="")])
    assert held(decision) == {"1": "disputed", "user:u1": "disputed", "user:u2": "disputed"}
    assert decision.changes == ()


def test_two_users_with_one_identifier_are_disputed() -> None:
    users = [unlinked("1", id="u1"), unlinked("1", id="u2", email="other@acme.example")]
    decision = plan([employee("1")], users)
    assert held(decision) == {"1": "disputed", "user:u1": "disputed", "user:u2": "disputed"}
    assert decision.changes == ()
    assert decision.counts["held"] == 3


def test_two_users_with_one_email_are_disputed() -> None:
    users = [unlinked("1", id="u1", identifier=""), unlinked("1", id="u2", identifier="", email="Person1@acme.example")]
    assert held(plan([employee("1")], users)) == {"1": "disputed", "user:u1": "disputed", "user:u2": "disputed"}


def test_two_employees_with_the_email_of_one_user_are_disputed() -> None:
    people = [employee("1", email="desk@acme.example"), employee("2", email="DESK@acme.example")]
    decision = plan(people, [unlinked("3", email="desk@acme.example")])
    assert held(decision) == {"1": "disputed", "2": "disputed", "user:u3": "disputed"}
    assert decision.changes == ()


def test_two_employees_with_one_email_and_no_user_are_no_dispute() -> None:
    people = [employee("1", email="desk@acme.example"), employee("2", email="desk@acme.example")]
    assert actions(plan(people)) == [("1", "add"), ("2", "add")]


def test_a_dispute_about_people_to_whom_nothing_would_happen_holds_nobody() -> None:
    users = [archived("1", id="u1", link=""), archived("1", id="u2", link="")]
    decision = plan([employee("1", lifecycle="Terminated")], users)
    assert decision.held == ()
    assert decision.changes == ()


def test_a_disputed_user_whom_absence_may_not_touch_is_not_held() -> None:
    users = [unlinked("1", id="u1"), unlinked("1", id="u2")]
    decision = plan([employee("1")], users, settings=settings(absence_archives=AbsenceArchives.LINKED))
    assert held(decision) == {"1": "disputed"}


def test_a_dispute_leaves_everybody_else_alone() -> None:
    users = [unlinked("1", id="u1"), unlinked("1", id="u2"), user("2")]
    decision = plan([employee("1"), employee("2", department="HR")], users)
    assert actions(decision) == [("2", "update")]


# --- identifiers on the move ---------------------------------------------------------------------------------


def test_an_identifier_that_is_freed_in_the_same_run_holds_its_taker_until_the_next() -> None:
    people = [employee("1", identifier="E9"), employee("2", identifier="E1")]
    decision = plan(people, [user("1"), user("2")])
    assert actions(decision) == [("1", "update")]
    assert held(decision) == {"2": "identifier-taken"}
    after = plan(people, [user("1", identifier="E9"), user("2")])
    assert actions(after) == [("2", "update")]


def test_a_newcomer_waits_for_the_identifier_of_somebody_who_gets_another() -> None:
    decision = plan([employee("1", identifier="E9"), employee("2", identifier="E1")], [user("1")])
    assert actions(decision) == [("1", "update")]
    assert held(decision) == {"2": "identifier-taken"}


def test_in_a_chain_only_the_last_can_move() -> None:
    people = [employee("1", identifier="E2"), employee("2", identifier="E3"), employee("3", identifier="E9")]
    decision = plan(people, [user("1"), user("2"), user("3")])
    assert actions(decision) == [("3", "update")]
    assert held(decision) == {"1": "identifier-taken", "2": "identifier-taken"}


def test_swapped_identifiers_are_held_and_named() -> None:
    people = [employee("1", identifier="E2"), employee("2", identifier="E1")]
    decision = plan(people, [user("1"), user("2")])
    assert decision.changes == ()
    assert held(decision) == {"1": "identifier-taken", "2": "identifier-taken"}
    assert ["E2" in each.why for each in decision.held] == [True, False]
    assert ["E1" in each.why for each in decision.held] == [False, True]


def test_the_identifier_of_an_archived_user_is_taken_as_well() -> None:
    decision = plan([employee("1", identifier="E9")], [user("1"), user("9", status="Archived", email="")])
    assert held(decision) == {"1": "identifier-taken"}


def test_an_identifier_of_ones_own_is_not_taken() -> None:
    decision = plan([employee("1", department="HR")], [user("1")])
    assert actions(decision) == [("1", "update")]


def test_an_email_that_is_the_identifier_is_taken_in_any_spelling() -> None:
    people = [employee("1", email="TWO@acme.example"), employee("2", email="new@acme.example")]
    users = [user("1", email="one@acme.example"), user("2", email="two@acme.example")]
    decision = plan(people, users, settings=settings(unique_identifier="Email"))
    assert held(decision) == {"1": "identifier-taken"}


def test_nobody_is_given_the_email_of_another_live_user() -> None:
    people = [employee("1", email="Person2@acme.example"), employee("2", department="HR")]
    decision = plan(people, [user("1"), user("2")])
    assert actions(decision) == [("2", "update")]
    assert held(decision) == {"1": "identifier-taken"}
    assert "e-mail “Person2@acme.example” still belongs to user u2" in decision.held[0].why


def test_an_email_that_is_freed_in_the_same_run_holds_its_taker_until_the_next() -> None:
    people = [employee("1", email="person2@acme.example"), employee("2", email="new@acme.example")]
    assert actions(plan(people, [user("1"), user("2")])) == [("2", "update")]
    assert actions(plan(people, [user("1"), user("2", email="new@acme.example")])) == [("1", "update")]


def test_swapped_emails_are_held_and_named() -> None:
    people = [employee("1", email="person2@acme.example"), employee("2", email="person1@acme.example")]
    decision = plan(people, [user("1"), user("2")])
    assert decision.changes == ()
    assert held(decision) == {"1": "identifier-taken", "2": "identifier-taken"}


def test_whoever_comes_back_waits_for_an_email_that_another_has_meanwhile() -> None:
    people = [employee("1", email="person2@acme.example"), employee("2")]
    assert held(plan(people, [archived("1"), user("2")])) == {"1": "identifier-taken"}


def test_the_email_of_an_archived_user_may_be_given_to_another() -> None:
    decision = plan([employee("1", email="person9@acme.example")], [user("1"), archived("9")])
    assert actions(decision) == [("1", "update")]


def test_an_email_that_is_written_on_adding_alone_is_taken_from_nobody() -> None:
    mapping = tuple(replace(each, apply=Apply.ON_ADD) if each.name == "Email" else each for each in ATTRIBUTES)
    people = [employee("1", email="person2@acme.example", department="HR"), employee("2")]
    assert actions(plan(people, [user("1"), user("2")], attributes=mapping)) == [("1", "update")]


def test_another_spelling_of_ones_own_email_is_an_update() -> None:
    decision = plan(
        [employee("1", email="One@acme.example")],
        [user("1", email="one@acme.example")],
        settings=settings(unique_identifier="Email"),
    )
    assert actions(decision) == [("1", "update")]


# --- accepted pairs -------------------------------------------------------------------------------------------


def test_an_accepted_pair_counts_as_a_link() -> None:
    decision = plan(
        [employee("2", identifier="E2")], [user("1")], decisions=Decisions(same={"2": "u1"}), members=("a@b.example",)
    )
    assert actions(decision) == [("2", "link"), ("2", "update")]
    assert {each.user_id for each in decision.changes} == {"u1"}


def test_nobody_is_added_with_the_email_of_a_user_who_is_somebody_else_in_hibob() -> None:
    rehired = employee("2", email="person1@acme.example")
    decision = plan([employee("1", lifecycle="Terminated"), rehired], [archived("1")])
    assert decision.changes == ()
    assert held(decision) == {"2": "disputed"}
