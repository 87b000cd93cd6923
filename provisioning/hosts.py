"""Where Rollcall may connect to. A base URL is a setting that people type: without this rule it could point
our credentials at any machine, this one's own network included."""

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from provisioning.errors import SettingsError

HIBOB_HOSTS = frozenset({"api.hibob.com", "api.sandbox.hibob.com"})
SKILLCAST_HOSTS = frozenset({"*.skillcast.io"})
ALLOWED_VARIABLE = "ROLLCALL_ALLOWED_HOSTS"
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def allowed_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """Host names that the operator allows in addition, from `ROLLCALL_ALLOWED_HOSTS` (comma-separated)."""
    named = environment.get(ALLOWED_VARIABLE, "").split(",")
    return frozenset(name.strip().strip("[]").lower() for name in named if name.strip())


def check_base_url(url: str, known: frozenset[str], allowed: frozenset[str]) -> str:
    """The URL without trailing slash, if Rollcall may connect there. Raises `SettingsError` otherwise.

    A known host may begin with `*.`, for all hosts below it.
    """
    if any(not character.isprintable() or character.isspace() for character in url.strip()):
        raise SettingsError("The base URL holds a blank or a control character.")
    try:
        parts = urlsplit(url.strip())
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise SettingsError("The base URL is not a web address.") from None
    if not host or parts.scheme not in ("http", "https"):
        raise SettingsError(f"The base URL must begin with https:// and name a host: {parts.scheme or 'no scheme'}.")
    if parts.username or parts.password or "?" in url or "#" in url:
        raise SettingsError("The base URL must not carry credentials, a query or a fragment.")
    if host in allowed:
        return url.strip().rstrip("/")
    if not any(_is(host, each) for each in known):
        kind = "a loopback or numeric address" if is_address(host) else "not a host that Rollcall connects to"
        raise SettingsError(
            f"{host} is {kind}. Allowed are {', '.join(sorted(known))}; the operator can add others with "
            f"{ALLOWED_VARIABLE}."
        )
    if parts.scheme != "https" or parts.port not in (None, 443):
        raise SettingsError(f"Connections to {host} must use https on its standard port.")
    return url.strip().rstrip("/")


AddressesOf = Callable[[str], Sequence[str]]
"""What gives the addresses of a host. Raises `OSError` for a name that nobody knows."""


def public_only(allowed: frozenset[str], look_up: AddressesOf | None = None) -> AddressesOf:
    """What gives the addresses that may be connected to: credentials do not follow a name that somebody made lead into a
    private network, or to this machine. It raises `SettingsError` for such a name. Ask it at each connection, and connect
    to what it gave: a name may lead elsewhere a moment later. Hosts that the operator allows may lead anywhere."""

    def addresses_of(host: str) -> Sequence[str]:
        found = (look_up or _look_up)(host)
        inside = [each for each in found if not is_public(each)]
        if inside and host.lower() not in allowed:
            raise SettingsError(
                f"{host} leads to {inside[0]}, which is not an address of the internet. If that is meant, the operator can "
                f"allow the host with {ALLOWED_VARIABLE}."
            )
        return found

    return addresses_of


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def is_public(address: str) -> bool:
    """Addresses of version 6 may carry one of version 4, which is where they lead."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        carried = found.sixtofour or (ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in NAT64 else None)
        if carried is not None and not is_public(str(carried)):
            return False
    return found.is_global and not found.is_multicast


def _is(host: str, known: str) -> bool:
    if not known.startswith("*."):
        return host == known
    label = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    return bool(re.fullmatch(rf"({label}\.)+{re.escape(known[2:])}", host))


def is_address(host: str) -> bool:
    """Whether a host is this machine by name, or a numeric address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
