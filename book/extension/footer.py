"""The footer of a chapter: how its page was made, and how to make it again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

from book.extension.generated import Generated, collected

ANCHOR = "how-this-page-was-made"
"""The footer's place on its page."""


class ChapterFooter(Generated):
    """``{chapter-footer}``: added to the end of every chapter."""

    def run(self) -> list[nodes.Node]:
        """Return the footer."""
        name, results = Path(self.env.docname).name, collected(self.env)
        result = results["chapters"].get(name)
        box = nodes.container(classes=["chapter-footer"], ids=[ANCHOR])
        self.parse(footer(name, results["profile"], result), box)
        return [box]


def add_footer(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the footer directive at the end of a chapter."""
    if docname.startswith("notebooks/"):
        source[0] += "\n\n```{chapter-footer}\n```\n"


def footer(name: str, profile: str | None, result: Mapping[str, Any] | None) -> str:
    """Return the footer of a chapter as MyST Markdown.

    Parameters
    ----------
    name
        Stem of the chapter.
    profile
        The profile that was built; None for a plain ``jupyter-book build``.
    result
        What the run of the chapter left (:class:`book.execute.Result` as a mapping), or None.
    """
    lines = ["```{rubric} How this page was made", "```", ""]
    source = f"[source](path:{name}.md)"
    if result is None:
        lines += [
            f"`jupyter-book build` executed this page itself, from its {source}.",
            "`python book/build.py` also collects the claims, run times and digests.",
        ]
        return "\n".join(lines)
    lines += [
        f"Executed in {result['seconds']:.0f} s in the *{profile}* profile from its {source}; "
        f"digest of code, package, pins and parameters `{result['digest'][:12]}`.",
        "",
    ]
    parameters, changed = result["parameters"], result["overrides"]
    if parameters:
        lines += _table(parameters, changed, str(profile))
        if "seed" in parameters:
            lines += ["", "All randomness comes from `seed`."]
        first = next((key for key in parameters if key != "seed"), "seed")
        setting = f" --set {first}={parameters[first]!r}"
        lines += ["", "Run it again with other parameters (the book stays as it is):", ""]
    else:
        setting = " --execute-only"
        lines += ["Run it again:", ""]
    lines += ["```sh", f"python book/build.py --chapter {name}{setting}", "```"]
    return "\n".join(lines)


def _table(parameters: Mapping[str, Any], changed: Mapping[str, Any], profile: str) -> list[str]:
    if profile == "full" or not changed:
        rows = [f"| `{key}` | `{value!r}` |" for key, value in parameters.items()]
        return ["| parameter | value |", "|---|---|", *rows]
    rows = [
        f"| `{key}` | `{value!r}` | `{changed.get(key, value)!r}` |"
        for key, value in parameters.items()
    ]
    return [f"| parameter | full | {profile} (here) |", "|---|---|---|", *rows]


def setup(app: Sphinx) -> None:
    """Register the directive, and put it at the end of each chapter."""
    app.add_directive("chapter-footer", ChapterFooter)
    app.connect("source-read", add_footer)
