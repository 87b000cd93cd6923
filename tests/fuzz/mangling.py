"""Bytes made wrong: real payloads changed in a few places, by their structure or blindly, and bytes of no sense at all."""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from hypothesis import strategies as st

TOKENS = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\\", b"\\ud800", b"\\u0000", b"{", b"}", b"[", b"]", b"[" * 5_000,
    b'{"a":' * 5_000, b"1e999999999", b"1e9999999999999999999", b"-0", b"9" * 5_000, b"0." + b"1" * 5_000, b"NaN", b"null", b"true", b",", b"\r", b"\n",
    b"'", b"=cmd|' /C calc'!A0", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"]]>", b"<html>", b"\xe2\x80\xae",
    "💥".encode(), b"x" * 70_000, b"id", b"value", b"../../etc/passwd", b"%00", b"2026-13-45", b"0000-00-00T99:99:99Z",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 10**18, 10**40, 1.5, "", " ", "\x00", "\ud800", "9" * 5_000, "-1", "1e400", "1e999999999", "1e9999999999999999999", "NaN", "Infinity", "²", "٣",
    "x" * 70_000, [], {}, [[]], [None], [{}], [1, "a", None], {"id": None}, {"value": {"value": 1}}, {"": ""}, "=1+1",
    "a\r\nb: c", "https://127.0.0.1/", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30",
]  # fmt: skip
NUMBERS = {"\ue000": "9" * 5_000, "\ue001": "1e9999999999999999999", "\ue002": "-1e-999999999", "\ue003": "1e999999999"}
"""Numbers that Python would not write by itself, and the marks that stand for them meanwhile."""


@st.composite
def mangled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One input."""
    seed = draw(st.sampled_from(seeds))
    way = draw(st.sampled_from(["structure", "structure", "structure", "bytes", "nonsense"]))
    if way == "nonsense":
        return draw(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8"))))
    if way == "structure":
        for kind in (_json, _zip, _lines):
            made = kind(draw, seed)
            if made is not None:
                return made
    return _bytes(draw, seed)


def _bytes(draw: st.DrawFn, seed: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(seed), 1)))
        length = draw(st.sampled_from([0, 0, 1, 2, 8, 64, len(seed)]))
        token = draw(st.sampled_from(TOKENS))
        if draw(st.booleans()):
            token = seed[start : start + length] * draw(st.integers(0, 3))
        seed = seed[:start] + token + seed[start + length :]
    return seed


def _json(draw: st.DrawFn, seed: bytes) -> bytes | None:
    try:
        whole = deepcopy(json.loads(seed))
    except ValueError:
        return None
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(whole))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["put", "put", "put", "drop", "twice", "deep", "digits", "wrap"])):
            case "put":
                holder[key] = deepcopy(draw(st.sampled_from(VALUES)))
            case "drop":
                del holder[key]
            case "twice" if isinstance(holder, list):
                holder.append(deepcopy(holder[key]))
            case "deep":
                holder[key] = _nested(draw(st.integers(50, 400)))
            case "digits":
                holder[key] = draw(st.sampled_from([*NUMBERS]))
            case _:
                holder[key] = [holder[key]]
    text = json.dumps(whole, ensure_ascii=draw(st.booleans()))
    for mark, number in NUMBERS.items():
        for written in (json.dumps(mark), f'"{mark}"'):
            text = text.replace(written, number)
    return text.encode("utf-8", "surrogatepass")


def _nested(depth: int) -> object:
    found: object = "x"
    for level in range(depth):
        found = [found] if level % 2 else {"a": found}
    return found


def _places(whole: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, and first of all those near its root."""
    todo = [whole]
    while todo:
        holder = todo.pop(0)
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ():
            yield holder, key
            if isinstance(holder[key], dict | list):
                todo.append(holder[key])


def _zip(draw: st.DrawFn, seed: bytes) -> bytes | None:
    """A package whose parts were changed, each packed as it should be."""
    if not seed.startswith(b"PK"):
        return None
    try:
        with ZipFile(BytesIO(seed)) as old:
            parts = {name: old.read(name) for name in old.namelist()}
    except BadZipFile:
        return None
    name = draw(st.sampled_from(sorted(parts)))
    match draw(st.sampled_from(["change", "change", "change", "drop", "rename", "swap"])):
        case "change":
            parts[name] = _bytes(draw, parts[name])
        case "drop":
            del parts[name]
        case "rename":
            parts[draw(st.sampled_from(["xl/vbaProject.bin", "../x", "/xl/workbook.xml", name.upper()]))] = parts.pop(
                name
            )
        case _:
            parts[name] = parts[draw(st.sampled_from(sorted(parts)))]
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as new:
        for each, content in parts.items():
            new.writestr(each, content)
    return made.getvalue()


def _lines(draw: st.DrawFn, seed: bytes) -> bytes:
    """A text whose lines, or words within one, were changed."""
    lines = seed.split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        words = lines[place].replace(b"=", b",=,").split(b",")
        word = draw(st.integers(0, len(words) - 1))
        match draw(st.sampled_from(["word", "word", "drop", "twice", "line"])):
            case "word":
                words[word] = draw(st.sampled_from(TOKENS))
                lines[place] = b",".join(words).replace(b",=,", b"=")
            case "drop" if len(lines) > 1:
                del lines[place]
            case "twice":
                lines.insert(place, lines[place])
            case _:
                lines[place] = draw(st.sampled_from(TOKENS))
    return b"\n".join(lines)
