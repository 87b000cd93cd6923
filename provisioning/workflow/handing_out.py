"""The history of a customer as files. Whatever is handed out is recorded."""

from collections.abc import Sequence
from datetime import UTC, tzinfo
from enum import StrEnum

from provisioning.model import Action
from provisioning.report.differences import in_words
from provisioning.report.tables import Row, as_csv, as_json
from provisioning.report.told import planned
from provisioning.store import customers, runs
from provisioning.workflow.house import Workspace, is_customer, record_event, seen_customer, seen_domain
from provisioning.workflow.looking_back import (
    EVERY_CUSTOMER,
    approvals_seen,
    how_approved,
    overrides_in_words,
    previews_found,
    runs_found,
    runs_recorded,
    timeline,
)
from provisioning.workflow.overseeing import roles_seen
from provisioning.workflow.stored_plans import run_seen


class FileKind(StrEnum):
    CSV = "csv"
    JSON = "json"


def export_runs(
    house: Workspace, label: str, statuses: Sequence[str], text: str, kind: FileKind, zone: tzinfo = UTC
) -> bytes:
    """The runs that `runs_found` finds, as a file."""
    found = runs_found(house, label, statuses, text, zone)
    said = {each.run.id: "no" if each.changed else "yes" for each in runs_recorded(house, label)}
    rows: list[Row] = [
        {"run": run.id, "plan": run.plan_id, "begun": run.started_at.isoformat(), "by": run.by,
         "ended": run.ended_at.isoformat() if run.ended_at else "", "status": run.status.value,
         "as the history recorded it": said.get(run.id, "")}
        | results | {f"done: {name}": number for name, number in actions.items()}
        for run, results, actions in found
    ]  # fmt: skip
    return _handed_out(house, label, "runs", rows, kind)


def export_events(
    house: Workspace, label: str, starts: Sequence[str], text: str, kind: FileKind, zone: tzinfo = UTC
) -> bytes:
    """The events of the `timeline`, as a file."""
    found = timeline(house, label, starts, text, zone)
    rows: list[Row] = [
        {"at": each.at, "who": each.who, "what": each.what, "said": found.told(each).text,
         "details": in_words(found.details(each)), "plan": each.plan or "", "run": each.run or ""}
        for each in found.events
    ]  # fmt: skip
    return _handed_out(house, label, "events", rows, kind)


def export_previews(
    house: Workspace, label: str, states: Sequence[str], text: str, kind: FileKind, zone: tzinfo = UTC
) -> bytes:
    """The previews that `previews_found` finds, as a file. The numbers are what was planned."""
    rows: list[Row] = [
        {"plan": each.plan.id, "made": each.plan.made_at.isoformat(), "by": each.plan.by, "status": each.state.value,
         "takes back": each.plan.undo_of or ""}
        | {name.value: each.plan.counts.get(name.value, 0) for name in Action}
        | {"left out": each.left_out, "held": each.plan.counts.get("held", 0), "digest": each.plan.digest}
        for each in previews_found(house, label, states, text, zone)
    ]  # fmt: skip
    return _handed_out(house, label, "previews", rows, kind)


def export_outcomes(house: Workspace, run_id: str, results: Sequence[str], text: str, kind: FileKind) -> bytes:
    """The outcomes of a run that ended so and fit the text, as a file. Whoever is not in HiBob has no id there."""
    run = run_seen(house, run_id)
    found, _ = runs.find_outcomes(house.db, run.id, results, text, -1, 0)
    rows: list[Row] = [
        {"person": change.name if change else "", "HiBob id": "" if each.key.startswith("user:") else each.key,
         "user id": (change.user_id if change else "") or "", "action": each.action.value, "result": each.result.value,
         "message": each.message, "run": run.id}
        for each, change in found
    ]  # fmt: skip
    return _handed_out(house, customers.domain_by_id(house.db, run.domain_id).label, "outcomes", rows, kind, run.id)


def export_approvals(house: Workspace, label: str, kind: FileKind) -> bytes:
    """What `approvals_seen` finds, as a file."""
    rows: list[Row] = [
        {"at": each.approval.at.isoformat(), "by": each.approval.by, "how": how_approved(each.approval),
         "file": each.approval.file, "file SHA-256": each.approval.sha256,
         "as the history recorded it": "no" if each.changed else "yes",
         "decided by, as the file says": each.approval.signed_by, "preview": planned(each.counts),
         "left out": len(each.approval.left_out), "overridden": overrides_in_words(each.approval),
         "preview made by": each.made_by, "preview made": each.made_at.isoformat(), "digest": each.approval.digest,
         "mapping version": each.mapping_version, "settings version": each.settings_version,
         "plan": each.approval.plan_id, "run": each.run or ""}
        for each in approvals_seen(house, label)
    ]  # fmt: skip
    return _handed_out(house, label, "approvals", rows, kind)


def export_roles(house: Workspace, customer: str, kind: FileKind) -> bytes:
    """Who has which role for a customer now, as a file."""
    rows: list[Row] = [
        {"who": each.email, "role": each.role.value, "for": each.customer or EVERY_CUSTOMER,
         "since": each.since.isoformat() if each.since else "",
         "until": each.until.isoformat() if each.until else ""}
        for each in roles_seen(house, customer)
    ]  # fmt: skip
    return _handed_out(house, customer, "roles", rows, kind)


def _handed_out(
    house: Workspace, label: str, what: str, rows: Sequence[Row], kind: FileKind, run: str | None = None
) -> bytes:
    domain = None if is_customer(house, label) else seen_domain(house, label, "see the history")
    customer_id = domain.customer_id if domain else seen_customer(house, label, "see the history").id
    record_event(
        house, "history exported", domain, customer_id=customer_id, of=what, rows=len(rows), file=kind.value, run=run
    )
    return as_csv(rows) if kind is FileKind.CSV else as_json(rows)
