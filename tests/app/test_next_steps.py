"""What comes next is said where somebody who never saw Rollcall would stop."""

from collections.abc import Callable

import pytest
import streamlit as st
from installation import DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.sandbox import Sandbox
from provisioning.setup_file import ScheduleTable
from provisioning.workflow import looking, planning, scheduling


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(st, "page_link", lambda _, label, **__: found.append(label))
    return found


def test_a_run_leads_to_the_schedule_while_there_is_none(full: App, links: list[str]) -> None:
    full.open("process")
    assert "Let it run by itself" in links
    scheduling.save_schedule(full.house(), DOMAIN, ScheduleTable("0 5 * * 1-5", "Europe/London", "preview"))
    links.clear()
    full.open("process")
    assert "See it in the history" in links
    assert "Let it run by itself" not in links


def test_a_preview_that_waits_says_where_it_is_approved(
    full: App, sandbox: Sandbox, said: Callable[[AppTest], str]
) -> None:
    house = full.house()
    processed = looking.plans_seen(house, DOMAIN, 1)[0]
    assert "(#approve)" not in said(full.open("preview", plan=processed.id))
    sandbox.pass_day()
    waits = planning.preview(house, DOMAIN)
    assert "(#approve)" in said(full.open("preview", plan=waits.id))


def test_the_fallback_of_an_attribute_is_called_so_where_columns_are_tested(full: App) -> None:
    tested = full.open("connect").dataframe[0].value
    assert list(tested["HiBob column"][tested["Attribute"] == "Department (fallback)"]) == ["Site · work.site"]
