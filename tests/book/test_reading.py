"""What folds, what is counted, and what stays together on a line."""

import pickle
import re

import pytest
from docutils import nodes  # type: ignore[import-untyped]

from book.extension.checks import drop_glue, fold
from book.extension.reading import Reading, in_words, measure
from book.extension.typography import keep_together
from book.make.project import Project
from tests.book.conftest import ROOT, Book, parsed

pytestmark = pytest.mark.xdist_group("book")
book = pytest.mark.book
CHAPTERS = Project(ROOT).chapter_names()
RECORD = 'claims.record("idea", measured=1)\nclaims.control("idea", measured=2);'


def cell(code: str, *lines: str, **attributes: str) -> nodes.container:
    """Return a code cell as myst-nb leaves it, whose output are paragraphs with a title each."""
    source = nodes.container("", nodes.literal_block(code, code), nb_element="cell_code_source")
    output = nodes.container(nb_element="cell_code_output")
    for line in lines:
        said = nodes.paragraph("", "", nodes.Text("✔ "), nodes.strong(line, line))
        bundle = nodes.container(nb_element="mime_bundle")
        bundle += nodes.container("", said, mime_type="text/markdown")
        output += bundle
    return nodes.container(
        "", source, output, nb_element="cell_code", classes=["cell"], **attributes
    )


def page(*children: nodes.Node) -> nodes.document:
    document = nodes.document(None, None)
    document += children
    return document


def test_checks_fold_to_a_line_and_glue_vanishes() -> None:
    check = cell(RECORD, "An idea", "Control of “An idea”")
    glue = cell('worst = 1\nglue("worst", worst)', hide_mode="input")
    shown, setup = cell("x = slth.prune(net)"), cell("import slth\nplotting.use_style()")
    document = page(check, glue, shown, setup)
    fold(None, document)
    assert check["hide_mode"] == "all"
    assert check["prompt_show"] == "Checked: An idea (1 check holds, 1 control fails)"
    assert (setup["hide_mode"], setup["prompt_show"]) == ("input", "Imports")
    assert "hide_mode" not in shown
    assert measure(document) == Reading(code=1, checks=1)
    drop_glue(None, document, "notebooks/one")
    assert list(document.children) == [check, shown, setup]


def test_a_figure_is_not_folded_with_its_check() -> None:
    check = cell(RECORD, "An idea")
    check[-1] += nodes.figure()
    document = page(check)
    fold(None, document)
    assert check["hide_mode"] == "input"
    assert measure(document) == Reading(figures=1)


def test_what_is_folded_is_not_counted() -> None:
    said = nodes.paragraph("", "", nodes.Text("Three — short words: "), nodes.math("x", "x"))
    answer = nodes.admonition("", nodes.paragraph("", "a long answer"), classes=["dropdown"])
    document = page(said, nodes.math_block("y", "y"), answer, nodes.comment("", "not seen"))
    assert measure(document) == Reading(words=3, formulas=1, displays=1)


def test_signs_stay_with_their_formula() -> None:
    formula, other = nodes.math("x", "x"), nodes.math("y", "y")
    badge = nodes.inline("", "holds", classes=["claim-badge"])
    parts = [nodes.Text("Here ("), formula, nodes.Text("), and "), other, nodes.Text(" "), badge]
    said = nodes.paragraph("", "", *parts, nodes.Text(". More."))
    keep_together(None, page(said), "notebooks/one")
    assert said.astext() == "Here (x), and y holds. More."
    kept = [node.astext() for node in said.findall(nodes.inline) if node["classes"] == ["together"]]
    assert kept == ["(x),", "holds."]


def test_the_time_is_told_in_words() -> None:
    assert in_words(Reading(words=200)) == "1 min"
    assert in_words(Reading(words=200, formulas=15, displays=3, figures=2, checks=15)) == "5 min"
    assert in_words(Reading(words=600, code=40)) == "5 min (3 without the code)"
    assert in_words(Reading(words=30_000)) == "2 h 30 min"


def fewest(*options: str) -> str:
    """Return a pattern of the source for one of several directives."""
    return rf"^(?::{{3,}}|`{{3,}})\{{(?:{'|'.join(options)})\}}"


def of_class(name: str) -> str:
    """Return a pattern of the source for an admonition of a class."""
    return rf"^:{{3,}}\{{admonition\}}.*\n:class:.*\b{name}\b"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_the_form_of_all(name: str) -> None:
    text = ROOT.joinpath("notebooks", f"{name}.md").read_text("utf-8")
    heads, exercises = fewest("chapter-head"), fewest("exercise", "exercise-start")
    for pattern, least in {
        heads: 1,
        of_class("chapter-summary"): 1,
        of_class("self-check"): 2,
        exercises: 4,
        fewest("solution-start", "solution"): 4,
        of_class("hint"): 4,
        r"^## (?:What breaks|.*[Bb]reak)": 1,
        r"^## Further reading": 1,
    }.items():
        found = len(re.findall(pattern, text, re.MULTILINE))
        assert found >= least, f"{name}: {pattern} {found} times, not {least}"
    grades = re.findall(exercises + r" (\w+):", text, re.MULTILINE)
    assert {"easy", "hard"} <= set(grades) <= {"easy", "medium", "hard"}, grades


@book
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_short(built: Book, name: str) -> None:
    path = built.html.parent / "doctrees" / "notebooks" / f"{name}.doctree"
    found = measure(pickle.loads(path.read_bytes()))
    assert found.words <= 1800
    assert found.formulas <= 120
    assert found.code <= 150


@book
def test_no_page_shows_bookkeeping(built: Book) -> None:
    for path in built.chapters():
        page = parsed(path)
        for code in page.select(".cell > .cell_input"):
            assert not re.search(
                r"claims\.(record|control)\(|^glue\(", code.get_text(), re.MULTILINE
            )
        for told in page.select(".chapter-head .time"):
            assert re.match(r"\d+ min", told.get_text())
