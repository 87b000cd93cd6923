"""Why is somebody in a domain, or not? The steps of the plan, told for one person."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.engine.columns import read_as
from provisioning.engine.lifecycle import Wish
from provisioning.engine.plan import make_plan
from provisioning.engine.situation import People, Situation, lay_out
from provisioning.engine.texts import Texts, all_unaccented, blank, folded, indices, translated, unaccented
from provisioning.engine.transforms import fold
from provisioning.errors import NotFound
from provisioning.model import APOSTROPHES, Action, Attribute, Change, Held, Result
from provisioning.naming import SHARING, owner_in, shared_with, some_of, user_called, what_is_shared

NAMED, LISTED = 5, 50
"""So many are named in a message, and listed to choose from, when several people fit what was asked for."""

Pair = tuple[int | None, int | None]
"""(row of the employee, row of the user), at least one of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One station of the way from HiBob to the user."""

    step: str
    detail: str


@dataclass(frozen=True, slots=True)
class Value:
    """One attribute on its way: the column that feeds it, what HiBob says, what the mapping makes of it, what the user has.
    `problem`: why HiBob's value could not be read."""

    attribute: str
    column: str
    hibob: str
    mapped: str
    user: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several people who fit what was asked for. `key` finds this one alone; `known`: what tells them apart."""

    key: str
    name: str
    email: str
    known: str


class SeveralFit(NotFound):
    """More people than one fit; `found` are the first of `count`."""

    def __init__(self, person: str, found: Iterable[Candidate]) -> None:
        everybody = list(found)
        self.found, self.count = everybody[:LISTED], len(everybody)
        named = some_of([with_name(each.key, each.name) for each in self.found[:NAMED]], NAMED, self.count)
        super().__init__(f"{self.count:,} people fit “{person}”: {named}. Ask for one of these ids.")


@dataclass(frozen=True, slots=True)
class Answer:
    """`person` as asked for; `key` as plans know them, `also` as earlier ones did; `answer` in one sentence; `values` of
    somebody who is in HiBob, in the mapping's order; `name` "": not known; `actions`: what a plan would do; `held`: the code
    of what holds them back, "" where nothing does."""

    person: str
    key: str
    answer: str
    steps: tuple[Step, ...]
    also: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    name: str = ""
    actions: tuple[Action, ...] = ()
    held: str = ""

    def kept_active(self, by: str, at: datetime) -> "Answer":
        """With who decided that they are never archived, and where that is taken back."""
        if self.held != "protected":
            return self
        told = f" {by} decided so on {_moment(at)}. To take that back: Settings → Protected → Decided on previews."
        steps = (replace(each, detail=each.detail + told) if each.step == "held" else each for each in self.steps)
        return replace(self, answer=self.answer + told, steps=tuple(steps))

    def left_out(self, by: str, at: datetime, again: datetime | None) -> "Answer":
        """Nothing happened yet because an approval left them out. `again`: when they were proposed since."""
        here = "here" if Action.ADD in self.actions else " and ".join(_WORDS[each.value] for each in self.actions)
        left = f"eft out by {by} on {_moment(at)}."
        newest = f"The preview of {_moment(again)}" if again else "The next preview"
        step = Step("approval", f"L{left}")
        return replace(self, answer=f"Not {here}: l{left} {newest} proposes them again.", steps=(*self.steps, step))

    def with_past(self, outcomes: Sequence[tuple[str, str, str, str]]) -> "Answer":
        """With what runs did for the person: (when, action, result, message), newest first; whoever stays as they are is told
        since when."""
        told = [
            Step("run", f"{_minute(at)} UTC: {_past(action, result)}. {message}".rstrip())
            for at, action, result, message in outcomes
        ]
        answer = self.answer
        if _UNCHANGED in answer:
            done = next(((at, action) for at, action, result, _ in outcomes if result == Result.DONE.value), None)
            last = (
                f"Not changed since a run {_WORDS[done[1]]} them on {_minute(done[0])} UTC."
                if done
                else "No run has changed them."
            )
            answer = f"{answer} {last}"
        return replace(self, answer=answer, steps=(*self.steps, *told))


_WORDS = {
    Action.ADD.value: "added",
    Action.UPDATE.value: "updated",
    Action.REACTIVATE.value: "reactivated",
    Action.ARCHIVE.value: "archived",
    Action.MOVE.value: "moved",
    Action.LINK.value: "linked",
}


_UNCHANGED = "Unchanged: "


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d} at {at:%H:%M} UTC"


def _past(action: str, result: str) -> str:
    return _WORDS[action] if result == Result.DONE.value else f"to be {_WORDS[action]}, {result}"


def explain_person(situation: Situation, person: str) -> Answer:
    """Find somebody by key, e-mail, unique identifier, user id or name, and tell their way. Raises `NotFound`, and
    `SeveralFit` where that could be more than one."""
    people = lay_out(situation)
    row, user = _find(situation, people, person)
    key = _key(people, row, user)
    decision = make_plan(situation, people)
    steps = [*_employee_steps(situation, people, row), *_user_steps(people, user)]
    held = next((each for each in decision.held if each.key == key), None)
    if held and held.code in SHARING:
        held = replace(held, why=shared_with(_sharing(people, row, user, held.why)) + held.why)
    if held and (owner := owner_in(held.why)) and owner in people.user_ids:
        place = people.user_ids.index(owner)
        held = replace(held, why=user_called(owner, people.user_names[place], people.user_emails[place]) + held.why)
    changes = [each for each in decision.changes if each.key == key]
    steps += [Step("held", f"{each.code}: {each.why}") for each in (held,) if each]
    steps += [Step("change", f"To be {_WORDS[each.action.value]}: {each.why}") for each in changes]
    answer = _answer(people, row, user, held, changes)
    absent = next((each for each in decision.findings if each.code == "absent" and key in each.keys), None)
    counted = decision.absences.get(people.user_ids[user]) if user is not None else None
    if absent and counted:
        answer = (
            f"Live, and missing from HiBob: in {counted.reads} of the {absent.numbers['limit']} reads at least 12 hours apart after "
            "which they are archived, if they stay away."
        )
    return Answer(
        person, key, answer, tuple(steps), _also(people, row, user), _values(situation, people, row, user),
        _name(people, row, user), tuple(each.action for each in changes), held.code if held else "",
    )  # fmt: skip


def _sharing(people: People, row: int | None, user: int | None, why: str) -> list[str]:
    """Who shares what this reason quotes, also where nothing would happen to them."""
    what, matches = what_is_shared(why), people.matches
    rows = [each for each, said in (matches.duplicates | matches.disputed).items() if what_is_shared(said) == what]
    users = [each for each, said in matches.disputed_users.items() if what_is_shared(said) == what]
    employees = [_name(people, each, None) or people.keys[each] for each in rows if each != row]
    return [*employees, *(_name(people, None, each) or people.user_ids[each] for each in users if each != user)]


def who_is_there(situation: Situation, keys: Iterable[str]) -> dict[str, Candidate]:
    """Who is known now by each of these keys that plans knew people by; nothing of those whom neither side knows."""
    people = lay_out(situation)
    rows = {key: row for row, key in enumerate(people.keys)}
    users = {link: user for user, link in enumerate(people.user_links) if link}
    users |= {f"user:{each}": user for user, each in enumerate(people.user_ids)}
    return {
        key: _candidate(people, *(_of_row(people, rows[key]) if key in rows else _of_user(people, users[key])))
        for key in keys
        if key in rows or key in users
    }


def same_name(one: str, other: str) -> bool:
    return _folded_name(one) == _folded_name(other)


def _values(situation: Situation, people: People, row: int | None, user: int | None) -> tuple[Value, ...]:
    if row is None:
        return ()
    return tuple(
        _value(situation, people, each, row, user) for each in situation.domain.attributes if each.name in people.mapped
    )


def _value(situation: Situation, people: People, each: Attribute, row: int, user: int | None) -> Value:
    column = each.data_feed_name or ""
    raw = people.texts[read_as(each, situation.columns[column]).slot]
    mapped = people.mapped[each.name]
    has = people.user_values[each.name][user].as_py() if user is not None else ""
    return Value(
        each.name, column, raw[row].as_py() or "", mapped.values[row].as_py() or "", has, mapped.problems.get(row, "")
    )


def _also(people: People, row: int | None, user: int | None) -> tuple[str, ...]:
    """The other keys of earlier plans: somebody who left HiBob was known by their id there, a user by their own."""
    keys = [people.keys[row]] if row is not None else []
    keys += [f"user:{people.user_ids[user]}", people.user_links[user]] if user is not None else []
    return tuple(key for key in keys if key)


def _find(situation: Situation, people: People, person: str) -> Pair:
    """Whoever alone fits: by an id, an e-mail or the unique identifier first, then by the whole name, then by parts of it, and
    last by its letters alone."""
    if not fold(person):
        raise NotFound("Name a person: by name, e-mail, unique identifier, HiBob id or user id.")
    for fitting in (
        _by_id(situation, people, person),
        _by_name(people, person),
        _by_part(people, person),
        _by_letters(people, person),
    ):
        found = list(dict.fromkeys(fitting))
        if len(found) > 1:
            raise SeveralFit(person, (_candidate(people, row, user) for row, user in found))
        if found:
            return found[0]
    if (situation.domain.settings.unique_identifier or "") not in people.mapped:
        raise NotFound(
            f"No name, e-mail, HiBob id or user id fits “{person}”. Unique identifiers are not known: the mapping has none yet."
        )
    raise NotFound(
        f"Neither HiBob’s last answer nor the directory knows “{person}”. Search by name, e-mail, unique identifier, "
        "HiBob id or user id; somebody whom HiBob does not show us cannot be found."
    )


def _by_id(situation: Situation, people: People, person: str) -> list[Pair]:
    """HiBob's own ids and the users' are each somebody's alone; e-mails and unique identifiers should be."""
    wanted, identifier = _sought(person), situation.domain.settings.unique_identifier or ""
    ours = people.mapped[identifier].values if identifier in people.mapped else blank(0)
    theirs, ids = people.user_values.get(identifier, blank(0)), people.user_ids.column
    for column in (people.keys.column, people.emails.column, ours):
        if rows := _rows(pc.equal(_sought_in(column), wanted)):
            return [_of_row(people, row) for row in rows]
    for column in (ids, pc.binary_join_element_wise("user:", ids, ""), people.user_emails.column, theirs):
        if users := _rows(pc.equal(_sought_in(column), wanted)):
            return [_of_user(people, user) for user in users]
    return []


def _of_row(people: People, row: int) -> Pair:
    user = int(people.matches.user[row])
    return row, user if user >= 0 else None


def _of_user(people: People, user: int) -> Pair:
    rows = np.flatnonzero(people.matches.user == user).tolist()
    return (rows[0] if rows else None), user


def _by_name(people: People, person: str) -> Iterator[Pair]:
    wanted = _folded_name(person)
    for names, pair in ((people.names, _of_row), (people.user_names, _of_user)):
        rows = _rows(_holding(names, wanted.split()))
        yield from (
            pair(people, row) for row, name in zip(rows, names.at(rows), strict=True) if _folded_name(name) == wanted
        )


def _by_part(people: People, person: str) -> Iterator[Pair]:
    """Every word begins a word of the name, or all of it begins the e-mail."""
    wanted = _sought(person)
    words = wanted.split()
    sides = ((people.names, people.emails, _of_row), (people.user_names, people.user_emails, _of_user))
    for names, emails, pair in sides:
        begins = pc.starts_with(_sought_in(emails.column), wanted)
        rows = _rows(pc.or_(begins, _holding(names, words)))
        for row, name, begun in zip(rows, names.at(rows), begins.take(indices(rows)).to_pylist(), strict=True):
            if begun or _begin(words, name):
                yield pair(people, row)


def _by_letters(people: People, person: str) -> Iterator[Pair]:
    """Every word begins a word of the name, accents, apostrophes and hyphens apart: `obrien` is O’Brien, `smith jones`
    Smith-Jones."""
    words = unaccented(_without_marks(_sought(person))).split()
    for names, pair in ((people.names, _of_row), (people.user_names, _of_user)) if words else ():
        bare = pc.replace_substring(pc.replace_substring(_sought_in(names.column), "'", ""), "-", " ")
        letters = all_unaccented(bare)
        rows = _rows(_all_in(letters, words))
        for row, name in zip(rows, letters.take(indices(rows)).to_pylist(), strict=True):
            if _begin(words, name):
                yield pair(people, row)


def _without_marks(text: str) -> str:
    return text.replace("'", "").replace("-", " ")


def _holding(names: Texts, words: Sequence[str]) -> pa.Array:
    """Whose name has all of these words somewhere in it: nobody else can fit."""
    return _all_in(_sought_in(names.column), words)


def _all_in(texts: pa.Array, words: Sequence[str]) -> pa.Array:
    return reduce(pc.and_, (pc.match_substring(texts, word) for word in words))


def _rows(mask: pa.Array) -> list[int]:
    rows: list[int] = pc.indices_nonzero(mask).to_pylist()
    return rows


def _begin(words: Sequence[str], name: str) -> bool:
    parts = _sought(name).split()
    return all(any(part.startswith(word) for part in parts) for word in words)


def _candidate(people: People, row: int | None, user: int | None) -> Candidate:
    hibob = f"{people.wishes.status(row) or 'no status'} in HiBob" if row is not None else "not in HiBob"
    directory = "no user" if user is None else "live user" if people.user_live[user] else "archived user"
    email = people.emails[row] if row is not None else people.user_emails[user or 0]
    return Candidate(_key(people, row, user), _name(people, row, user), email, f"{hibob}, {directory}")


def _folded_name(name: str) -> str:
    return " ".join(_sought(name).split())


def _sought(text: str) -> str:
    """For looking somebody up, never for matching: which apostrophe it is does not count either."""
    return fold(text if text.isascii() else text.translate(APOSTROPHES))


def _sought_in(column: pa.Array) -> pa.Array:
    """`_sought` of every text."""
    return folded(translated(column, APOSTROPHES))


def _name(people: People, row: int | None, user: int | None) -> str:
    return " ".join((people.names[row] if row is not None else people.user_names[user or 0]).split())


def _key(people: People, row: int | None, user: int | None) -> str:
    return people.keys[row] if row is not None else f"user:{people.user_ids[user or 0]}"


_WISHES = {
    Wish.LIVE: "this means a live user",
    Wish.ARCHIVED: "this means no live user",
    Wish.LEAVE_AS_IS: "this leaves a user as it is, and adds nobody",
    Wish.WAIT: "they wait for their start date",
}


def _employee_steps(situation: Situation, people: People, row: int | None) -> list[Step]:
    at = situation.employees.evidence.read_at
    read = f"read on {_moment(at)}"
    if row is None:
        return [Step("HiBob", f"Not in HiBob’s last complete answer, {read}.")]
    status, day = people.wishes.status(row) or "No status", people.wishes.day.get(row)
    dated = f" ({day})" if day else ""
    inside = "In the scope of this domain." if people.scope[row] else "Outside the scope of this domain."
    return [
        Step("HiBob", f"In HiBob’s last complete answer as {with_name(people.keys[row], people.names[row])}, {read}."),
        Step("scope", inside),
        Step("lifecycle", f"{status}{dated}: {_WISHES[people.wish(row)]}."),
    ]


def _user_steps(people: People, user: int | None) -> list[Step]:
    if user is None:
        return [Step("user", "No user of this domain belongs to them.")]
    status = "Live" if people.user_live[user] else "Archived"
    link = people.user_links[user]
    linked = f"linked to {link}" if link else "not linked to HiBob"
    called = with_name(people.user_ids[user], people.user_names[user])
    return [Step("user", f"User {called}: {status}, {linked}.")]


def with_name(key: str, name: str) -> str:
    """Whom an id stands for: who asked by e-mail or id sees that it is the person meant."""
    return f"{key} ({' '.join(name.split())})" if name.strip() else key


def _answer(people: People, row: int | None, user: int | None, held: Held | None, changes: Sequence[Change]) -> str:
    if held:
        here = "Not here." if user is None else "Here, as a live user." if people.user_live[user] else "Here, archived."
        return f"{here} Held back ({held.code}): {held.why}"
    if changes:
        return f"To be {' and '.join(_WORDS[each.action.value] for each in changes)}: {changes[-1].why}"
    if user is not None:
        return _unchanged(people, row, "live" if people.user_live[user] else "archived")
    if row is not None and not people.scope[row]:
        return "Not here: outside this domain’s scope."
    status = people.wishes.status(row) if row is not None else ""
    return f"Not here: {status or 'their status'} in HiBob means that no user is made."


def _unchanged(people: People, row: int | None, status: str) -> str:
    said = f"{_UNCHANGED}the user is {status}"
    if row is None:
        return f"{said}, and HiBob does not show them." if status == "archived" else f"{said}."
    if people.wish(row) is Wish.LEAVE_AS_IS:
        return f"{said}, and {people.wishes.status(row) or 'their status'} in HiBob leaves that as it is."
    return f"{said}, as HiBob says." if people.scope[row] else f"{said}, and outside this domain’s scope."
