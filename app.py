"""The frame: page set-up, sign-in, navigation, the worker. Every screen is a thin script in pages/."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from provisioning.web.frame import ICON, LOGO, Position, run_app

# A picture of our own: Streamlit fetches a Material icon for the browser's tab from another host.
st.set_page_config(page_title="Rollcall", page_icon=str(ICON), layout="wide")
st.logo(str(LOGO), size="large", icon_image=str(ICON))


def navigate(position: Position) -> StreamlitPage:
    pages = {
        "": [st.Page("pages/overview.py", title="Overview", icon=":material/space_dashboard:", default=True)],
        "Set up": [
            st.Page("pages/start.py", title="Before you start", icon=":material/checklist:"),
            st.Page("pages/connect.py", title="Connect", icon=":material/cable:"),
            st.Page("pages/mapping.py", title="Mapping", icon=":material/swap_horiz:"),
            st.Page("pages/settings.py", title="Settings", icon=":material/tune:"),
        ],
        "Provision": [
            st.Page("pages/preview.py", title="Preview", icon=":material/compare_arrows:"),
            st.Page("pages/process.py", title="Process", icon=":material/play_circle:"),
        ],
        "Look back": [
            st.Page("pages/history.py", title="History", icon=":material/history:"),
            st.Page("pages/people.py", title="People", icon=":material/group:"),
        ],
    }
    return st.navigation(pages, expanded=True, position=position)


run_app(navigate)
