"""Production entry: `app.py` behind security headers and a readiness probe.  streamlit run asgi.py"""

import streamlit as st
from starlette.middleware import Middleware

from provisioning.web.server import ROUTES, Guard

app = st.App("app.py", routes=ROUTES, middleware=[Middleware(Guard)])
