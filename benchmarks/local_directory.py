"""Processing an approved plan into the local directory, journal and all. The floor is the same rows, of users and of
outcomes, into the same tables by `executemany`; sqlite-utils' `upsert_all` is how one would write it without thinking.
All start from the users as they were before, and are as durable: one file, its write-ahead log, `synchronous = FULL`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.hibob import hibob
from benchmarks.installation import LABEL
from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import Nights
from benchmarks.preview import SERVERS, house_with_users
from provisioning.model import Actor
from provisioning.store import runs
from provisioning.workflow import approving, planning, processing
from provisioning.workflow.house import Workspace, acting_as

ADMIN = Actor("admin@acme.example", "admin@acme.example")


def rollcall(nights: Nights) -> Timed:
    """Each run processes a fresh preview of the same users: what the run before wrote is taken back."""
    house = house_with_users(nights, SERVERS.enter_context(hibob(nights)))
    back = _way_back(house)
    approved: list[str] = []

    def before() -> None:
        back()
        plan = planning.preview(house, LABEL)
        approving.approve(acting_as(house, ADMIN), plan.id)
        approved.append(plan.id)

    return Timed(lambda: processing.process(house, approved[-1]), lambda run: run.counts["done"], before)


def _way_back(house: Workspace) -> Callable[[], None]:
    """What makes the users those of now again."""
    house.db.execute("CREATE TABLE users_before AS SELECT * FROM users")

    def back() -> None:
        with house.db.transaction():
            house.db.execute("DELETE FROM users")
            house.db.execute("INSERT INTO users SELECT * FROM users_before")
        house.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    return back


@dataclass
class _Peers:
    """The rows that such a run writes, and a house with the users before it to write them into."""

    house: Workspace
    users: list[Mapping[str, str | int | None]]
    outcomes: list[dict[str, str | int | None]]
    back: Callable[[], None]
    plan_id: str

    def before(self) -> None:
        """Another run, without outcomes as yet."""
        self.back()
        run = runs.start_run(self.house.db, self.plan_id, 1, ADMIN.name, self.house.clock())
        for each in self.outcomes:
            each["run_id"] = run.id


def _peers(nights: Nights) -> _Peers:
    house = house_with_users(nights, SERVERS.enter_context(hibob(nights)))
    back = _way_back(house)
    plan = planning.preview(house, LABEL)
    approving.approve(acting_as(house, ADMIN), plan.id)
    run = processing.process(house, plan.id)
    written = house.db.all("SELECT * FROM users EXCEPT SELECT * FROM users_before")
    outcomes = house.db.all("SELECT * FROM outcomes WHERE run_id = ? ORDER BY seq", run.id)
    return _Peers(house, [dict(each) for each in written], [dict(each) for each in outcomes], back, plan.id)


def executemany(nights: Nights) -> Timed:
    peers = _peers(nights)
    db = peers.house.db

    def run() -> int:
        with db.transaction():
            db.many(
                "INSERT OR REPLACE INTO users (id, domain_id, external_id, status, attributes, identifier, mark) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (tuple(each.values()) for each in peers.users),
            )
            db.many(
                "INSERT INTO outcomes (run_id, seq, key, action, result, message, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (tuple(each.values()) for each in peers.outcomes),
            )
        return len(peers.outcomes)

    return Timed(run, int, peers.before)


def upsert_all(nights: Nights) -> Timed:
    peers = _peers(nights)
    db = peers.house.db.utils

    def run() -> int:
        db["users"].upsert_all(peers.users, pk="id")
        db["outcomes"].upsert_all(peers.outcomes, pk=("run_id", "seq"))
        return len(peers.outcomes)

    return Timed(run, int, peers.before)


STEP = Step(
    "processing into the local directory, journal included",
    rollcall,
    (Peer("executemany (floor)", executemany, time=3), Peer("sqlite-utils upsert_all", upsert_all, time=1 / 2)),
)
