"""What a SCIM server announces, tolerantly read; a mapping checked against it; and scim2-tester's word for it that the
server behind these tests is one."""

from collections.abc import Mapping
from typing import Any

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server
from scim_servers import (
    CORE,
    DEPARTMENT,
    EMAIL,
    MANAGER,
    MAPPING,
    PORTAL,
    TOKEN,
    ScimServer,
    directory,
    shouts,
)

from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, Severity
from provisioning.target.scim_client import Reply
from provisioning.target.scim_mapping import check_mapping, suggest
from provisioning.target.scim_paths import parse_path
from provisioning.target.scim_provider import Announced, discover


class Documents:
    """A server that has these documents and no more."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self.documents = documents

    def get(self, path: str) -> Reply:
        found = self.documents.get(path)
        return Reply(404, None) if found is None else Reply(200, found)


def announced(**documents: Any) -> Announced:
    named = {f"/{name}": document for name, document in documents.items()}
    return discover(Documents(named))  # type: ignore[arg-type]


def listed(*resources: Any) -> dict[str, Any]:
    return {"totalResults": len(resources), "Resources": list(resources)}


@pytest.fixture(scope="module")
def portal() -> Announced:
    """What the tests' own server announces."""
    with ScimServer(bulk_operations=50, bulk_bytes=9000, most_results=70) as server, directory(server) as there:
        return there.announced


# --- reading it -------------------------------------------------------------------------------------------


def test_features_and_limits_are_read_as_announced(portal: Announced) -> None:
    assert (portal.patch, portal.bulk, portal.etag, portal.filter, portal.sort) == (True, True, True, True, True)
    assert (portal.bulk_operations, portal.bulk_bytes, portal.most_results) == (50, 9000, 70)
    assert (portal.users, portal.schema, portal.described, portal.notes) == ("/Users", CORE, True, ())


def test_attributes_are_read_with_what_their_schema_says(portal: Announced) -> None:
    found = {each.path: each for each in portal.attributes}
    assert (found["userName"].required, found["userName"].unique) == (True, True)
    assert found["emails"].several
    assert found["groups"].mutability == "readOnly"
    assert found[MANAGER].reference
    assert found[f"{PORTAL}:region"].canonical == ("North", "South")
    assert [found[f"{PORTAL}:{name}"].kind for name in ("startDate", "contractor", "grade")] == [
        "dateTime",
        "boolean",
        "integer",
    ]
    assert [found[f"{PORTAL}:{name}"].mutability for name in ("badge", "lastLogin")] == ["immutable", "readOnly"]


def test_a_server_that_shows_nothing_is_taken_for_the_standard() -> None:
    found = announced()
    assert (found.patch, found.bulk, found.etag, found.filter) == (True, False, False, True)
    assert (found.users, found.described, len(found.notes)) == ("/Users", False, 3)
    assert {"userName", "name.givenName", DEPARTMENT, MANAGER} <= {each.path for each in found.attributes}


ODD_CONFIG = {
    "Schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "Patch": {"Supported": "False"},
    "bulk": {"supported": "true", "maxOperations": "25", "maxPayloadSize": "100000"},
    "Filter": {"supported": True, "maxResults": "100"},
    "etag": {"supported": True},
    "authenticationSchemes": [{"kind": "made up"}],
    "meta": {"resourceType": "ServiceProviderConfig", "created": "yesterday"},
    "somethingOfTheirOwn": {"supported": True},
}


def test_numbers_as_text_other_letter_case_and_members_of_their_own_are_read() -> None:
    found = announced(ServiceProviderConfig=ODD_CONFIG)
    assert (found.patch, found.bulk, found.bulk_operations, found.bulk_bytes) == (False, True, 25, 100000)
    assert (found.filter, found.most_results, found.etag) == (True, 100, True)


ODD_SCHEMA = {
    "id": "urn:acme:HR:2.0:User",
    "name": "HR",
    "vendorNote": "x",
    "attributes": [
        {"name": "Grade", "type": "INTEGER", "mutability": "readwrite", "multiValued": "false", "required": "True"},
        {"name": "Job title", "type": "string"},
        {
            "name": "site",
            "type": "text",
            "mutability": "sometimes",
            "canonicalValues": ["A", 1],
            "uniqueness": "Server",
        },
        "not an attribute",
    ],
}
ODD_TYPE = {
    "name": "User",
    "endpoint": "https://acme.example/scim/Accounts/",
    "schema": CORE,
    "schemaExtensions": [{"schema": "urn:acme:HR:2.0:User", "required": "true"}],
}


def test_schemas_in_their_own_words_are_read_as_far_as_they_can_be() -> None:
    found = announced(ResourceTypes=listed(ODD_TYPE), Schemas=listed(ODD_SCHEMA))
    own = {each.path: each for each in found.attributes if each.path.startswith("urn:acme")}
    assert list(own) == ["urn:acme:HR:2.0:User:Grade", "urn:acme:HR:2.0:User:site"]
    grade, site = own.values()
    assert (grade.kind, grade.required, grade.mutability) == ("integer", True, "readWrite")
    assert (site.kind, site.canonical, site.unique) == ("string", ("A", "1"), True)
    assert found.users == "/Accounts"


def test_what_cannot_be_read_is_noted_and_the_rest_used() -> None:
    found = announced(
        ServiceProviderConfig={"bulk": {"supported": "perhaps"}},
        ResourceTypes=listed({"name": 7, "schemaExtensions": "none"}),
        Schemas={"totalResults": 5, "Resources": [{"id": "no urn"}]},
    )
    assert found.bulk is False
    assert len(found.notes) == 4
    assert any("1 of 5" in each for each in found.notes)


def test_a_server_may_write_the_names_of_users_as_it_likes() -> None:
    with ScimServer(shouts) as server, directory(server) as there:
        assert there.announced.described


# --- binding ----------------------------------------------------------------------------------------------


def test_a_path_takes_the_servers_spelling_and_type(portal: Announced) -> None:
    bound = portal.bind(Attribute(f"{PORTAL.upper().replace('URN', 'urn')}:STARTDATE"))
    assert (str(bound.path), bound.kind) == (f"{PORTAL}:startDate", "dateTime")
    assert str(portal.bind(Attribute('EMAILS[type eq "work"].VALUE')).path) == EMAIL
    assert portal.bind(Attribute(MANAGER)).reference


def test_what_no_schema_names_goes_by_its_type_in_the_mapping() -> None:
    found = announced()
    kinds = {kind: found.bind(Attribute("urn:acme:2.0:User:x", type=kind)).kind for kind in AttributeType}
    assert kinds[AttributeType.YES_NO] == "boolean"
    assert kinds[AttributeType.NUMBER] == "decimal"
    assert {kinds[each] for each in (AttributeType.TEXT, AttributeType.DATE, AttributeType.USER)} == {"string"}


def test_one_of_several_values_must_be_chosen(portal: Announced) -> None:
    with pytest.raises(SettingsError, match=r'emails\[type eq "work"\]\.value'):
        portal.bind(Attribute("emails.value"))


# --- a mapping against it ---------------------------------------------------------------------------------


def row(name: str, kind: AttributeType = AttributeType.TEXT, **more: Any) -> Attribute:
    return Attribute(name, "work.something", kind, **more)


USER_NAME = row("userName", required=True)


def found(portal: Announced, *rows: Attribute, domain: str | None = None) -> list[tuple[str, Severity, str]]:
    findings = check_mapping(portal, (USER_NAME, *rows), domain)
    assert all(each.message and each.remedy for each in findings)
    return [(each.code, each.severity, each.keys[0]) for each in findings]


def test_the_mapping_of_these_tests_has_nothing_against_it(portal: Announced) -> None:
    assert check_mapping(portal, MAPPING) == ()


@pytest.mark.parametrize(
    ("bad", "code", "severity"),
    [
        (row("Job title"), "scim-path", Severity.BLOCK),
        (row("emails.value"), "scim-path", Severity.BLOCK),
        (row("active", AttributeType.YES_NO), "scim-path", Severity.BLOCK),
        (row("externalId"), "scim-path", Severity.BLOCK),
        (row("id"), "scim-path", Severity.BLOCK),
        (row("nickname2"), "scim-unknown", Severity.BLOCK),
        (row(f"{PORTAL}:costcenter"), "scim-unknown", Severity.BLOCK),
        (row(f"{PORTAL}:lastLogin", AttributeType.DATE), "scim-read-only", Severity.BLOCK),
        (row("password"), "scim-read-only", Severity.BLOCK),
        (row(f"{PORTAL}:note"), "scim-read-only", Severity.BLOCK),
        (row(f"{PORTAL}:badge"), "scim-read-only", Severity.WARN),
        (row("name"), "scim-type", Severity.BLOCK),
        (row(f"{PORTAL}:grade"), "scim-type", Severity.WARN),
        (row(f"{PORTAL}:contractor"), "scim-type", Severity.WARN),
        (row(MANAGER), "scim-type", Severity.WARN),
        (row(f"{PORTAL}:region", AttributeType.LIST, options=("North", "West")), "scim-values", Severity.WARN),
        (row(f"{PORTAL}:region", values=(("N", "north"),)), "scim-values", Severity.WARN),
    ],
)
def test_what_a_server_would_refuse_is_said_before(
    portal: Announced, bad: Attribute, code: str, severity: Severity
) -> None:
    assert found(portal, bad) == [(code, severity, bad.name)]


def test_what_is_set_once_may_be_set_on_add(portal: Announced) -> None:
    assert found(portal, row(f"{PORTAL}:badge", apply=Apply.ON_ADD)) == []


def test_attributes_without_a_column_are_nobodys_business(portal: Announced) -> None:
    assert found(portal, Attribute("Job title")) == []


def test_what_the_server_requires_must_be_fed(portal: Announced) -> None:
    rows = (row("title"),)
    assert [(each.code, each.severity, each.keys) for each in check_mapping(portal, rows)] == [
        ("scim-required", Severity.BLOCK, ("userName",))
    ]
    assert [each.code for each in check_mapping(portal, (row("userName"),))] == ["scim-required"]


def test_the_domains_attribute_is_checked_and_fed_by_nobody(portal: Announced) -> None:
    place = f"{PORTAL}:domain"
    assert found(portal, domain=place) == []
    assert found(portal, row(place), domain=place) == [("scim-domain", Severity.BLOCK, place)]
    assert found(portal, domain="lastLogin") == [("scim-unknown", Severity.BLOCK, "lastLogin")]


def test_a_server_without_schemas_knows_the_standards_attributes_and_asks_about_others() -> None:
    assert found(announced(), row(DEPARTMENT), row("urn:acme:2.0:User:x")) == [
        ("scim-unknown", Severity.INFO, "urn:acme:2.0:User:x")
    ]


# --- suggestions ------------------------------------------------------------------------------------------


def test_usual_rows_come_first_and_then_everything_of_the_portals_own(portal: Announced) -> None:
    rows = {each.attribute.name: each.attribute for each in suggest(portal)}
    assert list(rows)[:3] == ["userName", EMAIL, "name.givenName"]
    assert rows["userName"].data_feed_name == "root.email"
    assert rows["userName"].required
    assert rows[MANAGER].type is AttributeType.USER
    assert (rows[f"{PORTAL}:region"].type, rows[f"{PORTAL}:region"].options) == (AttributeType.LIST, ("North", "South"))
    assert rows[f"{PORTAL}:startDate"].type is AttributeType.DATE
    assert rows[f"{PORTAL}:grade"].data_feed_name is None
    assert not {f"{PORTAL}:lastLogin", f"{PORTAL}:badge", "password", "groups"} & set(rows)


def test_what_is_mapped_is_not_suggested_again_and_what_is_suggested_can_be_mapped(portal: Announced) -> None:
    names = {each.attribute.name for each in suggest(portal, MAPPING)}
    assert not names & {each.name for each in MAPPING}
    rows = [each.attribute for each in suggest(portal)]
    fed = [row(each.name, each.type, required=each.required, options=each.options) for each in rows]
    assert check_mapping(portal, fed) == ()
    assert all(parse_path(each.name) for each in rows)


# --- is the server of these tests a SCIM server? ----------------------------------------------------------


RELIED_ON = {
    "query_all_schemas",
    "query_all_resource_types",
    "service_provider_config_endpoint",
    "object_creation",
    "object_query",
    "object_query_without_id",
    "object_replacement",
    "check_add_attribute",
    "check_replace_attribute",
    "check_remove_attribute",
}
"""scim2-tester's checks of what our requests do."""


@pytest.mark.parametrize("options", [{}, {"etag": False, "bulk": False}], ids=["everything", "little"])
def test_what_our_requests_rely_on_holds_by_scim2_tester(options: dict[str, Any]) -> None:
    """Without the portal's own extension: the tester fills days in attributes of other schemas with any text."""
    with ScimServer(own=False, **options) as server:
        there = WSGISCIMClient(server.app, "http://127.0.0.1/v2", headers={"Authorization": f"Bearer {TOKEN}"})
        results = check_server(there, resource_types=["User"])
    assert [f"{each.title}: {each.reason}" for each in results if each.status is not Status.SUCCESS] == []
    assert {each.title for each in results} >= RELIED_ON
