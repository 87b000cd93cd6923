"""The embedded user directory: users in the same SQLite file, so that writes and their outcomes are one transaction."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
from msgspec.structs import astuple

from provisioning.bulk import collector_off
from provisioning.database import Database, Row
from provisioning.model import RESERVED_NAMES, Action, Change, Outcome, Result, Status, Users
from provisioning.target import Journal

_decode = msgspec.json.Decoder(dict[str, str]).decode


def user_id(row_id: int) -> str:
    """Ids have one width, so that the order of the text is the order of creation."""
    return f"U{row_id:08d}"


def _row_id(user: str) -> int:
    return int(user.removeprefix("U"))


class LocalDirectory:
    """The users of one domain. `unique_identifier`: the attribute that no two users may share."""

    def __init__(self, db: Database, domain_id: int, unique_identifier: str) -> None:
        self._db = db
        self._domain_id = domain_id
        self._identifier = unique_identifier
        self._owners: dict[str, set[int]] | None = None

    @property
    def rate(self) -> tuple[int, float | None]:
        """As for a portal: no requests, and no limit."""
        return 0, None

    def users(self, attributes: Sequence[str]) -> Users:
        columns = _columns(attributes)
        with collector_off():
            parts = [columns(rows) for rows in self._db.parts(_COLUMNS_OF_USERS, self._domain_id)] or [columns([])]
        ids, links, statuses, *values = map(pa.concat_arrays, zip(*parts, strict=True))
        return Users(ids, links, statuses, dict(zip(attributes, values, strict=True)))

    def live(self) -> int:
        row = self._db.one(
            "SELECT count(*) AS n FROM users WHERE domain_id = ? AND status = ?", self._domain_id, Status.LIVE.value
        )
        return int(row["n"]) if row else 0

    def everybody(self) -> list[tuple[str, str, str, dict[str, str]]]:
        """(id, external id, status, all attributes that are not blank), ordered by id."""
        return [
            (user_id(row["id"]), row["external_id"] or "", row["status"], _decode(row["attributes"]))
            for row in self._rows()
        ]

    def find(self, text: str, most: int, skip: int) -> tuple[list[tuple[str, str, str, dict[str, str]]], int]:
        """One page of the users whose id, link or a value holds this text, and how many there are."""
        where = (
            "FROM users WHERE domain_id = ?1 AND (?2 = '' OR external_id = ?2 OR printf('U%08d', id) = ?2 OR status = ?2 "
            "OR EXISTS (SELECT 1 FROM json_each(attributes) j WHERE instr(lower(j.value), lower(?2)) > 0))"
        )
        count = self._db.one(f"SELECT count(*) AS n {where}", self._domain_id, text)
        rows = self._db.all(f"SELECT * {where} ORDER BY id LIMIT ?3 OFFSET ?4", self._domain_id, text, most, skip)
        found = [
            (user_id(row["id"]), row["external_id"] or "", row["status"], _decode(row["attributes"])) for row in rows
        ]
        return found, int(count["n"]) if count else 0

    def linked_or_named(self, key: str) -> tuple[str, str, str, dict[str, str]] | None:
        """The user linked to this HiBob id, or with this user id; as `find` returns them."""
        row = self._db.one(
            "SELECT * FROM users WHERE domain_id = ?1 AND (external_id = ?2 OR printf('U%08d', id) = ?2) "
            "ORDER BY external_id = ?2 DESC LIMIT 1",
            self._domain_id, key,
        )  # fmt: skip
        return (
            (user_id(row["id"]), row["external_id"] or "", row["status"], _decode(row["attributes"])) if row else None
        )

    def ensure(self, changes: Sequence[Change], journal: Journal) -> None:
        try:
            with self._db.transaction():
                journal([self._ensure(change) for change in changes])
        except BaseException:
            self._owners = None  # What it learned was rolled back.
            raise

    def finish(self, journal: Journal) -> None:
        """Nobody had to wait: references are text here."""

    def _rows(self) -> list[Row]:
        return self._db.all("SELECT * FROM users WHERE domain_id = ? ORDER BY id", self._domain_id)

    def _ensure(self, change: Change) -> Outcome:
        result, message = self._add(change) if change.action is Action.ADD else self._set(change)
        return Outcome(change.key, change.action, result, message)

    def _add(self, change: Change) -> tuple[Result, str]:
        wanted = _attributes(change.after)
        row = self._db.one(
            "SELECT * FROM users WHERE domain_id = ? AND external_id = ?", self._domain_id, change.after["external_id"]
        )
        if row is not None:
            same = row["status"] == change.after["status"] and _holds(_decode(row["attributes"]), wanted)
            return (Result.DONE, "") if same else (Result.DRIFTED, f"{user_id(row['id'])} is already linked to them.")
        owner = self._owner(wanted.get(self._identifier) or "", None)
        if owner:
            return Result.FAILED, f"{owner} already has this {self._identifier}. Make a new preview."
        row_id = self._db.insert(
            "users",
            domain_id=self._domain_id,
            external_id=change.after["external_id"],
            status=change.after["status"],
            attributes=_encode(wanted),
        )
        self._own(row_id, wanted.get(self._identifier))
        return Result.DONE, ""

    def _set(self, change: Change) -> tuple[Result, str]:
        home = self._place(change.after.get("domain"))
        if home is None:
            return Result.FAILED, f"There is no domain “{change.after['domain']}” any more. Make a new preview."
        row = self._db.one(
            "SELECT * FROM users WHERE id = ? AND domain_id IN (?, ?, ?)",
            _row_id(change.user_id or "U0"), self._domain_id, home, self._place(change.before.get("domain")),
        )  # fmt: skip
        if row is None:
            return Result.DRIFTED, "The user is no longer there."
        now = _decode(row["attributes"])
        status, link = change.after.get("status", row["status"]), change.after.get("external_id", row["external_id"])
        wanted = _attributes(change.after)
        as_wanted = home == row["domain_id"] and status == row["status"] and link == row["external_id"]
        if as_wanted and _holds(now, wanted):
            return Result.DONE, ""
        moved = _drift(change, row, now)
        if moved:
            return Result.DRIFTED, f"Changed in Skillcast since the preview: {moved}."
        there = self if home == self._domain_id else LocalDirectory(self._db, home, self._identifier)
        claimed = wanted if there is self else {**now, **wanted}
        owner = there._owner(claimed.get(self._identifier) or "", row["id"]) or there._linked(link, row["id"])
        if owner:
            return Result.FAILED, f"{owner} already has this {self._identifier} or link. Make a new preview."
        self._db.execute(
            "UPDATE users SET domain_id = ?, external_id = ?, status = ?, attributes = ? WHERE id = ?",
            home, link, status, _encode({**now, **wanted}), row["id"],
        )  # fmt: skip
        if self._identifier in claimed:
            self._disown(row["id"], now.get(self._identifier))
            there._own(row["id"], claimed[self._identifier])
        return Result.DONE, ""

    def _place(self, name: str | None) -> int | None:
        """A domain of the same customer, by name; this one where none is named."""
        if name is None:
            return self._domain_id
        row = self._db.one(
            "SELECT other.id FROM domains d JOIN domains other ON other.customer_id = d.customer_id "
            "WHERE d.id = ? AND other.name = ?",
            self._domain_id, name,
        )  # fmt: skip
        return int(row["id"]) if row else None

    def _owner(self, identifier: str, but: int | None) -> str:
        """Another user with this unique identifier."""
        others = self._all_owners().get(identifier, set()) - {but} if identifier else set()
        return user_id(min(others)) if others else ""

    def _all_owners(self) -> dict[str, set[int]]:
        """Who has which unique identifier: read once, as only the holder of the domain's lease writes here."""
        if self._owners is None:
            self._owners = {}
            users = self.users([self._identifier])
            identifiers = users.attributes[self._identifier].to_pylist()
            for user, identifier in zip(users.ids.to_pylist(), identifiers, strict=True):
                self._own(_row_id(user), identifier)
        return self._owners

    def _own(self, row_id: int, identifier: str | None) -> None:
        if identifier and self._owners is not None:
            self._owners.setdefault(identifier, set()).add(row_id)

    def _disown(self, row_id: int, identifier: str | None) -> None:
        if identifier and self._owners is not None:
            self._owners.get(identifier, set()).discard(row_id)

    def _linked(self, link: str | None, but: int) -> str:
        row = self._db.one(
            "SELECT id FROM users WHERE domain_id = ? AND external_id = ? AND id <> ?", self._domain_id, link, but
        )
        return user_id(row["id"]) if row else ""


_COLUMNS_OF_USERS = "SELECT id, external_id, status, attributes FROM users WHERE domain_id = ? ORDER BY id"


def _columns(attributes: Sequence[str]) -> Callable[[Sequence[tuple[Any, ...]]], list[pa.Array]]:
    """What turns some rows of users into columns: id, link, status and these attributes; blank is ""."""
    values_of = _values(attributes)

    def columns(rows: Sequence[tuple[Any, ...]]) -> list[pa.Array]:
        ids, links, statuses, texts = zip(*rows, strict=True) if rows else ((), (), (), ())
        values = values_of(f"[{','.join(texts)}]") if rows else [()] * len(attributes)
        lists = [list(map(user_id, ids)), [link or "" for link in links], statuses, *values]
        return [pa.array(each, pa.string()) for each in lists]

    return columns


def _values(attributes: Sequence[str]) -> Callable[[str], list[tuple[str, ...]]]:
    """The values of these attributes in a JSON list of objects, attribute by attribute."""
    if any(re.search(r'["\\\x00-\x1f]', name) for name in attributes):
        # msgspec can name no field of a struct so.
        plain = msgspec.json.Decoder(list[dict[str, str]]).decode
        return lambda text: list(zip(*([e.get(n, "") for n in attributes] for e in plain(text)), strict=True))
    names = {f"a{place}": name for place, name in enumerate(attributes)}
    kind = msgspec.defstruct("User", [(each, str, "") for each in names], rename=names, gc=False)
    decode = msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]
    return lambda text: list(zip(*map(astuple, decode(text)), strict=True))


def _attributes(after: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in after.items() if name not in RESERVED_NAMES}


def _holds(now: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    return all(now.get(name, "") == (value or "") for name, value in wanted.items())


def _drift(change: Change, row: Row, now: Mapping[str, str]) -> str:
    """What is no longer as the plan saw it, by name; "" when everything is."""
    seen = change.seen
    if seen is None:
        return "the plan did not see this user"
    moved = [name for name, value in seen.attributes.items() if now.get(name, "") != value]
    moved += ["status"] if row["status"] != seen.status else []
    moved += ["link"] if (row["external_id"] or "") != seen.external_id else []
    return ", ".join(moved)


def _encode(values: Mapping[str, str | None]) -> str:
    filled = {name: value for name, value in values.items() if value}
    return msgspec.json.encode(filled, order="deterministic").decode()
