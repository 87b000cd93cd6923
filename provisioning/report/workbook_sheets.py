"""How a workbook's sheets look, on the screen and on paper, and tables written into them row by row."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from math import ceil

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from provisioning.report.workbook_rows import ShownRow, escaped, shown

PAGE_WIDTH = 260  # characters that are still legible across an A4 page on its side
TITLE_HEIGHT = 26
SAMPLE = 200  # rows that decide how wide columns are
_INK = "FF1F3A4D"
_TEXT, _BOLD = Font("Calibri", 11), Font("Calibri", 11, bold=True)
LABEL = Font("Calibri", 11, bold=True, color=_INK)
SECTION, TITLE = Font("Calibri", 13, bold=True, color=_INK), Font("Calibri", 17, bold=True, color=_INK)
SENTENCE = Font("Calibri", 13)
_BAND, MARK = PatternFill("solid", fgColor="FFDCE6EC"), PatternFill("solid", fgColor="FFFFDD80")
RULE = Border(bottom=Side("thin", color="FFD0D8DD"))


def write_table(
    sheet: Worksheet,
    notes: Sequence[str],
    header: Sequence[str],
    rows: Iterator[ShownRow],
    frozen: int,
    prose: int = 1,
) -> int:
    """Notes, header and rows, with `frozen` columns always in sight; the last columns, as many as `prose`, hold sentences.
    Returns the number of the first row."""
    sample = list(islice(rows, SAMPLE))
    top = len(notes) + 2
    widths = _widths(header, sample, prose)
    set_widths(sheet, widths)
    sheet.freeze_panes = f"{get_column_letter(frozen + 1)}{top + 1}"
    sheet.print_title_rows, sheet.print_title_cols = f"{top}:{top}", f"A:{get_column_letter(frozen)}"
    sheet.row_dimensions[1].height = TITLE_HEIGHT
    for note, font in zip(notes, chain([TITLE], repeat(_TEXT)), strict=False):
        append(sheet, [look(sheet, font)], [shown(note)])
    sheet.append([])
    make_room(sheet, top, zip(header, widths, strict=True))
    append(sheet, repeat(look(sheet, LABEL, RULE, _BAND, wrap=True)), header)
    plain, wrapped = look(sheet, border=RULE), look(sheet, border=RULE, wrap=True)
    marked = look(sheet, _BOLD, RULE, MARK, wrap=True)
    a_day, marked_day = _look_of_day(sheet, _TEXT), _look_of_day(sheet, _BOLD, MARK)
    last = top
    for row in chain(sample, rows):
        last += 1
        looks = [*repeat(plain, len(header) - prose), *repeat(wrapped, prose)]
        for place in row.changed:
            looks[place] = marked
        cells: Iterable[str | int] = row.cells
        if row.days:
            cells = [*row.cells]
            for place, number in row.days.items():
                cells[place], looks[place] = number, marked_day if place in row.changed else a_day
        make_room(sheet, last, ((row.cells[place], widths[place]) for place in (*row.changed, *range(-prose, 0))))
        append(sheet, looks, cells)
    sheet.auto_filter.ref = f"A{top}:{get_column_letter(len(header))}{last}"
    # The notes are for the screen: on paper the columns that each page repeats would cut them. What it is stands on each.
    sheet.print_area = sheet.auto_filter.ref
    if sheet.oddHeader is not None:
        sheet.oddHeader.left.text, sheet.oddHeader.right.text = (_on_paper(notes[place]) for place in (0, -1))
    if last == top:
        sheet.page_setup.fitToWidth = 1
    return top + 1


def _on_paper(note: str) -> str:
    """A line above a page, where & begins a command; Excel has room for 255 characters on it."""
    return " ".join(shown(note).split())[:100].replace("&", "&&")


def new_sheet(workbook: Workbook, title: str) -> Worksheet:
    sheet: Worksheet = workbook.create_sheet(title)
    # openpyxl tries every value as number, text and date before it finds that it is a Cell: a third of all
    # time. Should the name ever change, this costs that time again and nothing else.
    vars(sheet)["_values_to_row"] = _place
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.7, bottom=0.6, header=0.3, footer=0.3)
    if sheet.oddFooter is not None:
        sheet.oddFooter.right.text = "&A, page &P of &N"
    return sheet


def _place(cells: Iterable[Cell], row: int) -> Iterator[Cell]:
    for column, cell in enumerate(cells, 1):
        cell.row, cell.column = row, column
        yield cell


def append(sheet: Worksheet, looks: Iterable[Cell], cells: Iterable[str | int]) -> None:
    sheet.append(_fill(looks, cells))  # type: ignore[arg-type]  # its stubs forget cells in a generator


def _fill(looks: Iterable[Cell], cells: Iterable[str | int]) -> Iterator[Cell]:
    """A cell is written as soon as it is yielded, so that one cell of each look serves for all. Text is text
    whatever it looks like: openpyxl would make a formula of `=1+1`, and an error of `#N/A`. A number is a day."""
    for content, cell in zip(cells, looks, strict=False):
        if isinstance(content, str):
            cell.value = escaped(content) or None
            if content:
                cell.data_type = "s"
        else:
            cell.value = content
        yield cell


def look(
    sheet: Worksheet,
    font: Font = _TEXT,
    border: Border | None = None,
    fill: PatternFill | None = None,
    wrap: bool = False,
) -> Cell:
    """An empty cell. Format “@” and the quote prefix keep a text a text also when somebody types it again."""
    cell = WriteOnlyCell(sheet)
    cell.number_format = "@"
    cell.quotePrefix = True
    cell.alignment = Alignment(vertical="top", wrap_text=wrap)
    cell.font, cell.border, cell.fill = font, border or Border(), fill or PatternFill()
    return cell


def _look_of_day(sheet: Worksheet, font: Font, fill: PatternFill | None = None) -> Cell:
    """A date that sorts as one. It stands as the texts beside it do."""
    cell = look(sheet, font, RULE, fill)
    cell.number_format, cell.quotePrefix = "d mmm yyyy", False
    cell.alignment = Alignment(horizontal="left", vertical="top")
    return cell


def _widths(header: Sequence[str], sample: Sequence[ShownRow], prose: int) -> list[float]:
    """As wide as the header and the first rows ask for, within reason; the last columns, such as Why, are prose."""
    widths: list[float] = []
    for place, name in enumerate(header[:-prose]):
        longest = max((len(line) for row in sample for line in row.cells[place].split("\n")), default=0)
        widths.append(min(max(longest, min(len(name) + 3, 20), 8), 42) + 2)
    return [*widths, *repeat(60.0, prose)]


def set_widths(sheet: Worksheet, widths: Iterable[float]) -> None:
    """Sets also over how many pages a wide sheet is spread, so that print stays legible."""
    total = 0.0
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
        total += width
    sheet.page_setup.fitToWidth = ceil(total / PAGE_WIDTH)


def make_room(sheet: Worksheet, number: int, wrapped: Iterable[tuple[str, float]]) -> None:
    """The height of a row for its wrapped texts: Excel fits it by itself, LibreOffice does not."""
    lines = max(sum(_lines(line, width) for line in text.split("\n")) for text, width in wrapped)
    if lines > 1:
        sheet.row_dimensions[number].height = min(15.0 * lines, 405)


def _lines(text: str, width: float) -> int:
    """A column is as wide as so many digits, of 7 pixels each; small letters are narrower, so more of them have room. At the
    end of each line but the last a part of a word is lost."""
    if len(text) <= width:
        return 1
    pixels = 6.1 * len(text) + 1.4 * sum(not each.islower() and each != " " for each in text)
    return 1 if pixels <= 7 * width else ceil(pixels / (7 * width - 20))
