"""Custom reports in place of people search: tables as HiBob sends them, and the ways they can be wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from servers import ScriptedServer, answer

from provisioning.engine.columns import ENGINE_FIELDS, Catalogue
from provisioning.errors import SettingsError, SourceError
from provisioning.model import Field, Snapshot
from provisioning.sandbox import Sandbox, Switches
from provisioning.source.client import HiBobClient
from provisioning.source.metadata import read_metadata
from provisioning.source.reports import Report, _as_people, _fields, _table, list_reports, read_report

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
FEED, ACTIVE_ONLY = 31048356, 31048357


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(switches=Switches(rate_limit=10_000)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[HiBobClient]:
    sandbox.switches = Switches(rate_limit=10_000)
    with HiBobClient(
        sandbox.base_url,
        sandbox.service_user_id,
        sandbox.token,
        timeout=httpx.Timeout(10),
        first_wait=0.0,
        poll_wait=0.0,
    ) as made:
        yield made


def _snapshot(report: Report, client: HiBobClient) -> Snapshot:
    catalogue = Catalogue([*report.fields, *read_metadata(client)])
    return report.snapshot([catalogue.field(each) for each in (*ENGINE_FIELDS, "work.department")], NOW)


def test_reports_are_listed_by_name(client: HiBobClient) -> None:
    assert [each.name for each in list_reports(client)] == ["Active people", "Learning platform feed"]


def test_a_report_gives_the_same_people_as_people_search(client: HiBobClient, sandbox: Sandbox) -> None:
    snapshot = _snapshot(read_report(client, FEED, read_metadata(client)), client)
    assert set(snapshot.table["root.id"].to_pylist()) == set(sandbox.company.people)
    assert snapshot.evidence.from_report
    assert snapshot.evidence.active == 225


def test_dates_are_iso_because_the_locale_is_always_sent(client: HiBobClient) -> None:
    snapshot = _snapshot(read_report(client, FEED, read_metadata(client)), client)
    starts = [text for text in snapshot.table["work.startDate"].to_pylist() if text]
    assert starts
    assert all(len(text) == 10 and text[4] == "-" for text in starts)


def test_rows_of_information_before_the_titles_are_passed_over(client: HiBobClient, sandbox: Sandbox) -> None:
    plain = read_report(client, FEED, read_metadata(client))
    sandbox.switches.info_rows = True
    assert read_report(client, FEED, read_metadata(client)).columns == plain.columns


def test_a_report_that_takes_too_long_is_fetched_later_from_hibob_itself(client: HiBobClient, sandbox: Sandbox) -> None:
    sandbox.switches.fail(504, endpoint="report")
    report = read_report(client, FEED, read_metadata(client))
    assert len(report.columns["root.id"]) == 250
    asked = [each.path.split("?")[0] for each in list(sandbox.requests)[-4:]]
    assert any(path.startswith("/v1/company/reports/download/31048356-") for path in asked)


def test_a_missing_report_is_named_as_such(client: HiBobClient) -> None:
    with pytest.raises(SourceError, match="no such report"):
        read_report(client, 5, read_metadata(client))


def test_without_status_and_lifecycle_whoever_stands_in_the_report_is_active(
    client: HiBobClient, sandbox: Sandbox
) -> None:
    sandbox.switches.granted = frozenset({"root", "work"})
    snapshot = _snapshot(read_report(client, ACTIVE_ONLY, read_metadata(client)), client)
    assert set(snapshot.table["internal.status"].to_pylist()) == {"Active"}
    assert snapshot.evidence.absent("internal.lifecycleStatus")
    assert snapshot.evidence.status_from_active_read


@pytest.mark.parametrize("kind", ["html", "truncated", 403, 401])
def test_a_wrong_answer_is_no_report(client: HiBobClient, sandbox: Sandbox, kind: int | str) -> None:
    metadata = read_metadata(client)
    sandbox.switches.fail(kind, times=6, endpoint="report")  # type: ignore[arg-type]
    with pytest.raises(SourceError):
        read_report(client, FEED, metadata)


# --- tables ------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_and_crlf_do_not_matter() -> None:
    assert _table("\ufeffID,Name\r\n1,Zoë\r\n".encode()) == (["ID", "Name"], [["1", "Zoë"]])


def test_a_cell_may_hold_line_breaks_quotes_and_commas() -> None:
    assert _table(b'ID,Note\r\n1,"a ""b"",\r\nc"\r\n')[1] == [["1", 'a "b",\r\nc']]


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b'ID,Name\r\n1,"cut off', b"ID,Name,Site\r\n1,A,B\r\n2,C\r\n"])
def test_a_broken_table_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError, match="report cannot be read"):
        _table(body)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_table_in_another_encoding_is_refused_and_no_letter_lost(encoding: str) -> None:
    with pytest.raises(SourceError, match="not UTF-8"):
        _table("ID,Name\r\n1,Ada\r\n2,Zoë\r\n".encode(encoding))


def test_the_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SourceError, match="line 3"):
        _table("ID,Name\r\n1,Ada\r\n2,Zoë\r\n".encode("latin-1"))


def test_a_title_that_stands_twice_is_ambiguous() -> None:
    fields = _fields(["ID", "Site", "Site"], [Field("root.id", "ID")])
    assert [each.id for each in fields] == ["root.id", "Site (1)", "Site (2)"]
    with pytest.raises(SettingsError, match="ambiguous"):
        Catalogue(fields).resolve("Site")
    assert Catalogue(fields).resolve("Site (2)").field == "Site (2)"


def test_a_title_that_hibob_gives_to_two_fields_stays_a_title() -> None:
    metadata = [Field("work.site", "Site"), Field("work.siteId", "Site")]
    assert _fields(["Site"], metadata)[0].id == "Site"


def test_people_who_stand_in_a_report_twice_are_no_complete_list() -> None:
    report = Report((Field("root.id", "ID"),), {"root.id": ["1", "1"]})
    with pytest.raises(SourceError, match="twice"):
        report.snapshot([Field("root.id", "ID"), Field("internal.status", "Status")], NOW)


# --- JSON, for a table without ids -------------------------------------------------------------------------

PEOPLE = b'[{"id": "1", "work": {"department": "7"}, "humanReadable": {"work": {"department": "Sales"}}}]'


@pytest.mark.parametrize("body", [PEOPLE, b'{"employees": ' + PEOPLE + b"}", b'{"x": 1, "rows": ' + PEOPLE + b"}"])
def test_each_json_shape_is_read(body: bytes) -> None:
    report = Report((), {}, _as_people(body))
    fields = [Field("root.id", "ID", json_path="id"), Field("work.department", "Department", type="list")]
    snapshot = report.snapshot(fields, NOW)
    assert snapshot.table["root.id"].to_pylist() == ["1"]
    assert snapshot.table["humanReadable.work.department"].to_pylist() == ["Sales"]


@pytest.mark.parametrize("body", [b"{}", b'{"a": [], "b": []}', b"17", b'{"employees": '])
def test_other_json_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError):
        _as_people(body)


def test_a_table_that_does_not_say_where_it_ends_is_no_complete_list() -> None:
    """The connection may have been closed after any row."""
    whole = answer("ID,Email\r\n1,nora@acme.example\r\n", content_type="text/csv")
    endless = b"\r\n".join(line for line in whole.split(b"\r\n") if b"Content-Length" not in line)
    with ScriptedServer(whole, endless) as server, HiBobClient(server.base_url, "SERVICE-1", "token") as hibob:
        assert hibob.report(1).startswith(b"ID,")
        with pytest.raises(SourceError, match="where it ends"):
            hibob.report(1)


def test_a_table_in_another_encoding_is_refused() -> None:
    with pytest.raises(SourceError, match="UTF-8"):
        _table("ID,Last name\r\n1,Åkerström\r\n".encode("latin-1"))


def test_titles_that_differ_in_capitals_alone_stand_twice() -> None:
    """HiBob's own field and a custom one: neither may take the other's place."""
    fields = _fields(["ID", "Site", "SITE"], [Field("root.id", "ID"), Field("work.site", "Site")])
    assert [each.id for each in fields] == ["root.id", "Site (1)", "SITE (2)"]
