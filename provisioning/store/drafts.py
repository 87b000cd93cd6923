"""Unsaved work: one draft per domain, kind and person. It survives page changes and reloads, and decides nothing."""

from dataclasses import dataclass
from datetime import datetime

from provisioning.database import Database
from provisioning.store.codec import to_text


@dataclass(frozen=True, slots=True)
class Draft:
    """`based_on`: the version it was begun from. `content`: JSON, in the shape of its kind."""

    based_on: int
    content: str


def keep(db: Database, domain_id: int, kind: str, by: str, draft: Draft, at: datetime) -> None:
    db.execute(
        "INSERT OR REPLACE INTO drafts (domain_id, kind, by, based_on, content, saved_at) VALUES (?, ?, ?, ?, ?, ?)",
        domain_id, kind, by, draft.based_on, draft.content, to_text(at),
    )  # fmt: skip


def find(db: Database, domain_id: int, kind: str, by: str) -> Draft | None:
    row = db.one(
        "SELECT based_on, content FROM drafts WHERE domain_id = ? AND kind = ? AND by = ?", domain_id, kind, by
    )
    return Draft(row["based_on"], row["content"]) if row else None


def drop(db: Database, domain_id: int, kind: str, by: str) -> None:
    db.execute("DELETE FROM drafts WHERE domain_id = ? AND kind = ? AND by = ?", domain_id, kind, by)
