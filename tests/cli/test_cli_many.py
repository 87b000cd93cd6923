"""Many domains due at the same minute: each has its turn once, none waits for ever, and a broken one stops no other."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from driver import ADMIN, ATTRIBUTES, STAFF, Rollcall, customer, domain, until
from scheduling import DAILY, Clockwork
from tiny_hibob import TinyHiBob, company

from provisioning.store import customers, schedules
from provisioning.workflow import scheduling
from provisioning.workflow.resting import approval_by, change, table_of

START, FIVE = "2027-03-05T12:00:00+00:00", "2027-03-06T05:00:00Z"
MANY = 40
PREVIEW = DAILY | {"does": "preview"}
NAMES = [f"d{number:03}" for number in range(MANY)]


@pytest.fixture
def few_people() -> Iterator[TinyHiBob]:
    with TinyHiBob(company(2)) as running:
        yield running


def domains(names: list[str], schedule: dict[str, Any]) -> list[dict[str, Any]]:
    return [domain(*ATTRIBUTES, name=name, schedule=schedule) for name in names]


def all_on(clockwork: Clockwork) -> None:
    """Switched on, as if each had been processed by hand before."""
    house = clockwork.house
    with house.db.transaction():
        for each in customers.all_domains(house.db):
            table = table_of(house, each)
            assert table
            given = approval_by(house, each, table, ADMIN)
            state = schedules.State(given, house.clock())
            change(house, each, lambda _, state=state: state)


def events(house: Rollcall, what: str) -> list[str]:
    return [
        row[0]
        for row in house.sql("SELECT d.name FROM history h JOIN domains d ON d.id = h.domain_id WHERE what = ?", what)
    ]


def test_domains_due_at_the_same_minute_are_gone_through_once_each(empty: Rollcall, few_people: TinyHiBob) -> None:
    empty.set_up(customer(few_people.base_url, *domains(NAMES, PREVIEW))).fine()
    clockwork = Clockwork(empty, START)
    all_on(clockwork)
    done = clockwork.at(FIVE)
    assert sorted(each.label for each in done) == [f"Acme/{name}" for name in NAMES]
    assert {each.code for each in done} == {0}
    assert clockwork.run() == []
    assert sorted(events(empty, "plan made")) == NAMES


def test_who_waited_longest_has_the_first_turn_though_others_are_due_again(
    empty: Rollcall, few_people: TinyHiBob
) -> None:
    busy = {"cron": "* * * * *", "timezone": "UTC", "does": "preview"}
    empty.set_up(customer(few_people.base_url, *domains(["a", "b"], busy), *domains(["z"], PREVIEW))).fine()
    clockwork = Clockwork(empty, START)
    all_on(clockwork)
    clockwork.at("2027-03-06T04:59:00Z")
    labels = [each.label for each in clockwork.at("2027-03-06T05:01:30Z")]
    assert labels == ["Acme/a", "Acme/b", "Acme/z"]


def test_two_processes_share_what_is_due_and_do_nothing_twice(empty: Rollcall, few_people: TinyHiBob) -> None:
    names = NAMES[:12]
    empty.set_up(customer(few_people.base_url, *domains(names, PREVIEW))).fine()
    clockwork = Clockwork(empty, START)
    all_on(clockwork)
    empty.sql("UPDATE schedules SET wake_at = '2020-01-01T00:00:00.000000Z', state = json_set(state, '$.served', '2020-01-01T00:00:00Z')")  # fmt: skip
    both = [empty.start("due"), empty.start("due")]
    said = [each.communicate(timeout=60) for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert sorted(events(empty, "plan made")) == names
    lines = b"".join(out for out, _ in said).decode().splitlines()
    assert sorted(line.partition(":")[0] for line in lines if line.startswith("Acme/")) == [
        f"Acme/{name}" for name in names
    ]


def break_schedule(house: Rollcall, name: str) -> None:
    """Times that no version of Rollcall could have stored."""
    broken = json.dumps({"cron": "every noon", "timezone": "Europe/Nowhere", "does": "preview"})
    house.sql("UPDATE domains SET schedule = ? WHERE name = ?", broken, name)
    house.sql(
        "UPDATE schedules SET state = json_set(state, '$.approval.schedule', ?) WHERE domain_id = "
        "(SELECT id FROM domains WHERE name = ?)", broken, name,
    )  # fmt: skip


def test_a_broken_domain_holds_up_no_other_and_is_left_alone_for_a_while(
    empty: Rollcall, few_people: TinyHiBob, capsys: pytest.CaptureFixture[str]
) -> None:
    empty.set_up(customer(few_people.base_url, *domains(["a", "b", "c"], PREVIEW))).fine()
    clockwork = Clockwork(empty, START)
    all_on(clockwork)
    break_schedule(empty, "a")
    done = {each.label: each for each in clockwork.at(FIVE)}
    assert {label: each.code for label, each in done.items()} == {"Acme/a": 1, "Acme/b": 0, "Acme/c": 0}
    assert "could not be looked at" in done["Acme/a"].text
    assert "Traceback" in capsys.readouterr().err, "the log says more"
    assert clockwork.after(minutes=9) == []
    assert [each.label for each in clockwork.after(minutes=1)] == ["Acme/a"]


def test_the_worker_lives_on_with_a_broken_domain_and_does_the_others(empty: Rollcall, few_people: TinyHiBob) -> None:
    empty.set_up(customer(few_people.base_url, *domains(["a", "b"], PREVIEW))).fine()
    all_on(Clockwork(empty, "2020-01-01T00:00:00+00:00"))
    break_schedule(empty, "a")
    worker = empty.start("worker")
    try:
        until(lambda: events(empty, "plan made") == ["b"])
        assert worker.poll() is None
    finally:
        worker.terminate()
        out, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert "Schedule of Acme/a: could not be looked at" in out.decode()


def test_a_schedule_that_says_the_same_with_its_defaults_is_not_a_changed_one(
    empty: Rollcall, few_people: TinyHiBob
) -> None:
    empty.set_up(customer(few_people.base_url, domain(schedule={"cron": "0 5 * * *"}))).fine()
    clockwork = Clockwork(empty, START)
    clockwork.sync()
    clockwork.switch_on()
    in_full = json.dumps({"cron": "0 5 * * *", "timezone": "UTC", "does": "preview"})
    empty.sql("UPDATE domains SET schedule = ?", in_full)
    assert clockwork.standing == ("on", "")
    assert [each.code for each in clockwork.at(FIVE)] == [0]
    assert scheduling.schedule_seen(clockwork.house, STAFF).by == ADMIN
    after = clockwork.now + timedelta(days=1)
    assert [each.code for each in clockwork.at(after.isoformat())] == [0]
