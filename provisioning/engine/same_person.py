"""One archive and one add that look like one person: both are held until somebody says whether they are,
for otherwise one click loses the training history (PRODUCT.md, "Matching")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioning.engine import columns as known
from provisioning.engine.columns import fed_by
from provisioning.engine.situation import People, Situation
from provisioning.engine.transforms import fold
from provisioning.model import RESERVED_NAMES, Action, AttributeType, Change, Finding, Held, Proposal, Severity

_EVIDENCE_FIELDS = {
    known.START_DATE: "start date",
    "work.department": "department",
    "work.reportsTo": "manager",
    "work.manager": "manager",
    "work.reportsTo.email": "manager",
    "work.reportsToIdInCompany": "manager",
}

Pair = tuple[Change, Change, str]


@dataclass(frozen=True, slots=True)
class Apart:
    """What remains to be changed, who is held, and which pairs are proposed."""

    changes: list[Change]
    held: list[Held]
    findings: tuple[Finding, ...] = ()
    proposals: tuple[Proposal, ...] = ()


def hold_same_people(
    situation: Situation, people: People, changes: Sequence[Change], held: Sequence[Held], intended: Sequence[Change]
) -> Apart:
    """The changes without the halves of proposed pairs, the held with them, and the finding if any.

    `intended`: adds of people who are held already, for another reason. They stay held for that one.
    """
    pairs = _pairs(situation, people, [*changes, *intended])
    if not pairs:
        return Apart(list(changes), list(held))
    halves: dict[int, Held] = {}
    for archived, added, evidence in pairs:
        halves.setdefault(id(archived), _half(archived, added, evidence))
        if all(added is not each for each in intended):
            halves.setdefault(id(added), _half(added, archived, evidence))
    keys = tuple(sorted({change.key for pair in pairs for change in pair[:2]}))
    remaining = [change for change in changes if id(change) not in halves]
    proposals = tuple(_proposal(*pair) for pair in pairs)
    return Apart(remaining, [*held, *halves.values()], (_finding(pairs, keys),), proposals)


def _proposal(old: Change, new: Change, evidence: str) -> Proposal:
    has = old.seen.attributes if old.seen else {}
    gets = {name: value for name, value in new.after.items() if name not in RESERVED_NAMES}
    return Proposal(new.key, old.user_id or "", old.key, evidence, new.name or old.name, has, gets)


def _pairs(situation: Situation, people: People, changes: Sequence[Change]) -> list[Pair]:
    attributes, columns = situation.domain.attributes, situation.columns
    first = fed_by(attributes, columns, known.FIRST_NAME)
    last = fed_by(attributes, columns, known.SURNAME)
    if not first or not last:
        return []
    evidence = _evidence_attributes(situation)
    archived: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.action is Action.ARCHIVE and change.seen:
            name = _name(change.seen.attributes, first, last)
            archived.setdefault(name, []).append(change)
    archived.pop(("", ""), None)
    return [
        (one, other, reason)
        for other in changes
        if other.action is Action.ADD
        for one in archived.get(_name(other.after, first, last), ())
        if (other.key, one.user_id) not in situation.decisions.not_same and (reason := _agreement(one, other, evidence))
    ]


def _name(values: Mapping[str, str | None], first: str, last: str) -> tuple[str, str]:
    return fold(values.get(first) or ""), fold(values.get(last) or "")


def _evidence_attributes(situation: Situation) -> dict[str, str]:
    """Attribute name → what it says about a person: start date, manager or department."""
    found = {}
    for each in situation.domain.attributes:
        if each.data_feed_name:
            meaning = _EVIDENCE_FIELDS.get(situation.columns[each.data_feed_name].field)
            meaning = "manager" if each.type is AttributeType.USER else meaning
            if meaning:
                found[each.name] = meaning
    return found


def _agreement(archived: Change, added: Change, evidence: Mapping[str, str]) -> str:
    """In words, what agrees beside the name; "" when nothing does."""
    seen = archived.seen.attributes if archived.seen else {}
    agreed = [meaning for name, meaning in evidence.items() if seen.get(name) and seen[name] == added.after.get(name)]
    return " and ".join(dict.fromkeys(agreed))


def _half(one: Change, other: Change, evidence: str) -> Held:
    doing = "archived" if one.action is Action.ARCHIVE else "added"
    who = f"{other.key} in HiBob" if one.action is Action.ARCHIVE else f"user:{other.user_id}"
    why = (
        f"Would be {doing}, but looks like the same person as {who} (same name and {evidence}). "
        "Held until somebody accepts or refuses that."
    )
    return Held(one.key, "same-person", why, one.name)


def _finding(pairs: Sequence[Pair], keys: tuple[str, ...]) -> Finding:
    count = len(pairs)
    return Finding(
        "same-person",
        Severity.WARN,
        f"{count} archive{'s' if count != 1 else ''} and add{'s' if count != 1 else ''} may be one person under two "
        "records. Both halves are held, because a new user would start without the training history.",
        "Compare the two, then accept (the user is kept and linked) or refuse (both go ahead).",
        {"counted": count},
        keys,
    )
