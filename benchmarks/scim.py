"""Processing over SCIM: adds to an empty server on loopback, in a process of its own and new for each run. Once to
scim2-server, which nobody here wrote and which takes most of the time itself, and once to a portal that does not, but is
as far away as one on the internet (portal.py). The peer of single calls posts the same bodies with httpx, as many
side by side as this project does at most; the peer of Bulk is this project's own single calls."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import Nights
from benchmarks.portal import AWAY
from provisioning.model import Action, Attribute, Change, Outcome
from provisioning.target.scim import ScimDirectory
from provisioning.target.scim_pace import WIDEST

CHUNK = 100
SCIM2_SERVER, PORTAL = "benchmarks.scim", "benchmarks.portal"
ADDED = {SCIM2_SERVER: 1_000, PORTAL: 5_000}
TOKEN = "s3cret-token-of-the-portal"  # noqa: S105
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
MAPPING = (
    Attribute("userName", "root.email", required=True),
    Attribute("name.givenName", "root.firstName"),
    Attribute("name.familyName", "root.surname"),
)
TESTS = Path(__file__).parent.parent / "tests" / "edge"


@contextmanager
def _server(module: str, bulk: bool) -> Iterator[str]:
    """The address of an empty one."""
    command = [sys.executable, "-m", module, "bulk" if bulk else "single"]
    root = str(TESTS.parent.parent)
    paths = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{TESTS}"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=paths) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


class _Servers:
    """One after the other, each new; the last ends with the process."""

    def __init__(self, module: str, bulk: bool) -> None:
        self.module, self.bulk, self.url, self._open = module, bulk, "", ExitStack()

    def another(self) -> None:
        self._open.close()
        self.url = self._open.enter_context(_server(self.module, self.bulk))


def _change(number: int) -> Change:
    after: dict[str, str | None] = {
        "userName": f"person{number}@acme.example",
        "name.givenName": "Nora",
        "name.familyName": f"Person {number}",
        "status": "Live",
        "external_id": str(number),
    }
    return Change(str(number), Action.ADD, "Employed in HiBob.", {}, after)


def _rollcall(module: str, bulk: bool) -> Timed:
    servers, added = _Servers(module, bulk), ADDED[module]
    changes = [_change(number) for number in range(added)]

    def run() -> int:
        done: list[Outcome] = []
        with ScimDirectory(servers.url, TOKEN, MAPPING, "userName", expected=added) as directory:
            for start in range(0, added, CHUNK):
                directory.ensure(changes[start : start + CHUNK], done.extend)
            directory.finish(done.extend)
        return sum(each.result.value == "done" for each in done)

    return Timed(run, int, servers.another)


def _httpx(module: str) -> Timed:
    servers = _Servers(module, False)
    bodies = [
        {
            "schemas": [CORE],
            "userName": each.after["userName"],
            "name": {"givenName": each.after["name.givenName"], "familyName": each.after["name.familyName"]},
            "active": True,
            "externalId": each.key,
        }
        for each in map(_change, range(ADDED[module]))
    ]

    def run() -> int:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        with (
            httpx.Client(headers=headers, trust_env=False, timeout=60) as client,
            ThreadPoolExecutor(WIDEST) as threads,
        ):
            answers = threads.map(lambda body: client.post(f"{servers.url}/Users", json=body).status_code, bodies)
            return sum(status == 201 for status in answers)

    return Timed(run, int, servers.another)


def single(nights: Nights) -> Timed:
    return _rollcall(SCIM2_SERVER, False)


def bulk(nights: Nights) -> Timed:
    return _rollcall(SCIM2_SERVER, True)


def bare(nights: Nights) -> Timed:
    return _httpx(SCIM2_SERVER)


def single_far(nights: Nights) -> Timed:
    return _rollcall(PORTAL, False)


def bulk_far(nights: Nights) -> Timed:
    return _rollcall(PORTAL, True)


def bare_far(nights: Nights) -> Timed:
    return _httpx(PORTAL)


_NEAR = f"SCIM, {ADDED[SCIM2_SERVER]:,} adds to scim2-server"
_FAR = f"SCIM, {ADDED[PORTAL]:,} adds to a fast portal {AWAY * 1000:.0f} ms away"
STEPS = (
    Step(f"{_NEAR}, one by one", single, (Peer("bare httpx calls", bare, time=1.25),), "wall"),
    Step(f"{_NEAR}, by Bulk", bulk, (Peer("single calls", single, time=1 / 3),), "wall"),
    Step(f"{_FAR}, one by one", single_far, (Peer("bare httpx calls", bare_far, time=1.25),), "wall"),
    Step(f"{_FAR}, by Bulk", bulk_far, (Peer("single calls", single_far, time=1 / 3),), "wall"),
)


def _serve(announces_bulk: bool) -> None:
    from scim_servers import ScimServer  # type: ignore[import-not-found]

    with ScimServer(bulk=announces_bulk) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1] == "bulk")
