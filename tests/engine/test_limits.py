"""How much may change at once: exact boundaries, whose share is counted, and what blocks."""

import pytest
from build import (
    Row,
    User,
    actions,
    archived,
    codes,
    company,
    employee,
    finding,
    mapped,
    only,
    plan,
    settings,
    unlinked,
    user,
)

from provisioning.engine.thresholds import few_enough, threshold, triggers
from provisioning.model import (
    Action,
    Attribute,
    BlankPolicy,
    Decision,
    Decisions,
    Limit,
    Limits,
    PlanStatus,
    Protection,
    ScopeRule,
    Severity,
)

OFF = Limit()


def leaving(count: int, of: int, **limits: Limit | int) -> Decision:
    """So many of the live users of a domain are terminated."""
    people, users = company(of)
    people[:count] = [employee(row["root.id"] or "", lifecycle="Terminated") for row in people[:count]]
    return plan(people, users, settings=settings(limits=Limits(**limits)))  # type: ignore[arg-type]


# --- what a limit is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "of", "at"),
    [
        (Limit(percent="10"), 30, 3),
        (Limit(percent="10"), 31, 4),
        (Limit(percent="10"), 100, 10),
        (Limit(percent="10"), 5, 3),
        (Limit(percent="0"), 100, 3),
        (Limit(percent="5"), 60, 3),
        (Limit(percent="2.5"), 200, 5),
        (Limit(percent="2.5"), 201, 6),
        (Limit(percent="0.07"), 10_000, 7),
        (Limit(percent="100"), 7, 7),
        (Limit(number=2), 1000, 2),
        (Limit(number=25), 3, 25),
    ],
)
def test_a_share_is_exact_and_triggers_only_from_three_people_up_and_a_number_is_a_number(
    limit: Limit, of: int, at: int
) -> None:
    assert threshold(limit, of) == at
    assert triggers(limit, at, of) == (at, True)
    assert triggers(limit, at - 1, of) == (at, False)


def test_a_limit_of_nought_people_allows_nobody_and_needs_somebody() -> None:
    assert triggers(Limit(number=0), 0, 10) == (0, False)
    assert triggers(Limit(number=0), 1, 10) == (0, True)


def test_a_limit_that_is_off_never_triggers() -> None:
    assert triggers(OFF, 1000, 10) == (0, False)


@pytest.mark.parametrize(("found", "of", "short"), [(89, 100, True), (90, 100, False), (1, 3, False), (0, 3, True)])
def test_a_limit_from_below_needs_three_missing_people(found: int, of: int, short: bool) -> None:
    assert few_enough(Limit(percent="90"), found, of)[1] is short


# --- archives ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "of", "blocks"),
    [
        (3, 30, True),
        (2, 30, False),
        (3, 31, False),
        (4, 31, True),
        (10, 100, True),
        (9, 100, False),
        (3, 20, True),
        (2, 20, False),
        (3, 19, True),
        (2, 19, False),
        (3, 5, True),
        (2, 2, False),
        (1, 1, False),
    ],
)
def test_ten_percent_of_the_live_users_archived_blocks_and_three_people_in_a_small_domain(
    count: int, of: int, blocks: bool
) -> None:
    decision = leaving(count, of, archive_7_days=OFF)
    assert ("limit-archive" in codes(decision)) is blocks
    assert decision.status is (PlanStatus.BLOCKED if blocks else PlanStatus.READY)


def test_a_block_names_count_limit_share_and_people() -> None:
    found = finding(leaving(3, 30), "limit-archive")
    assert found.severity is Severity.BLOCK
    assert found.numbers == {"counted": 3, "limit": 3, "of": 30}
    assert found.keys == ("1", "2", "3")
    assert "3 of 30" in found.message
    assert "override" in found.remedy


def test_archived_users_are_not_part_of_the_live_users_of_the_domain() -> None:
    people, users = company(30)
    people[:3] = [employee(key, lifecycle="Terminated") for key in ("1", "2", "3")]
    users += [archived(str(key)) for key in range(100, 200)]
    assert finding(plan(people, users), "limit-archive").numbers["of"] == 30


def test_archives_by_absence_and_out_of_scope_count_like_the_terminated() -> None:
    rules = settings(scope=(ScopeRule(False, "work.site", ("Cork",)),))
    people, users = company(30)
    people[:3] = [employee("1", lifecycle="Terminated"), employee("2", site="Cork")]
    found = finding(plan(people, users, settings=rules), "limit-archive")
    assert found.keys == ("1", "2", "user:u3")


def test_protected_and_held_people_do_not_count_as_archives() -> None:
    rules = settings(protected=(Protection(person="E1"),))
    people, users = company(30)
    people[:3] = [employee(key, lifecycle="Terminated") for key in ("1", "2", "3")]
    assert "limit-archive" not in codes(plan(people, users, settings=rules))


@pytest.mark.parametrize(
    ("limits", "count", "of", "blocks"),
    [
        ({"archive": Limit(number=5)}, 5, 30, True),
        ({"archive": Limit(number=5)}, 4, 30, False),
        ({"archive": Limit(number=1)}, 1, 1000, True),
        ({"archive": Limit(percent="50")}, 15, 30, True),
        ({"archive": Limit(percent="50")}, 14, 30, False),
        ({"archive": OFF}, 30, 30, False),
        ({"archive": OFF}, 10, 10, False),
        ({"small_domain": 5}, 4, 10, False),
        ({"small_domain": 5}, 5, 10, True),
        ({"small_domain": 5}, 3, 30, True),
        ({"archive": Limit(percent="50")}, 3, 10, True),
    ],
)
def test_a_domain_may_set_its_own_limit_of_archives(
    limits: dict[str, Limit | int], count: int, of: int, blocks: bool
) -> None:
    decision = leaving(count, of, archive_7_days=OFF, **limits)
    assert ("limit-archive" in codes(decision)) is blocks


@pytest.mark.parametrize(
    ("before", "now", "of", "blocks"),
    [
        (0, 25, 100, True),
        (20, 5, 100, True),
        (20, 4, 100, False),
        (24, 1, 100, True),
        (30, 0, 100, False),
        (30, 1, 100, True),
        (1, 1, 8, False),
        (2, 1, 8, True),
    ],
)
def test_a_quarter_of_the_live_users_archived_within_seven_days_blocks(
    before: int, now: int, of: int, blocks: bool
) -> None:
    people, users = company(of)
    people[:now] = [employee(row["root.id"] or "", lifecycle="Terminated") for row in people[:now]]
    decision = plan(people, users, archived_7_days=before, settings=settings(limits=Limits(archive=OFF)))
    assert ("limit-archive-7-days" in codes(decision)) is blocks


def test_the_seven_days_count_both_what_was_and_what_would_be_archived() -> None:
    people, users = company(100)
    people[:5] = [employee(row["root.id"] or "", lifecycle="Terminated") for row in people[:5]]
    found = finding(plan(people, users, archived_7_days=20), "limit-archive-7-days")
    assert found.numbers == {"counted": 25, "limit": 25, "of": 100}
    assert found.keys == ("1", "2", "3", "4", "5")


def test_the_limit_of_seven_days_can_be_a_number_or_off() -> None:
    number, off = settings(limits=Limits(archive_7_days=Limit(number=2))), settings(limits=Limits(archive_7_days=OFF))
    people, users = company(30)
    people[0] = employee("1", lifecycle="Terminated")
    assert codes(plan(people, users, archived_7_days=1, settings=number)) == ["limit-archive-7-days"]
    assert codes(plan(people, users, archived_7_days=29, settings=off)) == []


# --- updates, adds, reactivations -----------------------------------------------------------------------------------


def changed(action: Action, count: int, of: int) -> tuple[list[Row], list[User]]:
    """A domain of so many live users, with so many changes of one kind."""
    people, users = company(of)
    extra = [str(key) for key in range(of + 1, of + count + 1)]
    if action is Action.UPDATE:
        people[:count] = [employee(row["root.id"] or "", department="HR") for row in people[:count]]
        return people, users
    people += [employee(key) for key in extra]
    return people, users + ([archived(key) for key in extra] if action is Action.REACTIVATE else [])


@pytest.mark.parametrize("action", [Action.UPDATE, Action.ADD, Action.REACTIVATE])
@pytest.mark.parametrize(
    ("limit", "count", "of", "blocks"),
    [
        (OFF, 30, 30, False),
        (Limit(percent="10"), 3, 30, True),
        (Limit(percent="10"), 2, 30, False),
        (Limit(percent="10"), 2, 10, False),
        (Limit(percent="50"), 4, 10, False),
        (Limit(number=4), 4, 100, True),
        (Limit(number=4), 3, 100, False),
    ],
)
def test_other_limits_are_off_by_default_and_over_the_live_users(
    action: Action, limit: Limit, count: int, of: int, blocks: bool
) -> None:
    rules = settings(limits=Limits(**{action.value: limit}))
    decision = plan(*changed(action, count, of), settings=rules)
    assert decision.counts[action.value] == count
    assert codes(decision) == ([f"limit-{action.value}"] if blocks else [])


def test_links_are_under_no_limit() -> None:
    one = Limit(number=1)
    rules = settings(limits=Limits(update=one, add=one, reactivate=one, archive=one))
    decision = plan(company(30)[0], [unlinked(str(key)) for key in range(1, 31)], settings=rules)
    assert decision.counts["link"] == 30
    assert decision.findings == ()


# --- attributes turning blank ---------------------------------------------------------------------------------------


def blanked(count: int, of: int, limit: Limit = Limit(percent="5")) -> Decision:  # noqa: B008 - frozen
    people, users = company(of)
    people[:count] = [employee(row["root.id"] or "", department=None) for row in people[:count]]
    attributes = mapped(Attribute("Department", "work.department", blank=BlankPolicy.CLEAR))
    return plan(people, users, attributes=attributes, settings=settings(limits=Limits(blank=limit)))


@pytest.mark.parametrize(
    ("count", "of", "blocks"),
    [(5, 100, True), (4, 100, False), (6, 101, True), (5, 101, False), (2, 40, False), (3, 40, True), (2, 5, False)],
)
def test_an_attribute_turning_blank_for_five_percent_blocks(count: int, of: int, blocks: bool) -> None:
    assert ("limit-blank" in codes(blanked(count, of))) is blocks


def test_the_attribute_that_turns_blank_is_named_and_counted() -> None:
    found = finding(blanked(5, 100), "limit-blank")
    assert "Department" in found.message
    assert found.numbers == {"counted": 5, "limit": 5, "of": 100}
    assert found.keys == ("1", "2", "3", "4", "5")


def test_each_attribute_turns_blank_by_itself() -> None:
    people, users = company(100)
    people[:4] = [employee(row["root.id"] or "", department=None) for row in people[:4]]
    people[4:8] = [employee(row["root.id"] or "", first=None) for row in people[4:8]]
    clear = [
        Attribute("Department", "work.department", blank=BlankPolicy.CLEAR),
        Attribute("First name", "root.firstName", blank=BlankPolicy.CLEAR),
    ]
    decision = plan(people, users, attributes=mapped(*clear))
    assert decision.counts["update"] == 8
    assert codes(decision) == []


def test_a_blank_that_keeps_the_value_turns_nothing_blank() -> None:
    people, users = company(30)
    people = [row | {"work.department": None} for row in people]
    assert plan(people, users).findings == ()


def test_the_limit_of_blanks_can_be_a_number_or_off() -> None:
    assert codes(blanked(1, 100, Limit(number=1))) == ["limit-blank"]
    assert codes(blanked(100, 100, OFF)) == []


# --- seats ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seats", "warns"), [(12, False), (11, False), (10, True), (0, True), (None, False)])
def test_more_live_users_than_licensed_seats_warns_and_blocks_nothing(seats: int | None, warns: bool) -> None:
    # Ten live users, two more to be added, one archived: eleven.
    people, users = company(10)
    people[0] = employee("1", lifecycle="Terminated")
    decision = plan([*people, employee("11"), employee("12")], users, seats=seats)
    assert codes(decision, Severity.WARN) == (["seats"] if warns else [])
    assert decision.status is PlanStatus.READY


def test_reactivated_users_take_seats() -> None:
    decision = plan([employee("1"), employee("2")], [archived("1"), archived("2")], seats=1)
    assert finding(decision, "seats").numbers["counted"] == 2


def test_live_users_of_other_domains_take_seats_as_well() -> None:
    assert codes(plan(*company(3), seats=10, live_elsewhere=7), Severity.WARN) == []
    found = finding(plan(*company(3), seats=10, live_elsewhere=8), "seats")
    assert found.numbers["counted"] == 11
    assert found.numbers["limit"] == 10


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        ("12.5", "At 12.50 per user, in the currency of the contract, that is 25 more."),
        ("0.10", "At 0.10 per user, in the currency of the contract, that is 0.20 more."),
        ("1000.0", "At 1,000 per user, in the currency of the contract, that is 2,000 more."),
    ],
)
def test_seats_come_with_the_cost_of_those_that_are_missing(price: str, cost: str) -> None:
    assert finding(plan(*company(5), seats=3, price_per_user=price), "seats").message.endswith(cost)


@pytest.mark.parametrize(
    ("currency", "said"),
    [
        ("GBP", "At £12.50 per user, that is £25 more."),
        ("USD", "At US$12.50 per user, that is US$25 more."),
        ("SEK", "At SEK 12.50 per user, that is SEK 25 more."),
    ],
)
def test_the_cost_of_missing_seats_is_told_in_its_currency(currency: str, said: str) -> None:
    warned = finding(plan(*company(5), seats=3, price_per_user="12.5", currency=currency), "seats")
    assert warned.message.endswith(said)


def test_people_who_are_held_take_no_seat() -> None:
    decision = plan([employee("1"), employee("2", lifecycle="Leave")], seats=1)
    assert codes(decision, Severity.WARN) == []


# --- archiving the people who manage Rollcall --------------------------------------------------------------------------

ADMIN = "admin@acme.example"


def archiving(member: str, email: str, **rest: object) -> Decision:
    """A domain in which a user with this e-mail is absent from HiBob."""
    users = [*company(3)[1], user("9", email=email, last="Lovelace")]
    return plan(company(3)[0], users, members=(member,), **rest)


@pytest.mark.parametrize(
    ("member", "email"),
    [
        (ADMIN, ADMIN),
        (ADMIN, "ADMIN@Acme.Example"),
        ("Admin@ACME.example", ADMIN),
        (ADMIN, "  admin@acme.example "),
        ("zoe\u0308@acme.example", "ZO\u00cb@acme.example"),
        (ADMIN, "ad\u200bmin@acme.example"),
        (ADMIN, "\uff41\uff44\uff4d\uff49\uff4e@acme.example"),
        (ADMIN, "mailto:admin@acme.example"),
        (ADMIN, "Ada Admin <Admin@acme.example>"),
        (ADMIN, "admin @acme.example"),
    ],
)
def test_archiving_a_member_blocks_in_whatever_spelling_of_the_address(member: str, email: str) -> None:
    decision = archiving(member, email)
    found = finding(decision, "self-archive")
    assert found.severity is Severity.BLOCK
    assert found.keys == ("user:u9",)
    assert found.numbers["counted"] == 1
    assert decision.status is PlanStatus.BLOCKED


def test_archiving_others_blocks_nothing() -> None:
    assert codes(archiving(ADMIN, "badmin@acme.example")) == []
    assert codes(archiving("", "")) == []


def test_a_member_who_is_terminated_or_leaves_the_scope_blocks() -> None:
    rules = settings(scope=(ScopeRule(False, "work.site", ("Cork",)),))
    for someone in (employee("1", email=ADMIN, lifecycle="Terminated"), employee("1", email=ADMIN, site="Cork")):
        decision = plan([someone, employee("2")], [user("1", email=ADMIN), user("2")], members=(ADMIN,), settings=rules)
        assert finding(decision, "self-archive").keys == ("1",)


@pytest.mark.parametrize("email", ["", "another@acme.example"])
def test_a_member_is_known_by_the_email_that_hibob_has_for_the_employee(email: str) -> None:
    people = [employee("1", email="Admin@Acme.Example", lifecycle="Terminated"), employee("2")]
    decision = plan(people, [user("1", email=email), user("2")], members=(ADMIN,))
    assert finding(decision, "self-archive").keys == ("1",)


def test_only_archives_concern_members() -> None:
    people = [employee("1", email=ADMIN, department="HR"), employee("2", email="csm@skillcast.example")]
    decision = plan(people, [user("1", email=ADMIN), archived("2")], members=(ADMIN, "csm@skillcast.example"))
    assert decision.counts["update"] == 1
    assert decision.counts["reactivate"] == 1
    assert codes(decision) == []


def test_a_member_who_is_protected_blocks_nothing() -> None:
    assert codes(archiving(ADMIN, ADMIN, settings=settings(protected=(Protection(person=ADMIN),)))) == []
    assert codes(archiving(ADMIN, ADMIN, decisions=Decisions(protected=frozenset({"user:u9"})))) == []


def test_a_member_who_has_a_test_account_elsewhere_blocks_nothing() -> None:
    decision = archiving(ADMIN, ADMIN, decisions=Decisions(confirmed=frozenset({"user:u9"})))
    assert "a live test account in another domain was confirmed" in only(decision, Action.ARCHIVE).why
    assert codes(decision) == []
    assert actions(decision) == [("user:u9", "archive")]


NO_EMAIL = (Attribute("Employee ID", "work.employeeIdInCompany"), Attribute("Email"))


def test_without_an_attribute_for_the_email_any_archive_blocks() -> None:
    decision = plan([employee("1")], [user("1"), user("2")], attributes=NO_EMAIL, members=(ADMIN,))
    found = finding(decision, "self-archive")
    assert found.severity is Severity.BLOCK
    assert "root.email" in found.remedy


def test_without_an_attribute_for_the_email_everything_else_goes_ahead() -> None:
    decision = plan([employee("1"), employee("2")], [user("1")], attributes=NO_EMAIL, members=(ADMIN,))
    assert only(decision, Action.ADD).key == "2"
    assert decision.status is PlanStatus.READY
