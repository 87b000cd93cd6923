"""Who is who: the stored link, then the unique identifier, then the e-mail, each only where it is unique on
both sides (PRODUCT.md, "Matching"). People whose identity is disputed are named and matched with nobody."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import numpy.typing as npt

from provisioning.engine.scope import Mask

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sides:
    """What matching compares, already in comparable form; blank is "". One entry per row on either side."""

    keys: Sequence[str]
    identifiers: Sequence[str]
    emails: Sequence[str]
    user_links: Sequence[str]
    user_identifiers: Sequence[str]
    user_emails: Sequence[str]


@dataclass(slots=True)
class Matches:
    """`user`: per employee the row of their user, or -1. The others: rows that are held, with the reason."""

    user: Index
    linked: Mask
    disputed: dict[int, str] = field(default_factory=dict)
    duplicates: dict[int, str] = field(default_factory=dict)
    disputed_users: dict[int, str] = field(default_factory=dict)


def match(sides: Sides, scope: Mask) -> Matches:
    """Match everybody. Links come first for all; then the domain's own employees by identifier and e-mail;
    those outside the scope get what is left, so that nobody can take a user from the domain's own people."""
    found = Matches(np.full(len(sides.keys), -1, dtype=np.int64), np.zeros(len(sides.keys), dtype=bool))
    everybody = range(len(sides.keys))
    if not _pair_all(found, sides):
        _pair(found, everybody, sides.keys, sides.user_links, "links to this HiBob person")
    found.linked[:] = found.user >= 0
    _duplicates(found, np.flatnonzero(scope).tolist(), sides)
    unmatched = found.user < 0
    for rows in (np.flatnonzero(unmatched & scope).tolist(), np.flatnonzero(unmatched & ~scope).tolist()):
        _pair(found, rows, sides.identifiers, sides.user_identifiers, "has the same unique identifier")
        _pair(found, rows, sides.emails, sides.user_emails, "has the same e-mail")
    return found


def _pair_all(found: Matches, sides: Sides) -> bool:
    """Pair by stored links, all at once, where each stands there once on either side. Says whether it did."""
    linked = [user for user, link in enumerate(sides.user_links) if link]
    users = dict(zip(map(sides.user_links.__getitem__, linked), linked, strict=True))
    if len(users) < len(linked) or len(set(sides.keys)) < len(sides.keys) or "" in sides.keys:
        return False
    found.user[:] = np.fromiter(map(users.get, sides.keys, repeat(-1)), dtype=np.int64, count=len(sides.keys))
    return True


def _duplicates(found: Matches, rows: Iterable[int], sides: Sides) -> None:
    """Employees who share a unique identifier are held; users that would answer to it are left alone."""
    twice = {value for value, count in Counter(map(sides.identifiers.__getitem__, rows)).items() if value and count > 1}
    if not twice:
        return
    shared = _groups(rows, sides.identifiers, twice.__contains__)
    for value, same in shared.items():
        for row in same:
            found.duplicates[row] = f"{len(same)} people in HiBob share the unique identifier “{value}”."
    emails: dict[str, str] = {}
    for value in sorted(shared, reverse=True):
        emails |= {sides.emails[row]: value for row in shared[value] if sides.emails[row]}
    taken = set(found.user.tolist())
    for user, value in enumerate(sides.user_identifiers):
        clash = value if value in shared else emails.get(sides.user_emails[user])
        if clash and user not in taken:
            found.disputed_users[user] = f"People in HiBob share the unique identifier “{clash}” of this user."


def _pair(found: Matches, rows: Iterable[int], theirs: Sequence[str], ours: Sequence[str], what: str) -> None:
    """Pair the still unmatched rows with the still unmatched users of the same value."""
    untaken = np.ones(len(ours), dtype=bool)
    untaken[found.user[found.user >= 0]] = False
    users = _groups((user for user in np.flatnonzero(untaken).tolist() if user not in found.disputed_users), ours)
    if not users:
        return
    open_rows = (
        row for row in rows if found.user[row] < 0 and row not in found.disputed and row not in found.duplicates
    )
    for value, people in _groups(open_rows, theirs, users.__contains__).items():
        candidates = users[value]
        if len(people) == 1 and len(candidates) == 1:
            found.user[people[0]] = candidates[0]
            continue
        why = f"{_count(len(people), 'person', 'people')} in HiBob and {_count(len(candidates), 'user', 'users')}: each {what}."
        found.disputed.update(dict.fromkeys(people, why))
        found.disputed_users.update(dict.fromkeys(candidates, why))


def _groups(
    rows: Iterable[int], values: Sequence[str], wanted: Callable[[str], bool] | None = None
) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for row in rows:
        value = values[row]
        if value and (wanted is None or wanted(value)):
            groups.setdefault(value, []).append(row)
    return groups


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
