"""How an approved preview stands, in the same words on every page: who approved what of it, what somebody decides otherwise
by now, and which other preview stands beside it."""

from collections.abc import Sequence

import streamlit as st

from provisioning.model import Action, Approval, Plan
from provisioning.naming import some_of
from provisioning.web.frame import Here, link
from provisioning.web.words import escape, moment
from provisioning.workflow import looking, reviewing, stored_plans
from provisioning.workflow.looking import PlanState

NAMED = 5
"""So many who are kept active are named."""
NOTHING = "Everybody is left out, so nothing would be done."
_NEWER = {
    PlanState.WAITING: "waits for approval",
    PlanState.BLOCKED: "is blocked",
    PlanState.EMPTY: "finds nothing to do",
}


def approved(here: Here, plan: Plan, approval: Approval) -> str:
    """Who approved, when, how much of it, and who is left out."""
    told = reviewing.but_for_left_out(here.house, plan.id, approval.left_out)
    every = sum(plan.counts.get(each.value, 0) for each in Action)
    whole = "" if not every else ": its one change" if every == 1 else f": all {every:,} changes"
    left = f": {told}" if told else whole
    signed = f" Decided, as the Excel file says, by {approval.signed_by}." if approval.signed_by else ""
    file = f" with the Excel file {approval.file}" if approval.file else ""
    by = f"the standing approval of {approval.by}" if approval.standing else approval.by
    kept = looking.kept_active_by_plan(here.house, plan.id).intersection(approval.left_out)
    names = looking.names_in_plan(here.house, plan.id, sorted(kept)[:NAMED]) if kept else {}
    active = f" Kept active from now on: {some_of(sorted(names.values()), NAMED, len(kept))}." if kept else ""
    return f"Approved by {by}{file}, {moment(approval.at)}{left}.{active}{signed}"


def otherwise(here: Here, plan: Plan, approval: Approval, left_out: Sequence[str], *, by_file: bool = False) -> str:
    """The same, and what is decided otherwise by now: on the page, or by a file that lies there."""
    told = reviewing.but_for_left_out(here.house, plan.id, left_out) or "nobody is left out"
    who, way = ("The uploaded Excel file decides", "Approve with it") if by_file else ("You decide", "Approve it again")
    back = "or remove it" if by_file else "or go back to what was approved"
    if by_file and not looking.somebody_stays(here.house, plan.id, left_out):
        return f"{approved(here, plan, approval)} {who} otherwise: {told}."
    if not (by_file or looking.somebody_stays(here.house, plan.id, left_out)):
        return f"{approved(here, plan, approval)} You decide otherwise: {told}. {NOTHING} Put somebody back, {back}."
    return f"{approved(here, plan, approval)} {who} otherwise: {told}. {way}, {back}."


def in_words(here: Here, plan: Plan, approval: Approval) -> str:
    """How it stands: as approved, or otherwise by now."""
    left_out = stored_plans.left_out_seen(here.house, plan.id)
    if {*left_out} == {*approval.left_out}:
        return approved(here, plan, approval)
    return otherwise(here, plan, approval, left_out)


def beside(here: Here, plan: Plan) -> None:
    """The other preview, where an approved one that waits to be processed is not the newest; and the newer one of any that may
    still be approved."""
    now = looking.in_hand(here.house, here.label)
    if now.newest is None:
        return
    if now.approved is None:
        if plan.id != now.newest.id and now.state in _NEWER:
            other = now.newest
            told = f"A newer preview, of {moment(other.made_at)}, {_NEWER[now.state]}. Look at it before you approve this one."
            st.warning(escape(told), icon=":material/update:")
            link("pages/preview.py", "Look at the newer one", ":material/arrow_forward:", here, plan=other.id)
        return
    if now.newest.id == now.approved.id:
        return
    if plan.id == now.newest.id and now.state in _NEWER:
        other = now.approved
        told = f"The preview of {moment(other.made_at)} is approved and waits to be processed."
        page = "pages/process.py"
    elif plan.id == now.approved.id and now.state in _NEWER:
        other, page = now.newest, "pages/preview.py"
        told = f"A newer preview, of {moment(other.made_at)}, {_NEWER[now.state]}."
    else:
        return
    ends = "" if now.state is PlanState.EMPTY else " Once one of the two is processed, the other lapses."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/content_copy: {escape(told + ends)}", width="content")
        link(page, "Look at it", ":material/arrow_forward:", here, plan=other.id)


def lapses_by_saving(here: Here) -> str:
    """What a save of mapping or settings does to a preview that waits for somebody; "" where none does."""
    now = looking.in_hand(here.house, here.label)
    waits = now.approved is not None or now.state in (PlanState.WAITING, PlanState.BLOCKED, PlanState.CHANGED)
    return ". Saving makes the preview that waits lapse" if waits else ""
