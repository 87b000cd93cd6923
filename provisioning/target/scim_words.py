"""What a SCIM server's refusals mean for people: the server's own detail, what it means, and who acts next."""

import re
from dataclasses import dataclass

from provisioning.target.scim_paths import Resource, look, to_text

MOST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write that was refused. `cause` is equal for failures that one and the same thing would mend."""

    message: str
    cause: str


_MEANINGS = {
    "invalidValue": (
        "Skillcast does not accept a value.",
        "An admin corrects it in HiBob, or in the mapping of that attribute (type, options, value table).",
    ),
    "invalidPath": ("Skillcast does not know an attribute.", "An admin corrects its path in the mapping."),
    "noTarget": ("Skillcast does not know an attribute.", "An admin corrects its path in the mapping."),
    "mutability": (
        "Skillcast does not let this attribute be changed.",
        "An admin takes it out of the mapping, or lets it apply on add only.",
    ),
    "uniqueness": ("Another user has this value already.", "An admin finds out whose it is. Then make a new preview."),
    "401": (
        "Skillcast does not accept the token.",
        "Whoever runs the portal renews it; an admin then sets the new token.",
    ),
    "403": (
        "The token may not do this.",
        "Whoever runs the portal gives the token the right to write these users.",
    ),
    "404": ("The user is no longer there.", "Make a new preview."),
    "409": ("Another user has this value already.", "An admin finds out whose it is. Then make a new preview."),
    "412": ("The user keeps changing while it is written.", "Make a new preview."),
    "413": ("The request is too long for Skillcast.", "Report this to whoever runs the portal."),
    "5": (
        "Skillcast failed.",
        "Retry those who failed later; if it stays, whoever runs the portal looks into their log.",
    ),
    "4": ("Skillcast did not accept the request.", "Check the attribute paths of the mapping, then report this."),
}
"""By SCIM's error type, by status, by the status' first digit: what it means, and who acts."""


def refusal(status: int, body: Resource | None) -> Refusal:
    """What a refused write means. `body`: SCIM's error message (RFC 7644 section 3.12), if there was one."""
    kind = scim_type(body)
    keys = [kind, str(status)] if status in (400, 409) else [str(status)]
    meaning, who = next((_MEANINGS[key] for key in (*keys, str(status)[:1]) if key in _MEANINGS), _MEANINGS["4"])
    said = detail(body)
    told = f" It says: “{said}”." if said else ""
    return Refusal(
        f"{meaning}{told} {who} ({' '.join([str(status), kind]).strip()})", " ".join([str(status), kind]).strip()
    )


def scim_type(body: Resource | None) -> str:
    found = to_text(look(body, "scimType")) if body else ""
    return found if re.fullmatch(r"\w{1,40}", found) else ""


def detail(body: Resource | None) -> str:
    """The server's own words, on one line and not too long."""
    said = to_text(look(body, "detail")) if body else ""
    line = re.sub(r"\s+", " ", "".join(each if each.isprintable() else " " for each in said)).strip().rstrip(".")
    return line if len(line) <= MOST_DETAIL else line[: MOST_DETAIL - 1] + "…"
