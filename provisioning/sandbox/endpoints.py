"""HiBob's endpoints as a table, and what each answers to a caller who is signed in and allowed to ask."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast
from urllib.parse import unquote

import msgspec

from provisioning.sandbox import reports, search
from provisioning.sandbox.company import Company
from provisioning.sandbox.fields import Json
from provisioning.sandbox.switches import Switches

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to HiBob</body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `cut` sends half of the body it announces, `reset` breaks the connection instead."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False


def json_answer(document: object, status: int = 200) -> Answer:
    """An answer of JSON."""
    return Answer(status, msgspec.json.encode(document))


def login_page() -> Answer:
    """What HiBob answers to a wrong path or a wrongly typed query value: 200 and HTML."""
    return Answer(200, LOGIN_PAGE, "text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class File:
    """A report that was asked for asynchronously; ready when it was polled often enough."""

    answer: Answer
    polls_left: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call and what it may see; `files` is kept from call to call."""

    company: Company
    switches: Switches
    files: dict[str, File]
    args: tuple[str, ...]
    query: dict[str, str]
    body: bytes


class _WronglyTyped(ValueError):
    """A query value of the wrong type."""


def _fields(call: Call) -> Answer:
    return json_answer([each.metadata() for each in call.company.fields.values()])


def _search(call: Call) -> Answer:
    return Answer(200, search.search(call.company, call.switches, search.parse(_decoded(call.body))))


def _person(call: Call) -> Answer:
    person = call.company.find(unquote(call.args[0]))
    if person is None or not search.in_audience(person, call.switches):
        return Answer(404)
    question = search.parse(_decoded(call.body))
    return Answer(200, search.encode(search.spelling(call.company, call.switches, question)(person)))


def _decoded(body: bytes) -> Json:
    try:
        return cast(Json, msgspec.json.decode(body or b"{}"))
    except msgspec.DecodeError as error:
        raise search.Rejected(error_document("Bad Request", f"Invalid Json: {error}", 400)) from error


def error_document(error: str, message: str, status: int) -> dict[str, Json]:
    """The most talkative of the four shapes of error body."""
    timestamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"error": error, "message": message, "statusCode": status, "timestamp": timestamp}


def _lists(call: Call) -> Answer:
    _flag(call, "includeArchived")
    documents = {name: named.document() for name, named in call.company.lists.items()}
    return json_answer(list(documents.values()) if call.switches.named_lists == "array" else documents)


def _list(call: Call) -> Answer:
    _flag(call, "includeArchived")
    named = call.company.lists.get(unquote(call.args[0]))
    return json_answer(named.document()) if named else Answer(404)


def _reports(call: Call) -> Answer:
    return json_answer(reports.views())


def _download(call: Call) -> Answer:
    if (wanted := _wanted(call)) is None:
        return Answer(404)
    file = reports.render(call.company, call.switches, wanted)
    return Answer(200, file, reports.CONTENT_TYPES[wanted.format])


def _download_async(call: Call) -> Answer:
    if (wanted := _wanted(call)) is None:
        return Answer(404)
    name = f"{wanted.report.id}-{len(call.files) + 1:06}.{wanted.format}"
    call.files[name] = File(_download(call), call.switches.report_polls)
    return Answer(202, headers={"Location": f"https://files.hibob.example/reports/{name}"})


def _poll(call: Call) -> Answer:
    name = unquote(call.args[0])
    if (file := call.files.get(name)) is None:
        return Answer(404)
    call.files[name] = File(file.answer, file.polls_left - 1)
    return Answer(204) if file.polls_left > 0 else file.answer


def _wanted(call: Call) -> reports.Download | None:
    """The download asked for, or None when there is no such report."""
    query = call.query
    format, human = query.get("format", "csv"), query.get("humanReadable", "")
    if not call.args[0].isdigit() or format not in reports.CONTENT_TYPES or human not in ("", "APPEND", "REPLACE"):
        raise _WronglyTyped
    info = _flag(call, "includeInfo") or call.switches.info_rows
    if (report := reports.REPORTS.get(int(call.args[0]))) is None:
        return None
    locale = query.get("locale", call.switches.report_locale)
    return reports.Download(report, format, locale, cast(search.HumanReadable, human), info)


def _flag(call: Call, name: str) -> bool:
    value = call.query.get(name, "false")
    if value not in ("true", "false"):
        raise _WronglyTyped(name)
    return value == "true"


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: its name (for switches), calls per minute, and what answers it."""

    name: str
    method: str
    path: re.Pattern[str]
    limit: int
    reply: Callable[[Call], Answer]

    def answer(self, call: Call) -> Answer:
        """What HiBob answers, refusals of the request's content included."""
        try:
            return self.reply(call)
        except search.Rejected as error:
            return json_answer(error.document, 400)
        except _WronglyTyped:
            return login_page()


def _route(name: str, method: str, path: str, limit: int, reply: Callable[[Call], Answer]) -> Route:
    return Route(name, method, re.compile("/v1" + path), limit, reply)


ROUTES = (
    _route("fields", "GET", "/company/people/fields", 50, _fields),
    _route("people/search", "POST", "/people/search", 50, _search),
    _route("people", "POST", "/people/([^/]+)", 50, _person),
    _route("named-lists", "GET", "/company/named-lists", 50, _lists),
    _route("named-list", "GET", "/company/named-lists/([^/]+)", 50, _list),
    _route("reports", "GET", "/company/reports", 20, _reports),
    _route("report", "GET", "/company/reports/([^/]+)/download", 20, _download),
    _route("report-async", "GET", "/company/reports/([^/]+)/download-async", 20, _download_async),
    _route("report-file", "GET", "/company/reports/download/([^/]+)", 20, _poll),
)


def route_of(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The endpoint behind a path and its arguments; None for everything that HiBob does not know."""
    for route in ROUTES:
        if route.method == method and (match := route.path.fullmatch(path)):
            return route, match.groups()
    return None
