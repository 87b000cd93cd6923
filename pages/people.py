"""The directory as it is, and for one person: why they are there or not, and what was ever done for them."""

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.model import Domain
from provisioning.web import parts
from provisioning.web.frame import Here, enter, guarded, need_domain
from provisioning.web.words import escape, people

User = tuple[str, str, str, dict[str, str]]
ICONS = {
    "HiBob": ":material/cloud:",
    "scope": ":material/filter_alt:",
    "lifecycle": ":material/event:",
    "user": ":material/badge:",
    "held": ":material/pan_tool:",
    "change": ":material/compare_arrows:",
    "run": ":material/play_circle:",
}


def draw_directory(here: Here, domain: Domain) -> None:
    st.subheader("Directory", anchor=False)
    text = st.text_input(
        "Search the directory", st.query_params.get("search", ""), placeholder="Name, e-mail or identifier",
        icon=":material/search:", key="directory_search",
    )  # fmt: skip
    wanted = (text or "").strip()
    parts.remember("search", wanted)
    _, count = workflow.users_seen(here.house, domain.label, wanted, 0, 0)
    if not count:
        st.info(
            "No user fits." if wanted else "The directory is empty: nothing was processed yet.",
            icon=":material/group_off:",
        )
        return
    skip = parts.pager(count, f"users_{wanted}")
    found, _ = workflow.users_seen(here.house, domain.label, wanted, parts.PAGE, skip)
    st.caption(f"{people(count)} in the directory fit. Select one to see why they are there.")
    event = st.dataframe(
        frame(domain, found), hide_index=True, on_select="rerun", selection_mode="single-row",
        key=f"users_{wanted}_{skip}", alt="Users of the domain",
    )  # fmt: skip
    for row in event["selection"]["rows"]:
        user, link, *_ = found[row]
        if st.query_params.get("person") not in (user, link):
            st.query_params["person"] = link or user
            st.rerun()


def frame(domain: Domain, found: list[User]) -> pd.DataFrame:
    names = [each.name for each in domain.attributes]
    return pd.DataFrame(
        [
            {"Status": status} | {name: values.get(name, "") for name in names} | {"User": user, "HiBob id": link}
            for user, link, status, values in found
        ]
    )


def draw_question(here: Here, domain: Domain) -> None:
    """Anybody may be asked for, also who has no user."""
    named = st.query_params.get("person", "")
    asked = st.text_input(
        "Why is, or isn’t, this person here?", value=named, key=f"who_{named}", icon=":material/person_search:",
        placeholder="E-mail, unique identifier, HiBob id or user id",
    )  # fmt: skip
    wanted = (asked or "").strip()
    if wanted != named:
        st.query_params["person"] = wanted
        st.rerun()
    if not wanted:
        st.caption("Ask for anybody, also for somebody who has no user; or select a user from the directory.")
        return
    answer = workflow.explain(here.house, domain.label, wanted)
    with st.container(border=True):
        st.markdown(f"##### {escape(answer.answer)}")
        for each in answer.steps:
            st.markdown(f"{ICONS.get(each.step, ':material/chevron_right:')} {escape(each.detail)}")
    draw_values(here, domain, answer.key)


def draw_values(here: Here, domain: Domain, key: str) -> None:
    found, _ = workflow.users_seen(here.house, domain.label, key.removeprefix("user:"), 1, 0)
    if found:
        with st.expander("The user’s attributes", icon=":material/badge:"):
            st.dataframe(frame(domain, found).T.reset_index(names="Attribute").rename(columns={0: "Value"}),
                         hide_index=True, height="content", alt="The user’s attributes")  # fmt: skip


here = enter("People", "The user directory as it is, and the answer to “why is, or isn’t, this person here?”")
domain = need_domain(here)
with guarded():
    draw_question(here, domain)
with guarded():
    draw_directory(here, domain)
