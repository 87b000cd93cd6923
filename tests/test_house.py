"""The direction of imports: pages, command line and worker → workflow → source, target, store, report, engine →
model, errors. And what the pure middle may not know."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "provisioning"

GROUND = {"errors", "model", "bulk", "naming"}
LOW = GROUND | {"database", "hosts"}
MAY_IMPORT = {
    "errors": set(),
    "model": set(),
    "bulk": set(),
    "naming": {"model"},
    "database": {"errors", "model"},
    "hosts": {"errors"},
    "http": {"errors"},
    "hands": set(),
    "beside": set(),
    "cluster": {"", "errors", "hands"},
    "engine": GROUND,
    "source": GROUND | {"http", "bulk"},
    "target": LOW | {"http", "bulk"},
    "store": LOW,
    "report": GROUND,
    "notify": GROUND | {"hosts"},
    "sandbox": set(),
    "setup_file": GROUND | {"engine"},
    "workflow": LOW
    | {"engine", "source", "target", "store", "report", "setup_file", "notify", "hands", "cluster", "bulk"},
    "web": LOW | {"workflow", "report", "store", "engine", "setup_file"},
    "worker": LOW | {"workflow", "store", "engine", "hands", "cluster"},
    "demo": LOW | {"workflow", "worker", "report", "store", "sandbox"},
    "command_line": LOW | {"", "workflow", "worker", "demo", "report", "store"},
    "__main__": {"errors", "command_line"},
    "": set(),
}
IMPURE = {
    "os",
    "io",
    "socket",
    "pathlib",
    "sqlite3",
    "httpx",
    "time",
    "random",
    "secrets",
    "subprocess",
    "tempfile",
    "urllib",
}
WEB = {
    f"provisioning/web/{name}.py"
    for name in (
        "address",
        "approval",
        "changes",
        "deciding",
        "evidence",
        "findings",
        "first_html",
        "frame",
        "jobs",
        "let_in",
        "mapping_exchange",
        "leaving",
        "let_in",
        "mapping_sample",
        "mapping_suggestions",
        "mapping_table",
        "mapping_values",
        "mapping_versions",
        "navigation",
        "notify_targets",
        "next_step",
        "parts",
        "past",
        "person",
        "server",
        "standing",
        "settings_facts",
        "roles",
        "settings_form",
        "schedule_form",
        "sign_in",
        "trends",
        "words",
        "worker_child",
    )
}
ONLY_IN = {
    "httpx": {"provisioning/http.py"},
    "streamlit": WEB,
    "apprise": {"provisioning/notify.py"},
    "distributed": {"provisioning/cluster.py"},
}


def _modules() -> list[Path]:
    return sorted(HOUSE.rglob("*.py"))


def _room(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            if node.module == "provisioning":
                found += [f"provisioning.{alias.name}" for alias in node.names]
            else:
                found.append(node.module or "")
    return found


def _rooms_of(path: Path) -> set[str]:
    ours = [name for name in _imports(path) if name.split(".")[0] == "provisioning"]
    rooms = {name.split(".")[1] if "." in name else "" for name in ours}
    return {"" if room == "__version__" else room for room in rooms}


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_in_one_direction_only(path: Path) -> None:
    room = _room(path)
    strangers = _rooms_of(path) - MAY_IMPORT[room] - {room}
    assert not strangers, f"{room} must not import {sorted(strangers)}"


@pytest.mark.parametrize("path", sorted((HOUSE / "engine").glob("*.py")), ids=lambda path: path.name)
def test_the_engine_knows_no_network_file_clock_or_environment(path: Path) -> None:
    outside = {name.split(".")[0] for name in _imports(path)} & IMPURE
    assert not outside
    text = path.read_text(encoding="utf-8")
    assert ".now(" not in text
    assert ".today()" not in text


@pytest.mark.parametrize(("library", "places"), ONLY_IN.items())
def test_a_neighbour_has_one_door(library: str, places: set[str]) -> None:
    using = {
        str(path.relative_to(ROOT)) for path in _modules() if library in {name.split(".")[0] for name in _imports(path)}
    }
    assert using == places


def test_every_room_says_what_it_is_for() -> None:
    silent = [str(path) for path in _modules() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []
