"""Several writes in one request (RFC 7644 section 3.7), within the limits that a server announces or turns out to
have. Says what became of each, and of whom nothing can be said."""

from collections.abc import Sequence

import msgspec

from provisioning.target.scim_client import Lost, Reply, ScimClient, Throttled
from provisioning.target.scim_paths import Resource, count_in, look, to_text
from provisioning.target.scim_provider import Announced
from provisioning.target.scim_steps import Request
from provisioning.target.scim_words import scim_type

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
MOST_OPERATIONS, MOST_BYTES = 1000, 1 << 20
ENVELOPE = 200
"""Bytes around the operations."""


class Bulk:
    """`works` turns False when the server refuses bulk requests although it announces them."""

    def __init__(self, client: ScimClient, announced: Announced) -> None:
        self._client = client
        self.works = announced.bulk
        self._most = min(announced.bulk_operations or MOST_OPERATIONS, MOST_OPERATIONS)
        self._bytes = announced.bulk_bytes or MOST_BYTES

    def one(self, request: Request) -> Reply:
        """A single write by this way. Raises `Lost` when nothing can be said of it."""
        found = self.send([request])[0]
        if found is None:
            raise Lost("Skillcast answered a bulk request without saying what became of it.", "no answer")
        return found

    def batches(self, requests: Sequence[Request]) -> list[list[int]]:
        """Places of the requests that may go together; one that is too long for any goes alone."""
        found: list[list[int]] = []
        room = 0
        for place, request in enumerate(requests):
            size = len(msgspec.json.encode(_operation(request, place))) + 1
            if not found or len(found[-1]) >= self._most or size > room:
                found.append([])
                room = self._bytes - ENVELOPE
            found[-1].append(place)
            room -= size
        return found

    def send(self, requests: Sequence[Request]) -> list[Reply | None]:
        """One bulk request, or several smaller ones; per write its answer, or None where nobody can say. Raises
        `Throttled` when nothing was done, and `TargetError`."""
        body = {"schemas": [BULK], "Operations": [_operation(each, place) for place, each in enumerate(requests)]}
        try:
            reply = self._client.send("POST", "/Bulk", body)
        except Lost:
            return [None] * len(requests)
        except Throttled as limit:
            if limit.untouched:
                raise
            return [None] * len(requests)
        if reply.ok and reply.body is not None:
            return _answers(reply.body, requests)
        if len(requests) > 1 and (reply.status == 413 or scim_type(reply.body) == "tooMany"):
            # The limit is lower than announced.
            self._most = half = len(requests) // 2
            return self.send(requests[:half]) + self._send_rest(requests[half:])
        self.works = False
        return [None] * len(requests)

    def _send_rest(self, requests: Sequence[Request]) -> list[Reply | None]:
        """The second half: a rate limit must not lead to the first being sent again, so whoever meets it is looked at."""
        try:
            return self.send(requests)
        except Throttled:
            return [None] * len(requests)


def _operation(request: Request, place: int) -> Resource:
    found: Resource = {"method": request.method, "path": request.path, "bulkId": f"r{place}", "data": request.body}
    return found | ({"version": request.version} if request.version else {})


def _answers(body: Resource, requests: Sequence[Request]) -> list[Reply | None]:
    listed = look(body, "Operations")
    found: dict[int, Reply] = {}
    for each in listed if isinstance(listed, list) else ():
        place = _place(each, requests) if isinstance(each, dict) else None
        reply = _reply(each) if place is not None else None
        if place is not None and reply is not None:
            found[place] = reply
    return [found.get(place) for place in range(len(requests))]


def _place(answer: Resource, requests: Sequence[Request]) -> int | None:
    """Which write an answer is about: by its bulkId, which some servers keep for creates only, else by the user."""
    named = to_text(look(answer, "bulkId"))
    place = count_in(named[1:]) if named.startswith("r") else None
    if place is not None and place < len(requests):
        return place
    location = to_text(look(answer, "location")).rstrip("/")
    fits = [place for place, each in enumerate(requests) if each.method != "POST" and location.endswith(each.path)]
    return fits[0] if len(fits) == 1 else None


def _reply(answer: Resource) -> Reply | None:
    """None for a failure in passing, which says nothing of what took effect."""
    status = look(answer, "status")
    code = count_in(to_text(look(status, "code") if isinstance(status, dict) else status))
    if code is None or code in (429, 500, 502, 503, 504):
        return None
    body = look(answer, "response")
    version, location = to_text(look(answer, "version")), to_text(look(answer, "location"))
    return Reply(code, body if isinstance(body, dict) else None, version, location)
