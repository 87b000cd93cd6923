"""How long a run will take, and how fast one was."""

from collections.abc import Sequence
from dataclasses import dataclass

from provisioning.model import Action, Speed
from provisioning.store import plan_groups, speeds
from provisioning.workflow.house import Workspace
from provisioning.workflow.stored_plans import domain_of, plan_seen, run_seen

IN_PORTAL, HERE = 4.0, 500.0
"""Changes a second, before a run of the domain was measured: of a portal over the internet, one by one; of the local
directory on a small machine."""

LAST_RUNS, FEWEST = 10, 20
"""The measure is the largest of so many runs, if it had so many changes."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`rate`: changes a second; `measured` in earlier runs of the domain, or assumed."""

    changes: int
    rate: float
    measured: bool

    @property
    def seconds(self) -> float:
        return self.changes / self.rate


def forecast(house: Workspace, plan_id: str, left_out: Sequence[str] = ()) -> Forecast | None:
    """How long processing a plan would take without the people left out (keys); None where nothing changes."""
    plan = plan_seen(house, plan_id)
    domain = domain_of(house, plan)
    changes = sum(plan.counts.get(each.value, 0) for each in Action)
    changes -= sum(plan_groups.actions_of(house.db, plan.id, left_out).values())
    if not changes:
        return None
    usual = speeds.usual_speed(house.db, domain.id, LAST_RUNS, FEWEST)
    if usual and usual.rate:
        return Forecast(changes, usual.rate, True)
    return Forecast(changes, HERE if domain.settings.scim is None else IN_PORTAL, False)


def speed_seen(house: Workspace, run_id: str) -> Speed | None:
    """How fast a run was; None for one that was not measured."""
    return speeds.speed_of(house.db, run_seen(house, run_id).id)
