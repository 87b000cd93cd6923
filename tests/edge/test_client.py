"""What is said to HiBob, what is tried again, and what a refusal tells the person who must act."""

import gzip
import json
import logging
import zlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from servers import HANG_UP, RESET, SILENCE, Fault, LoneServer, answer

from provisioning import http as http_module
from provisioning.errors import SourceError
from provisioning.sandbox import Sandbox
from provisioning.source.client import HiBobClient

USER, TOKEN = "SERVICE-4711", "tok3n:with/öddities"
BASIC = b64encode(f"{USER}:{TOKEN}".encode()).decode()
SPOKEN = "what the neighbour says about Nora"
ERROR_BODIES = (
    json.dumps({"key": "k", "error": SPOKEN, "args": {}}),
    json.dumps({"error": "Error", "message": SPOKEN, "statusCode": 400, "timestamp": "2026-11-22T14:05:00"}),
    json.dumps({"errorMessage": SPOKEN}),
    json.dumps({"errors": {"/fields": {"error": "expected.jsarray", "message": SPOKEN}}}),
    "",
)
PEOPLE = '{"employees": []}'
MOST_REQUESTS = 6
TRIED_AGAIN = (429, 500, 502, 503, 504)
NEVER_SHORT = timedelta(hours=1)


def client(base_url: str, *, token: str = TOKEN, timeout: float = 30.0) -> HiBobClient:
    return HiBobClient(base_url, USER, token, first_wait=0.0, timeout=httpx.Timeout(timeout))


def search(*script: bytes | Fault, timeout: float = 30.0) -> tuple[bytes | SourceError, int]:
    """What a search gave, or how it failed, and how many requests it took."""
    with LoneServer(*script) as server, client(server.base_url, timeout=timeout) as hibob:
        try:
            found: bytes | SourceError = hibob.search(["root.id"])
        except SourceError as problem:
            found = problem
        return found, len(server.requests)


def refusal(*script: bytes | Fault, timeout: float = 30.0) -> tuple[str, int]:
    found, requests = search(*script, timeout=timeout)
    assert isinstance(found, SourceError), found
    return str(found), requests


def assert_keeps_secrets(text: str) -> None:
    for secret in (TOKEN, USER, BASIC, SPOKEN, "Nora"):
        assert secret not in text


# --- what is asked ----------------------------------------------------------------------------------------


def test_a_search_asks_for_both_forms_of_the_fields_and_for_inactive_people_too() -> None:
    with LoneServer(answer(PEOPLE)) as server, client(server.base_url) as hibob:
        assert hibob.search(["root.id", "work.department"]) == PEOPLE.encode()
        (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/people/search")
    assert request.headers["authorization"] == f"Basic {BASIC}"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "fields": ["root.id", "work.department"],
        "humanReadable": "APPEND",
        "showInactive": True,
    }


def test_a_search_can_be_for_active_people_alone() -> None:
    with LoneServer(answer(PEOPLE)) as server, client(server.base_url) as hibob:
        hibob.search(["root.id"], inactive=False)
        assert json.loads(server.requests[0].body)["showInactive"] is False


def test_the_metadata_is_asked_for_without_a_body() -> None:
    with LoneServer(answer("[]")) as server, client(server.base_url + "/") as hibob:
        assert hibob.fields() == b"[]"
        (request,) = server.requests
    assert (request.method, request.path, request.body) == ("GET", "/v1/company/people/fields", b"")


@pytest.mark.parametrize("kind", ["application/json", "application/json;charset=utf-8", "Application/JSON ; x=y"])
def test_json_is_accepted_however_its_content_type_is_spelt(kind: str) -> None:
    assert search(answer(PEOPLE, content_type=kind)) == (PEOPLE.encode(), 1)


# --- what is refused at once ------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ERROR_BODIES)
@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 418])
def test_a_refusal_is_never_tried_again_and_names_call_status_and_remedy(status: int, body: str) -> None:
    message, requests = refusal(answer(body, status), answer(PEOPLE))
    assert requests == 1
    assert "POST /people/search" in message
    assert str(status) in message
    remedy = {400: "column names", 403: "permission group"}.get(status, "base URL")
    assert remedy in message
    assert_keeps_secrets(message)


@pytest.mark.parametrize("kind", ["application/json", None])
def test_a_401_without_body_is_about_the_credentials(kind: str | None) -> None:
    message, requests = refusal(answer("", 401, kind, x_ratelimit_limit="50"), answer(PEOPLE))
    assert requests == 1
    assert "401" in message
    assert "credentials" in message
    assert "id and token" in message
    assert_keeps_secrets(message)


def test_a_401_with_an_error_message_is_about_permissions_and_not_the_credentials() -> None:
    body = json.dumps({"errorMessage": f"No permissions to {SPOKEN}"})
    message, requests = refusal(answer(body, 401), answer(PEOPLE))
    assert requests == 1
    assert "401" in message
    assert "permission group" in message
    assert "credentials" not in message
    assert_keeps_secrets(message)


def test_a_login_page_with_status_200_is_no_answer() -> None:
    page = f"<!DOCTYPE html><html><body>{SPOKEN}</body></html>"
    message, requests = refusal(answer(page, content_type="text/html; charset=utf-8"), answer(PEOPLE))
    assert requests == 1
    assert "web page" in message
    assert "base URL" in message
    assert_keeps_secrets(message)


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "text/csv", "", None, "jsonish"])
def test_a_200_of_another_content_type_is_no_answer_even_if_it_holds_json(kind: str | None) -> None:
    message, requests = refusal(answer(PEOPLE, content_type=kind), answer(PEOPLE))
    assert requests == 1
    assert "instead of data" in message
    assert "base URL" in message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_credentials_do_not_travel(status: int) -> None:
    with LoneServer(answer(PEOPLE)) as elsewhere:
        leads = f"{elsewhere.base_url}/people/search?seen={SPOKEN}"
        message, requests = refusal(answer("", status, None, location=leads))
        assert (requests, elsewhere.requests) == (1, [])
    assert "redirect" in message
    assert str(status) in message
    assert "base URL" in message
    assert_keeps_secrets(message)


@pytest.mark.parametrize("status", [202, 204])
def test_an_answer_that_is_still_to_come_is_no_list_of_people(status: int) -> None:
    message, requests = refusal(answer("", status, None), answer(PEOPLE))
    assert requests == 1
    assert "POST /people/search" in message


def test_an_answer_that_cannot_be_decompressed_is_an_error_of_hibob() -> None:
    message, _ = refusal(answer("not gzip at all", content_encoding="gzip"))
    assert "POST /people/search" in message


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip"])
def test_an_answer_packed_in_a_way_that_nobody_asked_for_is_an_error_of_hibob(packing: str) -> None:
    message, requests = refusal(answer(PEOPLE, content_encoding=packing))
    assert (requests, "compressed" in message) == (1, True)


PACKED = gzip.compress(PEOPLE.encode())


@pytest.mark.parametrize("packing", ["gzip", "GZIP", "x-gzip"])
def test_a_packed_answer_is_unpacked(packing: str) -> None:
    assert search(answer(PACKED, content_encoding=packing)) == (PEOPLE.encode(), 1)


def test_an_answer_packed_by_zlib_is_unpacked() -> None:
    assert search(answer(zlib.compress(PEOPLE.encode()), content_encoding="deflate")) == (PEOPLE.encode(), 1)


@pytest.mark.parametrize("broken", [PACKED[:-4], PACKED[:12], PACKED + PACKED], ids=["end", "middle", "twice"])
def test_a_packed_answer_that_is_not_whole_is_a_broken_connection_although_its_length_is_right(broken: bytes) -> None:
    message, requests = refusal(answer(broken, content_encoding="gzip"))
    assert (requests, "not complete" in message) == (MOST_REQUESTS, True)


def test_an_answer_that_unpacks_to_fill_the_memory_is_stopped_and_not_asked_for_again() -> None:
    bomb = gzip.compress(bytes(200 << 20), 9)
    message, requests = refusal(answer(bomb, content_encoding="gzip"))
    assert (requests, "too large" in message) == (1, True)
    assert_keeps_secrets(message)


def test_a_large_answer_of_people_who_are_alike_is_no_bomb() -> None:
    body = (
        b'{"employees": [' + b",".join([b'{"id": "1", "work": {"department": null, "title": null}}'] * 20_000) + b"]}"
    )
    assert len(gzip.compress(body)) * http_module.DENSEST > len(body) / 2
    assert search(answer(gzip.compress(body), content_encoding="gzip")) == (body, 1)


def test_an_answer_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "LARGEST_ANSWER", 1 << 20)
    message, requests = refusal(answer(bytes(3 << 20)))
    assert (requests, "too large" in message) == (1, True)


def test_an_answer_that_drips_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "LONGEST_ANSWER", 0.0)
    message, requests = refusal(answer(PEOPLE))
    assert (requests, "still sending" in message) == (1, True)


# --- what is tried again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("failures", [1, 5])
@pytest.mark.parametrize("status", TRIED_AGAIN)
def test_a_passing_failure_is_tried_again_until_it_succeeds(status: int, failures: int) -> None:
    assert search(*[answer(SPOKEN, status)] * failures, answer(PEOPLE)) == (PEOPLE.encode(), failures + 1)


@pytest.mark.parametrize("status", TRIED_AGAIN)
def test_after_six_requests_the_failure_is_told(status: int) -> None:
    message, requests = refusal(*[answer(SPOKEN, status)] * MOST_REQUESTS, answer(PEOPLE))
    assert requests == MOST_REQUESTS
    assert str(status) in message
    assert "again" in message
    assert_keeps_secrets(message)


def test_a_used_up_rate_limit_is_called_so() -> None:
    message, _ = refusal(answer("", 429))
    assert "rate limit" in message


BROKEN = {
    "closed without an answer": HANG_UP,
    "reset": RESET,
    "cut off in the headers": answer(PEOPLE)[:30],
    "a body shorter than announced": answer(PEOPLE)[:-5],
    "chunks that break off": answer("", transfer_encoding="chunked").replace(b"Content-Length: 0\r\n", b"")
    + b"11\r\n{",
    "no HTTP at all": b"220 mail.example ESMTP\r\n\r\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_connection_is_tried_again(broken: bytes | Fault) -> None:
    assert search(broken, broken, answer(PEOPLE)) == (PEOPLE.encode(), 3)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_connection_that_keeps_breaking_is_told_after_six_requests(broken: bytes | Fault) -> None:
    message, requests = refusal(broken)
    assert requests == MOST_REQUESTS
    assert "broke" in message
    assert "Try again" in message
    assert_keeps_secrets(message)


def test_a_time_out_is_tried_again() -> None:
    assert search(SILENCE, answer(PEOPLE), timeout=0.5) == (PEOPLE.encode(), 2)


def test_an_answer_that_never_comes_is_told_after_six_requests() -> None:
    message, requests = refusal(SILENCE, timeout=0.2)
    assert requests == MOST_REQUESTS
    assert "in time" in message
    assert "Try again" in message


def test_a_host_that_nobody_listens_on_is_called_unreachable() -> None:
    with LoneServer(answer(PEOPLE)) as server:
        gone = server.base_url
    with client(gone) as hibob, pytest.raises(SourceError, match="cannot be reached") as problem:
        hibob.search(["root.id"])
    assert "base URL" in str(problem.value)


def test_different_failures_share_the_five_retries() -> None:
    script = [answer("", 503), RESET, answer("", 429), HANG_UP, answer("", 500), answer(PEOPLE)]
    assert search(*script) == (PEOPLE.encode(), MOST_REQUESTS)


def test_a_refusal_after_a_passing_failure_ends_it() -> None:
    message, requests = refusal(answer("", 503), answer("", 403), answer(PEOPLE))
    assert requests == 2
    assert "403" in message


@pytest.mark.parametrize("status", [501, 505, 507])
def test_another_server_error_is_not_tried_again(status: int) -> None:
    message, requests = refusal(answer("", status), answer(PEOPLE))
    assert requests == 1
    assert str(status) in message


# --- how long HiBob asks to wait --------------------------------------------------------------------------


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + NEVER_SHORT, usegmt=True)


@pytest.mark.parametrize("status", TRIED_AGAIN)
@pytest.mark.parametrize("after", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000"])
def test_a_retry_after_that_has_passed_is_no_wait(status: int, after: str) -> None:
    assert search(answer("", status, retry_after=after), answer(PEOPLE)) == (PEOPLE.encode(), 2)


@pytest.mark.parametrize("after", ["3600", in_an_hour()], ids=["seconds", "date"])
def test_nobody_is_asked_again_before_the_time_that_hibob_named(after: str) -> None:
    _, requests = refusal(answer("", 429, retry_after=after), answer(PEOPLE))
    assert requests == 1


@pytest.mark.parametrize(
    ("after", "told"), [("3600", "60 minutes"), ("86400", "24 hours"), ("9" * 400, "more than two days")]
)
def test_a_wait_that_is_too_long_for_us_is_told(after: str, told: str) -> None:
    message, requests = refusal(answer("", 429, retry_after=after), answer(PEOPLE))
    assert (requests, told in message) == (1, True)


def test_without_retry_after_the_reset_of_the_rate_limit_says_how_long() -> None:
    reset = (datetime.now(UTC) + NEVER_SHORT).timestamp()
    _, requests = refusal(answer("", 429, x_ratelimit_reset=f"{reset:.0f}"), answer(PEOPLE))
    assert requests == 1


def test_a_reset_that_has_passed_is_hardly_a_wait() -> None:
    assert search(answer("", 429, x_ratelimit_reset="1"), answer(PEOPLE)) == (PEOPLE.encode(), 2)


def test_retry_after_counts_more_than_the_reset() -> None:
    reset = (datetime.now(UTC) + NEVER_SHORT).timestamp()
    limited = answer("", 429, retry_after="0", x_ratelimit_reset=f"{reset:.0f}")
    assert search(limited, answer(PEOPLE)) == (PEOPLE.encode(), 2)


def test_the_reset_of_the_rate_limit_says_nothing_about_a_server_error() -> None:
    reset = (datetime.now(UTC) + NEVER_SHORT).timestamp()
    assert search(answer("", 503, x_ratelimit_reset=f"{reset:.0f}"), answer(PEOPLE)) == (PEOPLE.encode(), 2)


@pytest.mark.parametrize(
    "nonsense", ["soon", "-1", "1.5", "Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 40 Foo 2026", "Wed, 21 Oct 2015 7 +9999"]
)
def test_a_retry_after_that_means_nothing_is_as_good_as_none(nonsense: str) -> None:
    assert search(answer("", 429, retry_after=nonsense), answer(PEOPLE)) == (PEOPLE.encode(), 2)


@pytest.mark.parametrize("reset", ["later", "-5", "1.5"])
def test_a_reset_that_means_nothing_is_as_good_as_none(reset: str) -> None:
    assert search(answer("", 429, x_ratelimit_reset=reset), answer(PEOPLE)) == (PEOPLE.encode(), 2)


@pytest.mark.parametrize("failure", [answer("", 501), answer("", 503, retry_after="3600")], ids=["501", "503"])
def test_the_message_speaks_of_more_tries_only_when_there_were_some(failure: bytes) -> None:
    message, requests = refusal(failure)
    assert requests == 1
    assert "more tries" not in message


# --- what stays secret ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [answer(SPOKEN, 403), answer(SPOKEN, 503), RESET, answer(PEOPLE)],
    ids=["refused", "failed", "reset", "answered"],
)
def test_no_log_holds_the_credentials_or_the_answer(script: bytes | Fault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    search(script)
    assert caplog.records
    for record in caplog.records:
        assert_keeps_secrets(f"{record.getMessage()} {record.__dict__}")


def test_the_client_does_not_show_its_credentials() -> None:
    with client("http://127.0.0.1:9/v1") as hibob:
        assert_keeps_secrets(repr(hibob))


# --- against the stand-in ---------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(people=20, token=TOKEN) as running:
        yield running


def test_the_right_credentials_read_people_and_metadata(sandbox: Sandbox) -> None:
    with client(sandbox.base_url) as hibob:
        assert len(json.loads(hibob.search(["root.id"]))["employees"]) == len(sandbox.company.people)
        assert len(json.loads(hibob.fields())) == len(sandbox.company.fields)


def test_a_wrong_token_is_refused_without_being_named(sandbox: Sandbox) -> None:
    with client(sandbox.base_url, token="another") as hibob, pytest.raises(SourceError, match="credentials") as problem:
        hibob.fields()
    assert "another" not in str(problem.value)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("as_401", [True, False])
def test_a_feature_that_is_not_granted_leads_to_the_permission_group(sandbox: Sandbox, as_401: bool) -> None:
    sandbox.switches.refused, sandbox.switches.refused_as_401 = frozenset({"people/search"}), as_401
    with client(sandbox.base_url) as hibob, pytest.raises(SourceError, match="permission group"):
        hibob.search(["root.id"])
    assert len(sandbox.requests) == 1


def test_a_service_user_in_no_group_reads_the_metadata_and_is_told_about_the_rest(sandbox: Sandbox) -> None:
    sandbox.switches.in_no_group = True
    with client(sandbox.base_url) as hibob:
        assert hibob.fields()
        with pytest.raises(SourceError, match="permission group"):
            hibob.search(["root.id"])


@pytest.mark.parametrize("fault", [429, 500, 503, "reset", "truncated"])
def test_the_stand_ins_passing_faults_are_lived_through(sandbox: Sandbox, fault: int) -> None:
    sandbox.switches.retry_after = 0
    sandbox.switches.fail(fault, 5, "people/search")
    with client(sandbox.base_url) as hibob:
        assert b"employees" in hibob.search(["root.id"])
    assert len(sandbox.requests) == MOST_REQUESTS


def test_a_wrong_path_answers_a_login_page_and_leads_to_the_base_url(sandbox: Sandbox) -> None:
    with client(sandbox.base_url + "/v2") as hibob, pytest.raises(SourceError, match="base URL"):
        hibob.fields()
