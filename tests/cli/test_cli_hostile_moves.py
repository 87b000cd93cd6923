"""Moves of somebody who may do something, towards what they may not: tokens sent elsewhere, rights that are gone, rows
written anew, events sent again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from driver import ADMIN, CSM, STAFF, Rollcall, customer, domain
from openpyxl import load_workbook
from scheduling import DAILY, SECRET, Clockwork, event, signed
from test_cli_webhook import START
from tiny_hibob import TinyHiBob

from provisioning import worker
from provisioning.database import Database
from provisioning.errors import Refused, SettingsError
from provisioning.report.workbook_rows import DECIDED_BY
from provisioning.store import history, jobs
from provisioning.store.jobs import JobKind
from provisioning.workflow import asking, hearing, portals, setting_up, settings_drafts
from provisioning.workflow.hearing import Heard
from provisioning.workflow.house import Workspace, domains_seen, member, operator


def house_of(rollcall: Rollcall, by: str | None) -> Workspace:
    actor = member(by) if by else operator()
    return Workspace(rollcall.data, rollcall.environment, actor)


@pytest.mark.parametrize("kind", [JobKind.PREVIEW, JobKind.CHECK, JobKind.SAMPLE])
def test_what_waits_for_the_worker_is_not_done_for_somebody_whose_role_was_taken_away(
    acme: Rollcall, hibob: TinyHiBob, kind: JobKind
) -> None:
    theirs, working = house_of(acme, CSM), house_of(acme, None)
    asked = asking.ask(theirs, STAFF, kind)
    acme.call("revoke", CSM, "Acme").fine()
    hibob.calls.clear()
    claimed = jobs.claim(working.db, datetime.now(UTC))
    assert claimed is not None
    worker.execute(working, claimed)
    assert "may not" in (jobs.get_job(working.db, asked).error or "")
    assert hibob.calls == []
    theirs.db.close()
    working.db.close()


def test_an_approved_run_that_waits_is_not_processed_for_somebody_whose_role_was_taken_away(acme: Rollcall) -> None:
    plan = acme.preview()["plan"]
    acme.call("approve", plan, by=CSM).fine()
    theirs, working = house_of(acme, CSM), house_of(acme, None)
    asked = asking.ask(theirs, STAFF, JobKind.PROCESS, plan)
    acme.call("revoke", CSM, "Acme").fine()
    claimed = jobs.claim(working.db, datetime.now(UTC))
    assert claimed is not None
    worker.execute(working, claimed)
    assert "may not process" in (jobs.get_job(working.db, asked).error or "")
    assert acme.users() == []
    theirs.db.close()
    working.db.close()


def test_a_stored_token_is_not_sent_to_another_address(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.environment["ROLLCALL_ALLOWED_HOSTS"] = "127.0.0.1,elsewhere.example"
    with TinyHiBob([]) as other:
        content = customer(other.base_url)
        del content["connections"][0]["token"]
        assert "not sent to another address" in acme.set_up(content, by=ADMIN).complaint(2)
        theirs = house_of(acme, ADMIN)
        with pytest.raises(SettingsError, match="not sent to another address"):
            setting_up.save_connection(theirs, "Acme", "Acme HiBob", other.base_url, "SERVICE-77", None)
        theirs.db.close()
        acme.preview()
        assert other.calls == []
        assert acme.set_up(customer(other.base_url), by=ADMIN).code == 0


def test_a_draft_that_is_older_than_the_portals_token_does_not_lead_it_elsewhere(acme: Rollcall) -> None:
    theirs = house_of(acme, ADMIN)
    portals.save_target(theirs, STAFF, "https://mine.skillcast.io/scim", "a token of my own", "")
    (mine,) = domains_seen(theirs, "Acme")
    portals.save_target(theirs, STAFF, "https://acme.skillcast.io/scim", "the portal's token", "")
    (now,) = domains_seen(theirs, "Acme")
    settings_drafts.keep_settings_draft(theirs, STAFF, replace(mine.settings, absent_reads=2), now.settings_version)
    said, based_on = settings_drafts.settings_draft(theirs, STAFF) or pytest.fail("no draft")
    saved = settings_drafts.save_settings_draft(theirs, STAFF, said, based_on)
    theirs.db.close()
    assert saved.settings.absent_reads == 2
    assert saved.settings.scim == now.settings.scim


@pytest.mark.parametrize("variable", ["ROLLCALL_KEY", "ROLLCALL_ALLOWED_HOSTS"])
def test_the_key_is_sent_to_nobody_as_somebodys_token(empty: Rollcall, hibob: TinyHiBob, variable: str) -> None:
    empty.environment["ROLLCALL_KEY"] = Fernet.generate_key().decode()
    content = customer(hibob.base_url)
    content["connections"][0]["token"] = {"env": variable}
    complaint = empty.set_up(content).complaint(2)
    assert "Rollcall’s own" in complaint
    assert empty.environment["ROLLCALL_KEY"] not in complaint


def test_rows_that_stand_above_an_older_seal_are_told(staffed: Rollcall) -> None:
    seal = staffed.data / "rollcall.seal"
    older = seal.read_bytes()
    head = staffed.call("verify").fine().out.split()[-1]
    staffed.call("grant", "late@acme.example", "auditor", "Acme").fine()
    assert "came after the seal" not in staffed.call("verify").fine().out
    seal.write_bytes(older)
    assert "The last 1 of them came after the seal" in staffed.call("verify").fine().out
    staffed.call("verify", "--head", head).fine()


def forge(rollcall: Rollcall, what: str, **details: object) -> None:
    """A row as somebody writes it who has the database and the source, and no key."""
    with open_database(rollcall) as db:
        history.record(db, datetime.now(UTC), CSM, what, customer_id=1, **details)


@contextmanager
def open_database(rollcall: Rollcall) -> Iterator[Database]:
    db = Database(rollcall.data / "rollcall.db")
    yield db
    db.close()


def test_a_row_that_somebody_else_wrote_is_not_sealed_over(staffed: Rollcall) -> None:
    forge(staffed, "plan approved")
    row = staffed.sql("SELECT max(seq) FROM history")[0][0]
    staffed.call("grant", "late@acme.example", "auditor", "Acme").fine()
    staffed.call("rotate-key").fine()
    assert f"Row {row}: no seal covered this" in staffed.call("verify").fine().out


def test_the_key_is_not_changed_over_a_row_that_somebody_else_wrote(staffed: Rollcall) -> None:
    forge(staffed, "plan approved")
    row = staffed.sql("SELECT max(seq) FROM history")[0][0]
    staffed.call("rotate-key").fine()
    assert f"Row {row}: no seal covered this" in staffed.call("verify").fine().out


def test_content_that_somebody_removed_behind_our_back_is_found(staffed: Rollcall) -> None:
    with open_database(staffed) as db:
        history.remove_content(db, datetime.now(UTC), CSM, [3], 1, "retention of 730 days")
    staffed.call("grant", "late@acme.example", "auditor", "Acme").fine()
    assert "no seal covered this" in staffed.call("verify").fine().out


@pytest.mark.parametrize("rows", [[], ["all is well"], ["all is well", history.RESTORED]])
def test_a_history_written_anew_does_not_pass_for_a_first_or_a_restored_one(staffed: Rollcall, rows: list[str]) -> None:
    staffed.sql("DELETE FROM history")
    for what in rows:
        forge(staffed, what)
    (staffed.data / "rollcall.seal").unlink()
    assert "is missing" in staffed.call("verify").complaint(3)
    staffed.call("grant", "late@acme.example", "auditor", "Acme").fine()
    assert "is missing" in staffed.call("verify").complaint(3)


def test_two_who_write_at_once_seal_their_rows_and_name_nobody(staffed: Rollcall) -> None:
    people = [f"late{number}@acme.example" for number in range(4)]
    started = [staffed.start("grant", each, "auditor", "Acme") for each in people]
    for each in started:
        each.communicate(timeout=60)
        assert each.returncode == 0
    assert "seal" not in staffed.call("verify").fine().out


def test_an_event_that_was_overheard_does_nothing_at_another_domains_address(empty: Rollcall, hibob: TinyHiBob) -> None:
    empty.environment["ACME_WEBHOOK"] = SECRET
    content = customer(hibob.base_url, domain(schedule=DAILY), domain(name="other", schedule=DAILY))
    content["connections"][0]["webhook"] = {"env": "ACME_WEBHOOK"}
    empty.set_up(content).fine()
    clockwork = Clockwork(empty, START)
    clockwork.sync()
    clockwork.switch_on()
    body = event(clockwork, 1)
    assert hearing.webhook(clockwork.house, "Acme/other", signed(body), body) is Heard.NOTED
    assert hearing.webhook(clockwork.house, STAFF, signed(body), body) is Heard.REPEATED
    altered = json.dumps(json.loads(body)).encode() + b" "
    with pytest.raises(Refused, match="signature"):
        hearing.webhook(clockwork.house, STAFF, signed(body), altered)


def test_a_workbook_that_says_somebody_else_decided_does_not_make_two_people(acme: Rollcall, hibob: TinyHiBob) -> None:
    acme.set_up(customer(hibob.base_url, domain(two_people=True)), by=CSM).fine()
    plan = acme.preview(by=ADMIN)["plan"]
    acme.call("workbook", plan, "plan.xlsx").fine()
    book = load_workbook(acme.folder / "plan.xlsx")
    (label,) = (row[0] for row in book["Summary"].iter_rows() if row[0].value == DECIDED_BY)
    book["Summary"].cell(label.row, 2).value = CSM
    book.properties.lastModifiedBy = CSM
    book.save(acme.folder / "plan.xlsx")
    assert "needs two people" in acme.call("approve", plan, "--workbook", "plan.xlsx", by=ADMIN).complaint(3)
