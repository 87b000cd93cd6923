"""What the worker has to do, for everybody: jobs that people asked for first, then the schedules that are due."""

from provisioning.engine.turns import Turn
from provisioning.store import customers, jobs, schedules
from provisioning.store.leases import held
from provisioning.workflow.house import CARETAKERS, Workspace, require


def turns_waiting(house: Workspace) -> list[Turn]:
    """In the order in which they were asked for. Schedules of domains that somebody works on wait for the next look."""
    require(house, None, CARETAKERS, "see what waits for everybody")
    customer_of = customers.customers_of_domains(house.db)
    asked = [Turn(customer_of[each.domain_id], each.domain_id, each.job_id) for each in jobs.waiting(house.db)]
    taken = held(house.db)
    due = [each for each in schedules.awake(house.db, house.clock()) if each in customer_of and each not in taken]
    return [*asked, *(Turn(customer_of[domain_id], domain_id) for domain_id in due)]
