"""The settings as people read them: what each is called, and what differs between two versions. Pure; of what changed it knows
the shapes that the history holds."""

from collections.abc import Callable, Mapping, Sequence

from provisioning.model import AbsenceArchives
from provisioning.report.differences import value_in_words

ABSENCE: Mapping[AbsenceArchives, str] = {
    AbsenceArchives.ALL: "Every live user of the domain (Skillcast’s way)",
    AbsenceArchives.LINKED: "Only users that Rollcall added or linked",
}
LIMITS: Mapping[str, tuple[str, str]] = {
    "archive": ("Archives in one run", "Blocks a preview that archives this many live users or more."),
    "archive_7_days": ("Archives in 7 days", "Over all runs of the last seven days."),
    "update": ("Updates in one run", "Off unless you set it."),
    "add": ("Adds in one run", "Off unless you set it."),
    "reactivate": ("Reactivations in one run", "Off unless you set it."),
    "blank": ("An attribute turning blank", "For this share of the live users."),
    "head_count": ("Head count returned", "Fewer than this share of the people of the last good read blocks."),
    "column_emptied": ("A column emptied", "The share of filled values dropped by this many points."),
    "identifiers": ("Unique identifiers changed", "Linked people with another unique identifier."),
    "small_domain": ("Small domain, people", "Below 20 live users the archive limit is this many people."),
}
"""What each limit is called, and what it does."""
SETTINGS: Mapping[str, str] = {
    "connection": "Connection",
    "unique_identifier": "Unique identifier",
    "absence_archives": "Whom absence from HiBob may archive",
    "absent_reads": "Complete reads before somebody absent is archived",
    "protected": "Protected people",
    "two_people": "Two people approve",
    "scope": "Scope",
    "meanings": "Lifecycle statuses",
    "wait_until_days_before_start": "Days before the start that the hired are added",
    "scim": "Target",
    "domain_attribute": "Attribute that holds the domain",
}


def two_people_in_words(value: object) -> str:
    """Of the setting: never, always, or from so many changes in a preview on."""
    return "no" if not value else "always" if value is True else f"from {value:,} changes on"


def changed_in_words(changed: Mapping[str, object]) -> tuple[str, ...]:
    """A line for everything that changed: {name: {"from": before, "to": after}}."""
    return tuple(line for name, value in changed.items() for line in _lines(name, value))


def _lines(name: str, value: object) -> list[str]:
    if not (isinstance(value, dict) and {*value} == {"from", "to"}):
        return [f"{_called(name)}: {value_in_words(value)}"]
    before, after = value["from"], value["to"]
    if name in ("limits", "lifecycle") and isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for part in after
            if before.get(part) != after[part]
            for line in _lines(part, {"from": before.get(part), "to": after[part]})
        ]
    said = _SAID.get(name)
    return [f"{_called(name)}: {said(before)} → {said(after)}" if said else f"{_called(name)}: {value_in_words(value)}"]


def _called(name: str) -> str:
    return LIMITS[name][0] if name in LIMITS else SETTINGS.get(name, name.replace("_", " ").capitalize())


def _absence(value: object) -> str:
    return next((words for each, words in ABSENCE.items() if each == value), value_in_words(value))


def _scope(value: object) -> str:
    return _several(value, _rule, "everybody")


def _rule(rule: Mapping[str, object]) -> str:
    return (
        f"{'include' if rule.get('include') else 'exclude'} {rule.get('column')} {value_in_words(rule.get('values'))}"
    )


def _protected(value: object) -> str:
    return _several(value, _protection, "nobody")


def _protection(one: Mapping[str, object]) -> str:
    return str(one.get("person") or f"{one.get('attribute')} {value_in_words(one.get('values'))}")


def _several(value: object, each: Callable[[Mapping[str, object]], str], none: str) -> str:
    found = value if isinstance(value, Sequence) and not isinstance(value, str) else []
    return "; ".join(each(one) for one in found if isinstance(one, dict)) or none


def _meanings(value: object) -> str:
    pairs = value if isinstance(value, Sequence) and not isinstance(value, str) else []
    return "; ".join(f"{each[0]}: {each[1]}" for each in pairs if len(each) == 2) or "as usual"


_SAID: Mapping[str, Callable[[object], str]] = {
    "two_people": two_people_in_words,
    "absence_archives": _absence,
    "scope": _scope,
    "protected": _protected,
    "meanings": _meanings,
}
