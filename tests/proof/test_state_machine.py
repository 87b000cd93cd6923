"""Companies that change while Rollcall keeps their directory, against the rules told a second time (naive.py).

Before every step the engine's plan is compared with the naive model; runs are approved, with and without overrides and
with people left out, and what they leave behind is what the model says.
"""

import os
import random
from collections.abc import Iterable
from copy import deepcopy
from datetime import timedelta

import hypothesis
import naive
from company import DEPARTMENTS, SITES, Company, rules_of
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from provisioning.model import Decision, PlanStatus

PROFILE = hypothesis.settings.get_profile(f"proof {os.environ.get('ROLLCALL_PROOF') or 'ci'}")
WHO = st.integers(0, 29)
Directory = dict[str, tuple[str, bool, dict[str, str]]]


def directory(users: Iterable[naive.User]) -> Directory:
    return {
        each.id: (each.link, each.live, {name: value for name, value in each.values.items() if value}) for each in users
    }


class ChangingCompany(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 9999), size=st.sampled_from([5, 12, 26]), kept=st.sampled_from([True, True, False]))
    def found(self, seed: int, size: int, kept: bool) -> None:
        """`kept`: Rollcall has run once already, and some days have passed since."""
        chance = random.Random(seed)
        self.company = Company(chance, rules_of(chance), size)
        if kept:
            self.run(True, set())
            self.company.now += timedelta(days=chance.choice([1, 8]))

    # --- what happens ---

    @rule(who=WHO, ahead=st.sampled_from([None, None, 1, 5]), site=st.sampled_from(SITES))
    def join(self, who: int, ahead: int | None, site: str) -> None:
        start = {"start": self.company.day(ahead), "lifecycle": "Hired"} if ahead else {"start": self.company.day(0)}
        self.company.join(site=site, **start)

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        self.company.change(who, lifecycle="Terminated", status="Inactive", last_day=self.company.day(-1))

    @rule(first=WHO, count=st.integers(2, 9))
    def leave_in_numbers(self, first: int, count: int) -> None:
        for who in range(first, first + count):
            self.leave(who)

    @rule(who=WHO, ahead=st.integers(-1, 3))
    def go_on_garden_leave(self, who: int, ahead: int) -> None:
        self.company.change(who, lifecycle="Garden leave", last_day=self.company.day(ahead))

    @rule(who=WHO, status=st.sampled_from(["Leave", "Parental leave", "Sabbatical", "", "Hired"]))
    def go_on_leave(self, who: int, status: str) -> None:
        self.company.change(who, lifecycle=status)

    @rule(who=WHO)
    def come_back(self, who: int) -> None:
        self.company.change(who, lifecycle="Employed", status="Active", last_day=None)

    @rule(who=WHO)
    def come_back_anew(self, who: int) -> None:
        self.company.return_anew(who)

    @rule(who=WHO)
    def vanish(self, who: int) -> None:
        self.company.forget(who)

    @rule(who=WHO, name=st.sampled_from(["O’Connor", "Zoe\u0308", "", "Person 4"]))
    def rename(self, who: int, name: str) -> None:
        self.company.change(who, last=name)

    @rule(who=WHO, department=st.sampled_from(DEPARTMENTS), site=st.sampled_from(SITES))
    def move(self, who: int, department: str, site: str) -> None:
        self.company.change(who, department=department, site=site)

    @rule(who=WHO, email=st.sampled_from(["new@acme.example", "PERSON2@acme.example", "admin@acme.example", ""]))
    def change_email(self, who: int, email: str) -> None:
        self.company.change(who, email=email)

    @rule(who=WHO, identifier=st.sampled_from(["E99", "E1", "007", ""]))
    def change_identifier(self, who: int, identifier: str) -> None:
        self.company.change(who, identifier=identifier)

    @rule(one=WHO, other=WHO, name=st.sampled_from(["email", "identifier", "manager"]))
    def swap(self, one: int, other: int, name: str) -> None:
        self.company.swap(one, other, name)

    @rule(one=WHO, other=WHO, name=st.sampled_from(["email", "identifier", "last"]))
    def be_given_the_same(self, one: int, other: int, name: str) -> None:
        self.company.copy(one, other, name)

    @rule(who=WHO, boss=WHO)
    def get_another_manager(self, who: int, boss: int) -> None:
        self.company.change(who, manager=self.company.somebody(boss))

    @rule(who=WHO, start=st.sampled_from(["soon", "2026-02-31", "2019-01-01", ""]))
    def get_another_start_date(self, who: int, start: str) -> None:
        self.company.change(who, start=start)

    @rule(first=WHO, count=st.integers(1, 6))
    def be_renumbered(self, first: int, count: int) -> None:
        self.company.renumber(first, count)

    # --- what HiBob does not show ---

    @rule(name=st.sampled_from(["department", "start", "manager", "site"]), nth=st.integers(1, 5))
    def lose_values(self, name: str, nth: int) -> None:
        self.company.lose_values(name, nth)

    @rule(
        field=st.sampled_from(
            ["work.department", "work.employeeIdInCompany", "root.email", "internal.lifecycleStatus", "work.startDate"]
        )
    )
    def lose_or_get_back_a_permission(self, field: str) -> None:
        self.company.absent ^= {field}

    @rule(nth=st.integers(2, 9))
    def hide_some_people(self, nth: int) -> None:
        self.company.hidden = {key for key in self.company.people if int(key) % nth == 0}

    @rule()
    def show_everything(self) -> None:
        self.company.hidden, self.company.absent, self.company.empty = set(), set(), False

    @rule()
    def answer_with_nobody(self) -> None:
        self.company.empty = not self.company.empty

    # --- what the customer decides ---

    @rule(sites=st.lists(st.sampled_from(["london", "Dublin"]), max_size=2), include=st.booleans())
    def change_the_scope(self, sites: list[str], include: bool) -> None:
        kind = "include" if include else "exclude"
        self.company.set_rules(scope=[{"rule": kind, "column": "work.site", "is": sites}] if sites else [])

    @rule(who=WHO)
    def keep_active(self, who: int) -> None:
        users = self.company.users
        if users:
            self.company.memory.protected.add(f"user:{users[who % len(users)].id}")

    @rule(same=st.booleans())
    def decide_who_is_the_same(self, same: bool) -> None:
        memory, pairs = self.company.memory, sorted(self.company.expected().pairs)
        for key, user in pairs[:1]:
            if same:
                memory.same = {k: u for k, u in memory.same.items() if u != user} | {key: user}
            else:
                memory.not_same.add((key, user))

    @rule(who=WHO, what=st.sampled_from(["unlink", "archive", "reactivate", "email", "identifier", "owner"]))
    def touch_the_portal(self, who: int, what: str) -> None:
        users = self.company.users
        if not users:
            return
        user, other = users[who % len(users)], users[(who * 7 + 1) % len(users)]
        if what == "unlink":
            user.link = ""
        elif what == "owner":
            user.values["Portal role"] = "Owner"
        elif what in ("email", "identifier"):
            name = {"email": "Email", "identifier": "Employee ID"}[what]
            user.values[name] = other.values.get(name, "")
        else:
            user.live = what == "reactivate"

    @rule(hours=st.sampled_from([1, 5, 11, 12, 13, 24, 72]))
    def pass_time(self, hours: int) -> None:
        self.company.now += timedelta(hours=hours)

    # --- previews and runs ---

    def _compared(self) -> tuple[Decision, naive.Expected]:
        """The engine's plan, which must be what the model says in everything."""
        company = self.company
        decision, expected = company.plan(), company.expected()
        assert {each.key: each.code for each in decision.held} == expected.held
        assert {each.code for each in decision.blocks} == expected.blocks
        carried = deepcopy(company)
        carried.carry_out(decision.changes)
        assert directory(carried.users) == directory(expected.users.values())
        absences = {user: (each.reads, each.counted_at) for user, each in decision.absences.items()}
        assert absences == expected.absences
        assert (set(decision.baseline.live), dict(decision.baseline.fill)) == expected.baseline
        return decision, expected

    @invariant()
    def the_plan_is_what_the_rules_say_and_twice_the_same(self) -> None:
        decision, _ = self._compared()
        assert self.company.plan().digest == decision.digest

    @rule()
    def preview(self) -> None:
        decision, expected = self._compared()
        self.company.keep(decision, expected, decision.status is PlanStatus.EMPTY)

    @rule(days=st.integers(0, 3))
    def run_as_it_stands(self, days: int) -> None:
        self.company.now += timedelta(days=days)
        self.run(False, set())

    @rule(who=WHO)
    def leave_and_be_archived_and_come_back(self, who: int) -> None:
        self.leave(who)
        self.run(True, set())
        self.come_back(who)

    @rule(override=st.sampled_from([True, True, False]), left_out=st.sets(WHO, max_size=2))
    def run(self, override: bool, left_out: set[int]) -> None:
        decision, expected = self._compared()
        goes = decision.status is PlanStatus.READY or (override and bool(decision.changes))
        self.company.keep(decision, expected, goes or decision.status is PlanStatus.EMPTY)
        if not goes:
            return
        keys = sorted({change.key for change in decision.changes})
        out = {keys[who % len(keys)] for who in left_out}
        before = deepcopy(self.company.users)
        self.company.carry_out(decision.changes, sorted(out))
        after = directory(self.company.users)
        assert after == self._wanted(expected, before, out)
        gone = {user.id for user in before if user.live and not after[user.id][1]}
        self._nobody_protected(before, gone)
        if not decision.blocks:
            self._within_the_limits(before, gone)
        if not out:
            self._comes_to_rest(decision)

    def _wanted(self, expected: naive.Expected, before: list[naive.User], out: set[str]) -> Directory:
        """Who is left out stays as they were."""
        wanted, old = directory(expected.users.values()), directory(before)
        for user in [user for user in wanted if expected.keys.get(user) in out]:
            del wanted[user]
            if user in old:
                wanted[user] = old[user]
        return wanted

    def _nobody_protected(self, before: list[naive.User], gone: set[str]) -> None:
        for user in before:
            if user.id in gone:
                assert f"user:{user.id}" not in self.company.memory.protected
                owner = {"attribute": "Portal role", "is": ["Owner"]}
                assert owner not in self.company.rules["protected"] or user.values.get("Portal role") != "Owner"

    def _within_the_limits(self, before: list[naive.User], gone: set[str]) -> None:
        """Counted in the directory itself, not in any plan."""
        company, live = self.company, sum(user.live for user in before)
        limits = naive.DEFAULT_LIMITS | company.rules["limits"]
        archive = limits["small_domain"] if live < 20 and isinstance(limits["archive"], str) else limits["archive"]
        assert not naive.reached(archive, len(gone), live)
        assert not (gone and naive.reached(limits["archive_7_days"], company.archived_7_days, live))
        assert not company.empty
        assert not company.absent & {"work.department", "work.employeeIdInCompany", "root.email", "work.startDate"}

    def _comes_to_rest(self, decision: Decision) -> None:
        """Planning after a complete run gives no changes, but for people who were held."""
        again = self.company.plan()
        held = {each.key for each in decision.held}
        late = [each for each in again.changes if each.key not in held and f"user:{each.user_id}" not in held]
        assert late == []

    @precondition(lambda self: self.company.memory.baseline is not None)
    @rule()
    def a_read_that_shrank_archives_nobody_by_itself(self) -> None:
        """Half of the people hidden, for one look: nothing can run without somebody's reason."""
        company = deepcopy(self.company)
        company.hidden |= {key for key in company.people if int(key) % 2}
        before = company.memory.baseline
        missing = len(before[0] & (company.hidden | (before[0] - set(company.people)))) if before else 0
        if company.rules["limits"].get("head_count") or missing < 3 or not before:
            return
        assert company.plan().status is PlanStatus.BLOCKED


TestChangingCompany = ChangingCompany.TestCase
TestChangingCompany.settings = PROFILE
