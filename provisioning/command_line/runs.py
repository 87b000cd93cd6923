"""Processing, by hand and by schedule."""

import argparse
import sys

from provisioning import workflow
from provisioning.command_line.output import OK, SOME_FAILED, open_house, print_json, print_lines, waiting
from provisioning.command_line.words import complain
from provisioning.model import Run, RunStatus
from provisioning.report.documents import run_document
from provisioning.report.text import plain, run_lines, schedule_lines
from provisioning.worker import Stopping, work
from provisioning.workflow import Workspace


def process(asked: argparse.Namespace) -> int:
    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty() and not asked.json:
            print(f"\r{done:,} of {total:,}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    house = open_house(asked)
    run = workflow.process(
        house, asked.plan, retry_failed=asked.retry_failed, waiting=waiting, progress=progress, say=complain
    )
    if asked.json:
        print_json(run_document(run))
    else:
        print_lines(list(run_lines(run, workflow.speed_seen(house, run.id))))
    return _run_code(run)


def _run_code(run: Run) -> int:
    return OK if run.status is RunStatus.DONE else SOME_FAILED


def stop(asked: argparse.Namespace) -> int:
    workflow.stop(open_house(asked), asked.run_id)
    print(f"Run {asked.run_id} will stop before its next chunk. `process` resumes it.")
    return OK


def schedule(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    if workflow.is_customer(house, asked.label):
        return _schedules_of(house, asked.label, asked.switch)
    act = {"on": workflow.switch_on, "off": workflow.switch_off, None: workflow.schedule_seen}[asked.switch]
    seen = act(house, asked.label)
    coming = [(each.at, each.note) for each in seen.next]
    about = (seen.label, seen.standing, seen.cron, seen.timezone, seen.does, seen.by, seen.reason)
    print_lines(list(schedule_lines(*about, coming)))
    return OK


def _schedules_of(house: Workspace, customer: str, switch: str | None) -> int:
    """All of a customer with one switch; each domain goes on as it was."""
    if switch:
        act = workflow.pause_all if switch == "off" else workflow.resume_all
        act(house, customer)
    print(workflow.all_paused(house, customer) or f"{customer}: the schedules are not paused as a whole.")
    for each in workflow.domains_seen(house, customer):
        seen = workflow.schedule_seen(house, each.label)
        print(f"  {each.label}: {seen.standing.value}")
    return OK


def due(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    found = workflow.run_due(house, waiting)
    workflow.deliver(house)
    workflow.remove_old(house)
    print_lines([plain(f"{each.label}: {each.text}") for each in found] or ["Nothing is due."])
    return min((each.code for each in found if each.code), default=OK)


def worker(asked: argparse.Namespace) -> int:
    work(open_house(asked), Stopping(with_parent=asked.with_parent), lambda text: print(text, flush=True))
    return OK
