"""One person's way from HiBob to their user, station by station, as things are now or as a past run saw them."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import streamlit as st

from provisioning.engine.explain import Answer, SeveralFit, Step, Value
from provisioning.errors import NotFound
from provisioning.model import RESERVED_NAMES, Change, Domain
from provisioning.report.called import HELD
from provisioning.report.differences import Names, valued
from provisioning.web import address
from provisioning.web.frame import Here, link
from provisioning.web.parts import first, fitted, side_by_side, values_table
from provisioning.web.words import ACTIONS, dated, escape, fitting, run_names
from provisioning.workflow import explaining, looking, reviewing

STATIONS = {
    "Read": (":material/cloud:", ("HiBob", "scope")),
    "Matched": (":material/badge:", ("user",)),
    "Lifecycle": (":material/event:", ("lifecycle",)),
    "Mapped": (":material/swap_horiz:", ()),
    "Planned": (":material/compare_arrows:", ("held", "change")),
    "Approved": (":material/verified:", ("approval",)),
    "Processed": (":material/play_circle:", ("run",)),
}
"""The way in its order: a picture, and the engine's steps that belong to each station."""

NOW = ""
BORDER = 32
"""Pixels that a card and what opens in it take from a table beyond what a table gains that nobody selects in."""


def draw(here: Here, domain: Domain, answer: Answer) -> None:
    """The answer in one sentence, then the way."""
    at = _when(here, domain)
    if at != NOW:
        _draw_then(here, domain, answer.person, at)
        return
    with st.container(border=True):
        _head(answer)
        names = names_meant(
            here, ((each.attribute, value) for each in answer.values for value in (each.mapped, each.user))
        )
        stations(answer.steps, answer.values, "Nothing is planned for them." if answer.steps else "", names)
    if any(each.step in ("held", "change") for each in answer.steps):
        link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here)
    if any(each.detail.startswith("protected:") for each in answer.steps if each.step == "held"):
        link("pages/settings.py", "Who is protected", ":material/shield_person:", here, part="protected")


def names_meant(here: Here, pairs: Iterable[tuple[str, str | None]]) -> Names:
    """Of these (attribute, value): what to call whom a reference means, such as a manager; as the newest preview has it."""
    newest = looking.plans_seen(here.house, here.label, 1)
    return reviewing.reference_names(here.house, newest[0].id, pairs) if newest else {}


def _head(answer: Answer) -> None:
    """Who it is, and the answer."""
    with st.container(gap="xxsmall"):
        if answer.name:
            st.markdown(f":material/person: **{escape(answer.name)}**")
        head, held, why = in_words(answer.answer).partition("Held back: ")
        reason, _, more = why.partition(". ")
        st.header(escape(f"{head}{held}{reason}{'.' if more else ''}"), anchor=False)
        if more:
            st.markdown(escape(more))


def draw_fitting(several: SeveralFit) -> None:
    """Whom somebody may have meant; selecting one asks for them."""
    st.markdown(f"**{fitting(several.count)}** Select who you mean.")
    rows = [{"Name": each.name, "E-mail": each.email, "What is known": each.known, "Id": each.key}
            for each in several.found]  # fmt: skip
    address.rows(
        pd.DataFrame(rows),
        [each.key for each in several.found],
        "person",
        "People who fit; select one",
        apart="_fitting",
    )
    first(len(several.found), several.count)


def _when(here: Here, domain: Domain) -> str:
    """Now, or one of the last runs; it stands in the address."""
    found = looking.runs_seen(here.house, domain.label)
    if not found:
        return NOW
    begun = run_names([run for run, *_ in found])
    named = st.query_params.get("at", NOW)
    names = [NOW, *begun, *([named] if named and named not in begun else [])]
    with st.container(width=360):
        return address.choice("As of", "at", names, lambda name: _called(begun, name))


def _called(begun: Mapping[str, str], run: str) -> str:
    return f"The run of {begun[run]}" if run in begun else "An older run" if run else "Now"


def _draw_then(here: Here, domain: Domain, person: str, run: str) -> None:
    try:
        then = explaining.explain_then(here.house, domain.label, person, run)
    except NotFound as problem:
        st.warning(escape(str(problem)), icon=":material/search_off:")
        return
    with st.container(border=True):
        _head(then.answer)
        sides = (side for each in then.changes for side in (each.before, each.after))
        names = names_meant(here, (pair for side in sides for pair in side.items()))
        stations(then.answer.steps, (), "", names, then.changes)
    link("pages/history.py", "See that run", ":material/history:", here, show="runs", run=run)


def stations(
    steps: Sequence[Step], values: Sequence[Value], nothing: str, names: Names, changes: Sequence[Change] = ()
) -> None:
    """Each station with what is known there. `nothing`: what to say where nothing is planned; `changes`: what a past run
    keeps of the values."""
    for name, (icon, kinds) in STATIONS.items():
        told = [in_words(each.detail) for each in steps if each.step in kinds]
        if name == "Planned" and not told and nothing:
            told = [nothing]
        if name == "Mapped" and values:
            _mapped(icon, values, names)
        if name == "Mapped":
            for each in changes:
                _mapped_then(icon, each, names)
        for number, text in enumerate(told):
            st.markdown(
                f"{icon} **{name}** · {escape(text)}" if number == 0 else f":material/more_vert: {escape(text)}"
            )


def _mapped(icon: str, values: Sequence[Value], names: Names) -> None:
    new = not any(each.user for each in values)
    unread = sum(bool(each.problem) for each in values)
    told = f"{sum(bool(each.mapped) for each in values)} values for a new user"
    told += f", {unread} that cannot be read" if unread else ""
    apart = [each for each in values if each.mapped != each.user]
    count = f"{len(apart)} of {len(values)} values differ from the user’s" if apart else "every value is as the user’s"
    st.markdown(f"{icon} **Mapped** · {told if new else count}.")
    rows = [
        {"Attribute": each.attribute}
        | {
            title: valued(each.attribute, value, names, "")
            for title, value in {"HiBob says": each.hibob, "Mapped to": each.problem or each.mapped}.items()
        }
        | (
            {}
            if new
            else {
                "The user has": valued(each.attribute, each.user, names, ""),
                "Differs": "≠" if each.mapped != each.user else "",
            }
        )
        for each in sorted(values, key=lambda each: not new and each.mapped == each.user)
    ]
    with st.expander("The values", icon=":material/list:", expanded=bool(apart)):
        frame = pd.DataFrame(rows)
        side_by_side(frame, "The values from HiBob to the user", _value, fitted(frame, BORDER))


def _value(row: Mapping[str, str]) -> str:
    """“London → Greater London (HiBob says LON)”: what the user has, and what it would become."""
    mapped, hibob = row["Mapped to"] or "(blank)", row["HiBob says"] or "(blank)"
    differs = f"{row.get('The user has') or '(blank)'} → " if row.get("Differs") else ""
    return f"{differs}{mapped}" + ("" if hibob == mapped else f" (HiBob says {hibob})")


def _mapped_then(icon: str, change: Change, names: Names) -> None:
    """What the user had then, and what they were to get. What HiBob itself said is not kept."""
    had = dict(change.seen.attributes) if change.seen else {}
    gets = {name: value or "" for name, value in change.after.items() if name not in RESERVED_NAMES}
    apart = [name for name, value in gets.items() if had.get(name, "") != value]
    whole = {**dict.fromkeys(apart, ""), **had} | gets
    if not had:
        told = f"{sum(map(bool, gets.values()))} values for a new user"
    elif apart:
        told = f"{len(apart)} of {len(whole)} values were to change"
    else:
        told = "no value was to change"
    st.markdown(f"{icon} **Mapped** · {ACTIONS[change.action.value]}: {told}. What HiBob itself said then is not kept.")
    before, after = ({name: valued(name, value, names, "") for name, value in side.items()} for side in (had, whole))
    with st.expander("The values", icon=":material/list:", expanded=bool(apart)):
        frame = values_table(before, after)
        side_by_side(frame if had else frame.drop(columns=["Before"]), "Before and after", fit=fitted(frame, BORDER))


def in_words(text: str) -> str:
    """A sentence of the engine without its codes, and with dates as people write them."""
    for code, words in HELD.items():
        text = text.replace(f"Held back ({code}):", f"Held back: {words[:1].lower()}{words[1:]}.")
        text = f"{words}. {text.removeprefix(f'{code}: ')}" if text.startswith(f"{code}: ") else text
    return dated(text)
