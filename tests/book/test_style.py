"""The style of the chapters: their parts, their sentences, their figures' words, their spelling."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from slth.claims import chapters
from tests.book.conftest import FRONT, ROOT
from tests.book.test_sources import PAGES, prose

CHAPTERS = sorted((ROOT / "notebooks").glob("*.md"))

FILLER = (
    r"very|really|simply|obviously|clearly|just|basically|of course|as we all know|note that"
    r"|it is easy to see|it is easily seen|it is worth noting|needless to say|in order to"
    r"|as we will see|we will see (?:later|below)"
)
AMERICAN = (
    r"colou?r(?<=color)(?:s|ed|ing|ful)?|gr(?:a)y|behavior|cent(?:er)(?:s|ed)?|neighbor\w*"
    r"|(?:optim|maxim|minim|normal|general|recogn|summ(?:ar)|organ|real|standard)iz(?:e|es|ed|ing|ation)"
    r"|labeled|modeling|favorable|analyz\w+"
)
"""American spellings; the book is British in prose, while code keeps the names of its libraries."""

CELL_LINES = 25
"""Longest cell that is shown open; CONTRIBUTING asks for 15, this is where it becomes a fault."""

OPENING = (
    r"(?:an? |the |two |three |four )?(?:figure|plots?|graphs?|charts?|diagrams?|images?|pictures?"
    r"|screenshot|illustration)\b|[\w\s]{3,40}\bagainst\b"
)


def blanked(line: str) -> str:
    """Return a line of prose with mathematics, code, roles and addresses put out of the way."""
    line = re.sub(r"\{[\w:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$", "X", line)
    return re.sub(r"\]\([^)]*\)|<https?:[^>]*>|https?:\S+", "]", line)


def sentences(text: str) -> Iterator[str]:
    """Yield the lines that hold more than one sentence."""
    for number, line in prose(text):
        plain = re.sub(r"^\s*(?:[-*:]|\d+\.)\s+", "", line)
        plain = re.sub(r"(?:\s*\{claim\}`[^`]*`)+", "", plain)
        plain = re.sub(r"^(?:\*\*[^*]+\*\*|\([^)]*\)=?)", "", plain)  # a bold lead-in, a label
        plain = blanked(plain).strip()
        if plain.startswith(("|", "#")):
            continue
        if re.search(
            r"(?<!\b[A-Z])(?<!\bvs)(?<!\bcf)(?<!e\.g)(?<!al)[.!?][\"”)*_]* +(?!\d)[A-Z]\w", plain
        ):
            yield f"{number}: two sentences on a line: {line.strip()[:70]}"


def words(pattern: str, complaint: str) -> Callable[[str], Iterator[str]]:
    """Return a rule against words of the prose."""

    def rule(text: str) -> Iterator[str]:
        for number, line in prose(text):
            for match in re.finditer(rf"\b(?:{pattern})\b", blanked(line), re.IGNORECASE):
                yield f"{number}: {complaint}: '{match[0]}'"

    return rule


def headings(text: str) -> Iterator[str]:
    """Yield what is wrong with headings: several titles, levels that are deep or skipped."""
    levels = [len(m[1]) for _, line in prose(text) if (m := re.match(r"(#+) \S", line))]
    if levels.count(1) != 1 or levels[:1] != [1]:
        yield f"there is not one title, on top, but {levels.count(1)}"
    if any(level > 3 for level in levels):
        yield "a heading is deeper than the third level"
    if any(after > before + 1 for before, after in pairwise(levels)):
        yield "a level of headings is skipped"


def parts(text: str) -> Iterator[str]:
    """Yield the parts that a chapter lacks."""
    for part, pattern in {
        "a list 'What you will learn'": (
            r"^(?:\*\*What you will learn\*\*$\n+- |:{3,}\{chapter-head\})"
        ),
        "a statement with a claim": r":{3,}\{prf:\w+\}(?:.|\n)*?\{claim\}`",
        "a claims.record(…)": r"\bclaims\.record\(",
        "a negative control": r"\bclaims\.control\(",
        "an exercise": r"\{exercise(?:-start)?\}",
        "a solution": r"\{solution(?:-start)?\}",
    }.items():
        if not re.search(pattern, text, re.MULTILINE):
            yield f"it lacks {part}"


def description(text: str) -> Iterator[str]:
    """Yield what is wrong with the description that search engines show."""
    front = yaml.safe_load(text.split("---")[1]) or {}
    about = str(front.get("myst", {}).get("html_meta", {}).get("description", ""))
    if not 50 <= len(about) <= 160:
        yield f"its description has {len(about)} characters, not 50 to 160"


@dataclass(frozen=True)
class Cell:
    """A code cell: its lines, and the words of its figure."""

    lines: int
    hidden: bool
    mystnb: dict[str, Any] = field(repr=False)

    @property
    def alt(self) -> str:
        """The words in place of the figure."""
        return str(self.mystnb.get("image", {}).get("alt", ""))

    @property
    def caption(self) -> str:
        """The words below the figure."""
        return str(self.mystnb.get("figure", {}).get("caption", ""))


@cache
def cells(text: str) -> tuple[Cell, ...]:
    """Return the code cells of a chapter."""
    return tuple(
        Cell(
            sum(bool(line.strip()) for line in cell.source.splitlines()),
            any(str(tag).startswith(("hide", "remove")) for tag in cell.metadata.get("tags", [])),
            cell.metadata.get("mystnb", {}),
        )
        for cell in chapters.code_cells(chapters.parse(text))
    )


def long_cells(text: str) -> Iterator[str]:
    """Yield the cells that are open and too long to read."""
    for cell in cells(text):
        if cell.lines > CELL_LINES and not cell.hidden:
            yield f"an open cell has {cell.lines} lines, more than {CELL_LINES}"


def figures(text: str) -> Iterator[str]:
    """Yield the figures whose words do not say what is to be seen."""
    shown = [cell for cell in cells(text) if cell.alt or cell.caption]
    for cell in shown:
        begin = " ".join(cell.alt.split())[:50]
        if not cell.caption.strip():
            yield f"'{begin}' has no caption"
        if len(cell.alt.split()) < 15:
            yield f"'{begin}': its alt text has fewer than 15 words"
        if re.match(OPENING, cell.alt, re.IGNORECASE):
            yield f"'{begin}': its alt text begins with what it is, not with what it shows"
        if not re.fullmatch(r"[A-Z].*[.]", " ".join(cell.alt.split())):
            yield f"'{begin}': its alt text is no sentence"
        if SequenceMatcher(None, cell.alt.split(), cell.caption.split()).ratio() > 0.6:
            yield f"'{begin}': its alt text repeats the caption"
        if re.search(r"\d\.\d", cell.alt):
            yield f"'{begin}': a result is typed in its alt text"
    for alt, count in Counter(cell.alt for cell in shown if cell.alt).items():
        if count > 1:
            yield f"'{alt[:50]}' stands {count} times"


Rule = Callable[[str], Iterator[str]]
ON_PAGES: tuple[Rule, ...] = (
    sentences,
    words(FILLER, "filler"),
    words(AMERICAN, "American spelling"),
    headings,
)
ON_CHAPTERS: tuple[Rule, ...] = (parts, description, long_cells, figures)


def complaints(path: Path, rules: tuple[Rule, ...]) -> list[str]:
    """Return what the rules find in a source."""
    text = path.read_text("utf-8")
    return [f"{path.name}: {one}" for rule in rules for one in rule(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_are_in_style(page: Path) -> None:
    assert complaints(page, ON_PAGES) == []


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_chapters_are_in_style(page: Path) -> None:
    assert complaints(page, ON_CHAPTERS) == []


GOOD = (
    FRONT.replace(
        "---\n\n", "myst:\n  html_meta:\n    description: " + 9 * "eight88 " + "\n---\n\n"
    )
    + """# A title

**What you will learn**

- One thing.

:::{prf:theorem} 1
It holds for $x. Y$ and `a. B`, see e.g. Theorem 1. {claim}`a`
:::

```{code-cell} ipython3
---
mystnb:
  image:
    alt: >-
      The measured points lie on the predicted line.
      Far above them runs the bound, which no point of the thousands ever touches.
  figure:
    caption: |
      Measured and predicted medians, with the bound.
---
claims.record("a", color="grey")
claims.control("a")
```

```{exercise}
Do it.
```

```{solution} it
Done.
```
"""
)


ALT = """The measured points lie on the predicted line.
      Far above them runs the bound, which no point of the thousands ever touches."""
CAPTION = "Measured and predicted medians, with the bound."


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("- One thing.", "- One thing. Another thing.", "two sentences"),
        ("It holds", "It is very good and", "filler: 'very'"),
        ("It holds", "Note that it", "filler: 'Note that'"),
        ("It holds", "The colour gray", "American spelling: 'gray'"),
        ("It holds", "We normalize a neighbor", "American spelling: 'neighbor'"),
        ("- One", "#### Deep\n\n- One", "deeper than the third"),
        ("- One", "### Skipped\n\n- One", "level of headings is skipped"),
        ("- One", "# Second\n\n- One", "not one title"),
        ("**What you will learn**", "**What is learnt**", "it lacks a list"),
        (" {claim}`a`", "", "it lacks a statement with a claim"),
        ('claims.record("a"', 'print("a"', "it lacks a claims.record"),
        ("claims.control", "claims.other", "it lacks a negative control"),
        ("{exercise}", "{note}", "it lacks an exercise"),
        ("{solution}", "{note}", "it lacks a solution"),
        (9 * "eight88 ", "short", "has 5 characters"),
        ('claims.control("a")\n', 'claims.control("a")\n' + 30 * "x = 1\n", "has 32 lines"),
        ("The measured points lie", "A plot of points that lie", "begins with what it is"),
        ("The measured points lie", "Error against samples. They lie", "begins with what it is"),
        (ALT, "It is so.", "fewer than 15 words"),
        (ALT, 16 * "Point and line ", "is no sentence"),
        ("predicted line", "predicted line at 3.5", "a result is typed"),
        (CAPTION, "", "has no caption"),
        (CAPTION, ALT, "repeats the caption"),
    ],
)
def test_each_rule_sees_what_is_wrong(old: str, new: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(GOOD)
    assert complaints(path, ON_PAGES + ON_CHAPTERS) == []
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    assert fault in "\n".join(complaints(path, ON_PAGES + ON_CHAPTERS))


def test_a_figure_is_not_described_twice_in_the_same_words() -> None:
    begin, end = GOOD.index("```{code-cell}"), GOOD.index("```{exercise}")
    found = list(figures(GOOD[:end] + GOOD[begin:end] + GOOD[end:]))
    assert len(found) == 1
    assert "stands 2 times" in found[0]


def test_codespell_sees_what_is_misspelt(tmp_path: Path) -> None:
    """With the configuration of the project, which must not have switched it off."""
    wrong = "rec" + "ieve"  # in one piece it would be found here too
    (tmp_path / "page.md").write_text(f"We {wrong} a colour.\n")
    command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*command, str(tmp_path / "page.md")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert f"{wrong} ==> receive" in done.stdout
