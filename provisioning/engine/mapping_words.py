"""A mapping in plain English, to read through and sign off, and what another version says differently. Tells what the rows
say, and decides nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from provisioning.engine.columns import HUMAN, Catalogue, read_as
from provisioning.errors import SettingsError
from provisioning.model import Apply, Attribute, AttributeType, BlankPolicy

CLEANED: Mapping[str, str] = {
    "lower": "in lower case",
    "upper": "in capitals",
    "title": "with capital initials",
    "single spaces": "with single spaces",
    "no accents": "without accents",
    "digits only": "with its digits only",
}
LEFT: Mapping[BlankPolicy, str] = {
    BlankPolicy.KEEP: "Skillcast keeps the value it has",
    BlankPolicy.CLEAR: "Skillcast’s value is cleared",
    BlankPolicy.HOLD: "the person is held back",
}
TYPES: Mapping[AttributeType, str] = {
    AttributeType.DATE: "Stored as a date.",
    AttributeType.NUMBER: "Stored as a number.",
    AttributeType.YES_NO: "Stored as Yes or No.",
}


def in_words(attributes: Sequence[Attribute], identifier: str, catalogue: Catalogue) -> tuple[str, ...]:
    """A paragraph per attribute, after one about who is recognised by what."""
    fed = [each for each in attributes if each.data_feed_name]
    known = f"People are recognised by {identifier}." if identifier else "It is not chosen yet what recognises people."
    number = "1 attribute is" if len(fed) == 1 else f"{len(fed)} attributes are"
    first = (
        f"{known} {number} filled from HiBob; everybody’s other attributes stay as they are in Skillcast. Where HiBob has "
        f"nothing, {LEFT[BlankPolicy.KEEP]}, unless it is said otherwise."
    )
    return first, *(" ".join(_sentences(each, identifier, catalogue)) for each in attributes)


def _sentences(each: Attribute, identifier: str, catalogue: Catalogue) -> Iterable[str]:
    if not each.data_feed_name:
        yield f"{each.name} is not filled from HiBob: Rollcall never touches it."
        return
    spoken = _spoken(each, catalogue)
    yield f"{each.name} comes from {_called(each.data_feed_name, catalogue)}{', as HiBob shows it' if spoken else ''}."
    if each.name == identifier:
        yield "It is the unique identifier: no two people share it."
    if each.fallback:
        yield f"Where that is blank, it comes from {_called(each.fallback, catalogue)}."
    yield from _made(each, identifier)
    yield from _where_blank(each)
    if each.apply is Apply.ON_ADD:
        yield "It is filled only when somebody is added; what changes in HiBob later is left alone."


def _spoken(each: Attribute, catalogue: Catalogue) -> bool:
    try:
        return read_as(each, catalogue.resolve(each.data_feed_name or "")).human
    except SettingsError:
        return False


def _called(name: str, catalogue: Catalogue) -> str:
    try:
        field = catalogue.fields.get(catalogue.resolve(name).field)
    except SettingsError:
        return f"“{name}”, which HiBob does not have"
    if field is None:
        return f"HiBob’s “{name.removeprefix(HUMAN)}”"
    return f"HiBob’s “{field.name}”" + ("" if catalogue.is_alone(field) else f" ({field.id})")


def _made(each: Attribute, identifier: str) -> Iterable[str]:
    """What becomes of the value, in the order in which it is done."""
    if each.clean_up:
        yield f"It is written {', '.join(CLEANED[step] for step in each.clean_up)}."
    if each.values:
        yield f"{'; '.join(f'“{key}” becomes “{value}”' for key, value in each.values)}."
    if each.type is AttributeType.LIST:
        yield f"It is one of: {', '.join(each.options)}. Whoever has another value is held back."
    if each.type is AttributeType.USER:
        yield f"It is stored as that person’s {identifier or 'unique identifier'}."
    if each.type in TYPES:
        yield TYPES[each.type]


def _where_blank(each: Attribute) -> Iterable[str]:
    if each.blank is not BlankPolicy.KEEP:
        yield f"Where HiBob has nothing, {LEFT[each.blank]}."
    if each.required and each.blank is not BlankPolicy.HOLD:
        yield "It may not be blank: whoever would have none is held back."


def difference(old: Sequence[Attribute], new: Sequence[Attribute]) -> tuple[str, ...]:
    """What another version says differently, a line per attribute."""
    before, after = {each.name: each for each in old}, {each.name: each for each in new}
    lines = [f"{name}: removed" for name in before if name not in after]
    for name, each in after.items():
        if name not in before:
            lines.append(f"{name}: added, fed by {each.data_feed_name or 'nothing'}")
        elif each != before[name]:
            lines.append(f"{name}: {', '.join(_changes(before[name], each))}")
    if not lines and list(before) != list(after):
        lines.append("another order")
    return tuple(lines)


def _changes(old: Attribute, new: Attribute) -> Iterable[str]:
    was, now = asdict(old), asdict(new)
    for key, value in now.items():
        if was[key] != value:
            yield f"{_CALLED.get(key, key.replace('_', ' '))} {_shown(was[key])} → {_shown(value)}"


_CALLED = {
    "clean_up": "clean-up",
    "values": "value table",
    "options": "list options",
    "blank": "when blank",
    "apply": "applies",
}


def _shown(value: object) -> str:
    """A value as people write it: `lower, upper`; `Legal & Compliance = Legal`; Yes."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, tuple):
        return ", ".join(" = ".join(each) if isinstance(each, tuple) else str(each) for each in value) or "(none)"
    return str(value) if value not in (None, "") else "(none)"
