"""A resolved page as Markdown that needs no extension.

What a directive leaves on the page is written as its nodes say; of nodes that are unknown, as those
of a new directive may be, the content is written.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import TypeAlias, cast

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.locale import admonitionlabels

from book.extension.footer import ANCHOR

Part: TypeAlias = str | nodes.Element
"""A block of Markdown, or the node of a code cell."""

_SPECIAL = re.compile(
    r"[\\`*$]|<(?=[\w/!?])|&(?=\w+;|#)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|\](?=\()", re.ASCII
)
_BULLET = re.compile(r"^(\d*)([-+#>.)])(?=\s)", re.MULTILINE)
_LANGUAGES = {"default": "", "ipython3": "python", "none": ""}
_AROUND = {"emphasis": ("*", "*"), "strong": ("**", "**"), "subscript": ("<sub>", "</sub>")}
_AROUND |= dict.fromkeys(("superscript", "footnote_reference"), ("<sup>", "</sup>"))
_BAR = re.compile(r"\\?\|")


class Writer:
    """Writes one page.

    Parameters
    ----------
    env
        The environment of the build.
    docname
        The page.
    site
        Address of the published pages, ending in a slash; empty if it is not known.

    Attributes
    ----------
    claimed
        Identifiers of the claims that the page carries, in the order of their first use.
    images
        Name → path of the pictures that have to travel with the page.
    """

    def __init__(self, env: BuildEnvironment, docname: str, site: str) -> None:
        self.env = env
        self.docname = docname
        self.site = site
        self.claimed: dict[str, None] = {}
        self.images: dict[str, Path] = {}
        self._level = 0
        self._in_table = False

    def parts(self, children: Iterable[nodes.Node]) -> Iterator[Part]:
        """Yield nodes as blocks, in order."""
        for node in children:
            for part in self._block(node):
                if not isinstance(part, str) or part.strip():
                    yield part

    def text(self, children: Iterable[nodes.Node]) -> str:
        """Return nodes without code cells as Markdown."""
        return "\n\n".join(part for part in self.parts(children) if isinstance(part, str))

    def span(self, children: Iterable[nodes.Node]) -> str:
        """Return inline nodes as Markdown."""
        return "".join(map(self._inline, children))

    def number(self, node: nodes.Element) -> str:
        """Return what the page calls a numbered node, as in ``Fig. 1.2``; empty if it has none."""
        for kind, numbers in self.env.toc_fignumbers.get(self.docname, {}).items():
            for one in node["ids"]:
                if one in numbers:
                    words: str = self.env.config.numfig_format.get(kind, "%s")
                    return words.replace("%s", ".".join(map(str, numbers[one])))
        return ""

    def _block(self, node: nodes.Node) -> Iterable[Part]:
        if write := getattr(self, f"_block_{node.tagname}", None):
            return cast(Iterable[Part], write(node))
        if isinstance(node, nodes.Invisible):
            return []
        if isinstance(node, nodes.Text | nodes.Inline | nodes.TextElement):
            return [_BULLET.sub(r"\1\\\2", self._inline(node).strip())]
        if node.get("nb_element") == "cell_code":
            return [node, *map(self._caption_of_cell, node.findall(nodes.figure))]
        if ANCHOR in node["ids"]:
            return []
        if isinstance(node, nodes.Admonition) or _title(node):
            return self._quoted(node)
        return self.parts(node.children)

    def _block_section(self, node: nodes.Element) -> Iterator[Part]:
        titled = isinstance(_title(node), nodes.title)  # the content of a theorem has none
        self._level += titled
        yield from self.parts(node.children)
        self._level -= titled

    def _block_title(self, node: nodes.Element) -> list[Part]:
        return [f"{'#' * self._level} {self.span(node.children)}"]

    def _block_solution_node(self, node: nodes.Element) -> list[Part]:
        return []

    def _quoted(self, node: nodes.Element) -> list[Part]:
        """Write what has a head as a quotation; in one that held code, the code would not run."""
        title = _title(node)
        kind = node.get("realtype", "").capitalize() or admonitionlabels.get(node.tagname, "")
        words = self.span(title.children).strip() if title is not None else ""
        head = f"{self.number(node) or kind} {words}".strip().rstrip(".")
        rest = (child for child in node.children if child is not title)
        inside = [f"**{head}.**" if head else "", *self.parts(rest)]
        if not all(isinstance(part, str) for part in inside):
            return inside
        return [_prefixed("> ", "> ", "\n\n".join(filter(None, map(str, inside))))]

    def _block_proof_node(self, node: nodes.Element) -> Iterable[Part]:
        return self.parts(node.children)  # it only holds the box

    def _block_block_quote(self, node: nodes.Element) -> list[Part]:
        return [_prefixed("> ", "> ", self.text(node.children))]

    def _block_bullet_list(self, node: nodes.Element) -> list[Part]:
        return [self._list(node, ["-"] * len(node))]

    def _block_enumerated_list(self, node: nodes.Element) -> list[Part]:
        start = node.get("start", 1)
        return [self._list(node, [f"{start + i}." for i in range(len(node))])]

    def _list(self, node: nodes.Element, signs: list[str]) -> str:
        items = [
            _prefixed(f"{sign} ", " " * (len(sign) + 1), self.text(item.children))
            for sign, item in zip(signs, node.children, strict=True)
        ]
        return ("\n\n" if any("\n\n" in item for item in items) else "\n").join(items)

    def _block_term(self, node: nodes.Element) -> list[Part]:
        return [f"**{self.span(node.children)}**"]

    _block_rubric = _block_term

    def _block_transition(self, node: nodes.Element) -> list[Part]:
        return ["---"]

    def _block_literal_block(self, node: nodes.Element) -> list[Part]:
        language = node.get("language", "")
        code = node.astext()
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
        return [f"{fence}{_LANGUAGES.get(language, language)}\n{code}\n{fence}"]

    def _block_math_block(self, node: nodes.Element) -> list[Part]:
        """Write a display on one line: viewers would show the sign of a quotation inside it."""
        lines = [re.sub(r"(?<!\\)%.*", "", line) for line in node.astext().split("\n")]
        formula = " ".join(" ".join(lines).split())
        if "\\\\" in formula and not formula.startswith("\\begin{"):
            formula = f"\\begin{{aligned}} {formula} \\end{{aligned}}"
        if number := self.number(node):
            formula += f"\\tag{{{number}}}"
        return [f"$${formula}$$"]

    def _block_footnote(self, node: nodes.Element) -> list[Part]:
        label, *rest = node.children
        return [f"<sup>{label.astext()}</sup> {self.text(rest)}"]

    def _block_figure(self, node: nodes.Element) -> list[Part]:
        rest = [child for child in node.children if not isinstance(child, nodes.caption)]
        return [*self.parts(rest), self._caption(node)]

    def _caption(self, node: nodes.Element) -> str:
        number = self.number(node)
        captions = (child for child in node.children if isinstance(child, nodes.caption))
        return (f"**{number}.** " if number else "") + self.span(captions)

    def _caption_of_cell(self, node: nodes.Element) -> str:
        """Return the caption of a figure that the code makes, and its picture in words."""
        alts = [image["alt"] for image in node.findall(nodes.image) if image.get("alt")]
        words = (
            f"<details><summary>In words</summary>{escape(alt, quote=False)}</details>"
            for alt in alts
        )
        return "\n\n".join([self._caption(node), *words])

    def _block_table(self, node: nodes.Element) -> list[Part]:
        self._in_table = True
        rows = [
            [self.text(entry.children).replace("\n\n", "<br>").replace("\n", " ") for entry in row]
            for row in node.findall(nodes.row)
        ]
        self._in_table = False
        if not any(node.findall(nodes.thead)):
            rows.insert(0, [""] * len(rows[0]))
        signs = {"text-right": "--:", "text-center": ":-:"}
        first = next(node.findall(nodes.tbody))[0]
        rule = [next((signs[s] for s in one["classes"] if s in signs), "---") for one in first]
        lines = [f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]]]
        title = _title(node)
        head = [f"**{self.number(node)} {self.span(title.children)}**"] if title is not None else []
        return [*head, "\n".join(lines)]

    def _inline(self, node: nodes.Node) -> str:
        if isinstance(node, nodes.Text):
            text = _SPECIAL.sub(r"\\\g<0>", node.astext())
            return _BAR.sub(r"\\|", text) if self._in_table else text
        if write := getattr(self, f"_inline_{node.tagname}", None):
            return str(write(node))
        if isinstance(node, nodes.raw):
            return ""
        before, after = _AROUND.get(node.tagname, ("", ""))
        text = self.span(node.children)
        return f"{before}{text.strip() if before else text}{after}"

    def _inline_literal(self, node: nodes.Element) -> str:
        if "xref" in node["classes"]:
            return self.span(node.children)  # words of a reference that leads nowhere, or a file
        code = " ".join(node.astext().split())
        if self._in_table:
            code = _BAR.sub(r"\\|", code)
        return f"`` {code} ``" if "`" in code else f"`{code}`"

    def _inline_math(self, node: nodes.Element) -> str:
        formula = " ".join(node.astext().split())
        if self._in_table:  # a bar would end the cell
            formula = _BAR.sub(lambda bar: r"\vert " if bar[0] == "|" else r"\Vert ", formula)
        return f"${formula}$"

    def _inline_math_block(self, node: nodes.Element) -> str:
        return f"\n\n{self._block_math_block(node)[0]}\n\n"

    def _inline_image(self, node: nodes.Element) -> str:
        choices, kinds = node.get("candidates", {}), StandaloneHTMLBuilder.supported_image_types
        uri = next((choices[kind] for kind in ("*", *kinds) if kind in choices), node["uri"])
        if "://" not in uri:
            self.images[posixpath.basename(uri)] = Path(self.env.srcdir, uri)
            uri = f"attachment:{posixpath.basename(uri)}"
        return f"![{node.get('alt', '')}]({uri})"

    def _inline_inline(self, node: nodes.Element) -> str:
        claim = node.get("claim")
        if claim is None:
            return self.span(node.children)
        self.claimed[claim] = None
        sign = f"{node.astext().split()[0]} `{claim}`"
        target = next(node.findall(nodes.reference), None)
        return f"[{sign}]" if target is None else f"[{self._link(sign, target)}]"

    def _inline_reference(self, node: nodes.Element) -> str:
        return self._link(self.span(node.children), node)

    def _inline_download_reference(self, node: nodes.Element) -> str:
        if self.site:
            return f"[{self.span(node.children)}]({self.site}_downloads/{node['filename']})"
        path, _ = self.env.relfn2path(node["reftarget"], self.docname)
        return f"{self.span(node.children)} (`{path}` in the repository)"

    def _link(self, words: str, node: nodes.Element) -> str:
        """Return a link to where a reference leads, or its words where nothing is known of it."""
        path, _, anchor = node.get("refuri", "").partition("#")
        if re.match(r"[a-z][a-z+.-]*:", path):
            return f"[{words}]({node['refuri']})"
        page = posixpath.normpath(posixpath.join(posixpath.dirname(self.docname), path))
        if not path or page == f"{self.docname}.html":
            return words
        if self.site:
            return f"[{words}]({self.site}{page}{f'#{anchor}' if anchor else ''})"
        if page.startswith("notebooks/"):
            return f"[{words}]({posixpath.basename(page).removesuffix('.html')}.ipynb)"
        return words


def _title(node: nodes.Element) -> nodes.Element | None:
    """Return the title of a node; libraries have nodes of their own for it."""
    return next((one for one in node.children if one.tagname.endswith("title")), None)


def _prefixed(first: str, rest: str, text: str) -> str:
    """Return a text with a sign before its first line, and another one before the others."""
    lines = text.split("\n")
    return "\n".join(
        [f"{first}{lines[0]}".rstrip(), *(f"{rest}{one}".rstrip() for one in lines[1:])]
    )
