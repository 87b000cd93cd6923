"""One change brought about at a SCIM server: compare, then set.

Already as wanted → done; still as the plan saw it → write; otherwise → drifted. Each attribute that a change touches
may be either, for a write may have come half through. Whatever happened to the answer of a write, the next step is a
look: nothing is ever sent again before that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Lock
from urllib.parse import quote as quote_url
from urllib.parse import unquote

import stamina

from provisioning.model import Action, Change, Outcome, Result
from provisioning.target.scim_client import Lost, Reply, ScimClient, Throttled
from provisioning.target.scim_hidden import PUT_WOULD_DROP, with_hidden
from provisioning.target.scim_paths import Bound, Resource, look, operations, to_text, whole
from provisioning.target.scim_provider import Announced
from provisioning.target.scim_reading import version_of
from provisioning.target.scim_register import LINK, Register
from provisioning.target.scim_steps import (
    ACTIVE,
    Pairs,
    Request,
    Unwritable,
    Way,
    alike,
    done,
    drifted,
    failed,
    read,
    same,
    spoken,
    wrong_version,
)
from provisioning.target.scim_words import refusal, scim_type

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ROUNDS = 5
READ_BACK = 3
NOT_ALLOWED = frozenset({405, 501})


class Writer:
    """Brings about single changes. May be shared by threads; holds what was learned of the server in this run."""

    def __init__(
        self,
        client: ScimClient,
        announced: Announced,
        bounds: dict[str, Bound],
        register: Register,
        *,
        identifier: str,
        domain: tuple[Bound, str] | None = None,
        first_wait: float = 1.0,
    ) -> None:
        """`bounds`: every mapped attribute by name. `domain`: the attribute that holds the domain, and its name."""
        self.client, self.announced, self.bounds, self.register = client, announced, bounds, register
        self._identifier, self._domain, self._first_wait = identifier, domain, first_wait
        self._own = {ACTIVE.name: ACTIVE, LINK.name: LINK} | ({"domain": domain[0]} if domain else {})
        self.patches = announced.patch
        known = announced.attribute(bounds[identifier].path) if identifier in bounds else None
        self._unique = known is not None and known.unique
        unknown = None if announced.etag else False
        self.single = Way(lambda each: client.send(each.method, each.path, each.body, each.version), unknown)
        self._unsettled: set[tuple[str, Action]] = set()
        self._read_back: dict[Action, int] = {}
        self._ignores: set[Action] = set()
        self._lock = Lock()

    # --- one change ---

    def look_ahead(self, changes: Sequence[Change]) -> None:
        """Ask at once what each of these changes would ask for by itself: who has the links and unique identifiers that
        they bring, and who the users are that they refer to."""
        links = [text for each in changes if (text := each.after.get("external_id"))]
        identifiers = [
            text
            for each in changes
            for name, text in each.after.items()
            if text and (((bound := self.bounds.get(name)) and bound.reference) or self._is_asked(each, name))
        ]
        self.register.look_ahead(links, identifiers)

    def _is_asked(self, change: Change, name: str) -> bool:
        """Whether it matters who has the identifier of a change already. A server that keeps it unique says so itself
        when somebody who is added may not have it."""
        return name == self._identifier and not (change.action is Action.ADD and self._unique)

    def settle(
        self, change: Change, *, final: bool = False, again: bool = False, way: Way | None = None
    ) -> Outcome | None:
        """The outcome of one change; None when it waits for a reference. `final`: no reference can come any more.
        `again`: it may have been sent before, which is remembered too: a rate limit may come in the way of the look after
        an answer that was lost. Raises `Throttled` and `TargetError`."""
        again = again or (change.key, change.action) in self._unsettled
        try:
            retrying = stamina.retry_context(
                on=Lost, attempts=4, timeout=None, wait_initial=self._first_wait, wait_jitter=self._first_wait
            )
            for attempt in retrying:
                with attempt:
                    return self._settle(change, final, again or attempt.num > 1, way or self.single)
        except Lost as problem:
            return Outcome(change.key, change.action, Result.FAILED, str(problem), problem.cause)
        raise AssertionError("a retry context ends by returning or raising")  # pragma: no cover

    def _settle(self, change: Change, final: bool, again: bool, way: Way) -> Outcome | None:
        for turn in range(ROUNDS):
            step = self.prepare(change, way, final=final, again=again or turn > 0)
            if not isinstance(step, Request):
                return step
            ended = self._send(step, way)
            if not isinstance(ended, Request):
                return ended
        told = refusal(412, None)
        return Outcome(change.key, change.action, Result.FAILED, told.message, told.cause)

    def _send(self, step: Request, way: Way) -> Outcome | Request | None:
        """Send a write and judge its answer. Until that is understood the write may have taken effect."""
        who = (step.change.key, step.change.action)
        proving = step.version and not step.blind and way.begin_proof()
        self._unsettled.add(who)
        try:
            reply = self._prove(step, way) if proving else way.send(step)
        except Throttled as limit:
            if limit.untouched:
                self._unsettled.discard(who)
            raise
        ended = self.judge(step, reply) if reply else step
        self._unsettled.discard(who)
        return ended

    def _prove(self, step: Request, way: Way) -> Reply | None:
        """Send a write with an ETag that nothing has, then with the right one: a server that minds them refuses the
        first, and gives another ETag after the second. None: look and try again."""
        trusted = None
        try:
            reply = way.send(replace(step, version=wrong_version(step.version)))
            if reply.status != 412:
                trusted = False
                return reply if reply.ok else None
            reply = way.send(step)
            after = self._get(unquote(step.path.rpartition("/")[2])) if reply.ok else None
            trusted = version_of(after) != step.version if after else None
            return reply
        finally:
            way.end_proof(trusted)

    def prepare(
        self, change: Change, way: Way, *, final: bool = False, again: bool = False
    ) -> Request | Outcome | None:
        """The next write for a change, or its outcome where none is needed; None: it waits for a reference."""
        try:
            wanted, waits = self._wanted(change, final)
            if change.action is Action.ADD:
                found = self._add(change, wanted, waits, again)
            else:
                found = self._set(change, wanted, waits, trusted=bool(way.trusted) and not again and not final)
        except Unwritable as refused:
            return refused.outcome
        return replace(found, version="") if isinstance(found, Request) and way.trusted is False else found

    # --- what is wanted and what was seen ---

    def _wanted(self, change: Change, final: bool) -> tuple[Pairs, bool]:
        """The values that a change asks for, references as ids; and whether a reference has to wait."""
        pairs, waits = [], False
        for name, text in change.after.items():
            bound = self._bound(change, name)
            if not bound.reference or not text:
                pairs.append((bound, spoken(name, text)))
                continue
            ids = self.register.owners(text)
            if len(ids) == 1:
                pairs.append((bound, ids[0]))
            elif final:
                raise Unwritable(self._without_reference(change, bound, text, ids))
            else:
                waits = True
        if change.action is Action.ADD and self._domain:
            pairs.append(self._domain)
        return pairs, waits

    def _without_reference(self, change: Change, bound: Bound, text: str, ids: Sequence[str]) -> Outcome:
        found = "nobody in Skillcast has it" if not ids else f"{len(ids)} users have it: {', '.join(ids)}"
        message = (
            f"Everything is written but {bound.name}: it names “{text}”, and {found}. Bring that person into Skillcast, or "
            "let the mapping leave it blank."
        )
        return Outcome(change.key, change.action, Result.FAILED, message, f"reference {bound.name}")

    def _bound(self, change: Change, name: str) -> Bound:
        found = self._own.get(name) or self.bounds.get(name)
        if found is None:
            raise Unwritable(
                Outcome(
                    change.key,
                    change.action,
                    Result.FAILED,
                    "This server is one domain: name the attribute that holds the domain (`domain_attribute`)."
                    if name == "domain"
                    else f"“{name}” is no attribute of the mapping any more. Make a new preview.",
                    f"unknown {name}",
                )
            )
        return found

    def _seen(self, change: Change) -> Iterator[tuple[Bound, str]]:
        seen = change.seen
        if seen is None:
            return
        yield ACTIVE, spoken("status", seen.status.value)
        yield LINK, seen.external_id
        for name, text in seen.attributes.items():
            if name in self.bounds:
                yield self.bounds[name], text
        if self._domain:
            yield self._domain

    def _drift(self, change: Change, resource: Resource, wanted: Pairs) -> str:
        """What is neither as the plan saw it nor as it is wanted, by name; "" when nothing is."""
        goal = {bound.name: text for bound, text in wanted}
        moved = []
        for bound, text in self._seen(change):
            now = read(resource, bound)
            as_planned = same(bound, now, text) or (bound.reference and self._refers(now, text))
            as_wanted = bound.name in goal and alike(now, goal[bound.name])
            if not as_planned and not as_wanted:
                moved.append("link" if bound is LINK else bound.name)
        return ", ".join(moved)

    def _refers(self, user: str, identifier: str) -> bool:
        return bool(identifier) and user in self.register.owners(identifier)

    # --- adding ---

    def _add(self, change: Change, wanted: Pairs, waits: bool, again: bool) -> Request | Outcome | None:
        ids = self.register.linked(change.key, fresh=again)
        if len(ids) > 1:
            return failed(change, f"{' and '.join(ids)} are both linked to them already. Unlink one.", "linked twice")
        if ids:
            return self._added_already(change, ids[0], wanted, waits)
        identifier = change.after.get(self._identifier) or ""
        asked = identifier and (again or self._is_asked(change, self._identifier))
        for owner in self.register.owners(identifier, fresh=again) if asked else ():
            taken = self._taken(change, owner, identifier, wanted, waits)
            if taken is not None:
                return taken
        body = whole({"schemas": [self.announced.schema]}, [pair for pair in wanted if pair[1]])
        return Request(change, "POST", self.announced.users, body, wanted, looked=again, waits=waits)

    def _added_already(self, change: Change, user: str, wanted: Pairs, waits: bool) -> Request | Outcome | None:
        """Somebody linked to them is there: our own write whose answer was lost, or not ours at all."""
        resource = self._get(user)
        if resource is None:
            return failed(change, f"{user} was linked to them and is gone now. Make a new preview.", "gone")
        differing = [pair for pair in wanted if not alike(read(resource, pair[0]), pair[1])]
        if not differing:
            self._learn(user, change)
            return None if waits else done(change)
        if all(bound.reference and not read(resource, bound) for bound, _ in differing):
            return self._write(change, user, resource, differing, waits)
        names = ", ".join(bound.name for bound, _ in differing)
        return drifted(change, f"{user} is already linked to them, with another {names}.")

    def _taken(
        self, change: Change, owner: str, identifier: str, wanted: Pairs, waits: bool
    ) -> Request | Outcome | None:
        """Who has the identifier already; None when nobody has it any more."""
        resource = self._get(owner)
        bound = self.bounds[self._identifier]
        if resource is None or not alike(read(resource, bound), identifier):
            return None
        link = read(resource, LINK)
        differing = [pair for pair in wanted if not alike(read(resource, pair[0]), pair[1])]
        if not link and all(each is LINK or each.reference for each, _ in differing):
            # Made by a create whose link the server did not keep, or by hand with the very same values: link it.
            return self._write(change, owner, resource, differing, waits)
        return self._conflict(change, owner, link)

    def _conflict(self, change: Change, owner: str, link: str) -> Outcome:
        whose = f"linked to {link}" if link else "not linked"
        value = change.after.get(self._identifier) or ""
        return failed(
            change,
            f"User {owner} ({whose}) already has the {self._identifier} “{value}” of {change.name or change.key} "
            f"({change.key}). Find out whose it is, then make a new preview.",
            "identifier taken",
        )

    # --- changing ---

    def _set(self, change: Change, wanted: Pairs, waits: bool, *, trusted: bool) -> Request | Outcome | None:
        """`trusted`: ETags are minded, so that the plan's may stand for a look."""
        user = change.user_id or ""
        if trusted and change.seen and self._needs_no_look(change, wanted):
            request = self._patch(change, user, None, wanted, waits)
            return replace(request, version=change.seen.version, blind=True)
        resource = self._get(user)
        if resource is None:
            return drifted(change, "The user is no longer there.")
        differing = [pair for pair in wanted if not same(pair[0], read(resource, pair[0]), pair[1])]
        if not differing:
            return None if waits else done(change)
        moved = self._drift(change, resource, wanted)
        if moved or change.seen is None:
            return drifted(change, f"Changed in Skillcast since the preview: {moved or 'the plan did not see them'}.")
        owner = self._owner(user, differing)
        if owner:
            return failed(
                change, f"{owner} already has this {self._identifier} or link. Make a new preview.", "identifier taken"
            )
        return self._write(change, user, resource, differing, waits)

    def _needs_no_look(self, change: Change, wanted: Pairs) -> bool:
        """The plan's ETag will do: no entry (`emails[…]`) may be missing, and no other owner must be looked for."""
        seen = change.seen
        if not (seen and seen.version and wanted and self.patches):
            return False
        if {bound.name for bound, _ in wanted} & {LINK.name, self._identifier}:
            return False
        return all(seen.attributes.get(bound.name) for bound, _ in wanted if bound.path.chosen)

    def _owner(self, user: str, differing: Pairs) -> str:
        """Another user with the link or unique identifier that this one is to have."""
        for bound, text in differing:
            if bound is LINK and text:
                others = self.register.linked(text)
            elif bound.name == self._identifier and text:
                others = self.register.owners(text)
            else:
                continue
            for other in others:
                resource = self._get(other) if other != user else None
                if resource is not None and alike(read(resource, bound), text):
                    return other
        return ""

    # --- requests ---

    def _write(self, change: Change, user: str, resource: Resource, values: Pairs, waits: bool) -> Request:
        return replace(self._patch(change, user, resource, values, waits), version=version_of(resource))

    def _patch(self, change: Change, user: str, resource: Resource | None, values: Pairs, waits: bool) -> Request:
        path = self._path(user)
        if self.patches or resource is None:
            body: Resource = {"schemas": [PATCH_OP], "Operations": operations(resource, values)}
            return Request(change, "PATCH", path, body, values, waits=waits)
        current = with_hidden(self.client, self.announced, path, resource)
        if current is None:
            raise Unwritable(failed(change, PUT_WOULD_DROP, "hidden attributes"))
        return Request(change, "PUT", path, whole(current, values), values, waits=waits)

    def _path(self, user: str) -> str:
        return f"{self.announced.users}/{quote_url(user, safe='')}"

    def _get(self, user: str) -> Resource | None:
        """A user as they are now; None when there is no such user. Raises `Lost` when this one cannot be read."""
        reply = self.client.get(self._path(user))
        if reply.status in (404, 410):
            return None
        if not reply.ok or reply.body is None:
            told = refusal(reply.status, reply.body)
            raise Lost(f"User {user} cannot be read. {told.message}", told.cause)
        version = version_of(reply.body) or reply.version
        return reply.body if not version else reply.body | {"meta": {"version": version}}

    # --- answers ---

    def judge(self, request: Request, reply: Reply) -> Outcome | Request | None:
        """The outcome that an answer means; None: done but for a reference; the request itself: look and try again.
        Raises `Lost` when it cannot be told."""
        change = request.change
        if reply.ok:
            return self._accepted(request, reply)
        if reply.status == 412:
            return request
        if request.method == "PATCH" and reply.status in NOT_ALLOWED:
            self.patches = False
            return request
        if reply.status in (404, 410) and request.method != "POST":
            return drifted(change, "The user is no longer there.")
        if reply.status == 409 or scim_type(reply.body) == "uniqueness":
            return self._collision(request, reply)
        told = refusal(reply.status, reply.body)
        return failed(change, told.message, told.cause)

    def _collision(self, request: Request, reply: Reply) -> Outcome | Request:
        """Refused because another has the value: an add looks who it is, and both sides are named."""
        change = request.change
        if change.action is Action.ADD and not request.looked:
            return request
        identifier = change.after.get(self._identifier) or ""
        owners = self.register.owners(identifier, fresh=True) if identifier else []
        others = [each for each in owners if each != change.user_id]
        resource = self._get(others[0]) if others else None
        if resource is not None:
            return self._conflict(change, others[0], read(resource, LINK))
        told = refusal(reply.status, reply.body)
        return failed(change, told.message, told.cause)

    def _accepted(self, request: Request, reply: Reply) -> Outcome | None:
        change = request.change
        user = self._user_of(request, reply)
        self._learn(user, change)
        if self._to_read_back(change.action):
            ignored = self._ignored(request, user)
            if ignored:
                self._ignores.add(change.action)
                return failed(
                    change,
                    f"Skillcast answered that it was done, but did not keep {ignored}. Whoever runs the portal finds out "
                    "why (an attribute it does not have, or a right that is missing).",
                    "ignored",
                )
        return None if request.waits else done(change)

    def _user_of(self, request: Request, reply: Reply) -> str:
        """The id of the user that was written."""
        if request.method != "POST":
            return unquote(request.path.rpartition("/")[2])
        found = to_text(look(reply.body, "id")) if reply.body else ""
        found = found or unquote(reply.location.rstrip("/").rpartition("/")[2])
        if not found:
            ids = self.register.linked(request.change.key, fresh=True)
            if len(ids) != 1:
                raise Lost("Skillcast answered that a user was added, and does not have them.", "ignored")
            return ids[0]
        return found

    def _to_read_back(self, action: Action) -> bool:
        """The first three of a kind; all of a kind of which one was not kept."""
        with self._lock:
            self._read_back[action] = self._read_back.get(action, 0) + 1
            return self._read_back[action] <= READ_BACK or action in self._ignores

    def _ignored(self, request: Request, user: str) -> str:
        """The names of what was accepted and is not there."""
        resource = self._get(user)
        if resource is None:
            raise Lost("Skillcast answered that it was done, and does not have the user.", "ignored")
        return ", ".join(bound.name for bound, text in request.wanted if not alike(read(resource, bound), text))

    def _learn(self, user: str, change: Change) -> None:
        self.register.learn(user, change.after.get("external_id"), change.after.get(self._identifier))
