"""What others can do for a domain: read HiBob, read a portal. Plain functions of plain values, for any executor: they know no
database, and get the one token that they need."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from provisioning.hands import Closed
from provisioning.hosts import AddressesOf, public_only
from provisioning.model import Attribute, Field, Snapshot, Users

if TYPE_CHECKING:
    # Whoever looks at a directory needs to know how one is reached, and seldom what HiBob answers.
    from provisioning.source.client import HiBobClient
    from provisioning.source.reports import Report


@dataclass(frozen=True, slots=True)
class Reach:
    """Another system's address with the token for it. `allowed`: hosts that may lead into a private network; whoever
    connects looks anew where the name leads."""

    url: str
    token: Closed[str]
    allowed: frozenset[str]

    def door(self) -> AddressesOf:
        return public_only(self.allowed)


@dataclass(frozen=True, slots=True)
class HiBobAsked:
    """One read of HiBob. `report`: instead of people search; then `fields` are the known ones, for its titles. `kept`: an
    earlier read, of which people whose record is the same are taken."""

    reach: Reach
    service_user_id: str
    fields: tuple[Field, ...]
    now: datetime
    report: int | None = None
    kept: Closed[Snapshot] | None = None


def people_of(asked: HiBobAsked) -> Snapshot:
    from provisioning.source.people import read_people

    with hibob_at(asked.reach, asked.service_user_id) as client:
        return read_people(client, asked.fields, asked.now, asked.kept.content if asked.kept else None)


def report_of(asked: HiBobAsked) -> "Report":
    from provisioning.source.reports import read_report

    assert asked.report is not None
    with hibob_at(asked.reach, asked.service_user_id) as client:
        return read_report(client, asked.report, asked.fields)


def hibob_at(reach: Reach, service_user_id: str) -> "HiBobClient":
    from provisioning.source.client import HiBobClient

    return HiBobClient(reach.url, service_user_id, reach.token.content, addresses_of=reach.door())


READING_PATIENCE = 300.0
"""Nothing was written yet when a portal asks to wait longer than these seconds: rather say so than wait for an hour."""


@dataclass(frozen=True, slots=True)
class PortalAsked:
    """One read of a portal's users with the attributes of these names. The other words are those of `ScimDirectory`."""

    reach: Reach
    mapping: tuple[Attribute, ...]
    unique_identifier: str
    domain: tuple[str, str] | None
    names: tuple[str, ...]


def portal_users_of(asked: PortalAsked) -> Users:
    from provisioning.target.scim import ScimDirectory

    reach = asked.reach
    with ScimDirectory(
        reach.url,
        reach.token.content,
        asked.mapping,
        asked.unique_identifier,
        domain=asked.domain,
        addresses_of=reach.door(),
        patience=READING_PATIENCE,
    ) as directory:
        return directory.users(asked.names)
