"""Setting up by mouse and keyboard in Chromium: the next step leads on, suggestions are taken, rows are pasted."""

import re
from pathlib import Path

import stage
from grid import Grid
from playwright.sync_api import Browser, Page, expect
from visit import Demo, Visit, visit


def test_a_new_domain_is_mapped_by_suggestions_and_pasted_rows(running: Demo, browser: Browser, tmp_path: Path) -> None:
    walker = visit(browser, running.address)
    add_a_domain(walker)
    walker.click("Test the connection")
    walker.sees("Live people visible")
    walker.page.get_by_test_id("stMain").get_by_role("link", name="Go to Mapping").click()
    walker.sees("suggested rows")
    suggested = Grid(walker.page, walker.page.locator("[class*='st-key-suggested_']"))
    expect(suggested.cell(0, "HiBob says")).to_have_text(re.compile("@"))
    expect(suggested.cell(0, "Filled")).to_have_text(re.compile(r"\d"))
    walker.page.get_by_role("button", name="Take all 10").click()
    walker.sees("Unsaved changes")
    table = walker.page.locator("[class*='st-key-map_']")
    expect(Grid(walker.page, table).cell(9, "Attribute")).to_have_text("Employment type")
    expect(Grid(walker.page, table).cell(9, "Data feed name")).to_have_text("payroll.employment.type")
    paste(walker, "Site\twork.siteId\nCost centre\tNo such column")
    walker.sees("HiBob has no column")
    paste(walker, "Attribute\tData feed name\tWhen blank\nSite\twork.site\tClear it\nFTE\tpayroll.employment.fte")
    walker.sees("FTE: added")
    walker.click("Take these rows into the draft")
    expect(Grid(walker.page, table).cell(10, "Attribute")).to_have_text("FTE")
    walker.click("Undo")
    expect(Grid(walker.page, table).table).to_have_attribute("aria-rowcount", "14")
    walker.click("Save")
    walker.sees("Version 2 is in force")
    assert walker.faults == []


def test_cells_are_typed_one_after_the_other_and_the_values_beside_them_follow(running: Demo, browser: Browser) -> None:
    walker = visit(browser, running.address)
    walker.open("mapping")
    walker.click("Read HiBob for this mapping")
    walker.sees("HiBob was read just now")
    table = walker.page.locator("[class*='st-key-map_']")
    grid = Grid(walker.page, table)
    site = grid.cell(6, "HiBob says").inner_text()
    for row, name in ((6, "Office"), (4, "Role"), (5, "Team")):
        grid.type_text(row, "Attribute", name)
    walker.ready()
    for row, name in ((4, "Role"), (5, "Team"), (6, "Office")):
        expect(grid.cell(row, "Attribute")).to_have_text(name)
    expect(grid.cell(6, "The user gets")).to_have_text(site)
    grid.type_text(13, "Attribute", "Cost centre")
    expect(grid.cell(13, "HiBob says")).to_have_text("(not fed)")
    grid.canvas.scroll_into_view_if_needed()
    box = grid.canvas.bounding_box()
    assert box
    walker.page.mouse.click(box["x"] + box["width"] - 40, box["y"] + 35 * 7 + 17)
    walker.ready()
    expect(Grid(walker.page, table).cell(6, "Attribute")).to_have_text("Manager")
    walker.page.reload()
    walker.ready()
    walker.click("Undo")
    expect(Grid(walker.page, table).cell(6, "Attribute")).to_have_text("Office")
    walker.click("Discard")
    walker.sees("Version 1 is in force")
    assert walker.faults == []


def test_values_are_replaced_one_after_the_other_and_undone(running: Demo, browser: Browser) -> None:
    walker = visit(browser, running.address)
    walker.open("mapping")
    walker.click("Read HiBob for this mapping")
    walker.sees("HiBob was read just now")
    grid = Grid(walker.page, walker.page.locator("[class*='st-key-values_1_']"))
    old = grid.cell(2, "HiBob says").inner_text()
    for row, into in ((0, "One"), (1, "Two")):
        grid.type_text(row, "Replace by", into)
    # What is typed while the page is drawn is taken back together.
    expect(grid.cell(1, "The user gets")).to_have_text("Two")
    grid.type_text(2, "Replace by", "Three")
    for row, into in ((0, "One"), (1, "Two"), (2, "Three")):
        expect(grid.cell(row, "Replace by")).to_have_text(into)
        expect(grid.cell(row, "The user gets")).to_have_text(into)
    walker.sees("Unsaved changes, kept as your draft")
    walker.click("Undo")
    again = Grid(walker.page, walker.page.locator("[class*='st-key-values_1_']"))
    expect(again.cell(2, "The user gets")).to_have_text(old)
    expect(again.cell(1, "The user gets")).to_have_text("Two")
    walker.click("Discard")
    walker.sees("Version 1 is in force")
    assert walker.faults == []


def test_an_address_that_is_no_page_leads_to_the_overview_and_says_so(browser: Browser, tmp_path: Path) -> None:
    with stage.empty(tmp_path) as server:
        walker = visit(browser, server.address)
        walker.open("nowhere")
        expect(walker.page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
        walker.sees("There is no page “nowhere”. This is the overview.")
        expect(walker.page.get_by_role("dialog")).to_have_count(0)
        walker.go("Connect")
        expect(walker.page.get_by_text("There is no page")).to_have_count(0)
        assert walker.faults == []
        walker.context.close()


def add_a_domain(walker: Visit) -> None:
    walker.open("connect")
    walker.page.get_by_text("Add a domain", exact=True).first.click()
    walker.page.get_by_label("Name of the domain").fill("contractors")
    walker.page.get_by_role("button", name="Add", exact=True).click()
    walker.page.wait_for_url("**domain=contractors**")
    walker.ready()


def paste(walker: Visit, text: str) -> None:
    tab = walker.page.get_by_role("tab", name="Paste from Excel")
    tab.click()
    walker.ready()
    field = walker.page.get_by_label("Rows from Excel")
    field.fill(text)
    field.press("ControlOrMeta+Enter")
    walker.ready()


def test_no_column_of_the_mapping_is_out_of_sight(running: Demo, browser: Browser) -> None:
    for width in (1440, 1280):
        walker = visit(browser, running.address)
        walker.page.set_viewport_size({"width": width, "height": 1000})
        walker.open("mapping")
        grid = Grid(walker.page, walker.page.locator("[class*='st-key-map_']"))
        expect(grid.table.locator("th")).to_have_text(
            ["Attribute", "Data feed name", "HiBob says", "The user gets", "Filled", "Unique", "Remove"]
        )
        assert reaches(walker.page) <= width
        assert scrolls(grid) == 0


def reaches(page: Page) -> int:
    return int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth"))


def scrolls(grid: Grid) -> int:
    """By how many pixels the table's content is wider than the table."""
    inner = grid.root.locator(".dvn-scroller").first
    return int(inner.evaluate("each => each.scrollWidth - each.clientWidth"))
