"""Reading everybody: a read is proved complete, or it is an error and nobody changes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim_servers import NAMES, ScimServer, Times, adds, bring_about, directory, key

from provisioning.errors import TargetError
from provisioning.target.scim_client import Reply
from provisioning.target.scim_reading import READS, FilterRefused, read_all, user_id
from provisioning.workflow.directories import KeptDirectory

Answering = Callable[[int, int, int], dict[str, Any]]
"""What a server gives for start, count and the number of the request."""


def people(count: int) -> list[dict[str, Any]]:
    return [{"id": f"u{number}"} for number in range(count)]


def page(everybody: list[dict[str, Any]], start: int, count: int, total: object = None) -> dict[str, Any]:
    listed = everybody[start - 1 : start - 1 + count]
    return {"totalResults": len(everybody) if total is None else total, "Resources": listed}


def read(answering: Answering, count: int = 3) -> tuple[list[str], int]:
    """The ids that a read gives, and how many requests it took."""
    asked: list[Mapping[str, str]] = []

    def fetch(query: Mapping[str, str]) -> Reply:
        asked.append(query)
        return Reply(200, answering(int(query["startIndex"]), int(query["count"]), len(asked)))

    return read_all(fetch, user_id, page=count), len(asked)


def refusal(answering: Answering, count: int = 3) -> str:
    with pytest.raises(TargetError) as problem:
        read(answering, count)
    return str(problem.value)


@given(st.integers(0, 25), st.integers(1, 9), st.integers(1, 9))
def test_everybody_is_read_once_in_order_whatever_the_server_allows(size: int, asked: int, most: int) -> None:
    everybody = people(size)
    found, _ = read(lambda start, count, _: page(everybody, start, min(count, most)), asked)
    assert found == [each["id"] for each in everybody]


def test_a_page_that_shrinks_on_the_way_is_no_problem() -> None:
    found, _ = read(lambda start, count, number: page(people(10), start, max(1, count - number)), 5)
    assert len(found) == 10


def test_numbers_as_text_and_other_letter_case_are_read() -> None:
    found, _ = read(lambda start, count, _: {"TotalResults": "2", "resources": [{"ID": 7}, {"Id": "8"}][start - 1 :]})
    assert found == ["7", "8"]


def test_nobody_is_a_complete_answer_too() -> None:
    assert read(lambda *_: {"totalResults": 0}) == ([], 1)


# --- not proved complete ----------------------------------------------------------------------------------


def test_somebody_removed_while_reading_is_noticed_and_the_read_made_anew() -> None:
    """Without a look back, the one who moved up would be missed."""
    before, after = people(7), [each for each in people(7) if each["id"] != "u1"] + [{"id": "u7"}]
    found, requests = read(lambda start, count, number: page(before if number == 1 else after, start, count))
    assert found == [each["id"] for each in after]
    assert requests > 4


def test_somebody_added_at_the_front_is_noticed_and_the_read_made_anew() -> None:
    before, after = people(7), [{"id": "new"}, *people(6)]
    found, _ = read(lambda start, count, number: page(before if number == 1 else after, start, count))
    assert found == [each["id"] for each in after]


def test_a_number_of_users_that_changes_is_noticed() -> None:
    message = refusal(lambda start, count, number: page(people(9 + number), start, count))
    assert "there were" in message
    assert "Nobody is taken for gone" in message


def test_an_order_that_changes_with_every_request_is_no_proof() -> None:
    def shuffled(start: int, count: int, number: int) -> dict[str, Any]:
        everybody = people(7)
        return page(everybody[number % 7 :] + everybody[: number % 7], start, count)

    assert "do not fit together" in refusal(shuffled)


def test_a_server_that_always_gives_the_first_page_is_noticed() -> None:
    assert "do not fit together" in refusal(lambda start, count, _: page(people(7), 1, count))


def test_a_user_who_comes_twice_is_noticed() -> None:
    assert "came twice" in refusal(lambda *_: {"totalResults": 3, "Resources": [{"id": "a"}, {"id": "b"}, {"id": "a"}]})


@pytest.mark.parametrize("total", [4, 6, "9"])
def test_fewer_or_more_users_than_announced_are_no_complete_read(total: object) -> None:
    def answering(start: int, count: int, _: int) -> dict[str, Any]:
        return page(people(5), start, count, total)

    assert f"there are {total} users and gives" in refusal(answering, 10)


def test_a_server_that_takes_the_length_of_a_page_for_the_number_of_all_is_noticed() -> None:
    def answering(start: int, count: int, _: int) -> dict[str, Any]:
        listed = people(9)[start - 1 : start - 1 + count]
        return {"totalResults": len(listed), "Resources": listed}

    assert "it says that there are 3 users and has more" in refusal(answering)


def test_a_server_that_knows_no_pages_and_gives_everybody_is_read() -> None:
    found, _ = read(lambda *_: page(people(7), 1, 100))
    assert len(found) == 7


def test_it_is_read_three_times_before_it_is_an_error() -> None:
    requests = []

    def answering(start: int, count: int, number: int) -> dict[str, Any]:
        requests.append(start)
        return {"totalResults": 2, "Resources": [{"id": "a"}] if start == 1 else []}

    refusal(answering)
    assert requests == [1, 2] * READS


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({}, "totalResults"),
        ({"Resources": []}, "totalResults"),
        ({"totalResults": None, "Resources": []}, "totalResults"),
        ({"totalResults": "many", "Resources": []}, "totalResults"),
        ({"totalResults": -1, "Resources": []}, "totalResults"),
        ({"totalResults": 1, "Resources": {"id": "a"}}, "list of users"),
        ({"totalResults": 1, "Resources": ["a"]}, "list of users"),
        ({"totalResults": 1, "Resources": [{"userName": "a"}]}, "without an id"),
        ({"totalResults": 1, "Resources": [{"id": ""}]}, "without an id"),
    ],
)
def test_an_answer_that_is_no_list_of_users_leads_to_the_base_url(answer: dict[str, Any], says: str) -> None:
    message = refusal(lambda *_: answer)
    assert says in message
    assert "base URL" in message


@pytest.mark.parametrize(
    ("status", "says"), [(403, "Whoever runs the portal"), (404, "base URL"), (400, "attribute paths")]
)
def test_a_refused_read_says_who_acts(status: int, says: str) -> None:
    with pytest.raises(TargetError, match=says):
        read_all(lambda query: Reply(status, None), user_id)


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_a_refused_filter_is_told_apart_from_a_refused_read(status: int) -> None:
    with pytest.raises(FilterRefused):
        read_all(lambda query: Reply(status, None), user_id, search='userName eq "a"')


# --- against scim2-server ---------------------------------------------------------------------------------


def test_users_are_columns_in_the_order_of_their_ids() -> None:
    with ScimServer() as portal, directory(portal) as there:
        user = portal.add(userName="a@acme.example", externalId=key(1), active=False)
        users = there.users(NAMES)
    assert users.ids.to_pylist() == [user]
    assert users.external_ids.to_pylist() == [key(1)]
    assert users.statuses.to_pylist() == ["Archived"]
    assert list(users.attributes) == list(NAMES)
    assert {name: column.to_pylist() for name, column in users.attributes.items() if column.to_pylist() != [""]} == {
        "userName": ["a@acme.example"]
    }
    assert users.versions is not None
    assert users.versions.to_pylist()[0].startswith("W/")


def test_who_is_removed_while_scim2_server_is_read_leads_to_another_read() -> None:
    with ScimServer(most_results=3) as portal, directory(portal) as there:
        bring_about(there, adds(8))
        first = there.users(NAMES).ids.to_pylist()

        def removes(request: Any, following: Any) -> Any:
            portal.serve(type(request)("DELETE", f"/v2/Users/{first[0]}", {}, request.headers, None))
            return following(request)

        portal.twists = [Times(removes, lambda request: request.path.endswith("/Users"), first=2)]
        assert there.users(NAMES).ids.to_pylist() == first[1:]


def test_a_manager_outside_the_domain_keeps_their_id() -> None:
    manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    with ScimServer() as portal, directory(portal) as there:
        portal.add(userName="a@acme.example", **{manager: {"manager": {"value": "somebody-else"}}})
        assert there.users(NAMES).attributes[f"{manager}:manager.value"].to_pylist() == ["somebody-else"]


def test_users_are_found_by_a_part_of_any_value() -> None:
    with ScimServer() as portal, directory(portal) as there:
        bring_about(there, adds(12))
        kept = KeptDirectory(there.users(NAMES))
        found, many = kept.find("p1", 2, 1)
        assert (len(found), many) == (2, 4)
        assert [link for _, link, _, _ in kept.find("7 o’neill", 10, 0)[0]] == [key(7)]
        assert kept.find(key(3), 10, 0)[1] == 1
        assert kept.find("", 5, 10)[1] == 12
        assert there.live() == 12
