"""What is said to a SCIM server, what is tried again, what must be looked at, and what stays secret. And how long one
waits, for whom."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Lock

import pytest
from scim_servers import (
    TOKEN,
    ScimServer,
    Times,
    adds,
    answers,
    bring_about,
    directory,
    is_write,
    key,
    scim_error,
)
from scim_servers import Journal as Outcomes
from servers import HANG_UP, RESET, SILENCE, Fault, LoneServer, answer

from provisioning.errors import SettingsError, TargetError
from provisioning.http import Timeout
from provisioning.target import Stopped
from provisioning.target.scim_client import Lost, Reply, ScimClient, Throttled
from provisioning.target.scim_pace import GROWS_AFTER, MOST_THROTTLED, Pace

USERS = json.dumps({"totalResults": 0, "Resources": []})
PAGE = "<!DOCTYPE html><html><body>Log in</body></html>"
WHO = "nora@acme.example"


def client(server: LoneServer, token: str = TOKEN, timeout: float = 30.0) -> ScimClient:
    return ScimClient(server.base_url, token, timeout=Timeout(timeout), first_wait=0.0)


def get(*script: bytes | Fault, timeout: float = 30.0) -> tuple[Reply | Exception, int]:
    with LoneServer(*script) as server, client(server, timeout=timeout) as scim:
        try:
            found: Reply | Exception = scim.get("/Users", {"filter": f'userName eq "{WHO}"'})
        except (TargetError, Throttled) as problem:
            found = problem
        return found, len(server.requests)


def send(*script: bytes | Fault, timeout: float = 30.0) -> tuple[Reply | Exception, int]:
    with LoneServer(*script) as server, client(server, timeout=timeout) as scim:
        try:
            found: Reply | Exception = scim.send("POST", "/Users", {"userName": WHO})
        except (TargetError, Throttled, Lost) as problem:
            found = problem
        return found, len(server.requests)


def test_a_write_carries_the_token_the_media_type_and_the_etag() -> None:
    with LoneServer(answer("{}")) as server, client(server) as scim:
        scim.send("PATCH", "/Users/1", {"a": "ö"}, 'W/"7"')
        (request,) = server.requests
    assert (request.method, request.path) == ("PATCH", "/v1/Users/1")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/scim+json"
    assert "application/scim+json" in request.headers["accept"]
    assert request.headers["if-match"] == 'W/"7"'
    assert json.loads(request.body) == {"a": "ö"}


@pytest.mark.parametrize("kind", ["application/scim+json; charset=utf-8", "application/json", "text/plain", None])
def test_json_is_taken_whatever_it_is_called(kind: str | None) -> None:
    found, _ = get(answer(USERS, content_type=kind, etag='W/"1"'))
    assert isinstance(found, Reply)
    assert (found.body, found.version) == (json.loads(USERS), 'W/"1"')


PASSING: dict[str, bytes | Fault] = {
    "500": answer("", 500),
    "502": answer(PAGE, 502, "text/html"),
    "503": answer("", 503),
    "504": answer("", 504),
    "closed": HANG_UP,
    "reset": RESET,
    "truncated": answer(USERS)[:-4],
    "half a JSON": answer(USERS[:-4]),
    "a page": answer(PAGE, content_type="text/html"),
    "nothing": answer(""),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_read_that_failed_in_passing_is_tried_again(fault: bytes | Fault) -> None:
    found, requests = get(fault, fault, answer(USERS))
    assert isinstance(found, Reply)
    assert requests == 3


def test_an_answer_that_cannot_be_unpacked_is_not_taken_for_a_broken_connection() -> None:
    found, _ = get(answer("no gzip at all", content_encoding="gzip"))
    assert isinstance(found, TargetError)
    assert "compressed" in str(found)
    assert isinstance(send(answer("no gzip at all", content_encoding="gzip"))[0], Lost)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_read_that_keeps_failing_is_told_without_naming_anybody(fault: bytes | Fault) -> None:
    found, requests = get(fault)
    assert isinstance(found, TargetError)
    assert requests == 5
    assert "GET /Users" in str(found)
    assert WHO not in str(found)
    assert TOKEN not in str(found)


@pytest.mark.parametrize("fault", [each for name, each in PASSING.items() if name != "nothing"])
def test_a_write_is_sent_once_and_what_became_of_it_is_not_known(fault: bytes | Fault) -> None:
    found, requests = send(fault, answer("{}"))
    assert isinstance(found, Lost)
    assert requests == 1
    assert WHO not in str(found)


def test_a_write_that_is_not_answered_in_time_is_lost_and_a_read_tried_again() -> None:
    assert isinstance(send(SILENCE, answer("{}"), timeout=0.2)[0], Lost)
    assert get(SILENCE, answer(USERS), timeout=0.5)[1] == 2


def test_nobody_there_is_unreachable_for_reads_and_writes() -> None:
    with LoneServer(answer(USERS)) as server:
        pass
    with client(server) as scim:
        with pytest.raises(TargetError, match="cannot be reached"):
            scim.get("/Users")
        with pytest.raises(TargetError, match="cannot be reached"):
            scim.send("POST", "/Users", {})


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 501])
def test_other_refusals_are_replies(status: int) -> None:
    found, requests = send(answer(json.dumps(scim_error(status, "No.")), status))
    assert isinstance(found, Reply)
    assert (found.status, found.ok, requests) == (status, False, 1)


def test_a_redirect_is_not_followed_and_the_token_does_not_travel() -> None:
    with LoneServer(answer(USERS)) as elsewhere:
        found, _ = get(answer("", 302, None, location=f"{elsewhere.base_url}/Users"))
        assert elsewhere.requests == []
    assert "redirect" in str(found)


@pytest.mark.parametrize("ask", [get, send])
def test_a_refused_token_is_about_everybody_and_leads_to_who_renews_it(ask: object) -> None:
    told = answer(json.dumps(scim_error(401, f"Bearer {TOKEN} has expired")), 401)
    found, requests = ask(told)  # type: ignore[operator]
    assert isinstance(found, TargetError)
    assert requests == 1
    assert "renews it" in str(found)
    assert "has expired" in str(found)
    assert TOKEN not in str(found)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "naïve"])
def test_what_cannot_be_a_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(SettingsError) as problem:
        ScimClient("https://acme.skillcast.io/scim", token)
    assert not token or token not in str(problem.value)


def test_no_log_or_representation_holds_the_token_or_a_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with LoneServer(answer(USERS)) as server, client(server) as scim:
        scim.get("/Users", {"filter": f'userName eq "{WHO}"'})
        shown = repr(scim) + repr(vars(scim)["_http"])
    logged = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert TOKEN not in shown + logged


# --- waiting ----------------------------------------------------------------------------------------------


def in_two_minutes() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("ask", [get, send])
def test_a_server_that_asks_to_wait_is_not_asked_again_at_once(ask: object, status: int) -> None:
    found, requests = ask(answer("", status, retry_after="120"), answer(USERS))  # type: ignore[operator]
    assert isinstance(found, Throttled)
    assert (found.wait, requests) == (120.0, 1)


class Clock:
    """Sleeps without sleeping; remembers how long."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.told: list[datetime] = []
        self._lock = Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept += seconds


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("said", [lambda: "120", in_two_minutes, lambda: None], ids=["seconds", "date", "nothing"])
def test_a_rate_limit_in_the_middle_is_waited_for_and_nobody_is_lost(
    bulk: bool, said: Callable[[], str | None]
) -> None:
    clock, after = Clock(), said()
    headers = {"retry_after": after} if after else {}
    limit = Times(answers(429, None, **headers), is_write, first=2, count=2)
    with (
        ScimServer(limit, bulk=bulk) as portal,
        directory(portal, sleep=clock.sleep, waiting=clock.told.append) as there,
    ):
        journal = Outcomes()
        for start in range(0, 12, 4):
            there.ensure(adds(12)[start : start + 4], journal)
        assert journal.results == ["done"] * 12
        assert len(portal.everybody) == 12
    assert clock.told
    assert all(until <= datetime.now(UTC) + timedelta(seconds=121) for until in clock.told)
    assert clock.slept >= (100 if after else 1)


def test_reading_waits_as_well() -> None:
    clock = Clock()
    limit = Times(answers(429, None, retry_after="60"), lambda request: request.path.endswith("/Users"))
    with ScimServer(limit) as portal, directory(portal, sleep=clock.sleep) as there:
        assert len(there.users(["userName"])) == 0
    assert clock.slept == 60.0


def test_a_wait_can_be_stopped_and_the_run_gone_on_with() -> None:
    limit = Times(answers(429, None, retry_after="600"), is_write, first=3, count=100)
    with ScimServer(limit, bulk=False) as portal:
        journal = Outcomes()
        with directory(portal, stop=lambda: True) as there, pytest.raises(Stopped):
            there.ensure(adds(8), journal)
        assert len(journal.outcomes) == len(portal.everybody) == 2
        portal.twists = []
        done = {each.key for each in journal.outcomes}
        with directory(portal) as there:
            there.ensure([each for each in adds(8) if each.key not in done], journal)
        assert sorted(each.key for each in journal.outcomes) == [key(number) for number in range(1, 9)]
        assert len(portal.everybody) == 8


def test_a_wait_of_hours_ends_the_run_and_says_until_when() -> None:
    with (
        ScimServer(Times(answers(429, None, retry_after="7200"), is_write, count=100)) as portal,
        directory(portal) as there,
        pytest.raises(TargetError, match="rate limit"),
    ):
        there.ensure(adds(1), Outcomes())


def throttled(times: int, wait: float | None = None) -> object:
    left = [times]

    def call() -> str:
        if left[0]:
            left[0] -= 1
            raise Throttled(wait)
        return "done"

    return call


def test_without_a_word_each_wait_is_twice_the_last_up_to_a_minute() -> None:
    clock, told = Clock(), []

    def waiting(until: datetime) -> None:
        told.append(round((until - datetime.now(UTC)).total_seconds()))

    assert Pace(waiting=waiting, sleep=clock.sleep).once(throttled(8)) == "done"  # type: ignore[arg-type]
    assert told == [1, 2, 4, 8, 16, 32, 60, 60]


def test_whoever_only_reads_does_not_wait_for_an_hour() -> None:
    def asked_to_wait() -> str:
        raise Throttled(600)

    with pytest.raises(TargetError, match=r"asks to wait until .* Nothing is lost: try again then"):
        Pace(patience=300, sleep=lambda seconds: None).once(asked_to_wait)


def test_a_server_that_never_lets_anything_through_is_given_up_on() -> None:
    pace = Pace(sleep=lambda seconds: None)
    with pytest.raises(TargetError, match="rate limit"):
        pace.once(throttled(MOST_THROTTLED + 1, 1.0))  # type: ignore[arg-type]


def test_a_rate_limit_halves_what_goes_side_by_side_and_success_brings_it_back() -> None:
    pace = Pace(width=8, sleep=lambda seconds: None)
    widths = []
    for _ in range(4):
        pace.once(throttled(1))  # type: ignore[arg-type]
        widths.append(pace.width)
    for _ in range(3 * GROWS_AFTER):
        pace.once(lambda: None)
    assert widths == [4, 2, 1, 1]
    assert pace.width == 4


def test_no_more_calls_go_side_by_side_than_allowed() -> None:
    lock, now, most = Lock(), [0], [0]

    def work(item: int) -> int:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        with lock:
            now[0] -= 1
        return item

    found = Pace(width=3).run(range(200), work)
    assert found.results == {number: number for number in range(200)}
    assert most[0] <= 3


def test_nothing_new_is_begun_after_the_server_as_a_whole_failed() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 0:
            raise TargetError("gone")
        return item

    found = Pace(width=2).run(range(100_000), work)
    assert str(found.error) == "gone"
    assert len(begun) < 100_000
    assert set(found.results) == set(begun) - {0}


def test_who_is_done_in_a_chunk_is_journalled_before_the_error_is_raised() -> None:
    gone = Times(answers(401), is_write, first=3, count=100)
    with ScimServer(gone, bulk=False) as portal, directory(portal) as there:
        journal = Outcomes()
        with pytest.raises(TargetError):
            there.ensure(adds(20), journal)
        assert journal.results == ["done", "done"]
        assert sorted(each.key for each in journal.outcomes) == [each["externalId"] for each in portal.everybody]


def test_bring_about_means_the_second_pass_too() -> None:
    with ScimServer() as portal, directory(portal) as there:
        assert bring_about(there, []).outcomes == []
        assert portal.writes == []
