"""The reference of the package, generated from its docstrings.

``{api} MODULE`` on a page makes an entry for each public name of a module.  Docstrings write
mathematics between dollars, as the book does; types that have an entry link to it.
"""

import inspect
import re
from importlib import import_module
from textwrap import shorten
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from numpy.typing import ArrayLike
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import stringify_annotation

from book.extension import public
from book.extension.generated import Generated

_MATH = re.compile(
    r"""(?P<keep>``.+?``|:[\w:]+:`.+?`            # literals and roles
        |^[ ]*(?:>>>|\.\.\.[ ]).*?$              # examples
        |^(?P<indent>[ ]*)\.\.[ ]math::.*\n(?:(?:(?P=indent)[ ]+.*)?\n)*)
    |^(?P<margin>[ ]*)\$\$(?P<display>[^$]+)\$\$
    |(?<!\\)\$(?P<tex>[^$]+?)\$
    |(?P<bar>[|])|(?P<star>[*]+(?=\w))(?!\w[^*]*[*])""",
    re.MULTILINE | re.VERBOSE,
)
_SHARED = re.compile(r"^(?P<names>\w+(?:, \w+)+)(?P<type> : .*)?$", re.MULTILINE)
_ARRAY = re.compile(r"[~\w.]*ndarray\[tuple\[[~\w.]*Any, \.\.\.\], [~\w.]*dtype\[([~\w.]+)\]\]")
_ALIASES = {stringify_annotation(ArrayLike, "smart"): "ArrayLike"}


class Api(Generated):
    """``{api} NAME``: the entries of a public module, or the entry of one name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the entries."""
        name = self.arguments[0]
        if name in public.modules():
            parts = [module_text(name), *map(entry_text, public.entries(name))]
        elif name in public.INTERNAL:
            parts = [entry_text(public.entry(name))]
        else:
            raise self.error(f"{name} is not public; the modules are {', '.join(public.modules())}")
        box = nodes.container()
        self.parse("\n".join(["````{eval-rst}", *parts, "````"]), box)
        return list(box.children)


def module_text(name: str) -> str:
    """Return the target of a module and its docstring, as reStructuredText."""
    documentation = inspect.getdoc(import_module(name)) or ""
    return f".. py:module:: {name}\n\n{mathematics(documentation)}\n"


def entry_text(entry: public.Entry) -> str:
    """Return the directive that makes an entry, as reStructuredText."""
    module_name, _, last = entry.name.rpartition(".")
    if entry.kind in ("alias", "data"):
        if entry.kind == "alias":
            main = public.places()[public.home(entry.value) or ""]
            content = f"Short for :py:obj:`{main}`."
        else:
            content = f"``{value_text(entry)}``\n\n   .. used-in:: {entry.name}"
        return f".. py:data:: {last}\n   :module: {module_name}\n\n   {content}\n"
    members = "" if entry.kind == "function" else "   :members:\n"
    return f".. auto{entry.kind}:: {entry.name}\n{members}"


def value_text(entry: public.Entry) -> str:
    """Return the definition of a constant or of a type's name, on one line."""
    module_name, _, last = entry.name.rpartition(".")
    written = public.definitions(import_module(module_name)).get(last)
    text = written or (
        repr(entry.value) if isinstance(entry.value, str) else stringify_annotation(entry.value)
    )
    return shorten(text.replace("typing.", "").replace("~", ""), 120, placeholder=" …")


def mathematics(text: str) -> str:
    r"""Return a docstring whose mathematics between dollars has become roles.

    Bars and stars of its plain mathematics, |x| and \*basis, are kept from meaning anything else.
    """

    def replaced(match: re.Match[str]) -> str:
        if match["bar"] or match["star"]:
            return "".join(f"\\{sign}" for sign in match[0])
        if match["display"]:
            formula = " ".join(match["display"].split())
            return f"\n{match['margin']}.. math:: {formula}\n"
        if match["tex"] is None:
            return match[0]
        before = "\\ " if text[: match.start()][-1:].isalnum() else ""
        after = "\\ " if text[match.end() :][:1].isalnum() else ""
        return f"{before}:math:`{match['tex']}`{after}"

    return _MATH.sub(replaced, text)


def one_by_one(text: str) -> str:
    """Return a docstring whose attributes have a line each, where some shared one."""

    def split(match: re.Match[str]) -> str:
        *first, last = match["names"].split(", ")
        return (
            "".join(f"{name}{match['type'] or ''}\n" for name in first)
            + last
            + (match["type"] or "")
        )

    head, title, body = text.partition("Attributes\n----------\n")
    return head + title + _SHARED.sub(split, body)


def process_docstring(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Turn dollars into roles."""
    lines[:] = mathematics(one_by_one("\n".join(lines))).split("\n")


def add_uses(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """End each entry with where it is used."""
    if what != "module":
        lines += ["", f".. used-in:: {name}", ""]


def shorten_types(app: Sphinx, what: str, name: str, value: Any, *rest: Any) -> None:
    """Give types back the names that the source calls them by; leave out what is said twice."""
    annotations = app.env.temp_data.get("annotations", {}).get(name, {})
    if what == "class" and re.search(r"^ *Attributes\n *-+$", value.__doc__ or "", re.MULTILINE):
        annotations.clear()  # its parameters are its attributes, which the docstring describes
    if what in ("class", "exception"):
        annotations.pop("return", None)
    for key, text in annotations.items():
        for long, short in _ALIASES.items():
            text = text.replace(long, short)
        annotations[key] = _ARRAY.sub(r"NDArray[\1]", text)


def resolve_type(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Node
) -> nodes.Node | None:
    """Link what a docstring names to its entry, wherever it was defined and however it is called.

    Other words in the types of fields are left alone.  Roles that an author wrote are not: what
    they name must exist.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    places = public.places()
    last = {name.rpartition(".")[2]: name for name in places.values()}
    main = places.get(target) or last.get(target) or target
    found = env.get_domain("py").objects.get(main)  # type: ignore[attr-defined]
    if found:
        return make_refnode(
            app.builder, node["refdoc"], found.docname, found.node_id, content, main
        )
    written = "refwarn" in node  # only roles have it; fields do not
    ours = target.startswith("slth.") and "._" not in target
    return None if written or ours else content


def options_as_code(app: Sphinx, context: Any, lines: list[str]) -> None:
    """Show as code the options that the help of a command names; two hyphens were a dash."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(".. "):
            lines[number] = re.sub(r"(?<!\S)--\w[\w-]*", r"``\g<0>``", line)


def call_attributes_so() -> None:
    """Give the fields of dataclasses the name that their docstrings give them."""
    for field in PythonDomain.directives["class"].doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"


def setup(app: Sphinx) -> None:
    """Register the directive, and what happens to docstrings and types."""
    call_attributes_so()
    app.add_directive("api", Api)
    app.connect("autodoc-process-docstring", process_docstring, priority=400)  # napoleon: 500
    app.connect("autodoc-process-docstring", add_uses, priority=600)
    app.connect("autodoc-process-signature", shorten_types, priority=600)
    app.connect("missing-reference", resolve_type)
    for part in ("description", "options", "epilog"):
        app.connect(f"sphinx-click-process-{part}", options_as_code)
