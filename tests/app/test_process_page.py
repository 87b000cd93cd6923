"""A run: begun, stopped, resumed and tried again, by the worker or by another process."""

import csv
import json
import re
from io import StringIO

import pytest
from installation import ADMIN, DOMAIN, App, Said, button

from provisioning import worker
from provisioning.errors import NotFound
from provisioning.model import (
    Outcome,
    Plan,
    Result,
    Run,
    RunStatus,
)
from provisioning.sandbox import Sandbox
from provisioning.store import jobs, plans, runs
from provisioning.store.leases import lease
from provisioning.workflow import (
    approving,
    asking,
    handing_out,
    looking,
    looking_back,
    planning,
    processing,
    reviewing,
    setting_up,
    stored_plans,
    undoing,
)
from provisioning.workflow.handing_out import FileKind


def test_an_interrupted_run_can_be_resumed(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    at = app.open("process")
    assert "did not come to its end" in said(at)
    button(at, "Resume")
    app.work()
    run = stored_plans.run_of(house, plan.id)
    assert run is not None
    assert run.status is RunStatus.DONE


def test_a_run_can_be_stopped_while_the_worker_is_at_it(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    assert jobs.claim(house.db, house.clock()) is not None
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    runs.journal(house.db, run.id, [Outcome(plan.changes[0].key, plan.changes[0].action, Result.DONE)], house.clock())
    at = app.open("process")
    assert f"1 of {len(plan.changes)} changes" in at.get("progress")[0].proto.text
    button(at, "Stop")
    assert runs.stop_asked(house.db, run.id)
    # It is still said when the page polls next.
    assert "It stops before the next hundred changes." in said(app.open("process"))


def test_a_run_that_was_asked_for_stands_there_as_it_will_when_it_has_ended(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    button(app.open("process"), "Process now")
    asked = app.open("process")
    assert "How far it is stands at the foot of this window." in said(asked)
    app.work()
    done = app.open("process")
    assert "Everything approved was done." in said(done)
    assert [each.label for each in asked.metric] == [each.label for each in done.metric]


def test_a_run_that_waits_for_skillcast_says_until_when(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    job = jobs.claim(house.db, house.clock())
    assert job is not None
    runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    jobs.note(house.db, job.id, "Skillcast asks us to wait until 10:15:00 UTC")
    at = app.open("process")
    assert "wait until 10:15:00 UTC" in said(at).replace("\\", "")
    assert "Stop" in [each.label for each in at.button]


def test_what_a_run_waited_for_is_not_said_any_more_when_it_goes_on(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    job = jobs.claim(house.db, house.clock())
    assert job is not None
    jobs.note(house.db, job.id, "Waiting for somebody else")
    worker.execute(house, job)
    assert asking.job_seen(house, DOMAIN, job.id).step == ""


def test_a_run_in_the_address_is_shown_and_one_of_nowhere_is_said(full: App, said: Said) -> None:
    run = looking.runs_seen(full.house(), DOMAIN)[0][0]
    assert "Everything approved was done." in said(full.open("process", run=run.id))
    at = full.open("process", run="run-nowhere")
    assert "There is no run “run" in at.error[0].value
    assert "Everything approved was done." not in said(at)


def test_a_run_that_stopped_early_says_why(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    why = "Stopped early: 50 in a row failed for the same cause (403)."
    runs.end_run(house.db, run.id, RunStatus.STOPPED, house.clock(), why)
    at = app.open("process")
    assert [each.value.replace("\\", "") for each in at.error] == [why]
    assert "Resume" in [each.label for each in at.button]


def test_whoever_failed_can_be_tried_again(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    failed = [Outcome(each.key, each.action, Result.FAILED, "The directory did not answer.") for each in plan.changes]
    runs.journal(house.db, run.id, failed, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    assert f"Nobody was changed. {len(failed)} failed." in said(app.open("preview")).replace("\\", "")
    button(app.open("process"), "Retry failed")
    app.work()
    assert "Everything approved was done" in said(app.open("process"))
    # The preview tells what became of everybody in the end.
    shown = said(app.open("preview")).replace("\\", "")
    assert f"{len(failed)} people joined." in shown
    assert "failed" not in shown


def test_a_retry_that_did_everything_does_not_hide_who_had_changed_since(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    ends = [Result.FAILED, Result.DRIFTED, *[Result.DONE] * (len(plan.changes) - 2)]
    told = [Outcome(each.key, each.action, end, "Said so.") for each, end in zip(plan.changes, ends, strict=True)]
    runs.journal(house.db, run.id, told, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    button(app.open("process"), "Retry failed")
    app.work()
    at = app.open("process")
    assert "Whoever changed since the preview was left alone" in said(at)
    assert "Everything approved was done" not in said(at)
    assert "It tried again those who had failed, and counts them alone" in said(at)
    assert "Retry failed" not in [each.label for each in at.button]


def test_a_run_of_the_command_line_can_be_watched_and_stopped(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    with lease(house.db, plan.domain_id, f"process {plan.id}"):
        at = app.open("process")
        assert "by another process" in at.get("progress")[0].proto.text
        assert "Resume" not in [each.label for each in at.button]
        button(at, "Stop")
        assert runs.stop_asked(house.db, run.id)
    assert "Resume" in [each.label for each in app.open("process").button]


def test_a_preview_of_another_domain_cannot_be_asked_to_be_processed(full: App) -> None:
    house = full.house()
    plan = looking.plans_seen(house, DOMAIN)[0]
    setting_up.add_domain(house, "Northwind Trading", "contractors", "Northwind HiBob")
    with pytest.raises(NotFound, match="another domain"):
        asking.ask(house, "Northwind Trading/contractors", jobs.JobKind.PROCESS, plan.id)


@pytest.fixture
def partly(app: App) -> tuple[App, Plan, Run]:
    """A run in which the last two people failed and the others were done."""
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    changes = plans.get_plan(house.db, plan.id).changes
    run = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock())
    bad = {each.key for each in changes[-2:]}
    told = [
        Outcome(each.key, each.action, Result.FAILED if each.key in bad else Result.DONE, "Said so.")
        for each in changes
    ]
    runs.journal(house.db, run.id, told, house.clock())
    runs.end_run(house.db, run.id, RunStatus.PARTIAL, house.clock())
    return app, plan, run


@pytest.mark.parametrize("kind", [jobs.JobKind.PROCESS, jobs.JobKind.RETRY])
def test_a_retry_whose_worker_was_killed_goes_on_with_those_who_failed(
    partly: tuple[App, Plan, Run], kind: jobs.JobKind
) -> None:
    """Resumed by somebody, or repeated by the next worker."""
    app, plan, failed = partly
    house = app.house()
    retry = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock(), failed.id)
    asking.ask(house, DOMAIN, kind, plan.id)
    app.work()
    run = stored_plans.run_of(house, plan.id)
    assert run is not None
    assert run.id == retry.id
    assert run.status is RunStatus.DONE
    assert run.counts["done"] == 2


def test_a_retry_counts_only_those_who_failed(partly: tuple[App, Plan, Run]) -> None:
    app, plan, failed = partly
    house = app.house()
    asking.ask(house, DOMAIN, jobs.JobKind.RETRY, plan.id)
    assert jobs.claim(house.db, house.clock()) is not None
    assert "0 of 2 changes" in app.open("process").get("progress")[0].proto.text
    retry = runs.start_run(house.db, plan.id, plan.domain_id, ADMIN, house.clock(), failed.id)
    one = plans.get_plan(house.db, plan.id).changes[-1]
    runs.journal(house.db, retry.id, [Outcome(one.key, one.action, Result.DONE)], house.clock())
    assert "1 of 2 changes" in app.open("process").get("progress")[0].proto.text


def test_after_a_retry_the_run_before_it_can_be_taken_back_as_well(partly: tuple[App, Plan, Run]) -> None:
    app, plan, failed = partly
    house = app.house()
    button(app.open("process"), "Retry failed")
    app.work()
    at = app.open("process")
    (which,) = at.radio
    retry, first = which.options
    assert (retry[:9], retry[-8:]) == ("The retry", "2 people")
    assert (first[:7], first.partition(": ")[2]) == ("The run", f"{len(plan.changes) - 2} people")
    button(which.set_value(failed.id).run(), "Make that preview")
    app.work()
    back = looking.plans_seen(house, DOMAIN)[0]
    assert back.undo_of == failed.id


def test_after_a_retry_the_outcomes_of_the_run_before_it_are_still_shown(
    partly: tuple[App, Plan, Run], said: Said
) -> None:
    app, plan, failed = partly
    button(app.open("process"), "Retry failed")
    app.work()
    assert "2 of 2" not in said(app.open("process"))
    at = app.open("process", run=failed.id)
    assert "Those who failed in it were tried again" in said(at)
    assert [each.value for each in at.metric][:2] == [str(len(plan.changes) - 2), "2"]
    assert "Retry failed" not in [each.label for each in at.button]
    shown = next(each.value for each in at.dataframe if "Result" in each.value.columns)
    assert list(shown["Result"]).count("Failed") == 2


def test_a_run_that_was_taken_back_says_so_and_is_neither_retried_nor_taken_back_again(
    partly: tuple[App, Plan, Run], said: Said
) -> None:
    app, _, failed = partly
    house = app.house()
    button(app.open("process"), "Retry failed")
    app.work()
    (retry, _, _), *_ = looking.runs_seen(house, DOMAIN, 1)
    back = undoing.undo(house, retry.id)
    approving.approve(house, back.id)
    processing.process(house, back.id)
    at = app.open("process", run=retry.id)
    assert "It was taken back by the run of" in said(at)
    assert {"Retry failed", "Make that preview"}.isdisjoint(each.label for each in at.button)
    assert "It took back the run of" in said(app.open("process", plan=back.id))
    assert "What the retry did was taken back since" in said(app.open("preview", plan=retry.plan_id))
    runs_shown = next(
        each.value for each in app.open("history", show="runs").dataframe if "Ended as" in each.value.columns
    )
    assert list(runs_shown["Ended as"]) == [
        "Done · takes a run back", "Done · a retry · taken back", "Done, with exceptions",
    ]  # fmt: skip
    assert "took a run back, and so processed" in said(app.open("history"))
    overview = said(app.open())
    assert "A run was taken back" in overview
    assert "Those who failed in it were tried again" in said(app.open("process", run=failed.id))


def test_whoever_failed_is_not_tried_again_once_another_run_was_processed(
    partly: tuple[App, Plan, Run], said: Said
) -> None:
    app, plan, _ = partly
    house = app.house()
    again = planning.preview(house, DOMAIN)
    approving.approve(house, again.id)
    processing.process(house, again.id)
    at = app.open("process", plan=plan.id)
    assert "They can no longer be tried again" in said(at)
    assert "Retry failed" not in [each.label for each in at.button]


def test_when_hibob_is_gone_before_the_first_write_the_page_says_that_nothing_was_written(
    app: App, sandbox: Sandbox, said: Said
) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    app.environment["ROLLCALL_REREAD_MINUTES"] = "0"
    sandbox.switches.in_no_group = True
    asking.ask(house, DOMAIN, jobs.JobKind.PROCESS, plan.id)
    app.work()
    at = app.open("process")
    assert "Processing did not come to an end. HiBob" in at.error[0].value.replace("\u2060", "").replace("\\", "")
    assert "Nothing was written. Once the cause is gone, process it again." in said(at)
    assert "Process now" in [each.label for each in at.button]


def test_an_outcome_says_who_is_new_and_whoever_is_selected_is_shown_with_every_value(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    processing.process(house, plan.id)
    first = plan.changes[0]
    at = app.open("process", plan=plan.id, selected=f"{first.key} add")
    outcomes, values = (each.value for each in at.dataframe)
    assert all(re.fullmatch(r"New: \S+@\S+", told) for told in outcomes["Before → after"])
    assert set(values["After"]) >= {each for each in first.after.values() if each and "@" in each}
    assert f"Added. {first.why}" in said(at).replace("\\", "")


def test_outcomes_are_handed_out_as_they_are_filtered_and_that_is_recorded(
    partly: tuple[App, Plan, Run], said: Said
) -> None:
    app, plan, run = partly
    house = app.house()
    labels = [each.proto.label for each in app.open("process").get("download_button")]
    assert labels == ["Download as CSV", "Download as JSON"]
    every = list(Result)
    rows = json.loads(handing_out.export_outcomes(house, run.id, every, "", FileKind.JSON))
    *others, failed, last = plan.changes
    first_failed = [each.key for each in (failed, last, *others)]
    assert [row["HiBob id"] for row in rows] == first_failed
    assert rows[1] == {
        "person": last.name, "HiBob id": last.key, "user id": "", "action": "add", "result": "failed",
        "message": "Said so.", "run": run.id,
    }  # fmt: skip
    file = handing_out.export_outcomes(house, run.id, ["failed"], last.name, FileKind.CSV).decode("utf-8-sig")
    assert [(row["person"], row["result"]) for row in csv.DictReader(StringIO(file))] == [(last.name, "failed")]
    newest = looking_back.timeline(house, DOMAIN, ["history exported"])
    assert [newest.told(each).text for each in newest.events] == [
        "took 1 outcome of a run out as a CSV file",
        f"took {len(plan.changes)} outcomes of a run out as a JSON file",
    ]
    assert {each.run for each in newest.events} == {run.id}


def test_data_in_the_file_of_the_outcomes_never_becomes_a_formula(partly: tuple[App, Plan, Run]) -> None:
    app, _, run = partly
    house = app.house()
    house.db.execute("UPDATE outcomes SET message = '=1+1' WHERE run_id = ?", run.id)
    assert b",'=1+1," in handing_out.export_outcomes(house, run.id, list(Result), "", FileKind.CSV)


def test_an_outcome_says_what_changed_from_what_to_what(full: App, sandbox: Sandbox, said: Said) -> None:
    for each in sandbox.company.people.values():
        if each.get("work.site") == "London":
            each["work.site"] = "Greater London"
    house = full.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id, leave_out=[plan.changes[0].key])
    processing.process(house, plan.id)
    table = full.open("process", plan=plan.id).dataframe[0].value
    assert len(table) == len(plan.changes)
    assert set(table["Result"]) == {"Done", "Left out"}
    assert set(table["Before → after"]) == {"Site: London → Greater London"}
    chosen = full.open("process", plan=plan.id, selected=f"{plan.changes[0].key} update")
    assert "Not updated." in said(chosen).replace("\\", "")
    assert {(what, result) for what, result in zip(table["What"], table["Result"], strict=True)} == {
        ("Updated", "Done"),
        ("Not updated", "Left out"),
    }


def test_a_preview_that_is_asked_for_while_a_run_goes_says_that_it_waits_for_it(app: App) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    with lease(house.db, plan.domain_id, f"process {plan.id}"):
        asking.ask(house, DOMAIN, jobs.JobKind.PREVIEW)
        assert "waiting until other work on this domain is done" in app.open("preview").status[0].label
    assert "waiting to begin" in app.open("preview").status[0].label


def test_who_is_left_out_after_the_approval_is_not_processed_by_the_old_one(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    assert "Process now" in [each.label for each in app.open("process").button]
    approving.keep_left_out(house, plan.id, [plan.changes[0].key])
    at = app.open("process")
    assert "Process now" not in [each.label for each in at.button]
    assert "You decide otherwise" in said(at)


def test_whoever_failed_in_the_last_run_and_is_proposed_again_is_named_on_the_new_preview(
    partly: tuple[App, Plan, Run], said: Said
) -> None:
    app, plan, run = partly
    house = app.house()
    again = planning.preview(house, DOMAIN)
    names = ", ".join(each.name for each in plan.changes[-2:])
    told = f"Failed in the run of {run.started_at:%Y-%m-%d %H:%M} UTC, and proposed again: {names}."
    assert told in reviewing.proposed_again(house, again.id)


def test_what_waits_to_be_processed_is_listed_person_by_person(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    first, *others = plan.changes
    approving.keep_left_out(house, plan.id, [first.key])
    approving.approve(house, plan.id, leave_out=[first.key])
    at = app.open("process", plan=plan.id)
    table = next(each.value for each in at.dataframe if "Person" in each.value.columns)
    assert dict(zip(table["Person"], table["Decision"], strict=True)) == {
        first.name: "Leave out", **{each.name: "Approve" for each in others}
    }  # fmt: skip
    assert "Leave out" not in [each.label for each in at.button]


def test_an_approval_of_everything_says_how_much_that_is(app: App, said: Said) -> None:
    house = app.house()
    plan = planning.preview(house, DOMAIN)
    approving.approve(house, plan.id)
    told = said(app.open("process", plan=plan.id)).replace("\\", "")
    assert f": all {len(plan.changes)} changes." in told
