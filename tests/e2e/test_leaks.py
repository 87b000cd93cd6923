"""Nothing that can leave the process holds a secret: the main job with known ones, everything it wrote, said, sent to a
browser or handed out, all libraries logging what they can, and errors in the middle of it."""

import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus
from zipfile import ZipFile, is_zipfile

import pytest
from app_server import KEY, ROOT, AppServer, app_server, free_port
from driver import ADMIN, STAFF, Rollcall, attribute, customer, domain, until
from playwright.sync_api import Browser, expect
from provider import CLIENT_SECRET, Provider
from scheduling import DAILY, Receiver
from scim_servers import DEPARTMENT, EMAIL, TOKEN, ScimServer
from test_door import PAGES, guest, sign_in

from provisioning.sandbox import Sandbox
from provisioning.store.jobs import JobKind
from provisioning.workflow import approving, asking, targets
from provisioning.workflow.house import Workspace, member

PASSWORD = "notify-canary/+=9d21aa"
MAIL_PASSWORD = "mail-canary/+=5e07bc"
SECRETS = {
    "HiBob's token": 'hb-canary-Ö/+="<&7f3a9c51',
    "the portal's token": TOKEN,
    "the notification's password": PASSWORD,
    "the mail server's password": MAIL_PASSWORD,
    "the webhook's secret": 'hook-canary"\\+/=4b8c02',
    "the encryption key": KEY,
    "the client's secret": CLIENT_SECRET,
    "the cookie's secret": f"cookie-secret-canary-{'x' * 32}",
}
DEBUG = "import logging\nlogging.basicConfig(level=logging.DEBUG)\n"
MAPPED = [
    attribute("userName", "root.email", required=True),
    attribute(EMAIL, "root.email"),
    attribute("name.givenName", "root.firstName"),
    attribute("name.familyName", "root.surname"),
    attribute(DEPARTMENT, "humanReadable.work.department"),
]
READING = [
    ("check", STAFF, "--json"), ("check", STAFF), ("preview", STAFF, "--json"), ("users", STAFF, "--json"),
    ("users", STAFF, "--csv", "users.csv"), ("history", "Acme", "--json"), ("history", STAFF, "--json"), ("export", "Acme"),
    ("schedule", STAFF), ("compare", STAFF, "1", "1", "--json"), ("doctor",), ("verify",), ("due",), ("backup", "copy.db"),
]  # fmt: skip


def shapes(secret: str) -> set[bytes]:
    """A secret as it could stand somewhere: in clear, in addresses, in JSON, in base64 wherever it begins, in hex."""
    plain = secret.encode()
    found = {plain, secret.encode("utf-16-le"), plain.hex().encode(), quote(secret, safe="").encode()}
    found |= {quote(secret).encode(), quote_plus(secret).encode()}
    found |= {json.dumps(secret)[1:-1].encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode()}
    found |= {repr(secret)[1:-1].encode(), repr(plain)[2:-1].encode()}
    for lead in range(3):  # what stands before it shifts base64; its ends depend on its neighbours and are left out
        coded = base64.b64encode(b"x" * lead + plain)[4 if lead else 0 : -4]
        found |= {coded, coded.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def leaks(place: str, content: bytes) -> list[tuple[str, str]]:
    return [(place, name) for name, secret in SECRETS.items() if any(each in content for each in shapes(secret))]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Rollcall]:
    """Acme with every kind of secret: HiBob, a portal, a target for notifications, webhooks."""
    with Sandbox(people=12, token=SECRETS["HiBob's token"]) as hibob, ScimServer() as portal, Receiver() as receiver:
        found = Rollcall(
            tmp_path / "data", ROLLCALL_KEY=KEY, ACME_TOKEN=hibob.token, SCIM_TOKEN=TOKEN,
            HOOK=SECRETS["the webhook's secret"],
            NOTIFY=receiver.url.replace("//", f"//rollcall:{quote(PASSWORD, safe='')}@"), HR="email:hr@acme.example",
            ROLLCALL_MAIL=f"mailto://rollcall:{quote(MAIL_PASSWORD, safe='')}@127.0.0.1:9?from=rollcall@acme.example",
        )  # fmt: skip
        target = {"scim": portal.base_url, "token": {"env": "SCIM_TOKEN"}}
        told = [{"env": "NOTIFY"}, {"env": "HR"}]
        staff = domain(*MAPPED, unique_identifier="userName", target=target, schedule=DAILY, notify=told)
        content = customer(hibob.base_url, staff)
        content["connections"][0] |= {"id": hibob.service_user_id, "webhook": {"env": "HOOK"}}
        found.set_up(content).fine()
        yield found


@contextmanager
def worker(house: Rollcall, debug: Path) -> Iterator[Path]:
    log = house.folder / "worker.txt"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{debug}:{ROOT}", **house.environment}
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "provisioning", "--data", str(house.data), "worker"],
            env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=house.folder,
        )  # fmt: skip
        try:
            yield log
        finally:
            child.terminate()
            child.wait(60)


def test_nothing_that_leaves_the_process_holds_a_secret(
    house: Rollcall, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    debug = house.folder / "debug"
    debug.mkdir()
    (debug / "sitecustomize.py").write_text(DEBUG)
    port, found = free_port(), list[tuple[str, str]]()
    with (
        caplog.at_level(logging.DEBUG),
        Provider() as provider,
        worker(house, debug) as log,
        app_server(
            house.data, provider.secrets_toml(f"http://127.0.0.1:{port}"), port, "--logger.level", "debug",
            PYTHONPATH=f"{debug}:{ROOT}", ROLLCALL_ALLOWED_HOSTS="127.0.0.1", ROLLCALL_MAIL=house.environment["ROLLCALL_MAIL"],
        ) as server,
    ):  # fmt: skip
        plan = main_job(house)
        found += handed_out(house, plan)
        found += shown(house, provider, browser, server, plan)
        found += when_it_breaks(house, provider, browser, server)
        with house.database():  # an open reader keeps the write-ahead log there
            house.call("grant", "new@acme.example", "auditor", "Acme").fine()
            found += leaks("the data folder", house.written())
        assert "DEBUG:" in log.read_text()
        assert "DEBUG:" in server.said()
        found += leaks("the worker's log", log.read_bytes())
        found += leaks("the web server's log", server.said().encode())
    found += leaks("the command line's log", caplog.text.encode())
    assert found == []


def main_job(house: Rollcall) -> str:
    """Test, preview, process and notify, each by the worker; returns the plan."""
    theirs = Workspace(house.data, house.environment, member(ADMIN))

    def done(kind: JobKind, plan: str | None = None) -> dict[str, str]:
        job = asking.ask(theirs, STAFF, kind, plan)
        until(lambda: not asking.job_seen(theirs, STAFF, job).open)
        return dict(asking.job_seen(theirs, STAFF, job).result)

    done(JobKind.CHECK)
    plan = done(JobKind.PREVIEW)["plan"]
    approving.approve(theirs, plan)
    assert done(JobKind.PROCESS, plan)["run"]
    targets.send_test(theirs, STAFF)
    theirs.db.close()
    return plan


def handed_out(house: Rollcall, plan: str) -> list[tuple[str, str]]:
    """What every command prints and writes."""
    person = house.call("plan", plan, "--json").fine().json["changes"][0]["key"]
    about = [
        ("plan", plan, "--json"), ("workbook", plan, "plan.xlsx"), ("process", plan, "--json"),
        ("explain", STAFF, person, "--json"), ("export-person", "Acme", person),
    ]  # fmt: skip
    found = []
    for words in (*READING, *about):
        said = house.call(*words, by=None)
        found += leaks(" ".join(words), (said.out + said.err).encode())
    for path in (each for each in house.folder.iterdir() if each.is_file() and each.suffix != ".toml"):
        found += leaks(path.name, path.read_bytes())
        if is_zipfile(path):
            with ZipFile(path) as book:
                found += [each for part in book.namelist() for each in leaks(f"{path.name}/{part}", book.read(part))]
    assert {"plan.xlsx", "users.csv", "copy.db"} <= {each.name for each in house.folder.iterdir()}
    return found


def shown(house: Rollcall, provider: Provider, browser: Browser, server: AppServer, plan: str) -> list[tuple[str, str]]:
    """What comes into a browser, on every page."""
    visitor = sign_in(guest(browser, server), provider, ADMIN)
    found = []
    for path in PAGES:
        visitor.visit.open(f"{path}?customer=Acme&domain=staff&plan={plan}")
        found += leaks(f"page {path}", bytes(visitor.heard) + visitor.page.content().encode())
    assert STAFF.partition("/")[0].encode() in visitor.heard
    visitor.context.close()
    return found


def when_it_breaks(house: Rollcall, provider: Provider, browser: Browser, server: AppServer) -> list[tuple[str, str]]:
    """An error that nobody foresaw, in the worker with the token at hand, and on a page."""
    house.sql("UPDATE connections SET metadata = '{'")
    theirs = Workspace(house.data, house.environment, member(ADMIN))
    job = asking.ask(theirs, STAFF, JobKind.CHECK)
    until(lambda: not asking.job_seen(theirs, STAFF, job).open)
    error = asking.job_seen(theirs, STAFF, job).error or ""
    theirs.db.close()
    assert "nobody foresaw" in error
    assert "Traceback" in (house.folder / "worker.txt").read_text()
    visitor = sign_in(guest(browser, server), provider, ADMIN)
    visitor.visit.open("mapping?customer=Acme&domain=staff")
    expect(visitor.page.get_by_role("heading", name="Mapping", exact=True)).to_be_visible()
    found = leaks("a page that breaks", bytes(visitor.heard) + visitor.page.content().encode())
    visitor.context.close()
    assert "Traceback" in server.said()
    return found + leaks("a job's error", error.encode())


@pytest.mark.parametrize("lead", ["", "a", "ab", "SERVICE-77:"])
def test_a_secret_would_be_found_in_any_of_its_shapes(lead: str) -> None:
    for name, secret in SECRETS.items():
        for written in (
            secret.encode(), quote(secret, safe="").encode(), json.dumps({"x": secret}).encode(),
            base64.b64encode(f"{lead}{secret} and more".encode()), repr(secret).encode(), secret.encode("utf-16"),
        ):  # fmt: skip
            assert name in [each for _, each in leaks("", b"before " + written)]
