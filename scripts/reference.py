"""Writes the reference from the code, so that it cannot say anything else: commands and their options from the
parser, keys of the set-up file from its types, findings and held codes from where they are made, environment
variables from where they are named. docs/reference.md is what this prints; a test compares them."""

import argparse
import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from provisioning import errors, setup_file
from provisioning.__main__ import parser

ROOT = Path(__file__).resolve().parents[1]
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


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [
        "# Reference\n\n" + INTRODUCTION,
        "## Commands\n\n" + "\n\n".join(_commands()),
        "## Exit codes\n\n" + "\n".join(_exit_codes()),
        "## The set-up file\n\n" + "\n\n".join(_table(name, kind) for name, kind in TABLES.items()),
        "## Findings\n\n`…` stands for what is filled in.\n\n" + "\n".join(_findings()),
        "## Codes of people held back\n\n" + ", ".join(f"`{code}`" for code in held_codes()) + ".",
        "## Environment variables\n\n" + "\n".join(_variables()),
    ]
    return "\n\n".join(parts) + "\n"


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
    if action.option_strings or not action.required:
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
        return f"list of {_type(inner[0])}"
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


def _findings() -> Iterator[str]:
    yield "| code | severity | message | what to do |\n| --- | --- | --- | --- |"
    found = {row for path in sorted((ROOT / "provisioning" / "engine").glob("*.py")) for row in _made(path)}
    yield from sorted(found)


def _made(path: Path) -> Iterator[str]:
    """A row per place where a finding is made. Names are looked up among the module's own texts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant | ast.JoinedStr)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            code, severity, message, remedy = (_words(each, texts) for each in node.args[:4])
            yield f"| `{code}` | {severity} | {_cell(message)} | {_cell(remedy)} |"


def _words(node: ast.expr, texts: dict[str, ast.expr]) -> str:
    """A text as its template says it, `…` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(each, texts) for each in node.values)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Severity":
        return node.attr.lower()
    if isinstance(node, ast.BinOp):
        return _words(node.left, texts) + _words(node.right, texts)
    if isinstance(node, ast.IfExp):
        return " / ".join(dict.fromkeys(_words(each, texts) for each in (node.body, node.orelse)))
    if isinstance(node, ast.Name) and node.id in texts:
        return _words(texts[node.id], texts)
    return "…"


def held_codes() -> list[str]:
    """Every code with which people are held, from model, matching, lifecycle and the plan."""
    rules = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    section = rules.split("## People held back")[1].split("##")[0]
    engine = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "provisioning" / "engine").glob("*.py"))
    return sorted(code for code in re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE) if f'"{code}"' in engine)


def _variables() -> Iterator[str]:
    yield "| variable | read in |\n| --- | --- |"
    found: dict[str, list[str]] = {}
    for path in [*sorted((ROOT / "provisioning").rglob("*.py")), ROOT / "app.py", ROOT / "asgi.py"]:
        for name in re.findall(r"[\"'](ROLLCALL_[A-Z_]+)[\"']", path.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    for name, places in sorted(found.items()):
        yield f"| `{name}` | {', '.join(dict.fromkeys(places))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


if __name__ == "__main__":
    print(reference(), end="")
