"""What happened, append-only and chained: each row's hash covers the row before, so that a changed, removed or
reordered row is found. The chain runs over salted digests of the rows: a row's content and salt can be removed, as the
law or a customer's retention asks, and the chain still fits and tells nothing of what was there. What was removed is
named by a row of its own."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec

from provisioning.database import Database, Row
from provisioning.errors import SettingsError
from provisioning.store.codec import from_json, to_json, to_moment, to_text

START = "0" * 64
LONG = 80
"""So many letters are told of what somebody may have written into a row."""
APPROVED, CHECKED = "plan approved", "history checked"
REMOVED = "content of the history removed"
FORGOTTEN = "person removed"
RUN_ENDED, RUN_STOPPED = "run ended", "run stopped"
OF_A_RUN = ("run started", "run resumed", RUN_ENDED, RUN_STOPPED)
RESTORED = "database restored"
UNSEALED = "rows found unsealed"
FOR_ALL = (
    "role granted", "role removed", "role given by group", "role by group ended", "encryption key rotated",
    "encryption key begun anew", "history sealed anew", RESTORED, UNSEALED,
)  # fmt: skip
"""What concerns every customer where it names none. Whoever signs in for none, or for all, is nobody's affair."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the history. `at` is UTC text, sortable."""

    at: str
    who: str
    what: str
    customer: str | None
    domain: str | None
    plan: str | None
    run: str | None
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rows`: how many were looked at. `broken`: what is wrong, in words; None when every row fits. `unsealed`: how many rows at
    the end no seal covers; `found_unsealed`: (first, last) of those that no seal covered when the next was written. `first`,
    `last`: when the oldest and the newest row were written whose content is kept ("" without any); `emptied`: of how many it was removed.
    `doubt`: every row fits, and the seal, of which `broken` tells, says nothing of them: it is missing, or of another key."""

    rows: int
    head: str
    broken: str | None
    unsealed: int = 0
    found_unsealed: tuple[tuple[int, int], ...] = ()
    first: str = ""
    last: str = ""
    emptied: int = 0
    doubt: bool = False


def record(
    db: Database,
    at: datetime,
    who: str,
    what: str,
    *,
    customer_id: int | None = None,
    domain_id: int | None = None,
    plan: str | None = None,
    run: str | None = None,
    **details: object,
) -> None:
    """Append one event. Part of the caller's transaction, so that nothing happens without its record."""
    with db.transaction():
        last = db.one("SELECT seq, chain FROM history ORDER BY seq DESC LIMIT 1")
        seq, before = (last["seq"] + 1, last["chain"]) if last else (1, START)
        row = [seq, to_text(at), customer_id, domain_id, who, what, plan, run, to_json(details)]
        salt = secrets.token_hex(16)
        digest = _digest(salt, row)
        db.execute(
            "INSERT INTO history (seq, at, customer_id, domain_id, who, what, plan_id, run_id, details, salt, digest, chain)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *row, salt, digest, _link(before, digest),
        )  # fmt: skip


def _digest(salt: str, row: list[int | str | None]) -> str:
    return sha256(f"{salt}{to_json(row)}".encode()).hexdigest()


def _link(before: str, digest: str) -> str:
    return sha256(f"{before}{digest}".encode()).hexdigest()


def head(db: Database) -> str:
    """The chain's newest hash: whoever keeps it can prove later that nothing before it was changed."""
    return extent(db)[1]


def extent(db: Database) -> tuple[int, str]:
    """(how many rows there are, the newest hash)"""
    last = db.one("SELECT seq, chain FROM history ORDER BY seq DESC LIMIT 1")
    return (last["seq"], last["chain"]) if last else (0, START)


def last_event(db: Database) -> str | None:
    """What the newest row says that happened."""
    last = db.one("SELECT what FROM history ORDER BY seq DESC LIMIT 1")
    return last["what"] if last else None


def is_new(db: Database) -> bool:
    """Whether nothing has happened yet. Where there are previews, a history without rows was emptied."""
    return last_event(db) is None and db.one("SELECT 1 FROM plans") is None


def hash_at(db: Database, seq: int) -> str:
    row = db.one("SELECT chain FROM history WHERE seq = ?", seq)
    return row["chain"] if row else START


def remove_content(db: Database, at: datetime, who: str, rows: Sequence[int], customer_id: int, why: str) -> None:
    """Take the content and the salt out of these rows, and say so in a new one. Part of the caller's transaction."""
    if not rows:
        return
    db.many(
        "UPDATE history SET at = '', customer_id = NULL, domain_id = NULL, who = '', what = '', plan_id = NULL, "
        "run_id = NULL, details = '', salt = '' WHERE seq = ?",
        [(row,) for row in rows],
    )
    record(db, at, who, REMOVED, customer_id=customer_id, rows=_spans(rows), why=why)


def _spans(rows: Sequence[int]) -> list[list[int]]:
    """Row numbers as [first, last], so that a removal of thousands is one short row."""
    found: list[list[int]] = []
    for row in sorted(rows):
        if found and row == found[-1][1] + 1:
            found[-1][1] = row
        else:
            found.append([row, row])
    return found


def moments_back(db: Database, now: datetime) -> Iterator[datetime]:
    """When something happened, newest first; not what a wrong clock put into the future."""
    for row in db.connection.execute("SELECT at FROM history WHERE at <= ? ORDER BY seq DESC", (to_text(now),)):
        yield to_moment(row["at"])


def count_since(db: Database, customer_id: int, what: str, since: datetime) -> int:
    """How often something happened for a customer since then."""
    row = db.one(
        "SELECT count(*) AS times FROM history WHERE customer_id = ? AND what = ? AND at > ?",
        customer_id, what, to_text(since),
    )  # fmt: skip
    return int(row["times"]) if row else 0


def rows_before(db: Database, customer_id: int, before: datetime) -> list[int]:
    """A customer's rows that are older; those that name what was removed stay."""
    rows = db.all(
        "SELECT seq FROM history WHERE customer_id = ? AND at < ? AND what != ? ORDER BY seq",
        customer_id, to_text(before), REMOVED,
    )  # fmt: skip
    return [row["seq"] for row in rows]


def rows_about(db: Database, customer_id: int, names: Sequence[str]) -> list[int]:
    """A customer's rows that somebody of one of these names did, or that name them in their details."""
    found = db.all("SELECT seq, who, details FROM history WHERE customer_id = ? AND what != ?", customer_id, REMOVED)
    quoted = [to_json(name) for name in names]
    return [row["seq"] for row in found if row["who"] in names or any(each in row["details"] for each in quoted)]


STEP = 5_000
"""After so many rows of a check it is said how far it is."""


def verify(
    db: Database, kept_head: str | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> Verdict:
    """Walk the chain. `kept_head`: a hash kept from earlier, which must still stand in it."""
    before, count, met = START, 0, kept_head in (None, START)
    total, first, last = extent(db)[0], "", ""
    removed: set[int] = set()
    told: set[int] = set()
    unsealed: list[tuple[int, int]] = []
    # What the digest covers stands first, in its order.
    rows = db.connection.execute(
        "SELECT seq, at, customer_id, domain_id, who, what, plan_id, run_id, details, salt, digest, chain FROM history "
        "ORDER BY seq"
    )
    for row in rows:
        count += 1
        if count % STEP == 0:
            progress(count, max(count, total))
        if row["seq"] != count:
            return Verdict(count, before, f"Row {count} is missing: the next one there is row {row['seq']}.")
        if _is_removed(row):
            removed.add(count)
        elif _digest(row["salt"], list(row[:9])) != row["digest"]:
            return Verdict(count, before, f"{_called(row)} was changed.")
        if _link(before, row["digest"]) != row["chain"]:
            return Verdict(count, before, f"{_called(row)} does not follow the row before.")
        if row["what"] == REMOVED:
            told |= _told_by(row)
        if row["what"] == UNSEALED:
            unsealed += _spans_of(row)
        first, last = first or row["at"], row["at"] or last
        before = row["chain"]
        met = met or before == kept_head
    if removed - told:
        return Verdict(
            count, before, f"The content of row {min(removed - told)} is gone, and no row says who removed it."
        )
    broken = None if met else "The kept head stands nowhere in the history: rows were cut off or replaced."
    return Verdict(count, before, broken, found_unsealed=tuple(unsealed), first=first, last=last, emptied=len(removed))


def _called(row: Row) -> str:
    """By its number, and by when it happened and what, as far as it can still be read."""
    return f"Row {row['seq']} ({str(row['at'])[:16].replace('T', ' ')} UTC, {str(row['what'])[:LONG]})"


def _is_removed(row: Row) -> bool:
    texts = ("salt", "who", "what", "details", "at")
    return not any(row[name] for name in texts) and all(
        row[name] is None for name in ("customer_id", "domain_id", "plan_id", "run_id")
    )


class _Spans(msgspec.Struct, frozen=True):
    rows: list[tuple[int, int]]


def _spans_of(row: Row) -> list[tuple[int, int]]:
    """The rows that a row speaks of; none when it says nothing that can be read."""
    try:
        return from_json(row["details"], _Spans).rows
    except msgspec.MsgspecError:
        return []


def _told_by(row: Row) -> set[int]:
    """The rows before this one whose content it says was removed."""
    spans = _spans_of(row)
    return {each for first, last in spans for each in range(max(first, 1), min(last, row["seq"] - 1) + 1)}


def events(db: Database, customer_id: int, domain_id: int | None = None) -> list[Event]:
    """A customer's events, newest first; with a domain, those of the domain and of the customer as a whole. What concerns
    every customer is among them, from before there was this one too: a role given then holds."""
    rows = db.all(
        "SELECT h.*, c.name AS customer, d.name AS domain FROM history h LEFT JOIN customers c ON c.id = h.customer_id "
        "LEFT JOIN domains d ON d.id = h.domain_id WHERE (h.customer_id = ?1 AND (?2 IS NULL OR h.domain_id IS NULL "
        "OR h.domain_id = ?2)) OR (h.customer_id IS NULL AND h.what IN (SELECT value FROM json_each(?3))) "
        "ORDER BY h.seq DESC",
        customer_id,
        domain_id,
        to_json(list(FOR_ALL)),
    )
    return [_event(row) for row in rows]


def numbered(db: Database, customer_id: int) -> list[tuple[int, Event]]:
    """A customer's events with the numbers of their rows, oldest first."""
    rows = db.all(
        "SELECT h.*, c.name AS customer, d.name AS domain FROM history h LEFT JOIN customers c ON c.id = h.customer_id "
        "LEFT JOIN domains d ON d.id = h.domain_id WHERE h.customer_id = ? ORDER BY h.seq",
        customer_id,
    )
    return [(row["seq"], _event(row)) for row in rows]


def newest_of(db: Database, customer_id: int, what: str) -> Event | None:
    """The last time that something happened for a customer."""
    row = db.one(
        "SELECT h.*, NULL AS customer, NULL AS domain FROM history h WHERE customer_id = ? AND what = ? ORDER BY seq DESC LIMIT 1",
        customer_id, what,
    )  # fmt: skip
    return _event(row) if row else None


def approvals_recorded(db: Database, customer_id: int, plan_id: str | None = None) -> list[Event]:
    """What the chain says of approvals, of one plan or of all of a customer's, newest first."""
    rows = db.all(
        "SELECT h.*, NULL AS customer, NULL AS domain FROM history h WHERE customer_id = ?1 AND what = ?2 "
        "AND (?3 IS NULL OR plan_id = ?3) ORDER BY seq DESC",
        customer_id, APPROVED, plan_id,
    )  # fmt: skip
    return [_event(row) for row in rows]


@dataclass(frozen=True, slots=True)
class RunsSaid:
    """What the chain says of a domain's runs: run → (row, the last event of how far it came). `removed`, `forgotten`: the last
    row of the customer whose content was removed, and in which a person was; 0 for none."""

    of: Mapping[str, tuple[int, Event]]
    removed: int
    forgotten: int


def runs_recorded(db: Database, customer_id: int, domain_id: int) -> RunsSaid:
    rows = db.all(
        "SELECT h.*, NULL AS customer, NULL AS domain FROM history h WHERE seq IN (SELECT max(seq) FROM history "
        "WHERE customer_id = ? AND domain_id = ? AND what IN (SELECT value FROM json_each(?)) GROUP BY run_id)",
        customer_id, domain_id, to_json(list(OF_A_RUN)),
    )  # fmt: skip
    emptied = db.all("SELECT seq, details FROM history WHERE customer_id = ? AND what = ?", customer_id, REMOVED)
    gone = db.one("SELECT max(seq) AS seq FROM history WHERE customer_id = ? AND what = ?", customer_id, FORGOTTEN)
    return RunsSaid(
        {row["run_id"]: (row["seq"], _event(row)) for row in rows if row["run_id"]},
        max((last for row in emptied for _, last in _spans_of(row)), default=0),
        (gone["seq"] if gone else None) or 0,
    )


def _event(row: Row) -> Event:
    """Raises `SettingsError` for a row that somebody changed so that it cannot be read."""
    try:
        datetime.fromisoformat(row["at"])
        details = from_json(row["details"], dict[str, object])
    except (ValueError, TypeError, msgspec.MsgspecError):
        raise SettingsError(
            f"Row {row['seq']} of the history cannot be read: somebody changed it. *Check the history*, or `verify`, says what "
            "to rely on; a backup from before shows what stood there."
        ) from None
    return Event(
        at=row["at"],
        who=row["who"],
        what=row["what"],
        customer=row["customer"],
        domain=row["domain"],
        plan=row["plan_id"],
        run=row["run_id"],
        details=details,
    )
