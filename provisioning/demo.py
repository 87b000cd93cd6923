"""The demo: sandbox, example customer, worker and web app together, and the main job done once by itself. Composes use cases and
knows no rule; the sandbox is never reached but by HTTP, like HiBob."""

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from provisioning.errors import RollcallError, UsageError
from provisioning.hosts import ALLOWED_VARIABLE
from provisioning.model import Action, Plan, PlanStatus, RunStatus
from provisioning.report.text import counts_line, plan_lines, run_lines
from provisioning.sandbox import Sandbox
from provisioning.sandbox.day import DayReport, Happening
from provisioning.store.jobs import JobKind
from provisioning.worker import Stopping
from provisioning.workflow import approving, asking, looking, planning, processing, reading, setting_up, workbooks
from provisioning.workflow.house import MODE, Workspace, member, operator

ROOT = Path(__file__).resolve().parents[1]
SETUP = ROOT / "data" / "northwind.toml"
DEMO_DATA = ROOT / "data" / "demo"
DEMO_MARK = "demo.txt"
"""Stands in a folder that a demo made, and that the next one may empty."""
DOMAIN = "Northwind Trading/staff"
ADMIN = "admin@northwind.example"
PORT = 8799
WEB_PORT = 8501
TOKEN_VARIABLE = "NORTHWIND_TOKEN"  # noqa: S105 - a name, not a token
ADDRESS_FILE = "sandbox.json"


class DemoFailed(RollcallError):
    """The main job did not come out as it must."""

    exit_code = 1


# --- the sandbox by itself ---------------------------------------------------------------------------------


@contextmanager
def _running(data: Path, people: int, seed: int, port: int) -> Iterator[Sandbox]:
    """A sandbox whose address stands in the data folder while it runs, for `day`."""
    try:
        sandbox = Sandbox(people=people, seed=seed, port=port)
        sandbox.start()
    except (OSError, ValueError, OverflowError) as problem:
        raise UsageError(f"The sandbox cannot start: {problem}.") from None
    address = data / ADDRESS_FILE
    try:
        _write_address(address, sandbox.base_url)
        yield sandbox
    finally:
        sandbox.stop()
        with contextlib.suppress(OSError):
            address.unlink(missing_ok=True)


def _write_address(file: Path, base_url: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
            json.dump({"base_url": base_url}, out)
    except OSError as problem:
        raise UsageError(f"The data folder {file.parent} cannot be written: {problem.strerror}.") from None


def serve_sandbox(data: Path, people: int, seed: int, port: int) -> int:
    """Run a sandbox until interrupted."""
    if people < 1:
        raise UsageError("The sandbox needs at least one person.")
    with _running(data, people, seed, port) as sandbox:
        print(f"base URL  {sandbox.base_url}")
        print(f"id        {sandbox.service_user_id}")
        print(f"token     {sandbox.token}")
        print(f"It is on this machine: {ALLOWED_VARIABLE}=127.0.0.1 allows a connection to it.", flush=True)
        _until_interrupted()
    return 0


def pass_day(data: Path) -> list[str]:
    """Let a day pass in the sandbox that runs on this data folder; returns what happened, in lines."""
    try:
        base = json.loads((data / ADDRESS_FILE).read_text())["base_url"]
    except (OSError, ValueError, KeyError):
        raise UsageError(
            f"No sandbox is running on the data folder {data}. Start one with `demo` or `sandbox`."
        ) from None
    request = urllib.request.Request(f"{base.removesuffix('/v1')}/sandbox/day", data=b"", method="POST")  # noqa: S310
    try:
        # The address is the one that our own sandbox wrote down: always loopback http.
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            report: Mapping[str, object] = json.load(answer)
    except (urllib.error.URLError, ValueError):
        raise UsageError(f"No sandbox answers at {base}. Start one with `demo` or `sandbox`.") from None
    return _day_lines(report)


def _day_lines(report: Mapping[str, object]) -> list[str]:
    lines = [f"A day passed: it is {report['date']} at Northwind Trading."]
    for kind, people in report.items():
        if isinstance(people, list):
            lines += [f"  {kind.replace('_', ' '):<10} {each['name']}: {each['what']}" for each in people]
    return lines


def _until_interrupted(children: Sequence["subprocess.Popen[bytes]"] = ()) -> None:
    """Until somebody stops us, or one of the children has ended by itself."""
    stopping = Stopping()
    while not stopping.asked:
        stopping.wait(1.0)
        if not stopping.asked and any(child.poll() is not None for child in children):
            raise DemoFailed("The worker or the web app ended by itself. Its messages stand above.")


# --- the example customer ----------------------------------------------------------------------------------


def _set_up(data: Path, sandbox: Sandbox) -> Workspace:
    environment = {ALLOWED_VARIABLE: "127.0.0.1", TOKEN_VARIABLE: sandbox.token}
    house = Workspace(data, environment, operator())
    text = SETUP.read_text(encoding="utf-8").replace(f"http://127.0.0.1:{PORT}/v1", sandbox.base_url)
    setting_up.set_up(house, text)
    return house


def serve(data: Path) -> int:
    """The demo on this data folder, until interrupted. Begins anew each time, as the sandbox does."""
    with _emptied(data), together(data, PORT, WEB_PORT) as (sandbox, address, children):
        there = shlex.quote(str(data.relative_to(ROOT) if data.is_relative_to(ROOT) else data))
        print(_WELCOME.format(address=address, admin=ADMIN, base=sandbox.base_url, data=there), flush=True)
        _open_browser(address)
        _until_interrupted(children)
    return 0


@contextmanager
def _emptied(data: Path) -> Iterator[None]:
    """Take away what an earlier demo left, and nothing else: the folder may be anybody's. It is ours until the end; whoever is
    killed loses it at once. Raises `UsageError`."""
    mark = data / DEMO_MARK
    with contextlib.ExitStack() as held:
        try:
            if mark.exists():
                _hold(held.enter_context(mark.open("rb")).fileno(), data)
            elif data != DEMO_DATA and data.exists() and any(data.iterdir()):
                raise UsageError(f"The folder {data} is not empty, and no demo made it. Name an empty or a new one.")
            if data.exists():
                shutil.rmtree(data)
            data.mkdir(parents=True, mode=0o700)
            made = held.enter_context(mark.open("w", encoding="utf-8"))
            made.write("The demo made this folder, and empties it when it starts again.\n")
            made.flush()
            _hold(made.fileno(), data)
        except OSError as problem:
            raise UsageError(f"The data folder {data} cannot be written: {problem.strerror}.") from None
        yield


def _hold(mark: int, data: Path) -> None:
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"A demo is running on {data}. End it first, or name another folder: --data DIR.") from None


Children = list["subprocess.Popen[bytes]"]


@contextmanager
def together(data: Path, port: int, web_port: int, people: int = 250) -> Iterator[tuple[Sandbox, str, Children]]:
    """Sandbox, example customer, worker and web app, on these ports where they are free: (sandbox, the web app's
    address, the processes)."""
    with _running(data, people, 1, port if _free(port) else 0) as sandbox:
        house = _set_up(data, sandbox)
        # Connection and mapping are ready, as the welcome says: the worker proves it before anybody looks.
        asking.ask(house, DOMAIN, JobKind.CHECK)
        address = f"http://127.0.0.1:{web_port if web_port and _free(web_port) else _free_port()}"
        with _children(house, address) as children:
            if not _answers(address, children):
                raise DemoFailed("The web app did not start. Its messages stand above.")
            yield sandbox, address, children


_WELCOME = """
Rollcall is at {address}

Northwind Trading, an invented company of 250 people, is set up on a HiBob stand-in ({base});
you act as {admin}. Begin with Preview.
Let a day pass, in a second terminal in this folder:  ./scripts/rollcall --data {data} day

Ctrl-C ends everything; the next start begins anew.
"""


@contextmanager
def _children(house: Workspace, address: str) -> Iterator[Children]:
    """The worker and the web app, as the example customer's admin; both end with us, also when we are killed."""
    environment = {**os.environ, **house.environment, "PYTHONPATH": str(ROOT), "ROLLCALL_LOCAL_USER": ADMIN}
    environment |= {"ROLLCALL_DATA": str(house.data), "ROLLCALL_WORKER": "external", MODE: "local"}
    web = ["streamlit", "run", "asgi.py", "--server.port", address.rpartition(":")[2]]
    worker = ["provisioning", "--data", str(house.data), "worker"]
    beside = [sys.executable, "-m", "provisioning.beside", str(os.getpid())]
    started = [
        # A session of their own: ctrl-C reaches us alone, and we end them in order.
        subprocess.Popen(
            [*beside, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        for command in (worker, web)
    ]
    try:
        yield started
    finally:
        for each in started:
            each.terminate()
        for each in started:
            _end(each)


def _end(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _answers(address: str, children: Children) -> bool:
    """Wait until the web app is ready, or has ended."""
    for _ in range(300):
        if any(child.poll() is not None for child in children):
            return False
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:  # noqa: S310 - our own
                if answer.read() == b"ok":
                    return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def _open_browser(address: str) -> None:
    """Where somebody sits at a screen."""
    screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if screen and not os.environ.get("CI"):
        webbrowser.open(address)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# --- the main job, once ------------------------------------------------------------------------------------


def check(say: Callable[[str], None] = print) -> int:
    """Check, preview, workbook, approval, processing, an empty preview, and a day that shows. Raises `DemoFailed`
    when any of it does not come out as it must."""
    with tempfile.TemporaryDirectory(prefix="rollcall-demo-") as folder, _running(Path(folder), 250, 1, 0) as sandbox:
        house = _set_up(Path(folder), sandbox)
        say(f"The sandbox is at {sandbox.base_url}; customer and mapping are set up.")
        _check_connection(house, say)
        first = planning.preview(house, DOMAIN)
        _say_plan("Preview", first, say)
        _must(first.status is PlanStatus.READY and first.counts["add"] > 0, "the first preview is not ready")
        _approve_and_process(house, first, say)
        second = planning.preview(house, DOMAIN)
        _must(second.status is PlanStatus.EMPTY, "the second preview is not empty")
        say(f"Second preview: {second.status.value}, {counts_line(second.counts)}.")
        report = sandbox.pass_day()
        happened = {each.id for people in _people_of(report) for each in people}
        say(f"A day passes at {sandbox.company.name}: {_in_words(report)}.")
        third = planning.preview(house, DOMAIN)
        _say_plan("Preview of that day", third, say)
        _must(bool(third.changes), "the day does not show")
        strangers = {each.key for each in third.changes} - happened
        managers = {each.key for each in third.changes if set(each.after) == {"Manager"}}
        shown = {each.key for each in third.changes} | {each.key for each in third.held}
        hidden = {each.id for each in (*report.movers, *report.renamed)} - shown
        _must(not hidden, f"of those who moved or were renamed, {len(hidden)} do not show")
        _must(strangers <= managers, f"{len(strangers - managers)} people change to whom nothing happened")
        say("Everything came out as it must.")
    return 0


def _must(true: bool, otherwise: str) -> None:
    if not true:
        raise DemoFailed(f"The demo failed: {otherwise}.")


def _check_connection(house: Workspace, say: Callable[[str], None]) -> None:
    found = reading.check(house, DOMAIN)
    _must(found.ok, "the connection test has findings")
    filled = sum(1 for each in found.columns if each.state == "ok")
    say(
        f"Check: {found.live:,} live and {found.inactive:,} inactive people visible; {filled} of {len(found.columns)} "
        "mapped columns have values."
    )


def _say_plan(what: str, plan: Plan, say: Callable[[str], None]) -> None:
    say(f"{what}:")
    for line in plan_lines(plan, most=8):
        say(f"  {line}")


def _approve_and_process(house: Workspace, plan: Plan, say: Callable[[str], None]) -> None:
    """By the workbook, as it goes back and forth between people."""
    admin = Workspace(house.data, house.environment, member(ADMIN))
    workbook = BytesIO()
    workbooks.export_workbook(admin, plan.id, workbook)
    say(f"Workbook: {len(workbook.getvalue()):,} bytes.")
    workbook.seek(0)
    approval = approving.approve(admin, plan.id, workbook=workbook)
    say(f"Approved from the workbook by {approval.by}, digest {approval.digest[:12]}….")
    run = processing.process(admin, plan.id)
    for line in run_lines(run):
        say(line)
    _must(run.status is RunStatus.DONE, f"the run ended as {run.status.value}")
    live = sum(1 for _, _, status, _ in looking.users(admin, DOMAIN) if status == "Live")
    added = sum(1 for each in plan.changes if each.action is Action.ADD)
    _must(live == added, f"{added} were to be added and {live} users are live")
    admin.db.close()


def _people_of(report: DayReport) -> list[tuple[Happening, ...]]:
    return [getattr(report, kind) for kind in _KINDS]


def _in_words(report: DayReport) -> str:
    counts = {kind.replace("_", " "): len(getattr(report, kind)) for kind in _KINDS}
    return ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)


_KINDS = ("joiners", "announced", "movers", "leavers", "returners", "renamed", "on_leave", "back")
