"""The people of a preview: the changes by what happened, which filter, one page of the table, one person's before → after,
and who is left out. The filters stand in the address."""

from collections.abc import Sequence, Set

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from provisioning.model import Action, Change, Plan
from provisioning.report.called import held_called
from provisioning.report.charts import MOST_ATTRIBUTES, Bar, happening_bars, happening_chart
from provisioning.report.differences import Names, aligned, attribute_called, in_a_line, valued
from provisioning.report.groups import Group, chosen
from provisioning.web import address, deciding
from provisioning.web.frame import Here, link
from provisioning.web.parts import CARD, chart, filled, first, fitted, narrowed, side_by_side, with_room
from provisioning.web.words import ACTIONS, dated, escape, fitting, on_a_telephone, people
from provisioning.workflow import approving, looking, reviewing

ANY = ""
GROUP = "group"
VALUES = "values"
"""Where on the page all values of somebody who is selected stand."""
MANY = 90
"""Pixels of the column that says how many."""
CHART = 335
"""Pixels beside the list that the chart has, two fifths, and the gap between them."""
TOLD = ("What changes", "Before", "After", "What else, or why")


def happenings(here: Here, plan: Plan, left_out: Sequence[str], title: str) -> None:
    """What happens in a chart, and what several people share in a list. Choosing one filters the people below; choosing it
    again shows all. Nothing where everybody has the same in store: the numbers above say it. Whoever is left out is not counted."""
    changed = looking.attributes_changed(here.house, plan.id, left_out)
    counts = reviewing.counts_without(here.house, plan.id, left_out)
    bars, found = happening_bars(counts, changed), reviewing.groups_of(here.house, plan.id, left_out=left_out)
    if len(bars) < 2 and not found:
        return
    st.header(title, anchor=False)
    chart, lines = _places(bool(found)) if len(bars) > 1 else [st.container()] * 2
    if len(bars) > 1:
        with chart:
            _chart(bars)
            first(min(len(changed), MOST_ATTRIBUTES), len(changed))
    if found:
        with lines:
            _groups(found, CHART if len(bars) > 1 and not on_a_telephone() else 0)
    # On a telephone the chart is folded away, and says so itself.
    drawn = len(bars) > 1 and not on_a_telephone()
    if not (drawn or found):
        return
    choose = "a bar or a line" if drawn and found else "a bar" if drawn else "a line"
    counted = _what_is_counted(bool(changed) and drawn, bool(found), bool(counts.get(Action.REACTIVATE.value)))
    st.caption(f"{counted}Choose {choose} to see its people alone; choose it again to see everybody.")


def _what_is_counted(bars: bool, lines: bool, reactivated: bool) -> str:
    """Of one attribute they differ, and the headline tells a line: of 30 whose department changes, 27 get the same one."""
    back = ", whoever comes back included" if reactivated else ""
    told = [f"a bar of an attribute counts everybody who gets another value, whichever it is{back}"] if bars else []
    told += [f"a line counts those who share one change{'' if bars else back}"] if lines else []
    return f"{'; '.join(told).capitalize()}. " if told else ""


def _places(beside: bool) -> Sequence[DeltaGenerator]:
    """Where the chart is drawn, and the list. On a telephone the chart waits below the list until it is asked for: the people
    would stand far down."""
    if on_a_telephone():
        lines = st.container()
        return st.expander("In a chart", icon=":material/bar_chart:"), lines
    chart, lines = st.columns([2, 3]) if beside else [st.container()] * 2
    return chart.container(border=True), lines


def _chart(bars: Sequence[Bar]) -> None:
    named = next(((what, st.query_params[what]) for what in ("action", "attribute") if what in st.query_params), None)
    told = ", ".join(f"{label} {number:,}" for _, label, number, _ in bars)
    event = chart(
        happening_chart(bars, named), on_select="rerun", selection_mode="points", key=f"chart_{named}",
        alt=f"People by what happens: {told}. Click a bar to filter",
    )  # fmt: skip
    points = event["selection"]["points"]
    if points:
        what, which = bars[int(points[0]["customdata"])][0]
        none = {"action": ANY, "attribute": ANY, GROUP: ANY}
        address.filter_by(**none if (what, which) == named else none | {what: which})
        st.rerun()


def _groups(found: Sequence[Group], beside: int) -> None:
    """`beside`: pixels that the chart takes where it stands beside the list. How many comes first, and is never out of sight; a
    telephone has before and after in one column beside it."""
    if on_a_telephone():
        told = [{TOLD[0]: f"{each.attribute}: {each.before} → {each.after}"} for each in found]
    else:
        told = [{"Attribute": each.attribute, "Before": each.before, "After": each.after} for each in found]
    frame = pd.DataFrame(told)
    fit = fitted(frame, MANY + beside)
    frame.insert(0, "People", [each.people for each in found])
    many = st.column_config.ProgressColumn(width=MANY, format="%d", min_value=0, max_value=found[0].people)
    address.rows(
        frame, [each.name for each in found], GROUP, "Changes that several people share, with how many",
        columns={**fit.columns, "People": many}, row_height=fit.row_height,
        instead_of=("action", "attribute", address.PAGED, address.SELECTED),
    )  # fmt: skip


def table(
    here: Here, plan: Plan, open_to_decide: bool, closed: str, without: Sequence[str], keeps: Sequence[str] = ()
) -> None:
    """One page of the people, to select, look at and leave out. `closed`: why nobody can be left out here; `without`: who is;
    `keeps`: whom an uploaded file would keep active."""
    *filters, place = _filter_places()
    action, attribute, text = _filter_row(here, plan, filters)
    picked = chosen(st.query_params.get(GROUP, ANY))
    attribute, values = (picked[0], picked[1:]) if picked else (attribute, None)
    left_out = set(without)
    kept = (looking.kept_active_by_plan(here.house, plan.id) if without else frozenset()) | {*keeps}
    total = looking.changes_seen(here.house, plan.id, action, attribute, text, 0, 0, values)[1]
    if not total:
        _nobody(here, plan, text)
        return
    with place:
        skip = address.pager(total)
    shown, _ = looking.changes_seen(here.house, plan.id, action, attribute, text, address.PAGE, skip, values)
    names = reviewing.reference_names(
        here.house, plan.id, (pair for each in shown for side in (each.before, each.after) for pair in side.items())
    )
    decides = open_to_decide and here.may_prepare
    st.caption(
        f"{fitting(total)} Select somebody to see every value before and after"
        + (
            "; select several to leave them out. By keyboard: arrows, then Shift + Space."
            if decides
            else f". {closed}".rstrip()
        )
    )
    # The buttons stand above: below a long table nobody sees what a selection offers, and nothing moves when there is one.
    above = st.container(horizontal=True, vertical_alignment="center")
    frame = _frame(shown, plan.attributes, left_out, kept, names, attribute)
    fit = fitted(frame)
    selected = address.rows(
        fit.cut(frame), [each.key for each in shown], address.SELECTED, "The people of this preview", many=True,
        columns=fit.columns, row_height=fit.row_height,
    )  # fmt: skip
    people_chosen = [shown[row] for row in selected]
    with above:
        if decides:
            _decide(here, plan, people_chosen, left_out)
        if len(people_chosen) == 1:
            st.markdown(f"[Every value, below the table](#{VALUES})", width="content")
    if len(people_chosen) == 1:
        chosen_one = people_chosen[0]
        said = f"{ACTIONS[chosen_one.action.value]}. {dated(chosen_one.why)}"
        person(here, chosen_one, plan.attributes, names, said)


def _nobody(here: Here, plan: Plan, text: str) -> None:
    """Nobody who changes fits; whoever is searched for may be held back."""
    count = looking.held_seen(here.house, plan.id, text, 0, 0)[1] if text else 0
    if not count:
        st.info("Nobody fits these filters.", icon=":material/search_off:")
        return
    st.info(f"Nobody who changes fits. {fitting(count, ' under Held back')}", icon=":material/front_hand:")
    st.button(
        "See who is held back", icon=":material/arrow_forward:", on_click=address.filter_by,
        kwargs={"show": "held", "reason": ANY},
    )  # fmt: skip


def _filter_places() -> Sequence[DeltaGenerator]:
    """Where search, action, attribute and page stand. A telephone has room for two side by side."""
    if on_a_telephone():
        searched, two = st.container(), st.grid(2, min_column_width=CARD)
        return searched, two, two, st.container()
    return st.columns([3, 2, 2, 2], vertical_alignment="bottom")


def _filter_row(here: Here, plan: Plan, columns: Sequence[DeltaGenerator]) -> tuple[str, str, str]:
    names = [ANY, *(each.value for each in Action if plan.counts.get(each.value))]
    attributes = [ANY, *looking.attributes_changed(here.house, plan.id)]
    searched, what, which = columns
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
    shown: Sequence[Change],
    attributes: Sequence[str],
    left_out: set[str],
    kept: Set[str],
    names: Names,
    attribute: str,
) -> pd.DataFrame:
    """A row per change. Where all are new, the first attributes that tell them apart have a column each; the decisions have one as
    soon as somebody is left out. A telephone has room for one column beside the name."""
    joining, telephone = False, on_a_telephone()
    if telephone:
        cells = [
            {
                TOLD[0]: (f"{_decision(each.key, left_out, kept)}. " if each.key in left_out else "")
                + _what(each)
                + in_a_line(each, dated(each.why), attributes, names, attribute)
            }
            for each in shown
        ]
    elif joining := all(each.action is Action.ADD for each in shown):
        telling = [name for name in attributes if _tells_apart(name, shown)]
        cells = [{name: valued(name, each.after.get(name), names, "") for name in telling} for each in shown]
    else:
        cells = [
            dict(zip(TOLD, aligned(each, dated(each.why), attributes, names, attribute), strict=True)) for each in shown
        ]
    who = [{"Person": each.name or each.key} for each in shown]
    if left_out and not telephone:
        who = [{"Decision": _decision(each.key, left_out, kept), **row} for each, row in zip(shown, who, strict=True)]
    frame = pd.DataFrame([{**row, **rest, **row} for row, rest in zip(who, cells, strict=True)])
    if joining:
        return with_room(frame)
    # For the decisions the last column goes before values are cut: whoever is selected is told why.
    told = filled(frame)
    cut = left_out and len(with_room(told).columns) < len(told.columns)
    return told.drop(columns=[TOLD[-1]], errors="ignore") if cut and not telephone else told


def _decision(key: str, left_out: Set[str], kept: Set[str]) -> str:
    """In the words of the Excel file."""
    return "Approve" if key not in left_out else "Keep active" if key in kept else "Leave out"


def _tells_apart(name: str, shown: Sequence[Change]) -> bool:
    """Whether an attribute says of people who are new what their names do not, and not the same of all."""
    values = {each.after.get(name) for each in shown}
    in_their_names = all(set((each.after.get(name) or "").split()) <= set(each.name.split()) for each in shown)
    return not in_their_names and (len(values) > 1 or len(shown) == 1)


def _what(change: Change) -> str:
    """What happens, before a line of what changes; an update needs no word of its own."""
    return "" if change.action is Action.UPDATE else f"{ACTIONS[change.action.value]}: "


def _decide(here: Here, plan: Plan, chosen: Sequence[Change], left_out: set[str]) -> None:
    """Only what would change something can be pressed."""
    keys = {each.key for each in chosen}
    st.markdown(f"**{people(len(keys))} selected**" if keys else "Nobody selected", width="content")
    if st.button("Leave out", icon=":material/person_remove:", disabled=keys <= left_out):
        approving.keep_left_out(here.house, plan.id, left_out | keys)
        st.rerun()
    if st.button("Put back", icon=":material/person_add:", disabled=not keys & left_out):
        approving.keep_left_out(here.house, plan.id, left_out - keys)
        st.rerun()
    if st.button(
        "Only these",
        icon=":material/filter_alt:",
        help="Leave out everybody else: a pilot.",
        disabled=not keys,
    ):
        approving.keep_only(here.house, plan.id, sorted(keys))
        st.rerun()
    deciding.for_selected(here, plan, chosen)


def person(here: Here, change: Change, order: Sequence[str], names: Names, said: str) -> None:
    """Every value before and after of one person. `said`: what is, or was, done with them, and why."""
    ordered = [*(name for name in order if name in change.after), *(name for name in change.after if name not in order)]
    rows = [
        {
            "Attribute": attribute_called(name),
            "Before": valued(name, change.before.get(name), names, ""),
            "After": valued(name, change.after[name], names, ""),
        }
        for name in ordered
    ]
    frame = pd.DataFrame(rows, columns=["Attribute", "Before", "After"])
    with st.container(border=True):
        st.header(escape(change.name or change.key), anchor=VALUES)
        st.markdown(escape(said))
        new = change.action is Action.ADD
        side_by_side(frame.drop(columns=["Before"]) if new else frame, "Values before and after")
        st.text(
            f"HiBob id: {change.key}" if not change.key.startswith("user:") else f"Without a HiBob id; {change.key}"
        )
        link("pages/people.py", "Everything about this person", ":material/person:", here, person=change.key)


def held(here: Here, plan: Plan) -> None:
    if not plan.counts.get("held"):
        st.info("Nobody is held back.", icon=":material/check:")
        return
    reasons = reviewing.held_by_reason(here.house, plan.id)
    searched, which, place = st.columns([3, 3, 2], vertical_alignment="bottom")
    with searched:
        text = address.search("Search", "Name, HiBob id or reason", "held_search")
    with which:
        code = address.choice(
            "Reason",
            "reason",
            [ANY, *reasons],
            lambda code: f"{held_called(code)} ({reasons[code]:,})" if code else "All",
        )
    total = looking.held_seen(here.house, plan.id, text, 0, 0, code)[1]
    if not total:
        st.info("Nobody fits this search.", icon=":material/search_off:")
        return
    with place:
        skip = address.pager(total)
    found, _ = looking.held_seen(here.house, plan.id, text, address.PAGE, skip, code)
    st.caption(
        f"{people(total)} {'is' if total == 1 else 'are'} held back: what HiBob says would change them, and the reason beside "
        "them keeps that from happening. Select somebody to read all of it."
    )
    others = reviewing.shared_by(here.house, plan.id, [each.key for each in found])
    rows = [
        {
            "Person": each.name or each.key,
            "Reason": held_called(each.code),
            "Why": others.get(each.key, "") + dated(each.why),
        }
        for each in found
    ]
    frame = narrowed(pd.DataFrame(rows), {"Person": ("Person",), "Why": ("Reason", "Why")})
    fit = fitted(frame)
    selected = address.rows(
        fit.cut(frame), [each.key for each in found], address.SELECTED, "People held back",
        columns=fit.columns, row_height=fit.row_height,
    )  # fmt: skip
    for row in selected:
        st.markdown(escape(rows[row]["Why"]))
        link("pages/people.py", f"Everything about {found[row].name or found[row].key}", ":material/person:", here,
             person=found[row].key)  # fmt: skip
