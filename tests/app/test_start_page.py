"""Before you start: a checklist that fills itself in, agrees with what CSMs see, and leads on from anywhere."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.__main__ import main
from provisioning.model import Attribute, Role, ScopeRule
from provisioning.sandbox import Sandbox
from provisioning.store import jobs
from provisioning.workflow import (
    approving,
    asking,
    editing,
    looking,
    overseeing,
    planning,
    processing,
    requesting,
    setting_up,
    stages,
)
from provisioning.workflow.house import domains_seen

Said = Callable[[AppTest], str]
CUSTOMER = "Northwind Trading"
TEST, PREVIEW, RUN = "Test of the connection", "First preview", "First run"


def steps(app: App, label: str | None = DOMAIN) -> dict[str, stages.Station]:
    return {each.title: each for each in stages.checklist(app.house(), CUSTOMER, label)}


def following(app: App, label: str | None = DOMAIN) -> str:
    found = stages.next_station(stages.checklist(app.house(), CUSTOMER, label))
    return found.title if found else ""


def for_csms(app: App, label: str = DOMAIN) -> tuple[str, int]:
    found = next(each for each in overseeing.customers_overview(app.house(None)) if each.label == label)
    return found.next_step, found.done


def prove(app: App) -> None:
    asking.ask(app.house(), DOMAIN, jobs.JobKind.CHECK)
    app.work()


def button(at: AppTest, label: str) -> AppTest:
    next(each for each in at.button if each.label == label).click().run()
    assert not at.exception
    return at


# --- how far it is ----------------------------------------------------------------------------------------


def test_the_steps_fill_themselves_in_and_csms_see_the_same(app: App) -> None:
    house = app.house()
    assert (following(app), for_csms(app)) == (PREVIEW, (PREVIEW, 4))
    prove(app)
    assert (following(app), for_csms(app)) == (PREVIEW, (PREVIEW, 5))
    plan = planning.preview(house, DOMAIN)
    assert (following(app), for_csms(app)) == (RUN, (RUN, 6))
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    assert (following(app), for_csms(app)) == ("", ("", 7))


def test_every_step_that_is_to_be_done_says_what_to_do_next(app: App) -> None:
    setting_up.add_customer(app.house(None), "Fresh")
    for each in stages.checklist(app.house(None), "Fresh", None):
        assert each.done is False
        assert each.todo.endswith((".", "you."))


def test_a_customer_without_a_domain_is_asked_for_the_service_user_first(app: App) -> None:
    setting_up.add_customer(app.house(None), "Fresh")
    found = stages.next_station(stages.checklist(app.house(None), "Fresh", None))
    assert found is not None
    assert (found.title, found.page) == ("Id and token of the service user in HiBob", "connect")
    assert for_csms(app, "Fresh") == (found.title, 0)


def test_a_preview_proves_what_a_test_does(app: App) -> None:
    """Who has mapped already does not wait for a test: the ready-made demo begins with its preview."""
    assert (steps(app)[TEST].done, steps(app)[TEST].later) == (False, True)
    planning.preview(app.house(), DOMAIN)
    assert steps(app)[TEST].detail == "The last preview read 36 live people and every mapped column."
    assert for_csms(app) == (RUN, 6)


def test_a_preview_that_misses_a_mapped_column_proves_nothing(app: App, sandbox: Sandbox) -> None:
    sandbox.switches.granted = frozenset({"root", "work", "lifecycle", "employment"})
    planning.preview(app.house(), DOMAIN)
    assert not steps(app)[TEST].done
    prove(app)
    found = steps(app)[TEST]
    assert (found.wrong, following(app)) == (True, TEST)
    assert for_csms(app)[0] == TEST


@pytest.mark.parametrize("denied", [False, True])
def test_a_name_that_hibob_does_not_list_leads_to_the_mapping(
    app: App, sandbox: Sandbox, said: Said, denied: bool
) -> None:
    domain = domains_seen(app.house(), CUSTOMER)[0]
    wrong = (*domain.attributes, Attribute("Cost centre", "work.costCenter"))
    editing.save_mapping(app.house(), DOMAIN, wrong, "Employee ID", editing.begun_from(domain))
    if denied:
        sandbox.switches.granted = frozenset({"root", "work", "lifecycle", "employment"})
    prove(app)
    found = steps(app)[TEST]
    rest = "ask whoever runs HiBob for what else the test found missing, " if denied else ""
    words = f"“work.costCenter”: correct the data feed name in the mapping, {rest}then test again."
    assert (found.wrong, found.page, following(app), for_csms(app)[0]) == (True, "mapping", TEST, TEST)
    assert found.todo == f"HiBob lists no field {words}"
    for page in ("start", "connect"):
        assert "correct the data feed name in the mapping" in said(app.open(page))
    domain = domains_seen(app.house(), CUSTOMER)[0]
    editing.save_mapping(app.house(), DOMAIN, domain.attributes[:-1], "Employee ID", editing.begun_from(domain))
    found = steps(app)[TEST]
    assert found.page == "connect"
    assert found.todo.startswith("Ask whoever runs HiBob") if denied else found.todo.endswith("test again.")
    prove(app)
    assert steps(app)[TEST].done is not denied


@pytest.mark.parametrize("mapped", [False, True])
def test_a_scope_that_names_what_hibob_does_not_list_leads_to_the_settings(
    app: App, sandbox: Sandbox, said: Said, mapped: bool
) -> None:
    domain = domains_seen(app.house(), CUSTOMER)[0]
    scoped = replace(domain.settings, scope=(ScopeRule(True, "work.region", ("North",)),))
    editing.save_settings(app.house(), DOMAIN, scoped, domain.settings_version)
    if mapped:
        wrong = (*domain.attributes, Attribute("Cost centre", "work.costCenter"))
        editing.save_mapping(app.house(), DOMAIN, wrong, "Employee ID", editing.begun_from(domain))
    prove(app)
    found, rule = steps(app)[TEST], "correct the column of the scope rule in the settings"
    names, feed = ("“work.costCenter”, ", "correct the data feed name in the mapping, ") if mapped else ("", "")
    assert found.todo == f"HiBob lists no field {names}“work.region”: {feed}{rule}, then test again."
    assert (found.wrong, found.page) == (True, "mapping" if mapped else "settings")
    told = said(app.open("connect")).replace("\\", "").replace("\u2060", "")
    assert f"HiBob leaves out work.region (scope) for everybody. HiBob lists no such field: {rule}." in told
    plan = planning.preview(app.house(), DOMAIN)
    assert [rule in each.remedy for each in plan.blocks if "work.region" in each.message] == [True]


def test_a_test_from_the_command_line_counts_on_the_pages(
    app: App, sandbox: Sandbox, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    def tested() -> int:
        return main(["--data", str(app.data), "check", DOMAIN])

    assert tested() == 0
    assert steps(app)[TEST].detail == "36 live people were visible. Every mapped column is there."
    assert for_csms(app)[0] == PREVIEW
    assert "every mapped column is there" in said(app.open("connect"))
    sandbox.stop()
    assert tested() == 1
    found = steps(app)[TEST]
    assert (found.wrong, for_csms(app)[0]) == (True, TEST)
    assert found.detail in capsys.readouterr().err
    sandbox.start()


def test_a_preview_that_read_otherwise_since_is_told_beside_the_test(app: App, sandbox: Sandbox) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    prove(app)
    assert "blocked" not in steps(app)[TEST].detail
    sandbox.switches.half_missing = True
    planning.preview(house, DOMAIN)
    assert "The newest preview read otherwise since, and is blocked" in steps(app)[TEST].detail


def test_a_test_that_failed_after_the_preview_counts(app: App, sandbox: Sandbox) -> None:
    planning.preview(app.house(), DOMAIN)
    sandbox.stop()
    prove(app)
    assert (steps(app)[TEST].wrong, for_csms(app)[0]) == (True, TEST)
    sandbox.start()
    planning.preview(app.house(), DOMAIN)
    assert (steps(app)[TEST].done, for_csms(app)[0]) == (True, RUN)


def test_a_column_that_was_mapped_after_the_test_is_named(app: App, said: Said) -> None:
    prove(app)
    domain = domains_seen(app.house(), CUSTOMER)[0]
    added = (*domain.attributes, Attribute("Cost centre", "Cost centre"))
    editing.save_mapping(app.house(), DOMAIN, added, "Employee ID", editing.begun_from(domain))
    assert steps(app)[TEST].done
    assert steps(app)[TEST].detail.endswith("Mapped since, and read by the next preview: Cost centre.")
    shown = said(app.open("connect")).replace("\\", "")
    assert "Mapped since, and read by the next preview: Cost centre" in shown
    assert "every mapped column is there" not in shown
    assert following(app) == PREVIEW


def test_before_anything_is_mapped_a_test_is_next_and_brings_the_fields(app: App) -> None:
    label = f"{CUSTOMER}/new"
    setting_up.add_domain(app.house(), CUSTOMER, "new", "Northwind HiBob")
    assert following(app, label) == TEST
    asking.ask(app.house(), label, jobs.JobKind.CHECK)
    app.work()
    found = steps(app, label)[TEST]
    assert (found.done, found.wrong) == (True, False)
    assert "No column was mapped yet" in found.detail
    assert following(app, label) == "Attributes and dates to capture"


def test_a_failed_test_needs_attention_and_says_why(app: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.stop()
    prove(app)
    found = steps(app)[TEST]
    assert found.wrong
    assert found.detail
    assert "Needs attention" in said(app.open("start"))
    sandbox.start()


def test_a_schedule_is_worth_having_and_holds_nothing_up(full: App, said: Said) -> None:
    schedule = steps(full)["Schedule"]
    assert (schedule.done, schedule.optional) == (False, True)
    assert "Everything that is needed is done." in said(full.open("start"))


REFUSED = "HiBob refused the credentials (401 on GET /company/people/fields). Check the service user’s id and token."


def test_a_test_from_before_hibob_let_nobody_in_proves_nothing_any_more(full: App, said: Said) -> None:
    house = full.house()
    job = asking.ask(house, DOMAIN, jobs.JobKind.PREVIEW)
    jobs.finish(house.db, job, house.clock(), {}, REFUSED)
    step = steps(full)["Test of the connection"]
    assert (step.done, step.wrong, step.detail) == (False, True, REFUSED)
    assert "Everything that is needed is done." not in said(full.open("start"))
    assert "HiBob let nobody in when it was read last." in said(full.open("connect"))
    (row, *_) = overseeing.customers_overview(full.house(None))
    assert row.tested is False
    assert [each.about for each in row.needs if each.about in ("not-made", "test")] == ["not-made"]
    planning.preview(house, DOMAIN)
    assert steps(full)["Test of the connection"].done
    assert "HiBob let nobody in" not in said(full.open("connect"))


# --- the page ---------------------------------------------------------------------------------------------


def test_each_step_has_a_state_in_words(app: App, said: Said) -> None:
    text = said(app.open("start"))
    for word in ("Done", "Next", "To do", "Optional"):
        assert f"-badge[{word}]" in text
    assert "Set-up: 4 of 7 needed steps done, and 2 of 4 optional ones" in counted(app)


def counted(app: App) -> str:
    return " ".join(str(each.text) for each in app.open("start").get("progress"))


def test_the_ticks_are_as_many_as_the_count_says_and_optional_ones_are_called_so(full: App, said: Said) -> None:
    text, found = said(full.open("start")), steps(full).values()
    assert text.count(":green-badge[Done]") == sum(each.done for each in found)
    assert text.count(":gray-badge[Optional]") == sum(each.optional for each in found) == 4
    done = sum(each.done for each in found if each.optional)
    assert f"7 of 7 needed steps done, and {done} of 4 optional ones" in counted(full)


def test_the_number_of_needed_steps_stays_whatever_is_done(app: App, full: App) -> None:
    label = f"{CUSTOMER}/new"
    setting_up.add_domain(app.house(), CUSTOMER, "new", "Northwind HiBob")
    every = [
        stages.checklist(one.house(), CUSTOMER, where)
        for one, where in ((app, None), (app, label), (app, DOMAIN), (full, DOMAIN))
    ]
    assert {len(stages.needed(each)) for each in every} == {7}


def test_the_text_for_hibob_names_the_usual_categories_first_and_then_hibobs_own(app: App) -> None:
    before = app.open("start").code[0].value
    assert "(these are HiBob’s usual names)" in before
    assert "[ ] Lifecycle  (Status, Lifecycle status, Last day of work)" in before
    assert "[ ] Employment  (Employment type, FTE %)" in before
    assert "fields of your own: Payroll number, Contract end, Certified person" in before
    prove(app)
    after = app.open("start").code[0].value
    assert "usual names" not in after
    assert "of your own" not in after
    assert "[ ] Regulated roles  (Certified person)" in after
    assert "SERVICE-4711" in after
    assert "token" not in after


def test_without_a_service_user_the_text_asks_for_one(app: App) -> None:
    setting_up.add_customer(app.house(None), "Fresh")
    text = requesting.hibob_request(app.house(None), "Fresh", None)
    assert "Create a service user" in text
    assert "not by mail" in text
    assert "[ ] Work  (Start date, Employee ID, Job title" in text


def test_the_text_for_hibob_is_open_while_it_is_to_be_sent(app: App) -> None:
    setting_up.add_customer(app.house(None), "Fresh")
    setting_up.grant(app.house(None), ADMIN, Role.ADMIN, "Fresh")
    fresh = app.open("start", customer="Fresh")
    assert next(each for each in fresh.expander if "HiBob" in each.label).proto.expanded
    mapped = app.open("start", customer=CUSTOMER)
    assert not next(each for each in mapped.expander if "HiBob" in each.label).proto.expanded


def test_seats_and_price_are_entered_on_the_page(app: App, said: Said) -> None:
    at = app.open("start")
    next(each for each in at.number_input if each.label == "Licensed users").set_value(300)
    next(each for each in at.number_input if each.label.startswith("Price per user")).set_value(9.75)
    next(each for each in at.text_input if each.label == "Currency").set_value("gbp")
    button(at, "Save")
    assert "300 licensed users at £9.75 each." in said(at).replace("\\", "")
    event = looking.see_history(app.house(), CUSTOMER)[0]
    assert (event.what, event.details["seats"]) == ("customer changed", 300)


def test_an_auditor_reads_the_checklist_and_changes_nothing(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    setting_up.grant(app.house(None), "auditor@northwind.example", Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@northwind.example")
    at = app.open("start")
    assert not at.exception
    assert [each.label for each in at.button] == []


# --- the next step, from anywhere -------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["connect", "mapping", "settings", "schedule"])
def test_a_page_of_the_set_up_says_what_is_next_until_it_is_done(app: App, said: Said, page: str) -> None:
    assert f"Next: **{PREVIEW}" in said(app.open(page))


@pytest.mark.parametrize("page", ["connect", "mapping", "settings", "schedule"])
def test_nothing_is_said_once_the_set_up_is_done(full: App, said: Said, page: str) -> None:
    assert "Next: " not in said(full.open(page))


def test_the_overview_leads_to_the_next_step(app: App) -> None:
    at = app.open()
    assert "Make a preview" in [each.value for each in at.header]
    assert "needed steps done" in str([each.proto.label for each in at.get("page_link")])


def test_a_preview_is_made_from_the_overview_by_one_click(app: App, said: Said) -> None:
    at = button(app.open(), "Make a preview")
    job = asking.latest_job(app.house(), DOMAIN, [jobs.JobKind.PREVIEW])
    assert job is not None
    assert job.open
    assert at.title[0].value == "Preview"


def test_whoever_only_looks_is_not_told_to_do_it(app: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    setting_up.grant(app.house(None), "auditor@northwind.example", Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@northwind.example")
    at = app.open()
    assert "Make a preview" not in [each.value for each in at.header]
    assert "Make a preview" not in [each.label for each in at.button]
    assert "Look at it" in [each.proto.label for each in at.get("page_link")]
    assert "An admin or CSM makes the next one" in said(at)
    assert "Make a preview" not in said(at)


def test_before_there_is_a_domain_the_overview_leads_through_the_set_up(empty: App, said: Said) -> None:
    setting_up.add_customer(empty.house(None), CUSTOMER)
    setting_up.grant(empty.house(None), ADMIN, Role.ADMIN, CUSTOMER)
    at = empty.open()
    assert "Next: **Id and token of the service user in HiBob**. Send" in said(at)
    assert "Set-up: 0 of" in str(at.get("progress")[0].proto)
    assert "Before you start" in [each.proto.label for each in at.get("page_link")]
    assert button(at, "Go to Connect").title[0].value == "Connect"


# --- before a preview can be made -------------------------------------------------------------------------


@pytest.fixture
def bare(app: App) -> str:
    """The label of a domain on a connection without id and token, beside one that has both."""
    setting_up.save_connection(app.house(), CUSTOMER, "Second HiBob", "https://api.hibob.com/v1", "", None)
    setting_up.add_domain(app.house(), CUSTOMER, "bare", "Second HiBob")
    return f"{CUSTOMER}/bare"


def test_a_domain_whose_connection_has_no_token_begins_there_whatever_other_connections_have(
    app: App, bare: str
) -> None:
    title = "Id and token of the service user in HiBob"
    assert (following(app, bare), for_csms(app, bare)) == (title, (title, 1))


@pytest.mark.parametrize("page", ["preview", "process"])
def test_before_a_preview_can_be_made_its_pages_say_what_is_next(app: App, bare: str, said: Said, page: str) -> None:
    at = app.open(page, domain="bare")
    assert not at.exception
    assert "Next: **Id and token of the service user in HiBob**. Send" in said(at)
    assert all(each.disabled for each in at.button if each.label == "Make a preview")
    assert "Next: " not in said(app.open(page, domain="staff"))


def test_a_preview_that_failed_for_want_of_a_token_leads_to_connect(app: App, bare: str, said: Said) -> None:
    new, staff = sorted(domains_seen(app.house(), CUSTOMER), key=lambda each: each.name)
    editing.save_mapping(app.house(), bare, staff.attributes, "Employee ID", editing.begun_from(new))
    asking.ask(app.house(), bare, jobs.JobKind.PREVIEW)
    app.work()
    at = app.open("preview", domain="bare")
    assert "Enter both on the page Connect" in said(at)
    assert "Look at the connection" in [each.proto.label for each in at.get("page_link")]


# --- connect ----------------------------------------------------------------------------------------------


def test_with_a_connection_and_no_domain_adding_one_is_what_stands_out(empty: App) -> None:
    setting_up.add_customer(empty.house(None), CUSTOMER)
    setting_up.grant(empty.house(None), ADMIN, Role.ADMIN, CUSTOMER)
    setting_up.save_connection(empty.house(), CUSTOMER, "HiBob", "https://api.hibob.com/v1", "SERVICE-1", "secret")
    at = empty.open("connect")
    open_headers = [each.value for each in at.header]
    assert open_headers.index("Add a domain") < open_headers.index("HiBob")
    kinds = [(each.label, each.proto.type) for each in at.button]
    assert kinds[:2] == [("Add", "primary"), ("Save", "secondary")]
    assert [each.label for each in at.expander] == ["Add another connection"]
    assert not at.expander[0].proto.expanded


def test_a_refused_name_of_a_domain_stays_in_its_form(app: App, said: Said) -> None:
    at = app.open("connect")
    name = next(each for each in at.text_input if each.label == "Name of the domain")
    name.set_value("with/slash")
    button(at, "Add")
    assert "holds a slash" in said(at)
    assert next(each for each in at.text_input if each.label == "Name of the domain").value == "with/slash"
    next(each for each in at.text_input if each.label == "Name of the domain").set_value("agency")
    button(at, "Add")
    assert next(each for each in at.text_input if each.label == "Name of the domain").value == ""
    assert ADMIN in said(at)
