"""HiBob's description of its own fields. The remedy for a missing column comes from here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from provisioning.errors import SourceError
from provisioning.model import Field

if TYPE_CHECKING:
    # httpx takes a twentieth of a page's start, and no page calls HiBob.
    from provisioning.source.client import HiBobClient


class _Type(msgspec.Struct, rename="camel"):
    list_id: str | None = None


class _Field(msgspec.Struct, rename="camel"):
    id: str
    name: str | None = None
    category: str | None = None
    category_id: str | None = None
    category_display_name: str | None = None
    type: str | None = None
    type_data: _Type | None = None
    json_path: str | None = None


def read_metadata(client: "HiBobClient") -> tuple[Field, ...]:
    """Every field, in HiBob's order. Raises `SourceError`, also when the answer is no list of fields."""
    return decode_metadata(client.fields())


def decode_metadata(body: bytes) -> tuple[Field, ...]:
    try:
        found: Sequence[_Field] = msgspec.json.decode(body, type=list[_Field])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SourceError(
            "HiBob’s list of fields has an unexpected shape: not an array of fields with an id. Check the base URL."
        ) from None
    if not found:
        raise SourceError("HiBob answered with an empty list of fields. Try again; if it stays, check the base URL.")
    return tuple(_to_field(each) for each in found)


def _to_field(each: _Field) -> Field:
    return Field(
        id=each.id,
        name=each.name or each.id,
        category=each.category_id or each.category or "",
        category_name=each.category_display_name or each.category_id or each.category or "",
        type=each.type or "",
        list_id=(each.type_data.list_id or "") if each.type_data else "",
        json_path=(each.json_path or each.id).removeprefix("root."),
    )
