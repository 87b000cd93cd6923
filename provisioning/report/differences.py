"""What changed, in words: an event's details, and two versions of the settings. Pure; knows the shapes alone."""

from collections.abc import Mapping

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
            return f"{value['percent']} %"
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


def differences(changed: Mapping[str, object]) -> tuple[str, ...]:
    """A line for everything that changed: {name: {"from": before, "to": after}}."""
    return tuple(f"{name.replace('_', ' ').capitalize()}: {value_in_words(value)}" for name, value in changed.items())
