"""Processing, by hand and by schedule."""

import argparse
import sys

from provisioning.command_line.output import OK, SOME_FAILED, open_house, print_json, print_lines, waiting
from provisioning.command_line.words import complain
from provisioning.model import Run, RunStatus
from provisioning.report.documents import run_document
from provisioning.report.text import plain, run_lines, schedule_lines
from provisioning.worker import Stopping, work
from provisioning.workflow import asking, processing, retention, scheduling, speed, telling
from provisioning.workflow.due import run_due
from provisioning.workflow.house import Workspace, domains_seen, is_customer


def process(asked: argparse.Namespace) -> int:
    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty() and not asked.json:
            print(f"\r{done:,} of {total:,}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    house = open_house(asked)
    run = processing.process(
        house, asked.plan, retry_failed=asked.retry_failed, waiting=waiting, progress=progress, say=complain
    )
    if asked.json:
        print_json(run_document(run))
    else:
        print_lines(list(run_lines(run, speed.speed_seen(house, run.id))))
    return _run_code(run)


def _run_code(run: Run) -> int:
    return OK if run.status is RunStatus.DONE else SOME_FAILED


def stop(asked: argparse.Namespace) -> int:
    asking.stop(open_house(asked), asked.run_id)
    print(f"Run {asked.run_id} will stop before its next chunk. `process` resumes it.")
    return OK


def schedule(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    if is_customer(house, asked.label):
        return _schedules_of(house, asked.label, asked.switch)
    act = {"on": scheduling.switch_on, "off": scheduling.switch_off, None: scheduling.schedule_seen}[asked.switch]
    seen = act(house, asked.label)
    coming = [(each.at, each.note) for each in seen.next]
    about = (seen.label, seen.standing, seen.cron, seen.timezone, seen.does, seen.by, seen.reason)
    print_lines(list(schedule_lines(*about, coming)))
    return OK


def _schedules_of(house: Workspace, customer: str, switch: str | None) -> int:
    """All of a customer with one switch; each domain goes on as it was."""
    if switch:
        act = scheduling.pause_all if switch == "off" else scheduling.resume_all
        act(house, customer)
    print(scheduling.all_paused(house, customer) or f"{customer}: the schedules are not paused as a whole.")
    for each in domains_seen(house, customer):
        seen = scheduling.schedule_seen(house, each.label)
        print(f"  {each.label}: {seen.standing.value}")
    return OK


def due(asked: argparse.Namespace) -> int:
    house = open_house(asked)
    found = run_due(house, waiting)
    telling.deliver(house)
    retention.remove_old(house)
    print_lines([plain(f"{each.label}: {each.text}") for each in found] or ["Nothing is due."])
    return min((each.code for each in found if each.code), default=OK)


def worker(asked: argparse.Namespace) -> int:
    work(open_house(asked), Stopping(with_parent=asked.with_parent), lambda text: print(text, flush=True))
    return OK
