"""What is kept, and for how long: plans with their people, approvals, runs and outcomes, what was asked of the worker, and
the history's content, by the customer's retention. The history's rows stay: it is a chain, and still fits."""

from datetime import timedelta

from provisioning.model import PLAN_LIFETIME, Customer
from provisioning.store import customers, history, jobs, plans
from provisioning.workflow.house import PREPARERS, Workspace, record_event, require
from provisioning.workflow.keeping import remove_old_content

SHARE_OF_RETENTION, FEWEST_DAYS = 10, timedelta(days=3)
SETTLED = timedelta(days=1)
"""A clock that leaves the history behind by more than a tenth of the retention is believed after so long."""


def remove_old(house: Workspace, customer_id: int | None = None) -> int:
    """Remove what is older than its customer's retention; of one customer, or of all. Returns how many plans. Changes no
    user, and nothing that the next plan depends on. Keeps all of it, and says so in the history, while the clock seems to
    have jumped."""
    require(house, customer_id, PREPARERS, "remove what is old")
    return sum(
        _remove(house, each) for each in customers.customers(house.db) if customer_id is None or each.id == customer_id
    )


def _remove(house: Workspace, customer: Customer) -> int:
    # A plan that may still be approved is compared with the runs since, and archives are counted over seven days.
    kept = max(timedelta(days=customer.retention_days), PLAN_LIFETIME)
    before, count = house.clock() - kept, 0
    jump = _jump(house, kept)
    for domain in customers.domains_ever(house.db, customer.id):
        with house.db.transaction():
            old = plans.old_plans(house.db, domain.id, before)
            if jump:
                if old:
                    record_event(house, "old plans kept", domain, plans=len(old), clock_ahead_days=jump.days)
                continue
            plans.remove_plans(house.db, domain.id, old)
            asked = jobs.remove_old(house.db, domain.id, before)
            if old:
                record_event(house, "old plans removed", domain, plans=len(old), jobs=asked, days=kept.days)
        count += len(old)
    if not jump:
        remove_old_content(house, customer)
    return count


def _jump(house: Workspace, kept: timedelta) -> timedelta | None:
    """By how much the clock left the history behind within the last day, if by too much for what is kept so long."""
    now = later = house.clock()
    most = max(kept / SHARE_OF_RETENTION, FEWEST_DAYS)
    for at in history.moments_back(house.db, now):
        if later - at > most:
            return later - at
        if now - at >= SETTLED:
            return None
        later = min(later, at)
    return None
