"""The sources of the book: no number of the prose is typed by hand, every chapter has its parts."""

import re
from pathlib import Path

import pytest
import yaml
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

from book.make.project import Project
from slth.claims import chapters
from tests.book.conftest import ROOT

PAGES = sorted([*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")])

ALLOWED = {
    # file stem: decimals of its prose that are not results, such as versions
    "about": {"4.0"},  # the licence of data
    "index": {"3.11"},
    "one-logarithm": {"3.06"},  # the constant of Proposition 3, which a claim computes
}

_FENCE = re.compile(r"^\s*(`{3,}|:{3,})\s*(?:\{([\w:+-]+)\})?")
_CODE = {None, "code-cell", "code", "code-block", "literalinclude", "math", "raw", "mermaid"}


def prose(text: str) -> list[tuple[int, str]]:
    """Return the numbered lines of prose: no front matter, code, directive options or comments."""
    kept: list[tuple[int, str]] = []
    stack: list[tuple[str, str | None]] = []
    lines = text.splitlines()
    options = lines[:1] == ["---"]
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if options:  # front matter, or the YAML block of a directive
            options = number == 1 or line.strip() != "---"
        elif fence and stack and fence[2] is None and line.strip().startswith(stack[-1][0]):
            stack.pop()
        elif any(name in _CODE for _, name in stack):
            pass
        elif fence:
            stack.append((fence[1], fence[2]))
        elif stack and line.strip() == "---" and _FENCE.match(lines[number - 2]):
            options = True
        elif stack and re.match(r"\s*:[\w-]+:", line):
            pass
        elif not line.lstrip().startswith("%"):
            kept.append((number, line))
    return kept


def typed_decimals(text: str) -> list[tuple[int, str]]:
    """Return line and number of each decimal in the prose, outside mathematics, code and roles."""
    lines = prose(text)
    joined = "\n".join(line for _, line in lines)

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    for pattern in (
        r"\$\$.*?\$\$",  # display mathematics
        r"(?<!\\)\$[^$]*?(?<!\\)\$",
        r"\{[\w:]+\}`[^`]*`",  # roles
        r"`[^`]*`",
        r"\]\([^)]*\)",  # addresses of links
        r"<https?:[^>]*>",
        r"https?:\S+",
        r"arXiv:? ?\d{4}\.\d{4,5}",
        r"\{[^}\n]*\}",  # attributes
    ):
        joined = re.sub(pattern, blank, joined, flags=re.DOTALL)
    return [
        (number, match[0])
        for (number, _), line in zip(lines, joined.split("\n"), strict=True)
        for match in re.finditer(r"(?<![\w.])\d+[.]\d+(?!\.?\w)", line)
    ]


def test_the_lint_sees_what_it_should() -> None:
    text = """---
version: 1.1
---
# Title 2.2

We keep 3.3 of $4.4$ and {glue:text}`x:5.5f`, `6.6`, [text](7.7), arXiv 2410.14754.
$$
8.8
$$

```{code-cell} ipython3
---
mystnb: {image: {alt: 9.9}}
---
x = 10.1
```

:::{prf:theorem} 1
:label: thm-1.5
The bound is 11.1 here, not 1.2.3 and not v1.4.
```{math}
12.1
```
and 13.1.
:::

% a comment 14.1
Ends 15.1.
"""
    assert [value for _, value in typed_decimals(text)] == ["2.2", "3.3", "11.1", "13.1", "15.1"]
    assert typed_decimals(text)[1][0] == 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_decimal_is_typed_by_hand(page: Path) -> None:
    allowed = ALLOWED.get(page.stem, set())
    typed = [
        f"{page.name}:{line}: {value}"
        for line, value in typed_decimals(page.read_text("utf-8"))
        if value not in allowed
    ]
    assert not typed, (
        f"numbers typed by hand; compute and glue them, or allow them here: {'; '.join(typed)}"
    )


def test_no_notebook_file_lies_beside_the_sources() -> None:
    found = [*ROOT.glob("notebooks/**/*.ipynb"), *ROOT.glob("book/**/*.ipynb")]
    assert found == []


def test_each_chapter_has_its_claims_and_its_fast_parameters() -> None:
    chapters = {path.stem for path in (ROOT / "notebooks").glob("*.md")}
    assert {path.stem for path in (ROOT / "book" / "claims").glob("*.yml")} == chapters
    project = Project(ROOT)
    for name in chapters:
        assert project.chapter(name).overrides("fast")


def test_our_reader_finds_the_cells_that_sphinx_finds() -> None:
    """Else the pages would not show what we ran, but run it again."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    extensions = MdParserConfig(enable_extensions=set(config["parse"]["myst_enable_extensions"]))
    for path in (ROOT / "notebooks").glob("*.md"):
        text = path.read_text("utf-8")
        theirs = read_myst_markdown_notebook(text, config=extensions, path=path)
        ours = chapters.parse(text)
        assert [(cell.cell_type, cell.source, cell.metadata) for cell in ours.cells] == [
            (cell.cell_type, cell.source, cell.metadata) for cell in theirs.cells
        ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_display_mathematics_stands_on_lines_of_its_own(page: Path) -> None:
    """Text beside a ``$$`` would make MyST show the dollars."""
    beside = [
        f"{page.name}:{number}: {line}"
        for number, line in prose(page.read_text("utf-8"))
        if len(parts := line.strip().split("$$")) > 1
        and ((parts[0] and parts[-1]) or (len(parts) > 2 and (parts[0] or parts[-1])))
    ]
    assert beside == []
