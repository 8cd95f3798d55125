"""The folder of clean notebooks: what Colab and Binder open, once it is a branch."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

BRANCH = "notebooks"
"""The branch as which CI publishes the folder."""


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


def readme(chapters: Sequence[tuple[str, str, str]], repository: str | None) -> str:
    """Return the first page of the folder: the notebooks, and how to open them.

    Parameters
    ----------
    chapters
        Number, name and title of each.
    repository
        OWNER/NAME of the published book on GitHub, if there is one.
    """
    lines = [
        "# Strong lottery tickets, executed: the notebooks",
        "",
        "Generated from the chapters of the book; please change those, not these.",
        "Each notebook installs what it needs in its first cell.",
        "`pip install -r requirements.txt` installs it at the versions of the book.",
        "",
    ]
    for number, name, title in chapters:
        line = f"{number}. [{title}]({name}.ipynb)"
        if repository is not None:
            line += f" · [Colab]({colab(repository, name)}) · [Binder]({binder(repository, name)})"
        lines.append(line)
    return "\n".join([*lines, "", "Text: CC BY 4.0; code: MIT licence.", ""])
