"""The hostile company in a real browser, without the production entry's policy between: no script of a name's runs, and
nothing is asked of another host."""

from pathlib import Path

import pytest
from app_server import KEY, app_server, free_port
from hostile import ADMIN, EVIL, LABEL, poison, poisoned
from playwright.sync_api import Browser
from visit import findings, visit

from provisioning.sandbox import Sandbox
from provisioning.workflow import looking, planning, stored_plans
from provisioning.workflow.house import Workspace, member
from provisioning.workflow.house import operator as by_operator

SHOWN = ("preview?person={person}", "people?person={person}", "history?show=previews", "settings", "mapping")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data, environment = tmp_path / "data", {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1", "ROLLCALL_KEY": KEY}
    operator = Workspace(data, environment, by_operator())
    chief = Workspace(data, environment, member(ADMIN))
    with Sandbox(people=60) as sandbox:
        poison(sandbox)
        poisoned(sandbox, environment, operator)
        planning.preview(chief, LABEL)
    operator.db.close()
    chief.db.close()
    return data


def test_no_script_runs_and_nothing_is_asked_of_another_host(data: Path, browser: Browser) -> None:
    chief = Workspace(data, {"ROLLCALL_KEY": KEY}, member(ADMIN))
    plan = stored_plans.show_plan(chief, looking.newest(chief, LABEL).preview or "")
    chief.db.close()
    person = next(each.key for each in plan.changes if "<img" in each.name)
    with app_server(data, None, free_port(), entry="app.py", ROLLCALL_LOCAL_USER=ADMIN) as server:
        guest = visit(browser, server.address)
        for path in SHOWN:
            guest.open(path.format(person=person))
            assert guest.page.evaluate("window.hostile === undefined"), path
            assert guest.page.locator(f"[src*='{EVIL}'], [href^='http://{EVIL}']").count() == 0, path
        guest.open("settings")
        guest.page.get_by_text("Offboard from Rollcall").first.click()
        guest.ready()
        guest.sees("onerror")
        # Without the production entry Streamlit looks for its server below the page first, and is told 404.
        assert [each for each in guest.faults if "/_stcore/" not in each] == []
        guest.context.close()


def test_axe_finds_nothing_where_names_have_no_end(data: Path, browser: Browser) -> None:
    with app_server(data, None, free_port(), ROLLCALL_MODE="local", ROLLCALL_LOCAL_USER=ADMIN) as server:
        guest = visit(browser, server.address)
        guest.page.set_viewport_size({"width": 390, "height": 844})
        found = []
        for path in ("", "preview", "preview?show=held", "people", f"people?person={'W' * 100}", "history", "mapping"):
            guest.open(path)
            found += findings(guest.page, path)
        guest.context.close()
    assert found == []
