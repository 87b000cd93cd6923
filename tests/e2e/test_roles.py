"""What each role sees and can press: signed in through a real identity provider, on a customer that is in use."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import stage
from app_server import AppServer, app_server, free_port
from playwright.sync_api import Browser, Page, expect
from provider import Provider
from visit import Visit, visit

from provisioning import demo
from provisioning.sandbox import Sandbox

PAGES = ("", "start", "connect", "mapping", "settings", "preview", "process", "schedule", "history", "history?show=evidence",
         "people")  # fmt: skip
SIDEBAR = ["Overview", "Before you start", "Connect", "Mapping", "Settings", "Preview", "Process", "Schedule", "History",
           "People"]  # fmt: skip
READ_AS_FACTS = ("start", "connect", "mapping", "settings", "settings?part=limits", "schedule", "preview", "process")
READING = ("Download", "Run", "Open the run", "Check the history")
"""How buttons begin that change nothing."""
CHANGING = {
    "connect": ["Test the connection"],
    "preview": ["Make a preview", "Approve"],
    "schedule": ["Switch off", "Pause all", "Remove the schedule"],
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[AppServer]:
    data, port = tmp_path_factory.mktemp("roles") / "data", free_port()
    with Sandbox(people=60, seed=1) as sandbox:
        stage.begin(data, sandbox)
        stage.days_pass(data, sandbox, runs=1)
        toml = provider.secrets_toml(f"http://127.0.0.1:{port}")
        with app_server(data, toml, port, ROLLCALL_ALLOWED_HOSTS="127.0.0.1") as running:
            yield running


@contextmanager
def signed_in(browser: Browser, server: AppServer, provider: Provider, email: str) -> Iterator[Visit]:
    """Leaves without a fault on the way; going to the identity provider is none."""
    provider.person = {"sub": f"subject of {email}", "email": email, "email_verified": True}
    walker = visit(browser, server.address)
    walker.open("")
    walker.page.get_by_role("button", name="Sign in").click()
    expect(walker.page.get_by_role("button", name="Sign out")).to_be_visible()
    walker.ready()
    yield walker
    assert [each for each in walker.faults if provider.issuer not in each] == []
    walker.context.close()


def links_to(page: Page, titles: list[str]) -> None:
    """The sidebar's links are these and no others; each begins with the name of its icon."""
    links = page.get_by_test_id("stSidebar").get_by_role("link")
    expect(links).to_have_text([re.compile(f"{title}$") for title in titles])


@pytest.mark.parametrize("email", [demo.ADMIN, stage.CSM])
def test_admin_and_csm_may_prepare_approve_and_switch(
    browser: Browser, server: AppServer, provider: Provider, email: str
) -> None:
    with signed_in(browser, server, provider, email) as walker:
        links_to(walker.page, [SIDEBAR[0], *(["Customers"] if email == stage.CSM else []), *SIDEBAR[1:]])
        for path, buttons in CHANGING.items():
            walker.open(path)
            for name in buttons:
                expect(walker.page.get_by_role("button", name=name, exact=True)).to_be_enabled()


def test_the_page_of_all_customers_is_for_csms(browser: Browser, server: AppServer, provider: Provider) -> None:
    with signed_in(browser, server, provider, stage.CSM) as walker:
        walker.open("customers")
        walker.sees("Need attention")
    with signed_in(browser, server, provider, demo.ADMIN) as walker:
        walker.open("customers")
        walker.sees("This page is for CSMs")
        assert walker.page.get_by_text("Need attention").count() == 0


def test_an_auditor_reads_every_page_and_can_press_nothing_that_changes(
    browser: Browser, server: AppServer, provider: Provider
) -> None:
    with signed_in(browser, server, provider, stage.AUDITOR) as walker:
        links_to(walker.page, SIDEBAR)
        can = {path: pressable(walker, path) for path in PAGES}
        assert {path: names for path, names in can.items() if names} == {}
        walker.sees("the role auditor changes nothing")
        walker.open("preview")
        expect(walker.page.get_by_role("heading", name="What happens", exact=True)).to_be_visible()
        walker.sees("You may read this, but not approve it")


def test_an_auditor_checks_the_history_by_one_press(browser: Browser, server: AppServer, provider: Provider) -> None:
    with signed_in(browser, server, provider, stage.AUDITOR) as walker:
        walker.open("history?show=evidence")
        walker.click("Check the history")
        walker.sees("The history is as it was written: all")
        walker.sees("The seal fits")
        expect(walker.page.get_by_role("heading", name="Who approved what", exact=True)).to_be_visible()
        walker.open("history")
        walker.sees("checked the history")


@pytest.mark.parametrize("path", READ_AS_FACTS)
def test_an_auditor_is_shown_facts_and_no_control_that_cannot_be_used(
    browser: Browser, server: AppServer, provider: Provider, path: str
) -> None:
    with signed_in(browser, server, provider, stage.AUDITOR) as walker:
        walker.open(path)
        expect(walker.page.get_by_text("the role auditor changes nothing")).to_have_count(1)
        main = walker.page.get_by_test_id("stMain")
        expect(main.locator("button:disabled, input:disabled, textarea:disabled, [aria-disabled=true]")).to_have_count(
            0
        )
        expect(main.locator("form, [data-testid=stFileUploader], textarea")).to_have_count(0)


def pressable(walker: Visit, path: str) -> list[str]:
    """The enabled buttons of a page that are not known to change nothing."""
    walker.open(path)
    expect(walker.page.get_by_role("heading", level=1)).to_be_visible()
    main = walker.page.get_by_test_id("stMain")
    found = main.locator("[data-testid=stButton] button, [data-testid=stFormSubmitButton] button").filter(visible=True)
    names = [each.inner_text().split("\n")[-1] for each in found.all() if each.is_enabled()]
    return [name for name in names if not name.startswith(READING)]
