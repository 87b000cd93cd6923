"""The web app as it is in production: `asgi.py` on a free port, with an identity provider, and all that it says."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
KEY = Fernet.generate_key().decode()


@dataclass
class AppServer:
    address: str
    log: Path

    def get(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """(status, body, headers)"""
        request = urllib.request.Request(f"{self.address}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(errors="replace"), dict(answer.headers)
        except urllib.error.HTTPError as problem:
            return problem.code, problem.read().decode(errors="replace"), dict(problem.headers)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def app_server(
    data: Path, toml: str | None, port: int, *options: str, entry: str = "asgi.py", **more: str
) -> Iterator[AppServer]:
    """`toml`: its secrets.toml. `more`: its environment, beside what every server needs."""
    folder = data.parent / f"server-{secrets.token_hex(4)}"
    folder.mkdir()
    if toml is not None:
        (folder / "secrets.toml").write_text(toml, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
    environment = kept | {"ROLLCALL_DATA": str(data), "ROLLCALL_WORKER": "external", "ROLLCALL_KEY": KEY}
    environment |= {"PYTHONPATH": str(ROOT)} | more
    command = [sys.executable, "-m", "streamlit", "run", entry, "--server.port", str(port)]
    command += ["--secrets.files", str(folder / "secrets.toml"), *options]
    log = folder / "log.txt"
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    server = AppServer(f"http://127.0.0.1:{port}", log)
    try:
        _until_ready(server, child)
        yield server
    finally:
        child.terminate()
        child.wait(60)


def _until_ready(server: AppServer, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < deadline:
        try:
            if server.get("/_stcore/health")[1] == "ok":
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the web app did not start: {server.said()}")
