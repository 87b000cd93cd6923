"""What needs me, what happened last, what comes next."""

import pandas as pd
import streamlit as st

from provisioning.model import Plan, PlanStatus, Result, RunStatus
from provisioning.report.called import ACTIONS_DONE, LOCAL, SKILLCAST, by_whom, held_called
from provisioning.report.charts import actions_chart, runs_chart
from provisioning.report.text import counts_line
from provisioning.report.told import done, not_done
from provisioning.store.jobs import Job, JobKind, JobState
from provisioning.web import jobs, parts, past, standing
from provisioning.web.frame import Here, enter, go, guarded, link, need_domain
from provisioning.web.navigation import TITLES
from provisioning.web.words import TO_DO, ago, dated, escape, moment, on_the_clock, people, progress, until
from provisioning.workflow import asking, looking, reviewing, scheduling, stages, stored_plans
from provisioning.workflow.looking import PlanState
from provisioning.workflow.scheduling import ScheduleSeen
from provisioning.workflow.scheduling import Standing as ScheduleStanding

REVIEW, BLOCKED, NOTHING, PROCESS = "Review and approve", "Look at what blocks", "Nothing to do", "Process"
HELD_BACK, SEATS, PAUSED = "Nothing to approve", "More live users than seats", "The schedule is paused"
MAKE, AGAIN, RUN = "Make a preview", "Preview again", "Look at the run"
BORDER = 32
"""Pixels that a card takes from its table."""
CHARTED, RUNS, HELD = 3, 6, 5
"""From how many runs on they are charted, how many of them, and how many people who are held back are named."""

WORK = {
    JobKind.PREVIEW: "Preview",
    JobKind.CHECK: "Test",
    JobKind.SAMPLE: "Sample",
    JobKind.DECIDE: "Your decision",
    JobKind.UNDO: "Undo",
}
WHERE = {
    JobKind.PREVIEW: "preview",
    JobKind.CHECK: "connect",
    JobKind.SAMPLE: "mapping",
    JobKind.DECIDE: "preview",
    JobKind.UNDO: "preview",
}


def failed(now: looking.Standing, job: Job | None) -> Job | None:
    """The latest job if it failed, and nothing newer has come of the command line since."""
    if job is None or job.state is not JobState.FAILED:
        return None
    newer = [now.hand.newest.made_at if now.hand.newest else None, now.last_run[0].started_at if now.last_run else None]
    ended = str(job.ended_at)
    return None if any(each and each.isoformat() > ended for each in newer) else job


Next = tuple[str, str, str, str, str | None]
"""What to do, why, page, words of the link, and the preview that it is about."""


def most_urgent(
    here: Here, now: looking.Standing, job: Job | None, following: stages.Station | None, seen: ScheduleSeen
) -> Next:
    """The first that is not done, in the order in which Customers has it."""
    settings, run, hand = now.domain.settings, now.last_run, now.hand
    if not now.token_set:
        return "Connect HiBob", "There is no token yet.", "pages/connect.py", "Connect", None
    if not settings.unique_identifier:
        return "Map the attributes", "No unique identifier is chosen yet.", "pages/mapping.py", "Open the mapping", None
    wrong = failed(now, job)
    if wrong:
        page, what = f"pages/{WHERE.get(wrong.kind, 'process')}.py", WORK.get(wrong.kind, "Run")
        return f"{what} failed", wrong.error or "It did not come to an end.", page, "Look at it", None
    if run and now.unfinished:
        return RUN, "A run is not finished.", "pages/process.py", "Open the run", run[0].plan_id
    if hand.newest is None and following and following.page in ("connect", "mapping"):
        return following.title, following.todo, f"pages/{following.page}.py", f"Go to {TITLES[following.page]}", None
    if hand.newest and hand.state is PlanState.BLOCKED:
        why = "The last preview has findings that block it."
        return BLOCKED, why, "pages/preview.py", "Open the preview", hand.newest.id
    return waiting(here, hand.approved) if hand.approved else with_rest(with_seats(of_newest(now, seen), now), seen)


def waiting(here: Here, plan: Plan) -> Next:
    """What was approved and is not processed, or is to be approved again."""
    approval = stored_plans.approval_of(here.house, plan.id)
    why = standing.in_words(here, plan, approval) if approval else ""
    if looking.plan_states(here.house, here.label, [plan])[plan.id] is PlanState.CHANGED:
        return REVIEW, why, "pages/preview.py", "Review the preview", plan.id
    return PROCESS, why, "pages/process.py", "Open processing", plan.id


def of_newest(now: looking.Standing, seen: ScheduleSeen) -> Next:
    """Where nothing is approved that waits to be processed."""
    plan, state, run = now.hand.newest, now.hand.state, now.last_run
    processed = plan and state is PlanState.PROCESSED and run and run[0].plan_id == plan.id
    count = run[1].get(Result.FAILED.value, 0) if run and run[0].status is RunStatus.PARTIAL else 0
    if run and count and not looking.proposed_anew(run[0].ended_at, plan.made_at if plan else None):
        why = f"{people(count)} failed in the last run. Try them again, or make a new preview."
        return RUN, why, "pages/process.py", "Open the run", run[0].plan_id
    if plan and not plan.undo_of and processed and run and run[0].status is RunStatus.DONE:
        comes = seen.next_at if seen.standing is ScheduleStanding.ON else None
        looks = f" Rollcall looks again by itself on {moment(comes)}." if comes else ""
        number = plan.counts.get("held", 0)
        are = "is" if number == 1 else "are"
        held = f" {people(number)} {are} held back, listed below." if number else ""
        title = HELD_BACK if number else NOTHING
        return title, f"Everything approved was done.{held}{looks}", "pages/preview.py", AGAIN, None
    if plan and plan.undo_of and state in (PlanState.EMPTY, PlanState.PROCESSED):
        back = "A run was taken back." if state is PlanState.PROCESSED else "Nobody was left to be taken back."
        return MAKE, f"{back} A new preview shows where HiBob and the users differ now.", "pages/preview.py", MAKE, None
    if plan is None or state not in (PlanState.EMPTY, PlanState.WAITING):
        return MAKE, "See who would change, before anything does.", "pages/preview.py", MAKE, None
    if state is PlanState.EMPTY:
        agrees = plan.status is PlanStatus.EMPTY
        why = "The users agree with HiBob." if agrees else "The last approval leaves out everybody."
        return NOTHING, why, "pages/preview.py", AGAIN, None
    # A schedule makes a newer preview every night of what has waited for longer.
    since = (seen.waiting_since if seen.plan_id == plan.id else None) or plan.made_at
    waits = f"A preview waits for a person, since {moment(since)}."
    return REVIEW, waits, "pages/preview.py", "Review the preview", plan.id


def with_seats(found: Next, now: looking.Standing) -> Next:
    """Who has nothing else to do, and too few seats, has that to see to."""
    if not now.over or found[0] not in (NOTHING, HELD_BACK):
        return found
    return SEATS, f"{now.over} {found[1]}", "pages/start.py", "Open the licensed seats", None


def with_rest(found: Next, seen: ScheduleSeen) -> Next:
    """Who has nothing else to do, and a schedule that waits for somebody, has that to see to."""
    if seen.standing is not ScheduleStanding.PAUSED or found[0] not in (NOTHING, HELD_BACK):
        return found
    return PAUSED, dated(seen.reason), "pages/schedule.py", "Open the schedule", None


def as_it_stands(title: str, why: str, following: stages.Station | None) -> str:
    """The same for whoever can do none of it."""
    if title == MAKE:
        return "No preview is open. An admin or CSM makes the next one."
    if following and title == following.title:
        return f"In the set-up comes next: {title[:1].lower()}{title[1:]}. {following.detail}"
    return f"{title}. {why}" if title.endswith("failed") else why


def draw_next(here: Here, now: looking.Standing, job: Job | None, seen: ScheduleSeen) -> str:
    """Returns what comes first."""
    steps = stages.checklist(here.house, now.domain.customer, here.label)
    following = stages.next_station(steps)
    title, why, page, words, about = most_urgent(here, now, job, following, seen)
    told = about if title in (REVIEW, BLOCKED, PROCESS) else None
    with st.container(border=True):
        # Whoever only looks is not told to do it.
        reads = title not in (NOTHING, HELD_BACK) and not (here.may_prepare or here.may_approve)
        st.header("Where it stands" if reads else escape(title), anchor=False)
        if told:
            left_out = stored_plans.left_out_seen(here.house, told)
            st.markdown(f"**{escape(reviewing.headline_of(here.house, told, left_out))}**")
        st.markdown(escape(as_it_stands(title, why, following) if reads else why))
        if told:
            standing.beside(here, stored_plans.plan_seen(here.house, told))
        with st.container(horizontal=True, vertical_alignment="center"):
            exactly = {"plan": about} if about else {}
            if not here.may_prepare:
                link(page, "Look at it", ":material/arrow_forward:", here, **exactly)
            elif st.button(
                words, type="secondary" if title in (NOTHING, HELD_BACK) else "primary", icon=":material/arrow_forward:"
            ):
                if words in (MAKE, AGAIN):
                    asking.ask(here.house, here.label, JobKind.PREVIEW)
                go(page, here, **exactly)
            if following:
                link("pages/start.py", progress(steps), ":material/checklist:", here)
    return title


def draw_rest(here: Here, seen: ScheduleSeen) -> None:
    """A schedule that is paused or in quarantine: why, and the preview that made it."""
    if seen.standing not in (ScheduleStanding.PAUSED, ScheduleStanding.QUARANTINE):
        return
    with st.container(border=True):
        again = f" It tries again {moment(seen.next_at)}." if seen.next_at else ""
        word = "is paused" if seen.standing is ScheduleStanding.PAUSED else "is in quarantine"
        st.warning(escape(dated(f"The schedule {word}. {seen.reason}{again}")), icon=":material/pause_circle:")
        with st.container(horizontal=True):
            link("pages/schedule.py", "Open the schedule", ":material/schedule:", here)
            if seen.trouble and seen.trouble.plan_id:
                plan = seen.trouble.plan_id
                link("pages/preview.py", "Open its preview", ":material/compare_arrows:", here, plan=plan)


def draw_way(here: Here, now: looking.Standing) -> None:
    """Where people come from and go to."""
    target = SKILLCAST if now.domain.settings.scim else LOCAL
    read = f", last read {ago(now.read_at, here.house.clock())}" if now.read_at else ""
    st.caption(f"HiBob → {target}{read}")


def draw_numbers(here: Here, now: looking.Standing, seen: ScheduleSeen) -> None:
    clock = here.house.clock()
    seats = "—" if now.seats is None else f"{now.seats - now.live_in_all:,} of {now.seats:,}".replace("-", "−")
    comes = until(seen.next_at, clock) if seen.next_at and seen.standing is ScheduleStanding.ON else "none"
    parts.numbers(
        [
            ("Live users", now.users["Live"]),
            ("Seats left", seats),
            ("Archived users", now.users["Archived"]),
            ("Last run", ago(now.last_run[0].started_at, clock) if now.last_run else "none yet"),
            ("Next run", comes),
        ]
    )


def draw_plan(here: Here, now: looking.Standing) -> None:
    with st.container(border=True, height="stretch"):
        st.header("Last preview", anchor=False)
        plan = now.hand.newest
        if plan is None:
            st.write("None yet. A preview reads both sides and changes nothing.")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.plan_badge(here, plan)
            st.caption(f"{moment(plan.made_at)}, by {escape(by_whom(plan.by))}")
        if plan.status is PlanStatus.EMPTY:
            st.markdown(escape(counts_line(plan.counts)))
        else:
            if now.hand.state in (PlanState.PROCESSED, PlanState.BEGUN):
                counts, words = reviewing.results_of(here.house, plan.id), ACTIONS_DONE
            else:
                left_out = stored_plans.left_out_seen(here.house, plan.id)
                counts, words = reviewing.counts_without(here.house, plan.id, left_out), TO_DO
            parts.chart(
                actions_chart(counts, words=words),
                key="plan",
                alt="People per action in the last preview",
            )
        if now.lapsed:
            st.caption(escape(now.lapsed))
        link("pages/preview.py", "Open it", ":material/compare_arrows:", here, plan=plan.id)


def draw_run(here: Here, now: looking.Standing, job: Job | None) -> None:
    with st.container(border=True, height="stretch"):
        st.header("Last runs", anchor=False)
        if now.last_run is None:
            st.write("None yet. Nothing has been written to the directory.")
            return
        run, results, actions = now.last_run
        with st.container(horizontal=True, vertical_alignment="center"):
            processes = job and job.open and job.kind in (JobKind.PROCESS, JobKind.RETRY)
            at_it = bool(processes) or asking.somebody_works(here.house, here.label)
            parts.run_badge(run, at_it=at_it)
            st.caption(f"{moment(run.started_at)}, by {escape(by_whom(run.by))}")
        if run.retry_of:
            # A retry counts those alone who had failed.
            became = reviewing.results_of(here.house, run.plan_id)
            actions, results = became, {name: became.get(name, 0) for name in results}
        said = [done(actions) or "Nobody was changed", not_done(results), "a retry included" if run.retry_of else ""]
        st.markdown(escape(" · ".join(filter(None, said))))
        if back := past.took_back(here, stored_plans.plan_seen(here.house, run.plan_id)):
            st.markdown(escape(back))
        found = looking.runs_seen(here.house, here.label, RUNS)[::-1]
        if len(found) >= CHARTED:
            clock = [(on_the_clock(run.started_at) or run.started_at, actions) for run, _, actions in found]
            bars = [(f"{at.day} {at:%b<br>%H:%M}", actions) for at, actions in clock]
            parts.chart(runs_chart(bars, 190), key="runs", alt="People done in the last runs")
        with st.container(horizontal=True):
            link("pages/process.py", "Open it", ":material/play_circle:", here, plan=run.plan_id)
            link("pages/history.py", "All runs", ":material/history:", here, show="runs")


def draw_held(here: Here, plan: Plan) -> None:
    """Whom the last preview holds back, and what would release them: the first of them."""
    held, count = looking.held_seen(here.house, plan.id, "", HELD, 0)
    if not held:
        return
    with st.container(border=True):
        st.header(f"Held back: {people(count)}", anchor=False)
        others = reviewing.shared_by(here.house, plan.id, [each.key for each in held])
        rows = [
            {
                "Person": each.name or each.key,
                "Why": held_called(each.code),
                "What would release them": others.get(each.key, "") + dated(each.why),
            }
            for each in held
        ]
        frame = pd.DataFrame(rows)
        parts.side_by_side(
            frame, "The first people who are held back",
            lambda row: f"{row['Why']}: {row['What would release them']}", parts.fitted(frame, BORDER, whole=True),
        )  # fmt: skip
        link("pages/preview.py", f"See all {count:,}" if count > len(held) else "See them in the preview",
             ":material/front_hand:", here, plan=plan.id, show="held")  # fmt: skip


here = enter("Overview", "What needs you, what happened last, and what comes next.")
domain = need_domain(here)
with guarded():
    now = looking.standing(here.house, domain.label)
    busy = asking.latest_job(here.house, domain.label, list(JobKind))
    if busy and busy.open:
        jobs.show(here, busy, WORK.get(busy.kind, "Run"))
    seen = scheduling.schedule_seen(here.house, domain.label)
    draw_way(here, now)
    if draw_next(here, now, busy, seen) != PAUSED:
        draw_rest(here, seen)
    draw_numbers(here, now, seen)
    left, right = st.columns(2)
    with left:
        draw_plan(here, now)
    with right:
        draw_run(here, now, busy)
    # The way back from a run holds back nobody whom HiBob still waits for.
    read = next((each for each in looking.plans_seen(here.house, domain.label, RUNS) if not each.undo_of), None)
    if read and not (read == now.hand.newest and now.lapsed):
        draw_held(here, read)
