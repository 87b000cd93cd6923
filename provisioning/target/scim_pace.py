"""How fast one writes to a SCIM server: side by side over one pool of connections, more at a time as long as that is
faster, fewer after each rate limit, and everybody waits when the server asks for it. Whoever watches hears until when,
and may stop the wait.

Callbacks are called in the caller's thread only.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from queue import SimpleQueue
from threading import Lock
from typing import Generic, TypeVar

from provisioning.errors import TargetError
from provisioning.target import Stopped
from provisioning.target.scim_client import Throttled
from provisioning.target.scim_rate import Rate

T = TypeVar("T")
R = TypeVar("R")

WIDTH, WIDEST = 8, 16
"""Calls side by side: to begin with, and at most."""

FASTER_BY = 1.1
"""So much faster a step more must make it; else more at a time only means that each takes longer."""

MOST_THROTTLED = 20
LONGEST_BACK_OFF = 60.0
LONGEST_WAIT = 3600.0
GROWS_AFTER = 20
"""Answers, and two rounds of calls at least, after which the number of calls side by side is looked at."""

SLICE = 1.0


@dataclass
class Finished(Generic[R]):
    """Results by place, and what ended the work early, if anything did."""

    results: dict[int, R] = field(default_factory=dict)
    error: TargetError | Stopped | None = None


class Pace:
    """`stop` is asked once a second while waiting; `waiting` hears until when. `width`: calls side by side."""

    def __init__(
        self,
        stop: Callable[[], bool] = lambda: False,
        waiting: Callable[[datetime], None] = lambda until: None,
        *,
        width: int = WIDTH,
        widest: int | None = None,
        patience: float = LONGEST_WAIT,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        rate: Rate | None = None,
    ) -> None:
        """`rate`: hears of each rate limit. `patience`: for how many seconds it may ask to wait at once. `widest` None: `WIDEST`, or `width` where that was chosen."""
        self._stop, self._waiting, self._sleep, self._clock = stop, waiting, sleep, clock
        self.width, self._most = width, widest or (WIDEST if width == WIDTH else width)
        self._usual = width
        self._rate, self._patience = rate or Rate(), patience
        self._throttled = 0
        self._lock = Lock()
        self._count_anew()
        self._best, self._narrower = 0.0, width

    def once(self, call: Callable[[], R]) -> R:
        """One call, waiting as long as the server asks. Raises what the call raises, and `Stopped`."""
        while True:
            began = self._clock()
            try:
                found = call()
            except Throttled as limit:
                self._rest(limit.wait)
            else:
                self._moved_on(self._clock() - began)
                return found

    def run(self, items: Sequence[T], work: Callable[[T], R]) -> Finished[R]:
        """Work on all items side by side; one that meets a rate limit is begun anew after the wait."""
        done: Finished[R] = Finished()
        waiting = deque(range(len(items)))
        while waiting and done.error is None:
            self._count_anew()
            limits = self._go_on(items, work, waiting, done)
            if limits and done.error is None:
                self._rest_or_stop(limits, done)
        return done

    def close(self) -> None:
        """Ends the threads. Idempotent."""
        self._pool.shutdown()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._most)

    def _go_on(
        self, items: Sequence[T], work: Callable[[T], R], waiting: deque[int], done: Finished[R]
    ) -> list[Throttled]:
        """Until all is done or something stands in the way; returns the rate limits that were met. Who is under way meets
        the same one: one wait for all of them."""
        limits: list[Throttled] = []
        ended: SimpleQueue[Future[None]] = SimpleQueue()
        begun = running = 0

        def begin() -> None:
            nonlocal begun, running
            begun, running = begun + 1, running + 1
            self._pool.submit(take).add_done_callback(ended.put)

        def take() -> None:
            """One after the other: handing each to a thread took Python's lock as long as the calls themselves."""
            nonlocal running
            while True:
                with self._lock:
                    if not waiting or limits or done.error or running > self.width:
                        running -= 1
                        return
                    place = waiting.popleft()
                    if running < self.width and waiting:
                        begin()
                began = self._clock()
                try:
                    result = work(items[place])
                except Throttled as limit:
                    with self._lock:
                        waiting.appendleft(place)
                        limits.append(limit)
                except (TargetError, Stopped) as problem:
                    with self._lock:
                        done.error = done.error or problem
                else:
                    with self._lock:
                        done.results[place] = result
                        self._moved_on(self._clock() - began)
                        if not waiting:
                            # The last of these calls have fewer beside them: that says nothing of the speed.
                            self._count_anew()

        try:
            with self._lock:
                begin()
            over = 0
            while over < begun:
                ended.get().result()
                over += 1
        except BaseException:
            waiting.clear()
            raise
        return limits

    def _rest_or_stop(self, limits: Sequence[Throttled], done: Finished[R]) -> None:
        known = [each.wait for each in limits if each.wait is not None]
        try:
            self._rest(max(known) if known else None)
        except (TargetError, Stopped) as problem:
            done.error = problem

    def _moved_on(self, seconds: float) -> None:
        """One more was answered, after so many seconds. How fast so many side by side are follows from how long each takes:
        answers that come in rounds, counted by the clock, are a round more or less."""
        self._throttled = 0
        self._since += 1
        if self._since <= 0:
            return
        self._taken += seconds
        if self._since < max(GROWS_AFTER, 2 * self.width):
            return
        speed = self.width * self._since / max(self._taken, 1e-6)
        self._count_anew()
        if self.width < self._usual:
            self.width += 1
        elif self._rate.allowed is None:
            self._climb(speed)

    def _count_anew(self, without: int = 0) -> None:
        """`without`: answers that do not count, for new connections are opened."""
        self._since, self._taken = -without, 0.0

    def _climb(self, speed: float) -> None:
        """A step wider as long as the last one paid; else that step back, and no further. Where the server has named its
        limit there is nothing to find out."""
        if speed > self._best * FASTER_BY:
            self._best, self._narrower = speed, self.width
            self.width = min(self.width + max(self.width // 2, 1), self._most)
            self._count_anew(self.width)
        elif self.width > self._narrower:
            self.width = self._most = self._narrower

    def _rest(self, asked: float | None) -> None:
        self.width = max(self.width // 2, 1)
        self._count_anew()
        self._throttled += 1
        seconds = min(2.0 ** (self._throttled - 1), LONGEST_BACK_OFF) if asked is None else asked
        until = datetime.now(UTC) + timedelta(seconds=min(seconds, 10 * LONGEST_WAIT))
        if seconds > self._patience or self._throttled > MOST_THROTTLED:
            raise TargetError(
                f"Skillcast’s rate limit is used up; it asks to wait until {until:%Y-%m-%d %H:%M} UTC or longer. Nothing "
                "is lost: try again then, or go on with the run."
            )
        self._rate.limited(seconds)
        self._waiting(until)
        # In slices, counted and not clocked: somebody may stop it, and a clock may be set back.
        while seconds > 0:
            if self._stop():
                raise Stopped
            self._sleep(min(seconds, SLICE))
            seconds -= SLICE
