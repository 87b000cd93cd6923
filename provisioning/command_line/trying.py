"""The demo and the HiBob stand-in."""

import argparse
from pathlib import Path

from provisioning.command_line.output import OK, print_lines
from provisioning.demo import check, pass_day, serve, serve_sandbox


def demo(asked: argparse.Namespace) -> int:
    return check() if asked.check else serve()


def sandbox(asked: argparse.Namespace) -> int:
    return serve_sandbox(Path(asked.data), asked.people, asked.seed, asked.port)


def day(asked: argparse.Namespace) -> int:
    print_lines(pass_day(Path(asked.data)))
    return OK
