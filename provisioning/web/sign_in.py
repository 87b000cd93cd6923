"""Who is at the browser: somebody signed in by OpenID Connect, or, in local mode, whoever sits at this machine.

Which of the two it is follows from the configuration alone, and a broken one opens nothing. Local mode answers only
this machine: the server must listen on loopback, and the browser must have asked for loopback.
"""

import ipaddress
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.auth_util import is_authlib_installed
from streamlit.errors import StreamlitSecretNotFoundError

from provisioning.errors import RoleMissing, SettingsError, SignedOut
from provisioning.model import Actor
from provisioning.web.words import escape
from provisioning.workflow import signing_in
from provisioning.workflow.house import LOCAL_USER, MODE, Workspace, member
from provisioning.workflow.signing_in import Ticket

CONTACT, GROUPS_CLAIM = "ROLLCALL_CONTACT", "ROLLCALL_GROUPS_CLAIM"
NEEDED = ("redirect_uri", "cookie_secret")
PROVIDER_NEEDS = ("client_id", "client_secret", "server_metadata_url")
LEAST_SECRET = 32
MANY_TENANTS = ("/common/", "/organizations/", "/consumers/")
"""Addresses of Microsoft's under which anybody's directory may sign in, with any e-mail it likes to state."""


ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider. `name` for `st.login`; None is the only one. `addresses`: the e-mail domains for whose people it
    speaks; None: anybody's. `grants`: what its groups give."""

    name: str | None
    addresses: frozenset[str] | None
    grants: signing_in.Grants

    def speaks_for(self, email: str) -> bool:
        return self.addresses is None or email.rpartition("@")[2] in self.addresses


@dataclass(frozen=True, slots=True)
class Configuration:
    """A sign-in configuration that was checked."""

    providers: tuple[Provider, ...]
    claim: str

    def provider(self, name: object) -> Provider | None:
        """The one that signed somebody in, as Streamlit noted."""
        if len(self.providers) == 1:
            return self.providers[0]
        return next((each for each in self.providers if each.name == name), None)


def configured(environment: Mapping[str, str] = os.environ) -> Configuration | None:
    """The sign-in configuration; None in local mode, which somebody asked for by naming who sits at this machine. Raises
    `SettingsError` where neither is configured, or what is configured is broken."""
    found = _secrets()
    if "auth" not in found:
        if environment.get(MODE) == "server":
            raise SettingsError(
                f"{MODE} is “server”, as asgi.py sets it unless told otherwise, and .streamlit/secrets.toml has no [auth]. "
                "Configure the sign-in."
            )
        if not environment.get(LOCAL_USER):
            raise SettingsError(
                f"Nobody is named who uses Rollcall here. On your own machine, set {LOCAL_USER} to your e-mail address and "
                "start again. On a server, configure [auth] in .streamlit/secrets.toml and start asgi.py."
            )
        return None
    if environment.get(LOCAL_USER) or environment.get(MODE) == "local":
        raise SettingsError(
            f"Both a sign-in ([auth] in .streamlit/secrets.toml) and local mode ({LOCAL_USER}, {MODE}) are configured. "
            "Take one away."
        )
    auth, own = _table(found, "auth"), _table(found, "rollcall") if "rollcall" in found else {}
    claim = environment.get(GROUPS_CLAIM) or str(own.get("groups_claim", "groups"))
    return Configuration(_providers(_check_auth(auth), own), claim)


def _providers(names: tuple[str | None, ...], own: Mapping[str, object]) -> tuple[Provider, ...]:
    """Each with those for whom it speaks. One that is alone speaks for everybody. Of several, none may by itself say who
    somebody else's people are: raises `SettingsError` for one of which it is not said for whom it speaks."""
    everywhere = signing_in.read_grants(_table(own, "groups") if "groups" in own else {})
    told = _table(own, "providers") if "providers" in own else {}
    unknown = sorted(set(told) - {name for name in names if name})
    if unknown:
        raise SettingsError(f"[rollcall.providers.{unknown[0]}] names no provider of [auth].")
    return tuple(_provider(name, told, everywhere, alone=len(names) == 1) for name in names)


def _provider(name: str | None, told: Mapping[str, object], everywhere: signing_in.Grants, *, alone: bool) -> Provider:
    if not name or (alone and name not in told):
        return Provider(name, None, everywhere)
    about = _table(told, name) if name in told else {}
    addresses = about.get("addresses")
    if not isinstance(addresses, list) or not addresses or not all(isinstance(each, str) for each in addresses):
        raise SettingsError(
            f"[rollcall.providers.{name}] must say for whose e-mail addresses it speaks, such as addresses = "
            f'["acme.example"], or ["{ANYBODY}"] for anybody’s. Else whoever runs one provider could sign in as somebody of another.'
        )
    own = signing_in.read_grants(_table(about, "groups") if "groups" in about else {})
    if ANYBODY in addresses:
        return Provider(name, None, {**everywhere, **own})
    return Provider(name, frozenset(each.strip().lower().removeprefix("@") for each in addresses), own)


def _secrets() -> dict[str, object]:
    try:
        return dict(st.secrets.to_dict())
    except StreamlitSecretNotFoundError:
        there = [path for path in st.get_option("secrets.files") if Path(path).exists()]
        if there:
            raise SettingsError(f"{there[0]} cannot be read as TOML. Nobody can sign in until it is mended.") from None
        return {}


def _table(found: Mapping[str, object], name: str) -> dict[str, object]:
    table = found[name]
    if not isinstance(table, dict):
        raise SettingsError(f"[{name}] in .streamlit/secrets.toml is not a table.")
    return table


def _check_auth(auth: Mapping[str, object]) -> tuple[str | None, ...]:
    """The names of the providers. Raises `SettingsError` for whatever would fail later, or be unsafe."""
    if not is_authlib_installed():
        raise SettingsError("Signing in needs the package Authlib. Install requirements.lock.")
    _need(auth, NEEDED, "[auth]")
    if len(str(auth["cookie_secret"])) < LEAST_SECRET:
        raise SettingsError(f"cookie_secret in [auth] must be random and have at least {LEAST_SECRET} characters.")
    redirect = str(auth["redirect_uri"])
    _check_address(redirect, "redirect_uri")
    if urlsplit(redirect.replace("{port}", "0")).path.rpartition("/")[2] != "oauth2callback":
        raise SettingsError("redirect_uri in [auth] must end with /oauth2callback.")
    named = {name: each for name, each in auth.items() if isinstance(each, dict) and name != "client_kwargs"}
    providers: list[tuple[str | None, Mapping[str, object]]] = [*named.items()] or [(None, auth)]
    for name, each in providers:
        where = f"[auth.{name}]" if name else "[auth]"
        _need(each, PROVIDER_NEEDS, where)
        _check_address(str(each["server_metadata_url"]), f"server_metadata_url in {where}")
        if any(part in str(each["server_metadata_url"]).lower() for part in MANY_TENANTS):
            raise SettingsError(
                f"server_metadata_url in {where} lets any organisation sign in. Name your own tenant in it."
            )
    return tuple(name for name, _ in providers)


def _need(table: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    missing = [key for key in keys if not isinstance(table.get(key), str) or not table[key]]
    if missing:
        raise SettingsError(f"{where} in .streamlit/secrets.toml lacks {', '.join(missing)}. Nobody can sign in.")


def _check_address(url: str, what: str) -> None:
    """https, or this machine."""
    try:
        parts = urlsplit(url.replace("{port}", "0"))
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise SettingsError(f"{what} must be an https address.")


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


# --- who it is ----------------------------------------------------------------------------------------------


def open_house(data: Path, environment: Mapping[str, str] = os.environ) -> Workspace:
    """The workspace of whoever is at the browser. Raises `SignedOut` when nobody is signed in, `RoleMissing` for
    somebody without membership, `SettingsError` when the configuration lets nobody in."""
    found = configured(environment)
    if found is None:
        headers = _headers()
        # Without headers there is no browser: a test draws the page by itself.
        came_from = st.context.ip_address if headers else None
        actor = local_actor(environment, st.get_option("server.address"), headers, came_from)
        return Workspace(data, environment, actor, where=f"{platform.node()}, web")
    ticket, provider = _ticket(found)
    house = Workspace(data, {**environment, MODE: "server"}, member(ticket.email), where=f"web, {_address()}")
    try:
        signing_in.sign_in(house, ticket, provider.grants)
        signing_in.need_membership(house)
    except BaseException:
        close(house)
        raise
    return house


def close(house: Workspace) -> None:
    if "db" in vars(house):
        house.db.close()


def local_actor(
    environment: Mapping[str, str], bound_to: str | None, headers: Mapping[str, str], came_from: str | None
) -> Actor:
    """Who acts in local mode: somebody is named, as `configured` saw. `came_from`: the browser's address; None for this machine's. Raises `SettingsError`
    unless server and browser are on this machine, with nothing between them."""
    if not bound_to or not is_loopback(bound_to):
        raise SettingsError(
            "No sign-in is configured, and the server listens beyond this machine. Configure [auth] in "
            ".streamlit/secrets.toml, or set server.address to 127.0.0.1."
        )
    asked = {name.lower(): value for name, value in headers.items()}.get("host")
    if came_from or _told_by_proxy(headers) or (asked is not None and not is_loopback(_host(asked))):
        raise SettingsError(
            "No sign-in is configured: Rollcall answers only browsers on its own machine, and no proxy. Configure [auth] in "
            ".streamlit/secrets.toml."
        )
    return member(environment[LOCAL_USER])


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _headers() -> Mapping[str, str]:
    return dict(st.context.headers or {})


def _told_by_proxy(headers: Mapping[str, str]) -> str:
    """The last address that a proxy before us saw, as it says; empty without a proxy."""
    known = {name.lower(): value for name, value in headers.items()}
    told = known.get("x-forwarded-for") or known.get("forwarded") or ""
    return "".join(letter for letter in told.rpartition(",")[2].strip() if letter.isprintable())[:80]


def _address() -> str:
    """From where the browser came, as far as it can be known: behind a proxy, what the proxy says too."""
    seen, told = st.context.ip_address or "this machine", _told_by_proxy(_headers())
    return f"{seen} for {told}" if told else seen


def _ticket(found: Configuration) -> tuple[Ticket, Provider]:
    """What the signed cookie says, and whose word it is. Raises `SignedOut` when there is none, it lacks what it takes, or
    the provider does not speak for that address."""
    claims = st.user.to_dict()
    if not claims.get("is_logged_in"):
        raise SignedOut("")
    email, issued = claims.get("email"), claims.get("iat")
    subject, issuer = claims.get("sub"), claims.get("iss")
    if not isinstance(email, str) or not isinstance(issued, int | float) or not subject or not issuer:
        raise SignedOut("Your identity provider did not say your e-mail address. Ask for the scope “email”.")
    if claims.get("email_verified") in (False, "false"):
        raise SignedOut("Your identity provider has not verified your e-mail address.")
    try:
        actor = member(email)
        at = datetime.fromtimestamp(issued, UTC)
    except (SettingsError, ValueError, OverflowError, OSError):
        raise SignedOut("Your identity provider did not give a usable e-mail address and time.") from None
    provider = found.provider(claims.get("provider"))
    if provider is None or not provider.speaks_for(actor.email or ""):
        raise SignedOut("This e-mail address signs in with another identity provider. Choose that one.")
    mark = claims.get("nonce") or claims.get("jti") or ""
    groups = _groups(claims.get(found.claim))
    return Ticket(actor.email or "", str(issuer), str(subject), at, str(mark), groups), provider


def _groups(claim: object) -> tuple[str, ...]:
    """A list of names, or one name; anything else gives nothing."""
    listed = claim if isinstance(claim, list) else [claim]
    return tuple(each for each in listed if isinstance(each, str))


# --- what those see who are not let in ----------------------------------------------------------------------


def draw_door(problem: Exception) -> None:
    """The one page for whoever is not let in: why, and what to do; and nothing else."""
    if isinstance(problem, SignedOut):
        _draw_sign_in(str(problem))
    elif isinstance(problem, RoleMissing):
        _draw_no_membership()
    else:
        st.error(escape(str(problem)), icon=":material/error:")


def _draw_sign_in(why: str) -> None:
    st.title("Rollcall", anchor=False)
    if why:
        st.info(escape(why), icon=":material/lock_clock:")
    st.write("Sign in with your organisation’s account.")
    found = configured()
    for name in [each.name for each in found.providers] if found else ():
        label = f"Sign in with {escape(name.capitalize())}" if name else "Sign in"
        if st.button(label, type="primary", icon=":material/login:", key=f"sign_in_{name or ''}"):
            st.login(name)


def _draw_no_membership() -> None:
    st.title("You are not a member yet", anchor=False)
    contact = os.environ.get(CONTACT, "").strip()
    st.write("You are signed in, and have no role for any customer of Rollcall:")
    st.text(str(st.user.to_dict().get("email", "")))
    whom = f"Ask {escape(contact)}" if contact else "Ask your organisation’s Rollcall admin, or your Skillcast contact,"
    st.write(f"{whom} to give this address a role, then load this page again.")
    if st.button("Sign out", icon=":material/logout:"):
        st.logout()


def draw_who(house: Workspace) -> None:
    """Who is signed in, and the way out."""
    with st.container(border=True, gap="xsmall"):
        st.caption(":material/person: Signed in as")
        st.text(house.actor.email or "")
        if st.button("Sign out", icon=":material/logout:", help="Everywhere: in all tabs and on all machines."):
            signing_in.sign_out(house)
            st.logout()
