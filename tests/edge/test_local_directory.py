"""The local directory: compare, then set. A chunk may be repeated, and what somebody else changed is never overwritten."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from servers import database, make_domain

from provisioning.database import Database
from provisioning.model import RESERVED_NAMES, Action, Change, Outcome, Result, Seen, Status, Users
from provisioning.target.local import LocalDirectory

ATTRIBUTES = ("Employee ID", "Department")
STAFF, ALUMNI = 1, 2
NORA = "U00000001"

Written = dict[str, str | None]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "rollcall.db") as opened:
        for name in ("staff", "alumni"):
            make_domain(opened, name, *ATTRIBUTES)
        yield opened


@pytest.fixture
def directory(db: Database) -> LocalDirectory:
    return LocalDirectory(db, STAFF, "Employee ID")


def add(key: str = "1001", identifier: str = "00017", **more: str | None) -> Change:
    after = {"status": "Live", "external_id": key, "Employee ID": identifier, **more}
    return Change(key, Action.ADD, "Employed in HiBob.", {}, after)


def change(action: Action, after: Written, seen: Seen, user: str = NORA) -> Change:
    now: Written = {**seen.attributes, "status": seen.status.value, "external_id": seen.external_id}
    before = {name: now.get(name) or None for name in after}
    return Change("1001", action, "As HiBob says.", before, after, user, seen)


def ensure(directory: LocalDirectory, *changes: Change) -> list[Outcome]:
    journal: list[Outcome] = []
    directory.ensure(changes, journal.extend)
    return journal


def result(directory: LocalDirectory, one: Change) -> Result:
    (outcome,) = ensure(directory, one)
    return outcome.result


def seed(db: Database, status: str = "Live", link: str | None = None, domain: int = STAFF, **attributes: str) -> str:
    """A user who is there already; the spelling `Employee_ID` is for the attribute `Employee ID`."""
    named = {name.replace("_", " "): value for name, value in attributes.items()}
    row = db.insert(
        "users", domain_id=domain, external_id=link, status=status, attributes=msgspec.json.encode(named).decode()
    )
    return f"U{row:08d}"


def touch(db: Database, column: str, value: str | None) -> None:
    """Somebody else writes to a user behind the plan's back."""
    if column in ("status", "external_id"):
        db.execute(f"UPDATE users SET {column} = ? WHERE id = 1", value)
    elif value is None:
        db.execute("UPDATE users SET attributes = json_remove(attributes, ?) WHERE id = 1", f'$."{column}"')
    else:
        db.execute("UPDATE users SET attributes = json_set(attributes, ?, ?) WHERE id = 1", f'$."{column}"', value)


# --- one change of every kind -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A user as the plan saw them, what is to change, and what there is to be afterwards."""

    action: Action
    status: str
    link: str | None
    after: Written
    wanted: tuple[str, str, dict[str, str]]

    @property
    def seen(self) -> Seen:
        return Seen(Status(self.status), self.link or "", {"Employee ID": "00017", "Department": "Sales", "Site": ""})

    @property
    def change(self) -> Change:
        return change(self.action, self.after, self.seen)

    def seed(self, db: Database, **more: str) -> None:
        assert seed(db, self.status, self.link, Employee_ID="00017", Department="Sales", **more) == NORA


SALES, LEGAL = {"Employee ID": "00017", "Department": "Sales"}, {"Employee ID": "00017", "Department": "Legal"}
CASES = {
    "link": Case(Action.LINK, "Live", None, {"external_id": "1001"}, ("1001", "Live", SALES)),
    "unlink": Case(Action.LINK, "Live", "1001", {"external_id": None}, ("", "Live", SALES)),
    "update": Case(Action.UPDATE, "Live", "1001", {"Department": "Legal"}, ("1001", "Live", LEGAL)),
    "update that clears": Case(
        Action.UPDATE, "Live", "1001", {"Department": None}, ("1001", "Live", {"Employee ID": "00017"})
    ),
    "update of the identifier": Case(
        Action.UPDATE, "Live", "1001", {"Employee ID": "00018"}, ("1001", "Live", {**SALES, "Employee ID": "00018"})
    ),
    "update of what was blank": Case(
        Action.UPDATE, "Live", "1001", {"Site": "Dublin"}, ("1001", "Live", {**SALES, "Site": "Dublin"})
    ),
    "reactivate": Case(Action.REACTIVATE, "Archived", "1001", {"status": "Live"}, ("1001", "Live", SALES)),
    "reactivate and update": Case(
        Action.REACTIVATE, "Archived", "1001", {"status": "Live", "Department": "Legal"}, ("1001", "Live", LEGAL)
    ),
    "archive": Case(Action.ARCHIVE, "Live", "1001", {"status": "Archived"}, ("1001", "Archived", SALES)),
    "archive without a link": Case(Action.ARCHIVE, "Live", None, {"status": "Archived"}, ("", "Archived", SALES)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_a_change_is_written(db: Database, directory: LocalDirectory, case: Case) -> None:
    case.seed(db)
    assert ensure(directory, case.change) == [Outcome("1001", case.action, Result.DONE)]
    assert directory.everybody() == [(NORA, *case.wanted)]


@every_case
def test_a_repeated_change_is_done_and_changes_nothing(db: Database, directory: LocalDirectory, case: Case) -> None:
    case.seed(db)
    assert [result(directory, case.change) for _ in range(3)] == [Result.DONE] * 3
    assert directory.everybody() == [(NORA, *case.wanted)]


@every_case
def test_a_user_who_is_already_as_wanted_is_done_whatever_else_moved(
    db: Database, directory: LocalDirectory, case: Case
) -> None:
    case.seed(db)
    for column, value in case.after.items():
        touch(db, column, value)
    moved = "Department" if "Department" not in case.after else "Employee ID"
    touch(db, moved, "moved")
    before = db.all("SELECT id, domain_id, external_id, status, attributes FROM users")
    assert result(directory, case.change) is Result.DONE
    assert db.all("SELECT id, domain_id, external_id, status, attributes FROM users") == before


MOVED = {
    "status": "status",
    "external_id": "link",
    "Employee ID": "Employee ID",
    "Department": "Department",
    "Site": "Site",
}
DRIFTS = [  # a status that moved to just what is wanted is done already
    (name, column) for name, case in CASES.items() for column in MOVED if column != "status" or set(case.after) != {"status"}
]  # fmt: skip


@pytest.mark.parametrize(("name", "column"), DRIFTS)
def test_a_user_who_changed_since_the_plan_is_left_alone_and_says_what_moved(
    db: Database, directory: LocalDirectory, name: str, column: str
) -> None:
    case = CASES[name]
    case.seed(db)
    opposite = "Live" if case.status == "Archived" else "Archived"
    touch(db, column, opposite if column == "status" else "9999")
    before = directory.everybody()
    (outcome,) = ensure(directory, case.change)
    assert outcome.result is Result.DRIFTED
    assert outcome.message.endswith(f": {MOVED[column]}.")
    assert directory.everybody() == before


def test_everything_that_moved_is_named(db: Database, directory: LocalDirectory) -> None:
    case = CASES["update"]
    case.seed(db)
    for column, value in (("status", "Archived"), ("external_id", None), ("Employee ID", "9")):
        touch(db, column, value)
    (outcome,) = ensure(directory, case.change)
    assert all(word in outcome.message for word in ("Employee ID", "status", "link"))
    assert "Department" not in outcome.message


@every_case
def test_a_touch_elsewhere_is_no_drift_and_stays(db: Database, directory: LocalDirectory, case: Case) -> None:
    case.seed(db, Nickname="No")
    touch(db, "Nickname", "Nonna")
    assert result(directory, case.change) is Result.DONE
    link, status, attributes = case.wanted
    assert directory.everybody() == [(NORA, link, status, {**attributes, "Nickname": "Nonna"})]


@every_case
def test_somebody_who_is_no_longer_there_has_drifted(directory: LocalDirectory, case: Case) -> None:
    (outcome,) = ensure(directory, case.change)
    assert outcome.result is Result.DRIFTED
    assert "no longer there" in outcome.message
    assert directory.everybody() == []


@every_case
def test_a_user_of_another_domain_is_never_touched(db: Database, case: Case) -> None:
    case.seed(db)
    assert result(LocalDirectory(db, ALUMNI, "Employee ID"), case.change) is Result.DRIFTED
    assert LocalDirectory(db, STAFF, "Employee ID").everybody() == [(NORA, case.link or "", case.status, SALES)]


# --- moving to another domain -----------------------------------------------------------------------------

MOVE = Case(Action.MOVE, "Live", "1001", {"domain": "alumni"}, ("1001", "Live", SALES))


@pytest.fixture
def alumni(db: Database) -> LocalDirectory:
    return LocalDirectory(db, ALUMNI, "Employee ID")


def test_a_move_takes_the_user_to_the_other_domain_as_they_are(
    db: Database, directory: LocalDirectory, alumni: LocalDirectory
) -> None:
    MOVE.seed(db, Nickname="No")
    assert [result(directory, MOVE.change) for _ in range(2)] == [Result.DONE] * 2
    assert directory.everybody() == []
    assert alumni.everybody() == [(NORA, "1001", "Live", {**SALES, "Nickname": "No"})]


@pytest.mark.parametrize("column", MOVED)
def test_somebody_who_changed_since_the_plan_is_not_moved(db: Database, directory: LocalDirectory, column: str) -> None:
    MOVE.seed(db)
    touch(db, column, "Archived" if column == "status" else "9999")
    (outcome,) = ensure(directory, MOVE.change)
    assert outcome.result is Result.DRIFTED
    assert outcome.message.endswith(f": {MOVED[column]}.")
    assert len(directory.everybody()) == 1


@pytest.mark.parametrize("shared", [{"Employee_ID": "00017", "link": "77"}, {"Employee_ID": "00018", "link": "1001"}])
def test_nobody_is_moved_to_where_somebody_has_their_identifier_or_link(
    db: Database, directory: LocalDirectory, alumni: LocalDirectory, shared: dict[str, str]
) -> None:
    MOVE.seed(db)
    other = seed(db, domain=ALUMNI, **shared)
    (outcome,) = ensure(directory, MOVE.change)
    assert outcome.result is Result.FAILED
    assert other in outcome.message
    assert (len(directory.everybody()), len(alumni.everybody())) == (1, 1)


def test_who_moved_away_leaves_the_identifier_behind(db: Database, directory: LocalDirectory) -> None:
    MOVE.seed(db)
    chunk = [add("1002", "00018"), MOVE.change, add("1003", "00017")]
    assert [each.result for each in ensure(directory, *chunk)] == [Result.DONE] * 3


def test_a_user_of_a_domain_of_the_same_name_elsewhere_is_not_meant(db: Database, directory: LocalDirectory) -> None:
    other = make_domain(db, "alumni", customer="Another")
    MOVE.seed(db)
    ensure(directory, MOVE.change)
    assert LocalDirectory(db, other.id, "Employee ID").everybody() == []


# --- adding -----------------------------------------------------------------------------------------------


def test_somebody_is_added_live_linked_and_with_their_values(directory: LocalDirectory) -> None:
    assert ensure(directory, add(Department="Sales")) == [Outcome("1001", Action.ADD, Result.DONE)]
    assert directory.everybody() == [(NORA, "1001", "Live", SALES)]


def test_blank_values_are_left_out(directory: LocalDirectory) -> None:
    ensure(directory, add(Department=None, Site=""))
    assert directory.everybody() == [(NORA, "1001", "Live", {"Employee ID": "00017"})]


def test_an_add_whose_answer_was_lost_is_found_again_and_not_doubled(db: Database, directory: LocalDirectory) -> None:
    assert [result(directory, add()) for _ in range(3)] == [Result.DONE] * 3
    assert result(LocalDirectory(db, STAFF, "Employee ID"), add()) is Result.DONE
    assert len(directory.everybody()) == 1


def test_the_same_person_twice_in_one_chunk_is_added_once(directory: LocalDirectory) -> None:
    assert [each.result for each in ensure(directory, add(), add())] == [Result.DONE] * 2
    assert len(directory.everybody()) == 1


@pytest.mark.parametrize(
    ("column", "value"), [("status", "Archived"), ("Employee ID", "00099"), ("Department", "Legal")]
)
def test_somebody_who_was_added_otherwise_meanwhile_has_drifted(
    db: Database, directory: LocalDirectory, column: str, value: str
) -> None:
    ensure(directory, add(Department="Sales"))
    touch(db, column, value)
    before = directory.everybody()
    (outcome,) = ensure(directory, add(Department="Sales"))
    assert outcome.result is Result.DRIFTED
    assert NORA in outcome.message
    assert directory.everybody() == before


def test_an_added_person_may_have_got_more_values_meanwhile(db: Database, directory: LocalDirectory) -> None:
    ensure(directory, add())
    touch(db, "Department", "Sales")
    assert result(directory, add()) is Result.DONE


# --- what no two users may share --------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Live", "Archived"])
def test_an_add_with_an_identifier_that_somebody_has_fails_and_names_them(
    db: Database, directory: LocalDirectory, status: str
) -> None:
    seed(db, status, "77", Employee_ID="00017")
    (outcome,) = ensure(directory, add())
    assert outcome.result is Result.FAILED
    assert NORA in outcome.message
    assert "Employee ID" in outcome.message
    assert len(directory.everybody()) == 1


def test_two_people_of_one_chunk_cannot_have_the_same_identifier(directory: LocalDirectory) -> None:
    outcomes = ensure(directory, add("1001"), add("1002"))
    assert [each.result for each in outcomes] == [Result.DONE, Result.FAILED]


@pytest.mark.parametrize("action", [Action.UPDATE, Action.REACTIVATE])
def test_nobody_gets_an_identifier_that_somebody_has(db: Database, directory: LocalDirectory, action: Action) -> None:
    status = "Archived" if action is Action.REACTIVATE else "Live"
    case = Case(action, status, "1001", {"Employee ID": "00018", "status": "Live"}, ("", "", {}))
    case.seed(db)
    other = seed(db, link="1002", Employee_ID="00018")
    (outcome,) = ensure(directory, case.change)
    assert outcome.result is Result.FAILED
    assert other in outcome.message
    assert directory.everybody()[0] == (NORA, "1001", status, SALES)


def test_nobody_gets_a_link_that_somebody_has(db: Database, directory: LocalDirectory) -> None:
    CASES["link"].seed(db)
    other = seed(db, link="1001", Employee_ID="00018")
    (outcome,) = ensure(directory, CASES["link"].change)
    assert outcome.result is Result.FAILED
    assert other in outcome.message
    assert directory.everybody()[0] == (NORA, "", "Live", SALES)


def test_an_identifier_that_was_given_up_may_be_taken(db: Database, directory: LocalDirectory) -> None:
    case = CASES["update of the identifier"]
    case.seed(db)
    assert [each.result for each in ensure(directory, case.change, add("1002", "00017"))] == [Result.DONE] * 2
    assert result(directory, add("1003", "00018")) is Result.FAILED


def test_other_domains_have_identifiers_and_links_of_their_own(db: Database, directory: LocalDirectory) -> None:
    seed(db, link="1001", domain=ALUMNI, Employee_ID="00017")
    assert result(directory, add()) is Result.DONE


def test_blank_identifiers_are_no_clash(directory: LocalDirectory) -> None:
    outcomes = ensure(directory, *(add(key, "") for key in ("1001", "1002")))
    assert [each.result for each in outcomes] == [Result.DONE, Result.DONE]


def test_users_who_share_an_identifier_from_before_can_still_be_archived(
    db: Database, directory: LocalDirectory
) -> None:
    CASES["archive"].seed(db)
    seed(db, link="1002", Employee_ID="00017")
    assert result(directory, CASES["archive"].change) is Result.DONE


# --- chunks and their journal -----------------------------------------------------------------------------


def test_a_chunk_is_journalled_once_in_the_order_of_its_changes(directory: LocalDirectory) -> None:
    chunks: list[list[tuple[str, Result]]] = []
    changes = [add(str(key), str(key % 4)) for key in range(8)]
    directory.ensure(changes, lambda outcomes: chunks.append([(each.key, each.result) for each in outcomes]))
    assert chunks == [[(str(key), Result.DONE if key < 4 else Result.FAILED) for key in range(8)]]


def test_an_empty_chunk_is_journalled_as_empty(directory: LocalDirectory) -> None:
    assert ensure(directory) == []


def refuse(outcomes: Sequence[Outcome]) -> None:
    raise OSError("the journal's disk is full")


def test_users_and_journal_are_one_transaction(db: Database, directory: LocalDirectory) -> None:
    def journal(outcomes: Sequence[Outcome]) -> None:
        assert db.connection.in_transaction
        db.insert("decisions", domain_id=STAFF, kind="x", key=outcomes[0].key, at="", by="", plan_id="")
        raise OSError

    case = CASES["update"]
    case.seed(db)
    with pytest.raises(OSError):
        directory.ensure([case.change, add("1002", "00018")], journal)
    assert directory.everybody() == [(NORA, "1001", "Live", SALES)]
    assert db.all("SELECT * FROM decisions") == []


def test_a_chunk_whose_journal_failed_can_be_repeated(db: Database, directory: LocalDirectory) -> None:
    case = CASES["update of the identifier"]
    case.seed(db)
    chunk = [case.change, add("1002", "00019"), add("1003", "00017")]
    with pytest.raises(OSError, match="disk is full"):
        directory.ensure(chunk, refuse)
    assert [each.result for each in ensure(directory, *chunk)] == [Result.DONE] * 3
    assert len(directory.everybody()) == 3


# --- reading ----------------------------------------------------------------------------------------------


def columns(users: Users) -> dict[str, list[str]]:
    named = {"id": users.ids, "external_id": users.external_ids, "status": users.statuses, **users.attributes}
    return {name: values.to_pylist() for name, values in named.items()}


def test_everybody_is_read_as_columns_with_blanks_as_empty_text(db: Database, directory: LocalDirectory) -> None:
    seed(db, "Live", "1001", Employee_ID="00017", Nickname="No")
    seed(db, "Archived", None, Department="Sales")
    seed(db, "Live", "9", domain=ALUMNI)
    users = directory.users(ATTRIBUTES)
    assert len(users) == 2
    assert columns(users) == {
        "id": ["U00000001", "U00000002"],
        "external_id": ["1001", ""],
        "status": ["Live", "Archived"],
        "Employee ID": ["00017", ""],
        "Department": ["", "Sales"],
    }


def test_an_empty_directory_is_read_as_empty_columns(directory: LocalDirectory) -> None:
    assert columns(directory.users(["Department"])) == {"id": [], "external_id": [], "status": [], "Department": []}
    assert directory.live() == 0


def test_live_users_of_the_domain_are_counted(db: Database, directory: LocalDirectory) -> None:
    for status, domain in (("Live", STAFF), ("Archived", STAFF), ("Live", STAFF), ("Live", ALUMNI)):
        seed(db, status, domain=domain)
    assert directory.live() == 2


def test_users_are_counted_by_their_status_not_by_words_of_their_values(
    db: Database, directory: LocalDirectory
) -> None:
    ensure(directory, add())
    db.execute("UPDATE users SET status = 'Archived', attributes = json_set(attributes, '$.City', 'Liverpool')")
    assert directory.by_status() == {"Live": 0, "Archived": 1}


def test_users_are_ordered_by_id_also_as_text(directory: LocalDirectory) -> None:
    ensure(directory, *(add(str(1000 - number), str(number)) for number in range(120)))
    ids = [each[0] for each in directory.everybody()]
    assert ids == sorted(ids) == directory.users(()).ids.to_pylist()
    assert len(set(ids)) == 120


def test_an_id_is_never_given_twice(db: Database, directory: LocalDirectory) -> None:
    ensure(directory, add())
    db.execute("DELETE FROM users")
    ensure(directory, add("1002", "00018"))
    assert directory.everybody()[0][0] == "U00000002"


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalDirectory]]:
    """A directory for many examples, empty for each of them; its unique identifier may be called otherwise."""
    with database(tmp_path_factory.mktemp("shared") / "rollcall.db") as db:
        make_domain(db)

        def empty(identifier: str = "Employee ID") -> LocalDirectory:
            db.execute("DELETE FROM users")
            return LocalDirectory(db, STAFF, identifier)

        yield empty


@settings(max_examples=60)
@given(identifier=TEXTS, name=TEXTS, value=TEXTS)
def test_any_text_is_kept_as_it_is(
    shared: Callable[[], LocalDirectory], identifier: str, name: str, value: str
) -> None:
    directory = shared()
    attribute = f"Own {name}"
    assert result(directory, add("1001", identifier, **{attribute: value})) is Result.DONE
    assert directory.everybody()[0][3] == {"Employee ID": identifier, attribute: value}
    assert directory.users([attribute]).attributes[attribute].to_pylist() == [value]


@settings(max_examples=100)
@given(name=TEXTS.filter(lambda name: name not in RESERVED_NAMES), identifier=TEXTS)
@example(name='Badge "new"', identifier="7")
@example(name="Employee's ID", identifier="7")
@example(name="ID", identifier="7")
@example(name="id", identifier="7")
@example(name="Badge\0old", identifier="7\0001")
@example(name="E-mail", identifier="Zo\u00eb")
@example(name="E-mail", identifier="Zoe\u0308")
@example(name="Employee ID", identifier="7" * 3_000_000)
def test_whoever_has_an_identifier_is_found_whatever_it_and_its_attribute_are_called(
    shared: Callable[..., LocalDirectory], name: str, identifier: str
) -> None:
    directory = shared(name)
    first, second, third = (
        Change(key, Action.ADD, "Employed.", {}, {"status": "Live", "external_id": key, name: value})
        for key, value in (("1001", identifier), ("1002", identifier), ("1003", f"{identifier}\0"))
    )
    results = [result(directory, each) for each in (first, second, third)]
    assert results == [Result.DONE, Result.FAILED, Result.DONE]


def test_letters_that_only_look_the_same_are_two_identifiers(directory: LocalDirectory) -> None:
    assert [result(directory, add(text, text)) for text in ("Zo\u00eb", "Zoe\u0308", "zo\u00eb")] == [Result.DONE] * 3


def test_an_identifier_that_somebody_else_gave_away_meanwhile_is_seen(db: Database, directory: LocalDirectory) -> None:
    assert result(directory, add()) is Result.DONE
    given = change(Action.UPDATE, {"Employee ID": "00018"}, Seen(Status.LIVE, "1001", {"Employee ID": "00017"}))
    with database(db.path) as other:
        assert result(LocalDirectory(other, STAFF, "Employee ID"), given) is Result.DONE
    assert result(directory, add("1002", "00018")) is Result.FAILED
    assert result(directory, add("1003", "00017")) is Result.DONE


# --- how who has an identifier is found -------------------------------------------------------------------


def indexes(db: Database) -> list[str]:
    rows = db.all("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'users' ORDER BY name")
    return [row["name"] for row in rows]


def test_no_name_of_a_unique_identifier_makes_an_index(db: Database) -> None:
    before = indexes(db)
    with db.transaction():
        for name in (f"ID {number}" for number in range(300)):
            assert result(LocalDirectory(db, STAFF, name), add(name, name, **{name: "7"})) is Result.DONE
            assert result(LocalDirectory(db, STAFF, name), add(f"2 {name}", name, **{name: "7"})) is Result.FAILED
    assert indexes(db) == before


def test_with_another_unique_identifier_people_are_found_by_its_values(db: Database, directory: LocalDirectory) -> None:
    assert result(directory, add(Badge="7")) is Result.DONE
    by_badge = LocalDirectory(db, STAFF, "Badge")
    assert result(by_badge, add("1002", "00017", Badge="7")) is Result.FAILED
    assert result(by_badge, add("1002", "00017", Badge="8")) is Result.DONE
    assert result(directory, add("1003", "00017", Badge="9")) is Result.FAILED
    assert result(directory, add("1003", "00018", Badge="8")) is Result.DONE
    assert result(by_badge, add("1004", "00019", Badge="00018")) is Result.DONE


def test_who_moves_to_a_domain_with_another_unique_identifier_is_found_there_by_each(
    db: Database, directory: LocalDirectory, alumni: LocalDirectory
) -> None:
    MOVE.seed(db, Badge="7")
    by_badge = LocalDirectory(db, ALUMNI, "Badge")
    assert result(by_badge, add("1002", "00018", Badge="8")) is Result.DONE
    assert result(directory, MOVE.change) is Result.DONE
    assert result(by_badge, add("1003", "00019", Badge="7")) is Result.FAILED
    assert result(by_badge, add("1003", "00019", Badge="8")) is Result.FAILED
    assert [result(alumni, add("1003", text)) for text in ("00017", "00018")] == [Result.FAILED] * 2


def test_people_of_many_chunks_from_before_are_all_found(db: Database, directory: LocalDirectory) -> None:
    with db.transaction():
        for number in range(1_001):
            seed(db, link=f"{number}", Employee_ID=f"{number:05}")
    outcomes = ensure(directory, *(add(f"new {number}", f"{number:05}") for number in range(1_002)))
    assert [each.result for each in outcomes] == [Result.FAILED] * 1_001 + [Result.DONE]
