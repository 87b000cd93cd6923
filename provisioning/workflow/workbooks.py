"""A plan's Excel file: built beforehand, and handed out, with the decisions that there are and how far the plan is."""

from collections.abc import Collection, Sequence
from io import BytesIO
from typing import BinaryIO

from provisioning.errors import NotFound
from provisioning.model import Approval, Plan, PlanStatus, Run
from provisioning.store import approvals, decisions, history, plans, runs
from provisioning.store.approvals import Upload
from provisioning.store.workbooks import keep_workbook, kept_workbook
from provisioning.workflow.house import PREPARERS, Workspace, record_event, require
from provisioning.workflow.reviewing import headline_of, taken_back
from provisioning.workflow.stored_plans import (
    approval_of,
    domain_of,
    lapsed,
    left_out_seen,
    plan_seen,
    run_of,
    show_plan,
)


def build_workbook(house: Workspace, plan_id: str) -> None:
    """Build a new plan's workbook before anybody asks for it, so that nobody waits. Nobody is handed it by that."""
    plan, file = plans.get_plan(house.db, plan_id), BytesIO()
    require(house, domain_of(house, plan).customer_id, PREPARERS, "build the workbook")
    portal = domain_of(house, plan).settings.scim is not None
    write_workbook(plan, file, (), history.head(house.db), headline=headline_of(house, plan.id, ()), portal=portal)
    keep_workbook(house.snapshots, plan.domain_id, plan.id, file.getvalue())


def export_workbook(house: Workspace, plan_id: str, file: BinaryIO) -> None:
    """The plan's Excel file, with the decisions that were approved."""
    approval = approval_of(house, plan_id)
    _write_out(house, show_plan(house, plan_id), file, approval.left_out if approval else ())


def export_decided_workbook(house: Workspace, plan_id: str, file: BinaryIO) -> None:
    """The same with the decisions that count on the page: once processed or lapsed those approved, before it the draft's."""
    _write_out(house, show_plan(house, plan_id), file, left_out_seen(house, plan_id))


def uploads_of(house: Workspace, plan_id: str) -> list[Upload]:
    """The workbooks by which a plan was approved, newest first."""
    return approvals.uploads(house.db, plan_seen(house, plan_id).id)


def export_upload(house: Workspace, plan_id: str, file: BinaryIO, sha256: str = "") -> Upload:
    """One of them again, exactly as it came: the one of this fingerprint, or the newest. That is recorded. Raises `NotFound`."""
    plan, found = plan_seen(house, plan_id), uploads_of(house, plan_id)
    upload = next((each for each in found if sha256 in ("", each.sha256)), None)
    if upload is None:
        which = f"no Excel file with the fingerprint “{sha256}”" if sha256 else "no Excel file"
        raise NotFound(f"Preview {plan_id} was approved by {which}. `history` names those there are.")
    content = approvals.uploaded(house.db, plan.id, upload.sha256)
    if content is None:
        raise NotFound(
            f"The Excel file “{upload.name}” is no longer kept: what is kept of a person was removed. Its fingerprint stays."
        )
    file.write(content)
    record_event(
        house, "workbook exported", domain_of(house, plan), plan=plan.id, file=upload.name, sha256=upload.sha256
    )
    return upload


def _write_out(house: Workspace, plan: Plan, file: BinaryIO, left_out: Sequence[str]) -> None:
    """Write it, and record that it was handed out. The one that the worker built is good as long as nobody is left out or
    has approved it, and the plan has not lapsed."""
    approval, begun = approval_of(house, plan.id), _runs_of(house, plan.id)
    # With nothing to do there is nothing that could lapse.
    why = "" if plan.status is PlanStatus.EMPTY else lapsed(house, plan.id) or ""
    fresh = not (left_out or approval or why)
    built = kept_workbook(house.snapshots, plan.domain_id, plan.id) if fresh else None
    if built is None:
        kept = decisions.kept_active(house.db, plan.id)
        told = headline_of(house, plan.id, left_out)
        portal = domain_of(house, plan).settings.scim is not None
        write_workbook(
            plan, file, left_out, history.head(house.db), approval, begun, why, kept, told,
            portal=portal, taken_back=taken_back(house, plan.id),
        )  # fmt: skip
    else:
        file.write(built)
    record_event(house, "workbook exported", domain_of(house, plan), plan=plan.id, left_out=len(left_out))


def _runs_of(house: Workspace, plan_id: str) -> list[Run]:
    """All of a plan's, oldest first: each but the first tried again those who had failed in the one before."""
    run, found = run_of(house, plan_id), []
    while run:
        found.append(run)
        run = runs.get_run(house.db, run.retry_of) if run.retry_of else None
    return found[::-1]


def write_workbook(
    plan: Plan,
    file: BinaryIO,
    left_out: Collection[str],
    head: str,
    approval: Approval | None = None,
    begun: Sequence[Run] = (),
    lapsed: str = "",
    kept: Collection[str] = (),
    headline: str = "",
    *,
    portal: bool | None = None,
    taken_back: str = "",
) -> None:
    """openpyxl takes a tenth of a page's start, and few pages write one."""
    from provisioning.report import workbook

    workbook.write_workbook(
        plan, file, left_out, head, approval, begun, lapsed, kept, headline, portal=portal, taken_back=taken_back
    )
