"""The mapping as rows of an editor, and back: beside what one edits, in the same row, what a person's value is and becomes.
What the browser sends is normalised here and checked by the workflow."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from provisioning.engine.advice import Trial
from provisioning.engine.mapping_rows import (
    APPLIES,
    APPLY,
    BLANK,
    BLANKS,
    CLEAN,
    COLUMNS,
    FALLBACK,
    FEED,
    IDENTIFIER,
    MACHINE,
    NAME,
    OPTIONS,
    REQUIRED,
    SPOKEN,
    TABLE,
    TYPE,
    VALUE,
    attribute_of,
    row_of,
)
from provisioning.engine.suggesting import reading
from provisioning.engine.transforms import CLEAN_UP, fold, tidy
from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy, Field
from provisioning.web.parts import ROUND, short
from provisioning.web.words import on_a_telephone
from provisioning.workflow.editing import Begun

Row = Mapping[str, object]
EVERYDAY = "everyday"
SAYS, GETS, FILLED, REMOVE = "HiBob says", "The user gets", "Filled", "Remove"
BIN = ":material/delete:"
SPARE = 3
"""Rows that stand ready for new attributes. With a fixed number of rows an editor keeps what was edited, and where one is,
while the values beside it follow; one that grows by itself is begun anew by every change of them."""

VIEWS = {
    EVERYDAY: ("Everyday", (NAME, FEED, SAYS, GETS, FILLED, IDENTIFIER, REMOVE)),
    "values": ("Values", (NAME, VALUE, TYPE, CLEAN, TABLE, OPTIONS, GETS)),
    "blanks": ("Blanks", (NAME, FALLBACK, BLANK, REQUIRED, APPLIES, FILLED)),
    "all": ("All columns", (*COLUMNS, SAYS, GETS, FILLED, REMOVE)),
}
"""Which columns stand in the table together: as many as fit. By the word in the address."""


_NEW: Row = {**row_of(Attribute(""), "-"), NAME: None}
FOLLOWING = (VALUE, TYPE, BLANK, APPLIES)
"""What stands in a row by itself once it has a name or a column."""
_NOTHING: Row = {**_NEW, **dict.fromkeys(FOLLOWING)}


def rows_of(attributes: Sequence[Attribute], identifier: str, spare: int = SPARE) -> list[Row]:
    """A row per attribute, and the spare ones."""
    return [*(row_of(each, identifier) for each in attributes), *[_NOTHING] * spare]


@dataclass(frozen=True, slots=True)
class Base:
    """What an editor began from. `of`: which domain. `why`: what is said of its beginning."""

    of: int
    begun: Begun
    content: tuple[tuple[Attribute, ...], str]
    rows: tuple[Row, ...]
    why: str = ""


def edited(rows: Sequence[Row], state: object, fields: Sequence[Field]) -> list[Row]:
    """The rows with what was typed into them. `state`: what the browser sent of the editor. A column that was chosen is
    read as it usually is, unless somebody said how."""
    said = state.get("edited_rows", {}) if isinstance(state, Mapping) else {}
    known = {each.id: each for each in fields}
    return [_edited(row, said.get(number, {}), known) for number, row in enumerate(rows)]


def _edited(row: Row, said: Row, known: Mapping[str, Field]) -> Row:
    row = _NEW if row is _NOTHING and said else row
    feed = said.get(FEED)
    found = known.get(feed) if isinstance(feed, str) and feed != row[FEED] else None
    if found is None:
        return {**row, **said}
    kind, spoken = reading(found, AttributeType(str(row[TYPE])))
    return {**row, TYPE: kind.value, VALUE: SPOKEN if spoken else MACHINE, **said}


def from_rows(rows: Sequence[Row], before: str = "") -> tuple[tuple[Attribute, ...], str]:
    """(attributes, unique identifier). Rows without a name are not there. `before`: the unique identifier until now, which
    gives way to one that is ticked beside it. Raises `SettingsError` naming row and cell for what cannot be read, and when
    it cannot be told which of several ticks is meant."""
    named = [(number, row) for number, row in enumerate(rows, 1) if has_name(row)]
    return tuple(attribute_of(f"Row {number}", row) for number, row in named), _identifier(named, before)


def has_name(row: Row) -> bool:
    return bool(tidy(_text(row[NAME])))


def _identifier(named: Sequence[tuple[int, Row]], before: str) -> str:
    ticked = {number: tidy(_text(row[NAME])) for number, row in named if row[IDENTIFIER] is True}
    new = [name for name in ticked.values() if name != before] if len(ticked) > 1 else list(ticked.values())
    if len(new) > 1:
        rows = ", ".join(str(number) for number in ticked)
        raise SettingsError(
            f"Rows {rows}, {IDENTIFIER}: several are ticked, and there is exactly one. Leave one ticked."
        )
    return new[0] if new else before if ticked else ""


def outgrown(rows: Sequence[Row]) -> bool:
    """Whether the editor is to be begun anew: no row is left for another attribute, or a tick was moved and two stand."""
    return all(has_name(row) for row in rows) or sum(row[IDENTIFIER] is True for row in rows if has_name(row)) > 1


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


# --- the editor -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """What is drawn: the rows as they were begun, and as they are now; what becomes of one person, by attribute."""

    begun: Sequence[Row]
    now: Sequence[Row]
    tried: Mapping[str, Trial]
    fields: Sequence[Field]


def _frame(table: Table) -> pd.DataFrame:
    """The editor lays over it what was typed, so that the cells one edits are those of the beginning; those that follow from
    another cell stand as they are now."""
    rows = [
        {**row, **{name: now[name] for name in FOLLOWING if isinstance(now[name], str)}, **_beside(now, table.tried)}
        for row, now in zip(table.begun, table.now, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=[*COLUMNS, SAYS, GETS, FILLED, REMOVE])
    for name in (SAYS, GETS):
        frame[name] = [_cut(value) for value in frame[name]]
    kinds = {REQUIRED: "bool", IDENTIFIER: "bool", FILLED: "float64"}
    return frame.astype({name: kinds.get(name, "object") for name in frame.columns})


def _beside(row: Row, tried: Mapping[str, Trial]) -> Row:
    """What stands in an attribute's row and is not edited."""
    name = tidy(_text(row[NAME]))
    found = tried.get(name)
    bin_ = BIN if name else None
    if found is None:
        return {SAYS: None, GETS: None, FILLED: None, REMOVE: bin_}
    if found.filled is None:
        return {SAYS: "(not read yet)" if found.column else "(not fed)", GETS: None, FILLED: None, REMOVE: bin_}
    stores = found.after or (f"({found.note})" if found.note else None)
    return {SAYS: found.before or None, GETS: stores, FILLED: share(found.filled), REMOVE: bin_}


def _cut(value: object) -> str | None:
    """As it has room in its cell, which is not edited."""
    return short(value, _value_width() - ROUND) if isinstance(value, str) else None


def in_full(table: Table, view: str) -> str:
    """The values that this view cuts: “Email: ebba.lindqvist@northwind.example”; "" where it cuts none."""
    shown = [name for name in (SAYS, GETS) if name in VIEWS[view][1]]
    found = {str(row[NAME]): _beside(row, table.tried) for row in table.now if has_name(row)}
    values = {name: [each for each in map(row.get, shown) if each != _cut(each)] for name, row in found.items()}
    return "; ".join(f"{name}: {' → '.join(map(str, dict.fromkeys(each)))}" for name, each in values.items() if each)


def share(filled: float | None) -> float | None:
    """In whole percents, and 100 only where nobody lacks it."""
    return None if filled is None else int(filled * 100) / 100


def called(fields: Sequence[Field]) -> dict[str, str]:
    """By its id, what each of HiBob's fields is called, in the order of the names: its name, and the id behind it where
    several share the name."""
    often = Counter(fold(each.name) for each in fields)
    return {
        each.id: (each.name if often[fold(each.name)] == 1 else f"{each.name} · {each.id}") if each.name else each.id
        for each in sorted(fields, key=lambda each: each.name.casefold())
    }


def _order(view: str) -> list[str]:
    """The columns of a view. A telephone has a value before and after in sight, and what feeds it beyond."""
    order = list(VIEWS[view][1])
    if on_a_telephone() and view == EVERYDAY:
        order.remove(FEED)
        order.insert(order.index(GETS) + 1, FEED)
    return order


def edit(table: Table, key: str, view: str, remove: Callable[[str], None]) -> None:
    """The table one edits; what was typed stands in the session under `key`. `view`: which of `VIEWS` is shown. `remove`:
    called with its key in the session when a row's bin is clicked."""
    bins = st.column_config.ButtonColumn(
        width=60, type="tertiary", key=f"{key}_remove", on_click=remove, args=(f"{key}_remove",)
    )
    st.data_editor(
        _frame(table), key=key, num_rows="fixed", placeholder="", hide_index=True, disabled=[SAYS, GETS, FILLED],
        height=37 + 35 * min(len(table.begun), 42), column_order=_order(view), column_config=_columns(table) | {REMOVE: bins},
        alt=ALT,
    )  # fmt: skip


def show(table: Table, view: str) -> None:
    """The same for whoever only reads."""
    order = [name for name in _order(view) if name != REMOVE]
    frame, columns = _frame(table), _columns(table)
    for name, label, width in ((REQUIRED, None, 90), (IDENTIFIER, "Unique", 76)):
        frame[name] = ["Yes" if ticked else None for ticked in frame[name]]
        columns[name] = st.column_config.TextColumn(label, width=width)
    st.dataframe(
        frame, hide_index=True, placeholder="", height=37 + 35 * min(max(len(table.begun), 1), 42), column_order=order,
        column_config=columns, alt=ALT,
    )  # fmt: skip


def _value_width() -> int:
    return 120 if on_a_telephone() else 193


ALT = "The mapping: a row per attribute, with the values of one person before and after"


def _columns(table: Table) -> dict[str, ColumnConfig]:
    """The everyday ones are together as wide as the page at 1,280 pixels; what a wider one has left goes to all alike."""
    names = called(table.fields)
    written = [name for row in table.now for name in (row[FEED], row[FALLBACK]) if isinstance(name, str)]
    options = [*dict.fromkeys(each for each in written if each not in names), *names]
    column, value = st.column_config, _value_width()
    return {
        NAME: column.TextColumn(pinned=True, width=116, help="Skillcast’s name of the user attribute. Without one, a row is gone."),
        FEED: column.SelectboxColumn(
            options=options, width=144, format_func=lambda each: names.get(str(each), str(each)),
            help="Skillcast’s word for the HiBob column that feeds the attribute.",
        ),
        SAYS: column.TextColumn(width=value, help="The value of the person chosen above, in HiBob."),
        GETS: column.TextColumn(width=value, help="What their user would get of it."),
        FILLED: column.NumberColumn(width=56, format="percent", help="The share of people with a value."),
        VALUE: column.SelectboxColumn(
            options=[MACHINE, SPOKEN], default=MACHINE, required=True, width=113,
            help="HiBob keeps many values as an id and shows people a text. As shown: Finance. As stored: 2478. Dates are best as stored.",
        ),
        TYPE: column.SelectboxColumn(
            options=[each.value for each in AttributeType], default="text", required=True, width=80,
            help="What Skillcast keeps. user: another person, such as the manager.",
        ),
        REQUIRED: column.CheckboxColumn(default=False, width=90, help="Whoever has none is held back."),
        IDENTIFIER: column.CheckboxColumn(
            "Unique", default=False, width=76, help="The unique identifier: no two users share it. Exactly one is ticked."
        ),
        BLANK: column.SelectboxColumn(
            options=list(BLANKS.values()), default=BLANKS[BlankPolicy.KEEP], required=True,
            help="What a blank in HiBob does to the value in Skillcast.",
        ),
        FALLBACK: column.SelectboxColumn(
            width=165, options=options, format_func=lambda each: names.get(str(each), str(each)),
            help="A second HiBob column, read where the first is blank.",
        ),
        CLEAN: column.MultiselectColumn(width=110, options=list(CLEAN_UP), help="How it is written. Trimming is always done."),
        TABLE: column.TextColumn(width=130, help="HiBob’s value = Skillcast’s value; further pairs after a semicolon."),
        OPTIONS: column.TextColumn(width=110, help="For the type list: the values it may have, with semicolons."),
        APPLIES: column.SelectboxColumn(
            options=list(APPLY.values()), default=APPLY[Apply.ALWAYS], required=True,
            help="On add only: set when somebody is added, and left alone after that.",
        ),
    }  # fmt: skip
