"""A failed or shrunken read never means "gone": the findings that say what a read does not prove."""

from dataclasses import replace

import pytest
from build import (
    User,
    actions,
    archived,
    baseline,
    codes,
    company,
    employee,
    finding,
    mapped,
    plan,
    settings,
    situation,
    unlinked,
    user,
)

from provisioning.engine.plan import make_plan
from provisioning.engine.situation import OtherDomain
from provisioning.model import (
    Attribute,
    BlankPolicy,
    Decision,
    Lifecycle,
    Limit,
    Limits,
    Meaning,
    ScopeRule,
    Severity,
)


def limits(**changes: Limit) -> Limits:
    return Limits(**changes)


# --- no employees and head count ------------------------------------------------------------------------------


def test_an_answer_without_people_is_one_block_and_says_what_to_do() -> None:
    decision = plan([], [user("1")], baseline=baseline(30))
    assert [each.code for each in decision.findings] == ["no-employees"]
    assert decision.findings[0].severity is Severity.BLOCK
    assert decision.findings[0].remedy


def returned(size: int, of: int, limit: Limit | None = None) -> Decision:
    """A read that returns so many of the people who were live at the baseline."""
    rules = settings() if limit is None else settings(limits=limits(head_count=limit))
    return plan(*company(size), baseline=baseline(of), settings=rules)


@pytest.mark.parametrize(
    ("size", "of", "blocks"),
    [
        (100, 100, False),
        (90, 100, False),
        (89, 100, True),
        (50, 100, True),
        (27, 30, False),
        (26, 30, True),
        (18, 20, False),
        (17, 20, True),
        (8, 10, False),
        (7, 10, True),
        (1, 3, False),
        (1, 4, True),
        (91, 101, False),
        (90, 101, True),
    ],
)
def test_fewer_than_ninety_percent_of_those_who_were_live_blocks(size: int, of: int, blocks: bool) -> None:
    assert ("head-count" in codes(returned(size, of))) is blocks


def test_a_head_count_says_what_it_counted_and_who_is_missing() -> None:
    found = finding(returned(26, 30), "head-count")
    assert found.numbers == {"counted": 26, "limit": 27, "of": 30}
    assert found.keys == ("27", "28", "29", "30")


def test_newcomers_do_not_make_up_for_the_missing() -> None:
    people = company(80)[0] + [employee(str(key)) for key in range(200, 240)]
    assert "head-count" in codes(plan(people, baseline=baseline(100)))


def test_whoever_is_returned_counts_whether_or_not_they_still_work_there() -> None:
    people = company(60)[0] + [employee(str(key), lifecycle="Terminated", status="Inactive") for key in range(61, 101)]
    assert "head-count" not in codes(plan(people, baseline=baseline(100)))


def test_heads_are_counted_before_scope() -> None:
    rules = settings(scope=(ScopeRule(True, "work.site", ("London",)),))
    people = [employee(str(key), site="Cork") for key in range(1, 101)]
    assert "head-count" not in codes(plan(people, baseline=baseline(100), settings=rules))


def test_without_a_baseline_no_heads_are_counted() -> None:
    assert codes(plan(*company(2))) == []


@pytest.mark.parametrize(("active", "blocks"), [(100, False), (90, False), (89, True), (0, True)])
def test_where_a_second_read_says_who_is_active_that_one_is_counted(active: int, blocks: bool) -> None:
    people = [employee(str(key), status="Active" if key <= active else "Inactive") for key in range(1, 101)]
    now = situation(people, absent=["lifecycle"], baseline=baseline(100))
    told = replace(now.employees, evidence=replace(now.employees.evidence, status_from_active_read=True))
    assert ("head-count" in codes(make_plan(replace(now, employees=told)))) is blocks


def test_a_head_count_can_be_switched_off_or_be_another_share() -> None:
    assert "head-count" not in codes(returned(10, 100, Limit()))
    assert "head-count" not in codes(returned(50, 100, Limit(percent="50")))
    assert "head-count" in codes(returned(49, 100, Limit(percent="50")))


def test_the_baseline_is_who_is_live_or_left_as_they_are_before_scope() -> None:
    people = [
        employee("1"),
        employee("2", lifecycle="Leave"),
        employee("3", lifecycle="Terminated"),
        employee("4", lifecycle="Hired", start="2027-01-01"),
        employee("5", site="Cork"),
        employee("6", lifecycle="Garden leave"),
    ]
    decision = plan(people, settings=settings(scope=(ScopeRule(False, "work.site", ("Cork",)),)))
    assert decision.baseline.live == ("1", "2", "5", "6")


def test_the_baseline_keeps_how_filled_each_mapped_column_is() -> None:
    people = [employee("1"), employee("2", department=None), employee("3", lifecycle="Terminated")]
    attributes = (
        Attribute("Employee ID", "work.employeeIdInCompany"),
        Attribute("Department", "humanReadable.work.department", fallback="work.site"),
    )
    fill = plan(people, attributes=attributes).baseline.fill
    assert fill == {"work.employeeIdInCompany": 2, "humanReadable.work.department": 1, "work.site": 0}


# --- columns that are absent ------------------------------------------------------------------------------------


def test_a_mapped_column_that_is_absent_for_everyone_blocks_and_names_the_category_that_opens_it() -> None:
    attributes = mapped(Attribute("Payroll", "Payroll number"))
    decision = plan(*company(2), attributes=attributes, absent=["payroll"])
    found = finding(decision, "column-absent")
    assert found.severity is Severity.BLOCK
    assert "Payroll number" in found.message
    assert "Payroll" in found.remedy


def test_a_column_that_a_report_does_not_have_is_to_be_added_to_the_report() -> None:
    now = situation(*company(2), absent=["department"])
    evidence = replace(now.employees.evidence, from_report=True)
    decision = make_plan(replace(now, employees=replace(now.employees, evidence=evidence)))
    assert "report" in finding(decision, "column-absent").remedy


def test_a_fallback_that_is_absent_blocks() -> None:
    attributes = mapped(Attribute("Department", "work.department", fallback="work.site"))
    assert codes(plan(*company(2), attributes=attributes, absent=["site"])) == ["column-absent"]


def test_a_column_of_the_scope_that_is_absent_blocks() -> None:
    rules = settings(scope=(ScopeRule(False, "work.site", ("Cork",)),))
    assert codes(plan(*company(2), settings=rules, absent=["site"])) == ["column-absent"]


def test_a_column_in_either_form_is_absent_when_its_field_is() -> None:
    attributes = mapped(Attribute("Department", "humanReadable.work.department"))
    assert codes(plan(*company(2), attributes=attributes, absent=["department"])) == ["column-absent"]


def test_every_absent_column_is_named() -> None:
    rules = settings(scope=(ScopeRule(False, "work.site", ("Cork",)),))
    decision = plan(*company(2), settings=rules, absent=["department", "site"])
    assert codes(decision) == ["column-absent", "column-absent"]


def test_a_column_that_is_empty_for_everybody_is_not_absent() -> None:
    people = [employee("1", department=None), employee("2", department=None)]
    assert codes(plan(people, [user("1"), user("2")])) == []


def test_a_column_that_nobody_mapped_and_the_engine_does_not_need_may_be_absent() -> None:
    assert plan(*company(2), absent=["payroll", "site", "manager"]).findings == ()


@pytest.mark.parametrize("field", ["start", "last_day", "lifecycle", "status"])
def test_a_column_that_the_engine_needs_itself_warns_and_never_blocks(field: str) -> None:
    decision = plan(*company(2), absent=[field])
    assert codes(decision) == []
    assert codes(decision, Severity.WARN) == ["column-absent"]
    assert finding(decision, "column-absent").remedy


@pytest.mark.parametrize("field", ["email", "first", "last"])
def test_email_and_name_that_are_not_mapped_warn_and_never_block(field: str) -> None:
    attributes = (Attribute("Employee ID", "work.employeeIdInCompany"),)
    decision = plan(*company(2), attributes=attributes, absent=[field])
    assert codes(decision) == []
    assert codes(decision, Severity.WARN) == ["column-absent"]


@pytest.mark.parametrize("field", ["email", "first", "last"])
def test_email_and_name_that_are_mapped_block(field: str) -> None:
    assert "column-absent" in codes(plan(*company(2), absent=[field]))


def test_a_column_that_the_engine_needs_warns_also_where_another_domain_scopes_by_it() -> None:
    other = OtherDomain("alumni", (ScopeRule(True, "internal.lifecycleStatus", ("Terminated",)),))
    decision = plan(*company(2), absent=["lifecycle"], others=[other])
    assert codes(decision) == []
    assert codes(decision, Severity.WARN).count("column-absent") == 1


def test_where_neither_lifecycle_nor_start_date_can_be_read_both_losses_are_said() -> None:
    assert codes(plan(*company(2), absent=["lifecycle", "start"]), Severity.WARN) == ["column-absent", "column-absent"]


# --- columns that are emptied ------------------------------------------------------------------------------------


def filled(size: int, of: int, before: int, before_of: int, limit: Limit | None = None) -> Decision:
    """A read in which so many have a department, against a baseline."""
    people = [employee(str(key), department="Sales" if key <= size else None) for key in range(1, of + 1)]
    rules = settings() if limit is None else settings(limits=limits(column_emptied=limit))
    return plan(people, company(of)[1], baseline=baseline(before_of, department=before), settings=rules)


@pytest.mark.parametrize(
    ("size", "of", "before", "before_of", "blocks"),
    [
        (100, 100, 100, 100, False),
        (81, 100, 100, 100, False),
        (80, 100, 100, 100, True),
        (0, 100, 100, 100, True),
        (31, 100, 50, 100, False),
        (30, 100, 50, 100, True),
        (0, 100, 19, 100, False),
        (0, 100, 20, 100, True),
        (100, 100, 50, 100, False),
        (40, 50, 100, 100, True),
        (41, 50, 100, 100, False),
        (160, 200, 100, 100, True),
        (161, 200, 100, 100, False),
        (8, 10, 10, 10, False),
        (7, 10, 10, 10, True),
        (0, 2, 2, 2, False),
        (9, 17, 25, 34, True),
    ],
)
def test_a_fill_rate_that_falls_by_twenty_points_blocks(
    size: int, of: int, before: int, before_of: int, blocks: bool
) -> None:
    assert ("column-emptied" in codes(filled(size, of, before, before_of))) is blocks


def test_a_column_that_only_the_scope_reads_may_not_be_emptied_either() -> None:
    """Whoever it excludes would be added, and whoever it includes would be archived."""
    people = [employee(str(number), site="London" if number < 10 else "Paris") for number in range(30)]
    scope = settings(scope=(ScopeRule(False, "work.site", ("London",)),))
    before = plan(people, [], settings=scope)
    assert before.counts["add"] == 20
    emptied = [employee(str(number), site=None) for number in range(30)]
    found = finding(plan(emptied, [], settings=scope, baseline=before.baseline), "column-emptied")
    assert found.severity is Severity.BLOCK
    assert "the scope" in found.message


def test_a_column_that_is_emptied_says_how_many_it_counted() -> None:
    found = finding(filled(75, 100, 100, 100), "column-emptied")
    assert found.numbers == {"counted": 25, "limit": 20, "of": 100}
    assert "work.department" in found.message
    assert found.message.endswith("It feeds Department.")


def test_a_column_that_is_emptied_never_counts_fewer_people_than_its_limit() -> None:
    # 62 of 85 are 12.4 of 17; exactly 20 points fewer are 9.
    found = finding(filled(9, 17, 62, 85), "column-emptied")
    assert found.numbers["counted"] >= found.numbers["limit"]


def test_the_emptying_of_a_column_can_be_switched_off_or_be_another_share() -> None:
    assert "column-emptied" not in codes(filled(0, 100, 100, 100, Limit()))
    assert "column-emptied" not in codes(filled(51, 100, 100, 100, Limit(percent="50")))
    assert "column-emptied" in codes(filled(50, 100, 100, 100, Limit(percent="50")))


def test_a_column_that_was_not_mapped_at_the_baseline_is_not_compared() -> None:
    people = [employee(str(key), department=None) for key in range(1, 31)]
    assert "column-emptied" not in codes(plan(people, company(30)[1], baseline=baseline(30)))


def test_an_absent_column_is_not_called_emptied_as_well() -> None:
    decision = plan(*company(30), baseline=baseline(30, department=30), absent=["department"])
    assert codes(decision) == ["column-absent"]


def test_leavers_empty_no_column() -> None:
    gone = [employee(str(key), lifecycle="Terminated", department=None) for key in range(71, 101)]
    decision = plan(company(70)[0] + gone, company(100)[1], baseline=baseline(100, department=100))
    assert "column-emptied" not in codes(decision)


def test_text_for_people_that_goes_missing_is_an_emptied_column() -> None:
    attributes = mapped(Attribute("Department", "humanReadable.work.department"))
    people = [employee(str(key), human={"department": None if key > 6 else "Sales"}) for key in range(1, 11)]
    before = plan(*company(10), attributes=attributes).baseline
    decision = plan(people, company(10)[1], attributes=attributes, baseline=before)
    assert "column-emptied" in codes(decision)


# --- identifiers that are swapped --------------------------------------------------------------------------------


def renumbered(count: int, of: int, users: list[User] | None = None, limit: Limit | None = None) -> Decision:
    people = [employee(str(key), identifier=f"N{key}" if key <= count else f"E{key}") for key in range(1, of + 1)]
    rules = settings() if limit is None else settings(limits=limits(identifiers=limit))
    return plan(people, users if users is not None else company(of)[1], settings=rules)


@pytest.mark.parametrize(
    ("count", "of", "blocks"),
    [
        (3, 60, True),
        (2, 60, False),
        (3, 61, False),
        (4, 61, True),
        (5, 100, True),
        (4, 100, False),
        (2, 2, False),
        (3, 3, True),
    ],
)
def test_another_identifier_for_five_percent_of_linked_people_blocks(count: int, of: int, blocks: bool) -> None:
    assert ("identifiers-swapped" in codes(renumbered(count, of))) is blocks


def test_swapped_identifiers_are_counted_and_named() -> None:
    found = finding(renumbered(3, 60), "identifiers-swapped")
    assert found.numbers == {"counted": 3, "limit": 3, "of": 60}
    assert found.keys == ("1", "2", "3")


def test_people_who_are_not_linked_yet_do_not_count_as_swapped() -> None:
    users = [unlinked(str(key)) for key in range(1, 11)]
    assert "identifiers-swapped" not in codes(renumbered(10, 10, users))


def test_an_identifier_that_is_new_or_gone_is_not_swapped() -> None:
    users = [user(str(key), identifier="") for key in range(1, 11)]
    assert "identifiers-swapped" not in codes(renumbered(10, 10, users))
    people = [employee(str(key), identifier=None) for key in range(1, 11)]
    assert "identifiers-swapped" not in codes(plan(people, company(10)[1]))


def test_the_check_of_identifiers_can_be_switched_off_or_be_another_share() -> None:
    assert "identifiers-swapped" not in codes(renumbered(60, 60, limit=Limit()))
    assert "identifiers-swapped" not in codes(renumbered(29, 60, limit=Limit(percent="50")))
    assert "identifiers-swapped" in codes(renumbered(30, 60, limit=Limit(percent="50")))


# --- all of them ----------------------------------------------------------------------------------------------------


def test_a_block_leaves_the_changes_to_be_looked_at() -> None:
    decision = plan(company(5)[0], company(10)[1], baseline=baseline(10))
    assert "head-count" in codes(decision)
    assert len(actions(decision)) == 5


def test_a_table_that_archives_a_status_of_everybody_is_no_problem_of_the_read() -> None:
    people = [employee(str(key), lifecycle="Sabbatical") for key in range(1, 31)]
    rules = settings(lifecycle=Lifecycle((("Sabbatical", Meaning.ARCHIVED),)))
    decision = plan(people, company(30)[1], settings=rules, baseline=baseline(30, department=30))
    assert "head-count" not in codes(decision)
    assert "limit-archive" in codes(decision)


def test_every_block_says_what_it_counted_the_limit_and_the_ways_on() -> None:
    attributes = mapped(Attribute("Department", "work.department", blank=BlankPolicy.CLEAR))
    people = [employee(str(key), department=None, identifier=f"N{key}") for key in range(1, 31)]
    users = [user(str(key)) for key in range(1, 61)] + [archived("70")]
    decision = plan(people, users, attributes=attributes, baseline=baseline(60, department=60), absent=["first"])
    assert {each.code for each in decision.blocks} >= {
        "head-count", "column-absent", "column-emptied", "identifiers-swapped", "limit-archive", "limit-blank",
    }  # fmt: skip
    for each in decision.blocks:
        assert each.message
        assert each.remedy
        assert {"counted", "limit", "of"} <= set(each.numbers)
