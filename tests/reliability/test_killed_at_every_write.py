"""Killed at each of its writes, one after the other, a run that is gone on with comes to the same end."""

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import pytest
from driver import ADMIN, PATIENCE, Rollcall
from dying import dies_at
from fault_matrix import BULK, SCIM
from scim_servers import Answer, Next, Request, Reset, Times, is_write
from small_company import Stage, go_on

LANES = 4
"""So that several processes can share the work."""


def approved(stage: Stage, folder: Path) -> tuple[Rollcall, str]:
    house = stage.house(folder)
    plan = str(house.preview()["plan"])
    house.call("approve", plan, by=ADMIN).fine()
    return house, plan


@pytest.mark.parametrize("lane", range(LANES))
def test_killed_at_any_statement_that_writes_to_the_database(
    lane: int, staged: Callable[[str], Stage], tmp_path: Path
) -> None:
    stage = staged("local")
    nth = lane + 1
    while True:
        house, plan = approved(stage, tmp_path / str(nth))
        killed = dies_at(nth, lambda house=house, plan=plan: house.call("process", plan).fine())  # type: ignore[misc]
        assert stage.wrong(stage.essence(house)) == []
        ways = go_on(house, plan)
        assert stage.essence(house) == stage.after, (nth, ways)
        if not killed:
            break
        nth += LANES
    assert nth > 30, "a run of eleven people takes more writes than that"


@pytest.mark.parametrize("after", [False, True], ids=["before it took effect", "after"])
@pytest.mark.parametrize("lane", range(LANES))
@pytest.mark.parametrize("target", [SCIM, BULK])
def test_killed_at_any_write_to_the_portal(
    target: str, lane: int, after: bool, staged: Callable[[str], Stage], tmp_path: Path
) -> None:
    stage = staged(target)
    for nth in range(lane + 1, len(stage.writes) + 1, LANES):
        house, plan = approved(stage, tmp_path / str(nth))
        killed_at(stage, house, plan, nth, after)
        assert stage.wrong(stage.essence(house)) == []
        ways = go_on(house, plan)
        assert stage.essence(house) == stage.after, (nth, ways)


def killed_at(stage: Stage, house: Rollcall, plan: str, nth: int, after: bool) -> None:
    """The process that writes gets SIGKILL while the portal has its n-th write in its hands."""
    victim: Queue[int] = Queue()

    def kill(request: Request, following: Next) -> Answer:
        if after:
            following(request)
        os.kill(victim.get(timeout=PATIENCE), signal.SIGKILL)
        raise Reset

    stage.portal.twists = [Times(kill, is_write, first=nth)]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Forking beside servers' threads: the child only calls them.
        child = os.fork()
    if child == 0:
        try:
            house.call("process", plan)
        finally:
            os._exit(0)
    victim.put(child)
    _, status = os.waitpid(child, 0)
    stage.portal.twists = []
    assert os.WIFSIGNALED(status), f"write {nth} never came"
