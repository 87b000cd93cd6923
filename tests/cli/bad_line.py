"""A bad line between Rollcall and HiBob: what HiBob answers arrives spoilt, byte for byte as a test wants it.

It knows nothing of Rollcall, and of HiBob only that it speaks HTTP.
"""

import gzip
import http.client
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What HiBob really answered to a call of `path`, unpacked."""

    path: str
    status: int
    kind: str
    body: bytes


@dataclass(frozen=True)
class Reset:
    """These bytes, and then the connection is reset."""

    before: bytes = b""


@dataclass(frozen=True)
class Silence:
    """These bytes, and then nothing more, while the line stays open."""

    before: bytes = b""


@dataclass(frozen=True)
class Drip:
    """A part every few milliseconds; it could go on for ever."""

    parts: Iterable[bytes]


Arriving = bytes | Reset | Silence | Drip
Spoil = Callable[[Answer], Arriving]


def http_answer(body: bytes | str = b"", status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    """A whole HTTP answer. A header is named in Python's spelling: `retry_after="0"`; an empty `kind`: no type."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Spoilt", "Connection: close"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    if "content_length" not in headers and "transfer_encoding" not in headers:
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def chunked(*parts: bytes, **headers: str) -> bytes:
    """An answer in chunks, without the last one that would say that it is complete."""
    body = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return http_answer(body, transfer_encoding="chunked", **headers)


class Line:
    """Listens on loopback and passes everything on to `upstream`. While `spoil` is set, what HiBob answers to calls
    whose path holds `on` goes through it."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.spoil: Spoil | None = None
        self.on = ""
        self.calls: list[str] = []
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.line = self

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.upstream.path}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        upstream = http.client.HTTPConnection(self.upstream.netloc, timeout=30)
        try:
            upstream.request(method, path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if answer.getheader("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        return Answer(path, answer.status, answer.getheader("Content-Type") or "", content)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    line: Line


class _Handler(socketserver.StreamRequestHandler):
    """One request per connection: nothing is left over that a spoilt answer could disturb."""

    server: _Server

    def handle(self) -> None:
        with suppress(OSError):
            self._handle()

    def _handle(self) -> None:
        first = self.rfile.readline().decode("latin-1").split()
        if not first:
            return
        headers: dict[str, str] = {}
        while read := self.rfile.readline().decode("latin-1").strip():
            name, _, value = read.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        line = self.server.line
        line.calls.append(f"{first[0]} {first[1]}")
        wanted = {name: value for name, value in headers.items() if name in ("authorization", "content-type")}
        answer = line.ask(first[0], first[1], wanted, body)
        if line.spoil is None or line.on not in first[1]:
            self.wfile.write(http_answer(answer.body, answer.status, answer.kind))
        else:
            self._let_arrive(line.spoil(answer))

    def _let_arrive(self, arriving: Arriving) -> None:
        ended = self.server.line.ended
        match arriving:
            case bytes():
                self.wfile.write(arriving)
            case Reset(before):
                self.wfile.write(before)
                # Lingering for no time makes the close a reset instead of an orderly end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case Silence(before):
                self.wfile.write(before)
                ended.wait()
            case Drip(parts):
                for part in parts:
                    self.wfile.write(part)
                    if ended.wait(0.002):
                        return
