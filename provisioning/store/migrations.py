"""The tables, as an ordered list of migrations. Each and its record are one transaction; a migration that has
been released is never edited. Everything that is text is declared TEXT: SQLite's affinity would turn ids to numbers.
Ids are never used again (AUTOINCREMENT): history and secrets outlive what they were about.
"""

from pathlib import Path

from sqlite_utils import Database as UtilsDatabase
from sqlite_utils import Migrations

from provisioning.database import Database
from provisioning.errors import SettingsError

migrations = Migrations("rollcall")

_FIRST = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, seats INTEGER, price_per_user TEXT,
    retention_days INTEGER NOT NULL DEFAULT 730
);
CREATE TABLE members (
    email TEXT NOT NULL, role TEXT NOT NULL, customer_id INTEGER REFERENCES customers(id) ON DELETE CASCADE,
    granted_at TEXT NOT NULL
);
CREATE UNIQUE INDEX one_role_per_customer ON members (email, coalesce(customer_id, 0));
CREATE TABLE connections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE,
    name TEXT NOT NULL, type TEXT NOT NULL, base_url TEXT NOT NULL, service_user_id TEXT, report INTEGER,
    token_env TEXT, metadata TEXT, metadata_at TEXT, UNIQUE (customer_id, name)
);
CREATE TABLE secrets (
    owner TEXT PRIMARY KEY, cipher BLOB NOT NULL, set_at TEXT NOT NULL, ends_in TEXT NOT NULL
);
CREATE TABLE domains (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE,
    name TEXT NOT NULL, schedule TEXT, notify TEXT NOT NULL DEFAULT '[]', UNIQUE (customer_id, name)
);
CREATE TABLE mappings (
    domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, version INTEGER NOT NULL,
    saved_at TEXT NOT NULL, by TEXT NOT NULL, attributes TEXT NOT NULL, PRIMARY KEY (domain_id, version)
);
CREATE TABLE settings (
    domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, version INTEGER NOT NULL,
    saved_at TEXT NOT NULL, by TEXT NOT NULL, settings TEXT NOT NULL, PRIMARY KEY (domain_id, version)
);
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
    external_id TEXT, status TEXT NOT NULL, attributes TEXT NOT NULL
);
CREATE UNIQUE INDEX one_user_per_external_id ON users (domain_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX users_of_domain ON users (domain_id);
CREATE TABLE plans (
    id TEXT PRIMARY KEY, domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
    made_at TEXT NOT NULL, read_at TEXT NOT NULL, by TEXT NOT NULL, mapping_version INTEGER NOT NULL,
    settings_version INTEGER NOT NULL, attributes TEXT NOT NULL, status TEXT NOT NULL, digest TEXT NOT NULL,
    counts TEXT NOT NULL, findings TEXT NOT NULL, baseline BLOB
);
CREATE INDEX plans_of_domain ON plans (domain_id, made_at);
CREATE TABLE changes (
    plan_id TEXT NOT NULL REFERENCES plans(id) ON DELETE CASCADE, seq INTEGER NOT NULL, key TEXT NOT NULL,
    action TEXT NOT NULL, why TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, user_id TEXT,
    seen TEXT, name TEXT NOT NULL, PRIMARY KEY (plan_id, seq)
) WITHOUT ROWID;
CREATE INDEX changes_of_person ON changes (key);
CREATE TABLE held (
    plan_id TEXT NOT NULL REFERENCES plans(id) ON DELETE CASCADE, seq INTEGER NOT NULL, key TEXT NOT NULL,
    code TEXT NOT NULL, why TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (plan_id, seq)
) WITHOUT ROWID;
CREATE TABLE absences (
    domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, user_id TEXT NOT NULL,
    reads INTEGER NOT NULL, counted_at TEXT NOT NULL, PRIMARY KEY (domain_id, user_id)
) WITHOUT ROWID;
CREATE TABLE baselines (
    domain_id INTEGER PRIMARY KEY REFERENCES domains(id) ON DELETE CASCADE, plan_id TEXT NOT NULL,
    baseline BLOB NOT NULL
);
CREATE TABLE decisions (
    domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, kind TEXT NOT NULL, key TEXT NOT NULL,
    other TEXT NOT NULL DEFAULT '', at TEXT NOT NULL, by TEXT NOT NULL, plan_id TEXT NOT NULL,
    PRIMARY KEY (domain_id, kind, key, other)
) WITHOUT ROWID;
CREATE TABLE approvals (
    id INTEGER PRIMARY KEY, plan_id TEXT NOT NULL REFERENCES plans(id) ON DELETE CASCADE, digest TEXT NOT NULL,
    by TEXT NOT NULL, at TEXT NOT NULL, left_out TEXT NOT NULL, overrides TEXT NOT NULL, workbook INTEGER NOT NULL
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, plan_id TEXT NOT NULL REFERENCES plans(id) ON DELETE CASCADE,
    domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, status TEXT NOT NULL,
    started_at TEXT NOT NULL, ended_at TEXT, by TEXT NOT NULL, retry_of TEXT, stop_asked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_of_plan ON runs (plan_id);
CREATE TABLE outcomes (
    run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, seq INTEGER NOT NULL, key TEXT NOT NULL,
    action TEXT NOT NULL, result TEXT NOT NULL, message TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
CREATE TABLE leases (
    domain_id INTEGER PRIMARY KEY REFERENCES domains(id) ON DELETE CASCADE, host TEXT NOT NULL, pid INTEGER NOT NULL,
    process_start TEXT NOT NULL, token TEXT NOT NULL, doing TEXT NOT NULL, renewed_at TEXT NOT NULL
);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY, domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
    kind TEXT NOT NULL, plan_id TEXT, by TEXT NOT NULL, asked_at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    started_at TEXT, ended_at TEXT, result TEXT, error TEXT
);
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE TABLE history (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, customer_id INTEGER, domain_id INTEGER, who TEXT NOT NULL,
    what TEXT NOT NULL, plan_id TEXT, run_id TEXT, details TEXT NOT NULL, salt TEXT NOT NULL, digest TEXT NOT NULL,
    chain TEXT NOT NULL
);
CREATE INDEX history_of_customer ON history (customer_id, domain_id);
"""


@migrations()
def first_tables(db: UtilsDatabase) -> None:
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            db.execute(statement)


@migrations()
def drafts_and_progress(db: UtilsDatabase) -> None:
    """What somebody was in the middle of, and how far a job is: both survive a closed tab."""
    db.execute(
        "CREATE TABLE drafts (domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, kind TEXT NOT NULL, "
        "by TEXT NOT NULL, based_on INTEGER NOT NULL, content TEXT NOT NULL, saved_at TEXT NOT NULL, "
        "PRIMARY KEY (domain_id, kind, by)) WITHOUT ROWID"
    )
    db.execute("ALTER TABLE jobs ADD COLUMN step TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX jobs_of_domain ON jobs (domain_id, id)")


@migrations()
def report_list(db: UtilsDatabase) -> None:
    """The custom reports that a connection may read, as its last test found them."""
    db.execute("ALTER TABLE connections ADD COLUMN reports TEXT NOT NULL DEFAULT '[]'")


@migrations()
def decisions_and_undo(db: UtilsDatabase) -> None:
    """Who looked like one person in a plan; whose way back a plan is; why a schedule rests."""
    db.execute("ALTER TABLE plans ADD COLUMN proposals TEXT NOT NULL DEFAULT '[]'")
    db.execute("ALTER TABLE plans ADD COLUMN undo_of TEXT")
    db.execute("ALTER TABLE domains ADD COLUMN paused TEXT")
    db.execute("ALTER TABLE jobs ADD COLUMN details TEXT NOT NULL DEFAULT ''")


@migrations()
def workbook_signature(db: UtilsDatabase) -> None:
    """Who decided, as the workbook says: not necessarily who uploaded it."""
    db.execute("ALTER TABLE approvals ADD COLUMN signed_by TEXT NOT NULL DEFAULT ''")


@migrations()
def plan_evidence(db: UtilsDatabase) -> None:
    """What the read of a plan proved, for people to look at; empty for plans of earlier versions."""
    db.execute("ALTER TABLE plans ADD COLUMN evidence TEXT NOT NULL DEFAULT ''")


@migrations()
def why_a_run_stopped(db: UtilsDatabase) -> None:
    """One sentence, for a run that stopped although nobody asked it to."""
    db.execute("ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT ''")


@migrations()
def schedules(db: UtilsDatabase) -> None:
    """Where each schedule stands, what people were told, and whether a target heard it; which approvals were standing."""
    db.execute(
        "CREATE TABLE schedules (domain_id INTEGER PRIMARY KEY REFERENCES domains(id) ON DELETE CASCADE, wake_at TEXT, "
        "state TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX schedules_by_time ON schedules (wake_at)")
    db.execute(
        "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, domain_id INTEGER NOT NULL "
        "REFERENCES domains(id) ON DELETE CASCADE, at TEXT NOT NULL, about TEXT NOT NULL, title TEXT NOT NULL, "
        "body TEXT NOT NULL, link TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX messages_of_domain ON messages (domain_id, id)")
    db.execute(
        "CREATE TABLE deliveries (message_id INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE, "
        "place INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_at TEXT, tried_at TEXT, "
        "problem TEXT NOT NULL DEFAULT '', PRIMARY KEY (message_id, place)) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX deliveries_by_time ON deliveries (next_at)")
    db.execute(
        "CREATE TABLE webhooks (domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, "
        "digest TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (domain_id, digest)) WITHOUT ROWID"
    )
    db.execute("ALTER TABLE customers ADD COLUMN paused TEXT")
    db.execute("ALTER TABLE connections ADD COLUMN webhook_env TEXT")
    db.execute("ALTER TABLE approvals ADD COLUMN standing INTEGER NOT NULL DEFAULT 0")


@migrations()
def sessions(db: UtilsDatabase) -> None:
    """Sign-ins and sign-outs, and the roles that the identity provider's groups give until `until`."""
    db.execute(
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, email TEXT NOT NULL, began_at TEXT NOT NULL, "
        "seen_from TEXT NOT NULL, ended_at TEXT) WITHOUT ROWID"
    )
    db.execute("CREATE INDEX sessions_of_person ON sessions (email)")
    db.execute("CREATE TABLE sign_outs (email TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID")
    db.execute(
        "CREATE TABLE group_roles (email TEXT NOT NULL, role TEXT NOT NULL, "
        "customer_id INTEGER REFERENCES customers(id) ON DELETE CASCADE, until TEXT NOT NULL)"
    )
    db.execute("CREATE UNIQUE INDEX one_group_role ON group_roles (email, coalesce(customer_id, 0), role)")


@migrations()
def leaving(db: UtilsDatabase) -> None:
    """Whoever left stays as a row, so that what happened can be read and nobody's account is lost; which plans archive
    everybody before that."""
    db.execute("ALTER TABLE customers ADD COLUMN left_at TEXT")
    db.execute("ALTER TABLE domains ADD COLUMN left_at TEXT")
    db.execute("ALTER TABLE plans ADD COLUMN farewell INTEGER NOT NULL DEFAULT 0")


@migrations()
def runs_over_time(db: UtilsDatabase) -> None:
    """What a run leaves behind in numbers, so that trends need not count outcomes: the live users then (unknown for runs
    of earlier versions), and how many it added and archived."""
    for column in ("live INTEGER", "added INTEGER NOT NULL DEFAULT 0", "archived INTEGER NOT NULL DEFAULT 0"):
        db.execute(f"ALTER TABLE runs ADD COLUMN {column}")
    for column, action in (("added", "add"), ("archived", "archive")):
        db.execute(
            f"UPDATE runs SET {column} = (SELECT count(*) FROM outcomes WHERE run_id = runs.id AND action = ? AND result = 'done')",
            (action,),
        )
    db.execute("CREATE INDEX runs_by_time ON runs (ended_at)")
    db.execute("CREATE INDEX runs_of_domain ON runs (domain_id, ended_at)")


@migrations()
def values_seen(db: UtilsDatabase) -> None:
    """The values of listed columns, and when each was read first."""
    db.execute(
        "CREATE TABLE values_seen (domain_id INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE, "
        "watched TEXT NOT NULL, value TEXT NOT NULL, first_at TEXT NOT NULL, PRIMARY KEY (domain_id, watched, value)) "
        "WITHOUT ROWID"
    )


@migrations()
def run_speeds(db: UtilsDatabase) -> None:
    """What each run took, to forecast the next by."""
    db.execute(
        "CREATE TABLE run_speeds (run_id TEXT PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE, people INTEGER NOT NULL, "
        "seconds REAL NOT NULL, requests INTEGER NOT NULL, allowed REAL) WITHOUT ROWID"
    )


@migrations()
def identifiers(db: UtilsDatabase) -> None:
    """Each user's unique identifier, NULL until the local directory looks at the domain next, and of which attribute a
    domain's are the values. They replace an index for every attribute that was ever a unique identifier."""
    made = db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'users_by_*'").fetchall()
    for (name,) in made:
        db.execute(f"DROP INDEX {name}")
    db.execute("ALTER TABLE users ADD COLUMN identifier TEXT")
    db.execute("ALTER TABLE domains ADD COLUMN identified_by TEXT")
    db.execute("CREATE INDEX users_by_identifier ON users (domain_id, identifier)")


@migrations()
def user_marks(db: UtilsDatabase) -> None:
    """A random number in each user's row that is another one after every write, whoever writes (but for somebody who copies
    whole rows with their marks), so that the next read need not decode whoever has the same. Random, because after a restored
    backup a count would come to the same number again."""
    db.execute("ALTER TABLE users ADD COLUMN mark INTEGER")
    db.execute("UPDATE users SET mark = random()")
    anew = "BEGIN UPDATE users SET mark = random() WHERE id = new.id; END"
    db.execute(
        "CREATE TRIGGER user_marked AFTER UPDATE OF domain_id, external_id, status, attributes ON users "
        f"WHEN new.mark IS old.mark {anew}"
    )
    db.execute(f"CREATE TRIGGER user_marked_first AFTER INSERT ON users WHEN new.mark IS NULL {anew}")


@migrations()
def reactivated(db: UtilsDatabase) -> None:
    """How many each run reactivated, for trends. What has no outcomes any more reactivated nobody that is known."""
    db.execute("ALTER TABLE runs ADD COLUMN reactivated INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "UPDATE runs SET reactivated = (SELECT count(*) FROM outcomes WHERE run_id = runs.id AND action = 'reactivate' AND result = 'done')"
    )


@migrations()
def currencies(db: UtilsDatabase) -> None:
    """In which currency a customer's price per user is; and the approvals of a plan are found without reading all of them."""
    db.execute("ALTER TABLE customers ADD COLUMN currency TEXT")
    db.execute("CREATE INDEX approvals_of_plan ON approvals (plan_id)")


@migrations()
def workbooks_again(db: UtilsDatabase) -> None:
    """How the values of a plan are read, for plans from now on; and each workbook by which somebody approved: its content is
    NULL once it was removed."""
    db.execute(
        "CREATE TABLE legends (plan_id TEXT PRIMARY KEY REFERENCES plans(id) ON DELETE CASCADE, legend TEXT NOT NULL) "
        "WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE uploads (approval_id INTEGER PRIMARY KEY REFERENCES approvals(id) ON DELETE CASCADE, "
        "name TEXT NOT NULL, sha256 TEXT NOT NULL, content BLOB)"
    )


@migrations()
def values_looked_at(db: UtilsDatabase) -> None:
    """Whether somebody has looked at each value of a listed column since it turned up. Until now a saved mapping said so of all
    of them; what was there when its column was read first needs nobody's eye."""
    db.execute("ALTER TABLE values_seen ADD COLUMN looked_at INTEGER NOT NULL DEFAULT 0")
    db.execute(
        "UPDATE values_seen SET looked_at = 1 WHERE first_at <= "
        "(SELECT max(saved_at) FROM mappings WHERE domain_id = values_seen.domain_id) OR first_at = "
        "(SELECT min(first_at) FROM values_seen e WHERE e.domain_id = values_seen.domain_id AND e.watched = values_seen.watched)"
    )


def migrate(db: Database) -> None:
    """Bring the file up to date. Safe when several processes start at once: the check and the migrations are one
    immediate transaction (inside it sqlite-utils' own transactions are savepoints). Raises `SettingsError` as `refuse_later` does."""
    made = db.one("SELECT 1 FROM sqlite_master WHERE name = ?", migrations.migrations_table)
    if made:
        refuse_later(db.utils, db.path)
        if not migrations.pending(db.utils):
            return
    with db.transaction():
        if migrations.pending(db.utils):
            migrations.apply(db.utils)


def refuse_later(db: UtilsDatabase, path: Path) -> None:
    """Raises `SettingsError` for a file that a later version of Rollcall has written: what its tables mean by now is not known
    here. Only reads."""
    known = {each.name for each in migrations._migrations}
    later = [each.name for each in migrations.applied(db) if each.name not in known]
    if later:
        raise SettingsError(
            f"The database {path} was written by a later version of Rollcall ({', '.join(later)}). Install that "
            "version again, or restore the backup from before the upgrade."
        )
