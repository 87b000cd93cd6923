"""Versions of a mapping: what each changed, what two of them would make of the same kept reads, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioning.engine import compare
from provisioning.engine.columns import Catalogue, resolve_all
from provisioning.engine.compare import Comparison, Side
from provisioning.engine.mapping_words import difference
from provisioning.errors import NotFound, SettingsError
from provisioning.model import Attribute, Domain, Snapshot
from provisioning.store import customers, snapshots
from provisioning.workflow.connections import fields_known
from provisioning.workflow.editing import Begun, save_mapping
from provisioning.workflow.house import PREPARERS, Workspace, seen_domain
from provisioning.workflow.planning import situation_of
from provisioning.workflow.reading import Read


@dataclass(frozen=True, slots=True)
class Version:
    """One saved mapping. `identifier` is the unique identifier it would be used with today; `changed` is what it says
    differently from the one before, a line per attribute."""

    version: int
    by: str
    at: datetime
    attributes: tuple[Attribute, ...]
    identifier: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison, and when HiBob was read for what it looks at."""

    comparison: Comparison
    read_at: datetime


def versions_of(house: Workspace, label: str) -> tuple[Version, ...]:
    """Every saved version of a domain's mapping, newest first."""
    domain = seen_domain(house, label, "see the versions of the mapping")
    found: list[Version] = []
    before: tuple[Attribute, ...] = ()
    for version, at, by, attributes in customers.mapping_versions(house.db, domain.id):
        identifier = _identifier(house, domain, attributes, at)
        found.append(Version(version, by, at, attributes, identifier, difference(before, attributes)))
        before = attributes
    return tuple(reversed(found))


def _identifier(house: Workspace, domain: Domain, attributes: Sequence[Attribute], at: datetime) -> str:
    """The unique identifier in force now, as long as this mapping feeds it; else the one that it was saved with."""
    now = domain.settings.unique_identifier or ""
    if now in {each.name for each in attributes if each.data_feed_name}:
        return now
    then = customers.settings_as_of(house.db, domain.id, at)
    return (then.unique_identifier if then else None) or ""


def _version(house: Workspace, label: str, number: int) -> Version:
    versions = versions_of(house, label)
    for each in versions:
        if each.version == number:
            return each
    raise NotFound(f"The mapping of {label} has no version {number}. There are versions 1 to {versions[0].version}.")


def compare_mappings(house: Workspace, label: str, old: int, new: int | tuple[Sequence[Attribute], str]) -> Compared:
    """What two mappings would make of the kept reads of both sides: two saved versions, or one and an unsaved mapping
    (attributes, unique identifier). Asks nobody. Raises `NotFound` before the first preview, `SettingsError` where a
    unique identifier or a column of the scope was not read."""
    domain = seen_domain(house, label, "compare mappings")
    one = _version(house, label, old)
    if isinstance(new, int):
        other = _version(house, label, new)
        sides = (Side(one.attributes, one.identifier), Side(other.attributes, other.identifier))
    else:
        sides = (Side(one.attributes, one.identifier), Side(tuple(new[0]), new[1]))
    _, users = snapshots.load_snapshots(house.snapshots, domain.id)
    catalogue = Catalogue(fields_known(house, label))
    employees = _best_read(house, domain, sides, catalogue)
    scope = resolve_all(catalogue, [rule.column for rule in domain.settings.scope])
    for name, column in scope.items():
        if column.field not in employees.table.column_names:
            raise SettingsError(f"The scope names {name}, which was not read yet. Make a new preview, then compare.")
    read = Read(scope, (), employees, catalogue, employees.evidence.read_at)
    found = compare.compare(situation_of(house, domain, read, users), *sides, catalogue)
    return Compared(found, employees.evidence.read_at)


def _best_read(house: Workspace, domain: Domain, sides: Sequence[Side], catalogue: Catalogue) -> Snapshot:
    """Of the kept reads the one that leaves the fewest attributes out; the newer one where they are equal."""
    kept = snapshots.kept_employees(house.snapshots, domain.id)
    return min(kept, key=lambda read: sum(len(compare.not_read(side, read, catalogue)) for side in sides))


def go_back(house: Workspace, label: str, version: int, begun: Begun) -> Domain:
    """Save what an old version says as a new one, through the same checks as any save. Raises `Refused` when somebody
    saved meanwhile, `SettingsError` when it cannot be used today or says what is in force."""
    domain = seen_domain(house, label, "change the mapping", PREPARERS)
    old = _version(house, label, version)
    in_force = (domain.attributes, domain.settings.unique_identifier or "")
    if (old.attributes, old.identifier) == in_force:
        raise SettingsError(f"Version {version} says what is in force already, version {domain.mapping_version}.")
    if old.identifier not in {each.name for each in old.attributes if each.data_feed_name}:
        raise SettingsError(
            f"Version {version} feeds no unique identifier (“{old.identifier or 'none'}”), so nobody could be matched. "
            "Change the mapping by hand instead."
        )
    return save_mapping(house, label, old.attributes, old.identifier, begun, gone_back_to=version)
