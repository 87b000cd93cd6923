"""The moments of a schedule, daylight saving included, and how long a troubled one rests."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.schedule import (
    is_due,
    next_time,
    next_times,
    quiet_until,
    reminder,
    rest,
)

LONDON, NEW_YORK, KATHMANDU, LORD_HOWE = "Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"
ZONES = ["UTC", LONDON, NEW_YORK, KATHMANDU, LORD_HOWE]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shown(cron: str, timezone: str, after: str, count: int = 5) -> list[str]:
    return [f"{each.at:%m-%d %H:%M %z}" for each in next_times(cron, timezone, at(after), count)]


def notes(cron: str, timezone: str, after: str) -> list[str]:
    return [each.note for each in next_times(cron, timezone, at(after), 3)]


def test_five_coming_times_as_the_clock_on_the_wall_shows_them() -> None:
    assert shown("0 5 * * 1-5", LONDON, "2026-11-19T12:00:00Z") == [
        "11-20 05:00 +0000",
        "11-23 05:00 +0000",
        "11-24 05:00 +0000",
        "11-25 05:00 +0000",
        "11-26 05:00 +0000",
    ]


def test_five_in_the_morning_stays_five_when_the_clocks_change() -> None:
    assert shown("0 5 * * *", LONDON, "2027-03-27T04:00:00Z", 3) == [
        "03-27 05:00 +0000",
        "03-28 05:00 +0100",
        "03-29 05:00 +0100",
    ]
    assert notes("0 5 * * *", LONDON, "2027-03-27T04:00:00Z") == ["", "", ""]


def test_a_time_that_does_not_exist_is_the_first_moment_after_the_gap() -> None:
    assert shown("30 1 * * *", LONDON, "2027-03-27T12:00:00Z", 2) == ["03-28 02:00 +0100", "03-29 01:30 +0100"]
    assert notes("30 1 * * *", LONDON, "2027-03-27T12:00:00Z")[0] == ("The clocks go forward: 01:30 does not exist.")


def test_a_time_that_comes_twice_counts_once_and_is_the_first() -> None:
    assert shown("30 1 * * *", LONDON, "2026-10-24T12:00:00Z", 2) == ["10-25 01:30 +0100", "10-26 01:30 +0000"]
    assert notes("30 1 * * *", LONDON, "2026-10-24T12:00:00Z")[0] == (
        "The clocks go back: 01:30 comes twice, and the first one counts."
    )


def test_between_the_two_times_that_look_alike_the_first_is_over() -> None:
    between, after_the_second = "2026-10-25T00:45:00Z", "2026-10-25T01:45:00Z"
    for moment in (between, after_the_second):
        assert shown("30 1 * * *", LONDON, moment, 1) == ["10-26 01:30 +0000"]


def test_several_times_in_the_gap_are_one_run() -> None:
    assert shown("*/15 1,2 * * *", LONDON, "2027-03-28T00:50:00Z", 3) == [
        "03-28 02:00 +0100",
        "03-28 02:15 +0100",
        "03-28 02:30 +0100",
    ]


def test_half_an_hour_of_daylight_saving_is_a_gap_too() -> None:
    assert shown("15 2 * * *", LORD_HOWE, "2026-10-03T00:00:00Z", 1) == ["10-04 02:30 +1100"]


def test_a_schedule_may_come_once_in_years() -> None:
    assert next_times(
        "0 0 30 2 1", "UTC", at("2026-11-22T00:00:00Z"), 2
    )  # The day or the weekday: Mondays of February.
    assert next_time("0 0 29 2 *", "UTC", at("2026-11-22T00:00:00Z")) == at("2028-02-29T00:00:00Z")


@pytest.mark.parametrize(
    ("served", "now", "due"),
    [
        ("2026-11-22T05:00:00Z", "2026-11-22T05:00:00Z", False),
        ("2026-11-22T05:00:00Z", "2026-11-23T04:59:59Z", False),
        ("2026-11-22T05:00:00Z", "2026-11-23T05:00:00Z", True),
        ("2026-11-22T05:00:00Z", "2026-11-29T12:00:00Z", True),
    ],
    ids=["just served", "a second before", "on time", "a week late"],
)
def test_due_is_what_came_since_it_was_served(served: str, now: str, due: bool) -> None:
    assert is_due("0 5 * * *", "UTC", at(served), at(now)) is due


def test_times_that_were_missed_are_one_run() -> None:
    now = at("2026-11-29T12:00:00Z")
    assert is_due("0 5 * * *", "UTC", at("2026-11-22T05:00:00Z"), now)
    assert not is_due("0 5 * * *", "UTC", now, now)


def test_a_troubled_schedule_rests_longer_each_time_and_then_daily() -> None:
    assert [rest(tries) / timedelta(hours=1) for tries in range(1, 7)] == [6, 12, 24, 24, 24, 24]


def test_a_quiet_time_begins_anew_with_each_event_but_not_for_ever() -> None:
    first, quiet = at("2026-11-22T05:00:00Z"), timedelta(minutes=2)
    assert quiet_until(first, first, quiet) == at("2026-11-22T05:02:00Z")
    assert quiet_until(first, at("2026-11-22T05:01:00Z"), quiet) == at("2026-11-22T05:03:00Z")
    assert quiet_until(first, at("2026-11-22T05:09:30Z"), quiet) == at("2026-11-22T05:10:00Z")


def test_people_are_reminded_after_a_day_and_when_the_plan_has_lapsed() -> None:
    since = at("2026-11-01T05:00:00Z")
    first = reminder(since, None)
    assert first == at("2026-11-02T05:00:00Z")
    assert reminder(since, first) == at("2026-11-15T06:00:00Z")


# --- for every schedule -----------------------------------------------------------------------------------

MOMENTS = st.integers(1577836800, 2051222400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
DAILY = st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23))
CRONS = DAILY | st.sampled_from(
    ["*/20 * * * *", "0 * * * *", "15 1,2,3 * * *", "0 0 1 * *", "30 2 * * SUN", "5 4 * * 1-5"]
)


@given(cron=CRONS, zone=st.sampled_from(ZONES), after=MOMENTS)
def test_times_are_in_order_and_each_is_a_moment_of_its_own(cron: str, zone: str, after: datetime) -> None:
    found = [each.at.astimezone(UTC) for each in next_times(cron, zone, after, 8)]
    assert all(earlier < later for earlier, later in zip([after, *found], found, strict=False))


@given(cron=CRONS, zone=st.sampled_from(ZONES), after=MOMENTS)
def test_from_one_time_on_come_the_same_others(cron: str, zone: str, after: datetime) -> None:
    found = next_times(cron, zone, after, 6)
    assert next_times(cron, zone, found[0].at, 5) == found[1:]


@given(cron=DAILY, zone=st.sampled_from(ZONES), after=MOMENTS)
def test_a_daily_schedule_comes_once_on_every_date(cron: str, zone: str, after: datetime) -> None:
    days = [each.at.date() for each in next_times(cron, zone, after, 40)]
    assert days == [days[0] + timedelta(days=number) for number in range(40)]


@given(zone=st.sampled_from(ZONES), after=MOMENTS)
def test_every_time_shown_exists_on_the_wall(zone: str, after: datetime) -> None:
    for each in next_times("*/10 * * * *", zone, after, 20):
        assert each.at.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == each.at.replace(tzinfo=None)
