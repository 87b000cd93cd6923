"""Which HiBob column feeds which attribute: one editable table, tried on a person while it is edited."""

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError, SettingsError
from provisioning.model import Attribute, Domain, Severity
from provisioning.store.jobs import JobKind
from provisioning.web import jobs, mapping_table
from provisioning.web.frame import Here, enter, fail, guarded, link, need_domain
from provisioning.web.words import SEVERITY_COLOURS, SEVERITY_WORDS, ago, escape

# What the editor began from (domain id, version, content, frame), never its own output; what the store held when this
# tab last looked or wrote; how often the editor was begun anew; and the version saved here.
BASE, SEEN, TURN, SAVED = "mapping_base", "mapping_seen", "mapping_turn", "mapping_saved"
Content = tuple[tuple[Attribute, ...], str]


def begin_anew() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def editor_key(domain: Domain) -> str:
    return f"map_{domain.id}_{st.session_state.get(TURN, 0)}"


def in_force(domain: Domain) -> Content:
    return domain.attributes, domain.settings.unique_identifier or ""


def draw_editor(here: Here, domain: Domain) -> tuple[Content, int, bool]:
    """The table; what is edited is kept as a draft at once. Returns (content, version begun from, whether every cell
    can be read); where one cannot, the content is what was last kept."""
    draft = workflow.mapping_draft(here.house, domain.label)
    stored: tuple[Content, int] = (draft[:2], draft[2]) if draft else (in_force(domain), domain.mapping_version)
    if editor_key(domain) not in st.session_state or st.session_state.get(BASE, (0,))[0] != domain.id:
        begin_anew()
        content, version = stored
        st.session_state[BASE] = (domain.id, version, content, mapping_table.to_frame(*content))
        st.session_state[SEEN] = stored
    _, based_on, begun, frame = st.session_state[BASE]
    fields = workflow.fields_known(here.house, domain.label)
    written = [name for name in (*frame[mapping_table.FEED], *frame[mapping_table.FALLBACK]) if isinstance(name, str)]
    edited = mapping_table.edit(frame, fields, written, editor_key(domain), not here.may_prepare)
    try:
        content = mapping_table.from_frame(edited)
    except SettingsError as problem:
        fail(problem)
        return stored[0], based_on, False
    if stored != st.session_state[SEEN] and content in (begun, stored[0]):
        # Another tab or person wrote, and nothing was edited here: go on from what they wrote.
        begin_anew()
        st.rerun()
    if content != stored[0] and here.may_prepare:
        keep(here, domain, content, based_on)
    return content, based_on, True


def keep(here: Here, domain: Domain, content: Content, based_on: int) -> None:
    """As a draft; what is in force already needs none."""
    if (content, based_on) == (in_force(domain), domain.mapping_version):
        workflow.drop_mapping_draft(here.house, domain.label)
    else:
        workflow.keep_mapping_draft(here.house, domain.label, *content, based_on)
    st.session_state[SEEN] = (content, based_on)


def draw_actions(here: Here, domain: Domain, content: Content, based_on: int, readable: bool) -> None:
    changed = content != in_force(domain)
    may_save = changed and readable and here.may_prepare
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", type="primary", icon=":material/save:", disabled=not may_save):
            save(here, domain, *content, based_on)
        if st.button("Discard", icon=":material/undo:", disabled=not changed and readable):
            workflow.drop_mapping_draft(here.house, domain.label)
            begin_anew()
            st.rerun()
        if not readable:
            st.caption("Cannot be saved, nor kept as your draft, until every cell can be read")
        else:
            in_words = f"Version {domain.mapping_version} is in force"
            st.caption("Unsaved changes, kept as your draft" if changed else in_words)
    if st.session_state.get(SAVED) == (domain.id, domain.mapping_version) and not changed:
        link("pages/preview.py", "Make a preview with this mapping", ":material/preview:", here)


def save(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str, based_on: int) -> None:
    try:
        saved = workflow.save_mapping(here.house, domain.label, attributes, identifier, based_on)
    except RollcallError as problem:
        fail(problem)
        return
    begin_anew()
    st.session_state[SAVED] = (domain.id, saved.mapping_version)
    st.toast(f"Saved as version {saved.mapping_version}.", icon=":material/check:")
    st.rerun()


def draw_conflict(here: Here, domain: Domain, based_on: int) -> None:
    """Somebody else saved meanwhile: what their version changes, and the ways on."""
    if based_on == domain.mapping_version:
        return
    with st.container(border=True):
        st.warning(
            f"{escape(domain.mapping_by)} saved version {domain.mapping_version}; your draft began from version {based_on}. "
            "Saving is refused until you have looked at the difference.",
            icon=":material/difference:",
        )
        for line in workflow.newer_mapping(here.house, domain.label, based_on):
            st.text(line)
        label = "I have seen it: put my draft on top of it, which undoes these changes and brings back what was removed"
        if st.button(label, icon=":material/merge:"):
            draft = workflow.mapping_draft(here.house, domain.label)
            if draft:
                workflow.keep_mapping_draft(here.house, domain.label, draft[0], draft[1], domain.mapping_version)
            begin_anew()
            st.rerun()


def draw_problems(
    here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str, based_on: int
) -> None:
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
            workflow.keep_mapping_draft(here.house, domain.label, (*attributes, *missing), named, based_on)
            begin_anew()
            st.rerun()


def draw_sample(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str) -> None:
    st.subheader("Tried on a person", anchor=False)
    read = workflow.last_read(here.house, domain.label)
    job = workflow.latest_job(here.house, domain.label, [JobKind.SAMPLE])
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    busy = bool(job and job.open)
    if right.button("Read HiBob for this mapping", icon=":material/refresh:", disabled=busy or not here.may_prepare):
        workflow.ask(here.house, domain.label, JobKind.SAMPLE)
        st.rerun()
    jobs.show(here, job, "Reading a sample")
    if read is None:
        left.info("No sample was read yet. Reading one changes nothing.", icon=":material/info:")
        return
    with left:
        person = pick_person(here, domain)
    st.caption(f"HiBob was read {ago(read.evidence.read_at, here.house.clock())}: {read.evidence.employees:,} people.")
    rows = [
        {
            "Attribute": each.attribute,
            "Data feed name": each.column,
            "HiBob says": each.before,
            "Skillcast stores": each.after,
            "Filled": each.filled,
            "Not readable": each.unreadable or None,
            "Note": each.note,
        }
        for each in workflow.try_mapping(here.house, domain.label, attributes, identifier, person)
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        placeholder="",
        column_config={"Filled": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
        alt="Sample values of one person, before and after, and the share of people with a value",
    )


def pick_person(here: Here, domain: Domain) -> str | None:
    text = st.text_input("Find a person by name or e-mail", key=f"find_{domain.id}", icon=":material/search:")
    people = dict(workflow.people_read(here.house, domain.label, text))
    wanted = st.query_params.get("person")
    named = workflow.person_read(here.house, domain.label, wanted) if wanted and not text else None
    if named and wanted:
        people = {wanted: named} | people
    if not people:
        st.info("Nobody who was read is found by these words.", icon=":material/person_search:")
        return wanted
    keys = list(people)
    chosen = st.selectbox(
        "Person", keys, keys.index(wanted) if wanted in people else 0, format_func=lambda key: people[key],
        key=f"sample_{domain.id}_{wanted}",
    )  # fmt: skip
    if chosen and chosen != wanted:
        st.query_params["person"] = chosen
    return chosen


here = enter("Mapping", "Which HiBob column feeds which attribute of Skillcast. A saved mapping is a new version.")
domain = need_domain(here)
with guarded():
    above = st.container()
    content, based_on, readable = draw_editor(here, domain)
    with above:
        draw_conflict(here, domain, based_on)
    draw_actions(here, domain, content, based_on, readable)
    if readable:
        draw_problems(here, domain, *content, based_on)
    draw_sample(here, domain, *content)
