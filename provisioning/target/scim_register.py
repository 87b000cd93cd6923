"""Who has which external id and which unique identifier at a SCIM server: asked one by one by filter, or, where the
server does not search or many will be asked for, read once. Learns from what we write; may be shared by threads."""

from collections.abc import Callable, Mapping
from math import ceil
from threading import RLock

from provisioning.target.scim_client import Reply, ScimClient
from provisioning.target.scim_paths import Bound, Resource, ScimPath, look, quote, to_text
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
        self._links: dict[str, set[str]] = {}
        self._owners: dict[str, set[str]] = {}
        self._lock = RLock()

    def prepare(self, questions: int) -> None:
        """Read everybody now if that takes fewer requests than so many questions."""
        if self._whole or not self._searches or questions < 2:
            return
        total = to_text(look(self._get({"startIndex": "1", "count": "1"}).body or {}, "totalResults"))
        if total.isdecimal() and ceil(int(total) / self._page) < questions:
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

    def distrust(self) -> None:
        """A search did not find what is there: from now on everybody is read instead."""
        with self._lock:
            self._searches = False

    def finds(self, key: str, user: str) -> bool:
        """Whether a search by external id finds somebody who is known to have it."""
        return not self._searches or user in self.linked(key, fresh=True)

    def _find(self, by: Bound, known: dict[str, set[str]], text: str, key: str, fresh: bool) -> list[str]:
        with self._lock:
            if key in known and not fresh:
                return sorted(known[key])
            if self._searches:
                whole = self._whole
            else:
                if fresh or not self._whole:
                    self._read()
                return sorted(known.get(key, ()))
        if whole and not fresh:
            return []
        return self._search(by, known, text, key)

    def _search(self, by: Bound, known: dict[str, set[str]], text: str, key: str) -> list[str]:
        def keep(resource: Resource) -> tuple[str, str]:
            return user_id(resource), by.read(resource)

        try:
            found = read_all(self._get, keep, page=self._page, search=f"{by.path} eq {quote(text)}")
        except FilterRefused:
            self.distrust()
            return self._find(by, known, text, key, True)
        fold = str if by is LINK else self._fold
        if any(fold(value) != key for _, value in found):
            # It answers with somebody else: the filter was ignored, or means something else there.
            self.distrust()
            return self._find(by, known, text, key, True)
        with self._lock:
            known[key] = {user for user, _ in found}
            if not found:
                del known[key]
        return sorted(user for user, _ in found)

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
