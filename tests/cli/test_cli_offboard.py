"""`offboard`: Rollcall lets go of a domain, a connection or a customer; the users stay, or are archived before."""

from typing import Any

import pytest
from driver import ADMIN, AUDITOR, CSM, STAFF, Rollcall, customer, domain
from tiny_hibob import TOKEN, TinyHiBob, key_of

from provisioning.errors import Refused
from provisioning.model import Actor
from provisioning.workflow import hearing
from provisioning.workflow.house import Workspace

OVERRIDES = ("--override", "limit-archive=they leave", "--override", "limit-archive-7-days=they leave")


def offboard(house: Rollcall, label: str, users: str, *more: str, by: str | None = ADMIN) -> Any:
    return house.call("offboard", label, "--users", users, *more, by=by)


def secrets(house: Rollcall) -> list[str]:
    return [owner for (owner,) in house.sql("SELECT owner FROM secrets ORDER BY owner")]


def scheduled(hibob: TinyHiBob) -> dict[str, Any]:
    times = {"cron": "0 5 * * *", "timezone": "Europe/London", "does": "process"}
    return customer(hibob.base_url, domain(schedule=times, notify=[{"env": "NOTIFY"}]))


def test_the_users_of_a_domain_stay_as_they_are_when_so_chosen(staffed: Rollcall) -> None:
    before = staffed.users()
    offboard(staffed, STAFF, "stay").fine()
    assert staffed.users() == before
    assert {each["status"] for each in before} == {"Live"}


def test_a_domain_that_left_does_nothing_any_more(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    waiting = staffed.preview()["plan"]
    offboard(staffed, STAFF, "stay").fine()
    for words in (("preview", STAFF), ("check", STAFF), ("approve", waiting), ("schedule", STAFF, "on")):
        assert "offboarded" in staffed.call(*words, by=ADMIN).complaint(3), words
    assert "offboarded" in staffed.call("undo", staffed.sql("SELECT id FROM runs")[0][0]).complaint(3)


def test_what_happened_in_it_can_be_read_and_the_chain_holds(staffed: Rollcall) -> None:
    before = staffed.history()
    plan = next(each["plan"] for each in before if each["plan"])
    offboard(staffed, STAFF, "stay").fine()
    after = staffed.history()
    assert after[1:] == before
    assert (after[0]["what"], after[0]["who"], after[0]["details"]["users"]) == ("domain offboarded", ADMIN, "stay")
    staffed.call("plan", plan, by=AUDITOR).fine()
    assert "Not here any more" in staffed.call("explain", STAFF, key_of(3)).fine().out
    staffed.call("verify").fine()


def test_its_schedule_webhooks_notifications_and_tokens_end(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.environment["NOTIFY"] = "json://127.0.0.1:9/hook"
    staffed.set_up(scheduled(hibob)).fine()
    staffed.sync()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    staffed.sql("INSERT INTO jobs (domain_id, kind, by, asked_at) VALUES (1, 'preview', ?, '2026-01-01')", ADMIN)
    offboard(staffed, STAFF, "stay").fine()
    assert secrets(staffed) == ["connection:1"]
    for table in ("schedules", "webhooks", "drafts", "decisions", "baselines", "jobs"):
        assert staffed.sql(f"SELECT * FROM {table}") == [], table
    assert staffed.call("due").fine().out == "Nothing is due.\n"
    assert list((staffed.data / "snapshots").iterdir()) == []


def test_a_connection_takes_the_domains_on_it_along(staffed: Rollcall) -> None:
    said = offboard(staffed, "Acme", "stay", "--connection", "Acme HiBob").fine()
    assert f"Offboarded: {STAFF}" in said.out
    assert secrets(staffed) == []
    assert "connection offboarded" in [each["what"] for each in staffed.history("Acme")]
    assert TOKEN.encode() not in staffed.written()
    assert "no connection" in offboard(staffed, "Acme", "stay", "--connection", "Acme HiBob").complaint(2)


def test_a_domain_on_another_connection_stays(acme: Rollcall, hibob: TinyHiBob) -> None:
    content = customer(hibob.base_url, domain(), domain(name="other", connection="Second"))
    content["connections"].append(content["connections"][0] | {"name": "Second"})
    acme.set_up(content).fine()
    assert "staff" not in offboard(acme, "Acme", "stay", "--connection", "Second").fine().out
    assert acme.preview()["status"] == "ready"


def test_a_customer_leaves_as_a_whole_and_its_members_can_still_read(staffed: Rollcall) -> None:
    offboard(staffed, "Acme", "stay", by=CSM).fine()
    assert secrets(staffed) == []
    assert staffed.call("history", "Acme", "--json", by=AUDITOR).fine().json[0]["what"] == "customer offboarded"
    staffed.call("verify").fine()


def test_a_set_up_file_takes_up_what_left_with_its_users(staffed: Rollcall, hibob: TinyHiBob) -> None:
    before = staffed.users()
    offboard(staffed, "Acme", "stay").fine()
    said = staffed.set_up(customer(hibob.base_url)).fine().out
    assert "customer taken up again" in said
    assert "domain taken up again" in said
    assert staffed.users() == before
    assert staffed.preview()["status"] == "empty"


# --- archiving first --------------------------------------------------------------------------------------


def test_archiving_first_is_a_plan_that_is_approved_and_processed(staffed: Rollcall) -> None:
    said = offboard(staffed, STAFF, "archive")
    assert said.code == 3
    plan = staffed.history()[0]["plan"]
    assert plan in said.out
    assert "not approved" in said.err
    shown = staffed.call("plan", plan, "--json").json
    assert (shown["status"], shown["counts"]["archive"]) == ("blocked", 30)
    assert {each["code"] for each in shown["findings"]} == {"farewell", "limit-archive", "limit-archive-7-days"}
    assert {each["status"] for each in staffed.users()} == {"Live"}

    staffed.call("approve", plan, *OVERRIDES, by=ADMIN).fine()
    assert "not processed" in offboard(staffed, STAFF, "archive").complaint(3)
    staffed.call("process", plan).fine()
    assert {each["status"] for each in staffed.users()} == {"Archived"}
    offboard(staffed, STAFF, "archive").fine()
    assert staffed.history()[0]["details"]["users"] == "archive"
    staffed.call("verify").fine()


def test_whoever_is_protected_or_left_out_stays_live(staffed: Rollcall) -> None:
    offboard(staffed, STAFF, "archive")
    first = staffed.history()[0]["plan"]
    plan = staffed.call("decide", first, "--protect", key_of(3), "--json", by=ADMIN).json
    assert {"key": key_of(3), "code": "protected"}.items() <= plan["held"][0].items()
    staffed.call("approve", plan["plan"], "--leave-out", key_of(4), *OVERRIDES, by=ADMIN).fine()
    staffed.call("process", plan["plan"]).fine()
    offboard(staffed, STAFF, "archive").fine()
    assert [each["external_id"] for each in staffed.users() if each["status"] == "Live"] == [key_of(3), key_of(4)]


def test_only_whom_rollcall_added_or_linked_where_the_domain_says_so(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.sql(
        "INSERT INTO users (domain_id, status, attributes) VALUES (1, 'Live', ?)",
        '{"Employee ID": "own", "Email": "o@x.example"}',
    )
    staffed.set_up(customer(hibob.base_url, domain(absence_archives="linked"))).fine()
    offboard(staffed, STAFF, "archive")
    plan = staffed.call("plan", staffed.history()[0]["plan"], "--json").json
    assert plan["counts"]["archive"] == 30


def test_hibob_is_not_read_for_it_though_the_plan_is_old(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.close()
    staffed.environment["ROLLCALL_REREAD_MINUTES"] = "0"
    offboard(staffed, STAFF, "archive")
    plan = staffed.history()[0]["plan"]
    staffed.call("approve", plan, *OVERRIDES, by=ADMIN).fine()
    staffed.call("process", plan).fine()
    offboard(staffed, STAFF, "archive").fine()


def test_its_schedule_rests_meanwhile(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.environment["NOTIFY"] = "json://127.0.0.1:9/hook"
    staffed.set_up(scheduled(hibob)).fine()
    staffed.sync()
    staffed.call("schedule", STAFF, "on", by=ADMIN).fine()
    offboard(staffed, STAFF, "archive")
    assert "Everybody is to be archived" in staffed.call("schedule", STAFF).fine().out


def test_an_empty_domain_needs_no_approval(acme: Rollcall) -> None:
    acme.preview()
    offboard(acme, STAFF, "archive").fine()


# --- what is refused --------------------------------------------------------------------------------------


def test_the_operator_and_the_auditor_do_not_offboard(staffed: Rollcall) -> None:
    for by in (None, AUDITOR):
        offboard(staffed, STAFF, "stay", by=by).complaint(3)
    assert staffed.history()[0]["what"] != "domain offboarded"


def test_nothing_leaves_while_somebody_works_on_it(staffed: Rollcall) -> None:
    staffed.sql(
        "INSERT INTO leases VALUES (1, 'elsewhere', 1, '', 't', 'process', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))"
    )
    for label in (STAFF, "Acme"):
        assert "worked on" in offboard(staffed, label, "stay").complaint(3)


def test_an_interrupted_run_is_resumed_first(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    plan = staffed.preview()["plan"]
    staffed.call("approve", plan, by=ADMIN).fine()
    run = staffed.call("process", plan, "--json").json["run"]
    staffed.sql("UPDATE runs SET status = 'running' WHERE id = ?", run)
    assert "Resume it first" in offboard(staffed, STAFF, "stay").complaint(3)


@pytest.mark.parametrize("words", [("Acme",), ("Acme/none", "--users", "stay")])
def test_it_takes_a_choice_and_a_name_that_is_there(staffed: Rollcall, words: tuple[str, ...]) -> None:
    staffed.call("offboard", *words, by=ADMIN).complaint(2)


def test_a_customer_that_is_not_there_is_answered_as_anothers(staffed: Rollcall) -> None:
    staffed.call("offboard", "Nobody", "--users", "stay", by=ADMIN).complaint(3)
    staffed.call("offboard", "Nobody", "--users", "stay").complaint(2)


def test_another_customers_leaves_by_nobody_elses_word(staffed: Rollcall) -> None:
    assert "may not offboard" in offboard(staffed, "Acme", "stay", by="admin@globex.example").complaint(3)


def test_a_webhook_for_it_is_refused_though_its_connection_stays(staffed: Rollcall) -> None:
    offboard(staffed, STAFF, "stay").fine()
    house = Workspace(staffed.data, staffed.environment, Actor("HiBob"))
    with pytest.raises(Refused, match="offboarded"):
        hearing.webhook(house, STAFF, {}, b"{}")
    house.db.close()
