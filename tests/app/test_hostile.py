"""People, customers and attributes that are called formulas, Markdown, HTML, templates and header lines: on no page, in no
chart, workbook, CSV file or message do they become any of it."""

import csv
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hostile import CUSTOMER, EVIL, LABEL, NAMES, poison, poisoned
from installation import PAGES, App
from openpyxl import load_workbook
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element, Node

from provisioning.errors import SettingsError
from provisioning.notify import Letter
from provisioning.report.charts import happening_bars, happening_chart
from provisioning.report.csv_file import write_users
from provisioning.sandbox import Sandbox
from provisioning.store import jobs, messages
from provisioning.workflow import (
    approving,
    asking,
    explaining,
    looking,
    planning,
    processing,
    setting_up,
    stored_plans,
    workbooks,
)
from provisioning.workflow.house import customers_seen, domains_seen
from provisioning.workflow.telling import Word, tell

MARKUP = re.compile(
    r"(?<!\\)\]\(|(?<!\\)<(img|script|svg|b>|a )|(?<!\\)\*\*(C|bold|a(?!dmin\\@))|(?<!\\):material/home:|(?<!\\)\$\$x|(?<!\\):red\["
    rf"|http://{EVIL.replace('.', '[.]')}/bare"
)
"""What would be Markdown, or HTML, of ours in a text that Streamlit renders as Markdown; the admin's own address, escaped, is
in bold where it says who did something."""
OURS = "[Approve it at the top](#approve)"
"""The one link that a page writes itself: to a place on the same page."""

AS_MARKDOWN = (
    "markdown", "caption", "title", "header", "subheader", "error", "warning", "info", "success", "alert", "exception",
    "toast", "heading",
)  # fmt: skip


@pytest.fixture
def evil(empty: App) -> Iterator[App]:
    """A customer on the hostile company: tested, previewed, processed, previewed again."""
    with Sandbox(people=60) as sandbox:
        poison(sandbox)
        poisoned(sandbox, empty.environment, empty.house(None))
        house = empty.house()
        asking.ask(house, LABEL, jobs.JobKind.CHECK)
        empty.work()
        plan = planning.preview(house, LABEL)
        approving.approve(house, plan.id)
        processing.process(house, plan.id)
        for number, person in enumerate(list(sandbox.company.people.values())[:40]):
            person["root.surname"] = f"{person.get('root.surname')} {NAMES[number % len(NAMES)]}"
        planning.preview(house, LABEL)
        yield empty


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children.values() if isinstance(node, Block) else ():
        yield from nodes(child)


def rendered(at: AppTest) -> Iterator[str]:
    """Every text of a page that Streamlit's browser part renders as Markdown: bodies, and labels of widgets and blocks."""
    for node in nodes(at._tree):
        if isinstance(node, Element):
            if node.type in AS_MARKDOWN:
                yield str(node.value)
            yield str(getattr(node, "label", "") or "")
            yield str(getattr(node, "help", "") or "")
            if node.type in ("radio", "button_group"):
                yield from map(str, getattr(node, "options", ()))
        elif isinstance(node, Block):
            yield str(getattr(node, "label", "") or "")


def test_the_names_are_what_they_are_meant_to_be() -> None:
    assert sum(bool(MARKUP.search(each)) for each in NAMES) >= 8


@pytest.mark.parametrize("page", PAGES)
def test_on_a_page_no_name_becomes_markup(evil: App, page: str) -> None:
    at = evil.open(page)
    assert not at.exception
    assert [text for text in rendered(at) if MARKUP.search(text.replace(OURS, ""))] == []


def test_names_are_shown_all_the_same(evil: App) -> None:
    assert any("onerror" in text for text in rendered(evil.open("settings")))


def test_with_a_person_selected_too(evil: App) -> None:
    house = evil.house()
    plan = looking.newest(house, LABEL).preview or ""
    for change in stored_plans.show_plan(house, plan).changes[:30]:
        seen = explaining.explain(house, LABEL, change.key)
        assert seen.answer
    keys = [each.key for each in stored_plans.show_plan(house, plan).changes]
    at = evil.open("preview", plan=plan, person=keys[0])
    assert not at.exception
    assert [text for text in rendered(at) if MARKUP.search(text.replace(OURS, ""))] == []


def test_in_the_workbook_everything_is_text(evil: App) -> None:
    house = evil.house()
    plans = [each.id for each in looking.plans_seen(house, LABEL)]
    seen = ""
    for plan in plans:
        file = BytesIO()
        workbooks.export_workbook(house, plan, file)
        for sheet in load_workbook(file):
            for cell in (cell for row in sheet.iter_rows() for cell in row):
                assert cell.data_type != "f", cell.coordinate
                assert cell.hyperlink is None, cell.coordinate
                seen += str(cell.value)
    assert EVIL in seen


def test_in_the_csv_file_no_cell_begins_like_a_formula(evil: App, tmp_path: Path) -> None:
    users = looking.export_users(evil.house(), LABEL)
    write_users(users, tmp_path / "users.csv")
    with (tmp_path / "users.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))] == []
    assert any(EVIL in cell for cell in cells)


def test_in_charts_no_name_becomes_markup() -> None:
    figure = happening_chart(happening_bars({}, dict.fromkeys(NAMES, 1)))
    assert not [label for label in figure.data[0].y if "<" in label]


def test_a_message_is_one_line_of_title_and_names_nobody(evil: App) -> None:
    house = evil.house()
    domain = domains_seen(house, CUSTOMER)[0]
    tell(house, domain, Word("waits", "A preview waits", "It waits.", "preview", {}))
    posted = messages.recent(house.db, domain.id, 1)[0]
    letter = Letter("mailto://x", posted.title, posted.body)
    assert letter.title.isprintable()
    assert not [name for name in NAMES if len(name) > 5 and name not in LABEL and name in posted.body]


@pytest.mark.parametrize("name", ["Acme\nBcc: a@b.example", "Acme\r\nX: y", "Ac\x00me", "Ac\u202eme", "Ac\u2028me"])
def test_a_name_that_would_break_a_header_is_refused(empty: App, name: str) -> None:
    house = empty.house(None)
    with pytest.raises(SettingsError):
        setting_up.add_customer(house, name)
    assert customers_seen(house) == []
