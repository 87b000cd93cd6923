"""Rollcall first thing after its installation, and after some days' use; both served as in production, in local mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app_server import KEY, AppServer, app_server, free_port

from provisioning import demo, worker, workflow
from provisioning.model import Role
from provisioning.sandbox import Sandbox
from provisioning.setup_file import ScheduleTable
from provisioning.store import jobs
from provisioning.store.jobs import JobKind
from provisioning.workflow import Workspace

CSM = "csm@skillcast.example"
"""Sees every page of the example customer; Customers is for CSMs alone."""
AUDITOR = "auditor@northwind.example"
EACH_MORNING = ScheduleTable(cron="0 5 * * 1-5", timezone="Europe/London", does="preview")


def house(data: Path, who: str, sandbox: Sandbox | None = None) -> Workspace:
    """`sandbox`: whose token the set-up file asks for."""
    environment = {"ROLLCALL_KEY": KEY, "ROLLCALL_ALLOWED_HOSTS": "127.0.0.1"}
    environment |= {demo.TOKEN_VARIABLE: sandbox.token} if sandbox else {}
    return Workspace(data, environment, workflow.member(who) if who else workflow.operator())


def begin(data: Path, sandbox: Sandbox) -> None:
    """The example customer, set up, its connection tested; nothing previewed yet."""
    operator, chief = house(data, "", sandbox), house(data, demo.ADMIN)
    text = demo.SETUP.read_text(encoding="utf-8").replace(f"http://127.0.0.1:{demo.PORT}/v1", sandbox.base_url)
    workflow.set_up(operator, text)
    workflow.grant(operator, AUDITOR, Role.AUDITOR, demo.DOMAIN.partition("/")[0])
    work(chief, JobKind.CHECK)
    operator.db.close()
    chief.db.close()


def work(chief: Workspace, kind: JobKind) -> None:
    """As a page asks for it and the worker does it."""
    workflow.ask(chief, demo.DOMAIN, kind)
    job = jobs.claim(chief.db, chief.clock())
    assert job
    worker.execute(chief, job)


def days_pass(data: Path, sandbox: Sandbox, runs: int = 2) -> None:
    """So many runs, a schedule that is on, and a preview that waits."""
    chief = house(data, demo.ADMIN)
    for _ in range(runs):
        plan = workflow.preview(chief, demo.DOMAIN)
        workflow.approve(chief, plan.id)
        workflow.process(chief, plan.id)
        sandbox.pass_day()
    workflow.save_schedule(chief, demo.DOMAIN, EACH_MORNING)
    workflow.switch_on(chief, demo.DOMAIN)
    work(chief, JobKind.CHECK)
    work(chief, JobKind.PREVIEW)
    chief.db.close()


@contextmanager
def served(data: Path, who: str, **more: str) -> Iterator[AppServer]:
    """Local mode, as this person."""
    local = {"ROLLCALL_MODE": "local", "ROLLCALL_LOCAL_USER": who, "ROLLCALL_ALLOWED_HOSTS": "127.0.0.1"}
    with app_server(data, None, free_port(), **local | more) as server:
        yield server


@contextmanager
def in_use(folder: Path) -> Iterator[AppServer]:
    """The example customer after two runs, seen by its CSM."""
    with Sandbox(people=250, seed=1) as sandbox:
        begin(folder / "data", sandbox)
        days_pass(folder / "data", sandbox)
        with served(folder / "data", CSM) as server:
            yield server


@contextmanager
def empty(folder: Path) -> Iterator[AppServer]:
    """Nobody has set anything up."""
    with served(folder / "data", demo.ADMIN) as server:
        yield server
