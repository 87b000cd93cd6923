"""Two stages, one per target, made once; retries that do not wait; small chunks. With `RELIABILITY=docs/reliability.md`
the matrix is written into that page after every cell of it has passed."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import fault_matrix
import pytest
import small_company
import stamina

from provisioning.store import leases
from provisioning.target.scim import ScimDirectory
from provisioning.workflow import processing


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(processing, "CHUNK", small_company.CHUNK)
    monkeypatch.setattr(leases, "LOOK_EVERY", 0.01)
    settings = ScimDirectory.__init__.__kwdefaults__
    assert {"first_wait", "sleep"} <= settings.keys()
    monkeypatch.setitem(settings, "sleep", lambda seconds: None)
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], small_company.Stage]]:
    """The stage of a target; both are made when they are first asked for."""
    made: dict[str, small_company.Stage] = {}
    with ExitStack() as stack, pytest.MonkeyPatch.context() as monkeypatch, stamina.set_testing(True, attempts=2):
        monkeypatch.setattr(processing, "CHUNK", small_company.CHUNK)

        def of(target: str) -> small_company.Stage:
            if target not in made:
                made[target] = stack.enter_context(small_company.stage(target, tmp_path_factory.mktemp(target)))
            return made[target]

        yield of


_passed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        _passed.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    page = os.environ.get("RELIABILITY")
    if not page:
        return
    missing = [str(cell) for cell in fault_matrix.CELLS if not any(f"[{cell}]" in each for each in _passed)]
    if missing:
        print(f"\n{page} is not written: {len(missing)} cells did not pass, such as {missing[0]}.")
        return
    path = Path(page)
    path.write_text(fault_matrix.replaced(path.read_text("utf-8"), fault_matrix.document()), "utf-8")
