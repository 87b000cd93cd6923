"""One person's data, and old history: what is kept is handed out whole, and what is removed is gone; the chain holds."""

import re
from typing import Any

import pytest
from driver import ADMIN, EMAIL, EMPLOYEE_ID, FIRST_NAME, LAST_NAME, STAFF, Rollcall, attribute, customer, domain
from tiny_hibob import TinyHiBob, key_of


@pytest.fixture
def story(staffed: Rollcall, hibob: TinyHiBob) -> Rollcall:
    """Acme after two runs, a decision about person 4, and a preview that waits."""
    hibob.change(4, surname="Neverheard")
    staffed.sync()
    hibob.change(4, surname="Seldomheard")
    hibob.change(5, surname="Other")
    plan = staffed.preview()
    staffed.call("decide", plan["plan"], "--protect", key_of(4), by=ADMIN).fine()
    staffed.call("approve", staffed.preview()["plan"], "--leave-out", key_of(4), by=ADMIN).fine()
    return staffed


def mentions(house: Rollcall, words: list[str]) -> list[str]:
    """Where one of these words still stands, the user directory left aside."""
    with house.database() as db:
        lines = [line for line in db.iterdump() if line.startswith("INSERT") and '"users"' not in line]
    return [line for line in lines if any(re.search(rf"\b{re.escape(word)}\b", line) for word in words)]


def test_what_is_kept_of_a_person_is_handed_out_whole(story: Rollcall) -> None:
    found: dict[str, Any] = story.call("export-person", "Acme", key_of(4)).fine().json
    assert len(found["changes"]) >= 3
    assert found["outcomes"]
    assert found["decisions"]
    assert "Neverheard" in str(found["changes"])
    assert [each["what"] for each in found["history"]] == ["decided", "plan approved"]


def test_a_person_is_found_by_e_mail_too(story: Rollcall) -> None:
    email = next(each for each in story.users() if each["external_id"] == key_of(4))["attributes"]["Email"]
    assert story.call("export-person", "Acme", email).fine().json["known_as"] == [email, key_of(4)]


def test_somebody_who_is_removed_is_gone_but_for_their_account(story: Rollcall) -> None:
    users = story.users()
    story.call("forget-person", "Acme", key_of(4), by=ADMIN).fine()
    assert mentions(story, [key_of(4), "Neverheard", "Seldomheard"]) == []
    assert story.users() == users
    story.call("verify").fine()
    story.call("export-person", "Acme", key_of(4)).complaint(2)
    assert story.history("Acme")[0]["what"] == "person removed"
    assert story.call("history", STAFF, "--json").fine()


def test_somebody_who_is_removed_stands_in_nothing_that_is_said_of_others(empty: Rollcall, hibob: TinyHiBob) -> None:
    attributes = (EMPLOYEE_ID, EMAIL, FIRST_NAME, LAST_NAME, attribute("Manager", "work.manager", type="user"))
    hibob.change(4, surname="Neverheard", payroll="same")
    hibob.change(5, payroll="same")
    hibob.change(6, manager=key_of(4))
    empty.set_up(customer(hibob.base_url, domain(*attributes))).fine()
    plan = empty.sync()["plan"]
    said = empty.call("plan", plan).fine().out
    assert f"their managers: First4 Neverheard ({key_of(4)}), First5" in said
    assert "Shared with First4 Neverheard. 2 people in HiBob share the unique identifier “same”." in said
    empty.call("forget-person", "Acme", key_of(4), by=ADMIN).fine()
    assert mentions(empty, [key_of(4), "Neverheard"]) == []
    assert "Neverheard" not in empty.call("plan", plan).fine().out


def test_with_a_person_the_uploaded_files_go_whose_names_and_fingerprints_stay(
    story: Rollcall, hibob: TinyHiBob
) -> None:
    hibob.join(41)
    plan, file = story.preview()["plan"], story.folder / "plan.xlsx"
    story.call("workbook", plan, file).fine()
    story.call("approve", plan, "--workbook", file, by=ADMIN).fine()
    story.call("process", plan).fine()
    again = story.folder / "again.xlsx"
    story.call("workbook", plan, again, "--uploaded").fine()
    assert again.read_bytes() == file.read_bytes()
    story.call("forget-person", "Acme", key_of(4), by=ADMIN).fine()
    assert story.sql("SELECT name, length(sha256), content FROM uploads") == [("plan.xlsx", 64, None)]
    assert story.sql("SELECT * FROM legends") == []
    assert "is no longer kept" in story.call("workbook", plan, again, "--uploaded").complaint(2)
    story.call("workbook", plan, again).fine()


def test_others_stay_and_the_next_preview_is_made_as_ever(story: Rollcall, hibob: TinyHiBob) -> None:
    before = story.call("export-person", "Acme", key_of(6)).fine().json
    story.call("forget-person", "Acme", key_of(4), by=ADMIN).fine()
    after = story.call("export-person", "Acme", key_of(6)).fine().json
    assert after["outcomes"] == before["outcomes"]
    assert [each["key"] for each in story.preview()["changes"]] == [key_of(4), key_of(5)]


def test_a_member_is_not_removed(story: Rollcall) -> None:
    assert "revoke" in story.call("forget-person", "Acme", ADMIN).complaint(3)


def test_somebody_of_whom_nothing_is_kept_is_told_so(story: Rollcall) -> None:
    story.call("forget-person", "Acme", "nobody").complaint(2)


def test_the_history_forgets_what_is_older_than_the_retention(story: Rollcall) -> None:
    assert story.call("forget-history", "Acme").fine().out.startswith("0 rows")
    story.sql("UPDATE customers SET retention_days = 0")
    rows = len(story.history("Acme"))
    assert story.call("forget-history", "Acme").fine().out.startswith(f"{rows:,} rows")
    assert [each["what"] for each in story.history("Acme")] == ["content of the history removed"]
    story.call("verify").fine()
    assert story.call("forget-history", "Acme").fine().out.startswith("0 rows")
