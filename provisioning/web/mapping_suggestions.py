"""Rows that a mapping could have, with the reason for each, and one click to take them all."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from provisioning.engine.columns import HUMAN
from provisioning.engine.suggesting import Suggestion, taken
from provisioning.model import Attribute, Domain
from provisioning.web import mapping_table
from provisioning.web.address import height
from provisioning.web.frame import Here
from provisioning.web.words import escape
from provisioning.workflow import connections, editing

Content = tuple[tuple[Attribute, ...], str]
USUAL_IDENTIFIER = "Employee ID"


def draw(here: Here, domain: Domain, content: Content) -> Content | None:
    """Returns the mapping with what somebody takes of the suggestions."""
    found = editing.suggest(here.house, domain.label, content[0])
    if not found:
        return None
    number = len(found)
    with st.expander(
        f"{number} suggested {'row' if number == 1 else 'rows'}", expanded=not content[0], icon=":material/lightbulb:"
    ):
        selected = _table(found, domain, mapping_table.called(connections.fields_known(here.house, domain.label)))
        chosen = [found[row] for row in selected if row < number] or list(found)
        label = f"Take all {number}" if len(chosen) == number else f"Take the {len(chosen)} selected"
        with st.container(horizontal=True, vertical_alignment="center"):
            took = st.button(label, type="primary", icon=":material/playlist_add:", disabled=not here.may_prepare)
            st.caption("They go into your draft; nothing is saved yet. Select rows to take only these.")
    if not took:
        return None
    rows = taken(content[0], chosen)
    return rows, content[1] or next((each.name for each in rows if each.name == USUAL_IDENTIFIER), "")


def _table(found: Sequence[Suggestion], domain: Domain, names: Mapping[str, str]) -> list[int]:
    """`names`: what HiBob's fields are called, by their ids."""
    rows = [
        {
            "Attribute": each.attribute.name,
            "Data feed name": names.get(feed, feed),
            "Why": each.reason,
        }
        for each in found
        for feed in ((each.attribute.data_feed_name or "").removeprefix(HUMAN),)
    ]
    shown = st.dataframe(
        pd.DataFrame(rows), hide_index=True, on_select="rerun", selection_mode="multi-row",
        height=height(len(rows)), key=f"suggested_{domain.id}_{'_'.join(escape(each.attribute.name) for each in found)}",
        column_config={"Attribute": st.column_config.TextColumn(width=_wide(found)), "Data feed name": st.column_config.TextColumn(width=180)},
        alt="Suggested rows, each with the reason",
    )  # fmt: skip
    return list(shown["selection"]["rows"])


def _wide(found: Sequence[Suggestion]) -> int:
    """Paths of a portal's extensions differ at their ends only."""
    longest = max(len(each.attribute.name) for each in found)
    return min(max(120, longest * 7), 520)
