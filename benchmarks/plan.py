"""Columns to the whole plan: mapped, matched, lifecycle, compared, limits, findings, digest. What it is compared with is
the bare difference alone, which is a part of it."""

from benchmarks import difference
from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import Nights
from benchmarks.situation import situation
from provisioning.bulk import collector_off
from provisioning.engine.plan import make_plan


def rollcall(nights: Nights) -> Timed:
    everything = situation(nights)
    return Timed(collector_off()(lambda: make_plan(everything)))


STEP = Step(
    "columns → plan, the whole step",
    rollcall,
    (
        Peer("this project’s bare difference", difference.rollcall, time=4),
        Peer("diffly’s bare difference", difference.diffly, time=4),
        Peer("datacompy’s bare difference", difference.datacompy, time=1 / 10),
        Peer("daff’s bare difference", difference.daff, time=1 / 10),
    ),
)
