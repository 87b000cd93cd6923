"""The people of a preview: charts that filter, one page of the table, one person's before → after, and who is left
out. The filters stand in the address."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from provisioning import workflow
from provisioning.model import Action, Change, Plan
from provisioning.report.charts import actions_chart, attributes_chart
from provisioning.web.frame import Here, link
from provisioning.web.parts import PAGE, height, pager, remember, values_table
from provisioning.web.words import ACTIONS, changes_in_words, escape, people

ANY = ""


def filters() -> tuple[str, str]:
    """(action, attribute) that the address names."""
    return st.query_params.get("action", ANY), st.query_params.get("attribute", ANY)


def charts(here: Here, plan: Plan) -> None:
    """Two charts; clicking a bar filters the people, clicking it again shows all."""
    action, attribute = filters()
    changed = workflow.attributes_changed(here.house, plan.id)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.subheader("What happens", anchor=False)
        _clickable(actions_chart(plan.counts, action), "action", action, "People per action; click a bar to filter")
    with right.container(border=True, height="stretch"):
        st.subheader("Which attributes change", anchor=False)
        if changed:
            alt = "Existing users per attribute that changes; click a bar to filter"
            _clickable(attributes_chart(changed, attribute), "attribute", attribute, alt)
        else:
            st.caption("No existing user gets another value in this preview.")


def _clickable(figure: go.Figure, what: str, chosen: str, alt: str) -> None:
    event = st.plotly_chart(
        figure,
        on_select="rerun",
        selection_mode="points",
        key=f"chart_{what}_{chosen}",
        alt=alt,
        config={"displayModeBar": False},
    )
    points = event["selection"]["points"]
    if points:
        clicked = str(points[0]["customdata"])
        remember(what, ANY if clicked == chosen else clicked)
        st.rerun()


def table(here: Here, plan: Plan, deciding: bool) -> None:
    """One page of the people, to select, look at and leave out."""
    action, attribute, text = _filter_row(here, plan)
    left_out = set(workflow.left_out_draft(here.house, plan.id))
    total = workflow.changes_seen(here.house, plan.id, action, attribute, text, 0, 0)[1]
    if not total:
        st.info("Nobody fits these filters.", icon=":material/search_off:")
        return
    place = f"{plan.id}_{action}_{attribute}_{text}"
    skip = pager(total, f"page_{place}")
    shown, _ = workflow.changes_seen(here.house, plan.id, action, attribute, text, PAGE, skip)
    st.caption(
        f"{people(total)} fit. Select somebody to see every value before and after"
        + ("; select several to leave them out." if deciding else ".")
    )
    event = st.dataframe(
        _frame(shown, plan.attributes, left_out, deciding),
        hide_index=True,
        height=height(len(shown)),
        on_select="rerun",
        selection_mode="multi-row",
        key=f"people_{place}_{skip}_{len(left_out)}",
        column_config={
            "Changes": st.column_config.TextColumn(width="large"),
            "Why": st.column_config.TextColumn(width="large"),
        },
        alt="The people of this preview",
    )
    chosen = [shown[row] for row in event["selection"]["rows"] if row < len(shown)]
    if chosen and deciding:
        _decide(here, plan, chosen, left_out)
    if len(chosen) == 1:
        _person(here, chosen[0])


def _filter_row(here: Here, plan: Plan) -> tuple[str, str, str]:
    action, attribute = filters()
    names = [ANY, *(each.value for each in Action if plan.counts.get(each.value))]
    attributes = [ANY, *workflow.attributes_changed(here.house, plan.id)]
    search, what, which = st.columns([2, 1, 1])
    text = search.text_input(
        "Search", st.query_params.get("search", ""), placeholder="Name, key, or any value", icon=":material/search:",
        key=f"search_{plan.id}",
    )  # fmt: skip
    remember("search", text or "")
    chosen = what.selectbox(
        "Action",
        names,
        names.index(action) if action in names else 0,
        format_func=lambda name: ACTIONS.get(name, "All"),
        key=f"action_{action}",
    )
    about = which.selectbox(
        "Attribute that changes",
        attributes,
        attributes.index(attribute) if attribute in attributes else 0,
        format_func=lambda name: name or "All",
        key=f"attribute_{attribute}",
    )
    if (chosen, about) != (action, attribute):
        remember("action", chosen)
        remember("attribute", about)
        st.rerun()
    return action, attribute, (text or "").strip()


def _frame(shown: Sequence[Change], attributes: Sequence[str], left_out: set[str], deciding: bool) -> pd.DataFrame:
    rows = [
        {
            "Decision": "Leave out" if each.key in left_out else "Approve",
            "Person": each.name or each.key,
            "What": ACTIONS[each.action.value],
            "Changes": changes_in_words(each, attributes),
            "Why": each.why,
            "Key": each.key,
        }
        for each in shown
    ]
    frame = pd.DataFrame(rows)
    return frame if deciding else frame.drop(columns=["Decision"])


def _decide(here: Here, plan: Plan, chosen: Sequence[Change], left_out: set[str]) -> None:
    keys = {each.key for each in chosen}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{people(len(keys))} selected**", width="content")
        if st.button("Leave out", icon=":material/person_remove:"):
            workflow.keep_left_out(here.house, plan.id, left_out | keys)
            st.rerun()
        if st.button("Put back", icon=":material/person_add:", disabled=not keys & left_out):
            workflow.keep_left_out(here.house, plan.id, left_out - keys)
            st.rerun()
        if st.button("Only these", icon=":material/filter_alt:", help="Leave out everybody else: a pilot."):
            workflow.keep_only(here.house, plan.id, sorted(keys))
            st.rerun()


def _person(here: Here, change: Change) -> None:
    with st.container(border=True):
        st.subheader(escape(change.name or change.key), anchor=False)
        st.markdown(escape(f"{ACTIONS[change.action.value]}. {change.why}"))
        st.dataframe(
            values_table(change.before, change.after), hide_index=True, height="content", alt="Values before and after"
        )
        link("pages/people.py", "Everything about this person", ":material/person:", here, person=change.key)


def held(here: Here, plan: Plan) -> None:
    found = workflow.held_seen(here.house, plan.id)
    if not found:
        st.info("Nobody is held back.", icon=":material/check:")
        return
    st.caption("Something would otherwise happen to these people; it does not, for the reason given.")
    rows = [
        {"Person": each.name or each.key, "Reason": each.code.replace("-", " "), "Why": each.why, "Key": each.key}
        for each in found
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=height(len(rows)),
        column_config={"Why": st.column_config.TextColumn(width="large")},
        alt="People held back",
    )
