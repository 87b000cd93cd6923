"""What two mappings would make of one and the same pair of snapshots: both are planned, and the ends compared. It
plans by the same rules as a preview, so a comparison and the previews agree. Nothing of it is stored or run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from provisioning.engine.columns import Catalogue, column_names, resolve_all
from provisioning.engine.plan import make_plan
from provisioning.engine.situation import Situation
from provisioning.errors import SettingsError
from provisioning.model import RESERVED_NAMES, Action, Attribute, Decision, Snapshot, Values

HAPPENS = ""
"""Stands for an attribute in the rows that say what happens to a person rather than which value they get."""

LINK = "external_id"
STAYS = "stays"
EXAMPLES = 3
COLUMNS = ("key", "name", "attribute", "old", "new")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its attributes, and which of them is the unique identifier."""

    attributes: tuple[Attribute, ...]
    identifier: str


@dataclass(frozen=True, slots=True)
class NotCompared:
    """An attribute that is left out on both sides, by the column that the kept read does not have."""

    attribute: str
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Example:
    """One pair of values, how many people have it, and the first of them. Blank is ""."""

    key: str
    old: str
    new: str
    users: int


@dataclass(frozen=True, slots=True)
class Differing:
    """One attribute: how many people would end with another value, and the commonest pairs of values."""

    attribute: str
    users: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`users`: people who would end differently. `rows`: text columns `COLUMNS`, by person; where `attribute` is
    `HAPPENS`, old and new say what happens to them (`stays`, an action, or `held (CODE)`). `happens` counts these pairs.
    `unknown`: attributes whose present value in Skillcast was not read, because the mapping did not feed them then."""

    users: int
    attributes: tuple[Differing, ...]
    happens: tuple[tuple[str, str, int], ...]
    rows: pa.Table
    not_compared: tuple[NotCompared, ...]
    unknown: tuple[str, ...]


def compare(situation: Situation, old: Side, new: Side, catalogue: Catalogue) -> Comparison:
    """How many people of this situation would end differently under another mapping, who, and in what.

    `situation.columns` resolves the scope; the mapping that `situation.domain` has is not looked at. Raises
    `SettingsError` where a unique identifier is missing or was not read: without it nobody can be matched.
    """
    missing = {each.attribute: each for side in (old, new) for each in not_read(side, situation.employees, catalogue)}
    for side in (old, new):
        _check_identifier(side, missing)
    plans = [make_plan(_under(side, situation, missing, catalogue)) for side in (old, new)]
    rows = _table(_rows(*plans))
    order = list(dict.fromkeys(each.name for side in (new, old) for each in side.attributes))
    fed = {each.name for side in (old, new) for each in side.attributes if each.data_feed_name} - set(missing)
    return Comparison(
        users=len(rows["key"].unique()),
        attributes=_by_attribute(rows, [*order, LINK]),
        happens=_happens(rows),
        rows=rows,
        not_compared=tuple(missing.values()),
        unknown=tuple(name for name in order if name in fed and name not in situation.users.attributes),
    )


def not_read(side: Side, employees: Snapshot, catalogue: Catalogue) -> tuple[NotCompared, ...]:
    """The attributes of a mapping that name a column which this read does not have: its blanks would mean nothing."""
    found = []
    for each in side.attributes:
        for name in (each.data_feed_name, each.fallback if each.data_feed_name else None):
            why = _why_not(name, employees, catalogue) if name else ""
            if name and why:
                found.append(NotCompared(each.name, name, why))
                break
    return tuple(found)


def _why_not(name: str, employees: Snapshot, catalogue: Catalogue) -> str:
    try:
        column = catalogue.resolve(name)
    except SettingsError as problem:
        return str(problem)
    if column.field in employees.table.column_names:
        return ""
    return (
        f"The column {name} was not read when HiBob was read last. Read a sample for this mapping, or make a preview."
    )


def _check_identifier(side: Side, missing: Mapping[str, NotCompared]) -> None:
    if side.identifier not in {each.name for each in side.attributes if each.data_feed_name}:
        raise SettingsError(
            "Without a unique identifier that a HiBob column feeds nobody can be matched, so nothing can be compared. "
            "Tick one attribute as the unique identifier."
        )
    if side.identifier in missing:
        raise SettingsError(f"The unique identifier “{side.identifier}”: {missing[side.identifier].why}")


def _under(side: Side, situation: Situation, missing: Iterable[str], catalogue: Catalogue) -> Situation:
    """The same situation with this mapping, without the attributes that cannot be compared."""
    left_out = set(missing)
    # A fallback of an attribute that nothing feeds is never read, and need not be one that HiBob has.
    attributes = tuple(
        each if each.data_feed_name else replace(each, fallback=None)
        for each in side.attributes
        if each.name not in left_out
    )
    columns = {**situation.columns, **resolve_all(catalogue, column_names(attributes, ()))}
    settings = replace(situation.domain.settings, unique_identifier=side.identifier)
    return replace(
        situation, domain=replace(situation.domain, attributes=attributes, settings=settings), columns=columns
    )


# --- the ends of two plans ---------------------------------------------------------------------------------

Row = tuple[str, str, str, str, str]


@dataclass(slots=True)
class _End:
    """What one plan does with a person. `values` are those that change; `before` what they replace."""

    name: str
    happens: str = STAYS
    values: Values | None = None
    before: Values | None = None
    link: str = ""


def _ends(plan: Decision) -> dict[str, _End]:
    """Only for people to whom something happens: whoever is not here ends as they are."""
    found: dict[str, _End] = {}
    for change in plan.changes:
        end = found.setdefault(change.key, _End(change.name))
        if change.action is Action.LINK:
            end.link = change.user_id or ""
            continue
        end.values, end.before = change.after, change.before
        end.happens = STAYS if change.action is Action.UPDATE else change.action.value
    for held in plan.held:
        found[held.key] = _End(held.name, f"held ({held.code})")
    return found


def _rows(old: Decision, new: Decision) -> Iterator[Row]:
    """A row per person and difference, in the order of keys."""
    before, after = _ends(old), _ends(new)
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        name = (one or other or _End("")).name
        one, other = one or _End(name), other or _End(name)
        if one.happens != other.happens:
            yield key, name, HAPPENS, one.happens, other.happens
        elif one.link != other.link:
            yield key, name, LINK, one.link, other.link
        else:
            yield from ((key, name, *each) for each in _values(one, other))


def _values(one: _End, other: _End) -> Iterator[tuple[str, str, str]]:
    """(attribute, old, new). A value that only one plan changes stays in the other as that one found it."""
    first, second = one.values or {}, other.values or {}
    for name in dict.fromkeys((*first, *second)):
        if name in RESERVED_NAMES:
            continue
        was = first[name] if name in first else (other.before or {}).get(name)
        now = second[name] if name in second else (one.before or {}).get(name)
        if (was or "") != (now or ""):
            yield name, was or "", now or ""


# --- counted by column --------------------------------------------------------------------------------------


def _table(rows: Iterable[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return pa.table({name: pa.array(list(each), pa.string()) for name, each in zip(COLUMNS, columns, strict=True)})


def _pairs(rows: pa.Table) -> list[dict[str, str | int]]:
    """Every pair of values per attribute with its people, commonest first."""
    counted = rows.group_by(["attribute", "old", "new"], use_threads=False).aggregate(
        [("key", "count"), ("key", "min")]
    )
    pairs: list[dict[str, str | int]] = counted.to_pylist()
    return sorted(pairs, key=lambda each: (-int(each["key_count"]), each["old"], each["new"]))


def _by_attribute(rows: pa.Table, order: Sequence[str]) -> tuple[Differing, ...]:
    found: dict[str, list[Example]] = {}
    for each in _pairs(rows):
        example = Example(str(each["key_min"]), str(each["old"]), str(each["new"]), int(each["key_count"]))
        found.setdefault(str(each["attribute"]), []).append(example)
    differing = [
        Differing(name, sum(each.users for each in found[name]), tuple(found[name][:EXAMPLES]))
        for name in order
        if name in found
    ]
    return tuple(sorted(differing, key=lambda each: -each.users))


def _happens(rows: pa.Table) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (str(each["old"]), str(each["new"]), int(each["key_count"]))
        for each in _pairs(rows)
        if each["attribute"] == HAPPENS
    )
