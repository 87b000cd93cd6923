"""The directory as CSV, safe to open in a spreadsheet: nothing in it becomes a formula."""

import csv
from collections.abc import Sequence
from pathlib import Path

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_users(users: Sequence[tuple[str, str, str, dict[str, str]]], path: Path) -> None:
    """UTF-8 with BOM (Excel needs it), one row per user, a column per attribute, in order of first appearance."""
    names = list(dict.fromkeys(name for *_, attributes in users for name in attributes))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([harmless(name) for name in ("id", "external_id", "status", *names)])
        for user, link, status, attributes in users:
            writer.writerow(
                [harmless(text) for text in (user, link, status, *(attributes.get(name, "") for name in names))]
            )


def harmless(value: str) -> str:
    """A leading apostrophe keeps a spreadsheet from calculating what looks like a formula (OWASP, CSV injection)."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
