"""How each fault of the matrix is brought about, at its point: by the neighbour's own server, by the database, or by a
signal. `disturbed` gives the installation with the fault waiting for its moment."""

import os
import signal
import threading
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from driver import ADMIN, PATIENCE, STAFF, Rollcall
from fault_matrix import (
    AFTER,
    AT_A_DATE,
    BEFORE,
    CLOCK,
    DISK_FULL,
    EMPLOYEES,
    FINISHING,
    FIRST,
    GONE,
    HTML,
    IGNORED,
    IN_SECONDS,
    JOURNAL,
    KILLED,
    LAST,
    LOCAL,
    MIDDLE,
    REFUSED,
    STALE,
    TAKEN,
    TIME_OUT,
    TRUNCATED,
    TWO,
    USERS,
    WRITES,
    WRONG_TYPE,
    Cell,
)
from scim_servers import (
    Answer,
    Next,
    Request,
    Reset,
    Times,
    Twist,
    answers,
    ignores_patch,
    in_bulk,
    is_create,
    is_write,
    reset_after,
    reset_before,
    scim_error,
)
from small_company import Stage, one_by_one, with_clock

from provisioning.database import Database
from provisioning.source.client import HiBobClient
from provisioning.target.scim_client import ScimClient
from provisioning.workflow import planning, processing
from provisioning.workflow.house import Workspace, member

Act = Callable[[], None]
OF_ONE = (GONE, TAKEN, STALE, IGNORED)
"""Answers about one user, whether they come in bulk or by themselves."""

FOR_EVER = 10**9
FULL = "INSERT INTO filler VALUES (zeroblob(4000000))"
"""What no longer fits on a small disk."""


def on_a_small_disk(monkeypatch: pytest.MonkeyPatch, house: Rollcall) -> None:
    """From now on the database may grow by about a megabyte: whatever takes more meets SQLite's own SQLITE_FULL, with
    what that does to a transaction."""
    house.sql("CREATE TABLE IF NOT EXISTS filler (content BLOB)")
    most = house.sql("PRAGMA page_count")[0][0] + 256
    opened = Database.__init__

    def opening(db: Database, path: Path) -> None:
        opened(db, path)
        db.connection.execute(f"PRAGMA max_page_count = {most}")

    monkeypatch.setattr(Database, "__init__", opening)


class Moment:
    """When something comes for the n-th time, `act` is done once."""

    def __init__(self, act: Act, nth: int = 1) -> None:
        self.act, self.left = act, nth
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.left -= 1
            now = self.left == 0
        if now:
            self.act()


class Disturbed:
    """An installation with a fault that waits for its moment. `lasting`: from then on until `clear`; else once (a death
    or a second worker: after the write took effect, else before)."""

    def __init__(
        self, cell: Cell, stage: Stage, house: Rollcall, lasting: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.cell, self.stage, self.house, self.lasting = cell, stage, house, lasting
        self.monkeypatch = monkeypatch
        self.released = threading.Event()
        self.others: list[threading.Thread] = []
        self.problems: list[BaseException] = []
        self.victim, self.born = 0, threading.Event()
        self.down: list[Act] = []
        self.happened = False

    # --- the two halves of a way: reading, then writing ---

    def preview(self) -> str | None:
        """The plan; None when the fault was in the way of it."""
        if self.cell.point in (EMPLOYEES, USERS):
            self._arm()
            said = self._call("preview", STAFF, "--json")
            self.clear()
            assert said is None or said in (0, 1), said
            if said != 0:
                return None
        return str(self.house.sql("SELECT id FROM plans ORDER BY rowid DESC LIMIT 1")[0][0]) if self._read() else None

    def _read(self) -> bool:
        return self.cell.point in (EMPLOYEES, USERS) or self.house.preview()["status"] == "ready"

    def process(self, plan: str) -> None:
        if self.cell.point in (EMPLOYEES, USERS):
            return
        self._arm()
        code = self._call("process", plan, "--json")
        self.clear()
        assert code in (None, 0, 1, 3, 4), code

    def _call(self, *words: str) -> int | None:
        """The exit code; None when the process was killed."""
        if self.cell.fault == KILLED:
            return self._in_a_process(*words)
        said = self.house.call(*words)
        if self.cell.fault == DISK_FULL:
            self.happened = "full" in said.complaint(1)
        return said.code

    def _in_a_process(self, *words: str) -> int | None:
        """In a process of its own, which is killed when its moment comes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Forking beside threads: this one only calls.
            self.victim = os.fork()
        self.born.set()
        if self.victim == 0:
            code = 99
            try:
                code = self.house.call(*words).code
            finally:
                os._exit(code)
        _, status = os.waitpid(self.victim, 0)
        assert os.WIFSIGNALED(status), "the process lived on: its moment never came"
        self.happened = True
        return None

    def clear(self) -> None:
        """Everything is as usual again, but for the clock."""
        self.released.set()
        for back in self.down:
            back()
        self.down = []
        stage = self.stage
        stage.portal.twists = []
        stage.hibob.fault, stage.hibob.headers, stage.hibob.fault_on = None, {}, ""
        stage.hibob.meanwhile = lambda path: None
        self.house.sql("DROP TRIGGER IF EXISTS meanwhile")
        self.house.sql("DROP TABLE IF EXISTS filler")
        for each in self.others:
            each.join(PATIENCE)
            assert not each.is_alive()
        if self.cell.fault != CLOCK:
            self.monkeypatch.undo()
        assert self.problems == []
        assert self.happened, "the fault never came about"

    # --- arming ---

    def _arm(self) -> None:
        if self.cell.point == LAST:
            one_by_one(self.monkeypatch)
        if self.cell.fault == DISK_FULL:
            self._fill_the_disk()
        elif self.cell.fault in (KILLED, TWO, CLOCK):
            self._act_at_the_point(
                {KILLED: self._kill, TWO: self._second_worker, CLOCK: self._set_back}[self.cell.fault]
            )
        elif self.cell.point == EMPLOYEES:
            self._disturb_hibob()
        else:
            self._disturb_portal()

    def _fill_the_disk(self) -> None:
        keys = self.stage.keys
        one = {FIRST: keys[0], MIDDLE: keys[len(keys) // 2], LAST: keys[-1], JOURNAL: keys[5]}.get(self.cell.point, "")
        local = self.stage.target == LOCAL
        who = f"'{one}' IN (NEW.external_id, printf('user:U%08d', NEW.id))" if local else f"NEW.key = '{one}'"
        added = not one.startswith("user:") and one not in self.stage.before
        how = "INSERT" if added or not local else "UPDATE"
        when = {
            EMPLOYEES: "UPDATE OF metadata ON connections",
            USERS: "INSERT ON plans",
            JOURNAL: f"INSERT ON outcomes WHEN NEW.key = '{one}'",
            FINISHING: "UPDATE OF status ON runs WHEN NEW.status <> 'running'",
        }.get(self.cell.point, f"{how} ON {'users' if local else 'outcomes'} WHEN {who}")
        on_a_small_disk(self.monkeypatch, self.house)
        self.house.sql(f"CREATE TRIGGER meanwhile BEFORE {when} BEGIN {FULL}; END")

    def _act_at_the_point(self, act: Act) -> None:
        point, scim = self.cell.point, self.stage.target != LOCAL
        if point == EMPLOYEES:
            moment = Moment(act)
            self.stage.hibob.meanwhile = lambda path: moment() if path.endswith("search") else None
        elif scim and point in (USERS, *WRITES):
            fits, nth = self._requests()
            self.stage.portal.twists = [Times(self._acting(act), fits, first=nth)]
        else:
            self._at_statement(*self._statement(), act)

    def _acting(self, act: Act) -> Twist:
        def twist(request: Request, following: Next) -> Answer:
            if not self.lasting:
                act()
                return following(request)
            found = following(request)
            act()
            return found

        return twist

    def _statement(self) -> tuple[tuple[str, ...], int]:
        """The beginnings of the statement that is the point, and the how manieth it is."""
        writes = ("INSERT INTO users", "UPDATE users SET status")
        count = len(self.stage.keys)
        return {
            USERS: (("INSERT INTO plans",), 1),
            FIRST: (writes, 1),
            MIDDLE: (writes, count // 2),
            LAST: (writes, count),
            JOURNAL: (("INSERT INTO outcomes",), 6),
            FINISHING: (("UPDATE runs SET status",), 1),
        }[self.cell.point]

    def _at_statement(self, beginnings: tuple[str, ...], nth: int, act: Act) -> None:
        moment, opened = Moment(act, nth), Database.__init__

        def opening(db: Database, path: Path) -> None:
            opened(db, path)
            db.connection.set_trace_callback(lambda sql: moment() if sql.startswith(beginnings) else None)

        self.monkeypatch.setattr(Database, "__init__", opening)

    # --- acts ---

    def _kill(self) -> None:
        """The process that works: itself, where the point is in its database."""
        self.happened = True
        assert self.born.wait(PATIENCE)
        os.kill(self.victim or os.getpid(), signal.SIGKILL)
        if self.victim:
            raise Reset

    def _set_back(self) -> None:
        self.happened = True
        with_clock(self.monkeypatch, lambda: datetime.now(UTC) - timedelta(days=1))

    def _second_worker(self) -> None:
        """Does the same beside the first, which goes on when the second waits for it: in the middle of a transaction the
        second cannot even say so."""
        self.happened = True
        waits = threading.Event()
        reading = self.cell.point in (EMPLOYEES, USERS)
        plan = self.house.sql("SELECT id FROM plans ORDER BY rowid DESC LIMIT 1")[0][0]

        def work() -> None:
            house = Workspace(self.house.data, self.house.environment, member(ADMIN))
            try:
                if reading:
                    planning.preview(house, STAFF, lambda holder: waits.set())
                else:
                    processing.process(house, plan, waiting=lambda holder: waits.set())
            except BaseException as problem:
                self.problems.append(problem)
            finally:
                house.db.close()

        self.others.append(threading.Thread(target=work))
        self.others[-1].start()
        if threading.current_thread() is not threading.main_thread():
            assert waits.wait(PATIENCE)

    # --- neighbours ---

    def _disturb_hibob(self) -> None:
        hibob, fault = self.stage.hibob, self.cell.fault
        self.happened = True
        hibob.fault_on = "search"
        if fault == REFUSED:
            hibob.go_away()
            self.down.append(hibob.come_back)
        elif fault == TIME_OUT:
            self._hurry(HiBobClient)
            hibob.meanwhile = lambda path: _wait(self.released) if path.endswith("search") else None
        elif fault in (IN_SECONDS, AT_A_DATE):
            hibob.fault, hibob.headers = 429, {"Retry-After": _retry_after(fault)}
        else:
            named = {BEFORE: "reset", TRUNCATED: "truncated", HTML: "html", WRONG_TYPE: "text"}
            hibob.fault = named.get(fault) or int(fault)

    def _disturb_portal(self) -> None:
        fits, nth = self._requests()
        count = FOR_EVER if self.lasting else 1
        twist = Times(self._noted(self._portal_fault()), fits, first=nth, count=count)
        self.stage.portal.twists = [in_bulk(twist) if self.cell.fault in OF_ONE else twist]

    def _noted(self, twist: Twist) -> Twist:
        def noting(request: Request, following: Next) -> Answer:
            self.happened = True
            return twist(request, following)

        return noting

    def _requests(self) -> tuple[Callable[[Request], bool], int]:
        """Which requests to the portal are meant, and from the how manieth on."""
        point, portal = self.cell.point, self.stage.portal
        if point == USERS:
            return (lambda each: _lists(each)), 1
        if point == FINISHING:
            portal.forget()
            return (lambda each: _lists(each) and portal.writes != []), 1
        kind = {GONE: _is_update, TAKEN: is_create, STALE: _is_update, IGNORED: _is_update}
        fits = kind.get(self.cell.fault, is_write)
        sent = self.stage.writes
        if self.cell.fault in OF_ONE:
            sent = [one for each in sent for one in each.operations]
        there = sum(fits(each) for each in sent)
        return fits, {FIRST: 1, MIDDLE: there // 2, LAST: there}[point]

    def _portal_fault(self) -> Twist:
        fault = self.cell.fault
        if fault == TIME_OUT:
            self._hurry(ScimClient)
        page = Answer(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>")
        found: dict[str, Twist] = {
            REFUSED: self._goes_away,
            BEFORE: reset_before,
            AFTER: reset_after,
            TIME_OUT: self._too_late,
            GONE: answers(404, scim_error(404, "no such user")),
            TAKEN: answers(409, scim_error(409, "taken", "uniqueness")),
            STALE: answers(412, scim_error(412, "changed meanwhile")),
            IN_SECONDS: answers(429, scim_error(429, "slow down"), Retry_After=_retry_after(IN_SECONDS)),
            AT_A_DATE: answers(429, scim_error(429, "slow down"), Retry_After=_retry_after(AT_A_DATE)),
            TRUNCATED: _truncated,
            HTML: lambda request, following: page,
            WRONG_TYPE: _wrong_type,
            IGNORED: ignores_patch,
        }
        return found.get(fault) or answers(int(fault), scim_error(int(fault), "no"))

    def _goes_away(self, request: Request, following: Next) -> Answer:
        """Nobody listens any more; connections that there are break at their next request."""
        if not self.down:
            self.down.append(self.stage.portal.come_back)
            self.stage.portal.twists.insert(0, reset_before)
            self.stage.portal.go_away()
        raise Reset

    def _too_late(self, request: Request, following: Next) -> Answer:
        """It takes effect, and nobody hears of it in time."""
        following(request)
        _wait(self.released)
        raise Reset

    def _hurry(self, client: type[Any]) -> None:
        settings = client.__init__.__kwdefaults__
        before = settings["timeout"]
        settings["timeout"] = type(before)(5.0, read=0.3)
        self.down.append(lambda: settings.__setitem__("timeout", before))


def _wait(released: threading.Event) -> None:
    assert released.wait(PATIENCE)


def _retry_after(fault: str) -> str:
    return "2" if fault == IN_SECONDS else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


def _is_update(request: Request) -> bool:
    return request.method == "PATCH"


def _lists(request: Request) -> bool:
    return request.method == "GET" and request.path.endswith("/Users") and "filter" not in request.query


def _truncated(request: Request, following: Next) -> Answer:
    """Done, and the answer ends in the middle."""
    found = following(request)
    content = str(found.body).encode()
    return Answer(found.status, {"Content-Type": "application/scim+json"}, content[: len(content) // 2])


def _wrong_type(request: Request, following: Next) -> Answer:
    found = following(request)
    return Answer(found.status, {"Content-Type": "text/plain"}, found.body)
