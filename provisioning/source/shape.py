"""The shape of an employee in HiBob's answer, made for the fields that were asked for, and the decoding into it.

Leaves are decoded as anything, so that a strange value concerns one person; only a wrong envelope is an error.
"""

import json
import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from provisioning.errors import SourceError
from provisioning.model import Field
from provisioning.source.text import MOST_DIGITS

HUMAN = "humanReadable"


class Wrapped(Struct, frozen=True, gc=False):
    """What stands under a slash key."""

    value: Any = None


ABSENT = Wrapped()
"""Stands for a slash key that is missing. Compare by identity."""


@dataclass(slots=True)
class Node:
    """One step of the nested values. `ends`: the requested fields that end here. `kind`: the struct that is
    decoded, with the attribute name of each step; without it the step is decoded as anything."""

    children: dict[str, "Node"] = field(default_factory=dict)
    ends: list[str] = field(default_factory=list)
    kind: type[Struct] | None = None
    names: dict[str, str] = field(default_factory=dict)

    def steps(self, objects: Sequence[Any]) -> dict[str, Sequence[Any]]:
        """The values of every step in every object, by step; UNSET where it is missing."""
        if self.kind is not None and set(map(type, objects)) == {self.kind}:
            return dict(zip(self.names, zip(*map(astuple, objects), strict=True), strict=True))
        return {step: self._step(objects, step) for step in (self.names or self.children)}

    def _step(self, objects: Sequence[Any], step: str) -> tuple[Any, ...]:
        """Null stays null: what leads on from an empty value is empty as well."""
        kind, name = self.kind, self.names.get(step)
        if kind is None or name is None:
            return tuple([o.get(step, UNSET) if isinstance(o, dict) else None if o is None else UNSET for o in objects])
        return tuple([getattr(o, name) if type(o) is kind else None if o is None else UNSET for o in objects])


class Shape:
    """The struct type of an employee, and the trees by which values are found in it. `loose`: a slash key may hold
    anything, which takes longer. `sought`: the ids of the fields that are looked for beside their slash keys too, all of
    them where it is left out. `like`: an employee, in whose order of keys others are read faster."""

    def __init__(
        self, fields: Sequence[Field], *, loose: bool = False, sought: Set[str] | None = None, like: object = None
    ) -> None:
        self.sought = frozenset(each.id for each in fields) if sought is None else frozenset(sought)
        self.nested, self.human = _tree([each for each in fields if each.id in self.sought]), _tree(fields)
        under: Any = Any if loose else Wrapped | None | str
        slash: dict[str, Any] = {key: (under, ABSENT) for each in fields if nameable(key := slash_key(each.id))}
        human = _or_strange(_struct(self.human, {}, _below(like, HUMAN)))
        self.employee: Any = _struct(self.nested, slash | {HUMAN: (human, UNSET)}, like)
        self.answer: Any = msgspec.defstruct("Answer", [("employees", list[self.employee])])  # type: ignore[name-defined]
        # Decimal: a float would lose digits of a long number.
        self.decode = msgspec.json.Decoder(self.employee, float_hook=Decimal).decode


def slash_key(field_id: str) -> str:
    """The key under which HiBob puts a value beside the nested ones: `/work/department`."""
    return "/" + field_id.replace(".", "/")


def _tree(fields: Sequence[Field]) -> Node:
    root = Node()
    for each in fields:
        node = root
        for step in (each.json_path or each.id).removeprefix("root.").split("."):
            node = node.children.setdefault(step, Node())
        node.ends.append(each.id)
    return root


def _struct(node: Node, extra: dict[str, tuple[Any, Any]], like: object) -> type[Struct]:
    """`extra`: more of its keys, with what they hold and what stands for a missing one."""
    children = {step: child for step, child in node.children.items() if nameable(step)}
    kinds = {step: (_kind(child, _below(like, step)), UNSET) for step, child in children.items()} | extra
    order = {step: place for place, step in enumerate(like)} if isinstance(like, dict) else {}
    node.names = {step: f"f{place}" for place, step in enumerate(sorted(kinds, key=lambda s: order.get(s, len(order))))}
    specs: list[tuple[str, Any, Any]] = [(name, *kinds[step]) for step, name in node.names.items()]
    node.kind = msgspec.defstruct("Step", specs, rename={name: step for step, name in node.names.items()}, gc=False)
    return node.kind


def _kind(node: Node, like: object) -> Any:
    """Anything for a leaf; for a step that only leads on, a struct of just the wanted steps."""
    whole = node.ends or not all(nameable(step) for step in node.children)
    return Any if whole else _or_strange(_struct(node, {}, like))


def _below(like: object, step: str) -> object:
    return like.get(step) if isinstance(like, dict) else None


def nameable(step: str) -> bool:
    """Whether msgspec can name a struct's field so. The customer's own words may stand in a field's id."""
    return not re.search(r'["\\\x00-\x1f]', step)


def _or_strange(kind: type[Struct]) -> Any:
    """HiBob may put any value where a step should be: a missing value of one person, not a wrong answer."""
    return kind | None | str | int | float | bool | list[Any] | UnsetType


# --- the bytes ---------------------------------------------------------------------------------------------

CHUNK = 500
"""Employees that are decoded at once: few enough for the processor's cache, and gone before the next are made."""


class _Envelope(Struct):
    employees: list[msgspec.Raw]


_PROBLEMS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidOperation)


Add = Callable[[Shape, Sequence[Any]], Set[str]]
"""Takes some employees, with the shape that they have; or takes nobody, and says which fields it must have sought as well."""


def split(body: bytes) -> list[msgspec.Raw] | None:
    """The bytes of each employee, not copied; None for an answer that has to be decoded as a whole, if it is one."""
    try:
        return msgspec.json.decode(body, type=_Envelope).employees
    except _PROBLEMS:
        return None


def decode_whole(body: bytes, fields: Sequence[Field], add: Add) -> None:
    """Raises `SourceError` for what cannot be read at all."""
    loose = Shape(fields, loose=True)
    add(loose, _leniently(body, loose))


def decode_records(records: Sequence[msgspec.Raw], fields: Sequence[Field], add: Add) -> None:
    """Employees chunk by chunk; at least one chunk. A value is sought beside its slash key from the first chunk on in which
    somebody has none there. Raises `SourceError` for what cannot be read at all."""
    like = _first(records)
    shape = Shape(fields, sought=frozenset(), like=like)
    for start in range(0, max(len(records), 1), CHUNK):
        part = records[start : start + CHUNK]
        while missing := add(*_decoded(part, shape, fields)):
            shape = Shape(fields, sought=shape.sought | missing, like=like)


def _first(records: Sequence[msgspec.Raw]) -> object:
    try:
        return msgspec.json.decode(records[0]) if records else None
    except _PROBLEMS:
        return None


def _decoded(part: Sequence[msgspec.Raw], shape: Shape, fields: Sequence[Field]) -> tuple[Shape, list[Any]]:
    try:
        return shape, [shape.decode(each) for each in part]
    except _PROBLEMS:
        loose = Shape(fields, loose=True)
        return loose, [_one(each, loose) for each in part]


def _one(record: msgspec.Raw, shape: Shape) -> Any:
    try:
        return shape.decode(record)
    except _PROBLEMS:
        return _leniently(b'{"employees":[' + bytes(record) + b"]}", shape)[0]


def _leniently(body: bytes, shape: Shape) -> list[Any]:
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
