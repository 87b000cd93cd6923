"""Which values of a listed column were read, and when each was first: so that a new one can be told."""

from collections.abc import Iterable
from datetime import datetime

from provisioning.database import Database
from provisioning.store.codec import to_moment, to_text


def note(db: Database, domain_id: int, watched: str, values: Iterable[str], at: datetime) -> None:
    """`watched`: the column or columns that the values come from. Those that are known stay as they are."""
    rows = [(domain_id, watched, value, to_text(at)) for value in values]
    db.many("INSERT OR IGNORE INTO values_seen (domain_id, watched, value, first_at) VALUES (?, ?, ?, ?)", rows)


def first_seen(db: Database, domain_id: int, watched: str) -> dict[str, datetime]:
    rows = db.all("SELECT value, first_at FROM values_seen WHERE domain_id = ? AND watched = ?", domain_id, watched)
    return {row["value"]: to_moment(row["first_at"]) for row in rows}
