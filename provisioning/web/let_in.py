"""Which browser sessions are let in. Streamlit keeps files that are sent to any session that is open, and one is open before
anybody signed in: the server in front of it asks here first."""

import threading
import time

from streamlit.runtime.scriptrunner import get_script_run_ctx

LONGEST = 24 * 3600.0
"""Seconds without a page drawn after which a session is forgotten: no sign-in lasts that long."""

_lock = threading.Lock()
_seen: dict[str, float] = {}


def note(*, let_in: bool) -> None:
    """Remember of the session whose page is being drawn whether it is let in."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return
    now = time.monotonic()
    with _lock:
        _seen.pop(context.session_id, None)
        for session in [each for each, at in _seen.items() if now - at > LONGEST]:
            del _seen[session]
        if let_in:
            _seen[context.session_id] = now


def is_let_in(session: str) -> bool:
    with _lock:
        return session in _seen
