"""User directories out. A target compares and sets; it decides nothing.

`users()` reads everybody as columns, or raises `TargetError` unless the read is complete. `ensure()` brings one chunk of
changes about and journals their outcomes in order: already as wanted → done; still as the plan saw it → write; otherwise →
drifted. Repeating a chunk is therefore always safe. References to users who are still to come wait for `finish()`, which
is called after the last chunk. Both raise `Stopped`, or `TargetError` when the directory as a whole fails; the outcomes
there are were journalled before.
"""

from collections.abc import Callable, Sequence

from provisioning.model import Outcome

Journal = Callable[[Sequence[Outcome]], None]
"""Records the outcomes of one chunk. A target that shares our database calls it inside its own transaction."""


class Stopped(Exception):
    """The run was asked to stop while the target waited. What was done is journalled; the rest is for the resume."""
