"""What all commands share: the installation they are about, files, and what is printed."""

import argparse
import contextlib
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from provisioning.errors import UsageError
from provisioning.store.leases import Holder
from provisioning.workflow.house import Workspace, member, operator

OK, WRONG_USAGE, REFUSED, SOME_FAILED = 0, 2, 3, 4


def open_house(asked: argparse.Namespace) -> Workspace:
    """The installation that a command is about, as whoever acts sees it."""
    actor = member(asked.by) if asked.by is not None else operator()
    where = f"{platform.node()}, {asked.command}"
    return Workspace(Path(asked.data), os.environ, actor, where=where)


def print_json(document: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    sys.stdout.flush()


def print_lines(lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        print(line)


def waiting(holder: Holder) -> None:
    print(f"rollcall: waiting for {holder}", file=sys.stderr)


def read_file(name: str, most: int = -1) -> bytes:
    """The first `most` bytes of a file: whoever sets a limit asks for one more."""
    try:
        with Path(name).open("rb") as file:
            return file.read(most)
    except OSError as problem:
        raise UsageError(f"The file {name} cannot be read: {problem.strerror}.") from None


@contextlib.contextmanager
def new_file(name: str) -> Iterator[Path]:
    """A file that appears whole or not at all, readable by its owner alone: it holds personal data."""
    path = Path(name)
    if path.is_dir() or not path.name:
        raise UsageError(f"{name} is a folder; name a file.")
    new = path.with_name(path.name + ".new")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        yield new
        new.replace(path)
    except OSError as problem:
        raise UsageError(f"The file {name} cannot be written: {problem.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
