"""What a domain decides by, beside its mapping. Saving runs nothing; it makes waiting previews lapse."""

from dataclasses import replace

import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError
from provisioning.model import Domain, Settings
from provisioning.web import settings_form
from provisioning.web.frame import Here, enter, fail, guarded, need_domain

# What the form began from: (domain, version, settings); and how often it was begun anew.
BASE, TURN = "settings_base", "settings_turn"


def begin_anew(domain: Domain) -> None:
    st.session_state[BASE] = (domain.id, domain.settings_version, domain.settings)
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def draw_form(here: Here, domain: Domain, base: Settings, key: str) -> Settings:
    scope, lifecycle, limits, protected, identity = st.tabs(
        ["Scope", "Lifecycle", "Limits", "Protected people", "Identifier and absence"]
    )
    with identity:
        said = settings_form.identity(here, domain, base, key)
    with scope:
        said = replace(said, scope=settings_form.scope(here, domain, base, key))
    with lifecycle:
        said = replace(said, lifecycle=settings_form.lifecycle(here, base.lifecycle, key))
    with protected:
        said = replace(said, protected=settings_form.protected(here, domain, base, key))
    with limits:
        return replace(said, limits=settings_form.limits(base, key))


def draw_actions(here: Here, domain: Domain, base: Settings, said: Settings, based_on: int) -> None:
    changed = said != base
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", type="primary", icon=":material/save:", disabled=not (changed and here.may_prepare)):
            save(here, domain, said, based_on)
        if st.button("Discard", icon=":material/undo:", disabled=not changed and based_on == domain.settings_version):
            begin_anew(domain)
            st.rerun()
        st.caption("Unsaved changes" if changed else f"Version {domain.settings_version} is in force")
    if based_on != domain.settings_version:
        st.warning(
            f"Version {domain.settings_version} was saved meanwhile; this form shows version {based_on}. Discard to see it.",
            icon=":material/difference:",
        )


def save(here: Here, domain: Domain, said: Settings, based_on: int) -> None:
    try:
        saved = workflow.save_settings(here.house, domain.label, said, based_on)
    except RollcallError as problem:
        fail(problem)
        return
    begin_anew(saved)
    st.toast(f"Saved as version {saved.settings_version}. Waiting previews lapse.", icon=":material/check:")
    st.rerun()


here = enter("Settings", "Whom the domain takes, what their status means, and what is never to happen by itself.")
domain = need_domain(here)
# Widgets of a page that was left are gone, and so is what they held: the form begins anew.
if st.session_state.get(BASE, (0,))[0] != domain.id or f"settings_{st.session_state.get(TURN)}" not in st.session_state:
    begin_anew(domain)
_, based_on, base = st.session_state[BASE]
turn = st.session_state[TURN]
st.session_state[f"settings_{turn}"] = True
with guarded():
    above = st.container()
    said = draw_form(here, domain, base, f"{domain.id}_{turn}")
    with above:
        draw_actions(here, domain, base, said, based_on)
