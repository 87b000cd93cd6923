"""The demo and the HiBob stand-in."""

import argparse
from pathlib import Path

from provisioning.command_line.output import OK, print_lines
from provisioning.demo import DEMO_DATA, ROOT, check, pass_day, serve, serve_sandbox


def demo(asked: argparse.Namespace) -> int:
    if asked.check:
        return check()
    # Without a folder of its own the demo leaves the usual one alone.
    return serve(DEMO_DATA if asked.data == str(ROOT / "data") else Path(asked.data).resolve())


def sandbox(asked: argparse.Namespace) -> int:
    return serve_sandbox(Path(asked.data), asked.people, asked.seed, asked.port)


def day(asked: argparse.Namespace) -> int:
    print_lines(pass_day(Path(asked.data)))
    return OK
