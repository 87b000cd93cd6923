"""Whose turn it is when several domains can be seen to at once: no customer waits for another one's many domains."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """Something to do for a domain: a job, or, without one, its schedule."""

    customer_id: int
    domain_id: int
    job_id: int | None = None


def next_turn(waiting: Iterable[Turn], running: Collection[Turn], served: Mapping[int, int], most: int) -> Turn | None:
    """The turn that begins now, of those that wait in this order; None where nobody can.

    First come customers with the fewest turns at work, then whoever was served longest ago. `served`: the number of each
    customer's last turn, counted over all. `most`: turns of one customer side by side. A domain has one at a time.
    """
    at_work = Counter(each.customer_id for each in running)
    taken = {each.domain_id for each in running}
    able = (each for each in waiting if each.domain_id not in taken and at_work[each.customer_id] < most)
    return min(able, key=lambda each: (at_work[each.customer_id], served.get(each.customer_id, 0)), default=None)


def most_of_one(workers: int) -> int:
    """How many of the workers one customer may keep busy: half, so that somebody else's turn never has to wait for theirs."""
    return max(1, workers // 2)
