"""Dockerfile and compose.yaml as far as they can be tried without Docker: what they name is there, what they start starts from
nothing but what the image gets, and nothing secret gets in."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from driver import PATIENCE, ROOT, until

EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside the container; here it is replaced

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SIGN_IN = """[auth]
redirect_uri = "https://rollcall.example/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "rollcall"
client_secret = "not-a-secret"
server_metadata_url = "https://id.example/.well-known/openid-configuration"
"""


def lines(instruction: str) -> list[str]:
    return re.findall(rf"^ *{instruction} (.*)$", DOCKERFILE, re.MULTILINE)


def sources() -> list[tuple[str, str]]:
    """What is copied into the image: (from, to)."""
    return [(source, words[-1]) for words in map(str.split, lines("COPY")) for source in words[:-1]]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is /app in the image."""
    app = tmp_path_factory.mktemp("image") / "app"
    app.mkdir()
    for source, to in sources():
        target = app / Path(source).name if to == "./" else app / to
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)
    return app


@contextmanager
def started(image: Path, command: Sequence[str], folder: Path, **environment: str) -> Iterator[Path]:
    """A command of the image; gives its log. It must end when it is told to."""
    assert command[0] == "python"
    settings = dict(each.split("=", 1) for line in lines("ENV") for each in line.split())
    own = {"PATH": os.environ["PATH"], **settings, "PYTHONPATH": str(image), "HOME": str(folder), **environment}
    log = folder / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *command[1:]], cwd=image, env=own, stdout=out, stderr=out)
    try:
        yield log
        assert process.poll() is None, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def instead(command: Sequence[str], replaced: Mapping[str, str]) -> list[str]:
    """The command with this machine's ports and paths."""
    assert set(replaced) <= set(command)
    return [replaced.get(word, word) for word in command]


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def secret_file(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


# --- what starts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["the image", "compose"])
def test_the_web_app_starts_and_its_readiness_probe_answers(image: Path, tmp_path: Path, of: str) -> None:
    (written,) = lines("CMD")[-1:]
    command = json.loads(written) if of == "the image" else SERVICES["web"]["command"]
    port, toml = free_port(), secret_file(tmp_path, "streamlit.toml", SIGN_IN)
    command = instead(command, {"8501": port, EVERYWHERE: "127.0.0.1"})
    command = (
        [*command, "--secrets.files", toml]
        if of == "the image"
        else instead(command, {"/run/secrets/streamlit.toml": toml})
    )
    environment = {
        "ROLLCALL_KEY_FILE": secret_file(tmp_path, "key", Fernet.generate_key().decode()),
        "ROLLCALL_DATA": str(tmp_path / "data"),
    }
    (probe,) = re.findall(r"urlopen\('(http://127.0.0.1:8501/ready)'", DOCKERFILE)
    with started(image, command, tmp_path, **environment):
        until(lambda: _answers(probe.replace("8501", port)))


def _answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=10) as answer:
        return bool(answer.status == 200)
    return False


def test_the_worker_starts(image: Path, tmp_path: Path) -> None:
    key = secret_file(tmp_path, "key", Fernet.generate_key().decode())
    command = instead(SERVICES["worker"]["command"], {"/data": str(tmp_path / "data")})
    with started(image, command, tmp_path, ROLLCALL_KEY_FILE=key, **_named(SERVICES["worker"])) as log:
        until(lambda: "Worker ready" in log.read_text())


def _named(service: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in service["environment"].items() if "FILE" not in name}


def test_scheduler_and_cluster_workers_start_and_find_each_other(image: Path, tmp_path: Path) -> None:
    port = free_port()
    scheduler = instead(SERVICES["scheduler"]["command"], {"8786": port, EVERYWHERE: "127.0.0.1"})
    (tmp_path / "one").mkdir()
    with started(image, scheduler, tmp_path) as log:
        until(lambda: "Scheduler at" in log.read_text())
        here = {"tcp://scheduler:8786": f"tcp://127.0.0.1:{port}", "/tmp": str(tmp_path / "one")}  # noqa: S108 - the image's
        with started(image, instead(SERVICES["cluster-worker-1"]["command"], here), tmp_path / "one") as worker:
            until(lambda: "Registered to" in worker.read_text())
    assert SERVICES["cluster-worker-2"]["command"] == SERVICES["cluster-worker-1"]["command"]


# --- what it says -----------------------------------------------------------------------------------------


def test_everything_that_is_copied_is_there_and_allowed_into_the_build() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(source for source, _ in sources()) == sorted(allowed)
    assert [source for source in allowed if not (ROOT / source).exists()] == []


def test_the_image_is_pinned_and_does_not_run_as_root() -> None:
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-\S+", line) for line in lines("FROM"))
    assert [line for line in lines("RUN") if "pip install" in line and "--require-hashes --no-deps" not in line] == []
    assert lines("USER") == ["10001:10001"]
    assert DOCKERFILE.index("\nUSER") < DOCKERFILE.index("\nCMD")
    assert lines("ADD") == []


def test_the_lock_of_the_image_is_requirements_lock_and_what_the_cluster_needs() -> None:
    def pinned(name: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+==[^ ]+)", (ROOT / name).read_text(), re.MULTILINE))

    assert pinned("requirements.lock") < pinned("requirements-cluster.lock") < pinned("requirements-dev.lock")


def test_no_secret_stands_in_the_files_and_none_is_passed_by_variable() -> None:
    told = [line for instruction in ("ENV", "ARG") for line in lines(instruction)]
    told += [f"{name}={value}" for each in SERVICES.values() for name, value in each.get("environment", {}).items()]
    assert [each for each in told if re.search("TOKEN|SECRET|PASSWORD|KEY=", each)] == []
    assert {each["file"].split("/")[1] for each in COMPOSE["secrets"].values()} == {"secrets"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_as_closed_as_it_can_be(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    assert all({"noexec", "nosuid", "nodev"} <= set(each.split(":")[1].split(",")) for each in service["tmpfs"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert bool(service.get("ports")) == (name == "web")
    cluster_only = name == "scheduler" or name.startswith("cluster-worker")
    assert not (cluster_only and ({"secrets", "volumes"} & set(service))), "the cluster needs no key and no database"


def test_nobody_reaches_the_scheduler_but_who_works_with_it_and_it_reaches_nobody() -> None:
    cluster = {name for name, each in COMPOSE["networks"].items() if each.get("internal")}
    assert cluster
    assert set(SERVICES["scheduler"]["networks"]) == cluster
    assert not cluster & set(SERVICES["web"]["networks"])


def test_a_worker_that_is_told_to_end_has_as_long_with_compose_as_with_systemd() -> None:
    unit = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")
    assert re.findall(r"^TimeoutStopSec=(\d+m)in$", unit, re.MULTILINE) == [SERVICES["worker"]["stop_grace_period"]]
