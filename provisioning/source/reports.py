"""Custom reports in place of people search: a table under display titles, or JSON in the shape of people search.

A report's titles are its column names. Where a title is the name of exactly one HiBob field, the field's id works too,
and the engine knows what the column is. What is lost is what is no column of the report.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from provisioning.errors import SourceError
from provisioning.model import Column, ColumnEvidence, Evidence, Field, ReportName, Snapshot
from provisioning.source.people import ID, LIFECYCLE, STATUS, check_ids, count_active, decode_people

if TYPE_CHECKING:
    # httpx takes a twentieth of a page's start, and no page calls HiBob.
    from provisioning.source.client import HiBobClient

HEADER_WITHIN = 5
LARGEST_CELL = 1 << 24


class _View(msgspec.Struct):
    id: int
    name: str = ""


class _Views(msgspec.Struct):
    views: list[_View]


def list_reports(client: "HiBobClient") -> tuple[ReportName, ...]:
    """The reports that the service user may read, by name."""
    try:
        found = msgspec.json.decode(client.reports(), type=_Views)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SourceError("HiBob’s list of reports has an unexpected shape. Check the base URL.") from None
    return tuple(sorted((ReportName(each.id, each.name) for each in found.views), key=lambda each: each.name))


@dataclass(frozen=True, slots=True)
class Report:
    """One download. `fields`: the report's columns; `rows`: its people, as read under the titles.

    `people`: the JSON answer in the shape of people search, for a report whose table names no ids.
    """

    fields: tuple[Field, ...]
    columns: dict[str, list[str]]
    people: bytes | None = None

    def snapshot(self, fields: Sequence[Field], now: datetime) -> Snapshot:
        """The snapshot of these fields; those that are no column of the report are absent."""
        if self.people is not None:
            return _of_report(decode_people(self.people, fields, now))
        rows = len(self.columns[ID])
        table: dict[str, pa.Array] = {}
        evidence = []
        for each in fields:
            texts = self.columns.get(each.id)
            column = pa.array(texts if texts is not None else [None] * rows, pa.string())
            table[each.id] = table[Column(each.id, human=True).slot] = column
            filled = sum(1 for text in texts or () if text.strip())
            evidence.append(
                ColumnEvidence(each.id, 0 if texts is None else rows, filled, each.category, each.category_name)
            )
        whole = pa.table(table)
        check_ids([text.strip() for text in self.columns[ID]])
        return _of_report(Snapshot(whole, Evidence(now, rows, count_active(whole), tuple(evidence))))


def read_report(client: "HiBobClient", report_id: int, metadata: Sequence[Field]) -> Report:
    """Download a report. Raises `SourceError` when it is no complete table of people with ids."""
    titles, rows = _table(client.report(report_id))
    fields = _fields(titles, metadata)
    if ID in (each.id for each in fields):
        columns = {each.id: [row[place] for row in rows] for place, each in enumerate(fields)}
        return Report(fields, columns)
    people = _as_people(client.report(report_id, as_json=True))
    return Report(tuple(each for each in fields if any(each.id == known.id for known in metadata)), {}, people)


def _table(body: bytes) -> tuple[list[str], list[list[str]]]:
    """Titles and rows of a CSV file: UTF-8 with or without BOM; rows of information may stand before the titles."""
    csv.field_size_limit(LARGEST_CELL)
    text = _text(body)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        raise _broken("it is not CSV, or cut off in the middle") from None
    if not rows:
        raise _broken("it is empty")
    # Information is a line of one or two cells; the titles are the first row as wide as the table.
    width = max(len(row) for row in rows)
    start = next((place for place, row in enumerate(rows[:HEADER_WITHIN]) if len(row) == width), None)
    if start is None:
        raise _broken("no row of titles stands in its first five rows")
    uneven = sum(1 for row in rows[start + 1 :] if len(row) != width)
    if uneven:
        raise _broken(f"{uneven} of its rows have fewer columns than titles")
    return [title.strip() for title in rows[start]], rows[start + 1 :]


def _text(body: bytes) -> str:
    """A letter that cannot be read would be lost in somebody's name, so nothing is guessed."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = body[: problem.start].count(b"\n") + 1
        raise _broken(f"it is not UTF-8, the encoding that HiBob writes (line {line})") from None


def _broken(why: str) -> SourceError:
    return SourceError(f"HiBob’s report cannot be read: {why}. Nothing was concluded from it. Try again.")


def _fields(titles: Sequence[str], metadata: Sequence[Field]) -> tuple[Field, ...]:
    """A field per column. Titles that stand twice get a number, so that a bare one is ambiguous and refused."""
    named: dict[str, list[Field]] = {}
    for each in metadata:
        named.setdefault(each.name.casefold(), []).append(each)
    fields, folded = [], [title.casefold() for title in titles]
    for place, title in enumerate(titles):
        known = named.get(folded[place], [])
        if folded.count(folded[place]) > 1:
            number = folded[: place + 1].count(folded[place])
            fields.append(Field(f"{title} ({number})", title, json_path=f"{title} ({number})"))
        else:
            fields.append(known[0] if len(known) == 1 else Field(title, title, json_path=title))
    return tuple(fields)


def _as_people(body: bytes) -> bytes:
    """The JSON form in the envelope of people search: HiBob may send that, an object with one array, or an array."""
    try:
        if body.lstrip()[:1] == b"[":
            return b'{"employees":' + body + b"}"
        whole = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        arrays = [bytes(value) for value in whole.values() if bytes(value).lstrip()[:1] == b"["]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _broken("its JSON is cut off, or no list of people") from None
    people = bytes(whole["employees"]) if "employees" in whole else arrays[0] if len(arrays) == 1 else None
    if people is None:
        raise _broken("its JSON holds no list of people. Add the column ID to the report in HiBob")
    return b'{"employees":' + people + b"}"


def _of_report(snapshot: Snapshot) -> Snapshot:
    """Says where it came from. Where the report has neither status nor lifecycle, whoever stands in it is active."""
    evidence, table = snapshot.evidence, snapshot.table
    told = any(found.present for each in (STATUS, LIFECYCLE) if (found := evidence.column(each)))
    if not told and STATUS in table.column_names:
        active = pa.array(["Active"] * table.num_rows, pa.string())
        table = table.set_column(table.column_names.index(STATUS), STATUS, active)
    return Snapshot(
        table,
        replace(
            evidence,
            active=evidence.active if told else evidence.employees,
            status_from_active_read=not told,
            from_report=True,
        ),
    )
