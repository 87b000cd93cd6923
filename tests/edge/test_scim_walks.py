"""Whole walks against scim2-server: read, bring changes about, read back. Whatever the server can or does."""

from dataclasses import replace
from typing import Any

import pytest
from scim_servers import (
    DEPARTMENT,
    EMAIL,
    ENTERPRISE,
    MANAGER,
    NAMES,
    PORTAL,
    ScimServer,
    Twist,
    add,
    adds,
    answers,
    archive,
    bring_about,
    caps_pages,
    directory,
    edit,
    has_no_patch,
    ids,
    ignores_etags,
    ignores_filters,
    ignores_names,
    key,
    lowers_user_names,
    numbers_as_text,
    refuses_filters,
    scim_error,
    shouts,
    values,
    without_body,
    without_versions,
)

from provisioning.model import Action, Status

SERVERS: dict[str, tuple[tuple[Twist, ...], dict[str, Any]]] = {
    "bulk and etags": ((), {}),
    "bulk, no etags": ((), {"etag": False}),
    "etags, no bulk": ((), {"bulk": False}),
    "neither": ((), {"bulk": False, "etag": False}),
    "bulk of three": ((), {"bulk_operations": 3, "etag": False}),
    "bulk of few bytes": ((), {"bulk_bytes": 2500, "etag": False}),
    "announces no patch": ((), {"patch": False, "bulk": False}),
    "has no patch after all": ((has_no_patch,), {"bulk": False}),
    "no patch, in bulk": ((), {"patch": False}),
    "announces no filters": ((), {"filters": False}),
    "refuses filters": ((refuses_filters,), {}),
    "ignores filters": ((ignores_filters,), {}),
    "ignores etags": ((ignores_etags,), {}),
    "ignores etags, no bulk": ((ignores_etags,), {"bulk": False}),
    "gives no versions": ((without_versions,), {}),
    "two at a time": ((caps_pages(2),), {}),
    "one at a time": ((caps_pages(1),), {}),
    "numbers as text": ((numbers_as_text,), {"bulk": False}),
    "numbers as text, in bulk": ((numbers_as_text,), {}),
    "shouts": ((shouts,), {"bulk": False}),
    "answers without a body": ((without_body,), {"bulk": False}),
    # What servers do together that are built after these makers' documentation of the traffic they expect.
    "Entra-flavoured": ((numbers_as_text, without_versions, without_body), {"bulk": False, "etag": False}),
    "Okta-flavoured": ((without_versions, caps_pages(2)), {"bulk": False, "etag": False, "patch": False}),
    "Skillcast-flavoured": ((lowers_user_names, caps_pages(100)), {"bulk": False}),
}


def server(name: str) -> ScimServer:
    twists, options = SERVERS[name]
    return ScimServer(*twists, **options)


every_server = pytest.mark.parametrize("name", SERVERS)


@every_server
def test_people_are_added_changed_archived_and_reactivated_and_read_back_so(name: str) -> None:
    with server(name) as portal, directory(portal) as there:
        assert bring_about(there, adds(7)).results == ["done"] * 7
        users = there.users(NAMES)
        who = ids(users)
        changes = [
            edit(users, who[key(1)], Action.UPDATE, department="Sales", contractor="Yes", grade=None),
            edit(users, who[key(2)], Action.UPDATE, email=None, startDate="2026-12-24"),
            edit(users, who[key(3)], Action.UPDATE, userName="anna@acme.example", email="anna@acme.example"),
            archive(users, who[key(4)]),
            archive(users, who[key(5)]),
        ]
        assert bring_about(there, changes).results == ["done"] * 5
        users = there.users(NAMES)
        back = edit(users, who[key(5)], Action.REACTIVATE, status="Live", department="Back")
        assert bring_about(there, [back]).results == ["done"]
        found = {external: (status, filled) for _, external, status, filled in there.everybody()}
    assert found == {
        key(1): ("Live", without_blank(values(1, department="Sales", contractor="Yes", grade=""))),
        key(2): ("Live", without_blank(values(2, email="", startDate="2026-12-24"))),
        key(3): ("Live", values(3, userName="anna@acme.example", email="anna@acme.example")),
        key(4): ("Archived", values(4)),
        key(5): ("Live", values(5, department="Back")),
        key(6): ("Live", values(6)),
        key(7): ("Live", values(7)),
    }


def without_blank(filled: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in filled.items() if text}


@every_server
def test_what_was_brought_about_once_is_done_again_without_a_write(name: str) -> None:
    with server(name) as portal:
        with directory(portal) as there:
            bring_about(there, adds(5))
            users = there.users(NAMES)
            who = ids(users)
            changes = [
                edit(users, who[key(1)], Action.UPDATE, department="Sales"),
                edit(users, who[key(2)], Action.UPDATE, email="new@acme.example", manager="p1@acme.example"),
                archive(users, who[key(3)]),
            ]
            assert bring_about(there, changes).results == ["done"] * 3
        before = portal.everybody
        portal.forget()
        with directory(portal) as again:
            assert bring_about(again, adds(5)[3:] + changes).results == ["done"] * 5
        refused = [each for each in portal.writes if "if-match" in each.headers or "version" in str(each.body)]
        assert len(portal.writes) == len(refused)
        assert portal.everybody == before


@every_server
def test_managers_are_set_whoever_comes_first_and_in_a_circle(name: str) -> None:
    people = [
        add(1, manager="p3@acme.example"),
        add(2, manager="p1@acme.example"),
        add(3, manager="p2@acme.example"),
        add(4, manager="p4@acme.example"),
    ]
    with server(name) as portal, directory(portal) as there:
        assert bring_about(there, people, chunk=2).results == ["done"] * 4
        users = there.users([MANAGER])
        managers = dict(zip(users.external_ids.to_pylist(), users.attributes[MANAGER].to_pylist(), strict=True))
    assert managers == {
        key(1): "p3@acme.example",
        key(2): "p1@acme.example",
        key(3): "p2@acme.example",
        key(4): "p4@acme.example",
    }


@every_server
def test_who_changed_since_the_plan_is_left_alone_unless_already_as_wanted(name: str) -> None:
    with server(name) as portal, directory(portal) as there:
        bring_about(there, adds(6))
        users = there.users(NAMES)
        who = ids(users)
        changes = [edit(users, who[key(number)], Action.UPDATE, department="Sales") for number in range(1, 6)]
        changes.append(archive(users, who[key(6)]))
        portal.change(who[key(2)], **{ENTERPRISE: {"department": "Elsewhere"}})
        portal.change(who[key(3)], **{ENTERPRISE: {"department": "Sales"}})
        portal.change(who[key(4)], name={"givenName": "Grace"})
        portal.change(who[key(5)], nickName="touched elsewhere")
        portal.change(who[key(6)], externalId="somebody else")
        journal = bring_about(there, changes)
        assert journal.results == ["done", "drifted", "done", "drifted", "done", "drifted"]
        assert [each.message.partition(": ")[2] for each in journal.outcomes if each.message] == [
            f"{DEPARTMENT}.",
            "name.givenName.",
            "link.",
        ]
        departments = there.users([DEPARTMENT, "nickName"])
    assert departments.statuses.to_pylist() == [Status.LIVE.value] * 6
    found = dict(zip(departments.external_ids.to_pylist(), departments.attributes[DEPARTMENT].to_pylist(), strict=True))
    assert [found[key(number)] for number in range(1, 6)] == [
        "Sales",
        "Elsewhere",
        "Sales",
        "Legal & Compliance",
        "Sales",
    ]


@pytest.mark.parametrize("name", ["announces no patch", "has no patch after all", "no patch, in bulk"])
def test_a_server_without_patch_gets_the_whole_user_and_keeps_what_nobody_mapped(name: str) -> None:
    home = {"type": "home", "value": "home@elsewhere.example", "primary": True}
    with server(name) as portal, directory(portal) as there:
        user = portal.add(
            userName="p1@acme.example",
            externalId=key(1),
            nickName="Addie",
            name={"givenName": "Ada", "middleName": "King"},
            emails=[home, {"type": "work", "value": "old@acme.example", "display": "Work"}],
            phoneNumbers=[{"type": "mobile", "value": "+44 7700 900123"}],
        )
        users = there.users(NAMES)
        change = edit(users, user, Action.UPDATE, email="new@acme.example", givenName="Augusta", department="Sales")
        assert bring_about(there, [change]).results == ["done"]
        found = portal.user(user)
        assert [each.method for each in portal.writes][-1] == "PUT"
    assert found["nickName"] == "Addie"
    assert found["name"] == {"givenName": "Augusta", "middleName": "King"}
    assert found["emails"] == [home, {"type": "work", "value": "new@acme.example", "display": "Work"}]
    assert found["phoneNumbers"] == [{"type": "mobile", "value": "+44 7700 900123"}]
    assert found[DEPARTMENT.rpartition(":")[0]]["department"] == "Sales"


@pytest.mark.parametrize("name", ["announces no patch", "has no patch after all", "no patch, in bulk"])
def test_a_server_without_patch_keeps_what_it_shows_only_to_who_asks(name: str) -> None:
    with server(name) as portal, directory(portal) as there:
        bring_about(there, adds(3))
        users = there.users(NAMES)
        for user in users.ids.to_pylist():
            portal.change(user, **{PORTAL: {"note": f"about {user}"}})
        users = there.users(NAMES)
        changes = [edit(users, user, Action.UPDATE, department="Sales") for user in users.ids.to_pylist()]
        assert bring_about(there, changes).results == ["done"] * 3
        for user in users.ids.to_pylist():
            assert portal.hidden(user, "note") == f"about {user}"
            assert portal.user(user)[ENTERPRISE]["department"] == "Sales"


def test_a_server_without_patch_that_does_not_show_it_even_then_is_written_nothing() -> None:
    with ScimServer(ignores_names, patch=False, bulk=False) as portal, directory(portal) as there:
        bring_about(there, adds(1))
        (user,) = there.users(NAMES).ids.to_pylist()
        portal.change(user, **{PORTAL: {"note": "keep me"}})
        users = there.users(NAMES)
        portal.forget()
        outcome = bring_about(there, [edit(users, user, Action.UPDATE, department="Sales")]).only
        assert (outcome.result.value, outcome.cause) == ("failed", "hidden attributes")
        assert "PATCH" in outcome.message
        assert portal.writes == []
        assert portal.hidden(user, "note") == "keep me"


@pytest.mark.parametrize("options", [{"etag": False}, {"bulk": False, "etag": False}])
def test_a_user_who_cannot_be_looked_at_fails_alone(options: dict[str, Any]) -> None:
    with ScimServer(**options) as portal, directory(portal) as there:
        bring_about(there, adds(4))
        users = there.users(NAMES)
        hidden = ids(users)[key(2)]
        refused = answers(403, scim_error(403, "not for you"))
        portal.twists = [
            lambda request, following: (
                refused(request, following)
                if request.method == "GET" and request.path.endswith(hidden)
                else following(request)
            )
        ]
        changes = [edit(users, user, Action.UPDATE, department="Sales") for user in users.ids.to_pylist()]
        found = {each.key: each.result.value for each in bring_about(there, changes).outcomes}
    assert found == {key(1): "done", key(2): "failed", key(3): "done", key(4): "done"}


def test_bulk_requests_stay_within_the_limits_and_are_used_at_all() -> None:
    with ScimServer(etag=False, bulk_operations=4, bulk_bytes=4000) as portal, directory(portal) as there:
        assert bring_about(there, adds(10)).results == ["done"] * 10
        sent = [each for each in portal.writes if each.path.endswith("/Bulk")]
    assert sum(len(each.body["Operations"]) for each in sent) == 10
    assert len(sent) == len(portal.writes)
    assert all(len(each.body["Operations"]) <= 4 for each in sent)
    assert all(int(each.headers["content-length"]) <= 4000 for each in sent)


def test_a_plans_etag_spares_the_look_once_the_server_has_shown_that_it_minds_them() -> None:
    with ScimServer(bulk=False) as portal, directory(portal) as there:
        bring_about(there, adds(8))
        users = there.users(NAMES)
        who = ids(users)
        bring_about(there, [edit(users, who[key(1)], Action.UPDATE, department="First")])
        bring_about(there, [edit(users, who[key(2)], Action.UPDATE, department="Second")])
        bring_about(there, [edit(users, who[key(3)], Action.UPDATE, department="Third")])
        portal.forget()
        changes = [edit(users, who[key(number)], Action.UPDATE, department="Sales") for number in range(4, 9)]
        assert bring_about(there, changes).results == ["done"] * 5
        assert [each.method for each in portal.requests] == ["PATCH"] * 5


def test_an_entry_that_the_plan_saw_blank_is_looked_for_before_it_is_written() -> None:
    with ScimServer(bulk=False) as portal, directory(portal) as there:
        people = [portal.add(userName=f"p{number}@acme.example", externalId=key(number)) for number in (1, 2)]
        users = there.users(NAMES)
        changes = [edit(users, user, Action.UPDATE, email="w@acme.example") for user in people]
        bring_about(there, changes[:1])
        portal.forget()
        assert bring_about(there, changes[1:]).results == ["done"]
        assert [operation["op"] for operation in portal.writes[0].body["Operations"]] == ["add"]
        assert len(portal.writes) == 1


def test_an_emptied_or_missing_work_address_is_added_as_an_entry_of_its_own() -> None:
    with ScimServer(bulk=False) as portal, directory(portal) as there:
        user = portal.add(
            userName="a@acme.example", externalId=key(1), emails=[{"type": "home", "value": "h@x.example"}]
        )
        users = there.users(NAMES)
        assert bring_about(there, [edit(users, user, Action.UPDATE, email="w@acme.example")]).results == ["done"]
        assert portal.user(user)["emails"] == [
            {"type": "home", "value": "h@x.example"},
            {"type": "work", "value": "w@acme.example"},
        ]
        users = there.users(NAMES)
        assert users.attributes[EMAIL].to_pylist() == ["w@acme.example"]
        assert bring_about(there, [edit(users, user, Action.UPDATE, email=None)]).results == ["done"]
        assert portal.user(user)["emails"] == [{"type": "home", "value": "h@x.example"}]


def test_links_are_written_taken_away_and_not_given_twice() -> None:
    with ScimServer() as portal, directory(portal) as there:
        first, second = portal.add(userName="a@acme.example"), portal.add(userName="b@acme.example")
        users = there.users(NAMES)
        link = edit(users, first, Action.LINK, external_id=key(1))
        assert bring_about(there, [link]).results == ["done"]
        users = there.users(NAMES)
        twice = bring_about(there, [edit(users, second, Action.LINK, external_id=key(1))]).only
        assert (twice.result.value, first in twice.message) == ("failed", True)
        assert bring_about(there, [edit(users, first, Action.LINK, external_id=None)]).results == ["done"]
        assert "externalId" not in portal.user(first)


@pytest.mark.parametrize("options", [{"etag": False}, {"bulk": False}, {}], ids=["bulk", "etags", "both"])
def test_two_changes_of_one_user_in_a_chunk_follow_each_other(options: dict[str, Any]) -> None:
    with ScimServer(**options) as portal, directory(portal) as there:
        user = portal.add(userName="a@acme.example")
        users = there.users(NAMES)
        link = edit(users, user, Action.LINK, external_id=key(1))
        saw = edit(users, user, Action.UPDATE, department="Sales")
        assert saw.seen is not None
        update = replace(saw, key=key(1), seen=replace(saw.seen, external_id=key(1)))
        assert bring_about(there, [link, update]).results == ["done", "done"]
        assert portal.user(user)["externalId"] == key(1)
        assert there.users([DEPARTMENT]).attributes[DEPARTMENT].to_pylist() == ["Sales"]
