"""Notification targets on the page Schedule: added, tested and removed there; the address is never shown again."""

from collections.abc import Callable

import pytest
from installation import DOMAIN, App
from streamlit.testing.v1 import AppTest

from provisioning.errors import Refused, RoleMissing, SettingsError
from provisioning.model import Role
from provisioning.workflow import looking, setting_up, targets, telling

Said = Callable[[AppTest], str]
SECRET = "https://hooks.acme.example/services/hook-s3cret-a1b2"
DEAD = "json://127.0.0.1:9/hook-s3cret-a1b2"
AUDITOR = "auditor@elsewhere.example"


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


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "Enter the target"),
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
    assert any("ends in a1b2" in plain(each.value) for each in at.caption)
    with pytest.raises(RoleMissing):
        targets.add_notify_target(app.house(AUDITOR), DOMAIN, DEAD)
