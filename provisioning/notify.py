"""Telling people outside: mail, Slack, Teams, or a JSON webhook, by apprise. The only module that imports it.

A target is an address that somebody typed, like a connection's: only these schemes, no local files, and this machine
or its network only where `ROLLCALL_ALLOWED_HOSTS` names the host. No message of this module holds a target's address
beyond its scheme and host: the rest of it is a secret.
"""

import logging
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from provisioning.errors import SettingsError
from provisioning.hosts import ALLOWED_VARIABLE, is_address, is_public

SCHEMES = ("mailto", "mailtos", "slack", "workflow", "workflows", "json", "jsons")
FIXED_HOSTS = ("slack",)
"""Their addresses name a place at one known host over https, and no host."""

KNOWN_BY_ADDRESS = ("slack", "workflow")

PATIENCE = 10.0
SOCKET_SECONDS = 5.0
REFUSED_PARAMETERS = ("template", "pgp", "wkd", "inline", "redirect", "verify", "cto", "rto")
"""They read files of this machine, follow where they are led, trust any certificate, or wait for long."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one target is to be told. `url`: the target's apprise address."""

    url: str
    title: str
    body: str


def check_target(url: str, allowed: frozenset[str]) -> str:
    """What to call the target (its scheme, and host where it has one). Raises `SettingsError` for what Rollcall does
    not send to."""
    scheme, host = _parts(url)
    if scheme not in SCHEMES:
        raise SettingsError(
            f"Notifications cannot go to {scheme or 'an address without a scheme'}://. There are: {', '.join(SCHEMES)} "
            "(Teams: workflows)."
        )
    for name, _value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name.lower().startswith(REFUSED_PARAMETERS):
            raise SettingsError(f"A notification target cannot have the parameter “{name}”.")
    if scheme in FIXED_HOSTS:
        return scheme
    if not host:
        raise SettingsError(f"The notification target {scheme}:// names no host.")
    if host not in allowed and _is_local(host):
        raise SettingsError(
            f"The notification target {scheme}://{host} is this machine or a numeric address. The operator can allow it "
            f"with {ALLOWED_VARIABLE}."
        )
    return f"{scheme}://{host}"


def as_target(address: str) -> str:
    """What somebody pasted, as an apprise address: the web address that Slack, Teams or any other receiver of JSON shows
    becomes one; an apprise address stays as it is."""
    text = address.strip()
    parts = urlsplit(text)
    if parts.scheme.lower() not in ("http", "https"):
        return text
    found = _instantiate(text)
    known, _, settings = (str(found.url()) if found else "").partition("?")
    if known.partition(":")[0] in KNOWN_BY_ADDRESS:
        # Of apprise's settings only those that say in which of two forms Teams' address was written.
        form = [(name, value) for name, value in parse_qsl(settings) if name in ("pa", "ver") and "pa=yes" in settings]
        return known + (f"?{urlencode(form)}" if form else "")
    # apprise takes a plain query for settings of its own; marked like this it is sent on.
    query = urlencode([(f"-{name}", value) for name, value in parse_qsl(parts.query, keep_blank_values=True)])
    scheme = "jsons" if parts.scheme.lower() == "https" else "json"
    return urlunsplit((scheme, parts.netloc, parts.path, query, ""))


def is_understood(url: str) -> bool:
    """Whether the address has all that its scheme needs, as far as can be said without using it."""
    return _instantiate(url) is not None


def _instantiate(url: str) -> Any:
    import apprise

    # Its log would hold addresses, and nobody reads it here.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(app_id="Rollcall", app_desc="Rollcall", http_redirects=False)
    return apprise.Apprise.instantiate(url.strip(), asset=asset)


def _parts(url: str) -> tuple[str, str]:
    """(scheme, the host that is spoken to); a mail address may name its server apart. Never raises."""
    try:
        parts = urlsplit(url.strip())
        scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    except ValueError:
        return "", ""
    if scheme in ("mailto", "mailtos"):
        host = next((value.lower() for name, value in parse_qsl(parts.query) if name.lower() == "smtp" and value), host)
    return scheme, host.strip("[]")


def _is_local(host: str) -> bool:
    return host.endswith((".local", ".internal")) or "." not in host or is_address(host)


def send(letters: Sequence[Letter], allowed: frozenset[str], patience: float = PATIENCE) -> list[str]:
    """Send all at once, and wait no longer than this many seconds; what one does is no matter to the others. Returns
    for each what went wrong, or an empty text."""
    problems = ["did not answer in time"] * len(letters)
    done = [threading.Event() for _ in letters]

    def work(place: int) -> None:
        problems[place] = _send(letters[place], allowed)
        done[place].set()

    for place in range(len(letters)):
        # Daemons: a target that hangs must not keep the program from ending.
        threading.Thread(target=work, args=(place,), daemon=True).start()
    end = time.monotonic() + patience
    for each in done:
        each.wait(max(end - time.monotonic(), 0))
    return list(problems)


def _send(letter: Letter, allowed: frozenset[str]) -> str:
    try:
        name = check_target(letter.url, allowed)
    except SettingsError as problem:
        return str(problem)
    try:
        return "" if _through_apprise(letter, allowed) else f"{name} did not take the message"
    except SettingsError as problem:
        return str(problem)
    except Exception as problem:
        # Whatever a foreign address makes a library do: it is the target's trouble, shown with it, and nobody else's.
        return f"{name} did not take the message ({type(problem).__name__})"


def _check_addresses(host: str) -> None:
    """A public name may lead into our own network. One that cannot be looked up here may be known to the proxy."""
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
    except OSError:
        return
    if not all(is_public(each) for each in found):
        raise SettingsError(f"{host} leads into a private network. The operator can allow it with {ALLOWED_VARIABLE}.")


def _through_apprise(letter: Letter, allowed: frozenset[str]) -> bool:
    import apprise

    target = _instantiate(letter.url)
    if target is None:
        return False
    # Asked of the object that will speak: it may read an address in another way than we do.
    host = str(getattr(target, "smtp_host", "") or target.host or "").lower().strip("[]")
    if _parts(letter.url)[0] not in FIXED_HOSTS and host not in allowed:
        if _is_local(host):
            raise SettingsError(f"{host} is this machine or a numeric address.")
        _check_addresses(host)
    target.socket_connect_timeout = target.socket_read_timeout = SOCKET_SECONDS
    return bool(target.notify(title=letter.title, body=letter.body, body_format=apprise.NotifyFormat.TEXT))
