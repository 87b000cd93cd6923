"""Reading HiBob for the mapping page only: with the columns of a mapping that is not saved yet."""

from dataclasses import replace

from provisioning.engine.columns import Catalogue, resolve_all
from provisioning.errors import SettingsError
from provisioning.model import Attribute, Domain
from provisioning.store import snapshots
from provisioning.workflow.connections import connection_of, fields_known
from provisioning.workflow.editing import mapping_draft
from provisioning.workflow.house import PREPARERS, Workspace, seen_domain
from provisioning.workflow.reading import read_hibob, suggested_fields
from provisioning.workflow.values import note_values


def read_sample(house: Workspace, label: str) -> int:
    """Read HiBob with the columns of the asker's mapping draft, or the usual ones while that is empty, for the mapping page
    only; returns how many people."""
    domain = seen_domain(house, label, "read a sample", PREPARERS)
    draft = mapping_draft(house, label)
    attributes = tuple({*(draft.attributes if draft else ()), *domain.attributes})
    wanted = tuple(each for each in attributes if not _unknown(house, domain, each))
    read = read_hibob(house, replace(domain, attributes=wanted), fresh_metadata=True, also=suggested_fields(attributes))
    employees = read.employees
    snapshots.save_sample(house.snapshots, domain.id, employees)
    note_values(house, domain, employees, tuple(read.catalogue.fields.values()))
    return employees.evidence.employees


def _unknown(house: Workspace, domain: Domain, each: Attribute) -> bool:
    """A draft may name columns that cannot be resolved; the page says so, and the others are read. Which titles a
    report has is only known when it is read, and of HiBob's fields nothing before the first contact."""
    fields = fields_known(house, domain.label)
    if connection_of(house, domain).report is not None or not fields:
        return False
    catalogue = Catalogue(fields)
    try:
        resolve_all(catalogue, [name for name in (each.data_feed_name, each.fallback) if name])
    except SettingsError:
        return True
    return False
