"""The workbook of 10,000 changed people: styled, with a sheet per action and drop-downs. pandas writes their bare values."""

import io
import subprocess
import sys
from pathlib import Path

import msgspec

from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import ATTRIBUTES, Nights
from benchmarks.situation import NOW
from provisioning.model import Action, Change, Plan, PlanStatus, Seen, Status
from provisioning.report.workbook import write_workbook

CHANGED = 10_000


def rollcall(nights: Nights) -> Timed:
    plan = _plan(nights)

    def run() -> int:
        file = io.BytesIO()
        write_workbook(plan, file)
        return file.tell()

    return Timed(run)


def pandas(nights: Nights) -> Timed:
    import pandas as pd

    plan = _plan(nights)
    rows = [
        {"Decision": "Approve", "Key": each.key, **(each.seen.attributes if each.seen else {}), "Why": each.why}
        for each in plan.changes
    ]

    def run() -> int:
        file = io.BytesIO()
        pd.DataFrame(rows).to_excel(file, index=False, engine="openpyxl")
        return file.tell()

    return Timed(run)


def _plan(nights: Nights) -> Plan:
    """Made by another process: this one holds the plan and nothing that making it left behind."""
    file = nights.folder / "plan.json"
    subprocess.run([sys.executable, "-m", "benchmarks.workbook", str(nights.folder), str(file)], check=True)
    return msgspec.json.decode(file.read_bytes(), type=Plan)


def _make(nights: Nights) -> Plan:
    changes = tuple(_change(dict(zip(("key", *ATTRIBUTES), row, strict=True))) for row, _ in zip(nights.rows(), range(CHANGED), strict=False))  # fmt: skip
    counts = {action.value: 0 for action in Action} | {"update": len(changes), "held": 0, "unchanged": nights.people}
    return Plan("plan-1", 1, "Acme/staff", NOW, NOW, "bench", 1, 1, ATTRIBUTES, PlanStatus.READY, "0" * 64, counts, (), changes, ())  # fmt: skip


def _change(values: dict[str, str]) -> Change:
    key = values.pop("key")
    before, after = {"Site": values["Site"] or None}, {"Site": "Cork"}
    return Change(
        key, Action.UPDATE, "Site differs from HiBob.", before, after, f"U{key}", Seen(Status.LIVE, key, values)
    )


STEP = Step(
    "workbook of 10,000 changed people",
    rollcall,
    (Peer("pandas to_excel, unstyled", pandas, time=1 / 1.7, memory=0.5),),
)

if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(_make(Nights(Path(sys.argv[1])))))
