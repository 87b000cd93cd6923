"""Schedules: who may switch one on, what runs when, what makes one rest, and what people are told."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from driver import ADMIN, ATTRIBUTES, AUDITOR, CSM, STAFF, Rollcall, customer, domain, until
from openpyxl import load_workbook
from scheduling import DAILY, Clockwork, overdue
from tiny_hibob import TinyHiBob, key_of

from provisioning.model import Role, Run
from provisioning.store import customers, runs
from provisioning.workflow import (
    approving,
    looking_back,
    overseeing,
    planning,
    processing,
    retention,
    scheduling,
    stored_plans,
    undoing,
    workbooks,
)

START = "2027-03-05T12:00:00+00:00"
PREVIEW_ONLY = DAILY | {"does": "preview"}


def prepared(house: Rollcall, hibob: TinyHiBob, **more: Any) -> Clockwork:
    """Acme with its first run done, a schedule at five in London, and a clock that stands still."""
    house.set_up(customer(hibob.base_url, domain(**{"schedule": DAILY, **more}))).fine()
    clockwork = Clockwork(house, START)
    clockwork.sync()
    return clockwork


@pytest.fixture
def clockwork(empty: Rollcall, hibob: TinyHiBob) -> Iterator[Clockwork]:
    made = prepared(empty, hibob)
    made.switch_on()
    yield made
    made.house.db.close()


def happened(clockwork: Clockwork, what: str) -> list[dict[str, Any]]:
    return [each for each in clockwork.rollcall.history() if each["what"] == what][::-1]


def live(clockwork: Clockwork) -> int:
    return sum(each["status"] == "Live" for each in clockwork.rollcall.users())


def at(run: Run) -> str:
    return f"{run.started_at:%Y-%m-%d %H:%M} UTC"


# --- switching on and off, on the command line ------------------------------------------------------------


def test_switching_on_takes_an_approved_and_processed_run(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    assert "no approved and processed run" in acme.call("schedule", STAFF, "on", by=ADMIN).complaint(3)
    plan = acme.preview()
    acme.call("approve", plan["plan"], by=ADMIN).fine()
    assert "no approved and processed run" in acme.call("schedule", STAFF, "on", by=ADMIN).complaint(3)
    acme.call("process", plan["plan"]).fine()
    said = acme.call("schedule", STAFF, "on", by=ADMIN).fine().out
    assert f"{STAFF}: on, approved by {ADMIN}" in said
    assert said.count("05:00 GMT (UTC+0000)") + said.count("05:00 BST (UTC+0100)") == 5


@pytest.mark.parametrize(("who", "why"), [(None, "the operator may not"), (AUDITOR, "admin or CSM")])
def test_neither_the_operator_nor_an_auditor_switches_on(
    staffed: Rollcall, hibob: TinyHiBob, who: str | None, why: str
) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    assert why in staffed.call("schedule", STAFF, "on", by=who).complaint(3)
    assert f"{STAFF}: off" in staffed.call("schedule", STAFF).fine().out


def test_a_domain_without_a_schedule_has_nothing_to_switch_on(staffed: Rollcall) -> None:
    assert "no schedule" in staffed.call("schedule", STAFF, "on", by=ADMIN).complaint(2)
    assert staffed.call("schedule", STAFF).fine().out == f"{STAFF}: none\n"


def test_with_two_people_the_maker_of_the_mapping_does_not_switch_on(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.set_up(customer(hibob.base_url)).fine()
    content = customer(hibob.base_url, domain(*ATTRIBUTES[:4], two_people=True, schedule=DAILY))
    empty.set_up(content, by=ADMIN).fine()
    plan = empty.preview()
    empty.call("approve", plan["plan"], by=CSM).fine()
    empty.call("process", plan["plan"]).fine()
    assert "two people" in empty.call("schedule", STAFF, "on", by=ADMIN).complaint(3)
    empty.call("schedule", STAFF, "on", by=CSM).fine()
    hibob.join(31)
    overdue(empty)
    assert "1 done" in empty.call("due").fine().out


def test_due_runs_what_is_due_and_nothing_twice(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    assert staffed.call("due").fine().out == "Nothing is due.\n"
    overdue(staffed)
    hibob.join(31)
    assert "1 done" in staffed.call("due").fine().out
    assert staffed.call("due").fine().out == "Nothing is due.\n"
    assert len(staffed.users()) == 31


def test_two_at_once_run_a_domain_once(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    overdue(staffed)
    hibob.join(31)
    both = [staffed.start("due") for _ in range(2)]
    said = [each.communicate(timeout=60)[0].decode() for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert sorted("1 done" in each for each in said) == [False, True]
    assert [each["what"] for each in staffed.history()].count("run started") == 2


def test_the_exit_code_of_due_says_who_must_act(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    overdue(staffed)
    hibob.fault = 401
    failed = staffed.call("due")
    assert (failed.code, failed.err) == (1, "")
    assert "refused the credentials" in failed.out
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    overdue(staffed)
    hibob.fault = None
    hibob.forget(*range(1, 9))
    blocked = staffed.call("due")
    assert blocked.code == 3
    assert "limit-archive" in blocked.out
    assert f"{STAFF}: quarantine" in staffed.call("schedule", STAFF).fine().out


def test_the_operator_may_switch_off(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    assert f"{STAFF}: off" in staffed.call("schedule", STAFF, "off").fine().out
    overdue(staffed)
    assert staffed.call("due").fine().out == "Nothing is due.\n"


def test_one_switch_for_all_of_a_customer(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    said = staffed.call("schedule", "Acme", "off", by=CSM).fine().out
    assert f"{CSM} paused all schedules of Acme." in said
    assert f"{STAFF}: paused" in said
    overdue(staffed)
    calls = len(hibob.calls)
    staffed.call("due").fine()
    assert len(hibob.calls) == calls
    assert "the operator may not" in staffed.call("schedule", "Acme", "on").complaint(3)
    assert f"{STAFF}: on" in staffed.call("schedule", "Acme", "on", by=ADMIN).fine().out


def test_the_worker_does_what_due_does(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    overdue(staffed)
    hibob.join(31)
    worker = staffed.start("worker")
    try:
        until(
            lambda: any(each["what"] == "run ended" and each["details"].get("scheduled") for each in staffed.history())
        )
    finally:
        worker.terminate()
        out, err = worker.communicate(timeout=60)
    assert (worker.returncode, err) == (0, b"")
    assert f"Schedule of {STAFF}: run " in out.decode()


# --- what runs, and under whose name ----------------------------------------------------------------------


def test_a_scheduled_run_is_the_act_of_whoever_switched_it_on(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    hibob.join(31)
    (done,) = clockwork.at("2027-03-06T05:00:00Z")
    house = clockwork.house
    approval = stored_plans.approval_of(house, done.plan_id or "")
    assert approval is not None
    assert (approval.by, approval.standing) == (ADMIN, True)
    assert runs.get_run(house.db, done.run_id or "").by == f"{ADMIN} (schedule)"
    (used,) = happened(clockwork, "standing approval used")
    assert (used["who"], used["plan"], used["details"]["scheduled"]) == (ADMIN, done.plan_id, True)
    assert used["details"]["given_at"].startswith("2027-03-05T12:00")
    assert used["details"]["mapping_version"] == 1
    assert live(clockwork) == 31
    told = looking_back.timeline(clockwork.seen_by(ADMIN), STAFF)
    night = [(each.what, told.doer(each), told.told(each).more) for each in told.events if each.plan == done.plan_id]
    at_night = f"The schedule (for {ADMIN})"
    assert night == [("run ended", at_night, ""), ("plan approved", at_night, ""), ("plan made", at_night, "")]


def test_previews_only_wait_for_a_person(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = prepared(empty, hibob, schedule=PREVIEW_ONLY)
    clockwork.switch_on()
    hibob.join(31)
    (done,) = clockwork.at("2027-03-06T05:00:00Z")
    assert done.text == f"plan {done.plan_id} waits for approval."
    assert live(clockwork) == 30
    clockwork.at("2027-03-07T05:00:00Z")
    assert clockwork.told() == [("03-06 05:00", "waiting"), ("03-07 05:00", "reminder")]
    clockwork.until("2027-03-15T00:00:00Z", timedelta(hours=6))
    assert len(clockwork.told()) == 2, "a nightly preview of what waits already is no news"
    clockwork.sync()
    clockwork.until("2027-03-25T00:00:00Z", timedelta(hours=6))
    assert len(clockwork.told()) == 2
    hibob.join(32)
    clockwork.at("2027-03-25T05:00:00Z")
    assert clockwork.told()[2:] == [("03-25 05:00", "waiting")]


def test_what_waits_counts_from_the_first_preview_of_it(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = prepared(empty, hibob, schedule=PREVIEW_ONLY)
    clockwork.switch_on()
    hibob.join(31)
    for day in ("06", "07", "08", "09"):
        clockwork.at(f"2027-03-{day}T05:00:00Z")
    (row,) = overseeing.customers_overview(clockwork.house)
    assert f"{row.waiting_since:%m-%d %H:%M}" == "03-06 05:00"
    by_hand = planning.preview(clockwork.seen_by(ADMIN), STAFF)
    (row,) = overseeing.customers_overview(clockwork.house)
    assert (row.plan_id, row.waiting_since) == (by_hand.id, by_hand.made_at)


def test_a_preview_that_nobody_approves_lapses(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = prepared(empty, hibob, schedule=PREVIEW_ONLY | {"cron": "0 5 6 * *"})
    clockwork.switch_on()
    hibob.join(31)
    clockwork.until("2027-04-01T00:00:00Z", timedelta(hours=1))
    assert [about for _, about in clockwork.told()] == ["waiting", "reminder", "lapsed"]
    assert clockwork.told()[2][0] == "03-20 06:00"


def test_a_preview_that_was_removed_as_old_has_lapsed_and_holds_up_nothing(empty: Rollcall, hibob: TinyHiBob) -> None:
    clockwork = prepared(empty, hibob, schedule=PREVIEW_ONLY | {"cron": "0 5 1 * *"})
    clockwork.switch_on()
    hibob.join(31)
    clockwork.at("2027-04-01T05:00:00Z")
    assert clockwork.told()[-1][1] == "waiting"
    clockwork.at("2027-04-02T06:00:00Z")
    empty.sql("UPDATE customers SET retention_days = 1")
    clockwork.now += timedelta(days=15)
    retention.remove_old(clockwork.house)
    assert clockwork.run() == []
    assert [about for _, about in clockwork.told()] == ["waiting", "reminder", "lapsed"]
    assert scheduling.schedule_seen(clockwork.house, STAFF).waiting_since is None
    assert len(clockwork.at("2027-05-01T05:00:00Z")) == 1


def test_with_two_people_a_schedule_that_the_other_switched_on_processes(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.set_up(customer(hibob.base_url, domain(schedule=DAILY, two_people=True)), by=None).fine()
    clockwork = Clockwork(empty, START)
    plan = empty.preview(by=ADMIN)
    empty.call("approve", plan["plan"], by=CSM).fine()
    empty.call("process", plan["plan"]).fine()
    clockwork.switch_on(by=CSM)
    hibob.join(31)
    (done,) = clockwork.at("2027-03-06T05:00:00Z")
    assert "1 done" in done.text, done


def test_messages_name_nobody_not_even_who_switched_it_on(clockwork: Clockwork) -> None:
    db, acme = clockwork.house.db, customers.get_customer(clockwork.house.db, "Acme").id
    customers.grant(db, ADMIN, Role.AUDITOR, acme, clockwork.now)
    clockwork.at("2027-03-06T05:00:00Z")
    (message,) = clockwork.messages()
    assert message.about == "paused-role"
    assert "@" not in message.title + message.body


def test_times_that_were_missed_run_once(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    assert len(clockwork.at("2027-03-20T11:00:00Z")) == 1
    assert clockwork.run() == []
    assert clockwork.after(hours=17) == []
    assert len(clockwork.after(hours=1)) == 1


def test_a_run_that_was_interrupted_is_brought_to_its_end(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    hibob.join(31)
    (done,) = clockwork.at("2027-03-06T05:00:00Z")
    # As a process leaves it that died between the run's start and its first chunk.
    clockwork.rollcall.sql("UPDATE runs SET status = 'running', ended_at = NULL WHERE id = ?", done.run_id)
    clockwork.rollcall.sql("DELETE FROM outcomes WHERE run_id = ?", done.run_id)
    overdue(clockwork.rollcall)
    clockwork.restart()
    (again,) = clockwork.after(minutes=1)
    assert (again.run_id, again.code) == (done.run_id, 0)
    assert live(clockwork) == 31


def test_a_killed_run_is_gone_on_with_by_the_next_process(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.set_up(customer(hibob.base_url, domain(schedule=DAILY))).fine()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    overdue(staffed)
    hibob.join(31)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000000) SELECT i FROM n"
    staffed.sql(f"CREATE TRIGGER stuck AFTER INSERT ON outcomes BEGIN SELECT count(*) FROM ({endless}); END")
    process = staffed.start("due")
    until(lambda: staffed.sql("SELECT 1 FROM runs WHERE status = 'running'") != [])
    process.kill()
    process.communicate()
    staffed.sql("DROP TRIGGER stuck")
    assert "1 done" in staffed.call("due").fine().out
    assert [each["what"] for each in staffed.history()].count("run resumed") == 1
    assert len(staffed.users()) == 31
    assert staffed.call("due").fine().out == "Nothing is due.\n"


# --- what makes it rest -----------------------------------------------------------------------------------


def test_a_changed_mapping_pauses_until_a_preview_of_it_is_approved_and_processed(
    clockwork: Clockwork, hibob: TinyHiBob
) -> None:
    content = customer(hibob.base_url, domain(*ATTRIBUTES[:4], schedule=DAILY))
    clockwork.rollcall.set_up(content, by=ADMIN).fine()
    standing, reason = clockwork.standing
    assert standing == "paused"
    assert reason.startswith("The mapping changed")
    clockwork.until("2027-03-09T00:00:00Z", timedelta(hours=1))
    assert clockwork.told() == [("03-06 05:00", "paused-changed")]
    assert [each["details"].get("scheduled") for each in happened(clockwork, "plan made")] == [None]
    clockwork.sync(by=CSM)
    assert clockwork.standing == ("on", "")
    assert len(clockwork.at("2027-03-09T05:00:00Z")) == 1
    assert happened(clockwork, "plan made")[-1]["who"] == CSM, "the new mapping stands approved by whoever approved it"


def test_a_pilot_of_a_changed_mapping_approves_nothing_for_everybody_else(
    clockwork: Clockwork, hibob: TinyHiBob
) -> None:
    content = customer(hibob.base_url, domain(*ATTRIBUTES[:4], schedule=DAILY))
    clockwork.rollcall.set_up(content, by=ADMIN).fine()
    hibob.join(31)
    hibob.join(32)
    house = clockwork.seen_by(ADMIN)
    plan = planning.preview(house, STAFF)
    approving.approve(house, plan.id, only=[plan.changes[0].key])
    processing.process(house, plan.id)
    assert clockwork.standing[0] == "paused"
    assert "people were left out" in clockwork.standing[1]
    clockwork.at("2027-03-06T05:00:00Z")
    assert live(clockwork) == 31, "nobody has approved the other one"
    clockwork.switch_on()
    clockwork.at("2027-03-07T05:00:00Z")
    assert live(clockwork) == 32


def test_whoever_a_person_left_out_stays_so_at_night_until_somebody_approves_them(
    clockwork: Clockwork, hibob: TinyHiBob
) -> None:
    hibob.join(31)
    hibob.join(32)
    clockwork.after(hours=1)
    house = clockwork.seen_by(ADMIN)
    plan = planning.preview(house, STAFF)
    out = plan.changes[1]
    approving.approve(house, plan.id, leave_out=[out.key])
    processing.process(house, plan.id)
    assert live(clockwork) == 31
    (done,) = clockwork.at("2027-03-06T05:00:00Z")
    assert (done.code, done.text.partition(": ")[2]) == (0, "nothing to change, 1 left out as by the last approval.")
    hibob.join(33)
    (done,) = clockwork.at("2027-03-07T05:00:00Z")
    assert "1 done, 1 skipped" in done.text
    assert live(clockwork) == 32
    (done,) = clockwork.at("2027-03-08T05:00:00Z")
    assert "1 left out as by the last approval" in done.text
    told = scheduling.still_left_out(house, STAFF, scheduling.schedule_seen(house, STAFF).on_at or clockwork.now)
    assert told.startswith(f"{out.name} is left out by the schedule too")
    clockwork.sync()
    assert live(clockwork) == 33
    assert clockwork.standing == ("on", "")


def test_switching_on_says_who_was_left_out_or_taken_back_and_approves_what_happens_to_them(
    clockwork: Clockwork, hibob: TinyHiBob
) -> None:
    hibob.join(31)
    hibob.join(32)
    house = clockwork.seen_by(ADMIN)
    plan = planning.preview(house, STAFF)
    joins, out = plan.changes
    approving.approve(house, plan.id, leave_out=[out.key])
    run = processing.process(house, plan.id)
    then = "Switched on, the schedule does for them too what HiBob says by then."
    assert scheduling.no_longer_left_out(house, STAFF) == f"{out.name} was left out of the run of {at(run)}. {then}"
    back = undoing.undo(house, run.id)
    approving.approve(house, back.id)
    processing.process(house, back.id)
    back_run = stored_plans.run_of(house, back.id)
    assert back_run is not None
    told = f"{out.name} was left out of the run of {at(run)}. {joins.name} was taken back by the run of {at(back_run)}. {then}"
    assert scheduling.no_longer_left_out(house, STAFF) == told
    assert live(clockwork) == 30
    clockwork.switch_on()
    clockwork.at("2027-03-06T05:00:00Z")
    assert live(clockwork) == 32


def test_whoever_is_kept_active_is_not_said_to_be_archived_by_the_schedule(
    clockwork: Clockwork, hibob: TinyHiBob
) -> None:
    hibob.change(4, status="Terminated")
    key = key_of(4)
    house = clockwork.seen_by(ADMIN)
    plan = planning.preview(house, STAFF)
    file = BytesIO()
    workbooks.export_workbook(house, plan.id, file)
    book = load_workbook(file)
    row = next(cell.row for cell in book["Archived"]["B"] if cell.value == key)
    book["Archived"][f"A{row}"] = "Keep active"
    decided = BytesIO()
    book.save(decided)
    approving.approve(house, plan.id, workbook=decided)
    assert scheduling.no_longer_left_out(house, STAFF) == ""


def test_changed_times_must_be_switched_on_again(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    clockwork.rollcall.set_up(customer(hibob.base_url, domain(schedule=DAILY | {"cron": "0 6 * * *"}))).fine()
    assert clockwork.standing[0] == "paused"
    assert [each.code for each in clockwork.at("2027-03-06T06:00:00Z")] == [3]
    clockwork.switch_on()
    assert len(clockwork.at("2027-03-07T06:00:00Z")) == 1


def test_a_role_that_was_lost_pauses_and_one_that_is_back_goes_on(clockwork: Clockwork) -> None:
    db, acme = clockwork.house.db, customers.get_customer(clockwork.house.db, "Acme").id
    customers.grant(db, ADMIN, Role.AUDITOR, acme, clockwork.now)
    assert clockwork.standing[0] == "paused"
    clockwork.until("2027-03-08T00:00:00Z", timedelta(hours=1))
    assert clockwork.told() == [("03-06 05:00", "paused-role")]
    customers.grant(db, ADMIN, Role.ADMIN, acme, clockwork.now)
    (done,) = clockwork.at("2027-03-08T05:00:00Z")
    assert done.code == 0


def test_an_undo_rests_it_until_a_person_switches_it_on(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    hibob.join(31)
    (done,) = clockwork.at("2027-03-06T05:00:00Z")
    undoing.undo(clockwork.seen_by(ADMIN), done.run_id or "")
    assert clockwork.standing[0] == "paused"
    clockwork.sync()
    assert [each for _, each in clockwork.until("2027-03-09T00:00:00Z") if each.plan_id] == []
    clockwork.switch_on()
    assert clockwork.standing == ("on", "")
    assert clockwork.told() == [], "whoever undid it knows"


def test_a_failing_connection_rests_longer_each_time_and_is_told_once(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    hibob.fault = 401
    done = clockwork.until("2027-03-10T00:00:00Z")
    assert [(when, each.code) for when, each in done] == [
        ("03-06 05:00", 1),
        ("03-06 11:00", 1),
        ("03-06 23:00", 1),
        ("03-07 23:00", 1),
        ("03-08 23:00", 1),
        ("03-09 23:00", 1),
    ]
    assert clockwork.standing[0] == "quarantine"
    assert "refused the credentials" in clockwork.standing[1]
    assert clockwork.told() == [("03-06 05:00", "connection")]
    hibob.fault = None
    done = clockwork.until("2027-03-12T00:00:00Z")
    assert [(when, each.code) for when, each in done] == [("03-10 23:00", 0), ("03-11 05:00", 0)]
    assert clockwork.standing == ("on", "")
    assert len(clockwork.told()) == 1


def test_a_block_is_told_once_and_lifted_by_a_persons_run(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    hibob.forget(*range(1, 9))
    done = clockwork.until("2027-03-09T00:00:00Z")
    assert [(when, each.code) for when, each in done][:3] == [
        ("03-06 05:00", 3),
        ("03-06 11:00", 3),
        ("03-06 23:00", 3),
    ]
    assert live(clockwork) == 30, "schedules never override"
    (message,) = clockwork.messages()
    assert message.about == "block"
    assert "head-count (" in message.body
    assert not any(name in message.body + message.title for name in ("First", "Last", "person1@"))
    house = clockwork.seen_by(ADMIN)
    plan = planning.preview(house, STAFF)
    approving.approve(house, plan.id, overrides={each.code: "They left." for each in plan.blocks})
    processing.process(house, plan.id)
    assert clockwork.standing == ("on", "")
    assert [(when, each.code) for when, each in clockwork.until("2027-03-10T00:00:00Z")] == [("03-09 05:00", 0)]
    assert live(clockwork) == 22


def test_another_cause_is_another_message(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    hibob.fault = 500
    clockwork.at("2027-03-06T05:00:00Z")
    hibob.fault = None
    hibob.denied = {"work"}
    clockwork.at("2027-03-06T11:00:00Z")
    hibob.fault = 500
    clockwork.at("2027-03-06T23:00:00Z")
    assert [about for _, about in clockwork.told()] == ["connection", "block"]
    assert clockwork.messages()[1].body.count("column-absent") == 1, "every mapped column of the category is missing"


def test_a_token_that_is_refused_is_told_though_the_network_failed_before(
    clockwork: Clockwork, hibob: TinyHiBob
) -> None:
    for hour, fault in (("05", 500), ("11", 401), ("23", 500)):
        hibob.fault = fault
        clockwork.at(f"2027-03-06T{hour}:00:00Z")
    assert clockwork.told() == [("03-06 05:00", "connection"), ("03-06 11:00", "connection")]
    assert "refused the credentials" in clockwork.messages()[1].body


def test_what_comes_back_after_a_pause_is_told_again(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    hibob.fault = 401
    clockwork.at("2027-03-06T05:00:00Z")
    content = customer(hibob.base_url, domain(*ATTRIBUTES[:4], schedule=DAILY))
    clockwork.rollcall.set_up(content, by=ADMIN).fine()
    clockwork.at("2027-03-07T05:00:00Z")
    hibob.fault = None
    clockwork.sync()
    hibob.fault = 401
    clockwork.at("2027-03-08T05:00:00Z")
    assert [about for _, about in clockwork.told()] == ["connection", "paused-changed", "connection"]


def test_a_refused_run_leads_to_the_preview_that_somebody_else_may_approve(empty: Rollcall, hibob: TinyHiBob) -> None:
    """Two people are needed from three changes on, and the schedule is that of whoever made the mapping."""
    empty.environment["ROLLCALL_URL"] = "https://rollcall.example"
    clockwork = prepared(empty, hibob)
    clockwork.switch_on()
    content = customer(hibob.base_url, domain(*ATTRIBUTES[:4], schedule=DAILY, two_people=3))
    empty.set_up(content, by=ADMIN).fine()
    clockwork.sync()
    for number in (31, 32, 33):
        hibob.join(number)
    (done,) = clockwork.at("2027-03-06T05:00:00Z")
    assert (done.code, clockwork.standing[0]) == (3, "quarantine")
    (message,) = clockwork.messages()
    assert message.link == f"https://rollcall.example/preview?customer=Acme&domain=staff&plan={done.plan_id}"


def test_people_who_failed_are_told_once(clockwork: Clockwork, hibob: TinyHiBob) -> None:
    identifiers_are_taken(clockwork.rollcall)
    hibob.join(31)
    for night in ("06", "07", "08"):
        clockwork.at(f"2027-03-{night}T05:00:00Z")
        clockwork.rollcall.sql("DELETE FROM users WHERE external_id IS NULL")
    assert [about for _, about in clockwork.told()] == ["failed"]
    assert clockwork.messages()[0].title == f"{STAFF}: 1 person was not provisioned"
    clockwork.rollcall.sql("DROP TRIGGER thief")
    (done,) = clockwork.at("2027-03-09T05:00:00Z")
    assert (done.code, live(clockwork)) == (0, 31)


def identifiers_are_taken(house: Rollcall) -> None:
    """From now on somebody else makes a user with number 31's identifier whenever a run begins."""
    house.sql(
        "CREATE TRIGGER thief AFTER INSERT ON runs BEGIN INSERT INTO users (domain_id, external_id, status, attributes) "
        "SELECT id, NULL, 'Live', json_object('Employee ID', '000031') FROM domains; END"
    )
