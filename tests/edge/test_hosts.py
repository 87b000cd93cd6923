"""Where Rollcall may send a customer's credentials: HiBob's two hosts over https, and hosts that the operator names."""

import socket
from collections.abc import Callable, Sequence

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import ScriptedServer, answer

from provisioning.errors import SettingsError
from provisioning.hosts import HIBOB_HOSTS, SKILLCAST_HOSTS, allowed_hosts, check_base_url, public_only
from provisioning.http import Answer, Http, NoConnection, Timeout

NOBODY: frozenset[str] = frozenset()


def check(url: str, *allowed: str) -> str:
    return check_base_url(url, HIBOB_HOSTS, allowed_hosts({"ROLLCALL_ALLOWED_HOSTS": ",".join(allowed)}))


def connects_to(url: str, *allowed: str) -> httpx.URL:
    """Where the HTTP client would go with what was accepted."""
    return httpx.URL(check(url, *allowed) + "/people/search")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.hibob.com/v1", "https://api.hibob.com/v1"),
        ("https://api.sandbox.hibob.com/v1", "https://api.sandbox.hibob.com/v1"),
        ("  https://api.hibob.com/v1/\n", "https://api.hibob.com/v1"),
        ("https://api.hibob.com:443/v1", "https://api.hibob.com:443/v1"),
        ("https://api.hibob.com", "https://api.hibob.com"),
    ],
)
def test_hibobs_hosts_are_allowed_over_https(url: str, kept: str) -> None:
    assert check(url) == kept


def test_upper_case_makes_no_difference() -> None:
    assert connects_to("HTTPS://API.HiBob.COM/v1").host == "api.hibob.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.hibob.com/v1",
        "HTTP://api.hibob.com/v1",
        "https://api.hibob.com:8443/v1",
        "https://api.hibob.com:80/v1",
        "https://api.hibob.com:0/v1",
        "https://api.hibob.com:99999/v1",
        "https://api.hibob.com:-1/v1",
        "https://api.hibob.com:4٤3/v1",
        "https://api.hibob.com:443:8443/v1",
        "https://api.hibob.com:https/v1",
        "ftp://api.hibob.com/v1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "unix:///run/docker.sock",
        "https:api.hibob.com/v1",
        "https:/api.hibob.com/v1",
        "https:///api.hibob.com/v1",
        "https:\\\\api.hibob.com\\v1",
        "//api.hibob.com/v1",
        "api.hibob.com/v1",
        "https://",
        "https://:443",
        "https",
        "",
        " ",
        "https://[api.hibob.com]/v1",
        "https://[/v1",
    ],
)
def test_only_https_on_its_standard_port_and_a_host_will_do(url: str) -> None:
    with pytest.raises(SettingsError):
        check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://hibob.com/v1",
        "https://app.hibob.com/v1",
        "https://evil.example/v1",
        "https://api.hibob.com.evil.example/v1",
        "https://evil-api.hibob.com/v1",
        "https://evilapi.hibob.com/v1",
        "https://api.hibob.com./v1",
        "https://.api.hibob.com/v1",
        "https://api..hibob.com/v1",
        "https://api.hibob.co/v1",
        "https://apí.hibob.com/v1",
        "https://аpi.hibob.com/v1",
        "https://api。hibob。com/v1",
        "https://ａｐｉ．ｈｉｂｏｂ．ｃｏｍ/v1",
        "https://api.hibob.com%2eevil.example/v1",
        "https://api%2ehibob.com/v1",
        "https://api.hibob.com%00.evil.example/v1",
        "https://api.hibob.com\\.evil.example/v1",
        "https://api.hibob.com\\evil.example/v1",
        "https://evil.example/api.hibob.com/v1",
        "https://evil.example#api.hibob.com/v1",
        "https://evil.example?api.hibob.com/v1",
        "https://evil.example\t.api.hibob.com/v1",
        "https://api.hibob.com .evil.example/v1",
        "https://xn--pi-7ka.hibob.com/v1",
        "https://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/",
        "https://10.0.0.1/v1",
    ],
)
def test_no_other_host_is_allowed_however_alike_it_looks(url: str) -> None:
    with pytest.raises(SettingsError):
        check(url)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "api.localhost", "127.0.0.1", "127.1", "127.0.0.1:8799",
        "0.0.0.0",  # noqa: S104 - nothing listens there: it is refused
        "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.nip.io", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]", "[::1%25eth0]", "①②⑦.0.0.1",
    ],
)  # fmt: skip
def test_this_machine_is_out_of_reach_in_every_spelling(scheme: str, host: str) -> None:
    with pytest.raises(SettingsError):
        check(f"{scheme}://{host}/v1")


@pytest.mark.parametrize(
    "url",
    [
        "https://SERVICE-4711:s3cret@api.hibob.com/v1",
        "https://s3cret@api.hibob.com/v1",
        "https://:s3cret@api.hibob.com/v1",
        "https://api.hibob.com@evil.example/v1",
        "https://api.hibob.com:s3cret@evil.example/v1",
        "https://evil.example\\@api.hibob.com/v1",
        "https://api.hibob.com\\@evil.example/v1",
        "https://a@b@api.hibob.com/v1",
        "https://api.hibob.com/v1?token=s3cret",
        "https://api.hibob.com?token=s3cret",
        "https://api.hibob.com/v1#s3cret",
    ],
)
def test_credentials_queries_and_fragments_are_refused_and_not_repeated(url: str) -> None:
    for allowed in ((), ("evil.example", "api.hibob.com")):
        with pytest.raises(SettingsError) as problem:
            check(url, *allowed)
        assert "s3cret" not in str(problem.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.hi\nbob.com/v1",
        "https://api.hibob.com/v1\t/x",
        "https://api.hibob.com/v1\r\nX-Header: x",
        "\x01https://api.hibob.com/v1",
        "https://api.hibob.com/v\x00",
        "https://api.hibob.com/v1\x7f",
        "ht\ntps://api.hibob.com/v1",
    ],
    ids=repr,
)
def test_a_control_character_is_refused_before_the_http_client_stumbles_over_it(url: str) -> None:
    with pytest.raises(SettingsError):
        check(url)


def test_a_refusal_names_the_host_the_allowed_ones_and_the_way_to_add_one() -> None:
    with pytest.raises(SettingsError) as problem:
        check("https://evil.example/v1")
    for word in ("evil.example", "api.hibob.com", "api.sandbox.hibob.com", "ROLLCALL_ALLOWED_HOSTS"):
        assert word in str(problem.value)


# --- what the operator allows -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8799/v1", "127.0.0.1"),
        ("http://localhost:8799/v1", "localhost"),
        ("http://LOCALHOST/v1", "LocalHost"),
        ("http://[::1]:8799/v1", "::1"),
        ("http://[::1]:8799/v1", "[::1]"),
        ("https://hibob.test/v1", "hibob.test"),
        ("http://api.hibob.com/v1", "api.hibob.com"),
    ],
)
def test_a_host_that_the_operator_names_may_be_reached_by_http_and_on_any_port(url: str, allowed: str) -> None:
    assert check(url, "first.example", f" {allowed} ", "") == url


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.2/v1", "127.0.0.1"),
        ("http://127.1/v1", "127.0.0.1"),
        ("http://2130706433/v1", "127.0.0.1"),
        ("http://localhost/v1", "127.0.0.1"),
        ("http://[0:0:0:0:0:0:0:1]/v1", "::1"),
        ("http://sub.hibob.test/v1", "hibob.test"),
        ("http://hibob.test.evil.example/v1", "hibob.test"),
        ("http://api.hibob.com/v1", "127.0.0.1"),
        ("ftp://127.0.0.1/v1", "127.0.0.1"),
        ("http://evil.example/v1", "*"),
        ("http://evil.example/v1", ".example"),
    ],
)
def test_only_the_named_host_itself_is_added(url: str, allowed: str) -> None:
    with pytest.raises(SettingsError):
        check(url, allowed)


@pytest.mark.parametrize("environment", [{}, {"ROLLCALL_ALLOWED_HOSTS": ""}, {"ROLLCALL_ALLOWED_HOSTS": " , ,"}])
def test_without_names_nothing_is_added(environment: dict[str, str]) -> None:
    assert allowed_hosts(environment) == NOBODY


PARTS = (
    "http", "https", ":", "/", "//", "\\", "@", "?", "#", ".", "%", "%2f", "%00", "[", "]", "443", "80", " ", "\t", "\n",
    "api.hibob.com", "evil.example", "127.0.0.1", "::1", "user", "v1", "API", "hibob", "com", "。", "ａ", "ß", "\u200b",
)  # fmt: skip


@settings(max_examples=1500)
@given(
    st.lists(st.sampled_from(PARTS), max_size=6).map("".join),
    st.sampled_from(["", "https://", "https://api.hibob.com", "https://api.hibob.com/v1"]),
    st.lists(st.sampled_from(PARTS), max_size=5).map("".join),
)
def test_whatever_is_accepted_leads_the_http_client_to_hibob_over_https(before: str, middle: str, after: str) -> None:
    try:
        url = connects_to(before + middle + after)
    except (SettingsError, httpx.InvalidURL):  # an address that the client does not understand goes nowhere
        return
    assert url.host in HIBOB_HOSTS
    assert (url.scheme, url.port, url.username, url.password) == ("https", None, "", "")


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.skillcast.io/skillcastApi/scim",
        "https://acme.skillcast.io:443/skillcastApi/scim/",
        "HTTPS://ACME.Skillcast.IO/skillcastApi/scim",
        "https://uk.acme-2.skillcast.io/scim",
    ],
)
def test_every_portal_below_skillcasts_name_is_allowed_over_https(url: str) -> None:
    assert check_base_url(url, SKILLCAST_HOSTS, NOBODY) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.skillcast.io/scim",
        "https://acme.skillcast.io:8443/scim",
        "https://skillcast.io/scim",
        "https://.skillcast.io/scim",
        "https://acme..skillcast.io/scim",
        "https://-.skillcast.io/scim",
        "https://acmeskillcast.io/scim",
        "https://acme.skillcast.io.evil.example/scim",
        "https://evil.example/acme.skillcast.io",
        "https://evil.example#.skillcast.io",
        "https://evil.example\\.skillcast.io/scim",
        "https://acme.skillcast.io@evil.example/scim",
        "https://acme_.skillcast.io/scim",
        "https://acme.skillcast.io./scim",
        "https://*.skillcast.io/scim",
        "https://api.hibob.com/v1",
    ],
)
def test_what_only_looks_like_a_portal_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        check_base_url(url, SKILLCAST_HOSTS, NOBODY)


# --- where a name leads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.0.7", "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
                "0.0.0.0", "::",  # noqa: S104 - it is refused
                "::1", "fd00::1", "fe80::1", "fe80::1%eth0", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
                "2002:0a00:0001::1", "ff0e::1"],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    addresses_of = public_only(frozenset(), lambda host: ["104.18.0.1", address])
    with pytest.raises(SettingsError, match="not an address of the internet"):
        addresses_of("api.hibob.com")


def test_a_name_that_leads_outside_may_be_connected_to_where_it_leads() -> None:
    outside = ["104.18.0.1", "2606:4700::1", "64:ff9b::104.18.0.1"]
    assert public_only(frozenset(), lambda host: outside)("api.hibob.com") == outside


def test_a_host_that_the_operator_allows_may_lead_inside() -> None:
    allowed = public_only(frozenset({"hibob.internal"}), lambda host: ["10.0.0.1"])
    assert allowed("HiBob.internal") == ["10.0.0.1"]


# --- and where the connection goes ------------------------------------------------------------------------


TIMEOUT = Timeout(5)
NAME = "api.hibob.invalid"
"""No name server knows it: a connection can only have come about by the addresses that were given."""


def fetch(server: ScriptedServer, addresses_of: Callable[[str], Sequence[str]]) -> Answer:
    port = server.host.rpartition(":")[2]
    with Http(f"http://{NAME}:{port}/v1", login=("id", "token"), timeout=TIMEOUT, addresses_of=addresses_of) as http:
        return http.request("GET", "/people")


def test_the_connection_goes_to_the_address_that_was_checked_and_looks_the_name_up_no_second_time() -> None:
    asked: list[str] = []

    def once(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with ScriptedServer(answer("[]")) as server:
        assert fetch(server, once).content == b"[]"
    assert asked == [NAME]
    assert server.requests[0].headers["host"].startswith(f"{NAME}:")


def test_a_name_that_leads_inside_only_when_it_is_connected_to_is_refused_and_nothing_is_sent() -> None:
    answers = iter([["104.18.0.1"], ["127.0.0.1"], ["104.18.0.1"]])
    addresses_of = public_only(frozenset(), lambda host: next(answers))
    assert addresses_of(NAME) == ["104.18.0.1"]
    with ScriptedServer(answer("[]")) as server, pytest.raises(SettingsError, match="leads to 127"):
        fetch(server, addresses_of)
    assert server.requests == []


def test_each_new_connection_is_checked_anew() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    with ScriptedServer(answer("[]")) as server:
        port = server.host.rpartition(":")[2]
        checked = public_only(frozenset(), lambda host: next(answers))
        first = public_only(frozenset({NAME}), lambda host: next(answers))
        turns = iter([first, checked])
        with Http(f"http://{NAME}:{port}", timeout=TIMEOUT, addresses_of=lambda host: next(turns)(host)) as http:
            assert http.request("GET", "/one").status == 200
            with pytest.raises(SettingsError, match=r"leads to 10\.0\.0\.1"):
                http.request("GET", "/two")
    assert [each.path for each in server.requests] == ["/one"]


def test_where_one_address_does_not_answer_the_next_is_tried() -> None:
    with ScriptedServer(answer("[]")) as server:
        assert fetch(server, lambda host: ["127.0.0.2", "127.0.0.1"]).status == 200


def test_a_name_that_nobody_knows_is_a_connection_that_failed() -> None:
    def unknown(host: str) -> Sequence[str]:
        raise socket.gaierror

    with ScriptedServer(answer("[]")) as server, pytest.raises(NoConnection):
        fetch(server, unknown)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_is_an_answer_and_not_followed(status: int) -> None:
    with ScriptedServer(answer("[]")) as other, ScriptedServer(answer("", status, location=other.base_url)) as server:
        assert fetch(server, lambda host: ["127.0.0.1"]).status == status
    assert other.requests == []
