"""The benchmarks do not rot: their companies are what they say, and this project's side of each step runs on a small
one. No figure is asserted on; the peers live in an environment of their own."""

from pathlib import Path

import pytest

from benchmarks import decode, difference, local_directory, pages, plan, preview, workbook
from benchmarks.installation import ALLOWED, LABEL
from benchmarks.measure import Contender, Measured, Peer, Step
from benchmarks.people import ATTRIBUTES, CHANGED, JOINED, LEFT, Nights, company
from benchmarks.situation import situation
from benchmarks.table import HEAD, rows, show
from provisioning.engine.plan import make_plan
from provisioning.workflow import looking
from provisioning.workflow.house import Workspace, member

PEOPLE = 200


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    return Nights.make(tmp_path_factory.mktemp("bench") / str(PEOPLE), PEOPLE)


def test_a_company_is_the_same_for_the_same_seed_and_has_changed_overnight_as_much_as_it_says() -> None:
    before, now = company(1_000)
    assert (before, now) == company(1_000)
    old, new = {str(each[0]): each for each in before}, {str(each[0]): each for each in now}
    assert (len(new.keys() - old.keys()), len(old.keys() - new.keys())) == (1_000 * JOINED, 1_000 * LEFT)
    changed = sum(old[key] != new[key] for key in old.keys() & new.keys())
    assert 1_000 * (CHANGED - LEFT) <= changed <= 1_000 * CHANGED


def test_awkward_people_are_among_them(nights: Nights) -> None:
    table = nights.table()
    assert len(table.column_names) == len(ATTRIBUTES) + 1
    assert max(map(len, table["About"].to_pylist())) > 1_000
    assert all(text.startswith("0") for text in table["Employee ID"].to_pylist())
    assert len(set(table["Employee ID"].to_pylist())) == table.num_rows - 1
    assert "" in table["Site"].to_pylist()
    managers, identifiers = table["Manager"].to_pylist(), table["Employee ID"].to_pylist()
    assert "" in managers
    assert any(identifiers.count(each) > 1 for each in managers)
    assert "Zoe\u0308".encode() in nights.bytes()


def test_managers_are_in_the_plan_awkward_ones_too(tmp_path: Path) -> None:
    nights = Nights.make(tmp_path / "10000", 10_000)
    decision = make_plan(situation(nights))
    changed = [each.after["Manager"] for each in decision.changes if each.after.get("Manager")]
    assert set(changed) <= set(nights.table()["Employee ID"].to_pylist())
    assert len(changed) > 10_000 * JOINED
    assert "manager-shared" in {each.code for each in decision.findings}
    assert any(each.why.startswith("Manager: ") for each in decision.held)


@pytest.mark.parametrize(
    "contender",
    [
        decode.rollcall,
        decode.typed,
        difference.rollcall,
        plan.rollcall,
        preview.normal_night,
        local_directory.rollcall,
        workbook.rollcall,
    ],
    ids=lambda each: f"{each.__module__.rpartition('.')[2]}-{each.__name__}",
)
def test_each_step_runs(nights: Nights, contender: Contender) -> None:
    with preview.SERVERS:
        timed = contender(nights)
        timed.before()
        assert timed.prove(timed.run()) == timed.prove(timed.run())


def test_the_pages_show_a_run_and_a_preview_that_waits(nights: Nights) -> None:
    house = Workspace(pages.full(nights), ALLOWED, member(pages.CSM))
    now = looking.standing(house, LABEL)
    plan = now.hand.newest
    assert plan
    assert now.last_run
    assert now.last_run[1]["done"] == now.users["Live"] - PEOPLE * (1 - JOINED) > 0
    assert sum(plan.counts[name] for name in ("add", "update", "archive", "held")) == PEOPLE * (JOINED + CHANGED + LEFT)
    house.db.close()


def test_the_table_says_who_was_faster_and_whether_that_is_enough(nights: Nights) -> None:
    step = Step("a step", decode.rollcall, (Peer("a peer", decode.typed, time=1 / 5),))
    fast, slow = Measured([1.0], [1.0], 10.0), Measured([4.0], [4.0], 20.0)
    (row,) = rows(step, nights, {"Rollcall": fast, "a peer": slow})
    said = dict(zip(HEAD, row, strict=True))
    assert (said["ratio"], said["to reach"], said["reached"]) == ("4.0 × faster", "≥ 5 × faster", "NO")
    assert "4.0 × faster" in show([row])
