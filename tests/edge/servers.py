"""What the edge tests run against: an HTTP server that sends just the bytes it is told to, a database with one
domain, and several processes that do the same thing at once."""

import multiprocessing
import os
import socket
import socketserver
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import randrange
from types import TracebackType
from typing import Any, Self

from provisioning.database import Database
from provisioning.model import Attribute, Domain
from provisioning.store import customers
from provisioning.store.migrations import migrate

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)

# --- a scripted HTTP server -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What no bytes can say: an answer that never comes, or a connection that is reset."""

    name: str


HANG_UP = b""
SILENCE = Fault("silence")
RESET = Fault("reset")


def answer(
    body: bytes | str = b"{}", status: int = 200, content_type: str | None = "application/json", **headers: str
) -> bytes:
    """A whole HTTP answer. A header is named in Python's spelling: `retry_after="0"`."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Scripted", "Connection: close"]
    lines += [f"Content-Length: {len(content)}"] if status != 204 else []
    lines += [f"Content-Type: {content_type}"] if content_type is not None else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """Gives the answers of its script one after the other, and the last one from then on."""

    def __init__(self, *script: bytes | Fault) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.ended = threading.Event()
        self._server = _Server((self._address(), 0), _Handler)
        self._server.owner = self
        self.host = "{}:{}".format(*self._server.server_address)
        self.base_url = f"http://{self.host}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _address(self) -> str:
        return "127.0.0.1"

    def next(self, request: Request) -> bytes | Fault:
        self.requests.append(request)
        return self.script[min(len(self.requests), len(self.script)) - 1]


class LoneServer(ScriptedServer):
    """On an address of loopback where nobody else is: whoever still tries to reach an earlier server at the same port is not
    counted here."""

    def _address(self) -> str:
        return f"127.{randrange(1, 255)}.{randrange(255)}.{randrange(1, 255)}"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    owner: ScriptedServer


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError):
            self._handle()

    def _handle(self) -> None:
        first = self.rfile.readline().decode("latin-1").split()
        if not first:
            return
        headers: dict[str, str] = {}
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        due = self.server.owner.next(Request(first[0], first[1], headers, body))
        if due == SILENCE:
            self.server.owner.ended.wait()
        elif due == RESET:
            # Lingering for no time makes the close a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif isinstance(due, bytes):
            self.wfile.write(due)


# --- a database with one domain ---------------------------------------------------------------------------


@contextmanager
def database(path: Path) -> Iterator[Database]:
    db = Database(path)
    try:
        migrate(db)
        yield db
    finally:
        db.close()


def make_domain(db: Database, name: str = "staff", *attributes: str, customer: str = "Acme") -> Domain:
    """A domain of the customer, every attribute fed by a column of its own. In files of earlier versions too, where customers had
    fewer columns."""
    known = db.one("SELECT id FROM customers WHERE name = ?", customer)
    customer_id = known["id"] if known else db.insert("customers", name=customer)
    domain_id = customers.create_domain(db, customer_id, name)
    rows = tuple(Attribute(each, f"work.{each}") for each in attributes or ("Employee ID", "Department"))
    customers.save_mapping(db, domain_id, rows, "admin@acme.example", NOW)
    customers.save_settings(db, domain_id, customers.Settings(), "admin@acme.example", NOW)
    return customers.domain_by_id(db, domain_id)


# --- files ------------------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def everybody_may_read() -> Iterator[None]:
    """A careless umask: what is private then is private by the program's own doing."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


# --- several processes ------------------------------------------------------------------------------------


@cache
def processes() -> Any:
    """Fresh interpreters, as production starts them: a fork would inherit threads and open databases."""
    return multiprocessing.get_context("spawn")


def at_once(work: Callable[..., Any], *arguments: object, count: int = 4) -> list[Any]:
    """Run `work(start, number, *arguments)` in several processes; returns what each gave back, or the exception as
    text. `start()` waits for the others, as often as it is called."""
    context = processes()
    barrier, queue = context.Barrier(count), context.Queue()
    running = [
        context.Process(target=_one_of_many, args=(queue, barrier, work, number, arguments)) for number in range(count)
    ]
    for each in running:
        each.start()
    try:
        found = dict(queue.get(timeout=120) for _ in running)
    finally:
        for each in running:
            each.join()
        queue.close()
        queue.join_thread()
    return [found[number] for number in range(count)]


def _one_of_many(
    queue: Any, barrier: Any, work: Callable[..., Any], number: int, arguments: tuple[object, ...]
) -> None:
    try:
        queue.put((number, work(lambda: barrier.wait(60), number, *arguments)))
    except BaseException as problem:
        barrier.abort()
        queue.put((number, f"{type(problem).__name__}: {problem}"))
