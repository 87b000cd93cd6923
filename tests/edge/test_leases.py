"""One worker per domain, over all processes: who waits for whom, and when a lease is nobody's any more."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from servers import at_once, database, make_domain, processes

from provisioning.database import Database
from provisioning.errors import Refused
from provisioning.store.codec import to_text
from provisioning.store.leases import Holder, held, is_held, lease


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database(tmp_path / "rollcall.db") as opened:
        for name in ("staff", "alumni"):
            make_domain(opened, name)
        yield opened


STAFF, ALUMNI = 1, 2


class Waiting(Exception):
    """Somebody else holds the domain, and this test would wait for ever."""


def refuse_to_wait(holder: Holder) -> None:
    raise Waiting(str(holder))


def rows(db: Database) -> list[dict[str, Any]]:
    return [dict(row) for row in db.all("SELECT * FROM leases ORDER BY domain_id")]


def is_free(db: Database, domain_id: int = STAFF) -> bool:
    """Whether others can have the lease at once, which is what `is_held` tells them."""
    taken = is_held(db, domain_id)
    assert (domain_id in held(db)) is taken
    with closing(Database(db.path)) as other:
        try:
            with lease(other, domain_id, "test", refuse_to_wait):
                assert not taken
                return True
        except Waiting:
            assert taken
            return False


def test_a_lease_within_a_lease_of_the_same_connection_is_part_of_it(db: Database) -> None:
    with lease(db, STAFF, "schedule", refuse_to_wait):
        with lease(db, STAFF, "process", refuse_to_wait) as still_ours:
            still_ours()
        assert not is_free(db)
    assert is_free(db)


# --- one process ------------------------------------------------------------------------------------------


def test_a_lease_names_host_process_and_purpose_while_it_is_held(db: Database) -> None:
    with lease(db, STAFF, "preview", refuse_to_wait) as check:
        (row,) = rows(db)
        assert (row["host"], row["pid"], row["doing"]) == (socket.gethostname(), os.getpid(), "preview")
        check()
    assert rows(db) == []


def test_a_lease_ends_with_the_work_also_when_that_fails(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), lease(db, STAFF, "preview", refuse_to_wait):
        raise ZeroDivisionError
    assert rows(db) == []


def test_domains_are_held_apart(db: Database) -> None:
    with lease(db, STAFF, "preview", refuse_to_wait), lease(db, ALUMNI, "process", refuse_to_wait):
        assert [row["domain_id"] for row in rows(db)] == [STAFF, ALUMNI]


def test_a_second_thread_of_the_same_process_waits_as_well(db: Database) -> None:
    held, let_go, steps = threading.Event(), threading.Event(), []

    def work() -> None:
        with database(db.path) as own, lease(own, STAFF, "process", refuse_to_wait):
            held.set()
            let_go.wait(60)
            steps.append("first is done")

    thread = threading.Thread(target=work)
    thread.start()
    assert held.wait(60)
    told: list[Holder] = []

    def waiting(holder: Holder) -> None:
        told.append(holder)
        let_go.set()

    with lease(db, STAFF, "preview", waiting):
        steps.append("second begins")
    thread.join()
    assert steps == ["first is done", "second begins"]
    assert told == [Holder(socket.gethostname(), os.getpid(), "process")]


def test_a_lease_that_was_taken_over_is_found_lost_before_the_next_write(db: Database) -> None:
    with lease(db, STAFF, "process", refuse_to_wait) as check:
        db.execute("UPDATE leases SET token = 'another', pid = 1, host = 'elsewhere', renewed_at = ?", now_as_text())
        with pytest.raises(Refused, match="took over"):
            check()
    (row,) = rows(db)
    assert row["token"] == "another"


def test_a_lease_that_is_gone_is_found_lost_before_the_next_write(db: Database) -> None:
    with lease(db, STAFF, "process", refuse_to_wait) as check:
        db.execute("DELETE FROM leases")
        with pytest.raises(Refused):
            check()


# --- several processes ------------------------------------------------------------------------------------


@dataclass
class Other:
    """Another process, which holds the lease until it is told to let go."""

    process: Any
    pipe: Any

    def let_go(self) -> None:
        self.pipe.send("let go")

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        # Wait for its death without burying it: what is left is a zombie.
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)


def hold(path: Path, pipe: Any) -> None:
    with database(path) as db, lease(db, STAFF, "process", refuse_to_wait):
        pipe.send("held")
        pipe.recv()


@contextmanager
def another_process_holds(db: Database) -> Iterator[Other]:
    here, there = processes().Pipe()
    process = processes().Process(target=hold, args=(db.path, there))
    process.start()
    there.close()
    try:
        assert here.poll(60)
        assert here.recv() == "held"
        yield Other(process, here)
    finally:
        process.kill()
        process.join()
        here.close()


def test_a_second_process_waits_and_is_told_once_for_whom(db: Database) -> None:
    told: list[Holder] = []
    with another_process_holds(db) as other:

        def waiting(holder: Holder) -> None:
            told.append(holder)
            other.let_go()

        with lease(db, STAFF, "preview", waiting):
            (row,) = rows(db)
            assert (row["pid"], row["doing"]) == (os.getpid(), "preview")
        assert told == [Holder(socket.gethostname(), other.process.pid, "process")]
        assert str(told[0]) == f"process {other.process.pid} on {socket.gethostname()} (process)"


def test_the_lease_of_a_killed_process_lapses_at_once(db: Database) -> None:
    with another_process_holds(db) as other:
        assert not is_free(db)
        assert is_free(db, ALUMNI)
        other.kill()
        assert len(rows(db)) == 1
        assert is_free(db)  # although the dead process is not buried yet
        assert rows(db) == []


def test_the_lease_of_a_dead_and_buried_process_lapses_at_once(db: Database) -> None:
    with another_process_holds(db) as other:
        other.kill()
        other.process.join()
        assert len(rows(db)) == 1
        assert is_free(db)


# --- leases that were left behind -------------------------------------------------------------------------


def now_as_text(ago: timedelta = timedelta()) -> str:
    return to_text(datetime.now(UTC) - ago)


@contextmanager
def left_behind(db: Database, **changes: str | int) -> Iterator[None]:
    """A lease of this very process, changed into somebody else's and left in the database."""
    with lease(db, STAFF, "process", refuse_to_wait):
        (row,) = rows(db)
    row |= {"token": "left behind", **changes}
    db.insert("leases", **row)
    yield
    db.execute("DELETE FROM leases")


def test_a_lease_of_a_living_process_of_this_host_never_lapses_by_time(db: Database) -> None:
    with left_behind(db, renewed_at=now_as_text(timedelta(days=9))):
        assert not is_free(db)


def test_a_process_id_that_was_given_to_another_process_is_not_the_holder(db: Database) -> None:
    with left_behind(db, process_start="1"):
        assert is_free(db)


def test_a_lease_of_another_host_holds_while_it_is_renewed(db: Database) -> None:
    with left_behind(db, host="elsewhere", pid=999_999_999, renewed_at=now_as_text()):
        assert not is_free(db)
        with pytest.raises(Waiting, match="process 999999999 on elsewhere"), lease(db, STAFF, "x", refuse_to_wait):
            pass


def test_a_lease_of_another_host_lapses_when_it_is_not_renewed(db: Database) -> None:
    with left_behind(db, host="elsewhere", renewed_at=now_as_text(timedelta(minutes=10))):
        assert is_free(db)


def test_a_lease_that_lapsed_is_taken_and_not_shared(db: Database) -> None:
    with (
        left_behind(db, host="elsewhere", renewed_at=now_as_text(timedelta(minutes=10))),
        lease(db, STAFF, "process", refuse_to_wait),
    ):
        assert not is_free(db)


def work_alone(start: Callable[[], None], number: int, path: Path) -> None:
    """Leave a mark that nobody else may find while one is inside."""
    mark = path.with_name("inside")
    with database(path) as db:
        for _ in range(2):
            start()
            with lease(db, STAFF, f"process {number}"):
                mark.touch(exist_ok=False)
                mark.unlink()


def test_processes_that_start_together_work_one_after_the_other(db: Database) -> None:
    assert at_once(work_alone, db.path, count=3) == [None] * 3
    assert rows(db) == []
