"""Why somebody is, or is not, in a domain: as things are now, and as any past run saw them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from provisioning.engine import columns as known
from provisioning.engine.columns import fed_by
from provisioning.engine.explain import (
    Answer,
    Candidate,
    SeveralFit,
    Step,
    explain_person,
    same_name,
    who_is_there,
    with_name,
)
from provisioning.engine.situation import Situation
from provisioning.errors import NotFound
from provisioning.model import Action, Change, Domain, Held, Outcome, Plan, Result, Run
from provisioning.report.called import RESULTS
from provisioning.store import approvals, decisions, person_past, plans, runs, snapshots
from provisioning.store.codec import to_moment
from provisioning.store.decisions import DecisionKind
from provisioning.workflow.directories import known_users
from provisioning.workflow.house import Workspace, seen_domain
from provisioning.workflow.planning import kept_read, situation_of
from provisioning.workflow.reviewing import shared_by
from provisioning.workflow.stored_plans import run_seen

USER = "user:"
_DID = {
    Action.ADD: "added",
    Action.UPDATE: "updated",
    Action.REACTIVATE: "reactivated",
    Action.ARCHIVE: "archived",
    Action.MOVE: "moved",
    Action.LINK: "linked",
}


@dataclass(frozen=True, slots=True)
class Then:
    """One person as a past run saw them: the answer, and what the plan meant to change."""

    answer: Answer
    changes: tuple[Change, ...]


def explain(house: Workspace, label: str, person: str) -> Answer:
    """Why somebody is, or is not, in the domain: from HiBob as it was read last, and the directory as it is now. Whom
    neither side knows by that name any more, past runs may. Raises `NotFound`."""
    domain = seen_domain(house, label, "see why somebody is there")
    situation: Situation | None = None
    try:
        situation = _situation(house, domain)
        answer = _now(house, situation, person)
    except SeveralFit:
        raise
    except NotFound:
        found = _remembered(house, domain, situation, person) if person.strip() else None
        if found is None:
            raise
        answer = found
    answer = replace(answer, also=_all_keys(house, domain, answer))
    answer = _with_move(house, domain, answer)
    past = runs.outcomes_of_person(house.db, domain.id, [answer.key, *answer.also])
    return answer.with_past([(at, each.action.value, _ended(each.result), each.message) for at, each in past])


def _now(house: Workspace, situation: Situation, person: str) -> Answer:
    try:
        return _with_decisions(house, situation, explain_person(situation, person))
    except SeveralFit:
        raise
    except NotFound:
        # The id of a record that was joined with another: the user goes on under the other's.
        user = person_past.user_once_linked(house.db, situation.domain.id, person.strip())
        if user is None:
            raise
        answer = _with_decisions(house, situation, explain_person(situation, user))
        return replace(answer, person=person)


def _with_decisions(house: Workspace, situation: Situation, answer: Answer) -> Answer:
    """What a person decided is the reason, and said with who decided it and when."""
    domain, keys = situation.domain, [answer.key, *answer.also]
    for each in decisions.decisions_made(house.db, domain.id):
        if each.kind is DecisionKind.PROTECT and each.key in keys:
            answer = answer.kept_active(each.by, to_moment(each.at))
    left = person_past.left_out(house.db, domain.id, keys, answer.actions)
    return answer.left_out(*left) if left else answer


def _remembered(house: Workspace, domain: Domain, situation: Situation | None, person: str) -> Answer | None:
    """Somebody whom past runs know so: as they are now, where either side still has them. `situation` None: nothing is kept
    of a domain that left. Raises `SeveralFit`."""
    email = fed_by(domain.attributes, situation.columns, known.EMAIL) if situation else None
    ids = [each for each in (domain.settings.unique_identifier, email) if each]
    found = dict(person_past.remembered(house.db, domain.id, person.strip(), ids))
    there = _there(house, situation, found) if situation and found else {}
    gone = [key for key in found if key not in there]
    # A user whom HiBob had forgotten already is known by a key of their own, and was added under HiBob's.
    hibob = [key for key in gone if not key.startswith(USER)] or gone
    fitting = {each.key: each for each in there.values()}
    fitting |= {key: Candidate(key, found[key], "", "only past runs know them") for key in hibob}
    if len(fitting) > 1:
        raise SeveralFit(person, fitting.values())
    if situation and there:
        key, now = next(iter(there.items()))
        answer = _with_decisions(house, situation, explain_person(situation, now.key))
        said = answer.answer if same_name(found[key], now.name) else f"Now {now.name}. {answer.answer}"
        return replace(answer, person=person, answer=said)
    if not gone:
        return None
    said = "Not here any more: neither HiBob’s last answer nor the directory knows them."
    return Answer(person, gone[0], said, (), tuple(gone[1:]), name=found[gone[0]])


def _there(house: Workspace, situation: Situation, keys: Iterable[str]) -> dict[str, Candidate]:
    """Who has these keys now; or, of a record that was joined with another, who goes on under the other's."""
    joined = {key: person_past.user_once_linked(house.db, situation.domain.id, key) for key in keys}
    there = who_is_there(situation, [*joined, *(f"{USER}{user}" for user in joined.values() if user)])
    now = {key: there.get(key) or there.get(f"{USER}{user}") for key, user in joined.items()}
    return {key: each for key, each in now.items() if each}


def _situation(house: Workspace, domain: Domain) -> Situation:
    employees, _ = snapshots.load_snapshots(house.snapshots, domain.id)
    # The kept users are from before the last run: whoever it added would seem to wait for being added.
    fed = sorted(each.name for each in domain.attributes if each.data_feed_name)
    users_now = known_users(house, domain, fed)
    return situation_of(house, domain, kept_read(house, domain, employees), users_now)


def _all_keys(house: Workspace, domain: Domain, answer: Answer) -> tuple[str, ...]:
    """The person's other keys, with those that runs knew the same user by."""
    users = [key.removeprefix(USER) for key in (answer.key, *answer.also) if key.startswith(USER)]
    earlier = [key for user in users for key in person_past.earlier_keys(house.db, domain.id, user)]
    return tuple(key for key in dict.fromkeys([*answer.also, *earlier]) if key != answer.key)


def _with_move(house: Workspace, domain: Domain, answer: Answer) -> Answer:
    """Somebody who has no user here because a run moved them is told where to."""
    moved = person_past.moved_to(house.db, domain.id, [answer.key, *answer.also])
    here = any(each.step == "user" and each.detail.startswith("User ") for each in answer.steps)
    if moved is None or here or moved[1] == domain.name:
        return answer
    at, home = moved
    told = f"Moved to the domain “{home}” by the run of {at[:16].replace('T', ' ')} UTC: look for them there."
    return replace(answer, answer=told)


def explain_then(house: Workspace, label: str, person: str, run_id: str) -> Then:
    """The same question to a past run of the domain: what its preview saw, who approved it, what was done. Raises
    `NotFound`."""
    now, run = explain(house, label, person), run_seen(house, run_id)
    domain = seen_domain(house, label, "see why somebody is there")
    if run.domain_id != domain.id:
        raise NotFound(f"Run “{run_id}” is not one of {label}. The history lists those there are.")
    keys = [now.key, *now.also]
    plan = plans.plan_head(house.db, run.plan_id)
    changes, held = person_past.in_plan(house.db, plan.id, keys)
    others = shared_by(house, plan.id, keys)
    held = [replace(each, why=others.get(each.key, "") + each.why) for each in held]
    outcomes = [each for each in run.outcomes if each.key in keys]
    steps = [Step("HiBob", f"Read on {plan.read_at:%Y-%m-%d} at {plan.read_at:%H:%M} UTC for the preview of that run.")]
    steps += [_as_seen(changes[0])] if changes else []
    steps += [_lifecycle(changes)]
    steps += [Step("held", f"{each.code}: {each.why}") for each in held]
    steps += [Step("change", f"To be {_DID[each.action]}: {each.why}") for each in changes]
    steps += _approved(house, plan, keys) if changes else []
    steps += [Step("run", f"{_outcome(each)}. {each.message}".rstrip()) for each in outcomes]
    return Then(
        Answer(
            person,
            now.key,
            _then(held, outcomes, _added_later(house, domain, keys, run)),
            tuple(steps),
            now.also,
            name=now.name,
        ),
        tuple(changes),
    )


def _lifecycle(changes: Sequence[Change]) -> Step:
    """What the plan keeps of it: why somebody was to become live or archived."""
    whys = [each.why for each in changes if each.action not in (Action.UPDATE, Action.LINK)]
    if whys:
        return Step("lifecycle", " ".join(whys))
    stays = "Their user was to stay live or archived as it was. " if changes else ""
    return Step("lifecycle", f"{stays}What HiBob said of their status then is not kept.")


def _as_seen(change: Change) -> Step:
    if change.seen is None:
        return Step("user", "No user of this domain belonged to them.")
    link = f"linked to {change.seen.external_id}" if change.seen.external_id else "not linked to HiBob"
    return Step("user", f"User {with_name(change.user_id or '', change.name)}: {change.seen.status.value}, {link}.")


def _approved(house: Workspace, plan: Plan, keys: list[str]) -> list[Step]:
    approval = approvals.get_approval(house.db, plan.id)
    if approval is None:
        return []
    left = " They were left out." if set(keys) & set(approval.left_out) else ""
    return [Step("approval", f"Approved by {approval.by} on {approval.at:%Y-%m-%d} at {approval.at:%H:%M} UTC.{left}")]


def _ended(result: Result) -> str:
    """A result in the words of the pages."""
    return RESULTS[result.value].lower()


def _outcome(each: Outcome) -> str:
    did = _DID[each.action]
    return did.capitalize() if each.result is Result.DONE else f"To be {did}, {_ended(each.result)}"


def _added_later(house: Workspace, domain: Domain, keys: Sequence[str], run: Run) -> str:
    """When the first that a run ever did for somebody was to add them, and that was after this one; "" otherwise."""
    done = [each for each in runs.outcomes_of_person(house.db, domain.id, keys) if each[1].result is Result.DONE]
    if not done:
        return ""
    at, first = done[-1]
    return at if first.action is Action.ADD and at > run.started_at.isoformat() else ""


def _then(held: list[Held], outcomes: list[Outcome], added_later: str) -> str:
    left_out = [each for each in outcomes if each.result is Result.SKIPPED]
    if left_out:
        what, why = " and ".join(_DID[each.action] for each in left_out), left_out[0].message
        return f"Not {what} by that run. {why}"
    if outcomes:
        return f"{' and '.join(_outcome(each) for each in outcomes)} by that run."
    if held:
        return f"Held back ({held[0].code}): {held[0].why}"
    if added_later:
        return f"Not here yet: a later run added them, on {added_later[:16].replace('T', ' ')} UTC."
    return "Unchanged: that run did nothing for them."
