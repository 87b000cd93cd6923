"""All customers at once, for CSMs: where each stands and what needs somebody. Counts only, no person's data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from provisioning import setup_file
from provisioning.errors import RoleMissing, SettingsError
from provisioning.model import Customer, Domain, PlanStatus, Role, RunStatus
from provisioning.report.headline import in_numbers
from provisioning.setup_file import ScheduleTable
from provisioning.store import customers, jobs, overview, schedules
from provisioning.store.jobs import JobKind
from provisioning.store.leases import held
from provisioning.workflow.asking import about_credentials
from provisioning.workflow.checked import Check
from provisioning.workflow.directories import live_users
from provisioning.workflow.house import PREPARERS, READERS, Workspace, require, seen_customer, seen_domain
from provisioning.workflow.looking import PlanState, over_seats, proposed_anew
from provisioning.workflow.resting import facts_of_all
from provisioning.workflow.scheduling import ScheduleSeen, Standing, stands
from provisioning.workflow.setting_up import set_up
from provisioning.workflow.stages import Facts, Station, live_people_read, needed, next_station, stations
from provisioning.workflow.stored_plans import LEFT_OUT, why_lapsed


@dataclass(frozen=True, slots=True)
class Need:
    """Why a domain needs somebody: `about` says what kind, `why` is the sentence. `told`: of a plan that waits, who joins and
    leaves in numbers, and whether it is safe; `plan`: which one it is about; `page`: where the next step of the set-up is."""

    about: str
    why: str
    told: str = ""
    plan: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class DomainOverview:
    """One domain, or a customer without any (`domain` ""). `next_step` is "" when the set-up is done, and on `next_page`; `tested` None:
    never; `read_at`: when its connection was read last, for whichever domain; `plan_id`: the newest plan; `waiting_since`: since when that waits for a person's
    approval; `approved`: one that may be processed now, and that nobody has begun; `changed`: whoever looks means to leave
    out others than that approval does; `over`: how many more live users than seats there are, or will be once what waits is
    processed."""

    customer: str
    domain: str
    done: int
    steps: int
    next_step: str
    tested: bool | None
    read_at: datetime | None
    run: overview.LastRun | None
    schedule: Standing
    plan_id: str | None
    waiting_since: datetime | None
    live: int
    seats: int | None
    needs: tuple[Need, ...]
    approved: overview.Approved | None = None
    changed: bool = False
    over: int = 0
    next_page: str = ""

    @property
    def label(self) -> str:
        return f"{self.customer}/{self.domain}" if self.domain else self.customer


URGENCY = (
    "quarantine",
    "not-made",
    "not-processed",
    "failed",
    "paused",
    "stopped",
    "blocked",
    "approved",
    "again",
    "waiting",
    "test",
    "set-up",
    "seats",
)
"""What needs somebody, the most urgent first; seats warn, and hold nothing up."""


def is_csm(house: Workspace) -> bool:
    """Whether somebody manages customers: a CSM of any, or the operator."""
    email = house.actor.email
    if email is None:
        return True
    return any(Role.CSM in each for each in overview.roles_anywhere(house.db, email, house.clock()).values())


def customers_overview(house: Workspace) -> list[DomainOverview]:
    """Every domain of every customer that the actor may see, the most urgent first. Raises `RoleMissing` for whoever
    is no CSM."""
    return sorted(_Overview(house).rows(), key=_urgency)


def in_sight(house: Workspace) -> list[Customer]:
    """The customers that a CSM, or the operator, may see. Raises `RoleMissing` for others."""
    if not is_csm(house):
        raise RoleMissing("This page is for CSMs, who look after several customers. Your own is on the other pages.")
    found = [each for each in customers.customers(house.db) if each.left_at is None]
    if house.actor.email is None:
        return found
    roles = overview.roles_anywhere(house.db, house.actor.email, house.clock())
    return found if None in roles else [each for each in found if each.id in roles]


def roles_seen(house: Workspace, customer: str) -> list[overview.RoleHeld]:
    """Who has which role for a customer now, by e-mail: granted, or given by a group."""
    found = seen_customer(house, customer, "see who has which role")
    return overview.roles_held(house.db, found, house.clock())


def _urgency(each: DomainOverview) -> tuple[int, str, str]:
    first = URGENCY.index(each.needs[0].about) if each.needs else len(URGENCY)
    since = each.waiting_since.isoformat() if each.waiting_since else ""
    return first, since, each.label


class _Overview:
    """Everything that is read once for all customers."""

    def __init__(self, house: Workspace) -> None:
        self.house, db = house, house.db
        self.connections = overview.connections(db)
        self.checks = overview.last_checks(db)
        self.failures = overview.last_failures(db)
        self.plans = overview.last_plans(db)
        self.approved = overview.approved_plans(db)
        self.drafts = overview.left_out_drafts(db, house.actor.name, LEFT_OUT)
        self.not_done = overview.left_out_actions(db, house.actor.name, LEFT_OUT)
        self.runs = overview.last_runs(db)
        self.ran = overview.domains_run(db)
        self.held = held(db)
        self.local = overview.live_users(db)
        self.tables = overview.schedule_tables(db)
        self.states = overview.schedule_states(db)
        self.domains = customers.all_domains(db)
        self.facts = facts_of_all(house, self.domains)
        self.read_at = self._connections_read()

    def rows(self) -> list[DomainOverview]:
        domains: dict[int, list[Domain]] = {}
        for each in self.domains:
            domains.setdefault(each.customer_id, []).append(each)
        return [row for each in in_sight(self.house) for row in self._customer(each, domains.get(each.id, []))]

    def _customer(self, about: Customer, domains: Sequence[Domain]) -> list[DomainOverview]:
        if not domains:
            return [self._row(about, None, {}, 0)]
        live = {each.id: self._live(each) for each in domains}
        return [self._row(about, each, live, sum(live.values())) for each in domains]

    def _refused(self, domain: Domain | None, plan: overview.LastPlan | None) -> str:
        """As `refused_since` has it; of a test of the connection that says so itself."""
        failure = self.failures.get(domain.id) if domain else None
        if failure is None or failure[0] not in WORK or not about_credentials(failure[1]):
            return ""
        return "" if plan and plan.evidence and plan.read_at > failure[2] else failure[1]

    def _left_alone(self, domain: Domain, run: overview.LastRun | None) -> bool:
        """Whether its run was interrupted: nobody works on the domain, and no worker is going to."""
        if run is None or run.status is not RunStatus.RUNNING or domain.id in self.held:
            return False
        job = jobs.latest(self.house.db, domain.id, [JobKind.PROCESS, JobKind.RETRY])
        return job is None or not job.open

    def _live(self, domain: Domain) -> int:
        if domain.settings.scim is None:
            return self.local.get(domain.id, 0)
        return live_users(self.house, domain)

    def _row(self, about: Customer, domain: Domain | None, live: Mapping[int, int], in_all: int) -> DomainOverview:
        plan = self._without_left_out(self.plans.get(domain.id) if domain else None)
        check, why_not, at = self._check(domain)
        refused = self._refused(domain, plan)
        check, why_not = (None, refused) if refused else (check, why_not)
        read = live_people_read(domain, plan, at) if domain and not refused else None
        tested = True if read is not None else check.ok if check else False if why_not else None
        state, made_at = self._plan_state(domain, plan)
        approved = self._approved(domain) if domain else None
        changed = approved is not None and self.drafts.get(approved.id, {*approved.left_out}) != {*approved.left_out}
        schedule = self._schedule(domain) if domain else ScheduleSeen(about.name, Standing.NONE)
        run = self.runs.get(domain.id) if domain else None
        ran = domain is not None and domain.id in self.ran
        ready = self._ready(about, domain)
        facts = Facts(about, domain, ready, check, why_not, read, plan is not None, ran, schedule.standing)
        steps = needed(stations(facts))
        following = next_station(steps)
        waits = approved or (plan if state is PlanState.WAITING else None)
        comes = overview.more_live(waits.counts) if waits else 0
        over = max(in_all + max(comes, 0) - about.seats, 0) if about.seats is not None else 0
        urgent = [
            *_of_schedule(schedule),
            *_of_work(self.failures.get(domain.id) if domain else None, plan.made_at if plan else None, run),
            *_of_run(run, plan.made_at if plan else None, alone=domain is not None and self._left_alone(domain, run)),
            *_of_plan(state, plan, len(self.drafts.get(plan.id, ())) if plan else 0),
            *_of_approved(approved, changed),
            *(
                [Need("test", why_not or "The last test found what would block a preview.")]
                if tested is False and not refused
                else []
            ),
        ]
        needs = [
            *(urgent or _of_set_up(following)),
            *_of_seats(about, in_all, comes),
        ]
        return DomainOverview(
            about.name, domain.name if domain else "", sum(each.done for each in steps), len(steps), following.title if following else "", tested,
            self.read_at.get((about.id, self._reads_through(domain))) if domain else None, run, schedule.standing, plan.id if plan else None,
            self._waiting_since(domain, plan, made_at) if state is PlanState.WAITING else None, live.get(domain.id, 0) if domain else 0, about.seats,
            tuple(sorted(needs, key=lambda each: URGENCY.index(each.about))), approved, changed, over,
            following.page if following else "",
        )  # fmt: skip

    def _without_left_out(self, plan: overview.LastPlan | None) -> overview.LastPlan | None:
        """As its page counts it: without whom whoever asks means to leave out."""
        out = self.not_done.get(plan.id, {}) if plan else {}
        return replace(plan, counts=Counter(plan.counts) - Counter(out)) if plan and out else plan

    def _ready(self, about: Customer, domain: Domain | None) -> bool:
        """Whether the domain's connection, or any where there is no domain, has its id and token."""
        have = self.connections.get(about.id, {})
        if domain is None:
            return any(have.values())
        name = self._reads_through(domain)
        return name is not None and have[name]

    def _reads_through(self, domain: Domain) -> str | None:
        """The name of a domain's connection: the one its settings name, else the only one there is."""
        have, name = self.connections.get(domain.customer_id, {}), domain.settings.connection
        if name is None and len(have) == 1:
            return next(iter(have))
        return name if name in have else None

    def _connections_read(self) -> dict[tuple[int, str | None], datetime]:
        """When each connection (customer, name) was read last, for whichever of its domains."""
        found: dict[tuple[int, str | None], datetime] = {}
        for each in self.domains:
            plan, (check, _, tested_at) = self.plans.get(each.id), self.checks.get(each.id, (None, "", None))
            moments = [plan.read_at] if plan and plan.evidence else []
            moments += [tested_at] if check and tested_at else []
            key = (each.customer_id, self._reads_through(each))
            for at in moments:
                found[key] = max(at, found.get(key, at))
        return found

    def _check(self, domain: Domain | None) -> tuple[Check | None, str, datetime | None]:
        """(what the last finished test proved, why it failed, when)"""
        check, problem, at = self.checks.get(domain.id, (None, "", None)) if domain else (None, "", None)
        return (None, problem, at) if check is None else (msgspec.json.decode(check, type=Check), "", at)

    def _plan_state(
        self, domain: Domain | None, plan: overview.LastPlan | None
    ) -> tuple[PlanState | None, datetime | None]:
        """How far an open plan is, and when it was made; nothing of one that was decided on."""
        if domain is None or plan is None or not plan.open:
            return None, None
        if plan.status is PlanStatus.EMPTY:
            return PlanState.EMPTY, None
        if why_lapsed(plan, domain, self.house.clock(), plan.overtaken):
            return PlanState.LAPSED, None
        return PlanState.BLOCKED if plan.status is PlanStatus.BLOCKED else PlanState.WAITING, plan.made_at

    def _approved(self, domain: Domain) -> overview.Approved | None:
        """The approved plan that may be processed now."""
        found = self.approved.get(domain.id)
        if found is None or why_lapsed(found, domain, self.house.clock(), found.overtaken):
            return None
        return found

    def _waiting_since(
        self, domain: Domain | None, plan: overview.LastPlan | None, made_at: datetime | None
    ) -> datetime | None:
        """A schedule makes a newer preview every night of what has waited for longer."""
        state = self.states.get(domain.id) if domain else None
        known = state.waiting_since if state and plan and state.plan_id == plan.id else None
        return known or made_at

    def _schedule(self, domain: Domain) -> ScheduleSeen:
        table, state = self.tables.get(domain.id), self.states.get(domain.id, schedules.State())
        if table is None:
            return ScheduleSeen(domain.label, Standing.NONE)
        off = ScheduleSeen(domain.label, Standing.OFF)
        if state.approval is None:
            return off
        return stands(
            self.house, self.facts[domain.id], domain, msgspec.convert(table, ScheduleTable), state.approval, state, off
        )


def _of_schedule(seen: ScheduleSeen) -> list[Need]:
    if seen.standing is Standing.QUARANTINE:
        return [Need("quarantine", seen.reason)]
    return [Need("paused", seen.reason)] if seen.standing is Standing.PAUSED else []


WORK: Mapping[JobKind, str] = {
    JobKind.PREVIEW: "Preview", JobKind.DECIDE: "A decision", JobKind.UNDO: "Undo", JobKind.FAREWELL: "Preview",
    JobKind.PROCESS: "Run", JobKind.RETRY: "Run",
}  # fmt: skip
"""What somebody asked for; a test of the connection is told by itself."""


def _of_work(
    failure: tuple[JobKind, str, datetime] | None, newest: datetime | None, run: overview.LastRun | None
) -> list[Need]:
    """What was asked for last and did not come to an end, unless a preview or a run came since."""
    if failure is None or failure[0] not in WORK:
        return []
    kind, why, at = failure
    if any(each > at for each in (newest, run.started_at if run else None) if each):
        return []
    about = "not-processed" if kind in (JobKind.PROCESS, JobKind.RETRY) else "not-made"
    return [Need(about, f"{WORK[kind]} failed: {why}")]


def _of_run(run: overview.LastRun | None, newest: datetime | None, *, alone: bool) -> list[Need]:
    """`newest`: when the newest plan was made; `alone`: it began, and nobody is at it."""
    if run and run.failed and not proposed_anew(run.ended_at, newest):
        people = "1 person" if run.failed == 1 else f"{run.failed:,} people"
        return [Need("failed", f"{people} failed in the last run.", plan=run.plan_id)]
    if run and (run.status is RunStatus.STOPPED or alone):
        return [Need("stopped", "The last run did not come to its end.", plan=run.plan_id)]
    return []


def _of_plan(state: PlanState | None, plan: overview.LastPlan | None, left_out: int) -> list[Need]:
    if plan is None or state not in (PlanState.BLOCKED, PlanState.WAITING):
        return []
    told = in_numbers(plan.counts, plan.findings, undo=plan.undo, left_out=left_out)
    if state is PlanState.BLOCKED:
        return [Need("blocked", "The newest preview is blocked.", told, plan.id)]
    return [Need("waiting", "A preview waits for approval.", told, plan.id)]


def _of_seats(about: Customer, now: int, more: int) -> list[Need]:
    why = over_seats(about, now, more)
    return [Need("seats", why)] if why else []


def _of_approved(approved: overview.Approved | None, changed: bool) -> list[Need]:
    if approved is None:
        return []
    told = in_numbers(
        approved.counts, approved.findings, undo=approved.undo, approved=True, left_out=len(approved.left_out)
    )
    again = "You leave out others than were approved: a preview is to be approved again."
    about, why = ("again", again) if changed else ("approved", "An approved preview waits to be processed.")
    return [Need(about, why, told, approved.id)]


def _of_set_up(following: Station | None) -> list[Need]:
    """Of whoever is not set up yet, and has nothing more urgent, that is what needs somebody."""
    if following is None:
        return []
    title = f"{following.title[:1].lower()}{following.title[1:]}"
    return [Need("set-up", f"Next in the set-up: {title}.", page=following.page)]


def customer_from_template(house: Workspace, name: str, template: str) -> list[str]:
    """A new customer with the attributes, mapping, lifecycle and limits of a domain (`CUSTOMER/DOMAIN`): no secrets, no
    members, nobody protected, no scope, and its users in the local directory until somebody sets the target. Returns
    what was made. Raises `SettingsError` when there is one of that name."""
    require(house, None, PREPARERS, "add a customer")
    domain = seen_domain(house, template, "use it as a template", READERS)
    if customers.find_customer(house.db, name.strip()):
        raise SettingsError(f"There is a customer “{name.strip()}” already.")
    like, connection = setup_file.from_settings(domain.name, domain.settings, domain.attributes), "HiBob"
    table = setup_file.DomainTable(
        name=like.name, connection=connection, unique_identifier=like.unique_identifier,
        absence_archives=like.absence_archives, absent_reads=like.absent_reads, two_people=like.two_people,
        attributes=like.attributes, lifecycle=like.lifecycle, limits=like.limits,
    )  # fmt: skip
    file = setup_file.SetupFile(
        customer=setup_file.CustomerTable(name=name.strip()),
        connections=[setup_file.ConnectionTable(name=connection)],
        domains=[table],
    )
    return set_up(house, setup_file.write(file))
