"""Making plans: both sides are read, compared, and the difference is stored frozen."""

from collections.abc import Collection
from datetime import timedelta
from io import BytesIO
from typing import BinaryIO

from provisioning.bulk import collector_off
from provisioning.engine.columns import Catalogue, column_names, resolve_all
from provisioning.engine.plan import make_plan
from provisioning.engine.situation import Situation
from provisioning.engine.transforms import fold
from provisioning.errors import SettingsError
from provisioning.model import (
    PLAN_LIFETIME,
    Approval,
    Decision,
    Decisions,
    Domain,
    Field,
    Plan,
    PlanStatus,
    Run,
    Snapshot,
    Status,
    Users,
)
from provisioning.store import customers, history, plans, runs, snapshots
from provisioning.store.leases import lease
from provisioning.store.plans import DecisionKind, PersonDecision
from provisioning.store.workbooks import keep_workbook
from provisioning.workflow.directories import (
    identifiers_elsewhere,
    known_directory,
    live_users,
    read_users,
    with_names_elsewhere,
)
from provisioning.workflow.house import (
    PREPARERS,
    READERS,
    Say,
    Waiting,
    Workspace,
    quiet,
    record_event,
    require,
    seen_domain,
    with_us,
)
from provisioning.workflow.reading import Read, connection_of, other_domains, read_hibob
from provisioning.workflow.values import note_values

SEVEN_DAYS = timedelta(days=7)


def preview(house: Workspace, label: str, waiting: Waiting = quiet, say: Say = quiet) -> Plan:
    """Read both sides, make a plan and store it. Waits while somebody else works on the domain; `say` hears each
    step."""
    domain = seen_domain(house, label, "make a preview", PREPARERS)
    with lease(house.db, domain.id, "preview", waiting):
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
            f"Domain {domain.label} has no unique identifier that a HiBob column feeds. Set `unique_identifier` to an "
            "attribute with a `data_feed_name`."
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


def decisions_of(house: Workspace, domain: Domain) -> Decisions:
    """The decisions in force. A test account counts only while it is live; whoever was to be moved to a domain that is
    gone stays, for moving archives nobody."""
    made = plans.decisions_made(house.db, domain.id)
    homes = {each.name for each in customers.domains(house.db, domain.customer_id)}

    def of(kind: DecisionKind) -> list[PersonDecision]:
        return [each for each in made if each.kind is kind]

    return Decisions(
        protected=frozenset(
            [
                *(each.key for each in of(DecisionKind.PROTECT)),
                *(each.key for each in of(DecisionKind.MOVE) if each.other not in homes),
            ]
        ),
        same={each.key: each.other for each in of(DecisionKind.SAME)},
        not_same=frozenset((each.key, each.other) for each in of(DecisionKind.NOT_SAME)),
        moves={each.key: each.other for each in of(DecisionKind.MOVE) if each.other in homes},
        confirmed=frozenset(each.key for each in of(DecisionKind.TEST_ACCOUNT) if _is_live(house, domain, each.other)),
    )


def _is_live(house: Workspace, domain: Domain, account: str) -> bool:
    name, _, email = account.partition("/")
    found = [each for each in customers.domains(house.db, domain.customer_id) if each.name == name]
    return bool(found) and live_account(house, found[0], email) is Status.LIVE


def live_account(house: Workspace, domain: Domain, email: str) -> Status | None:
    """The status of a domain's user with this e-mail in any spelling, as last read; a live one first; None when there is
    none."""
    wanted = fold(email)
    found = {
        Status(status)
        for _, _, status, attributes in known_directory(house, domain).everybody()
        if wanted and any(fold(value) == wanted for value in attributes.values())
    }
    return Status.LIVE if Status.LIVE in found else next(iter(found), None)


def store_plan(
    house: Workspace, situation: Situation, decision: Decision, undo_of: str | None = None, *, farewell: bool = False
) -> Plan:
    """Store what was decided as a plan of the situation's domain."""
    domain, read_at = situation.domain, situation.employees.evidence.read_at
    with house.db.transaction():
        # Not before the last run, though the clock was set back: it would count as overtaken by that run.
        made_at = max(situation.now, runs.last_moment(house.db, domain.id) or situation.now)
        plan_id = plans.save_plan(house.db, domain, decision, house.actor.noted, made_at, read_at, undo_of, farewell)
        if decision.status is PlanStatus.EMPTY:
            plans.take_baseline(house.db, plan_id)
        plans.drop_old_baselines(house.db, domain.id, situation.now - PLAN_LIFETIME)
        blocks = [each.code for each in decision.blocks]
        record_event(
            house, "plan made", domain, plan=plan_id, digest=decision.digest, status=decision.status.value,
            counts=dict(decision.counts), blocks=blocks, undo_of=undo_of, **({"farewell": True} if farewell else {}),
        )  # fmt: skip
    return plans.get_plan(house.db, plan_id)


def show_plan(house: Workspace, plan_id: str) -> Plan:
    plan = plans.get_plan(house.db, plan_id)
    require(house, domain_of(house, plan).customer_id, READERS, "see this plan")
    return plan


def domain_of(house: Workspace, plan: Plan) -> Domain:
    return customers.domain_by_id(house.db, plan.domain_id)


def build_workbook(house: Workspace, plan_id: str) -> None:
    """Build a new plan's workbook before anybody asks for it, so that nobody waits. Nobody is handed it by that."""
    plan, file = plans.get_plan(house.db, plan_id), BytesIO()
    require(house, domain_of(house, plan).customer_id, PREPARERS, "build the workbook")
    write_workbook(plan, file, (), history.head(house.db))
    keep_workbook(house.snapshots, plan.domain_id, plan.id, file.getvalue())


def write_workbook(
    plan: Plan,
    file: BinaryIO,
    left_out: Collection[str],
    head: str,
    approval: Approval | None = None,
    run: Run | None = None,
    lapsed: str = "",
) -> None:
    """openpyxl takes a tenth of a page's start, and few pages write one."""
    from provisioning.report import workbook

    workbook.write_workbook(plan, file, left_out, head, approval, run, lapsed)


def plan_seen(house: Workspace, plan_id: str) -> Plan:
    """A plan without its people: they are asked for page by page."""
    plan = plans.plan_head(house.db, plan_id)
    require(house, domain_of(house, plan).customer_id, READERS, "see this plan")
    return plan


def approval_of(house: Workspace, plan_id: str) -> Approval | None:
    return plans.get_approval(house.db, plan_seen(house, plan_id).id)


def run_of(house: Workspace, plan_id: str) -> Run | None:
    """The plan's latest run."""
    return runs.latest_run(house.db, plan_seen(house, plan_id).id)
