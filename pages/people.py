"""The directory as it is, and for one person: why they are there or not, and what was ever done for them."""

import pandas as pd
import streamlit as st

from provisioning.engine.explain import Answer, SeveralFit
from provisioning.errors import RollcallError
from provisioning.model import Domain, Status
from provisioning.report.differences import valued
from provisioning.report.file_names import users_name
from provisioning.web import person
from provisioning.web.address import PAGE, choice, look_at, pager, rows, search
from provisioning.web.frame import Here, enter, fail, guarded, need_domain, workspace_of
from provisioning.web.parts import filled, fitted, narrowed, with_room
from provisioning.web.words import fitting, on_a_telephone, on_the_clock, people, searchable
from provisioning.workflow import explaining, looking

TOLD = 5
"""So many of a user's attributes, the first of the mapping, tell on a telephone who it is."""
User = tuple[str, str, str, dict[str, str]]


def draw_directory(here: Here, domain: Domain) -> None:
    st.header("Directory", anchor=False)
    if not looking.users_seen(here.house, domain.label, "", 0, 0)[1]:
        st.info("The directory is empty: nothing was processed yet.", icon=":material/group_off:")
        return
    searched, which, place = st.columns([4, 2, 2], vertical_alignment="bottom")
    with searched:
        text = search("Filter the directory", "Any value: a department, a site, an e-mail", "directory_search")
    with which:
        status = choice("Status", "status", ["", *Status], lambda name: name or "All")
    _, count = looking.users_seen(here.house, domain.label, text, 0, 0, status)
    if not count:
        st.info("Nobody fits these filters.", icon=":material/search_off:")
        return
    with place:
        skip = pager(count)
    found, _ = looking.users_seen(here.house, domain.label, text, PAGE, skip, status)
    told = fitting(count) if text or status else f"{people(count)} in the directory."
    st.caption(f"{told} Select one to see all of their values, and why they are there.")
    names = tuple(each.name for each in domain.attributes[:TOLD])
    whole = filled(frame(domain, found))
    shown = narrowed(whole, {"User": (*names, "Status")}) if on_a_telephone() else with_room(whole)
    fit = fitted(shown)
    rows(
        fit.cut(shown), [link or user for user, link, *_ in found], "person", "Users of the domain",
        columns=fit.columns, row_height=fit.row_height,
    )  # fmt: skip
    draw_download(here, domain, text, status)


def draw_download(here: Here, domain: Domain, text: str, status: str) -> None:
    """Everybody who fits, not the page that is seen alone."""

    def build() -> bytes:
        with workspace_of(here.house) as house:
            return looking.export_users_seen(house, domain.label, text, status)

    now = here.house.clock()
    st.download_button(
        "Download as CSV", build, users_name(domain.label, on_the_clock(now) or now), "text/csv", icon=":material/download:", on_click="ignore",
        help="Everybody who fits the filters, with every attribute. That it was handed out is recorded.",
    )  # fmt: skip


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

    wanted = searchable(st.query_params.get("person", ""))
    answer = asked(here, domain, wanted) if wanted else None
    # Whoever was chosen from a list is known by an id that nobody typed.
    chosen = isinstance(answer, Answer) and wanted in (answer.key, *answer.also)
    st.session_state["who"] = answer.name or wanted if isinstance(answer, Answer) and chosen else wanted
    st.text_input(
        "Why is, or isn’t, this person here?", key="who", on_change=ask, icon=":material/person_search:",
        placeholder="Name or a part of it, e-mail, unique identifier, HiBob id or user id",
    )  # fmt: skip
    if answer is None:
        st.caption("Ask for anybody, also for somebody who has no user; or select a user from the directory.")
        return False
    with guarded():
        if isinstance(answer, SeveralFit):
            person.draw_fitting(answer)
        elif isinstance(answer, RollcallError):
            fail(answer)
        else:
            person.draw(here, domain, answer)
            draw_values(here, domain, answer.key)
    st.button("The whole directory", icon=":material/groups:", on_click=look_at, kwargs={"person": "", "at": ""})
    return True


def asked(here: Here, domain: Domain, wanted: str) -> Answer | RollcallError:
    """The answer, or why there is none: the field above it is drawn either way."""
    try:
        return explaining.explain(here.house, domain.label, wanted)
    except RollcallError as problem:
        return problem


def draw_values(here: Here, domain: Domain, key: str) -> None:
    found = looking.user_of(here.house, domain.label, key)
    if found:
        user, link, status, values = found
        names = person.names_meant(here, values.items())
        told = {name: valued(name, value, names) for name, value in values.items()}
        with st.expander("The user’s attributes now", icon=":material/badge:"):
            st.dataframe(frame(domain, [(user, link, status, told)]).T.reset_index(names="Attribute").rename(columns={0: "Value"}),
                         hide_index=True, height="content", alt="The user’s attributes")  # fmt: skip


here = enter("People", "The user directory as it is, and the answer to “why is, or isn’t, this person here?”")
domain = need_domain(here)
with guarded():
    if not draw_question(here, domain):
        draw_directory(here, domain)
