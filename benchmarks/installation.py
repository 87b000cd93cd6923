"""A whole installation with the invented company in it: HiBob on loopback in a process of its own, and a data folder."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec

from benchmarks.people import FED, Nights, fields
from benchmarks.situation import NOW
from provisioning.model import Actor
from provisioning.workflow import Workspace, set_up

LABEL = "Acme/staff"
TOKEN = "opens-nothing"  # noqa: S105
ALLOWED = {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1", "ROLLCALL_REREAD_MINUTES": "100000", "BENCH_TOKEN": TOKEN}


@contextmanager
def hibob(nights: Nights, night: str = "now") -> Iterator[str]:
    """The base URL of a HiBob that answers this night's bytes, read once, to whoever asks."""
    command = [sys.executable, "-m", "benchmarks.installation", str(nights.folder), night]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def installation(data: Path, hibob_url: str) -> Workspace:
    """A new data folder with one customer and one domain, whose users are in the local directory."""
    house = Workspace(data, ALLOWED, Actor("operator:bench"), lambda: NOW)
    set_up(house, _setup(hibob_url))
    return house


def _setup(hibob_url: str, target: str = '"local"') -> str:
    attributes = "".join(
        f'  [[domains.attributes]]\n  name = "{feed.attribute}"\n  data_feed_name = "{feed.data_feed_name}"\n'
        f'  type = "{feed.type if feed.type in ("date", "number") else "text"}"\n'
        for feed in FED
    )
    return (
        '[customer]\nname = "Acme"\n[[members]]\nemail = "admin@acme.example"\nrole = "admin"\n'
        f'[[connections]]\nname = "HiBob"\ntype = "hibob"\nbase_url = "{hibob_url}"\nid = "SERVICE-1"\n'
        f'token = {{ env = "BENCH_TOKEN" }}\n[[domains]]\nname = "staff"\nconnection = "HiBob"\n'
        f'unique_identifier = "Employee ID"\ntarget = {target}\n{attributes}'
    )


def fill(house: Workspace, rows: Iterator[tuple[str, ...]], names: list[str]) -> None:
    """Users in the local directory, live and linked."""
    house.db.connection.execute("BEGIN")
    house.db.many(
        "INSERT INTO users (domain_id, external_id, status, attributes) VALUES (1, ?, 'Live', ?)",
        ((row[0], _json(dict(zip(names[1:], row[1:], strict=True)))) for row in rows),
    )
    house.db.connection.execute("COMMIT")


def _json(values: dict[str, str]) -> str:
    filled = {name: value for name, value in values.items() if value}
    return msgspec.json.encode(filled, order="deterministic").decode()


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
    _Handler.people = Nights(Path(sys.argv[1])).bytes(sys.argv[2])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
        server.serve_forever()
