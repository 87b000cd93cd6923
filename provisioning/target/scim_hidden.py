"""Before a PUT, which replaces the whole user: what the server shows only to who asks for it by name (`returned` is
`request`, RFC 7643 section 7) is asked for, so that nothing is dropped. Writes nothing."""

from collections.abc import Sequence

from provisioning.target.scim_client import Lost, ScimClient
from provisioning.target.scim_paths import Resource, look
from provisioning.target.scim_provider import Announced, ScimAttribute
from provisioning.target.scim_reading import version_of

PUT_WOULD_DROP = (
    "Skillcast has no PATCH, and replacing the whole user would drop attributes that it did not show although they were "
    "asked for by name. Nothing was written. Whoever runs the portal opens PATCH, or lets the service account see them."
)


def with_hidden(client: ScimClient, announced: Announced, path: str, resource: Resource) -> Resource | None:
    """The user at this path with what is shown only on request; None when that cannot be found out. Raises
    `Lost` when the user changes meanwhile, `Throttled` and `TargetError`."""
    hidden = announced.on_request
    if not hidden:
        return resource
    if any(_in_several(announced, each) and look(_home(resource, each), each.where.name) for each in hidden):
        return None  # Nobody could say which entry a part of several belongs to.
    reply = client.get(path, {"attributes": ",".join(each.path for each in hidden)})
    if not reply.ok or reply.body is None or _ignored(announced, reply.body, hidden):
        return None
    now = version_of(reply.body) or reply.version
    if now and version_of(resource) and now != version_of(resource):
        raise Lost("The user is being changed in Skillcast by somebody else. Make a new preview.", "changed meanwhile")
    return _joined(resource, {name: value for name, value in reply.body.items() if name.lower() != "meta"})


def _in_several(announced: Announced, each: ScimAttribute) -> bool:
    outer = next((one for one in announced.attributes if one.path.lower() == each.where.holder.lower()), None)
    return bool(each.where.sub and outer and outer.several)


def _home(resource: Resource, each: ScimAttribute) -> Resource:
    home = look(resource, each.where.schema) if each.where.schema else resource
    return home if isinstance(home, dict) else {}


def _ignored(announced: Announced, body: Resource, hidden: Sequence[ScimAttribute]) -> bool:
    """Whether the answer holds what was not asked for: then the server minds no names, and may hide what it has."""
    asked = {each.where.name.lower() for each in hidden if not each.where.schema}
    usual = {
        each.path.lower()
        for each in announced.attributes
        if each.returned == "default" and not each.where.schema and not each.where.sub
    }
    return any(name.lower() in usual - asked for name in body)


def _joined(left: Resource, right: Resource) -> Resource:
    """Both, whatever the letter case of their members; where both have a value that is not made of parts, the first."""
    found = dict(left)
    names = {name.lower(): name for name in left}
    for name, value in right.items():
        there = names.get(name.lower())
        mine = found[there] if there else None
        if there is None:
            found[name] = value
        elif isinstance(mine, dict) and isinstance(value, dict):
            found[there] = _joined(mine, value)
    return found
