"""The head of a chapter: what one learns and needs, how hard it is, how long it takes to read."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import ClassVar

from docutils import nodes  # type: ignore[import-untyped]
from docutils.parsers.rst import directives  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from book.extension.explorer import STILL
from book.extension.footer import ANCHOR
from book.extension.generated import Generated

LOGGER = logging.getLogger(__name__)

LEVELS = {1: "introductory", 2: "intermediate", 3: "advanced"}
ALL = "all"
"""What stands for all chapters together."""


@dataclass(frozen=True)
class Reading:
    """What a page asks of its reader; what is folded is not counted.

    Attributes
    ----------
    words, formulas, displays, figures
        Words of the prose, inline and displayed formulas, and figures with their captions.
    code
        Visible lines of code.
    checks
        Lines that stand for folded checks.
    """

    words: int = 0
    formulas: int = 0
    displays: int = 0
    figures: int = 0
    code: int = 0
    checks: int = 0

    @property
    def minutes_of_prose(self) -> float:
        """Minutes at 200 words each, with 4 s for a formula, 20 s for a display, 30 s for a figure.

        An estimate, not measured on people.
        """
        seconds = 4 * self.formulas + 20 * self.displays + 30 * self.figures + 4 * self.checks
        return self.words / 200 + seconds / 60

    @property
    def minutes(self) -> float:
        """Minutes of the prose, and three seconds for a line of code.

        Examples
        --------
        >>> Reading(words=1000, formulas=60, figures=2, code=60).minutes
        13.0
        """
        return self.minutes_of_prose + 3 * self.code / 60


def measure(doctree: nodes.Node) -> Reading:
    """Count what a reader meets on a page.

    Parameters
    ----------
    doctree
        The page as it was read, before its references are resolved.
    """
    if _is_folded(doctree):
        return Reading(checks=int("check" in doctree.get("classes", [])))
    if isinstance(doctree, nodes.math_block):
        return Reading(displays=1)
    if isinstance(doctree, nodes.math):
        return Reading(formulas=1)
    if isinstance(doctree, nodes.literal_block):
        return Reading(code=sum(bool(line.strip()) for line in doctree.astext().splitlines()))
    if isinstance(doctree, nodes.Text):
        return Reading(words=sum(any(map(str.isalnum, word)) for word in doctree.split()))
    if isinstance(doctree, nodes.figure):
        return Reading(figures=1)
    return total(map(measure, _shown(doctree)))


def total(readings: Iterable[Reading]) -> Reading:
    """Return what several pages, or parts of one, ask for together."""
    counts = zip(*map(astuple, [Reading(), *readings]), strict=True)
    return Reading(*map(sum, counts))


def _is_folded(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.Element):
        return False
    classes = node.get("classes", [])
    return (
        isinstance(node, nodes.Invisible | nodes.raw)
        or node.tagname == "solution_node"
        or "dropdown" in classes
        or node.get("design_component") == "dropdown"
        or ANCHOR in node.get("ids", [])
        or (node.get("nb_element") == "cell_code" and node.get("hide_mode") == "all")
        or node.get("nb_element") == "mime_bundle"
        or "glue" in classes
        or STILL in classes
    )


def _shown(node: nodes.Element) -> list[nodes.Node]:
    """Return the children of a node that are seen: not the code of a cell that hides it."""
    if node.get("nb_element") == "cell_code" and node.get("hide_mode") == "input":
        return [child for child in node.children if child["nb_element"] != "cell_code_source"]
    return list(node.children)


class ReadingTime(nodes.inline):  # type: ignore[misc]
    """A place for the time that a chapter takes, known once all pages are read."""


class ReadingTimeRole(SphinxRole):
    """``{reading-time}`NAME```: how long a chapter takes to read; ``all`` for the whole book."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the place for it."""
        return [ReadingTime(chapter=self.text)], []


class ChapterHead(Generated):
    """``{chapter-head}``: what one learns, needs to know, how hard it is, how long it takes."""

    has_content = True
    option_spec: ClassVar = {
        "level": lambda text: directives.choice(text, tuple(map(str, LEVELS))),
        "needs": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Return the box."""
        missing = [name for name in self.option_spec if name not in self.options]
        if missing:
            raise self.error(f"the head of a chapter needs :{missing[0]}:")
        level = int(self.options["level"])
        name = Path(self.env.docname).name
        signs = "●" * level + "○" * (len(LEVELS) - level)
        lines = [
            "**What you will learn**",
            "",
            *self.content,
            "",
            f"**What you need** {self.options['needs']}.",
            "",
            f"**How hard** {signs} {LEVELS[level]}, {{reading-time}}`{name}` to read.",
        ]
        box = nodes.container(classes=["chapter-head"])
        self.parse("\n".join(lines), box)
        return [box]


def in_words(reading: Reading) -> str:
    """Return how long something takes to read, with its code and without.

    >>> in_words(Reading(words=1000, code=60))
    '8 min (5 without the code)'
    >>> in_words(Reading(words=30_000))
    '2 h 30 min'
    """
    whole, prose = _time(reading.minutes), _time(reading.minutes_of_prose)
    return whole if whole == prose else f"{whole} ({prose.removesuffix(' min')} without the code)"


def _time(minutes: float) -> str:
    hours, rest = divmod(max(1, round(minutes)), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def chapters(env: BuildEnvironment) -> list[str]:
    """Return the names of the chapters of a build."""
    return [Path(name).name for name in env.found_docs if name.startswith("notebooks/")]


def reading_of(env: BuildEnvironment, chapter: str) -> Reading:
    """Return what a chapter asks of its reader."""
    return measure(env.get_doctree(f"notebooks/{chapter}"))


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the times into their places."""
    for place in list(doctree.findall(ReadingTime)):
        chapter = place["chapter"]
        known = f"notebooks/{chapter}" in app.env.found_docs
        if not known and chapter != ALL:
            LOGGER.warning("no chapter '%s' whose time could be told", chapter, location=place)
            continue
        names = [chapter] if chapter != ALL else list(chapters(app.env))
        chosen = [reading_of(app.env, name) for name in names]
        place.replace_self(nodes.inline("", in_words(total(chosen)), classes=["time"]))


def written_again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name the page that tells the time of others, which may have changed."""
    return ["book/index"] if "book/index" in env.found_docs else []


def setup(app: Sphinx) -> None:
    """Register the directive, the role and what fills them."""
    app.add_node(ReadingTime)
    app.add_directive("chapter-head", ChapterHead)
    app.add_role("reading-time", ReadingTimeRole())
    app.connect("env-updated", written_again)
    app.connect("doctree-resolved", fill_in, priority=50)  # before notebooks are made of the page
