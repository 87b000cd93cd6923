"""Night after night of joiners, movers, leavers and those who come back, with faults: the directory is what a naive
model says, and neither memory nor files grow without bound. Seeded; time passes by an injected clock."""

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tiny_hibob
from driver import ADMIN, STAFF, Rollcall, customer, domain
from dying import dies_at
from fault_matrix import CELLS, WRITES, Cell
from faults import FULL, Disturbed, on_a_small_disk
from scim_servers import TOKEN, Times, is_write
from small_company import HERE, IN_PORTAL, HiBob, Portal, with_clock
from tiny_hibob import key_of, somebody

KEPT_DAYS = 30
HIBOB_FAULTS: tuple[int | str, ...] = (401, 403, 500, 503, "html", "truncated", "reset", "strange", "text")
DEPARTMENTS = {"209192161": "Legal & Compliance", "209192162": "Sales", "209192163": "Operations"}


@dataclass
class Company:
    """HiBob's truth, and what the directory should be: a user per person ever seen, with the values of their last day
    as an employee."""

    chance: random.Random
    hibob: HiBob
    expected: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    last: int = 0

    def night(self) -> None:
        """What happened during the day."""
        for _ in range(self.chance.choice([0, 1, 1, 2])):
            self.last += 1
            self.hibob.join(self.last, department=self.chance.choice([*DEPARTMENTS]))
        here, gone = self._numbers(employed=True), self._numbers(employed=False)
        for number in self.chance.sample(here, min(3, len(here))):
            self.hibob.change(number, surname=f"Name{self.chance.randrange(1000)}")
            self.hibob.change(number, department=self.chance.choice([*DEPARTMENTS]))
        if len(here) > 50 and self.chance.random() < 0.8:
            self._leave(self.chance.choice(here))
        if gone and self.chance.random() < 0.2:
            number = self.chance.choice(gone)
            self.hibob.people[key_of(number)] = somebody(number, surname=f"Back{number}")

    def _leave(self, number: int) -> None:
        if self.chance.random() < 0.5:
            self.hibob.change(number, status="terminated")
        else:
            self.hibob.forget(number)

    def _numbers(self, employed: bool) -> list[int]:
        return [n for n in range(1, self.last + 1) if self._employed(n) == employed]

    def _employed(self, number: int) -> bool:
        person = self.hibob.people.get(key_of(number))
        return person is not None and tiny_hibob.is_active(person)

    def settle(self) -> None:
        """The naive model of a night that came to its end."""
        for number in range(1, self.last + 1):
            key = key_of(number)
            if self._employed(number):
                person = self.hibob.people[key]
                self.expected[key] = ("Live", person["root.surname"], DEPARTMENTS[person["work.department"]])
            elif key in self.expected:
                self.expected[key] = ("Archived", *self.expected[key][1:])


@dataclass
class Clock:
    now: datetime = datetime(2026, 1, 5, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Installation:
    house: Rollcall
    hibob: HiBob
    portal: Portal
    clock: Clock
    chance: random.Random
    faults: int = 0
    nights: int = 0

    def preview(self) -> dict[str, Any] | None:
        """A preview; sometimes HiBob fails first."""
        if self.chance.random() < 0.2:
            self.hibob.fault, self.hibob.fault_on = self.chance.choice(HIBOB_FAULTS), "search"
            self.house.call("preview", STAFF, "--json").complaint(1)
            self.hibob.fault = None
            self.faults += 1
        plan = self.house.call("preview", STAFF, "--json")
        assert plan.code == 0, plan
        found: dict[str, Any] = plan.json
        return found if found["status"] == "ready" else None

    def until_nothing_is_left(self, disturb: Callable[[str], None]) -> None:
        for attempt in range(6):
            plan = self.preview()
            if plan is None:
                return
            self.house.call("approve", plan["plan"], by=ADMIN).fine()
            if attempt == 0 and self.chance.random() < 0.4:
                disturb(plan["plan"])
                self.faults += 1
                if self.chance.random() < 0.5:
                    continue  # Somebody makes a new preview instead of going on.
            assert self.house.call("process", plan["plan"]).code in (0, 3, 4)
        raise AssertionError("the night does not come to its end")

    def disturb_the_database(self, plan: str) -> None:
        if self.chance.random() < 0.5:
            dies_at(self.chance.randrange(1, 25), lambda: self.house.call("process", plan))
            return
        table = self.chance.choice(["INSERT ON outcomes", "INSERT ON users", "UPDATE ON users", "INSERT ON history"])
        with pytest.MonkeyPatch.context() as monkeypatch:
            on_a_small_disk(monkeypatch, self.house)
            self.house.sql(f"CREATE TRIGGER meanwhile BEFORE {table} BEGIN {FULL}; END")
            assert self.house.call("process", plan).code in (0, 1)
        self.house.sql("DROP TRIGGER meanwhile")
        self.house.sql("DROP TABLE filler")

    def disturb_the_portal(self, plan: str) -> None:
        cells = [each for each in CELLS if each.target == "scim" and each.point in WRITES]
        faults = sorted({each.fault for each in cells} - set(_NOT_HERE))
        twist = Disturbed(Cell("scim", self.chance.choice(faults), WRITES[0]), None, self.house, False, None)  # type: ignore[arg-type]
        count = self.chance.choice([1, 10**9])
        self.portal.twists = [Times(twist._portal_fault(), is_write, first=self.chance.randrange(1, 5), count=count)]
        assert self.house.call("process", plan).code in (0, 1, 4)
        self.portal.twists = []


_NOT_HERE = (
    "connection refused",
    "time-out",
    "disk full",
    "SIGKILL of the worker",
    "two workers at once",
    "clock set back",
)


@contextmanager
def installation(target: str, folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    clock, chance = Clock(), random.Random(seed)
    with_clock(monkeypatch, clock)
    with HiBob([]) as hibob, Portal() as portal:
        house = Rollcall(folder / "data", SCIM_TOKEN=TOKEN)
        there = {"scim": portal.base_url, "token": {"env": "SCIM_TOKEN"}}
        staff = domain(*IN_PORTAL, unique_identifier="userName", target=there) if target == "scim" else domain(*HERE)
        about = {"name": "Acme", "retention_days": KEPT_DAYS}
        house.set_up(customer(hibob.base_url, staff, customer=about)).fine()
        yield Installation(house, hibob, portal, clock, chance)


def pass_nights(there: Installation, company: Company, nights: int, disturb: Callable[[str], None]) -> None:
    for _ in range(nights):
        there.clock.now += timedelta(days=1)
        company.night()
        there.until_nothing_is_left(disturb)
        company.settle()
        there.nights += 1


def kept(house: Rollcall) -> dict[str, int]:
    """Rows of what retention is about, and the bytes of all files."""
    house.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    rows = {
        table: house.sql(f"SELECT count(*) FROM {table}")[0][0] for table in ("plans", "changes", "outcomes", "runs")
    }
    size = sum(path.stat().st_size for path in house.data.rglob("*") if path.is_file())
    return rows | {"bytes": size - house.sql("SELECT sum(length(details) + 400) FROM history")[0][0]}


def found_here(house: Rollcall) -> dict[str, tuple[str, str, str]]:
    users = house.users()
    found = {
        each["external_id"]: (each["status"], each["attributes"]["Last name"], each["attributes"]["Department"])
        for each in users
    }
    assert len(found) == len(users)
    return found


def test_two_hundred_nights_into_the_local_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with installation("local", tmp_path, 7, monkeypatch) as there:
        company = Company(there.chance, there.hibob)
        for number in range(1, 51):
            company.last = number
            there.hibob.join(number)
        pass_nights(there, company, 100, there.disturb_the_database)
        gc.collect()
        half, objects = kept(there.house), len(gc.get_objects())
        pass_nights(there, company, 100, there.disturb_the_database)
        gc.collect()
        end = kept(there.house)
        assert found_here(there.house) == company.expected
        assert there.house.call("verify").fine()
        assert there.nights == 200
        assert there.faults > 60
        assert {status for status, _, _ in company.expected.values()} == {"Live", "Archived"}
        assert {name: end[name] > 1.5 * half[name] for name in end} == dict.fromkeys(end, False), (half, end)
        assert len(gc.get_objects()) < 1.1 * objects


def test_thirty_nights_into_a_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with installation("scim", tmp_path, 11, monkeypatch) as there:
        company = Company(there.chance, there.hibob)
        for number in range(1, 31):
            company.last = number
            there.hibob.join(number)
        pass_nights(there, company, 30, there.disturb_the_portal)
        found = {
            key: (each["status"], each["name"].split(" ")[0], each["department"])
            for key, each in there.portal.essence().items()
        }
        assert found == company.expected
        assert there.house.call("verify").fine()
        assert there.faults > 10
