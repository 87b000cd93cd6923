"""The directory as it is, and for one person: why they are there or not, and what was ever done for them."""

import pandas as pd
import streamlit as st

from provisioning.model import Domain
from provisioning.web import person
from provisioning.web.address import PAGE, look_at, pager, rows
from provisioning.web.frame import Here, enter, guarded, need_domain
from provisioning.web.parts import filled, fitted, with_room
from provisioning.web.words import people, searchable
from provisioning.workflow import looking

User = tuple[str, str, str, dict[str, str]]


def draw_directory(here: Here, domain: Domain) -> None:
    st.header("Directory", anchor=False)
    _, count = looking.users_seen(here.house, domain.label, "", 0, 0)
    if not count:
        st.info("The directory is empty: nothing was processed yet.", icon=":material/group_off:")
        return
    skip = pager(count)
    found, _ = looking.users_seen(here.house, domain.label, "", PAGE, skip)
    st.caption(f"{people(count)} in the directory. Select one to see all of their values, and why they are there.")
    shown = with_room(filled(frame(domain, found)))
    rows(
        shown,
        [link or user for user, link, *_ in found],
        "person",
        "Users of the domain",
        columns=fitted(shown).columns,
    )


def frame(domain: Domain, found: list[User]) -> pd.DataFrame:
    names = [each.name for each in domain.attributes]
    return pd.DataFrame(
        [
            {"Status": status} | {name: values.get(name, "") for name in names} | {"User": user, "HiBob id": link}
            for user, link, status, values in found
        ]
    )


def draw_question(here: Here, domain: Domain) -> bool:
    """Anybody may be asked for, also who has no user. Returns whether somebody is."""

    def ask() -> None:
        look_at(person=searchable(st.session_state["who"]))

    st.session_state["who"] = wanted = searchable(st.query_params.get("person", ""))
    st.text_input(
        "Why is, or isn’t, this person here?", key="who", on_change=ask, icon=":material/person_search:",
        placeholder="Name or a part of it, e-mail, unique identifier, HiBob id or user id",
    )  # fmt: skip
    if not wanted:
        st.caption("Ask for anybody, also for somebody who has no user; or select a user from the directory.")
        return False
    with guarded():
        key = person.draw(here, domain, wanted)
        if key:
            draw_values(here, domain, key)
    st.button("The whole directory", icon=":material/groups:", on_click=look_at, kwargs={"person": "", "at": ""})
    return True


def draw_values(here: Here, domain: Domain, key: str) -> None:
    found = looking.user_of(here.house, domain.label, key)
    if found:
        with st.expander("The user’s attributes", icon=":material/badge:"):
            st.dataframe(frame(domain, [found]).T.reset_index(names="Attribute").rename(columns={0: "Value"}),
                         hide_index=True, height="content", alt="The user’s attributes")  # fmt: skip


here = enter("People", "The user directory as it is, and the answer to “why is, or isn’t, this person here?”")
domain = need_domain(here)
with guarded():
    if not draw_question(here, domain):
        draw_directory(here, domain)
