"""Deciding about people on the preview page, and undoing a run: every click is the use case of the command line."""

from collections.abc import Callable

import pytest
from installation import DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.errors import NotFound
from provisioning.model import Action, Plan, Role
from provisioning.sandbox import Sandbox
from provisioning.store import plans
from provisioning.store.jobs import JobKind
from provisioning.web.words import escape, people
from provisioning.workflow import (
    approving,
    asking,
    decided,
    deciding,
    farewell,
    looking,
    planning,
    setting_up,
    stages,
    stored_plans,
    undoing,
)

Said = Callable[[AppTest], str]


def button(at: AppTest, label: str) -> None:
    next(each for each in at.button if each.label == label).click().run()


def newest(app: App) -> Plan:
    house = app.house()
    return plans.get_plan(house.db, looking.plans_seen(house, DOMAIN, 1)[0].id)


@pytest.fixture
def leaving(full: App, sandbox: Sandbox) -> Plan:
    """A preview that archives somebody who is no longer in HiBob."""
    sandbox.pass_day()
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    assert plan.counts["archive"]
    return plan


def archived(plan: Plan) -> str:
    return next(each.key for each in plan.changes if each.action == "archive")


def test_somebody_is_kept_active_by_a_click_and_a_new_preview_shows_it(full: App, leaving: Plan, said: Said) -> None:
    key = archived(leaving)
    at = full.open("preview", plan=leaving.id, selected=key)
    button(at, "Keep active")
    assert "plan" not in at.query_params
    full.work()
    new = newest(full)
    assert new.id != leaving.id
    assert [each.key for each in new.held if each.code == "protected"] == [key]
    at = full.open("preview")
    assert not at.exception
    assert at.query_params["plan"] == new.id


def test_a_decision_in_force_is_shown_and_taken_back_in_the_settings(full: App, leaving: Plan, said: Said) -> None:
    key = archived(leaving)
    house = full.house()
    deciding.decide(house, leaving.id, asking.Wishes(protect=[key]))
    checklist = stages.checklist(full.house(), DOMAIN.partition("/")[0], DOMAIN)
    protected = next(each for each in checklist if each.title == "Who is never archived")
    assert "1 kept active by a decision" in protected.detail
    at = full.open("settings", part="protected", decided=key)
    assert not at.exception
    button(at, "Take back")
    assert decided.decisions_seen(full.house(), DOMAIN) == []
    at = full.open("settings", part="protected")
    assert "Nothing was decided about anybody yet" in said(at)


def test_a_decision_stands_in_the_history_with_the_name_of_whom_it_concerns(
    full: App, leaving: Plan, said: Said
) -> None:
    key = archived(leaving)
    name = next(each.name for each in leaving.changes if each.key == key)
    deciding.decide(full.house(), leaving.id, asking.Wishes(protect=[key]))
    assert escape(f"{name}: Keep active") in said(full.open("history", kinds="Previews and approvals"))


def test_keeping_active_is_offered_only_where_somebody_would_be_archived(app: App) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = app.open("preview", plan=plan.id, selected=plan.changes[0].key)
    labels = [each.label for each in at.button]
    assert "Leave out" in labels
    assert "Keep active" not in labels


def test_keeping_active_says_whom_of_a_mixed_selection_it_concerns(full: App, leaving: Plan, sandbox: Sandbox) -> None:
    other = next(each for each in sandbox.company.people.values() if each["internal.lifecycleStatus"] == "Employed")
    other["work.title"] = "Astronaut"
    plan = planning.preview(full.house(), DOMAIN)
    assert {each.action for each in plan.changes} > {Action.ARCHIVE}
    at = full.open("preview", plan=plan.id, selected=[each.key for each in plan.changes])
    leavers = sum(each.action is Action.ARCHIVE for each in plan.changes)
    assert f"Keep active: {people(leavers)} of these" in [each.label for each in at.button]


def test_only_what_would_change_something_can_be_pressed_and_that_stands_above_the_table(app: App) -> None:
    def offered(*, selected: str) -> dict[str, bool]:
        at = app.open("preview", plan=plan.id, selected=selected)
        labels = ("Leave out", "Put back", "Only these")
        drawn = [getattr(each, "label", None) or each.type for each in at.main if each.type != "space"]
        below = [each for each in drawn[drawn.index("Only these") + 1 :] if each != "markdown"]
        assert below[0] == "dataframe"
        return {each.label: not each.disabled for each in at.button if each.label in labels}

    plan = planning.preview(app.house(), DOMAIN)
    key = plan.changes[0].key
    assert offered(selected="") == {"Leave out": False, "Put back": False, "Only these": False}
    assert offered(selected=key) == {"Leave out": True, "Put back": False, "Only these": True}
    approving.keep_left_out(app.house(), plan.id, [key])
    assert offered(selected=key) == {"Leave out": False, "Put back": True, "Only these": True}


@pytest.fixture
def rehired(full: App) -> tuple[Plan, str, str]:
    """A preview in which an employee and a user look like one person: somebody's record in HiBob has a new id."""
    house = full.house()
    user = list(looking.users(house, DOMAIN))[3]
    key = user[1]
    house.db.execute(
        "UPDATE users SET external_id = 'an-older-record', "
        "attributes = json_set(attributes, '$.\"Employee ID\"', 'OLD', '$.Email', 'old@example.com') WHERE external_id = ?",
        key,
    )
    plan = planning.preview(house, DOMAIN)
    assert [(each.key, each.user_id) for each in plan.proposals] == [(key, user[0])]
    return plan, key, user[0]


def test_two_records_stand_side_by_side_and_are_one_person_after_a_click(
    full: App, rehired: tuple[Plan, str, str], said: Said
) -> None:
    plan, key, user = rehired
    at = full.open("preview", plan=plan.id)
    assert "The same person?" in said(at)
    frame = next(each.value for each in at.dataframe if f"User {user}" in each.value.columns)
    assert "OLD" in list(frame[f"User {user}"])
    button(at, "Same person: keep the user")
    full.work()
    new = newest(full)
    assert [each.key for each in new.changes if each.action == "link"] == [key]
    assert new.proposals == ()


def test_two_different_people_go_their_ways_after_a_click(full: App, rehired: tuple[Plan, str, str]) -> None:
    plan, key, user = rehired
    button(full.open("preview", plan=plan.id), "Two different people")
    full.work()
    new = newest(full)
    assert {(each.key, each.action.value) for each in new.changes} >= {(key, "add")}
    assert {each.user_id for each in new.changes if each.action == "archive"} == {user}


def test_an_auditor_sees_the_pairs_and_decides_nothing(
    full: App, rehired: tuple[Plan, str, str], monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    setting_up.grant(full.house(None), "auditor@example.com", Role.AUDITOR, "Northwind Trading")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@example.com")
    at = full.open("preview", plan=rehired[0].id)
    assert "The same person?" in said(at)
    assert {each.label for each in at.button}.isdisjoint({"Same person: keep the user", "Two different people"})


def test_a_decision_that_is_refused_says_why_on_the_page(full: App, leaving: Plan) -> None:
    house = full.house()
    asking.ask_to_decide(house, DOMAIN, leaving.id, asking.Wishes(protect=["nobody"]))
    full.work()
    at = full.open("preview")
    assert any("nobody with the key" in each.value.replace("\\", "") for each in at.error)


def test_a_run_is_undone_from_its_page(full: App, said: Said) -> None:
    run = looking.runs_seen(full.house(), DOMAIN)[0][0]
    at = full.open("process", plan=run.plan_id)
    assert "Nothing happens before somebody approves it" in said(at)
    button(at, "Make that preview")
    job = asking.latest_job(full.house(), DOMAIN, [JobKind.UNDO])
    assert job is not None
    assert job.details == run.id
    full.work()
    new = newest(full)
    assert new.undo_of == run.id
    at = full.open("preview", plan=new.id)
    assert not at.exception
    assert "way back" in said(at).replace("\\", "")


def test_a_run_of_another_domain_is_not_asked_to_be_undone(full: App) -> None:
    run = looking.runs_seen(full.house(), DOMAIN)[0][0].id
    setting_up.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    with pytest.raises(NotFound, match="has no run"):
        asking.ask_to_undo(full.house(), "Northwind Trading/contractors", run)
    with pytest.raises(NotFound, match="There is no run"):
        asking.ask_to_undo(full.house(), DOMAIN, "run-none")
    assert asking.latest_job(full.house(), "Northwind Trading/contractors", [JobKind.UNDO]) is None


def test_nobody_is_offered_to_be_moved_by_a_way_back(full: App) -> None:
    house = full.house()
    setting_up.add_domain(house, "Northwind Trading", "contractors", "Northwind HiBob")
    run = looking.runs_seen(house, DOMAIN)[0][0]
    back = undoing.undo(house, run.id)
    at = full.open("preview", customer="Northwind Trading", domain="staff", plan=back.id, selected=archived(back))
    labels = [each.label for each in at.button]
    assert "Keep active" in labels
    assert "Move them" not in labels


def test_what_a_read_proved_is_on_the_preview(full: App, leaving: Plan) -> None:
    at = full.open("preview", plan=leaving.id)
    frame = next(each.value for each in at.dataframe if "Value" in each.value.columns)
    assert "People read" in list(frame["What"])


def test_whoever_is_left_out_stays_so_when_somebody_else_is_kept_active(full: App, sandbox: Sandbox) -> None:
    for each in sandbox.company.people.values():
        if each.get("work.site") == "London":
            each["work.site"] = "Greater London"
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    left, other = plan.changes[0].key, plan.changes[1].key
    approving.keep_left_out(house, plan.id, [left])
    new = deciding.decide(house, plan.id, asking.Wishes(protect=[other]))
    assert stored_plans.left_out_draft(house, new.id) == (left,)


@pytest.mark.parametrize("way", ["back", "farewell"])
def test_so_do_those_who_are_left_out_of_a_way_back_and_of_a_farewell(full: App, way: str) -> None:
    house = full.house()
    if way == "back":
        plan = undoing.undo(house, looking.runs_seen(house, DOMAIN)[0][0].id)
    else:
        plan = farewell.farewell(house, DOMAIN)
    left, other = [each.key for each in plan.changes if each.action is Action.ARCHIVE][:2]
    approving.keep_left_out(house, plan.id, [left])
    new = deciding.decide(house, plan.id, asking.Wishes(protect=[other]))
    assert other not in {each.key for each in new.changes}
    assert stored_plans.left_out_draft(house, new.id) == (left,)
