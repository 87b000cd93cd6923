"""The findings of a preview: what blocks stands open, what warns is a line that opens, and the rest waits behind one line."""

from collections.abc import Collection, Mapping

import pandas as pd
import streamlit as st

from provisioning.model import Finding, Plan, Severity
from provisioning.naming import some_of
from provisioning.report.called import finding_called
from provisioning.web.address import ROW
from provisioning.web.frame import Here, link
from provisioning.web.parts import first
from provisioning.web.words import SEVERITY_COLOURS, SEVERITY_WORDS, dated, escape, people
from provisioning.workflow import looking

NAMED = 10
"""So many managers are named."""
MOST, SEEN = 200, 5
"""So many of the people whom a finding concerns are listed, and so many are seen without scrolling."""


def blocks(here: Here, plan: Plan) -> None:
    """What blocks, with the way on: to be read before anything else."""
    for each in plan.blocks:
        st.markdown(title(each, SEVERITY_WORDS[Severity.BLOCK]))
        said(here, each)
        if each.keys:
            with st.expander(f"{people(len(each.keys))} concerned"):
                concerned(here, plan, each)


def lines(here: Here, plan: Plan, told: Collection[str], overridden: Mapping[str, str]) -> None:
    """A line for each that blocked and each that warns; what is only good to know in one line together. `told`: the codes
    of those that stand on the page already; `overridden`: code → the reason given."""
    for each in plan.findings:
        if each.severity is not Severity.INFO and each.code not in told:
            words = "Overridden" if each.code in overridden else SEVERITY_WORDS[each.severity]
            with st.expander(title(each, words)):
                if each.code in overridden:
                    st.markdown(escape(f"The reason given: {overridden[each.code]}"))
                body(here, plan, each)
    known = [each for each in plan.findings if each.severity is Severity.INFO]
    if len(known) == 1:
        with st.expander(title(known[0], SEVERITY_WORDS[Severity.INFO])):
            body(here, plan, known[0])
    elif known:
        names = dict.fromkeys(finding_called(each.code) for each in known)
        with st.expander(f"{_badge(Severity.INFO, SEVERITY_WORDS[Severity.INFO])} {escape(', '.join(names))}"):
            for each in known:
                st.markdown(f"**{escape(finding_called(each.code))}**")
                body(here, plan, each)


def title(each: Finding, words: str) -> str:
    """“Warning  Unknown lifecycle status, 2 people”, as Markdown."""
    many = f", {people(len(each.keys))}" if each.keys else ""
    return f"{_badge(each.severity, words)} **{escape(finding_called(each.code))}**{many}"


def _badge(severity: Severity, words: str) -> str:
    return f":{SEVERITY_COLOURS[severity]}-badge[{words}]"


def body(here: Here, plan: Plan, each: Finding) -> None:
    said(here, each)
    if each.keys:
        concerned(here, plan, each)


def said(here: Here, each: Finding) -> None:
    """What was counted, and the way on."""
    st.markdown(escape(dated(each.message)))
    if each.managers:
        names = [each.names.get(key) or key for key in each.managers[:NAMED]]
        told = f"Their {'manager' if len(each.managers) == 1 else 'managers'}: {some_of(names, NAMED, len(each.managers))}."
        st.markdown(f":material/supervisor_account: {escape(told)}")
    st.markdown(f":material/arrow_forward: {escape(dated(each.remedy))}")
    if each.code == "unknown-lifecycle":
        words = "Choose what it means" if here.may_prepare else "Open the settings"
        link("pages/settings.py", words, ":material/tune:", here, part="lifecycle")


def concerned(here: Here, plan: Plan, each: Finding) -> None:
    """The people of a finding, the first of them."""
    keys = each.keys[:MOST]
    names = each.names or looking.names_in_plan(here.house, plan.id, keys)
    rows = [{"Person": names.get(key, ""), "HiBob id, or user": key} for key in keys]
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height=37 + ROW * min(len(rows), SEEN),
        alt=f"The people concerned: {finding_called(each.code)}",
    )  # fmt: skip
    if len(keys) > SEEN:
        st.caption(f"And {len(keys) - SEEN:,} more: the list scrolls.")
    first(len(keys), len(each.keys))
