"""What is imported before it is needed, people wait for: at `--help`, and at the first page."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.start import ROOT, imports_of

HEAVY = {
    "pyarrow",
    "pandas",
    "numpy",
    "openpyxl",
    "httpx",
    "plotly",
    "apprise",
    "cryptography",
    "scim2_models",
    "msgspec",
}


ON_DEMAND = {"openpyxl", "httpx", "stamina", "scim2_models", "pydantic", "apprise", "distributed"}
PLANNING = {
    f"provisioning.engine.{name}"
    for name in ("compare", "explain", "farewell", "limits", "matching", "plan", "proof", "references", "same_person", "situation", "undo")
}  # fmt: skip
MAPPING = {f"provisioning.engine.{name}" for name in ("advice", "lifecycle", "mapping", "scope", "suggesting")}
PLANS = {"mapping", "people"}
"""Pages that compare mappings, and that ask what becomes of a person."""
MAPS = {"settings", "connect"}
"""The one shows, as somebody types, whom a scope takes and what a status means; the other names types as the mapping does."""


def imported(words: str) -> set[str]:
    """The modules that these imports load, in an interpreter of its own."""
    script = f"import sys\n{words}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stdout.split())


def test_the_command_lines_help_waits_for_no_library() -> None:
    script = (
        "import sys, provisioning.__main__ as line\n"
        "try: line.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('imported', *{name.partition('.')[0] for name in sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "usage" in run.stdout
    assert set(run.stdout.rpartition("imported")[2].split()) & HEAVY == set()


def test_the_use_cases_do_not_wait_for_what_few_of_them_need() -> None:
    every = [each.stem for each in (ROOT / "provisioning" / "workflow").glob("[a-z]*.py")]
    needless = {"scim2_models", "pydantic", "apprise", "plotly", "openpyxl", "httpx", "stamina"}
    assert imported(f"from provisioning.workflow import {', '.join(every)}") & needless == set()


@pytest.mark.parametrize("page", sorted((ROOT / "pages").glob("*.py")), ids=lambda page: page.stem)
def test_no_page_waits_for_what_only_a_click_or_the_worker_needs(page: Path) -> None:
    loaded = imported(imports_of(page))
    needless = (
        ON_DEMAND | (set() if page.stem in PLANS else PLANNING) | (set() if page.stem in PLANS | MAPS else MAPPING)
    )
    assert loaded & needless == set()


def test_the_frame_of_the_pages_waits_for_no_engine_that_plans_or_maps() -> None:
    assert imported(imports_of(ROOT / "app.py")) & (PLANNING | MAPPING) == set()


def test_what_no_page_may_wait_for_is_there() -> None:
    """A module that was renamed would never be imported."""
    assert {each.partition("engine.")[2] for each in PLANNING | MAPPING} <= {
        each.stem for each in (ROOT / "provisioning" / "engine").glob("*.py")
    }
