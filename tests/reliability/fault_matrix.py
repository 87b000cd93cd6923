"""Which fault is tried at which point, for which target; and why the others are not. docs/reliability.md shows this
table, `test_fault_matrix.py` runs every cell of it."""

from typing import NamedTuple

EMPLOYEES, USERS = "reading employees", "reading users"
FIRST, MIDDLE, LAST = "first write", "in the middle", "last write"
JOURNAL, FINISHING = "journalling a chunk", "finishing"
POINTS = (EMPLOYEES, USERS, FIRST, MIDDLE, LAST, JOURNAL, FINISHING)
READS, WRITES = (EMPLOYEES, USERS), (FIRST, MIDDLE, LAST)
SCIM, BULK, LOCAL = "scim", "scim in bulk", "local"
TARGETS = (SCIM, BULK, LOCAL)

REFUSED, BEFORE, AFTER = "connection refused", "reset before it took effect", "reset after it took effect"
TIME_OUT = "time-out"
GONE, TAKEN, STALE, IGNORED = "404 on update", "409 on create", "412", "PATCH ignored"
IN_SECONDS, AT_A_DATE = "429 with seconds", "429 with a date"
TRUNCATED, HTML, WRONG_TYPE = "truncated JSON", "HTML", "wrong content type"
DISK_FULL, KILLED, TWO, CLOCK = "disk full", "SIGKILL of the worker", "two workers at once", "clock set back"

ANY_REQUEST = (
    REFUSED, BEFORE, TIME_OUT, "401", "403", IN_SECONDS, AT_A_DATE, "500", "503", TRUNCATED, HTML, WRONG_TYPE,
)  # fmt: skip
ONLY_WRITES = (AFTER, GONE, TAKEN, STALE, IGNORED)
OURS = (DISK_FULL, KILLED, TWO, CLOCK)
FAULTS = (
    REFUSED, BEFORE, AFTER, TIME_OUT, "401", "403", GONE, TAKEN, STALE, IN_SECONDS, AT_A_DATE, "500", "503", TRUNCATED,
    HTML, WRONG_TYPE, IGNORED, *OURS,
)  # fmt: skip


class Cell(NamedTuple):
    target: str
    fault: str
    point: str

    def __str__(self) -> str:
        return f"{self.target}: {self.fault}, {self.point}"


def left_out(cell: Cell) -> str:
    """Why a cell makes no sense; "" for one that is run."""
    target, fault, point = cell
    if target == BULK and point in READS:
        return "Nothing is read in bulk: as without it."
    if fault in OURS:
        return ""
    if fault in ONLY_WRITES and point not in WRITES:
        return "An answer that only a write can get."
    if point == JOURNAL:
        return "Journalling speaks to SQLite, over no network."
    if target == BULK and point == FINISHING:
        return "Nothing is read in bulk: as without it."
    if target == LOCAL and point != EMPLOYEES:
        return "The local directory is in the same SQLite file, behind no network."
    return ""


EVERY = [Cell(target, fault, point) for target in TARGETS for fault in FAULTS for point in POINTS]
CELLS = [cell for cell in EVERY if not left_out(cell)]
REASONS = sorted({left_out(cell) for cell in EVERY} - {""})


def table() -> list[str]:
    """The table of docs/reliability.md: SCIM, SCIM in bulk, then local."""

    def shown(fault: str, point: str) -> str:
        return " ".join("–" if left_out(Cell(target, fault, point)) else "✓" for target in TARGETS)

    rows = [f"| {fault} | {' | '.join(shown(fault, point) for point in POINTS)} |" for fault in FAULTS]
    return [f"| fault | {' | '.join(POINTS)} |", "| --- |" + " --- |" * len(POINTS), *rows]


def counts() -> str:
    ran = {target: sum(cell.target == target for cell in CELLS) for target in TARGETS}
    return (
        f"{len(FAULTS)} faults × {len(POINTS)} points × {len(TARGETS)} targets = {len(EVERY)} cells: {len(CELLS)} are run "
        f"({ran[SCIM]} SCIM, {ran[BULK]} SCIM in bulk, {ran[LOCAL]} local), {len(EVERY) - len(CELLS)} make no sense. Wrong writes: 0."
    )


BEGIN, END = "<!-- the matrix: written by the tests -->", "<!-- the end of the matrix -->"


def document() -> str:
    """The part of docs/reliability.md that the tests write."""
    reasons = [f"- {reason}" for reason in REASONS]
    return "\n".join([*table(), "", counts(), "", "Not run (–):", "", *reasons])


def replaced(page: str, part: str) -> str:
    """The page with another matrix in it."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{part}\n\n{END}{after}"


def written(page: str) -> str:
    """The matrix that stands in a page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()
