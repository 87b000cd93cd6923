"""What people wait for before anything happens: the command line's help, and what `app.py` and each page import.

Each is a process of its own, measured by the processor's time; a page's peer is `import streamlit` alone, which brings pandas,
NumPy and PyArrow with it. A page's last column but one names what it loads beside that, in milliseconds of each library's own,
and how many of the engine's modules.
"""

import ast
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.table import Row, ratio_of, seconds_of, yes

ROOT = Path(__file__).resolve().parents[1]
HELP, STREAMLIT = ("-m", "provisioning", "--help"), "import streamlit"
MOST = 0.3
HEAVY = (
    "apprise",
    "cryptography",
    "httpx",
    "openpyxl",
    "plotly",
    "pydantic",
    "scim2_models",
    "sqlite_utils",
    "stamina",
)
LIBRARIES = {
    "httpcore": "httpx",
    "h11": "httpx",
    "lxml": "openpyxl",
    "tenacity": "stamina",
    "pydantic_core": "pydantic",
}
"""Whose time counts as whose."""
ENGINE = "provisioning.engine."
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")


def alone(rounds: int) -> Iterator[Row]:
    """A row for the help, and one for `app.py` and for each page."""
    own, bare = _median(HELP, rounds), _median(("-c", ""), rounds)
    yield (
        "--help of the command line", "", seconds_of(own), "python alone", seconds_of(bare), ratio_of(own / bare),
        f"≤ {MOST:g} s", yes(own <= MOST), "", "", f"{rounds} / {rounds}",
    )  # fmt: skip
    least, known = _median(("-c", STREAMLIT), rounds), _libraries(_import_times(STREAMLIT))
    for file in (ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))):
        words = imports_of(file)
        took, times = _median(("-c", words), rounds), _import_times(words)
        more = {name: each for name, each in _libraries(times).items() if name in HEAVY and name not in known}
        loaded = ", ".join(f"{name} {round(each * 1000)} ms" for name, each in more.items())
        engine = sum(each.startswith(ENGINE) for each in times)
        yield (
            f"imports of {file.relative_to(ROOT)}", "", seconds_of(took), STREAMLIT, seconds_of(least),
            ratio_of(took / least), "", "", f"engine {engine}{', ' if loaded else ''}{loaded}", "", f"{rounds} / {rounds}",
        )  # fmt: skip


def imports_of(file: Path) -> str:
    """The script's own import statements."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return "\n".join(ast.unparse(each) for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom))


def _median(words: tuple[str, ...], rounds: int) -> float:
    return statistics.median(_seconds(words) for _ in range(rounds))


def _seconds(words: tuple[str, ...]) -> float:
    """The processor's time of a Python that does this."""
    before = _spent()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _spent() - before


def _spent() -> float:
    """By all processes that this one has started, and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _import_times(words: str) -> dict[str, float]:
    """Seconds of the processor that each module takes to load. Python tells the wall's time: it is brought down by what the
    process had of it."""
    command = [sys.executable, "-X", "importtime", "-c", words]
    before, began = _spent(), time.perf_counter()
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stderr
    share = (_spent() - before) / (time.perf_counter() - began)
    return {name: int(micro) / 1_000_000 * share for micro, name in _LINE.findall(said)}


def _libraries(times: dict[str, float]) -> dict[str, float]:
    """Those of each library's own modules together, most first."""
    found: dict[str, float] = {}
    for name, each in times.items():
        top = name.partition(".")[0]
        library = LIBRARIES.get(top, top)
        found[library] = found.get(library, 0.0) + each
    return dict(sorted(found.items(), key=lambda each: -each[1]))
