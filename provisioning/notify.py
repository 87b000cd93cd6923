"""Telling people outside: mail, Slack, Teams, or a JSON webhook, by apprise. The only module that imports it.

A target is an address that somebody typed, like a connection's: only these schemes, no local files, and this machine
or its network only where `ROLLCALL_ALLOWED_HOSTS` names the host. No message of this module holds a target's address
beyond its scheme and host: the rest of it is a secret.

`email:` and an e-mail address is a target whose mail server the operator names once, in `ROLLCALL_MAIL`: the server is
added when something is sent. Its password stands in no message either.
"""

import logging
import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from provisioning.errors import SettingsError
from provisioning.hosts import ALLOWED_VARIABLE, is_address, is_public

MAIL_VARIABLE = "ROLLCALL_MAIL"

EMAIL, MAIL_SCHEMES = "email", ("mailto", "mailtos")
SCHEMES = (EMAIL, *MAIL_SCHEMES, "slack", "workflow", "workflows", "json", "jsons")
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


@dataclass(frozen=True, slots=True)
class MailServer:
    """The installation's mail server. `url`: its apprise address, which is a secret; `name`: scheme, host and
    port; `sender`: the e-mail address that mails come from."""

    url: str = field(repr=False)
    name: str
    sender: str


_ADDRESS = re.compile(r"[\w.!#$&'*+=?^`{|}~-]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]", re.ASCII)
"""One e-mail address, in small letters: no name beside it, and no second one."""


def email_of(url: str) -> str:
    """The e-mail address of an `email:` target; "" for every other one, and where it is none."""
    scheme, _, text = url.strip().partition(":")
    address = text.strip().lower()
    known = scheme.lower() == EMAIL and len(address) <= 254 and _ADDRESS.fullmatch(address)
    return address if known else ""


def mail_of(environment: Mapping[str, str]) -> str:
    """The value of `ROLLCALL_MAIL`, a secret: who needs the mail server reads it then, so that a wrong one is the trouble
    of mails alone."""
    return environment.get(MAIL_VARIABLE, "")


def mail_server(mail: str) -> MailServer | None:
    """The mail server that `ROLLCALL_MAIL` names, None where it is not set. Raises `SettingsError`, which holds nothing of
    the text: where it is misread, its password may stand anywhere."""
    url = mail.strip()
    if not url:
        return None
    scheme, host = _parts(url)
    if scheme not in MAIL_SCHEMES or not host or not url.isprintable() or re.search(r"[\s#]", url):
        raise SettingsError(
            f"{MAIL_VARIABLE} is no mail server’s address. Whoever runs Rollcall writes "
            "mailtos://USER:PASSWORD@mail.acme.example?from=rollcall@acme.example, with / ? # @ % in the password as %2F %3F "
            "%23 %40 %25."
        )
    parts = urlsplit(url)
    settings = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    if parts.path.strip("/") or {"to", "cc", "bcc"} & set(settings):
        raise SettingsError(
            f"{MAIL_VARIABLE} names somebody to write to, or its password holds a / that should be %2F. It says from where "
            "mails come; to whom they go is said on the page Schedule."
        )
    if any(name.startswith(REFUSED_PARAMETERS) for name in settings):
        raise SettingsError(f"{MAIL_VARIABLE} cannot have the parameters {', '.join(REFUSED_PARAMETERS)}.")
    sender = settings.get("from", "")
    if not _ADDRESS.fullmatch(sender.lower()):
        raise SettingsError(
            f"{MAIL_VARIABLE} does not say from which e-mail address mails come: add ?from=rollcall@acme.example at its end."
        )
    speaker = _instantiate(url)
    if speaker is None or not speaker.smtp_host:
        raise SettingsError(f"{MAIL_VARIABLE} names a host, port or mode that cannot be.")
    return MailServer(url, f"{scheme}://{speaker.smtp_host}:{speaker.port}", sender)


def needed_mail_server(mail: str) -> MailServer:
    """The mail server. Raises `SettingsError` where there is none."""
    server = mail_server(mail)
    if server is None:
        raise SettingsError(
            f"Mail is not set up on this installation: whoever runs Rollcall does that once ({MAIL_VARIABLE})."
        )
    return server


def check_target(url: str, allowed: frozenset[str], mail: str = "") -> str:
    """What to call the target (its scheme, and host where it has one; or the e-mail address). `mail`: the value of
    `ROLLCALL_MAIL`. Raises `SettingsError` for what Rollcall does not send to."""
    scheme, host = _parts(url)
    if scheme == EMAIL:
        address = email_of(url)
        if not address:
            raise SettingsError("This is not an e-mail address. Enter one alone, such as hr@acme.example.")
        needed_mail_server(mail)
        return address
    if scheme not in SCHEMES:
        raise SettingsError(
            f"Notifications cannot go to {scheme or 'an address without a scheme'}://. There are: {', '.join(SCHEMES)} "
            "(Teams: workflows)."
        )
    for name, _value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name.lower().startswith(REFUSED_PARAMETERS):
            raise SettingsError(f"A notification address cannot have the parameter “{name}”.")
    if scheme in FIXED_HOSTS:
        return scheme
    if not host:
        raise SettingsError(f"The notification address {scheme}:// names no host.")
    if host not in allowed and _is_local(host):
        raise SettingsError(
            f"The notification address {scheme}://{host} is this machine or a numeric address. The operator can allow it "
            f"with {ALLOWED_VARIABLE}."
        )
    return f"{scheme}://{host}"


def as_target(address: str) -> str:
    """What somebody pasted, as an apprise address: the web address that Slack, Teams or any other receiver of JSON shows
    becomes one; an apprise address stays as it is, and an e-mail address is in small letters."""
    text = address.strip()
    if email := email_of(text):
        return f"{EMAIL}:{email}"
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
    return bool(email_of(url)) or _instantiate(url) is not None


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
    if scheme in MAIL_SCHEMES:
        host = next((value.lower() for name, value in parse_qsl(parts.query) if name.lower() == "smtp" and value), host)
    return scheme, host.strip("[]")


def _is_local(host: str) -> bool:
    return host.endswith((".local", ".internal")) or "." not in host or is_address(host)


def send(letters: Sequence[Letter], allowed: frozenset[str], patience: float = PATIENCE, mail: str = "") -> list[str]:
    """Send all at once, and wait no longer than this many seconds; what one does is no matter to the others. `mail`: the
    value of `ROLLCALL_MAIL`. Returns for each what went wrong, or an empty text."""
    problems = ["did not answer in time"] * len(letters)
    done = [threading.Event() for _ in letters]

    def work(place: int) -> None:
        problems[place] = _send(letters[place], allowed, mail)
        done[place].set()

    for place in range(len(letters)):
        # Daemons: a target that hangs must not keep the program from ending.
        threading.Thread(target=work, args=(place,), daemon=True).start()
    end = time.monotonic() + patience
    for each in done:
        each.wait(max(end - time.monotonic(), 0))
    return list(problems)


def _send(letter: Letter, allowed: frozenset[str], mail: str) -> str:
    try:
        name = check_target(letter.url, allowed, mail)
    except SettingsError as problem:
        return str(problem)
    refused = f"{name} did not take the message"
    if email_of(letter.url):
        refused = (
            f"The mail server did not take the message for {name}. If the address is right, whoever runs Rollcall looks at "
            f"{MAIL_VARIABLE} and at the server"
        )
    try:
        return "" if _through_apprise(letter, allowed, mail) else refused
    except SettingsError as problem:
        return str(problem)
    except Exception as problem:
        # Whatever a foreign address makes a library do: it is the target's trouble, shown with it, and nobody else's.
        return f"{refused} ({type(problem).__name__})"


def _check_addresses(host: str) -> None:
    """A public name may lead into our own network. One that cannot be looked up here may be known to the proxy."""
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
    except OSError:
        return
    if not all(is_public(each) for each in found):
        raise SettingsError(f"{host} leads into a private network. The operator can allow it with {ALLOWED_VARIABLE}.")


def _through_apprise(letter: Letter, allowed: frozenset[str], mail: str) -> bool:
    import apprise

    address = email_of(letter.url)
    target = _instantiate(needed_mail_server(mail).url if address else letter.url)
    if target is None:
        return False
    # Asked of the object that will speak: it may read an address in another way than we do.
    host = str(getattr(target, "smtp_host", "") or target.host or "").lower().strip("[]")
    if address:
        # Handed over as it is: out of a URL apprise would read o'neil@… as somebody else. The server is the operator's choice.
        target.targets = [(False, address)]
    elif _parts(letter.url)[0] not in FIXED_HOSTS and host not in allowed:
        if _is_local(host):
            raise SettingsError(f"{host} is this machine or a numeric address.")
        _check_addresses(host)
    target.socket_connect_timeout = target.socket_read_timeout = SOCKET_SECONDS
    return bool(target.notify(title=letter.title, body=letter.body, body_format=apprise.NotifyFormat.TEXT))
