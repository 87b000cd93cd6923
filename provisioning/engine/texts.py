"""Columns of text, worked on as columns: a text becomes a Python object only where somebody looks at it. Must not know
people."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine.transforms import fold, tidy

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of text by row, for those who want single rows of it."""

    column: pa.Array

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, row: int) -> str:
        text: str = self.column[row].as_py()
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self.column.to_pylist())

    def __contains__(self, text: str) -> bool:
        return self._place(text) >= 0

    def index(self, text: str) -> int:
        """The first row with this text. Raises `ValueError` where there is none."""
        place = self._place(text)
        if place < 0:
            raise ValueError(f"“{text}” is not in the column")
        return place

    def at(self, rows: Iterable[int]) -> list[str]:
        texts: list[str] = self.column.take(indices(rows)).to_pylist()
        return texts

    def rows_of(self, texts: Iterable[str]) -> list[int]:
        """Every row that has one of these texts."""
        rows: list[int] = np.flatnonzero(one_of(self.column, texts)).tolist()
        return rows

    def _place(self, text: str) -> int:
        place: int = pc.index(self.column, pa.scalar(text, pa.string())).as_py()
        return place


@dataclass(frozen=True, slots=True)
class TextTable:
    """A snapshot's table as tidied columns of text. Each is tidied when it is first asked for, and once."""

    table: pa.Table
    _tidied: dict[str, pa.Array] = field(default_factory=dict)

    def __len__(self) -> int:
        rows: int = self.table.num_rows
        return rows

    @property
    def column_names(self) -> list[str]:
        names: list[str] = self.table.column_names
        return names

    def __getitem__(self, slot: str) -> pa.Array:
        """Blank as ""; all blank where the snapshot has no such column."""
        if slot not in self._tidied:
            self._tidied[slot] = tidied(whole(self.table[slot])) if slot in self.column_names else blank(len(self))
        return self._tidied[slot]


def indices(rows: Iterable[int]) -> pa.Array:
    return pa.array(rows, pa.int64())


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of plain text, blank as "": whoever read the column may have encoded it by a dictionary, or in parts."""
    plain = column if column.type == pa.string() else column.cast(pa.string())
    parts = plain.chunks if isinstance(plain, pa.ChunkedArray) else [plain]
    one = parts[0] if len(parts) == 1 else pa.concat_arrays([blank(0), *parts])
    return pc.fill_null(one, "") if one.null_count else one


def one_of(column: pa.Array, texts: Iterable[str]) -> Mask:
    mask: Mask = np.asarray(pc.is_in(column, pa.array(list(texts), pa.string())))
    return mask


def blank(rows: int) -> pa.Array:
    return pa.repeat(pa.scalar("", pa.string()), rows)


def is_filled(texts: pa.Array) -> Mask:
    return np.asarray(pc.not_equal(texts, ""))


def tidied(texts: pa.Array) -> pa.Array:
    """`tidy` of every text of a column without nulls."""
    return _mended(texts, _BEYOND_COMPOSED, tidy)


def stripped(texts: pa.Array) -> pa.Array:
    return _mended(texts, _BEYOND_ALL, str.strip)


def translated(texts: pa.Array, letters: Mapping[int, str]) -> pa.Array:
    """`str.translate` of every text of a column without nulls. `letters`: beyond ASCII."""
    return _mended(texts, _BEYOND_ASCII, lambda text: text.translate(letters))


def folded(texts: pa.Array) -> pa.Array:
    """`fold` of every text of a column without nulls."""
    return pc.ascii_lower(_mended(texts, _BEYOND_ASCII, fold))


def unaccented(text: str) -> str:
    """Without accents: `Siobhán` → `Siobhan`. For looking somebody up, never for matching."""
    return "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))


def all_unaccented(texts: pa.Array) -> pa.Array:
    """`unaccented` of every text of a column without nulls."""
    return _mended(texts, _BEYOND_ASCII, unaccented)


_SPACE, _BEYOND_ASCII, _BEYOND_ALL = 0x20, 0x80, 0x100
_BEYOND_COMPOSED = 0xCC
"""The least byte of UTF-8 that no text has whose characters all come before U+0300: such a text is in NFC already."""
_BLANKS = [blank.encode() for blank in map(chr, range(0x3001)) if blank.isspace()]
_OUTER = np.zeros(256, dtype=bool)
_OUTER[[code for each in _BLANKS for code in (each[0], each[-1])]] = True
"""The bytes with which a blank begins or ends, and so every text that `strip` would change."""


def _mended(texts: pa.Array, beyond: int, mend: Callable[[str], str]) -> pa.Array:
    """`mend` of those texts that may need it, once per distinct text: who has a byte from `beyond` on, or may begin or end
    with a blank. They are found by their bytes, without becoming Python objects: hardly any need it."""
    suspects = _suspects(texts, beyond)
    if not suspects.any():
        return texts
    mask = pa.array(suspects)
    encoded = texts.filter(mask).dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    mended = [mend(text) for text in distinct]
    if mended == distinct:
        return texts
    return pc.replace_with_mask(texts, mask, pa.array(mended, pa.string()).take(encoded.indices))


def _suspects(texts: pa.Array, beyond: int) -> Mask:
    suspects = np.zeros(len(texts), dtype=bool)
    _, offsets_buffer, data_buffer = texts.buffers()
    if not len(texts) or not data_buffer:
        return suspects
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
    least, most = data.min(initial=0xFF), data.max(initial=0)
    if least > _SPACE and most < _BEYOND_ASCII:
        return suspects
    filled = offsets[1:] > offsets[:-1]
    starts, ends = offsets[:-1][filled] - offsets[0], offsets[1:][filled] - offsets[0]
    found = _OUTER[data[starts]] | _OUTER[data[ends - 1]]
    if most >= beyond:
        found |= np.maximum.reduceat(data, starts) >= beyond
    suspects[filled] = found
    return suspects


def differing(new: pa.Array, old: pa.Array, users: Index) -> Index:
    """The rows whose new text is not the old one of their user. `users`: the row of each one's user, or -1 for nobody's.
    Only one side is put into the other's order."""
    if not len(old):
        return np.zeros(0, dtype=np.int64)
    theirs = old.take(pa.array(np.maximum(users, 0)))
    return np.flatnonzero(np.asarray(pc.not_equal(new, theirs)) & (users >= 0))


def text_column(table: pa.Table | TextTable, slot: str) -> pa.Array:
    """A column of a snapshot, tidied, blank as ""; all blank where the snapshot has no such column."""
    return (table if isinstance(table, TextTable) else TextTable(table))[slot]
