"""A stored plan, its approval and its runs, for whoever may see them; and whether it was overtaken."""

from datetime import datetime
from typing import Protocol

import msgspec

from provisioning.errors import Lapsed
from provisioning.model import PLAN_LIFETIME, Approval, Domain, Plan, Run
from provisioning.store import approvals, customers, drafts, history, plans, runs
from provisioning.workflow.house import READERS, Workspace, may, require

LEFT_OUT = "approval "
"""How the kind of a draft begins that says who is left out; the plan's id follows."""


def show_plan(house: Workspace, plan_id: str) -> Plan:
    """The whole plan. Raises `NotFound`, or `RoleMissing` for one of a customer that the actor may not see."""
    plan_seen(house, plan_id)
    return plans.get_plan(house.db, plan_id)


def plan_seen(house: Workspace, plan_id: str) -> Plan:
    """The same without its people: they are asked for page by page."""
    plan = plans.plan_head(house.db, plan_id)
    require(house, domain_of(house, plan).customer_id, READERS, "see this plan")
    return plan


def run_seen(house: Workspace, run_id: str) -> Run:
    """Raises `NotFound`, or `RoleMissing` for one of a customer that the actor may not see."""
    run = runs.get_run(house.db, run_id)
    require(house, customers.domain_by_id(house.db, run.domain_id).customer_id, READERS, "see this run")
    return run


def domain_of(house: Workspace, plan: Plan) -> Domain:
    return customers.domain_by_id(house.db, plan.domain_id)


def approval_of(house: Workspace, plan_id: str) -> Approval | None:
    return approvals.get_approval(house.db, plan_seen(house, plan_id).id)


def left_out_draft(house: Workspace, plan_id: str) -> tuple[str, ...]:
    """The people whom the actor means to leave out of the approval: as long as they have not said, those whom the approval
    there is leaves out."""
    plan = plan_seen(house, plan_id)
    return left_out_now(house, plan, approvals.get_approval(house.db, plan.id))


def left_out_now(house: Workspace, plan: Plan, approval: Approval | None) -> tuple[str, ...]:
    """The same of a plan and its approval that are at hand."""
    draft = drafts.find(house.db, plan.domain_id, f"{LEFT_OUT}{plan.id}", house.actor.name)
    if draft and may(house, domain_of(house, plan).customer):
        return msgspec.json.decode(draft.content, type=tuple[str, ...])
    return approval.left_out if approval else ()


def left_out_seen(house: Workspace, plan_id: str) -> tuple[str, ...]:
    """Whom the numbers of a plan do not count: once it has begun or lapsed what was approved counts, whatever somebody
    means to leave out since."""
    if run_of(house, plan_id) or lapsed(house, plan_id):
        approval = approval_of(house, plan_id)
        return approval.left_out if approval else ()
    return left_out_draft(house, plan_id)


def run_of(house: Workspace, plan_id: str) -> Run | None:
    """The plan's latest run."""
    return runs.latest_run(house.db, plan_seen(house, plan_id).id)


def ways_back(house: Workspace, plan_id: str) -> dict[str, Run]:
    """Of the plan's domain: the run that was taken back → the run that took it back."""
    return runs.ways_back(house.db, plan_seen(house, plan_id).domain_id)


def retried_by(house: Workspace, run_id: str) -> Run | None:
    """The run that tried those again who failed in this one."""
    return runs.retried_by(house.db, run_seen(house, run_id).id)


def lapsed(house: Workspace, plan_id: str) -> str | None:
    """Why a plan can no longer be approved or processed, in one sentence."""
    plan = plan_seen(house, plan_id)
    try:
        check_current(house, plan, domain_of(house, plan))
    except Lapsed as problem:
        return str(problem)
    return None


def check_current(house: Workspace, plan: Plan, domain: Domain) -> None:
    """Raises `Lapsed` when the plan was overtaken."""
    if domain.left_at:
        raise Lapsed(
            f"{domain.label} was offboarded on {domain.left_at:%d %b %Y}: nothing of it is approved or processed."
        )
    other = runs.another_run_since(house.db, domain.id, plan.id, plan.made_at)
    why = why_lapsed(plan, domain, house.clock(), other)
    if why:
        raise Lapsed(f"{why} Make a new preview.")


class Made(Protocol):
    """What of a plan decides whether it was overtaken."""

    @property
    def id(self) -> str: ...
    @property
    def made_at(self) -> datetime: ...
    @property
    def mapping_version(self) -> int: ...
    @property
    def settings_version(self) -> int: ...


def why_lapsed(plan: Made, domain: Domain, now: datetime, other_run: str | None) -> str | None:
    """Why a plan can no longer be approved or processed, or None. `other_run`: another that wrote since it was made."""
    if now - plan.made_at > PLAN_LIFETIME:
        return f"This preview is older than {PLAN_LIFETIME.days} days."
    for what, then, today in (
        ("mapping", plan.mapping_version, domain.mapping_version),
        ("settings", plan.settings_version, domain.settings_version),
    ):
        if then != today:
            return f"The {what} changed since this preview was made (version {then}, now {today})."
    if other_run:
        return f"Another run of {domain.label} was processed since this preview was made."
    return None


def can_go_on(house: Workspace, run: Run, domain: Domain) -> bool:
    """Whether a run that did not come to its end may still be resumed."""
    try:
        check_current(house, plans.plan_head(house.db, run.plan_id), domain)
    except Lapsed:
        return False
    return True


def as_recorded(approval: Approval, said: history.Event) -> bool:
    """Whether an approval is what the chain of the history says of it. The chain shows a change, the table of approvals does not."""
    kept = (said.who, *(said.details.get(name, "") for name in ("digest", "file", "sha256")))
    told = (approval.by, approval.digest, approval.file, approval.sha256)
    return kept == told and said.details.get("left_out") == list(approval.left_out)
