"""When a count reaches a limit. Exact arithmetic: a percentage is a fraction, never a float."""

from math import ceil

from provisioning.model import Limit

FEWEST = 3
"""Every percentage triggers only from three people up (PRODUCT.md, "Limits")."""


def threshold(limit: Limit, of: int) -> int:
    """The number of people at which a limit triggers."""
    if limit.share is None:
        return limit.number or 0
    return max(ceil(limit.share * of), FEWEST)


def triggers(limit: Limit, counted: int, of: int) -> tuple[int, bool]:
    """(the number that triggers, whether `counted` reaches it). A limit that is off never does."""
    if limit.off:
        return 0, False
    at = threshold(limit, of)
    return at, counted >= at and counted > 0


def few_enough(limit: Limit, found: int, of: int) -> tuple[int, bool]:
    """(the fewest people that are enough, whether `found` is fewer). For limits from below."""
    if limit.share is None:
        minimum = limit.number or 0
        return minimum, found < minimum
    minimum = ceil(limit.share * of)
    return minimum, found < minimum and of - found >= FEWEST
