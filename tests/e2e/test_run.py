"""A run that is stopped, resumed and tried again, by mouse."""

import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from stillness import stand_still
from visit import Visit, visit

from provisioning import demo
from provisioning.hosts import ALLOWED_VARIABLE
from provisioning.model import Plan, RunStatus
from provisioning.workflow import approving, looking, planning, stored_plans
from provisioning.workflow.house import Workspace, member

MANY = 20_000
"""Their run takes many chunks; that of the demo's company is one."""
A_MOMENT = 0.001


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    found = Workspace(tmp_path / "data", {ALLOWED_VARIABLE: "127.0.0.1"}, member(demo.ADMIN))
    yield found
    if "db" in vars(found):
        found.db.close()


def approved(house: Workspace) -> Plan:
    plan = planning.preview(house, demo.DOMAIN)
    approving.approve(house, plan.id)
    return plan


def status(house: Workspace, plan: Plan) -> RunStatus:
    run = stored_plans.run_of(house, plan.id)
    assert run is not None
    return run.status


def test_a_run_is_stopped_and_resumed_and_nothing_is_done_twice(house: Workspace, browser: Browser) -> None:
    with demo.together(house.data, 0, 0, MANY) as (_, address, children):
        plan = approved(house)
        walker = at_the_run(browser, address, plan)
        with held(children[0], house):
            walker.page.get_by_role("button", name="Process now", exact=True).click()
            walker.page.get_by_role("button", name="Stop", exact=True).click()
            walker.sees("It stops before the next hundred changes.")
        walker.sees("This run did not come to its end")
        assert status(house, plan) is RunStatus.STOPPED
        done = looking.users_seen(house, demo.DOMAIN, "", 0, 0)[1]
        assert 0 < done < len(plan.changes)
        walker.page.reload()
        walker.sees("This run did not come to its end")
        walker.page.get_by_role("button", name="Resume", exact=True).click()
        walker.sees("Everything approved was done")
        assert status(house, plan) is RunStatus.DONE
        assert looking.users_seen(house, demo.DOMAIN, "", 0, 0)[1] == len(plan.changes)
        assert walker.faults == []


def test_whoever_failed_is_tried_again_once_the_cause_is_gone(house: Workspace, browser: Browser) -> None:
    with demo.together(house.data, 0, 0) as (_, address, _children):
        plan = approved(house)
        taken = plan.changes[0].after["Employee ID"]
        stranger = somebody_else_takes(house, plan, str(taken))
        walker = at_the_run(browser, address, plan)
        walker.click("Process now")
        walker.sees("1 person failed; the reasons stand below.")
        walker.page.get_by_role("button", name="Failed", exact=True).click()
        walker.ready()
        assert "results=failed" in walker.page.url
        house.db.execute("DELETE FROM users WHERE id = ?", stranger)
        walker.click("Retry failed")
        walker.sees("Everything approved was done")
        assert looking.users_seen(house, demo.DOMAIN, "", 0, 0)[1] == len(plan.changes)
        assert walker.faults == []


@contextmanager
def held(worker: "subprocess.Popen[bytes]", house: Workspace) -> Iterator[None]:
    """A run that begins within the block stands still after its first chunks, between two writes, until the block ends:
    no hand is as quick as a run."""
    over = threading.Event()
    holding = threading.Thread(target=_hold, args=(worker, house.data, over))
    holding.start()
    try:
        yield
    finally:
        over.set()
        holding.join()
        os.kill(worker.pid, signal.SIGCONT)


def _hold(worker: "subprocess.Popen[bytes]", data: Path, over: threading.Event) -> None:
    with closing(sqlite3.connect(data / "rollcall.db", timeout=0, isolation_level=None)) as db:
        while not db.execute("SELECT EXISTS (SELECT 1 FROM outcomes)").fetchone()[0]:
            if over.wait(A_MOMENT):
                return
    stand_still(worker, data)


def at_the_run(browser: Browser, address: str, plan: Plan) -> Visit:
    walker = visit(browser, address)
    walker.open(f"process?plan={plan.id}")
    expect(walker.page.get_by_role("heading", name="Process", exact=True)).to_be_visible()
    return walker


def somebody_else_takes(house: Workspace, plan: Plan, identifier: str) -> int:
    """A user whom somebody makes in the directory by other means, with an identifier of this preview."""
    return house.db.insert(
        "users", domain_id=plan.domain_id, external_id=None, status="Live",
        attributes=f'{{"Employee ID": "{identifier}"}}',
    )  # fmt: skip
