"""What would change for whom: adds, updates, reactivations, archives, and who is held back instead."""

from dataclasses import replace
from datetime import timedelta

import pytest
from build import (
    NOW,
    User,
    actions,
    archived,
    codes,
    company,
    employee,
    finding,
    held,
    mapped,
    only,
    plan,
    settings,
    situation,
    unlinked,
    user,
)

from provisioning.engine.plan import digest, make_plan
from provisioning.model import (
    Absence,
    AbsenceArchives,
    Action,
    Apply,
    Attribute,
    AttributeType,
    BlankPolicy,
    Decision,
    Decisions,
    PlanStatus,
    Protection,
    ScopeRule,
    Settings,
    Severity,
    Status,
)


def department(
    blank: BlankPolicy = BlankPolicy.KEEP, *, required: bool = False, apply: Apply = Apply.ALWAYS
) -> Attribute:
    return Attribute("Department", "work.department", required=required, blank=blank, apply=apply)


# --- the status of a plan -----------------------------------------------------------------------------------


def test_two_sides_in_agreement_make_an_empty_plan() -> None:
    decision = plan(*company(3))
    assert decision.status is PlanStatus.EMPTY
    assert (decision.changes, decision.held, decision.findings) == ((), (), ())
    assert decision.counts == {
        "add": 0, "update": 0, "reactivate": 0, "archive": 0, "move": 0, "link": 0, "held": 0, "unchanged": 3,
    }  # fmt: skip


def test_a_plan_with_changes_and_no_block_is_ready() -> None:
    assert plan([employee("1")]).status is PlanStatus.READY


def test_a_plan_in_which_people_are_only_held_is_empty() -> None:
    decision = plan([employee("1", lifecycle="Leave")])
    assert decision.status is PlanStatus.EMPTY
    assert decision.counts["held"] == 1


@pytest.mark.parametrize("users", [[user("1")], [user("1", department="HR")]])
def test_a_finding_that_blocks_blocks_the_plan_with_or_without_changes(users: list[User]) -> None:
    decision = plan([employee("1")], users, absent=["department"])
    assert decision.status is PlanStatus.BLOCKED


def test_a_warning_does_not_block() -> None:
    decision = plan([employee("1")], seats=0)
    assert codes(decision, Severity.WARN) == ["seats"]
    assert decision.status is PlanStatus.READY


# --- adds ---------------------------------------------------------------------------------------------------


def test_somebody_without_a_user_is_added_live_and_linked_with_everything_that_is_not_blank() -> None:
    decision = plan([employee("1", department=None)])
    (change,) = decision.changes
    assert change.before == {}
    assert change.after == {
        "Employee ID": "E1",
        "Email": "person1@acme.example",
        "First name": "Ada",
        "Last name": "Person 1",
        "status": "Live",
        "external_id": "1",
    }
    assert (change.key, change.user_id, change.seen) == ("1", None, None)
    assert "Employed" in change.why


def test_an_attribute_that_no_column_feeds_is_never_touched() -> None:
    attributes = (*mapped(), Attribute("Shoe size"))
    decision = plan([employee("1"), employee("2")], [user("2", **{"Shoe size": "44"})], attributes=attributes)
    assert actions(decision) == [("1", "add")]
    assert "Shoe size" not in decision.changes[0].after


def test_nobody_in_the_domain_and_nobody_else_is_a_first_run() -> None:
    decision = plan(company(5)[0])
    assert decision.counts["add"] == 5
    assert decision.status is PlanStatus.READY


# --- updates --------------------------------------------------------------------------------------------------


def test_an_update_names_what_changes_before_and_after_and_nothing_else() -> None:
    decision = plan([employee("1", department="HR", first="Grace")], [user("1")])
    (change,) = decision.changes
    assert change.action is Action.UPDATE
    assert change.before == {"First name": "Ada", "Department": "Sales"}
    assert change.after == {"First name": "Grace", "Department": "HR"}
    assert "Department" in change.why
    assert "First name" in change.why


def test_a_write_is_conditional_on_status_link_and_all_mapped_attributes() -> None:
    (change,) = plan([employee("1", department="HR")], [user("1", **{"Shoe size": "44"})]).changes
    assert change.seen is not None
    assert (change.seen.status, change.seen.external_id) == (Status.LIVE, "1")
    assert change.seen.attributes == {
        "Employee ID": "E1",
        "Email": "person1@acme.example",
        "First name": "Ada",
        "Last name": "Person 1",
        "Department": "Sales",
    }


def test_text_that_differs_in_case_accents_or_leading_zeros_is_updated() -> None:
    users = [user("1", department="sales"), user("2", first="Zoe"), user("3", identifier="7")]
    people = [employee("1"), employee("2", first="Zoë"), employee("3", identifier="007")]
    assert plan(people, users).counts["update"] == 3


def test_blanks_around_a_text_and_its_composition_are_no_difference() -> None:
    people = [employee("1", department=" Sales "), employee("2", first="Zoe\u0308")]
    assert plan(people, [user("1"), user("2", first="Zo\u00eb")]).changes == ()


def test_a_value_is_compared_after_type_and_value_table() -> None:
    attributes = mapped(
        Attribute("Contractor", "work.custom.contractor", type=AttributeType.YES_NO),
        Attribute("Department", "work.department", values=(("Sales", "Revenue"),)),
        Attribute("Grade", "Payroll number", type=AttributeType.NUMBER),
    )
    someone = employee("1", contractor="true", payroll="7.50")
    users = [user("1", department="Revenue", Contractor="Yes", Grade="7.5")]
    assert plan([someone], users, attributes=attributes).changes == ()


# --- blank ------------------------------------------------------------------------------------------------------


def outcome(decision: Decision) -> str | dict[str, str | None]:
    """What happens to person 1: the attributes that change, the code they are held by, or nothing."""
    if decision.held:
        return decision.held[0].code
    return {name: value for each in decision.changes for name, value in each.after.items() if name == "Department"}


@pytest.mark.parametrize(
    ("attribute", "for_new", "for_value", "for_none"),
    [
        (department(BlankPolicy.KEEP), {}, {}, {}),
        (department(BlankPolicy.CLEAR), {}, {"Department": None}, {}),
        (department(BlankPolicy.HOLD), "required-blank", "required-blank", "required-blank"),
        (department(BlankPolicy.KEEP, required=True), "required-blank", {}, "required-blank"),
        (department(BlankPolicy.CLEAR, required=True), "required-blank", "required-blank", "required-blank"),
        (department(BlankPolicy.HOLD, required=True), "required-blank", "required-blank", "required-blank"),
    ],
)
def test_a_blank_keeps_clears_or_holds_and_required_means_the_result(
    attribute: Attribute, for_new: object, for_value: object, for_none: object
) -> None:
    # The first name differs, so that something happens to everybody.
    someone, attributes = employee("1", department=None, first="Grace"), mapped(attribute)
    assert outcome(plan([someone], attributes=attributes)) == for_new
    assert outcome(plan([someone], [user("1")], attributes=attributes)) == for_value
    assert outcome(plan([someone], [user("1", department="")], attributes=attributes)) == for_none


@pytest.mark.parametrize("blank", list(BlankPolicy))
def test_people_are_held_for_a_blank_only_where_something_would_otherwise_happen(blank: BlankPolicy) -> None:
    someone = employee("1", department=None)
    decision = plan([someone], [user("1", department="")], attributes=mapped(department(blank, required=True)))
    assert (decision.changes, decision.held) == ((), ())


def test_a_cleared_value_is_blank_after_the_change() -> None:
    attributes = mapped(department(BlankPolicy.CLEAR))
    (change,) = plan([employee("1", department=None)], [user("1")], attributes=attributes).changes
    assert change.before == {"Department": "Sales"}
    assert change.after == {"Department": None}


def test_keep_satisfies_required_for_an_archived_user_who_has_a_value() -> None:
    attributes = mapped(department(BlankPolicy.KEEP, required=True))
    someone = employee("1", department=None)
    assert actions(plan([someone], [archived("1")], attributes=attributes)) == [("1", "reactivate")]
    assert held(plan([someone], [archived("1", department="")], attributes=attributes)) == {"1": "required-blank"}


def test_a_required_attribute_that_the_value_table_turns_blank_is_blank() -> None:
    attributes = mapped(Attribute("Department", "work.department", required=True, values=(("Sales", ""),)))
    assert held(plan([employee("1")], attributes=attributes)) == {"1": "required-blank"}


def test_a_fallback_satisfies_required() -> None:
    attributes = mapped(Attribute("Department", "work.department", required=True, fallback="work.site"))
    decision = plan([employee("1", department=None, site="Cork")], attributes=attributes)
    assert decision.changes[0].after["Department"] == "Cork"


def test_a_required_attribute_that_nothing_feeds_holds_newcomers_only() -> None:
    attributes = mapped(Attribute("Portal role", required=True))
    decision = plan([employee("1"), employee("2", department="HR")], [user("2")], attributes=attributes)
    assert held(decision) == {"1": "required-blank"}
    assert actions(decision) == [("2", "update")]


def test_nobody_is_added_without_a_unique_identifier() -> None:
    assert held(plan([employee("1", identifier=None)])) == {"1": "required-blank"}


# --- on add only ----------------------------------------------------------------------------------------------


def test_a_row_that_applies_on_add_sets_newcomers_and_nobody_else() -> None:
    attributes = mapped(department(apply=Apply.ON_ADD))
    people = [employee("1", department="HR"), employee("2", department="HR"), employee("3", department="HR")]
    decision = plan(people, [user("2"), archived("3")], attributes=attributes)
    assert only(decision, Action.ADD).after["Department"] == "HR"
    assert only(decision, Action.REACTIVATE).after == {"status": "Live"}
    assert decision.counts["update"] == 0


@pytest.mark.parametrize("blank", list(BlankPolicy))
def test_a_row_that_applies_on_add_neither_clears_nor_holds_a_user_who_is_there(blank: BlankPolicy) -> None:
    attributes = mapped(department(blank, apply=Apply.ON_ADD))
    decision = plan([employee("1", department=None, first="Grace")], [user("1")], attributes=attributes)
    assert [change.after for change in decision.changes] == [{"First name": "Grace"}]


def test_a_value_that_cannot_be_read_on_add_holds_newcomers_only() -> None:
    start = Attribute("Start date", "work.startDate", type=AttributeType.DATE, apply=Apply.ON_ADD)
    people = [employee("1", start="soon"), employee("2", start="soon", first="Grace")]
    decision = plan(people, [user("2")], attributes=mapped(start))
    assert held(decision) == {"1": "unreadable"}
    assert actions(decision) == [("2", "update")]


# --- archived users ---------------------------------------------------------------------------------------------


def test_a_reactivation_brings_the_changed_attributes_with_it_in_one_change() -> None:
    (change,) = plan([employee("1", department="HR")], [archived("1")]).changes
    assert change.action is Action.REACTIVATE
    assert change.before == {"status": "Archived", "Department": "Sales"}
    assert change.after == {"status": "Live", "Department": "HR"}
    assert change.seen is not None
    assert change.seen.status is Status.ARCHIVED


@pytest.mark.parametrize("lifecycle", ["Terminated", "Leave", "Parental leave", "Sabbatical"])
def test_archived_users_are_never_updated(lifecycle: str) -> None:
    decision = plan([employee("1", lifecycle=lifecycle, department="HR")], [archived("1")])
    assert (decision.changes, decision.held) == ((), ())


def test_archived_users_who_are_absent_stay_as_they_are() -> None:
    decision = plan([employee("1")], [user("1"), archived("2")])
    assert (decision.changes, decision.absences) == ((), {})
    assert decision.counts["unchanged"] == 2


# --- archives ---------------------------------------------------------------------------------------------------


def test_the_terminated_are_archived_and_nothing_else_about_them_changes() -> None:
    decision = plan([employee("1", lifecycle="Terminated", department="HR", identifier=None)], [user("1")])
    (change,) = decision.changes
    assert (change.key, change.action, change.user_id) == ("1", Action.ARCHIVE, "u1")
    assert (change.before, change.after) == ({"status": "Live"}, {"status": "Archived"})
    assert "Terminated" in change.why


def test_the_terminated_are_archived_even_where_a_value_cannot_be_read() -> None:
    attributes = mapped(Attribute("Start date", "work.startDate", type=AttributeType.DATE))
    decision = plan([employee("1", lifecycle="Terminated", start="soon")], [user("1")], attributes=attributes)
    assert actions(decision) == [("1", "archive")]


def test_live_users_who_are_absent_from_a_complete_read_are_archived() -> None:
    decision = plan([employee("1")], [user("1"), user("2"), unlinked("3")])
    assert actions(decision) == [("user:u2", "archive"), ("user:u3", "archive")]
    assert all("not in HiBob" in change.why for change in decision.changes)


def test_where_absence_archives_the_linked_only_others_stay() -> None:
    rules = settings(absence_archives=AbsenceArchives.LINKED)
    decision = plan([employee("1")], [user("1"), user("2"), unlinked("3")], settings=rules)
    assert actions(decision) == [("user:u2", "archive")]


def test_where_absence_archives_the_linked_only_the_terminated_are_archived_all_the_same() -> None:
    rules = settings(absence_archives=AbsenceArchives.LINKED)
    decision = plan([employee("1", lifecycle="Terminated")], [unlinked("1")], settings=rules)
    assert actions(decision) == [("1", "link"), ("1", "archive")]


def test_nobody_is_announced_as_a_leaver_whom_absence_may_not_touch() -> None:
    rules = settings(absence_archives=AbsenceArchives.LINKED, absent_reads=2)
    decision = plan([employee("1")], [user("1"), user("2"), unlinked("3")], settings=rules)
    assert finding(decision, "absent").keys == ("user:u2",)
    assert finding(decision, "absent").severity is Severity.INFO
    assert finding(decision, "absent").names == {"user:u2": "Ada Person 2"}


def test_an_empty_answer_archives_nobody() -> None:
    decision = plan([], [user("1"), user("2")])
    assert decision.changes == ()
    assert codes(decision) == ["no-employees"]
    assert decision.status is PlanStatus.BLOCKED
    assert decision.counts["unchanged"] == 2


def test_nobody_on_either_side_is_no_proof_either() -> None:
    assert codes(plan()) == ["no-employees"]


def test_what_blocks_is_told_before_what_warns_and_informs() -> None:
    people, users = company(30)
    people[:3] = [employee(row["root.id"] or "", lifecycle="Terminated") for row in people[:3]]
    people[4] = employee(people[4]["root.id"] or "", lifecycle="Sabbatical")
    found = [each.code for each in plan(people, users).findings]
    assert found[0] == "limit-archive"
    assert "unknown-lifecycle" in found


# --- absent reads ------------------------------------------------------------------------------------------------

TWICE = settings(absent_reads=2)


def absent_twice(hours: float, *, reads: int = 1, needed: int = 2) -> Decision:
    """User 2 was absent before, for the last time so many hours ago, and is absent now."""
    before = {"u2": Absence(reads, NOW - timedelta(hours=hours))}
    rules = settings(absent_reads=needed)
    return plan([employee("1")], [user("1"), user("2")], settings=rules, absences=before)


def test_the_first_absence_is_counted_and_archives_nobody_where_two_are_needed() -> None:
    decision = plan([employee("1")], [user("1"), user("2")], settings=TWICE)
    assert decision.changes == ()
    assert decision.absences == {"u2": Absence(1, NOW)}
    assert decision.status is PlanStatus.EMPTY


@pytest.mark.parametrize(
    ("hours", "reads", "needed", "expected"),
    [
        (12, 1, 2, ["archive"]),
        (36, 1, 2, ["archive"]),
        (11.99, 1, 2, []),
        (0, 1, 2, []),
        (12, 1, 3, []),
        (12, 2, 3, ["archive"]),
        (1, 2, 2, ["archive"]),
    ],
)
def test_absence_archives_after_so_many_reads_twelve_hours_apart(
    hours: float, reads: int, needed: int, expected: list[str]
) -> None:
    assert [action for _, action in actions(absent_twice(hours, reads=reads, needed=needed))] == expected


def test_reads_closer_than_twelve_hours_count_once() -> None:
    before = Absence(1, NOW - timedelta(hours=11))
    assert absent_twice(11).absences == {"u2": before}
    assert absent_twice(12).absences == {"u2": Absence(2, NOW)}


def test_the_same_read_looked_at_again_later_is_not_a_second_one() -> None:
    read_at = NOW - timedelta(hours=13)
    before = {"u2": Absence(1, read_at)}
    decision = plan([employee("1")], [user("1"), user("2")], settings=TWICE, absences=before, read_at=read_at)
    assert decision.changes == ()
    assert decision.absences["u2"].reads == 1


def test_somebody_who_comes_back_begins_at_nought() -> None:
    before = {"u2": Absence(1, NOW - timedelta(hours=13))}
    decision = plan([employee("1"), employee("2")], [user("1"), user("2")], settings=TWICE, absences=before)
    assert decision.absences == {}


def test_an_empty_answer_counts_nobody_as_absent() -> None:
    before = {"u2": Absence(1, NOW - timedelta(hours=13))}
    assert plan([], [user("1"), user("2")], settings=TWICE, absences=before).absences == before


def test_a_read_that_is_not_proved_complete_counts_nobody_as_absent() -> None:
    _, users = company(10)
    everybody = plan(*company(10)).baseline
    decision = plan(company(6)[0], users, settings=TWICE, baseline=everybody)
    assert codes(decision) == ["head-count"]
    assert decision.absences == {}


def test_the_terminated_and_those_who_leave_the_scope_are_archived_at_once() -> None:
    rules = settings(absent_reads=5, scope=(ScopeRule(True, "work.site", ("London",)),))
    people = [employee("1", site="London", lifecycle="Terminated"), employee("2", site="Cork")]
    decision = plan(people, [user("1"), user("2")], settings=rules)
    assert actions(decision) == [("1", "archive"), ("2", "archive")]


# --- protected ----------------------------------------------------------------------------------------------------

ROOT = user("9", email="root@acme.example", identifier="E9", department="IT")


@pytest.mark.parametrize(
    "named",
    [
        Protection(person="root@acme.example"),
        Protection(person="ROOT@Acme.Example"),
        Protection(person=" root@acme.example "),
        Protection(person="E9"),
        Protection(person="9"),
        Protection(person="u9"),
        Protection(person="user:u9"),
        Protection(attribute="Department", values=("IT",)),
        Protection(attribute="Department", values=("Legal", "it")),
    ],
)
def test_protected_users_are_never_archived_and_are_held_by_name(named: Protection) -> None:
    rules = settings(protected=(Protection(person="nobody@acme.example"), named))
    for people in ([employee("1")], [employee("1"), employee("9", lifecycle="Terminated")]):
        decision = plan(people, [user("1"), ROOT], settings=rules)
        assert decision.changes == ()
        assert list(held(decision).values()) == ["protected"]


@pytest.mark.parametrize("key", ["9", "u9", "user:u9"])
def test_somebody_protected_in_an_earlier_preview_is_never_archived(key: str) -> None:
    for people in ([employee("1")], [employee("1"), employee("9", lifecycle="Terminated")]):
        decision = plan(people, [user("1"), ROOT], decisions=Decisions(protected=frozenset({key})))
        assert decision.changes == ()
        assert list(held(decision).values()) == ["protected"]


def test_a_rule_protects_by_an_attribute_that_no_column_feeds() -> None:
    rules = settings(protected=(Protection(attribute="Portal role", values=("Administrator",)),))
    attributes = (*mapped(), Attribute("Portal role"))
    users = [user("1"), user("9", **{"Portal role": "Administrator"})]
    decision = plan([employee("1")], users, settings=rules, attributes=attributes)
    assert decision.changes == ()
    assert held(decision) == {"user:u9": "protected"}


@pytest.mark.parametrize(
    "rule",
    [
        Protection(person="root"),
        Protection(person="8"),
        Protection(person=""),
        Protection(attribute="Department", values=("Sales",)),
        Protection(attribute="Department", values=()),
        Protection(attribute="Job title", values=("IT",)),
    ],
)
def test_a_rule_protects_nobody_else(rule: Protection) -> None:
    rules = settings(protected=(rule,))
    decision = plan([employee("1")], [user("1"), replace(ROOT, link="")], settings=rules)
    assert actions(decision) == [("user:u9", "archive")]


def test_protection_keeps_nobody_from_being_updated_or_reactivated() -> None:
    rules = settings(protected=(Protection(person="1"), Protection(person="2")))
    decision = plan([employee("1", department="HR"), employee("2")], [user("1"), archived("2")], settings=rules)
    assert decision.held == ()
    assert actions(decision) == [("2", "reactivate"), ("1", "update")]


def test_protected_people_are_held_only_where_they_would_be_archived() -> None:
    rules = settings(protected=(Protection(attribute="Department", values=("Sales",)),))
    assert plan(*company(3), settings=rules).held == ()


def test_a_protected_user_who_leaves_the_scope_stays() -> None:
    rules = settings(protected=(Protection(person="1"),), scope=(ScopeRule(True, "work.site", ("London",)),))
    decision = plan([employee("1", site="Cork")], [user("1")], settings=rules)
    assert held(decision) == {"1": "protected"}


# --- order, counts and digest -------------------------------------------------------------------------------------


def some_of_everything(rules: Settings | None = None) -> Decision:
    people = [
        employee("1"),
        employee("2", department="HR"),
        employee("3"),
        employee("4", lifecycle="Terminated"),
        employee("5"),
        employee("6", lifecycle="Leave"),
        employee("7"),
    ]
    users = [user("2"), archived("3"), user("4"), unlinked("5"), user("7"), user("8", last="Gone")]
    return plan(people, users, settings=rules or settings())


def test_changes_come_in_the_order_of_processing() -> None:
    assert actions(some_of_everything()) == [
        ("5", "link"),
        ("3", "reactivate"),
        ("1", "add"),
        ("2", "update"),
        ("4", "archive"),
        ("user:u8", "archive"),
    ]


def test_the_counts_add_up() -> None:
    counts = some_of_everything().counts
    assert counts == {
        "link": 1, "reactivate": 1, "add": 1, "update": 1, "move": 0, "archive": 2, "held": 1, "unchanged": 1,
    }  # fmt: skip


def test_every_change_and_everybody_held_says_why() -> None:
    decision = some_of_everything()
    assert all(each.why for each in (*decision.changes, *decision.held))


def test_planning_twice_gives_the_same_digest() -> None:
    assert some_of_everything().digest == some_of_everything().digest


def test_the_digest_knows_domain_mapping_and_settings_versions() -> None:
    now = situation([employee("1")])
    domain = now.domain
    others = [
        replace(domain, mapping_version=4),
        replace(domain, settings_version=6),
        replace(domain, name="partners"),
        replace(domain, customer="Other"),
    ]
    digests = {make_plan(replace(now, domain=each)).digest for each in (domain, *others)}
    assert len(digests) == 5


def test_the_digest_knows_every_before_and_after() -> None:
    domain = situation().domain
    changes = some_of_everything().changes
    original = digest(domain, changes)
    for place, change in enumerate(changes):
        for name in change.after:
            other = replace(change, after={**change.after, name: "other"})
            assert digest(domain, [*changes[:place], other, *changes[place + 1 :]]) != original
        for name in change.before:
            other = replace(change, before={**change.before, name: "other"})
            assert digest(domain, [*changes[:place], other, *changes[place + 1 :]]) != original
        assert digest(domain, [*changes[:place], *changes[place + 1 :]]) != original


def test_a_blank_and_the_absence_of_a_change_are_different_digests() -> None:
    domain = situation().domain
    (change,) = plan([employee("1", department="HR")], [user("1")]).changes
    cleared = replace(change, after={"Department": None})
    nothing = replace(change, after={})
    assert len({digest(domain, [each]) for each in (change, cleared, nothing)}) == 3


def test_planning_after_a_complete_run_gives_no_changes() -> None:
    people = [employee("1", department="HR"), employee("2"), employee("3", lifecycle="Terminated")]
    after = [user("1", department="HR"), user("2"), archived("3")]
    assert plan(people, after).status is PlanStatus.EMPTY
