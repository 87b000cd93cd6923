"""What happened, day by day and in words: who decided what; every run and preview again; trends."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import pandas as pd
import streamlit as st

from provisioning.model import PLAN_LIFETIME, Approval, Domain, Plan, Run, RunStatus
from provisioning.naming import some_of
from provisioning.report.called import finding_called, the_schedule, who
from provisioning.report.charts import runs_chart
from provisioning.report.told import Told, done, not_done
from provisioning.web import address, approval, evidence, parts, past, trends
from provisioning.web.frame import Here, enter, guarded, link, need_domain
from provisioning.web.words import (
    PLAN_WORDS,
    RUN_WORDS,
    TO_DO,
    dated,
    escape,
    moment,
    on_a_telephone,
    on_the_clock,
    people,
    run_names,
    zone_here,
    zone_of,
)
from provisioning.workflow import handing_out, leaving, looking, looking_back, reviewing, stored_plans
from provisioning.workflow.looking import PlanState

ICONS = {
    "plan made": ":material/compare_arrows:",
    **dict.fromkeys(("plan failed", "run not begun"), ":material/error:"),
    "plan approved": ":material/verified:",
    "standing": ":material/verified:",
    "decided": ":material/how_to_reg:",
    "run": ":material/play_circle:",
    "stop": ":material/stop_circle:",
    "mapping": ":material/swap_horiz:",
    "schedule": ":material/schedule:",
    "all schedules": ":material/schedule:",
    "connection": ":material/cable:",
    "role": ":material/key:",
    "signed": ":material/key:",
    **dict.fromkeys(
        ("workbook", "history exported", "users exported", "set-up exported", "person exported"), ":material/download:"
    ),
}
OTHER = ":material/tune:"
LAPSED = (
    f"Lapsed: it can be read, but not approved any more. It is older than {PLAN_LIFETIME.days} days, or the mapping or settings "
    "changed or another run was processed since."
)
WAY, ASIDE = 100, 8
"""Pixels: so wide is the way on from an event, that all of them stand below each other, and so far is a link's text from its
left edge, where a button's begins."""
NAMED, LONG = 20, 300
"""How many people are named in a line, and how many letters of what else is known are shown."""


# --- what happened, day by day ----------------------------------------------------------------------------


def draw_timeline(here: Here, label: str) -> None:
    left, right = st.columns([1, 2])
    with left:
        text = address.search("Search", "Who, what or when (22 Nov 2026)", "events_search")
    with right:
        chosen = address.several("Show only", "kinds", list(looking_back.EVENT_KINDS), str)
    starts = tuple(word for kind in chosen for word in looking_back.EVENT_KINDS[kind])
    zone = zone_here()
    timeline = looking_back.timeline(here.house, label, starts, text, zone)
    found = timeline.events
    if not found:
        st.info("Nothing of this kind happened yet." if not text else "Nothing fits.", icon=":material/info:")
        return
    skip = address.pager(len(found))
    page = found[skip : skip + address.PAGE]
    for day, events in groupby(enumerate(page), lambda each: day_of(each[1].at)):
        with st.container(border=True, gap="xsmall"):
            st.header(day, anchor=False)
            for number, each in events:
                draw_event(here, number, each, timeline.doer(each), timeline.told(each))
    past.downloads(
        here, "events", lambda house, kind: handing_out.export_events(house, label, starts, text, kind, zone)
    )


def day_of(at: str) -> str:
    """“Sunday 29 November 2026, GMT”: the clock times below it are of that zone."""
    there = on_the_clock(at)
    return f"{there:%A} {there.day} {there:%B %Y}, {zone_of(there)}" if there else "—"


def draw_event(here: Here, number: int, each: looking.Event, whose: str, said: Told) -> None:
    """`number`: its place on the page; `whose`: who did it."""
    at, beside = on_the_clock(each.at), not on_a_telephone()
    icon = next((icon for start, icon in ICONS.items() if each.what.startswith(start)), OTHER)
    row = st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small")
    with row if beside else st.container(gap="xxsmall"):
        with st.container(gap="xxsmall"):
            st.markdown(f"{icon} {at:%H:%M} **{escape(whose)}** {escape(said.text)}.")
            if said.more:
                more = dated(said.more)
                st.caption(escape(more[:LONG] + ("…" if len(more) > LONG else "")))
        with st.container(width=WAY, horizontal=True, gap=None):
            if each.run:
                st.space(ASIDE)
                to_the_run = {"show": "runs", "run": each.run, address.SEARCH: ""}
                st.button("Run", key=f"event_{number}", type="tertiary", icon=":material/arrow_forward:",
                          on_click=address.filter_by, kwargs=to_the_run)  # fmt: skip
            elif each.plan:
                link("pages/preview.py", "Preview", ":material/arrow_forward:", here, plan=each.plan)


# --- runs -------------------------------------------------------------------------------------------------


def draw_runs(here: Here, domain: Domain) -> None:
    left, right = st.columns([2, 3])
    with left:
        text = address.search("Search", "Who, when (22 Nov 2026), or the run", "runs_search")
    with right:
        ended = address.several("Ended as", "ended", list(RunStatus), lambda each: RUN_WORDS[RunStatus(each)])
    zone = zone_here()
    found = looking_back.runs_found(here.house, domain.label, ended, text, zone)
    if not found:
        none = "No run fits." if text or ended else "No run yet: nothing has been written to the directory."
        st.info(none, icon=":material/info:")
        return
    names = run_names([run for run, *_ in found])
    recorded = {each.run.id: each for each in looking_back.runs_recorded(here.house, domain.label)}
    changed = {name for name, each in recorded.items() if each.changed}
    with st.container(border=True):
        st.header("People per run", anchor=False)
        bars = [(bar_label(names[run.id]), actions) for run, _, actions in reversed(found)]
        parts.chart(runs_chart(bars, 220), key="runs", alt="People done per run and action")
    back = stored_plans.ways_back(here.house, found[0][0].plan_id)
    rows = [
        {"Begun": names[run.id], "Done": done(actions) or "nobody", "Not done": not_done(results),
         "Ended as": ended_as(run, back, run.id in changed), "By": who(run.by)}
        for run, results, actions in found
    ]  # fmt: skip
    newest(len(found), looking_back.SHOWN_RUNS)
    frame = parts.filled(pd.DataFrame(rows))
    frame = parts.narrowed(frame, {"Begun": ("Begun", "Done", "Not done", "Ended as")})
    fit = parts.fitted(frame)
    address.rows(
        fit.cut(frame), [run.id for run, *_ in found], "run", "Runs, newest first; select one for its details",
        columns=fit.columns, row_height=fit.row_height, usual=found[0][0].id,
    )  # fmt: skip
    past.downloads(
        here, "runs", lambda house, kind: handing_out.export_runs(house, domain.label, ended, text, kind, zone)
    )
    with guarded():
        run = stored_plans.run_seen(here.house, st.query_params.get("run") or found[0][0].id)
        did = next((done(actions) for each, _, actions in found if each.id == run.id), "")
        name = names.get(run.id) or moment(run.started_at)
        if run.id in changed:
            st.error(escape(past.otherwise(recorded[run.id], name)), icon=":material/gpp_bad:")
            st.markdown(past.WHAT_TO_DO)
        draw_run(here, run, name, did)
        past.compare(here, run, [each for each, *_ in looking_back.runs_found(here.house, domain.label)])


def ended_as(run: Run, back: Mapping[str, Run], changed: bool) -> str:
    """How it ended, and what else tells it from others. `back`: what was taken back → by which run; `changed`: its outcomes are not
    what the history recorded."""
    said = {
        "a retry": bool(run.retry_of),
        "takes a run back": run.id in {each.id for each in back.values()},
        "taken back": run.id in back,
        "not as recorded": changed,
    }
    return " · ".join([RUN_WORDS[run.status], *(words for words, true in said.items() if true)])


def bar_label(name: str) -> str:
    """“22 Nov 2026, 08:56 UTC” in the two lines below a bar."""
    day, _, clock = name.partition(", ")
    return f"{day.rpartition(' ')[0]}<br>{clock.partition(' ')[0]}"


def draw_run(here: Here, run: Run, name: str, did: str) -> None:
    """`did`: what it did, in words, where that is known."""
    plan, approved = stored_plans.plan_seen(here.house, run.plan_id), stored_plans.approval_of(here.house, run.plan_id)
    if not parts.belongs(here, plan):
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(f"The run of {escape(name)}", anchor=False)
            parts.run_badge(run)
        said = [did or f"{run.counts.get('done', 0):,} done", not_done(run.counts)]
        st.markdown(f"**{escape(' · '.join(filter(None, said)))}**")
        with st.container(gap="xsmall"):
            for icon, text in run_lines(here, run, plan, approved):
                st.markdown(f":material/{icon}: {escape(text)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            approval.workbook_button(here, plan)
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here, plan=plan.id)
            link("pages/process.py", "Every outcome", ":material/play_circle:", here, run=run.id)
        with st.expander("For the record", icon=":material/fingerprint:"):
            st.caption(
                "The digest says exactly what was approved: what ran has the same. A file’s fingerprint tells whether one at "
                "hand is the one that was uploaded."
            )
            by_file = f"\nfile     {approved.sha256} (SHA-256)" if approved and approved.sha256 else ""
            named = f"digest   {plan.digest}\npreview  {plan.id}\nrun      {run.id}{by_file}"
            st.code(named, language=None, wrap_lines=True)


def run_lines(here: Here, run: Run, plan: Plan, approved: Approval | None) -> list[tuple[str, str]]:
    """(picture, sentence): who made the preview, who approved what of it, who processed it."""
    lines = [("settings_backup_restore", past.took_back(here, plan))] if plan.undo_of else []
    if back := stored_plans.ways_back(here.house, plan.id).get(run.id):
        lines += [("settings_backup_restore", f"It was taken back by the run of {moment(back.started_at)}.")]
    lines += [("compare_arrows", f"{who(plan.by)} made the preview, {moment(plan.made_at)}.")]
    if again := reviewing.proposed_again(here.house, plan.id):
        lines += [("person_alert", dated(again))]
    if approved:
        by = the_schedule(approved.by) if approved.standing else approved.by
        how = f" with the Excel file {approved.file}".rstrip() if approved.workbook else ""
        how = " under the standing approval" if approved.standing else how
        lines += [("verified", f"{by} approved it{how}, {moment(approved.at)}.")]
        if approved.signed_by:
            lines += [("edit_document", f"Decided, as the file says, by {approved.signed_by}.")]
        kept = looking.kept_active(here.house, run.id)
        if left := [key for key in approved.left_out if key not in kept]:
            lines += [("person_remove", f"{by} left out {left_out(here, plan.id, left)}.")]
        if kept:
            lines += [("shield_person", f"{by} kept active {left_out(here, plan.id, sorted(kept))}.")]
        lines += [
            ("gavel", f"Overrode “{finding_called(code)}”, because: {why}") for code, why in approved.overrides.items()
        ]
    ended = f", ended {moment(run.ended_at)}" if run.ended_at else ", not ended yet"
    before = stored_plans.run_seen(here.house, run.retry_of).started_at if run.retry_of else None
    again = f" It tried again what failed in the run of {moment(before)}." if before else ""
    return [*lines, ("play_circle", f"{who(run.by)} processed it, begun {moment(run.started_at)}{ended}.{again}")]


def newest(count: int, most: int) -> None:
    if count >= most:
        st.caption(f"These are the newest {most:,}. Older ones stand in the timeline.")


def left_out(here: Here, plan_id: str, keys: Sequence[str]) -> str:
    """How many, and who: the first of them by name."""
    names = looking.names_in_plan(here.house, plan_id, keys[:NAMED])
    return f"{people(len(keys))}: {some_of([names.get(key) or key for key in keys[:NAMED]], NAMED, len(keys))}"


def to_do(counts: Mapping[str, int]) -> str:
    """“211 to add, 2 to archive”; "" where nobody changes."""
    return ", ".join(f"{counts[name]:,} {words.lower()}" for name, words in TO_DO.items() if counts.get(name))


def draw_plans(here: Here, domain: Domain) -> None:
    left, right = st.columns([2, 3])
    with left:
        text = address.search("Search", "Who, when (22 Nov 2026), or the preview", "previews_search")
    with right:
        states = address.several("Status", "states", list(PlanState), lambda each: PLAN_WORDS[PlanState(each)])
    zone = zone_here()
    seen = looking_back.previews_found(here.house, domain.label, states, text, zone)
    if not seen:
        st.info("No preview fits." if text or states else "No preview yet.", icon=":material/info:")
        return
    found = [each.plan for each in seen]
    rows = [
        {"Made": moment(each.plan.made_at), "Status": PLAN_WORDS[each.state], "Planned": to_do(each.plan.counts) or "nobody",
         "Left out": each.left_out, "Held back": each.plan.counts.get("held", 0), "By": who(each.plan.by)}
        for each in seen
    ]  # fmt: skip
    frame = parts.narrowed(pd.DataFrame(rows), {"Made": ("Made", "Status", "Planned", "Left out", "Held back")})
    fit = parts.fitted(frame)
    selected = address.rows(
        fit.cut(frame), [plan.id for plan in found], "plan", "Previews, newest first",
        columns=fit.columns, row_height=fit.row_height,
    )  # fmt: skip
    lapsed = f" {LAPSED}" if any(each.state is PlanState.LAPSED for each in seen) else ""
    st.caption(f"The numbers are what each preview planned: what was done stands under Runs.{lapsed}")
    newest(len(found), looking_back.SHOWN_PLANS)
    past.downloads(
        here, "previews",
        lambda house, kind: handing_out.export_previews(house, domain.label, states, text, kind, zone),
    )  # fmt: skip
    for row in selected:
        with st.container(horizontal=True, vertical_alignment="center"):
            approval.workbook_button(here, found[row])
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here, plan=found[row].id)


def draw_left(here: Here, customer: str) -> None:
    """What happened in domains that were offboarded, and to the customer as a whole."""
    left = [label for label, _ in leaving.domains_left(here.house, customer)]
    shown = st.selectbox("Offboarded", left, key=f"left_{customer}", format_func=str)
    if shown:
        draw_timeline(here, shown)


here = enter("History", "Day by day, who did what: previews, approvals, runs and every change.")
left = bool(here.customer and leaving.domains_left(here.house, here.customer.name))
if here.customer and here.domain is None:
    # Before there is a domain, who was given which role and who connected what is all that there is.
    first = {"left": "Offboarded"} if left else {"timeline": "Timeline"}
    events, proofs = address.tabs("show", first | {"evidence": "Evidence"})
    with proofs if proofs.open else events, guarded():
        if proofs.open:
            evidence.draw(here, here.customer.name)
        elif left:
            draw_left(here, here.customer.name)
        else:
            draw_timeline(here, here.customer.name)
    st.stop()
domain = need_domain(here)
if st.query_params.get("run") and "show" not in st.query_params:
    address.look_at(show="runs")
shown = {
    "timeline": "Timeline", "runs": "Runs", "previews": "Previews", "trends": "Trends", "evidence": "Evidence",
}  # fmt: skip
events, runs, plans, over_time, proofs, *gone = address.tabs("show", shown | ({"left": "Offboarded"} if left else {}))
if gone and gone[0].open:
    with gone[0], guarded():
        draw_left(here, domain.customer)
elif proofs.open:
    with proofs, guarded():
        evidence.draw(here, domain.customer)
elif over_time.open:
    with over_time, guarded():
        trends.draw(here)
elif plans.open:
    with plans, guarded():
        draw_plans(here, domain)
elif runs.open:
    with runs, guarded():
        draw_runs(here, domain)
else:
    with events, guarded():
        draw_timeline(here, domain.label)
