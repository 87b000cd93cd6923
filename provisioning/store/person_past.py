"""What stored plans and runs know of one person: under earlier ids too, and when neither side knows them any more."""

from collections.abc import Sequence
from datetime import datetime

from provisioning.database import Database
from provisioning.model import Action, Change, Held
from provisioning.store.codec import to_json, to_moment
from provisioning.store.plans import changes_of, held_of

_DONE = (
    "FROM changes c JOIN runs r ON r.plan_id = c.plan_id JOIN outcomes o ON o.run_id = r.id AND o.key = c.key "
    "AND o.action = c.action WHERE r.domain_id = ?1 AND o.result = 'done'"
)


def earlier_keys(db: Database, domain_id: int, user_id: str) -> list[str]:
    """Every key that runs knew this user by, and the links that they replaced: the ids of records that were joined."""
    rows = db.all(
        f"SELECT DISTINCT c.key AS key, json_extract(c.before, '$.external_id') AS link {_DONE} AND c.user_id = ?2",
        domain_id, user_id,
    )  # fmt: skip
    return sorted({each for row in rows for each in (row["key"], row["link"]) if each})


def user_once_linked(db: Database, domain_id: int, link: str) -> str | None:
    """The user whose link to this HiBob id a run replaced last."""
    row = db.one(
        f"SELECT c.user_id {_DONE} AND c.action = 'link' AND json_extract(c.before, '$.external_id') = ?2 "
        "ORDER BY o.at DESC LIMIT 1",
        domain_id, link,
    )  # fmt: skip
    return row["user_id"] if row else None


def moved_to(db: Database, domain_id: int, keys: Sequence[str]) -> tuple[str, str] | None:
    """(when, the domain) if the last that a run did for somebody was to move them."""
    row = db.one(
        f"SELECT o.at, c.action, json_extract(c.after, '$.domain') AS home {_DONE} "
        "AND o.key IN (SELECT value FROM json_each(?2)) ORDER BY o.at DESC, o.seq DESC LIMIT 1",
        domain_id, to_json(list(keys)),
    )  # fmt: skip
    return (row["at"], row["home"]) if row and row["action"] == "move" else None


def remembered(db: Database, domain_id: int, person: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """(key, name) of people whom runs of a domain were about, oldest run first: by key, user id, full name, or a value of
    the attributes `ids` that tell people apart; failing those, by a part of the name."""
    one = (
        "(c.key = ?2 OR c.user_id = ?2 OR lower(c.name) = lower(?2) OR EXISTS (SELECT 1 FROM json_each(c.seen, "
        "'$.attributes') j WHERE lower(j.value) = lower(?2) AND j.key IN (SELECT value FROM json_each(?3))) OR EXISTS ("
        "SELECT 1 FROM json_each(c.after) j WHERE lower(j.value) = lower(?2) AND j.key IN (SELECT value FROM json_each(?3))))"
    )
    for fits in (one, "instr(lower(c.name), lower(?2)) AND ?3 = ?3"):
        rows = db.all(
            "SELECT c.key, max(c.name) AS name, min(r.started_at) FROM changes c JOIN runs r ON r.plan_id = c.plan_id "
            f"WHERE r.domain_id = ?1 AND {fits} GROUP BY c.key ORDER BY 3, 1",
            domain_id, person, to_json(list(ids)),
        )  # fmt: skip
        if rows:
            break
    return [(row["key"], row["name"]) for row in rows]


def in_plan(db: Database, plan_id: str, keys: Sequence[str]) -> tuple[list[Change], list[Held]]:
    """What a plan says of somebody, under any of their keys."""
    wanted = to_json(list(keys))
    theirs = "WHERE plan_id = ? AND key IN (SELECT value FROM json_each(?)) ORDER BY seq"
    changes = db.all(f"SELECT * FROM changes {theirs}", plan_id, wanted)
    held = db.all(f"SELECT * FROM held {theirs}", plan_id, wanted)
    return list(changes_of(changes)), [held_of(row) for row in held]


def left_out(
    db: Database, domain_id: int, keys: Sequence[str], actions: Sequence[Action]
) -> tuple[str, datetime, datetime | None] | None:
    """(who approved, when, when the newest preview since was made) if the last approval left somebody out of one of these
    actions, and every preview since proposes it again. The ways back of runs are no part of that."""
    row = db.one(
        "SELECT a.by, a.at, (SELECT max(n.made_at) FROM plans n WHERE n.domain_id = p.domain_id AND n.undo_of IS NULL "
        "AND n.rowid > p.rowid) AS again FROM approvals a JOIN plans p ON p.id = a.plan_id "
        "WHERE a.id = (SELECT max(b.id) FROM approvals b JOIN plans q ON q.id = b.plan_id WHERE q.domain_id = ?1 "
        "AND q.undo_of IS NULL) "
        "AND EXISTS (SELECT 1 FROM json_each(a.left_out) j WHERE j.value IN (SELECT value FROM json_each(?2))) "
        "AND NOT EXISTS (SELECT 1 FROM plans n WHERE n.domain_id = ?1 AND n.undo_of IS NULL AND n.rowid >= p.rowid "
        "AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.plan_id = n.id AND c.key IN (SELECT value FROM json_each(?2)) "
        "AND c.action IN (SELECT value FROM json_each(?3))))",
        domain_id, to_json(list(keys)), to_json([each.value for each in actions]),
    )  # fmt: skip
    return (row["by"], to_moment(row["at"]), to_moment(row["again"]) if row["again"] else None) if row else None
