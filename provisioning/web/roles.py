"""Who has which role for a customer now, and since when. Roles are given and taken on the command line, or by groups."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from provisioning.report.called import role_called
from provisioning.store.overview import RoleHeld
from provisioning.web import parts
from provisioning.web.frame import Here
from provisioning.web.words import moment
from provisioning.workflow import overseeing

BORDER = 32
"""Pixels that a card takes from its table."""
SAID = (
    "Whoever runs Rollcall on its machine gives and takes roles, or a group where people sign in does. The history says who "
    "gave and took which."
)


def draw(here: Here, customer: str) -> None:
    with st.expander("Who has which role", icon=":material/key:"):
        table(overseeing.roles_seen(here.house, customer))


def table(found: Sequence[RoleHeld]) -> None:
    if not found:
        st.caption("Nobody has a role for this customer.")
        return
    frame = pd.DataFrame(
        {
            "Who": each.email,
            "Role": role_called(each.role),
            "For": each.customer or "Every customer",
            "Since": moment(each.since) if each.since else "Their last sign-in",
            "Given": f"By their group, until {moment(each.until)}" if each.until else "In Rollcall",
        }
        for each in found
    )
    parts.side_by_side(
        frame, "Who has which role now, and since when",
        lambda row: f"{row['Role']} · {row['For']} · since {row['Since'][:1].lower()}{row['Since'][1:]} · {row['Given']}", parts.fitted(frame, BORDER, whole=True),
    )  # fmt: skip
    st.caption(SAID)
