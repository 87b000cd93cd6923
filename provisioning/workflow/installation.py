"""The installation as a whole: key, backup, restore, diagnosis."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlite_utils

from provisioning import notify
from provisioning.cluster import Cluster, hands_of
from provisioning.database import Database
from provisioning.errors import Refused, SettingsError, UsageError
from provisioning.hands import Here
from provisioning.hosts import HIBOB_HOSTS, allowed_hosts
from provisioning.store import customers, history, snapshots
from provisioning.store.leases import is_held
from provisioning.store.migrations import migrate, refuse_later
from provisioning.store.secrets import (
    begin_anew,
    get_secret,
    rotate_key,
)
from provisioning.workflow.house import (
    CARETAKERS,
    DATABASE,
    Workspace,
    record_event,
    record_unsealed,
    require,
    seal_at_commit,
)
from provisioning.workflow.looking import verify


def rotate(house: Workspace, *, lost: bool = False) -> int:
    """Encrypt all secrets with a new key; returns how many. `lost`: the old key is gone, so forget them instead."""
    require(house, None, CARETAKERS, "change the encryption key")
    if lost:
        house.vault, count = begin_anew(house.db, house.data, house.environment)
        house.sealer().anew()
        record_event(house, "encryption key begun anew", secrets_forgotten=count)
        return count
    with house.db.transaction():
        seal_at_commit(house)
    fits = house.sealer().problem() is None
    count = rotate_key(house.db, house.vault)
    del house.vault  # It holds the old keys.
    if fits:
        house.sealer().anew()
    record_event(house, "encryption key rotated", secrets=count)
    return count


def backup(house: Workspace, file: Path) -> None:
    """A consistent copy of the database, without the encryption key, readable by its owner alone."""
    require(house, None, CARETAKERS, "copy the database")
    if file.is_dir() or not file.name:
        raise UsageError(f"{file} is a folder; name a file for the backup.")
    new = file.with_name(file.name + ".new")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        with sqlite3.connect(new) as copy:
            house.db.connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # One file, with nothing beside it.
        copy.close()
        new.replace(file)
    except (OSError, sqlite3.Error) as problem:
        raise UsageError(f"The backup {file} cannot be written: {problem}.") from None


def restore(house: Workspace, file: Path) -> bool:
    """Replace the database by a backup, after checking that it is one of this version or an older one. Refused while a worker is
    busy. Returns whether the key fits it: then its history is sealed as it is, else once the key is back and somebody says so."""
    require(house, None, CARETAKERS, "replace the database")
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    if "db" not in vars(house):
        # Opened as it is: a later version may have written it, and this be the way back.
        house.db = Database(house.data / DATABASE)
    known = house.db.one("SELECT 1 FROM sqlite_master WHERE name = 'leases'")
    if known and any(is_held(house.db, row["domain_id"]) for row in house.db.all("SELECT domain_id FROM leases")):
        raise Refused("A worker is busy with a domain. Stop it, then restore.")
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
            tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master")}
            sound = copy.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            if not sound or not {"customers", "plans", "history"} <= tables:
                raise UsageError(f"{file} is not a sound backup of Rollcall’s database. Nothing was changed.")
            refuse_later(sqlite_utils.Database(copy), file)
            copy.backup(house.db.connection)
    except sqlite3.Error:
        raise UsageError(f"{file} is not a sound backup of Rollcall’s database. Nothing was changed.") from None
    migrate(house.db)
    # They belong to the database that was replaced, where the same domain may be another customer's.
    snapshots.drop_all(house.snapshots)
    # The seal was the other database's.
    house.sealer().file.unlink(missing_ok=True)
    record_unsealed(house, history.RESTORED)
    fits = _key_fits(house)
    if fits:
        house.sealer().anew()
    return fits


def _key_fits(house: Workspace) -> bool:
    """Whether the key opens what is stored."""
    vars(house).pop("vault", None)
    try:
        vault = house.vault
        for row in house.db.all("SELECT owner FROM secrets"):
            get_secret(house.db, vault, row["owner"])
    except SettingsError:
        return False
    return True


def seal_anew(house: Workspace, why: str) -> None:
    """Seal the history as it is, for somebody who knows that it is right, and record that."""
    require(house, None, CARETAKERS, "seal the history")
    house.sealer().anew()
    record_event(house, "history sealed anew", why=why)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that `doctor` looked at."""

    what: str
    fine: bool
    detail: str


def doctor(house: Workspace) -> list[Diagnosis]:
    """Is this installation sound: database, key, clock, hosts?"""
    require(house, None, CARETAKERS, "look at the whole installation")
    integrity = str(house.db.connection.execute("PRAGMA quick_check").fetchone()[0])
    owners = [row["owner"] for row in house.db.all("SELECT owner FROM secrets ORDER BY owner")]
    last = house.db.one("SELECT at FROM history ORDER BY seq DESC LIMIT 1")
    ahead = bool(last) and datetime.fromisoformat(last["at"]) > house.clock() + timedelta(minutes=1) if last else False
    return [
        Diagnosis("database", integrity == "ok", f"{house.db.path}: {integrity}"),
        _diagnose_key(house, owners),
        Diagnosis(
            "clock", not ahead, "set back since the last event" if ahead else f"{house.clock():%Y-%m-%d %H:%M} UTC"
        ),
        _diagnose_history(house),
        *_diagnose_metadata(house),
        *_diagnose_cluster(house),
        _diagnose_mail(house, owners),
        Diagnosis("hosts", True, ", ".join(sorted(HIBOB_HOSTS | allowed_hosts(house.environment)))),
    ]


def _diagnose_history(house: Workspace) -> Diagnosis:
    try:
        broken = verify(house).broken
    except SettingsError as problem:
        broken = str(problem)
    return Diagnosis("history", broken is None, broken or "chain unbroken")


def _diagnose_metadata(house: Workspace) -> Iterable[Diagnosis]:
    """How old each connection's cached list of HiBob's fields is; a day at most before it is read again."""
    for customer in customers.customers(house.db):
        for each in customers.connections(house.db, customer.id):
            cached = customers.metadata(house.db, each.id)
            hours = (house.clock() - cached[1]).total_seconds() / 3600 if cached else 0
            age = f"{len(cached[0]):,} fields, read {hours:.1f} hours ago" if cached else "not read yet"
            yield Diagnosis("fields", True, f"{customer.name}, {each.name}: {age}")


def _diagnose_cluster(house: Workspace) -> Iterable[Diagnosis]:
    """Whether the cluster that the environment names could read and plan for us now."""
    try:
        hands = hands_of(house.environment, Here())
    except SettingsError as problem:
        yield Diagnosis("cluster", False, str(problem))
        return
    if isinstance(hands, Cluster):
        yield Diagnosis("cluster", *hands.seen())


def _diagnose_mail(house: Workspace, owners: Sequence[str]) -> Diagnosis:
    """Whether the mail server is named as it should be, and whether somebody waits for mails without one. It is not
    spoken to: *Send a test* on the page Schedule does that."""
    try:
        server = notify.mail_server(notify.mail_of(house.environment))
    except SettingsError as problem:
        return Diagnosis("mail", False, str(problem))
    if server:
        return Diagnosis("mail", True, f"{server.name}, from {server.sender}")
    told = [owner for owner in owners if ":notify:" in owner and _is_told_by_mail(house, owner)]
    waiting = f", and {len(told)} e-mail address{'' if len(told) == 1 else 'es'} should be written to" if told else ""
    return Diagnosis("mail", not told, f"not set up ({notify.MAIL_VARIABLE}){waiting}")


def _is_told_by_mail(house: Workspace, owner: str) -> bool:
    try:
        return bool(notify.email_of(get_secret(house.db, house.vault, owner) or ""))
    except SettingsError:
        return False  # What cannot be opened is said with the key.


def _diagnose_key(house: Workspace, owners: Sequence[str]) -> Diagnosis:
    try:
        for owner in owners:
            get_secret(house.db, house.vault, owner)
    except SettingsError as problem:
        return Diagnosis("key", False, str(problem))
    place = house.vault.file or "the environment"
    return Diagnosis("key", True, f"{place}: opens {len(owners)} stored secret{'' if len(owners) == 1 else 's'}")
