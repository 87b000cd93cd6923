"""When the domain runs by itself, who stands for that, why it does not now, and who is told."""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from provisioning.engine.schedule import Time as ScheduleTime
from provisioning.errors import SettingsError
from provisioning.report.called import by_whom
from provisioning.report.times import in_words
from provisioning.setup_file import ScheduleTable
from provisioning.web import address, next_step, notify_targets, schedule_form
from provisioning.web.frame import Here, act, enter, fail, guarded, link, need_domain
from provisioning.web.words import dated, escape, moment, on_the_clock
from provisioning.workflow import scheduling, telling
from provisioning.workflow.scheduling import ScheduleSeen
from provisioning.workflow.scheduling import Standing as ScheduleStanding

BADGES = {
    ScheduleStanding.NONE: ("No schedule", "gray"),
    ScheduleStanding.OFF: ("Off", "gray"),
    ScheduleStanding.ON: ("On", "green"),
    ScheduleStanding.PAUSED: ("Paused", "orange"),
    ScheduleStanding.QUARANTINE: ("In quarantine", "red"),
}


PREVIEW = "preview"
"""What a schedule does that writes nothing: what it makes waits for a person."""
ON_MEANS = {
    PREVIEW: (
        "Switched on, it makes a preview at its times, and tells whoever stands under Who is told; nothing is written without an approval. It goes on "
        "while mapping and settings stay as they are now."
    ),
    "process": (
        "Switching on is a standing approval: you approve beforehand what the schedule runs with the mapping and "
        "settings of now, and every run names you. A block is never overridden."
    ),
}
PAUSED_MEANS = "Paused: nothing runs at its times until somebody has seen to this."
QUARANTINE_MEANS = (
    "In quarantine: something went wrong, so it tries again later instead of at its times. It comes back by itself when a "
    "later try succeeds, or when somebody makes a preview that nothing blocks."
)
WIDE = {"Daylight saving": st.column_config.TextColumn(width="large")}


def draw_standing(here: Here, seen: ScheduleSeen) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            words, colour = BADGES[seen.standing]
            st.header("Where it stands", anchor=False)
            st.badge(words, color=colour)  # type: ignore[arg-type]
        if seen.standing is ScheduleStanding.NONE:
            st.write("Nothing runs by itself.")
            if here.may_prepare:
                st.caption("Choose times below; what is saved begins only when somebody switches it on.")
            return
        st.markdown(f"**{escape(in_words(seen.cron, seen.timezone))}**")
        st.markdown(f"{schedule_form.DOES[seen.does]}.")
        if seen.by and seen.on_at:
            how = "Switched on by" if seen.does == PREVIEW else "Runs under the standing approval of"
            given = "" if seen.does == PREVIEW else " given"
            st.caption(escape(f"{how} {by_whom(seen.by)},{given} {moment(seen.on_at)}."))
        draw_rest(here, seen)
        draw_left_out(here, seen)
        draw_waiting(here, seen)
        draw_switch(here, seen)
        if here.may_prepare and seen.standing is not ScheduleStanding.ON:
            notify_targets.draw_nobody(here)


def draw_rest(here: Here, seen: ScheduleSeen) -> None:
    """Why it is paused or in quarantine, since when, when it tries again, and the way on."""
    if seen.standing is ScheduleStanding.PAUSED:
        st.warning(escape(dated(seen.reason)), icon=":material/pause_circle:")
        st.caption(PAUSED_MEANS)
    elif seen.trouble:
        trouble = seen.trouble
        times = "once" if trouble.tries == 1 else f"{trouble.tries} times in a row"
        again = f"Since {moment(trouble.since)}; failed {times}; tries again {moment(trouble.retry_at)}."
        st.error(escape(f"{trouble.reason} {again}"), icon=":material/error:")
        st.caption(QUARANTINE_MEANS)
        if trouble.plan_id:
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here, plan=trouble.plan_id)
        elif trouble.code == "connection":
            link("pages/connect.py", "Test the connection", ":material/cable:", here)
    elif seen.next_at:
        st.caption(escape(f"Runs next {on_its_clock(seen.next_at, seen.timezone)}."))


def draw_left_out(here: Here, seen: ScheduleSeen) -> None:
    """Whom a person said no to lately: of a schedule that processes, what that means."""
    if seen.does == PREVIEW:
        return
    if seen.standing in (ScheduleStanding.ON, ScheduleStanding.QUARANTINE) and seen.on_at:
        told = scheduling.still_left_out(here.house, here.label, seen.on_at)
    else:
        told = scheduling.no_longer_left_out(here.house, here.label)
    if told:
        st.info(escape(dated(told)), icon=":material/person_off:")


def draw_waiting(here: Here, seen: ScheduleSeen) -> None:
    if seen.waiting_since and seen.plan_id:
        waits = f"Its preview waits for approval, since {moment(seen.waiting_since)}."
        st.info(escape(waits), icon=":material/hourglass_top:")
        link("pages/preview.py", "Open exactly this preview", ":material/compare_arrows:", here, plan=seen.plan_id)


def draw_switch(here: Here, seen: ScheduleSeen) -> None:
    if not here.may_prepare:
        return
    off = seen.standing is ScheduleStanding.OFF
    again = seen.standing in (ScheduleStanding.PAUSED, ScheduleStanding.QUARANTINE)
    if off or again:
        st.caption(ON_MEANS[seen.does])
        if seen.refusal:
            st.info(escape(f"It cannot be switched on yet. {seen.refusal}"), icon=":material/info:")
            link("pages/preview.py", "Go to Preview", ":material/compare_arrows:", here)
    with st.container(horizontal=True):
        if off or again:
            label = "Switch on" if off else "Switch on again"
            refused = bool(seen.refusal) or not here.may_approve
            # In quarantine the way on is to mend the cause.
            weight: Literal["primary", "secondary"] = "secondary" if seen.trouble else "primary"
            if st.button(label, type=weight, icon=":material/toggle_on:", disabled=refused):
                act(lambda: scheduling.switch_on(here.house, here.label), "Switched on.")
        if not off and st.button("Switch off", icon=":material/toggle_off:"):
            act(lambda: scheduling.switch_off(here.house, here.label), "Switched off.")


def draw_times(seen: ScheduleSeen) -> None:
    """The times of what is saved; where it does not run then, those that it would have."""
    if seen.standing is ScheduleStanding.NONE:
        return
    with st.container(border=True):
        st.header("The next five times", anchor=False)
        st.dataframe(
            times(seen.next, seen.timezone), hide_index=True, height=address.height(len(seen.next)),
            alt="The next times of the schedule", column_config=WIDE,
        )  # fmt: skip
        if seen.standing is not ScheduleStanding.ON:
            st.caption(f"These are its own times; while it is {BADGES[seen.standing][0].lower()}, nothing runs then.")


def times(found: tuple[ScheduleTime, ...], timezone: str) -> pd.DataFrame:
    """On the schedule's own clock; that of whoever looks, and daylight saving, only where they say something else."""
    own, yours = f"{timezone} time", "Your time"
    rows = [
        {own: f"{each.at:%a} {each.at.day} {each.at:%b %Y, %H:%M}", yours: elsewhere(each.at) or "the same",
         "Daylight saving": each.note}
        for each in found
    ]  # fmt: skip
    shown = [own]
    shown += [yours] if any(elsewhere(each.at) for each in found) else []
    shown += ["Daylight saving"] if any(each.note for each in found) else []
    return pd.DataFrame(rows, columns=shown)


def on_its_clock(at: datetime, timezone: str) -> str:
    """“1 Dec 2026, 05:00, Europe/London time”, with the clock of whoever looks where that shows something else."""
    there = at.astimezone(ZoneInfo(timezone))
    other = elsewhere(there)
    return f"{there.day} {there:%b %Y, %H:%M}, {timezone} time{f' ({other} for you)' if other else ''}"


def elsewhere(at: datetime) -> str:
    """The same moment where somebody looks; "" where their clock shows the same."""
    yours = on_the_clock(at)
    return moment(at) if yours and yours.utcoffset() != at.utcoffset() else ""


def draw_form(here: Here, seen: ScheduleSeen) -> None:
    with st.container(border=True):
        has = seen.standing is not ScheduleStanding.NONE
        st.header("Change the times" if has else "Choose the times", anchor=False)
        key = f"schedule_{here.label}_{seen.cron}_{seen.timezone}_{seen.does}"
        said = schedule_form.form(seen, key)
        changed = (said.cron, said.timezone, said.does) != (seen.cron, seen.timezone, seen.does)
        right = not changed or draw_said(here, said)
        if changed and seen.by:
            st.caption(
                "It was switched on for these times: with others it is paused until somebody switches it on for them."
            )
        with st.container(horizontal=True):
            if st.button("Save", type="primary", icon=":material/save:", disabled=not (changed and right)):
                rests = " It is paused until somebody switches it on for these times." if seen.by else ""
                act(lambda: scheduling.save_schedule(here.house, here.label, said), f"Saved.{rests}")
            if has and st.button("Remove the schedule", icon=":material/delete:"):
                act(lambda: scheduling.save_schedule(here.house, here.label, None), "Removed.")


def draw_said(here: Here, said: ScheduleTable) -> bool:
    """The times that the form means, or what is wrong with it; returns whether it can be saved."""
    try:
        coming = scheduling.times_preview(here.house, said)
    except SettingsError as problem:
        fail(problem)
        return False
    st.caption("Not saved yet. The next five times would be:")
    st.dataframe(
        times(coming, said.timezone), hide_index=True, height=address.height(len(coming)),
        alt="The next times of what is not saved yet", column_config=WIDE,
    )  # fmt: skip
    return True


def draw_all(here: Here) -> None:
    """One switch for every schedule of the customer."""
    if here.customer is None:
        return
    customer = here.customer.name
    resting = scheduling.all_paused(here.house, customer)
    if not here.may_prepare:
        if resting:
            st.warning(escape(resting), icon=":material/pause_circle:")
        return
    with st.container(border=True):
        st.header(escape(f"All schedules of {customer}"), anchor=False)
        if resting:
            st.warning(escape(resting), icon=":material/pause_circle:")
            if st.button("Let all go on", icon=":material/play_circle:", disabled=not here.may_approve):
                act(lambda: scheduling.resume_all(here.house, customer), "They go on as each was.")
            return
        st.caption("One switch for all of the customer’s domains. What runs now comes to its end.")
        if st.button("Pause all", icon=":material/pause_circle:"):
            act(lambda: scheduling.pause_all(here.house, customer), "All schedules are paused.")


def draw_messages(here: Here) -> None:
    st.header("What was said", anchor=False)
    found = telling.messages_seen(here.house, here.label)
    if not found:
        st.caption("Nothing yet. People are told only when somebody must act.")
        return
    problems = telling.undelivered(here.house, here.label)
    rows = [
        {"When": moment(each.at), "Message": each.title, "Not delivered": problems.get(each.id, "")}
        for each in found
    ]  # fmt: skip
    chosen = address.rows(
        pd.DataFrame(rows), [str(each.id) for each in found], "message", "The last messages; select one to read it"
    )
    for each in [found[row] for row in chosen]:
        with st.container(border=True):
            st.text(each.body)


here = enter("Schedule", "When this domain runs by itself, and who is told when somebody must act.")
domain = need_domain(here)
with guarded():
    next_step.draw(here, "schedule")
    seen = scheduling.schedule_seen(here.house, domain.label)
    draw_standing(here, seen)
    draw_times(seen)
    if here.may_prepare:
        left, right = st.columns([2, 1])
        with left:
            draw_form(here, seen)
        with right:
            draw_all(here)
    else:
        draw_all(here)
with guarded():
    notify_targets.draw(here, here.house.clock())
with guarded():
    draw_messages(here)
