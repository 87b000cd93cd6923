"""Reading and planning beyond one machine: a Dask cluster, reached by `Client.get_executor()`. The only module that imports
distributed. It decides nothing about people, and holds neither database nor key.

Tasks have keys of ours, made of a kind, a domain's number and chance: Dask's own would be made from the arguments. Arguments
and results travel closed (`hands.Closed`), so that no log or dashboard shows a token or a person. What was sent to a
scheduler or worker that went away is sent again; tasks only read and compute, so that repeating one is always safe.
"""

import asyncio
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from provisioning import __version__
from provisioning.errors import ClusterError, SettingsError
from provisioning.hands import Closed, Hands, Here, Tell, perform

if TYPE_CHECKING:
    from distributed import Client

A = TypeVar("A")
T = TypeVar("T")

CLUSTER_VARIABLE, FALLBACK_VARIABLE = "ROLLCALL_CLUSTER", "ROLLCALL_CLUSTER_FALLBACK"
PATIENCE_VARIABLE, PATIENCE = "ROLLCALL_CLUSTER_PATIENCE", 60
CONNECT_SECONDS, LOOK_EVERY = 3.0, 1.0
MATTERS = ("distributed", "pyarrow", "numpy", "msgspec")
"""Libraries whose values travel: another version at the other end may read them otherwise."""


class Lost(Exception):
    """The cluster, or a part of it, is not there now. The text says which."""


def hands_of(environment: Mapping[str, str], local: Here) -> Hands:
    """Whoever reads and plans in this environment: the cluster it names, else `local`. Raises `SettingsError`."""
    address = environment.get(CLUSTER_VARIABLE, "").strip()
    if not address:
        return local
    if not address.startswith(("tcp://", "tls://")):
        raise SettingsError(f"{CLUSTER_VARIABLE} must be a scheduler’s address, such as tcp://scheduler:8786.")
    fallback = environment.get(FALLBACK_VARIABLE, "").strip()
    if fallback not in ("", "local"):
        raise SettingsError(f"{FALLBACK_VARIABLE} may only be “local”; without it, work waits for the cluster.")
    patience = environment.get(PATIENCE_VARIABLE, "").strip() or str(PATIENCE)
    if not patience.isascii() or not patience.isdecimal():
        raise SettingsError(f"{PATIENCE_VARIABLE} must be a whole number of seconds, not “{patience}”.")
    return Cluster(_Link(address), float(patience), local if fallback else None)


@cache
def stamp() -> str:
    """What must be the same at both ends: Rollcall's own code, Python, and the libraries whose values travel."""
    code = sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    libraries = ", ".join(f"{each} {metadata.version(each)}" for each in MATTERS)
    return f"Rollcall {__version__} ({code.hexdigest()[:8]}), Python {python}, {libraries}"


def perform_for(theirs: str, task: Callable[[A], T], given: Closed[A]) -> Closed[T]:
    """What a cluster's worker runs. A worker may have joined after we looked: it looks itself."""
    if theirs != stamp():
        raise ClusterError(_differs("the worker that was asked", stamp(), theirs))
    return perform(task, given)


def _differs(who: str, theirs: str, ours: str) -> str:
    return (
        f"The cluster is not of our version: {who} has {theirs}; here is {ours}. Start scheduler, workers and Rollcall from "
        "the same image."
    )


@dataclass
class _Link:
    """The one connection of this process to the scheduler, shared by its threads; made anew when it broke. `lost_since`: from
    when on nothing came back."""

    address: str
    lost_since: float | None = None
    _client: "Client | None" = None
    _tried: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self) -> "Client":
        """Raises `Lost` where nobody answers, `ClusterError` for other versions."""
        with self._lock:
            if self._client is None or self._client.status != "running":
                self._drop()
                self._client = self._connect()
            return self._client

    def _connect(self) -> "Client":
        if time.monotonic() - self._tried < LOOK_EVERY:
            raise Lost(f"nobody answers at {self.address}")
        try:
            client = _open(self.address)
        except (OSError, TimeoutError):
            self._tried = time.monotonic()
            raise Lost(f"nobody answers at {self.address}") from None
        try:
            wrong = next(
                (_differs(who, what, stamp()) for who, what in stamps(client).items() if what != stamp()), None
            )
        except (OSError, TimeoutError):
            _close(client)
            raise Lost(f"the connection to {self.address} broke") from None
        if wrong:
            _close(client)
            raise ClusterError(wrong)
        return client

    def _drop(self) -> None:
        if self._client is not None:
            _close(self._client)
            self._client = None

    def close(self) -> None:
        with self._lock:
            self._drop()


def _open(address: str) -> "Client":
    import dask
    from distributed import Client

    class Impatient(Client):  # type: ignore[misc]
        """A scheduler that is frozen takes the connection and says nothing: distributed would wait for its greeting for ever."""

        async def _start(self, **more: Any) -> Self:
            try:
                await asyncio.wait_for(super()._start(**more), 2 * CONNECT_SECONDS)
            except TimeoutError:
                await self._close(fast=True)
                raise
            return self

    dask.config.set({"distributed.admin.large-graph-warning-threshold": "4GB"})
    return Impatient(address, timeout=CONNECT_SECONDS, set_as_default=False, name="rollcall")


def _close(client: "Client") -> None:
    with suppress(TimeoutError, OSError):  # Nobody is there to say goodbye to.
        client.close(timeout=CONNECT_SECONDS)


def stamps(client: "Client") -> dict[str, str]:
    """Who is there, and what each runs: the scheduler and every worker, by address."""

    def said(answer: object) -> str:
        return answer if isinstance(answer, str) else "another Rollcall, or none"

    found: dict[str, Any] = client.run(stamp, on_error="return")
    try:
        scheduler: object = client.run_on_scheduler(stamp)
    except (ImportError, AttributeError) as problem:
        scheduler = problem
    return {"the scheduler": said(scheduler)} | {f"worker {who}": said(answer) for who, answer in sorted(found.items())}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Hands of a Dask cluster. `patience`: seconds without it after which a task fails, or is done by `fallback`."""

    link: _Link
    patience: float
    fallback: Here | None = None
    tell: Tell = lambda text: None

    def telling(self, tell: Tell) -> Self:
        return replace(self, tell=tell)

    def do(self, name: str, task: Callable[[A], T], given: A) -> T:
        """Raises what the task raises, and `ClusterError`."""
        while True:
            try:
                return self._once(name, task, given)
            except Lost as problem:
                if self._is_over():
                    if self.fallback:
                        self.tell(f"The cluster is not there ({problem}); done on this machine")
                        return self.fallback.do(name, task, given)
                    raise ClusterError(
                        f"The cluster is not there: {problem}, for {self.patience:.0f} seconds. Nothing was lost. Start it, and "
                        f"try again; or set {FALLBACK_VARIABLE}=local to read and plan on the worker’s own machine meanwhile."
                    ) from None
                self.tell(f"Waiting for the cluster: {problem}")
                time.sleep(LOOK_EVERY)

    def _is_over(self) -> bool:
        """Whether nothing came back for too long, to any of our threads."""
        now = time.monotonic()
        self.link.lost_since = since = self.link.lost_since or now
        return now - since >= self.patience

    def _once(self, name: str, task: Callable[[A], T], given: A) -> T:
        from distributed import KilledWorker

        client = self.link.client()
        executor = client.get_executor(pure=False)
        key = f"{name}-{secrets.token_hex(8)}"
        future = executor.submit(perform_for, stamp(), task, Closed(given), key=key)
        try:
            while True:
                try:
                    found: Closed[T] = future.result(timeout=LOOK_EVERY)
                except TimeoutError:
                    if future.done():
                        raise
                    self._look(client)
                else:
                    self.link.lost_since = None
                    return found.content
        except KilledWorker:
            raise ClusterError(
                f"Worker after worker died of this task ({name}), most likely for want of memory. Nothing was lost. Give the "
                "cluster’s workers more memory, then try again."
            ) from None
        except CancelledError:
            raise Lost("the scheduler went away") from None
        finally:
            future.cancel()

    def _look(self, client: "Client") -> None:
        """Whether waiting makes sense. Raises `Lost`."""
        if client.status != "running":
            raise Lost("the scheduler went away")
        try:
            workers = client.sync(client.scheduler.ncores, callback_timeout=CONNECT_SECONDS)
        except (OSError, TimeoutError):
            raise Lost("the scheduler went away") from None
        if not workers:
            raise Lost("it has no workers")
        self.link.lost_since = None

    def close(self) -> None:
        self.link.close()

    def seen(self) -> tuple[bool, str]:
        """For `doctor`: whether the cluster could work for us now, and what stands there."""
        address = self.link.address
        try:
            there = stamps(self.link.client())
        except (Lost, ClusterError) as problem:
            return False, str(problem)
        finally:
            self.link.close()
        workers = len(there) - 1
        open_wire = (
            "" if address.startswith("tls://") else "; not encrypted: keep it in a private network, or use tls://"
        )
        told = f"{address}: {workers} worker{'' if workers == 1 else 's'}, {stamp()}{open_wire}"
        return (True, told) if workers else (False, f"{told}. Start at least one worker.")
