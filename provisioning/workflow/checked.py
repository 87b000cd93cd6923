"""What a test of the connection proved, and what a portal announced in it."""

from dataclasses import dataclass
from datetime import datetime

from provisioning.model import Attribute, Finding, Severity


@dataclass(frozen=True, slots=True)
class PortalSeen:
    """What a portal announced when it was tested. `features`: (what, in words); `notes`: what it did not say;
    `suggestions`: rows that the mapping does not have."""

    base_url: str
    features: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    suggestions: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class CheckedColumn:
    """One mapped column: the share of visible people with a value, and whether it is there at all. `unlisted`: it is not,
    and HiBob's metadata does not know it: no permission opens it."""

    column: str
    attribute: str
    filled: float
    state: str
    category: str | None
    unlisted: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """What a test of the connection proved."""

    connection: str
    live: int
    inactive: int
    columns: tuple[CheckedColumn, ...]
    findings: tuple[Finding, ...]
    metadata_at: datetime
    fields: int
    portal: PortalSeen | None = None

    @property
    def ok(self) -> bool:
        """A preview would not be blocked by what was read, nor a run by what the portal says of the mapping."""
        blocked = any(each.severity is Severity.BLOCK for each in self.findings)
        return not blocked and self.live + self.inactive > 0 and all(each.state != "absent" for each in self.columns)
