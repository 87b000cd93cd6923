"""A mapping as rows of words: what an editor, a paste from a spreadsheet and a file show of an attribute, and back."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from provisioning.engine.columns import HUMAN, Catalogue
from provisioning.engine.transforms import CLEAN_UP, NO, YES, bare, fold, tidy
from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy

T = TypeVar("T")
NAME, FEED, VALUE, IDENTIFIER = "Attribute", "Data feed name", "Value", "Unique identifier"
TYPE, REQUIRED, BLANK, FALLBACK = "Type", "Required", "When blank", "Fallback"
CLEAN, TABLE, OPTIONS, APPLIES = "Clean-up", "Value table", "List options", "Applies"
MACHINE, SPOKEN = "As stored", "As shown"
"""HiBob keeps many values as an id or a code, and shows people a text for it."""
COLUMNS = (NAME, FEED, VALUE, TYPE, REQUIRED, IDENTIFIER, BLANK, FALLBACK, CLEAN, TABLE, OPTIONS, APPLIES)
BLANKS = {BlankPolicy.KEEP: "Keep Skillcast’s", BlankPolicy.CLEAR: "Clear it", BlankPolicy.HOLD: "Hold the person back"}
APPLY = {Apply.ALWAYS: "Always", Apply.ON_ADD: "On add only"}
_FORMER = {"machine": MACHINE, "human-readable": SPOKEN, "hold the person": BLANKS[BlankPolicy.HOLD]}
"""Words of files that were handed out before."""
SHOWN = 60
FILE_BEGINS = f"A mapping file begins with a line of column names: {NAME}, {FEED}, {VALUE}."
MOST_ROWS = 500
"""More rows than any portal has attributes."""


def row_of(each: Attribute, identifier: str) -> dict[str, object]:
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


def attribute_of(where: str, row: Mapping[str, object]) -> Attribute:
    """The attribute that a row's words mean. Raises `SettingsError` beginning with `where` and naming the cell."""
    name = tidy(_text(row[NAME]))

    def cell(column: str, read: Callable[[object], T]) -> T:
        try:
            return read(row[column])
        except SettingsError as problem:
            raise SettingsError(f"{where}, “{name}”, {column}: {problem}") from None

    feed = tidy(_text(row[FEED])).removeprefix(HUMAN)
    spoken = cell(VALUE, lambda said: _key_of({False: MACHINE, True: SPOKEN}, said, False))
    return Attribute(
        name=name,
        data_feed_name=(HUMAN + feed if spoken else feed) if feed else None,
        type=cell(TYPE, lambda said: _key_of({each: each.value for each in AttributeType}, said, AttributeType.TEXT)),
        required=cell(REQUIRED, ticked),
        blank=cell(BLANK, lambda said: _key_of(BLANKS, said, BlankPolicy.KEEP)),
        fallback=tidy(_text(row[FALLBACK])) or None,
        clean_up=cell(CLEAN, _steps),
        values=cell(TABLE, lambda said: tuple(parse_table(_text(said)).items())),
        options=cell(OPTIONS, lambda said: parse_list(_text(said))),
        apply=cell(APPLIES, lambda said: _key_of(APPLY, said, Apply.ALWAYS)),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def ticked(said: object) -> bool:
    """Raises `SettingsError` for what is neither a tick nor a yes or no."""
    if said is None or isinstance(said, bool):
        return said is True
    word = fold(_text(said))
    if word in YES | {"x"}:
        return True
    if not word or word in NO:
        return False
    raise SettingsError(f"“{_short(said)}” is neither Yes nor No.")


def _meant(said: str) -> str:
    """Folded, and as it is called now."""
    return fold(_FORMER.get(fold(said), said))


def _key_of(words: Mapping[T, str], said: object, otherwise: T) -> T:
    if said is None or said == "":
        return otherwise
    for key, word in words.items():
        if fold(word) == _meant(_text(said)):
            return key
    raise SettingsError(f"“{_short(said)}” is not one of: {', '.join(words.values())}.")


def _steps(said: object) -> tuple[str, ...]:
    if said is None:
        return ()
    steps = said if isinstance(said, list | tuple) else parse_list(_text(said))
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


# --- rows of text, as spreadsheets have them --------------------------------------------------------------

Line = tuple[int, Sequence[str]]
"""A line's number and its cells."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What rows of text make of a mapping. With `problems`, each naming its line, nothing of it is to be used. `alike`: names
    that are nearly those of attributes that are there, or of an earlier line, each in a sentence with its line."""

    attributes: tuple[Attribute, ...]
    identifier: str
    problems: tuple[str, ...]
    alike: tuple[str, ...] = ()


def to_lines(attributes: Sequence[Attribute], identifier: str) -> list[list[str]]:
    """A header and a line per attribute, every cell as text. `take` reads it back exactly."""
    rows = [row_of(each, identifier) for each in attributes]
    return [list(COLUMNS), *([_cell(row[column]) for column in COLUMNS] for row in rows)]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return list_text([str(each) for each in value]) if isinstance(value, list) else _text(value)


Check = Callable[[str, Attribute], None]
"""Raises `SettingsError`, which begins with the first, for an attribute that no mapping may hold."""


def _anything(_where: str, _each: Attribute) -> None:
    pass


def take(
    lines: Sequence[Line],
    attributes: Sequence[Attribute],
    identifier: str,
    catalogue: Catalogue | None,
    check: Check = _anything,
    *,
    whole: bool = False,
    same: bool = False,
) -> Taken:
    """Lines laid over a mapping: an attribute that is there gets what its line says, others are added at the end.
    Without a header the columns are those of the editor, from the left; `whole`: there must be one, and attributes without a
    line are gone. What no column says stays as it is. `catalogue` None: HiBob's columns are not known. `same`: a name that is
    nearly an attribute's means that attribute."""
    filled = [(number, cells) for number, cells in lines if any(tidy(each) for each in cells)]
    if not filled:
        nothing = (
            f"The file is empty. {FILE_BEGINS}"
            if whole
            else "There is nothing to read. Copy the rows with their attribute."
        )
        return Taken(tuple(attributes), identifier, (nothing,))
    if len(filled) > MOST_ROWS:
        return Taken(tuple(attributes), identifier, (f"That is {len(filled):,} lines; at most {MOST_ROWS} are taken.",))
    header, problem = _header(filled[0][1])
    if whole and header is None and not problem:
        problem = f"it does not name the columns. {FILE_BEGINS}"
    rows = filled if header is None else filled[1:]
    if problem:
        return Taken(tuple(attributes), identifier, (f"Line {filled[0][0]}: {problem}",))
    if not rows:
        nothing = f"Line {filled[0][0]}: no attribute stands below the header."
        return Taken(tuple(attributes), identifier, (nothing,))
    if header is None and all(len(_trimmed(cells)) < 2 for _, cells in rows):
        number, cells = rows[0]
        alone = f"Line {number}: “{_short(tidy(cells[0]))}” stands alone. Copy the attribute and, beside it, its data feed name."
        return Taken(tuple(attributes), identifier, (alone,))
    return _Laying(header or COLUMNS, attributes, identifier, catalogue, check, whole, same).lay(rows)


_ALSO = {
    "user attribute": NAME, "skillcast attribute": NAME, "name": NAME, "hibob column": FEED, "column": FEED,
    "unique": IDENTIFIER, "unique id": IDENTIFIER,
}  # fmt: skip
"""Other headings that people write, and those of files that were handed out before."""


def _header(cells: Sequence[str]) -> tuple[tuple[str, ...] | None, str]:
    """(the columns that a first line names, what is wrong with it); no columns where it is no header."""
    known = {fold(each): each for each in COLUMNS} | _ALSO
    names = [fold(each) for each in _trimmed(cells)]
    if known.get(names[0]) != NAME and not {fold(NAME), fold(FEED)} <= set(names):
        return None, ""
    unknown = next((cell for cell, name in zip(cells, names, strict=False) if name not in known), None)
    if unknown is not None:
        return None, f"there is no column “{_short(unknown)}”. There are: {', '.join(COLUMNS)}."
    found = tuple(known[name] for name in names)
    twice = next((each for each in found if found.count(each) > 1), None)
    if twice or NAME not in found:
        return None, f"the column “{twice}” stands there twice." if twice else f"the column “{NAME}” is missing."
    return found, ""


def _trimmed(cells: Sequence[str]) -> list[str]:
    """Without the blank cells at the right that spreadsheets copy along."""
    last = max((place for place, each in enumerate(cells, 1) if tidy(each)), default=1)
    return list(cells[:last])


class _Laying:
    """One laying of lines over a mapping, with what went wrong on the way."""

    def __init__(
        self,
        columns: Sequence[str],
        attributes: Sequence[Attribute],
        identifier: str,
        catalogue: Catalogue | None,
        check: Check,
        whole: bool,
        same: bool,
    ) -> None:
        self.columns, self.catalogue, self.before, self.check = columns, catalogue, identifier, check
        self.found = {each.name: each for each in attributes}
        self.identifier, self.whole, self.same = identifier, whole, same
        self.spelt = {bare(each.name) or each.name: each.name for each in reversed(attributes)}
        self.alike: list[str] = []
        self.lines: dict[str, int] = {}
        self.named: list[tuple[int, str]] = []
        self.problems: list[str] = []

    def lay(self, rows: Sequence[Line]) -> Taken:
        for number, cells in rows:
            try:
                self._line(number, _trimmed(cells))
            except SettingsError as problem:
                self.problems.append(str(problem))
        if len(self.named) > 1:
            numbers = ", ".join(str(number) for number, _ in self.named)
            self.problems.append(f"Lines {numbers}: several are the {IDENTIFIER}, and there is exactly one.")
        elif self.named:
            self.identifier = self.named[0][1]
        if self.whole:
            self.found = {name: self.found[name] for name in self.lines if name in self.found}
            self.identifier = self.identifier if self.identifier in self.found else ""
        return Taken(tuple(self.found.values()), self.identifier, tuple(self.problems), tuple(self.alike))

    def _line(self, number: int, cells: Sequence[str]) -> None:
        if len(cells) > len(self.columns):
            raise SettingsError(f"Line {number}: it has {len(cells)} columns, and there are {len(self.columns)}.")
        # In a file a blank cell at the end is blank; what was copied may end anywhere.
        cells = [*cells, *[""] * (len(self.columns) - len(cells))] if self.whole else cells
        said = dict(zip(self.columns, cells, strict=False))
        # A file that was handed out gives exactly the same back.
        for column in () if self.whole else (NAME, FEED, FALLBACK):
            if "\n" in (cell := tidy(said.get(column))) or "\r" in cell:
                raise SettingsError(
                    f"Line {number}, {column}: “{_short(' '.join(cell.split()))}” holds a line break. Take it out of the cell in "
                    "Excel, then copy the rows again."
                )
        name = tidy(said.get(NAME))
        if not name:
            raise SettingsError(f"Line {number}: the attribute has no name.")
        said[NAME] = name = self._meant(number, name)
        if name in self.lines:
            raise SettingsError(
                f"Line {number}: “{_short(name)}” stands in line {self.lines[name]} already. Leave one of the two out."
            )
        if len(cells) < 2 and self.columns is COLUMNS and name not in self.found:
            raise SettingsError(
                f"Line {number}: “{_short(name)}” stands alone. Copy its data feed name with it; or, where a line break in the cell "
                "above made it a line of its own, take that out in Excel first."
            )
        self.lines[name] = number
        self.spelt.setdefault(bare(name) or name, name)
        each = attribute_of(f"Line {number}", self._row(number, name, said))
        self.check(f"Line {number}", each)
        self._check_columns(number, each)
        self.found[name] = each
        self._name_identifier(number, name, said)

    def _meant(self, number: int, name: str) -> str:
        there = self.spelt.get(bare(name) or name, name)
        if there == name or name in self.found:
            return name
        where = "which is there already" if there in self.found else ""
        where = f"in line {self.lines[there]}" if there in self.lines else where
        self.alike.append(f"Line {number}: “{_short(name)}” is nearly the name of “{_short(there)}”, {where}.")
        return there if self.same else name

    def _row(self, number: int, name: str, said: Mapping[str, str]) -> dict[str, object]:
        row: dict[str, object] = {**row_of(self.found.get(name, Attribute(name)), self.identifier), **said}
        feed = tidy(said.get(FEED))
        if feed.startswith(HUMAN) and _meant(said.get(VALUE, "")) == fold(MACHINE):
            raise SettingsError(
                f"Line {number}, “{_short(name)}”: {feed} is the value as shown, and the line says {MACHINE}. Leave one of "
                "them out."
            )
        has = self.found.get(name)
        same = VALUE not in said and has is not None and feed == (has.data_feed_name or "").removeprefix(HUMAN)
        if FEED in said and not same and not tidy(said.get(VALUE)):
            row[VALUE] = SPOKEN if feed.startswith(HUMAN) else MACHINE
        return row

    def _check_columns(self, number: int, each: Attribute) -> None:
        for column in (each.data_feed_name, each.fallback):
            try:
                _ = self.catalogue.resolve(column) if self.catalogue and column else None
            except SettingsError as problem:
                raise SettingsError(f"Line {number}, “{_short(each.name)}”: {problem}") from None

    def _name_identifier(self, number: int, name: str, said: Mapping[str, str]) -> None:
        try:
            if IDENTIFIER in said and ticked(said[IDENTIFIER]):
                self.named.append((number, name))
            elif IDENTIFIER in said and name == self.before:
                self.identifier = ""
        except SettingsError as problem:
            raise SettingsError(f"Line {number}, “{_short(name)}”, {IDENTIFIER}: {problem}") from None
