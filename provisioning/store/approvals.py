"""Approvals of plans, and the workbooks by which they were given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from provisioning.database import Database, Row
from provisioning.model import Approval
from provisioning.store.codec import from_json, to_json, to_moment, to_text


def save_approval(db: Database, approval: Approval, workbook: bytes | None = None) -> None:
    """With the workbook that decided it. Part of the caller's transaction."""
    db.insert(
        "approvals", plan_id=approval.plan_id, digest=approval.digest, by=approval.by, at=to_text(approval.at),
        left_out=to_json(approval.left_out), overrides=to_json(approval.overrides), workbook=int(approval.workbook),
        standing=int(approval.standing),
        signed_by=approval.signed_by,
    )  # fmt: skip
    if workbook is not None:
        db.execute(
            "INSERT INTO uploads (approval_id, name, sha256, content) "
            "SELECT max(id), ?, ?, ? FROM approvals WHERE plan_id = ?",
            approval.file, approval.sha256, workbook, approval.plan_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upload:
    """A workbook by which somebody approved. `kept`: whether its content still is."""

    at: datetime
    by: str
    name: str
    sha256: str
    kept: bool


def uploads(db: Database, plan_id: str) -> list[Upload]:
    """The workbooks by which a plan was approved, newest first."""
    rows = db.all(
        "SELECT a.at, a.by, u.name, u.sha256, u.content IS NOT NULL AS kept FROM uploads u "
        "JOIN approvals a ON a.id = u.approval_id WHERE a.plan_id = ? ORDER BY a.id DESC",
        plan_id,
    )
    return [Upload(to_moment(row["at"]), row["by"], row["name"], row["sha256"], bool(row["kept"])) for row in rows]


def uploaded(db: Database, plan_id: str, sha256: str) -> bytes | None:
    """The content of one of them, exactly as it came; None when there is none, or it was removed."""
    row = db.one(
        "SELECT u.content FROM uploads u JOIN approvals a ON a.id = u.approval_id "
        "WHERE a.plan_id = ? AND u.sha256 = ? AND u.content IS NOT NULL",
        plan_id, sha256,
    )  # fmt: skip
    return row["content"] if row else None


def get_approval(db: Database, plan_id: str) -> Approval | None:
    """The approval in force: the latest."""
    row = db.one(f"SELECT a.*, {_FILE} WHERE a.plan_id = ? ORDER BY a.id DESC LIMIT 1", plan_id)
    return _approval(row) if row else None


def left_out_counts(db: Database, domain_id: int) -> dict[str, int]:
    """How many people the approval in force leaves out, of each plan of a domain that has one."""
    rows = db.all(
        "SELECT a.plan_id, json_array_length(a.left_out) AS n FROM approvals a JOIN plans p ON p.id = a.plan_id "
        "WHERE p.domain_id = ? ORDER BY a.id",
        domain_id,
    )
    return {row["plan_id"]: row["n"] for row in rows}


_FILE = "coalesce(u.name, '') AS file, coalesce(u.sha256, '') AS sha256 FROM approvals a LEFT JOIN uploads u ON u.approval_id = a.id"
"""The workbook by which it was approved, if it was by one."""


@dataclass(frozen=True, slots=True)
class PastApproval:
    """An approval, and what it was about: who made the preview, when, of which versions, what it came to; `run`: the one that
    processed it, None when none did."""

    approval: Approval
    made_by: str
    made_at: datetime
    mapping_version: int
    settings_version: int
    counts: Mapping[str, int]
    run: str | None
    changed: bool = False
    """Whether the history recorded it otherwise."""


def past_approvals(db: Database, domain_id: int) -> list[PastApproval]:
    """All of a domain's that are kept, newest first. A preview that was approved again stands here as often; a run belongs to the
    approval in force when it began."""
    rows = db.all(
        "SELECT a.*, p.by AS made_by, p.made_at, p.mapping_version, p.settings_version, p.counts, "
        "(SELECT r.id FROM runs r WHERE r.plan_id = p.id AND r.started_at >= a.at AND NOT EXISTS (SELECT 1 FROM approvals b "
        "WHERE b.plan_id = p.id AND b.id > a.id AND b.at <= r.started_at) ORDER BY r.rowid LIMIT 1) AS run, "
        f"{_FILE} JOIN plans p ON p.id = a.plan_id WHERE p.domain_id = ? ORDER BY a.id DESC",
        domain_id,
    )
    return [
        PastApproval(
            _approval(row), row["made_by"], to_moment(row["made_at"]), row["mapping_version"], row["settings_version"],
            from_json(row["counts"], dict[str, int]), row["run"],
        )
        for row in rows
    ]  # fmt: skip


def _approval(row: Row) -> Approval:
    return Approval(
        plan_id=row["plan_id"],
        digest=row["digest"],
        by=row["by"],
        at=to_moment(row["at"]),
        left_out=from_json(row["left_out"], tuple[str, ...]),
        overrides=from_json(row["overrides"], dict[str, str]),
        workbook=bool(row["workbook"]),
        standing=bool(row["standing"]),
        signed_by=row["signed_by"],
        file=row["file"],
        sha256=row["sha256"],
    )
