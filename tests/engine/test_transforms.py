"""One text in, one text out: what a value becomes on its way from HiBob to an attribute."""

import pytest

from provisioning.engine.transforms import Unreadable, clean, fold, reader, tidy
from provisioning.model import Attribute, AttributeType


def read(
    text: str,
    kind: AttributeType = AttributeType.TEXT,
    *,
    clean_up: tuple[str, ...] = (),
    values: dict[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> str:
    table = tuple((values or {}).items())
    attribute = Attribute("Any", "work.any", type=kind, clean_up=clean_up, values=table, options=options)
    return reader(attribute)(tidy(text))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (None, ""),
        ("", ""),
        (" \t\r\n", ""),
        ("  Sales ", "Sales"),
        ("\u00a0Sales\u2003", "Sales"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("\u212bngstro\u0308m", "\u00c5ngstr\u00f6m"),
        ("Legal  &  Compliance", "Legal  &  Compliance"),
        ("a\ud800b", "a\ufffdb"),
    ],
)
def test_text_is_trimmed_and_composed_and_blank_is_one_thing(written: str | None, kept: str) -> None:
    assert tidy(written) == kept


@pytest.mark.parametrize(
    "text",
    ["007", "0", "3344556677889900112", "O'Connor", "O’Connor", "Zoë Ångström", "李小龙", "=1+1", "1.50", "No", "null"],
)
def test_text_keeps_its_leading_zeros_accents_and_apostrophes(text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2026-09-06", "2026-09-06"),
        (" 2026-09-06 ", "2026-09-06"),
        ("2024-02-29", "2024-02-29"),
        ("2023-05-19T11:13:40.175639", "2023-05-19"),
        ("2023-05-19T11:13:40", "2023-05-19"),
        ("2023-05-19T11:13", "2023-05-19"),
        ("2023-05-19 11:13:40", "2023-05-19"),
        ("2023-05-19T23:59:59Z", "2023-05-19"),
        ("2023-05-19T23:59:59.1+02:00", "2023-05-19"),
        ("2023-05-19T00:00:00-0500", "2023-05-19"),
    ],
)
def test_an_iso_date_or_time_is_read_as_its_date(written: str, date: str) -> None:
    assert read(written, AttributeType.DATE) == date


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-31",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "0000-01-01",
        "06/09/2026",
        "06.09.2026",
        "2026-9-6",
        "20260906",
        "08-10",
        "2026-09-06x",
        "2026-09-06T",
        "٢٠٢٦-٠٩-٠٦",
        "soon",
        "45292",
    ],
)
def test_what_is_no_date_of_the_calendar_is_refused(written: str) -> None:
    with pytest.raises(Unreadable, match="date"):
        read(written, AttributeType.DATE)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("44", "44"),
        ("100", "100"),
        ("1.50", "1.5"),
        ("2.000", "2"),
        ("2.", "2"),
        (".5", "0.5"),
        ("007", "7"),
        ("000", "0"),
        ("00.10", "0.1"),
        ("+5", "5"),
        ("-5.0", "-5"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("1e3", "1000"),
        ("1.5E+2", "150"),
        ("25e-2", "0.25"),
        ("60000.00", "60000"),
        ("0.1", "0.1"),
        ("12345678901234567890123456789012345678901.10", "12345678901234567890123456789012345678901.1"),
    ],
)
def test_a_number_has_no_exponent_and_no_trailing_zeros_and_loses_no_digit(written: str, number: str) -> None:
    assert read(written, AttributeType.NUMBER) == number


@pytest.mark.parametrize(
    "written", ["1,000", "1 000", "1_000", "12a", "--1", ".", "e5", "NaN", "Infinity", "0x10", "٣", "½"]
)
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(Unreadable, match="not a number"):
        read(written, AttributeType.NUMBER)


@pytest.mark.parametrize(
    ("written", "answer"),
    [(text, "Yes") for text in ("Yes", "yes", "YES", "true", "True", "1", " yes ", "y")]
    + [(text, "No") for text in ("No", "no", "NO", "false", "False", "0", " no ", "n")],
)
def test_every_spelling_of_yes_and_no_becomes_yes_or_no(written: str, answer: str) -> None:
    assert read(written, AttributeType.YES_NO) == answer


@pytest.mark.parametrize("written", ["maybe", "2", "-", "yess", "null"])
def test_what_is_neither_yes_nor_no_is_refused(written: str) -> None:
    with pytest.raises(Unreadable, match="neither yes nor no"):
        read(written, AttributeType.YES_NO)


def test_a_list_takes_its_options_and_nothing_else() -> None:
    options = ("Full time", "Part time")
    assert read("Part time", AttributeType.LIST, options=options) == "Part time"
    for other in ("part time", "Full", "209192163"):
        with pytest.raises(Unreadable, match="option"):
            read(other, AttributeType.LIST, options=options)


def test_an_option_is_the_same_text_however_it_is_composed() -> None:
    assert read("Caf\u00e9", AttributeType.LIST, options=("Cafe\u0301",)) == "Caf\u00e9"


def test_the_value_table_comes_before_the_type() -> None:
    assert read("FT", AttributeType.LIST, values={"FT": "Full time"}, options=("Full time",)) == "Full time"
    assert read("Aktiv", AttributeType.YES_NO, values={"Aktiv": "true"}) == "Yes"
    assert read("none", AttributeType.NUMBER, values={"none": "0.0"}) == "0"
    assert read("unknown", AttributeType.DATE, values={"unknown": ""}) == ""
    with pytest.raises(Unreadable):
        read("FT", AttributeType.LIST, values={"FT": "Full"}, options=("Full time",))


def test_a_value_that_the_table_does_not_name_stays() -> None:
    assert read("Sales", values={"Legal & Compliance": "Legal"}) == "Sales"


@pytest.mark.parametrize("key", ["Legal & Compliance", "LEGAL & COMPLIANCE", "  legal & compliance "])
def test_the_value_table_is_looked_up_after_the_clean_up_on_both_sides(key: str) -> None:
    assert read("Legal & Compliance", clean_up=("lower",), values={key: "Legal"}) == "Legal"


def test_the_value_table_compares_text_without_regard_to_composition_and_outer_blanks() -> None:
    assert read("Cafe\u0301 ", values={" Caf\u00e9": " Kitchen "}) == "Kitchen"


def test_what_the_value_table_gives_is_not_cleaned_up_again() -> None:
    assert read("Legal", clean_up=("lower",), values={"legal": "Legal Team"}) == "Legal Team"


def test_a_value_that_a_clean_up_leaves_empty_is_blank_in_every_type() -> None:
    for kind in (AttributeType.TEXT, AttributeType.NUMBER, AttributeType.DATE, AttributeType.YES_NO):
        assert read("n/a", kind, clean_up=("digits only",)) == ""


@pytest.mark.parametrize(
    ("steps", "written", "cleaned"),
    [
        ((), "Ada  Lovelace", "Ada  Lovelace"),
        (("lower",), "Ada@Acme.Example", "ada@acme.example"),
        (("upper",), "ab-12é", "AB-12É"),
        (("title",), "ada lovelace", "Ada Lovelace"),
        (("single spaces",), "Ada \t  Lovelace", "Ada Lovelace"),
        (("no accents",), "Zoë Ångström", "Zoe Angstrom"),
        (("digits only",), "+44 (0)20-7946", "440207946"),
        (("digits only",), "E-007", "007"),
        (("no accents", "upper", "single spaces"), "zoë   å", "ZOE A"),
    ],
)
def test_clean_ups_are_done_in_order(steps: tuple[str, ...], written: str, cleaned: str) -> None:
    assert clean(written, steps) == cleaned


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ADA@Acme.Example", "ada@acme.example"),
        (" ada@acme.example ", "ada@acme.example"),
        ("Cafe\u0301", "CAF\u00c9"),
        ("STRASSE", "Straße"),
    ],
)
def test_spellings_of_one_address_or_name_compare_as_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)
