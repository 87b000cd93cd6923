"""Telling people outside: what really arrives at a mail server and at a webhook, what is refused, and what a dead target
does to everybody else."""

import json
import socket
import time

import pytest
from mail_servers import mail_server
from servers import RESET, SILENCE, Fault, ScriptedServer, answer

from provisioning import notify
from provisioning.errors import SettingsError
from provisioning.notify import Letter, check_target, send

HERE = frozenset({"127.0.0.1"})
TITLE, BODY = (
    "Acme/staff: 2 changes wait for approval",
    "2 to be added, München.\n\nhttps://rollcall.example/preview?plan=p1",
)


def letter(url: str) -> Letter:
    return Letter(url, TITLE, BODY)


def test_a_mail_arrives_with_subject_words_and_link() -> None:
    with mail_server() as (mailbox, port):
        url = f"mailto://127.0.0.1:{port}?from=rollcall@skillcast.example&to=admin@acme.example"
        assert send([letter(url)], HERE) == [""]
    (mail,) = mailbox.mails
    assert (mail["subject"], mail["to"]) == (TITLE, "admin@acme.example")
    text = mail.get_body(("plain",))
    assert text is not None
    assert "2 to be added, München." in text.get_content()
    assert "https://rollcall.example/preview?plan=p1" in text.get_content()


def test_a_webhook_gets_title_and_message_as_json() -> None:
    with ScriptedServer(answer("{}")) as server:
        assert send([letter(f"json://{server.host}/hook")], HERE) == [""]
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/hook")
    sent = json.loads(request.body)
    assert (sent["title"], sent["message"]) == (TITLE, BODY)


@pytest.mark.parametrize(
    "script", [answer("no", status=500), answer("no", status=403), RESET], ids=["500", "403", "reset"]
)
def test_a_target_that_refuses_is_named_without_its_secrets(script: bytes | Fault) -> None:
    with ScriptedServer(script) as server:
        (problem,) = send([letter(f"json://user:pass-secret@{server.host}/token-secret")], HERE)
    assert problem == "json://127.0.0.1 did not take the message"


def test_a_dead_target_holds_up_nobody() -> None:
    with ScriptedServer(SILENCE) as dead, ScriptedServer(answer("{}")) as alive:
        began = time.monotonic()
        problems = send([letter(f"json://{dead.host}/"), letter(f"json://{alive.host}/")], HERE, patience=1)
        took = time.monotonic() - began
    assert problems == ["did not answer in time", ""]
    assert took < 3
    assert len(alive.requests) == 1


def test_a_redirect_is_not_followed() -> None:
    with ScriptedServer(answer("{}")) as inside:
        away = answer("", status=307, location=f"http://{inside.host}/stolen")
        with ScriptedServer(away) as server:
            send([letter(f"json://{server.host}/hook")], HERE)
        assert inside.requests == []


def test_nobody_is_told_over_a_port_that_nobody_listens_at() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (problem,) = send(
            [letter(f"mailto://127.0.0.1:{taken.getsockname()[1]}?from=a@b.example&to=c@d.example")], HERE
        )
    assert problem == "mailto://127.0.0.1 did not take the message"


# --- where nothing is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://bot:secret@mail.acme.example",
        "mailto://bot:secret@acme.example?smtp=mail.acme.example&to=admin@acme.example",
        "slack://TokenA123/TokenB456/tokenC789/#general",
        "workflows://prod-12.westeurope.logic.azure.com/workflow/signature/",
        "jsons://hooks.acme.example/rollcall",
    ],
)
def test_mail_slack_teams_and_webhooks_are_targets(url: str) -> None:
    assert check_target(url, frozenset()) in (
        "mailtos://mail.acme.example",
        "mailto://mail.acme.example",
        "slack",
        "workflows://prod-12.westeurope.logic.azure.com",
        "jsons://hooks.acme.example",
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "file"),
        ("syslog://localhost", "syslog"),
        ("dbus://", "dbus"),
        ("https://hooks.acme.example/x", "https"),
        ("", "without a scheme"),
        ("jsons://", "names no host"),
        ("jsons://127.0.0.1/x", "this machine or a numeric address"),
        ("jsons://[::1]/x", "this machine or a numeric address"),
        ("jsons://localhost/x", "this machine or a numeric address"),
        ("jsons://intranet/x", "this machine or a numeric address"),
        ("jsons://169.254.169.254/x", "this machine or a numeric address"),
        ("mailto://bot:secret@127.0.0.1", "this machine or a numeric address"),
        ("mailto://bot:secret@acme.example?smtp=127.0.0.1", "this machine or a numeric address"),
        ("mailto://bot:secret@acme.example?SMTP=localhost", "this machine or a numeric address"),
        ("workflows://a.example/w/s/?template=/etc/passwd", "template"),
        ("mailto://bot:secret@acme.example?pgp=sign&pgpprv=/etc/passwd", "pgp"),
        ("jsons://hooks.acme.example/x?verify=no", "verify"),
        ("jsons://hooks.acme.example/x?redirect=yes", "redirect"),
    ],
)
def test_everything_else_is_refused_and_nothing_is_sent(url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=r"otif|Teams") as refused:
        check_target(url, frozenset())
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)
    (problem,) = send([letter(url)], frozenset())
    assert problem == str(refused.value)


def test_this_machine_is_reached_only_where_the_operator_names_it() -> None:
    with ScriptedServer(answer("{}")) as server:
        (problem,) = send([letter(f"json://{server.host}/hook")], frozenset())
        assert "ROLLCALL_ALLOWED_HOSTS" in problem
        assert server.requests == []


@pytest.mark.parametrize("host", ["localhost", "64:ff9b::127.0.0.1", "2002:7f00:1::1", "239.1.2.3"])
def test_a_public_name_that_leads_into_this_machine_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="private network"):
        notify._check_addresses(host)


def test_an_address_that_apprise_reads_otherwise_is_refused_by_what_apprise_reads() -> None:
    with ScriptedServer(answer("{}")) as server:
        port = server.host.partition(":")[2]
        for url in (
            f"jsons://hooks.acme.example\\@127.0.0.1:{port}/",
            f"jsons://hooks.acme.example#@127.0.0.1:{port}/",
        ):
            (problem,) = send([letter(url)], frozenset(), patience=5)
            assert problem
        assert server.requests == []


SIG = "KODuebWbDGYFr0z0eu-6Rj8aUKz7108W3wrNJZxFE5A"
AZURE = "https://prod-00.westeurope.logic.azure.com:443"
FLOW = "643e69f83c8944438d68119179a10a64"


@pytest.mark.parametrize(
    ("pasted", "target"),
    [
        (
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ//",
        ),
        (
            f"{AZURE}/workflows/{FLOW}/triggers/manual/paths/invoke?api-version=1&sp=%2Frun&sv=1.0&sig={SIG}",
            f"workflow://prod-00.westeurope.logic.azure.com:443/{FLOW}/{SIG}/",
        ),
        (" https://hooks.acme.example/a?key=1&verify=no ", "jsons://hooks.acme.example/a?-key=1&-verify=no"),
        ("http://127.0.0.1:8080/a", "json://127.0.0.1:8080/a"),
        ("mailtos://u:p@mail.acme.example?to=a@b.example", "mailtos://u:p@mail.acme.example?to=a@b.example"),
    ],
)
def test_the_address_that_slack_teams_or_another_shows_becomes_a_target(pasted: str, target: str) -> None:
    assert notify.as_target(pasted) == target
    assert notify.is_understood(target)
    assert check_target(target, HERE)


def test_the_query_of_a_web_address_is_sent_on_to_it() -> None:
    with ScriptedServer(answer("{}")) as server:
        assert send([letter(notify.as_target(f"http://{server.host}/hook?key=s3cret"))], HERE) == [""]
    (request,) = server.requests
    assert request.path == "/hook?key=s3cret"
