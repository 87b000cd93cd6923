"""Two runs side by side, and the history as a file."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from provisioning.errors import NotFound
from provisioning.model import Plan, Run
from provisioning.naming import some_of
from provisioning.report.called import ACTIONS_DONE as WORDS
from provisioning.report.called import RESULTS
from provisioning.report.told import not_done
from provisioning.web import address, parts
from provisioning.web.frame import Here, workspace_of
from provisioning.web.words import RUN_WORDS, escape, moment, run_names
from provisioning.workflow import handing_out, looking_back, stored_plans
from provisioning.workflow.house import Workspace
from provisioning.workflow.looking_back import RunRecorded

WHAT_TO_DO = (
    "**What to do**: rely on what the history recorded, and not on the outcomes of such a run; keep the files that you have, and tell "
    "whoever runs Rollcall: a backup from before shows whose outcomes were changed."
)
MIME = {handing_out.FileKind.CSV: "text/csv", handing_out.FileKind.JSON: "application/json"}
TOOK_BACK = "It took back the run of {}."
DIFFERENCE = "First less second"
Build = Callable[[Workspace, handing_out.FileKind], bytes]


def downloads(here: Here, name: str, build: Build) -> None:
    """What is filtered, as CSV or JSON: built when clicked, and recorded."""

    def file(kind: handing_out.FileKind) -> bytes:
        with workspace_of(here.house) as house:
            return build(house, kind)

    with st.container(horizontal=True):
        for kind, mime in MIME.items():
            st.download_button(
                f"Download as {kind.value.upper()}", partial(file, kind), f"{name}.{kind.value}", mime,
                icon=":material/download:", on_click="ignore", key=f"export_{name}_{kind.value}",
            )  # fmt: skip


def otherwise(each: RunRecorded, name: str) -> str:
    """What the history recorded of a run, and what the database says now."""

    words = {status.value: word for status, word in RUN_WORDS.items()}

    def told(status: str, results: Mapping[str, int]) -> str:
        did = f"{results['done']:,} done"
        return ", ".join(filter(None, [f"“{words.get(status, status)}”", did, not_done(results)]))

    recorded, now = told(each.recorded_status, each.recorded), told(each.run.status.value, each.results)
    return f"The run of {name}: the history recorded {recorded}; the database says {now}."


def took_back(here: Here, plan: Plan, said: str = TOOK_BACK) -> str:
    """Which run was taken back by this plan’s; "" for any other. Retention may have removed that run. `said`: with a place for when
    that was."""
    if not plan.undo_of:
        return ""
    try:
        begun = moment(stored_plans.run_seen(here.house, plan.undo_of).started_at)
    except NotFound:
        begun = "an earlier time, which is kept no longer"
    return said.format(begun)


def compare(here: Here, run: Run, others: Sequence[Run]) -> None:
    """The run that is shown beside another one, which stands in the address under `with`."""
    names = run_names(others)
    begun = {each.id: names[each.id] for each in others if each.id != run.id}
    if not begun:
        return
    with st.container(border=True):
        st.header("Compare with another run", anchor=False)
        other = address.choice("The other run", "with", ["", *begun], lambda name: begun.get(name, "Choose one"))
        if other:
            found = looking_back.compare_runs(here.house, here.label, run.id, other)
            back = {stored_plans.plan_seen(here.house, each.plan_id).undo_of for each in (found.first, found.second)}
            if back & {found.first.id, found.second.id}:
                st.info("One of the two took the other back: what it did for the same people is the reverse.",
                        icon=":material/settings_backup_restore:")  # fmt: skip
            _draw(found, names.get(run.id) or moment(run.started_at), begun[other])


def _draw(found: looking_back.RunsCompared, first: str, second: str) -> None:
    words = dict(WORDS) | dict(RESULTS)
    counts = sorted(found.counts, key=lambda each: [*words].index(each[0]))
    rows = [
        *_rows([(words[name], one, two) for name, one, two in counts]),
        *_rows([(f"{name} changed", one, two) for name, one, two in found.attributes]),
        # Whoever is linked and updated is one person with two changes.
        *([] if ("done", *found.people) in found.counts else _rows([("People", *found.people)])),
    ]
    parts.side_by_side(
        pd.DataFrame(rows, columns=["What", first, second, DIFFERENCE]), "The two runs side by side",
        lambda row: f"{row[first]}, the other {row[second]}" + (f" ({row[DIFFERENCE]})" if row[DIFFERENCE] else ""),
        parts.Fit({DIFFERENCE: st.column_config.TextColumn(alignment="right")}, None),
    )  # fmt: skip
    missed = "Left out, failed or changed since in the run of {}, and done by that of {}"
    said = [
        (missed.format(first, second), found.missed[0]), (missed.format(second, first), found.missed[1]),
        ("Done by both", found.both), (f"Done by the run of {first} alone", found.only[0]),
        (f"Done by the run of {second} alone", found.only[1]),
    ]  # fmt: skip
    for what, some in said:
        if some.count:
            st.text(f"{what}: {some_of(some.names, len(some.names), some.count)}.")
    if not found.both.count:
        st.caption(escape("No person was touched by both."))


def _rows(numbers: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int, str]]:
    return [(name, one, other, signed(one - other)) for name, one, other in numbers]


def signed(number: int) -> str:
    """“+2”, and with the minus sign that is none of a word; nothing for no difference."""
    return f"{number:+,}".replace("-", "−") if number else ""
