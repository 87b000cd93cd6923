"""Writes the reference from the code, so that it cannot say anything else: commands and their options from the
parser, keys of the set-up file from its types, findings and held codes from where they are made, environment
variables from where they are named, errors from where they are raised. Writes reference.md and errors.md into the folder
named; a test compares them with docs/."""

import argparse
import inspect
import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import messages
import msgspec

from provisioning import errors, setup_file
from provisioning.command_line.words import parser
from provisioning.engine.lifecycle import DEFAULTS
from provisioning.target import scim_words

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "provisioning"
RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
TABLES: dict[str, type[msgspec.Struct]] = {
    "[customer]": setup_file.CustomerTable,
    "[[members]]": setup_file.MemberTable,
    "[[connections]]": setup_file.ConnectionTable,
    "[[domains]]": setup_file.DomainTable,
    "target = { … }": setup_file.ScimTable,
    "schedule = { … }": setup_file.ScheduleTable,
    "protected = { … }": setup_file.ProtectTable,
    "[[domains.attributes]]": setup_file.AttributeTable,
    "[[domains.scope]]": setup_file.ScopeTable,
    "hired = { … }": setup_file.WaitTable,
    "[domains.limits]": setup_file.LimitsTable,
}
INTRODUCTION = """Written from the code by `./scripts/reference`; a test fails when it is not up to date. What the words mean stands in
[command-line.md](command-line.md), [setup-file.md](setup-file.md) and [rules.md](rules.md)."""
NESTED = {"attributes", "scope", "lifecycle", "limits"}
ABOUT_ERRORS = """Written from the code by `./scripts/reference`; a test fails when it is not up to date. Every message that ends a command, a job
or a click, sorted by who must act next; `…` stands for what is filled in, and a slash for “or”. What is wrong with *data* is a
[finding](reference.md#findings), and [rules.md](rules.md) says who is held back. Where a message does not say enough, the
[operator guide](operator-guide.md#when-something-is-wrong) says more about the cause."""


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [
        "# Reference\n\n" + INTRODUCTION,
        "## Commands\n\n" + "\n\n".join(_commands()),
        "## Exit codes\n\n" + "\n".join(_exit_codes()),
        "## The set-up file\n\n" + "\n\n".join(_table(name, kind) for name, kind in TABLES.items()),
        "\n".join(_lifecycle()),
        "## Findings\n\n`…` stands for what is filled in.\n\n" + "\n".join(_findings()),
        "## Codes of people held back\n\n" + ", ".join(f"`{code}`" for code in held_codes()) + ".",
        "## Environment variables\n\n" + "\n".join(_variables()),
    ]
    return "\n\n".join(parts) + "\n"


def error_messages() -> str:
    """Every error, as Markdown."""
    tree = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.RollcallError)]
    tree.sort(key=lambda kind: (-kind.exit_code, len(kind.__mro__), kind.__name__))
    texts = messages.errors(messages.read(PROGRAM), [each.__name__ for each in tree])
    parts = ["# Errors\n\n" + ABOUT_ERRORS]
    for kind in tree:
        listed = sorted(map(_line, texts[kind.__name__]), key=lambda text: text.lstrip("…“ ").casefold())
        if listed:
            about = f"{inspect.getdoc(kind)} Exit code {kind.exit_code}."
            parts += [f"## {kind.__name__}", about, "\n".join(f"- {_plain_text(text)}" for text in listed)]
    rows = [f"| {_cell(what)} | {_cell(who)} |" for what, who in dict.fromkeys(scim_words._MEANINGS.values())]
    parts += ["## What a portal refuses for one person", "\n".join(["| it means | who acts |", "| --- | --- |", *rows])]
    return "\n\n".join(parts) + "\n"


def _plain_text(text: str) -> str:
    """Without what Markdown would take for something of its own, outside of code."""
    return "`".join(
        re.sub(r"([*_<\[])", r"\\\1", part) if place % 2 == 0 else part for place, part in enumerate(text.split("`"))
    )


# --- commands -------------------------------------------------------------------------------------------------


def _commands() -> Iterator[str]:
    top = parser()
    found = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    help_of = {each.dest: each.help or "" for each in found._choices_actions}
    for name, command in found.choices.items():
        actions = [each for each in command._actions if each.dest not in ("help", "data", "by")]
        actions.sort(key=lambda each: bool(each.option_strings))
        usage = " ".join([name, *(_usage(each) for each in actions)])
        rows = [_option(each) for each in actions if each.help or each.choices or each.type]
        table = ["| argument | |\n| --- | --- |\n" + "\n".join(rows)] if rows else []
        yield "\n\n".join([f"### {name}", f"`{usage}`", _sentence(help_of[name]), *table])


def _shown(action: argparse.Action) -> str:
    words = str(action.metavar or (action.dest.upper() if action.type else ""))
    return " ".join([*action.option_strings[:1], words if action.nargs != 0 else ""]).strip()


def _usage(action: argparse.Action) -> str:
    if not action.required:
        return f"[{_shown(action)}]" + ("…" if isinstance(action, argparse._AppendAction) else "")
    return _shown(action)


def _option(action: argparse.Action) -> str:
    notes = [action.help or ""]
    if action.choices and "|" not in str(action.metavar):
        notes.append("one of " + ", ".join(map(str, action.choices)))
    if action.type and action.default:
        notes.append(f"default {action.default}")
    return f"| `{_cell(_shown(action))}` | {_cell('; '.join(note for note in notes if note))} |"


def _exit_codes() -> Iterator[str]:
    yield "| code | error | |\n| --- | --- | --- |"
    yield "| 0 | | done |"
    tree = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.RollcallError)]
    for each in sorted(tree, key=lambda kind: (kind.exit_code, len(kind.__mro__), kind.__name__)):
        if each is not errors.RollcallError:
            yield f"| {each.exit_code} | {each.__name__} | {_cell(inspect.getdoc(each) or '')} |"
    yield "| 4 | | done or stopped early, and some people failed or drifted |"
    yield "| 130 | | stopped by ctrl-C |"


# --- the set-up file --------------------------------------------------------------------------------------------


def _table(name: str, kind: type[msgspec.Struct]) -> str:
    hints = get_type_hints(kind, include_extras=True)
    rows = ["| key | type | default |", "| --- | --- | --- |"]
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in NESTED or kind is not setup_file.DomainTable:
            rows.append(f"| `{field.encode_name}` | {_cell(_type(hints[field.name]))} | {_default(field)} |")
    return f"### `{name}`\n\n" + "\n".join(rows)


def _type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bounded(_type(inner[0]), inner[1:])
    if origin in (Union, UnionType):
        return " or ".join(_type(each) for each in inner if each not in (type(None), msgspec.UnsetType))
    if origin is Literal:
        return " or ".join(f'"{each}"' for each in inner)
    if origin is list:
        each = _type(inner[0])
        return f"list of ({each})" if " or " in each else f"list of {each}"
    if origin is dict:
        return f"table of {_type(inner[1])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(f'"{each.value}"' for each in hint)
    return _plain(hint)


def _plain(hint: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", setup_file.Secret: "secret"}
    return names.get(hint, "table")


def _bounded(text: str, notes: Iterable[Any]) -> str:
    bounds = []
    for note in notes:
        for key, words in (("ge", "at least"), ("le", "at most"), ("max_length", "at most")):
            value = getattr(note, key, None)
            if value is not None:
                bounds.append(f"{words} {value:,}" + (" characters" if key == "max_length" else ""))
    return text + (f" ({', '.join(bounds)})" if bounds else "")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is msgspec.UNSET:
        return "unchanged"
    if field.default is not msgspec.NODEFAULT:
        return _value(field.default)
    return "needed" if field.default_factory is msgspec.NODEFAULT else "none"


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Enum):
        return f'`"{value.value}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


# --- findings, held codes, variables ----------------------------------------------------------------------------


def _lifecycle() -> Iterator[str]:
    yield "### `[domains.lifecycle]`\n\nA status is compared without regard to letter case, blanks and punctuation.\n"
    yield "| status | default |\n| --- | --- |"
    yield from (f"| `{status}` | `{json.dumps(str(meaning))}` |" for status, meaning in DEFAULTS.items())
    yield '| any other | `"leave as is"`, with a warning |'


def _findings() -> Iterator[str]:
    yield "| code | severity | message | what to do |\n| --- | --- | --- | --- |"
    rows = messages.findings(messages.read(PROGRAM))
    own = {code for code, *_ in rows}
    for code, severity, message, remedy in rows:
        yield f"| {_codes(code, own)} | {severity} | {_cell(message)} | {_cell(remedy)} |"


def _codes(code: str, own: Collection[str]) -> str:
    """A code, or all documented ones that are made from a template and have no row of their own."""
    pattern = re.escape(code).replace(messages.HOLE, "[a-z0-9-]+")
    made = [each for each in re.findall(r"`([a-z0-9-]+)`", RULES) if re.fullmatch(pattern, each)]
    named = dict.fromkeys(each for each in made if each not in own) if messages.HOLE in code else [code]
    return ", ".join(f"`{each}`" for each in named)


def held_codes() -> list[str]:
    """Every code with which people are held, from model, matching, lifecycle and the plan."""
    section = RULES.split("## People held back")[1].split("##")[0]
    engine = "\n".join(path.read_text(encoding="utf-8") for path in (PROGRAM / "engine").glob("*.py"))
    return sorted(code for code in re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE) if f'"{code}"' in engine)


def _variables() -> Iterator[str]:
    yield "| variable | read in |\n| --- | --- |"
    found: dict[str, list[str]] = {}
    for path in [*sorted(PROGRAM.rglob("*.py")), ROOT / "app.py", ROOT / "asgi.py"]:
        for name in re.findall(r"[\"'](ROLLCALL_[A-Z_]+)[\"']", path.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    for name, places in sorted(found.items()):
        yield f"| `{name}` | {', '.join(dict.fromkeys(places))} |"


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _line(text: str) -> str:
    return re.sub("…+", "…", " ".join(text.split()))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


PAGES: dict[str, Callable[[], str]] = {"reference.md": reference, "errors.md": error_messages}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (Path(sys.argv[1]) / name).write_text(page(), encoding="utf-8")
