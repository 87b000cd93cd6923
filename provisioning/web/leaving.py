"""The bottom of the settings page: letting go of a domain, a connection or the customer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from provisioning.errors import RollcallError
from provisioning.model import Domain
from provisioning.store.jobs import JobKind
from provisioning.web import jobs
from provisioning.web.frame import Here, fail, go, link
from provisioning.web.words import escape, people
from provisioning.workflow import asking, connections, leaving
from provisioning.workflow.leaving import Fate, Leaving

FATES = {
    Fate.STAY: "Stay as they are: Rollcall just lets go",
    Fate.ARCHIVE: "Are archived first, by a preview that is approved and processed",
}
Find = Callable[[], Leaving]


def draw(here: Here, domain: Domain) -> None:
    if not here.may_approve:
        return
    with st.expander("Offboard from Rollcall: a domain, a connection or the whole customer", icon=":material/logout:"):
        st.caption(
            "Schedules stop, webhooks and notifications cease, and tokens are destroyed. Previews, runs and history can still "
            "be read, as long as the customer’s retention says."
        )
        ways = _ways(here, domain)
        what = st.radio("What leaves", list(ways), key=f"leaving_what_{domain.id}")
        found = ways[what]()
        names = ", ".join(each.name for each in found.domains) or "none"
        st.text(f"Domains that leave with it: {names}")
        users = st.radio("Its users", list(FATES), format_func=FATES.__getitem__, key=f"leaving_users_{domain.id}")
        archived = [_archived(here, each) for each in found.domains] if users is Fate.ARCHIVE else []
        _confirm(here, found, users, all(archived))


def _ways(here: Here, domain: Domain) -> dict[str, Find]:
    customer = domain.customer
    ways: dict[str, Find] = {
        f"The domain {escape(domain.name)}": lambda: leaving.leaving_domain(here.house, domain.label)
    }
    for each in connections.connections_seen(here.house, customer):
        name = each.connection.name
        found = partial(leaving.leaving_connection, here.house, customer, name)
        ways[f"The connection {escape(name)}, with the domains on it"] = found
    ways[f"The customer {escape(customer)}, with everything"] = lambda: leaving.leaving_customer(here.house, customer)
    return ways


def _archived(here: Here, domain: Domain) -> bool:
    """How far archiving everybody is, and the next step. Returns whether it is done."""
    job = asking.latest_job(here.house, domain.label, [JobKind.FAREWELL])
    if domain.label == here.label and jobs.show(here, job, "Preview that archives everybody"):
        return False
    plan, done = leaving.farewell_seen(here.house, domain.label)
    with st.container(horizontal=True, vertical_alignment="center"):
        if plan is None:
            st.text(f"{domain.name}: nobody has planned yet to archive its users.")
            label = f"Make the preview for {escape(domain.name)}"
            if st.button(label, icon=":material/preview:", key=f"farewell_{domain.id}"):
                asking.ask(here.house, domain.label, JobKind.FAREWELL)
                st.rerun()
        else:
            said = "done" if done else f"{people(plan.counts['archive'])} to be archived; approve and process it"
            st.text(f"{domain.name}: {said}.")
            there = replace(here, domain=domain)
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", there, plan=plan.id)
    return done


def _confirm(here: Here, found: Leaving, users: Fate, ready: bool) -> None:
    with st.form("leaving", border=False):
        typed = st.text_input(f"Type {escape(found.name)} to confirm", key=f"leaving_typed_{found.name}")
        asked = st.form_submit_button("Offboard", type="primary", icon=":material/logout:", disabled=not ready)
    if not asked:
        return
    if typed.strip() != found.name:
        st.error(escape(f"Type “{found.name}” exactly as it is written, to confirm."), icon=":material/error:")
        return
    try:
        leaving.offboard(here.house, found, users)
    except RollcallError as problem:
        fail(problem)
        return
    st.session_state.pop("last_domain", None)
    go("pages/overview.py", Here(here.house, found.customer, None))
