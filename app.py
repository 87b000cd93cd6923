"""The frame: page set-up, sign-in, navigation, the worker. Every screen is a thin script in pages/."""

import streamlit as st

from provisioning.web.frame import ICON, LOGO, run_app, window_title
from provisioning.web.navigation import pages

# A picture of our own: Streamlit fetches a Material icon for the browser's tab from another host.
st.set_page_config(page_title=window_title(), page_icon=str(ICON), layout="wide", initial_sidebar_state=256)
st.logo(str(LOGO), size="large", icon_image=str(ICON))

# The sidebar's links are our own (`enter`): they carry what one looks at, so that one step back leads back. Whoever is not
# let in has none.
run_app(lambda: st.navigation(pages(), position="hidden"))
