"""Who has which external id and which unique identifier at a SCIM server: asked by filter, for many at once where the
server can; or, where it does not search or reading takes fewer requests, read once. Learns from what we write; may be
shared by threads."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from threading import RLock

from provisioning.errors import TargetError
from provisioning.target.scim_client import Reply, ScimClient
from provisioning.target.scim_paths import Bound, Resource, ScimPath, count_in, look, quote, to_text
from provisioning.target.scim_reading import FilterRefused, read_all, user_id

TOGETHER = 40
"""Values asked for by one search: its address must not become too long for what stands in between."""

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
        self._searches, self._joins = searches, searches
        self._whole = False
        self._asked_for, self._pages = 0, 0
        self._proved: set[str] = set()
        self._joined: set[str] = set()
        self._absent: set[tuple[str, str]] = set()
        self._links: dict[str, set[str]] = {}
        self._owners: dict[str, set[str]] = {}
        self._lock = RLock()

    def prepare(self, questions: int) -> None:
        """Read everybody now if that takes no more requests than so many questions, asked together."""
        if self._whole or not self._searches or questions < 2:
            return
        total = count_in(to_text(look(self._get({"startIndex": "1", "count": "1"}).body or {}, "totalResults")))
        if total is not None:
            self._asked_for, self._pages = questions, ceil(total / self._page)
            if self._pages <= ceil(questions / TOGETHER):
                self._read()

    def look_ahead(self, keys: Sequence[str], identifiers: Sequence[str]) -> None:
        """Ask for many external ids and unique identifiers at once. That nobody has one counts until the next time."""
        with self._lock:
            self._absent.clear()
        self._ask_together(LINK, self._links, keys, str)
        if self._identifier is not None:
            self._ask_together(self._identifier, self._owners, identifiers, self._fold)
        if self._searches and not self._joins and self._pages < self._asked_for and not self._whole:
            self._read()

    def _ask_together(
        self, by: Bound, known: dict[str, set[str]], texts: Sequence[str], fold: Callable[[str], str]
    ) -> None:
        asked = list(dict.fromkeys(text for text in texts if fold(text) not in known))
        for start in range(0, len(asked), TOGETHER):
            some = asked[start : start + TOGETHER]
            if self._whole or not self._joins or len(asked) < 2:
                return
            try:
                found = self._search(by, some) if by.name in self._joined else self._prove_joined(by, known, some)
            except TargetError:
                # Perhaps too much for what stands in between. If it is something else, whoever is asked for alone meets it too.
                self._joins, found = False, None
            if found is None:
                return
            with self._lock:
                for text in some:
                    if ids := {user for user, value in found if value == fold(text)}:
                        known[fold(text)] = ids
                    else:
                        self._absent.add((by.name, fold(text)))

    def _prove_joined(
        self, by: Bound, known: Mapping[str, set[str]], texts: Sequence[str]
    ) -> set[tuple[str, str]] | None:
        """What a search for these texts finds, once it was shown that somebody who is there is found beside them, be they
        the first or the last who is asked for. None where that cannot be shown."""
        somebody = next(iter(known.items()), None) or self._somebody(by)
        if somebody is None:
            return None
        text, ids = somebody
        found = self._search(by, [text, *texts])
        ends = found and self._search(by, [*texts, text])
        if not ends or not found or not all(ids <= {user for user, _ in each} for each in (found, ends)):
            self._joins = False
            return None
        self._joined.add(by.name)
        self._proved.add(by.name)
        return found

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
            if not fresh and (key in known or self._whole or (by.name, key) in self._absent):
                return sorted(known.get(key, ()))
            if not self._searches:
                self._read()
                return sorted(known.get(key, ()))
        found = self._search_one(by, text)
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

    def _search_one(self, by: Bound, text: str) -> set[str]:
        """Ids of those who have exactly this value. Notices a server that refuses the filter or answers with others."""
        found = self._search(by, [text])
        if found is None:
            self._searches = False
            return set()
        if found:
            self._proved.add(by.name)
        return {user for user, _ in found}

    def _search(self, by: Bound, texts: Sequence[str]) -> set[tuple[str, str]] | None:
        """(id, value) of those who have one of these values; None when the server refuses that or answers with others."""
        fold = str if by is LINK else self._fold

        def keep(resource: Resource) -> tuple[str, str]:
            return user_id(resource), fold(by.read(resource))

        try:
            search = " or ".join(f"{by.path} eq {quote(text)}" for text in texts)
            found = set(read_all(self._get, keep, page=self._page, search=search))
        except FilterRefused:
            return None
        return found if {value for _, value in found} <= {fold(text) for text in texts} else None

    def _prove(self, by: Bound, known: Mapping[str, set[str]]) -> None:
        """Nobody was found: search for somebody who is there, for a server may not understand a filter and not say so."""
        with self._lock:
            if by.name in self._proved:
                return
            somebody = next(iter(known.items()), None) or self._somebody(by)
            if somebody and not self._search_one(by, somebody[0]) >= somebody[1]:
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
