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


def imported(module: str) -> set[str]:
    """The top packages that importing a module loads, in an interpreter of its own."""
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


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


@pytest.mark.parametrize("library", ["scim2_models", "pydantic", "apprise", "plotly", "openpyxl", "httpx", "stamina"])
def test_the_use_cases_do_not_wait_for_what_few_of_them_need(library: str) -> None:
    assert library not in imported("provisioning.workflow")


@pytest.mark.parametrize("page", sorted((ROOT / "pages").glob("*.py")), ids=lambda page: page.stem)
def test_no_page_waits_for_what_only_a_click_or_the_worker_needs(page: Path) -> None:
    script = f"import sys\n{imports_of(page)}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(run.stdout.split()) & ON_DEMAND == set()
