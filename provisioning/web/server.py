"""What stands between the network and Streamlit: security headers, limits, closed doors, and routes of our own.

Streamlit sends no security headers, and answers more addresses than a product needs.
"""

import os
import re
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio.to_thread
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Route
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from provisioning.database import Database
from provisioning.errors import RollcallError
from provisioning.model import Actor
from provisioning.store.migrations import migrate
from provisioning.web import sign_in
from provisioning.web.first_html import first_html
from provisioning.web.frame import LOST, data_folder
from provisioning.web.let_in import is_let_in
from provisioning.web.way_back import PAGES, keep_way_back
from provisioning.workflow import hearing
from provisioning.workflow.house import DATABASE, MODE, Workspace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _policy() -> str:
    """The content security policy. Nothing comes from elsewhere, and no script stands in a page but Streamlit's own,
    and ours, named by its hash; Streamlit sets styles from its script, and draws pictures and fonts from data."""
    inline = re.findall(r"<script>(.*?)</script>", first_html(sidebar=True), re.DOTALL)
    scripts = " ".join(f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in inline)
    return (
        f"default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
    )


HEADERS = {
    "Content-Security-Policy": _policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
FOR_A_YEAR = "max-age=31536000; includeSubDomains"
CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
NO_PAGES = frozenset({"_stcore", "static", "media", "component", "app", "auth", "oauth2callback", "ready", "webhooks"})
"""How addresses begin that are Streamlit's, or routes of ours."""
MOST_LOST = 80
UPLOADS = "/_stcore/upload_file"
MOST_UPLOADED, MOST_ELSEWHERE = 52 * 1024 * 1024, 1024 * 1024
"""Bytes of one request: a workbook with what the form adds (server.maxUploadSize is 50 MB), and anything else."""


class Guard:
    """The outermost layer: headers on every answer, closed doors, and no body larger than its limit."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = scope.get("scheme") == "https" or Headers(scope=scope).get("x-forwarded-proto") == "https"

        async def with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                keep_way_back(scope, message)
                headers = MutableHeaders(scope=message)  # Another made after this one would have a list of its own.
                for name, value in HEADERS.items():
                    headers[name] = value
                if secure:
                    headers["Strict-Transport-Security"] = FOR_A_YEAR
                    _secure_cookies(message)
            await send(message)

        if any(closed in scope["path"] for closed in CLOSED):
            await PlainTextResponse("Not found", 404)(scope, receive, with_headers)
            return
        if lost := _lost(scope):
            first = f"/{_base()}/" if _base() else "/"
            await RedirectResponse(f"{first}?{LOST}={quote(lost[:MOST_LOST])}")(scope, receive, with_headers)
            return
        if _is_page(scope):
            html = first_html(
                sidebar=os.environ.get(MODE) == "local" or USER_COOKIE_NAME in HTTPConnection(scope).cookies
            )
            await HTMLResponse(html, headers={"Cache-Control": "no-cache"})(scope, receive, with_headers)
            return
        session = _uploads_to(scope["path"])
        most = MOST_ELSEWHERE if session is None else MOST_UPLOADED
        if _announced(scope) > most:
            await PlainTextResponse("Too large", 413)(scope, receive, with_headers)
            return
        if session is not None and not is_let_in(session):
            await PlainTextResponse("Refused", 403)(scope, receive, with_headers)
            return
        await self.app(scope, _limited(receive, most), with_headers)


def _lost(scope: "Scope") -> str:
    """The page that a browser asks for and that is none; "" for whatever else is asked for. Streamlit would answer with its
    own page, and a dialogue over it."""
    page = scope["path"].removeprefix(f"/{_base()}").strip("/")
    browser = scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
    known = page in PAGES or page.partition("/")[0] in NO_PAGES
    return page if browser and not known else ""


def _is_page(scope: "Scope") -> bool:
    first = f"/{_base()}/" if _base() else "/"
    path = str(scope["path"])
    return scope["method"] == "GET" and path.startswith(first) and path.removeprefix(first) in PAGES


def _base() -> str:
    return str(st.get_option("server.baseUrlPath")).strip("/")


def _uploads_to(path: str) -> str | None:
    """The browser session that a file is sent to; None elsewhere than at Streamlit's own address for files: ours take a path
    of any words after theirs."""
    before, _, rest = path.partition(f"{UPLOADS}/")
    return rest.partition("/")[0] if rest and before.strip("/") == _base() else None


def _secure_cookies(message: "Message") -> None:
    """Streamlit leaves `Secure` off, for the sake of plain http on one's own machine."""
    message["headers"] = [
        (name, value + b"; Secure" if name == b"set-cookie" and b"; secure" not in value.lower() else value)
        for name, value in message["headers"]
    ]


def _announced(scope: "Scope") -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else 0


def _limited(receive: "Receive", most: int) -> "Receive":
    """A body that is longer than it may be ends as if the sender had gone."""
    seen = 0

    async def limited() -> "Message":
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= most else {"type": "http.disconnect"}

    return limited


async def ready(_: "Request") -> PlainTextResponse:
    """Readiness: the configuration lets people in, and the database can be written. Says no more than that."""
    problem = await anyio.to_thread.run_sync(_not_ready)
    return PlainTextResponse(problem or "ready", 503 if problem else 200, headers={"Cache-Control": "no-store"})


def _not_ready() -> str:
    try:
        sign_in.configured()
    except RollcallError:
        return "sign-in is not configured"
    try:
        db = Database(data_folder() / DATABASE)
    except RollcallError:
        return "database cannot be opened"
    try:
        migrate(db)
        with db.transaction():
            pass
    except Exception:
        return "database cannot be written"
    finally:
        db.close()
    return ""


async def hear(request: "Request") -> PlainTextResponse:
    """A webhook of HiBob's for one domain. Whatever is wrong is answered alike, so that nobody learns what there is."""
    try:
        body = await request.body()
    except ClientDisconnect:
        return PlainTextResponse("Too large", 413)
    label, sender = request.path_params["label"], request.client.host if request.client else "unknown"
    heard = await anyio.to_thread.run_sync(_hear, label, dict(request.headers), body, sender)
    return PlainTextResponse(heard or "refused", 200 if heard else 403)


def _hear(label: str, headers: dict[str, str], body: bytes, sender: str) -> str | None:
    try:
        server = {MODE: "server"} if sign_in.configured() else {}
        house = Workspace(data_folder(), {**os.environ, **server}, Actor("HiBob"), where=f"webhook, {sender}")
        try:
            return hearing.webhook(house, label, headers, body).value
        finally:
            sign_in.close(house)
    except RollcallError:
        return None


ROUTES = [
    Route("/ready", ready, methods=["GET"]),
    Route("/webhooks/hibob/{label:path}", hear, methods=["POST"]),
]
"""Addresses of our own beside Streamlit's. No one is signed in here: a webhook is believed by its signature alone."""
