"""The next step of the set-up, in one line wherever one is; nothing once the set-up is done."""

from collections.abc import Sequence

import streamlit as st

from provisioning.web.frame import Here, link
from provisioning.web.navigation import TITLES
from provisioning.web.words import escape, progress
from provisioning.workflow import stages


def draw_before_preview(here: Here, page: str) -> bool:
    """On a page about previews: the next step as long as none can be made. Returns whether one can."""
    steps = stages.checklist(here.house, here.customer.name, here.label or None) if here.customer else []
    ready = stages.ready_to_preview(steps)
    if not ready:
        _draw(here, page, steps)
    return ready


def draw(here: Here, page: str) -> None:
    """`page`: where one is; a step that is done there needs no link."""
    if here.customer is not None:
        _draw(here, page, stages.checklist(here.house, here.customer.name, here.label or None))


def _draw(here: Here, page: str, steps: Sequence[stages.Station]) -> None:
    """Whoever only reads is told nothing to do."""
    following = stages.next_station(steps)
    if following is None or not here.may_prepare:
        return
    go_there = [(following.page, f"Go to {TITLES[following.page]}", ":material/arrow_forward:")]
    whole = [("start", progress(steps), ":material/checklist:")]
    ways = [each for each in go_there + whole if each[0] != page]
    with st.container(border=True, key="next_step"):
        # Columns: in a row each link would push aside what stands beside it when it is drawn.
        said, *places = st.columns([4, *[2, 2.6][2 - len(ways) :]], vertical_alignment="center")
        said.markdown(f":material/flag: Next: **{escape(following.title)}**. {escape(following.todo)}")
        for place, (name, words, icon) in zip(places, ways, strict=True):
            with place:
                link(f"pages/{name}.py", words, icon, here)
