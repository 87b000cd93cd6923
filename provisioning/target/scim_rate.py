"""How many requests a second a SCIM server takes: counted, and, once it has named its limit by refusing, kept within it.

After the first rate limit the allowed rate is what was accepted until then, wait included: a rough guess, quickly
raised until the next limit. From then on requests that follow each other too fast go a fifth slower, and every so
often a little faster, so that the server seldom has to refuse any. May be shared by threads.
"""

import time
from collections.abc import Callable
from threading import Lock

CAREFUL = 0.95
"""Of the allowed rate."""

SLOWER = 0.8
ROUGH, SURE = (1.25, 20), (1.05, 100)
"""By how much faster after how many requests: before the second limit, and after it."""

LONGEST_TURN = 5.0
"""Seconds that a request waits for its turn at most: a thread that waits hears of no wish to stop."""


class Rate:
    """`allowed`: requests a second, None until a limit was met. `answered`: requests that were not refused for it."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self.allowed: float | None = None
        self.answered = 0
        self._since, self._begun = 0, clock()
        self._next, self._limits = 0.0, 0
        self._lock = Lock()

    def turn(self) -> None:
        """Wait until the next request may be sent."""
        with self._lock:
            if self.allowed is None:
                return
            now = self._clock()
            at = max(self._next, now)
            self._next = at + 1 / (self.allowed * CAREFUL)
        if at > now:
            self._sleep(min(at - now, LONGEST_TURN))

    def went(self) -> None:
        """A request was answered, whatever the answer says."""
        with self._lock:
            self.answered += 1
            self._since += 1
            faster, after = SURE if self._limits > 1 else ROUGH
            if self.allowed is not None and self._since % after == 0:
                self.allowed *= faster

    def limited(self, wait: float) -> None:
        """A rate limit was met, and everybody waits so many seconds. Those that were under way meet it too: only the
        first counts."""
        with self._lock:
            now = self._clock()
            if now < self._begun:
                return
            if self._since:
                accepted = self._since / max(now + wait - self._begun, 0.001)
                self.allowed = max(accepted, (self.allowed or 0.0) * SLOWER)
                self._limits += 1
            elif self.allowed is not None:
                self.allowed /= 2
            self._since, self._begun, self._next = 0, now + wait, now
