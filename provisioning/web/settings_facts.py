"""The settings for whoever only reads: what the forms hold, part by part, as tables."""

import pandas as pd
import streamlit as st

from provisioning.model import Domain
from provisioning.report.settings import ABSENCE, LIMITS, two_people_in_words
from provisioning.web import parts, settings_form
from provisioning.web.frame import Here
from provisioning.web.mapping_table import called
from provisioning.workflow import connections, editing


def scope(here: Here, domain: Domain) -> None:
    left, right = st.columns([5, 2], gap="medium")
    with left:
        rules = settings_form.scope_rows(domain.settings)
        names = called(connections.fields_known(here.house, domain.label))
        rules["HiBob column"] = [names.get(each, each) for each in rules["HiBob column"]]
        _table(rules, "Scope rules", "No rule: everybody is taken.")
    with right:
        settings_form.scope_count(here, domain, domain.settings.scope)


def lifecycle(here: Here, domain: Domain) -> None:
    said = domain.settings.lifecycle
    st.caption(settings_form.LEFT_AS_IS)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _table(settings_form.lifecycle_rows(said), "What each lifecycle status means")
    with right:
        days = said.wait_until_days_before_start
        when = f"{days} {'day' if days == 1 else 'days'} before they start" if days else "on the day they start"
        st.write(f"The hired are added {when}.")
        settings_form.statuses(here, domain, said)


def limits(domain: Domain) -> None:
    st.caption(settings_form.COUNTED)
    words = editing.limits_in_words(domain.settings)
    rows = [
        {
            "Limit": label,
            "Set to": words[name],
            "What it does": f"{means} {settings_form.worth_saying(name, words[name])}".rstrip(),
        }
        for name, (label, means) in LIMITS.items()
    ]
    _table(pd.DataFrame(rows), "The limits")


def protected(here: Here, domain: Domain) -> None:
    _table(settings_form.protected_rows(domain.settings), "Protected people", "Nobody is protected.")
    settings_form.strangers(here, domain, domain.settings.protected)


def identity(domain: Domain) -> None:
    said = domain.settings
    rows = {
        "Unique identifier": said.unique_identifier or "none",
        "Connection": said.connection or "the customer’s only one",
        "Two people approve": two_people_in_words(said.two_people),
        "Whom absence from HiBob may archive": ABSENCE[said.absence_archives],
        "After being absent in so many complete reads": str(said.absent_reads),
    }
    parts.facts("Unique identifier and absence", rows)


def _table(frame: pd.DataFrame, alt: str, none: str = "") -> None:
    if frame.empty:
        st.caption(none)
    else:
        st.dataframe(frame, hide_index=True, height="content", placeholder="", alt=alt)
