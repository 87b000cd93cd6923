"""The value table of one attribute, over the values that HiBob really has: how many people have each, what Skillcast
stores, and which are new. Which attribute stands in the address."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.engine.columns import HUMAN
from provisioning.engine.transforms import tidy
from provisioning.model import Attribute, AttributeType, Domain
from provisioning.web.address import choice
from provisioning.web.frame import Here
from provisioning.web.words import escape, people

Content = tuple[tuple[Attribute, ...], str]
SAYS, COUNT, INTO, STORED, STATE = "HiBob says", "People", "Replace by", "Skillcast stores", "State"
NEW = "New since the mapping was saved"


def draw_new(here: Here, domain: Domain) -> None:
    """Values that turned up since somebody looked at the mapping."""
    fields = workflow.fields_known(here.house, domain.label)
    for name, values in workflow.new_values(here.house, domain.label, fields).items():
        told = ", ".join(f"“{each}”" for each in values[:5]) + (" …" if len(values) > 5 else "")
        st.info(
            f"**{escape(name)}** has {len(values)} new {'value' if len(values) == 1 else 'values'} in HiBob since the "
            f"mapping was saved: {escape(told)}. Look at them under Values.",
            icon=":material/fiber_new:",
        )


def draw(here: Here, domain: Domain, content: Content, key: str) -> Content | None:
    """Returns the mapping with the value table as it was edited, where somebody takes it."""
    fed = [each for each in content[0] if each.data_feed_name and each.type is not AttributeType.USER]
    if not fed:
        st.info("No attribute is fed by HiBob yet.", icon=":material/info:")
        return None
    # First those whose values are most likely a list: whoever looks in finds one.
    fed.sort(key=lambda each: (not (each.values or each.options), not (each.data_feed_name or "").startswith(HUMAN)))
    names = [each.name for each in fed]
    name = choice("Attribute", "values", names, str)
    attribute = fed[names.index(name)]
    found = workflow.values_of(here.house, domain.label, attribute, workflow.fields_known(here.house, domain.label))
    if found is None:
        st.info(
            "No values to list. Read HiBob for this mapping first; columns with very many different values, such as names "
            "or numbers, are never listed.",
            icon=":material/info:",
        )
        return None
    edited = _edit(attribute, found, f"values_{key}_{name}", not here.may_prepare)
    st.caption(_told(attribute, found))
    values = _table_of(attribute, edited)
    if values == attribute.values:
        return None
    if not st.button("Take this value table into the draft", type="primary", icon=":material/playlist_add_check:"):
        return None
    changed = replace(attribute, values=values)
    return tuple(changed if each.name == name else each for each in content[0]), content[1]


def _told(attribute: Attribute, found: Sequence[workflow.ValueSeen]) -> str:
    have = sum(each.about.people for each in found)
    gone = len(_absent(attribute, found))
    end = f" {gone} in the table {'is' if gone == 1 else 'are'} nobody’s now, and stay." if gone else ""
    return f"{len(found)} different values, of {people(have)}. An empty “{INTO}” keeps HiBob’s value.{end}"


def _absent(attribute: Attribute, found: Sequence[workflow.ValueSeen]) -> dict[str, str]:
    """What the value table names and nobody has now."""
    occur = {each.about.value for each in found}
    return {key: value for key, value in attribute.values if key not in occur}


def _edit(attribute: Attribute, found: Sequence[workflow.ValueSeen], key: str, disabled: bool) -> pd.DataFrame:
    into = dict(attribute.values)
    rows = [
        {
            SAYS: each.about.value,
            COUNT: each.about.people,
            INTO: into.get(each.about.value),
            STORED: each.about.becomes,
            STATE: "; ".join(part for part in (NEW if each.new else "", each.about.problem) if part),
        }
        for each in found
    ]
    frame = pd.DataFrame(rows, columns=[SAYS, COUNT, INTO, STORED, STATE]).astype({INTO: "object", STATE: "object"})
    edited: pd.DataFrame = st.data_editor(
        frame, key=key, hide_index=True, disabled=True if disabled else [SAYS, COUNT, STORED, STATE],
        height=37 + 35 * min(max(len(rows), 1), 12), placeholder="",
        column_config={
            SAYS: st.column_config.TextColumn(pinned=True, width=200),
            COUNT: st.column_config.NumberColumn(width=80, format="localized"),
            INTO: st.column_config.TextColumn(width=180, help="What Skillcast is to store instead. Empty: HiBob’s value."),
        },
        alt="The values of this attribute, how many people have each, and what Skillcast stores",
    )  # fmt: skip
    return edited


def _table_of(attribute: Attribute, edited: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """The value table that the editor says: in its old order, new pairs at the end; those that nobody has now stay."""
    said = {str(row[SAYS]): tidy(row[INTO]) if isinstance(row[INTO], str) else "" for row in edited.to_dict("records")}
    before = dict(attribute.values)
    kept = {key: said.get(key, value) for key, value in before.items() if key not in said or said[key] or not value}
    return tuple((kept | {key: value for key, value in said.items() if value}).items())
