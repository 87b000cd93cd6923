"""Approving a preview: the workbook out and in, overrides with a reason, and the approval itself."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from provisioning.errors import RollcallError
from provisioning.model import Approval, Finding, Plan
from provisioning.report.called import finding_called
from provisioning.report.file_names import workbook_name
from provisioning.report.text import some_of
from provisioning.report.workbook_reader import MAX_FILE
from provisioning.store.jobs import JobKind
from provisioning.web.frame import Here, fail, go, link, workspace_of
from provisioning.web.parts import pressed, unheard
from provisioning.web.words import dated, escape, moment, on_the_clock, people
from provisioning.workflow import approving, asking, looking, reviewing, scheduling, stored_plans, workbooks
from provisioning.workflow.house import Workspace
from provisioning.workflow.looking import PlanState
from provisioning.workflow.scheduling import Standing as ScheduleStanding

if TYPE_CHECKING:  # openpyxl takes a tenth of a page's start
    from provisioning.report.workbook import WorkbookDecisions

NAMED = 10
"""So many of those whom a file keeps active are named."""
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw(here: Here, plan: Plan, state: PlanState, lapsed: str | None) -> None:
    """What to do with the preview, in the place where it is told: to be approved, processed, or nothing at all."""
    approval = stored_plans.approval_of(here.house, plan.id)
    if state in (PlanState.BEGUN, PlanState.PROCESSED):
        _processed(here, plan, approval, state)
    elif lapsed:
        st.warning(
            escape(
                f"This preview has lapsed: it can be read, but not approved or processed, and nobody left out. {dated(lapsed)}"
            ),
            icon=":material/schedule:",
        )
    elif state is PlanState.EMPTY:
        _nothing(here)
    else:
        _open(here, plan, approval)


def _nothing(here: Here) -> None:
    """Nothing to approve, and what comes next."""
    schedule = scheduling.schedule_seen(here.house, here.label)
    if schedule.standing is ScheduleStanding.NONE and here.may_prepare:
        st.success("Nothing to approve. Rollcall can look every day by itself.", icon=":material/check_circle:")
        link("pages/schedule.py", "Let it run by itself", ":material/schedule:", here)
    else:
        by_itself = f" The schedule looks again on {moment(schedule.next_at)}." if schedule.next_at else ""
        st.success(escape(f"Nothing to approve.{by_itself}"), icon=":material/check_circle:")


def _to_read(here: Here, plan: Plan, approval: Approval | None) -> None:
    """For whoever decides nothing: how it stands, without anything to press."""
    if approval:
        _approved(here, plan, approval)
    does = "It waits to be processed" if approval else "You may read this, but not approve it"
    st.caption(f"{does}: that takes the role admin or csm for this customer.")
    workbook_button(here, plan)


def _open(here: Here, plan: Plan, approval: Approval | None) -> None:
    if not here.may_approve:
        _to_read(here, plan, approval)
        return
    left_out = approving.left_out_draft(here.house, plan.id)
    another = approving.needs_another(here.house, plan.id)
    may_approve = not another
    if approval:
        _approved(here, plan, approval)
    again = approval is not None and set(approval.left_out) != set(left_out)
    settled = approval is not None and not again
    # A file that lies here decides: two ways to approve beside each other would be one too many.
    file_lies = may_approve and bool(st.session_state.get(_place(plan, approval)))
    overrides = {} if another or settled else _overrides(here, plan, "page", plan.blocks)
    if not settled and not file_lies and (again or left_out):
        _who_is_left_out(here, plan, left_out)
    if another and not settled:
        st.info(escape(another), icon=":material/group:")
    notice = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        if settled and not file_lies:
            _process_button(here, plan, approval)
        elif not file_lies and pressed(
            "Approve again" if again else "Approve", ":material/verified:", "approve", (approval, set(left_out)),
            disabled=not may_approve,
        ):  # fmt: skip
            _approve(here, plan, overrides, left_out, None)
        if left_out and not file_lies and st.button("Put everybody back", icon=":material/undo:"):
            _put_everybody_back(here, plan)
            st.rerun()
        workbook_button(here, plan)
        if may_approve and not file_lies:
            with st.popover("Approve by Excel file", icon=":material/upload_file:"):
                _upload(plan, approval, left_out)
    unheard(("approve", "process"), notice)
    if file_lies:
        _by_workbook(here, plan, approval, overrides, left_out)
    if not approval and not another:
        st.caption("What you approve is exactly what runs. Nothing is written before you press Process now.")


def _put_everybody_back(here: Here, plan: Plan) -> None:
    """But for whom a decision keeps as they are: approving would be refused for them."""
    kept = approving.put_everybody_back(here.house, plan.id)
    if kept:
        stay = "stays" if len(kept) == 1 else "stay"
        st.toast(
            escape(
                f"{_named(here, plan, kept)} {stay} left out, as was decided since this preview. A new preview shows that."
            ),
            icon=":material/shield_person:",
        )


def _who_is_left_out(here: Here, plan: Plan, left_out: Sequence[str]) -> None:
    """Otherwise than an approval that there may be already says."""
    told = reviewing.but_for_left_out(here.house, plan.id, left_out)
    st.markdown(
        f"**{escape(f'To be approved: {told}.' if told else 'Nobody is left out now, so it is to be approved again.')}**"
    )


def workbook_button(here: Here, plan: Plan) -> None:
    """With it, the files by which the preview was approved, exactly as they came."""
    name = workbook_name(plan, on_the_clock(plan.made_at) or plan.made_at)

    def build(house: Workspace, file: BytesIO) -> None:
        workbooks.export_decided_workbook(house, plan.id, file)

    def again(sha256: str, house: Workspace, file: BytesIO) -> None:
        workbooks.export_upload(house, plan.id, file, sha256)

    _download(here, "Download the Excel file", name, f"workbook_{plan.id}", build)
    kept = {each.sha256: each for each in workbooks.uploads_of(here.house, plan.id) if each.kept}
    for each in kept.values():
        label = "Download the uploaded file" if len(kept) == 1 else f"The file uploaded on {moment(each.at)}"
        _download(here, label, each.name or name, f"upload_{plan.id}_{each.sha256}", partial(again, each.sha256))


def _download(here: Here, label: str, name: str, key: str, write: Callable[[Workspace, BytesIO], None]) -> None:
    """Built when clicked, off the script's thread, with a workspace of its own."""

    def build() -> bytes:
        with workspace_of(here.house) as house:
            file = BytesIO()
            write(house, file)
            return file.getvalue()

    st.download_button(label, build, name, EXCEL, icon=":material/download:", on_click="ignore", key=key)


def _processed(here: Here, plan: Plan, approval: Approval | None, state: PlanState) -> None:
    who = f"{_by_whom(here, plan, approval)} " if approval else ""
    if state is PlanState.PROCESSED:
        st.success(escape(f"{who}It was processed."), icon=":material/check_circle:")
    else:
        st.info(escape(f"{who}Processing has begun."), icon=":material/play_circle:")
    with st.container(horizontal=True, vertical_alignment="center"):
        link("pages/process.py", "See the run", ":material/play_circle:", here, plan=plan.id)
        workbook_button(here, plan)


def _signed(approval: Approval) -> str:
    """Who decided in the file, beside who uploaded it."""
    return f" Decided, as the Excel file says, by {approval.signed_by}." if approval.signed_by else ""


def _by_whom(here: Here, plan: Plan, approval: Approval) -> str:
    """Who approved, when, how much of it, and who is left out."""
    told = reviewing.but_for_left_out(here.house, plan.id, approval.left_out)
    left = f": {told}" if told else ""
    file = f" with the Excel file {approval.file}" if approval.file else ""
    return f"Approved by {approval.by}{file}, {moment(approval.at)}{left}.{_signed(approval)}"


def _approved(here: Here, plan: Plan, approval: Approval) -> None:
    st.success(escape(_by_whom(here, plan, approval)), icon=":material/verified:")


def _process_button(here: Here, plan: Plan, approval: Approval | None) -> None:
    if pressed("Process now", ":material/play_arrow:", "process", approval):
        asking.ask(here.house, here.label, JobKind.PROCESS, plan.id)
        go("pages/process.py", here, plan=plan.id)


def _overrides(
    here: Here, plan: Plan, place: str, blocks: Sequence[Finding], before: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A reason for every one of these blocks that is to be overridden, by whoever may. `before`: reasons given earlier."""
    found: dict[str, str] = {}
    if not blocks:
        return found
    asked = {each.code for each in blocks}
    codes = [code for code in approving.overridable(here.house, plan.id) if code in asked]
    if asked - set(codes):
        st.warning(
            "This preview archives you, so only somebody else may override that. Protect yourself, move, or confirm a "
            "test account below.",
            icon=":material/person_alert:",
        )
    for code in codes:
        reason = st.text_input(
            f"Reason for overriding “{finding_called(code)}”",
            (before or {}).get(code, ""),
            key=f"override_{place}_{plan.id}_{code}",
            max_chars=approving.MOST_REASON,
            placeholder="Recorded with your name. Leave empty not to override.",
        )
        found |= {code: reason} if reason and reason.strip() else {}
    return found


def _upload(plan: Plan, approval: Approval | None, left_out: Sequence[str]) -> UploadedFile | None:
    file: UploadedFile | None = st.file_uploader(
        "The decided file", type="xlsx", key=_place(plan, approval), max_upload_size=MAX_FILE // 2**20
    )
    if not file:
        st.caption(
            "Decide per row in the file that you downloaded, save it, and upload it here. A changed value or a missing row "
            "is refused."
        )
        if left_out:
            st.info(
                f"{people(len(left_out))} left out on this page: a file downloaded now says so. When you approve by file, "
                "the file decides, whatever this page says; only for people to be moved or linked, who are not in it, this "
                "page does.",
                icon=":material/info:",
            )
    return file


def _by_workbook(
    here: Here, plan: Plan, approval: Approval | None, overrides: Mapping[str, str], left_out: Sequence[str]
) -> None:
    """What a file that lies here decides, and the button, in the place of those of the page."""
    with st.container(border=True):
        file = _upload(plan, approval, left_out)
        if not file or not _readable(here, plan, file, left_out):
            return
        missing = [each for each in plan.blocks if each.code not in overrides]
        if missing:
            st.markdown("**A reason is needed for whatever blocks**, by file too:")
        given = approval.overrides if approval else {}
        overrides = {**overrides, **_overrides(here, plan, "file", missing, given)}
        if st.button("Approve with this file", type="primary", icon=":material/verified:"):
            _approve(here, plan, overrides, (), file)
        st.caption(
            "All numbers of this page are the file’s as long as it lies here. To approve on the page instead, remove it."
        )


def _place(plan: Plan, approval: Approval | None) -> str:
    """Where a decided file is put. Once it is approved the file is done with: the next place is empty."""
    return f"decided_{plan.id}{approval.at.isoformat() if approval else ''}"


def by_file(here: Here, plan: Plan) -> "WorkbookDecisions | None":
    """What a file decides that lies on the page, to be told by all of its numbers; None without one that can be read."""
    if not here.may_approve or approving.needs_another(here.house, plan.id):
        return None
    file = st.session_state.get(_place(plan, stored_plans.approval_of(here.house, plan.id)))
    read = _read(here, plan, file, approving.left_out_draft(here.house, plan.id)) if file else None
    return None if isinstance(read, RollcallError) else read


def _read(here: Here, plan: Plan, file: UploadedFile, left_out: Sequence[str]) -> "WorkbookDecisions | RollcallError":
    """A large file takes seconds to read, and every click draws the page anew."""
    place, this = f"read_{plan.id}", (file.file_id, tuple(left_out))
    if st.session_state.get(place, ((), None))[0] != this:
        st.session_state[place] = this, _decided(here, plan, file)
    found: WorkbookDecisions | RollcallError = st.session_state[place][1]
    return found


def _readable(here: Here, plan: Plan, file: UploadedFile, left_out: Sequence[str]) -> bool:
    """Says what the file decides, or why it is refused."""
    decided = _read(here, plan, file, left_out)
    if isinstance(decided, RollcallError):
        fail(decided)
        return False
    told = reviewing.but_for_left_out(here.house, plan.id, decided.left_out)
    said = f"This file approves {told or 'everything'}."
    said += f" {_kept(here, plan, decided.protected)}" if decided.protected else ""
    said += f" Decided, as it says, by {decided.signed_by}." if decided.signed_by else ""
    st.info(escape(said), icon=":material/fact_check:")
    return True


def _kept(here: Here, plan: Plan, keys: Sequence[str]) -> str:
    """“1 person to be kept active from now on: Ada Smith.”"""
    new = plan.counts.get("add", 0) - reviewing.counts_without(here.house, plan.id, keys).get("add", 0)
    said = f"{people(len(keys))} to be kept active from now on: {_named(here, plan, keys)}."
    are = "is" if new == 1 else "are"
    return (
        f"{said} {new:,} of them {are} no user yet: not added this time, and never archived once added."
        if new
        else said
    )


def _named(here: Here, plan: Plan, keys: Sequence[str]) -> str:
    names = looking.names_in_plan(here.house, plan.id, keys[:NAMED])
    return some_of([names.get(key) or key for key in keys[:NAMED]], NAMED, len(keys))


def _decided(here: Here, plan: Plan, file: BytesIO) -> "WorkbookDecisions | RollcallError":
    try:
        return approving.decided_by_workbook(here.house, plan.id, file)
    except RollcallError as problem:
        return problem


def _approve(
    here: Here, plan: Plan, overrides: Mapping[str, str], left_out: Sequence[str], file: UploadedFile | None
) -> None:
    missing = dict.fromkeys(finding_called(each.code) for each in plan.blocks if each.code not in overrides)
    if missing:
        st.error(
            f"This preview is blocked. To approve it all the same, write a reason for overriding: {', '.join(missing)}.",
            icon=":material/block:",
        )
        return
    try:
        if file:
            approving.approve_by_workbook(here.house, plan.id, file, overrides, file.name)
        else:
            approving.approve(here.house, plan.id, leave_out=left_out, overrides=overrides)
    except RollcallError as problem:
        fail(problem)
        return
    st.toast("Approved.", icon=":material/verified:")
    st.rerun()
