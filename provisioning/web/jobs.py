"""Asking the worker and watching it: one polling fragment a page, which ends with one rerun of the whole page."""

from collections.abc import Callable

import streamlit as st

from provisioning.store.jobs import Job, JobState
from provisioning.web.frame import Here, guarded, keep_worker, workspace
from provisioning.web.words import dated, escape
from provisioning.workflow import asking
from provisioning.workflow.house import Workspace

EVERY = 1.0
Progress = Callable[[Workspace], tuple[float | None, str]]
"""How far it is, as a share (None: unknown) and in words."""

Controls = Callable[[Workspace], None]
"""What one may do to it meanwhile, such as a button that stops it."""


def show(
    here: Here, job: Job | None, doing: str, progress: Progress | None = None, controls: Controls | None = None
) -> bool:
    """Show a job that waits or runs, and poll; or say why it failed. Returns whether it is still open."""
    if job is None:
        return False
    if not job.open:
        if job.state is JobState.FAILED:
            st.error(escape(dated(f"{doing} did not come to an end. {job.error}")), icon=":material/error:")
        return False
    _at_the_bottom(_poll, here.label, job.id, doing, progress, controls)
    return True


def watch(here: Here, busy: Callable[[Workspace], bool], doing: str, progress: Progress, controls: Controls) -> None:
    """Show what another process does, and poll until it is no longer busy."""
    _at_the_bottom(_poll_other, busy, doing, progress, controls)


def _at_the_bottom(poll: Callable[..., None], *what: object) -> None:
    """Over the end of the window: there it is seen wherever one reads, and moves nothing when it comes and goes."""
    with st.bottom:
        st.fragment(poll, run_every=EVERY)(*what)


def _poll_other(busy: Callable[[Workspace], bool], doing: str, progress: Progress, controls: Controls) -> None:
    with workspace() as house, guarded():
        if not busy(house):
            st.rerun()
        share, words = progress(house)
        with st.container(border=True):
            _bar(f"{doing} by another process: {words}", share or 0.0)
            controls(house)


def _poll(label: str, job_id: int, doing: str, progress: Progress | None, controls: Controls | None) -> None:
    with workspace() as house, guarded():
        job = asking.job_seen(house, label, job_id)
        if not job.open:
            st.rerun()
        keep_worker(house.environment)
        share, words = progress(house) if progress else (None, job.step)
        waiting = job.state is JobState.WAITING
        with st.container(border=share is not None, gap="xsmall"):
            _bar(f"{doing}: {(job.step or _waits_for(house, label)) if waiting else (words or 'begun')}", share)
            if progress and job.step and not waiting:
                st.caption(escape(dated(f"{job.step}.")))
            if controls and not waiting:
                controls(house)
            st.caption("You may close this tab: the work goes on.")


def _bar(text: str, share: float | None) -> None:
    """How far it is; without a share, that it goes on."""
    if share is None:
        st.status(escape(text) + " …", state="running")
    else:
        st.progress(min(max(share, 0.0), 1.0), text=escape(text))


def _waits_for(house: Workspace, label: str) -> str:
    """A preview that is asked for while a run goes begins after it."""
    busy = asking.somebody_works(house, label)
    return "waiting until other work on this domain is done" if busy else "waiting to begin"
