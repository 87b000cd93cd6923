"""The parts of the settings page: each draws one group of settings and returns what it now says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from provisioning.engine.lifecycle import DEFAULTS
from provisioning.engine.mapping_rows import list_text, parse_list
from provisioning.engine.transforms import status_key
from provisioning.errors import RollcallError, SettingsError
from provisioning.model import (
    Domain,
    Lifecycle,
    Limits,
    Meaning,
    Protection,
    ScopeRule,
    Settings,
)
from provisioning.report.settings import ABSENCE, LIMITS
from provisioning.web.frame import Here, fail
from provisioning.web.mapping_table import called
from provisioning.web.parts import either, first
from provisioning.web.words import ago, escape, people
from provisioning.workflow import editing
from provisioning.workflow.connections import connections_seen, fields_known, last_read

INCLUDE, EXCLUDE = "Include", "Exclude"
STATUSES = {
    "employed": "Employed",
    "hired": "Hired",
    "leave": "Leave",
    "parentalleave": "Parental leave",
    "gardenleave": "Garden leave",
    "terminated": "Terminated",
}
MEANINGS = {Meaning.LIVE: "Live", Meaning.ARCHIVED: "Archived", Meaning.LEAVE_AS_IS: "Leave as is"}


def begun(key: str) -> bool:
    """Whether the form of this key is on the page already: its widgets hold what somebody entered."""
    return f"two_{key}" in st.session_state


def scope(here: Here, domain: Domain, base: Settings, key: str) -> tuple[ScopeRule, ...]:
    """Rules with a live count and the names; saving a scope never runs anything."""
    left, right = st.columns([5, 2], gap="medium")
    with left:
        st.caption(
            "Whom the domain takes from HiBob: everybody, unless a rule says otherwise. “Include” takes only those whom it fits, "
            "“Exclude” leaves out those whom it fits. For example “Include · Site · London; Dublin” takes two sites, and “Exclude · Employment type · Contractor” leaves out contractors."
        )
        names = called(fields_known(here.house, domain.label))
        options = [*[rule.column for rule in base.scope if rule.column not in names], *names]
        edited = st.data_editor(
            scope_rows(base), key=f"scope_{key}", num_rows="dynamic", hide_index=True, placeholder="",
            column_config={
                "Rule": st.column_config.SelectboxColumn(width=either(90, 84), options=[INCLUDE, EXCLUDE], required=True, default=INCLUDE),
                "HiBob column": st.column_config.SelectboxColumn(
                    width=either(250, 128), options=options, required=True, format_func=lambda each: names.get(str(each), str(each))
                ),
                "Is one of": st.column_config.TextColumn(required=True, width=either(220, 110), help="Values, with semicolons."),
            },
            alt="Scope rules",
        )  # fmt: skip
        rules = tuple(
            _rule(number, row) for number, row in enumerate(edited.to_dict("records"), 1) if _said(row["HiBob column"])
        )
    with right:
        scope_count(here, domain, rules)
    return rules


def scope_rows(base: Settings) -> pd.DataFrame:
    rows = [
        {"Rule": INCLUDE if e.include else EXCLUDE, "HiBob column": e.column, "Is one of": list_text(e.values)}
        for e in base.scope
    ]
    return pd.DataFrame(rows, columns=["Rule", "HiBob column", "Is one of"], dtype="object")


def _said(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _rule(number: int, row: Mapping[str, object]) -> ScopeRule:
    return ScopeRule(row["Rule"] != EXCLUDE, _said(row["HiBob column"]), _values(number, row))


def _values(number: int, row: Mapping[str, object]) -> tuple[str, ...]:
    try:
        values = parse_list(_said(row["Is one of"]))
    except SettingsError as problem:
        raise SettingsError(f"Row {number}, Is one of: {problem}") from None
    if not values:
        raise SettingsError(f"Row {number}, Is one of: write at least one value.")
    return values


def scope_count(here: Here, domain: Domain, rules: Sequence[ScopeRule]) -> None:
    try:
        found = editing.try_scope(here.house, domain.label, rules)
    except RollcallError as problem:
        fail(problem)
        return
    read = last_read(here.house, domain.label)
    if found is None or read is None:
        st.info("No sample was read yet; after the first preview this counts live.", icon=":material/info:")
        return
    st.metric("Employees in this scope", f"{found.inside:,} of {found.people:,}", border=True)
    for column in found.unread:
        st.warning("A column of these rules was not read yet; its rules are not counted.", icon=":material/sync:")
        st.text(column)
    with st.expander(f"Their names ({people(found.inside)})", icon=":material/group:"):
        st.dataframe(pd.DataFrame({"Name": found.names}), hide_index=True, height=280, alt="Employees in this scope")
        first(len(found.names), found.inside)
    st.caption(f"HiBob was read {ago(read.read_at, here.house.clock())}.")


def identity(here: Here, domain: Domain, base: Settings, key: str) -> Settings:
    left, right = st.columns(2, gap="large")
    fed = ["", *(each.name for each in domain.attributes if each.data_feed_name)]
    connections = ["", *(each.connection.name for each in connections_seen(here.house, domain.customer))]
    with left:
        identifier = st.selectbox(
            "Unique identifier", fed, _place(fed, base.unique_identifier), key=f"identifier_{key}",
            format_func=lambda name: name or "(none)", help="What no two users share, fed by HiBob.",
        )  # fmt: skip
        connection = st.selectbox(
            "Connection", connections, _place(connections, base.connection), key=f"connection_{key}",
            format_func=lambda name: name or "(the customer’s only one)",
        )  # fmt: skip
        two = st.toggle(
            "Two people",
            bool(base.two_people),
            key=f"two_{key}",
            help="Whoever made the mapping or asked for the preview cannot be the one to approve it.",
        )
        many = st.number_input(
            "From this many changes on", 1, None, int(base.two_people) or 1, key=f"two_from_{key}", disabled=not two,
        )  # fmt: skip
    with right:
        who = list(ABSENCE)
        absence = st.radio(
            "Whom absence from HiBob may archive", who, who.index(base.absence_archives), key=f"absence_{key}",
            format_func=ABSENCE.__getitem__,
        )  # fmt: skip
        reads = st.number_input(
            "After being absent in this many complete reads", 1, 30, base.absent_reads, key=f"reads_{key}",
            help="Reads count when they are at least 12 hours apart.",
        )  # fmt: skip
    return replace(
        base,
        unique_identifier=identifier or None,
        connection=connection or None,
        two_people=two and (int(many) if many > 1 else True),
        absence_archives=absence,
        absent_reads=int(reads),
    )


def _place(options: list[str], value: str | None) -> int:
    return options.index(value) if value in options else 0


def lifecycle(here: Here, domain: Domain, base: Lifecycle, key: str) -> Lifecycle:
    """What each of HiBob's statuses means; those that differ from the defaults are kept by name. Beside it, which occur."""
    st.caption(LEFT_AS_IS)
    left, right = st.columns([3, 2], gap="large")
    # Rows must stay where they are while somebody edits them, whatever is read meanwhile.
    new = st.session_state.setdefault(f"statuses_{key}", _unnamed(here, domain, base))
    if new:
        names, first = ", ".join(f"“{each}”" for each in new), "row" if len(new) == 1 else "rows"
        left.warning(
            f"HiBob has {escape(names)}, of which the table says nothing yet: left as is. Choose what it means in the first {first}.",
            icon=":material/help:",
        )
    edited = left.data_editor(
        lifecycle_rows(base, new), key=f"lifecycle_{key}", num_rows="dynamic", hide_index=True, placeholder="", height="content",
        column_config={
            "Lifecycle status": st.column_config.TextColumn(width=either(None, 160), required=True, help="As HiBob writes it; add your own leaves."),
            "Means": st.column_config.SelectboxColumn(
                width=either(None, 162), options=list(MEANINGS.values()), required=True, default=MEANINGS[Meaning.LEAVE_AS_IS]
            ),
        },
        alt="What each lifecycle status means",
    )  # fmt: skip
    days = right.number_input(
        "Add the hired this many days before they start", 0, 3650, base.wait_until_days_before_start, key=f"days_{key}"
    )
    right.caption(
        "Until then they are held back as future starters. Whoever is on garden leave is live until the last day of work."
    )
    said = Lifecycle(_meanings(edited, _named(base)), int(days))
    with right:
        statuses(here, domain, said)
    return said


LEFT_AS_IS = "Leave as is: the status stays, attributes of live users are still updated, and nobody is added."


def _unnamed(here: Here, domain: Domain, base: Lifecycle) -> tuple[str, ...]:
    """The statuses of the newest read of which the table says nothing, each once."""
    found = editing.try_lifecycle(here.house, domain.label, base)
    return tuple({status_key(each.status): each.status for each in found if not each.known}.values())


def lifecycle_rows(base: Lifecycle, new: Sequence[str] = ()) -> pd.DataFrame:
    """`new`: statuses that are named, for somebody to say what they mean."""
    named = _named(base)
    rows: list[dict[str, str | None]] = [{"Lifecycle status": each, "Means": None} for each in new]
    rows += [
        {"Lifecycle status": words, "Means": MEANINGS[named[each][1] if each in named else DEFAULTS[each]]}
        for each, words in STATUSES.items()
    ]
    rows += [{"Lifecycle status": s, "Means": MEANINGS[m]} for each, (s, m) in named.items() if each not in STATUSES]
    return pd.DataFrame(rows, dtype="object")


def _named(base: Lifecycle) -> dict[str, tuple[str, Meaning]]:
    return {status_key(status): (status, meaning) for status, meaning in base.meanings}


def statuses(here: Here, domain: Domain, said: Lifecycle) -> None:
    """The statuses that people have in HiBob, those first of which the table says nothing."""
    found = editing.try_lifecycle(here.house, domain.label, said)
    if not found:
        return
    rows = [
        {
            "In HiBob now": each.status,
            "People": each.people,
            "State": "" if each.known else "No meaning yet",
        }
        for each in sorted(found, key=lambda each: each.known)
    ]
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height="content",
        column_config={
            "People": st.column_config.NumberColumn(width=65, format="localized"),
            "State": st.column_config.TextColumn(width=130, help="Left as is until the table says what it means."),
        },
        alt="The lifecycle statuses that people have in HiBob, and how many have each",
    )  # fmt: skip


def _meanings(edited: pd.DataFrame, named: Mapping[str, tuple[str, Meaning]]) -> tuple[tuple[str, Meaning], ...]:
    by_words = {words: meaning for meaning, words in MEANINGS.items()}
    found, seen = [], set[str]()
    for row in edited.to_dict("records"):
        status, meaning = _said(row["Lifecycle status"]), by_words.get(_said(row["Means"]))
        key = status_key(status)
        if status and key in seen:
            raise SettingsError(f"The lifecycle status “{status}” stands there twice. Leave one of the two.")
        seen.add(key)
        if status and meaning and (key in named or DEFAULTS.get(key) != meaning):
            found.append((named[key][0] if key in named else status, meaning))
    # In the order they were saved, so that looking changes nothing.
    place = {key: number for number, key in enumerate(named)}
    return tuple(sorted(found, key=lambda each: place.get(status_key(each[0]), len(place))))


COUNTED = "A number of people, a percentage of the live users such as 10%, or off. Checked before the first write."


OFF_BY_DEFAULT = ("update", "add", "reactivate")


def worth_saying(name: str, text: str) -> str:
    """What an unusual limit comes to; "" for one that speaks for itself."""
    said = text.replace(" ", "").casefold()
    if name == "head_count" and said in ("0", "0%"):
        return "Never blocks: no read returns fewer than that."
    if said == "off" and name not in OFF_BY_DEFAULT:
        return "Off: nothing blocks here, however many people it is."
    if said == "0":
        return "Blocks as soon as it is one person."
    return "Blocks as soon as it is three people: a percentage counts from three up." if said == "0%" else ""


def limits(base: Settings, key: str) -> Limits:
    st.caption(COUNTED)
    words, said = editing.limits_in_words(base), {}
    columns = st.columns(3, gap="large")
    for place, (name, (label, help)) in enumerate(LIMITS.items()):
        column = columns[place % 3]
        said[name] = column.text_input(label, words[name], key=f"limit_{name}_{key}", help=help)
        if note := worth_saying(name, said[name]):
            column.caption(f":material/priority_high: {note}")
    return editing.limits_from_words(said, {name: label for name, (label, _) in LIMITS.items()})


def protected(here: Here, domain: Domain, base: Settings, key: str) -> tuple[Protection, ...]:
    st.caption(
        "Never archived: a person by e-mail, unique identifier or HiBob id; or everybody with a value of an attribute."
    )
    edited = st.data_editor(
        protected_rows(base), key=f"protected_{key}", num_rows="dynamic", hide_index=True, placeholder="",
        column_config={
            "Person": st.column_config.TextColumn(width=either(220, 124)),
            "Attribute": st.column_config.SelectboxColumn(width=either(None, 99), options=[each.name for each in domain.attributes]),
            "Is one of": st.column_config.TextColumn(width=either(220, 99), help="Values, with semicolons."),
        },
        alt="Protected people",
    )  # fmt: skip
    said = tuple(
        _protection(number, row)
        for number, row in enumerate(edited.to_dict("records"), 1)
        if any(map(_said, row.values()))
    )
    strangers(here, domain, said)
    return said


def protected_rows(base: Settings) -> pd.DataFrame:
    rows = [
        {"Person": each.person, "Attribute": each.attribute, "Is one of": list_text(each.values) or None}
        for each in base.protected
    ]
    return pd.DataFrame(rows, columns=["Person", "Attribute", "Is one of"], dtype="object")


def strangers(here: Here, domain: Domain, said: Sequence[Protection]) -> None:
    """A misspelt name protects nobody."""
    # Only where it is looked at: it looks at everybody.
    if st.query_params.get("part") != "protected":
        return
    named = [each.person for each in said if each.person]
    unknown = editing.strangers(here.house, domain.label, named)
    if unknown:
        st.warning(
            "Nobody among the users, nor in the last read of HiBob, is called this, so it protects nobody now: "
            f"{escape(', '.join(unknown))}. Check the spelling.",
            icon=":material/person_off:",
        )


def _protection(number: int, row: Mapping[str, object]) -> Protection:
    person, attribute = _said(row["Person"]), _said(row["Attribute"])
    if person and (attribute or _said(row["Is one of"])):
        raise SettingsError(f"Row {number} names a person and values of an attribute: give each a row of its own.")
    if not person and not attribute:
        raise SettingsError(f"Row {number} has values and no attribute: choose it.")
    if person:
        return Protection(person=person)
    return Protection(attribute=attribute, values=_values(number, row))
