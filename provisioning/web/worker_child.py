"""`app.py` started alone keeps one worker child alive; it ends with us."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

_LOCK = threading.Lock()


@st.cache_resource(show_spinner=False)
def _children() -> dict[str, "subprocess.Popen[bytes]"]:
    """The server's own, shared by all sessions: data folder → worker."""
    return {}


def keep(data: Path, environment: Mapping[str, str]) -> None:
    """See to it that a worker is alive for this data folder."""
    children, key = _children(), str(data)
    with _LOCK:
        child = children.get(key)
        if child is None or child.poll() is not None:
            children[key] = start(data, environment)


def start(data: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A worker that ends when this process does."""
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-m", "provisioning", "--data", str(data.resolve()), "worker", "--with-parent"],
        cwd=root,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
