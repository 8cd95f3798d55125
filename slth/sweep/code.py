"""What a function says: a digest that changes when its results may change."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from slth.sweep.canonical import sha256


@cache
def code_digest(function: Callable[..., Any]) -> str:
    """Return SHA-256 of a function's source and of all that it uses of its own module.

    Comments, layout and docstrings do not count, nor does the rest of the module, so that a grid
    may grow.  What the function uses of *other* modules is not looked at.

    Parameters
    ----------
    function : callable
        Declared at the top level of a module.

    Examples
    --------
    >>> from slth.sweep import example
    >>> code_digest(example.cell) == code_digest(code_digest)
    False
    """
    statements = ast.parse(inspect.getsource(sys.modules[function.__module__])).body
    used: set[int] = set()
    waiting, known = [function.__name__], {function.__name__}
    while waiting:
        name = waiting.pop()
        for number, statement in enumerate(statements):
            if number not in used and name in _bound(statement):
                used.add(number)
                new = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
                waiting += new - known
                known |= new
    return sha256("\n".join(ast.unparse(_silent(statements[number])) for number in sorted(used)))


def _bound(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a statement gives to the module."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
        yield statement.id
    else:
        for part in ast.iter_child_nodes(statement):
            yield from _bound(part)


def _silent(statement: ast.stmt) -> ast.stmt:
    """Return a statement without its docstrings."""
    for node in ast.walk(statement):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            del node.body[0]
    return statement
