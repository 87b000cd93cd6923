"""Who is told when somebody must act: the domain's notification targets, to be added, tested and removed. An address
can be set, and never read again."""

from datetime import datetime

import streamlit as st

from provisioning.web.frame import Here, act
from provisioning.web.words import ago, escape, moment, searchable
from provisioning.workflow import targets
from provisioning.workflow.targets import NotifySeen

EXAMPLES = {
    "Slack": "the webhook’s address that Slack shows: https://hooks.slack.com/services/…",
    "Teams": "the address of the workflow *Send webhook alerts to a channel*",
    "Mail": "mailtos://USER:PASSWORD@mail.acme.example?from=rollcall@acme.example&to=hr@acme.example",
    "Another system": "the https address of a webhook that takes JSON",
}


def draw(here: Here, now: datetime) -> None:
    found = targets.targets_seen(here.house, here.label)
    st.header("Who is told", anchor=False)
    if not found:
        todo = " Add a target here." if here.may_prepare else ""
        st.info(f"Nobody is told when somebody must act.{todo}", icon=":material/notifications_off:")
    for each in found:
        _one(here, each, now)
    if not here.may_prepare:
        return
    if found and st.button("Send a test", icon=":material/send:"):
        said = "Sent; what came of it stands with each target."
        act(lambda: targets.send_test(here.house, here.label), said)
    _form(here)


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
        return "Did not arrive", "red"
    return ("Taken", "green") if each.tried_at else ("Not tried yet", "gray")


def _about(each: NotifySeen, now: datetime) -> str:
    """`set on 3 Nov 2026, 09:12 UTC, ends in a1b2 · last tried 2 h ago · from ACME_NOTIFY_URL`."""
    ends = f", ends in {each.ends_in}" if each.ends_in else ""
    parts = [f"set on {moment(each.set_at)}{ends}"] if each.set_at else ["its address is missing"]
    parts += [f"last tried {ago(each.tried_at, now)}"] if each.tried_at else []
    parts += [f"from {each.variable} of the set-up file"] if each.variable else []
    return " · ".join(parts)


def _form(here: Here) -> None:
    with st.expander("Add a target", icon=":material/add_alert:"):
        st.caption("Mail, Slack, Teams, or any webhook. The address is stored encrypted and never shown again.")
        st.markdown(
            "\n".join(
                f"- {name}: {example if '*' in example else escape(example)}" for name, example in EXAMPLES.items()
            )
        )
        with st.form("notify_target", border=False, clear_on_submit=True):
            address = st.text_input("Address", type="password", max_chars=targets.MOST_ADDRESS, autocomplete="off")
            if st.form_submit_button("Add", icon=":material/add:"):
                act(
                    lambda: targets.add_notify_target(here.house, here.label, searchable(address)),
                    "Added. Send a test to try it.",
                )
