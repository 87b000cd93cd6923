"""Who is told of a domain: its notification targets. Their addresses are secrets: they can be set, and never read; but
for an e-mail address, which says who is told."""

from dataclasses import dataclass
from datetime import datetime

from provisioning import notify
from provisioning.errors import Refused, SettingsError
from provisioning.hosts import allowed_hosts
from provisioning.model import Domain
from provisioning.store import customers, messages
from provisioning.store.messages import Delivery
from provisioning.store.secrets import (
    FIRST_OF_PAGE,
    about_secret,
    drop_secret,
    get_secret,
    notify_owner,
    notify_places,
    put_secret,
)
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seen_domain
from provisioning.workflow.telling import link_to, places_of, send

EMAIL = notify.EMAIL
MOST_TARGETS = 20
MOST_ADDRESS = 2000


@dataclass(frozen=True, slots=True)
class NotifySeen:
    """One notification target without its secret. `variable`: from which the set-up file took it, "" where it was added
    on the page; `name`: its scheme and host, or the e-mail address; `set_at`, `ends_in`: of its address; `tried_at`,
    `problem`: the last try."""

    place: int
    variable: str
    name: str
    set_at: str
    ends_in: str
    tried_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class MailSeen:
    """The installation's mail server. `sender`: the e-mail address that mails come from, or `problem`: why there are none."""

    sender: str = ""
    problem: str = ""


def mail_seen(house: Workspace, label: str) -> MailSeen:
    seen_domain(house, label, "see who is told")
    try:
        return MailSeen(sender=notify.needed_mail_server(notify.mail_of(house.environment)).sender)
    except SettingsError as problem:
        return MailSeen(problem=str(problem))


def targets_seen(house: Workspace, label: str) -> list[NotifySeen]:
    domain = seen_domain(house, label, "see who is told")
    tries, named = messages.last_tries(house.db, domain.id), customers.standing(house.db, domain.id)[1]
    found = []
    for place in places_of(house, domain):
        name, problem = _target(house, domain, place)
        set_at, ends_in = about_secret(house.db, notify_owner(domain.id, place)) or ("", "")
        ends_in = "" if "@" in name else ends_in
        last = tries.get(place)
        found.append(
            NotifySeen(
                place, named[place] if place < len(named) else "", name, set_at, ends_in, last.tried_at if last else None,
                problem or (last.problem if last else ""),
            )
        )  # fmt: skip
    return found


def _target(house: Workspace, domain: Domain, place: int) -> tuple[str, str]:
    """(what to call a target, what is wrong with its address)."""
    try:
        url = get_secret(house.db, house.vault, notify_owner(domain.id, place)) or ""
    except SettingsError as problem:
        return "", str(problem)
    try:
        return _name(house, url), ""
    except SettingsError as problem:
        return notify.email_of(url), str(problem)


def _name(house: Workspace, url: str) -> str:
    """What to call a target. Raises `SettingsError` for one that Rollcall does not send to."""
    return notify.check_target(url, allowed_hosts(house.environment), notify.mail_of(house.environment))


def add_notify_target(house: Workspace, label: str, address: str) -> list[NotifySeen]:
    """Tell this address too, from the next message on; contacts nobody. Raises `SettingsError` for one that Rollcall
    does not send to, with the same rules as in the set-up file."""
    domain = seen_domain(house, label, "change who is told", PREPARERS)
    url = _checked(house, address)
    with house.db.transaction():
        have = places_of(house, domain)
        if len(have) >= MOST_TARGETS:
            raise SettingsError(f"{domain.label} has {MOST_TARGETS} notification addresses. Remove one first.")
        if any(
            get_secret(house.db, house.vault, notify_owner(domain.id, place), unreadable_is_none=True) == url
            for place in have
        ):
            raise SettingsError("This address is told already.")
        # A place is never used again: what is on its way to a removed target must not count for another.
        last = max(FIRST_OF_PAGE - 1, messages.newest_place(house.db, domain.id), *notify_places(house.db, domain.id))
        put_secret(house.db, house.vault, notify_owner(domain.id, last + 1), url, house.clock())
        record_event(house, "notification target added", domain, target=_name(house, url))
    return targets_seen(house, label)


def _checked(house: Workspace, address: str) -> str:
    if not address.strip():
        raise SettingsError("Enter an address.")
    if len(address) > MOST_ADDRESS or not address.strip().isprintable():
        raise SettingsError(f"An address has at most {MOST_ADDRESS:,} printable characters, on one line.")
    try:
        url = notify.as_target(address)
    except ValueError:
        raise SettingsError("This is no address. Copy it once more from where it is shown.") from None
    _name(house, url)
    if not notify.is_understood(url):
        raise SettingsError("This address lacks something: compare it with the examples beside the field.")
    return url


def drop_notify_target(house: Workspace, label: str, place: int, set_at: str) -> list[NotifySeen]:
    """Tell this target no longer. `set_at` says which was meant: raises `Refused` when there is another by now."""
    domain = seen_domain(house, label, "change who is told", PREPARERS)
    with house.db.transaction():
        found = next((each for each in targets_seen(house, label) if each.place == place), None)
        if found is None or found.set_at != set_at:
            raise Refused("Who is told was changed meanwhile. Look at it again.")
        drop_secret(house.db, notify_owner(domain.id, place))
        messages.give_up(house.db, domain.id, place)
        schedule, named = customers.standing(house.db, domain.id)
        left = ["" if number == place else variable for number, variable in enumerate(named)]
        customers.save_standing(house.db, domain.id, schedule, left)
        record_event(house, "notification target removed", domain, target=found.name or found.variable)
    return targets_seen(house, label)


def send_test(house: Workspace, label: str, patience: float = notify.PATIENCE) -> list[NotifySeen]:
    """Send a test to every target of the domain now; returns them with what came of it. Raises `SettingsError` when there
    is none."""
    domain = seen_domain(house, label, "send a test", PREPARERS)
    places = places_of(house, domain)
    if not places:
        raise SettingsError(
            f"{domain.label} has no notification address. Add one on the page Schedule, or name it in the set-up file "
            "(`notify = …`)."
        )
    body = "This is a test. Rollcall writes here when somebody must act."
    with house.db.transaction():
        link = link_to(house, domain, "overview", {})
        message_id = messages.post(
            house.db, domain.id, house.clock(), "test", f"{domain.label}: a test", f"{body}\n\n{link}".strip(), link, ()
        )
        for place in places:
            messages.post_to(house.db, message_id, place)
        record_event(house, "test message sent", domain, targets=len(places))
    message = messages.recent(house.db, domain.id, 1)[0]
    waiting = [Delivery(message, place, 0) for place in places]
    for each, problem in zip(waiting, send(house, waiting, patience), strict=True):
        messages.settle(house.db, message_id, each.place, house.clock(), problem, None)
    return targets_seen(house, label)
