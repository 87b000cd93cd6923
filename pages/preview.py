"""Who would be added, updated, reactivated and archived, and why; and the approval of exactly that."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.model import Plan
from provisioning.report.speed import forecast_line
from provisioning.store.jobs import Job, JobKind, JobState
from provisioning.web import approval, changes, deciding, jobs, parts
from provisioning.web.address import filter_by, look_at, tabs
from provisioning.web.frame import Here, enter, guarded, link, need_domain
from provisioning.web.words import PLAN_WORDS, escape, moment, people

OFFERED = 20
"""How many previews one may choose from here."""

DOING = {JobKind.PREVIEW: "Preview", JobKind.DECIDE: "Your decision", JobKind.UNDO: "Undo"}


def draw_controls(here: Here, plans: list[Plan], job: Job | None) -> str | None:
    """Make a preview, or choose one of those there are. Returns the plan's id."""
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    busy = bool(job and job.open)
    if left.button(
        "Make a preview", type="primary", icon=":material/compare_arrows:", disabled=busy or not here.may_prepare
    ):
        workflow.ask(here.house, here.label, JobKind.PREVIEW)
        look_at(plan="", selected="", page="", show="")
        st.rerun()
    have = {each.id: each for each in plans}
    states = workflow.plan_states(here.house, here.label, plans)
    wanted = st.query_params.get("plan") or (plans[0].id if plans else None)
    if wanted is None:
        return None
    chosen = right.selectbox(
        "Preview",
        list(have) if wanted in have else [wanted, *have],
        list(have).index(wanted) if wanted in have else 0,
        format_func=lambda each: named(have.get(each), each, states),
        key=f"plan_{wanted}_{len(plans)}",
    )
    if len(plans) == OFFERED:
        right.caption(f"These are the newest {OFFERED}. Older ones stand in the history.")
    # While a new one is made the address names none, so that the new one is shown when it is there.
    if chosen != wanted or (not busy and "plan" not in st.query_params):
        filter_by(plan=chosen)
    return str(chosen)


def named(plan: Plan | None, plan_id: str, states: Mapping[str, workflow.PlanState]) -> str:
    """A preview as people tell it from others: when it was made, how far it is, and that it is a way back."""
    if plan is None:
        return "An older preview"
    back = " · Takes a run back" if plan.undo_of else ""
    return f"{moment(plan.made_at)} · {PLAN_WORDS[states[plan_id]]}{back}"


def draw_effect(here: Here, plan: Plan) -> None:
    """Who may hear from the portal, and what it comes to in seats and money."""
    effect = workflow.effect_of(here.house, plan.id)
    if effect.newly_live:
        st.info(
            f"{people(effect.newly_live)} would become live: added or reactivated. The portal may send them its welcome "
            "mail and assign them training.",
            icon=":material/mail:",
        )
    seats = f", of {effect.seats:,} licensed seats" if effect.seats is not None else ""
    over = f": {effect.over:,} too many" if effect.over else ""
    cost = f", which cost {effect.cost:,} more" if effect.cost is not None else ""
    st.caption(escape(f"If all of it is approved: {effect.live:,} live users after the run{seats}{over}{cost}."))
    takes = workflow.forecast(here.house, plan.id)
    if takes:
        st.caption(escape(forecast_line(takes.changes, takes.rate, takes.measured) + "."))


def draw_head(here: Here, plan: Plan) -> None:
    """Is it safe, what happens, to how many; and against what there was before."""
    with st.container(border=True):
        parts.plan_badge(here, plan)
        st.header(escape(workflow.headline_of(here.house, plan.id)), anchor=False)
        before = workflow.compared_with_last(here.house, plan.id)
        if before:
            st.caption(escape(before))
        if workflow.plan_states(here.house, here.label, [plan])[plan.id] is workflow.PlanState.WAITING:
            st.markdown("Look through it, then [approve it](#approve) at the end of this page.")


def draw_origin(here: Here, plan: Plan) -> None:
    """Where the preview comes from, and what shows that HiBob was read completely."""
    made = [
        ("Made", f"{moment(plan.made_at)} by {plan.by}"),
        ("HiBob read", moment(plan.read_at)),
        ("Versions", f"mapping {plan.mapping_version}, settings {plan.settings_version}"),
        ("Digest", plan.digest),
        ("Preview", plan.id),
    ]
    read = workflow.evidence_of(here.house, plan.id)
    with st.expander("Where this preview comes from, and what the read of HiBob proved", icon=":material/fact_check:"):
        st.dataframe(
            pd.DataFrame([*made, *read], columns=["What", "Value"]), hide_index=True, height="content",
            alt="Evidence of the read",
        )  # fmt: skip


def draw_plan(here: Here, plan: Plan) -> None:
    if not parts.belongs(here, plan):
        return
    draw_head(here, plan)
    parts.counts(plan)
    total = sum(plan.counts.get(name, 0) for name in ("link", "add", "update", "reactivate", "archive", "move"))
    lapsed = workflow.lapsed(here.house, plan.id)
    open_to_decide = not lapsed and workflow.run_of(here.house, plan.id) is None
    if open_to_decide and total:
        draw_effect(here, plan)
    for each in plan.blocks:
        parts.finding(here, plan, each)
    if total:
        changes.charts(here, plan)
        changes.groups(here, plan)
    for each in plan.findings:
        if each not in plan.blocks:
            parts.finding(here, plan, each)
    draw_origin(here, plan)
    if open_to_decide:
        deciding.test_account(here, plan)
    deciding.proposals(here, plan, open_to_decide)
    who, held = tabs("show", {"people": f"People ({total:,})", "held": f"Held back ({plan.counts.get('held', 0):,})"})
    if held.open:
        with held:
            changes.held(here, plan)
    else:
        with who:
            changes.table(here, plan, open_to_decide) if total else st.info("Nobody changes.", icon=":material/check:")
    with st.container(border=True):
        st.header("Approve", anchor="approve")
        approval.draw(here, plan, lapsed)


here = enter("Preview", "Who would change, and why. A preview reads both sides and writes nothing.")
domain = need_domain(here)
with guarded():
    job = workflow.latest_job(here.house, domain.label, [JobKind.PREVIEW, JobKind.DECIDE, JobKind.UNDO])
    plans = workflow.plans_seen(here.house, domain.label, OFFERED)
    plan_id = draw_controls(here, plans, job)
    failed_later = (
        job and job.state is JobState.FAILED and not (plans and str(job.ended_at) < plans[0].made_at.isoformat())
    )
    if job and (job.open or failed_later):
        jobs.show(here, job, DOING[job.kind])
        if job.error and "(401" in job.error:
            link("pages/connect.py", "Look at the connection", ":material/cable:", here)
    if plan_id:
        draw_plan(here, workflow.plan_seen(here.house, plan_id))
    elif not (job and job.open):
        st.info("No preview yet. Make one: it takes seconds, and nothing is changed by it.", icon=":material/info:")
