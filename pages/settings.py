"""What a domain decides by, beside its mapping. Saving runs nothing; it makes waiting previews lapse."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import streamlit as st

from provisioning.errors import RollcallError, SettingsError
from provisioning.model import Domain, Settings
from provisioning.web import deciding, leaving, next_step, roles, settings_facts, settings_form, standing
from provisioning.web.address import tabs
from provisioning.web.frame import Here, enter, fail, guarded, link, need_domain
from provisioning.workflow import settings_drafts

# What the form began from (domain id, version, settings as text); what the store held when this tab last looked or wrote;
# how often the form was begun anew; and the version saved here.
BASE, SEEN, TURN, SAVED = "settings_base", "settings_seen", "settings_turn", "settings_saved"


PARTS = {
    "scope": "Scope",
    "lifecycle": "Lifecycle",
    "limits": "Limits",
    "protected": "Protected",
    "identity": "Unique identifier",
}


def begin_anew() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def form_key(domain: Domain) -> str:
    return f"{domain.id}_{st.session_state.get(TURN, 0)}"


def draw_draft(here: Here, domain: Domain) -> tuple[Settings, int, list[SettingsError]]:
    """The form; what is edited is kept as a draft at once. Returns (what it says, the version it was begun from, what is
    wrong with it); where something is, nothing is kept."""
    stored = settings_drafts.settings_draft(here.house, domain.label) or (domain.settings, domain.settings_version)
    held = (settings_drafts.settings_in_text(stored[0]), stored[1])
    # Widgets of a page that was left are gone, and so is what they held: the form begins anew from the draft.
    if not settings_form.begun(form_key(domain)) or st.session_state.get(BASE, (0,))[0] != domain.id:
        begin_anew()
        st.session_state[BASE], st.session_state[SEEN] = (domain.id, held[1], held[0]), held
    _, based_on, text = st.session_state[BASE]
    base = settings_drafts.settings_from_text(text)
    said, problems = draw_form(here, domain, base, form_key(domain))
    if problems:
        return said, based_on, problems
    if held != st.session_state[SEEN] and said in (base, stored[0]):
        # Another tab or person wrote, and nothing was edited here: go on from what they wrote.
        begin_anew()
        st.rerun()
    if said != stored[0]:
        keep(here, domain, said, based_on)
    return said, based_on, problems


def keep(here: Here, domain: Domain, said: Settings, based_on: int) -> None:
    """As a draft; what is in force already needs none."""
    if (said, based_on) == (domain.settings, domain.settings_version):
        settings_drafts.drop_settings_draft(here.house, domain.label)
    else:
        settings_drafts.keep_settings_draft(here.house, domain.label, said, based_on)
    st.session_state[SEEN] = (settings_drafts.settings_in_text(said), based_on)


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
    scope, lifecycle, limits, protected, identity = tabs("part", PARTS)
    with identity, reading():
        said = settings_form.identity(here, domain, base, key)
    with scope, reading():
        said = replace(said, scope=settings_form.scope(here, domain, base, key))
    with lifecycle, reading():
        said = replace(said, lifecycle=settings_form.lifecycle(here, domain, base.lifecycle, key))
    with protected, reading():
        said = replace(said, protected=settings_form.protected(here, domain, base, key))
        draw_decided(here)
    with limits, reading():
        said = replace(said, limits=settings_form.limits(base, key))
    return said, problems


def draw_actions(here: Here, domain: Domain, said: Settings, problems: Sequence[SettingsError], based_on: int) -> None:
    changed = said != domain.settings
    with st.container(horizontal=True, vertical_alignment="center", key="settings_actions"):
        if st.button("Save", type="primary", icon=":material/save:", disabled=not changed or bool(problems)):
            save(here, domain, said, based_on)
        if st.button("Discard", icon=":material/undo:", disabled=not (changed or problems)):
            settings_drafts.drop_settings_draft(here.house, domain.label)
            begin_anew()
            st.rerun()
        if problems:
            st.caption("Cannot be saved, nor kept as your draft, until everything can be read")
        else:
            in_words = f"Version {domain.settings_version} is in force"
            unsaved = f"Unsaved changes, kept as your draft{standing.lapses_by_saving(here)}"
            st.caption(unsaved if changed else in_words)
    for problem in problems:
        fail(problem)
    if st.session_state.get(SAVED) == (domain.id, domain.settings_version) and not changed:
        link("pages/preview.py", "Make a preview with these settings", ":material/preview:", here)


def draw_conflict(here: Here, domain: Domain, said: Settings, based_on: int) -> None:
    """Somebody saved meanwhile: what their version changes, and the ways on."""
    if based_on == domain.settings_version:
        return
    with st.container(border=True):
        st.warning(
            f"Version {domain.settings_version} was saved; your draft began from version {based_on}. Saving is refused "
            "until you have looked at the difference.",
            icon=":material/difference:",
        )
        for line in settings_drafts.newer_settings(here.house, domain.label, based_on):
            st.text(line)
        label = "I have seen it: put my draft on top of it, which undoes these changes (where the users are kept stays)"
        if st.button(label, icon=":material/merge:"):
            settings_drafts.keep_settings_draft(here.house, domain.label, said, domain.settings_version)
            begin_anew()
            st.rerun()


def save(here: Here, domain: Domain, said: Settings, based_on: int) -> None:
    try:
        saved = settings_drafts.save_settings_draft(here.house, domain.label, said, based_on)
    except RollcallError as problem:
        fail(problem)
        return
    begin_anew()
    st.session_state[SAVED] = (domain.id, saved.settings_version)
    st.toast(f"Saved as version {saved.settings_version}. Waiting previews lapse.", icon=":material/check:")
    st.rerun()


def draw_editor(here: Here, domain: Domain) -> None:
    above = st.container()
    with st.container(key="settings_draft"):
        said, based_on, problems = draw_draft(here, domain)
    with above:
        draw_actions(here, domain, said, problems, based_on)
        draw_conflict(here, domain, said, based_on)


def draw_to_read(here: Here, domain: Domain) -> None:
    """What is in force, for whoever changes nothing."""
    st.caption(f"Version {domain.settings_version} is in force")
    scope, lifecycle, limits, protected, identity = tabs("part", PARTS)
    with scope:
        settings_facts.scope(here, domain)
    with lifecycle:
        settings_facts.lifecycle(here, domain)
    with limits:
        settings_facts.limits(domain)
    with protected:
        settings_facts.protected(here, domain)
        draw_decided(here)
    with identity:
        settings_facts.identity(domain)


def draw_decided(here: Here) -> None:
    st.header("Decided on previews", anchor=False)
    deciding.in_force(here)


here = enter("Settings", "Whom the domain takes, what their status means, and what is never to happen by itself.")
first = st.container()
if here.customer and here.domain is None:
    with guarded():
        roles.draw(here, here.customer.name)
with first:
    domain = need_domain(here)
with guarded():
    next_step.draw(here, "settings")
    draw = draw_editor if here.may_prepare else draw_to_read
    draw(here, domain)
with guarded():
    roles.draw(here, domain.customer)
    leaving.draw(here, domain)
