"""The command line: words in, one use case, text or JSON out. Knows no rule.

Everything is imported where it is needed, so that `--help` does not wait for the engine.
"""

import argparse
import contextlib
import io
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from provisioning import __version__
from provisioning.errors import RollcallError, UsageError

if TYPE_CHECKING:
    from provisioning.model import Attribute, Plan, Run
    from provisioning.store.leases import Holder
    from provisioning.workflow import Compared, Workspace

ROOT = Path(__file__).resolve().parents[1]
OK, NEIGHBOUR_FAILED, WRONG_USAGE, REFUSED, SOME_FAILED = range(5)
MOST_KEYS = 3


class _Parser(argparse.ArgumentParser):
    """Errors in one line, without the usage of the whole program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See `{self.prog} --help`.")


def parser() -> argparse.ArgumentParser:
    """All commands with their options. The order is that of docs/command-line.md."""
    everywhere = _Parser(add_help=False)
    for option, text in (("--data", "the data folder"), ("--by", "who acts, by e-mail")):
        everywhere.add_argument(option, default=argparse.SUPPRESS, help=text, metavar=option[2:].upper())
    top = _Parser(prog="python -m provisioning", description=__doc__ and "Rollcall: from HiBob into Skillcast.")
    top.add_argument("--version", action="version", version=f"Rollcall {__version__}")
    top.add_argument("--data", metavar="DIR", default=str(ROOT / "data"), help="the data folder (default: data)")
    top.add_argument("--by", metavar="EMAIL", default=None, help="who acts (default: the operator of this machine)")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, help: str, run: Callable[[argparse.Namespace], int], json: bool = False) -> _Parser:
        made: _Parser = commands.add_parser(name, help=help, description=help, parents=[everywhere])
        made.set_defaults(run=run)
        if json:
            made.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        return made

    each = command("demo", "sandbox and example customer together", _demo)
    each.add_argument("--check", action="store_true", help="do the main job once, then end")
    each = command("sandbox", "a HiBob stand-in with an invented company", _sandbox)
    each.add_argument("--port", type=int, default=0, help="the port (default: any free one)")
    each.add_argument("--people", type=int, default=250)
    each.add_argument("--seed", type=int, default=1)
    command("day", "let a day pass in the running sandbox", _day)
    each = command("setup", "create or change one customer from a file", _setup)
    each.add_argument("file", metavar="FILE")
    each.add_argument("--prune", action="store_true", help="also remove domains, connections and members not named")
    command("export", "print a customer's set-up file", _export).add_argument("customer", metavar="CUSTOMER")
    command("check", "test a domain's connection", _check, json=True).add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each = command("preview", "make and store a plan", _preview, json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("--excel", metavar="FILE", help="also write its workbook")
    each = command("compare", "what two versions of a mapping would make of the same people", _compare, json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("old", metavar="OLD", help="a version of the mapping")
    each.add_argument("new", metavar="NEW", help="another version, or draft: your unsaved mapping")
    command("plan", "show a stored plan", _plan, json=True).add_argument("plan", metavar="PLAN")
    each = command("workbook", "write a plan's Excel file", _workbook)
    each.add_argument("plan", metavar="PLAN")
    each.add_argument("file", metavar="FILE")
    each = command("decide", "decide about people: a new plan from what was read", _decide, json=True)
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
    each = command("approve", "approve a plan", _approve, json=True)
    each.add_argument("plan", metavar="PLAN")
    each.add_argument("--workbook", metavar="FILE", help="a decided workbook of this plan")
    each.add_argument("--leave-out", metavar="KEY", action="append", default=[], help="leave this person out")
    each.add_argument("--only", metavar="KEY", action="append", default=[], help="take only this person (repeat)")
    each.add_argument("--override", metavar="CODE=REASON", action="append", default=[], help="override a block")
    each = command("process", "process an approved plan, or resume it", _process, json=True)
    each.add_argument("plan", metavar="PLAN")
    each.add_argument("--retry-failed", action="store_true", help="try those again who failed")
    each = command("undo", "plan the way back from a run", _undo, json=True)
    each.add_argument("run_id", metavar="RUN")
    command("stop", "stop a run between chunks", _stop).add_argument("run_id", metavar="RUN")
    each = command("users", "the directory as it is", _users, json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("--csv", metavar="FILE", help="write it as CSV")
    command("history", "what happened", _history, json=True).add_argument("label", metavar="CUSTOMER[/DOMAIN]")
    each = command("explain", "why somebody is or is not there", _explain, json=True)
    each.add_argument("domain", metavar="CUSTOMER/DOMAIN")
    each.add_argument("person", metavar="PERSON")
    each = command("verify", "check the history chain", _verify)
    each.add_argument("--head", metavar="HASH", help="a head that was kept must still stand in it")
    each.add_argument("--seal", metavar="REASON", help="seal the history anew as it is, and record why")
    each = command("schedule", "show a schedule, or switch it on or off", _schedule)
    each.add_argument("label", metavar="CUSTOMER[/DOMAIN]")
    each.add_argument("switch", metavar="on|off", nargs="?", choices=["on", "off"], help="without it, how it stands")
    command("due", "run the schedules that are due now", _due)
    each = command("worker", "execute jobs and schedules until stopped", _worker)
    each.add_argument("--with-parent", action="store_true", help="end when the process that started it ends")
    each = command("grant", "give somebody a role", _grant)
    each.add_argument("email", metavar="EMAIL")
    each.add_argument("role", metavar="ROLE", choices=["admin", "csm", "auditor"])
    each.add_argument("customer", metavar="CUSTOMER", nargs="?")
    each = command("revoke", "take somebody's role away", _revoke)
    each.add_argument("email", metavar="EMAIL")
    each.add_argument("customer", metavar="CUSTOMER", nargs="?")
    each.add_argument("--last-admin", action="store_true", help="also when nobody else is admin of the customer")
    each = command("offboard", "let go of a customer, a domain or a connection", _offboard)
    each.add_argument("label", metavar="CUSTOMER[/DOMAIN]")
    each.add_argument("--connection", metavar="NAME", help="this connection of the customer, with the domains on it")
    each.add_argument(
        "--users", metavar="stay|archive", choices=["stay", "archive"], required=True, help="what happens to the users"
    )
    for name, text, run in (
        ("export-person", "print all that is kept of one person", _export_person),
        ("forget-person", "remove what is kept of one person", _forget_person),
    ):
        each = command(name, text, run)
        each.add_argument("customer", metavar="CUSTOMER")
        each.add_argument("person", metavar="PERSON")
    command("forget-history", "remove what is older than the retention", _forget_history).add_argument(
        "customer", metavar="CUSTOMER"
    )
    each = command("rotate-key", "encrypt all secrets with a new key", _rotate_key)
    each.add_argument("--lost", action="store_true", help="the old key is lost: forget all secrets and begin anew")
    command("backup", "copy the database", _backup).add_argument("file", metavar="FILE")
    command("restore", "replace the database by a copy", _restore).add_argument("file", metavar="FILE")
    command("doctor", "check installation, database, key, clock", _doctor)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors are one or two lines, never a traceback."""
    import sqlite3

    _prepare_output()
    try:
        asked = parser().parse_args(arguments)
        _check_words(asked)
        run: Callable[[argparse.Namespace], int] = asked.run
        code = run(asked)
        sys.stdout.flush()
        return code
    except RollcallError as problem:
        _complain(str(problem))
        return problem.exit_code
    except sqlite3.Error as problem:
        _complain(
            f"The database could not be used: {problem}. What was not journalled was not done; repeat the command."
        )
        return NEIGHBOUR_FAILED
    except BrokenPipeError:
        _forget_output()
        return OK
    except OSError as problem:
        _forget_output()
        _complain(f"{problem.strerror}{f': {problem.filename}' if problem.filename else ' while writing the output'}.")
        return WRONG_USAGE
    except KeyboardInterrupt:
        _complain("Stopped.")
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


def _check_words(asked: argparse.Namespace) -> None:
    """Words that are not the terminal's encoding arrive as lone surrogates, which nothing can store."""
    for value in vars(asked).values():
        for word in value if isinstance(value, list) else [value]:
            if isinstance(word, str) and any("\ud800" <= character <= "\udfff" for character in word):
                raise UsageError("One of the words is not valid text in this terminal's encoding (UTF-8).")


def _complain(message: str) -> None:
    print(f"rollcall: {' '.join(message.split())}", file=sys.stderr)


def _open(asked: argparse.Namespace, environment: Mapping[str, str] | None = None) -> "Workspace":
    from provisioning.workflow import Workspace, member, operator

    actor = member(asked.by) if asked.by is not None else operator()
    where = f"{platform.node()}, {asked.command}"
    return Workspace(Path(asked.data), os.environ if environment is None else environment, actor, where=where)


def _print_json(document: object) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    sys.stdout.flush()


def _print(lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        print(line)


def _waiting(holder: "Holder") -> None:
    print(f"rollcall: waiting for {holder}", file=sys.stderr)


def _read_file(name: str, most: int = -1) -> bytes:
    """The first `most` bytes of a file: whoever sets a limit asks for one more."""
    try:
        with Path(name).open("rb") as file:
            return file.read(most)
    except OSError as problem:
        raise UsageError(f"The file {name} cannot be read: {problem.strerror}.") from None


@contextlib.contextmanager
def _new_file(name: str) -> Iterator[Path]:
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


# --- the commands -----------------------------------------------------------------------------------------


def _demo(asked: argparse.Namespace) -> int:
    from provisioning import demo

    return demo.check() if asked.check else demo.serve()


def _sandbox(asked: argparse.Namespace) -> int:
    from provisioning.demo import serve_sandbox

    return serve_sandbox(Path(asked.data), asked.people, asked.seed, asked.port)


def _day(asked: argparse.Namespace) -> int:
    from provisioning.demo import pass_day

    _print(pass_day(Path(asked.data)))
    return OK


def _setup(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    try:
        text = _read_file(asked.file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"The file {asked.file} is not UTF-8 text.") from None
    changed = workflow.set_up(_open(asked), text, prune=asked.prune)
    _print(changed or ["Nothing changed."])
    return OK


def _export(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    print(workflow.export(_open(asked), asked.customer), end="")
    return OK


def _check(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.documents import finding_document
    from provisioning.report.text import finding_lines, moment, plain

    found = workflow.check(_open(asked), asked.domain)
    if asked.json:
        _print_json(
            {
                "connection": found.connection,
                "ok": found.ok,
                "people": {"live": found.live, "inactive": found.inactive},
                "columns": [
                    {
                        "column": c.column,
                        "attribute": c.attribute,
                        "filled": c.filled,
                        "state": c.state,
                        "category": c.category,
                    }
                    for c in found.columns
                ],
                "findings": [finding_document(each) for each in found.findings],
            }
        )
        return OK
    print(f"Connection {found.connection}: HiBob answers, the credentials are right.")
    print(f"  {found.live:,} live and {found.inactive:,} inactive people visible")
    print(f"  {found.fields:,} fields known, read {moment(found.metadata_at)}")
    for each in found.columns:
        print(
            f"  {each.state:<7} {each.filled:>6.1%}  {each.attribute} ← {each.column}  ({plain(each.category or 'no category')})"
        )
    if found.portal:
        print(f"Portal {found.portal.base_url}: answers, the token is accepted.")
        _print([f"  {plain(what)}: {plain(words)}" for what, words in found.portal.features])
        _print([f"  {plain(note)}" for note in found.portal.notes])
    _print(list(finding_lines(found.findings)))
    return OK


def _preview(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    house = _open(asked)
    plan = workflow.preview(house, asked.domain, _waiting)
    if asked.excel:
        _write_workbook(house, plan.id, asked.excel)
    return _show_plan(house, plan, asked.json, asked.excel)


def _next_step(plan: "Plan") -> str:
    if plan.blocks:
        return "Next: put right what blocks (→ above) and preview again. Nobody is changed by a blocked plan."
    return f"Next: `approve {plan.id} --by EMAIL`, by an admin or CSM of {plan.domain.partition('/')[0]}"


def _forecast(house: "Workspace", plan: "Plan") -> str:
    from provisioning import workflow
    from provisioning.report.speed import forecast_line

    found = workflow.forecast(house, plan.id)
    return forecast_line(found.changes, found.rate, found.measured) if found else ""


def _show_plan(house: "Workspace", plan: "Plan", as_json: bool, excel: str | None = None) -> int:
    from provisioning.model import PlanStatus
    from provisioning.report.documents import plan_document
    from provisioning.report.text import plan_lines

    if as_json:
        _print_json(plan_document(plan))
    else:
        _print(list(plan_lines(plan, forecast=_forecast(house, plan))))
        if plan.changes:
            print(f"Workbook: {excel}" if excel else f"Workbook: `workbook {plan.id} FILE`")
            print(_next_step(plan))
    if plan.status is not PlanStatus.BLOCKED:
        return OK
    _complain(
        f"Plan {plan.id} is blocked by {', '.join(dict.fromkeys(each.code for each in plan.blocks))}. Nothing was written."
    )
    return REFUSED


def _decide(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    moves = [_pair(each, "KEY=DOMAIN") for each in asked.move]
    if len(dict(moves)) < len(moves):
        raise UsageError("Somebody can be moved to one domain only.")
    wishes = workflow.Wishes(
        protect=asked.protect,
        move=dict(moves),
        same=[_pair(each, "KEY=USER") for each in asked.same],
        not_same=[_pair(each, "KEY=USER") for each in asked.not_same],
        test_accounts=[_pair(each, "EMAIL=DOMAIN") for each in asked.test_account],
        forget=asked.forget,
    )
    house = _open(asked)
    return _show_plan(house, workflow.decide(house, asked.plan, wishes, _waiting), asked.json)


def _pair(written: str, form: str) -> tuple[str, str]:
    """Two words around the last equals sign: keys and addresses may hold one themselves."""
    left, equals, right = written.rpartition("=")
    if not equals or not left.strip() or not right.strip():
        raise UsageError(f"“{written}” is not {form}.")
    return left.strip(), right.strip()


def _undo(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    house = _open(asked)
    return _show_plan(house, workflow.undo(house, asked.run_id, _waiting), asked.json)


def _compare(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.text import moment

    house = _open(asked)
    new: int | tuple[Sequence[Attribute], str]
    if asked.new == "draft":
        draft = workflow.mapping_draft(house, asked.domain)
        if draft is None:
            raise UsageError(f"{house.actor.name} has no unsaved mapping of {asked.domain}.")
        new = (draft.attributes, draft.identifier)
    else:
        new = _version(asked.new)
    compared = workflow.compare_mappings(house, asked.domain, _version(asked.old), new)
    if asked.json:
        _print_json(_comparison_document(asked, compared))
        return OK
    words = "your draft" if asked.new == "draft" else f"version {asked.new}"
    users = compared.comparison.users
    print(f"Version {asked.old} → {words} changes {users:,} user{'' if users == 1 else 's'} of {asked.domain}.")
    print(f"  HiBob read {moment(compared.read_at)}")
    _print(list(_comparison_lines(compared)))
    return OK


def _version(word: str) -> int:
    if not word.isascii() or not word.isdecimal() or len(word) > 9:
        raise UsageError(f"“{word}” is no version of a mapping: write a number, such as 3.")
    return int(word)


def _comparison_document(asked: argparse.Namespace, compared: "Compared") -> dict[str, object]:
    found = compared.comparison
    return {
        "domain": asked.domain,
        "old": asked.old,
        "new": asked.new,
        "read_at": f"{compared.read_at:%Y-%m-%dT%H:%M:%SZ}",
        "users": found.users,
        "attributes": [
            {
                "attribute": each.attribute,
                "users": each.users,
                "examples": [{"key": e.key, "old": e.old, "new": e.new, "users": e.users} for e in each.examples],
            }
            for each in found.attributes
        ],
        "happens": [{"old": old, "new": new, "users": users} for old, new, users in found.happens],
        "people": [{**row, "attribute": row["attribute"] or None} for row in found.rows.to_pylist()],
        "not_compared": [{"attribute": e.attribute, "column": e.column, "why": e.why} for e in found.not_compared],
        "not_known": list(found.unknown),
    }


def _comparison_lines(compared: "Compared") -> Iterator[str]:
    from provisioning.report.text import plain

    found = compared.comparison
    for old, new, users in found.happens:
        yield f"  {users:>7,}  {old} → {new}"
    for each in found.attributes:
        shown = "; ".join(f"{e.old or '(blank)'} → {e.new or '(blank)'} ({e.users:,})" for e in each.examples)
        yield plain(f"  {each.users:>7,}  {each.attribute}: {shown}")
    for missing in found.not_compared:
        yield plain(f"  not compared: {missing.attribute}. {missing.why}")
    for name in found.unknown:
        yield plain(f"  {name}: what Skillcast has now was not read, and counts as blank.")


def _plan(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.documents import plan_document
    from provisioning.report.text import plan_lines

    house = _open(asked)
    plan = workflow.show_plan(house, asked.plan)
    if asked.json:
        _print_json(plan_document(plan))
    else:
        _print(list(plan_lines(plan, forecast=_forecast(house, plan))))
    return OK


def _workbook(asked: argparse.Namespace) -> int:
    _write_workbook(_open(asked), asked.plan, asked.file)
    print(f"Workbook of {asked.plan}: {asked.file}")
    return OK


def _write_workbook(house: "Workspace", plan_id: str, name: str) -> None:
    from provisioning import workflow

    with _new_file(name) as path, path.open("wb") as file:
        workflow.export_workbook(house, plan_id, file)


def _approve(asked: argparse.Namespace) -> int:
    from io import BytesIO

    from provisioning import workflow
    from provisioning.report.documents import approval_document
    from provisioning.report.text import moment, plain
    from provisioning.report.workbook_reader import MAX_FILE

    workbook = BytesIO(_read_file(asked.workbook, MAX_FILE + 1)) if asked.workbook else None
    approval = workflow.approve(
        _open(asked),
        asked.plan,
        leave_out=asked.leave_out,
        only=asked.only,
        overrides=dict(_override(each) for each in asked.override),
        workbook=workbook,
    )
    if asked.json:
        _print_json(approval_document(approval))
        return OK
    print(f"Plan {approval.plan_id} approved by {approval.by} on {moment(approval.at)}.")
    print(f"  digest {approval.digest}")
    if approval.workbook:
        print(plain(f"  decided by, as the workbook says: {approval.signed_by or 'not said'}"))
    if approval.left_out:
        print(f"  {len(approval.left_out):,} {'person' if len(approval.left_out) == 1 else 'people'} left out")
    _print([f"  overridden: {code} ({reason})" for code, reason in approval.overrides.items()])
    return OK


def _override(written: str) -> tuple[str, str]:
    code, equals, reason = written.partition("=")
    if not equals:
        raise UsageError(f"“{written}” is not CODE=REASON.")
    return code.strip(), reason.strip()


def _process(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.documents import run_document
    from provisioning.report.text import run_lines

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty() and not asked.json:
            print(f"\r{done:,} of {total:,}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    house = _open(asked)
    run = workflow.process(
        house, asked.plan, retry_failed=asked.retry_failed, waiting=_waiting, progress=progress, say=_complain
    )
    if asked.json:
        _print_json(run_document(run))
    else:
        _print(list(run_lines(run, workflow.speed_seen(house, run.id))))
    return _run_code(run)


def _run_code(run: "Run") -> int:
    from provisioning.model import RunStatus

    return OK if run.status is RunStatus.DONE else SOME_FAILED


def _stop(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    workflow.stop(_open(asked), asked.run_id)
    print(f"Run {asked.run_id} will stop before its next chunk. `process` resumes it.")
    return OK


def _users(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.documents import users_document
    from provisioning.report.text import plain

    look = workflow.export_users if asked.csv else workflow.users
    found = look(_open(asked), asked.domain)
    if asked.csv:
        from provisioning.report.csv_file import write_users

        with _new_file(asked.csv) as path:
            write_users(found, path)
    if asked.json:
        _print_json(users_document(found))
    elif asked.csv:
        print(f"{len(found):,} users: {asked.csv}")
    else:
        for user, link, status, attributes in found:
            print(
                f"{user}  {status:<8}  {link or '-':<20}  {plain(', '.join(f'{k}={v}' for k, v in attributes.items()))}"
            )
    return OK


def _history(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.differences import in_words
    from provisioning.report.text import plain

    events = workflow.see_history(_open(asked), asked.label)
    if asked.json:
        _print_json(
            [
                {
                    "at": each.at, "who": each.who, "what": each.what, "plan": each.plan, "run": each.run,
                    "customer": each.customer, "domain": each.domain, "details": each.details,
                }
                for each in events
            ]
        )  # fmt: skip
        return OK
    for each in events:
        about = " ".join(part for part in (each.domain, each.plan, each.run) if part)
        details = in_words({name: _shortened(value) for name, value in each.details.items()})
        print(plain(f"{each.at[:19].replace('T', ' ')}  {each.who}: {each.what}  {about}  {details}"))
    return OK


def _shortened(value: object) -> object:
    """A list of keys by its first few: --json has them all."""
    if isinstance(value, list) and len(value) > MOST_KEYS and all(isinstance(each, str) for each in value):
        return f"{', '.join(value[:MOST_KEYS])} and {len(value) - MOST_KEYS:,} more"
    return value


def _explain(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.text import plain

    answer = workflow.explain(_open(asked), asked.domain, asked.person)
    if asked.json:
        steps = [{"step": each.step, "detail": each.detail} for each in answer.steps]
        _print_json({"person": answer.person, "answer": answer.answer, "steps": steps})
        return OK
    print(plain(answer.answer))
    _print([f"  {each.step:<10} {plain(each.detail)}" for each in answer.steps])
    return OK


def _verify(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    house = _open(asked)
    if asked.seal:
        workflow.seal_anew(house, asked.seal)
    verdict = workflow.verify(house, asked.head)
    if verdict.broken:
        _complain(f"The history is not as it was written. {verdict.broken}")
        return REFUSED
    print(f"The history is unbroken: {verdict.rows:,} rows, head {verdict.head}")
    if verdict.unsealed:
        print(
            f"The last {verdict.unsealed:,} of them came after the seal: somebody is at work, a process was killed while it "
            "wrote, or an older seal was put back. Compare them with a head kept elsewhere: `verify --head HASH`."
        )
    for first, last in verdict.found_unsealed:
        rows = f"Row {first:,}" if first == last else f"Rows {first:,} to {last:,}"
        print(
            f"{rows}: no seal covered this when the next row was written. A process was killed while it wrote, or somebody "
            "wrote it who has no key."
        )
    return OK


def _schedule(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.text import schedule_lines

    house = _open(asked)
    if workflow.is_customer(house, asked.label):
        return _schedules_of(house, asked.label, asked.switch)
    act = {"on": workflow.switch_on, "off": workflow.switch_off, None: workflow.schedule_seen}[asked.switch]
    seen = act(house, asked.label)
    coming = [(each.at, each.note) for each in seen.next]
    about = (seen.label, seen.standing, seen.cron, seen.timezone, seen.does, seen.by, seen.reason)
    _print(list(schedule_lines(*about, coming)))
    return OK


def _schedules_of(house: "Workspace", customer: str, switch: str | None) -> int:
    """All of a customer with one switch; each domain goes on as it was."""
    from provisioning import workflow

    if switch:
        act = workflow.pause_all if switch == "off" else workflow.resume_all
        act(house, customer)
    print(workflow.all_paused(house, customer) or f"{customer}: the schedules are not paused as a whole.")
    for each in workflow.domains_seen(house, customer):
        seen = workflow.schedule_seen(house, each.label)
        print(f"  {each.label}: {seen.standing.value}")
    return OK


def _due(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.report.text import plain

    house = _open(asked)
    found = workflow.run_due(house, _waiting)
    workflow.deliver(house)
    workflow.remove_old(house)
    _print([plain(f"{each.label}: {each.text}") for each in found] or ["Nothing is due."])
    return min((each.code for each in found if each.code), default=OK)


def _worker(asked: argparse.Namespace) -> int:
    from provisioning.worker import Stopping, work

    work(_open(asked), Stopping(with_parent=asked.with_parent), lambda text: print(text, flush=True))
    return OK


def _grant(asked: argparse.Namespace) -> int:
    from provisioning import workflow
    from provisioning.model import Role

    new = workflow.grant(_open(asked), asked.email, Role(asked.role), asked.customer)
    of = asked.customer or "every customer"
    print(f"{asked.email} {'is now' if new else 'already was'} {asked.role} of {of}.")
    return OK


def _revoke(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    had = workflow.revoke(_open(asked), asked.email, asked.customer, last_admin=asked.last_admin)
    of = asked.customer or "every customer"
    print(f"{asked.email} {'has no role any more' if had else 'had no role'} for {of}.")
    return OK


def _offboard(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    house, users = _open(asked), workflow.Fate(asked.users)
    if asked.connection is not None:
        found = workflow.leaving_connection(house, asked.label, asked.connection)
    elif "/" in asked.label and not workflow.is_customer(house, asked.label):
        found = workflow.leaving_domain(house, asked.label)
    else:
        found = workflow.leaving_customer(house, asked.label)
    for each in workflow.needs_farewell(house, found) if users is workflow.Fate.ARCHIVE else ():
        plan = workflow.farewell(house, each.label, _waiting)
        print(f"Preview {plan.id} archives {plan.counts['archive']:,} users of {each.label}: {plan.status.value}.")
    workflow.offboard(house, found, users)
    _print([f"Offboarded: {each.label}" for each in found.domains])
    _print([f"Offboarded, its tokens destroyed: connection {each.name}" for each in found.connections])
    print(f"What happened can still be read: `history {found.customer.name}`.")
    return OK


def _export_person(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    _print_json(workflow.export_person(_open(asked), asked.customer, asked.person))
    return OK


def _forget_person(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    rows = workflow.forget_person(_open(asked), asked.customer, asked.person)
    print(f"Removed from previews, runs and decisions; {rows:,} rows of the history lost their content.")
    print("Their account in the directory stays, and backups made before still hold what was removed.")
    return OK


def _forget_history(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    rows = workflow.remove_old_history(_open(asked), asked.customer)
    print(f"{rows:,} rows of the history were older than the retention and lost their content.")
    return OK


def _rotate_key(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    house = _open(asked)
    count = workflow.rotate(house, lost=asked.lost)
    place = (
        f"the new key is in {house.vault.file}"
        if house.vault.file
        else "only the first key of ROLLCALL_KEY is needed now"
    )
    done = "forgotten: set every token again" if asked.lost else "encrypted anew"
    print(f"{count} secrets {done}; {place}.")
    return OK


def _backup(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    workflow.backup(_open(asked), Path(asked.file))
    print(f"Backup without the encryption key: {asked.file}")
    return OK


def _restore(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    fits = workflow.restore(_open(asked), Path(asked.file))
    then = "Check" if fits else "Put its key back, seal the history with `verify --seal REASON`, and check"
    print(f"Restored from {asked.file}. {then} with `doctor`, then `verify`.")
    return OK


def _doctor(asked: argparse.Namespace) -> int:
    from provisioning import workflow

    found = workflow.doctor(_open(asked))
    for each in found:
        print(f"{'fine ' if each.fine else 'WRONG'}  {each.what}: {each.detail}")
    return OK if all(each.fine for each in found) else WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
