"""What is kept, and for how long: plans with their people, approvals, runs and outcomes, what was asked of the worker, and
the history's content, by the customer's retention. The history's rows stay: it is a chain, and still fits."""

from datetime import timedelta

from provisioning.model import PLAN_LIFETIME, Customer
from provisioning.store import customers, jobs, plans
from provisioning.workflow.house import PREPARERS, Workspace, record_event, require
from provisioning.workflow.keeping import remove_old_content


def remove_old(house: Workspace, customer_id: int | None = None) -> int:
    """Remove what is older than its customer's retention; of one customer, or of all. Returns how many plans. Changes no
    user, and nothing that the next plan depends on."""
    require(house, customer_id, PREPARERS, "remove what is old")
    return sum(
        _remove(house, each) for each in customers.customers(house.db) if customer_id is None or each.id == customer_id
    )


def _remove(house: Workspace, customer: Customer) -> int:
    # A plan that may still be approved is compared with the runs since, and archives are counted over seven days.
    kept = max(timedelta(days=customer.retention_days), PLAN_LIFETIME)
    before, count = house.clock() - kept, 0
    for domain in customers.domains_ever(house.db, customer.id):
        with house.db.transaction():
            old = plans.old_plans(house.db, domain.id, before)
            plans.remove_plans(house.db, domain.id, old)
            asked = jobs.remove_old(house.db, domain.id, before)
            if old:
                record_event(house, "old plans removed", domain, plans=len(old), jobs=asked, days=kept.days)
        count += len(old)
    remove_old_content(house, customer)
    return count
