"""The whole way by mouse, each page's address first thing on a fresh server, and a picture of every page."""

import os
import re
from pathlib import Path

import pytest
import stage
from grid import Grid
from playwright.sync_api import Browser, Page, expect
from visit import Demo, Visit, visit

PICTURES = os.environ.get("SCREENSHOTS")
"""The folder to store the pictures in; without it they go to the test's own."""

PAGES = {
    "": "Overview",
    "customers": "Customers",
    "start": "Before you start",
    "connect": "Connect",
    "mapping": "Mapping",
    "settings": "Settings",
    "preview": "Preview",
    "process": "Process",
    "schedule": "Schedule",
    "history": "History",
    "people": "People",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_right_first_thing_on_a_fresh_server(running: Demo, browser: Browser, path: str) -> None:
    walker = visit(browser, running.address)
    walker.open(path)
    expect(walker.page.get_by_role("heading", name=PAGES[path], exact=True)).to_be_visible()
    walker.sees("admin@northwind.example")
    assert "customer=Northwind" in walker.page.url
    whose = "" if path == "customers" else " · Northwind Trading, staff"
    expect(walker.page).to_have_title(f"{PAGES[path]}{whose} · Rollcall")
    assert walker.faults == []


def test_the_whole_way_by_mouse(running: Demo, browser: Browser, tmp_path: Path) -> None:
    walker = visit(browser, running.address)
    walker.open("")
    prove_the_connection(walker)
    make_a_preview(walker)
    leave_somebody_out(walker)
    approve_by_workbook(walker, tmp_path)
    process(walker)
    assert "Mapping" in walker.page.inner_text("body")
    edit_the_mapping_and_reload(walker)
    running.sandbox.pass_day()
    walker.go("Preview")
    make_a_preview(walker)
    filter_by_a_bar(walker, "action=add")
    folder = Path(PICTURES) if PICTURES else tmp_path / "pictures"
    pictures(browser, walker, folder)
    walker.click("Approve")
    walker.sees("Approved by")
    process(walker)
    the_history_shows_two_runs(walker)
    ask_for_a_person(walker)
    let_it_run_by_itself(walker)
    pictures_after(browser, walker, folder)
    assert walker.faults == []


def test_the_whole_portfolio_is_seen_at_once_by_a_csm(browser: Browser, tmp_path: Path) -> None:
    with stage.several(tmp_path) as server:
        for scheme in ("light", "dark"):
            walker = visit(browser, server.address, scheme)
            walker.open("customers")
            rows = Grid(walker.page, walker.page.get_by_role("tabpanel").first)
            names = [rows.cell(row, "Customer").inner_text() for row in range(len(stage.CUSTOMERS))]
            assert sorted(names) == sorted(name for name, *_ in stage.CUSTOMERS)
            rows.select_row(0)
            walker.sees("Open its overview")
            walker.picture(Path(PICTURES) if PICTURES else tmp_path / "pictures", f"customers-{scheme}")
            assert walker.faults == []
            walker.context.close()


def prove_the_connection(walker: Visit) -> None:
    walker.go("Connect")
    walker.click("Test the connection")
    walker.sees("every mapped column is there")


def make_a_preview(walker: Visit) -> None:
    if "/preview" not in walker.page.url:
        walker.go("Preview")
    before = walker.page.url
    walker.click("Make a preview")
    walker.page.wait_for_url(lambda url: "plan=" in url and url != before)
    walker.sees("Waiting for approval")


def filter_by_a_bar(walker: Visit, query: str) -> None:
    """Click the first bar of the chart, then once more to see everybody again."""
    bar(walker.page)
    walker.page.wait_for_url(lambda url: query in url)
    walker.ready()
    bar(walker.page)
    walker.page.wait_for_url(lambda url: query not in url)
    walker.ready()


def bar(page: Page) -> None:
    chart = page.locator(".js-plotly-plot").first
    expect(chart.locator(".bars .point").first).to_be_attached()
    chart.scroll_into_view_if_needed()
    box = chart.locator(".bars .point path").first.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def leave_somebody_out(walker: Visit) -> None:
    people = Grid(walker.page, walker.page.get_by_role("tabpanel").first)
    name = people.cell(3, "Person").inner_text()
    people.select_row(3)
    walker.sees("1 person selected")
    expect(walker.page.get_by_role("heading", name=name)).to_be_visible()
    walker.click("Leave out")
    walker.sees(f"left out: {name}")
    walker.page.reload()
    walker.sees(f"left out: {name}")
    walker.click("Put everybody back")


def approve_by_workbook(walker: Visit, folder: Path) -> None:
    with walker.page.expect_download() as download:
        walker.page.get_by_role("button", name="Download the Excel file").click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    walker.page.get_by_text("Approve by Excel file").click()
    walker.page.locator("input[type=file]").set_input_files(file)
    walker.sees("This file approves everything")
    walker.page.get_by_role("button", name="Approve with this file").click()
    walker.sees("Approved by")


def process(walker: Visit) -> None:
    walker.click("Process now")
    walker.sees("Everything approved was done")


def edit_the_mapping_and_reload(walker: Visit) -> None:
    walker.go("Mapping")
    table = walker.page.locator("[class*='st-key-map_']")
    Grid(walker.page, table).type_text(6, "Attribute", "Office")
    walker.sees("Unsaved changes")
    walker.page.reload()
    walker.sees("Unsaved changes")
    expect(Grid(walker.page, table).cell(6, "Attribute")).to_have_text("Office")
    walker.go("Settings")
    walker.go("Mapping")
    walker.sees("Unsaved changes")
    walker.click("Discard")
    walker.sees("Version 1 is in force")


def the_history_shows_two_runs(walker: Visit) -> None:
    walker.go("History")
    expect(walker.page.get_by_text(re.compile(r"\bprocessed \d"))).to_have_count(2)
    walker.page.get_by_role("tab", name="Runs").click()
    walker.sees("People per run")
    expect(walker.page.locator(".js-plotly-plot .xtick")).to_have_count(2)


def ask_for_a_person(walker: Visit) -> None:
    walker.go("People")
    field = walker.page.get_by_label("Why is, or isn’t, this person here?")
    field.fill("admin@northwind.example")
    field.press("Enter")
    walker.sees("Unchanged")
    assert "person=admin" in walker.page.url


def let_it_run_by_itself(walker: Visit) -> None:
    walker.go("Schedule")
    walker.page.get_by_text("Make a preview, and process it when nothing blocks").click()
    walker.ready()
    walker.click("Save")
    walker.click("Switch on")
    walker.sees("Runs under the standing approval of")


# --- pictures ---------------------------------------------------------------------------------------------


def pictures(browser: Browser, walker: Visit, folder: Path) -> None:
    """Pages as they are while a preview waits for its approval."""
    query = walker.page.url.partition("?")[2]
    for scheme in ("light", "dark"):
        shown = visit(browser, walker.address, scheme)
        for path in ("", "start", "connect", "mapping", "settings", "preview"):
            shown.open(f"{path}?{query}" if path == "preview" else path)
            shown.picture(folder, f"{path or 'overview'}-{scheme}")
        shown.top(folder, f"approve-{scheme}")
        assert shown.faults == []
        shown.context.close()


def pictures_after(browser: Browser, walker: Visit, folder: Path) -> None:
    for scheme in ("light", "dark"):
        shown = visit(browser, walker.address, scheme)
        for path in ("process", "schedule", "history", "people?person=admin@northwind.example"):
            shown.open(path)
            shown.picture(folder, f"{path.partition('?')[0]}-{scheme}")
        assert shown.faults == []
        shown.context.close()
