"""Values that turned up in HiBob since their column was read first, and that nobody has looked at."""

from collections.abc import Sequence

from provisioning.engine.columns import Catalogue
from provisioning.engine.watching import worth_watching
from provisioning.model import Attribute, Domain, Field
from provisioning.store import values_seen
from provisioning.workflow.connections import fields_known
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seen_domain


def new_values(house: Workspace, label: str, fields: tuple[Field, ...]) -> dict[str, tuple[str, ...]]:
    """By attribute of the mapping in force, the values that turned up since its column was read first, and nobody has looked
    at."""
    domain = seen_domain(house, label, "see the values")
    watched = _watched(domain.attributes, fields)
    found = {name: values_seen.new(house.db, domain.id, each) for name, each in watched.items()}
    return {name: tuple(sorted(values)) for name, values in found.items() if values}


def look_at_new(house: Workspace, label: str, attribute: str, values: Sequence[str]) -> None:
    """Somebody has looked at these new values of an attribute, and leaves the mapping as it is. Those that turned up since
    stay new."""
    with house.db.transaction():
        domain = seen_domain(house, label, "look at new values", PREPARERS)
        watched = _watched(domain.attributes, fields_known(house, label)).get(attribute)
        seen = sorted(values_seen.new(house.db, domain.id, watched) & {*values}) if watched else []
        if watched and seen:
            values_seen.look_at(house.db, domain.id, watched, seen)
            record_event(house, "mapping looked at", domain, attribute=attribute, values=seen)


def looked_at_by_saving(house: Workspace, domain: Domain, attributes: Sequence[Attribute]) -> None:
    """Whoever saves another row for an attribute has looked at its values. `domain`: as it was before."""
    before = {each.name: each for each in domain.attributes}
    changed = [each for each in attributes if each != before.get(each.name)]
    fields = fields_known(house, domain.label) if changed else ()
    for watched in _watched(changed, fields).values():
        values_seen.look_at(house.db, domain.id, watched, sorted(values_seen.new(house.db, domain.id, watched)))


def _watched(attributes: Sequence[Attribute], fields: Sequence[Field]) -> dict[str, str]:
    catalogue, types = Catalogue(fields), {each.id: each.type for each in fields}
    found = ((each.name, worth_watching(each, types, catalogue)) for each in attributes)
    return {name: watched for name, watched in found if watched}
