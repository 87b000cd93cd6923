"""A HiBob on loopback, in a process of its own, that answers the bytes of one night to whoever asks."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.people import Nights, fields


@contextmanager
def hibob(nights: Nights, night: str = "now") -> Iterator[str]:
    """Its base URL."""
    command = [sys.executable, "-m", "benchmarks.hibob", str(nights.folder), night]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _end_with_parent() -> None:
    """Whoever started this holds the other end of its standard input, also when they are killed."""
    sys.stdin.read()
    os._exit(0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    people = b""

    def do_GET(self) -> None:
        self._answer(fields())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.people)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Handler.people = Nights(Path(sys.argv[1])).bytes(sys.argv[2])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
        server.serve_forever()
