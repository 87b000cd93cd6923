"""`preview` and `plan`: the values, the people, the blocks, and that nobody is changed wrongly."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import tiny_hibob
from driver import (
    ADMIN,
    ATTRIBUTES,
    DEPARTMENT,
    EMAIL,
    EMPLOYEE_ID,
    FIRST_NAME,
    LAST_NAME,
    STAFF,
    Rollcall,
    attribute,
    customer,
    domain,
    keys,
)
from tiny_hibob import TinyHiBob, key_of, somebody

from provisioning.sandbox import Sandbox

COUNTS = {"add", "update", "reactivate", "archive", "move", "link", "held", "unchanged"}


def mapped(house: Rollcall, hibob: TinyHiBob, *attributes: dict[str, Any], **more: Any) -> None:
    house.set_up(customer(hibob.base_url, domain(*ATTRIBUTES, *attributes, **more))).fine()


def change_of(plan: Any, number: int) -> Any:
    return next(each for each in plan["changes"] if each["key"] == key_of(number))


def held(plan: Any) -> dict[str, str]:
    return {each["key"]: each["code"] for each in plan["held"]}


def codes(plan: Any, severity: str = "block") -> list[str]:
    return [each["code"] for each in plan["findings"] if each["severity"] == severity]


def blocked(house: Rollcall, *expected: str) -> Any:
    """A preview that is blocked by just this, while the directory stays as it is."""
    before = house.users()
    said = house.call("preview", STAFF, "--json")
    assert said.code == 3, said
    assert len(said.err.splitlines()) <= 2
    plan = said.json
    assert (plan["status"], sorted(set(codes(plan)))) == ("blocked", sorted(expected))
    said = house.call("approve", plan["plan"], by=ADMIN)
    assert any(code in said.complaint(3) for code in expected)
    house.call("process", plan["plan"]).complaint(3)
    assert house.users() == before
    return plan


def today(days: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


# --- the document -----------------------------------------------------------------------------------------


def test_the_document_has_exactly_the_keys_of_the_contract(acme: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(2, payroll=None)
    plan = acme.preview()
    assert set(plan) == {"plan", "domain", "digest", "status", "counts", "findings", "changes", "held"}
    assert (plan["domain"], plan["status"]) == (STAFF, "ready")
    assert plan["counts"] == dict.fromkeys(COUNTS, 0) | {"add": 29, "held": 1}
    for each in plan["changes"]:
        assert set(each) == {"key", "action", "why", "before", "after"}
        assert each["why"]
    assert plan["held"] == [{"key": key_of(2), "code": "required-blank", "why": plan["held"][0]["why"]}]
    assert change_of(plan, 1)["before"] == {}
    assert change_of(plan, 1)["after"] == {
        "Employee ID": "000001",
        "Email": "person1@acme.example",
        "First name": "First1",
        "Last name": "Last1",
        "Department": "Sales",
        "status": "Live",
        "external_id": key_of(1),
    }


def test_a_stored_plan_is_shown_as_it_was_previewed(acme: Rollcall, hibob: TinyHiBob) -> None:
    said = acme.call("preview", STAFF, "--json").fine()
    hibob.people.clear()
    assert acme.call("plan", said.json["plan"], "--json").fine().out == said.out
    assert acme.call("plan", said.json["plan"]).fine().out.startswith("Plan ")


def test_two_previews_have_the_same_digest_whatever_the_order(acme: Rollcall, hibob: TinyHiBob) -> None:
    first, second = acme.preview(), acme.preview()
    assert first["digest"] == second["digest"]
    assert first["changes"] == second["changes"]
    assert first["plan"] != second["plan"]
    hibob.change(9, surname="Other")
    assert acme.preview()["digest"] != first["digest"]


def test_what_would_be_archived_is_not_hidden_behind_what_would_be_added(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.forget(7)
    for number in range(41, 81):
        hibob.join(number)
    said = staffed.call("preview", STAFF).fine().out
    assert "… and 20 more" in said
    assert "First7 Last7  In this domain, not in HiBob" in said
    assert "40 people would become live: a portal that keeps them may send them its welcome mail" in said


def test_a_preview_changes_nobody(acme: Rollcall) -> None:
    acme.preview()
    assert acme.users() == []


def test_after_a_run_the_next_preview_is_empty(staffed: Rollcall) -> None:
    said = staffed.call("preview", STAFF, "--json").fine()
    plan = said.json
    assert (plan["status"], plan["changes"], plan["findings"]) == ("empty", [], [])
    assert plan["counts"] == dict.fromkeys(COUNTS, 0) | {"unchanged": 30}
    assert "empty" in staffed.call("preview", STAFF).fine().out


def test_counts_add_up(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.join(41)
    hibob.change(3, surname="Other")
    hibob.change(4, status="Terminated")
    plan = staffed.preview()
    assert plan["counts"] == dict.fromkeys(COUNTS, 0) | {"add": 1, "update": 1, "archive": 1, "unchanged": 28}
    assert sorted(keys(plan["changes"])) == [key_of(3), key_of(4), key_of(41)]


def test_a_preview_can_write_its_workbook_at_once_even_when_blocked(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.people.clear()
    said = staffed.call("preview", STAFF, "--excel", "plan.xlsx", "--json")
    assert (said.code, said.json["status"]) == (3, "blocked")
    assert (staffed.folder / "plan.xlsx").read_bytes().startswith(b"PK")


def test_without_a_unique_identifier_there_is_no_preview(acme: Rollcall, hibob: TinyHiBob) -> None:
    bare = {"name": "bare", "connection": "Acme HiBob", "attributes": [EMPLOYEE_ID]}
    acme.set_up(customer(hibob.base_url, domain(), bare)).fine()
    acme.call("preview", "Acme/bare").complaint(2)


# --- values -----------------------------------------------------------------------------------------------

NFD = unicodedata.normalize("NFD", "Zoë Ångström")


@pytest.mark.parametrize(
    ("row", "changes", "expected"),
    [
        ({"feed": "Payroll number"}, {"payroll": "000042"}, "000042"),
        ({"feed": "root.surname"}, {"surname": NFD}, unicodedata.normalize("NFC", NFD)),
        ({"feed": "root.surname"}, {"surname": "O'Brien-D’Angelo"}, "O'Brien-D’Angelo"),
        ({"feed": "root.surname"}, {"surname": "  Watkins\u00a0\t"}, "Watkins"),
        ({"feed": "root.surname"}, {"surname": "Null"}, "Null"),
        ({"feed": "root.surname"}, {"surname": "李 🦊 כהן"}, "李 🦊 כהן"),
        ({"feed": "root.surname"}, {"surname": "=1+1"}, "=1+1"),
        ({"feed": "root.id"}, {}, key_of(1)),
        ({"feed": "work.manager"}, {"manager": key_of(2)}, key_of(2)),
        ({"feed": "work.department"}, {"department": "209192161"}, "209192161"),
        ({"feed": "/work/department"}, {"department": "209192161"}, "209192161"),
        ({"feed": "humanReadable.work.department"}, {"department": "209192161"}, "Legal & Compliance"),
        ({"feed": "Department"}, {"department": "209192161"}, "209192161"),
        ({"feed": "work.title"}, {"title": "503"}, "503"),
        ({"feed": "humanReadable.work.title"}, {"title": "503"}, "Head of Möbel"),
        ({"feed": "humanReadable.work.title"}, {"title": "502"}, "=1+1"),
        ({"feed": "work.siteId"}, {"site": "Dublin"}, "72"),
        ({"feed": "humanReadable.work.siteId"}, {"site": "Dublin"}, "Dublin"),
        ({"feed": "Employment type"}, {"employment": "Full time"}, "Full time"),
        ({"feed": "humanReadable.payroll.employment.type"}, {"employment": "209192999"}, "Secondment"),
        ({"feed": "work.reportsTo.email"}, {"manager": key_of(2)}, "person2@acme.example"),
        ({"feed": "humanReadable.work.reportsTo"}, {"manager": key_of(2)}, "First2 Last2"),
        ({"feed": "work.reportsTo", "type": "user"}, {"manager": key_of(2)}, "000002"),
        ({"feed": "work.manager", "type": "user"}, {"manager": key_of(2)}, "000002"),
        ({"feed": "work.reportsTo.email", "type": "user"}, {"manager": key_of(2)}, "000002"),
        ({"feed": "work.reportsTo", "type": "user"}, {"manager": None}, None),
        ({"feed": "work.startDate", "type": "date"}, {"start": "2026-03-02"}, "2026-03-02"),
        ({"feed": "humanReadable.work.startDate", "type": "date"}, {"start": "2026-03-02"}, "2026-03-02"),
        ({"feed": "work.startDate", "type": "date"}, {"start": "2023-05-19T11:13:40.175639"}, "2023-05-19"),
        ({"feed": "Contract end", "type": "date"}, {"contract_end": "2024-02-29"}, "2024-02-29"),
        ({"feed": "payroll.employment.fte", "type": "number"}, {"fte": 80}, "80"),
        ({"feed": "payroll.employment.fte", "type": "number"}, {"fte": 37.50}, "37.5"),
        ({"feed": "payroll.employment.fte", "type": "number"}, {"fte": 0}, "0"),
        ({"feed": "payroll.employment.fte", "type": "number"}, {"fte": 0.1}, "0.1"),
        ({"feed": "payroll.employment.fte", "type": "number"}, {"fte": 1e21}, "1" + "0" * 21),
        ({"feed": "Contract end", "type": "number"}, {"contract_end": "0012.340"}, "12.34"),
        ({"feed": "Contract end", "type": "number"}, {"contract_end": "-0"}, "0"),
        ({"feed": "Certified person", "type": "yes/no"}, {"certified": True}, "Yes"),
        ({"feed": "Certified person", "type": "yes/no"}, {"certified": False}, "No"),
        ({"feed": "humanReadable.category_900.field_2003", "type": "yes/no"}, {"certified": False}, "No"),
        ({"feed": "Contract end", "type": "yes/no"}, {"contract_end": "YES"}, "Yes"),
        ({"feed": "Contract end"}, {"contract_end": ""}, None),
        ({"feed": "Contract end"}, {"contract_end": " \t "}, None),
        ({"feed": "Contract end"}, {"contract_end": None}, None),
        ({"feed": "Contract end", "fallback": "work.site"}, {"contract_end": "  "}, "London"),
        ({"feed": "Contract end", "fallback": "work.site"}, {"contract_end": "0"}, "0"),
        ({"feed": "work.site", "values": {"London": "LON"}}, {"site": "London"}, "LON"),
        ({"feed": "work.site", "values": {"London": "LON"}}, {"site": "Dublin"}, "Dublin"),
        ({"feed": "work.site", "values": {"London": "LON"}, "clean_up": ["upper"]}, {}, "LON"),
        ({"feed": "root.email", "clean_up": ["lower"]}, {"email": "PERSON1@ACME.EXAMPLE"}, "person1@acme.example"),
        ({"feed": "work.site", "type": "list", "options": ["London"]}, {"site": "London"}, "London"),
        (
            {"feed": "humanReadable.work.department", "values": {"Legal & Compliance": "Legal"}},
            {"department": "209192161"},
            "Legal",
        ),
    ],
)
def test_a_value_arrives_as_it_should(
    acme: Rollcall, hibob: TinyHiBob, row: dict[str, Any], changes: dict[str, Any], expected: str | None
) -> None:
    row = dict(row)
    mapped(acme, hibob, attribute("Value", row.pop("feed"), **row))
    hibob.change(1, **changes)
    plan = acme.preview()
    assert held(plan) == {}
    assert change_of(plan, 1)["after"].get("Value") == expected
    acme.approve_and_process(plan)
    user = next(each for each in acme.users() if each["external_id"] == key_of(1))
    assert user["attributes"].get("Value") == expected
    assert acme.preview()["status"] == "empty"


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        ({"feed": "Contract end", "type": "date"}, {"contract_end": "31/02/2026"}),
        ({"feed": "Contract end", "type": "date"}, {"contract_end": "2026-02-30"}),
        ({"feed": "Contract end", "type": "date"}, {"contract_end": "tbc"}),
        ({"feed": "Contract end", "type": "number"}, {"contract_end": "12 weeks"}),
        ({"feed": "Contract end", "type": "yes/no"}, {"contract_end": "perhaps"}),
        ({"feed": "work.site", "type": "list", "options": ["London"]}, {"site": "Atlantis"}),
        ({"feed": "work.reportsTo.email", "type": "user"}, {"manager": "777"}),
    ],
)
def test_a_value_that_cannot_be_read_holds_that_person_and_names_it(
    acme: Rollcall, hibob: TinyHiBob, row: dict[str, Any], changes: dict[str, Any]
) -> None:
    row = dict(row)
    mapped(acme, hibob, attribute("Value", row.pop("feed"), **row))
    if "manager" in changes:
        stranger = somebody(99, payroll=None, email="boss@acme.example")
        hibob.people[stranger["root.id"]] = stranger
        changes = {"manager": key_of(99)}
    hibob.change(5, **changes)
    plan = acme.preview()
    assert held(plan).pop(key_of(5)) == "unreadable"
    why = next(each["why"] for each in plan["held"] if each["key"] == key_of(5))
    assert "Value" in why
    assert str(next(iter(changes.values()))) in why or "boss@acme.example" in why
    assert plan["counts"]["add"] == 29


@pytest.mark.parametrize(
    "strange",
    [{"a": [1]}, [1, [2]], {"value": {"value": None}}, 1e308, -0.0, 2**70, True, "\ud800", "\x00\x07\x1b[31m"],
)
def test_a_strange_value_holds_or_changes_one_person_and_never_the_read(
    acme: Rollcall, hibob: TinyHiBob, strange: Any
) -> None:
    mapped(acme, hibob, attribute("Value", "Contract end"), attribute("Bonus", "Bonus", type="number"))
    hibob.change(5, contract_end=strange, bonus=strange)
    plan = acme.preview()
    assert plan["counts"]["add"] + plan["counts"]["held"] == 30
    assert plan["counts"]["add"] >= 29
    acme.approve_and_process(plan)
    assert acme.preview()["counts"]["add"] == 0
    acme.call("preview", STAFF).fine()
    acme.call("users", STAFF).fine()


def test_numbers_keep_all_their_digits(acme: Rollcall, hibob: TinyHiBob) -> None:
    mapped(acme, hibob, attribute("Bonus", "Bonus", type="number"), attribute("Text", "Bonus"))
    hibob.change(1, bonus=3980342332732998349)
    hibob.change(2, bonus=9007199254740993)
    plan = acme.preview()
    assert change_of(plan, 1)["after"]["Bonus"] == change_of(plan, 1)["after"]["Text"] == "3980342332732998349"
    assert change_of(plan, 2)["after"]["Bonus"] == "9007199254740993"


@pytest.mark.parametrize(
    ("policy", "after"), [("keep", None), ("clear", {"Contract end": None}), ("hold", "required-blank")]
)
def test_what_a_blank_does_is_the_attributes_policy(acme: Rollcall, hibob: TinyHiBob, policy: str, after: Any) -> None:
    mapped(acme, hibob, attribute("Contract end", "Contract end", blank=policy))
    for person in hibob.people.values():
        person[tiny_hibob.CONTRACT_END] = "2030-01-01"
    acme.sync()
    hibob.change(3, contract_end=None)
    plan = acme.preview()
    if policy == "hold":
        assert held(plan) == {key_of(3): after}
    else:
        assert [each["after"] for each in plan["changes"]] == ([after] if after else [])


def test_an_attribute_on_add_is_left_alone_later(acme: Rollcall, hibob: TinyHiBob) -> None:
    mapped(acme, hibob, attribute("Site", "work.site", apply="on add"))
    acme.sync()
    hibob.change(3, site="Dublin")
    assert acme.preview()["status"] == "empty"
    hibob.join(41, site="Dublin")
    assert change_of(acme.preview(), 41)["after"]["Site"] == "Dublin"


def test_required_is_satisfied_by_the_value_that_is_kept(staffed: Rollcall, hibob: TinyHiBob) -> None:
    required = [EMPLOYEE_ID, EMAIL, FIRST_NAME, LAST_NAME, DEPARTMENT | {"required": True}]
    staffed.set_up(customer(hibob.base_url, domain(*required))).fine()
    hibob.change(3, department=None, surname="Other")
    hibob.join(41, department=None)
    plan = staffed.preview()
    assert held(plan) == {key_of(41): "required-blank"}
    assert change_of(plan, 3)["after"] == {"Last name": "Other"}


# --- people -----------------------------------------------------------------------------------------------


def test_lifecycle_decides_who_is_live(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, status="Terminated")
    hibob.change(2, status="TERMINATED")
    hibob.change(3, status="Leave")
    hibob.change(4, status="parental leave", surname="Newname")
    hibob.change(5, status="Garden leave", last_day=today(1))
    hibob.change(6, status="Garden leave", last_day=today(-1))
    hibob.change(7, status="5151")  # a status of the customer's own
    hibob.join(41, status="Hired", start=today(2), email=None)
    hibob.join(42, status="Hired", start=today(0))
    hibob.join(43, status="Leave")
    hibob.join(44, status="Terminated")
    hibob.join(45, status="5151")
    said = staffed.call("preview", STAFF, "--json")
    plan = said.json
    assert set(keys(plan["changes"], "archive")) == {key_of(1), key_of(2), key_of(6)}
    assert keys(plan["changes"], "update") == [key_of(4)]
    assert keys(plan["changes"], "add") == [key_of(42)]
    assert held(plan) == {key_of(41): "future-starter", key_of(43): "on-leave", key_of(45): "on-leave"}
    assert "Sabbatical" in str([each for each in plan["findings"] if each["severity"] == "warn"])


def test_waiting_days_bring_a_starter_in_early(acme: Rollcall, hibob: TinyHiBob) -> None:
    mapped(acme, hibob, lifecycle={"hired": {"wait_until_days_before_start": 3}, "Sabbatical": "archived"})
    hibob.join(41, status="Hired", start=today(3))
    hibob.join(42, status="Hired", start=today(4))
    hibob.join(43, status="5151")
    plan = acme.preview()
    assert key_of(41) in keys(plan["changes"], "add")
    assert held(plan) == {key_of(42): "future-starter"}
    assert key_of(43) not in keys(plan["changes"])


def test_terminated_people_are_archived_and_come_back_as_the_same_user(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(5, status="Terminated")
    plan = staffed.sync()
    assert [(each["key"], each["action"], each["after"]) for each in plan["changes"]] == [
        (key_of(5), "archive", {"status": "Archived"})
    ]
    hibob.change(5, surname="While away")
    assert staffed.preview()["status"] == "empty"  # archived users are never updated
    hibob.change(5, status="employed")
    plan = staffed.sync()
    assert [(each["action"], each["before"], each["after"]) for each in plan["changes"]] == [
        ("reactivate", {"status": "Archived", "Last name": "Last5"}, {"status": "Live", "Last name": "While away"})
    ]
    assert len(staffed.users()) == 30


def test_absence_from_a_complete_read_archives(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.forget(7)
    (change,) = staffed.preview()["changes"]
    assert (change["action"], change["before"], change["after"]) == (
        "archive",
        {"status": "Live"},
        {"status": "Archived"},
    )
    assert change["key"].startswith("user:")
    assert len(staffed.users()) == 30


def test_absence_can_be_made_to_count_twice(staffed: Rollcall, hibob: TinyHiBob) -> None:
    mapped(staffed, hibob, absent_reads=2)
    hibob.forget(7)
    assert (staffed.preview()["status"], staffed.preview()["status"]) == ("empty", "empty")  # at once: one read
    assert "who: First7 Last7 (user:" in staffed.call("preview", STAFF).fine().out
    answer = staffed.call("explain", STAFF, "person7@acme.example").fine().out
    assert answer.startswith("Live, and missing from HiBob: in 1 of the 2 reads")
    staffed.sql("UPDATE absences SET counted_at = '2020-01-01T00:00:00.000000Z'")
    assert staffed.preview()["counts"]["archive"] == 1


def test_absence_may_be_limited_to_linked_users(staffed: Rollcall, hibob: TinyHiBob) -> None:
    """A user whom nobody linked stands in the directory and not in HiBob."""
    stranger(staffed, Email="x@other.example", **{"Employee ID": "X1"})
    assert len(keys(staffed.preview()["changes"], "archive")) == 1
    mapped(staffed, hibob, absence_archives="linked")
    assert staffed.preview()["status"] == "empty"
    hibob.forget(7)
    assert len(keys(staffed.preview()["changes"], "archive")) == 1


def stranger(house: Rollcall, status: str = "Live", **attributes: str) -> None:
    """A user whom Rollcall did not make."""
    house.sql(
        "INSERT INTO users (domain_id, external_id, status, attributes) "
        "SELECT id, NULL, ?, ? FROM domains WHERE name = 'staff'",
        status, json.dumps(attributes),
    )  # fmt: skip


def test_first_contact_links_by_identifier_and_then_by_email(acme: Rollcall, hibob: TinyHiBob) -> None:
    stranger(acme, **{"Employee ID": "000001", "Email": "person1@acme.example", "First name": "First1"})
    stranger(acme, **{"Email": "PERSON2@acme.example", "First name": "Other"})
    stranger(acme, "Archived", **{"Employee ID": "000003"})
    plan = acme.preview()
    assert plan["counts"]["link"] == 3
    assert plan["counts"]["add"] == 27
    links = [each for each in plan["changes"] if each["action"] == "link"]
    assert [(each["before"], each["after"]) for each in links] == [
        ({"external_id": None}, {"external_id": key_of(number)}) for number in (1, 2, 3)
    ]
    run = acme.approve_and_process(plan)
    assert run["status"] == "done"
    users = {each["external_id"]: each for each in acme.users()}
    assert len(acme.users()) == 30
    assert (users[key_of(2)]["attributes"]["First name"], users[key_of(3)]["status"]) == ("First2", "Live")
    assert acme.preview()["status"] == "empty"


def test_disputed_people_are_held_on_either_side(acme: Rollcall, hibob: TinyHiBob) -> None:
    stranger(acme, Email="person1@acme.example")
    stranger(acme, Email="Person1@acme.example")
    hibob.change(2, payroll="same")
    hibob.change(3, payroll="same")
    plan = acme.preview()
    assert held(plan) | {key_of(1): "", key_of(2): "", key_of(3): ""} == held(plan) | dict.fromkeys(
        (key_of(1), key_of(2), key_of(3)), ""
    )
    assert (held(plan)[key_of(1)], held(plan)[key_of(2)], held(plan)[key_of(3)]) == (
        "disputed",
        "duplicate-id",
        "duplicate-id",
    )
    assert plan["counts"]["archive"] == 0


def test_swapped_identifiers_are_held_and_named(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, payroll="000002")
    hibob.change(2, payroll="000001")
    plan = staffed.preview()
    assert held(plan) == {key_of(1): "identifier-taken", key_of(2): "identifier-taken"}
    assert plan["changes"] == []


def test_an_identifier_that_is_freed_is_taken_in_the_next_run(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, payroll="000100")
    hibob.join(41, payroll="000001")
    plan = staffed.preview()
    assert held(plan) == {key_of(41): "identifier-taken"}
    assert staffed.approve_and_process(plan)["status"] == "done"
    assert keys(staffed.sync()["changes"]) == [key_of(41)]
    assert staffed.preview()["status"] == "empty"


def test_an_archive_and_an_add_that_look_like_one_person_are_both_held(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.forget(5)
    hibob.join(41, first_name="First5", surname="Last5", email="other@acme.example")
    plan = staffed.preview()
    assert set(held(plan).values()) == {"same-person"}
    assert len(held(plan)) == 2
    assert (codes(plan, "warn"), plan["changes"]) == (["same-person"], [])


def test_a_domain_takes_only_whom_its_scope_names(acme: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(1, 4):
        hibob.change(number, site="Dublin")
    mapped(acme, hibob, scope=[{"rule": "include", "column": "work.site", "is": ["dublin"]}])
    assert keys(acme.sync()["changes"]) == [key_of(1), key_of(2), key_of(3)]
    hibob.change(2, site="London")
    (change,) = acme.preview()["changes"]
    assert (change["key"], change["action"]) == (key_of(2), "archive")
    assert "scope" in change["why"]


def test_somebody_in_two_domains_is_a_finding(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(), domain(name="board"))).fine()
    assert codes(acme.preview(), "warn") == ["two-domains"]


def test_more_users_than_seats_warn_with_the_cost(acme: Rollcall, hibob: TinyHiBob) -> None:
    content = customer(hibob.base_url) | {"customer": {"name": "Acme", "seats": 28, "price_per_user": 12.5}}
    acme.set_up(content).fine()
    plan = acme.preview()
    (finding,) = plan["findings"]
    assert (finding["code"], finding["severity"]) == ("seats", "warn")
    assert finding["numbers"]["counted"] == 30
    assert finding["numbers"]["limit"] == 28
    assert "25" in finding["message"]


def test_protected_people_are_never_archived(staffed: Rollcall, hibob: TinyHiBob) -> None:
    mapped(
        staffed, hibob, protected=["person5@acme.example", {"attribute": "Department", "is": ["Legal & Compliance"]}]
    )
    hibob.change(6, department="209192161")
    staffed.sync()
    hibob.forget(5)
    hibob.change(6, status="Terminated")
    plan = staffed.preview()
    assert (set(held(plan).values()), len(held(plan)), plan["changes"]) == ({"protected"}, 2, [])


# --- a failed or strange read is never "gone" -------------------------------------------------------------


def test_an_empty_answer_archives_nobody(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.people.clear()
    plan = blocked(staffed, "no-employees")
    assert plan["changes"] == []


def test_half_the_people_missing_archives_nobody(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.forget(*range(1, 16))
    plan = blocked(staffed, "head-count", "limit-archive", "limit-archive-7-days")
    finding = next(each for each in plan["findings"] if each["code"] == "head-count")
    assert finding["numbers"] == {"counted": 15, "limit": 27, "of": 30}
    assert len(finding["keys"]) == 15
    assert finding["message"]
    assert finding["remedy"]


def test_the_head_is_counted_before_the_scope(staffed: Rollcall, hibob: TinyHiBob) -> None:
    """Whoever left the scope is still returned, and so no sign of a shrunken read."""
    for number in range(1, 16):
        hibob.change(number, site="Dublin")
    mapped(staffed, hibob, scope=[{"rule": "exclude", "column": "work.site", "is": ["Dublin"]}])
    blocked(staffed, "limit-archive", "limit-archive-7-days")


def test_a_lost_column_blanks_nobody(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.lost.add("work.department")
    plan = blocked(staffed, "column-absent")
    (finding,) = plan["findings"]
    assert "Work" in finding["remedy"]


def test_a_lost_identifier_archives_nobody(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.lost.add(tiny_hibob.PAYROLL)
    plan = blocked(staffed, "column-absent")
    assert plan["changes"] == []


def test_an_emptied_column_blocks(acme: Rollcall, hibob: TinyHiBob) -> None:
    mapped(acme, hibob, attribute("Site", "work.site", blank="clear"))
    acme.sync()
    hibob.emptied.add("work.site")
    blocked(acme, "column-emptied", "limit-blank")


def test_swapped_columns_block(staffed: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(1, 31):
        hibob.change(number, payroll=f"X{number}")
    blocked(staffed, "identifiers-swapped")


def test_losing_the_lifecycle_warns_and_changes_nobody(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.denied.add("lifecycle")
    plan = staffed.preview()
    assert (plan["status"], plan["changes"]) == ("empty", [])
    assert "column-absent" in codes(plan, "warn")


def test_a_narrower_audience_archives_nobody(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.hidden |= {key_of(number) for number in range(1, 6)}
    blocked(staffed, "head-count", "limit-archive")


@pytest.mark.parametrize(
    ("limit", "leavers", "is_blocked"),
    [("10%", 2, False), ("10%", 3, True), (5, 4, False), (5, 5, True), ("off", 6, False), (1, 1, True)],
)
def test_the_archive_limit_triggers_when_it_is_reached(
    staffed: Rollcall, hibob: TinyHiBob, limit: Any, leavers: int, is_blocked: bool
) -> None:
    mapped(staffed, hibob, limits={"archive": limit, "archive_7_days": "off"})
    for number in range(1, leavers + 1):
        hibob.change(number, status="Terminated")
    if is_blocked:
        plan = blocked(staffed, "limit-archive")
        assert plan["findings"][0]["numbers"]["counted"] == leavers
        assert plan["findings"][0]["numbers"]["of"] == 30
    else:
        assert staffed.preview()["status"] == "ready"


def test_archives_add_up_over_seven_days(staffed: Rollcall, hibob: TinyHiBob) -> None:
    for day in range(3):
        for number in (1, 2):
            hibob.change(day * 2 + number, status="Terminated")
        staffed.sync()
    hibob.change(7, status="Terminated")
    assert blocked(staffed, "limit-archive-7-days")["findings"][0]["numbers"]["counted"] == 7
    staffed.sql("UPDATE outcomes SET at = '2020-01-01T00:00:00.000000Z' WHERE action = 'archive'")
    assert staffed.preview()["status"] == "ready"


@pytest.mark.parametrize(("limit", "code"), [("add", "limit-add"), ("update", "limit-update")])
def test_other_limits_are_off_until_they_are_set(staffed: Rollcall, hibob: TinyHiBob, limit: str, code: str) -> None:
    for number in range(1, 21):
        hibob.change(number, surname="Same")
        hibob.join(100 + number)
    assert staffed.preview()["status"] == "ready"
    mapped(staffed, hibob, limits={limit: 20})
    blocked(staffed, code)


def test_archiving_a_member_blocks(staffed: Rollcall, hibob: TinyHiBob) -> None:
    content = customer(hibob.base_url)
    content["members"].append({"email": "Person5@acme.example", "role": "auditor"})
    staffed.set_up(content).fine()
    hibob.change(5, status="Terminated")
    blocked(staffed, "self-archive")


def test_archiving_whoever_is_looking_blocks(staffed: Rollcall, hibob: TinyHiBob) -> None:
    staffed.call("grant", "person5@acme.example", "csm").fine()
    hibob.change(5, status="Terminated")
    said = staffed.call("preview", STAFF, "--json", by="person5@acme.example")
    assert (said.code, codes(said.json)) == (3, ["self-archive"])


def test_without_an_email_attribute_archives_cannot_be_checked_and_are_blocked(
    staffed: Rollcall, hibob: TinyHiBob
) -> None:
    staffed.set_up(customer(hibob.base_url, domain(EMPLOYEE_ID, FIRST_NAME, LAST_NAME))).fine()
    assert staffed.preview()["status"] == "empty"
    hibob.change(5, status="Terminated")
    blocked(staffed, "self-archive")


# --- the sandbox ------------------------------------------------------------------------------------------

NORTHWIND = "Northwind Trading/staff"


def by_email(house: Rollcall) -> dict[str, dict[str, str]]:
    return {each["external_id"]: each["attributes"] for each in house.users(NORTHWIND)}


def test_the_awkward_people_of_the_sandbox_arrive_intact(northwind: Rollcall, sandbox: Sandbox) -> None:
    plan = northwind.preview(NORTHWIND)
    northwind.call("approve", plan["plan"], by="admin@northwind.example").fine()
    run = northwind.call("process", plan["plan"], "--json").fine().json
    assert run["counts"]["done"] == plan["counts"]["add"]
    users = by_email(northwind)
    for key, attributes in users.items():
        person = sandbox.company.people[key]
        surname = unicodedata.normalize("NFC", " ".join(str(person["root.surname"]).split()))
        assert attributes["Last name"] == surname
        assert attributes["Employee ID"] == person["work.custom.field_1651169416679"]
        assert attributes["Start date"] == person["work.startDate"]
        assert attributes.get("Department") not in (None, "Legal & Compliance")
        assert not attributes["Department"].isdigit()
    assert any(value["Employee ID"].startswith("000") for value in users.values())
    assert northwind.preview(NORTHWIND)["status"] == "empty"


def test_a_day_in_the_sandbox_changes_nobody_to_whom_nothing_happened(northwind: Rollcall, sandbox: Sandbox) -> None:
    process_northwind(northwind)
    for _ in range(5):
        report = sandbox.pass_day()
        happened = {
            kind: {each.id for each in getattr(report, kind)}
            for kind in ("joiners", "announced", "movers", "leavers", "returners", "renamed", "on_leave", "back")
        }
        plan = process_northwind(northwind)
        for change in plan["changes"]:
            if set(change["after"]) != {"Manager"}:  # a leaver's people get another manager
                assert change["key"] in set().union(*happened.values()), change
        assert set(keys(plan["changes"], "archive")) <= happened["leavers"]
        assert set(keys(plan["changes"], "reactivate")) <= happened["returners"]
        assert set(keys(plan["changes"], "add")) <= happened["joiners"] | happened["returners"] | happened["back"]
        status = {each["external_id"]: each["status"] for each in northwind.users(NORTHWIND)}
        assert {status[key] for key in happened["leavers"] & status.keys()} <= {"Archived"}
        assert {status[key] for key in happened["movers"] | happened["on_leave"] if key in status} <= {"Live"}
        assert northwind.preview(NORTHWIND)["status"] == "empty"


def process_northwind(house: Rollcall) -> Any:
    plan = house.preview(NORTHWIND)
    house.call("approve", plan["plan"], by="admin@northwind.example").fine()
    house.call("process", plan["plan"]).fine()
    return plan


@pytest.mark.parametrize("switch", ["no_employees", "half_missing", "employed_only"])
def test_a_failing_sandbox_changes_nobody(northwind: Rollcall, sandbox: Sandbox, switch: str) -> None:
    process_northwind(northwind)
    before = northwind.users(NORTHWIND)
    setattr(sandbox.switches, switch, True)
    said = northwind.call("preview", NORTHWIND, "--json")
    plan = said.json
    if switch == "employed_only":
        # Only employed people are shown: those on leave vanish, few enough to be told apart by the limits at most.
        assert set(keys(plan["changes"])) <= {f"user:{each['id']}" for each in before}
    else:
        assert said.code == 3
        northwind.call("approve", plan["plan"], by="admin@northwind.example").complaint(3)
    assert northwind.users(NORTHWIND) == before
