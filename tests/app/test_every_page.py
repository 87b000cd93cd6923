"""Every page empty, full and failing; and for whoever has no role."""

import sqlite3

import pytest
from installation import ADMIN, DOMAIN, PAGES, App, Said

from provisioning.errors import RoleMissing
from provisioning.model import (
    Role,
)
from provisioning.sandbox import Sandbox
from provisioning.store import jobs
from provisioning.web import frame, worker_child
from provisioning.workflow import approving, asking, editing, planning, setting_up


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_installation_says_how_to_begin(empty: App, said: Said, page: str) -> None:
    at = empty.open(page)
    assert not at.exception
    assert "No customer yet" in said(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_before_the_first_preview_has_no_error(app: App, said: Said, page: str) -> None:
    at = app.open(page)
    assert not at.exception
    assert not at.error
    assert ADMIN in said(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_after_a_run_has_no_error(full: App, page: str) -> None:
    at = full.open(page)
    assert not at.exception
    assert not at.error


@pytest.mark.parametrize("narrow", [True, False])
def test_a_narrow_window_says_below_the_title_whose_the_page_is(
    full: App, monkeypatch: pytest.MonkeyPatch, *, narrow: bool
) -> None:
    """Its sidebar, which says it, is closed."""
    monkeypatch.setattr(frame, "on_a_telephone", lambda: narrow)
    full.house().db.execute("UPDATE customers SET name = '<b>A</b> [x](//y)\u202e'")
    setting_up.grant(full.house(None), ADMIN, Role.CSM, None)
    told = {page: [each.value for each in full.open(page).main.markdown][:1] for page in ("preview", "customers")}
    whose = r"**\<b\>A\<\/b\> \[x\]\(\/\/y\), staff**"
    assert (told["preview"] == [whose], told["customers"] == [whose]) == (narrow, False)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_whose_database_is_broken_says_so(empty: App, said: Said, page: str) -> None:
    (empty.data / "rollcall.db").write_bytes(b"this is no database at all" * 100)
    at = empty.open(page)
    assert not at.exception
    assert "cannot be opened" in said(at)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("preview", {"plan": "plan-none"}),
        ("process", {"plan": "plan-none"}),
        ("history", {"run": "run-none"}),
        ("people", {"person": "nobody@nowhere.example"}),
    ],
)
def test_an_address_that_names_what_is_not_there_says_so(full: App, page: str, query: dict[str, str]) -> None:
    at = full.open(page, **query)
    assert not at.exception
    assert at.error


def test_an_unknown_customer_in_the_address_is_said_and_another_shown(full: App, said: Said) -> None:
    at = full.open("", customer="Nobody & Sons")
    assert "There is no customer" in said(at)
    assert not at.exception


@pytest.mark.parametrize("page", PAGES)
def test_without_a_name_every_page_says_what_to_set_and_nothing_else(
    full: App, monkeypatch: pytest.MonkeyPatch, said: Said, page: str
) -> None:
    monkeypatch.delenv("ROLLCALL_LOCAL_USER")
    at = full.open(page)
    assert not at.exception
    assert [each.value.replace("\\", "").partition(".")[0] for each in at.error] == [
        "Nobody is named who uses Rollcall here"
    ]
    assert said(at) == at.error[0].value
    assert not at.sidebar.children


def test_somebody_without_a_role_sees_no_customer(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "stranger@elsewhere.example")
    shown = full.open("preview")
    assert "No customer that you may see" in said(shown)
    assert "rollcall grant" in shown.code[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_new_domain_without_a_mapping_has_no_error(full: App, page: str) -> None:
    setting_up.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    at = full.open(page, customer="Northwind Trading", domain="contractors")
    assert not at.exception
    assert not [each.value for each in at.error if "not been read" not in each.value]


def test_a_killed_worker_is_started_again_while_a_tab_waits(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    monkeypatch.setattr(worker_child, "keep", lambda data, environment: kept.append(data))
    asking.ask(app.house(), DOMAIN, jobs.JobKind.PREVIEW)
    app.open("preview")
    assert not kept
    monkeypatch.delenv("ROLLCALL_WORKER")
    at = app.open()
    before = len(kept)
    at.run()
    assert len(kept) == before + 2  # by the page, and by what polls


def test_a_locked_database_is_one_clear_sentence(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(frame, "customers_seen", locked)
    at = full.open("preview")
    assert not at.exception
    assert "database is locked" in at.error[0].value
    assert "load this page again" in at.error[0].value


def test_a_wrong_local_user_is_one_clear_sentence(empty: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "nobody")
    at = empty.open("preview")
    assert not at.exception
    assert "nobody" in at.error[0].value


def test_an_auditor_decides_nothing(full: App, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    sandbox.pass_day()
    plan = planning.preview(full.house(), DOMAIN)
    setting_up.grant(full.house(None), "auditor@acme.example", Role.AUDITOR, "Northwind Trading")
    auditor = full.house("auditor@acme.example")
    for decide in (
        lambda: approving.keep_left_out(auditor, plan.id, [plan.changes[0].key]),
        lambda: approving.keep_only(auditor, plan.id, [plan.changes[0].key]),
        lambda: editing.drop_mapping_draft(auditor, DOMAIN),
    ):
        with pytest.raises(RoleMissing):
            decide()
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@acme.example")
    at = full.open("preview", plan=plan.id, selected=plan.changes[0].key)
    offered = {each.label for each in at.button}
    assert offered.isdisjoint({"Leave out", "Put back", "Only these", "Approve", "Make a preview"})
