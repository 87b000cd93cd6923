"""What is imported before it is needed, people wait for: at `--help`, and at the first page."""

import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("library", ["scim2_models", "pydantic", "apprise", "plotly"])
def test_the_use_cases_do_not_wait_for_what_few_of_them_need(library: str) -> None:
    assert library not in imported("provisioning.workflow")
