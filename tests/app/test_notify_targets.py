"""Notification targets on the page Schedule: added, tested and removed there; the address is never shown again."""

from collections.abc import Callable

import pytest
from installation import DOMAIN, App
from mail_servers import mail_server
from streamlit.testing.v1 import AppTest

from provisioning.errors import Refused, RoleMissing, SettingsError
from provisioning.model import Role
from provisioning.workflow import looking, setting_up, targets, telling

Said = Callable[[AppTest], str]
SECRET = "https://hooks.acme.example/services/hook-s3cret-a1b2"
DEAD = "json://127.0.0.1:9/hook-s3cret-a1b2"
AUDITOR = "auditor@elsewhere.example"
HR, PASSWORD = "hr@acme.example", "mail-s3cret"
NOT_SET_UP = "Mail is not set up on this installation: whoever runs Rollcall does that once (ROLLCALL_MAIL)."


def plain(text: str) -> str:
    return text.replace("\\", "").replace("\u2060", "")


def press(at: AppTest, label: str) -> AppTest:
    return next(each for each in at.button if each.label == label).click().run()


def add(at: AppTest, address: str) -> AppTest:
    next(each for each in at.text_input if each.label == "Address").set_value(address)
    return press(at, "Add")


def test_a_target_is_added_and_shows_when_it_was_set_and_how_it_ends(app: App, said: Said) -> None:
    at = add(app.open("schedule"), SECRET)
    shown = plain(said(at))
    assert "jsons://hooks.acme.example" in shown
    assert "ends in a1b2" in shown
    assert "s3cret" not in shown + str(at.main)
    (target,) = targets.targets_seen(app.house(), DOMAIN)
    assert (target.variable, target.name, target.tried_at) == ("", "jsons://hooks.acme.example", None)
    assert b"s3cret" not in (app.data / "rollcall.db").read_bytes()


def test_a_test_says_with_each_target_what_came_of_it_and_a_dead_one_can_be_removed(app: App, said: Said) -> None:
    at = press(add(app.open("schedule"), DEAD), "Send a test")
    assert "json://127.0.0.1 did not take the message" in plain(said(at))
    assert "s3cret" not in said(at)
    assert "Nobody is told" in said(press(at, "Remove"))
    assert targets.targets_seen(app.house(), DOMAIN) == []
    events = [each.what for each in looking.see_history(app.house(), DOMAIN)][:3]
    assert events == ["notification target removed", "test message sent", "notification target added"]
    assert not any("s3cret" in str(each) for each in looking.see_history(app.house(), DOMAIN))


def serve_mail(app: App, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    mail = f"mailto://rollcall:{PASSWORD}@127.0.0.1:{port}?from=rollcall@acme.example"
    monkeypatch.setenv("ROLLCALL_MAIL", mail)
    app.environment["ROLLCALL_MAIL"] = mail


def write_to(at: AppTest, address: str) -> AppTest:
    next(each for each in at.text_input if each.label == "E-mail address").set_value(address)
    return press(at, "Add")


def test_an_e_mail_address_is_all_that_hr_enters_and_a_mail_comes(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    with mail_server(("rollcall", PASSWORD)) as (mailbox, port):
        serve_mail(app, monkeypatch, port)
        at = app.open("schedule")
        assert "Mails come from rollcall@acme.example." in plain(said(at))
        at = press(write_to(at, " HR@Acme.example "), "Send a test")
    (mail,) = mailbox.mails
    assert (mail["to"], mail["subject"]) == (HR, f"{DOMAIN}: a test")
    shown = plain(said(at))
    assert HR in shown
    assert "ends in" not in shown
    assert "s3cret" not in shown + str(at.main)
    (target,) = targets.targets_seen(app.house(), DOMAIN)
    assert (target.name, target.problem) == (HR, "")
    history = looking.see_history(app.house(), DOMAIN)
    assert ("notification target added", HR) in [(each.what, each.details.get("target")) for each in history]
    assert not any("s3cret" in str(each) for each in history)
    assert b"s3cret" not in (app.data / "rollcall.db").read_bytes()


@pytest.mark.parametrize("typed", ["", "hr", "hr@acme.example, x@y.example", SECRET])
def test_what_is_no_e_mail_address_is_told_and_stays_in_its_field(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said, typed: str
) -> None:
    serve_mail(app, monkeypatch, 9)
    at = write_to(app.open("schedule"), typed)
    assert "This is not an e-mail address. Enter one alone, such as hr@acme.example." in plain(said(at))
    assert next(each.value for each in at.text_input if each.label == "E-mail address") == typed
    assert targets.targets_seen(app.house(), DOMAIN) == []


def test_once_it_is_added_the_field_is_empty_and_the_same_address_is_told_once(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    serve_mail(app, monkeypatch, 9)
    at = write_to(app.open("schedule"), HR)
    assert next(each.value for each in at.text_input if each.label == "E-mail address") == ""
    assert "This address is told already." in plain(said(write_to(at, HR.upper())))


def test_without_a_mail_server_the_form_says_who_sets_it_up_and_takes_ones_own(app: App, said: Said) -> None:
    at = app.open("schedule")
    assert NOT_SET_UP in plain(said(at))
    assert [each.label for each in at.text_input] == ["Address"]
    at = add(at, "mailtos://hr:mail-s3cret@mail.acme.example?from=rollcall@acme.example&to=hr@acme.example")
    assert "mailtos://mail.acme.example" in plain(said(at))
    with pytest.raises(SettingsError, match="Mail is not set up"):
        targets.add_notify_target(app.house(), DOMAIN, f"email:{HR}")


def test_the_other_ways_say_what_to_paste_and_ask_for_no_mail_server(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    serve_mail(app, monkeypatch, 9)
    at = app.open("schedule")
    ways = next(each for each in at.radio if "Slack" in each.options)
    for way, words in (
        ("Slack", "hooks.slack.com"),
        ("Teams", "Send webhook alerts"),
        ("Another system", "mailtos://"),
    ):
        ways.set_value(way).run()
        assert words in plain(said(at))
        assert [each.label for each in at.text_input] == ["Address"]
    assert "jsons://hooks.acme.example" in plain(said(add(at, SECRET)))


def test_when_the_mail_server_is_taken_away_its_addresses_say_so_and_when_it_is_back_they_are_told(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    with mail_server(("rollcall", PASSWORD)) as (mailbox, port):
        serve_mail(app, monkeypatch, port)
        targets.add_notify_target(app.house(), DOMAIN, f"email:{HR}")
        monkeypatch.delenv("ROLLCALL_MAIL")
        at = app.open("schedule")
        assert [plain(each.value) for each in at.error] == [NOT_SET_UP]
        assert "Cannot be told" in said(at)
        at = press(at, "Send a test")
        assert "Did not arrive" in said(at)
        assert HR in said(at)
        assert mailbox.mails == []
        serve_mail(app, monkeypatch, port)
        press(at, "Send a test")
        assert len(mailbox.mails) == 1


def test_a_wrong_mail_server_is_said_without_its_password(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.setenv("ROLLCALL_MAIL", f"mailtos://rollcall:{PASSWORD}@mail.acme.example")
    shown = plain(said(app.open("schedule")))
    assert "ROLLCALL_MAIL does not say from which e-mail address mails come" in shown
    assert "s3cret" not in shown


def test_the_set_up_file_may_name_an_e_mail_address(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    house, operator = app.house(), app.house(None)
    app.environment["HR"] = f"email:{HR}"
    named = setting_up.export(operator, "Northwind Trading").replace(
        "[[domains]]", '[[domains]]\nnotify = [{ env = "HR" }]'
    )
    with pytest.raises(SettingsError, match="Mail is not set up"):
        setting_up.set_up(operator, named)
    with mail_server(("rollcall", PASSWORD)) as (mailbox, port):
        serve_mail(app, monkeypatch, port)
        assert setting_up.set_up(operator, named)
        assert [(each.variable, each.name, each.problem) for each in targets.send_test(house, DOMAIN)] == [
            ("HR", HR, "")
        ]
    assert [mail["to"] for mail in mailbox.mails] == [HR]
    app.environment["HR"] = "email:hr"
    with pytest.raises(SettingsError, match="not an e-mail address"):
        setting_up.set_up(operator, named)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "Enter an address"),
        ("file:///etc/passwd", "cannot go to file"),
        ("json://10.0.0.1/a", "numeric address"),
        ("https://localhost/a", "this machine"),
        ("slack://only-one-part", "lacks something"),
        ("jsons://hooks.acme.example/?verify=no", "cannot have the parameter"),
        ("https://[half", "no address"),
    ],
)
def test_an_address_that_the_set_up_file_may_not_name_is_refused_here_too(app: App, address: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        targets.add_notify_target(app.house(), DOMAIN, address)
    assert targets.targets_seen(app.house(), DOMAIN) == []


def test_one_target_is_not_told_twice(app: App) -> None:
    targets.add_notify_target(app.house(), DOMAIN, SECRET)
    with pytest.raises(SettingsError, match="already"):
        targets.add_notify_target(app.house(), DOMAIN, SECRET)


def test_removing_what_somebody_else_replaced_is_refused(app: App) -> None:
    house = app.house()
    (target,) = targets.add_notify_target(house, DOMAIN, SECRET)
    targets.drop_notify_target(house, DOMAIN, target.place, target.set_at)
    with pytest.raises(Refused, match="changed meanwhile"):
        targets.drop_notify_target(house, DOMAIN, target.place, target.set_at)


def test_what_waits_for_a_removed_target_is_given_up_and_goes_to_no_other(app: App) -> None:
    house = app.house()
    (dead,) = targets.add_notify_target(house, DOMAIN, DEAD)
    targets.send_test(house, DOMAIN)
    targets.drop_notify_target(house, DOMAIN, dead.place, dead.set_at)
    (fresh,) = targets.add_notify_target(house, DOMAIN, SECRET)
    assert fresh.place != dead.place
    assert (fresh.tried_at, fresh.problem) == (None, "")
    assert telling.undelivered(house, DOMAIN) == {}


def test_the_set_up_file_leaves_alone_what_was_added_on_the_page(app: App) -> None:
    house, operator = app.house(), app.house(None)
    targets.add_notify_target(house, DOMAIN, SECRET)
    app.environment["NOTIFY_URL"] = "jsons://hooks.acme.example/another-one-of-the-file"
    text = setting_up.export(operator, "Northwind Trading")
    assert "s3cret" not in text
    named = text.replace("[[domains]]", '[[domains]]\nnotify = [{ env = "NOTIFY_URL" }]')
    assert setting_up.set_up(operator, named)
    assert [each.variable for each in targets.targets_seen(house, DOMAIN)] == ["NOTIFY_URL", ""]
    assert setting_up.set_up(operator, named) == []
    first = targets.targets_seen(house, DOMAIN)[0]
    targets.drop_notify_target(house, DOMAIN, first.place, first.set_at)
    assert [each.variable for each in targets.targets_seen(house, DOMAIN)] == [""]
    assert "NOTIFY_URL" not in setting_up.export(operator, "Northwind Trading")


def test_an_auditor_sees_the_targets_and_changes_none(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    targets.add_notify_target(app.house(), DOMAIN, SECRET)
    setting_up.grant(app.house(), AUDITOR, Role.AUDITOR, "Northwind Trading")
    monkeypatch.setenv("ROLLCALL_LOCAL_USER", AUDITOR)
    at = app.open("schedule")
    assert [each.label for each in at.button] == []
    assert [each.label for each in at.text_input] == []
    assert any("ends in a1b2" in plain(each.value) for each in at.caption)
    with pytest.raises(RoleMissing):
        targets.add_notify_target(app.house(AUDITOR), DOMAIN, DEAD)
