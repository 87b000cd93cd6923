"""The audit of what Rollcall is built from: what fails it, what does not, and a bill of materials that says what the lock
says."""

import json
import os
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.metadata import requires
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
WEAK = {
    "dependencies": [
        {"name": "fine", "version": "1.0", "vulns": []},
        {"name": "skipped", "skip_reason": "not found"},
        {
            "name": "weak",
            "version": "2.0",
            "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}],
        },
    ]
}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = spec_from_loader("audit", SourceFileLoader("audit", str(ROOT / "scripts" / "audit")))
    assert spec is not None
    assert spec.loader is not None
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def run(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "audit"], env={**kept, "ROLLCALL_AUDIT": str(folder), **environment},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def installed(folder: Path, words: str) -> Path:
    """A folder with tools as the lock has them, whose pip-audit is a few lines of shell."""
    (folder / "bin").mkdir()
    (folder / "requirements-audit.lock").write_bytes((ROOT / "requirements-audit.lock").read_bytes())
    program = folder / "bin" / "pip-audit"
    program.write_text(f"#!/bin/sh\n{words}\n")
    program.chmod(0o755)
    return folder


def test_the_bill_of_materials_says_what_the_lock_says(audit: ModuleType) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    written = (ROOT / "sbom.json").read_text()
    assert written == audit.bill(lock)
    names = {each["purl"] for each in json.loads(written)["components"]}
    pinned = re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)
    assert names == {f"pkg:pypi/{name}@{version}" for name, version in pinned}
    assert all(each["hashes"] for each in json.loads(written)["components"])
    assert "://" not in written


def test_the_lock_names_all_that_its_packages_ask_for() -> None:
    """It is installed without looking for more, so that a newer release changes nothing."""
    lock = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    named = re.findall(r"^\w.+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    asked, wanted = set[str](), [Requirement(line) for line in named]
    while wanted:
        each = wanted.pop()
        if str(each) in asked:
            continue
        asked.add(str(each))
        assert each.specifier.contains(lock[canonicalize_name(each.name)]), each
        for more in map(Requirement, requires(each.name) or ()):
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in ("", *each.extras)):
                wanted.append(more)


def test_a_known_weakness_fails_and_says_what_mends_it(tmp_path: Path) -> None:
    report = tmp_path / "weak.json"
    report.write_text(json.dumps(WEAK))
    folder = tmp_path / "tools"
    folder.mkdir()
    done = run(installed(folder, f'while [ "$1" != --output ]; do shift; done; cp {report} "$2"; exit 1'))
    assert (done.returncode, done.stdout) == (1, "weak 2.0: PYSEC-2026-1, mended in 2.1\n")


@pytest.mark.parametrize("known", ["PYSEC-2026-1", "CVE-2026-1"])
def test_an_explained_weakness_does_not_fail(audit: ModuleType, known: str) -> None:
    assert audit.open_ones(WEAK, audit.explained(f"# why\n{known} we never call it\n")) == []


def test_an_explanation_takes_a_reason(audit: ModuleType) -> None:
    with pytest.raises(ValueError, match="has no reason"):
        audit.explained("CVE-2026-1\n")
    audit.explained((ROOT / "audit-ignored.txt").read_text())


def test_without_an_advisory_database_it_says_so_and_does_not_fail(tmp_path: Path) -> None:
    done = run(installed(tmp_path, "echo no network >&2; exit 1"))
    assert (done.returncode, done.stdout) == (0, "Nothing was audited: the advisory database could not be reached.\n")


def test_without_a_registry_it_says_so_and_does_not_fail(tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"}
    done = run(tmp_path, **nowhere)
    assert (done.returncode, done.stdout) == (
        0, "Nothing was audited: pip-audit could not be installed (no package registry?).\n"
    )  # fmt: skip
