"""The overview looks first at what went wrong, and a first customer is made by whoever sits there."""

import json

import pytest
from installation import ADMIN, DOMAIN, App, Said, button

from provisioning.errors import RoleMissing
from provisioning.model import Outcome, Result, RunStatus
from provisioning.sandbox import Sandbox
from provisioning.setup_file import ScheduleTable
from provisioning.store import runs
from provisioning.store.leases import lease
from provisioning.workflow import (
    approving,
    asking,
    looking,
    overseeing,
    planning,
    processing,
    scheduling,
    setting_up,
    stages,
    undoing,
)
from provisioning.workflow.house import may


def test_the_local_user_who_makes_the_first_customer_is_its_admin(
    empty: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", ADMIN)
    at = empty.open("start")
    next(each for each in at.text_input if each.label == "Name of the customer").set_value("Acme")
    button(at, "Create")
    assert not at.error
    assert "approve" in may(empty.house(), "Acme")
    assert [each.what for each in looking.see_history(empty.house(), "Acme")] == ["role granted", "customer created"]
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "stranger@elsewhere.example")
    assert "Create" not in [each.label for each in empty.open("start").button]
    empty.environment["ROLLCALL_LOCAL_USER"] = "stranger@elsewhere.example"
    with pytest.raises(RoleMissing):
        setting_up.add_customer(empty.house("stranger@elsewhere.example"), "Mine")


def test_the_overview_looks_at_a_failed_job_first(app: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.switches.in_no_group = True
    button(app.open("preview"), "Make a preview")
    app.work()
    assert "Preview failed" in said(app.open())


def test_the_overview_calls_a_failed_decision_one_and_leads_to_where_it_is_told(full: App, said: Said) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    asking.ask_to_decide(house, DOMAIN, plan.id, asking.Wishes(protect=["nobody"]))
    full.work()
    at = full.open()
    assert "Your decision failed" in said(at)
    button(at, "Look at it")
    assert [each.value for each in at.title] == ["Preview"]


def test_after_a_run_that_did_everything_there_is_nothing_to_do(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    at = app.open()
    held = plan.counts["held"]
    assert ("Nothing to approve" if held else "Nothing to do") in said(at)
    assert "Everything approved was done" in said(at)
    assert f"{held} people are held back" in said(at)


def test_whoever_has_too_few_seats_is_told_so_and_not_that_there_is_nothing_to_do(full: App, said: Said) -> None:
    house = full.house()
    live = looking.standing(house, DOMAIN).live_in_all
    stages.save_licence(house, DOMAIN.partition("/")[0], live - 3, 2.5, "GBP")
    told = said(full.open()).replace("\\", "")
    assert "More live users than seats" in told
    assert f"{live} live users; {live - 3} licensed: 3 too many, which cost £7.50 more" in told
    assert "Nothing to" not in told
    at = full.open()
    button(at, "Open the licensed seats")
    assert [each.value for each in at.title] == ["Before you start"]


def test_a_waiting_preview_is_told_without_whom_the_page_leaves_out(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    approving.keep_left_out(house, plan.id, [plan.changes[0].key])
    told = said(app.open())
    assert "Review and approve" in told
    assert f"{len(plan.changes) - 1} people join" in told
    assert "Approve it again" in told


def test_a_run_that_nobody_is_at_is_called_interrupted_as_on_process(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    with lease(house.db, plan.domain_id, f"process {plan.id}"):
        assert "badge[Running]" in said(app.open("overview"))
    assert "badge[Interrupted]" in said(app.open("overview"))
    assert "badge[Interrupted]" in said(app.open("process"))


@pytest.mark.parametrize("beside", [False, True])
def test_whoever_failed_in_the_last_run_comes_first_until_a_preview_is_made_after_it(
    app: App, said: Said, *, beside: bool
) -> None:
    """`beside`: a newer preview was made before that run."""
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    if beside:
        planning.preview(house, DOMAIN)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    ends = [Result.FAILED, *[Result.DONE] * (len(plan.changes) - 1)]
    told = [Outcome(each.key, each.action, end) for each, end in zip(plan.changes, ends, strict=True)]
    runs.journal(house.db, run.id, told, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    assert "Look at the run" in said(app.open("overview"))
    assert "1 person failed in the last run" in said(app.open("overview"))
    need = overseeing.customers_overview(app.house(None))[0].needs[0]
    assert (need.about, need.plan) == ("failed", plan.id)
    planning.preview(house, DOMAIN)
    assert "1 person failed" not in said(app.open("overview")), "the newer preview has them again"
    needs = overseeing.customers_overview(app.house(None))[0].needs
    assert [each.about for each in needs] == ["waiting"], "Customers says what Overview says"


def test_after_a_run_was_taken_back_a_new_preview_comes_next(full: App, said: Said) -> None:
    house = full.house()
    (run, _, _), *_ = looking.runs_seen(house, DOMAIN, 1)
    back = undoing.undo(house, run.id)
    approving.approve(house, back.id, overrides={each.code: "Agreed by phone." for each in back.blocks})
    processing.process(house, back.id)
    told = said(full.open()).replace("\\", "")
    assert "A run was taken back. A new preview shows where HiBob and the users differ now" in told
    assert "Nothing to do" not in told
    undoing.undo(house, run.id)
    told = said(full.open()).replace("\\", "")
    assert "Nobody was left to be taken back" in told
    assert "agree with HiBob" not in told
    assert "nobody is left to be taken back" in said(full.open("preview"))


def test_a_schedule_that_waits_for_somebody_comes_before_nothing_to_do(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    scheduling.save_schedule(house, DOMAIN, ScheduleTable("0 5 * * *", "Europe/London", "process"))
    scheduling.switch_on(house, DOMAIN)
    scheduling.save_schedule(house, DOMAIN, ScheduleTable("0 6 * * *", "Europe/London", "process"))
    at = app.open()
    told = said(at)
    assert "The schedule is paused" in told
    assert told.count("The schedule was changed since it was switched on") == 1
    assert "Nothing to" not in told
    button(at, "Open the schedule")
    assert [each.value for each in at.title] == ["Schedule"]


def test_overview_counts_a_retry_with_the_run_before_it(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    ends = [Result.FAILED, *[Result.DONE] * (len(plan.changes) - 1)]
    told = [Outcome(each.key, each.action, end) for each, end in zip(plan.changes, ends, strict=True)]
    runs.journal(house.db, run.id, told, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    processing.process(house, plan.id, retry_failed=True)
    shown = said(app.open()).replace("\\", "")
    assert f"{len(plan.changes)} added · a retry included" in shown
    assert "failed" not in shown
    (chart,) = [json.loads(each.proto.spec) for each in app.open().get("plotly_chart")]
    assert (chart["data"][0]["y"][0], chart["data"][0]["text"][0]) == ("Added", str(len(plan.changes)))
