"""Whose turn it is: fair between customers, and one turn per domain."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from provisioning.engine.turns import ALLOWED, AT_MOST, MINUTE, Turn, most_of_one, must_rest, next_turn

ACME, BETA, CRUX = 1, 2, 3


def many(customer: int, count: int) -> list[Turn]:
    return [Turn(customer, customer * 1_000 + place, job_id=place) for place in range(count)]


def order(waiting: list[Turn], workers: int, most: int | None = None) -> list[int]:
    """The customers in the order in which their turns begin, when all turns take equally long."""
    left, running, times, begun = list(waiting), list[Turn](), defaultdict[int, list[float]](list), list[int]()
    while left or running:
        while len(running) < workers and (
            turn := next_turn(left, running, times, len(begun) * 2.0, most or most_of_one(workers))
        ):
            left.remove(turn)
            running.append(turn)
            times[turn.customer_id].append(len(begun) * 2.0)
            begun.append(turn.customer_id)
        running.pop(0)
    return begun


def beginnings(waiting: list[Turn], workers: int, takes: float) -> dict[int, list[float]]:
    """When each customer's turns begin, in seconds, when every turn takes as long as this."""
    left, running, now = list(waiting), dict[Turn, float](), 0.0
    begun = defaultdict[int, list[float]](list)
    while left or running:
        while len(running) < workers and (turn := next_turn(left, running, begun, now, most_of_one(workers))):
            left.remove(turn)
            running[turn] = now + takes
            begun[turn.customer_id].append(now)
        soonest = [*running.values(), *(times[-AT_MOST] + MINUTE for times in begun.values() if must_rest(times, now))]
        assert soonest or not left, "somebody waits for nothing"
        now = min(soonest, default=now)
        running = {turn: end for turn, end in running.items() if end > now}
    return begun


def test_one_domain_of_a_customer_does_not_wait_for_fifty_of_another() -> None:
    assert order([*many(ACME, 50), *many(BETA, 1)], workers=4).index(BETA) == 1


def test_also_on_a_single_thread_customers_take_turns() -> None:
    assert order([*many(ACME, 3), *many(BETA, 2), *many(CRUX, 1)], workers=1) == [ACME, BETA, CRUX, ACME, BETA, ACME]


def test_a_customer_alone_leaves_half_of_the_threads_for_whoever_comes() -> None:
    running = many(ACME, 4)
    assert next_turn(many(ACME, 9), running, {}, 0, most_of_one(8)) is None
    assert next_turn([*many(ACME, 9), *many(BETA, 1)], running, {}, 0, most_of_one(8)) == many(BETA, 1)[0]


def test_turns_of_a_customer_begin_in_the_order_they_were_asked_for() -> None:
    left = many(ACME, 3)
    assert [next_turn(left[place:], [], {}, 0, 1) for place in range(3)] == left


def test_a_domain_has_one_turn_at_a_time() -> None:
    asked, also_due = Turn(ACME, 7, job_id=1), Turn(ACME, 7)
    assert next_turn([also_due], [asked], {}, 0, 4) is None


def test_nobody_waits_nobody_begins() -> None:
    assert next_turn([], [], {}, 0, 4) is None


def test_hibob_is_not_asked_more_often_than_it_allows() -> None:
    """400 in the first minute, if nobody minded the rate."""
    times = beginnings(many(ACME, 400), workers=8, takes=0.6)[ACME]
    assert sum(each < MINUTE for each in times) == AT_MOST < ALLOWED
    assert times[AT_MOST] == MINUTE, "and goes on as soon as it may"


def test_whoever_rests_for_hibob_holds_up_nobody_else() -> None:
    begun = {ACME: [float(place) for place in range(AT_MOST)]}
    assert next_turn(many(ACME, 9), [], begun, MINUTE - 0.1, 4) is None
    assert next_turn([*many(ACME, 9), *many(BETA, 1)], [], begun, MINUTE - 0.1, 4) == many(BETA, 1)[0]
    assert next_turn(many(ACME, 9), [], begun, MINUTE, 4) == many(ACME, 9)[0]


def test_after_a_rest_what_people_asked_for_still_comes_before_schedules() -> None:
    asked, due = Turn(ACME, 1, job_id=7), Turn(ACME, 2)
    assert next_turn([asked, due], [], {ACME: [0.0] * AT_MOST}, MINUTE, 4) == asked


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=3),
    st.integers(1, 64),
    st.floats(0.01, 100, allow_nan=False),
)
def test_no_minute_has_more_turns_of_a_customer_than_hibob_allows_and_all_of_them_come(
    sizes: list[int], workers: int, takes: float
) -> None:
    waiting = [turn for customer, size in enumerate(sizes) for turn in many(customer, size)]
    begun = beginnings(waiting, workers, takes)
    assert {customer: len(times) for customer, times in begun.items()} == dict(enumerate(sizes))
    for times in begun.values():
        for place in range(len(times) - AT_MOST):
            assert times[place + AT_MOST] - times[place] >= MINUTE - 1e-6


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 16))
def test_everybody_is_served_and_nobody_is_passed_over(sizes: list[int], workers: int) -> None:
    """Each customer's first turn begins before anybody's second."""
    waiting = [turn for customer, size in enumerate(sizes) for turn in many(customer, size)]
    begun = order(waiting, workers, most=workers)
    assert Counter(begun) == dict(enumerate(sizes))
    for customer in range(len(sizes)):
        assert begun.index(customer) < len(sizes)
