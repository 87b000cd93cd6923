"""Runs over time on pages: charts, each with its words, and a table that says the same."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from provisioning.engine.trends import Mark
from provisioning.report.trend_charts import added_chart, line_chart
from provisioning.web import address, parts
from provisioning.web.frame import Here, link
from provisioning.web.words import moment, on_the_clock
from provisioning.workflow import trends
from provisioning.workflow.trends import RunTrend

RULE = (
    "A run stands out when a number is unusual: far from the last 20 runs before it. Fewer than 3 people, half a minute, or "
    "2% of the live users never is."
)
FROM = 3
"""So many runs make a line that says something."""
WORDS = {"added": "added", "reactivated": "reactivated", "archived": "archived", "live": "live users"}


def draw(here: Here) -> None:
    """Live users, who came and who left, and duration of one domain's runs."""
    found = trends.trends_seen(here.house, here.label)
    if not found:
        st.info("No run has come to its end yet: there is nothing to compare.", icon=":material/info:")
        return
    if len(found) < FROM:
        st.info("Trends show from the third run on.", icon=":material/info:")
    else:
        draw_charts(found)
    table(
        here,
        found[::-1],
        "trend",
        "Runs, newest first: live users, added, reactivated, archived, duration, and what stands out",
    )


def draw_charts(found: Sequence[RunTrend]) -> None:
    points = [each.point for each in found]
    times = [on_the_clock(each.at) or each.at for each in points]
    live = [each.live for each in points]
    added, back = [each.added for each in points], [each.reactivated for each in points]
    archived = [each.archived for each in points]
    unit, size = ("minutes", 60) if max(each.seconds for each in points) >= 120 else ("seconds", 1)
    took = [round(each.seconds / size, 1) for each in points]
    left, right = st.columns(2)
    with left:
        chart("Live users after each run", line_chart(times, live, _marked(found, "live"), "live users"), live)
    with right:
        if max(each.seconds for each in points) < 1:
            # A line along zero tells nothing.
            with st.container(border=True, height="stretch"):
                st.header("Duration of each run", anchor=False)
                st.write("Every run took less than a second.")
        else:
            at = _marked(found, "seconds")
            chart(f"Duration of each run, in {unit}", line_chart(times, took, at, unit), took)
    at = _marked(found, "added", "reactivated", "archived")
    chart(
        "Who came and who left by each run", added_chart(times, added, back, archived, at), [*added, *back, *archived]
    )
    st.caption(RULE)


def draw_all(here: Here) -> None:
    """The same over all customers, day by day, and the runs that stand out."""
    found = trends.trends_of_all(here.house)
    if not found.days:
        st.info("No run in the last 90 days.", icon=":material/info:")
        return
    days = [each.day for each in found.days]
    live = [each.live for each in found.days]
    added, back = [each.added for each in found.days], [each.reactivated for each in found.days]
    archived = [each.archived for each in found.days]
    left, right = st.columns(2)
    with left:
        chart("Live users of all customers", line_chart(days, live, [], "live users"), live)
    with right:
        chart("Who came and who left by day", added_chart(days, added, back, archived, []), [*added, *back, *archived])
    st.header("Runs of the last 30 days that stand out", anchor=False)
    st.caption(RULE)
    if found.unusual:
        if len(found.unusual) > address.PAGE:
            st.caption(f"The newest {address.PAGE} of {len(found.unusual):,}.")
        table(here, found.unusual[: address.PAGE], "trend", "Runs that stand out, newest first", named=True)
    else:
        st.write("None.")
    with st.expander("The numbers behind the charts"):
        rows = [
            {"Day": each.day, "Live users": _number(each.live), "Added": each.added,
             "Reactivated": each.reactivated, "Archived": each.archived, "Runs": each.runs}
            for each in reversed(found.days)
        ]  # fmt: skip
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, alt="Live users, added, reactivated, archived and runs by day"
        )


def chart(title: str, figure: go.Figure, values: Sequence[float | None]) -> None:
    known = [each for each in values if each is not None]
    said = f"{title}: from {min(known):,} to {max(known):,}" if known else f"{title}: not known yet"
    with st.container(border=True):
        st.header(title, anchor=False)
        parts.chart(figure, key=f"trend_{title}", alt=f"{said}. The table below says the same.")


def table(here: Here, found: Sequence[RunTrend], what: str, alt: str, *, named: bool = False) -> None:
    rows = [({"Customer": each.customer, "Domain": each.domain} if named else {}) | row(each) for each in found]
    # Numbers stand below each other, unless one is not known.
    if all(each.point.live is not None for each in found):
        rows = [{**one, "Live users": each.point.live} for one, each in zip(rows, found, strict=True)]
    few = {"Ended": ("Customer", "Ended", "Stands out"), "Done": ("Added", "Reactivated", "Archived")}
    shown = parts.narrowed(parts.filled(pd.DataFrame(rows)), few)
    fit = parts.fitted(shown)
    for place in address.rows(
        fit.cut(shown), [each.point.run for each in found], what, alt, columns=fit.columns, row_height=fit.row_height
    ):
        each = found[place]
        link(
            "pages/history.py", "Open the run", ":material/history:", here,
            customer=each.customer, domain=each.domain, show="runs", run=each.point.run,
        )  # fmt: skip


def row(each: RunTrend) -> dict[str, object]:
    point = each.point
    return {
        "Ended": moment(point.at),
        "Live users": _number(point.live),
        "Added": point.added,
        "Reactivated": point.reactivated,
        "Archived": point.archived,
        "Duration": duration(point.seconds),
        "Stands out": "; ".join(map(in_words, each.marks)),
    }


def in_words(mark: Mark) -> str:
    """`40 archived, usually 2`."""
    if mark.what == "seconds":
        return f"took {duration(mark.value)}, usually {duration(mark.usual)}"
    number = _step if mark.what == "live" else "{:,.0f}".format
    return f"{number(mark.value)} {WORDS[mark.what]}, usually {number(mark.usual)}"


def _step(value: float) -> str:
    return f"{value:+,.0f}" if value else "0"


def duration(seconds: float) -> str:
    if seconds < 1:
        return "less than a second"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _number(value: int | None) -> str:
    return "—" if value is None else f"{value:,}"


def _marked(found: Sequence[RunTrend], *what: str) -> list[int]:
    return [place for place, each in enumerate(found) if any(mark.what in what for mark in each.marks)]
