"""How long a run will take and how fast one was, in words and as kept."""

import pytest

from provisioning.model import Speed
from provisioning.report.speed import forecast_line, forecast_words, span, speed_line


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "less than a minute"),
        (59.9, "less than a minute"),
        (60, "1 minute"),
        (240, "4 minutes"),
        (3600, "1 hour"),
        (2 * 3600 + 300, "2 hours 5 minutes"),
        (30 * 3600 + 300, "30 hours"),
    ],
)
def test_a_span_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_forecast_says_from_what_it_is_known() -> None:
    assert forecast_line(20_000, 81.0, True) == (
        "Processing all of it takes about 4 minutes, going by an earlier run of this domain, which made 81 changes a second"
    )
    assert forecast_line(10_000, 4.0, False) == (
        "Processing all of it takes about 42 minutes. That is a guess until a run of 20 changes or more"
    )
    assert forecast_words(20_000, 81.0, True, "these") == (
        "Processing these takes about 4 minutes, going by an earlier run of this domain"
    )


def test_what_was_achieved_stands_beside_what_is_allowed() -> None:
    assert speed_line(Speed(600, 100.0, 1200, 15.0)) == (
        "600 changes in 2 minutes, 6.0 a second; 12 requests a second of the 15 that the portal allows (80%)"
    )
    assert speed_line(Speed(6, 12.0, 17, 0.4)) == (
        "6 changes in 12.0 s, 0.5 a second; 1.4 requests a second, which was too many for the portal: it allows about 0.4"
    )
    assert speed_line(Speed(1, 2.0, 3, None)) == (
        "1 change in 2.0 s, 0.5 a second; 1.5 requests a second, and no rate limit was met"
    )
    assert speed_line(Speed(500, 1.0)) == "500 changes in 1.0 s, 500 a second"
    assert speed_line(Speed(0, 0.0)) == "0 changes in less than a second"
