"""Which webhooks are believed."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha512

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.webhook import MOST_BYTES, WINDOW, believe
from provisioning.errors import Refused

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
SECRET = "a secret between HiBob and us"


def event(at: datetime = NOW, **changes: object) -> bytes:
    content = {
        "companyId": 1,
        "type": "employee.joined",
        "triggeredBy": "7",
        "triggeredAt": at.isoformat(),
        "version": "v2",
    }
    return json.dumps(content | {"data": {"employeeId": "3980342332732998349"}} | changes).encode()


def signed(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, sha512).digest()).decode()


@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=50), WINDOW, timedelta(minutes=-4)])
def test_a_signed_event_of_these_days_is_believed(age: timedelta) -> None:
    body = event(NOW - age)
    assert believe(SECRET, signed(body), body, NOW) == NOW - age


def test_a_moment_without_a_zone_is_utc() -> None:
    body = event(triggeredAt="2026-11-22T14:00:00.123")
    assert believe(SECRET, signed(body), body, NOW) == datetime(2026, 11, 22, 14, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (event(NOW - WINDOW - timedelta(seconds=1)), "too old"),
        (event(NOW + timedelta(minutes=6)), "of the future"),
        (event(version="v1"), "version 2"),
        (event(type="task.created"), "version 2"),
        (event(triggeredAt="yesterday"), "version 2"),
        (event(triggeredAt=None), "version 2"),
        (b"", "version 2"),
        (b"[]", "version 2"),
        (b"\xff", "version 2"),
        (event(more="x" * MOST_BYTES), "longer"),
    ],
)
def test_anything_else_is_refused_though_it_is_signed(body: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        believe(SECRET, signed(body), body, NOW)


@pytest.mark.parametrize("signature", ["", "x", "München", signed(event(), "another"), signed(b"another")])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    with pytest.raises(Refused, match="signature"):
        believe(SECRET, signature, event(), NOW)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(Refused, match="signature"):
        believe("", signed(event(), ""), event(), NOW)


@given(place=st.integers(0, len(event()) - 1), bit=st.integers(0, 7))
def test_no_bit_of_an_event_can_be_changed(place: int, bit: int) -> None:
    body = bytearray(event())
    body[place] ^= 1 << bit
    with pytest.raises(Refused):
        believe(SECRET, signed(event()), bytes(body), NOW)
