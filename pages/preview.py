"""Who would be added, updated, reactivated and archived, and why; and the approval of exactly that."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pandas as pd
import streamlit as st

from provisioning.model import Plan
from provisioning.report.called import by_whom
from provisioning.report.evidence import read_in_words, uncounted_in_words
from provisioning.report.speed import forecast_words
from provisioning.report.text import live_in_words
from provisioning.store.jobs import Job, JobKind, JobState
from provisioning.web import approval, changes, deciding, findings, jobs, next_step, parts, past
from provisioning.web.address import look_at, tabs
from provisioning.web.frame import Here, enter, guarded, link, need_domain
from provisioning.web.words import PLAN_WORDS, ago, dated, escape, moment, on_a_telephone
from provisioning.workflow import approving, asking, looking, reviewing, speed, stored_plans
from provisioning.workflow.looking import PlanState

OFFERED = 20
"""How many previews one may choose from here."""

DOING = {JobKind.PREVIEW: "Preview", JobKind.DECIDE: "Your decision", JobKind.UNDO: "Undo"}
PAST = (PlanState.BEGUN, PlanState.PROCESSED)
"""States in which a preview tells what happened."""
IN_HAND = (PlanState.WAITING, PlanState.BLOCKED, PlanState.APPROVED, PlanState.CHANGED, PlanState.BEGUN)
"""States in which a preview itself asks for the next click."""


def draw_controls(here: Here, plans: list[Plan], job: Job | None, ready: bool) -> str | None:
    """Choose one of the previews there are, or make another where that can be done (`ready`). Returns the plan's id."""
    # Whoever only reads makes none.
    left, right = st.columns([3, 1], vertical_alignment="bottom") if here.may_prepare else (st.container(), None)
    busy = bool(job and job.open)
    have = {each.id: each for each in plans}
    states = looking.plan_states(here.house, here.label, plans)
    wanted = st.query_params.get("plan") or (plans[0].id if plans else None)
    if wanted in states:
        states |= {wanted: approval.state_seen(here, have[wanted])}
    if right and right.button(
        "Make a preview", type="primary" if ready and states.get(wanted or "") not in IN_HAND else "secondary", width="stretch",
        icon=":material/compare_arrows:", disabled=busy or not ready,
    ):  # fmt: skip
        asking.ask(here.house, here.label, JobKind.PREVIEW)
        st.query_params.from_dict(here.place)
        st.rerun()
    if wanted is None:
        return None
    names = named(plans, states)
    chosen = left.selectbox(
        "Preview",
        list(have) if wanted in have else [wanted, *have],
        list(have).index(wanted) if wanted in have else 0,
        format_func=lambda each: names.get(each, "An older preview"),
        # A box keeps the words it has: with other words it is another box.
        key=f"plan_{wanted}_{names.get(wanted)}_{len(plans)}",
    )
    if len(plans) == OFFERED:
        left.caption(f"These are the newest {OFFERED}. Older ones stand in the history.")
    # While a new one is made the address names none, so that the new one is shown when it is there.
    if chosen != wanted:
        # What was looked for in one preview is not looked for in another.
        st.query_params.from_dict({**here.place, "plan": chosen})
    elif not busy and "plan" not in st.query_params:
        look_at(plan=chosen)
    return str(chosen)


def named(plans: list[Plan], states: Mapping[str, PlanState]) -> dict[str, str]:
    """Previews as people tell them from each other: when each was made, how far it is, and that it is a way back."""
    minutes = Counter(moment(each.made_at) for each in plans)
    return {
        each.id: f"{moment(each.made_at, seconds=minutes[moment(each.made_at)] > 1)} · {PLAN_WORDS[states[each.id]]}"
        + (" · Takes a run back" if each.undo_of else "")
        for each in plans
    }


def draw_verdict(here: Here, plan: Plan, state: PlanState, lapsed: str | None, left_out: Sequence[str]) -> None:
    """Is it safe, what happens, to whom; what it comes to; and the way on."""
    with st.container(border=True):
        parts.badge(state)
        st.header(escape(reviewing.headline_of(here.house, plan.id, left_out)), anchor="approve")
        if state is PlanState.BLOCKED:
            findings.blocks(here, plan)
        with st.container(gap="xxsmall"):
            if back := past.took_back(
                here, plan, "It takes back the run of {}." if state not in PAST else past.TOOK_BACK
            ):
                anew = " HiBob stays as it is: the next preview would propose the same changes again."
                st.markdown(f":material/settings_backup_restore: {escape(back + anew)}")
            if state in IN_HAND and state is not PlanState.BEGUN:
                draw_effect(here, plan, left_out)
                draw_age(here, plan)
                if alone := reviewing.without_their_manager(here.house, plan.id, left_out):
                    st.markdown(f":material/person_alert: {escape(alone)}")
            # Of one that was processed too: a schedule may have done since what a person left out.
            if again := reviewing.proposed_again(here.house, plan.id, left_out):
                st.markdown(f":material/person_alert: {escape(dated(again))}")
            compares = state is not PlanState.EMPTY and state not in PAST
            before = reviewing.compared_with_last(here.house, plan.id, moment, left_out) if compares else ""
            if before:
                st.markdown(f":material/history: {escape(before)}")
            if plan.evidence:
                told = f"{read_in_words(plan.evidence)} {uncounted_in_words(plan.evidence)}".rstrip()
                st.markdown(f":material/fact_check: {escape(told)}")
        approval.draw(here, plan, state, lapsed)


def draw_effect(here: Here, plan: Plan, left_out: Sequence[str]) -> None:
    """Who may hear from the portal, what it comes to in seats and money, and how long it takes: a line each."""
    effect = looking.effect_of(here.house, plan.id, left_out)
    if effect.newly_live:
        portal = here.domain is not None and here.domain.settings.scim is not None
        st.markdown(f":material/mail: {escape(live_in_words(effect.newly_live, portal))}.")
    seats = f", of {effect.seats:,} licensed seats" if effect.seats is not None else ""
    over = f": {effect.over:,} too many" if effect.over else ""
    cost = f", which cost {effect.cost}" if effect.cost else ""
    approved = "the people left out stay as they are" if left_out else "all of it is approved"
    users = f"{effect.live:,} live user{'' if effect.live == 1 else 's'}"
    told = f"If {approved}: {users} after the run{seats}{over}{cost}."
    st.markdown(f":material/event_seat: {escape(told)}")
    takes = speed.forecast(here.house, plan.id, left_out)
    if takes:
        what = f"{takes.changes:,} change{'' if takes.changes == 1 else 's'}" if left_out else "all of it"
        told = forecast_words(takes.changes, takes.rate, takes.measured, what)
        st.markdown(f":material/timer: {escape(told)}.")


def draw_age(here: Here, plan: Plan) -> None:
    """Of one that has waited for a day or more: HiBob may say otherwise by now."""
    now = here.house.clock()
    if now - plan.read_at >= timedelta(days=1):
        told = "Whoever has changed since is left alone; a new preview shows how it stands now."
        st.markdown(f":material/update: HiBob was read {ago(plan.read_at, now)}. {told}")


def draw_origin(here: Here, plan: Plan) -> None:
    """Where the preview comes from, and what shows that HiBob was read completely."""
    made = [
        ("Made", f"{moment(plan.made_at)} by {by_whom(plan.by)}"),
        ("HiBob read", moment(plan.read_at)),
        ("Versions", f"mapping {plan.mapping_version}, settings {plan.settings_version}"),
        ("Digest: says exactly what is approved", plan.digest),
        ("Preview", plan.id),
    ]
    read = reviewing.evidence_of(here.house, plan.id)
    with st.expander("Where this preview comes from, and what the read of HiBob proved", icon=":material/fact_check:"):
        st.dataframe(
            pd.DataFrame([*made, *read], columns=["What", "Value"]), hide_index=True, height="content",
            alt="Evidence of the read",
        )  # fmt: skip


def draw_plan(here: Here, plan: Plan) -> None:
    if not parts.belongs(here, plan):
        return
    state = approval.state_seen(here, plan)
    lapsed = stored_plans.lapsed(here.house, plan.id)
    total = sum(plan.counts.get(name, 0) for name in ("link", "add", "update", "reactivate", "archive", "move"))
    open_to_decide = not lapsed and stored_plans.run_of(here.house, plan.id) is None
    closed = "Nobody can be left out of it any more: it has lapsed." if state is PlanState.LAPSED else ""
    approved = stored_plans.approval_of(here.house, plan.id)
    left_out = stored_plans.left_out_seen(here.house, plan.id)
    by_file = approval.by_file(here, plan) if open_to_decide else None
    if by_file:
        # What lies on the page to be approved is what its numbers tell, and is decided in the file.
        left_out = by_file.left_out
        closed = "The uploaded Excel file decides who is left out: remove it to decide here."
    draw_verdict(here, plan, state, lapsed, left_out)
    telephone = on_a_telephone()
    if telephone and total:
        st.markdown("[Go to the people](#people), further down.")
    if open_to_decide:
        deciding.test_account(here, plan)
    if state in PAST:
        parts.results(reviewing.results_of(here.house, plan.id))
        closed = "That is as it was planned: the run tells what became of each."
    else:
        parts.counts(reviewing.counts_without(here.house, plan.id, left_out))
    told = [each.code for each in plan.blocks] if state is PlanState.BLOCKED else []
    findings.lines(here, plan, told, approved.overrides if approved else {})
    deciding.proposals(here, plan, open_to_decide)
    changes.happenings(here, plan, left_out, "What was planned" if state in PAST else "What happens")
    if telephone:
        st.header("People", anchor="people")
    who, held = tabs("show", {"people": f"People ({total:,})", "held": f"Held back ({plan.counts.get('held', 0):,})"})
    if held.open:
        with held:
            changes.held(here, plan)
    else:
        with who:
            may = open_to_decide and not by_file
            changes.table(
                here, plan, may, closed, left_out, by_file.protected if by_file else ()
            ) if total else st.info("Nobody changes.", icon=":material/check:")
    asked = state in (PlanState.WAITING, PlanState.BLOCKED, PlanState.CHANGED) and here.may_approve
    stays = looking.somebody_stays(here.house, plan.id, left_out)
    if asked and stays and not approving.needs_another(here.house, plan.id):
        st.markdown("Looked through it? [Approve it at the top](#approve) of this page.")
    draw_origin(here, plan)


here = enter("Preview", "Who would change, and why. A preview reads both sides and writes nothing.")
domain = need_domain(here)
with guarded():
    job = asking.latest_job(here.house, domain.label, [JobKind.PREVIEW, JobKind.DECIDE, JobKind.UNDO])
    plans = looking.plans_seen(here.house, domain.label, OFFERED)
    ready = next_step.draw_before_preview(here, "preview")
    plan_id = draw_controls(here, plans, job, ready)
    failed_later = (
        job and job.state is JobState.FAILED and not (plans and str(job.ended_at) < plans[0].made_at.isoformat())
    )
    if job and (job.open or failed_later):
        jobs.show(here, job, DOING[job.kind])
        if failed_later and plans:
            st.caption("Nothing was changed by that. Below stands an earlier preview.")
        if job.error and "unique identifier" in job.error:
            link("pages/mapping.py", "Look at the mapping", ":material/swap_horiz:", here)
        if asking.about_credentials(job.error):
            link("pages/connect.py", "Look at the connection", ":material/cable:", here)
    if plan_id:
        # A part of its own, so that another preview takes its place at once instead of moving it line by line.
        with st.container(key=f"shown_{plan_id}"):
            draw_plan(here, stored_plans.plan_seen(here.house, plan_id))
    else:
        way_on = "Make one: it takes seconds, and nothing is changed by it."
        if job and job.open:
            way_on = "The first is being made."
        elif not here.may_prepare:
            way_on = "An admin or CSM makes one."
        elif not ready:
            way_on = "One can be made once the set-up is that far."
        st.info(f"No preview yet. {way_on}", icon=":material/info:")
