"""What the engine's codes are called where people read them. The codes themselves stay on the command line and in files."""

from collections.abc import Mapping

from provisioning.model import Action, Result, Role

ACTIONS_DONE: Mapping[str, str] = {
    Action.ADD.value: "Added",
    Action.UPDATE.value: "Updated",
    Action.REACTIVATE.value: "Reactivated",
    Action.ARCHIVE.value: "Archived",
    Action.MOVE.value: "Moved",
    Action.LINK.value: "Linked",
}
"""What was done, or would be."""

RESULTS: Mapping[str, str] = {
    Result.DONE.value: "Done",
    Result.FAILED.value: "Failed",
    Result.DRIFTED.value: "Changed since",
    Result.SKIPPED.value: "Left out",
}
"""How each change of a run ended."""

ROLES: Mapping[str, str] = {Role.ADMIN.value: "admin", Role.CSM.value: "CSM", Role.AUDITOR.value: "auditor"}

FINDINGS: Mapping[str, str] = {
    "no-employees": "Nobody returned by HiBob",
    "head-count": "Too few people returned by HiBob",
    "column-absent": "A column is missing",
    "column-emptied": "A column lost its values",
    "identifiers-swapped": "Unique identifiers changed hands",
    "limit-archive": "Too many archives",
    "limit-archive-7-days": "Too many archives in seven days",
    "limit-update": "Too many updates",
    "limit-add": "Too many additions",
    "limit-reactivate": "Too many reactivations",
    "limit-blank": "An attribute turns blank",
    "self-archive": "Somebody who manages Rollcall is archived",
    "seats": "More live users than seats",
    "same-person": "Perhaps the same person",
    "two-domains": "In two domains",
    "unknown-lifecycle": "Unknown lifecycle status",
    "nobody-in-scope": "Nobody in the scope",
    "future-archive": "Leaving soon",
    "undo": "The way back from a run",
    "farewell": "Everybody is archived before offboarding",
    "manager-without-user": "Their manager has no user",
    "manager-shared": "Their manager shares a unique identifier",
    "absent": "Missing, not archived yet",
}
HELD: Mapping[str, str] = {
    "duplicate-id": "Shared unique identifier",
    "disputed": "Two candidates",
    "required-blank": "Required value blank",
    "unreadable": "Value cannot be read",
    "identifier-taken": "Unique identifier or e-mail taken",
    "future-starter": "Starts later",
    "on-leave": "Lifecycle status",
    "protected": "Protected",
    "same-person": "Perhaps the same person",
    "changed-since": "Changed since the run",
}


LOCAL, SKILLCAST = "Local directory", "Skillcast (SCIM 2.0)"
"""The targets that a domain may have."""


def role_called(role: object) -> str:
    return ROLES.get(str(role), str(role))


def finding_called(code: str) -> str:
    """A code that a newer version stored is at least readable."""
    return FINDINGS.get(code) or code.replace("-", " ").capitalize()


def held_called(code: str) -> str:
    return HELD.get(code) or code.replace("-", " ").capitalize()


def held_codes(text: str) -> tuple[str, ...]:
    """The codes whose words hold this text, for a search by what people read."""
    wanted = text.strip().casefold()
    return tuple(code for code, words in HELD.items() if wanted and wanted in words.casefold())


_AT_ITS_TIME = " (schedule)"
"""How a name ends that plans and runs of a schedule carry (`Actor.noted`)."""


def by_whom(name: str) -> str:
    """`operator:root` is whoever runs the program on its machine; “ada@acme.example (schedule)” is a schedule that she switched on,
    and nobody was there; everybody else is called by their e-mail."""
    if name.endswith(_AT_ITS_TIME):
        return f"the schedule (for {by_whom(name.removesuffix(_AT_ITS_TIME))})"
    kind, colon, rest = name.partition(":")
    return f"the operator ({rest})" if colon and kind == "operator" else name


def the_schedule(name: str) -> str:
    """What ran at its time, where a sentence begins with it. `name`: who gave the standing approval."""
    return who(f"{name}{_AT_ITS_TIME}")


def who(name: str) -> str:
    """The same as `by_whom`, where a sentence, or a cell, begins with it."""
    called = by_whom(name)
    return f"T{called[1:]}" if called != name else name
