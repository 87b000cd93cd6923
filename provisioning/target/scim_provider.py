"""What a SCIM server says of itself: its features, limits and attributes.

The three discovery documents (RFC 7643 sections 5 to 7) are read with the types of scim2-models, tolerantly: a
server that keeps one of them to itself, or writes it in its own letter case, is believed to be the standard's.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import ValidationError
from scim2_models import Attribute as SchemaAttribute
from scim2_models import (
    CaseExact,
    EnterpriseUser,
    Mutability,
    Required,
    ResourceType,
    Returned,
    Schema,
    ScimPolicy,
    ServiceProviderConfig,
    Uniqueness,
    User,
)

from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType
from provisioning.target.scim_client import ScimClient
from provisioning.target.scim_paths import CORE, Bound, Resource, ScimPath, count_in, look, parse_path, to_text

_NAME = re.compile(r"[A-Za-z$][\w$-]*")
_TOLERANT = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)
_KEYWORDS: Mapping[str, type[StrEnum]] = {
    "type": SchemaAttribute.Type,
    "mutability": Mutability,
    "returned": Returned,
    "uniqueness": Uniqueness,
}


@dataclass(frozen=True, slots=True)
class ScimAttribute:
    """One attribute that users have at this server, as its schema describes it. `canonical`: the values it prefers.
    `several`: it may have more than one. `reference`: it holds the id of another user."""

    where: ScimPath
    kind: str = "string"
    required: bool = False
    mutability: str = "readWrite"
    canonical: tuple[str, ...] = ()
    several: bool = False
    unique: bool = False
    exact: bool = False
    reference: bool = False
    description: str = ""
    returned: str = "default"

    @property
    def path(self) -> str:
        """What a mapping names."""
        return self.where.plain


@dataclass(frozen=True, slots=True)
class Announced:
    """The evidence of a SCIM server: what it can do, within which limits, and which attributes its users have.
    `notes`: what it did not say, or not readably, in words. `described`: the attributes are the server's own words,
    not only the standard's."""

    patch: bool = True
    bulk: bool = False
    bulk_operations: int = 0
    bulk_bytes: int = 0
    etag: bool = False
    filter: bool = True
    most_results: int = 0
    sort: bool = False
    users: str = "/Users"
    schema: str = CORE
    attributes: tuple[ScimAttribute, ...] = ()
    described: bool = False
    notes: tuple[str, ...] = ()

    def attribute(self, path: ScimPath) -> ScimAttribute | None:
        wanted = path.plain.lower()
        return next((each for each in self.attributes if each.path.lower() == wanted), None)

    @property
    def on_request(self) -> tuple[ScimAttribute, ...]:
        """What users may have and a server shows only to who asks for it by name. A part of an attribute that is itself
        shown on request comes with it."""
        hidden = [each for each in self.attributes if each.returned == "request" and each.mutability != "readOnly"]
        wholes = {each.path.lower() for each in hidden if not each.where.sub}
        return tuple(each for each in hidden if not each.where.sub or each.where.holder.lower() not in wholes)

    def bind(self, attribute: Attribute) -> Bound:
        """Where an attribute of the mapping stands here. Raises `SettingsError` for what is no path, or none to one
        value."""
        path = parse_path(attribute.name)
        known = self.attribute(path)
        several = self.attribute(ScimPath(path.schema, path.name))
        if several is not None and several.several and not path.chosen:
            raise SettingsError(
                f"“{attribute.name}” may have several values: say which one, as in "
                f'{path.holder}[type eq "work"].{path.sub or "value"}.'
            )
        if known is None:
            return Bound(attribute.name, path, _KINDS.get(attribute.type, "string"))
        return Bound(attribute.name, _spelt(path, known.where), known.kind, known.reference)


_KINDS = {AttributeType.YES_NO: "boolean", AttributeType.NUMBER: "decimal"}
"""What an attribute is taken for that no schema describes."""


def _spelt(path: ScimPath, there: ScimPath) -> ScimPath:
    """The path in the server's spelling: not every server compares names without regard to letter case."""
    return replace(path, schema=there.schema, name=there.name, sub=there.sub)


# --- reading it -------------------------------------------------------------------------------------------


def discover(client: ScimClient) -> Announced:
    """Ask a server what it can do. Raises `TargetError` when it cannot be reached or refuses the token; documents
    that it does not have are noted."""
    notes: list[str] = []
    found = _features(_document(client, "/ServiceProviderConfig", notes), notes)
    endpoint, core, extensions = _users_of(_documents(client, "/ResourceTypes", notes), notes)
    schemas = _schemas(_documents(client, "/Schemas", notes), notes)
    described = core.lower() in schemas
    attributes = [*_attributes(schemas.get(core.lower()) or User.to_schema(), "")]
    for urn, required in extensions or ((str(EnterpriseUser.__schema__), False),):
        schema = schemas.get(urn.lower()) or (None if described else _standard(urn))
        attributes += _attributes(schema, urn, required) if schema else []
    return replace(
        found, users=endpoint, schema=core, attributes=tuple(attributes), described=described, notes=tuple(notes)
    )


def _standard(urn: str) -> Schema | None:
    return EnterpriseUser.to_schema() if urn.lower() == str(EnterpriseUser.__schema__).lower() else None


def _document(client: ScimClient, path: str, notes: list[str]) -> Resource:
    reply = client.get(path)
    if reply.ok and reply.body is not None:
        return reply.body
    notes.append(f"The server does not show its {path.removeprefix('/')} ({reply.status}); the standard is assumed.")
    return {}


def _documents(client: ScimClient, path: str, notes: list[str]) -> list[Resource]:
    body = _document(client, path, notes)
    listed = look(body, "Resources")
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    total = count_in(to_text(look(body, "totalResults")))
    if total is not None and total > len(found):
        notes.append(f"The server shows {len(found)} of {total} {path.removeprefix('/')}.")
    return found


def _features(document: Resource, notes: list[str]) -> Announced:
    try:
        config = ServiceProviderConfig.model_validate(_tidy(document), scim_policy=_TOLERANT)
    except ValidationError:
        notes.append("The server’s ServiceProviderConfig cannot be read; the standard is assumed.")
        return Announced()
    bulk, filtering = config.bulk, config.filter
    return Announced(
        # Who says nothing of PATCH has it: the standard's servers do, and a refusal is noticed.
        patch=config.patch is None or config.patch.supported is not False,
        bulk=bool(bulk and bulk.supported),
        bulk_operations=max(bulk.max_operations or 0, 0) if bulk else 0,
        bulk_bytes=max(bulk.max_payload_size or 0, 0) if bulk else 0,
        etag=bool(config.etag and config.etag.supported),
        filter=filtering is None or filtering.supported is not False,
        most_results=max(filtering.max_results or 0, 0) if filtering else 0,
        sort=bool(config.sort and config.sort.supported),
    )


def _tidy(document: Resource) -> Resource:
    """Without what is the server's own business and not written as the standard wants it."""
    return {key: value for key, value in document.items() if key.lower() not in ("meta", "authenticationschemes")}


def _users_of(documents: Sequence[Resource], notes: list[str]) -> tuple[str, str, tuple[tuple[str, bool], ...]]:
    """Users' endpoint, their schema, and its extensions with whether each is required."""
    for document in documents:
        try:
            found = ResourceType.model_validate(_tidy(document), scim_policy=_TOLERANT)
        except ValidationError:
            notes.append("One of the server’s ResourceTypes cannot be read.")
            continue
        if (found.name or "").lower() == "user" or str(found.schema_ or "").lower() == CORE.lower():
            endpoint = "/" + str(found.endpoint or "/Users").rstrip("/").rpartition("/")[2]
            extensions = [(str(each.schema_), bool(each.required)) for each in found.schema_extensions or []]
            return endpoint, str(found.schema_ or CORE), tuple(extensions)
    return "/Users", CORE, ()


def _schemas(documents: Sequence[Resource], notes: list[str]) -> dict[str, Schema]:
    """The schemas by URN in lower case."""
    found = {}
    for document in documents:
        urn = to_text(look(document, "id"))
        listed = look(document, "attributes")
        attributes = [_attribute(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        try:
            plain = {"id": urn, "name": to_text(look(document, "name")), "attributes": attributes}
            found[urn.lower()] = Schema.model_validate(plain, scim_policy=_TOLERANT)
        except ValidationError:
            notes.append(f"The server’s schema {urn or 'without a name'} cannot be read.")
    return found


def _attribute(document: Resource) -> Resource:
    """One attribute of a schema with the standard's keywords, whatever their letter case; strange ones left out."""
    found: Resource = {"name": to_text(look(document, "name"))}
    for key, kind in _KEYWORDS.items():
        written = to_text(look(document, key)).lower()
        keyword = next((each.value for each in kind if each.value.lower() == written), None)
        found |= {key: keyword} if keyword else {}
    for key in ("multiValued", "required", "caseExact"):
        found[key] = to_text(look(document, key), "boolean") == "Yes"
    canonical, inner = look(document, "canonicalValues"), look(document, "subAttributes")
    if isinstance(canonical, list):
        found["canonicalValues"] = [to_text(each) for each in canonical]
    if isinstance(inner, list):
        found["subAttributes"] = [_attribute(each) for each in inner if isinstance(each, dict)]
    listed = look(document, "referenceTypes")
    if isinstance(listed, list):
        found["referenceTypes"] = [to_text(each) for each in listed]
    return found


def _attributes(schema: Schema, urn: str, required: bool = True) -> Iterable[ScimAttribute]:
    """Attributes and sub-attributes as paths. What an optional extension requires is required of nobody without it."""
    for each in schema.attributes or []:
        if not _NAME.fullmatch(each.name or ""):
            continue  # No path can name it.
        path = ScimPath(urn, each.name or "")
        outer = _described(path, each, required)
        yield outer
        refers = any(sub.name == "$ref" and "User" in (sub.reference_types or []) for sub in each.sub_attributes or [])
        for sub in each.sub_attributes or []:
            inner = _described(replace(path, sub=sub.name or ""), sub, outer.required)
            yield replace(inner, reference=refers and sub.name == "value")


def _described(path: ScimPath, each: SchemaAttribute, required: bool) -> ScimAttribute:
    return ScimAttribute(
        where=path,
        kind=each.type.value if each.type else "string",
        required=required and each.required is Required.true,
        mutability=each.mutability.value,
        canonical=tuple(each.canonical_values or ()),
        several=bool(each.multi_valued),
        unique=each.uniqueness in (Uniqueness.server, Uniqueness.global_),
        exact=each.case_exact is CaseExact.true,
        description=each.description or "",
        returned=each.returned.value if each.returned else "default",
    )
