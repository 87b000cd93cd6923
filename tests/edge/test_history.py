"""The history chain: whatever somebody does to the rows behind Rollcall's back is found."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from servers import NOW, at_once, database, make_domain

from provisioning.database import Database
from provisioning.store.history import (
    START,
    STEP,
    events,
    head,
    record,
    remove_content,
    rows_about,
    rows_before,
    verify,
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """A history of five rows."""
    with database(tmp_path / "rollcall.db") as opened:
        for number in range(1, 6):
            add(opened, number)
        yield opened


def add(db: Database, number: int) -> None:
    details = {"people": number, "reason": "O’Connor “=1+1” \n 😀", "left_out": ["1", None]}
    record(
        db, NOW + timedelta(minutes=number), f"admin{number}@acme.example", "plan approved", customer_id=number,
        domain_id=number, plan=f"plan-{number}", run=f"run-{number}", **details,
    )  # fmt: skip


def broken(db: Database, kept_head: str | None = None) -> str:
    """What is wrong, in words."""
    verdict = verify(db, kept_head)
    assert verdict.broken is not None
    return verdict.broken


def test_an_empty_history_fits(tmp_path: Path) -> None:
    with database(tmp_path / "rollcall.db") as empty:
        verdict = verify(empty)
        assert (verdict.rows, verdict.head, verdict.broken) == (0, START, None)
        assert head(empty) == START


def test_a_history_that_nobody_touched_fits(db: Database) -> None:
    verdict = verify(db)
    assert (verdict.rows, verdict.head, verdict.broken) == (5, head(db), None)


def test_a_kept_head_still_stands_in_a_history_that_grew(db: Database) -> None:
    kept = head(db)
    add(db, 6)
    assert head(db) != kept
    assert verify(db, kept).broken is None
    assert verify(db, head(db)).broken is None
    assert verify(db, START).broken is None


def test_rows_of_equal_content_have_digests_of_their_own(db: Database) -> None:
    add(db, 5)
    assert len({row["digest"] for row in db.all("SELECT digest FROM history")}) == 6


# --- what is found ----------------------------------------------------------------------------------------

CHANGES = {
    "at": "2020-01-01T00:00:00.000000Z",
    "customer_id": 99,
    "domain_id": None,
    "who": "somebody@else.example",
    "what": "nothing happened",
    "plan_id": "plan-9",
    "run_id": None,
    "details": '{"people":0}',
    "salt": "0" * 32,
    "digest": "0" * 64,
    "chain": "0" * 64,
}


def test_every_column_but_the_number_is_tried_below(db: Database) -> None:
    assert {*CHANGES, "seq"} == {row["name"] for row in db.all("PRAGMA table_info(history)")}


@pytest.mark.parametrize("row", [1, 3, 5])
@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_row_is_found_and_named(db: Database, column: str, row: int) -> None:
    db.execute(f"UPDATE history SET {column} = ? WHERE seq = ?", CHANGES[column], row)
    assert f"Row {row} " in broken(db)


def test_one_changed_character_of_the_details_is_found(db: Database) -> None:
    db.execute("UPDATE history SET details = replace(details, '\"people\":3', '\"people\":4')")
    assert "Row 3 " in broken(db)


def test_details_that_only_look_different_are_found(db: Database) -> None:
    db.execute("UPDATE history SET details = replace(details, ',', ', ') WHERE seq = 2")
    assert "Row 2 " in broken(db)


@pytest.mark.parametrize("row", [1, 2, 4])
def test_a_removed_row_is_found_and_named(db: Database, row: int) -> None:
    db.execute("DELETE FROM history WHERE seq = ?", row)
    assert f"Row {row} is missing" in broken(db)


def test_a_removed_row_is_found_also_when_the_others_close_ranks(db: Database) -> None:
    db.execute("DELETE FROM history WHERE seq = 3")
    db.execute("UPDATE history SET seq = seq - 1 WHERE seq = 4")
    db.execute("UPDATE history SET seq = seq - 1 WHERE seq = 5")
    assert "Row 3 " in broken(db)


def test_reordered_rows_are_found(db: Database) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        db.execute("UPDATE history SET seq = ? WHERE seq = ?", new, old)
    assert "Row 2 " in broken(db)


def test_an_inserted_row_is_found(db: Database) -> None:
    db.execute("INSERT INTO history SELECT 6, at, customer_id, domain_id, who, what, plan_id, run_id, details, salt, digest, "
               "chain FROM history WHERE seq = 5")  # fmt: skip
    assert "Row 6 " in broken(db)


def test_rows_cut_off_at_the_end_are_found_by_who_kept_the_head(db: Database) -> None:
    kept = head(db)
    db.execute("DELETE FROM history WHERE seq > 3")
    assert "cut off" in broken(db, kept)


def test_a_history_cut_off_and_grown_again_is_found_by_who_kept_the_head(db: Database) -> None:
    kept = head(db)
    db.execute("DELETE FROM history WHERE seq > 3")
    for number in (4, 5, 6):
        add(db, number)
    assert verify(db).broken is None
    assert "cut off or replaced" in broken(db, kept)


def test_a_history_that_was_emptied_is_found_by_who_kept_the_head(db: Database) -> None:
    kept = head(db)
    db.execute("DELETE FROM history")
    assert "cut off" in broken(db, kept)


def test_a_chain_that_was_written_anew_is_found_by_who_kept_the_head(db: Database) -> None:
    kept = head(db)
    db.execute("UPDATE history SET who = 'somebody@else.example' WHERE seq = 2")
    before = START
    for row in db.all("SELECT * FROM history ORDER BY seq"):
        values = [row[name] for name in ("seq", "at", "customer_id", "domain_id", "who", "what", "plan_id", "run_id")]
        text = json.dumps([*values, row["details"]], ensure_ascii=False, separators=(",", ":"))
        digest = sha256(f"{row['salt']}{text}".encode()).hexdigest()
        before = sha256(f"{before}{digest}".encode()).hexdigest()
        db.execute("UPDATE history SET digest = ?, chain = ? WHERE seq = ?", digest, before, row["seq"])
    assert verify(db).broken is None  # whoever knows the code can do this, which is why heads are kept elsewhere
    assert "replaced" in broken(db, kept)


@pytest.mark.parametrize("kept", ["", "0", "f" * 64, "not a hash"])
def test_a_head_that_never_was_stands_nowhere(db: Database, kept: str) -> None:
    assert "stands nowhere" in broken(db, kept)


def test_a_check_says_how_far_it_is_and_from_when_to_when(db: Database) -> None:
    with db.transaction():
        for number in range(6, 2 * STEP + 10):
            record(db, NOW + timedelta(minutes=number), "admin@acme.example", "plan made")
    heard: list[tuple[int, int]] = []
    verdict = verify(db, progress=lambda done, of: heard.append((done, of)))
    assert heard == [(STEP, verdict.rows), (2 * STEP, verdict.rows)]
    assert (verdict.first, verdict.emptied) == ("2026-11-22T14:06:00.000000Z", 0)
    assert verdict.last > verdict.first


# --- how it grows -----------------------------------------------------------------------------------------


def test_what_is_undone_leaves_no_record(db: Database) -> None:
    before = head(db)

    def fail() -> None:
        with db.transaction():
            add(db, 6)
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert head(db) == before
    add(db, 6)
    assert verify(db).rows == 6


def add_many(start: Callable[[], None], number: int, path: Path) -> None:
    with database(path) as db:
        start()
        for each in range(25):
            add(db, 100 * number + each)


def test_processes_that_record_at_once_leave_one_chain(db: Database) -> None:
    assert at_once(add_many, db.path, count=3) == [None] * 3
    verdict = verify(db)
    assert (verdict.rows, verdict.broken) == (80, None)


def test_events_are_told_newest_first_with_the_names_they_belong_to(tmp_path: Path) -> None:
    with database(tmp_path / "rollcall.db") as db:
        staff, alumni = make_domain(db, "staff"), make_domain(db, "alumni")
        other = make_domain(db, "staff", customer="Another")
        for number, (what, domain) in enumerate(
            [
                ("seats changed", None),
                ("plan made", staff),
                ("run done", alumni),
                ("theirs", other),
                ("approved", staff),
            ]
        ):
            at, customer = NOW + timedelta(seconds=number), (domain or staff).customer_id
            record(
                db,
                at,
                "csm@skillcast.example",
                what,
                customer_id=customer,
                domain_id=domain.id if domain else None,
                n=1,
            )
        everything = events(db, staff.customer_id)
        assert [each.what for each in everything] == ["approved", "run done", "plan made", "seats changed"]
        assert [each.what for each in events(db, staff.customer_id, staff.id)] == [
            "approved",
            "plan made",
            "seats changed",
        ]
        assert (everything[0].customer, everything[0].domain, everything[0].details) == ("Acme", "staff", {"n": 1})
        assert everything[0].at == "2026-11-22T14:05:04.000000Z"


def test_what_concerns_every_customer_is_told_to_each_and_what_concerns_another_to_none(tmp_path: Path) -> None:
    with database(tmp_path / "rollcall.db") as db:
        staff, other = make_domain(db, "staff"), make_domain(db, "staff", customer="Another")
        for what, customer in (
            ("role granted", None), ("role granted", other.customer_id), ("signed in", None), ("role removed", None),
            ("a row of no kind", None),
        ):  # fmt: skip
            record(db, NOW, "operator:root", what, customer_id=customer, name="csm@skillcast.example")
        told = [("role removed", None), ("role granted", None)]
        assert [(each.what, each.customer) for each in events(db, staff.customer_id)] == told
        assert [(each.what, each.customer) for each in events(db, staff.customer_id, staff.id)] == told
        assert [each.customer for each in events(db, other.customer_id)] == [None, "Another", None]


# --- content that is removed ------------------------------------------------------------------------------


def test_removed_content_leaves_the_chain_unbroken_and_tells_nothing(db: Database) -> None:
    kept = head(db)
    remove_content(db, NOW, "admin@acme.example", [2, 3, 5], 1, "retention")
    verdict = verify(db, kept)
    assert (verdict.rows, verdict.broken) == (6, None)
    left = dict(zip(*(lambda row: (row.keys(), row))(db.one("SELECT * FROM history WHERE seq = 3")), strict=True))
    digest, chain = left.pop("digest"), left.pop("chain")
    assert {value for value in left.values() if value} == {3}
    assert len(digest) == len(chain) == 64


def test_what_was_removed_cannot_be_guessed_from_its_digest(db: Database) -> None:
    row = db.one("SELECT * FROM history WHERE seq = 3")
    assert row is not None
    values = [
        row[name] for name in ("seq", "at", "customer_id", "domain_id", "who", "what", "plan_id", "run_id", "details")
    ]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    assert sha256(f"{row['salt']}{text}".encode()).hexdigest() == row["digest"]
    assert sha256(text.encode()).hexdigest() != row["digest"]  # without the salt, which goes with the content


def test_the_row_about_a_removal_names_the_rows(db: Database) -> None:
    remove_content(db, NOW, "admin@acme.example", [5, 2, 3], 1, "retention")
    assert events(db, 1)[0].details == {"rows": [[2, 3], [5, 5]], "why": "retention"}


def test_content_that_is_gone_without_a_word_is_found(db: Database) -> None:
    db.execute(
        "UPDATE history SET at = '', customer_id = NULL, domain_id = NULL, who = '', what = '', plan_id = NULL, "
        "run_id = NULL, details = '', salt = '' WHERE seq = 3"
    )
    assert "row 3 is gone" in broken(db)


@pytest.mark.parametrize("column", ["customer_id", "domain_id", "plan_id", "run_id"])
def test_nothing_can_be_written_into_a_row_whose_content_was_removed(db: Database, column: str) -> None:
    remove_content(db, NOW, "admin@acme.example", [3], 1, "retention")
    db.execute(f"UPDATE history SET {column} = 0 WHERE seq = 3")
    assert "Row 3 " in broken(db)


@pytest.mark.parametrize("details", [{}, {"rows": "all"}, {"rows": [[1, 10**18]]}, {"rows": [[-(10**18), 2]]}])
def test_a_removal_that_says_nonsense_is_walked_past_in_a_moment(db: Database, details: dict[str, object]) -> None:
    record(db, NOW, "admin@acme.example", "content of the history removed", customer_id=1, **details)
    verdict = verify(db)
    assert (verdict.rows, verdict.broken) == (6, None)


def test_rows_that_name_a_removal_are_not_removed_by_age(db: Database) -> None:
    remove_content(db, NOW, "admin@acme.example", rows_before(db, 1, NOW + timedelta(days=1)), 1, "retention")
    assert rows_before(db, 1, NOW + timedelta(days=1)) == []
    assert verify(db).broken is None


def test_rows_about_a_person_are_those_they_did_and_those_that_name_them(db: Database) -> None:
    record(db, NOW, "other@acme.example", "decided", customer_id=1, key="person-7")
    record(db, NOW, "other@acme.example", "decided", customer_id=1, key="person-77")
    assert rows_about(db, 1, ["person-7"]) == [6]
    assert rows_about(db, 1, ["other@acme.example"]) == [6, 7]
    assert rows_about(db, 2, ["person-7"]) == []
