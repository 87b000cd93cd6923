"""The door: with a real identity provider and a real browser, nobody sees a word of what is not theirs.

Every address is visited first thing after a start, signed out, as every role, and with another customer's ids in it.
What counts is not only what a page shows but every byte that the server sends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from app_server import KEY, ROOT, AppServer, app_server, free_port
from playwright.sync_api import Browser, BrowserContext, Page, expect
from provider import Provider
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from visit import READY, Visit, visit

from provisioning import demo
from provisioning.model import Role
from provisioning.sandbox import Sandbox
from provisioning.store import customers, secrets
from provisioning.workflow import approving, looking, planning, processing, setting_up, telling
from provisioning.workflow.house import Workspace, domains_seen, member
from provisioning.workflow.house import operator as by_operator
from provisioning.workflow.telling import link_to

PAGES = sorted("" if path.stem == "overview" else path.stem for path in (ROOT / "pages").glob("*.py"))
OURS, THEIRS = "Acme", "Globex Secretive"
PEOPLE = {
    Role.ADMIN: "admin@acme.example",
    Role.CSM: "csm@care.example",
    Role.AUDITOR: "auditor@acme.example",
    None: "stranger@nowhere.example",
}


@dataclass
class House:
    """Two customers; `canaries` are theirs alone, `ids` lead to them."""

    data: Path
    canaries: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def workspace(self, email: str | None = None) -> Workspace:
        actor = member(email) if email else by_operator()
        return Workspace(self.data, {"ROLLCALL_KEY": KEY, "ROLLCALL_ALLOWED_HOSTS": "127.0.0.1"}, actor)


def settle(house: House, name: str, admin: str, seed: int) -> tuple[str, str]:
    """A customer with a finished run; returns its plan and run."""
    with Sandbox(people=25, seed=seed) as sandbox:
        text = demo.SETUP.read_text(encoding="utf-8").replace(f"http://127.0.0.1:{demo.PORT}/v1", sandbox.base_url)
        text = text.replace("Northwind Trading", name).replace("Northwind HiBob", f"{name} HiBob")
        operator = house.workspace()
        operator.environment = {**operator.environment, demo.TOKEN_VARIABLE: sandbox.token}
        setting_up.set_up(operator, text)
        setting_up.grant(operator, admin, Role.ADMIN, name)
        chief = house.workspace(admin)
        plan = planning.preview(chief, f"{name}/staff")
        approving.approve(chief, plan.id)
        run = processing.process(chief, plan.id)
        found = [sandbox.token, plan.id, run.id, plan.digest, *(each.key for each in plan.changes)]
        found += [value for each in plan.changes for name in ("Email", "email") if (value := each.after.get(name))]
        operator.db.close()
        chief.db.close()
    if name == THEIRS:
        house.canaries += [THEIRS, admin, *found]
        house.ids = {"customer": name, "domain": "staff", "plan": plan.id, "run": run.id, "person": plan.changes[0].key}
    else:
        house.canaries = [each for each in house.canaries if each not in found]
    return plan.id, run.id


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    found = House(tmp_path_factory.mktemp("door") / "data")
    settle(found, THEIRS, "boss@globex.example", 2)
    settle(found, OURS, PEOPLE[Role.ADMIN], 1)
    operator = found.workspace()
    setting_up.grant(operator, PEOPLE[Role.CSM], Role.CSM, OURS)
    setting_up.grant(operator, PEOPLE[Role.AUDITOR], Role.AUDITOR, OURS)
    operator.db.close()
    return found


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@contextmanager
def serving(house: House, provider: Provider, more: str = "") -> Iterator[AppServer]:
    port = free_port()
    toml = provider.secrets_toml(f"http://127.0.0.1:{port}", more)
    with app_server(house.data, toml, port, ROLLCALL_ALLOWED_HOSTS="127.0.0.1") as running:
        yield running


@pytest.fixture(scope="module")
def server(house: House, provider: Provider) -> Iterator[AppServer]:
    with serving(house, provider) as running:
        yield running


@dataclass
class Guest:
    """A browser, and every byte that came into it."""

    visit: Visit
    heard: bytearray = field(default_factory=bytearray)

    @property
    def faults(self) -> list[str]:
        """What went wrong; going to the identity provider is no fault."""
        return [each for each in self.visit.faults if "/authorize?" not in each]

    @property
    def page(self) -> Page:
        return self.visit.page

    @property
    def context(self) -> BrowserContext:
        return self.visit.context

    def hears_of(self, words: list[str]) -> list[str]:
        everything = bytes(self.heard) + self.page.content().encode()
        return [word for word in words if word.encode() in everything]


def guest(browser: Browser, server: AppServer) -> Guest:
    found = Guest(visit(browser, server.address))

    def hear(payload: str | bytes) -> None:
        found.heard += payload.encode() if isinstance(payload, str) else payload

    found.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    return found


def sign_in(found: Guest, provider: Provider, email: str, **claims: Any) -> Guest:
    provider.person = {"sub": f"subject of {email}", "email": email, "email_verified": True, **claims}
    found.visit.open("")
    found.page.get_by_role("button", name="Sign in").click()
    found.page.wait_for_url(f"{found.visit.address}/**")
    expect(found.page.get_by_role("button", name="Sign out")).to_be_visible()
    found.visit.ready()
    return found


# --- signed out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_signed_out_every_address_is_closed_first_thing_after_a_start(
    house: House, provider: Provider, browser: Browser, path: str
) -> None:
    with serving(house, provider) as server:
        found = guest(browser, server)
        found.visit.open(path)
        expect(found.page.get_by_role("button", name="Sign in")).to_be_visible()
        assert found.hears_of([OURS, *house.canaries]) == []
        assert found.page.get_by_test_id("stSidebar").get_by_role("link").count() == 0
        assert found.faults == []
        found.context.close()


# --- as every role, and for another customer's ids --------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ADMIN, Role.CSM, Role.AUDITOR])
def test_no_role_hears_of_another_customer_at_any_address(
    house: House, provider: Provider, browser: Browser, server: AppServer, role: Role
) -> None:
    found = sign_in(guest(browser, server), provider, PEOPLE[role])
    more = {"selected": house.ids["person"], "job": "1", "draft": "1", "old": "1", "new": "1"}
    for path, customer in ((path, customer) for path in PAGES for customer in (THEIRS, OURS)):
        named = house.ids | {"customer": customer} | more
        found.visit.open(f"{path}?{urlencode(named)}")
        expect(found.page.get_by_text(PEOPLE[role]).first).to_be_visible()
        asked = {*house.ids.values()}  # what stands in the address is in the page's own words: it came from here
        assert found.hears_of([each for each in house.canaries if each not in asked]) == []
    assert found.faults == []
    found.context.close()


def test_a_link_from_a_message_leads_to_exactly_that_preview_after_the_sign_in(
    house: House, provider: Provider, browser: Browser, server: AppServer
) -> None:
    chief = house.workspace(PEOPLE[Role.ADMIN])
    (domain,) = domains_seen(chief, OURS)
    (plan,) = looking.plans_seen(chief, domain.label)
    house_told = replace(chief, environment={**chief.environment, telling.URL_VARIABLE: server.address})
    link = link_to(house_told, domain, "preview", {"plan": plan.id})
    chief.db.close()
    found = guest(browser, server)
    provider.person = {"sub": "subject of the link", "email": PEOPLE[Role.ADMIN], "email_verified": True}
    found.page.goto(link)
    found.visit.ready()
    assert found.hears_of([plan.id.removeprefix("plan-"), *house.canaries]) == []
    found.page.get_by_role("button", name="Sign in").click()
    expect(found.page.get_by_role("heading", name="Preview", exact=True)).to_be_visible()
    found.visit.ready()
    assert found.page.url == link
    expect(found.page.get_by_text("Processed", exact=True).first).to_be_visible()
    found.page.get_by_role("button", name="Sign out").click()
    expect(found.page.get_by_role("button", name="Sign in")).to_be_visible()
    sign_in(found, provider, PEOPLE[Role.ADMIN])
    assert "plan=" not in found.page.url, "the next sign-in begins at the beginning"
    found.context.close()


def test_somebody_without_membership_is_told_whom_to_ask_and_nothing_else(
    house: House, provider: Provider, browser: Browser, server: AppServer
) -> None:
    found = sign_in(guest(browser, server), provider, PEOPLE[None])
    for path in PAGES:
        found.visit.open(path)
        expect(found.page.get_by_text("You are not a member yet")).to_be_visible()
        assert found.hears_of([OURS, *house.canaries]) == []
        assert found.page.get_by_test_id("stSidebar").get_by_role("link").count() == 0
    found.context.close()


def test_an_auditor_is_offered_nothing_that_changes(
    house: House, provider: Provider, browser: Browser, server: AppServer
) -> None:
    found = sign_in(guest(browser, server), provider, PEOPLE[Role.AUDITOR])
    found.visit.open("preview")
    expect(found.page.get_by_text("You read here")).to_be_visible()
    expect(found.page.get_by_role("button", name="Make a preview")).to_have_count(0)
    found.context.close()


# --- signing in and out -----------------------------------------------------------------------------------


def test_signing_out_ends_every_tab(house: House, provider: Provider, browser: Browser, server: AppServer) -> None:
    found = sign_in(guest(browser, server), provider, PEOPLE[Role.ADMIN])
    other = found.context.new_page()
    other.goto(f"{server.address}/history")
    expect(other.get_by_role("heading", name="History", exact=True)).to_be_visible()
    other.wait_for_selector(READY)
    found.visit.click("Sign out")
    expect(found.page.get_by_role("button", name="Sign in")).to_be_visible()
    other.get_by_role("link", name="People").click()
    expect(other.get_by_text("You signed out.")).to_be_visible()
    again = sign_in(found, provider, PEOPLE[Role.ADMIN])
    expect(again.page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
    found.context.close()


def test_a_sign_in_that_is_eight_hours_old_opens_nothing(
    house: House, provider: Provider, browser: Browser, server: AppServer
) -> None:
    provider.age = 8 * 3600
    try:
        provider.person = {"sub": "1", "email": PEOPLE[Role.ADMIN], "email_verified": True}
        found = guest(browser, server)
        found.visit.open("")
        found.page.get_by_role("button", name="Sign in").click()
        expect(found.page.get_by_text("Your session ended 8 hours after you signed in.")).to_be_visible()
        assert found.hears_of([OURS, *house.canaries]) == []
        found.context.close()
    finally:
        provider.age = 0


def test_an_unverified_address_opens_nothing(
    house: House, provider: Provider, browser: Browser, server: AppServer
) -> None:
    provider.person = {"sub": "1", "email": PEOPLE[Role.ADMIN], "email_verified": False}
    found = guest(browser, server)
    found.visit.open("")
    found.page.get_by_role("button", name="Sign in").click()
    expect(found.page.get_by_text("has not verified your e-mail address")).to_be_visible()
    assert found.hears_of([OURS, *house.canaries]) == []
    found.context.close()


def test_a_group_gives_a_role_and_the_next_sign_in_without_it_takes_it_away(
    house: House, provider: Provider, browser: Browser
) -> None:
    with serving(house, provider, f'[rollcall.groups]\n"hr-people" = "auditor:{OURS}"') as server:
        found = sign_in(guest(browser, server), provider, "grouped@acme.example", groups=["other", "hr-people"])
        expect(found.page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
        assert found.hears_of(house.canaries) == []
        found.visit.click("Sign out")
        found = sign_in(found, provider, "grouped@acme.example", groups=["other"])
        expect(found.page.get_by_text("You are not a member yet")).to_be_visible()
        found.context.close()


def test_a_sign_in_is_in_the_history_with_who_and_from_where(
    house: House, provider: Provider, browser: Browser, server: AppServer
) -> None:
    found = sign_in(guest(browser, server), provider, PEOPLE[Role.ADMIN])
    found.context.close()
    operator = house.workspace()
    event = next(each for each in looking.see_history(operator, OURS) if each.what == "signed in")
    assert event.who == PEOPLE[Role.ADMIN]
    assert event.details["from"] == "web, this machine"
    operator.db.close()


def test_the_log_of_the_server_holds_no_secret(house: House, server: AppServer) -> None:
    operator = house.workspace()
    tokens = [
        secrets.get_secret(operator.db, operator.vault, secrets.connection_owner(each.id))
        for name in (OURS, THEIRS)
        for each in customers.connections(operator.db, customers.get_customer(operator.db, name).id)
    ]
    operator.db.close()
    assert len(tokens) == 2
    said = server.said()
    assert [each for each in [*tokens, KEY, "canary"] if each and each in said] == []


# --- configurations that let nobody in --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "options", "words"),
    [
        ("[auth\n", (), "cannot be read as TOML"),
        ("[auth]\nclient_id = 'x'\n", (), "Nobody can sign in"),
        (None, ("--server.address", "0.0.0.0"), "has no [auth]"),  # noqa: S104 - it is refused
    ],
    ids=["not TOML", "half a sign-in", "no sign-in, and the network may come"],
)
def test_a_server_that_could_let_the_wrong_people_in_lets_in_nobody(
    house: House, browser: Browser, toml: str | None, options: tuple[str, ...], words: str
) -> None:
    with app_server(house.data, toml, free_port(), *options) as server:
        found = guest(browser, server)
        found.visit.open("history")
        expect(found.page.get_by_text(words)).to_be_visible()
        assert found.hears_of([OURS, *house.canaries]) == []
        assert found.page.get_by_test_id("stSidebar").get_by_role("link").count() == 0
        found.context.close()


SEND = """async session => {
    const token = document.cookie.split('; ').find(each => each.startsWith('_streamlit_xsrf=')).split('=')[1];
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(2_000_000)]), 'plan.xlsx');
    const told = {method: 'PUT', body: form, headers: {'X-Xsrftoken': token}};
    return (await fetch('/_stcore/upload_file/' + session + '/one', told)).status;
}"""


def session_of(found: Guest) -> str:
    """The id of the browser session, as the server told the page that it loads now."""
    told: list[str] = []

    def hear(payload: str | bytes) -> None:
        message = ForwardMsg.FromString(payload) if isinstance(payload, bytes) else ForwardMsg()
        if message.HasField("new_session"):
            told.append(message.new_session.initialize.session_id)

    found.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    found.visit.open("")
    return told[-1]


@pytest.mark.parametrize(
    ("email", "answer"),
    [("", 403), (PEOPLE[None], 403), (PEOPLE[Role.ADMIN], 204)],
    ids=["nobody", "stranger", "admin"],
)
def test_only_who_is_let_in_can_send_a_file(
    server: AppServer, provider: Provider, browser: Browser, email: str, answer: int
) -> None:
    found = guest(browser, server)
    if email:
        sign_in(found, provider, email)
    assert found.page.evaluate(SEND, session_of(found)) == answer
    found.context.close()
