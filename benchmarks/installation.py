"""A whole installation with the invented company in it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.people import FED
from benchmarks.situation import NOW, attribute
from provisioning.model import Actor
from provisioning.target.local_rows import identify
from provisioning.workflow.house import Workspace
from provisioning.workflow.setting_up import set_up

LABEL = "Acme/staff"
TOKEN = "opens-nothing"  # noqa: S105
ALLOWED = {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1", "ROLLCALL_REREAD_MINUTES": "100000", "BENCH_TOKEN": TOKEN}


def installation(data: Path, hibob_url: str) -> Workspace:
    """A new data folder with one customer and one domain, whose users are in the local directory."""
    house = Workspace(data, ALLOWED, Actor("operator:bench"), lambda: NOW)
    set_up(house, setup_text(hibob_url))
    return house


def setup_text(hibob_url: str, target: str = '"local"') -> str:
    """The set-up file of such a customer."""
    attributes = "".join(
        f'  [[domains.attributes]]\n  name = "{feed.attribute}"\n  data_feed_name = "{feed.data_feed_name}"\n'
        f'  type = "{attribute(feed).type}"\n'
        for feed in FED
    )
    return (
        '[customer]\nname = "Acme"\n[[members]]\nemail = "admin@acme.example"\nrole = "admin"\n'
        f'[[connections]]\nname = "HiBob"\ntype = "hibob"\nbase_url = "{hibob_url}"\nid = "SERVICE-1"\n'
        f'token = {{ env = "BENCH_TOKEN" }}\n[[domains]]\nname = "staff"\nconnection = "HiBob"\n'
        f'unique_identifier = "Employee ID"\ntarget = {target}\n{attributes}'
    )


def fill(house: Workspace, rows: Iterator[tuple[str, ...]], names: list[str]) -> None:
    """Users in the local directory, live and linked, and known by their unique identifier, as after a run."""
    house.db.connection.execute("BEGIN")
    house.db.many(
        "INSERT INTO users (domain_id, external_id, status, attributes) VALUES (1, ?, 'Live', ?)",
        ((row[0], _json(dict(zip(names[1:], row[1:], strict=True)))) for row in rows),
    )
    identify(house.db, 1, "Employee ID")
    house.db.connection.execute("COMMIT")


def _json(values: dict[str, str]) -> str:
    filled = {name: value for name, value in values.items() if value}
    return msgspec.json.encode(filled, order="deterministic").decode()
