"""What happened: runs over time, one run's details, and every change of settings and mapping."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.model import Domain, Run
from provisioning.report.charts import runs_chart
from provisioning.web import approval, parts
from provisioning.web.frame import Here, enter, guarded, link, need_domain
from provisioning.web.words import PLAN_WORDS, RUN_WORDS, escape, moment, people

KINDS = {
    "Settings and mapping": ("mapping", "settings", "domain", "connection", "customer", "role"),
    "Previews and approvals": ("plan",),
    "Runs": ("run", "stop"),
}


LIMIT = {"number", "percent"}
"""What a limit is made of, as an event holds it."""


def draw_runs(here: Here, domain: Domain) -> None:
    found = workflow.runs_seen(here.house, domain.label)
    if not found:
        st.info("No run yet: nothing has been written to the directory.", icon=":material/info:")
        return
    with st.container(border=True):
        st.subheader("People per run", anchor=False)
        bars = [(f"{run.started_at:%d %b, %H:%M:%S}", done) for run, _, done in reversed(found)]
        st.plotly_chart(
            runs_chart(bars), key="runs", alt="People done per run and action", config={"displayModeBar": False}
        )
    rows = [
        {"Begun": moment(run.started_at), "By": run.by, "Ended as": RUN_WORDS[run.status]}
        | {name.capitalize(): number for name, number in results.items()}
        | {"Run": run.id}
        for run, results, _ in found
    ]
    event = st.dataframe(
        pd.DataFrame(rows), hide_index=True, on_select="rerun", selection_mode="single-row", key="run_rows",
        alt="Runs, newest first; select one for its details",
    )  # fmt: skip
    chosen = [found[row][0].id for row in event["selection"]["rows"] if row < len(found)]
    if chosen and chosen[0] != st.query_params.get("run"):
        st.query_params["run"] = chosen[0]
    shown = st.query_params.get("run") or found[0][0].id
    with guarded():
        draw_run(here, workflow.run_seen(here.house, shown))


def draw_run(here: Here, run: Run) -> None:
    plan, approved = workflow.plan_seen(here.house, run.plan_id), workflow.approval_of(here.house, run.plan_id)
    if not parts.belongs(here, plan):
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(f"Run {escape(run.id)}", anchor=False)
            parts.run_badge(run)
        parts.numbers([(name.capitalize(), number) for name, number in run.counts.items()])
        lines = {
            "Preview": f"{plan.id}, made {moment(plan.made_at)} by {plan.by}",
            "Approved": f"{moment(approved.at)} by {approved.by}" if approved else "—",
            "Decided, as the file says, by": (approved.signed_by or "not said")
            if approved and approved.workbook
            else "",
            "Left out": people(len(approved.left_out)) if approved else "—",
            "Overridden": "; ".join(f"{code}: {why}" for code, why in approved.overrides.items()) if approved else "",
            "Digest": plan.digest,
            "Processed": f"{moment(run.started_at)} to {moment(run.ended_at)}, by {run.by}",
            "Retry of": run.retry_of or "",
        }
        rows = [{"What": name, "Value": value} for name, value in lines.items() if value]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="Details of the run")
        with st.container(horizontal=True, vertical_alignment="center"):
            approval.workbook_button(here, plan)
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here, plan=plan.id)
            link("pages/process.py", "Every outcome", ":material/play_circle:", here, plan=plan.id)


def draw_plans(here: Here, domain: Domain) -> None:
    found = workflow.plans_seen(here.house, domain.label)
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
    event = st.dataframe(
        pd.DataFrame(rows), hide_index=True, on_select="rerun", selection_mode="single-row", key="plan_rows",
        alt="Previews, newest first",
    )  # fmt: skip
    for row in event["selection"]["rows"]:
        link("pages/preview.py", f"Open {found[row].id}", ":material/compare_arrows:", here, plan=found[row].id)


def draw_events(here: Here, domain: Domain) -> None:
    chosen = st.pills("Show", list(KINDS), selection_mode="multi", key="event_kinds", default=["Settings and mapping"])
    starts = tuple(word for kind in (chosen or KINDS) for word in KINDS[kind])
    rows = [
        {"When": moment(each.at), "Who": each.who, "What": each.what, "Details": in_words(each.details),
         "Preview": each.plan or "", "Run": each.run or ""}
        for each in workflow.see_history(here.house, domain.label)
        if each.what.startswith(starts)
    ]  # fmt: skip
    if not rows:
        st.info("Nothing of this kind happened yet.", icon=":material/info:")
        return
    skip = parts.pager(len(rows), "events")
    st.dataframe(
        pd.DataFrame(rows[skip : skip + parts.PAGE]), hide_index=True, alt="What happened, newest first",
        column_config={"Details": st.column_config.TextColumn(width="large")},
    )  # fmt: skip


def in_words(details: Mapping[str, object]) -> str:
    """An event's details as a line; of what changed, from and to."""
    shown = {name: value for name, value in details.items() if value not in (None, "", [], {})}
    return ", ".join(f"{name.replace('_', ' ')}: {value_in_words(value)}" for name, value in shown.items())


def value_in_words(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"from", "to"}:
        before, after = value["from"], value["to"]
        if isinstance(before, dict) and isinstance(after, dict) and set(before) == set(after) != LIMIT:
            differ = [name for name in after if before[name] != after[name]]
            return "; ".join(
                f"{name.replace('_', ' ')}: {value_in_words(before[name])} → {value_in_words(after[name])}"
                for name in differ
            )
        return f"{value_in_words(value['from'])} → {value_in_words(value['to'])}"
    if isinstance(value, dict) and set(value) == LIMIT:
        if value["percent"] is not None:
            return f"{value['percent']} %"
        return "off" if value["number"] is None else str(value["number"])
    if isinstance(value, dict):
        return "; ".join(
            f"{name.replace('_', ' ')} {value_in_words(each)}" for name, each in value.items() if each is not None
        )
    if isinstance(value, list | tuple):
        return ", ".join(value_in_words(each) for each in value) or "none"
    return "none" if value is None else str(value)


here = enter("History", "Every run, every preview and approval, and every change of the settings.")
domain = need_domain(here)
runs, plans, events = st.tabs(["Runs", "Previews", "Changes and approvals"])
with runs, guarded():
    draw_runs(here, domain)
with plans, guarded():
    draw_plans(here, domain)
with events, guarded():
    draw_events(here, domain)
