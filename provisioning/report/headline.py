"""A preview in one breath: is it safe, what happens, to whom; once it was processed, what happened. Pure: from a stored plan's
counts and findings, and the names of a few."""

from collections.abc import Collection, Mapping, Sequence

from provisioning.model import Action, Finding, Plan, Result, Severity
from provisioning.report.called import finding_called

Shared = tuple[str, str, str, int]
"""An attribute, its value before and after, and how many share that change."""

Phrase = tuple[str, str]
"""What one person does, and what several do."""

_DO: Mapping[Action, Phrase] = {
    Action.ADD: ("joins", "join"),
    Action.REACTIVATE: ("comes back", "come back"),
    Action.UPDATE: ("changes", "change"),
    Action.MOVE: ("moves to another domain", "move to another domain"),
    Action.ARCHIVE: ("leaves", "leave"),
    Action.LINK: ("is linked to HiBob", "are linked to HiBob"),
}
_UNDO: Mapping[Action, Phrase] = {
    Action.ADD: ("is added again", "are added again"),
    Action.REACTIVATE: ("becomes live again", "become live again"),
    Action.UPDATE: ("gets earlier values back", "get earlier values back"),
    Action.MOVE: ("moves back", "move back"),
    Action.ARCHIVE: ("is archived", "are archived"),
    Action.LINK: ("loses the link to HiBob", "lose the link to HiBob"),
}
_DID: Mapping[Action, Phrase] = {
    Action.ADD: ("joined", "joined"),
    Action.REACTIVATE: ("came back", "came back"),
    Action.UPDATE: ("changed", "changed"),
    Action.MOVE: ("moved to another domain", "moved to another domain"),
    Action.ARCHIVE: ("left", "left"),
    Action.LINK: ("was linked to HiBob", "were linked to HiBob"),
}
_UNDID: Mapping[Action, Phrase] = {
    Action.ADD: ("was added again", "were added again"),
    Action.REACTIVATE: ("became live again", "became live again"),
    Action.UPDATE: ("got earlier values back", "got earlier values back"),
    Action.MOVE: ("moved back", "moved back"),
    Action.ARCHIVE: ("was archived", "were archived"),
    Action.LINK: ("lost the link to HiBob", "lost the link to HiBob"),
}
_NOT_DONE: Mapping[str, Phrase] = {
    Result.FAILED.value: ("failed", "failed"),
    Result.DRIFTED.value: ("had changed since, and was left alone", "had changed since, and were left alone"),
    Result.SKIPPED.value: ("was left out", "were left out"),
}
NAMED = 2
"""So many attributes are named; of the others, how many there are."""
SHARED = 3
"""A change is told by its values when so many people share it, and they are most of those to be updated."""
FEW = 4
"""So many people to whom the same happens are named."""

_MORE: Mapping[str, str] = {
    "add": "to be added",
    "update": "to be updated",
    "reactivate": "to be reactivated",
    "archive": "to be archived",
    "move": "to be moved",
    "link": "to be linked",
    "held": "held back",
}


def headline(
    plan: Plan,
    updated: Mapping[str, int],
    names: Mapping[str, Sequence[str]] | None = None,
    overridden: Collection[str] = (),
    shared: Shared | None = None,
    left_out: int = 0,
) -> str:
    """The answer to “is it safe, what happens, to whom?”, of everybody but so many who are left out. `updated`: how many of those to be updated get another value, per
    attribute, most first. `names`: by action, the people of those that concern few. `overridden`: the codes of blocks that
    the approval overrode. `shared`: the change that most people of the plan share."""
    words = _UNDO if plan.undo_of else _DO
    agrees = not (plan.undo_of or plan.blocks or left_out)
    nobody = "Nobody changes: the users agree with HiBob." if agrees else "Nobody changes."
    what = _in_order(words, plan, updated, names or {}, shared)
    sentences = [
        f"{'Takes a run back: ' if plan.undo_of else ''}{what}." if what else nobody,
        _left_out(left_out),
        _held(plan.counts.get("held", 0)),
        _safe(
            plan.findings,
            overridden=all(each.code in overridden for each in plan.blocks),
            changes=any(plan.counts.get(each.value) for each in Action),
        ),
    ]
    return " ".join(each for each in sentences if each)


def in_numbers(
    counts: Mapping[str, int],
    findings: Sequence[Finding],
    *,
    undo: bool = False,
    approved: bool = False,
    left_out: int = 0,
) -> str:
    """“3 people join, 12 change, 1 leaves. Nothing is blocked.”: a plan for whoever is told nobody's name. `approved`: whatever
    blocked it was overridden."""
    words = _UNDO if undo else _DO
    parts = [_part(does, counts[each.value]) for each, does in words.items() if counts.get(each.value)]
    told = [
        f"{'Takes a run back: ' if undo else ''}{_joined(parts)}." if parts else "",
        _left_out(left_out),
        _held(counts.get("held", 0)),
        _safe(findings, overridden=approved, changes=True),
    ]
    return " ".join(filter(None, told))


def happened(
    plan: Plan,
    not_done: Mapping[str, int],
    updated: Mapping[str, int],
    names: Mapping[str, Sequence[str]],
    overridden: Collection[str],
    shared: Shared | None,
    *,
    over: bool,
) -> str:
    """The same of a plan that was processed. `plan`: with the numbers of what was done; `not_done`: people per result; `over`:
    whether the run came to its end."""
    what = _in_order(_UNDID if plan.undo_of else _DID, plan, updated, names, shared)
    begin = (
        ("Took a run back: " if over else "Takes a run back, so far: ") if plan.undo_of else "" if over else "So far: "
    )
    held, blocks = plan.counts.get("held", 0), _called(plan.findings, Severity.BLOCK)
    sentences = [
        f"{begin}{what}." if what else "Nobody was changed." if over else "Nobody was changed so far.",
        *(f"{_part(words, count)}." for name, words in _NOT_DONE.items() if (count := not_done.get(name, 0))),
        f"{held:,} {'was' if held == 1 else 'were'} held back." if held else "",
        f"Overridden: {', '.join(blocks)}." if blocks and overridden else "",
    ]
    return " ".join(each for each in sentences if each)


def _in_order(
    words: Mapping[Action, Phrase],
    plan: Plan,
    updated: Mapping[str, int],
    names: Mapping[str, Sequence[str]],
    shared: Shared | None,
) -> str:
    """“3 people join, 12 change department”; "" where nobody does anything."""
    counted = [(action, count) for action in words if (count := plan.counts.get(action.value, 0))]
    parts = [_part(words[action], count) + _who(names.get(action.value, ())) for action, count in counted]
    if not plan.undo_of and (count := plan.counts.get("update", 0)):
        place = [action for action, _ in counted].index(Action.UPDATE)
        parts[place] = _updates(_part(words[Action.UPDATE], count), count, updated, names.get("update", ()), shared)
    return _joined(parts)


def _joined(parts: Sequence[str]) -> str:
    """“3 people join, 12 change”."""
    if not parts:
        return ""
    number, _, rest = parts[0].partition(" ")
    return ", ".join([f"{number} {'person' if number == '1' else 'people'} {rest}", *parts[1:]])


def _part(phrase: Phrase, count: int) -> str:
    return f"{count:,} {phrase[count != 1]}"


def _who(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _updates(does: str, count: int, updated: Mapping[str, int], people: Sequence[str], shared: Shared | None) -> str:
    """“12 change department”; of several attributes who changes, the change that most share, or which attributes."""
    names = list(updated)
    if len(names) == 1:
        does = f"{does} {as_word(names[0])}"
    if people:
        return does + _who(people)
    if shared and shared[3] >= SHARED and shared[3] * 2 > count:
        name, before, after, share = shared
        many = "all" if share == count else f"{share:,} of them"
        what = "" if len(names) == 1 else f"{name} "
        return f"{does} ({many}: {what}{before} → {after})"
    return does if len(names) < 2 else f"{does} ({_several(updated)})"


def _several(updated: Mapping[str, int]) -> str:
    """“site of 7, manager of 2 and 2 other attributes”: the most frequent ones. Where none is changed for more than one person,
    without the numbers."""
    shown = NAMED if len(updated) > NAMED + 1 else len(updated)
    counted = max(updated.values()) > 1
    told = [
        f"{as_word(name)} of {number:,}" if counted else as_word(name) for name, number in [*updated.items()][:shown]
    ]
    more = len(updated) - shown
    told += [f"{more} other attribute{'' if more == 1 else 's'}"] if more else []
    return " and ".join([", ".join(told[:-1]), told[-1]])


def as_word(name: str) -> str:
    """An attribute's name inside a sentence: `Department` → `department`; `Employee ID`, `HR code` and codes stay."""
    return name[:1].lower() + name[1:] if name[1:] and name[1:] == name[1:].lower() else name


def _left_out(number: int) -> str:
    return f"{number:,} {'is' if number == 1 else 'are'} left out." if number else ""


def _held(count: int) -> str:
    return f"{count:,} {'is' if count == 1 else 'are'} held back." if count else ""


def _safe(findings: Sequence[Finding], *, overridden: bool, changes: bool) -> str:
    """`overridden`: every block was; `changes`: somebody changes, otherwise there is nothing to block."""
    blocks = _called(findings, Severity.BLOCK)
    if blocks and not overridden:
        return f"Blocked: {', '.join(blocks)}."
    warnings = len(_called(findings, Severity.WARN))
    warned = f", {warnings} warning{'' if warnings == 1 else 's'} to look at" if warnings else ""
    if blocks:
        return f"Overridden: {', '.join(blocks)}{warned}."
    return f"Nothing is blocked{warned}." if changes or warned else ""


def _called(findings: Sequence[Finding], severity: Severity) -> list[str]:
    names = dict.fromkeys(finding_called(each.code) for each in findings if each.severity is severity)
    return [name[:1].lower() + name[1:] for name in names]


def but_for(changes: int, out: int, people: int, names: Sequence[str]) -> str:
    """“4 of 5 changes, left out: Anne-Marie Morgan”. `out`: so many changes, of so many people; `names`: theirs, of few."""
    whom = f"left out: {', '.join(names)}" if names else f"{people:,} {'person' if people == 1 else 'people'} left out"
    return f"{changes - out:,} of {changes:,} {'change' if changes == 1 else 'changes'}, {whom}"


def compared(now: Mapping[str, int], before: Mapping[str, int]) -> str:
    """How the numbers of a plan differ from those of an earlier one, in a few words."""
    apart = [(now.get(name, 0) - before.get(name, 0), words) for name, words in _MORE.items()]
    told = [f"{abs(number):,} {'more' if number > 0 else 'fewer'} {words}" for number, words in apart if number]
    return ", ".join(told) if told else "the same numbers"


def newest_of(come: int, gone: int, other: int) -> str:
    """Whom a plan changes otherwise than an earlier one that nobody processed; "" when nobody."""
    told = [f"{come:,} new in it"] if come else []
    told += [f"{gone:,} no longer in it"] if gone else []
    told += [f"{other:,} with other values"] if other else []
    return f"Changes: {', '.join(told)}." if told else ""


def against(what: str, at: str, now: Mapping[str, int], before: Mapping[str, int], people: str = "") -> str:
    """“Against the last run (22 Nov 2026, 21:20 UTC): 4 more to be added.” `at`: when that was, as whoever reads it has the
    time."""
    return f"Against {what} ({at}): {compared(now, before)}. {people}".rstrip()
