"""What people decided about one person, which makes the next plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provisioning.database import Database
from provisioning.store.codec import to_text


class DecisionKind(StrEnum):
    """What somebody decided about one person. PROTECT: never archived; MOVE: to another domain, by name; SAME: one
    person with that user; NOT_SAME: not; TEST_ACCOUNT: may be archived, as that account in another domain is live."""

    PROTECT = "protect"
    MOVE = "move"
    SAME = "same"
    NOT_SAME = "not-same"
    TEST_ACCOUNT = "test-account"


@dataclass(frozen=True, slots=True)
class PersonDecision:
    """One decision. `key`: whom it is about, called `name`; `other`: the domain, the user's id, or `DOMAIN/EMAIL` of the account."""

    kind: DecisionKind
    key: str
    other: str = ""
    by: str = ""
    at: str = ""
    name: str = ""


def decide(db: Database, domain_id: int, made: Sequence[PersonDecision], by: str, at: datetime, plan_id: str) -> None:
    """Remember decisions, each instead of what it contradicts. They hold from the next plan on, until taken back."""
    for each in made:
        contradicted = _INSTEAD_OF[each.kind]
        db.execute(
            f"DELETE FROM decisions WHERE domain_id = ? AND key = ? AND kind IN ({', '.join('?' * len(contradicted))})"
            f"{'' if each.kind is not DecisionKind.NOT_SAME else ' AND other = ?'}",
            domain_id, each.key, *contradicted, *((each.other,) if each.kind is DecisionKind.NOT_SAME else ()),
        )  # fmt: skip
        if each.kind is DecisionKind.SAME:
            # A user is one person only: whoever it was said to be before, it is not now.
            db.execute(
                "DELETE FROM decisions WHERE domain_id = ? AND kind = 'same' AND other = ?", domain_id, each.other
            )
        db.insert(
            "decisions", domain_id=domain_id, kind=each.kind.value, key=each.key, other=each.other, at=to_text(at), by=by,
            plan_id=plan_id,
        )  # fmt: skip


def kept_active(db: Database, plan_id: str) -> frozenset[str]:
    """The keys of those of whom it was decided on this plan, and still holds, that they are never archived."""
    rows = db.all("SELECT key FROM decisions WHERE plan_id = ? AND kind = ?", plan_id, DecisionKind.PROTECT.value)
    return frozenset(row["key"] for row in rows)


_INSTEAD_OF: Mapping[DecisionKind, tuple[str, ...]] = {
    DecisionKind.PROTECT: ("protect", "move", "test-account"),
    DecisionKind.MOVE: ("protect", "move", "test-account"),
    DecisionKind.SAME: ("same", "not-same"),
    DecisionKind.NOT_SAME: ("same", "not-same"),
    DecisionKind.TEST_ACCOUNT: ("test-account",),
}


def forget_decisions(db: Database, domain_id: int, keys: Sequence[str]) -> None:
    """Take back whatever was decided about these people."""
    db.many("DELETE FROM decisions WHERE domain_id = ? AND key = ?", ((domain_id, key) for key in keys))


def decisions_made(db: Database, domain_id: int) -> list[PersonDecision]:
    """What is in force, newest first."""
    rows = db.all(
        "SELECT d.*, coalesce((SELECT name FROM changes c WHERE c.plan_id = d.plan_id AND c.key = d.key), "
        "(SELECT name FROM held h WHERE h.plan_id = d.plan_id AND h.key = d.key), '') AS name "
        "FROM decisions d WHERE d.domain_id = ? ORDER BY d.at DESC, d.key",
        domain_id,
    )
    return [
        PersonDecision(DecisionKind(row["kind"]), row["key"], row["other"], row["by"], row["at"], row["name"])
        for row in rows
    ]
