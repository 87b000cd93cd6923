"""What happened: runs over time, one run's details, and every change of settings and mapping."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.model import Domain, Run, RunStatus
from provisioning.report.called import finding_called
from provisioning.report.charts import runs_chart
from provisioning.report.differences import in_words
from provisioning.web import address, approval, deciding, parts, past, trends
from provisioning.web.frame import Here, enter, guarded, link, need_domain
from provisioning.web.words import PLAN_WORDS, RUN_WORDS, escape, moment, people

KINDS = {
    "Settings and mapping": ("mapping", "settings", "domain", "connection", "customer", "role", "schedule"),
    "Previews and approvals": ("plan", "decided"),
    "Runs": ("run", "stop"),
}


SHOWN_RUNS, SHOWN_PLANS = 60, 50
NAMED = 20
"""How many people are named in a line."""


def draw_runs(here: Here, domain: Domain) -> None:
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        text = address.search("Search", "Who, when (2026-11-22), or the run", "runs_search")
    with right:
        ended = address.several("Ended as", "ended", list(RunStatus), lambda each: RUN_WORDS[RunStatus(each)])
    found = workflow.runs_found(here.house, domain.label, ended, text)
    if not found:
        none = "No run fits." if text or ended else "No run yet: nothing has been written to the directory."
        st.info(none, icon=":material/info:")
        return
    with st.container(border=True):
        st.header("People per run", anchor=False)
        bars = [(f"{run.started_at:%d %b}<br>{run.started_at:%H:%M}", done) for run, _, done in reversed(found)]
        st.plotly_chart(
            runs_chart(bars), key="runs", alt="People done per run and action", config={"displayModeBar": False}
        )
    rows = [
        {"Begun": moment(run.started_at), "By": run.by, "Ended as": RUN_WORDS[run.status]}
        | {name.capitalize(): number for name, number in results.items()}
        for run, results, _ in found
    ]
    newest(len(found), SHOWN_RUNS)
    shown = st.query_params.get("run") or found[0][0].id
    address.look_at(run=shown)
    address.rows(
        pd.DataFrame(rows), [run.id for run, *_ in found], "run", "Runs, newest first; select one for its details"
    )
    past.downloads(here, "runs", lambda house, kind: workflow.export_runs(house, domain.label, ended, text, kind))
    with guarded():
        run = workflow.run_seen(here.house, shown)
        draw_run(here, run)
        past.compare(here, run, [each for each, *_ in workflow.runs_found(here.house, domain.label)])


def draw_run(here: Here, run: Run) -> None:
    plan, approved = workflow.plan_seen(here.house, run.plan_id), workflow.approval_of(here.house, run.plan_id)
    if not parts.belongs(here, plan):
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(f"The run of {escape(moment(run.started_at))}", anchor=False)
            parts.run_badge(run)
        parts.numbers([(name.capitalize(), number) for name, number in run.counts.items()])
        lines = {
            "Preview": f"Made {moment(plan.made_at)} by {plan.by}",
            "Approved": f"{moment(approved.at)} by {approved.by}" if approved else "—",
            "Decided, as the file says, by": (approved.signed_by or "not said")
            if approved and approved.workbook
            else "",
            "Left out": left_out(here, plan.id, approved.left_out) if approved else "—",
            "Overridden": "; ".join(f"{finding_called(code)}: {why}" for code, why in approved.overrides.items())
            if approved
            else "",
            "Digest": plan.digest,
            "Processed": f"{moment(run.started_at)} to {moment(run.ended_at)}, by {run.by}",
            "Retry of": run.retry_of or "",
            "Ids": f"{run.id}, {plan.id}",
        }
        rows = [{"What": name, "Value": value} for name, value in lines.items() if value]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="Details of the run")
        with st.container(horizontal=True, vertical_alignment="center"):
            approval.workbook_button(here, plan)
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here, plan=plan.id)
            link("pages/process.py", "Every outcome", ":material/play_circle:", here, plan=plan.id)


def newest(count: int, most: int) -> None:
    if count >= most:
        st.caption(f"These are the newest {most:,}. Older ones stand under “Changes and approvals”.")


def left_out(here: Here, plan_id: str, keys: Sequence[str]) -> str:
    """How many, and who: the first of them by name."""
    names = workflow.names_in_plan(here.house, plan_id, keys[:NAMED])
    named = ", ".join(names.get(key) or key for key in keys[:NAMED])
    more = f", and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
    return f"{people(len(keys))}: {named}{more}" if keys else "nobody"


def draw_plans(here: Here, domain: Domain) -> None:
    found = workflow.plans_seen(here.house, domain.label, SHOWN_PLANS)
    if not found:
        st.info("No preview yet.", icon=":material/info:")
        return
    states = workflow.plan_states(here.house, domain.label, found)
    names = ("add", "update", "reactivate", "archive", "link", "held")
    rows = [
        {"Made": moment(plan.made_at), "By": plan.by, "Status": PLAN_WORDS[states[plan.id]]}
        | {name.capitalize(): plan.counts.get(name, 0) for name in names}
        | {"Preview": plan.id}
        for plan in found
    ]
    selected = address.rows(pd.DataFrame(rows), [plan.id for plan in found], "plan", "Previews, newest first")
    newest(len(found), SHOWN_PLANS)
    for row in selected:
        with st.container(horizontal=True, vertical_alignment="center"):
            approval.workbook_button(here, found[row])
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here, plan=found[row].id)


def draw_left(here: Here, customer: str) -> None:
    """What happened in domains that were offboarded, and to the customer as a whole."""
    left = [label for label, _ in workflow.domains_left(here.house, customer)]
    shown = st.selectbox("Offboarded", left, key=f"left_{customer}", format_func=str)
    if shown:
        draw_events(here, shown)


def draw_events(here: Here, label: str) -> None:
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        text = address.search("Search", "Who, what, or any word of the details", "events_search")
    with right:
        chosen = address.several("Show", "kinds", list(KINDS), str, ["Settings and mapping"])
    starts = tuple(word for kind in (chosen or KINDS) for word in KINDS[kind])
    found = workflow.events_found(here.house, label, starts, text)
    if not found:
        st.info("Nothing of this kind happened yet." if not text else "Nothing fits.", icon=":material/info:")
        return
    past.downloads(here, "events", lambda house, kind: workflow.export_events(house, label, starts, text, kind))
    skip = address.pager(len(found))
    rows = [
        {"When": moment(each.at), "Who": each.who, "What": each.what.replace("plan ", "preview "),
         "Details": in_words(named(here, each)), "Preview": each.plan or "", "Run": each.run or ""}
        for each in found[skip : skip + address.PAGE]
    ]  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt="What happened, newest first", row_height=address.TALL,
        column_config={"Details": st.column_config.TextColumn(width="large")},
    )  # fmt: skip


def named(here: Here, each: workflow.Event) -> dict[str, object]:
    """An event's details with people by their names, where the preview that it is about knows them."""
    about, keys = dict(each.details), each.details.get("left_out")
    if each.plan and isinstance(keys, list) and keys:
        about["left_out"] = left_out(here, each.plan, keys)
    made = each.details.get("decisions")
    if isinstance(made, list) and made:
        names = workflow.names_in_plan(here.house, each.plan, [one["key"] for one in made]) if each.plan else {}
        about["decisions"] = [
            f"{names.get(one['key']) or one['key']}: {deciding.in_words(one['kind'], one['other'])}" for one in made
        ]
    return {name: value for name, value in about.items() if name != "digest"}


here = enter("History", "Every run, every preview and approval, and every change of the settings.")
left = bool(here.customer and workflow.domains_left(here.house, here.customer.name))
if here.customer and left and here.domain is None:
    with guarded():
        draw_left(here, here.customer.name)
    st.stop()
domain = need_domain(here)
shown = {"runs": "Runs", "previews": "Previews", "changes": "Changes and approvals", "trends": "Trends"}
runs, plans, events, over_time, *gone = address.tabs("show", shown | ({"left": "Offboarded"} if left else {}))
if gone and gone[0].open:
    with gone[0], guarded():
        draw_left(here, domain.customer)
elif over_time.open:
    with over_time, guarded():
        trends.draw(here)
elif plans.open:
    with plans, guarded():
        draw_plans(here, domain)
elif events.open:
    with events, guarded():
        draw_events(here, domain.label)
else:
    with runs, guarded():
        draw_runs(here, domain)
