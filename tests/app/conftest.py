"""A web app by itself on a data folder of its own: every page through Streamlit's AppTest, jobs done on the spot."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest, app_test

from provisioning import demo
from provisioning.sandbox import Sandbox
from provisioning.store import jobs
from provisioning.workflow import approving, asking, planning, processing, setting_up


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An installation without any customer."""
    monkeypatch.setenv("ROLLCALL_DATA", str(tmp_path))
    monkeypatch.setenv("ROLLCALL_WORKER", "external")
    monkeypatch.setenv("ROLLCALL_ALLOWED_HOSTS", "127.0.0.1")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", ADMIN)
    app = App(tmp_path, {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1"})
    yield app
    app.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(people=40, seed=1, port=0)
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def app(empty: App, sandbox: Sandbox) -> App:
    """The example customer, before the first preview, looked at by its admin."""
    empty.environment[demo.TOKEN_VARIABLE] = sandbox.token
    text = demo.SETUP.read_text(encoding="utf-8").replace(f"http://127.0.0.1:{demo.PORT}/v1", sandbox.base_url)
    setting_up.set_up(empty.house(None), text)
    return empty


@pytest.fixture
def full(app: App) -> App:
    """… after a test, a preview, its approval and its run."""
    house = app.house()
    asking.ask(house, DOMAIN, jobs.JobKind.CHECK)
    app.work()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    return app


@pytest.fixture
def said() -> Callable[[AppTest], str]:
    """Everything a page says, as one text."""

    def everything(at: AppTest) -> str:
        kinds = ("title", "header", "markdown", "caption", "text", "error", "warning", "info", "success")
        texts = [str(each.value) for kind in kinds for each in getattr(at, kind)]
        return "\n".join([*texts, *(str(each.label) for each in at.button), *(str(m.label) for m in at.metric)])

    return everything


def pytest_sessionfinish() -> None:
    """AppTest leaves a folder to the interpreter's end, which warns."""
    app_test.TMP_DIR.cleanup()
