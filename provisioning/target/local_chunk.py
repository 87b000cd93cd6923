"""One chunk of changes in the local directory: the users that it bears on are read at once, compared one after the other,
and written at once. It decides nothing, and must be used within one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import msgspec

from provisioning.database import Database
from provisioning.model import RESERVED_NAMES, Action, Change, Outcome, Result
from provisioning.target.local_rows import row_id_of, user_id, values_of

_decode = msgspec.json.Decoder(list[dict[str, str]]).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class Owners:
    """Who has which unique identifier in one domain. Everybody is read once, when it is first asked."""

    def __init__(self, db: Database, domain_id: int, identifier: str) -> None:
        self._db, self._domain_id, self.identifier = db, domain_id, identifier
        self._holders: dict[str, tuple[int, ...]] | None = None

    def another(self, identifier: str | None, but: int | None) -> str:
        """Another user with this unique identifier; "" where there is none."""
        if not identifier:
            return ""
        others = [each for each in self._all().get(identifier, ()) if each != but]
        return user_id(min(others)) if others else ""

    def own(self, row_id: int, identifier: str | None) -> None:
        if identifier and self._holders is not None:
            self._holders[identifier] = (*self._holders.get(identifier, ()), row_id)

    def disown(self, row_id: int, identifier: str | None) -> None:
        if identifier and self._holders is not None:
            self._holders[identifier] = tuple(e for e in self._holders.get(identifier, ()) if e != row_id)

    def _all(self) -> dict[str, tuple[int, ...]]:
        if self._holders is None:
            self._holders, values = {}, values_of([self.identifier])
            for rows in self._db.parts("SELECT id, attributes FROM users WHERE domain_id = ?", self._domain_id):
                ids, texts = zip(*rows, strict=True)
                self._learn(self._holders, ids, values(f"[{','.join(texts)}]")[0])
        return self._holders

    def _learn(self, holders: dict[str, tuple[int, ...]], ids: Sequence[int], identifiers: tuple[str, ...]) -> None:
        new = dict(zip(identifiers, zip(ids, strict=True), strict=True))
        new.pop("", None)
        if len(new) == len(ids) - identifiers.count("") and holders.keys().isdisjoint(new):
            holders.update(new)  # As nearly always: nobody shares theirs.
            return
        for row_id, identifier in zip(ids, identifiers, strict=True):
            self.own(row_id, identifier)


@dataclass(frozen=True, slots=True)
class _User:
    """A row of `users`, and its attributes."""

    id: int
    domain_id: int
    link: str | None
    status: str
    text: str
    values: Mapping[str, str]


class Chunk:
    """`owners`: of the domain itself; those of another domain, whither somebody moves, are read anew."""

    def __init__(self, db: Database, domain_id: int, owners: Owners, changes: Sequence[Change]) -> None:
        self._db, self._domain_id, self._changes = db, domain_id, changes
        self._owners = {domain_id: owners}
        self._places: dict[str | None, int | None] = {None: domain_id}
        self._users: dict[int, _User] = {}
        self._links: dict[tuple[int, str | None], int] = {}
        self._added: list[_User] = []
        self._changed: list[_User] = []
        self._next = 1

    def write(self) -> list[Outcome]:
        """Compare and set, in the order of the changes; users are written when all are compared."""
        self._read()
        outcomes = [self._ensure(change) for change in self._changes]
        # First those that are there: they may give up a link that somebody who is added takes.
        self._db.many(
            "UPDATE users SET domain_id = ?, external_id = ?, status = ?, attributes = ? WHERE id = ?",
            ((each.domain_id, each.link, each.status, each.text, each.id) for each in self._changed),
        )
        self._db.many(
            "INSERT INTO users (id, domain_id, external_id, status, attributes) VALUES (?, ?, ?, ?, ?)",
            ((each.id, each.domain_id, each.link, each.status, each.text) for each in self._added),
        )
        return outcomes

    # --- reading ------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """The users whom the changes are about, and those who have a link that somebody is to get."""
        self._keep("id", [row_id_of(each.user_id) for each in self._changes if each.user_id])
        homes = {self._place(change.after.get("domain")) for change in self._changes}
        links = [change.after["external_id"] for change in self._changes if "external_id" in change.after]
        links += [each.link for each in self._users.values()] if homes != {self._domain_id} else []
        for home in sorted(each for each in homes if each is not None):
            self._keep(f"domain_id = {home} AND external_id", links)
        last = self._db.one("SELECT seq FROM sqlite_sequence WHERE name = 'users'")
        self._next = last["seq"] + 1 if last else 1

    def _keep(self, column: str, wanted: Sequence[str | int | None]) -> None:
        rows = self._db.all(
            "SELECT id, domain_id, external_id, status, attributes FROM users "
            f"WHERE {column} IN (SELECT value FROM json_each(?))",
            _encode(wanted).decode(),
        )
        texts = ",".join(row["attributes"] for row in rows)
        for row, values in zip(rows, _decode(f"[{texts}]"), strict=True):
            self._take(_User(row[0], row[1], row[2], row[3], row[4], values))

    def _take(self, user: _User) -> None:
        """Remember a user as they are now."""
        before = self._users.get(user.id)
        if before:
            self._links.pop((before.domain_id, before.link), None)
        self._users[user.id] = user
        if user.link is not None:
            self._links[user.domain_id, user.link] = user.id

    def _place(self, name: str | None) -> int | None:
        """A domain of the same customer, by name; this one where none is named."""
        if name not in self._places:
            row = self._db.one(
                "SELECT other.id FROM domains d JOIN domains other ON other.customer_id = d.customer_id "
                "WHERE d.id = ? AND other.name = ?",
                self._domain_id, name,
            )  # fmt: skip
            self._places[name] = int(row["id"]) if row else None
        return self._places[name]

    def _owners_in(self, domain_id: int) -> Owners:
        if domain_id not in self._owners:
            self._owners[domain_id] = Owners(self._db, domain_id, self._owners[self._domain_id].identifier)
        return self._owners[domain_id]

    # --- comparing ----------------------------------------------------------------------------------------

    def _ensure(self, change: Change) -> Outcome:
        result, message = self._add(change) if change.action is Action.ADD else self._set(change)
        return Outcome(change.key, change.action, result, message)

    def _add(self, change: Change) -> tuple[Result, str]:
        owners = self._owners[self._domain_id]
        wanted, link, status = _attributes(change.after), change.after["external_id"], change.after["status"] or ""
        linked = self._links.get((self._domain_id, link))
        if linked is not None:
            user = self._users[linked]
            same = user.status == status and _holds(user.values, wanted)
            return (Result.DONE, "") if same else (Result.DRIFTED, f"{user_id(linked)} is already linked to them.")
        owner = owners.another(wanted.get(owners.identifier), None)
        if owner:
            return Result.FAILED, f"{owner} already has this {owners.identifier}. Make a new preview."
        user = _with(_User(self._next, self._domain_id, link, status, "", {}), wanted)
        self._next += 1
        self._added.append(user)
        self._take(user)
        owners.own(user.id, user.values.get(owners.identifier))
        return Result.DONE, ""

    def _set(self, change: Change) -> tuple[Result, str]:
        home = self._place(change.after.get("domain"))
        if home is None:
            return Result.FAILED, f"There is no domain “{change.after['domain']}” any more. Make a new preview."
        user = self._users.get(row_id_of(change.user_id or "U0"))
        if user is None or user.domain_id not in (self._domain_id, home, self._place(change.before.get("domain"))):
            return Result.DRIFTED, "The user is no longer there."
        status, link = change.after.get("status", user.status) or "", change.after.get("external_id", user.link)
        wanted = _attributes(change.after)
        if (home, status, link) == (user.domain_id, user.status, user.link) and _holds(user.values, wanted):
            return Result.DONE, ""
        if moved := _drift(change, user):
            return Result.DRIFTED, f"Changed in Skillcast since the preview: {moved}."
        return self._change(user, _with(replace(user, domain_id=home, link=link, status=status), wanted), wanted)

    def _change(self, before: _User, after: _User, wanted: Mapping[str, str | None]) -> tuple[Result, str]:
        """Unless somebody else has what they are to get."""
        here, there = self._owners[self._domain_id], self._owners_in(after.domain_id)
        name = here.identifier
        claims = name in wanted or there is not here
        owner = there.another(after.values.get(name), after.id) if claims else ""
        linked = self._links.get((after.domain_id, after.link), after.id)
        if owner or linked != after.id:
            return Result.FAILED, f"{owner or user_id(linked)} already has this {name} or link. Make a new preview."
        self._changed.append(after)
        self._take(after)
        if claims:
            here.disown(before.id, before.values.get(name))
            there.own(after.id, after.values.get(name))
        return Result.DONE, ""


def _attributes(after: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in after.items() if name not in RESERVED_NAMES}


def _with(user: _User, wanted: Mapping[str, str | None]) -> _User:
    """The user with these values too; as they are where none is named."""
    if not wanted and user.text:
        return user
    filled = {name: value for name, value in {**user.values, **wanted}.items() if value}
    return replace(user, text=_encode(filled).decode(), values=filled)


def _holds(now: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    return all(now.get(name, "") == (value or "") for name, value in wanted.items())


def _drift(change: Change, user: _User) -> str:
    """What is no longer as the plan saw it, by name; "" when everything is."""
    seen = change.seen
    if seen is None:
        return "the plan did not see this user"
    moved = ["status"] if user.status != seen.status else []
    moved += ["link"] if (user.link or "") != seen.external_id else []
    if list(map(user.values.get, seen.attributes, repeat(""))) == list(seen.attributes.values()):
        return ", ".join(moved)
    return ", ".join([*(n for n, value in seen.attributes.items() if user.values.get(n, "") != value), *moved])
