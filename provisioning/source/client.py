"""All HTTP with HiBob. The only module that imports httpx.

What is retried, and never: HiBob blocks every call for five minutes after fifty 401s or 403s, so only rate limits,
server errors and broken connections are tried again, five times at the most. Credentials, query values and
answer bodies never appear in a message.
"""

import re
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from pathlib import PurePosixPath
from types import TracebackType
from urllib.parse import urlsplit

import httpx
import msgspec
import stamina

from provisioning.errors import SourceError

RETRIES = 5
RETRIED = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT = 300.0
MOST_POLLS = 150
LOCALE = "en-CA"
"""The language of a report's titles, always sent; this one also gives ISO dates."""

TIMEOUT = httpx.Timeout(300.0, connect=15.0)
"""people/search has no paging: one long answer with everybody."""

LONGEST_ANSWER = 900.0
"""Seconds. Every part of an answer may come in time, and the whole never."""

LARGEST_ANSWER = 4 << 30
"""Bytes, unpacked: a million people with twenty columns are 1.5 GB."""

UNSUSPICIOUS, DENSEST = 64 << 20, 400
"""From so many bytes on, an answer that unpacks to so many times its size is made to fill the memory."""

_PACKED: Mapping[str, int] = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""What an answer may be packed by, and what zlib calls it."""

# Its default is a line in the log for every wait; who waits is told by the one sentence at the end.
stamina.instrumentation.set_on_retry_hooks([])


class _TryAgain(Exception):
    """An answer worth another try. `wait`: how long HiBob asks for, in seconds, if it says. `slow`: HiBob was still
    working on it."""

    def __init__(self, error: SourceError, wait: float | None = None, *, slow: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait
        self.slow = slow


@dataclass(frozen=True, slots=True)
class _Answer:
    """A complete answer, unpacked."""

    status_code: int
    headers: httpx.Headers
    content: bytes


class HiBobClient:
    """One service user's access to one HiBob account. Use as a context manager."""

    def __init__(
        self,
        base_url: str,
        service_user_id: str,
        token: str,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        first_wait: float = 1.0,
        poll_wait: float = 4.0,
    ) -> None:
        """`first_wait`: seconds before the first retry where HiBob does not say; it doubles each time. `poll_wait`:
        seconds between looks for a report; HiBob allows twenty a minute."""
        self._base_url = base_url.rstrip("/")
        self._first_wait = first_wait
        self._poll_wait = poll_wait
        self._http = httpx.Client(
            auth=httpx.BasicAuth(service_user_id, token),
            timeout=timeout,
            follow_redirects=False,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip, deflate"},
            # A proxy of the environment is for the internet, not for a stand-in on this machine.
            trust_env=httpx.URL(base_url).scheme == "https",
        )

    def __enter__(self) -> "HiBobClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def fields(self) -> bytes:
        """HiBob's metadata of every field: a JSON array. Answers 200 for any valid credentials."""
        return self._json("GET", "/company/people/fields")

    def search(self, fields: list[str], *, inactive: bool = True) -> bytes:
        """Everybody the service user may see, with both forms of every value, as JSON. A read, despite POST."""
        body = {"fields": fields, "humanReadable": "APPEND", "showInactive": inactive}
        return self._json("POST", "/people/search", msgspec.json.encode(body))

    def reports(self) -> bytes:
        """The custom reports there are: a JSON object with `views`."""
        return self._json("GET", "/company/reports")

    def report(self, report_id: int, *, as_json: bool = False) -> bytes:
        """A custom report as CSV, or as JSON with both forms of every value. One that HiBob cannot finish while we wait
        is asked for again to be fetched later."""
        place = f"/company/reports/{report_id}"
        asked = {"format": "json" if as_json else "csv", "includeInfo": "false", "locale": LOCALE}
        asked |= {"humanReadable": "APPEND"} if as_json else {}
        try:
            answer = self._once("GET", f"{place}/download", None, asked)
        except _TryAgain as problem:
            if not problem.slow:
                answer = self._call("GET", f"{place}/download", None, asked, RETRIES)
            else:
                answer = self._later(f"{place}/download-async", asked)
        kind = _kind(answer)
        if kind == "text/html" or (as_json and not _is_json(kind)):
            raise _not_data(f"GET {place}/download", kind)
        if not as_json and not {"content-length", "transfer-encoding", "content-encoding"} & set(answer.headers):
            # A table without its last rows is still a table: only the transport can show that it is whole.
            raise SourceError(
                f"HiBob’s answer to GET {place}/download does not say where it ends, so it cannot be told from one that "
                "was cut off. Try again; if it stays, look at what stands between this machine and HiBob (a proxy)."
            )
        return answer.content

    def _later(self, path: str, asked: Mapping[str, str]) -> _Answer:
        """Ask for a report to be made, and fetch it when it is. HiBob names a file on another host: only its name is
        used, for our credentials must not go there."""
        location = self._call("GET", path, None, asked).headers.get("location", "")
        name = PurePosixPath(urlsplit(location).path).name
        if not re.fullmatch(r"[\w.-]+", name):
            raise SourceError(f"HiBob’s answer to GET {path} does not say where the report will be. Try again later.")
        for _ in range(MOST_POLLS):
            answer = self._call("GET", f"/company/reports/download/{name}")
            if answer.status_code == 200:
                return answer
            time.sleep(self._poll_wait)
        raise SourceError("HiBob did not finish the report in time. Try again later, or make the report smaller.")

    def _json(self, method: str, path: str, body: bytes | None = None) -> bytes:
        answer = self._call(method, path, body)
        if answer.status_code != 200:
            raise SourceError(
                f"HiBob answered {method} {path} without data ({answer.status_code}). Check the base URL."
            )
        kind = _kind(answer)
        if not _is_json(kind):
            raise _not_data(f"{method} {path}", kind)
        return answer.content

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        asked: Mapping[str, str] | None = None,
        tries: int = RETRIES + 1,
    ) -> _Answer:
        retrying = stamina.retry_context(
            on=_wait_for,
            attempts=tries,
            timeout=None,
            wait_initial=self._first_wait,
            wait_max=max(60.0, self._first_wait),
            wait_jitter=self._first_wait,
        )
        try:
            for attempt in retrying:
                with attempt:
                    return self._once(method, path, body, asked)
        except _TryAgain as last:
            raise last.error from None
        raise AssertionError("a retry context ends by returning or raising")  # pragma: no cover

    def _once(self, method: str, path: str, body: bytes | None, asked: Mapping[str, str] | None) -> _Answer:
        what = f"{method} {path}"
        headers = {"Content-Type": "application/json"} if body else {}
        url = self._base_url + path
        try:
            with self._http.stream(method, url, content=body, headers=headers, params=asked) as found:
                answer = _Answer(found.status_code, found.headers, _content(found, what))
        except httpx.TimeoutException:
            problem = SourceError(f"HiBob did not answer {what} in time. Try again later.")
            raise _TryAgain(problem, slow=True) from None
        except httpx.TransportError as problem:
            raise _TryAgain(_unreachable(what, problem)) from None
        if answer.status_code in RETRIED:
            wait = _asked_wait(answer)
            raise _TryAgain(_refusal(answer, what, wait), wait, slow=answer.status_code == 504)
        if answer.status_code not in (200, 202, 204):
            raise _refusal(answer, what)
        return answer


def _content(found: httpx.Response, what: str) -> bytes:
    """The whole body. Unpacked here, because a packed body that was cut off must not pass for a short one."""
    packing = found.headers.get("content-encoding", "").strip().lower()
    if packing in ("", "identity"):
        return b"".join(_within_bounds(found.iter_raw(), found, what))
    try:
        unpacking = zlib.decompressobj(_PACKED[packing])
        content = b"".join(_within_bounds((unpacking.decompress(part) for part in found.iter_raw()), found, what))
    except (KeyError, zlib.error):
        raise SourceError(
            f"HiBob’s answer to {what} is compressed in a way that cannot be undone. Nothing was concluded from it. "
            "Try again; if it stays, look at what stands between this machine and HiBob (a proxy)."
        ) from None
    if found.num_bytes_downloaded and (unpacking.unused_data or not unpacking.eof):
        raise _TryAgain(_broken(what))
    return content


def _within_bounds(parts: Iterator[bytes], found: httpx.Response, what: str) -> Iterator[bytes]:
    """The same parts, as long as they come to an end in time and fit into the memory."""
    size, until = 0, time.monotonic() + LONGEST_ANSWER
    for part in parts:
        size += len(part)
        if size > LARGEST_ANSWER or size > max(UNSUSPICIOUS, DENSEST * found.num_bytes_downloaded):
            raise SourceError(
                f"HiBob’s answer to {what} is far too large to be a list of people; reading was stopped after "
                f"{size >> 20:,} MB. Check the base URL; if it is right, report it to HiBob."
            )
        if time.monotonic() > until:
            raise SourceError(
                f"HiBob was still sending its answer to {what} after {LONGEST_ANSWER / 60:.0f} minutes; it was not "
                "waited for any longer. Check this machine’s network, and try again later."
            )
        yield part


def _kind(answer: _Answer) -> str:
    return str(answer.headers.get("content-type", "")).split(";")[0].strip().lower()


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _wait_for(problem: Exception) -> bool | float:
    """Whether to try again, and after how many seconds if HiBob said so."""
    if not isinstance(problem, _TryAgain):
        return False
    if problem.wait is None:
        return True
    return problem.wait if problem.wait <= LONGEST_WAIT else False


def _asked_wait(answer: _Answer) -> float | None:
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
    if answer.status_code == 429 and reset.isdecimal():
        return max(float(reset) - time.time(), 0.0) + 0.1
    return None


def _unreachable(what: str, problem: httpx.TransportError) -> SourceError:
    if isinstance(problem, httpx.ConnectError):
        return SourceError(
            f"HiBob cannot be reached ({what}): no connection to its host. Check the base URL, this machine’s "
            "network and its proxy."
        )
    return _broken(what)


def _broken(what: str) -> SourceError:
    return SourceError(f"The connection to HiBob broke during {what}; the answer is not complete. Try again.")


_REMEDIES = {
    400: "HiBob did not accept the request. Check the mapping’s column names; if they are right, report this.",
    401: "Check the service user’s id and token on the connection, and that it belongs to this HiBob environment.",
    403: "In HiBob, put the service user into a permission group that grants this feature, the field categories of "
    "the mapping, and the people.",
    404: "Check the connection’s base URL.",
    429: "HiBob’s rate limit is used up. Try again in a minute.",
}


def _refusal(answer: _Answer, what: str, wait: float | None = None) -> SourceError:
    status = answer.status_code
    if wait is not None and wait > LONGEST_WAIT:
        return SourceError(f"HiBob asks to be left alone for {_long(wait)} ({status} on {what}). Try again after that.")
    if status == 401 and answer.content.strip():
        return SourceError(f"HiBob refused {what} (401): this service user has no permission for it. {_REMEDIES[403]}")
    if status == 401:
        return SourceError(f"HiBob refused the credentials (401 on {what}). {_REMEDIES[401]}")
    if status == 404 and "/company/reports/" in what:
        return SourceError(
            f"HiBob has no such report for this service user (404 on {what}). Check the report’s number, and that the "
            "report is shared with the service user."
        )
    if 300 <= status < 400:
        return SourceError(f"HiBob answered {what} with a redirect ({status}). {_REMEDIES[404]}")
    if status >= 500:
        return SourceError(f"HiBob failed ({status} on {what}). Try again later.")
    remedy = _REMEDIES.get(status, "Check the connection’s base URL; if it is right, report this.")
    return SourceError(f"HiBob refused {what} ({status}). {remedy}")


def _long(seconds: float) -> str:
    """A long wait in words."""
    minutes = seconds / 60
    if minutes < 120:
        return f"{ceil(minutes)} minutes"
    return f"{ceil(minutes / 60):,} hours" if minutes < 60 * 48 else "more than two days"


def _not_data(what: str, kind: str) -> SourceError:
    found = "a web page" if kind == "text/html" else f"{kind or 'nothing'}"
    return SourceError(
        f"HiBob answered {what} with {found} instead of data. Check the connection’s base URL: usually it is wrong, and "
        "should look like https://api.hibob.com/v1."
    )
