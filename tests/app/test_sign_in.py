"""What the configuration decides: who is let in as whom; and that a broken one lets in nobody."""

from copy import deepcopy
from typing import Any

import pytest
from installation import ADMIN, ROOT, App
from streamlit.testing.v1 import AppTest

from provisioning.errors import SettingsError
from provisioning.web.sign_in import local_actor

AUTH: dict[str, Any] = {
    "redirect_uri": "https://rollcall.example/oauth2callback",
    "cookie_secret": "c" * 32,
    "client_id": "rollcall",
    "client_secret": "s" * 32,
    "server_metadata_url": "https://id.example/.well-known/openid-configuration",
}
SIGNED_IN = {"is_logged_in": True, "sub": "1", "iss": "https://id.example", "email": ADMIN, "email_verified": True}


@pytest.fixture
def server(app: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """The example customer, where nobody is named to sit at the machine."""
    monkeypatch.delenv("ROLLCALL_LOCAL_USER")
    return app


def visit(app: App, secrets: dict[str, Any], **user: Any) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.secrets = deepcopy(secrets)
    if user:
        at.user = user
    return at.run()


def lets_nobody_in(at: AppTest) -> bool:
    return not at.sidebar.selectbox and not at.metric and "Overview" not in [each.value for each in at.title]


@pytest.mark.parametrize("missing", AUTH)
def test_a_sign_in_that_lacks_a_part_lets_nobody_in_and_names_it(server: App, missing: str) -> None:
    at = visit(server, {"auth": {name: value for name, value in AUTH.items() if name != missing}})
    assert lets_nobody_in(at)
    assert missing.replace("_", "\\_") in at.error[0].value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cookie_secret", "short"),
        ("client_id", ""),
        ("client_secret", 7),
        ("redirect_uri", "http://rollcall.example/oauth2callback"),
        ("redirect_uri", "https://rollcall.example/elsewhere"),
        ("redirect_uri", "oauth2callback"),
        ("server_metadata_url", "http://id.example/x"),
        ("server_metadata_url", "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"),
        ("server_metadata_url", "https://login.microsoftonline.com/Common/v2.0/.well-known/openid-configuration"),
        ("server_metadata_url", "https://[broken"),
    ],
)
def test_a_sign_in_that_would_be_unsafe_or_fail_lets_nobody_in(server: App, key: str, value: Any) -> None:
    at = visit(server, {"auth": AUTH | {key: value}})
    assert lets_nobody_in(at)
    assert len(at.error) == 1


@pytest.mark.parametrize(
    "secrets",
    [
        {"auth": "yes"},
        {"auth": AUTH, "rollcall": {"groups": {"hr": "boss"}}},
        {"auth": AUTH, "rollcall": 1},
        {"auth": {}},
    ],
    ids=str,
)
def test_a_strange_configuration_lets_nobody_in(server: App, secrets: dict[str, Any]) -> None:
    at = visit(server, secrets)
    assert lets_nobody_in(at)
    assert len(at.error) == 1


def test_local_mode_and_sign_in_together_are_refused(app: App) -> None:
    at = visit(app, {"auth": AUTH})
    assert lets_nobody_in(at)
    assert "Take one away" in at.error[0].value


def test_a_server_that_must_have_a_sign_in_has_no_local_mode(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_MODE", "server")
    at = visit(app, {})
    assert lets_nobody_in(at)
    assert "has no" in at.error[0].value


@pytest.mark.parametrize(
    ("bound_to", "headers", "came_from"),
    [
        ("0.0.0.0", {"Host": "127.0.0.1:8501"}, None),  # noqa: S104 - it is refused
        ("::", {"Host": "127.0.0.1:8501"}, None),
        (None, {}, None),
        ("192.0.2.1", {}, None),
        ("127.0.0.1", {"Host": "127.0.0.1:8501"}, "192.0.2.7"),
        ("127.0.0.1", {"Host": "rollcall.example"}, None),
        ("127.0.0.1", {"host": "192.0.2.1:8501"}, None),
        ("127.0.0.1", {"Host": "127.0.0.1.evil.example"}, None),
        ("127.0.0.1", {"Host": "[broken"}, None),
        ("127.0.0.1", {"Host": "127.0.0.1", "x-forwarded-for": "192.0.2.7"}, None),
        ("127.0.0.1", {"Host": "localhost", "Forwarded": "for=192.0.2.7"}, None),
    ],
)
def test_local_mode_answers_only_its_own_machine(
    bound_to: str | None, headers: dict[str, str], came_from: str | None
) -> None:
    with pytest.raises(SettingsError, match="No sign-in is configured"):
        local_actor({"ROLLCALL_LOCAL_USER": ADMIN}, bound_to, headers, came_from)


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501", "rollcall.localhost"])
def test_local_mode_answers_its_own_machine(host: str) -> None:
    assert local_actor({"ROLLCALL_LOCAL_USER": ADMIN}, "127.0.0.1", {"Host": host}, None).email == ADMIN
    assert local_actor({"ROLLCALL_LOCAL_USER": ADMIN}, "localhost", {"Host": host}, None).email == ADMIN


@pytest.mark.parametrize(
    "claims",
    [
        {"email": None},
        {"email": "not an address"},
        {"email": ["admin@northwind.example"]},
        {"iat": None},
        {"iat": "yesterday"},
        {"iat": 1e300},
        {"sub": None},
        {"iss": ""},
        {"email_verified": False},
        {"email_verified": "false"},
        {"is_logged_in": False},
    ],
    ids=str,
)
def test_a_cookie_that_does_not_say_all_it_must_lets_nobody_in(server: App, claims: dict[str, Any]) -> None:
    at = visit(server, {"auth": AUTH}, **(SIGNED_IN | {"iat": server.house().clock().timestamp()} | claims))
    assert lets_nobody_in(at)
    assert "Sign in" in [each.label for each in at.button]


def test_a_member_who_signed_in_is_let_in(server: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_KEY_FILE", str(server.data / "elsewhere.key"))
    (server.data / "rollcall.key").rename(server.data / "elsewhere.key")
    at = visit(server, {"auth": AUTH}, **SIGNED_IN, iat=server.house().clock().timestamp())
    assert not at.error
    assert at.sidebar.selectbox
    assert ADMIN in [each.value for each in at.sidebar.text]


PART = {name: AUTH[name] for name in ("client_id", "client_secret", "server_metadata_url")}
TWO = {name: AUTH[name] for name in ("redirect_uri", "cookie_secret")} | {"okta": PART, "entra": PART}
THEIRS = {"addresses": ["globex.example"], "groups": {"bosses": "admin:Globex"}}
SPEAK = {"okta": {"addresses": ["@Northwind.example"]}, "entra": THEIRS}


def test_each_provider_has_its_button(server: App) -> None:
    at = visit(server, {"auth": TWO, "rollcall": {"providers": SPEAK}})
    assert [each.label for each in at.button] == ["Sign in with Okta", "Sign in with Entra"]


@pytest.mark.parametrize(
    "providers",
    [{}, {"okta": THEIRS}, SPEAK | {"entra": {}}, SPEAK | {"entra": {"addresses": "*"}}, SPEAK | {"other": THEIRS}],
    ids=str,
)
def test_of_several_providers_each_must_say_for_whom_it_speaks(server: App, providers: dict[str, Any]) -> None:
    at = visit(server, {"auth": TWO, "rollcall": {"providers": providers}})
    assert lets_nobody_in(at)
    assert len(at.error) == 1


def enter_by(server: App, provider: str, monkeypatch: pytest.MonkeyPatch, **claims: Any) -> AppTest:
    monkeypatch.setenv("ROLLCALL_KEY_FILE", str(server.data / "elsewhere.key"))
    (server.data / "rollcall.key").rename(server.data / "elsewhere.key")
    own = {"providers": SPEAK, "groups": {"bosses": "admin:Northwind Trading"}}
    issued = server.house().clock().timestamp()
    return visit(server, {"auth": TWO, "rollcall": own}, **(SIGNED_IN | {"iat": issued, "provider": provider} | claims))


def test_a_provider_lets_its_own_people_in(server: App, monkeypatch: pytest.MonkeyPatch) -> None:
    at = enter_by(server, "okta", monkeypatch)
    assert not at.error
    assert ADMIN in [each.value for each in at.sidebar.text]


@pytest.mark.parametrize("provider", ["entra", "default", ""])
def test_a_provider_cannot_say_that_somebody_is_another_ones_admin(
    server: App, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    at = enter_by(server, provider, monkeypatch)
    assert lets_nobody_in(at)
    assert "another identity provider" in at.info[0].value


def test_a_providers_groups_give_nothing_at_another_customer(server: App, monkeypatch: pytest.MonkeyPatch) -> None:
    at = enter_by(server, "entra", monkeypatch, email="boss@globex.example", groups=["bosses"])
    assert lets_nobody_in(at)
    assert "You are not a member yet" in [each.value for each in at.title]
