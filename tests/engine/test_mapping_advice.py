"""What helps somebody who edits a mapping: suggestions with a reason, plain English, the values that occur."""

import pyarrow as pa

from provisioning.engine.advice import advise
from provisioning.engine.columns import Catalogue
from provisioning.engine.mapping_words import difference, in_words
from provisioning.engine.occurring import MOST_VALUES, Occurring, occurring
from provisioning.engine.suggesting import suggest, taken
from provisioning.engine.watching import worth_watching
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy, Field

FIELDS = (
    Field("root.email", "Email"),
    Field("work.department", "Department", type="list"),
    Field("work.site", "Site", type="list"),
    Field("work.startDate", "Start date", type="date"),
    Field("work.custom.field_1", "Cost centre", type="list"),
    Field("a.twin", "Twin"),
    Field("b.twin", "Twin"),
)
DEPARTMENT = Attribute("Department", "work.department", values=(("Legal & Compliance", "Legal"),), fallback="work.site")


# --- suggestions ------------------------------------------------------------------------------------------


def test_usual_rows_that_are_missing_are_suggested_each_with_a_reason() -> None:
    found = suggest(FIELDS, [DEPARTMENT, Attribute("Site", "work.site")])
    assert [each.attribute.name for each in found] == ["Email", "Start date"]
    assert all(each.reason for each in found)


def test_an_attribute_without_a_column_gets_the_one_of_its_name() -> None:
    found = suggest(FIELDS[:5], [Attribute("Cost centre"), Attribute("start date"), Attribute("Shoe size")])[:2]
    assert [(each.attribute.data_feed_name, each.attribute.type) for each in found] == [
        ("humanReadable.work.custom.field_1", AttributeType.TEXT),
        ("work.startDate", AttributeType.DATE),
    ]


def test_a_name_that_two_fields_have_suggests_neither() -> None:
    assert "Twin" not in [each.attribute.name for each in suggest(FIELDS, [Attribute("Twin")])]


def test_what_is_taken_stands_in_its_place_or_at_the_end() -> None:
    rows = (Attribute("Cost centre"), Attribute("Other", "b.twin"))
    found = taken(rows, suggest(FIELDS, rows))
    assert [each.name for each in found] == ["Cost centre", "Other", "Email", "Department", "Site", "Start date"]
    assert found[0].data_feed_name
    assert suggest(FIELDS, found) == ()


# --- problems while editing -------------------------------------------------------------------------------

EMAIL = Attribute("Email", "root.email")


def told(*rows: Attribute) -> str:
    return " ".join(f"{each.attribute}: {each.message}" for each in advise([EMAIL, *rows], FIELDS, "Email"))


def test_a_hibob_column_without_an_attribute_is_told() -> None:
    assert "Portals usually capture more that HiBob has: Department, Start date." in told(
        Attribute("Site", "work.site")
    )


def test_an_attribute_without_a_column_is_told() -> None:
    assert "Shoe size: An attribute without a column" in told(Attribute("Shoe size"))


def test_a_machine_value_where_people_read_another_is_told() -> None:
    assert "Department: work.department is read as stored" in told(DEPARTMENT)
    assert "as stored" not in told(Attribute("Department", "humanReadable.work.department"))


def test_a_date_from_text_that_people_read_is_told() -> None:
    spoken = "humanReadable.work.startDate"
    assert "read as shown: its format may vary" in told(Attribute("Start date", spoken))
    assert "Dates are always read as stored" in told(Attribute("Start date", spoken, AttributeType.DATE))
    assert "Start date" not in told(Attribute("Start date", "work.startDate", AttributeType.DATE))


# --- plain English ----------------------------------------------------------------------------------------


def said(each: Attribute, identifier: str = "Employee ID") -> str:
    return in_words([each], identifier, Catalogue(FIELDS))[1]


def test_a_row_reads_as_sentences() -> None:
    assert said(DEPARTMENT) == (
        "Department comes from HiBob’s “Department”. Where that is blank, it comes from HiBob’s “Site”. "
        "“Legal & Compliance” becomes “Legal”."
    )


def test_a_name_that_two_columns_have_stands_with_its_id() -> None:
    twice = (*FIELDS, Field("work.custom.place", "Site"))
    paragraphs = in_words([Attribute("Site", "work.site")], "Site", Catalogue(twice))
    assert paragraphs[1].startswith("Site comes from HiBob’s “Site” (work.site).")


def test_every_thing_a_row_can_say_is_told() -> None:
    text = said(
        Attribute(
            "Site", "humanReadable.work.site", AttributeType.LIST, True, BlankPolicy.CLEAR, None, ("upper",), (),
            ("LONDON", "PARIS"), Apply.ON_ADD,
        ),
        "Site",
    )  # fmt: skip
    for part in (
        "as HiBob shows it", "unique identifier", "in capitals", "one of: LONDON, PARIS", "value is cleared",
        "may not be blank", "only when somebody is added",
    ):  # fmt: skip
        assert part in text


def test_dates_references_and_rows_without_a_column_say_what_they_are() -> None:
    assert "Stored as a date." in said(Attribute("Start date", "work.startDate", AttributeType.DATE))
    assert "that person’s Employee ID" in said(Attribute("Manager", "root.email", AttributeType.USER))
    assert said(Attribute("Shoe size")) == "Shoe size is not filled from HiBob: Rollcall never touches it."
    assert "which HiBob does not have" in said(Attribute("Shoe size", "no such"))


def test_the_first_paragraph_says_what_people_are_recognised_by() -> None:
    first = in_words([DEPARTMENT], "Employee ID", Catalogue(FIELDS))[0]
    assert first.startswith("People are recognised by Employee ID. 1 attribute is filled")
    assert first.endswith("Where HiBob has nothing, Skillcast keeps the value it has, unless it is said otherwise.")
    assert "not chosen yet" in in_words([DEPARTMENT], "", Catalogue(FIELDS))[0]


def test_differences_are_told_in_words_and_not_in_code() -> None:
    then = Attribute(
        "Department",
        "work.department",
        required=True,
        clean_up=("lower", "upper"),
        values=(("a", "b"),),
        apply=Apply.ON_ADD,
    )
    assert difference([Attribute("Department", "work.department")], [then]) == (
        "Department: required No → Yes, clean-up (none) → lower, upper, value table (none) → a = b, applies always → on add",
    )


# --- values that occur ------------------------------------------------------------------------------------

TABLE = pa.table(
    {
        "work.department": ["Legal & Compliance", "Sales", "Sales", "", None, "sales "],
        "work.site": ["London", "London", "", "Paris", "", ""],
    }
)


def test_values_are_counted_and_told_with_what_they_become() -> None:
    found = occurring(DEPARTMENT, Catalogue(FIELDS), TABLE)
    assert found == (
        Occurring("Sales", 2, "Sales", False),
        Occurring("Legal & Compliance", 1, "Legal", True),
        Occurring("Paris", 1, "Paris", False),
        Occurring("sales", 1, "sales", False),
    )


def test_a_value_outside_the_lists_options_says_so() -> None:
    found = occurring(Attribute("Site", "work.site", AttributeType.LIST, options=("London",)), Catalogue(FIELDS), TABLE)
    assert found == (
        Occurring("London", 2, "London", False),
        Occurring("Paris", 1, "", False, "is not one of the list's options"),
    )


def test_names_and_numbers_of_people_are_no_list() -> None:
    catalogue, many = Catalogue(FIELDS), pa.table({"work.site": [str(number) for number in range(MOST_VALUES + 1)]})
    assert occurring(Attribute("Site", "work.site"), catalogue, many) is None
    assert occurring(Attribute("Email", "root.email"), catalogue, TABLE) is None
    assert occurring(Attribute("Manager", "work.site", AttributeType.USER), catalogue, TABLE) is None
    types = {each.id: each.type for each in FIELDS}
    assert worth_watching(Attribute("Email", "root.email", values=(("a", "b"),)), types, catalogue) is None
    assert worth_watching(Attribute("Start date", "work.startDate"), types, catalogue) is None
    assert worth_watching(DEPARTMENT, types, catalogue) == "work.department | work.site"
    assert worth_watching(Attribute("X", "no such"), types, catalogue) is None
