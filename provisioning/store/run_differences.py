"""Two runs of a domain side by side, by SQL: what each did, in which attributes, and to whom."""

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


def people_of_both(db: Database, run_id: str, other: str, most: int) -> tuple[list[tuple[str, str]], int]:
    """(key, name) of the first people for whom both runs did something, and how many there are."""
    both = f"SELECT DISTINCT o.key {_DONE} INTERSECT SELECT DISTINCT o.key {_DONE}"
    row = db.one(f"SELECT count(*) AS n FROM ({both})", run_id, other)
    rows = db.all(
        f"SELECT b.key, coalesce((SELECT max(c.name) FROM changes c WHERE c.key = b.key), '') AS name FROM ({both}) b "
        "ORDER BY b.key LIMIT ?",
        run_id, other, most,
    )  # fmt: skip
    return [(each["key"], each["name"]) for each in rows], int(row["n"]) if row else 0
