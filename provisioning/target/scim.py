"""A user directory behind SCIM 2.0: a Skillcast portal, or any other service provider of the standard.

Archive is `active: false`, reactivate `active: true`; nobody is ever deleted. The link is `externalId`. Attributes
of the mapping are SCIM paths. With a domain attribute only the users who hold the domain's name in it are touched.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from types import TracebackType
from typing import Self, TypeVar

import pyarrow as pa

from provisioning.errors import TargetError
from provisioning.http import AddressesOf
from provisioning.model import Action, Attribute, Change, Outcome, Status, Users
from provisioning.target import Journal, Stopped
from provisioning.target.scim_bulk import Bulk
from provisioning.target.scim_client import Lost, Reply, ScimClient
from provisioning.target.scim_pace import LONGEST_WAIT, WIDEST, Finished, Pace
from provisioning.target.scim_paths import NO, Bound, Resource, quote
from provisioning.target.scim_provider import Announced, discover
from provisioning.target.scim_rate import Rate
from provisioning.target.scim_reading import PAGE, FilterRefused, read_all, user_id, version_of
from provisioning.target.scim_register import LINK, Register
from provisioning.target.scim_steps import ACTIVE, Request, Way, read
from provisioning.target.scim_writing import Writer

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 100


class ScimDirectory:
    """The users of one domain at one SCIM server. Use as a context manager, by one thread.

    `attributes`: the domain's mapping. `unique_identifier`: the attribute that no two users share. `domain`: the
    attribute that holds the domain, and this domain's name; None: the whole server is one domain. `expected`: how many
    changes this run will bring about, to choose between asking for each user and reading all. `stop` is asked once a
    second while the server makes us wait, `waiting` hears until when.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        attributes: Sequence[Attribute],
        unique_identifier: str,
        *,
        domain: tuple[str, str] | None = None,
        expected: int = 0,
        stop: Callable[[], bool] = lambda: False,
        waiting: Callable[[datetime], None] = lambda until: None,
        first_wait: float = 1.0,
        patience: float = LONGEST_WAIT,
        addresses_of: AddressesOf | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = Rate(sleep=sleep)
        self._client = ScimClient(
            base_url, token, connections=WIDEST, first_wait=first_wait, addresses_of=addresses_of, rate=self._rate
        )
        self._pace = Pace(stop, waiting, patience=patience, sleep=sleep, rate=self._rate)
        self._attributes, self._identifier = attributes, unique_identifier
        self._domain_names, self._expected, self._first_wait = domain, expected, first_wait
        self._late: list[Change] = []
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pace.close()
        self._client.close()

    @property
    def rate(self) -> tuple[int, float | None]:
        """(how many requests were answered so far, how many a second the server allows: None where it set no limit)."""
        return self._rate.answered, self._rate.allowed

    @cached_property
    def announced(self) -> Announced:
        """What the server says of itself. Asked once. Raises `TargetError`."""
        return self._pace.once(lambda: discover(self._client))

    # --- reading ---

    def users(self, attributes: Sequence[str]) -> Users:
        bounds = [self._bound(name) for name in attributes]
        identifier = self._bounds.get(self._identifier)
        watched = [*bounds, *([identifier] if identifier else [])]
        rows = self._everybody(watched)
        names = {row[0]: row[4][-1] for row in rows} if identifier else {}
        columns = [[row[4][place] for row in rows] for place in range(len(bounds))]
        return Users(
            ids=pa.array([row[0] for row in rows], pa.string()),
            external_ids=pa.array([row[1] for row in rows], pa.string()),
            statuses=pa.array([row[2] for row in rows], pa.string()),
            attributes={
                name: pa.array(_named(bound, column, names), pa.string())
                for name, bound, column in zip(attributes, bounds, columns, strict=True)
            },
            versions=pa.array([row[3] for row in rows], pa.string()),
        )

    def live(self) -> int:
        return sum(row[2] == Status.LIVE.value for row in self._everybody([]))

    def everybody(self) -> list[tuple[str, str, str, dict[str, str]]]:
        """(id, external id, status, the mapped attributes that are not blank), ordered by id."""
        users = self.users([each.name for each in self._attributes])
        columns = {name: column.to_pylist() for name, column in users.attributes.items()}
        rows = zip(users.ids.to_pylist(), users.external_ids.to_pylist(), users.statuses.to_pylist(), strict=True)
        found = [
            (*row, {name: column[place] for name, column in columns.items() if column[place]})
            for place, row in enumerate(rows)
        ]
        return sorted(found, key=lambda each: each[0])

    @cached_property
    def _bounds(self) -> dict[str, Bound]:
        return {each.name: self.announced.bind(each) for each in self._attributes}

    def _bound(self, name: str) -> Bound:
        return self._bounds.get(name) or self.announced.bind(Attribute(name))

    @cached_property
    def _domain(self) -> tuple[Bound, str] | None:
        if self._domain_names is None:
            return None
        name, value = self._domain_names
        bound = self.announced.bind(Attribute(name))
        return Bound("domain", bound.path, bound.kind), value

    @property
    def _page(self) -> int:
        return min(self.announced.most_results or PAGE, PAGE)

    def _everybody(self, bounds: Sequence[Bound]) -> list[tuple[str, str, str, str, list[str]]]:
        """(id, external id, status, ETag, values) of everybody in the domain."""
        domain = self._domain

        def keep(resource: Resource) -> tuple[str, str, str, str, list[str]] | None:
            if domain and read(resource, domain[0]).casefold() != domain[1].casefold():
                return None
            status = Status.ARCHIVED if read(resource, ACTIVE) == NO else Status.LIVE
            values = [each.read(resource) for each in bounds]
            return user_id(resource), LINK.read(resource), status.value, version_of(resource), values

        search = f"{domain[0].path} eq {quote(domain[1])}" if domain and self.announced.filter else ""
        try:
            found = read_all(self._fetch, keep, page=self._page, search=search)
        except FilterRefused:
            found = []
        if search and not found:
            # Nobody, or a filter that the server does not understand and says nothing about.
            found = read_all(self._fetch, keep, page=self._page)
        return [row for row in found if row is not None]

    def _fetch(self, query: Mapping[str, str]) -> Reply:
        return self._pace.once(lambda: self._client.get(self.announced.users, query))

    # --- writing ---

    @cached_property
    def _register(self) -> Register:
        identifier = self._bounds.get(self._identifier)
        known = self.announced.attribute(identifier.path) if identifier else None
        return Register(
            self._client,
            self.announced.users,
            identifier,
            searches=self.announced.filter,
            page=self._page,
            exact=bool(known and known.exact),
        )

    @cached_property
    def _writer(self) -> Writer:
        return Writer(
            self._client,
            self.announced,
            self._bounds,
            self._register,
            identifier=self._identifier,
            domain=self._domain,
            first_wait=self._first_wait,
        )

    @cached_property
    def _bulk(self) -> Bulk:
        return Bulk(self._client, self.announced)

    @cached_property
    def _by_bulk(self) -> Way:
        return Way(self._bulk.one, None if self.announced.etag else False)

    def ensure(self, changes: Sequence[Change], journal: Journal) -> None:
        self._begin()
        self._work(changes, journal, self._wave)

    def finish(self, journal: Journal) -> None:
        late, self._late = self._late, []
        for start in range(0, len(late), CHUNK):
            self._work(late[start : start + CHUNK], journal, partial(self._wave, final=True))

    def _begin(self) -> None:
        if not self._begun:
            self._pace.once(lambda: self._register.prepare(self._expected))
            self._begun = True

    def _work(
        self,
        changes: Sequence[Change],
        journal: Journal,
        wave: Callable[[Sequence[Change]], Finished[Outcome | None]],
    ) -> None:
        """Bring the changes about in waves, and journal what there is, whatever ends it."""
        found: dict[int, Outcome | None] = {}
        error: TargetError | Stopped | None = None
        for places in _waves(changes):
            done = wave([changes[place] for place in places])
            found |= {places[place]: result for place, result in done.results.items()}
            error = done.error
            if error:
                break
        outcomes = [found[place] for place in sorted(found)]
        self._late += [changes[place] for place in sorted(found) if found[place] is None]
        settled = [each for each in outcomes if each is not None]
        if settled:
            journal(settled)
        if error:
            raise error

    def _wave(self, changes: Sequence[Change], *, final: bool = False) -> Finished[Outcome | None]:
        """Changes of different users, side by side: by bulk where the server has it, else one by one. `final`: the
        second pass, after which no reference waits any more."""
        try:
            self._pace.once(partial(self._writer.look_ahead, changes))
        except (TargetError, Stopped) as problem:
            return Finished(error=problem)
        settle = partial(self._writer.settle, final=final)
        if not self._bulk.works or len(changes) < 2:
            return self._pace.run(changes, settle)
        done: Finished[Outcome | None] = Finished()
        self._prove_bulk(changes, partial(settle, way=self._by_bulk), done)
        ready: dict[int, Request] = {}
        prepare = partial(self._prepare, final=final)
        for place, step in self._run(changes, prepare, _left(changes, done), done).items():
            if isinstance(step, Request):
                ready[place] = step
            elif not isinstance(step, Lost):
                done.results[place] = step
        self._send(ready, done)
        done.results |= self._run(changes, partial(settle, again=True), _left(changes, done), done)
        return done

    def _prepare(self, change: Change, *, final: bool) -> Request | Outcome | Lost | None:
        """The next write; whoever cannot be looked at now is tried again by themself, and stops nobody else."""
        try:
            return self._writer.prepare(change, self._by_bulk, final=final)
        except Lost as problem:
            return problem

    def _run(
        self,
        items: Sequence[T] | Mapping[int, T],
        work: Callable[[T], R],
        places: Sequence[int],
        done: Finished[Outcome | None],
    ) -> dict[int, R]:
        """Some of the items, side by side; nothing once something has ended it all."""
        if done.error is not None:
            return {}
        found = self._pace.run([items[place] for place in places], work)
        done.error = found.error
        return {places[at]: result for at, result in found.results.items()}

    def _prove_bulk(
        self, changes: Sequence[Change], settle: Callable[[Change], Outcome | None], done: Finished[Outcome | None]
    ) -> None:
        """The first change of a user who is there already shows whether ETags count in bulk requests too."""
        first = next((place for place, each in enumerate(changes) if each.action is not Action.ADD), None)
        if first is not None and self._by_bulk.trusted is None:
            done.results |= self._run(changes, settle, [first], done)

    def _send(self, ready: Mapping[int, Request], done: Finished[Outcome | None]) -> None:
        """Send what is ready in bulk; who has no result afterwards must be looked at."""
        places = list(ready)
        for batch in self._bulk.batches([ready[place] for place in places]):
            if done.error is not None or not self._bulk.works:
                return
            requests = [ready[places[at]] for at in batch]
            try:
                replies = self._pace.once(partial(self._bulk.send, requests))
            except (TargetError, Stopped) as problem:
                done.error = problem
                return
            told = {places[at]: (ready[places[at]], reply) for at, reply in zip(batch, replies, strict=True) if reply}
            judged = self._run(told, self._judge, list(told), done)
            done.results |= {place: each for place, each in judged.items() if not isinstance(each, Request)}

    def _judge(self, sent: tuple[Request, Reply]) -> Outcome | Request | None:
        try:
            return self._writer.judge(*sent)
        except Lost:
            return sent[0]


def _left(changes: Sequence[Change], done: Finished[Outcome | None]) -> list[int]:
    return [place for place in range(len(changes)) if place not in done.results]


def _waves(changes: Sequence[Change]) -> list[list[int]]:
    """Places of changes that may be brought about side by side: those of one user follow each other."""
    waves: list[list[int]] = []
    turns: dict[str, int] = {}
    for place, change in enumerate(changes):
        who = change.user_id or change.key
        turn = turns[who] = turns.get(who, -1) + 1
        waves += [[]] if turn == len(waves) else []
        waves[turn].append(place)
    return waves


def _named(bound: Bound, column: list[str], names: Mapping[str, str]) -> list[str]:
    """References as the unique identifier of whom they refer to; who is not in this domain keeps their id."""
    return [names.get(value) or value for value in column] if bound.reference else column
