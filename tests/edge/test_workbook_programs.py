"""The workbook as other programs save it: LibreOffice by itself at work, Excel and Google Sheets by their shapes."""

import re
from collections.abc import Callable
from pathlib import Path

import office
import pytest
from packages import ADDED, MAIN, OFFICE, UPDATED, Parts, edited, packed, parts_of, sharing_texts
from plans import sample_plan

from provisioning.report.workbook import write_workbook
from provisioning.report.workbook_decisions import WorkbookDecisions, read_workbook

FIXTURES = Path(__file__).parent / "data"
NOTHING = WorkbookDecisions((), ())
DECIDED = WorkbookDecisions(("2002", "user:u7"), ("user:u7",), "Grace Okoye, HR")
installed = pytest.mark.skipif(office.OFFICE is None, reason="LibreOffice is not installed")


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    with (tmp_path / "sent.xlsx").open("wb") as file:
        write_workbook(sample_plan(), file)
    return tmp_path / "sent.xlsx"


@installed
def test_sorted_hidden_moved_filtered_commented_and_signed_in_libreoffice_it_says_what_was_decided(
    sent: Path, tmp_path: Path
) -> None:
    with office.edit(sent, tmp_path).open("rb") as file:
        assert read_workbook(sample_plan(), file) == DECIDED


def test_a_file_that_libreoffice_saved_after_such_edits_is_taken_where_it_is_not_installed() -> None:
    with (FIXTURES / "libreoffice.xlsx").open("rb") as file:
        assert read_workbook(sample_plan(), file) == DECIDED


def strict(parts: Parts) -> Parts:
    relations = "http://purl.oclc.org/ooxml/officeDocument/relationships"
    main = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    return edited(parts, lambda xml: xml.replace(MAIN, main).replace(OFFICE, relations))


def marked_and_declared(parts: Parts) -> Parts:
    declaration = '\ufeff<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
    return edited(parts, lambda xml: declaration + xml)


def prefixed(parts: Parts) -> Parts:
    """As the Open XML SDK writes it."""
    return edited(parts, lambda xml: re.sub(r"(</?)(\w)", r"\1x:\2", xml).replace("xmlns=", "xmlns:x="), ADDED)


def moved_parts(parts: Parts) -> Parts:
    """As SharePoint writes it: the main part is another, and the one that used to be lies about."""
    moved = edited(parts, lambda xml: xml.replace("xl/workbook.xml", "/xl/workbook2.xml"), "_rels/.rels")
    moved |= {"xl/workbook2.xml": moved["xl/workbook.xml"], "xl/workbook.xml": b"old"}
    return moved | {"xl/_rels/workbook2.xml.rels": moved.pop("xl/_rels/workbook.xml.rels")}


def other_letters(parts: Parts) -> Parts:
    """Names of parts are the same in large and small letters."""
    return {name.replace("worksheets/sheet2", "Worksheets/Sheet2"): content for name, content in parts.items()}


def computed_kind(parts: Parts) -> Parts:
    """A text as `t="str"`, and a number typed where a number stood as text."""
    typed, cell = (
        '<c r="A9" t="str"><v>Approve</v></c>',
        '<c r="A9" s="[0-9]+" t="inlineStr"><is><t>Approve</t></is></c>',
    )
    parts = edited(parts, lambda xml: re.sub(cell, typed, xml), ADDED)
    typed, cell = '<c r="B9"><v>2001.0</v></c>', '<c r="B9" s="[0-9]+" t="inlineStr"><is><t>2001</t></is></c>'
    return edited(parts, lambda xml: re.sub(cell, typed, xml), UPDATED)


@pytest.mark.parametrize(
    "shape", [sharing_texts, strict, marked_and_declared, prefixed, moved_parts, other_letters, computed_kind]
)
def test_the_shapes_in_which_other_programs_write_mean_the_same(shape: Callable[[Parts], Parts]) -> None:
    parts = parts_of(sample_plan())
    shaped = shape(parts)
    assert shaped != parts
    assert read_workbook(sample_plan(), packed(shaped)) == NOTHING


def test_who_saved_it_last_is_told_as_the_program_says() -> None:
    saver = "<cp:lastModifiedBy>Ama  Boateng</cp:lastModifiedBy></cp:coreProperties>"
    core = "docProps/core.xml"
    parts = edited(parts_of(sample_plan()), lambda xml: xml.replace("</cp:coreProperties>", saver), core)
    assert read_workbook(sample_plan(), packed(parts)).saved_by == "Ama Boateng"
    del parts[core]
    assert read_workbook(sample_plan(), packed(parts)).saved_by == ""
