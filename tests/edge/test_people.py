"""people/search: from every shape that HiBob may answer to columns and evidence, one strange value at a time."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import NOW, ScriptedServer, answer

from provisioning.errors import SettingsError, SourceError
from provisioning.model import Column, Field, Snapshot
from provisioning.sandbox import Sandbox
from provisioning.source.client import HiBobClient
from provisioning.source.metadata import read_metadata
from provisioning.source.people import decode_people, read_people
from provisioning.source.shape import CHUNK

ID = Field("root.id", "Employee ID", "root", "Basic info", "employee-reference", json_path="id")
NAME = Field("root.firstName", "First name", "root", "Basic info", "text", json_path="firstName")
DEPARTMENT = Field("work.department", "Department", "work", "Work", "list", "department", "work.department")
STATUS = Field("internal.status", "Status", "lifecycle", "Lifecycle", "list")
LIFECYCLE = Field("internal.lifecycleStatus", "Lifecycle status", "lifecycle", "Lifecycle", "list")
MANY = settings(max_examples=150)

Employee = dict[str, Any]


def a_field(field_id: str, type: str = "text") -> Field:
    return Field(field_id, field_id, type=type)


def person(number: int = 1, **values: Any) -> Employee:
    return {"id": str(3980342332732998348 + number), **values}


def body(*employees: object) -> str:
    return json.dumps({"employees": employees})


def read(text: str | bytes, *fields: Field) -> Snapshot:
    return decode_people(text.encode() if isinstance(text, str) else text, (ID, *fields), NOW)


def column(snapshot: Snapshot, field: Field, *, human: bool = False) -> list[str | None]:
    """A column as people see it: blank text and null are one thing."""
    values = snapshot.table[Column(field.id, human).slot].to_pylist()
    return [value or None for value in values]


def evidence(snapshot: Snapshot, field: Field) -> tuple[int, int]:
    """How many had the field at all, and how many a value."""
    found = snapshot.evidence.column(field.id)
    assert found is not None
    return found.present, found.filled


def leaf(json_text: str, field: Field = DEPARTMENT) -> tuple[str | None, str | None]:
    """Both forms of a value that stands in JSON as given."""
    snapshot = read(f'{{"employees": [{{"id": "1", "work": {{"department": {json_text}}}}}]}}', field)
    return column(snapshot, field)[0], column(snapshot, field, human=True)[0]


# --- where a value stands ---------------------------------------------------------------------------------

SPELLINGS = {
    "slash key": {"/work/department": {"value": "2310"}},
    "slash key without its wrapping": {"/work/department": "2310"},
    "nested": {"work": {"department": "2310"}},
    "slash key and nested": {"/work/department": {"value": "2310"}, "work": {"department": "2310"}},
    "slash key beside a null": {"/work/department": {"value": "2310"}, "work": {"department": None}},
    "all three": {
        "/work/department": {"value": "2310"},
        "work": {"department": "2310"},
        "humanReadable": {"work": {"department": "Legal"}},
    },
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_value_is_found_in_each_of_its_spellings(spelling: Employee) -> None:
    snapshot = read(body(person(**spelling)), DEPARTMENT)
    assert column(snapshot, DEPARTMENT) == ["2310"]
    assert evidence(snapshot, DEPARTMENT) == (1, 1)


def test_the_human_readable_form_is_a_column_of_its_own() -> None:
    spelt = {"work": {"department": "2310"}, "humanReadable": {"work": {"department": "Legal"}}}
    snapshot = read(body(person(1, **spelt), person(2, work={"department": "2311"})), DEPARTMENT)
    assert column(snapshot, DEPARTMENT) == ["2310", "2311"]
    assert column(snapshot, DEPARTMENT, human=True) == ["Legal", None]


def test_a_human_readable_value_alone_is_there_and_filled() -> None:
    snapshot = read(body(person(humanReadable={"work": {"department": "Legal"}})), DEPARTMENT)
    assert column(snapshot, DEPARTMENT, human=True) == ["Legal"]
    assert evidence(snapshot, DEPARTMENT) == (1, 1)


@pytest.mark.parametrize(
    ("field_id", "values"),
    [
        ("root.email", {"email": "nora@acme.example"}),
        ("root.email", {"/root/email": {"value": "nora@acme.example"}}),
        ("work.custom.field_1651169416679", {"work": {"custom": {"field_1651169416679": "nora@acme.example"}}}),
        ("work.custom.field_1651169416679", {"/work/custom/field_1651169416679": {"value": "nora@acme.example"}}),
        ("category_16508.field_1651", {"category_16508": {"field_1651": "nora@acme.example"}}),
        ("about.class", {"about": {"class": "nora@acme.example"}}),
    ],
)
def test_standard_and_custom_fields_are_found_by_their_path(field_id: str, values: Employee) -> None:
    field = a_field(field_id)
    assert column(read(body(person(**values)), field), field) == ["nora@acme.example"]


def test_a_path_from_the_metadata_counts_more_than_the_id() -> None:
    field = Field("payroll.type", "Type", json_path="payroll.employment.type")
    assert column(read(body(person(payroll={"employment": {"type": "x"}})), field), field) == ["x"]


def test_a_field_and_a_field_below_it_are_both_read() -> None:
    manager, email = a_field("work.reportsTo", "employee"), a_field("work.reportsTo.email")
    boss = {"id": "77", "firstName": "Uma", "email": "uma@acme.example", "displayName": "Uma Thiel"}
    snapshot = read(body(person(1, work={"reportsTo": boss}), person(2, work={"reportsTo": None})), manager, email)
    assert column(snapshot, manager) == ["77", None]
    assert column(snapshot, email) == ["uma@acme.example", None]
    assert evidence(snapshot, email) == (2, 1)


def test_two_ids_whose_values_stand_at_the_same_place_are_both_read() -> None:
    # The second is a misspelling that a mapping may well hold: HiBob drops the prefix `root.` from its paths.
    right, misspelt = a_field("work.department"), a_field("root.work.department")
    assert column(read(body(person(work={"department": "Legal"})), right, misspelt), right) == ["Legal"]


def test_a_field_that_is_asked_for_twice_is_one_column() -> None:
    assert column(read(body(person(work={"department": "1"})), DEPARTMENT, DEPARTMENT), DEPARTMENT) == ["1"]


# --- blank, and absent ------------------------------------------------------------------------------------

BLANKS = {
    "null": {"work": {"department": None}},
    "an empty list": {"work": {"department": []}},
    "an empty text": {"work": {"department": ""}},
    "null in the slash key": {"/work/department": {"value": None}},
}


@pytest.mark.parametrize("spelling", BLANKS.values(), ids=BLANKS)
def test_an_empty_value_is_there_and_blank(spelling: Employee) -> None:
    snapshot = read(body(person(**spelling)), DEPARTMENT)
    assert column(snapshot, DEPARTMENT) == [None]
    assert evidence(snapshot, DEPARTMENT) == (1, 0)
    assert not snapshot.evidence.absent(DEPARTMENT.id)


ABSENCES = {"nothing": {}, "other values of its category": {"work": {"title": "x"}}, "a slash of nothing": {"/work": 1}}


@pytest.mark.parametrize("spelling", ABSENCES.values(), ids=ABSENCES)
def test_a_field_that_nobody_has_is_absent(spelling: Employee) -> None:
    snapshot = read(body(person(1, **spelling), person(2, **spelling)), DEPARTMENT)
    assert column(snapshot, DEPARTMENT) == [None, None]
    assert evidence(snapshot, DEPARTMENT) == (0, 0)
    assert snapshot.evidence.absent(DEPARTMENT.id)


def test_the_evidence_counts_people_with_the_field_and_people_with_a_value() -> None:
    people = [person(1, work={"department": "a"}), person(2, work={"department": None}), person(3, work={}), person(4)]
    snapshot = read(body(*people), DEPARTMENT)
    assert snapshot.evidence.employees == 4
    assert snapshot.evidence.read_at == NOW
    assert evidence(snapshot, DEPARTMENT) == (2, 1)
    assert evidence(snapshot, ID) == (4, 4)


def test_each_value_is_found_where_it_stands_though_all_before_had_it_elsewhere() -> None:
    """People are decoded by the chunk, and a value is sought beside its slash key only once somebody needs that."""
    many = [person(n, **{"/work/department": {"value": f"{n}"}, "work": {"department": "x"}}) for n in range(2 * CHUNK)]
    last = [person(-1, work={"department": "nested"}), person(-2, work={"department": None}), person(-3)]
    snapshot = read(body(*many, *last), DEPARTMENT)
    assert column(snapshot, DEPARTMENT) == [*map(str, range(2 * CHUNK)), "nested", None, None]
    assert evidence(snapshot, DEPARTMENT) == (2 * CHUNK + 2, 2 * CHUNK + 1)


def test_nobody_at_all_is_an_answer_and_proves_no_column_absent() -> None:
    snapshot = read(body(), DEPARTMENT)
    assert snapshot.table.num_rows == snapshot.evidence.employees == 0
    assert snapshot.table.column_names == [
        "root.id", "humanReadable.root.id", "work.department", "humanReadable.work.department",
    ]  # fmt: skip
    assert not snapshot.evidence.absent(DEPARTMENT.id)


def test_active_people_are_counted_by_status_and_without_one_by_lifecycle() -> None:
    def at_work(number: int, status: str | None, lifecycle: str | None) -> Employee:
        return person(number, internal={"status": status, "lifecycleStatus": lifecycle})

    people = [
        at_work(1, "Active", "Employed"), at_work(2, "Inactive", "Terminated"), at_work(3, None, "employed"),
        at_work(4, None, "Hired"), at_work(5, None, "terminated"), at_work(6, "active", "Garden leave"),
    ]  # fmt: skip
    assert read(body(*people), STATUS, LIFECYCLE).evidence.active == 3


# --- what a value says ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"  O’Connor "', "  O’Connor "),
        ('"00017"', "00017"),
        ('"=1+1"', "=1+1"),
        ('"Zoe\\u0308 \\ud83d\\ude00"', "Zoe\u0308 😀"),
        ('"3980342332732998349"', "3980342332732998349"),
        ("3980342332732998349", "3980342332732998349"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("-7", "-7"),
        ("44", "44"),
        ("1.0", "1"),
        ("0.1", "0.1"),
        ("37.50", "37.5"),
        ("1e3", "1000"),
        ("1E-7", "0.0000001"),
        ("true", "true"),
        ("false", "false"),
        ('["1", "2"]', "1, 2"),
        ('[3, null, "", "4"]', "3, 4"),
        ('[{"id": "1"}, {"id": "2"}]', "1, 2"),
        ('{"value": 60000, "currency": "GBP"}', "60000"),
        ('{"value": 60000.5, "currency": "GBP"}', "60000.5"),
        ('{"id": "77", "firstName": "Uma", "surname": "Thiel", "email": "u@a.example", "displayName": "Uma"}', "77"),
        ('{"start": "2026-01-01"}', '{"start":"2026-01-01"}'),
    ],
)
def test_a_value_becomes_its_text(written: str, text: str) -> None:
    assert leaf(written)[0] == text


@pytest.mark.parametrize(
    "wrapped",
    ['{"value": {"value": 60000, "currency": "GBP"}}', '{"value": 60000}', '{"value": "60000"}'],
)
def test_a_value_in_its_slash_key_is_unwrapped_once(wrapped: str) -> None:
    salary = a_field("payroll.salary.payment", "currency")
    snapshot = read(f'{{"employees": [{{"id": "1", "/payroll/salary/payment": {wrapped}}}]}}', salary)
    assert column(snapshot, salary) == ["60000"]


@pytest.mark.parametrize("type", ["text", "text-area", "number", "date", "short-date", "time"])
def test_plain_types_are_their_own_human_readable_form(type: str) -> None:
    assert leaf('"2026-09-06"', Field("work.department", "", type=type)) == ("2026-09-06", "2026-09-06")


def test_a_date_keeps_its_machine_value_beside_the_spoken_one() -> None:
    start = a_field("work.startDate", "date")
    spelt = {"work": {"startDate": "2026-09-06"}, "humanReadable": {"work": {"startDate": "06/09/2026"}}}
    snapshot = read(body(person(**spelt)), start)
    assert column(snapshot, start) == ["2026-09-06"]
    assert column(snapshot, start, human=True) == ["06/09/2026"]


@pytest.mark.parametrize(("written", "spoken"), [("true", "Yes"), ("false", "No"), ("null", None)])
def test_yes_and_no_are_spoken_even_if_hibob_does_not(written: str, spoken: str | None) -> None:
    assert leaf(written, Field("work.department", "", type="boolean"))[1] == spoken


@pytest.mark.parametrize("type", ["list", "list_id", "multi-list", "employee", "employee-reference", "currency"])
def test_an_id_is_never_taken_for_its_label(type: str) -> None:
    assert leaf("209192163", Field("work.department", "", type=type)) == ("209192163", None)


# --- strange values concern one person --------------------------------------------------------------------

OTHER = person(2, firstName="Ravi", work={"department": "Risk"})


def assert_only_one_is_strange(text: str | bytes) -> Snapshot:
    """Nora’s department is strange; Ravi and the rest of Nora are read as if nothing were."""
    snapshot = read(text, NAME, DEPARTMENT)
    assert column(snapshot, NAME) == ["Nora", "Ravi"]
    assert column(snapshot, DEPARTMENT)[1] == "Risk"
    assert snapshot.evidence.employees == 2
    return snapshot


def with_ravi(nora: str) -> str:
    """A body in which the rest of Nora is JSON text as given."""
    return f'{{"employees": [{{"id": "1", "firstName": "Nora", {nora}}}, {json.dumps(OTHER)}]}}'


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"\\ud800"', "\ufffd"),
        ('"a\\udfffb"', "a\ufffdb"),
        ('"\\udc00\\ud800"', "\ufffd\ufffd"),
        ("9" * 400, "9" * 400),
        ("-" + "9" * 5000, "-" + "9" * 5000),
        ("1e400", "1e400"),
        ("-1e999999999", "-1e999999999"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
    ],
    ids=lambda text: text[:12],
)
def test_what_no_column_holds_becomes_text(written: str, text: str) -> None:
    assert column(assert_only_one_is_strange(with_ravi(f'"work": {{"department": {written}}}')), DEPARTMENT)[0] == text


def test_bytes_that_are_no_text_make_it_no_read() -> None:
    """Somewhere on the way every letter beyond ASCII was lost: whoever works in Malmö would leave a scope of Malmö."""
    broken = with_ravi('"work": {"department": "Caf?"}').encode().replace(b"?", b"\xe9")
    with pytest.raises(SourceError, match="not UTF-8"):
        read(broken, NAME, DEPARTMENT)


MIDDLES = ['"text"', "17", "1.5", "true", "[]", '["department"]', "9" * 400, "1e400", '"\\ud800"', "[[[]]]"]


@pytest.mark.parametrize("middle", MIDDLES, ids=lambda text: text[:12])
def test_a_value_where_a_step_should_be_is_a_missing_value(middle: str) -> None:
    snapshot = assert_only_one_is_strange(with_ravi(f'"work": {middle}'))
    assert column(snapshot, DEPARTMENT)[0] is None
    assert evidence(snapshot, DEPARTMENT) == (1, 1)


@pytest.mark.parametrize("human", MIDDLES, ids=lambda text: text[:12])
def test_human_readable_that_is_no_object_is_a_missing_form(human: str) -> None:
    snapshot = assert_only_one_is_strange(with_ravi(f'"work": {{"department": "Legal"}}, "humanReadable": {human}'))
    assert column(snapshot, DEPARTMENT) == ["Legal", "Risk"]


def test_a_strange_name_beside_the_wanted_ones_is_passed_over() -> None:
    snapshot = assert_only_one_is_strange(with_ravi('"work": {"\\ud800": 1, "department": "Legal"}'))
    assert column(snapshot, DEPARTMENT)[0] == "Legal"


NESTED = {"list": ("[", "]"), "employee": ('{"id": ', "}"), "object": ('{"x": ', "}")}


@pytest.mark.parametrize("depth", [50, 450, 700, 950, 1100, 100_000])
@pytest.mark.parametrize(("opening", "closing"), NESTED.values(), ids=NESTED)
def test_a_value_nested_beyond_all_reason_never_breaks_the_program(opening: str, closing: str, depth: int) -> None:
    deep = opening * depth + '"x"' + closing * depth
    for place in (f'"work": {{"department": {deep}}}', f'"humanReadable": {deep}', f'"else": {deep}'):
        try:
            assert_only_one_is_strange(with_ravi(place))
        except SourceError:
            assert depth > 900  # so deep that the answer as a whole cannot be read


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@MANY
@given(JSON)
def test_any_value_in_any_spelling_of_a_field_keeps_the_read_alive(value: object) -> None:
    strange = json.dumps(value)
    for place in (
        f'"work": {{"department": {strange}}}',
        f'"/work/department": {{"value": {strange}}}',
        f'"/work/department": {strange}',
        f'"humanReadable": {{"work": {{"department": {strange}}}}}',
    ):
        assert_only_one_is_strange(with_ravi(place))


@MANY
@given(JSON)
def test_any_value_in_the_middle_of_a_path_keeps_the_read_alive(value: object) -> None:
    strange = json.dumps(value)
    for place in (f'"work": {strange}', f'"humanReadable": {strange}', f'"unasked": {strange}'):
        assert_only_one_is_strange(with_ravi(place))


@MANY
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_any_text_stays_as_it_is(text: str) -> None:
    assert leaf(json.dumps(text))[0] == text


# --- a wrong answer is no read ----------------------------------------------------------------------------

WHOLE = body(person(1, work={"department": "Legal"}), person(2, firstName="Zoë"))

WRONG = {
    "nothing": "",
    "null": "null",
    "a bare list": json.dumps([person()]),
    "a text": '"employees"',
    "no employees": "{}",
    "employees in another spelling": '{"Employees": []}',
    "employees are null": '{"employees": null}',
    "employees are a text": '{"employees": "none"}',
    "employees are an object": json.dumps({"employees": {"1": person()}}),
    "employees are texts": body("3980342332732998349"),
    "one employee is null": body(person(), None),
    "one employee is a list": body(person(), []),
    "more after the end": WHOLE + "{}",
    "two answers": WHOLE + WHOLE,
    "a web page": "<!DOCTYPE html>",
    "a bare employee": json.dumps(person()),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_another_envelope_is_no_read_and_says_so(text: str) -> None:
    with pytest.raises(SourceError, match="unexpected shape") as problem:
        read(text, DEPARTMENT)
    assert "Nothing was concluded" in str(problem.value)
    assert "Legal" not in str(problem.value)


def test_an_answer_that_was_cut_off_anywhere_is_no_read() -> None:
    whole = WHOLE.encode()
    assert read(whole, DEPARTMENT).evidence.employees == 2
    for length in range(len(whole)):
        with pytest.raises(SourceError):
            read(whole[:length], DEPARTMENT)


@pytest.mark.parametrize(
    "nobody", [{}, {"id": None}, {"id": ""}, {"id": []}, {"humanReadable": {}}], ids=["none", "null", "", "list", "no"]
)
def test_somebody_without_an_id_makes_it_no_read(nobody: Employee) -> None:
    with pytest.raises(SourceError, match="1 of 2 people have no id"):
        read(body(person(), nobody), DEPARTMENT)


@pytest.mark.parametrize("again", ["3980342332732998349", 3980342332732998349], ids=["text", "number"])
def test_one_id_twice_makes_it_no_read(again: object) -> None:
    with pytest.raises(SourceError, match="twice"):
        read(body(person(1), person(2), {"id": again}), DEPARTMENT)


# --- reading from HiBob -----------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(people=60) as running:
        yield running


def hibob(sandbox: Sandbox) -> HiBobClient:
    return HiBobClient(sandbox.base_url, sandbox.service_user_id, sandbox.token, first_wait=0.0)


def read_sandbox(sandbox: Sandbox, *wanted: str) -> Snapshot:
    with hibob(sandbox) as client:
        known = {each.id: each for each in read_metadata(client)}
        ids = ("root.id", "internal.status", "internal.lifecycleStatus", *wanted)
        return read_people(client, [known.get(each) or a_field(each) for each in ids], NOW)


def searches(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in sandbox.requests if each.path.endswith("/people/search")]


def test_everybody_is_read_with_leavers_and_future_joiners(sandbox: Sandbox) -> None:
    snapshot = read_sandbox(sandbox, "root.email")
    assert set(snapshot.table["root.id"].to_pylist()) == set(sandbox.company.people)
    lifecycles = set(snapshot.table["internal.lifecycleStatus"].to_pylist())
    assert {"Employed", "Terminated", "Hired"} <= lifecycles
    assert 0 < snapshot.evidence.active < snapshot.evidence.employees
    assert len(searches(sandbox)) == 1
    assert not snapshot.evidence.status_from_active_read


def test_the_values_are_those_of_the_company(sandbox: Sandbox) -> None:
    wanted = ("root.firstName", "work.startDate", "work.site", "work.siteId", "work.reportsTo", "work.reportsTo.email")
    snapshot = read_sandbox(sandbox, *wanted)
    for row in snapshot.table.to_pylist():
        someone = sandbox.company.people[row["root.id"]]
        boss = sandbox.company.people.get(str(someone.get("work.manager")), {})
        assert row["root.firstName"] == someone["root.firstName"]
        assert row["work.startDate"] == someone["work.startDate"]
        assert row["humanReadable.work.siteId"] == row["work.site"] == someone["work.site"]
        assert row["work.siteId"].isdecimal()
        assert row["work.reportsTo"] == boss.get("root.id")
        assert row["work.reportsTo.email"] == boss.get("root.email")


def test_columns_of_a_category_that_is_not_granted_are_absent_and_name_it(sandbox: Sandbox) -> None:
    sandbox.switches.granted = frozenset({"root", "lifecycle"})
    snapshot = read_sandbox(sandbox, "root.email", "work.department", "work.misspelt")
    assert snapshot.evidence.absent("work.department")
    assert snapshot.evidence.absent("work.misspelt")
    assert not snapshot.evidence.absent("root.email")
    found = snapshot.evidence.column("work.department")
    assert found is not None
    assert (found.category, found.category_name) == ("work", "Work")


def test_without_status_and_lifecycle_a_second_read_says_who_is_active(sandbox: Sandbox) -> None:
    sandbox.switches.absent_columns = frozenset({"internal.status", "internal.lifecycleStatus"})
    snapshot = read_sandbox(sandbox, "root.email")
    assert [each["showInactive"] for each in searches(sandbox)] == [True, False]
    assert searches(sandbox)[1]["fields"] == ["root.id"]
    told = dict(zip(snapshot.table["root.id"].to_pylist(), snapshot.table["internal.status"].to_pylist(), strict=True))
    at_work = {
        key
        for key, each in sandbox.company.people.items()
        if each["internal.lifecycleStatus"] not in ("Hired", "Terminated")
    }
    assert {key for key, status in told.items() if status == "Active"} == at_work
    assert set(told.values()) == {"Active", "Inactive"}
    assert snapshot.evidence.status_from_active_read
    assert snapshot.evidence.active == len(at_work)
    assert snapshot.evidence.absent("internal.status")


@pytest.mark.parametrize("absent", ["internal.status", "internal.lifecycleStatus"])
def test_one_of_status_and_lifecycle_is_enough(sandbox: Sandbox, absent: str) -> None:
    everything = read_sandbox(sandbox).evidence.active
    sandbox.switches.absent_columns = frozenset({absent})
    snapshot = read_sandbox(sandbox)
    assert len(searches(sandbox)) == 2
    assert not snapshot.evidence.status_from_active_read
    assert snapshot.evidence.active == everything


def test_a_second_read_that_fails_makes_it_no_read(sandbox: Sandbox) -> None:
    first, second = answer(body(person(1), person(2))), answer("", 403)
    with ScriptedServer(first, second) as server:
        client = HiBobClient(server.base_url, "SERVICE-4711", "token", first_wait=0.0, timeout=httpx.Timeout(30))
        with client, pytest.raises(SourceError, match="403"):
            read_people(client, [ID, STATUS, LIFECYCLE], NOW)


FAULTS = ("employees_key_missing", "duplicate_id")


@pytest.mark.parametrize("switch", FAULTS)
def test_a_read_that_is_not_whole_is_no_read(sandbox: Sandbox, switch: str) -> None:
    setattr(sandbox.switches, switch, True)
    with pytest.raises(SourceError):
        read_sandbox(sandbox)


@pytest.mark.parametrize("fault", ["truncated", "html", "reset", 500, 403])
def test_a_lasting_fault_is_no_read(sandbox: Sandbox, fault: Any) -> None:
    sandbox.switches.fail(fault, 6, "people/search")
    with pytest.raises(SourceError):
        read_sandbox(sandbox)


def test_a_lone_surrogate_costs_one_character_of_one_person(sandbox: Sandbox) -> None:
    sandbox.switches.lone_surrogate = True
    names = read_sandbox(sandbox, "root.surname").table["root.surname"].to_pylist()
    assert sum("\ufffd" in name for name in names) == 1
    assert len(names) == len(sandbox.company.people)


def test_more_columns_than_hibob_answers_are_refused_before_asking(sandbox: Sandbox) -> None:
    fields = [ID, *(a_field(f"work.custom.field_{number}") for number in range(400))]
    with hibob(sandbox) as client:
        with pytest.raises(SettingsError, match="401 HiBob columns"):
            read_people(client, fields, NOW)
        assert not sandbox.requests
        assert read_people(client, fields[:400], NOW).evidence.employees == len(sandbox.company.people)
