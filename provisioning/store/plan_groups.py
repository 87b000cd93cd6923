"""Counts over the people of stored plans, by SQL: what is shown of a plan of 100,000 changes is a few rows."""

from collections.abc import Sequence

from provisioning.database import Database
from provisioning.model import Held
from provisioning.store.codec import to_json
from provisioning.store.plans import held_of

_OURS = "j.key NOT IN ('status', 'external_id', 'domain')"
_STAYS = "c.key NOT IN (SELECT value FROM json_each(?2))"
"""Whoever is not among these people, who are left out."""


def updated_attributes(db: Database, plan_id: str, left_out: Sequence[str] = ()) -> dict[str, int]:
    """How many of those to be updated get another value, per attribute, most first."""
    rows = db.all(
        "SELECT j.key AS name, count(*) AS n FROM changes c, json_each(c.after) j WHERE c.plan_id = ?1 "
        f"AND c.action = 'update' AND {_OURS} AND {_STAYS} GROUP BY j.key ORDER BY n DESC, name",
        plan_id, to_json(list(left_out)),
    )  # fmt: skip
    return {row["name"]: row["n"] for row in rows}


def shared_values(
    db: Database, plan_id: str, most: int, left_out: Sequence[str] = ()
) -> list[tuple[tuple[str, str | None, str | None], int]]:
    """Of existing users, ((attribute, before, after), people) for the changes that several share, most first."""
    rows = db.all(
        "SELECT j.key AS name, b.value AS was, j.value AS becomes, count(*) AS n "
        "FROM changes c, json_each(c.after) j, json_each(c.before) b WHERE c.plan_id = ?1 "
        f"AND c.action IN ('update', 'reactivate') AND b.key = j.key AND {_OURS} AND {_STAYS} "
        "GROUP BY j.key, b.value, j.value HAVING n > 1 ORDER BY n DESC, name, was, becomes LIMIT ?3",
        plan_id, to_json(list(left_out)), most,
    )  # fmt: skip
    return [((row["name"], row["was"], row["becomes"]), row["n"]) for row in rows]


def names_of_few(db: Database, plan_id: str, most: int, left_out: Sequence[str] = ()) -> dict[str, list[str]]:
    """Action → what to call its people, for the actions that concern at most so many."""
    rows = db.all(
        f"SELECT action, coalesce(nullif(name, ''), key) AS who FROM changes c WHERE plan_id = ?1 AND {_STAYS} AND action IN "
        f"(SELECT action FROM changes c WHERE plan_id = ?1 AND {_STAYS} GROUP BY action HAVING count(*) <= ?3) ORDER BY seq",
        plan_id, to_json(list(left_out)), most,
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["action"], []).append(row["who"])
    return found


def names_of_new(db: Database, plan_id: str, attribute: str, values: Sequence[str]) -> dict[str, str]:
    """Value of an attribute → the name of who is added with it, for these values."""
    rows = db.all(
        "SELECT j.value AS had, c.name FROM changes c, json_each(c.after) j WHERE c.plan_id = ?1 AND c.action = 'add' AND j.key = ?2 "
        "AND j.value IN (SELECT value FROM json_each(?3)) AND c.name <> ''",
        plan_id, attribute, to_json(list(values)),
    )  # fmt: skip
    return {row["had"]: row["name"] for row in rows}


def referring_to_left_out(
    db: Database, plan_id: str, identifier: str, references: Sequence[str], left_out: Sequence[str]
) -> list[str]:
    """What to call whoever is to refer, by one of these attributes, to somebody who would be added and is left out."""
    rows = db.all(
        "SELECT DISTINCT c.seq, c.name, c.key FROM changes c, json_each(c.after) j WHERE c.plan_id = ?1 "
        f"AND {_STAYS} AND j.key IN (SELECT value FROM json_each(?3)) AND j.value IN (SELECT i.value FROM changes o, "
        "json_each(o.after) i WHERE o.plan_id = ?1 AND o.action = 'add' AND i.key = ?4 "
        "AND o.key IN (SELECT value FROM json_each(?2))) ORDER BY c.seq",
        plan_id, to_json(list(left_out)), to_json(list(references)), identifier,
    )  # fmt: skip
    return [row["name"] or row["key"] for row in rows]


def actions_of(db: Database, plan_id: str, keys: Sequence[str]) -> dict[str, int]:
    """Action → how many changes of these people."""
    rows = db.all(
        "SELECT action, count(*) AS n FROM changes WHERE plan_id = ?1 AND key IN (SELECT value FROM json_each(?2)) "
        "GROUP BY action",
        plan_id, to_json(list(keys)),
    )  # fmt: skip
    return {row["action"]: row["n"] for row in rows}


def held_by_code(db: Database, plan_id: str) -> dict[str, int]:
    """How many people are held back, per reason, most first."""
    rows = db.all("SELECT code, count(*) AS n FROM held WHERE plan_id = ? GROUP BY code ORDER BY n DESC, code", plan_id)
    return {row["code"]: row["n"] for row in rows}


def held_like(db: Database, plan_id: str, codes: Sequence[str], keys: Sequence[str]) -> list[Held]:
    """Everybody held for one of these codes whose reason is that of one of these people, up to the end of what it quotes
    first."""
    what = "substr({0}.why, 1, instr({0}.why, '”'))"
    rows = db.all(
        f"SELECT b.* FROM held b WHERE b.plan_id = ?1 AND b.code IN (SELECT value FROM json_each(?2)) AND {what.format('b')} IN "
        f"(SELECT {what.format('a')} FROM held a WHERE a.plan_id = ?1 AND a.code IN (SELECT value FROM json_each(?2)) "
        "AND a.key IN (SELECT value FROM json_each(?3))) ORDER BY b.seq",
        plan_id, to_json(list(codes)), to_json(list(keys)),
    )  # fmt: skip
    return [held_of(row) for row in rows]


def held_for(db: Database, plan_id: str, codes: Sequence[str], keys: Sequence[str]) -> list[Held]:
    """Those of these people who are held for one of these codes."""
    rows = db.all(
        "SELECT * FROM held WHERE plan_id = ?1 AND code IN (SELECT value FROM json_each(?2)) "
        "AND key IN (SELECT value FROM json_each(?3)) ORDER BY seq",
        plan_id, to_json(list(codes)), to_json(list(keys)),
    )  # fmt: skip
    return [held_of(row) for row in rows]


def plan_before(db: Database, plan_id: str) -> str | None:
    """The plan of the same domain that was made before this one, the ways back of runs apart."""
    row = db.one(
        "SELECT b.id FROM plans b JOIN plans p ON p.domain_id = b.domain_id WHERE p.id = ? AND b.rowid < p.rowid "
        "AND b.undo_of IS NULL ORDER BY b.rowid DESC LIMIT 1",
        plan_id,
    )
    return row["id"] if row else None


def undone_since(db: Database, plan_id: str, other: str) -> bool:
    """Whether a run was taken back between the other plan and this one."""
    row = db.one(
        "SELECT 1 FROM plans b JOIN runs r ON r.plan_id = b.id WHERE b.undo_of IS NOT NULL "
        "AND b.domain_id = (SELECT domain_id FROM plans WHERE id = ?1) "
        "AND b.rowid BETWEEN (SELECT rowid FROM plans WHERE id = ?2) AND (SELECT rowid FROM plans WHERE id = ?1) LIMIT 1",
        plan_id, other,
    )  # fmt: skip
    return row is not None


def differing_people(db: Database, plan_id: str, other: str) -> tuple[int, int, int]:
    """(changes only here, only in the other plan, in both but with other values)."""
    same = "SELECT 1 FROM changes b WHERE b.plan_id = ?2 AND b.key = a.key AND b.action = a.action"
    here = "SELECT count(*) AS n FROM changes a WHERE a.plan_id = ?1 AND"
    counted = [
        db.one(f"{here} NOT EXISTS ({same})", plan_id, other),
        db.one(f"{here} NOT EXISTS ({same})", other, plan_id),
        db.one(f"{here} EXISTS ({same} AND b.after <> a.after)", plan_id, other),
    ]
    come, gone, changed = (int(row["n"]) if row else 0 for row in counted)
    return come, gone, changed
