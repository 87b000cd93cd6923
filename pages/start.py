"""Before you start: the real set-up as a checklist, with what is known to be done."""

import streamlit as st

from provisioning.errors import RollcallError
from provisioning.web.frame import Here, act, enter, fail, go, guarded, link, no_customer_to_see
from provisioning.web.navigation import TITLES
from provisioning.web.words import escape, progress_in_full, share_done
from provisioning.workflow import requesting, setting_up, stages
from provisioning.workflow.house import any_customer

OPTIONAL = ":gray-badge[Optional]"
STATES = {
    "done": (":green[:material/check_circle:]", ":green-badge[Done]"),
    "wrong": (":red[:material/error:]", ":red-badge[Needs attention]"),
    "next": (":blue[:material/arrow_circle_right:]", ":blue-badge[Next]"),
    "open": (":gray[:material/radio_button_unchecked:]", ":gray-badge[To do]"),
}


def draw_new_customer(here: Here) -> None:
    with st.form("new_customer", border=True):
        st.header("No customer yet", anchor=False)
        st.write("A customer is an organisation; connections, domains, previews and history belong to exactly one.")
        name = st.text_input("Name of the customer", placeholder="Acme")
        if st.form_submit_button("Create", type="primary", icon=":material/add:"):
            try:
                setting_up.add_customer(here.house, name)
            except RollcallError as problem:
                fail(problem)
                return
            st.query_params["customer"] = name.strip()
            st.rerun()


def state_of(each: stages.Station, following: stages.Station | None) -> str:
    if each.done or each.wrong:
        return "done" if each.done else "wrong"
    return "next" if each == following else "open"


def draw_station(here: Here, each: stages.Station, state: str) -> None:
    """A line; the step that is to be done now stands out, and says what to do. Whoever only reads is told how it stands."""
    icon, badge = STATES[state]
    if each.optional:
        badge = f"{badge} {OPTIONAL}" if each.done else OPTIONAL
    now = state in ("next", "wrong") and here.may_prepare
    with st.container(border=now, horizontal=True, vertical_alignment="center", gap="small"):
        about = escape(each.todo) if here.may_prepare and not each.done else f":gray[{escape(each.detail)}]"
        if now:
            about = f":gray[{escape(each.detail)}]  \n{escape(each.todo)}"
        ahead = "  \n" if now else " "
        st.markdown(f"{icon} **{escape(each.title)}** {badge}{ahead}{about}", width="stretch")
        if each.page == "start":
            draw_licence(here, each)
        elif now and st.button(f"Go to {TITLES[each.page]}", type="primary", icon=":material/arrow_forward:"):
            go(f"pages/{each.page}.py", here)
        elif not now:
            link(f"pages/{each.page}.py", TITLES[each.page], ":material/arrow_forward:", here)


def draw_licence(here: Here, each: stages.Station) -> None:
    """Seats and price; a blank price is none."""
    if here.customer is None or not here.may_prepare:
        return
    about = here.customer
    with (
        st.popover("Change" if each.done else "Enter", icon=":material/edit:"),
        st.form(f"licence_{about.id}", border=False),
    ):
        st.caption("As your contract with Skillcast says. A preview warns before there are more live users than seats.")
        seats = st.number_input("Licensed users", min_value=0, value=about.seats, step=1, placeholder="not known")
        paid = float(about.price_per_user) if about.price_per_user else None
        price = st.number_input(
            "Price per user", min_value=0.0, value=paid, format="%.2f", placeholder="not known",
            help="Only to say what more users would cost.",
        )  # fmt: skip
        currency = st.text_input("Currency", value=about.currency or "", max_chars=3, placeholder="GBP")
        if st.form_submit_button("Save", type="primary", icon=":material/save:"):
            paid_in = currency.strip().upper() or None
            act(lambda: stages.save_licence(here.house, about.name, seats, price, paid_in), "Saved.")


def draw_request(here: Here, to_send: bool) -> None:
    """What whoever runs HiBob needs to know, as a text to copy or to send as a file. `to_send`: that comes next."""
    title = "For whoever runs HiBob: what to create, and the permission categories to tick"
    with st.expander(title, expanded=to_send, icon=":material/outgoing_mail:"):
        st.caption(
            "Copy this text into a mail, or download it. It follows the mapping: send it again when that has changed."
        )
        text = requesting.hibob_request(here.house, here.customer.name if here.customer else "", here.label or None)
        st.code(text, language=None, wrap_lines=True)
        st.download_button(
            "Download the text",
            lambda: text,
            "HiBob permissions.txt",
            "text/plain",
            icon=":material/download:",
            on_click="ignore",
        )


here = enter("Before you start", "The set-up, in the order in which it is done. It fills itself in.")
with guarded():
    if here.customer is None:
        if any_customer(here.house):
            no_customer_to_see()
        else:
            draw_new_customer(here)
        st.stop()
    stations = stages.checklist(here.house, here.customer.name, here.label or None)
    following = stages.next_station(stations)
    st.progress(share_done(stations), text=progress_in_full(stations))
    if following is None:
        local = here.domain is not None and here.domain.settings.scim is None
        alone = " Users are kept in Rollcall’s local directory, where Skillcast does not see them." if local else ""
        st.success(f"Everything that is needed is done.{alone}", icon=":material/check_circle:")
    for each in stations:
        draw_station(here, each, state_of(each, following))
    to_send = here.may_prepare and following is not None and following.page == "connect"
    draw_request(here, to_send)
