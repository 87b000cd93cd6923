"""A stored plan told in few words: its headline, what its people share, how it differs from the one before."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.columns import Catalogue, read_as
from provisioning.errors import NotFound, SettingsError
from provisioning.model import Action, Approval, AttributeType, Domain, Plan, RunStatus, Users
from provisioning.naming import OWNED, SHARING, owner_in, sharing, some_of, user_called
from provisioning.report.called import by_whom
from provisioning.report.differences import with_name
from provisioning.report.evidence import evidence_rows
from provisioning.report.groups import Group, grouped
from provisioning.report.headline import FEW, Shared, against, but_for, happened, headline, newest_of
from provisioning.report.text import moment as in_utc
from provisioning.store import approvals, plan_groups, plans, runs, snapshots
from provisioning.workflow.connections import fields_known
from provisioning.workflow.house import Workspace
from provisioning.workflow.stored_plans import domain_of, plan_seen, run_of, run_seen, ways_back

NAMED = 5
"""So many who are proposed again are named."""
AGAIN: Mapping[str, Sequence[str]] = {
    "archive": ("add", "reactivate"), "reactivate": ("archive",), "update": ("update",), "link": ("link",), "move": ("move",),
}  # fmt: skip
"""What a way back did → what would do again what it took back."""
MOST_GROUPS = 40
"""So many shared changes are told."""


def headline_of(house: Workspace, plan_id: str, left_out: Sequence[str] | None = None) -> str:
    """Is it safe, what happens, to whom: in words. `left_out`: who is not counted; None: whom the approval leaves out. Once it
    was begun what happened counts alone."""
    plan = plan_seen(house, plan_id)
    approval = approvals.get_approval(house.db, plan.id)
    if run := plans.run_statuses(house.db, plan.domain_id).get(plan.id):
        return _headline_of_past(house, plan, approval, over=run in (RunStatus.DONE, RunStatus.PARTIAL))
    if left_out is None:
        left_out = approval.left_out if approval else ()
    return headline(
        replace(plan, counts=counts_without(house, plan.id, left_out)),
        plan_groups.updated_attributes(house.db, plan.id, left_out),
        plan_groups.names_of_few(house.db, plan.id, FEW, left_out),
        approval.overrides if approval else (),
        _most_shared(house, plan, left_out),
        len(left_out),
    )


def _headline_of_past(house: Workspace, plan: Plan, approval: Approval | None, *, over: bool) -> str:
    done, ended = runs.done_of_plan(house.db, plan.id), runs.not_done_of_plan(house.db, plan.id)
    others = sorted({key for keys in ended.values() for key in keys})
    # While it goes on nobody knows yet who of the plan is done.
    names = plan_groups.names_of_few(house.db, plan.id, FEW, others) if over else {}
    named = {action: who for action, who in names.items() if len(who) == done.get(action)}
    was = replace(plan, counts={**plan.counts, **{each.value: done.get(each.value, 0) for each in Action}})
    return happened(
        was,
        {result: len(keys) for result, keys in ended.items()},
        plan_groups.updated_attributes(house.db, plan.id, others) if over else {},
        named,
        approval.overrides if approval else (),
        _most_shared(house, was, others) if over else None,
        over=over,
    )


def results_of(house: Workspace, plan_id: str) -> dict[str, int]:
    """What became of a plan that was begun: changes done per action, and of the others people per result; who was held back, and
    who stays as they are."""
    plan = plan_seen(house, plan_id)
    ended = {result: len(keys) for result, keys in runs.not_done_of_plan(house.db, plan.id).items()}
    kept = {name: plan.counts.get(name, 0) for name in ("held", "unchanged")}
    return runs.done_of_plan(house.db, plan.id) | ended | kept


def counts_without(house: Workspace, plan_id: str, left_out: Sequence[str] | None = None) -> dict[str, int]:
    """The numbers of a plan, those of these people taken off; None: of those whom the approval leaves out."""
    plan = plan_seen(house, plan_id)
    if left_out is None:
        approval = approvals.get_approval(house.db, plan.id)
        left_out = approval.left_out if approval else ()
    out = plan_groups.actions_of(house.db, plan.id, left_out) if left_out else {}
    return {name: count - out.get(name, 0) for name, count in plan.counts.items()}


def _most_shared(house: Workspace, plan: Plan, left_out: Sequence[str]) -> Shared | None:
    """The change that most of those to be updated share. Whoever comes back may share it too, and is not to be counted."""
    if plan.counts.get("update", 0) <= FEW or plan.counts.get("reactivate"):
        return None
    found = groups_of(house, plan.id, 1, left_out)
    return (found[0].attribute, found[0].before, found[0].after, found[0].people) if found else None


def but_for_left_out(house: Workspace, plan_id: str, left_out: Sequence[str]) -> str:
    """How much of a plan stays, and who is left out; "" when nobody is. `left_out`: who is left out of this one too, and not told."""
    plan = plan_seen(house, plan_id)
    if not left_out:
        return ""
    every = sum(plan.counts.get(each.value, 0) for each in Action)
    out = sum(plan_groups.actions_of(house.db, plan.id, left_out).values())
    names = plans.names_of(house.db, plan.id, left_out) if len(left_out) <= FEW else {}
    return but_for(every, out, len(left_out), [names.get(key) or key for key in left_out] if names else ())


def without_their_manager(house: Workspace, plan_id: str, left_out: Sequence[str]) -> str:
    """Who of a plan would refer to somebody who is left out, and so is no user yet, in words; "" where nobody does."""
    plan = plan_seen(house, plan_id)
    domain = domain_of(house, plan)
    names = [each.name for each in domain.attributes if each.type is AttributeType.USER]
    identifier = domain.settings.unique_identifier
    if not (left_out and names and identifier):
        return ""
    found = plan_groups.referring_to_left_out(house.db, plan.id, identifier, names, left_out)
    if not found:
        return ""
    who = f"{'1 person has' if len(found) == 1 else f'{len(found):,} people have'} a manager who is left out and has no user yet"
    portal = "Skillcast takes everything but the manager then, and the run calls that failed"
    then = portal if domain.settings.scim else "Their manager is a number that no user has until then"
    return f"{who}: {some_of(found, NAMED)}. {then}."


def taken_back(house: Workspace, plan_id: str) -> str:
    """That what a plan's runs did was taken back, when and by whom, in words; "" where it was not."""
    back, run = ways_back(house, plan_id), run_of(house, plan_id)
    told = []
    while run:
        if by := back.get(run.id):
            what = "What the retry did" if run.retry_of else "What was done"
            told += [f"{what} was taken back since: {by.started_at:%Y-%m-%d %H:%M} UTC, by {by_whom(by.by)}."]
        run = run_seen(house, run.retry_of) if run.retry_of else None
    return " ".join(told[::-1])


def proposed_again(house: Workspace, plan_id: str, left_out: Sequence[str] = ()) -> str:
    """Who was left out of the last run, failed in it or was taken back by it, and is among the changes again, in words; "" where
    nobody is."""
    plan = plan_seen(house, plan_id)
    if plan.undo_of:
        return ""
    out = plans.left_out_last(house.db, plan.domain_id, plan.made_at)
    failed = plans.failed_last(house.db, plan.domain_id, plan.made_at)
    back = plans.taken_back_last(house.db, plan.domain_id, plan.made_at)
    undone = [(key, does, name) for key, did, name in back.people for does in AGAIN.get(did, ())]
    return " ".join(
        f"{what} the run of {began:%Y-%m-%d %H:%M} UTC, and proposed again: {some_of(names, NAMED)}."
        for what, began, people in (
            ("Left out of", out.began, out.people),
            ("Failed in", failed.began, failed.people),
            ("Taken back by", back.began, undone),
        )
        if (names := [name for key, _, name in plans.among(house.db, plan.id, people) if key not in left_out])
    )


def groups_of(house: Workspace, plan_id: str, most: int = MOST_GROUPS, left_out: Sequence[str] = ()) -> list[Group]:
    """What several people of a plan share, most first, and at most so many."""
    plan = plan_seen(house, plan_id)
    found = grouped(plan_groups.shared_values(house.db, plan.id, most, left_out))
    names = reference_names(
        house, plan.id, ((each.attribute, value) for each in found for value in (each.before, each.after))
    )
    return [
        replace(
            each,
            before=with_name(each.before, names.get((each.attribute, each.before))),
            after=with_name(each.after, names.get((each.attribute, each.after))),
        )
        for each in found
    ]


def reference_names(
    house: Workspace, plan_id: str, pairs: Iterable[tuple[str, str | None]]
) -> dict[tuple[str, str], str]:
    """Of these (attribute, value): what to call the user whom a reference means, such as a manager, where that is known.
    Calls nobody; looks at no user where there is no reference."""
    plan = plan_seen(house, plan_id)
    domain = domain_of(house, plan)
    references = {each.name for each in domain.attributes if each.type is AttributeType.USER}
    wanted = [(name, value) for name, value in pairs if value and name in references]
    identifier, values = domain.settings.unique_identifier or "", sorted({value for _, value in wanted})
    if not values or not identifier:
        return {}
    called = _called_now(house, domain, identifier, values)
    new = [value for value in values if value not in called]
    called |= plan_groups.names_of_new(house.db, plan.id, identifier, new) if new else {}
    return {pair: called[pair[1]] for pair in wanted if pair[1] in called}


def _called_now(house: Workspace, domain: Domain, identifier: str, values: list[str]) -> dict[str, str]:
    """Unique identifier → the name of the user who has it, of the directory as it was read last."""
    feeds = _feeds(house, domain)
    names = [feeds[field][0] for field in (known.FIRST_NAME, known.SURNAME) if field in feeds]
    try:
        users = snapshots.load_users(house.snapshots, domain.id, [identifier, *names]).attributes
    except NotFound:
        return {}
    columns = [users[name] for name in (identifier, *names) if name in users]
    if identifier not in users or len(columns) < 2:
        return {}
    among = pc.is_in(columns[0], pa.array(values, pa.string()))
    rows = zip(*(column.filter(among).to_pylist() for column in columns), strict=True)
    return {has: name for has, *parts in rows if (name := " ".join(filter(None, parts)))}


def compared_with_last(
    house: Workspace, plan_id: str, moment: Callable[[datetime], str] = in_utc, left_out: Sequence[str] = ()
) -> str:
    """How a plan differs from the one before it, or, once that was processed, how it differs without those `left_out` from what
    was approved of it; "" for a domain's first, the one after its first import or after a way back, and for an undo. `moment`: how
    whoever reads it has the time."""
    plan = plan_seen(house, plan_id)
    before = None if plan.undo_of else plan_groups.plan_before(house.db, plan.id)
    if before is None or plan_groups.undone_since(house.db, plan.id, before):
        return ""
    last = plans.plan_head(house.db, before)
    begun = plans.run_statuses(house.db, plan.domain_id)
    if before in begun:
        # Its oldest run was the import: that everybody was new then is nothing to compare with.
        if next(iter(begun)) == before:
            return ""
        now, then = counts_without(house, plan.id, left_out), counts_without(house, before)
        return against("what was approved of the preview processed last", moment(last.made_at), now, then)
    people = newest_of(*plan_groups.differing_people(house.db, plan.id, before))
    return against("the preview before it", moment(last.made_at), plan.counts, last.counts, people)


def evidence_of(house: Workspace, plan_id: str) -> list[tuple[str, str]]:
    """What a plan's read of HiBob proved, as (label, text), with the attributes that a column feeds by their names."""
    plan = plan_seen(house, plan_id)
    return [(label.strip(), text) for label, text in evidence_rows(plan.evidence, _fed(house, plan))]


def _fed(house: Workspace, plan: Plan) -> dict[str, str]:
    """Column → the attributes that it feeds, as the mapping is now; of an earlier version's plan nothing is said."""
    domain = domain_of(house, plan)
    if plan.mapping_version != domain.mapping_version:
        return {}
    return {column: ", ".join(attributes) for column, attributes in _feeds(house, domain).items()}


def _feeds(house: Workspace, domain: Domain) -> dict[str, list[str]]:
    """Column → the attributes that it feeds, in the mapping's order."""
    catalogue, found = Catalogue(fields_known(house, domain.label)), dict[str, list[str]]()
    for each in domain.attributes:
        with suppress(SettingsError):
            column = catalogue.resolve(each.data_feed_name) if each.data_feed_name else None
            for name in {column.field, read_as(each, column).slot} if column else ():
                found.setdefault(name, []).append(each.name)
    return found


def held_by_reason(house: Workspace, plan_id: str) -> dict[str, int]:
    """How many people a plan holds back, per code, most first."""
    return plan_groups.held_by_code(house.db, plan_seen(house, plan_id).id)


def shared_by(house: Workspace, plan_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Of these people, with whom they share what they are held back for, or who the user is who has it, in words: by key."""
    plan = plan_seen(house, plan_id)
    owners = {each.key: owner_in(each.why) for each in plan_groups.held_for(house.db, plan.id, OWNED, keys)}
    called = _users_called(house, domain_of(house, plan), set(owners.values()) - {""})
    told = {key: called[user] for key, user in owners.items() if user in called}
    return told | sharing(plan_groups.held_like(house.db, plan.id, SHARING, keys))


def _users_called(house: Workspace, domain: Domain, ids: Collection[str]) -> dict[str, str]:
    """Id → who that user is, in words, of the directory as it was read last. Looks at nobody where nobody is asked for."""
    if not ids:
        return {}
    feeds = _feeds(house, domain)
    first, last, email = ([*feeds.get(each, ())][:1] for each in (known.FIRST_NAME, known.SURNAME, known.EMAIL))
    try:
        users = snapshots.load_users(house.snapshots, domain.id, [*first, *last, *email])
    except NotFound:
        return {}
    among = pc.is_in(users.ids, pa.array(sorted(ids), pa.string()))
    names, emails = (
        [" ".join(filter(None, each)) for each in zip(*_those(users, which, among), strict=True)]
        for which in ([*first, *last], email)
    )
    found = users.ids.filter(among).to_pylist()
    told = zip(found, names or [""] * len(found), emails or [""] * len(found), strict=True)
    return {user: user_called(user, name, address) for user, name, address in told}


def _those(users: Users, names: Sequence[str], among: pa.Array) -> list[list[str | None]]:
    return [users.attributes[name].filter(among).to_pylist() for name in names if name in users.attributes]
