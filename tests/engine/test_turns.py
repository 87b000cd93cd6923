"""Whose turn it is: fair between customers, and one turn per domain."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.turns import Turn, most_of_one, next_turn

ACME, BETA, CRUX = 1, 2, 3


def many(customer: int, count: int) -> list[Turn]:
    return [Turn(customer, customer * 1_000 + place, job_id=place) for place in range(count)]


def order(waiting: list[Turn], workers: int, most: int | None = None) -> list[int]:
    """The customers in the order in which their turns begin, when all turns take equally long."""
    left, running, served, begun = list(waiting), list[Turn](), dict[int, int](), list[int]()
    while left or running:
        while len(running) < workers and (
            turn := next_turn(left, running, served, most_of_one(workers) if most is None else most)
        ):
            left.remove(turn)
            running.append(turn)
            begun.append(turn.customer_id)
            served[turn.customer_id] = len(begun)
        running.pop(0)
    return begun


def test_one_domain_of_a_customer_does_not_wait_for_fifty_of_another() -> None:
    assert order([*many(ACME, 50), *many(BETA, 1)], workers=4).index(BETA) == 1


def test_also_on_a_single_thread_customers_take_turns() -> None:
    assert order([*many(ACME, 3), *many(BETA, 2), *many(CRUX, 1)], workers=1) == [ACME, BETA, CRUX, ACME, BETA, ACME]


def test_a_customer_alone_leaves_half_of_the_threads_for_whoever_comes() -> None:
    running = many(ACME, 4)
    assert next_turn(many(ACME, 9), running, {}, most_of_one(8)) is None
    assert next_turn([*many(ACME, 9), *many(BETA, 1)], running, {}, most_of_one(8)) == many(BETA, 1)[0]


def test_turns_of_a_customer_begin_in_the_order_they_were_asked_for() -> None:
    left = many(ACME, 3)
    assert [next_turn(left[place:], [], {}, 1) for place in range(3)] == left


def test_a_domain_has_one_turn_at_a_time() -> None:
    asked, also_due = Turn(ACME, 7, job_id=1), Turn(ACME, 7)
    assert next_turn([also_due], [asked], {}, 4) is None


def test_nobody_waits_nobody_begins() -> None:
    assert next_turn([], [], {}, 4) is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 16))
def test_everybody_is_served_and_nobody_is_passed_over(sizes: list[int], workers: int) -> None:
    """Each customer's first turn begins before anybody's second."""
    waiting = [turn for customer, size in enumerate(sizes) for turn in many(customer, size)]
    begun = order(waiting, workers, most=workers)
    assert Counter(begun) == dict(enumerate(sizes))
    for customer in range(len(sizes)):
        assert begun.index(customer) < len(sizes)
