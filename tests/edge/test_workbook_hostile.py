"""Workbooks that nobody honest writes: refused as such, in little memory, whatever they unpack to."""

import tracemalloc
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from packages import ADDED, MAIN, OFFICE, edited, packed, parts_of
from plans import sample_plan

from provisioning.errors import WorkbookRefused
from provisioning.report import workbook_reader
from provisioning.report.workbook_decisions import read_workbook

MIB = 2**20


@pytest.fixture
def memory() -> Iterator[None]:
    """No test here may take more than 60 MiB beyond what its file takes."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * MIB


def refusal(file: BytesIO) -> str:
    tracemalloc.reset_peak()
    with pytest.raises(WorkbookRefused) as refused:
        read_workbook(sample_plan(), file)
    assert str(refused.value).count("\n") == 1
    return str(refused.value)


def claiming(file: BytesIO, name: str, size: int) -> BytesIO:
    """The package, which says of a part that it unpacks to `size` bytes."""
    content = bytearray(file.getvalue())
    place = content.rindex(name.encode()) - 46  # its entry in the list at the end
    assert content[place : place + 4] == b"PK\x01\x02"
    content[place + 24 : place + 28] = size.to_bytes(4, "little")
    return BytesIO(bytes(content))


def blanks(mib: int) -> Iterator[bytes]:
    yield f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
    for _ in range(mib):
        yield b" " * MIB


# --- bombs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "LZMA"])
def test_a_few_kilobytes_that_become_gigabytes_in_one_go_are_not_unpacked(method: int, memory: None) -> None:
    file = packed(parts_of(sample_plan()) | {ADDED: blanks(200)}, method)
    assert len(file.getvalue()) < 200_000
    assert "packed in a way that no spreadsheet program uses" in refusal(claiming(file, ADDED, 1000))


def test_a_part_that_says_it_is_small_is_read_no_further(memory: None) -> None:
    file = packed(parts_of(sample_plan()) | {ADDED: blanks(400)})
    assert len(file.getvalue()) < MIB
    assert "missing or damaged" in refusal(claiming(file, ADDED, 1000))


def test_a_part_that_says_how_big_it_is_is_not_read_at_all(memory: None) -> None:
    assert "unpacks to more than 300 MiB" in refusal(packed(parts_of(sample_plan()) | {ADDED: blanks(301)}))


def test_a_list_of_very_many_parts_is_not_read(memory: None) -> None:
    entry = b"PK\x01\x02" + bytes(24) + b"\x01\x00" + bytes(16) + b"a"
    entries = entry * 200_000
    end = b"PK\x05\x06" + bytes(4) + b"\xff\xff\xff\xff" + len(entries).to_bytes(4, "little") + bytes(6)
    assert "too many parts" in refusal(BytesIO(entries + end))


def test_a_100_mb_file_is_read_no_further_than_20(tmp_path: Path, memory: None) -> None:
    with (tmp_path / "big.xlsx").open("w+b") as file:
        file.truncate(100 * 1000 * 1000)
        with pytest.raises(WorkbookRefused, match="bigger than 20 MiB"):
            read_workbook(sample_plan(), file)
        assert file.tell() <= 20 * MIB + 1


def test_rows_of_the_summary_are_not_kept(memory: None) -> None:
    rows = (f'<row><c t="str"><v>{number:02000}</v></c></row>'.encode() for number in range(40_000))
    sheet = "xl/worksheets/sheet1.xml"
    file = packed(parts_of(sample_plan()) | {sheet: _around(f'<worksheet xmlns="{MAIN}"><sheetData>', rows)})
    assert "missing or damaged" in refusal(file)


def _around(start: str, rows: Iterator[bytes]) -> Iterator[bytes]:
    yield start.encode()
    yield from rows


def test_texts_that_grow_in_memory_are_counted_as_they_are_there(monkeypatch: pytest.MonkeyPatch, memory: None) -> None:
    """One character beyond Latin makes a text two or four times as big as it is in the file."""
    text = "<si><t>\U0001f600" + "a" * 30_000 + "</t></si>"
    shared = f'<sst xmlns="{MAIN}">{text * 20}</sst>'
    relation = f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="texts.xml"/></Relationships>'
    parts = parts_of(sample_plan()) | {"xl/texts.xml": shared.encode()}
    relations = "xl/_rels/workbook.xml.rels"
    file = packed(edited(parts, lambda xml: xml.replace("</Relationships>", relation), relations))
    read_workbook(sample_plan(), file)
    monkeypatch.setattr(workbook_reader, "MAX_HELD", MIB)
    assert "“xl/texts.xml” is missing or damaged" in refusal(file)


# --- other kinds of file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["application/vnd.ms-office.vbaProject", "application/vnd.ms-excel.sheet.macroEnabled.main+xml"]
)
def test_macros_are_known_by_their_type_whatever_they_are_called(kind: str) -> None:
    override = f'<Override PartName="/xl/innocent.bin" ContentType="{kind}"/></Types>'
    types = "[Content_Types].xml"
    parts = edited(parts_of(sample_plan()), lambda xml: xml.replace("</Types>", override), types)
    assert "contains macros" in refusal(packed(parts | {"xl/innocent.bin": b"\0"}))


def test_a_zip_with_a_password_is_refused_as_such() -> None:
    content = bytearray(packed(parts_of(sample_plan())).getvalue())
    for sign, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(sign) + flags] |= 1
    assert "protected by a password" in refusal(BytesIO(bytes(content)))


@pytest.mark.parametrize("name", ["content.xml", "Index/Document.iwa", "preview.xlsx"])
def test_other_files_that_are_zips_inside_are_refused_as_such(name: str) -> None:
    assert "a zip file of another kind" in refusal(packed({"mimetype": b"other", name: b"other"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_package_that_shows_one_sheet_and_holds_another_is_refused() -> None:
    file = packed(parts_of(sample_plan()))
    with zipfile.ZipFile(file, "a") as package:
        package.writestr(ADDED.upper(), b"another")
    assert "two of its parts have the same name" in refusal(file)
    main = "xl/workbook.xml"
    parts = edited(parts_of(sample_plan()), lambda xml: xml.replace('name="Held"', 'name="ADDED"'), main)
    assert "two of its sheets are called “ADDED”" in refusal(packed(parts))


@pytest.mark.parametrize(
    ("old", "new"),
    [('<row r="10">', '<row r="9">'), ('<c r="B9"', '<c r="A9"'), ('<c r="C9"', '<c r="A9"')],
    ids=["row twice", "cell twice", "cells out of order"],
)
def test_what_stands_twice_cannot_hide_the_first(old: str, new: str) -> None:
    parts = edited(parts_of(sample_plan()), lambda xml: xml.replace(old, new), ADDED)
    assert "missing or damaged" in refusal(packed(parts))


@pytest.mark.parametrize("cells", ["A9:A10", "$A$9:$A$10", "A:A", "A1:B10", "nonsense"])
def test_merged_cells_among_the_people_are_refused_for_a_decision_would_count_for_one(cells: str) -> None:
    merged = f'</sheetData><mergeCells count="1"><mergeCell ref="{cells}"/></mergeCells>'
    parts = edited(parts_of(sample_plan()), lambda xml: xml.replace("</sheetData>", merged), ADDED)
    message = refusal(packed(parts))
    assert message.startswith("Added, row ")
    assert f"“{cells}” are merged" in message


def test_merged_cells_above_the_header_are_nobodys_business() -> None:
    merged = '</sheetData><mergeCells><mergeCell ref="A1:C2"/></mergeCells>'
    parts = edited(parts_of(sample_plan()), lambda xml: xml.replace("</sheetData>", merged), ADDED)
    assert read_workbook(sample_plan(), packed(parts)).left_out == ()
