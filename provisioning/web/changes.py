"""The people of a preview: charts that filter, one page of the table, one person's before → after, and who is left
out. The filters stand in the address."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from provisioning import workflow
from provisioning.model import Action, Change, Plan
from provisioning.report.charts import MOST_ATTRIBUTES, actions_chart, attributes_chart
from provisioning.web import address, deciding
from provisioning.web.frame import Here, link
from provisioning.web.parts import first, values_table
from provisioning.web.words import ACTIONS, changes_in_words, dated, escape, fitting, people

ANY = ""
_COLUMNS = {
    "Decision": st.column_config.TextColumn(width=80),
    "Person": st.column_config.TextColumn(width=150),
    "What": st.column_config.TextColumn(width=120),
    "Changes": st.column_config.TextColumn(width=360),
    "Why": st.column_config.TextColumn(width=230),
}
_HELD_COLUMNS = {
    "Person": st.column_config.TextColumn(width=190),
    "Reason": st.column_config.TextColumn(width=150),
    "Why": st.column_config.TextColumn(width=600),
}


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
            first(min(len(changed), MOST_ATTRIBUTES), len(changed))
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
        address.filter_by(**{what: ANY if clicked == chosen else clicked})
        st.rerun()


def table(here: Here, plan: Plan, deciding: bool) -> None:
    """One page of the people, to select, look at and leave out."""
    action, attribute, text = _filter_row(here, plan)
    left_out = set(workflow.left_out_draft(here.house, plan.id))
    total = workflow.changes_seen(here.house, plan.id, action, attribute, text, 0, 0)[1]
    if not total:
        st.info("Nobody fits these filters.", icon=":material/search_off:")
        return
    skip = address.pager(total)
    shown, _ = workflow.changes_seen(here.house, plan.id, action, attribute, text, address.PAGE, skip)
    st.caption(
        f"{fitting(total)} Select somebody to see every value before and after"
        + ("; select several to leave them out." if deciding else ".")
    )
    selected = address.rows(
        _frame(shown, plan.attributes, left_out, deciding), [each.key for each in shown], address.SELECTED,
        "The people of this preview", many=True, tall=True, columns=_COLUMNS,
    )  # fmt: skip
    chosen = [shown[row] for row in selected]
    if chosen and deciding:
        _decide(here, plan, chosen, left_out)
    if len(chosen) == 1:
        _person(here, chosen[0])


def _filter_row(here: Here, plan: Plan) -> tuple[str, str, str]:
    names = [ANY, *(each.value for each in Action if plan.counts.get(each.value))]
    attributes = [ANY, *workflow.attributes_changed(here.house, plan.id)]
    searched, what, which = st.columns([2, 1, 1])
    with searched:
        text = address.search("Search", "Name, HiBob id, or any value", "people_search")
    with what:
        action = address.choice("Action", "action", names, lambda name: ACTIONS.get(name, "All"))
    with which:
        attribute = address.choice("Attribute that changes", "attribute", attributes, lambda name: name or "All")
    return action, attribute, text


def _frame(shown: Sequence[Change], attributes: Sequence[str], left_out: set[str], deciding: bool) -> pd.DataFrame:
    rows = [
        {
            "Decision": "Leave out" if each.key in left_out else "Approve",
            "Person": each.name or each.key,
            "What": ACTIONS[each.action.value],
            "Changes": changes_in_words(each, attributes),
            "Why": dated(each.why),
        }
        for each in shown
    ]
    frame = pd.DataFrame(rows)
    return frame if deciding else frame.drop(columns=["Decision"])


def _decide(here: Here, plan: Plan, chosen: Sequence[Change], left_out: set[str]) -> None:
    keys = {each.key for each in chosen}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{people(len(keys))} selected**", width="content")
        if st.button("Leave out", icon=":material/person_remove:", disabled=not here.may_prepare):
            workflow.keep_left_out(here.house, plan.id, left_out | keys)
            st.rerun()
        if st.button("Put back", icon=":material/person_add:", disabled=not (keys & left_out and here.may_prepare)):
            workflow.keep_left_out(here.house, plan.id, left_out - keys)
            st.rerun()
        if st.button(
            "Only these",
            icon=":material/filter_alt:",
            help="Leave out everybody else: a pilot.",
            disabled=not here.may_prepare,
        ):
            workflow.keep_only(here.house, plan.id, sorted(keys))
            st.rerun()
        deciding.for_selected(here, plan, chosen)


def _person(here: Here, change: Change) -> None:
    with st.container(border=True):
        st.subheader(escape(change.name or change.key), anchor=False)
        st.markdown(escape(f"{ACTIONS[change.action.value]}. {dated(change.why)}"))
        st.dataframe(
            values_table(change.before, change.after), hide_index=True, height="content", alt="Values before and after"
        )
        st.text(
            f"HiBob id: {change.key}" if not change.key.startswith("user:") else f"Without a HiBob id; {change.key}"
        )
        link("pages/people.py", "Everything about this person", ":material/person:", here, person=change.key)


def held(here: Here, plan: Plan) -> None:
    if not plan.counts.get("held"):
        st.info("Nobody is held back.", icon=":material/check:")
        return
    text = address.search("Search", "Name, HiBob id or reason", "held_search")
    total = workflow.held_seen(here.house, plan.id, text, 0, 0)[1]
    if not total:
        st.info("Nobody fits this search.", icon=":material/search_off:")
        return
    skip = address.pager(total)
    found, _ = workflow.held_seen(here.house, plan.id, text, address.PAGE, skip)
    st.caption(
        f"Something would otherwise happen to {people(total)}; it does not, for the reason given. Select somebody to "
        "learn everything about them."
    )
    rows = [
        {"Person": each.name or each.key, "Reason": each.code.replace("-", " "), "Why": dated(each.why)}
        for each in found
    ]
    selected = address.rows(
        pd.DataFrame(rows), [each.key for each in found], address.SELECTED, "People held back", tall=True,
        columns=_HELD_COLUMNS,
    )  # fmt: skip
    for row in selected:
        link("pages/people.py", f"Everything about {found[row].name or found[row].key}", ":material/person:", here,
             person=found[row].key)  # fmt: skip
