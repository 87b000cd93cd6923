"""What the first sheet of a workbook says: first what concerns whoever decides, last what only a check needs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain

from provisioning.model import Action, Approval, Finding, Plan, PlanStatus, Result, Run, RunStatus, Severity
from provisioning.report.called import ACTIONS_DONE, RESULTS, by_whom
from provisioning.report.dates import dated
from provisioning.report.evidence import evidence_rows
from provisioning.report.text import managers, newly_live, who
from provisioning.report.told import not_done
from provisioning.report.workbook_rows import DECIDED_BY, DIGEST, PLAN, SHEETS, Became, became_of, left_out_of

HOW_TO_DECIDE = (
    "Decide each row in the column Decision: Approve (it happens), Leave out (not this time), "
    "or Keep active (not this time, and never archived from the next plan on)."
)
HOW_TO_DECIDE_NEW = (
    "Decide each row in the column Decision: Approve (it happens), Leave out (not this time), "
    "or Keep active (not added this time, and never archived once they are a user)."
)
WHAT_MAY_CHANGE = (
    "You may sort, filter, hide and move columns, and comment. A file with changed values, "
    "or with rows taken out or added, is refused."
)
STATUS_WORDS = {
    PlanStatus.READY: "Waiting for approval",
    PlanStatus.BLOCKED: "Blocked: the findings below say by what, and what can be done",
    PlanStatus.EMPTY: "Nothing to do: the users agree with HiBob",
}
RUN_WORDS = {
    RunStatus.RUNNING: "Being processed",
    RunStatus.DONE: "Processed",
    RunStatus.PARTIAL: "Processed, with exceptions",
    RunStatus.STOPPED: "Begun to be processed, and stopped",
}
APPROVED = "Approved, and not processed yet: it may be decided again until then"
APPROVED_OTHERWISE = "Approved, but this file leaves out others than the approval does: to be approved again"
DECIDED = (
    "Decided, and processed as the Summary says; the column Result says what became of each row. "
    "There is nothing left to decide in this file."
)
LAPSED = "Lapsed, so it can no longer be approved."
CLOSED = "This preview has lapsed: there is nothing left to decide in this file. Make a new preview."
SEVERITY_WORDS = {Severity.BLOCK: "Block", Severity.WARN: "Warning", Severity.INFO: "For information"}


def _moment(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def people_text(number: int) -> str:
    return {0: "nobody", 1: "1 person"}.get(number, f"{number:,} people")


def status_of(
    plan: Plan, left_out: frozenset[str], approval: Approval | None, begun: Sequence[Run], lapsed: str
) -> str:
    """How far the plan is, in words. A retry that did everything does not undo that others had changed since."""
    if begun:
        excepted = any(each.result in (Result.FAILED, Result.DRIFTED) for each in became_of(begun).values())
        ended = begun[-1].status
        return RUN_WORDS[RunStatus.PARTIAL if ended is RunStatus.DONE and excepted else ended]
    if lapsed:
        return f"{LAPSED} {dated(lapsed)}"
    if approval:
        return APPROVED if left_out == {*approval.left_out} else APPROVED_OTHERWISE
    return STATUS_WORDS[plan.status]


Section = tuple[str, Iterable[tuple[str, str]]]
"""A heading, and rows of label and value."""


def sections_of(
    plan: Plan,
    head: str,
    status: str,
    left_out: frozenset[str],
    approval: Approval | None,
    begun: Sequence[Run],
    closed: bool,
    *,
    portal: bool | None,
    taken_back: str,
) -> Iterator[Section]:
    """The sections of the first sheet: first what concerns whoever decides, last what only a check needs."""
    yield (
        "What this is",
        (
            ("Customer/domain", plan.domain),
            ("Status", status),
            ("Made", f"{_moment(plan.made_at)}, by {by_whom(plan.by)}"),
            *_so_far(left_out, approval, begun),
            *([("Taken back", dated(taken_back))] if taken_back else []),
        ),
    )
    if begun:
        ended = begun[-1].status in (RunStatus.DONE, RunStatus.PARTIAL)
        yield "What was done" if ended else "What was done so far", _done(became_of(begun))
    yield "What was planned" if begun else "What would happen", _counts(plan, left_out, portal, begun=bool(begun))
    if not closed:
        yield "How to decide", _how_to_decide(plan)
    yield "Findings", chain.from_iterable(map(_finding, plan.findings)) if plan.findings else [("None", "")]
    read = ("HiBob was read", _moment(plan.read_at))
    yield "What was read from HiBob", (read, *(evidence_rows(plan.evidence) if plan.evidence else ()))
    yield (
        "For the record",
        (
            (PLAN, plan.id),
            (DIGEST, plan.digest),
            *(("Run that tried again" if run.retry_of else "Run", run.id) for run in begun),
            *(
                [("Approved by file", f"{approval.file}, SHA-256 {approval.sha256}")]
                if approval and approval.sha256
                else []
            ),
            ("Mapping version", str(plan.mapping_version)),
            ("Settings version", str(plan.settings_version)),
            *([("Head of the history", head)] if head else []),
        ),
    )


def _so_far(left_out: frozenset[str], approval: Approval | None, begun: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Who approved it, processed it and tried again who had failed, when, and how many are left out: as the column Decision says, and by the approval
    where that is another number of people or are others."""
    if approval:
        yield "Approved", f"{_moment(approval.at)}, by {approval.by}"
        if approval.signed_by:
            yield "Decided, as a file said", approval.signed_by
        if left_out != {*approval.left_out}:
            yield "Left out by the approval", people_text(len(approval.left_out)).capitalize()
    if approval or left_out:
        yield "Left out", people_text(len(left_out)).capitalize()
    for run in begun:
        ended = f"{_moment(run.ended_at)}, " if run.ended_at else f"begun {_moment(run.started_at)}, "
        did = ", ".join(filter(None, [f"{run.counts['done']:,} done", not_done(run.counts)]))
        alone = f" ({did})" if len(begun) > 1 else ""
        yield "Tried again" if run.retry_of else "Processed", f"{ended}by {by_whom(run.by)}{alone}"


def _how_to_decide(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "1. Decide", HOW_TO_DECIDE
    yield "2. Leave the rest", WHAT_MAY_CHANGE
    yield "3. Sign", "Write into the shaded cell who decided, as a name or an e-mail; it may stay blank."
    yield DECIDED_BY, ""
    yield "4. Hand it back", "To whoever sent it to you; or upload it yourself, on the page Preview"
    yield "    or by command", f"approve {plan.id} --by EMAIL --workbook FILE"


def _done(became: Became) -> Iterator[tuple[str, str]]:
    done = Counter(each.action for each in became.values() if each.result is Result.DONE)
    results = Counter(each.result for each in became.values())
    for action, called in ACTIONS_DONE.items():
        yield called, people_text(done[Action(action)]).capitalize()
    for result in (Result.FAILED, Result.DRIFTED):
        more = "; the page Process says why" if results[result] else ""
        yield RESULTS[result], people_text(results[result]).capitalize() + more


def _counts(plan: Plan, left_out: frozenset[str], portal: bool | None, *, begun: bool) -> Iterator[tuple[str, str]]:
    """As the page counts: whoever is left out apart from the rest."""
    out = left_out_of(plan, left_out)
    counts = {name: number - out[name] for name, number in plan.counts.items()}
    rows = [(sheet.heading, sheet.action.value, "") for sheet in SHEETS] + [
        ("To be moved", Action.MOVE.value, " to another domain; decided on the page, not in this file"),
        ("To be linked", Action.LINK.value, " to their HiBob record; no value changes, not in this file"),
        ("Held back", "held", ": something would happen to them and does not, for the reason given"),
        ("Unchanged", "unchanged", ""),
    ]
    for heading, name, note in rows:
        number = counts.get(name, 0)
        if name in (Action.MOVE.value, Action.LINK.value) and not (number or out[name]):
            continue  # They are rare, and of no file.
        yield heading, people_text(number).capitalize() + (note if number else "") + and_left_out(out[name])
    if not begun:
        yield from (("What people notice", line) for line in newly_live(counts, portal))


def and_left_out(number: int) -> str:
    return f"; {number:,} left out" if number else ""


def _finding(finding: Finding) -> Iterator[tuple[str, str]]:
    yield SEVERITY_WORDS[finding.severity], dated(finding.message)
    yield "    What to do", dated(finding.remedy)
    if finding.keys:
        yield "    Who", who(finding)
    if finding.managers:
        yield "    Their managers", managers(finding)
    numbers = [f"{name} {number:,}" for name, number in finding.numbers.items()]
    people = [people_text(len(finding.keys))] if finding.keys else []
    yield "    Code", " · ".join((finding.code, *numbers, *people))
