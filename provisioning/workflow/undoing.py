"""Undo: a new plan that takes the people of a run back, from the values recorded before it. HiBob is not read."""

from collections.abc import Sequence

import pyarrow as pa

from provisioning.engine.undo import Done, make_undo
from provisioning.errors import NotFound, Refused
from provisioning.model import (
    RESERVED_NAMES,
    Action,
    Change,
    Domain,
    Evidence,
    Plan,
    Result,
    Run,
    RunStatus,
    Seen,
    Snapshot,
    Status,
    Users,
)
from provisioning.store import customers, plans, runs, snapshots
from provisioning.store.leases import lease
from provisioning.workflow.directories import read_users
from provisioning.workflow.house import (
    PREPARERS,
    Waiting,
    Workspace,
    failure_recorded,
    quiet,
    record_event,
    require,
    with_us,
)
from provisioning.workflow.planning import kept_read, situation_of, store_plan, users_of
from provisioning.workflow.stored_plans import can_go_on


def undo(house: Workspace, run_id: str, waiting: Waiting = quiet) -> Plan:
    """Plan the way back from a run, and let the domain's schedule rest. Raises `Refused` when there is nothing to undo."""
    run = runs.get_run(house.db, run_id)
    domain = customers.domain_by_id(house.db, run.domain_id)
    require(house, domain.customer_id, PREPARERS, "undo a run")
    with (
        lease(house.db, domain.id, f"undo {run_id}", waiting),
        failure_recorded(house, domain, "plan failed", run=run_id, undo_of=run_id),
    ):
        run = runs.get_run(house.db, run_id)
        domain = with_us(customers.domain_by_id(house.db, run.domain_id))
        # We hold the domain: a run that is still said to be running was interrupted.
        if run.status is RunStatus.RUNNING and can_go_on(house, run, domain):
            raise Refused(f"Run {run.id} was interrupted. Resume it first (`process {run.plan_id}`), then undo it.")
        with house.db.transaction():
            plan = plan_back(house, run, domain)
            if customers.pause(
                house.db, domain.id, f"Rollcall was asked to take back the run of {run.started_at:%Y-%m-%d %H:%M} UTC."
            ):
                record_event(house, "schedule paused", domain, run=run.id, reason="undo")
        return plan


def plan_back(house: Workspace, run: Run, domain: Domain) -> Plan:
    """The way back from a run as things are now, stored as a plan. Whoever calls holds the domain."""
    changes = _done_by(house, run)
    if not changes:
        raise Refused(f"Run {run.id} changed nobody; there is nothing to undo.")
    users = users_of(house, domain, _attributes(changes))
    situation = situation_of(house, domain, kept_read(house, domain, kept_or_none(house, domain)), users)
    decision = make_undo(situation, run.started_at, _as_they_are(house, domain, situation.users, changes))
    return store_plan(house, situation, decision, undo_of=run.id)


def _done_by(house: Workspace, run: Run) -> list[tuple[Change, ...]]:
    """What the run did, person by person, in its order."""
    done = {(each.key, each.action) for each in run.outcomes if each.result is Result.DONE}
    people: dict[str, list[Change]] = {}
    for change in plans.get_plan(house.db, run.plan_id).changes:
        if (change.key, change.action) in done:
            people.setdefault(change.key, []).append(change)
    return [tuple(changes) for changes in people.values()]


def _attributes(people: Sequence[tuple[Change, ...]]) -> set[str]:
    """Every attribute that the run saw or wrote, though the mapping may have changed since."""
    changes = [each for changes in people for each in changes]
    seen = {name for each in changes if each.seen for name in each.seen.attributes}
    return seen | {name for each in changes for name in each.after} - set(RESERVED_NAMES)


def kept_or_none(house: Workspace, domain: Domain) -> Snapshot:
    """HiBob as it was read last, to tell who the members are; an empty one where none is kept."""
    try:
        return snapshots.load_snapshots(house.snapshots, domain.id)[0]
    except NotFound:
        empty = Evidence(house.clock(), 0, 0, ())
        return Snapshot(pa.table({}), empty)


def _as_they_are(house: Workspace, domain: Domain, users: Users, people: Sequence[tuple[Change, ...]]) -> list[Done]:
    here, names = _Directory(users, domain.name), list(users.attributes)
    homes = {name: _elsewhere(house, domain, name, names) for name in sorted(filter(None, map(_home, people)))}
    found = []
    for changes in people:
        first, home = changes[0], homes.get(_home(changes) or "")
        place = home if home and first.user_id in home.rows else here
        row = place.linked.get(first.key) if first.action is Action.ADD else place.rows.get(first.user_id or "")
        user_id, now = place.user(row) if row is not None else (None, None)
        found.append(Done(changes, user_id, now, place.name))
    return found


def _home(changes: Sequence[Change]) -> str | None:
    """The domain that somebody was moved to."""
    return next((each.after["domain"] for each in changes if each.action is Action.MOVE), None)


def _elsewhere(house: Workspace, domain: Domain, name: str, attributes: Sequence[str]) -> "_Directory | None":
    """The users of another domain, with the attributes of the one that they came from; None when it is gone."""
    other = next((each for each in customers.domains(house.db, domain.customer_id) if each.name == name), None)
    return _Directory(read_users(house, other, attributes), name) if other else None


class _Directory:
    """One domain's users, to be found by id or by link."""

    def __init__(self, users: Users, name: str) -> None:
        self.users, self.name = users, name
        self.rows = {user: row for row, user in enumerate(users.ids.to_pylist())}
        self.linked = {link: row for row, link in enumerate(users.external_ids.to_pylist()) if link}

    def user(self, row: int) -> tuple[str, Seen]:
        users = self.users
        values = {name: column[row].as_py() for name, column in users.attributes.items()}
        return users.ids[row].as_py(), Seen(
            Status(users.statuses[row].as_py()), users.external_ids[row].as_py(), values
        )
