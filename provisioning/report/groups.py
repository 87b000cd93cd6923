"""The changes of a plan by what happened, before they are listed by whom: “Department: Legal → Legal & Compliance, 212
people”. Pure: from counts alone. A group has a name that can stand in an address, and leads back to its people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Pair = tuple[str, str | None, str | None]
"""Attribute, value before, value after; None is blank."""

_ACTIONS: Mapping[str, str] = {
    "add": "To be added",
    "reactivate": "To be reactivated",
    "move": "To be moved",
    "archive": "To be archived",
    "link": "To be linked",
}
VARIOUS = "various values"


@dataclass(frozen=True, slots=True)
class Group:
    """`name` leads back to its people (`chosen`). `before` and `after` are "" where no attribute is told."""

    name: str
    title: str
    before: str
    after: str
    people: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which changes belong to a group: those of an action, or of an attribute, perhaps from one value to another."""

    action: str = ""
    attribute: str = ""
    values: tuple[str | None, str | None] | None = None


def grouped(counts: Mapping[str, int], changed: Mapping[str, int], pairs: Sequence[tuple[Pair, int]]) -> list[Group]:
    """Who joins, then what changes, then who leaves. `changed`: people per attribute; `pairs`: people who share a change
    from one value to another. An attribute whose people all share one pair is that pair; what one person alone changes
    stands under the attribute, unless nobody else changes it."""
    found = [_action(name, counts[name]) for name in ("add", "reactivate") if counts.get(name)]
    for attribute, people in changed.items():
        shared = [(pair, number) for pair, number in pairs if pair[0] == attribute and (number > 1 or people == 1)]
        if sum(number for _, number in shared) < people or len(shared) > 1:
            found.append(Group(f"attribute:{attribute}", attribute, VARIOUS, VARIOUS, people))
        found += [_pair(pair, number) for pair, number in shared]
    return found + [_action(name, counts[name]) for name in ("move", "archive", "link") if counts.get(name)]


def _action(name: str, people: int) -> Group:
    return Group(f"action:{name}", _ACTIONS[name], "", "", people)


def _pair(pair: Pair, people: int) -> Group:
    attribute, before, after = pair
    name = f"values:{json.dumps(pair, ensure_ascii=False, separators=(',', ':'))}"
    return Group(name, attribute, before or "(blank)", after or "(blank)", people)


def chosen(name: str) -> Chosen:
    """What a group's name means; everything, where it is none."""
    kind, _, rest = name.partition(":")
    if kind == "action" and rest in _ACTIONS:
        return Chosen(action=rest)
    if kind == "attribute" and rest:
        return Chosen(attribute=rest)
    if kind == "values":
        return _values(rest)
    return Chosen()


def _values(text: str) -> Chosen:
    try:
        found = json.loads(text)
    except ValueError:
        return Chosen()
    if not isinstance(found, list) or len(found) != 3 or not isinstance(found[0], str) or not found[0]:
        return Chosen()
    if not all(each is None or isinstance(each, str) for each in found[1:]):
        return Chosen()
    return Chosen(attribute=found[0], values=(found[1], found[2]))
