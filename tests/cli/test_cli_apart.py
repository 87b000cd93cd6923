"""Customers are apart, and roles are checked where the work is done: every public use case is called with another
customer's ids, and by every role. A new use case without a row here fails the first test.

`needs` says what a call takes: READ any role for the customer, PREPARE admin or csm, CARE a CSM of every customer;
FREE concerns nobody's data, or only the caller's own; SIGNED a signature, whoever calls.
"""

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from driver import customer
from tiny_hibob import TOKEN, TinyHiBob, company

from provisioning.errors import NotFound, RoleMissing, RollcallError
from provisioning.model import Attribute, Customer, Role, ScopeRule, Settings
from provisioning.store.jobs import JobKind
from provisioning.workflow import (
    approving,
    asking,
    comparing,
    connections,
    decided,
    deciding,
    due,
    editing,
    exchanging,
    explaining,
    farewell,
    handing_out,
    hearing,
    keeping,
    looking,
    looking_back,
    overseeing,
    planning,
    portals,
    processing,
    reading,
    requesting,
    retention,
    reviewing,
    sampling,
    scheduling,
    setting_up,
    settings_drafts,
    signing_in,
    speed,
    stages,
    stored_plans,
    targets,
    telling,
    trends,
    turns,
    undoing,
    values,
    watched,
    workbooks,
)
from provisioning.workflow.asking import Wishes
from provisioning.workflow.house import Workspace, any_customer, customers_seen, domains_seen, is_customer, may, member
from provisioning.workflow.house import operator as by_operator
from provisioning.workflow.installation import backup, doctor, restore, rotate, seal_anew
from provisioning.workflow.leaving import (
    Fate,
    Leaving,
    domains_left,
    farewell_seen,
    leaving_connection,
    leaving_customer,
    leaving_domain,
    needs_farewell,
    offboard,
)
from provisioning.workflow.signing_in import Ticket

ROOT = Path(__file__).resolve().parents[2]
CALLERS = ("*.py", "pages/*.py", "provisioning/*.py", "provisioning/web/*.py", "provisioning/command_line/*.py")
READ, PREPARE, CARE, FREE, SIGNED = "read", "prepare", "care", "free", "signed"


@dataclass(frozen=True)
class Ids:
    """What leads to one customer. `own`: a domain of the caller's, for calls that take two ids."""

    customer: str
    plan: str
    run: str
    job: int
    person: str
    own: str
    file: Path

    @property
    def label(self) -> str:
        return f"{self.customer}/staff"

    @property
    def settings(self) -> Settings:
        return Settings()

    @property
    def leaving(self) -> Leaving:
        """As somebody might make it who knows the ids, Acme being the second customer that was made."""
        number = {"Globex": 1, "Acme": 2}[self.customer]
        return Leaving(self.customer, Customer(number, self.customer), (), (), whole=True)

    @property
    def begun(self) -> editing.Begun:
        return editing.Begun(1, "Employee ID")


def read_book(house: Workspace, plan_id: str) -> BytesIO:
    file = BytesIO()
    workbooks.export_workbook(house, plan_id, file)
    file.seek(0)
    return file


TICKET = Ticket("nobody@nowhere.example", "https://id.example", "1", datetime.now(UTC))
Call = Callable[[Workspace, Ids], object]
CASES: dict[str, tuple[str, Call]] = {
    "acting_as": (FREE, lambda h, i: None),
    "add_customer": (CARE, lambda h, i: setting_up.add_customer(h, i.customer)),
    "add_domain": (PREPARE, lambda h, i: setting_up.add_domain(h, i.customer, "new", f"{i.customer} HiBob")),
    "add_notify_target": (PREPARE, lambda h, i: targets.add_notify_target(h, i.label, "jsons://hooks.acme.example/a")),
    "advise": (READ, lambda h, i: editing.advise(h, i.label, (), "")),
    "all_paused": (READ, lambda h, i: scheduling.all_paused(h, i.customer)),
    "any_customer": (FREE, lambda h, i: any_customer(h)),
    "approval_of": (READ, lambda h, i: stored_plans.approval_of(h, i.plan)),
    "approvals_seen": (READ, lambda h, i: looking_back.approvals_seen(h, i.label)),
    "approve": (PREPARE, lambda h, i: approving.approve(h, i.plan)),
    "approve_by_workbook": (PREPARE, lambda h, i: approving.approve_by_workbook(h, i.plan, BytesIO(b""))),
    "but_for_left_out": (READ, lambda h, i: reviewing.but_for_left_out(h, i.plan, [i.person])),
    "ask": (PREPARE, lambda h, i: asking.ask(h, i.label, JobKind.PREVIEW)),
    "ask_to_decide": (PREPARE, lambda h, i: asking.ask_to_decide(h, i.label, i.plan, Wishes())),
    "ask_to_undo": (PREPARE, lambda h, i: asking.ask_to_undo(h, i.label, i.run)),
    "attributes_changed": (READ, lambda h, i: looking.attributes_changed(h, i.plan)),
    "back_to_the_approval": (PREPARE, lambda h, i: approving.back_to_the_approval(h, i.plan)),
    "backup": (CARE, lambda h, i: backup(h, i.file)),
    "begun_from": (FREE, lambda h, i: None),
    "build_workbook": (PREPARE, lambda h, i: workbooks.build_workbook(h, i.plan)),
    "taken_back": (READ, lambda h, i: reviewing.taken_back(h, i.plan)),
    "ways_back": (READ, lambda h, i: stored_plans.ways_back(h, i.plan)),
    "retried_by": (READ, lambda h, i: stored_plans.retried_by(h, i.run)),
    "to_take_back": (READ, lambda h, i: looking.to_take_back(h, i.run)),
    "changes_seen": (READ, lambda h, i: looking.changes_seen(h, i.plan, "", "", "", 10, 0)),
    "check": (PREPARE, lambda h, i: reading.check(h, i.label)),
    "check_at_once": (PREPARE, lambda h, i: reading.check_at_once(h, i.label)),
    "check_history": (READ, lambda h, i: looking_back.check_history(h, i.customer)),
    "checklist": (READ, lambda h, i: stages.checklist(h, i.customer, i.label)),
    "compare_mappings": (READ, lambda h, i: comparing.compare_mappings(h, i.label, 1, 1)),
    "compare_runs": (READ, lambda h, i: looking_back.compare_runs(h, i.label, i.run, i.run)),
    "compared_with_last": (READ, lambda h, i: reviewing.compared_with_last(h, i.plan)),
    "connections_seen": (READ, lambda h, i: connections.connections_seen(h, i.customer)),
    "customer_from_template": (CARE, lambda h, i: overseeing.customer_from_template(h, "Fresh", i.label)),
    "customers_overview": (FREE, lambda h, i: overseeing.customers_overview(h) if overseeing.is_csm(h) else None),
    "customers_seen": (FREE, lambda h, i: customers_seen(h)),
    "decide": (PREPARE, lambda h, i: deciding.decide(h, i.plan, Wishes(protect=[i.person]))),
    "decision_in_words": (FREE, lambda h, i: looking_back.decision_in_words("protect", "")),
    "shared_by": (READ, lambda h, i: reviewing.shared_by(h, i.plan, [i.person])),
    "decided_by_workbook": (READ, lambda h, i: approving.decided_by_workbook(h, i.plan, read_book(h, i.plan))),
    "decisions_seen": (READ, lambda h, i: decided.decisions_seen(h, i.label)),
    "deliver": (CARE, lambda h, i: telling.deliver(h)),
    "doctor": (CARE, lambda h, i: doctor(h)),
    "domains_left": (READ, lambda h, i: domains_left(h, i.customer)),
    "domains_seen": (READ, lambda h, i: domains_seen(h, i.customer)),
    "drop_mapping_draft": (PREPARE, lambda h, i: editing.drop_mapping_draft(h, i.label)),
    "drop_notify_target": (PREPARE, lambda h, i: targets.drop_notify_target(h, i.label, 0, "")),
    "drop_settings_draft": (PREPARE, lambda h, i: settings_drafts.drop_settings_draft(h, i.label)),
    "effect_of": (READ, lambda h, i: looking.effect_of(h, i.plan)),
    "evidence_of": (READ, lambda h, i: reviewing.evidence_of(h, i.plan)),
    "explain": (READ, lambda h, i: explaining.explain(h, i.label, i.person)),
    "explain_then": (READ, lambda h, i: explaining.explain_then(h, i.label, i.person, i.run)),
    "export": (READ, lambda h, i: setting_up.export(h, i.customer)),
    "export_decided_workbook": (READ, lambda h, i: workbooks.export_decided_workbook(h, i.plan, BytesIO())),
    "export_upload": (READ, lambda h, i: workbooks.export_upload(h, i.plan, BytesIO())),
    "export_workbook": (READ, lambda h, i: workbooks.export_workbook(h, i.plan, BytesIO())),
    "export_approvals": (READ, lambda h, i: handing_out.export_approvals(h, i.label, handing_out.FileKind.CSV)),
    "export_events": (READ, lambda h, i: handing_out.export_events(h, i.label, [""], "", handing_out.FileKind.CSV)),
    "export_previews": (READ, lambda h, i: handing_out.export_previews(h, i.label, (), "", handing_out.FileKind.CSV)),
    "previews_found": (READ, lambda h, i: looking_back.previews_found(h, i.label)),
    "export_runs": (READ, lambda h, i: handing_out.export_runs(h, i.label, (), "", handing_out.FileKind.JSON)),
    "export_outcomes": (
        READ,
        lambda h, i: handing_out.export_outcomes(h, i.run, ("done",), "", handing_out.FileKind.CSV),
    ),
    "export_roles": (READ, lambda h, i: handing_out.export_roles(h, i.customer, handing_out.FileKind.CSV)),
    "export_person": (PREPARE, lambda h, i: keeping.export_person(h, i.customer, i.person)),
    "export_users": (READ, lambda h, i: looking.export_users(h, i.label)),
    "export_users_seen": (READ, lambda h, i: looking.export_users_seen(h, i.label, "")),
    "fields_known": (READ, lambda h, i: connections.fields_known(h, i.label)),
    "farewell": (PREPARE, lambda h, i: farewell.farewell(h, i.label)),
    "farewell_seen": (READ, lambda h, i: farewell_seen(h, i.label)),
    "forecast": (READ, lambda h, i: speed.forecast(h, i.plan)),
    "forget_person": (PREPARE, lambda h, i: keeping.forget_person(h, i.customer, i.person)),
    "go_back": (PREPARE, lambda h, i: comparing.go_back(h, i.label, 1, i.begun)),
    "grant": (PREPARE, lambda h, i: setting_up.grant(h, "friend@nowhere.example", Role.ADMIN, i.customer)),
    "groups_of": (READ, lambda h, i: reviewing.groups_of(h, i.plan)),
    "counts_without": (READ, lambda h, i: reviewing.counts_without(h, i.plan, [i.person])),
    "headline_of": (READ, lambda h, i: reviewing.headline_of(h, i.plan)),
    "results_of": (READ, lambda h, i: reviewing.results_of(h, i.plan)),
    "held_by_reason": (READ, lambda h, i: reviewing.held_by_reason(h, i.plan)),
    "held_seen": (READ, lambda h, i: looking.held_seen(h, i.plan, "", 10, 0)),
    "hibob_request": (READ, lambda h, i: requesting.hibob_request(h, i.customer, i.label)),
    "how_approved": (FREE, lambda h, i: None),
    "is_customer": (FREE, lambda h, i: is_customer(h, i.customer)),
    "is_csm": (FREE, lambda h, i: overseeing.is_csm(h)),
    "job_seen": (READ, lambda h, i: asking.job_seen(h, i.label, i.job)),
    "keep_left_out": (PREPARE, lambda h, i: approving.keep_left_out(h, i.plan, [i.person])),
    "keep_mapping_draft": (PREPARE, lambda h, i: editing.keep_mapping_draft(h, i.label, (), "", i.begun)),
    "keep_mapping_past": (PREPARE, lambda h, i: editing.keep_mapping_past(h, i.label, ())),
    "keep_only": (PREPARE, lambda h, i: approving.keep_only(h, i.plan, [i.person])),
    "keep_settings_draft": (PREPARE, lambda h, i: settings_drafts.keep_settings_draft(h, i.label, i.settings, 1)),
    "left_out_counts": (READ, lambda h, i: looking.left_out_counts(h, i.label)),
    "found_by": (FREE, lambda h, i: None),
    "lapsed": (READ, lambda h, i: stored_plans.lapsed(h, i.plan)),
    "refused_since": (READ, lambda h, i: asking.refused_since(h, i.label)),
    "last_check": (READ, lambda h, i: asking.last_check(h, i.label)),
    "last_history_check": (READ, lambda h, i: looking_back.last_history_check(h, i.customer)),
    "last_read": (READ, lambda h, i: connections.last_read(h, i.label)),
    "leaving_connection": (
        PREPARE,
        lambda h, i: leaving_connection(h, i.customer, f"{i.customer} HiBob"),
    ),
    "leaving_customer": (PREPARE, lambda h, i: leaving_customer(h, i.customer)),
    "leaving_domain": (PREPARE, lambda h, i: leaving_domain(h, i.label)),
    "latest_job": (READ, lambda h, i: asking.latest_job(h, i.label, list(JobKind))),
    "left_out_draft": (READ, lambda h, i: stored_plans.left_out_draft(h, i.plan)),
    "limits_from_words": (FREE, lambda h, i: editing.limits_from_words({})),
    "limits_in_words": (FREE, lambda h, i: editing.limits_in_words(i.settings)),
    "look_at_new": (PREPARE, lambda h, i: watched.look_at_new(h, i.label, "Site", ["Oslo"])),
    "mapping_as_csv": (READ, lambda h, i: exchanging.mapping_as_csv(h, i.label, (), "")),
    "mapping_in_words": (READ, lambda h, i: exchanging.mapping_in_words(h, i.label, (), "", draft=False)),
    "mapping_draft": (READ, lambda h, i: editing.mapping_draft(h, i.label)),
    "mapping_past": (READ, lambda h, i: editing.mapping_past(h, i.label)),
    "mail_seen": (READ, lambda h, i: targets.mail_seen(h, i.label)),
    "may": (FREE, lambda h, i: may(h, i.customer)),
    "member": (FREE, lambda h, i: member("a@b.example")),
    "messages_seen": (READ, lambda h, i: telling.messages_seen(h, i.label)),
    "names_in_plan": (READ, lambda h, i: looking.names_in_plan(h, i.plan, [i.person])),
    "need_membership": (FREE, lambda h, i: None),
    "needs_farewell": (PREPARE, lambda h, i: needs_farewell(h, i.leaving)),
    "new_values": (READ, lambda h, i: watched.new_values(h, i.label, ())),
    "newer_mapping": (READ, lambda h, i: editing.newer_mapping(h, i.label, i.begun)),
    "newer_settings": (READ, lambda h, i: settings_drafts.newer_settings(h, i.label, 0)),
    "put_everybody_back": (PREPARE, lambda h, i: approving.put_everybody_back(h, i.plan)),
    "needs_another": (READ, lambda h, i: approving.needs_another(h, i.plan)),
    "newest": (READ, lambda h, i: looking.newest(h, i.label)),
    "operator": (FREE, lambda h, i: by_operator()),
    "offboard": (PREPARE, lambda h, i: offboard(h, i.leaving, Fate.STAY)),
    "outcomes_seen": (READ, lambda h, i: looking.outcomes_seen(h, i.run, (), "", 10, 0)),
    "overrides_in_words": (FREE, lambda h, i: None),
    "overridable": (READ, lambda h, i: approving.overridable(h, i.plan)),
    "pause_all": (PREPARE, lambda h, i: scheduling.pause_all(h, i.customer)),
    "next_station": (FREE, lambda h, i: None),
    "needed": (FREE, lambda h, i: None),
    "ready_to_preview": (FREE, lambda h, i: None),
    "people_read": (READ, lambda h, i: editing.people_read(h, i.label)),
    "person_read": (READ, lambda h, i: editing.person_read(h, i.label, i.person)),
    "plan_seen": (READ, lambda h, i: stored_plans.plan_seen(h, i.plan)),
    "plan_states": (READ, lambda h, i: looking.plan_states(h, i.label, ())),
    "plans_seen": (READ, lambda h, i: looking.plans_seen(h, i.label)),
    "preview": (PREPARE, lambda h, i: planning.preview(h, i.label)),
    "process": (PREPARE, lambda h, i: processing.process(h, i.plan)),
    "progress_of": (READ, lambda h, i: looking.progress_of(h, i.plan)),
    "read_grants": (FREE, lambda h, i: signing_in.read_grants({})),
    "read_sample": (PREPARE, lambda h, i: sampling.read_sample(h, i.label)),
    "remove_old_history": (PREPARE, lambda h, i: keeping.remove_old_history(h, i.customer)),
    "proposed_anew": (FREE, lambda h, i: None),
    "about_credentials": (FREE, lambda h, i: None),
    "mapped_since": (FREE, lambda h, i: None),
    "untested": (FREE, lambda h, i: None),
    "reference_names": (READ, lambda h, i: reviewing.reference_names(h, i.plan, [("Manager", "1")])),
    "remove_old": (CARE, lambda h, i: retention.remove_old(h)),
    "restore": (CARE, lambda h, i: restore(h, i.file)),
    "resume_all": (PREPARE, lambda h, i: scheduling.resume_all(h, i.customer)),
    "revoke": (PREPARE, lambda h, i: setting_up.revoke(h, f"boss@{i.customer.lower()}.example", i.customer)),
    "roles_seen": (READ, lambda h, i: overseeing.roles_seen(h, i.customer)),
    "rotate": (CARE, lambda h, i: rotate(h)),
    "run_due": (CARE, lambda h, i: due.run_due(h)),
    "run_due_domain": (CARE, lambda h, i: due.run_due_domain(h, 1)),
    "left_out_seen": (READ, lambda h, i: stored_plans.left_out_seen(h, i.plan)),
    "can_put_back": (READ, lambda h, i: approving.can_put_back(h, i.plan)),
    "somebody_stays": (READ, lambda h, i: looking.somebody_stays(h, i.plan, ())),
    "in_hand": (READ, lambda h, i: looking.in_hand(h, i.label)),
    "run_of": (READ, lambda h, i: stored_plans.run_of(h, i.plan)),
    "run_seen": (READ, lambda h, i: stored_plans.run_seen(h, i.run)),
    "kept_active": (READ, lambda h, i: looking.kept_active(h, i.run)),
    "proposed_again": (READ, lambda h, i: reviewing.proposed_again(h, i.plan)),
    "without_their_manager": (READ, lambda h, i: reviewing.without_their_manager(h, i.plan, ("1",))),
    "kept_active_by_plan": (READ, lambda h, i: looking.kept_active_by_plan(h, i.plan)),
    "runs_recorded": (READ, lambda h, i: looking_back.runs_recorded(h, i.label)),
    "runs_found": (READ, lambda h, i: looking_back.runs_found(h, i.label)),
    "runs_seen": (READ, lambda h, i: looking.runs_seen(h, i.label)),
    "save_connection": (
        PREPARE,
        lambda h, i: setting_up.save_connection(h, i.customer, "x", "https://api.hibob.com", "", ""),
    ),
    "save_licence": (PREPARE, lambda h, i: stages.save_licence(h, i.customer, 10, 2.5)),
    "save_mapping": (PREPARE, lambda h, i: editing.save_mapping(h, i.label, (), "", i.begun)),
    "save_settings": (PREPARE, lambda h, i: editing.save_settings(h, i.label, i.settings, 1)),
    "save_settings_draft": (PREPARE, lambda h, i: settings_drafts.save_settings_draft(h, i.label, i.settings, 1)),
    "save_target": (PREPARE, lambda h, i: portals.save_target(h, i.label, None, None, "")),
    "seal_anew": (CARE, lambda h, i: seal_anew(h, "why")),
    "schedule_seen": (READ, lambda h, i: scheduling.schedule_seen(h, i.label)),
    "send_test": (PREPARE, lambda h, i: targets.send_test(h, i.label)),
    "save_schedule": (PREPARE, lambda h, i: scheduling.save_schedule(h, i.label, None)),
    "see_history": (READ, lambda h, i: looking.see_history(h, i.label)),
    "set_up": (PREPARE, lambda h, i: setting_up.set_up(h, f'[customer]\nname = "{i.customer}"\nseats = 1\n')),
    "settings_draft": (READ, lambda h, i: settings_drafts.settings_draft(h, i.label)),
    "settings_from_text": (
        FREE,
        lambda h, i: settings_drafts.settings_from_text(settings_drafts.settings_in_text(i.settings)),
    ),
    "settings_in_text": (FREE, lambda h, i: settings_drafts.settings_in_text(i.settings)),
    "show_plan": (READ, lambda h, i: stored_plans.show_plan(h, i.plan)),
    "sign_in": (FREE, lambda h, i: None),
    "sign_out": (FREE, lambda h, i: None),
    "somebody_works": (READ, lambda h, i: asking.somebody_works(h, i.label)),
    "standing": (READ, lambda h, i: looking.standing(h, i.label)),
    "speed_seen": (READ, lambda h, i: speed.speed_seen(h, i.run)),
    "stop_asked": (READ, lambda h, i: asking.stop_asked(h, i.run)),
    "stop": (PREPARE, lambda h, i: asking.stop(h, i.run)),
    "strangers": (READ, lambda h, i: editing.strangers(h, i.label, [i.person])),
    "suggest": (READ, lambda h, i: editing.suggest(h, i.label, ())),
    "switch_off": (PREPARE, lambda h, i: scheduling.switch_off(h, i.label)),
    "switch_on": (PREPARE, lambda h, i: scheduling.switch_on(h, i.label)),
    "take_rows": (READ, lambda h, i: exchanging.take_rows(h, i.label, "", (), "", whole=True)),
    "take_back": (PREPARE, lambda h, i: decided.take_back(h, i.label, i.person)),
    "target_seen": (READ, lambda h, i: portals.target_seen(h, i.label)),
    "targets_seen": (READ, lambda h, i: targets.targets_seen(h, i.label)),
    "timeline": (READ, lambda h, i: looking_back.timeline(h, i.label)),
    "no_longer_left_out": (READ, lambda h, i: scheduling.no_longer_left_out(h, i.label)),
    "still_left_out": (READ, lambda h, i: scheduling.still_left_out(h, i.label, h.clock())),
    "times_preview": (FREE, lambda h, i: None),
    "trends_of_all": (FREE, lambda h, i: trends.trends_of_all(h) if overseeing.is_csm(h) else None),
    "trends_seen": (READ, lambda h, i: trends.trends_seen(h, i.label)),
    "try_lifecycle": (READ, lambda h, i: editing.try_lifecycle(h, i.label, i.settings.lifecycle)),
    "try_mapping": (READ, lambda h, i: editing.try_mapping(h, i.label, (), "", None)),
    "try_scope": (READ, lambda h, i: editing.try_scope(h, i.label, (ScopeRule("include", "root.email", ("x",)),))),
    "turns_waiting": (CARE, lambda h, i: turns.turns_waiting(h)),
    "undelivered": (READ, lambda h, i: telling.undelivered(h, i.label)),
    "undo": (PREPARE, lambda h, i: undoing.undo(h, i.run)),
    "uploads_of": (READ, lambda h, i: workbooks.uploads_of(h, i.plan)),
    "user_of": (READ, lambda h, i: looking.user_of(h, i.label, i.person)),
    "users": (READ, lambda h, i: looking.users(h, i.label)),
    "users_seen": (READ, lambda h, i: looking.users_seen(h, i.label, "", 10, 0)),
    "versions_of": (READ, lambda h, i: comparing.versions_of(h, i.label)),
    "webhook": (SIGNED, lambda h, i: hearing.webhook(h, i.label, {}, b"{}")),
    "values_of": (READ, lambda h, i: values.values_of(h, i.label, Attribute("Site", "work.site"), ())),
    "verify": (FREE, lambda h, i: looking.verify(h)),
    "whole_history": (READ, lambda h, i: looking_back.whole_history(h, i.label)),
}
"""One row a use case: what it takes, and a call."""

MIXED: dict[str, Call] = {
    "another's job under one's own domain": lambda h, i: asking.job_seen(h, i.own, i.job),
    "another's plan under one's own domain": lambda h, i: {"plans": looking.plan_states(h, i.own, [])},
}
ROLES = {
    "admin": "admin@acme.example",
    "csm": "csm@acme.example",
    "auditor": "auditor@acme.example",
    "stranger": "stranger@nowhere.example",
}


@dataclass(frozen=True)
class Installation:
    data: Path
    ours: Ids
    theirs: Ids

    def house(self, email: str | None) -> Workspace:
        actor = member(email) if email else by_operator()
        return Workspace(self.data, {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1", "ACME_TOKEN": TOKEN}, actor)

    def everything(self) -> list[str]:
        operator = self.house(None)
        dump = list(operator.db.connection.iterdump())
        operator.db.close()
        return dump


def settle(data: Path, hibob: TinyHiBob, name: str) -> Ids:
    """A customer with a finished run and a job."""
    boss = f"boss@{name.lower()}.example"
    installation = Installation(data, None, None)  # type: ignore[arg-type]
    operator, chief = installation.house(None), installation.house(boss)
    content = customer(hibob.base_url)
    content["customer"]["name"] = name
    content["connections"][0]["name"] = f"{name} HiBob"
    content["domains"][0]["connection"] = f"{name} HiBob"
    content["members"] = [{"email": boss, "role": "admin"}]

    setting_up.set_up(operator, tomli_w.dumps(content))
    plan = planning.preview(chief, f"{name}/staff")
    approving.approve(chief, plan.id)
    run = processing.process(chief, plan.id)
    job = asking.ask(chief, f"{name}/staff", JobKind.CHECK)
    operator.db.close()
    chief.db.close()
    return Ids(name, plan.id, run.id, job, plan.changes[0].key, "Acme/staff", data.parent / "copy.db")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    data = tmp_path_factory.mktemp("apart") / "data"
    with TinyHiBob(company()) as hibob:
        theirs, ours = settle(data, hibob, "Globex"), settle(data, hibob, "Acme")
        found = Installation(data, ours, theirs)
        operator = found.house(None)
        for role in Role:
            setting_up.grant(operator, ROLES[role.value], role, "Acme")
        backup(operator, ours.file)
        operator.db.close()
        yield found


def called() -> Iterator[str]:
    """The use cases that pages, command line, worker and servers name."""
    for file in (path for place in CALLERS for path in ROOT.glob(place)):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imports = [each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom) and each.module]
        found = [each for each in imports if each.module and each.module.startswith("provisioning.workflow")]
        words = {name.asname or name.name: (each.module, name.name) for each in found for name in each.names}
        for each in ast.walk(tree):
            of_module = isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)
            module, name = words.get(each.value.id if of_module else getattr(each, "id", ""), ("", ""))
            if module and inspect.isfunction(function := _named(module, name, each.attr if of_module else "")):
                yield function.__name__


def _named(module: str, name: str, attribute: str) -> object:
    """A function that was imported by its name, or the attribute of a module that was."""
    found = getattr(importlib.import_module(module), name, None) or importlib.import_module(f"{module}.{name}")
    return getattr(found, attribute, None) if inspect.ismodule(found) else found


def test_every_use_case_stands_in_the_table() -> None:
    assert set(called()) - {"require"} <= set(CASES)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", [name for name, (needs, _) in CASES.items() if needs != FREE])
def test_another_customers_ids_lead_nowhere(installation: Installation, name: str, role: str) -> None:
    house, before = installation.house(ROLES[role]), installation.everything()
    with pytest.raises(RollcallError) as refused:
        CASES[name][1](house, installation.theirs)
    house.db.close()
    assert "boss@globex.example" not in str(refused.value)
    assert "Known" not in str(refused.value)
    assert installation.everything() == before


ABOUT_ONE = [
    name
    for name, (_, call) in CASES.items()
    if {"plan", "run"} & set(call.__code__.co_names) and name != "compare_runs"
]
"""What is asked about a plan or a run; but for what looks among the runs of one's own domain alone."""


@pytest.mark.parametrize("name", ABOUT_ONE)
def test_another_customers_plan_and_run_take_a_role_and_invented_ones_are_not_there(
    installation: Installation, name: str
) -> None:
    """With a label, if any, that is the actor's own."""
    house, theirs = installation.house(ROLES["admin"]), installation.theirs
    for plan, run, refused in ((theirs.plan, theirs.run, RoleMissing), ("plan-invented", "run-invented", NotFound)):
        with pytest.raises(refused):
            CASES[name][1](house, replace(installation.ours, plan=plan, run=run))
    house.db.close()


@pytest.mark.parametrize("role", ROLES)
def test_what_anybody_may_call_tells_nothing_of_another_customer(installation: Installation, role: str) -> None:
    house = installation.house(ROLES[role])
    for name, (needs, call) in CASES.items():
        if needs == FREE:
            assert "Globex" not in repr(call(house, installation.theirs)), name
    assert may(house, "Globex") == frozenset()
    assert not is_customer(house, "Globex")
    house.db.close()


@pytest.mark.parametrize("name", MIXED)
def test_two_ids_of_different_customers_lead_nowhere(installation: Installation, name: str) -> None:
    house = installation.house(ROLES["admin"])
    try:
        found: Any = MIXED[name](house, installation.theirs)
    except RollcallError:
        found = {}
    assert not any(found.values() if isinstance(found, dict) else [found])
    house.db.close()


@pytest.mark.parametrize("name", [name for name, (needs, _) in CASES.items() if needs in (PREPARE, CARE)])
def test_an_auditor_changes_nothing(installation: Installation, name: str) -> None:
    house, before = installation.house(ROLES["auditor"]), installation.everything()
    with pytest.raises(RoleMissing):
        CASES[name][1](house, installation.ours)
    house.db.close()
    assert installation.everything() == before


@pytest.mark.parametrize("name", [name for name, (needs, _) in CASES.items() if needs == CARE])
def test_what_concerns_every_customer_is_not_an_admins(installation: Installation, name: str) -> None:
    house, before = installation.house(ROLES["admin"]), installation.everything()
    with pytest.raises(RoleMissing):
        CASES[name][1](house, installation.ours)
    house.db.close()
    assert installation.everything() == before


@pytest.mark.parametrize("name", [name for name, (needs, _) in CASES.items() if needs == READ])
def test_an_auditor_reads_everything_of_their_customer(installation: Installation, name: str) -> None:
    house = installation.house(ROLES["auditor"])
    try:
        CASES[name][1](house, installation.ours)
    except RoleMissing:
        raise
    except RollcallError as problem:
        assert not isinstance(problem, RoleMissing), name
    house.db.close()


@pytest.mark.parametrize("name", ["approve", "approve_by_workbook", "decide", "offboard"])
def test_the_operator_prepares_and_never_approves(installation: Installation, name: str) -> None:
    house = installation.house(None)
    with pytest.raises(RoleMissing):
        CASES[name][1](house, installation.ours)
    house.db.close()


def test_an_unknown_customer_is_answered_as_one_that_is_not_ones_own(installation: Installation) -> None:
    house = installation.house(ROLES["admin"])
    told = []
    for name in ("Globex", "Nobody"):
        with pytest.raises(RollcallError) as refused:
            setting_up.set_up(house, f'[customer]\nname = "{name}"\n')
        told.append(str(refused.value).replace(name, "NAME"))
    house.db.close()
    assert told[0] == told[1]
