"""How a user is kept in the table `users`: the id that people see, attributes as JSON, and who has a certain value."""

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import astuple

from provisioning.database import Database

_AWKWARD = re.compile(r'["\\\x00-\x1f]')
"""In the name of an attribute: msgspec can name no field of a struct so, and no path of SQLite's finds it."""


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


def holders(db: Database, domain_id: int, attribute: str, values: Sequence[str]) -> dict[str, set[int]]:
    """Who of a domain has one of these values in an attribute: the rows' ids by value. An index on the attribute, made
    when it is first asked for, is kept by SQLite itself whoever writes; call it within a transaction."""
    wanted = "IN (SELECT value FROM json_each(?2))"
    if _AWKWARD.search(attribute):
        fits = f"EXISTS (SELECT 1 FROM json_each(attributes) WHERE value {wanted})"
    else:
        quoted = attribute.replace("'", "''")
        value = f"""json_extract(attributes, '$."{quoted}"')"""
        fits = f"{value} {wanted}"
        name = f"users_by_{attribute.encode().hex()}"  # Names of indexes know no letter case, those of attributes do.
        db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON users (domain_id, {value}) WHERE {value} IS NOT NULL")
    asked = msgspec.json.encode(values).decode()
    rows = db.all(f"SELECT id, attributes FROM users WHERE domain_id = ?1 AND {fits}", domain_id, asked)
    # Looked at once more, for SQLite's JSON ends a text where a NUL stands in it.
    texts = values_of([attribute])(f"[{','.join(row['attributes'] for row in rows)}]") if rows else [()]
    found: dict[str, set[int]] = {text: set() for text in values}
    for row, text in zip(rows, texts[0], strict=True):
        if text in found:
            found[text].add(row["id"])
    return found
