"""The HiBob stand-in answers as HiBob does: over real HTTP on loopback."""

import csv
import io
import json
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from provisioning.sandbox import Company, Sandbox, Switches
from provisioning.sandbox.company import AWKWARD

TODAY = date(2026, 3, 2)
PAYROLL = "work.custom.field_1651169416679"
CONTRACT_END = "work.custom.field_1651169416680"
CERTIFIED = "category_1650895542101.field_1651169416685"
STATUS = "internal.lifecycleStatus"
SABBATICAL = "2284915"
REPORT = "/company/reports/31048356/download"


class Clock:
    def __init__(self) -> None:
        self.now = 1_772_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(today=TODAY, clock=clock) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    auth = (sandbox.service_user_id, sandbox.token)
    with httpx.Client(base_url=sandbox.base_url, auth=auth, verify=False) as client:
        yield client


def search(client: httpx.Client, *fields: str, **body: Any) -> list[dict[str, Any]]:
    asked = {"fields": list(fields), "showInactive": True} | body
    answer = client.post("/people/search", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["employees"]


def is_login_page(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")


def someone(company: Company, **wanted: Any) -> dict[str, Any]:
    fields = {key.replace("__", "."): value for key, value in wanted.items()}
    return next(p for p in company.people.values() if all(p.get(k) == v for k, v in fields.items()))


# Sign-in and permissions


def test_missing_or_wrong_credentials_are_401_with_an_empty_body_and_limit_headers(sandbox: Sandbox) -> None:
    for auth in (None, ("SERVICE-4711", "wrong"), ("other", sandbox.token)):
        answer = httpx.get(sandbox.base_url + "/company/people/fields", auth=auth)
        assert (answer.status_code, answer.content) == (401, b"")
        assert answer.headers["x-ratelimit-limit"] == "50"


def test_a_service_user_in_no_group_may_read_the_metadata_and_nothing_else(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.switches.in_no_group = True
    assert client.get("/company/people/fields").status_code == 200
    assert client.post("/people/search", json={}).status_code == 403
    assert client.get("/company/reports").status_code == 403


@pytest.mark.parametrize(("as_401", "status"), [(False, 403), (True, 401)])
def test_an_endpoint_that_is_not_granted_is_refused_with_a_body(
    sandbox: Sandbox, client: httpx.Client, as_401: bool, status: int
) -> None:
    sandbox.switches.refused = frozenset({"people/search"})
    sandbox.switches.refused_as_401 = as_401
    answer = client.post("/people/search", json={})
    assert answer.status_code == status
    assert answer.json()["errorMessage"].startswith("No permissions to")


def test_fields_of_a_category_not_granted_are_absent_from_all_three_spellings(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    sandbox.switches.granted = frozenset({"root", "work"})
    asked = ("root.email", "work.title", "home.privateEmail", CERTIFIED, STATUS)
    people = {p["id"]: p for p in search(client, *asked, humanReadable="APPEND")}
    assert set().union(*people.values()) == {
        *("id", "email", "work"),
        *("/root/email", "/work/title"),
        "humanReadable",
    }
    assert set(people[sandbox.company.admin_id]["humanReadable"]) == {"id", "email", "work"}


def test_permissions_follow_the_category_and_not_the_prefix_of_the_id(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.granted = frozenset({"personalContact"})
    assert all("home" in p for p in search(client, "home.privateEmail", "home.legalGender"))
    assert all("legalGender" not in p["home"] for p in search(client, "home.privateEmail", "home.legalGender"))


def test_the_audience_hides_people_without_a_word(sandbox: Sandbox, client: httpx.Client) -> None:
    everybody = search(client, "work.site")
    sandbox.switches.sites = frozenset({"Leeds"})
    assert {p["work"]["site"] for p in search(client, "work.site")} == {"Leeds"}
    sandbox.switches.sites = None
    sandbox.switches.employed_only = True
    seen = search(client, STATUS)
    assert 0 < len(seen) < len(everybody)
    assert not {"Hired", "Terminated"} & {p["internal"]["lifecycleStatus"] for p in seen}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/people/search"),
        ("GET", "/nothing"),
        ("POST", "/company/people/fields"),
        ("GET", "/company/people/fields/"),
        ("GET", REPORT + "?format=pdf"),
        ("GET", REPORT + "?includeInfo=maybe"),
        ("GET", "/company/reports/thirty/download"),
        ("GET", "/company/named-lists?includeArchived=1"),
    ],
)
def test_wrong_paths_and_wrongly_typed_values_get_a_login_page(client: httpx.Client, method: str, path: str) -> None:
    assert is_login_page(client.request(method, path))


# Limits


def test_the_51st_search_in_a_minute_is_429_and_the_next_minute_is_free_again(
    sandbox: Sandbox, client: httpx.Client, clock: Clock
) -> None:
    clock.now = 1_772_000_040.0
    answers = [client.post("/people/search", json={"fields": ["root.id"]}) for _ in range(51)]
    assert [a.status_code for a in answers[-2:]] == [200, 429]
    assert [a.headers["x-ratelimit-remaining"] for a in answers[:2]] == ["49", "48"]
    assert answers[-1].headers["x-ratelimit-reset"] == "1772000100"
    assert "retry-after" not in answers[-1].headers
    assert client.get("/company/people/fields").status_code == 200, "limits are per endpoint"
    clock.now += 60
    assert client.post("/people/search", json={}).status_code == 200


def test_limit_and_retry_after_can_be_switched(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.rate_limit = 1
    sandbox.switches.retry_after = 7
    assert client.get("/company/reports").status_code == 200
    answer = client.get("/company/reports")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_more_than_50_refusals_within_10_seconds_block_everything_for_5_minutes(
    sandbox: Sandbox, client: httpx.Client, clock: Clock
) -> None:
    with httpx.Client(base_url=sandbox.base_url) as stranger:
        for _ in range(50):
            stranger.get("/company/people/fields")
        assert client.get("/company/people/fields").status_code == 200
        stranger.get("/company/people/fields")
    clock.now += 299
    assert client.get("/company/people/fields").status_code == 403
    clock.now += 2
    assert client.get("/company/people/fields").status_code == 200


def test_refusals_spread_over_time_block_nothing(sandbox: Sandbox, clock: Clock) -> None:
    with httpx.Client(base_url=sandbox.base_url) as stranger:
        for _ in range(60):
            clock.now += 1
            assert stranger.get("/company/people/fields").status_code == 401


# People search: the request


@pytest.mark.parametrize(
    "body",
    [
        {"filters": []},
        {"filters": [{"fieldPath": "root.id", "operator": "equals", "values": ["1"]}] * 2},
        {"filters": [{"fieldPath": "root.id", "operator": "contains", "values": ["1"]}]},
        {"filters": [{"fieldPath": "work.site", "operator": "equals", "values": ["1"]}]},
        {"filters": [{"fieldPath": "root.id", "operator": "equals", "values": []}]},
        {"fields": ["root.id"] * 401},
        {"fields": "root.id"},
        {"humanReadable": "append"},
        {"showInactive": "yes"},
        ["root.id"],
    ],
)
def test_a_request_body_hibob_would_not_take_is_400_with_a_body(client: httpx.Client, body: Any) -> None:
    answer = client.post("/people/search", json=body)
    assert answer.status_code == 400
    assert set(answer.json()) in ({"key", "error", "args"}, {"errors"})


def test_bad_json_is_400(client: httpx.Client) -> None:
    answer = client.post("/people/search", content=b'{"fields": [')
    assert answer.status_code == 400
    assert answer.json()["statusCode"] == 400


def test_400_fields_are_fine_and_unknown_ones_are_dropped(client: httpx.Client) -> None:
    people = search(client, "root.email", *(f"work.unknown{n}" for n in range(399)))
    assert all(set(p) <= {"id", "email", "/root/email"} for p in people)


def test_filters_find_by_id_or_email(sandbox: Sandbox, client: httpx.Client) -> None:
    for path, value in (("root.id", sandbox.company.admin_id), ("root.email", "admin@northwind.example")):
        found = search(client, "root.surname", filters=[{"fieldPath": path, "operator": "equals", "values": [value]}])
        assert [p["surname"] for p in found] == ["Lindqvist"]


def test_inactive_people_are_future_joiners_and_leavers_and_left_out_by_default(client: httpx.Client) -> None:
    everybody = Counter(p["internal"]["lifecycleStatus"] for p in search(client, STATUS))
    active = Counter(p["internal"]["lifecycleStatus"] for p in search(client, STATUS, showInactive=False))
    assert set(everybody - active) == {"Hired", "Terminated"}
    assert {p["internal"]["status"] for p in search(client, "internal.status", showInactive=False)} == {"Active"}


def test_without_fields_a_default_set_comes_and_no_custom_internal_or_personal_field(
    client: httpx.Client,
) -> None:
    people = client.post("/people/search", json={"showInactive": True}).json()["employees"]
    assert {"id", "email", "work", "about", "payroll"} <= set(people[0])
    assert not {"internal", "personal", "home"} & set(people[0])
    assert "custom" not in people[0]["work"]
    assert "salary" not in people[0]["payroll"]


# People search: the answer


def test_one_value_is_spelt_three_times(sandbox: Sandbox, client: httpx.Client) -> None:
    admin = sandbox.company.admin_id
    asked = ("root.id", "payroll.employment.type", "work.title", CONTRACT_END, "work.siteId")
    (person,) = (p for p in search(client, *asked, humanReadable="APPEND") if p["id"] == admin)
    assert person == {
        "/root/id": {"value": admin},
        "/payroll/employment/type": {"value": "209195001"},
        "/work/title": {"value": person["work"]["title"]},
        "/work/siteId": {"value": person["work"]["siteId"]},
        "id": admin,
        "payroll": {"employment": {"type": "209195001"}},
        "work": {
            "title": person["work"]["title"],
            "siteId": person["work"]["siteId"],
            "custom": {CONTRACT_END.rpartition(".")[2]: None},
        },
        "humanReadable": {
            "id": admin,
            "payroll": {"employment": {"type": "Permanent"}},
            "work": {"title": "Head of People", "siteId": sandbox.company.people[admin]["work.site"]},
        },
    }
    assert person["work"]["title"].isdigit()
    assert isinstance(person["work"]["siteId"], int)


def test_replace_puts_the_labels_in_place_of_the_machine_values(sandbox: Sandbox, client: httpx.Client) -> None:
    person = search(client, "work.department", "work.title", humanReadable="REPLACE")[0]
    assert not {key for key in person if key.startswith("/")} | ({"humanReadable"} & set(person))
    assert not str(person["work"]["title"]).isdigit()
    sandbox.switches.slash_keys_under_replace = True
    assert "/work/title" in search(client, "work.title", humanReadable="REPLACE")[0]


def test_slash_keys_without_fields_can_be_switched_off(sandbox: Sandbox, client: httpx.Client) -> None:
    assert "/root/id" in client.post("/people/search", json={}).json()["employees"][0]
    sandbox.switches.slash_keys_without_fields = False
    assert not [k for k in client.post("/people/search", json={}).json()["employees"][0] if k[0] == "/"]


def test_id_stands_at_top_level_even_if_not_asked_for(client: httpx.Client) -> None:
    people = search(client, "work.site")
    assert all(isinstance(p["id"], str) and len(p["id"]) == 19 for p in people)
    assert all("/root/id" not in p for p in people)


def test_values_have_the_types_of_the_table(sandbox: Sandbox, client: httpx.Client) -> None:
    asked = (
        "about.hobbies",
        "work.reportsTo",
        "work.manager",
        "payroll.salary.payment",
        "payroll.employment.fte",
        "work.isManager",
        "internal.lifecycleStatus",
    )
    people = {p["id"]: p for p in search(client, *asked, humanReadable="APPEND")}
    admin = people[sandbox.company.admin_id]
    chief = people[sandbox.company.chief_id]
    boss = admin["work"]["reportsTo"]
    assert set(boss) == {"id", "firstName", "surname", "email", "displayName"}
    assert (boss["id"], admin["work"]["manager"]) == (chief["id"], chief["id"])
    assert admin["humanReadable"]["work"]["reportsTo"] == boss["displayName"] == "Sunniva Blackwood"
    assert (chief["work"]["reportsTo"], chief["work"]["isManager"]) == (None, True)
    assert chief["humanReadable"]["work"] == {"isManager": "Yes"}
    pay = admin["payroll"]["salary"]["payment"]
    assert admin["humanReadable"]["payroll"]["salary"]["payment"] == f"{pay['currency']}{pay['value']}.00"
    without = next(p for p in people.values() if p["about"]["hobbies"] == [])
    assert without["/about/hobbies"] == {"value": []}
    assert "about" not in without["humanReadable"]
    several = next(p for p in people.values() if len(p["about"]["hobbies"]) > 1)
    assert ", " in several["humanReadable"]["about"]["hobbies"]
    away = next(p for p in people.values() if p["internal"]["lifecycleStatus"] == SABBATICAL)
    assert away["humanReadable"]["internal"]["lifecycleStatus"] == "Sabbatical"


def test_the_managers_email_is_a_field_of_its_own(sandbox: Sandbox, client: httpx.Client) -> None:
    people = {p["id"]: p for p in search(client, "work.reportsTo.email", humanReadable="APPEND")}
    assert people[sandbox.company.admin_id]["work"] == {"reportsTo": {"email": "sunniva.blackwood@northwind.example"}}
    assert people[sandbox.company.chief_id]["work"] == {"reportsTo": {"email": None}}


def test_human_dates_and_separators_follow_their_switches(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.human_dates = "dd/mm/yyyy"
    sandbox.switches.multi_list_separator = "; "
    people = search(client, "work.startDate", "personal.nationality", humanReadable="APPEND")
    start = date.fromisoformat(people[0]["work"]["startDate"])
    assert people[0]["humanReadable"]["work"]["startDate"] == f"{start:%d/%m/%Y}"
    assert any("; " in p["humanReadable"]["personal"]["nationality"] for p in people)


def test_one_person_is_a_bare_object_by_id_or_email_even_if_inactive(sandbox: Sandbox, client: httpx.Client) -> None:
    leaver = someone(sandbox.company, internal__lifecycleStatus="Terminated")
    for key in (leaver["root.id"], leaver["root.email"]):
        assert client.post(f"/people/{key}", json={"fields": [STATUS]}).json()["id"] == leaver["root.id"]
    unknown = client.post("/people/nobody@northwind.example", json={})
    assert (unknown.status_code, unknown.content) == (404, b"")


# Metadata and lists


def test_metadata_is_an_array_with_custom_fields_and_json_paths(client: httpx.Client) -> None:
    fields = {field["id"]: field for field in client.get("/company/people/fields").json()}
    assert len(fields) == 171
    assert fields["root.email"]["jsonPath"] == "email"
    assert fields["work.title"]["typeData"] == {"listId": "title"}
    assert fields["work.title"]["historical"] is True
    assert (fields[PAYROLL]["name"], fields[PAYROLL]["categoryId"]) == ("Payroll number", "work")
    assert fields["home.privateEmail"]["categoryId"] == "personalContact"
    assert fields["work.site"]["name"] == fields["work.siteId"]["name"] == "Site"


def test_named_lists_come_as_object_or_array_and_one_by_one(sandbox: Sandbox, client: httpx.Client) -> None:
    lists = client.get("/company/named-lists").json()
    assert client.get("/company/named-lists/department").json() == lists["department"]
    assert lists["department"]["values"] == lists["department"]["items"]
    assert all(isinstance(item["id"], int) for item in lists["site"]["values"])
    unknown = client.get("/company/named-lists/Department")
    assert (unknown.status_code, unknown.content) == (404, b"")
    sandbox.switches.named_lists = "array"
    assert client.get("/company/named-lists").json() == list(lists.values())


def test_every_list_value_of_every_person_has_a_label(sandbox: Sandbox) -> None:
    company = sandbox.company
    fields = [f for f in company.fields.values() if f.type in ("list", "list_id", "multi-list")]
    for person in company.people.values():
        for field in fields:
            value = company.value(person, field.id)
            ids = value if isinstance(value, list) else [] if value is None else [value]
            assert all(str(each) in company.lists[field.list_id].items for each in ids)


# Reports


def test_a_csv_report_has_bom_crlf_and_titles_in_the_language_of_the_locale(client: httpx.Client) -> None:
    (feed, _) = client.get("/company/reports").json()["views"]
    content = client.get(f"/company/reports/{feed['id']}/download?format=csv&locale=en-CA").content
    assert content.startswith(b"\xef\xbb\xbfID,Email,")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[0].count("Site") == 2
    assert len(rows) == 251
    assert content.count(b"\r\n") >= 251
    without_locale = client.get(REPORT).content.decode("utf-8-sig")
    assert without_locale.startswith("ID,E-post,Förnamn,")


def test_report_dates_follow_the_locale(client: httpx.Client) -> None:
    def starts(locale: str) -> list[str]:
        text = client.get(f"{REPORT}?locale={locale}").content.decode("utf-8-sig")
        return [row["Start date"] for row in csv.DictReader(io.StringIO(text, newline=""))]

    iso = [date.fromisoformat(start) for start in starts("en-CA")]
    assert starts("en-GB") == [f"{start:%d/%m/%Y}" for start in iso]


def test_info_rows_stand_before_the_header_when_asked_for_or_switched(sandbox: Sandbox, client: httpx.Client) -> None:
    asked = client.get(REPORT + "?includeInfo=true&locale=en-CA").text
    sandbox.switches.info_rows = True
    switched = client.get(REPORT + "?includeInfo=false&locale=en-CA").text
    assert asked == switched
    assert asked.splitlines()[2].startswith("ID,Email,")


@pytest.mark.parametrize(
    ("shape", "unwrap"),
    [
        ("employees", lambda document: document["employees"]),
        ("one array", lambda document: document["rows"]),
        ("bare", lambda document: document),
    ],
)
def test_a_json_report_comes_in_three_shapes(
    sandbox: Sandbox, client: httpx.Client, shape: Any, unwrap: Callable[[Any], list[dict[str, Any]]]
) -> None:
    sandbox.switches.report_json = shape
    people = unwrap(client.get(REPORT + "?format=json&humanReadable=APPEND").json())
    assert len(people) == 250
    assert "humanReadable" in people[0]


def test_an_excel_report_keeps_formula_like_titles_as_text(client: httpx.Client) -> None:
    book = load_workbook(io.BytesIO(client.get(REPORT + "?format=xlsx&locale=en-CA").content))
    cells = [cell for row in book.active.iter_rows() for cell in row if str(cell.value).startswith("=")]
    assert {(cell.value, cell.data_type) for cell in cells} >= {("=1+1", "s"), ("=Procurement Lead", "s")}


def test_an_asynchronous_report_names_another_host_and_is_ready_after_some_polls(
    client: httpx.Client,
) -> None:
    started = client.get(REPORT + "-async?format=csv&locale=en-CA")
    assert started.status_code == 202
    location = httpx.URL(started.headers["location"])
    assert location.host != "127.0.0.1"
    polls = [client.get(f"/company/reports/download/{location.path.rpartition('/')[2]}") for _ in range(3)]
    assert [poll.status_code for poll in polls] == [204, 204, 200]
    assert polls[-1].content == client.get(REPORT + "?locale=en-CA").content


def test_an_unknown_report_is_404(client: httpx.Client) -> None:
    assert client.get("/company/reports/1/download").status_code == 404


# Faults


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 503, 504])
def test_the_next_answers_can_fail_with_a_status(sandbox: Sandbox, client: httpx.Client, status: int) -> None:
    sandbox.switches.fail(status, times=2, endpoint="people/search")
    assert client.get("/company/people/fields").status_code == 200
    assert [client.post("/people/search", json={}).status_code for _ in range(3)] == [status, status, 200]


def test_connections_can_break_and_bodies_be_cut(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.fail("reset")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.post("/people/search", json={})
    sandbox.switches.fail("truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/people/search", json={})
    sandbox.switches.fail("html")
    assert is_login_page(client.post("/people/search", json={}))
    assert client.post("/people/search", json={}).status_code == 200


def test_employees_can_be_missing_in_several_ways(sandbox: Sandbox, client: httpx.Client) -> None:
    whole = [p["id"] for p in search(client)]
    sandbox.switches.half_missing = True
    assert [p["id"] for p in search(client)] == whole[:125]
    sandbox.switches.half_missing = False
    sandbox.switches.no_employees = True
    assert search(client) == []
    sandbox.switches.employees_key_missing = True
    assert client.post("/people/search", json={}).json() == {}


def test_the_order_can_be_shuffled_and_an_id_come_twice(sandbox: Sandbox, client: httpx.Client) -> None:
    whole = [p["id"] for p in search(client)]
    sandbox.switches.shuffle = 7
    shuffled = [p["id"] for p in search(client)]
    assert shuffled != whole
    assert sorted(shuffled) == sorted(whole)
    sandbox.switches.duplicate_id = True
    assert max(Counter(p["id"] for p in search(client)).values()) == 2


def test_a_lone_surrogate_can_stand_in_a_name(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.lone_surrogate = True
    answer = client.post("/people/search", json={"fields": ["root.surname"]})
    assert rb"\ud800" in answer.content
    assert json.loads(answer.content)["employees"][0]["surname"].endswith("\ud800")


def test_a_column_can_be_absent_or_empty_for_everybody(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.absent_columns = frozenset({"work.title"})
    sandbox.switches.emptied_columns = frozenset({"work.site"})
    for person in search(client, "work.title", "work.site", humanReadable="APPEND"):
        assert person["work"] == {"site": None}
        assert not [key for key in person if key.startswith("/")]


def test_an_answer_can_be_slow(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.slow_seconds = 0.05
    before = time.monotonic()
    client.get("/company/people/fields")
    assert time.monotonic() - before >= 0.05


# The server itself


def test_the_log_holds_calls_and_never_credentials(sandbox: Sandbox, client: httpx.Client) -> None:
    client.post("/people/search?x=1", json={"fields": ["root.id"]})
    client.get("/nowhere")
    first, second = sandbox.requests
    assert (first.method, first.path, first.status) == ("POST", "/v1/people/search?x=1", 200)
    assert json.loads(first.body) == {"fields": ["root.id"]}
    assert (second.path, second.status) == ("/v1/nowhere", 200)
    assert sandbox.token not in repr(list(sandbox.requests))


def test_a_port_in_use_is_a_clear_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{sandbox.port}"):
        Sandbox(people=5, port=sandbox.port).start()


def test_a_stopped_sandbox_answers_nobody_and_starts_again_on_its_port(sandbox: Sandbox, client: httpx.Client) -> None:
    client.get("/company/people/fields")
    sandbox.stop()
    with pytest.raises(httpx.TransportError):
        client.get("/company/people/fields")
    sandbox.start()
    assert client.get("/company/people/fields").status_code == 200


def test_tokens_differ_from_start_to_start_unless_given() -> None:
    assert Sandbox(people=1).token != Sandbox(people=1).token
    assert Sandbox(people=1, token="given", switches=Switches()).token == "given"


def test_a_day_passes_on_request_without_sign_in(sandbox: Sandbox, client: httpx.Client) -> None:
    report = httpx.post(sandbox.base_url.removesuffix("/v1") + "/sandbox/day").json()
    assert (report["date"], report["day"]) == ("2026-03-03", 1)
    people = {p["id"]: p for p in search(client, STATUS)}
    assert all(people[who["id"]]["internal"]["lifecycleStatus"] == "Terminated" for who in report["leavers"])


def test_kept_answers_are_thrown_away_when_a_day_passes(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.switches.keep_answers = True
    before = search(client, STATUS)
    assert search(client, STATUS) == before
    sandbox.pass_day()
    assert search(client, STATUS) != before


# The company


def test_the_same_arguments_give_the_same_company_and_the_same_days() -> None:
    one, two, other = Company(today=TODAY), Company(today=TODAY), Company(seed=2, today=TODAY)
    assert list(one.people.items()) == list(two.people.items())
    assert [one.pass_day() for _ in range(5)] == [two.pass_day() for _ in range(5)]
    assert one.people == two.people
    assert list(one.people) != list(other.people)


def test_most_people_are_employed_and_every_status_occurs() -> None:
    counts = Counter(p[STATUS] for p in Company(today=TODAY).people.values())
    assert 0.83 < counts["Employed"] / 250 < 0.87
    statuses = {"Employed", "Hired", "Leave", "Parental leave", "Garden leave", "Terminated", SABBATICAL}
    assert set(counts) == statuses


def test_the_awkward_cases_of_real_life_are_there() -> None:
    company = Company(today=TODAY)
    people = list(company.people.values())
    names = [f"{p['root.firstName']} {p['root.surname']}" for p in people]
    labels = {company.label(p, "work.title") for p in people}
    payroll = Counter(p[PAYROLL] for p in people)
    assert any(not unicodedata.is_normalized("NFC", name) for name in names)
    assert [name for name, count in Counter(names).items() if count > 1] == ["James Taylor"]
    assert any("\u0007" in name for name in names)
    assert {"=1+1", "=Procurement Lead"} <= labels
    assert [number for number, count in payroll.items() if count > 1] == ["000042"]
    assert all(number.startswith("00") for number in payroll)
    assert {"31/02/2026", "tbc"} <= {p.get(CONTRACT_END) for p in people}
    assert any("root.email" not in p for p in people if p[STATUS] == "Hired")
    assert sum("work.manager" not in p for p in people) == 2
    assert sum("work.department" not in p for p in people) == 1
    assert {p["employee.lastDayOfWork"] < "2026-03-02" for p in people if p[STATUS] == "Garden leave"} == {
        True,
        False,
    }
    emails = [p["root.email"].casefold() for p in people if "root.email" in p]
    assert len(emails) == len(set(emails))
    assert len({float(p["root.id"]) for p in people}) < len(people), "ids do not survive as numbers"


def test_the_first_rows_of_a_list_show_ordinary_people() -> None:
    company = Company(today=TODAY)
    in_order = sorted(company.people, key=int)
    shown = [changes.items() for _, changes in AWKWARD if changes.keys() & {"root.firstName", "work.title", PAYROLL}]
    awkward = {key for key, p in company.people.items() if any(each <= p.items() for each in shown)}
    assert len(awkward) >= len(shown)
    assert in_order[:2] == [company.chief_id, company.admin_id]
    assert not awkward & set(in_order[2:150])
    assert not awkward & {p.get("work.manager") for p in company.people.values()}


def test_a_day_brings_what_it_should_and_nobody_twice() -> None:
    company = Company(today=TODAY)
    report = company.pass_day()
    brought = (
        report.joiners,
        report.movers,
        report.leavers,
        report.returners,
        report.renamed,
        report.on_leave,
    )
    assert [len(each) for each in brought] == [3, 4, 2, 1, 1, 1]
    ids = [happening.id for each in (*brought, report.announced, report.back) for happening in each]
    assert len(ids) == len(set(ids))
    assert company.today == date(2026, 3, 3)
    assert company.people[report.renamed[0].id]["root.surname"] not in report.renamed[0].what


def test_nobody_comes_to_a_manager_who_shares_a_payroll_number() -> None:
    company = Company(today=TODAY)
    shared = {p["root.id"] for p in company.people.values() if p.get(PAYROLL) == "000042"}
    for junior, senior in zip(sorted(company.people)[-2:], sorted(shared), strict=True):
        company.people[junior]["work.manager"] = senior
    company.count_reports()
    before = {key: person.get("work.manager") for key, person in company.people.items()}
    for _ in range(30):
        company.pass_day()
    came = [
        k for k, p in company.people.items() if p.get("work.manager") in shared and p["work.manager"] != before.get(k)
    ]
    assert len(shared) == 2
    assert came == []


def test_after_a_hundred_days_the_company_still_hangs_together() -> None:
    company = Company(today=TODAY)
    admin = dict(company.people[company.admin_id])
    payroll_twice = ["000042"]
    for _ in range(100):
        live = sum(p[STATUS] == "Employed" for p in company.people.values())
        assert len(company.pass_day().leavers) < live / 10
    people = company.people
    assert people[company.admin_id] == admin
    for person in people.values():
        chain = [person["root.id"]]
        while manager := people[chain[-1]].get("work.manager"):
            assert manager not in chain
            assert person[STATUS] == "Terminated" or people[manager][STATUS] != "Terminated"
            chain.append(manager)
    emails = Counter(p["root.email"].casefold() for p in people.values() if "root.email" in p)
    assert max(emails.values()) == 1
    assert [n for n, count in Counter(p[PAYROLL] for p in people.values()).items() if count > 1] == payroll_twice
    assert not [p for p in people.values() if p[STATUS] == "Hired" and p["work.startDate"] <= str(company.today)]


@pytest.mark.parametrize("size", [1, 2, 5, 12, 30])
def test_a_small_company_keeps_its_admin_and_its_size(size: int) -> None:
    company = Company(size, today=TODAY)
    assert len(company.people) == size
    for _ in range(30):
        company.pass_day()
    admin = company.people[company.admin_id]
    assert (admin["root.email"], admin[STATUS]) == ("admin@northwind.example", "Employed")
    assert sum(p[STATUS] == "Employed" for p in company.people.values()) >= size * 0.8


def test_a_large_company_is_founded_in_linear_time() -> None:
    company = Company(20_000, today=TODAY)
    assert len(company.people) == len({p[PAYROLL] for p in company.people.values()}) + 1
