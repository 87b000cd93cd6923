"""How long the history's content is kept, and what is kept of one person: to hand it out, and to remove it."""

from datetime import timedelta

from provisioning.errors import NotFound, Refused
from provisioning.model import Customer, RunStatus
from provisioning.store import customers, history, person, plans, snapshots
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seal_at_commit, seen_customer


def remove_old_history(house: Workspace, customer: str) -> int:
    """Remove the content of a customer's history that is older than its retention; returns how many rows. The rows
    themselves stay, so that the chain fits."""
    return remove_old_content(house, _customer(house, customer, "remove what is old"))


def remove_old_content(house: Workspace, found: Customer) -> int:
    """The same, for somebody of whom it is known that they may."""
    with house.db.transaction():
        rows = history.rows_before(house.db, found.id, house.clock() - timedelta(days=found.retention_days))
        _remove_content(house, rows, found, f"retention of {found.retention_days} days")
    return len(rows)


def export_person(house: Workspace, customer: str, name: str) -> dict[str, object]:
    """All that is kept of one person for a customer, the user directory's row left aside. Raises `NotFound`."""
    found = _customer(house, customer, "export what is kept of a person")
    names = person.names_of(house.db, found.id, name)
    kept = person.everything(house.db, found.id, names)
    rows = set(history.rows_about(house.db, found.id, names))
    events = [each for each in history.numbered(house.db, found.id) if each[0] in rows]
    if not events and not any(kept.values()):
        raise NotFound(f"Nothing is kept of “{name}” for {customer}.")
    record_event(house, "person exported", customer_id=found.id)
    told = [
        {"at": each.at, "who": each.who, "what": each.what, "details": dict(each.details)} for _, each in events
    ]  # fmt: skip
    return {"person": name, "known_as": names, **kept, "history": told}


def forget_person(house: Workspace, customer: str, name: str) -> int:
    """Remove what is kept of one person from plans, runs, decisions, drafts and the history; returns how many rows of the
    history lost their content. Their account in the directory stays, and HiBob's next read brings back what HiBob says.

    Raises `Refused` for a member, and while a run that may concern them is not finished.
    """
    found = _customer(house, customer, "remove what is kept of a person")
    names = person.names_of(house.db, found.id, name)
    if {each.casefold() for each in names} & set(customers.in_charge(house.db, found.id)):
        raise Refused(f"{name} is a member of {customer}. Take the role away first: `revoke`.")
    domains = customers.domains(house.db, found.id)
    unfinished = (RunStatus.RUNNING, RunStatus.STOPPED)
    for each in domains:
        if any(status in unfinished for status in plans.run_statuses(house.db, each.id).values()):
            raise Refused(f"A run of {each.label} is not finished. Resume it first, then remove the person.")
    with house.db.transaction():
        rows = history.rows_about(house.db, found.id, names)
        if not rows and not any(person.everything(house.db, found.id, names).values()):
            raise NotFound(f"Nothing is kept of “{name}” for {customer}.")
        person.remove(house.db, found.id, names)
        _remove_content(house, rows, found, "removal of a person")
        record_event(house, history.FORGOTTEN, customer_id=found.id)
    for each in domains:
        # Compressed as a whole; the next preview writes them anew.
        snapshots.drop_snapshots(house.snapshots, each.id)
    return len(rows)


def _remove_content(house: Workspace, rows: list[int], customer: Customer, why: str) -> None:
    if rows:
        seal_at_commit(house)
        history.remove_content(house.db, house.clock(), house.actor.name, rows, customer.id, why)


def _customer(house: Workspace, name: str, doing: str) -> Customer:
    return seen_customer(house, name, doing, PREPARERS)
