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
        text = footer(name, results["profile"], result, self.env.config.slth_repository)
        if f"book/claims/{name}" in self.env.found_docs:
            link = f"The {{doc}}`claims of this chapter </book/claims/{name}>` and their checks."
            text = f"{link}\n\n{text}"
        self.parse(text, box)
        return [box]


def add_footer(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the footer directive at the end of a chapter."""
    if docname.startswith("notebooks/"):
        source[0] += "\n\n```{chapter-footer}\n```\n"


def footer(
    name: str, profile: str | None, result: Mapping[str, Any] | None, repository: str = ""
) -> str:
    """Return the footer of a chapter as MyST Markdown.

    Parameters
    ----------
    name
        Stem of the chapter.
    profile
        The profile that was built; None for a plain ``jupyter-book build``.
    result
        What the run of the chapter left (:class:`book.make.execute.Result` as a mapping), or None.
    repository
        OWNER/NAME of the published book on GitHub, if there is one.
    """
    lines = ["```{rubric} How this page was made", "```", ""]
    source = f"source [notebooks/{name}.md](path:{name}.md)"
    if repository:
        address = f"https://github.com/{repository}/blob/HEAD/notebooks/{name}.md"
        source += f" ([on GitHub]({address}))"
    if result is None:
        lines += [
            "- executed by `jupyter-book build` itself",
            f"- {source}",
            "",
            "`python -m book.make.build` also collects the claims, run times and digests.",
        ]
        return "\n".join(lines)
    parameters, changed = result["parameters"], result["overrides"]
    lines += [f"- ran in **{result['seconds']:.0f} s**", f"- **{profile}** profile"]
    if "seed" in parameters:
        lines += [f"- seed **{changed.get('seed', parameters['seed'])}**, for all randomness"]
    lines += [f"- digest `{result['digest'][:12]}`", f"- {source}", ""]
    if parameters:
        first = next((key for key in parameters if key != "seed"), "seed")
        setting = f" --set {first}={parameters[first]!r}"
        lines += [":::{dropdown} Parameters, and how to run it again with others", ""]
        lines += _table(parameters, changed, str(profile))
    else:
        setting = " --execute-only"
        lines += [":::{dropdown} How to run it again", ""]
    lines += ["", "```sh", f"python -m book.make.build --chapter {name}{setting}", "```", ""]
    lines += ["The digest covers code, package, pins, data and parameters.", ":::"]
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
