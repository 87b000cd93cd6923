"""The way back from a run, from the values before it (PRODUCT.md, "Undo"): adds → archive, archives → reactivate, links →
unlink, updates and moves → what was. People changed since are held and named."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from provisioning.engine.limits import WAYS_ON_OF_AN_UNDO, find_limits
from provisioning.engine.plan import digest, in_order
from provisioning.engine.protection import RELEASED, Protector, protected_by
from provisioning.engine.situation import People, Situation, lay_out, with_names
from provisioning.model import (
    RESERVED_NAMES,
    Action,
    Change,
    Decision,
    Finding,
    Held,
    PlanStatus,
    Seen,
    Severity,
    Status,
)


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did for one person, in its order, and the user as they are now: None when there is no such user.
    `domain`: where the user is now."""

    changes: tuple[Change, ...]
    user_id: str | None
    now: Seen | None
    domain: str


def make_undo(situation: Situation, began: datetime, done: Sequence[Done]) -> Decision:
    """The plan that takes everybody of the run that `began` then back to where they were, under the same limits as any plan."""
    people = lay_out(situation)
    changes: list[Change] = []
    held: list[Held] = []
    for each in done:
        _way_back(situation, people, each, changes, held)
    changes.sort(key=in_order)
    findings = (_about(began, done), *find_limits(situation, people, changes, {}, WAYS_ON_OF_AN_UNDO))
    blocked = any(each.severity is Severity.BLOCK for each in findings)
    held_keys = {each.key for each in held}
    touched = {each.user_id for each in changes} | {each.user_id for each in done if each.changes[-1].key in held_keys}
    counts = {action.value: sum(each.action is action for each in changes) for action in Action}
    return Decision(
        status=PlanStatus.BLOCKED if blocked else PlanStatus.READY if changes else PlanStatus.EMPTY,
        digest=digest(situation.domain, changes),
        counts=counts | {"held": len(held), "unchanged": sum(user not in touched for user in people.user_ids)},
        findings=with_names(findings, people),
        changes=tuple(changes),
        held=tuple(sorted(held, key=lambda each: each.key)),
        baseline=None,  # It proves nothing about HiBob.
        absences=situation.absences,
    )


def _about(began: datetime, done: Sequence[Done]) -> Finding:
    return Finding(
        "undo",
        Severity.INFO,
        f"This is the way back from the run of {began:%Y-%m-%d %H:%M} UTC, for {len(done):,} {'person' if len(done) == 1 else 'people'}. "
        "HiBob was not read for it, and still says what "
        "it said: the next preview would propose the same changes again.",
        "Correct the cause first: the mapping, the scope, or HiBob. A schedule of the domain is paused until somebody switches "
        "it on again.",
        {"counted": len(done)},
    )


def _way_back(situation: Situation, people: People, each: Done, changes: list[Change], held: list[Held]) -> None:
    first, last = each.changes[0], each.changes[-1]
    after = _after(each.changes)
    differing = _changed_since(situation, each, after)
    if differing or each.now is None:
        held.append(Held(last.key, "changed-since", _why_held(differing), last.name))
        return
    for change in _reversed(first, after, each):
        by = _protected_by(situation, people, change) if change.action is Action.ARCHIVE else None
        if by:
            why = f"Added by that run, and protected since: never archived{RELEASED[by]}"
            held.append(Held(last.key, "protected", why, last.name))
        else:
            changes.append(change)


def _why_held(differing: Sequence[str]) -> str:
    what = f"changed since that run ({', '.join(differing)})" if differing else "is no longer in this domain"
    return f"The user {what}. Left as it is: look at them, and change them by hand if need be."


def _after(changes: Sequence[Change]) -> Seen:
    """The user as the last of these changes left them."""
    seen = changes[0].seen or Seen(Status.LIVE, "", {})
    for each in changes:
        values = {name: value or "" for name, value in each.after.items() if name not in RESERVED_NAMES}
        seen = Seen(
            Status(each.after.get("status") or seen.status),
            (each.after["external_id"] or "") if "external_id" in each.after else seen.external_id,
            {**seen.attributes, **values},
        )
    return seen


def _changed_since(situation: Situation, each: Done, after: Seen) -> list[str]:
    if each.now is None:
        return []
    names = [name for name, value in after.attributes.items() if each.now.attributes.get(name, "") != value]
    names += ["status"] if each.now.status is not after.status else []
    names += ["link"] if each.now.external_id != after.external_id else []
    home = next((c.after["domain"] for c in reversed(each.changes) if "domain" in c.after), situation.domain.name)
    return names + (["domain"] if each.domain != home else [])


def _protected_by(situation: Situation, people: People, change: Change) -> Protector | None:
    if change.user_id is None or change.user_id not in people.user_ids:
        return None
    identifier = situation.domain.settings.unique_identifier or ""
    values = change.seen.attributes if change.seen else {}
    names = {change.key, values.get(identifier, "")}
    return protected_by(situation, people, people.user_ids.index(change.user_id), names)


def _reversed(first: Change, after: Seen, each: Done) -> Iterable[Change]:
    """From how the run left the user back to how it found them. The link goes first, so what follows sees it gone."""
    now, key, name = each.now or after, first.key, first.name
    if first.action is Action.ADD:
        before = {"status": Status.LIVE.value}
        why = "Added by that run. The user is archived and stays linked: nobody is ever deleted."
        yield Change(key, Action.ARCHIVE, why, before, {"status": Status.ARCHIVED.value}, each.user_id, now, name)
        return
    was = first.seen or now
    if was.external_id != after.external_id:
        left, right = {"external_id": after.external_id or None}, {"external_id": was.external_id or None}
        yield Change(
            key, Action.LINK, "The link that the run wrote is taken back.", left, right, each.user_id, now, name
        )
        now = replace(now, external_id=was.external_id)
    left, right = _differences(was, after)
    moved = next((c for c in each.changes if c.action is Action.MOVE), None)
    if moved:
        left, right = left | {"domain": moved.after["domain"]}, right | {"domain": moved.before["domain"]}
    if left:
        action = Action.MOVE if moved else _action(was.status, after.status)
        yield Change(key, action, _WHY[action], left, right, each.user_id, now, name)


def _differences(was: Seen, after: Seen) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """(what the run left, what was before it), only where these differ."""
    names = [name for name, value in was.attributes.items() if after.attributes.get(name, "") != value]
    left: dict[str, str | None] = {name: after.attributes.get(name) or None for name in names}
    right: dict[str, str | None] = {name: was.attributes[name] or None for name in names}
    if was.status is not after.status:
        left["status"], right["status"] = after.status.value, was.status.value
    return left, right


def _action(was: Status, after: Status) -> Action:
    if was is after:
        return Action.UPDATE
    return Action.REACTIVATE if was is Status.LIVE else Action.ARCHIVE


_WHY: Mapping[Action, str] = {
    Action.UPDATE: "The values from before that run.",
    Action.REACTIVATE: "Archived by that run.",
    Action.ARCHIVE: "Reactivated by that run.",
    Action.MOVE: "Moved away by that run.",
}
