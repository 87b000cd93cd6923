"""Approving a preview: the workbook out and in, overrides with a reason, and the approval itself."""

from io import BytesIO

import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError
from provisioning.model import Approval, Plan, PlanStatus
from provisioning.report.called import finding_called
from provisioning.report.workbook_reader import MAX_FILE
from provisioning.store.jobs import JobKind
from provisioning.web.address import tabs
from provisioning.web.frame import Here, fail, go, link, workspace_of
from provisioning.web.words import escape, moment, people

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw(here: Here, plan: Plan, lapsed: str | None) -> None:
    approval, run = workflow.approval_of(here.house, plan.id), workflow.run_of(here.house, plan.id)
    if run:
        _processed(here, plan, approval)
    elif lapsed:
        st.warning(escape(lapsed), icon=":material/schedule:")
    elif plan.status is PlanStatus.EMPTY:
        st.success("Nothing to approve: Skillcast agrees with HiBob.", icon=":material/check_circle:")
    else:
        if approval:
            _approved(here, plan, approval)
        _form(here, plan, again=approval is not None)


def workbook_button(here: Here, plan: Plan) -> None:
    """Built when clicked, off the script's thread, with a workspace of its own."""

    def build() -> bytes:
        with workspace_of(here.house) as house:
            file = BytesIO()
            workflow.export_decided_workbook(house, plan.id, file)
            return file.getvalue()

    st.download_button(
        "Download the Excel file",
        build,
        f"{plan.id}.xlsx",
        EXCEL,
        icon=":material/download:",
        on_click="ignore",
        key=f"workbook_{plan.id}",
    )


def _processed(here: Here, plan: Plan, approval: Approval | None) -> None:
    who = f"Approved by {approval.by}, {moment(approval.at)}.{_signed(approval)} " if approval else ""
    st.success(escape(f"{who}It was processed."), icon=":material/check_circle:")
    link("pages/process.py", "See the run", ":material/play_circle:", here, plan=plan.id)


def _signed(approval: Approval) -> str:
    """Who decided in the file, beside who uploaded it."""
    if not approval.workbook:
        return ""
    if not approval.signed_by:
        return " The Excel file does not say who decided."
    return f" Decided, as the Excel file says, by {approval.signed_by}."


def _approved(here: Here, plan: Plan, approval: Approval) -> None:
    left = f", {people(len(approval.left_out))} left out" if approval.left_out else ""
    st.success(
        escape(
            f"Approved by {approval.by}, {moment(approval.at)}{left}.{_signed(approval)} Digest {plan.digest[:12]}."
        ),
        icon=":material/verified:",
    )
    if st.button("Process now", type="primary", icon=":material/play_arrow:", disabled=not here.may_prepare):
        workflow.ask(here.house, here.label, JobKind.PROCESS, plan.id)
        go("pages/process.py", here, plan=plan.id)


def _form(here: Here, plan: Plan, again: bool) -> None:
    by_page, by_file = tabs("approve", {"page": "Approve on this page", "file": "Approve by Excel file"})
    with by_page:
        _on_page(here, plan, again)
    with by_file:
        _by_workbook(here, plan)
    if not here.may_approve:
        st.caption("You may read this, but not approve it: that takes the role admin or csm for this customer.")


def _on_page(here: Here, plan: Plan, again: bool) -> None:
    left_out = workflow.left_out_draft(here.house, plan.id)
    actions = sum(plan.counts.get(name, 0) for name in ("link", "add", "update", "reactivate", "archive", "move"))
    st.markdown(
        f"**{actions:,} changes** in this preview; {people(len(left_out))} left out. What you approve is exactly what runs."
    )
    if left_out and st.button("Put everybody back", icon=":material/undo:", disabled=not here.may_prepare):
        workflow.keep_left_out(here.house, plan.id, ())
        st.rerun()
    overrides = _overrides(here, plan, "page")
    label = "Approve again" if again else "Approve"
    kind = "secondary" if again else "primary"
    if st.button(label, type=kind, icon=":material/verified:", disabled=not here.may_approve, key="approve"):  # type: ignore[arg-type]
        _approve(here, plan, overrides, left_out, None)


def _overrides(here: Here, plan: Plan, place: str) -> dict[str, str]:
    """A reason for every block that is to be overridden, by whoever may."""
    found: dict[str, str] = {}
    if not plan.blocks:
        return found
    codes = workflow.overridable(here.house, plan.id)
    if any(each.code not in codes for each in plan.blocks):
        st.warning(
            "This preview archives you, so only somebody else may override that. Protect yourself, move, or confirm a "
            "test account above.",
            icon=":material/person_alert:",
        )
    for code in codes:
        reason = st.text_input(
            f"Reason for overriding “{finding_called(code)}”",
            key=f"override_{place}_{plan.id}_{code}",
            placeholder="Recorded with your name. Leave empty not to override.",
        )
        found |= {code: reason} if reason and reason.strip() else {}
    return found


def _by_workbook(here: Here, plan: Plan) -> None:
    st.caption("Decide per row in Excel, save, and upload the same file. A changed value or a missing row is refused.")
    workbook_button(here, plan)
    left_out = workflow.left_out_draft(here.house, plan.id)
    if left_out:
        st.info(
            f"{people(len(left_out))} left out on this page: a file downloaded now says so. When you approve by file, "
            "the file decides, whatever this page says; only for people to be moved or linked, who are not in it, this "
            "page does.",
            icon=":material/info:",
        )
    file = st.file_uploader(
        "The decided file", type="xlsx", key=f"decided_{plan.id}", max_upload_size=MAX_FILE // 2**20
    )
    overrides = _overrides(here, plan, "file") if file else {}
    if file and st.button(
        "Approve with this file", type="primary", icon=":material/verified:", disabled=not here.may_approve
    ):
        _approve(here, plan, overrides, (), file)


def _approve(
    here: Here, plan: Plan, overrides: dict[str, str], left_out: tuple[str, ...], workbook: BytesIO | None
) -> None:
    try:
        if workbook:
            workflow.approve_by_workbook(here.house, plan.id, workbook, overrides)
        else:
            workflow.approve(here.house, plan.id, leave_out=left_out, overrides=overrides)
    except RollcallError as problem:
        fail(problem)
        return
    st.toast("Approved.", icon=":material/verified:")
    st.rerun()
