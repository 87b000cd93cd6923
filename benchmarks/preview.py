"""A preview from end to end: HiBob on loopback to the stored plan. Once as a first read, and once as on a normal night:
the same fields and mapping as the night before, of which both sides are kept."""

import shutil
import sqlite3
import tempfile
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec

from benchmarks.decode import answer_type
from benchmarks.hibob import hibob
from benchmarks.installation import LABEL, fill, installation
from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import ATTRIBUTES, FED, MANAGER, Nights
from provisioning.model import Plan
from provisioning.workflow import planning
from provisioning.workflow.house import Workspace

SERVERS = ExitStack()
"""Closed when the process ends."""


def first_read(nights: Nights) -> Timed:
    house = house_with_users(nights, SERVERS.enter_context(hibob(nights)))

    def forget() -> None:
        shutil.rmtree(house.snapshots, ignore_errors=True)

    return Timed(lambda: planning.preview(house, LABEL), _proof, forget)


def normal_night(nights: Nights) -> Timed:
    """Last night's read and users are kept; tonight's are other bytes, and one user in thirteen was written since."""
    before, now = (SERVERS.enter_context(hibob(nights, night)) for night in ("before", "now"))
    house = house_with_users(nights, before)

    def night_before() -> None:
        _point(house, before)
        planning.preview(house, LABEL)
        house.db.execute("UPDATE users SET mark = random() WHERE id % 13 = 0")
        _point(house, now)

    return Timed(lambda: planning.preview(house, LABEL), _proof, night_before)


def house_with_users(nights: Nights, url: str) -> Workspace:
    house = installation(Path(tempfile.mkdtemp(dir=nights.folder)), url)
    fill(house, nights.rows("before"), nights.table("before").column_names)
    return house


def _point(house: Workspace, url: str) -> None:
    house.db.execute("UPDATE connections SET base_url = ?", url)


def _proof(plan: Plan) -> None:
    """The others know no lifecycle and hold nobody: their numbers are near this plan's, not the same."""
    assert plan.counts["add"] > 0


# --- the others ---------------------------------------------------------------------------------------------


def floor(nights: Nights) -> Timed:
    """Nothing but the transfer, a typed decode, the users read and as many plan rows written."""
    url, house = SERVERS.enter_context(hibob(nights)), None
    house = house_with_users(nights, url)
    decode = msgspec.json.Decoder(answer_type()).decode
    plan = planning.preview(house, LABEL)
    rows = house.db.connection.execute("SELECT * FROM changes WHERE plan_id = ?", (plan.id,)).fetchall()
    copies = [(f"{row['plan_id']}-copy", *tuple(row)[1:]) for row in rows]
    marks = ", ".join("?" * len(copies[0]))

    def run() -> None:
        answer = httpx.post(f"{url}/people/search", json={}, timeout=60, trust_env=False)
        decode(answer.content)
        house.db.connection.execute("SELECT * FROM users").fetchall()
        house.db.execute("CREATE TABLE IF NOT EXISTS copies AS SELECT * FROM changes WHERE 0")
        house.db.execute("BEGIN IMMEDIATE")
        house.db.many(f"INSERT INTO copies VALUES ({marks})", copies)
        house.db.execute("COMMIT")

    return Timed(run)


def pandas(nights: Nights) -> Timed:
    """As one would write it: `.json()`, data frames, `read_sql`, merge, `to_sql`."""
    import pandas as pd

    url = SERVERS.enter_context(hibob(nights))
    house = house_with_users(nights, url)
    path = house.db.path
    columns = {f"/{f.field.replace('.', '/')}.value": f.attribute for f in FED if not f.labels}
    columns |= {
        f"humanReadable.{f.data_feed_name.removeprefix('humanReadable.').removeprefix('root.')}": f.attribute
        for f in FED
        if f.labels
    }

    def run() -> int:
        employees = httpx.post(f"{url}/people/search", json={}, timeout=120, trust_env=False).json()["employees"]
        new = pd.json_normalize(employees).rename(columns={**columns, "id": "key"})[["key", *ATTRIBUTES]]
        new = new.fillna("").astype(str).apply(lambda column: column.str.normalize("NFC").str.strip())
        new[MANAGER] = new[MANAGER].map(new.set_index("key")["Employee ID"]).fillna("")
        with sqlite3.connect(path) as connection:
            users = pd.read_sql("SELECT external_id AS key, attributes FROM users", connection)
            old = pd.json_normalize(users.pop("attributes").map(msgspec.json.decode).tolist()).fillna("")
            both = pd.concat([users, old], axis=1).merge(
                new, on="key", how="outer", suffixes=("_old", "_new"), indicator=True
            )
            differs = both["_merge"] != "both"
            for name in ATTRIBUTES:
                differs |= both[f"{name}_old"] != both[f"{name}_new"]
            both[differs].to_sql("pandas_plan", connection, if_exists="replace")
        joined = both[both["_merge"] == "right_only"]
        return len(joined)

    return Timed(run)


STEPS = (
    Step(
        "preview end to end, first read",
        first_read,
        (
            Peer("transfer + typed decode + users + rows (floor)", floor, time=2),
            Peer(".json(), pandas, read_sql, merge", pandas, time=1 / 6),
        ),
    ),
    Step(
        "preview end to end, a normal night",
        normal_night,
        (Peer(".json(), pandas, read_sql, merge", pandas, time=1 / 12),),
    ),
)
