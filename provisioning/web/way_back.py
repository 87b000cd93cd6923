"""The way back after signing in: the identity provider returns everybody to the first page, so what somebody asked for
before is kept in a cookie meanwhile, and asked for again. It opens nothing: who may see a page is checked there."""

from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from starlette.datastructures import Headers, MutableHeaders

from provisioning.web.navigation import SECTIONS

if TYPE_CHECKING:
    from starlette.types import Message, Scope

COOKIE, SECONDS, MOST = "rollcall_way_back", 3600, 2000
CALLBACK, LOGOUT = "/oauth2callback", "/auth/logout"
PAGES = frozenset({"", *(name for entries in SECTIONS.values() for name, _, _ in entries)})


def keep_way_back(scope: "Scope", message: "Message") -> None:
    """Of an answer that begins: note what page was asked for, lead back to it after the sign-in, forget it after the
    sign-out."""
    path, headers = str(scope["path"]), MutableHeaders(scope=message)
    if path.endswith(LOGOUT):
        headers.append("set-cookie", _cookie("", 0))
    elif path.endswith(CALLBACK) and "location" in headers:
        back = _kept(scope)
        if back and back.startswith(headers["location"]):
            headers["location"] = back
        headers.append("set-cookie", _cookie("", 0))
    elif _is_page(scope):
        asked = f"{path}?{scope['query_string'].decode('latin-1')}"
        headers.append("set-cookie", _cookie(asked, SECONDS))


def _is_page(scope: "Scope") -> bool:
    """Whether a browser asks for one of our pages, and for something in it."""
    wants_page = "text/html" in Headers(scope=scope).get("accept", "")
    named = str(scope["path"]).rpartition("/")[2] in PAGES
    return bool(scope["method"] == "GET" and wants_page and named and 0 < len(scope["query_string"]) <= MOST)


def _kept(scope: "Scope") -> str:
    """The page that was asked for, or "": only an address of this server, whoever made the cookie."""
    try:
        found = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    back = unquote(found.value) if found else ""
    path = back.partition("?")[0]
    safe = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    return back if safe and back.isascii() and path.rpartition("/")[2] in PAGES else ""


def _cookie(value: str, seconds: int) -> str:
    return f"{COOKIE}={quote(value, safe='')}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
