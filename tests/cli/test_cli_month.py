"""Thirty days in one go: a lost permission, an expired token, the night when the clocks change, and restarts in the
middle give exactly the runs and messages that docs/schedules.md promises, at a real webhook."""

import threading
from datetime import datetime, timedelta

from driver import ADMIN, STAFF, Rollcall, customer, domain
from mail_servers import mail_server
from scheduling import DAILY, SECRET, Clockwork, Receiver, event, hear
from scim_servers import TOKEN, Answer, Next, Request, ScimServer, Twist, answers, scim_error
from test_cli_scim import links, portal_domain
from tiny_hibob import TinyHiBob, key_of

from provisioning.workflow.hearing import Heard
from provisioning.workflow.targets import add_notify_target, send_test, targets_seen

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


def test_thirty_days_into_a_portal_with_webhooks_and_kills(empty: Rollcall, hibob: TinyHiBob) -> None:
    """The same into a server that speaks SCIM: a joiner is there minutes after Save, a process is killed in the middle of
    a run, the portal is down for a night, and webhooks come in quarantine too."""
    begun, go = threading.Event(), threading.Event()
    go.set()
    with Receiver() as receiver, ScimServer(held_back(begun, go)) as portal:
        empty.environment |= {"ACME_WEBHOOK": SECRET, "SCIM_TOKEN": TOKEN}
        content = customer(hibob.base_url, portal_domain(portal, schedule=HALF_PAST_ONE))
        content["connections"][0]["webhook"] = {"env": "ACME_WEBHOOK"}
        empty.set_up(content).fine()
        month = Clockwork(empty, START)
        add_notify_target(month.seen_by(ADMIN), STAFF, receiver.url)
        month.sync()
        month.switch_on()
        ran: list[tuple[str, str]] = []

        def until(day: str, time: str = "12:00") -> None:
            ran.extend(
                (when, "quarantine" if "quarantine" in each.text else "run" if each.run_id else "nothing")
                for when, each in month.until(f"2027-{day}T{time}:00Z", timedelta(minutes=10))
            )
            month.restart()

        def save(number: int) -> None:
            """HR saves a joiner in HiBob, which tells us."""
            hibob.join(number)
            assert hear(month, event(month, number)) is Heard.NOTED

        until("03-05", "15:00")
        save(31)
        (minutes_later,) = month.after(minutes=2)
        assert minutes_later.run_id
        assert key_of(31) in links(portal)
        hibob.join(32)
        hibob.join(33)
        go.clear()  # The portal does not answer until the process that asks is dead; then it does what it was asked.
        until("03-06", "01:20")
        month.killed_at("2027-03-06T01:30:00+00:00", begun)
        go.set()
        until("03-07")
        hibob.denied = {"work"}  # Somebody took a permission away,
        until("03-08", "10:00")
        save(34)  # which does not end by a webhook.
        until("03-10")
        hibob.denied = set()
        until("03-12")
        portal.twists.insert(0, answers(503, scim_error(503, "down for the night")))
        until("03-13", "06:00")
        portal.twists.pop(0)
        until("03-15")
        hibob.fault = 401  # The token expired.
        until("03-17")
        hibob.fault = None
        until("03-27")
        hibob.join(35)
        until("04-04")  # In between the clocks went forward: 01:30 did not exist.

        assert links(portal) == [key_of(number) for number in range(1, 36)]
        assert all(each["active"] for each in portal.everybody)
    assert [each for each in ran if each[1] != "nothing"] == [
        ("03-06 01:40", "run"),  # The killed one, gone on with.
        ("03-08 01:30", "quarantine"),
        ("03-08 07:30", "quarantine"),
        ("03-08 19:30", "quarantine"),
        ("03-09 19:30", "quarantine"),
        ("03-10 19:30", "run"),
        ("03-13 01:30", "quarantine"),
        ("03-16 01:30", "quarantine"),
        ("03-16 07:30", "quarantine"),
        ("03-16 19:30", "quarantine"),
        ("03-28 01:00", "run"),  # 02:00 in London, the first moment after the gap.
    ]
    assert month.told() == [
        ("03-08 01:30", "block"),
        ("03-13 01:30", "connection"),
        ("03-16 01:30", "connection"),
    ]
    assert [each["title"].partition(": ")[2] for each in receiver.received] == [
        "the schedule is blocked",
        "HiBob or the directory cannot be used",
        "HiBob or the directory cannot be used",
    ]
    assert [each["what"] for each in empty.history()].count("run resumed") == 1
    nights = {when[:5] for when, _ in ran if when[6:] in ("01:30", "01:40", "00:30", "01:00")}
    days = {f"{datetime.fromisoformat(START) + timedelta(days=number):%m-%d}" for number in range(1, 31)}
    assert days - nights == {"03-09", "03-10", "03-17"}, "what fell into a quarantine is not made up for"
    empty.call("verify").fine()


def held_back(begun: threading.Event, go: threading.Event) -> Twist:
    """Writes wait for `go`, and are done then, whoever still listens."""

    def twist(request: Request, following: Next) -> Answer:
        if request.writes:
            begun.set() if not go.is_set() else None
            assert go.wait(60)
        return following(request)

    return twist


def test_who_is_told_of_failures_hears_that_the_run_stopped_early(empty: Rollcall, hibob: TinyHiBob) -> None:
    def refuses(request: Request, following: Next) -> Answer:
        return answers(403, scim_error(403, "not yours"))(request, following) if request.writes else following(request)

    with ScimServer() as portal:
        empty.environment["SCIM_TOKEN"] = TOKEN
        empty.set_up(customer(hibob.base_url, portal_domain(portal, schedule=DAILY))).fine()
        month = Clockwork(empty, START)
        month.sync()
        month.switch_on()
        for number in range(31, 161):
            hibob.join(number)
        portal.twists.insert(0, refuses)
        (done,) = month.at("2027-03-06T05:00:00Z")
        assert (done.code, "stopped" in done.text) == (4, True)
        assert "It stopped before its end: the others are still to do." in month.messages()[0].body
        portal.twists.pop(0)
        (done,) = month.at("2027-03-07T05:00:00Z")
        assert "130 done" in done.text


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
        (target,) = targets_seen(clockwork.house, STAFF)
        assert (target.variable, target.name) == ("ACME_NOTIFY_URL", "json://127.0.0.1")
        assert target.problem == "json://127.0.0.1 did not take the message"
        clockwork.after(minutes=5)
        receiver.status = 200
        clockwork.after(hours=1)
        clockwork.until("2027-03-07T12:00:00Z")
        assert len(receiver.received) == 3
        assert [each.problem for each in targets_seen(clockwork.house, STAFF)] == [""]


def test_an_e_mail_address_is_written_to_again_once_the_mail_server_is_back(empty: Rollcall, hibob: TinyHiBob) -> None:
    with mail_server() as (mailbox, port):
        empty.environment |= {
            "HR": "email:hr@acme.example", "ROLLCALL_MAIL": f"mailto://127.0.0.1:{port}?from=rollcall@acme.example"
        }  # fmt: skip
        empty.set_up(customer(hibob.base_url, domain(schedule=DAILY, notify=[{"env": "HR"}]))).fine()
        server = empty.environment.pop("ROLLCALL_MAIL")
        clockwork = Clockwork(empty, START)
        clockwork.sync()
        clockwork.switch_on()
        hibob.fault = 500
        clockwork.at("2027-03-06T05:00:00Z")
        hibob.fault = None
        (target,) = targets_seen(clockwork.house, STAFF)
        assert (target.name, target.tried_at is None) == ("hr@acme.example", False)
        assert "Mail is not set up on this installation" in target.problem
        empty.environment["ROLLCALL_MAIL"] = server
        clockwork.restart()
        clockwork.after(minutes=5)
        assert [each["to"] for each in mailbox.mails] == ["hr@acme.example"]
        assert [each.problem for each in targets_seen(clockwork.house, STAFF)] == [""]


def test_a_test_message_says_at_once_what_came_of_it(empty: Rollcall, hibob: TinyHiBob) -> None:
    with Receiver() as receiver:
        empty.environment |= {"ACME_NOTIFY_URL": receiver.url, "OTHER_URL": "mailto://127.0.0.1:1?from=a@b.example"}
        targets = [{"env": "ACME_NOTIFY_URL"}, {"env": "OTHER_URL"}]
        empty.set_up(customer(hibob.base_url, domain(notify=targets))).fine()
        good, bad = send_test(Clockwork(empty, START).seen_by(ADMIN), STAFF)
        assert (good.problem, len(receiver.received)) == ("", 1)
        assert bad.problem == "mailto://127.0.0.1 did not take the message"
        assert receiver.received[0]["title"] == f"{STAFF}: a test"


def test_an_address_that_is_no_target_is_refused_when_it_is_set_up(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.environment["ACME_NOTIFY_URL"] = "file:///etc/passwd"
    content = customer(hibob.base_url, domain(notify=[{"env": "ACME_NOTIFY_URL"}]))
    assert "cannot go to file://" in empty.set_up(content).complaint(2)
