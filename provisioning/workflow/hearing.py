"""Hearing of changes from HiBob: a webhook makes its domains due soon, under the same rules as any scheduled run."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from provisioning.engine import schedule as engine
from provisioning.engine.webhook import SIGNATURE_HEADER, WINDOW, believe
from provisioning.errors import SettingsError
from provisioning.model import Connection, Domain
from provisioning.store import customers, schedules
from provisioning.store.schedules import State
from provisioning.store.secrets import get_secret, webhook_owner
from provisioning.workflow.connections import connection_of
from provisioning.workflow.house import Workspace, with_us
from provisioning.workflow.resting import change

QUIET_VARIABLE, QUIET_SECONDS = "ROLLCALL_WEBHOOK_QUIET_SECONDS", 120


class Heard(StrEnum):
    """What became of a webhook. All three are answered with success, so that HiBob does not send it again."""

    NOTED = "noted"
    REPEATED = "repeated"
    IGNORED = "ignored"


def webhook(house: Workspace, label: str, headers: Mapping[str, str], body: bytes) -> Heard:
    """Take an event for the connection of a domain: every domain on it whose schedule is on runs after a quiet time.
    Nobody is signed in; the signature is what is believed. Raises `Refused`, and `NotFound` for an unknown domain."""
    domain = with_us(customers.get_domain(house.db, label))
    connection, now = connection_of(house, domain), house.clock()
    secret = get_secret(house.db, house.vault, webhook_owner(connection.id)) or ""
    signature = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER), "")
    at = believe(secret, signature, body, now)
    quiet = _quiet_time(house)
    with house.db.transaction():
        heard_by = _domains_on(house, domain, connection)
        # Remembered once for all of them: else whoever overheard an event could send it to the next domain's address.
        first = min(each.id for each in heard_by)
        if not schedules.remember_webhook(house.db, first, sha256(body).hexdigest(), at, now - WINDOW):
            return Heard.REPEATED
        noted = [_note(house, each, now, quiet) for each in heard_by]
    return Heard.NOTED if any(noted) else Heard.IGNORED


def _note(house: Workspace, domain: Domain, now: datetime, quiet: timedelta) -> bool:
    if schedules.get_state(house.db, domain.id).approval is None:
        return False

    def soon(old: State) -> State:
        first = old.soon_since or now
        return replace(old, soon_since=first, soon_at=engine.quiet_until(first, now, quiet))

    change(house, domain, soon)
    return True


def _domains_on(house: Workspace, domain: Domain, connection: Connection) -> list[Domain]:
    return [
        each
        for each in customers.domains(house.db, domain.customer_id)
        if (each.settings.connection or connection.name) == connection.name
    ]


def _quiet_time(house: Workspace) -> timedelta:
    written = house.environment.get(QUIET_VARIABLE, "").strip() or str(QUIET_SECONDS)
    if not written.isascii() or not written.isdecimal():
        raise SettingsError(f"{QUIET_VARIABLE} must be a whole number of seconds, not “{written}”.")
    return timedelta(seconds=int(written))
