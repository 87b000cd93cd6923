"""What a downloaded file is called, so that somebody finds it a year later. Names come from outside: only letters and digits
of theirs stay, whatever the script, and so much of them that every system takes the whole."""

import unicodedata
from datetime import datetime

from provisioning.model import Plan

MOST = 60
"""Bytes of each name: file systems take 255 for all of it."""


def workbook_name(plan: Plan, made: datetime) -> str:
    """“Northwind Trading - staff - preview 2026-11-30 1405.xlsx”. `made`: when, on the clock of whoever downloads it. The
    name ends in our own words, so that one that is written from the right leaves date and ending where they belong."""
    return _named(plan.domain, "preview", made, "xlsx")


def users_name(label: str, made: datetime) -> str:
    """The same of a directory (`CUSTOMER/DOMAIN`): “Northwind Trading - staff - users 2026-11-30 1405.csv”."""
    return _named(label, "users", made, "csv")


def _named(label: str, what: str, made: datetime, ending: str) -> str:
    customer, _, domain = label.partition("/")
    names = [name for name in map(_fit, (customer, domain)) if name]
    return f"{' - '.join([*names, f'{what} {made:%Y-%m-%d %H%M}'])}.{ending}"


def _fit(name: str) -> str:
    letters = (each if unicodedata.category(each)[0] in "LMN" else " " for each in unicodedata.normalize("NFC", name))
    kept = " ".join("".join(letters).split())
    return kept.encode()[:MOST].decode(errors="ignore").rstrip()
