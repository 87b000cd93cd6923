"""The bare difference of two tables of text, old → new per attribute, by key: who joined, who left, and every value that
differs. All find the same, on the same columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import Peer, Step, Timed
from benchmarks.people import ATTRIBUTES, Nights
from provisioning.bulk import collector_off
from provisioning.engine.matching import Sides, match
from provisioning.engine.texts import Texts, blank, differing, whole

Values = dict[str, tuple[str, str]]


def rollcall(nights: Nights) -> Timed:
    old, new = nights.table("before"), nights.table("now")
    return Timed(lambda: _difference(old, new), _proof)


@collector_off()
def _difference(old: pa.Table, new: pa.Table) -> tuple[int, int, dict[str, Values]]:
    """The engine's way: matched by stored links, compared column by column."""
    now, was = ({name: whole(side[name]) for name in side.column_names} for side in (new, old))
    sides = Sides(now["key"], blank(len(new)), blank(len(new)), was["key"], blank(len(old)), blank(len(old)))
    users = match(sides, np.ones(len(new), bool)).user
    keys = Texts(now["key"])
    changed: dict[str, Values] = {}
    for name in ATTRIBUTES:
        rows = differing(now[name], was[name], users)
        pairs = zip(Texts(was[name]).at(users[rows]), Texts(now[name]).at(rows), strict=True)
        for key, pair in zip(keys.at(rows), pairs, strict=True):
            changed.setdefault(key, {})[name] = pair
    common = int((users >= 0).sum())
    return len(new) - common, len(old) - common, changed


def _proof(found: tuple[int, int, dict[str, Values]]) -> list[int]:
    joined, left, changed = found
    texts = sum(len(old) + len(new) for values in changed.values() for old, new in values.values())
    return [joined, left, len(changed), sum(map(len, changed.values())), texts]


def diffly(nights: Nights) -> Timed:
    import polars
    from diffly import compare_frames

    left, right = (polars.from_arrow(nights.table(night)) for night in ("before", "now"))

    def run() -> Any:
        found = compare_frames(left, right, primary_key="key")
        return found.right_only().height, found.left_only().height, found.joined_unequal()

    return Timed(run, lambda found: _proof((*found[:2], _changed(found[2], "_left", "_right"))))


def _changed(frame: Any, old: str, new: str) -> dict[str, Values]:
    """The differing values in rows that hold both sides."""
    changed: dict[str, Values] = {}
    for row in frame.to_dicts():
        for name in ATTRIBUTES:
            if row[name + old] != row[name + new]:
                changed.setdefault(row["key"], {})[name] = row[name + old], row[name + new]
    return changed


def datacompy(nights: Nights) -> Timed:
    from datacompy import PandasCompare

    old, new = (nights.table(night).to_pandas() for night in ("before", "now"))

    def run() -> Any:
        found = PandasCompare(old, new, join_columns="key", cast_column_names_lower=False)
        return len(found.df2_unq_rows), len(found.df1_unq_rows), found.all_mismatch()

    def prove(found: Any) -> list[int]:
        import polars

        return _proof((*found[:2], _changed(polars.from_pandas(found[2]), "_df1", "_df2")))

    return Timed(run, prove)


def daff(nights: Nights) -> Timed:
    import daff

    old, new = ([list(nights.table(night).column_names), *map(list, nights.rows(night))] for night in ("before", "now"))

    def run() -> Any:
        flags = daff.CompareFlags()
        flags.ids = ["key"]
        flags.show_unchanged = flags.show_unchanged_columns = flags.ordered = False
        flags.unchanged_context = 0
        tables = daff.Coopy.compareTables(daff.PythonTableView(old), daff.PythonTableView(new), flags)
        out: list[list[object]] = []
        daff.TableDiff(tables.align(), flags).hilite(daff.PythonTableView(out))
        return out

    return Timed(run, _proof_of_daff)


def _proof_of_daff(out: Sequence[Sequence[Any]]) -> list[int]:
    marks = [str(row[0]) for row in out]
    return [marks.count("+++"), marks.count("---"), sum(mark.endswith(">") and mark[:1] == "-" for mark in marks)]


def csv_diff(nights: Nights) -> Timed:
    from csv_diff import compare

    names = nights.table().column_names
    sides = [{row[0]: dict(zip(names, row, strict=True)) for row in nights.rows(night)} for night in ("before", "now")]

    def prove(found: Any) -> list[int]:
        changed = {each["key"]: {n: tuple(pair) for n, pair in each["changes"].items()} for each in found["changed"]}
        return _proof((len(found["added"]), len(found["removed"]), changed))

    return Timed(lambda: compare(*sides), prove)


def pandas(nights: Nights) -> Timed:
    """Merge on the key and compare column by column."""
    old, new = (nights.table(night).to_pandas() for night in ("before", "now"))

    def run() -> Any:
        both = old.merge(new, on="key", how="outer", suffixes=("_old", "_new"), indicator=True)
        common = both[both["_merge"] == "both"]
        changed: dict[str, Values] = {}
        for name in ATTRIBUTES:
            was, now = common[f"{name}_old"], common[f"{name}_new"]
            differs = was != now
            for key, a, b in zip(common["key"][differs], was[differs], now[differs], strict=True):
                changed.setdefault(key, {})[name] = (a, b)
        return int((both["_merge"] == "right_only").sum()), int((both["_merge"] == "left_only").sum()), changed

    return Timed(run, _proof)


PEERS = (
    Peer("diffly", diffly, time=1),
    Peer("datacompy on pandas", datacompy),
    Peer("csv-diff", csv_diff),
    Peer("pandas merge + compare", pandas),
)
STEP = Step("columns → bare difference", rollcall, (*PEERS, Peer("daff", daff)))
