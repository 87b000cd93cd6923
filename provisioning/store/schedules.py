"""Where each domain's schedule stands: the standing approval behind it, what it has served, and why it rests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioning.database import Database
from provisioning.model import PlanStatus, RunStatus
from provisioning.store.codec import from_json, to_json, to_moment, to_text


@dataclass(frozen=True, slots=True)
class StandingApproval:
    """Given by switching a schedule on: by whom, for which mapping, settings and schedule."""

    by: str
    at: datetime
    mapping_version: int
    settings_version: int
    schedule: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a schedule is in quarantine. `code` says what kind; `reason` is the sentence for pages; `tries` failed in a
    row, the last at `tried_at`, the next is at `retry_at`."""

    code: str
    reason: str
    since: datetime
    tries: int
    tried_at: datetime
    retry_at: datetime
    plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """One domain's schedule. `served`: the moment up to which all its times were seen to. `plan_id`: the last plan it
    made. `told`: what people know already and are not told again, by kind. `waiting_since`: since when a plan of it waits for a person.
    `soon_at`: when to run because of webhooks, of which `soon_since` was the first."""

    approval: StandingApproval | None = None
    served: datetime | None = None
    plan_id: str | None = None
    trouble: Trouble | None = None
    told: tuple[str, ...] = ()
    waiting_since: datetime | None = None
    reminded_at: datetime | None = None
    soon_at: datetime | None = None
    soon_since: datetime | None = None


def get_state(db: Database, domain_id: int) -> State:
    """Of a domain whose schedule was never switched on: off."""
    row = db.one("SELECT state FROM schedules WHERE domain_id = ?", domain_id)
    return from_json(row["state"], State) if row else State()


def change_state(
    db: Database, domain_id: int, change: Callable[[State], State], wake_at: Callable[[State], datetime | None]
) -> State:
    """Read, change and write in one transaction, so that nothing another process wrote meanwhile is lost. `wake_at`:
    when the new state is to be looked at next."""
    with db.transaction():
        state = change(get_state(db, domain_id))
        wake = wake_at(state)
        db.execute(
            "INSERT OR REPLACE INTO schedules (domain_id, wake_at, state) VALUES (?, ?, ?)",
            domain_id, to_text(wake) if wake else None, to_json(state),
        )  # fmt: skip
    return state


def awake(db: Database, now: datetime) -> list[int]:
    """The domains whose schedule is to be looked at now, longest waiting first."""
    rows = db.all("SELECT domain_id FROM schedules WHERE wake_at <= ? ORDER BY wake_at, domain_id", to_text(now))
    return [row["domain_id"] for row in rows]


def put_off(db: Database, domain_id: int, until: datetime) -> None:
    """Look at a domain no earlier than then, whatever its state says, which stays as it is."""
    db.execute("UPDATE schedules SET wake_at = ? WHERE domain_id = ?", to_text(until), domain_id)


# --- why a domain's schedule may rest ---------------------------------------------------------------------


def paused(db: Database) -> tuple[dict[int, str], dict[int, str]]:
    """Why all schedules of a customer rest, and why a domain's does, by their ids."""
    whole = db.all("SELECT id, paused FROM customers WHERE paused IS NOT NULL")
    single = db.all("SELECT id, paused FROM domains WHERE paused IS NOT NULL")
    return {row["id"]: row["paused"] for row in whole}, {row["id"]: row["paused"] for row in single}


def unpause_domain(db: Database, domain_id: int) -> None:
    db.execute("UPDATE domains SET paused = NULL WHERE id = ?", domain_id)


def pause_customer(db: Database, customer_id: int, reason: str | None) -> bool:
    """Let all schedules of a customer rest (None: no longer); returns whether anything changed."""
    changed = db.execute(
        "UPDATE customers SET paused = ?1 WHERE id = ?2 AND (paused IS NULL) <> (?1 IS NULL)", reason, customer_id
    )
    return changed > 0


# --- what people did --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApprovedRun:
    """The last run that came to its end of a plan that somebody (`by`) approved by hand, and that is no way back.
    `whole`: nobody was left out."""

    by: str
    ended_at: datetime
    whole: bool


@dataclass(frozen=True, slots=True)
class NewestPlan:
    made_at: datetime
    blocked: bool
    way_back: bool


def approved_runs(db: Database, domains: Sequence[int] | None) -> dict[int, ApprovedRun]:
    """Of each of these domains (None: of all): under its mapping and settings of now."""
    rows = db.all(
        "SELECT r.domain_id, a.by, a.left_out, max(r.ended_at) AS ended_at FROM runs r JOIN plans p ON p.id = r.plan_id "
        "JOIN approvals a ON a.id = (SELECT max(id) FROM approvals WHERE plan_id = p.id) "
        "WHERE (?1 IS NULL OR r.domain_id IN (SELECT value FROM json_each(?1))) AND r.status IN (?2, ?3) "
        "AND p.mapping_version = (SELECT max(version) FROM mappings WHERE domain_id = r.domain_id) "
        "AND p.settings_version = (SELECT max(version) FROM settings WHERE domain_id = r.domain_id) "
        "AND p.undo_of IS NULL AND p.farewell = 0 AND a.standing = 0 GROUP BY r.domain_id",
        to_json(list(domains)) if domains is not None else None, RunStatus.DONE.value, RunStatus.PARTIAL.value,
    )  # fmt: skip
    return {
        row["domain_id"]: ApprovedRun(row["by"], to_moment(row["ended_at"]), row["left_out"] == to_json([]))
        for row in rows
    }


def newest_plans(db: Database, domains: Sequence[int] | None) -> dict[int, NewestPlan]:
    """Of each of these domains (None: of all)."""
    rows = db.all(
        "SELECT domain_id, max(rowid), made_at, status, undo_of IS NOT NULL OR farewell AS way_back FROM plans "
        "WHERE ?1 IS NULL OR domain_id IN (SELECT value FROM json_each(?1)) GROUP BY domain_id",
        to_json(list(domains)) if domains is not None else None,
    )
    return {
        row["domain_id"]: NewestPlan(
            to_moment(row["made_at"]), row["status"] == PlanStatus.BLOCKED.value, bool(row["way_back"])
        )
        for row in rows
    }


def preparers(db: Database, roles: Sequence[str], at: datetime) -> dict[int | None, frozenset[str]]:
    """Who has one of these roles, granted, or by a group and not over at that moment; by customer (None: of all)."""
    rows = db.all(
        "SELECT email, customer_id FROM members WHERE role IN (SELECT value FROM json_each(?1)) UNION "
        "SELECT email, customer_id FROM group_roles WHERE role IN (SELECT value FROM json_each(?1)) AND until > ?2",
        to_json(list(roles)), to_text(at),
    )  # fmt: skip
    found: dict[int | None, set[str]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], set()).add(row["email"])
    return {customer: frozenset(people) for customer, people in found.items()}


# --- webhooks ---------------------------------------------------------------------------------------------


def remember_webhook(db: Database, domain_id: int, digest: str, at: datetime, forget_before: datetime) -> bool:
    """Returns whether this one is new. Those before `forget_before` are forgotten: they are refused by their age."""
    db.execute("DELETE FROM webhooks WHERE domain_id = ? AND at < ?", domain_id, to_text(forget_before))
    return (
        db.execute(
            "INSERT OR IGNORE INTO webhooks (domain_id, digest, at) VALUES (?, ?, ?)", domain_id, digest, to_text(at)
        )
        > 0
    )
