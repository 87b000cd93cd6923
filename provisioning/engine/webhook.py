"""Whether a webhook of HiBob (v2) is to be believed. Decides by what it is given; knows no clock and stores nothing."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha512

import msgspec

from provisioning.errors import Refused

SIGNATURE_HEADER = "bob-signature"
MOST_BYTES = 64 * 1024
WINDOW = timedelta(days=3)
"""HiBob sends an event again for up to three days. Older ones are refused, younger ones are remembered."""

AHEAD = timedelta(minutes=5)


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """What an event says, as far as it matters: that somebody changed. Whoever it is, HiBob is read anew."""

    type: str
    triggered_at: str
    version: str


def believe(secret: str, signature: str, body: bytes, now: datetime) -> datetime:
    """When the event was triggered. Raises `Refused` for a body that is too long, a wrong signature, anything but an event
    of version 2, and one that is too old or of the future."""
    if len(body) > MOST_BYTES:
        raise Refused(f"The webhook is longer than {MOST_BYTES:,} bytes.")
    expected = base64.b64encode(hmac.digest(secret.encode(), body, sha512))
    if not secret or not hmac.compare_digest(expected, signature.strip().encode()):
        raise Refused("The webhook’s signature is not right.")
    try:
        event = msgspec.json.decode(body, type=Event)
        at = datetime.fromisoformat(event.triggered_at)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Refused("The webhook is no event of HiBob’s version 2.") from None
    if event.version != "v2" or not event.type.startswith("employee."):
        raise Refused("The webhook is no event of HiBob’s version 2.")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not now - WINDOW <= at <= now + AHEAD:
        raise Refused("The webhook is too old, or of the future.")
    return at
