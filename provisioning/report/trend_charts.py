"""Trends as Plotly figures, from numbers alone; what stands out carries a mark of its own shape, not of colour alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import plotly.graph_objects as go

from provisioning.model import Action
from provisioning.report.called import ACTIONS_DONE as WORDS
from provisioning.report.charts import COLOURS

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
    return _finish(figure, times)


def added_chart(
    times: Sequence[datetime | str],
    added: Sequence[int],
    reactivated: Sequence[int],
    archived: Sequence[int],
    marked: Sequence[int],
) -> go.Figure:
    """People added and reactivated above the line, and archived below it: a bar of the same width per run or day, in their
    order, each with its number while they are few."""
    figure, places = go.Figure(), list(range(len(times)))
    when = [f"{each:%d %b %Y, %H:%M}".lstrip("0") for each in _moments(times)]
    came = [(Action.ADD.value, added, 1), *([(Action.REACTIVATE.value, reactivated, 1)] if any(reactivated) else [])]
    for action, numbers, sign in (*came, (Action.ARCHIVE.value, archived, -1)):
        figure.add_bar(
            x=places, y=[sign * number for number in numbers], name=WORDS[action],
            customdata=list(zip(numbers, when, strict=True)), marker={"color": COLOURS[action]},
            hovertemplate="%{customdata[1]}<br>%{customdata[0]:,} " + WORDS[action].lower() + "<extra></extra>",
        )  # fmt: skip
    up = [one + other for one, other in zip(added, reactivated, strict=True)]
    if len(times) <= NUMBERED:
        for numbers, sign, where in ((up, 1, "top center"), (archived, -1, "bottom center")):
            figure.add_scatter(
                x=places, y=[sign * number for number in numbers], text=[f"{each:,}" if each else "" for each in numbers],
                mode="text", textposition=where, cliponaxis=False, hoverinfo="skip", showlegend=False,
            )  # fmt: skip
    heights = [more if more >= less else -less for more, less in zip(up, archived, strict=True)]
    _add_marks(figure, places, heights, marked)
    figure.update_layout(barmode="relative", bargap=0.3)
    _finish(figure, times)
    if len(times) <= NUMBERED:
        low, top = figure.layout.yaxis.range
        room = ROOM * (top - low)
        figure.update_yaxes(range=[low - room if low else 0, top + room])
    # As wide as three bars at the least: one alone is no wall.
    beside = max(0.6, (3 - len(times)) / 2)
    ticks = places[:: -max(-(-len(places) // TICKS), 1)]
    figure.update_xaxes(type="linear", tickvals=ticks, range=[-beside, len(times) - 1 + beside],
                        ticktext=[_dated(times, _moments(times)[place]).replace(", ", "<br>") for place in ticks])  # fmt: skip
    return figure


def _add_marks(
    figure: go.Figure, times: Sequence[datetime | str | int], values: Sequence[Number], marked: Sequence[int]
) -> None:
    if marked:
        figure.add_scatter(
            x=[times[place] for place in marked], y=[values[place] for place in marked], mode="markers",
            name="Stands out", marker={"symbol": "diamond-open", "size": 13, "color": _MARK, "line": {"width": 2}},
            hoverinfo="skip",
        )  # fmt: skip


def _finish(figure: go.Figure, times: Sequence[datetime | str]) -> go.Figure:
    """Each heading says what its numbers are: no axis needs a name of its own."""
    figure.update_layout(
        height=240,
        margin={"l": 0, "r": 24, "t": 8, "b": 4},
        dragmode=False,
        showlegend=len(figure.data) > 1,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
    )
    figure.update_xaxes(type="date", fixedrange=True, hoverformat="%-d %b %Y, %H:%M", **_runs(times))
    # The newest is told also where its words end beyond the chart's.
    figure.update_xaxes(ticklabeloverflow="allow")
    figure.update_yaxes(fixedrange=True, **_whole(figure))
    return figure


TICKS, NUMBERED, ROOM = 5, 12, 0.08
"""At most so many dates below a chart, and so many runs whose numbers stand at their bars; the part of the height that a number takes."""


def _moments(times: Sequence[datetime | str]) -> list[datetime]:
    return [datetime.fromisoformat(each) if isinstance(each, str) else each for each in times]


def _dated(times: Sequence[datetime | str], at: datetime) -> str:
    """Without the hour, where all are days."""
    return f"{at:{'%d %b' if all(isinstance(each, str) for each in times) else '%d %b, %H:%M'}}".lstrip("0")


def _runs(times: Sequence[datetime | str]) -> dict[str, object]:
    """Ticks at days or moments of runs alone, as many as have room, the newest among them."""
    moments = _moments(times)
    first, last = min(moments), max(moments)
    # A single run, or several of one minute, stand in the middle of some time.
    edge = max((last - first) / 20, timedelta(minutes=1) if first < last else timedelta(days=1))
    ticks = [last]
    for each in sorted(moments, reverse=True):
        if ticks[-1] - each >= (last - first + 2 * edge) / TICKS:
            ticks.append(each)
    return {
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [_dated(times, each) for each in ticks],
        "range": [first - edge, last + edge],
    }


def _whole(figure: go.Figure) -> dict[str, object]:
    """Ticks at whole numbers, from zero: people and seconds come in no halves, and a step of two is no doubling. Below the
    line stand people too: nobody is less than nobody."""
    known = [0, *(value for each in figure.data for value in each.y if value is not None)]
    # Bars above the line stand on each other.
    bars = [each.y for each in figure.data if each.type == "bar"]
    known += [sum(value for value in column if value > 0) for column in zip(*bars, strict=True)]
    step = nice_step(max(known) - min(known))
    top = step * max(-(-max(known) // step), 1)
    low = -step * max(-(min(known) // step), 0)
    ticks = list(range(int(low), int(top) + 1, step))
    return {"tickmode": "array", "tickvals": ticks, "ticktext": [f"{abs(each):,}" for each in ticks],
            "range": [low * 1.05, top * 1.05]}  # fmt: skip


def nice_step(span: float, ticks: int = 4) -> int:
    """The smallest of 1, 2, 5, 10, 20 … that divides a span into so many ticks."""
    step = 1
    while span / step > ticks:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step
