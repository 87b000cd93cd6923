"""The history as one filters, compares and hands it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from provisioning.database import sought
from provisioning.errors import NotFound
from provisioning.model import Approval, Domain, Plan, Run
from provisioning.report.called import finding_called, the_schedule, who
from provisioning.report.differences import in_words
from provisioning.report.told import Told, told
from provisioning.store import approvals, customers, history, plans, run_differences, runs
from provisioning.store.approvals import PastApproval
from provisioning.store.decisions import DecisionKind
from provisioning.store.run_differences import Some
from provisioning.workflow.house import (
    Progress,
    Workspace,
    quiet,
    record_event,
    seen_customer,
    seen_domain,
)
from provisioning.workflow.looking import (
    PlanState,
    left_out_counts,
    plan_states,
    plans_seen,
    see_history,
    verify,
)
from provisioning.workflow.stored_plans import as_recorded

SHOWN_RUNS, SHOWN_PLANS = 60, 50
NAMED = 20
RunSeen = tuple[Run, dict[str, int], dict[str, int]]
"""(run, people per result, people done per action)"""


EVENT_KINDS: Mapping[str, tuple[str, ...]] = {
    "Previews and approvals": ("plan", "decided", "standing"),
    "Runs": ("run", "stop"),
    "Settings and mapping": (
        "mapping", "settings", "domain", "connection", "customer", "schedule", "all schedules", "target",
    ),
    "Access and exports": (
        "role", "signed", "users", "history exported", "workbook", "person", "set-up", "notification", "test message",
    ),
    "Records and keys": (
        "old plans", "encryption key", "history sealed", "history checked", "content", "database", "rows",
    ),
}  # fmt: skip
"""How the names of each kind of event begin. Every event is of one kind."""
NAMING = ("left_out", "taken_back", "protected")
"""The details of an event that are lists of people's keys."""
EVERY_CUSTOMER = "every customer"
_DECIDED = {
    DecisionKind.PROTECT: "Keep active",
    DecisionKind.MOVE: "Moved to",
    DecisionKind.SAME: "Same person as user",
    DecisionKind.NOT_SAME: "Not the same person as user",
    DecisionKind.TEST_ACCOUNT: "May be archived; test account",
}


def decision_in_words(kind: str, other: str) -> str:
    """A decision about somebody, as events and tables tell it."""
    return f"{_DECIDED[DecisionKind(kind)]} {other}".strip()


def runs_found(
    house: Workspace, label: str, statuses: Sequence[str] = (), text: str = "", zone: tzinfo = UTC
) -> list[RunSeen]:
    """The last runs that ended so (any, where none is named) and whose id, author or moment holds the text; newest first."""
    found = runs.recent_runs(house.db, seen_domain(house, label, "see the runs").id, SHOWN_RUNS)
    return [
        each
        for each in found
        if (not statuses or each[0].status.value in statuses)
        and _holds(f"{each[0].id} {each[0].by} {_days(each[0].started_at, zone)}", text)
    ]


@dataclass(frozen=True, slots=True)
class PreviewSeen:
    """A plan without its people, how far it is, and how many people its approval leaves out."""

    plan: Plan
    state: PlanState
    left_out: int


def previews_found(
    house: Workspace, label: str, states: Sequence[str] = (), text: str = "", zone: tzinfo = UTC
) -> list[PreviewSeen]:
    """The last previews that are so far (any, where none is named) and whose id, author or moment holds the text; newest first."""
    found = plans_seen(house, label, SHOWN_PLANS)
    far, out = plan_states(house, label, found), left_out_counts(house, label)
    return [
        PreviewSeen(each, far[each.id], out.get(each.id, 0))
        for each in found
        if (not states or far[each.id].value in states)
        and _holds(f"{each.id} {each.by} {who(each.by)} {_days(each.made_at, zone)}", text)
    ]


@dataclass(frozen=True, slots=True)
class Timeline:
    """`events`, newest first; `counts`: what the previews that they are about came to; `did`: people done per action, by
    run; `names`: (preview, key) → name of whom they speak of; `back`: the previews that take a run back."""

    events: list[history.Event]
    counts: Mapping[str, Mapping[str, int]]
    did: Mapping[str, Mapping[str, int]]
    names: Mapping[tuple[str, str], str]
    back: frozenset[str]

    def told(self, each: history.Event) -> Told:
        """What happened, as the page says it."""
        about = self.details(each) | {"did": self.did.get(each.run or "", {})}
        about |= {"undo_of": True} if each.run and each.plan in self.back else {}
        return told(each.what, about, self.counts.get(each.plan or ""))

    def doer(self, each: history.Event) -> str:
        """Who did it, where a sentence begins with it."""
        # A run by a person renews what was switched on: that is theirs, though the clock notices it.
        return the_schedule(each.who) if each.details.get("scheduled") and each.what != "schedule on" else who(each.who)

    def details(self, each: history.Event) -> dict[str, object]:
        """An event's details with people by their names, where the preview that it is about knows them."""
        about = dict(each.details)
        if each.customer is None and each.what.startswith("role"):
            about["of"] = EVERY_CUSTOMER
        for kind in NAMING:
            if isinstance(keys := about.get(kind), list):
                about[kind] = [self._name(each, key) for key in keys]
        if isinstance(made := about.get("decisions"), list):
            about["decisions"] = [
                f"{self._name(each, one['key'])}: {decision_in_words(one['kind'], one['other'])}" for one in made
            ]
        return about

    def _name(self, each: history.Event, key: str) -> str:
        if each.plan is None:
            # What is taken back names no preview; the one by which it was decided does.
            return next((name for (_, whose), name in self.names.items() if whose == key), key)
        return self.names.get((each.plan, key)) or key


def timeline(house: Workspace, label: str, starts: Sequence[str] = (), text: str = "", zone: tzinfo = UTC) -> Timeline:
    """The events of a customer or domain whose name starts with one of these (any, where none is named) and that hold the text as the page
    says it; but for what says nothing of its own: that a run began which came to its end, and that a standing approval was used
    for what was approved by it."""
    found = whole_history(house, label)
    ended = {each.run for each in found.events if each.what in ("run ended", "run stopped")}
    approved = {each.plan for each in found.events if each.what == history.APPROVED}
    some = [
        each
        for each in found.events
        if each.what.startswith(tuple(starts) or "")
        and (each.what != "run started" or each.run not in ended)
        and (each.what != "standing approval used" or each.plan not in approved)
    ]
    return replace(found, events=[each for each in some if not text or _holds(_all_of(found, each, zone), text)])


def whole_history(house: Workspace, label: str) -> Timeline:
    """Every event of a customer, or of `CUSTOMER/DOMAIN`, newest first."""
    events = see_history(house, label)
    counts = {each.plan: each.details.get("counts") for each in events if each.what == "plan made"}
    known = {plan: numbers for plan, numbers in counts.items() if plan and isinstance(numbers, dict)}
    ran = sorted({f"{each.customer}/{each.domain}" for each in events if each.run and each.domain})
    domains = filter(None, (customers.find_domain(house.db, each) for each in ran))
    # What somebody changed since is not told: how many there were of each result stands in the event itself.
    did = {
        run.id: actions
        for each in domains
        for (run, _, actions), known in _beside_the_history(house, each, SHOWN_RUNS)
        if not (known and known.changed)
    }
    back = frozenset(
        each.plan for each in events if each.what == "plan made" and each.plan and each.details.get("undo_of")
    )
    return Timeline(events, known, did, _names(house, events), back)


def _names(house: Workspace, events: Sequence[history.Event]) -> dict[tuple[str, str], str]:
    wanted: dict[str, list[str]] = {}
    for each in events:
        if each.plan and (keys := _spoken_of(each.details)):
            wanted.setdefault(each.plan, []).extend(keys)
    return {
        (plan, key): name for plan, keys in wanted.items() for key, name in plans.names_of(house.db, plan, keys).items()
    }


def _spoken_of(details: Mapping[str, object]) -> list[str]:
    """The keys of the people whom an event names."""
    lists = {name: value for name in (*NAMING, "decisions") if isinstance(value := details.get(name), list)}
    return [one["key"] if name == "decisions" else one for name, value in lists.items() for one in value]


def _all_of(found: Timeline, each: history.Event, zone: tzinfo) -> str:
    """By the words that people read, as they stand on the page, and by those of the command line."""
    said, at = found.told(each), datetime.fromisoformat(each.at)
    line = f"{_days(at, zone)} {at.astimezone(zone):%H:%M} {found.doer(each)} {said.text}. {said.more}"
    return f"{line} {each.who} {each.what} {in_words(each.details)} {each.plan or ''} {each.run or ''}"


def _holds(everything: str, text: str) -> bool:
    """Whether it does, however either is broken into lines or written."""
    return " ".join(sought(text).split()) in " ".join(sought(everything).split())


def _days(at: datetime, zone: tzinfo) -> str:
    """A moment as the page shows it in its places: Sunday 22 November 2026; 2026-11-22 08:56; 22 Nov 2026, 08:56 GMT."""
    there = at.astimezone(zone)
    called = f"{there:%Z}" if f"{there:%Z}"[:1].isalpha() else f"UTC{there:%Z}"
    day = f"{there.day} {there:%b %Y}"
    return (
        f"{there:%A} {there.day} {there:%B %Y}, {called} {there:%Y-%m-%d %H:%M} {day}, {there:%H:%M} {called} "
        f"{day}, {there:%H:%M:%S} {called}"
    )


def approvals_seen(house: Workspace, label: str) -> list[PastApproval]:
    """Who approved which preview of a domain, when and on which basis; newest first, as long as retention keeps them."""
    domain = seen_domain(house, label, "see the approvals")
    said: dict[str, list[history.Event]] = {}
    for event in history.approvals_recorded(house.db, domain.customer_id):
        said.setdefault(event.plan or "", []).append(event)
    found = []
    # Both newest first: the rows of one preview belong to its approvals in that order.
    for each in approvals.past_approvals(house.db, domain.id):
        rows = said.get(each.approval.plan_id, [])
        found.append(replace(each, changed=bool(rows) and not as_recorded(each.approval, rows.pop(0))))
    return found


@dataclass(frozen=True, slots=True)
class RunRecorded:
    """A run, without its outcomes, beside what the history recorded when it ended or stopped: how it ended, and people per result."""

    run: Run
    results: Mapping[str, int]
    recorded_status: str
    recorded: Mapping[str, int]
    changed: bool


def runs_recorded(house: Workspace, label: str, most: int = SHOWN_RUNS) -> list[RunRecorded]:
    """The last runs of a domain (`most` -1: all that are kept) that ended or stopped and of which the history says how; newest first.
    Somebody who may write to the database can change outcomes, and not what the chain says of them."""
    found = _beside_the_history(house, seen_domain(house, label, "see the runs"), most)
    return [known for _, known in found if known]


def _beside_the_history(house: Workspace, domain: Domain, most: int) -> list[tuple[RunSeen, RunRecorded | None]]:
    with house.db.as_it_is():
        said = history.runs_recorded(house.db, domain.customer_id, domain.id)
        found = runs.recent_runs(house.db, domain.id, most)
    return [(each, _recorded(each[0], each[1], said)) for each in found]


def _recorded(run: Run, results: Mapping[str, int], said: history.RunsSaid) -> RunRecorded | None:
    """None for a run that goes on, or of which what was said last may be gone by right: whoever is removed takes the rows along
    that name them, and a run that had stopped may have been resumed by them."""
    row, last = said.of.get(run.id, (0, None))
    counts = last.details.get("counts") if last else None
    may_be_gone = last is not None and last.what == history.RUN_STOPPED and row < said.removed
    if last is None or last.what not in (history.RUN_ENDED, history.RUN_STOPPED) or may_be_gone:
        return None
    if not isinstance(counts, dict):
        return None
    status = str(last.details.get("status", run.status.value))
    recorded = {name: number if isinstance(number := counts.get(name), int) else 0 for name in results}
    # Of a person who was removed since no outcome is kept: there may be fewer than were recorded, never more.
    fewer = row < said.forgotten and all(results[name] <= recorded[name] for name in results)
    as_said = status == run.status.value and (results == recorded or fewer)
    return RunRecorded(run, results, status, recorded, not as_said)


def how_approved(given: Approval) -> str:
    """By which way somebody approved."""
    if given.standing:
        return "Standing approval"
    return "By Excel file" if given.workbook else "In Rollcall"


def overrides_in_words(given: Approval) -> str:
    return "; ".join(f"{finding_called(code)}: {why}" for code, why in given.overrides.items())


def check_history(
    house: Workspace, customer: str, kept_head: str | None = None, progress: Progress = quiet
) -> history.Verdict:
    """Check the history for somebody who reads that of a customer, and record who checked it and what was found. It is one chain
    for all customers, so all of it is checked, and nothing of the others is told."""
    found = seen_customer(house, customer, "check the history")
    verdict = verify(house, kept_head, progress)
    record_event(
        house, history.CHECKED, customer_id=found.id, rows=verdict.rows, head=verdict.head, problem=verdict.broken,
        doubt=verdict.doubt,
    )  # fmt: skip
    return verdict


def found_by(check: history.Event) -> str:
    """What a check of the history found, in a few words."""
    if not check.details.get("problem"):
        return "as written"
    return "its seal did not prove it" if check.details.get("doubt") else "it was not as written"


def last_history_check(house: Workspace, customer: str) -> history.Event | None:
    """When somebody who reads this customer's history checked it last, and what was found."""
    found = seen_customer(house, customer, "check the history")
    return history.newest_of(house.db, found.id, history.CHECKED)


@dataclass(frozen=True, slots=True)
class RunsCompared:
    """Two runs side by side. `counts` and `attributes`: (what, in the first, in the second), where either has any;
    `both`: for whom both did something; `only`: for whom the first alone did, and the second alone; `missed`: for whom one meant to and
    did not (left out, failed or changed since) what the other did, by which of the two missed them."""

    first: Run
    second: Run
    counts: tuple[tuple[str, int, int], ...]
    attributes: tuple[tuple[str, int, int], ...]
    people: tuple[int, int]
    both: Some
    only: tuple[Some, Some]
    missed: tuple[Some, Some]


def compare_runs(house: Workspace, label: str, first: str, second: str) -> RunsCompared:
    """What two runs of a domain did differently. Raises `NotFound`."""
    domain = seen_domain(house, label, "see the runs")
    known = {
        run.id: (run, results | actions) for run, results, actions in runs.recent_runs(house.db, domain.id, SHOWN_RUNS)
    }
    for name in (first, second):
        if name not in known:
            raise NotFound(f"Run “{name}” is not one of the last {SHOWN_RUNS} of {label}.")
    (one, counts), (other, others) = known[first], known[second]
    ours, theirs = (run_differences.attributes_done(house.db, name) for name in (first, second))
    pairs = ((first, second), (second, first))
    only = [run_differences.people_of(house.db, *pair, NAMED, together=False) for pair in pairs]
    missed = [run_differences.people_of(house.db, *pair, NAMED, done=False) for pair in pairs]
    return RunsCompared(
        one, other, _beside(counts, others), _beside(ours, theirs),
        (run_differences.people_done(house.db, first), run_differences.people_done(house.db, second)),
        run_differences.people_of(house.db, first, second, NAMED), (only[0], only[1]), (missed[0], missed[1]),
    )  # fmt: skip


def _beside(ours: dict[str, int], theirs: dict[str, int]) -> tuple[tuple[str, int, int], ...]:
    names = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) or theirs.get(name)]
    return tuple((name, ours.get(name, 0), theirs.get(name, 0)) for name in names)
