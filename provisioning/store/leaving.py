"""Letting go: what belongs to a domain, connection or customer that leaves goes, and the row stays to be read."""

from datetime import datetime

from provisioning.database import Database
from provisioning.store import customers
from provisioning.store.codec import to_text
from provisioning.store.secrets import connection_owner, drop_notify_secrets, drop_secret, scim_owner, webhook_owner

_OF_A_DOMAIN = (
    "DELETE FROM schedules WHERE domain_id = ?",
    "DELETE FROM webhooks WHERE domain_id = ?",
    "DELETE FROM deliveries WHERE next_at IS NOT NULL AND message_id IN (SELECT id FROM messages WHERE domain_id = ?)",
    "DELETE FROM jobs WHERE state = 'waiting' AND domain_id = ?",
    "DELETE FROM drafts WHERE domain_id = ?",
    "DELETE FROM decisions WHERE domain_id = ?",
    "DELETE FROM absences WHERE domain_id = ?",
    "DELETE FROM baselines WHERE domain_id = ?",
)
"""Previews, runs, the mapping and the settings stay, as long as the customer's retention says; and so do its users."""


def leave_domain(db: Database, domain_id: int, at: datetime) -> None:
    """Part of the caller's transaction, as all here."""
    for statement in _OF_A_DOMAIN:
        db.execute(statement, domain_id)
    drop_notify_secrets(db, domain_id, 0, all_of_them=True)
    drop_secret(db, scim_owner(domain_id))
    customers.save_standing(db, domain_id, None, [])
    db.execute("UPDATE domains SET left_at = ?, paused = NULL WHERE id = ?", to_text(at), domain_id)


def leave_connection(db: Database, connection_id: int) -> None:
    drop_secret(db, connection_owner(connection_id))
    drop_secret(db, webhook_owner(connection_id))
    customers.delete_connection(db, connection_id)


def leave_customer(db: Database, customer_id: int, at: datetime) -> None:
    db.execute("UPDATE customers SET left_at = ? WHERE id = ?", to_text(at), customer_id)


def take_up_domain(db: Database, domain_id: int) -> None:
    """The same domain again, with the users that it has."""
    db.execute("UPDATE domains SET left_at = NULL WHERE id = ?", domain_id)


def take_up_customer(db: Database, customer_id: int) -> bool:
    """Returns whether the customer had left."""
    return bool(db.execute("UPDATE customers SET left_at = NULL WHERE id = ? AND left_at IS NOT NULL", customer_id))
