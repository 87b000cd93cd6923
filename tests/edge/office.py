"""Somebody at work in LibreOffice: it opens a workbook, sorts, hides, moves, filters, comments, signs and saves it.

`python tests/edge/office.py FILE` writes what comes of the workbook of `sample_plan()`: so were made the files in
`tests/edge/data`, which are read where LibreOffice is not installed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")

_EDITS = """
Sub Edit(sent As String, back As String)
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  book = StarDesktop.loadComponentFromURL(sent, "_blank", 0, hidden())

  updated = book.Sheets.getByName("Updated")
  Dim by(0) As New com.sun.star.table.TableSortField
  by(0).Field = 1 : by(0).IsAscending = False
  Dim how(1) As New com.sun.star.beans.PropertyValue
  how(0).Name = "SortFields" : how(0).Value = by()
  how(1).Name = "ContainsHeader" : how(1).Value = True
  updated.getCellRangeByName("A8:I10").sort(how())
  updated.getCellRangeByName("A9").String = "leave out "
  updated.Columns.getByIndex(4).IsVisible = False
  updated.Columns.insertByIndex(2, 1)
  updated.moveRange(updated.getCellRangeByName("C8").CellAddress, updated.getCellRangeByName("G8:G10").RangeAddress)
  updated.Columns.getByIndex(3).Width = 9000
  updated.Annotations.insertNew(updated.getCellRangeByName("B9").CellAddress, "Are we sure?")

  archived = book.Sheets.getByName("Archived")
  archived.getCellRangeByName("A9").String = "Keep active"
  Dim one(0) As New com.sun.star.sheet.TableFilterField
  one(0).Field = 1 : one(0).Operator = com.sun.star.sheet.FilterOperator.EQUAL : one(0).StringValue = "4002"
  filtered = archived.getCellRangeByName("A8:I10").createFilterDescriptor(True)
  filtered.setFilterFields(one()) : filtered.ContainsHeader = True
  archived.getCellRangeByName("A8:I10").filter(filtered)

  summary = book.Sheets.getByName("Summary")
  For number = 0 To 60
    If summary.getCellByPosition(0, number).String = "Decided by" Then
      summary.getCellByPosition(1, number).String = "Grace Okoye, HR"
    End If
  Next
  book.Sheets.getByName("Held").IsVisible = False
  book.Sheets.insertNewByName("My notes", 0)

  Dim saved(0) As New com.sun.star.beans.PropertyValue
  saved(0).Name = "FilterName" : saved(0).Value = "Calc MS Excel 2007 XML"
  book.storeToURL(back, saved())
  book.close(True)
End Sub
"""
_MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
{}</script:module>
"""


def run(profile: Path, *words: str) -> None:
    command = [str(OFFICE), f"-env:UserInstallation={profile.as_uri()}", "--headless", *words]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def save_again(sent: Path, folder: Path) -> Path:
    """The file as LibreOffice saves it when nobody changes anything."""
    run(folder / "profile", "--convert-to", "xlsx", "--outdir", str(folder / "back"), str(sent))
    return folder / "back" / sent.name


def edit(sent: Path, folder: Path) -> Path:
    """The file as it comes back from somebody who made the edits above in LibreOffice."""
    save_again(sent, folder)  # its first start makes the profile, and the module that is replaced here
    module = folder / "profile" / "user" / "basic" / "Standard" / "Module1.xba"
    module.write_text(_MODULE.format(_EDITS.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")))
    back = folder / "edited.xlsx"
    run(folder / "profile", f'macro:///Standard.Module1.Edit("{sent.as_uri()}","{back.as_uri()}")')
    return back


def main(file: str) -> None:
    from plans import sample_plan

    from provisioning.report.workbook import write_workbook

    with tempfile.TemporaryDirectory() as folder:
        sent = Path(folder) / "sent.xlsx"
        with sent.open("wb") as opened:
            write_workbook(sample_plan(), opened)
        shutil.copy(edit(sent, Path(folder)), file)


if __name__ == "__main__":
    main(sys.argv[1])
