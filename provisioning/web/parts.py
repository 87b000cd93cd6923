"""Pieces that several pages draw: counts, badges, pages of a long table."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st
from pandas.api.types import is_numeric_dtype
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from provisioning.model import Plan, Result, Run, RunStatus
from provisioning.report.called import ACTIONS_DONE as ACTION_WORDS
from provisioning.report.called import RESULTS
from provisioning.report.differences import attribute_called
from provisioning.web.frame import Here
from provisioning.web.words import (
    HELP,
    PLAN_COLOURS,
    PLAN_WORDS,
    RUN_COLOURS,
    RUN_WORDS,
    TO_DO,
    escape,
    on_a_telephone,
)
from provisioning.workflow import looking

if TYPE_CHECKING:
    import plotly.graph_objects as go

CARD = 120
"""So wide is a card at least, in pixels: two stand side by side on a telephone, six beside the sidebar of a small window."""


def pressed(label: str, icon: str, name: str, shown: object, *, disabled: bool = False) -> bool:
    """The button that has done what stands beside it. Pressed where that is no longer what was `shown`, because another tab or
    somebody else changed it meanwhile, it does nothing: `unheard` says so."""
    seen = f"shown_{name}"
    click = st.button(
        label, type="primary", icon=icon, key=name, disabled=disabled, on_click=_remember, args=(seen, shown)
    )  # fmt: skip
    if not click or st.session_state.get(seen) != shown:
        return False
    del st.session_state[seen]
    return True


def unheard(names: Sequence[str], notice: DeltaGenerator) -> None:
    """Say that such a button was pressed too late, whether it still stands there or not. Call it after they are drawn."""
    left = [st.session_state.pop(f"shown_{name}", None) for name in names]
    if any(each is not None for each in left):
        # A file belongs to the approval that stood there when it was put there.
        again = dict(zip(names, left, strict=True)).get("approve_file") is not None
        then = "and upload your file again to decide by it" if again else "then press again"
        notice.warning(
            "Nothing was done: what stood here when you pressed was changed meanwhile, in another tab or by somebody else. "
            f"Look at what stands here now, {then}.",
            icon=":material/sync_problem:",
        )


def _remember(name: str, shown: object) -> None:
    """Streamlit calls it with what the page showed that was pressed, before the page is drawn anew."""
    st.session_state[name] = shown


INK = {"light": "#5a686c", "dark": "#a6b3b6"}
"""Labels of charts, by theme: 5.8 and 8.3 to 1. Streamlit’s own grey for them is 3.7 to 1 on white, below AA."""


def chart(figure: "go.Figure", key: str, alt: str, **more: Any) -> Any:
    """Draw it, with labels that can be read; returns what was chosen in it, where `more` asks for that."""
    ink = INK["dark" if st.context.theme.type == "dark" else "light"]
    figure.update_layout(legend_font_color=ink)
    figure.update_xaxes(tickfont_color=ink)
    figure.update_yaxes(tickfont_color=ink)
    # Within a bar Plotly goes by the bar's own colour.
    figure.update_traces(outsidetextfont_color=ink, selector={"type": "bar"})
    figure.update_traces(textfont_color=ink, selector={"type": "scatter"})
    return st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False}, **more)


def plan_badge(here: Here, plan: Plan) -> None:
    badge(looking.plan_states(here.house, here.label, [plan])[plan.id])


def badge(state: looking.PlanState) -> None:
    st.badge(PLAN_WORDS[state], color=PLAN_COLOURS[state])  # type: ignore[arg-type]


def run_badge(run: Run, *, at_it: bool = True) -> None:
    """`at_it`: whether somebody works on the domain; a run that nobody is at was interrupted."""
    if run.status is RunStatus.RUNNING and not at_it:
        st.badge("Interrupted", color="orange")
        return
    st.badge(RUN_WORDS[run.status], color=RUN_COLOURS[run.status])  # type: ignore[arg-type]


def counts(told: Mapping[str, int]) -> None:
    """The numbers of a preview, as cards; rare ones only where there are any."""
    numbers([*_cards(told, TO_DO), ("Unchanged", told.get("unchanged", 0))])


def results(told: Mapping[str, int]) -> None:
    """The same of one that was processed."""
    words = {**ACTION_WORDS, **{name: word for name, word in RESULTS.items() if name != Result.DONE}}
    numbers(_cards(told, words), MOST_CARDS)


def _cards(told: Mapping[str, int], words: Mapping[str, str]) -> list[tuple[str, int | str]]:
    always = ("add", "update", "reactivate", "archive")
    shown = [(word, told.get(name, 0)) for name, word in words.items() if name in always or told.get(name)]
    return [*shown, ("Held back", told.get("held", 0))]


MOST_CARDS = 5
"""So many of those with long words have room beside each other."""


def numbers(cards: Sequence[tuple[str, int | str]], most: int = 9) -> None:
    """Cards of one width side by side, in as many rows as the window's width needs; more than `most` in two rows."""
    with st.grid(len(cards) if len(cards) <= most else ceil(len(cards) / 2), min_column_width=CARD):
        for label, number in cards:
            text = f"{number:,}" if isinstance(number, int) else number
            st.metric(label, text, border=True, help=HELP.get(label))


def first(shown: int, count: int) -> None:
    """Says so where a list is not whole."""
    if shown < count:
        st.caption(f"These are the first {shown:,} of {count:,}.")


def facts(title: str, rows: Mapping[str, str]) -> None:
    """What is set, for whoever reads and changes nothing: a line each. Title and values may hold data."""
    with st.container(border=True):
        st.header(escape(title), anchor=False)
        shown = [{"What": what, "Set to": escape(value) or "—"} for what, value in rows.items()]
        st.table(pd.DataFrame(shown), border="horizontal", hide_index=True, hide_header=True)


def belongs(here: Here, plan: Plan) -> bool:
    """Whether a plan that the address names is one of the domain looked at; says so when it is not."""
    if here.domain and plan.domain_id == here.domain.id:
        return True
    st.warning(
        f"This preview belongs to {escape(plan.domain)}. Choose that domain in the sidebar.", icon=":material/info:"
    )
    return False


def side_by_side(
    frame: pd.DataFrame,
    alt: str,
    line: Callable[[Mapping[str, str]], str] | None = None,
    fit: "Fit | None" = None,
) -> None:
    """Values of one person, a row per attribute, or a few people, a row each. A telephone has no room for columns of them: each is
    a line there, its first cell and `line` of its row or “before → after”. `fit`: without one the browser sees to the widths."""
    if on_a_telephone():
        told, first = line or _arrow, frame.columns[0]
        st.markdown("  \n".join(f"**{escape(row[first])}** {escape(told(row))}" for row in frame.to_dict("records")))
    else:
        st.dataframe(
            fit.cut(frame) if fit else frame, hide_index=True, height="content", alt=alt,
            column_config=fit.columns if fit else None, row_height=fit.row_height if fit else None,
        )  # fmt: skip


def narrowed(frame: pd.DataFrame, columns: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """On a telephone these columns instead, each of several in a line, numbers with their title: “30 Nov 2026, 09:00 GMT · 4 added”.
    For tables where whoever is selected is told in full."""
    if not on_a_telephone():
        return frame
    rows = frame.to_dict("records")
    return pd.DataFrame({title: [_joined(row, names) for row in rows] for title, names in columns.items()})


def _joined(row: Mapping[Hashable, object], names: Sequence[str]) -> str:
    found = [(name, row.get(name)) for name in names]
    return " · ".join(
        f"{each:,} {name.lower()}" if isinstance(each, int) else str(each) for name, each in found if each
    )


def _arrow(row: Mapping[str, str]) -> str:
    """What stands beside the attribute, each value once."""
    values = [value or "(blank)" for name, value in row.items() if name != "Attribute"]
    return " → ".join(dict.fromkeys(values))


def values_table(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> pd.DataFrame:
    rows = [
        {"Attribute": attribute_called(name), "Before": before.get(name) or "", "After": value or ""}
        for name, value in after.items()
    ]
    return pd.DataFrame(rows, columns=["Attribute", "Before", "After"])


ROUND, NARROWEST, WIDEST = 18, 60, 620
"""Pixels: what stands around a cell's text, and the bounds of a column that is not wrapped."""
ROOM, TELEPHONE = 825, 320
"""Pixels that a table's columns have beside the sidebar of a window of 1,280, and on a telephone."""
WRAPPED, LINE, MOST_LINES = 150, 20, 6
"""Pixels: no text is wrapped into less, and the height of a line. One very long text must not make all rows higher than so many
lines, on a telephone half as many: whoever is selected is told in full."""
WRAPS_FROM = 66
"""Streamlit wraps the texts of rows that are higher than 64 pixels, and cuts them in lower ones."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The widths of a table's columns, and the height of its rows in pixels; None: a line's."""

    columns: Mapping[str, ColumnConfig]
    row_height: int | None

    def cut(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With an ellipsis in each text that has no room: the browser's cut shows none. For tables where whoever is selected is told
        in full."""
        lines = (self.row_height or 0) // LINE
        wide = {name: int(str(each["width"])) for name, each in self.columns.items() if each["width"]}
        texts = {name: map(str, frame[name]) for name in wide if not is_numeric_dtype(frame[name])}
        return frame.assign(
            **{
                name: [_wrapped(text, wide[name], lines) if lines else short(text, wide[name] - ROUND) for text in each]
                for name, each in texts.items()
            }
        )


def _wrapped(text: str, width: int, lines: int) -> str:
    """The same of a text that is wrapped into so many lines."""
    if _lines(text, width) <= lines:
        return text
    text = short(text, (width - ROUND) * lines)
    while _lines(text, width) > lines:
        text = f"{text[:-2].rstrip()}…"
    return text


def short(text: str, room: int) -> str:
    """With an ellipsis where it is wider than so many pixels."""
    if _pixels(text) <= room:
        return text
    reaches = accumulate(map(_letter, text), initial=_letter(WIDE_LETTERS[0]))
    return f"{text[: max(sum(reach <= room for reach in reaches) - 1, 0)].rstrip()}…"


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the columns in which nothing stands."""
    return frame[[name for name in frame.columns if frame[name].astype(bool).any()]]


def with_room(frame: pd.DataFrame) -> pd.DataFrame:
    """The first columns, as many as stand beside each other uncut; what is left out is told of whoever is selected. A telephone
    passes over what is too wide for it."""
    names: list[str] = []
    left = _room()
    for name in frame.columns:
        wide = min(max(_widths(frame, name)), WIDEST)
        if wide <= left:
            names.append(name)
            left -= wide
        elif not on_a_telephone():
            break
    return frame[names]


def fitted(frame: pd.DataFrame, taken: int = 0, *, whole: bool = False, most: int = MOST_LINES) -> Fit:
    """Columns as wide as their longest cell where all have room. Otherwise a few long cells are cut, for wrapping makes every
    row high: whoever is selected is told in full. Where that would cut most rows the widest columns are wrapped. A table of very many
    columns scrolls. The browser alone would look at a few rows, and after it has drawn them. `taken`: pixels of columns
    that are not of text. `whole`: nobody can be selected, so nothing is cut as long as wrapping has room for it.
    `most`: lines of a row."""
    cells = {name: _widths(frame, name) for name in frame.columns}
    wide = {name: max(each) for name, each in cells.items()}
    room = _room() - taken
    if sum(wide.values()) <= room or sum(min(each, WRAPPED) for each in wide.values()) > room:
        return Fit({name: _column(min(each, WIDEST)) for name, each in wide.items()}, None)
    narrow = _cut(cells, room)
    cut = sum(
        any(each > most for each, most in zip(row, narrow.values(), strict=True))
        for row in zip(*cells.values(), strict=True)
    )
    if most == 1 or (cut * 2 <= len(frame) and not (whole and cut)):
        return Fit({name: _column(each) for name, each in narrow.items()}, None)
    share = _shared(sorted(wide.values()), room)
    lines = max(_lines(str(text), share) for name in frame.columns if wide[name] > share for text in frame[name])
    lines = min(lines, most, MOST_LINES // 2 if on_a_telephone() else MOST_LINES)
    return Fit(
        {name: _column(min(each, share)) for name, each in wide.items()}, max(WRAPS_FROM, LINE * lines + LINE // 2)
    )


def _room() -> int:
    return TELEPHONE if on_a_telephone() else ROOM


def either(usual: int | None, telephone: int) -> int | None:
    """Pixels of a column whose width no text decides, such as that of an editor; None takes what is left."""
    return telephone if on_a_telephone() else usual


def _widths(frame: pd.DataFrame, name: str) -> list[int]:
    """Pixels of a column's title and of each of its cells."""
    return [max(ceil(_pixels(text)) + ROUND, NARROWEST) for text in (name, *map(str, frame[name]))]


NARROW_LETTERS, WIDE_LETTERS = "fijlrtI.,:;'!|()[] -·", "mwMW@%→"


def _pixels(text: str) -> float:
    return sum(map(_letter, text))


def _letter(letter: str) -> float:
    """Pixels of a letter in a table's font, or a little more."""
    if letter in NARROW_LETTERS:
        return 4.4
    return 11.4 if letter in WIDE_LETTERS else 8 if letter.isupper() else 7


def _cut(cells: Mapping[str, Sequence[int]], room: int) -> dict[str, int]:
    """Widths that have room together: the columns in which the fewest cells are cut for it give way."""
    now = {name: max(each) for name, each in cells.items()}
    while (over := sum(now.values()) - room) > 0:
        # The next width of each column, no narrower than its title: how many more cells it cuts, and what it gives.
        steps = []
        for name, each in cells.items():
            least = max(each[0], min(WRAPPED, now[name]))
            less = max((one for one in each if least <= one < now[name]), default=least)
            if less < now[name]:
                steps.append((each.count(now[name]), less - now[name], name, max(less, now[name] - over)))
        if not steps:
            break
        _, _, name, width = min(steps)
        now[name] = width
    return now


def _column(width: int) -> ColumnConfig:
    """Numbers stay numbers, and stand at the right."""
    return st.column_config.Column(width=width)


def _shared(wide: Sequence[int], room: int) -> int:
    """The width that the widest are cut to, so that all have room. `wide`: from the narrowest on."""
    for place, each in enumerate(wide):
        share = room // (len(wide) - place)
        if each > share:
            return share
        room -= each
    return wide[-1]


def _lines(text: str, width: int) -> int:
    """How many a text takes that is wrapped between its words; a word wider than a line is broken."""
    lines, used, room = 1, 0.0, width - ROUND
    for wide in map(_pixels, text.split()):
        if used and used + wide > room:
            lines, used = lines + 1, 0.0
        lines += int((used + wide) // room)
        used = (used + wide) % room + _letter(" ")
    return lines
