"""Where a domain's users are kept: setting the target, and what a portal that speaks SCIM says of itself."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioning.errors import SettingsError
from provisioning.hosts import SKILLCAST_HOSTS, allowed_hosts, check_base_url
from provisioning.model import Domain, Scim
from provisioning.store import customers
from provisioning.store.secrets import about_secret, drop_secret, put_secret, scim_owner
from provisioning.workflow.checked import PortalSeen
from provisioning.workflow.directories import open_directory
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seen_domain

if TYPE_CHECKING:
    from provisioning.target.scim_provider import Announced


def ask_portal(house: Workspace, domain: Domain) -> PortalSeen | None:
    """Ask a domain's portal what it can do, and hold the mapping against it. None for the local directory. Raises
    `TargetError` when it cannot be reached or refuses the token."""
    scim = domain.settings.scim
    if scim is None:
        return None
    from provisioning.target.scim import ScimDirectory
    from provisioning.target.scim_mapping import check_mapping, suggest

    # What the mapping says wrongly is told beside what the portal says, so that nothing of it stands in the way here.
    plain = replace(domain.settings, unique_identifier=None, domain_attribute=None)
    with open_directory(house, replace(domain, attributes=(), settings=plain)) as directory:
        assert isinstance(directory, ScimDirectory)
        announced = directory.announced
        users = len(directory.users([]))
    return PortalSeen(
        scim.base_url,
        (("Users in the portal", f"{users:,}"), *_features(announced)),
        announced.notes,
        check_mapping(announced, domain.attributes, domain.settings.domain_attribute),
        tuple(each.attribute for each in suggest(announced, domain.attributes)),
    )


def _features(announced: "Announced") -> tuple[tuple[str, str], ...]:
    bulk = f"yes, {announced.bulk_operations:,} operations at once" if announced.bulk else "no"
    page = f", {announced.most_results:,} results a page at most" if announced.most_results else ""
    own = "the server’s own schemas" if announced.described else "the standard’s, as the server does not show its own"
    return (
        ("Changing single attributes (PATCH)", "yes" if announced.patch else "no: the whole user is written"),
        ("Many changes in one request (Bulk)", bulk),
        ("Versions of users (ETag)", "yes" if announced.etag else "no: each user is read before it is written"),
        ("Searching (filter)", ("yes" if announced.filter else "no") + page),
        ("Attributes", f"{len(announced.attributes):,}: {own}"),
    )


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """A domain's target as pages show it; of the token only when it was set and how it ends."""

    scim: Scim | None
    domain_attribute: str | None
    token_set_at: str
    token_ends_in: str


def target_seen(house: Workspace, label: str) -> TargetSeen:
    domain = seen_domain(house, label, "see where its users are kept")
    at, ends_in = about_secret(house.db, scim_owner(domain.id)) or ("", "")
    return TargetSeen(domain.settings.scim, domain.settings.domain_attribute, at, ends_in)


def save_target(house: Workspace, label: str, base_url: str | None, token: str | None, domain_attribute: str) -> None:
    """Keep a domain's users in a portal, or in the local directory (`base_url` None). A token that is None or blank stays
    as it is, unless the portal is another. A new version of the settings; contacts nobody."""
    secret = (token or "").strip()
    with house.db.transaction():
        domain = seen_domain(house, label, "change where its users are kept", PREPARERS)
        before, owner = domain.settings.scim, scim_owner(domain.id)
        scim = None
        if base_url is not None:
            url = check_base_url(base_url.strip(), SKILLCAST_HOSTS, allowed_hosts(house.environment))
            same = before is not None and before.base_url == url
            if not secret and not (same and about_secret(house.db, owner)):
                raise SettingsError("Enter the portal’s token: a stored one is not sent to another address.")
            scim = Scim(url, before.token_variable if before and same and not secret else None)
            if secret:
                put_secret(house.db, house.vault, owner, secret, house.clock())
        else:
            drop_secret(house.db, owner)
        settings = replace(
            domain.settings, scim=scim, domain_attribute=(domain_attribute.strip() or None) if scim else None
        )
        version = customers.save_settings(house.db, domain.id, settings, house.actor.name, house.clock())
        if version or secret:
            record_event(
                house, "target saved", domain, settings_version=version or domain.settings_version,
                target=scim.base_url if scim else "local", token_set=bool(secret),
            )  # fmt: skip
