"""Rows of text and numbers as a file to hand out: CSV that no spreadsheet calculates, or JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from provisioning.report.csv_file import harmless

Row = Mapping[str, str | int]


def as_csv(rows: Sequence[Row]) -> bytes:
    """UTF-8 with BOM (Excel needs it); a column per name, in order of first appearance."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([harmless(name) for name in names])
    writer.writerows([[_cell(row.get(name, "")) for name in names] for row in rows])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: str | int) -> str | int:
    return harmless(value) if isinstance(value, str) else value


def as_json(rows: Sequence[Row]) -> bytes:
    return json.dumps([dict(row) for row in rows], ensure_ascii=False, indent=2).encode()
