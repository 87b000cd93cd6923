"""Nothing jumps, neither while a page loads, for the HTML that it begins with has the frame that it will have, nor while work
that was asked for goes on."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from stage import in_use
from stillness import stand_still
from visit import Visit, findings, visit

from provisioning import demo
from provisioning.hosts import ALLOWED_VARIABLE
from provisioning.workflow import approving, planning
from provisioning.workflow.house import Workspace, member

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
WORK = {
    "connect": "Test the connection",
    "mapping": "Read HiBob for this mapping",
    "process": "Process now",
    "preview": "Make a preview",
}
"""What one asks for, by page."""
GOES_ON = "You may close this tab: the work goes on."
SIZES = {"desk": (1280, 900), "telephone": (390, 844)}
GOOD = 0.1
"""The part of the window that moves, times how far, within five seconds without a second's rest: what Web Vitals calls good
(https://web.dev/articles/cls)."""
MOVES = """
window.moved = [];
new PerformanceObserver(list => { for (const each of list.getEntries()) window.moved.push([each.startTime, each.value]) })
  .observe({type: "layout-shift", buffered: true});
window.worst = shifts => {
  let worst = 0, sum = 0, first = 0, last = 0
  for (const [at, value] of shifts) {
    if (at - last > 1000 || at - first > 5000) { sum = 0; first = at }
    sum += value; last = at; worst = Math.max(worst, sum)
  }
  return worst
};
"""


def test_nothing_jumps_while_a_page_loads(browser: Browser, tmp_path: Path) -> None:
    with in_use(tmp_path) as server:
        far = {}
        for path, size in product(PAGES, SIZES):
            guest = watched(browser, server.address, size)
            guest.open(path)
            expect(guest.page.get_by_test_id("stSkeleton")).to_have_count(0)
            far[path, size] = moved(guest)
            assert guest.faults == []
            guest.context.close()
    assert {where: each for where, each in far.items() if each >= GOOD} == {}


@pytest.mark.parametrize("size", SIZES)
def test_nothing_jumps_while_work_goes_on_nor_when_it_ends(browser: Browser, tmp_path: Path, size: str) -> None:
    house = Workspace(tmp_path / "data", {ALLOWED_VARIABLE: "127.0.0.1"}, member(demo.ADMIN))
    with demo.together(house.data, 0, 0) as (_, address, (worker, _web)):
        approving.approve(house, planning.preview(house, demo.DOMAIN).id)
        far = {}
        for path, button in WORK.items():
            guest = watched(browser, address, size)
            guest.open(path)
            goes_on = guest.page.get_by_text(GOES_ON)
            moved(guest)
            with held(worker, house):
                guest.click(button)
                expect(goes_on).to_be_in_viewport()
                far[path, "begins"] = moved(guest)
                assert findings(guest.page, path) == []
            expect(goes_on).to_have_count(0)
            guest.ready()
            far[path, "ends"] = moved(guest)
            assert guest.faults == []
            guest.context.close()
        house.db.close()
    assert {when: each for when, each in far.items() if each >= GOOD} == {}


def watched(browser: Browser, address: str, size: str) -> Visit:
    guest = visit(browser, address)
    width, height = SIZES[size]
    guest.page.set_viewport_size({"width": width, "height": height})
    guest.page.add_init_script(MOVES)
    return guest


def moved(guest: Visit) -> float:
    """How far things moved at the worst since the page was opened, or since this was asked."""
    return guest.page.evaluate("window.worst(window.moved.splice(0))")


@contextmanager
def held(worker: "subprocess.Popen[bytes]", house: Workspace) -> Iterator[None]:
    """What the worker is asked for waits until the block ends."""
    stand_still(worker, house.data)
    try:
        yield
    finally:
        os.kill(worker.pid, signal.SIGCONT)
