"""The connection: its token, its test and what was proved, its domains."""

from dataclasses import replace

import pytest
import streamlit as st
from installation import DOMAIN, App, Said, button

from provisioning.errors import SettingsError
from provisioning.sandbox import Sandbox
from provisioning.workflow import connections, editing, setting_up, stages
from provisioning.workflow.house import domains_seen


def test_the_test_shows_absent_fields_with_the_category_that_opens_them(app: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.switches.granted = frozenset({"root", "about", "employment", "employee"})
    at = app.open("connect")
    button(at, "Test the connection")
    assert "waiting to begin" in " ".join(str(each.label) for each in at.status)
    app.work()
    at = app.open("connect")
    assert "leaves out" in said(at)
    assert "absent" in " ".join(at.dataframe[0].value["State"]).lower()
    # In whole percents, as on Mapping.
    assert all((share * 100).is_integer() for share in at.dataframe[0].value["Filled"].round(4))


def test_what_the_last_test_proved_stands_until_the_next_has_ended(full: App, said: Said) -> None:
    proved = "every mapped column is there"
    assert proved in said(full.open("connect"))
    steps = stages.checklist(full.house(), "Northwind Trading", DOMAIN)
    button(full.open("connect"), "Test the connection")
    assert proved in said(full.open("connect"))
    assert stages.checklist(full.house(), "Northwind Trading", DOMAIN) == steps


def test_a_refused_token_says_cause_and_remedy(app: App) -> None:
    at = app.open("connect")
    at.text_input[3].set_value("wrong-token-0000000000000")
    button(at, "Save")
    button(app.open("connect"), "Test the connection")
    app.work()
    assert "token" in app.open("connect").error[0].value


def test_where_a_token_is_kept_the_test_comes_next_and_not_the_form(app: App) -> None:
    kinds = {each.label: each.proto.type for each in reversed(app.open("connect").button)}
    assert (kinds["Save"], kinds["Test the connection"]) == ("secondary", "primary")


def test_a_connection_that_has_its_token_waits_behind_one_line_until_a_test_fails(app: App, sandbox: Sandbox) -> None:
    def opened() -> dict[str, bool]:
        return {
            each.label.replace("\\", "").split(",")[0]: each.proto.expanded for each in app.open("connect").expander
        }

    line = "Northwind HiBob: id and token"
    assert not opened()[line]
    sandbox.switches.in_no_group = True
    button(app.open("connect"), "Test the connection")
    app.work()
    assert opened()[line]


def test_a_token_is_never_shown(app: App, sandbox: Sandbox) -> None:
    at = app.open("connect")
    assert all(sandbox.token not in str(each.value) for each in at.text_input)
    assert at.text_input[3].value == ""


def test_a_domain_can_be_added_to_a_connection(app: App) -> None:
    at = app.open("connect")
    name = next(each for each in at.text_input if each.label == "Name of the domain")
    name.set_value("contractors")
    button(at, "Add")
    assert [each.name for each in domains_seen(app.house(), "Northwind Trading")] == ["contractors", "staff"]


def test_a_custom_report_is_chosen_by_name_once_the_test_has_listed_them(app: App, said: Said) -> None:
    assert what_is_read(app) == ["People search"]
    button(app.open("connect"), "Test the connection")
    app.work()
    assert "Custom report: Learning platform feed (31048356)" in what_is_read(app)
    at = app.open("connect")
    next(each for each in at.selectbox if each.label == "What is read").set_value(31048356)
    button(at, "Save")
    assert connections.connections_seen(app.house(), "Northwind Trading")[0].connection.report == 31048356
    assert "Custom report: Learning platform feed (31048356)" in what_is_read(app)


def what_is_read(app: App) -> list[str]:
    return next(each for each in app.open("connect").selectbox if each.label == "What is read").options


def test_a_token_leaves_the_form_when_it_is_saved(app: App) -> None:
    at = app.open("connect")
    at.text_input[3].set_value("another-token-000000000000")
    button(at, "Save")
    assert at.text_input[3].value == ""


def test_the_name_of_a_connection_is_no_markdown(app: App) -> None:
    house = app.house()
    url = connections.connections_seen(house, "Northwind Trading")[0].connection.base_url
    setting_up.save_connection(house, "Northwind Trading", "[x](https://evil.example)", url, "id", None)
    at = app.open("connect")
    assert not any("](" in each.value for each in at.header)
    for name in ("x" * 201, "two\nlines"):
        with pytest.raises(SettingsError, match="200 printable"):
            setting_up.save_connection(house, "Northwind Trading", name, url, "id", None)


def test_a_refused_token_on_the_preview_leads_to_the_connection(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[str] = []
    monkeypatch.setattr(st, "page_link", lambda _, label, **__: links.append(label))
    at = app.open("connect")
    at.text_input[3].set_value("wrong-token-0000000000000")
    button(at, "Save")
    button(app.open("preview"), "Make a preview")
    app.work()
    links.clear()
    app.open("preview")
    assert "Look at the connection" in links


def test_a_good_test_leads_on_to_what_comes_next(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[str] = []
    monkeypatch.setattr(st, "page_link", lambda _, label, **__: links.append(label))
    full.open("connect")
    assert "Go on to the preview" in links


def test_a_connection_that_is_the_only_one_is_used_by_domains_that_name_none(full: App, said: Said) -> None:
    house = full.house()
    settings = domains_seen(house, "Northwind Trading")[0].settings
    editing.save_settings(house, DOMAIN, replace(settings, connection=None), 1)
    assert connections.connections_seen(house, "Northwind Trading")[0].domains == ("staff",)
    assert "Used by: staff" in said(full.open("connect")).replace("\\", "")
