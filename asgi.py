"""Production entry: `app.py` behind security headers and a readiness probe.  streamlit run asgi.py"""

import os

import streamlit as st
from starlette.middleware import Middleware

from provisioning.web.server import ROUTES, Guard
from provisioning.workflow.house import MODE

# A lost secrets.toml must not turn a server into somebody's own machine. The worker, a child process, obeys too.
os.environ.setdefault(MODE, "server")

app = st.App("app.py", routes=ROUTES, middleware=[Middleware(Guard)])
