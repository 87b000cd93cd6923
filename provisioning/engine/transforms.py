"""One text in, one text out: tidying, clean-up and reading a value as its type. Must not know people."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from provisioning.model import Attribute, AttributeType

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""A word for `title`: an apostrophe stands inside it, a hyphen between two."""

CLEAN_UP: Mapping[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": lambda text: _WORD.sub(lambda word: word[0].capitalize(), text),
    "single spaces": lambda text: " ".join(text.split()),
    "no accents": lambda text: unicodedata.normalize(
        "NFC", "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    ),
    "digits only": lambda text: "".join(c for c in text if c.isdecimal()),
}
"""The clean-ups a mapping row may name. Trimming and NFC are always done."""

YES = frozenset({"yes", "true", "y", "1"})
NO = frozenset({"no", "false", "n", "0"})

_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)


class Unreadable(ValueError):
    """A value cannot be read as its type. Holds one person, never fails a read."""


def tidy(text: str | None) -> str:
    """Trimmed and NFC-normalised; None is blank. A lone surrogate, which no store can hold, becomes U+FFFD."""
    if not text:
        return ""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return text.strip()


def fold(text: str) -> str:
    """The form in which e-mails and names are compared: case, composition and outer blanks do not count."""
    if text.isascii():
        return text.strip().lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())


def bare(text: str) -> str:
    """Letters and digits alone: `Employee ID`, `employee-id` and `EmployeeID` are meant to be one name."""
    return re.sub(r"[\W_]+", "", fold(text))


def status_key(status: str) -> str:
    """`Parental leave`, `parentalLeave` and `PARENTAL_LEAVE` are one status."""
    return bare(status)


_ADDRESS = re.compile(r"^(?:.*<)?(?:mailto:)?([^<>]*)>?$", re.DOTALL)


def address(text: str) -> str:
    """An e-mail address in the form in which people are protected from locking themselves out: whatever its spelling
    (full-width letters, invisible characters, blanks, `mailto:`, `Name <address>`). Only for that, for two different
    people might be taken for one."""
    visible = text if text.isascii() and text.isprintable() and " " not in text else _visible(text)
    found = _ADDRESS.match(visible.casefold())
    return fold(found.group(1) if found else visible)


def _visible(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in ("Cf", "Zs", "Cc"))


def clean(text: str, steps: tuple[str, ...]) -> str:
    for step in steps:
        text = CLEAN_UP[step](text)
    return tidy(text)


def reader(attribute: Attribute) -> Callable[[str], str]:
    """The function from a tidied, non-blank text to the value that the user gets.

    Clean-up, then the value table (its keys go through the same clean-up, so that `lower` does not make them
    miss), then the type. It raises `Unreadable` with the reason. References to users are not resolved here.
    """
    table = {clean(tidy(key), attribute.clean_up): tidy(value) for key, value in attribute.values}
    options = {tidy(option) for option in attribute.options}
    as_type = _TYPES.get(attribute.type)

    def read(text: str) -> str:
        cleaned = clean(text, attribute.clean_up)
        value = table.get(cleaned, cleaned)
        if not value:
            return ""
        if attribute.type is AttributeType.LIST and value not in options:
            raise Unreadable("is not one of the list's options")
        return as_type(value) if as_type else value

    return read


def read_date(text: str) -> str:
    """An ISO date, or the date of an ISO time. Other spellings are ambiguous and refused."""
    match = _ISO_DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1]).isoformat() if match else _refuse("is not a date (YYYY-MM-DD)")
    except ValueError:
        return _refuse("is not a date of the calendar")


def read_number(text: str) -> str:
    """A decimal number without exponent and without trailing zeros."""
    if not _NUMBER.fullmatch(text):
        return _refuse("is not a number")
    try:
        plain = format(Decimal(text), "f")
    except InvalidOperation:  # pragma: no cover - the pattern admits only what Decimal reads
        return _refuse("is not a number")
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    whole, _, part = digits.partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return number if number == "0" else sign + number


def read_yes_no(text: str) -> str:
    word = text.casefold()
    if word in YES:
        return "Yes"
    return "No" if word in NO else _refuse("is neither yes nor no")


def _refuse(reason: str) -> str:
    raise Unreadable(reason)


_TYPES: Mapping[AttributeType, Callable[[str], str]] = {
    AttributeType.DATE: read_date,
    AttributeType.NUMBER: read_number,
    AttributeType.YES_NO: read_yes_no,
}
