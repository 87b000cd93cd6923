"""Before Rollcall lets go of a domain: everybody whom it manages is archived, as an ordinary plan (PRODUCT.md, "Limits" and
"Protected" hold as for any). HiBob has no say in it."""

from provisioning.engine.absence import absence_may_touch
from provisioning.engine.limits import find_limits
from provisioning.engine.plan import digest, in_order
from provisioning.engine.protection import RELEASED, protected_by
from provisioning.engine.situation import People, Situation, lay_out, with_names
from provisioning.model import Action, Change, Decision, Finding, Held, PlanStatus, Seen, Severity, Status

WHY = "Rollcall lets go of this domain; whom it manages is archived first."


def make_farewell(situation: Situation) -> Decision:
    """The plan that archives every live user whom absence from HiBob would archive: all of the domain, or those that
    Rollcall added or linked, as the domain's settings say. Protected users stay as they are."""
    people = lay_out(situation)
    changes: list[Change] = []
    held: list[Held] = []
    for user in range(len(people.user_ids)):
        if people.user_live[user] and absence_may_touch(situation, people, user):
            _archive(situation, people, user, changes, held)
    changes.sort(key=in_order)
    findings = (_about(len(changes)), *find_limits(situation, people, changes, {}))
    blocked = any(each.severity is Severity.BLOCK for each in findings)
    counts = {action.value: sum(each.action is action for each in changes) for action in Action}
    left = len(people.user_ids) - len(changes) - len(held)
    return Decision(
        status=PlanStatus.BLOCKED if blocked else PlanStatus.READY if changes else PlanStatus.EMPTY,
        digest=digest(situation.domain, changes),
        counts=counts | {"held": len(held), "unchanged": left},
        findings=with_names(findings, people),
        changes=tuple(changes),
        held=tuple(sorted(held, key=lambda each: each.key)),
        baseline=None,  # It proves nothing about HiBob.
        absences=situation.absences,
    )


def _archive(situation: Situation, people: People, user: int, changes: list[Change], held: list[Held]) -> None:
    user_id, link, name = people.user_ids[user], people.user_links[user], people.user_names[user]
    key = link or f"user:{user_id}"
    values = {attribute: column[user].as_py() or "" for attribute, column in people.user_values.items()}
    identifier = situation.domain.settings.unique_identifier or ""
    by = protected_by(situation, people, user, {key, values.get(identifier, "")})
    if by:
        held.append(Held(key, "protected", f"{WHY} Protected, so never archived{RELEASED[by]}", name))
        return
    versions = situation.users.versions
    seen = Seen(Status.LIVE, link, values, versions[user].as_py() if versions else "")
    before, after = {"status": Status.LIVE.value}, {"status": Status.ARCHIVED.value}
    changes.append(Change(key, Action.ARCHIVE, WHY, before, after, user_id, seen, name))


def _about(count: int) -> Finding:
    return Finding(
        "farewell",
        Severity.INFO,
        f"This archives {count:,} {'user' if count == 1 else 'users'} before Rollcall lets go of the domain. HiBob was not "
        "read for it: the next preview would reactivate them.",
        "Approve and process it, then offboard the domain. A schedule of the domain is paused until somebody switches it on again.",
        {"counted": count},
    )
