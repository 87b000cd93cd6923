"""PRODUCT.md's "Rules of the engine" told a second time: from the text alone, one person at a time, in plain dicts.

Nothing here may import the product: what this model and the engine agree on was thought of twice. It is slow and
knows no columns. `Rules` are a domain's table of the set-up file, a person is a dict of column → text. Where the text
leaves freedom, a comment beginning with "Reading:" says which reading was taken.
"""

import unicodedata
from collections.abc import Container
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

Rules = dict[str, Any]
Person = dict[str, str | None]

HUMAN = "humanReadable."
DEFAULT_LIMITS = {
    "archive": "10%", "archive_7_days": "25%", "update": "off", "add": "off", "reactivate": "off", "blank": "5%",
    "head_count": "90%", "column_emptied": "20%", "identifiers": "5%", "small_domain": 3,
}  # fmt: skip
DEFAULT_MEANINGS = {
    "employed": "live", "hired": "live", "leave": "leave as is", "parentalleave": "leave as is",
    "gardenleave": "live", "terminated": "archived", "active": "live", "inactive": "archived",
}  # fmt: skip
UNPROVED = {"no-employees", "head-count", "column-absent", "column-emptied", "identifiers-swapped"}
SAYS_WHO = {"work.startDate", "work.department", "work.reportsTo", "work.manager", "work.reportsTo.email"}


@dataclass
class User:
    id: str
    link: str
    live: bool
    values: dict[str, str]


@dataclass
class Memory:
    """What is remembered from one preview to the next."""

    absences: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    baseline: tuple[set[str], dict[str, int]] | None = None
    archived_7_days: int = 0
    protected: set[str] = field(default_factory=set)
    same: dict[str, str] = field(default_factory=dict)
    not_same: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Expected:
    """The directory after a complete run (those added are called by `new_id`), and what the preview says."""

    users: dict[str, User]
    keys: dict[str, str]
    held: dict[str, str]
    blocks: set[str]
    archived: set[str]
    pairs: set[tuple[str, str]]
    absences: dict[str, tuple[int, datetime]]
    baseline: tuple[set[str], dict[str, int]]


def new_id(key: str, taken: Container[str]) -> str:
    """What somebody is called who is added for this person, and was not in the directory before."""
    made = f"new-{key}"
    while made in taken:
        made += "+"
    return made


def tidy(text: str | None) -> str:
    return unicodedata.normalize("NFC", text or "").strip()


def alike(text: str | None) -> str:
    """Equal for two spellings of one address or name."""
    return unicodedata.normalize("NFC", tidy(text).casefold())


def status_word(text: str) -> str:
    return "".join(letter for letter in alike(text) if letter.isalnum())


def reached(limit: str | int, counted: int | Fraction, of: int) -> bool:
    """≥; a percentage only from three people up. Reading: a limit of nought people still needs somebody."""
    if limit == "off":
        return False
    if isinstance(limit, int):
        return counted >= limit and counted > 0
    return counted >= 3 and counted >= Fraction(limit.rstrip("% ")) / 100 * of


def expect(
    rules: Rules,
    people: list[Person],
    users: list[User],
    memory: Memory,
    now: datetime,
    absent: frozenset[str] = frozenset(),
    members: tuple[str, ...] = (),
) -> Expected:
    """What the rules say. `absent`: fields that HiBob left out for everybody."""
    return _Day(rules, people, users, memory, now, absent, members).expected()


class _Day:
    def __init__(
        self,
        rules: Rules,
        people: list[Person],
        users: list[User],
        memory: Memory,
        now: datetime,
        absent: frozenset[str],
        members: tuple[str, ...],
    ) -> None:
        self.rules, self.memory, self.now, self.absent, self.members = rules, memory, now, absent, members
        self.limits = DEFAULT_LIMITS | rules.get("limits", {})
        self.fed = [each for each in rules["attributes"] if each.get("data_feed_name")]
        self.identifier = rules["unique_identifier"]
        self.email = self._attribute_of("root.email")
        self.people = {tidy(person["root.id"]): person for person in people}
        self.users = {user.id: user for user in users}
        self.in_scope = {key: self._in_scope(person) for key, person in self.people.items()}
        self.wish = {key: self._wish(person) for key, person in self.people.items()}
        self.new, self.unreadable = {}, {}
        plain = [each for each in self.fed if each.get("type") != "user"]
        for key in self.people:
            self._read(key, plain)
        self.own = {key: self.new[key].get(self.identifier, "") for key in self.people}
        for key in self.people:
            self._read(key, [each for each in self.fed if each.get("type") == "user"])
        self.held: dict[str, str] = {}
        self.adds: dict[str, dict[str, str]] = {}
        self.held_adds: dict[str, dict[str, str]] = {}
        self.links: dict[str, str] = {}
        self.updates: dict[str, dict[str, str]] = {}
        self.reactivated: set[str] = set()
        self.archived: dict[str, str] = {}
        self.pairs: set[tuple[str, str]] = set()

    def expected(self) -> Expected:
        self._match()
        absences = self._absences()
        for key in self.people:
            self._somebody(key)
        if self.people:
            for user in self._absent_users():
                self._missing(user, absences)
        self._same_person()
        self._leave_references()
        blocks = self._blocks()
        return Expected(
            users=self._after(),
            keys={user: key for key, user in self.user_of.items()}
            | self.archived
            | {new_id(key, self.users): key for key in self.adds},
            held=self.held,
            blocks=blocks,
            archived=set(self.archived),
            pairs=self.pairs,
            absences=self.memory.absences if blocks & UNPROVED else absences,
            baseline=self._baseline(),
        )

    # --- mapping ---

    def _attribute_of(self, column: str) -> str | None:
        """Who is who: the (first) attribute that this column feeds."""
        return next((each["name"] for each in self.fed if each["data_feed_name"].removeprefix(HUMAN) == column), None)

    def _text(self, person: Person, column: str) -> str:
        return "" if column.removeprefix(HUMAN) in self.absent else tidy(person.get(column))

    def _read(self, key: str, attributes: list[dict[str, Any]]) -> None:
        self.new.setdefault(key, {})
        self.unreadable.setdefault(key, set())
        for each in attributes:
            try:
                self.new[key][each["name"]] = self._value(self.people[key], each)
            except ValueError:
                self.new[key][each["name"]] = ""
                self.unreadable[key].add(each["name"])

    def _value(self, person: Person, each: dict[str, Any]) -> str:
        """Raises `ValueError` for a value that cannot be read as its type. The fallback stands in for a blank."""
        text = ""
        for column in (each["data_feed_name"], each.get("fallback")):
            if column and not text:
                machine = each.get("type") in ("date", "user")
                text = self._text(person, column.removeprefix(HUMAN) if machine else column)
        text = self._cleaned(text, each)
        # Reading: the value table is looked up after the clean-up, and its left side is cleaned up too.
        table = {self._cleaned(tidy(left), each): tidy(right) for left, right in each.get("values", {}).items()}
        text = table.get(text, text)
        return self._typed(text, each) if text else ""

    def _cleaned(self, text: str, each: dict[str, Any]) -> str:
        for step in each.get("clean_up", ()):
            text = {"lower": str.lower, "upper": str.upper}[step](text)
        return tidy(text)

    def _typed(self, text: str, each: dict[str, Any]) -> str:
        kind = each.get("type", "text")
        if kind == "date":
            return date.fromisoformat(text).isoformat()
        if kind == "list" and text not in each["options"]:
            raise ValueError(text)
        if kind == "yes/no":
            return {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}.get(text.lower()) or _no_value()
        return self._manager(text) if kind == "user" else text

    def _manager(self, text: str) -> str:
        """Reading: HiBob's id names somebody first, then an e-mail that only one person has, then an identifier."""
        mails = [key for key in self.people if self._mail(key) == alike(text)]
        owners = [key for key in self.people if self.own[key] == text]
        found = [key for key in self.people if key == text] or (mails if len(mails) == 1 else []) or owners
        if not found or not self.own[found[0]]:
            raise ValueError(text)
        return self.own[found[0]]

    def _mail(self, key: str) -> str:
        return alike(self._text(self.people[key], "root.email"))

    # --- scope and lifecycle ---

    def _in_scope(self, person: Person) -> bool:
        def fits(rule: dict[str, Any]) -> bool:
            forms = {alike(self._text(person, form)) for form in (rule["column"], HUMAN + rule["column"])}
            return bool(forms & {alike(value) for value in rule["is"]})

        rules = self.rules.get("scope", [])
        includes = [fits(rule) for rule in rules if rule["rule"] == "include"]
        return (any(includes) or not includes) and not any(fits(rule) for rule in rules if rule["rule"] == "exclude")

    def _wish(self, person: Person) -> str:
        """live, archived, leave as is, or wait."""
        said = {status_word(status): meaning for status, meaning in self.rules.get("lifecycle", {}).items()}
        wait = said.pop("hired")["wait_until_days_before_start"] if isinstance(said.get("hired"), dict) else 0
        column = "internal.lifecycleStatus"
        if not self._text(person, column) and not self._text(person, HUMAN + column):
            column = "internal.status"
        forms = [status_word(self._text(person, form)) for form in (column, HUMAN + column)]
        status = next((form for form in forms if form in said or form in DEFAULT_MEANINGS), "")
        if status in said:
            return str(said[status])
        if status == "hired":
            start = _day(self._text(person, "work.startDate"))
            # Reading: hired without a readable start date waits too.
            return "live" if start and (start - self.now.date()).days <= wait else "wait"
        if status == "gardenleave":
            last = _day(self._text(person, "employee.lastDayOfWork"))
            return "archived" if last and last < self.now.date() else "live"
        return DEFAULT_MEANINGS.get(status, "leave as is")

    # --- matching ---

    def _match(self) -> None:
        self.user_of: dict[str, str] = {}
        self.disputed: set[str] = set()
        self.disputed_users: set[str] = set()
        self.duplicates: set[str] = set()
        links = {user: self._link(user) for user in self.users}
        self._stage(list(self.people), {key: key for key in self.people}, links)
        inside = [key for key in self.people if self.in_scope[key]]
        outside = [key for key in self.people if not self.in_scope[key]]
        identifiers = {key: self._comparable(self.own[key]) for key in self.people}
        mails = {key: self._mail(key) if self.email else "" for key in self.people}
        users_identifiers = {
            id: self._comparable(user.values.get(self.identifier, "")) for id, user in self.users.items()
        }
        users_mails = {id: alike(user.values.get(self.email or "", "")) for id, user in self.users.items()}
        self._find_duplicates(inside, identifiers, mails, users_identifiers, users_mails)
        # Reading: the domain's own people come before those outside its scope.
        for group in (inside, outside):
            self._stage(group, identifiers, users_identifiers)
            self._stage(group, mails, users_mails)
        self.mail_owner = {users_mails[user] for user in self.user_of.values()} - {""}

    def _link(self, user: str) -> str:
        """The stored link; a pair accepted as the same person counts as one."""
        accepted = {id: key for key, id in self.memory.same.items()}
        link = self.users[user].link
        return accepted.get(user) or ("" if link in self.memory.same else link)

    def _comparable(self, identifier: str) -> str:
        return alike(identifier) if self.identifier == self.email else identifier

    def _stage(self, keys: list[str], theirs: dict[str, str], ours: dict[str, str]) -> None:
        taken = set(self.user_of.values()) | self.disputed_users
        free = [user for user in self.users if user not in taken]
        held = self.disputed | self.duplicates | set(self.user_of)
        waiting = [key for key in keys if key not in held]
        for key in waiting:
            candidates = [user for user in free if ours[user] and ours[user] == theirs[key]]
            rivals = [other for other in waiting if theirs[other] == theirs[key]]
            if len(candidates) == len(rivals) == 1:
                self.user_of[key] = candidates[0]
            elif candidates:
                self.disputed.add(key)
                self.disputed_users.update(candidates)

    def _find_duplicates(
        self,
        inside: list[str],
        identifiers: dict[str, str],
        mails: dict[str, str],
        users_identifiers: dict[str, str],
        users_mails: dict[str, str],
    ) -> None:
        """Reading: employees of the domain, whatever their status; users that would answer to them stay as they are."""
        for key in inside:
            if identifiers[key] and any(o != key and identifiers[o] == identifiers[key] for o in inside):
                self.duplicates.add(key)
        shared = {identifiers[key] for key in self.duplicates}
        addresses = {mails[key] for key in self.duplicates} - {""}
        for user in set(self.users) - set(self.user_of.values()):
            if users_identifiers[user] in shared or users_mails[user] in addresses:
                self.disputed_users.add(user)

    # --- one employee ---

    def _somebody(self, key: str) -> None:
        user = self.users.get(self.user_of.get(key, ""))
        if user is None:
            if self.in_scope[key] and self.wish[key] != "archived":
                self._newcomer(key)
        elif self.in_scope[key]:
            self._known(key, user)
        elif user.live and self._absence_may_touch(user):
            # Somebody who leaves the scope is a leaver of this domain.
            self._archive(user, key)

    def _newcomer(self, key: str) -> None:
        code = "disputed" if key in self.disputed or self._mail(key) in self.mail_owner else ""
        code = code or ("duplicate-id" if key in self.duplicates else "")
        code = code or {"wait": "future-starter", "leave as is": "on-leave"}.get(self.wish[key], "")
        code = code or ("unreadable" if self.unreadable[key] else "") or self._lacking(key, None, self.new[key])
        values = {name: value for name, value in self.new[key].items() if value}
        if code:
            self.held[key] = code
            self.held_adds[key] = values
        else:
            self.adds[key] = values

    def _known(self, key: str, user: User) -> None:
        leaves = self.wish[key] == "archived" or (self.wish[key] == "leave as is" and not user.live)
        changed = {} if leaves else self._changed(key, user)
        returns = not user.live and not leaves
        code = "" if leaves else self._hold(key, user, changed, returns)
        if code:
            # People count as held only if something would otherwise happen to them; a link waits with the rest.
            self.held[key] = code
            return
        if user.link != key:
            self.links[user.id] = key
        if changed:
            self.updates[user.id] = changed
        if returns:
            self.reactivated.add(user.id)
        if user.live and self.wish[key] == "archived":
            if key in self.duplicates:
                self.held[key] = "duplicate-id"
            else:
                self._archive(user, key)

    def _changed(self, key: str, user: User) -> dict[str, str]:
        changed = {}
        for each in self.fed:
            name, policy = each["name"], each.get("blank", "keep")
            new, old = self.new[key][name], user.values.get(name, "")
            if each.get("apply") != "on add" and new != old and (new or policy != "keep"):
                changed[name] = new
        return changed

    def _hold(self, key: str, user: User, changed: dict[str, str], returns: bool) -> str:
        always = {each["name"] for each in self.fed if each.get("apply") != "on add"}
        unreadable = self.unreadable[key] & always
        if not (changed or returns or unreadable):
            return ""
        if key in self.duplicates:
            return "duplicate-id"
        if self.wish[key] == "wait":
            # Reading: a future starter's existing user waits too, live or archived.
            return "future-starter"
        return "unreadable" if unreadable else self._lacking(key, user, {**user.values, **changed})

    def _lacking(self, key: str, user: User | None, result: dict[str, str]) -> str:
        """Something that may not be blank is, or the identifier belongs to somebody else."""
        for each in self.rules["attributes"]:
            name, fed = each["name"], bool(each.get("data_feed_name"))
            needed = each.get("required") or name == self.identifier
            if needed and not result.get(name) and (fed or user is None):
                return "required-blank"
            applies = user is None or each.get("apply") != "on add"
            if fed and each.get("blank") == "hold" and applies and not self.new[key][name]:
                return "required-blank"
        return self._taken(user, result[self.identifier]) or self._mail_taken(user, result)

    def _mail_taken(self, user: User | None, result: dict[str, str]) -> str:
        """Reading: an e-mail is taken as an identifier is, but by live users only."""
        wanted = alike(result.get(self.email or "", ""))
        if not wanted or (user and alike(user.values.get(self.email or "", "")) == wanted):
            return ""
        others = [each for each in self.users.values() if each is not user and each.live]
        mine = [each for each in others if alike(each.values.get(self.email or "", "")) == wanted]
        return "identifier-taken" if mine else ""

    def _taken(self, user: User | None, wanted: str) -> str:
        if user and user.values.get(self.identifier, "") == wanted:
            return ""
        others = [each for each in self.users.values() if each is not user]
        mine = self._comparable(wanted)
        return (
            "identifier-taken"
            if any(self._comparable(o.values.get(self.identifier, "")) == mine for o in others)
            else ""
        )

    # --- absence, archiving, protection ---

    def _absence_may_touch(self, user: User) -> bool:
        return self.rules.get("absence_archives", "all") == "all" or bool(user.link)

    def _absent_users(self) -> list[User]:
        found = set(self.user_of.values())
        return [
            user for user in self.users.values() if user.live and user.id not in found and self._absence_may_touch(user)
        ]

    def _absences(self) -> dict[str, tuple[int, datetime]]:
        """Reading: somebody in HiBob answers to a disputed user, so that user is not absent."""
        if not self.people:
            return self.memory.absences
        counted = {}
        for user in self._absent_users():
            if user.id not in self.disputed_users:
                reads, at = self.memory.absences.get(user.id, (0, None))
                again = at is None or self.now - at >= timedelta(hours=12)
                counted[user.id] = (reads + 1, self.now) if again else (reads, at)
        return counted

    def _missing(self, user: User, absences: dict[str, tuple[int, datetime]]) -> None:
        if user.id in self.disputed_users:
            self.held[f"user:{user.id}"] = "disputed"
        elif absences[user.id][0] >= self.rules.get("absent_reads", 1):
            self._archive(user, f"user:{user.id}")

    def _archive(self, user: User, key: str) -> None:
        if self._protected(user, key):
            self.held[key] = "protected"
        else:
            self.archived[user.id] = key

    def _protected(self, user: User, key: str) -> bool:
        """Reading: a person is named by HiBob's id, the user's id or link, either side's e-mail, or the identifier."""
        theirs = {key, user.id, f"user:{user.id}", user.link, user.values.get(self.identifier, "")}
        theirs |= {user.values.get(self.email or "", ""), self._mail(key) if key in self.people else ""}
        names = {alike(name) for name in theirs} - {""}
        for rule in [*self.rules.get("protected", []), *self.memory.protected]:
            if isinstance(rule, str):
                if alike(rule) in names:
                    return True
            elif alike(user.values.get(rule["attribute"], "")) in {alike(value) for value in rule["is"]}:
                return True
        return False

    # --- same person ---

    def _same_person(self) -> None:
        first, last = self._attribute_of("root.firstName"), self._attribute_of("root.surname")
        evidence = [
            each["name"]
            for each in self.fed
            if each["data_feed_name"].removeprefix(HUMAN) in SAYS_WHO or each.get("type") == "user"
        ]
        for user in self.archived:
            for key, values in (self.adds | self.held_adds).items():
                old = self.users[user].values
                one, other = ([alike(side.get(name or "", "")) for name in (first, last)] for side in (old, values))
                agrees = any(old.get(name) and old[name] == values.get(name) for name in evidence)
                if any(one) and one == other and agrees and (key, user) not in self.memory.not_same:
                    self.pairs.add((key, user))
        for key, user in self.pairs:
            if self.archived.get(user):
                self.held[self.archived.pop(user)] = "same-person"
            if key in self.adds:
                del self.adds[key]
                self.held[key] = "same-person"

    def _leave_references(self) -> None:
        """A manager who shares their identifier, or has no user of their own after the run, is left as they are."""
        after, own = self._after(), list(self.own.values())
        users = {key: after[user] for key, user in self.user_of.items()}
        there = {
            mine for key, mine in self.own.items() if key in users and users[key].values.get(self.identifier) == mine
        }
        there |= {self.own[key] for key in self.adds}
        fine = {mine for mine in there if own.count(mine) == 1}
        for name in [each["name"] for each in self.fed if each.get("type") == "user"]:
            for values in (*self.adds.values(), *self.updates.values()):
                if values.get(name) and values[name] not in fine:
                    del values[name]
        self.updates = {user: changed for user, changed in self.updates.items() if changed}

    # --- what blocks ---

    def _baseline(self) -> tuple[set[str], dict[str, int]]:
        """Who is live, before scope (leave counts), and how many of them have a value per column."""
        live = {key for key in self.people if self.wish[key] in ("live", "leave as is")}
        columns = {
            column.removeprefix(HUMAN) if each.get("type") in ("date", "user") else column
            for each in self.fed
            for column in (each["data_feed_name"], each.get("fallback"))
            if column
        }
        return live, {column: sum(bool(self._text(self.people[key], column)) for key in live) for column in columns}

    def _blocks(self) -> set[str]:
        if not self.people:
            return {"no-employees"}
        live = [user for user in self.users.values() if user.live]
        archive = self.limits["archive"]
        if len(live) < 20 and isinstance(archive, str) and archive != "off":
            archive = self.limits["small_domain"]
        count, week = len(self.archived), self.memory.archived_7_days
        blank: dict[str, int] = {}
        for changed in self.updates.values():
            for name in [name for name, value in changed.items() if not value]:
                blank[name] = blank.get(name, 0) + 1
        updated = set(self.updates) - self.reactivated
        checks = {
            "limit-archive": reached(archive, count, len(live)),
            "limit-archive-7-days": count > 0 and reached(self.limits["archive_7_days"], count + week, len(live)),
            "limit-update": reached(self.limits["update"], len(updated), len(live)),
            "limit-add": reached(self.limits["add"], len(self.adds), len(live)),
            "limit-reactivate": reached(self.limits["reactivate"], len(self.reactivated), len(live)),
            "limit-blank": any(reached(self.limits["blank"], each, len(live)) for each in blank.values()),
            "self-archive": self._archives_a_member(),
            "head-count": self._too_few(),
            "column-absent": any(column.removeprefix(HUMAN) in self.absent for column in self._named_columns()),
            "column-emptied": self._emptied(),
            "identifiers-swapped": self._swapped(),
        }
        return {code for code, blocks in checks.items() if blocks}

    def _named_columns(self) -> list[str]:
        named = [column for each in self.fed for column in (each["data_feed_name"], each.get("fallback")) if column]
        return named + [rule["column"] for rule in self.rules.get("scope", [])]

    def _archives_a_member(self) -> bool:
        """Reading: any mapped attribute that holds a member's address makes the user theirs, and so does HiBob's."""
        if self.email is None:
            return bool(self.archived)
        members = {alike(member) for member in self.members}
        names = [each["name"] for each in self.fed]
        for user, key in self.archived.items():
            addresses = {alike(self.users[user].values.get(name, "")) for name in names}
            addresses |= {self._mail(key)} if key in self.people else set()
            if addresses & members:
                return True
        return False

    def _too_few(self) -> bool:
        if not self.memory.baseline or self.limits["head_count"] == "off":
            return False
        before = self.memory.baseline[0]
        missing = sum(key not in self.people for key in before)
        share = Fraction(self.limits["head_count"].rstrip("% ")) / 100
        return missing >= 3 and len(before) - missing < share * len(before)

    def _emptied(self) -> bool:
        live, fill = self._baseline()
        if not self.memory.baseline or not self.memory.baseline[0] or not live:
            return False
        before, was = self.memory.baseline
        for column, filled in fill.items():
            if column in was and column.removeprefix(HUMAN) not in self.absent:
                lost = Fraction(was[column], len(before)) * len(live) - filled
                if reached(self.limits["column_emptied"], lost, len(live)):
                    return True
        return False

    def _swapped(self) -> bool:
        """Of the linked people of the domain: another identifier than their user has. Blank is no other one."""
        linked = [key for key, user in self.user_of.items() if self.users[user].link == key and self.in_scope[key]]
        changed = 0
        for key in linked:
            old, new = self.users[self.user_of[key]].values.get(self.identifier, ""), self.own[key]
            changed += bool(old and new and self._comparable(old) != self._comparable(new))
        return reached(self.limits["identifiers"], changed, len(linked))

    # --- the directory afterwards ---

    def _after(self) -> dict[str, User]:
        after = deepcopy(self.users)
        for user, key in self.links.items():
            after[user].link = key
        for user, changed in self.updates.items():
            after[user].values |= changed
        for user in self.reactivated:
            after[user].live = True
        for user in self.archived:
            after[user].live = False
        for key, values in self.adds.items():
            made = new_id(key, after)
            after[made] = User(made, key, True, dict(values))
        return after


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _no_value() -> str:
    raise ValueError
