"""One chunk of changes in the local directory: the users that it bears on, and whoever has a unique identifier that
somebody is to get, are read at once, compared one after the other, and written at once. It decides nothing, and must be
used within one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, repeat
from operator import itemgetter

import msgspec

from provisioning.database import Database
from provisioning.model import RESERVED_NAMES, Action, Change, Outcome, Result
from provisioning.target.local_rows import holders, identify, row_id_of, user_id

_decode = msgspec.json.Decoder(list[dict[str, str]]).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


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
    """`identifier`: the attribute that no two users of a domain may share."""

    def __init__(self, db: Database, domain_id: int, identifier: str, changes: Sequence[Change]) -> None:
        self._db, self._domain_id, self._identifier, self._changes = db, domain_id, identifier, changes
        self._owners: dict[tuple[int, str], set[int]] = {}
        self._places: dict[str | None, int | None] = {None: domain_id}
        self._users: dict[int, _User] = {}
        self._links: dict[tuple[int, str | None], int] = {}
        self._added: list[_User] = []
        self._changed: list[tuple[bool, _User]] = []
        self._next = 1

    def write(self) -> list[Outcome]:
        """Compare and set, in the order of the changes; users are written when all are compared."""
        self._read()
        outcomes = [self._ensure(change) for change in self._changes]
        # First those that are there, in their order: they may give up a link that somebody after them takes. Who keeps
        # domain, link and identifier is spared the writing of their indexes.
        for stay, users in groupby(self._changed, key=itemgetter(0)):
            columns = "" if stay else ", domain_id = ?, external_id = ?, identifier = ?"
            self._db.many(
                f"UPDATE users SET status = ?, attributes = ?, mark = random(){columns} WHERE id = ?",
                ((u.status, u.text, *(() if stay else (u.domain_id, u.link, self._known(u))), u.id) for _, u in users),
            )
        self._db.many(
            "INSERT INTO users (id, domain_id, external_id, status, attributes, identifier, mark) VALUES (?, ?, ?, ?, ?, ?, random())",
            ((u.id, u.domain_id, u.link, u.status, u.text, self._known(u)) for u in self._added),
        )
        return outcomes

    # --- reading ------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """The users whom the changes are about, and those who have a link that somebody is to get."""
        self._keep("id", [row_id_of(each.user_id) for each in self._changes if each.user_id])
        homes = {self._place(change.after.get("domain")) for change in self._changes}
        links = [change.after["external_id"] for change in self._changes if "external_id" in change.after]
        name = self._identifier
        claimed = [text for each in self._changes if (text := each.after.get(name))]
        if homes != {self._domain_id}:  # Whoever moves brings theirs along.
            links += [each.link for each in self._users.values()]
            claimed += [text for each in self._users.values() if (text := each.values.get(name))]
        for home in sorted(each for each in homes if each is not None):
            self._keep(f"domain_id = {home} AND external_id", links)
            identify(self._db, home, name)
            for text, ids in holders(self._db, home, claimed).items():
                self._owners[home, text] = ids
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

    def _owner(self, domain_id: int, identifier: str | None, but: int | None) -> str:
        """Another user of a domain with this unique identifier; "" where there is none."""
        others = self._owners.get((domain_id, identifier), set()) - {but} if identifier else ()
        return user_id(min(others)) if others else ""

    def _own(self, user: _User) -> None:
        if identifier := self._known(user):
            self._owners.setdefault((user.domain_id, identifier), set()).add(user.id)

    def _disown(self, user: _User) -> None:
        self._owners.get((user.domain_id, self._known(user)), set()).discard(user.id)

    def _known(self, user: _User) -> str:
        """The unique identifier; "" where it is blank."""
        return user.values.get(self._identifier, "")

    # --- comparing ----------------------------------------------------------------------------------------

    def _ensure(self, change: Change) -> Outcome:
        result, message = self._add(change) if change.action is Action.ADD else self._set(change)
        return Outcome(change.key, change.action, result, message)

    def _add(self, change: Change) -> tuple[Result, str]:
        wanted, link, status = _attributes(change.after), change.after["external_id"], change.after["status"] or ""
        linked = self._links.get((self._domain_id, link))
        if linked is not None:
            user = self._users[linked]
            same = user.status == status and _holds(user.values, wanted)
            return (Result.DONE, "") if same else (Result.DRIFTED, f"{user_id(linked)} is already linked to them.")
        owner = self._owner(self._domain_id, wanted.get(self._identifier), None)
        if owner:
            return Result.FAILED, f"{owner} already has this {self._identifier}. Make a new preview."
        user = _with(_User(self._next, self._domain_id, link, status, "{}", {}), wanted)
        self._next += 1
        self._added.append(user)
        self._take(user)
        self._own(user)
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
        after = _with(_User(user.id, home, link, status, user.text, user.values), wanted)
        return self._change(user, after, wanted)

    def _change(self, before: _User, after: _User, wanted: Mapping[str, str | None]) -> tuple[Result, str]:
        """Unless somebody else has what they are to get."""
        name = self._identifier
        claims = name in wanted or after.domain_id != self._domain_id
        owner = self._owner(after.domain_id, after.values.get(name), after.id) if claims else ""
        linked = self._links.get((after.domain_id, after.link), after.id)
        if owner or linked != after.id:
            return Result.FAILED, f"{owner or user_id(linked)} already has this {name} or link. Make a new preview."
        stays = (before.domain_id, before.link, self._known(before)) == (
            after.domain_id,
            after.link,
            self._known(after),
        )
        self._changed.append((stays, after))
        self._take(after)
        if claims:
            self._disown(before)
            self._own(after)
        return Result.DONE, ""


def _attributes(after: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in after.items() if name not in RESERVED_NAMES}


def _with(user: _User, wanted: Mapping[str, str | None]) -> _User:
    """The user with these values too; as they are where none is named."""
    if not wanted:
        return user
    filled = {name: value for name, value in {**user.values, **wanted}.items() if value}
    return _User(user.id, user.domain_id, user.link, user.status, _encode(filled).decode(), filled)


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
