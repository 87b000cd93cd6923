"""Which employees a domain takes."""

import pytest
from build import CATALOGUE, actions, codes, employee, finding, plan, settings, snapshot, unlinked, user

from provisioning.engine.columns import resolve_all
from provisioning.engine.scope import in_scope
from provisioning.engine.situation import OtherDomain
from provisioning.model import AbsenceArchives, ScopeRule, Severity

PEOPLE = [
    employee("1", site="London", department="Sales"),
    employee("2", site="Dublin", department="Legal"),
    employee("3", site="Cork", department="Sales"),
    employee("4", site=None, department="Sales"),
]


def include(column: str, *values: str) -> ScopeRule:
    return ScopeRule(True, column, values)


def exclude(column: str, *values: str) -> ScopeRule:
    return ScopeRule(False, column, values)


@pytest.mark.parametrize(
    ("rules", "taken"),
    [
        ((), ["1", "2", "3", "4"]),
        ((include("work.site", "London"),), ["1"]),
        ((include("work.site", "London", "Dublin"),), ["1", "2"]),
        ((include("work.site", "London"), include("work.site", "Cork")), ["1", "3"]),
        ((exclude("work.site", "London"),), ["2", "3", "4"]),
        ((exclude("work.site", "London"), exclude("work.department", "Legal")), ["3", "4"]),
        ((include("work.department", "Sales"), exclude("work.site", "Cork")), ["1", "4"]),
        ((include("work.site", "London"), exclude("work.site", "London")), []),
        ((include("work.site", "LONDON", " dublin "),), ["1", "2"]),
        ((include("work.site", "Lond"),), []),
        ((include("work.site", ""),), ["4"]),
        ((include("/work/site", "London"),), ["1"]),
        ((include("Department", "legal"),), ["2"]),
    ],
)
def test_a_scope_takes_whom_an_include_names_and_no_exclude_does(
    rules: tuple[ScopeRule, ...], taken: list[str]
) -> None:
    columns = resolve_all(CATALOGUE, [rule.column for rule in rules])
    mask = in_scope(rules, columns, snapshot(PEOPLE).table)
    assert [row["root.id"] for row, inside in zip(PEOPLE, mask.tolist(), strict=True) if inside] == taken


@pytest.mark.parametrize("value", ["209192163", "Legal & Compliance", "legal & COMPLIANCE", "Legal & Compliance "])
def test_a_rule_compares_the_machine_value_and_the_text_for_people(value: str) -> None:
    people = [employee("1", department="209192163", human={"department": "Legal & Compliance"}), employee("2")]
    rules = (include("work.department", value),)
    columns = resolve_all(CATALOGUE, ["work.department"])
    assert in_scope(rules, columns, snapshot(people).table).tolist() == [True, False]


def test_a_rule_on_the_human_readable_column_compares_its_text() -> None:
    people = [employee("1", department="209192163", human={"department": "Legal"}), employee("2")]
    columns = resolve_all(CATALOGUE, ["humanReadable.work.department"])
    rules = (include("humanReadable.work.department", "legal"),)
    assert in_scope(rules, columns, snapshot(people).table).tolist() == [True, False]


def test_a_rule_compares_text_without_regard_to_composition() -> None:
    columns = resolve_all(CATALOGUE, ["work.site"])
    table = snapshot([employee("1", site="Zu\u0308rich")]).table
    assert in_scope((include("work.site", "Z\u00fcrich"),), columns, table).tolist() == [True]


def test_nobody_is_in_scope_of_an_empty_answer() -> None:
    columns = resolve_all(CATALOGUE, ["work.site"])
    assert in_scope((include("work.site", "London"),), columns, snapshot([]).table).tolist() == []


def test_somebody_outside_the_scope_is_neither_added_nor_updated_nor_reactivated() -> None:
    people = [employee("1", site="Cork"), employee("2", site="Cork", department="HR")]
    users = [user("2", status="Archived")]
    decision = plan(people, users, settings=settings(scope=(include("work.site", "London"),)))
    assert decision.changes == ()
    assert decision.held == ()


def test_somebody_who_leaves_the_scope_is_a_leaver_of_this_domain_and_is_shown_as_such() -> None:
    decision = plan(
        [employee("1", site="Cork"), employee("2", site="London")],
        [user("1"), user("2")],
        settings=settings(scope=(include("work.site", "London"),)),
    )
    assert actions(decision) == [("1", "archive")]
    assert "scope" in decision.changes[0].why


def test_a_leaver_of_the_domain_without_a_link_is_archived_under_the_key_of_the_employee_and_not_linked() -> None:
    rules = settings(scope=(include("work.site", "London"),))
    decision = plan([employee("1", site="Cork")], [unlinked("1")], settings=rules)
    assert actions(decision) == [("1", "archive")]


def test_a_domain_that_archives_linked_users_only_leaves_others_alone_who_leave_its_scope() -> None:
    rules = settings(scope=(include("work.site", "London"),), absence_archives=AbsenceArchives.LINKED)
    people = [employee("1", site="Cork"), employee("2", site="Cork")]
    decision = plan(people, [unlinked("1"), user("2")], settings=rules)
    assert actions(decision) == [("2", "archive")]


# --- two domains ------------------------------------------------------------------------------------------


def test_people_in_the_scope_of_two_domains_are_a_finding_with_their_names() -> None:
    other = OtherDomain("partners", (include("work.site", "London", "Dublin"),))
    decision = plan(PEOPLE, settings=settings(scope=(include("work.department", "Sales"),)), others=[other])
    found = finding(decision, "two-domains")
    assert found.keys == ("1",)
    assert found.severity is Severity.WARN
    assert "partners" in found.message


def test_a_domain_without_scope_rules_takes_everybody_of_the_other_domain_as_well() -> None:
    decision = plan(PEOPLE[:2], others=[OtherDomain("partners", (include("work.site", "London"),))])
    assert finding(decision, "two-domains").keys == ("1",)


def test_domains_that_share_nobody_are_no_finding() -> None:
    other = OtherDomain("partners", (include("work.site", "London"),))
    decision = plan(PEOPLE, settings=settings(scope=(exclude("work.site", "London"),)), others=[other])
    assert "two-domains" not in codes(decision, Severity.WARN)


def test_leavers_take_no_seat_in_two_domains() -> None:
    decision = plan([employee("1", lifecycle="Terminated")], others=[OtherDomain("partners", ())])
    assert "two-domains" not in codes(decision, Severity.WARN)


def test_a_scope_that_takes_nobody_is_told() -> None:
    rules = settings(scope=(ScopeRule(True, "work.site", ("Lonndon",)),))
    decision = plan([employee("1", site="London")], settings=rules)
    assert "nobody-in-scope" in codes(decision, Severity.WARN)
