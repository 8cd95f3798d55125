"""The builder on tiny books: what must fail does, what is done is kept, nothing is done twice."""

import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal

import pytest
from bs4 import BeautifulSoup

from book.extension import claims_page
from book.make import build, ledger
from book.make.execute import Result
from book.make.project import BuildError, Project, chapter_digest, package_digest
from slth import claims
from slth.claims.rules import Outcome
from slth.claims.verdict import faults
from tests.book.conftest import TinyBook

CLAIM = """
{id}:
  source: this book
  title: The {id} claim
  statement: $1+1=2$
  known: proved on this page
  kind: computed
  relation: "=="
  control: a number is changed
"""


def cell(code: str, options: str = "") -> str:
    """Return a code cell."""
    return f"```{{code-cell}} ipython3\n{options}\n{dedent(code).strip()}\n```\n"


PARAMETERS = ":tags: [parameters]\n"
CHECK = cell("from slth import claims\nclaims.record('sum', measured=1 + 1, bound=2)")
CONTROL = cell("claims.control('sum', measured=1 + 2, bound=2);")


def test_every_failure_is_named_with_its_chapter(tiny: TinyBook) -> None:
    """One build, many faults: each chapter fails for its own reason, the good one is kept."""
    bodies = {
        "01-good": CHECK + CONTROL,
        "02-cell": cell("numerator = 1\nnumerator / 0"),
        "03-claim": cell("from slth import claims\nclaims.record('wrong', measured=3, bound=2)"),
        "04-passes": cell("from slth import claims\nclaims.control('weak', measured=2, bound=2)"),
    }
    homes = [("sum", "01-good"), ("wrong", "03-claim"), ("weak", "04-passes")]
    registry = {chapter: CLAIM.format(id=name) for name, chapter in homes}
    tiny.write({name: f"# {name}\n\n{body}" for name, body in bodies.items()}, registry)
    done = tiny.build("--execute-only")
    assert done.returncode == 1
    assert "chapter 02-cell: ZeroDivisionError: division by zero" in done.stderr
    assert "numerator / 0" in done.stderr
    assert "chapter 03-claim: claim 'wrong' does not hold: 3, claimed = 2" in done.stderr
    assert "chapter 04-passes: negative control of claim 'weak'" in done.stderr
    assert "01-good" not in done.stderr.split("The book is not built.")[1]
    assert tiny.result("01-good").is_file()
    assert not tiny.result("02-cell").is_file()


def result(chapter: str, *records: claims.Record) -> Result:
    """Return what a run of a chapter with these records would leave."""
    return Result(chapter, "digest", 1.0, {}, {}, tuple(one.as_dict() for one in records))


def test_the_ledger_must_be_complete() -> None:
    def stated(name: str, chapter: str, **rule: Any) -> claims.Claim:
        return claims.Claim(name, chapter, "s", "t", "s", "conjecture", **rule)

    homes = {
        "sum": "01-half",
        "silent": "01-half",
        "weak": "01-half",
        "old": "01-half",
        "elsewhere": "02-other",
        "lost": "07-nowhere",
    }
    registry = {
        name: stated(name, chapter, kind="computed", relation="==", control="c")
        for name, chapter in homes.items()
    }
    registry["open"] = stated("open", "01-half", unchecked="nobody knows")
    registry["picture"] = stated("picture", "01-half", kind="illustration")

    def made(claim: str, role: Literal["record", "control"], outcome: Outcome) -> claims.Record:
        bound = {"holds": 1, "fails": 2, "shown": None}[outcome]
        return claims.Record(claim, role, 1, bound, None, None, outcome)

    results = {
        "01-half": result(
            "01-half",
            made("sum", "record", "holds"),
            made("weak", "record", "holds"),
            made("weak", "control", "holds"),
            made("old", "record", "fails"),
            made("old", "control", "fails"),
            made("picture", "record", "shown"),
        ),
        "02-other": result(
            "02-other", made("sum", "record", "holds"), made("no", "record", "holds")
        ),
    }
    assert set(ledger.problems(registry, results, results)) == {
        "chapter 01-half: claim 'sum': it has no negative control",
        "chapter 01-half: claim 'silent': no result was collected",
        "chapter 01-half: claim 'silent': it has no negative control",
        "chapter 01-half: claim 'weak': a negative control does not fail",
        "chapter 01-half: claim 'old': a check does not bear it out",
        "chapter 02-other: claim 'elsewhere': no result was collected",
        "chapter 02-other: claim 'elsewhere': it has no negative control",
        "chapter 02-other: claim 'sum' is recorded here but belongs to chapter 01-half",
        "chapter 02-other: claim 'no' is recorded here but is not in the registry",
        "claim 'lost' names chapter 07-nowhere, which does not exist",
    }


@pytest.mark.parametrize(
    ("parameters", "fast", "profile", "message"),
    [
        ("n = 3", "{m: 4}", "fast", "chapter 01-a: unknown parameter m; it has n"),
        ("n = 3", "[n, 4]", "fast", "chapter 01-a: 'fast' maps parameters to values, got ['n', 4]"),
        ("n = 2 * 3", "{}", "full", "chapter 01-a: the parameters cell holds only lines like"),
        ("n: int = 3", "{}", "full", "not 'n: int = 3'"),
        ("import os", "{}", "full", "not 'import os'"),
    ],
)
def test_what_is_refused_before_anything_runs(
    tiny: TinyBook, parameters: str, fast: str, profile: str, message: str
) -> None:
    tiny.write({"01-a": f"# A\n\n{cell(parameters, PARAMETERS)}"}, fast={"01-a": fast})
    with pytest.raises(BuildError, match=re.escape(message)):
        build.build(Project(tiny.root), profile, [], 1, None, execute_only=True)
    assert not (tiny.root / "_build").exists()


def test_unknown_names_are_refused(tiny: TinyBook) -> None:
    tiny.write({"01-a": f"# A\n\n{cell('n = 3', PARAMETERS)}{cell('1', PARAMETERS)}"})
    project = Project(tiny.root)
    with pytest.raises(BuildError, match="chapter 01-a: 2 cells are tagged"):
        build.run_once(project, "full", "01-a", {"n": 4})
    tiny.write({"01-a": f"# A\n\n{cell('n = 3', PARAMETERS)}"})
    with pytest.raises(BuildError, match="chapter 01-a: unknown parameter m; it has n"):
        build.run_once(project, "full", "01-a", {"m": 4})
    with pytest.raises(BuildError, match=r"chapter 02-b: there is no notebooks/02-b\.md"):
        build.build(project, "full", ["02-b"], 1, None, execute_only=True)
    assert tiny.build("--set", "n=4").returncode == 1, "which chapter?"
    assert tiny.build("--chapter", "01-a", "--set", "n").returncode == 2, "which value?"


def test_the_digest_covers_all_that_results_depend_on(
    tiny: TinyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tiny.root)

    def digest(parameters: dict[str, int] | None = None, code: str = "n = 3") -> str:
        return chapter_digest(project, "01-a", [code], parameters or {}, [])

    seen = [digest(), digest({"n": 4}), digest(code="n = 5")]
    (tiny.root / "data").mkdir()
    (tiny.root / "data" / "table.csv").write_text("1,2")
    seen.append(digest())
    (tiny.root / "constraints.txt").write_text("numpy==0")
    seen.append(digest())

    package = tiny.root / "package"
    (package / "sub").mkdir(parents=True)
    (package / "sub" / "one.py").write_text("x = 1")
    monkeypatch.setattr("book.make.project.package_digest", lambda: package_digest(package))
    seen.append(digest())
    (package / "sub" / "one.py").write_text("x = 2")
    package_digest.cache_clear()
    seen.append(digest())
    (package / "sub" / "one.py").rename(package / "sub" / "two.py")
    package_digest.cache_clear()
    seen.append(digest())
    assert len(set(seen)) == len(seen)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "one.pyc").write_text("byte code")
    package_digest.cache_clear()
    assert digest() == seen[-1]


def test_interrupted_and_started_again(tiny: TinyBook) -> None:
    """What had finished is kept; what was running is run again."""
    slow = f"""
        import time
        from pathlib import Path
        while not Path({str(tiny.root / "go")!r}).exists():
            time.sleep(0.1)
    """
    tiny.write({"01-quick": "# Quick\n\n" + cell("1 + 1"), "02-slow": "# Slow\n\n" + cell(slow)})
    command = [sys.executable, "-m", "book.make.build", "--execute-only"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tiny.root)
    try:
        wait_for(tiny.result("01-quick"))
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "start again to continue" in messages
    first = tiny.result("01-quick").stat().st_mtime_ns
    assert not tiny.result("02-slow").exists()
    (tiny.root / "go").touch()
    assert tiny.build("--execute-only").returncode == 0
    assert tiny.result("01-quick").stat().st_mtime_ns == first
    assert tiny.result("02-slow").is_file()


def test_a_killed_build_leaves_nothing_running(tiny: TinyBook) -> None:
    """Not even the kernel of the chapter that ran."""
    endless = f"""
        import os, time
        from pathlib import Path
        new = Path({str(tiny.root / "new")!r})
        new.write_text(f"{{os.getpid()}} {{os.getppid()}}")
        new.rename(new.with_name("processes"))
        while True:
            time.sleep(0.1)
    """
    tiny.write({"01-endless": "# Endless\n\n" + cell(endless)})
    command = [sys.executable, "-m", "book.make.build", "--execute-only"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=tiny.root)
    try:
        wait_for(tiny.root / "processes")
        names = (tiny.root / "processes").read_text().split()
        running = [os.pidfd_open(int(name)) for name in names]
    finally:
        process.kill()
        process.wait()
    for one in running:
        ended, _, _ = select.select([one], [], [], 30)
        os.close(one)
        assert ended


def wait_for(path: Path, seconds: float = 60) -> None:
    """Wait until a file is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


CHAPTER = f"""# A chapter

{cell("trials = 7", PARAMETERS)}
{
    cell('''
    from slth.notebook import glue
    import numpy as np
    glue("rate", np.float64(trials) / 2)
''')
}
The rate is {{glue:text}}`rate:.1f`.

:::{{prf:theorem}} 9 (Sums)
:label: thm-sum
:nonumber:
One and one make two. {{claim}}`sum`
:::

{CHECK}{CONTROL}
By {{prf:ref}}`Theorem 9 <thm-sum>` we are done.
"""


def test_nothing_is_done_twice_and_every_change_counts(tiny: TinyBook) -> None:
    registry = {"01-a": CLAIM.format(id="sum") + "  label: thm-sum\n"}
    tiny.write({"01-a": CHAPTER}, registry, fast={"01-a": "{trials: 3}"})
    index = tiny.root / "_build" / "fast" / "html" / "book" / "index.html"
    page = index.parents[1] / "notebooks" / "01-a.html"

    done = tiny.build("--profile", "fast")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(index)
    text = page.read_text("utf-8")
    assert "1.5</span>" in text, "the fast profile's parameter reaches the cells and the prose"
    assert "trials</span> <span" in text
    assert "injected" not in text
    assert re.search(r"claim-badge claim-computed.*?claims/01-a\.html#claim-sum", text, re.DOTALL)

    ran, made = tiny.result("01-a", "fast").stat().st_mtime_ns, page.stat().st_mtime_ns
    again = tiny.build("--profile", "fast")
    assert again.stdout.splitlines() == ["Nothing changed.", str(index)]
    assert tiny.result("01-a", "fast").stat().st_mtime_ns == ran
    assert page.stat().st_mtime_ns == made

    (tiny.root / "slth" / "notebook.py").open("a").write("# a change of the package\n")
    ran = tiny.result("01-a", "fast").stat().st_mtime_ns
    assert tiny.build("--profile", "fast", "--execute-only").returncode == 0
    assert tiny.result("01-a", "fast").stat().st_mtime_ns > ran, "the package counts"

    ran, made = tiny.result("01-a", "fast").stat().st_mtime_ns, page.stat().st_mtime_ns
    hidden = CHAPTER.replace(CHECK, CHECK.replace("ipython3\n", "ipython3\n:tags: [hide-input]\n"))
    changed = {"01-a": hidden + "\nMore prose.\n"}
    tiny.write(changed, registry, fast={"01-a": "{trials: 3}"})
    assert tiny.build("--profile", "fast").returncode == 0
    assert "More prose." in page.read_text("utf-8")
    assert "tag_hide-input" in page.read_text("utf-8"), "options of cells run no cell either"
    assert page.stat().st_mtime_ns > made
    assert tiny.result("01-a", "fast").stat().st_mtime_ns == ran, "prose alone runs no cell"

    tiny.write({"01-a": CHAPTER}, registry, fast={"01-a": "{trials: 4}"})
    assert tiny.build("--profile", "fast").returncode == 0
    assert "2.0</span>" in page.read_text("utf-8")
    assert tiny.result("01-a", "fast").stat().st_mtime_ns > ran

    stored = json.loads(tiny.result("01-a", "fast").read_text("utf-8"))
    assert (stored["parameters"], stored["overrides"]) == ({"trials": 7}, {"trials": 4})

    # The command in the page's footer is true, and leaves the book alone.
    command = re.search(r"python -m book\.make\.build --chapter \S+ --set \S+", visible(page))
    assert command is not None
    once = tiny.build(*shlex.split(command.group())[3:])
    assert once.returncode == 0, once.stderr
    assert "— holds." in once.stdout
    assert "control fails, as it must" in once.stdout
    assert (tiny.root / "_build" / "runs" / "01-a.ipynb").is_file()
    assert not tiny.result("01-a").exists()

    # So is the command on the page of its claims.
    ledger = visible(page.parents[1] / "book" / "claims" / "01-a.html")
    command = re.search(r"slth claims verify \S+", ledger)
    assert command is not None
    one = subprocess.run(
        [sys.executable, "-m", *shlex.split(command.group())],
        cwd=tiny.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert one.returncode == 0, one.stderr
    assert "holds: every check bears it out, every control fails" in one.stdout


FORGED = "a record contradicts its numbers"


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("record('sum', measured=3, bound=2)", "a check does not bear it out"),
        ("control('sum', measured=2, bound=2)", "a negative control does not fail"),
        ("record('sum', measured=2, bound=2).as_dict() | {'bound': 3}", FORGED),
    ],
)
def test_build_command_and_ledger_agree_on_a_tampered_record(
    tiny: TinyBook, check: str, words: str
) -> None:
    """A chapter that silences a check or forges a record runs to its end; nobody believes it."""
    silenced = f"""
        from contextlib import suppress
        from IPython.display import display
        from slth import claims
        with suppress(claims.ClaimFailed):
            made = claims.{check}
            if isinstance(made, dict):
                display({{claims.MIME: made}}, raw=True)
    """
    tiny.write(
        {"01-a": "# A\n\n" + CHECK + cell(silenced) + CONTROL}, {"01-a": CLAIM.format(id="sum")}
    )
    project = Project(tiny.root)
    claim = claims.load(project.registry)["sum"]
    with pytest.raises(BuildError, match=f"^chapter 01-a: claim 'sum': {words}$"):
        build.build(project, "full", [], 1, None, execute_only=True)
    stored = json.loads(tiny.result("01-a").read_text("utf-8"))
    recorded = [claims.Record.from_dict(one) for one in stored["records"]]
    assert faults(claim, recorded) == (words,)
    assert f"not checked, because {words}" in claims_page.entry(claim, recorded, {"sum": claim})
    again = subprocess.run(
        [sys.executable, "-m", "slth", "claims", "verify", "sum", "--json"],
        cwd=tiny.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 1, again.stderr
    (verdict,) = json.loads(again.stdout)
    assert (verdict["outcome"], verdict["reason"]) == ("fails", words)


def visible(page: Path) -> str:
    """Return the text of a page."""
    return str(BeautifulSoup(page.read_text("utf-8"), "html.parser").get_text())


def test_strict_pages(tiny: TinyBook) -> None:
    """A statement without a claim, an unknown claim, a wrong label, a dead reference: all fail."""
    statement = ":::{{prf:{kind}}} {title}\n:label: {label}\n:nonumber:\nWords. {badge}\n:::\n\n"
    text = "# A\n\n" + "".join(
        statement.format(kind=kind, title=label, label=label, badge=badge)
        for kind, label, badge in [
            ("theorem", "bare", ""),
            ("lemma", "unknown", "{claim}`nothing`"),
            ("corollary", "swapped", "{claim}`sum`"),
            ("lemma", "guessed", "{claim}`guess`"),
            ("definition", "free", ""),
        ]
    )
    text += "See {ref}`nowhere`.\n\n" + cell("import sys; print('careful', file=sys.stderr)")
    guess = CLAIM.format(id="guess").partition("  known")[0]
    guess += "  known: conjecture\n  unchecked: nobody knows how\n"
    registry = {"01-a": CLAIM.format(id="sum") + "  label: thm-sum\n" + guess}
    tiny.write({"01-a": text + CHECK + CONTROL}, registry)
    done = tiny.build()
    assert done.returncode == 1
    assert "chapter 01-a" in done.stderr.split("The book is not built.")[1]
    for warning in (
        "theorem 'bare' has no claim",
        "no claim 'nothing' in book/claims/",
        "corollary 'swapped' carries claim 'sum', whose label is 'thm-sum'",
        "lemma 'guessed' is not proved; call it an observation",
        "claim 'sum': no theorem has the label 'thm-sum'",
        "undefined label: 'nowhere'",
        "stderr was found in the cell outputs",
    ):
        assert warning in done.stderr
    assert "'free'" not in done.stderr
    assert not (tiny.root / "_build" / "full" / "html").exists()

    preview = tiny.build("--chapter", "01-a")
    assert preview.returncode == 0, "a preview shows the warnings and the page"
    assert "theorem 'bare' has no claim" in preview.stderr
    assert Path(preview.stdout.splitlines()[-1]).is_file()


def test_a_plain_jupyter_book_build_works(tiny: TinyBook) -> None:
    """A fresh clone builds without the builder; the pages say what is missing."""
    registry = {"01-a": CLAIM.format(id="sum") + "  label: thm-sum\n"}
    tiny.write({"01-a": CHAPTER}, registry)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", "-W", "-n"],
        cwd=tiny.root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SLTH_CLAIMS": str(tiny.root / "book" / "claims")},
    )
    assert done.returncode == 0, done.stderr
    html = tiny.root / "_build" / "html"
    assert "3.5" in visible(html / "notebooks" / "01-a.html")
    assert "executed by jupyter-book build itself" in visible(html / "notebooks" / "01-a.html")
    assert "did not collect results" in visible(html / "book" / "claims.html")
    ledger = visible(html / "book" / "claims" / "01-a.html")
    assert "not checked, because no result was collected" in ledger
