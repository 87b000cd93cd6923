"""Thirty days in one go: a lost permission, an expired token, the night when the clocks change, and restarts in the
middle give exactly the runs and messages that docs/schedules.md promises, at a real webhook."""

from datetime import timedelta

from driver import ADMIN, STAFF, Rollcall, customer, domain
from scheduling import DAILY, Clockwork, Receiver
from tiny_hibob import TinyHiBob

from provisioning import workflow

START = "2027-03-05T12:00:00+00:00"
HALF_PAST_ONE = DAILY | {"cron": "30 1 * * *"}


def test_thirty_days(empty: Rollcall, hibob: TinyHiBob) -> None:
    with Receiver() as receiver:
        empty.environment |= {"ACME_NOTIFY_URL": receiver.url, "ROLLCALL_URL": "https://rollcall.example/"}
        empty.set_up(
            customer(hibob.base_url, domain(schedule=HALF_PAST_ONE, notify=[{"env": "ACME_NOTIFY_URL"}]))
        ).fine()
        month = Clockwork(empty, START)
        month.sync()
        month.switch_on()
        ran: list[tuple[str, str]] = []

        def until(day: str) -> None:
            """A worker that looks every ten minutes until noon of that day; then another process takes over."""
            ran.extend(
                (when, "quarantine" if "quarantine" in each.text else "run" if each.run_id else "nothing")
                for when, each in month.until(f"2027-{day}T12:00:00Z", timedelta(minutes=10))
            )
            month.restart()

        hibob.join(31)
        until("03-06")
        hibob.change(1, surname="New")
        until("03-07")
        until("03-09")
        hibob.denied = {"work"}  # Somebody took a permission away.
        until("03-12")
        hibob.denied = set()
        hibob.join(32)
        until("03-14")
        month.now += timedelta(days=4)  # The machine was off.
        until("03-19")
        hibob.fault = 401  # The token expired.
        until("03-21")
        hibob.fault = None
        until("03-27")
        hibob.join(33)
        until("04-04")  # In between the clocks went forward: 01:30 did not exist.

    assert ran == [
        ("03-06 01:30", "run"),
        ("03-07 01:30", "run"),
        ("03-08 01:30", "nothing"),
        ("03-09 01:30", "nothing"),
        ("03-10 01:30", "quarantine"),
        ("03-10 07:30", "quarantine"),
        ("03-10 19:30", "quarantine"),
        ("03-11 19:30", "quarantine"),
        ("03-12 19:30", "run"),
        ("03-13 01:30", "nothing"),
        ("03-14 01:30", "nothing"),
        ("03-18 12:10", "nothing"),
        ("03-19 01:30", "nothing"),
        ("03-20 01:30", "quarantine"),
        ("03-20 07:30", "quarantine"),
        ("03-20 19:30", "quarantine"),
        ("03-21 19:30", "nothing"),
        ("03-22 01:30", "nothing"),
        ("03-23 01:30", "nothing"),
        ("03-24 01:30", "nothing"),
        ("03-25 01:30", "nothing"),
        ("03-26 01:30", "nothing"),
        ("03-27 01:30", "nothing"),
        ("03-28 01:00", "run"),  # 02:00 in London, the first moment after the gap.
        ("03-29 00:30", "nothing"),
        ("03-30 00:30", "nothing"),
        ("03-31 00:30", "nothing"),
        ("04-01 00:30", "nothing"),
        ("04-02 00:30", "nothing"),
        ("04-03 00:30", "nothing"),
        ("04-04 00:30", "nothing"),
    ]
    assert month.told() == [("03-10 01:30", "block"), ("03-20 01:30", "connection")]
    assert [each["title"] for each in receiver.received] == [
        f"{STAFF}: the schedule is blocked",
        f"{STAFF}: HiBob or the directory cannot be used",
    ]
    blocked, refused = (each["message"] for each in receiver.received)
    assert "column-absent" in blocked
    plan = next(each.link for each in month.messages() if each.about == "block").rpartition("plan=")[2]
    assert blocked.endswith(f"\n\nhttps://rollcall.example/preview?customer=Acme&domain=staff&plan={plan}")
    assert "HiBob refused the credentials" in refused
    assert not any(word in blocked + refused for word in ("First", "Last1", "@acme", "ey/tiny"))
    assert sum(each["status"] == "Live" for each in empty.users()) == 33
    by_hand = [each for each in empty.history() if each["what"] == "run started" and each["who"] == ADMIN]
    assert sum(1 for each in by_hand if each["details"].get("scheduled")) == 4
    empty.call("verify").fine()


def test_a_dead_target_stands_with_the_target_and_is_tried_again(empty: Rollcall, hibob: TinyHiBob) -> None:
    with Receiver(status=500) as receiver:
        empty.environment["ACME_NOTIFY_URL"] = receiver.url
        empty.set_up(customer(hibob.base_url, domain(schedule=DAILY, notify=[{"env": "ACME_NOTIFY_URL"}]))).fine()
        clockwork = Clockwork(empty, START)
        clockwork.sync()
        clockwork.switch_on()
        hibob.fault = 500
        clockwork.at("2027-03-06T05:00:00Z")
        hibob.fault = None
        (target,) = workflow.targets_seen(clockwork.house, STAFF)
        assert (target.variable, target.name) == ("ACME_NOTIFY_URL", "json://127.0.0.1")
        assert target.problem == "json://127.0.0.1 did not take the message"
        clockwork.after(minutes=5)
        receiver.status = 200
        clockwork.after(hours=1)
        clockwork.until("2027-03-07T12:00:00Z")
        assert len(receiver.received) == 3
        assert [each.problem for each in workflow.targets_seen(clockwork.house, STAFF)] == [""]


def test_a_test_message_says_at_once_what_came_of_it(empty: Rollcall, hibob: TinyHiBob) -> None:
    with Receiver() as receiver:
        empty.environment |= {"ACME_NOTIFY_URL": receiver.url, "OTHER_URL": "mailto://127.0.0.1:1?from=a@b.example"}
        targets = [{"env": "ACME_NOTIFY_URL"}, {"env": "OTHER_URL"}]
        empty.set_up(customer(hibob.base_url, domain(notify=targets))).fine()
        good, bad = workflow.send_test(Clockwork(empty, START).seen_by(ADMIN), STAFF)
        assert (good.problem, len(receiver.received)) == ("", 1)
        assert bad.problem == "mailto://127.0.0.1 did not take the message"
        assert receiver.received[0]["title"] == f"{STAFF}: a test"


def test_an_address_that_is_no_target_is_refused_when_it_is_set_up(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.environment["ACME_NOTIFY_URL"] = "file:///etc/passwd"
    content = customer(hibob.base_url, domain(notify=[{"env": "ACME_NOTIFY_URL"}]))
    assert "cannot go to file://" in empty.set_up(content).complaint(2)
