"""What a person who edits a mapping should know: suggested rows, problems, the difference between two versions, and
what one person's values would become. Looks only: it decides nothing and changes nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.columns import HUMAN, USUAL, Catalogue, read_as
from provisioning.engine.mapping import map_all
from provisioning.engine.texts import text_column
from provisioning.engine.transforms import bare, fold
from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType, Column, Field, Severity

SPOKEN_TYPES = frozenset({"list", "list_id", "multi-list", "employee-reference", "employee", "currency"})
"""Fields whose machine value is an id, and whose human-readable value is what people call it."""

RESTLESS_TYPES = frozenset({"period", "avatar", "age", "tenure"})
"""Fields that change by themselves every day (HiBob's documentation of values)."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One problem of a mapping; `attribute` is "" where it concerns the mapping as a whole."""

    attribute: str
    severity: Severity
    message: str


def suggestions(fields: Sequence[Field], attributes: Sequence[Attribute]) -> tuple[Attribute, ...]:
    """Rows that are usual and not there yet: HiBob has the column, and no attribute has the name or the column."""
    catalogue = Catalogue(fields)
    names = {fold(each.name) for each in attributes}
    taken = {column.field for column in _resolved(attributes, catalogue).values()}
    return tuple(
        _suggested(name, column, kind)
        for name, column, kind in USUAL
        if fold(name) not in names and (field := column.removeprefix(HUMAN)) in catalogue.fields and field not in taken
    )


def _suggested(name: str, column: str, kind: AttributeType) -> Attribute:
    tidy = {"Email": ("lower",), "First name": ("single spaces",), "Last name": ("single spaces",)}
    return Attribute(name, column, kind, name in ("Email", "Employee ID"), clean_up=tidy.get(name, ()))


def _resolved(attributes: Iterable[Attribute], catalogue: Catalogue) -> dict[str, Column]:
    """Data feed name → column, for every one that can be resolved."""
    found: dict[str, Column] = {}
    for each in attributes:
        for name in (each.data_feed_name, each.fallback):
            try:
                found |= {name: catalogue.resolve(name)} if name else {}
            except SettingsError:
                continue
    return found


# --- problems ---------------------------------------------------------------------------------------------


def advise(attributes: Sequence[Attribute], fields: Sequence[Field], identifier: str) -> tuple[Advice, ...]:
    """Everything to say about a mapping as it is being edited, worst first."""
    catalogue = Catalogue(fields)
    found = [*_whole(attributes, catalogue, identifier)]
    for each in attributes:
        found += _row(each, catalogue)
    order = list(Severity)
    return tuple(sorted(found, key=lambda advice: order.index(advice.severity)))


def _whole(attributes: Sequence[Attribute], catalogue: Catalogue, identifier: str) -> Iterable[Advice]:
    fed = {each.name for each in attributes if each.data_feed_name}
    if identifier not in fed:
        yield Advice(
            identifier, Severity.BLOCK, "No unique identifier that a HiBob column feeds: tick it for one attribute."
        )
    yield from _alike(attributes)
    columns = _resolved(attributes, catalogue)
    if known.EMAIL not in {columns[e.data_feed_name].field for e in attributes if e.data_feed_name in columns}:
        yield Advice(
            "",
            Severity.BLOCK,
            "No attribute is fed by root.email: whether you would archive yourself cannot be checked.",
        )
    if not catalogue.fields:
        yield Advice(
            "", Severity.INFO, "HiBob’s list of fields was not read yet: test the connection, or read a sample."
        )
    missing = suggestions(tuple(catalogue.fields.values()), attributes)
    if missing:
        names = ", ".join(each.name for each in missing)
        yield Advice(
            "", Severity.INFO, f"Portals usually capture more that HiBob has: {names}. See the suggested rows."
        )


def _alike(attributes: Sequence[Attribute]) -> Iterable[Advice]:
    spelt: dict[str, str] = {}
    for each in attributes:
        first = spelt.setdefault(bare(each.name) or each.name, each.name)
        if first != each.name:
            message = f"Its name is nearly that of “{first}”. If they are one attribute, remove one of the two."
            yield Advice(each.name, Severity.WARN, message)


def _row(each: Attribute, catalogue: Catalogue) -> Iterable[Advice]:
    if not each.data_feed_name:
        yield Advice(each.name, Severity.WARN, "An attribute without a column: Rollcall never touches it.")
        return
    if (each.type is AttributeType.LIST) != bool(each.options):
        yield Advice(each.name, Severity.BLOCK, "A list needs options, and only a list has them.")
    for name in (each.data_feed_name, each.fallback):
        if name and catalogue.fields:
            yield from _column(each, name, catalogue)


def _column(each: Attribute, name: str, catalogue: Catalogue) -> Iterable[Advice]:
    try:
        column = catalogue.resolve(name)
    except SettingsError as problem:
        yield Advice(each.name, Severity.BLOCK, str(problem))
        return
    field = catalogue.fields.get(column.field)
    if field is None:
        yield Advice(each.name, Severity.WARN, f"HiBob’s list of fields does not name {column.field}.")
        return
    if field.type in SPOKEN_TYPES and not read_as(each, column).human and each.type is not AttributeType.USER:
        yield Advice(
            each.name,
            Severity.WARN,
            f"{field.id} is read as stored, although HiBob shows a text for it: people would see an id.",
        )
    if each.type is AttributeType.DATE and column.human:
        yield Advice(
            each.name,
            Severity.INFO,
            "Dates are always read as stored: as shown they would follow a user’s format.",
        )
    if field.type == "date" and each.type is not AttributeType.DATE and column.human:
        yield Advice(each.name, Severity.WARN, f"{field.id} is a date, read as shown: its format may vary.")
    if field.type in RESTLESS_TYPES:
        yield Advice(each.name, Severity.WARN, f"{field.id} changes by itself every day, and so would every user.")


# --- two versions -----------------------------------------------------------------------------------------


# --- one person's values ----------------------------------------------------------------------------------

MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One attribute tried on a read: what HiBob says of the person, what Skillcast would store, the share of people
    with a value (None: its column is not read), how many values cannot be read, the first of these people (key, reason),
    and the reasons with how many people each has, most first. `note` says why this person's value cannot be read."""

    attribute: str
    column: str
    before: str
    after: str
    filled: float | None
    unreadable: int
    note: str
    examples: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


def row_of(table: pa.Table, person: str) -> int | None:
    """The row of a read that has this key."""
    row = pc.index(text_column(table, known.ID), person).as_py()
    return None if row < 0 else row


def tried_columns(attributes: Sequence[Attribute], fields: Sequence[Field]) -> frozenset[str]:
    """Those of a read that trying a mapping out looks at."""
    columns = _resolved(attributes, Catalogue(fields)).values()
    slots = {slot for column in columns for slot in (column.field, Column(column.field, human=True).slot)}
    return frozenset(slots | {known.ID, known.EMAIL})


def try_out(
    attributes: Sequence[Attribute], fields: Sequence[Field], table: pa.Table, identifier: str, person: str | None
) -> tuple[Trial, ...]:
    """Every attribute tried on the person of this key in a read; on nobody without one: then only the shares."""
    columns = _resolved(attributes, Catalogue(fields))
    row = None if person is None else row_of(table, person)
    theirs = None if row is None else table.slice(row, 1)
    usable = [_usable(each, columns, table) for each in attributes]
    mapped = map_all([each for each in usable if each], columns, table, identifier)
    found, ids = [], text_column(table, known.ID)
    for each, ready in zip(attributes, usable, strict=True):
        written = each.data_feed_name or ""
        if ready is None:
            found.append(Trial(each.name, written, "", "", None, 0, ""))
            continue
        values = mapped[each.name]
        blank = pc.sum(pc.equal(pc.fill_null(values.values, ""), "")).as_py() or 0
        # What cannot be read is no blank: somebody wrote it, as a test of the connection counts too.
        blank -= sum(1 for at in values.problems if not values.values[at].as_py())
        filled = (table.num_rows - blank) / table.num_rows if table.num_rows else 0.0
        before, after, note = ("", "", "")
        if theirs is not None and row is not None:
            before = text_column(theirs, read_as(each, columns[written]).slot)[0].as_py()
            after, note = values.values[row].as_py(), values.problems.get(row, "")
        examples = tuple((str(ids[at]), why) for at, why in islice(sorted(values.problems.items()), MOST_EXAMPLES))
        reasons = tuple(sorted(Counter(values.problems.values()).items(), key=lambda pair: (-pair[1], pair[0])))
        found.append(Trial(each.name, written, before, after, filled, len(values.problems), note, examples, reasons))
    return tuple(found)


def _usable(each: Attribute, columns: Mapping[str, Column], table: pa.Table) -> Attribute | None:
    """The row, without a fallback that was not read; None where its own column was not."""
    if not each.data_feed_name or not _was_read(each.data_feed_name, columns, table):
        return None
    if each.fallback and not _was_read(each.fallback, columns, table):
        return replace(each, fallback=None)
    return each


def _was_read(name: str, columns: Mapping[str, Column], table: pa.Table) -> bool:
    return name in columns and columns[name].field in table.column_names
