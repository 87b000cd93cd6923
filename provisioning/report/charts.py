"""Charts as Plotly figures, from counts alone. Pure: no file, clock, network or Streamlit; colours carry on both a
light and a dark page, and every bar also says its number."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from provisioning.model import Action
from provisioning.report.called import ACTIONS_DONE as WORDS

COLOURS: Mapping[str, str] = {
    Action.ADD.value: "#2a9d74",
    Action.UPDATE.value: "#3d84c6",
    Action.REACTIVATE.value: "#8a70d6",
    Action.ARCHIVE.value: "#d9822b",
    Action.MOVE.value: "#c2577d",
    Action.LINK.value: "#7d8b97",
}
_FAINT = 0.35


def actions_chart(counts: Mapping[str, int], chosen: str = "", words: Mapping[str, str] = WORDS) -> go.Figure:
    """A bar per action; `customdata` of a bar is the action, for whoever clicks it. `words`: what the actions are called."""
    shown = [name for name in WORDS if counts.get(name) or name in ("add", "update", "reactivate", "archive")]
    figure = _bars(
        [words[name] for name in shown],
        [counts.get(name, 0) for name in shown],
        [COLOURS[name] for name in shown],
        shown,
        chosen,
    )
    return _finish(figure, len(shown), max(counts.get(name, 0) for name in shown))


MOST_ATTRIBUTES = 12


Bar = tuple[tuple[str, str], str, int, str]
"""(what it stands for: “action” or “attribute”, and which), words, people, colour."""


def happening_bars(counts: Mapping[str, int], changed: Mapping[str, int]) -> list[Bar]:
    """Who joins, then the attributes that change for existing users, most first, up to `MOST_ATTRIBUTES`, then who
    leaves."""
    first, last = ("add", "reactivate"), ("move", "archive", "link")
    attributes = [
        (("attribute", name), name, changed[name], COLOURS[Action.UPDATE.value])
        for name in list(changed)[:MOST_ATTRIBUTES]
    ]
    return [*_actions(counts, first), *attributes, *_actions(counts, last)]


def _actions(counts: Mapping[str, int], names: Sequence[str]) -> list[Bar]:
    return [(("action", name), WORDS[name], counts[name], COLOURS[name]) for name in names if counts.get(name)]


def happening_chart(bars: Sequence[Bar], chosen: tuple[str, str] | None = None) -> go.Figure:
    """A bar per action and per attribute that changes; `customdata` of a bar is its place, for whoever clicks it."""
    keys, labels, numbers, colours = zip(*bars, strict=True)
    places = [str(place) for place in range(len(bars))]
    named = str(keys.index(chosen)) if chosen in keys else ""
    return _finish(_bars(labels, numbers, colours, places, named), len(bars), max(numbers))


def _bars(
    labels: Sequence[str], numbers: Sequence[int], colours: Sequence[str], keys: Sequence[str], chosen: str
) -> go.Figure:
    opacity = [1.0 if not chosen or key == chosen else _FAINT for key in keys]
    return go.Figure(
        go.Bar(
            x=[max(number, SLIVER * max(numbers)) if number else 0 for number in numbers],
            y=[_plain(label) for label in labels],
            orientation="h",
            customdata=list(keys),
            marker={"color": list(colours), "opacity": opacity, "cornerradius": 4},
            text=[f"{number:,}" for number in numbers],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": _FAINT}},
        )
    )


def _plain(label: str) -> str:
    """Plotly reads a few tags in labels; a name is never markup."""
    return label.replace("&", "&amp;").replace("<", "&lt;")


SLIVER = 0.012
"""Of the longest bar: a bar of one beside one of thousands is still seen, and its number says how many."""
FEWEST_PEOPLE = 6
"""So many people fill the width at the least: a bar of one is no wall, and one of four is seen to be four of them."""


def _finish(figure: go.Figure, bars: int, most: int) -> go.Figure:
    """`most`: the people of the longest bar."""
    figure.update_layout(
        height=24 + 32 * max(bars, 1),
        margin={"l": 0, "r": 44, "t": 4, "b": 4},
        bargap=0.32,
        dragmode=False,
        clickmode="event+select",
        showlegend=False,
    )
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, max(most, FEWEST_PEOPLE)])
    # A name may be a number or a date: it stays a name.
    figure.update_yaxes(type="category", autorange="reversed", fixedrange=True, title=None, ticksuffix="  ")
    return figure


LABEL, AROUND = 32, 90
"""Pixels for the number above a bar, and for legend and dates around the bars."""
FEW = 5
"""Room for so many runs, that one or two are no walls."""


def runs_chart(runs: Sequence[tuple[str, Mapping[str, int]]], height: int = 280) -> go.Figure:
    """What every run did, oldest first: (when as text, people done per action), stacked. Each has a place of its own, also
    where two began in the same minute, and its total above."""
    figure = go.Figure()
    labels, places = [label for label, _ in runs], list(range(len(runs)))
    totals = [sum(counts.get(name, 0) for name in WORDS) for _, counts in runs]
    for name, word in WORDS.items():
        numbers = [counts.get(name, 0) for _, counts in runs]
        if any(numbers):
            figure.add_bar(
                x=places,
                y=numbers,
                name=word,
                customdata=labels,
                # Where one action is all, the total says it.
                text=[f"{n:,}" if 0 < n < total else "" for n, total in zip(numbers, totals, strict=True)],
                textposition="inside",
                textangle=0,
                marker={"color": COLOURS[name], "cornerradius": 3},
                hovertemplate="%{customdata}<br>" + word + ": %{y:,}<extra></extra>",
            )
    figure.add_scatter(
        x=places, y=totals, mode="text", text=[f"{total:,}" for total in totals], textposition="top center",
        cliponaxis=False, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    figure.update_layout(
        barmode="stack",
        height=height,
        margin={"l": 0, "r": 8, "t": 8, "b": 4},
        dragmode=False,
        # It grows away from the bars, where it takes a second line.
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "traceorder": "normal"},
        bargap=0.4,
        showlegend=True,
        # A number that its part of a bar has no room for is left to the hover text.
        uniformtext={"minsize": 9, "mode": "hide"},
    )
    # Of many runs the first, the last and a few between are dated.
    every = -(-len(runs) // 8) or 1
    ticks = places[::every]
    figure.update_xaxes(
        tickvals=ticks, ticktext=[labels[place] for place in ticks], fixedrange=True, showgrid=False, tickangle=0
    )
    # A few runs stand in the middle, as wide as among many.
    spare = max(FEW - len(runs), 0) / 2
    figure.update_xaxes(range=[-0.5 - spare, len(runs) - 0.5 + spare])
    # The numbers stand above the bars.
    figure.update_yaxes(fixedrange=True, visible=False, range=[0, max([*totals, 1]) * (1 + LABEL / (height - AROUND))])
    return figure
