"""Tables as CSV, safe to open in a spreadsheet: nothing in it becomes a formula."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from provisioning.errors import SettingsError

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


Users = Sequence[tuple[str, str, str, dict[str, str]]]
"""(id, external id, status, attributes) of each."""


def write_users(users: Users, path: Path) -> None:
    path.write_bytes(users_csv(users))


def users_csv(users: Users) -> bytes:
    """UTF-8 with BOM (Excel needs it), one row per user, a column per attribute, in order of first appearance."""
    names = list(dict.fromkeys(name for *_, attributes in users for name in attributes))
    rows = [("id", "external_id", "status", *names)]
    rows += [(*who, *(attributes.get(name, "") for name in names)) for *who, attributes in users]
    out = StringIO(newline="")
    csv.writer(out).writerows([[harmless(text) for text in row] for row in rows])
    return out.getvalue().encode("utf-8-sig")


def harmless(value: str) -> str:
    """A leading apostrophe keeps a spreadsheet from calculating what looks like a formula (OWASP, CSV injection)."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def write_lines(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as CSV, without anything that becomes a formula. `read_lines` gives the same cells back."""
    out = StringIO(newline="")
    csv.writer(out).writerows([[_escaped(cell) for cell in line] for line in lines])
    return out.getvalue()


def _escaped(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*_FORMULA_STARTS, "'")) else cell


def read_lines(text: str) -> list[tuple[int, list[str]]]:
    """(line number, cells) of CSV or of cells copied from a spreadsheet, whichever mark stands between them: tab,
    semicolon or comma. Raises `SettingsError` for what is no such text."""
    first = _first_row(text.removeprefix("\ufeff").lstrip("\r\n"))
    mark = "\t" if "\t" in first else max(";", ",", key=first.count) if ";" in first else ","
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=mark, strict=True)
    found, begins = [], 1
    try:
        for cells in reader:
            found.append((begins, [_unescaped(cell) for cell in cells]))
            begins = reader.line_num + 1
    except csv.Error as problem:
        why = "a cell of it is too long" if "larger" in str(problem) else _QUOTES
        raise SettingsError(f"Line {begins} cannot be read: {why}.") from None
    return found


_QUOTES = (
    'a quotation mark (") opens a cell, and none closes it. Take quotation marks and line breaks out of the cells of that row, '
    "then paste or upload it again"
)


def _first_row(text: str) -> str:
    """With the line breaks that its cells hold, which stand in quotation marks."""
    row = ""
    for line in text.splitlines(keepends=True):
        row += line
        if row.count('"') % 2 == 0:
            break
    return row


def _unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*_FORMULA_STARTS, "'")) else cell
