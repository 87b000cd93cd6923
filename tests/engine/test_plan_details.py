"""Numbers, names and sentences that people decide by, and edges of the plan: each was found by mutation testing."""

from build import (
    TOMORROW,
    YESTERDAY,
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
    unlinked,
    user,
)

from provisioning.model import (
    Absence,
    Action,
    Apply,
    Attribute,
    AttributeType,
    Decision,
    Decisions,
    Lifecycle,
    Limit,
    Limits,
    Protection,
    ScopeRule,
    Severity,
)


def _why(decision: Decision, key: str) -> str:
    (found,) = [each.why for each in decision.held if each.key == key]
    return found


def _leavers(size: int, leaving: int) -> Decision:
    employees, users = company(size)
    return plan(employees[: size - leaving], users)


def test_twenty_live_users_are_no_small_domain_any_more() -> None:
    limits = Limits(archive=Limit(percent="30"), archive_7_days=Limit())
    for size, blocked in ((19, ["limit-archive"]), (20, [])):
        employees, users = company(size)
        assert codes(plan(employees[3:], users, settings=settings(limits=limits))) == blocked


def test_a_limit_says_its_percentage_only_when_it_is_one() -> None:
    assert "would be archived; from 4 on (10%) it is blocked." in finding(_leavers(40, 4), "limit-archive").message
    small = finding(_leavers(10, 3), "limit-archive")
    assert small.message.endswith("would be archived; from 3 on it is blocked.")


def test_seats_count_the_live_users_of_every_domain() -> None:
    employees, users = company(2)
    over = finding(plan([*employees, employee("3")], users, seats=4, live_elsewhere=3, price_per_user=None), "seats")
    assert over.numbers == {"counted": 6, "limit": 4, "of": 5}
    assert over.message.endswith("licensed seats.")


def test_archiving_without_an_e_mail_attribute_says_why_it_blocks_and_what_it_counted() -> None:
    employees, users = company(3)
    attributes = tuple(each for each in mapped() if each.name != "Email")
    block = finding(plan(employees[1:], users, attributes=attributes), "self-archive")
    assert block.numbers == {"counted": 1, "limit": 1, "of": 1}
    assert "cannot be checked" in block.message
    assert "Map an attribute to root.email" in block.remedy


def test_archiving_one_member_is_enough_to_block_and_the_numbers_say_so() -> None:
    employees, users = company(3)
    block = finding(plan(employees[1:], users, members=("Person1@acme.example",)), "self-archive")
    assert block.numbers == {"counted": 1, "limit": 1, "of": 1}
    assert block.remedy.startswith("Protect them")


def test_who_is_about_to_be_archived_is_listed_until_the_read_that_archives_them() -> None:
    employees, users = company(3)
    decision = plan(employees[1:], users, settings=settings(absent_reads=2))
    told = finding(decision, "absent")
    assert told.keys == ("user:u1",)
    assert told.numbers == {"counted": 1, "limit": 2}
    assert "not yet in 2 reads" in told.message
    assert "Nothing to do if they left" in told.remedy
    before = {"u1": Absence(1, decision.absences["u1"].counted_at.replace(year=2025))}
    later = plan(employees[1:], users, settings=settings(absent_reads=2), absences=before)
    assert actions(later) == [("user:u1", "archive")]
    assert codes(later, Severity.INFO) == []


def test_a_disputed_user_is_not_absent() -> None:
    """Two people answer to the e-mail: when both are gone, the absence begins with that read."""
    twins = [employee(key, email="same@acme.example", identifier=f"E{key}0") for key in ("1", "2")]
    shared = unlinked("9", email="same@acme.example", identifier="X")
    decision = plan([*twins, employee("3")], [shared, user("3")], settings=settings(absent_reads=2))
    assert held(decision)["user:u9"] == "disputed"
    assert decision.absences == {}
    assert codes(decision, Severity.INFO) == []


def test_changes_and_held_people_bear_their_names() -> None:
    employees = [employee("1"), employee("2", department="Legal"), employee("3"), employee("4", start=TOMORROW)]
    employees[3] |= {"internal.lifecycleStatus": "Hired", "humanReadable.internal.lifecycleStatus": "Hired"}
    users = [user("2"), unlinked("3"), user("5"), user("6")]
    decision = plan(employees, users, settings=settings(protected=(Protection(person="u6"),)))
    assert {each.action.value: each.name for each in decision.changes} == {
        "add": "Ada Person 1",
        "update": "Ada Person 2",
        "link": "Ada Person 3",
        "archive": "Ada Person 5",
    }
    assert {each.key: each.name for each in decision.held} == {"4": "Ada Person 4", "user:u6": "Ada Person 6"}
    assert only(decision, Action.LINK).seen.attributes["Department"] == "Sales"  # type: ignore[union-attr]


def test_somebody_protected_reads_what_would_have_happened() -> None:
    decision = plan([employee("1")], [user("1"), user("6")], settings=settings(protected=(Protection(person="u6"),)))
    assert _why(decision, "user:u6") == (
        "In this domain, not in HiBob’s complete answer. Protected, so never archived: so the domain's settings say, until "
        "they are changed."
    )
    decided = plan([employee("1")], [user("1"), user("6")], decisions=Decisions(protected=frozenset({"user:u6"})))
    assert _why(decided, "user:u6").endswith("never archived: so it was decided, until that is taken back.")


def test_whoever_is_held_for_their_status_or_start_date_reads_what_would_release_them() -> None:
    hired = {"lifecycle": "Hired", "start": "31/02/2026"}
    decision = plan([employee("1", lifecycle="Leave"), employee("2", **hired)])
    assert "Added once it changes, or once the domain's lifecycle table says that it means live." in _why(decision, "1")
    assert "without a start date that can be read" in _why(decision, "2")


def test_a_leaver_held_for_a_shared_identifier_bears_reason_and_name() -> None:
    same = {"identifier": "E7"}
    decision = plan([employee("1", lifecycle="Terminated", **same), employee("2", **same)], [user("1", **same)])
    (leaver,) = [each for each in decision.held if each.key == "1"]
    assert (leaver.code, leaver.name) == ("duplicate-id", "Ada Person 1")
    assert "share the unique identifier" in leaver.why
    assert leaver.why.endswith("Give each their own in HiBob.")


def test_a_disputed_user_bears_reason_and_name() -> None:
    twins = [employee(key, email="same@acme.example", identifier=f"E{key}0") for key in ("1", "2")]
    decision = plan(twins, [unlinked("9", email="same@acme.example", identifier="X")])
    (found,) = [each for each in decision.held if each.key == "user:u9"]
    assert found.name == "Ada Person 9"
    assert "each has the e-mail “same@acme.example”." in found.why
    assert found.why.endswith("Make the identifiers unique in HiBob or Skillcast.")


def test_an_update_says_what_differs_in_one_sentence() -> None:
    one = plan([employee("1", department="Legal")], [user("1")])
    assert only(one, Action.UPDATE).why == "Department differs from HiBob."
    two = plan([employee("1", department="Legal", first="Eva")], [user("1")])
    assert only(two, Action.UPDATE).why == "First name, Department differ from HiBob."


def test_a_reactivation_says_the_status_and_what_differs_besides() -> None:
    same = plan([employee("1")], [archived("1")])
    assert only(same, Action.REACTIVATE).why == "Employed in HiBob, archived here."
    other = plan([employee("1", department="Legal")], [archived("1")])
    assert only(other, Action.REACTIVATE).why == "Employed in HiBob, archived here. Department differs from HiBob."


def test_an_archive_says_the_last_day_where_that_decided() -> None:
    garden = plan([employee("1", lifecycle="Garden leave", last_day=YESTERDAY)], [user("1")])
    assert only(garden, Action.ARCHIVE).why == f"Garden leave in HiBob; last day of work was {YESTERDAY}."
    left = plan([employee("1", lifecycle="Terminated")], [user("1")])
    assert only(left, Action.ARCHIVE).why == "Terminated in HiBob."
    outside = settings(scope=(ScopeRule(True, "work.site", ("London",)),))
    moved = plan([employee("1", site="Cork"), employee("2", site="London")], [user("1"), user("2")], settings=outside)
    assert only(moved, Action.ARCHIVE).why.startswith("Left this domain")


def test_whoever_is_held_reads_what_would_release_them() -> None:
    on_leave = plan([employee("1", lifecycle="Leave")])
    assert _why(on_leave, "1").startswith("Leave in HiBob")
    nothing = plan([employee("1", lifecycle="", status="")])
    assert _why(nothing, "1").startswith("no lifecycle status in HiBob")
    waiting = Lifecycle(wait_until_days_before_start=3)
    future = plan([employee("1", lifecycle="Hired", start="2026-03-10")], settings=settings(lifecycle=waiting))
    assert _why(future, "1") == "Starts on 2026-03-10. Becomes live on 2026-03-07."
    that_day = plan([employee("1", lifecycle="Hired", start="2026-03-10")])
    assert _why(that_day, "1") == "Starts on 2026-03-10, and becomes live that day."
    taken = plan([employee("1"), employee("2", identifier="E1", email="x@acme.example")], [user("1")])
    assert "Give each their own in HiBob" in _why(taken, "2")


def test_who_waits_for_an_identifier_reads_whose_it_is() -> None:
    decision = plan([employee("1", identifier="E2"), employee("2", identifier="E3")], [user("1"), user("2")])
    assert held(decision) == {"1": "identifier-taken"}
    assert "still belongs to user u2. Released by the run after" in _why(decision, "1")


def test_the_first_user_keeps_an_identifier_that_another_user_has_as_well() -> None:
    decision = plan([employee("1", department="Legal")], [user("1"), archived("9", identifier="E1")])
    assert actions(decision) == [("1", "update")]


def test_an_unreadable_value_that_applies_on_add_only_holds_no_existing_user() -> None:
    start = Attribute("Start date", "work.startDate", type=AttributeType.DATE, apply=Apply.ON_ADD)
    decision = plan([employee("1", start="soon"), employee("2", start="soon")], [user("1")], attributes=mapped(start))
    assert held(decision) == {"2": "unreadable"}


def test_an_unreadable_value_holds_a_user_who_agrees_in_everything_else() -> None:
    start = Attribute("Start date", "work.startDate", type=AttributeType.DATE)
    decision = plan([employee("1", start="soon")], [user("1", start="2020-01-01")], attributes=mapped(start))
    assert held(decision) == {"1": "unreadable"}


def test_a_leaver_is_protected_by_the_e_mail_that_hibob_has() -> None:
    left = employee("1", email="new@acme.example", lifecycle="Terminated")
    decision = plan([left], [user("1")], settings=settings(protected=(Protection(person="NEW@acme.example"),)))
    assert held(decision) == {"1": "protected"}


def test_a_future_starter_whose_user_agrees_in_everything_is_linked_and_not_held() -> None:
    decision = plan([employee("1", lifecycle="Hired", start=TOMORROW)], [unlinked("1", start=TOMORROW)])
    assert held(decision) == {}
    assert actions(decision) == [("1", "link")]
