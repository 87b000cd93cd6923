"""Every page at N people and a preview that changes 8 % of them, against the same page of a domain that is only set up,
and against that of a company of a hundred: what its parts take, whatever the number of people.

Real programs: `streamlit run asgi.py` on loopback, once for each data folder, and Chromium. Measured by the wall's clock is
from the navigation until the script has ended and nothing more is drawn, in a new session and with warm caches; the
folders take turns. Sent is what comes to the browser for one page: the websocket's frames, and every answer but Streamlit's
own program, which the browser keeps.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.hibob import hibob
from benchmarks.installation import ALLOWED, LABEL, fill, setup_text
from benchmarks.people import JOINED, Nights
from benchmarks.table import Row, ratio_of, seconds_of, yes
from provisioning import worker
from provisioning.model import Role
from provisioning.store import jobs
from provisioning.store.jobs import JobKind
from provisioning.workflow import approving, asking, looking, setting_up
from provisioning.workflow.house import Workspace, acting_as, member, operator

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Response

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "",
    "start",
    "connect",
    "mapping",
    "preview",
    "process",
    "schedule",
    "history",
    "people",
    "settings",
    "customers",
)
CSM = "csm@skillcast.example"
MOST, MOST_SENT = 1.5, 1_000_000
FEW = 100
MEGABYTE = 1_000_000
PROGRAM = "/static/"
ON_LEAVE = '  [domains.lifecycle]\n  "parental leave" = "leave as is"\n'
"""So that some of those who would change are held back."""

PAINTED = """
const ready = () => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  && document.querySelector('h1') && !document.querySelector('[data-testid*="Skeleton"]');
let last = null;
new MutationObserver(() => { last = performance.now(); }).observe(
  document, {attributes: true, childList: true, characterData: true, subtree: true});
const look = () => {
  if (last !== null && ready() && performance.now() - last > 600) { window.painted = last; return; }
  setTimeout(look, 50);
};
look();
"""
"""Notes in `window.painted` at which millisecond after the navigation the page changed last, once it was whole and still."""


@dataclass(slots=True)
class Seen:
    """What one page took, visit by visit: seconds, bytes in all, and the bytes of the largest piece."""

    seconds: list[float] = field(default_factory=list)
    sent: int = 0
    largest: int = 0

    def note(self, seconds: float, sizes: list[int]) -> None:
        self.seconds.append(seconds)
        self.sent, self.largest = max(self.sent, sum(sizes)), max(self.largest, *sizes)


def rows(nights: Nights, rounds: int) -> Iterator[Row]:
    """Two rows a page."""
    few = Nights.make(nights.folder / str(FEW), FEW)
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        folders = full(nights), full(few), empty(nights.folder)
        windows = [_Window(browser, stack.enter_context(served(data))) for data in folders]
        for page in PAGES:
            for window in windows:
                window.visit(page)
            seen = Seen(), Seen(), Seen()
            for _ in range(rounds):
                for window, found in zip(windows, seen, strict=True):
                    found.note(*window.visit(page))
            ours, small, bare = seen
            yield _row(page, nights.people, ours, "the same page, empty", bare)
            yield _row(page, nights.people, ours, f"the same page, {FEW} people", small)


def _row(page: str, people: int, ours: Seen, peer: str, bare: Seen) -> Row:
    seconds, theirs = statistics.median(ours.seconds), statistics.median(bare.seconds)
    reached = seconds <= MOST * theirs and ours.largest <= MOST_SENT
    return (
        f"page {page or 'overview'}", f"{people:,}", f"{seconds_of(seconds)} (wall)", peer, seconds_of(theirs),
        ratio_of(seconds / theirs), f"≤ {MOST:g} ×, ≤ {MOST_SENT // MEGABYTE} MB sent", yes(reached), _sent(ours), _sent(bare),
        f"{len(ours.seconds)} / {len(bare.seconds)}",
    )  # fmt: skip


def _sent(seen: Seen) -> str:
    return f"{seen.sent / MEGABYTE:.2f} MB sent"


# --- the two data folders ---------------------------------------------------------------------------------


def full(nights: Nights) -> Path:
    """A data folder with a first run of as many adds as join in a night, and then a night's preview, tested connection and sample; all of it
    by the worker, as from the pages."""
    data = Path(tempfile.mkdtemp(dir=nights.folder))
    with hibob(nights, "before") as before, hibob(nights) as now:
        chief = _set_up(data, before)
        table = nights.table("before")
        fill(chief, islice(nights.rows("before"), int(nights.people * (1 - JOINED))), table.column_names)
        _work(chief, JobKind.PREVIEW)
        plan = looking.plans_seen(chief, LABEL, 1)[0]
        approving.approve(chief, plan.id)
        _work(chief, JobKind.PROCESS, plan.id)
        chief.db.execute("UPDATE connections SET base_url = ?", now)
        for kind in (JobKind.CHECK, JobKind.SAMPLE, JobKind.PREVIEW):
            _work(chief, kind)
        chief.db.close()
    return data


def empty(folder: Path) -> Path:
    """A data folder in which that customer is set up, and nothing happened yet."""
    data = Path(tempfile.mkdtemp(dir=folder))
    _set_up(data, "http://127.0.0.1:9/v1").db.close()
    return data


def _set_up(data: Path, url: str) -> Workspace:
    """The house as the CSM sees it, by the real clock: the pages look at it now."""
    house = Workspace(data, ALLOWED, operator())
    setting_up.set_up(house, setup_text(url) + ON_LEAVE)
    setting_up.grant(house, CSM, Role.CSM, None)
    return acting_as(house, member(CSM))


def _work(chief: Workspace, kind: JobKind, plan: str | None = None) -> None:
    asking.ask(chief, LABEL, kind, plan)
    job = jobs.claim(chief.db, chief.clock())
    assert job
    worker.execute(chief, job)
    done = jobs.get_job(chief.db, job.id)
    assert not done.error, done.error


# --- server and browser -----------------------------------------------------------------------------------


@contextmanager
def served(data: Path) -> Iterator[str]:
    """`asgi.py` for one data folder; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
    own = {
        "ROLLCALL_DATA": str(data),
        "ROLLCALL_WORKER": "external",
        "ROLLCALL_LOCAL_USER": CSM,
        "ROLLCALL_MODE": "local",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "streamlit", "run", "asgi.py", "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=kept | ALLOWED | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _until_ready(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _until_ready(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:  # noqa: S310 - our own
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("The web app did not start.")


@contextmanager
def chromium() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("ROLLCALL_TEST_BROWSER") or shutil.which("chromium")
    with sync_playwright() as playwright:
        # --no-sandbox: Chromium refuses to run as root otherwise, as in a container.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class _Window:
    """One person's window on one server, with what comes to it."""

    def __init__(self, browser: "Browser", address: str) -> None:
        self.address = address
        # The app's policy forbids to evaluate, which is how Playwright waits.
        context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
        context.add_init_script(PAINTED)
        self.page = context.new_page()
        self.frames: list[int] = []
        self.answers: list[Response] = []
        self.page.on("websocket", lambda web: web.on("framereceived", lambda frame: self.frames.append(len(frame))))
        self.page.on("response", lambda answer: self.answers.append(answer))

    def visit(self, page: str) -> tuple[float, list[int]]:
        """Open a page and wait until it is drawn. Returns in how many seconds that was, and the size of all that came."""
        self.frames.clear()
        self.answers.clear()
        self.page.goto(f"{self.address}/{page}", wait_until="commit")
        self.page.wait_for_function("window.painted", timeout=120_000)
        own = [each for each in self.answers if PROGRAM not in each.url]
        sizes = [*self.frames, *(each.request.sizes()["responseBodySize"] for each in own)]
        return self.page.evaluate("window.painted") / 1_000, sizes
