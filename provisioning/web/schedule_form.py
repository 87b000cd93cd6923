"""The form that edits a schedule: common times as a choice, any other as a cron expression."""

from collections.abc import Mapping
from datetime import time
from zoneinfo import available_timezones

import streamlit as st

from provisioning.report.times import HOURLY, KINDS, OWN, WEEKDAYS, kind_of
from provisioning.setup_file import ScheduleTable
from provisioning.workflow.scheduling import ScheduleSeen

DOES: Mapping[str, str] = {
    "preview": "Make a preview only; a person approves and processes it",
    "process": "Make a preview, and process it when nothing blocks",
}
USUAL = ScheduleTable("0 5 * * 1-5", "Europe/London", "preview")


def cron_of(kind: str, at: time) -> str:
    hour = "*" if kind == HOURLY else str(at.hour)
    return f"{at.minute} {hour} * * {'1-5' if kind == WEEKDAYS else '*'}"


def form(seen: ScheduleSeen, key: str) -> ScheduleTable:
    """What the form says; not checked yet."""
    base = ScheduleTable(seen.cron, seen.timezone, seen.does) if seen.cron else USUAL  # type: ignore[arg-type]
    was, at = kind_of(base.cron)
    when, what, zone = st.columns([2, 2, 2])
    kind = when.selectbox("When", list(KINDS), list(KINDS).index(was), KINDS.__getitem__, key=f"{key}_kind")
    with what:
        cron = _cron(base.cron, kind, at, key)
    zones = sorted(available_timezones())
    named = zone.selectbox("Time zone", zones, zones.index(base.timezone), key=f"{key}_zone")
    does = st.radio("What it does", list(DOES), list(DOES).index(base.does), DOES.__getitem__, key=f"{key}_does")
    return ScheduleTable(cron, named, does)  # type: ignore[arg-type]


def _cron(base: str, kind: str, at: time, key: str) -> str:
    if kind == OWN:
        helped = "Minute, hour, day of the month, month, day of the week: 30 5 1 * * is 05:30 on the first of a month."
        written = st.text_input("Cron expression", base, key=f"{key}_cron", help=helped)
        return " ".join(written.split())
    if kind == HOURLY:
        minute = st.number_input("Minutes past the hour", 0, 59, at.minute, key=f"{key}_minute")
        return cron_of(kind, time(0, int(minute)))
    chosen = st.time_input("At", at, step=900, key=f"{key}_at")
    return cron_of(kind, chosen or at)
