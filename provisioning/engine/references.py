"""References to managers, once it is known who will have a user: a reference to somebody without one is left as it is,
and said, instead of failing night after night."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as ReadOnlySet
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine.situation import People, Situation
from provisioning.engine.texts import Texts, one_of
from provisioning.model import Action, AttributeType, Change, Finding, Held, Severity
from provisioning.naming import some_of

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Settled:
    """The changes without references to nobody, who is held now because a required one is missing, and what to say."""

    changes: list[Change]
    held: list[Held]
    findings: tuple[Finding, ...] = ()


def leave_references(situation: Situation, people: People, changes: Sequence[Change]) -> Settled:
    """Take out of the changes every reference to somebody who shares their unique identifier with others, or will have
    no user: neither here after this run, nor in another domain of the customer. Whoever would be left without a
    required one is held."""
    names = _reference_names(situation, people)
    referred = {value for change in changes for name in names if (value := change.after.get(name))}
    if not referred:
        return Settled(list(changes), [])
    shared, there = _shared(situation, people, referred), _there(situation, people, referred)
    held: dict[str, Held] = {}
    while True:
        going = [each for each in changes if each.key not in held]
        users = (there | _made(situation, going)) - shared
        # Who is held now may have been the manager of somebody else: look once more.
        more = [each for change in going for each in _without_required(situation, change, names, users)]
        if not more:
            break
        held |= {each.key: each for each in more}
    left = [
        (each, [name for name in names if each.after.get(name) and each.after[name] not in users]) for each in going
    ]
    kept = [_without(change, gone) if gone else change for change, gone in left]
    found = _findings([(change, name) for change, gone in left for name in gone], shared, situation, people)
    return Settled([each for each in kept if each is not None], list(held.values()), tuple(found))


def _reference_names(situation: Situation, people: People) -> list[str]:
    attributes = situation.domain.attributes
    return [each.name for each in attributes if each.type is AttributeType.USER and each.name in people.mapped]


def _identifiers(situation: Situation, people: People) -> pa.Array | None:
    found = people.mapped.get(situation.domain.settings.unique_identifier or "")
    return found.values if found else None


def _shared(situation: Situation, people: People, among: ReadOnlySet[str]) -> ReadOnlySet[str]:
    values = _identifiers(situation, people)
    if values is None:
        return frozenset()
    found = Texts(values)
    return {value for value, count in Counter(found.at(found.rows_of(among))).items() if count > 1}


def _there(situation: Situation, people: People, among: ReadOnlySet[str]) -> ReadOnlySet[str]:
    """Identifiers of employees whose own user has them already, and of users in the customer's other domains."""
    wanted, users = _identifiers(situation, people), people.matches.user
    elsewhere = Texts(situation.elsewhere)
    there = set(elsewhere.at(elsewhere.rows_of(among)))
    name = situation.domain.settings.unique_identifier or ""
    if wanted is None or name not in people.user_values:
        return there
    rows = np.flatnonzero((users >= 0) & one_of(wanted, among))
    mine = wanted.take(pa.array(rows))
    theirs = people.user_values[name].take(pa.array(users[rows]))
    return there | set(mine.filter(pc.equal(mine, theirs)).to_pylist())


def _made(situation: Situation, changes: Iterable[Change]) -> ReadOnlySet[str]:
    """Identifiers that users get in this run."""
    name = situation.domain.settings.unique_identifier or ""
    return {value for change in changes if (value := change.after.get(name))}


def _without_required(
    situation: Situation, change: Change, names: Sequence[str], users: ReadOnlySet[str]
) -> Iterable[Held]:
    old = change.seen.attributes if change.seen else {}
    for each in situation.domain.attributes:
        wanted = change.after.get(each.name)
        if each.required and each.name in names and wanted and wanted not in users and not old.get(each.name):
            why = (
                f"{each.name} is required, and “{wanted}” in HiBob has no user of their own yet. Released by the run after "
                "the one that adds them, or by another value in HiBob."
            )
            yield Held(change.key, "required-blank", why, change.name)
            return


def _without(change: Change, gone: Sequence[str]) -> Change | None:
    """The change without these attributes; None when nothing is left of it."""
    before, after = ({n: v for n, v in side.items() if n not in gone} for side in (change.before, change.after))
    if change.action is Action.UPDATE and not after:
        return None
    why = change.why.replace(differs(_attributes(change.after)), differs(_attributes(after))).strip()
    return replace(change, before=before, after=after, why=why)


def _attributes(after: Mapping[str, str | None]) -> list[str]:
    return [name for name in after if name != "status"]


def differs(names: Sequence[str]) -> str:
    """Why somebody is changed, as a plan says it; "" where nothing differs."""
    return f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'} from HiBob." if names else ""


def _findings(
    left: Sequence[tuple[Change, str]], shared: ReadOnlySet[str], situation: Situation, people: People
) -> Iterable[Finding]:
    twice = [(change, name) for change, name in left if change.after[name] in shared]
    nobody = [(change, name) for change, name in left if change.after[name] not in shared]
    if twice:
        yield _finding(
            "manager-shared",
            Severity.WARN,
            twice,
            _employees(situation, people, twice),
            "shares a unique identifier with others",
            "Give each their own unique identifier in HiBob.",
        )
    if nobody:
        yield _finding(
            "manager-without-user",
            Severity.INFO,
            nobody,
            _employees(situation, people, nobody),
            "has no user in Skillcast",
            "Nothing to do if they need none. Otherwise find out why they are held back or out of scope: the value follows by "
            "itself once they have a user.",
        )


def _employees(situation: Situation, people: People, left: Sequence[tuple[Change, str]]) -> tuple[str, ...]:
    """The keys of those who have the identifiers that these references name, as far as HiBob returns them."""
    values = _identifiers(situation, people)
    if values is None:
        return ()
    rows = Texts(values).rows_of({change.after[name] or "" for change, name in left})
    return tuple(sorted(people.keys.at(rows)))


def _finding(
    code: str,
    severity: Severity,
    left: Sequence[tuple[Change, str]],
    managers: tuple[str, ...],
    what: str,
    remedy: str,
) -> Finding:
    keys = tuple(sorted({change.key for change, _ in left}))
    whom = sorted({change.after[name] or "" for change, name in left})
    message = (
        f"The {', '.join(sorted({name for _, name in left}))} of {len(keys):,} {'person' if len(keys) == 1 else 'people'} "
        f"{what} ({some_of(whom, MOST_NAMED)}). Their value stays as it is; people who are added get none."
    )
    return Finding(code, severity, message, remedy, {"counted": len(keys)}, keys, managers=managers)
