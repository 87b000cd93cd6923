"""What is kept of one person in plans, runs, decisions and drafts: to hand it to them, and to remove it.

A person is known by names: the key that plans know them by, their e-mail, their identifier. The user directory itself is
not looked at here: it is the target's.
"""

from collections.abc import Sequence

import msgspec

from provisioning.database import Database
from provisioning.store.codec import to_json

Kept = dict[str, list[dict[str, object]]]
"""Table → its rows about the person."""

_OF_PEOPLE = ("changes", "held")
_PLANS = "SELECT p.id FROM plans p JOIN domains d ON d.id = p.domain_id WHERE d.customer_id = ?"
_RUNS = "SELECT r.id FROM runs r JOIN domains d ON d.id = r.domain_id WHERE d.customer_id = ?"
_DOMAINS = "SELECT id FROM domains WHERE customer_id = ?"
REMOVED = "removed"


def names_of(db: Database, customer_id: int, person: str) -> list[str]:
    """The name asked for, with every key that plans know such a person by: a changed value equals it, or the key does."""
    quoted = to_json(person)
    rows = db.all(
        f"SELECT DISTINCT key FROM changes WHERE plan_id IN ({_PLANS}) AND (key = ? OR instr(before, ?) OR instr(after, ?) "
        "OR instr(coalesce(seen, ''), ?))",
        customer_id, person, quoted, quoted, quoted,
    )  # fmt: skip
    return list(dict.fromkeys([person, *(row["key"] for row in rows)]))


def everything(db: Database, customer_id: int, names: Sequence[str]) -> Kept:
    """Every row about the person, as it is stored."""
    marks = ", ".join("?" for _ in names)
    found: Kept = {}
    for table in _OF_PEOPLE:
        rows = db.all(f"SELECT * FROM {table} WHERE plan_id IN ({_PLANS}) AND key IN ({marks})", customer_id, *names)
        found[table] = [dict(row) for row in rows]
    rows = db.all(f"SELECT * FROM outcomes WHERE run_id IN ({_RUNS}) AND key IN ({marks})", customer_id, *names)
    found["outcomes"] = [dict(row) for row in rows]
    rows = db.all(
        f"SELECT * FROM decisions WHERE domain_id IN ({_DOMAINS}) AND (key IN ({marks}) OR other IN ({marks}))",
        customer_id, *names, *names,
    )  # fmt: skip
    found["decisions"] = [dict(row) for row in rows]
    return found


def remove(db: Database, customer_id: int, names: Sequence[str]) -> None:
    """Take the person out of everything that is kept. Plans that were never processed go as a whole: without a person
    they would not be what was shown. Part of the caller's transaction."""
    marks = ", ".join("?" for _ in names)
    for table in _OF_PEOPLE:
        db.execute(
            f"DELETE FROM plans WHERE id IN (SELECT plan_id FROM {table} WHERE plan_id IN ({_PLANS}) AND key IN ({marks})) "
            "AND id NOT IN (SELECT plan_id FROM runs)",
            customer_id, *names,
        )  # fmt: skip
        db.execute(f"DELETE FROM {table} WHERE plan_id IN ({_PLANS}) AND key IN ({marks})", customer_id, *names)
    db.execute(f"DELETE FROM outcomes WHERE run_id IN ({_RUNS}) AND key IN ({marks})", customer_id, *names)
    db.execute(
        f"DELETE FROM decisions WHERE domain_id IN ({_DOMAINS}) AND (key IN ({marks}) OR other IN ({marks}))",
        customer_id, *names, *names,
    )  # fmt: skip
    for name in names:
        _take_out(db, customer_id, name)
    # Both may hold somebody who is a manager and nothing else here, by names that nobody asked for; and no name can be taken
    # out of a file without making another file of it.
    db.execute(f"DELETE FROM legends WHERE plan_id IN ({_PLANS})", customer_id)
    db.execute(
        f"UPDATE uploads SET content = NULL WHERE approval_id IN (SELECT id FROM approvals WHERE plan_id IN ({_PLANS}))",
        customer_id,
    )


def _take_out(db: Database, customer_id: int, name: str) -> None:
    """Where a name stands inside a list or a sentence."""
    for table, column, whose in (
        ("drafts", "content", f"domain_id IN ({_DOMAINS})"),
        ("messages", "body", f"domain_id IN ({_DOMAINS})"),
    ):
        db.execute(f"DELETE FROM {table} WHERE {whose} AND instr({column}, ?)", customer_id, name)
    for column in ("details", "result", "error"):
        db.execute(
            f"UPDATE jobs SET {column} = NULL WHERE domain_id IN ({_DOMAINS}) AND ended_at IS NOT NULL AND instr({column}, ?)"
            if column != "details"
            else f"UPDATE jobs SET details = '' WHERE domain_id IN ({_DOMAINS}) AND ended_at IS NOT NULL AND instr(details, ?)",
            customer_id, name,
        )  # fmt: skip
    db.execute(
        f"UPDATE held SET why = replace(why, '“' || ?2 || '”', '“{REMOVED}”') WHERE plan_id IN ({_PLANS.replace('?', '?1')})",
        customer_id, name,
    )  # fmt: skip
    quoted = to_json(name)
    for table, column, whose in (
        ("approvals", "left_out", f"plan_id IN ({_PLANS})"),
        ("plans", "findings", f"id IN ({_PLANS})"),
        ("plans", "proposals", f"id IN ({_PLANS})"),
    ):
        for row in db.all(f"SELECT rowid AS row, {column} FROM {table} WHERE {whose} AND instr({column}, ?)", customer_id, quoted):  # fmt: skip
            content = _without(msgspec.json.decode(row[column]), name)
            db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", to_json(content), row["row"])


def _without(content: object, name: str) -> object:
    """A JSON value in which this name is another word."""
    if isinstance(content, list):
        return [_without(each, name) for each in content]
    if isinstance(content, dict):
        return {key: _without(each, name) for key, each in content.items() if key != name}
    return REMOVED if content == name else content
