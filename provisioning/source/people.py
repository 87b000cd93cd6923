"""people/search: the answer's bytes to one text column per field and form, with the evidence of the read.

One value stands up to three times in an employee: under its slash key, nested by its path, and nested again under
`humanReadable`. Leaves are decoded as anything, so that a strange value concerns one person; only a wrong envelope
is an error. No dict per person lives on.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import UNSET, Struct, UnsetType

from provisioning.errors import SettingsError, SourceError
from provisioning.model import Column, ColumnEvidence, Evidence, Field, Snapshot
from provisioning.source.client import HiBobClient

MOST_FIELDS = 400
MOST_DIGITS = 60
ID, STATUS, LIFECYCLE = "root.id", "internal.status", "internal.lifecycleStatus"

_PLAIN_TYPES = frozenset({"", "text", "text-area", "number", "date", "short-date", "time"})
"""Types whose human-readable text is the machine value itself, should HiBob not repeat it."""


def read_people(client: HiBobClient, fields: Sequence[Field], now: datetime) -> Snapshot:
    """One complete read of everybody the service user may see, inactive people included.

    `fields` must contain root.id. Where neither status nor lifecycle is permitted, a second read of active people
    alone says who is active. Raises `SourceError` for every answer that is no complete list of people.
    """
    if len(fields) > MOST_FIELDS:
        raise SettingsError(
            f"The mapping and the scopes name {len(fields)} HiBob columns, root.id included; HiBob answers {MOST_FIELDS} "
            "at most."
        )
    asked = [each.id for each in fields]
    snapshot = decode_people(client.search(asked), fields, now)
    if STATUS in asked and all(snapshot.evidence.absent(each) for each in (STATUS, LIFECYCLE) if each in asked):
        only_id = [each for each in fields if each.id == ID]
        active = decode_people(client.search([ID], inactive=False), only_id, now)
        return _with_status(snapshot, set(active.table[ID].to_pylist()))
    return snapshot


def decode_people(body: bytes, fields: Sequence[Field], now: datetime) -> Snapshot:
    """The snapshot in the bytes of one answer. `now`: the moment of the read."""
    shape = _Shape(fields)
    employees = _decode(body, shape)
    found = _Found(shape, employees)
    columns: dict[str, pa.Array] = {}
    evidence: list[ColumnEvidence] = []
    for each in fields:
        machine, human, present = found.forms(each)
        columns[each.id] = pa.array(machine, pa.string())
        columns[Column(each.id, human=True).slot] = pa.array(human, pa.string())
        filled = sum(1 for a, b in zip(machine, human, strict=True) if a or b)
        evidence.append(ColumnEvidence(each.id, present, filled, each.category, each.category_name))
    table = pa.table(columns)
    check_ids(table[ID].to_pylist())
    return Snapshot(table, Evidence(now, table.num_rows, count_active(table), tuple(evidence)))


# --- the shape of an employee, made for the fields that were asked for -------------------------------------


@dataclass(slots=True)
class _Node:
    """One step of the nested values. `ends`: the requested fields that end here. `kind`: the struct that is
    decoded, with the attribute name of each step; without it the step is decoded as anything."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    ends: list[str] = field(default_factory=list)
    kind: type[Struct] | None = None
    names: dict[str, str] = field(default_factory=dict)


class _Shape:
    """The struct type of an employee, and the trees by which values are found in it."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.nested, self.human = _tree(fields), _tree(fields)
        slash: dict[str, Any] = {key: Any for each in fields if _nameable(key := slash_key(each.id))}
        human = _or_strange(_struct(self.human, {}))
        self.employee = _struct(self.nested, slash | {"humanReadable": human})
        self.answer: Any = msgspec.defstruct("Answer", [("employees", list[self.employee])])  # type: ignore[name-defined]


def slash_key(field_id: str) -> str:
    """The key under which HiBob puts a value beside the nested ones: `/work/department`."""
    return "/" + field_id.replace(".", "/")


def _tree(fields: Sequence[Field]) -> _Node:
    root = _Node()
    for each in fields:
        node = root
        for step in (each.json_path or each.id).removeprefix("root.").split("."):
            node = node.children.setdefault(step, _Node())
        node.ends.append(each.id)
    return root


def _struct(node: _Node, extra: dict[str, Any]) -> type[Struct]:
    kinds = {step: _kind(child) for step, child in node.children.items() if _nameable(step)} | extra
    node.names = {step: f"f{place}" for place, step in enumerate(kinds)}
    specs: list[tuple[str, Any, Any]] = [(node.names[step], kind, UNSET) for step, kind in kinds.items()]
    node.kind = msgspec.defstruct("Step", specs, rename={name: step for step, name in node.names.items()}, gc=False)
    return node.kind


def _kind(node: _Node) -> Any:
    """Anything for a leaf; for a step that only leads on, a struct of just the wanted steps."""
    whole = node.ends or not all(_nameable(step) for step in node.children)
    return Any if whole else _or_strange(_struct(node, {}))


def _nameable(step: str) -> bool:
    """Whether msgspec can name a struct's field so. The customer's own words may stand in a field's id."""
    return not re.search(r'["\\\x00-\x1f]', step)


def _or_strange(kind: type[Struct]) -> Any:
    """HiBob may put any value where a step should be: a missing value of one person, not a wrong answer."""
    return kind | None | str | int | float | bool | list[Any] | UnsetType


# --- decoding ----------------------------------------------------------------------------------------------


def _decode(body: bytes, shape: _Shape) -> list[Any]:
    try:
        # Decimal: a float would lose digits of a long number.
        employees: list[Any] = msgspec.json.Decoder(shape.answer, float_hook=Decimal).decode(body).employees
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidOperation):
        employees = _decode_leniently(body, shape)
    return employees


def _decode_leniently(body: bytes, shape: _Shape) -> list[Any]:
    """The slow way, for what msgspec refuses although the envelope is sound: a lone surrogate, a number beyond
    any range. Such numbers become their text, a surrogate U+FFFD. Bytes that are no UTF-8 are no JSON: with the
    characters that they lost, whole offices would seem to have left."""
    try:
        text = _ESCAPES.sub(lambda found: found[0] if found[1] is None else "\\ufffd", body.decode("utf-8"))
        loose = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=str)
        employees: list[Any] = msgspec.convert(loose, shape.answer, strict=True).employees
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise SourceError(
            "HiBob’s answer to POST /people/search has an unexpected shape: not one JSON object with a list of "
            "“employees”, not UTF-8, or cut off in the middle. Nothing was concluded from it. Try again; if it stays, "
            "check the base URL."
        ) from None
    return employees


_ESCAPES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""An escaped backslash, a pair of surrogates, or (as the group) a lone surrogate."""


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < 19 else digits


def _float(digits: str) -> Decimal | str:
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        return digits
    return number if abs(number.adjusted()) <= MOST_DIGITS else digits


def text_of(value: object) -> str | None:
    """A leaf as text; None for blank. An employee is its id, an amount of money its number, a list its parts."""
    if value is None or value is UNSET:
        return None
    if isinstance(value, str):
        # A lone surrogate, which no column can hold, becomes U+FFFD.
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, list):
        return ", ".join(part for each in value if (part := _part_text(each))) or None
    return _text_of_object(value)


def _plain(number: Decimal) -> str:
    """Without exponent and without zeros that say nothing."""
    if abs(number.adjusted()) > MOST_DIGITS:
        return str(number).lower().replace("e+", "e")
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _part_text(value: object) -> str | None:
    return _as_json(value) if isinstance(value, list) else text_of(value)


def _text_of_object(value: object) -> str | None:
    if isinstance(value, dict):
        for telling in ("id", "email", "value"):
            if telling in value and not isinstance(value[telling], dict | list):
                return text_of(value[telling])
    return _as_json(value)


def _as_json(value: object) -> str:
    """What no rule knows, as JSON: shown to people, and unreadable as anything but text."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    except (RecursionError, TypeError, ValueError):
        return "(nested too deeply to be read)"


class _Found:
    """The values of every requested field, one list per field, in the order of the employees."""

    def __init__(self, shape: _Shape, employees: list[Any]) -> None:
        self._shape, self._employees = shape, employees
        self._nested: dict[str, list[Any]] = {}
        self._human: dict[str, list[Any]] = {}
        _collect(employees, shape.nested, self._nested)
        _collect(_step(employees, shape.nested, "humanReadable"), shape.human, self._human)

    def forms(self, each: Field) -> tuple[list[str | None], list[str | None], int]:
        """(machine text, human-readable text, how many employees had the field at all)."""
        slash = [_unwrapped(value) for value in _step(self._employees, self._shape.nested, slash_key(each.id))]
        nested, human = self._nested[each.id], self._human[each.id]
        machine = [text_of(b if a is UNSET or a is None else a) for a, b in zip(slash, nested, strict=True)]
        spoken = [text_of(value) for value in human]
        if each.type in _PLAIN_TYPES:
            spoken = [b or a for a, b in zip(machine, spoken, strict=True)]
        elif each.type == "boolean":
            spoken = [b or _YES_NO.get(a or "") for a, b in zip(machine, spoken, strict=True)]
        there = zip(slash, nested, human, strict=True)
        return machine, spoken, sum(1 for a, b, c in there if not (a is UNSET and b is UNSET and c is UNSET))


_YES_NO = {"true": "Yes", "false": "No"}


def _unwrapped(value: object) -> object:
    return value.get("value", UNSET) if isinstance(value, dict) else value


def _collect(objects: list[Any], node: _Node, into: dict[str, list[Any]]) -> None:
    for step, child in node.children.items():
        found = _step(objects, node, step)
        into |= dict.fromkeys(child.ends, found)
        if child.children:
            _collect(found, child, into)


def _step(objects: list[Any], node: _Node, step: str) -> list[Any]:
    """One step further in every object. Null stays null: what leads on from an empty value is empty as well."""
    kind, name = node.kind, node.names.get(step)
    if kind is not None and name is None:
        return [UNSET] * len(objects)
    if kind is None or name is None:
        return [o.get(step, UNSET) if isinstance(o, dict) else None if o is None else UNSET for o in objects]
    return [getattr(o, name) if type(o) is kind else None if o is None else UNSET for o in objects]


# --- what a read proves ------------------------------------------------------------------------------------


def check_ids(ids: Sequence[str | None]) -> None:
    """Raises `SourceError` unless everybody has an id of their own."""
    plain = [(each or "").strip() for each in ids]
    missing = sum(1 for each in plain if not each or "\ufffd" in each)
    if missing:
        raise SourceError(
            f"HiBob’s answer has an unexpected shape: {missing} of {len(ids)} people have no id that can be read. Nothing "
            "was concluded from it. Try again; if it stays, report it to HiBob."
        )
    if len(set(plain)) < len(plain):
        raise SourceError(
            f"HiBob’s answer has an unexpected shape: {len(plain) - len(set(plain))} people stand in it twice. Nothing "
            "was concluded from it. Try again; if it stays, report it to HiBob."
        )


def count_active(table: pa.Table) -> int:
    """Active people by status, or where that is blank by lifecycle."""
    blank: list[str | None] = [None] * table.num_rows
    forms = [
        table[slot].to_pylist() if slot in table.column_names else blank
        for each in (STATUS, LIFECYCLE)
        for slot in (Column(each, human=True).slot, each)
    ]
    return sum(_is_active(a or b, c or d) for a, b, c, d in zip(*forms, strict=True))


def _is_active(status: str | None, lifecycle: str | None) -> bool:
    if status:
        return status.strip().casefold() == "active"
    return (lifecycle or "terminated").strip().casefold() not in ("terminated", "hired")


def _with_status(snapshot: Snapshot, active: set[str]) -> Snapshot:
    status = pa.array(["Active" if key in active else "Inactive" for key in snapshot.table[ID].to_pylist()])
    place = snapshot.table.column_names.index(STATUS)
    table = snapshot.table.set_column(place, STATUS, status)
    old = snapshot.evidence
    return Snapshot(table, Evidence(old.read_at, old.employees, len(active), old.columns, status_from_active_read=True))
