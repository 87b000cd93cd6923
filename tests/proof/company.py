"""A company that changes, with a directory that Rollcall keeps: what happens to it, and the same day told to both the
engine (as a `Situation`) and the naive model (as plain dicts).

`carry_out` writes changes into the directory as a portal would: each only while the user is as the plan saw them.
"""

import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import build
import naive
import tomli_w
from naive import Memory, Rules, User

from provisioning import setup_file
from provisioning.engine.plan import make_plan
from provisioning.engine.situation import Situation
from provisioning.model import Absence, Baseline, Change, Decision, Decisions, Domain, Settings

MEMBERS = ("admin@acme.example",)
DEPARTMENTS = ("Sales", "Legal", "Cafe\u0301", "")
SITES = ("London", "Dublin", "Paris", "")
EMPLOYEE_ID = {"name": "Employee ID", "data_feed_name": "work.employeeIdInCompany", "required": True}
EMAIL = {"name": "Email", "data_feed_name": "root.email", "clean_up": ["lower"]}
NAMES = [
    {"name": "First name", "data_feed_name": "root.firstName"},
    {"name": "Last name", "data_feed_name": "root.surname"},
]


def rules_of(chance: random.Random) -> Rules:
    """A domain's table of the set-up file, with one choice or another in everything a customer may decide."""
    choose = chance.choice
    department = {
        "name": "Department", "data_feed_name": "humanReadable.work.department", "values": {"Legal": "Law"},
        "blank": choose(["keep", "clear", "hold"]), "required": choose([False, False, True]),
        "apply": choose(["always", "always", "on add"]),
    }  # fmt: skip
    if choose([True, False]):
        department["fallback"] = "work.site"
    site = {
        "name": "Site", "data_feed_name": "work.site", "type": "list", "options": ["London", "Dublin", "Paris"],
        "blank": choose(["keep", "clear"]), "apply": choose(["always", "on add"]),
    }  # fmt: skip
    return {
        "name": "staff", "unique_identifier": choose(["Employee ID", "Employee ID", "Email"]),
        "absence_archives": choose(["all", "all", "linked"]), "absent_reads": choose([1, 1, 2, 3]),
        "attributes": [
            EMPLOYEE_ID, EMAIL, *NAMES, department, site, {"name": "Portal role"},
            {"name": "Start date", "data_feed_name": "work.startDate", "type": "date", "blank": "clear"},
            {"name": "Manager", "data_feed_name": "work.reportsTo", "type": "user", "blank": choose(["keep", "clear"])},
        ],
        "protected": choose([[], [{"attribute": "Portal role", "is": ["Owner"]}], ["person3@acme.example", "E5"]]),
        "scope": choose([[], [], [{"rule": "exclude", "column": "work.site", "is": ["Paris"]}]]),
        "lifecycle": choose(
            [{}, {"hired": {"wait_until_days_before_start": 3}}, {"Leave": "archived"}, {"hired": "leave as is"}]
        ),
        "limits": choose(
            [{}, {}, {"archive": "20%", "update": "60%"}, {"archive": 4, "archive_7_days": "off", "blank": "off"},
             {"add": "20%", "reactivate": 1, "identifiers": "off", "head_count": "50%"}]
        ),
    }  # fmt: skip


def _spread(columns: dict[str, list[str | None]]) -> list[dict[str, str | None]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@dataclass
class Company:
    """`people`: HiBob's truth by id. `shown` is what the service user gets to see of it."""

    chance: random.Random
    rules: Rules
    size: int
    now: datetime = build.NOW
    absent: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    empty: bool = False
    memory: Memory = field(default_factory=Memory)
    kept: tuple[Baseline | None, dict[str, Absence]] = (None, {})
    archives: list[datetime] = field(default_factory=list)
    version: int = 1

    def __post_init__(self) -> None:
        self.people = {str(number): self._person(str(number)) for number in range(1, self.size + 1)}
        self.users: list[User] = []
        self.next = self.size + 1
        # The portal was there before Rollcall: users without a link, some unlike their employee, some of nobody.
        for number in self.chance.sample(range(1, self.size + 4), k=self.size):
            made = build.unlinked(str(number), id=f"u{number}")
            role = "Owner" if number == 2 else ""
            self.users.append(User(made.id, "", True, dict(made.attributes) | {"Portal role": role}))

    def _person(self, key: str, **values: str | None) -> dict[str, str | None]:
        boss = "1" if key != "1" else ""
        known = {"start": "2020-03-01", "site": "London", "manager": boss} | build._person(key)
        return known | ({"email": MEMBERS[0]} if key == "4" else {}) | values

    # --- what the two sides are told ---

    @property
    def rows(self) -> list[build.Row]:
        shown = [] if self.empty else [key for key in self.people if key not in self.hidden]
        rows = [build.employee(key, **self.people[key]) for key in shown]
        return self.chance.sample(rows, len(rows))

    @cached_property
    def _domains(self) -> dict[int, Domain]:
        return {}

    @property
    def domain(self) -> Domain:
        if self.version not in self._domains:
            found = setup_file.parse(tomli_w.dumps({"customer": {"name": "Acme"}, "domains": [self.rules]}))
            table = found.domains[0]
            attributes = setup_file.to_attributes(table.attributes)
            settings = setup_file.to_settings(table, Settings())
            self._domains[self.version] = Domain(1, 1, "Acme", "staff", attributes, 1, "x", settings, self.version)
        return self._domains[self.version]

    @property
    def archived_7_days(self) -> int:
        return sum(at >= self.now - timedelta(days=7) for at in self.archives)

    def situation(self) -> Situation:
        domain, memory = self.domain, self.memory
        made = [build.User(user.id, user.link, "Live" if user.live else "Archived", user.values) for user in self.users]
        told = build.situation(
            self.rows,
            made,
            attributes=domain.attributes,
            settings=domain.settings,
            absent={name for name, each in build.FIELDS.items() if each.id in self.absent},
            now=self.now,
            baseline=self.kept[0],
            absences=self.kept[1],
            archived_7_days=self.archived_7_days,
            members=MEMBERS,
            decisions=Decisions(frozenset(memory.protected), dict(memory.same), frozenset(memory.not_same)),
        )
        return replace(told, domain=domain)

    def plan(self) -> Decision:
        return make_plan(self.situation())

    def expected(self) -> naive.Expected:
        memory = replace(self.memory, archived_7_days=self.archived_7_days)
        users = deepcopy(self.users)
        return naive.expect(self.rules, self.rows, users, memory, self.now, frozenset(self.absent), MEMBERS)

    # --- what becomes of a plan ---

    def keep(self, decision: Decision, expected: naive.Expected, processed: bool) -> None:
        """What a preview leaves behind, and what its run (or an empty plan) adds to that."""
        baseline = decision.baseline if processed else self.kept[0]
        self.kept = baseline, dict(decision.absences)
        self.memory.absences = expected.absences
        if processed:
            self.memory.baseline = expected.baseline

    def carry_out(self, changes: Sequence[Change], left_out: Sequence[str] = ()) -> None:
        by_id = {user.id: user for user in self.users}
        for change in changes:
            if change.key in left_out:
                continue
            if change.user_id is None:
                user = User(naive.new_id(change.key, by_id), "", True, {})
                self.users.append(user)
            else:
                user = by_id[change.user_id]
                _as_seen(user, change)
            self._write(user, change)

    def _write(self, user: User, change: Change) -> None:
        for name, value in change.after.items():
            if name == "status":
                user.live = value == "Live"
            elif name == "external_id":
                user.link = value or ""
            else:
                user.values[name] = value or ""
        if change.action == "archive":
            self.archives.append(self.now)

    # --- what happens in HiBob ---

    def somebody(self, who: int) -> str:
        keys = sorted(self.people, key=int)
        return keys[who % len(keys)]

    def change(self, who: int, **values: str | None) -> None:
        self.people[self.somebody(who)] |= values

    def join(self, **values: str | None) -> str:
        key, self.next = str(self.next), self.next + 1
        self.people[key] = self._person(key, **values)
        return key

    def return_anew(self, who: int) -> None:
        """The same person under a new HiBob id; the old record stays or is gone."""
        old = self.somebody(who)
        gone = self.people[old]
        key = self.join(**{name: gone[name] for name in ("first", "last", "department", "start")})
        if who % 2:
            del self.people[old]
            self.people[key] |= {name: gone[name] for name in ("identifier", "email")}
        else:
            gone["lifecycle"], gone["status"] = "Terminated", "Inactive"

    def swap(self, one: int, other: int, name: str) -> None:
        a, b = self.people[self.somebody(one)], self.people[self.somebody(other)]
        a[name], b[name] = b.get(name), a.get(name)

    def copy(self, one: int, other: int, name: str) -> None:
        self.people[self.somebody(one)][name] = self.people[self.somebody(other)].get(name)

    def forget(self, who: int) -> None:
        if len(self.people) > 2:
            del self.people[self.somebody(who)]

    def renumber(self, first: int, count: int) -> None:
        """Other identifiers for some: a column was swapped, or a new payroll introduced."""
        for who in range(first, first + count):
            key = self.somebody(who)
            self.people[key]["identifier"] = f"N{key}"

    def lose_values(self, name: str, nth: int) -> None:
        for key, person in self.people.items():
            if int(key) % nth == 0:
                person[name] = None

    def set_rules(self, **changes: Any) -> None:
        self.rules = self.rules | changes
        self.version += 1

    def day(self, days: int) -> str:
        return (self.now + timedelta(days=days)).date().isoformat()


def _as_seen(user: User, change: Change) -> None:
    """A write is conditional on the user still being as the plan saw them."""
    seen = change.seen
    assert seen is not None
    assert (seen.status, seen.external_id) == ("Live" if user.live else "Archived", user.link)
    assert all(user.values.get(name, "") == value for name, value in seen.attributes.items())
