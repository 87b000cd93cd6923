"""Who reads and plans: whoever asks, threads of this machine, or a cluster. A task is a plain function of plain values, which
knows no database; what it is given and gives back travels closed, so that no name, representation or log shows it."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

A = TypeVar("A")
T = TypeVar("T")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, repr=False)
class Closed(Generic[T]):
    """Something that nobody may see on the way: a token, or people. `content` is for whoever works with it."""

    content: T

    def __repr__(self) -> str:
        return "Closed(…)"


class Hands(Protocol):
    """Does tasks for others, who wait for them."""

    def do(self, name: str, task: Callable[[A], T], given: A) -> T:
        """`task(given)`. `name` is shown to people: it must hold neither a secret nor a person. Raises what the task
        raises."""
        ...

    def telling(self, tell: Tell) -> Self:
        """The same hands for one job; `tell` hears what the job has to wait for."""
        ...

    def close(self) -> None:
        """Let go of whoever works for us. What is at hand is finished or done again by others."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """This machine. Without an executor the task is done by whoever asks."""

    executor: Executor | None = None

    def do(self, name: str, task: Callable[[A], T], given: A) -> T:
        if self.executor is None:
            return task(given)
        return self.executor.submit(perform, task, Closed(given)).result().content

    def telling(self, tell: Tell) -> Self:
        return self

    def close(self) -> None:
        if self.executor is not None:
            self.executor.shutdown()


def perform(task: Callable[[A], T], given: Closed[A]) -> Closed[T]:
    """What an executor runs."""
    return Closed(task(given.content))
