"""The ledger's pages: one for the claims of each chapter, and the overview of all of them.

The file that lists a chapter's claims is the source of their page.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes  # type: ignore[import-untyped]
from myst_parser.parsers.sphinx_ import MystParser
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from book.extension import claims_graph, claims_page
from book.extension.claims import registry
from book.extension.generated import Generated, collected
from book.make import ledger
from book.make.project import Project
from slth.claims import Claim, Record

FOLDER = "book/claims"
"""The overview; the pages of the chapters are below it."""


class ClaimsParser(MystParser):
    """Makes a page of the name of the file that lists a chapter's claims."""

    supported = ("claims",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Put the page into the document."""
        env = self.env
        chapter = Path(env.docname).name
        env.note_dependency(f"notebooks/{chapter}.md")
        known = registry(env)
        number = sum(claim.chapter == chapter for claim in known.values())
        drawn = bool(claims_graph.rows(known, chapter))
        super().parse(claims_page.page(chapter, title_of(env, chapter), number, drawn), document)


def title_of(env: BuildEnvironment, chapter: str) -> str:
    """Return the title of a chapter, or its name if it has no page."""
    path = Path(env.srcdir, "notebooks", f"{chapter}.md")
    headings = path.read_text("utf-8").splitlines() if path.is_file() else []
    return next((line[2:] for line in headings if line.startswith("# ")), chapter)


class Claims(Generated):
    """A directive that shows claims: those of its page's chapter, or on the overview all."""

    def chapter(self) -> str | None:
        """Return the chapter whose claims the page shows."""
        docname = self.env.docname
        return None if docname == FOLDER else Path(docname).name

    def known(self) -> dict[str, Claim]:
        """Return the claims that the page shows."""
        chapter = self.chapter()
        return {
            name: claim
            for name, claim in registry(self.env).items()
            if chapter in (None, claim.chapter)
        }

    def records(self) -> list[Record]:
        """Return the records of all claims."""
        return ledger.all_records(collected(self.env))

    def groups(self) -> dict[str, list[Claim]]:
        """Return all claims by chapter, in the book's order."""
        order = Project(Path(self.env.srcdir)).chapter_names()
        return claims_page.by_chapter(registry(self.env), order)

    def pages(self) -> dict[str, tuple[str, str]]:
        """Return title and address of the claims of each chapter."""
        builder = self.env.app.builder
        return {
            chapter: (
                title_of(self.env, chapter),
                builder.get_relative_uri(self.env.docname, f"{FOLDER}/{chapter}"),
            )
            for chapter in self.groups()
        }

    def markdown(self, text: str) -> list[nodes.Node]:
        """Return the nodes of Markdown."""
        self.parse(text, parent := nodes.container())
        return list(parent.children)

    def form(self) -> nodes.Node:
        """Return the filter; electronic readers run no script that could show it."""
        html = claims_page.filter_form(list(self.known().values()), self.records())
        return addnodes.only("", nodes.raw("", html, format="html"), expr="not epub")


class ClaimsSummary(Claims):
    """``{claims-summary}``: how many claims are known and checked in which way."""

    def run(self) -> list[nodes.Node]:
        """Return the counts."""
        profile = collected(self.env)["profile"]
        text = claims_page.summary(self.known(), self.records())
        if profile is None:
            text += "\nThis build did not collect results; `python -m book.make.build` does."
        else:
            text += f"\nBuilt in the *{profile}* profile."
        return self.markdown(text)


class ClaimsOverview(Claims):
    """``{claims-overview}``: a table of the chapters and the numbers of their claims."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        if not (groups := self.groups()):
            return []
        return self.markdown(claims_page.overview(groups, self.records(), self.pages()))


class ClaimsIndex(Claims):
    """``{claims-index}``: the titles of all claims, with a filter."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        html = claims_page.index(self.groups(), self.records(), self.pages())
        return [self.form(), nodes.raw("", html, format="html")]


class ClaimsChance(Claims):
    """``{claims-chance}``: how often the simulated checks err by chance, counted."""

    def run(self) -> list[nodes.Node]:
        """Return the paragraph."""
        text = claims_page.chance(registry(self.env), self.records())
        return self.markdown(text or "No simulated check was collected.")


class ClaimsEntries(Claims):
    """``{claims-entries}``: a section for each claim, with a filter."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        records = self.records()
        return [self.form(), *(self._section(one, records) for one in self.known().values())]

    def _section(self, claim: Claim, records: Sequence[Record]) -> nodes.Node:
        name = nodes.fully_normalize_name(claims_page.anchor(claim.id))
        section = nodes.section(names=[name], classes=claims_page.classes(claim, records))
        section += nodes.title(claim.title, claim.title)
        self.state.document.note_explicit_target(section)
        self.parse(claims_page.entry(claim, records, registry(self.env)), section)
        return section


class ClaimsGraph(Claims):
    """``{claims-graph}``: a drawing of which claims of a chapter use which."""

    def run(self) -> list[nodes.Node]:
        """Return the drawing; readers of other formats have the same in each claim's entry."""
        svg = claims_graph.graph(
            registry(self.env),
            self.records(),
            str(self.chapter()),
            {chapter: address for chapter, (_, address) in self.pages().items()},
        )
        return [nodes.raw("", svg, format="html")]


def complete_contents(app: Sphinx, config: Config) -> None:
    """Give the extension that reads the table of contents one with a page of each chapter."""
    root = Path(app.srcdir)
    toc = yaml.safe_load((root / config.external_toc_path).read_text("utf-8"))
    path = Path(app.doctreedir, "_toc.yml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(Project(root).with_claims(toc), sort_keys=False), "utf-8")
    config.external_toc_path = path.as_posix()


def add_files(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load style and script where claims are listed."""
    if page == FOLDER or page.startswith(f"{FOLDER}/"):
        app.add_css_file("ledger.css")
        app.add_js_file("ledger.js")


def setup(app: Sphinx) -> None:
    """Register the parser of the files of claims, their pages, and the directives."""
    app.add_source_suffix(".yml", "claims")
    app.add_source_parser(ClaimsParser)
    for name, directive in {
        "claims-summary": ClaimsSummary,
        "claims-overview": ClaimsOverview,
        "claims-index": ClaimsIndex,
        "claims-chance": ClaimsChance,
        "claims-entries": ClaimsEntries,
        "claims-graph": ClaimsGraph,
    }.items():
        app.add_directive(name, directive)
    app.connect("config-inited", complete_contents, priority=850)  # it is read at 900
    app.connect("html-page-context", add_files)
