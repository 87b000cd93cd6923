"""Every customer at once: one query for each kind of thing, however many customers there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from provisioning.database import Database
from provisioning.model import Action, Customer, Finding, PlanStatus, ReadEvidence, Result, Role, RunStatus, Status
from provisioning.store.codec import from_json, to_moment, to_text
from provisioning.store.jobs import JobKind, JobState
from provisioning.store.schedules import State
from provisioning.store.secrets import connection_owner


@dataclass(frozen=True, slots=True)
class LastPlan:
    """The newest plan of a domain. `open`: neither approved nor begun; `overtaken`: another run wrote since it was made;
    `evidence`: None for one that did not read HiBob; `counts`: people by what would happen to them;
    `undo`: it takes a run back."""

    id: str
    made_at: datetime
    read_at: datetime
    mapping_version: int
    settings_version: int
    status: PlanStatus
    open: bool
    overtaken: str | None
    findings: tuple[Finding, ...] = ()
    evidence: ReadEvidence | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    undo: bool = False


@dataclass(frozen=True, slots=True)
class LastRun:
    id: str
    plan_id: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None
    failed: int


def roles_anywhere(db: Database, email: str, now: datetime) -> dict[int | None, frozenset[Role]]:
    """Somebody's roles by customer; None stands for every customer."""
    rows = db.all(
        "SELECT customer_id, role FROM members WHERE email = ?1 UNION "
        "SELECT customer_id, role FROM group_roles WHERE email = ?1 AND until > ?2",
        email,
        to_text(now),
    )
    found: dict[int | None, set[Role]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], set()).add(Role(row["role"]))
    return {customer: frozenset(roles) for customer, roles in found.items()}


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """Somebody's role. `customer` None: for every customer. `since`: when it was granted, None for one that a group gave at a
    sign-in; `until`: when that one ends."""

    email: str
    role: Role
    customer: str | None
    since: datetime | None
    until: datetime | None


def roles_held(db: Database, customer: Customer, now: datetime) -> list[RoleHeld]:
    """Who has which role for a customer now, those for every customer included, by e-mail."""
    rows = db.all(
        "SELECT email, role, customer_id, granted_at AS since, NULL AS until FROM members "
        "WHERE customer_id = ?1 OR customer_id IS NULL UNION "
        "SELECT email, role, customer_id, NULL, until FROM group_roles WHERE (customer_id = ?1 OR customer_id IS NULL) AND until > ?2 "
        "ORDER BY email, customer_id, role",
        customer.id,
        to_text(now),
    )
    return [
        RoleHeld(
            row["email"], Role(row["role"]), customer.name if row["customer_id"] is not None else None,
            *(to_moment(row[name]) if row[name] else None for name in ("since", "until")),
        )
        for row in rows
    ]  # fmt: skip


def connections(db: Database) -> dict[int, dict[str, bool]]:
    """By customer, the names of their connections, and whether each has a token and a service user's id."""
    sealed = {row["owner"] for row in db.all("SELECT owner FROM secrets")}
    found: dict[int, dict[str, bool]] = {}
    for row in db.all("SELECT id, customer_id, name, service_user_id FROM connections"):
        ready = bool(row["service_user_id"]) and connection_owner(row["id"]) in sealed
        found.setdefault(row["customer_id"], {})[row["name"]] = ready
    return found


def last_checks(db: Database) -> dict[int, tuple[str | None, str, datetime]]:
    """(what the last test that came to an end proved, as JSON, or None; why it failed; when) by domain."""
    rows = db.all(
        "SELECT domain_id, result, error, ended_at FROM jobs WHERE id IN "
        "(SELECT max(id) FROM jobs WHERE kind = ? AND state IN (?, ?) GROUP BY domain_id)",
        JobKind.CHECK.value, JobState.DONE.value, JobState.FAILED.value,
    )  # fmt: skip
    return {
        row["domain_id"]: (
            from_json(row["result"] or "{}", dict[str, str]).get("check"),
            row["error"] or "",
            to_moment(row["ended_at"]),
        )
        for row in rows
    }


def last_failures(db: Database) -> dict[int, tuple[JobKind, str, datetime]]:
    """(what it was, why it did not come to an end, when), of the domains whose last job failed."""
    rows = db.all(
        "SELECT domain_id, kind, error, ended_at FROM jobs WHERE state = ? AND id IN (SELECT max(id) FROM jobs GROUP BY domain_id)",
        JobState.FAILED.value,
    )
    return {row["domain_id"]: (JobKind(row["kind"]), row["error"] or "", to_moment(row["ended_at"])) for row in rows}


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan that was approved and not begun, but for whom it leaves out. `overtaken`: another run wrote since it was made;
    `counts`: people by what would happen to them, without those left out; `findings`: of the whole plan."""

    id: str
    made_at: datetime
    mapping_version: int
    settings_version: int
    approved_at: datetime
    left_out: tuple[str, ...]
    overtaken: str | None
    counts: Mapping[str, int]
    findings: tuple[Finding, ...] = ()
    undo: bool = False


def approved_plans(db: Database, domain_id: int | None = None) -> dict[int, Approved]:
    """By domain, or of one, the newest approved plan that was not begun and leaves somebody in, also where a newer preview
    stands beside it."""
    rows = db.all(
        "SELECT max(p.rowid), p.id, p.domain_id, p.made_at, p.mapping_version, p.settings_version, p.counts, p.findings, p.undo_of, a.at, a.left_out, "
        f"{_LESS} AS less, ({_OVERTAKEN}) AS overtaken FROM approvals a JOIN plans p ON p.id = a.plan_id "
        "WHERE a.id = (SELECT max(id) FROM approvals WHERE plan_id = p.id) AND (?2 IS NULL OR p.domain_id = ?2) "
        "AND NOT EXISTS (SELECT 1 FROM runs WHERE plan_id = p.id) AND (a.left_out = '[]' OR json_array_length(a.left_out) < "
        # Whoever is linked may be changed too; all else is one change a person, and need not be counted.
        "(SELECT sum(value) FROM json_each(p.counts) WHERE key IN ('add', 'update', 'reactivate', 'archive', 'move')) "
        "OR json_array_length(a.left_out) < (SELECT count(DISTINCT key) FROM changes WHERE plan_id = p.id)) "
        "GROUP BY p.domain_id",
        Result.SKIPPED.value, domain_id,
    )  # fmt: skip
    return {
        row["domain_id"]: Approved(
            row["id"], to_moment(row["made_at"]), row["mapping_version"], row["settings_version"], to_moment(row["at"]),
            from_json(row["left_out"], tuple[str, ...]), row["overtaken"], _without(row["counts"], row["less"]),
            from_json(row["findings"], tuple[Finding, ...]), bool(row["undo_of"]),
        )
        for row in rows
    }  # fmt: skip


_LESS = (
    "CASE WHEN a.left_out = '[]' THEN '{}' ELSE (SELECT json_group_object(action, n) FROM (SELECT c.action, count(*) AS n "
    "FROM changes c WHERE c.plan_id = p.id AND c.key IN (SELECT value FROM json_each(a.left_out)) GROUP BY c.action)) END"
)
"""By action, the people who were left out of an approval."""


def _without(counts: str, less: str) -> dict[str, int]:
    out = from_json(less, dict[str, int])
    return {name: number - out.get(name, 0) for name, number in from_json(counts, dict[str, int]).items()}


def more_live(counts: Mapping[str, int]) -> int:
    """How many more live users a plan of these counts comes to."""
    return (
        counts.get(Action.ADD.value, 0) + counts.get(Action.REACTIVATE.value, 0) - counts.get(Action.ARCHIVE.value, 0)
    )


def left_out_drafts(db: Database, by: str, kind: str) -> dict[str, frozenset[str]]:
    """By plan, whom somebody means to leave out of it. `kind`: how the kind of these drafts begins; the plan follows."""
    rows = db.all("SELECT kind, content FROM drafts WHERE by = ?1 AND substr(kind, 1, length(?2)) = ?2", by, kind)
    return {row["kind"].removeprefix(kind): frozenset(from_json(row["content"], tuple[str, ...])) for row in rows}


def left_out_actions(db: Database, by: str, kind: str) -> dict[str, dict[str, int]]:
    """By plan, what would happen to those whom somebody means to leave out of it: action → changes."""
    rows = db.all(
        "SELECT c.plan_id, c.action, count(*) AS n FROM drafts d JOIN json_each(d.content) k "
        "JOIN changes c ON c.plan_id = substr(d.kind, length(?2) + 1) AND c.key = k.value "
        "WHERE d.by = ?1 AND substr(d.kind, 1, length(?2)) = ?2 GROUP BY c.plan_id, c.action",
        by, kind,
    )  # fmt: skip
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["plan_id"], {})[row["action"]] = row["n"]
    return found


_OVERTAKEN = (
    "SELECT r.id FROM runs r WHERE r.domain_id = p.domain_id AND r.plan_id <> p.id "
    "AND coalesce(r.ended_at, '9') > p.made_at AND EXISTS (SELECT 1 "
    "FROM outcomes o WHERE o.run_id = r.id AND o.result <> ?1 AND o.at > p.made_at)"
)


def last_plans(db: Database) -> dict[int, LastPlan]:
    rows = db.all(
        "WITH newest AS (SELECT max(rowid), id, domain_id, made_at, read_at, mapping_version, settings_version, status, "
        "counts, findings, evidence, undo_of FROM plans GROUP BY domain_id) SELECT p.*, "
        "NOT EXISTS (SELECT 1 FROM approvals WHERE plan_id = p.id) AND NOT EXISTS (SELECT 1 FROM runs WHERE plan_id = p.id) "
        f"AS open, ({_OVERTAKEN}) AS overtaken FROM newest p",
        Result.SKIPPED.value,
    )
    return {
        row["domain_id"]: LastPlan(
            row["id"], to_moment(row["made_at"]), to_moment(row["read_at"]), row["mapping_version"],
            row["settings_version"], PlanStatus(row["status"]), bool(row["open"]), row["overtaken"],
            from_json(row["findings"], tuple[Finding, ...]),
            from_json(row["evidence"], ReadEvidence | None) if row["evidence"] else None,  # type: ignore[arg-type]
            from_json(row["counts"], dict[str, int]), bool(row["undo_of"]),
        )
        for row in rows
    }  # fmt: skip


def last_runs(db: Database) -> dict[int, LastRun]:
    rows = db.all(
        "SELECT id, plan_id, domain_id, status, started_at, ended_at, CASE WHEN status = ?1 THEN (SELECT count(*) FROM outcomes "
        "WHERE run_id = l.id AND result = ?2) ELSE 0 END AS failed "
        "FROM (SELECT id, plan_id, domain_id, status, max(started_at) AS started_at, ended_at FROM runs GROUP BY domain_id) l",
        RunStatus.PARTIAL.value,
        Result.FAILED.value,
    )
    return {
        row["domain_id"]: LastRun(
            row["id"], row["plan_id"], RunStatus(row["status"]), to_moment(row["started_at"]),
            to_moment(row["ended_at"]) if row["ended_at"] else None, row["failed"],
        )
        for row in rows
    }  # fmt: skip


def domains_run(db: Database) -> frozenset[int]:
    """The domains of which a run came to its end."""
    states = (RunStatus.DONE.value, RunStatus.PARTIAL.value)
    return frozenset(
        row["domain_id"] for row in db.all("SELECT DISTINCT domain_id FROM runs WHERE status IN (?, ?)", *states)
    )


def live_users(db: Database) -> dict[int, int]:
    """Live users of the local directory, by domain."""
    rows = db.all("SELECT domain_id, count(*) AS n FROM users WHERE status = ? GROUP BY domain_id", Status.LIVE.value)
    return {row["domain_id"]: row["n"] for row in rows}


def schedule_tables(db: Database) -> dict[int, dict[str, object]]:
    rows = db.all("SELECT id, schedule FROM domains WHERE schedule IS NOT NULL")
    return {row["id"]: msgspec.json.decode(row["schedule"], type=dict[str, object]) for row in rows}


def schedule_states(db: Database) -> dict[int, State]:
    return {row["domain_id"]: from_json(row["state"], State) for row in db.all("SELECT * FROM schedules")}
