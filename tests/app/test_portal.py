"""A portal as the target: set on the Connect page, tested with what it says of itself, suggested in the mapping."""

from collections.abc import Callable, Iterator

import pytest
from installation import DOMAIN, App
from scim_servers import PORTAL, TOKEN, ScimServer, answers
from streamlit.testing.v1 import AppTest

from provisioning.store.jobs import JobKind
from provisioning.workflow import asking, editing, portals

Said = Callable[[AppTest], str]


@pytest.fixture
def portal() -> Iterator[ScimServer]:
    with ScimServer() as running:
        yield running


def save(at: AppTest, url: str, token: str) -> AppTest:
    at.radio[0].set_value("Skillcast (SCIM 2.0)").run()
    next(each for each in at.text_input if each.label == "SCIM address").set_value(url)
    next(each for each in at.text_input if each.label == "Portal token").set_value(token)
    return next(each for each in at.button if each.label == "Save the target").click().run()


def test_a_portal_is_set_and_its_token_is_never_shown(app: App, portal: ScimServer, said: Said) -> None:
    at = save(app.open("connect"), portal.base_url, TOKEN)
    assert not at.error
    assert portals.target_seen(app.house(), DOMAIN).token_ends_in == TOKEN[-4:]
    at = app.open("connect")
    assert TOKEN not in said(at)
    assert all(each.value != TOKEN for each in at.text_input)
    field = next(each for each in at.text_input if each.label == "Portal token")
    assert "ends in" in field.placeholder


@pytest.mark.parametrize("url", ["", "ftp://acme", "https://evil.example/scim", "http://acme.skillcast.io/scim"])
def test_an_address_that_is_no_portals_is_refused(app: App, url: str) -> None:
    at = save(app.open("connect"), url, TOKEN)
    assert at.error
    assert portals.target_seen(app.house(), DOMAIN).scim is None


def test_a_stored_token_is_not_sent_to_another_address(app: App, portal: ScimServer) -> None:
    save(app.open("connect"), portal.base_url, TOKEN)
    at = save(app.open("connect"), portal.base_url + "/other", "")
    assert "not sent to another address" in at.error[0].value.replace("\\", "")


def test_the_test_shows_what_the_portal_says_and_what_speaks_against_the_mapping(
    app: App, portal: ScimServer, said: Said
) -> None:
    house = app.house()
    portals.save_target(house, DOMAIN, portal.base_url, TOKEN, "")
    asking.ask(house, DOMAIN, JobKind.CHECK)
    app.work()
    at = app.open("connect")
    frame = next(each.value for each in at.dataframe if "The portal says" in each.value.columns)
    assert "Many changes in one request (Bulk)" in list(frame["What"])
    assert any("schemas do not name" in each.value.replace("\\", "") for each in at.warning)


def test_a_portal_that_refuses_the_token_is_said(app: App) -> None:
    with ScimServer(answers(401, None)) as portal:
        portals.save_target(app.house(), DOMAIN, portal.base_url, "wrong-token", "")
        asking.ask(app.house(), DOMAIN, JobKind.CHECK)
        app.work()
        at = app.open("connect")
    assert any("token" in each.value for each in at.error)
    assert all("wrong-token" not in each.value for each in at.error)


def test_after_a_test_the_mapping_suggests_the_portals_attributes(app: App, portal: ScimServer) -> None:
    house = app.house()
    portals.save_target(house, DOMAIN, portal.base_url, TOKEN, "")
    asking.ask(house, DOMAIN, JobKind.CHECK)
    app.work()
    found = editing.suggest(house, DOMAIN, ())
    assert all(("HiBob the column" in each.reason) is bool(each.attribute.data_feed_name) for each in found)
    rows = [each.attribute for each in found]
    assert {"userName", "name.givenName", f"{PORTAL}:costCentre"} <= {each.name for each in rows}
    assert next(each for each in rows if each.name == "userName").data_feed_name == "root.email"
