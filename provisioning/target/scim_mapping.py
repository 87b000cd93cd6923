"""A mapping against what a SCIM server announces: what cannot be written as it stands, and what could be mapped.
Looks only; the findings are for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scim2_models import EnterpriseUser

from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType, Finding, Severity
from provisioning.target.scim_paths import parse_path
from provisioning.target.scim_provider import Announced, ScimAttribute

_OWN = ("active", "externalid", "id", "schemas", "meta")


def check_mapping(
    announced: Announced, attributes: Sequence[Attribute], domain_attribute: str | None = None
) -> tuple[Finding, ...]:
    """Everything that a server's schemas say against a mapping, worst first. `keys` are attribute names."""
    fed = [each for each in attributes if each.data_feed_name]
    found = [problem for each in fed for problem in _problems(announced, each)]
    found += _domain_problems(announced, domain_attribute, fed)
    found += _missing(announced, fed, domain_attribute)
    return tuple(sorted(found, key=lambda each: list(Severity).index(each.severity)))


def _finding(code: str, severity: Severity, message: str, remedy: str, name: str) -> Finding:
    return Finding(code, severity, message, remedy, keys=(name,))


def _problems(announced: Announced, each: Attribute) -> Iterable[Finding]:
    try:
        path = announced.bind(each).path
    except SettingsError as problem:
        yield _finding("scim-path", Severity.BLOCK, str(problem), "Correct the attribute’s name.", each.name)
        return
    if path.plain.lower() in _OWN:
        message = f"“{each.name}” is what Rollcall sets itself."
        yield _finding("scim-path", Severity.BLOCK, message, "Take it out of the mapping.", each.name)
        return
    known = announced.attribute(path)
    if known is None:
        yield from _unknown(announced, each)
        return
    for check in (_writable, _same_type, _same_values, _filled):
        yield from check(each, known)


def _unknown(announced: Announced, each: Attribute) -> Iterable[Finding]:
    severity = Severity.BLOCK if announced.described else Severity.INFO
    yield _finding(
        "scim-unknown",
        severity,
        f"The server’s schemas do not name “{each.name}”."
        if announced.described
        else f"Whether the server has “{each.name}” is not known: it does not show its schemas.",
        "Use a path that the server suggests; names must equal those in the portal.",
        each.name,
    )


def _writable(each: Attribute, known: ScimAttribute) -> Iterable[Finding]:
    if known.mutability == "readOnly":
        message, remedy = f"“{each.name}” can only be read.", "Take it out of the mapping."
        yield _finding("scim-read-only", Severity.BLOCK, message, remedy, each.name)
    if known.mutability == "writeOnly":
        message = f"“{each.name}” cannot be read back, so nobody could say whether it differs."
        yield _finding("scim-read-only", Severity.BLOCK, message, "Take it out of the mapping.", each.name)
    elif known.returned in ("never", "request"):
        when = "never" if known.returned == "never" else "only to who asks for it by name"
        message = f"“{each.name}” is shown {when}, so nobody could say whether it differs."
        yield _finding("scim-read-only", Severity.BLOCK, message, "Take it out of the mapping.", each.name)
    if known.mutability == "immutable" and each.apply.value != "on add":
        message, remedy = f"“{each.name}” can be set once and never changed.", "Let it apply on add only."
        yield _finding("scim-read-only", Severity.WARN, message, remedy, each.name)


_FITTING: Mapping[str, frozenset[AttributeType]] = {
    "boolean": frozenset({AttributeType.YES_NO}),
    "integer": frozenset({AttributeType.NUMBER}),
    "decimal": frozenset({AttributeType.NUMBER}),
    "dateTime": frozenset({AttributeType.DATE}),
}


def _same_type(each: Attribute, known: ScimAttribute) -> Iterable[Finding]:
    fitting = _FITTING.get(known.kind)
    if known.kind in ("complex", "binary"):
        message = f"“{each.name}” is not one value but {'several parts' if known.kind == 'complex' else 'binary'}."
        yield _finding("scim-type", Severity.BLOCK, message, "Name one of its parts, as in name.givenName.", each.name)
    elif fitting and each.type not in fitting:
        types = " or ".join(sorted(kind.value for kind in fitting))
        message = f"“{each.name}” is {known.kind} at the server, and {each.type.value} in the mapping."
        yield _finding("scim-type", Severity.WARN, message, f"Set its type to {types}.", each.name)
    elif known.reference and each.type is not AttributeType.USER:
        message = f"“{each.name}” refers to another user at the server, and is {each.type.value} in the mapping."
        yield _finding("scim-type", Severity.WARN, message, "Set its type to user.", each.name)


def _same_values(each: Attribute, known: ScimAttribute) -> Iterable[Finding]:
    written = (*each.options, *(value for _, value in each.values))
    strange = sorted({value for value in written if known.canonical and value not in known.canonical})
    if strange:
        message = f"“{each.name}” prefers {', '.join(known.canonical)}; the mapping has {', '.join(strange)}."
        remedy = "Change the options or the value table, if the portal refuses other values."
        yield _finding("scim-values", Severity.WARN, message, remedy, each.name)


def _filled(each: Attribute, known: ScimAttribute) -> Iterable[Finding]:
    if known.required and not each.required:
        message = f"The server requires “{each.name}”, the mapping does not."
        yield _finding("scim-required", Severity.WARN, message, "Mark it as required.", each.name)


def _missing(announced: Announced, fed: Sequence[Attribute], domain_attribute: str | None) -> Iterable[Finding]:
    """Required attributes without a row, and parts of complex ones that the mapping touches."""
    named = {_plain(name).lower() for name in (*(each.name for each in fed), domain_attribute or "") if name}
    touched = {name.rpartition(".")[0] for name in named}
    for each in announced.attributes:
        holder, _, sub = each.path.rpartition(".") if each.where.sub else ("", "", "")
        here = not sub or (holder.lower() in touched and sub not in ("$ref", "value"))
        if each.required and here and each.kind != "complex" and each.path.lower() not in named:
            message = f"The server requires “{each.path}”, which no row of the mapping feeds: nobody can be added."
            yield _finding("scim-required", Severity.BLOCK, message, "Add a row for it.", each.path)


def _plain(name: str) -> str:
    try:
        return parse_path(name).plain
    except SettingsError:
        return name


def _domain_problems(announced: Announced, name: str | None, fed: Sequence[Attribute]) -> Iterable[Finding]:
    if not name:
        return
    yield from _problems(announced, Attribute(name))
    if _plain(name).lower() in {_plain(each.name).lower() for each in fed}:
        message = f"“{name}” says which domain a user belongs to, so no HiBob column may feed it."
        yield _finding("scim-domain", Severity.BLOCK, message, "Take it out of the mapping.", name)


# --- suggestions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A row that a mapping could have for this server: an attribute, and the HiBob column that usually feeds it, if
    one does."""

    attribute: Attribute
    description: str


_ENTERPRISE = str(EnterpriseUser.__schema__)
_USUAL: tuple[tuple[str, str], ...] = (
    ("userName", "root.email"),
    ('emails[type eq "work"].value', "root.email"),
    ("name.givenName", "root.firstName"),
    ("name.familyName", "root.surname"),
    ("displayName", "root.displayName"),
    ("title", "humanReadable.work.title"),
    (f"{_ENTERPRISE}:employeeNumber", "work.employeeIdInCompany"),
    (f"{_ENTERPRISE}:department", "humanReadable.work.department"),
    (f"{_ENTERPRISE}:manager.value", "work.reportsTo"),
)
"""The standard's attributes that portals use, and what feeds them. Others are suggested by their name."""

_TYPES = {
    "boolean": AttributeType.YES_NO,
    "integer": AttributeType.NUMBER,
    "decimal": AttributeType.NUMBER,
    "dateTime": AttributeType.DATE,
}


def suggest(announced: Announced, mapped: Sequence[Attribute] = ()) -> tuple[Suggestion, ...]:
    """Rows for attributes of this server that the mapping does not have: the usual ones, then every writable one of
    its extensions, which are a portal's own."""
    have = {_plain(each.name).lower() for each in mapped}
    usual = [(path, column) for path, column in _USUAL if announced.attribute(parse_path(path))]
    own = [(each.path, None) for each in announced.attributes if _own(each)]
    found: dict[str, Suggestion] = {}
    for path, column in (*usual, *own):
        if _plain(path).lower() not in have and _plain(path).lower() not in found:
            found[_plain(path).lower()] = _suggestion(announced, path, column)
    return tuple(found.values())


def _own(each: ScimAttribute) -> bool:
    """Writable, one value, of an extension that is not the enterprise one."""
    path = each.where
    shown = each.returned in ("default", "always")
    simple = shown and not path.sub and not each.several and each.kind not in ("complex", "binary")
    return (
        simple and bool(path.schema) and path.schema.lower() != _ENTERPRISE.lower() and each.mutability == "readWrite"
    )


def _suggestion(announced: Announced, path: str, column: str | None) -> Suggestion:
    known = announced.attribute(parse_path(path))
    assert known is not None
    kind = AttributeType.USER if known.reference else _TYPES.get(known.kind, AttributeType.TEXT)
    kind = AttributeType.LIST if known.canonical and kind is AttributeType.TEXT else kind
    options = known.canonical if kind is AttributeType.LIST else ()
    row = Attribute(path, column, kind, required=known.required, options=options)
    return Suggestion(row, known.description.split("\n")[0])
