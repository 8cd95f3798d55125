"""Signs stay on the line of the formula or the badge that they follow."""

import re

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

_AFTER = re.compile(r"^[.,;:!?)\]’”%]+")
_BEFORE = re.compile(r"[(\[‘“]+$")


def keep_together(app: object, doctree: nodes.document, docname: str) -> None:
    """Put inline formulas and badges with the signs around them into spans that do not break.

    A browser may break a line on either side of a formula, for it is a box to it.
    """
    for box in [*doctree.findall(nodes.math), *_badges(doctree)]:
        parent = box.parent
        at = parent.index(box)
        before, after = "", ""
        if at + 1 < len(parent) and isinstance(parent[at + 1], nodes.Text):
            after = _cut(parent, at + 1, _AFTER)
        if at > 0 and isinstance(parent[at - 1], nodes.Text):
            before = _cut(parent, at - 1, _BEFORE)
        if before or after:
            together = nodes.inline(classes=["together"])
            parent[at] = together
            together += [node for node in (_text(before), box, _text(after)) if node is not None]


def _badges(doctree: nodes.document) -> list[nodes.Element]:
    return [node for node in doctree.findall(nodes.inline) if "claim-badge" in node["classes"]]


def _cut(parent: nodes.Element, at: int, signs: re.Pattern[str]) -> str:
    """Take signs out of a text and return them."""
    text = parent[at].astext()
    found = signs.search(text)
    if found is None:
        return ""
    parent[at] = nodes.Text(text[: found.start()] + text[found.end() :])
    return found[0]


def _text(signs: str) -> nodes.Text | None:
    return nodes.Text(signs) if signs else None


def setup(app: Sphinx) -> None:
    """Mend a page after the notebooks have been made of it."""
    app.connect("doctree-resolved", keep_together, priority=900)
