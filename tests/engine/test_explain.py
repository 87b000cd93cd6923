"""Why is somebody in a domain, or not?"""

import unicodedata
from datetime import UTC, datetime

import hypothesis
import pytest
from build import (
    TOMORROW,
    Row,
    User,
    archived,
    employee,
    settings,
    situation,
    unlinked,
    user,
)
from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.explain import LISTED, Answer, SeveralFit, explain_person, who_is_there
from provisioning.engine.situation import People, lay_out
from provisioning.engine.transforms import fold
from provisioning.errors import NotFound
from provisioning.model import APOSTROPHES, Protection, ScopeRule

LONDON = settings(scope=(ScopeRule(True, "work.site", ("London",)),))


def ask(person: str, employees: list[Row], users: list[User], **rest: object) -> Answer:
    return explain_person(situation(employees, users, **rest), person)


def told(answer: Answer, step: str) -> str:
    return " ".join(each.detail for each in answer.steps if each.step == step)


@pytest.mark.parametrize(
    "person", ["1", "person1@acme.example", "PERSON1@Acme.Example", " E1 ", "e1", "u1", "U1", "user:u1"]
)
def test_somebody_is_found_by_key_email_identifier_or_user_id(person: str) -> None:
    answer = ask(person, [employee("2"), employee("1")], [user("2"), user("1")])
    assert answer.key == "1"
    assert answer.person == person


def test_without_a_unique_identifier_a_number_is_not_said_to_be_nobodys() -> None:
    with pytest.raises(NotFound, match="Unique identifiers are not known"):
        ask("E1", [employee("1")], [], settings=settings(unique_identifier=None))


@pytest.mark.parametrize("person", ["u9", "user:u9", "person9@acme.example", "E9"])
def test_a_user_without_employee_is_found_as_well(person: str) -> None:
    assert ask(person, [employee("1")], [user("1"), user("9")]).key == "user:u9"


@pytest.mark.parametrize("person", ["Ada Person 1", " ada  PERSON 1 "])
def test_somebody_is_found_by_full_name_too(person: str) -> None:
    answer = ask(person, [employee("2"), employee("1")], [user("2")])
    assert answer.key == "1"
    assert "To be added" in answer.answer


def test_a_renamed_person_is_found_by_the_old_and_the_new_name() -> None:
    people, users = [employee("1", last="Morgan")], [user("1", last="Smith"), user("9")]
    assert {ask(name, people, users).key for name in ("Ada Morgan", "Ada Smith")} == {"1"}
    assert ask("Ada Person 9", people, users).key == "user:u9"


def test_namesakes_are_named_by_what_tells_them_apart() -> None:
    people = [employee("1", last="Morgan"), employee("2", last="Morgan"), employee("3")]
    with pytest.raises(
        NotFound, match=r"3 people fit “Ada Morgan”: 1 \(Ada Morgan\), 2 \(Ada Morgan\), user:u9 \(Ada Morgan\)\."
    ):
        ask("Ada Morgan", people, [user("2", last="Morgan"), user("9", last="Morgan")])


def test_of_many_namesakes_the_first_are_named() -> None:
    people = [employee(str(number), last="Morgan") for number in range(1, 60)]
    with pytest.raises(SeveralFit, match=r"59 people fit “Ada Morgan”: .*, 5 \(Ada Morgan\) and 54 more") as fit:
        ask("Ada Morgan", people, [])
    assert (fit.value.count, len(fit.value.found)) == (59, LISTED)


@pytest.mark.parametrize("person", ["mor", "Ada Mor", "mor ada", "PERSON1@", "person1@acme.ex"])
def test_a_part_of_a_name_or_the_beginning_of_an_email_is_enough_where_it_is_one_persons(person: str) -> None:
    people = [employee("1", last="Morgan"), employee("2", last="Smith")]
    assert ask(person, people, [user("1", last="Morgan")]).key == "1"


@pytest.mark.parametrize("written", ["O'Brien", "O’Brien", "Oʼbrien"])
@pytest.mark.parametrize("asked", ["o'", "O’", "o‘brien", "ADA O´BRIEN"])
def test_every_apostrophe_finds_every_other(asked: str, written: str) -> None:
    assert ask(asked, [employee("1", last=written), employee("2", last="Obrien")], []).key == "1"


def test_an_apostrophe_of_an_email_or_identifier_is_any_too() -> None:
    people = [employee("1", email="o'brien@acme.example", identifier="E’1"), employee("2")]
    assert {ask(each, people, []).key for each in ("O’Brien@acme.example", "e'1")} == {"1"}


def test_keys_of_the_past_lead_to_whoever_has_them_now_and_to_nobody_else() -> None:
    people = [employee("1", last="Morgan"), employee("2", identifier="3")]
    found = who_is_there(
        situation(people, [user("1"), user("9"), unlinked("8")]), ["1", "user:u1", "9", "user:u8", "3"]
    )
    assert {key: (each.key, each.name) for key, each in found.items()} == {
        "1": ("1", "Ada Morgan"),
        "user:u1": ("1", "Ada Morgan"),
        "9": ("user:u9", "Ada Person 9"),
        "user:u8": ("user:u8", "Ada Person 8"),
    }


def test_whoever_fits_a_part_is_told_apart_by_what_is_known_of_them() -> None:
    people = [employee("1", last="Morgan"), employee("2", last="Morris", lifecycle="Terminated")]
    with pytest.raises(SeveralFit) as fit:
        ask("mor", people, [user("1", last="Morgan"), archived("9", last="Mortimer")])
    assert [(each.key, each.name, each.email, each.known) for each in fit.value.found] == [
        ("1", "Ada Morgan", "person1@acme.example", "Employed in HiBob, live user"),
        ("2", "Ada Morris", "person2@acme.example", "Terminated in HiBob, no user"),
        ("user:u9", "Ada Mortimer", "person9@acme.example", "not in HiBob, archived user"),
    ]


def test_the_whole_name_goes_before_a_part_of_another() -> None:
    assert ask("Ada Lee", [employee("1", last="Leeson"), employee("2", last="Lee")], []).key == "2"


def test_an_identifier_that_two_people_share_is_nobodys_alone() -> None:
    with pytest.raises(SeveralFit, match="2 people fit “E5”"):
        ask("E5", [employee("1", identifier="E5"), employee("2", identifier="E5")], [])


@pytest.mark.parametrize("person", ["404", "nobody@acme.example", "Zoe", "da"])
def test_somebody_unknown_on_both_sides_is_not_found(person: str) -> None:
    with pytest.raises(NotFound, match=person):
        ask(person, [employee("1")], [user("1")])


@pytest.mark.parametrize("person", ["", "  "])
def test_a_blank_finds_nobody_however_many_have_a_blank_email(person: str) -> None:
    with pytest.raises(NotFound):
        ask(person, [employee("1", email=None, identifier=None)], [user("2", email="", identifier="")])


@pytest.mark.parametrize(
    ("employees", "users", "person", "words"),
    [
        ([employee("1")], [user("1")], "1", "Unchanged: the user is live"),
        ([employee("1", lifecycle="Terminated")], [archived("1")], "1", "Unchanged: the user is archived"),
        ([employee("1")], [], "1", "add"),
        ([employee("1", department="HR")], [user("1")], "1", "Department"),
        ([employee("1")], [archived("1")], "1", "reactivate"),
        ([employee("1", lifecycle="Terminated")], [user("1")], "1", "archive"),
        ([employee("1", lifecycle="Terminated")], [], "1", "Terminated"),
        ([employee("1", lifecycle="Leave")], [], "1", "on-leave"),
        ([employee("1", lifecycle="Hired", start=TOMORROW)], [], "1", TOMORROW),
        ([employee("1", identifier="E5"), employee("2", identifier="E5")], [], "1", "duplicate-id"),
        ([employee("2")], [user("2"), user("9")], "u9", "archive"),
        ([employee("2")], [user("2"), archived("9")], "u9", "Unchanged: the user is archived"),
        ([employee("2")], [user("2"), archived("9")], "u9", "and HiBob does not show them"),
        ([employee("1", lifecycle="Leave")], [user("1")], "1", "live, and Leave in HiBob leaves that as it is"),
        ([employee("1")], [unlinked("1")], "1", "link"),
    ],
)
def test_the_answer_is_one_sentence_that_says_what_happens_and_why(
    employees: list[Row], users: list[User], person: str, words: str
) -> None:
    assert words in ask(person, employees, users).answer


def test_the_way_is_told_step_by_step() -> None:
    answer = ask("1", [employee("1", site="London", department="HR")], [user("1")], settings=LONDON)
    assert [each.step for each in answer.steps] == ["HiBob", "scope", "lifecycle", "user", "change"]
    assert "Employed" in told(answer, "lifecycle")
    assert "u1" in told(answer, "user")


def test_both_sides_say_whom_they_mean_by_name() -> None:
    answer = ask("E1", [employee("1", last="Morgan")], [user("1", last="Smith"), user("9")])
    assert told(answer, "HiBob") == (
        "In HiBob’s last complete answer as 1 (Ada Morgan), read on 2026-03-02 at 09:00 UTC."
    )
    assert answer.name == "Ada Morgan"
    assert told(answer, "user").startswith("User u1 (Ada Smith): Live")
    assert told(ask("u9", [employee("1")], [user("9")]), "user").startswith("User u9 (Ada Person 9): Live")


def test_somebody_outside_the_scope_is_told_so() -> None:
    answer = ask("1", [employee("1", site="Cork")], [], settings=LONDON)
    assert "scope" in answer.answer
    assert "Outside" in told(answer, "scope")


def test_somebody_protected_is_told_so() -> None:
    rules = settings(protected=(Protection(person="1"),))
    answer = ask("1", [employee("1", lifecycle="Terminated")], [user("1")], settings=rules)
    assert "protected" in answer.answer
    assert "protected" in told(answer, "held")


def test_whoever_shares_an_identifier_is_told_with_whom() -> None:
    people = [employee(each, identifier="E5", last=name) for each, name in (("1", "Ito"), ("2", "Ray"), ("3", "Poe"))]
    answer = ask("1", [*people, employee("4")], [])
    assert answer.answer.startswith(
        "Not here. Held back (duplicate-id): Shared with Ada Ray, Ada Poe. 3 people in HiBob share the unique identifier “E5”."
    )
    assert "Shared with Ada Ray, Ada Poe." in told(answer, "held")


def test_whoever_waits_for_an_identifier_or_e_mail_is_told_who_has_it() -> None:
    waits = ask("1", [employee("1", identifier="E2"), employee("2", identifier="E3")], [user("1"), user("2")]).answer
    assert (
        "User u2 is Ada Person 2, person2@acme.example. The unique identifier “E2” still belongs to user u2." in waits
    )
    people = [employee("1"), employee("2", identifier="E9", email="person1@acme.example")]
    assert (
        "User u1 is Ada Person 1, person1@acme.example. Their e-mail belongs to user u1"
        in ask("2", people, [user("1")]).answer
    )


def test_whoever_shares_it_is_named_also_where_nothing_would_happen_to_them() -> None:
    people = [employee("1", identifier="E5"), employee("2", identifier="E5", lifecycle="Terminated", last="Ray")]
    assert "Shared with Ada Ray. 2 people" in ask("1", people, []).answer


def test_whoever_is_disputed_is_told_with_whom_on_either_side_and_over_what() -> None:
    people = [employee(each, email="one@acme.example", last=name) for each, name in (("1", "Ito"), ("2", "Ray"))]
    users = [unlinked("7", email="one@acme.example", identifier="X")]
    others = {"1": "Ada Ray, Ada Person 7", "2": "Ada Ito, Ada Person 7", "user:u7": "Ada Ito, Ada Ray"}
    for person, named in others.items():
        answer = ask(person, people, users).answer
        here = "Here, as a live user." if person.startswith("user:") else "Not here."
        told = f"{here} Held back (disputed): Shared with {named}. 2 people in HiBob and 1 user: each has"
        assert answer.startswith(told)
        assert "the e-mail “one@acme.example”." in answer


def test_a_user_who_answers_to_a_shared_identifier_is_told_whose_it_is() -> None:
    people = [employee(each, identifier="E5", last=name) for each, name in (("1", "Ito"), ("2", "Ray"))]
    answer = ask("user:u7", people, [unlinked("7", identifier="E5")]).answer
    assert "Shared with Ada Ito, Ada Ray. 2 people in HiBob share the unique identifier “E5”, which this user" in answer


def test_who_was_left_out_reads_by_whom_and_when_they_are_proposed_again() -> None:
    answer = ask("1", [employee("1")], [])
    left = answer.left_out("admin@acme.example", datetime(2026, 3, 1, 18, 12, tzinfo=UTC), None)
    assert left.answer == (
        "Not here: left out by admin@acme.example on 2026-03-01 at 18:12 UTC. The next preview proposes them again."
    )
    assert left.steps[: len(answer.steps)] == answer.steps
    assert "To be added" in told(left, "change")
    assert told(left, "approval") == "Left out by admin@acme.example on 2026-03-01 at 18:12 UTC."


@pytest.mark.parametrize(
    ("row", "one", "words"),
    [
        (employee("1", department="HR"), user("1"), "Not updated: left out by"),
        (employee("1", lifecycle="Terminated"), user("1"), "Not archived: left out by"),
        (employee("1"), archived("1"), "Not reactivated: left out by"),
    ],
)
def test_what_did_not_happen_to_whoever_was_left_out_is_named(row: Row, one: User, words: str) -> None:
    seen = datetime(2026, 3, 2, 9, tzinfo=UTC)
    left = ask("1", [row], [one]).left_out("admin@acme.example", seen, seen)
    assert left.answer.startswith(words)
    assert left.answer.endswith("The preview of 2026-03-02 at 09:00 UTC proposes them again.")


def test_an_absent_user_is_told_that_hibob_does_not_show_them() -> None:
    answer = ask("u9", [employee("1")], [user("1"), user("9")])
    assert "Not in HiBob" in told(answer, "HiBob")
    assert "linked to 9" in told(answer, "user")


def test_what_runs_did_is_told_after_what_is() -> None:
    answer = ask("1", [employee("1")], [user("1")])
    done, failed = (
        ("2026-03-02T05:00:00+00:00", "add", "done", ""),
        ("2026-03-01T05:00:00+00:00", "add", "failed", "Why."),
    )
    with_past = answer.with_past([done, failed])
    assert with_past.steps[:-2] == answer.steps
    assert [each.step for each in with_past.steps[-2:]] == ["run", "run"]
    assert with_past.steps[-2].detail == "2026-03-02 05:00 UTC: added."
    assert with_past.steps[-1].detail == "2026-03-01 05:00 UTC: to be added, failed. Why."


# --- looking for somebody, told a second time person by person ----------------------------------------------

LETTERS = (
    "ada",
    "Ada",
    "ADA",
    "O'Brien",
    "O’BRIEN",
    "Ödön",
    "O\u0308do\u0308n",
    "Straße",
    "STRASSE",
    "İpek",
    "van der",
    "Smith-Jones",
    "a\u00a0 b",
    "3",
    "",
)
written = st.sampled_from(LETTERS)
words = st.lists(written, min_size=1, max_size=2).map(" ".join)
PEOPLE = st.lists(st.tuples(words, words, written, written), max_size=4)


def sought(text: str) -> str:
    return fold(text.translate(APOSTROPHES))


def told_by_each(people: People, person: str) -> list[str]:
    """The keys of whoever fits: by an id, else by the whole name, else by parts of it."""
    rows, users = range(len(people.keys)), range(len(people.user_ids))
    key_of = {user: people.keys[row] for row in rows if (user := int(people.matches.user[row])) >= 0}
    ours = [
        (
            people.keys[row],
            people.keys[row],
            people.emails[row],
            people.mapped["Employee ID"].values[row].as_py(),
            people.names[row],
        )
        for row in rows
    ]
    theirs = [
        (key_of.get(user, f"user:{people.user_ids[user]}"), people.user_ids[user], people.user_emails[user],
         people.user_values["Employee ID"][user].as_py(), people.user_names[user])
        for user in users
    ]  # fmt: skip
    wanted, begins = sought(person), sought(person).split()
    for column in (1, 2, 3):
        if found := [each[0] for each in ours if sought(each[column]) == wanted]:
            return found
    if found := [each[0] for each in theirs if wanted in (sought(each[1]), sought(f"user:{each[1]}"))]:
        return found
    for column in (2, 3):
        if found := [each[0] for each in theirs if sought(each[column]) == wanted]:
            return found
    everybody = [*ours, *theirs]
    if found := [each[0] for each in everybody if sought(each[4]).split() == begins]:
        return found
    if found := [
        each[0]
        for each in everybody
        if sought(each[2]).startswith(wanted)
        or all(any(part.startswith(word) for part in sought(each[4]).split()) for word in begins)
    ]:
        return found
    plain = letters(person)
    return [
        each[0]
        for each in everybody
        if plain and all(any(part.startswith(word) for part in letters(each[4])) for word in plain)
    ]


def letters(text: str) -> list[str]:
    bare = unicodedata.normalize("NFD", sought(text).replace("'", "").replace("-", " "))
    return "".join(each for each in bare if not unicodedata.combining(each)).split()


@pytest.mark.parametrize("typed", ["obrien", "OBrien Siobhan", "smith jones", "jones obrien", "siobhan o’brien"])
def test_a_person_is_found_without_accents_apostrophes_and_hyphens(typed: str) -> None:
    now = situation([employee("1", first="Siobhán", last="O’Brien Smith-Jones", email="so@x", identifier="1")], [])
    assert explain_person(now, typed).key == "1"


@hypothesis.settings(derandomize=True, deadline=None, max_examples=200)
@given(people=PEOPLE, users=PEOPLE, person=st.one_of(words, st.sampled_from(["user:u1", "U2", "e0", "ad", "o´", "x@"])))
def test_whoever_is_found_by_columns_is_found_person_by_person(
    people: list[tuple[str, ...]], users: list[tuple[str, ...]], person: str
) -> None:
    company = [
        employee(str(number), first=first, last=last, email=f"{email}@x", identifier=identifier)
        for number, (first, last, email, identifier) in enumerate(people)
    ]
    directory = [
        user(str(number), first=first, last=last, email=f"{email}@x", identifier=identifier)
        for number, (first, last, email, identifier) in enumerate(users)
    ]
    now = situation(company, directory)
    if not fold(person):
        return
    try:
        found = [explain_person(now, person).key]
    except SeveralFit as several:
        found = [each.key for each in several.found]
    except NotFound:
        found = []
    assert found == list(dict.fromkeys(told_by_each(lay_out(now), person)))
