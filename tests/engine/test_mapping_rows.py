"""A mapping as rows of text: exactly the same back, laid over what is there, and every bad line named."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.columns import HUMAN, Catalogue
from provisioning.engine.mapping_rows import COLUMNS, take, to_lines
from provisioning.engine.transforms import CLEAN_UP, tidy
from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy, Field
from provisioning.report.csv_file import read_lines, write_lines

FIELDS = Catalogue([Field("work.department", "Department"), Field("work.site", "Site"), Field("root.email", "Email")])
HAVE = (Attribute("Department", "work.department", required=True), Attribute("Site", "work.site"))

text = st.text(string.ascii_letters + string.digits + " äß’\"';,=[]{}-+@\n\t", min_size=1).map(tidy).filter(bool)
names = text.filter(lambda each: not each.startswith("humanReadable."))


@st.composite
def attributes(draw: st.DrawFn) -> Attribute:
    feed = draw(st.none() | names | names.map(lambda each: f"humanReadable.{each}"))
    return Attribute(
        name=draw(names),
        data_feed_name=feed,
        type=draw(st.sampled_from(AttributeType)),
        required=draw(st.booleans()),
        blank=draw(st.sampled_from(BlankPolicy)),
        fallback=draw(st.none() | names),
        clean_up=tuple(draw(st.lists(st.sampled_from(sorted(CLEAN_UP)), unique=True))),
        values=tuple(draw(st.dictionaries(text, st.text("abc = ;'", max_size=5))).items()),
        options=tuple(draw(st.lists(text, unique=True))),
        apply=draw(st.sampled_from(Apply)),
    )


@given(st.lists(attributes(), min_size=1, max_size=4, unique_by=lambda each: each.name), st.booleans())
def test_a_file_gives_exactly_the_same_mapping_back(rows: list[Attribute], named: bool) -> None:
    identifier = rows[-1].name if named else ""
    found = take(read_lines(write_lines(to_lines(rows, identifier))), (), "", None, whole=True)
    assert (found.attributes, found.identifier, found.problems) == (tuple(rows), identifier, ())


def pasted(said: str, have: tuple[Attribute, ...] = HAVE, identifier: str = "Site") -> object:
    found = take(read_lines(said), have, identifier, FIELDS)
    return found.problems or (found.attributes, found.identifier)


def test_two_columns_without_a_header_are_attribute_and_data_feed_name() -> None:
    assert pasted("Site\twork.department\nEmail\troot.email\n") == (
        (HAVE[0], Attribute("Site", "work.department"), Attribute("Email", "root.email")),
        "Site",
    )


def test_a_header_says_which_column_is_which_and_the_rest_of_a_row_stays() -> None:
    changed = Attribute("Department", "work.site", required=True, blank=BlankPolicy.CLEAR)
    assert pasted("When blank\tData feed name\tAttribute\nclear it\twork.site\tDepartment") == (
        (changed, HAVE[1]),
        "Site",
    )


def test_the_prefix_of_a_data_feed_name_says_that_people_read_it() -> None:
    before = (Attribute("Department", "humanReadable.work.department"),)
    assert pasted("Department\thumanReadable.work.site", before, "") == (
        (Attribute("Department", "humanReadable.work.site"),),
        "",
    )
    assert pasted("Department\twork.site", before, "") == ((Attribute("Department", "work.site"),), "")


def test_the_unique_identifier_moves_to_the_row_that_names_it() -> None:
    assert pasted("Attribute\tUnique id\nDepartment\tx") == (HAVE, "Department")
    assert pasted("Attribute\tUnique identifier\nSite\tno") == (HAVE, "")


def test_files_that_were_handed_out_with_the_words_of_before_are_read() -> None:
    head = "Attribute\tData feed name\tValue\tUnique id\tWhen blank"
    old = pasted(f"{head}\nSite\twork.site\tHuman-readable\tYes\tHold the person\nTeam\twork.team\tMachine", (), "")
    new = pasted(
        "Attribute\tData feed name\tValue\tUnique identifier\tWhen blank\n"
        "Site\twork.site\tAs shown\tYes\tHold the person back\nTeam\twork.team\tAs stored", (), "",
    )  # fmt: skip
    assert old == new
    assert new[0][0] == Attribute("Site", "humanReadable.work.site", blank=BlankPolicy.HOLD)


def test_blank_lines_and_blank_cells_at_the_right_are_nothing() -> None:
    assert pasted("\t\t\nSite\twork.site\t\t\t\n\n") == (HAVE, "Site")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "nothing to read"),
        ("Attribute", "Line 1: no attribute stands below the header"),
        ("Attribute\tType\n\t\n", "Line 1: no attribute stands below the header"),
        ('Attribute\tData feed name\n"unclosed\twork.site\nDepartment\twork.site', "Line 2 cannot be read"),
        ('"Depart\nment"\twork.site', "Line 1, Attribute: “Depart ment” holds a line break. Take it out of the cell"),
        ('Department\t"work.\r\nsite"', "Line 1, Data feed name: “work. site” holds a line break"),
        (
            "Department\twork.site\nTeam\nSite\twork.site",
            "Line 2: “Team” stands alone. Copy its data feed name with it",
        ),
        (
            'Site\twork.site\n"Job" title\tx',
            'Line 2 cannot be read: a quotation mark (") opens a cell, and none closes it',
        ),
        ("\twork.site", "Line 1: the attribute has no name"),
        ("Site\twork.site\nSite\twork.site", "Line 2: “Site” stands in line 1 already"),
        ("Site\tNo such column", "Line 1, “Site”: HiBob has no column “No such column”"),
        ("Attribute\tColour\nSite\tred", "Line 1: there is no column “Colour”"),
        ("Attribute\tType\tType\nSite\ttext\ttext", "the column “Type” stands there twice"),
        ("Attribute\tType\nSite\tmood", "Line 2, “Site”, Type: “mood” is not one of: text, date"),
        ("Attribute\tRequired\nSite\tperhaps", "Line 2, “Site”, Required: “perhaps” is neither Yes nor No"),
        ("Attribute\tClean-up\nSite\tshiny", "Line 2, “Site”, Clean-up: “shiny” is not one of"),
        ("Attribute\tValue table\nSite\tnothing", "Line 2, “Site”, Value table: “nothing” is no pair"),
        ("Attribute\tUnique id\nSite\tyes\nDepartment\tyes", "Lines 2, 3: several are the Unique identifier"),
        ("Site\thumanReadable.work.site\tMachine", "is the value as shown, and the line says As stored"),
        ("Site\t" + "\t".join(["x"] * 12), f"it has 13 columns, and there are {len(COLUMNS)}"),
        ("\n".join(f"a{number}" for number in range(501)), "at most 500 are taken"),
    ],
)
def test_a_bad_line_is_named(said: str, problem: str) -> None:
    try:
        problems = take(read_lines(said), HAVE, "Site", FIELDS).problems
    except SettingsError as refused:
        problems = (str(refused),)
    assert problem in " ".join(problems)


def test_what_no_mapping_may_say_is_told_with_its_line() -> None:
    def check(where: str, each: Attribute) -> None:
        if each.name == "Team":
            raise SettingsError(f"{where}: no teams.")

    found = take(read_lines("Site\twork.site\nTeam\twork.department"), HAVE, "Site", FIELDS, check)
    assert found.problems == ("Line 2: no teams.",)


def test_every_bad_line_is_named_and_not_only_the_first() -> None:
    found = take(read_lines("Site\tnowhere\nDepartment\twork.department\nTeam\tnothing"), HAVE, "Site", FIELDS)
    assert [each.partition(",")[0] for each in found.problems] == ["Line 1", "Line 3"]


def test_columns_are_not_checked_before_hibobs_fields_are_known() -> None:
    assert take(read_lines("Site\tNo such column"), HAVE, "Site", None).problems == ()


def test_a_file_of_two_columns_keeps_what_it_does_not_say_and_drops_whom_it_does_not_name() -> None:
    kept = Attribute("Team", f"{HUMAN}work.department", required=True, clean_up=("lower",))
    have = (Attribute("Site", "work.site"), kept)
    found = take(read_lines("Attribute,Data feed name\nTeam,work.department\n"), have, "Team", FIELDS, whole=True)
    assert (found.attributes, found.identifier, found.problems) == ((kept,), "Team", ())


def test_a_blank_cell_of_a_file_is_blank() -> None:
    have = (Attribute("Site", "work.site", fallback="work.department"),)
    found = take(read_lines("Attribute,Data feed name,Fallback\nSite,work.site,\n"), have, "", FIELDS, whole=True)
    assert [each.fallback for each in found.attributes] == [None]


@pytest.mark.parametrize("written", ["site", "SITE", "Si-te", "si_te "])
def test_a_name_that_is_nearly_an_attributes_is_told_and_may_mean_it(written: str) -> None:
    rows = read_lines(f"{written}\twork.department")
    beside, meant = take(rows, HAVE, "Site", FIELDS), take(rows, HAVE, "Site", FIELDS, same=True)
    assert [each.name for each in beside.attributes] == ["Department", "Site", written.strip()]
    assert meant.attributes == (HAVE[0], Attribute("Site", "work.department"))
    told = f"Line 1: “{written.strip()}” is nearly the name of “Site”, which is there already."
    assert beside.alike == meant.alike == (told,)


def test_two_names_of_one_paste_that_are_nearly_the_same_are_told_and_may_be_two() -> None:
    rows = read_lines("Cost centre\twork.site\ncost-centre\twork.department")
    told = "Line 2: “cost-centre” is nearly the name of “Cost centre”, in line 1."
    beside, meant = take(rows, (), "", FIELDS), take(rows, (), "", FIELDS, same=True)
    assert ([each.name for each in beside.attributes], beside.problems) == (["Cost centre", "cost-centre"], ())
    assert meant.problems == ("Line 2: “Cost centre” stands in line 1 already. Leave one of the two out.",)
    assert beside.alike == meant.alike == (told,)


def test_a_name_as_it_stands_there_or_unlike_any_is_told_nothing() -> None:
    have = (*HAVE, Attribute("site", "work.site"))
    found = take(read_lines("Site\twork.site\nsite\twork.site\nSite 2\twork.site\n§\twork.site"), have, "", FIELDS)
    assert (found.alike, found.problems) == ((), ())


def test_of_an_empty_file_the_file_is_told_and_not_the_copying() -> None:
    (told,) = take(read_lines("\n\n"), HAVE, "Site", FIELDS, whole=True).problems
    assert told.startswith("The file is empty. A mapping file begins with a line of column names: Attribute, ")


def test_a_word_alone_is_no_row() -> None:
    found = take(read_lines("Hello"), HAVE, "Site", FIELDS)
    assert found.attributes == HAVE
    assert found.problems == ("Line 1: “Hello” stands alone. Copy the attribute and, beside it, its data feed name.",)
