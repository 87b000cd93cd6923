"""From a situation to a plan: what would change for whom, who is held and why. Computed once, then frozen;
planning cannot write."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from itertools import repeat

import msgspec
import numpy as np

from provisioning.engine.absence import absence_may_touch, count_absences, unmatched_live
from provisioning.engine.lifecycle import Wish
from provisioning.engine.limits import find_limits
from provisioning.engine.proof import baseline_of, evidence_of, find_read_problems
from provisioning.engine.protection import RELEASED, protected_by
from provisioning.engine.references import differs, leave_references
from provisioning.engine.same_person import hold_same_people
from provisioning.engine.situation import People, Situation, lay_out, with_names
from provisioning.engine.texts import Index, Texts, differing, folded
from provisioning.engine.transforms import fold
from provisioning.model import (
    READ_PROOF,
    Absence,
    Action,
    Apply,
    Attribute,
    BlankPolicy,
    Change,
    Decision,
    Domain,
    Finding,
    Held,
    PlanStatus,
    Seen,
    Severity,
    Status,
)

GIVE_EACH_THEIR_OWN = " Give each their own in HiBob."
MAKE_UNIQUE = " Make the identifiers unique in HiBob or Skillcast."
WORST_FIRST = list(Severity)
ORDER = {action: place for place, action in enumerate(Action)}


def make_plan(situation: Situation, people: People | None = None) -> Decision:
    """The frozen difference of the two sides of a situation. `people`: these two, where somebody has laid them out already.

    The same situation gives the same digest, whatever the order of rows on either side.
    """
    people = people or lay_out(situation)
    absences = count_absences(situation, people)
    planner = _Planner(situation, people, absences)
    planner.add_and_update()
    planner.archive()
    apart = hold_same_people(situation, people, planner.changes, planner.held, planner.intended)
    settled = leave_references(situation, people, apart.changes)
    changes = sorted(settled.changes, key=in_order)
    held = sorted([*apart.held, *settled.held], key=lambda each: (each.code, each.key))
    baseline = baseline_of(situation, people)
    findings = (
        *find_read_problems(situation, people, baseline),
        *find_limits(situation, people, changes, absences),
        *_future_archives(people),
        *apart.findings,
        *settled.findings,
    )
    blocks = {each.code for each in findings if each.severity is Severity.BLOCK}
    touched = {change.key for change in changes} | {each.key for each in held}
    status = PlanStatus.BLOCKED if blocks else PlanStatus.READY if changes else PlanStatus.EMPTY
    return Decision(
        status=status,
        digest=digest(situation.domain, changes),
        counts=_counts(people, changes, len(held), touched),
        findings=with_names(sorted(findings, key=lambda each: WORST_FIRST.index(each.severity)), people),
        changes=tuple(changes),
        held=tuple(held),
        baseline=baseline,
        # A read that is not proved complete does not count towards anybody's absence.
        absences=situation.absences if blocks & READ_PROOF else absences,
        proposals=apart.proposals,
        evidence=evidence_of(situation, baseline, _needless(people, touched), len(_unmatched(people))),
    )


def in_order(change: Change) -> tuple[int, str]:
    """The order of processing."""
    return ORDER[change.action], change.key


def digest(domain: Domain, changes: Iterable[Change]) -> str:
    """SHA-256 over the domain, the versions of mapping and settings, and every change's before and after."""
    content = [
        domain.label,
        domain.mapping_version,
        domain.settings_version,
        [[each.key, each.action, each.user_id, each.before, each.after] for each in changes],
    ]
    return sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def _counts(people: People, changes: Sequence[Change], held: int, touched: Set[str]) -> dict[str, int]:
    """`touched`: the keys of whoever is changed or held."""
    counts = {action.value: 0 for action in Action}
    for change in changes:
        counts[change.action.value] += 1
    rows = people.keys.rows_of(touched)
    having_user = int((people.matches.user[rows] >= 0).sum())
    unmatched = {f"user:{user}" for user in people.user_ids.at(_unmatched(people))}
    return counts | {"held": held, "unchanged": len(people.user_ids) - having_user - len(touched & unmatched)}


def _needless(people: People, touched: Set[str]) -> int:
    """How many people have no user, and nothing happens to them."""
    without = people.matches.user < 0
    return int(without.sum()) - int(without[people.keys.rows_of(touched)].sum())


def _unmatched(people: People) -> list[int]:
    """Users without an employee."""
    found: list[int] = np.flatnonzero(~people.user_taken).tolist()
    return found


@dataclass(slots=True)
class _Row:
    """One employee for whom something would happen. `old`: what the user has now; `changing`: the values that they would
    get instead. Who is to be added has no user (-1) and nothing yet."""

    row: int
    user: int
    action: Action
    wish: Wish
    key: str
    name: str
    old: dict[str, str]
    changing: dict[str, str]
    email: str = ""
    user_id: str = ""
    link: str = ""

    @property
    def exists(self) -> bool:
        return self.action is not Action.ADD

    @property
    def quiet(self) -> bool:
        """Nothing but a link is written for them."""
        leaves = self.wish is Wish.LEAVE_AS_IS and self.action is Action.REACTIVATE
        return self.exists and (self.wish is Wish.ARCHIVED or leaves)

    def wanted(self, name: str) -> str:
        return self.changing.get(name, self.old.get(name, ""))


class _Planner:
    """Collects changes and held people of one situation."""

    def __init__(self, situation: Situation, people: People, absences: Mapping[str, Absence]) -> None:
        self.situation = situation
        self.people = people
        self.absences = absences
        self.changes: list[Change] = []
        self.held: list[Held] = []
        # Adds of people who are held for another reason: they may still be half of one person.
        self.intended: list[Change] = []
        attributes = situation.domain.attributes
        self.fed = [each for each in attributes if each.name in people.mapped]
        self.identifier = situation.domain.settings.unique_identifier or ""
        self.unreadable = [each for each in self.fed if people.mapped[each.name].problems]
        self.demanding = [each for each in attributes if self._needed(each) or each.blank is BlankPolicy.HOLD]
        self.added, self.updated = self._added(), self._updated()
        self.owners = self._identifier_owners()
        self.email_owners = self._email_owners()
        self.addresses = self._addresses()

    def _addresses(self) -> dict[str, str]:
        """The e-mails of users who are matched already, as far as somebody who is to be added has them too: nobody else is
        added with one of them."""
        people = self.people
        wanted = {each.email for each in self.added if each.email}
        having = [user for user in people.user_emails.rows_of(wanted) if people.user_taken[user]]
        having.reverse()
        return dict(zip(people.user_emails.at(having), people.user_ids.at(having), strict=True))

    def add_and_update(self) -> None:
        for each in (*self.added, *self.updated):
            self._settle(each)

    def archive(self) -> None:
        people, users = self.people, self.people.matches.user
        live = (users >= 0) & people.user_live[users] if len(people.user_live) else np.zeros(len(users), dtype=bool)
        leaving = ~people.scope | (people.wishes.wish == Wish.ARCHIVED)
        rows = np.flatnonzero(live & leaving).tolist()
        seen = self._seen([int(users[row]) for row in rows])
        for row in rows:
            self._archive_employee(row, seen[int(users[row])])
        if len(people.keys):
            self._archive_absent()

    # --- adds, reactivations, updates, links ---

    def _added(self) -> list[_Row]:
        """In scope, without a user, and not leaving."""
        people = self.people
        going = people.scope & (people.matches.user < 0) & (people.wishes.wish != Wish.ARCHIVED)
        rows = np.flatnonzero(going).tolist()
        values = _dicts({each.name: Texts(people.mapped[each.name].values).at(rows) for each in self.fed}, len(rows))
        who = zip(rows, people.keys.at(rows), people.names.at(rows), people.emails.at(rows), values, strict=True)
        return [
            _Row(row, -1, Action.ADD, people.wish(row), key, name, {}, {k: v for k, v in each.items() if v}, email)
            for row, key, name, email, each in who
        ]

    def _updated(self) -> list[_Row]:
        """In scope, matched, and not leaving: to be reactivated, or with a value that differs or cannot be
        read, or to be linked."""
        people = self.people
        if not len(people.user_live):
            return []
        users, wish = people.matches.user, people.wishes.wish
        matched = people.scope & (users >= 0)
        live = people.user_live[users]
        stays = matched & live & (wish != Wish.ARCHIVED)
        returns = matched & ~live & ((wish == Wish.LIVE) | (wish == Wish.WAIT))
        changing = self._changing(np.where(stays | returns, users, -1))
        touched = returns | (matched & ~people.matches.linked)
        for some in (changing, *(people.mapped[each.name].problems for each in self.unreadable if _follows(each))):
            concerned = list(some)
            touched[concerned] |= stays[concerned]
        rows = np.flatnonzero(touched).tolist()
        theirs = users[rows].tolist()
        seen = self._seen(theirs)
        actions = [Action.UPDATE if here else Action.REACTIVATE for here in live[rows].tolist()]
        ids, links = people.user_ids.at(theirs), people.user_links.at(theirs)
        who = zip(rows, theirs, actions, people.keys.at(rows), people.names.at(rows), ids, links, strict=True)
        return [
            _Row(row, user, action, people.wish(row), key, name, seen[user], changing.get(row, {}), "", user_id, link)
            for row, user, action, key, name, user_id, link in who
        ]

    def _changing(self, users: Index) -> dict[int, dict[str, str]]:
        """By row the values that a user would get instead of their own; blank keeps Skillcast's value where the policy says
        so. `users`: the row of the user of each, or -1. Only what differs becomes Python objects."""
        changing: dict[int, dict[str, str]] = {}
        for attribute in filter(_follows, self.fed):
            values = self.people.mapped[attribute.name].values
            rows = differing(values, self.people.user_values[attribute.name], users).tolist()
            for row, value in zip(rows, Texts(values).at(rows), strict=True):
                if value or attribute.blank is not BlankPolicy.KEEP:
                    changing.setdefault(row, {})[attribute.name] = value
        return changing

    def _seen(self, users: list[int]) -> dict[int, dict[str, str]]:
        columns = {name: Texts(column).at(users) for name, column in self.people.user_values.items()}
        return dict(zip(users, _dicts(columns, len(users)), strict=True))

    def _settle(self, each: _Row) -> None:
        """Hold the person, or plan the change and the link."""
        if not each.quiet:
            unreadable = self._unreadable(each)
            happens = each.action is not Action.UPDATE or each.changing or unreadable
            reason = self._hold_reason(each, unreadable) if happens else None
            if reason:
                code, why = reason
                self.held.append(Held(each.key, code, why, each.name))
                if each.action is Action.ADD:
                    self.intended.append(self._add(each))
                return
        if each.action is Action.ADD:
            self.changes.append(self._add(each))
            return
        if each.link != each.key:
            self._link(each)
        if not each.quiet and (each.changing or each.action is Action.REACTIVATE):
            self._change(each)

    def _unreadable(self, each: _Row) -> str:
        for attribute in self.unreadable:
            why = self.people.mapped[attribute.name].problems.get(each.row)
            if why and not (each.exists and attribute.apply is Apply.ON_ADD):
                return f"{attribute.name}: {why}. Correct it in HiBob, or change the mapping of this attribute."
        return ""

    def _hold_reason(self, each: _Row, unreadable: str) -> tuple[str, str] | None:
        """The first reason to hold somebody to whom something would otherwise happen: (code, why)."""
        matches = self.people.matches
        if each.row in matches.disputed:
            return "disputed", matches.disputed[each.row] + MAKE_UNIQUE
        if each.email in self.addresses:
            return "disputed", (
                f"Their e-mail belongs to user {self.addresses[each.email]}, who is somebody else in "
                "HiBob. Correct one of the two e-mails, or let the first record have the user."
            )
        if each.row in matches.duplicates:
            return "duplicate-id", matches.duplicates[each.row] + GIVE_EACH_THEIR_OWN
        if each.wish is Wish.WAIT:
            return "future-starter", self._starts(each.row)
        if each.wish is Wish.LEAVE_AS_IS and each.action is Action.ADD:
            status = self.people.wishes.status(each.row) or "no lifecycle status"
            return "on-leave", (
                f"{status} in HiBob: nobody is added with that status. Added once it changes, "
                "or once the domain's lifecycle table says that it means live."
            )
        if unreadable:
            return "unreadable", unreadable
        blank = self._required_blank(each)
        if blank:
            return "required-blank", blank
        taken = self._identifier_taken(each) or self._email_taken(each)
        return ("identifier-taken", taken) if taken else None

    def _starts(self, row: int) -> str:
        day = self.people.wishes.day.get(row)
        if not day:
            return (
                "Hired in HiBob without a start date that can be read. Added once HiBob has one and the day has come."
            )
        wait = timedelta(days=self.situation.domain.settings.lifecycle.wait_until_days_before_start)
        begins = date.fromisoformat(day)
        live = begins - wait if begins - date.min > wait else begins
        if live == begins:
            return f"Starts on {day}, and becomes live that day."
        return f"Starts on {day}. Becomes live on {live.isoformat()}."

    def _needed(self, attribute: Attribute) -> bool:
        return attribute.required or attribute.name == self.identifier

    def _required_blank(self, each: _Row) -> str:
        for attribute in self.demanding:
            name = attribute.name
            fed = name in self.people.mapped
            if each.wanted(name):
                continue
            # An attribute that nothing feeds can only be missed by somebody who is added.
            if self._needed(attribute) and (fed or each.action is Action.ADD):
                return f"{name} is required and blank in HiBob. Fill it in there, or name a fallback column."
            if attribute.blank is BlankPolicy.HOLD and fed and (_follows(attribute) or each.action is Action.ADD):
                return f"{name} is blank in HiBob, and its mapping holds the person then. Fill it in there."
        return ""

    def _identifier_owners(self) -> dict[str, set[int]]:
        """The users of each unique identifier that somebody would get."""
        column = self.people.user_values.get(self.identifier)
        if column is None:
            return {}
        values = Texts(folded(column) if self.identifier == self.people.email_attribute else column)
        return _owners(values, self._given(self.identifier, self._comparable))

    def _email_owners(self) -> dict[str, set[int]]:
        """The live users of each e-mail that somebody would get: one who is archived signs in nowhere, and never gives an
        e-mail back."""
        people = self.people
        owners = _owners(people.user_emails, self._given(people.email_attribute or "", fold))
        return {email: {user for user in users if people.user_live[user]} for email, users in owners.items()}

    def _given(self, name: str, comparable: Callable[[str], str]) -> set[str]:
        """The values of an attribute that people would get, in comparable form."""
        given = (each.changing.get(name) for each in (*self.added, *self.updated))
        return {comparable(value) for value in given if value}

    def _comparable(self, identifier: str) -> str:
        return fold(identifier) if self.identifier == self.people.email_attribute else identifier

    def _identifier_taken(self, each: _Row) -> str:
        value = each.changing.get(self.identifier)
        owners = self.owners.get(self._comparable(value), set()) - {each.user} if value else set()
        return self._belongs_to("unique identifier", value, owners) if value and owners else ""

    def _email_taken(self, each: _Row) -> str:
        """Nobody is given the e-mail of another live user: both would sign in, and get their mail, as one."""
        name = self.people.email_attribute or ""
        value = each.changing.get(name)
        if not value or fold(value) == fold(each.old.get(name, "")):
            return ""
        owners = self.email_owners.get(fold(value), set()) - {each.user}
        return self._belongs_to("e-mail", value, owners) if owners else ""

    def _belongs_to(self, what: str, value: str, owners: Iterable[int]) -> str:
        owner = min(self.people.user_ids[user] for user in owners)
        return f"The {what} “{value}” still belongs to user {owner}. Released by the run after the one that frees it."

    def _add(self, each: _Row) -> Change:
        why = f"{self.people.wishes.status(each.row) or 'Active'} in HiBob, no user in this domain yet."
        after = each.changing | {"status": Status.LIVE.value, "external_id": each.key}
        return Change(each.key, Action.ADD, why, {}, dict(after), name=each.name)

    def _link(self, each: _Row) -> None:
        seen = self._seen_as(each.user, each.link, each.old)
        accepted = self.situation.decisions.same.get(each.key) == each.user_id
        how = "Accepted as the same person" if accepted else "Matched by unique identifier or e-mail"
        why = f"{how}: the user is linked to this HiBob person."
        before = {"external_id": each.link or None}
        after = {"external_id": each.key}
        self.changes.append(Change(each.key, Action.LINK, why, before, after, each.user_id, seen, each.name))

    def _change(self, each: _Row) -> None:
        """The link is written first, so the precondition of everything after it includes the link."""
        before: dict[str, str | None] = {name: each.old.get(name) or None for name in each.changing}
        after: dict[str, str | None] = {name: value or None for name, value in each.changing.items()}
        why = differs(list(each.changing))
        if each.action is Action.REACTIVATE:
            before["status"], after["status"] = Status.ARCHIVED.value, Status.LIVE.value
            status = self.people.wishes.status(each.row) or "Active"
            why = f"{status} in HiBob, archived here." + (f" {why}" if why else "")
        seen = self._seen_as(each.user, each.key, each.old)
        self.changes.append(Change(each.key, each.action, why, before, after, each.user_id, seen, each.name))

    def _seen_as(self, user: int, link: str, values: Mapping[str, str]) -> Seen:
        status = Status.LIVE if self.people.user_live[user] else Status.ARCHIVED
        versions = self.situation.users.versions
        return Seen(status, link, values, versions[user].as_py() if versions else "")

    # --- archives ---

    def _archive_employee(self, row: int, values: Mapping[str, str]) -> None:
        people, user = self.people, int(self.people.matches.user[row])
        key, outside = people.keys[row], not people.scope[row]
        if outside and not absence_may_touch(self.situation, self.people, user):
            return
        if row in people.matches.duplicates:
            why = people.matches.duplicates[row] + GIVE_EACH_THEIR_OWN
            self.held.append(Held(key, "duplicate-id", why, people.names[row]))
            return
        # Somebody in scope without a link has just been linked by `add_and_update`.
        seen = self._seen_as(user, people.user_links[user] if outside else key, values)
        self._archive(user, key, self._why_archived(row), seen, people.emails[row])

    def _why_archived(self, row: int) -> str:
        people = self.people
        if not people.scope[row]:
            return "Left this domain: no longer in its scope, still in HiBob."
        status, day = people.wishes.status(row), people.wishes.day.get(row)
        return f"{status} in HiBob; last day of work was {day}." if day else f"{status or 'Not active'} in HiBob."

    def _archive_absent(self) -> None:
        people, needed = self.people, self.situation.domain.settings.absent_reads
        users = [user for user in unmatched_live(people) if absence_may_touch(self.situation, people, user)]
        seen = self._seen(users)
        for user in users:
            key = f"user:{people.user_ids[user]}"
            disputed = people.matches.disputed_users.get(user)
            if disputed:
                self.held.append(Held(key, "disputed", disputed + MAKE_UNIQUE, people.user_names[user]))
            elif self.absences[people.user_ids[user]].reads >= needed:
                now = self._seen_as(user, people.user_links[user], seen[user])
                self._archive(user, key, "In this domain, not in HiBob’s complete answer.", now)

    def _archive(self, user: int, key: str, why: str, seen: Seen, email: str = "") -> None:
        """Archive the user, unless somebody decided to move them, or protects them. `email`: what HiBob says."""
        people = self.people
        name, user_id = people.user_names[user], people.user_ids[user]
        moves, link = self.situation.decisions.moves, people.user_links[user]
        home = next((moves[each] for each in (key, f"user:{user_id}", link) if each in moves), None)
        if home:
            before, after = {"domain": self.situation.domain.name}, {"domain": home}
            moved = f"{why} Moved to “{home}” instead of being archived, as decided."
            self.changes.append(Change(key, Action.MOVE, moved, before, after, user_id, seen, name))
        elif by := protected_by(self.situation, people, user, {key, email, seen.attributes.get(self.identifier, "")}):
            self.held.append(Held(key, "protected", f"{why} Protected, so never archived{RELEASED[by]}", name))
        else:
            if key in self.situation.decisions.confirmed:
                why += " They manage Rollcall here; a live test account in another domain was confirmed."
            before, after = {"status": Status.LIVE.value}, {"status": Status.ARCHIVED.value}
            self.changes.append(Change(key, Action.ARCHIVE, why, before, after, user_id, seen, name))


def _follows(attribute: Attribute) -> bool:
    """Whether a user's value follows HiBob's, also after they were added."""
    return attribute.apply is Apply.ALWAYS


def _dicts(columns: Mapping[str, Sequence[str]], rows: int) -> list[dict[str, str]]:
    """The values of each row by the columns' names."""
    values = zip(*columns.values(), strict=True) if columns else repeat((), rows)
    return [dict(zip(columns, each, strict=True)) for each in values]


def _owners(values: Texts, wanted: Iterable[str]) -> dict[str, set[int]]:
    """The users of each of these values."""
    owners: dict[str, set[int]] = {}
    users = values.rows_of(wanted)
    for user, value in zip(users, values.at(users), strict=True):
        owners.setdefault(value, set()).add(user)
    return owners


def _future_archives(people: People) -> Iterable[Finding]:
    """Who is live and leaves on a day that is known: nothing happens to them yet."""
    users = people.matches.user
    leaving = [
        (day, people.keys[row])
        for row, day in sorted(people.wishes.leaves.items(), key=lambda each: (each[1], people.keys[each[0]]))
        if people.scope[row] and users[row] >= 0 and people.user_live[users[row]]
    ]
    if leaving:
        count, first = len(leaving), leaving[0][0]
        yield Finding(
            "future-archive",
            Severity.INFO,
            f"{count:,} live {'user has' if count == 1 else 'users have'} a last day of work that is not over, the first "
            f"on {first}. They stay live until then.",
            "Nothing to do: a preview after that day archives them, once HiBob says that they left.",
            {"counted": count},
            tuple(key for _, key in leaving),
        )
