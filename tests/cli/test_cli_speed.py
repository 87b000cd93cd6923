"""How long a run will take stands in the preview, and how fast it was in its summary, for people; JSON keeps its keys."""

import re

from driver import ADMIN, STAFF, Rollcall, customer, domain
from scim_servers import EMAIL, TOKEN, ScimServer, Times, answers, is_write
from tiny_hibob import TinyHiBob


def approved(house: Rollcall) -> str:
    plan: str = house.preview()["plan"]
    house.call("approve", plan, by=ADMIN).fine()
    return plan


def test_a_first_preview_is_a_guess_and_the_next_by_what_was_measured(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.set_up(customer(hibob.base_url)).fine()
    first = empty.call("preview", STAFF).fine().out
    assert "takes less than a minute. That is a guess until" in first
    said = empty.call("process", approved(empty)).fine().out
    assert re.search(r"30 changes in (less than a second|\d+\.\d s, [\d,.]+ a second)\n", said)
    ((people, requests, allowed),) = empty.sql("SELECT people, requests, allowed FROM run_speeds")
    assert (people, requests, allowed) == (30, 0, None)
    hibob.join(41)
    assert "going by an earlier run of this domain" in empty.call("preview", STAFF).fine().out
    plan = empty.preview()["plan"]
    assert "going by an earlier run of this domain" in empty.call("plan", plan).fine().out


def test_a_small_run_measures_nothing_for_the_next(empty: Rollcall, hibob: TinyHiBob) -> None:
    for number in range(4, 31):
        hibob.forget(number)
    empty.set_up(customer(hibob.base_url)).fine()
    empty.sync()
    hibob.join(41)
    assert "That is a guess until" in empty.call("preview", STAFF).fine().out


def test_a_preview_without_changes_forecasts_nothing(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.set_up(customer(hibob.base_url)).fine()
    empty.sync()
    assert "Processing" not in empty.call("preview", STAFF).fine().out


def test_json_keeps_its_keys(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.set_up(customer(hibob.base_url)).fine()
    plan = empty.preview()
    assert set(plan) == {"plan", "domain", "digest", "status", "counts", "findings", "changes", "held"}
    empty.call("approve", plan["plan"], by=ADMIN).fine()
    assert set(empty.call("process", plan["plan"], "--json").fine().json) == {
        "run",
        "plan",
        "status",
        "counts",
        "outcomes",
    }


def test_a_run_into_a_portal_says_what_share_of_the_allowed_rate_it_reached(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.environment["SCIM_TOKEN"] = TOKEN
    limit = Times(answers(429, None, Retry_After="1"), is_write, first=10, count=1)
    with ScimServer(limit, bulk=False) as portal:
        target = {"scim": portal.base_url, "token": {"env": "SCIM_TOKEN"}}
        attributes = [
            {"name": "userName", "data_feed_name": "root.email", "required": True},
            {"name": EMAIL, "data_feed_name": "root.email"},
            {"name": "name.givenName", "data_feed_name": "root.firstName"},
            {"name": "name.familyName", "data_feed_name": "root.surname"},
        ]
        empty.set_up(customer(hibob.base_url, domain(*attributes, unique_identifier="userName", target=target))).fine()
        assert "That is a guess until" in empty.call("preview", STAFF).fine().out
        said = empty.call("process", approved(empty))
        ((requests, allowed),) = empty.sql("SELECT requests, allowed FROM run_speeds")
    assert re.search(r"30 changes in .* requests a second.* portal.* allows", said.out)
    assert (said.code, "asks us to wait" in said.err) == (0, True)
    assert requests >= 30
    assert allowed > 0
