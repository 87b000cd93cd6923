"""Which employees a domain takes: those that an include rule names (all, when there is none) and no exclude
rule does. A rule compares both forms of its column, without regard to case."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from provisioning.engine.texts import Mask, TextTable, text_column
from provisioning.engine.transforms import fold
from provisioning.model import Column, ScopeRule


def in_scope(rules: Sequence[ScopeRule], columns: Mapping[str, Column], table: pa.Table | TextTable) -> Mask:
    """A mask over the rows of a snapshot's table."""
    included = [_matches(rule, columns, table) for rule in rules if rule.include]
    excluded = [_matches(rule, columns, table) for rule in rules if not rule.include]
    everybody = np.ones(len(table), dtype=bool)
    taken = np.logical_or.reduce(included) if included else everybody
    return taken & ~np.logical_or.reduce(excluded) if excluded else taken


def _matches(rule: ScopeRule, columns: Mapping[str, Column], table: pa.Table | TextTable) -> Mask:
    column = columns[rule.column]
    wanted = {fold(value) for value in rule.values}
    slots = (column.slot,) if column.human else (column.field, Column(column.field, human=True).slot)
    found = np.zeros(len(table), dtype=bool)
    for slot in slots:
        if slot in table.column_names:
            found |= _any_of(text_column(table, slot), wanted)
    return found


def _any_of(texts: pa.Array, wanted: set[str]) -> Mask:
    encoded = texts.dictionary_encode()
    hits = np.array([fold(text) in wanted for text in encoded.dictionary.to_pylist()], dtype=bool)
    if not len(hits):
        return np.zeros(len(texts), dtype=bool)
    mask: Mask = hits[encoded.indices.to_numpy()]
    return mask
