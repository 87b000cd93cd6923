"""A stored plan told in few words: its headline, its changes by what happened, how it differs from the one before."""

from collections.abc import Mapping

from provisioning.report.groups import Group, grouped
from provisioning.report.headline import against, headline, newest_of
from provisioning.store import plan_groups, plans
from provisioning.workflow.house import Workspace
from provisioning.workflow.planning import plan_seen

MOST_GROUPS = 40
"""So many shared changes are told apart; the others stand under their attribute."""


def headline_of(house: Workspace, plan_id: str) -> str:
    """Is it safe, what happens, to how many: in words."""
    plan = plan_seen(house, plan_id)
    return headline(plan, plan_groups.updated_attributes(house.db, plan.id))


def groups_of(house: Workspace, plan_id: str) -> list[Group]:
    """The changes of a plan by what happened."""
    plan = plan_seen(house, plan_id)
    changed: Mapping[str, int] = plans.changed_attributes(house.db, plan.id)
    return grouped(plan.counts, changed, plan_groups.shared_values(house.db, plan.id, MOST_GROUPS))


def compared_with_last(house: Workspace, plan_id: str) -> str:
    """How a plan differs from the one before it, processed or not; "" for a domain's first, and for an undo."""
    plan = plan_seen(house, plan_id)
    before = None if plan.undo_of else plan_groups.plan_before(house.db, plan.id)
    if before is None:
        return ""
    last = plans.plan_head(house.db, before)
    if before in plans.run_statuses(house.db, plan.domain_id):
        return against("the preview that was processed last", last.made_at, plan.counts, last.counts)
    people = newest_of(*plan_groups.differing_people(house.db, plan.id, before))
    return against("the preview before it", last.made_at, plan.counts, last.counts, people)
