"""Rollcall first thing after its installation, and after some days' use; both served as in production, in local mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app_server import KEY, AppServer, app_server, free_port

from provisioning import demo, worker
from provisioning.model import Role
from provisioning.sandbox import Sandbox
from provisioning.setup_file import ScheduleTable
from provisioning.store import jobs
from provisioning.store.jobs import JobKind
from provisioning.workflow import approving, asking, planning, processing, scheduling, setting_up
from provisioning.workflow.house import Workspace, member
from provisioning.workflow.house import operator as by_operator

CSM = "csm@skillcast.example"
"""Sees every page of the example customer; Customers is for CSMs alone."""
AUDITOR = "auditor@northwind.example"
CUSTOMERS = [
    ("Northwind Trading", 250, 3),
    ("Harbour Bank", 180, 2),
    ("Lakeside Insurance", 90, 1),
    ("Orchard Legal", 40, 0),
]
"""(name, employees, runs)"""
EACH_MORNING = ScheduleTable(cron="0 5 * * 1-5", timezone="Europe/London", does="preview")


def house(data: Path, who: str, sandbox: Sandbox | None = None) -> Workspace:
    """`sandbox`: whose token the set-up file asks for."""
    environment = {"ROLLCALL_KEY": KEY, "ROLLCALL_ALLOWED_HOSTS": "127.0.0.1"}
    environment |= {demo.TOKEN_VARIABLE: sandbox.token} if sandbox else {}
    return Workspace(data, environment, member(who) if who else by_operator())


NORTHWIND = demo.DOMAIN.partition("/")[0]


def begin(data: Path, sandbox: Sandbox, customer: str = NORTHWIND) -> None:
    """The example customer, or another like it, set up, its connection tested; nothing previewed yet."""
    operator, chief = house(data, "", sandbox), house(data, demo.ADMIN)
    text = demo.SETUP.read_text(encoding="utf-8").replace(f"http://127.0.0.1:{demo.PORT}/v1", sandbox.base_url)
    text = text.replace(NORTHWIND, customer).replace("Northwind HiBob", f"{customer} HiBob")
    setting_up.set_up(operator, text)
    setting_up.grant(operator, AUDITOR, Role.AUDITOR, customer)
    work(chief, JobKind.CHECK, f"{customer}/staff")
    operator.db.close()
    chief.db.close()


def work(chief: Workspace, kind: JobKind, domain: str) -> None:
    """As a page asks for it and the worker does it."""
    asking.ask(chief, domain, kind)
    job = jobs.claim(chief.db, chief.clock())
    assert job
    worker.execute(chief, job)


def days_pass(data: Path, sandbox: Sandbox, runs: int = 2, customer: str = NORTHWIND) -> None:
    """So many runs, a schedule that is on, and a preview that waits."""
    chief, domain = house(data, demo.ADMIN), f"{customer}/staff"
    for _ in range(runs):
        plan = planning.preview(chief, domain)
        approving.approve(chief, plan.id)
        processing.process(chief, plan.id)
        sandbox.pass_day()
    scheduling.save_schedule(chief, domain, EACH_MORNING)
    scheduling.switch_on(chief, domain)
    work(chief, JobKind.CHECK, domain)
    work(chief, JobKind.PREVIEW, domain)
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


@contextmanager
def several(folder: Path) -> Iterator[AppServer]:
    """Customers that are differently far, seen by the CSM of all of them."""
    for seed, (name, people, runs) in enumerate(CUSTOMERS, 1):
        with Sandbox(people=people, seed=seed) as sandbox:
            begin(folder / "data", sandbox, name)
            if runs:
                days_pass(folder / "data", sandbox, runs, name)
    with served(folder / "data", CSM) as server:
        yield server
