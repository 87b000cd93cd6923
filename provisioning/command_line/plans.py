"""From a preview to its approval, and the way back from a run."""

import argparse
from io import BytesIO
from pathlib import Path

from provisioning.command_line.output import (
    OK,
    REFUSED,
    new_file,
    open_house,
    print_json,
    print_lines,
    read_file,
    waiting,
)
from provisioning.command_line.words import complain
from provisioning.errors import UsageError
from provisioning.model import Plan, PlanStatus
from provisioning.report.documents import approval_document, plan_document
from provisioning.report.speed import forecast_line
from provisioning.report.text import moment, plain, plan_lines
from provisioning.report.workbook_reader import MAX_FILE
from provisioning.workflow import approving, asking, deciding, planning, speed, stored_plans, undoing, workbooks
from provisioning.workflow.house import Workspace


def preview(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    plan = planning.preview(house, asked.domain, waiting)
    if asked.excel:
        _write_workbook(house, plan.id, asked.excel)
    return _show_plan(house, plan, asked.json, asked.excel)


def plan(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    plan = stored_plans.show_plan(house, asked.plan)
    if asked.json:
        print_json(plan_document(plan))
    else:
        print_lines(list(plan_lines(plan, forecast=_forecast(house, plan))))
    return OK


def workbook(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    if asked.uploaded is None:
        _write_workbook(house, asked.plan, asked.file)
        print(f"Workbook of {asked.plan}: {asked.file}")
        return OK
    with new_file(asked.file) as path, path.open("wb") as file:
        upload = workbooks.export_upload(house, asked.plan, file, asked.uploaded)
    print(plain(f"Workbook by which {upload.by} approved {asked.plan} on {moment(upload.at)}: {asked.file}"))
    print(plain(f"  it was called {upload.name}; SHA-256 {upload.sha256}"))
    return OK


def decide(asked: argparse.Namespace) -> int:
    moves = [_pair(each, "KEY=DOMAIN") for each in asked.move]
    if len(dict(moves)) < len(moves):
        raise UsageError("Somebody can be moved to one domain only.")
    wishes = asking.Wishes(
        protect=asked.protect,
        move=dict(moves),
        same=[_pair(each, "KEY=USER") for each in asked.same],
        not_same=[_pair(each, "KEY=USER") for each in asked.not_same],
        test_accounts=[_pair(each, "EMAIL=DOMAIN") for each in asked.test_account],
        forget=asked.forget,
    )
    house = open_house(asked)
    return _show_plan(house, deciding.decide(house, asked.plan, wishes, waiting), asked.json)


def approve(asked: argparse.Namespace) -> int:
    workbook = BytesIO(read_file(asked.workbook, MAX_FILE + 1)) if asked.workbook else None
    approval = approving.approve(
        open_house(asked),
        asked.plan,
        leave_out=asked.leave_out,
        only=asked.only,
        overrides=dict(_override(each) for each in asked.override),
        workbook=workbook,
        file=Path(asked.workbook).name if asked.workbook else "",
    )
    if asked.json:
        print_json(approval_document(approval))
        return OK
    print(f"Plan {approval.plan_id} approved by {approval.by} on {moment(approval.at)}.")
    print(f"  digest {approval.digest}")
    if approval.sha256:
        print(plain(f"  by the workbook {approval.file}, SHA-256 {approval.sha256}"))
    if approval.signed_by:
        print(plain(f"  decided by, as the workbook says: {approval.signed_by}"))
    if approval.left_out:
        print(f"  {len(approval.left_out):,} {'person' if len(approval.left_out) == 1 else 'people'} left out")
    print_lines([f"  overridden: {code} ({reason})" for code, reason in approval.overrides.items()])
    return OK


def undo(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    return _show_plan(house, undoing.undo(house, asked.run_id, waiting), asked.json)


def _show_plan(house: Workspace, plan: Plan, as_json: bool, excel: str | None = None) -> int:
    if as_json:
        print_json(plan_document(plan))
    else:
        print_lines(list(plan_lines(plan, forecast=_forecast(house, plan))))
        if plan.changes:
            print(f"Workbook: {excel}" if excel else f"Workbook: `workbook {plan.id} FILE`")
            print(_next_step(plan))
    if plan.status is not PlanStatus.BLOCKED:
        return OK
    complain(
        f"Plan {plan.id} is blocked by {', '.join(dict.fromkeys(each.code for each in plan.blocks))}. Nothing was written."
    )
    return REFUSED


def _next_step(plan: Plan) -> str:
    if plan.blocks:
        return "Next: put right what blocks (→ above) and preview again. Nobody is changed by a blocked plan."
    return f"Next: `approve {plan.id} --by EMAIL`, by an admin or CSM of {plan.domain.partition('/')[0]}"


def _forecast(house: Workspace, plan: Plan) -> str:
    found = speed.forecast(house, plan.id)
    return forecast_line(found.changes, found.rate, found.measured) if found else ""


def _write_workbook(house: Workspace, plan_id: str, name: str) -> None:
    with new_file(name) as path, path.open("wb") as file:
        workbooks.export_workbook(house, plan_id, file)


def _pair(written: str, form: str) -> tuple[str, str]:
    """Two words around the last equals sign: keys and addresses may hold one themselves."""
    left, equals, right = written.rpartition("=")
    if not equals or not left.strip() or not right.strip():
        raise UsageError(f"“{written}” is not {form}.")
    return left.strip(), right.strip()


def _override(written: str) -> tuple[str, str]:
    code, equals, reason = written.partition("=")
    if not equals:
        raise UsageError(f"“{written}” is not CODE=REASON.")
    return code.strip(), reason.strip()
