"""All HTTP with HiBob: its calls, and its refusals in words.

What is retried, and never: HiBob blocks every call for five minutes after fifty 401s or 403s, so only rate limits,
server errors and broken connections are tried again, five times at the most. Credentials, query values and
answer bodies never appear in a message.
"""

import re
import time
from collections.abc import Mapping
from math import ceil
from pathlib import PurePosixPath
from types import TracebackType
from urllib.parse import urlsplit

import msgspec

from provisioning.errors import SourceError, SourceRefused
from provisioning.http import (
    LONGEST_ANSWER,
    LONGEST_WAIT,
    AddressesOf,
    Answer,
    Endless,
    Http,
    NoAnswer,
    NoConnection,
    Timeout,
    TooLarge,
    TooSlow,
    TryAgain,
    Unusable,
    asked_wait,
    persist,
)

RETRIES = 5
RETRIED = frozenset({429, 500, 502, 503, 504})
MOST_POLLS = 150
LOCALE = "en-CA"
"""The language of a report's titles, always sent; this one also gives ISO dates."""

TIMEOUT = Timeout(300.0, connect=15.0)
"""people/search has no paging: one long answer with everybody."""


class HiBobClient:
    """One service user's access to one HiBob account. Use as a context manager."""

    def __init__(
        self,
        base_url: str,
        service_user_id: str,
        token: str,
        *,
        timeout: Timeout = TIMEOUT,
        first_wait: float = 1.0,
        poll_wait: float = 4.0,
        addresses_of: AddressesOf | None = None,
    ) -> None:
        """`first_wait`: seconds before the first retry where HiBob does not say; it doubles each time. `poll_wait`:
        seconds between looks for a report; HiBob allows twenty a minute."""
        self._first_wait = first_wait
        self._poll_wait = poll_wait
        self._http = Http(base_url, login=(service_user_id, token), timeout=timeout, addresses_of=addresses_of)

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
        except TryAgain as problem:
            if not problem.slow:
                answer = self._call("GET", f"{place}/download", None, asked, RETRIES)
            else:
                answer = self._later(f"{place}/download-async", asked)
        if answer.kind == "text/html" or (as_json and not answer.is_json):
            raise _not_data(f"GET {place}/download", answer.kind)
        if not as_json and not {"content-length", "transfer-encoding", "content-encoding"} & set(answer.headers):
            # A table without its last rows is still a table: only the transport can show that it is whole.
            raise SourceError(
                f"HiBob’s answer to GET {place}/download does not say where it ends, so it cannot be told from one that "
                "was cut off. Try again; if it stays, look at what stands between this machine and HiBob (a proxy)."
            )
        return answer.content

    def _later(self, path: str, asked: Mapping[str, str]) -> Answer:
        """Ask for a report to be made, and fetch it when it is. HiBob names a file on another host: only its name is
        used, for our credentials must not go there."""
        location = self._call("GET", path, None, asked).headers.get("location", "")
        name = PurePosixPath(urlsplit(location).path).name
        if not re.fullmatch(r"[\w.-]+", name):
            raise SourceError(f"HiBob’s answer to GET {path} does not say where the report will be. Try again later.")
        for _ in range(MOST_POLLS):
            answer = self._call("GET", f"/company/reports/download/{name}")
            if answer.status == 200:
                return answer
            time.sleep(self._poll_wait)
        raise SourceError("HiBob did not finish the report in time. Try again later, or make the report smaller.")

    def _json(self, method: str, path: str, body: bytes | None = None) -> bytes:
        answer = self._call(method, path, body)
        if answer.status != 200:
            raise SourceError(f"HiBob answered {method} {path} without data ({answer.status}). Check the base URL.")
        if not answer.is_json:
            raise _not_data(f"{method} {path}", answer.kind)
        return answer.content

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        asked: Mapping[str, str] | None = None,
        tries: int = RETRIES + 1,
    ) -> Answer:
        return persist(lambda: self._once(method, path, body, asked), tries=tries, first_wait=self._first_wait)

    def _once(self, method: str, path: str, body: bytes | None, asked: Mapping[str, str] | None) -> Answer:
        what = f"{method} {path}"
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            answer = self._http.request(method, path, body, query=asked, headers=headers)
        except TooSlow:
            problem = SourceError(f"HiBob did not answer {what} in time. Try again later.")
            raise TryAgain(problem, slow=True) from None
        except (Unusable, TooLarge, Endless) as problem:
            raise _unusable(what, problem) from None
        except NoAnswer as problem:
            raise TryAgain(_unreachable(what, problem)) from None
        if answer.status in RETRIED:
            wait = asked_wait(answer)
            raise TryAgain(_refusal(answer, what, wait), wait, slow=answer.status == 504)
        if answer.status not in (200, 202, 204):
            raise _refusal(answer, what)
        return answer


def _unreachable(what: str, problem: NoAnswer) -> SourceError:
    if isinstance(problem, NoConnection):
        return SourceError(
            f"HiBob cannot be reached ({what}): no connection to its host. Check the base URL, this machine’s "
            "network and its proxy."
        )
    return SourceError(f"The connection to HiBob broke during {what}; the answer is not complete. Try again.")


_REMEDIES = {
    400: "HiBob did not accept the request. Check the mapping’s column names; if they are right, report this.",
    401: "Check the service user’s id and token on the connection, and that it belongs to this HiBob environment.",
    403: "In HiBob, put the service user into a permission group that grants this feature, the field categories of "
    "the mapping, and the people.",
    404: "Check the connection’s base URL.",
    429: "HiBob’s rate limit is used up. Try again in a minute.",
}


def _refusal(answer: Answer, what: str, wait: float | None = None) -> SourceError:
    status = answer.status
    if wait is not None and wait > LONGEST_WAIT:
        return SourceError(f"HiBob asks to be left alone for {_long(wait)} ({status} on {what}). Try again after that.")
    if status == 401 and answer.content.strip():
        return SourceRefused(
            f"HiBob refused {what} (401): this service user has no permission for it. {_REMEDIES[403]}"
        )
    if status == 401:
        return SourceRefused(f"HiBob refused the credentials (401 on {what}). {_REMEDIES[401]}")
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
    return (SourceRefused if status == 403 else SourceError)(f"HiBob refused {what} ({status}). {remedy}")


def _unusable(what: str, problem: NoAnswer) -> SourceError:
    if isinstance(problem, TooLarge):
        return SourceError(
            f"HiBob’s answer to {what} is far too large to be a list of people; reading was stopped after "
            f"{problem.size >> 20:,} MB. Check the base URL; if it is right, report it to HiBob."
        )
    if isinstance(problem, Endless):
        return SourceError(
            f"HiBob was still sending its answer to {what} after {LONGEST_ANSWER / 60:.0f} minutes; it was not "
            "waited for any longer. Check this machine’s network, and try again later."
        )
    return SourceError(
        f"HiBob’s answer to {what} is compressed in a way that cannot be undone. Nothing was concluded from it. "
        "Try again; if it stays, look at what stands between this machine and HiBob (a proxy)."
    )


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
