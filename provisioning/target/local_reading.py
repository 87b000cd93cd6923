"""Everybody in the local directory as columns. Whoever was not written since the last read is taken from that one, and not
decoded again; in any doubt everybody is decoded."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provisioning.bulk import collector_off
from provisioning.database import Database
from provisioning.model import Marks, Users
from provisioning.target.local_rows import user_id, values_of

_Numbers = npt.NDArray[np.int64]

_WHOLE = "SELECT id, mark, external_id, status, attributes FROM users WHERE domain_id = ?1"
_MANY_NEW = 0.5
"""Of everybody: from here on one pass over all is quicker than looking up each."""


def read_users(db: Database, domain_id: int, attributes: Sequence[str], kept: Users | None = None) -> Users:
    """All users of a domain with these attributes. `kept`: the last such read."""
    with collector_off(), db.as_it_is():
        if kept is None or kept.marks is None or not _fits(kept, kept.marks, attributes):
            return _decoded(db.parts(f"{_WHOLE} ORDER BY id", domain_id), attributes)
        ids, marks = _columns_of_two(db.parts("SELECT id, mark FROM users WHERE domain_id = ? ORDER BY id", domain_id))
        before = _rows_before(ids, marks, _numbers(kept.ids), np.asarray(kept.marks.of_each))
        new = ids[before < 0]
        if len(new) > _MANY_NEW * len(ids):
            return _decoded(db.parts(f"{_WHOLE} ORDER BY id", domain_id), attributes)
        some = f"{_WHOLE} AND id IN (SELECT value FROM json_each(?2)) ORDER BY id"
        fresh = _decoded(db.parts(some, domain_id, msgspec.json.encode(new.tolist()).decode()), attributes)
    return _together(kept, fresh, before, attributes, marks)


def _decoded(parts: Iterable[list[tuple[Any, ...]]], attributes: Sequence[str]) -> Users:
    columns = _columns(attributes)
    found = [columns(rows) for rows in parts] or [columns([])]
    ids, marks, links, statuses, *values = map(pa.concat_arrays, zip(*found, strict=True))
    by_name = dict(zip(attributes, values, strict=True))
    return Users(ids, links, statuses, by_name, marks=Marks(_rules(), marks))


def _columns(attributes: Sequence[str]) -> Callable[[Sequence[tuple[Any, ...]]], list[pa.Array]]:
    """What turns some rows of users into columns: id, mark, link, status and these attributes; blank is ""."""
    values = values_of(attributes)

    def columns(rows: Sequence[tuple[Any, ...]]) -> list[pa.Array]:
        ids, marks, links, statuses, texts = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        found = values(f"[{','.join(texts)}]") if rows else [()] * len(attributes)
        lists = [[link or "" for link in links], statuses, *found]
        return [
            pa.array(list(map(user_id, ids)), pa.string()),
            pa.array(marks, pa.int64()),
            *(pa.array(each, pa.string()) for each in lists),
        ]

    return columns


# --- who was not written since -------------------------------------------------------------------------------


def _fits(kept: Users, marks: Marks, attributes: Sequence[str]) -> bool:
    whole = len(marks.of_each) == len(kept) and not marks.of_each.null_count
    return whole and marks.rules == _rules() and kept.attributes.keys() >= {*attributes}


def _columns_of_two(parts: Iterable[list[tuple[Any, ...]]]) -> tuple[_Numbers, _Numbers]:
    found = [np.array(rows, np.int64) for rows in parts] or [np.empty((0, 2), np.int64)]
    ids, marks = np.concatenate(found).T
    return ids, np.ascontiguousarray(marks)


def _numbers(ids: pa.Array) -> _Numbers:
    """`local_rows.row_id_of` of each."""
    return np.asarray(pc.cast(pc.utf8_slice_codeunits(ids, 1), pa.int64()))


def _rows_before(ids: _Numbers, marks: _Numbers, kept_ids: _Numbers, kept_marks: _Numbers) -> _Numbers:
    """Per user their row in the kept read, -1 where they are not there or were written since. Both are in the order of ids."""
    if not len(kept_ids):
        return np.full(len(ids), -1)
    rows = np.minimum(np.searchsorted(kept_ids, ids), len(kept_ids) - 1)
    return np.where((kept_ids[rows] == ids) & (kept_marks[rows] == marks), rows, -1)


def _together(kept: Users, fresh: Users, before: _Numbers, attributes: Sequence[str], marks: _Numbers) -> Users:
    """Kept and fresh rows in the order of ids."""
    rows = before.copy()
    rows[before < 0] = len(kept) + np.arange(len(fresh))
    places = None if np.array_equal(rows, np.arange(len(kept))) else pa.array(rows)

    def both(old: pa.Array, new: pa.Array) -> pa.Array:
        return old if places is None else pa.concat_arrays([old, new]).take(places)

    return Users(
        both(kept.ids, fresh.ids),
        both(kept.external_ids, fresh.external_ids),
        both(kept.statuses, fresh.statuses),
        {name: both(kept.attributes[name], fresh.attributes[name]) for name in attributes},
        marks=Marks(_rules(), pa.array(marks)),
    )


@cache
def _rules() -> str:
    """This folder's code itself says how a row is read: nobody has to remember to raise a number."""
    code = [file.read_bytes() for file in sorted(Path(__file__).parent.glob("local*.py"))]
    return sha256(b"".join(code) + f"{msgspec.__version__} {pa.__version__}".encode()).hexdigest()
