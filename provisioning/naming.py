"""Several people in one sentence: the first of them by name, with whom somebody shares what should be theirs alone, and who has
it. Words that the engine, the reports and the pages have in common, and that load nothing."""

import re
from collections.abc import Iterable, Sequence

from provisioning.model import Held

SHARING = ("duplicate-id", "disputed")
"""Why people are held who share an identifier, an e-mail or a link."""
OWNED = ("disputed", "identifier-taken")
"""Why people are held whose unique identifier or e-mail another user has."""
_OWNER = re.compile(r"belongs to user (.+?)(?:, who is |\. Released )")
NAMED = 3
"""So many of those who share something are named."""


def some_of(names: Sequence[str], most: int, count: int | None = None) -> str:
    """The first names, and how many more there are. `count`: of all, where `names` are the first alone."""
    more = (len(names) if count is None else count) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def shared_with(names: Sequence[str], count: int | None = None) -> str:
    """“Shared with Ben Ito. ” before a reason that does not name the others. `count`: of all, where `names` are the first
    alone."""
    return f"Shared with {some_of(names, NAMED, count)}. " if names else ""


def what_is_shared(why: str) -> str:
    """A reason to the end of what it quotes first: the same for all who share that; "" where it quotes nothing."""
    begin, mark, _ = why.partition("”")
    return begin if mark else ""


def owner_in(why: str) -> str:
    """The id of the user who has what somebody is held for; "" where the reason names none."""
    found = _OWNER.search(why)
    return found[1] if found else ""


def user_called(user: str, name: str, email: str) -> str:
    """“User u7 is Ada Smith, ada@acme.example. ” before a reason that names the id alone; "" where nothing is known. Looked up when it
    is read: nobody stands in what is kept of somebody else."""
    told = ", ".join(dict.fromkeys(filter(None, [name, email])))
    return f"User {user} is {told}. " if told else ""


def sharing(held: Iterable[Held]) -> dict[str, str]:
    """By key, `shared_with` the others of these people who are held for the same identifier, e-mail or link. They are
    looked up when it is read: nobody stands in what is kept of somebody else."""
    groups: dict[str, dict[str, str]] = {}
    for each in held:
        if each.code in SHARING and (what := what_is_shared(each.why)):
            groups.setdefault(what, {})[each.key] = each.name or each.key
    found = {}
    for group in groups.values():
        first = list(group.items())[: NAMED + 1]
        for key in group:
            found[key] = shared_with([name for other, name in first if other != key], len(group) - 1)
    return found
