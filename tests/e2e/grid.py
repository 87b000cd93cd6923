"""Drives Streamlit's tables and editors, which paint on a canvas. Inside lies a hidden table of cells without size:
they cannot be clicked, but take focus, and focusing one selects it. From there the keyboard does everything."""

import re
from contextlib import suppress

from playwright.sync_api import Locator, Page, expect


class Grid:
    """One table or editor, by its widget's key, or the first that stands in `within`."""

    def __init__(self, page: Page, within: Locator) -> None:
        self.page = page
        self.root = within
        self.canvas = within.get_by_test_id("data-grid-canvas").first
        self.table = self.canvas.locator("table[role=grid]")
        expect(self.table).to_be_attached()

    def cell(self, row: int, column: str) -> Locator:
        """Its header may not be drawn yet, so it is waited for."""
        header = self.table.locator("th").filter(has_text=re.compile(f"^{re.escape(column)}$"))
        index = header.get_attribute("aria-colindex")
        return self.table.locator(f"td[aria-colindex='{index}'][data-testid$='-{row}']")

    def select_row(self, row: int, height: int = 35) -> None:
        """The row's marker: left of the first column; the header is 35 pixels high, a row `height`."""
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        assert box
        self.page.mouse.click(box["x"] + 16, box["y"] + 35 + height * row + height / 2)

    def type_text(self, row: int, column: str, text: str) -> None:
        field = self.page.locator("#portal textarea, #portal input").first
        for _ in range(5):
            # A table that is drawn anew between the two forgets the cell.
            self._focus(row, column)
            self.page.keyboard.press("Enter")
            with suppress(AssertionError):
                expect(field).to_be_visible(timeout=2_000)
                break
        field.fill(text)
        field.press("Enter")
        expect(self.page.locator("#portal textarea, #portal input")).to_have_count(0)
        expect(self.cell(row, column)).to_have_text(text)

    def _focus(self, row: int, column: str) -> None:
        """The first focus that an idle grid gets selects its corner instead, so repeat."""
        for attempt in range(10):
            cell = self.cell(row, column)
            cell.evaluate("e => e.focus()")
            try:
                expect(cell).to_have_attribute("aria-selected", "true", timeout=400)
            except AssertionError:
                if attempt != 1:
                    self.canvas.focus()
                    continue
                box = self.canvas.bounding_box()
                assert box
                self.page.mouse.click(box["x"] + 44, box["y"] + 35 * (row + 1) + 17)
            else:
                return
        raise AssertionError(f"{column!r} of row {row} could not be selected")
