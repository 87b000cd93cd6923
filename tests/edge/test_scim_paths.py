"""Attribute paths: where a value is read, and how it is written, in one resource after another as servers send them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import PatchOp, User
from scim2_models.resources.enterprise_user import EnterpriseUser
from scim_servers import CORE, DEPARTMENT, ENTERPRISE, MANAGER, PORTAL

from provisioning.errors import SettingsError
from provisioning.target.scim_paths import Bound, ScimPath, find, operations, parse_path, quote, to_json, to_text, whole

WORK = 'emails[type eq "work"].value'


def bound(path: str, kind: str = "string", *, reference: bool = False) -> Bound:
    return Bound(path, parse_path(path), kind, reference)


# --- paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("userName", ScimPath("", "userName")),
        ("name.givenName", ScimPath("", "name", (), "givenName")),
        (WORK, ScimPath("", "emails", (("type", "work"),), "value")),
        ('emails[type eq "work"]', ScimPath("", "emails", (("type", "work"),), "value")),
        (
            'addresses[type eq "work" and primary eq true].country',
            ScimPath("", "addresses", (("type", "work"), ("primary", True)), "country"),
        ),
        (DEPARTMENT, ScimPath(ENTERPRISE, "department")),
        (MANAGER, ScimPath(ENTERPRISE, "manager", (), "value")),
        ("urn:acme:hr:2.0:User:cost-centre_2", ScimPath("urn:acme:hr:2.0:User", "cost-centre_2")),
        (
            'urn:acme:hr:2.0:User:sites[kind eq "home"].code',
            ScimPath("urn:acme:hr:2.0:User", "sites", (("kind", "home"),), "code"),
        ),
        (f"{CORE}:userName", ScimPath("", "userName")),
        (f"{CORE.upper()}:name.familyName".replace("URN", "urn"), ScimPath("", "name", (), "familyName")),
    ],
)
def test_a_path_says_where_a_value_stands(text: str, path: ScimPath) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Job title",
        "name.",
        ".givenName",
        'emails[type eq "work"',
        'emails[type ne "work"].value',
        'emails[type eq "work" or type eq "home"].value',
        'emails[not (type eq "work")].value',
        "emails[type pr].value",
        "phoneNumbers[rank eq 1].value",
        'emails.type eq "work"',
        "active pr",
        "name.givenName.initial",
        "e-mails with blanks",
    ],
)
def test_what_is_no_path_to_one_value_is_refused_with_examples(text: str) -> None:
    with pytest.raises(SettingsError, match=r"emails\[type eq"):
        parse_path(text)


PATHS = ["userName", "name.givenName", WORK, DEPARTMENT, MANAGER, 'urn:acme:2.0:User:sites[kind eq "a\\"b"].code']


@pytest.mark.parametrize("text", PATHS)
def test_a_path_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_path(text)) == text
    assert parse_path(str(parse_path(text))) == parse_path(text)


@given(st.text())
def test_any_text_stands_in_a_filter_as_the_standard_quotes_it(text: str) -> None:
    assert json.loads(quote(text)) == text


# --- recorded shapes --------------------------------------------------------------------------------------

ENTRA = {
    "schemas": [CORE, ENTERPRISE],
    "id": "a7ad9e2c-2b6b-4f7e-9d3b-0d1f6b9b5c11",
    "externalId": "58342554-38d6-4ec8-948c-50044d0a33fd",
    "userName": "kim.ali@contoso.example",
    "active": "True",
    "displayName": "Kim Ali",
    "emails": [{"type": "work", "value": "kim.ali@contoso.example", "primary": True}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Kim Ali", "familyName": "Ali", "givenName": "Kim"},
    ENTERPRISE: {"employeeNumber": 4711, "department": "Legal", "manager": "2d1c7c9e"},
}
"""As Microsoft Entra's provisioning documentation shows requests: booleans in quotes, a manager's id alone."""

OKTA = {
    "schemas": [CORE, ENTERPRISE],
    "id": "23a35c27-23d3-4c03-b4c5-6443c09e7173",
    "userName": "test.user@okta.example",
    "name": {"givenName": "Test", "familyName": "User"},
    "emails": [
        {"primary": False, "value": "private@home.example", "type": "home"},
        {"primary": True, "value": "test.user@okta.example", "type": "Work"},
    ],
    "displayName": "Test User",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "active": True,
    "meta": {"resourceType": "User", "version": 'W/"f250dd84f0671c3"'},
    ENTERPRISE: {"department": "Legal", "manager": {"value": "2d1c7c9e", "displayName": "Jo"}},
}
"""As Okta's SCIM reference shows a user: no version for some, types in other letter case."""

SKILLCAST = {
    "Schemas": [CORE, ENTERPRISE, PORTAL],
    "Id": 12345678901234567890,
    "ExternalId": 4711,
    "UserName": "kim@acme.example",
    "Active": True,
    "Name": {"GivenName": "Kim", "FamilyName": "Ali"},
    "Emails": {"type": "work", "value": "kim@acme.example"},
    ENTERPRISE.lower(): {"Department": "Legal", "Manager": {"Value": "2d1c7c9e"}},
    PORTAL: {"grade": "7.0", "contractor": "false", "startDate": "2026-11-01T00:00:00Z", "costCentre": None},
}
"""In the manner of a portal that is its own: names in other letter case, numbers, one address instead of a list."""


@pytest.mark.parametrize("resource", [ENTRA, OKTA, SKILLCAST], ids=["entra", "okta", "skillcast"])
def test_the_same_paths_read_the_same_values_of_every_flavour(resource: dict[str, Any]) -> None:
    assert bound("name.familyName").read(resource) in ("Ali", "User")
    assert bound(WORK).read(resource) == bound("userName").read(resource)
    assert bound(DEPARTMENT).read(resource) == "Legal"
    assert bound(MANAGER, reference=True).read(resource) == "2d1c7c9e"
    assert bound("active", "boolean").read(resource) == "Yes"
    assert bound("nickName").read(resource) == ""
    assert bound("urn:acme:2.0:User:nothing").read(resource) == ""


def test_numbers_booleans_and_days_are_text_in_a_plan() -> None:
    read = [
        bound("externalId").read(SKILLCAST),
        bound("id").read(SKILLCAST),
        bound(f"{PORTAL}:grade", "integer").read(SKILLCAST),
        bound(f"{PORTAL}:contractor", "boolean").read(SKILLCAST),
        bound(f"{PORTAL}:startDate", "dateTime").read(SKILLCAST),
        bound(f"{PORTAL}:costCentre").read(SKILLCAST),
        bound(f"{ENTERPRISE}:employeeNumber").read(ENTRA),
    ]
    assert read == ["4711", "12345678901234567890", "7", "No", "2026-11-01", "", "4711"]


def test_without_a_choice_the_primary_one_of_several_is_read() -> None:
    assert to_text(find(OKTA, ScimPath("", "emails", (), "value"))) == "test.user@okta.example"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Yes", "boolean", True),
        ("No", "boolean", False),
        ("maybe", "boolean", "maybe"),
        ("7", "integer", 7),
        ("7.5", "decimal", 7.5),
        ("seven", "integer", "seven"),
        ("007", "string", "007"),
        ("2026-11-01", "dateTime", "2026-11-01T00:00:00Z"),
        ("2026-11-01T09:00:00Z", "dateTime", "2026-11-01T09:00:00Z"),
        ("2026-11-01", "string", "2026-11-01"),
    ],
)
def test_text_becomes_what_the_schema_asks_for_and_comes_back_the_same(text: str, kind: str, value: object) -> None:
    assert to_json(text, kind) == value
    assert to_text(value, kind) == text


# --- writing ----------------------------------------------------------------------------------------------


def test_values_become_the_operations_of_the_standard() -> None:
    values = [
        (bound("userName"), "a@b.example"),
        (bound(f"{PORTAL}:contractor", "boolean"), "No"),
        (bound(DEPARTMENT), None),
        (bound(WORK), "a@b.example"),
        (bound('phoneNumbers[type eq "mobile"].value'), "1"),
        (bound('phoneNumbers[type eq "mobile"].display'), "One"),
        (bound('phoneNumbers[type eq "fax"].value'), ""),
        (bound(MANAGER, reference=True), None),
    ]
    assert sorted(operations(OKTA, values), key=lambda each: str(each["path"])) == [
        {"op": "replace", "path": WORK, "value": "a@b.example"},
        {"op": "add", "path": "phoneNumbers", "value": [{"type": "mobile", "value": "1", "display": "One"}]},
        {"op": "remove", "path": DEPARTMENT},
        {"op": "remove", "path": f"{ENTERPRISE}:manager"},
        {"op": "replace", "path": f"{PORTAL}:contractor", "value": False},
        {"op": "replace", "path": "userName", "value": "a@b.example"},
    ]


def test_a_whole_resource_keeps_everything_that_is_not_written() -> None:
    values = [
        (bound("name.givenName"), "Toni"),
        (bound(WORK), "new@okta.example"),
        (bound(f"{PORTAL}:grade", "integer"), "7"),
        (bound(MANAGER, reference=True), "77"),
        (bound("locale"), None),
    ]
    found = whole(OKTA, values)
    assert found == {
        **{name: value for name, value in OKTA.items() if name not in ("meta", "locale")},
        "schemas": [CORE, ENTERPRISE, PORTAL],
        "name": {"givenName": "Toni", "familyName": "User"},
        "emails": [OKTA["emails"][0], {"primary": True, "value": "new@okta.example", "type": "Work"}],  # type: ignore[index]
        ENTERPRISE: {"department": "Legal", "manager": {"value": "77"}},
        PORTAL: {"grade": 7},
    }


def test_a_whole_resource_is_written_in_its_own_letter_case() -> None:
    found = whole(SKILLCAST, [(bound("userName"), "x"), (bound(DEPARTMENT), "Sales"), (bound(WORK), "x@y.example")])
    assert found["UserName"] == "x"
    assert found[ENTERPRISE.lower()] == {"Department": "Sales", "Manager": {"Value": "2d1c7c9e"}}
    assert found["Emails"] == [{"type": "work", "value": "x@y.example"}]
    assert "userName" not in found


def test_what_is_blank_leaves_no_empty_shells() -> None:
    person = {"schemas": [CORE], "name": {"givenName": "Kim"}, "emails": [{"type": "work", "value": "k@a.example"}]}
    found = whole(person, [(bound("name.givenName"), None), (bound(WORK), None), (bound(DEPARTMENT), None)])
    assert found == {"schemas": [CORE]}


WRITTEN = st.dictionaries(
    st.sampled_from(
        ["title", "nickName", "name.givenName", "name.familyName", WORK, 'emails[type eq "home"].value', DEPARTMENT]
    ),
    st.none() | st.sampled_from(["a@b.example", "c@d.example"]),
)


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """Without what holds nothing: servers differ in whether they keep an empty object."""
    return {name: value for name, value in resource.items() if value not in ({}, []) and name != "schemas"}


@given(WRITTEN, WRITTEN)
def test_patch_and_put_say_the_same(first: dict[str, str | None], second: dict[str, str | None]) -> None:
    """The operations, applied by scim2-models, give the resource that a PUT would send."""
    before = whole({"schemas": [CORE], "userName": "u"}, [(bound(name), text) for name, text in first.items()])
    values = [(bound(name), text) for name, text in second.items()]
    user = User[EnterpriseUser].model_validate(before)
    asked = operations(before, values)
    if asked:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": asked}
        PatchOp[User[EnterpriseUser]].model_validate(body).patch(user)  # type: ignore[misc]
    after = user.model_dump()
    for each, text in values:
        assert each.read(after) == (text or "")
    assert _entries(plain(after)) == _entries(plain(whole(before, values)))


def _entries(resource: dict[str, Any]) -> dict[str, Any]:
    emails = sorted(resource.get("emails", []), key=lambda each: each["type"])
    return {name: value for name, value in resource.items() if name != "emails"} | (
        {"emails": emails} if emails else {}
    )
