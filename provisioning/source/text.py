"""A leaf of HiBob's JSON, whatever it is, as the text that a column holds."""

import json
from decimal import Decimal

from msgspec import UNSET

MOST_DIGITS = 60


def text_of(value: object) -> str | None:
    """A leaf as text; None for blank. An employee is its id, an amount of money its number, a list its parts."""
    if value is None or value is UNSET:
        return None
    if isinstance(value, str):
        # A lone surrogate, which no column can hold, becomes U+FFFD.
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, list):
        return ", ".join(part for each in value if (part := _part_text(each))) or None
    return _text_of_object(value)


def _plain(number: Decimal) -> str:
    """Without exponent and without zeros that say nothing."""
    if abs(number.adjusted()) > MOST_DIGITS:
        return str(number).lower().replace("e+", "e")
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _part_text(value: object) -> str | None:
    return _as_json(value) if isinstance(value, list) else text_of(value)


def _text_of_object(value: object) -> str | None:
    if isinstance(value, dict):
        for telling in ("id", "email", "value"):
            if telling in value and not isinstance(value[telling], dict | list):
                return text_of(value[telling])
    return _as_json(value)


def _as_json(value: object) -> str:
    """What no rule knows, as JSON: shown to people, and unreadable as anything but text."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    except (RecursionError, TypeError, ValueError):
        return "(nested too deeply to be read)"
