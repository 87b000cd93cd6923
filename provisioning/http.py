"""HTTP with every neighbour: a pool of connections, whole answers as plain values, and when to try again.

The only module that imports httpx. It knows no neighbour and no words for people. Credentials, query values and
answer bodies never appear in an exception, a representation or a log line of ours.
"""

import logging
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from io import BytesIO
from types import TracebackType
from typing import Self, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx
import stamina

from provisioning.errors import RollcallError, SettingsError

T = TypeVar("T")
Timeout = httpx.Timeout
LONGEST_WAIT = 300.0

LONGEST_ANSWER = 900.0
"""Seconds. Every part of an answer may come in time, and the whole never."""

LARGEST_ANSWER = 4 << 30
"""Bytes, unpacked: a million people with twenty columns are 1.5 GB."""

UNSUSPICIOUS, DENSEST = 64 << 20, 400
"""From so many bytes on, an answer that unpacks to so many times its size is made to fill the memory."""

MOST_ADDRESSES = 4
"""Of one host, tried one after the other."""

_PACKED: Mapping[str, int] = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""What an answer may be packed by, and what zlib calls it."""

# Its default is a line in the log for every wait; who waits is told by the one sentence at the end.
stamina.instrumentation.set_on_retry_hooks([])
# httpx logs every address with its query, which for SCIM holds people's names.
logging.getLogger("httpx").setLevel(logging.WARNING)


class NoAnswer(Exception):
    """No whole answer came. `sent`: the request may have reached the neighbour, and may have taken effect."""

    def __init__(self, *, sent: bool = True) -> None:
        super().__init__(type(self).__name__)
        self.sent = sent


class NoConnection(NoAnswer):
    """Nobody listens there, or the name is unknown."""


class TooSlow(NoAnswer):
    """The answer did not come in time."""


class Broken(NoAnswer):
    """The connection broke before the answer was whole."""


class Unusable(NoAnswer):
    """The answer is compressed in a way that cannot be undone."""


class TooLarge(NoAnswer):
    """The answer is longer than anything we asked for: so many bytes were read of it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


class Endless(NoAnswer):
    """Parts of the answer came in time, and the whole never."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `headers` may be asked for in any letter case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def kind(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        return self.kind == "application/json" or self.kind.endswith("+json")


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities' certificates, loaded once: for each client anew that took longer than to plan a small domain."""
    return httpx.create_ssl_context()


AddressesOf = Callable[[str], Sequence[str]]


class _Door(httpcore.NetworkBackend):
    """Connects to the very addresses that were checked: between a look and a second one a name may come to lead
    elsewhere. The certificate is still asked for by the name."""

    def __init__(self, addresses_of: AddressesOf) -> None:
        self._addresses_of = addresses_of
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._addresses_of(host)
        except OSError:
            raise httpcore.ConnectError(f"{host} is not known") from None
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                problem = failed
        raise problem


class _Checked(httpx.HTTPTransport):
    """httpx's own transport through that door, for which it has no argument."""

    def __init__(self, addresses_of: AddressesOf, limits: httpx.Limits) -> None:
        super().__init__(verify=_trusted(), limits=limits)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=_trusted(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Door(addresses_of),
        )


def _transport(
    url: httpx.URL, addresses_of: AddressesOf | None, limits: httpx.Limits
) -> dict[str, httpx.BaseTransport]:
    """How to reach this host. Behind a proxy it is the proxy that looks the name up."""
    proxied = url.scheme in getproxies() and not proxy_bypass(url.host)
    if addresses_of is None or (proxied and url.scheme == "https"):
        return {}
    host = f"[{url.host}]" if ":" in url.host else url.host
    return {f"all://{host}": _Checked(addresses_of, limits)}


class Http:
    """One neighbour's base URL and credentials, over one pool of connections. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        *,
        login: tuple[str, str] | None = None,
        bearer: str | None = None,
        accept: str = "application/json",
        timeout: Timeout,
        connections: int = 10,
        most_bytes: int | None = None,
        addresses_of: AddressesOf | None = None,
    ) -> None:
        """`login`: name and password, or `bearer`: a token. `most_bytes`: how long an answer may be (`LARGEST_ANSWER`).
        `addresses_of`: asked at each connection for the addresses to connect to; what it raises comes out of `request`.

        Raises `SettingsError` for a token that cannot stand in a header.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip, deflate"}
        if bearer is not None:
            if not bearer or not bearer.isascii() or not bearer.isprintable() or " " in bearer:
                raise SettingsError("The bearer token holds a blank or a character that no token has. Set it again.")
            headers["Authorization"] = f"Bearer {bearer}"
        self._base_url = base_url.rstrip("/")
        self._most_bytes = most_bytes
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.Client(
            mounts=_transport(httpx.URL(base_url), addresses_of, limits),
            auth=httpx.BasicAuth(*login) if login else None,
            timeout=timeout,
            # A redirect would take our credentials to whoever it names.
            follow_redirects=False,
            headers=headers,
            limits=limits,
            # A proxy of the environment is for the internet, not for a stand-in on this machine.
            trust_env=httpx.URL(base_url).scheme == "https",
            verify=_trusted(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, one whole answer, whatever its status. Raises a `NoAnswer`."""
        try:
            return self._request(method, self._base_url + path, body, query, headers)
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            raise TooSlow(sent=False) from None
        except httpx.TimeoutException:
            raise TooSlow from None
        except httpx.ConnectError:
            raise NoConnection(sent=False) from None
        except httpx.TransportError:
            raise Broken from None

    def _request(
        self,
        method: str,
        url: str,
        body: bytes | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        with self._client.stream(method, url, content=body, params=query, headers=headers) as answer:
            return Answer(answer.status_code, answer.headers, _content(answer, self._most_bytes or LARGEST_ANSWER))


def _content(found: httpx.Response, most_bytes: int) -> bytes:
    """The whole body. Unpacked here, because a packed body that was cut off must not pass for a short one."""
    packing = found.headers.get("content-encoding", "").strip().lower()
    if packing in ("", "identity"):
        return _joined(_within_bounds(found.iter_raw(), found, most_bytes))
    try:
        unpacking = zlib.decompressobj(_PACKED[packing])
        parts = (unpacking.decompress(part) for part in found.iter_raw())
        content = _joined(_within_bounds(parts, found, most_bytes))
    except (KeyError, zlib.error):
        raise Unusable from None
    if found.num_bytes_downloaded and (unpacking.unused_data or not unpacking.eof):
        raise Broken
    return content


def _joined(parts: Iterable[bytes]) -> bytes:
    """Into one growing buffer: parts that wait for the last would take as much memory again."""
    whole = BytesIO()
    for part in parts:
        whole.write(part)
    return whole.getvalue()


def _within_bounds(parts: Iterator[bytes], found: httpx.Response, most_bytes: int) -> Iterator[bytes]:
    """The same parts, as long as they come to an end in time and fit into the memory."""
    size, until = 0, time.monotonic() + LONGEST_ANSWER
    for part in parts:
        size += len(part)
        if size > most_bytes or size > max(UNSUSPICIOUS, DENSEST * found.num_bytes_downloaded):
            raise TooLarge(size)
        if time.monotonic() > until:
            raise Endless
        yield part


class TryAgain(Exception):
    """A failure worth another try. `wait`: how long the neighbour asks for, in seconds, if it says. `slow`: it was
    still working on it. `error`: what to tell people when no try is left."""

    def __init__(self, error: RollcallError, wait: float | None = None, *, slow: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait
        self.slow = slow


def persist(call: Callable[[], T], *, tries: int, first_wait: float) -> T:
    """Call until it gives something instead of `TryAgain`; after the last try the error in it is raised. Between two
    tries: what the neighbour asked for, else `first_wait` seconds, doubled each time."""
    retrying = stamina.retry_context(
        on=_wait_for,
        attempts=tries,
        timeout=None,
        wait_initial=first_wait,
        wait_max=max(60.0, first_wait),
        wait_jitter=first_wait,
    )
    try:
        for attempt in retrying:
            with attempt:
                return call()
    except TryAgain as last:
        raise last.error from None
    raise AssertionError("a retry context ends by returning or raising")  # pragma: no cover


def _wait_for(problem: Exception) -> bool | float:
    """Whether to try again, and after how many seconds if the neighbour said so."""
    if not isinstance(problem, TryAgain):
        return False
    if problem.wait is None:
        return True
    return problem.wait if problem.wait <= LONGEST_WAIT else False


def asked_wait(answer: Answer) -> float | None:
    """Seconds from `Retry-After` (a number or a date), else until `X-RateLimit-Reset` (Unix seconds) on 429."""
    after = answer.headers.get("retry-after", "").strip()
    if after.isdecimal():
        return float(after)
    if after:
        try:
            moment = parsedate_to_datetime(after)
        except (ValueError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
    reset = answer.headers.get("x-ratelimit-reset", "").strip()
    if answer.status == 429 and reset.isdecimal():
        return max(float(reset) - time.time(), 0.0) + 0.1
    return None
