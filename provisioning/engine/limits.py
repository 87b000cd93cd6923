"""How much may change at once. Everything is counted before the first write; a block says what was counted,
the limit, and the ways on (PRODUCT.md, "Limits"). A limit blocks when it is reached, so its words say “from … on”."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from provisioning.engine.concerned import concerning, in_some_spelling
from provisioning.engine.money import money, unit
from provisioning.engine.situation import People, Situation
from provisioning.engine.thresholds import triggers
from provisioning.model import RESERVED_NAMES, Absence, Action, Change, Finding, Limit, Severity

SMALL_DOMAIN = 20
"""Below so many live users the archive limit is a number of people, not a percentage."""

_VERBS = {
    Action.ARCHIVE: "archived",
    Action.UPDATE: "updated",
    Action.ADD: "added",
    Action.REACTIVATE: "reactivated",
}
_OVERRIDE = (
    "Look at the people concerned. If the number is right, an admin or CSM can override this with a reason when "
)
_WAYS_ON = (
    f"{_OVERRIDE}approving, or raise the limit in the domain's settings and preview again. Leaving people out does not "
    "lift it."
)
WAYS_ON_OF_AN_UNDO = (
    f"{_OVERRIDE}approving. Raising the limit in the domain's settings would make this way back lapse: the run has to be "
    "undone anew then. Leaving people out does not lift it."
)


def find_limits(
    situation: Situation,
    people: People,
    changes: Sequence[Change],
    absences: Mapping[str, Absence],
    ways_on: str = _WAYS_ON,
) -> tuple[Finding, ...]:
    """`ways_on`: what to do about a limit that is reached."""
    live = int(people.user_live.sum())
    return (
        *_per_action(situation, changes, live, ways_on),
        *_seven_days(situation, changes, live, ways_on),
        *_turning_blank(situation, changes, live),
        *_seats(situation, changes, live),
        *_self_archive(situation, people, changes),
        *_about_to_be_archived(situation, people, absences),
    )


def _keys(changes: Iterable[Change], action: Action) -> tuple[str, ...]:
    return tuple(change.key for change in changes if change.action is action)


def _per_action(situation: Situation, changes: Sequence[Change], live: int, ways_on: str) -> Iterable[Finding]:
    limits = situation.domain.settings.limits
    for action, limit in (
        (Action.ARCHIVE, limits.archive),
        (Action.UPDATE, limits.update),
        (Action.ADD, limits.add),
        (Action.REACTIVATE, limits.reactivate),
    ):
        if action is Action.ARCHIVE and limit.share is not None and live < SMALL_DOMAIN:
            limit = Limit(number=limits.small_domain)
        keys = _keys(changes, action)
        at, reached = triggers(limit, len(keys), live)
        if reached:
            yield Finding(
                f"limit-{action.value}",
                Severity.BLOCK,
                f"{len(keys):,} of {live:,} live users would be {_VERBS[action]}; from {at:,} on{_share(limit)} it is "
                "blocked.",
                ways_on,
                {"counted": len(keys), "limit": at, "of": live},
                keys,
            )


def _share(limit: Limit) -> str:
    return f" ({limit.percent}%)" if limit.percent is not None else ""


def _seven_days(situation: Situation, changes: Sequence[Change], live: int, ways_on: str) -> Iterable[Finding]:
    limit, keys = situation.domain.settings.limits.archive_7_days, _keys(changes, Action.ARCHIVE)
    counted = situation.archived_7_days + len(keys)
    at, reached = triggers(limit, counted, live)
    if reached and keys:
        yield Finding(
            "limit-archive-7-days",
            Severity.BLOCK,
            f"{f'With these {len(keys):,}, ' if counted > len(keys) else ''}{counted:,} users would be archived within 7 days, over all runs; of {live:,} "
            f"live users, from {at:,} on{_share(limit)} it is blocked.",
            ways_on,
            {"counted": counted, "limit": at, "of": live},
            keys,
        )


def _turning_blank(situation: Situation, changes: Sequence[Change], live: int) -> Iterable[Finding]:
    limit = situation.domain.settings.limits.blank
    blanked: dict[str, list[str]] = {}
    for change in changes:
        if change.action is not Action.ADD:
            for name, value in change.after.items():
                if value is None and name not in RESERVED_NAMES:
                    blanked.setdefault(name, []).append(change.key)
    for name, keys in sorted(blanked.items()):
        at, reached = triggers(limit, len(keys), live)
        if reached:
            yield Finding(
                "limit-blank",
                Severity.BLOCK,
                f"{name} would turn blank for {len(keys):,} of {live:,} live users; from {at:,} on{_share(limit)} it is "
                "blocked.",
                "Check whether HiBob lost these values. If they are meant to go, an admin or CSM can override this "
                "with a reason.",
                {"counted": len(keys), "limit": at, "of": live},
                tuple(sorted(keys)),
            )


def _seats(situation: Situation, changes: Sequence[Change], live: int) -> Iterable[Finding]:
    if situation.seats is None:
        return
    count = Counter(change.action for change in changes)
    added = count[Action.ADD] + count[Action.REACTIVATE]
    after = live + situation.live_elsewhere + added - count[Action.ARCHIVE]
    over = after - situation.seats
    if over > 0:
        price = Decimal(situation.price_per_user or 0)
        each, more = (money(amount, situation.currency) for amount in (price, price * over))
        cost = f" At {each} per user{unit(situation.currency)}, that is {more} more." if price else ""
        yield Finding(
            "seats",
            Severity.WARN,
            f"{after:,} live users after this run, {over:,} more than the {situation.seats:,} licensed seats.{cost}",
            "Ask Skillcast for more seats, or narrow the domain's scope.",
            {"counted": after, "limit": situation.seats, "of": live + situation.live_elsewhere},
        )


def _self_archive(situation: Situation, people: People, changes: Sequence[Change]) -> Iterable[Finding]:
    archives = [change for change in changes if change.action is Action.ARCHIVE]
    if not archives:
        return
    if people.email_attribute is None:
        yield Finding(
            "self-archive",
            Severity.BLOCK,
            "No attribute is fed by HiBob's e-mail (root.email), so it cannot be checked whether this archives the "
            "very people who manage Rollcall.",
            "Map an attribute to root.email.",
            {"counted": len(archives), "limit": 1, "of": len(archives)},
        )
        return
    keys = tuple(change.key for change in concerning(archives, situation.members))
    keys += tuple(_by_employee(people, archives, situation.members, keys))
    keys = tuple(key for key in keys if key not in situation.decisions.confirmed)
    if keys:
        yield Finding(
            "self-archive",
            Severity.BLOCK,
            f"{len(keys):,} of the {len(archives):,} people to be archived would lose access to Rollcall, which they manage "
            "for this customer.",
            "Protect them, move them to another domain, or confirm a live test account in another domain.",
            {"counted": len(keys), "limit": 1, "of": len(archives)},
            tuple(sorted(keys)),
        )


def _by_employee(
    people: People, archives: Sequence[Change], members: Sequence[str], found: Collection[str]
) -> Iterable[str]:
    """Archives whose HiBob e-mail is a member's, although the user's is blank or another."""
    emails = people.emails_of(change.key for change in archives) if members else {}
    theirs = in_some_spelling(emails.values(), members)
    return (change.key for change in archives if change.key not in found and emails.get(change.key) in theirs)


def _about_to_be_archived(situation: Situation, people: People, absences: Mapping[str, Absence]) -> Iterable[Finding]:
    needed = situation.domain.settings.absent_reads
    keys = tuple(f"user:{user}" for user, absence in sorted(absences.items()) if absence.reads < needed)
    if keys:
        yield Finding(
            "absent",
            Severity.INFO,
            f"{len(keys):,} live {'user is' if len(keys) == 1 else 'users are'} missing from HiBob's answer, not yet in {needed} reads at least 12 hours "
            "apart. They will be archived if they stay away.",
            "Nothing to do if they left. Otherwise check why HiBob does not return them.",
            {"counted": len(keys), "limit": needed},
            keys,
        )
