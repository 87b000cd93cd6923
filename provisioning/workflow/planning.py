"""Making plans: both sides are read, compared, and the difference is stored frozen."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.bulk import collector_off
from provisioning.engine.columns import Catalogue, column_names, resolve_all
from provisioning.engine.plan import make_plan
from provisioning.engine.situation import Situation
from provisioning.engine.texts import blank, is_filled, whole
from provisioning.errors import NotFound, SettingsError
from provisioning.model import (
    PLAN_LIFETIME,
    AttributeType,
    Change,
    Decision,
    Domain,
    Field,
    Legend,
    Plan,
    PlanStatus,
    Snapshot,
    Users,
)
from provisioning.store import customers, plans, runs, snapshots
from provisioning.store.leases import lease
from provisioning.workflow.connections import connection_of
from provisioning.workflow.decided import decisions_of
from provisioning.workflow.directories import known_users, live_users, read_users, same_system
from provisioning.workflow.house import (
    PREPARERS,
    Say,
    Waiting,
    Workspace,
    failure_recorded,
    quiet,
    record_event,
    seen_domain,
    with_us,
)
from provisioning.workflow.reading import Read, other_domains, read_hibob
from provisioning.workflow.reviewing import reference_names
from provisioning.workflow.values import note_values

SEVEN_DAYS = timedelta(days=7)


def preview(house: Workspace, label: str, waiting: Waiting = quiet, say: Say = quiet) -> Plan:
    """Read both sides, make a plan and store it. Waits while somebody else works on the domain; `say` hears each
    step."""
    domain = seen_domain(house, label, "make a preview", PREPARERS)
    with lease(house.db, domain.id, "preview", waiting), failure_recorded(house, domain, "plan failed"):
        domain = with_us(customers.domain_by_id(house.db, domain.id))
        say("Reading HiBob and the directory")
        read, users = _both_sides(house, domain)
        situation = situation_of(house, domain, read, users)
        say(f"Comparing {situation.employees.table.num_rows:,} employees with {len(situation.users):,} users")
        decision = house.hands.do(f"plan-{domain.id}", planned, situation)
        say("Storing the preview")
        snapshots.save_snapshots(house.snapshots, domain.id, situation.employees, situation.users)
        note_values(house, domain, read.employees, tuple(read.catalogue.fields.values()))
        return store_plan(house, situation, decision)


@collector_off()
def planned(situation: Situation) -> Decision:
    """What hands do: the collector is off where the work is done, and nowhere for as long as somebody waits for it."""
    return make_plan(situation)


def _both_sides(house: Workspace, domain: Domain) -> tuple[Read, Users]:
    identifier = domain.settings.unique_identifier
    fed = {each.name for each in domain.attributes if each.data_feed_name}
    if not fed or identifier not in fed:
        raise SettingsError(
            f"Domain {domain.label} has no unique identifier that a HiBob column feeds. Tick Unique on the page Mapping, for an "
            "attribute with a data feed name (`unique_identifier` in a set-up file)."
        )
    return read_hibob(house, domain), users_of(house, domain)


def users_of(house: Workspace, domain: Domain, also: Collection[str] = ()) -> Users:
    """The directory with all that the engine looks at: what HiBob feeds, and what protects people."""
    fed = {each.name for each in domain.attributes if each.data_feed_name}
    ruled = {each.attribute for each in domain.settings.protected if each.attribute}
    return read_users(house, domain, sorted({*fed, *ruled, *also}))


def situation_of(house: Workspace, domain: Domain, read: Read, users: Users) -> Situation:
    """Both sides with everything else that a plan depends on."""
    customer = customers.get_customer(house.db, domain.customer)
    elsewhere = [each for each in customers.domains(house.db, domain.customer_id) if each.id != domain.id]
    emails = customers.in_charge(house.db, domain.customer_id)
    now, managers = house.clock(), identifiers_elsewhere(house, domain)
    return Situation(
        domain=domain,
        columns=read.columns,
        employees=read.employees,
        users=with_names_elsewhere(domain, users, managers),
        now=now,
        baseline=plans.get_baseline(house.db, domain.id),
        absences=plans.get_absences(house.db, domain.id),
        archived_7_days=runs.archived_since(house.db, domain.id, now - SEVEN_DAYS),
        live_elsewhere=sum(live_users(house, each) for each in elsewhere),
        seats=customer.seats,
        price_per_user=customer.price_per_user,
        currency=customer.currency,
        members=tuple(sorted({*emails, house.actor.email or ""} - {""})),
        decisions=decisions_of(house, domain),
        others=read.others,
        elsewhere=managers.identifiers,
    )


def kept_sides(house: Workspace, domain: Domain) -> tuple[Read, Users]:
    """Both sides as they were last read for a plan, without reading anything anew. Raises `NotFound` before that."""
    employees, users = snapshots.load_snapshots(house.snapshots, domain.id)
    return kept_read(house, domain, employees), users


def kept_read(house: Workspace, domain: Domain, employees: Snapshot) -> Read:
    """A kept snapshot with the columns that its domain's mapping and scopes name."""
    connection = connection_of(house, domain)
    cached = customers.metadata(house.db, connection.id)
    fields = cached[0] if cached else ()
    if employees.evidence.from_report:
        # A report's columns are known by their titles, before any field of the same name; one that is a field of HiBob's
        # keeps that field's name, by which the mapping may mean it.
        by_id = {each.id: each for each in fields}
        read = [each.field for each in employees.evidence.columns]
        titles = [by_id.get(title) or Field(title, title, json_path=title) for title in read]
        fields = (*titles, *(each for each in fields if each.id not in read))
    catalogue = Catalogue(fields)
    columns = resolve_all(catalogue, column_names(domain.attributes, domain.settings.scope))
    others = other_domains(house, domain, connection, catalogue)
    for other in others:
        columns |= resolve_all(catalogue, [rule.column for rule in other.scope])
    return Read(columns, others, employees, catalogue, employees.evidence.read_at)


def store_plan(
    house: Workspace, situation: Situation, decision: Decision, undo_of: str | None = None, *, farewell: bool = False
) -> Plan:
    """Store what was decided as a plan of the situation's domain."""
    domain, read_at = situation.domain, situation.employees.evidence.read_at
    with house.db.transaction():
        # Not before the last run, though the clock was set back: it would count as overtaken by that run.
        made_at = max(situation.now, runs.last_moment(house.db, domain.id) or situation.now)
        plan_id = plans.save_plan(house.db, domain, decision, house.actor.noted, made_at, read_at, undo_of, farewell)
        plans.save_legend(house.db, plan_id, _legend(house, domain, plan_id, decision.changes))
        if decision.status is PlanStatus.EMPTY:
            plans.take_baseline(house.db, plan_id)
        plans.drop_old_baselines(house.db, domain.id, situation.now - PLAN_LIFETIME)
        blocks = [each.code for each in decision.blocks]
        record_event(
            house, "plan made", domain, plan=plan_id, digest=decision.digest, status=decision.status.value,
            counts=dict(decision.counts), blocks=blocks, undo_of=undo_of, **({"farewell": True} if farewell else {}),
        )  # fmt: skip
    return plans.get_plan(house.db, plan_id)


def _legend(house: Workspace, domain: Domain, plan_id: str, changes: Sequence[Change]) -> Legend:
    """Kept with the plan, for its workbook comes back when names may be others."""
    fed = [each for each in domain.attributes if each.data_feed_name]
    dates, references = (
        tuple(each.name for each in fed if each.type is wanted) for wanted in (AttributeType.DATE, AttributeType.USER)
    )
    meant = {
        (name, value)
        for change in changes
        for values in (change.seen.attributes if change.seen else {}, change.before, change.after)
        for name in references
        if (value := values.get(name))
    }
    called = reference_names(house, plan_id, sorted(meant))
    return Legend(dates, references, {value: name for (_, value), name in sorted(called.items())})


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Users of a customer's other domains who have a unique identifier, a row each; every id once."""

    ids: pa.Array
    identifiers: pa.Array


def identifiers_elsewhere(house: Workspace, domain: Domain) -> Elsewhere:
    """The users of the customer's other domains in the same directory as they were read last: they may be managers of this
    one's."""
    ids, identifiers = [blank(0)], [blank(0)]
    if any(each.type is AttributeType.USER and each.data_feed_name for each in domain.attributes):
        for other in customers.domains(house.db, domain.customer_id):
            name = other.settings.unique_identifier
            if other.id == domain.id or not name or not same_system(domain, other):
                continue
            with suppress(NotFound):
                users = known_users(house, other, [name])
                if name in users.attributes:
                    ids.append(whole(users.ids))
                    identifiers.append(whole(users.attributes[name]))
    return _last_of_each(pa.concat_arrays(ids), pa.concat_arrays(identifiers))


def with_names_elsewhere(domain: Domain, users: Users, elsewhere: Elsewhere) -> Users:
    """A portal refers to managers by id: those of other domains get their unique identifier too, as those of this one
    have it."""
    if domain.settings.scim is None or not len(elsewhere.ids):
        return users
    references = {each.name for each in domain.attributes if each.type is AttributeType.USER}
    named = {
        name: pc.coalesce(elsewhere.identifiers.take(pc.index_in(column, elsewhere.ids)), column)
        if name in references
        else column
        for name, column in users.attributes.items()
    }
    return replace(users, attributes=named)


def _last_of_each(ids: pa.Array, identifiers: pa.Array) -> Elsewhere:
    """Who is in two domains, because they were read at different times, is known as in the last of them."""
    encoded = ids.dictionary_encode()
    rows = np.zeros(len(encoded.dictionary), dtype=np.int64)
    rows[encoded.indices.to_numpy()] = np.arange(len(ids))
    last = identifiers.take(pa.array(rows))
    filled = pa.array(is_filled(last))
    return Elsewhere(encoded.dictionary.filter(filled), last.filter(filled))
