"""Every fault at every point: whatever happens, going on leads to the end that an undisturbed run comes to, nobody is
there twice, and nobody was ever written wrongly."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fault_matrix import CELLS, Cell
from faults import Disturbed
from small_company import Stage, go_on


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_fault_at_a_point_changes_nothing_about_the_end(
    cell: Cell, staged: Callable[[str], Stage], tmp_path: Path
) -> None:
    stage = staged(cell.target)
    for lasting in (False, True):
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
