"""Runs over time, in numbers alone: one row a run, whatever it did."""

from dataclasses import dataclass
from datetime import datetime

from provisioning.database import Database, Row
from provisioning.store.codec import to_moment, to_text


@dataclass(frozen=True, slots=True)
class RunNumbers:
    """One run that ended. `live`: the domain's live users then, None for runs of versions that did not keep it."""

    run: str
    domain_id: int
    started_at: datetime
    ended_at: datetime
    live: int | None
    added: int
    reactivated: int
    archived: int


_ENDED = "SELECT id, domain_id, started_at, ended_at, live, added, reactivated, archived FROM runs WHERE ended_at IS NOT NULL"


def of_domain(db: Database, domain_id: int, most: int) -> list[RunNumbers]:
    """The last runs of a domain, oldest first."""
    rows = db.all(f"{_ENDED} AND domain_id = ? ORDER BY ended_at DESC LIMIT ?", domain_id, most)
    return [_numbers(row) for row in reversed(rows)]


def of_all(db: Database, since: datetime) -> list[RunNumbers]:
    """Those of every domain that ended since then, oldest first."""
    return [_numbers(row) for row in db.all(f"{_ENDED} AND ended_at >= ? ORDER BY ended_at", to_text(since))]


def live_before(db: Database, until: datetime) -> dict[int, int]:
    """Each domain's live users after its last run before then."""
    rows = db.all(
        "SELECT domain_id, live, max(ended_at) FROM runs WHERE ended_at < ? AND live IS NOT NULL GROUP BY domain_id",
        to_text(until),
    )
    return {row["domain_id"]: row["live"] for row in rows}


def _numbers(row: Row) -> RunNumbers:
    return RunNumbers(
        row["id"], row["domain_id"], to_moment(row["started_at"]), to_moment(row["ended_at"]), row["live"], row["added"],
        row["reactivated"], row["archived"],
    )  # fmt: skip
