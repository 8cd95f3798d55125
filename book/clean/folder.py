"""The folder of clean notebooks: what Colab and Binder open, once it is a branch."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat
from jupyter_cache import get_cache

from book.clean import notebook, shared, sources
from book.execute import Plan, Result, Runs
from book.pages import site_address
from slth import claims

BRANCH = "notebooks"
"""The branch as which CI publishes the folder."""


def write(
    runs: Runs, results: Mapping[str, Result], names: Sequence[str], repository: str | None
) -> Path:
    """Write the clean notebooks of some chapters, with what Binder needs; return the folder.

    Parameters
    ----------
    runs, results
        The runs of a profile, and their results.
    names
        The chapters to write.
    repository
        OWNER/NAME of the published book on GitHub, if there is one.
    """
    project = runs.project
    package = package_source(project.root, repository)
    book = read(runs, results, repository, package)
    final, new = runs.folder / "clean", runs.folder / "clean.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for plan in runs.plan(names):
        made = notebook.notebook(
            plan.name,
            sources.cells(plan.notebook),
            book,
            runs.profile,
            results[plan.name],
            project.root,
        )
        (new / f"{plan.name}.ipynb").write_text(notebook.text(made), "utf-8")
    (new / "README.md").write_text(readme(book, names), "utf-8")
    (new / "requirements.txt").write_text(requirements(package), "utf-8")
    (new / "runtime.txt").write_text("python-3.11\n", "utf-8")
    shutil.copy(project.root / "constraints.txt", new)
    shutil.rmtree(final, ignore_errors=True)
    new.rename(final)
    return final


def read(
    runs: Runs, results: Mapping[str, Result], repository: str | None, package: str | None
) -> shared.Shared:
    """Gather what the notebooks share from the sources and from the executed chapters."""
    project = runs.project
    plans = {plan.name: plan for plan in runs.plan(project.chapter_names())}
    plans |= {plan.name: plan for plan in runs.plan([one for one in results if one not in plans])}
    labels: dict[str, shared.Label] = {}
    for number, plan in enumerate(plans.values(), start=1):
        labels |= shared.labels(plan.name, number, sources.cells(plan.notebook))
    return shared.Shared(
        chapters={name: title(plan) for name, plan in plans.items()},
        labels=labels,
        glued={name: shared.glued_values(executed(runs, plans[name])) for name in results},
        claims=claims.load(project.registry),
        records=[
            claims.Record.from_dict(one) for result in results.values() for one in result.records
        ],
        references=shared.References(project.root / "book" / "references.bib"),
        site=site_address(repository) if repository else None,
        package=package,
        repository=repository,
    )


def title(plan: Plan) -> str:
    """Return the title of a chapter."""
    lines = (line for cell in plan.notebook.cells for line in cell.source.split("\n"))
    return next((line[2:].strip() for line in lines if line.startswith("# ")), plan.name)


def executed(runs: Runs, plan: Plan) -> nbformat.NotebookNode:
    """Return a chapter with its outputs."""
    cache = get_cache(runs.cache_path)
    return cache.get_cache_bundle(cache.match_cache_notebook(plan.notebook).pk).nb


def package_source(root: Path, repository: str | None) -> str | None:
    """Return what pip installs: the package at the commit that the book is made of."""
    if repository is None:
        return None
    commit = os.environ.get("GITHUB_SHA") or _commit(root)
    at = f"@{commit}" if commit else ""
    return f"slth[chapters] @ git+https://github.com/{repository}{at}"


def _commit(root: Path) -> str | None:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def requirements(package: str | None) -> str:
    """Return what pip installs for all notebooks, at the versions of the book."""
    lines = ["--constraint constraints.txt"]
    if package is None:
        lines.append("# the package itself: pip install PATH-TO-A-CLONE-OF-THE-BOOK[notebook]")
    else:
        lines.append(package.replace("slth[chapters]", "slth[notebook]"))
    return "\n".join([*lines, ""])


def colab(repository: str, name: str) -> str:
    """Return the address at which Colab opens a notebook."""
    return f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{name}.ipynb"


def binder(repository: str, name: str) -> str:
    """Return the address at which Binder opens a notebook."""
    return f"https://mybinder.org/v2/gh/{repository}/{BRANCH}?urlpath=lab/tree/{name}.ipynb"


def readme(book: shared.Shared, names: Sequence[str]) -> str:
    """Return the first page of the folder: the notebooks, and how to open them."""
    lines = [
        "# Strong lottery tickets, executed: the notebooks",
        "",
        "Generated from the chapters of the book; please change those, not these.",
        "Each notebook installs what it needs in its first cell.",
        "`pip install -r requirements.txt` installs it at the versions of the book.",
        "",
    ]
    for name in names:
        line = f"{book.number(name)}. [{book.chapters[name]}]({name}.ipynb)"
        if book.repository is not None:
            line += f" · [Colab]({colab(book.repository, name)})"
            line += f" · [Binder]({binder(book.repository, name)})"
        lines.append(line)
    lines += ["", "Text: CC BY 4.0; code: MIT licence.", ""]
    return "\n".join(lines)
