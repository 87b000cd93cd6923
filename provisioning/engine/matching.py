"""Who is who: the stored link, then the unique identifier, then the e-mail, each only where it is unique on
both sides (PRODUCT.md, "Matching"). People whose identity is disputed are named and matched with nobody."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from provisioning.engine.texts import Index, Mask, is_filled, one_of


@dataclass(frozen=True, slots=True)
class Sides:
    """What matching compares, already in comparable form, as columns of text; blank is "". One entry per row on either
    side."""

    keys: pa.Array
    identifiers: pa.Array
    emails: pa.Array
    user_links: pa.Array
    user_identifiers: pa.Array
    user_emails: pa.Array


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
    _pair(found, np.ones_like(scope), sides.keys, sides.user_links, "links to the HiBob person")
    found.linked[:] = found.user >= 0
    _duplicates(found, scope, sides)
    for rows in (scope, ~scope):
        _pair(found, rows, sides.identifiers, sides.user_identifiers, "has the unique identifier")
        _pair(found, rows, sides.emails, sides.user_emails, "has the e-mail")
    return found


def without(mask: Mask, rows: Iterable[int]) -> Mask:
    """The mask without these rows."""
    left = mask.copy()
    left[list(rows)] = False
    return left


def taken(found: Matches, users: int) -> Mask:
    """Which of so many users somebody is matched with."""
    mask = np.zeros(users, dtype=bool)
    mask[found.user[found.user >= 0]] = True
    return mask


def _duplicates(found: Matches, scope: Mask, sides: Sides) -> None:
    """Employees who share a unique identifier are held; users that would answer to it are left alone."""
    shared = _shared(sides.identifiers, scope)
    if not shared:
        return
    emails: dict[str, str] = {}
    # Where people of several identifiers have one e-mail, the least of these is named.
    for value, rows in sorted(shared.items(), reverse=True):
        why = _why_shared(len(rows), value)
        found.duplicates |= dict.fromkeys(rows, why)
        emails |= {email: value for row in rows if (email := sides.emails[row].as_py())}
    clashing = one_of(sides.user_identifiers, shared) | one_of(sides.user_emails, emails)
    for user in np.flatnonzero(clashing & ~taken(found, len(clashing))).tolist():
        value = sides.user_identifiers[user].as_py()
        clash = value if value in shared else emails[sides.user_emails[user].as_py()]
        found.disputed_users[user] = _why_shared(len(shared[clash]), clash, ", which this user answers to.")


def _why_shared(people: int, value: str, more: str = ".") -> str:
    """For all who share it the same up to what is quoted."""
    return f"{people} people in HiBob share the unique identifier “{value}”{more}"


def _shared(values: pa.Array, among: Mask) -> dict[str, list[int]]:
    """The values that several of these rows have, with their rows; blank is no value."""
    rows, having = _with_value(values, among)
    encoded = having.dictionary_encode()
    codes = encoded.indices.to_numpy()
    several = np.bincount(codes, minlength=len(encoded.dictionary)) > 1
    return {encoded.dictionary[code].as_py(): same for code, same in _by_code(rows, codes, several).items()}


def _pair(found: Matches, among: Mask, theirs: pa.Array, ours: pa.Array, what: str) -> None:
    """Pair the still unmatched of these rows with the still unmatched users of the same value."""
    free = without(without((found.user < 0) & among, found.disputed), found.duplicates)
    free_users = without(~taken(found, len(ours)), found.disputed_users)
    rows, having = _with_value(theirs, free)
    users, had = _with_value(ours, free_users)
    if not len(rows) or not len(users):
        return
    # One dictionary for both sides: whoever has the same code has the same value.
    values = pa.concat_arrays([having, had]).dictionary_encode()
    people, candidates = np.split(values.indices.to_numpy(), [len(rows)])
    count, count_users = (np.bincount(codes, minlength=len(values.dictionary)) for codes in (people, candidates))
    user_of = np.full(len(values.dictionary), -1, dtype=np.int64)
    user_of[candidates] = users
    unique = (count == 1) & (count_users == 1)
    mine = unique[people]
    found.user[rows[mine]] = user_of[people[mine]]
    disputed = (count > 0) & (count_users > 0) & ~unique
    theirs_of, ours_of = _by_code(rows, people, disputed), _by_code(users, candidates, disputed)
    for code, same in theirs_of.items():
        those = ours_of[code]
        why = (
            f"{_count(len(same), 'person', 'people')} in HiBob and {_count(len(those), 'user', 'users')}: each {what} "
            f"“{values.dictionary[code].as_py()}”."
        )
        found.disputed |= dict.fromkeys(same, why)
        found.disputed_users |= dict.fromkeys(those, why)


def _with_value(values: pa.Array, among: Mask) -> tuple[Index, pa.Array]:
    """(the rows of these that have a value, the value of each)."""
    rows = np.flatnonzero(among)
    texts = values.take(pa.array(rows)) if len(rows) < len(values) else values
    filled = is_filled(texts)
    return (rows, texts) if filled.all() else (rows[filled], texts.filter(pa.array(filled)))


def _by_code(rows: Index, codes: npt.NDArray[np.int32], wanted: Mask) -> dict[int, list[int]]:
    """The rows of each wanted code; `codes`: one per row."""
    picked = wanted[codes]
    groups: dict[int, list[int]] = {}
    for row, code in zip(rows[picked].tolist(), codes[picked].tolist(), strict=True):
        groups.setdefault(code, []).append(row)
    return groups


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
