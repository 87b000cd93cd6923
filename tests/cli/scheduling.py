"""Schedules with a clock of their own: an installation in this process whose time stands still until a test moves it."""

import json
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from driver import ADMIN, STAFF, Rollcall

from provisioning import workflow
from provisioning.model import Plan
from provisioning.store.messages import Message
from provisioning.workflow import Workspace, member, operator
from provisioning.workflow.due import Done

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
        plan = workflow.preview(house, STAFF)
        workflow.approve(house, plan.id)
        workflow.process(house, plan.id)
        house.db.close()
        return plan

    def switch_on(self, by: str = ADMIN) -> None:
        workflow.switch_on(self.seen_by(by), STAFF)

    def at(self, text: str) -> list[Done]:
        """Make it that time, and run what is due then."""
        self.now = datetime.fromisoformat(text)
        return self.run()

    def after(self, **time: float) -> list[Done]:
        self.now += timedelta(**time)
        return self.run()

    def run(self) -> list[Done]:
        """What the worker does between jobs."""
        done = workflow.run_due(self.house, patient=False)
        workflow.deliver(self.house, patience=5)
        return done

    def until(self, text: str, step: timedelta = timedelta(minutes=30)) -> list[tuple[str, Done]]:
        """A worker that looks again and again until then; what it did, with the times."""
        found, end = [], datetime.fromisoformat(text)
        while self.now < end:
            self.now = min(self.now + step, end)
            found += [(f"{self.now:%m-%d %H:%M}", each) for each in self.run()]
        return found

    @property
    def standing(self) -> tuple[str, str]:
        seen = workflow.schedule_seen(self.house, STAFF)
        return seen.standing.value, seen.reason

    def messages(self) -> list[Message]:
        """What people were told, oldest first."""
        return workflow.messages_seen(self.house, STAFF, 1000)[::-1]

    def told(self) -> list[tuple[str, str]]:
        return [(f"{each.at:%m-%d %H:%M}", each.about) for each in self.messages()]


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
