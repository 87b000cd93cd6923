"""HiBob's standard fields, which every company has, with the usual names of their permission categories: to name what is to
be permitted before HiBob itself could be asked. HiBob's own list, once it was read, knows better."""

from functools import cache
from pathlib import Path

from provisioning.model import Field

LIST = Path(__file__).with_name("hibob_fields.psv")
"""A field a line: id, name, category, type, list, H for the current row of a dated table, name of the category."""


@cache
def standard_fields() -> tuple[Field, ...]:
    rows = [line.split("|") for line in LIST.read_text(encoding="utf-8").splitlines() if line]
    return tuple(
        Field(key, name, category, called, kind, list_id, key.removeprefix("root."))
        for key, name, category, kind, list_id, _, called in rows
    )
