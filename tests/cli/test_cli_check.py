"""`check`: what a test of the connection proves, and every way in which HiBob can be wrong."""

from typing import Any

import pytest
import tiny_hibob
from driver import ATTRIBUTES, STAFF, Rollcall, attribute, customer, domain
from tiny_hibob import TOKEN, TinyHiBob, somebody

CERTIFIED = attribute("Certified", "Certified person", type="yes/no")
CONTRACT_END = attribute("Contract end", "Contract end")


def check(house: Rollcall) -> Any:
    return house.call("check", STAFF, "--json").fine().json


def columns(found: Any) -> dict[str, dict[str, Any]]:
    return {each["column"]: each for each in found["columns"]}


# --- evidence ---------------------------------------------------------------------------------------------


def test_the_document_has_exactly_the_keys_of_the_contract(acme: Rollcall) -> None:
    found = check(acme)
    assert set(found) == {"connection", "ok", "people", "columns", "findings"}
    assert found["people"] == {"live": 30, "inactive": 0}
    assert (found["connection"], found["ok"], found["findings"]) == ("Acme HiBob", True, [])
    for each in found["columns"]:
        assert set(each) == {"column", "attribute", "filled", "state", "category"}
    assert columns(found)["Payroll number"] | {"category": ""} == {
        "column": "Payroll number", "attribute": "Employee ID", "filled": 1.0, "state": "ok", "category": "",
    }  # fmt: skip


def test_a_column_is_ok_empty_or_absent_with_the_category_that_would_open_it(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, CERTIFIED, CONTRACT_END))).fine()
    hibob.denied.add("900")
    found = check(acme)
    by_name = columns(found)
    assert {name: each["state"] for name, each in by_name.items()} == {
        "Payroll number": "ok",
        "root.email": "ok",
        "root.firstName": "ok",
        "root.surname": "ok",
        "humanReadable.work.department": "ok",
        "Certified person": "absent",
        "Contract end": "empty",
    }
    assert by_name["Certified person"]["category"] in ("900", "Regulated roles")
    assert (by_name["Certified person"]["filled"], by_name["Contract end"]["filled"]) == (0, 0)
    assert found["ok"] is False
    (warning,) = found["findings"]
    assert set(warning) == {"code", "severity", "message", "remedy", "numbers", "keys"}
    assert (warning["code"], warning["severity"]) == ("column-absent", "warn")
    assert "Regulated roles" in warning["remedy"]


def test_permissions_follow_the_category_and_not_the_prefix_of_a_field(acme: Rollcall, hibob: TinyHiBob) -> None:
    """`employee.lastDayOfWork` opens with the category lifecycle."""
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, attribute("Left", "employee.lastDayOfWork")))).fine()
    hibob.denied.add("lifecycle")
    left, *lost = check(acme)["findings"]
    assert "employee.lastDayOfWork (Left)" in left["message"]
    assert all("Lifecycle" in warning["remedy"] for warning in (left, *lost))
    assert any("leave, garden leave and future starters" in warning["message"] for warning in lost)


def test_the_share_that_is_filled_is_told_per_column(acme: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(1, 13):
        hibob.change(number, department=None)
    assert columns(check(acme))["humanReadable.work.department"]["filled"] == pytest.approx(0.6)


def test_a_fallback_column_is_told_as_well(acme: Rollcall, hibob: TinyHiBob) -> None:
    with_fallback = attribute("Department", "humanReadable.work.department", fallback="work.site")
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES[:4], with_fallback))).fine()
    assert columns(check(acme))["work.site"]["attribute"] == "Department"


def test_a_misspelt_column_is_absent_without_a_category(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, attribute("Team", "work.teem")))).fine()
    found = check(acme)
    assert columns(found)["work.teem"] | {"filled": 0} == {
        "column": "work.teem", "attribute": "Team", "filled": 0, "state": "absent", "category": None,
    }  # fmt: skip
    assert "correct" in found["findings"][0]["remedy"]


def test_inactive_people_are_leavers_and_future_joiners(acme: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, status="Terminated")
    hibob.change(2, status="Hired")
    hibob.change(3, status="Garden leave")
    hibob.change(4, status="5151")
    assert check(acme)["people"] == {"live": 28, "inactive": 2}


@pytest.mark.parametrize("denied", ["lifecycle", "root"])
def test_active_people_are_counted_without_that_permission_too(acme: Rollcall, hibob: TinyHiBob, denied: str) -> None:
    hibob.change(1, status="Terminated")
    if denied == "root":
        hibob.lost |= {"root.email", "root.firstName"}
    else:
        hibob.denied.add(denied)
    assert check(acme)["people"] == {"live": 29, "inactive": 1}


def test_nobody_visible_is_a_warning_about_the_audience(acme: Rollcall, hibob: TinyHiBob) -> None:
    hibob.people.clear()
    found = check(acme)
    assert (found["ok"], found["people"]) == (False, {"live": 0, "inactive": 0})
    assert [each["code"] for each in found["findings"]] == ["no-employees"]


def test_an_ambiguous_name_is_refused_with_the_ids_to_use_instead(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, attribute("Site", "Site")))).fine()
    for command in ("check", "preview"):
        message = acme.call(command, STAFF).complaint(2)
        assert "work.site" in message
        assert "work.siteId" in message


def test_a_name_that_hibob_does_not_have_is_refused(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, attribute("Shoe size", "Shoe size")))).fine()
    assert "Shoe size" in acme.call("check", STAFF).complaint(2)


@pytest.mark.parametrize("feed", ['work."team"', "work.te\nam", "work.\\team", "work.", ".", "work..team"])
def test_a_strange_data_feed_name_is_an_error_in_words(acme: Rollcall, hibob: TinyHiBob, feed: str) -> None:
    said = acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, attribute("Team", feed))))
    if said.code == 0:
        said = acme.call("check", STAFF, "--json")
        if said.code == 0:
            assert columns(said.json)[feed]["state"] == "absent"
            return
    said.complaint(2)


def test_a_check_in_words_names_states_and_shares(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, CERTIFIED))).fine()
    hibob.denied.add("900")
    said = acme.call("check", STAFF).fine()
    for word in ("30", "absent", "Certified person", "Regulated roles", "100"):
        assert word in said.out


def test_a_check_stores_no_plan_and_changes_nobody(staffed: Rollcall) -> None:
    before = staffed.users(), staffed.sql("SELECT count(*) FROM plans")
    check(staffed)
    assert (staffed.users(), staffed.sql("SELECT count(*) FROM plans")) == before


# --- HiBob is wrong ---------------------------------------------------------------------------------------

FAULTS: list[tuple[int | str, str, str]] = [
    (400, "", "mapping"),
    (401, "", "token"),
    (401, "search", "token"),
    (403, "", "permission group"),
    (403, "search", "permission group"),
    (404, "", "base URL"),
    (302, "", "base URL"),
    (418, "", "418"),
    (429, "", "minute"),
    (500, "search", "later"),
    (503, "", "later"),
    ("html", "", "base URL"),
    ("html", "search", "base URL"),
    ("truncated", "fields", "again"),
    ("truncated", "search", "again"),
    ("reset", "", ""),
    ("reset", "search", ""),
    ("strange", "fields", "unexpected shape"),
    ("strange", "search", "unexpected shape"),
]


@pytest.mark.parametrize(("fault", "where", "remedy"), FAULTS, ids=[f"{a}-{b or 'everywhere'}" for a, b, _ in FAULTS])
def test_a_wrong_answer_is_one_error_with_the_remedy_and_without_secrets(
    staffed: Rollcall, hibob: TinyHiBob, fault: int | str, where: str, remedy: str
) -> None:
    users, plans = staffed.users(), staffed.sql("SELECT count(*) FROM plans")
    hibob.fault, hibob.fault_on = fault, where
    for command in ("check", "preview"):
        if command == "preview" and where == "fields":
            continue  # the list of fields is remembered for a day
        message = staffed.call(command, STAFF, "--json").complaint(1)
        assert remedy in message
        for secret in (TOKEN, tiny_hibob.SERVICE_USER, "acme.example"):
            assert secret not in message
    assert (staffed.users(), staffed.sql("SELECT count(*) FROM plans")) == (users, plans)


def test_an_unreachable_hibob_is_one_error_with_the_remedy(staffed: Rollcall, hibob: TinyHiBob) -> None:
    users = staffed.users()
    hibob.close()
    for command in ("check", "preview"):
        assert "reached" in staffed.call(command, STAFF).complaint(1)
    assert staffed.users() == users


@pytest.mark.parametrize("status", [400, 401, 403])
def test_what_hibob_punishes_is_never_tried_again(acme: Rollcall, hibob: TinyHiBob, status: int) -> None:
    hibob.fault = status
    acme.call("check", STAFF).complaint(1)
    assert len(hibob.calls) == 1


def test_a_connection_without_credentials_is_a_wrong_setting(acme: Rollcall, hibob: TinyHiBob) -> None:
    content = customer(hibob.base_url, domain(connection="Bare"))
    content["connections"].append({"name": "Bare", "base_url": hibob.base_url})
    acme.set_up(content).fine()
    assert "token" in acme.call("check", STAFF).complaint(2)


def test_people_without_an_id_or_twice_are_no_answer_at_all(staffed: Rollcall, hibob: TinyHiBob) -> None:
    users = staffed.users()
    hibob.people["somebody else"] = somebody(7)  # the same id once more
    assert "twice" in staffed.call("preview", STAFF).complaint(1)
    del hibob.people["somebody else"]
    hibob.lost.add("root.id")
    assert "id" in staffed.call("preview", STAFF).complaint(1)
    assert staffed.users() == users


def test_the_sandbox_is_checked_as_well(northwind: Rollcall) -> None:
    found = northwind.call("check", "Northwind Trading/staff", "--json").fine().json
    assert found["ok"] is True
    assert {each["state"] for each in found["columns"]} == {"ok"}


def test_nobody_tries_tokens_faster_than_hibob_bears(acme: Rollcall) -> None:
    for _ in range(20):
        acme.call("check", STAFF).fine()
    assert "Wait" in acme.call("check", STAFF).complaint(3)
    assert acme.history("Acme")[0]["what"] == "connection tested"
