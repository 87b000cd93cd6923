"""Who is who: the stored link, then the unique identifier, then the e-mail, each only where it is unique on
both sides (PRODUCT.md, "Matching"). People whose identity is disputed are named and matched with nobody."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

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
    _pair(found, everybody, sides.keys, sides.user_links, "links to this HiBob person")
    found.linked[:] = found.user >= 0
    inside = [row for row in everybody if scope[row]]
    _duplicates(found, inside, sides)
    for rows in (inside, [row for row in everybody if not scope[row]]):
        _pair(found, rows, sides.identifiers, sides.user_identifiers, "has the same unique identifier")
        _pair(found, rows, sides.emails, sides.user_emails, "has the same e-mail")
    return found


def _duplicates(found: Matches, rows: Iterable[int], sides: Sides) -> None:
    """Employees who share a unique identifier are held; users that would answer to it are left alone."""
    shared = {value: same for value, same in _groups(rows, sides.identifiers).items() if len(same) > 1}
    if not shared:
        return
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
    taken = set(found.user.tolist())
    free = (user for user in range(len(ours)) if user not in taken and user not in found.disputed_users)
    users = _groups(free, ours)
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
