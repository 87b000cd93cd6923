"""Columns whose values are a list of some kind, so that a new one matters."""

from collections.abc import Mapping

from provisioning.engine import columns as known
from provisioning.engine.columns import Catalogue, read_as
from provisioning.errors import SettingsError
from provisioning.model import Attribute, AttributeType, Column


def columns_of(each: Attribute, catalogue: Catalogue) -> dict[str, Column]:
    """Data feed name and fallback, resolved. Raises `SettingsError` for a name that HiBob does not have."""
    return {name: catalogue.resolve(name) for name in (each.data_feed_name, each.fallback) if name}


def worth_watching(each: Attribute, types: Mapping[str, str], catalogue: Catalogue) -> str | None:
    """What names the columns of an attribute whose values are a list of some kind, so that a new one matters; None for
    all others: names and numbers of people are not to be remembered."""
    if not each.data_feed_name or each.type is AttributeType.USER:
        return None
    try:
        columns = columns_of(each, catalogue)
    except SettingsError:
        return None
    field = columns[each.data_feed_name].field
    if field in PERSONAL:
        return None
    listed = bool(each.values or each.options) or types.get(field) in LISTS or field in TEXT_LISTS
    return " | ".join(read_as(each, column).slot for column in columns.values()) if listed else None


LISTS = frozenset({"list", "list_id", "multi-list", "hierarchy-list"})
PERSONAL = frozenset({known.ID, known.EMAIL, known.FIRST_NAME, known.SURNAME})
"""Names one person, whatever its value table says."""

TEXT_LISTS = frozenset({"work.site"})
"""HiBob calls it text, and lets people choose it from a list."""
