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
    return _finish(figure)


def added_chart(
    times: Sequence[datetime | str],
    added: Sequence[int],
    reactivated: Sequence[int],
    archived: Sequence[int],
    marked: Sequence[int],
) -> go.Figure:
    """People added and reactivated above the line, and archived below it."""
    figure = go.Figure()
    # A bar by itself would be as thin as a line.
    width = _DAY / 2 if len(set(times)) == 1 else None
    came = [(Action.ADD.value, added, 1), *([(Action.REACTIVATE.value, reactivated, 1)] if any(reactivated) else [])]
    for action, numbers, sign in (*came, (Action.ARCHIVE.value, archived, -1)):
        figure.add_bar(
            x=list(times), y=[sign * number for number in numbers], name=WORDS[action], customdata=list(numbers), width=width,
            marker={"color": COLOURS[action]}, hovertemplate="%{x}<br>%{customdata:,} " + WORDS[action].lower() + "<extra></extra>",
        )  # fmt: skip
    up = [one + other for one, other in zip(added, reactivated, strict=True)]
    heights = [more if more >= less else -less for more, less in zip(up, archived, strict=True)]
    _add_marks(figure, times, heights, marked)
    figure.update_layout(barmode="relative", bargap=0.3)
    return _finish(figure)


def _add_marks(
    figure: go.Figure, times: Sequence[datetime | str], values: Sequence[Number], marked: Sequence[int]
) -> None:
    if marked:
        figure.add_scatter(
            x=[times[place] for place in marked], y=[values[place] for place in marked], mode="markers",
            name="Stands out", marker={"symbol": "diamond-open", "size": 13, "color": _MARK, "line": {"width": 2}},
            hoverinfo="skip",
        )  # fmt: skip


def _finish(figure: go.Figure) -> go.Figure:
    """Each heading says what its numbers are: no axis needs a name of its own."""
    figure.update_layout(
        height=240,
        margin={"l": 0, "r": 8, "t": 8, "b": 4},
        dragmode=False,
        showlegend=len(figure.data) > 1,
        legend={"orientation": "h", "y": 1.2, "x": 0},
    )
    figure.update_xaxes(type="date", fixedrange=True, hoverformat="%-d %b %Y, %H:%M", **_runs(list(figure.data[0].x)))
    figure.update_yaxes(fixedrange=True, **_whole(figure))
    return figure


TICKS = 5
_DAY = 24 * 3600 * 1000


def _runs(times: Sequence[datetime | str]) -> dict[str, object]:
    """Ticks at days or moments of runs alone, as many as have room, the newest among them."""
    moments = [datetime.fromisoformat(each) if isinstance(each, str) else each for each in times]
    first, last = min(moments), max(moments)
    # A single run, or several of one minute, stand in the middle of some time.
    edge = max((last - first) / 20, timedelta(minutes=1) if first < last else timedelta(days=1))
    ticks = [last]
    for each in sorted(moments, reverse=True):
        if ticks[-1] - each >= (last - first + 2 * edge) / TICKS:
            ticks.append(each)
    days = all(isinstance(each, str) for each in times)
    form = "%d %b" if days else "%d %b, %H:%M"
    return {
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [f"{each:{form}}".lstrip("0") for each in ticks],
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
