"""E-mail addresses as targets: the operator names the mail server once, and it is added when something is sent."""

import pytest
from mail_servers import mail_server

from provisioning import notify
from provisioning.errors import SettingsError
from provisioning.notify import Letter, check_target, send

NOBODY_MORE = frozenset[str]()
PASSWORD = "p@ss/w?rd#%s3cret"
CODED = "p%40ss%2Fw%3Frd%23%25s3cret"
SERVER = f"mailtos://rollcall:{CODED}@mail.acme.example?from=rollcall@acme.example"


def letter(address: str) -> Letter:
    return Letter(f"email:{address}", "Acme/staff: 2 changes wait", "2 to be added, München.")


@pytest.mark.parametrize(
    "address", ["hr@acme.example", "hr+rollcall@acme.example", "o'neil@acme.example", "x_y-z@a-b.example"]
)
def test_the_mail_goes_to_that_address_alone_by_the_operators_server(address: str) -> None:
    with mail_server(("rollcall", PASSWORD)) as (mailbox, port):
        mail = f"mailto://rollcall:{CODED}@127.0.0.1:{port}?from=told@acme.example"
        assert send([letter(address)], NOBODY_MORE, mail=mail) == [""]
    (got,) = mailbox.mails
    assert mailbox.to == [[address]]
    assert (got["to"], got["from"], got["subject"]) == (address, "told@acme.example", "Acme/staff: 2 changes wait")
    assert "2 to be added, München." in got.get_content()


def test_all_follow_when_the_operator_names_another_server() -> None:
    with mail_server() as (old, first), mail_server() as (new, second):
        for port in (first, second):
            send([letter("hr@acme.example")], NOBODY_MORE, mail=f"mailto://127.0.0.1:{port}?from=a@acme.example")
        assert (len(old.mails), len(new.mails)) == (1, 1)


def test_what_the_server_refuses_is_said_without_its_password() -> None:
    with mail_server(("rollcall", "another"), "gone@acme.example") as (_, port):
        for login, address in ((CODED, "hr@acme.example"), ("another", "gone@acme.example")):
            mail = f"mailto://rollcall:{login}@127.0.0.1:{port}?from=told@acme.example"
            (problem,) = send([letter(address)], NOBODY_MORE, mail=mail)
            assert f"The mail server did not take the message for {address}." in problem
            assert "ROLLCALL_MAIL" in problem
            assert "another" not in problem


def test_without_a_server_the_mail_alone_fails_and_says_who_sets_it_up() -> None:
    with mail_server() as (mailbox, port):
        own = Letter(f"mailto://127.0.0.1:{port}?from=a@b.example&to=hr@acme.example", "Title", "Body")
        problems = send([letter("hr@acme.example"), own], frozenset({"127.0.0.1"}))
    assert problems == [
        "Mail is not set up on this installation: whoever runs Rollcall does that once (ROLLCALL_MAIL).",
        "",
    ]
    assert len(mailbox.mails) == 1


def test_the_operators_server_serves_e_mail_addresses_alone() -> None:
    """Whoever types an address may not reach this machine because the mail server is there."""
    with mail_server() as (mailbox, port):
        own = Letter(f"mailto://127.0.0.1:{port}?from=a@b.example&to=hr@acme.example", "Title", "Body")
        (problem,) = send([own], NOBODY_MORE, mail=f"mailto://127.0.0.1:{port}?from=a@acme.example")
    assert "this machine or a numeric address" in problem
    assert mailbox.mails == []


@pytest.mark.parametrize(
    "address",
    [
        "", "hr", "hr@", "@acme.example", "hr@acme", "hr@acme.example,x@y.example", "hr@acme.example;x@y.example",
        "hr@acme.example x@y.example", "HR <hr@acme.example>", "hr@acme.example\nBcc: x@y.example", "hr@acme..example",
        "//hr@acme.example", "hr@acme.example?bcc=x@y.example", "hr@acme.example&to=x@y.example", "hr%2C@acme.example",
        "hr@acme.example/x@y.example", "hr@münchen.example", "hr@-acme.example", f"{'h' * 250}@acme.example",
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="not an e-mail address"):
        check_target(f"email:{address}", NOBODY_MORE, SERVER)
    with mail_server() as (mailbox, port):
        assert send([letter(address)], NOBODY_MORE, mail=f"mailto://127.0.0.1:{port}?from=a@acme.example") != [""]
    assert mailbox.mails == []


def test_an_address_is_called_by_itself_in_small_letters() -> None:
    assert notify.as_target(" Email: HR@Acme.example ") == "email:hr@acme.example"
    assert notify.is_understood("email:hr@acme.example")
    assert check_target("email:HR@Acme.example", NOBODY_MORE, SERVER) == "hr@acme.example"


@pytest.mark.parametrize(
    ("mail", "name", "sender"),
    [
        (SERVER, "mailtos://mail.acme.example:587", "rollcall@acme.example"),
        (f" {SERVER}&mode=ssl&name=Rollcall\n", "mailtos://mail.acme.example:465", "rollcall@acme.example"),
        ("mailto://localhost?from=Rollcall@acme.example", "mailto://localhost:25", "Rollcall@acme.example"),
        ("mailtos://me:pw@gmail.com?from=me@gmail.com", "mailtos://smtp.gmail.com:587", "me@gmail.com"),
        ("mailtos://u%40a.example:pw@a.example:2525?smtp=out.a.example&from=u@a.example", "mailtos://out.a.example:2525", "u@a.example"),
    ],
)  # fmt: skip
def test_the_servers_name_and_sender_are_read_from_what_the_operator_wrote(mail: str, name: str, sender: str) -> None:
    server = notify.mail_server(mail)
    assert server is not None
    assert (server.name, server.sender) == (name, sender)
    assert "s3cret" not in repr(server)


def test_nothing_said_is_no_server() -> None:
    assert notify.mail_server(" ") is None
    assert notify.mail_of({}) == ""


HOST = "mail.acme.example"
FROM = "from=rollcall@acme.example"


@pytest.mark.parametrize(
    ("mail", "why"),
    [
        ("s3cret", "no mail server’s address"),
        (f"smtps://u:s3cret@{HOST}?{FROM}", "no mail server’s address"),
        (f"mailtos:s3cret@{HOST}", "no mail server’s address"),
        (f"mailtos://?{FROM}", "no mail server’s address"),
        (f"mailtos://u:s3#cret@{HOST}?{FROM}", "no mail server’s address"),
        (f"mailtos://u:s3 cret@{HOST}?{FROM}", "no mail server’s address"),
        (f"mailtos://u:[s3cret@{HOST}?{FROM}", "no mail server’s address"),
        (f"mailtos://u:s3/cret@{HOST}?{FROM}", "should be %2F"),
        (f"mailtos://u:s3cret@{HOST}/hr@acme.example?{FROM}", "names somebody to write to"),
        (f"mailtos://u:s3cret@{HOST}?{FROM}&To=hr@acme.example", "names somebody to write to"),
        (f"mailtos://u:s3cret@{HOST}?{FROM}&bcc=hr@acme.example", "names somebody to write to"),
        (f"mailtos://u:s3cret@{HOST}?{FROM}&verify=no", "cannot have the parameters"),
        (f"mailtos://u:s3cret@{HOST}?{FROM}&pgp=sign&pgpprv=/etc/passwd", "cannot have the parameters"),
        (f"mailtos://u:s3?cret@{HOST}?{FROM}", "from which e-mail address"),
        (f"mailtos://u:s3cret@{HOST}", "from which e-mail address"),
        (f"mailtos://u:s3cret@{HOST}?from=Rollcall", "from which e-mail address"),
        (f"mailtos://u:s3cret@{HOST}?{FROM}&mode=s3cret", "cannot be"),
        (f"mailtos://u:s3cret@no_host?{FROM}", "cannot be"),
    ],
)
def test_a_wrong_rollcall_mail_says_what_is_wrong_and_nothing_of_itself(mail: str, why: str) -> None:
    with pytest.raises(SettingsError, match=r"^ROLLCALL_MAIL ") as refused:
        notify.mail_server(mail)
    assert why in str(refused.value)
    assert "s3" not in str(refused.value)
    assert send([letter("hr@acme.example")], NOBODY_MORE, mail=mail) == [str(refused.value)]
