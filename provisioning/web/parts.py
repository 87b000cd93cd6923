"""Pieces that several pages draw: counts, badges, findings, pages of a long table."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.model import Finding, Plan, Run, Severity
from provisioning.report.called import finding_called
from provisioning.report.charts import WORDS as ACTION_WORDS
from provisioning.web.frame import Here, link
from provisioning.web.words import (
    ACTIONS,
    HELP,
    PLAN_COLOURS,
    PLAN_WORDS,
    RUN_COLOURS,
    RUN_WORDS,
    SEVERITY_COLOURS,
    SEVERITY_WORDS,
    attribute_called,
    dated,
    escape,
    people,
)

MOST = 200
_ICONS = {
    Severity.BLOCK: ":material/block:",
    Severity.WARN: ":material/warning:",
    Severity.INFO: ":material/info:",
}


def plan_badge(here: Here, plan: Plan) -> None:
    state = workflow.plan_states(here.house, here.label, [plan])[plan.id]
    st.badge(PLAN_WORDS[state], color=PLAN_COLOURS[state])  # type: ignore[arg-type]


def run_badge(run: Run) -> None:
    st.badge(RUN_WORDS[run.status], color=RUN_COLOURS[run.status])  # type: ignore[arg-type]


def counts(plan: Plan) -> None:
    """The numbers of a preview, as cards; rare ones only where there are any."""
    always = ("add", "update", "reactivate", "archive")
    shown = [name for name in ACTION_WORDS if name in always or plan.counts.get(name)]
    cards: list[tuple[str, int | str]] = [(ACTIONS[name], plan.counts.get(name, 0)) for name in shown]
    numbers([*cards, ("Held back", plan.counts.get("held", 0)), ("Unchanged", plan.counts.get("unchanged", 0))])


def numbers(cards: Sequence[tuple[str, int | str]]) -> None:
    """Cards side by side, in as many rows as the window's width needs."""
    with st.container(horizontal=True):
        for label, number in cards:
            text = f"{number:,}" if isinstance(number, int) else number
            st.metric(label, text, border=True, help=HELP.get(label), width="stretch")


def finding(here: Here, plan: Plan, each: Finding) -> None:
    """One finding: what was counted, whom it concerns, and the way on."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            colour = SEVERITY_COLOURS[each.severity]
            st.badge(SEVERITY_WORDS[each.severity], icon=_ICONS[each.severity], color=colour)  # type: ignore[arg-type]
            st.markdown(f"**{escape(finding_called(each.code))}**")
        st.markdown(escape(dated(each.message)))
        st.markdown(f":material/arrow_forward: {escape(dated(each.remedy))}")
        if each.code == "unknown-lifecycle":
            link("pages/settings.py", "Open the settings", ":material/tune:", here, part="lifecycle")
        if each.keys:
            with st.expander(f"{people(len(each.keys))} concerned"):
                concerned(here, plan, each)


def concerned(here: Here, plan: Plan, each: Finding) -> None:
    """The people of a finding, the first of them."""
    keys = each.keys[:MOST]
    names = each.names or workflow.names_in_plan(here.house, plan.id, keys)
    rows = [{"Person": names.get(key, ""), "HiBob id, or user": key} for key in keys]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="The people whom this finding concerns")
    first(len(keys), len(each.keys))


def first(shown: int, count: int) -> None:
    """Says so where a list is not whole."""
    if shown < count:
        st.caption(f"These are the first {shown:,} of {count:,}.")


def belongs(here: Here, plan: Plan) -> bool:
    """Whether a plan that the address names is one of the domain looked at; says so when it is not."""
    if here.domain and plan.domain_id == here.domain.id:
        return True
    st.warning(
        f"This preview belongs to {escape(plan.domain)}. Choose that domain in the sidebar.", icon=":material/info:"
    )
    return False


def values_table(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> pd.DataFrame:
    rows = [
        {"Attribute": attribute_called(name), "Before": before.get(name) or "", "After": value or ""}
        for name, value in after.items()
    ]
    return pd.DataFrame(rows, columns=["Attribute", "Before", "After"])
