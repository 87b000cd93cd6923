"""Calls per minute and endpoint, and the block after too many refusals."""

from collections import deque
from collections.abc import Callable

REFUSALS = 50
WITHIN_SECONDS = 10
BLOCK_SECONDS = 300


class Limits:
    """Counts in whole minutes of the clock given, which is an argument so that a test need not wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: dict[str, tuple[int, int]] = {}
        self._refusals: deque[float] = deque(maxlen=REFUSALS + 1)
        self._blocked_until = 0.0

    def spend(self, endpoint: str, limit: int) -> bool:
        """Take one call; False when this minute has none left."""
        minute, used = self._window(endpoint)
        if used >= limit:
            return False
        self._used[endpoint] = (minute, used + 1)
        return True

    def headers(self, endpoint: str, limit: int) -> dict[str, str]:
        """The `X-RateLimit` headers as they stand now."""
        minute, used = self._window(endpoint)
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used)),
            "X-RateLimit-Reset": str((minute + 1) * 60),
        }

    def refused(self) -> None:
        """Note a 401 or 403; more than 50 of them within 10 seconds block everything for 5 minutes."""
        now = self._clock()
        self._refusals.append(now)
        if len(self._refusals) > REFUSALS and now - self._refusals[0] <= WITHIN_SECONDS:
            self._blocked_until = now + BLOCK_SECONDS
            self._refusals.clear()

    def blocked(self) -> bool:
        """Whether every call is turned away at present."""
        return self._clock() < self._blocked_until

    def _window(self, endpoint: str) -> tuple[int, int]:
        minute = int(self._clock() // 60)
        window, used = self._used.get(endpoint, (minute, 0))
        return (minute, used) if window == minute else (minute, 0)
