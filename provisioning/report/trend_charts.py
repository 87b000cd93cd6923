"""Trends as Plotly figures, from numbers alone; what stands out carries a mark of its own shape, not of colour alone."""

from collections.abc import Sequence
from datetime import datetime

import plotly.graph_objects as go

from provisioning.model import Action
from provisioning.report.charts import COLOURS, WORDS

_LINE, _MARK = "#3d84c6", "#c8434f"
Number = int | float | None


def line_chart(
    times: Sequence[datetime | str], values: Sequence[Number], marked: Sequence[int], unit: str
) -> go.Figure:
    """One number over time; `marked`: the places that stand out. A number that is not known leaves a gap."""
    figure = go.Figure(
        go.Scatter(
            x=list(times), y=list(values), mode="lines+markers", name=unit, line={"color": _LINE, "width": 2},
            marker={"size": 6}, hovertemplate="%{x}<br>%{y:,} " + unit + "<extra></extra>", connectgaps=False,
        )
    )  # fmt: skip
    _add_marks(figure, times, values, marked)
    return _finish(figure, unit)


def added_chart(
    times: Sequence[datetime | str], added: Sequence[int], archived: Sequence[int], marked: Sequence[int]
) -> go.Figure:
    """People added above the line, and archived below it."""
    figure = go.Figure()
    for action, numbers, sign in ((Action.ADD.value, added, 1), (Action.ARCHIVE.value, archived, -1)):
        figure.add_bar(
            x=list(times), y=[sign * number for number in numbers], name=WORDS[action], customdata=list(numbers),
            marker={"color": COLOURS[action]}, hovertemplate="%{x}<br>%{customdata:,} " + WORDS[action].lower() + "<extra></extra>",
        )  # fmt: skip
    heights = [more if more >= less else -less for more, less in zip(added, archived, strict=True)]
    _add_marks(figure, times, heights, marked)
    figure.update_layout(barmode="relative", bargap=0.3)
    return _finish(figure, "People")


def _add_marks(
    figure: go.Figure, times: Sequence[datetime | str], values: Sequence[Number], marked: Sequence[int]
) -> None:
    if marked:
        figure.add_scatter(
            x=[times[place] for place in marked], y=[values[place] for place in marked], mode="markers",
            name="Stands out", marker={"symbol": "diamond-open", "size": 13, "color": _MARK, "line": {"width": 2}},
            hoverinfo="skip",
        )  # fmt: skip


def _finish(figure: go.Figure, unit: str) -> go.Figure:
    figure.update_layout(
        height=240,
        margin={"l": 0, "r": 8, "t": 8, "b": 4},
        dragmode=False,
        showlegend=len(figure.data) > 1,
        legend={"orientation": "h", "y": 1.2, "x": 0},
    )
    figure.update_xaxes(type="date", fixedrange=True)
    figure.update_yaxes(fixedrange=True, title=unit)
    return figure
