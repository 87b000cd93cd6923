"""What the history and the directory tell, and whom a search finds."""

import re
from dataclasses import replace

import pytest
from installation import ADMIN, DOMAIN, App, Said

from provisioning.sandbox import Sandbox
from provisioning.workflow import approving, editing, looking, planning, processing, setting_up
from provisioning.workflow.house import domains_seen


def test_a_day_shows_in_the_next_preview_and_in_the_history(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    runs_shown = full.open("history", show="runs").dataframe[0].value
    assert len(runs_shown) == 2
    assert sum(int(each) for each in re.findall(r"\d+", runs_shown["Done"][0])) == len(plan.changes)


def test_the_history_names_changes_of_the_mapping(full: App, said: Said) -> None:
    house = full.house()
    domain = domains_seen(house, "Northwind Trading")[0]
    editing.save_mapping(house, DOMAIN, domain.attributes[:-1], "Employee ID", domain.mapping_version)
    assert "saved the mapping, now version 2" in said(full.open("history", kinds="Settings and mapping"))


def test_a_person_in_the_address_is_explained(full: App, said: Said) -> None:
    at = full.open("people", person=ADMIN)
    assert "Unchanged" in said(at)
    assert "UTC: added" in said(at).replace("\\", "")


def test_a_person_without_a_user_is_explained_by_name(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    held = planning.preview(full.house(), DOMAIN).held[0]
    at = full.open("people", person=held.name)
    assert not at.error
    assert "Held back" in said(at)


def test_data_never_becomes_markdown(full: App) -> None:
    at = full.open("people", person="[x](https://evil.example) ![p](https://evil.example/p.png)")
    shown = at.error[0].value
    assert "](" not in shown
    assert "://" not in shown


def test_a_run_of_another_domain_is_not_shown_in_this_history(full: App, said: Said) -> None:
    run = looking.runs_seen(full.house(), DOMAIN)[0][0]
    house = full.house()
    setting_up.add_domain(house, "Northwind Trading", "contractors", "Northwind HiBob")
    other = next(each for each in domains_seen(house, "Northwind Trading") if each.name == "contractors")
    with house.db.transaction():
        house.db.execute("UPDATE runs SET domain_id = ? WHERE id = ?", other.id, run.id)
        house.db.execute("UPDATE plans SET domain_id = ? WHERE id = ?", other.id, run.plan_id)
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id, overrides={each.code: "In a test." for each in plan.blocks})
    processing.process(house, plan.id)
    shown = said(full.open("history", customer="Northwind Trading", domain="staff", run=run.id))
    assert "belongs to" in shown
    assert f"Run {run.id}" not in shown.replace("\\", "")


def test_the_history_of_settings_says_only_what_differs(full: App, said: Said) -> None:
    house = full.house()
    settings = domains_seen(house, "Northwind Trading")[0].settings
    limits = replace(settings.limits, archive=replace(settings.limits.archive, percent="15", number=None))
    editing.save_settings(house, DOMAIN, replace(settings, limits=limits), 1)
    told = said(full.open("history", kinds="Settings and mapping")).splitlines()
    (line,) = [each for each in told if "Archives in one run\\: 10% → 15%" in each]
    assert "blank" not in line


@pytest.mark.parametrize("text", ["%", "_", "zz_"])
def test_a_sign_that_stands_for_anything_elsewhere_finds_itself_alone(full: App, text: str) -> None:
    house = full.house()
    plan, run = looking.plans_seen(house, DOMAIN)[0], looking.runs_seen(house, DOMAIN)[0][0]
    assert looking.users_seen(house, DOMAIN, text, 50, 0)[1] == 0
    assert looking.changes_seen(house, plan.id, "", "", text, 50, 0)[1] == 0
    assert looking.held_seen(house, plan.id, text, 50, 0)[1] == 0
    assert looking.outcomes_seen(house, run.id, ["done"], text, 50, 0)[1] == 0


def test_a_search_does_not_mind_capitals(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    assert looking.users_seen(house, DOMAIN, ADMIN.upper(), 50, 0)[1] == 1
    assert looking.changes_seen(house, plan.id, "", "", ADMIN.upper(), 50, 0)[1] == 1


def test_the_history_names_whoever_was_left_out(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    left = plan.changes[0]
    approving.approve(house, plan.id, leave_out=[left.key])
    told = said(app.open("history", kinds="Previews and approvals")).replace("\\", "")
    assert f"approved {len(plan.changes) - 1} of {len(plan.changes)} changes" in told
    assert f"left out: {left.name}" in told
    assert left.key not in told


def test_a_person_is_told_dates_as_people_write_them(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    starter = next(each for each in plan.held if each.code == "future-starter")
    shown = said(app.open("people", person=starter.key)).replace("\\", "")
    assert "Starts on" in shown
    assert not re.search(r"\d{4}-\d{2}-\d{2}", shown)


def test_the_user_shown_for_a_person_is_theirs_and_no_other(full: App) -> None:
    """Somebody's HiBob id may stand in another user's attributes, as a manager's id does."""
    house = full.house()
    held = looking.held_seen(house, looking.plans_seen(house, DOMAIN)[0].id, "", 1, 0)[0][0].key
    first, second = (user for user, *_ in looking.users(house, DOMAIN)[:2])
    for text in (held, second):
        with house.db.transaction():
            house.db.execute("UPDATE users SET attributes = json_set(attributes, '$.Nickname', ?) WHERE id = 1", text)
        assert looking.users_seen(house, DOMAIN, text, 50, 0)[0][0][0] == first
        at = full.open("people", person=text)
        assert first not in [
            value for table in at.dataframe if "Value" in table.value for value in table.value["Value"]
        ]
    found = looking.user_of(house, DOMAIN, f"user:{second}")
    assert found is not None
    assert found[0] == second
    assert looking.user_of(house, DOMAIN, held) is None


def test_a_search_does_not_mind_capitals_beyond_a_to_z(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    assert looking.changes_seen(house, plan.id, "", "", "ÅKERSTRÖM", 50, 0)[1] == 1
    assert looking.users_seen(house, DOMAIN, "åkerström", 50, 0)[1] == 1
