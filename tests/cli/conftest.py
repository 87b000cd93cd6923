"""A customer on each of two independent HiBobs: one written from HIBOB.md alone, and the sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from driver import ROOT, Rollcall, customer
from tiny_hibob import TinyHiBob, company

from provisioning.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _retries_at_once() -> Iterator[None]:
    """What is retried is tried once more without waiting; other processes wait as they do in life."""
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture
def hibob() -> Iterator[TinyHiBob]:
    with TinyHiBob(company()) as running:
        yield running


@pytest.fixture
def empty(tmp_path: Path) -> Rollcall:
    """An installation that nobody has used."""
    return Rollcall(tmp_path / "data")


@pytest.fixture
def acme(empty: Rollcall, hibob: TinyHiBob) -> Rollcall:
    """Acme with 30 employees in HiBob and an empty directory."""
    empty.set_up(customer(hibob.base_url)).fine()
    return empty


@pytest.fixture
def staffed(acme: Rollcall) -> Rollcall:
    """Acme after its first run: 30 live users."""
    acme.sync()
    return acme


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(people=120) as running:
        yield running


@pytest.fixture
def northwind(tmp_path: Path, sandbox: Sandbox) -> Rollcall:
    """The example customer on the sandbox."""
    house = Rollcall(tmp_path / "data", NORTHWIND_TOKEN=sandbox.token)
    text = (ROOT / "data" / "northwind.toml").read_text(encoding="utf-8")
    house.set_up(text.replace("http://127.0.0.1:8799/v1", sandbox.base_url)).fine()
    return house
