"""The reference: every public name has an entry, and code cells and entries know each other."""

import inspect
import io
import re
import tokenize
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest

from book.extension import api, cells, public, uses
from book.make.project import Project
from slth.claims import chapters
from tests.book.conftest import ROOT, Book, TinyBook, parsed

group = pytest.mark.xdist_group("book")


def reference(built: Book) -> dict[str, Any]:
    """Return every entry of the built reference, by its anchor."""
    return {
        entry["id"]: entry
        for page in sorted((built.html / "book" / "api").glob("*.html"))
        for entry in parsed(page).select("dl.py > dt[id]")
    }


def public_names() -> set[str]:
    """Return all public names, found without the code that makes the reference."""
    names = set()
    for top in iter_modules(import_module("slth").__path__, "slth."):
        module = import_module(top.name) if not top.name.endswith("__main__") else None
        if module is None:
            continue
        names |= {f"{top.name}.{one}" for one in getattr(module, "__all__", [])}
    names |= {f"slth.{one}" for one in import_module("slth").__all__}
    inner = "slth.networks.layers"
    names |= {f"{inner}.{one}" for one in import_module(inner).__all__}
    return {name for name in names if not inspect.ismodule(lookup(name))}


def lookup(name: str) -> Any:
    """Return the object of a dotted name."""
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


@pytest.mark.book
@group
def test_every_public_name_has_an_entry(built: Book) -> None:
    documented = set(reference(built))
    assert len(public_names()) > 60
    assert sorted(public_names() - documented) == []
    for module_name in ("slth.theory", "slth.experiments"):
        for one in iter_modules(import_module(module_name).__path__, f"{module_name}."):
            if not one.name.rpartition(".")[2].startswith("_"):
                module = import_module(one.name)
                assert sorted(defined(module) - documented) == []


def defined(module: ModuleType) -> set[str]:
    """Return the public functions and classes that a module without ``__all__`` defines."""
    return {
        f"{module.__name__}.{name}"
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and (inspect.isclass(value) or inspect.isfunction(value))
        and not name.startswith("_")
    }


@pytest.mark.book
@group
def test_every_link_of_a_code_cell_leads_to_an_entry(built: Book) -> None:
    targets: dict[Path, set[str]] = {}
    number = 0
    for page in built.chapters():
        for link in parsed(page).select("a.api-link"):
            path, _, anchor = link["href"].partition("#")
            target = (page.parent / path).resolve()
            if target not in targets:
                targets[target] = {one["id"] for one in parsed(target).select("[id]")}
            assert anchor in targets[target], f"{page.name}: {link['href']}"
            assert link["title"].rpartition(".")[2] in link.text or "." in link["title"]
            number += 1
    assert number > 500


@cache
def sources() -> dict[str, str]:
    """Return the code of each chapter as one text."""
    project = Project(ROOT)
    return {
        name: "\n".join(cell.source for cell in chapters.code_cells(project.chapter(name).notebook))
        for name in project.chapter_names()
    }


def tokens_of(source: str) -> list[str]:
    """Return the names and signs of a program, also those within f-strings."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NAME, tokenize.OP):
            found.append(token.string)
        elif token.type == tokenize.STRING and token.string.startswith("f"):
            # one token up to Python 3.11
            for inner in re.findall(r"\{([^{}]+)\}", token.string):
                found += ["{", *re.findall(r"\w+|[^\w\s]", inner), "}"]
    return found


def plain_uses(source: str) -> set[str]:
    """Return the functions and classes of the package that a program names, from its tokens alone.

    It shares no code with the resolver of the book, and knows nothing of scopes and types.
    """
    bound: dict[str, Any] = {}
    found: set[str] = set()
    for statement in re.findall(r"^from (slth[\w.]*) import (.+)$", source, re.M):
        for part in statement[1].split(","):
            name, _, alias = part.strip().partition(" as ")
            module = import_module(statement[0])
            bound[alias or name] = (
                getattr(module, name)
                if hasattr(module, name)
                else import_module(f"{statement[0]}.{name}")
            )
    if re.search(r"^import slth$", source, re.M):
        bound["slth"] = import_module("slth")
    tokens = tokens_of(source)
    for number, token in enumerate(tokens):
        if token in bound and tokens[number - 1] != ".":
            value = bound[token]
            while inspect.ismodule(value) and tokens[number + 1] == ".":
                number += 2
                value = getattr(value, tokens[number])
            ours = getattr(value, "__module__", "").startswith("slth")
            if (
                ours
                and (inspect.isclass(value) or inspect.isfunction(value))
                and not (tokens[number + 1] == "=" and tokens[number - 1] in ",(")
            ):
                found.add(f"{value.__module__}.{value.__qualname__}")
    return found


@pytest.mark.book
@group
def test_used_in_is_what_another_resolver_finds(built: Book) -> None:
    expected: dict[str, set[str]] = {}
    for name, source in sources().items():
        for use in plain_uses(source):
            expected.setdefault(use, set()).add(name)
    entries = reference(built)
    seen = 0
    for anchor, entry in entries.items():
        value = None if entry.parent.parent.name == "dd" else lookup(anchor)
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        if public.places()[f"{value.__module__}.{value.__qualname__}"] != anchor:
            continue
        direct = entry.find_next_sibling("dd").find_all("p", class_="api-uses", recursive=False)
        links = {Path(link["href"].partition("#")[0]).stem for one in direct for link in one("a")}
        mine = expected.get(f"{value.__module__}.{value.__qualname__}", set())
        if inspect.isclass(value):  # its methods are found on instances too, which tokens miss
            assert mine <= links, anchor
        else:
            assert mine == links, anchor
        seen += len(mine)
    assert seen > 200


@pytest.mark.book
@group
@pytest.mark.parametrize(
    ("name", "chapters"),
    [
        ("slth.theory.pairs.pair_failure", ["one-logarithm"]),
        ("slth.theory.at_most.least_samples", ["figure-one-measured"]),
        ("slth.constructions.equivariant_masks", ["equivariant-networks"]),
        ("slth.tickets.export", []),
        ("slth.claims.quantile_interval", ["sample-sizes"]),
    ],
)
def test_used_in_by_hand(built: Book, name: str, chapters: list[str]) -> None:
    [lines] = [reference(built)[name].find_next_sibling("dd")]
    links = [link["href"] for link in lines.select("p.api-uses a")]
    assert [Path(link.partition("#")[0]).stem for link in links] == chapters


@pytest.mark.book
@group
def test_a_chapter_ends_with_what_it_uses(built: Book) -> None:
    for page in built.chapters():
        [line] = parsed(page).select("p.api-names")
        named = {link["href"].partition("#")[2] for link in line("a")}
        plain = {public.places()[one] for one in plain_uses(sources()[page.stem])}
        assert plain <= named, page.name


@pytest.mark.book
@group
def test_the_entries_read_well(built: Book) -> None:
    pages = {page.stem: parsed(page) for page in (built.html / "book" / "api").glob("*.html")}
    assert pages["theory-rss"].select(".math")
    assert pages["subset-sum"].select(".doctest .gp")
    text = " ".join(page.get_text() for page in pages.values())
    assert "_SupportsArray" not in text
    assert "ArrayLike" in text
    article = pages["theory-rss"].select_one("article")
    for code in article.select("pre, code"):
        code.extract()
    assert not re.search(r"\$[^$\n]+\$", article.get_text())
    assert "slth prune" in pages["command-line"].get_text()


def test_dollars_become_mathematics_and_nothing_else_does() -> None:
    text = "The $k$th of |S| is ``$x$`` in :math:`|a|`, *basis:\n\n>>> '$y$' | 2\n$$a\n+b$$\n"
    assert api.mathematics(text) == (
        "The :math:`k`\\ th of \\|S\\| is ``$x$`` in :math:`|a|`, \\*basis:\n\n"
        ">>> '$y$' | 2\n\n.. math:: a +b\n\n"
    )


def test_names_are_followed_through_cells() -> None:
    first = "from slth.theory import laws\nfrom slth import subset_sum as s\nlaw = laws.Uniform()"
    second = "é = law.pdf(0); s.solve([1], 1)\ndef f(s):\n    return s.solve(1)\n[s.x for s in []]"
    found = cells.read([first, second])
    assert [use.name for use in found[1].uses] == [
        "slth.theory.laws.Uniform.pdf",
        "slth.subset_sum.solve",
    ]
    assert [second[use.start : use.end] for use in found[1].uses] == ["pdf", "solve"]
    assert [problem for cell in found for problem in cell.problems] == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "from slth import subset_sum\nsubset_sum.resolve_all([1], 1)",
            "slth.subset_sum has no resolve_all",
        ),
        ("import slth.nothing", "there is no module slth.nothing"),
        ("from slth.theory.rss import nothing", "slth.theory.rss has no nothing"),
        ("from slth.files import write", "has no"),
        ("from slth.sweep.run import _missing", "has no"),
        ("x = (", "no Python"),
    ],
)
def test_names_that_do_not_exist_are_reported(source: str, problem: str) -> None:
    [cell] = cells.read([source])
    assert any(problem in one for one in cell.problems), cell.problems


def test_links_stand_where_the_names_are() -> None:
    shown = '<pre><span class="n">a</span><span class="o">&lt;</span><span class="n">b</span></pre>'
    linked = uses.link_names(shown, "a<b", [(cells.Use("slth.b", 2, 3), "x.html#b")])
    assert '<a class="api-link" tabindex="-1" href="x.html#b" title="slth.b">b</a>' in linked
    assert linked.count("<a ") == 1
    with pytest.raises(ValueError, match="changed the code"):
        uses.link_names(shown, "a<c", [])


@pytest.mark.book
@group
def test_every_command_is_there(built: Book) -> None:
    from slth.__main__ import main

    page = parsed(built.html / "book" / "api" / "command-line.html")
    assert "–size" not in page.get_text(), "two hyphens stay two"
    shown = [usage.get_text() for usage in page.select(".highlight-shell")]
    for name in main.commands:
        assert any(text.startswith(f"slth {name} ") for text in shown), name


@pytest.mark.slow
def test_a_missing_name_stops_the_build(tiny: TinyBook) -> None:
    cell = "```{code-cell} ipython3\nif False:\n    from slth.subset_sum import resolve_all\n```\n"
    tiny.write({"01-one": f"# One\n\n{cell}"})
    done = tiny.build()
    assert done.returncode == 1
    assert "slth.subset_sum has no resolve_all" in done.stderr
