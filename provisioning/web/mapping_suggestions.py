"""Rows that a mapping could have, with the reason for each, and one click to take them all."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from provisioning.engine.advice import Trial
from provisioning.engine.columns import HUMAN
from provisioning.engine.mapping_rows import FEED, NAME
from provisioning.engine.suggesting import Suggestion, taken
from provisioning.model import Attribute, Domain
from provisioning.web import mapping_sample, mapping_table
from provisioning.web.address import height
from provisioning.web.frame import Here
from provisioning.web.mapping_table import FILLED, SAYS, share
from provisioning.web.words import escape
from provisioning.workflow import connections, editing

Content = tuple[tuple[Attribute, ...], str]
USUAL_IDENTIFIER = "Employee ID"


def draw(here: Here, domain: Domain, content: Content, person: str | None) -> Content | None:
    """Each with the reason, and what was read of it: the value of this person, by their key, and how many people have one.
    Returns the mapping with what somebody takes of the suggestions."""
    found = editing.suggest(here.house, domain.label, content[0])
    if not found:
        return None
    number = len(found)
    with st.expander(
        f"{number} suggested {'row' if number == 1 else 'rows'}", expanded=not content[0], icon=":material/lightbulb:"
    ):
        names = mapping_table.called(connections.fields_known(here.house, domain.label))
        tried = mapping_sample.values(here, domain, *_with(content, found), person)
        read = {each.attribute: each for each in tried if each.filled is not None}
        selected = _table(found, domain, names, read)
        chosen = [found[row] for row in selected if row < number] or list(found)
        label = f"Take all {number}" if len(chosen) == number else f"Take the {len(chosen)} selected"
        with st.container(horizontal=True, vertical_alignment="center"):
            took = st.button(label, type="primary", icon=":material/playlist_add:")
            st.caption("They go into your draft; nothing is saved yet. Select rows to take only these.")
    return _with(content, chosen) if took else None


def _with(content: Content, chosen: Sequence[Suggestion]) -> Content:
    rows = taken(content[0], chosen)
    return rows, content[1] or next((each.name for each in rows if each.name == USUAL_IDENTIFIER), "")


def _table(
    found: Sequence[Suggestion], domain: Domain, names: Mapping[str, str], read: Mapping[str, Trial]
) -> list[int]:
    """`names`: what HiBob's fields are called, by their ids. `read`: what was read, by attribute."""
    rows = [
        {
            NAME: each.attribute.name,
            FEED: names.get(feed, feed),
            SAYS: (read[each.attribute.name].before or None) if each.attribute.name in read else None,
            FILLED: share(read[each.attribute.name].filled) if each.attribute.name in read else None,
            "Why": each.reason,
        }
        for each in found
        for feed in ((each.attribute.data_feed_name or "").removeprefix(HUMAN),)
    ]
    config = {
        NAME: st.column_config.TextColumn(width=_wide(found)),
        FEED: st.column_config.TextColumn(width=125),
        SAYS: st.column_config.TextColumn(width=200, help="The value of the person chosen above."),
        FILLED: st.column_config.NumberColumn(width=56, format="percent", help="The share of people with a value."),
    }
    shown = st.dataframe(
        pd.DataFrame(rows), hide_index=True, on_select="rerun", selection_mode="multi-row", placeholder="",
        height=height(len(rows)), key=f"suggested_{domain.id}_{'_'.join(escape(each.attribute.name) for each in found)}",
        column_order=[NAME, FEED, *((SAYS, FILLED) if read else ()), "Why"], column_config=config,
        alt="Suggested rows, each with the reason",
    )  # fmt: skip
    return list(shown["selection"]["rows"])


def _wide(found: Sequence[Suggestion]) -> int:
    """Paths of a portal's extensions differ at their ends only."""
    longest = max(len(each.attribute.name) for each in found)
    return min(max(112, longest * 7), 520)
