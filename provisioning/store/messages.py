"""What people were told, and whether each of a domain's targets took it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioning.database import Database, Row
from provisioning.store.codec import to_moment, to_text


@dataclass(frozen=True, slots=True)
class Message:
    """Plain words for people who must act. Holds counts and never a person's data. `link`: where to act."""

    id: int
    domain_id: int
    at: datetime
    about: str
    title: str
    body: str
    link: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one target (its place among the domain's). `problem` is empty when it was taken."""

    message: Message
    place: int
    tries: int
    problem: str = ""
    tried_at: datetime | None = None


def post(
    db: Database, domain_id: int, at: datetime, about: str, title: str, body: str, link: str, places: Sequence[int]
) -> int:
    """Store a message in the caller's transaction, to be delivered to the targets at these places; returns its id."""
    message_id = db.insert(
        "messages", domain_id=domain_id, at=to_text(at), about=about, title=title, body=body, link=link
    )
    for place in places:
        db.insert("deliveries", message_id=message_id, place=place, next_at=to_text(at))
    return message_id


def post_to(db: Database, message_id: int, place: int) -> None:
    """A message for one target only, which is being told now."""
    db.insert("deliveries", message_id=message_id, place=place)


_DELIVERIES = (
    "SELECT m.*, d.place, d.tries, d.problem, d.tried_at FROM deliveries d JOIN messages m ON m.id = d.message_id"
)


def claim(db: Database, at: datetime, until: datetime, most: int = 50) -> list[Delivery]:
    """What is to be delivered now, oldest first. It is the caller's until `until`; then, if it was not settled, it is
    due again."""
    if db.one("SELECT 1 FROM deliveries WHERE next_at <= ?", to_text(at)) is None:
        return []  # Asked every second: that takes no lock.
    with db.transaction():
        rows = db.all(f"{_DELIVERIES} WHERE d.next_at <= ? ORDER BY m.id, d.place LIMIT ?", to_text(at), most)
        db.many(
            "UPDATE deliveries SET next_at = ? WHERE message_id = ? AND place = ?",
            [(to_text(until), row["id"], row["place"]) for row in rows],
        )
    return [_delivery(row) for row in rows]


def settle(db: Database, message_id: int, place: int, at: datetime, problem: str, again_at: datetime | None) -> None:
    """Record how a try ended; `again_at`: when to try next, None for never."""
    db.execute(
        "UPDATE deliveries SET tries = tries + 1, tried_at = ?, problem = ?, next_at = ? WHERE message_id = ? AND place = ?",
        to_text(at), problem, to_text(again_at) if again_at else None, message_id, place,
    )  # fmt: skip


def last_tries(db: Database, domain_id: int) -> dict[int, Delivery]:
    """How the last try at each target ended, by its place."""
    rows = db.all(
        f"{_DELIVERIES} WHERE m.domain_id = ? AND d.tried_at IS NOT NULL ORDER BY d.tried_at, m.id", domain_id
    )
    return {row["place"]: _delivery(row) for row in rows}


def newest_place(db: Database, domain_id: int) -> int:
    """The highest place that a message of the domain ever went to, or -1."""
    row = db.one(
        "SELECT max(d.place) AS place FROM deliveries d JOIN messages m ON m.id = d.message_id WHERE m.domain_id = ?",
        domain_id,
    )
    return row["place"] if row and row["place"] is not None else -1


def give_up(db: Database, domain_id: int, place: int) -> None:
    """Whatever waits for a target that is no longer there."""
    db.execute(
        "UPDATE deliveries SET next_at = NULL, problem = '' WHERE place = ? "
        "AND message_id IN (SELECT id FROM messages WHERE domain_id = ?)",
        place, domain_id,
    )  # fmt: skip


def problems(db: Database, domain_id: int) -> dict[int, str]:
    """What went wrong with messages that a target did not take, by message."""
    rows = db.all(
        "SELECT m.id, d.problem FROM deliveries d JOIN messages m ON m.id = d.message_id "
        "WHERE m.domain_id = ? AND d.problem <> '' ORDER BY m.id, d.place",
        domain_id,
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row["problem"])
    return {each: "; ".join(dict.fromkeys(said)) for each, said in found.items()}


def recent(db: Database, domain_id: int, most: int) -> list[Message]:
    """The last messages, newest first."""
    rows = db.all("SELECT * FROM messages WHERE domain_id = ? ORDER BY id DESC LIMIT ?", domain_id, most)
    return [_message(row) for row in rows]


def _message(row: Row) -> Message:
    return Message(
        row["id"], row["domain_id"], to_moment(row["at"]), row["about"], row["title"], row["body"], row["link"]
    )


def _delivery(row: Row) -> Delivery:
    tried = to_moment(row["tried_at"]) if row["tried_at"] else None
    return Delivery(_message(row), row["place"], row["tries"], row["problem"], tried)
