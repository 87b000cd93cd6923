"""`undo`: a plan that takes the people of a run back to where they were."""

import re
from typing import Any

import pytest
from driver import ADMIN, AUDITOR, STAFF, Rollcall, customer, domain, keys
from tiny_hibob import TinyHiBob, key_of


@pytest.fixture
def changed(staffed: Rollcall, hibob: TinyHiBob) -> tuple[Rollcall, list[dict[str, Any]], Any]:
    """A directory, as it was before a run that added, updated, reactivated and archived people; and that run."""
    hibob.change(9, status="Terminated")
    staffed.sync()
    before = staffed.users()
    hibob.change(9, status="employed", surname="Back")
    hibob.join(41)
    hibob.change(3, surname="Newname", department="209192161")
    hibob.change(4, status="Terminated")
    hibob.forget(5)
    plan = staffed.preview()
    run = staffed.approve_and_process(plan)
    assert {each["action"] for each in run["outcomes"]} == {"add", "update", "reactivate", "archive"}
    return staffed, before, run


def undo(house: Rollcall, run: Any, code: int = 0, by: str | None = None) -> Any:
    said = house.call("undo", run["run"], "--json", by=by)
    assert said.code == code, said
    return said.json


def without(users: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    return [each for each in users if each["external_id"] != key_of(number)]


def test_undoing_a_run_brings_the_directory_back(changed: tuple[Rollcall, list[dict[str, Any]], Any]) -> None:
    house, before, run = changed
    plan = undo(house, run)
    assert plan["status"] == "ready"
    counts = {name: plan["counts"][name] for name in ("add", "update", "reactivate", "archive", "held")}
    assert counts == {"add": 0, "update": 1, "reactivate": 2, "archive": 2, "held": 0}
    assert [each["code"] for each in plan["findings"]] == ["undo"]
    assert house.approve_and_process(plan)["status"] == "done"
    after = house.users()
    assert without(after, 41) == before
    added = next(each for each in after if each["external_id"] == key_of(41))
    assert added["status"] == "Archived"


def test_an_undo_is_approved_like_any_plan_and_reads_nothing(
    changed: tuple[Rollcall, list[dict[str, Any]], Any], hibob: TinyHiBob
) -> None:
    house, before, run = changed
    hibob.close()
    house.environment["ROLLCALL_REREAD_MINUTES"] = "0"
    plan = undo(house, run)
    house.call("process", plan["plan"]).complaint(3)
    house.approve_and_process(plan)
    assert without(house.users(), 41) == before


def test_after_an_undo_the_next_preview_proposes_the_run_again(
    changed: tuple[Rollcall, list[dict[str, Any]], Any],
) -> None:
    house, _, run = changed
    house.approve_and_process(undo(house, run))
    again = house.preview()
    assert {each["key"] for each in run["outcomes"]} == {each["key"] for each in again["changes"]}


def test_an_undo_can_be_undone(changed: tuple[Rollcall, list[dict[str, Any]], Any]) -> None:
    house, _, run = changed
    after_run = house.users()
    back = house.approve_and_process(undo(house, run))
    house.approve_and_process(undo(house, back))
    assert house.users() == after_run


def test_people_changed_since_are_held_and_named(changed: tuple[Rollcall, list[dict[str, Any]], Any]) -> None:
    house, _, run = changed
    house.sql(
        "UPDATE users SET attributes = json_set(attributes, '$.Department', 'By hand') WHERE external_id = ?", key_of(3)
    )
    plan = undo(house, run)
    held = [(each["key"], each["code"]) for each in plan["held"]]
    assert held == [(key_of(3), "changed-since")]
    assert "Department" in plan["held"][0]["why"]
    # Everybody once: whoever is held is not unchanged as well.
    assert len({each["key"] for each in plan["changes"]}) + 1 + plan["counts"]["unchanged"] == len(house.users())
    assert key_of(3) not in keys(plan["changes"])
    house.approve_and_process(plan)
    by_hand = next(each for each in house.users() if each["external_id"] == key_of(3))
    assert by_hand["attributes"]["Department"] == "By hand"


@pytest.mark.parametrize(
    ("number", "by_hand", "what"), [(4, "status = 'Live'", "status"), (3, "external_id = 'somebody else'", "link")]
)
def test_another_status_or_link_since_holds_too(
    changed: tuple[Rollcall, list[dict[str, Any]], Any], number: int, by_hand: str, what: str
) -> None:
    house, _, run = changed
    house.sql(f"UPDATE users SET {by_hand} WHERE external_id = ?", key_of(number))
    plan = undo(house, run)
    assert [(each["key"], each["code"]) for each in plan["held"]] == [(key_of(number), "changed-since")]
    assert f"({what})" in plan["held"][0]["why"]
    assert key_of(number) not in keys(plan["changes"])


def test_the_links_of_a_first_contact_are_undone(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.sync()
    acme.sql("UPDATE users SET external_id = NULL")
    before = acme.users()
    plan = acme.preview()
    assert plan["counts"]["link"] == len(before)
    run = acme.approve_and_process(plan)
    back = undo(acme, run)
    assert back["counts"]["link"] == len(before)
    assert acme.approve_and_process(back)["status"] == "done"
    assert acme.users() == before


def test_a_link_and_an_update_of_one_person_are_both_taken_back(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.sync()
    acme.sql("UPDATE users SET external_id = NULL WHERE external_id = ?", key_of(3))
    hibob.change(3, surname="Newname")
    before = acme.users()
    run = acme.approve_and_process(acme.preview())
    assert [each["action"] for each in run["outcomes"]] == ["link", "update"]
    acme.approve_and_process(undo(acme, run))
    assert acme.users() == before


def test_a_move_is_taken_back(empty: Rollcall, hibob: TinyHiBob) -> None:
    board = domain(name="board", scope=[{"rule": "include", "column": "work.site", "is": ["Nowhere"]}])
    empty.set_up(customer(hibob.base_url, domain(), board)).fine()
    empty.sync()
    before = empty.users()
    hibob.forget(5)
    plan = empty.preview()
    key = keys(plan["changes"], "archive")[0]
    moving = empty.call("decide", plan["plan"], "--move", f"{key}=board", "--json", by=ADMIN).json
    run = empty.approve_and_process(moving)
    assert empty.users() != before
    staff = "(SELECT id FROM domains WHERE name = 'staff')"
    [(moved, there)] = empty.sql(f"SELECT id, domain_id FROM users WHERE domain_id <> {staff}")
    empty.sql(f"UPDATE users SET domain_id = {staff} WHERE id = ?", moved)
    assert "(domain)" in undo(empty, run)["held"][0]["why"]
    empty.sql("UPDATE users SET domain_id = ? WHERE id = ?", there, moved)
    back = undo(empty, run)
    assert [(each["action"], each["after"]) for each in back["changes"]] == [("move", {"domain": "staff"})]
    assert empty.approve_and_process(back)["status"] == "done"
    assert empty.users() == before


def test_an_undo_keeps_to_the_limits(acme: Rollcall) -> None:
    run = acme.approve_and_process(acme.preview())
    plan = undo(acme, run, code=3)
    assert plan["status"] == "blocked"
    assert plan["counts"]["archive"] == 30
    assert {"limit-archive", "limit-archive-7-days"} <= {each["code"] for each in plan["findings"]}
    acme.call("approve", plan["plan"], by=ADMIN).complaint(3)


def test_whoever_is_protected_is_not_archived_by_an_undo(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.sync()
    hibob.join(41)
    run = acme.approve_and_process(acme.preview())
    acme.set_up(customer(hibob.base_url, domain(protected=[key_of(41)]))).fine()
    plan = undo(acme, run)
    assert [(each["key"], each["code"]) for each in plan["held"]] == [(key_of(41), "protected")]
    assert plan["status"] == "empty"


def test_an_attribute_that_is_no_longer_mapped_is_taken_back_too(
    changed: tuple[Rollcall, list[dict[str, Any]], Any], hibob: TinyHiBob
) -> None:
    house, before, run = changed
    fewer = [each for each in domain()["attributes"] if each["name"] != "Department"]
    house.set_up(customer(hibob.base_url, domain(*fewer))).fine()
    house.approve_and_process(undo(house, run))
    assert without(house.users(), 41) == before


def test_an_undo_lets_the_schedule_rest_and_says_so(acme: Rollcall, hibob: TinyHiBob) -> None:
    schedule = {"cron": "0 5 * * 1-5", "timezone": "Europe/London", "does": "preview"}
    acme.set_up(customer(hibob.base_url, domain(schedule=schedule))).fine()
    run = acme.approve_and_process(acme.preview())
    undo(acme, run, code=3)
    assert "schedule paused" in [each["what"] for each in acme.history()]
    ((why,),) = acme.sql("SELECT paused FROM domains")
    assert re.fullmatch(r"Rollcall was asked to take back the run of \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", why)


def test_a_run_that_changed_nobody_or_is_not_known_cannot_be_undone(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.call("undo", "run-0").complaint(2)
    hibob.change(1, surname="New")
    plan = staffed.preview()
    staffed.call("approve", plan["plan"], by=ADMIN).fine()
    staffed.sql("UPDATE users SET status = 'Archived' WHERE external_id = ?", key_of(1))
    run = staffed.call("process", plan["plan"], "--json").json
    assert "nothing to undo" in staffed.call("undo", run["run"]).complaint(3)


def test_deciding_about_an_undo_makes_an_undo(
    changed: tuple[Rollcall, list[dict[str, Any]], Any],
) -> None:
    house, _, run = changed
    plan = undo(house, run)
    new = house.call("decide", plan["plan"], "--protect", key_of(41), "--json", by=ADMIN).fine().json
    assert [(each["key"], each["code"]) for each in new["held"]] == [(key_of(41), "protected")]
    without_them = [each for each in plan["changes"] if each["key"] != key_of(41)]
    assert new["changes"] == without_them
    assert house.approve_and_process(new)["status"] == "done"
    house.call("decide", plan["plan"], "--protect", key_of(3), by=ADMIN).complaint(3)


@pytest.mark.parametrize("decision", [("--move", "{key}=board"), ("--same", "{key}=U00000005")])
def test_an_undo_moves_and_joins_nobody(
    changed: tuple[Rollcall, list[dict[str, Any]], Any], decision: tuple[str, str]
) -> None:
    house, _, run = changed
    plan = undo(house, run)["plan"]
    house.call("decide", plan, *(each.format(key=key_of(41)) for each in decision), by=ADMIN).complaint(3)


def test_an_interrupted_run_is_resumed_first_and_can_be_undone_where_it_can_no_longer_be(
    changed: tuple[Rollcall, list[dict[str, Any]], Any], hibob: TinyHiBob
) -> None:
    house, before, run = changed
    house.sql("UPDATE runs SET status = 'running', ended_at = NULL WHERE id = ?", run["run"])
    assert "Resume" in house.call("undo", run["run"]).complaint(3)
    house.set_up(customer(hibob.base_url, domain(absent_reads=2))).fine()
    house.call("process", run["plan"]).complaint(3)
    house.approve_and_process(undo(house, run))
    assert without(house.users(), 41) == before


def test_undoing_takes_a_role(changed: tuple[Rollcall, list[dict[str, Any]], Any]) -> None:
    house, _, run = changed
    house.call("undo", run["run"], by=AUDITOR).complaint(3)
    undo(house, run, by=ADMIN)
    assert house.call("preview", STAFF, "--json").code == 0
