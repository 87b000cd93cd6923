"""What people search answers: who is seen, and how one value is spelt up to three times."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import msgspec

from provisioning.sandbox.company import Company
from provisioning.sandbox.fields import Employee, Field, Json, default_fields, text
from provisioning.sandbox.switches import Switches
from provisioning.sandbox.values import BRITISH, ISO, Reader, Writer, is_active, reader, writer

HumanReadable: TypeAlias = Literal["", "APPEND", "REPLACE"]

MOST_FIELDS = 400
FILTER_PATHS = ("root.id", "root.email")

_SURROGATE_MARK = "\uf8ff".encode()


@dataclass(frozen=True, slots=True)
class Question:
    """A checked request body of people search; `fields` is None when they were left out."""

    fields: tuple[str, ...] | None = None
    path: str = ""
    values: frozenset[str] = frozenset()
    human: HumanReadable = ""
    show_inactive: bool = False


class Rejected(ValueError):
    """A request body that HiBob answers with 400; carries the body of that answer."""

    def __init__(self, document: dict[str, Json]) -> None:
        super().__init__(str(document))
        self.document = document


def parse(body: Json) -> Question:
    """Check a decoded request body; raises Rejected, with HiBob's shapes of error body."""
    if not isinstance(body, dict):
        raise Rejected(_at("/", "expected.jsobject", "expected an object"))
    path, values = _filter(body["filters"]) if "filters" in body else ("", frozenset())
    human, inactive = body.get("humanReadable", ""), body.get("showInactive", False)
    if human not in ("", "APPEND", "REPLACE"):
        raise Rejected(_at("/humanReadable", "invalid.value", "expected APPEND or REPLACE"))
    if not isinstance(inactive, bool):
        raise Rejected(_at("/showInactive", "expected.jsboolean", "expected true or false"))
    return Question(_fields(body.get("fields")), path, values, cast(HumanReadable, human), inactive)


def _fields(asked: Json) -> tuple[str, ...] | None:
    if asked is None:
        return None
    if not isinstance(asked, list) or not all(isinstance(each, str) for each in asked):
        raise Rejected(_at("/fields", "expected.jsarray", "expected an array of strings"))
    if len(asked) > MOST_FIELDS:
        raise Rejected(_at("/fields", "too.many", f"{len(asked)} fields asked for, at most {MOST_FIELDS}"))
    return tuple(str(each) for each in asked)


def _filter(asked: Json) -> tuple[str, frozenset[str]]:
    if not isinstance(asked, list) or len(asked) != 1 or not isinstance(asked[0], dict):
        raise Rejected(_keyed("search.filters.exactly_one", "exactly one filter is supported"))
    path, operator, values = (asked[0].get(key) for key in ("fieldPath", "operator", "values"))
    if path not in FILTER_PATHS:
        raise Rejected(_keyed("search.filters.field_path", f"cannot filter by {path}"))
    if operator != "equals":
        raise Rejected(_keyed("search.filters.operator", f"operator {operator} is not supported"))
    if not isinstance(values, list) or not values:
        raise Rejected(_keyed("search.filters.values", "values may not be empty"))
    return str(path), frozenset(str(value).casefold() for value in values)


def _at(path: str, error: str, message: str) -> dict[str, Json]:
    return {"errors": {path: {"error": error, "message": message}}}


def _keyed(key: str, error: str) -> dict[str, Json]:
    return {"key": key, "error": error, "args": {}}


def in_audience(person: Employee, switches: Switches) -> bool:
    """Whether the service user may see this person at all."""
    if switches.employed_only and not is_active(person):
        return False
    return switches.sites is None or person.get("work.site") in switches.sites


def permitted(company: Company, switches: Switches, wanted: Iterable[str]) -> list[Field]:
    """The wanted fields that exist and whose category is granted; the others are dropped without a word."""
    known = (company.fields[key] for key in dict.fromkeys(wanted) if key in company.fields)
    allowed = (f for f in known if switches.granted is None or f.category in switches.granted)
    return [field for field in allowed if field.id not in switches.absent_columns]


@dataclass(frozen=True, slots=True)
class _Column:
    slash_id: str
    parents: tuple[str, ...]
    name: str
    read: Reader
    say: Writer


def spelling(company: Company, switches: Switches, question: Question) -> Callable[[Employee], dict[str, Json]]:
    """What spells one person as HiBob does for this question."""
    columns = _columns(company, switches, question)
    replace, append = question.human == "REPLACE", question.human == "APPEND"
    slashes = switches.slash_keys_under_replace if replace else True
    slashes = slashes and (question.fields is not None or switches.slash_keys_without_fields)

    def spell(person: Employee) -> dict[str, Json]:
        said: dict[str, Json] = {"id": person["root.id"]}
        nested: dict[str, Json] = {"id": person["root.id"]}
        spelt: dict[str, Json] = {}
        for column in columns:
            value = column.read(person)
            human = column.say(value) if replace or append else None
            shown = human if replace and human is not None else value
            if slashes and value is not None:
                spelt[column.slash_id] = {"value": shown}
            _place(nested, column, shown)
            if human is not None:
                _place(said, column, human)
        spelt |= nested
        return {**spelt, "humanReadable": said} if append else spelt

    return spell


def _columns(company: Company, switches: Switches, question: Question) -> list[_Column]:
    fields = permitted(company, switches, default_fields() if question.fields is None else question.fields)
    dates = BRITISH if switches.human_dates == "dd/mm/yyyy" else ISO
    # Parents first: `work.reportsTo.email` cannot be nested below a `work.reportsTo` that is null or a text.
    return [
        _Column(
            field.slash_id,
            tuple(field.json_path.split(".")[:-1]),
            field.json_path.split(".")[-1],
            _nothing(field) if field.id in switches.emptied_columns else reader(company, field),
            writer(company, field, dates, switches.multi_list_separator),
        )
        for field in sorted(fields, key=lambda field: field.id.count("."))
    ]


def _nothing(field: Field) -> Reader:
    return lambda person: field.empty


def _place(node: dict[str, Json], column: _Column, value: Json) -> None:
    for part in column.parents:
        inner = node.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        node = inner
    node[column.name] = value


def search(company: Company, switches: Switches, question: Question) -> bytes:
    """The whole answer of people search, everybody at once."""
    if switches.employees_key_missing:
        return b"{}"
    spell = spelling(company, switches, question)
    # One person at a time: the whole as objects would take several times the memory of the answer.
    people = (encode(spell(person)) for person in seen(company, switches, question))
    return b'{"employees":[' + b",".join(people) + b"]}"


def seen(company: Company, switches: Switches, question: Question) -> list[Employee]:
    """The people a question finds, with the switched faults."""
    people = [p for p in company.people.values() if in_audience(p, switches) and _found(p, question)]
    if switches.shuffle is not None:
        random.Random(switches.shuffle).shuffle(people)
    if switches.half_missing:
        people = people[: len(people) // 2]
    if switches.duplicate_id:
        people = people + people[:1]
    if switches.lone_surrogate:
        people = [{**p, "root.surname": text(p, "root.surname") + "\uf8ff"} for p in people[:1]] + people[1:]
    return [] if switches.no_employees else people


def encode(document: Json) -> bytes:
    """JSON bytes; a switched lone surrogate becomes one here, as no encoder writes it."""
    return msgspec.json.encode(document).replace(_SURROGATE_MARK, rb"\ud800")


def _found(person: Employee, question: Question) -> bool:
    if not (question.show_inactive or is_active(person)):
        return False
    return not question.path or text(person, question.path).casefold() in question.values
