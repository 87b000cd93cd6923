"""What HiBob's lifecycle status means for somebody without a user, with a live user, and with an archived one."""

from datetime import date

import pytest
from build import (
    NOW,
    TODAY,
    TOMORROW,
    YESTERDAY,
    Row,
    actions,
    archived,
    codes,
    employee,
    finding,
    held,
    plan,
    settings,
    situation,
    snapshot,
    user,
)

from provisioning.engine.lifecycle import Wish, wishes
from provisioning.engine.plan import make_plan
from provisioning.model import Lifecycle, Meaning, Severity


def outcomes(someone: Row, lifecycle: Lifecycle = Lifecycle()) -> tuple[str, str, str]:  # noqa: B008 - frozen
    """What happens to them without a user, with a live one and with an archived one; the code where they are held."""
    found = []
    for users in ([], [user("1")], [archived("1")]):
        decision = plan([someone], users, settings=settings(lifecycle=lifecycle))
        found.append((actions(decision) or list(held(decision).items()) or [("1", "nothing")])[0][1])
    return found[0], found[1], found[2]


LIVE = ("add", "nothing", "reactivate")
ARCHIVED = ("nothing", "archive", "nothing")
AS_IS = ("on-leave", "nothing", "nothing")
WAITS = ("future-starter", "nothing", "future-starter")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Employed", LIVE),
        ("Leave", AS_IS),
        ("Parental leave", AS_IS),
        ("Garden leave", LIVE),
        ("Terminated", ARCHIVED),
        ("Sabbatical", AS_IS),
        ("", AS_IS),
    ],
)
def test_every_status_has_a_meaning_by_default(status: str, expected: tuple[str, str, str]) -> None:
    assert outcomes(employee("1", lifecycle=status, status=None)) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("employed", LIVE),
        ("EMPLOYED", LIVE),
        (" Employed ", LIVE),
        ("parental leave", AS_IS),
        ("parentalLeave", AS_IS),
        ("PARENTAL_LEAVE", AS_IS),
        ("gardenLeave", LIVE),
        ("terminated", ARCHIVED),
    ],
)
def test_a_status_is_compared_without_regard_to_case(status: str, expected: tuple[str, str, str]) -> None:
    assert outcomes(employee("1", lifecycle=status)) == expected


@pytest.mark.parametrize(
    ("written", "meaning", "status", "expected"),
    [
        ("leave", Meaning.ARCHIVED, "Leave", ARCHIVED),
        ("Parental leave", Meaning.LIVE, "Parental leave", LIVE),
        ("Terminated", Meaning.LEAVE_AS_IS, "Terminated", AS_IS),
        ("garden leave", Meaning.ARCHIVED, "Garden leave", ARCHIVED),
        ("hired", Meaning.ARCHIVED, "Hired", ARCHIVED),
        ("Sabbatical", Meaning.LIVE, "Sabbatical", LIVE),
    ],
)
def test_the_table_of_the_domain_comes_before_the_defaults(
    written: str, meaning: Meaning, status: str, expected: tuple[str, str, str]
) -> None:
    assert outcomes(employee("1", lifecycle=status), Lifecycle(((written, meaning),))) == expected


@pytest.mark.parametrize("written", ["2284915", "Sabbatical", "sabbatical", "SABBATICAL"])
def test_a_status_of_the_customers_own_is_known_in_machine_and_human_form(written: str) -> None:
    someone = employee("1", lifecycle="2284915", human={"lifecycle": "Sabbatical"})
    assert outcomes(someone, Lifecycle(((written, Meaning.ARCHIVED),))) == ARCHIVED


@pytest.mark.parametrize("written", ["Congé", "Conge\u0301", "CONGÉ"])
def test_a_status_of_the_customers_own_is_the_same_text_however_it_is_composed(written: str) -> None:
    assert outcomes(employee("1", lifecycle="Congé"), Lifecycle(((written, Meaning.ARCHIVED),))) == ARCHIVED


@pytest.mark.parametrize(
    ("status", "human", "expected"),
    [("Terminated", "Ausgeschieden", ARCHIVED), ("Leave", "Abwesend", AS_IS), ("2284915", "Terminated", ARCHIVED)],
)
def test_a_built_in_status_is_known_in_either_form(status: str, human: str, expected: tuple[str, str, str]) -> None:
    assert outcomes(employee("1", lifecycle=status, human={"lifecycle": human})) == expected


# --- hired -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("2026-03-03", 0, WAITS),
        ("2026-03-02", 0, LIVE),
        ("2026-03-01", 0, LIVE),
        ("2026-03-08", 5, WAITS),
        ("2026-03-07", 5, LIVE),
        ("2026-03-03", 5, LIVE),
        ("2025-03-02", 5, LIVE),
        ("2026-03-02T09:00:00Z", 0, LIVE),
        (None, 0, WAITS),
        (None, 5, WAITS),
        ("03/02/2026", 0, WAITS),
        ("2026-02-31", 0, WAITS),
    ],
)
def test_a_future_starter_waits_until_so_many_days_before_the_start(
    start: str | None, days: int, expected: tuple[str, str, str]
) -> None:
    someone = employee("1", lifecycle="Hired", status="Inactive", start=start)
    assert outcomes(someone, Lifecycle(wait_until_days_before_start=days)) == expected


def test_a_future_starter_reads_on_which_day_they_start() -> None:
    decision = plan([employee("1", lifecycle="Hired", start=TOMORROW)])
    assert TOMORROW in decision.held[0].why


def test_only_the_hired_wait_for_their_start_date() -> None:
    assert outcomes(employee("1", start=TOMORROW)) == LIVE


def test_an_employed_person_without_a_start_date_is_live() -> None:
    assert outcomes(employee("1", start=None)) == LIVE


@pytest.mark.parametrize(("machine", "human"), [("Hired", "Eingestellt"), ("2284915", "Hired"), ("hired", None)])
def test_a_future_starter_is_known_in_either_form(machine: str, human: str | None) -> None:
    someone = employee("1", lifecycle=machine, human={"lifecycle": human}, start=TOMORROW)
    assert outcomes(someone) == WAITS


# --- garden leave ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_day", "expected"),
    [(YESTERDAY, ARCHIVED), (TODAY, LIVE), (TOMORROW, LIVE), (None, LIVE), ("not yet", LIVE)],
)
def test_garden_leave_is_live_until_the_last_day_of_work(last_day: str | None, expected: tuple[str, str, str]) -> None:
    assert outcomes(employee("1", lifecycle="Garden leave", last_day=last_day)) == expected


@pytest.mark.parametrize(("machine", "human"), [("Garden leave", "Freistellung"), ("2284915", "Garden leave")])
def test_garden_leave_is_known_in_either_form(machine: str, human: str) -> None:
    someone = employee("1", lifecycle=machine, human={"lifecycle": human}, last_day=YESTERDAY)
    assert outcomes(someone) == ARCHIVED


def test_the_last_day_of_work_of_the_employed_archives_nobody() -> None:
    assert outcomes(employee("1", last_day=YESTERDAY)) == LIVE


# --- leave as is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Leave", "Parental leave", "Sabbatical"])
def test_on_leave_a_live_users_attributes_are_updated_and_the_status_stays(status: str) -> None:
    decision = plan([employee("1", lifecycle=status, department="HR")], [user("1")])
    assert actions(decision) == [("1", "update")]
    assert decision.changes[0].after == {"Department": "HR"}


@pytest.mark.parametrize("status", ["Leave", "Parental leave", "Sabbatical"])
def test_on_leave_an_archived_user_is_left_alone(status: str) -> None:
    decision = plan([employee("1", lifecycle=status, department="HR")], [archived("1")])
    assert decision.changes == ()
    assert decision.held == ()


def test_an_unknown_status_warns_and_names_the_people_and_adds_nobody() -> None:
    people = [employee("1", lifecycle="Sabbatical"), employee("2"), employee("3", lifecycle="Sabbatical")]
    decision = plan(people, [user("3"), user("2")])
    assert decision.changes == ()
    assert codes(decision) == []
    warning = finding(decision, "unknown-lifecycle")
    assert warning.severity is Severity.WARN
    assert warning.keys == ("1", "3")
    assert "Sabbatical" in warning.message


def test_the_statuses_of_hibob_itself_and_those_in_the_table_warn_of_nothing() -> None:
    names = ("Hired", "Employed", "Leave", "Parental leave", "Garden leave", "Terminated", "Sabbatical")
    people = [employee(str(row), lifecycle=name) for row, name in enumerate(names)]
    rules = settings(lifecycle=Lifecycle((("sabbatical", Meaning.LEAVE_AS_IS),)))
    assert codes(plan(people, settings=rules), Severity.WARN) == []


# --- where lifecycle cannot be read ------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "expected"), [("Active", LIVE), ("Inactive", ARCHIVED), ("active", LIVE)])
def test_where_lifecycle_cannot_be_read_whoever_is_active_is_live(status: str, expected: tuple[str, str, str]) -> None:
    assert outcomes(employee("1", lifecycle=None, status=status)) == expected


def test_lifecycle_comes_before_active_and_inactive() -> None:
    assert outcomes(employee("1", lifecycle="Leave", status="Active")) == AS_IS
    assert outcomes(employee("1", lifecycle="Employed", status="Inactive")) == LIVE


def test_what_is_lost_without_lifecycle_is_said_and_blocks_nothing() -> None:
    decision = make_plan(situation([employee("1")], [user("1")], absent=["lifecycle"]))
    assert codes(decision) == []
    assert codes(decision, Severity.WARN) == ["column-absent"]


def test_the_day_is_an_argument() -> None:
    table = snapshot([employee("1", lifecycle="Hired", start="2026-03-02")]).table
    before, on_the_day = (wishes(Lifecycle(), table, day).wish[0] for day in (date(2026, 3, 1), NOW.date()))
    assert (before, on_the_day) == (Wish.WAIT, Wish.LIVE)


def test_nobody_in_hibob_wishes_nothing() -> None:
    assert wishes(Lifecycle(), snapshot([]).table, NOW.date()).wish.tolist() == []


def test_what_the_table_says_of_hired_and_garden_leave_comes_before_the_calendar() -> None:
    said = Lifecycle((("hired", Meaning.LIVE), ("garden leave", Meaning.LIVE)))
    assert outcomes(employee("1", lifecycle="Hired", start="2099-01-01"), said) == LIVE
    assert outcomes(employee("1", lifecycle="Garden leave", last_day="2001-01-01"), said) == LIVE


def test_a_row_of_the_table_that_fits_nobody_is_told() -> None:
    misspelt = settings(lifecycle=Lifecycle((("leaf", Meaning.LIVE), ("leave", Meaning.LIVE))))
    told = finding(plan([employee("1")], settings=misspelt), "unknown-lifecycle")
    assert (told.severity, "leaf" in told.message, "leave," in told.message) == (Severity.INFO, True, False)


def test_a_known_last_day_that_is_not_over_is_told_and_changes_nothing() -> None:
    people = [employee("1", last_day=TOMORROW), employee("2", last_day=TODAY), employee("3", last_day=YESTERDAY)]
    decision = plan(people, [user("1"), user("2"), user("3")])
    found = finding(decision, "future-archive")
    assert found.severity is Severity.INFO
    assert found.keys == ("2", "1")
    assert TODAY in found.message
    assert decision.changes == ()
