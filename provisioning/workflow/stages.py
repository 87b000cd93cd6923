"""How far a customer's set-up is: the same steps on Before you start, beside every set-up page and for CSMs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from provisioning import setup_file
from provisioning.engine.columns import HUMAN, column_names
from provisioning.engine.money import money, unit
from provisioning.model import READ_PROOF, Customer, Domain, Plan, RunStatus
from provisioning.store import customers, decisions, jobs, plans
from provisioning.store.codec import to_moment
from provisioning.store.decisions import DecisionKind
from provisioning.store.jobs import JobKind, JobState
from provisioning.store.overview import LastPlan
from provisioning.workflow.asking import last_check, refused_since
from provisioning.workflow.checked import Check
from provisioning.workflow.connections import connections_seen
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seen_customer, seen_domain
from provisioning.workflow.scheduling import Standing, schedule_seen

RAN = frozenset({RunStatus.DONE, RunStatus.PARTIAL})


@dataclass(frozen=True, slots=True)
class Station:
    """One step of the set-up. `detail`: what is there; `todo`: what to do next, "" when done; `page`: where. An
    `optional` one is worth having and holds nothing up; `wrong`: it was tried, and something is in its way; `later`: a
    step that follows does it too, so that nobody waits for it."""

    title: str
    done: bool
    detail: str
    page: str
    todo: str = ""
    optional: bool = False
    wrong: bool = False
    later: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the steps follow from. `ready`: a connection has its id and token; `check`: what its last finished test
    proved; `failure`: why that did not come to an end; `read`: how many live people a newer preview read, with every
    mapped column; `ran`: a run came to its end; `kept`: how many were decided to stay active."""

    about: Customer
    domain: Domain | None = None
    ready: bool = False
    check: Check | None = None
    failure: str = ""
    read: int | None = None
    previewed: bool = False
    ran: bool = False
    schedule: Standing = Standing.NONE
    kept: int = 0
    unproved: bool = False
    """Whether the newest preview, read since the test, does not prove that it read everybody and everything."""


def checklist(house: Workspace, customer: str, label: str | None) -> list[Station]:
    """The real set-up, in its order, with what is known to be done."""
    about = seen_customer(house, customer, "see the checklist")
    name = label.rpartition("/")[2] if label else None
    have = [each for each in connections_seen(house, customer) if name is None or name in each.domains]
    facts = Facts(about, ready=any(each.token_set and each.connection.service_user_id for each in have))
    return stations(_of_domain(house, label, facts) if label else facts)


def _of_domain(house: Workspace, label: str, facts: Facts) -> Facts:
    domain = seen_domain(house, label, "see the checklist")
    job = jobs.latest(house.db, domain.id, [JobKind.CHECK], ended=True)
    failed = job is not None and job.state is JobState.FAILED
    newest = next(iter(plans.recent_plans(house.db, domain.id, 1)), None)
    tested_at = to_moment(job.ended_at) if job and job.ended_at else None
    refused = refused_since(house, label)
    return replace(
        facts,
        unproved=newest is not None and (not tested_at or newest.read_at > tested_at) and bool(blocked_read(newest)),
        domain=domain,
        check=last_check(house, label),
        failure=refused or ((job.error or "It did not come to an end.") if job and failed else ""),
        read=None if refused else live_people_read(domain, newest, tested_at),
        previewed=newest is not None,
        ran=any(status in RAN for status in plans.run_statuses(house.db, domain.id).values()),
        schedule=schedule_seen(house, label).standing,
        kept=sum(each.kind is DecisionKind.PROTECT for each in decisions.decisions_made(house.db, domain.id)),
    )


def live_people_read(domain: Domain, plan: Plan | LastPlan | None, tested_at: datetime | None) -> int | None:
    """How many live people the newest preview read with every column that is mapped now; None where it does not prove
    that, or a test is newer. A portal is proved by its test alone: it tells more than a read of it."""
    if plan is None or plan.evidence is None or plan.mapping_version != domain.mapping_version or domain.settings.scim:
        return None
    if (tested_at and tested_at > plan.read_at) or blocked_read(plan):
        return None
    return plan.evidence.active


def blocked_read(plan: Plan | LastPlan) -> list[str]:
    """The codes of what shows that a read was not whole."""
    return [each.code for each in plan.findings if each.code in READ_PROOF]


def next_station(steps: Sequence[Station]) -> Station | None:
    """The first step that is to be done; None when the set-up is done, whatever optional is left."""
    return next((each for each in steps if not (each.done or each.optional or each.later)), None)


def needed(steps: Sequence[Station]) -> list[Station]:
    """Those that are counted: always the same number of them."""
    return [each for each in steps if not each.optional]


def ready_to_preview(steps: Sequence[Station]) -> bool:
    """Whether a preview can be made: connection, domain and mapping are there, however a test of them went."""
    return all(each.done or each.wrong or each.later for each in needed(steps) if each.page in ("connect", "mapping"))


def stations(facts: Facts) -> list[Station]:
    """The set-up, in the order in which it is done."""
    return [
        _seats(facts.about),
        _service_user(facts),
        _domain(facts),
        _tested(facts),
        _attributes(facts),
        _identifier(facts),
        _protected(facts),
        _previewed(facts),
        _ran(facts),
        _target(facts),
        _scheduled(facts),
    ]


def _seats(about: Customer) -> Station:
    title = "Licensed seats and price per user"
    if about.seats is None:
        return Station(
            title, False, "Not entered yet.", "start", "Enter them: a preview then warns before seats run out.",
            optional=True,
        )  # fmt: skip
    paid = money(Decimal(about.price_per_user), about.currency) if about.price_per_user else ""
    price = f" at {paid} each{unit(about.currency)}" if paid else ""
    return Station(title, True, f"{about.seats:,} licensed users{price}.", "start", optional=True)


def _service_user(facts: Facts) -> Station:
    title = "Id and token of the service user in HiBob"
    if facts.ready:
        return Station(title, True, "Id and token are stored; the token encrypted.", "connect")
    todo = "Send whoever runs HiBob the text for them, then enter the id and token they give you."
    return Station(title, False, "They are not both stored yet.", "connect", todo)


def _domain(facts: Facts) -> Station:
    title = "A domain on the connection"
    if facts.domain:
        return Station(title, True, facts.domain.name, "connect")
    return Station(title, False, "None yet.", "connect", "Add one: the part of Skillcast’s user directory to fill.")


def _attributes(facts: Facts) -> Station:
    fed = [each for each in facts.domain.attributes if each.data_feed_name] if facts.domain else []
    title, todo = (
        "Attributes and dates to capture",
        "Take the suggested rows, change what differs, and save the mapping.",
    )
    if not fed:
        return Station(title, False, "No attribute is fed by HiBob yet.", "mapping", todo)
    version = facts.domain.mapping_version if facts.domain else 0
    return Station(title, True, f"{len(fed)} are fed by HiBob, in version {version} of the mapping.", "mapping")


def _identifier(facts: Facts) -> Station:
    named = facts.domain.settings.unique_identifier if facts.domain else None
    title, todo = "The unique identifier", "Tick “Unique” for the attribute that never changes, such as Employee ID."
    return Station(title, bool(named), named or "Not chosen yet.", "mapping", "" if named else todo)


def _tested(facts: Facts) -> Station:
    """A preview of the mapping of now proves what a test does, so that nobody who has mapped already waits for one."""
    title, page, check = "Test of the connection", "connect", facts.check
    if facts.read is not None:
        return Station(title, True, f"The last preview read {facts.read:,} live people and every mapped column.", page)
    if facts.failure:
        return Station(title, False, facts.failure, page, "Mend what it says, then test again.", wrong=True)
    if check is None and facts.ran:
        return Station(title, True, "A run came to its end; the next preview reads what was mapped since.", page)
    if check is None:
        mapped = _attributes(facts).done and _identifier(facts).done
        todo = "It reads HiBob and changes nothing."
        todo += " The first preview proves the same." if mapped else " It brings HiBob’s list of fields, to map from."
        return Station(title, False, "Not tested yet.", page, todo, later=mapped)
    if not check.ok:
        todo, page = _to_mend(check, facts.domain)
        return Station(title, False, "The last test found what would block a preview.", page, todo, wrong=True)
    since = " The newest preview read otherwise since, and is blocked: it says why." if facts.unproved else ""
    told = f"{check.live:,} live people were visible. {_columns_tested(check, facts.domain)}{since}"
    return Station(title, True, told, page)


def _to_mend(check: Check, domain: Domain | None) -> tuple[str, str]:
    """What to do about what a test found, and where: no permission opens a field that HiBob does not list."""
    unlisted = list(dict.fromkeys(each.column for each in check.columns if each.unlisted))
    only = bool(unlisted) and all(each.unlisted for each in check.columns if each.state == "absent")
    mapped = column_names(domain.attributes, ()) if domain else []
    scoped = column_names((), domain.settings.scope) if domain else []
    named = [each for each in unlisted if each in mapped or each in scoped]
    if named:
        names = ", ".join(f"“{each.removeprefix(HUMAN)}”" for each in named)
        ways = [
            *(["correct the data feed name in the mapping"] if set(named) & set(mapped) else []),
            *(["correct the column of the scope rule in the settings"] if set(named) & set(scoped) else []),
            *([] if only else ["ask whoever runs HiBob for what else the test found missing"]),
        ]
        todo = f"HiBob lists no field {names}: {', '.join(ways)}, then test again."
        return todo, "mapping" if set(named) & set(mapped) else "settings"
    if only:
        return "What HiBob does not list is mapped no longer: test again.", "connect"
    return "Ask whoever runs HiBob for what the test found missing, then test again.", "connect"


def _columns_tested(check: Check, domain: Domain | None) -> str:
    since = untested(check, domain)
    if since:
        return mapped_since(since)
    return "Every mapped column is there." if check.columns else "No column was mapped yet."


def mapped_since(names: Sequence[str]) -> str:
    return f"Mapped since, and read by the next preview: {', '.join(each.removeprefix(HUMAN) for each in names)}."


def untested(check: Check, domain: Domain | None) -> tuple[str, ...]:
    """The columns that are mapped now, or that a scope rule names, and that the test did not read."""
    tested = {each.column for each in check.columns}
    names = column_names(domain.attributes, domain.settings.scope) if domain else []
    return tuple(dict.fromkeys(name for name in names if name not in tested))


def _protected(facts: Facts) -> Station:
    title, page = "Who is never archived", "settings"
    named = len(facts.domain.settings.protected) if facts.domain else 0
    said = [f"{named} in the settings"] if named else []
    said += [f"{facts.kept} kept active by a decision"] if facts.kept else []
    if said:
        return Station(title, True, f"{', '.join(said)}.", page, optional=True)
    todo = "Name test accounts, and whoever administers the portal."
    return Station(title, False, "Nobody is protected yet.", page, todo, optional=True)


def _previewed(facts: Facts) -> Station:
    title = "First preview"
    if facts.previewed:
        return Station(title, True, "There is one.", "preview")
    return Station(title, False, "None yet.", "preview", "Make one: it shows who would change, and changes nothing.")


def _ran(facts: Facts) -> Station:
    title = "First run"
    if facts.ran:
        return Station(title, True, "A run came to its end.", "process")
    todo = "Approve a preview, a pilot with a few people if you like, and process it."
    return Station(title, False, "Nothing was written yet.", "preview", todo)


def _target(facts: Facts) -> Station:
    title, page = "Skillcast as the target", "connect"
    if facts.domain and facts.domain.settings.scim:
        return Station(title, True, "Users are kept in Skillcast (SCIM 2.0).", page, optional=True)
    todo = "Name the portal once you have tried everything."
    return Station(title, False, "Users are kept in Rollcall’s local directory.", page, todo, optional=True)


def _scheduled(facts: Facts) -> Station:
    title, page = "Schedule", "schedule"
    words = {
        Standing.ON: "Switched on.", Standing.OFF: "Times are set, and it is switched off.", Standing.NONE: "None yet.",
        Standing.PAUSED: "Switched on, and paused now.", Standing.QUARANTINE: "Switched on, and in quarantine now.",
    }  # fmt: skip
    on = facts.schedule in (Standing.ON, Standing.PAUSED, Standing.QUARANTINE)
    todo = "" if on else "Once a run went well, let the domain run by itself."
    return Station(title, on, words[facts.schedule], page, todo, optional=True)


# --- seats and price --------------------------------------------------------------------------------------


def save_licence(
    house: Workspace, customer: str, seats: int | None, price_per_user: float | None, currency: str | None = None
) -> None:
    """Keep how many users are licensed, and what one costs in which currency. None: not known. Raises `SettingsError`."""
    found = seen_customer(house, customer, "change the licensed seats", PREPARERS)
    table = setup_file.CustomerTable(found.name, seats, price_per_user, found.retention_days, currency)
    checked = setup_file.parse(setup_file.write(setup_file.SetupFile(customer=table))).customer
    price = None if checked.price_per_user is None else format(Decimal(str(checked.price_per_user)), "f")
    with house.db.transaction():
        customers.save_customer(house.db, found.name, checked.seats, price, found.retention_days, checked.currency)
        if (found.seats, found.price_per_user, found.currency) != (checked.seats, price, checked.currency):
            record_event(
                house,
                "customer changed",
                customer_id=found.id,
                name=found.name,
                seats=checked.seats,
                price_per_user=price,
                currency=checked.currency,
            )
