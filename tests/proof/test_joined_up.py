"""The same through every room of the house: a HiBob on loopback, a real database, preview, approval, processing. After
every run the directory is what the naive model says. Few examples: test_state_machine.py has the many."""

import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import naive
import tiny_hibob
import tomli_w
from driver import ADMIN, DEPARTMENT, EMAIL, FIRST_NAME, LAST_NAME, STAFF, attribute, customer, domain
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tiny_hibob import PAYROLL, TinyHiBob

from provisioning.errors import Refused
from provisioning.model import PlanStatus, RunStatus
from provisioning.store import customers
from provisioning.workflow import approving, planning, processing, setting_up
from provisioning.workflow.directories import known_directory
from provisioning.workflow.house import Workspace, member, operator

LONG = os.environ.get("ROLLCALL_PROOF") == "long"
PROFILE = hypothesis.settings(
    hypothesis.settings.get_profile(f"proof {'long' if LONG else 'ci'}"),
    max_examples=150 if LONG else 12,
    stateful_step_count=20,
)
RULES = domain(
    attribute("Employee ID", PAYROLL, required=True), EMAIL, FIRST_NAME, LAST_NAME, DEPARTMENT,
    attribute("Start date", "work.startDate", type="date", blank="clear"),
    absent_reads=2, protected=["person2@acme.example"],
)  # fmt: skip
TOLD = [
    "root.id", "root.email", "root.firstName", "root.surname", PAYROLL, "work.department", "work.startDate",
    "internal.lifecycleStatus", "internal.status", "employee.lastDayOfWork",
]  # fmt: skip
WHO = st.integers(1, 12)


class JoinedUp(RuleBasedStateMachine):
    @initialize()
    def found(self) -> None:
        self.hibob = TinyHiBob(tiny_hibob.company(12)).__enter__()
        self.folder = Path(tempfile.mkdtemp())
        self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        environment = {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1", "ACME_TOKEN": tiny_hibob.TOKEN}
        self.house = Workspace(self.folder / "data", environment, operator(), lambda: self.now)
        setting_up.set_up(self.house, tomli_w.dumps(customer(self.hibob.base_url, RULES)))
        self.house.actor = member(ADMIN)
        self.memory, self.archives = naive.Memory(), list[datetime]()
        self.run(True)

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.hibob.close()
            self.house.db.connection.close()
            shutil.rmtree(self.folder)

    # --- what happens ---

    @rule(who=WHO, status=st.sampled_from(["terminated", "employed", "leave", "garden leave", "hired", "5151"]))
    def change_status(self, who: int, status: str) -> None:
        self._change(who, status=status, last_day=(self.now - timedelta(days=1)).date().isoformat())

    @rule(who=st.integers(13, 20), start=st.sampled_from(["2026-03-02", "soon"]))
    def join(self, who: int, start: str) -> None:
        self.hibob.join(who, start=start)

    @rule(who=WHO)
    def vanish(self, who: int) -> None:
        self.hibob.people.pop(tiny_hibob.key_of(who), None)

    @rule(who=WHO, surname=st.sampled_from(["O’Connor", "Zoe\u0308"]))
    def rename(self, who: int, surname: str) -> None:
        self._change(who, surname=surname)

    @rule(who=WHO, department=st.sampled_from(["209192161", None]))
    def move(self, who: int, department: str | None) -> None:
        self._change(who, department=department)

    @rule(one=WHO, other=WHO, name=st.sampled_from(["root.email", PAYROLL]))
    def swap(self, one: int, other: int, name: str) -> None:
        found = [self.hibob.people.get(tiny_hibob.key_of(each)) for each in (one, other)]
        if all(found):
            a, b = found
            a[name], b[name] = b[name], a[name]  # type: ignore[index]

    @rule(nth=st.integers(2, 4))
    def hide_some(self, nth: int) -> None:
        self.hibob.hidden = {key for place, key in enumerate(sorted(self.hibob.people)) if place % nth == 0}

    @rule()
    def lose_a_permission(self) -> None:
        self.hibob.denied ^= {"work"}

    @rule()
    def see_everything(self) -> None:
        self.hibob.hidden, self.hibob.denied = set(), set()

    @rule(hours=st.sampled_from([1, 13, 72]))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def _change(self, who: int, **values: object) -> None:
        if tiny_hibob.key_of(who) in self.hibob.people:
            self.hibob.change(who, **values)

    # --- preview, approval, run ---

    @rule(override=st.booleans())
    def run(self, override: bool) -> None:
        self.now += timedelta(minutes=1)
        before, expected = self._users(), self._expected()
        plan = planning.preview(self.house, STAFF)
        assert {each.key: each.code for each in plan.held} == expected.held
        assert {each.code for each in plan.blocks} == expected.blocks
        assert planning.preview(self.house, STAFF).digest == plan.digest
        self.memory.absences = expected.absences
        done = plan.status is PlanStatus.EMPTY or (bool(plan.changes) and self._process(plan.id, expected, override))
        if done:
            self.memory.baseline = expected.baseline
        self._as_expected(before, expected, done)

    def _process(self, plan_id: str, expected: naive.Expected, override: bool) -> bool:
        try:
            reasons = dict.fromkeys(expected.blocks, "looked at") if override else {}
            approving.approve(self.house, plan_id, overrides=reasons)
        except Refused:
            assert expected.blocks
            assert not override
            return False
        assert override or not expected.blocks
        assert processing.process(self.house, plan_id).status is RunStatus.DONE
        self.archives += [self.now] * len(expected.archived)
        return True

    def _as_expected(self, before: list[naive.User], expected: naive.Expected, done: bool) -> None:
        wanted = expected.users.values() if done else before
        links = sorted((each.link, each.live, sorted(each.values.items())) for each in self._users())
        assert links == sorted(
            (each.link, each.live, sorted((name, value) for name, value in each.values.items() if value))
            for each in wanted
        )
        assert all(each.live for each in self._users() if each.values.get("Email") == "person2@acme.example")

    def _expected(self) -> naive.Expected:
        absent = frozenset(name for name in TOLD if tiny_hibob.FIELDS[name].category in self.hibob.denied)
        memory = replace(self.memory, archived_7_days=sum(at >= self.now - timedelta(days=7) for at in self.archives))
        people = [self._told(key) for key in self.hibob.people if key not in self.hibob.hidden]
        return naive.expect(RULES, people, self._users(), memory, self.now, absent, (ADMIN,))

    def _told(self, key: str) -> naive.Person:
        person, told = self.hibob.people[key], dict[str, str | None]()
        for name in TOLD:
            field = tiny_hibob.FIELDS[name]
            value = self.hibob._value(person, field)
            told[name] = None if value is None else str(value)
            told[f"humanReadable.{name}"] = None if value is None else self.hibob._text(field, value)
        return told

    def _users(self) -> list[naive.User]:
        found = known_directory(self.house, customers.get_domain(self.house.db, STAFF)).everybody()
        return [naive.User(user, link, status == "Live", values) for user, link, status, values in found]


TestJoinedUp = JoinedUp.TestCase
TestJoinedUp.settings = PROFILE
