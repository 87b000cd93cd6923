"""Values to JSON text and times to text, and back: one way for every table."""

import zlib
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

T = TypeVar("T")


def to_json(value: object) -> str:
    """Compact JSON with sorted keys, so that equal values are equal texts."""
    return msgspec.json.encode(value, order="deterministic").decode()


def from_json(text: str | bytes, kind: type[T]) -> T:
    return msgspec.json.decode(text, type=kind)


def to_blob(value: object) -> bytes:
    """Compressed JSON for what can be as long as the head count."""
    return zlib.compress(msgspec.json.encode(value), 6)


def from_blob(blob: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(zlib.decompress(blob), type=kind)


def to_text(moment: datetime) -> str:
    """UTC with a fixed number of digits, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
