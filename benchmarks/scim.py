"""Processing over SCIM: adds to scim2-server on loopback, in a process of its own and new for each run. The peer of single
calls posts the same bodies with httpx, as many side by side; the peer of Bulk is this project's own single calls."""

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
from provisioning.model import Action, Attribute, Change, Outcome
from provisioning.target.scim import ScimDirectory
from provisioning.target.scim_pace import WIDTH

ADDED, CHUNK = 1_000, 100
TOKEN = "s3cret-token-of-the-portal"  # noqa: S105
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
MAPPING = (
    Attribute("userName", "root.email", required=True),
    Attribute("name.givenName", "root.firstName"),
    Attribute("name.familyName", "root.surname"),
)
TESTS = Path(__file__).parent.parent / "tests" / "edge"


@contextmanager
def portal(bulk: bool) -> Iterator[str]:
    """The address of an empty one."""
    command = [sys.executable, "-m", "benchmarks.scim", "bulk" if bulk else "single"]
    root = str(TESTS.parent.parent)
    paths = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{TESTS}"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=paths) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


class _Portals:
    """One after the other, each new; the last ends with the process."""

    def __init__(self, bulk: bool) -> None:
        self.bulk, self.url, self._open = bulk, "", ExitStack()

    def another(self) -> None:
        self._open.close()
        self.url = self._open.enter_context(portal(self.bulk))


def _change(number: int) -> Change:
    after: dict[str, str | None] = {
        "userName": f"person{number}@acme.example",
        "name.givenName": "Nora",
        "name.familyName": f"Person {number}",
        "status": "Live",
        "external_id": str(number),
    }
    return Change(str(number), Action.ADD, "Employed in HiBob.", {}, after)


def _rollcall(bulk: bool) -> Timed:
    portals, changes = _Portals(bulk), [_change(number) for number in range(ADDED)]

    def run() -> int:
        done: list[Outcome] = []
        with ScimDirectory(portals.url, TOKEN, MAPPING, "userName", expected=ADDED) as directory:
            for start in range(0, ADDED, CHUNK):
                directory.ensure(changes[start : start + CHUNK], done.extend)
            directory.finish(done.extend)
        return sum(each.result.value == "done" for each in done)

    return Timed(run, int, portals.another)


def single(nights: Nights) -> Timed:
    return _rollcall(False)


def bulk(nights: Nights) -> Timed:
    return _rollcall(True)


def bare(nights: Nights) -> Timed:
    portals = _Portals(False)
    bodies = [
        {
            "schemas": [CORE],
            "userName": each.after["userName"],
            "name": {"givenName": each.after["name.givenName"], "familyName": each.after["name.familyName"]},
            "active": True,
            "externalId": each.key,
        }
        for each in map(_change, range(ADDED))
    ]

    def run() -> int:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        with httpx.Client(headers=headers, trust_env=False, timeout=60) as client, ThreadPoolExecutor(WIDTH) as threads:
            answers = threads.map(lambda body: client.post(f"{portals.url}/Users", json=body).status_code, bodies)
            return sum(status == 201 for status in answers)

    return Timed(run, int, portals.another)


STEPS = (
    Step(
        f"processing over SCIM, {ADDED:,} adds one by one", single, (Peer("bare httpx calls", bare, time=1.25),), "wall"
    ),
    Step(f"processing over SCIM, {ADDED:,} adds by Bulk", bulk, (Peer("single calls", single, time=1 / 3),), "wall"),
)


def _serve(announces_bulk: bool) -> None:
    from scim_servers import ScimServer  # type: ignore[import-not-found]

    with ScimServer(bulk=announces_bulk) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1] == "bulk")
