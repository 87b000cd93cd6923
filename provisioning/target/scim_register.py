"""Who has which external id and which unique identifier at a SCIM server: asked one by one by filter, or, where the
server does not search or many will be asked for, read once. Learns from what we write; may be shared by threads."""

from collections.abc import Callable, Mapping
from math import ceil
from threading import RLock

from provisioning.target.scim_client import Reply, ScimClient
from provisioning.target.scim_paths import Bound, Resource, ScimPath, count_in, look, quote, to_text
from provisioning.target.scim_reading import FilterRefused, read_all, user_id

LINK = Bound("external_id", ScimPath("", "externalId"))


class Register:
    """`identifier`: the attribute that no two users share. `page`: how many users one answer may hold."""

    def __init__(
        self,
        client: ScimClient,
        users: str,
        identifier: Bound | None,
        *,
        searches: bool,
        page: int,
        exact: bool = False,
    ) -> None:
        self._client, self._users, self._page = client, users, page
        self._identifier = identifier
        self._fold: Callable[[str], str] = str if exact else str.casefold
        self._searches = searches
        self._whole = False
        self._proved: set[str] = set()
        self._links: dict[str, set[str]] = {}
        self._owners: dict[str, set[str]] = {}
        self._lock = RLock()

    def prepare(self, questions: int) -> None:
        """Read everybody now if that takes fewer requests than so many questions."""
        if self._whole or not self._searches or questions < 2:
            return
        total = count_in(to_text(look(self._get({"startIndex": "1", "count": "1"}).body or {}, "totalResults")))
        if total is not None and ceil(total / self._page) < questions:
            self._read()

    def linked(self, key: str, *, fresh: bool = False) -> list[str]:
        """Ids of the users with this external id. `fresh`: asked now, whatever is known."""
        return self._find(LINK, self._links, key, key, fresh)

    def owners(self, identifier: str, *, fresh: bool = False) -> list[str]:
        """Ids of the users with this unique identifier."""
        if self._identifier is None:
            return []
        return self._find(self._identifier, self._owners, identifier, self._fold(identifier), fresh)

    def learn(self, user: str, link: str | None, identifier: str | None) -> None:
        """What a write of ours made true."""
        with self._lock:
            if link:
                self._links.setdefault(link, set()).add(user)
            if identifier:
                self._owners.setdefault(self._fold(identifier), set()).add(user)

    def _find(self, by: Bound, known: dict[str, set[str]], text: str, key: str, fresh: bool) -> list[str]:
        with self._lock:
            if not fresh and (key in known or self._whole):
                return sorted(known.get(key, ()))
            if not self._searches:
                self._read()
                return sorted(known.get(key, ()))
        found = self._search(by, text)
        if not found and self._searches:
            self._prove(by, known)
        if not self._searches:
            return self._find(by, known, text, key, True)
        with self._lock:
            if found:
                known[key] = found
            else:
                known.pop(key, None)
        return sorted(found)

    def _search(self, by: Bound, text: str) -> set[str]:
        """Ids of those who have exactly this value. Notices a server that refuses the filter or answers with others."""
        fold = str if by is LINK else self._fold

        def keep(resource: Resource) -> tuple[str, str]:
            return user_id(resource), fold(by.read(resource))

        try:
            found = read_all(self._get, keep, page=self._page, search=f"{by.path} eq {quote(text)}")
        except FilterRefused:
            found = [("", "")]
        if any(value != fold(text) for _, value in found):
            self._searches = False
            return set()
        if found:
            self._proved.add(by.name)
        return {user for user, _ in found}

    def _prove(self, by: Bound, known: Mapping[str, set[str]]) -> None:
        """Nobody was found: search for somebody who is there, for a server may not understand a filter and not say so."""
        with self._lock:
            if by.name in self._proved:
                return
            somebody = next(iter(known.items()), None) or self._somebody(by)
            if somebody and not self._search(by, somebody[0]) >= somebody[1]:
                self._searches = False

    def _somebody(self, by: Bound) -> tuple[str, set[str]] | None:
        """A value, and a user of the first page who has it."""
        listed = look(self._get({"startIndex": "1", "count": str(self._page)}).body or {}, "Resources")
        people = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        return next(((by.read(each), {user_id(each)}) for each in people if by.read(each)), None)

    def _read(self) -> None:
        identifier = self._identifier

        def keep(resource: Resource) -> tuple[str, str, str]:
            return user_id(resource), LINK.read(resource), identifier.read(resource) if identifier else ""

        everybody = read_all(self._get, keep, page=self._page)
        self._links.clear()
        self._owners.clear()
        for user, link, text in everybody:
            self.learn(user, link, text)
        self._whole = True

    def _get(self, query: Mapping[str, str]) -> Reply:
        return self._client.get(self._users, query)
