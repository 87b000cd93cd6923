"""The nouns of Rollcall, as frozen values. No behaviour beyond what follows from the value itself.

Text is text everywhere: ids, numbers and dates are carried as the text that Skillcast will store, so that no
leading zero and no digit of a 19-digit id is ever lost. Inside columns a blank is the empty string.
"""

from collections.abc import Mapping as ReadOnlyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

import pyarrow as pa

APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´", "'"))
"""As which one everybody's is searched for: whoever types one rarely has the other."""


class Action(StrEnum):
    """What happens to one person. The order of definition is the order of processing."""

    LINK = "link"
    REACTIVATE = "reactivate"
    ADD = "add"
    UPDATE = "update"
    MOVE = "move"
    ARCHIVE = "archive"


class Status(StrEnum):
    LIVE = "Live"
    ARCHIVED = "Archived"


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class Role(StrEnum):
    ADMIN = "admin"
    CSM = "csm"
    AUDITOR = "auditor"


class PlanStatus(StrEnum):
    READY = "ready"
    BLOCKED = "blocked"
    EMPTY = "empty"


class Result(StrEnum):
    """How one change ended."""

    DONE = "done"
    FAILED = "failed"
    DRIFTED = "drifted"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    STOPPED = "stopped"


class AttributeType(StrEnum):
    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    YES_NO = "yes/no"
    LIST = "list"
    USER = "user"


class BlankPolicy(StrEnum):
    """What a blank in HiBob does: keep Skillcast's value, clear it, or hold the person."""

    KEEP = "keep"
    CLEAR = "clear"
    HOLD = "hold"


class Apply(StrEnum):
    ALWAYS = "always"
    ON_ADD = "on add"


class Meaning(StrEnum):
    """What a HiBob lifecycle status means for the user."""

    LIVE = "live"
    ARCHIVED = "archived"
    LEAVE_AS_IS = "leave as is"


class AbsenceArchives(StrEnum):
    """Which live users absence from HiBob may archive."""

    ALL = "all"
    LINKED = "linked"


# --- customers and what belongs to them -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Customer:
    id: int
    name: str
    seats: int | None = None
    price_per_user: str | None = None
    retention_days: int = 730
    left_at: datetime | None = None
    currency: str | None = None
    """Of the price, as three letters."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person who may sign in. `customer_id` None: a CSM of every customer."""

    email: str
    role: Role
    customer_id: int | None


@dataclass(frozen=True, slots=True)
class Connection:
    """An external connection. The token is not here: it stays with the store's vault."""

    id: int
    customer_id: int
    name: str
    base_url: str
    service_user_id: str | None
    report: int | None = None
    type: str = "hibob"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A Skillcast user attribute and the row of the mapping that feeds it.

    `data_feed_name` None: Rollcall never touches the attribute. `values` is the value table, in order.
    """

    name: str
    data_feed_name: str | None = None
    type: AttributeType = AttributeType.TEXT
    required: bool = False
    blank: BlankPolicy = BlankPolicy.KEEP
    fallback: str | None = None
    clean_up: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()
    apply: Apply = Apply.ALWAYS


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """One rule of a scope: employees whose `column` is one of `values`."""

    include: bool
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What each lifecycle status means, by its name as the customer wrote it. Unnamed ones have defaults."""

    meanings: tuple[tuple[str, Meaning], ...] = ()
    wait_until_days_before_start: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of people, or a share of them in percent; both None: off."""

    number: int | None = None
    percent: str | None = None

    @property
    def share(self) -> Fraction | None:
        return None if self.percent is None else Fraction(self.percent) / 100

    @property
    def off(self) -> bool:
        return self.number is None and self.percent is None


@dataclass(frozen=True, slots=True)
class Limits:
    archive: Limit = Limit(percent="10")
    archive_7_days: Limit = Limit(percent="25")
    update: Limit = Limit()
    add: Limit = Limit()
    reactivate: Limit = Limit()
    blank: Limit = Limit(percent="5")
    head_count: Limit = Limit(percent="90")
    column_emptied: Limit = Limit(percent="20")
    identifiers: Limit = Limit(percent="5")
    small_domain: int = 3


@dataclass(frozen=True, slots=True)
class Protection:
    """Who is never archived: a person by name (key, e-mail, identifier), or everybody with a value."""

    person: str | None = None
    attribute: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scim:
    """A SCIM 2.0 server as a domain's target. The token is not here: it stays with the store's vault; `token_variable`
    names where it was read from."""

    base_url: str
    token_variable: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a domain decides by, beside its mapping. Versioned as a whole: a change makes waiting plans lapse.

    `scim` None: the local directory. `domain_attribute`: the attribute that holds the domain, in a portal with several.
    """

    connection: str | None = None
    unique_identifier: str | None = None
    absence_archives: AbsenceArchives = AbsenceArchives.ALL
    absent_reads: int = 1
    protected: tuple[Protection, ...] = ()
    two_people: bool | int = False
    """Whether two people are needed: always, never, or from this many changes in a plan on."""
    scope: tuple[ScopeRule, ...] = ()
    lifecycle: Lifecycle = Lifecycle()
    limits: Limits = Limits()
    scim: Scim | None = None
    domain_attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """A Skillcast user domain with the versions that are in force now. `left_at`: since when Rollcall has let go of it;
    then it is there to be read only."""

    id: int
    customer_id: int
    customer: str
    name: str
    attributes: tuple[Attribute, ...]
    mapping_version: int
    mapping_by: str
    settings: Settings
    settings_version: int
    left_at: datetime | None = None

    @property
    def label(self) -> str:
        return f"{self.customer}/{self.name}"


# --- what is read -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """One field of HiBob's metadata. Permissions follow `category`, not the id's prefix."""

    id: str
    name: str
    category: str = ""
    category_name: str = ""
    type: str = "text"
    list_id: str = ""
    json_path: str = ""


@dataclass(frozen=True, slots=True)
class ReportName:
    """A custom report of HiBob, as its list of reports names it."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """A field in one of its two forms. `slot` is its name in a snapshot's table."""

    field: str
    human: bool = False

    @property
    def slot(self) -> str:
        return f"humanReadable.{self.field}" if self.human else self.field


@dataclass(frozen=True, slots=True)
class ColumnEvidence:
    """How often a field stood in a read at all (null included), and how often with a value."""

    field: str
    present: int
    filled: int
    category: str = ""
    category_name: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that a read was complete. `status_from_active_read`: neither status nor lifecycle could be
    read, and who is active was found another way. `from_report`: a custom report was read, not people search."""

    read_at: datetime
    employees: int
    active: int
    columns: tuple[ColumnEvidence, ...]
    status_from_active_read: bool = False
    from_report: bool = False

    def column(self, field_id: str) -> ColumnEvidence | None:
        return next((each for each in self.columns if each.field == field_id), None)

    def absent(self, field_id: str) -> bool:
        """Asked for and missing for everybody: not permitted, or misspelt."""
        found = self.column(field_id)
        return self.employees > 0 and found is not None and found.present == 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One complete read of HiBob: a row per employee, a text column per slot (null: blank), and evidence."""

    table: pa.Table
    evidence: Evidence
    records: "Records | None" = None


@dataclass(frozen=True, slots=True)
class Records:
    """By what the next read knows people again, row by row of a snapshot: `hashes` of their bytes, and `present`, a bit for
    each field that they had. `rules`: which fields were asked for, and how they were decoded."""

    rules: str
    hashes: pa.Array
    present: pa.Array


@dataclass(frozen=True, slots=True)
class Marks:
    """By what the next read of a directory knows its users again, row by row: a number `of_each` that is another one after
    every write. `rules`: how they were read."""

    rules: str
    of_each: pa.Array


@dataclass(frozen=True, slots=True)
class Users:
    """One complete read of a user directory, as columns of text in the order of `ids`; blank is "". `versions`: the
    ETag of each, and `marks`, where the directory has any."""

    ids: pa.Array
    external_ids: pa.Array
    statuses: pa.Array
    attributes: ReadOnlyMapping[str, pa.Array]
    versions: pa.Array | None = None
    marks: Marks | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is kept of the last complete read whose plan was processed or empty, to compare the next with.

    `live`: ids of the people who were live. `fill`: per slot, how many of them had a value.
    """

    live: tuple[str, ...]
    fill: ReadOnlyMapping[str, int]


@dataclass(frozen=True, slots=True)
class ColumnFill:
    """How many live people have a value in a mapped column, and how many had at the baseline (`before_of` 0: no
    baseline)."""

    column: str
    filled: int
    of: int
    before: int = 0
    before_of: int = 0


@dataclass(frozen=True, slots=True)
class ReadEvidence:
    """What is kept with a plan of the evidence of its read. `absent`: the fields that were asked for and missing for
    everybody, each with the category that opens it. `needless`: people who have no user and need none; `elsewhere`: users
    whom nobody in the read is; None for a plan of before they were counted. People and `elsewhere` are together whoever is
    changed, held or unchanged, and the `needless`."""

    people: int
    active: int
    asked: int
    absent: tuple[tuple[str, str], ...] = ()
    fill: tuple[ColumnFill, ...] = ()
    live_before: int | None = None
    needless: int | None = None
    elsewhere: int | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """How many complete reads, at least twelve hours apart, a user has been absent from; the last that counted."""

    reads: int
    counted_at: datetime


# --- the plan and what becomes of it ----------------------------------------------------------------------

Values = ReadOnlyMapping[str, str | None]
"""What changes: attribute names, and `status`, `external_id`, `domain`. None is blank."""

RESERVED_NAMES = ("status", "external_id", "domain")


@dataclass(frozen=True, slots=True)
class Seen:
    """A user as the plan saw it: the precondition of every write. `attributes`: all mapped ones, blank as "".
    `version`: the directory's ETag, if it has any; equal ones spare a look, different ones prove nothing."""

    status: Status
    external_id: str
    attributes: ReadOnlyMapping[str, str]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One write for one person. `key` is HiBob's root.id, or `user:<id>` for a user without employee.

    `before` and `after` hold only what changes; `seen` is None for somebody who has no user yet.
    `name` is for people to read and must not be used to find anybody.
    """

    key: str
    action: Action
    why: str
    before: Values
    after: Values
    user_id: str | None = None
    seen: Seen | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody to whom something would otherwise happen, and why it does not."""

    key: str
    code: str
    why: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of the plan as a whole. `numbers` is empty where nothing was counted. `managers`: the keys of those whose
    being a manager is the problem of the people of `keys`. `names`: what to call all of them, who need be neither changed nor
    held."""

    code: str
    severity: Severity
    message: str
    remedy: str
    numbers: ReadOnlyMapping[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    names: ReadOnlyMapping[str, str] = field(default_factory=dict)
    managers: tuple[str, ...] = ()


READ_PROOF = frozenset({"no-employees", "head-count", "column-absent", "column-emptied", "identifiers-swapped"})
"""The findings that say that a read is not proved complete."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided in earlier previews. `same`: employee key → user id; `not_same`: refused pairs of these;
    `moves`: key → the name of the domain that the user goes to instead of being archived; `confirmed`: keys of members
    who may be archived, because a test account in another domain is live (checked by whoever gives this)."""

    protected: frozenset[str] = frozenset()
    same: ReadOnlyMapping[str, str] = field(default_factory=dict)
    not_same: frozenset[tuple[str, str]] = frozenset()
    moves: ReadOnlyMapping[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proposal:
    """An employee (`key`) and a user who look like one person. `user_key`: whom the plan would archive. `evidence`: what
    agrees beside the name, in words. `has` and `gets`: the user's values, and those that a new user would get."""

    key: str
    user_id: str
    user_key: str
    evidence: str
    name: str = ""
    has: ReadOnlyMapping[str, str] = field(default_factory=dict)
    gets: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the engine yields: a plan without id, time and author, and what the store keeps for next time."""

    status: PlanStatus
    digest: str
    counts: ReadOnlyMapping[str, int]
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    held: tuple[Held, ...]
    baseline: Baseline | None
    absences: ReadOnlyMapping[str, Absence]
    proposals: tuple[Proposal, ...] = ()
    evidence: ReadEvidence | None = None

    @property
    def blocks(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity is Severity.BLOCK)


PLAN_LIFETIME = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Legend:
    """How people read a plan's values, as of when it was made; no part of what is approved. `dates`: the attributes that are
    dates; `references`: those that mean users, such as a manager; `names`: what to call these, by their unique identifier."""

    dates: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    names: ReadOnlyMapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A stored, frozen difference. What is shown, put into Excel, approved by digest and processed. `undo_of`: the run
    whose way back it is. `farewell`: it archives everybody, before Rollcall lets go of the domain."""

    id: str
    domain_id: int
    domain: str
    made_at: datetime
    read_at: datetime
    by: str
    mapping_version: int
    settings_version: int
    attributes: tuple[str, ...]
    status: PlanStatus
    digest: str
    counts: ReadOnlyMapping[str, int]
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    held: tuple[Held, ...]
    proposals: tuple[Proposal, ...] = ()
    undo_of: str | None = None
    evidence: ReadEvidence | None = None
    farewell: bool = False
    legend: Legend = field(default_factory=Legend)

    @property
    def blocks(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity is Severity.BLOCK)


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved which digest, whom they left out, and which blocks they overrode, with the reason. `by` signed in;
    `signed_by` is who decided as the workbook says, a claim, "" where it says nothing. `standing`: given beforehand, by
    switching on the schedule that made the plan. `file` and `sha256`: what the workbook was called, and its fingerprint; ""
    for approvals of earlier versions."""

    plan_id: str
    digest: str
    by: str
    at: datetime
    left_out: tuple[str, ...] = ()
    overrides: ReadOnlyMapping[str, str] = field(default_factory=dict)
    workbook: bool = False
    signed_by: str = ""
    standing: bool = False
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change ended. `cause` is equal for failures that one and the same thing would mend; it is not kept."""

    key: str
    action: Action
    result: Result
    message: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One processing of one approved plan."""

    id: str
    plan_id: str
    domain_id: int
    status: RunStatus
    started_at: datetime
    by: str
    ended_at: datetime | None = None
    retry_of: str | None = None
    outcomes: Sequence[Outcome] = ()
    note: str = ""

    @property
    def counts(self) -> dict[str, int]:
        results = [each.result for each in self.outcomes]
        return {result.value: results.count(result) for result in Result}


@dataclass(frozen=True, slots=True)
class Speed:
    """What a run took: changes that have an outcome, seconds from the first to the last, waits included; requests
    answered by a portal, and how many a second it allows (None: no limit was met)."""

    people: int
    seconds: float
    requests: int = 0
    allowed: float | None = None

    @property
    def rate(self) -> float:
        """Changes a second; 0 where nothing was measured."""
        return self.people / self.seconds if self.people and self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a member by e-mail, or the operator of the machine, who may prepare but never approve. `scheduled`: not
    by hand, but through the schedule that this member switched on."""

    name: str
    email: str | None = None
    scheduled: bool = False

    @property
    def noted(self) -> str:
        """The name that plans and runs carry. A scheduled plan was asked for by the clock: with two people, whoever
        switched the schedule on may still approve it by hand."""
        return f"{self.name} (schedule)" if self.scheduled else self.name
