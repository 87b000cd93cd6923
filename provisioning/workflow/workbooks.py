"""A plan’s Excel file: built beforehand, and handed out."""

from collections.abc import Collection
from io import BytesIO
from typing import BinaryIO

from provisioning.model import Approval, Plan, Run
from provisioning.store import history, plans
from provisioning.store.workbooks import keep_workbook, kept_workbook
from provisioning.workflow.house import PREPARERS, Workspace, record_event, require
from provisioning.workflow.stored_plans import approval_of, domain_of, run_of, show_plan


def build_workbook(house: Workspace, plan_id: str) -> None:
    """Build a new plan's workbook before anybody asks for it, so that nobody waits. Nobody is handed it by that."""
    plan, file = plans.get_plan(house.db, plan_id), BytesIO()
    require(house, domain_of(house, plan).customer_id, PREPARERS, "build the workbook")
    write_workbook(plan, file, (), history.head(house.db))
    keep_workbook(house.snapshots, plan.domain_id, plan.id, file.getvalue())


def export_workbook(house: Workspace, plan_id: str, file: BinaryIO) -> None:
    """The plan's Excel file, with the decisions that were approved."""
    plan, approval = show_plan(house, plan_id), approval_of(house, plan_id)
    write_out(house, plan, file, approval.left_out if approval else ())


def write_out(house: Workspace, plan: Plan, file: BinaryIO, left_out: Collection[str] = ()) -> None:
    """Write a plan's workbook, and record that it was handed out. The one that the worker built is good as long as nobody
    is left out or has approved it."""
    approval, run = approval_of(house, plan.id), run_of(house, plan.id)
    built = None if left_out or approval else kept_workbook(house.snapshots, plan.domain_id, plan.id)
    if built is None:
        write_workbook(plan, file, left_out, history.head(house.db), approval, run)
    else:
        file.write(built)
    record_event(house, "workbook exported", domain_of(house, plan), plan=plan.id, left_out=len(left_out))


def write_workbook(
    plan: Plan,
    file: BinaryIO,
    left_out: Collection[str],
    head: str,
    approval: Approval | None = None,
    run: Run | None = None,
) -> None:
    """openpyxl takes a tenth of a page's start, and few pages write one."""
    from provisioning.report import workbook

    workbook.write_workbook(plan, file, left_out, head, approval, run)
