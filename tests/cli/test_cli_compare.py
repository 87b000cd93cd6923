"""`compare`: what two versions of a mapping would make of the same people, without asking HiBob."""

import pytest
from driver import ADMIN, STAFF, Rollcall, attribute, customer, domain
from tiny_hibob import TinyHiBob, key_of


@pytest.fixture
def versions(staffed: Rollcall, hibob: TinyHiBob) -> Rollcall:
    """Version 2 writes departments in capitals; HiBob is out of reach."""
    loud = [
        attribute("Department", each["data_feed_name"], clean_up=["upper"]) if each["name"] == "Department" else each
        for each in domain()["attributes"]
    ]
    staffed.set_up(customer(hibob.base_url, domain(*loud))).fine()
    hibob.close()
    return staffed


def test_a_comparison_counts_users_per_attribute_and_names_them(versions: Rollcall) -> None:
    found = versions.call("compare", STAFF, "1", "2", "--json").fine().json
    assert (found["domain"], found["old"], found["new"], found["users"]) == (STAFF, "1", "2", 30)
    (department,) = found["attributes"]
    assert (department["attribute"], department["users"]) == ("Department", 30)
    assert all(each["new"] == each["old"].upper() for each in department["examples"])
    assert len(found["people"]) == 30
    first = next(each for each in found["people"] if each["key"] == key_of(1))
    assert set(first) == {"key", "name", "attribute", "old", "new"}
    assert (found["happens"], found["not_compared"], found["not_known"]) == ([], [], [])


def test_a_comparison_in_words_is_the_sentence_of_the_page(versions: Rollcall) -> None:
    said = versions.call("compare", STAFF, "1", "2").fine().out
    assert said.startswith(f"Version 1 → version 2 changes 30 users of {STAFF}.")
    assert "Department:" in said


def test_the_same_version_twice_changes_nobody(versions: Rollcall) -> None:
    assert versions.call("compare", STAFF, "2", "2", "--json").fine().json["users"] == 0


def test_a_column_that_was_not_read_is_named(staffed: Rollcall, hibob: TinyHiBob) -> None:
    more = [*domain()["attributes"], attribute("Cost", "work.custom.cost")]
    staffed.set_up(customer(hibob.base_url, domain(*more))).fine()
    found = staffed.call("compare", STAFF, "1", "2", "--json").fine().json
    assert [(each["attribute"], each["column"]) for each in found["not_compared"]] == [("Cost", "work.custom.cost")]
    assert "was not read" in found["not_compared"][0]["why"]
    assert "not compared: Cost" in staffed.call("compare", STAFF, "1", "2").fine().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("1", "9"), "no version 9"),
        (("0", "1"), "no version 0"),
        (("one", "2"), "is no version"),
        (("1", "9" * 30), "is no version"),
        (("1", "draft"), "no unsaved mapping"),
    ],
)
def test_what_is_no_version_is_wrong_usage(versions: Rollcall, words: tuple[str, str], expected: str) -> None:
    assert expected in versions.call("compare", STAFF, *words, by=ADMIN).complaint(2)


def test_comparing_before_the_first_preview_is_wrong_usage(acme: Rollcall) -> None:
    assert "Make a preview first" in acme.call("compare", STAFF, "1", "1").complaint(2)


def test_comparing_takes_a_role(versions: Rollcall) -> None:
    versions.call("compare", STAFF, "1", "2", by="stranger@else.example").complaint(3)
