"""The page Customers: what needs somebody first, counts only, and only for those who look after customers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.proto.Block_pb2 import Block
from streamlit.testing.v1 import AppTest, element_tree

from provisioning.errors import RoleMissing, SettingsError
from provisioning.model import Action, Finding, Role, Settings, Severity
from provisioning.sandbox import Sandbox
from provisioning.setup_file import ScheduleTable
from provisioning.store import customers, jobs, runs, schedules
from provisioning.store.codec import to_json, to_text
from provisioning.store.leases import lease
from provisioning.web import words
from provisioning.workflow import (
    approving,
    asking,
    connections,
    editing,
    looking,
    overseeing,
    planning,
    scheduling,
    setting_up,
    stages,
    undoing,
)
from provisioning.workflow.house import Workspace, customers_seen, domains_seen
from provisioning.workflow.resting import table_of

Direction = Block.FlexContainer.Direction
Said = Callable[[AppTest], str]
CUSTOMER = "Northwind Trading"
CSM = "csm@skillcast.example"
MANY, QUERIES = 300, 25
REFUSED = (
    "HiBob refused the credentials (401 on GET /company/people/fields). Check the service user’s id and token on the "
    "connection, and that it belongs to this HiBob environment."
)


@pytest.fixture
def csm(full: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """After the first run, looked at by a CSM of every customer."""
    setting_up.grant(full.house(None), CSM, Role.CSM, None)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    return full


def plain(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")


def table(at: AppTest) -> list[dict[str, str]]:
    found: list[dict[str, str]] = at.dataframe[0].value.to_dict("records")
    return found


def table_or_nothing(at: AppTest) -> list[dict[str, str]]:
    return table(at) if at.dataframe else []


def many(house: Workspace) -> None:
    """So many customers, each with a domain whose schedule is on, and that nobody has finished setting up."""
    like = domains_seen(house, CUSTOMER)[0]
    with house.db.transaction():
        for number in range(MANY):
            customer = customers.save_customer(house.db, f"Customer {number:03}", 500, None, 730)
            domain = customers.create_domain(house.db, customer, "staff")
            customers.save_mapping(house.db, domain, like.attributes, "x", house.clock())
            customers.save_settings(
                house.db, domain, Settings(unique_identifier=like.settings.unique_identifier), "x", house.clock()
            )
            customers.save_standing(house.db, domain, {"cron": "0 5 * * *", "timezone": "UTC", "does": "preview"}, [])
            switched_on(house, f"Customer {number:03}/staff")


def switched_on(house: Workspace, label: str, rest: schedules.Trouble | None = None) -> None:
    domain, now = customers.get_domain(house.db, label), house.clock()
    text = to_json(table_of(house, domain))
    given = schedules.StandingApproval(CSM, now, domain.mapping_version, domain.settings_version, text)
    schedules.change_state(house.db, domain.id, lambda _: schedules.State(given, now, trouble=rest), lambda _: None)


def trouble(house: Workspace, label: str, code: str, reason: str) -> None:
    """The domain's schedule was switched on, and is in quarantine."""
    now = house.clock()
    switched_on(house, label, schedules.Trouble(code, reason, now, 1, now, now + timedelta(hours=6)))


def blocked_plan(house: Workspace, label: str) -> None:
    """A preview that a limit blocked, as the store keeps it."""
    domain, now = customers.get_domain(house.db, label), house.clock()
    house.db.insert(
        "plans", id="plan-blocked", domain_id=domain.id, made_at=to_text(now), read_at=to_text(now), by=CSM,
        mapping_version=domain.mapping_version, settings_version=domain.settings_version, attributes="[]",
        status="blocked", digest="x", counts="{}", findings="[]",
    )  # fmt: skip


def test_the_three_of_300_that_need_help_stand_first(csm: App) -> None:
    house = csm.house(CSM)
    many(house)
    for number in (17, 150):
        trouble(house, f"Customer {number:03}/staff", "connection", "HiBob refused the token.")
    blocked_plan(house, "Customer 299/staff")
    rows = table(csm.open("customers"))
    assert [each["Customer"] for each in rows[:3]] == ["Customer 017", "Customer 150", "Customer 299"]
    assert rows[0]["Needs attention"] == "HiBob refused the token."
    assert rows[2]["Needs attention"] == "The newest preview is blocked."
    assert {each["Schedule"] for each in rows[3:]} == {"On"}
    assert rows[3]["Needs attention"].startswith("Next in the set-up: id and token of the service")
    assert rows[3]["Customer"] == "Customer 000"
    healthy = table(csm.open("customers", search=CUSTOMER))
    assert [each["Needs attention"] for each in healthy] == ["—"]
    assert not table_or_nothing(csm.open("customers", search=CUSTOMER, show="needs"))
    some = table(csm.open("customers", search="customer 15", show="needs"))
    assert [each["Customer"] for each in some[:2]] == ["Customer 150", "Customer 151"]


def test_who_has_only_too_few_seats_stands_after_those_who_are_set_up(csm: App) -> None:
    house = csm.house(CSM)
    overseeing.customer_from_template(house, "Zeta", DOMAIN)
    stages.save_licence(house, CUSTOMER, 1, None)
    rows = table(csm.open("customers"))
    assert [each["Customer"] for each in rows] == ["Zeta", CUSTOMER]
    assert "1 licensed" in rows[1]["Needs attention"]
    links = [each.proto.page for each in csm.open("customers").main.get("page_link")]
    assert links == ["connect", "start"]


def seats_needed(house: Workspace) -> list[str]:
    return [need.why for need in overseeing.customers_overview(house)[0].needs if need.about == "seats"]


def test_a_waiting_preview_that_would_exceed_the_seats_says_so_with_the_cost(
    app: App, sandbox: Sandbox, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting_up.grant(app.house(None), CSM, Role.CSM, None)
    house = app.house(CSM)
    stages.save_licence(house, CUSTOMER, 10, 2.5, "GBP")
    plan = planning.preview(house, DOMAIN)
    new = plan.counts["add"]
    told = f"0 live users, {new} once what waits is processed; 10 licensed: {new - 10} too many, which cost £{(new - 10) * 2.5:.2f}"
    assert seats_needed(house)[0].removesuffix(" more.").removesuffix(".00") == told.removesuffix(".00")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    at = app.open("customers", selected=DOMAIN, show="seats")
    assert "too many, which cost £" in plain(said(at))
    assert table(at)[0]["Needs attention"] == f"A preview waits for approval; {new - 10} seats too few."
    # Whoever is left out of the approval takes no seat.
    pilot = [each.key for each in plan.changes if each.action is Action.ADD][:12]
    approving.approve(house, plan.id)
    assert seats_needed(house) != []
    approving.approve(house, plan.id, only=pilot)
    assert seats_needed(house)[0].startswith("0 live users, 12 once what waits is processed; 10 licensed: 2 too many")
    approving.approve(house, plan.id, only=pilot[:10])
    assert seats_needed(house) == []


def test_a_preview_that_archives_frees_no_seat_before_it_is_processed(csm: App, sandbox: Sandbox) -> None:
    house = csm.house(CSM)
    stages.save_licence(house, CUSTOMER, 1, None)
    live = overseeing.customers_overview(house)[0].live
    assert seats_needed(house) == [f"{live} live users; 1 licensed: {live - 1} too many."]


def test_no_customer_takes_queries_of_its_own(csm: App) -> None:
    house = csm.house(CSM)
    many(house)
    asked: list[str] = []
    house.db.connection.set_trace_callback(asked.append)
    assert len(overseeing.customers_overview(house)) == MANY + 1
    house.db.connection.set_trace_callback(None)
    assert len(asked) <= QUERIES, asked


def test_a_waiting_preview_is_shown_since_when_and_opens_exactly_that_one(
    app: App, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    setting_up.grant(app.house(None), CSM, Role.CSM, None)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    found = overseeing.customers_overview(app.house(CSM))[0]
    assert (found.plan_id, found.waiting_since) == (plan.id, plan.made_at)
    assert found.needs[0].why == "A preview waits for approval."
    at = app.open("customers", selected=DOMAIN)
    assert table(at)[0]["Needs attention"] == "A preview waits for approval."
    assert "A preview waits for approval" in plain(said(at))


def test_a_waiting_preview_is_counted_as_its_page_counts_it_without_whom_the_reader_leaves_out(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    new = [each.key for each in plan.changes if each.action is Action.ADD]
    setting_up.grant(app.house(None), CSM, Role.CSM, None)
    house = app.house(CSM)
    stages.save_licence(house, CUSTOMER, 10, None)
    approving.keep_left_out(house, plan.id, new[12:])
    waiting, seats = overseeing.customers_overview(house)[0].needs[:2]
    assert waiting.told.startswith(f"12 people join. {len(new) - 12} are left out.")
    assert seats.why.startswith("0 live users, 12 once what waits is processed")
    # Whoever else looks sees everybody: nothing is approved yet.
    setting_up.grant(app.house(None), "other@skillcast.example", Role.CSM, None)
    assert (
        overseeing.customers_overview(app.house("other@skillcast.example"))[0]
        .needs[0]
        .told.startswith(f"{len(new)} people join.")
    )


def test_a_preview_that_takes_a_run_back_is_one_like_others(csm: App, said: Said) -> None:
    house = csm.house(CSM)
    (run, _, _), *_ = looking.runs_seen(house, DOMAIN, 1)
    undoing.undo(house, run.id)
    at = csm.open("customers", selected=DOMAIN)
    assert "The newest preview is blocked" in plain(said(at))
    assert not at.exception


def test_a_row_shows_counts_and_nobody(csm: App) -> None:
    row = table(csm.open("customers"))[0]
    assert row["Customer"] == CUSTOMER
    assert row["Last run"] == "just now"
    assert "@" not in str(row)


def test_an_untested_domain_on_a_connection_that_was_read_says_so(csm: App, said: Said) -> None:
    setting_up.add_domain(csm.house(ADMIN), CUSTOMER, "new", "Northwind HiBob")
    setting_up.save_connection(csm.house(ADMIN), CUSTOMER, "Second", "https://api.hibob.com/v1", "", None)
    setting_up.add_domain(csm.house(ADMIN), CUSTOMER, "apart", "Second")
    for domain, how in (("new", "not tested · HiBob read just now"), ("apart", "not tested · HiBob never read")):
        assert f"Connection: {how}" in plain(said(csm.open("customers", selected=f"{CUSTOMER}/{domain}")))


def test_a_preview_that_failed_needs_somebody_until_one_is_made(csm: App) -> None:
    house = csm.house(CSM)
    job = asking.ask(house, DOMAIN, jobs.JobKind.PREVIEW)
    jobs.finish(house.db, job, house.clock(), {}, REFUSED)
    (need,) = [each for each in overseeing.customers_overview(house)[0].needs if each.about == "not-made"]
    assert need.why.startswith("Preview failed: HiBob refused the credentials")
    at = csm.open("customers", selected=DOMAIN)
    assert table(at)[0]["Needs attention"] == "Preview failed: HiBob refused the credentials."
    assert "Look at it" in [each.proto.label for each in at.get("page_link")]
    planning.preview(house, DOMAIN)
    assert "not-made" not in [each.about for each in overseeing.customers_overview(house)[0].needs]


def test_a_failed_test_of_the_connection_needs_somebody(csm: App) -> None:
    house = csm.house(ADMIN)
    job = asking.ask(house, DOMAIN, jobs.JobKind.CHECK)
    jobs.finish(house.db, job, house.clock(), {}, "HiBob refused the token.")
    assert table(csm.open("customers"))[0]["Needs attention"] == "HiBob refused the token."


def test_others_are_told_that_it_is_for_csms(full: App, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    setting_up.grant(full.house(), "auditor@elsewhere.example", Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@elsewhere.example")
    at = full.open("customers")
    assert "for CSMs" in said(at)
    assert not at.dataframe
    with pytest.raises(RoleMissing):
        overseeing.customers_overview(full.house("auditor@elsewhere.example"))


def test_a_csm_of_one_customer_sees_that_one(full: App) -> None:
    setting_up.grant(full.house(), CSM, Role.CSM, CUSTOMER)
    many(full.house())
    assert {each.customer for each in overseeing.customers_overview(full.house(CSM))} == {CUSTOMER}


def test_who_has_which_role_stands_with_the_customer_that_is_selected(csm: App) -> None:
    at = csm.open("customers", selected=DOMAIN)
    held = next(each.value for each in at.dataframe if "Role" in each.value)
    told = list(zip(held["Who"], held["Role"], held["For"], strict=True))
    assert told == [(ADMIN, "admin", CUSTOMER), (CSM, "CSM", "Every customer"), (CSM, "CSM", CUSTOMER)]


def test_a_customer_from_a_template_has_its_mapping_and_nobody_of_it(csm: App) -> None:
    house = csm.house(CSM)
    overseeing.customer_from_template(house, "Fabrikam", DOMAIN)
    made, like = customers.get_domain(house.db, "Fabrikam/staff"), customers.get_domain(house.db, DOMAIN)
    assert (made.attributes, made.settings.limits) == (like.attributes, like.settings.limits)
    assert (made.settings.protected, made.settings.scope) == ((), ())
    assert "@" not in setting_up.export(house, "Fabrikam")
    assert not connections.connections_seen(house, "Fabrikam")[0].token_set
    with pytest.raises(SettingsError, match="already"):
        overseeing.customer_from_template(house, "Fabrikam", DOMAIN)


def test_a_customer_is_made_from_the_selected_row(csm: App) -> None:
    at = csm.open("customers", selected=DOMAIN)
    next(each for each in at.text_input if each.label == "Name of the new customer").set_value("Fabrikam")
    next(each for each in at.button if each.label == "Create").click().run()
    assert [each.name for each in customers_seen(csm.house(CSM))] == ["Fabrikam", CUSTOMER]


def test_an_admin_of_one_customer_makes_none_from_it(full: App) -> None:
    with pytest.raises(RoleMissing):
        overseeing.customer_from_template(full.house(ADMIN), "Fabrikam", DOMAIN)


def test_a_paused_schedule_says_why_in_a_line_and_in_full_where_it_is_selected(csm: App, said: Said) -> None:
    house = csm.house(ADMIN)
    scheduling.save_schedule(house, DOMAIN, ScheduleTable("0 5 * * *"))
    scheduling.switch_on(house, DOMAIN)
    scheduling.pause_all(house, CUSTOMER)
    at = csm.open("customers", selected=DOMAIN)
    why, row = f"{ADMIN} paused all schedules of {CUSTOMER}.", table(at)[0]
    assert row["Schedule"] == "Paused"
    assert row["Needs attention"].endswith("…")
    assert why.startswith(row["Needs attention"].removesuffix("…"))
    assert why in plain(said(at))


def test_a_run_that_nobody_is_at_needs_somebody(csm: App) -> None:
    house = csm.house(CSM)
    domain = customers.get_domain(house.db, DOMAIN)
    plan = planning.preview(csm.house(), DOMAIN)
    runs.start_run(house.db, plan.id, domain.id, ADMIN, house.clock())
    with lease(house.db, domain.id, f"process {plan.id}"):
        assert "stopped" not in {need.about for need in overseeing.customers_overview(house)[0].needs}
    (need,) = [each for each in overseeing.customers_overview(house)[0].needs if each.about == "stopped"]
    assert (need.why, need.plan) == ("The last run did not come to its end.", plan.id)


def test_the_order_can_be_another_and_stands_in_the_address(csm: App) -> None:
    many(csm.house(CSM))
    by_name = table(csm.open("customers", order="name"))
    assert [each["Customer"] for each in by_name[:2]] == ["Customer 000", "Customer 001"]
    assert table(csm.open("customers", order="live"))[0]["Customer"] == CUSTOMER


def test_a_long_reason_is_a_line_without_what_a_technician_reads_and_told_in_full_below(csm: App, said: Said) -> None:
    house = csm.house(CSM)
    many(house)
    for number in range(40):
        trouble(house, f"Customer {number:03}/staff", "connection", REFUSED)
    at = csm.open("customers", selected="Customer 003/staff")
    assert [each["Needs attention"] for each in table(at)[:40]] == ["HiBob refused the credentials."] * 40
    shown = at.dataframe[0].proto
    assert shown.row_height == 0
    first = [plain(each.value) for each in at.main.markdown if "Customer 000" in each.value]
    assert first == ["**Customer 000/staff** — HiBob refused the credentials."]
    assert REFUSED in plain(said(at))


@pytest.mark.parametrize("narrow", [True, False])
def test_a_narrow_window_has_the_way_below_the_words(
    csm: App, monkeypatch: pytest.MonkeyPatch, *, narrow: bool
) -> None:
    monkeypatch.setattr(words, "on_a_telephone", lambda: narrow)
    blocked_plan(csm.house(CSM), DOMAIN)
    (place,) = having_a_link(csm.open("customers").main)
    assert place.proto.flex_container.direction == (Direction.VERTICAL if narrow else Direction.HORIZONTAL)


def having_a_link(block: element_tree.Block) -> Iterator[element_tree.Block]:
    within = list(block.children.values())
    if any(each.type == "page_link" for each in within):
        yield block
    for each in within:
        yield from having_a_link(each) if isinstance(each, element_tree.Block) else ()


def test_the_box_of_a_customer_whose_run_failed_has_the_way_to_that_run(csm: App) -> None:
    house = csm.house(CSM)
    (last,) = looking.runs_seen(house, DOMAIN)
    house.db.execute("UPDATE runs SET status = 'partial' WHERE id = ?", last[0].id)
    house.db.execute("UPDATE outcomes SET result = 'failed' WHERE run_id = ? AND seq = 0", last[0].id)
    links = [each.proto for each in csm.open("customers", selected=DOMAIN).main.get("page_link")]
    assert [each.label for each in links] == ["Look at the run"] * 2 + ["Open its overview"]
    assert {each.query_string.rpartition("&")[2] for each in links[:2]} == {f"plan={last[0].plan_id}"}


def test_whoever_needs_somebody_first_is_one_click_from_where_that_is_done(csm: App) -> None:
    house = csm.house(CSM)
    many(house)
    for number in range(3, 10):
        trouble(house, f"Customer {number:03}/staff", "connection", "HiBob refused the token.")
    at = csm.open("customers")
    links = [each.proto for each in at.main.get("page_link")]
    assert [(each.page, each.label) for each in links] == [("schedule", "Open the schedule")] * 5
    assert links[0].query_string == "customer=Customer+003&domain=staff"
    assert f"And {MANY - 5} more, below." in [each.value for each in at.caption]


def test_what_waits_says_who_joins_in_numbers_and_whether_it_is_safe_which_the_table_does_not(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    setting_up.grant(app.house(None), CSM, Role.CSM, None)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    at = app.open("customers")
    (told,) = [each for each in (plain(each.value) for each in at.main.caption) if "join" in each]
    assert told.startswith(f"{plan.counts['add']} people join. {plan.counts['held']} are held back. Nothing is blocked")
    assert "join" not in table(at)[0]["Needs attention"]
    # Whoever was left out of the approval is not counted.
    approving.approve(app.house(), plan.id, only=[plan.changes[0].key])
    assert overseeing.customers_overview(app.house(CSM))[0].needs[0].told.startswith("1 person joins. ")


def test_a_blocked_preview_says_what_blocks_and_is_opened_at_once(csm: App) -> None:
    house = csm.house(CSM)
    blocked_plan(house, DOMAIN)
    finding = Finding("limit-archive", Severity.BLOCK, "40 of 200 would be archived.", "Look at them.")
    house.db.execute(
        "UPDATE plans SET counts = ?, findings = ? WHERE id = 'plan-blocked'",
        to_json({"archive": 40}),
        to_json([finding]),
    )
    at = csm.open("customers")
    assert "40 people leave. Blocked: too many archives." in [plain(each.value) for each in at.main.caption]
    (link,) = [each.proto for each in at.main.get("page_link")]
    assert (link.page, link.query_string.rpartition("&")[2]) == ("preview", "plan=plan-blocked")


def test_whose_next_step_is_the_first_preview_is_led_to_where_one_makes_it(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting_up.grant(app.house(None), CSM, Role.CSM, None)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    at = app.open("customers", selected=DOMAIN)
    assert table(at)[0]["Needs attention"] == "Next in the set-up: first preview."
    links = [(each.proto.page, each.proto.label) for each in at.main.get("page_link")]
    assert links[:2] == [("preview", "Go to Preview")] * 2


def test_a_waiting_preview_is_opened_at_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    setting_up.grant(app.house(None), CSM, Role.CSM, None)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    (link,) = [each.proto for each in app.open("customers").main.get("page_link")]
    assert (link.page, link.query_string.rpartition("&")[2]) == ("preview", f"plan={plan.id}")


def test_what_is_approved_and_not_processed_needs_somebody_and_is_one_click_away(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    approving.approve(app.house(), plan.id)
    setting_up.grant(app.house(None), CSM, Role.CSM, None)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    at = app.open("customers", show="approved")
    assert table(at)[0]["Needs attention"] == "An approved preview waits to be processed."
    assert next(each.value for each in at.metric if each.label == "Need attention") == "1"
    (link,) = [each.proto for each in at.main.get("page_link")]
    assert (link.page, link.query_string.rpartition("&")[2]) == ("process", f"plan={plan.id}")


def test_an_approval_that_lapsed_needs_nobody(app: App) -> None:
    house = app.house()
    approving.approve(house, planning.preview(house, DOMAIN).id)
    domain = domains_seen(house, CUSTOMER)[0]
    editing.save_settings(house, DOMAIN, replace(domain.settings, absent_reads=2), domain.settings_version)
    (found,) = overseeing.customers_overview(app.house(None))
    assert found.approved is None
    assert "approved" not in [each.about for each in found.needs]


def test_what_was_approved_waits_beside_a_newer_preview(app: App) -> None:
    house = app.house()
    first = planning.preview(house, DOMAIN)
    approving.approve(house, first.id)
    planning.preview(house, DOMAIN)
    (found,) = overseeing.customers_overview(app.house(None))
    assert [each.about for each in found.needs] == ["approved", "waiting"]
    assert found.approved
    assert found.approved.id == first.id


def test_the_table_shows_only_those_who_are_asked_for(csm: App) -> None:
    house = csm.house(CSM)
    many(house)
    trouble(house, "Customer 017/staff", "connection", "HiBob refused the token.")
    shown = {
        show: [each["Customer"] for each in table(csm.open("customers", show=show))] for show in ("resting", "setup")
    }
    assert shown["resting"] == ["Customer 017"]
    assert CUSTOMER not in shown["setup"]
    assert csm.open("customers", show="waiting").info


def test_a_csm_of_several_begins_with_all_of_them(csm: App, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [each.value for each in csm.open().title] == ["Overview"]
    overseeing.customer_from_template(csm.house(CSM), "Fabrikam", DOMAIN)
    assert [each.value for each in csm.open().title] == ["Customers"]
    assert [each.value for each in csm.open("", customer="Fabrikam").title] == ["Overview"]
    # A tab of its own, which has looked at nobody yet.
    mapping = csm.open("")
    del mapping.session_state["last_customer"]
    mapping.query_params.clear()
    assert [each.value for each in mapping.switch_page("pages/mapping.py").run().title] == ["Customers"]
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", ADMIN)
    assert [each.value for each in csm.open().title] == ["Overview"]
