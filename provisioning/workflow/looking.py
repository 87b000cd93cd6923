"""Looking at plans, runs, people and history; changes nothing."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from provisioning.engine.money import money, unit
from provisioning.errors import Lapsed
from provisioning.model import (
    Action,
    Change,
    Customer,
    Domain,
    Held,
    Outcome,
    Plan,
    PlanStatus,
    Result,
    Run,
    RunStatus,
)
from provisioning.report.called import held_codes
from provisioning.report.csv_file import users_csv
from provisioning.store import (
    approvals,
    customers,
    decisions,
    history,
    jobs,
    overview,
    plan_groups,
    plans,
    runs,
    snapshots,
)
from provisioning.store.jobs import JobKind
from provisioning.workflow.connections import connections_seen
from provisioning.workflow.directories import known_directory, live_users, open_directory, users_by_status
from provisioning.workflow.house import Progress, Workspace, quiet, record_event, seen_customer, seen_domain
from provisioning.workflow.stored_plans import (
    can_go_on,
    check_current,
    domain_of,
    lapsed,
    left_out_now,
    plan_seen,
    run_seen,
    why_lapsed,
)

Event = history.Event


def users(house: Workspace, label: str) -> list[tuple[str, str, str, dict[str, str]]]:
    """The directory as it is: (id, external id, status, attributes), ordered by id."""
    domain = seen_domain(house, label, "see the users")
    with open_directory(house, domain) as directory:
        return directory.everybody()


def export_users(house: Workspace, label: str) -> list[tuple[str, str, str, dict[str, str]]]:
    """The directory as it is, to be handed out: that is recorded."""
    found = users(house, label)
    record_event(house, "users exported", seen_domain(house, label, "see the users"), users=len(found))
    return found


def see_history(house: Workspace, label: str) -> list[history.Event]:
    """A customer's events, or those of `CUSTOMER/DOMAIN`, newest first."""
    doing = "see the history"
    if customers.find_customer(house.db, label) is None and "/" in label:
        domain = seen_domain(house, label, doing)
        return history.events(house.db, domain.customer_id, domain.id)
    return history.events(house.db, seen_customer(house, label, doing).id)


def verify(house: Workspace, head: str | None = None, progress: Progress = quiet) -> history.Verdict:
    """Check the history: its chain, its seal, and whether a head that somebody kept still stands in it. `progress`: (rows looked
    at, of how many), now and then."""
    verdict = history.verify(house.db, head, progress)
    sealer = house.sealer()
    seen = replace(verdict, unsealed=sealer.unsealed())
    if verdict.broken or (misfit := sealer.problem()) is None:
        return seen
    return replace(seen, broken=misfit.words, doubt=not misfit.proves)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a domain stands. Plans and runs are without their people. `live_in_all`: the live users of all of the
    customer's domains, who share its seats. `over`: more live users than seats, in words; `unfinished`: the last run can be resumed."""

    domain: Domain
    users: Mapping[str, int]
    seats: int | None
    live_in_all: int
    hand: "InHand"
    lapsed: str | None
    last_run: tuple[Run, dict[str, int], dict[str, int]] | None
    unfinished: bool
    token_set: bool
    read_at: datetime | None
    over: str = ""


def standing(house: Workspace, label: str) -> Standing:
    domain = seen_domain(house, label, "see this domain")
    done = runs.recent_runs(house.db, domain.id, 1)
    hand = in_hand(house, label)
    plan = hand.newest
    read = snapshots.newest_read(house.snapshots, domain.id)
    customer = customers.get_customer(house.db, domain.customer)
    in_all = sum(live_users(house, each) for each in customers.domains(house.db, customer.id))
    return Standing(
        domain=domain,
        users=users_by_status(house, domain),
        seats=customer.seats,
        live_in_all=in_all,
        hand=hand,
        lapsed=lapsed(house, plan.id) if plan else None,
        last_run=done[0] if done else None,
        unfinished=bool(done) and _unfinished(house, done[0][0], domain),
        token_set=any(
            each.token_set for each in connections_seen(house, domain.customer) if domain.name in each.domains
        ),
        read_at=read.evidence.read_at if read else None,
        over=over_seats(customer, in_all),
    )


@dataclass(frozen=True, slots=True)
class Newest:
    """What pages show when nobody says which: the plan to preview, the plan to process or processed last."""

    preview: str | None = None
    processing: str | None = None


def newest(house: Workspace, label: str) -> Newest:
    domain = seen_domain(house, label, "see this domain")
    found, done = plans.recent_plans(house.db, domain.id, 1), runs.recent_runs(house.db, domain.id, 1)
    run, plan = done[0][0] if done else None, found[0] if found else None
    approved = None if run and _unfinished(house, run, domain) else _approved(house, domain)
    # While a new preview is being made none is named, so that the page shows it when it is there.
    making = jobs.latest(house.db, domain.id, [JobKind.PREVIEW])
    return Newest(
        preview=plan.id if plan and not (making and making.open) else None,
        processing=approved.id if approved else run.plan_id if run else None,
    )


@dataclass(frozen=True, slots=True)
class InHand:
    """The newest plan of a domain with its state, and the approved one that may be processed: the same, or an earlier one."""

    newest: Plan | None = None
    state: "PlanState | None" = None
    approved: Plan | None = None


def in_hand(house: Workspace, label: str) -> InHand:
    domain = seen_domain(house, label, "see the plans")
    newest = next(iter(plans.recent_plans(house.db, domain.id, 1)), None)
    state = plan_states(house, label, [newest])[newest.id] if newest else None
    return InHand(newest, state, _approved(house, domain))


def _approved(house: Workspace, domain: Domain) -> Plan | None:
    """The approved plan that may be processed now, also where a newer preview stands beside it."""
    found = overview.approved_plans(house.db, domain.id).get(domain.id)
    if found is None or why_lapsed(found, domain, house.clock(), found.overtaken):
        return None
    return plans.plan_head(house.db, found.id)


def _unfinished(house: Workspace, run: Run, domain: Domain) -> bool:
    return run.status in (RunStatus.RUNNING, RunStatus.STOPPED) and can_go_on(house, run, domain)


def proposed_anew(ended_at: datetime | None, made_at: datetime | None) -> bool:
    """Whether whoever failed in a run is seen to elsewhere: in the newest plan, made after the run had ended."""
    return ended_at is not None and made_at is not None and made_at > ended_at


def plans_seen(house: Workspace, label: str, most: int = 50) -> list[Plan]:
    return plans.recent_plans(house.db, seen_domain(house, label, "see the plans").id, most)


def left_out_counts(house: Workspace, label: str) -> dict[str, int]:
    """How many people the approval leaves out, by plan."""
    return approvals.left_out_counts(house.db, seen_domain(house, label, "see the plans").id)


def changes_seen(
    house: Workspace,
    plan_id: str,
    action: str,
    attribute: str,
    text: str,
    most: int,
    skip: int,
    values: tuple[str | None, str | None] | None = None,
) -> tuple[list[Change], int]:
    """One page of those whom a plan changes, and how many fit. `values`: of the attribute, before and after."""
    return plans.find_changes(house.db, plan_seen(house, plan_id).id, action, attribute, text, most, skip, values)


def held_seen(
    house: Workspace, plan_id: str, text: str, most: int, skip: int, code: str = ""
) -> tuple[list[Held], int]:
    """One page of those whom a plan holds back, for that reason if one is named, and how many fit."""
    return plans.find_held(house.db, plan_seen(house, plan_id).id, code, text, most, skip, held_codes(text))


def attributes_changed(house: Workspace, plan_id: str, left_out: Sequence[str] = ()) -> dict[str, int]:
    return plans.changed_attributes(house.db, plan_seen(house, plan_id).id, left_out)


def names_in_plan(house: Workspace, plan_id: str, keys: Sequence[str]) -> dict[str, str]:
    return plans.names_of(house.db, plan_seen(house, plan_id).id, keys)


class PlanState(StrEnum):
    """How far a plan is on its way, for whoever looks: one that is approved has CHANGED once they mean to leave out others
    than the approval does."""

    EMPTY = "empty"
    BLOCKED = "blocked"
    WAITING = "waiting"
    APPROVED = "approved"
    CHANGED = "changed"
    BEGUN = "begun"
    PROCESSED = "processed"
    LAPSED = "lapsed"


def plan_states(house: Workspace, label: str, found: Sequence[Plan]) -> dict[str, PlanState]:
    """The states of plans of this domain, by their ids."""
    domain = seen_domain(house, label, "see the plans")
    begun = plans.run_statuses(house.db, domain.id)
    return {plan.id: state_of(house, domain, plan, begun.get(plan.id)) for plan in found if plan.domain_id == domain.id}


def state_of(house: Workspace, domain: Domain, plan: Plan, run: RunStatus | None) -> PlanState:
    """`run`: how the plan's latest run ended, None when it was not begun."""
    if run is not None:
        return PlanState.PROCESSED if run in (RunStatus.DONE, RunStatus.PARTIAL) else PlanState.BEGUN
    if plan.status is PlanStatus.EMPTY:
        return PlanState.EMPTY
    try:
        check_current(house, plan, domain)
    except Lapsed:
        return PlanState.LAPSED
    approval = approvals.get_approval(house.db, plan.id)
    if approval and {*left_out_now(house, plan, approval)} != {*approval.left_out}:
        return PlanState.CHANGED
    if approval:
        return PlanState.APPROVED if _somebody_stays(house, plan, approval.left_out) else PlanState.EMPTY
    return PlanState.BLOCKED if plan.status is PlanStatus.BLOCKED else PlanState.WAITING


def somebody_stays(house: Workspace, plan_id: str, left_out: Collection[str]) -> bool:
    """Whether anything would be done without these people."""
    return _somebody_stays(house, plan_seen(house, plan_id), left_out)


def _somebody_stays(house: Workspace, plan: Plan, left_out: Collection[str]) -> bool:
    counts = {each: plan.counts.get(each.value, 0) for each in Action}
    # Whoever is linked may be changed too; all else is one change a person, and need not be counted.
    if len(left_out) < max(counts[Action.LINK], sum(counts.values()) - counts[Action.LINK]):
        return True
    return sum(counts.values()) > sum(plan_groups.actions_of(house.db, plan.id, [*left_out]).values())


@dataclass(frozen=True, slots=True)
class Effect:
    """What a plan would mean in numbers if it were approved. `newly_live` people may be written to by the
    portal; `live` counts the customer's users in all domains after the run; `cost` is that of the users `over`, in words."""

    newly_live: int
    live: int
    seats: int | None
    over: int
    cost: str


def effect_of(house: Workspace, plan_id: str, left_out: Sequence[str] = ()) -> Effect:
    """What comes of a plan without the people left out (keys)."""
    plan = plan_seen(house, plan_id)
    counts = Counter(plan.counts)
    counts.subtract(plan_groups.actions_of(house.db, plan.id, left_out))
    customer = customers.get_customer(house.db, domain_of(house, plan).customer)
    now = sum(live_users(house, each) for each in customers.domains(house.db, customer.id))
    newly = counts["add"] + counts["reactivate"]
    live = now + newly - counts["archive"]
    over = max(live - customer.seats, 0) if customer.seats is not None else 0
    cost = cost_of(customer, over)
    return Effect(newly, live, customer.seats, over, cost)


def cost_of(customer: Customer, over: int) -> str:
    """What so many users more than licensed cost, in words; "" where there are none, or their price is not known."""
    if not over or not customer.price_per_user:
        return ""
    return f"{money(Decimal(customer.price_per_user) * over, customer.currency)} more{unit(customer.currency)}"


def over_seats(customer: Customer, now: int, more: int = 0) -> str:
    """How many more live users than seats there are, or will be once what waits is processed, which makes them so many `more`;
    with the cost. "" where they suffice, or are not known."""
    over = max(now + max(more, 0) - customer.seats, 0) if customer.seats is not None else 0
    if not over:
        return ""
    becomes = f", {now + more:,} once what waits is processed" if more > 0 else ""
    cost = cost_of(customer, over)
    costs = f", which cost {cost}" if cost else ""
    return f"{now:,} live users{becomes}; {customer.seats:,} licensed: {over:,} too many{costs}."


def kept_active_by_plan(house: Workspace, plan_id: str) -> frozenset[str]:
    """Whom the approval of a plan keeps active from now on: they were left out of it too."""
    return decisions.kept_active(house.db, plan_seen(house, plan_id).id)


def kept_active(house: Workspace, run_id: str) -> frozenset[str]:
    """The keys of those whom a run left alone because they were decided to stay active."""
    return runs.kept_active(house.db, run_seen(house, run_id).id)


def runs_seen(house: Workspace, label: str, most: int = 60) -> list[tuple[Run, dict[str, int], dict[str, int]]]:
    """The last runs, newest first: (run, people per result, people done per action)."""
    return runs.recent_runs(house.db, seen_domain(house, label, "see the runs").id, most)


def outcomes_seen(
    house: Workspace, run_id: str, results: Sequence[str], text: str, most: int, skip: int
) -> tuple[list[tuple[Outcome, Change | None]], int]:
    """One page of a run's outcomes, each with the change that was to be made, and how many fit."""
    return runs.find_outcomes(house.db, run_seen(house, run_id).id, results, text, most, skip)


def users_seen(
    house: Workspace, label: str, text: str, most: int, skip: int, status: str = ""
) -> tuple[list[tuple[str, str, str, dict[str, str]]], int]:
    """One page of the directory, of one status if it is named: (id, external id, status, attributes), and how many fit."""
    return known_directory(house, seen_domain(house, label, "see the users")).find(text, most, skip, status)


def export_users_seen(house: Workspace, label: str, text: str, status: str = "") -> bytes:
    """Everybody who fits, as CSV, to be handed out: that is recorded."""
    domain = seen_domain(house, label, "see the users")
    directory = known_directory(house, domain)
    _, count = directory.find(text, 0, 0, status)
    found, _ = directory.find(text, count, 0, status)
    record_event(house, "users exported", domain, users=len(found))
    return users_csv(found)


def user_of(house: Workspace, label: str, key: str) -> tuple[str, str, str, dict[str, str]] | None:
    """The user of a person, by the key that plans know them by; None when there is none."""
    return known_directory(house, seen_domain(house, label, "see the users")).linked_or_named(key.removeprefix("user:"))


def to_take_back(house: Workspace, run_id: str) -> list[Run]:
    """What can be undone of a run and, where it is a retry, of those before it: each that changed somebody, newest first."""
    found = [run_seen(house, run_id)]
    while before := found[-1].retry_of:
        found.append(runs.get_run(house.db, before))
    return [each for each in found if each.counts[Result.DONE.value]]


def progress_of(house: Workspace, plan_id: str, *, retrying: bool = False) -> tuple[int, int]:
    """(how many changes of a plan are settled, of how many) in its run, or in its retry, which may not have begun."""
    plan, run = plan_seen(house, plan_id), runs.latest_run(house.db, plan_id)
    before = run if run and retrying and run.status is not RunStatus.RUNNING else None
    if run and run.retry_of and before is None:
        return len(run.outcomes), len(failed_people(runs.get_run(house.db, run.retry_of)))
    if before:
        return 0, len(failed_people(before))
    return len(run.outcomes) if run else 0, sum(plan.counts.get(each.value, 0) for each in Action)


def failed_people(run: Run) -> set[tuple[str, Action]]:
    return {(each.key, each.action) for each in run.outcomes if each.result is Result.FAILED}
