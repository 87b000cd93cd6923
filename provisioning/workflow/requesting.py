"""What HiBob must permit: the text to send to whoever runs it."""

from provisioning.engine import columns as known
from provisioning.engine.columns import HUMAN, USUAL, Catalogue, column_names
from provisioning.errors import SettingsError
from provisioning.model import Domain, Field
from provisioning.report.permissions import request_text
from provisioning.source.standard import standard_fields
from provisioning.workflow.connections import connection_of, fields_known
from provisioning.workflow.house import READERS, Workspace, require, seen_customer, seen_domain


def hibob_request(house: Workspace, customer: str, label: str | None) -> str:
    """A text to send to whoever runs HiBob: what to create, and what to permit for the mapping of now."""
    about = seen_customer(house, customer, "see the checklist")
    require(house, about.id, READERS, "see the checklist")
    domain = seen_domain(house, label, "see the checklist") if label else None
    told = fields_known(house, label) if label else ()
    categories, others = _permissions(domain, Catalogue(told or standard_fields()))
    return request_text(about.name, _user_of(house, domain), categories, others, told=bool(told))


def _permissions(domain: Domain | None, catalogue: Catalogue) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """(the permission categories to tick, each with the fields that need it; the columns whose category is not known)"""
    found: dict[str, list[str]] = {}
    others = []
    for name in dict.fromkeys((*known.ENGINE_FIELDS, *_columns_of(domain))):
        field = _field(catalogue, name)
        if field is None:
            others.append(name.removeprefix(HUMAN))
            continue
        fields = found.setdefault(field.category_name or field.category, [])
        fields += [field.name] if field.name not in fields else []
    return {name: tuple(fields) for name, fields in sorted(found.items())}, tuple(others)


def _field(catalogue: Catalogue, name: str) -> Field | None:
    try:
        return catalogue.fields.get(catalogue.resolve(name).field)
    except SettingsError:
        return None


def _columns_of(domain: Domain | None) -> list[str]:
    """What mapping and scope name; before there is a mapping the usual columns, so that HiBob is asked once."""
    fed = [each for each in domain.attributes if each.data_feed_name] if domain else []
    names = column_names(fed, domain.settings.scope) if domain else []
    return names if fed else [*(column for _, column, _ in USUAL), *names]


def _user_of(house: Workspace, domain: Domain | None) -> str:
    if domain is None:
        return ""
    try:
        return connection_of(house, domain).service_user_id or ""
    except SettingsError:
        return ""
