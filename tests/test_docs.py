"""The documents tell the truth: every command, option, setting, code and variable is documented."""

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from provisioning import errors, setup_file
from provisioning.command_line.words import parser
from provisioning.engine.transforms import CLEAN_UP
from provisioning.hosts import ALLOWED_VARIABLE
from provisioning.store import secrets
from provisioning.workflow import processing

ROOT = Path(__file__).resolve().parents[1]
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
SETUP_FILE = (ROOT / "docs" / "setup-file.md").read_text(encoding="utf-8")
RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "provisioning").rglob("*.py"))]


def _commands() -> dict[str, argparse.ArgumentParser]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the parser has no commands")


@pytest.mark.parametrize("name", _commands())
def test_every_command_is_documented_with_its_options(name: str) -> None:
    row = next((line for line in COMMAND_LINE.splitlines() if re.match(rf"\| `{name}[ `]", line)), "")
    assert row, f"{name} is not in docs/command-line.md"
    for action in _commands()[name]._actions:
        for option in action.option_strings:
            if option.startswith("--") and option not in ("--help", "--data", "--by"):
                assert option in row, f"{name} {option} is not documented"


def test_no_command_is_documented_that_does_not_exist() -> None:
    table = COMMAND_LINE.split("## Commands")[1].split("##")[0]
    assert set(re.findall(r"^\| `([a-z-]+)", table, re.MULTILINE)) == set(_commands())


@pytest.mark.parametrize(
    "table",
    [
        setup_file.CustomerTable,
        setup_file.MemberTable,
        setup_file.ConnectionTable,
        setup_file.DomainTable,
        setup_file.AttributeTable,
        setup_file.ScopeTable,
        setup_file.LimitsTable,
        setup_file.WaitTable,
    ],
    ids=lambda table: table.__name__,
)
def test_every_key_of_the_set_up_file_is_documented(table: type) -> None:
    tables = {"attributes", "scope", "lifecycle", "limits"}
    for key in set(table.__struct_encode_fields__) - tables:  # type: ignore[attr-defined]
        assert f"`{key}`" in SETUP_FILE or f"{key} =" in SETUP_FILE, f"{key} is not in docs/setup-file.md"


def test_every_clean_up_is_documented() -> None:
    assert [step for step in CLEAN_UP if f"`{step}`" not in SETUP_FILE] == []


@pytest.mark.parametrize(
    "variable",
    [ALLOWED_VARIABLE, secrets.KEY_VARIABLE, secrets.KEY_FILE_VARIABLE, processing.REREAD_VARIABLE],
)
def test_every_environment_variable_is_documented(variable: str) -> None:
    assert f"`{variable}`" in COMMAND_LINE


def test_every_variable_that_the_code_names_is_documented() -> None:
    named = {name for source in SOURCES for name in re.findall(r"ROLLCALL_[A-Z_]+", source)}
    assert {name for name in named if f"`{name}`" not in COMMAND_LINE} == set()


def test_every_code_of_findings_and_held_people_is_documented() -> None:
    engine = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "provisioning" / "engine").glob("*.py"))
    codes = set(re.findall(r'(?:Finding|Held)\(\s*(?:[a-z_\[\].]+, )?"([a-z0-9-]+)"', engine))
    codes |= set(re.findall(r'return "([a-z-]+)", ', engine))
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in RULES} == set()


DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]


def _anchors(page: Path) -> set[str]:
    """What a hosting site names a page's headings: small letters, hyphens for blanks, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            to = (page.parent / name) if name else page
            assert to.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in _anchors(to), f"{page.name} links to {target}"


def test_every_document_is_found_from_the_front_page() -> None:
    found, new = set(), {ROOT / "README.md"}
    while new:
        page = new.pop()
        found.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
        new |= {path for each in targets if "://" not in each and (path := (page.parent / each).resolve()) not in found}
    assert set(DOCUMENTS) - found == set()


def test_reference_and_errors_are_what_the_code_says(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/reference.py", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=True)
    made = {page.name: page.read_text(encoding="utf-8") for page in tmp_path.iterdir()}
    assert set(made) == {"reference.md", "errors.md"}
    for name, text in made.items():
        assert text == (ROOT / "docs" / name).read_text(encoding="utf-8"), "run ./scripts/reference"


def test_every_error_and_every_finding_stands_on_the_pages_that_are_written_from_the_code() -> None:
    """By looking for them otherwise than the generator does."""
    written = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    raised = {kind for source in SOURCES for kind in re.findall(r"raise (\w+)\(\s*f?\"", source)} & set(vars(errors))
    assert len(raised) > 8
    assert {kind for kind in raised if f"\n## {kind}\n" not in written} == set()
    codes = {code for source in SOURCES for code in re.findall(r'[Ff]inding\(\s*"([a-z0-9-]+)"', source)}
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert len(codes) > 25
    assert {code for code in codes if f"\n| `{code}` | " not in reference} == set()


def test_every_finding_about_a_portal_is_explained() -> None:
    explained = (ROOT / "docs" / "scim.md").read_text(encoding="utf-8")
    codes = {code for source in SOURCES for code in re.findall(r'"(scim-[a-z-]+)"', source)}
    assert len(codes) > 5
    assert {code for code in codes if f"\n| `{code}` | " not in explained} == set()


def _code() -> str:
    """Every text of the program, without what joins the pieces of a message that stands on several lines."""
    pages = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "pages").glob("*.py"))]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join([*SOURCES, *pages])).replace("’", "'")


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "guide").glob("[0-9]*.md")), ids=lambda page: page.stem)
def test_every_message_that_the_customer_guide_explains_is_one_that_rollcall_says(page: Path) -> None:
    rows = re.findall(r"^\| (.+?) \| .+ \|$", page.read_text(encoding="utf-8").split("| it says |")[1], re.MULTILINE)
    said = [row.replace("’", "'") for row in rows if not row.startswith("---")]
    assert len(said) > 1
    assert [each for each in said if each not in _code()] == []


def test_every_message_that_the_operator_guide_explains_is_one_that_rollcall_says() -> None:
    guide = (ROOT / "docs" / "operator-guide.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| .+? \| .+? \|$", guide.split("## When something is wrong")[1], re.MULTILINE)[2:]
    pieces = [piece for row in rows for piece in re.split(r" … |, (?=database|cannot|Worker)", row)]
    assert len(pieces) > 12
    assert [piece for piece in pieces if piece.replace("’", "'") not in _code()] == []


def test_every_proof_of_a_promise_exists() -> None:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").split("## We do not promise")[0]
    rows = re.findall(r"^\| (\*\*.+?) \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) > 10
    for promise, proof in rows:
        for file, _, test in (each.partition("::") for each in re.findall(r"`([^`]+)`", proof)):
            assert f"def {test}" in (ROOT / "tests" / file).read_text(encoding="utf-8"), f"{promise}: {file}"
        assert "`" in proof or "](" in proof, f"nothing proves: {promise}"


def test_what_runs_it_agrees_on_folder_and_environment() -> None:
    """systemd takes a comment behind a value for a part of it, and cron knows no environment."""
    guide, schedules = (
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operator-guide.md", "schedules.md")
    )
    settings = re.findall(r"^ROLLCALL_\w+=(.*)$", guide, re.MULTILINE)
    assert settings
    assert not [each for each in settings if "#" in each]
    folder = re.findall(r"^git clone \S+ (\S+)", guide, re.MULTILINE)
    started = re.findall(
        r"(?:^WorkingDirectory=|\bcd |^ExecStart=)(/srv/[\w/]+?)(?=/\.venv|/scripts|\s)",
        guide + schedules,
        re.MULTILINE,
    )
    assert len(started) > 4
    assert set(started) == set(folder)
    (cron,) = re.findall(r"^\*/5 .*", schedules, re.MULTILINE)
    assert ". /etc/rollcall.env" in cron


def test_the_changelog_says_each_thing_once_and_to_its_end() -> None:
    """Two lists that were merged line by line repeat themselves, and cut a sentence off where the other begins."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = [" ".join(each.split()) for each in re.split(r"\n- |\n\n", text) if not each.startswith(("#", "**"))]
    assert [first for first, count in Counter(each[:40] for each in entries).items() if count > 1] == []
    assert [each for each in entries if each and not each.endswith((".", ":"))] == []
