"""Customers are apart, and roles are checked where the work is done: every public use case is called with another
customer's ids, and by every role. A new use case without a row here fails the first test.

`needs` says what a call takes: READ any role for the customer, PREPARE admin or csm, CARE a CSM of every customer;
FREE concerns nobody's data, or only the caller's own; SIGNED a signature, whoever calls.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from driver import customer
from tiny_hibob import TOKEN, TinyHiBob, company

from provisioning import workflow
from provisioning.errors import RoleMissing, RollcallError
from provisioning.model import Attribute, Customer, Role, ScopeRule, Settings
from provisioning.store.jobs import JobKind
from provisioning.workflow import Ticket, Wishes, Workspace

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
    def leaving(self) -> workflow.Leaving:
        """As somebody might make it who knows the ids, Acme being the second customer that was made."""
        number = {"Globex": 1, "Acme": 2}[self.customer]
        return workflow.Leaving(self.customer, Customer(number, self.customer), (), (), whole=True)

    @property
    def begun(self) -> workflow.Begun:
        return workflow.Begun(1, "Employee ID")


def read_book(house: Workspace, plan_id: str) -> BytesIO:
    file = BytesIO()
    workflow.export_workbook(house, plan_id, file)
    file.seek(0)
    return file


TICKET = Ticket("nobody@nowhere.example", "https://id.example", "1", datetime.now(UTC))
Call = Callable[[Workspace, Ids], object]
CASES: dict[str, tuple[str, Call]] = {
    "acting_as": (FREE, lambda h, i: None),
    "add_customer": (CARE, lambda h, i: workflow.add_customer(h, i.customer)),
    "add_domain": (PREPARE, lambda h, i: workflow.add_domain(h, i.customer, "new", f"{i.customer} HiBob")),
    "add_notify_target": (PREPARE, lambda h, i: workflow.add_notify_target(h, i.label, "jsons://hooks.acme.example/a")),
    "advise": (READ, lambda h, i: workflow.advise(h, i.label, (), "")),
    "all_paused": (READ, lambda h, i: workflow.all_paused(h, i.customer)),
    "any_customer": (FREE, lambda h, i: workflow.any_customer(h)),
    "approval_of": (READ, lambda h, i: workflow.approval_of(h, i.plan)),
    "approve": (PREPARE, lambda h, i: workflow.approve(h, i.plan)),
    "approve_by_workbook": (PREPARE, lambda h, i: workflow.approve_by_workbook(h, i.plan, BytesIO(b""))),
    "but_for_left_out": (READ, lambda h, i: workflow.but_for_left_out(h, i.plan, [i.person])),
    "ask": (PREPARE, lambda h, i: workflow.ask(h, i.label, JobKind.PREVIEW)),
    "ask_to_decide": (PREPARE, lambda h, i: workflow.ask_to_decide(h, i.label, i.plan, Wishes())),
    "ask_to_undo": (PREPARE, lambda h, i: workflow.ask_to_undo(h, i.label, i.run)),
    "attributes_changed": (READ, lambda h, i: workflow.attributes_changed(h, i.plan)),
    "backup": (CARE, lambda h, i: workflow.backup(h, i.file)),
    "begun_from": (FREE, lambda h, i: None),
    "build_workbook": (PREPARE, lambda h, i: workflow.build_workbook(h, i.plan)),
    "changed_somebody": (READ, lambda h, i: workflow.changed_somebody(h, i.run)),
    "changes_seen": (READ, lambda h, i: workflow.changes_seen(h, i.plan, "", "", "", 10, 0)),
    "check": (PREPARE, lambda h, i: workflow.check(h, i.label)),
    "checklist": (READ, lambda h, i: workflow.checklist(h, i.customer, i.label)),
    "compare_mappings": (READ, lambda h, i: workflow.compare_mappings(h, i.label, 1, 1)),
    "compare_runs": (READ, lambda h, i: workflow.compare_runs(h, i.label, i.run, i.run)),
    "compared_with_last": (READ, lambda h, i: workflow.compared_with_last(h, i.plan)),
    "connections_seen": (READ, lambda h, i: workflow.connections_seen(h, i.customer)),
    "customer_from_template": (CARE, lambda h, i: workflow.customer_from_template(h, "Fresh", i.label)),
    "customers_overview": (FREE, lambda h, i: workflow.customers_overview(h) if workflow.is_csm(h) else None),
    "customers_seen": (FREE, lambda h, i: workflow.customers_seen(h)),
    "decide": (PREPARE, lambda h, i: workflow.decide(h, i.plan, Wishes(protect=[i.person]))),
    "decision_in_words": (FREE, lambda h, i: workflow.decision_in_words("protect", "")),
    "sharing_identifier": (READ, lambda h, i: workflow.sharing_identifier(h, i.plan, [i.person])),
    "decided_by_workbook": (READ, lambda h, i: workflow.decided_by_workbook(h, i.plan, read_book(h, i.plan))),
    "decisions_seen": (READ, lambda h, i: workflow.decisions_seen(h, i.label)),
    "deliver": (CARE, lambda h, i: workflow.deliver(h)),
    "doctor": (CARE, lambda h, i: workflow.doctor(h)),
    "domains_left": (READ, lambda h, i: workflow.domains_left(h, i.customer)),
    "domains_seen": (READ, lambda h, i: workflow.domains_seen(h, i.customer)),
    "drop_mapping_draft": (PREPARE, lambda h, i: workflow.drop_mapping_draft(h, i.label)),
    "drop_notify_target": (PREPARE, lambda h, i: workflow.drop_notify_target(h, i.label, 0, "")),
    "drop_settings_draft": (PREPARE, lambda h, i: workflow.drop_settings_draft(h, i.label)),
    "effect_of": (READ, lambda h, i: workflow.effect_of(h, i.plan)),
    "evidence_of": (READ, lambda h, i: workflow.evidence_of(h, i.plan)),
    "explain": (READ, lambda h, i: workflow.explain(h, i.label, i.person)),
    "explain_then": (READ, lambda h, i: workflow.explain_then(h, i.label, i.person, i.run)),
    "export": (READ, lambda h, i: workflow.export(h, i.customer)),
    "export_decided_workbook": (READ, lambda h, i: workflow.export_decided_workbook(h, i.plan, BytesIO())),
    "export_workbook": (READ, lambda h, i: workflow.export_workbook(h, i.plan, BytesIO())),
    "export_events": (READ, lambda h, i: workflow.export_events(h, i.label, [""], "", workflow.FileKind.CSV)),
    "export_runs": (READ, lambda h, i: workflow.export_runs(h, i.label, (), "", workflow.FileKind.JSON)),
    "export_person": (PREPARE, lambda h, i: workflow.export_person(h, i.customer, i.person)),
    "export_users": (READ, lambda h, i: workflow.export_users(h, i.label)),
    "fields_known": (READ, lambda h, i: workflow.fields_known(h, i.label)),
    "farewell": (PREPARE, lambda h, i: workflow.farewell(h, i.label)),
    "farewell_seen": (READ, lambda h, i: workflow.farewell_seen(h, i.label)),
    "forecast": (READ, lambda h, i: workflow.forecast(h, i.plan)),
    "forget_person": (PREPARE, lambda h, i: workflow.forget_person(h, i.customer, i.person)),
    "go_back": (PREPARE, lambda h, i: workflow.go_back(h, i.label, 1, i.begun)),
    "grant": (PREPARE, lambda h, i: workflow.grant(h, "friend@nowhere.example", Role.ADMIN, i.customer)),
    "groups_of": (READ, lambda h, i: workflow.groups_of(h, i.plan)),
    "headline_of": (READ, lambda h, i: workflow.headline_of(h, i.plan)),
    "held_by_reason": (READ, lambda h, i: workflow.held_by_reason(h, i.plan)),
    "held_seen": (READ, lambda h, i: workflow.held_seen(h, i.plan, "", 10, 0)),
    "hibob_request": (READ, lambda h, i: workflow.hibob_request(h, i.customer, i.label)),
    "history_head": (FREE, lambda h, i: workflow.history_head(h)),
    "is_customer": (FREE, lambda h, i: workflow.is_customer(h, i.customer)),
    "is_csm": (FREE, lambda h, i: workflow.is_csm(h)),
    "job_seen": (READ, lambda h, i: workflow.job_seen(h, i.label, i.job)),
    "keep_left_out": (PREPARE, lambda h, i: workflow.keep_left_out(h, i.plan, [i.person])),
    "keep_mapping_draft": (PREPARE, lambda h, i: workflow.keep_mapping_draft(h, i.label, (), "", i.begun)),
    "keep_mapping_past": (PREPARE, lambda h, i: workflow.keep_mapping_past(h, i.label, ())),
    "keep_only": (PREPARE, lambda h, i: workflow.keep_only(h, i.plan, [i.person])),
    "keep_settings_draft": (PREPARE, lambda h, i: workflow.keep_settings_draft(h, i.label, i.settings, 1)),
    "lapsed": (READ, lambda h, i: workflow.lapsed(h, i.plan)),
    "last_check": (READ, lambda h, i: workflow.last_check(h, i.label)),
    "last_read": (READ, lambda h, i: workflow.last_read(h, i.label)),
    "leaving_connection": (
        PREPARE,
        lambda h, i: workflow.leaving_connection(h, i.customer, f"{i.customer} HiBob"),
    ),
    "leaving_customer": (PREPARE, lambda h, i: workflow.leaving_customer(h, i.customer)),
    "leaving_domain": (PREPARE, lambda h, i: workflow.leaving_domain(h, i.label)),
    "latest_job": (READ, lambda h, i: workflow.latest_job(h, i.label, list(JobKind))),
    "left_out_draft": (READ, lambda h, i: workflow.left_out_draft(h, i.plan)),
    "limits_from_words": (FREE, lambda h, i: workflow.limits_from_words({})),
    "limits_in_words": (FREE, lambda h, i: workflow.limits_in_words(i.settings)),
    "live_trends": (FREE, lambda h, i: workflow.live_trends(h) if workflow.is_csm(h) else None),
    "mapping_as_csv": (READ, lambda h, i: workflow.mapping_as_csv(h, i.label, (), "")),
    "mapping_in_words": (READ, lambda h, i: workflow.mapping_in_words(h, i.label, (), "", draft=False)),
    "mapping_draft": (READ, lambda h, i: workflow.mapping_draft(h, i.label)),
    "mapping_past": (READ, lambda h, i: workflow.mapping_past(h, i.label)),
    "may": (FREE, lambda h, i: workflow.may(h, i.customer)),
    "member": (FREE, lambda h, i: workflow.member("a@b.example")),
    "messages_seen": (READ, lambda h, i: workflow.messages_seen(h, i.label)),
    "names_in_plan": (READ, lambda h, i: workflow.names_in_plan(h, i.plan, [i.person])),
    "need_membership": (FREE, lambda h, i: None),
    "needs_farewell": (PREPARE, lambda h, i: workflow.needs_farewell(h, i.leaving)),
    "new_values": (READ, lambda h, i: workflow.new_values(h, i.label, ())),
    "newer_mapping": (READ, lambda h, i: workflow.newer_mapping(h, i.label, i.begun)),
    "newer_settings": (READ, lambda h, i: workflow.newer_settings(h, i.label, 0)),
    "needs_another": (READ, lambda h, i: workflow.needs_another(h, i.plan)),
    "newest": (READ, lambda h, i: workflow.newest(h, i.label)),
    "operator": (FREE, lambda h, i: workflow.operator()),
    "offboard": (PREPARE, lambda h, i: workflow.offboard(h, i.leaving, workflow.Fate.STAY)),
    "outcomes_seen": (READ, lambda h, i: workflow.outcomes_seen(h, i.run, (), "", 10, 0)),
    "overridable": (READ, lambda h, i: workflow.overridable(h, i.plan)),
    "pause_all": (PREPARE, lambda h, i: workflow.pause_all(h, i.customer)),
    "next_station": (FREE, lambda h, i: None),
    "people_read": (READ, lambda h, i: workflow.people_read(h, i.label)),
    "person_read": (READ, lambda h, i: workflow.person_read(h, i.label, i.person)),
    "plan_seen": (READ, lambda h, i: workflow.plan_seen(h, i.plan)),
    "plan_states": (READ, lambda h, i: workflow.plan_states(h, i.label, ())),
    "plans_seen": (READ, lambda h, i: workflow.plans_seen(h, i.label)),
    "preview": (PREPARE, lambda h, i: workflow.preview(h, i.label)),
    "process": (PREPARE, lambda h, i: workflow.process(h, i.plan)),
    "progress_of": (READ, lambda h, i: workflow.progress_of(h, i.plan)),
    "read_grants": (FREE, lambda h, i: workflow.read_grants({})),
    "read_sample": (PREPARE, lambda h, i: workflow.read_sample(h, i.label)),
    "remove_old_history": (PREPARE, lambda h, i: workflow.remove_old_history(h, i.customer)),
    "reference_names": (READ, lambda h, i: workflow.reference_names(h, i.plan, [("Manager", "1")])),
    "remove_old": (CARE, lambda h, i: workflow.remove_old(h)),
    "restore": (CARE, lambda h, i: workflow.restore(h, i.file)),
    "resume_all": (PREPARE, lambda h, i: workflow.resume_all(h, i.customer)),
    "revoke": (PREPARE, lambda h, i: workflow.revoke(h, f"boss@{i.customer.lower()}.example", i.customer)),
    "rotate": (CARE, lambda h, i: workflow.rotate(h)),
    "run_due": (CARE, lambda h, i: workflow.run_due(h)),
    "run_due_domain": (CARE, lambda h, i: workflow.run_due_domain(h, 1)),
    "run_of": (READ, lambda h, i: workflow.run_of(h, i.plan)),
    "run_seen": (READ, lambda h, i: workflow.run_seen(h, i.run)),
    "runs_found": (READ, lambda h, i: workflow.runs_found(h, i.label)),
    "runs_seen": (READ, lambda h, i: workflow.runs_seen(h, i.label)),
    "save_connection": (
        PREPARE,
        lambda h, i: workflow.save_connection(h, i.customer, "x", "https://api.hibob.com", "", ""),
    ),
    "save_licence": (PREPARE, lambda h, i: workflow.save_licence(h, i.customer, 10, 2.5)),
    "save_mapping": (PREPARE, lambda h, i: workflow.save_mapping(h, i.label, (), "", i.begun)),
    "save_settings": (PREPARE, lambda h, i: workflow.save_settings(h, i.label, i.settings, 1)),
    "save_settings_draft": (PREPARE, lambda h, i: workflow.save_settings_draft(h, i.label, i.settings, 1)),
    "save_target": (PREPARE, lambda h, i: workflow.save_target(h, i.label, None, None, "")),
    "seal_anew": (CARE, lambda h, i: workflow.seal_anew(h, "why")),
    "schedule_seen": (READ, lambda h, i: workflow.schedule_seen(h, i.label)),
    "send_test": (PREPARE, lambda h, i: workflow.send_test(h, i.label)),
    "save_schedule": (PREPARE, lambda h, i: workflow.save_schedule(h, i.label, None)),
    "see_history": (READ, lambda h, i: workflow.see_history(h, i.label)),
    "set_up": (PREPARE, lambda h, i: workflow.set_up(h, f'[customer]\nname = "{i.customer}"\nseats = 1\n')),
    "settings_draft": (READ, lambda h, i: workflow.settings_draft(h, i.label)),
    "settings_from_text": (FREE, lambda h, i: workflow.settings_from_text(workflow.settings_in_text(i.settings))),
    "settings_in_text": (FREE, lambda h, i: workflow.settings_in_text(i.settings)),
    "show_plan": (READ, lambda h, i: workflow.show_plan(h, i.plan)),
    "sign_in": (FREE, lambda h, i: None),
    "sign_out": (FREE, lambda h, i: None),
    "somebody_works": (READ, lambda h, i: workflow.somebody_works(h, i.label)),
    "standing": (READ, lambda h, i: workflow.standing(h, i.label)),
    "speed_seen": (READ, lambda h, i: workflow.speed_seen(h, i.run)),
    "stop_asked": (READ, lambda h, i: workflow.stop_asked(h, i.run)),
    "stop": (PREPARE, lambda h, i: workflow.stop(h, i.run)),
    "strangers": (READ, lambda h, i: workflow.strangers(h, i.label, [i.person])),
    "suggest": (READ, lambda h, i: workflow.suggest(h, i.label, ())),
    "switch_off": (PREPARE, lambda h, i: workflow.switch_off(h, i.label)),
    "switch_on": (PREPARE, lambda h, i: workflow.switch_on(h, i.label)),
    "take_rows": (READ, lambda h, i: workflow.take_rows(h, i.label, "", (), "", whole=True)),
    "take_back": (PREPARE, lambda h, i: workflow.take_back(h, i.label, i.person)),
    "target_seen": (READ, lambda h, i: workflow.target_seen(h, i.label)),
    "targets_seen": (READ, lambda h, i: workflow.targets_seen(h, i.label)),
    "timeline": (READ, lambda h, i: workflow.timeline(h, i.label)),
    "times_preview": (FREE, lambda h, i: None),
    "trends_of_all": (FREE, lambda h, i: workflow.trends_of_all(h) if workflow.is_csm(h) else None),
    "trends_seen": (READ, lambda h, i: workflow.trends_seen(h, i.label)),
    "try_lifecycle": (READ, lambda h, i: workflow.try_lifecycle(h, i.label, i.settings.lifecycle)),
    "try_mapping": (READ, lambda h, i: workflow.try_mapping(h, i.label, (), "", None)),
    "try_scope": (READ, lambda h, i: workflow.try_scope(h, i.label, (ScopeRule("include", "root.email", ("x",)),))),
    "turns_waiting": (CARE, lambda h, i: workflow.turns_waiting(h)),
    "undelivered": (READ, lambda h, i: workflow.undelivered(h, i.label)),
    "undo": (PREPARE, lambda h, i: workflow.undo(h, i.run)),
    "user_of": (READ, lambda h, i: workflow.user_of(h, i.label, i.person)),
    "users": (READ, lambda h, i: workflow.users(h, i.label)),
    "users_seen": (READ, lambda h, i: workflow.users_seen(h, i.label, "", 10, 0)),
    "versions_of": (READ, lambda h, i: workflow.versions_of(h, i.label)),
    "webhook": (SIGNED, lambda h, i: workflow.webhook(h, i.label, {}, b"{}")),
    "values_of": (READ, lambda h, i: workflow.values_of(h, i.label, Attribute("Site", "work.site"), ())),
    "verify": (FREE, lambda h, i: workflow.verify(h)),
}
"""One row a use case: what it takes, and a call."""

MIXED: dict[str, Call] = {
    "another's job under one's own domain": lambda h, i: workflow.job_seen(h, i.own, i.job),
    "another's plan under one's own domain": lambda h, i: {"plans": workflow.plan_states(h, i.own, [])},
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
        actor = workflow.member(email) if email else workflow.operator()
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

    workflow.set_up(operator, tomli_w.dumps(content))
    plan = workflow.preview(chief, f"{name}/staff")
    workflow.approve(chief, plan.id)
    run = workflow.process(chief, plan.id)
    job = workflow.ask(chief, f"{name}/staff", JobKind.CHECK)
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
            workflow.grant(operator, ROLES[role.value], role, "Acme")
        workflow.backup(operator, ours.file)
        operator.db.close()
        yield found


def test_every_use_case_stands_in_the_table() -> None:
    public = {name for name in workflow.__all__ if inspect.isfunction(getattr(workflow, name))}
    assert public == set(CASES)


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


@pytest.mark.parametrize("role", ROLES)
def test_what_anybody_may_call_tells_nothing_of_another_customer(installation: Installation, role: str) -> None:
    house = installation.house(ROLES[role])
    for name, (needs, call) in CASES.items():
        if needs == FREE:
            assert "Globex" not in repr(call(house, installation.theirs)), name
    assert workflow.may(house, "Globex") == frozenset()
    assert not workflow.is_customer(house, "Globex")
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
            workflow.set_up(house, f'[customer]\nname = "{name}"\n')
        told.append(str(refused.value).replace(name, "NAME"))
    house.db.close()
    assert told[0] == told[1]
