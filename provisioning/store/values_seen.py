"""Which values of a listed column were read, and whether somebody has looked at each: so that a new one can be told."""

from collections.abc import Iterable
from datetime import datetime

from provisioning.database import Database
from provisioning.store.codec import to_text


def note(db: Database, domain_id: int, watched: str, values: Iterable[str], at: datetime) -> None:
    """`watched`: the column or columns that the values come from. Those that are known stay as they are; those that a column
    holds when it is read first are not new."""
    first = db.one("SELECT 1 FROM values_seen WHERE domain_id = ? AND watched = ?", domain_id, watched) is None
    db.many(
        "INSERT OR IGNORE INTO values_seen (domain_id, watched, value, first_at, looked_at) VALUES (?, ?, ?, ?, ?)",
        [(domain_id, watched, value, to_text(at), first) for value in values],
    )


def new(db: Database, domain_id: int, watched: str) -> frozenset[str]:
    """What turned up later than the column was read first, and nobody has looked at."""
    rows = db.all(
        "SELECT value FROM values_seen WHERE domain_id = ? AND watched = ? AND NOT looked_at", domain_id, watched
    )
    return frozenset(row["value"] for row in rows)


def look_at(db: Database, domain_id: int, watched: str, values: Iterable[str]) -> None:
    """Somebody has looked at these."""
    db.many(
        "UPDATE values_seen SET looked_at = 1 WHERE domain_id = ? AND watched = ? AND value = ?",
        [(domain_id, watched, value) for value in values],
    )
