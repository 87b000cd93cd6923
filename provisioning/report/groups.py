"""What many people share, before they are listed one by one: “Department: Legal → Legal & Compliance, 212 people”. Pure: from
counts alone. A group has a name that can stand in an address, and leads back to its people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[str, str | None, str | None]
"""Attribute, value before, value after; None is blank."""


@dataclass(frozen=True, slots=True)
class Group:
    """People whose attribute changes from one value to the same other. `name` leads back to them (`chosen`)."""

    name: str
    attribute: str
    before: str
    after: str
    people: int


def grouped(pairs: Sequence[tuple[Pair, int]]) -> list[Group]:
    """A group for each change with the people who share it, in this order."""
    return [_group(pair, people) for pair, people in pairs]


def _group(pair: Pair, people: int) -> Group:
    attribute, before, after = pair
    name = json.dumps(pair, ensure_ascii=False, separators=(",", ":"))
    return Group(name, attribute, before or "(blank)", after or "(blank)", people)


def chosen(name: str) -> Pair | None:
    """The change that a group's name means; None, where it is none. Half a character, which JSON can write, is in no value."""
    try:
        found = json.loads(name)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or len(found) != 3 or not isinstance(found[0], str) or not found[0]:
        return None
    if not all(each is None or isinstance(each, str) for each in found[1:]):
        return None
    return found[0], found[1], found[2]
