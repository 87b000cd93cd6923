"""Which HiBob field a data feed name means, in every spelling that a mapping may use."""

import pytest
from build import CATALOGUE, mapped

from provisioning.engine.columns import Catalogue, column_names, fed_by, read_as, resolve_all
from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType, Column, Field, ScopeRule


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("work.department", Column("work.department")),
        ("  work.department ", Column("work.department")),
        ("/work/department", Column("work.department")),
        ("humanReadable.work.department", Column("work.department", human=True)),
        ("Department", Column("work.department")),
        ("root.email", Column("root.email")),
        ("/root/email", Column("root.email")),
        ("email", Column("root.email")),
        ("humanReadable.email", Column("root.email", human=True)),
        ("humanReadable.root.email", Column("root.email", human=True)),
        ("Manager's email", Column("work.reportsTo.email")),
        ("Payroll number", Column("work.custom.field_1651169416679")),
        ("work.custom.field_1651169416679", Column("work.custom.field_1651169416679")),
        ("/work/custom/field_1651169416679", Column("work.custom.field_1651169416679")),
        ("work.siteId", Column("work.siteId")),
    ],
)
def test_a_column_is_known_by_every_spelling(written: str, column: Column) -> None:
    assert CATALOGUE.resolve(written) == column


def test_a_slot_names_the_form_that_is_read() -> None:
    assert CATALOGUE.resolve("work.department").slot == "work.department"
    assert CATALOGUE.resolve("humanReadable.work.department").slot == "humanReadable.work.department"


def test_a_display_name_is_the_same_text_however_it_is_composed() -> None:
    catalogue = Catalogue((Field("work.custom.field_1", "Équipe"),))
    assert catalogue.resolve("E\u0301quipe") == Column("work.custom.field_1")


@pytest.mark.parametrize("written", ["Site", "humanReadable.Site"])
def test_a_display_name_of_two_fields_is_refused_and_both_are_named(written: str) -> None:
    with pytest.raises(SettingsError, match="ambiguous") as problem:
        CATALOGUE.resolve(written)
    assert "work.site" in str(problem.value)
    assert "work.siteId" in str(problem.value)


@pytest.mark.parametrize("written", ["Shoe size", "nonsense", "", "   ", "humanReadable."])
def test_an_unknown_name_is_refused(written: str) -> None:
    with pytest.raises(SettingsError):
        CATALOGUE.resolve(written)


def test_a_field_id_that_the_metadata_does_not_list_is_asked_for_so_that_the_read_shows_whether_it_is_there() -> None:
    assert CATALOGUE.resolve("payroll.employment.type") == Column("payroll.employment.type")
    assert CATALOGUE.field("payroll.employment.type").category == ""


def test_an_id_comes_before_a_display_name() -> None:
    catalogue = Catalogue((Field("work.site", "Office"), Field("work.custom.office", "work.site")))
    assert catalogue.resolve("work.site") == Column("work.site")


def test_all_names_are_resolved_once() -> None:
    assert resolve_all(CATALOGUE, ["email", "root.email", "email"]) == {
        "email": Column("root.email"),
        "root.email": Column("root.email"),
    }


def test_mapping_and_scope_name_their_columns_fallbacks_included() -> None:
    attributes = (Attribute("Site", "work.siteId", fallback="work.site"), Attribute("By hand"))
    scope = (ScopeRule(True, "work.department", ("Sales",)),)
    assert sorted(column_names(attributes, scope)) == ["work.department", "work.site", "work.siteId"]


@pytest.mark.parametrize("kind", [AttributeType.DATE, AttributeType.USER])
def test_dates_and_references_are_read_from_the_machine_value(kind: AttributeType) -> None:
    assert read_as(Attribute("Any", "…", type=kind), Column("work.startDate", human=True)) == Column("work.startDate")


@pytest.mark.parametrize("kind", [AttributeType.TEXT, AttributeType.LIST, AttributeType.YES_NO, AttributeType.NUMBER])
def test_other_types_are_read_in_the_form_that_the_mapping_names(kind: AttributeType) -> None:
    for column in (Column("work.department"), Column("work.department", human=True)):
        assert read_as(Attribute("Any", "…", type=kind), column) == column


@pytest.mark.parametrize("spelling", ["root.email", "email", "/root/email", "Email", "humanReadable.root.email"])
def test_the_attribute_fed_by_the_email_is_known_by_whichever_spelling(spelling: str) -> None:
    attributes = mapped(Attribute("Email", spelling))
    columns = resolve_all(CATALOGUE, column_names(attributes, ()))
    assert fed_by(attributes, columns, "root.email") == "Email"


def test_no_attribute_is_the_email_when_none_is_fed_by_it() -> None:
    attributes = (Attribute("Email"), Attribute("Manager", "work.reportsTo.email"))
    columns = resolve_all(CATALOGUE, column_names(attributes, ()))
    assert fed_by(attributes, columns, "root.email") is None
