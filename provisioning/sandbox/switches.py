"""What can be switched on a running sandbox: permissions, faults, and all that nobody could establish about HiBob."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

FaultKind: TypeAlias = int | Literal["reset", "truncated", "html"]
"""An HTTP status, a broken connection, a body shorter than announced, or a login page with status 200."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one coming answer; to the next of any endpoint if none is named."""

    kind: FaultKind
    endpoint: str | None = None


@dataclass(slots=True)
class Switches:
    """Mutable while the sandbox runs. The defaults: HiBob as documented, everything granted."""

    # Open questions about HiBob: the client has to accept either.
    slash_keys_without_fields: bool = True
    slash_keys_under_replace: bool = False
    multi_list_separator: str = ", "
    human_dates: Literal["iso", "dd/mm/yyyy"] = "iso"
    retry_after: int | None = None
    named_lists: Literal["object", "array"] = "object"
    info_rows: bool = False
    report_json: Literal["employees", "one array", "bare"] = "employees"
    report_locale: str = "sv-SE"
    report_polls: int = 2
    refused_as_401: bool = False

    # Permissions: category ids granted (None: all), endpoint names refused, who is in the audience.
    granted: frozenset[str] | None = None
    refused: frozenset[str] = frozenset()
    in_no_group: bool = False
    employed_only: bool = False
    sites: frozenset[str] | None = None

    # Calls per minute and endpoint; None: HiBob's own limits.
    rate_limit: int | None = None

    # Lasting faults.
    slow_seconds: float = 0.0
    employees_key_missing: bool = False
    no_employees: bool = False
    half_missing: bool = False
    duplicate_id: bool = False
    lone_surrogate: bool = False
    absent_columns: frozenset[str] = frozenset()
    emptied_columns: frozenset[str] = frozenset()
    shuffle: int | None = None

    # For benchmarks: an answer once built is sent again, whatever is switched, until a day passes.
    keep_answers: bool = False

    _coming: list[Fault] = field(default_factory=list, repr=False)

    def fail(self, kind: FaultKind, times: int = 1, endpoint: str | None = None) -> None:
        """Let the next answers fail. `endpoint` is a route's name, such as `people/search`."""
        self._coming.extend([Fault(kind, endpoint)] * times)

    def next_fault(self, endpoint: str) -> FaultKind | None:
        """Take the fault that is due for this endpoint, if any."""
        for fault in self._coming:
            if fault.endpoint in (None, endpoint):
                self._coming.remove(fault)
                return fault.kind
        return None
