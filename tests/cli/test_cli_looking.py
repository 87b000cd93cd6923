"""`users`, `history`, `explain` and `verify`: looking, without changing anything and without asking HiBob."""

import csv
from typing import Any

import pytest
from driver import ADMIN, STAFF, Rollcall, attribute, customer, domain, keys
from openpyxl import load_workbook
from tiny_hibob import TinyHiBob, key_of


@pytest.fixture
def story(staffed: Rollcall, hibob: TinyHiBob) -> Rollcall:
    """Acme after two runs; somebody has left, somebody waits, and HiBob is out of reach."""
    hibob.change(4, status="Terminated")
    hibob.change(3, surname="Neu")
    hibob.join(41, payroll=None)
    hibob.join(42, status="Terminated")
    staffed.sync()
    hibob.change(5, surname="To come")
    staffed.preview()
    hibob.close()
    return staffed


# --- users ------------------------------------------------------------------------------------------------


def test_users_leave_blank_attributes_out_and_stand_in_the_order_of_their_ids(acme: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, department=None)
    acme.sync()
    users = acme.users()
    assert set(users[0]) == {"id", "external_id", "status", "attributes"}
    assert users[0]["attributes"].keys() == {"Employee ID", "Email", "First name", "Last name"}
    assert [each["id"] for each in users] == sorted(each["id"] for each in users)
    assert "Department" in users[1]["attributes"]


def test_users_in_words_name_everybody(staffed: Rollcall) -> None:
    said = staffed.call("users", STAFF).fine()
    assert len(said.out.splitlines()) == 30
    assert "person7@acme.example" in said.out


def test_users_as_csv_keep_zeros_and_accents_and_never_calculate(acme: Rollcall, hibob: TinyHiBob) -> None:
    content = customer(hibob.base_url, domain(*domain()["attributes"], attribute("Title", "humanReadable.work.title")))
    acme.set_up(content).fine()
    hibob.change(1, surname="Åkerström, “Zoë”\nJr", title="502")
    acme.sync()
    said = acme.call("users", STAFF, "--csv", "users.csv", "--json").fine()
    assert len(said.json) == 30
    with (acme.folder / "users.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    first = next(row for row in rows if row["external_id"] == key_of(1))
    assert len(rows) == 30
    assert (first["Employee ID"], first["status"], first["Last name"]) == ("000001", "Live", "Åkerström, “Zoë”\nJr")
    assert not first["Title"].startswith("=")
    assert first["Title"].endswith("=1+1")


def test_what_stands_in_a_terminal_cannot_steer_it(acme: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, surname="\x1b[2J\x07\u202eevil", department=None)
    said = [acme.call("preview", STAFF)]
    acme.sync()
    hibob.change(1, first_name="\x1b]0;title\x07")
    said += [acme.call(*words) for words in (("preview", STAFF), ("users", STAFF), ("explain", STAFF, key_of(1)))]
    for each in said:
        assert not {"\x1b", "\x07", "\u202e"} & set(each.fine().out)


# --- history ----------------------------------------------------------------------------------------------


def test_the_history_tells_what_happened_newest_first(story: Rollcall) -> None:
    events = story.history()
    for each in events:
        assert {"at", "who", "what", "plan", "run"} <= set(each)
    assert [each["at"] for each in events] == sorted((each["at"] for each in events), reverse=True)
    plans = {each["plan"] for each in events if each["plan"]}
    runs = {each["run"] for each in events if each["run"]}
    assert (len(plans), len(runs)) == (3, 2)
    assert {each["who"] for each in events if "approve" in each["what"]} == {ADMIN}
    told = [each["what"] for each in events]
    for word in ("plan", "approve", "run", "domain"):
        assert any(word in what for what in told), word
    assert [row[0] for row in story.sql("SELECT id FROM plans ORDER BY rowid DESC LIMIT 1")] == [events[0]["plan"]]


def test_the_history_of_a_customer_has_its_domains_in_it(story: Rollcall) -> None:
    of_domain, of_customer = story.history(STAFF), story.history("Acme")
    assert [each for each in of_domain if each["plan"]] == [each for each in of_customer if each["plan"]]
    assert any("role" in each["what"] for each in of_customer)


def test_the_history_of_one_customer_says_nothing_of_another(story: Rollcall, hibob: TinyHiBob) -> None:
    story.set_up(customer("https://api.hibob.com/v1") | {"customer": {"name": "Globex"}}).fine()
    assert not any(each["plan"] for each in story.history("Globex"))
    assert "Globex" not in str(story.history("Acme"))


def test_the_history_in_words_is_a_line_an_event(story: Rollcall) -> None:
    said = story.call("history", STAFF).fine()
    assert len(said.out.splitlines()) == len(story.history())
    assert ADMIN in said.out


def test_the_history_in_words_is_written_for_people(staffed: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(41, 46):
        hibob.join(number)
    plan = staffed.preview()
    staffed.call("approve", plan["plan"], "--only", key_of(41), by=ADMIN).fine()
    said = staffed.call("history", STAFF).fine().out
    assert not set("{}[]") & set(said)
    assert "made a preview: 5 to be added." in said
    assert f"{ADMIN} approved 1 of 5 changes. left out: " in said
    assert "First42 Last42" in said
    assert key_of(45) not in said


def test_refusals_leave_no_event(story: Rollcall) -> None:
    before = story.history("Acme")
    plan = next(each["plan"] for each in before if each["plan"])
    story.call("approve", str(plan)).complaint(3)
    story.call("approve", "plan-unknown", by=ADMIN).complaint(2)
    assert story.history("Acme") == before


def test_a_preview_that_fails_leaves_its_reason(story: Rollcall) -> None:
    before = story.history("Acme")
    said = story.call("preview", STAFF).complaint(1)
    failed, *rest = story.history("Acme")
    assert rest == before
    assert (failed["what"], failed["plan"], failed["details"]["why"] in said) == ("plan failed", None, True)


# --- explain ----------------------------------------------------------------------------------------------


def explain(house: Rollcall, person: str) -> Any:
    found = house.call("explain", STAFF, person, "--json").fine().json
    assert set(found) == {"person", "answer", "steps"}
    assert found["person"] == person
    for each in found["steps"]:
        assert set(each) == {"step", "detail"}
    return found


def test_somebody_is_explained_by_key_email_identifier_and_user_id_alike(story: Rollcall) -> None:
    user = next(str(each["id"]) for each in story.users() if each["external_id"] == key_of(3))
    answers = [
        explain(story, person)
        for person in (key_of(3), "PERSON3@acme.example", "000003", user, f"user:{user}")
    ]  # fmt: skip
    assert len({each["answer"] for each in answers}) == 1
    assert len({str(each["steps"]) for each in answers}) == 1
    assert "Unchanged" in answers[0]["answer"]
    assert "UTC: updated" in str(answers[0]["steps"])


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (5, ["update", "Last name"]),
        (4, ["archived", "Terminated"]),
        (41, ["required-blank", "Employee ID"]),
        (42, ["Terminated"]),
    ],
)
def test_the_answer_says_why_somebody_is_or_is_not_there(story: Rollcall, number: int, words: list[str]) -> None:
    found = explain(story, key_of(number))
    assert found["answer"]
    for word in words:
        assert word in str(found)


def test_nobody_known_is_a_wrong_person(story: Rollcall) -> None:
    for person in ("nobody@acme.example", "user:U99999999", key_of(999), "user:"):
        story.call("explain", STAFF, person).complaint(2)


@pytest.mark.parametrize("person", ["", " "])
def test_a_blank_is_nobody_although_somebody_has_a_blank_identifier(story: Rollcall, person: str) -> None:
    story.call("explain", STAFF, person).complaint(2)


def test_somebody_outside_the_scope_is_explained_by_it(acme: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(1, site="Dublin")
    scope = [{"rule": "exclude", "column": "work.site", "is": ["Dublin"]}]
    acme.set_up(customer(hibob.base_url, domain(scope=scope))).fine()
    acme.preview()
    assert "scope" in explain(acme, key_of(1))["answer"]


def test_a_user_whom_hibob_no_longer_returns_is_explained(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.forget(7)
    plan = staffed.preview()
    (key,) = keys(plan["changes"])
    assert "archive" in explain(staffed, key)["answer"]
    assert explain(staffed, "000007")["answer"] == explain(staffed, key)["answer"]


def test_what_runs_did_is_told_of_a_leaver_too_whose_key_is_another_then(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.forget(7)
    staffed.sync()
    past = [each["detail"] for each in explain(staffed, "000007")["steps"] if each["step"] == "run"]
    assert [each.partition("UTC: ")[2] for each in past] == ["archived.", "added."]


def test_before_the_first_read_there_is_nothing_to_explain(acme: Rollcall) -> None:
    assert "preview" in acme.call("explain", STAFF, "000003").complaint(2)


def test_whoever_was_left_out_is_explained_by_that(staffed: Rollcall, hibob: TinyHiBob) -> None:
    hibob.change(5, surname="Other")
    hibob.change(6, surname="Another")
    plan = staffed.preview()
    staffed.call("approve", plan["plan"], "--leave-out", key_of(5), by=ADMIN).fine()
    staffed.call("process", plan["plan"]).fine()
    said = explain(staffed, key_of(5))
    assert said["answer"].startswith(f"Not updated: left out by {ADMIN} on ")
    assert said["answer"].endswith("The next preview proposes them again.")
    assert [each["step"] for each in said["steps"]][-4:-1] == ["change", "approval", "run"]


def test_explaining_in_words_begins_with_the_answer(story: Rollcall) -> None:
    said = story.call("explain", STAFF, key_of(5)).fine()
    assert said.out.splitlines()[0] == explain(story, key_of(5))["answer"]


# --- verify -----------------------------------------------------------------------------------------------


def head(house: Rollcall) -> str:
    return house.call("verify").fine().out.split()[-1]


def test_an_untouched_history_is_verified(story: Rollcall) -> None:
    kept = head(story)
    assert len(kept) == 64
    story.call("verify", "--head", kept).fine()


def test_a_head_that_was_kept_is_still_found_later(staffed: Rollcall) -> None:
    kept = head(staffed)
    staffed.preview()
    assert head(staffed) != kept
    staffed.call("verify", "--head", kept).fine()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE history SET who = 'somebody@else.example' WHERE seq = 4",
        "UPDATE history SET details = replace(details, '30', '31') WHERE what = 'plan made'",
        "UPDATE history SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 5",
        "DELETE FROM history WHERE seq = 4",
        "DELETE FROM history WHERE seq = 1",
        "UPDATE history SET seq = -seq WHERE seq IN (3, 4); ",
    ],
)
def test_a_history_that_was_tampered_with_is_found_out(story: Rollcall, tampering: str) -> None:
    story.sql(tampering.rstrip("; "))
    said = story.call("verify")
    assert said.complaint(said.code)
    assert said.code != 0


def test_rows_that_were_cut_off_are_found_and_named(story: Rollcall) -> None:
    kept, rows = head(story), len(story.sql("SELECT seq FROM history"))
    story.sql("DELETE FROM history WHERE seq = (SELECT max(seq) FROM history)")
    assert f"Row {rows} is missing at the end" in story.call("verify").complaint(3)
    assert "cut off" in story.call("verify", "--head", kept).complaint(3)


def test_a_seal_that_does_not_fit_stays_until_somebody_says_why_it_may_go(story: Rollcall) -> None:
    story.sql("DELETE FROM history WHERE seq = (SELECT max(seq) FROM history)")
    story.call("grant", "late@acme.example", "auditor", "Acme").fine()
    assert "is not the one that was sealed" in story.call("verify").complaint(3)
    story.call("verify", "--seal", "moved from another machine").fine()
    story.call("verify").fine()
    told = story.sql("SELECT what, details FROM history ORDER BY seq DESC LIMIT 1")[0]
    assert told[0] == "history sealed anew"
    assert "moved from another machine" in told[1]


def test_a_seal_that_is_gone_or_foreign_is_found_and_not_made_by_itself(story: Rollcall) -> None:
    seal = story.data / "rollcall.seal"
    kept = seal.read_bytes()
    seal.unlink()
    story.call("grant", "late@acme.example", "auditor", "Acme").fine()
    assert "is missing" in story.call("verify").complaint(3)
    seal.write_bytes(kept.replace(b'"rows":', b'"rows":1'))
    assert "was made with another key than this installation has now" in story.call("verify").complaint(3)
    seal.write_bytes(b"nonsense")
    assert "cannot be read" in story.call("verify").complaint(3)
    seal.write_bytes(kept)  # an older seal says less, and nothing wrong
    story.call("verify").fine()


def test_the_seal_follows_a_new_key_and_is_its_owners_alone(story: Rollcall) -> None:
    story.call("rotate-key").fine()
    story.call("grant", "late@acme.example", "auditor", "Acme").fine()
    story.call("verify").fine()
    rows = len(story.sql("SELECT seq FROM history"))
    assert f'"rows":{rows},' in (story.data / "rollcall.seal").read_text()
    assert (story.data / "rollcall.seal").stat().st_mode & 0o077 == 0


def test_the_history_says_from_where(story: Rollcall) -> None:
    story.call("grant", "late@acme.example", "auditor", "Acme").fine()
    assert story.history("Acme")[0]["details"]["from"].endswith(", grant")


@pytest.mark.parametrize("kept", ["", "f" * 64, "nonsense"])
def test_a_head_that_never_was_is_not_found(story: Rollcall, kept: str) -> None:
    assert story.call("verify", "--head", kept).code != 0


# --- reading only -----------------------------------------------------------------------------------------


def test_looking_changes_nothing_and_asks_nobody(story: Rollcall, hibob: TinyHiBob) -> None:
    calls, written = len(hibob.calls), story.sql("SELECT count(*), max(chain) FROM history")
    plan = story.history()[0]["plan"]
    for words in (
        ("users", STAFF), ("history", STAFF), ("explain", STAFF, "000003"), ("verify",), ("plan", plan),
        ("doctor",),
    ):  # fmt: skip
        story.call(*words).fine()
    assert (len(hibob.calls), story.sql("SELECT count(*), max(chain) FROM history")) == (calls, written)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("export", "Acme"), "set-up exported"),
        (("users", STAFF, "--csv", "users.csv"), "users exported"),
        (("workbook", "PLAN", "plan.xlsx"), "workbook exported"),
    ],
)
def test_what_is_handed_out_stands_in_the_history(
    story: Rollcall, hibob: TinyHiBob, words: tuple[str, ...], what: str
) -> None:
    calls, plan = len(hibob.calls), next(each["plan"] for each in story.history() if each["plan"])
    before = story.history("Acme")
    story.call(*(plan if word == "PLAN" else word for word in words), by=ADMIN).fine()
    after = story.history("Acme")
    assert [(each["what"], each["who"]) for each in after[: len(after) - len(before)]] == [(what, ADMIN)]
    assert len(hibob.calls) == calls


def test_a_workbook_carries_the_head_of_the_history_for_whoever_keeps_it(story: Rollcall) -> None:
    plan = next(each["plan"] for each in story.history() if each["plan"])
    before = head(story)
    story.call("workbook", plan, "plan.xlsx").fine()
    rows = load_workbook(story.folder / "plan.xlsx")["Summary"].iter_rows(values_only=True)
    kept = next(str(value) for name, value, *_ in rows if name == "Head of the history")
    assert kept == before
    story.call("grant", "late@acme.example", "auditor", "Acme").fine()
    story.call("verify", "--head", kept).fine()


def test_what_a_check_found_can_be_read_by_a_program(story: Rollcall) -> None:
    rows = story.sql("SELECT at, chain FROM history ORDER BY seq")
    found = story.call("verify", "--json").fine().json
    assert (found["whole"], found["problem"], found["rows"]) == (True, None, len(rows))
    assert (found["from"], found["to"], found["head"]) == (rows[0][0], rows[-1][0], rows[-1][1])
    assert (found["unsealed"], found["found_unsealed"], found["emptied"]) == (0, [], 0)
    story.sql("UPDATE history SET who = 'somebody@else.example' WHERE seq = 4")
    found = story.call("verify", "--json").json
    assert (found["whole"], found["rows"]) == (False, 4)
    assert found["problem"].startswith("Row 4 (")


# --- roles ------------------------------------------------------------------------------------------------


def test_who_has_which_role_for_whom_and_since_when(staffed: Rollcall) -> None:
    staffed.call("grant", "all@skillcast.example", "csm").fine()
    staffed.call("grant", "reads@acme.example", "auditor", "Acme").fine()
    found = staffed.call("roles", "Acme", "--json").fine().json
    told = [(each["email"], each["role"], each["customer"]) for each in found]
    assert told == sorted(told)
    assert {(ADMIN, "admin", "Acme"), ("all@skillcast.example", "csm", None)} < {*told}
    assert all(each["since"] and each["until"] is None for each in found)
    assert staffed.call("roles", "--json").fine().json == found
    said = staffed.call("roles", "Acme").fine().out.splitlines()
    assert len(said) == len(found)
    assert said[1].startswith("all@skillcast.example  csm       every customer  since ")


def test_roles_are_told_of_ones_own_customers_alone(staffed: Rollcall) -> None:
    staffed.call("grant", "reads@acme.example", "auditor", "Acme").fine()
    assert (
        staffed.call("roles", "--json", by="reads@acme.example").fine().json
        == staffed.call("roles", "Acme", "--json").fine().json
    )
    assert staffed.call("roles", "--json", by="stranger@nowhere.example").fine().json == []
    staffed.call("roles", "Acme", by="stranger@nowhere.example").complaint(3)
    staffed.call("roles", "Nobody").complaint(2)
