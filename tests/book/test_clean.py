"""Clean notebooks: plain Markdown, no solutions, and every claim of the book when they are run."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import yaml
from docutils import nodes  # type: ignore[import-untyped]
from docutils.core import publish_doctree  # type: ignore[import-untyped]
from nbformat.v4 import new_markdown_cell

from book.extension.notebooks import folder, notebook
from book.extension.notebooks.markdown import Writer
from slth import claims
from slth.claims.chapters import records
from slth.claims.verification import judge
from tests.book.conftest import ROOT, Book, TinyBook, parsed

SITE = "https://owner.github.io/name/"

LEFTOVERS = {
    "role": r"(?<!`)\{[\w:+.-]+\}`",
    "directive": r"^[>\s]*(?:`{3,}|:{3,})\s*\{",
    "colon fence": r"^[>\s]*:{3,}",
    "target": r"^\([^)\s]+\)=",
    "comment": r"^%",
    "option": r"^[>\s]*:[\w-]+:",
    "footnote": r"\[\^[\w-]+\]",
    "source link": r"\]\([^)\s]*\.md[^)]*\)",
    "glue": r"not computed|glue:",
    "math label": r"\$\$ *\([\w:-]+\)",
    "nameless link": r"\[\]\(",
    "split display": r"^>(?:(?!\$\$).)*\$\$(?:(?!\$\$).)*$",  # viewers would show its `>`
}


def leftovers(made: Any) -> list[str]:
    """Return what plain Markdown does not know, in the text of a notebook."""
    return [
        f"{name}: {match[0].strip()}"
        for cell in made.cells
        if cell.cell_type == "markdown"
        for name, pattern in LEFTOVERS.items()
        for match in re.finditer(pattern, cell.source, re.MULTILINE)
    ]


CLAIM = """
sum:
  source: this book
  title: One and one
  statement: $1+1=2$
  known: proved on this page
  kind: computed
  relation: "=="
  control: a number is changed
  label: lem-one
"""

CHAPTER = r"""
% a comment
(start)=
# The title

Words {claim}`sum` and {glue:text}`number:.2f` of {cite:t}`Pensia2020`, {cite:p}`Natale2024`.
See [there](02-b.md), {doc}`its page <02-b>`, {ref}`the start <start>`, {numref}`fig-one`,
{prf:ref}`Definition 7 <def-other>`, {kbd}`Ctrl`, `{code}`, \*stars\*, {eq}`eq-one`
and a note.[^one]

[^one]: The {math}`x` of the note.

::::{prf:lemma} 1 (Small, $k\le2$)
:label: lem-one
:nonumber:

It is {claim}`sum`

$$
a=b,\\
c=d
$$ (eq-one)

:::{note}
Inside.
:::
::::

:::{prf:proof}
Clear.
:::

| a | $\|x\|$ |
|---|---:|
| `b` | *c* |

```{code-cell} ipython3
:tags: [parameters]

trials = 7  # many
seed = 1
```

```{code-cell} ipython3
from slth import claims
from slth.notebook import glue

glue("number", 2.345)
claims.record("sum", measured=1 + 1, bound=2)
claims.control("sum", measured=1 + 2, bound=2);
```

```{code-cell} ipython3
---
tags: [hide-input]
mystnb:
  image:
    alt: A line.
  figure:
    name: fig-one
    caption: |
      The $y$ of {numref}`fig-one`.
---
from matplotlib import pyplot

pyplot.plot([0, 1]);
```

````{admonition} Beware
:class: tip
```{code-block} sh
ls
```
````

```{figure} ../book/_static/ticket.svg
:name: fig-two
:alt: A ticket.

A {ref}`ticket <start>`.
```

```{card} A directive that no line of the writer names
Its *content*.
```

```{exercise-start}
:label: ex-one
```
Compute.
```{exercise-end}
```

````{solution-start} ex-one
:class: dropdown
````
The secret.

```{code-cell} ipython3
secret = 1
```
More secrets.
````{solution-end}
````

After.

```{exercise-start}
:label: ex-two
```
Run this.

```{code-cell} ipython3
2 + trials
```
Then that.
```{exercise-end}
```
"""

OTHER = """# The other

```{prf:definition} 7 (Other)
:label: def-other
:nonumber:

Words.
```
"""


def sources_of(made: Any, kind: str) -> list[str]:
    """Return the text of the cells of a kind."""
    return [cell.source for cell in made.cells if cell.cell_type == kind]


def test_a_chapter_becomes_an_ordinary_notebook(tiny: TinyBook) -> None:
    """By the real builder: plain Markdown, the numbers of the page, and code as it ran."""
    index = "# A tiny book\n\n```{bibliography}\n```\n"
    chapters, fast = {"01-a": CHAPTER, "02-b": OTHER}, {"01-a": "{trials: 3}"}
    tiny.write(chapters, {"01-a": CLAIM}, fast=fast, index=index)
    done = tiny.build("--profile", "fast", "--repository", "Owner/name")
    assert done.returncode == 0, done.stderr
    html = tiny.root / "_build" / "fast" / "html"
    published = html / "notebooks" / "clean"
    made = nbformat.read(published / "01-a.ipynb", as_version=4)
    nbformat.validate(made)
    assert leftovers(made) == []
    is_plain(made)
    is_what_ran(made)
    is_published(published, (html / "notebooks" / "01-a.html").read_text("utf-8"))


def is_plain(made: Any) -> None:
    title, text, figure, rest, then, ledger, references = sources_of(made, "markdown")
    assert title.startswith("# The title\n\n**Expected time: ")
    assert "*fast* profile and seed 1." in title
    assert "This is chapter 1 of" in title
    assert f"[in the book]({SITE}notebooks/01-a.html)" in title
    badge = f"[[✔ `sum`]({SITE}book/claims/01-a.html#claim-sum)]"
    there = f"{SITE}notebooks/02-b.html"
    cited = text.splitlines()[0]
    assert cited.startswith(f"Words {badge} and 2.35 of Pensia *et al.* [[2020]({SITE}book/index")
    assert (
        text.removeprefix(cited).strip()
        == dedent(
            rf"""
            See [there]({there}), [its page]({there}), the start, Fig. 1.1,
            [Definition 7]({there}#def-other), `Ctrl`, `{{code}}`, \*stars\*, (1.1)
            and a note.<sup>1</sup>

            > **Lemma 1 (Small, $k\le2$).**
            >
            > It is {badge}
            >
            > $$\begin{{aligned}} a=b,\\ c=d \end{{aligned}}\tag{{1.1}}$$
            >
            > > **Note.**
            > >
            > > Inside.

            > Proof. Clear.

            | a | $\vert x\vert $ |
            | --- | --: |
            | `b` | *c* |
            """
        ).strip()
    )
    assert (
        rest
        == dedent(
            """
            > **Beware.**
            >
            > ```sh
            > ls
            > ```

            ![A ticket.](attachment:ticket.svg)

            **Fig. 1.2.** A ticket.

            A directive that no line of the writer names

            Its *content*.

            > **Exercise 1.1.**
            >
            > Compute.

            After.

            **Exercise 1.2.**

            Run this.
            """
        ).strip()
    )
    assert figure == (
        "**Fig. 1.1.** The $y$ of Fig. 1.1.\n\n"
        "<details><summary>In words</summary>A line.</details>"
    )
    assert then == "Then that.\n\n---\n\n<sup>1</sup> The $x$ of the note."
    row = "| `sum` | One and one | proved on this page | computed in 1 case |"
    assert f"{row} `slth claims verify sum` |" in ledger.replace("\N{NO-BREAK SPACE}", " ")
    assert references.count("\n- ") == 2
    assert "arxiv.org/abs/2006.07990" in references
    (picture,) = (cell.attachments for cell in made.cells if "attachments" in cell)
    assert list(picture) == ["ticket.svg"]


def is_what_ran(made: Any) -> None:
    install, parameters, _, shown, inside = (
        cell for cell in made.cells if cell.cell_type == "code"
    )
    assert parameters.source == "trials = 3\nseed = 1", "the values of the run that is shown"
    assert parameters.metadata == {"tags": ["parameters"]}
    assert shown.metadata == {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}
    assert inside.source == "2 + trials", "code in an exercise can be run"
    assert install.metadata.tags == ["install"]
    assert '%pip install --quiet "slth[chapters] @ git+https://github.com/' in install.source
    assert "secret" not in nbformat.writes(made).lower()
    assert all(not cell.outputs for cell in (install, parameters, shown, inside))


def is_published(published: Path, page: str) -> None:
    """Check what Binder and Colab get, and what the pages say of them."""
    requirements = (published / "requirements.txt").read_text().splitlines()
    assert requirements[0] == "--constraint constraints.txt"
    assert requirements[1].startswith("slth[notebook] @ git+https://github.com/Owner/name")
    readme = (published / "README.md").read_text()
    assert "1. [The title](01-a.ipynb)" in readme
    assert "2. [The other](02-b.ipynb)" in readme
    for address in (folder.colab("Owner/name", "01-a"), folder.binder("Owner/name", "01-a")):
        assert address in readme
        assert address in page
    assert folder.colab("a/b", "01-a").endswith("/github/a/b/blob/notebooks/01-a.ipynb")
    assert folder.binder("a/b", "01-a").endswith("/gh/a/b/notebooks?urlpath=lab/tree/01-a.ipynb")


def plain(text: str, **attributes: Any) -> str:
    """Return what the writer makes of reStructuredText on a page of a book without an address."""
    config = SimpleNamespace(numfig_format={})
    env: Any = SimpleNamespace(toc_fignumbers={}, config=config, srcdir="/")
    doctree = publish_doctree(text, settings_overrides={"report_level": 5})
    for message in list(doctree.findall(nodes.system_message)):
        message.parent.remove(message)
    for node in doctree.findall(nodes.reference):
        node["refuri"] = node["refuri"].removeprefix("page:")
    return Writer(env, "notebooks/01-a", "").text(doctree.children)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            r"a\*b \`c\` 2_3 d_e $5 x<y <z> ]( & &amp;",
            r"a\*b \`c\` 2_3 d_e \$5 x\<y \<z> \]( & \&amp;",
        ),
        (
            "end\n\\- no list\n\\# no title\n3\\. no number",
            "end\n\\- no list\n\\# no title\n3\\. no number",
        ),
        ("``a ` b``", "`` a ` b ``"),
        ("- a\n- b\n\n  1. c\n  2. d", "- a\n\n- b\n\n  1. c\n  2. d"),
        ("3. a\n#. b", "3. a\n4. b"),
        ("term\n  What it *is*.", "**term**\n\nWhat it *is*."),
        ("  quoted\n\n  twice", "> quoted\n>\n> twice"),
        (
            ".. math::\n\n   a % b\n   = c \\\\\n   d",
            r"$$\begin{aligned} a = c \\ d \end{aligned}$$",
        ),
        (".. math::\n\n   10\\% % why\n   x", r"$$10\% x$$"),
        (".. code:: sh\n\n   a ```` b", "`````\na ```` b\n`````"),
        (".. sidebar:: Head\n\n   Body.", "> **Head.**\n>\n> Body."),
        (".. rubric:: Head", "**Head**"),
        (".. compound::\n\n   a\n\n   b", "a\n\nb"),
        (".. comment", ""),
        (".. image:: a/b.png\n   :alt: A *b*.", "![A *b*.](attachment:b.png)"),
        (".. raw:: html\n\n   <b>", ""),
        (":field: value", "field\n\nvalue"),
        ("`there <page:02-b.html#x>`__", "[there](02-b.ipynb)"),
        ("`there <page:01-a.html#x>`__", "there"),
        ("`there <page:../book/claims.html#x>`__", "there"),
        ("`there <https://a.org/#x>`__", "[there](https://a.org/#x)"),
        ("=====  =====\na|b    ``|``\n=====  =====", "|  |  |\n| --- | --- |\n| a\\|b | `\\|` |"),
    ],
)
def test_nodes_become_plain_markdown(source: str, expected: str) -> None:
    assert plain(source) == expected


def test_the_same_cells_give_the_same_bytes() -> None:
    def made(middle: str) -> Any:
        return notebook.assembled([new_markdown_cell(one) for one in ("a", middle, "a")])

    first, second = (notebook.text(made("b")) for _ in range(2))
    assert first == second
    pairs = zip(made("b").cells, made("c").cells, strict=True)
    assert [one.id != other.id for one, other in pairs] == [False, True, False]
    assert len({cell.id for cell in made("b").cells}) == 3


def test_the_lint_sees_every_leftover() -> None:
    faulty = {
        "role": "A {glue:text}`x:.1f` here",
        "directive": "> ```{note}\n> x\n> ```",
        "colon fence": ":::\nx",
        "target": "(a-label)=",
        "comment": "% hidden",
        "option": ":label: x",
        "footnote": "see[^1]",
        "source link": "[x](02-b.md#there)",
        "glue": "It is (not computed).",
        "math label": "$$ (eq)",
        "nameless link": "[](x)",
        "split display": "> $$\n> x\n> $$",
    }
    assert set(faulty) == set(LEFTOVERS)
    for name, text in faulty.items():
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
        assert any(one.startswith(f"{name}:") for one in leftovers(made)), name
    fine = "Set $S=\\{1\\}$, {a}, `{code}`: [x](b.ipynb)\n\n$$x$$ (as above)"
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(fine)])
    assert leftovers(made) == []


RUN_INSTALL = """
import importlib.metadata, sys
from IPython.core.interactiveshell import InteractiveShell

shell, asked = InteractiveShell.instance(), []
shell.register_magic_function(asked.append, magic_name="pip")
if sys.argv[2] == "missing":
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    importlib.metadata.version = version
result = shell.run_cell(sys.argv[1])
print("asked", asked, type(result.error_in_exec).__name__)
"""


@pytest.mark.parametrize(
    ("state", "package", "answer"),
    [
        ("there", "slth @ git+https://x", "asked [] NoneType"),
        (
            "missing",
            "slth @ git+https://x",
            "asked ['install --quiet \"slth @ git+https://x\"'] None",
        ),
        ("missing", None, "asked [] ModuleNotFoundError"),
    ],
)
def test_the_first_cell_installs_only_what_is_missing(
    state: str, package: str | None, answer: str
) -> None:
    command = [sys.executable, "-c", RUN_INSTALL, notebook.installation(package), state]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer in done.stdout
    if package is None:
        assert "pip install PATH-TO-A-CLONE" in done.stdout


@pytest.fixture(scope="module")
def notebooks(built: Book) -> dict[str, Any]:
    """Return the clean notebooks that lie beside the built pages."""
    paths = sorted((built.html / "notebooks" / "clean").glob("*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_every_chapter_has_a_clean_notebook(built: Book, notebooks: dict[str, Any]) -> None:
    assert notebooks.keys() == built.collected["chapters"].keys()
    for name, made in notebooks.items():
        nbformat.validate(made)
        assert leftovers(made) == [], name
        code = [cell for cell in made.cells if cell.cell_type == "code"]
        assert all(not cell.outputs and cell.execution_count is None for cell in code), name
        assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1, name
        assert "PackageNotFoundError" in code[0].source, name
        assert made.metadata.kernelspec.name == "python3"
        text = (built.root / "notebooks" / f"{name}.md").read_text("utf-8")
        assert len(code) - 1 == len(re.findall(r"```\{code-cell\}", without_solutions(text))), name
        kept = nbformat.writes(made)
        for line in solution_lines(text):
            assert json.dumps(line, ensure_ascii=False)[1:-1] not in kept, f"{name}: {line}"
        page = parsed(built.html / "notebooks" / f"{name}.html")
        for number in page.select(".caption-number"):
            assert (
                number.find_parent(class_="solution") or f"**{number.get_text(strip=True)}" in kept
            )
    assert {"README.md", "requirements.txt", "runtime.txt", "constraints.txt"} <= {
        path.name for path in (built.html / "notebooks" / "clean").iterdir()
    }


SOLUTION = re.compile(
    r"^`{3,}\{solution-start\}.*?^`{3,}\{solution-end\}", re.MULTILINE | re.DOTALL
)


def without_solutions(text: str) -> str:
    """Return a chapter without its solutions, found by another way than the writer's."""
    return SOLUTION.sub("", text)


def solution_lines(text: str) -> Iterator[str]:
    """Yield the long lines that only solutions hold."""
    rest = without_solutions(text)
    for solution in SOLUTION.findall(text):
        yield from (line for line in solution.splitlines() if len(line) > 40 and line not in rest)


def pip(python: str | Path, *arguments: str, **variables: str) -> str:
    """Run pip and return what it says."""
    done = subprocess.run(
        [str(python), "-m", "pip", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def execute(python: str | Path, source: Path, folder: Path, **variables: str) -> Any:
    """Execute a notebook in an empty folder without network and return it with its outputs."""
    folder.mkdir()
    aside = folder.with_suffix(".ipynb")
    offline = dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [str(python), "-m", "papermill", str(source), str(aside), "--cwd", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "", **offline, **variables},
    )
    assert done.returncode == 0, f"{source.name}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    assert list(folder.iterdir()) == []
    return nbformat.read(aside, as_version=4)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it; the folder stands before all else on Python's path."""
    place = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(place / "dist"), str(ROOT))
    (built_wheel,) = (place / "dist").glob("*.whl")
    pip(
        sys.executable,
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(place / "site"),
        str(built_wheel),
    )
    where = subprocess.run(
        [sys.executable, "-c", "import slth; print(slth.__file__)"],
        env={**os.environ, "PYTHONPATH": str(place / "site")},
        cwd=place,
        check=True,
        capture_output=True,
        text=True,
    )
    assert where.stdout.strip() == str(place / "site" / "slth" / "__init__.py")
    return place / "site"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("*.md")))
def test_every_clean_notebook_runs_from_the_wheel(
    built: Book, wheel: Path, tmp_path: Path, name: str
) -> None:
    """In an empty folder, with nothing but the wheel; all its claims hold."""
    source = built.html / "notebooks" / "clean" / f"{name}.ipynb"
    done = execute(sys.executable, source, tmp_path / "empty", PYTHONPATH=str(wheel))
    recorded = [claims.Record.from_dict(one) for one in records(done)]
    registry = claims.load(wheel / "slth" / "registry")
    own = [one for one in registry.values() if one.chapter == name and one.unchecked is None]
    assert own
    verdicts = {one.id: judge(one, recorded) for one in own}
    expected = {one.id: "holds" if one.needs_control else "unchecked" for one in own}
    assert {key: verdict.outcome for key, verdict in verdicts.items()} == expected
    assert {one.claim for one in recorded} == set(expected)


@pytest.mark.slow
def test_the_wheel_verifies_claims_far_from_any_clone(wheel: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "slth", "claims", "verify", "solve-cost", "--profile", "fast"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "holds: every check bears it out" in done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return an address from which pip installs the working tree, as it would from GitHub."""
    place = tmp_path_factory.mktemp("clone")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes((ROOT / name).read_bytes())
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*author, "commit", "--quiet", "-m", "x"],
    ):
        subprocess.run(["git", *command], cwd=place, check=True, capture_output=True)
    return f"slth[chapters] @ git+file://localhost{place.as_posix()}"  # pip asks for a host


@pytest.mark.slow
def test_binders_environment_is_built_and_runs_a_notebook(
    built: Book, clone: str, tmp_path: Path
) -> None:
    """For real: a fresh environment from requirements.txt, a notebook in it, its first cell."""
    (tmp_path / "requirements.txt").write_text(folder.requirements(clone))
    (tmp_path / "constraints.txt").write_text((ROOT / "constraints.txt").read_text())
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip(python, "install", "--quiet", "--requirement", str(tmp_path / "requirements.txt"))
    source = built.html / "notebooks" / "clean" / "solving-subset-sums.ipynb"
    done = execute(python, source, tmp_path / "first")
    assert {one["claim"] for one in records(done)} >= {"solve-cost", "solve-true-optimum"}

    pip(python, "uninstall", "--yes", "slth")
    cells = [notebook.installation(clone), "import slth\nslth.__file__"]
    alone = notebook.assembled(list(map(nbformat.v4.new_code_cell, cells)))
    (tmp_path / "alone.ipynb").write_text(nbformat.writes(alone))
    again = execute(python, tmp_path / "alone.ipynb", tmp_path / "second")
    assert "site-packages" in again.cells[-1].outputs[-1].data["text/plain"]


@pytest.mark.slow
def test_the_conda_environment_is_what_pip_can_install() -> None:
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1]["pip"]
    arguments = [part for line in lines for part in line.split()]
    options = ["--dry-run", "--quiet", "--report", "-"]
    os.chdir(ROOT)
    report = json.loads(pip(sys.executable, "install", *options, *arguments))
    assert {one["metadata"]["name"] for one in report["install"]} == {"slth"}
