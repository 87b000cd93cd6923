"""Plans as they were made, their approvals, and what the next plan is compared with. A stored plan never changes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from provisioning.bulk import collector_off
from provisioning.database import Database, Row
from provisioning.errors import NotFound
from provisioning.model import (
    Absence,
    Action,
    Baseline,
    Change,
    Decision,
    Domain,
    Finding,
    Held,
    Legend,
    Plan,
    PlanStatus,
    Proposal,
    ReadEvidence,
    Result,
    RunStatus,
    Seen,
)
from provisioning.store.codec import from_blob, from_json, to_blob, to_json, to_moment, to_text

_ACTIONS = {each.value: each for each in Action}
_values_of = msgspec.json.Decoder(list[dict[str, str | None]]).decode
_seen_of = msgspec.json.Decoder(list[Seen | None]).decode


def new_id(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(5)}"


def save_plan(
    db: Database,
    domain: Domain,
    decision: Decision,
    by: str,
    made_at: datetime,
    read_at: datetime,
    undo_of: str | None = None,
    farewell: bool = False,
) -> str:
    """Store a plan with its people, in bulk, in the caller's transaction or one of its own; returns its id. `undo_of`: the
    run whose way back it is; `farewell`: it archives everybody."""
    plan_id = new_id("plan")
    fed = [each.name for each in domain.attributes if each.data_feed_name]
    with db.transaction():
        db.insert(
            "plans", id=plan_id, domain_id=domain.id, made_at=to_text(made_at), read_at=to_text(read_at), by=by,
            mapping_version=domain.mapping_version, settings_version=domain.settings_version, attributes=to_json(fed),
            status=decision.status.value, digest=decision.digest, counts=to_json(decision.counts),
            findings=to_json(decision.findings),
            baseline=to_blob(decision.baseline) if decision.baseline else None,
            proposals=to_json(decision.proposals), undo_of=undo_of, farewell=int(farewell),
            evidence=to_json(decision.evidence),
        )  # fmt: skip
        db.many(
            "INSERT INTO changes (plan_id, seq, key, action, why, before, after, user_id, seen, name) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((plan_id, seq, *_change_row(each)) for seq, each in enumerate(decision.changes)),
        )
        db.many(
            "INSERT INTO held (plan_id, seq, key, code, why, name) VALUES (?, ?, ?, ?, ?, ?)",
            ((plan_id, seq, h.key, h.code, h.why, h.name) for seq, h in enumerate(decision.held)),
        )
        db.execute("DELETE FROM absences WHERE domain_id = ?", domain.id)
        db.many(
            "INSERT INTO absences (domain_id, user_id, reads, counted_at) VALUES (?, ?, ?, ?)",
            ((domain.id, user, a.reads, to_text(a.counted_at)) for user, a in decision.absences.items()),
        )
    return plan_id


def _change_row(each: Change) -> tuple[str | None, ...]:
    seen = to_json(each.seen) if each.seen else None
    return (
        each.key, each.action.value, each.why, to_json(each.before), to_json(each.after), each.user_id, seen, each.name,
    )  # fmt: skip


def save_legend(db: Database, plan_id: str, legend: Legend) -> None:
    """Part of the transaction that stores the plan."""
    db.insert("legends", plan_id=plan_id, legend=to_json(legend))


def get_plan(db: Database, plan_id: str) -> Plan:
    """The whole plan. Raises `NotFound`."""
    legend = db.one("SELECT legend FROM legends WHERE plan_id = ?", plan_id)
    changes = db.all("SELECT * FROM changes WHERE plan_id = ? ORDER BY seq", plan_id)
    held = db.all("SELECT * FROM held WHERE plan_id = ? ORDER BY seq", plan_id)
    return replace(
        plan_head(db, plan_id),
        changes=changes_of(changes),
        held=tuple(held_of(each) for each in held),
        legend=from_json(legend["legend"], Legend) if legend else Legend(),
    )


def plan_head(db: Database, plan_id: str) -> Plan:
    """The plan without its people, for looking only: it cannot be approved or processed. Raises `NotFound`."""
    row = db.one(
        "SELECT p.*, c.name || '/' || d.name AS label FROM plans p JOIN domains d ON d.id = p.domain_id "
        "JOIN customers c ON c.id = d.customer_id WHERE p.id = ?",
        plan_id,
    )
    if row is None:
        raise NotFound(f"There is no preview “{plan_id}”. The history lists those there are.")
    return Plan(
        id=plan_id,
        domain_id=row["domain_id"],
        domain=row["label"],
        made_at=to_moment(row["made_at"]),
        read_at=to_moment(row["read_at"]),
        by=row["by"],
        mapping_version=row["mapping_version"],
        settings_version=row["settings_version"],
        attributes=from_json(row["attributes"], tuple[str, ...]),
        status=PlanStatus(row["status"]),
        digest=row["digest"],
        counts=from_json(row["counts"], dict[str, int]),
        findings=from_json(row["findings"], tuple[Finding, ...]),
        changes=(),
        held=(),
        proposals=from_json(row["proposals"], tuple[Proposal, ...]),
        undo_of=row["undo_of"],
        farewell=bool(row["farewell"]),
        evidence=from_json(row["evidence"], ReadEvidence | None) if row["evidence"] else None,  # type: ignore[arg-type]
    )


def last_farewell(db: Database, domain_id: int) -> str | None:
    """The newest plan that archives everybody, whatever came of it."""
    row = db.one(
        "SELECT id FROM plans WHERE domain_id = ? AND farewell = 1 ORDER BY made_at DESC, rowid DESC LIMIT 1", domain_id
    )
    return row["id"] if row else None


_FILTER = (
    "FROM changes c WHERE c.plan_id = ?1 AND (?2 = '' OR c.action = ?2) "
    "AND (?3 = '' OR c.action IN ('update', 'reactivate') "
    "AND EXISTS (SELECT 1 FROM json_each(c.after) j WHERE j.key = ?3)) "
    "AND (?4 = '' OR c.key = ?4 OR c.user_id = ?4 OR instr(lower(c.name), lower(?4)) > 0 OR instr(lower(c.why), lower(?4)) > 0 "
    "OR EXISTS (SELECT 1 FROM json_each(c.after) j WHERE instr(lower(j.value), lower(?4)) > 0) "
    "OR EXISTS (SELECT 1 FROM json_each(c.seen, '$.attributes') j WHERE instr(lower(j.value), lower(?4)) > 0)) "
    "AND (?5 = 0 OR EXISTS (SELECT 1 FROM json_each(c.before) j WHERE j.key = ?3 AND j.value IS ?6) "
    "AND EXISTS (SELECT 1 FROM json_each(c.after) j WHERE j.key = ?3 AND j.value IS ?7))"
)


def find_changes(
    db: Database,
    plan_id: str,
    action: str,
    attribute: str,
    text: str,
    most: int,
    skip: int,
    values: tuple[str | None, str | None] | None = None,
) -> tuple[list[Change], int]:
    """One page of a plan's changes, archives first, and how many fit; "" leaves a filter out. `values`: of the attribute, the
    value before and the one after."""
    wanted = (plan_id, action, attribute, text, int(values is not None), *(values or (None, None)))
    count = db.one(f"SELECT count(*) AS n {_FILTER}", *wanted)
    rows = db.all(f"SELECT * {_FILTER} ORDER BY c.action <> 'archive', c.seq LIMIT ?8 OFFSET ?9", *wanted, most, skip)
    return list(changes_of(rows)), int(count["n"]) if count else 0


def changed_attributes(db: Database, plan_id: str, left_out: Sequence[str] = ()) -> dict[str, int]:
    """How many existing users but these get another value, per attribute, most first."""
    rows = db.all(
        "SELECT j.key AS name, count(*) AS n FROM changes c, json_each(c.after) j WHERE c.plan_id = ?1 "
        "AND c.action IN ('update', 'reactivate') AND j.key NOT IN ('status', 'external_id', 'domain') "
        "AND c.key NOT IN (SELECT value FROM json_each(?2)) GROUP BY j.key ORDER BY n DESC, name",
        plan_id, to_json(list(left_out)),
    )  # fmt: skip
    return {row["name"]: row["n"] for row in rows}


def find_held(
    db: Database, plan_id: str, code: str, text: str, most: int, skip: int, codes: Sequence[str] = ()
) -> tuple[list[Held], int]:
    """One page of those whom a plan holds back, and how many fit; "" leaves a filter out. `codes`: those whose words hold
    the text."""
    where = (
        "FROM held WHERE plan_id = ?1 AND (?2 = '' OR key = ?2 OR code = ?2 OR instr(lower(name), lower(?2)) > 0 "
        "OR instr(replace(code, '-', ' '), lower(?2)) > 0 OR instr(lower(why), lower(?2)) > 0 "
        "OR code IN (SELECT value FROM json_each(?3))) AND (?4 = '' OR code = ?4)"
    )
    wanted = (plan_id, text, to_json(list(codes)), code)
    count = db.one(f"SELECT count(*) AS n {where}", *wanted)
    rows = db.all(f"SELECT * {where} ORDER BY seq LIMIT ?5 OFFSET ?6", *wanted, most, skip)
    return [held_of(row) for row in rows], int(count["n"]) if count else 0


def names_of(db: Database, plan_id: str, keys: Sequence[str]) -> dict[str, str]:
    """What to call these people of a plan, changed or held."""
    rows = db.all(
        "SELECT key, name FROM changes WHERE plan_id = ?1 AND key IN (SELECT value FROM json_each(?2)) "
        "UNION SELECT key, name FROM held WHERE plan_id = ?1 AND key IN (SELECT value FROM json_each(?2))",
        plan_id, to_json(list(keys)),
    )  # fmt: skip
    return {row["key"]: row["name"] for row in rows}


Concerned = tuple[str, str, str]
"""Whom a change is about: (key, action, what to call them)."""


@dataclass(frozen=True, slots=True)
class Lately:
    """Whom a run concerned, and when that began; None: there is no such run, or it concerned nobody so."""

    people: tuple[Concerned, ...]
    began: datetime | None


def left_out_last(
    db: Database, domain_id: int, before: datetime | None = None, since: datetime | None = None
) -> Lately:
    """Whom the approval of a domain's last run left out, of what. Ways back are no part of that. `before`: the last run that began
    before; `since`: nobody, where it was approved earlier."""
    rows = db.all(
        "WITH last AS (SELECT a.plan_id, a.left_out, a.at, r.started_at FROM runs r JOIN approvals a ON a.plan_id = r.plan_id "
        "JOIN plans p ON p.id = r.plan_id AND p.undo_of IS NULL "
        "WHERE r.domain_id = ?1 AND r.started_at < ?2 ORDER BY r.rowid DESC, a.id DESC LIMIT 1) "
        "SELECT c.key, c.action, c.name, last.started_at FROM last JOIN changes c ON c.plan_id = last.plan_id "
        "WHERE last.at > ?3 AND c.key IN (SELECT value FROM json_each(last.left_out)) ORDER BY c.seq",
        domain_id, to_text(before) if before else "9", to_text(since) if since else "",
    )  # fmt: skip
    return _concerned(rows)


def taken_back_last(db: Database, domain_id: int, before: datetime | None = None) -> Lately:
    """Whom a domain's last run took back, where it took one back. `before`: the last run that began before."""
    rows = db.all(
        "WITH last AS (SELECT r.id, r.plan_id, r.started_at, p.undo_of FROM runs r JOIN plans p ON p.id = r.plan_id "
        "WHERE r.domain_id = ?1 AND r.started_at < ?2 ORDER BY r.rowid DESC LIMIT 1) "
        "SELECT c.key, c.action, c.name, last.started_at FROM last JOIN outcomes o ON o.run_id = last.id AND o.result = ?3 "
        "JOIN changes c ON c.plan_id = last.plan_id AND c.key = o.key AND c.action = o.action "
        "WHERE last.undo_of IS NOT NULL ORDER BY c.seq",
        domain_id, to_text(before) if before else "9", Result.DONE.value,
    )  # fmt: skip
    return _concerned(rows)


def failed_last(db: Database, domain_id: int, before: datetime) -> Lately:
    """Who failed in a domain's last run, also when those who had failed were tried again. Ways back are no part of that. `before`:
    the last run that began before."""
    rows = db.all(
        "WITH last AS (SELECT r.id, r.plan_id, r.started_at FROM runs r JOIN plans p ON p.id = r.plan_id "
        "AND p.undo_of IS NULL WHERE r.domain_id = ?1 AND r.started_at < ?2 ORDER BY r.rowid DESC LIMIT 1) "
        "SELECT c.key, c.action, c.name, last.started_at FROM last JOIN outcomes o ON o.run_id = last.id AND o.result = ?3 "
        "JOIN changes c ON c.plan_id = last.plan_id AND c.key = o.key AND c.action = o.action ORDER BY c.seq",
        domain_id, to_text(before), Result.FAILED.value,
    )  # fmt: skip
    return _concerned(rows)


def among(db: Database, plan_id: str, people: Sequence[Concerned]) -> list[Concerned]:
    """Those of a plan's changes that are about these people, of the same action."""
    wanted = {(key, action) for key, action, _ in people}
    found = changes_with_keys(db, plan_id, sorted({key for key, _ in wanted}), tuple(Action))
    return [
        (each.key, each.action.value, each.name or each.key)
        for each in found
        if (each.key, each.action.value) in wanted
    ]


def _concerned(rows: Sequence[Row]) -> Lately:
    people = tuple((row["key"], row["action"], row["name"] or row["key"]) for row in rows)
    return Lately(people, to_moment(rows[0]["started_at"]) if rows else None)


def held_of(row: Row) -> Held:
    return Held(row["key"], row["code"], row["why"], row["name"])


def recent_plans(db: Database, domain_id: int, most: int) -> list[Plan]:
    """The last plans, newest first, without their people."""
    rows = db.all("SELECT id FROM plans WHERE domain_id = ? ORDER BY rowid DESC LIMIT ?", domain_id, most)
    return [plan_head(db, row["id"]) for row in rows]


def changes_with_keys(db: Database, plan_id: str, keys: Sequence[str], actions: Sequence[Action]) -> tuple[Change, ...]:
    """What a plan means to do for these people, of these actions."""
    rows = db.all(
        "SELECT * FROM changes WHERE plan_id = ?1 AND key IN (SELECT value FROM json_each(?2)) "
        "AND action IN (SELECT value FROM json_each(?3)) ORDER BY seq",
        plan_id, to_json(list(keys)), to_json([each.value for each in actions]),
    )  # fmt: skip
    return changes_of(rows)


def changes_of(rows: Sequence[Row]) -> tuple[Change, ...]:
    """Column by column: a plan's people are decoded at once."""
    with collector_off():
        before, after = (_values_of(f"[{','.join(row[name] for row in rows)}]") for name in ("before", "after"))
        seen = _seen_of(f"[{','.join(row['seen'] or 'null' for row in rows)}]")
        return tuple(
            Change(row["key"], _ACTIONS[row["action"]], row["why"], old, new, row["user_id"], as_seen, row["name"])
            for row, old, new, as_seen in zip(rows, before, after, seen, strict=True)
        )


def run_statuses(db: Database, domain_id: int) -> dict[str, RunStatus]:
    """How the latest run of each of a domain's plans ended, or that it runs."""
    rows = db.all("SELECT plan_id, status FROM runs WHERE domain_id = ? ORDER BY rowid", domain_id)
    return {row["plan_id"]: RunStatus(row["status"]) for row in rows}


# --- what the next plan is compared with ------------------------------------------------------------------


def get_baseline(db: Database, domain_id: int) -> Baseline | None:
    row = db.one("SELECT baseline FROM baselines WHERE domain_id = ?", domain_id)
    return from_blob(row["baseline"], Baseline) if row else None


def take_baseline(db: Database, plan_id: str) -> None:
    """The plan's read becomes its domain's baseline: the plan was processed, or empty. It is kept once, as long as the head
    count: the plan itself needs it no more."""
    db.execute(
        "INSERT OR REPLACE INTO baselines (domain_id, plan_id, baseline) "
        "SELECT domain_id, id, baseline FROM plans WHERE id = ? AND baseline IS NOT NULL",
        plan_id,
    )
    db.execute("UPDATE plans SET baseline = NULL WHERE id = ?", plan_id)


def drop_old_baselines(db: Database, domain_id: int, before: datetime) -> None:
    """Plans made before, which can no longer be approved or processed, need not keep their read's ids."""
    db.execute("UPDATE plans SET baseline = NULL WHERE domain_id = ? AND made_at < ?", domain_id, to_text(before))


def old_plans(db: Database, domain_id: int, before: datetime) -> list[str]:
    """Plans made before a moment, unless a run of theirs did something since."""
    rows = db.all(
        "SELECT p.id FROM plans p WHERE p.domain_id = ?1 AND p.made_at < ?2 AND NOT EXISTS (SELECT 1 FROM runs r "
        "WHERE r.plan_id = p.id AND (r.started_at >= ?2 OR r.ended_at >= ?2 "
        "OR EXISTS (SELECT 1 FROM outcomes o WHERE o.run_id = r.id AND o.at >= ?2)))",
        domain_id, to_text(before),
    )  # fmt: skip
    return [row["id"] for row in rows]


def remove_plans(db: Database, domain_id: int, plan_ids: Sequence[str]) -> None:
    """Plans with all that hangs on them: people, approvals, runs, outcomes, and drafts of their approval."""
    db.many(
        "DELETE FROM drafts WHERE domain_id = ? AND kind = ?", ((domain_id, f"approval {each}") for each in plan_ids)
    )
    db.many("DELETE FROM plans WHERE domain_id = ? AND id = ?", ((domain_id, each) for each in plan_ids))


def get_absences(db: Database, domain_id: int) -> dict[str, Absence]:
    rows = db.all("SELECT user_id, reads, counted_at FROM absences WHERE domain_id = ?", domain_id)
    return {row["user_id"]: Absence(row["reads"], to_moment(row["counted_at"])) for row in rows}
