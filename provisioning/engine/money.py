"""Amounts of money as people write them."""

from collections.abc import Mapping
from decimal import Decimal

_SIGNS: Mapping[str, str] = {"GBP": "£", "EUR": "€", "USD": "US$"}
"""Signs that mean one currency alone; any other is called by its code (ISO 4217)."""


def money(amount: Decimal, currency: str | None = None) -> str:
    """As people write it: 12.5 is 12.50, 211200.0 is 211,200, and 12.555 stays; before it its currency, where that is known."""
    exact = amount == round(amount, 2)
    written = f"{amount:,.2f}".removesuffix(".00") if exact else f"{amount.normalize():,f}"
    return _SIGNS.get(currency or "", f"{currency} " if currency else "") + written


def unit(currency: str | None) -> str:
    """What to say after an amount whose currency nobody entered."""
    return "" if currency else ", in the currency of the contract"
