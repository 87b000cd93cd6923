"""The cells of an .xlsx file as text, row by row. Knows sheets and cells; nothing of plans.

The file comes from outside, so nothing in it is believed: its parts are streamed through expat, bytes are
counted as they unpack, a document type ends the reading, and no tree is ever built. openpyxl writes our
workbooks and does not read them: it removes every `x005F_` from shared texts, takes a sheet's word for where
it ends, keeps a tree of whatever it does not know, and needs two to three times as long.
"""

import posixpath
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from provisioning.errors import WorkbookRefused

MAX_FILE = 20 * 2**20
MAX_UNPACKED = 300 * 2**20
MAX_ROW, MAX_COLUMN = 1_048_576, 16_384  # Excel's own
# More than an honest part can have within MAX_UNPACKED; a hostile one would take minutes or gigabytes.
MAX_ELEMENTS = 16_000_000
MAX_TEXTS = 5_000_000  # shared by cells
MAX_PIECES = 2_000  # of the text of one cell, each of several thousand characters
MAX_LISTED = 10_000  # parts, sheets, and relations between parts
MAX_HELD = 400 * 2**20  # bytes of text that are in memory at a time; one emoji makes a text four times as big
MAX_DEPTH = 100
MAX_TAG = 2**20  # bytes; expat scans an unfinished tag again with every chunk

ENTRY = b"PK\x01\x02"  # begins every entry of a zip's list
PROPERTIES = "docProps/core.xml"
OLE2 = bytes.fromhex("d0cf11e0a1b11ae1")  # how an .xls begins, and an .xlsx with a password

# What everybody writes, and what Excel calls "Strict Open XML" (both ECMA-376).
_SPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_TAGS = {f"{space}}}{tag}": tag for space in _SPACES for tag in ("row", "c", "v", "f", "t", "rPh", "si")}
_LAST_SAVED = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties}lastModifiedBy"
_MACROS = re.compile("vbaproject|macro", re.IGNORECASE)
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")

# What zipfile, zlib and expat raise on bytes that are not what they claim to be (RuntimeError: a member that
# is encrypted, or packed in an unknown way; LookupError: an unknown encoding), and what we raise on what the
# parts say: LookupError where something is referred to and not there, ValueError where a number is none, or
# is too big.
_FOREIGN = (BadZipFile, zlib.error, EOFError, ExpatError, LookupError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row with anything in it: its texts by column number, blanks left out, and where formulas are."""

    number: int
    texts: Mapping[int, str]
    formulas: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Relation:
    """What a part refers to, and as what."""

    id: str
    kind: str
    part: str


class Spreadsheet:
    """An .xlsx file without macros and of a sane size. `sheets`: the part that holds each, by name."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises `WorkbookRefused` for anything else."""
        self._package = _open(file)
        self._parts = _parts_of(self._package)
        self._unpacked = 0
        self._texts: Sequence[str] = ()
        self._refuse_macros()
        main = next((each.part for each in self._relations("") if each.kind == "officeDocument"), "")
        relations = self._relations(main)
        for each in relations:
            if each.kind == "sharedStrings":
                self._texts = self._whole(each.part).texts
        self.sheets = self._sheets(main, {each.id: each.part for each in relations})
        self.saved_by = self._whole(PROPERTIES).saved_by if PROPERTIES.lower() in self._parts else ""

    def rows(self, sheet: str, merged: list[str] | None = None) -> Iterator[SheetRow]:
        """The rows of a sheet in the order of the file, hidden and filtered ones included. Which cells are merged,
        as A1:B2, is in `merged` at the end."""
        found = _Collector(self._texts, "mergeCell")
        for _ in self._feed(self.sheets[sheet], found):
            yield from found.rows
            found.rows.clear()
        if merged is not None:
            merged += [each.get("ref", "") for each in found.elements]

    def _refuse_macros(self) -> None:
        """They are what their type says, whatever the part is called."""
        for element in ("Override", "Default"):
            for each in self._whole("[Content_Types].xml", element).elements:
                if _MACROS.search(each.get("ContentType", "")):
                    raise _unreadable("it contains macros")

    def _relations(self, part: str) -> list[_Relation]:
        """Those of a part, or of the package. Where the parts lie is the file's own affair (SharePoint writes
        xl/workbook2.xml), and a guess might read another sheet than the program shows."""
        folder, name = posixpath.split(part)
        return [
            _Relation(
                each.get("Id", ""),
                each.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, each.get("Target", "")))[1:],
            )
            for each in self._whole(posixpath.join(folder, "_rels", f"{name}.rels"), "Relationship").elements
        ]

    def _sheets(self, main: str, parts: Mapping[str, str]) -> dict[str, str]:
        sheets: dict[str, str] = {}
        for each in self._whole(main, "sheet").elements:
            id = next((value for name, value in each.items() if name.endswith("/relationships}id")), "")
            name = each.get("name", "")
            if name.casefold() in map(str.casefold, sheets):
                raise _unreadable(f"two of its sheets are called “{name[:60]}”")
            sheets[name] = parts.get(id, "")
        return sheets

    def _whole(self, part: str, wanted: str = "") -> "_Collector":
        found = _Collector(wanted=wanted)
        for _ in self._feed(part, found):
            pass
        return found

    def _feed(self, part: str, found: "_Collector") -> Iterator[None]:
        """Unpack and parse a part, with a pause after every chunk. What size it claims counts for nothing."""
        fed = 0
        try:
            with self._package.open(self._parts[part.lower()]) as stream:
                while chunk := stream.read(2**16):
                    self._unpacked += len(chunk)
                    if self._unpacked > MAX_UNPACKED:
                        raise _too_big("unpacks to more than", MAX_UNPACKED)
                    found.parser.Parse(chunk)
                    fed += len(chunk)
                    if fed - found.parser.CurrentByteIndex > MAX_TAG or len(found.texts) > MAX_TEXTS:
                        raise ValueError(fed)
                    yield
            found.parser.Parse(b"", True)
            yield
        except _FOREIGN:
            raise _unreadable(f"its part “{part[:60]}” is missing or damaged") from None


class _Collector:
    """Collects as they close the rows of a sheet, or the texts that cells share by number; and the attributes
    of every element that is called `wanted`."""

    def __init__(self, shared: Sequence[str] = (), wanted: str = "") -> None:
        self.rows: list[SheetRow] = []
        self.texts: list[str] = []
        self.elements: list[dict[str, str]] = []
        self.saved_by = ""
        self._shared = shared
        self._wanted = f"}}{wanted}"
        self._row = self._column = self._depth = self._count = self._held = 0
        self._cells: dict[int, str] = {}
        self._formulas: set[int] = set()
        self._type, self._pieces = "inlineStr", list[str]()
        self._open = self._aid = False
        self.parser = ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse_document_type
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS or len(self.elements) > MAX_LISTED:
            raise ValueError(name)
        tag = _TAGS.get(name)
        if tag == "c":
            self._start_cell(attributes.get("r", "").rstrip("0123456789"), attributes.get("t", "n"))
        elif tag == "v":
            self._open = self._type != "inlineStr"
        elif tag == "t":
            self._open = self._type == "inlineStr" and not self._aid
        elif tag == "row":
            self._start_row(int(attributes.get("r", self._row + 1)))
        elif tag == "f":
            self._formulas.add(self._column)
        elif tag == "rPh":  # how to pronounce Japanese: no part of the text
            self._aid = True
        elif name == _LAST_SAVED and not self._row:
            self._open = True
        elif name.endswith(self._wanted):
            self.elements.append(attributes)

    def _start_row(self, number: int) -> None:
        """Rows, and cells in them, stand in order (as Excel demands): none can come twice and hide another."""
        if not self._row < number <= MAX_ROW:
            raise ValueError(number)
        self._row, self._column, self._cells, self._formulas, self._held = number, 0, {}, set(), 0

    def _start_cell(self, letters: str, kind: str) -> None:
        column = _column_of(letters) if letters else self._column + 1
        if not self._column < column <= MAX_COLUMN:
            raise ValueError(column)
        self._column, self._type = column, kind

    def _data(self, text: str) -> None:
        if self._open:
            self._pieces.append(text)
            if len(self._pieces) > MAX_PIECES:
                raise ValueError(len(self._pieces))

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._open = False
        tag = _TAGS.get(name)
        if tag == "c" and self._pieces:
            self._cells[self._column] = self._text()
        elif tag == "si":
            self.texts.append(self._text())
        elif tag == "row" and (self._cells or self._formulas):
            self.rows.append(SheetRow(self._row, self._cells, tuple(sorted(self._formulas))))
        elif tag == "rPh":
            self._aid = False
        elif name == _LAST_SAVED and not self._row:
            self.saved_by = self._text()

    def _text(self) -> str:
        """What the element that closes says (ST_CellType, ECMA-376 part 1, 18.18.11)."""
        raw = "".join(self._pieces)
        self._pieces.clear()
        self._held += sys.getsizeof(raw)
        if self._held > MAX_HELD:
            raise ValueError(self._held)
        match self._type:
            case "s":
                return self._shared[_place(raw)]
            case "n":
                return _number(raw)
            case "b":
                return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
            case _:
                return _unescaped(raw)


def _place(raw: str) -> int:
    """Of a shared text. Python would count negative ones from the end, and no spreadsheet program does."""
    if (place := int(raw)) < 0:
        raise LookupError(raw)
    return place


def _number(raw: str) -> str:
    """A number in Excel's General format. Excel stores 1.1 as 1.1000000000000001, others 44 as 44.0."""
    if raw.isdecimal():
        return str(int(raw))
    value = float(raw)
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


def _unescaped(text: str) -> str:
    """`_x0041_` is A: how Excel writes what XML cannot hold (ST_Xstring, ECMA-376 part 1, 22.9.2.19)."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _refuse_document_type(*_: object) -> None:
    """No spreadsheet program writes one; all it could do here is declare entities that grow without end."""
    raise _unreadable("it holds a document type declaration")


def _open(file: BinaryIO) -> ZipFile:
    if file.seekable():
        file.seek(0)
    content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise _too_big("is bigger than", MAX_FILE)
    if content.startswith(OLE2):
        raise _unreadable("it is an .xls of the time before 2007, or protected by a password")
    if content.count(ENTRY) > MAX_LISTED:  # each takes a kilobyte once it is read
        raise _unreadable("it has too many parts")
    try:
        return ZipFile(BytesIO(content))
    except _FOREIGN:
        raise _unreadable("it is cut off, or of another kind" if content else "it is empty") from None


def _parts_of(package: ZipFile) -> dict[str, str]:
    """The name of each part, by its name in small letters: in a package the two are the same."""
    parts = {name.lower(): name for name in package.namelist()}
    listed = package.infolist()
    if any("vbaproject" in name or "macrosheets/" in name for name in parts):
        raise _unreadable("it contains macros")
    if any(each.flag_bits & 1 for each in listed):
        raise _unreadable("it is protected by a password")
    if "[content_types].xml" not in parts or "_rels/.rels" not in parts:
        raise _unreadable("it is a zip file of another kind")
    if len(parts) < len(listed):
        raise _unreadable("two of its parts have the same name")
    # Python unpacks bzip2 and LZMA without a limit: 64 KiB become gigabytes in one go.
    if any(each.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for each in listed):
        raise _unreadable("it is packed in a way that no spreadsheet program uses")
    if sum(each.file_size for each in listed) > MAX_UNPACKED:
        raise _too_big("unpacks to more than", MAX_UNPACKED)
    return parts


def _unreadable(reason: str) -> WorkbookRefused:
    return WorkbookRefused(
        f"This is no Excel file that can be taken: {reason}.\n"
        "Hand in the Excel file of this preview, saved as .xlsx without macros and password."
    )


def _too_big(what: str, limit: int) -> WorkbookRefused:
    return WorkbookRefused(
        f"The Excel file {what} {limit // 2**20} MiB, and no more is taken.\n"
        "Take out what was added to it, or decide on the page."
    )


@lru_cache(maxsize=MAX_COLUMN)
def _column_of(letters: str) -> int:
    """Raises `ValueError` for letters of no column. Pages know this module, and do not wait for openpyxl."""
    from openpyxl.utils import column_index_from_string

    number: int = column_index_from_string(letters)
    return number
