"""Moments as the clock of whoever looks shows them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import streamlit as st

from provisioning.web.words import NARROW, ago, dated, escape, in_short, moment, on_a_telephone, until

SUMMER, WINTER = datetime(2026, 7, 1, 23, 30, tzinfo=UTC), datetime(2026, 11, 2, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [
        ("Europe/London", "2 Jul 2026, 00:30 BST", "2 Nov 2026, 05:04 GMT"),
        ("America/Sao_Paulo", "1 Jul 2026, 20:30 UTC-03", "2 Nov 2026, 02:04 UTC-03"),
        (None, "1 Jul 2026, 23:30 UTC", "2 Nov 2026, 05:04 UTC"),
        ("Nowhere/At all", "1 Jul 2026, 23:30 UTC", "2 Nov 2026, 05:04 UTC"),
        ("../etc/passwd", "1 Jul 2026, 23:30 UTC", "2 Nov 2026, 05:04 UTC"),
    ],
)
def test_a_moment_is_told_in_the_zone_of_the_browser_which_is_named(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, summer: str, winter: str
) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(timezone=zone))
    assert (moment(SUMMER), moment(WINTER.isoformat())) == (summer, winter)
    assert moment(None) == "—"


@pytest.mark.parametrize(
    ("away", "past", "coming"),
    [
        (timedelta(seconds=59), "just now", "now"),
        (timedelta(minutes=5), "5 min ago", "in 5 min"),
        (timedelta(hours=26), "1 day ago", "in 1 day"),
        (timedelta(days=3, hours=1), "3 days ago", "in 3 days"),
    ],
)
def test_how_long_ago_and_how_long_until(away: timedelta, past: str, coming: str) -> None:
    assert (ago(WINTER - away, WINTER), until(WINTER + away, WINTER)) == (past, coming)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Read on 2026-07-01 at 23:30 UTC.", "Read on 2 Jul 2026, 00:30 BST."),
        ("2026-11-02 05:04 UTC: added.", "2 Nov 2026, 05:04 GMT: added."),
        ("until 2026-07-01 23:30:09 UTC", "until 2 Jul 2026, 00:30:09 BST"),
        ("Starts on 2026-12-01.", "Starts on 1 Dec 2026."),
        ("“2026-11-02 05:04 UTC” is no date", "“2026-11-02 05:04 UTC” is no date"),
        ("at 2026-13-40 05:04 UTC", "at 2026-13-40, 05:04 UTC"),
    ],
)
def test_a_sentence_of_the_engine_has_its_moments_in_the_zone_of_the_browser(
    monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(timezone="Europe/London"))
    assert dated(text) == words


@pytest.mark.parametrize(
    ("headers", "is_one"),
    [
        (None, False),
        ({}, False),
        ({"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}, False),
        ({"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1"}, True),
        ({"User-Agent": "Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari/537.36"}, True),
    ],
)
def test_a_telephone_says_that_it_is_one(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str] | None, is_one: bool
) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(headers=headers, cookies={}))
    assert on_a_telephone() == is_one


@pytest.mark.parametrize(("said", "is_one"), [("1", True), ("0", False)])
def test_a_narrow_window_counts_as_one(monkeypatch: pytest.MonkeyPatch, said: str, is_one: bool) -> None:
    headers = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}
    monkeypatch.setattr(st, "context", SimpleNamespace(headers=headers, cookies={NARROW: said}))
    assert on_a_telephone() == is_one


def test_a_name_does_not_turn_the_direction_of_the_sentence_that_it_stands_in() -> None:
    assert escape("exe\u202egnp, \u2066יעל\u2069") == "exegnp, יעל"


@pytest.mark.parametrize(
    ("why", "short"),
    [
        ("HiBob refused the credentials (401 on GET /company/people). Check the id.", "HiBob refused the credentials."),
        ("HiBob refused GET /company/people (403). Ask whoever runs it.", "HiBob refused a request."),
        ("Skillcast cannot be reached (GET /Users): no host. Try again.", "Skillcast cannot be reached: no host."),
        ("Skillcast failed (503 on POST /Bulk). Try again later.", "Skillcast failed."),
        ("1,000 live users (of 900); 1.5 licensed.", "1,000 live users (of 900); 1.5 licensed."),
        ("", ""),
    ],
)
def test_a_reason_in_short_is_its_first_sentence_without_addresses_and_numbers_of_answers(why: str, short: str) -> None:
    assert in_short(why) == short
