"""The cover: the picture of a ticket, and the chapters as cards."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util import logging

from book.extension.generated import Generated, collected
from book.make.project import Project

LOGGER = logging.getLogger(__name__)


class TicketDrawing(Generated):
    """``{ticket-drawing} FILE``: the drawing inside the page, so that it knows light and dark.

    The content is the caption, in which ``{target}``, ``{total}``, ``{kept}`` and ``{removed}``
    stand for the numbers of edges in the drawing.
    """

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the drawing with its caption."""
        relative, absolute = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        svg = Path(absolute).read_text("utf-8")
        numbers = {key: int(value) for key, value in re.findall(r'data-(\w+)="(\d+)"', svg)}
        numbers["removed"] = numbers["total"] - numbers["kept"]
        caption = nodes.legend(classes=["ticket-caption"])  # the paper has a Figure 1, too
        self.parse("\n".join(self.content).format(**numbers), words := nodes.container())
        caption += list(words.children[0].children)
        figure = nodes.figure(classes=["ticket-figure"])
        figure += [nodes.raw("", svg, format="html"), caption]
        return [figure]


class ChapterCards(Generated):
    """``{chapter-cards}``: a section for each part of the book, with a card for each chapter.

    The content gives the question of a chapter, as ``NAME: question``; a chapter without one shows
    the description from its front matter.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        project, results = Project(Path(self.env.srcdir)), collected(self.env)
        questions = yaml.safe_load("\n".join(self.content)) or {}
        names = project.chapter_names()
        if unknown := sorted(set(questions) - set(names)):
            LOGGER.warning("no such chapter: %s", ", ".join(unknown), location=self.get_location())
        sections: list[nodes.Node] = []
        for part in project.toc().get("parts", []):
            chapters = [
                Path(entry["file"]).stem
                for entry in part["chapters"]
                if Path(entry["file"]).stem in names
            ]
            if not chapters:
                continue
            section = nodes.section(ids=[nodes.make_id(f"part {part['caption']}")])
            section += nodes.title(part["caption"], part["caption"])
            cards = [
                self._card(project, name, names.index(name) + 1, questions, results)
                for name in chapters
            ]
            self.parse(
                "\n".join([":::::{grid} 1 1 2 2", ":gutter: 3", "", *cards, ":::::"]), section
            )
            sections.append(section)
        return sections

    def _card(
        self,
        project: Project,
        name: str,
        number: int,
        questions: Mapping[str, str],
        results: Mapping[str, Any],
    ) -> str:
        text = project.chapter_path(name).read_text("utf-8")
        found = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
        title = found[1] if found else name
        time = f"{{reading-time}}`{name}` to read"
        if name in results["chapters"]:
            time += f" · {max(1, round(results['chapters'][name]['seconds']))} s to run"
        return card(f"/notebooks/{name}", number, title, questions.get(name) or _blurb(text), time)


def card(document: str, number: int, title: str, question: str, time: str) -> str:
    """Return the Markdown of a card that leads to a chapter."""
    return "\n".join(
        [
            "::::{grid-item-card}",
            f":link: {document}",
            ":link-type: doc",
            f":link-alt: Chapter {number}, {title}",
            ":class-card: chapter-card",
            "",
            f"**{number} {title}**",
            "",
            question,
            "",
            ":::{div} card-time",
            time,
            ":::",
            "::::",
        ]
    )


def _blurb(text: str) -> str:
    front = yaml.safe_load(text.split("---\n")[1]) if text.startswith("---\n") else {}
    meta: Mapping[str, str] = front.get("myst", {}).get("html_meta", {})
    return meta.get("description", "")


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("ticket-drawing", TicketDrawing)
    app.add_directive("chapter-cards", ChapterCards)
