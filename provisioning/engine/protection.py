"""Who may never be archived, and why."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from provisioning.engine.concerned import protected_by_rule
from provisioning.engine.situation import People, Situation
from provisioning.engine.transforms import fold


class Protector(StrEnum):
    """What keeps somebody from being archived."""

    DECISION = "decision"
    SETTINGS = "settings"


RELEASED: Mapping[Protector, str] = {
    Protector.DECISION: ": so it was decided, until that is taken back.",
    Protector.SETTINGS: ": so the domain's settings say, until they are changed.",
}


def protected_by(situation: Situation, people: People, user: int, names: Iterable[str]) -> Protector | None:
    """Why a user (by row) may never be archived: named as a person (by any of `names`, id, link or e-mail), or by a
    rule that an attribute has a value. None: they may."""
    user_id = people.user_ids[user]
    called = {*names, user_id, f"user:{user_id}", people.user_links[user], people.user_emails[user]}
    called = {fold(name) for name in called} - {""}
    if called & {fold(name) for name in situation.decisions.protected}:
        return Protector.DECISION
    if any(rule.person is not None and fold(rule.person) in called for rule in situation.domain.settings.protected):
        return Protector.SETTINGS
    # A rule may look at an attribute that no column feeds: it is not part of what the plan compares.
    return Protector.SETTINGS if protected_by_rule(situation.domain, situation.users, user) else None
