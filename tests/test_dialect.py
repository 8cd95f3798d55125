"""One dialect in all docstrings and names; ruff sees to what it knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "slth").rglob("*.py"))
Documented = ast.Module | ast.ClassDef | ast.FunctionDef


def docstrings(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each docstring with the name of what it documents."""
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield getattr(node, "name", "the module"), text


def entries(text: str) -> Iterator[str]:
    """Yield the entries of the sections that list names: lines without an indent."""
    for section in re.findall(
        r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", text, re.M | re.S
    ):
        yield from re.findall(r"^\S.*$", section, re.M)


def names(tree: ast.AST) -> Iterator[str]:
    """Yield what is given a name: functions, classes, arguments, variables."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name


def faults(source: str) -> list[str]:
    """Return what a module says in another dialect."""
    tree = ast.parse(source)
    found = []
    for owner, text in docstrings(tree):
        if ":math:`" in text:
            found.append(f"{owner}: mathematics stands between dollars")
        found += [
            f"{owner}: '{one}' is to be 'name : type'" for one in entries(text) if " : " not in one
        ]
    found += [f"'{one}': the law is normal" for one in names(tree) if "gaussian" in one.lower()]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_speak_one_dialect(path: Path) -> None:
    assert faults(path.read_text("utf-8")) == []


def test_another_dialect_is_noticed() -> None:
    source = '''
def gaussian(x, y):
    r"""Add :math:`x+y`.

    Parameters
    ----------
    x
        Here.
    y : int
        There.

    Notes
    -----
    None
    """
'''
    assert faults(source) == [
        "gaussian: mathematics stands between dollars",
        "gaussian: 'x' is to be 'name : type'",
        "'gaussian': the law is normal",
    ]
