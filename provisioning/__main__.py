"""python -m provisioning: runs one command, and says what went wrong in one or two lines."""

import contextlib
import io
import os
import sqlite3
import sys
from collections.abc import Sequence
from importlib import import_module

from provisioning.command_line.words import check_words, complain, parser
from provisioning.errors import RollcallError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors are one or two lines, never a traceback."""
    _prepare_output()
    try:
        asked = parser().parse_args(arguments)
        check_words(asked)
        group = import_module(f"provisioning.command_line.{asked.group}")
        code: int = getattr(group, asked.command.replace("-", "_"))(asked)
        sys.stdout.flush()
        return code
    except RollcallError as problem:
        complain(str(problem))
        return problem.exit_code
    except sqlite3.Error as problem:
        complain(
            f"The database could not be used: {problem}. What was not journalled was not done; repeat the command."
        )
        return 1
    except BrokenPipeError:
        _forget_output()
        return 0
    except OSError as problem:
        _forget_output()
        complain(f"{problem.strerror}{f': {problem.filename}' if problem.filename else ' while writing the output'}.")
        return 2
    except KeyboardInterrupt:
        complain("Stopped.")
        return 130


def _prepare_output() -> None:
    """Output that is closed, or cannot show every letter, is no reason to fail in the middle of a job."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it stays open till the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Nobody reads us any more, or the disk is full: Python would complain again while flushing at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
