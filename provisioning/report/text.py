"""Plans, runs and checks as people read them in a terminal. Control characters of HR data never reach it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from provisioning.model import Action, Change, Finding, Plan, Run, Speed
from provisioning.naming import sharing, some_of
from provisioning.report.called import by_whom
from provisioning.report.evidence import evidence_rows
from provisioning.report.speed import speed_line

WORDS: Mapping[Action, str] = {
    Action.LINK: "to be linked",
    Action.REACTIVATE: "to be reactivated",
    Action.ADD: "to be added",
    Action.UPDATE: "to be updated",
    Action.MOVE: "to be moved",
    Action.ARCHIVE: "to be archived",
}
MOST_LINES = 20
MOST_NAMED = 10


def plain(text: str) -> str:
    """Text that cannot move the cursor, colour the terminal or reverse its order."""
    return "".join(c if c.isprintable() else "�" for c in text)


def moment(at: datetime) -> str:
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def counts_line(counts: Mapping[str, int]) -> str:
    parts = [f"{counts[action.value]:,} {words}" for action, words in WORDS.items() if counts.get(action.value)]
    parts += [f"{counts.get('held', 0):,} held back", f"{counts.get('unchanged', 0):,} unchanged"]
    return " · ".join(parts)


def live_in_words(number: int, portal: bool | None = None) -> str:
    """How many become live, and what they may hear of it. `portal`: whether one keeps the users, or the local directory, which
    sends nothing; None where that is not known."""
    who = f"{number:,} {'person' if number == 1 else 'people'} would become live"
    if portal is False:
        return f"{who} in the local directory, which sends no welcome mail and no training"
    which = "the portal" if portal else "a portal that keeps them"
    return f"{who}: {which} may send them its welcome mail and assign them training"


def newly_live(counts: Mapping[str, int], portal: bool | None = None) -> Iterable[str]:
    """What people will notice: who may hear from the portal."""
    number = counts.get(Action.ADD.value, 0) + counts.get(Action.REACTIVATE.value, 0)
    if number:
        yield live_in_words(number, portal)


def finding_lines(findings: Iterable[Finding]) -> Iterable[str]:
    for each in findings:
        yield f"  [{each.severity.value}] {each.code}: {plain(each.message)}"
        yield f"          → {plain(each.remedy)}"
        if each.keys:
            yield f"          who: {plain(who(each))}"
        if each.managers:
            yield f"          their managers: {plain(managers(each))}"


def who(finding: Finding) -> str:
    """The people whom a finding concerns, the first of them, by name and key."""
    return _by_name_and_key(finding, finding.keys)


def managers(finding: Finding) -> str:
    """Their managers likewise."""
    return _by_name_and_key(finding, finding.managers)


def _by_name_and_key(finding: Finding, keys: Sequence[str]) -> str:
    first = [f"{finding.names[key]} ({key})" if key in finding.names else key for key in keys[:MOST_NAMED]]
    return some_of(first, MOST_NAMED, len(keys))


def plan_lines(plan: Plan, most: int = MOST_LINES, forecast: str = "") -> Iterable[str]:
    yield f"Plan {plan.id} for {plan.domain}: {plan.status.value}"
    yield f"  made {moment(plan.made_at)} by {by_whom(plan.by)}; HiBob read {moment(plan.read_at)}"
    yield f"  {counts_line(plan.counts)}"
    yield from (f"  {line}" for line in newly_live(plan.counts))
    if forecast:
        yield f"  {forecast}"
    yield f"  digest {plan.digest}"
    yield from (f"  {label.strip().lower()}: {plain(value)}" for label, value in evidence_rows(plan.evidence))
    yield from finding_lines(plan.findings)
    for action in Action:
        # Each action has its own first lines, so that no archive stands behind a thousand links.
        changes = [each for each in plan.changes if each.action is action]
        yield from _first(map(_change_line, changes), len(changes), most)
    others = sharing(plan.held)
    yield from _first(
        (
            f"  held        {each.key:<20} {plain(each.name)}  {each.code}: {plain(others.get(each.key, '') + each.why)}"
            for each in plan.held
        ),
        len(plan.held),
        most,
    )


def _first(lines: Iterable[str], count: int, most: int) -> Iterable[str]:
    for place, line in enumerate(lines):
        if place == most:
            yield f"  … and {count - most:,} more (--json or the workbook shows all)"
            return
        yield line


def _change_line(each: Change) -> str:
    if each.action is Action.UPDATE:
        differences = ", ".join(
            f"{name}: {each.before.get(name) or '(blank)'} → {value or '(blank)'}" for name, value in each.after.items()
        )
        return f"  {each.action.value:<11} {each.key:<20} {plain(each.name)}  {plain(differences)}"
    return f"  {each.action.value:<11} {each.key:<20} {plain(each.name)}  {plain(each.why)}"


def run_lines(run: Run, speed: Speed | None = None) -> Iterable[str]:
    counts = " · ".join(f"{number:,} {result}" for result, number in run.counts.items())
    yield f"Run {run.id} of {run.plan_id}: {run.status.value}"
    yield f"  {counts}"
    if speed:
        yield f"  {speed_line(speed)}"
    if run.note:
        yield f"  {plain(run.note)}"
    bad = [each for each in run.outcomes if each.result in ("failed", "drifted")]
    yield from _first((f"  {o.result.value:<8} {o.key:<20} {plain(o.message)}" for o in bad), len(bad), MOST_LINES)


def schedule_lines(
    label: str,
    standing: str,
    cron: str,
    timezone: str,
    does: str,
    by: str,
    reason: str,
    coming: Iterable[tuple[datetime, str]],
) -> Iterable[str]:
    """A domain's schedule: where it stands, why it rests, and its coming times as the clock on the wall shows them."""
    yield plain(f"{label}: {standing}{f', approved by {by}' if by else ''}")
    if cron:
        yield f"  {cron} ({timezone}), {'preview only' if does == 'preview' else 'process when nothing blocks'}"
    if reason:
        yield f"  {plain(reason)}"
    for at, note in coming:
        yield f"  {at:%a %Y-%m-%d %H:%M} {at:%Z} (UTC{at:%z}){f'  {note}' if note else ''}"
