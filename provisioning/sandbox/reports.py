"""Custom reports: the same people as rows under display titles, as CSV, Excel or JSON."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from openpyxl import Workbook  # type: ignore[import-untyped,unused-ignore]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped,unused-ignore]
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped,unused-ignore]

from provisioning.sandbox.company import Company
from provisioning.sandbox.fields import CONTRACT_END, PAYROLL_NUMBER, Field, Json
from provisioning.sandbox.search import HumanReadable, Question, encode, permitted, seen, spelling
from provisioning.sandbox.switches import Switches
from provisioning.sandbox.values import BRITISH, ISO, reader, writer

# fmt: off
COLUMNS = (
    "root.id", "root.email", "root.firstName", "root.surname", PAYROLL_NUMBER, "work.title",
    "work.department", "work.site", "work.siteId", "work.reportsTo", "work.reportsTo.email",
    "work.startDate", CONTRACT_END, "payroll.employment.type", "personal.nationality",
    "internal.lifecycleStatus", "internal.terminationDate", "employee.lastDayOfWork",
)
# fmt: on

# Titles in the languages HiBob translates its own fields to; the customer's own fields keep their name.
TITLES = {
    "sv": {
        "root.email": "E-post",
        "root.firstName": "Förnamn",
        "root.surname": "Efternamn",
        "work.title": "Befattning",
        "work.department": "Avdelning",
        "work.site": "Arbetsplats",
        "work.siteId": "Arbetsplats",
        "work.reportsTo": "Rapporterar till",
        "work.startDate": "Startdatum",
    },
}
DATES = {"en-CA": ISO, "sv-SE": ISO, "en-US": "%m/%d/%Y"}


@dataclass(frozen=True, slots=True)
class Report:
    """A saved report; only the second leaves inactive people out."""

    id: int
    name: str
    show_inactive: bool


REPORTS = {
    31048356: Report(31048356, "Learning platform feed", show_inactive=True),
    31048357: Report(31048357, "Active people", show_inactive=False),
}

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


@dataclass(frozen=True, slots=True)
class Download:
    """What a caller asked of a report."""

    report: Report
    format: str
    locale: str
    human: HumanReadable
    info: bool


def views() -> dict[str, Json]:
    """The list of reports."""
    return {"views": [{"id": report.id, "name": report.name} for report in REPORTS.values()]}


def render(company: Company, switches: Switches, wanted: Download) -> bytes:
    """The file of a report."""
    if wanted.format == "json":
        return _json(company, switches, wanted)
    rows = list(_rows(company, switches, wanted))
    return _csv(rows) if wanted.format == "csv" else _xlsx(rows)


def _rows(company: Company, switches: Switches, wanted: Download) -> Iterator[list[str]]:
    fields = permitted(company, switches, COLUMNS)
    if wanted.info:
        yield [f"Report: {wanted.report.name}"]
        yield [f"{company.name}, {company.today}"]
    yield [_title(field, wanted.locale) for field in fields]
    dates, separator = DATES.get(wanted.locale, BRITISH), switches.multi_list_separator
    columns = [(f.id, reader(company, f), writer(company, f, dates, separator)) for f in fields]
    for person in seen(company, switches, Question(show_inactive=wanted.report.show_inactive)):
        yield ["" if key in switches.emptied_columns else say(read(person)) or "" for key, read, say in columns]


def _title(field: Field, locale: str) -> str:
    return TITLES.get(locale[:2], {}).get(field.id, field.name)


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def _xlsx(rows: list[list[str]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Report")
    for row in rows:
        cells = [WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767]) for text in row]
        for cell in cells:
            cell.data_type = "s"  # a title such as "=1+1" is text, not a formula
        sheet.append(cells)
    book.save(file := io.BytesIO())
    return file.getvalue()


def _json(company: Company, switches: Switches, wanted: Download) -> bytes:
    question = Question(COLUMNS, human=wanted.human, show_inactive=wanted.report.show_inactive)
    spell = spelling(company, switches, question)
    people: list[Json] = [spell(person) for person in seen(company, switches, question)]
    shapes: dict[str, Json] = {
        "employees": {"employees": people},
        "one array": {"rows": people},
        "bare": people,
    }
    return encode(shapes[switches.report_json])
