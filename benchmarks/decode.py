"""The bytes of HiBob's answer to columns. The floor is what a typed decode alone takes, into structs that nobody has
looked into yet."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import FEEDS, Nights
from benchmarks.situation import NOW, asked
from provisioning.source.people import decode_people


def rollcall(nights: Nights) -> Timed:
    fields = asked()
    return Timed(
        lambda: decode_people(nights.bytes(), fields, NOW),
        lambda snapshot: _proof(snapshot.table["root.email"].to_pylist()),
    )


def typed(nights: Nights) -> Timed:
    decode = msgspec.json.Decoder(answer_type()).decode
    return Timed(lambda: decode(nights.bytes()), lambda answer: _proof(each.email for each in answer.employees))


def json_normalize(nights: Nights) -> Timed:
    import pandas

    return Timed(
        lambda: pandas.json_normalize(json.loads(nights.bytes())["employees"]),
        lambda frame: _proof(frame["/root/email.value"]),
    )


def _proof(emails: Iterable[str]) -> list[object]:
    found = list(emails)
    return [len(found), hashlib.sha256("\n".join(found).encode()).hexdigest()]


def answer_type() -> Any:
    """The answer with every value in its own type, all three places of it."""
    wrapped = msgspec.defstruct("Wrapped", [("value", str | int | float | None, None)], gc=False)
    slash = {"/" + feed.field.replace(".", "/"): wrapped for feed in FEEDS}
    human = _struct(_tree(lambda feed: str | None))
    machine = _tree(lambda feed: (int | float if feed.type == "number" else str) | None)
    return msgspec.defstruct("Answer", [("employees", list[_struct(machine | slash | {"humanReadable": human})])])  # type: ignore[misc]


def _tree(kind: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for feed in FEEDS:
        node = tree
        for step in feed.path[:-1]:
            node = node.setdefault(step, {})
        node[feed.path[-1]] = kind(feed)
    return tree


def _struct(tree: dict[str, Any]) -> Any:
    names = {f"f{place}" if not step.isidentifier() else step: step for place, step in enumerate(tree)}
    kinds = [
        (name, _struct(tree[step]) if isinstance(tree[step], dict) else tree[step], None)
        for name, step in names.items()
    ]
    return msgspec.defstruct("Step", kinds, rename=names, gc=False)


STEP = Step(
    "answer bytes → columns",
    rollcall,
    (Peer("msgspec typed decode (floor)", typed, time=2), Peer("json + json_normalize", json_normalize, time=1 / 5)),
    most_memory=lambda nights: 3 * (nights.folder / "now.json").stat().st_size / 2**20,
)
