"""The people of a preview: charts that filter, one page of the table, one person's before → after, and who is left
out. The filters stand in the address."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from provisioning import workflow
from provisioning.model import Action, Change, Plan
from provisioning.report.called import held_called
from provisioning.report.charts import MOST_ATTRIBUTES, actions_chart, attributes_chart
from provisioning.report.groups import Chosen
from provisioning.report.groups import chosen as group_named
from provisioning.web import address, deciding
from provisioning.web.frame import Here, link
from provisioning.web.parts import first, values_table
from provisioning.web.words import ACTIONS, aligned, dated, escape, fitting, people

ANY = ""
_COLUMNS = {
    "Decision": st.column_config.TextColumn(width=75),
    "Person": st.column_config.TextColumn(width=120),
    "What": st.column_config.TextColumn(width=100),
    "Attribute": st.column_config.TextColumn(width=100),
    "Before": st.column_config.TextColumn(width=140),
    "After": st.column_config.TextColumn(width=150),
    "Also": st.column_config.TextColumn(width=130),
    "Why": st.column_config.TextColumn(width=150),
}
_HELD_COLUMNS = {
    "Person": st.column_config.TextColumn(width=190),
    "Reason": st.column_config.TextColumn(width=150),
    "Why": st.column_config.TextColumn(width=600),
}


GROUP = "group"


def filters() -> tuple[str, str]:
    """(action, attribute) that the address names."""
    return st.query_params.get("action", ANY), st.query_params.get("attribute", ANY)


def group() -> Chosen:
    """The group that the address names: all changes, where it names none."""
    return group_named(st.query_params.get(GROUP, ANY))


def groups(here: Here, plan: Plan) -> None:
    """The changes by what happened. Selecting one filters the people below; selecting it again shows all."""
    found = workflow.groups_of(here.house, plan.id)
    st.header("What happens, by how many", anchor=False)
    rows = [{"What": each.title, "Before": each.before, "After": each.after, "People": each.people} for each in found]
    most = max(each.people for each in found)
    address.rows(
        pd.DataFrame(rows), [each.name for each in found], GROUP, "Changes by what happened, with how many people share each",
        columns={
            "What": st.column_config.TextColumn(width=190),
            "Before": st.column_config.TextColumn(width=210),
            "After": st.column_config.TextColumn(width=210),
            "People": st.column_config.ProgressColumn(width=140, format="%d", min_value=0, max_value=most),
        },
        instead_of=("action", "attribute", address.PAGED, address.SELECTED),
    )  # fmt: skip
    st.caption("Select a line to see its people alone; select it again to see everybody.")


def charts(here: Here, plan: Plan) -> None:
    """Two charts; clicking a bar filters the people, clicking it again shows all."""
    action, attribute = filters()
    changed = workflow.attributes_changed(here.house, plan.id)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.header("What happens", anchor=False)
        _clickable(actions_chart(plan.counts, action), "action", action, "People per action; click a bar to filter")
    with right.container(border=True, height="stretch"):
        st.header("Which attributes change", anchor=False)
        if changed:
            alt = "Existing users per attribute that changes; click a bar to filter"
            _clickable(attributes_chart(changed, attribute), "attribute", attribute, alt)
            first(min(len(changed), MOST_ATTRIBUTES), len(changed))
        else:
            st.caption("No existing user gets another value in this preview.")


def _clickable(figure: go.Figure, what: str, named: str, alt: str) -> None:
    event = st.plotly_chart(
        figure,
        on_select="rerun",
        selection_mode="points",
        key=f"chart_{what}_{named}",
        alt=alt,
        config={"displayModeBar": False},
    )
    points = event["selection"]["points"]
    if points:
        clicked = str(points[0]["customdata"])
        address.filter_by(**{what: ANY if clicked == named else clicked, GROUP: ANY})
        st.rerun()


def table(here: Here, plan: Plan, deciding: bool) -> None:
    """One page of the people, to select, look at and leave out."""
    action, attribute, text = _filter_row(here, plan)
    picked = group()
    action, attribute, values = picked.action or action, picked.attribute or attribute, picked.values
    left_out = set(workflow.left_out_draft(here.house, plan.id))
    total = workflow.changes_seen(here.house, plan.id, action, attribute, text, 0, 0, values)[1]
    if not total:
        st.info("Nobody fits these filters.", icon=":material/search_off:")
        return
    skip = address.pager(total)
    shown, _ = workflow.changes_seen(here.house, plan.id, action, attribute, text, address.PAGE, skip, values)
    st.caption(
        f"{fitting(total)} Select somebody to see every value before and after"
        + ("; select several to leave them out." if deciding else ".")
    )
    selected = address.rows(
        _frame(shown, plan.attributes, left_out, deciding, attribute), [each.key for each in shown], address.SELECTED,
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
        action = address.choice("Action", "action", names, lambda name: ACTIONS.get(name, "All"), [GROUP])
    with which:
        attribute = address.choice(
            "Attribute that changes", "attribute", attributes, lambda name: name or "All", [GROUP]
        )
    return action, attribute, text


def _frame(
    shown: Sequence[Change], attributes: Sequence[str], left_out: set[str], deciding: bool, attribute: str
) -> pd.DataFrame:
    rows = [
        {
            "Decision": "Leave out" if each.key in left_out else "Approve",
            "Person": each.name or each.key,
            "What": ACTIONS[each.action.value],
        }
        | dict(zip(("Attribute", "Before", "After", "Also"), aligned(each, attributes, first=attribute), strict=True))
        | {"Why": dated(each.why)}
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
        st.header(escape(change.name or change.key), anchor=False)
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
        {"Person": each.name or each.key, "Reason": held_called(each.code), "Why": dated(each.why)} for each in found
    ]
    selected = address.rows(
        pd.DataFrame(rows), [each.key for each in found], address.SELECTED, "People held back", tall=True,
        columns=_HELD_COLUMNS,
    )  # fmt: skip
    for row in selected:
        link("pages/people.py", f"Everything about {found[row].name or found[row].key}", ":material/person:", here,
             person=found[row].key)  # fmt: skip
