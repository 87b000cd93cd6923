"""Whom a change must not touch unseen: those whom a rule protects, and those whose e-mail it is. For whoever plans, and
for whoever approves a plan that was made before."""

from collections.abc import Iterable, Sequence

from provisioning.engine.transforms import address, fold
from provisioning.model import Change, Domain, Users


def protected_by_rule(domain: Domain, users: Users, user: int) -> bool:
    """Whether a rule, that an attribute has a value, protects a user (by row)."""
    for rule in domain.settings.protected:
        column = users.attributes.get(rule.attribute or "")
        if column is not None and fold(column[user].as_py()) in {fold(value) for value in rule.values}:
            return True
    return False


def concerning(changes: Iterable[Change], emails: Sequence[str]) -> list[Change]:
    """The changes that are about one of these e-mails, in any spelling. Any attribute that holds the address counts: a
    portal may sign people in by another one."""
    if not emails:
        return []
    seen = [(each, each.seen.attributes.values()) for each in changes if each.seen]
    theirs = in_some_spelling({value for _, values in seen for value in values if value}, emails)
    return [each for each, values in seen if not theirs.isdisjoint(values)]


def in_some_spelling(texts: Iterable[str], emails: Iterable[str]) -> set[str]:
    """Those of the texts that are one of these e-mails in some spelling."""
    wanted = {address(email) for email in emails if email}
    return {text for text in texts if wanted and address(text) in wanted}
