"""Nothing jumps while a page loads: the HTML that it begins with has the frame that it will have."""

from pathlib import Path

from playwright.sync_api import Browser, expect
from stage import in_use
from visit import visit

PAGES = (
    "",
    "customers",
    "start",
    "connect",
    "mapping",
    "settings",
    "preview",
    "process",
    "schedule",
    "history",
    "people",
)
GOOD = 0.1
"""The part of the window that moves, times how far: what Web Vitals calls good (https://web.dev/articles/cls)."""
MOVES = """
window.moved = [];
new PerformanceObserver(list => { for (const each of list.getEntries()) window.moved.push(each.value) })
  .observe({type: "layout-shift", buffered: true});
"""


def test_nothing_jumps_while_a_page_loads(browser: Browser, tmp_path: Path) -> None:
    with in_use(tmp_path) as server:
        moved = {}
        for path in PAGES:
            guest = visit(browser, server.address)
            guest.page.set_viewport_size({"width": 1280, "height": 900})
            guest.page.add_init_script(MOVES)
            guest.open(path)
            expect(guest.page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=60_000)
            moved[path] = guest.page.evaluate("window.moved.reduce((sum, each) => sum + each, 0)")
            assert guest.faults == []
            guest.context.close()
    assert {path: far for path, far in moved.items() if far >= GOOD} == {}
