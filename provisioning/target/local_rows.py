"""How a user is kept in the table `users`: the id that people see, attributes as JSON, and who has which identifier."""

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import astuple

from provisioning.database import PART, Database

_AWKWARD = re.compile(r'["\\\x00-\x1f]')
"""In the name of an attribute: msgspec can name no field of a struct so."""


def user_id(row_id: int) -> str:
    """Ids have one width, so that the order of the text is the order of creation."""
    return f"U{row_id:08d}"


def row_id_of(user: str) -> int:
    return int(user.removeprefix("U"))


def values_of(attributes: Sequence[str]) -> Callable[[str], list[tuple[str, ...]]]:
    """The values of these attributes in a JSON list of objects, attribute by attribute."""
    if any(map(_AWKWARD.search, attributes)):
        plain = msgspec.json.Decoder(list[dict[str, str]]).decode
        return lambda text: list(zip(*([e.get(n, "") for n in attributes] for e in plain(text)), strict=True))
    names = {f"a{place}": name for place, name in enumerate(attributes)}
    kind = msgspec.defstruct("User", [(each, str, "") for each in names], rename=names, gc=False)
    decode = msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]
    return lambda text: list(zip(*map(astuple, decode(text)), strict=True))


def identify(db: Database, domain_id: int, attribute: str) -> None:
    """Let the column `identifier` of a domain's users hold their value of this attribute, "" where it is blank. NULL is not
    known yet: users of earlier versions, and everybody once the unique identifier is another. Call it within a transaction."""
    another = "UPDATE domains SET identified_by = ?1 WHERE id = ?2 AND identified_by IS NOT ?1"
    if db.execute(another, attribute, domain_id):
        db.execute("UPDATE users SET identifier = NULL WHERE domain_id = ?", domain_id)
    values = values_of([attribute])
    unknown = f"SELECT id, attributes FROM users WHERE domain_id = ? AND identifier IS NULL LIMIT {PART}"
    while rows := db.all(unknown, domain_id):
        (texts,) = values(f"[{','.join(row['attributes'] for row in rows)}]")
        db.many("UPDATE users SET identifier = ? WHERE id = ?", zip(texts, (row["id"] for row in rows), strict=True))


def holders(db: Database, domain_id: int, identifiers: Sequence[str]) -> dict[str, set[int]]:
    """Who of a domain has one of these identifiers: the rows' ids by identifier. `identify` must have been called in the
    same transaction."""
    found: dict[str, set[int]] = {text: set() for text in identifiers}
    # Each is a parameter of its own: SQLite's JSON would end a text where a NUL stands in it.
    marks = ", ".join("?" for _ in found)
    for row in db.all(
        f"SELECT id, identifier FROM users WHERE domain_id = ? AND identifier IN ({marks})", domain_id, *found
    ):
        found[row["identifier"]].add(row["id"])
    return found
