"""Managers in a portal that speaks SCIM 2.0, night after night: who has no user is said, and fails nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
from driver import Rollcall, attribute, customer, domain
from scim_servers import DEPARTMENT, EMAIL, MANAGER, PORTAL, TOKEN, ScimServer
from tiny_hibob import TinyHiBob, key_of

PLACE = f"{PORTAL}:domain"
ATTRIBUTES = [
    attribute("userName", "root.email", required=True),
    attribute(EMAIL, "root.email"),
    attribute("name.givenName", "root.firstName"),
    attribute("name.familyName", "root.surname"),
    attribute(DEPARTMENT, "humanReadable.work.department"),
    attribute(MANAGER, "work.manager", type="user"),
]
SALES, LEGAL = "209192160", "209192161"


@pytest.fixture
def portal() -> Iterator[ScimServer]:
    with ScimServer() as running:
        yield running


def portal_domain(portal: ScimServer, **more: Any) -> dict[str, Any]:
    target = {"scim": portal.base_url, "token": {"env": "SCIM_TOKEN"}}
    return domain(*ATTRIBUTES, unique_identifier="userName", target=target, **more)


def scope(rule: str) -> list[dict[str, Any]]:
    return [{"rule": rule, "column": "work.department", "is": [LEGAL]}]


def managers(portal: ScimServer) -> dict[str, str]:
    """External id → that of their manager."""
    links = {each["id"]: each["externalId"] for each in portal.everybody}
    schema = MANAGER.rpartition(":")[0]
    bosses = {each["externalId"]: each.get(schema, {}).get("manager", {}).get("value") for each in portal.everybody}
    return {link: links[boss] for link, boss in bosses.items() if boss}


def codes(plan: dict[str, Any]) -> list[str]:
    return [each["code"] for each in plan["findings"]]


def test_a_manager_who_never_gets_a_user_fails_nobody_on_any_night(
    empty: Rollcall, hibob: TinyHiBob, portal: ScimServer
) -> None:
    hibob.change(9, department=LEGAL)
    for number in (1, 2):
        hibob.change(number, manager=key_of(9))
    hibob.change(3, manager=key_of(4))
    empty.environment["SCIM_TOKEN"] = TOKEN
    empty.set_up(customer(hibob.base_url, portal_domain(portal, scope=scope("exclude")))).fine()
    first = empty.sync()
    assert codes(first) == ["manager-without-user"]
    assert managers(portal) == {key_of(3): key_of(4)}
    second = empty.preview()
    assert (second["status"], second["changes"]) == ("empty", [])
    assert second["findings"][0]["keys"] == [key_of(1), key_of(2)]
    hibob.change(9, department=SALES)
    empty.sync()
    assert managers(portal) == {key_of(1): key_of(9), key_of(2): key_of(9), key_of(3): key_of(4)}
    assert empty.preview()["findings"] == []


def test_a_manager_of_another_domain_of_the_portal_is_referred_to_and_changes_nothing_later(
    empty: Rollcall, hibob: TinyHiBob, portal: ScimServer
) -> None:
    hibob.change(9, department=LEGAL)
    hibob.change(1, manager=key_of(9))
    board = portal_domain(portal, domain_attribute=PLACE, scope=scope("include")) | {"name": "board"}
    staff = portal_domain(portal, domain_attribute=PLACE, scope=scope("exclude"))
    empty.environment["SCIM_TOKEN"] = TOKEN
    empty.set_up(customer(hibob.base_url, board, staff)).fine()
    empty.sync("Acme/board")
    assert empty.preview("Acme/board")["status"] == "empty"
    first = empty.sync()
    assert codes(first) == []
    assert managers(portal) == {key_of(1): key_of(9)}
    assert empty.preview()["changes"] == []
