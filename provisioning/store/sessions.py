"""Who is signed in, since when, and until when; and the roles that the identity provider's groups give.

The provider's own token says when it was issued and is never renewed. Sessions are counted from there, so that a
cookie that somebody kept opens nothing once its eight hours are over, whatever became of the row.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from provisioning.database import Database
from provisioning.model import Role
from provisioning.store.codec import to_moment, to_text

LASTS = timedelta(hours=8)


def begin(db: Database, session: str, email: str, issued_at: datetime, seen_from: str) -> bool:
    """Remember a session when it is first seen; returns whether it is new."""
    return bool(
        db.execute(
            "INSERT OR IGNORE INTO sessions (id, email, began_at, seen_from) VALUES (?, ?, ?, ?)",
            session, email, to_text(issued_at), seen_from,
        )
    )  # fmt: skip


def known(db: Database, session: str) -> bool:
    return db.one("SELECT 1 FROM sessions WHERE id = ?", session) is not None


def is_open(db: Database, session: str, now: datetime) -> bool:
    row = db.one("SELECT began_at FROM sessions WHERE id = ? AND ended_at IS NULL", session)
    return row is not None and now - to_moment(row["began_at"]) < LASTS


def why_over(db: Database, session: str, email: str, issued_at: datetime, now: datetime) -> str | None:
    """Why a session no longer opens anything, in one sentence; None while it does. A session that was never seen
    before counts as signed out when its token is older than the person's last sign-out."""
    if now - issued_at >= LASTS:
        return f"Your session ended {LASTS.seconds // 3600} hours after you signed in."
    row = db.one("SELECT ended_at FROM sessions WHERE id = ?", session)
    out = db.one("SELECT at FROM sign_outs WHERE email = ?", email)
    # Tokens count in whole seconds: one issued in the second of the sign-out may be the next sign-in.
    before = bool(out) and issued_at < to_moment(out["at"]).replace(microsecond=0) if out else False
    return "You signed out." if (row["ended_at"] if row else before) else None


def end_all(db: Database, email: str, now: datetime) -> None:
    """Every session of a person ends, in every tab and on every machine, and what groups gave goes with it."""
    db.execute("UPDATE sessions SET ended_at = ? WHERE email = ? AND ended_at IS NULL", to_text(now), email)
    db.execute("INSERT OR REPLACE INTO sign_outs (email, at) VALUES (?, ?)", email, to_text(now))
    drop_group_roles(db, email)


def forget_old(db: Database, now: datetime) -> None:
    """Sessions that are over by age need no row: their tokens say so themselves."""
    db.execute("DELETE FROM sessions WHERE began_at < ?", to_text(now - LASTS))
    db.execute("DELETE FROM sign_outs WHERE at < ?", to_text(now - LASTS))


# --- roles by group -----------------------------------------------------------------------------------------


def put_group_roles(
    db: Database, email: str, roles: Iterable[tuple[Role, int | None]], until: datetime
) -> frozenset[tuple[Role, int | None]]:
    """What the groups of a sign-in give, in place of what those of an earlier one gave; returns what they gave."""
    before = group_roles(db, email)
    drop_group_roles(db, email)
    db.many(
        "INSERT OR IGNORE INTO group_roles (email, role, customer_id, until) VALUES (?, ?, ?, ?)",
        [(email, role.value, customer_id, to_text(until)) for role, customer_id in roles],
    )
    return before


def group_roles(db: Database, email: str) -> frozenset[tuple[Role, int | None]]:
    rows = db.all("SELECT role, customer_id FROM group_roles WHERE email = ?", email)
    return frozenset((Role(row["role"]), row["customer_id"]) for row in rows)


def drop_group_roles(db: Database, email: str) -> None:
    db.execute("DELETE FROM group_roles WHERE email = ?", email)


def drop_group_role(db: Database, email: str, customer_id: int | None) -> list[Role]:
    """Returns which there were."""
    had = sorted(role for role, whose in group_roles(db, email) if whose == customer_id)
    db.execute("DELETE FROM group_roles WHERE email = ? AND customer_id IS ?", email, customer_id)
    return had
