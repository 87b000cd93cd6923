"""The same company as the engine sees it: a situation to plan from, with both sides in memory."""

from datetime import UTC, datetime

import pyarrow as pa

from benchmarks.people import ATTRIBUTES, FED, FEEDS, Feed, Nights, fields
from provisioning.engine.columns import Catalogue, column_names, resolve_all
from provisioning.engine.situation import Situation
from provisioning.model import Attribute, AttributeType, Domain, Field, Settings, Snapshot, Users
from provisioning.source.metadata import decode_metadata
from provisioning.source.people import decode_people

NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
TYPES = {"date": AttributeType.DATE, "number": AttributeType.NUMBER, "employee": AttributeType.USER}


def attribute(feed: Feed) -> Attribute:
    return Attribute(feed.attribute, feed.data_feed_name, TYPES.get(feed.type, AttributeType.TEXT))


MAPPING = tuple(attribute(feed) for feed in FED)


def asked() -> list[Field]:
    """What a preview asks HiBob for."""
    known = {each.id: each for each in decode_metadata(fields())}
    return [known[feed.field] for feed in FEEDS]


def users_of(table: pa.Table) -> Users:
    """Live, linked users with these values."""
    rows = table.num_rows
    return Users(
        pa.array([f"U{number:08d}" for number in range(1, rows + 1)], pa.string()),
        table["key"].combine_chunks(),
        pa.array(["Live"] * rows, pa.string()),
        {name: table[name].combine_chunks() for name in ATTRIBUTES},
    )


def situation(nights: Nights, employees: Snapshot | None = None) -> Situation:
    catalogue = Catalogue(asked())
    settings = Settings(connection="HiBob", unique_identifier="Employee ID")
    return Situation(
        domain=Domain(1, 1, "Acme", "staff", MAPPING, 1, "admin@acme.example", settings, 1),
        columns=resolve_all(catalogue, column_names(MAPPING, ())),
        employees=employees or decode_people(nights.bytes(), asked(), NOW),
        users=users_of(nights.table("before")),
        now=NOW,
    )
