"""Every page, empty and in use, in the light and in the dark: axe finds nothing, and nothing is out of the window."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import stage
from app_server import AppServer
from playwright.sync_api import Browser, Page, expect
from visit import Demo, Visit, findings, visit

from provisioning.demo import ADMIN

PAGES = {
    "": "Overview",
    "customers": "Customers",
    "start": "Before you start",
    "connect": "Connect",
    "mapping": "Mapping",
    "settings": "Settings",
    "settings?part=limits": "Settings",
    "preview": "Preview",
    "preview?show=held": "Preview",
    "process": "Process",
    "schedule": "Schedule",
    "history": "History",
    "history?show=runs": "History",
    "history?show=previews": "History",
    "history?show=trends": "History",
    "history?show=evidence": "History",
    f"people?person={ADMIN}": "People",
}
NARROW = [
    path for path in PAGES if path.partition("?")[0] in ("", "customers", "preview", "process", "history", "people")
]
"""The pages that show people, runs and customers: a narrow window has all of their tables' columns in sight."""
WIDTHS = {"desk": (1280, 800), "telephone": (390, 844)}
FONT = 12
"""By so many pixels the sidebar may settle when its font has come."""
WATCH = """{
    window.places = {}
    const look = () => {
        for (const each of document.querySelectorAll('[data-testid=stSidebar] [data-testid=stSelectbox]')) {
            const name = each.querySelector('label').innerText
            ;(window.places[name] ||= []).push(Math.round(each.getBoundingClientRect().y))
        }
        requestAnimationFrame(look)
    }
    look()
}"""
"""Notes in every frame how far from the top the boxes Customer and Domain stand. The links below them settle when the
font of their icons has come; that is Streamlit’s."""
LEFTS = """all => all.filter(each => !each.children.length).map(each => {
    const text = document.createRange()
    text.selectNodeContents(each)
    return text.getBoundingClientRect().x
})"""
COVERED = """table => {
    const bar = table.closest('[data-testid=stElementContainer]').querySelector('[data-testid=stElementToolbar]')
    const over = bar.firstElementChild.getBoundingClientRect()
    const shown = [...document.querySelectorAll('[data-testid=stMain] :is(p, label, input)')]
    return shown.filter(each => {
        const box = each.getBoundingClientRect()
        return box.right > over.left && box.left < over.right && box.bottom > over.top && box.top < over.bottom
    }).map(each => each.outerHTML.slice(0, 160))
}"""
"""Words and fields below the buttons that Streamlit lays above a table."""
TIMINGS = os.environ.get("TIMINGS")
"""A file to store in how long each page took; without it they go to the test's own folder."""


@pytest.fixture(scope="module", params=["in use", "empty"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    served = stage.in_use if request.param == "in use" else stage.empty
    with served(tmp_path_factory.mktemp("stage")) as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(server: AppServer, browser: Browser, scheme: str, tmp_path: Path) -> None:
    walker = visit(browser, server.address, scheme)
    found = [finding for path in PAGES for finding in findings(opened(walker, path), path)]
    assert found == []
    assert walker.faults == []
    store(walker.took, tmp_path)
    walker.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_chart_says_can_be_read(server: AppServer, browser: Browser, scheme: str) -> None:
    """axe looks at no drawing. What stands within a bar goes by the bar's colour."""
    walker = visit(browser, server.address, scheme)
    found = [label for path in ("", "preview", "history?show=runs") for label in faint(opened(walker, path))]
    assert found == []
    walker.context.close()


def test_axe_sees_what_is_wrong(server: AppServer, browser: Browser) -> None:
    walker = visit(browser, server.address)
    page = opened(walker, "")
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=\"data:,\"><h5>Deep</h5>')")
    assert {each.split(" ")[1] for each in findings(page, "")} >= {"image-alt", "heading-order"}
    walker.context.close()


def test_customer_and_domain_stay_where_they_are_while_the_page_comes(server: AppServer, browser: Browser) -> None:
    walker = visit(browser, server.address)
    walker.page.add_init_script(WATCH)
    for path in ("", "preview", "history"):
        opened(walker, path)
        places = walker.page.evaluate("window.places")
        assert len(places) == walker.page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox").count()
        moved = {name: (seen[0], seen[-1]) for name, seen in places.items() if max(seen) - min(seen) > FONT}
        assert moved == {}
    walker.context.close()


@pytest.mark.parametrize("size", WIDTHS)
def test_numbers_side_by_side_are_of_one_width(server: AppServer, browser: Browser, size: str) -> None:
    walker = visit(browser, server.address)
    width, height = WIDTHS[size]
    walker.page.set_viewport_size({"width": width, "height": height})
    seen = {path: cards(opened(walker, path)) for path in ("", "customers", "preview", "process")}
    assert {path: widths for path, widths in seen.items() if len(widths) > 1} == {}
    walker.context.close()


@pytest.mark.parametrize("size", WIDTHS)
def test_nothing_is_out_of_the_window(server: AppServer, browser: Browser, size: str) -> None:
    walker = visit(browser, server.address)
    width, height = WIDTHS[size]
    walker.page.set_viewport_size({"width": width, "height": height})
    wrong = {path: beyond(opened(walker, path)) for path in PAGES}
    assert {path: what for path, what in wrong.items() if what} == {}
    assert walker.faults == []
    walker.context.close()


def test_in_a_narrow_window_what_was_before_and_what_comes_after_are_in_sight(
    server: AppServer, browser: Browser
) -> None:
    walker = visit(browser, server.address)
    walker.page.set_viewport_size({"width": 390, "height": 844})
    for path in NARROW:
        page = opened(walker, path)
        wide = page.locator(".dvn-scroller").evaluate_all(
            "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).length"
        )
        assert wide == 0, path
    walker.context.close()


@pytest.mark.parametrize("size", WIDTHS)
def test_the_ways_on_from_what_happened_stand_below_each_other(server: AppServer, browser: Browser, size: str) -> None:
    walker = visit(browser, server.address)
    width, height = WIDTHS[size]
    walker.page.set_viewport_size({"width": width, "height": height})
    main = opened(walker, "history").get_by_test_id("stMain")
    words = main.get_by_text(re.compile("^(Run|Preview)$")).and_(main.locator(":is(a, button) *"))
    lefts = words.evaluate_all(LEFTS)
    assert max(lefts, default=0) - min(lefts, default=0) <= 1
    walker.context.close()


@pytest.mark.parametrize("size", WIDTHS)
def test_what_is_laid_above_a_table_that_is_pointed_at_covers_nothing(
    server: AppServer, browser: Browser, size: str
) -> None:
    walker = visit(browser, server.address)
    width, height = WIDTHS[size]
    walker.page.set_viewport_size({"width": width, "height": height})
    for path in ("process", "preview?show=held", "history?show=evidence"):
        page = opened(walker, path)
        for table in page.locator("[data-testid=stDataFrame]:visible").all():
            table.hover()
            assert table.evaluate(COVERED) == [], path
    walker.context.close()


def test_on_a_telephone_the_sidebar_opens_leads_on_and_gives_the_page_back(server: AppServer, browser: Browser) -> None:
    walker = visit(browser, server.address)
    walker.page.set_viewport_size({"width": 390, "height": 844})
    page = opened(walker, "")
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar).not_to_be_in_viewport()
    page.get_by_test_id("stExpandSidebarButton").click()
    link = sidebar.get_by_role("link", name="History", exact=True)
    expect(link).to_be_in_viewport(ratio=1)
    assert beyond(page) == []
    link.click()
    expect(page.get_by_role("heading", name="History", exact=True)).to_be_visible()
    walker.ready()
    expect(sidebar).not_to_be_in_viewport()
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(link).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Collapse sidebar").click()
    expect(sidebar).not_to_be_in_viewport()
    walker.context.close()


COPY = """() => {
    const all = [...document.querySelectorAll('[data-testid="stMain"] p')].find(each => each.innerText.includes('@'))
    getSelection().selectAllChildren(all)
    const copied = new ClipboardEvent('copy', { clipboardData: new DataTransfer(), bubbles: true, cancelable: true })
    all.dispatchEvent(copied)
    return [String(getSelection()), copied.clipboardData.getData('text/plain')]
}"""


def test_an_address_that_is_copied_from_a_page_is_the_address(running: Demo, browser: Browser) -> None:
    walker = visit(browser, running.address)
    shown, copied = opened(walker, "history").evaluate(COPY)
    assert "\u2060" in shown, "on the page a joiner keeps it from becoming a link"
    assert copied == shown.replace("\u2060", "")
    walker.context.close()


# --- how it is looked at ----------------------------------------------------------------------------------


def opened(walker: Visit, path: str) -> Page:
    walker.open(path)
    expect(walker.page.get_by_role("heading", name=PAGES[path], exact=True)).to_be_visible()
    return walker.page


def faint(page: Page) -> list[str]:
    """The labels of charts below 4.5 to 1 against the page."""
    return page.evaluate("""() => {
        const parts = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
        const light = colour => {
            const [r, g, b] = parts(colour).map(each => each / 255)
                .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
            return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
        }
        const page = light(getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor)
        const labels = [...document.querySelectorAll('.js-plotly-plot text')].filter(each => each.textContent.trim()
            && !each.matches('.bartext-inside') && !each.closest('.hoverlayer'))
        return labels.map(each => {
            const ink = light(getComputedStyle(each).fill)
            return [each.textContent, Math.max(ink, page) / Math.min(ink, page)]
        }).filter(([, ratio]) => ratio < 4.5).map(([text, ratio]) => `${text}: ${ratio.toFixed(1)}`)
    }""")


def beyond(page: Page) -> list[str]:
    """What reaches out of the window to the right, apart from what scrolls by itself: tables, texts to copy, tabs; and
    choices that are cut."""
    return page.evaluate("""() => {
        const scrolls = '[data-testid=stDataFrame], .dvn-scroller, pre, [role=tablist], svg'
        const shown = [...document.querySelectorAll('[data-testid=stMain] *, [data-testid=stSidebar] *')]
        const out = shown.filter(each => {
            const box = each.getBoundingClientRect()
            return box.width && box.right > innerWidth + 1 && box.left < innerWidth && !each.closest(scrolls)
        })
        const main = document.querySelector('[data-testid=stMain]')
        const choices = document.querySelectorAll('[data-testid=stButtonGroup], [data-testid=stButtonGroup] *')
        const wide = [main, document.documentElement, ...choices].filter(each => each.scrollWidth > each.clientWidth + 1)
        return [...out, ...wide].map(each => each.outerHTML.slice(0, 160))
    }""")


def cards(page: Page) -> list[int]:
    """The widths that the page's cards have, each once."""
    return page.evaluate("""() => {
        const shown = [...document.querySelectorAll('[data-testid=stMetric]')]
        const widths = shown.map(each => each.getBoundingClientRect().width).sort((a, b) => a - b)
        return widths.filter((each, place) => place === 0 || each > widths[place - 1] + 1).map(Math.round)
    }""")


def store(took: dict[str, float], folder: Path) -> None:
    """How long each page took to be ready, in seconds: to be read, not to be judged by a machine that others use too."""
    file = Path(TIMINGS) if TIMINGS else folder / "timings.json"
    file.write_text(json.dumps(took, indent=1), encoding="utf-8")
    print("\n".join(f"{seconds:5.2f} s  {path}" for path, seconds in took.items()))
