"""The user directory of a domain: opened to be read and written, or as it was read last, for looking only."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from provisioning.database import sought
from provisioning.errors import NotFound, SettingsError
from provisioning.hands import Closed
from provisioning.hosts import SKILLCAST_HOSTS, allowed_hosts, check_base_url
from provisioning.model import Domain, Scim, Status, Users
from provisioning.store import snapshots
from provisioning.store.secrets import get_secret, scim_owner
from provisioning.target.local import LocalDirectory
from provisioning.workflow.house import Workspace
from provisioning.workflow.reaching import PortalAsked, Reach, portal_users_of

if TYPE_CHECKING:
    # SCIM's models take most of the time that a start takes, and few look at a portal.
    from provisioning.target.scim import ScimDirectory

Directory: TypeAlias = "LocalDirectory | ScimDirectory"
Person = tuple[str, str, str, dict[str, str]]
"""(id, external id, status, the attributes that are not blank)"""


@contextmanager
def open_directory(
    house: Workspace,
    domain: Domain,
    *,
    expected: int = 0,
    stop: Callable[[], bool] = lambda: False,
    waiting: Callable[[datetime], None] = lambda until: None,
) -> Iterator[Directory]:
    """The directory itself: a call to another system where it is one. `expected`: how many changes are to come; `stop` is
    asked while the system makes us wait, `waiting` hears until when. Raises `SettingsError` without a token."""
    if domain.settings.scim is None:
        yield _local(house, domain)
        return
    from provisioning.target.scim import ScimDirectory

    reach, identifier = _reach(house, domain, domain.settings.scim), domain.settings.unique_identifier or ""
    with ScimDirectory(
        reach.url, reach.token.content, domain.attributes, identifier, domain=_place(domain), expected=expected,
        stop=stop, waiting=waiting, addresses_of=reach.door(),
    ) as directory:  # fmt: skip
        yield directory


def _local(house: Workspace, domain: Domain) -> LocalDirectory:
    return LocalDirectory(house.db, domain.id, domain.settings.unique_identifier or "")


def _reach(house: Workspace, domain: Domain, scim: Scim) -> Reach:
    """Where the portal is, with its token. Raises `SettingsError` without one, or where the host is not allowed."""
    allowed = allowed_hosts(house.environment)
    url = check_base_url(scim.base_url, SKILLCAST_HOSTS, allowed)
    token = get_secret(house.db, house.vault, scim_owner(domain.id))
    if not token:
        raise SettingsError(f"The target of {domain.label} has no token yet. Set it (`target = {{ …, token = … }}`).")
    return Reach(url, Closed(token), allowed)


def _place(domain: Domain) -> tuple[str, str] | None:
    """The attribute that holds the domain, and what it holds for this one."""
    attribute = domain.settings.domain_attribute
    return (attribute, domain.name) if attribute else None


class KeptDirectory:
    """A directory as it was read last. Empty before the first read."""

    def __init__(self, users: Users | None) -> None:
        self._users = users

    def everybody(self) -> list[Person]:
        """Ordered by id."""
        users = self._users
        if users is None:
            return []
        columns = {name: column.to_pylist() for name, column in users.attributes.items()}
        rows = zip(users.ids.to_pylist(), users.external_ids.to_pylist(), users.statuses.to_pylist(), strict=True)
        found = [
            (*row, {name: column[place] for name, column in columns.items() if column[place]})
            for place, row in enumerate(rows)
        ]
        return sorted(found, key=lambda each: each[0])

    def find(self, text: str, most: int, skip: int, status: str = "") -> tuple[list[Person], int]:
        """One page of the users who hold every word of this text, in whatever value, or as their id, link or status, of one
        status if it is named, and how many there are."""
        words = [(word, sought(word)) for word in text.split()]
        found = [each for each in self.everybody() if status in ("", each[2]) and _holds(each, words)]
        return found[skip : skip + most], len(found)

    def linked_or_named(self, name: str) -> Person | None:
        """The user with this link, else with this id."""
        found = self.everybody()
        return next(
            (each for each in found if each[1] == name), next((each for each in found if each[0] == name), None)
        )


def _holds(person: Person, words: Sequence[tuple[str, str]]) -> bool:
    """`words`: each as it was typed, and as it is searched for."""
    values = [sought(each) for each in person[3].values()] if words else []
    return all(word in person[:3] or any(wanted in each for each in values) for word, wanted in words)


def known_directory(house: Workspace, domain: Domain) -> LocalDirectory | KeptDirectory:
    """For looking only: calls nobody. Another system's users are those of the last read."""
    if domain.settings.scim is None:
        return LocalDirectory(house.db, domain.id, domain.settings.unique_identifier or "")
    try:
        return KeptDirectory(snapshots.load_users(house.snapshots, domain.id))
    except NotFound:
        return KeptDirectory(None)


def live_users(house: Workspace, domain: Domain) -> int:
    """How many live users the domain has, or had at the last read; calls nobody and loads nobody."""
    return users_by_status(house, domain)[Status.LIVE.value]


def users_by_status(house: Workspace, domain: Domain) -> dict[str, int]:
    """How many users the domain has in each status, or had at the last read; calls nobody and loads nobody."""
    if domain.settings.scim is None:
        return _local(house, domain).by_status()
    return {each.value: snapshots.count_users(house.snapshots, domain.id, each.value) for each in Status}


def known_users(house: Workspace, domain: Domain, attributes: Sequence[str]) -> Users:
    """Everybody, for looking only: calls nobody. Raises `NotFound` where another system was never read."""
    if domain.settings.scim is None:
        return LocalDirectory(house.db, domain.id, domain.settings.unique_identifier or "").users(attributes)
    return snapshots.load_users(house.snapshots, domain.id, attributes)


def same_system(one: Domain, other: Domain) -> bool:
    """Whether users can be moved from one domain to the other: both are in the local directory, or in one portal that
    holds several domains."""
    left, right = one.settings, other.settings
    if left.scim is None or right.scim is None:
        return left.scim is right.scim
    same = left.scim.base_url == right.scim.base_url and left.domain_attribute == right.domain_attribute
    return same and left.domain_attribute is not None


def read_users(house: Workspace, domain: Domain, attributes: Sequence[str]) -> Users:
    """Everybody in the domain, with these attributes. Raises `TargetError` unless the read is complete."""
    scim = domain.settings.scim
    if scim is None:
        return _local(house, domain).users(attributes, snapshots.load_known_users(house.snapshots, domain.id))
    asked = PortalAsked(
        _reach(house, domain, scim), tuple(domain.attributes), domain.settings.unique_identifier or "", _place(domain),
        tuple(attributes),
    )  # fmt: skip
    return house.hands.do(f"read-portal-{domain.id}", portal_users_of, asked)
