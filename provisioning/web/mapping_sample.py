"""The person whose values stand in the rows of the mapping, and what their read of HiBob shows of everybody's. Which person
stands in the address."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from provisioning.engine.advice import Trial
from provisioning.model import Attribute, AttributeType, Domain, Severity
from provisioning.store.jobs import Job, JobKind, JobState
from provisioning.web import jobs
from provisioning.web.frame import Here, link
from provisioning.web.words import SEVERITY_COLOURS, SEVERITY_WORDS, ago, escape, people
from provisioning.workflow import asking, connections, editing

MOST_FOUND, MOST_REASONS = 300, 3
"""So many people are offered, and so many reasons told why values cannot be read."""


def pick(here: Here, domain: Domain) -> str | None:
    """The person whose values are shown (their key): the one in the address, changed only by choosing somebody. An
    unknown one is said and stays there; without any, the first of the read is taken."""
    if connections.last_read(here.house, domain.label) is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            todo = "To see a person’s values in these rows, read HiBob once. It changes nothing."
            st.caption(todo if here.may_prepare else "HiBob was not read yet: no values to show.", width="content")
            job = _read_button(here, domain)
        _show(here, job)
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Find a person by name or e-mail", key=f"find_{domain.id}", icon=":material/search:", width=240,
            label_visibility="collapsed", placeholder="Find by name or e-mail",
        )  # fmt: skip
        found = dict(editing.people_read(here.house, domain.label, text, most=MOST_FOUND))
        cut = len(found) == MOST_FOUND
        wanted = st.query_params.get("person")
        named = editing.person_read(here.house, domain.label, wanted) if wanted else None
        if named and wanted and not text:
            found = {wanted: named} | found
        keys = list(found)
        chosen = st.selectbox(
            "Person", keys, keys.index(wanted) if wanted in found else None if wanted or not keys else 0,
            format_func=found.__getitem__, key=f"sample_{domain.id}_{wanted}_{text}", label_visibility="collapsed",
            placeholder=f"Choose from {'the first ' if cut else ''}{len(keys):,} found" if keys else "Nobody found",
        )  # fmt: skip
        job = _read_button(here, domain)
    _show(here, job)
    if chosen and chosen != wanted:
        st.query_params["person"] = chosen
    if not keys:
        st.info("Nobody who was read is found by these words.", icon=":material/person_search:")
    if wanted and not named and not chosen:
        st.warning(
            f"Nobody in the last read has the key “{escape(wanted[:80])}” that the address names. Choose a person.",
            icon=":material/person_off:",
        )
    return chosen or (wanted if named else None)


def _read_button(here: Here, domain: Domain) -> Job | None:
    job = asking.latest_job(here.house, domain.label, [JobKind.SAMPLE])
    busy = bool(job and job.open)
    if here.may_prepare and st.button(
        "Read HiBob for this mapping", icon=":material/refresh:", key="read_hibob", disabled=busy
    ):
        asking.ask(here.house, domain.label, JobKind.SAMPLE)
        st.rerun()
    return job


def _show(here: Here, job: Job | None) -> None:
    jobs.show(here, job, "Reading a sample")
    if job and job.state is JobState.FAILED and here.may_prepare:
        link("pages/connect.py", "Look at the connection", ":material/cable:", here)


def values(
    here: Here, domain: Domain, attributes: Sequence[Attribute], identifier: str, person: str | None
) -> tuple[Trial, ...]:
    """What the newest read shows of each attribute, of this person by their key; whoever is referred to by name too."""
    tried = editing.try_mapping(here.house, domain.label, attributes, identifier, person)
    users = {each.name for each in attributes if each.type is AttributeType.USER}
    return tuple(_named(here, domain, each) if each.attribute in users else each for each in tried)


def _named(here: Here, domain: Domain, tried: Trial) -> Trial:
    who = editing.person_read(here.house, domain.label, tried.before) if tried.before else None
    return replace(tried, before=f"{who.split(' · ')[0]} · {_end(tried.before)}") if who else tried


def _end(identifier: str) -> str:
    """A long id by its end, so that it has room beside a name; what the user gets of it stands beside it in full."""
    return identifier if len(identifier) <= 8 else f"…{identifier[-6:]}"


def told(here: Here, domain: Domain, tried: Sequence[Trial], cut: str) -> None:
    """Whose values, of when, and which columns are still to be read; and in full what had no room in the table."""
    if cut:
        st.caption(escape(f"In full: {cut}"))
    read = connections.last_read(here.house, domain.label)
    if read is None:
        return
    words = [f"HiBob was read {ago(read.read_at, here.house.clock())}: {people(read.employees)}."]
    if read.employees > MOST_FOUND:
        words.append(f"The first {MOST_FOUND:,} are offered here; others are found by name or e-mail.")
    unread = [each.attribute for each in tried if each.column and each.filled is None]
    if unread:
        words.append(f"Not read yet: {', '.join(unread)}.")
    st.caption(escape(" ".join(words)))


def unreadable_in_words(reasons: Sequence[tuple[str, int]]) -> str:
    """“tbc” is not a date (YYYY-MM-DD): 1 person; “31/02/2026” …: 1 person; and 4 other values."""
    told = [f"{why}: {people(count)}" for why, count in reasons[:MOST_REASONS]]
    more = len(reasons) - MOST_REASONS
    if more > 0:
        told.append(f"and {more:,} other {'value' if more == 1 else 'values'}")
    return f"{'; '.join(told)}."


def draw_unreadable(here: Here, domain: Domain, tried: Sequence[Trial]) -> None:
    """Values that cannot be read as their attribute's type: how many, the first of them, and the people who have them."""
    for each in tried:
        if not each.unreadable:
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            colour, word = SEVERITY_COLOURS[Severity.WARN], SEVERITY_WORDS[Severity.WARN]
            st.markdown(
                f":{colour}-badge[{word}] {escape(each.attribute)}: {people(each.unreadable)} would be held back. "
                f"{escape(unreadable_in_words(each.reasons))}",
                width="content",
            )
            for key, _ in each.examples:
                name = (editing.person_read(here.house, domain.label, key) or key).split(" · ")[0]
                link("pages/mapping.py", name, ":material/person:", here, person=key)
