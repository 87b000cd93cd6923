"""User directories out. A target compares and sets; it decides nothing.

`users()` reads everybody as columns; `ensure()` brings one chunk of changes about: already as wanted → done; still
as the plan saw it → write; otherwise → drifted. Repeating a chunk is therefore always safe.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from provisioning.model import Change, Outcome, Users

Journal = Callable[[Sequence[Outcome]], None]
"""Records the outcomes of one chunk. A target that shares our database calls it inside its own transaction."""


class Target(Protocol):
    def users(self, attributes: Sequence[str]) -> Users:
        """Everybody in the domain, with these attributes. Raises `TargetError` unless the read is complete."""

    def ensure(self, changes: Sequence[Change], journal: Journal) -> None:
        """Bring one chunk about and journal one outcome per change, in order."""

    def live(self) -> int:
        """How many users of the domain are live now."""
