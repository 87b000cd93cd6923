"""Everything a plan depends on, as one argument, and the two sides laid out by row. Decides nothing yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine import columns as known
from provisioning.engine.columns import fed_by
from provisioning.engine.lifecycle import Wish, Wishes, wishes
from provisioning.engine.mapping import Mapped, map_all
from provisioning.engine.matching import Matches, Sides, match, taken
from provisioning.engine.scope import in_scope
from provisioning.engine.texts import Mask, Texts, TextTable, blank, folded, stripped, whole
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
    currency: str | None = None
    members: tuple[str, ...] = ()
    decisions: Decisions = field(default_factory=Decisions)
    others: tuple[OtherDomain, ...] = ()
    elsewhere: pa.Array = field(default_factory=lambda: blank(0))

    @property
    def today(self) -> date:
        return self.now.date()


WISHES = tuple(Wish)


@dataclass(frozen=True, slots=True)
class People:
    """Both sides by row, mapped and matched. `emails` and `user_emails` are folded for comparison. `user_taken`: whom an
    employee is matched with. `texts`: the read, tidied."""

    texts: TextTable
    keys: Texts
    names: Texts
    emails: Texts
    scope: Mask
    wishes: Wishes
    mapped: Mapping[str, Mapped]
    matches: Matches
    user_ids: Texts
    user_links: Texts
    user_live: Mask
    user_taken: Mask
    user_emails: Texts
    user_names: Texts
    user_values: Mapping[str, pa.Array]
    email_attribute: str | None

    def wish(self, row: int) -> Wish:
        return WISHES[int(self.wishes.wish[row])]

    def emails_of(self, keys: Iterable[str]) -> dict[str, str]:
        """By key, as far as these are employees."""
        rows = self.keys.rows_of(keys)
        return dict(zip(self.keys.at(rows), self.emails.at(rows), strict=True))


def with_names(findings: Sequence[Finding], people: People) -> tuple[Finding, ...]:
    """The findings, with what to call the people whom they concern: employees, or users, also those who are no longer
    in HiBob."""
    if not any(each.keys for each in findings):
        return tuple(findings)
    wanted = {key for each in findings for key in (*each.keys, *each.managers)}
    ids = [key.removeprefix("user:") for key in wanted if key.startswith("user:")]
    called = {f"user:{user}": name for user, name in _called(people.user_ids, people.user_names, ids)}
    called |= dict(_called(people.user_links, people.user_names, wanted - {""}))
    called |= dict(_called(people.keys, people.names, wanted))
    return tuple(
        replace(each, names={key: called[key] for key in (*each.keys, *each.managers) if called.get(key)})
        if each.keys
        else each
        for each in findings
    )


def _called(keys: Texts, names: Texts, wanted: Iterable[str]) -> Iterable[tuple[str, str]]:
    rows = keys.rows_of(wanted)
    return zip(keys.at(rows), names.at(rows), strict=True)


def lay_out(situation: Situation) -> People:
    """Map, scope, apply lifecycle and match."""
    domain, table = situation.domain, TextTable(situation.employees.table)
    attributes, columns = domain.attributes, situation.columns
    identifier = domain.settings.unique_identifier or ""
    mapped = map_all(attributes, columns, table, identifier)
    scope = in_scope(domain.settings.scope, columns, table)
    users = situation.users
    keys, emails = table[known.ID], folded(table[known.EMAIL])
    email = fed_by(attributes, columns, known.EMAIL)
    values = {name: _user_column(users, name) for name in mapped}
    ids, links = whole(users.ids), whole(users.external_ids)
    user_emails = folded(values[email]) if email else blank(len(users))
    sides = Sides(
        keys,
        _identifiers(mapped[identifier].values if identifier in mapped else None, identifier == email, len(keys)),
        emails if email else blank(len(keys)),
        _with_accepted(situation, keys, ids, links),
        _identifiers(values.get(identifier), identifier == email, len(users)),
        user_emails,
    )
    matches = match(sides, scope)
    if situation.decisions.same:
        # An accepted pair was matched as if linked; the link itself is still to be written.
        rows = np.flatnonzero(matches.linked)
        written = links.take(pa.array(matches.user[rows]))
        matches.linked[rows] = np.asarray(pc.equal(written, keys.take(pa.array(rows))))
    return People(
        texts=table,
        keys=Texts(keys),
        names=Texts(_names(table[known.FIRST_NAME], table[known.SURNAME])),
        emails=Texts(emails),
        scope=scope,
        wishes=wishes(domain.settings.lifecycle, table, situation.today),
        mapped=mapped,
        matches=matches,
        user_ids=Texts(ids),
        user_links=Texts(links),
        user_live=np.asarray(pc.equal(whole(users.statuses), "Live")),
        user_taken=taken(matches, len(users)),
        user_emails=Texts(user_emails),
        user_names=Texts(_user_names(attributes, columns, values, user_emails)),
        user_values=values,
        email_attribute=email,
    )


def _with_accepted(situation: Situation, keys: pa.Array, ids: pa.Array, links: pa.Array) -> pa.Array:
    """The users' links. An accepted "same person" counts as a stored link of that user, for this plan's matching only. It
    outlives both of its halves: where either is gone, the stored link counts again."""
    accepted = situation.decisions.same
    if not accepted:
        return links
    people, users = Texts(keys), Texts(ids)
    same = {key: user for key, user in accepted.items() if key in people and user in users}
    ours = {user: key for key, user in same.items()}
    told = zip(users, links.to_pylist(), strict=True)
    return pa.array([ours.get(user, "" if link in same else link) for user, link in told], pa.string())


def _user_column(users: Users, name: str) -> pa.Array:
    found = users.attributes.get(name)
    return blank(len(users)) if found is None else whole(found)


def _identifiers(column: pa.Array | None, is_email: bool, rows: int) -> pa.Array:
    """Unique identifiers compare exactly, unless the identifier is the e-mail."""
    if column is None:
        return blank(rows)
    return folded(column) if is_email else column


def _names(first: pa.Array, last: pa.Array) -> pa.Array:
    return stripped(pc.binary_join_element_wise(first, last, " "))


def _user_names(
    attributes: tuple[Attribute, ...], columns: Mapping[str, Column], values: Mapping[str, pa.Array], emails: pa.Array
) -> pa.Array:
    """What to call a user: the name attributes, else the e-mail."""
    parts = [fed_by(attributes, columns, field_id) for field_id in (known.FIRST_NAME, known.SURNAME)]
    names = _names(*(values[name] if name else blank(len(emails)) for name in parts))
    return pc.if_else(pc.equal(names, ""), emails, names)
