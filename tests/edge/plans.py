"""Plans to write workbooks of: one with something on every sheet, and the pieces to make others."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import zip_longest

from provisioning.model import (
    Action,
    Change,
    Finding,
    Held,
    Plan,
    PlanStatus,
    Seen,
    Severity,
    Status,
)

ATTRIBUTES = ("Employee ID", "Email", "First name", "Last name", "Department", "Start date")
READ_AT = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def named(*values: str) -> dict[str, str]:
    """The values by the names of ATTRIBUTES, in their order; those left out are blank."""
    return dict(zip_longest(ATTRIBUTES, values, fillvalue=""))


def seen(status: Status, *values: str) -> Seen:
    return Seen(status, "", named(*values))


def add(key: str, *values: str) -> Change:
    after: dict[str, str | None] = {name: value for name, value in named(*values).items() if value}
    after |= {"status": "Live", "external_id": key}
    return Change(key, Action.ADD, "Employed in HiBob, no user in this domain yet.", {}, after)


def update(key: str, before: Seen, after: Mapping[str, str | None]) -> Change:
    old = {name: before.attributes[name] or None for name in after}
    why = f"{', '.join(after)} {'differs' if len(after) == 1 else 'differ'} from HiBob."
    return Change(key, Action.UPDATE, why, old, after, f"u{key}", before)


def reactivate(key: str, before: Seen, after: Mapping[str, str | None]) -> Change:
    old: dict[str, str | None] = {name: before.attributes[name] or None for name in after}
    why = "Employed in HiBob, archived here."
    return Change(
        key,
        Action.REACTIVATE,
        why,
        old | {"status": "Archived"},
        {**after, "status": "Live"},
        f"u{key}",
        before,
    )


def archive(key: str, before: Seen) -> Change:
    why = "Terminated in HiBob; last day of work was 2026-11-20."
    return Change(key, Action.ARCHIVE, why, {"status": "Live"}, {"status": "Archived"}, f"u{key}", before)


def plan_of(*changes: Change, attributes: tuple[str, ...] = ATTRIBUTES, held: tuple[Held, ...] = ()) -> Plan:
    counts = {action.value: sum(change.action is action for change in changes) for action in Action}
    return Plan(
        id="P-20261122-7Q4M",
        domain_id=1,
        domain="Acme/staff",
        made_at=READ_AT,
        read_at=READ_AT,
        by="admin@acme.example",
        mapping_version=7,
        settings_version=3,
        attributes=attributes,
        status=PlanStatus.READY if changes else PlanStatus.EMPTY,
        digest="9f2c4b7d1e0a8f63" * 4,
        counts=counts | {"held": len(held), "unchanged": 1160},
        findings=(),
        changes=changes,
        held=held,
    )


def sample_plan() -> Plan:
    """Somebody on every sheet, a move and links beside them, and findings of two severities."""
    live, archived = Status.LIVE, Status.ARCHIVED
    nora = seen(live, "00017", "nora.oconnor@acme.example", "Nora", "O'Connor", "Sales", "2019-04-01")
    zoe = seen(live, "00044", "zoe@acme.example", "Zoë", "Ångström", "Legal & Compliance", "")
    ravi = seen(archived, "00101", "ravi@acme.example", "Ravi", "Iyer", "Operations", "2015-09-14")
    tom = seen(live, "00007", "tom@acme.example", "Tom", "Baker", "=1+1", "2011-01-03")
    uma = seen(live, "00008", "uma@acme.example", "Uma", "Thiel", "Finance", "2012-02-01")
    plan = plan_of(
        Change("2001", Action.LINK, "Matched by e-mail.", {}, {"external_id": "2001"}, "u1", nora),
        reactivate("3001", ravi, {"Department": "Risk"}),
        add("3344556677889900112", "00555", "ida@acme.example", "Ida", "Lovelace", "Research", "2026-11-23"),
        add("1002", "00556", "li@acme.example", "李", "小龙", "Research", "2026-11-23"),
        update("2001", nora, {"Department": "Key Accounts", "Last name": "O'Connor-Byrne"}),
        update("2002", zoe, {"Start date": "2020-02-29"}),
        Change("2003", Action.MOVE, "Moved by hand.", {"domain": "staff"}, {"domain": "alumni"}, "u3", uma),
        archive("user:u7", tom),
        archive("4002", uma),
        held=(
            Held("5001", "required-blank", "Employee ID is required and blank in HiBob.", "Max Mu"),
            Held("5002", "future-starter", "Starts on 2026-12-01. Becomes live then.", "Ana Silva"),
        ),
    )
    findings = (
        Finding(
            "limit-archive",
            Severity.BLOCK,
            "2 of 19 live users would be archived; the limit for a small domain is 3 people.",
            "Check whether they left; leave people out, raise the limit, or override it with a reason.",
            {"counted": 2, "limit": 3, "of": 19},
            ("user:u7", "4002"),
        ),
        Finding(
            "seats",
            Severity.WARN,
            "1,252 live users, 1,250 licensed.",
            "Ask Skillcast for 2 seats.",
            {"counted": 1252},
        ),
    )
    return replace(plan, status=PlanStatus.BLOCKED, findings=findings)
