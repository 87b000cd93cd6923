"""The mapping as rows of an editor, and back. What the browser sends is normalised here and checked by the workflow."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

import pandas as pd
import streamlit as st

from provisioning.engine.columns import HUMAN
from provisioning.engine.transforms import CLEAN_UP, tidy
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy, Field

T = TypeVar("T")
NAME, FEED, VALUE, IDENTIFIER = "Attribute", "Data feed name", "Value", "Unique id"
TYPE, REQUIRED, BLANK, FALLBACK = "Type", "Required", "When blank", "Fallback"
CLEAN, TABLE, OPTIONS, APPLIES = "Clean-up", "Value table", "List options", "Applies"
MACHINE, SPOKEN = "Machine", "Human-readable"
COLUMNS = (NAME, FEED, VALUE, TYPE, REQUIRED, IDENTIFIER, BLANK, FALLBACK, CLEAN, TABLE, OPTIONS, APPLIES)
BLANKS = {BlankPolicy.KEEP: "Keep Skillcast’s", BlankPolicy.CLEAR: "Clear it", BlankPolicy.HOLD: "Hold the person"}
APPLY = {Apply.ALWAYS: "Always", Apply.ON_ADD: "On add only"}


def to_frame(attributes: Sequence[Attribute], identifier: str) -> pd.DataFrame:
    frame = pd.DataFrame([_row(each, identifier) for each in attributes], columns=list(COLUMNS))
    text = [name for name in COLUMNS if name not in (REQUIRED, IDENTIFIER, CLEAN)]
    kinds: dict[str, str] = dict.fromkeys(text, "object") | {REQUIRED: "bool", IDENTIFIER: "bool", CLEAN: "object"}
    return frame.astype(kinds)


def _row(each: Attribute, identifier: str) -> dict[str, object]:
    feed = each.data_feed_name or ""
    return {
        NAME: each.name,
        FEED: feed.removeprefix(HUMAN) or None,
        VALUE: SPOKEN if feed.startswith(HUMAN) else MACHINE,
        TYPE: each.type.value,
        REQUIRED: each.required,
        IDENTIFIER: each.name == identifier,
        BLANK: BLANKS[each.blank],
        FALLBACK: each.fallback,
        CLEAN: list(each.clean_up),
        TABLE: table_text(dict(each.values)),
        OPTIONS: list_text(each.options),
        APPLIES: APPLY[each.apply],
    }


def from_frame(frame: pd.DataFrame) -> tuple[tuple[Attribute, ...], str]:
    """(attributes, unique identifier). Rows without a name are not there yet."""
    rows = [{name: _value(row[name]) for name in COLUMNS} for row in frame.to_dict("records")]
    named = [row for row in rows if tidy(_text(row[NAME]))]
    marked = [_text(row[NAME]) for row in named if row[IDENTIFIER] is True]
    return tuple(_attribute(row) for row in named), tidy(marked[-1]) if marked else ""


def _value(value: object) -> object:
    """Editors send back nan, None or a number for what was left empty."""
    return None if isinstance(value, float) and value != value else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _attribute(row: Mapping[str, object]) -> Attribute:
    feed, steps = tidy(_text(row[FEED])), row[CLEAN]
    if feed and row[VALUE] == SPOKEN:
        feed = HUMAN + feed
    return Attribute(
        name=tidy(_text(row[NAME])),
        data_feed_name=feed or None,
        type=AttributeType(_text(row[TYPE]) or "text"),
        required=row[REQUIRED] is True,
        blank=_key_of(BLANKS, row[BLANK], BlankPolicy.KEEP),
        fallback=tidy(_text(row[FALLBACK])) or None,
        clean_up=tuple(each for each in steps if each in CLEAN_UP) if isinstance(steps, list | tuple) else (),
        values=tuple(parse_table(_text(row[TABLE])).items()),
        options=parse_list(_text(row[OPTIONS])),
        apply=_key_of(APPLY, row[APPLIES], Apply.ALWAYS),
    )


def _key_of(words: Mapping[T, str], said: object, otherwise: T) -> T:
    return next((key for key, word in words.items() if word == said), otherwise)


# --- tables and lists as text -----------------------------------------------------------------------------


def table_text(values: Mapping[str, str]) -> str:
    """`Legal & Compliance = Legal; Ops = Operations`, or JSON where a value holds one of these marks."""
    plain = "; ".join(f"{key} = {value}" for key, value in values.items())
    return plain if parse_table(plain) == dict(values) else json.dumps(dict(values), ensure_ascii=False)


def parse_table(text: str) -> dict[str, str]:
    if text.lstrip().startswith("{"):
        try:
            return {str(key): str(value) for key, value in json.loads(text).items()}
        except ValueError:
            return {}
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {tidy(key): tidy(value) for key, _, value in pairs if tidy(key)}


def list_text(options: Sequence[str]) -> str:
    plain = "; ".join(options)
    return plain if parse_list(plain) == tuple(options) else json.dumps(list(options), ensure_ascii=False)


def parse_list(text: str) -> tuple[str, ...]:
    if text.lstrip().startswith("["):
        try:
            return tuple(str(each) for each in json.loads(text))
        except ValueError:
            return ()
    return tuple(tidy(part) for part in text.split(";") if tidy(part))


# --- the editor -------------------------------------------------------------------------------------------


def edit(
    frame: pd.DataFrame, fields: Sequence[Field], written: Sequence[str], key: str, disabled: bool
) -> pd.DataFrame:
    """The table one edits. `written`: column names in use that are no field ids, offered as well."""
    names = {each.id: f"{each.name} · {each.id}" for each in sorted(fields, key=lambda each: each.name.casefold())}
    options = [*[each for each in written if each not in names], *names]
    column = st.column_config
    edited: pd.DataFrame = st.data_editor(
        frame,
        key=key,
        num_rows="dynamic",
        placeholder="",
        hide_index=True,
        disabled=disabled,
        height=72 + 35 * max(len(frame), 3) if len(frame) <= 16 else 632,
        column_config={
            NAME: column.TextColumn(required=True, pinned=True, help="Skillcast’s name of the user attribute."),
            FEED: column.SelectboxColumn(
                options=options, width="medium", format_func=lambda each: names.get(str(each), str(each)),
                help="The HiBob column that feeds the attribute.",
            ),
            VALUE: column.SelectboxColumn(
                options=[MACHINE, SPOKEN], default=MACHINE, required=True, help="HiBob’s value, or the text that people read."
            ),
            TYPE: column.SelectboxColumn(options=[each.value for each in AttributeType], default="text", required=True),
            REQUIRED: column.CheckboxColumn(default=False, help="Whoever has none is held back."),
            IDENTIFIER: column.CheckboxColumn(default=False, help="No two users share it. Exactly one."),
            BLANK: column.SelectboxColumn(options=list(BLANKS.values()), default=BLANKS[BlankPolicy.KEEP], required=True),
            FALLBACK: column.SelectboxColumn(
                options=options, format_func=lambda each: names.get(str(each), str(each)), help="Read where the first is blank."
            ),
            CLEAN: column.MultiselectColumn(options=list(CLEAN_UP), help="Trimming is always done."),
            TABLE: column.TextColumn(help="HiBob’s value = Skillcast’s value; further pairs after a semicolon."),
            OPTIONS: column.TextColumn(help="For the type list: the values it may have, with semicolons."),
            APPLIES: column.SelectboxColumn(options=list(APPLY.values()), default=APPLY[Apply.ALWAYS], required=True),
        },
        alt="The mapping: a row per attribute",
    )  # fmt: skip
    return edited
