"""The production entry: headers on every answer, closed doors, limits, readiness."""

import base64
import contextlib
import hmac
import http.client
import json
import select
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha512
from pathlib import Path

import pytest
from app_server import KEY, AppServer, app_server, free_port
from provider import Provider

from provisioning.workflow import setting_up
from provisioning.workflow.house import Workspace
from provisioning.workflow.house import operator as by_operator

WEBHOOK = "webhook-canary-7c1f"
SETUP = """
[customer]
name = "Acme"
[[connections]]
name = "HiBob"
id = "S"
token = { env = "TOKEN" }
webhook = { env = "HOOK" }
[[domains]]
name = "staff"
connection = "HiBob"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    data, port = tmp_path_factory.mktemp("server") / "data", free_port()
    operator = Workspace(data, {"ROLLCALL_KEY": KEY, "TOKEN": "t" * 20, "HOOK": WEBHOOK}, by_operator())
    setting_up.set_up(operator, SETUP)
    operator.db.close()
    with Provider() as provider:
        toml = provider.secrets_toml(f"http://127.0.0.1:{port}")
    with app_server(data, toml, port, ROLLCALL_MODE="server") as running:
        yield running


@pytest.mark.parametrize(
    "path", ["/", "/mapping", "/_stcore/health", "/ready", "/nowhere/x.js", "/_stcore/metrics", "/auth/login"]
)
def test_every_answer_carries_the_headers(server: AppServer, path: str) -> None:
    headers = {name.lower(): value for name, value in server.get(path)[2].items()}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["connect-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert "strict-transport-security" not in headers


def test_behind_tls_browsers_are_told_to_stay_there_and_cookies_are_secure(server: AppServer) -> None:
    _, _, headers = server.get("/_stcore/health", **{"X-Forwarded-Proto": "https"})
    told = {name.lower(): value for name, value in headers.items()}
    assert told["strict-transport-security"].startswith("max-age=31536000")
    assert "; Secure" in told["set-cookie"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/nowhere", "nowhere"),
        ("/nowhere/", "nowhere"),
        ("/mapping/deeper", "mapping/deeper"),
        ("/%0D%0ASet-Cookie:%20a=b", "%0D%0ASet-Cookie%3A%20a%3Db"),
        ("//evil.example/x", "evil.example/x"),
    ],
)
def test_a_browser_that_asks_for_no_page_is_led_to_the_first_and_nowhere_else(
    server: AppServer, path: str, name: str
) -> None:
    answer = asked(server, path, {"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status, answer.headers["Location"]) == (307, f"/?lost={name}")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/mapping", "/mapping/", "/static/none.js", "/media/none.csv", "/ready"])
def test_pages_files_and_probes_are_led_nowhere(server: AppServer, path: str) -> None:
    assert "lost" not in (asked(server, path, {"Accept": "text/html,*/*;q=0.8"}).headers["Location"] or "")


@pytest.mark.parametrize("path", ["/", "/mapping?customer=Acme"])
def test_a_page_begins_with_the_sidebar_s_room_for_whoever_will_see_one(server: AppServer, path: str) -> None:
    assert "padding-left: 256px" not in server.get(path)[1]
    assert "padding-left: 256px" in server.get(path, Cookie="_streamlit_user=x")[1]


def asked(server: AppServer, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """The answer itself, not what it leads to."""
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "path",
    ["/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/agent/interact", "/_stcore/script-health-check"],
)
def test_what_a_product_does_not_need_is_closed(server: AppServer, path: str) -> None:
    assert server.get(path)[:2] == (404, "Not found")


def test_it_says_when_it_is_ready(server: AppServer) -> None:
    assert server.get("/ready")[:2] == (200, "ready")


def test_it_says_when_it_is_not_and_no_more_than_needed(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with app_server(tmp_path / "data", None, free_port(), ROLLCALL_MODE="server") as closed:
        assert closed.get("/ready")[:2] == (503, "sign-in is not configured")
    local = {"ROLLCALL_MODE": "local", "ROLLCALL_LOCAL_USER": "me@acme.example"}
    with app_server(tmp_path / "data", None, free_port(), **local) as broken:
        assert broken.get("/ready")[:2] == (503, "database cannot be opened")


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/_stcore/upload_file/x/y", 60_000_000),
        ("/oauth2callback", 2_000_000),
        ("/webhooks/hibob/x/_stcore/upload_file/y", 2_000_000),
    ],
)
def test_a_body_that_is_announced_too_large_is_refused_unread(server: AppServer, path: str, size: int) -> None:
    host = server.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.putrequest("PUT", path)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_that_does_not_say_how_long_it_is_is_read_no_further_than_its_limit(server: AppServer) -> None:
    host, _, port = server.address.removeprefix("http://").partition(":")
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(b"POST /webhooks/hibob/Acme/staff HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < 200 and not select.select([line], [], [], 0)[0]:
                line.sendall(piece)
                sent += 1
        assert sent < 200
        assert line.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("label", ["Acme/staff", "No/such", "x", "Acme%2Fstaff"])
def test_a_webhook_without_a_right_signature_is_refused_alike_for_whatever_it_names(
    server: AppServer, label: str
) -> None:
    host = server.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("POST", f"/webhooks/hibob/{label}", b'{"version": 2}', {"Bob-Signature": "wrong"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (403, b"refused")
    connection.close()


def test_a_webhook_that_is_signed_right_is_taken(server: AppServer) -> None:
    at = datetime.now(UTC).isoformat()
    body = json.dumps(
        {"companyId": 1, "type": "employee.updated", "triggeredAt": at, "version": "v2", "data": {}}
    ).encode()
    signature = base64.b64encode(hmac.digest(WEBHOOK.encode(), body, sha512)).decode()
    host = server.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("POST", "/webhooks/hibob/Acme/staff", body, {"Bob-Signature": signature})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"ignored")  # its schedule is off
    connection.close()
