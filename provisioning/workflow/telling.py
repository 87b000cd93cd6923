"""Telling people that they must act: what is said, to which targets, and whether it arrived. Only counts, never a
person's data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from provisioning import notify
from provisioning.errors import SettingsError
from provisioning.hosts import allowed_hosts
from provisioning.model import Domain, Plan, Run, RunStatus
from provisioning.notify import Letter
from provisioning.report.text import WORDS
from provisioning.store import customers, messages
from provisioning.store.messages import Delivery, Message
from provisioning.store.secrets import get_secret, notify_owner, notify_places
from provisioning.workflow.house import CARETAKERS, Workspace, require, seen_domain

URL_VARIABLE = "ROLLCALL_URL"

TRY_AGAIN = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6))
"""How long after each failed try a message is tried again; then no more."""

CLAIM = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Word:
    """What is to be said. `page` and `query`: where one acts."""

    about: str
    title: str
    body: str
    page: str
    query: Mapping[str, str]


def tell(house: Workspace, domain: Domain, word: Word) -> None:
    """Record a message in the caller's transaction. `deliver` sends it afterwards, so that no target holds up a run."""
    place = link_to(house, domain, word.page, word.query)
    where = place or f"In Rollcall: {domain.label}, page {word.page.capitalize()}."
    messages.post(
        house.db, domain.id, house.clock(), word.about, f"{domain.label}: {word.title}", f"{word.body}\n\n{where}",
        place, places_of(house, domain),
    )  # fmt: skip


def places_of(house: Workspace, domain: Domain) -> list[int]:
    """The places of the domain's targets: those of the set-up file, then those added on the page. One of the file that
    was removed on the page has left its place empty."""
    named = customers.standing(house.db, domain.id)[1]
    return [place for place, variable in enumerate(named) if variable] + notify_places(house.db, domain.id)


def link_to(house: Workspace, domain: Domain, page: str, query: Mapping[str, str]) -> str:
    """The address of a page that shows just this, or "" where the public address of the app is not known."""
    base = house.environment.get(URL_VARIABLE, "").strip().rstrip("/")
    asked = urlencode({"customer": domain.customer, "domain": domain.name, **query}, quote_via=quote)
    path = "" if page == "overview" else page  # The first page has no address of its own.
    return f"{base}/{path}?{asked}" if base else ""


# --- what is said -----------------------------------------------------------------------------------------


def waits(plan: Plan) -> Word:
    body = (
        f"The schedule made a preview: {_changes(plan)}. Look at it, and approve it or leave it. It can be approved "
        "for 14 days, unless a newer run or new settings overtake it. You are reminded once, after 24 hours."
    )
    return Word("waiting", f"{_people(plan)} for approval", body, "preview", {"plan": plan.id})


def still_waits(plan: Plan) -> Word:
    body = f"Nobody has approved or processed the schedule’s preview yet: {_changes(plan)}."
    return Word("reminder", f"{_people(plan)} for approval, still", body, "preview", {"plan": plan.id})


def has_lapsed(plan: Plan | None) -> Word:
    """`plan` None: it was removed by now, as the customer's retention says."""
    what = f": {_changes(plan)}" if plan else ""
    body = f"Nobody approved the schedule’s preview within 14 days{what}. The next preview begins anew."
    return Word("lapsed", "a preview has lapsed", body, "preview", {"plan": plan.id} if plan else {})


def is_blocked(plan: Plan, retry_at: datetime) -> Word:
    codes = ", ".join(dict.fromkeys(_block(each.code, each.numbers) for each in plan.blocks))
    body = (
        f"The schedule’s preview is blocked by {codes}; nothing was written. Somebody must look: correct the cause, or "
        f"override the block with a reason. {_again(retry_at)}"
    )
    return Word("block", "the schedule is blocked", body, "preview", {"plan": plan.id})


def is_troubled(code: str, reason: str, retry_at: datetime, plan_id: str | None) -> Word:
    """`plan_id`: the preview that could not be processed; a person may still approve it."""
    body = f"{reason} Nothing more was written. {_again(retry_at)}"
    if code == "connection":
        return Word(code, "HiBob or the directory cannot be used", body, "connect", {})
    page, query = ("preview", {"plan": plan_id}) if plan_id else ("schedule", {})
    return Word(code, "the schedule cannot run", body, page, query)


def is_paused(code: str, reason: str) -> Word:
    return Word(
        f"paused-{code}", "the schedule is paused", f"{reason} Until then nothing runs by itself.", "preview", {}
    )


def has_failed(run: Run) -> Word:
    failed, done = run.counts["failed"], run.counts["done"]
    people = "person was" if failed == 1 else "people were"
    body = f"In the scheduled run {done:,} changes were made, and {failed:,} failed. Look why, and try those again."
    if run.status is RunStatus.STOPPED:
        body += " It stopped before its end: the others are still to do."
    return Word("failed", f"{failed:,} {people} not provisioned", body, "process", {"plan": run.plan_id})


def _people(plan: Plan) -> str:
    count = sum(plan.counts.get(action.value, 0) for action in WORDS)
    return f"{count:,} change waits" if count == 1 else f"{count:,} changes wait"


def _changes(plan: Plan) -> str:
    return ", ".join(
        f"{plan.counts[each.value]:,} {words}" for each, words in WORDS.items() if plan.counts.get(each.value)
    )


def _block(code: str, numbers: Mapping[str, int]) -> str:
    if not {"counted", "limit"} <= set(numbers):
        return code
    counted, limit = numbers["counted"], numbers["limit"]
    # People who are missing block below a limit, everything else from one on.
    rule = f"from {limit:,} on" if counted >= limit else f"below {limit:,}"
    return f"{code} ({counted:,} counted, blocked {rule})"


def _again(retry_at: datetime) -> str:
    return f"It is tried again on {retry_at.day} {retry_at:%B, %H:%M} UTC; you hear of it again only if the cause is another."


# --- delivering -------------------------------------------------------------------------------------------


def deliver(house: Workspace, patience: float = notify.PATIENCE) -> int:
    """Send what waits, all targets at once, waiting no longer than `patience` seconds for any. Returns how many of these
    messages failed; each is tried again later, and its failure stands with the target."""
    require(house, None, CARETAKERS, "send what waits for everybody")
    waiting = messages.claim(house.db, house.clock(), house.clock() + CLAIM)
    if not waiting:
        return 0
    problems = send(house, waiting, patience)
    for each, problem in zip(waiting, problems, strict=True):
        again = house.clock() + TRY_AGAIN[each.tries] if problem and each.tries < len(TRY_AGAIN) else None
        messages.settle(house.db, each.message.id, each.place, house.clock(), problem, again)
    return sum(map(bool, problems))


def send(house: Workspace, waiting: list[Delivery], patience: float) -> list[str]:
    """Send these now; returns for each what went wrong, or an empty text."""
    letters, problems = [], {}
    for place, each in enumerate(waiting):
        try:
            url = get_secret(house.db, house.vault, notify_owner(each.message.domain_id, each.place))
        except SettingsError as problem:
            url, problems[place] = None, str(problem)
        if url:
            letters.append((place, Letter(url, each.message.title, each.message.body)))
        else:
            problems.setdefault(place, "This target is no longer set.")
    allowed, mail = allowed_hosts(house.environment), notify.mail_of(house.environment)
    sent = notify.send([letter for _, letter in letters], allowed, patience, mail)
    problems |= {place: problem for (place, _), problem in zip(letters, sent, strict=True)}
    return [problems[place] for place in range(len(waiting))]


# --- for pages and the command line -----------------------------------------------------------------------


def messages_seen(house: Workspace, label: str, most: int = 20) -> list[Message]:
    """What people were told about a domain, newest first."""
    return messages.recent(house.db, seen_domain(house, label, "see the messages").id, most)


def undelivered(house: Workspace, label: str) -> dict[int, str]:
    """Why messages did not arrive, by their ids."""
    return messages.problems(house.db, seen_domain(house, label, "see the messages").id)
