"""The words of the command line: every command with its options, and what is no word at all. Imports nothing heavy."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from provisioning import __version__
from provisioning.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


class _Parser(argparse.ArgumentParser):
    """Errors in one line, without the usage of the whole program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See `{self.prog} --help`.")


def parser() -> argparse.ArgumentParser:
    """All commands with their options. The order is that of docs/command-line.md. What is parsed names the module that has the
    command's function, so that `--help` imports none of them."""
    everywhere = _Parser(add_help=False)
    for option, text in (("--data", "the data folder"), ("--by", "who acts, by e-mail")):
        everywhere.add_argument(option, default=argparse.SUPPRESS, help=text, metavar=option[2:].upper())
    top = _Parser(prog="python -m provisioning", description="Rollcall: from HiBob into Skillcast.")
    top.add_argument("--version", action="version", version=f"Rollcall {__version__}")
    top.add_argument("--data", metavar="DIR", default=str(ROOT / "data"), help="the data folder (default: data)")
    top.add_argument("--by", metavar="EMAIL", default=None, help="who acts (default: the operator of this machine)")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, help: str, group: str, json: bool = False) -> _Parser:
        made: _Parser = commands.add_parser(name, help=help, description=help, parents=[everywhere])
        made.set_defaults(group=group)
        if json:
            made.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        return made

    each = command("demo", "sandbox and example customer together", "trying")
    each.add_argument("--check", action="store_true", help="do the main job once, then end")
    each = command("sandbox", "a HiBob stand-in with an invented company", "trying")
    each.add_argument("--port", type=int, default=0, help="the port (default: any free one)")
    each.add_argument("--people", type=int, default=250)
    each.add_argument("--seed", type=int, default=1)
    command("day", "let a day pass in the running sandbox", "trying")
    each = command("setup", "create or change one customer from a file", "setting_up")
    each.add_argument("file", metavar="FILE")
    each.add_argument("--prune", action="store_true", help="also remove domains, connections and members not named")
    command("export", "print a customer's set-up file", "setting_up").add_argument("customer", metavar="CUSTOMER")
    command("check", "test a domain's connection", "setting_up", json=True).add_argument(
        "domain", metavar="CUSTOMER/DOMAIN"
    )
    each = command("preview", "make and store a plan", "plans", json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("--excel", metavar="FILE", help="also write its workbook")
    each = command("compare", "what two versions of a mapping would make of the same people", "setting_up", json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("old", metavar="OLD", help="a version of the mapping")
    each.add_argument("new", metavar="NEW", help="another version, or draft: your unsaved mapping")
    command("plan", "show a stored plan", "plans", json=True).add_argument("plan", metavar="PLAN")
    each = command("workbook", "write a plan's Excel file", "plans")
    each.add_argument("plan", metavar="PLAN")
    each.add_argument("file", metavar="FILE")
    each.add_argument(
        "--uploaded", metavar="SHA256", nargs="?", const="",
        help="instead, the workbook by which it was approved, exactly as it came: of this fingerprint, or the newest",
    )  # fmt: skip
    each = command("decide", "decide about people: a new plan from what was read", "plans", json=True)
    each.add_argument("plan", metavar="PLAN")
    for option, words, text in (
        ("--protect", "KEY", "never archive this person"),
        ("--move", "KEY=DOMAIN", "move this person to another domain instead of archiving"),
        ("--same", "KEY=USER", "this employee and this user are one person"),
        ("--not-same", "KEY=USER", "they are not"),
        ("--test-account", "EMAIL=DOMAIN", "a live account in another domain, so that members may be archived"),
        ("--forget", "KEY", "take back what was decided about this person"),
    ):
        each.add_argument(option, metavar=words, action="append", default=[], help=text)
    each = command("approve", "approve a plan", "plans", json=True)
    each.add_argument("plan", metavar="PLAN")
    each.add_argument("--workbook", metavar="FILE", help="a decided workbook of this plan")
    each.add_argument("--leave-out", metavar="KEY", action="append", default=[], help="leave this person out")
    each.add_argument("--only", metavar="KEY", action="append", default=[], help="take only this person (repeat)")
    each.add_argument("--override", metavar="CODE=REASON", action="append", default=[], help="override a block")
    each = command("process", "process an approved plan, or resume it", "runs", json=True)
    each.add_argument("plan", metavar="PLAN")
    each.add_argument("--retry-failed", action="store_true", help="try those again who failed")
    each = command("undo", "plan the way back from a run", "plans", json=True)
    each.add_argument("run_id", metavar="RUN")
    command("stop", "stop a run between chunks", "runs").add_argument("run_id", metavar="RUN")
    each = command("users", "the directory as it is", "looking", json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("--csv", metavar="FILE", help="write it as CSV")
    command("history", "what happened", "looking", json=True).add_argument("label", metavar="CUSTOMER[/DOMAIN]")
    each = command("roles", "who has which role, and since when", "looking", json=True)
    each.add_argument("customer", metavar="CUSTOMER", nargs="?", help="without it, of every customer")
    each = command("explain", "why somebody is or is not there", "looking", json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("person", metavar="PERSON")
    each = command("verify", "check the history chain", "looking", json=True)
    each.add_argument("--head", metavar="HASH", help="a head that was kept must still stand in it")
    each.add_argument("--seal", metavar="REASON", help="seal the history anew as it is, and record why")
    each = command("schedule", "show a schedule, or switch it on or off", "runs")
    each.add_argument("label", metavar="CUSTOMER[/DOMAIN]")
    each.add_argument("switch", metavar="on|off", nargs="?", choices=["on", "off"], help="without it, how it stands")
    command("due", "run the schedules that are due now", "runs")
    each = command("worker", "execute jobs and schedules until stopped", "runs")
    each.add_argument("--with-parent", action="store_true", help="end when the process that started it ends")
    each = command("grant", "give somebody a role", "caretaking")
    each.add_argument("email", metavar="EMAIL")
    each.add_argument("role", metavar="ROLE", choices=["admin", "csm", "auditor"])
    each.add_argument("customer", metavar="CUSTOMER", nargs="?")
    each = command("revoke", "take somebody's role away", "caretaking")
    each.add_argument("email", metavar="EMAIL")
    each.add_argument("customer", metavar="CUSTOMER", nargs="?")
    each.add_argument("--last-admin", action="store_true", help="also when nobody else is admin of the customer")
    each = command("offboard", "let go of a customer, a domain or a connection", "caretaking")
    each.add_argument("label", metavar="CUSTOMER[/DOMAIN]")
    each.add_argument("--connection", metavar="NAME", help="this connection of the customer, with the domains on it")
    each.add_argument(
        "--users", metavar="stay|archive", choices=["stay", "archive"], required=True, help="what happens to the users"
    )
    for name, text in (
        ("export-person", "print all that is kept of one person"),
        ("forget-person", "remove what is kept of one person"),
    ):
        each = command(name, text, "caretaking")
        each.add_argument("customer", metavar="CUSTOMER")
        each.add_argument("person", metavar="PERSON")
    command("forget-history", "remove what is older than the retention", "caretaking").add_argument(
        "customer", metavar="CUSTOMER"
    )
    each = command("rotate-key", "encrypt all secrets with a new key", "caretaking")
    each.add_argument("--lost", action="store_true", help="the old key is lost: forget all secrets and begin anew")
    command("backup", "copy the database", "caretaking").add_argument("file", metavar="FILE")
    command("restore", "replace the database by a copy", "caretaking").add_argument("file", metavar="FILE")
    command("doctor", "check installation, database, key, clock", "caretaking")
    return top


def check_words(asked: argparse.Namespace) -> None:
    """Raises `UsageError`: words that are not the terminal's encoding arrive as lone surrogates, which nothing can store."""
    for value in vars(asked).values():
        for word in value if isinstance(value, list) else [value]:
            if isinstance(word, str) and any("\ud800" <= character <= "\udfff" for character in word):
                raise UsageError("One of the words is not valid text in this terminal's encoding (UTF-8).")


def complain(message: str) -> None:
    print(f"rollcall: {' '.join(message.split())}", file=sys.stderr)
