"""Requests to a SCIM server: what is tried again at once, what must be looked at first, and for whom one waits.

Passing failures of a read are tried again. A write is sent once: whether an answer that did not come had taken
effect is for the caller to find out. Rate limits are not waited for here but told, so that all who write wait
together. The token stands in one header and nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec

from provisioning.errors import TargetError, TargetRefused
from provisioning.http import (
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
from provisioning.target.scim_paths import Resource
from provisioning.target.scim_rate import Rate
from provisioning.target.scim_words import refusal

TIMEOUT = Timeout(60.0, connect=15.0)
TRIES = 5
MOST_BYTES = 256 << 20
PASSING = frozenset({500, 502, 503, 504})
MEDIA_TYPE = "application/scim+json"

_decode = msgspec.json.Decoder().decode


class Throttled(Exception):
    """The server asks us to wait. `wait`: seconds, if it says how long. `untouched`: nothing was done, for sure; a 503 may
    come from a gateway, after what stands behind it has done the work."""

    def __init__(self, wait: float | None, *, untouched: bool = True) -> None:
        super().__init__("throttled")
        self.wait, self.untouched = wait, untouched


class Lost(Exception):
    """A write of which nobody can say whether it took effect. The message is for people, should it stay so."""

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that can be understood. `body` is None where there was none; `version` is the ETag, "" without."""

    status: int
    body: Resource | None
    version: str = ""
    location: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class ScimClient:
    """One token's access to one SCIM server. Use as a context manager; threads may share it."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: Timeout = TIMEOUT,
        connections: int = 8,
        first_wait: float = 1.0,
        addresses_of: AddressesOf | None = None,
        rate: Rate | None = None,
    ) -> None:
        """`first_wait`: seconds before a read is tried again; it doubles each time. `rate`: where requests are counted
        and wait for their turn."""
        self._first_wait = first_wait
        self._rate = rate or Rate()
        self._token = token
        accept = f"{MEDIA_TYPE}, application/json"
        self._http = Http(
            base_url, bearer=token, accept=accept, timeout=timeout, connections=connections, most_bytes=MOST_BYTES,
            addresses_of=addresses_of,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """A read, tried again where it failed in passing. Refusals other than of the token are replies. Raises
        `TargetError`, and `Throttled`."""
        return persist(lambda: self._get(path, query), tries=TRIES, first_wait=self._first_wait)

    def send(self, method: str, path: str, body: object, version: str = "") -> Reply:
        """A write, sent once; with `version` only if the server still has that one. Raises `Lost`, `Throttled`, and
        `TargetError` when nobody answers there at all or the token is refused."""
        content = msgspec.json.encode(body)
        headers = {"Content-Type": MEDIA_TYPE} | ({"If-Match": version} if version else {})
        return persist(lambda: self._send(method, path, content, headers), tries=TRIES, first_wait=self._first_wait)

    def _get(self, path: str, query: Mapping[str, str] | None) -> Reply:
        what = f"GET {path}"
        self._rate.turn()
        try:
            answer = self._http.request("GET", path, query=query)
        except NoAnswer as problem:
            raise TryAgain(_no_answer(what, problem)) from None
        self._check(what, answer)
        if answer.status in PASSING:
            raise TryAgain(TargetError(f"Skillcast failed ({answer.status} on {what}). Try again later."))
        body = self._body(answer)
        if body is None and answer.status == 200:
            raise TryAgain(TargetError(_not_data(what, answer)))
        return self._reply(answer, body)

    def _send(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        what = f"{method} {path}"
        self._rate.turn()
        try:
            answer = self._http.request(method, path, content, headers=headers)
        except NoAnswer as problem:
            if not problem.sent:
                raise TryAgain(_no_answer(what, problem)) from None
            raise Lost(str(_no_answer(what, problem)), "no answer") from None
        self._check(what, answer)
        body = self._body(answer)
        if answer.status >= 500 and answer.status not in (501, 505):
            told = refusal(answer.status, body)
            raise Lost(told.message, told.cause)
        if body is None and answer.content.strip() and 200 <= answer.status < 300:
            raise Lost(_not_data(what, answer), "not data")
        return self._reply(answer, body)

    def _check(self, what: str, answer: Answer) -> None:
        """Answers that are about everybody: the rate, the token, the address."""
        wait = asked_wait(answer)
        if answer.status == 429 or (answer.status == 503 and wait is not None):
            raise Throttled(wait, untouched=answer.status == 429)
        self._rate.went()
        if answer.status == 401:
            raise TargetRefused(refusal(401, self._body(answer)).message)
        if 300 <= answer.status < 400:
            raise TargetError(
                f"Skillcast answered {what} with a redirect ({answer.status}), which is not followed. Check the base "
                "URL; it should look like https://acme.skillcast.io/skillcastApi/scim."
            )

    def _reply(self, answer: Answer, body: Resource | None) -> Reply:
        headers = answer.headers
        return Reply(answer.status, body, headers.get("etag", ""), headers.get("location", ""))

    def _body(self, answer: Answer) -> Resource | None:
        """The JSON object of an answer, whatever its content type says, unless it says that it is a page. Our token is
        taken out, should a server quote the request."""
        if answer.kind == "text/html":
            return None
        try:
            found = _decode(answer.content.replace(self._token.encode(), b"..."))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if isinstance(found, list):
            # Some servers give a bare array where the standard has a list response.
            return {"totalResults": len(found), "Resources": found}
        return found if isinstance(found, dict) else None


def _no_answer(what: str, problem: NoAnswer) -> TargetError:
    what = re.sub(r"\?.*", "", what)
    if isinstance(problem, NoConnection):
        return TargetError(
            f"Skillcast cannot be reached ({what}): no connection to its host. Check the base URL, this machine’s "
            "network and its proxy."
        )
    if isinstance(problem, TooSlow | Endless):
        return TargetError(f"Skillcast did not answer {what} in time. Try again later.")
    if isinstance(problem, Unusable | TooLarge):
        how = "compressed in a way that cannot be undone" if isinstance(problem, Unusable) else "far too long"
        return TargetError(f"Skillcast’s answer to {what} is {how}. Whoever runs the portal looks into it.")
    return TargetError(f"The connection to Skillcast broke during {what}; the answer is not complete. Try again.")


def _not_data(what: str, answer: Answer) -> str:
    found = "a web page" if answer.kind == "text/html" else "something that is not SCIM"
    return (
        f"Skillcast answered {what} with {found} ({answer.status}). Check the base URL; it should look like "
        "https://acme.skillcast.io/skillcastApi/scim."
    )
