"""Processing an approved preview: progress that survives a closed tab, stop, outcomes, resume, retry."""

from typing import Literal

import pandas as pd
import streamlit as st

from provisioning.model import Action, Change, Outcome, Plan, Result, Run, RunStatus
from provisioning.report.called import ACTIONS_DONE, RESULTS, by_whom
from provisioning.report.differences import Names, in_a_line
from provisioning.report.speed import speed_line
from provisioning.store.jobs import Job, JobKind, JobState
from provisioning.web import address, changes, deciding, jobs, next_step, parts, past, standing
from provisioning.web.frame import Here, act, enter, guarded, link, need_domain
from provisioning.web.words import dated, escape, moment, people
from provisioning.workflow import asking, handing_out, looking, reviewing, scheduling, stored_plans
from provisioning.workflow.house import Workspace
from provisioning.workflow.scheduling import Standing as ScheduleStanding
from provisioning.workflow.speed import speed_seen

KINDS = [JobKind.PROCESS, JobKind.RETRY]
NEXT = {
    looking.PlanState.WAITING: "The preview of {} waits for its approval.",
    looking.PlanState.BLOCKED: "The preview of {} is blocked: look at what blocks it.",
    looking.PlanState.EMPTY: "The preview of {} found nothing to do.",
}
"""What is next by the state of the newest preview; with any other, a new one."""
ANEW = "Make a new preview."
"""How the message ends of whoever fails again until then."""
Weight = Literal["primary", "secondary"]
GOES_ON = "It is under way. How far it is stands at the foot of this window."


def which_plan(here: Here) -> str | None:
    """The plan that the address names, by itself or by its run, else the one that was processed or approved last."""
    run = st.query_params.get("run")
    named = stored_plans.run_seen(here.house, run).plan_id if run else st.query_params.get("plan")
    found = named or looking.newest(here.house, here.label).processing
    if found and not named:
        address.look_at(plan=found)
    return found


def which_run(here: Here, plan: Plan, latest: Run | None) -> Run | None:
    """The run of this plan that the address names, else the latest: a retry counts alone those who had failed before."""
    wanted = st.query_params.get("run")
    if latest is None or wanted in (None, latest.id):
        return latest
    found = stored_plans.run_seen(here.house, str(wanted))
    return found if found.plan_id == plan.id else latest


def draw_none(here: Here) -> None:
    """Nothing is approved: what to do about it depends on whether a preview waits for that."""
    newest = looking.plans_seen(here.house, here.label, 1)
    state = looking.plan_states(here.house, here.label, newest).get(newest[0].id) if newest else None
    ready = next_step.draw_before_preview(here, "process")
    with st.container(border=True):
        st.header("Nothing is approved", anchor=False)
        say = "Processing takes exactly the changes that somebody approved. "
        if newest and state in NEXT:
            st.write(say + NEXT[state].format(moment(newest[0].made_at)))
            link("pages/preview.py", "Open that preview", ":material/compare_arrows:", here, plan=newest[0].id)
        else:
            first = "None waits for that." if newest else "There is no preview yet."
            st.write(f"{say}{'Make a preview and approve it first.' if ready and here.may_prepare else first}")
            link("pages/preview.py", "Open the preview", ":material/compare_arrows:", here)


def draw_progress(here: Here, plan: Plan, job: Job | None) -> None:
    """`job` None: another process, such as the command line's, is at it."""
    may, label, retrying = here.may_prepare, here.label, job is not None and job.kind is JobKind.RETRY

    def progress(house: Workspace) -> tuple[float | None, str]:
        done, total = looking.progress_of(house, plan.id, retrying=retrying)
        return (done / total if total else None), f"{done:,} of {total:,} changes"

    def controls(house: Workspace) -> None:
        last = looking.runs_seen(house, label, 1)
        now = last[0][0] if last and last[0][0].plan_id == plan.id else None
        if now is None:
            return
        running = now.status is RunStatus.RUNNING
        if may and st.button("Stop", icon=":material/stop_circle:", disabled=not running):
            asking.stop(house, now.id)
        if asking.stop_asked(house, now.id):
            st.caption("It stops before the next hundred changes.")

    if job:
        jobs.show(here, job, "Processing", progress, controls)
    else:
        jobs.watch(here, lambda house: asking.somebody_works(house, label), "Processing", progress, controls)


def ask(here: Here, plan: Plan, kind: JobKind) -> None:
    if "run" in st.query_params:
        # What begins now is another one.
        st.query_params.from_dict({**here.place, "plan": plan.id})
    act(lambda: asking.ask(here.house, here.label, kind, plan.id))


def draw_waiting(here: Here, plan: Plan) -> None:
    """Approved or not, and not begun."""
    approval = stored_plans.approval_of(here.house, plan.id)
    if approval is None:
        draw_none(here)
        return
    state = looking.plan_states(here.house, here.label, [plan])[plan.id]
    left_out = stored_plans.left_out_seen(here.house, plan.id)
    with st.container(border=True):
        parts.plan_badge(here, plan)
        st.header(escape(reviewing.headline_of(here.house, plan.id, left_out)), anchor=False)
        st.markdown(escape(standing.in_words(here, plan, approval)))
        lapsed = stored_plans.lapsed(here.house, plan.id)
        if lapsed:
            st.warning(escape(dated(lapsed)), icon=":material/schedule:")
        elif not here.may_prepare:
            st.caption("It waits to be processed: that takes the role admin or CSM for this customer.")
        standing.beside(here, plan)
        notice = st.container()
        with st.container(horizontal=True, vertical_alignment="center"):
            may = here.may_prepare and state is looking.PlanState.APPROVED
            if may and parts.pressed("Process now", ":material/play_arrow:", "process", approval):
                ask(here, plan, JobKind.PROCESS)
            back = "Approve it again" if state is looking.PlanState.CHANGED else "Back to the preview"
            link("pages/preview.py", back, ":material/compare_arrows:", here, plan=plan.id)
        parts.unheard(("process",), notice)
    parts.counts(reviewing.counts_without(here.house, plan.id, left_out))
    st.header("People", anchor=False)
    changes.table(here, plan, False, "" if lapsed else "Who is left out is decided on the preview.", left_out)


def draw_asked(here: Here, plan: Plan, job: Job) -> None:
    """Asked for, and the run has not begun: as it will stand, so that nothing moves when it has."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge("Being processed", color="blue")
            st.caption(escape(f"Asked for by {by_whom(job.by)}."))
        st.info(GOES_ON, icon=":material/hourglass_top:")
        with st.container(horizontal=True, vertical_alignment="center"):
            link("pages/preview.py", "Back to the preview", ":material/compare_arrows:", here, plan=plan.id)
    parts.numbers([(words, "—") for words in RESULTS.values()])


def draw_run(here: Here, plan: Plan, run: Run, busy: bool, said: str) -> None:
    """`said`: why processing did not come to an end, where that stands on the page already."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.run_badge(run, at_it=busy)
            speed = speed_seen(here.house, run.id)
            took = f". {speed_line(speed)}" if speed else ""
            again = "It tried again those who had failed, and counts them alone." if run.retry_of else ""
            said_of = f"By {by_whom(run.by)}, {moment(run.started_at)}{took}. {again or past.took_back(here, plan)}"
            st.caption(escape(said_of.rstrip()))
        if not busy and run.note and run.note != said:
            st.error(escape(dated(run.note)), icon=":material/error:")
        later = None if busy else stored_plans.retried_by(here.house, run.id)
        back = None if busy else stored_plans.ways_back(here.house, plan.id).get(run.id)
        if later:
            draw_earlier(here, plan, run, later)
        elif back:
            draw_taken_back(here, plan, run, back)
        else:
            draw_next(here, plan, run, busy)
        if not (busy or later):
            draw_newer(here, plan)
    parts.numbers([(RESULTS[name], number) for name, number in run.counts.items()])
    draw_outcomes(here, plan, run)


def draw_earlier(here: Here, plan: Plan, run: Run, later: Run) -> None:
    """Of a run after which those who failed were tried again."""
    st.info(escape(f"Those who failed in it were tried again, {moment(later.started_at)}."), icon=":material/replay:")
    with st.container(horizontal=True, vertical_alignment="center", key="ways"):
        link("pages/process.py", "See the retry", ":material/replay:", here, run=later.id)
        link("pages/history.py", "See it in the history", ":material/history:", here, show="runs", run=run.id)
        link("pages/preview.py", "Back to the preview", ":material/compare_arrows:", here, plan=plan.id)


def draw_taken_back(here: Here, plan: Plan, run: Run, back: Run) -> None:
    st.info(
        escape(f"It was taken back by the run of {moment(back.started_at)}."), icon=":material/settings_backup_restore:"
    )
    with st.container(horizontal=True, vertical_alignment="center", key="ways"):
        link("pages/process.py", "See that run", ":material/settings_backup_restore:", here, run=back.id)
        before(here, run)
        link("pages/history.py", "See it in the history", ":material/history:", here, show="runs", run=run.id)
        link("pages/preview.py", "Back to the preview", ":material/compare_arrows:", here, plan=plan.id)


def before(here: Here, run: Run) -> None:
    """To the run whose failures this one tried again."""
    if run.retry_of:
        link("pages/process.py", "See the run before it", ":material/history:", here, run=run.retry_of)


def draw_next(here: Here, plan: Plan, run: Run, busy: bool) -> None:
    """Resume what was stopped or interrupted, try those again who failed, or go on. While it is `busy` it takes the same room,
    so that nothing moves at its end."""
    # What became of each change counts over all runs of the preview: a retry looks at those who failed alone.
    became = {} if busy else reviewing.results_of(here.house, plan.id)
    failed = became.get(Result.FAILED.value, 0)
    lapsed = stored_plans.lapsed(here.house, plan.id) if failed else None
    if busy:
        st.info(GOES_ON, icon=":material/hourglass_top:")
    elif run.status in (RunStatus.STOPPED, RunStatus.RUNNING):
        st.warning(
            "This run did not come to its end. Resuming repeats nothing that is done.", icon=":material/pause_circle:"
        )
    elif failed:
        anew = f" They can no longer be tried again. {escape(dated(lapsed))}" if lapsed else ""
        st.warning(f"{people(failed)} failed; the reasons stand below.{anew}", icon=":material/error:")
    elif became.get(Result.DRIFTED.value):
        st.warning(
            "Whoever changed since the preview was left alone. A new preview shows them.",
            icon=":material/sync_problem:",
        )
    else:
        st.success("Everything approved was done.", icon=":material/check_circle:")
    with st.container(horizontal=True, vertical_alignment="center", key="ways"):
        if not busy and run.status in (RunStatus.STOPPED, RunStatus.RUNNING):
            again("Resume", ":material/play_arrow:", JobKind.PROCESS, here, plan)
        elif failed:
            if not lapsed:
                # Whoever waits for a new preview fails in the same way again.
                waits = looking.outcomes_seen(here.house, run.id, [Result.FAILED.value], ANEW, 0, 0)[1]
                weight: Weight = "secondary" if waits == run.counts[Result.FAILED.value] else "primary"
                again("Retry failed", ":material/replay:", JobKind.RETRY, here, plan, weight)
            link("pages/preview.py", "Go on to a new preview", ":material/compare_arrows:", here)
        if here.may_prepare and scheduling.schedule_seen(here.house, here.label).standing is ScheduleStanding.NONE:
            link("pages/schedule.py", "Let it run by itself", ":material/schedule:", here)
        if not busy:
            before(here, run)
        link("pages/history.py", "See it in the history", ":material/history:", here, show="runs", run=run.id)
        link("pages/preview.py", "Back to the preview", ":material/compare_arrows:", here, plan=plan.id)
        if not busy:
            deciding.undo(here, run)


def draw_newer(here: Here, plan: Plan) -> None:
    """Of a run that is over: a preview that was made since and waits for somebody."""
    now = looking.in_hand(here.house, here.label)
    if now.newest is None or now.newest.id == plan.id or now.state not in NEXT or now.state is looking.PlanState.EMPTY:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        told = NEXT[now.state].format(moment(now.newest.made_at))
        st.markdown(f":material/arrow_forward: {escape(told)}", width="content")
        link("pages/preview.py", "Open that preview", ":material/compare_arrows:", here, plan=now.newest.id)


def again(label: str, icon: str, kind: JobKind, here: Here, plan: Plan, weight: Weight = "primary") -> None:
    if here.may_prepare and st.button(label, type=weight, icon=icon):
        ask(here, plan, kind)


def deed(outcome: Outcome) -> str:
    """“Archived”, or “Not archived” where that was not done."""
    done = ACTIONS_DONE[outcome.action.value]
    return done if outcome.result is Result.DONE else f"Not {done.lower()}"


def draw_outcomes(here: Here, plan: Plan, run: Run) -> None:
    st.header("Outcomes", anchor=False)
    left, right, place = st.columns([3, 4, 2])
    with left:
        text = address.search("Search", "Name, HiBob id or reason", "outcome_search")
    with right:
        results = address.several("Result", "results", list(RESULTS), RESULTS.__getitem__) or list(RESULTS)
    _, count = looking.outcomes_seen(here.house, run.id, results, text, 0, 0)
    if not count:
        st.info("Nobody yet." if not run.counts["done"] else "Nobody fits.", icon=":material/search_off:")
        return
    with place:
        skip = address.pager(count)
    found, _ = looking.outcomes_seen(here.house, run.id, results, text, address.PAGE, skip)
    sides = (pair for _, change in found if change for side in (change.before, change.after) for pair in side.items())
    names = reviewing.reference_names(here.house, plan.id, sides)
    rows = [
        {
            "Person": (change.name if change else "") or each.key,
            "What": deed(each),
            "Result": RESULTS[each.result.value],
            "Message": each.message,
            "Before → after": moved(change, plan, names) if change else "",
        }
        for each, change in found
    ]
    frame = pd.DataFrame(rows)
    # Of what went well nothing is said.
    frame = frame if any(frame["Message"]) else frame.drop(columns=["Message"])
    frame = parts.narrowed(frame, {"Person": ("Person", "What", "Message", "Before → after")})
    fit = parts.fitted(frame)
    selected = address.rows(
        fit.cut(frame), [f"{each.key} {each.action.value}" for each, _ in found], address.SELECTED, "One outcome per change",
        columns=fit.columns, row_height=fit.row_height,
    )  # fmt: skip
    if not selected:
        st.caption("Select somebody to see all of it.")
    past.downloads(
        here, "outcomes", lambda house, kind: handing_out.export_outcomes(house, run.id, results, text, kind)
    )
    for row in selected:
        draw_outcome(here, plan, *found[row], names)


def moved(change: Change, plan: Plan, names: Names) -> str:
    """What changed, in a line: “Site: London → Dublin”, “New: ebba@…”."""
    line = in_a_line(change, dated(change.why), plan.attributes, names)
    return f"New: {line}" if change.action is Action.ADD and line else line


def draw_outcome(here: Here, plan: Plan, outcome: Outcome, change: Change | None, names: Names) -> None:
    """One person's in full. `change` None: what it was to change is not known any more."""
    said = f"{deed(outcome)}. {outcome.message}".rstrip()
    if change:
        changes.person(here, change, plan.attributes, names, f"{said} {dated(change.why)}")
    else:
        st.markdown(escape(said))


here = enter("Process", "Exactly what was approved, person by person.")
domain = need_domain(here)
with guarded():
    plan_id = which_plan(here)
    if plan_id is None:
        draw_none(here)
        st.stop()
    plan = stored_plans.plan_seen(here.house, plan_id)
    if not parts.belongs(here, plan):
        st.stop()
    job = asking.latest_job(here.house, domain.label, KINDS, plan.id)
    run = stored_plans.run_of(here.house, plan.id)
    waits = job if job and job.open else None
    elsewhere = (
        not waits
        and run is not None
        and run.status is RunStatus.RUNNING
        and asking.somebody_works(here.house, domain.label)
    )
    if waits or elsewhere:
        draw_progress(here, plan, waits)
    elif job:
        jobs.show(here, job, "Processing")
        if job.state is JobState.FAILED and run is None:
            st.caption("Nothing was written. Once the cause is gone, process it again.")
    shown = run if waits or elsewhere else which_run(here, plan, run)
    if shown or waits:
        # It takes the place of the part below at once, whole: a box would show that part's contents until its own come.
        st.empty()
    if shown:
        draw_run(here, plan, shown, bool(waits or elsewhere), (job.error if job else None) or "")
    elif waits:
        draw_asked(here, plan, waits)
    else:
        with st.container(key="waiting"):
            draw_waiting(here, plan)
