"""The sandbox as an HTTP server on loopback: who may call, what is written down, and the transport."""

import secrets
import socket
import socketserver
import struct
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from provisioning.sandbox.company import Company
from provisioning.sandbox.day import DayReport
from provisioning.sandbox.endpoints import (
    Answer,
    Call,
    File,
    Route,
    error_document,
    json_answer,
    login_page,
    route_of,
)
from provisioning.sandbox.limits import Limits
from provisioning.sandbox.switches import FaultKind, Switches

HOST = "127.0.0.1"
DAY_PATH = "/sandbox/day"
BODY_IN_LOG = 2_000


@dataclass(frozen=True, slots=True)
class Request:
    """A call as it was answered; never its credentials. A broken connection has status 0."""

    method: str
    path: str
    status: int
    body: str


class Sandbox:
    """A HiBob stand-in with a company of its own.

    `company` and `switches` may be changed while it runs; `requests` holds the last calls. `clock` gives Unix
    seconds for the limits. After `stop`, `start` opens the same port again; a port in use raises OSError.
    """

    def __init__(
        self,
        people: int = 250,
        seed: int = 1,
        port: int = 0,
        switches: Switches | None = None,
        *,
        token: str | None = None,
        today: date | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.company = Company(people, seed, today)
        self.switches = switches or Switches()
        self.port = port
        self.service_user_id = "SERVICE-4711"
        self.token = token or secrets.token_urlsafe(24)
        self.requests: deque[Request] = deque(maxlen=10_000)
        self._limits = Limits(clock)
        self._files: dict[str, File] = {}
        self._kept: dict[tuple[str, bytes], Answer] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: _Server | None = None

    @property
    def base_url(self) -> str:
        """What a connection has as its base URL."""
        return f"http://{HOST}:{self.port}/v1"

    def start(self) -> None:
        """Listen; with port 0 on any free port. Raises OSError when the port is in use."""
        try:
            self._server = _Server((HOST, self.port), self)
        except OSError as error:
            message = f"the sandbox cannot listen on {HOST}:{self.port}: {error.strerror}; choose another port"
            raise OSError(error.errno, message) from error
        self.port = self._server.server_address[1]
        self._stopping.clear()
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Close the port and every connection; the company stays as it is."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def pass_day(self) -> DayReport:
        """Let one day pass in the company."""
        with self._lock:
            self._kept.clear()
            return self.company.pass_day()

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Answer:
        """Answer one call, and write it down."""
        answer = self._answer(method, target, authorization, body)
        summary = body[:BODY_IN_LOG].decode(errors="replace")
        self.requests.append(Request(method, target, 0 if answer.reset else answer.status, summary))
        return answer

    def _answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Answer:
        url = urlsplit(target)
        if (method, url.path) == ("POST", DAY_PATH):
            return json_answer(self.pass_day())
        if (found := route_of(method, url.path)) is None:
            return login_page()
        route, args = found
        self._stopping.wait(self.switches.slow_seconds)
        call = Call(self.company, self.switches, self._files, args, dict(parse_qsl(url.query)), body)
        with self._lock:
            if self._limits.blocked():
                return Answer(403)  # by the firewall, which knows nothing of limits and their headers
            answer = self._turned_away(route, authorization) or self._reply(route, call, target)
            if answer.status in (401, 403):
                self._limits.refused()
            return replace(answer, headers=answer.headers | self._limits.headers(route.name, self._limit(route)))

    def _turned_away(self, route: Route, authorization: str | None) -> Answer | None:
        expected = b64encode(f"{self.service_user_id}:{self.token}".encode())
        if not secrets.compare_digest((authorization or "").encode(), b"Basic " + expected):
            return Answer(401)
        if self.switches.in_no_group and route.name != "fields":
            return json_answer(error_document("Forbidden", "Not in any permission group", 403), 403)
        if route.name in self.switches.refused:
            status = 401 if self.switches.refused_as_401 else 403
            return json_answer({"errorMessage": f"No permissions to {route.name}"}, status)
        return None if self._limits.spend(route.name, self._limit(route)) else self._too_many()

    def _reply(self, route: Route, call: Call, target: str) -> Answer:
        fault = self.switches.next_fault(route.name)
        if fault is not None and fault != "truncated":
            return self._failure(fault)
        if not self.switches.keep_answers:
            self._kept.clear()
        key = (target, call.body)
        answer = self._kept.get(key) or route.answer(call)
        if self.switches.keep_answers:
            self._kept[key] = answer
        return replace(answer, cut=fault == "truncated")

    def _failure(self, fault: FaultKind) -> Answer:
        if fault == "reset":
            return Answer(0, reset=True)
        if isinstance(fault, str):
            return login_page()
        if fault in (401, 429):
            return self._too_many() if fault == 429 else Answer(401)
        return json_answer(error_document("Error", "switched on in the sandbox", fault), fault)

    def _too_many(self) -> Answer:
        seconds = self.switches.retry_after
        headers = {} if seconds is None else {"Retry-After": str(seconds)}
        return replace(json_answer({"error": "Too many requests"}, 429), headers=headers)

    def _limit(self, route: Route) -> int:
        return route.limit if self.switches.rate_limit is None else self.switches.rate_limit


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask the resolver for this machine's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        # The inherited one ends the connection in good order first, which would spoil a reset.
        self.close_request(request)

    def hang_up(self) -> None:
        """Close what clients keep open: a stopped server answers nobody."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Sandbox"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent; `Sandbox.requests` is the log."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.sandbox.answer(self.command, self.path, self.headers.get("Authorization"), body)
        with suppress(ConnectionError):
            self._reset() if answer.reset else self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.body:
            self.send_header("Content-Type", answer.content_type)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
        self.close_connection = self.close_connection or answer.cut

    def _reset(self) -> None:
        # Lingering for no time makes the close a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
