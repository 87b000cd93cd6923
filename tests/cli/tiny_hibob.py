"""A second HiBob for the tests: as little as HIBOB.md demands, and unlike the sandbox wherever it leaves freedom.

It knows nothing of Rollcall and of the sandbox. People are dicts of field id → machine value; the answers are gzipped
and chunked, people come in another order each time, JSON is ASCII only, dates for people are British, and paths keep
their `root.` prefix in the metadata.
"""

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

SERVICE_USER, TOKEN = "SERVICE-77", "ey/tiny+hibob=token-that-nobody-may-see"

PAYROLL = "work.custom.field_2001"
CONTRACT_END = "work.custom.field_2002"
CERTIFIED = "category_900.field_2003"
BONUS = "work.custom.field_2004"


class Field(NamedTuple):
    id: str
    name: str
    category: str
    type: str = "text"
    list_id: str = ""

    @property
    def steps(self) -> list[str]:
        return self.id.removeprefix("root.").split(".")


FIELDS = {
    field.id: field
    for field in (
        Field(CERTIFIED, "Certified person", "900", "boolean"),
        Field("root.id", "ID", "root", "employee-reference"),
        Field("root.surname", "Last name", "root"),
        Field("root.email", "Email", "root"),
        Field("root.firstName", "First name", "root"),
        Field("work.startDate", "Start date", "work", "date"),
        Field("work.title", "Job title", "work", "list", "title"),
        Field("work.department", "Department", "work", "list", "department"),
        Field("work.site", "Site", "work"),
        Field("work.siteId", "Site", "work", "list_id", "site"),
        Field("work.manager", "Manager", "work", "employee-reference"),
        Field("work.reportsTo", "Reports to", "work", "employee"),
        Field("work.reportsTo.email", "Reports to (email)", "work"),
        Field(PAYROLL, "Payroll number", "work"),
        Field(CONTRACT_END, "Contract end", "work"),
        Field(BONUS, "Bonus", "work", "number"),
        Field("payroll.employment.type", "Employment type", "employment", "list", "employmentType"),
        Field("payroll.employment.fte", "FTE %", "employment", "number"),
        Field("about.hobbies", "Hobbies", "about", "multi-list", "hobbies"),
        Field("internal.lifecycleStatus", "Lifecycle status", "lifecycle", "list", "lifecycle"),
        Field("internal.status", "Status", "lifecycle"),
        Field("employee.lastDayOfWork", "Last day of work", "lifecycle", "date"),
    )
}
CATEGORIES = {
    "root": "Basic info",
    "work": "Work",
    "employment": "Employment",
    "about": "About",
    "lifecycle": "Lifecycle",
    "900": "Regulated roles",
}
LABELS = {
    "department": {"209192161": "Legal & Compliance", "209192162": "Sales", "209192163": "Operations"},
    "title": {"501": "Analyst", "502": "=1+1", "503": "Head of Möbel"},
    "site": {"71": "London", "72": "Dublin"},
    "employmentType": {"Full time": "Full time", "209192999": "Secondment"},
    "hobbies": {"31": "Chess", "32": "Rowing"},
    "lifecycle": {"5151": "Sabbatical"},
}

Person = dict[str, Any]

FRIENDLY = {
    "email": "root.email",
    "first_name": "root.firstName",
    "surname": "root.surname",
    "payroll": PAYROLL,
    "contract_end": CONTRACT_END,
    "certified": CERTIFIED,
    "bonus": BONUS,
    "department": "work.department",
    "title": "work.title",
    "site": "work.site",
    "start": "work.startDate",
    "manager": "work.manager",
    "status": "internal.lifecycleStatus",
    "last_day": "employee.lastDayOfWork",
    "fte": "payroll.employment.fte",
    "employment": "payroll.employment.type",
}


def key_of(number: int) -> str:
    """HiBob's id of somebody: 19 digits, more than any float can tell apart."""
    return str(3_980_342_332_733_000_000 + number)


def somebody(number: int, **changes: Any) -> Person:
    """An employed person; `changes` by friendly name. None is a field that is permitted and empty."""
    person: Person = {
        "root.id": key_of(number),
        "root.email": f"person{number}@acme.example",
        "root.firstName": f"First{number}",
        "root.surname": f"Last{number}",
        PAYROLL: f"{number:06}",
        "work.department": "209192162",
        "work.title": "501",
        "work.site": "London",
        "work.startDate": "2020-03-01",
        "internal.lifecycleStatus": "employed",
        "payroll.employment.type": "Full time",
        "payroll.employment.fte": 100,
        CERTIFIED: True,
    }
    return person | {FRIENDLY[name]: value for name, value in changes.items()}


def company(people: int = 30, first: int = 1) -> list[Person]:
    return [somebody(number) for number in range(first, first + people)]


class TinyHiBob:
    """The server. Everything public may be changed while it runs.

    `denied`: categories that are not granted. `lost`: fields that are silently absent. `emptied`: fields that are null
    for everybody. `hidden`: ids of people outside the audience. `fault`: what every answer is instead, an HTTP status,
    "html", "truncated", "reset", "text" (the right data under a wrong type) or "strange"; `fault_on`: the part of the
    path that it is limited to; `headers`: what goes with a status. `meanwhile`: called with the path before each answer.
    """

    def __init__(self, people: Iterable[Person]) -> None:
        self.people = {person["root.id"]: person for person in people}
        self.denied: set[str] = set()
        self.lost: set[str] = set()
        self.emptied: set[str] = set()
        self.hidden: set[str] = set()
        self.fault: int | str | None = None
        self.fault_on = ""
        self.headers: dict[str, str] = {}
        self.meanwhile: Callable[[str], None] = lambda path: None
        self.calls: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.hibob = self  # type: ignore[attr-defined]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def change(self, number: int, **changes: Any) -> None:
        self.people[key_of(number)] |= {FRIENDLY[name]: value for name, value in changes.items()}

    def join(self, number: int, **changes: Any) -> None:
        self.people[key_of(number)] = somebody(number, **changes)

    def forget(self, *numbers: int) -> None:
        for number in numbers:
            del self.people[key_of(number)]

    # --- what is answered ---

    def metadata(self) -> list[dict[str, Any]]:
        return [
            {
                "id": field.id,
                "category": field.id.partition(".")[0],
                "categoryId": field.category,
                "categoryDisplayName": CATEGORIES[field.category],
                "name": field.name,
                "description": None,
                "type": field.type,
                "typeData": {"listId": field.list_id or None},
                "jsonPath": field.id,
                "historical": False,
            }
            for field in FIELDS.values()
        ]

    def search(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = [FIELDS[name] for name in asked.get("fields", ["root.id"]) if name in FIELDS]
        fields = [field for field in wanted if field.category not in self.denied and field.id not in self.lost]
        everybody = [person for key, person in self.people.items() if key not in self.hidden]
        shown = [person for person in everybody if asked.get("showInactive") or is_active(person)]
        turn = len(self.calls) % max(len(shown), 1)
        people = [*shown[turn:], *shown[:turn]]
        return {"employees": [self._employee(person, fields, asked.get("humanReadable", "")) for person in people]}

    def _employee(self, person: Person, fields: list[Field], mode: str) -> dict[str, Any]:
        document: dict[str, Any] = {}
        human: dict[str, Any] = {}
        for field in fields:
            value = None if field.id in self.emptied else self._value(person, field)
            text = None if value in (None, []) else self._text(field, value)
            if mode != "REPLACE" and value not in (None, []):
                document["/" + field.id.replace(".", "/")] = {"value": value}
            _put(document, field.steps, text if mode == "REPLACE" and text else value)
            if mode == "APPEND" and text is not None:
                _put(human, field.steps, text)
        if mode == "APPEND":
            document["humanReadable"] = human
        return document

    def _value(self, person: Person, field: Field) -> Any:
        boss = self.people.get(person.get("work.manager") or "")
        if field.id == "internal.status":
            return "Active" if is_active(person) else "Inactive"
        if field.id == "work.siteId":
            return next((int(key) for key, name in LABELS["site"].items() if name == person.get("work.site")), None)
        if field.id == "work.reportsTo":
            return boss and {
                "id": boss["root.id"],
                "firstName": boss["root.firstName"],
                "surname": boss["root.surname"],
                "email": boss["root.email"],
                "displayName": _name(boss),
            }
        if field.id == "work.reportsTo.email":
            return boss and boss["root.email"]
        return person.get(field.id, [] if field.type == "multi-list" else None)

    def _text(self, field: Field, value: Any) -> str:
        labels = LABELS.get(field.list_id, {})
        if field.type == "boolean":
            return "Yes" if value else "No"
        if field.type == "date":
            return "/".join(reversed(str(value).split("-")))
        if field.type == "employee":
            return str(value["displayName"])
        if field.id == "work.manager" and value in self.people:
            return _name(self.people[value])
        if isinstance(value, list):
            return ", ".join(labels.get(str(each), str(each)) for each in value)
        return labels.get(str(value), str(value))


def is_active(person: Person) -> bool:
    return str(person.get("internal.lifecycleStatus")).casefold() not in ("hired", "terminated")


def _name(person: Person) -> str:
    return f"{person['root.firstName']} {person['root.surname']}"


def _put(document: dict[str, Any], steps: list[str], value: Any) -> None:
    """Nested by its path. What leads on from an empty value, or from a text, is not there."""
    for step in steps[:-1]:
        document = document.setdefault(step, {})
        if not isinstance(document, dict):
            return
    document[steps[-1]] = value


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Silent: `TinyHiBob.calls` is the log."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    @property
    def hibob(self) -> TinyHiBob:
        return self.server.hibob  # type: ignore[attr-defined,no-any-return]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hibob.calls.append(f"{self.command} {self.path}")
        self.hibob.meanwhile(self.path)
        fault = self.hibob.fault if self.hibob.fault_on in self.path else None
        expected = base64.b64encode(f"{SERVICE_USER}:{TOKEN}".encode()).decode()
        if fault == "reset":
            self.close_connection = True
        elif fault == "html":
            self._send(200, "text/html; charset=UTF-8", b"<html>Sign in</html>")
        elif isinstance(fault, int):
            self._send(fault)
        elif self.headers.get("Authorization") != f"Basic {expected}":
            self._send(401)
        else:
            self._allowed(body, fault)

    def _allowed(self, body: bytes, fault: str | None) -> None:
        if (self.command, self.path) == ("GET", "/v1/company/people/fields"):
            self._json(self.hibob.metadata(), fault)
        elif (self.command, self.path) == ("POST", "/v1/people/search"):
            asked = json.loads(body)
            if len(asked.get("fields", [])) > 400 or asked.get("filters") == []:
                self._send(400, "application/json", b'{"errorMessage": "Bad request"}')
            else:
                self._json(self.hibob.search(asked), fault)
        else:
            self._send(200, "text/html; charset=UTF-8", b"<html>Sign in</html>")

    def _json(self, document: Any, fault: str | None) -> None:
        content = json.dumps({"people": []} if fault == "strange" else document).encode()
        kind = "text/plain" if fault == "text" else "application/json;charset=utf-8"
        self._send(200, kind, content, cut=fault == "truncated")

    def _send(self, status: int, kind: str = "", content: bytes = b"", cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("X-RateLimit-Limit", "50")
        self.send_header("X-RateLimit-Remaining", "49")
        self.send_header("X-RateLimit-Reset", "0")
        for name, value in self.hibob.headers.items():
            self.send_header(name, value)
        if not content:
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_header("Content-Type", kind)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        packed = gzip.compress(content, 1)
        half = len(packed) // 2
        self._chunk(packed[:half])
        if cut:
            self.close_connection = True
            return
        self._chunk(packed[half:])
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, part: bytes) -> None:
        self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
