"""User directories out. A target compares and sets; it decides nothing.

`users()` reads everybody as columns; `ensure()` brings one chunk of changes about: already as wanted → done; still
as the plan saw it → write; otherwise → drifted. Repeating a chunk is therefore always safe. References to users who
are still to come wait for `finish()`, which is called after the last chunk.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from provisioning.model import Change, Outcome, Users

Journal = Callable[[Sequence[Outcome]], None]
"""Records the outcomes of one chunk. A target that shares our database calls it inside its own transaction."""


class Stopped(Exception):
    """The run was asked to stop while the target waited. What was done is journalled; the rest is for the resume."""


class Target(Protocol):
    def users(self, attributes: Sequence[str]) -> Users:
        """Everybody in the domain, with these attributes. Raises `TargetError` unless the read is complete."""

    def ensure(self, changes: Sequence[Change], journal: Journal) -> None:
        """Bring one chunk about and journal its outcomes, in order; a change whose reference must wait for another
        user has its outcome from `finish`. Raises `Stopped`, or `TargetError` when the directory as a whole fails;
        the outcomes there are were journalled before."""

    def finish(self, journal: Journal) -> None:
        """The second pass, after the last chunk: references that had to wait. Raises as `ensure` does."""

    @property
    def rate(self) -> tuple[int, float | None]:
        """(requests answered so far, how many a second the target allows: None where it set no limit)."""

    def live(self) -> int:
        """How many users of the domain are live now."""
