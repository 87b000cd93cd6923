"""The main job, and the set-up before it, by keyboard alone: from the overview to a preview, its approval and the run, by Tab, Enter, Space and
arrows; and wherever the keyboard is can be seen."""

from pathlib import Path

import stage
from playwright.sync_api import Browser, FloatRect, Page
from visit import Demo, Visit, visit

from provisioning import demo
from provisioning.sandbox import Sandbox

MOST_TABS = 120
AT = """() => {
    const at = window.at = document.activeElement, box = at.getBoundingClientRect()
    const lines = (at.getAttribute('aria-label') || at.innerText || '').split('\\n').map(each => each.trim())
    return {
        role: at.getAttribute('role') || at.tagName.toLowerCase(),
        words: lines.filter(each => each && !/^[a-z_]+$/.test(each)),
        around: { x: Math.max(box.x - 5, 0), y: Math.max(box.y - 5, 0), width: box.width + 10, height: box.height + 10 },
    }
}"""
"""What has the keyboard: what it is, its words without the names of icons, and the place around it."""


def test_from_the_overview_to_a_finished_run_by_keyboard_alone(running: Demo, browser: Browser) -> None:
    walker = visit(browser, running.address)
    walker.open("")
    press(walker, "a", "Preview")
    walker.page.wait_for_url("**/preview**")
    walker.ready()
    press(walker, "button", "Make a preview")
    walker.sees("Waiting for approval")
    press(walker, "canvas", "", "ArrowDown")
    walker.page.keyboard.press("Shift+Space")
    walker.ready()
    walker.sees("1 person selected")
    press(walker, "button", "Leave out", "Space")
    walker.sees("is left out")
    assert kept_its_place(walker)
    press(walker, "button", "Approve", "Space")
    walker.sees("Approved by")
    assert kept_its_place(walker)
    press(walker, "tab", "People (", "ArrowRight")
    walker.page.wait_for_url("**show=held**")
    walker.ready()
    press(walker, "a", "Process")
    walker.page.wait_for_url("**/process**")
    walker.ready()
    press(walker, "button", "Process now", "Space")
    walker.sees("Everything approved was done")
    assert walker.faults == []
    walker.context.close()


def test_a_new_customer_comes_to_the_first_preview_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    with (
        Sandbox(people=40, seed=1) as sandbox,
        stage.served(tmp_path / "data", demo.ADMIN, ROLLCALL_WORKER="") as server,
    ):
        walker = visit(browser, server.address)
        walker.open("start")
        write(walker, "Name of the customer", "Acme")
        press(walker, "button", "Create")
        press(walker, "button", "Go to Connect")
        walker.sees("New connection")
        write(walker, "Name", "HiBob")
        write(walker, "Service user id", sandbox.service_user_id)
        write(walker, "Base URL", sandbox.base_url)
        write(walker, "Token", sandbox.token)
        press(walker, "button", "Save")
        walker.sees("Add a domain")
        write(walker, "Name of the domain", "staff")
        press(walker, "button", "Add")
        walker.sees("Test of the connection")
        press(walker, "button", "Test the connection")
        walker.sees("Live people visible")
        press(walker, "a", "Go to Mapping")
        walker.sees("suggested rows")
        press(walker, "button", "Take all 10")
        walker.sees("Unsaved changes")
        press(walker, "button", "Save")
        walker.sees("Version 2 is in force")
        press(walker, "a", "Make a preview with this mapping")
        walker.page.wait_for_url("**/preview**")
        walker.ready()
        press(walker, "button", "Make a preview")
        walker.sees("Waiting for approval")
        assert walker.faults == []
        walker.context.close()


def kept_its_place(walker: Visit) -> bool:
    """Whether the keyboard is on the page still, though what was pressed gave its place to what comes next."""
    walker.ready()
    return bool(walker.page.evaluate("document.activeElement.closest('[data-testid=\"stMain\"]') !== null"))


def write(walker: Visit, label: str, text: str) -> None:
    """Go there by Tab, and type over what stands there."""
    press(walker, "input", label, "ControlOrMeta+a")
    walker.page.keyboard.type(text)


def press(walker: Visit, role: str, words: str, key: str = "Enter") -> None:
    """Go there by Tab, see where the keyboard is, and press a key. `words`: how its name begins; "" where it has none."""
    passed = []
    for _ in range(MOST_TABS):
        walker.page.keyboard.press("Tab")
        at = walker.page.evaluate(AT)
        if at["role"] == role and (not words or any(each.startswith(words) for each in at["words"])):
            assert shows(walker.page, at["around"]), f"nothing shows that the keyboard is at {words!r}"
            walker.page.keyboard.press(key)
            walker.ready()
            return
        passed.append((at["role"], at["words"][:1]))
    raise AssertionError(f"Tab does not come to {words!r}; it came to {passed}")


def shows(page: Page, around: FloatRect) -> bool:
    """Whether it looks otherwise with the keyboard than without."""
    having = page.screenshot(clip=around)
    page.evaluate("window.at.blur()")
    without = page.screenshot(clip=around)
    page.evaluate("window.at.focus()")
    return having != without
