"""The JSON documents of the command line, exactly as the contract in docs/command-line.md says."""

from collections.abc import Mapping, Sequence

from provisioning.model import Approval, Finding, Plan, Run

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def plan_document(plan: Plan) -> dict[str, Json]:
    return {
        "plan": plan.id,
        "domain": plan.domain,
        "digest": plan.digest,
        "status": plan.status.value,
        "counts": dict(plan.counts),
        "findings": [finding_document(each) for each in plan.findings],
        "changes": [
            {
                "key": each.key,
                "action": each.action.value,
                "why": each.why,
                "before": dict(each.before),
                "after": dict(each.after),
            }
            for each in plan.changes
        ],
        "held": [{"key": each.key, "code": each.code, "why": each.why} for each in plan.held],
    }


def finding_document(each: Finding) -> dict[str, Json]:
    return {
        "code": each.code,
        "severity": each.severity.value,
        "message": each.message,
        "remedy": each.remedy,
        "numbers": {name: each.numbers.get(name, 0) for name in ("counted", "limit", "of")},
        "keys": list(each.keys),
    }


def run_document(run: Run) -> dict[str, Json]:
    return {
        "run": run.id,
        "plan": run.plan_id,
        "status": run.status.value,
        "counts": run.counts,
        "outcomes": [
            {"key": o.key, "action": o.action.value, "result": o.result.value, "message": o.message}
            for o in run.outcomes
        ],
    }


def approval_document(approval: Approval) -> dict[str, Json]:
    return {
        "plan": approval.plan_id,
        "digest": approval.digest,
        "by": approval.by,
        "at": f"{approval.at:%Y-%m-%dT%H:%M:%SZ}",
        "left_out": list(approval.left_out),
        "overrides": dict(approval.overrides),
        "workbook": approval.workbook,
        "signed_by": approval.signed_by,
        "file": approval.file,
        "sha256": approval.sha256,
    }


def users_document(users: Sequence[tuple[str, str, str, dict[str, str]]]) -> list[Json]:
    return [
        {"id": user, "external_id": link or None, "status": status, "attributes": attributes}
        for user, link, status, attributes in users
    ]
