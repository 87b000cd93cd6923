"""The way back after the sign-in leads to pages of this server and to nowhere else, whoever made the cookie."""

from typing import Any
from urllib.parse import quote

import pytest
from starlette.datastructures import MutableHeaders

from provisioning.web.way_back import COOKIE, keep_way_back


def answered(path: str, query: str = "", *, cookie: str = "", location: str = "", **more: Any) -> MutableHeaders:
    """The headers of an answer, as they leave."""
    headers = [(b"accept", b"text/html,*/*"), (b"cookie", f"{COOKIE}={quote(cookie, safe='')}".encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": headers, **more}
    sent = [(b"location", location.encode())] if location else []
    message: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": sent}
    keep_way_back(scope, message)
    return MutableHeaders(scope=message)


def test_a_page_with_something_in_it_is_kept_for_an_hour_and_out_of_reach_of_scripts() -> None:
    kept = answered("/preview", "customer=Acme%20%26%20Co&plan=plan-1")["set-cookie"]
    assert quote("/preview?customer=Acme%20%26%20Co&plan=plan-1", safe="") in kept
    assert kept.endswith("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize(
    ("path", "query", "more"),
    [
        ("/preview", "", {}),
        ("/static/preview.js", "v=1", {}),
        ("/auth/login", "provider=x", {}),
        ("/preview", "a=" + "x" * 2000, {}),
        ("/preview", "plan=1", {"method": "POST"}),
        ("/preview", "plan=1", {"headers": [(b"accept", b"application/json")]}),
    ],
)
def test_what_is_no_page_that_somebody_asked_for_is_not_kept(path: str, query: str, more: dict[str, Any]) -> None:
    assert "set-cookie" not in answered(path, query, **more)


def test_after_the_sign_in_it_leads_there_once() -> None:
    headers = answered("/oauth2callback", "code=1", cookie="/preview?plan=plan-1", location="/")
    assert headers["location"] == "/preview?plan=plan-1"
    assert "Max-Age=0" in headers["set-cookie"]


def test_below_a_path_of_its_own_it_stays_there() -> None:
    there = answered("/hr/oauth2callback", "code=1", cookie="/hr/preview?plan=1", location="/hr/")
    assert there["location"] == "/hr/preview?plan=1"
    assert answered("/hr/oauth2callback", cookie="/preview?plan=1", location="/hr/")["location"] == "/hr/"


@pytest.mark.parametrize(
    "cookie",
    ["", "//evil.example/preview", "https://evil.example/preview", "/\\evil.example/preview", "/auth/logout",
     "/preview?a=\r\nSet-Cookie: x=1", "/oauth2callback?code=2", "/préview"],
)  # fmt: skip
def test_a_cookie_that_somebody_else_made_leads_nowhere(cookie: str) -> None:
    assert answered("/oauth2callback", "code=1", cookie=cookie, location="/")["location"] == "/"


def test_signing_out_forgets_it() -> None:
    assert "Max-Age=0" in answered("/auth/logout", location="/")["set-cookie"]
