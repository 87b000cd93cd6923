"""Everything a plan depends on, as one argument, and the two sides laid out by row. Decides nothing yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa

from provisioning.engine import columns as known
from provisioning.engine.columns import fed_by
from provisioning.engine.lifecycle import Wish, Wishes, wishes
from provisioning.engine.mapping import Mapped, folded, map_all, text_column
from provisioning.engine.matching import Matches, Sides, match
from provisioning.engine.scope import Mask, in_scope
from provisioning.model import (
    Absence,
    Attribute,
    Baseline,
    Column,
    Decisions,
    Domain,
    Finding,
    ScopeRule,
    Snapshot,
    Users,
)


@dataclass(frozen=True, slots=True)
class OtherDomain:
    """Another domain of the customer on the same connection: who is in its scope is in two domains."""

    name: str
    scope: tuple[ScopeRule, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """The whole input of a plan. `columns` resolves every column name of mapping and scopes.

    `archived_7_days`: people archived by this domain's runs of the last seven days. `live_elsewhere`: live
    users of the customer's other domains. `members`: e-mails of the customer's members, and of who is looking.
    `elsewhere`: unique identifiers of users in the customer's other domains of the same directory, who may be managers.
    """

    domain: Domain
    columns: Mapping[str, Column]
    employees: Snapshot
    users: Users
    now: datetime
    baseline: Baseline | None = None
    absences: Mapping[str, Absence] = field(default_factory=dict)
    archived_7_days: int = 0
    live_elsewhere: int = 0
    seats: int | None = None
    price_per_user: str | None = None
    members: tuple[str, ...] = ()
    decisions: Decisions = field(default_factory=Decisions)
    others: tuple[OtherDomain, ...] = ()
    elsewhere: frozenset[str] = frozenset()

    @property
    def today(self) -> date:
        return self.now.date()


@dataclass(frozen=True, slots=True)
class People:
    """Both sides by row, mapped and matched. `emails` and `user_emails` are folded for comparison."""

    keys: list[str]
    names: list[str]
    emails: list[str]
    scope: Mask
    wishes: Wishes
    mapped: Mapping[str, Mapped]
    matches: Matches
    user_ids: list[str]
    user_links: list[str]
    user_live: Mask
    user_emails: list[str]
    user_names: list[str]
    user_values: Mapping[str, pa.Array]
    email_attribute: str | None

    def wish(self, row: int) -> Wish:
        return Wish(self.wishes.wish[row])


def with_names(findings: Sequence[Finding], people: People) -> tuple[Finding, ...]:
    """The findings, with what to call the people whom they concern: employees, or users, also those who are no longer
    in HiBob."""
    if not any(each.keys for each in findings):
        return tuple(findings)
    called = {f"user:{user}": name for user, name in zip(people.user_ids, people.user_names, strict=True)}
    called |= {link: name for link, name in zip(people.user_links, people.user_names, strict=True) if link}
    called |= dict(zip(people.keys, people.names, strict=True))
    return tuple(
        replace(each, names={key: called[key] for key in each.keys if called.get(key)}) if each.keys else each
        for each in findings
    )


def lay_out(situation: Situation) -> People:
    """Map, scope, apply lifecycle and match."""
    domain, table = situation.domain, situation.employees.table
    attributes, columns = domain.attributes, situation.columns
    identifier = domain.settings.unique_identifier or ""
    mapped = map_all(attributes, columns, table, identifier)
    scope = in_scope(domain.settings.scope, columns, table)
    keys: list[str] = text_column(table, known.ID).to_pylist()
    emails = folded(text_column(table, known.EMAIL))
    email = fed_by(attributes, columns, known.EMAIL)
    values = {name: _user_column(situation.users, name) for name in mapped}
    user_emails = folded(values[email]) if email else [""] * len(situation.users)
    user_links: list[str] = situation.users.external_ids.to_pylist()
    sides = Sides(
        keys,
        _identifiers(mapped[identifier].values if identifier in mapped else None, identifier == email, len(keys)),
        emails if email else [""] * len(keys),
        user_links,
        _identifiers(values.get(identifier), identifier == email, len(situation.users)),
        user_emails,
    )
    matches = match(_with_accepted(sides, situation), scope)
    for row in np.flatnonzero(matches.linked).tolist():
        # An accepted pair was matched as if linked; the link itself is still to be written.
        matches.linked[row] = user_links[matches.user[row]] == keys[row]
    return People(
        keys=keys,
        names=_names(table),
        emails=emails,
        scope=scope,
        wishes=wishes(domain.settings.lifecycle, table, situation.today),
        mapped=mapped,
        matches=matches,
        user_ids=situation.users.ids.to_pylist(),
        user_links=user_links,
        user_live=np.array([status == "Live" for status in situation.users.statuses.to_pylist()], dtype=bool),
        user_emails=user_emails,
        user_names=_user_names(attributes, columns, values, user_emails),
        user_values=values,
        email_attribute=email,
    )


def _with_accepted(sides: Sides, situation: Situation) -> Sides:
    """An accepted "same person" counts as a stored link of that user, for this plan's matching only. It outlives both of
    its halves: where either is gone, the stored link counts again."""
    if not situation.decisions.same:
        return sides
    ids = situation.users.ids.to_pylist()
    users, people = set(ids), set(sides.keys)
    same = {key: user for key, user in situation.decisions.same.items() if key in people and user in users}
    ours = {user: key for key, user in same.items()}
    links = [ours.get(user, "" if link in same else link) for user, link in zip(ids, sides.user_links, strict=True)]
    return Sides(sides.keys, sides.identifiers, sides.emails, links, sides.user_identifiers, sides.user_emails)


def _user_column(users: Users, name: str) -> pa.Array:
    found = users.attributes.get(name)
    return pa.array([""] * len(users), pa.string()) if found is None else found


def _identifiers(column: pa.Array | None, is_email: bool, rows: int) -> list[str]:
    """Unique identifiers compare exactly, unless the identifier is the e-mail."""
    if column is None:
        return [""] * rows
    texts: list[str] = folded(column) if is_email else column.to_pylist()
    return texts


def _names(table: pa.Table) -> list[str]:
    first = text_column(table, known.FIRST_NAME).to_pylist()
    last = text_column(table, known.SURNAME).to_pylist()
    return [f"{a} {b}".strip() for a, b in zip(first, last, strict=True)]


def _user_names(
    attributes: tuple[Attribute, ...],
    columns: Mapping[str, Column],
    values: Mapping[str, pa.Array],
    emails: list[str],
) -> list[str]:
    """What to call a user: the name attributes, else the e-mail."""
    parts = [fed_by(attributes, columns, field_id) for field_id in (known.FIRST_NAME, known.SURNAME)]
    texts = [values[name].to_pylist() if name else [""] * len(emails) for name in parts]
    return [f"{a} {b}".strip() or email for a, b, email in zip(*texts, emails, strict=True)]
