"""A clock that jumps far into the future removes nothing early; one that has been right for a day does."""

from datetime import UTC, datetime, timedelta

import pytest
from driver import Rollcall, customer
from small_company import HiBob, with_clock
from tiny_hibob import company

FAR = timedelta(days=10 * 365)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    with_clock(monkeypatch, found)
    return found


@pytest.fixture
def hibob():  # type: ignore[no-untyped-def]
    with HiBob(company(30)) as running:
        yield running


@pytest.fixture
def house(tmp_path, hibob: HiBob, clock: Clock) -> Rollcall:  # type: ignore[no-untyped-def]
    found = Rollcall(tmp_path / "data")
    about = {"name": "Acme", "retention_days": 100}
    found.set_up(customer(hibob.base_url, customer=about)).fine()
    for number in range(1, 4):
        hibob.join(100 + number)
        found.sync()
        clock.now += timedelta(hours=12)
    return found


def another_run(house: Rollcall, hibob: HiBob, number: int) -> None:
    hibob.join(number)
    house.sync()


def plans(house: Rollcall) -> int:
    return int(house.sql("SELECT count(*) FROM plans")[0][0])


def said(house: Rollcall, what: str) -> list[dict[str, object]]:
    return [each["details"] for each in house.history() if each["what"] == what]


def test_a_jump_ahead_removes_nothing_and_is_said(house: Rollcall, hibob: HiBob, clock: Clock) -> None:
    clock.now += FAR
    another_run(house, hibob, 41)
    clock.now += timedelta(hours=20)
    another_run(house, hibob, 42)
    assert plans(house) == 5
    assert said(house, "old plans removed") == []
    told = said(house, "old plans kept")
    assert [(each["plans"], each["clock_ahead_days"]) for each in told] == [(3, 3650), (3, 3650)]


def test_a_clock_that_was_put_right_again_goes_on_as_if_nothing_had_been(
    house: Rollcall, hibob: HiBob, clock: Clock
) -> None:
    clock.now += FAR
    another_run(house, hibob, 41)
    clock.now -= FAR
    another_run(house, hibob, 42)
    clock.now += timedelta(days=2)
    another_run(house, hibob, 43)
    assert plans(house) == 6
    assert len(said(house, "old plans kept")) == 1


def test_after_a_long_rest_what_is_old_goes_a_day_later(house: Rollcall, hibob: HiBob, clock: Clock) -> None:
    clock.now += timedelta(days=150)
    another_run(house, hibob, 41)
    assert plans(house) == 4
    clock.now += timedelta(days=1)
    another_run(house, hibob, 42)
    assert plans(house) == 2
    assert [each["plans"] for each in said(house, "old plans removed")] == [3]


def test_a_rest_of_less_than_a_tenth_of_the_retention_changes_nothing(
    house: Rollcall, hibob: HiBob, clock: Clock
) -> None:
    for number in range(41, 53):
        clock.now += timedelta(days=9)
        another_run(house, hibob, number)
    assert said(house, "old plans kept") == []
    assert said(house, "old plans removed") != []
