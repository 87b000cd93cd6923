"""The whole walk into a portal that speaks SCIM 2.0: scim2-server on loopback, by the command line."""

from collections.abc import Iterator
from typing import Any

import pytest
from driver import ADMIN, STAFF, Rollcall, attribute, customer, domain, keys
from scim_servers import DEPARTMENT, EMAIL, PORTAL, TOKEN, Request, ScimServer, answers, is_create, scim_error
from tiny_hibob import TinyHiBob, key_of

ATTRIBUTES = [
    attribute("userName", "root.email", required=True),
    attribute(EMAIL, "root.email"),
    attribute("name.givenName", "root.firstName"),
    attribute("name.familyName", "root.surname"),
    attribute(DEPARTMENT, "humanReadable.work.department"),
]


@pytest.fixture
def portal() -> Iterator[ScimServer]:
    with ScimServer() as running:
        yield running


def portal_domain(portal: ScimServer, **more: Any) -> dict[str, Any]:
    target = {"scim": portal.base_url, "token": {"env": "SCIM_TOKEN"}}
    return domain(*ATTRIBUTES, unique_identifier="userName", target=target, **more)


@pytest.fixture
def acme(empty: Rollcall, hibob: TinyHiBob, portal: ScimServer) -> Rollcall:
    empty.environment["SCIM_TOKEN"] = TOKEN
    empty.set_up(customer(hibob.base_url, portal_domain(portal))).fine()
    return empty


def links(portal: ScimServer) -> list[str]:
    return sorted(str(each.get("externalId")) for each in portal.everybody)


def test_from_hibob_into_the_portal_and_a_day_later(acme: Rollcall, hibob: TinyHiBob, portal: ScimServer) -> None:
    first = acme.sync()
    assert first["counts"]["add"] == 30
    assert links(portal) == [key_of(number) for number in range(1, 31)]
    again = acme.preview()
    assert (again["status"], again["changes"], again["held"]) == ("empty", [], [])
    hibob.change(3, surname="Newname")
    hibob.change(4, status="Terminated")
    hibob.forget(5)
    hibob.join(41)
    plan = acme.sync()
    assert {name: plan["counts"][name] for name in ("add", "update", "archive")} == {
        "add": 1,
        "update": 1,
        "archive": 2,
    }
    users = {each["external_id"]: each for each in acme.users()}
    assert users[key_of(3)]["attributes"]["name.familyName"] == "Newname"
    assert [users[key_of(number)]["status"] for number in (4, 5, 41)] == ["Archived", "Archived", "Live"]
    assert acme.preview()["status"] == "empty"


def test_a_portal_that_has_users_already_is_linked_first_and_the_links_can_be_undone(
    acme: Rollcall, portal: ScimServer
) -> None:
    acme.sync()
    for each in portal.everybody:
        portal.change(each["id"], externalId=None)
    plan = acme.preview()
    assert plan["counts"]["link"] == 30
    run = acme.approve_and_process(plan)
    assert links(portal) == [key_of(number) for number in range(1, 31)]
    back = acme.call("undo", run["run"], "--json").fine().json
    assert acme.approve_and_process(back)["status"] == "done"
    assert [each for each in portal.everybody if each.get("externalId")] == []


def test_an_undo_brings_the_portal_back(acme: Rollcall, hibob: TinyHiBob, portal: ScimServer) -> None:
    acme.sync()
    before = acme.users()
    hibob.change(3, surname="Newname", department="209192161")
    hibob.change(4, status="Terminated")
    run = acme.approve_and_process(acme.preview())
    assert acme.users() != before
    back = acme.call("undo", run["run"], "--json").fine().json
    assert acme.approve_and_process(back)["status"] == "done"
    assert acme.users() == before


def test_a_user_changed_in_the_portal_meanwhile_is_drifted(
    acme: Rollcall, hibob: TinyHiBob, portal: ScimServer
) -> None:
    acme.sync()
    hibob.change(3, surname="Newname")
    hibob.change(4, surname="Other")
    plan = acme.preview()
    user = next(each for each in portal.everybody if each["externalId"] == key_of(3))
    portal.change(user["id"], name={"givenName": "By", "familyName": "Hand"})
    acme.call("approve", plan["plan"], by=ADMIN).fine()
    said = acme.call("process", plan["plan"], "--json")
    assert said.code == 4
    assert {each["key"]: each["result"] for each in said.json["outcomes"]} == {key_of(3): "drifted", key_of(4): "done"}


def test_a_portal_that_cannot_be_reached_is_said_and_nobody_changes(acme: Rollcall, portal: ScimServer) -> None:
    plan = acme.preview()
    acme.call("approve", plan["plan"], by=ADMIN).fine()
    portal.__exit__(None, None, None)
    assert "Skillcast" in acme.call("process", plan["plan"]).complaint(1)
    assert "Skillcast" in acme.call("preview", STAFF).complaint(1)


def test_a_run_that_wrote_nothing_overtakes_no_plan(acme: Rollcall, hibob: TinyHiBob, portal: ScimServer) -> None:
    acme.sync()
    for number in (41, 42):
        hibob.join(number)
    waiting, plan = acme.preview()["plan"], acme.preview()["plan"]
    acme.call("approve", plan, "--leave-out", key_of(41), by=ADMIN).fine()
    portal.__exit__(None, None, None)
    # Who is left out is journalled first; then the portal is asked.
    acme.call("process", plan).complaint(1)
    assert acme.sql("SELECT result FROM outcomes WHERE key = ?", key_of(41)) == [("skipped",)]
    acme.call("approve", waiting, by=ADMIN).fine()


def refuses_some(numbers: range) -> Any:
    """The portal does not accept these people."""

    def twist(request: Request, following: Any) -> Any:
        if is_create(request) and any(f"person{number}@" in request.body["userName"] for number in numbers):
            return answers(400, scim_error(400, "department is not in the list", "invalidValue"))(request, following)
        return following(request)

    return twist


def test_a_failure_carries_the_servers_words_and_retry_failed_is_a_run_of_just_those(
    empty: Rollcall, hibob: TinyHiBob
) -> None:
    empty.environment["SCIM_TOKEN"] = TOKEN
    with ScimServer(refuses_some(range(2, 4)), bulk=False) as portal:
        empty.set_up(customer(hibob.base_url, portal_domain(portal))).fine()
        plan = empty.preview()
        run = empty.approve_and_process(plan)
        failed = [each for each in run["outcomes"] if each["result"] == "failed"]
        assert sorted(keys(failed)) == [key_of(2), key_of(3)]
        assert all("department is not in the list" in each["message"] for each in failed)
        portal.twists = []
        retried = empty.call("process", plan["plan"], "--retry-failed", "--json").fine().json
        assert sorted(keys(retried["outcomes"])) == [key_of(2), key_of(3)]
        assert links(portal) == [key_of(number) for number in range(1, 31)]


def test_a_run_in_which_a_tenth_fails_for_one_cause_stops_early_and_says_so(empty: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(31, 351):
        hibob.join(number)
    empty.environment["SCIM_TOKEN"] = TOKEN
    with ScimServer(refuses_some(range(1, 90)), bulk=False) as portal:
        empty.set_up(customer(hibob.base_url, portal_domain(portal))).fine()
        plan = empty.preview()
        empty.call("approve", plan["plan"], by=ADMIN).fine()
        said = empty.call("process", plan["plan"], "--json")
        assert (said.code, said.json["status"]) == (4, "stopped")
        assert sum(said.json["counts"].values()) < 350
        event = next(each for each in empty.history() if each["what"] == "run stopped")
        assert "Stopped early" in event["details"]["why"]
        portal.twists = []
        resumed = empty.call("process", plan["plan"], "--json")
        assert resumed.json["run"] == said.json["run"]
        assert resumed.json["status"] == "partial"
        empty.call("process", plan["plan"], "--retry-failed", "--json").fine()
        assert len(links(portal)) == 350


def test_when_everybody_was_tried_nothing_is_stopped_early_and_who_failed_is_retried_as_often_as_it_takes(
    empty: Rollcall, hibob: TinyHiBob
) -> None:
    empty.environment["SCIM_TOKEN"] = TOKEN
    with ScimServer(refuses_some(range(2, 6)), bulk=False) as portal:
        empty.set_up(customer(hibob.base_url, portal_domain(portal))).fine()
        plan = empty.preview()
        run = empty.approve_and_process(plan)
        assert (run["status"], run["counts"]["failed"]) == ("partial", 4)
        again = empty.call("process", plan["plan"], "--retry-failed", "--json").json
        assert (again["status"], again["counts"]["failed"]) == ("partial", 4)
        portal.twists = []
        empty.call("process", plan["plan"], "--retry-failed", "--json").fine()
        assert links(portal) == [key_of(number) for number in range(1, 31)]


def test_a_portal_with_several_domains_moves_a_user_between_them(
    empty: Rollcall, hibob: TinyHiBob, portal: ScimServer
) -> None:
    empty.environment["SCIM_TOKEN"] = TOKEN
    place = f"{PORTAL}:domain"
    board = portal_domain(
        portal,
        name="board",
        domain_attribute=place,
        scope=[{"rule": "include", "column": "work.site", "is": ["Nowhere"]}],
    )
    empty.set_up(customer(hibob.base_url, portal_domain(portal, domain_attribute=place), board)).fine()
    empty.sync()
    empty.preview("Acme/board")
    hibob.forget(5)
    plan = empty.preview()
    key = keys(plan["changes"], "archive")[0]
    moving = empty.call("decide", plan["plan"], "--move", f"{key}=board", "--json", by=ADMIN).fine().json
    assert empty.approve_and_process(moving)["status"] == "done"
    assert len(empty.users()) == 29
    moved = empty.users("Acme/board")
    assert [(f"user:{each['id']}", each["status"]) for each in moved] == [(key, "Live")]


def test_moving_is_not_offered_where_the_whole_server_is_one_domain(
    empty: Rollcall, hibob: TinyHiBob, portal: ScimServer
) -> None:
    empty.environment["SCIM_TOKEN"] = TOKEN
    empty.set_up(customer(hibob.base_url, portal_domain(portal), domain(name="local"))).fine()
    empty.sync()
    hibob.forget(5)
    plan = empty.preview()
    key = keys(plan["changes"], "archive")[0]
    assert "Keep them active" in empty.call("decide", plan["plan"], "--move", f"{key}=local", by=ADMIN).complaint(3)


def test_pages_never_call_the_portal(acme: Rollcall, portal: ScimServer) -> None:
    from provisioning.workflow import explaining, looking
    from provisioning.workflow.house import Workspace, member

    acme.sync()
    portal.forget()
    house = Workspace(acme.data, acme.environment, member(ADMIN))
    found, count = looking.users_seen(house, STAFF, "", 50, 0)
    assert (len(found), count) == (30, 30)
    assert looking.standing(house, STAFF).users == {"Live": 30, "Archived": 0}
    explaining.explain(house, STAFF, key_of(3))
    house.db.close()
    assert portal.requests == []


def test_the_token_stays_secret(acme: Rollcall) -> None:
    acme.sync()
    assert TOKEN.encode() not in acme.written()
    assert TOKEN not in acme.call("export", "Acme").out
    assert TOKEN not in str(acme.history())


def test_a_portals_users_are_archived_before_its_domain_leaves_and_the_token_goes(
    acme: Rollcall, portal: ScimServer
) -> None:
    acme.sync()
    assert acme.call("offboard", STAFF, "--users", "archive", by=ADMIN).code == 3
    plan = acme.history()[0]["plan"]
    overrides = ("--override", "limit-archive=they leave", "--override", "limit-archive-7-days=they leave")
    acme.call("approve", plan, *overrides, by=ADMIN).fine()
    acme.call("process", plan).fine()
    assert [each["active"] for each in portal.everybody] == [False] * 30
    acme.call("offboard", STAFF, "--users", "archive", by=ADMIN).fine()
    assert acme.sql("SELECT owner FROM secrets") == [("connection:1",)]
    assert links(portal) == [key_of(number) for number in range(1, 31)]
