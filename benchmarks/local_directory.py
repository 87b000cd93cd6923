"""Processing an approved plan into the local directory, journal and all. The floor is the same rows in one
`executemany`; sqlite-utils' `upsert_all` is how one would write it without thinking."""

import secrets

import sqlite_utils

from benchmarks.hibob import hibob
from benchmarks.installation import LABEL
from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import Nights
from benchmarks.preview import SERVERS, house_with_users
from provisioning import workflow
from provisioning.model import Action, Actor
from provisioning.workflow import Workspace, acting_as

ADMIN = Actor("admin@acme.example", "admin@acme.example")


def rollcall(nights: Nights) -> Timed:
    """Each run processes a fresh preview of the same users: what the run before wrote is taken back."""
    house = house_with_users(nights, SERVERS.enter_context(hibob(nights)))
    house.db.execute("CREATE TABLE users_before AS SELECT * FROM users")
    approved: list[str] = []

    def before() -> None:
        with house.db.transaction():
            house.db.execute("DELETE FROM users")
            house.db.execute("INSERT INTO users SELECT * FROM users_before")
        plan = workflow.preview(house, LABEL)
        workflow.approve(acting_as(house, ADMIN), plan.id)
        approved.append(plan.id)

    return Timed(lambda: workflow.process(house, approved[-1]), lambda run: run.counts["done"], before)


def _rows(nights: Nights) -> tuple[Workspace, list[dict[str, object]]]:
    """The users that such a run writes, and a house to write them into."""
    house = house_with_users(nights, SERVERS.enter_context(hibob(nights)))
    plan = workflow.preview(house, LABEL)
    workflow.approve(acting_as(house, ADMIN), plan.id)
    workflow.process(house, plan.id)
    keys = [change.key for change in plan.changes if change.action is not Action.ARCHIVE]
    found = house.db.all("SELECT * FROM users")
    touched = set(keys) | {change.seen.external_id for change in plan.changes if change.seen}
    return house, [dict(row) for row in found if row["external_id"] in touched]


def executemany(nights: Nights) -> Timed:
    """Users and outcomes."""
    house, rows = _rows(nights)
    outcomes = [(secrets.token_hex(8), row["external_id"], "update", "done", "") for row in rows]
    house.db.execute("CREATE TABLE journal (id TEXT, key TEXT, action TEXT, result TEXT, message TEXT)")

    def run() -> int:
        with house.db.transaction():
            house.db.many(
                "INSERT OR REPLACE INTO users (id, domain_id, external_id, status, attributes) VALUES (?, ?, ?, ?, ?)",
                (tuple(row.values()) for row in rows),
            )
            house.db.many("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", outcomes)
        return len(rows)

    return Timed(run, int)


def upsert_all(nights: Nights) -> Timed:
    house, rows = _rows(nights)
    db = sqlite_utils.Database(house.db.path)
    outcomes = [{"key": row["external_id"], "action": "update", "result": "done"} for row in rows]

    def run() -> int:
        db["users"].upsert_all(rows, pk="id")
        db["journal_of_peer"].upsert_all(outcomes, pk="key")
        return len(rows)

    return Timed(run, int)


STEP = Step(
    "processing into the local directory, journal included",
    rollcall,
    (Peer("executemany (floor)", executemany, time=3), Peer("sqlite-utils upsert_all", upsert_all, time=1 / 2)),
)
