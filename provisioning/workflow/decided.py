"""The decisions about people that are in force: seen, followed by plans and approvals, and taken back."""

from provisioning.engine.transforms import fold
from provisioning.errors import NotFound, RoleMissing
from provisioning.model import Decisions, Domain, Status
from provisioning.store import customers, decisions
from provisioning.store.decisions import DecisionKind, PersonDecision
from provisioning.workflow.directories import known_directory
from provisioning.workflow.house import PREPARERS, Workspace, record_event, seen_domain


def decisions_seen(house: Workspace, label: str) -> list[PersonDecision]:
    """The decisions in force, newest first."""
    return decisions.decisions_made(house.db, seen_domain(house, label, "see the decisions").id)


def take_back(house: Workspace, label: str, key: str) -> None:
    """Forget what was decided about somebody; the next preview shows what follows."""
    domain = seen_domain(house, label, "take back a decision", PREPARERS)
    if house.actor.email is None:
        raise RoleMissing("The operator may prepare, but not decide about people.")
    with house.db.transaction():
        if not any(each.key == key for each in decisions.decisions_made(house.db, domain.id)):
            raise NotFound(f"Nothing was decided about “{key}” in {domain.label}.")
        decisions.forget_decisions(house.db, domain.id, [key])
        record_event(house, "decided", domain, decisions=[], taken_back=[key])


def decisions_of(house: Workspace, domain: Domain) -> Decisions:
    """The decisions in force. A test account counts only while it is live; whoever was to be moved to a domain that is
    gone stays, for moving archives nobody."""
    made = decisions.decisions_made(house.db, domain.id)
    homes = {each.name for each in customers.domains(house.db, domain.customer_id)}

    def of(kind: DecisionKind) -> list[PersonDecision]:
        return [each for each in made if each.kind is kind]

    return Decisions(
        protected=frozenset(
            [
                *(each.key for each in of(DecisionKind.PROTECT)),
                *(each.key for each in of(DecisionKind.MOVE) if each.other not in homes),
            ]
        ),
        same={each.key: each.other for each in of(DecisionKind.SAME)},
        not_same=frozenset((each.key, each.other) for each in of(DecisionKind.NOT_SAME)),
        moves={each.key: each.other for each in of(DecisionKind.MOVE) if each.other in homes},
        confirmed=frozenset(each.key for each in of(DecisionKind.TEST_ACCOUNT) if _is_live(house, domain, each.other)),
    )


def _is_live(house: Workspace, domain: Domain, account: str) -> bool:
    name, _, email = account.partition("/")
    found = [each for each in customers.domains(house.db, domain.customer_id) if each.name == name]
    return bool(found) and live_account(house, found[0], email) is Status.LIVE


def live_account(house: Workspace, domain: Domain, email: str) -> Status | None:
    """The status of a domain's user with this e-mail in any spelling, as last read; a live one first; None when there is
    none."""
    wanted = fold(email)
    found = {
        Status(status)
        for _, _, status, attributes in known_directory(house, domain).everybody()
        if wanted and any(fold(value) == wanted for value in attributes.values())
    }
    return Status.LIVE if Status.LIVE in found else next(iter(found), None)
