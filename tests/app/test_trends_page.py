"""Trends: live users, adds, archives and duration of every run, on History and over all customers; what stands out is
marked in words too."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from installation import ADMIN, DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.engine.trends import Mark
from provisioning.errors import RoleMissing
from provisioning.model import Action, Outcome, Result, Role, RunStatus
from provisioning.store import customers, runs
from provisioning.web.trends import duration, in_words
from provisioning.workflow import looking, setting_up, trends
from provisioning.workflow.house import Workspace

Said = Callable[[AppTest], str]
CSM = "csm@skillcast.example"


def past_run(house: Workspace, at: datetime, *, live: int, archived: int = 0, reactivated: int = 0) -> None:
    """A run as the store knows it after its end."""
    domain = customers.get_domain(house.db, DOMAIN)
    plan = looking.plans_seen(house, DOMAIN)[-1]
    run = runs.start_run(house.db, plan.id, domain.id, ADMIN, at)
    outcomes = [Outcome(f"gone-{number}", Action.ARCHIVE, Result.DONE) for number in range(archived)]
    outcomes += [Outcome(f"back-{number}", Action.REACTIVATE, Result.DONE) for number in range(reactivated)]
    runs.journal(house.db, run.id, outcomes, at)
    runs.end_run(house.db, run.id, RunStatus.DONE, at + timedelta(seconds=8), live=live)


def six_quiet_runs_and_one_that_archived_many(house: Workspace) -> None:
    start = house.clock() - timedelta(days=20)
    for day in range(6):
        past_run(house, start + timedelta(days=day), live=40)
    past_run(house, start + timedelta(days=7), live=28, archived=12)


def test_a_run_keeps_the_live_users_and_what_it_added(full: App) -> None:
    house = full.house()
    (only,) = trends.trends_seen(house, DOMAIN)
    live = looking.standing(house, DOMAIN).users["Live"]
    assert (only.point.live, only.point.added, only.point.archived) == (live, live, 0)
    assert only.marks == ()


def test_a_run_that_stands_out_is_marked_in_the_table_and_the_chart(full: App) -> None:
    six_quiet_runs_and_one_that_archived_many(full.house())
    at = full.open("history", show="trends")
    shown = at.dataframe[-1].value
    marked = [text for text in shown["Stands out"] if text]
    assert marked[-1] == "12 archived, usually 0; -12 live users, usually 0"
    assert len(at.get("plotly_chart")) == 3
    assert "Stands out" in str(at.get("plotly_chart")[0].proto)


def test_who_came_back_is_counted_beside_who_was_added(full: App) -> None:
    house = full.house()
    six_quiet_runs_and_one_that_archived_many(house)
    past_run(house, house.clock() - timedelta(days=2), live=40, reactivated=12)
    at = full.open("history", show="trends")
    newest = at.dataframe[-1].value.iloc[1]  # the run of today is above it
    assert (newest["Added"], newest["Reactivated"], newest["Archived"]) == (0, 12, 0)
    assert newest["Stands out"].startswith("12 reactivated, usually 0")
    assert "Reactivated" in str(at.get("plotly_chart")[2].proto)


def test_without_a_run_there_is_nothing_to_compare(app: App, said: Said) -> None:
    assert "nothing to compare" in said(app.open("history", show="trends"))


def test_below_three_runs_a_sentence_stands_instead_of_charts(full: App, said: Said) -> None:
    at = full.open("history", show="trends")
    assert "Trends show from the third run on." in said(at)
    assert not at.get("plotly_chart")
    assert len(at.dataframe[-1].value) == 1


def test_a_csm_sees_the_trend_of_all_and_which_runs_stand_out(full: App, monkeypatch: pytest.MonkeyPatch) -> None:
    setting_up.grant(full.house(None), CSM, Role.CSM, None)
    six_quiet_runs_and_one_that_archived_many(full.house())
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", CSM)
    at = full.open("customers", view="trends")
    unusual = at.dataframe[0].value
    assert list(unusual["Customer"])[-1] == "Northwind Trading"
    assert "12 archived, usually 0" in " ".join(unusual["Stands out"])
    days = at.dataframe[-1].value
    assert int(days["Runs"].sum()) == 8
    assert "@" not in str(unusual)


def test_trends_of_all_are_for_csms_and_of_their_own_customers(full: App) -> None:
    with pytest.raises(RoleMissing):
        trends.trends_of_all(full.house(ADMIN))
    setting_up.grant(full.house(None), CSM, Role.CSM, "Northwind Trading")
    assert trends.trends_of_all(full.house(CSM)).days[0].runs == 1


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Mark("added", 40, 2), "40 added, usually 2"),
        (Mark("live", -210, 10), "-210 live users, usually +10"),
        (Mark("seconds", 600, 12), "took 10 min, usually 12 s"),
    ],
)
def test_what_stands_out_says_how_much_and_what_was_usual(mark: Mark, words: str) -> None:
    assert in_words(mark) == words


def test_a_run_of_less_than_a_second_is_said_to_be_one() -> None:
    assert [duration(seconds) for seconds in (0.2, 8.4, 90)] == ["less than a second", "8 s", "2 min"]
