"""Why is, or isn’t, this person here: now, and as any past run saw them."""

import csv
import io
import re
from collections.abc import Callable

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.engine.explain import Answer, SeveralFit
from provisioning.errors import NotFound
from provisioning.model import Action, Change, Plan, PlanStatus
from provisioning.report.called import RESULTS
from provisioning.sandbox import Sandbox
from provisioning.sandbox.fields import PAYROLL_NUMBER
from provisioning.store import customers
from provisioning.store.codec import to_json
from provisioning.workflow import approving, deciding, explaining, looking, planning, processing, setting_up
from provisioning.workflow.asking import Wishes
from provisioning.workflow.directories import KeptDirectory, known_directory, known_users

Said = Callable[[AppTest], str]


def run(app: App, plan: Plan, *, leave_out: tuple[str, ...] = ()) -> str:
    house = app.house()
    approving.approve(house, plan.id, leave_out=leave_out, overrides={each.code: "In a test." for each in plan.blocks})
    return processing.process(house, plan.id).id


def first(plan: Plan, action: Action) -> Change:
    return next(each for each in plan.changes if each.action is action)


def details(answer: Answer, step: str) -> list[str]:
    return [each.detail for each in answer.steps if each.step == step]


@pytest.fixture
def day(full: App, sandbox: Sandbox) -> Plan:
    """The preview after a day in the company."""
    sandbox.pass_day()
    return planning.preview(full.house(), DOMAIN)


def test_the_way_is_told_station_by_station_with_the_values(full: App, day: Plan, said: Said) -> None:
    change = first(day, Action.UPDATE)
    at = full.open("people", person=change.key)
    told = said(at)
    for station in ("Read", "Matched", "Lifecycle", "Mapped", "Planned", "Processed"):
        assert f"**{station}**" in told
    table = next(each.value for each in at.dataframe if "HiBob says" in each.value.columns)
    differing = set(table[table["Differs"] == "≠"]["Attribute"])
    assert differing == set(change.after)


def test_whom_a_value_means_is_named_beside_it_now_and_as_a_past_run_saw_it(full: App, sandbox: Sandbox) -> None:
    people, linked = sandbox.company.people, {each[1] for each in looking.users(full.house(), DOMAIN)}
    key = somebody(full, sandbox)
    boss = min(linked & set(people) - {key, str(people[key]["work.manager"])})
    people[key] |= {"work.manager": boss}
    number, name = people[boss][PAYROLL_NUMBER], f"{people[boss]['root.firstName']} {people[boss]['root.surname']}"
    plan = planning.preview(full.house(), DOMAIN)
    wanted = f"{number} ({name})"
    shown = values_of(full.open("people", person=key), "HiBob says")
    assert (shown["HiBob says"], shown["Mapped to"], shown["Differs"]) == (boss, wanted, "≠")
    assert shown["The user has"].endswith(")")
    done = run(full, plan)
    now = full.open("people", person=key)
    assert values_of(now, "HiBob says")["The user has"] == wanted
    assert values_of(now, "Value")["Value"] == wanted
    assert values_of(full.open("people", person=key, at=done), "After")["After"] == wanted


def values_of(at: AppTest, column: str) -> dict[str, str]:
    """The row of the manager, in the table that has this column."""
    found = next(each.value for each in at.dataframe if column in each.value.columns)
    row: dict[str, str] = found[found["Attribute"] == "Manager"].to_dict("records")[0]
    return row


def test_a_value_that_has_no_room_ends_in_an_ellipsis(full: App) -> None:
    _, link, _, values = next(each for each in looking.users(full.house(), DOMAIN) if len(each[3]["Email"]) > 24)
    at = full.open("people", person=link)
    frame = next(each.value for each in at.dataframe if "HiBob says" in each.value.columns)
    (row,) = frame[frame["Attribute"] == "Email"].to_dict("records")
    shown = [row[name] for name in ("HiBob says", "Mapped to", "The user has")]
    assert values["Email"] in shown
    assert {each for each in shown if each != values["Email"] and not each.endswith("…")} == set()


def test_a_past_run_is_asked_what_it_saw_and_did(full: App, day: Plan, said: Said) -> None:
    change = first(day, Action.UPDATE)
    done = run(full, day)
    at = full.open("people", person=change.key, at=done)
    told = said(at).replace("\\", "")
    assert "Updated by that run" in told
    assert "Approved by" in told
    assert f"User {change.user_id} ({change.name})" in told
    table = next(each.value for each in at.dataframe if list(each.value.columns) == ["Attribute", "Before", "After"])
    assert set(table["Attribute"]) >= set(change.after)
    for station in ("Read", "Matched", "Lifecycle", "Mapped", "Planned", "Approved", "Processed"):
        assert f"**{station}**" in told
    assert "What HiBob said of their status then is not kept" in told


def test_of_somebody_who_was_archived_the_past_says_why(full: App, day: Plan) -> None:
    change = first(day, Action.ARCHIVE)
    done = run(full, day)
    then = explaining.explain_then(full.house(), DOMAIN, change.key, done)
    assert details(then.answer, "lifecycle") == [change.why]


def test_values_of_somebody_without_a_user_are_compared_with_nothing(full: App, day: Plan) -> None:
    at = full.open("people", person=first(day, Action.ADD).key)
    table = next(each.value for each in at.dataframe if "HiBob says" in each.value.columns)
    assert list(table.columns) == ["Attribute", "HiBob says", "Mapped to"]


def test_the_directory_stands_below_while_nobody_is_asked_for(full: App) -> None:
    at = full.open("people")
    assert "Directory" in [each.value for each in at.header]
    at = full.open("people", person=ADMIN)
    assert "Directory" not in [each.value for each in at.header]
    next(each for each in at.button if each.label == "The whole directory").click().run()
    assert "Directory" in [each.value for each in at.header]
    assert "person" not in at.query_params


def test_whoever_is_chosen_by_an_id_that_nobody_typed_is_named_in_the_field(full: App) -> None:
    _, link, _, values = looking.users(full.house(), DOMAIN)[0]
    name = f"{values['First name']} {values['Last name']}"
    for asked, shown in ((link, name), (values["Email"], values["Email"]), ("nobody knows", "nobody knows")):
        assert full.open("people", person=asked).text_input(key="who").value == shown


def test_whoever_is_unchanged_is_told_since_when(full: App, said: Said) -> None:
    _, link, *_ = looking.users(full.house(), DOMAIN)[0]
    answer = explaining.explain(full.house(), DOMAIN, link).answer
    at = full.house().db.one("SELECT at FROM outcomes WHERE key = ?", link)
    assert at
    assert answer.endswith(
        f"Unchanged: the user is live, as HiBob says. Not changed since a run added them on {at['at'][:16].replace('T', ' ')} UTC."
    )
    full.house().db.execute("DELETE FROM outcomes WHERE key = ?", link)
    assert explaining.explain(full.house(), DOMAIN, link).answer.endswith("as HiBob says. No run has changed them.")


def test_the_directory_is_narrowed_by_a_value_and_by_the_status(full: App, said: Said) -> None:
    house = full.house()
    users = looking.users(house, DOMAIN)
    house.db.execute("UPDATE users SET status = 'Archived' WHERE external_id = ?", users[0][1])
    at = full.open("people", search=users[0][3]["Email"], status="Archived")
    (table,) = [each.value for each in at.dataframe]
    assert list(table["Status"]) == ["Archived"]
    assert "1 person fits" in said(at)
    assert "Nobody fits" in full.open("people", search=users[0][3]["Email"], status="Live").info[0].value
    assert looking.users_seen(house, DOMAIN, "", 0, 0, "Live")[1] == len(users) - 1


def test_the_directory_is_handed_out_as_it_is_narrowed_and_nothing_in_it_becomes_a_formula(full: App) -> None:
    house = full.house()
    users = looking.users(house, DOMAIN)
    evil = '=HYPERLINK("https://elsewhere.example","Click")'
    for user, _, _, values in users[:2]:
        house.db.execute(
            "UPDATE users SET attributes = ? WHERE printf('U%08d', id) = ?",
            to_json(values | {"Department": evil}),
            user,
        )
    house.db.execute("UPDATE users SET status = 'Archived' WHERE printf('U%08d', id) = ?", users[0][0])
    text = looking.export_users_seen(house, DOMAIN, "hyperlink", "Live").decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["id"], row["status"], row["Department"]) == (users[1][0], "Live", f"'{evil}")
    assert len(list(csv.reader(io.StringIO(looking.export_users_seen(house, DOMAIN, "").decode())))) == len(users) + 1
    assert looking.see_history(house, DOMAIN)[0].what == "users exported"
    (button,) = [each for each in full.open("people").get("download_button") if "CSV" in each.proto.label]
    assert not button.proto.disabled


def test_an_outcome_leads_to_everything_about_its_person(full: App) -> None:
    plan = looking.plans_seen(full.house(), DOMAIN)[0]
    (found,), _ = looking.outcomes_seen(
        full.house(), looking.runs_seen(full.house(), DOMAIN)[0][0].id, list(RESULTS), "", 1, 0
    )
    key = found[0].key
    at = full.open("process", plan=plan.id, selected=f"{key} add")
    (link,) = [each.proto for each in at.main.get("page_link") if each.proto.page == "people"]
    assert link.label == "Everything about this person"
    assert f"person={key}" in link.query_string


def test_whoever_joined_later_was_not_here_yet_as_of_an_earlier_run(app: App, sandbox: Sandbox) -> None:
    house, everybody = app.house(), sandbox.company.people
    joins = planning.preview(house, DOMAIN).changes[-1].key
    person = everybody.pop(joins)
    first = run(app, planning.preview(house, DOMAIN))
    everybody[joins] = person
    run(app, planning.preview(house, DOMAIN))
    told = explaining.explain_then(house, DOMAIN, joins, first).answer.answer
    assert told.startswith("Not here yet: a later run added them, on ")


def test_as_of_a_past_run_every_value_of_then_is_told(full: App, day: Plan, said: Said) -> None:
    done = run(full, day)
    changed = next(each for each in day.changes if each.action is Action.UPDATE and each.seen)
    at = full.open("people", person=changed.key, at=done)
    told = re.search(r"(\d+) of (\d+) values were to change", said(at))
    assert told
    assert int(told[1]) == len(changed.after)
    assert changed.seen
    table = next(each.value for each in at.dataframe if "Before" in each.value.columns)
    assert len(table) == int(told[2]) == len({*changed.seen.attributes, *changed.after})
    rows = dict(zip(table["Attribute"], zip(table["Before"], table["After"], strict=True), strict=True))
    name = next(iter(changed.seen.attributes))
    assert rows[name][0].startswith(changed.seen.attributes[name])


def test_whom_a_run_did_not_touch_was_unchanged(full: App, day: Plan) -> None:
    done = run(full, day)
    then = explaining.explain_then(full.house(), DOMAIN, ADMIN, done)
    assert then.answer.answer == "Unchanged: that run did nothing for them."
    assert then.changes == ()


def test_whoever_was_left_out_is_told_so(full: App, day: Plan) -> None:
    change = first(day, Action.UPDATE)
    done = run(full, day, leave_out=(change.key,))
    then = explaining.explain_then(full.house(), DOMAIN, change.key, done)
    assert "They were left out." in details(then.answer, "approval")[0]
    by_whom = f"Left out by {ADMIN}, who approved it."
    assert then.answer.answer == f"Not updated by that run. {by_whom}"
    now = explaining.explain(full.house(), DOMAIN, change.key)
    assert details(now, "run")[0].endswith(f": to be updated, left out. {by_whom}")


@pytest.mark.parametrize(
    ("action", "words"),
    [(Action.ADD, "Not here"), (Action.UPDATE, "Not updated"), (Action.ARCHIVE, "Not archived")],
)
def test_whoever_was_left_out_is_told_by_whom_until_an_approval_takes_them_in(
    full: App, day: Plan, said: Said, action: Action, words: str
) -> None:
    change = first(day, action)
    run(full, day, leave_out=(change.key,))
    answer = explaining.explain(full.house(), DOMAIN, change.key)
    assert answer.answer.startswith(f"{words}: left out by {ADMIN} on ")
    assert answer.answer.endswith(" UTC. The next preview proposes them again.")
    assert details(answer, "change") == [f"To be {action.value.rstrip('e')}ed: {change.why}"]
    assert details(answer, "approval")[0].startswith(f"Left out by {ADMIN} on ")
    told = said(full.open("people", person=change.key)).replace("\\", "")
    assert f"{words}: left out by " in told
    assert "**Approved** · Left out by" in told
    again = planning.preview(full.house(), DOMAIN)
    assert " UTC. The preview of " in explaining.explain(full.house(), DOMAIN, change.key).answer
    run(full, again)
    assert "left out by" not in explaining.explain(full.house(), DOMAIN, change.key).answer


def test_who_was_left_out_of_something_else_than_is_proposed_now_is_not_told_so(
    full: App, sandbox: Sandbox, day: Plan
) -> None:
    change = first(day, Action.UPDATE)
    run(full, day, leave_out=(change.key,))
    del sandbox.company.people[change.key]
    planning.preview(full.house(), DOMAIN)
    answer = explaining.explain(full.house(), DOMAIN, f"user:{change.user_id}").answer
    assert answer.startswith("To be archived")


def test_whoever_is_kept_active_is_told_by_whom_and_where_to_take_it_back(full: App, day: Plan, said: Said) -> None:
    change = first(day, Action.ARCHIVE)
    deciding.decide(full.house(), day.id, Wishes(protect=[change.key]))
    answer = explaining.explain(full.house(), DOMAIN, change.key)
    assert (
        f"Protected, so never archived: so it was decided, until that is taken back. {ADMIN} decided so on "
        in answer.answer
    )
    assert answer.answer.endswith(" UTC. To take that back: Settings → Protected → Decided on previews.")
    assert f"{ADMIN} decided so on " in details(answer, "held")[0]
    told = said(full.open("people", person=change.key)).replace("\\", "")
    assert "Held back: protected." in told
    assert "Settings → Protected" in told


def test_whoever_shares_an_identifier_is_told_with_whom_now_and_as_a_past_run_saw_it(full: App, day: Plan) -> None:
    one, other = (each for each in day.held if each.code == "duplicate-id")
    done = run(full, day)
    for key, name in ((one.key, other.name), (other.key, one.name)):
        then = explaining.explain_then(full.house(), DOMAIN, key, done).answer
        for answer in (explaining.explain(full.house(), DOMAIN, key), then):
            assert f"Shared with {name}. 2 people in HiBob share" in answer.answer
            assert f"Shared with {name}. " in details(answer, "held")[0]


def test_a_run_of_another_domain_is_not_asked(full: App, day: Plan) -> None:
    done = run(full, day)
    setting_up.add_domain(full.house(), "Northwind Trading", "contractors", "Northwind HiBob")
    with pytest.raises(NotFound):
        explaining.explain_then(full.house(), "Northwind Trading/contractors", ADMIN, done)


def test_the_page_of_an_unknown_run_says_so(full: App, said: Said) -> None:
    at = full.open("people", person=ADMIN, at="run-none")
    assert not at.exception
    assert "There is no run" in said(at)


def test_no_code_is_shown_for_whoever_is_held(full: App, day: Plan, said: Said) -> None:
    held = next(each for each in day.held if each.code == "future-starter")
    told = said(full.open("people", person=held.key)).replace("\\", "")
    assert "Held back: starts later" in told
    assert "future-starter" not in told


def joined(full: App, sandbox: Sandbox) -> tuple[str, str]:
    """Somebody whose record in HiBob was made anew, accepted as the same person and processed: (old id, new id)."""
    people = sandbox.company.people
    old = somebody(full, sandbox)
    record = people.pop(old)
    new = f"9{old[1:]}"
    people[new] = record | {
        "root.id": new,
        "root.email": "made.anew@northwind.example",
        PAYROLL_NUMBER: "999999",
    }
    plan = planning.preview(full.house(), DOMAIN)
    (proposal,) = [each for each in plan.proposals if each.key == new]
    plan = deciding.decide(full.house(), plan.id, Wishes(same=[(new, proposal.user_id)]))
    run(full, plan)
    return old, new


def somebody(full: App, sandbox: Sandbox) -> str:
    """An employee who has a live user and manages nobody."""
    company = sandbox.company
    linked = {link for _, link, status, _ in looking.users(full.house(), DOMAIN) if status == "Live"}
    managers = {each.get("work.manager") for each in company.people.values()}
    return max(linked & set(company.people) - managers - {company.admin_id, company.chief_id})


def test_an_accepted_same_person_keeps_the_runs_of_the_old_record(full: App, sandbox: Sandbox) -> None:
    old, new = joined(full, sandbox)
    for asked in (new, old):
        answer = explaining.explain(full.house(), DOMAIN, asked)
        assert answer.key == new
        told = details(answer, "run")
        assert any("linked" in each for each in told)
        assert any("added" in each for each in told)


def test_whoever_was_moved_is_told_so_in_the_old_domain(full: App, sandbox: Sandbox) -> None:
    house = full.house()
    setting_up.add_domain(house, "Northwind Trading", "alumni", "Northwind HiBob")
    people = sandbox.company.people
    gone = somebody(full, sandbox)
    email = str(people.pop(gone)["root.email"])
    plan = planning.preview(house, DOMAIN)
    archive = next(each for each in plan.changes if each.action is Action.ARCHIVE)
    run(full, deciding.decide(house, plan.id, Wishes(move={archive.key: "alumni"})))
    for asked in (email, archive.key):
        answer = explaining.explain(full.house(), DOMAIN, asked)
        assert answer.answer.startswith("Moved to the domain “alumni” by the run of ")


def test_somebody_nobody_ever_knew_is_still_not_found(full: App) -> None:
    assert planning.preview(full.house(), DOMAIN).status is PlanStatus.EMPTY
    with pytest.raises(NotFound):
        explaining.explain(full.house(), DOMAIN, "nobody@nowhere.example")


def test_a_part_of_a_name_lists_whoever_fits_to_choose_from(full: App, sandbox: Sandbox, said: Said) -> None:
    people = sandbox.company.people
    for number, key in enumerate(list(people)[5:8]):
        people[key] |= {"root.firstName": "Ingrid", "root.surname": f"Solberg{number}"}
    planning.preview(full.house(), DOMAIN)
    at = full.open("people", person="ingrid")
    assert not at.exception
    assert "3 people fit" in said(at)
    shown = at.dataframe[0].value
    assert sorted(shown["Name"]) == ["Ingrid Solberg0", "Ingrid Solberg1", "Ingrid Solberg2"]
    told = said(full.open("people", person="ingrid solberg1"))
    assert "Ingrid Solberg1" in told
    assert "**Read**" in told


def test_whoever_left_long_ago_is_found_by_a_part_of_the_name_and_never_mixed_with_others(
    full: App, sandbox: Sandbox
) -> None:
    gone = [somebody(full, sandbox)]
    sandbox.company.people[gone[0]] |= {"root.firstName": "Ingrid", "root.surname": "Solberg"}
    run(full, planning.preview(full.house(), DOMAIN))
    house = full.house()
    left = [house.db.one("SELECT id FROM users WHERE external_id = ?", key)["id"] for key in gone]  # type: ignore[index]
    del sandbox.company.people[gone[0]]
    run(full, planning.preview(house, DOMAIN))
    house.db.execute("DELETE FROM users WHERE id = ?", left[0])
    answer = explaining.explain(house, DOMAIN, "Solb")
    assert answer.answer.startswith("Not here any more")
    assert answer.key == gone[0]
    assert answer.name == "Ingrid Solberg"
    with pytest.raises(SeveralFit, match="people fit “a”"):
        explaining.explain(house, DOMAIN, "a")


def called(full: App, sandbox: Sandbox, key: str, first_name: str, surname: str) -> None:
    """Somebody bears this name from now on, and their user too."""
    sandbox.company.people[key] |= {"root.firstName": first_name, "root.surname": surname}
    run(full, planning.preview(full.house(), DOMAIN))


@pytest.mark.parametrize("asked", ["Quist-V", "odile-berthe quist-varga", "Quill’s", "Quill's"])
def test_a_former_name_leads_to_whoever_bore_it_as_they_are_now(
    full: App, sandbox: Sandbox, said: Said, asked: str
) -> None:
    key = somebody(full, sandbox)
    called(full, sandbox, key, "Odile-Berthe", "Quill's" if "uill" in asked else "Quist-Varga")
    called(full, sandbox, key, "Odile-Berthe", "Morgan")
    by_key = explaining.explain(full.house(), DOMAIN, key)
    answer = explaining.explain(full.house(), DOMAIN, asked)
    assert by_key.answer.startswith(
        "Unchanged: the user is live, as HiBob says. Not changed since a run updated them on "
    )
    assert answer.answer == f"Now Odile-Berthe Morgan. {by_key.answer}"
    assert (answer.person, answer.key, answer.name, answer.steps) == (asked, key, "Odile-Berthe Morgan", by_key.steps)
    told = said(full.open("people", person=asked)).replace("\\", "")
    assert "Now Odile-Berthe Morgan. Unchanged" in told


def test_a_former_name_that_two_had_lists_who_they_are_now(full: App, sandbox: Sandbox) -> None:
    here = somebody(full, sandbox)
    called(full, sandbox, here, "Odile-Berthe", "Quist-Varga")
    called(full, sandbox, here, "Odile-Berthe", "Morgan")
    other = min(set(sandbox.company.people) & {link for _, link, *_ in looking.users(full.house(), DOMAIN)} - {here})
    called(full, sandbox, other, "Ada", "Quist-Varga")
    called(full, sandbox, other, "Ada", "Lovelace")
    with pytest.raises(SeveralFit) as fit:
        explaining.explain(full.house(), DOMAIN, "Quist-V")
    assert {(each.key, each.name) for each in fit.value.found} == {
        (here, "Odile-Berthe Morgan"),
        (other, "Ada Lovelace"),
    }


def test_whoever_left_hibob_is_explained_by_their_old_id_as_the_user_they_are(full: App, sandbox: Sandbox) -> None:
    key = somebody(full, sandbox)
    user = next(user for user, link, *_ in looking.users(full.house(), DOMAIN) if link == key)
    del sandbox.company.people[key]
    run(full, planning.preview(full.house(), DOMAIN))
    answer = explaining.explain(full.house(), DOMAIN, key)
    assert answer.answer.startswith(
        "Unchanged: the user is archived, and HiBob does not show them. Not changed since a run archived them on "
    )
    assert answer.key == f"user:{user}"


def test_the_directory_is_searched_with_any_apostrophe(full: App, sandbox: Sandbox) -> None:
    key = somebody(full, sandbox)
    called(full, sandbox, key, "Una", "O’Hara-Quill")
    for asked in ("o'hara-q", "O’HARA-Q"):
        found, count = looking.users_seen(full.house(), DOMAIN, asked, 9, 0)
        assert (count, found[0][1]) == (1, key)


def test_the_directory_is_searched_for_every_word_in_whatever_value_here_and_in_a_portal(
    full: App, sandbox: Sandbox
) -> None:
    key = somebody(full, sandbox)
    called(full, sandbox, key, "Mikael", "O’Cunha")
    house = full.house()
    domain = customers.get_domain(house.db, DOMAIN)
    user, _, status, values = next(each for each in looking.users(house, DOMAIN) if each[1] == key)
    asked = [
        ("Mikael O’Cunha", True), ("o'cunha  mikael", True), ("cunha mik", True), (f"mikael {key}", True),
        (f"{user} o’cunha {status} {values['Email'][:6].upper()}", True), ("mikael nobody-else", False),
        (f"mikael {key[:-1]}", False), ("mikaelo", False),
    ]  # fmt: skip
    house.db.execute("UPDATE users SET external_id = NULL WHERE external_id <> ?", key)
    for directory in (known_directory(house, domain), KeptDirectory(known_users(house, domain, [*values]))):
        for text, fits in asked:
            assert (key in [link for _, link, *_ in directory.find(text, 50, 0)[0]]) is fits, text
        assert directory.find("mikael o’cunha", 50, 0)[1] == 1
