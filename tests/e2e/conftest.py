"""A real browser on the real demo: sandbox, worker and web app on free ports and a folder of their own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from visit import PATIENCE, Demo

from provisioning import demo

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # --no-sandbox: Chromium refuses to run as root otherwise, as in a container.
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("ROLLCALL_TEST_BROWSER") or shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Demo]:
    with demo.together(tmp_path / "data", 0, 0) as (sandbox, address, _):
        yield Demo(sandbox, address)
