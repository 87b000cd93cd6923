"""When a count reaches a limit. Exact arithmetic: a percentage is a fraction, never a float."""

from fractions import Fraction
from math import ceil

from provisioning.model import Limit

FEWEST = 3
"""Every percentage triggers only from three people up (PRODUCT.md, "Limits")."""


def threshold(limit: Limit, of: int) -> int:
    """The number of people at which a limit triggers."""
    if limit.share is None:
        return limit.number or 0
    return max(ceil(limit.share * of), FEWEST)


def triggers(limit: Limit, counted: int | Fraction, of: int) -> tuple[int, bool]:
    """(the number of people that triggers, whether `counted` reaches it). A limit that is off never does. A share is
    compared as it is, not as the whole number of people it comes to."""
    if limit.off:
        return 0, False
    at = threshold(limit, of)
    if limit.share is not None:
        return at, counted >= limit.share * of and counted >= FEWEST
    return at, counted >= at and counted > 0


def few_enough(limit: Limit, found: int, of: int) -> tuple[int, bool]:
    """(the fewest people that are enough, whether `found` is fewer). For limits from below."""
    if limit.share is None:
        minimum = limit.number or 0
        return minimum, found < minimum
    minimum = ceil(limit.share * of)
    return minimum, found < minimum and of - found >= FEWEST
