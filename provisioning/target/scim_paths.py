"""Attribute paths of SCIM 2.0 (RFC 7644 section 3.5.2): reading a value of a resource, and writing it into PATCH
operations or a whole resource. Names are compared without regard to letter case, as RFC 7643 section 2.1 asks for.

Resources stay what the server sent: whatever nobody mapped is never dropped.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import groupby

import msgspec
from scim2_models import Path, SCIMException
from scim2_models.path import AttrPath, CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath

from provisioning.errors import SettingsError

Resource = dict[str, object]
"""A JSON object as a server sent it."""

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
YES, NO = "Yes", "No"
MOST_DIGITS = 60
_MIDNIGHT = ("T00:00:00Z", "T00:00:00.000Z", "T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class ScimPath:
    """Where a value stands. `schema` is the extension's URN, "" for the core; `chosen`: which of several values, as in
    `emails[type eq "work"]`; `sub` is "" for a simple attribute."""

    schema: str
    name: str
    chosen: tuple[tuple[str, str | bool], ...] = ()
    sub: str = ""

    @property
    def holder(self) -> str:
        """The attribute that holds the value, without choice and sub-attribute."""
        return f"{self.schema}:{self.name}" if self.schema else self.name

    @property
    def entry(self) -> str:
        """The chosen one of several values, as a PATCH operation names it."""
        terms = " and ".join(f"{name} eq {_literal(value)}" for name, value in self.chosen)
        return f"{self.holder}[{terms}]" if terms else self.holder

    @property
    def plain(self) -> str:
        """The path without its choice, as schemas describe it."""
        return f"{self.holder}.{self.sub}" if self.sub else self.holder

    def __str__(self) -> str:
        return f"{self.entry}.{self.sub}" if self.sub else self.entry


@dataclass(frozen=True, slots=True)
class Bound:
    """A mapped attribute and where it stands at the server. `name` is its name in the mapping; `kind` the JSON type
    that the server's schema wants; `reference`: the value is another user's id."""

    name: str
    path: ScimPath
    kind: str = "string"
    reference: bool = False

    def read(self, resource: Resource) -> str:
        return to_text(find(resource, self.path), self.kind)

    def json(self, text: str | None) -> object:
        """The value as this server wants it; None is blank."""
        return to_json(text, self.kind) if text else None


Values = Sequence[tuple[Bound, str | None]]
"""What attributes are to hold; None or "" is blank."""


def parse_path(text: str) -> ScimPath:
    """The path that a mapping names. Raises `SettingsError` for what is no path to one value."""
    try:
        node = Path(text).ast
    except SCIMException:
        raise _not_a_path(text) from None
    if isinstance(node, ValuePath):
        chosen = tuple(_conditions(text, node.val_filter))
        return ScimPath(_extension(node.attr_path), node.attr_path.attr, chosen, node.sub_attr or "value")
    if isinstance(node, AttrPath):
        return ScimPath(_extension(node), node.attr, (), node.sub_attr or "")
    raise _not_a_path(text)


def _not_a_path(text: str) -> SettingsError:
    return SettingsError(
        f"“{text}” is not the path of a SCIM attribute. Name it as the portal does: userName, name.givenName, "
        'emails[type eq "work"].value, or with its schema: urn:ietf:params:scim:schemas:extension:…:User:department.'
    )


def _extension(path: AttrPath) -> str:
    return "" if path.uri is None or path.uri.lower() == CORE.lower() else path.uri


def _conditions(text: str, node: FilterNode) -> Iterable[tuple[str, str | bool]]:
    """The `type eq "work"` of a choice; several are joined by `and`."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_ else (node,)
    for term in terms:
        if not isinstance(term, Comparison) or term.op is not CompareOperator.eq or term.attr_path.sub_attr:
            raise _not_a_path(text)
        if not isinstance(term.value, str | bool):
            raise _not_a_path(text)
        yield term.attr_path.attr, term.value


def _literal(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else quote(value)


def quote(text: str) -> str:
    """A text as a SCIM filter wants it: JSON's spelling (RFC 7644 section 3.4.2.2)."""
    return msgspec.json.encode(text).decode()


# --- reading ----------------------------------------------------------------------------------------------


def look(record: Mapping[str, object], name: str) -> object:
    """A member of a JSON object, whatever the letter case of its name; None where there is none."""
    if name in record:
        return record[name]
    key = _key(record, name)
    return None if key is None else record[key]


def _key(record: Mapping[str, object], name: str) -> str | None:
    folded = name.lower()
    return next((key for key in record if key.lower() == folded), None)


def find(resource: Resource, path: ScimPath) -> object:
    """The value at a path as the server sent it; None where there is none."""
    home = look(resource, path.schema) if path.schema else resource
    value = look(home, path.name) if isinstance(home, dict) else None
    if isinstance(value, list) or path.chosen:
        value = _chosen(value, path)
    if not path.sub:
        return value
    if isinstance(value, dict):
        return look(value, path.sub)
    # Some servers give the id alone where the standard has {"value": id}.
    return value if path.sub.lower() == "value" else None


def _chosen(value: object, path: ScimPath) -> object:
    """The entry that a path chooses; without a choice the primary one, else the first."""
    entries = value if isinstance(value, list) else [value]
    if path.chosen:
        return next((each for each in entries if _fits(each, path)), None)
    primary = (each for each in entries if isinstance(each, dict) and to_text(look(each, "primary"), "boolean") == YES)
    return next(primary, entries[0] if entries else None)


def _fits(entry: object, path: ScimPath) -> bool:
    return isinstance(entry, dict) and all(_same(look(entry, name), value) for name, value in path.chosen)


def _same(found: object, wanted: str | bool) -> bool:
    if isinstance(wanted, bool):
        return (to_text(found, "boolean") == YES) is wanted
    return isinstance(found, str) and found.lower() == wanted.lower()


def to_text(value: object, kind: str = "string") -> str:
    """A JSON value as the text that a plan compares: Yes or No, numbers without trailing zeros, days as ISO dates."""
    if isinstance(value, bool):
        return YES if value else NO
    while isinstance(value, dict):
        value = look(value, "value")
        if isinstance(value, bool):
            return YES if value else NO
    if isinstance(value, int | float):
        return _number(str(value))
    if not isinstance(value, str):
        return ""
    if kind == "boolean":
        return {"true": YES, "false": NO}.get(value.lower(), value)
    if kind in ("integer", "decimal"):
        return _number(value)
    if kind == "dateTime" and value.endswith(_MIDNIGHT):
        return value[:10]
    return value


def _number(text: str) -> str:
    found = _decimal(text)
    if found is None:
        return text
    number = format(found, "f")
    return (number.rstrip("0").rstrip(".") or "0") if "." in number else number


def _decimal(text: str) -> Decimal | None:
    """The number in a text; None for what is none, and for one such as 1e999999999, whose digits would fill the memory."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) <= MOST_DIGITS else None


def count_in(text: str) -> int | None:
    """A count that a server wrote; None for anything else, and for more than anything that there is."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None


def to_json(text: str, kind: str) -> object:
    """The text as the JSON type that a schema asks for; what is no such value goes as it is, for the server to say."""
    if kind == "boolean":
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower(), text)
    if kind == "dateTime" and len(text) == 10:
        return text + _MIDNIGHT[0]
    if kind in ("integer", "decimal"):
        number = _decimal(text)
        if number is None:
            return text
        return int(number) if number == number.to_integral_value() else float(number)
    return text


# --- writing ----------------------------------------------------------------------------------------------


def operations(current: Resource | None, values: Values) -> list[Resource]:
    """The PATCH operations that bring these values about. `current` None: every choice (`emails[…]`) among them is
    known to have its entry already."""
    found: list[Resource] = []
    ordered = sorted(values, key=lambda each: each[0].path.entry)
    for _, group in groupby(ordered, key=lambda each: each[0].path.entry):
        same = list(group)
        path = same[0][0].path
        missing = path.chosen and current is not None and not _has_entry(current, path)
        found += _new_entry(path, same) if missing else [_operation(each, text) for each, text in same]
    return found


def _has_entry(current: Resource, path: ScimPath) -> bool:
    return isinstance(find(current, ScimPath(path.schema, path.name, path.chosen)), dict)


def _new_entry(path: ScimPath, values: Values) -> list[Resource]:
    """A replace whose choice matches nothing is an error (RFC 7644 section 3.5.2.3): the entry is added."""
    filled = {each.path.sub: each.json(text) for each, text in values if text}
    return [{"op": "add", "path": path.holder, "value": [dict(path.chosen) | filled]}] if filled else []


def _operation(each: Bound, text: str | None) -> Resource:
    if text:
        return {"op": "replace", "path": str(each.path), "value": each.json(text)}
    # An entry without its value means nothing: it goes as a whole.
    gone = each.path.entry if each.path.sub.lower() == "value" else str(each.path)
    return {"op": "remove", "path": gone}


def whole(current: Resource, values: Values) -> Resource:
    """The resource with these values, for POST and PUT: everything else as it is, but for `meta`, which is the
    server's own."""
    resource = deepcopy(current)
    meta = _key(resource, "meta")
    if meta is not None:
        del resource[meta]
    for each, text in values:
        _put(resource, each, each.json(text))
    return resource


def _put(resource: Resource, each: Bound, value: object) -> None:
    path = each.path
    home = _home(resource, path.schema, value)
    if home is None:
        return
    if path.chosen:
        _put_chosen(home, path, value)
    elif path.sub:
        _put_sub(home, path, value, each.reference)
    else:
        _set(home, path.name, value)


def _home(resource: Resource, schema: str, value: object) -> Resource | None:
    """Where the attributes of a schema stand; made, and named in `schemas`, when there is something to put there."""
    if not schema:
        return resource
    home = look(resource, schema)
    if isinstance(home, dict):
        return home
    if value is None:
        return None
    resource[schema] = home = {}
    named = look(resource, "schemas")
    if isinstance(named, list) and schema.lower() not in {str(each).lower() for each in named}:
        named.append(schema)
    return home


def _set(record: Resource, name: str, value: object) -> None:
    key = _key(record, name) or name
    if value is None:
        record.pop(key, None)
    else:
        record[key] = value


def _put_sub(home: Resource, path: ScimPath, value: object, reference: bool) -> None:
    inner = look(home, path.name)
    if reference or not isinstance(inner, dict):
        # The old manager's address and name must not stay beside the new one's id.
        _set(home, path.name, None if value is None else {path.sub: value})
        return
    _set(inner, path.sub, value)
    if not inner:
        _set(home, path.name, None)


def _put_chosen(home: Resource, path: ScimPath, value: object) -> None:
    held = look(home, path.name)
    entries = held if isinstance(held, list) else [held] if isinstance(held, dict) else []
    entry = next((each for each in entries if _fits(each, path)), None)
    if entry is None:
        entries = [*entries, dict(path.chosen) | {path.sub: value}] if value is not None else entries
    elif value is None and path.sub.lower() == "value":
        entries = [each for each in entries if each is not entry]
    else:
        _set(entry, path.sub, value)
    _set(home, path.name, entries or None)
