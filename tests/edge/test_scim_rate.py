"""As fast as a SCIM server allows, and no faster: servers with limits of several kinds, on a clock of their own."""

from collections import deque
from collections.abc import Callable
from threading import Barrier, Lock

import pytest

from provisioning.target.scim_client import Throttled
from provisioning.target.scim_pace import GROWS_AFTER, WIDEST, WIDTH, Pace
from provisioning.target.scim_rate import LONGEST_TURN, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Window:
    """So many requests in so many seconds; whoever comes too early waits until the window is over."""

    def __init__(self, clock: Clock, most: int, seconds: float, told: bool = True) -> None:
        self.clock, self.most, self.seconds, self.told = clock, most, seconds, told
        self.taken: deque[float] = deque()
        self.refused = 0

    def __call__(self) -> None:
        now = self.clock()
        self.clock.now += 0.001
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        if len(self.taken) >= self.most:
            self.refused += 1
            raise Throttled(self.taken[0] + self.seconds - now if self.told else None)
        self.taken.append(now)


def send(number: int, server: Callable[[], None], clock: Clock) -> Rate:
    """So many requests, one after the other."""
    rate = Rate(clock, clock.sleep)
    pace = Pace(sleep=clock.sleep, clock=clock, rate=rate)

    def request() -> None:
        rate.turn()
        server()
        rate.went()

    for _ in range(number):
        pace.once(request)
    return rate


@pytest.mark.parametrize(("most", "seconds"), [(50, 10.0), (10, 1.0), (600, 60.0), (1, 0.5)])
def test_the_allowed_rate_is_found_and_kept_to(most: int, seconds: float) -> None:
    clock = Clock()
    server = Window(clock, most, seconds)
    began = clock()
    rate = send(5000, server, clock)
    allowed, achieved = most / seconds, 5000 / (clock() - began)
    assert rate.answered == 5000
    assert rate.allowed == pytest.approx(allowed, rel=0.3)
    assert 0.7 * allowed <= achieved <= 1.15 * allowed
    assert server.refused <= 5000 / 50


def test_a_server_that_does_not_say_how_long_is_kept_to_as_well() -> None:
    clock = Clock()
    server = Window(clock, 20, 2.0, told=False)
    began = clock()
    send(5000, server, clock)
    assert 5000 / (clock() - began) >= 6.0
    assert server.refused <= 5000 / 40


def test_a_server_without_a_limit_is_never_waited_for() -> None:
    clock = Clock()
    rate = send(500, lambda: None, clock)
    assert (rate.allowed, rate.answered, clock()) == (None, 500, 1000.0)


def test_a_limit_that_was_lifted_is_left_behind() -> None:
    clock = Clock()
    server = Window(clock, 2, 100.0)
    rate = send(4, server, clock)
    assert rate.allowed is not None
    assert rate.allowed < 0.1
    for _ in range(600):
        rate.turn()
        rate.went()
    assert rate.allowed > 1


def test_nobody_waits_long_for_their_turn() -> None:
    clock = Clock()
    rate = Rate(clock, clock.sleep)
    rate.went()
    rate.limited(3600)
    clock.now += 3600
    before = clock()
    rate.turn()
    rate.turn()
    assert clock() - before <= LONGEST_TURN


def test_who_is_under_way_at_a_rate_limit_makes_nobody_wait_twice() -> None:
    lock, slept, refused, under_way = Lock(), [], [], Barrier(4)

    def sleep(seconds: float) -> None:
        slept.append(seconds)

    def work(item: int) -> int:
        with lock:
            first = item not in refused
            refused.append(item)
        if first:
            under_way.wait()
            raise Throttled(1.0)
        return item

    found = Pace(width=4, sleep=sleep).run(range(4), work)
    assert found.results == {number: number for number in range(4)}
    assert sum(slept) <= 2.0


def walk(speed: Callable[[int], float]) -> Pace:
    """A server that takes `speed(width)` calls a second."""
    clock = Clock()
    pace = Pace(clock=clock, sleep=clock.sleep)
    for _ in range(40 * GROWS_AFTER):
        pace.once(lambda: clock.sleep(pace.width / speed(pace.width)))
    return pace


def test_more_go_side_by_side_as_long_as_that_is_faster() -> None:
    assert walk(lambda width: 10.0 * width).width == WIDEST


@pytest.mark.parametrize("busy", [1, 4, WIDTH])
def test_no_more_go_side_by_side_where_that_is_no_faster(busy: int) -> None:
    assert walk(lambda width: 10.0 * min(width, busy)).width <= WIDTH + 1
