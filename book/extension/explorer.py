"""The explorers: on a page of their own and inside chapters, with still figures in their place."""

import json
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes  # type: ignore[import-untyped]
from docutils.parsers.rst import directives  # type: ignore[import-untyped]
from sphinx.application import Sphinx

from book.extension import inks
from book.extension.generated import Generated
from book.make.project import write_atomically

PAGE = "book/explorer"
SCRIPTS = (
    *("rng", "laws", "subset_sum", "special", "theory", "tradeoff", "coverage", "measure"),
    *("chart", "controls", "presets", "sums_drawing"),
    *("sums_view", "coverage_view", "trade_view", "start"),
)
"""In the order in which they build on one another; pages load them as one."""

STILL = "explorer-still"

_SOURCE = Path(__file__).resolve().parents[1] / "explorer"
_NAMES = {"subset-sums": "sums", "coverage": "cover", "trade-off": "trade"}
_NO_SCRIPTS = (
    "*The explorer needs scripts, but no network. Without scripts, this is what it shows first.*"
)
_ON_PAPER = (
    f"*On the page of the book this is a panel to play with, as in the [explorer](/{PAGE}.md).*"
)


class Explorer(Generated):
    """``{explorer} NAME``: an explorer, and the still figure that it replaces.

    On the page of the explorers the settings are in the address.  In a chapter ``:settings:`` says
    with which ones it begins, as they stand in that address; there it is small, and links to the
    page.
    """

    required_arguments = 1
    option_spec: ClassVar = {"settings": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the markup of the explorer, and the figure and the table that stand for it."""
        name, settings = self.arguments[0], self.options.get("settings", "")
        if name not in _NAMES:
            raise self.error(f"no explorer {name!r}; there are {', '.join(_NAMES)}")
        small = self.env.docname != PAGE
        if settings and not small:
            raise self.error(f"the settings of {PAGE} are in its address, not {settings!r}")
        from book.extension import explorer_still  # slow, and other pages need none of it

        try:
            still = explorer_still.STILLS[name](explorer_still.read(name, settings))
        except ValueError as error:
            raise self.error(f"the settings of {name}: {error}") from error
        short = _NAMES[name]
        box = nodes.container(classes=[STILL, f"still-{short}"])
        path = Path("_build", "explorer", f"{self.env.docname.replace('/', '-')}-{short}")
        explorer_still.save(still, Path(self.env.srcdir, path))
        lines = [
            _ON_PAPER if small else _NO_SCRIPTS,
            "",
            f"```{{figure}} /{path.as_posix()}.*",
            f":alt: {still.words}",
            ":width: 640px",
            "",
            still.caption,
            "```",
        ]
        self.parse("\n".join(lines if small else [*lines, "", still.table]), box)
        _leave_unnumbered(box)
        if not _interactive(self.env.app):
            return [box]
        return [nodes.raw("", self._markup(name, settings if small else None), format="html"), box]

    def _markup(self, name: str, settings: str | None) -> str:
        """Return the explorer, with the settings that it has in a chapter."""
        source = _SOURCE / f"{name}.html"
        self.env.note_dependency(str(source))
        text = source.read_text("utf-8")
        if name == "trade-off":
            from book.extension import explorer_still

            data = json.dumps(explorer_still.measured(), separators=(",", ":"))
            text += f'<script type="application/json" id="trade-measured">{data}</script>\n'
        if settings is None:
            return text
        page = self.env.app.builder.get_relative_uri(self.env.docname, PAGE)
        link = f'<a class="explorer-full" href="{page}">Open in the explorer</a>'
        small = f'class="explorer explorer-small" data-settings="{escape(settings)}"'
        text = text.replace('class="explorer"', small, 1)
        return text.replace("</section>", f'<p class="explorer-link">{link}</p>\n</section>', 1)


def _leave_unnumbered(box: nodes.container) -> None:
    """Turn captions into legends: what a browser hides must not have a number."""
    for figure in box.findall(nodes.figure):
        caption = figure.next_node(nodes.caption)
        figure.replace(caption, nodes.legend("", nodes.paragraph("", "", *caption.children)))


def _interactive(app: Sphinx) -> bool:
    """Whether the pages are made for a browser; a reader of EPUB is none."""
    return app.builder.name in ("html", "dirhtml")


def write_scripts(app: Sphinx) -> None:
    """Write the scripts and the style beside the pages."""
    if _interactive(app):
        target = Path(app.outdir, "_static")
        scripts = [(_SOURCE / f"{name}.js").read_text("utf-8") for name in SCRIPTS]
        write_atomically(target / "explorer.js", "\n".join(scripts))
        style = (_SOURCE / "explorer.css").read_text("utf-8")
        write_atomically(target / "explorer.css", inks.variables("explorer") + style)
        write_atomically(target / "explorer-page.css", (_SOURCE / "page.css").read_text("utf-8"))


def add_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load the scripts and the style on the pages that have an explorer."""
    if doctree is None or not _interactive(app):
        return
    if any(STILL in box["classes"] for box in doctree.findall(nodes.container)):
        app.add_js_file("explorer.js", loading_method="defer")
        app.add_css_file("explorer.css")
        if page == PAGE:
            app.add_css_file("explorer-page.css")


def setup(app: Sphinx) -> None:
    """Register the directive and the scripts."""
    app.add_directive("explorer", Explorer)
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", add_scripts)
