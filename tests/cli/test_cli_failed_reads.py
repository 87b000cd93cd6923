"""A failed read is never "gone": every way in which a read can fail or shrink, over a real connection, to an
installation with users and with an approved plan that waits. Nobody changes, and a person is told why."""

import gzip
import itertools
import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina
from bad_line import Answer, Arriving, Drip, Line, Reset, Silence, Spoil, chunked, http_answer
from driver import (
    ADMIN,
    DEPARTMENT,
    EMAIL,
    EMPLOYEE_ID,
    FIRST_NAME,
    LAST_NAME,
    STAFF,
    Rollcall,
    attribute,
    customer,
    domain,
)
from tiny_hibob import LABELS, TinyHiBob, company, key_of

from provisioning import http
from provisioning.source.client import HiBobClient

PEOPLE = 40
REPORT = 7
SITE = attribute("Site", "work.site", blank="clear")
ATTRIBUTES = [EMPLOYEE_ID, EMAIL, FIRST_NAME, LAST_NAME, DEPARTMENT, SITE]


@dataclass
class Place:
    """An installation of 40 live users, with an approved plan of four changes that was not processed yet."""

    house: Rollcall
    hibob: TinyHiBob
    line: Line
    plan: str


# --- one installation per module, a copy of it per test ---------------------------------------------------


@pytest.fixture(scope="module")
def hibob() -> Iterator[TinyHiBob]:
    with TinyHiBob(company(PEOPLE)) as running:
        yield running


@pytest.fixture(scope="module")
def line(hibob: TinyHiBob) -> Iterator[Line]:
    with Line(hibob.base_url) as running:
        yield running


def made(folder: Path, hibob: TinyHiBob, line: Line, *attributes: dict[str, Any], **domain_settings: Any) -> Place:
    """An installation whose HiBob has 40 people, and then one who leaves, one who joins and two who changed."""
    report = domain_settings.pop("report", None)
    hibob.people = {person["root.id"]: person for person in company(PEOPLE)}
    for number in range(1, PEOPLE + 1):
        hibob.change(number, site="London" if number <= 30 else "Dublin")
    house = Rollcall(folder / "data")
    content = customer(line.base_url, domain(*(attributes or ATTRIBUTES), **domain_settings))
    if report:
        content["connections"][0]["report"] = report
    house.set_up(content).fine()
    house.sync()
    hibob.change(1, surname="New")
    hibob.change(2, department="209192161")
    hibob.change(3, status="Terminated")
    hibob.join(41)
    plan = house.preview()
    assert plan["counts"] | {"unchanged": 0} == {
        "add": 1, "archive": 1, "update": 2, "held": 0, "link": 0, "move": 0, "reactivate": 0, "unchanged": 0,
    }  # fmt: skip
    house.call("approve", plan["plan"], by=ADMIN).fine()
    return Place(house, hibob, line, plan["plan"])


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory, hibob: TinyHiBob, line: Line) -> Place:
    with stamina.set_testing(True, attempts=2):
        return made(tmp_path_factory.mktemp("staffed"), hibob, line)


@pytest.fixture
def place(staffed: Place, tmp_path: Path) -> Iterator[Place]:
    with copied(staffed, tmp_path) as copy:
        yield copy


class copied:
    """A copy of an installation; HiBob and the line are as good as new afterwards."""

    def __init__(self, original: Place, folder: Path) -> None:
        self.original, self.folder = original, folder

    def __enter__(self) -> Place:
        shutil.copytree(self.original.house.data, self.folder / "data")
        house = Rollcall(self.folder / "data", ROLLCALL_REREAD_MINUTES="0")
        self.before = {key: dict(person) for key, person in self.original.hibob.people.items()}
        return Place(house, self.original.hibob, self.original.line, self.original.plan)

    def __exit__(self, *_: object) -> None:
        hibob, line = self.original.hibob, self.original.line
        hibob.people = self.before
        for what in (hibob.denied, hibob.lost, hibob.emptied, hibob.hidden):
            what.clear()
        line.spoil, line.on = None, ""


# --- what must hold in every case -------------------------------------------------------------------------

MACHINE_TALK = re.compile(
    r"Traceback|<class|Exception|\w+Error\b|\[Errno|0x[0-9a-f]|[{}\\]|\bNone\b|httpx|msgspec|zlib"
)
WHAT_TO_DO = re.compile(
    r"[Tt]ry again|Check |In HiBob|Add this column|make a new preview|preview again|override|Look at|Map |Use |Give |Make "
)


def assert_understandable(message: str) -> None:
    """One says who, what and what to do now, in sentences and without the words of a machine."""
    assert "HiBob" in message
    assert not MACHINE_TALK.search(message), message
    assert WHAT_TO_DO.search(message), message
    assert message.strip().endswith("."), message
    assert len(re.findall(r"[.;:] ", message)) >= 1, f"a cause without a remedy: {message}"


def as_it_was(place: Place) -> Callable[[], None]:
    """Gives a check that the directory and the runs are what they are now."""
    users, runs = place.house.users(), place.house.sql("SELECT * FROM runs")

    def check() -> None:
        assert place.house.users() == users
        assert place.house.sql("SELECT * FROM runs") == runs

    return check


def assert_no_plan(place: Place, code: int = 1) -> str:
    """There is neither a new plan, nor is the approved one processed. Gives what was said."""
    unchanged, plans = as_it_was(place), place.house.sql("SELECT count(*) FROM plans")
    said = place.house.call("preview", STAFF, "--json").complaint(code)
    assert_understandable(said)
    assert_understandable(place.house.call("process", place.plan).complaint(code))
    assert place.house.sql("SELECT count(*) FROM plans") == plans
    unchanged()
    newest = place.house.history()[:2]
    assert [each["what"] for each in newest] == ["run not begun", "plan failed"]
    assert newest[1]["details"]["why"] in said
    return said


def assert_blocked(place: Place, code: str) -> Any:
    """The new plan is blocked and cannot be approved or processed. Gives the block."""
    unchanged = as_it_was(place)
    said = place.house.call("preview", STAFF, "--json")
    plan = said.json
    blocks = {each["code"]: each for each in plan["findings"] if each["severity"] == "block"}
    assert (said.code, plan["status"]) == (3, "blocked")
    assert code in blocks
    for each in blocks.values():
        assert_understandable(f"HiBob: {each['message']} {each['remedy']}")
    place.house.call("approve", plan["plan"], by=ADMIN).complaint(3)
    place.house.call("process", plan["plan"]).complaint(3)
    unchanged()
    return blocks[code]


def assert_old_plan_refused(place: Place) -> None:
    """Nothing of the plan that was approved earlier is written."""
    unchanged = as_it_was(place)
    said = place.house.call("process", place.plan).complaint(3)
    assert "Nothing was written" in said
    assert_understandable(said)
    unchanged()


def test_without_a_fault_the_line_and_the_plan_are_sound(place: Place) -> None:
    """Otherwise nothing here would prove anything."""
    assert place.house.preview()["status"] == "ready"
    run = place.house.call("process", place.plan, "--json").fine().json
    assert run["counts"] == {"done": 4, "failed": 0, "drifted": 0, "skipped": 0}


# --- no answer, half an answer, or another answer ---------------------------------------------------------


def honest(answer: Answer) -> bytes:
    return http_answer(answer.body, answer.status, answer.kind)


def packed(content: bytes, **headers: str) -> bytes:
    return http_answer(content, content_encoding="gzip", **headers)


def head_of(answer: Answer, share: float = 0.5) -> bytes:
    return answer.body[: int(len(answer.body) * share)]


def document(change: Callable[[list[dict[str, Any]]], Any]) -> Spoil:
    """The answer with other people in it, sent as if nothing were."""

    def spoil(answer: Answer) -> bytes:
        found = json.loads(answer.body)
        employees = change(found["employees"])
        return http_answer(json.dumps(found | {"employees": found["employees"] if employees is None else employees}))

    return spoil


def each(change: Callable[[int, dict[str, Any]], Any]) -> Spoil:
    """The answer with every employee changed in place."""

    def all_of_them(employees: list[dict[str, Any]]) -> None:
        for place, employee in enumerate(employees):
            change(place, employee)

    return document(all_of_them)


def status(code: int, body: str = "", **headers: str) -> Spoil:
    return lambda _: http_answer(body, code, "application/json" if body else "", **headers)


def instead(body: bytes | str, kind: str = "application/json") -> Spoil:
    return lambda _: http_answer(body, 200, kind)


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


def without_id(_: int, employee: dict[str, Any]) -> None:
    del employee["id"], employee["/root/id"]


def with_id(value: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(employees: list[dict[str, Any]]) -> None:
        employees[0] |= {"id": value, "/root/id": {"value": value}}

    return change


SHAPE, BROKEN, DATA = "unexpected shape", "broke", "instead of data"
NO_READ: dict[str, tuple[Spoil, str]] = {
    # the connection
    "closed without a word": (lambda _: b"", BROKEN),
    "reset before the headers": (lambda _: Reset(), BROKEN),
    "reset within the headers": (lambda a: Reset(honest(a)[:40]), BROKEN),
    "reset in the middle of the body": (lambda a: Reset(honest(a)[:2000]), BROKEN),
    "closed in the middle of the body": (lambda a: honest(a)[:-700], BROKEN),
    "chunks without an end": (lambda a: chunked(head_of(a)), BROKEN),
    "chunks that are complete people without an end": (lambda a: chunked(a.body), BROKEN),
    "no HTTP": (lambda _: b"220 mail.example ESMTP ready\r\n\r\n", BROKEN),
    # what HiBob, or something before it, says
    "400": (status(400, '{"key": "k", "error": "Bad request", "args": {}}'), "did not accept"),
    "401 without a body": (status(401), "credentials"),
    "401 with a body": (status(401, '{"errorMessage": "No permissions to people/search"}'), "permission group"),
    "403 without a body": (status(403), "permission group"),
    "403 with a body": (status(403, '{"error": "Forbidden", "message": "no", "statusCode": 403}'), "permission group"),
    "404": (status(404), "base URL"),
    "405": (status(405), "base URL"),
    "409": (status(409), "refused"),
    "410": (status(410), "refused"),
    "429": (status(429), "rate limit"),
    "429 with Retry-After in seconds": (status(429, retry_after="0"), "rate limit"),
    "429 with Retry-After in an hour": (lambda _: http_answer("", 429, retry_after=in_an_hour()), "60 minutes"),
    "429 with a huge Retry-After": (status(429, retry_after="9" * 30), "more than two days"),
    "429 with a senseless Retry-After": (status(429, retry_after="soon"), "rate limit"),
    "500": (status(500, '{"error": "Error"}'), "failed (500"),
    "502": (status(502), "failed (502"),
    "503": (status(503), "failed (503"),
    "504": (status(504), "failed (504"),
    "redirect to elsewhere": (status(302, location="https://elsewhere.example/v1"), "redirect"),
    "permanent redirect": (status(308, location="/v2/people/search"), "redirect"),
    "202 without data": (status(202), "without data"),
    "204": (status(204), "without data"),
    "206, a part": (lambda a: http_answer(a.body, 206), "206"),
    # a 200 that is none
    "empty body": (instead(b""), SHAPE),
    "empty body without a type": (instead(b"", ""), DATA),
    "blanks": (instead(b" \r\n"), SHAPE),
    "a login page": (instead("<!doctype html><html>Sign in</html>", "text/html; charset=UTF-8"), DATA),
    "a login page that calls itself JSON": (instead("<!doctype html><html>Sign in</html>"), SHAPE),
    "JSON that calls itself text": (lambda a: http_answer(a.body, kind="text/plain"), DATA),
    "JSON without a type": (lambda a: http_answer(a.body, kind=""), DATA),
    "an error with status 200": (instead('{"errorMessage": "No permissions"}'), SHAPE),
    "JSON cut off in the middle": (lambda a: http_answer(head_of(a)), SHAPE),
    "JSON without its last brace": (lambda a: http_answer(a.body[:-1]), SHAPE),
    "JSON with something behind it": (lambda a: http_answer(a.body + b'{"employees": []}'), SHAPE),
    "a bare list": (lambda a: http_answer(a.body[a.body.index(b"[") : -1]), SHAPE),
    "a list of lists": (instead('{"employees": [[]]}'), SHAPE),
    "no employees key": (instead("{}"), SHAPE),
    "another key": (lambda a: http_answer(a.body.replace(b'"employees"', b'"people"', 1)), SHAPE),
    "employees null": (instead('{"employees": null}'), SHAPE),
    "employees an object": (instead('{"employees": {"id": "1"}}'), SHAPE),
    "employees a number": (instead('{"employees": 0}'), SHAPE),
    "employees a text": (instead('{"employees": ""}'), SHAPE),
    "an employee null": (document(lambda e: [*e, None]), SHAPE),
    "null": (instead("null"), SHAPE),
    "bytes that are no UTF-8": (lambda a: http_answer(a.body.replace(b"Last7", b"L\xf6st7")), "UTF-8"),
    "UTF-16": (lambda a: http_answer(a.body.decode().encode("utf-16")), SHAPE),
    # packed
    "gzip that is none": (lambda a: packed(a.body), "compressed"),
    "gzip cut off": (lambda a: packed(gzip.compress(a.body)[:-9]), BROKEN),
    "gzip with damage inside": (lambda a: packed(gzip.compress(a.body)[:60] + b"\0" * 400), "compressed"),
    "another packing": (lambda a: http_answer(a.body, content_encoding="br"), "compressed"),
    "a bomb": (lambda _: packed(gzip.compress(bytes(100 << 20))), "too large"),
    # people who cannot be told apart
    "an employee twice": (document(lambda e: [*e, e[0]]), "twice"),
    "everybody twice": (document(lambda e: e + e), "twice"),
    "two employees with one id": (document(with_id(key_of(9))), "twice"),
    "an employee without an id": (document(lambda e: without_id(0, e[0])), "no id"),
    "nobody with an id": (each(without_id), "no id"),
    "an id that is null": (document(with_id(None)), "no id"),
    "a blank id": (document(with_id("  ")), "no id"),
}


@pytest.mark.parametrize("case", NO_READ)
def test_what_is_no_complete_answer_makes_no_plan_and_writes_nothing(place: Place, case: str) -> None:
    place.line.spoil, cause = NO_READ[case]
    place.line.on = "people/search"
    assert cause in assert_no_plan(place)


@pytest.mark.parametrize("how", ["a time-out", "a time-out in the middle", "a slow drip"])
def test_an_answer_that_takes_too_long_makes_no_plan_and_writes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setitem(HiBobClient.__init__.__kwdefaults__, "timeout", httpx.Timeout(0.2))
    monkeypatch.setattr(http, "LONGEST_ANSWER", 0.05)
    announced = http_answer("", content_length="100000")
    arriving: dict[str, Arriving] = {
        "a time-out": Silence(),
        "a time-out in the middle": Silence(announced + b'{"employees": ['),
        "a slow drip": Drip(itertools.chain([announced], itertools.repeat(b" "))),
    }
    place.line.spoil = lambda _: arriving[how]
    said = assert_no_plan(place)
    assert ("still sending" if how == "a slow drip" else "in time") in said


@pytest.mark.parametrize("where", ["nobody listens", "no such host", "another host's page"])
def test_a_host_that_is_not_hibob_makes_no_plan_and_writes_nothing(place: Place, where: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = {
            "nobody listens": f"http://127.0.0.1:{taken.getsockname()[1]}/v1",
            "no such host": "http://hibob.invalid/v1",
            "another host's page": place.line.base_url.removesuffix("v1") + "v7",
        }[where]
        place.house.environment["ROLLCALL_ALLOWED_HOSTS"] = "127.0.0.1,hibob.invalid"
        place.house.sql("UPDATE connections SET base_url = ?", url)
        assert "base URL" in assert_no_plan(place)


@pytest.mark.parametrize("fault", [401, 403, 500, "closed", "page", "null", "empty list", "cut off"])
def test_without_hibobs_list_of_fields_there_is_no_plan_and_nothing_is_written(place: Place, fault: int | str) -> None:
    place.house.sql("UPDATE connections SET metadata = NULL, metadata_at = NULL")
    spoils: dict[int | str, Spoil] = {
        "closed": lambda _: b"",
        "page": instead("<html>Sign in</html>", "text/html"),
        "null": instead("null"),
        "empty list": instead("[]"),
        "cut off": lambda a: http_answer(head_of(a)),
    }
    place.line.spoil = spoils.get(fault) or status(int(fault))
    place.line.on = "people/fields"
    assert_no_plan(place)
    place.line.spoil = None
    assert place.house.preview()["status"] == "ready", "what was wrong was kept"


def test_a_list_of_fields_from_the_future_is_asked_for_again(place: Place) -> None:
    """The clock was wrong when it was kept, and with it the day after which it is asked for anew."""
    place.house.sql("UPDATE connections SET metadata_at = '2999-01-01T00:00:00.000000Z'")
    place.line.calls.clear()
    assert place.house.preview()["status"] == "ready"
    assert "GET /v1/company/people/fields" in place.line.calls


def test_a_plan_from_the_future_is_read_again_before_it_is_processed(place: Place) -> None:
    place.house.environment["ROLLCALL_REREAD_MINUTES"] = "15"
    place.house.sql("UPDATE plans SET read_at = '2999-01-01T00:00:00.000000Z'")
    place.line.spoil = status(500)
    unchanged = as_it_was(place)
    place.house.call("process", place.plan).complaint(1)
    unchanged()


# --- an answer that shrank --------------------------------------------------------------------------------


def swap(one: str, other: str) -> Callable[[int, dict[str, Any]], None]:
    """What stands in one column stands in the other."""

    def change(_: int, employee: dict[str, Any]) -> None:
        for form in (employee, employee["humanReadable"]):
            form[one], form[other] = form[other], form[one]
        a, b = f"/root/{one}", f"/root/{other}"
        employee[a], employee[b] = employee[b], employee[a]

    return change


def numbers_shifted(employees: list[dict[str, Any]]) -> None:
    """An import that slipped by one row: everybody has the payroll number of the next."""
    employees.sort(key=lambda each: each["id"])
    step, slash = "custom", "/work/custom/field_2001"
    taken = [each[slash]["value"] for each in employees]
    for each, number in zip(employees, taken[1:] + taken[:1], strict=True):
        each[slash] = {"value": number}
        each["work"][step]["field_2001"] = number
        each["humanReadable"]["work"][step]["field_2001"] = number


def numbers_replaced(place: int, employee: dict[str, Any]) -> None:
    if place < 4:
        employee["/work/custom/field_2001"] = {"value": f"X{place}"}
        employee["work"]["custom"]["field_2001"] = f"X{place}"
        employee["humanReadable"]["work"]["custom"]["field_2001"] = f"X{place}"


def without(*steps: str, of: Callable[[int], bool] = lambda place: True) -> Callable[[int, dict[str, Any]], None]:
    """The column is silently absent, in all its forms."""

    def change(place: int, employee: dict[str, Any]) -> None:
        if not of(place):
            return
        for slash in ("/" + "/".join(steps), "/root/" + "/".join(steps)):
            employee.pop(slash, None)
        for form in (employee, employee["humanReadable"]):
            holder = form
            for step in steps[:-1]:
                holder = holder.get(step, {})
            holder.pop(steps[-1], None)

    return change


def empty(*steps: str, of: Callable[[int], bool]) -> Callable[[int, dict[str, Any]], None]:
    """The column is there, and empty."""

    def change(place: int, employee: dict[str, Any]) -> None:
        if of(place):
            without(*steps)(place, employee)
            holder = employee
            for step in steps[:-1]:
                holder = holder[step]
            holder[steps[-1]] = None

    return change


def no_texts(_: int, employee: dict[str, Any]) -> None:
    del employee["humanReadable"]


def no_work(_: int, employee: dict[str, Any]) -> None:
    """A category that is not granted: its values are silently absent, however they are spelt."""
    del employee["work"], employee["humanReadable"]["work"]
    for key in [key for key in employee if key.startswith("/work/")]:
        del employee[key]


def keep(what: Callable[[dict[str, Any]], bool]) -> Spoil:
    return document(lambda employees: [each for each in employees if what(each)])


def is_live(employee: dict[str, Any]) -> bool:
    return bool(employee["internal"]["status"] == "Active")


SHRUNK: dict[str, tuple[Spoil, str]] = {
    "nobody": (document(lambda _: []), "no-employees"),
    "half of the people": (document(lambda e: e[: len(e) // 2]), "head-count"),
    "a tenth of the people missing": (document(lambda e: sorted(e, key=lambda x: x["id"])[5:]), "head-count"),
    "one person": (document(lambda e: e[:1]), "head-count"),
    "only inactive people": (keep(lambda e: not is_live(e)), "head-count"),
    "one office outside the audience": (keep(lambda e: e["work"]["site"] != "Dublin"), "head-count"),
    "other people altogether": (
        each(lambda place, e: e.update({"id": f"9{place:018}", "/root/id": {"value": f"9{place:018}"}})),
        "head-count",
    ),
    "the identifier absent": (each(without("work", "custom", "field_2001")), "column-absent"),
    "the e-mail absent": (each(without("email")), "column-absent"),
    "a department column absent": (each(without("work", "department")), "column-absent"),
    "a whole category absent": (each(no_work), "column-absent"),
    "a column absent for half": (each(without("work", "site", of=lambda n: n % 2 == 0)), "column-emptied"),
    "a column empty for everybody": (each(empty("work", "site", of=lambda n: True)), "column-emptied"),
    "a column empty for a quarter": (each(empty("work", "site", of=lambda n: n % 4 == 0)), "column-emptied"),
    "the identifier empty for a third": (
        each(empty("work", "custom", "field_2001", of=lambda n: n % 3 == 0)),
        "column-emptied",
    ),
    "the texts for people lost": (each(no_texts), "column-emptied"),
    "identifiers of four people replaced": (each(numbers_replaced), "identifiers-swapped"),
    "identifiers shifted by one row": (document(numbers_shifted), "identifiers-swapped"),
}


@pytest.mark.parametrize("case", SHRUNK)
def test_what_shrank_is_blocked_and_nobody_changes(place: Place, case: str) -> None:
    place.line.spoil, code = SHRUNK[case]
    place.line.on = "people/search"
    block = assert_blocked(place, code)
    assert block["numbers"]["of"] > 0
    assert_old_plan_refused(place)


def test_losing_status_and_lifecycle_changes_nobody_as_long_as_hibob_says_who_is_active(place: Place) -> None:
    """A second read of active people takes their place, and the plan says so."""
    place.hibob.denied.add("lifecycle")
    plan = place.house.preview()
    assert {each["action"] for each in plan["changes"]} <= {"update", "add", "archive"}
    assert [each["key"] for each in plan["changes"] if each["action"] == "archive"] == [key_of(3)]
    assert {each["code"] for each in plan["findings"]} == {"column-absent"}


@pytest.mark.parametrize("case", ["nobody", "half", "500", "cut off"])
def test_a_second_read_of_active_people_that_fails_or_shrinks_changes_nobody(place: Place, case: str) -> None:
    place.hibob.denied.add("lifecycle")
    shrinks: dict[str, Spoil] = {"nobody": document(lambda _: []), "half": document(lambda e: e[:20])}
    fails: dict[str, Spoil] = {"500": status(500), "cut off": lambda a: http_answer(head_of(a))}
    reads = itertools.count()

    def only_the_second(answer: Answer) -> Arriving:
        return {**shrinks, **fails}[case](answer) if next(reads) % 2 else honest(answer)

    if case in fails:
        # A failure is tried once more: the first read is made only once.
        place.line.spoil = lambda a: fails[case](a) if next(reads) else honest(a)
        place.line.on = "people/search"
        unchanged = as_it_was(place)
        assert_understandable(place.house.call("preview", STAFF).complaint(1))
        unchanged()
        return
    place.line.spoil, place.line.on = only_the_second, "people/search"
    assert_blocked(place, "head-count")
    assert_old_plan_refused(place)


def test_only_active_people_change_nobody(place: Place) -> None:
    """Whoever had left was archived, or is absent now: it comes to the same."""
    place.line.spoil, place.line.on = keep(is_live), "people/search"
    plan = place.house.preview()
    assert (plan["status"], plan["counts"]["archive"]) == ("ready", 1)


def test_a_person_with_a_value_beyond_any_number_is_the_only_one_concerned(place: Place) -> None:
    """Two people of 40, and nothing about the others: no failure of the read."""

    def strange(number: int, employee: dict[str, Any]) -> None:
        if employee["id"] == key_of(7):
            employee["work"]["site"] = employee["/work/site"]["value"] = "@@"

    spoilt = each(strange)

    def spoil(answer: Answer) -> Arriving:
        arriving = spoilt(answer)
        assert isinstance(arriving, bytes)
        body = arriving.partition(b"\r\n\r\n")[2]
        return http_answer(body.replace(b'"@@"', b"NaN").replace(b"London", b"London"))

    place.line.spoil, place.line.on = spoil, "people/search"
    plan = place.house.preview()
    assert {each["key"] for each in plan["changes"]} | {each["key"] for each in plan["held"]} <= {
        key_of(number) for number in (1, 2, 3, 7, 41)
    }


# --- changes that only a limit can tell from a mishap -----------------------------------------------------


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, hibob: TinyHiBob, line: Line) -> Place:
    """The e-mail is the identifier, and an update of a quarter is too many."""
    with stamina.set_testing(True, attempts=2):
        return made(
            tmp_path_factory.mktemp("limited"),
            hibob,
            line,
            unique_identifier="Email",
            limits={"update": "25%"},
        )


def another_domain(_: int, employee: dict[str, Any]) -> None:
    for form in (employee, employee["humanReadable"]):
        form["email"] = form["email"].replace("@acme.example", "@acme-group.example")
    employee["/root/email"] = {"value": employee["email"]}


def label_lost(_: int, employee: dict[str, Any]) -> None:
    employee["humanReadable"]["work"]["department"] = employee["work"]["department"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (each(another_domain), "identifiers-swapped"),
        (each(swap("firstName", "surname")), "limit-update"),
        (each(label_lost), "limit-update"),
    ],
    ids=["every e-mail in another domain", "first and last names swapped", "internal numbers in place of labels"],
)
def test_a_limit_tells_a_mishap_from_a_change(limited: Place, tmp_path: Path, spoil: Spoil, code: str) -> None:
    with copied(limited, tmp_path) as place:
        place.line.spoil, place.line.on = spoil, "people/search"
        assert_blocked(place, code)


# --- custom reports ---------------------------------------------------------------------------------------

TITLES = {
    "ID": "root.id",
    "Email": "root.email",
    "First name": "root.firstName",
    "Last name": "root.surname",
    "Payroll number": "work.custom.field_2001",
    "Department": "work.department",
    "Lifecycle status": "internal.lifecycleStatus",
    "Start date": "work.startDate",
    "Site code": "work.site",
}


def table_of(hibob: TinyHiBob, people: int | None = None, **renamed: str) -> str:
    """The report as HiBob makes it; `people`: only so many of them."""

    def cell(person: dict[str, Any], field: str) -> str:
        value = person.get(field) or ""
        return str(LABELS["department"].get(value, value))

    rows = [[renamed.get(title.replace(" ", "_"), title) for title in TITLES]]
    chosen = itertools.islice(hibob.people.values(), people)
    rows += [[cell(person, field) for field in TITLES.values()] for person in chosen]
    return "".join(",".join(row) + "\r\n" for row in rows)


def csv(body: str | bytes) -> bytes:
    content = body.encode("utf-8-sig") if isinstance(body, str) else body
    return http_answer(content, kind="text/csv; charset=utf-8")


@pytest.fixture(scope="module")
def reporting(tmp_path_factory: pytest.TempPathFactory, hibob: TinyHiBob, line: Line) -> Iterator[Place]:
    """The same people, read from a custom report."""
    line.spoil, line.on = lambda _: csv(table_of(hibob)), "/reports/"
    with stamina.set_testing(True, attempts=2):
        folder = tmp_path_factory.mktemp("reporting")
        site = attribute("Site", "Site code")
        yield made(folder, hibob, line, *ATTRIBUTES[:-1], site, report=REPORT)


@pytest.fixture
def report(reporting: Place, tmp_path: Path) -> Iterator[Place]:
    with copied(reporting, tmp_path) as copy:
        copy.line.on = "/reports/"
        yield copy


ReportSpoil = Callable[[TinyHiBob], bytes]
NO_REPORT: dict[str, tuple[ReportSpoil, int, str]] = {
    "deleted": (lambda _: http_answer("", 404, ""), 1, "no such report"),
    "not shared": (lambda _: http_answer("", 403, ""), 1, "permission group"),
    "a login page": (lambda _: http_answer("<html></html>", kind="text/html"), 1, "a web page"),
    "HTML that calls itself CSV": (lambda _: csv("<html>\r\n<body>Sign in</body>\r\n</html>"), 1, "report"),
    "an error with status 200": (lambda _: http_answer('{"errorMessage": "no"}'), 1, "report"),
    "empty": (lambda _: csv(b""), 1, "empty"),
    "cut off within a row": (lambda h: csv(table_of(h)[:-40]), 1, "fewer columns"),
    "cut off within quotes": (lambda h: csv(table_of(h) + '"9'), 1, "cut off"),
    "no sign of its end": (
        lambda h: b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n" + table_of(h, 39).encode(),
        1,
        "where it ends",
    ),
    "another encoding": (lambda h: csv(table_of(h).replace("Last7", "Löst7").encode("latin-1")), 1, "UTF-8"),
    "somebody twice": (lambda h: csv(table_of(h) + table_of(h).splitlines()[1] + "\r\n"), 1, "twice"),
    "somebody without an id": (lambda h: csv(table_of(h) + "," * (len(TITLES) - 1) + "\r\n"), 1, "no id"),
    "a column of its own twice": (lambda h: csv(table_of(h, Start_date="Site code")), 2, "ambiguous"),
    "a column of its own renamed": (lambda h: csv(table_of(h, Site_code="Plats")), 2, "no column “Site code”"),
    "the id renamed": (lambda h: csv(table_of(h, ID="Identity")), 1, "report"),
}


@pytest.mark.parametrize("case", NO_REPORT)
def test_what_is_no_complete_report_makes_no_plan_and_writes_nothing(report: Place, case: str) -> None:
    spoil, code, cause = NO_REPORT[case]
    report.line.spoil = lambda _: spoil(report.hibob)
    assert cause in assert_no_plan(report, code)


SMALLER_REPORT: dict[str, tuple[ReportSpoil, str]] = {
    "titles only": (lambda h: csv(table_of(h, 0)), "no-employees"),
    "half of its rows": (lambda h: csv(table_of(h, 20)), "head-count"),
    "a column of HiBob renamed": (lambda h: csv(table_of(h, Department="Avdelning")), "column-absent"),
    "a column of HiBob twice": (lambda h: csv(table_of(h, Start_date="Department")), "column-absent"),
    "a column emptied": (lambda h: csv(re.sub("London|Dublin", "", table_of(h))), "column-emptied"),
}


@pytest.mark.parametrize("case", SMALLER_REPORT)
def test_a_report_that_shrank_is_blocked_and_nobody_changes(report: Place, case: str) -> None:
    spoil, code = SMALLER_REPORT[case]
    report.line.spoil = lambda _: spoil(report.hibob)
    assert_blocked(report, code)
    assert_old_plan_refused(report)


def test_a_report_in_another_language_makes_no_plan_and_writes_nothing(report: Place) -> None:
    """Not even the id is found under its title."""
    swedish = {title.replace(" ", "_"): f"{title} på svenska" for title in TITLES}
    report.line.spoil = lambda _: csv(table_of(report.hibob, **swedish))
    assert_no_plan(report)


def test_a_report_that_never_gets_ready_makes_no_plan_and_writes_nothing(
    report: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HiBobClient.__init__.__kwdefaults__, "poll_wait", 0.0)

    def later(answer: Answer) -> bytes:
        if "download-async" in answer.path:
            return http_answer("", 202, "", location="https://files.hibob.example/reports/feed.csv")
        return http_answer("", 204 if "/reports/download/" in answer.path else 504, "")

    report.line.spoil = later
    assert "did not finish" in assert_no_plan(report)


def test_a_sound_report_makes_the_plan(report: Place) -> None:
    report.line.spoil = lambda _: csv(table_of(report.hibob))
    assert report.house.preview()["status"] == "ready"
    run = report.house.call("process", report.plan, "--json").fine().json
    assert run["counts"]["done"] == 4
