"""One person's browser: pages that are ready before they are read, and whatever went wrong on the way."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, WebSocket, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from provisioning.sandbox import Sandbox

READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PATIENCE = 60_000
"""Milliseconds: what comes at all is waited for, however slow the machine is."""
STILL = """() => new Promise(done => {
    let quiet
    const end = () => { watch.disconnect(); clearTimeout(quiet); clearTimeout(latest); done() }
    const again = () => { clearTimeout(quiet); quiet = setTimeout(end, 250) }
    const watch = new MutationObserver(again)
    const latest = setTimeout(end, 5000)
    watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true})
    again()
})"""
"""Ends when nothing of the document changed for a quarter of a second: what came from the server is drawn."""


@dataclass(frozen=True)
class Demo:
    sandbox: Sandbox
    address: str


@dataclass
class Visit:
    """A browser window. `faults` collects console errors and requests that go to another server. `took`: in how many
    seconds each page that was opened had drawn itself. `awaits`: the page asked for a run whose end it was not told."""

    context: BrowserContext
    page: Page
    address: str
    faults: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    awaits: bool = False

    def open(self, path: str) -> None:
        began, self.awaits = time.monotonic(), True
        self.page.goto(f"{self.address}/{path}")
        self.page.wait_for_selector(READY)
        self.took[path or "overview"] = round(time.monotonic() - began, 2)
        self.ready()

    def ready(self) -> None:
        """Wait until the server has told the end of what was asked for last, and it is drawn, however slow both are."""
        latest = time.monotonic() + 90
        self.page.wait_for_timeout(150)  # a click becomes a request
        while time.monotonic() < latest:
            self.page.wait_for_selector(READY)
            if self.awaits:
                self.page.wait_for_timeout(50)
                continue
            with suppress(Error):  # the page left for another meanwhile
                self.page.evaluate(STILL)
                if not self.awaits:
                    return
        raise AssertionError("the page is not told the end of a run")

    def overhear(self, socket: WebSocket) -> None:
        """Every document begins by asking for a run, and is told its end; so is whatever is pressed."""

        def sent(payload: str | bytes) -> None:
            told = BackMsg.FromString(payload) if isinstance(payload, bytes) else BackMsg()
            # What a part of the page asks for every second, while work goes on, nobody waits for.
            if told.HasField("rerun_script") and not told.rerun_script.is_auto_rerun:
                self.awaits = True

        def received(payload: str | bytes) -> None:
            told = ForwardMsg.FromString(payload) if isinstance(payload, bytes) else ForwardMsg()
            if told.HasField("script_finished") and told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self.awaits = False

        self.awaits = True
        socket.on("framesent", sent)
        socket.on("framereceived", received)

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.ready()

    def go(self, title: str) -> None:
        self.page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        self.ready()

    def sees(self, text: str) -> Locator:
        found = self.page.get_by_text(text).first
        expect(found).to_be_visible()
        self.ready()
        return found

    def drawn(self) -> None:
        """Wait until nothing is a grey place any more that waits for its code, however slow the machine is."""
        expect(self.page.locator("[data-testid=stSkeleton]:visible")).to_have_count(0)
        self.page.wait_for_timeout(900)

    def top(self, folder: Path, name: str) -> None:
        """The window at the top of the page."""
        self.drawn()
        self.page.screenshot(path=folder / f"{name}.png")

    def picture(self, folder: Path, name: str) -> None:
        """The whole page, as high as it is."""
        folder.mkdir(parents=True, exist_ok=True)
        self.drawn()
        height = int(self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
        self.page.set_viewport_size({"width": 1440, "height": max(860, min(height, 2800))})
        self.page.mouse.move(5, 5)
        self.drawn()
        self.page.screenshot(path=folder / f"{name}.png")
        self.page.set_viewport_size({"width": 1440, "height": 900})


def visit(browser: Browser, address: str, scheme: str = "light") -> Visit:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    found = Visit(context, context.new_page(), address)

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.faults.append(f"console: {message.text} {message.location['url']}")

    def on_request(url: str) -> None:
        where = urlsplit(url)
        if where.scheme not in ("data", "blob") and where.netloc != urlsplit(address).netloc:
            found.faults.append(f"outside request: {url}")

    found.page.on("console", on_console)
    found.page.on("request", lambda request: on_request(request.url))
    found.page.on("websocket", lambda socket: on_request(socket.url))
    found.page.on("websocket", found.overhear)
    found.page.on("pageerror", lambda error: found.faults.append(f"page error: {error}"))
    return found


def findings(page: Page, path: str) -> list[str]:
    """What axe finds, of any weight: page, rule, words and the place of each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{path or 'overview'} {rule['id']} ({rule['impact']}): {node['failureSummary']} {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]
