"""Who is told when somebody must act: the domain's notification targets, to be added, tested and removed. An address
can be set, and never read again, but for an e-mail address."""

from datetime import datetime

import streamlit as st

from provisioning.web.frame import Here, act
from provisioning.web.words import ago, escape, moment, searchable
from provisioning.workflow import targets
from provisioning.workflow.targets import MailSeen, NotifySeen

E_MAIL = "E-mail"
OWN_SERVER = "mailtos://USER:PASSWORD@mail.acme.example?from=rollcall@acme.example&to=hr@acme.example"
PASTE = {
    E_MAIL: f"With a mail server of your own: {escape(OWN_SERVER)}.",
    "Slack": f"The webhook’s address that Slack shows: {escape('https://hooks.slack.com/services/')}….",
    "Teams": "The address of the workflow *Send webhook alerts to a channel*.",
    "Another system": f"The https address of a webhook that takes JSON, or a mail server of your own: {escape(OWN_SERVER)}.",
}
"""What to paste into the field, by how somebody is told."""
NOBODY = "Nobody is told when somebody must act."


def draw(here: Here, now: datetime) -> None:
    found = targets.targets_seen(here.house, here.label)
    st.header("Who is told", anchor=False)
    if not found:
        todo = " Add somebody here." if here.may_prepare else ""
        st.info(f"{NOBODY}{todo}", icon=":material/notifications_off:")
    for each in found:
        _one(here, each, now)
    if not here.may_prepare:
        return
    if found and st.button("Send a test", icon=":material/send:"):
        said = "Sent; what came of it stands with each of them."
        act(lambda: targets.send_test(here.house, here.label), said)
    _form(here, found)


def draw_nobody(here: Here) -> None:
    """Beside what makes a schedule run."""
    if not targets.targets_seen(here.house, here.label):
        st.caption(f"{NOBODY} See *Who is told* below.")


def _one(here: Here, each: NotifySeen, now: datetime) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            words, colour = _state(each)
            st.badge(words, color=colour)  # type: ignore[arg-type]
            st.text(each.name or each.variable or "An address that cannot be read", width="content")
            st.caption(escape(_about(each, now)), width="stretch")
            label, key = "Remove", f"remove_target_{each.place}_{each.set_at}"
            if here.may_prepare and st.button(label, key=key, icon=":material/delete:", help="Tell it no longer"):
                act(lambda: targets.drop_notify_target(here.house, here.label, each.place, each.set_at), "Removed.")
        if each.problem:
            st.error(escape(each.problem), icon=":material/error:")


def _state(each: NotifySeen) -> tuple[str, str]:
    if each.problem:
        return "Did not arrive" if each.tried_at else "Cannot be told", "red"
    return ("Taken", "green") if each.tried_at else ("Not tried yet", "gray")


def _about(each: NotifySeen, now: datetime) -> str:
    """`set on 3 Nov 2026, 09:12 UTC, ends in a1b2 · last tried 2 h ago · from ACME_NOTIFY_URL`."""
    ends = f", ends in {each.ends_in}" if each.ends_in else ""
    parts = [f"set on {moment(each.set_at)}{ends}"] if each.set_at else ["its address is missing"]
    parts += [f"last tried {ago(each.tried_at, now)}"] if each.tried_at else []
    parts += [f"from {each.variable} of the set-up file"] if each.variable else []
    return " · ".join(parts)


def _form(here: Here, found: list[NotifySeen]) -> None:
    with st.expander("Add somebody to be told", icon=":material/add_alert:"):
        how = st.radio("How", list(PASTE), horizontal=True, label_visibility="collapsed", key=f"told_how_{here.label}")
        mail = targets.mail_seen(here.house, here.label) if how == E_MAIL else MailSeen()
        if mail.problem:
            st.info(escape(mail.problem), icon=":material/info:")
        # What somebody typed stays with an error, and goes once it is added; what is a secret goes at once.
        last = max((each.place for each in found), default="")
        key = f"told_{how}_{here.label}_{last}"
        with st.form(key, border=False, clear_on_submit=not mail.sender):
            if mail.sender:
                st.caption(escape(f"Mails come from {mail.sender}."))
                typed = st.text_input("E-mail address", placeholder="hr@acme.example", key=f"{key}_email")
            else:
                st.caption(f"{PASTE[how]} The address is stored encrypted and never shown again.")
                typed = st.text_input("Address", type="password", max_chars=targets.MOST_ADDRESS, autocomplete="off")
            if st.form_submit_button("Add", icon=":material/add:"):
                address = f"{targets.EMAIL}:{searchable(typed)}" if mail.sender else searchable(typed)
                act(lambda: targets.add_notify_target(here.house, here.label, address), "Added. Send a test to try it.")
