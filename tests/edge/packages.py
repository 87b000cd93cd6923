"""Workbooks taken apart and put together again: as other programs write them, and as nobody honest does."""

import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO

from provisioning.model import Plan
from provisioning.report.workbook import write_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ADDED, UPDATED = "xl/worksheets/sheet2.xml", "xl/worksheets/sheet4.xml"

Parts = dict[str, bytes]


def parts_of(plan: Plan) -> Parts:
    file = BytesIO()
    write_workbook(plan, file)
    with zipfile.ZipFile(file) as package:
        return {name: package.read(name) for name in package.namelist()}


def packed(parts: Mapping[str, bytes | Iterable[bytes]], method: int = zipfile.ZIP_DEFLATED) -> BytesIO:
    """A package; parts that are not bytes but chunks of them are packed with `method`."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED if isinstance(content, bytes) else method
            with package.open(entry, "w") as part:
                for chunk in [content] if isinstance(content, bytes) else content:
                    part.write(chunk)
    return file


def edited(parts: Parts, edit: Callable[[str], str], *names: str) -> Parts:
    """The parts with those named (all that are XML, if none) rewritten."""
    chosen = names or [name for name in parts if name.endswith((".xml", ".rels"))]
    return parts | {name: edit(parts[name].decode()).encode() for name in chosen}


def sharing_texts(parts: Parts) -> Parts:
    """As Excel and Google Sheets write it: cells refer to texts in a part of their own, some in runs of a look."""
    texts: list[str] = []

    def share(found: re.Match[str]) -> str:
        text, half = found[2], len(found[2]) // 2
        runs = f"<r><t>{text[:half]}</t></r><r><rPr><b/></rPr><t>{text[half:]}</t></r>" if text == "Approve" else ""
        texts.append(runs or f'<t xml:space="preserve">{text}</t>')
        return f'<c{found[1]} t="s"><v>{len(texts) - 1}</v></c>'

    inline = re.compile('<c( r="[A-Z0-9]+" s="[0-9]+") t="inlineStr"><is><t[^>]*>([^<]*)</t></is></c>')
    sheets = [name for name in parts if "worksheets/" in name]
    parts = edited(parts, lambda xml: inline.sub(share, xml), *sheets)
    items = "".join(f"<si>{text}</si>" for text in texts)
    relation = f'<Relationship Id="rIdT" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>'
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}" count="{len(texts)}">{items}</sst>'.encode()
    return edited(parts, lambda xml: xml.replace("</Relationships>", relation), "xl/_rels/workbook.xml.rels")
