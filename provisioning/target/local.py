"""The embedded user directory: users in the same SQLite file, so that writes and their outcomes are one transaction."""

from collections.abc import Sequence

import msgspec

from provisioning.database import Database, Row
from provisioning.model import Change, Status, Users
from provisioning.target import Journal
from provisioning.target.local_chunk import Chunk
from provisioning.target.local_reading import read_users
from provisioning.target.local_rows import user_id

_decode = msgspec.json.Decoder(dict[str, str]).decode


class LocalDirectory:
    """The users of one domain. `unique_identifier`: the attribute that no two users may share."""

    def __init__(self, db: Database, domain_id: int, unique_identifier: str) -> None:
        self._db = db
        self._domain_id = domain_id
        self._identifier = unique_identifier

    @property
    def rate(self) -> tuple[int, float | None]:
        """As for a portal: no requests, and no limit."""
        return 0, None

    def users(self, attributes: Sequence[str], kept: Users | None = None) -> Users:
        """`kept`: the last such read."""
        return read_users(self._db, self._domain_id, attributes, kept)

    def live(self) -> int:
        return self.by_status()[Status.LIVE.value]

    def by_status(self) -> dict[str, int]:
        """How many users have each status."""
        rows = self._db.all(
            "SELECT status, count(*) AS n FROM users WHERE domain_id = ? GROUP BY status", self._domain_id
        )
        return {status.value: 0 for status in Status} | {row["status"]: row["n"] for row in rows}

    def everybody(self) -> list[tuple[str, str, str, dict[str, str]]]:
        """(id, external id, status, all attributes that are not blank), ordered by id."""
        return [
            (user_id(row["id"]), row["external_id"] or "", row["status"], _decode(row["attributes"]))
            for row in self._rows()
        ]

    def find(
        self, text: str, most: int, skip: int, status: str = ""
    ) -> tuple[list[tuple[str, str, str, dict[str, str]]], int]:
        """One page of the users who hold every word of this text, in whatever value, or as their id, link or status, of one
        status if it is named, and how many there are."""
        words = "WITH words AS MATERIALIZED (SELECT value AS word, lower(value) AS sought FROM json_each(?2)) "
        where = (
            "FROM users WHERE domain_id = ?1 AND ?3 IN ('', status) AND NOT EXISTS (SELECT 1 FROM words WHERE NOT ("
            "word IN (coalesce(external_id, ''), printf('U%08d', id), status) "
            "OR EXISTS (SELECT 1 FROM json_each(attributes) j WHERE instr(lower(j.value), sought) > 0)))"
        )
        asked = self._domain_id, msgspec.json.encode(text.split()).decode(), status
        count = self._db.one(f"{words}SELECT count(*) AS n {where}", *asked)
        rows = self._db.all(f"{words}SELECT * {where} ORDER BY id LIMIT ?4 OFFSET ?5", *asked, most, skip)
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
        with self._db.transaction():
            journal(Chunk(self._db, self._domain_id, self._identifier, changes).write())

    def finish(self, journal: Journal) -> None:
        """Nobody had to wait: references are text here."""

    def _rows(self) -> list[Row]:
        return self._db.all("SELECT * FROM users WHERE domain_id = ? ORDER BY id", self._domain_id)
