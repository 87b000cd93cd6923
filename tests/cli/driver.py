"""Rollcall's command line as somebody uses it: one data folder, one environment, words in, and what it said.

`run` starts the real program. `call` does the same in this process, for the many small cases. Both fail the test on
any traceback: errors are one or two lines on standard error, whatever happens.
"""

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tiny_hibob
import tomli_w

from provisioning.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
ADMIN, CSM, AUDITOR = "admin@acme.example", "csm@skillcast.example", "auditor@acme.example"
STAFF = "Acme/staff"
PATIENCE = 60.0


@dataclass(frozen=True)
class Said:
    """Exit code, standard output and standard error of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output; it must be there whatever the exit code."""
        return json.loads(self.out)

    def fine(self) -> "Said":
        assert (self.code, self.err) == (0, ""), self
        return self

    def complaint(self, code: int) -> str:
        """The one or two lines of an error that left standard output empty."""
        assert (self.code, self.out) == (code, ""), self
        assert self.err.endswith("\n"), self
        assert 1 <= len(self.err.splitlines()) <= 2, self
        return self.err


class Rollcall:
    """One installation."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.environment = {"ROLLCALL_ALLOWED_HOSTS": "127.0.0.1", "ACME_TOKEN": tiny_hibob.TOKEN, **environment}
        self.folder = data.parent

    # --- commands ---

    def call(self, *words: str | Path, by: str | None = None) -> Said:
        out, err = (
            io.TextIOWrapper(io.BytesIO(), "utf-8", errors, newline="", write_through=True)
            for errors in ("strict", "backslashreplace")
        )
        with (
            _environment(self.environment),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                code = main(self._words(words, by))
            except SystemExit as end:
                code = int(end.code or 0)
            except Exception:
                code = 1
                traceback.print_exc()
        return _told(code, *(each.buffer.getvalue() for each in (out, err)))  # type: ignore[attr-defined]

    def run(self, *words: str | Path, by: str | None = None, **popen: Any) -> Said:
        process = self.start(*words, by=by, **popen)
        out, err = process.communicate(timeout=PATIENCE)
        return _told(process.returncode, out or b"", err or b"")

    def start(
        self, *words: str | Path, by: str | None = None, through: str = "", **popen: Any
    ) -> "subprocess.Popen[bytes]":
        """`through`: what a shell does with the command, as `"$@"`."""
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            **self.environment,
            **popen.pop("env", {}),
        }
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | popen
        shell = ["sh", "-c", through, "sh"] if through else []
        command = [*shell, sys.executable, "-m", "provisioning", *self._words(words, by)]
        return subprocess.Popen(command, env=environment, cwd=self.folder, **pipes)

    def _words(self, words: tuple[str | Path, ...], by: str | None) -> list[str]:
        return ["--data", str(self.data), *map(str, words), *(("--by", by) if by else ())]

    # --- the usual way ---

    def set_up(self, content: Mapping[str, Any] | str, *options: str, by: str | None = None) -> Said:
        return self.call("setup", self.write(content), *options, by=by)

    def write(self, content: Mapping[str, Any] | str, name: str = "setup.toml") -> Path:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else tomli_w.dumps(content), encoding="utf-8")
        return path

    def preview(self, domain: str = STAFF, by: str | None = None) -> Any:
        return self.call("preview", domain, "--json", by=by).json

    def users(self, domain: str = STAFF) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("users", domain, "--json").fine().json
        return found

    def approve_and_process(self, plan: Mapping[str, Any], *options: str) -> Any:
        self.call("approve", plan["plan"], *options, by=ADMIN).fine()
        return self.call("process", plan["plan"], "--json").json

    def sync(self, domain: str = STAFF) -> Any:
        """Preview, approve and process; gives the plan."""
        plan = self.preview(domain)
        run = self.approve_and_process(plan)
        assert run["status"] == "done", run
        return plan

    def history(self, label: str = STAFF) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("history", label, "--json").fine().json
        return found

    # --- beside the command line: what only time or another hand can bring about ---

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.database() as db:
            rows = db.execute(statement, values).fetchall()
            db.commit()
        return rows

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.data / "rollcall.db", timeout=PATIENCE)) as db:
            yield db

    def written(self) -> bytes:
        """All bytes of the data folder."""
        return b"".join(path.read_bytes() for path in sorted(self.data.rglob("*")) if path.is_file())


def _told(code: int, out: bytes, err: bytes) -> Said:
    said = Said(code, out.decode(), err.decode(errors="replace"))
    assert "Traceback" not in said.err, said.err
    assert "Exception ignored" not in said.err, said.err
    return said


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("ROLLCALL_"):
            del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def until(met: Callable[[], bool]) -> None:
    """Look again and again, for what another process does."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline, "it never came about"
        pause.wait(0.002)


# --- what a customer looks like ---------------------------------------------------------------------------


def attribute(name: str, feed: str | None, **more: Any) -> dict[str, Any]:
    return {"name": name, **({"data_feed_name": feed} if feed else {}), **more}


EMPLOYEE_ID = attribute("Employee ID", "Payroll number", required=True)
EMAIL = attribute("Email", "root.email", clean_up=["lower"])
FIRST_NAME, LAST_NAME = attribute("First name", "root.firstName"), attribute("Last name", "root.surname")
DEPARTMENT = attribute("Department", "humanReadable.work.department")
ATTRIBUTES = [EMPLOYEE_ID, EMAIL, FIRST_NAME, LAST_NAME, DEPARTMENT]


def domain(*attributes: dict[str, Any], name: str = "staff", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "connection": "Acme HiBob",
        "unique_identifier": "Employee ID",
        "attributes": list(attributes or ATTRIBUTES),
        **more,
    }


def customer(base_url: str, *domains: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The content of a set-up file."""
    return {
        "customer": {"name": "Acme"},
        "members": [
            {"email": ADMIN, "role": "admin"},
            {"email": AUDITOR, "role": "auditor"},
            {"email": CSM, "role": "csm"},
        ],
        "connections": [
            {"name": "Acme HiBob", "base_url": base_url, "id": "SERVICE-77", "token": {"env": "ACME_TOKEN"}}
        ],
        "domains": list(domains or [domain()]),
        **more,
    }


def keys(changes: list[dict[str, Any]], action: str | None = None) -> list[str]:
    return [each["key"] for each in changes if action in (None, each["action"])]
