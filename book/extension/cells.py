"""Which names of the package the code cells of a chapter use.

The cells are read as one program and never run: imports, assignments and attribute chains are
followed, calls of classes and of functions that say what they return as well.
"""

import ast
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from book.extension import public

PACKAGE = "slth"


@dataclass(frozen=True)
class Use:
    """A name in a cell.

    Attributes
    ----------
    name
        The name under which the reference documents it.
    start, end
        Where it stands in the cell, in characters.
    """

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Cell:
    """What one cell uses, and what is wrong with its names."""

    uses: tuple[Use, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _Thing:
    """What an expression stands for: an object, or an instance of a class."""

    value: Any
    instance: bool = False
    name: str | None = None


def read(sources: Sequence[str]) -> list[Cell]:
    """Return what each cell of a chapter uses.

    Parameters
    ----------
    sources
        The code of all cells, in order.
    """
    known: dict[str, _Thing] = {}
    cells = []
    for source in sources:
        reader = _Reader(source, known)
        try:
            reader.visit(ast.parse(source))
        except SyntaxError as error:
            reader.problems.append(f"the cell is no Python: {error}")
        cells.append(Cell(tuple(reader.uses), tuple(dict.fromkeys(reader.problems))))
    return cells


class _Reader(ast.NodeVisitor):
    """Walks over one cell with the names that earlier cells left."""

    def __init__(self, source: str, known: dict[str, _Thing]) -> None:
        self.lines = source.splitlines(keepends=True)
        self.known = known
        self.uses: list[Use] = []
        self.problems: list[str] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if _ours(alias.name):
                thing = self._module(alias.name)
                self._note(thing, alias.lineno, alias.col_offset, alias.name)
                first = alias.name if alias.asname else alias.name.partition(".")[0]
                self.known[alias.asname or first] = self._module(first)
            else:
                self.known.pop(alias.asname or alias.name.partition(".")[0], None)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if not _ours(module):
            self._forget(alias.asname or alias.name for alias in node.names)
            return
        start = node.col_offset + len("from ")
        package = self._module(module)
        self._note(package, node.lineno, start, module)
        for alias in node.names:
            thing = self._member(package, alias.name) or self._module(f"{module}.{alias.name}")
            self._note(thing, alias.lineno, alias.col_offset, alias.name)
            self.known[alias.asname or alias.name] = thing

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        thing = self._thing(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name) and thing is not None:
                self.known[target.id] = thing
            else:
                self.visit(target)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.known.pop(node.id, None)
        elif (thing := self.known.get(node.id)) and not thing.instance and not _module(thing):
            self._note(thing, node.lineno, node.col_offset, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)
        thing = self._thing(node)
        if thing is not None and not _module(thing) and node.end_lineno and node.end_col_offset:
            start = node.end_col_offset - len(node.attr.encode())
            self._note(thing, node.end_lineno, start, node.attr)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._forget([node.name])
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(default)
        self._inside(node.args, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inside(node.args, [node.body])

    def generic_visit(self, node: ast.AST) -> None:
        """Walk on; the variables of a comprehension hide what has the same name."""
        if not isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            super().generic_visit(node)
            return
        outside = dict(self.known)
        for generator in node.generators:
            self.visit(generator)
        for part in ("key", "value", "elt"):
            if hasattr(node, part):
                self.visit(getattr(node, part))
        self._restore(outside)

    def _inside(self, arguments: ast.arguments, body: Sequence[ast.AST]) -> None:
        """Walk over a function's body, where its parameters hide what has the same name."""
        outside = dict(self.known)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += filter(None, [arguments.vararg, arguments.kwarg])
        self._forget(one.arg for one in every)
        for statement in body:
            self.visit(statement)
        self._restore(outside)

    def _restore(self, outside: dict[str, _Thing]) -> None:
        self.known.clear()
        self.known.update(outside)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.known.pop(name, None)

    def _thing(self, node: ast.expr) -> _Thing | None:
        """Return what an expression stands for, as far as reading can tell."""
        match node:
            case ast.Name(id=name):
                return self.known.get(name)
            case ast.Attribute(value=value, attr=attribute):
                base = self._thing(value)
                return None if base is None else self._member(base, attribute)
            case ast.Call(func=function):
                return _result(self._thing(function))
        return None

    def _module(self, name: str) -> _Thing:
        try:
            return _Thing(import_module(name), name=name if name in public.modules() else None)
        except ImportError:
            self.problems.append(f"there is no module {name}")
            return _Thing(None)

    def _member(self, base: _Thing, name: str) -> _Thing | None:
        """Return an attribute of a module, a class or an instance."""
        if base.value is None or not (inspect.ismodule(base.value) or inspect.isclass(base.value)):
            return None
        missing = object()
        value = getattr(base.value, name, missing)
        if value is missing:
            return self._missing(base, name)
        if inspect.ismodule(value):
            return self._module(value.__name__) if _ours(value.__name__) else None
        main = public.main_name(base.value, name, value)
        if main is None and _ours(getattr(value, "__module__", None) or "") and public.home(value):
            self.problems.append(f"{public.home(value)} has no entry in the reference")
        instance = not (inspect.isclass(value) or callable(value))
        return _Thing(type(value) if instance else value, instance, main)

    def _missing(self, base: _Thing, name: str) -> _Thing | None:
        """Complain of what a module lacks; a class may still have it as a field."""
        if inspect.ismodule(base.value) and f"{base.value.__name__}.{name}" not in _submodules(
            base
        ):
            self.problems.append(f"{base.value.__name__} has no {name}")
        return None

    def _note(self, thing: _Thing | None, line: int, column: int, text: str) -> None:
        """Keep a use, if it has an entry and stands where it should."""
        if thing is None or thing.name is None:
            return
        before = self.lines[line - 1].encode()[:column].decode()
        start = sum(map(len, self.lines[: line - 1])) + len(before)
        if "".join(self.lines)[start : start + len(text)] == text:
            self.uses.append(Use(thing.name, start, start + len(text)))


def _submodules(base: _Thing) -> list[str]:
    return public.submodules(base.value.__name__)


def _ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _module(thing: _Thing) -> bool:
    return inspect.ismodule(thing.value)


def _result(function: _Thing | None) -> _Thing | None:
    """Return what a call returns: an instance of the class, or of what the function says."""
    if function is None or function.instance:
        return None
    if inspect.isclass(function.value):
        return _Thing(function.value, instance=True)
    if not inspect.isroutine(function.value):
        return None
    try:
        said = get_type_hints(function.value).get("return")
    except NameError:  # a name that is imported for the type checker only
        return None
    if get_origin(said) is UnionType:
        said = next((one for one in get_args(said) if inspect.isclass(one)), None)
    return _Thing(said, instance=True) if inspect.isclass(said) and _ours(said.__module__) else None
