"""Every fault at every point: whatever happens, going on leads to the end that an undisturbed run comes to, nobody is
there twice, and nobody was ever written wrongly."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fault_matrix import CELLS, CLOCK, DISK_FULL, FINISHING, LOCAL, REFUSED, USERS, WRITES, Cell
from faults import Disturbed
from small_company import Stage, go_on


def two_ways(cell: Cell) -> bool:
    """Whether it makes a difference that a fault lasts until the run has ended, or that somebody acts after a request
    took effect instead of before."""
    at_the_portal = cell.target != LOCAL and cell.point in (USERS, *WRITES, FINISHING)
    return at_the_portal and cell.fault not in (REFUSED, DISK_FULL, CLOCK)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_fault_at_a_point_changes_nothing_about_the_end(
    cell: Cell, staged: Callable[[str], Stage], tmp_path: Path
) -> None:
    stage = staged(cell.target)
    for lasting in (False, True) if two_ways(cell) else (False,):
        house = stage.house(tmp_path / ("lasting" if lasting else "once"))
        with pytest.MonkeyPatch.context() as monkeypatch:
            disturbed = Disturbed(cell, stage, house, lasting, monkeypatch)
            plan = disturbed.preview()
            assert stage.essence(house) == stage.before  # looking changes nobody
            if plan is not None:
                house.call("approve", plan, by="admin@acme.example").fine()
                disturbed.process(plan)
            assert stage.wrong(stage.essence(house)) == []
            ways = go_on(house, plan)
            assert stage.essence(house) == stage.after, ways
