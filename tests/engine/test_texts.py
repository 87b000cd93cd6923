"""Columns of text: worked on by their bytes, they say what each text says by itself."""

import sys
from collections.abc import Callable
from unicodedata import is_normalized

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.texts import Texts, TextTable, differing, folded, stripped, tidied, whole
from provisioning.engine.transforms import fold, tidy

EVERY_BLANK = [blank for blank in map(chr, range(sys.maxunicode + 1)) if blank.isspace()]
AWKWARD = st.sampled_from(
    ["\u0301", "e\u0301", "\u212b", "Å", "é", "à", "ß", "İ", "ﬁ", "한", "\u1100\u1161", *EVERY_BLANK]
)
TEXTS = st.lists(st.lists(AWKWARD | st.characters(exclude_categories=["Cs"]), max_size=4).map("".join), max_size=6)
BOTH_WAYS = pytest.mark.parametrize(
    ("by_column", "one_by_one"), [(tidied, tidy), (folded, fold), (stripped, str.strip)], ids=["tidy", "fold", "strip"]
)


@BOTH_WAYS
@given(texts=TEXTS, left_out=st.integers(0, 3))
def test_a_column_becomes_what_its_texts_become(
    by_column: Callable[[pa.Array], pa.Array], one_by_one: Callable[[str], str], texts: list[str], left_out: int
) -> None:
    """A part of a longer column too, whose bytes begin further on."""
    assert by_column(pa.array(texts, pa.string())[left_out:]).to_pylist() == list(map(one_by_one, texts[left_out:]))


@BOTH_WAYS
def test_every_blank_is_found_at_either_end(
    by_column: Callable[[pa.Array], pa.Array], one_by_one: Callable[[str], str]
) -> None:
    texts = [text for blank in EVERY_BLANK for text in (f"{blank}a", f"a{blank}", blank)]
    assert by_column(pa.array(texts)).to_pylist() == list(map(one_by_one, texts))


def test_whatever_comes_before_the_first_combining_character_is_composed() -> None:
    assert is_normalized("NFC", "".join(map(chr, range(0x300))))
    assert max("".join(map(chr, range(0x300))).encode()) < 0xCC


@pytest.mark.parametrize(
    "column",
    [
        pa.chunked_array([["a"], [None, "b"]]),
        pa.chunked_array([["a", None, "b"]]).dictionary_encode(),
        pa.array(["a", None, "b"], pa.large_string()),
        pa.array(["a", None, "b"]).dictionary_encode(),
    ],
    ids=["in parts", "in parts, encoded", "large", "encoded"],
)
def test_a_column_may_be_encoded_or_in_parts(column: pa.Array | pa.ChunkedArray) -> None:
    assert whole(column).equals(pa.array(["a", "", "b"]))


def test_a_column_without_parts_is_empty() -> None:
    assert whole(pa.chunked_array([], pa.string())).to_pylist() == []


def test_a_column_that_was_not_read_is_blank() -> None:
    table = TextTable(pa.table({"name": [" a ", None]}))
    assert [table[slot].to_pylist() for slot in ("name", "other")] == [["a", ""], ["", ""]]


def test_single_rows_of_a_column() -> None:
    texts = Texts(pa.array(["a", "b", "a"]))
    assert (len(texts), texts[1], list(texts), texts.at([2, 1])) == (3, "b", ["a", "b", "a"], ["a", "b"])
    assert (texts.index("a"), texts.rows_of(["a", "c"]), "b" in texts, "c" in texts) == (0, [0, 2], True, False)
    with pytest.raises(ValueError, match="“c”"):
        texts.index("c")


def test_what_differs_from_its_user() -> None:
    new, old = pa.array(["a", "b", "c", "d"]), pa.array(["d", "a", "x"])
    assert differing(new, old, np.array([1, 2, -1, 0])).tolist() == [1]
    assert differing(new, old[:0], np.full(4, -1)).tolist() == []
