"""Every customer at once, for CSMs: what needs somebody stands first. Counts only, nobody's name."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from provisioning import workflow
from provisioning.errors import RollcallError
from provisioning.web import address, trends
from provisioning.web.frame import Here, enter, fail, go, guarded, link, need_domain, workspace_of
from provisioning.web.words import RUN_WORDS, ago, escape
from provisioning.workflow import DomainOverview, ScheduleStanding

SHOW = {"all": "All", "needs": "Needs attention"}
SCHEDULES = {
    ScheduleStanding.NONE: "—",
    ScheduleStanding.OFF: "Off",
    ScheduleStanding.ON: "On",
    ScheduleStanding.PAUSED: "Paused",
    ScheduleStanding.QUARANTINE: "In quarantine",
}
TESTED = {None: "Not tested", True: "Fine", False: "Failed"}


def draw_numbers(found: Sequence[DomainOverview]) -> None:
    cards = {
        "Customers": len({each.customer for each in found}),
        "Domains": sum(bool(each.domain) for each in found),
        "Need attention": sum(bool(each.needs) for each in found),
        "Wait for approval": sum(each.waiting_since is not None for each in found),
        "Live users": sum(each.live for each in found),
    }
    for column, (label, number) in zip(st.columns(len(cards)), cards.items(), strict=True):
        column.metric(label, f"{number:,}", border=True)


def narrowed(found: Sequence[DomainOverview]) -> list[DomainOverview]:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        wanted = address.search("Search", "Customer or domain", "customer_search").casefold()
    with right:
        show = address.choice("Show", "show", list(SHOW), SHOW.__getitem__)
    return [each for each in found if wanted in each.label.casefold() and (show == "all" or each.needs)]


def draw_table(found: Sequence[DomainOverview], now: datetime) -> DomainOverview | None:
    """One page of the table; returns the row that is selected."""
    skip = address.pager(len(found))
    shown = found[skip : skip + address.PAGE]
    rows = [row(each, now) for each in shown]
    columns = {"Needs attention": st.column_config.TextColumn(width=280)}
    chosen = address.rows(
        pd.DataFrame(rows), [each.label for each in shown], address.SELECTED, "Customers and domains, most urgent first",
        columns=columns,
    )  # fmt: skip
    return shown[chosen[0]] if chosen else None


def row(each: DomainOverview, now: datetime) -> dict[str, str]:
    return {
        "Customer": each.customer,
        "Domain": each.domain or "—",
        "Needs attention": each.needs[0].why if each.needs else "",
        "Waits since": ago(each.waiting_since, now) if each.waiting_since else "",
        "Schedule": SCHEDULES[each.schedule],
        "Last run": f"{RUN_WORDS[each.run.status]}, {ago(each.run.started_at, now)}" if each.run else "none",
        "Live / seats": f"{each.live:,} / {each.seats:,}" if each.seats is not None else f"{each.live:,} / —",
        "HiBob read": ago(each.read_at, now) if each.read_at else "never",
        "Connection": TESTED[each.tested],
        "Set-up": f"{each.done} of {each.steps}" + (f": {each.next_step}" if each.next_step else ""),
    }


def draw_chosen(here: Here, each: DomainOverview) -> None:
    """What needs somebody in one domain, and the ways into it."""
    place = {"customer": each.customer} | ({"domain": each.domain} if each.domain else {})
    with st.container(border=True):
        st.subheader(escape(each.label), anchor=False)
        for need in each.needs:
            st.markdown(f":material/priority_high: {escape(need.why)}")
        if each.next_step:
            st.markdown(f":material/checklist: {escape(f'Next in the set-up: {each.next_step}.')}")
        with st.container(horizontal=True, vertical_alignment="center"):
            link("pages/overview.py", "Open its overview", ":material/space_dashboard:", here, **place)
            if each.waiting_since and each.plan_id:
                link(
                    "pages/preview.py", "Open what waits", ":material/compare_arrows:", here, **place, plan=each.plan_id
                )
            if each.schedule in (ScheduleStanding.PAUSED, ScheduleStanding.QUARANTINE):
                link("pages/schedule.py", "Open its schedule", ":material/schedule:", here, **place)
            draw_export(here, each.customer)
        if each.domain:
            draw_template(here, each)


def draw_export(here: Here, customer: str) -> None:
    def build() -> bytes:
        with workspace_of(here.house) as house:
            return workflow.export(house, customer).encode()

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
        workflow.customer_from_template(here.house, name, template)
    except RollcallError as problem:
        fail(problem)
        return
    go("pages/overview.py", here, customer=name.strip(), domain=template.rpartition("/")[2])


def draw_all(here: Here) -> None:
    found = workflow.customers_overview(here.house)
    draw_numbers(found)
    fitting = narrowed(found)
    if not fitting:
        st.info("Nothing fits, or nothing needs attention.", icon=":material/check_circle:")
        return
    chosen = draw_table(fitting, here.house.clock())
    if chosen is None:
        st.caption("Select a row to open it, to export it, or to make a customer like it.")
    else:
        draw_chosen(here, chosen)


here = enter("Customers", "Every customer that you look after; what needs somebody stands first.")
if here.customer is None:
    need_domain(here)
if not workflow.is_csm(here.house):
    st.info("This page is for CSMs, who look after several customers. Your own customer is on the other pages.")
    st.stop()
standing, over_time = address.tabs("view", {"customers": "Customers", "trends": "Trends"})
if over_time.open:
    with over_time, guarded():
        trends.draw_all(here)
else:
    with standing, guarded():
        draw_all(here)
