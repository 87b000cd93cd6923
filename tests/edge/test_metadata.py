"""HiBob's list of its own fields: every shape it is known in, and none that it is not."""

import json
from typing import Any

import pytest
from servers import ScriptedServer, answer

from provisioning.errors import SourceError
from provisioning.model import Field
from provisioning.sandbox import Sandbox
from provisioning.source.client import HiBobClient
from provisioning.source.metadata import decode_metadata, read_metadata

WHOLE = {
    "id": "payroll.employment.type",
    "category": "payroll",
    "categoryId": "employment",
    "categoryDisplayName": "Employment",
    "name": "Employment type",
    "description": "How somebody is employed",
    "type": "list",
    "typeData": {"listId": "payrollEmploymentType"},
    "jsonPath": "payroll.employment.type",
    "historical": True,
}


def decode(*fields: object) -> tuple[Field, ...]:
    return decode_metadata(json.dumps(fields).encode())


def without(*keys: str, **others: Any) -> dict[str, Any]:
    return {key: value for key, value in WHOLE.items() if key not in keys} | others


def test_a_field_is_read_with_all_that_is_said_of_it() -> None:
    assert decode(WHOLE) == (
        Field(
            id="payroll.employment.type",
            name="Employment type",
            category="employment",
            category_name="Employment",
            type="list",
            list_id="payrollEmploymentType",
            json_path="payroll.employment.type",
        ),
    )


def test_the_permission_category_is_the_category_id_and_not_the_prefix() -> None:
    (field,) = decode(without(id="home.legalGender", category="home", categoryId="personal"))
    assert field.category == "personal"


def test_without_a_category_id_the_category_stands_in() -> None:
    (field,) = decode(without("categoryId", "categoryDisplayName"))
    assert (field.category, field.category_name) == ("payroll", "payroll")


@pytest.mark.parametrize("path", ["root.email", "email", None, ""])
def test_the_path_of_a_basic_field_has_no_root(path: str | None) -> None:
    (field,) = decode(without(id="root.email", jsonPath=path))
    assert field.json_path == "email"


@pytest.mark.parametrize("data", [None, {}, {"listId": None}, {"listId": "", "more": [1]}])
def test_a_field_without_a_list_has_none(data: object) -> None:
    (field,) = decode(without(typeData=data))
    assert field.list_id == ""


def test_an_id_alone_is_enough() -> None:
    (field,) = decode({"id": "work.custom.field_1"})
    assert (field.id, field.name, field.type, field.json_path) == (
        "work.custom.field_1",
        "work.custom.field_1",
        "",
        "work.custom.field_1",
    )


@pytest.mark.parametrize("key", [key for key in WHOLE if key != "id"])
def test_null_is_as_good_as_left_out(key: str) -> None:
    assert decode(without(**{key: None})) == decode(without(key))


def test_keys_that_nobody_knows_are_passed_over() -> None:
    assert decode(without(newInHiBob={"deep": [1, None]})) == decode(WHOLE)


def test_names_may_be_shared_and_the_order_stays() -> None:
    site, site_id = without(id="work.siteId", name="Site"), without(id="work.site", name="Site")
    assert [each.id for each in decode(site, site_id)] == ["work.siteId", "work.site"]


def test_an_empty_list_of_fields_is_no_answer() -> None:
    """HiBob's own fields are always there; a day with an empty list would call every column unknown."""
    with pytest.raises(SourceError, match="empty list of fields"):
        decode()


@pytest.mark.parametrize(
    "wrong",
    ["", "null", "{}", '{"fields": []}', '"fields"', "[1]", '["root.id"]', "[null]", '[{"name": "no id"}]', '[{"id": 7}]',
     '[{"id": null}]', '[{"id": "root.id"}', '[{"id": "root.id"}] more', "[" * 100_000, "<html>"],
    ids=lambda text: text[:20] or "nothing",
)  # fmt: skip
def test_another_shape_is_told_with_a_remedy(wrong: str) -> None:
    with pytest.raises(SourceError, match=r"unexpected shape.*base URL"):
        decode_metadata(wrong.encode())


def test_bytes_that_are_no_text_are_another_shape() -> None:
    with pytest.raises(SourceError, match="unexpected shape"):
        decode_metadata(b'[{"id": "root.\xff"}]')


def test_the_stand_ins_fields_are_read_also_without_any_permission() -> None:
    with Sandbox(people=1) as sandbox:
        sandbox.switches.in_no_group = True
        with HiBobClient(sandbox.base_url, sandbox.service_user_id, sandbox.token) as client:
            found = read_metadata(client)
        company = sandbox.company.fields
    assert [each.id for each in found] == list(company)
    assert {each.id: each.category for each in found} == {key: each.category for key, each in company.items()}
    assert {each.id: each.list_id for each in found} == {key: each.list_id for key, each in company.items()}
    assert all(not each.json_path.startswith("root.") for each in found)


def test_an_object_where_the_list_should_be_fails_the_read() -> None:
    with (
        ScriptedServer(answer('{"message": "ok"}')) as server,
        HiBobClient(server.base_url, "SERVICE-4711", "token") as client,
        pytest.raises(SourceError, match="unexpected shape"),
    ):
        read_metadata(client)
