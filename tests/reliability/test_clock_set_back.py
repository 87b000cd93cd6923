"""A clock that is set back: which run is the last, and which plan was overtaken, is known all the same."""

from datetime import UTC, datetime, timedelta

import pytest
from driver import ADMIN, Rollcall, customer
from small_company import HiBob, with_clock
from tiny_hibob import company, key_of


def set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """By two hours, for every command from now on."""
    with_clock(monkeypatch, lambda: datetime.now(UTC) - timedelta(hours=2))


@pytest.fixture
def hibob():  # type: ignore[no-untyped-def]
    with HiBob(company(30)) as running:
        yield running


@pytest.fixture
def house(tmp_path, hibob: HiBob) -> Rollcall:  # type: ignore[no-untyped-def]
    found = Rollcall(tmp_path / "data")
    found.set_up(customer(hibob.base_url)).fine()
    return found


def approved(house: Rollcall) -> str:
    plan: str = house.preview()["plan"]
    house.call("approve", plan, by=ADMIN).fine()
    return plan


def test_the_last_run_of_a_plan_is_the_last_that_was_started(house: Rollcall, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = approved(house)
    house.sql(
        "INSERT INTO users (domain_id, status, attributes) SELECT id, 'Live', json_object('Employee ID', '000007') "
        "FROM domains"
    )
    assert house.call("process", plan, "--json").json["counts"]["failed"] == 1
    set_back(monkeypatch)
    house.sql("DELETE FROM users WHERE external_id IS NULL")
    again = house.call("process", plan, "--retry-failed", "--json").fine().json
    assert house.call("process", plan, "--json").fine().json["run"] == again["run"]
    assert "nobody who failed" in house.call("process", plan, "--retry-failed").complaint(3)


def test_a_plan_that_another_run_overtook_cannot_be_approved(house: Rollcall, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = house.preview()["plan"], approved(house)
    set_back(monkeypatch)
    house.call("process", second).fine()
    assert "Another run" in house.call("approve", first, by=ADMIN).complaint(3)


def test_a_plan_made_after_the_run_can_be_approved_at_once(
    house: Rollcall, hibob: HiBob, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.sync()
    set_back(monkeypatch)
    hibob.join(41)
    assert [each["key"] for each in house.sync()["changes"]] == [key_of(41)]
    hibob.join(42)
    house.sync()
    assert len(house.users()) == 32
