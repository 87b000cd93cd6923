"""The bottom of the settings page: who sees it, what it takes to confirm, and what can be read afterwards."""

from collections.abc import Callable

from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.model import Role, Status
from provisioning.workflow import approving, connections, leaving, looking, processing, setting_up
from provisioning.workflow.house import domains_seen

CUSTOMER, _, NAME = DOMAIN.partition("/")
Said = Callable[[AppTest], str]


def choose(at: AppTest, what: str, option: str) -> AppTest:
    radio = next(each for each in at.radio if each.label == what)
    return radio.set_value(next(each for each in radio.options if each.startswith(option))).run()


def confirm(at: AppTest, typed: str) -> AppTest:
    next(each for each in at.text_input if each.label.startswith("Type ")).set_value(typed)
    return next(each for each in at.button if each.label == "Offboard").click().run()


def test_a_domain_leaves_when_its_name_is_typed(full: App, said: Said) -> None:
    at = full.open("settings")
    assert "Type “" in said(confirm(at, "something else"))
    assert domains_seen(full.house(), CUSTOMER)
    assert not confirm(at, NAME).exception
    house = full.house()
    assert domains_seen(house, CUSTOMER) == []
    assert {each[2] for each in looking.users(house, DOMAIN)} == {Status.LIVE.value}


def test_afterwards_its_history_can_be_read(full: App, said: Said) -> None:
    confirm(full.open("settings"), NAME)
    at = full.open("history")
    assert not at.exception
    assert "offboarded the domain" in said(at)
    assert "No domain yet" in said(full.open("preview"))


def test_a_customer_leaves_with_everything(full: App, said: Said) -> None:
    at = choose(full.open("settings"), "What leaves", "The customer")
    confirm(at, CUSTOMER)
    assert connections.connections_seen(full.house(), CUSTOMER) == []
    assert "This customer was offboarded" in said(full.open("preview"))
    assert not full.open("history").exception


def test_archiving_first_asks_for_the_preview_and_waits_for_its_run(full: App, said: Said) -> None:
    at = choose(full.open("settings"), "Its users", "Are archived")
    assert next(each for each in at.button if each.label == "Offboard").disabled
    next(each for each in at.button if each.label.startswith("Make the preview")).click().run()
    full.work()
    house = full.house()
    plan, done = leaving.farewell_seen(house, DOMAIN)
    assert plan
    assert not done
    approving.approve(house, plan.id, overrides={each.code: "they leave" for each in plan.blocks})
    processing.process(house, plan.id)
    at = choose(full.open("settings"), "Its users", "Are archived")
    assert f"{NAME}: done." in said(at)
    confirm(at, NAME)
    live = [each for each in looking.users(full.house(), DOMAIN) if each[2] == Status.LIVE.value]
    assert len(live) == plan.counts["held"] < plan.counts["archive"]


def test_an_auditor_and_the_operator_are_not_offered_it(full: App) -> None:
    house = full.house(None)
    setting_up.grant(house, "other@northwind.example", Role.ADMIN, CUSTOMER)
    setting_up.grant(house, ADMIN, Role.AUDITOR, CUSTOMER)
    at = full.open("settings")
    assert not at.exception
    assert not [each for each in at.button if each.label == "Offboard"]
