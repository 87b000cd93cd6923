"""The page Schedule: times, the standing approval, why it rests, who is told, and who may press what."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.errors import RoleMissing, SettingsError
from provisioning.model import Role
from provisioning.sandbox import Sandbox
from provisioning.setup_file import ScheduleTable
from provisioning.store import customers, schedules
from provisioning.store.secrets import notify_owner, put_secret
from provisioning.web.words import moment
from provisioning.workflow import due, planning, scheduling, setting_up, targets
from provisioning.workflow.scheduling import Standing as ScheduleStanding

Said = Callable[[AppTest], str]
CUSTOMER = "Northwind Trading"
NIGHTLY = ScheduleTable("0 5 * * *", "Europe/London", "process")


def press(at: AppTest, label: str) -> AppTest:
    found = next(each for each in at.button if each.label == label)
    assert not found.disabled
    return found.click().run()


def buttons(at: AppTest) -> dict[str, bool]:
    """Whether each can be pressed."""
    return {each.label: not each.disabled for each in at.button}


def plain(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")


def without_schedule(app: App) -> None:
    scheduling.save_schedule(app.house(), DOMAIN, None)


def test_without_a_schedule_it_says_that_nothing_runs_by_itself(app: App, said: Said) -> None:
    without_schedule(app)
    assert "Nothing runs by itself" in said(at := app.open("schedule"))
    assert "Choose the times" in [each.value for each in at.header]
    scheduling.save_schedule(app.house(), DOMAIN, NIGHTLY)
    assert "Change the times" in [each.value for each in app.open("schedule").header]


def test_common_times_are_chosen_without_writing_cron(app: App, said: Said) -> None:
    without_schedule(app)
    at = app.open("schedule")
    next(each for each in at.selectbox if each.label == "When").set_value("daily").run()
    press(at, "Save")
    seen = scheduling.schedule_seen(app.house(), DOMAIN)
    assert (seen.cron, seen.timezone, seen.does) == ("0 5 * * *", "Europe/London", "preview")
    assert "Every day at 05:00, Europe/London time" in plain(said(app.open("schedule")))


@pytest.mark.parametrize("written", ["every noon", "0 0 31 2 *", "*/30 * * * * *"])
def test_a_cron_expression_that_is_none_is_refused_before_it_is_saved(app: App, written: str) -> None:
    at = app.open("schedule")
    next(each for each in at.selectbox if each.label == "When").set_value("own").run()
    next(each for each in at.text_input if each.label == "Cron expression").set_value(written).run()
    assert "is no cron expression" in plain(at.error[0].value)
    assert not buttons(at)["Save"]


def test_the_next_times_show_what_daylight_saving_does(app: App) -> None:
    scheduling.save_schedule(app.house(), DOMAIN, ScheduleTable("30 1 * 3 0L", "Europe/London"))
    shown = app.open("schedule").dataframe[0].value
    assert len(shown) == 5
    assert all("01:30 does not exist" in note for note in shown["Daylight saving"])


def test_before_an_approved_run_it_says_why_it_cannot_be_switched_on(app: App, said: Said) -> None:
    scheduling.save_schedule(app.house(), DOMAIN, NIGHTLY)
    at = app.open("schedule")
    assert "no approved and processed run" in plain(said(at))
    assert not buttons(at)["Switch on"]


def test_switching_on_is_a_standing_approval_that_other_times_end(full: App, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, NIGHTLY)
    at = press(full.open("schedule"), "Switch on")
    assert f"standing approval of {ADMIN}" in plain(said(at))
    scheduling.save_schedule(full.house(), DOMAIN, ScheduleTable("0 6 * * *", "Europe/London", "process"))
    at = full.open("schedule")
    assert "The schedule was changed since it was switched on" in plain(said(at))
    press(at, "Switch on again")
    assert scheduling.schedule_seen(full.house(), DOMAIN).standing is ScheduleStanding.ON
    press(full.open("schedule"), "Switch off")
    assert scheduling.schedule_seen(full.house(), DOMAIN).standing is ScheduleStanding.OFF


def test_a_schedule_of_previews_is_no_standing_approval(full: App, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, ScheduleTable("0 5 * * *", "Europe/London", "preview"))
    at = full.open("schedule")
    assert "nothing is written without an approval" in plain(said(at))
    told = plain(said(press(at, "Switch on"))) + plain(said(full.open("history")))
    assert f"Switched on by {ADMIN}" in told
    assert "standing approval" not in told
    assert "switched the schedule on: previews only" in told


def test_times_are_on_the_clock_of_the_schedule(full: App, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, ScheduleTable("0 5 * * *", "Asia/Tokyo", "process"))
    at = press(full.open("schedule"), "Switch on")
    assert re.search(
        r"Runs next \d+ \w{3} \d{4}, 05:00, Asia/Tokyo time \(\d+ \w{3} \d{4}, 20:00 UTC for you\)", plain(said(at))
    )
    assert list(at.dataframe[0].value.columns) == ["Asia/Tokyo time", "Your time"]
    scheduling.save_schedule(full.house(), DOMAIN, ScheduleTable("0 5 * * *", "UTC", "process"))
    assert list(full.open("schedule").dataframe[0].value.columns) == ["UTC time"]


def test_a_schedule_that_was_removed_does_not_come_back_switched_on(full: App) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, NIGHTLY)
    scheduling.switch_on(full.house(), DOMAIN)
    press(full.open("schedule"), "Remove the schedule")
    assert scheduling.schedule_seen(full.house(), DOMAIN).standing is ScheduleStanding.NONE
    assert scheduling.save_schedule(full.house(), DOMAIN, NIGHTLY).standing is ScheduleStanding.OFF


def test_all_schedules_of_a_customer_rest_by_one_switch(full: App, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, NIGHTLY)
    scheduling.switch_on(full.house(), DOMAIN)
    at = press(full.open("schedule"), "Pause all")
    assert f"{ADMIN} paused all schedules" in plain(said(at))
    assert "Paused: nothing runs at its times" in plain(said(at))
    assert "Switched on, and paused now." in plain(said(full.open("start")))
    press(at, "Let all go on")
    assert scheduling.schedule_seen(full.house(), DOMAIN).standing is ScheduleStanding.ON


def test_quarantine_says_why_since_when_and_when_it_tries_again(full: App, sandbox: Sandbox, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, ScheduleTable("* * * * *", "UTC", "process"))
    scheduling.switch_on(full.house(), DOMAIN)
    sandbox.stop()
    house = full.house(None)
    now = house.clock()
    house.clock = lambda: now.replace(year=now.year + 1)
    due.run_due(house)
    shown = plain(said(full.open("schedule")))
    assert "tries again" in shown
    assert "failed once" in shown
    assert "In quarantine: something went wrong" in shown
    assert "paused" not in shown
    assert "Nobody is told" in shown
    assert "the schedule" in shown or "HiBob" in shown


def test_an_auditor_sees_everything_and_presses_nothing(full: App, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, NIGHTLY)
    scheduling.switch_on(full.house(), DOMAIN)
    setting_up.grant(full.house(), "auditor@elsewhere.example", Role.AUDITOR, CUSTOMER)
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", "auditor@elsewhere.example")
    at = full.open("schedule")
    assert f"standing approval of {ADMIN}" in plain(said(at))
    assert buttons(at) == {}
    with pytest.raises(RoleMissing):
        scheduling.save_schedule(full.house("auditor@elsewhere.example"), DOMAIN, None)


def test_a_time_zone_that_is_none_is_not_saved(app: App) -> None:
    with pytest.raises(SettingsError, match="no time zone"):
        scheduling.save_schedule(app.house(), DOMAIN, ScheduleTable("0 5 * * *", "Europe/Nowhere"))


def test_the_overview_says_why_a_schedule_rests(full: App, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, NIGHTLY)
    scheduling.switch_on(full.house(), DOMAIN)
    assert "The schedule" not in plain(said(full.open("")))
    scheduling.pause_all(full.house(), CUSTOMER)
    told = plain(said(full.open("")))
    assert "The schedule is paused" in told
    assert f"{ADMIN} paused all schedules" in told


def test_the_overview_says_since_when_a_preview_waits(app: App, said: Said) -> None:
    plan = planning.preview(app.house(), DOMAIN)
    assert f"waits for a person, since {moment(plan.made_at)}" in plain(said(app.open("")))


def test_the_overview_counts_from_the_first_of_the_schedules_previews(app: App, said: Said) -> None:
    scheduling.save_schedule(app.house(), DOMAIN, NIGHTLY)
    house, plan = app.house(), planning.preview(app.house(), DOMAIN)
    since = plan.made_at - timedelta(days=3)
    state = schedules.State(plan_id=plan.id, waiting_since=since)
    schedules.change_state(house.db, plan.domain_id, lambda _: state, lambda _: None)
    assert f"waits for a person, since {moment(since)}" in plain(said(app.open("")))


def test_a_dead_target_shows_what_went_wrong_and_never_its_secret(app: App, said: Said) -> None:
    house = app.house()
    domain = customers.get_domain(house.db, DOMAIN)
    schedule, _ = customers.standing(house.db, domain.id)
    customers.save_standing(house.db, domain.id, schedule, ["ACME_NOTIFY_URL"])
    put_secret(house.db, house.vault, notify_owner(domain.id, 0), "json://127.0.0.1:9/hook-s3cret", house.clock())
    at = press(app.open("schedule"), "Send a test")
    told = next(each.value for each in at.dataframe if "Message" in each.value)
    shown = plain(said(at))
    assert "from ACME_NOTIFY_URL of the set-up file" in shown
    assert "last tried just now" in shown
    assert list(told["Message"]) == [f"{DOMAIN}: a test"]
    assert told["Not delivered"][0] in shown
    assert "s3cret" not in shown + str(told)


def test_beside_switch_on_it_says_that_nobody_is_told(full: App, said: Said) -> None:
    scheduling.save_schedule(full.house(), DOMAIN, NIGHTLY)
    beside = "Nobody is told when somebody must act. See *Who is told* below."
    assert beside in said(full.open("schedule"))
    targets.add_notify_target(full.house(), DOMAIN, "jsons://hooks.acme.example/a")
    assert beside not in said(full.open("schedule"))
