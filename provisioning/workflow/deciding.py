"""Decisions about people of a preview. They make a new plan at once, from the stored snapshots: HiBob is not read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from provisioning.engine.plan import make_plan
from provisioning.engine.situation import People, Situation, lay_out
from provisioning.errors import NotFound, Refused, RoleMissing, UsageError
from provisioning.model import Action, Domain, Plan, Status
from provisioning.store import customers, decisions, plans, runs
from provisioning.store.decisions import DecisionKind, PersonDecision
from provisioning.store.leases import lease
from provisioning.workflow.approving import archives_of, keep_left_out
from provisioning.workflow.asking import Wishes
from provisioning.workflow.decided import live_account
from provisioning.workflow.directories import known_directory, same_system
from provisioning.workflow.farewell import plan_farewell
from provisioning.workflow.house import PREPARERS, Waiting, Workspace, quiet, record_event, require
from provisioning.workflow.planning import kept_sides, situation_of, store_plan
from provisioning.workflow.stored_plans import check_current, domain_of, left_out_draft
from provisioning.workflow.undoing import plan_back

PAIRS = (DecisionKind.SAME, DecisionKind.NOT_SAME)


def decide(house: Workspace, plan_id: str, wishes: Wishes, waiting: Waiting = quiet) -> Plan:
    """Remember decisions and make the plan that follows from them. All or nothing.

    Raises `UsageError` or `NotFound` for what cannot be decided, `Refused` where it may not be.
    """
    head = plans.plan_head(house.db, plan_id)
    domain = domain_of(house, head)
    if house.actor.email is None:
        raise RoleMissing("The operator may prepare, but not decide about people. Say who decides: --by EMAIL.")
    require(house, domain.customer_id, PREPARERS, "decide about people")
    with lease(house.db, domain.id, f"decide {plan_id}", waiting):
        domain = domain_of(house, head)
        check_current(house, head, domain)
        if runs.latest_run(house.db, plan_id):
            raise Refused(f"Plan {plan_id} was processed already. Make a new preview, and decide there.")
        plan = plans.get_plan(house.db, plan_id)
        sides = kept_sides(house, domain)
        deciding = _Deciding(house, plan, domain, situation_of(house, domain, *sides))
        made = deciding.check(wishes)
        with house.db.transaction():
            _remember(house, plan, domain, made, [*wishes.forget, *filter(None, map(deciding.user_of, wishes.forget))])
            if plan.undo_of:
                new = plan_back(house, runs.get_run(house.db, plan.undo_of), domain)
            elif plan.farewell:
                new = plan_farewell(house, domain)
            else:
                situation = situation_of(house, domain, *sides)
                new = store_plan(house, situation, make_plan(situation))
            # Whom the page meant to leave out stays left out.
            left_out = {each.key for each in new.changes} & set(left_out_draft(house, plan.id))
            if left_out:
                keep_left_out(house, new.id, left_out)
            return new


def _remember(
    house: Workspace, plan: Plan, domain: Domain, made: Sequence[PersonDecision], forget: Sequence[str]
) -> None:
    now, by = house.clock(), house.actor.name
    decisions.forget_decisions(house.db, domain.id, forget)
    decisions.decide(house.db, domain.id, made, by, now, plan.id)
    for each in made:
        if each.kind is DecisionKind.MOVE:
            # They are not in HiBob, or not for that domain: its own next plan would archive whom we just kept.
            home = customers.get_domain(house.db, f"{domain.customer}/{each.other}")
            kept = PersonDecision(DecisionKind.PROTECT, f"user:{_user_of(plan, each.key)}")
            decisions.decide(house.db, home.id, [kept], by, now, plan.id)
    record_event(
        house, "decided", domain, plan=plan.id,
        decisions=[{"kind": each.kind.value, "key": each.key, "other": each.other} for each in made],
        taken_back=list(forget),
    )  # fmt: skip


def _user_of(plan: Plan, key: str) -> str:
    if key.startswith("user:"):
        return key.removeprefix("user:")
    return next(each.user_id or "" for each in plan.changes if each.key == key and each.user_id)


@dataclass
class _Deciding:
    """Turns wishes into decisions, checking each against the plan and against both sides as they were read."""

    house: Workspace
    plan: Plan
    domain: Domain
    situation: Situation

    def check(self, wishes: Wishes) -> list[PersonDecision]:
        apart = self.plan.undo_of or self.plan.farewell
        if apart and (wishes.move or wishes.same or wishes.not_same):
            what = "takes a run back" if self.plan.undo_of else "archives everybody"
            raise Refused(
                f"Preview {self.plan.id} {what}: people can be protected or left out of it. Who is moved, or is the "
                "same person, is decided in a preview of HiBob."
            )
        made = [
            *(self._protect(key) for key in wishes.protect),
            *(self._move(key, home) for key, home in wishes.move.items()),
            *(self._same(key, user) for key, user in wishes.same),
            *(self._not_same(key, user) for key, user in wishes.not_same),
        ]
        for email, home in wishes.test_accounts:
            made += self._test_account(email, home)
        for key in wishes.forget:
            if not any(each.key == key for each in decisions.decisions_made(self.house.db, self.domain.id)):
                raise NotFound(f"Nothing was decided about “{key}” in {self.domain.label}.")
        if not made and not wishes.forget:
            raise UsageError("Say what to decide: --protect, --move, --same, --not-same, --test-account or --forget.")
        self._check_once(made)
        # What was decided about an employee holds for their user when HiBob no longer returns the employee.
        kept = [each for each in made if each.kind in (DecisionKind.PROTECT, DecisionKind.MOVE)]
        return [*made, *(replace(each, key=user) for each in kept if (user := self.user_of(each.key)))]

    def user_of(self, key: str) -> str:
        """The key of an employee's user who is not linked to them yet; "" where the key itself says who it is."""
        people = self._people
        row = people.keys.index(key) if key in people.keys else -1
        user = int(people.matches.user[row]) if row >= 0 else -1
        return f"user:{people.user_ids[user]}" if user >= 0 and people.user_links[user] != key else ""

    @cached_property
    def _people(self) -> People:
        return lay_out(self.situation)

    def _check_once(self, made: Sequence[PersonDecision]) -> None:
        """Several refusals about one employee go together; anything else does not. A user is one employee only."""
        for each in made:
            about = [other for other in made if other.key == each.key and (other.kind in PAIRS) == (each.kind in PAIRS)]
            if len(about) > 1 and any(other.kind is not DecisionKind.NOT_SAME for other in about):
                raise UsageError(f"Two decisions about “{each.key}” contradict each other. Say one.")
        accepted = Counter(each.other for each in made if each.kind is DecisionKind.SAME)
        for user, times in accepted.items():
            if times > 1:
                raise UsageError(f"User {user} cannot be the same person as {times} others. Say one.")

    def _protect(self, key: str) -> PersonDecision:
        keys = {each.key for each in self.plan.changes} | {each.key for each in self.plan.held}
        if key not in keys:
            raise NotFound(f"Plan {self.plan.id} has nobody with the key “{key}”, neither changed nor held.")
        return PersonDecision(DecisionKind.PROTECT, key)

    def _move(self, key: str, home: str) -> PersonDecision:
        found = [each for each in self.plan.changes if each.key == key]
        if not found:
            raise NotFound(f"Plan {self.plan.id} changes nobody with the key “{key}”.")
        leaving = next((each for each in found if each.action in (Action.ARCHIVE, Action.MOVE)), None)
        if leaving is None:
            raise Refused(
                f"“{key}” is in HiBob and belongs to {self.domain.label}: the next preview would add them again. Only "
                "somebody who would be archived can be moved."
            )
        other = self._other_domain(home)
        if not same_system(self.domain, other):
            raise Refused(
                f"Users of {self.domain.label} cannot be moved to {other.label}: that takes one portal which holds both, with "
                "the attribute that names the domain (`domain_attribute`). Keep them active instead."
            )
        identifier = self.domain.settings.unique_identifier or ""
        values = leaving.seen.attributes if leaving.seen else {}
        link = leaving.seen.external_id if leaving.seen else ""
        for user, their_link, _, attributes in known_directory(self.house, other).everybody():
            same = values.get(identifier) and attributes.get(identifier) == values.get(identifier)
            if user != leaving.user_id and (same or (link and their_link == link)):
                raise Refused(
                    f"Domain {other.label} has that person already, as user {user}. Leave “{key}” out instead."
                )
        return PersonDecision(DecisionKind.MOVE, key, other.name)

    def _other_domain(self, name: str) -> Domain:
        others = [
            each for each in customers.domains(self.house.db, self.domain.customer_id) if each.name != self.domain.name
        ]
        found = next((each for each in others if name in (each.name, each.label)), None)
        if found is None:
            have = ", ".join(each.name for each in others) or "there is none yet"
            raise NotFound(f"{self.domain.customer} has no other domain “{name}” ({have}).")
        return found

    def _same(self, key: str, user: str) -> PersonDecision:
        """Any employee who has no user and any user without a live employee may be one person: people know more than
        names and dates say."""
        people, user_id = self._people, user.removeprefix("user:")
        if key not in people.keys:
            raise NotFound(f"HiBob’s last answer has nobody with the key “{key}”.")
        if user_id not in people.user_ids:
            raise NotFound(f"{self.domain.label} has no user “{user}”.")
        row, place = people.keys.index(key), people.user_ids.index(user_id)
        theirs = int(people.matches.user[row])
        if theirs >= 0 and theirs != place:
            raise Refused(f"“{key}” has the user {people.user_ids[theirs]} already.")
        owners = [each for each, match in enumerate(people.matches.user.tolist()) if match == place and each != row]
        held_by = next(
            (each for each in owners if people.scope[each] and people.keys[each] not in self._leaving()), None
        )
        if held_by is not None:
            raise Refused(f"User {user_id} belongs to {people.keys[held_by]}, who is in HiBob and stays.")
        return PersonDecision(DecisionKind.SAME, key, user_id)

    def _leaving(self) -> set[str]:
        archived = {each.key for each in self.plan.changes if each.action is Action.ARCHIVE}
        return archived | {each.user_key for each in self.plan.proposals}

    def _not_same(self, key: str, user: str) -> PersonDecision:
        user_id = user.removeprefix("user:")
        if (key, user_id) not in {(each.key, each.user_id) for each in self.plan.proposals}:
            if self.situation.decisions.same.get(key) == user_id:
                raise Refused(
                    f"“{key}” and user “{user}” were accepted as one person. Take that back first: --forget {key}."
                )
            raise NotFound(f"Plan {self.plan.id} does not propose that “{key}” and user “{user}” are one person.")
        return PersonDecision(DecisionKind.NOT_SAME, key, user_id)

    def _test_account(self, email: str, home: str) -> list[PersonDecision]:
        """Whoever is to be archived confirms for themself; somebody who is not, for all members who are."""
        finding = next((each for each in self.plan.findings if each.code == "self-archive"), None)
        if finding is None or not finding.keys:
            raise UsageError(f"Plan {self.plan.id} archives no member of this customer; no test account is needed.")
        other = self._other_domain(home)
        status = live_account(self.house, other, email)
        if status is None:
            raise NotFound(f"Domain {other.label} has no user with the e-mail “{email}”.")
        if status is not Status.LIVE:
            raise Refused(f"“{email}” is archived in {other.label}. A test account must be live.")
        mine = archives_of(self.house, self.plan, [self.house.actor.email or ""])
        own = [each.key for each in mine if each.key in finding.keys]
        account = f"{other.name}/{email}"
        return [PersonDecision(DecisionKind.TEST_ACCOUNT, key, account) for key in own or finding.keys]
