"""How fast runs were: measured with each run, added up when it is resumed, and what the next preview is forecast by."""

from provisioning.database import Database, Row
from provisioning.model import Speed


def add_speed(db: Database, run_id: str, speed: Speed) -> None:
    """What one attempt of a run took, on top of those before it. The rate that the target allows is the last one known."""
    db.execute(
        "INSERT INTO run_speeds (run_id, people, seconds, requests, allowed) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (run_id) DO UPDATE SET people = people + excluded.people, seconds = seconds + excluded.seconds, "
        "requests = requests + excluded.requests, allowed = coalesce(excluded.allowed, allowed)",
        run_id, speed.people, speed.seconds, speed.requests, speed.allowed,
    )  # fmt: skip


def speed_of(db: Database, run_id: str) -> Speed | None:
    row = db.one("SELECT * FROM run_speeds WHERE run_id = ?", run_id)
    return _speed(row) if row else None


def usual_speed(db: Database, domain_id: int, most_runs: int, fewest_people: int) -> Speed | None:
    """That of the largest of the domain's last runs: in a small one, beginning and ending take most of the time. None
    before one of so many people."""
    row = db.one(
        "SELECT * FROM (SELECT s.* FROM run_speeds s JOIN runs r ON r.id = s.run_id WHERE r.domain_id = ? "
        "ORDER BY r.rowid DESC LIMIT ?) WHERE people >= ? ORDER BY people DESC LIMIT 1",
        domain_id, most_runs, fewest_people,
    )  # fmt: skip
    return _speed(row) if row else None


def _speed(row: Row) -> Speed:
    return Speed(row["people"], row["seconds"], row["requests"], row["allowed"])
