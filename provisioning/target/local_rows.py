"""How a user is kept in the table `users`: the id that people see, and attributes as JSON."""

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import astuple


def user_id(row_id: int) -> str:
    """Ids have one width, so that the order of the text is the order of creation."""
    return f"U{row_id:08d}"


def row_id_of(user: str) -> int:
    return int(user.removeprefix("U"))


def values_of(attributes: Sequence[str]) -> Callable[[str], list[tuple[str, ...]]]:
    """The values of these attributes in a JSON list of objects, attribute by attribute."""
    if any(re.search(r'["\\\x00-\x1f]', name) for name in attributes):
        # msgspec can name no field of a struct so.
        plain = msgspec.json.Decoder(list[dict[str, str]]).decode
        return lambda text: list(zip(*([e.get(n, "") for n in attributes] for e in plain(text)), strict=True))
    names = {f"a{place}": name for place, name in enumerate(attributes)}
    kind = msgspec.defstruct("User", [(each, str, "") for each in names], rename=names, gc=False)
    decode = msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]
    return lambda text: list(zip(*map(astuple, decode(text)), strict=True))
