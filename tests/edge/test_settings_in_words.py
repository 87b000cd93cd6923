"""What changed between two versions of the settings, as the history tells it."""

from dataclasses import replace

import pytest

from provisioning.model import (
    AbsenceArchives,
    Lifecycle,
    Limit,
    Meaning,
    Protection,
    ScopeRule,
    Settings,
)
from provisioning.report.settings import changed_in_words
from provisioning.workflow.setting_up import changed_settings

USUAL = Settings()


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (replace(USUAL, absence_archives=AbsenceArchives.LINKED),
         "Whom absence from HiBob may archive: Every live user of the domain (Skillcast’s way) → Only users that Rollcall added or linked"),
        (replace(USUAL, absent_reads=2), "Complete reads before somebody absent is archived: 1 → 2"),
        (replace(USUAL, two_people=True), "Two people approve: no → always"),
        (replace(USUAL, two_people=1500), "Two people approve: no → from 1,500 changes on"),
        (replace(USUAL, unique_identifier="Employee ID"), "Unique identifier: none → Employee ID"),
        (replace(USUAL, limits=replace(USUAL.limits, archive=Limit(number=5))), "Archives in one run: 10% → 5"),
        (replace(USUAL, limits=replace(USUAL.limits, small_domain=4)), "Small domain, people: 3 → 4"),
        (replace(USUAL, scope=(ScopeRule(True, "work.site", ("London", "Dublin")), ScopeRule(False, "work.title", ("Temp",)))),
         "Scope: everybody → include work.site London, Dublin; exclude work.title Temp"),
        (replace(USUAL, protected=(Protection(person="ada@acme.example"), Protection(attribute="Department", values=("Board",)))),
         "Protected people: nobody → ada@acme.example; Department Board"),
        (replace(USUAL, lifecycle=Lifecycle((("Garden leave", Meaning.LEAVE_AS_IS),))), "Lifecycle statuses: as usual → Garden leave: leave as is"),
        (replace(USUAL, lifecycle=Lifecycle(wait_until_days_before_start=3)), "Days before the start that the hired are added: 0 → 3"),
    ],
)  # fmt: skip
def test_every_setting_that_changed_is_told_by_the_name_that_its_form_has(after: Settings, line: str) -> None:
    assert changed_in_words(changed_settings(USUAL, after)) == (line,)


def test_what_another_version_of_rollcall_recorded_is_at_least_readable() -> None:
    changed = {"new_thing": {"from": None, "to": [1, 2]}, "scope": "odd", "limits": {"from": 3, "to": None}}
    assert changed_in_words(changed) == ("New thing: none → 1, 2", "Scope: odd", "Limits: 3 → none")
