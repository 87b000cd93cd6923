"""Before you start: the real set-up as a checklist, with what is known to be done."""

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError
from provisioning.web.frame import Here, enter, fail, guarded, link, no_customer_to_see
from provisioning.web.words import escape

PAGES = {
    "connect": ("pages/connect.py", "Connect"),
    "mapping": ("pages/mapping.py", "Mapping"),
    "settings": ("pages/settings.py", "Settings"),
}
IN_HIBOB = (
    "In HiBob, create a service user: Settings › Integrations › Service users. Keep its id and its token; the token is shown once.",
    "Create a permission group with that service user as its only member.",
    "Under “Access data for”, choose everybody, and widen the audience to leavers and future joiners.",
    "Tick “View” for the categories below.",
)


def draw_new_customer(here: Here) -> None:
    with st.form("new_customer", border=True):
        st.subheader("No customer yet", anchor=False)
        st.write("A customer is an organisation; connections, domains, previews and history belong to exactly one.")
        name = st.text_input("Name of the customer", placeholder="Acme")
        if st.form_submit_button("Create", type="primary", icon=":material/add:"):
            try:
                workflow.add_customer(here.house, name)
            except RollcallError as problem:
                fail(problem)
                return
            st.query_params["customer"] = name.strip()
            st.rerun()


def draw_station(here: Here, each: workflow.Station) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        icon = ":green[:material/check_circle:]" if each.done else ":gray[:material/radio_button_unchecked:]"
        st.markdown(f"{icon} **{escape(each.title)}**", width="stretch")
        if each.detail:
            st.caption(escape(each.detail), width="content")
        if each.page in PAGES:
            page, words = PAGES[each.page]
            link(page, words, ":material/arrow_forward:", here)


def draw_categories(here: Here) -> None:
    found = workflow.categories_needed(here.house, here.label) if here.domain else {}
    if not found:
        st.info("The exact list follows from the mapping: connect HiBob and test once.", icon=":material/info:")
        return
    rows = [{"Permission category": name, "Opens": ", ".join(columns)} for name, columns in found.items()]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="Permission categories to tick in HiBob")


here = enter("Before you start", "The set-up, in the order in which it is done.")
with guarded():
    if here.customer is None:
        if workflow.any_customer(here.house):
            no_customer_to_see()
        else:
            draw_new_customer(here)
        st.stop()
    stations = workflow.checklist(here.house, here.customer.name, here.label or None)
    done = sum(each.done for each in stations)
    st.progress(done / len(stations), text=f"{done} of {len(stations)} done")
    for each in stations:
        draw_station(here, each)
    st.subheader("In HiBob", anchor=False)
    for number, sentence in enumerate(IN_HIBOB, 1):
        st.markdown(f"{number}. {sentence}")
    draw_categories(here)
