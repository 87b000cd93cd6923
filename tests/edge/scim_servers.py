"""What the SCIM tests run against: scim2-server, which nobody here wrote, on loopback, with the faults and habits of
other servers put around it."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from scim2_models import Schema, ScimProvider, ServiceProviderConfig
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.utils import load_default_resource_types, load_default_schemas

from provisioning.model import Action, Attribute, AttributeType, Change, Outcome, Seen, Status, Users
from provisioning.target.scim import ScimDirectory

TOKEN = "s3cret-token-of-the-portal"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PORTAL = "urn:ietf:params:scim:schemas:extension:skillcast:2.0:User"
DEPARTMENT, MANAGER = f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager.value"
EMAIL = 'emails[type eq "work"].value'

PORTAL_SCHEMA = {
    "id": PORTAL,
    "name": "Skillcast",
    "attributes": [
        {"name": "domain", "type": "string"},
        {"name": "costCentre", "type": "string"},
        {"name": "startDate", "type": "dateTime"},
        {"name": "contractor", "type": "boolean"},
        {"name": "grade", "type": "integer"},
        {"name": "region", "type": "string", "canonicalValues": ["North", "South"]},
        {"name": "badge", "type": "string", "mutability": "immutable"},
        {"name": "lastLogin", "type": "dateTime", "mutability": "readOnly"},
        {"name": "note", "type": "string", "returned": "request"},
        {"name": "pin", "type": "string", "mutability": "writeOnly", "returned": "never"},
    ],
}

MAPPING = (
    Attribute("userName", "root.email", required=True),
    Attribute("name.givenName", "root.firstName"),
    Attribute("name.familyName", "root.surname"),
    Attribute(EMAIL, "root.email"),
    Attribute(DEPARTMENT, "work.department"),
    Attribute(MANAGER, "work.reportsTo", AttributeType.USER),
    Attribute(f"{PORTAL}:startDate", "work.startDate", AttributeType.DATE),
    Attribute(f"{PORTAL}:contractor", "work.contractor", AttributeType.YES_NO),
    Attribute(f"{PORTAL}:grade", "work.grade", AttributeType.NUMBER),
)
NAMES = tuple(each.name for each in MAPPING)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def operations(self) -> list["Request"]:
        """The single requests that it is made of: more than one in bulk."""
        if not self.path.endswith("/Bulk"):
            return [self]
        return [
            Request(each["method"], f"/v2{each['path']}", {}, self.headers, each.get("data"))
            for each in self.body["Operations"]
        ]


@dataclass
class Answer:
    """An answer that a twist may change. `body` None: there is none."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


class Reset(Exception):
    """The connection is reset instead of answered."""


Next = Callable[[Request], Answer]
Twist = Callable[[Request, Next], Answer]
"""A habit of a server: given a request and the server behind, the answer."""


@cache
def _provider(
    bulk: bool,
    etag: bool,
    patch: bool,
    filters: bool,
    bulk_operations: int,
    bulk_bytes: int,
    most_results: int,
    own: bool,
) -> ScimProvider:
    """What a server announces. Making the models takes most of a test's time."""
    config = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": patch},
        "bulk": {"supported": bulk, "maxOperations": bulk_operations, "maxPayloadSize": bulk_bytes},
        "filter": {"supported": filters, "maxResults": most_results},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": etag},
    }
    types = load_default_resource_types()
    if not own:
        return ScimProvider.from_discovery(
            load_default_schemas().values(), types.values(), config=ServiceProviderConfig.model_validate(config)
        )
    schemas = [*load_default_schemas().values(), Schema.model_validate(PORTAL_SCHEMA)]
    extensions = types["User"].model_dump()["schemaExtensions"]
    types["User"] = type(types["User"]).model_validate(
        types["User"].model_dump() | {"schemaExtensions": [*extensions, {"schema": PORTAL, "required": False}]}
    )
    return ScimProvider.from_discovery(schemas, types.values(), config=ServiceProviderConfig.model_validate(config))


class ScimServer:
    """scim2-server with twists around it, the first one outermost. `requests`: everything that came in."""

    def __init__(
        self,
        *twists: Twist,
        bulk: bool = True,
        etag: bool = True,
        patch: bool = True,
        filters: bool = True,
        bulk_operations: int = 1000,
        bulk_bytes: int = 1 << 20,
        most_results: int = 1000,
        own: bool = True,
    ) -> None:
        """`own`: users have the portal's own extension too."""
        self.twists = list(twists)
        self.requests: list[Request] = []
        self.storage = InMemoryStorage()
        service = ScimService(_provider(bulk, etag, patch, filters, bulk_operations, bulk_bytes, most_results, own))
        self.app = BearerTokenApplication(self.storage, service.provider, service, bearer_tokens=[TOKEN])
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v2"
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
        return self._through(0)(request)

    def _through(self, place: int) -> Next:
        if place == len(self.twists):
            return self.serve
        return lambda request: self.twists[place](request, self._through(place + 1))

    def serve(self, request: Request) -> Answer:
        """scim2-server's own answer."""
        body = b"" if request.body is None else json.dumps(request.body).encode()
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": request.path,
            "QUERY_STRING": urlencode(request.query),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self._server.server_address[1]),
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "http",
        } | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        told: list[Any] = []
        content = b"".join(self.app(environ, lambda status, headers, info=None: told.append((status, headers))))
        status, headers = told[0]
        kept = {name: value for name, value in headers if name.lower() != "content-length"}
        return Answer(int(status.split()[0]), kept, json.loads(content) if content else None)

    # --- what is there, and what came ---

    def add(self, **members: Any) -> str:
        """Somebody who is there already; returns their id. Not counted as a request."""
        body = {"schemas": [CORE, *(key for key in members if key.startswith("urn:"))], "active": True} | members
        made = self.serve(Request("POST", "/v2/Users", {}, HEADERS, body))
        assert made.status == 201, made
        return str(made.body["id"])

    def change(self, user: str, **members: Any) -> None:
        """Somebody else changes a user; members of members are merged."""
        made = self.serve(Request("PUT", f"/v2/Users/{user}", {}, HEADERS, _merged(self.user(user), members)))
        assert made.status == 200, made

    def user(self, user: str) -> dict[str, Any]:
        found = self.serve(Request("GET", f"/v2/Users/{user}", {}, HEADERS, None))
        assert found.status == 200, found
        return dict(found.body)

    def hidden(self, user: str, name: str) -> Any:
        """An attribute of the portal's extension that is shown only to who asks for it by name."""
        query = {"attributes": f"{PORTAL}:{name}"}
        found = self.serve(Request("GET", f"/v2/Users/{user}", query, HEADERS, None))
        return found.body.get(PORTAL, {}).get(name)

    @property
    def everybody(self) -> list[dict[str, Any]]:
        """All users as they are, without what the server adds, ordered by external id."""
        query = {"count": "1000"}
        found: list[dict[str, Any]] = []
        while True:
            page = self.serve(Request("GET", "/v2/Users", query | {"startIndex": str(len(found) + 1)}, HEADERS, None))
            found += page.body.get("Resources", [])
            if len(found) >= page.body["totalResults"]:
                return sorted(found, key=lambda each: (each.get("externalId", ""), each["userName"]))

    @property
    def writes(self) -> list[Request]:
        return [each for each in self.requests if each.writes]

    def forget(self) -> None:
        self.requests.clear()


HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/scim+json"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    owner: ScimServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: two would wait for each other for 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        content = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(content) if content else None
        try:
            found = self.server.owner.answer(Request(self.command, parts.path, query, headers, body))
        except Reset:
            # Lingering for no time makes the close a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self._send(found)

    def _send(self, found: Answer) -> None:
        content = found.body if isinstance(found.body, bytes) else b""
        if found.body is not None and not isinstance(found.body, bytes):
            content = json.dumps(found.body).encode()
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        if found.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()


# --- habits -----------------------------------------------------------------------------------------------


class Times:
    """A twist for the n-th of the requests that it fits, and some after it."""

    def __init__(self, twist: Twist, fits: Callable[[Request], bool], *, first: int = 1, count: int = 1) -> None:
        self.twist, self.fits, self.first, self.count = twist, fits, first, count
        self.seen = 0
        self._lock = threading.Lock()

    def __call__(self, request: Request, following: Next) -> Answer:
        if not self.fits(request):
            return following(request)
        with self._lock:
            self.seen += 1
            now = self.first <= self.seen < self.first + self.count
        return self.twist(request, following) if now else following(request)


def is_write(request: Request) -> bool:
    return request.writes


def is_create(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/Users")


def in_bulk(twist: Twist) -> Twist:
    """The twist meets each operation of a bulk request as if it came by itself; those that it lets through are done
    together."""

    def met(request: Request, following: Next) -> Answer:
        if not request.path.endswith("/Bulk"):
            return twist(request, following)
        through, told = [], []
        for one, operation in zip(request.operations, request.body["Operations"], strict=True):
            answer = twist(one, lambda each, one=one: LET_THROUGH if each is one else following(each))  # type: ignore[misc]
            if answer is LET_THROUGH:
                through.append(operation)
            else:
                told.append(_told(operation, answer))
        if not through:
            return Answer(200, {"Content-Type": "application/scim+json"}, BULK_RESPONSE | {"Operations": told})
        body = request.body | {"Operations": through}
        found = following(Request(request.method, request.path, request.query, request.headers, body))
        assert found.status == 200, found
        return Answer(200, found.headers, found.body | {"Operations": [*found.body["Operations"], *told]})

    return met


LET_THROUGH = Answer(0)
BULK_RESPONSE = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]}


def _told(operation: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    plain = {name: operation[name] for name in ("method", "bulkId") if name in operation}
    failed = {"response": answer.body} if answer.status >= 300 else {}
    return plain | {"location": operation["path"], "status": str(answer.status)} | failed


def reset_before(request: Request, following: Next) -> Answer:
    raise Reset


def reset_after(request: Request, following: Next) -> Answer:
    following(request)
    raise Reset


def answers(status: int, body: Any = None, **headers: str) -> Twist:
    """Always this answer, and nothing done. A header is named in Python's spelling."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, following: Answer(status, {"Content-Type": "application/scim+json"} | named, body)


def then_answers(status: int, body: Any = None, **headers: str) -> Twist:
    """This answer, although it was done."""
    told = answers(status, body, **headers)

    def twist(request: Request, following: Next) -> Answer:
        following(request)
        return told(request, following)

    return twist


def ignores_patch(request: Request, following: Next) -> Answer:
    if request.method != "PATCH":
        return following(request)
    return following(Request("GET", request.path, {}, request.headers, None))


def has_no_patch(request: Request, following: Next) -> Answer:
    if request.method != "PATCH":
        return following(request)
    return answers(501, scim_error(501, "PATCH is not implemented."))(request, following)


def caps_pages(most: int) -> Twist:
    """Gives fewer than asked for, whatever it announces."""

    def twist(request: Request, following: Next) -> Answer:
        count = str(min(int(request.query.get("count", most)), most))
        return following(
            Request(request.method, request.path, {**request.query, "count": count}, request.headers, request.body)
        )

    return twist


def refuses_filters(request: Request, following: Next) -> Answer:
    if "filter" in request.query:
        return answers(400, scim_error(400, "Filters are not supported.", "invalidFilter"))(request, following)
    return following(request)


def ignores_filters(request: Request, following: Next) -> Answer:
    query = {name: value for name, value in request.query.items() if name != "filter"}
    return following(Request(request.method, request.path, query, request.headers, request.body))


def ignores_names(request: Request, following: Next) -> Answer:
    """Shows the same to everybody, whatever is asked for by name."""
    query = {name: value for name, value in request.query.items() if name != "attributes"}
    return following(Request(request.method, request.path, query, request.headers, request.body))


def ignores_etags(request: Request, following: Next) -> Answer:
    """Announces them and gives them, and never minds them."""
    headers = {name: value for name, value in request.headers.items() if name != "if-match"}
    return following(Request(request.method, request.path, request.query, headers, _without(request.body, "version")))


def without_versions(request: Request, following: Next) -> Answer:
    found = following(request)
    found.headers = {name: value for name, value in found.headers.items() if name.lower() != "etag"}
    found.body = _without(found.body, "version")
    return found


def numbers_as_text(request: Request, following: Next) -> Answer:
    """Numbers and yes or no in quotes, as some servers write them."""
    found = following(request)
    found.body = _each(found.body, lambda value: str(value) if isinstance(value, int | float) else value)
    return found


def shouts(request: Request, following: Next) -> Answer:
    """Every name of a member in capital letters."""
    found = following(request)
    found.body = _renamed(found.body, str.upper) if request.path.startswith("/v2/Users") else found.body
    return found


def lowers_user_names(request: Request, following: Next) -> Answer:
    body = _each_member(request.body, "userName", str.lower)
    return following(Request(request.method, request.path, request.query, request.headers, body))


def without_body(request: Request, following: Next) -> Answer:
    """204 where others give the resource."""
    found = following(request)
    return Answer(204, found.headers) if request.method in ("PATCH", "PUT") and found.status == 200 else found


def scim_error(status: int, detail: str, kind: str = "") -> dict[str, Any]:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
    return body | ({"scimType": kind} if kind else {})


def _merged(old: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    inner = {key: _merged(old[key], each) for key, each in new.items() if isinstance(each, dict) and key in old}
    return old | dict(new) | inner


def _without(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(each, name) for key, each in value.items() if key != name}
    return [_without(each, name) for each in value] if isinstance(value, list) else value


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _each(each, change) for key, each in value.items()}
    return [_each(each, change) for each in value] if isinstance(value, list) else change(value)


def _each_member(value: Any, name: str, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {
            key: change(each) if key == name and isinstance(each, str) else _each_member(each, name, change)
            for key, each in value.items()
        }
    return [_each_member(each, name, change) for each in value] if isinstance(value, list) else value


def _renamed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {change(key): _renamed(each, change) for key, each in value.items()}
    return [_renamed(each, change) for each in value] if isinstance(value, list) else value


# --- people, and changes as a plan has them ---------------------------------------------------------------


@contextmanager
def directory(server: ScimServer | str, **options: Any) -> Iterator[ScimDirectory]:
    """The directory behind a server, in a hurry."""
    url = server if isinstance(server, str) else server.base_url
    settings: dict[str, Any] = {"attributes": MAPPING, "unique_identifier": "userName", "token": TOKEN}
    settings |= {"first_wait": 0.0, "sleep": lambda seconds: None} | options
    with ScimDirectory(url, settings.pop("token"), **settings) as found:
        yield found


def values(number: int, **others: str) -> dict[str, str]:
    """What the mapping says of the person with this number; `others` by the last word of the attribute."""
    plain = {
        "userName": f"p{number}@acme.example",
        "name.givenName": "Søren" if number % 2 else "Ada",
        "name.familyName": f"O’Neill {number}",
        EMAIL: f"p{number}@acme.example",
        DEPARTMENT: "Legal & Compliance",
        f"{PORTAL}:startDate": "2026-11-01",
        f"{PORTAL}:contractor": "No",
        f"{PORTAL}:grade": str(number % 7),
    }
    return plain | {full(name): text for name, text in others.items()}


def full(name: str) -> str:
    """The attribute whose path ends so."""
    short = {"manager": MANAGER, "department": DEPARTMENT, "email": EMAIL, "givenName": "name.givenName"}
    return short.get(name) or next(each for each in NAMES if each == name or each.endswith(f":{name}"))


def key(number: int) -> str:
    return f"40000000000000{number:05d}"


def add(number: int, **others: str) -> Change:
    after = {name: text for name, text in values(number, **others).items() if text}
    after |= {"status": "Live", "external_id": key(number)}
    return Change(key(number), Action.ADD, "new", {}, after, name=f"Person {number}")


def adds(count: int) -> list[Change]:
    return [add(number) for number in range(1, count + 1)]


def seen(users: Users, user: str) -> Seen:
    """A user as a plan made from this read sees them."""
    row = users.ids.to_pylist().index(user)
    return Seen(
        Status(users.statuses[row].as_py()),
        users.external_ids[row].as_py(),
        {name: column[row].as_py() for name, column in users.attributes.items()},
        users.versions[row].as_py() if users.versions is not None else "",
    )


def edit(users: Users, user: str, action: Action, **after: str | None) -> Change:
    """A change of somebody who is there. `after` is named by the last word of the attribute, or `status`,
    `external_id`, `domain`."""
    saw = seen(users, user)
    named = {each if each in ("status", "external_id", "domain") else full(each): text for each, text in after.items()}
    before = {"status": saw.status.value, "external_id": saw.external_id or None}
    before = {name: before[name] if name in before else saw.attributes.get(name) or None for name in named}
    return Change(saw.external_id or f"user:{user}", action, "differs", before, named, user, saw, "Somebody")


def archive(users: Users, user: str) -> Change:
    return edit(users, user, Action.ARCHIVE, status="Archived")


@dataclass
class Journal:
    """Collects outcomes, chunk by chunk."""

    chunks: list[list[Outcome]] = field(default_factory=list)

    def __call__(self, outcomes: Any) -> None:
        self.chunks.append(list(outcomes))

    @property
    def outcomes(self) -> list[Outcome]:
        return [each for chunk in self.chunks for each in chunk]

    @property
    def results(self) -> list[str]:
        return [each.result.value for each in self.outcomes]

    @property
    def only(self) -> Outcome:
        (found,) = self.outcomes
        return found


def bring_about(where: ScimDirectory, changes: list[Change], chunk: int = 100) -> Journal:
    """As a run does it: chunk by chunk, then the second pass."""
    journal = Journal()
    for start in range(0, len(changes), chunk):
        where.ensure(changes[start : start + chunk], journal)
    where.finish(journal)
    return journal


def ids(users: Users) -> dict[str, str]:
    """External id → id."""
    return dict(zip(users.external_ids.to_pylist(), users.ids.to_pylist(), strict=True))
