"""What a change at a SCIM server is made of: the values that are wanted, one write that is ready to be sent, how it is
sent, and its outcome."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from provisioning.model import Change, Outcome, Result, Status
from provisioning.target.scim_client import Reply
from provisioning.target.scim_paths import NO, YES, Bound, Resource, ScimPath

ACTIVE = Bound("status", ScimPath("", "active"), "boolean")

Pairs = Sequence[tuple[Bound, str]]
"""Attributes and their values; blank is ""."""


class Unwritable(Exception):
    """A change that cannot be written. Holds its outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Request:
    """One write, ready to be sent. `wanted`: what reads back afterwards. `version`: only if the user still has this
    ETag. `blind`: nobody looked at the user just before, the plan's ETag stands for that. `looked`: somebody did look for
    an earlier attempt at this write. `waits`: a reference is still to come."""

    change: Change
    method: str
    path: str
    body: Resource
    wanted: Pairs
    version: str = ""
    blind: bool = False
    looked: bool = False
    waits: bool = False


@dataclass
class Way:
    """How writes are sent, and whether ETags are minded on it. `trusted` None: not known yet. Announcing them proves
    nothing: a server that does not mind them would let every drift through."""

    send: Callable[[Request], Reply]
    trusted: bool | None = None
    _proving: bool = False
    _lock: Lock = field(default_factory=Lock)

    def begin_proof(self) -> bool:
        with self._lock:
            if self.trusted is not None or self._proving:
                return False
            self._proving = True
            return True

    def end_proof(self, trusted: bool | None) -> None:
        with self._lock:
            self.trusted, self._proving = trusted, False


def read(resource: Resource, bound: Bound) -> str:
    """A value of a user; who has no `active` is active, for the standard does not require it."""
    text = bound.read(resource)
    return text or YES if bound is ACTIVE else text


def alike(now: str, wanted: str) -> bool:
    """The same but for letter case, which many servers change in what they keep."""
    return now == wanted or now.casefold() == wanted.casefold()


def same(bound: Bound, now: str, text: str) -> bool:
    return alike(now, text) if bound.name == "domain" else now == text


def spoken(name: str, text: str | None) -> str:
    if name == "status":
        return YES if text == Status.LIVE.value else NO
    return text or ""


def wrong_version(version: str) -> str:
    """An ETag that nothing has, in the spelling of one that something has."""
    return f'{version[:-1]}-none"' if version.endswith('"') else f"{version}-none"


def done(change: Change) -> Outcome:
    return Outcome(change.key, change.action, Result.DONE)


def drifted(change: Change, message: str) -> Outcome:
    return Outcome(change.key, change.action, Result.DRIFTED, message)


def failed(change: Change, message: str, cause: str) -> Outcome:
    return Outcome(change.key, change.action, Result.FAILED, message, cause)
