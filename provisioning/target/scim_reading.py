"""All users of a SCIM server, page by page, with the proof that nobody is missing: as many as the server announces,
each once, and pages that fit together. A read that cannot prove it is made anew, and is an error in the end."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from provisioning.errors import TargetError
from provisioning.target.scim_client import Reply
from provisioning.target.scim_paths import Resource, count_in, look, to_text
from provisioning.target.scim_words import refusal

T = TypeVar("T")
Fetch = Callable[[Mapping[str, str]], Reply]

PAGE = 200
READS = 3
MOST_USERS = 10_000_000
"""A server that announces more, and gives one at a time, would be read for ever."""


class _Moved(Exception):
    """The users changed while they were read, or the pages do not fit together."""


class FilterRefused(Exception):
    """The server does not search by what it was asked for."""


def read_all(fetch: Fetch, keep: Callable[[Resource], T], *, page: int = PAGE, search: str = "") -> list[T]:
    """What `keep` takes of everybody who fits the filter `search`. `fetch` asks for one page.

    Raises `TargetError` unless the read is proved complete, and `FilterRefused`.
    """
    moved = ""
    for _ in range(READS):
        try:
            return _read_once(fetch, keep, {"count": str(page)} | ({"filter": search} if search else {}))
        except _Moved as problem:
            moved = str(problem)
    raise TargetError(
        f"Skillcast’s users cannot be read completely: {moved}, {READS} times in a row. Nobody is taken for gone because "
        "of such a read, and nothing is changed. Try again when nobody else is changing users there."
    )


def _read_once(fetch: Fetch, keep: Callable[[Resource], T], query: dict[str, str]) -> list[T]:
    found: list[T] = []
    ids: set[str] = set()
    last, overlap, total = "", 0, -1
    while len(ids) != total:
        body = _page(fetch(query | {"startIndex": str(len(ids) + 1 - overlap)}), "filter" in query)
        listed, now = _resources(body), _total(body)
        if total not in (-1, now):
            raise _Moved(f"there were {total:,} users, and then {now:,}")
        total = now
        if overlap and (not listed or user_id(listed[0]) != last):
            raise _Moved("its pages do not fit together: users were added or removed meanwhile, or it keeps no order")
        for each in listed[overlap:]:
            last = user_id(each)
            if last in ids:
                raise _Moved(f"user {last} came twice")
            ids.add(last)
            found.append(keep(each))
        if len(ids) > total or (len(ids) < total and not listed):
            raise _Moved(f"it says that there are {total:,} users and gives {len(ids):,}")
        # Each page begins with the last user of the one before, which shows that nothing has shifted; unless the
        # server gives one at a time.
        overlap = 1 if len(listed) > 1 else 0
    if overlap and len(listed) == total:
        # Some servers announce the length of the page as the number of all.
        beyond = _resources(_page(fetch(query | {"startIndex": str(total)}), "filter" in query))
        if any(user_id(each) not in ids for each in beyond):
            raise _Moved(f"it says that there are {total:,} users and has more")
    return found


def _page(reply: Reply, searching: bool) -> Resource:
    if reply.ok and reply.body is not None:
        return reply.body
    if searching and reply.status in (400, 403, 404, 405, 413, 414, 422, 431, 501):
        raise FilterRefused
    if reply.status == 404:
        raise TargetError("Skillcast has no users at this address (404). Check the base URL.")
    raise TargetError(f"Skillcast’s users cannot be read. {refusal(reply.status, reply.body).message}")


def _resources(body: Resource) -> list[Resource]:
    listed = look(body, "Resources")
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise TargetError("Skillcast’s list of users is not as the standard has it. Check the base URL.")
    return listed


def _total(body: Resource) -> int:
    """The announced number. Without it nobody could say whether a read is complete."""
    total = count_in(to_text(look(body, "totalResults")))
    if total is None or total > MOST_USERS:
        raise TargetError(
            "Skillcast does not say how many users there are (totalResults), so a read cannot be proved complete. Check "
            "the base URL."
        )
    return total


def user_id(resource: Resource) -> str:
    """The server's id of a user. Raises `TargetError` when there is none."""
    found = to_text(look(resource, "id"))
    if not found:
        raise TargetError("Skillcast gave a user without an id, so nobody can be told apart. Check the base URL.")
    return found


def version_of(resource: Resource) -> str:
    """A user's ETag; "" where the server gives none."""
    meta = look(resource, "meta")
    return to_text(look(meta, "version")) if isinstance(meta, dict) else ""
