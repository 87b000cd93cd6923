"""The mapping as rows of an editor, and back. What the browser sends is normalised here and checked by the workflow."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

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
from provisioning.engine.transforms import CLEAN_UP, fold, tidy
from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy, Field

EVERYDAY, CUSTOM = "everyday", ".custom."
VIEWS = {
    EVERYDAY: ("Everyday", (NAME, FEED, VALUE, REQUIRED, IDENTIFIER)),
    "values": ("Values", (NAME, TYPE, CLEAN, TABLE, OPTIONS)),
    "blanks": ("Blanks", (NAME, FALLBACK, BLANK, APPLIES)),
    "all": ("All columns", COLUMNS),
}
"""Which columns stand in the table together: as many as fit beside the sample. By the word in the address."""


def to_frame(attributes: Sequence[Attribute], identifier: str) -> pd.DataFrame:
    frame = pd.DataFrame([row_of(each, identifier) for each in attributes], columns=list(COLUMNS))
    text = [name for name in COLUMNS if name not in (REQUIRED, IDENTIFIER, CLEAN)]
    kinds: dict[str, str] = dict.fromkeys(text, "object") | {REQUIRED: "bool", IDENTIFIER: "bool", CLEAN: "object"}
    return frame.astype(kinds)


def from_frame(frame: pd.DataFrame, before: str = "") -> tuple[tuple[Attribute, ...], str]:
    """(attributes, unique identifier). Rows without a name are not there yet. `before`: the unique identifier until
    now, which gives way to one that is ticked beside it. Raises `SettingsError` naming row and cell for what cannot be
    read, and when it cannot be told which of several ticks is meant."""
    rows = [{name: _value(row[name]) for name in COLUMNS} for row in frame.to_dict("records")]
    named = [(number, row) for number, row in enumerate(rows, 1) if tidy(_text(row[NAME]))]
    return tuple(attribute_of(f"Row {number}", row) for number, row in named), _identifier(named, before)


def _identifier(named: Sequence[tuple[int, Mapping[str, object]]], before: str) -> str:
    ticked = {number: tidy(_text(row[NAME])) for number, row in named if row[IDENTIFIER] is True}
    new = [name for name in ticked.values() if name != before] if len(ticked) > 1 else list(ticked.values())
    if len(new) > 1:
        rows = ", ".join(str(number) for number in ticked)
        raise SettingsError(
            f"Rows {rows}, {IDENTIFIER}: several are ticked, and there is exactly one. Leave one ticked."
        )
    return new[0] if new else before if ticked else ""


def ticked(frame: pd.DataFrame) -> int:
    """How many rows are ticked as the unique identifier."""
    return sum(row[IDENTIFIER] is True for row in frame.to_dict("records"))


def _value(value: object) -> object:
    """Editors send back nan, None or a number for what was left empty."""
    return None if value is pd.NA or (isinstance(value, float) and value != value) else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


# --- the editor -------------------------------------------------------------------------------------------


def _called(field: Field, names: Mapping[str, int]) -> str:
    """As short as the table has room for, and whole: the id; a customer's own field by its name, which says more, where
    only one field has it. Names that the id does not tell stand behind it."""
    if CUSTOM in field.id:
        return field.name if names[fold(field.name)] == 1 else f"{field.name} · {field.id}"
    evident = fold(field.name).replace(" ", "") in fold(field.id).replace(".", "")
    return field.id if evident else f"{field.id} · {field.name}"


def edit(
    frame: pd.DataFrame, fields: Sequence[Field], written: Sequence[str], key: str, disabled: bool, view: str
) -> pd.DataFrame:
    """The table one edits. `written`: column names in use that are no field ids, offered as well. `view`: which of
    `VIEWS` is shown; what it leaves out stays as it is."""
    often = Counter(fold(each.name) for each in fields)
    names = {each.id: _called(each, often) for each in sorted(fields, key=lambda each: each.name.casefold())}
    options = [*[each for each in written if each not in names], *names]
    column = st.column_config
    edited: pd.DataFrame = st.data_editor(
        frame,
        key=key,
        num_rows="dynamic",
        placeholder="",
        hide_index=True,
        disabled=disabled,
        height=37 + 35 * min(max(len(frame), 3) + 2, 42),
        column_order=VIEWS[view][1],
        column_config={
            NAME: column.TextColumn(required=True, pinned=True, width=116, help="Skillcast’s name of the user attribute."),
            FEED: column.SelectboxColumn(
                options=options, width=192, format_func=lambda each: names.get(str(each), str(each)),
                help="The HiBob column that feeds the attribute.",
            ),
            VALUE: column.SelectboxColumn(
                options=[MACHINE, SPOKEN], default=MACHINE, required=True, width=113, help="HiBob’s value, or the text that people read."
            ),
            TYPE: column.SelectboxColumn(
                options=[each.value for each in AttributeType], default="text", required=True, width=80
            ),
            REQUIRED: column.CheckboxColumn(default=False, width=90, help="Whoever has none is held back."),
            IDENTIFIER: column.CheckboxColumn(default=False, width=91, help="No two users share it. Exactly one."),
            BLANK: column.SelectboxColumn(options=list(BLANKS.values()), default=BLANKS[BlankPolicy.KEEP], required=True),
            FALLBACK: column.SelectboxColumn(
                width=165, options=options, format_func=lambda each: names.get(str(each), str(each)), help="Read where the first is blank."
            ),
            CLEAN: column.MultiselectColumn(options=list(CLEAN_UP), help="Trimming is always done."),
            TABLE: column.TextColumn(help="HiBob’s value = Skillcast’s value; further pairs after a semicolon."),
            OPTIONS: column.TextColumn(help="For the type list: the values it may have, with semicolons."),
            APPLIES: column.SelectboxColumn(options=list(APPLY.values()), default=APPLY[Apply.ALWAYS], required=True),
        },
        alt="The mapping: a row per attribute",
    )  # fmt: skip
    return edited
