"""Approving a preview: the workbook out and in, overrides with a reason, and the approval itself."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from provisioning.errors import RollcallError
from provisioning.model import Action, Approval, Finding, Plan, PlanStatus
from provisioning.naming import some_of
from provisioning.report.called import finding_called, who
from provisioning.report.file_names import workbook_name
from provisioning.report.workbook_reader import MAX_FILE
from provisioning.store.jobs import Job, JobKind
from provisioning.web import standing
from provisioning.web.frame import Here, fail, go, link, workspace_of
from provisioning.web.parts import pressed, unheard
from provisioning.web.words import dated, escape, moment, on_the_clock, people
from provisioning.workflow import approving, asking, looking, reviewing, scheduling, stored_plans, workbooks
from provisioning.workflow.house import Workspace
from provisioning.workflow.looking import PlanState
from provisioning.workflow.scheduling import Standing as ScheduleStanding

if TYPE_CHECKING:  # openpyxl takes a tenth of a page's start
    from provisioning.report.workbook_decisions import WorkbookDecisions

_DECIDED = (PlanState.APPROVED, PlanState.CHANGED, PlanState.EMPTY)
BUTTONS = ("approve", "approve_file", "process")
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
        if approval:
            st.caption(escape(standing.approved(here, plan, approval)))
            with st.container(horizontal=True, vertical_alignment="center"):
                workbook_button(here, plan)
    elif plan.status is PlanStatus.EMPTY:
        _nothing(here, plan)
    elif plan.blocks and not any(plan.counts.get(each.value) for each in Action):
        said = "Nobody changes in this preview, so there is nothing to approve. Once what blocks it is mended, make a new one."
        st.info(said, icon=":material/info:")
        workbook_button(here, plan)
    elif approval and state is PlanState.APPROVED and (job := _to_process(here, plan)):
        _asked(here, plan, approval, job)
    elif here.may_approve:
        _open(here, plan, approval, state)
    else:
        _to_read(here, plan, approval)
    # Pressed where by now there is nothing to press any more.
    unheard(BUTTONS, st.container())


def _nothing(here: Here, plan: Plan) -> None:
    """Nothing to approve, and what comes next."""
    if plan.undo_of:
        st.success("Nothing to approve: nobody is left to be taken back.", icon=":material/check_circle:")
        return
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
        st.success(escape(standing.approved(here, plan, approval)), icon=":material/verified:")
    standing.beside(here, plan)
    does = "It waits to be processed" if approval else "You may read this, but not approve it"
    st.caption(f"{does}: that takes the role admin or CSM for this customer.")
    workbook_button(here, plan)


def _open(here: Here, plan: Plan, approval: Approval | None, state: PlanState) -> None:
    file, draft = by_file(here, plan), stored_plans.left_out_draft(here.house, plan.id)
    left_out = file.left_out if file else draft
    another = approving.needs_another(here.house, plan.id)
    again = state is PlanState.CHANGED
    settled = approval is not None and not again
    # A file that lies here decides: two ways to approve beside each other would be one too many.
    lies = not another and bool(st.session_state.get(_place(plan, approval)))
    file_lies = lies and not settled
    stays = looking.somebody_stays(here.house, plan.id, left_out)
    overrides = {} if another or settled else _overrides(here, plan, "page", plan.blocks)
    _how_it_stands(here, plan, approval, state, left_out, stays, by_file=file is not None)
    standing.beside(here, plan)
    if another and not settled:
        st.info(escape(another), icon=":material/group:")
    notice = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        if state is PlanState.APPROVED:
            _process_button(here, plan, approval)
        elif not settled and not file_lies and pressed(
            "Approve again" if again else "Approve", ":material/verified:", "approve", (approval, set(left_out)),
            disabled=bool(another) or not stays,
        ):  # fmt: skip
            _approve(here, plan, overrides, left_out, None)
        if not file_lies:
            _ways_back(here, plan, approval if again else None, left_out)
        workbook_button(here, plan)
        if not another and not lies:
            by_file_too = "Approve again by Excel file" if approval else "Approve by Excel file"
            with st.popover(by_file_too, icon=":material/upload_file:"):
                _upload(plan, approval, draft)
    if lies:
        _by_workbook(here, plan, approval, overrides, draft)
    unheard(BUTTONS, notice)
    if not approval and not another and not lies:
        st.caption(
            "What you approve is exactly what runs. To leave somebody out, select them further down, under People. Nothing is "
            "written before you press Process now."
        )


def _how_it_stands(
    here: Here,
    plan: Plan,
    approval: Approval | None,
    state: PlanState,
    left_out: Sequence[str],
    stays: bool,
    *,
    by_file: bool,
) -> None:
    """In one sentence: what was approved, what is decided otherwise by now, or how much of it is to be approved."""
    if approval and state is PlanState.CHANGED:
        st.info(escape(standing.otherwise(here, plan, approval, left_out, by_file=by_file)), icon=":material/edit:")
    elif approval:
        nothing = "" if stays else f" {standing.NOTHING}"
        st.success(escape(standing.approved(here, plan, approval) + nothing), icon=":material/verified:")
    elif not stays and not by_file:
        st.warning(f"{standing.NOTHING} Put somebody back to approve the rest.", icon=":material/group_off:")
    elif left_out and not by_file:
        told = reviewing.but_for_left_out(here.house, plan.id, left_out)
        st.markdown(f"**{escape(f'To be approved: {told}.')}**")


def _ways_back(here: Here, plan: Plan, changed: Approval | None, left_out: Sequence[str]) -> None:
    """To what was approved, where that was changed; and to nobody left out, where somebody can be put back."""
    if changed and st.button("Back to what was approved", icon=":material/undo:"):
        approving.back_to_the_approval(here.house, plan.id)
        st.rerun()
    # Where the approval leaves out nobody that is the same way.
    if not left_out or (changed and not changed.left_out):
        return
    if approving.can_put_back(here.house, plan.id) and st.button("Put everybody back", icon=":material/group_add:"):
        _put_everybody_back(here, plan)
        st.rerun()


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


def workbook_button(here: Here, plan: Plan) -> None:
    """With it, the files by which the preview was approved, exactly as they came."""
    name = workbook_name(plan, on_the_clock(plan.made_at) or plan.made_at)

    def build(house: Workspace, file: BytesIO) -> None:
        workbooks.export_decided_workbook(house, plan.id, file)

    def again(sha256: str, house: Workspace, file: BytesIO) -> None:
        workbooks.export_upload(house, plan.id, file, sha256)

    _download(here, "Download the Excel file", name, f"workbook_{plan.id}", build)
    kept = {each.sha256: each for each in workbooks.uploads_of(here.house, plan.id) if each.kept}
    minutes = Counter(moment(each.at) for each in kept.values())
    for each in kept.values():
        at = moment(each.at, seconds=minutes[moment(each.at)] > 1)
        label = "Download the uploaded file" if len(kept) == 1 else f"The file uploaded on {at}"
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
    who = f"{standing.approved(here, plan, approval)} " if approval else ""
    if state is PlanState.PROCESSED:
        st.success(escape(f"{who}It was processed."), icon=":material/check_circle:")
    else:
        st.info(escape(f"{who}Processing has begun."), icon=":material/play_circle:")
    if back := reviewing.taken_back(here.house, plan.id):
        st.warning(escape(dated(back)), icon=":material/settings_backup_restore:")
    with st.container(horizontal=True, vertical_alignment="center"):
        link("pages/process.py", "See the run", ":material/play_circle:", here, plan=plan.id)
        workbook_button(here, plan)


def _to_process(here: Here, plan: Plan) -> Job | None:
    job = asking.latest_job(here.house, here.label, [JobKind.PROCESS], plan.id)
    return job if job and job.open else None


def _asked(here: Here, plan: Plan, approval: Approval, job: Job) -> None:
    """Somebody pressed Process now, and the worker has not begun."""
    told = f"{standing.approved(here, plan, approval)} {who(job.by)} asked to process it: it waits for its turn."
    st.info(escape(told), icon=":material/hourglass_top:")
    with st.container(horizontal=True, vertical_alignment="center"):
        link("pages/process.py", "See how far it is", ":material/play_circle:", here, plan=plan.id)
        workbook_button(here, plan)


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
        if not file or not _readable(here, plan, file, left_out, approval):
            return
        missing = [each for each in plan.blocks if each.code not in overrides]
        if missing:
            st.markdown("**A reason is needed for whatever blocks**, by file too:")
        given = approval.overrides if approval else {}
        overrides = {**overrides, **_overrides(here, plan, "file", missing, given)}
        approves = pressed("Approve with this file", ":material/verified:", "approve_file", (approval, file.file_id))
        st.caption(
            "While this file is here, every number on this page is what it decides. To decide on the page instead, remove it."
        )
        if approves:
            _approve(here, plan, overrides, (), file)


def _place(plan: Plan, approval: Approval | None) -> str:
    """Where a decided file is put. Once it is approved the file is done with: the next place is empty."""
    return f"decided_{plan.id}{approval.at.isoformat() if approval else ''}"


def by_file(here: Here, plan: Plan) -> "WorkbookDecisions | None":
    """What a file decides that lies on the page, to be told by all of its numbers; None without one that can be read."""
    if not here.may_approve or approving.needs_another(here.house, plan.id):
        return None
    file = st.session_state.get(_place(plan, stored_plans.approval_of(here.house, plan.id)))
    read = _read(here, plan, file, stored_plans.left_out_draft(here.house, plan.id)) if file else None
    return None if isinstance(read, RollcallError) else read


def _read(here: Here, plan: Plan, file: UploadedFile, left_out: Sequence[str]) -> "WorkbookDecisions | RollcallError":
    """A large file takes seconds to read, and every click draws the page anew."""
    place, this = f"read_{plan.id}", (file.file_id, tuple(left_out))
    if st.session_state.get(place, ((), None))[0] != this:
        st.session_state[place] = this, _decided(here, plan, file)
    found: WorkbookDecisions | RollcallError = st.session_state[place][1]
    return found


def _readable(here: Here, plan: Plan, file: UploadedFile, left_out: Sequence[str], approval: Approval | None) -> bool:
    """Says what the file decides, or why it is refused. Returns whether there is anything to approve by it."""
    decided = _read(here, plan, file, left_out)
    if isinstance(decided, RollcallError):
        fail(decided)
        st.caption("Remove it to decide on the page instead.")
        return False
    told = reviewing.but_for_left_out(here.house, plan.id, decided.left_out)
    said = f"This file approves {told or 'everything'}."
    said += f" {_kept(here, plan, decided.protected)}" if decided.protected else ""
    said += f" Decided, as it says, by {decided.signed_by}." if decided.signed_by else ""
    stays = looking.somebody_stays(here.house, plan.id, decided.left_out)
    keeps = not stays and bool(decided.protected)
    said += " There is nothing to process then." if keeps else "" if stays else f" {standing.NOTHING}"
    as_approved = approval is not None and not _decides_otherwise(here, plan, approval, decided)
    said += " That is what was approved already." if as_approved else ""
    if as_approved and {*left_out} != {*decided.left_out}:
        draft = reviewing.but_for_left_out(here.house, plan.id, left_out) or "nobody is left out"
        said += f" On the page you decide otherwise ({draft}): that counts again once you remove the file."
    st.info(escape(said), icon=":material/fact_check:")
    if as_approved:
        return False
    return stays or bool(decided.protected)


def _decides_otherwise(here: Here, plan: Plan, approval: Approval, decided: "WorkbookDecisions") -> bool:
    kept = looking.kept_active_by_plan(here.house, plan.id)
    return {*decided.left_out} != {*approval.left_out} or not kept.issuperset(decided.protected)


def state_seen(here: Here, plan: Plan) -> PlanState:
    """How far it is, a file that lies on the page included: that decides instead of whoever looks."""
    state = looking.plan_states(here.house, here.label, [plan])[plan.id]
    approval, decided = stored_plans.approval_of(here.house, plan.id), by_file(here, plan)
    if approval is None or decided is None or state not in _DECIDED:
        return state
    if _decides_otherwise(here, plan, approval, decided):
        return PlanState.CHANGED
    stays = looking.somebody_stays(here.house, plan.id, approval.left_out)
    return PlanState.APPROVED if stays else PlanState.EMPTY


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


def file_called(name: str) -> str:
    """As the person who uploaded it sees it: browsers write a quotation mark in the name of a file so (HTML Standard, multipart
    form data)."""
    return name.replace("%22", '"')


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
            approving.approve_by_workbook(here.house, plan.id, file, overrides, file_called(file.name))
        else:
            approving.approve(here.house, plan.id, leave_out=left_out, overrides=overrides)
    except RollcallError as problem:
        fail(problem)
        return
    st.toast("Approved.", icon=":material/verified:")
    st.rerun()
