"""The pages there are, in the order of the sidebar."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

Entry = tuple[str, str, str]
CUSTOMERS = "customers"
"""For those who look after several customers; the sidebar of others leaves it out."""
SECTIONS: Mapping[str, Sequence[Entry]] = {
    "": [
        ("overview", "Overview", ":material/space_dashboard:"),
        (CUSTOMERS, "Customers", ":material/domain:"),
    ],
    "Set up": [
        ("start", "Before you start", ":material/checklist:"),
        ("connect", "Connect", ":material/cable:"),
        ("mapping", "Mapping", ":material/swap_horiz:"),
        ("settings", "Settings", ":material/tune:"),
    ],
    "Provision": [
        ("preview", "Preview", ":material/compare_arrows:"),
        ("process", "Process", ":material/play_circle:"),
        ("schedule", "Schedule", ":material/schedule:"),
    ],
    "Look back": [
        ("history", "History", ":material/history:"),
        ("people", "People", ":material/group:"),
    ],
}
TITLES = {name: title for entries in SECTIONS.values() for name, title, _ in entries}


def pages() -> dict[str, list[StreamlitPage]]:
    """For Streamlit's navigation; the first is the one at the root of the address."""
    return {
        section: [
            st.Page(f"pages/{name}.py", title=title, icon=icon, default=name == "overview")
            for name, title, icon in entries
        ]
        for section, entries in SECTIONS.items()
    }
