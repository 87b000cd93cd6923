"""The value table of one attribute, over the values that HiBob really has: how many people have each, what Skillcast
stores, and which are new. Which attribute stands in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd
import streamlit as st

from provisioning.engine.columns import HUMAN
from provisioning.engine.transforms import tidy
from provisioning.model import Attribute, AttributeType, Domain
from provisioning.web.address import choice, height, scrolls
from provisioning.web.frame import Here, act
from provisioning.web.parts import either
from provisioning.web.words import escape, on_a_telephone, people
from provisioning.workflow import connections
from provisioning.workflow.values import ValueSeen, values_of
from provisioning.workflow.watched import look_at_new, new_values

Content = tuple[tuple[Attribute, ...], str]
SAYS, COUNT, INTO, STORED, STATE = "HiBob says", "People", "Replace by", "The user gets", "State"
NEW = "New"
ALT = "The values of this attribute, how many people have each, and what the user gets"
BASE, TURN = "values_base", "values_turn"
LOOKED_AT = "looked_at"
NAMED = 5
"""How many new values are named in a line."""


@dataclass(frozen=True, slots=True)
class Base:
    """What the editor began from, and what it said last. `of`: domain and attribute."""

    of: tuple[int, str]
    rows: tuple[str, ...]
    begun: tuple[tuple[str, str], ...]
    last: tuple[tuple[str, str], ...]


def draw_new(here: Here, domain: Domain) -> None:
    """Values that turned up since, until somebody says that they are as they should be, or changes the attribute's row."""
    found = new_values(here.house, domain.label, connections.fields_known(here.house, domain.label))
    for number, (name, values) in enumerate(found.items()):
        told = ", ".join(f"“{each}”" for each in values[:NAMED]) + (" …" if len(values) > NAMED else "")
        several = "value" if len(values) == 1 else "values"
        with st.container(horizontal=True, wrap=on_a_telephone(), vertical_alignment="center"):
            st.info(
                f"**{escape(name)}** has {len(values)} new {several} in HiBob: {escape(told)}. See Values, below.",
                icon=":material/fiber_new:", width="stretch",
            )  # fmt: skip
            label = "Leave it as it is" if len(values) == 1 else "Leave them as they are"
            said = f"You have looked at the new {several} of {escape(name)}: not flagged any more."
            if here.may_prepare and st.button(
                label,
                icon=":material/check:",
                key=f"looked_at_{number}",
                help=said,
                on_click=_remember,
                args=(name, values),
            ):
                # What the page showed that was pressed: nobody has looked yet at what turned up since.
                shown = st.session_state.pop(LOOKED_AT)
                act(partial(look_at_new, here.house, domain.label, *shown), "Not flagged any more.")


def _remember(name: str, values: Sequence[str]) -> None:
    st.session_state[LOOKED_AT] = (name, values)


def draw(here: Here, domain: Domain, content: Content) -> Content | None:
    """Returns the mapping with the value table as it was edited, once it says something else."""
    fed = [each for each in content[0] if each.data_feed_name and each.type is not AttributeType.USER]
    if not fed:
        st.info("No attribute is fed by HiBob yet.", icon=":material/info:")
        return None
    # First those with new values, then those whose values are most likely a list: whoever looks in finds one.
    new = new_values(here.house, domain.label, connections.fields_known(here.house, domain.label))
    fed.sort(
        key=lambda each: (
            each.name not in new,
            not (each.values or each.options),
            not (each.data_feed_name or "").startswith(HUMAN),
        )
    )
    names = [each.name for each in fed]
    name = choice("Attribute", "values", names, str)
    attribute = fed[names.index(name)]
    found = values_of(here.house, domain.label, attribute, connections.fields_known(here.house, domain.label))
    if found is None:
        st.info(
            "No values to list. Read HiBob for this mapping first; columns with very many different values, such as names "
            "or numbers, are never listed.",
            icon=":material/info:",
        )
        return None
    if not here.may_prepare:
        _show(found)
        return None
    st.caption(_told(attribute, found))
    base = _base(attribute, found, (domain.id, name))
    values = _said(base, st.session_state.get(_key(base.of)))
    _edit(base, found)
    if values == attribute.values:
        return None
    st.session_state[BASE] = replace(base, last=values)
    changed = replace(attribute, values=values)
    return tuple(changed if each.name == name else each for each in content[0]), content[1]


def _show(found: Sequence[ValueSeen]) -> None:
    """For whoever only reads."""
    rows = [
        {SAYS: each.about.value, COUNT: each.about.people, STORED: each.about.becomes, STATE: _state(each)}
        for each in found
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=[SAYS, COUNT, STORED, STATE]), hide_index=True, height=height(len(rows)),
        column_config={COUNT: st.column_config.NumberColumn(width=either(80, 62), format="localized")}, alt=ALT,
    )  # fmt: skip


def _key(of: tuple[int, str]) -> str:
    return f"values_{of[0]}_{st.session_state.get(TURN, 0)}_{of[1]}"


def _base(attribute: Attribute, found: Sequence[ValueSeen], of: tuple[int, str]) -> Base:
    """What the editor began from; begun anew where the draft was changed elsewhere, or HiBob was read again."""
    base, rows = st.session_state.get(BASE), tuple(each.about.value for each in found)
    if base is not None and base.of == of and base.last == attribute.values:
        typed = _said(base, st.session_state.get(_key(of))) != base.last
        if _key(of) in st.session_state and (typed or base.rows == rows):
            return base  # type: ignore[no-any-return]
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    st.session_state[BASE] = begun = Base(of, rows, attribute.values, attribute.values)
    return begun


def _told(attribute: Attribute, found: Sequence[ValueSeen]) -> str:
    have = sum(each.about.people for each in found)
    gone = len(_absent(attribute, found))
    end = f" {gone} in the table {'is' if gone == 1 else 'are'} nobody’s now, and stay." if gone else ""
    number = f"**{len(found)} different {'value' if len(found) == 1 else 'values'}**"
    blank = " Where that is blank, its fallback counts." if attribute.fallback else ""
    return f"{number}, of {people(have)}.{blank} An empty “{INTO}” keeps HiBob’s value.{end}{scrolls(len(found))}"


def _absent(attribute: Attribute, found: Sequence[ValueSeen]) -> dict[str, str]:
    """What the value table names and nobody has now."""
    occur = {each.about.value for each in found}
    return {key: value for key, value in attribute.values if key not in occur}


def _edit(base: Base, found: Sequence[ValueSeen]) -> None:
    """The editor, over what it began from; what follows from what was typed stands beside it as it is now."""
    into, now = dict(base.begun), {each.about.value: each for each in found}
    rows = [
        {
            SAYS: value,
            COUNT: now[value].about.people if value in now else 0,
            INTO: into.get(value),
            STORED: now[value].about.becomes if value in now else None,
            STATE: _state(now[value]) if value in now else None,
        }
        for value in base.rows
    ]
    frame = pd.DataFrame(rows, columns=[SAYS, COUNT, INTO, STORED, STATE])
    st.data_editor(
        frame.astype({INTO: "object", STORED: "object", STATE: "object"}),
        key=_key(base.of), hide_index=True, num_rows="fixed", placeholder="",
        disabled=[SAYS, COUNT, STORED, STATE], height=height(len(rows)),
        # On a telephone what the user gets is told by the two columns before it.
        column_order=[SAYS, COUNT, INTO, STATE] if on_a_telephone() else None,
        column_config={
            SAYS: st.column_config.TextColumn(pinned=True, width=either(200, 124)),
            COUNT: st.column_config.NumberColumn(width=either(80, 62), format="localized"),
            INTO: st.column_config.TextColumn(width=either(180, 106), help="What the user gets instead. Empty: HiBob’s value."),
            STATE: st.column_config.TextColumn(width=either(None, 64)),
        },
        alt=ALT,
    )  # fmt: skip


def _state(each: ValueSeen) -> str:
    return "; ".join(part for part in (NEW if each.new else "", each.about.problem) if part)


def _said(base: Base, state: object) -> tuple[tuple[str, str], ...]:
    """The value table that the editor says: in its old order, new pairs at the end; those that nobody has now stay.
    `state`: what the browser sent of the editor."""
    typed = state.get("edited_rows", {}) if isinstance(state, Mapping) else {}
    said = {base.rows[row]: tidy(cells[INTO] or "") for row, cells in typed.items() if INTO in cells}
    before = dict(base.begun)
    kept = {key: said.get(key, value) for key, value in before.items() if key not in said or said[key] or not value}
    return tuple((kept | {key: value for key, value in said.items() if value}).items())
