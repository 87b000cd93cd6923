"""What a preview says at a glance, its groups, and to whom an override is offered."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from installation import ADMIN, DOMAIN, App, button
from openpyxl import load_workbook
from streamlit.testing.v1 import AppTest

from provisioning.model import Action, Change, Plan, Role
from provisioning.report.groups import chosen
from provisioning.sandbox import Sandbox
from provisioning.store import runs
from provisioning.store.codec import to_json
from provisioning.store.jobs import JobKind
from provisioning.web import changes, parts, words
from provisioning.web.approval import EXCEL
from provisioning.workflow import (
    approving,
    asking,
    editing,
    looking,
    planning,
    processing,
    reviewing,
    setting_up,
    stored_plans,
    undoing,
    workbooks,
)
from provisioning.workflow.house import domains_seen

Said = Callable[[AppTest], str]
COLUMNS = ["Attribute", "Before", "After", "People"]


@pytest.fixture
def renamed(full: App, sandbox: Sandbox) -> Plan:
    """The preview after a site was given another name in HiBob."""
    for each in sandbox.company.people.values():
        if each.get("work.site") == "London":
            each["work.site"] = "Greater London"
    return planning.preview(full.house(), DOMAIN)


def test_the_headline_stands_on_the_page_and_names_the_attribute(full: App, renamed: Plan, said: Said) -> None:
    told = said(full.open("preview", plan=renamed.id)).replace("\\", "")
    assert reviewing.headline_of(full.house(), renamed.id) in told
    assert f"{renamed.counts['update']} people change site" in told
    assert "Against" not in told


def test_what_a_preview_is_compared_with_has_the_time_of_the_browser(
    full: App, renamed: Plan, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "zone_here", lambda: ZoneInfo("Asia/Tokyo"))
    again = planning.preview(full.house(), DOMAIN)
    assert re.search(
        r"Against the preview before it \(.*, \d\d:\d\d JST\):", told(full.open("preview", plan=again.id), said)
    )


def test_a_preview_is_compared_with_the_one_processed_last_unless_that_was_the_first(
    full: App, renamed: Plan, sandbox: Sandbox
) -> None:
    house = full.house()
    assert reviewing.compared_with_last(house, renamed.id) == ""
    approving.approve(house, renamed.id)
    processing.process(house, renamed.id)
    for each in sandbox.company.people.values():
        if each.get("work.site") == "Leeds":
            each["work.site"] = "Greater Leeds"
    moved = planning.preview(house, DOMAIN)
    said = reviewing.compared_with_last(house, moved.id)
    assert said.startswith("Against what was approved of the preview processed last")
    # It follows who is left out.
    without = reviewing.compared_with_last(house, moved.id, left_out=[moved.changes[0].key])
    assert without != said
    assert without.startswith("Against what was approved of the preview processed last")
    last = runs.latest_run(house.db, renamed.id)
    assert last
    back = undoing.undo(house, last.id)
    approving.approve(house, back.id)
    processing.process(house, back.id)
    assert reviewing.compared_with_last(house, planning.preview(house, DOMAIN).id) == ""


def test_a_first_import_is_compared_with_nothing_also_where_it_was_previewed_twice(app: App, sandbox: Sandbox) -> None:
    house = app.house()
    planning.preview(house, DOMAIN)
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    sandbox.pass_day()
    assert reviewing.compared_with_last(house, planning.preview(house, DOMAIN).id) == ""


def test_a_renamed_site_is_one_group_that_leads_to_its_people(full: App, renamed: Plan) -> None:
    house = full.house()
    (group,) = [each for each in reviewing.groups_of(house, renamed.id) if each.attribute == "Site"]
    assert (group.before, group.after, group.people) == ("London", "Greater London", renamed.counts["update"])
    found = chosen(group.name)
    assert found
    people, count = looking.changes_seen(house, renamed.id, "", found[0], "", 50, 0, found[1:])
    assert count == group.people
    assert {each.after["Site"] for each in people} == {"Greater London"}
    other = looking.changes_seen(house, renamed.id, "", "Site", "", 50, 0, ("Leeds", "Greater London"))
    assert other == ([], 0)


def test_what_a_bar_counts_and_what_a_line_is_said_where_they_differ(full: App, sandbox: Sandbox, said: Said) -> None:
    in_london = [each for each in sandbox.company.people.values() if each.get("work.site") == "London"]
    for each in in_london:
        each["work.site"] = "Greater London"
    in_london[1]["work.site"] = "Elsewhere"
    sandbox.company.people.popitem()
    plan = planning.preview(full.house(), DOMAIN)
    every = looking.attributes_changed(full.house(), plan.id)["Site"]
    shared = reviewing.groups_of(full.house(), plan.id)[0].people
    assert (every, shared) == (plan.counts["update"], plan.counts["update"] - 1)
    shown = told(full.open("preview", plan=plan.id), said)
    assert f"{every} people change site ({shared} of them: London → Greater London)" in shown
    counted = "A bar of an attribute counts everybody who gets another value, whichever it is; a line counts those who share one"
    assert counted in shown


def test_a_group_in_the_address_filters_the_people(full: App, renamed: Plan) -> None:
    group = next(each for each in reviewing.groups_of(full.house(), renamed.id) if each.attribute == "Site")
    at = full.open("preview", plan=renamed.id, group=group.name)
    assert not at.exception
    table = next(each.value for each in at.dataframe if "Person" in each.value.columns)
    assert set(zip(table["What changes"], table["Before"], table["After"], strict=True)) == {
        ("Site", "London", "Greater London")
    }


def test_a_group_of_nowhere_filters_nobody_out(full: App, renamed: Plan) -> None:
    at = full.open("preview", plan=renamed.id, group="[broken")
    assert not at.exception
    table = next(each.value for each in at.dataframe if "Person" in each.value.columns)
    assert len(table) == len(renamed.changes)


def test_what_was_looked_for_in_one_preview_is_not_looked_for_in_another(full: App, renamed: Plan) -> None:
    other = looking.plans_seen(full.house(), DOMAIN)[1].id
    at = full.open("preview", plan=renamed.id, action="update", search="nobody", group='["Site","a","b"]')
    box = next(each for each in at.selectbox if each.label == "Preview")
    box.set_value(other).run()
    assert not at.exception
    assert at.query_params["plan"] == other
    assert {"action", "search", "group"} & set(at.query_params) == set()


def test_a_person_in_the_address_is_shown_in_the_newest_preview(full: App, renamed: Plan) -> None:
    key = renamed.changes[0].key
    assert full.open("preview", selected=key).query_params["selected"] == key


def test_a_manager_is_told_by_name_in_groups_and_cells(full: App, sandbox: Sandbox) -> None:
    people = list(sandbox.company.people.values())
    boss = next(each["root.id"] for each in people if each["root.firstName"] == "Marco")
    for each in [each for each in people if each.get("work.manager") not in (None, boss)][:8]:
        each["work.manager"] = boss
    plan = planning.preview(full.house(), DOMAIN)
    told = [each.after for each in reviewing.groups_of(full.house(), plan.id) if each.attribute == "Manager"]
    at = full.open("preview", plan=plan.id, attribute="Manager")
    table = next(each.value for each in at.dataframe if "Person" in each.value.columns)
    assert told
    assert all("(Marco " in each for each in told)
    assert set(table["After"]) == set(told)


def test_a_preview_that_finds_nothing_has_no_groups(full: App, said: Said) -> None:
    planning.preview(full.house(), DOMAIN)
    at = full.open("preview")
    assert "Nobody changes: the users agree with HiBob." in said(at).replace("\\", "")
    assert all(list(each.value.columns) != COLUMNS for each in at.dataframe)


def test_a_second_preview_names_who_is_new_in_it(full: App, renamed: Plan, sandbox: Sandbox, said: Said) -> None:
    for each in sandbox.company.people.values():
        if each.get("work.site") == "Leeds":
            each["work.site"] = "Greater Leeds"
    again = planning.preview(full.house(), DOMAIN)
    come = again.counts["update"] - renamed.counts["update"]
    told = said(full.open("preview", plan=again.id)).replace("\\", "")
    assert f"{come} more to be updated" in told
    assert f"{come} new in it" in told


def test_people_held_back_are_searched_by_the_words_they_are_shown_with(full: App, renamed: Plan) -> None:
    at = full.open("preview", plan=renamed.id, show="held", search="starts later")
    (table,) = [each.value for each in at.dataframe if "Reason" in each.value.columns]
    assert set(table["Reason"]) == {"Starts later"}


def test_whoever_shares_an_identifier_reads_with_whom(full: App, sandbox: Sandbox) -> None:
    house = full.house()
    first, second = list(sandbox.company.people.values())[3:5]
    second["work.employeeIdInCompany"] = first["work.employeeIdInCompany"]
    second["work.site"] = first["work.site"] = "Elsewhere"
    plan = planning.preview(house, DOMAIN)
    found, _ = looking.held_seen(house, plan.id, "", 50, 0, "duplicate-id")
    names = {each.name for each in found}
    at = full.open("preview", plan=plan.id, show="held", reason="duplicate-id")
    (table,) = [each.value for each in at.dataframe if "Reason" in each.value.columns]
    assert len(names) == 2
    for person, why in zip(table["Person"], table["Why"], strict=True):
        (other,) = names - {person}
        assert why.startswith(f"Shared with {other}. 2 people in HiBob share the unique identifier")
        (overview,) = [each.value for each in full.open().dataframe if "What would release them" in each.value.columns]
        assert f"Shared with {other}. " in "".join(overview["What would release them"])


def test_whoever_waits_for_an_e_mail_reads_who_has_it(full: App, sandbox: Sandbox) -> None:
    house = full.house()
    added, _ = looking.changes_seen(house, looking.plans_seen(house, DOMAIN)[0].id, "add", "", "", 2, 0)
    first, second = (sandbox.company.people[each.key] for each in added)
    second["root.email"] = first["root.email"]
    plan = planning.preview(house, DOMAIN)
    found, _ = looking.held_seen(house, plan.id, "", 50, 0, "identifier-taken")
    assert [each.key for each in found] == [second["root.id"]]
    (who,) = reviewing.shared_by(house, plan.id, [found[0].key]).values()
    at = full.open("preview", plan=plan.id, show="held", reason="identifier-taken")
    (table,) = [each.value for each in at.dataframe if "Reason" in each.value.columns]
    assert f" is {first['root.firstName']} {first['root.surname']}, {first['root.email']}. " in who
    assert table["Why"][0].startswith(f"{who}The e-mail ")


def self_archive(app: App, sandbox: Sandbox) -> Plan:
    """A preview that archives the admin, whom the settings protect no longer."""
    house = app.house()
    text = setting_up.export(house, "Northwind Trading").replace(f'protected = [\n    "{ADMIN}",\n]\n', "")
    assert "protected" not in text
    setting_up.set_up(app.house(None), text)
    del sandbox.company.people[sandbox.company.admin_id]
    plan = planning.preview(house, DOMAIN)
    assert "self-archive" in {each.code for each in plan.blocks}
    return plan


def test_nobody_is_offered_to_override_their_own_archive(full: App, sandbox: Sandbox, said: Said) -> None:
    plan = self_archive(full, sandbox)
    assert "self-archive" not in approving.overridable(full.house(), plan.id)
    at = full.open("preview", plan=plan.id)
    assert not any("manages Rollcall" in each.label for each in at.text_input)
    assert "only somebody else may override that" in said(at)
    assert any(each.action is Action.ARCHIVE for each in plan.changes)


def shown(at: AppTest) -> str:
    """What the box that chooses a preview says now."""
    chosen = next(each for each in at.selectbox if each.label == "Preview")
    return str(chosen.options[int(chosen.index or 0)])


def labels(at: AppTest) -> list[str]:
    return [each.label for each in at.button]


def test_what_the_next_click_is_follows_the_preview(app: App) -> None:
    kinds = lambda at: {each.label: each.proto.type for each in at.button}  # noqa: E731
    assert kinds(app.open("preview"))["Make a preview"] == "primary"
    planning.preview(app.house(), DOMAIN)
    at = app.open("preview")
    assert (kinds(at)["Make a preview"], kinds(at)["Approve"]) == ("secondary", "primary")
    next(each for each in at.button if each.label == "Approve").click().run()
    assert shown(at).endswith("Approved")
    assert kinds(at)["Process now"] == "primary"
    assert not {"Approve", "Approve again"} & set(labels(at))


def test_whoever_is_left_out_after_the_approval_is_approved_again(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    approving.keep_left_out(house, plan.id, [plan.changes[0].key])
    at = app.open("preview")
    assert "Process now" not in labels(at)
    next(each for each in at.button if each.label == "Approve again").click().run()
    approval = stored_plans.approval_of(house, plan.id)
    assert approval
    assert approval.left_out == (plan.changes[0].key,)
    assert "Process now" in labels(at)


def test_whoever_is_left_out_is_no_longer_counted_and_named_before_and_after(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    all_of_them, left = len(plan.changes), plan.changes[0]
    approving.keep_left_out(house, plan.id, [left.key])
    but_for = f"{all_of_them - 1} of {all_of_them} changes, left out: {left.name}"
    assert looking.effect_of(house, plan.id, [left.key]).live == all_of_them - 1
    shown = told(app.open("preview"), said)
    assert f"To be approved: {but_for}." in shown
    assert f"{all_of_them - 1} people would become live" in shown
    assert f"{all_of_them - 1} live users after the run" in shown
    assert f"Processing {all_of_them - 1} changes takes" in shown
    assert f"{all_of_them - 1} people join. 1 is left out." in shown
    assert next(each.value for each in app.open("preview").metric if each.label == "To add") == str(all_of_them - 1)
    approving.approve(house, plan.id, leave_out=[left.key])
    shown = told(app.open("preview"), said)
    assert shown.count(but_for) == 1
    assert f"{all_of_them - 1} people join. 1 is left out." in shown
    assert f"{all_of_them - 1} people join. 1 is left out." in told(app.open("process"), said)
    processing.process(house, plan.id)
    at = app.open("preview", plan=plan.id)
    shown = told(at, said)
    assert f"{but_for}. It was processed." in shown
    assert f"{all_of_them - 1} people joined. 1 was left out. " in shown
    assert "people join." not in shown
    assert {"Added": str(all_of_them - 1), "Left out": "1"}.items() <= {e.label: e.value for e in at.metric}.items()
    assert reviewing.headline_of(house, plan.id).startswith(f"{all_of_them - 1} people joined.")


def test_the_numbers_of_a_first_preview_add_up_to_the_people_read(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    assert plan.evidence
    none = plan.evidence.people - plan.counts["add"] - plan.counts["held"]
    assert none > 1
    read = f"HiBob’s whole answer: {plan.evidence.people} people, {plan.evidence.active} of them active."
    assert f"{read} {none} need no user, such as people who left." in told(app.open("preview"), said)


def test_the_numbers_of_a_later_preview_add_up_too(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.pass_day()
    plan = planning.preview(full.house(), DOMAIN)
    proved = plan.evidence
    assert proved
    assert proved.needless
    assert proved.elsewhere is not None
    touched = len({each.key for each in (*plan.changes, *plan.held)})
    assert proved.people + proved.elsewhere == touched + plan.counts["unchanged"] + proved.needless
    shown = told(full.open("preview"), said)
    assert f"{proved.needless} need no user, such as people who left." in shown


def told(at: AppTest, said: Said) -> str:
    """As it is seen, without what keeps characters from being markup."""
    return said(at).replace("\u2060", "").replace("\\", "")


def test_others_begin_from_whom_the_approval_leaves_out(app: App) -> None:
    house, other = app.house(), app.house("csm@skillcast.example")
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id, leave_out=[plan.changes[0].key])
    assert stored_plans.left_out_draft(other, plan.id) == (plan.changes[0].key,)
    approving.keep_left_out(other, plan.id, ())
    assert stored_plans.left_out_draft(other, plan.id) == ()


def test_an_override_is_told_as_one_with_its_reason(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.switches.half_missing = True
    plan = planning.preview(full.house(), DOMAIN)
    at = full.open("preview", plan=plan.id)
    assert "Blocked:" in said(at).replace("\\", "")
    codes = {each.code for each in plan.blocks}
    approving.approve(full.house(), plan.id, overrides=dict.fromkeys(codes, "Agreed *by phone*."))
    at = full.open("preview", plan=plan.id)
    assert r"Overridden\:" in said(at)
    assert r"Blocked\:" not in said(at)
    assert said(at).count(r"The reason given\: Agreed \*by phone\*\.") == len(codes)


def test_a_lapsed_preview_still_says_what_blocked_it(full: App, sandbox: Sandbox) -> None:
    sandbox.switches.half_missing = True
    plan = planning.preview(full.house(), DOMAIN)
    domain = domains_seen(full.house(), "Northwind Trading")[0]
    editing.save_settings(full.house(), DOMAIN, replace(domain.settings, absent_reads=2), 1)
    at = full.open("preview", plan=plan.id)
    assert len([each for each in at.expander if "Blocks" in each.label]) == len(plan.blocks)
    assert "Approve" not in labels(at)


def test_nothing_to_do_is_a_success_and_says_what_comes_next(full: App, said: Said) -> None:
    planning.preview(full.house(), DOMAIN)
    at = full.open("preview")
    assert [each.value for each in at.success] == ["Nothing to approve. Rollcall can look every day by itself."]
    assert "Let it run by itself" in [each.proto.label for each in at.get("page_link")]
    assert "Approve" not in labels(at)


def test_previews_of_one_minute_are_told_apart(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    house = app.house()
    first, second = planning.preview(house, DOMAIN), planning.preview(house, DOMAIN)
    minute = datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
    twins = [replace(second, made_at=minute.replace(second=41)), replace(first, made_at=minute.replace(second=7))]
    monkeypatch.setattr(looking, "plans_seen", lambda *_: twins)
    (box,) = [each for each in app.open("preview").selectbox if each.label == "Preview"]
    assert [each.partition(" · ")[0] for each in box.options] == [
        "2 Nov 2026, 09:05:41 UTC",
        "2 Nov 2026, 09:05:07 UTC",
    ]


def test_held_people_are_filtered_by_reason(full: App, renamed: Plan) -> None:
    counts = reviewing.held_by_reason(full.house(), renamed.id)
    assert sum(counts.values()) == renamed.counts["held"]
    at = full.open("preview", plan=renamed.id, show="held", reason="future-starter")
    (table,) = [each.value for each in at.dataframe if "Reason" in each.value.columns]
    assert list(table["Reason"]) == ["Starts later"] * counts["future-starter"]
    (box,) = [each for each in at.selectbox if each.label == "Reason"]
    assert f"Starts later ({counts['future-starter']})" in box.options


def test_where_all_are_new_what_tells_them_apart_has_a_column_as_far_as_there_is_room(app: App) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    at = app.open("preview")
    table = next(each.value for each in at.dataframe if "Person" in each.value.columns)
    assert list(table.columns) == ["Person", "Employee ID", "Email", "Job title", "Department"]
    approving.keep_left_out(app.house(), plan.id, [plan.changes[1].key])
    table = next(each.value for each in app.open("preview").dataframe if "Person" in each.value.columns)
    assert list(table["Decision"][:3]) == ["Approve", "Leave out", "Approve"]


def test_the_decisions_cut_no_value_of_the_others(full: App) -> None:
    def shown() -> pd.DataFrame:
        return next(each.value for each in full.open("preview").dataframe if "Person" in each.value.columns)

    house = full.house()
    for user, _, _, values in looking.users(house, DOMAIN)[:2]:
        changed = values | {"Email": f"former.{values['Email']}", "Job title": "Whatever it was before"}
        house.db.execute("UPDATE users SET attributes = ? WHERE printf('U%08d', id) = ?", to_json(changed), user)
    plan = planning.preview(house, DOMAIN)
    before = shown()
    approving.keep_left_out(house, plan.id, [plan.changes[0].key])
    after = shown()
    assert list(before.columns) == ["Person", "What changes", "Before", "After", "What else, or why"]
    assert list(after.columns) == ["Decision", "Person", "What changes", "Before", "After"]
    assert list(after["Before"]) == list(before["Before"])
    assert not any(text.endswith("…") for text in after["Before"])


def test_after_a_failure_the_earlier_preview_is_called_one(full: App, sandbox: Sandbox, said: Said) -> None:
    sandbox.switches.in_no_group = True
    asking.ask(full.house(), DOMAIN, JobKind.PREVIEW)
    full.work()
    assert "Below stands an earlier preview" in said(full.open("preview"))


def test_processing_leads_to_the_preview_that_waits(app: App, said: Said) -> None:
    assert "Make a preview and approve it first" in said(app.open("process"))
    planning.preview(app.house(), DOMAIN)
    assert "waits for its approval" in said(app.open("process"))


def test_evidence_names_the_attributes_that_a_column_feeds(full: App, sandbox: Sandbox) -> None:
    for each in list(sandbox.company.people.values())[:6]:
        each.pop("work.site", None)
    plan = planning.preview(full.house(), DOMAIN)
    told = [text for label, text in reviewing.evidence_of(full.house(), plan.id) if label == "Filled"]
    assert any(text.startswith("Site (") for text in told)


def test_a_telephone_has_what_changes_in_one_column_beside_the_name(
    full: App, renamed: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "on_a_telephone", lambda: True)
    table = people_table(full.open("preview", plan=renamed.id))
    assert list(table.columns) == ["Person", "What changes"]
    assert "Site: London → Greater London" in set(table["What changes"])


def test_a_telephone_has_what_several_people_share_in_one_column_beside_how_many(
    full: App, renamed: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "on_a_telephone", lambda: True)
    shared = next(each.value for each in full.open("preview", plan=renamed.id).dataframe if "People" in each.value)
    assert list(shared.columns) == ["People", "What changes"]
    assert shared["What changes"].iloc[0] == "Site: London → Greater London"


def test_a_telephone_has_a_line_for_each_of_a_persons_values(
    full: App, renamed: Plan, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setattr(parts, "on_a_telephone", lambda: True)
    at = full.open("preview", plan=renamed.id, selected=renamed.changes[0].key)
    assert "**Site** London → Greater London" in said(at)


def test_what_happens_is_named_where_no_attribute_changes_first(full: App, sandbox: Sandbox) -> None:
    sandbox.pass_day()
    plan = planning.preview(full.house(), DOMAIN)
    table = people_table(full.open("preview", plan=plan.id))
    told = dict(
        zip(table["Person"], zip(table["What changes"], table["Before"], table["After"], strict=True), strict=True)
    )
    left = [each.name for each in plan.changes if each.action is Action.ARCHIVE]
    assert left
    assert all(told[name] == ("To be archived", "Live", "Archived") for name in left)
    assert set(table["Person"][: len(left)]) == set(left)  # who is archived is seen first


def people_table(at: AppTest) -> pd.DataFrame:
    return next(each.value for each in at.dataframe if "Person" in each.value.columns)


# --- two people, lapsed previews, reasons by file ---------------------------------------------------------


def test_who_may_not_be_the_second_of_two_people_reads_it_before_pressing_anything(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    house = app.house()
    domain = domains_seen(house, "Northwind Trading")[0]
    editing.save_settings(house, DOMAIN, replace(domain.settings, two_people=True), 1)
    plan = planning.preview(house, DOMAIN)
    at = app.open("preview")
    assert "This domain needs two people" in told(at, said)
    assert [each.disabled for each in at.button if each.label == "Approve"] == [True]
    assert not at.file_uploader
    setting_up.grant(app.house(None), "csm@skillcast.example", Role.CSM, "Northwind Trading")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "csm@skillcast.example")
    at = app.open("preview")
    assert "This domain needs two people" not in told(at, said)
    next(each for each in at.button if each.label == "Approve").click().run()
    assert stored_plans.approval_of(house, plan.id)


def test_a_lapsed_preview_says_what_it_is_why_and_what_to_do(full: App, renamed: Plan, said: Said) -> None:
    lapse(full)
    shown = told(full.open("preview", plan=renamed.id), said)
    assert "This preview has lapsed: it can be read, but not approved" in shown
    assert "The settings changed since" in shown
    assert "Make a new preview." in shown
    assert "Nobody can be left out of it any more: it has lapsed." in shown


def test_a_lapsed_preview_that_was_approved_says_by_whom_and_hands_out_its_file(
    full: App, renamed: Plan, said: Said
) -> None:
    approving.approve(full.house(), renamed.id)
    lapse(full)
    at = full.open("preview", plan=renamed.id)
    assert f"Approved by {ADMIN}" in told(at, said)
    assert "Download the Excel file" in [each.proto.label for each in at.get("download_button")]


def test_the_excel_file_of_a_lapsed_preview_is_not_called_ready(full: App, renamed: Plan) -> None:
    lapse(full)
    file = BytesIO()
    workbooks.export_decided_workbook(full.house(), renamed.id, file)
    book = load_workbook(file)
    summary = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True) if row[0]}
    assert summary["Status"].startswith("Lapsed, so it can no longer be approved. The settings changed since")
    assert "1. Decide" not in summary
    assert "This preview has lapsed" in str([cell.value for cell in book["Updated"]["A"]])
    assert not book["Updated"].data_validations.dataValidation


def lapse(app: App) -> None:
    domain = domains_seen(app.house(), "Northwind Trading")[0]
    editing.save_settings(app.house(), DOMAIN, replace(domain.settings, absent_reads=2), 1)


@pytest.mark.parametrize("on_the_page", [0, 1])
def test_a_file_asks_for_every_reason_that_is_missing(full: App, sandbox: Sandbox, on_the_page: int) -> None:
    sandbox.switches.half_missing = True
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    codes = list(dict.fromkeys(each.code for each in plan.blocks))
    assert len(codes) > 1
    at = full.open("preview", plan=plan.id)
    for code in codes[:on_the_page]:
        at.text_input(f"override_page_{plan.id}_{code}").set_value("Said on the page.").run()
    file = BytesIO()
    workbooks.export_decided_workbook(house, plan.id, file)
    at.file_uploader(f"decided_{plan.id}").set_value(("decided.xlsx", file.getvalue(), EXCEL)).run()
    asked = [each for each in at.text_input if str(each.key).startswith("override_file_")]
    assert [str(each.key).rpartition("_")[2] for each in asked] == codes[on_the_page:]
    for each in asked:
        each.set_value("Said with the file.")
    next(each for each in at.button if each.label == "Approve with this file").click().run()
    approval = stored_plans.approval_of(house, plan.id)
    assert approval
    assert approval.workbook
    assert dict(approval.overrides) == dict.fromkeys(codes[:on_the_page], "Said on the page.") | dict.fromkeys(
        codes[on_the_page:], "Said with the file."
    )


def test_a_file_after_an_overridden_approval_begins_from_its_reasons(full: App, sandbox: Sandbox) -> None:
    sandbox.switches.half_missing = True
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    reasons = {each.code: "Agreed by phone." for each in plan.blocks}
    approval = approving.approve(house, plan.id, overrides=reasons)
    file = BytesIO()
    approving.keep_left_out(house, plan.id, [plan.changes[0].key])
    workbooks.export_decided_workbook(house, plan.id, file)
    at = full.open("preview", plan=plan.id)
    place = f"decided_{plan.id}{approval.at.isoformat()}"
    at.file_uploader(place).set_value(("decided.xlsx", file.getvalue(), EXCEL)).run()
    asked = [each for each in at.text_input if str(each.key).startswith("override_file_")]
    assert [each.value for each in asked] == list(reasons.values())


def test_whoever_is_held_back_and_looked_for_among_those_who_change_is_one_press_away(full: App) -> None:
    plan = looking.plans_seen(full.house(), DOMAIN)[0]
    (one, *_), count = looking.held_seen(full.house(), plan.id, "", 1, 0)
    assert count > 1
    at = full.open("preview", plan=plan.id, search=one.name)
    assert "Nobody who changes fits. 1 person under Held back fits." in [each.value for each in at.info]
    button(at, "See who is held back")
    assert not at.exception
    assert at.query_params["show"] in ("held", ["held"])
    assert one.name in [each for table in at.dataframe for each in table.value.get("Person", [])]
    at = full.open("preview", plan=plan.id, search="nobody at all")
    assert "Nobody fits these filters." in [each.value for each in at.info]
    assert "See who is held back" not in [each.label for each in at.button]


def test_a_preview_that_has_waited_for_days_says_how_old_its_read_is(app: App, said: Said) -> None:
    house = app.house()
    earlier = replace(house, clock=lambda: datetime.now(UTC) - timedelta(days=3))
    plan = planning.preview(earlier, DOMAIN)
    assert "HiBob was read 3 days ago" in said(app.open("preview", plan=plan.id))
    assert "HiBob was read" not in said(app.open("preview", plan=planning.preview(house, DOMAIN).id))


def test_whoever_reports_to_somebody_left_out_is_named_before_the_approval(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    of: dict[str, list[Change]] = {}
    for each in plan.changes:
        of.setdefault(each.after.get("Manager") or "", []).append(each)
    manager, reports = next(
        (each, found)
        for each in plan.changes
        if (found := of.get(each.after["Employee ID"] or ""))
        and not any(one.after["Employee ID"] in of for one in found)
    )
    many = "1 person has" if len(reports) == 1 else f"{len(reports)} people have"
    told = reviewing.without_their_manager(house, plan.id, [manager.key])
    assert told.startswith(f"{many} a manager who is left out and has no user yet: {reports[0].name}")
    approving.keep_left_out(house, plan.id, [manager.key])
    assert "who is left out and has no user yet" in said(app.open("preview", plan=plan.id))
    everybody = [manager.key, *(each.key for each in reports)]
    assert reviewing.without_their_manager(house, plan.id, everybody) == "", "nobody of them is added either"
    approving.keep_left_out(house, plan.id, [])
    assert "has no user yet" not in said(app.open("preview", plan=plan.id))
