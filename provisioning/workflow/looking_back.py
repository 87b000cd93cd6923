"""The history as one filters, compares and hands it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provisioning.errors import NotFound
from provisioning.model import Run
from provisioning.report.differences import in_words
from provisioning.report.tables import Row, as_csv, as_json
from provisioning.report.told import told
from provisioning.store import history, run_differences, runs
from provisioning.workflow.house import Workspace, record_event, seen_domain

SHOWN_RUNS = 60
NAMED = 20
RunSeen = tuple[Run, dict[str, int], dict[str, int]]
"""(run, people per result, people done per action)"""


class FileKind(StrEnum):
    CSV = "csv"
    JSON = "json"


def runs_found(house: Workspace, label: str, statuses: Sequence[str] = (), text: str = "") -> list[RunSeen]:
    """The last runs that ended so (any, where none is named) and whose id, author or moment holds the text; newest first."""
    found = runs.recent_runs(house.db, seen_domain(house, label, "see the runs").id, SHOWN_RUNS)
    wanted = text.strip().casefold()
    return [
        each
        for each in found
        if (not statuses or each[0].status.value in statuses)
        and wanted in f"{each[0].id} {each[0].by} {_days(each[0].started_at.isoformat())}".casefold()
    ]


def events_found(house: Workspace, label: str, starts: Sequence[str], text: str = "") -> list[history.Event]:
    """The domain's events whose name starts with one of these (any, where none is named) and that hold the text, newest
    first."""
    return _fitting(_events(house, label), starts, text)


def _events(house: Workspace, label: str) -> list[history.Event]:
    domain = seen_domain(house, label, "see the history")
    return history.events(house.db, domain.customer_id, domain.id)


def _fitting(events: Sequence[history.Event], starts: Sequence[str], text: str) -> list[history.Event]:
    wanted = text.strip().casefold()
    return [
        each
        for each in events
        if each.what.startswith(tuple(starts) or "") and (not wanted or wanted in _all_of(each).casefold())
    ]


def _all_of(each: history.Event) -> str:
    """By the words that people read, and by those of the command line."""
    said = f"{told(each.what, each.details).text} {each.what} {in_words(each.details)}"
    return f"{_days(each.at)} {each.who} {said} {each.plan or ''} {each.run or ''}"


def _days(at: str) -> str:
    """A moment as it may be searched for: 2026-11-22 08:56, and 22 Nov 2026."""
    found = datetime.fromisoformat(at)
    return f"{found:%Y-%m-%d %H:%M} {found.day} {found:%b %Y, %H:%M}"


def timeline(
    house: Workspace, label: str, starts: Sequence[str], text: str = ""
) -> tuple[list[history.Event], dict[str, Mapping[str, int]]]:
    """What `events_found` finds, but for what says nothing of its own: that a run began which came to its end. With what
    the previews came to, by their ids."""
    events = _events(house, label)
    ended = {each.run for each in events if each.what in ("run ended", "run stopped")}
    counts = {each.plan: each.details.get("counts") for each in events if each.what == "plan made"}
    found = [each for each in _fitting(events, starts, text) if each.what != "run started" or each.run not in ended]
    return found, {plan: known for plan, known in counts.items() if plan and isinstance(known, dict)}


def export_runs(house: Workspace, label: str, statuses: Sequence[str], text: str, kind: FileKind) -> bytes:
    """The runs that `runs_found` finds, as a file. That is recorded."""
    found = runs_found(house, label, statuses, text)
    rows: list[Row] = [
        {"run": run.id, "plan": run.plan_id, "begun": run.started_at.isoformat(), "by": run.by,
         "ended": run.ended_at.isoformat() if run.ended_at else "", "status": run.status.value}
        | results | {f"done: {name}": number for name, number in actions.items()}
        for run, results, actions in found
    ]  # fmt: skip
    return _handed_out(house, label, "runs", rows, kind)


def export_events(house: Workspace, label: str, starts: Sequence[str], text: str, kind: FileKind) -> bytes:
    """The events that `events_found` finds, as a file. That is recorded."""
    rows: list[Row] = [
        {"at": each.at, "who": each.who, "what": each.what, "details": in_words(each.details), "plan": each.plan or "",
         "run": each.run or ""}
        for each in events_found(house, label, starts, text)
    ]  # fmt: skip
    return _handed_out(house, label, "events", rows, kind)


def _handed_out(house: Workspace, label: str, what: str, rows: Sequence[Row], kind: FileKind) -> bytes:
    record_event(house, "history exported", seen_domain(house, label, "see the history"), of=what, rows=len(rows),
                 file=kind.value)  # fmt: skip
    return as_csv(rows) if kind is FileKind.CSV else as_json(rows)


@dataclass(frozen=True, slots=True)
class RunsCompared:
    """Two runs side by side. `counts` and `attributes`: (what, in the first, in the second), where either has any;
    `both`: (key, name) of the first people for whom both did something, of `both_count`."""

    first: Run
    second: Run
    counts: tuple[tuple[str, int, int], ...]
    attributes: tuple[tuple[str, int, int], ...]
    people: tuple[int, int]
    both: tuple[tuple[str, str], ...]
    both_count: int


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
    both, count = run_differences.people_of_both(house.db, first, second, NAMED)
    return RunsCompared(
        one, other, _beside(counts, others), _beside(ours, theirs),
        (run_differences.people_done(house.db, first), run_differences.people_done(house.db, second)), tuple(both), count,
    )  # fmt: skip


def _beside(ours: dict[str, int], theirs: dict[str, int]) -> tuple[tuple[str, int, int], ...]:
    names = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) or theirs.get(name)]
    return tuple((name, ours.get(name, 0), theirs.get(name, 0)) for name in names)
