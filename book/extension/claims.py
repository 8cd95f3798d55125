"""Claims on the pages: badges, and theorems that have none."""

from collections.abc import Mapping
from pathlib import Path

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from book.extension import claims_page
from book.extension.generated import collected, of_file
from book.make import ledger
from slth import claims

LOGGER = logging.getLogger(__name__)

NEED_A_CLAIM = {"theorem", "lemma", "corollary", "proposition", "conjecture"}
"""The sphinx-proof directives that state something which a claim must answer for."""

PROVED = {"lemma", "corollary", "proposition"}
"""Those of them that say by their name that they are proved; a theorem may be another's."""

UNPROVED = {"observed, not proved", "conjecture"}
"""How a claim is known of which nobody gives a proof."""


def registry(env: BuildEnvironment) -> Mapping[str, claims.Claim]:
    """Return the registry of claims of the book that is being built."""
    return of_file(claims.load, Path(env.srcdir, "book", "claims"))


class ClaimRole(SphinxRole):
    """``{claim}`id```: a badge with the state of a claim, linked to its entry in the ledger."""

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


def check_theorems(app: Sphinx, doctree: nodes.document) -> None:
    """Warn about a statement without a claim, with another's, or with a name too good for it."""
    known = registry(app.env)
    for node in doctree.findall(nodes.Element):
        if node.get("realtype") not in NEED_A_CLAIM:
            continue
        badges = [ref["claim"] for ref in node.findall(pending_xref) if "claim" in ref]
        name = f"{node['realtype']} '{node['label']}'"
        if not badges:
            LOGGER.warning("%s has no claim; add {claim}`id` to it", name, location=node)
        elif node["realtype"] in PROVED and all(known[one].known in UNPROVED for one in badges):
            LOGGER.warning("%s is not proved; call it an observation", name, location=node)
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
    """Register the role and the checks."""
    app.add_role("claim", ClaimRole())
    app.connect("doctree-read", check_theorems)
    app.connect("env-check-consistency", check_labels)
