"""Amounts of money as people write them."""

from decimal import Decimal


def money(amount: Decimal) -> str:
    """As people write it: 12.5 is 12.50, 211200.0 is 211,200."""
    return f"{amount:,.2f}".removesuffix(".00")
