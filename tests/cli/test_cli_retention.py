"""`retention_days`: what is old is removed after a run, and nothing that anybody still needs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from driver import ADMIN, Rollcall, customer, until
from tiny_hibob import TinyHiBob

from provisioning.workflow import setting_up
from provisioning.workflow.house import Workspace, member

LONG_AGO = "2020-01-01T00:00:00.000000Z"
TABLES = ("plans", "changes", "approvals", "runs", "outcomes")


def work(house: Rollcall, met: Callable[[], bool]) -> None:
    """A worker runs until this came about."""
    process = house.start("worker")
    assert process.stdout is not None
    assert b"ready" in process.stdout.readline()
    until(met)
    process.terminate()
    process.communicate()


def make_old(house: Rollcall) -> None:
    """All that happened so far was years ago."""
    house.sql("UPDATE plans SET made_at = ?, read_at = ?", LONG_AGO, LONG_AGO)
    house.sql("UPDATE runs SET started_at = ?, ended_at = ?", LONG_AGO, LONG_AGO)
    house.sql("UPDATE outcomes SET at = ?", LONG_AGO)


def rows(house: Rollcall) -> dict[str, int]:
    return {table: house.sql(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def another_run(house: Rollcall, hibob: TinyHiBob) -> Any:
    hibob.join(41)
    return house.sync()


def test_what_is_older_is_removed_with_all_that_hangs_on_it_after_the_next_run(
    staffed: Rollcall, hibob: TinyHiBob
) -> None:
    make_old(staffed)
    plan = another_run(staffed, hibob)
    assert rows(staffed) == {"plans": 1, "changes": 1, "approvals": 1, "runs": 1, "outcomes": 1}
    assert staffed.sql("SELECT id FROM plans") == [(plan["plan"],)]
    assert len(staffed.users()) == 31
    assert staffed.preview()["status"] == "empty"


def test_the_history_stays_and_says_that_it_was_removed(staffed: Rollcall, hibob: TinyHiBob) -> None:
    make_old(staffed)
    before = len(staffed.history())
    another_run(staffed, hibob)
    told = [each for each in staffed.history() if each["what"] == "old plans removed"]
    assert [[each["details"][name] for name in ("plans", "jobs", "days")] for each in told] == [[1, 0, 730]]
    assert len(staffed.history()) == before + 5
    staffed.call("verify").fine()


def test_what_is_young_stays(staffed: Rollcall, hibob: TinyHiBob) -> None:
    another_run(staffed, hibob)
    assert rows(staffed)["plans"] == 2


def test_an_old_plan_with_a_young_outcome_stays(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.sql("UPDATE plans SET made_at = ?", LONG_AGO)
    staffed.sql("UPDATE runs SET started_at = ?, ended_at = ?", LONG_AGO, LONG_AGO)
    another_run(staffed, hibob)
    assert rows(staffed)["plans"] == 2


@pytest.mark.parametrize(("days", "kept"), [(13, 2), (15, 1)])
def test_never_sooner_than_the_fourteen_days_that_a_plan_may_be_approved(
    staffed: Rollcall, hibob: TinyHiBob, days: int, kept: int
) -> None:
    staffed.set_up(customer(hibob.base_url, customer={"name": "Acme", "retention_days": 1})).fine()
    for column, table in (("made_at", "plans"), ("started_at", "runs"), ("ended_at", "runs"), ("at", "outcomes")):
        staffed.sql(f"UPDATE {table} SET {column} = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{days} days')")
    another_run(staffed, hibob)
    assert rows(staffed)["plans"] == kept


def test_the_worker_removes_what_is_old_when_it_starts(staffed: Rollcall) -> None:
    make_old(staffed)
    staffed.sql(
        "INSERT INTO jobs (domain_id, kind, by, asked_at, state, ended_at) VALUES (1, 'preview', 'x', ?1, 'done', ?1), "
        "(1, 'preview', 'x', ?1, 'failed', '2999-01-01')",
        LONG_AGO,
    )
    work(staffed, lambda: not staffed.sql("SELECT * FROM plans"))
    assert rows(staffed) == dict.fromkeys(TABLES, 0)
    assert staffed.sql("SELECT state FROM jobs") == [("failed",)]


# --- the history's content --------------------------------------------------------------------------------


def long_ago(house: Rollcall, days: int) -> None:
    """Somebody did something so many days ago, in the chain as it was written then."""
    past = datetime.now(UTC) - timedelta(days=days)
    then = Workspace(house.data, house.environment, member(ADMIN), clock=lambda: past)
    setting_up.export(then, "Acme")
    then.db.close()


def emptied(house: Rollcall) -> int:
    return int(house.sql("SELECT count(*) FROM history WHERE what = ''")[0][0])


@pytest.fixture
def aged(acme: Rollcall) -> Rollcall:
    """Acme with two rows in its history that are older than its retention, and two that are not: the last of them of the
    day before yesterday, so that the clock is believed."""
    for days in (900, 800, 700, 2):
        long_ago(acme, days)
    return acme


def test_the_worker_empties_the_history_of_what_is_older_and_says_so_in_it(aged: Rollcall) -> None:
    work(aged, lambda: emptied(aged) > 0)
    assert emptied(aged) == 2
    told = [each for each in aged.history("Acme") if each["what"] == "content of the history removed"]
    assert [each["details"]["why"] for each in told] == ["retention of 730 days"]
    aged.call("verify").fine()


def test_due_does_so_too_and_a_second_time_there_is_nothing_to_do(aged: Rollcall) -> None:
    aged.call("due").fine()
    rows_after = aged.sql("SELECT count(*) FROM history")
    aged.call("due").fine()
    assert emptied(aged) == 2
    assert aged.sql("SELECT count(*) FROM history") == rows_after


def test_each_customer_by_its_own_retention_one_that_left_too(aged: Rollcall, hibob: TinyHiBob) -> None:
    aged.call("offboard", "Acme", "--users", "stay", by=ADMIN).fine()
    other = customer(hibob.base_url, customer={"name": "Globex", "retention_days": 10000})
    aged.set_up(other).fine()
    past = Workspace(aged.data, aged.environment, member(ADMIN), clock=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    setting_up.export(past, "Globex")
    past.db.close()
    long_ago(aged, 2)
    aged.call("due").fine()
    assert emptied(aged) == 2
    aged.call("verify").fine()


def test_while_the_clock_seems_to_have_jumped_nothing_is_emptied(aged: Rollcall) -> None:
    long_ago(aged, 800)
    aged.call("due").fine()
    assert emptied(aged) == 0
