"""Who has which role for a customer now. Roles are given and taken on the command line, or by groups."""

import pandas as pd
import streamlit as st

from provisioning.web.frame import Here
from provisioning.web.words import moment
from provisioning.workflow import overseeing


def draw(here: Here, customer: str) -> None:
    with st.expander("Who has which role", icon=":material/key:"):
        found = overseeing.roles_seen(here.house, customer)
        if not found:
            st.caption("Nobody has a role for this customer.")
            return
        rows = [
            {
                "Who": each.email,
                "Role": each.role.value,
                "For": "Every customer" if each.customer_id is None else customer,
                "Given": f"By their group, until {moment(each.until)}" if each.until else "Here",
            }
            for each in found
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt="Who has which role now")
        st.caption(
            "Whoever runs Rollcall on its machine gives and takes roles, or a group where people sign in does. The history "
            "says who gave and took which."
        )
