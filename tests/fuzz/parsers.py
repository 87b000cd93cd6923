"""Every parser of bytes that are not ours: what it is fed, and real payloads to begin from."""

import base64
import gzip
import hmac
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha512
from io import BytesIO
from pathlib import Path
from typing import Any

from neighbour import Neighbour
from plans import sample_plan
from scim_servers import MAPPING, PORTAL_SCHEMA

from provisioning import setup_file
from provisioning.engine.columns import ENGINE_FIELDS, Catalogue
from provisioning.engine.webhook import believe
from provisioning.errors import RollcallError, UsageError
from provisioning.http import Timeout
from provisioning.model import Action, Change, Field
from provisioning.report.workbook import write_workbook
from provisioning.report.workbook_decisions import read_workbook
from provisioning.sandbox import Sandbox
from provisioning.source.client import HiBobClient
from provisioning.source.metadata import decode_metadata, read_metadata
from provisioning.source.people import decode_people
from provisioning.source.reports import list_reports, read_report
from provisioning.target.scim import ScimDirectory
from provisioning.target.scim_bulk import Bulk
from provisioning.target.scim_client import Lost, ScimClient, Throttled
from provisioning.target.scim_provider import Announced, discover
from provisioning.target.scim_steps import Request
from provisioning.target.scim_words import refusal

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
SECRET = "a secret between HiBob and us"
FEED = 31048356
MORE_FIELDS = ("work.department", "work.site", "work.reportsTo", "work.startDate")
OURS = (RollcallError, Lost, Throttled)
"""What may be raised: errors that a person is meant to read, and the SCIM client's own two signals."""

Parse = Callable[[bytes], object]


@dataclass(frozen=True)
class Parser:
    """`parse` is fed; `weight` is the part of the asked number of inputs that it gets: some take long."""

    parse: Parse
    seeds: Sequence[bytes]
    weight: float = 1.0


@dataclass(frozen=True)
class Payloads:
    """What the HiBob stand-in really sends."""

    people: bytes
    fields: bytes
    reports: bytes
    table: bytes
    json: bytes
    metadata: tuple[Field, ...]


def payloads() -> Payloads:
    with Sandbox(people=4) as box, HiBobClient(box.base_url, box.service_user_id, box.token) as client:
        fields = client.fields()
        asked = [*ENGINE_FIELDS, *MORE_FIELDS]
        few = [each for each in json.loads(fields) if each["id"] in {*asked, "root.id"}]
        return Payloads(
            client.search(asked), json.dumps(few).encode(), client.reports(), client.report(FEED),
            client.report(FEED, as_json=True), read_metadata(client),
        )  # fmt: skip


SCHEMAS = json.dumps({"totalResults": 1, "Resources": [PORTAL_SCHEMA]}).encode()
TYPES = json.dumps({
    "totalResults": 1,
    "Resources": [{
        "name": "User", "endpoint": "/Users", "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
        "schemaExtensions": [{"schema": PORTAL_SCHEMA["id"], "required": False}],
    }],
}).encode()  # fmt: skip
CONFIG = json.dumps({
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    "patch": {"supported": True}, "bulk": {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1048576},
    "filter": {"supported": True, "maxResults": 200}, "etag": {"supported": True}, "sort": {"supported": False},
    "changePassword": {"supported": False}, "authenticationSchemes": [{"type": "oauthbearertoken", "name": "x"}],
}).encode()  # fmt: skip
USER = {
    "id": "1", "userName": "a@acme.example", "active": True, "externalId": "77", "meta": {"version": 'W/"1"'},
    "name": {"givenName": "Zoë", "familyName": "O'Connor"}, "emails": [{"type": "work", "value": "a@acme.example"}],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales", "manager": {"value": "2"}},
}  # fmt: skip
USERS = json.dumps({"totalResults": 2, "Resources": [USER, USER | {"id": "2"}], "itemsPerPage": 2}).encode()
BULK = json.dumps({
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
    "Operations": [
        {"bulkId": "r0", "status": "201", "method": "POST", "location": "https://x/Users/1", "version": 'W/"2"'},
        {"bulkId": "r1", "status": {"code": 409}, "response": {"detail": "no", "scimType": "uniqueness"}},
    ],
}).encode()  # fmt: skip
ERROR = json.dumps({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400", "detail": "x",
                    "scimType": "invalidValue"}).encode()  # fmt: skip
EVENT = json.dumps({"companyId": 1, "type": "employee.joined", "triggeredAt": "2026-11-22T14:00:00Z", "version": "v2",
                    "data": {"employeeId": "3980342332732998349"}}).encode()  # fmt: skip
SETUP = b"""[customer]
name = "Acme"
seats = 1250
price_per_user = 12.5
currency = "GBP"
[[members]]
email = "admin@acme.example"
role = "admin"
[[connections]]
name = "HiBob"
id = "S"
token = { env = "TOKEN" }
[[domains]]
name = "staff"
connection = "HiBob"
unique_identifier = "Employee ID"
schedule = { cron = "0 5 * * 1-5", timezone = "Europe/London", does = "preview" }
protected = ["root@acme.example"]
  [[domains.attributes]]
  name = "Employee ID"
  data_feed_name = "Payroll number"
  values = { "Legal & Compliance" = "Legal" }
  clean_up = ["lower"]
  [[domains.scope]]
  rule = "include"
  column = "work.site"
  is = ["London"]
  [domains.lifecycle]
  hired = { wait_until_days_before_start = 0 }
  [domains.limits]
  archive = "10%"
"""


def workbook() -> bytes:
    made = BytesIO()
    write_workbook(sample_plan(), made)
    return made.getvalue()


class Table:
    """What the report reader asks of a client: the bytes of one answer, as a table or as JSON."""

    def __init__(self, table: bytes, people: bytes) -> None:
        self.answers = {False: table, True: people}

    def reports(self) -> bytes:
        return self.answers[True]

    def report(self, _number: int, *, as_json: bool = False) -> bytes:
        return self.answers[as_json]


def parse_people(given: Payloads) -> Parse:
    catalogue = Catalogue(given.metadata)
    fields = [catalogue.field(each) for each in (*ENGINE_FIELDS, *MORE_FIELDS)]
    return lambda body: decode_people(body, fields, NOW)


def parse_report(given: Payloads, *, as_json: bool) -> Parse:
    catalogue = Catalogue(given.metadata)

    def parse(body: bytes) -> object:
        client: Any = Table(b"Name,Site\nx,y\n" if as_json else body, body if as_json else given.json)
        report = read_report(client, FEED, given.metadata)
        return report.snapshot([catalogue.field(each) for each in ENGINE_FIELDS], NOW)

    return parse


def parse_set_up(body: bytes) -> object:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("The file is not UTF-8 text.") from None  # as the command line says it
    found = setup_file.parse(text)
    return setup_file.parse(setup_file.write(found))


def parse_event(body: bytes) -> object:
    return believe(SECRET, base64.b64encode(hmac.digest(SECRET.encode(), body, sha512)).decode(), body, NOW)


def parse_signature(text: bytes) -> object:
    return believe(SECRET, text.decode("latin-1"), EVENT, NOW)


def scim(server: Neighbour, path: str) -> Parse:
    def parse(body: bytes) -> object:
        good = {"/ServiceProviderConfig": CONFIG, "/ResourceTypes": TYPES, "/Schemas": SCHEMAS}
        server.answers = {each: (200, {}, content) for each, content in (good | {path: body}).items()}
        with ScimClient(server.base_url, "token", first_wait=0.0) as client:
            found = discover(client)
        for each in MAPPING:
            found.bind(each)
        return found

    return parse


def scim_users(server: Neighbour) -> Parse:
    def parse(body: bytes) -> object:
        server.answers = {"/ServiceProviderConfig": (200, {}, CONFIG), "/Users": (200, {}, body)}
        with ScimDirectory(server.base_url, "token", MAPPING, "userName", first_wait=0.0) as directory:
            return directory.users([each.name for each in MAPPING])

    return parse


def scim_bulk(server: Neighbour) -> Parse:
    change = Change("1", Action.ADD, "", {}, {})
    writes = [Request(change, "POST", "/Users", {}, ()), Request(change, "PATCH", "/Users/7", {}, ())]

    def parse(body: bytes) -> object:
        server.answers = {"/Bulk": (200, {}, body)}
        with ScimClient(server.base_url, "token", first_wait=0.0) as client:
            return Bulk(client, Announced(bulk=True)).send(writes)

    return parse


def scim_error(server: Neighbour) -> Parse:
    def parse(body: bytes) -> object:
        server.answers = {"/Users/1": (400, {}, body)}
        with ScimClient(server.base_url, "token", first_wait=0.0) as client:
            reply = client.get("/Users/1")
        return refusal(reply.status, reply.body).message

    return parse


def packed(server: Neighbour) -> Parse:
    """The first byte says how it claims to be packed; the rest is sent as it is."""

    def parse(body: bytes) -> object:
        claim = ("gzip", "deflate", "br", "x-gzip", "gzip, gzip", "identity")[body[0] % 6 if body else 0]
        server.otherwise = (200, {"Content-Encoding": claim}, body[1:])
        with HiBobClient(server.base_url, "S", "t", timeout=Timeout(30.0), first_wait=0.0) as client:
            return decode_metadata(client.fields())

    return parse


def header_of_wait(server: Neighbour) -> Parse:
    """What a neighbour may say of when to come again, and where a report will be."""

    def parse(body: bytes) -> object:
        text = "".join(letter for letter in body.decode("latin-1") if letter.isprintable())[:5_500]
        server.otherwise = (504, {}, b"")
        later = f"/company/reports/{FEED}/download-async"
        server.answers = {later: (202, {"Location": text}, b""), "/1": (200, {"ETag": text, "Location": text}, b"{}")}
        with HiBobClient(server.base_url, "S", "t", first_wait=0.0, poll_wait=0.0) as client:
            server.answers |= {f"/company/reports/download/{text[-4:]}": (200, {}, b"ID\n1\n")}
            if body[:1] > b"m":
                return client.report(FEED)
        server.answers["/2"] = (429, {"Retry-After": text}, b"{}")
        with ScimClient(server.base_url, "t", first_wait=0.0) as scim_client:
            return scim_client.send("PUT", "/2" if body[:1] > b"Z" else "/1", {})

    return parse


@contextmanager
def parsers() -> Iterator[dict[str, Parser]]:
    given = payloads()
    packings = [bytes([0]) + gzip.compress(given.fields), bytes([1]) + zlib.compress(given.fields)]
    with Neighbour() as server:
        yield {
            "HiBob: people": Parser(parse_people(given), [given.people]),
            "HiBob: field list": Parser(decode_metadata, [given.fields]),
            "HiBob: list of reports": Parser(
                lambda body: list_reports(Table(b"", body)),  # type: ignore[arg-type]
                [given.reports],
            ),
            "HiBob: report as CSV": Parser(parse_report(given, as_json=False), [given.table]),
            "HiBob: report as JSON": Parser(parse_report(given, as_json=True), [given.json, given.people]),
            "HiBob: packed answers": Parser(packed(server), packings, 0.2),
            "HiBob and SCIM: headers": Parser(header_of_wait(server), [b"Z3", b"z/reports/x.csv", b"[Fri, 20 Nov 2026"], 0.1),
            "HiBob: webhook": Parser(parse_event, [EVENT]),
            "HiBob: webhook signature": Parser(parse_signature, [b"AAAA" * 22]),
            "SCIM: ServiceProviderConfig": Parser(scim(server, "/ServiceProviderConfig"), [CONFIG], 0.1),
            "SCIM: ResourceTypes": Parser(scim(server, "/ResourceTypes"), [TYPES], 0.1),
            "SCIM: Schemas": Parser(scim(server, "/Schemas"), [SCHEMAS], 0.1),
            "SCIM: ListResponse of users": Parser(scim_users(server), [USERS], 0.1),
            "SCIM: bulk answer": Parser(scim_bulk(server), [BULK], 0.2),
            "SCIM: error": Parser(scim_error(server), [ERROR], 0.2),
            "set-up file": Parser(parse_set_up, [SETUP, (ROOT / "data" / "northwind.toml").read_bytes()]),
            "workbook": Parser(lambda body: read_workbook(sample_plan(), BytesIO(body)), [workbook()], 0.2),
        }  # fmt: skip
