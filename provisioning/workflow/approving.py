"""Approving a plan as it stands, on the page or by workbook."""

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

import msgspec

from provisioning.engine.limits import concerns
from provisioning.errors import Lapsed, NotFound, Refused, RoleMissing, UsageError
from provisioning.model import (
    PLAN_LIFETIME,
    Action,
    Approval,
    Change,
    Domain,
    Plan,
)
from provisioning.report.workbook import WorkbookDecisions, read_workbook
from provisioning.store import customers, drafts, plans, runs
from provisioning.store.plans import DecisionKind, PersonDecision
from provisioning.workflow.house import PREPARERS, Workspace, record_event, require
from provisioning.workflow.planning import approval_of, decisions_of, domain_of, plan_seen, run_of, show_plan, write_out

NOT_SAID = "not said"  # of who decided, when the workbook leaves it blank


def approve(
    house: Workspace,
    plan_id: str,
    *,
    leave_out: Sequence[str] = (),
    only: Sequence[str] = (),
    overrides: Mapping[str, str] | None = None,
    workbook: BinaryIO | None = None,
) -> Approval:
    """Approve a plan as it stands, but for the people left out. Nothing is recorded when it is refused."""
    plan = plans.get_plan(house.db, plan_id)
    domain = domain_of(house, plan)
    if house.actor.email is None:
        raise RoleMissing("The operator may prepare, but not approve. Say who approves: --by EMAIL.")
    require(house, domain.customer_id, PREPARERS, "approve")
    decided = read_workbook(plan, workbook) if workbook else None
    left_out = _left_out(plan, leave_out, only) | set(decided.left_out if decided else ())
    overrides = dict(overrides or {})
    approval = Approval(
        plan.id, plan.digest, house.actor.name, house.clock(), tuple(sorted(left_out)), overrides, decided is not None,
        decided.signed_by if decided else "",
        standing=house.actor.scheduled,
    )  # fmt: skip
    with house.db.transaction():
        check_current(house, plan, domain)
        if runs.latest_run(house.db, plan.id):
            raise Refused(f"Preview {plan.id} was approved and processed already. Make a new preview.")
        _check_two_people(house, plan, domain)
        _check_overrides(house, plan, overrides)
        _check_members(house, plan, domain, left_out)
        plans.save_approval(house.db, approval)
        if decided and decided.protected:
            protect = [PersonDecision(DecisionKind.PROTECT, key) for key in decided.protected]
            plans.decide(house.db, domain.id, protect, house.actor.name, approval.at, plan.id)
        record_event(
            house, "plan approved", domain, plan=plan.id, digest=plan.digest, left_out=list(approval.left_out),
            overrides=_override_details(plan, overrides), workbook=approval.workbook,
            protected=list(decided.protected) if decided else [], **_claims(decided),
        )  # fmt: skip
    return approval


def _claims(decided: WorkbookDecisions | None) -> dict[str, str]:
    """Who decided, and who saved the file last, as the file says: nobody has checked either."""
    if decided is None:
        return {}
    saved_by = {"saved_by": decided.saved_by} if decided.saved_by else {}
    return {"signed_by": decided.signed_by or NOT_SAID, **saved_by}


def _left_out(plan: Plan, leave_out: Sequence[str], only: Sequence[str]) -> set[str]:
    keys = {change.key for change in plan.changes}
    for named in (*leave_out, *only):
        if named not in keys:
            raise NotFound(f"Preview {plan.id} changes nobody with the key “{named}”.")
    return set(leave_out) | (keys - set(only) if only else set())


def check_current(house: Workspace, plan: Plan, domain: Domain) -> None:
    """Raises `Lapsed` when the plan was overtaken."""
    again = "Make a new preview."
    if house.clock() - plan.made_at > PLAN_LIFETIME:
        raise Lapsed(f"Preview {plan.id} is older than {PLAN_LIFETIME.days} days. {again}")
    if plan.mapping_version != domain.mapping_version:
        raise Lapsed(
            f"The mapping changed since preview {plan.id} (version {plan.mapping_version}, now {domain.mapping_version}). {again}"
        )
    if plan.settings_version != domain.settings_version:
        raise Lapsed(
            f"The settings changed since preview {plan.id} (version {plan.settings_version}, now {domain.settings_version}). {again}"
        )
    other = runs.another_run_since(house.db, domain.id, plan.id, plan.made_at)
    if other:
        raise Lapsed(f"Another run of {domain.label} was processed since preview {plan.id} ({other}). {again}")


def _check_two_people(house: Workspace, plan: Plan, domain: Domain) -> None:
    needed = domain.settings.two_people
    # The whole plan counts: whoever leaves people out does not get below the number by it.
    if needed and len(plan.changes) >= int(needed) and house.actor.name in (plan.by, domain.mapping_by):
        many = "" if needed is True else f" from {needed:,} changes on, and this plan has {len(plan.changes):,}"
        raise Refused(
            f"This domain needs two people{many}: whoever made the mapping or asked for the preview cannot be the one to "
            "approve it. Ask another admin or CSM."
        )


def _check_overrides(house: Workspace, plan: Plan, overrides: Mapping[str, str]) -> None:
    blocks = {each.code: each for each in plan.blocks}
    for code, reason in overrides.items():
        if code not in blocks:
            raise UsageError(f"Preview {plan.id} is not blocked by “{code}”; there is nothing to override.")
        if not reason.strip():
            raise UsageError(f"Overriding {code} takes a reason: --override {code}=REASON.")
    open_blocks = [each for each in plan.blocks if each.code not in overrides]
    if open_blocks:
        first = open_blocks[0]
        more = f" ({len(open_blocks)} blocks in all: {', '.join(each.code for each in open_blocks)})"
        raise Refused(
            f"Preview {plan.id} is blocked by {first.code}: {first.message} {first.remedy}{more if len(open_blocks) > 1 else ''} "
            f"On the command line: --override {first.code}=REASON."
        )
    if "self-archive" in overrides and _archives(plan, blocks["self-archive"].keys, [house.actor.email or ""]):
        raise Refused("This preview archives you. Somebody else must override that, or protect you.")


def _archives(plan: Plan, keys: Sequence[str], emails: Sequence[str]) -> list[Change]:
    """The archives among these people that concern one of these e-mails."""
    return [
        each for each in plan.changes if each.action is Action.ARCHIVE and each.key in keys and concerns(each, emails)
    ]


def _check_members(house: Workspace, plan: Plan, domain: Domain, left_out: set[str]) -> None:
    """Somebody may have become a member, or be looking, only since the plan was made: it says nothing of them."""
    told = {key for each in plan.findings if each.code == "self-archive" for key in each.keys}
    told |= decisions_of(house, domain).confirmed
    emails = customers.in_charge(house.db, domain.customer_id)
    keys = {change.key for change in plan.changes} - left_out - told
    found = _archives(plan, sorted(keys), [*emails, house.actor.email or ""])
    if found:
        raise Refused(
            f"This preview archives {len(found)} people who manage Rollcall for this customer since it was made. Leave them "
            "out, or make a new preview."
        )


def _override_details(plan: Plan, overrides: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        {"code": each.code, "reason": overrides[each.code], "numbers": dict(each.numbers)}
        for each in plan.blocks
        if each.code in overrides
    ]


def lapsed(house: Workspace, plan_id: str) -> str | None:
    """Why a plan can no longer be approved or processed, in one sentence."""
    plan = plan_seen(house, plan_id)
    try:
        check_current(house, plan, domain_of(house, plan))
    except Lapsed as problem:
        return str(problem)
    return None


def left_out_draft(house: Workspace, plan_id: str) -> tuple[str, ...]:
    """The people whom the actor means to leave out of the approval."""
    plan = plan_seen(house, plan_id)
    draft = drafts.find(house.db, plan.domain_id, f"approval {plan.id}", house.actor.name)
    return msgspec.json.decode(draft.content, type=tuple[str, ...]) if draft else ()


def keep_left_out(house: Workspace, plan_id: str, keys: Iterable[str]) -> None:
    plan = plan_seen(house, plan_id)
    require(house, domain_of(house, plan).customer_id, PREPARERS, "decide who is left out")
    draft = drafts.Draft(plan.mapping_version, msgspec.json.encode(sorted(set(keys))).decode())
    drafts.keep(house.db, plan.domain_id, f"approval {plan.id}", house.actor.name, draft, house.clock())


def export_decided_workbook(house: Workspace, plan_id: str, file: BinaryIO) -> None:
    """The plan's Excel file with the decisions that there are: once processed those approved, before it the draft's."""
    plan, approval = show_plan(house, plan_id), approval_of(house, plan_id)
    decided = approval.left_out if approval and run_of(house, plan_id) else left_out_draft(house, plan_id)
    write_out(house, plan, file, decided)


def approve_by_workbook(
    house: Workspace, plan_id: str, workbook: BinaryIO, overrides: Mapping[str, str] | None = None
) -> Approval:
    """Approve as a file decides, and make that the draft. Whoever is in no sheet of it (to be moved or linked) is
    decided by the draft."""
    draft = set(left_out_draft(house, plan_id))
    in_file = {each.key for each in show_plan(house, plan_id).changes if each.action not in (Action.MOVE, Action.LINK)}
    approval = approve(house, plan_id, leave_out=sorted(draft - in_file), overrides=overrides, workbook=workbook)
    keep_left_out(house, plan_id, approval.left_out)
    return approval


def keep_only(house: Workspace, plan_id: str, keys: Sequence[str]) -> None:
    """Leave out everybody but these."""
    keep_left_out(house, plan_id, _left_out(show_plan(house, plan_id), (), keys))
