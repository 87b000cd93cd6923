"""Whose turn it is when several domains can be seen to at once: no customer waits for another one's many domains, and nobody's
HiBob is asked more often than it allows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

ALLOWED = 50
"""People searches that HiBob answers an API user in a minute: https://apidocs.hibob.com/reference/rate-limiting"""

AT_MOST, MINUTE = 40, 60.0
"""So many turns of one customer begin within so many seconds. A turn reads once as a rule; what is left of HiBob's rate is for the
second read where columns were missing, for what is run beside the worker, and for clocks that count otherwise. Per customer, not
connection: two of a customer's connections may share an API user."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Something to do for a domain: a job, or, without one, its schedule."""

    customer_id: int
    domain_id: int
    job_id: int | None = None


def next_turn(
    waiting: Iterable[Turn], running: Collection[Turn], begun: Mapping[int, Sequence[float]], now: float, most: int
) -> Turn | None:
    """The turn that begins now, of those that wait in this order; None where nobody can.

    First come customers with the fewest turns at work, then whoever was served longest ago. `begun`: when each customer's
    turns began, the last `AT_MOST` at least, by the clock of `now`. `most`: turns of one customer side by side. A domain has
    one at a time.
    """
    at_work = Counter(each.customer_id for each in running)
    taken = {each.domain_id for each in running}
    able = (
        each
        for each in waiting
        if each.domain_id not in taken
        and at_work[each.customer_id] < most
        and not must_rest(begun.get(each.customer_id, ()), now)
    )

    def rank(turn: Turn) -> tuple[int, float]:
        before = begun.get(turn.customer_id)
        return at_work[turn.customer_id], before[-1] if before else float("-inf")

    return min(able, key=rank, default=None)


def must_rest(begun: Sequence[float], now: float) -> bool:
    """Whether one more turn of a customer, whose turns began at these moments, would pass the rate."""
    return len(begun) >= AT_MOST and now < begun[-AT_MOST] + MINUTE


def most_of_one(workers: int) -> int:
    """How many of the workers one customer may keep busy: half, so that somebody else's turn never has to wait for theirs."""
    return max(1, workers // 2)
