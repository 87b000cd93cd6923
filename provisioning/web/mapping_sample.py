"""A mapping tried on one person of the last read, beside its table, row by row. Which person stands in the address."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.engine.advice import Trial
from provisioning.model import Attribute, Domain
from provisioning.web.frame import Here
from provisioning.web.words import ago, escape, people

MOST_FOUND = 300


def pick(here: Here, domain: Domain) -> str | None:
    """The person whose values are shown (their key): the one in the address, changed only by choosing somebody. An
    unknown one is said and stays there; without any, the first of the read is taken."""
    if workflow.last_read(here.house, domain.label) is None:
        st.info("No sample was read yet. Reading one changes nothing.", icon=":material/info:")
        return None
    left, right = st.columns(2)
    text = left.text_input(
        "Find a person by name or e-mail", key=f"find_{domain.id}", icon=":material/search:",
        label_visibility="collapsed", placeholder="Find by name or e-mail",
    )  # fmt: skip
    found = dict(workflow.people_read(here.house, domain.label, text, most=MOST_FOUND))
    cut = len(found) == MOST_FOUND
    wanted = st.query_params.get("person")
    named = workflow.person_read(here.house, domain.label, wanted) if wanted else None
    if named and wanted and not text:
        found = {wanted: named} | found
    keys = list(found)
    chosen = right.selectbox(
        "Person", keys, keys.index(wanted) if wanted in found else None if wanted or not keys else 0,
        format_func=found.__getitem__, key=f"sample_{domain.id}_{wanted}_{text}",
        label_visibility="collapsed", placeholder=f"Choose from {'the first ' if cut else ''}{len(keys):,} found" if keys else "Nobody found",
    )  # fmt: skip
    if chosen and chosen != wanted:
        st.query_params["person"] = chosen
    if cut:
        st.caption(f"The first {MOST_FOUND:,} are offered here; others are found by name or e-mail.")
    if not keys:
        st.info("Nobody who was read is found by these words.", icon=":material/person_search:")
    if wanted and not named and not chosen:
        st.warning(
            f"Nobody in the last read has the key “{escape(wanted[:80])}” that the address names. Choose a person.",
            icon=":material/person_off:",
        )
    return chosen or (wanted if named else None)


def draw(here: Here, domain: Domain, attributes: Sequence[Attribute], identifier: str, person: str | None) -> None:
    read = workflow.last_read(here.house, domain.label)
    if read is None:
        return
    tried = workflow.try_mapping(here.house, domain.label, attributes, identifier, person)
    rows = [
        {
            "Attribute": each.attribute,
            "HiBob says": each.before,
            "Skillcast stores": each.after,
            "Filled": None if each.filled is None else int(each.filled * 100) / 100,
        }
        for each in tried
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["Attribute", "HiBob says", "Skillcast stores", "Filled"]),
        hide_index=True,
        height=37 + 35 * min(max(len(rows), 3) + 2, 42),
        placeholder="",
        column_config={
            "Attribute": st.column_config.TextColumn(width=81),
            "HiBob says": st.column_config.TextColumn(width=94),
            "Skillcast stores": st.column_config.TextColumn(width=94),
            "Filled": st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1, width=70, help="The share of people with a value."
            ),
        },
        alt="Sample values of one person, before and after, and the share of people with a value",
    )
    whose = workflow.person_read(here.house, domain.label, person) if person else None
    st.caption(
        f"Values of {escape(whose) if whose else 'nobody yet'}. HiBob was read "
        f"{ago(read.read_at, here.house.clock())}: {people(read.employees)}."
    )
    _notes(tried)


def _notes(tried: Sequence[Trial]) -> None:
    for each in tried:
        if each.note:
            st.caption(escape(f"{each.attribute}: {each.note}"))
        if each.unreadable:
            st.caption(escape(f"{each.attribute}: not readable for {people(each.unreadable)}"))
