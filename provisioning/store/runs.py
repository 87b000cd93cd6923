"""Runs and their journal: one outcome per change, written before the next chunk starts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from provisioning.bulk import collector_off
from provisioning.database import Database, Row
from provisioning.errors import NotFound
from provisioning.model import Action, Change, Outcome, Result, Run, RunStatus
from provisioning.store.codec import to_json, to_moment, to_text
from provisioning.store.plans import changes_of, new_id

_ACTIONS = {each.value: each for each in Action}
_RESULTS = {each.value: each for each in Result}
KEPT_ACTIVE = "Kept active, as was decided on this preview."
"""What is journalled of somebody who was left out because they must stay."""


def start_run(db: Database, plan_id: str, domain_id: int, by: str, at: datetime, retry_of: str | None = None) -> Run:
    run_id = new_id("run")
    db.insert(
        "runs", id=run_id, plan_id=plan_id, domain_id=domain_id, status=RunStatus.RUNNING.value,
        started_at=to_text(at), by=by, retry_of=retry_of,
    )  # fmt: skip
    return get_run(db, run_id)


def get_run(db: Database, run_id: str) -> Run:
    """The run with its outcomes. Raises `NotFound`."""
    row = db.one("SELECT * FROM runs WHERE id = ?", run_id)
    if row is None:
        raise NotFound(f"There is no run “{run_id}”. The history lists those there are.")
    return _run(db, row)


def kept_active(db: Database, run_id: str) -> frozenset[str]:
    """The keys of those whom a run left alone because they were decided to stay active."""
    rows = db.all(
        "SELECT key FROM outcomes WHERE run_id = ? AND result = ? AND message = ?",
        run_id, Result.SKIPPED.value, KEPT_ACTIVE,
    )  # fmt: skip
    return frozenset(row["key"] for row in rows)


def latest_run(db: Database, plan_id: str) -> Run | None:
    """The newest by the order of starting, for a clock may be set back."""
    row = db.one("SELECT * FROM runs WHERE plan_id = ? ORDER BY rowid DESC LIMIT 1", plan_id)
    return _run(db, row) if row else None


def recent_runs(db: Database, domain_id: int, most: int) -> list[tuple[Run, dict[str, int], dict[str, int]]]:
    """The last runs, newest first, without their outcomes: (run, people per result, people done per action). `most` -1: all."""
    rows = db.all("SELECT * FROM runs WHERE domain_id = ? ORDER BY rowid DESC LIMIT ?", domain_id, most)
    return [(_head(row), *_tally(db, row["id"])) for row in rows]


def count_results(db: Database, run_id: str) -> dict[str, int]:
    """People per result so far, without their outcomes."""
    return _tally(db, run_id)[0]


def _tally(db: Database, run_id: str) -> tuple[dict[str, int], dict[str, int]]:
    results = {each.value: 0 for each in Result}
    actions = {each.value: 0 for each in Action}
    for row in db.all(
        "SELECT action, result, count(*) AS n FROM outcomes WHERE run_id = ? GROUP BY action, result", run_id
    ):
        results[row["result"]] += row["n"]
        actions[row["action"]] += row["n"] if row["result"] == Result.DONE.value else 0
    return results, actions


_LAST = (
    "WITH last AS (SELECT o.key, o.action, o.result, max(r.rowid) FROM runs r JOIN outcomes o ON o.run_id = r.id "
    "WHERE r.plan_id = ? GROUP BY o.key, o.action)"
)
"""How each change of a plan ended: of those that were tried again the last time counts."""


def done_of_plan(db: Database, plan_id: str) -> dict[str, int]:
    """Action → how many changes of a plan were done, in all of its runs."""
    rows = db.all(
        f"{_LAST} SELECT action, count(*) AS n FROM last WHERE result = ? GROUP BY action", plan_id, Result.DONE.value
    )
    return {row["action"]: row["n"] for row in rows}


def not_done_of_plan(db: Database, plan_id: str) -> dict[str, list[str]]:
    """Result → the keys of the people for whom a change of a plan ended so, and not as done."""
    rows = db.all(f"{_LAST} SELECT DISTINCT key, result FROM last WHERE result <> ?", plan_id, Result.DONE.value)
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["result"], []).append(row["key"])
    return found


def ways_back(db: Database, domain_id: int) -> dict[str, Run]:
    """The run that was taken back → the newest run that took it back, without its outcomes; of a domain."""
    rows = db.all(
        "SELECT r.*, p.undo_of FROM runs r JOIN plans p ON p.id = r.plan_id WHERE r.domain_id = ? AND p.undo_of IS NOT NULL "
        "ORDER BY r.rowid",
        domain_id,
    )
    return {row["undo_of"]: _head(row) for row in rows}


def retried_by(db: Database, run_id: str) -> Run | None:
    """The run that tried those again who failed in this one, without its outcomes."""
    row = db.one("SELECT * FROM runs WHERE retry_of = ? ORDER BY rowid DESC LIMIT 1", run_id)
    return _head(row) if row else None


def find_outcomes(
    db: Database, run_id: str, results: Sequence[str], text: str, most: int, skip: int
) -> tuple[list[tuple[Outcome, Change | None]], int]:
    """One page of a run's outcomes, each with the change that was to be made, and how many there are: first whoever needs
    somebody, then in the order in which they were reached."""
    marks = ", ".join("?" for _ in results)
    where = (
        f"FROM outcomes o JOIN runs r ON r.id = o.run_id LEFT JOIN changes c ON c.plan_id = r.plan_id AND c.key = o.key "
        f"AND c.action = o.action WHERE o.run_id = ? AND o.result IN ({marks}) "
        "AND (? = '' OR instr(lower(c.name), lower(?)) > 0 OR o.key = ? OR instr(lower(o.message), lower(?)) > 0)"
    )
    values = (run_id, *results, text, text, text, text)
    count = db.one(f"SELECT count(*) AS n {where}", *values)
    rows = db.all(
        f"SELECT o.key, o.action, o.result, o.message, c.why, c.before, c.after, c.user_id, c.seen, c.name {where} "
        "ORDER BY CASE o.result WHEN ? THEN 0 WHEN ? THEN 1 ELSE 2 END, o.seq LIMIT ? OFFSET ?",
        *values, Result.FAILED.value, Result.DRIFTED.value, most, skip,
    )  # fmt: skip
    outcomes = [Outcome(row["key"], Action(row["action"]), Result(row["result"]), row["message"]) for row in rows]
    planned = iter(changes_of([row for row in rows if row["before"] is not None]))
    return [
        (outcome, next(planned) if row["before"] is not None else None)
        for outcome, row in zip(outcomes, rows, strict=True)
    ], int(count["n"]) if count else 0


def _head(row: Row) -> Run:
    return Run(
        id=row["id"],
        plan_id=row["plan_id"],
        domain_id=row["domain_id"],
        status=RunStatus(row["status"]),
        started_at=to_moment(row["started_at"]),
        by=row["by"],
        ended_at=to_moment(row["ended_at"]) if row["ended_at"] else None,
        retry_of=row["retry_of"],
        note=row["note"],
    )


def _run(db: Database, row: Row) -> Run:
    rows = db.all("SELECT key, action, result, message FROM outcomes WHERE run_id = ? ORDER BY seq", row["id"])
    with collector_off():
        outcomes = tuple(Outcome(key, _ACTIONS[action], _RESULTS[result], said) for key, action, result, said in rows)
    return replace(_head(row), outcomes=outcomes)


def journal(db: Database, run_id: str, outcomes: Sequence[Outcome], at: datetime) -> None:
    """Add outcomes to a run, in the caller's transaction or one of its own."""
    with db.transaction():
        last = db.one("SELECT coalesce(max(seq), -1) AS seq FROM outcomes WHERE run_id = ?", run_id)
        first = last["seq"] + 1 if last else 0
        moment = to_text(at)
        db.many(
            "INSERT INTO outcomes (run_id, seq, key, action, result, message, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (run_id, first + place, o.key, o.action.value, o.result.value, o.message, moment)
                for place, o in enumerate(outcomes)
            ),
        )


def end_run(
    db: Database, run_id: str, status: RunStatus, at: datetime, note: str = "", live: int | None = None
) -> None:
    """`note`: why it stopped early, in a sentence; `live`: the domain's live users now."""
    done = "(SELECT count(*) FROM outcomes WHERE run_id = ?1 AND action = {} AND result = ?2)"
    db.execute(
        "UPDATE runs SET status = ?3, ended_at = ?4, note = ?5, live = ?6, "
        f"added = {done.format('?7')}, reactivated = {done.format('?8')}, archived = {done.format('?9')} WHERE id = ?1",
        run_id, Result.DONE.value, status.value, to_text(at), note, live, Action.ADD.value, Action.REACTIVATE.value,
        Action.ARCHIVE.value,
    )  # fmt: skip


def reopen_run(db: Database, run_id: str) -> None:
    """A stopped or interrupted run goes on."""
    db.execute(
        "UPDATE runs SET status = ?, ended_at = NULL, stop_asked = 0, note = '' WHERE id = ?",
        RunStatus.RUNNING.value,
        run_id,
    )


def ask_to_stop(db: Database, run_id: str) -> None:
    db.execute("UPDATE runs SET stop_asked = 1 WHERE id = ?", run_id)


def stop_asked(db: Database, run_id: str) -> bool:
    row = db.one("SELECT stop_asked FROM runs WHERE id = ?", run_id)
    return bool(row and row["stop_asked"])


def another_run_since(db: Database, domain_id: int, plan_id: str, since: datetime) -> str | None:
    """A run of another plan of the domain that wrote or tried something since then, whenever it began."""
    row = db.one(
        "SELECT r.id FROM runs r WHERE r.domain_id = ? AND r.plan_id <> ? AND EXISTS "
        "(SELECT 1 FROM outcomes o WHERE o.run_id = r.id AND o.result <> 'skipped' AND o.at > ?) ORDER BY r.started_at DESC LIMIT 1",
        domain_id, plan_id, to_text(since),
    )  # fmt: skip
    return row["id"] if row else None


def last_moment(db: Database, domain_id: int) -> datetime | None:
    """The latest that anything of the domain is said to have happened: a plan made, a run begun or ended, an outcome
    journalled."""
    row = db.one(
        "SELECT max(at) AS at FROM (SELECT max(made_at) AS at FROM plans WHERE domain_id = ?1 UNION ALL "
        "SELECT max(coalesce(ended_at, started_at)) FROM runs WHERE domain_id = ?1 UNION ALL "
        "SELECT max(o.at) FROM outcomes o JOIN runs r ON r.id = o.run_id WHERE r.domain_id = ?1 AND r.ended_at IS NULL)",
        domain_id,
    )
    return to_moment(row["at"]) if row and row["at"] else None


def archived_since(db: Database, domain_id: int, since: datetime) -> int:
    """How many people all runs of the domain archived since then."""
    row = db.one(
        "SELECT count(*) AS n FROM outcomes o JOIN runs r ON r.id = o.run_id WHERE r.domain_id = ? AND o.action = ? "
        "AND o.result = ? AND o.at >= ?",
        domain_id, Action.ARCHIVE.value, Result.DONE.value, to_text(since),
    )  # fmt: skip
    return int(row["n"]) if row else 0


def outcomes_of_person(db: Database, domain_id: int, keys: Sequence[str]) -> list[tuple[str, Outcome]]:
    """(when, outcome) of everything ever done for somebody, under any of their keys, newest first."""
    rows = db.all(
        "SELECT o.* FROM outcomes o JOIN runs r ON r.id = o.run_id WHERE r.domain_id = ? AND o.key IN (SELECT value "
        "FROM json_each(?)) ORDER BY o.at DESC, o.seq DESC",
        domain_id, to_json(list(keys)),
    )  # fmt: skip
    return [
        (row["at"], Outcome(row["key"], Action(row["action"]), Result(row["result"]), row["message"])) for row in rows
    ]
