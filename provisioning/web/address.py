"""What one looks at stands in the address: it survives a reload, and can be sent to a colleague.

The address decides and widgets follow: each is set from it before it is drawn, and writes to it when somebody uses it.
What changes together is written at once, for every write is one step of the browser's Back button.
"""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig
from streamlit.elements.lib.mutable_tab_container import TabContainer

from provisioning.web.words import searchable

PAGE = 50
MOST_ROWS, MOST_WRAPPED = 18, 12
ROW = 35
"""Pixels of a row whose cells are a line each."""
SELECTED, PAGED, SEARCH = "selected", "page", "search"


def in_grey(text: str) -> str:
    """The words of something that can be chosen among others: in a colour of their own, for in the primary colour, which marks
    what is chosen, they would not be read in the dark."""
    return f":gray[{text}]"


def look_at(**values: str | Sequence[str]) -> None:
    """Write these to the address; what is blank leaves it."""
    now = {name: st.query_params.get_all(name) for name in st.query_params}
    then = now | {name: [value] if isinstance(value, str) else list(value) for name, value in values.items()}
    then = {name: found for name, value in then.items() if (found := [each for each in value if each])}
    if then != now:
        st.query_params.from_dict(then)


def filter_by(**values: str | Sequence[str]) -> None:
    """Look at another part of a list: from its first page, with nobody selected."""
    look_at(**{PAGED: "", SELECTED: ""} | values)


def tabs(what: str, labels: Mapping[str, str]) -> Sequence[TabContainer]:
    """Tabs by the names that stand in the address under `what`; the first stands there as nothing."""
    key, first = f"tabs_{what}", next(iter(labels))
    words = {name: in_grey(label) for name, label in labels.items()}
    names = {label: name for name, label in words.items()}

    def choose() -> None:
        name = names[st.session_state[key]]
        filter_by(**{what: "" if name == first else name})

    st.session_state[key] = words.get(st.query_params.get(what, first), words[first])
    return st.tabs(list(words.values()), key=key, on_change=choose)


def search(label: str, placeholder: str, key: str) -> str:
    """A search whose text stands in the address. Returns it without what nobody sees."""

    def choose() -> None:
        filter_by(**{SEARCH: searchable(st.session_state[key])})

    st.session_state[key] = searchable(st.query_params.get(SEARCH, ""))
    return st.text_input(label, key=key, on_change=choose, placeholder=placeholder, icon=":material/search:")


def choice(
    label: str, what: str, options: Sequence[str], words: Callable[[str], str], instead_of: Sequence[str] = ()
) -> str:
    """One of these; the first stands in the address as nothing, and is meant by what is no option. `instead_of`: what
    filters the same list, and leaves the address for it."""
    key = f"choice_{what}"

    def choose() -> None:
        named = "" if st.session_state[key] == options[0] else st.session_state[key]
        filter_by(**dict.fromkeys(instead_of, ""), **{what: named})

    named = st.query_params.get(what, options[0])
    st.session_state[key] = named if named in options else options[0]
    return st.selectbox(label, options, key=key, on_change=choose, format_func=words)


def several(
    label: str, what: str, options: Sequence[str], words: Callable[[str], str], usual: Sequence[str] = ()
) -> list[str]:
    """Any of these. Where the address names none, the `usual` ones."""
    key = f"several_{what}"

    def choose() -> None:
        filter_by(**{what: sorted(st.session_state[key], key=list(options).index)})

    named = [each for each in st.query_params.get_all(what) if each in options]
    st.session_state[key] = named or list(usual)
    return st.pills(
        label, options, selection_mode="multi", key=key, on_change=choose, wrap=True,
        format_func=lambda each: in_grey(words(each)),
    )  # fmt: skip


def pager(count: int, size: int = PAGE) -> int:
    """Which rows of a long list to show: how many to skip."""
    pages, key = max(1, -(-count // size)), "pager"
    named = st.query_params.get(PAGED, "")
    page = min(max(int(named), 1), pages) if named.isascii() and named.isdecimal() and len(named) < 9 else 1

    def choose() -> None:
        number = st.session_state[key]
        filter_by(**{PAGED: str(number) if number > 1 else ""})

    if pages > 1:
        st.session_state[key] = page
        label = f"Page (of {pages:,}; {count:,} in all)"
        st.number_input(label, min_value=1, max_value=pages, key=key, on_change=choose, width=220)
    return (page - 1) * size


def rows(
    frame: pd.DataFrame,
    names: Sequence[str],
    what: str,
    alt: str,
    *,
    many: bool = False,
    columns: Mapping[str, ColumnConfig] | None = None,
    row_height: int | None = None,
    instead_of: Sequence[str] | None = None,
    apart: str = "",
    usual: str = "",
    most: int | None = None,
) -> list[int]:
    """A table whose selected rows stand in the address under `what`, by `names`. Returns which are selected. `instead_of`: what
    filters the same list, and leaves the address for it. `apart`: tells two tables of one page apart that choose the same.
    `usual`: who is selected where the address names nobody. `most`: so many rows are in sight at a time."""
    key = f"rows_{what}{apart}"

    def choose() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        found = {what: [names[row] for row in chosen if row < len(names)]}
        if instead_of is None:
            look_at(**found)
        else:
            filter_by(**dict.fromkeys(instead_of, ""), **found)

    wanted = set(st.query_params.get_all(what)) or {usual}
    selected = [row for row, name in enumerate(names) if name in wanted][: None if many else 1]
    st.session_state[key] = {"selection": {"rows": selected, "columns": [], "cells": []}}
    # Room for the toolbar that the browser lays above a table which is pointed at: it would cover what stands there.
    st.space("xxsmall")
    st.dataframe(
        frame, hide_index=True, on_select=choose, selection_mode="multi-row" if many else "single-row", key=key,
        height=height(len(names), row_height or ROW, most), row_height=row_height, column_config=columns, alt=alt,
    )  # fmt: skip
    return selected


def scrolls(count: int) -> str:
    """Says that a table shows a part of its rows at a time; nothing where it shows all."""
    return f" The table scrolls: {MOST_ROWS - 1} of {count:,} are seen at a time." if count > MOST_ROWS else ""


def height(count: int, row: int = ROW, most: int | None = None) -> int:
    """As high as its rows, up to a window's height, or up to `most` of them; of more rows half of one shows that they go on.
    `row`: the height of one."""
    most = most or max(MOST_ROWS * ROW // row, MOST_WRAPPED)
    return 37 + row * max(count, 1) if count <= most else 37 + row * most - row // 2
