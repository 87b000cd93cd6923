"""Many domains: 200 × 1,000 people, a normal night, with a HiBob that takes half a second for each answer.

    PYTHONPATH=. .venv/bin/python -m benchmarks.many_domains [DOMAINS [WORKERS …]]

Real programs: the HiBob stand-in, Rollcall's worker, and Dask's scheduler and workers, each a process of its own. Every way
begins with a copy of the same installation: 40 customers, 1,000 users in each domain's local directory, and a day that has
passed in HiBob. Measured is what the database says: from the first job's start to the last one's end.
"""

import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.table import Row, ratio_of, seconds_of, show, yes
from provisioning.model import Role
from provisioning.sandbox import Sandbox
from provisioning.sandbox.switches import Switches
from provisioning.store.jobs import JobKind
from provisioning.worker import WORKERS
from provisioning.workflow import approving, asking, planning, processing, setting_up
from provisioning.workflow.house import Workspace, acting_as, member, operator

ROOT = Path(__file__).resolve().parents[1]
DOMAINS, PER_CUSTOMER, PEOPLE, DELAY = 200, 5, 1_000, 0.5
TOKEN, CSM = "for-the-benchmark-only", "csm@skillcast.example"
COMMON = {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1", "NORTHWIND_TOKEN": TOKEN}
PATIENCE = 1_800.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way of going about it: how many domains side by side, and by how many cluster workers, if any. `to_reach`: how
    many times as fast as the first it should be."""

    name: str
    workers: int
    cluster: int = 0
    to_reach: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one way. `seconds`: from the first job's start to the last one's end."""

    way: Way
    seconds: float
    failed: int
    peak_mb: float
    digests: tuple[str, ...]


WAYS = (
    Way("one after the other", 1),
    Way("2 side by side", 2),
    Way("4 side by side", 4),
    Way("8 side by side", 8),
    Way(f"{WORKERS} side by side (the default)", WORKERS, to_reach=4),
    Way("16, Dask, 1 cluster worker", 16, 1),
    Way("16, Dask, 2 cluster workers", 16, 2, to_reach=4),
    Way("16, Dask, 4 cluster workers", 16, 4),
)


def alone(rounds: int) -> Iterator[Row]:
    """A row per way, each compared with the first. Every way is gone once: it takes long enough."""
    first: Measured | None = None
    for found in measured():
        first = first or found
        if found.failed or found.digests != first.digests:
            raise SystemExit(f"{found.way.name}: {found.failed} failed, or these are not the same plans.")
        yield _row(found, first)


def _row(found: Measured, first: Measured) -> Row:
    wanted = found.way.to_reach
    ratio, domains = found.seconds / first.seconds, len(found.digests)
    return (
        f"{domains} domains: {found.way.name}", f"{domains * PEOPLE:,}", f"{seconds_of(found.seconds)} (wall)", first.way.name,
        seconds_of(first.seconds), ratio_of(ratio), f"≥ {wanted:g} × faster" if wanted else "",
        yes(ratio <= 1 / wanted) if wanted else "", f"{found.peak_mb:,.0f} MB", f"{first.peak_mb:,.0f} MB", "1 / 1",
    )  # fmt: skip


def measured(domains: int = DOMAINS, ways: tuple[Way, ...] = WAYS) -> Iterator[Measured]:
    with tempfile.TemporaryDirectory() as name, _hibob() as hibob:
        house = _installation(Path(name) / "house", hibob, domains)
        for place, way in enumerate(ways):
            yield _measure(way, shutil.copytree(house, Path(name) / f"way{place}"))


# --- the stand-in, in a process of its own ----------------------------------------------------------------


@contextmanager
def _hibob() -> Iterator["Connection[str, str]"]:
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    process.start()
    try:
        yield here
    finally:
        here.send("end")
        process.join(30)


def _serve(pipe: "Connection[str, str]") -> None:
    """Tells its base URL, then does as it is told: a day passes, it answers slowly, it ends."""
    switches = Switches(rate_limit=1_000_000, keep_answers=True)
    with Sandbox(PEOPLE, switches=switches, token=TOKEN) as sandbox:
        pipe.send(sandbox.base_url)
        while (asked := pipe.recv()) != "end":
            if asked == "day":
                sandbox.pass_day()
            else:
                switches.slow_seconds = DELAY
            pipe.send("done")


# --- the installation that every way begins with ----------------------------------------------------------


def _installation(data: Path, hibob: "Connection[str, str]", domains: int) -> Path:
    """Everybody of every domain in the local directory, and a day later in HiBob."""
    house = Workspace(data, COMMON, operator())
    text = (ROOT / "data" / "northwind.toml").read_text(encoding="utf-8")
    text = text.replace("http://127.0.0.1:8799/v1", hibob.recv())
    head, _, rest = text.partition("[[connections]]")
    connection, _, domain = rest.partition("[[domains]]")
    for customer in range(-(-domains // PER_CUSTOMER)):
        named = head.replace("Northwind Trading", f"Customer {customer:02}").replace(
            "northwind.example", f"c{customer}.example"
        )
        here = min(PER_CUSTOMER, domains - customer * PER_CUSTOMER)
        # A connection each: on a shared one everybody would be in two domains, and every plan would name them all.
        tables = [
            ("[[connections]]" + connection + "[[domains]]" + domain)
            .replace('"staff"', f'"d{each}"')
            .replace("Northwind HiBob", f"HiBob {each}")
            for each in range(here)
        ]
        setting_up.set_up(house, named + "".join(tables))
    setting_up.grant(house, CSM, Role.CSM, None)
    csm = acting_as(house, member(CSM))
    plan = planning.preview(csm, "Customer 00/d0")
    approving.approve(csm, plan.id)
    processing.process(csm, plan.id)
    house.db.execute(
        "INSERT INTO users (domain_id, external_id, status, attributes) SELECT d.id, u.external_id, u.status, u.attributes "
        "FROM users u JOIN domains d ON d.id <> u.domain_id ORDER BY d.id, u.id"
    )
    house.db.execute(
        "UPDATE connections SET (metadata, metadata_at) = (SELECT metadata, metadata_at FROM connections WHERE id = 1)"
    )
    hibob.send("day")
    hibob.recv()
    planning.preview(csm, "Customer 00/d0")  # The stand-in makes its answer once; nobody waits for that below.
    for label in (f"Customer {place // PER_CUSTOMER:02}/d{place % PER_CUSTOMER}" for place in range(domains)):
        asking.ask(csm, label, JobKind.PREVIEW)
    hibob.send("slow")
    hibob.recv()
    house.db.close()
    return data


# --- one way ----------------------------------------------------------------------------------------------


def _measure(way: Way, data: Path) -> Measured:
    with ExitStack() as stack:
        environment = {**COMMON, "ROLLCALL_WORKERS": str(way.workers)}
        if way.cluster:
            environment["ROLLCALL_CLUSTER"] = stack.enter_context(cluster(way.cluster, data.with_name("cluster")))
        worker = stack.enter_context(running(*_ROLLCALL, "--data", str(data), "worker", environment=environment))
        peak = _wait(data, worker.pid)
    with closing(sqlite3.connect(data / "rollcall.db")) as db:
        began, ended = db.execute("SELECT min(started_at), max(ended_at) FROM jobs").fetchone()
        failed = db.execute("SELECT count(*) FROM jobs WHERE state = 'failed'").fetchone()[0]
        digests = db.execute(
            "SELECT p.digest FROM jobs j JOIN plans p ON p.id = json_extract(j.result, '$.plan') ORDER BY j.id"
        ).fetchall()
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
    return Measured(way, seconds, failed, peak, tuple(digest for (digest,) in digests))


_ROLLCALL = (sys.executable, "-m", "provisioning")


def _wait(data: Path, pid: int) -> float:
    """Until no job is open; the most memory that the worker held meanwhile, in MB."""
    peak, until = 0.0, time.monotonic() + PATIENCE
    with closing(sqlite3.connect(data / "rollcall.db", timeout=60)) as db:
        while db.execute("SELECT count(*) FROM jobs WHERE state IN ('waiting', 'running')").fetchone()[0]:
            assert time.monotonic() < until, "the jobs do not come to an end"
            peak = max(peak, _memory(pid))
            time.sleep(0.25)
    return peak


def _memory(pid: int) -> float:
    """The most that a process held so far, in MB; 0 where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[str]:
    """A scheduler and workers on loopback; gives the scheduler's address once all of them are there."""
    from distributed import Client

    address = f"tcp://127.0.0.1:{_free_port()}"
    alone = ("--no-dashboard", "--host", "127.0.0.1")
    with ExitStack() as stack:
        port = address.rpartition(":")[2]
        stack.enter_context(running("-m", "dask", "scheduler", "--port", port, *alone))
        for place in range(workers):
            own = ("--nthreads", "8", "--no-nanny", "--local-directory", str(folder / str(place)))
            stack.enter_context(running("-m", "dask", "worker", address, *own, *alone))
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(*words: str, environment: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that ends with the block. Words that do not begin with a program are Python's."""
    command = words if words[0] == sys.executable else (sys.executable, *words)
    own = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **(environment or {})}
    process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else DOMAINS
    chosen = tuple(way for way in WAYS if len(sys.argv) < 3 or (str(way.workers) in sys.argv[2:] and not way.cluster))
    everything = list(measured(number, chosen))
    print(show([_row(each, everything[0]) for each in everything]))
