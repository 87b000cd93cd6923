"""A server that nobody configured serves nothing: the production entry, and the app, first thing after a start."""

from pathlib import Path

import pytest
from app_server import KEY, AppServer, app_server, free_port
from playwright.sync_api import Browser
from visit import visit

from provisioning.workflow import setting_up
from provisioning.workflow.house import Workspace
from provisioning.workflow.house import operator as by_operator

CANARY = "Canary Trading 5f1d"
ME = "me@acme.example"
UNCONFIGURED = {
    "asgi.py, as it comes": ("asgi.py", {}, "has no [auth]"),
    "asgi.py, though somebody is named": ("asgi.py", {"ROLLCALL_LOCAL_USER": ME}, "has no [auth]"),
    "asgi.py in local mode, without a name": ("asgi.py", {"ROLLCALL_MODE": "local"}, "Nobody is named"),
    "app.py, without a name": ("app.py", {}, "Nobody is named"),
    "app.py, as a server": ("app.py", {"ROLLCALL_MODE": "server", "ROLLCALL_LOCAL_USER": ME}, "has no [auth]"),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    operator = Workspace(tmp_path / "data", {"ROLLCALL_KEY": KEY}, by_operator())
    setting_up.set_up(operator, f'[customer]\nname = "{CANARY}"\n[[members]]\nemail = "{ME}"\nrole = "admin"\n')
    operator.db.close()
    return tmp_path / "data"


def shown(browser: Browser, server: AppServer, path: str) -> str:
    guest = visit(browser, server.address)
    guest.open(path)
    text = guest.page.inner_text("body") + guest.page.content()
    guest.context.close()
    return text


@pytest.mark.parametrize("case", UNCONFIGURED)
def test_a_server_that_nobody_configured_says_what_to_set_and_nothing_else(
    data: Path, browser: Browser, case: str
) -> None:
    entry, environment, why = UNCONFIGURED[case]
    with app_server(data, None, free_port(), entry=entry, **environment) as server:
        for path in ("history", ""):
            text = shown(browser, server, path)
            assert why in text
            assert CANARY not in text
            assert "No domain yet" not in text
        if entry == "asgi.py":
            assert server.get("/ready")[:2] == (503, "sign-in is not configured")


def test_local_mode_is_asked_for_in_so_many_words(data: Path, browser: Browser) -> None:
    with app_server(data, None, free_port(), ROLLCALL_MODE="local", ROLLCALL_LOCAL_USER=ME) as server:
        text = shown(browser, server, "")
        assert "No domain yet" in text
        assert "nobody signs in" in text


def test_a_broken_sign_in_is_no_local_mode(data: Path, browser: Browser) -> None:
    with app_server(data, "[auth\nbroken", free_port(), ROLLCALL_MODE="local", ROLLCALL_LOCAL_USER=ME) as server:
        text = shown(browser, server, "people")
        assert "cannot be read as TOML" in text
        assert CANARY not in text
