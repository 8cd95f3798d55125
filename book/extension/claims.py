"""Claims on the pages: badges, the table, the graph, and theorems that have none."""

from collections.abc import Mapping
from pathlib import Path

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from book.extension import claims_page
from book.extension.generated import Generated, collected, of_file
from book.make import ledger
from book.make.project import Project
from slth import claims

LOGGER = logging.getLogger(__name__)

NEED_A_CLAIM = {"theorem", "lemma", "corollary", "proposition", "conjecture"}
"""The sphinx-proof directives that state something which a claim must answer for."""


def registry(env: BuildEnvironment) -> Mapping[str, claims.Claim]:
    """Return the registry of claims of the book that is being built."""
    return of_file(claims.load, Path(env.srcdir, "book", "claims"))


class ClaimRole(SphinxRole):
    """``{claim}`id```: a badge with the state of a claim, linked to the claims page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the badge."""
        claim = registry(self.env).get(self.text)
        if claim is None:
            LOGGER.warning("no claim '%s' in book/claims/", self.text, location=self.get_location())
            return [nodes.literal(text=self.text)], []
        records = ledger.all_records(collected(self.env))
        state = claims.status(claim, records).name
        text = claims_page.badge_text(claim, records)
        badge = nodes.inline(classes=["claim-badge", f"claim-{state}"], claim=claim.id)
        badge += pending_xref(
            "",
            nodes.inline(text=text),
            refdomain="std",
            reftype="ref",
            reftarget=claims_page.anchor(claim.id),
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
            claim=claim.id,
        )
        return [badge], []


class ClaimsTable(Generated):
    """``{claims-table}``: the counts, then one section with a table for each chapter."""

    def run(self) -> list[nodes.Node]:
        """Return the counts and the sections."""
        known, results = registry(self.env), collected(self.env)
        records = ledger.all_records(results)
        introduction = nodes.container()
        text = claims_page.summary(known, records)
        if results["profile"] is None:
            text += "\nThis build did not collect results; `python -m book.make.build` does."
        else:
            text += f"\nBuilt in the *{results['profile']}* profile."
        self.parse(text, introduction)
        sections: list[nodes.Node] = list(introduction.children)
        order = Project(Path(self.env.srcdir)).chapter_names()
        for chapter, group in claims_page.by_chapter(known, order).items():
            section = nodes.section(ids=[f"claims-of-{chapter}"])
            title = self._title(chapter)
            section += nodes.title(title, title)
            self.parse(claims_page.table(group, records), section)
            sections.append(section)
        return sections

    def _title(self, chapter: str) -> str:
        path = Path(self.env.srcdir, "notebooks", f"{chapter}.md")
        headings = path.read_text("utf-8").splitlines() if path.is_file() else []
        return next((line[2:] for line in headings if line.startswith("# ")), chapter)


class ClaimsChance(Generated):
    """``{claims-chance}``: how often the simulated checks err by chance, counted."""

    def run(self) -> list[nodes.Node]:
        """Return the paragraph."""
        paragraph = nodes.container()
        records = ledger.all_records(collected(self.env))
        text = claims_page.chance(registry(self.env), records)
        self.parse(text or "No simulated check was collected.", paragraph)
        return list(paragraph.children)


class ClaimsGraph(SphinxDirective):
    """``{claims-graph}``: which claims use which."""

    def run(self) -> list[nodes.Node]:
        """Return the drawing, and the same in words for other formats than HTML."""
        known = registry(self.env)
        svg = claims_page.graph(known, ledger.all_records(collected(self.env)))
        if not svg:
            return [nodes.paragraph(text="No claim uses another one.")]
        return [nodes.raw("", svg, format="html")]


def check_theorems(app: Sphinx, doctree: nodes.document) -> None:
    """Warn about a statement without a claim, or with the claim of another statement."""
    known = registry(app.env)
    for node in doctree.findall(nodes.Element):
        if node.get("realtype") not in NEED_A_CLAIM:
            continue
        badges = [ref["claim"] for ref in node.findall(pending_xref) if "claim" in ref]
        name = f"{node['realtype']} '{node['label']}'"
        if not badges:
            LOGGER.warning("%s has no claim; add {claim}`id` to it", name, location=node)
        for one in badges:
            label = known[one].label
            if label is not None and label != node["label"]:
                LOGGER.warning(
                    "%s carries claim '%s', whose label is '%s'", name, one, label, location=node
                )


def check_labels(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn about a claim of a chapter in this book whose label no theorem has."""
    statements = getattr(env, "proof_list", {})
    for claim in registry(env).values():
        inside = f"notebooks/{claim.chapter}" in env.found_docs
        if inside and claim.label is not None and claim.label not in statements:
            LOGGER.warning(
                "claim '%s': no theorem has the label '%s'",
                claim.id,
                claim.label,
                location=("book/claims", None),
            )


def setup(app: Sphinx) -> None:
    """Register the role, the directives and the checks."""
    app.add_role("claim", ClaimRole())
    app.add_directive("claims-table", ClaimsTable)
    app.add_directive("claims-chance", ClaimsChance)
    app.add_directive("claims-graph", ClaimsGraph)
    app.connect("doctree-read", check_theorems)
    app.connect("env-check-consistency", check_labels)
