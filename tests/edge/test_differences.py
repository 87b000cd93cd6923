"""What changes for a person, in a table's cells."""

from plans import ATTRIBUTES, add, archive, seen, update

from provisioning.model import Change, Status
from provisioning.report.differences import aligned, in_a_line, valued

WHY = "For a reason."
EBBA = seen(Status.LIVE, "007", "ebba@northwind.example", "Ebba", "Sharma", "IT", "2026-12-01")


def cells(
    change: Change, names: dict[tuple[str, str], str] | None = None, first: str = ""
) -> tuple[str, str, str, str]:
    return aligned(change, WHY, ATTRIBUTES, names or {}, first)


def test_the_first_attribute_of_the_mapping_stands_in_columns_and_the_others_beside_it() -> None:
    change = update("1", EBBA, {"Department": "Sales", "Email": None})
    assert cells(change) == ("Email", "ebba@northwind.example", "(blank)", "Department: IT → Sales")
    assert cells(change, first="Department") == ("Department", "IT", "Sales", "Email: ebba@northwind.example → (blank)")


def test_somebody_new_is_told_by_their_email_or_else_by_what_the_name_does_not_hold() -> None:
    change = add("1", "007", "ebba@northwind.example", "Ebba", "Sharma", "IT", "2026-12-01")
    called = Change(change.key, change.action, change.why, change.before, change.after, name="Ebba Sharma")
    assert cells(called) == ("To be added", "", "ebba@northwind.example", "")
    without = add("1", "007", None, "Ebba", "Sharma", "IT", "2026-12-01")
    assert (
        cells(Change(without.key, without.action, WHY, without.before, without.after, name="Ebba Sharma"))[2] == "007"
    )


def test_whoever_leaves_is_told_with_the_reason() -> None:
    assert cells(archive("1", EBBA)) == ("To be archived", "Live", "Archived", WHY)


def test_a_reference_has_the_name_of_whom_it_means_where_that_is_known() -> None:
    names = {("Department", "IT"): "Marco D’Angelo"}
    change = update("1", EBBA, {"Department": "Sales"})
    assert cells(change, names) == ("Department", "IT (Marco D’Angelo)", "Sales", "")
    assert valued("Department", None, names) == "(blank)"
    assert valued("Department", None, names, "") == ""


def test_where_there_is_room_for_one_column_the_same_stands_in_a_line() -> None:
    def line(change: Change) -> str:
        return in_a_line(change, WHY, ATTRIBUTES, {})

    new = add("1", "007", "ebba@northwind.example", "Ebba", "Sharma", "IT", "2026-12-01")
    assert line(update("1", EBBA, {"Department": "Sales", "Email": None})) == (
        "Email: ebba@northwind.example → (blank); Department: IT → Sales"
    )
    assert line(Change(new.key, new.action, WHY, new.before, new.after, name="Ebba Sharma")) == (
        "ebba@northwind.example"
    )
    assert line(archive("1", EBBA)) == f"Live → Archived; {WHY}"
