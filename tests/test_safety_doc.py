"""docs/safety.md tells the truth: every code stands in it, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAFETY = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = [
    cells
    for line in SAFETY.splitlines()
    if line.startswith("| ")
    and (cells := [cell.strip() for cell in line.strip("|").split("|")])[0] not in ("rule", "---")
]
CODES = sorted(
    {
        code
        for line in RULES.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([a-z0-9-]+)`", line.split("|")[1])
    }
)


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_the_codes_are_found() -> None:
    assert {"no-employees", "limit-reactivate", "duplicate-id"} <= set(CODES)
    assert len(CODES) >= 24


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_row(code: str) -> None:
    assert any(f"`{code}`" in cells[1] for cells in ROWS)


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0][:60])
def test_every_row_names_tests_that_exist(cells: list[str]) -> None:
    rule, code, proof = cells
    named = re.findall(r"`([^`]+)`", proof)
    assert rule
    assert named, f"nothing proves “{rule}”"
    assert code == "—" or set(re.findall(r"`([^`]+)`", code)) <= set(CODES)
    for each in named:
        file, _, test = each.partition("::")
        assert test.startswith("test_"), each
        assert test in _tests_of(file), f"{each} does not exist"
