"""Which runs stand out: further from what was usual than the runs before them were."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.trends import Day, Mark, Point, by_day, marks, stands_out

DAY = datetime(2027, 3, 1, 5, tzinfo=UTC)


def run(number: int, *, live: int | None = 100, added: int = 0, archived: int = 0, seconds: float = 10) -> Point:
    return Point(f"run-{number}", 1, DAY + timedelta(days=number), live, added, archived, seconds)


@pytest.mark.parametrize(
    ("value", "before", "usual"),
    [
        (50, [1, 2, 1, 2, 1], 1),
        (50, [1, 2, 1, 2], None),  # too few to compare it with
        (3, [1, 1, 1, 1, 1], None),  # two more people are nothing, however quiet it was
        (4, [1, 1, 1, 1, 1], 1),
        (40, [10, 20, 30, 40, 50], None),  # it goes up and down like this
        (0, [100, 101, 99, 100, 102], 100),  # nothing at all is as unusual as too much
    ],
)
def test_a_run_stands_out_from_those_before(value: float, before: list[float], usual: float | None) -> None:
    assert stands_out(value, before, 2) == usual


def test_a_single_outlier_before_does_not_hide_the_next() -> None:
    assert stands_out(500, [1, 2, 1, 900, 2, 1], 2) == 1.5


def test_the_run_that_archives_many_is_marked_and_no_other() -> None:
    points = [run(number, archived=1 + number % 2) for number in range(8)]
    points[6] = run(6, archived=40)
    found = marks(points)
    assert found[6] == (Mark("archived", 40, 1.5),)
    assert not any(found[:6] + found[7:])


def test_a_company_that_grows_evenly_is_nothing_unusual_and_a_fall_is() -> None:
    points = [run(number, live=1000 + 10 * number) for number in range(12)]
    assert not any(marks(points))
    points.append(run(12, live=900))
    assert marks(points)[-1] == (Mark("live", -210, 10),)


def test_runs_of_before_live_users_were_kept_are_left_out_of_their_trend() -> None:
    points = [run(number, live=None) for number in range(6)] + [run(number, live=500) for number in range(6, 12)]
    assert not any(marks(points))


def test_a_run_that_took_long_is_marked() -> None:
    points = [*(run(number) for number in range(5)), run(5, seconds=600), run(6, seconds=35)]
    assert [[mark.what for mark in each] for each in marks(points)][5:] == [["seconds"], []]


def test_runs_before_a_moment_are_compared_with_and_not_marked() -> None:
    points = [*(run(number) for number in range(6)), run(6, added=40), run(7, added=40)]
    assert [bool(each) for each in marks(points, run(7).at)] == [False] * 7 + [True]


def test_who_came_back_counts_and_stands_out() -> None:
    points = [run(number) for number in range(6)] + [replace(run(6), reactivated=30)]
    assert marks(points)[-1] == (Mark("reactivated", 30, 0),)
    assert by_day(points[-1:], {}) == [Day("2027-03-07", 100, 0, 0, 1, reactivated=30)]


@given(st.lists(st.integers(0, 50), max_size=40))
def test_what_comes_later_changes_no_mark(numbers: list[int]) -> None:
    points = [run(place, added=number) for place, number in enumerate(numbers)]
    assert marks(points)[: len(points) // 2] == marks(points[: len(points) // 2])


def test_all_domains_day_by_day_count_the_live_users_as_last_known() -> None:
    late = timedelta(hours=10)
    points = [
        Point("a", 1, DAY, 100, 3, 0, 5),
        Point("b", 2, DAY + late, 50, 0, 1, 5),
        Point("c", 1, DAY + timedelta(days=2), 104, 4, 0, 5),
        Point("d", 2, DAY + timedelta(days=2), None, 0, 0, 5),
    ]
    assert by_day(points, {}) == [Day("2027-03-01", 150, 3, 1, 2), Day("2027-03-03", 154, 4, 0, 2)]
    assert by_day(points, {3: 10, 1: 99})[0].live == 160
    assert by_day([Point("a", 1, DAY, None, 1, 0, 5)], {}) == [Day("2027-03-01", None, 1, 0, 1)]
