"""The explorer: its scripts, on its page only, and still figures for readers without scripts."""

import json
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

from book.extension.generated import Generated

PAGE = "book/explorer"
SCRIPTS = (
    *("rng", "laws", "subset_sum", "special", "theory", "tradeoff", "measure"),
    *("chart", "controls", "presets", "sums_drawing", "sums_view", "trade_view", "start"),
)
"""In the order in which they build on one another."""

_SOURCE = Path(__file__).resolve().parents[1] / "explorer"
_STILLS = {"subset-sums": "still-sums", "trade-off": "still-trade"}


_NO_SCRIPTS = (
    "*The explorer needs scripts, but no network. Without scripts, this is what it shows first.*"
)


class Explorer(Generated):
    """``{explorer} NAME``: an explorer, and the still figure that it replaces."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the markup of the explorer, and the figure and the table that stand for it."""
        name = self.arguments[0]
        if name not in _STILLS:
            raise self.error(f"no explorer {name!r}; there are {', '.join(_STILLS)}")
        markup = _SOURCE / f"{name}.html"
        self.env.note_dependency(str(markup))
        from book.extension import explorer_still  # slow, and other pages need none of it

        still = explorer_still.STILLS[name]()
        folder = Path(self.env.srcdir, "_build", "explorer")
        explorer_still.save(still, folder / name)
        box = nodes.container(classes=[_STILLS[name]])
        image = f"/{(folder / name).relative_to(self.env.srcdir).as_posix()}.*"
        lines = [
            _NO_SCRIPTS,
            "",
            f"```{{figure}} {image}",
            f":alt: {still.words}",
            ":width: 640px",
            "",
        ]
        self.parse("\n".join([*lines, still.caption, "```", "", still.table]), box)
        if not _interactive(self.env.app):
            return [box]
        data = json.dumps(explorer_still.measured(), separators=(",", ":"))
        script = f'<script type="application/json" id="trade-measured">{data}</script>\n'
        text = markup.read_text("utf-8") + (script if name == "trade-off" else "")
        return [nodes.raw("", text, format="html"), box]


def _interactive(app: Sphinx) -> bool:
    """Whether the pages are made for a browser; a reader of EPUB is none."""
    return app.builder.name in ("html", "dirhtml")


def add_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load the scripts and the style on the explorer's page, and copy them beside the pages."""
    if page != PAGE or not _interactive(app):
        return
    target = Path(app.outdir, "_static", "explorer")
    target.mkdir(parents=True, exist_ok=True)
    for name in [*(f"{script}.js" for script in SCRIPTS), "explorer.css"]:
        shutil.copyfile(_SOURCE / name, target / name)
    for script in SCRIPTS:
        app.add_js_file(f"explorer/{script}.js", loading_method="defer")
    app.add_css_file("explorer/explorer.css")


def setup(app: Sphinx) -> None:
    """Register the directive and the scripts."""
    app.add_directive("explorer", Explorer)
    app.connect("html-page-context", add_scripts)
