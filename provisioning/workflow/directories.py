"""The user directory of a domain: opened to be read and written, or as it was read last, for looking only."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from provisioning.errors import NotFound, SettingsError
from provisioning.hosts import SKILLCAST_HOSTS, allowed_hosts, check_base_url, check_destination
from provisioning.model import Domain, Status, Users
from provisioning.store import snapshots
from provisioning.store.secrets import get_secret, scim_owner
from provisioning.target.local import LocalDirectory
from provisioning.workflow.house import Workspace

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
    identifier, scim = domain.settings.unique_identifier or "", domain.settings.scim
    if scim is None:
        yield LocalDirectory(house.db, domain.id, identifier)
        return
    url = check_base_url(scim.base_url, SKILLCAST_HOSTS, allowed_hosts(house.environment))
    token = get_secret(house.db, house.vault, scim_owner(domain.id))
    if not token:
        raise SettingsError(f"The target of {domain.label} has no token yet. Set it (`target = {{ …, token = … }}`).")
    check_destination(url, allowed_hosts(house.environment))
    place = (domain.settings.domain_attribute, domain.name) if domain.settings.domain_attribute else None
    from provisioning.target.scim import ScimDirectory

    with ScimDirectory(
        url, token, domain.attributes, identifier, domain=place, expected=expected, stop=stop, waiting=waiting
    ) as directory:
        yield directory


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

    def find(self, text: str, most: int, skip: int) -> tuple[list[Person], int]:
        """One page of the users whose id, link, status or a value holds this text, and how many there are."""
        wanted = text.casefold()
        found = [
            each
            for each in self.everybody()
            if not wanted or text in each[:3] or any(wanted in value.casefold() for value in each[3].values())
        ]
        return found[skip : skip + most], len(found)

    def linked_or_named(self, name: str) -> Person | None:
        """The user with this link, else with this id."""
        found = self.everybody()
        return next(
            (each for each in found if each[1] == name), next((each for each in found if each[0] == name), None)
        )

    def live(self) -> int:
        return self._users.statuses.to_pylist().count(Status.LIVE.value) if self._users else 0


def known_directory(house: Workspace, domain: Domain) -> LocalDirectory | KeptDirectory:
    """For looking only: calls nobody. Another system's users are those of the last read."""
    if domain.settings.scim is None:
        return LocalDirectory(house.db, domain.id, domain.settings.unique_identifier or "")
    try:
        return KeptDirectory(snapshots.load_users(house.snapshots, domain.id))
    except NotFound:
        return KeptDirectory(None)


def known_users(house: Workspace, domain: Domain, attributes: Sequence[str]) -> Users:
    """Everybody, for looking only: calls nobody. Raises `NotFound` where another system was never read."""
    if domain.settings.scim is None:
        return LocalDirectory(house.db, domain.id, domain.settings.unique_identifier or "").users(attributes)
    return snapshots.load_users(house.snapshots, domain.id)


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
    with open_directory(house, domain) as directory:
        return directory.users(attributes)
