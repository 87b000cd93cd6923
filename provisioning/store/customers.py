"""Customers and what belongs to them: members, connections, domains, and the versions of mapping and settings."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from provisioning.database import Database, Row
from provisioning.errors import NotFound
from provisioning.model import Attribute, Connection, Customer, Domain, Field, Member, ReportName, Role, Settings
from provisioning.store.codec import from_json, to_json, to_moment, to_text


def find_customer(db: Database, name: str) -> Customer | None:
    row = db.one("SELECT * FROM customers WHERE name = ?", name)
    return _customer(row) if row else None


def get_customer(db: Database, name: str) -> Customer:
    """Raises `NotFound`; which there are is said where it is known who asks."""
    found = find_customer(db, name)
    if found is None:
        raise NotFound(f"There is no customer “{name}”.")
    return found


def customers(db: Database) -> list[Customer]:
    return [_customer(row) for row in db.all("SELECT * FROM customers ORDER BY name")]


def _customer(row: Row) -> Customer:
    left_at = to_moment(row["left_at"]) if row["left_at"] else None
    return Customer(
        row["id"], row["name"], row["seats"], row["price_per_user"], row["retention_days"], left_at, row["currency"]
    )


def save_customer(
    db: Database, name: str, seats: int | None, price: str | None, retention_days: int, currency: str | None = None
) -> int:
    """Create or change; returns the id."""
    db.execute(
        "INSERT INTO customers (name, seats, price_per_user, retention_days, currency) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET seats = excluded.seats, price_per_user = excluded.price_per_user, "
        "retention_days = excluded.retention_days, currency = excluded.currency",
        name, seats, price, retention_days, currency,
    )  # fmt: skip
    return get_customer(db, name).id


# --- members ----------------------------------------------------------------------------------------------


def members(db: Database, customer_id: int) -> list[Member]:
    """Everybody with a role for this customer, the CSMs of every customer included, by e-mail."""
    rows = db.all(
        "SELECT * FROM members WHERE customer_id = ? OR customer_id IS NULL ORDER BY email, customer_id", customer_id
    )
    return [Member(row["email"], Role(row["role"]), row["customer_id"]) for row in rows]


def in_charge(db: Database, customer_id: int) -> list[str]:
    """The e-mails of everybody who manages this customer, by grant or by group, over or not."""
    rows = db.all(
        "SELECT email FROM members WHERE customer_id = ?1 OR customer_id IS NULL UNION "
        "SELECT email FROM group_roles WHERE customer_id = ?1 OR customer_id IS NULL ORDER BY email",
        customer_id,
    )
    return [row["email"] for row in rows]


def roles(db: Database, email: str, customer_id: int | None, now: datetime) -> frozenset[Role]:
    """Somebody's roles for a customer: granted here, or given by a group at the last sign-in and not over yet."""
    rows = db.all(
        "SELECT role FROM members WHERE email = ?1 AND (customer_id IS NULL OR customer_id = ?2) UNION "
        "SELECT role FROM group_roles WHERE email = ?1 AND (customer_id IS NULL OR customer_id = ?2) AND until > ?3",
        email,
        customer_id,
        to_text(now),
    )
    return frozenset(Role(row["role"]) for row in rows)


def is_anybody(db: Database, email: str, now: datetime) -> bool:
    """Whether somebody has any role at all, for any customer."""
    row = db.one(
        "SELECT 1 FROM members WHERE email = ?1 UNION SELECT 1 FROM group_roles WHERE email = ?1 AND until > ?2",
        email,
        to_text(now),
    )
    return row is not None


def admins(db: Database, customer_id: int) -> frozenset[str]:
    """Who was granted the role admin for a customer."""
    rows = db.all("SELECT email FROM members WHERE customer_id = ? AND role = ?", customer_id, Role.ADMIN.value)
    return frozenset(row["email"] for row in rows)


def granted(db: Database, email: str, customer_id: int | None) -> Role | None:
    """The role that somebody was granted for this customer (None: for every one), groups aside."""
    row = db.one("SELECT role FROM members WHERE email = ? AND customer_id IS ?", email, customer_id)
    return Role(row["role"]) if row else None


def grant(db: Database, email: str, role: Role, customer_id: int | None, at: datetime) -> bool:
    """Give a role, replacing another one there; returns whether anything changed."""
    if granted(db, email, customer_id) is role:
        return False
    revoke(db, email, customer_id)
    db.insert("members", email=email, role=role.value, customer_id=customer_id, granted_at=to_text(at))
    return True


def revoke(db: Database, email: str, customer_id: int | None) -> bool:
    """Returns whether there was a role to take away."""
    return bool(db.execute("DELETE FROM members WHERE email = ? AND customer_id IS ?", email, customer_id))


# --- connections ------------------------------------------------------------------------------------------


def connections(db: Database, customer_id: int) -> list[Connection]:
    return [
        _connection(row) for row in db.all("SELECT * FROM connections WHERE customer_id = ? ORDER BY name", customer_id)
    ]


def _connection(row: Row) -> Connection:
    return Connection(
        row["id"], row["customer_id"], row["name"], row["base_url"], row["service_user_id"], row["report"], row["type"]
    )


def token_variable(db: Database, connection_id: int) -> str | None:
    row = db.one("SELECT token_env FROM connections WHERE id = ?", connection_id)
    return row["token_env"] if row else None


def webhook_variable(db: Database, connection_id: int) -> str | None:
    row = db.one("SELECT webhook_env FROM connections WHERE id = ?", connection_id)
    return row["webhook_env"] if row else None


def save_webhook_variable(db: Database, connection_id: int, variable: str) -> None:
    db.execute("UPDATE connections SET webhook_env = ? WHERE id = ?", variable, connection_id)


def save_connection(db: Database, connection: Connection, token_env: str | None) -> int:
    """Create or change by customer and name (`connection.id` is not looked at); returns the id. The cached metadata
    is as good as old when the connection now leads elsewhere."""
    db.execute(
        "INSERT INTO connections (customer_id, name, type, base_url, service_user_id, report, token_env) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (customer_id, name) DO UPDATE SET type = excluded.type, "
        "metadata_at = CASE WHEN base_url = excluded.base_url AND service_user_id IS excluded.service_user_id "
        "THEN metadata_at ELSE '1970-01-01T00:00:00.000000Z' END, "
        "base_url = excluded.base_url, "
        "service_user_id = excluded.service_user_id, report = excluded.report, token_env = excluded.token_env",
        connection.customer_id, connection.name, connection.type, connection.base_url, connection.service_user_id,
        connection.report, token_env,
    )  # fmt: skip
    row = db.one(
        "SELECT id FROM connections WHERE customer_id = ? AND name = ?", connection.customer_id, connection.name
    )
    return int(row["id"]) if row else 0


def metadata(db: Database, connection_id: int) -> tuple[tuple[Field, ...], datetime] | None:
    """HiBob's cached field list and when it was read."""
    row = db.one("SELECT metadata, metadata_at FROM connections WHERE id = ?", connection_id)
    if row is None or row["metadata"] is None:
        return None
    return from_json(row["metadata"], tuple[Field, ...]), to_moment(row["metadata_at"])


def save_metadata(db: Database, connection_id: int, fields: tuple[Field, ...], at: datetime) -> None:
    db.execute(
        "UPDATE connections SET metadata = ?, metadata_at = ? WHERE id = ?", to_json(fields), to_text(at), connection_id
    )


def reports(db: Database, connection_id: int) -> tuple[ReportName, ...]:
    """The custom reports that the last test of the connection found."""
    row = db.one("SELECT reports FROM connections WHERE id = ?", connection_id)
    return from_json(row["reports"], tuple[ReportName, ...]) if row else ()


def save_reports(db: Database, connection_id: int, found: tuple[ReportName, ...]) -> None:
    db.execute("UPDATE connections SET reports = ? WHERE id = ?", to_json(found), connection_id)


# --- domains ----------------------------------------------------------------------------------------------

_DOMAINS = """
SELECT d.id, d.customer_id, c.name AS customer, d.name, m.attributes, m.version AS mapping_version,
       m.by AS mapping_by, s.settings, s.version AS settings_version, d.left_at
FROM domains d JOIN customers c ON c.id = d.customer_id
JOIN mappings m ON m.domain_id = d.id AND m.version = (SELECT max(version) FROM mappings WHERE domain_id = d.id)
JOIN settings s ON s.domain_id = d.id AND s.version = (SELECT max(version) FROM settings WHERE domain_id = d.id)
"""


def domains(db: Database, customer_id: int) -> list[Domain]:
    """Without those that left."""
    return [each for each in domains_ever(db, customer_id) if each.left_at is None]


def domains_ever(db: Database, customer_id: int) -> list[Domain]:
    """Those that left too."""
    return [_domain(row) for row in db.all(f"{_DOMAINS} WHERE d.customer_id = ? ORDER BY d.name", customer_id)]


def all_domains(db: Database) -> list[Domain]:
    """Those of every customer, without those that left."""
    return [_domain(row) for row in db.all(f"{_DOMAINS} WHERE d.left_at IS NULL ORDER BY c.name, d.name")]


def customers_of_domains(db: Database) -> dict[int, int]:
    """Domain → customer, of every domain, by id."""
    return {row["id"]: row["customer_id"] for row in db.all("SELECT id, customer_id FROM domains")}


def find_domain(db: Database, label: str) -> Domain | None:
    """The domain of `CUSTOMER/DOMAIN`. Names may hold slashes: the longest customer name that fits is taken."""
    parts = label.split("/")
    for cut in range(len(parts) - 1, 0, -1):
        customer, name = "/".join(parts[:cut]), "/".join(parts[cut:])
        row = db.one(f"{_DOMAINS} WHERE c.name = ? AND d.name = ?", customer, name)
        if row:
            return _domain(row)
    return None


def get_domain(db: Database, label: str, seen: Collection[int] | None = None) -> Domain:
    """The domain of `CUSTOMER/DOMAIN`. Raises `NotFound` with what there is, of the customers in `seen` alone if these
    are given (by id)."""
    found = find_domain(db, label)
    if found:
        return found
    known = [row["label"] for row in db.all(
        "SELECT c.id, c.name || '/' || d.name AS label FROM domains d JOIN customers c ON c.id = d.customer_id ORDER BY 2"
    ) if seen is None or row["id"] in seen]  # fmt: skip
    have = f"Known: {', '.join(known[:10])}." if known else "There is none yet: create one with `setup FILE.toml`."
    raise NotFound(f"There is no domain “{label}” (written CUSTOMER/DOMAIN). {have}")


def domain_by_id(db: Database, domain_id: int) -> Domain:
    row = db.one(f"{_DOMAINS} WHERE d.id = ?", domain_id)
    if row is None:
        raise NotFound("This domain is no longer there.")
    return _domain(row)


def label_of(db: Database, domain_id: int) -> str:
    """`CUSTOMER/DOMAIN`, also where the rest of it cannot be read; "" when there is none."""
    row = db.one(
        "SELECT c.name || '/' || d.name AS label FROM domains d JOIN customers c ON c.id = d.customer_id WHERE d.id = ?",
        domain_id,
    )
    return row["label"] if row else ""


def _domain(row: Row) -> Domain:
    return Domain(
        id=row["id"],
        customer_id=row["customer_id"],
        customer=row["customer"],
        name=row["name"],
        attributes=from_json(row["attributes"], tuple[Attribute, ...]),
        mapping_version=row["mapping_version"],
        mapping_by=row["mapping_by"],
        settings=from_json(row["settings"], Settings),
        settings_version=row["settings_version"],
        left_at=to_moment(row["left_at"]) if row["left_at"] else None,
    )


def create_domain(db: Database, customer_id: int, name: str) -> int:
    return db.insert("domains", customer_id=customer_id, name=name)


def delete_domain(db: Database, domain_id: int) -> None:
    db.execute("DELETE FROM domains WHERE id = ?", domain_id)


def delete_connection(db: Database, connection_id: int) -> None:
    db.execute("DELETE FROM connections WHERE id = ?", connection_id)


def save_mapping(db: Database, domain_id: int, attributes: tuple[Attribute, ...], by: str, at: datetime) -> int | None:
    """A new version, unless it says the same as the last; returns its number."""
    return _save_version(db, "mappings", "attributes", domain_id, to_json(attributes), by, at)


def save_settings(db: Database, domain_id: int, settings: Settings, by: str, at: datetime) -> int | None:
    """A new version, unless it says the same as the last; returns its number."""
    return _save_version(db, "settings", "settings", domain_id, to_json(settings), by, at)


def _save_version(
    db: Database, table: str, column: str, domain_id: int, content: str, by: str, at: datetime
) -> int | None:
    last = db.one(
        f"SELECT version, {column} AS content FROM {table} WHERE domain_id = ? ORDER BY version DESC", domain_id
    )
    if last and last["content"] == content:
        return None
    version = last["version"] + 1 if last else 1
    db.execute(
        f"INSERT INTO {table} (domain_id, version, saved_at, by, {column}) VALUES (?, ?, ?, ?, ?)",
        domain_id, version, to_text(at), by, content,
    )  # fmt: skip
    return version


def mapping_at(db: Database, domain_id: int, version: int) -> tuple[tuple[Attribute, ...], str]:
    """(attributes, who saved them) of one version; nothing and nobody when there is none."""
    row = db.one("SELECT attributes, by FROM mappings WHERE domain_id = ? AND version = ?", domain_id, version)
    return (from_json(row["attributes"], tuple[Attribute, ...]), row["by"]) if row else ((), "")


def mapping_versions(db: Database, domain_id: int) -> list[tuple[int, datetime, str, tuple[Attribute, ...]]]:
    """Every version of a domain's mapping, oldest first: (version, when, who, attributes)."""
    rows = db.all("SELECT * FROM mappings WHERE domain_id = ? ORDER BY version", domain_id)
    return [
        (row["version"], to_moment(row["saved_at"]), row["by"], from_json(row["attributes"], tuple[Attribute, ...]))
        for row in rows
    ]


def settings_as_of(db: Database, domain_id: int, at: datetime) -> Settings | None:
    """The settings that were in force at a moment; None before the first."""
    row = db.one(
        "SELECT settings FROM settings WHERE domain_id = ? AND saved_at <= ? ORDER BY version DESC",
        domain_id,
        to_text(at),
    )
    return from_json(row["settings"], Settings) if row else None


def settings_at(db: Database, domain_id: int, version: int) -> Settings:
    """The settings of one version; those that nobody chose when there is none."""
    row = db.one("SELECT settings FROM settings WHERE domain_id = ? AND version = ?", domain_id, version)
    return from_json(row["settings"], Settings) if row else Settings()


def standing(db: Database, domain_id: int) -> tuple[dict[str, object] | None, list[str]]:
    """The domain's schedule and the variables that its notification targets came from."""
    row = db.one("SELECT schedule, notify FROM domains WHERE id = ?", domain_id)
    if row is None:
        raise NotFound("This domain is no longer there.")
    schedule = msgspec.json.decode(row["schedule"], type=dict[str, object]) if row["schedule"] else None
    return schedule, from_json(row["notify"], list[str])


def save_standing(db: Database, domain_id: int, schedule: object, notify: list[str]) -> bool:
    """Returns whether anything changed."""
    new = (to_json(schedule) if schedule else None, to_json(notify))
    row = db.one("SELECT schedule, notify FROM domains WHERE id = ?", domain_id)
    if row and (row["schedule"], row["notify"]) == new:
        return False
    db.execute("UPDATE domains SET schedule = ?, notify = ? WHERE id = ?", *new, domain_id)
    return True


def pause(db: Database, domain_id: int, reason: str) -> bool:
    """Let a domain's schedule rest; returns whether there is one that was not resting yet."""
    row = db.one("SELECT schedule, paused FROM domains WHERE id = ?", domain_id)
    if row is None or row["schedule"] is None or row["paused"]:
        return False
    db.execute("UPDATE domains SET paused = ? WHERE id = ?", reason, domain_id)
    return True
