"""What one looks at stands in the address, and comes back with it."""

from installation import ADMIN, DOMAIN, App, Said, button

from provisioning.sandbox import Sandbox
from provisioning.workflow import approving, looking, planning, processing, stored_plans


def test_a_search_stands_in_the_address_and_comes_back_with_it(full: App) -> None:
    at = full.open("preview")
    next(each for each in at.text_input if each.label == "Search").set_value("lef").run()
    assert at.query_params["search"] in ("lef", ["lef"])
    again = full.open("preview", search="lef")
    assert next(each for each in again.text_input if each.label == "Search").value == "lef"


def test_a_tab_stands_in_the_address_and_comes_back_with_it(full: App, sandbox: Sandbox, said: Said) -> None:
    held = planning.preview(full.house(), DOMAIN).counts["held"]
    assert "held back: what HiBob says" not in said(full.open("preview"))
    assert f"{held} people are held back: what HiBob says" in said(full.open("preview", show="held"))
    assert "Whatever" not in said(full.open("preview", show="nothing that there is"))


def test_the_person_selected_stands_in_the_address(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    chosen = plan.changes[3]
    at = app.open("preview", plan=plan.id, selected=chosen.key)
    assert "1 person selected" in said(at)
    assert f"HiBob id: {chosen.key}" in [each.value for each in at.text]
    button(at, "Leave out")
    assert stored_plans.left_out_draft(app.house(), plan.id) == (chosen.key,)


def test_the_run_shown_stands_in_the_address(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    house = full.house()
    first = looking.runs_seen(house, DOMAIN)[0][0].id
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    second = processing.process(house, plan.id).id
    assert second in full.open("history", show="runs").code[0].value
    assert first in full.open("history", show="runs", run=first).code[0].value


def test_another_search_begins_on_its_first_page_with_nobody_selected(app: App) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = app.open("preview", plan=plan.id, page="2", selected=plan.changes[0].key)
    next(each for each in at.text_input if each.label == "Search").set_value("zzz").run()
    assert sorted(at.query_params) == ["customer", "domain", "plan", "search"]


def test_the_sidebar_leads_to_what_a_page_would_show(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0].id
    links = {each.proto.label: each.proto.query_string for each in full.open().sidebar.get("page_link")}
    place = "customer=Northwind+Trading&domain=staff"
    assert links["Preview"] == links["Process"] == f"{place}&plan={plan}"
    assert links["History"] == links["People"] == place


def test_an_address_copied_from_a_page_is_found(full: App, said: Said) -> None:
    copied = ADMIN.replace("@", "@\u2060")
    assert "Unchanged" in said(full.open("people", person=copied))
    at = full.open("history", search=copied)
    assert "processed" in said(at)
