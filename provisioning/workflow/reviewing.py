"""A stored plan told in few words: its headline, its changes by what happened, how it differs from the one before."""

from collections.abc import Mapping
from contextlib import suppress

from provisioning.engine.columns import Catalogue, read_as
from provisioning.errors import SettingsError
from provisioning.model import Plan
from provisioning.report.evidence import evidence_rows
from provisioning.report.groups import Group, grouped
from provisioning.report.headline import against, headline, newest_of
from provisioning.store import plan_groups, plans
from provisioning.workflow.approving import archives_of
from provisioning.workflow.editing import fields_known
from provisioning.workflow.house import Workspace
from provisioning.workflow.planning import domain_of, plan_seen

SELF = "self-archive"
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


def evidence_of(house: Workspace, plan_id: str) -> list[tuple[str, str]]:
    """What a plan's read of HiBob proved, as (label, text), with the attributes that a column feeds by their names."""
    plan = plan_seen(house, plan_id)
    return [(label.strip(), text) for label, text in evidence_rows(plan.evidence, _fed(house, plan))]


def _fed(house: Workspace, plan: Plan) -> dict[str, str]:
    """Column → the attributes that it feeds, as the mapping is now; of an earlier version's plan nothing is said."""
    domain = domain_of(house, plan)
    if plan.mapping_version != domain.mapping_version:
        return {}
    catalogue, found = Catalogue(fields_known(house, domain.label)), dict[str, list[str]]()
    for each in domain.attributes:
        with suppress(SettingsError):
            column = catalogue.resolve(each.data_feed_name) if each.data_feed_name else None
            for name in {column.field, read_as(each, column).slot} if column else ():
                found.setdefault(name, []).append(each.name)
    return {name: ", ".join(attributes) for name, attributes in found.items()}


def overridable(house: Workspace, plan_id: str) -> list[str]:
    """The codes of the blocks that the actor may override: all of them, but for an archive of their own account."""
    plan = plan_seen(house, plan_id)
    codes = list(dict.fromkeys(each.code for each in plan.blocks))
    if SELF in codes and archives_of(house, plans.get_plan(house.db, plan.id), [house.actor.email or ""]):
        codes.remove(SELF)
    return codes
