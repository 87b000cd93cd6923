"""Which HiBob column feeds which attribute: one editable table, tried on a person while it is edited."""

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError
from provisioning.model import Attribute, Domain, Severity
from provisioning.store.jobs import JobKind
from provisioning.web import jobs, mapping_table
from provisioning.web.frame import Here, enter, fail, guarded, need_domain
from provisioning.web.words import SEVERITY_COLOURS, SEVERITY_WORDS, ago, escape

# What the editor began from, and how often it was begun anew: never its own output.
BASE, TURN = "mapping_base", "mapping_turn"


def begin_anew() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def editor_key(domain: Domain) -> str:
    return f"map_{domain.id}_{st.session_state.get(TURN, 0)}"


def draw_editor(here: Here, domain: Domain) -> tuple[tuple[Attribute, ...], str, int]:
    """The table; what is edited is kept as a draft at once. Returns (attributes, identifier, version begun from)."""
    draft = workflow.mapping_draft(here.house, domain.label)
    based_on = draft[2] if draft else domain.mapping_version
    if editor_key(domain) not in st.session_state or st.session_state.get(BASE, (0,))[0] != domain.id:
        begin_anew()
        saved = (domain.attributes, domain.settings.unique_identifier or "")
        st.session_state[BASE] = (domain.id, mapping_table.to_frame(*(draft[:2] if draft else saved)))
    frame: pd.DataFrame = st.session_state[BASE][1]
    fields = workflow.fields_known(here.house, domain.label)
    written = [name for name in (*frame[mapping_table.FEED], *frame[mapping_table.FALLBACK]) if isinstance(name, str)]
    edited = mapping_table.edit(frame, fields, written, editor_key(domain), not here.may_prepare)
    attributes, identifier = mapping_table.from_frame(edited)
    now = draft[:2] if draft else (domain.attributes, domain.settings.unique_identifier or "")
    if (attributes, identifier) != now and here.may_prepare:
        workflow.keep_mapping_draft(here.house, domain.label, attributes, identifier, based_on)
    return attributes, identifier, based_on


def draw_actions(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str, based_on: int) -> None:
    changed = (attributes, identifier) != (domain.attributes, domain.settings.unique_identifier or "")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", type="primary", icon=":material/save:", disabled=not (changed and here.may_prepare)):
            save(here, domain, attributes, identifier, based_on)
        if st.button("Discard", icon=":material/undo:", disabled=not changed):
            workflow.drop_mapping_draft(here.house, domain.label)
            begin_anew()
            st.rerun()
        state = "Unsaved changes, kept as your draft" if changed else f"Version {domain.mapping_version} is in force"
        st.caption(state)


def save(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str, based_on: int) -> None:
    try:
        saved = workflow.save_mapping(here.house, domain.label, attributes, identifier, based_on)
    except RollcallError as problem:
        fail(problem)
        return
    begin_anew()
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
        if st.button("I have seen it: put my draft on top of it", icon=":material/merge:"):
            draft = workflow.mapping_draft(here.house, domain.label)
            if draft:
                workflow.keep_mapping_draft(here.house, domain.label, draft[0], draft[1], domain.mapping_version)
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
        left.info("HiBob has not been read yet. Reading a sample changes nothing.", icon=":material/info:")
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
    people = dict(workflow.people_read(here.house, domain.label))
    wanted = st.query_params.get("person")
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
    attributes, identifier, based_on = draw_editor(here, domain)
    with above:
        draw_conflict(here, domain, based_on)
    draw_actions(here, domain, attributes, identifier, based_on)
    draw_problems(here, domain, attributes, identifier, based_on)
    draw_sample(here, domain, attributes, identifier)
