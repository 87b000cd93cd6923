"""`decide`: protecting, moving, "same person" and test accounts make a new plan at once, without reading HiBob again."""

from typing import Any

import pytest
from driver import ADMIN, AUDITOR, CSM, STAFF, Rollcall, attribute, customer, domain, keys
from tiny_hibob import TinyHiBob, key_of

BOARD = "Acme/board"
START = attribute("Start date", "work.startDate", type="date")


@pytest.fixture
def two_domains(empty: Rollcall, hibob: TinyHiBob) -> Rollcall:
    """Acme's staff, and a board whose members nobody feeds but who are there: one of them archived."""
    board = domain(name="board", scope=[{"rule": "include", "column": "work.site", "is": ["Nowhere"]}])
    empty.set_up(customer(hibob.base_url, domain(), board)).fine()
    empty.sync()
    account(empty, "U00000900", "test@acme.example", "Live")
    account(empty, "U00000901", "old@acme.example", "Archived")
    return empty


def account(house: Rollcall, user: str, email: str, status: str) -> None:
    """A user that somebody made in the portal by hand."""
    house.sql(
        "INSERT INTO users (id, domain_id, status, attributes) SELECT ?, id, ?, ? FROM domains WHERE name = 'board'",
        int(user[1:]), status, f'{{"Email": "{email}", "Employee ID": "T-{user}"}}',
    )  # fmt: skip


def decide(house: Rollcall, plan: Any, *options: str, by: str = ADMIN, code: int = 0) -> Any:
    said = house.call("decide", plan["plan"], *options, "--json", by=by)
    assert said.code == code, said
    return said.json


def refused(house: Rollcall, code: int, plan: Any, *options: str, by: str | None = ADMIN) -> str:
    """Nothing is decided, recorded or planned."""
    tables = ("decisions", "plans", "history")
    before = [house.sql(f"SELECT count(*) FROM {table}") for table in tables]
    message = house.call("decide", plan["plan"], *options, by=by).complaint(code)
    assert [house.sql(f"SELECT count(*) FROM {table}") for table in tables] == before
    return message


def user_of(house: Rollcall, number: int, label: str = STAFF) -> str:
    return next(str(each["id"]) for each in house.users(label) if each["external_id"] == key_of(number))


def leaver(house: Rollcall, hibob: TinyHiBob, number: int = 5) -> tuple[Any, str]:
    """A plan that archives somebody who is no longer in HiBob, and their key."""
    key = f"user:{user_of(house, number)}"
    hibob.forget(number)
    plan = house.preview()
    assert keys(plan["changes"], "archive") == [key]
    return plan, key


# --- keep active ------------------------------------------------------------------------------------------


def test_whoever_is_protected_is_held_in_a_new_plan_at_once(staffed: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(staffed, hibob)
    hibob.close()
    new = decide(staffed, plan, "--protect", key)
    assert new["plan"] != plan["plan"]
    assert new["digest"] != plan["digest"]
    assert [(each["key"], each["code"]) for each in new["held"]] == [(key, "protected")]
    assert new["status"] == "empty"


@pytest.mark.parametrize("decision", [("--protect", "{key}"), ("--move", "{key}=board")])
def test_what_was_decided_about_somebody_holds_for_their_user_without_a_link_too(
    two_domains: Rollcall, hibob: TinyHiBob, decision: tuple[str, str]
) -> None:
    """Known by identifier only, outside the scope, so never linked; and then no longer in HiBob."""
    house, board = two_domains, domain(name="board", scope=[{"rule": "include", "column": "work.site", "is": ["No"]}])
    house.sql("UPDATE users SET external_id = NULL WHERE external_id = ?", key_of(5))
    hibob.change(5, site="Berlin")
    scope = [{"rule": "exclude", "column": "work.site", "is": ["Berlin"]}]
    house.set_up(customer(hibob.base_url, domain(scope=scope), board)).fine()
    decide(house, house.preview(), *(each.format(key=key_of(5)) for each in decision))
    record = hibob.people.pop(key_of(5))
    assert keys(house.preview()["changes"], "archive") == []
    hibob.people[key_of(5)] = record
    again = decide(house, house.preview(), "--forget", key_of(5))
    assert keys(again["changes"], "archive") == [key_of(5)]


def test_a_protection_lasts_until_it_is_taken_back(staffed: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(staffed, hibob)
    decide(staffed, plan, "--protect", key)
    later = staffed.preview()
    assert keys(later["changes"]) == []
    again = decide(staffed, later, "--forget", key)
    assert keys(again["changes"], "archive") == [key]
    refused(staffed, 2, again, "--forget", key)


@pytest.mark.parametrize("decision", [("--protect", "{key}"), ("--move", "{key}=board"), ("--same", "{new}={key}")])
def test_the_older_plan_can_still_be_approved_beside_the_new_one_without_whoever_was_decided_about(
    two_domains: Rollcall, hibob: TinyHiBob, decision: tuple[str, str]
) -> None:
    hibob.join(41)
    hibob.change(3, surname="Newname")
    plan, key = leaver(two_domains, hibob)
    decide(two_domains, plan, *(each.format(key=key, new=key_of(41)) for each in decision))
    assert key in two_domains.call("approve", plan["plan"], f"--leave-out={key_of(41)}", by=ADMIN).complaint(3)
    left_out = (f"--leave-out={key}", f"--leave-out={key_of(41)}")
    assert two_domains.approve_and_process(plan, *left_out)["counts"]["done"] == 1


@pytest.mark.parametrize("decision", [("--protect", "{key}"), ("--move", "{key}=board"), ("--same", "{new}={key}")])
def test_whoever_is_decided_about_after_the_approval_is_not_archived_by_it(
    two_domains: Rollcall, hibob: TinyHiBob, decision: tuple[str, str]
) -> None:
    hibob.join(41)
    plan, key = leaver(two_domains, hibob)
    two_domains.call("approve", plan["plan"], by=ADMIN).fine()
    decide(two_domains, plan, *(each.format(key=key, new=key_of(41)) for each in decision))
    said = two_domains.call("process", plan["plan"], "--json")
    assert said.code == 4
    results = {each["key"]: (each["result"], each["message"]) for each in said.json["outcomes"]}
    assert results[key][0] == "drifted"
    assert "since" in results[key][1]
    assert results[key_of(41)][0] == ("drifted" if decision[0] == "--same" else "done")
    assert {each["status"] for each in two_domains.users()} == {"Live"}


def test_whoever_a_rule_protects_since_the_approval_is_not_archived_by_it(empty: Rollcall, hibob: TinyHiBob) -> None:
    """The rule looks at an attribute that HiBob does not feed."""
    rules = [{"attribute": "VIP", "is": ["Yes"]}]
    staff = domain(*domain()["attributes"], attribute("VIP", None), protected=rules)
    empty.set_up(customer(hibob.base_url, staff)).fine()
    empty.sync()
    plan, key = leaver(empty, hibob)
    empty.call("approve", plan["plan"], by=ADMIN).fine()
    empty.sql("UPDATE users SET attributes = json_set(attributes, '$.VIP', 'Yes') WHERE external_id = ?", key_of(5))
    said = empty.call("process", plan["plan"], "--json")
    assert [(each["key"], each["result"]) for each in said.json["outcomes"]] == [(key, "drifted")]


def test_whoever_becomes_a_member_after_the_approval_is_not_archived_by_it(staffed: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(staffed, hibob)
    staffed.call("approve", plan["plan"], by=ADMIN).fine()
    staffed.call("grant", "Person5@acme.example", "admin", "Acme")
    said = staffed.call("process", plan["plan"], "--json")
    assert [(each["key"], each["result"]) for each in said.json["outcomes"]] == [(key, "drifted")]
    assert {each["status"] for each in staffed.users()} == {"Live"}


def test_a_decision_is_in_the_history_with_who_decided(staffed: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(staffed, hibob)
    decide(staffed, plan, "--protect", key, by=CSM)
    event = next(each for each in staffed.history() if each["what"] == "decided")
    assert (event["who"], event["plan"]) == (CSM, plan["plan"])
    assert event["details"]["decisions"] == [{"kind": "protect", "key": key, "other": ""}]


# --- who may, and what cannot be decided ------------------------------------------------------------------


@pytest.mark.parametrize("who", [None, AUDITOR, "stranger@acme.example"])
def test_deciding_takes_the_role_admin_or_csm(staffed: Rollcall, hibob: TinyHiBob, who: str | None) -> None:
    plan, key = leaver(staffed, hibob)
    refused(staffed, 3, plan, "--protect", key, by=who)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--protect", "nobody"),
        ("--move", "nobody=board"),
        ("--move", "{key}=nowhere"),
        ("--move", "{key}=staff"),
        ("--move", "{key}"),
        ("--move", "{key}=board", "--move", "{key}=board"),
        ("--move", "{key}=board", "--protect", "{key}"),
        ("--same", "{key}=U00000001"),
        ("--same", "nobody=U00000001"),
        ("--same", "=U00000001"),
        ("--not-same", "{key}=U00000001"),
        ("--test-account", "test@acme.example=board"),
        ("--forget", "{key}"),
    ],
)
def test_what_cannot_be_decided_is_wrong_usage(
    two_domains: Rollcall, hibob: TinyHiBob, options: tuple[str, ...]
) -> None:
    plan, key = leaver(two_domains, hibob)
    refused(two_domains, 2, plan, *(each.format(key=key) for each in options))


def test_one_wrong_decision_spoils_all(two_domains: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(two_domains, hibob)
    refused(two_domains, 2, plan, "--protect", key, "--not-same", "a=b")


def test_an_unknown_plan_is_wrong_usage(staffed: Rollcall) -> None:
    staffed.call("decide", "plan-0", "--protect", "x", by=ADMIN).complaint(2)


def test_a_plan_that_lapsed_or_was_processed_is_not_decided_on(staffed: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(staffed, hibob)
    staffed.approve_and_process(plan)
    refused(staffed, 3, plan, "--protect", key)
    staffed.set_up(customer(hibob.base_url, domain(absent_reads=2))).fine()
    refused(staffed, 3, plan, "--protect", key)


# --- move -------------------------------------------------------------------------------------------------


def test_whoever_is_moved_is_archived_nowhere(two_domains: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(two_domains, hibob)
    new = decide(two_domains, plan, "--move", f"{key}=board")
    change = next(each for each in new["changes"] if each["key"] == key)
    assert (change["action"], change["before"], change["after"]) == ("move", {"domain": "staff"}, {"domain": "board"})
    assert new["counts"]["move"] == 1
    assert new["counts"]["archive"] == 0
    assert two_domains.approve_and_process(new)["status"] == "done"
    moved = next(each for each in two_domains.users(BOARD) if f"user:{each['id']}" == key)
    assert moved["status"] == "Live"
    assert key not in {f"user:{each['id']}" for each in two_domains.users()}
    for label in (STAFF, BOARD):
        assert keys(two_domains.preview(label)["changes"], "archive") in ([], ["user:U00000900"])


def test_whoever_was_to_be_moved_to_a_domain_that_is_gone_stays(two_domains: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(3, surname="Newname")
    plan, key = leaver(two_domains, hibob)
    new = decide(two_domains, plan, "--move", f"{key}=board")
    two_domains.call("approve", new["plan"], by=ADMIN).fine()
    two_domains.set_up(customer(hibob.base_url), "--prune").fine()
    said = two_domains.call("process", new["plan"], "--json")
    assert said.code == 4
    assert {each["key"]: each["result"] for each in said.json["outcomes"]} == {key_of(3): "done", key: "failed"}
    later = two_domains.preview()
    assert later["changes"] == []
    assert [(each["key"], each["code"]) for each in later["held"]] == [(key, "protected")]


def test_somebody_who_stays_in_hibob_is_not_moved(two_domains: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(3, surname="Newname")
    plan = two_domains.preview()
    assert "add" in refused(two_domains, 3, plan, "--move", f"{key_of(3)}=board")


def test_nobody_is_moved_to_where_they_are_already(two_domains: Rollcall, hibob: TinyHiBob) -> None:
    plan, key = leaver(two_domains, hibob)
    identifier = next(each for each in two_domains.users() if f"user:{each['id']}" == key)["attributes"]["Employee ID"]
    two_domains.sql("UPDATE users SET attributes = ? WHERE id = 900", f'{{"Employee ID": "{identifier}"}}')
    assert "U00000900" in refused(two_domains, 3, plan, "--move", f"{key}=board")


# --- same person ------------------------------------------------------------------------------------------


@pytest.fixture
def rehired(empty: Rollcall, hibob: TinyHiBob) -> tuple[Rollcall, Any, str, str]:
    """Somebody who left HiBob and came back as another record: the plan, the new key and the user."""
    empty.set_up(customer(hibob.base_url, domain(*domain()["attributes"], START))).fine()
    empty.sync()
    user = user_of(empty, 5)
    old = next(each for each in empty.users() if each["id"] == user)["attributes"]
    hibob.forget(5)
    names = {"first_name": old["First name"], "surname": old["Last name"], "start": old["Start date"]}
    hibob.join(55, **names)
    plan = empty.preview()
    assert {(each["key"], each["code"]) for each in plan["held"]} == {
        (key_of(55), "same-person"),
        (f"user:{user}", "same-person"),
    }
    return empty, plan, key_of(55), user


@pytest.mark.parametrize("written", ["{user}", "user:{user}"])
def test_accepting_keeps_the_user_and_links_it(rehired: tuple[Rollcall, Any, str, str], written: str) -> None:
    house, plan, key, user = rehired
    new = decide(house, plan, "--same", f"{key}={written.format(user=user)}")
    assert keys(new["changes"], "link") == [key]
    assert not {"add", "archive"} & {each["action"] for each in new["changes"]}
    assert house.approve_and_process(new)["status"] == "done"
    kept = next(each for each in house.users() if each["id"] == user)
    assert (kept["external_id"], kept["status"]) == (key, "Live")
    after = house.preview()
    assert (after["changes"], after["held"]) == ([], [])


def test_refusing_is_remembered_and_both_halves_go_ahead(rehired: tuple[Rollcall, Any, str, str]) -> None:
    house, plan, key, user = rehired
    new = decide(house, plan, "--not-same", f"{key}={user}")
    assert keys(new["changes"], "add") == [key]
    assert keys(new["changes"], "archive") == [f"user:{user}"]
    later = house.preview()
    assert later["digest"] == new["digest"]
    assert [each["code"] for each in later["findings"]] == []


def test_a_refusal_can_be_turned_round(rehired: tuple[Rollcall, Any, str, str]) -> None:
    house, plan, key, user = rehired
    refusal = decide(house, plan, "--not-same", f"{key}={user}")
    new = decide(house, refusal, "--same", f"{key}={user}")
    assert keys(new["changes"], "link") == [key]


def test_refusing_what_was_accepted_says_how_to_take_it_back(rehired: tuple[Rollcall, Any, str, str]) -> None:
    house, plan, key, user = rehired
    accepted = decide(house, plan, "--same", f"{key}={user}")
    assert f"--forget {key}" in refused(house, 3, accepted, "--not-same", f"{key}={user}")
    said = house.call("decide", accepted["plan"], "--forget", key, by=ADMIN).fine().out
    assert "same-person" in said
    again = decide(house, house.preview(), "--same", f"{key}={user}")
    assert decide(house, plan, "--not-same", f"{key}={user}")["digest"] != again["digest"]


def test_the_new_plan_is_shown_with_the_next_step_like_a_preview(rehired: tuple[Rollcall, Any, str, str]) -> None:
    house, plan, key, user = rehired
    said = house.call("decide", plan["plan"], "--same", f"{key}={user}", by=ADMIN).fine().out
    assert "Next: `approve plan-" in said


def test_a_user_who_belongs_to_somebody_else_is_not_given_away(rehired: tuple[Rollcall, Any, str, str]) -> None:
    house, plan, key, _ = rehired
    assert key_of(6) in refused(house, 3, plan, "--same", f"{key}={user_of(house, 6)}")


def test_accepting_and_refusing_the_same_pair_contradict_each_other(rehired: tuple[Rollcall, Any, str, str]) -> None:
    house, plan, key, user = rehired
    refused(house, 2, plan, "--same", f"{key}={user}", "--not-same", f"{key}={user}")


def test_one_user_is_not_two_people(rehired: tuple[Rollcall, Any, str, str], hibob: TinyHiBob) -> None:
    house, _, key, user = rehired
    hibob.join(56)
    message = refused(house, 2, house.preview(), "--same", f"{key}={user}", "--same", f"{key_of(56)}=user:{user}")
    assert user in message


def test_somebody_who_comes_back_twice_keeps_the_user_twice(
    rehired: tuple[Rollcall, Any, str, str], hibob: TinyHiBob
) -> None:
    house, plan, key, user = rehired
    house.approve_and_process(decide(house, plan, "--same", f"{key}={user}"))
    record = hibob.people.pop(key)
    hibob.people[key_of(56)] = record | {"root.id": key_of(56)}
    hibob.change(56, payroll="000056", email="again@acme.example")
    new = decide(house, house.preview(), "--same", f"{key_of(56)}={user}")
    assert {each["action"] for each in new["changes"]} == {"link", "update"}
    assert house.approve_and_process(new)["status"] == "done"
    assert next(each["external_id"] for each in house.users() if each["id"] == user) == key_of(56)


def test_an_acceptance_whose_person_vanished_takes_the_user_from_nobody(
    rehired: tuple[Rollcall, Any, str, str], hibob: TinyHiBob
) -> None:
    house, plan, key, user = rehired
    decide(house, plan, "--same", f"{key}={user}")
    hibob.forget(55)
    hibob.join(5, surname="Newname", payroll="000999", email="new@acme.example")
    plan = house.preview()
    assert [(each["key"], each["action"]) for each in plan["changes"]] == [(key_of(5), "update")]


# --- a test account ---------------------------------------------------------------------------------------


@pytest.fixture
def locking_out(two_domains: Rollcall, hibob: TinyHiBob) -> tuple[Rollcall, Any, str]:
    """A plan that archives the admin, and their key."""
    two_domains.sql(
        "UPDATE users SET attributes = json_set(attributes, '$.Email', ?) WHERE external_id = ?",
        ADMIN.upper(),
        key_of(5),
    )
    key = f"user:{user_of(two_domains, 5)}"
    hibob.forget(5)
    said = two_domains.call("preview", STAFF, "--json")
    assert said.code == 3
    assert [(each["code"], each["keys"]) for each in said.json["findings"]] == [("self-archive", [key])]
    return two_domains, said.json, key


@pytest.mark.parametrize("who", [ADMIN, CSM])
def test_a_live_test_account_in_another_domain_lifts_self_archive(
    locking_out: tuple[Rollcall, Any, str], who: str
) -> None:
    house, plan, key = locking_out
    new = decide(house, plan, "--test-account", "TEST@acme.example=board", by=who)
    assert (new["status"], new["findings"]) == ("ready", [])
    assert house.approve_and_process(new)["status"] == "done"
    gone = next(each for each in house.users() if f"user:{each['id']}" == key)
    assert gone["status"] == "Archived"


@pytest.mark.parametrize(
    ("account", "code"),
    [("nobody@acme.example=board", 2), ("old@acme.example=board", 3), ("test@acme.example=staff", 2)],
)
def test_a_test_account_must_be_there_and_live_in_another_domain(
    locking_out: tuple[Rollcall, Any, str], account: str, code: int
) -> None:
    house, plan, _ = locking_out
    refused(house, code, plan, "--test-account", account)


def test_a_test_account_that_is_archived_later_no_longer_counts(locking_out: tuple[Rollcall, Any, str]) -> None:
    house, plan, key = locking_out
    new = decide(house, plan, "--test-account", "test@acme.example=board")
    house.sql("UPDATE users SET status = 'Archived' WHERE id = 900")
    house.call("approve", new["plan"], by=ADMIN).complaint(3)
    assert [each["keys"] for each in house.preview()["findings"]] == [[key]]


def test_nor_when_it_is_archived_after_the_approval(locking_out: tuple[Rollcall, Any, str]) -> None:
    house, plan, key = locking_out
    new = decide(house, plan, "--test-account", "test@acme.example=board")
    house.call("approve", new["plan"], by=ADMIN).fine()
    house.sql("UPDATE users SET status = 'Archived' WHERE id = 900")
    said = house.call("process", new["plan"], "--json")
    assert [(each["key"], each["result"]) for each in said.json["outcomes"]] == [(key, "drifted")]


@pytest.mark.parametrize("way", [("--protect", "{key}"), ("--move", "{key}=board")])
def test_protecting_or_moving_the_member_lifts_self_archive_too(
    locking_out: tuple[Rollcall, Any, str], way: tuple[str, str]
) -> None:
    house, plan, key = locking_out
    new = decide(house, plan, *(each.format(key=key) for each in way))
    assert "self-archive" not in [each["code"] for each in new["findings"]]
    assert keys(new["changes"], "archive") == []
