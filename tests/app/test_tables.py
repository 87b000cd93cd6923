"""Tables whose texts are uncut: as wide as they need to be, or wrapped."""

import pandas as pd
import pytest

from provisioning.web import address, parts
from provisioning.web.parts import ROOM, WRAPS_FROM, Fit, filled, fitted, narrowed, with_room

LONG = "The reason is told in a sentence that is far longer than any window has room for. " * 3


def width(fit: Fit) -> int:
    return sum(int(str(each["width"])) for each in fit.columns.values())


def test_what_has_room_stands_on_a_line() -> None:
    fit = fitted(pd.DataFrame({"Person": ["Ebba Sharma"], "Why": ["Starts later."]}))
    assert fit.row_height is None
    assert width(fit) < ROOM


def test_what_has_no_room_is_wrapped_and_the_short_columns_keep_their_width() -> None:
    short = fitted(pd.DataFrame({"Person": ["Ebba Sharma"]})).columns["Person"]["width"]
    fit = fitted(pd.DataFrame({"Person": ["Ebba Sharma"], "Why": [LONG]}))
    assert width(fit) == ROOM
    assert fit.columns["Person"]["width"] == short
    assert fit.row_height is not None
    assert fit.row_height >= WRAPS_FROM
    longer = fitted(pd.DataFrame({"Person": ["Ebba Sharma"], "Why": [LONG * 2]}))
    assert longer.row_height is not None
    assert longer.row_height > fit.row_height


def test_one_long_text_is_cut_and_makes_no_row_high() -> None:
    people = [f"Person {number}" for number in range(10)]
    frame = pd.DataFrame({"Person": people, "After": ["somebody@northwind.example"] * 10, "Why": [LONG, *[""] * 9]})
    fit = fitted(frame)
    assert fit.row_height is None
    assert width(fit) == ROOM
    for name in ("Person", "After"):
        assert fit.columns[name]["width"] == fitted(frame[[name]]).columns[name]["width"]


def test_what_is_cut_ends_in_an_ellipsis_and_what_has_room_does_not() -> None:
    frame = pd.DataFrame({"Person": ["Ebba Sharma"] * 3, "Why": ["Short.", "Short.", LONG]})
    shown = fitted(frame).cut(frame)
    assert list(shown["Person"]) == list(frame["Person"])
    assert list(shown["Why"][:2]) == ["Short."] * 2
    assert shown["Why"][2].endswith("…")
    assert LONG.startswith(shown["Why"][2].removesuffix("…"))


def test_of_a_text_that_is_wrapped_the_last_line_ends_in_an_ellipsis() -> None:
    frame = pd.DataFrame({"Person": ["Ebba Sharma"], "Why": [LONG * 9]})
    told = fitted(frame).cut(frame)["Why"][0]
    assert told.endswith("…")
    assert len(LONG) < len(told) < len(LONG) * 9


def test_a_telephone_has_a_row_in_one_column_and_numbers_with_their_title(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"Made": ["30 Nov 2026"], "Add": [4], "Update": [0], "By": ["somebody@northwind.example"]})
    columns = {"Preview": ("Made", "Add", "Update", "Archive")}
    assert narrowed(frame, columns) is frame
    monkeypatch.setattr(parts, "on_a_telephone", lambda: True)
    assert narrowed(frame, columns).to_dict("records") == [{"Preview": "30 Nov 2026 · 4 add"}]


def test_where_nobody_can_be_selected_the_few_long_texts_are_wrapped_too() -> None:
    frame = pd.DataFrame({"Person": ["Ebba Sharma"] * 5, "Why": [LONG, *["Starts later."] * 4]})
    assert fitted(frame).row_height is None
    fit = fitted(frame, whole=True)
    assert fit.row_height is not None
    assert fit.cut(frame).equals(frame)


def test_columns_are_left_out_that_are_empty_or_have_no_room() -> None:
    frame = pd.DataFrame({"Person": ["Ebba Sharma"], "Before": [""], "Number": [0], "After": ["x" * 60]})
    assert list(filled(frame).columns) == ["Person", "After"]
    many = pd.DataFrame({f"Attribute {number}": ["x" * 30] for number in range(9)})
    shown = with_room(many)
    assert list(shown.columns) == list(many.columns[: len(shown.columns)])
    assert 1 < len(shown.columns) < 9
    assert width(fitted(shown)) <= ROOM


def test_what_other_columns_take_is_not_given_away() -> None:
    frame = pd.DataFrame({"Person": ["Ebba Sharma"], "Why": [LONG]})
    assert width(fitted(frame, 90)) == ROOM - 90


def test_a_table_of_very_many_columns_scrolls() -> None:
    fit = fitted(pd.DataFrame({f"Attribute {number}": ["x" * 60] for number in range(12)}))
    assert fit.row_height is None
    assert width(fit) > ROOM


def test_a_table_that_does_not_show_all_shows_half_a_row_and_says_so() -> None:
    assert address.scrolls(18) == ""
    assert "17 of 22" in address.scrolls(22)
    assert (address.height(22) - 37) % address.ROW == address.ROW - 17
    assert address.height(3, 80) == 37 + 3 * 80


def test_one_very_long_text_makes_no_row_higher_than_six_lines() -> None:
    fit = fitted(pd.DataFrame({"Person": ["x" * 3000], "Why": [LONG]}))
    assert fit.row_height is None or fit.row_height <= 130
