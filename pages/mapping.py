"""Which HiBob column feeds which attribute: one editable table, tried on a person while it is edited."""

import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError, SettingsError
from provisioning.model import Attribute, Domain, Severity
from provisioning.store.jobs import JobKind
from provisioning.web import jobs, mapping_sample, mapping_table, mapping_versions
from provisioning.web.address import look_at
from provisioning.web.frame import Here, enter, fail, guarded, link, need_domain
from provisioning.web.words import SEVERITY_COLOURS, SEVERITY_WORDS, escape
from provisioning.workflow import Begun, MappingDraft

# What the editor began from (domain id, begun, content, frame, what it offers), never its own output; what the store
# held when this tab last looked or wrote; how often the editor was begun anew; and the version saved here.
BASE, SEEN, TURN, SAVED = "mapping_base", "mapping_seen", "mapping_turn", "mapping_saved"
SIDES = [585, 379]
Content = tuple[tuple[Attribute, ...], str]


def begin_anew() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def editor_key(domain: Domain) -> str:
    return f"map_{domain.id}_{st.session_state.get(TURN, 0)}"


def in_force(domain: Domain) -> MappingDraft:
    return MappingDraft(domain.attributes, domain.settings.unique_identifier or "", workflow.begun_from(domain))


def content_of(draft: MappingDraft) -> Content:
    return draft.attributes, draft.identifier


def draw_editor(here: Here, domain: Domain, view: str) -> tuple[Content, Begun, bool]:
    """The table; what is edited is kept as a draft at once. Returns (content, what it was begun from, whether every
    cell can be read); where one cannot, the content is what was last kept."""
    stored = workflow.mapping_draft(here.house, domain.label) or in_force(domain)
    fields = workflow.fields_known(here.house, domain.label)
    # An editor that offers something else is another editor to Streamlit, and forgets what was edited.
    offers = (view, hash(fields), here.may_prepare)
    base = st.session_state.get(BASE)
    if editor_key(domain) not in st.session_state or base is None or (base[0], base[4]) != (domain.id, offers):
        begin_anew()
        base = (domain.id, stored.begun, content_of(stored), mapping_table.to_frame(*content_of(stored)), offers)
        st.session_state[BASE], st.session_state[SEEN] = base, stored
    _, begun, first, frame, _ = base
    written = [name for name in (*frame[mapping_table.FEED], *frame[mapping_table.FALLBACK]) if isinstance(name, str)]
    edited = mapping_table.edit(frame, fields, written, editor_key(domain), not here.may_prepare, view)
    try:
        content = mapping_table.from_frame(edited, stored.identifier)
    except SettingsError as problem:
        fail(problem)
        return content_of(stored), begun, False
    if stored != st.session_state[SEEN] and content in (first, content_of(stored)):
        # Another tab or person wrote, and nothing was edited here: go on from what they wrote.
        begin_anew()
        st.rerun()
    if content != content_of(stored) and here.may_prepare:
        keep(here, domain, content, begun)
    if mapping_table.ticked(edited) > 1:
        # The tick that was moved: the table is shown anew with exactly one.
        begin_anew()
        st.rerun()
    return content, begun, True


def keep(here: Here, domain: Domain, content: Content, begun: Begun) -> None:
    """As a draft; what is in force already needs none."""
    draft = MappingDraft(*content, begun)
    if draft == in_force(domain):
        workflow.drop_mapping_draft(here.house, domain.label)
    else:
        workflow.keep_mapping_draft(here.house, domain.label, *content, begun)
    st.session_state[SEEN] = draft


def draw_actions(here: Here, domain: Domain, content: Content, begun: Begun, readable: bool) -> None:
    changed = content != content_of(in_force(domain))
    may_save = changed and readable and here.may_prepare
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", type="primary", icon=":material/save:", disabled=not may_save):
            save(here, domain, *content, begun)
        stale = begun != workflow.begun_from(domain)
        if st.button("Discard", icon=":material/undo:", disabled=not changed and readable and not stale):
            workflow.drop_mapping_draft(here.house, domain.label)
            begin_anew()
            st.rerun()
        if not readable:
            st.caption("Cannot be saved, nor kept as your draft, until every cell can be read")
        else:
            in_words = f"Version {domain.mapping_version} is in force"
            st.caption("Unsaved changes, kept as your draft" if changed else in_words)
        if changed and readable:
            mapping_versions.headline(here, domain, content)
    if st.session_state.get(SAVED) == (domain.id, domain.mapping_version) and not changed:
        link("pages/preview.py", "Make a preview with this mapping", ":material/preview:", here)


def save(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str, begun: Begun) -> None:
    try:
        saved = workflow.save_mapping(here.house, domain.label, attributes, identifier, begun)
    except RollcallError as problem:
        fail(problem)
        return
    begin_anew()
    st.session_state[SAVED] = (domain.id, saved.mapping_version)
    look_at(compare="")
    st.toast(f"Saved as version {saved.mapping_version}.", icon=":material/check:")
    st.rerun()


def draw_conflict(here: Here, domain: Domain, begun: Begun) -> None:
    """Somebody saved meanwhile, the mapping or its unique identifier: what that changes, and the ways on."""
    newer = workflow.newer_mapping(here.house, domain.label, begun)
    if not newer:
        return
    what = f"{escape(domain.mapping_by)} saved version {domain.mapping_version}"
    if domain.mapping_version == begun.version:
        what = "The unique identifier was changed in the settings"
    with st.container(border=True):
        st.warning(
            f"{what}; your draft began from version {begun.version}. "
            "Saving is refused until you have looked at the difference.",
            icon=":material/difference:",
        )
        for line in newer:
            st.text(line)
        label = "I have seen it: put my draft on top of it, which undoes these changes and brings back what was removed"
        if st.button(label, icon=":material/merge:", disabled=not here.may_prepare):
            draft = workflow.mapping_draft(here.house, domain.label)
            if draft:
                now = workflow.begun_from(domain)
                workflow.keep_mapping_draft(here.house, domain.label, *content_of(draft), now)
            begin_anew()
            st.rerun()


def draw_problems(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str, begun: Begun) -> None:
    found, missing = workflow.advise(here.house, domain.label, attributes, identifier)
    worst = [each for each in found if each.severity is not Severity.INFO]
    title = f"Problems ({len(worst)})" if worst else "No problems"
    with st.expander(title, expanded=bool(worst), icon=":material/rule:"):
        for each in found:
            about = f"**{escape(each.attribute)}**: " if each.attribute else ""
            colour, word = SEVERITY_COLOURS[each.severity], SEVERITY_WORDS[each.severity]
            st.markdown(f":{colour}-badge[{word}] {about}{escape(each.message)}")
        if missing and st.button(
            f"Add {len(missing)} suggested rows", icon=":material/playlist_add:", disabled=not here.may_prepare
        ):
            named = identifier or next((each.name for each in missing if each.name == "Employee ID"), "")
            workflow.keep_mapping_draft(here.house, domain.label, (*attributes, *missing), named, begun)
            begin_anew()
            st.rerun()


def draw_view(view: str, readable: bool) -> None:
    """Which columns the table shows. An edit that cannot be read is not kept, and would be lost on the way."""
    names = {word: label for word, (label, _) in mapping_table.VIEWS.items()}
    chosen = st.segmented_control(
        "Columns", list(names), default=view, format_func=names.__getitem__, key=f"view_{view}_{readable}",
        required=True, disabled=not readable, label_visibility="collapsed",
    )  # fmt: skip
    if chosen and chosen != view:
        look_at(columns="" if chosen == mapping_table.EVERYDAY else chosen)
        st.rerun()


def draw_reading(here: Here, domain: Domain) -> None:
    job = workflow.latest_job(here.house, domain.label, [JobKind.SAMPLE])
    busy = bool(job and job.open)
    if st.button("Read HiBob for this mapping", icon=":material/refresh:", disabled=busy or not here.may_prepare):
        workflow.ask(here.house, domain.label, JobKind.SAMPLE)
        st.rerun()
    jobs.show(here, job, "Reading a sample")


here = enter("Mapping", "Which HiBob column feeds which attribute of Skillcast. A saved mapping is a new version.")
domain = need_domain(here)
with guarded():
    conflict = st.container()
    view = st.query_params.get("columns", "")
    view = view if view in mapping_table.VIEWS else mapping_table.EVERYDAY
    above, picker = st.columns(SIDES, vertical_alignment="bottom")
    table, sample = st.columns(SIDES)
    with table:
        content, begun, readable = draw_editor(here, domain, view)
    with above:
        draw_view(view, readable)
    with picker:
        person = mapping_sample.pick(here, domain)
    with sample:
        mapping_sample.draw(here, domain, *content, person)
        draw_reading(here, domain)
    with conflict:
        draw_conflict(here, domain, begun)
    with table:
        draw_actions(here, domain, content, begun, readable)
    if readable:
        draw_problems(here, domain, *content, begun)
    changed = readable and content != content_of(in_force(domain))
    if mapping_versions.draw(here, domain, content if changed else None, begun):
        begin_anew()
        st.rerun()
