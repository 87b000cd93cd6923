"""The directory as CSV: Excel opens it with its accents, and nothing in it becomes a formula."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.report.csv_file import write_users

User = tuple[str, str, str, dict[str, str]]


def user(number: int = 1, **attributes: str) -> User:
    return f"U{number:08d}", str(1000 + number), "Live", attributes


def written(path: Path, *users: User) -> list[list[str]]:
    """The rows as a spreadsheet would take them."""
    write_users(users, path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.csv"


def test_a_row_per_user_and_a_column_per_attribute_in_order_of_first_appearance(path: Path) -> None:
    rows = written(path, user(1, Email="nora@acme.example"), user(2, Site="Dublin", Email="ravi@acme.example"), user(3))
    assert rows == [
        ["id", "external_id", "status", "Email", "Site"],
        ["U00000001", "1001", "Live", "nora@acme.example", ""],
        ["U00000002", "1002", "Live", "ravi@acme.example", "Dublin"],
        ["U00000003", "1003", "Live", "", ""],
    ]


def test_an_empty_directory_is_a_header(path: Path) -> None:
    assert written(path) == [["id", "external_id", "status"]]


def test_the_file_begins_with_one_byte_order_mark_and_is_utf_8(path: Path) -> None:
    written(path, user(Name="Zoë 李 😀"))
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid,")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert "Zoë 李 😀".encode() in content


FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    '=HYPERLINK("http://x","y")',
    "=1,2",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_looks_like_a_formula_stays_text_wherever_it_stands(path: Path, formula: str) -> None:
    rows = written(path, ("U00000001", formula, "Live", {"Title": formula, formula: "x"}))
    assert rows == [
        ["id", "external_id", "status", "Title", f"'{formula}"],
        ["U00000001", f"'{formula}", "Live", f"'{formula}", "x"],
    ]


@pytest.mark.parametrize("text", ["a=1", "O’Connor", "'quoted", "1-2", "nora@acme.example", " leading", "00017", "1e5"])
def test_what_is_no_formula_stays_as_it_is(path: Path, text: str) -> None:
    assert written(path, user(Text=text))[1][3] == text


@pytest.mark.parametrize("text", ["a,b", 'say "hi"', "two\nlines", "two\r\nlines", '",="', ",\n", '"'])
def test_commas_quotes_and_line_ends_stay_within_their_cell(path: Path, text: str) -> None:
    assert written(path, user(1, Text=text), user(2, Text="next"))[1:] == [
        ["U00000001", "1001", "Live", text],
        ["U00000002", "1002", "Live", "next"],
    ]


def test_an_earlier_file_is_replaced(path: Path) -> None:
    written(path, *(user(number, Text="long" * 50) for number in range(20)))
    assert len(written(path, user())) == 2


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=5))
def test_no_cell_ever_begins_as_a_formula_and_none_is_lost(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    rows = written(path, user(**{f"Attribute {place}": text for place, text in enumerate(texts)}))
    cells = rows[1][3:]
    assert [cell.removeprefix("'") for cell in cells] == [text.removeprefix("'") for text in texts]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
