"""The texts that the program makes, read from its source: findings and errors as their templates say them, `…` for what is
filled in. scripts/reference.py writes them into docs/."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

HOLE = "…"
Names = Mapping[str, ast.AST]
"""What a name holds at some place: a value or a function."""


def read(root: Path) -> list[ast.Module]:
    """All modules below a folder, in the order of their names."""
    return [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))]


def findings(trees: Iterable[ast.Module]) -> list[tuple[str, ...]]:
    """(code, severity, message, what to do) of every place where a finding is made, sorted."""
    found = {tuple(_words(each, names) for each in call.args[:4]) for call, names in _made(list(trees))}
    return sorted(row for row in found if HOLE not in row[0] or "-" in row[0])


def errors(trees: Iterable[ast.Module], kinds: Iterable[str]) -> dict[str, list[str]]:
    """The messages of each kind of error, sorted; without those that are all filled in."""
    found: dict[str, set[str]] = {kind: set() for kind in kinds}
    for call, names in _calls(list(trees)):
        for kind in _called(call):
            if kind in found and call.args:
                found[kind].add(_words(call.args[0], names))
    return {kind: sorted(text for text in texts if len(re.findall(r"\w", text)) > 12) for kind, texts in found.items()}


def _made(trees: list[ast.Module]) -> Iterator[tuple[ast.Call, Names]]:
    """Calls that make a finding, with the names that hold there. Where a function makes it from what it is given, each call of
    that function counts."""
    for call, names in _calls(trees):
        for kind in _called(call):
            function = names.get(kind)
            if kind == "Finding" and not isinstance(call.args[0], ast.Name):
                yield call, names
            elif isinstance(function, ast.FunctionDef):
                for inner in _inside(function):
                    if _called(inner) == ["Finding"] and isinstance(inner.args[0], ast.Name):
                        parameters = (each.arg for each in function.args.args)
                        given = (ast.Constant(_words(each, names)) for each in call.args)
                        yield inner, {**names, **_before(function, inner), **dict(zip(parameters, given, strict=False))}


def _calls(trees: list[ast.Module]) -> Iterator[tuple[ast.Call, Names]]:
    """Every call with the names that hold there: all functions, the module's own first, its values, defaults of parameters, and
    what was assigned before."""
    everywhere = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}
    for tree in trees:
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        module: dict[str, ast.AST] = {**everywhere, **{each.name: each for each in functions}}
        module |= {name: value for _, name, value in _assigned(tree)}
        for function in functions:
            arguments = function.args.args[len(function.args.args) - len(function.args.defaults) :]
            module |= {each.arg: value for each, value in zip(arguments, function.args.defaults, strict=True)}
        inside = {call: function for function in functions for call in _inside(function)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield node, {**module, **_before(inside[node], node)} if node in inside else module


@cache
def _inside(function: ast.FunctionDef) -> tuple[ast.Call, ...]:
    return tuple(node for node in ast.walk(function) if isinstance(node, ast.Call))


def _before(function: ast.FunctionDef, call: ast.Call) -> Names:
    return {name: value for line, name, value in _assigned(function) if line < call.lineno}


@cache
def _assigned(where: ast.Module | ast.FunctionDef) -> tuple[tuple[int, str, ast.expr], ...]:
    """(line, name, value) of a module's own names, or of all in a function, in order."""
    found: list[tuple[int, str, ast.expr]] = []
    for node in where.body if isinstance(where, ast.Module) else ast.walk(where):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=False) if several else [(target, node.value)]
                found += [(node.lineno, name.id, value) for name, value in pairs if isinstance(name, ast.Name)]
    return tuple(sorted(found, key=lambda each: each[0]))


def _called(call: ast.Call) -> list[str]:
    """The name of what is called; both where a condition chooses."""
    chosen = [call.func.body, call.func.orelse] if isinstance(call.func, ast.IfExp) else [call.func]
    return [each.id for each in chosen if isinstance(each, ast.Name)]


def _words(node: ast.AST, names: Names) -> str:
    """A text as its template says it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(each, names) for each in node.values)
    if isinstance(node, ast.FormattedValue):
        named = names.get(node.value.id) if isinstance(node.value, ast.Name) else None
        return str(named.value) if isinstance(named, ast.Constant) else HOLE
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Severity":
        return node.attr.lower()
    if isinstance(node, ast.BinOp):
        return _words(node.left, names) + _words(node.right, names)
    if isinstance(node, ast.IfExp):
        return " / ".join(dict.fromkeys(_words(each, names) for each in (node.body, node.orelse)))
    if isinstance(node, ast.Name) and node.id in names:
        return _words(names[node.id], {name: value for name, value in names.items() if name != node.id})
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _words(names.get(node.func.id, node.func), {})
    if isinstance(node, ast.FunctionDef):
        back = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
        texts = [_words(each, {}) for each in back if isinstance(each, ast.JoinedStr | ast.Constant)]
        texts = [text for text in texts if text not in ("", "None")]
        return " / ".join(dict.fromkeys(texts)) or HOLE
    return HOLE
