"""Charts as figures: what is data in them stays as it is."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioning.report.charts import (
    AROUND,
    COLOURS,
    MOST_ATTRIBUTES,
    SLIVER,
    happening_bars,
    happening_chart,
    runs_chart,
)
from provisioning.report.trend_charts import added_chart, line_chart, nice_step


def test_attributes_called_by_numbers_or_dates_are_names_and_not_places_on_a_scale() -> None:
    figure = happening_chart(happening_bars({}, {"2024": 3, "2025-01-01": 1}))
    assert figure.layout.yaxis.type == "category"
    assert list(figure.data[0].y) == ["2024", "2025-01-01"]


def test_an_attribute_is_no_markup_in_a_chart_and_itself_where_it_is_clicked() -> None:
    bars = happening_bars({}, {"<b>Site</b>": 3})
    assert happening_chart(bars).data[0].y[0] == "&lt;b>Site&lt;/b>"
    assert bars[0][0] == ("attribute", "<b>Site</b>")


def test_one_chart_tells_who_joins_what_changes_and_who_leaves() -> None:
    bars = happening_bars({"add": 4, "archive": 1, "update": 9, "held": 3}, {"Site": 7, "Manager": 2})
    assert [(what, words, people) for what, words, people, _ in bars] == [
        (("action", "add"), "Added", 4),
        (("attribute", "Site"), "Site", 7),
        (("attribute", "Manager"), "Manager", 2),
        (("action", "archive"), "Archived", 1),
    ]
    assert [colour for *_, colour in bars] == [
        COLOURS["add"],
        COLOURS["update"],
        COLOURS["update"],
        COLOURS["archive"],
    ]
    figure = happening_chart(bars, ("attribute", "Manager"))
    assert list(figure.data[0].customdata) == ["0", "1", "2", "3"]
    assert [number == 1.0 for number in figure.data[0].marker.opacity] == [False, False, True, False]
    assert set(happening_chart(bars, ("attribute", "gone")).data[0].marker.opacity) == {1.0}


@pytest.mark.parametrize(("changed", "width"), [({"Site": 1, "Email": 1}, 6), ({"Site": 40}, 40)])
def test_a_bar_of_one_person_is_no_wall(changed: dict[str, int], width: int) -> None:
    assert tuple(happening_chart(happening_bars({}, changed)).layout.xaxis.range) == (0, width)


def test_a_bar_of_one_beside_thousands_is_seen_and_tells_its_own_number() -> None:
    data = happening_chart(happening_bars({"archive": 1}, {"Site": 4_000})).data[0]
    assert list(data.x) == [4_000, SLIVER * 4_000]
    assert list(data.text) == ["4,000", "1"]
    assert "%{x" not in data.hovertemplate


def test_of_many_attributes_the_chart_shows_the_first() -> None:
    assert len(happening_bars({"archive": 1}, {f"A{number}": 1 for number in range(30)})) == MOST_ATTRIBUTES + 1


def test_the_total_of_each_run_stands_above_its_bar() -> None:
    *bars, totals = runs_chart([("one", {"add": 31}), ("two", {"add": 1, "archive": 2})]).data
    assert [each.name for each in bars] == ["Added", "Archived"]
    assert (list(totals.y), list(totals.text)) == ([31, 3], ["31", "3"])


@pytest.mark.parametrize(
    ("span", "step"), [(0, 1), (4, 1), (5, 2), (9, 5), (21, 10), (41, 20), (170, 50), (212, 100), (2_000, 500)]
)
def test_ticks_are_round_numbers(span: float, step: int) -> None:
    assert nice_step(span) == step


def test_a_trend_has_whole_numbers_from_zero() -> None:
    days = ["2026-11-28", "2026-11-29", "2026-11-30"]
    axis = line_chart(days, [211, 213, None], [], "live users").layout.yaxis
    assert (axis.range[0], axis.ticktext) == (0, ("0", "100", "200", "300"))
    assert axis.range[1] > 213
    nothing = line_chart(days, [0, 0, 0], [], "seconds").layout.yaxis
    assert (nothing.range[0], nothing.ticktext) == (0, ("0", "1"))
    below = added_chart(days, [1, 0, 0], [0, 0, 0], [0, 12, 0], []).layout.yaxis
    assert below.range[0] < -12
    assert below.range[1] > 1
    assert below.ticktext == ("15", "10", "5", "0", "5")
    above = added_chart(days, [1, 8, 0], [0, 7, 0], [0, 0, 0], []).layout.yaxis
    assert above.range[1] > 15


def test_a_trend_is_dated_at_its_runs_alone() -> None:
    (only,) = line_chart(["2026-11-30"], [211], [], "live users").layout.xaxis.ticktext
    assert only == "30 Nov"
    at = datetime(2026, 11, 30, 6, 5, tzinfo=UTC)
    times = [at, at + timedelta(seconds=20), at + timedelta(days=1), at + timedelta(days=9)]
    axis = line_chart(times, [1, 2, 3, 4], [], "live users").layout.xaxis
    assert set(axis.tickvals) <= set(times)
    assert axis.ticktext == ("9 Dec, 06:05", "1 Dec, 06:05")


def test_each_run_has_a_bar_of_the_same_width_with_its_numbers_and_its_date() -> None:
    at = datetime(2026, 11, 30, 6, 5, tzinfo=UTC)
    times = [at, at + timedelta(seconds=20), at + timedelta(days=9)]
    figure = added_chart(times, [211, 4, 0], [0, 1, 0], [0, 2, 0], [])
    came, left = (each for each in figure.data if each.type == "scatter")
    assert (list(came.text), list(left.text)) == (["211", "5", ""], ["", "2", ""])
    assert [list(each.x) for each in figure.data] == [[0, 1, 2]] * 5
    assert figure.layout.xaxis.ticktext == ("9 Dec<br>06:05", "30 Nov<br>06:05", "30 Nov<br>06:05")
    assert figure.data[0].customdata[2] == [0, "9 Dec 2026, 06:05"]
    (alone,) = added_chart(["2026-11-30"], [4], [0], [2], []).layout.xaxis.ticktext
    assert alone == "30 Nov"
    many = added_chart([f"2026-11-{day:02}" for day in range(1, 31)], [1] * 30, [0] * 30, [0] * 30, [])
    assert not [each for each in many.data if each.type == "scatter"]
    assert len(many.layout.xaxis.ticktext) == 5


@pytest.mark.parametrize("height", [190, 280])
def test_the_number_above_the_highest_bar_has_room(height: int) -> None:
    figure = runs_chart([("one", {"add": 211})], height)
    bars = height - AROUND
    assert (1 - 211 / figure.layout.yaxis.range[1]) * bars >= 20
