"""Which HiBob column feeds which attribute: one editable table, tried on a person while it is edited."""

import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError, SettingsError
from provisioning.model import Attribute, Domain, Severity
from provisioning.store.jobs import JobKind
from provisioning.web import (
    jobs,
    mapping_exchange,
    mapping_sample,
    mapping_suggestions,
    mapping_table,
    mapping_values,
    mapping_versions,
    next_step,
)
from provisioning.web.address import in_grey, look_at, tabs
from provisioning.web.frame import Here, enter, fail, guarded, link, need_domain
from provisioning.web.words import SEVERITY_COLOURS, SEVERITY_WORDS, escape
from provisioning.workflow import Begun, MappingDraft

# What the editor began from (domain id, begun, content, frame, what it offers), never its own output; what the store
# held when this tab last looked or wrote; how often the editor was begun anew; the version saved here; and what the draft
# said before each of the last edits, as (domain id, content).
BASE, SEEN, TURN, SAVED = "mapping_base", "mapping_seen", "mapping_turn", "mapping_saved"
UNDO = "mapping_undo"
MOST_UNDO = 50
TABLE_WIDTH, SAMPLE_WIDTH = 637, 340
"""Side by side where there is room, one below the other where not."""

MORE = {"": "Values", "words": "In plain English", "paste": "Paste from Excel", "file": "File"}
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
        remember(domain, content_of(stored))
        keep(here, domain, content, begun)
    if mapping_table.ticked(edited) > 1:
        # The tick that was moved: the table is shown anew with exactly one.
        begin_anew()
        st.rerun()
    return content, begun, True


def remember(domain: Domain, content: Content) -> None:
    """What an edit leaves behind, for whoever wants it back."""
    st.session_state[UNDO] = [*st.session_state.get(UNDO, []), (domain.id, content)][-MOST_UNDO:]


def remembered(domain: Domain) -> list[tuple[int, Content]]:
    return [each for each in st.session_state.get(UNDO, []) if each[0] == domain.id]


def undo(here: Here, domain: Domain, begun: Begun) -> None:
    """Back to what the draft said before the last edit."""
    past = remembered(domain)
    others = [each for each in st.session_state[UNDO] if each[0] != domain.id]
    st.session_state[UNDO] = [*others, *past[:-1]]
    keep(here, domain, past[-1][1], begun)
    begin_anew()
    st.rerun()


def take(here: Here, domain: Domain, before: Content, content: Content | None, begun: Begun) -> None:
    """Into the draft, what was suggested, pasted or read from a file; nothing where nothing was taken."""
    if content is None:
        return
    remember(domain, before)
    keep(here, domain, content, begun)
    begin_anew()
    st.rerun()


def keep(here: Here, domain: Domain, content: Content, begun: Begun) -> None:
    """As a draft; what is in force already needs none."""
    draft = MappingDraft(*content, begun)
    if draft == in_force(domain):
        workflow.drop_mapping_draft(here.house, domain.label)
    else:
        workflow.keep_mapping_draft(here.house, domain.label, *content, begun)
    st.session_state[SEEN] = draft


def draw_buttons(here: Here, domain: Domain, content: Content, begun: Begun, readable: bool) -> None:
    changed = content != content_of(in_force(domain))
    if st.button(
        "Save", type="primary", icon=":material/save:", disabled=not (changed and readable and here.may_prepare)
    ):
        save(here, domain, *content, begun)
    stale = begun != workflow.begun_from(domain)
    if st.button("Discard", icon=":material/delete:", disabled=not changed and readable and not stale):
        remember(domain, content)
        workflow.drop_mapping_draft(here.house, domain.label)
        begin_anew()
        st.rerun()
    past = len(remembered(domain))
    told = f"Takes back the last of {past} edits made on this page." if past else "Takes back edits made on this page."
    usable = past > 0 and readable and here.may_prepare
    if st.button("Undo", icon=":material/undo:", disabled=not usable, help=told):
        undo(here, domain, begun)


def draw_state(here: Here, domain: Domain, content: Content, readable: bool) -> None:
    """What is in force, or what the draft would change."""
    changed = content != content_of(in_force(domain))
    with st.container(horizontal=True, vertical_alignment="center"):
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


def draw_problems(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str) -> None:
    found = workflow.advise(here.house, domain.label, attributes, identifier)
    worst = [each for each in found if each.severity is not Severity.INFO]
    title = f"Problems ({len(worst)})" if worst else "No problems"
    with st.expander(title, expanded=bool(worst), icon=":material/rule:"):
        for each in found:
            about = f"**{escape(each.attribute)}**: " if each.attribute else ""
            colour, word = SEVERITY_COLOURS[each.severity], SEVERITY_WORDS[each.severity]
            st.markdown(f":{colour}-badge[{word}] {about}{escape(each.message)}")


def draw_view(view: str, readable: bool) -> None:
    """Which columns the table shows. An edit that cannot be read is not kept, and would be lost on the way."""
    names = {word: label for word, (label, _) in mapping_table.VIEWS.items()}
    chosen = st.segmented_control(
        "Columns", list(names), default=view, format_func=lambda each: in_grey(names[each]), key=f"view_{view}_{readable}",
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


def draw_more(here: Here, domain: Domain, content: Content, begun: Begun, changed: bool) -> None:
    """What one does beside the table: value tables, a text to sign off, rows pasted, files."""
    values, words, paste, file = tabs("more", MORE)
    with values:
        key = f"{domain.id}_{st.session_state.get(TURN, 0)}"
        take(here, domain, content, mapping_values.draw(here, domain, content, key), begun)
    with words:
        mapping_exchange.words(here, domain, content, changed)
    with paste:
        take(here, domain, content, mapping_exchange.paste(here, domain, content), begun)
    with file:
        take(here, domain, content, mapping_exchange.file(here, domain, content), begun)


here = enter("Mapping", "Which HiBob column feeds which attribute of Skillcast. A saved mapping is a new version.")
domain = need_domain(here)
with guarded():
    next_step.draw(here, "mapping")
    conflict = st.container()
    view = st.query_params.get("columns", "")
    view = view if view in mapping_table.VIEWS else mapping_table.EVERYDAY
    suggested = st.container()
    row = st.container(horizontal=view != "all")
    table = row.container(width=TABLE_WIDTH if view != "all" else "stretch")
    sample = row.container(width=SAMPLE_WIDTH if view != "all" else "stretch")
    above = table.container(horizontal=True, vertical_alignment="center")
    with table:
        content, begun, readable = draw_editor(here, domain, view)
    with above:
        draw_view(view, readable)
        draw_buttons(here, domain, content, begun, readable)
    with table:
        draw_state(here, domain, content, readable)
    with sample:
        person = mapping_sample.pick(here, domain)
        mapping_sample.draw(here, domain, *content, person)
        draw_reading(here, domain)
    with conflict:
        draw_conflict(here, domain, begun)
        mapping_values.draw_new(here, domain)
    changed = readable and content != content_of(in_force(domain))
    if readable:
        with suggested:
            take(here, domain, content, mapping_suggestions.draw(here, domain, content), begun)
        draw_problems(here, domain, *content)
        draw_more(here, domain, content, begun, changed)
    if mapping_versions.draw(here, domain, content if changed else None, begun):
        begin_anew()
        st.rerun()
