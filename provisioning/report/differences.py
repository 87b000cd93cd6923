"""What changed, in words: a person's values, an event's details, and two versions of the settings. Pure; knows the shapes
alone."""

from collections.abc import Mapping, Sequence

from provisioning.model import Action, Change
from provisioning.report.text import WORDS as PLANNED

LIMIT = {"number", "percent"}
"""What a limit is made of, as an event holds it."""


def in_words(details: Mapping[str, object]) -> str:
    """An event's details as a line; of what changed, from and to."""
    shown = {name: value for name, value in details.items() if value not in (None, "", [], {})}
    if isinstance(counts := shown.get("counts"), dict):
        shown["counts"] = {name: number for name, number in counts.items() if number} or "nobody"
    return ", ".join(f"{name.replace('_', ' ')}: {value_in_words(value)}" for name, value in shown.items())


def value_in_words(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"from", "to"}:
        before, after = value["from"], value["to"]
        if isinstance(before, dict) and isinstance(after, dict) and set(before) == set(after) != LIMIT:
            differ = [name for name in after if before[name] != after[name]]
            return "; ".join(
                f"{name.replace('_', ' ')}: {value_in_words(before[name])} → {value_in_words(after[name])}"
                for name in differ
            )
        return f"{value_in_words(value['from'])} → {value_in_words(value['to'])}"
    if isinstance(value, dict) and set(value) == LIMIT:
        if value["percent"] is not None:
            return f"{value['percent']}%"
        return "off" if value["number"] is None else str(value["number"])
    if isinstance(value, dict):
        return "; ".join(
            f"{name.replace('_', ' ')} {value_in_words(each)}" for name, each in value.items() if each not in (None, "")
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(value_in_words(each) for each in value) or "none"
    return "none" if value is None else str(value)


# --- a person's values ------------------------------------------------------------------------------------

Names = Mapping[tuple[str, str], str]
"""(attribute, value) → the name of whom the value means, such as a manager's."""

BLANK = "(blank)"


RECORD: Mapping[str, str] = {"status": "Status", "external_id": "Link to HiBob", "domain": "Domain"}
"""What else a change may change beside attributes, in words."""


def attribute_called(name: str) -> str:
    return RECORD.get(name, name)


def with_name(value: str, name: str | None) -> str:
    return f"{value} ({name})" if name else value


def valued(attribute: str, value: str | None, names: Names, blank: str = BLANK) -> str:
    """A value as it is shown, with the name of whom it means."""
    return with_name(value, names.get((attribute, value))) if value else blank


def aligned(change: Change, why: str, order: Sequence[str], names: Names, first: str = "") -> tuple[str, str, str, str]:
    """(what changes, value before, value after, what else), for a table's cells: the attribute that is looked for, else the
    first of the mapping, stands in columns, so that differences are seen down the table; then the others, and `why`. Of
    an update, whose why only names the attributes, and of somebody new, whose why is everybody's, it is left out. Somebody
    new is told by their e-mail alone, or by their first value that the name does not hold. Where no attribute changes first,
    what happens is named: “To be archived”."""
    if change.action is Action.ADD:
        told = [valued(name, change.after.get(name), names) for name in order]
        called = change.name.split()
        shown = [each for each in told if each != BLANK and not set(each.split()) <= set(called)]
        return _planned(change), "", next((each for each in shown if "@" in each), "".join(shown[:1])), ""
    place = {name: number for number, name in enumerate(order)}
    changed = sorted(change.after, key=lambda name: (name != first, place.get(name, -1)))
    if not changed:
        return _planned(change), "", "", why
    told_of, *others = changed
    also = [
        f"{attribute_called(name)}: {valued(name, change.before.get(name), names)} → {valued(name, change.after[name], names)}"
        for name in others
    ]
    reason = "" if change.action is Action.UPDATE else why
    before, after = (valued(told_of, side.get(told_of), names) for side in (change.before, change.after))
    what = _planned(change) if told_of in RECORD else told_of
    return what, before, after, "; ".join([*also, *([reason] if reason else [])])


def _planned(change: Change) -> str:
    """“To be archived”."""
    return PLANNED[change.action].capitalize()


def in_a_line(change: Change, why: str, order: Sequence[str], names: Names, first: str = "") -> str:
    """The same in one text, without what happens: “Department: Sales → Finance; Site: …”, “Live → Archived; …” with the
    reason. Of somebody new their e-mail."""
    what, before, after, rest = aligned(change, why, order, names, first)
    if change.action is Action.ADD:
        return after
    moved = f"{before} → {after}" if before or after else ""
    return "; ".join(filter(None, [moved if what == _planned(change) else f"{what}: {moved}", rest]))
