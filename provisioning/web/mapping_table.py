"""The mapping as rows of an editor, and back. What the browser sends is normalised here and checked by the workflow."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import pandas as pd
import streamlit as st

from provisioning.engine.columns import HUMAN
from provisioning.engine.transforms import CLEAN_UP, tidy
from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy, Field

T = TypeVar("T")
NAME, FEED, VALUE, IDENTIFIER = "Attribute", "Data feed name", "Value", "Unique id"
TYPE, REQUIRED, BLANK, FALLBACK = "Type", "Required", "When blank", "Fallback"
CLEAN, TABLE, OPTIONS, APPLIES = "Clean-up", "Value table", "List options", "Applies"
MACHINE, SPOKEN = "Machine", "Human-readable"
COLUMNS = (NAME, FEED, VALUE, TYPE, REQUIRED, IDENTIFIER, BLANK, FALLBACK, CLEAN, TABLE, OPTIONS, APPLIES)
BLANKS = {BlankPolicy.KEEP: "Keep Skillcast’s", BlankPolicy.CLEAR: "Clear it", BlankPolicy.HOLD: "Hold the person"}
SHOWN = 60
EVERYDAY = "everyday"
VIEWS = {
    EVERYDAY: ("Everyday", (NAME, FEED, VALUE, REQUIRED, IDENTIFIER)),
    "values": ("Values", (NAME, TYPE, CLEAN, TABLE, OPTIONS)),
    "blanks": ("Blanks", (NAME, FALLBACK, BLANK, APPLIES)),
    "all": ("All columns", COLUMNS),
}
"""Which columns stand in the table together: as many as fit beside the sample. By the word in the address."""

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


def from_frame(frame: pd.DataFrame, before: str = "") -> tuple[tuple[Attribute, ...], str]:
    """(attributes, unique identifier). Rows without a name are not there yet. `before`: the unique identifier until
    now, which gives way to one that is ticked beside it. Raises `SettingsError` naming row and cell for what cannot be
    read, and when it cannot be told which of several ticks is meant."""
    rows = [{name: _value(row[name]) for name in COLUMNS} for row in frame.to_dict("records")]
    named = [(number, row) for number, row in enumerate(rows, 1) if tidy(_text(row[NAME]))]
    return tuple(_attribute(number, row) for number, row in named), _identifier(named, before)


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


def _attribute(number: int, row: Mapping[str, object]) -> Attribute:
    name = tidy(_text(row[NAME]))

    def cell(column: str, read: Callable[[object], T]) -> T:
        try:
            return read(row[column])
        except SettingsError as problem:
            raise SettingsError(f"Row {number}, “{name}”, {column}: {problem}") from None

    feed = tidy(_text(row[FEED]))
    spoken = cell(VALUE, lambda said: _key_of({False: MACHINE, True: SPOKEN}, said, False))
    return Attribute(
        name=name,
        data_feed_name=(HUMAN + feed if spoken else feed) if feed else None,
        type=cell(TYPE, lambda said: _key_of({each: each.value for each in AttributeType}, said, AttributeType.TEXT)),
        required=row[REQUIRED] is True,
        blank=cell(BLANK, lambda said: _key_of(BLANKS, said, BlankPolicy.KEEP)),
        fallback=tidy(_text(row[FALLBACK])) or None,
        clean_up=cell(CLEAN, _steps),
        values=cell(TABLE, lambda said: tuple(parse_table(_text(said)).items())),
        options=cell(OPTIONS, lambda said: parse_list(_text(said))),
        apply=cell(APPLIES, lambda said: _key_of(APPLY, said, Apply.ALWAYS)),
    )


def _key_of(words: Mapping[T, str], said: object, otherwise: T) -> T:
    if said is None or said == "":
        return otherwise
    for key, word in words.items():
        if word == said:
            return key
    raise SettingsError(f"“{_short(said)}” is not one of: {', '.join(words.values())}.")


def _steps(said: object) -> tuple[str, ...]:
    if said is None:
        return ()
    steps = said if isinstance(said, list | tuple) else [said]
    unknown = [each for each in steps if not isinstance(each, str) or each not in CLEAN_UP]
    if unknown:
        raise SettingsError(f"“{_short(unknown[0])}” is not one of: {', '.join(CLEAN_UP)}.")
    return tuple(steps)


def _short(said: object) -> str:
    text = str(said)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


# --- tables and lists as text -----------------------------------------------------------------------------


def table_text(values: Mapping[str, str]) -> str:
    """`Legal & Compliance = Legal; Ops = Operations`, or JSON where a value holds one of these marks."""
    plain = "; ".join(f"{key} = {value}" for key, value in values.items())
    with suppress(SettingsError):
        if parse_table(plain) == dict(values):
            return plain
    return json.dumps(dict(values), ensure_ascii=False)


def parse_table(text: str) -> dict[str, str]:
    """Raises `SettingsError` for a part that is no pair, and for a value that two pairs name."""
    if text.lstrip().startswith("{"):
        return _once(_json(text, '{"Legal & Compliance": "Legal"}'))
    pairs = []
    for part in filter(tidy, text.split(";")):
        key, mark, value = part.partition("=")
        if not mark or not tidy(key):
            raise SettingsError(f"“{_short(tidy(part))}” is no pair. Write: HiBob’s value = Skillcast’s value.")
        pairs.append((tidy(key), tidy(value)))
    return _once(pairs)


def _once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            raise SettingsError(f"“{_short(key)}” stands there twice, with different values.")
    return found


def list_text(options: Sequence[str]) -> str:
    plain = "; ".join(options)
    with suppress(SettingsError):
        if parse_list(plain) == tuple(options):
            return plain
    return json.dumps(list(options), ensure_ascii=False)


def parse_list(text: str) -> tuple[str, ...]:
    """Raises `SettingsError` for a list in brackets that is no JSON list of texts."""
    if text.lstrip().startswith("["):
        return tuple(value for _, value in _json(text, '["London", "Paris"]'))
    return tuple(tidy(part) for part in text.split(";") if tidy(part))


def _json(text: str, example: str) -> list[tuple[str, str]]:
    """The pairs of an object, all of them; of a list, its texts with an empty key."""
    try:
        found = json.loads(text, object_pairs_hook=lambda pairs: pairs)
        listed = text.lstrip().startswith("[")
        pairs = [("", each) for each in found] if listed else list(found)
        if all(isinstance(value, str | int | float) and not isinstance(value, bool) for _, value in pairs):
            said = [(key, str(value)) for key, value in pairs]
            "".join(part for pair in said for part in pair).encode()
            return said
    except (ValueError, RecursionError):
        pass
    raise SettingsError(f"“{_short(text)}” cannot be read. Write it like: {example}")


# --- the editor -------------------------------------------------------------------------------------------


def edit(
    frame: pd.DataFrame, fields: Sequence[Field], written: Sequence[str], key: str, disabled: bool, view: str
) -> pd.DataFrame:
    """The table one edits. `written`: column names in use that are no field ids, offered as well. `view`: which of
    `VIEWS` is shown; what it leaves out stays as it is."""
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
        height=37 + 35 * min(max(len(frame), 3) + 2, 42),
        column_order=VIEWS[view][1],
        column_config={
            NAME: column.TextColumn(required=True, pinned=True, width=115, help="Skillcast’s name of the user attribute."),
            FEED: column.SelectboxColumn(
                options=options, width=137, format_func=lambda each: names.get(str(each), str(each)),
                help="The HiBob column that feeds the attribute.",
            ),
            VALUE: column.SelectboxColumn(
                options=[MACHINE, SPOKEN], default=MACHINE, required=True, width=115, help="HiBob’s value, or the text that people read."
            ),
            TYPE: column.SelectboxColumn(
                options=[each.value for each in AttributeType], default="text", required=True, width=80
            ),
            REQUIRED: column.CheckboxColumn(default=False, width=92, help="Whoever has none is held back."),
            IDENTIFIER: column.CheckboxColumn(default=False, width=93, help="No two users share it. Exactly one."),
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
