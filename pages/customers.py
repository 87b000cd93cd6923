"""Every customer at once, for CSMs: what needs somebody stands first. Counts only, nobody's name."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from provisioning.errors import RollcallError
from provisioning.model import RunStatus
from provisioning.web import address, parts, roles, trends
from provisioning.web.frame import Here, enter, fail, go, guarded, link, need_domain, workspace_of
from provisioning.web.navigation import TITLES
from provisioning.web.words import RUN_WORDS, ago, dated, escape, in_short, on_a_telephone
from provisioning.workflow import overseeing, setting_up
from provisioning.workflow.overseeing import DomainOverview, Need
from provisioning.workflow.scheduling import Standing as ScheduleStanding

RESTS = (ScheduleStanding.PAUSED, ScheduleStanding.QUARANTINE)
SHOW: Mapping[str, tuple[str, Callable[[DomainOverview], bool]]] = {
    "all": ("All", lambda _: True),
    "needs": ("Needs attention", lambda each: bool(each.needs)),
    "waiting": ("Waits for approval", lambda each: each.waiting_since is not None or each.changed),
    "approved": ("Waits to be processed", lambda each: each.approved is not None and not each.changed),
    "resting": ("Schedule paused or in quarantine", lambda each: each.schedule in RESTS),
    "setup": ("Set-up not done", lambda each: bool(each.next_step)),
    "seats": ("More users than seats", lambda each: each.over > 0),
}
FIRST = 5
"""So many of those who need somebody stand above the table, each with the way to where that is done."""
WAYS: Mapping[str, tuple[str, str, str]] = {
    "quarantine": ("schedule", "Open the schedule", ":material/schedule:"),
    "paused": ("schedule", "Open the schedule", ":material/schedule:"),
    "not-made": ("preview", "Look at it", ":material/arrow_forward:"),
    "not-processed": ("process", "Look at it", ":material/arrow_forward:"),
    "failed": ("process", "Look at the run", ":material/play_circle:"),
    "stopped": ("process", "Look at the run", ":material/play_circle:"),
    "blocked": ("preview", "Look at what blocks", ":material/compare_arrows:"),
    "approved": ("process", "Process", ":material/play_circle:"),
    "again": ("preview", "Review the preview", ":material/compare_arrows:"),
    "waiting": ("preview", "Review the preview", ":material/compare_arrows:"),
    "test": ("connect", "Look at the connection", ":material/cable:"),
    "seats": ("start", "Open the licensed seats", ":material/event_seat:"),
}
"""By what a domain needs: page, words and picture of the link, in Overview's words; the set-up says itself where its next
step is."""
ROWS, BOX = 10, 220
"""So many customers are in sight at a time, so that the box below has room in the window, and the height in pixels of its place
while none is selected: it opens where one looks already."""
SCHEDULES = {
    ScheduleStanding.NONE: "—",
    ScheduleStanding.OFF: "Off",
    ScheduleStanding.ON: "On",
    ScheduleStanding.PAUSED: "Paused",
    ScheduleStanding.QUARANTINE: "In quarantine",
}
ORDERS: Mapping[str, tuple[str, Callable[[DomainOverview], Any] | None]] = {
    "urgent": ("Most urgent first", None),
    "name": ("By name", lambda each: each.label.casefold()),
    "live": ("Most live users first", lambda each: -each.live),
    "run": ("Longest without a run first", lambda each: each.run.started_at.timestamp() if each.run else 0),
    "setup": ("Set-up least done first", lambda each: each.done),
}
NOTHING = "—"
TESTED = {None: "Not tested", True: "Fine", False: "Failed"}


def draw_numbers(found: Sequence[DomainOverview]) -> None:
    cards = {
        "Customers": len({each.customer for each in found}),
        "Domains": sum(bool(each.domain) for each in found),
        "Need attention": sum(bool(each.needs) for each in found),
        "Wait for approval": sum(SHOW["waiting"][1](each) for each in found),
        "Live users": sum(each.live for each in found),
    }
    parts.numbers(list(cards.items()))


def draw_first(here: Here, found: Sequence[DomainOverview]) -> None:
    """The most urgent: what waits, whom it concerns in numbers, whether it is safe, and one click to where it is seen to."""
    urgent = [each for each in found if each.needs]
    if not urgent:
        return
    with st.container(border=True, gap="xsmall"):
        st.header("Needs you first", anchor=False)
        for each in urgent[:FIRST]:
            need = each.needs[0]
            with beside():
                with st.container(gap=None, width="stretch"):
                    st.markdown(f"**{escape(each.label)}** — {escape(attention(each, here.house.clock()))}")
                    if need.told:
                        st.caption(escape(need.told))
                way(here, each, need)
        if len(urgent) > FIRST:
            st.caption(f"And {len(urgent) - FIRST:,} more, below.")


def beside() -> DeltaGenerator:
    """Where words stand with the way on beside them; a telephone has room for that below them."""
    if on_a_telephone():
        return st.container(gap="xxsmall")
    return st.container(horizontal=True, wrap=False, vertical_alignment="center")


def way(here: Here, each: DomainOverview, need: Need) -> None:
    """Exactly where a need is seen to."""
    step = (need.page, f"Go to {TITLES[need.page]}", ":material/arrow_forward:") if need.page else None
    page, words, icon = step or WAYS[need.about]
    link(f"pages/{page}.py", words, icon, here, **place_of(each), **({"plan": need.plan} if need.plan else {}))


def place_of(each: DomainOverview) -> dict[str, str]:
    return {"customer": each.customer} | ({"domain": each.domain} if each.domain else {})


def narrowed(found: Sequence[DomainOverview]) -> list[DomainOverview]:
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    with left:
        wanted = address.search("Search", "Customer or domain", "customer_search").casefold()
    with middle:
        show = address.choice("Show", "show", list(SHOW), lambda name: SHOW[name][0])
    with right:
        order = address.choice("Order", "order", list(ORDERS), lambda name: ORDERS[name][0])
    fitting = [each for each in found if wanted in each.label.casefold() and SHOW[show][1](each)]
    key = ORDERS[order][1]
    return sorted(fitting, key=key) if key else fitting


def draw_table(found: Sequence[DomainOverview], now: datetime) -> DomainOverview | None:
    """One page of the table; returns the row that is selected."""
    skip = address.pager(len(found))
    shown = found[skip : skip + address.PAGE]
    columns = {"Customer": ("Customer", "Domain"), "Needs attention": ("Needs attention",)}
    frame = parts.narrowed(pd.DataFrame([row(each, now) for each in shown]), columns)
    telephone = on_a_telephone()
    fit = parts.fitted(frame, most=2 if telephone else 1)
    chosen = address.rows(
        fit.cut(frame), [each.label for each in shown], address.SELECTED, "Customers and domains, most urgent first",
        columns=fit.columns, row_height=fit.row_height, most=ROWS // 2 if telephone else ROWS,
    )  # fmt: skip
    return shown[chosen[0]] if chosen else None


def row(each: DomainOverview, now: datetime) -> dict[str, object]:
    return {
        "Customer": each.customer,
        "Domain": each.domain or "—",
        "Needs attention": attention(each, now),
        "Schedule": SCHEDULES[each.schedule],
        "Last run": last_run(each, now),
        "Live / seats": f"{each.live:,} / {each.seats:,}" if each.seats is not None else f"{each.live:,} / —",
        "Set-up": f"{each.done} of {each.steps}",
    }


def attention(each: DomainOverview, now: datetime) -> str:
    """The most urgent reason in short, since when somebody waits, the seats that what waits would exceed, and how many more
    reasons there are."""
    if not each.needs:
        return NOTHING
    why, about = in_short(dated(each.needs[0].why)), each.needs[0].about
    began = each.approved.approved_at if each.approved and about == "approved" else None
    began = each.waiting_since if about == "waiting" else began
    since = ago(began, now).removesuffix(" ago") if began else ""
    if since not in ("", "just now"):
        why = f"{why.removesuffix('.')}, for {since}."
    more = len(each.needs) - 1
    if about in ("waiting", "approved") and each.over:
        # Whoever approves or processes it had better know.
        why, more = f"{why.removesuffix('.')}; {each.over:,} {'seat' if each.over == 1 else 'seats'} too few.", more - 1
    return why + (f" (+{more})" if more else "")


def last_run(each: DomainOverview, now: datetime) -> str:
    if each.run is None:
        return "none"
    how = "" if each.run.status is RunStatus.DONE else f", {RUN_WORDS[each.run.status].lower().removeprefix('done, ')}"
    return f"{ago(each.run.started_at, now)}{how}"


def health(each: DomainOverview, now: datetime) -> str:
    read = f"HiBob read {ago(each.read_at, now)}" if each.read_at else "HiBob never read"
    return f"Connection: {TESTED[each.tested].lower()} · {read} · last run: {last_run(each, now)}"


def draw_chosen(here: Here, each: DomainOverview) -> None:
    """What needs somebody in one domain, and the ways into it."""
    place = place_of(each)
    with st.container(border=True):
        st.header(escape(each.label), anchor=False)
        if each.domain and not each.needs:
            st.markdown(":material/check: Nothing needs anybody.")
        for need in each.needs:
            if need.about != "set-up":
                st.markdown(f":material/priority_high: {escape(dated(f'{need.why} {need.told}'.rstrip()))}")
        if each.domain:
            st.caption(escape(health(each, here.house.clock())))
        if each.next_step:
            st.markdown(f":material/checklist: {escape(f'Next in the set-up: {each.next_step}.')}")
        with st.container(horizontal=True, vertical_alignment="center"):
            for need in each.needs:
                way(here, each, need)
            if each.next_page and not any(need.page for need in each.needs):
                words = f"Go to {TITLES[each.next_page]}"
                link(f"pages/{each.next_page}.py", words, ":material/arrow_forward:", here, **place)
            link("pages/overview.py", "Open its overview", ":material/space_dashboard:", here, **place)
            draw_export(here, each.customer)
        roles.draw(here, each.customer)
        if each.domain:
            draw_template(here, each)


def draw_export(here: Here, customer: str) -> None:
    def build() -> bytes:
        with workspace_of(here.house) as house:
            return setting_up.export(house, customer).encode()

    st.download_button(
        "Export as set-up file", build, f"{customer}.toml", "application/toml", icon=":material/download:",
        on_click="ignore", help="Without secrets; it names the customer’s members.",
    )  # fmt: skip


def draw_template(here: Here, each: DomainOverview) -> None:
    """A new customer like this domain."""
    with st.expander("Create a customer from this", icon=":material/domain_add:"):
        st.caption(
            "It gets this domain’s attributes, mapping, lifecycle and limits; no token, members, scope or protected people."
        )
        with st.form("template", border=False):
            name = st.text_input("Name of the new customer", max_chars=200)
            if st.form_submit_button("Create", type="primary", icon=":material/add:"):
                create(here, name, each.label)


def create(here: Here, name: str, template: str) -> None:
    try:
        overseeing.customer_from_template(here.house, name, template)
    except RollcallError as problem:
        fail(problem)
        return
    go("pages/overview.py", here, customer=name.strip(), domain=template.rpartition("/")[2])


def draw_all(here: Here) -> None:
    found = overseeing.customers_overview(here.house)
    draw_numbers(found)
    draw_first(here, found)
    fitting = narrowed(found)
    if not fitting:
        st.info("Nothing fits, or nothing needs attention.", icon=":material/check_circle:")
        return
    chosen = draw_table(fitting, here.house.clock())
    if chosen is None:
        with st.container(
            border=True,
            height="content" if on_a_telephone() else BOX,
            horizontal_alignment="center",
            vertical_alignment="center",
        ):
            st.caption("Select a row to open it, to export it, or to make a customer like it.", width="content")
    else:
        draw_chosen(here, chosen)


here = enter("Customers", "Every customer that you look after; what needs somebody stands first.")
if here.customer is None:
    need_domain(here)
if not overseeing.is_csm(here.house):
    st.info("This page is for CSMs, who look after several customers. Your own customer is on the other pages.")
    st.stop()
standing, over_time = address.tabs("view", {"customers": "Customers", "trends": "Trends"})
if over_time.open:
    with over_time, guarded():
        trends.draw_all(here)
else:
    with standing, guarded():
        draw_all(here)
