"""Approving a plan as it stands, on the page or by workbook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.concerned import concerning, protected_by_rule
from provisioning.engine.texts import text_column
from provisioning.engine.transforms import address
from provisioning.errors import NotFound, Refused, RoleMissing, UsageError
from provisioning.model import (
    Action,
    Approval,
    Change,
    Decisions,
    Domain,
    Plan,
)
from provisioning.report.text import plain
from provisioning.report.workbook_reader import MAX_FILE
from provisioning.store import approvals, customers, decisions, drafts, history, plan_groups, plans, runs, snapshots
from provisioning.store.codec import to_moment
from provisioning.store.decisions import DecisionKind, PersonDecision
from provisioning.workflow.decided import decisions_of
from provisioning.workflow.directories import known_users
from provisioning.workflow.house import PREPARERS, Workspace, record_event, require
from provisioning.workflow.stored_plans import LEFT_OUT, check_current, domain_of, left_out_draft, plan_seen, show_plan

if TYPE_CHECKING:
    from provisioning.report.workbook_decisions import WorkbookDecisions

SELF = "self-archive"
MOST_REASON = 500
"""Characters: it stands in one line of the history, and is read by people."""
MOST_NAME = 200
"""Characters of what a file is called."""


def approve(
    house: Workspace,
    plan_id: str,
    *,
    leave_out: Sequence[str] = (),
    only: Sequence[str] = (),
    overrides: Mapping[str, str] | None = None,
    workbook: BinaryIO | None = None,
    file: str = "",
) -> Approval:
    """Approve a plan as it stands, but for the people left out. Nothing is recorded when it is refused. `file`: what the
    workbook is called, which is kept with it."""
    plan = plans.get_plan(house.db, plan_id)
    domain = domain_of(house, plan)
    if house.actor.email is None:
        raise RoleMissing("The operator may prepare, but not approve. Say who approves: --by EMAIL.")
    require(house, domain.customer_id, PREPARERS, "approve")
    content = _content(workbook) if workbook else None
    decided = _decided(plan, BytesIO(content)) if content is not None else None
    left_out = _left_out(plan, leave_out, only) | set(decided.left_out if decided else ())
    if plan.changes and not (decided and decided.protected) and left_out >= {each.key for each in plan.changes}:
        raise Refused(
            f"Everybody of preview {plan.id} is left out: nothing would be done. Leave somebody in to approve it."
        )
    overrides = dict(overrides or {})
    approval = Approval(
        plan.id, plan.digest, house.actor.name, house.clock(), tuple(sorted(left_out)), overrides, decided is not None,
        decided.signed_by if decided else "",
        standing=house.actor.scheduled,
        file=plain(" ".join(file.split()))[:MOST_NAME] if decided else "",
        sha256=sha256(content).hexdigest() if content is not None else "",
    )  # fmt: skip
    with house.db.transaction():
        check_current(house, plan, domain)
        if runs.latest_run(house.db, plan.id):
            raise Refused(f"Preview {plan.id} was approved and processed already. Make a new preview.")
        _check_two_people(house, plan, domain)
        _check_overrides(house, plan, overrides)
        _check_kept(house, plan, domain, left_out)
        approvals.save_approval(house.db, approval, content)
        if decided and decided.protected:
            protect = [PersonDecision(DecisionKind.PROTECT, key) for key in decided.protected]
            decisions.decide(house.db, domain.id, protect, house.actor.name, approval.at, plan.id)
        record_event(
            house, history.APPROVED, domain, plan=plan.id, digest=plan.digest, left_out=list(approval.left_out),
            overrides=_override_details(plan, overrides), workbook=approval.workbook,
            protected=list(decided.protected) if decided else [], **_by_file(approval, decided),
        )  # fmt: skip
    return approval


def _decided(plan: Plan, workbook: BinaryIO) -> "WorkbookDecisions":
    from provisioning.report.workbook_decisions import read_workbook

    return read_workbook(plan, workbook)


def _content(workbook: BinaryIO) -> bytes:
    """A byte more than is taken, of a file that is too big: that is how it is found to be."""
    if workbook.seekable():
        workbook.seek(0)
    return workbook.read(MAX_FILE + 1)


def _by_file(approval: Approval, decided: "WorkbookDecisions | None") -> dict[str, str]:
    """Which file it was; who decided, and who saved it last, as far as it says: nobody has checked either."""
    if decided is None:
        return {}
    said = {
        "file": approval.file, "sha256": approval.sha256, "signed_by": decided.signed_by, "saved_by": decided.saved_by,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _left_out(plan: Plan, leave_out: Sequence[str], only: Sequence[str]) -> set[str]:
    keys = {change.key for change in plan.changes}
    for named in (*leave_out, *only):
        if named not in keys:
            raise NotFound(f"Preview {plan.id} changes nobody with the key “{named}”.")
    return set(leave_out) | (keys - set(only) if only else set())


def needs_another(house: Workspace, plan_id: str) -> str:
    """Why the actor cannot be the one to approve this plan, where a second person must; "" when they can."""
    plan = plan_seen(house, plan_id)
    return _why_another(house, plan, domain_of(house, plan))


def _why_another(house: Workspace, plan: Plan, domain: Domain) -> str:
    needed, count = domain.settings.two_people, sum(plan.counts.get(each.value, 0) for each in Action)
    # The whole plan counts: whoever leaves people out does not get below the number by it.
    if not needed or count < int(needed) or house.actor.name not in (plan.by, domain.mapping_by):
        return ""
    many = "" if needed is True else f" from {needed:,} changes on, and this plan has {count:,}"
    return (
        f"This domain needs two people{many}: whoever made the mapping or asked for the preview cannot be the one to "
        "approve it. Ask another admin or CSM."
    )


def _check_two_people(house: Workspace, plan: Plan, domain: Domain) -> None:
    why = _why_another(house, plan, domain)
    if why:
        raise Refused(why)


def _check_overrides(house: Workspace, plan: Plan, overrides: Mapping[str, str]) -> None:
    blocks = {each.code: each for each in plan.blocks}
    for code, reason in overrides.items():
        if code not in blocks:
            raise UsageError(f"Preview {plan.id} is not blocked by “{code}”; there is nothing to override.")
        if not reason.strip():
            raise UsageError(f"Overriding {code} takes a reason: --override {code}=REASON.")
        if len(reason) > MOST_REASON:
            raise UsageError(
                f"The reason for overriding {code} has {len(reason):,} characters: {MOST_REASON} are the most. Say it in "
                "fewer words."
            )
    open_blocks = [each for each in plan.blocks if each.code not in overrides]
    if open_blocks:
        first = open_blocks[0]
        codes = list(dict.fromkeys(each.code for each in open_blocks))
        more = f" ({len(open_blocks)} blocks in all: {', '.join(codes)})"
        raise Refused(
            f"Preview {plan.id} is blocked by {first.code}: {first.message} {first.remedy}{more if len(open_blocks) > 1 else ''} "
            f"On the command line: {' '.join(f'--override {code}=REASON' for code in codes)}."
        )
    if "self-archive" in overrides and archives_of(house, plan, [house.actor.email or ""]):
        raise Refused("This preview archives you. Somebody else must override that, or protect you.")


def archives_of(house: Workspace, plan: Plan, emails: Sequence[str]) -> list[Change]:
    """The plan's archives that concern one of these e-mails, by the user's values or by what HiBob said last."""
    archives = [each for each in plan.changes if each.action is Action.ARCHIVE]
    kept = snapshots.kept_employees(house.snapshots, plan.domain_id, (known.ID, known.EMAIL)) if archives else []
    wanted, keys = {address(email) for email in emails if email}, pa.array([each.key for each in archives], pa.string())
    theirs = {each.key for each in concerning(archives, emails)}
    for each in kept:
        table = each.table.filter(pc.is_in(text_column(each.table, known.ID), keys))
        people, addresses = (text_column(table, name).to_pylist() for name in (known.ID, known.EMAIL))
        theirs |= {key for key, email in zip(people, addresses, strict=True) if email and address(email) in wanted}
    return [each for each in archives if each.key in theirs]


def _check_kept(house: Workspace, plan: Plan, domain: Domain, left_out: set[str]) -> None:
    """Somebody may have become a member, be looking, or have been decided about only since the plan was made."""
    kept = {key: why for (key, _), why in kept_since(house, plan, domain).items() if key not in left_out}
    if kept:
        key, why = next(iter(kept.items()))
        name = plans.names_of(house.db, plan.id, [key]).get(key)
        raise Refused(
            f"Preview {plan.id} would not do right by {len(kept):,} of its people, first of all "
            f"{f'{name} ({key})' if name else key}: {why} Leave them out, or make a new preview, which agrees with what "
            "was decided."
        )


def kept_since(house: Workspace, plan: Plan, domain: Domain) -> dict[tuple[str, Action], str]:
    """Changes that may no longer be made, each with the reason: archives of those who became members, and what was
    decided about people, since the plan was made."""
    in_force = decisions_of(house, domain)
    told = {key for each in plan.findings if each.code == "self-archive" for key in each.keys} | in_force.confirmed
    emails = [*customers.in_charge(house.db, domain.customer_id), house.actor.email or ""]
    accepted = {
        each.key: each.other
        for each in decisions.decisions_made(house.db, domain.id)
        if each.kind is DecisionKind.SAME and to_moment(each.at) > plan.made_at
    }
    ruled = _protected_by_rules(house, domain)
    members = {each.key for each in archives_of(house, plan, emails)} - told
    kept: dict[tuple[str, Action], str] = {}
    for change in plan.changes:
        why = ""
        if change.action is Action.ADD and change.key in accepted:
            why = f"Accepted since as the same person as user {accepted[change.key]}."
        elif change.action is Action.ARCHIVE:
            why = _why_kept(change, in_force, set(accepted.values()), ruled)
            if not why and change.key in members:
                why = "Manages Rollcall for this customer, and is archived by it."
        if why:
            kept[change.key, change.action] = why
    return kept


def _protected_by_rules(house: Workspace, domain: Domain) -> set[str]:
    """The users whom a rule protects as they are now: it may look at an attribute that no plan compares."""
    attributes = sorted({rule.attribute for rule in domain.settings.protected if rule.attribute})
    if not attributes:
        return set()
    users = known_users(house, domain, attributes)
    return {user for row, user in enumerate(users.ids.to_pylist()) if protected_by_rule(domain, users, row)}


def _why_kept(change: Change, decisions: Decisions, accepted: set[str], ruled: set[str]) -> str:
    """Why somebody may not be archived any more, by the decisions and rules in force; "" when they may."""
    called = {change.key, f"user:{change.user_id}", change.seen.external_id if change.seen else ""} - {""}
    if called & decisions.protected or change.user_id in ruled:
        return "Protected since, so never archived."
    if called & decisions.moves.keys():
        return "Moved to another domain, as was decided since, and so not archived."
    return "Accepted since as the same person as somebody in HiBob." if change.user_id in accepted else ""


def _override_details(plan: Plan, overrides: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        {"code": each.code, "reason": overrides[each.code], "numbers": dict(each.numbers)}
        for each in plan.blocks
        if each.code in overrides
    ]


def decided_by_workbook(house: Workspace, plan_id: str, workbook: BinaryIO) -> "WorkbookDecisions":
    """What a file would decide, before it is approved by it; writes nothing. Raises what approving by it would raise of
    the file itself."""
    decided = _decided(show_plan(house, plan_id), workbook)
    left_out = {*decided.left_out, *_left_out_elsewhere(house, plan_id)}
    return replace(decided, left_out=tuple(sorted(left_out)))


def _left_out_elsewhere(house: Workspace, plan_id: str) -> list[str]:
    """Of the draft, whoever is in no sheet of a file: to be moved or linked."""
    in_file = {each.key for each in show_plan(house, plan_id).changes if each.action not in (Action.MOVE, Action.LINK)}
    return sorted(set(left_out_draft(house, plan_id)) - in_file)


def approve_by_workbook(
    house: Workspace, plan_id: str, workbook: BinaryIO, overrides: Mapping[str, str] | None = None, file: str = ""
) -> Approval:
    """Approve as a file decides, and make that the draft. Whoever is in no sheet of it (to be moved or linked) is
    decided by the draft."""
    elsewhere = _left_out_elsewhere(house, plan_id)
    approval = approve(house, plan_id, leave_out=elsewhere, overrides=overrides, workbook=workbook, file=file)
    keep_left_out(house, plan_id, approval.left_out)
    return approval


def keep_only(house: Workspace, plan_id: str, keys: Sequence[str]) -> None:
    """Leave out everybody but these."""
    keep_left_out(house, plan_id, _left_out(show_plan(house, plan_id), (), keys))


def overridable(house: Workspace, plan_id: str) -> list[str]:
    """The codes of the blocks that the actor may override: all of them, but for an archive of their own account."""
    plan = plan_seen(house, plan_id)
    codes = list(dict.fromkeys(each.code for each in plan.blocks))
    if SELF in codes and archives_of(house, plans.get_plan(house.db, plan.id), [house.actor.email or ""]):
        codes.remove(SELF)
    return codes


def stays_left_out(house: Workspace, plan_id: str) -> tuple[str, ...]:
    """Of those whom the actor means to leave out, who cannot be put back: the approval would be refused for them."""
    plan, left_out = plan_seen(house, plan_id), left_out_draft(house, plan_id)
    theirs = plans.changes_with_keys(house.db, plan.id, left_out, (Action.ADD, Action.ARCHIVE))
    kept = {key for key, _ in kept_since(house, replace(plan, changes=theirs), domain_of(house, plan))}
    return tuple(key for key in left_out if key in kept)


def can_put_back(house: Workspace, plan_id: str) -> bool:
    """Whether anybody whom the actor means to leave out can be put back."""
    plan, left_out = plan_seen(house, plan_id), left_out_draft(house, plan_id)
    if not left_out:
        return False
    archives = plan_groups.actions_of(house.db, plan.id, left_out).get(Action.ARCHIVE.value, 0)
    # Only whoever is archived, or was accepted as the same person, may have to stay: of a pilot nobody is looked at.
    most = archives + sum(each.kind is DecisionKind.SAME for each in decisions.decisions_made(house.db, plan.domain_id))
    return len(left_out) > most or len(stays_left_out(house, plan_id)) < len(left_out)


def put_everybody_back(house: Workspace, plan_id: str) -> tuple[str, ...]:
    """Leave out nobody any more, but those for whom the approval would be refused. Returns their keys."""
    left_out = stays_left_out(house, plan_id)
    keep_left_out(house, plan_id, left_out)
    return left_out


def back_to_the_approval(house: Workspace, plan_id: str) -> None:
    """Leave out again whom the approval leaves out."""
    plan = plan_seen(house, plan_id)
    require(house, domain_of(house, plan).customer_id, PREPARERS, "decide who is left out")
    drafts.drop(house.db, plan.domain_id, f"{LEFT_OUT}{plan.id}", house.actor.name)


def keep_left_out(house: Workspace, plan_id: str, keys: Iterable[str]) -> None:
    plan = plan_seen(house, plan_id)
    require(house, domain_of(house, plan).customer_id, PREPARERS, "decide who is left out")
    draft = drafts.Draft(plan.mapping_version, msgspec.json.encode(sorted(set(keys))).decode())
    drafts.keep(house.db, plan.domain_id, f"{LEFT_OUT}{plan.id}", house.actor.name, draft, house.clock())
