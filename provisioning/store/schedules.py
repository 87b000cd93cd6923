"""Where each domain's schedule stands: the standing approval behind it, what it has served, and why it rests."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from provisioning.database import Database
from provisioning.model import RunStatus
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


def wakes_at(db: Database, domain_id: int) -> datetime | None:
    row = db.one("SELECT wake_at FROM schedules WHERE domain_id = ?", domain_id)
    return to_moment(row["wake_at"]) if row and row["wake_at"] else None


# --- why a domain's schedule may rest ---------------------------------------------------------------------


def paused_domain(db: Database, domain_id: int) -> str | None:
    row = db.one("SELECT paused FROM domains WHERE id = ?", domain_id)
    return row["paused"] if row else None


def unpause_domain(db: Database, domain_id: int) -> None:
    db.execute("UPDATE domains SET paused = NULL WHERE id = ?", domain_id)


def paused_customer(db: Database, customer_id: int) -> str | None:
    row = db.one("SELECT paused FROM customers WHERE id = ?", customer_id)
    return row["paused"] if row else None


def pause_customer(db: Database, customer_id: int, reason: str | None) -> bool:
    """Let all schedules of a customer rest (None: no longer); returns whether anything changed."""
    changed = db.execute(
        "UPDATE customers SET paused = ?1 WHERE id = ?2 AND (paused IS NULL) <> (?1 IS NULL)", reason, customer_id
    )
    return changed > 0


# --- what people did --------------------------------------------------------------------------------------


def approved_run(
    db: Database, domain_id: int, mapping_version: int, settings_version: int, since: datetime | None = None
) -> tuple[str, str] | None:
    """(plan, who approved it) of the last run that came to its end under these versions, of a plan that somebody
    approved by hand and that is no way back; after `since` if given."""
    row = db.one(
        "SELECT p.id, a.by FROM runs r JOIN plans p ON p.id = r.plan_id JOIN approvals a ON a.id = "
        "(SELECT max(id) FROM approvals WHERE plan_id = p.id) WHERE r.domain_id = ?1 AND r.status IN (?2, ?3) "
        "AND p.mapping_version = ?4 AND p.settings_version = ?5 AND p.undo_of IS NULL AND p.farewell = 0 AND a.standing = 0 "
        "AND (?6 IS NULL OR r.ended_at > ?6) ORDER BY r.ended_at DESC LIMIT 1",
        domain_id, RunStatus.DONE.value, RunStatus.PARTIAL.value, mapping_version, settings_version,
        to_text(since) if since else None,
    )  # fmt: skip
    return (row["id"], row["by"]) if row else None


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
