"""Which HiBob column feeds which attribute: one editable table, tried on a person while it is edited."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from provisioning.engine.advice import Advice, Trial
from provisioning.errors import RollcallError, SettingsError
from provisioning.model import Attribute, Domain, Field, Severity
from provisioning.web import (
    mapping_exchange,
    mapping_sample,
    mapping_suggestions,
    mapping_table,
    mapping_values,
    mapping_versions,
    next_step,
    standing,
)
from provisioning.web.address import in_grey, look_at, tabs
from provisioning.web.frame import Here, enter, fail, guarded, link, need_domain
from provisioning.web.words import SEVERITY_COLOURS, SEVERITY_WORDS, escape
from provisioning.workflow import connections, editing
from provisioning.workflow.editing import Begun, MappingDraft

# What the editor began from, never its own output; what the store held when this tab last looked or wrote; how often the
# editor was begun anew, and why where that is to be said; the version saved here; and the row whose bin was clicked.
BASE, SEEN, TURN, WHY = "mapping_base", "mapping_seen", "mapping_turn", "mapping_why"
SAVED, GONE = "mapping_saved", "mapping_gone"

ELSEWHERE = (
    "Your draft was changed in another tab meanwhile, and the table shows it as that tab left it. What you changed in "
    "this tab is not in it: Undo brings it back, and a second Undo what the other tab left."
)
FOLLOWED = (
    "The mapping or your draft of it was changed in another tab meanwhile, or by somebody else: the table shows it now. "
    "If you pressed a button just now, it did nothing: press it again if you still mean it."
)
FULL = (
    "The empty rows are filled. If you pasted more rows than stood empty, the rest was not taken: paste it again below, "
    "or all rows under Paste from Excel."
)

MORE = {"": "Values", "words": "In plain English", "paste": "Paste from Excel", "file": "File"}
Content = tuple[tuple[Attribute, ...], str]


@dataclass(frozen=True, slots=True)
class Said:
    """What the table says. Where `problem` says why a cell cannot be read, `content` is what was last kept."""

    begun: Begun
    content: Content
    rows: list[mapping_table.Row]
    problem: SettingsError | None = None


def begin_anew(why: str = "") -> None:
    """`why` is said beside the new editor. A bin that was clicked meant a row of the one until now."""
    st.session_state.pop(GONE, None)
    st.session_state[WHY] = why
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def editor_key(domain: Domain) -> str:
    return f"map_{domain.id}_{st.session_state.get(TURN, 0)}"


def in_force(domain: Domain) -> MappingDraft:
    return MappingDraft(domain.attributes, domain.settings.unique_identifier or "", editing.begun_from(domain))


def content_of(draft: MappingDraft) -> Content:
    return draft.attributes, draft.identifier


def read_editor(here: Here, domain: Domain, fields: Sequence[Field]) -> Said:
    """What the table says with what was typed into it; that is kept as a draft at once."""
    stored = editing.mapping_draft(here.house, domain.label) or in_force(domain)
    base = st.session_state.get(BASE)
    if editor_key(domain) not in st.session_state or base is None or base.of != domain.id:
        why = st.session_state.get(WHY, "")
        begin_anew()
        content = content_of(stored)
        base = mapping_table.Base(domain.id, stored.begun, content, tuple(mapping_table.rows_of(*content)), why)
        st.session_state[BASE], st.session_state[SEEN] = base, stored
    rows = mapping_table.edited(base.rows, st.session_state.get(editor_key(domain)), fields)
    try:
        content = mapping_table.from_rows(rows, stored.identifier)
    except SettingsError as problem:
        return Said(base.begun, content_of(stored), rows, problem)
    if stored != st.session_state[SEEN] and content in (base.content, content_of(stored)):
        # Another tab or person wrote, and nothing was edited here: go on from what they wrote. What was pressed was meant
        # for the table as it was.
        begin_anew(FOLLOWED)
        st.rerun()
    if content != content_of(stored):
        mine = MappingDraft(*content, base.begun)
        if stored not in (st.session_state[SEEN], in_force(domain)):
            # Another tab changed the draft too, and this one does not know how.
            remember(here, domain, stored, mine)
            begin_anew(ELSEWHERE)
            st.rerun()
        keep(here, domain, mine)
        remember(here, domain, stored)
    if mapping_table.outgrown(rows):
        begin_anew(FULL if len(content[0]) - len(stored.attributes) > 1 else "")
        st.rerun()
    return Said(base.begun, content, rows)


def remember(here: Here, domain: Domain, *left: MappingDraft) -> None:
    """What an edit leaves behind, for whoever wants it back."""
    editing.keep_mapping_past(here.house, domain.label, (*editing.mapping_past(here.house, domain.label), *left))


def undo(here: Here, domain: Domain, past: Sequence[MappingDraft]) -> None:
    """Back to what the draft said before the last edit."""
    editing.keep_mapping_past(here.house, domain.label, past[:-1])
    keep(here, domain, past[-1])
    begin_anew()
    st.rerun()


def click_bin(key: str) -> None:
    st.session_state[GONE] = st.session_state[key]["row"]


def drop_row(here: Here, domain: Domain, said: Said) -> None:
    """The attribute whose bin was clicked leaves the draft; Undo brings it back."""
    row = st.session_state.pop(GONE, None)
    if row is None or row >= len(said.rows) or said.problem:
        return
    rest = [each for number, each in enumerate(said.rows) if number != row]
    take(here, domain, said.content, mapping_table.from_rows(rest, said.content[1]), said.begun)


def take(here: Here, domain: Domain, before: Content, content: Content | None, begun: Begun) -> None:
    """Into the draft, what was suggested, pasted or read from a file; nothing where nothing was taken."""
    if content is None:
        return
    keep(here, domain, MappingDraft(*content, begun))
    remember(here, domain, MappingDraft(*before, begun))
    begin_anew()
    st.rerun()


def keep(here: Here, domain: Domain, draft: MappingDraft) -> None:
    """As a draft; what is in force already needs none."""
    # First, for the next click may end this run wherever it touches the session: what was stored and not seen would pass
    # for another tab's.
    st.session_state[SEEN] = draft
    if draft == in_force(domain):
        editing.drop_mapping_draft(here.house, domain.label)
    else:
        editing.keep_mapping_draft(here.house, domain.label, *content_of(draft), draft.begun)


def draw_buttons(here: Here, domain: Domain, said: Said) -> None:
    content, readable = said.content, said.problem is None
    changed = content != content_of(in_force(domain))
    blocks = (
        [each for each in problems(here, content) if each.severity is Severity.BLOCK] if changed and readable else []
    )
    if blocks:
        with st.popover("Save …", icon=":material/save:"):
            st.markdown("With this mapping **no preview can be made**:")
            for each in blocks:
                st.markdown(f"- {escape(each.message)}")
            if st.button("Save all the same", icon=":material/save:"):
                save(here, domain, *content, said.begun)
    elif st.button("Save", type="primary", icon=":material/save:", disabled=not (changed and readable)):
        save(here, domain, *content, said.begun)
    stale = said.begun != editing.begun_from(domain)
    if st.button("Discard", icon=":material/delete:", disabled=not changed and readable and not stale):
        if changed:
            remember(here, domain, MappingDraft(*content, said.begun))
        editing.drop_mapping_draft(here.house, domain.label)
        begin_anew()
        st.rerun()
    past = editing.mapping_past(here.house, domain.label)
    edits = "the only edit" if len(past) == 1 else f"the last of {len(past)} edits"
    told = f"Takes back {edits} since the mapping was saved." if past else "Takes back edits."
    if st.button("Undo", icon=":material/undo:", disabled=not (past and readable), help=told):
        undo(here, domain, past)


def draw_state(here: Here, domain: Domain, said: Said) -> None:
    """What is in force, or what the draft would change; in the row of the buttons."""
    changed = said.content != content_of(in_force(domain))
    if said.problem:
        st.caption("Cannot be saved, nor kept as your draft, until every cell can be read", width="content")
        fail(said.problem)
    elif changed:
        st.caption(f"Unsaved changes, kept as your draft{standing.lapses_by_saving(here)}", width="content")
        mapping_versions.headline(here, domain, said.content)
    else:
        never = domain.mapping_version == 1 and not domain.attributes
        st.caption(
            "Nothing is saved yet" if never else f"Version {domain.mapping_version} is in force", width="content"
        )


def draw_way_on(here: Here, domain: Domain, said: Said) -> None:
    changed = said.content != content_of(in_force(domain))
    if st.session_state.get(SAVED) == (domain.id, domain.mapping_version) and not changed:
        link("pages/preview.py", "Make a preview with this mapping", ":material/preview:", here)


def save(here: Here, domain: Domain, attributes: tuple[Attribute, ...], identifier: str, begun: Begun) -> None:
    try:
        saved = editing.save_mapping(here.house, domain.label, attributes, identifier, begun)
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
    newer = editing.newer_mapping(here.house, domain.label, begun)
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
        if st.button(label, icon=":material/merge:"):
            draft = editing.mapping_draft(here.house, domain.label)
            if draft:
                now = editing.begun_from(domain)
                editing.keep_mapping_draft(here.house, domain.label, *content_of(draft), now)
            begin_anew()
            st.rerun()


def problems(here: Here, content: Content) -> tuple[Advice, ...]:
    return editing.advise(here.house, here.label, *content)


def draw_problems(here: Here, domain: Domain, content: Content, tried: Sequence[Trial]) -> None:
    """Nothing where nothing is mapped yet: the suggestions are the way on."""
    if not content[0]:
        return
    found = problems(here, content)
    worst = sum(each.severity is not Severity.INFO for each in found) + sum(each.unreadable > 0 for each in tried)
    title = f"Problems ({worst})" if worst else "No problems"
    if not found and not worst:
        st.caption(f":material/rule: {title}")
        return
    with st.expander(title, expanded=bool(worst), icon=":material/rule:"):
        mapping_sample.draw_unreadable(here, domain, tried)
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


def draw_table(
    here: Here, domain: Domain, said: Said, fields: Sequence[Field], view: str, person: str | None
) -> tuple[Trial, ...]:
    """The table, with this person's values in it. Returns what their read shows of each attribute."""
    tried = mapping_sample.values(here, domain, *said.content, person)
    table = mapping_table.Table(
        st.session_state[BASE].rows, said.rows, {each.attribute: each for each in tried}, fields
    )
    mapping_table.edit(table, editor_key(domain), view, click_bin)
    if st.session_state[BASE].why:
        st.warning(st.session_state[BASE].why, icon=":material/info:")
    st.caption(
        f"New attributes go into the {mapping_table.SPARE} empty rows. More at once go through Paste from Excel, below."
    )
    mapping_sample.told(here, domain, tried, mapping_table.in_full(table, view))
    return tried


def draw_more(here: Here, domain: Domain, content: Content, begun: Begun, changed: bool) -> None:
    """What one does beside the table: value tables, a text to sign off, rows pasted, files."""
    values, words, paste, file = tabs("more", MORE)
    with values:
        take(here, domain, content, mapping_values.draw(here, domain, content), begun)
    with words:
        mapping_exchange.words(here, domain, content, changed)
    with paste:
        take(here, domain, content, mapping_exchange.paste(here, domain, content), begun)
    with file:
        take(here, domain, content, mapping_exchange.file(here, domain, content), begun)


def draw_editor(here: Here, domain: Domain, fields: Sequence[Field], view: str) -> None:
    said = read_editor(here, domain, fields)
    drop_row(here, domain, said)
    draw_conflict(here, domain, said.begun)
    mapping_values.draw_new(here, domain)
    person = mapping_sample.pick(here, domain)
    if said.problem is None:
        take(here, domain, said.content, mapping_suggestions.draw(here, domain, said.content, person), said.begun)
    with st.container(horizontal=True, vertical_alignment="center"):
        draw_view(view, said.problem is None)
        draw_buttons(here, domain, said)
        draw_state(here, domain, said)
    tried = draw_table(here, domain, said, fields, view, person)
    draw_way_on(here, domain, said)
    changed = said.problem is None and said.content != content_of(in_force(domain))
    if said.problem is None:
        draw_problems(here, domain, said.content, tried)
        draw_more(here, domain, said.content, said.begun, changed)
    if mapping_versions.draw(here, domain, said.content if changed else None, said.begun):
        begin_anew()
        st.rerun()


def draw_to_read(here: Here, domain: Domain, fields: Sequence[Field], view: str) -> None:
    """What is in force, for whoever changes nothing."""
    content = content_of(in_force(domain))
    if not content[0]:
        st.info("Nothing is mapped yet.", icon=":material/info:")
        return
    mapping_values.draw_new(here, domain)
    person = mapping_sample.pick(here, domain)
    with st.container(horizontal=True, vertical_alignment="center"):
        draw_view(view, readable=True)
        st.caption(f"Version {domain.mapping_version} is in force", width="content")
    tried = mapping_sample.values(here, domain, *content, person)
    rows = mapping_table.rows_of(*content, spare=0)
    table = mapping_table.Table(rows, rows, {each.attribute: each for each in tried}, fields)
    mapping_table.show(table, view)
    mapping_sample.told(here, domain, tried, mapping_table.in_full(table, view))
    draw_problems(here, domain, content, tried)
    values, words, file = tabs("more", {name: label for name, label in MORE.items() if name != "paste"})
    with values:
        mapping_values.draw(here, domain, content)
    with words:
        mapping_exchange.words(here, domain, content, draft=False)
    with file:
        mapping_exchange.hand_out(here, domain, content)
    mapping_versions.draw(here, domain, None, editing.begun_from(domain))


here = enter(
    "Mapping",
    "Which HiBob column feeds which attribute of Skillcast: its data feed name. A saved mapping is a new version.",
)
domain = need_domain(here)
with guarded():
    next_step.draw(here, "mapping")
    view = st.query_params.get("columns", "")
    view = view if view in mapping_table.VIEWS else mapping_table.EVERYDAY
    fields = connections.fields_known(here.house, domain.label)
    draw = draw_editor if here.may_prepare else draw_to_read
    draw(here, domain, fields, view)
