"""A webhook of HiBob: a joiner is there minutes later, under the same rules as in any scheduled run."""

import pytest
from driver import ADMIN, STAFF, Rollcall, customer, domain
from scheduling import DAILY, SECRET, Clockwork, event, hear
from tiny_hibob import TinyHiBob

from provisioning.errors import NotFound, Refused
from provisioning.workflow import hearing
from provisioning.workflow.hearing import Heard

START = "2027-03-05T12:00:00+00:00"


def acme(house: Rollcall, hibob: TinyHiBob) -> Clockwork:
    house.environment["ACME_WEBHOOK"] = SECRET
    content = customer(hibob.base_url, domain(schedule=DAILY))
    content["connections"][0]["webhook"] = {"env": "ACME_WEBHOOK"}
    house.set_up(content).fine()
    assert house.set_up(content).out == "Nothing changed.\n"
    assert '[connections.webhook]\nenv = "ACME_WEBHOOK"' in house.call("export", "Acme").fine().out
    clockwork = Clockwork(house, START)
    clockwork.sync()
    return clockwork


def test_a_joiner_is_there_after_a_quiet_time(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = acme(empty, hibob)
    clockwork.switch_on()
    hibob.join(31)
    assert hear(clockwork, event(clockwork, 31)) is Heard.NOTED
    assert clockwork.after(seconds=90) == []
    hibob.join(32)
    assert hear(clockwork, event(clockwork, 32)) is Heard.NOTED
    assert clockwork.after(seconds=90) == []
    (done,) = clockwork.after(seconds=30)
    assert "2 done" in done.text
    assert clockwork.after(hours=1) == []


def test_the_same_event_again_does_nothing(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = acme(empty, hibob)
    clockwork.switch_on()
    body = event(clockwork, 1)
    assert hear(clockwork, body) is Heard.NOTED
    clockwork.after(minutes=3)
    assert hear(clockwork, body) is Heard.REPEATED
    assert clockwork.after(minutes=30) == []


def test_nothing_runs_while_the_schedule_is_off_or_in_quarantine(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = acme(empty, hibob)
    assert hear(clockwork, event(clockwork, 1)) is Heard.IGNORED
    clockwork.switch_on()
    hibob.fault = 401
    clockwork.at("2027-03-06T05:00:00Z")
    hibob.fault = None
    assert hear(clockwork, event(clockwork, 2)) is Heard.NOTED
    assert clockwork.after(hours=5, minutes=59) == []
    assert len(clockwork.after(minutes=1)) == 1
    assert clockwork.after(minutes=10) == []


def test_what_is_not_signed_is_refused(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = acme(empty, hibob)
    clockwork.switch_on()
    with pytest.raises(Refused, match="signature"):
        hear(clockwork, event(clockwork, 1), "guessed")
    with pytest.raises(Refused, match="signature"):
        hearing.webhook(clockwork.house, STAFF, {}, event(clockwork, 1))
    with pytest.raises(NotFound):
        hearing.webhook(clockwork.house, "Acme/nobody", {}, event(clockwork, 1))
    assert clockwork.after(minutes=10) == []
    assert SECRET.encode() not in empty.written()


def test_a_connection_without_a_secret_believes_nothing(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    clockwork = Clockwork(staffed, START)
    with pytest.raises(Refused, match="signature"):
        hear(clockwork, event(clockwork, 1), "")
