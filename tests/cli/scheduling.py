"""Schedules with a clock of their own: an installation in this process whose time stands still until a test moves it."""

import base64
import hmac
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha512
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from driver import ADMIN, PATIENCE, ROOT, STAFF, Rollcall
from tiny_hibob import key_of

from provisioning.model import Plan
from provisioning.store.messages import Message
from provisioning.workflow import approving, due, hearing, planning, processing, scheduling, telling
from provisioning.workflow.due import Done
from provisioning.workflow.hearing import Heard
from provisioning.workflow.house import Workspace, member, operator

ONE_LOOK = """
import os, sys
from datetime import datetime
from pathlib import Path
from provisioning.workflow.due import run_due
from provisioning.workflow.house import Workspace, operator
now = datetime.fromisoformat(sys.argv[2])
run_due(Workspace(Path(sys.argv[1]), os.environ, operator(), lambda: now))
"""
DAILY = {"cron": "0 5 * * *", "timezone": "Europe/London", "does": "process"}


class Clockwork:
    """An installation as its worker sees it, at the time that `now` says."""

    def __init__(self, house: Rollcall, start: str) -> None:
        self.rollcall, self.now = house, datetime.fromisoformat(start)
        self.house = self.seen_by(None)

    def seen_by(self, email: str | None) -> Workspace:
        actor = member(email) if email else operator()
        return Workspace(self.rollcall.data, self.rollcall.environment, actor, lambda: self.now)

    def restart(self) -> None:
        """Another process goes on with the same data."""
        self.house.db.close()
        self.house = self.seen_by(None)

    def sync(self, by: str = ADMIN) -> Plan:
        """Preview, approve and process by hand."""
        house = self.seen_by(by)
        plan = planning.preview(house, STAFF)
        approving.approve(house, plan.id)
        processing.process(house, plan.id)
        house.db.close()
        return plan

    def switch_on(self, by: str = ADMIN) -> None:
        scheduling.switch_on(self.seen_by(by), STAFF)

    def at(self, text: str) -> list[Done]:
        """Make it that time, and run what is due then."""
        self.now = datetime.fromisoformat(text)
        return self.run()

    def after(self, **time: float) -> list[Done]:
        self.now += timedelta(**time)
        return self.run()

    def run(self) -> list[Done]:
        """What the worker does between jobs."""
        done = due.run_due(self.house, patient=False)
        telling.deliver(self.house, patience=5)
        return done

    def until(self, text: str, step: timedelta = timedelta(minutes=30)) -> list[tuple[str, Done]]:
        """A worker that looks again and again until then; what it did, with the times."""
        found, end = [], datetime.fromisoformat(text)
        while self.now < end:
            self.now = min(self.now + step, end)
            found += [(f"{self.now:%m-%d %H:%M}", each) for each in self.run()]
        return found

    def killed_at(self, text: str, begun: threading.Event) -> None:
        """A worker's process that looks at that time, and is killed as soon as `begun` is set."""
        self.now = datetime.fromisoformat(text)
        self.house.db.close()
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | self.rollcall.environment
        command = [sys.executable, "-c", ONE_LOOK, str(self.rollcall.data), text]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            came = begun.wait(PATIENCE)
            process.kill()
            assert came, process.communicate()
        self.house = self.seen_by(None)

    @property
    def standing(self) -> tuple[str, str]:
        seen = scheduling.schedule_seen(self.house, STAFF)
        return seen.standing.value, seen.reason

    def messages(self) -> list[Message]:
        """What people were told, oldest first."""
        return telling.messages_seen(self.house, STAFF, 1000)[::-1]

    def told(self) -> list[tuple[str, str]]:
        return [(f"{each.at:%m-%d %H:%M}", each.about) for each in self.messages()]


SECRET = "webhook-secret-that-nobody-may-see"


def event(clockwork: Clockwork, number: int) -> bytes:
    at = clockwork.now.replace(tzinfo=None).isoformat()
    data = {"employeeId": key_of(number)}
    return json.dumps({"type": "employee.joined", "triggeredAt": at, "version": "v2", "data": data}).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"Bob-Signature": base64.b64encode(hmac.new(secret.encode(), body, sha512).digest()).decode()}


def hear(clockwork: Clockwork, body: bytes, secret: str = SECRET) -> Heard:
    return hearing.webhook(clockwork.house, STAFF, signed(body, secret), body)


class Receiver:
    """A JSON webhook that keeps what it was sent."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.received, self.hold = status, list[dict[str, Any]](), threading.Event()
        self.hold.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"json://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: Mapping[str, Any] = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            receiver.hold.wait(30)
            receiver.received.append(dict(body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            if 300 <= receiver.status < 400:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler


def overdue(house: Rollcall) -> None:
    """As if the last time seen to was years ago."""
    house.sql(
        "UPDATE schedules SET wake_at = '2020-01-01T00:00:00.000000Z', "
        "state = json_set(state, '$.served', '2020-01-01T00:00:00Z')"
    )
