"""A mapping to hand out and to take in: rows from a spreadsheet or a file, and the mapping in plain English."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from provisioning import setup_file
from provisioning.engine import mapping_rows
from provisioning.engine.columns import Catalogue
from provisioning.engine.mapping_words import difference, in_words
from provisioning.errors import SettingsError
from provisioning.model import Attribute
from provisioning.report.called import by_whom
from provisioning.report.csv_file import read_lines, write_lines
from provisioning.report.text import moment
from provisioning.store import customers
from provisioning.workflow.connections import connection_of, fields_known
from provisioning.workflow.editing import check_usable
from provisioning.workflow.house import Workspace, seen_domain


@dataclass(frozen=True, slots=True)
class RowsTaken:
    """What rows of text would make of a mapping: `changes` a line per attribute. With `problems` they are not usable. `alike`:
    names that are nearly those of attributes that are there, a sentence each."""

    attributes: tuple[Attribute, ...]
    identifier: str
    changes: tuple[str, ...]
    problems: tuple[str, ...]
    alike: tuple[str, ...] = ()


def mapping_as_csv(house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str) -> str:
    """The mapping as a file for a spreadsheet; `take_rows` with `whole` reads exactly the same back."""
    seen_domain(house, label, "see the mapping")
    return write_lines(mapping_rows.to_lines(attributes, identifier))


def take_rows(
    house: Workspace,
    label: str,
    text: str,
    attributes: Sequence[Attribute],
    identifier: str,
    *,
    whole: bool,
    same: bool = False,
) -> RowsTaken:
    """Rows copied from a spreadsheet, or a file, laid over this mapping; `whole`: in its place, and with a header. What the
    rows have no column for stays as it is. `same`: a name that is nearly an attribute's means that attribute. Stores nothing."""
    domain = seen_domain(house, label, "see the mapping")
    try:
        said, known = read_lines(text), _catalogue(house, label)
        taken = mapping_rows.take(
            said, attributes, identifier, known, setup_file.check_attribute, whole=whole, same=same
        )
        if not taken.problems:
            # A mapping on its way may lack its identifier; what cannot be saved at all is said now.
            named = replace(domain.settings, unique_identifier=taken.identifier or None)
            check_usable(house, domain, taken.attributes, named)
    except SettingsError as problem:
        return RowsTaken(tuple(attributes), identifier, (), (str(problem),))
    lines = list(difference(attributes, taken.attributes))
    if taken.identifier != identifier:
        lines.append(f"unique identifier: {identifier or '(none)'} → {taken.identifier or '(none)'}")
    return RowsTaken(taken.attributes, taken.identifier, tuple(lines), taken.problems, taken.alike)


def _catalogue(house: Workspace, label: str) -> Catalogue | None:
    """HiBob's columns, where all of them are known: which titles a report has is only known when it is read."""
    fields = fields_known(house, label)
    if not fields or connection_of(house, seen_domain(house, label, "see the mapping")).report is not None:
        return None
    return Catalogue(fields)


def mapping_in_words(
    house: Workspace, label: str, attributes: Sequence[Attribute], identifier: str, *, draft: bool
) -> tuple[str, tuple[str, ...]]:
    """(what is described: which version, whose, or a draft; a paragraph per attribute)"""
    domain = seen_domain(house, label, "see the mapping")
    _, at, by, _ = customers.mapping_versions(house.db, domain.id)[-1]
    version = f"version {domain.mapping_version}"
    which = f"draft, begun from {version}" if draft else f"{version}, saved {moment(at)} by {by_whom(by)}"
    paragraphs = in_words(attributes, identifier, Catalogue(fields_known(house, label)))
    return f"Mapping of {domain.customer}, domain {domain.name}: {which}", paragraphs
