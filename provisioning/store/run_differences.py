"""Two runs of a domain side by side, by SQL: what each did, in which attributes, and to whom."""

from dataclasses import dataclass

from provisioning.database import Database

_DONE = "FROM outcomes o WHERE o.run_id = ? AND o.result = 'done'"


def attributes_done(db: Database, run_id: str) -> dict[str, int]:
    """How many existing users got another value, per attribute, most first."""
    rows = db.all(
        "SELECT j.key AS name, count(*) AS n FROM outcomes o JOIN runs r ON r.id = o.run_id JOIN changes c "
        "ON c.plan_id = r.plan_id AND c.key = o.key AND c.action = o.action, json_each(c.after) j WHERE o.run_id = ? "
        "AND o.result = 'done' AND o.action IN ('update', 'reactivate') AND j.key NOT IN ('status', 'external_id', 'domain') "
        "GROUP BY j.key ORDER BY n DESC, name",
        run_id,
    )
    return {row["name"]: row["n"] for row in rows}


def people_done(db: Database, run_id: str) -> int:
    """How many people a run did something for."""
    row = db.one(f"SELECT count(DISTINCT o.key) AS n {_DONE}", run_id)
    return int(row["n"]) if row else 0


@dataclass(frozen=True, slots=True)
class Some:
    """People, so many, the first of them by name."""

    names: tuple[str, ...]
    count: int


def people_of(db: Database, run_id: str, other: str, most: int, *, done: bool = True, together: bool = True) -> Some:
    """For whom the run did something (not `done`: meant to, and did not) and the other did something too (not `together`: did
    nothing)."""
    these = "SELECT DISTINCT o.key FROM outcomes o WHERE o.run_id = ? AND (o.result = 'done') = ?"
    found = f"{these} {'INTERSECT' if together else 'EXCEPT'} SELECT DISTINCT o.key {_DONE}"
    row = db.one(f"SELECT count(*) AS n FROM ({found})", run_id, done, other)
    rows = db.all(
        f"SELECT b.key, coalesce((SELECT max(c.name) FROM changes c WHERE c.key = b.key), '') AS name FROM ({found}) b "
        "ORDER BY b.key LIMIT ?",
        run_id, done, other, most,
    )  # fmt: skip
    return Some(tuple(each["name"] or each["key"] for each in rows), int(row["n"]) if row else 0)
