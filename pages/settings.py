"""What a domain decides by, beside its mapping. Saving runs nothing; it makes waiting previews lapse."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError, SettingsError
from provisioning.model import Domain, Settings
from provisioning.web import settings_form
from provisioning.web.frame import Here, enter, fail, guarded, link, need_domain

# What the form began from: (domain, version, settings); how often it was begun anew; and the version saved here.
BASE, TURN, SAVED = "settings_base", "settings_turn", "settings_saved"


def begin_anew(domain: Domain) -> None:
    st.session_state[BASE] = (domain.id, domain.settings_version, domain.settings)
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def draw_form(here: Here, domain: Domain, base: Settings, key: str) -> tuple[Settings, list[SettingsError]]:
    """(what the forms say, what is wrong with them). A form that cannot be read says what it began from."""
    problems: list[SettingsError] = []

    @contextmanager
    def reading() -> Iterator[None]:
        try:
            yield
        except SettingsError as problem:
            problems.append(problem)

    said = base
    scope, lifecycle, limits, protected, identity = st.tabs(
        ["Scope", "Lifecycle", "Limits", "Protected people", "Identifier and absence"]
    )
    with identity, reading():
        said = settings_form.identity(here, domain, base, key)
    with scope, reading():
        said = replace(said, scope=settings_form.scope(here, domain, base, key))
    with lifecycle, reading():
        said = replace(said, lifecycle=settings_form.lifecycle(here, base.lifecycle, key))
    with protected, reading():
        said = replace(said, protected=settings_form.protected(here, domain, base, key))
    with limits, reading():
        said = replace(said, limits=settings_form.limits(base, key))
    return said, problems


def draw_actions(
    here: Here, domain: Domain, base: Settings, said: Settings, problems: Sequence[SettingsError], based_on: int
) -> None:
    changed = said != base or bool(problems)
    may_save = changed and not problems and here.may_prepare
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", type="primary", icon=":material/save:", disabled=not may_save):
            save(here, domain, said, based_on)
        if st.button("Discard", icon=":material/undo:", disabled=not changed and based_on == domain.settings_version):
            begin_anew(domain)
            st.rerun()
        st.caption("Unsaved changes" if changed else f"Version {domain.settings_version} is in force")
    for problem in problems:
        fail(problem)
    if st.session_state.get(SAVED) == (domain.id, domain.settings_version) and not changed:
        link("pages/preview.py", "Make a preview with these settings", ":material/preview:", here)
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
    st.session_state[SAVED] = (domain.id, saved.settings_version)
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
    said, problems = draw_form(here, domain, base, f"{domain.id}_{turn}")
    with above:
        draw_actions(here, domain, base, said, problems, based_on)
